"""Basic and Digest: the examples of the RFCs, and both ends against each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cpescript.cwmp.digest import (
    Challenge,
    authorization,
    basic_challenge,
    digest_challenge,
    digest_response,
    parse_authorization,
    parse_challenge,
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


def test_digest_goes_before_basic_and_what_cannot_be_answered_is_left() -> None:
    digest, sha = digest_challenge("r", "n"), 'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"'
    assert parse_challenge([basic_challenge("r"), digest]) == parse_challenge([digest])
    assert parse_challenge([sha, basic_challenge("r")]) == Challenge("basic", "r")
    assert parse_challenge([sha, 'Digest realm="r", nonce="n", qop="auth-int"', "Bearer"]) is None


def test_nonsense_is_nobody() -> None:
    for header in ("", "Basic", "Basic !!", "Basic aGk=", "Digest", 'Digest username="x"', "Bearer abc"):
        assert parse_authorization(header) is None
