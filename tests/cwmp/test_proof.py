"""Proofs that last: the fast ways say what the plain ones do, and a nonce holds for later sessions where it may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.cwmp.digest import (
    Challenge,
    Proof,
    _hashed,
    _strongest,
    authorization,
    digest_challenge,
    parse_authorization,
    parse_challenge,
    verify,
)
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.cwmp.message import Message
from tests.cwmp.world import MS, Reply, World, spv

TEXTS = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), max_size=12)
CHALLENGES = st.builds(
    Challenge,
    st.just("digest"),
    TEXTS,
    TEXTS,
    st.sampled_from(["auth", "auth-int", ""]),
    st.none() | TEXTS,
    st.sampled_from([None, "MD5", "md5", "MD5-sess", "SHA-256", "SHA-256-sess"]),
)


@given(CHALLENGES, TEXTS, TEXTS, st.lists(st.sampled_from(["/", "/cwmp?a=b"]), min_size=1, max_size=4), TEXTS)
def test_a_proof_says_what_the_plain_way_says(
    challenge: Challenge, username: str, password: str, uris: list[str], nonce: str
) -> None:
    proof = Proof(challenge, username, password)
    for used, uri in enumerate(uris, 1):
        plain = authorization(challenge, username, password, "POST", uri, used, f"c{used}", b"body")
        assert proof.answer("POST", uri, f"c{used}", b"body") == plain
    renewed = challenge._replace(nonce=nonce)
    plain = authorization(renewed, username, password, "POST", "/", 1, "c")
    assert proof.renewed(nonce).answer("POST", "/", "c") == plain


def test_a_lengthy_realm_is_answered_and_not_kept() -> None:
    _hashed.cache_clear()
    # What is asked for, and the login where the realm is short enough.
    for length, kept in ((1025, 1), (1024, 2)):
        challenge = Challenge("digest", "r" * length, "n", "auth")
        plain = authorization(challenge, "cpe", "s", "POST", "/", 1, "c")
        assert Proof(challenge, "cpe", "s").answer("POST", "/", "c") == plain
        assert _hashed.cache_info().currsize == kept


PIECES = st.lists(
    st.sampled_from(
        ['realm="r"', 'nonce="', "nonce=n", 'opaque="o\\"', '"', ", ", "Digest ", "Basic ", "qop=auth", "\\", 'x="a']
    ),
    max_size=6,
).map("".join)


@given(PIECES, st.lists(st.text("ab,=\\ ", max_size=4), min_size=1, max_size=4), PIECES)
def test_a_challenge_that_is_known_but_for_its_nonce_is_read_as_any_other(
    before: str, nonces: list[str], after: str
) -> None:
    for nonce in nonces:
        header = f'Digest {before}, nonce="{nonce}"{after}'
        assert parse_challenge([header]) == _strongest([header])
        header = f'{before}nonce="{nonce}"{after}'
        assert parse_challenge([header]) == _strongest([header])


# --- Nonces that are kept ---------------------------------------------------------------------------------------------


class Guard:
    """An ACS that asks for a Digest, and notes each request: its nonce with its count, or nothing."""

    def __init__(self, world: World) -> None:
        self.nonce, self.password, self.realm = "n1", "secret", "acs"
        self.seen: list[tuple[str, int] | None] = []
        world.acs.overrule = self

    def __call__(self, request: HttpRequest, message: Message | None) -> Reply | None:
        proof = parse_authorization(request.header("Authorization") or "")
        self.seen.append((proof.nonce, proof.count) if proof is not None else None)
        if proof is not None and proof.nonce == self.nonce and verify(proof, "cpe", self.password, "POST", self.realm):
            return None
        stale = proof is not None and proof.nonce != self.nonce
        return HttpResponse(401, (("WWW-Authenticate", digest_challenge(self.realm, self.nonce, stale=stale)),))


@pytest.fixture
def keeping() -> World:
    return World(extension={"http": {"nonce": "keep"}})


def again(world: World) -> str:
    """Have the device hold another session; returns how it ended."""
    world.devices[0].agent.inform()
    world.run(0)
    return world.facts("SessionEnd")[-1]["outcome"]


def test_a_device_that_keeps_the_nonce_is_challenged_once(keeping: World) -> None:
    guard = Guard(keeping)
    keeping.device()
    assert [again(keeping), again(keeping)] == ["done", "done"]
    assert guard.seen == [None, *(("n1", count) for count in range(1, 7))]


@pytest.mark.parametrize("manner", [{}, {"http": {"nonce": "session"}}])
def test_a_device_as_usual_waits_to_be_challenged(manner: dict[str, dict[str, str]]) -> None:
    world = World(extension=manner)
    guard = Guard(world)
    world.device()
    assert again(world) == "done"
    assert guard.seen == [None, ("n1", 1), ("n1", 2)] * 2


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://acs.example", "/"),
        ("http://acs.example?who=cpe", "/?who=cpe"),
        ("http://acs.example/cwmp?who=cpe", "/cwmp?who=cpe"),
    ],
)
def test_a_proof_is_of_what_the_request_asks_for(world: World, url: str, asked: str) -> None:
    uris: list[str | None] = []

    def guard(request: HttpRequest, message: Message | None) -> Reply | None:
        proof = parse_authorization(request.header("Authorization") or "")
        uris.append(proof.fields["uri"] if proof is not None and proof.fields is not None else None)
        return None if proof is not None else HttpResponse(401, (("WWW-Authenticate", digest_challenge("r", "n")),))

    world.acs_url, world.acs.overrule = url, guard
    world.device()
    assert uris[:2] == [None, asked]


def test_a_nonce_that_is_stale_by_the_next_session_is_replaced(keeping: World) -> None:
    guard = Guard(keeping)
    keeping.device()
    guard.nonce = "n2"
    guard.seen.clear()
    assert again(keeping) == "done"
    assert guard.seen == [("n1", 3), ("n2", 1), ("n2", 2)]


def test_a_boot_forgets_the_nonce(keeping: World) -> None:
    guard = Guard(keeping)
    agent = keeping.device()
    guard.seen.clear()
    agent.reboot()
    keeping.run(600)
    assert guard.seen[0] is None


def test_another_acs_is_told_nothing_of_the_nonce(keeping: World) -> None:
    guard = Guard(keeping)
    agent = keeping.device()
    guard.seen.clear()
    agent.device.write(f"{MS}URL", "http://other.example/cwmp")
    keeping.run(600)
    assert guard.seen[0] is None


def test_a_session_that_failed_leaves_no_nonce(keeping: World) -> None:
    guard = Guard(keeping)
    keeping.device()
    guard.password = "another"
    assert again(keeping) == "http"
    guard.password = "secret"
    guard.seen.clear()
    assert again(keeping) == "done"
    assert guard.seen[0] is None


def test_a_session_that_is_challenged_anew_answers_with_the_credentials_that_it_began_with(world: World) -> None:
    guard = Guard(world)

    def overrule(request: HttpRequest, message: Message | None) -> Reply | None:
        if message is not None and message.kind == "SetParameterValuesResponse":
            guard.nonce = "n2"
        return guard(request, message)

    world.acs.overrule = overrule
    world.acs.script = [spv((f"{MS}Password", "changed"))]
    world.device()
    assert guard.seen[-2:] == [("n1", 3), ("n2", 1)]
    assert world.facts("SessionEnd")[-1]["outcome"] == "done"


@pytest.mark.parametrize("manner", ["keep", "session"])
def test_new_credentials_go_with_the_next_session(manner: str) -> None:
    world = World(extension={"http": {"nonce": manner}})
    guard = Guard(world)
    world.acs.script = [spv((f"{MS}Password", "changed"))]
    world.device()
    assert world.facts("SessionEnd")[-1]["outcome"] == "done", "the session goes on with those that it began with"
    guard.password = "changed"
    guard.seen.clear()
    assert again(world) == "done"
    assert (guard.seen[0] is None) is (manner == "session")
