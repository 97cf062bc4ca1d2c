"""Who may wake a device, and what follows."""

from __future__ import annotations

from typing import Any

import pytest

from cpescript.cwmp.digest import Challenge, authorization, parse_challenge
from cpescript.cwmp.http import HttpRequest
from cpescript.cwmp.nonces import KEPT, LIFE
from cpescript.device.blocks import ConnectionRequest
from cpescript.kernel.time import SECOND
from cpescript.quirks import catalogue
from tests.cwmp.world import (
    MS,
    World,
)

FIRST = ("0 BOOTSTRAP", "1 BOOT")

GET = HttpRequest((), b"", "GET", "/k3y")


def knock(world: World, username: str = "acs", password: str = "knock", count: int = 1) -> int:
    """Return the status that a client with these credentials ends up with."""
    agent = world.devices[-1].agent
    first = agent.connection_request(GET)
    challenge = parse_challenge(first.all("WWW-Authenticate"))
    if challenge is None:
        return first.status
    header = authorization(challenge, username, password, "GET", "/k3y", count, "c")
    return agent.connection_request(HttpRequest((("Authorization", header),), b"", "GET", "/k3y")).status


def test_a_connection_request_leads_to_a_session(world: World) -> None:
    world.device()
    assert knock(world) == 200
    assert len(world.informs()) == 1
    world.run(0)
    assert world.informs()[1:] == [(0, ("6 CONNECTION REQUEST",))]


def test_only_who_knows_the_password_and_the_path_is_heard(world: World) -> None:
    agent = world.device()
    assert knock(world, password="wrong") == 401
    assert knock(world, username="other") == 401
    assert agent.connection_request(HttpRequest((), b"", "GET", "/guess")).status == 404
    assert agent.connection_request(HttpRequest((), b"", "POST", "/k3y")).header("Allow") == "GET"
    agent.device.write(f"{MS}ConnectionRequestUsername", "", "device")
    nobody = agent.connection_request(GET)
    assert (nobody.status, nobody.headers) == (401, ())
    world.run(1)
    assert len(world.informs()) == 1


def test_a_recorded_request_is_of_no_use(world: World) -> None:
    agent = world.device()
    challenge = parse_challenge(agent.connection_request(GET).all("WWW-Authenticate"))
    assert challenge is not None
    recorded = HttpRequest(
        (("Authorization", authorization(challenge, "acs", "knock", "GET", "/k3y", 1, "c")),), b"", "GET", "/k3y"
    )
    assert agent.connection_request(recorded).status == 200
    again = agent.connection_request(recorded)
    assert (again.status, "stale=true" in str(again.header("WWW-Authenticate"))) == (401, True)
    world.run(400)
    late = parse_challenge(agent.connection_request(GET).all("WWW-Authenticate"))
    assert late is not None
    world.run(301)
    header = authorization(late, "acs", "knock", "GET", "/k3y", 1, "c")
    assert agent.connection_request(HttpRequest((("Authorization", header),), b"", "GET", "/k3y")).status == 401


def asked(agent: Any, came: int | None = None) -> str:
    """Call without a proof; return the nonce of the challenge."""
    challenge = parse_challenge(agent.connection_request(GET, came).all("WWW-Authenticate"))
    assert challenge is not None
    return challenge.nonce


def proved(agent: Any, nonce: str, count: int = 1, came: int | None = None) -> tuple[int, bool]:
    """Call with the right proof; return the status, and whether the nonce is said to be stale."""
    header = authorization(Challenge("digest", "hg100", nonce, "auth"), "acs", "knock", "GET", "/k3y", count, "c")
    response = agent.connection_request(HttpRequest((("Authorization", header),), b"", "GET", "/k3y"), came)
    return response.status, "stale=true" in str(response.header("WWW-Authenticate"))


def test_callers_at_the_same_time_do_not_spoil_each_other_s_proofs(world: World) -> None:
    agent = world.device()
    first, second = asked(agent), asked(agent)
    assert first != second
    assert proved(agent, first) == (200, False)
    assert proved(agent, second) == (200, False)
    assert proved(agent, first) == (401, True), "each is good once"
    assert proved(agent, first, count=2) == (200, False), "or as often as its count grows"
    assert proved(agent, second, count=1) == (401, True)


def test_a_flood_of_challenges_makes_nobody_s_challenge_void(world: World) -> None:
    agent = world.device()
    nonce = asked(agent)
    work = agent.work()
    for _ in range(1000):
        asked(agent)
    assert proved(agent, nonce) == (200, False)
    assert len(work.nonces._used) == 1, "nothing is kept of a nonce that nobody has used"


def test_of_the_nonces_that_were_used_some_are_remembered_and_older_ones_are_no_good(world: World) -> None:
    agent = world.device()
    waiting, later = asked(agent), [asked(agent) for _ in range(KEPT + 1)]
    assert {proved(agent, nonce) for nonce in later} == {(200, False)}
    assert {proved(agent, nonce) for nonce in later} == {(401, True)}, "a replay, remembered or not"
    assert proved(agent, waiting) == (401, True)
    assert len(agent.work().nonces._used) == KEPT


@pytest.mark.parametrize(
    "spoil",
    [
        lambda nonce: "",
        lambda nonce: "abc",
        lambda nonce: nonce[:-1],
        lambda nonce: nonce + "0",
        lambda nonce: nonce.upper(),
        lambda nonce: "9" * 10_000,
        lambda nonce: "\u0661" * 48,
        lambda nonce: f"{5:016x}{nonce[16:]}",
        lambda nonce: f"{nonce[:16]}{10**9:016x}{nonce[32:]}",
    ],
)
def test_a_nonce_that_was_never_given_is_stale(world: World, spoil: Any) -> None:
    agent = world.device()
    nonce = asked(agent, 5 * 10**9)
    assert spoil(nonce) != nonce
    assert proved(agent, spoil(nonce), came=5 * 10**9) == (401, True)
    assert proved(agent, nonce, came=5 * 10**9) == (200, False)


def test_a_nonce_of_an_earlier_run_is_stale() -> None:
    before, now = World().device(), World().device()
    nonce = asked(before, 5 * SECOND)
    assert proved(now, nonce, came=6 * SECOND) == (401, True)
    assert asked(now, 5 * SECOND) != nonce, "that was the challenge of the wrong proof"


def test_the_life_of_a_nonce_goes_by_the_clock_of_the_callers(world: World) -> None:
    agent = world.device()
    nonce = asked(agent, 7 * SECOND)
    world.run(40 * 86400)
    assert proved(agent, nonce, came=8 * SECOND) == (200, False), "a moment later, as its caller lives"
    nonce = asked(agent, 9 * SECOND)
    assert proved(agent, nonce, came=9 * SECOND + LIFE) == (401, True), "no virtual time has gone by"
    nonce = asked(agent, 9 * SECOND)
    assert proved(agent, nonce, came=8 * SECOND) == (401, True), "of a time that has not come yet"


def test_many_requests_are_one_session_and_one_more_if_one_is_under_way(world: World) -> None:
    agent = world.device()
    slow = catalogue()["slow-cpe"].make({})
    agent.add_hook(slow)
    assert [knock(world) for _ in range(3)] == [200] * 3
    world.run(10)
    assert [knock(world) for _ in range(3)] == [200] * 3
    world.run(200)
    assert [codes for _, codes in world.informs()] == [FIRST] + [("6 CONNECTION REQUEST",)] * 2


def test_the_throttle_window() -> None:
    plain = World().schema.connection_request
    world = World(
        connection_request=ConnectionRequest("basic", "hg100", 30 * SECOND, plain.credentials),
    )
    agent = world.device()
    right = HttpRequest((("Authorization", "Basic YWNzOmtub2Nr"),), b"", "GET", "/k3y")
    assert agent.connection_request(GET).header("WWW-Authenticate") == 'Basic realm="hg100"'
    assert agent.connection_request(right).status == 200
    world.run(10.5)
    refused = agent.connection_request(right)
    assert (refused.status, refused.header("Retry-After")) == (503, "20")
    world.run(20)
    assert agent.connection_request(right).status == 200


def test_without_a_scheme_anybody_is_heard() -> None:
    world = World(connection_request=ConnectionRequest())
    agent = world.device()
    assert agent.connection_request(GET).status == 200


def test_a_proof_belongs_to_the_user_that_it_names(world: World) -> None:
    agent = world.device()
    challenge = parse_challenge(agent.connection_request(GET).all("WWW-Authenticate"))
    assert challenge is not None
    proof = authorization(challenge, "acs", "knock", "GET", "/k3y", 1, "c").replace('"acs"', '"other"')
    assert agent.connection_request(HttpRequest((("Authorization", proof),), b"", "GET", "/k3y")).status == 401
