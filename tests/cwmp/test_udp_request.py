"""Connection requests by datagram: the signature, what is no request, and which one a device heeds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.cwmp import connection_request, udp_request
from cpescript.device.blocks import ConnectionRequest, CredentialPaths
from cpescript.kernel.time import SECOND
from cpescript.quirks.catalogue import catalogue
from tests.cwmp.world import MS, World

AT = "203.0.113.9:3400"


def call(username: str = "acs", password: str = "knock", ts: int = 7, id: int = 1, cnonce: str = "c0de") -> bytes:
    return udp_request.build(AT, username, password, ts, id, cnonce)


def statuses(world: World) -> list[tuple[str, int]]:
    return [(fact["via"], fact["status"]) for fact in world.facts("ConnectionRequest")]


def test_the_example_of_the_annex() -> None:
    octets = call()
    head = octets.decode().split("\r\n")[0]
    assert head.startswith(f"GET http://{AT}?ts=7&id=1&un=acs&cn=c0de&sig=")
    assert head.endswith(" HTTP/1.1")
    request = udp_request.parse(octets)
    assert request is not None
    assert (request.ts, request.id, request.username, request.signed) == (7, 1, "acs", "71acsc0de")
    assert len(request.signature) == 40


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(TEXT, TEXT, st.integers(0, 2**40), st.integers(0, 2**40), TEXT)
def test_who_knows_the_password_proves_it(username: str, password: str, ts: int, id: int, cnonce: str) -> None:
    request = udp_request.parse(udp_request.build(AT, username, password, ts, id, cnonce))
    assert request is not None
    assert (request.ts, request.id, request.username) == (ts, id, username)
    assert request.proves(password)
    assert not request.proves(password + "x")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("GET", "POST"),
        ("HTTP/1.1", "HTTP/2"),
        ("ts=7", "ts=seven"),
        ("ts=7", "ts=-7"),
        ("ts=7", f"ts={'7' * 21}"),
        ("id=1", "id=1&id=2"),
        ("&un=acs", ""),
        ("cn=c0de", "cn="),
        ("\r\n", "\n"),
        ("http://", "http://["),
        ("Host", "H" * udp_request.MOST_OCTETS),
        ("Host", "H\u00f6st"),
    ],
)
def test_what_is_no_request(old: str, new: str) -> None:
    assert udp_request.parse(call().decode().replace(old, new).encode()) is None


@given(st.binary(max_size=200))
def test_no_datagram_is_too_strange(octets: bytes) -> None:
    request = udp_request.parse(b"GET " + octets)
    assert request is None or not request.proves("knock")


def take(world: World, octets: bytes, last: tuple[int, int] = (-1, -1)) -> tuple[int, int]:
    request = udp_request.parse(octets)
    assert request is not None
    return connection_request.take(world.devices[-1].agent, request, last)


def test_a_datagram_leads_to_one_session_however_many_copies_come(world: World) -> None:
    world.device()
    last = (-1, -1)
    for _ in range(3):
        last = take(world, call(), last)
    assert last == (7, 1)
    world.run(1)
    assert [events for _, events in world.informs()[1:]] == [("6 CONNECTION REQUEST",)]
    assert statuses(world) == [("udp", 200)]


@pytest.mark.parametrize(
    ("ts", "id", "heeded"), [(7, 2, True), (8, 0, True), (7, 1, False), (7, 0, False), (6, 9, False)]
)
def test_only_a_newer_one_is_heeded(world: World, ts: int, id: int, heeded: bool) -> None:
    world.device()
    assert take(world, call(ts=ts, id=id), (7, 1)) == ((ts, id) if heeded else (7, 1))
    world.run(1)
    assert len(world.informs()) == 1 + heeded


def test_only_who_knows_the_password_is_heard(world: World) -> None:
    agent = world.device()
    for octets in (call(password="guess"), call(username="other")):
        assert take(world, octets) == (-1, -1)
    agent.device.write(f"{MS}ConnectionRequestUsername", "", "device")
    assert take(world, call()) == (-1, -1)
    world.run(1)
    assert len(world.informs()) == 1
    assert statuses(world) == [("udp", 401)] * 3


def test_a_dark_device_hears_nothing(world: World) -> None:
    agent = world.device()
    agent.power_off()
    assert take(world, call()) == (-1, -1)
    assert statuses(world) == []


def test_the_throttle_window_holds_for_datagrams() -> None:
    paths = CredentialPaths(f"{MS}ConnectionRequestUsername", f"{MS}ConnectionRequestPassword")
    world = World(connection_request=ConnectionRequest("digest", "hg100", 30 * SECOND, paths))
    world.device()
    take(world, call())
    take(world, call(id=2))
    world.run(1)
    assert statuses(world) == [("udp", 200), ("udp", 503)]


def test_quirks_hold_for_datagrams_too(world: World) -> None:
    agent = world.device()
    hook: Any = catalogue()["cr-ignored"].make({})
    agent.add_hook(hook)
    take(world, call())
    world.run(1)
    assert len(world.informs()) == 1
