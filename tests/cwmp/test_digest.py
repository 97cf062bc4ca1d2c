"""Basic and Digest: the examples of the RFCs, and both ends against each other."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.cwmp.digest import (
    Challenge,
    Credentials,
    authorization,
    basic_challenge,
    digest_challenge,
    digest_response,
    next_nonce,
    parse_authorization,
    parse_challenge,
    unanswerable,
    verify,
)

PRINTABLE = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), max_size=20)


def test_the_example_of_rfc_2617() -> None:
    response = digest_response(
        "Mufasa", "Circle Of Life", "testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "GET",
        "/dir/index.html", nc="00000001", cnonce="0a4f113b",
    )  # fmt: skip
    assert response == "6629fae49393a05397450978507c4ef1"


def test_the_example_of_rfc_7616_with_md5() -> None:
    response = digest_response(
        "Mufasa", "Circle of Life", "http-auth@example.org", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "GET",
        "/dir/index.html", nc="00000001", cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )  # fmt: skip
    assert response == "8ca523f5e9506fed4657c9700eebdbec"


@given(
    PRINTABLE.filter(lambda name: ":" not in name),
    PRINTABLE,
    PRINTABLE,
    st.sampled_from(["", "auth"]),
    st.integers(1, 9),
)
def test_a_client_convinces_a_server_that_knows_the_password(
    username: str, password: str, realm: str, qop: str, count: int
) -> None:
    asked = Challenge("digest", realm, "n0nce", qop, "0paque")
    header = authorization(asked, username, password, "POST", "/cwmp?x=1", count, "c")
    credentials = parse_authorization(header)
    assert credentials is not None
    assert credentials.nonce == "n0nce"
    assert credentials.count == (count if qop else 0)
    assert verify(credentials, username, password, "POST", realm)
    assert not verify(credentials, username, password + "x", "POST", realm)
    assert not verify(credentials, username, password, "GET", realm)
    assert not verify(credentials, username, password, "POST", realm + "x")


@given(PRINTABLE, st.booleans())
def test_a_challenge_is_read_back(realm: str, stale: bool) -> None:
    challenge = parse_challenge([digest_challenge(realm, "abc", "o", stale)])
    assert challenge == Challenge("digest", realm, "abc", "auth", "o", "MD5", stale)


def test_basic() -> None:
    challenge = parse_challenge([basic_challenge("acs")])
    assert challenge == Challenge("basic", "acs")
    credentials = parse_authorization(authorization(challenge, "cpe", "a:b", "POST", "/"))
    assert credentials is not None
    assert verify(credentials, "cpe", "a:b", "POST")
    assert not verify(credentials, "cpe", "a", "POST")


@given(st.sampled_from(["Basic", "Digest", "Bearer", ""]), st.text(st.characters(max_codepoint=255), max_size=40))
def test_any_header_is_read_or_makes_no_sense(scheme: str, rest: str) -> None:
    credentials = parse_authorization(f"{scheme} {rest}")
    assert credentials is None or credentials.scheme == scheme.lower()


@pytest.mark.parametrize(
    "rest", ["ÿ", "////", "=", base64.b64encode(b"\xff:x").decode(), base64.b64encode(b"x").decode()]
)
def test_basic_that_makes_no_sense(rest: str) -> None:
    assert parse_authorization(f"Basic {rest}") is None


@pytest.mark.parametrize(
    ("uri", "target", "made"),
    [
        ("/a?b=c", "/a?b=c", True),
        ("/a", "/b", False),
        ("/a", "", True),
        ("http://192.0.2.1:7547/a?b", "/a?b", True),
        ("http://192.0.2.1:7547/a?b", "/a", False),
        ("http://192.0.2.1:7547", "/", True),
        ("http://[", "/", False),
        ("", "/", False),
    ],
)
def test_a_proof_is_for_the_target_that_it_names(uri: str, target: str, made: bool) -> None:
    assert Credentials("digest", "acs", fields={"uri": uri}).made_for(target) is made
    assert Credentials("basic", "acs").made_for(target)


def test_digest_goes_before_basic_and_what_cannot_be_answered_is_left() -> None:
    digest, sha = digest_challenge("r", "n"), 'Digest realm="r", nonce="n", algorithm=SHA-512-256, qop="auth"'
    assert parse_challenge([basic_challenge("r"), digest]) == parse_challenge([digest])
    assert parse_challenge([sha, basic_challenge("r")]) == Challenge("basic", "r")
    assert parse_challenge([sha, 'Digest realm="r", nonce="n", qop="auth-conf"', "Bearer"]) is None


def test_a_line_may_hold_several_challenges() -> None:
    basic, digest = basic_challenge('say "a, Digest b=c"'), digest_challenge("r", "n", stale=True)
    bearer = 'Bearer, Negotiate abc==, NTLM ,, x  realm = "y"'
    sha = 'Digest realm="r", nonce="n", algorithm=SHA-512-256'
    alone = parse_challenge([digest])
    for parts in ([basic, digest], [digest, basic], [bearer, sha, digest], [sha, basic, bearer, digest]):
        assert parse_challenge([", ".join(parts)]) == alone
    assert parse_challenge([f"{bearer}, {sha} , {basic}"]) == Challenge("basic", 'say "a, Digest b=c"')
    assert parse_challenge(['Digest realm="no end, Digest nonce="n"']) is None
    assert unanswerable([f"Bearer realm=x, {sha}"]) == (
        "the scheme 'Bearer' is not known; the Digest algorithm 'SHA-512-256' is not known"
    )


def test_nonsense_is_nobody() -> None:
    for header in ("", "Basic", "Basic !!", "Basic aGk=", "Digest", 'Digest username="x"', "Bearer abc"):
        assert parse_authorization(header) is None


def test_the_example_of_rfc_7616_with_sha_256() -> None:
    response = digest_response(
        "Mufasa", "Circle of Life", "http-auth@example.org", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "GET",
        "/dir/index.html", nc="00000001", cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", algorithm="SHA-256",
    )  # fmt: skip
    assert response == "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"


def test_a_session_key_of_sha_256() -> None:
    def of(text: str) -> str:
        return sha256(text.encode()).hexdigest()

    secret = of(of("u:r:p") + ":n:c")
    wanted = of(f"{secret}:n:00000001:c:auth:" + of("POST:/"))
    found = digest_response("u", "p", "r", "n", "POST", "/", nc="00000001", cnonce="c", algorithm="SHA-256-sess")
    assert found == wanted


@given(
    st.sampled_from([None, "MD5", "MD5-sess", "SHA-256", "SHA-256-sess"]),
    st.sampled_from(["", "auth", "auth-int"]),
    st.binary(max_size=20),
)
def test_both_ends_agree_on_every_algorithm(algorithm: str | None, qop: str, body: bytes) -> None:
    asked = Challenge("digest", "r", "n", qop, None, algorithm)
    proof = parse_authorization(authorization(asked, "cpe", "secret", "POST", "/", 1, "c", body=body))
    assert proof is not None
    assert verify(proof, "cpe", "secret", "POST", "r", body)
    assert not verify(proof, "cpe", "other", "POST", "r", body)
    assert verify(proof, "cpe", "secret", "POST", "r", body + b"x") is (qop != "auth-int")
    # Who does not have the body cannot check a proof that is made of it.
    assert verify(proof, "cpe", "secret", "POST", "r") is (qop != "auth-int")


def test_the_weaker_qop_is_answered_where_both_are_offered() -> None:
    offered = ['Digest realm="r", nonce="n", qop="auth-int,auth"']
    assert (parse_challenge(offered) or Challenge("basic")).qop == "auth"
    only = ['Digest realm="r", nonce="n", qop="auth-int"']
    assert (parse_challenge(only) or Challenge("basic")).qop == "auth-int"


def test_what_cannot_be_answered_says_why() -> None:
    assert unanswerable([]) == "no WWW-Authenticate"
    assert unanswerable(['Digest realm="r", nonce="n", algorithm=ROT13']) == "the Digest algorithm 'ROT13' is not known"
    assert unanswerable(["Negotiate"]) == "the scheme 'Negotiate' is not known"
    assert unanswerable(['Digest realm="r"']) == "a Digest without nonce"
    assert unanswerable(['Digest realm="r", nonce="n", qop="auth-conf"']) == "no qop of 'auth-conf' is known"


def test_the_next_nonce() -> None:
    assert next_nonce('nextnonce="n2", qop=auth') == "n2"
    assert next_nonce("qop=auth") is None
