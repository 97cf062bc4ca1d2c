"""Who may open a session: challenges, proofs, replays."""

from __future__ import annotations

import pytest

from cpescript.acs.policy import read_policy
from cpescript.acs.server import Acs
from cpescript.cwmp.digest import Challenge, authorization, parse_challenge
from cpescript.cwmp.http import HttpResponse
from cpescript.kernel.time import HOUR
from tests.acs.cpe import Cpe


def acs_of(authentication: str) -> Acs:
    policy, bag = read_policy(f"extends: default\nauthentication: {authentication}", "p.yaml")
    assert policy is not None, bag.render()
    return Acs(policy, seed=42)


DIGEST = '{scheme: digest, realm: lab, users: {admin: s3cret}, device: {username: "{serial}", password: "{secret}"}}'


@pytest.fixture
def cpe() -> Cpe:
    return Cpe(acs_of(DIGEST))


def challenge(response: HttpResponse) -> Challenge:
    assert response.status == 401
    found = parse_challenge(response.all("WWW-Authenticate"))
    assert found is not None
    return found


def prove(
    cpe: Cpe, username: str, password: str, count: int = 1, uri: str = "/acs", given: Challenge | None = None
) -> Challenge:
    given = given or challenge(cpe.inform("0 BOOTSTRAP"))
    cpe.authorization = authorization(given, username, password, "POST", uri, count, "c0ffee")
    return given


def test_nothing_is_asked_where_the_policy_asks_for_nothing() -> None:
    assert Cpe(Acs()).inform("1 BOOT").status == 200


def test_the_challenge_is_what_devices_can_answer(cpe: Cpe) -> None:
    first, second = (challenge(cpe.inform("1 BOOT")) for _ in range(2))
    assert (first.scheme, first.realm, first.qop, first.algorithm) == ("digest", "lab", "auth", "MD5")
    assert first.nonce != second.nonce
    assert not cpe.acs.records


def test_a_right_proof_opens_a_session_and_the_cookie_carries_it(cpe: Cpe) -> None:
    prove(cpe, "admin", "s3cret")
    assert cpe.inform("0 BOOTSTRAP").status == 200
    cpe.authorization = None
    assert len(cpe.go_on()) == 1


def test_a_devices_own_credentials_are_good_for_that_device_only(cpe: Cpe) -> None:
    secret = cpe.acs.decisions.secret(cpe.key)
    other = Cpe(cpe.acs, "HG000002")
    prove(other, cpe.key.serial, secret)
    assert other.inform("1 BOOT").status == 401
    prove(cpe, cpe.key.serial, secret)
    assert cpe.inform("1 BOOT").status == 200


@pytest.mark.parametrize(
    ("username", "password"), [("admin", "wrong"), ("nobody", "s3cret"), ("", ""), ("HG000001", "s3cret")]
)
def test_a_wrong_proof_is_asked_again(cpe: Cpe, username: str, password: str) -> None:
    prove(cpe, username, password)
    assert cpe.inform("1 BOOT").status == 401
    assert not cpe.acs.records


def test_a_proof_is_good_once(cpe: Cpe) -> None:
    given = prove(cpe, "admin", "s3cret")
    assert cpe.inform("1 BOOT").status == 200
    assert cpe.inform("1 BOOT").status == 401
    prove(cpe, "admin", "s3cret", count=2, given=given)
    assert cpe.inform("1 BOOT").status == 200


def test_a_stranger_cannot_use_up_a_nonce(cpe: Cpe) -> None:
    given = prove(cpe, "admin", "guess", count=9)
    assert cpe.inform("1 BOOT").status == 401
    prove(cpe, "admin", "s3cret", given=given)
    assert cpe.inform("1 BOOT").status == 200


def test_a_nonce_of_somebody_elses_is_refused(cpe: Cpe) -> None:
    given = challenge(cpe.inform("1 BOOT"))
    invented = Challenge("digest", given.realm, "0" * 32, given.qop, None, given.algorithm)
    prove(cpe, "admin", "s3cret", given=invented)
    assert cpe.inform("1 BOOT").status == 401


def test_a_nonce_lives_for_an_hour(cpe: Cpe) -> None:
    prove(cpe, "admin", "s3cret")
    cpe.acs.advance(HOUR)
    assert cpe.inform("1 BOOT").status == 401


@pytest.mark.parametrize(
    ("uri", "status"), [("/acs", 200), ("http://acs.example/acs", 200), ("/other", 401), ("http://[", 401), ("", 401)]
)
def test_a_proof_is_for_the_request_that_carries_it(cpe: Cpe, uri: str, status: int) -> None:
    prove(cpe, "admin", "s3cret", uri=uri)
    assert cpe.inform("1 BOOT").status == status


@pytest.mark.parametrize(
    "header", ["", "Digest", "Basic !", "Basic YWRtaW46czNjcmV0", "Digest " + "x" * 9_000, "\udcff", "ä"]
)
def test_headers_that_make_no_sense(cpe: Cpe, header: str) -> None:
    cpe.authorization = header
    assert cpe.inform("1 BOOT").status == 401


def test_basic() -> None:
    cpe = Cpe(acs_of("{scheme: basic, users: {admin: s3cret}}"))
    given = challenge(cpe.inform("1 BOOT"))
    assert given.scheme == "basic"
    for password, status in (("wrong", 401), ("s3cret", 200), ("s3cret", 200)):
        cpe.authorization = authorization(given, "admin", password, "POST", "/acs")
        assert cpe.inform("1 BOOT").status == status


def test_a_flood_of_challenges_is_bounded(cpe: Cpe) -> None:
    authenticator = cpe.acs._authenticator
    first = challenge(authenticator.challenge(0)).nonce
    for _ in range(66_000):
        authenticator.challenge(0)
    assert len(authenticator._nonces) <= 65_536
    assert first not in authenticator._nonces
