"""Where a device can be called, and calls without a wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.cwmp import digest
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.transport.calls import connect, resolve, token_path

SEED = 42
NONCE = "abc"


@dataclass
class Gateway:
    """A device that asks for a Digest, as TR-069 3.2.2 has it."""

    number: int
    listening: bool = True
    status: int = 204
    seen: list[Any] = field(default_factory=list)
    came: list[int | None] = field(default_factory=list)

    @property
    def agent(self) -> Gateway:
        return self

    @property
    def cpe_id(self) -> str:
        return f"cpe-{self.number}"

    def connection_request(self, request: HttpRequest, came: int | None) -> HttpResponse:
        self.seen.append(request)
        self.came.append(came)
        proof = digest.parse_authorization(request.header("Authorization") or "")
        if proof is None or not digest.verify(proof, "acs", "secret", "GET", "cpe"):
            return HttpResponse(401, (("WWW-Authenticate", digest.digest_challenge("cpe", NONCE)),))
        return HttpResponse(self.status)


FLEET = {number: Gateway(number) for number in (1, 2, 17)}


def test_the_path_of_a_device() -> None:
    path = token_path(SEED, FLEET[17])
    assert path.startswith("/17-")
    assert len(path) == len("/17-") + 16
    assert path == token_path(SEED, Gateway(17))
    assert path != token_path(SEED + 1, FLEET[17])
    assert path[4:] != token_path(SEED, FLEET[1])[3:]


def test_paths_lead_to_their_device() -> None:
    for device in FLEET.values():
        path = token_path(SEED, device)
        assert resolve(SEED, path, FLEET.get) is device
        assert resolve(SEED, path + "?x=1", FLEET.get) is device


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path[:-1],
        lambda path: path + "0",
        lambda path: path.replace("17", "1"),
        lambda path: path.replace("17", "017"),
        lambda path: path.replace("17", "+17"),
        lambda path: path.replace("17", "\u0661\u0667"),
        lambda path: path.replace("17", "1\u00b2"),
        lambda path: path.replace("17", "9" * 5000),
        lambda path: path.replace("17", "3"),
        lambda path: path.upper(),
        lambda path: path + "/",
    ],
)
def test_other_paths_lead_nowhere(spoil: Any) -> None:
    good = token_path(SEED, FLEET[17])
    assert spoil(good) != good
    assert resolve(SEED, spoil(good), FLEET.get) is None


@given(st.text())
def test_no_text_is_too_strange(path: str) -> None:
    device = resolve(SEED, path, FLEET.get)
    assert device is None or path.partition("?")[0].removeprefix("/") == token_path(SEED, device)[1:]


@pytest.mark.parametrize(
    ("status", "password", "outcome"),
    [(200, "secret", "ok"), (204, "secret", "ok"), (503, "secret", "busy"), (500, "secret", "error")],
)
def test_a_call_answers_the_challenge(status: int, password: str, outcome: str) -> None:
    device = Gateway(1, status=status)
    url = "http://127.0.0.1:7547" + token_path(SEED, device)
    assert connect(SEED, url, "acs", password, {1: device}.get) == outcome
    assert [request.header("Authorization") is not None for request in device.seen] == [False, True]
    assert [request.method for request in device.seen] == ["GET", "GET"]


def test_a_call_with_the_wrong_password_asks_twice_and_no_more() -> None:
    device = Gateway(1)
    url = "http://127.0.0.1:7547" + token_path(SEED, device)
    assert connect(SEED, url, "acs", "wrong", {1: device}.get) == "unauthorized"
    assert len(device.seen) == 2


def test_a_dark_device_refuses() -> None:
    device = Gateway(1, listening=False)
    url = "http://127.0.0.1:7547" + token_path(SEED, device)
    assert connect(SEED, url, "acs", "secret", {1: device}.get) == "refused"
    assert device.seen == []


def test_a_call_to_nobody_is_an_error() -> None:
    assert connect(SEED, "http://127.0.0.1:7547/1-0000000000000000", "acs", "secret", FLEET.get) == "error"


def test_calls_are_the_same_in_each_run() -> None:
    first, second = Gateway(1), Gateway(1)
    for device in (first, second):
        connect(SEED, "http://h" + token_path(SEED, device), "acs", "secret", {1: device}.get)
    assert first.seen[1].headers == second.seen[1].headers
