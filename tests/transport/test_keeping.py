"""Connections that outlive their sessions: whose they are, and what becomes of a session when one has gone."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from cpescript.cwmp.http import HttpRequest
from cpescript.cwmp.manner import Manner, dressed
from cpescript.transport import authority
from cpescript.transport.connection import Connection, _refused
from cpescript.transport.heads import Heads
from cpescript.transport.holding import Holding
from cpescript.transport.keeping import RESERVE, Keeping, descriptors
from cpescript.transport.options import WireOptions
from cpescript.transport.tls import server_context
from tests.transport.scripted_wire import BRIEF, OK, SMALL, Talk, World, request

Make = Callable[..., World]
SECOND = 10**9
KEPT, SHARED = WireOptions(connections="kept"), WireOptions(connections="shared")


def post(connection: str = "session") -> HttpRequest:
    return dressed(HttpRequest((), b"<a/>"), Manner(connection))


def one_after_the_other(world: World, *talks: Talk) -> None:
    """Open each session when the one before is over: ten virtual seconds apart."""
    for at, talk in enumerate(talks):
        world.kernel.at(10 * at * SECOND, talk.device, world.wire.open, talk)
    world.run()


def over(*talks: Talk) -> bool:
    return all(talk.log[-1] == "over" for talk in talks)


@pytest.fixture
def kept(make_world: Make) -> World:
    return make_world(options=KEPT)


# --- Whose connection it is -------------------------------------------------------------------------------------------


def test_a_device_keeps_its_connection_where_its_profile_says_so(world: World) -> None:
    url = world.answering(OK)
    talks = [Talk(url, post("keep"), post("keep")) for _ in range(3)]
    one_after_the_other(world, *talks)
    assert over(*talks)
    assert world.accepted == 1
    one_after_the_other(world, Talk(url, post("keep"), number=2))
    assert (world.accepted, len(world.wire.keeping)) == (2, 2)


@pytest.mark.parametrize(("connection", "accepted"), [("session", 1), ("keep", 1), ("post", 4)])
def test_all_devices_keep_theirs_but_those_that_close_after_each_post(
    kept: World, connection: str, accepted: int
) -> None:
    url = kept.answering(OK)
    talks = [Talk(url, post(connection), post(connection)) for _ in range(2)]
    one_after_the_other(kept, *talks)
    assert over(*talks)
    assert kept.accepted == accepted


def test_shared_connections_go_to_whoever_comes_next(make_world: Make) -> None:
    world = make_world(options=SHARED)
    url = world.answering(OK)
    talks = [Talk(url, post(), post(), number=number) for number in range(1, 6)]
    one_after_the_other(world, *talks)
    assert over(*talks)
    assert world.accepted == 1


def test_no_more_shared_connections_than_sessions_at_once(make_world: Make) -> None:
    world = make_world(options=SHARED, in_flight=3)
    url = world.answering(OK)
    world.run(*(Talk(url, number=number) for number in range(1, 31)))
    assert world.accepted == len(world.wire.keeping) == 3


def test_a_device_that_has_booted_has_no_connection_left(kept: World) -> None:
    url = kept.answering(OK)
    booted = Talk(url)
    booted.afresh = True
    one_after_the_other(kept, Talk(url), booted)
    assert (kept.accepted, len(kept.wire.keeping)) == (2, 1)


def test_a_boot_is_none_of_a_shared_connection(make_world: Make) -> None:
    world = make_world(options=SHARED)
    url = world.answering(OK)
    booted = Talk(url)
    booted.afresh = True
    one_after_the_other(world, Talk(url), booted)
    assert world.accepted == 1


def test_a_device_that_turns_elsewhere_closes_its_connection(kept: World) -> None:
    here, there = kept.answering(OK), kept.answering(OK)
    one_after_the_other(kept, Talk(here), Talk(there), Talk(here))
    assert (kept.accepted, len(kept.wire.keeping)) == (3, 1)


def test_a_session_that_does_not_end_in_order_ends_its_connection(kept: World) -> None:
    class Broken(Talk):
        def receive(self, response: Any) -> Any:
            self.log.append("given up")

    one_after_the_other(kept, Broken(kept.answering(OK)))
    assert len(kept.wire.keeping) == 0


@pytest.mark.parametrize("answer", [OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1), OK + OK])
def test_what_cannot_be_used_again_is_not_kept(kept: World, answer: bytes) -> None:
    one_after_the_other(kept, Talk(kept.answering(answer)))
    assert len(kept.wire.keeping) == 0


# --- When it has gone -------------------------------------------------------------------------------------------------


def meanwhile(world: World, act: Callable[[], object]) -> None:
    """Act while nobody speaks, and wait until no connection is kept any more."""

    async def wait() -> None:
        act()
        while len(world.wire.keeping):
            await asyncio.sleep(0.001)

    world.kernel.at(5 * SECOND, Talk("").device, lambda _: world.wire.run_job(wait(), lambda _: None))


def held_by(world: World) -> tuple[str, list[asyncio.StreamWriter]]:
    """Answer everything; return the URL, and the ACS's ends of the connections as they come."""
    writers: list[asyncio.StreamWriter] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while await request(reader) is not None:
            writer.write(OK)

    return world.serve(handler), writers


def test_a_connection_that_the_acs_closes_while_nobody_speaks_is_forgotten(kept: World) -> None:
    url, writers = held_by(kept)
    talks = [Talk(url), Talk(url)]
    meanwhile(kept, lambda: writers[0].close())
    one_after_the_other(kept, *talks)
    assert over(*talks)
    assert (kept.accepted, kept.wire.keeping.anew) == (2, 0)


def test_octets_that_nobody_asked_for_end_a_kept_connection(kept: World) -> None:
    url, writers = held_by(kept)
    talks = [Talk(url), Talk(url)]
    meanwhile(kept, lambda: writers[0].write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"))
    one_after_the_other(kept, *talks)
    assert [talk.log for talk in talks] == [[(200, b"ok"), "over"]] * 2
    assert kept.accepted == 2


def closing_the_kept(world: World, *, reset: bool = False, octets: bytes = b"") -> str:
    """Serve one request of each connection; the second is read, and the connection closed."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(OK)
        await request(reader)
        writer.write(octets)
        if reset:
            linger = b"\x01\0\0\0\0\0\0\0"
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    return world.serve(handler)


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("connections", ["kept", "shared"])
def test_a_session_whose_kept_connection_dies_begins_anew(make_world: Make, connections: Any, reset: bool) -> None:
    world = make_world(options=WireOptions(connections=connections))
    url = closing_the_kept(world, reset=reset)
    talks = [Talk(url), Talk(url), Talk(url)]
    one_after_the_other(world, *talks)
    assert [talk.log for talk in talks] == [[(200, b"ok"), "over"]] * 3
    assert (world.accepted, world.wire.keeping.anew) == (3, 2)
    assert [each.errors for each in world.wire.latencies.figures()] == [{}]


def test_once_an_octet_of_an_answer_has_come_the_session_is_cut(kept: World) -> None:
    url = closing_the_kept(kept, octets=b"H")
    talks = [Talk(url), Talk(url)]
    one_after_the_other(kept, *talks)
    assert talks[1].log == ["cut"]
    assert (kept.accepted, kept.wire.keeping.anew) == (1, 0)


def test_the_second_request_of_a_session_is_not_sent_again(kept: World) -> None:
    served = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        while await request(reader) is not None:
            served += 1
            if served == 3:
                return
            writer.write(OK)

    url = kept.serve(handler)
    talks = [Talk(url), Talk(url, post(), post())]
    one_after_the_other(kept, *talks)
    assert talks[1].log == [(200, b"ok"), "cut"]
    assert (served, kept.wire.keeping.anew) == (3, 0)


@pytest.mark.parametrize("late", [False, True], ids=["at once", "when the next request is there"])
def test_an_acs_that_closes_after_each_answer_without_saying_so_costs_no_session(world: World, late: bool) -> None:
    served = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += await request(reader) is not None
        writer.transport.pause_reading()
        writer.write(OK)
        peer = writer.get_extra_info("socket").fileno()
        while late and not select.select([peer], [], [], 0)[0]:
            await asyncio.sleep(0.001)

    url = world.serve(handler)
    talks = [Talk(url, post(), post(), post(), number=number) for number in range(1, 11)]
    world.run(*talks)
    assert {str(talk.log) for talk in talks} == {str([(200, b"ok")] * 3 + ["over"])}
    assert (world.accepted, served) == (30, 30)
    assert not late or world.wire.keeping.anew == 20


@pytest.mark.parametrize("read", [False, True])
def test_what_the_peer_had_not_read_when_it_closed_is_known(read: bool) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.create_connection(server.getsockname()) as ours:
            theirs, _ = server.accept()
            if read:
                ours.sendall(b"POST")
                assert theirs.recv(4, socket.MSG_WAITALL) == b"POST"
            theirs.close()
            if not read:
                ours.sendall(b"POST")
            assert ours.recv(1) == b""
            transport = Mock(get_extra_info={"socket": ours}.get)
            assert _refused(transport) is not read
    assert not _refused(transport), "a socket that is closed says nothing"
    assert not _refused(None)


def test_a_new_connection_that_dies_is_the_session_s_failure(kept: World) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)

    talk = Talk(kept.serve(handler))
    one_after_the_other(kept, talk)
    assert talk.log == ["cut"]


def test_a_kept_connection_that_falls_silent_is_a_time_out(kept: World) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(OK)
        await asyncio.sleep(60)

    url = kept.serve(handler)
    talks = [Talk(url), Talk(url)]
    kept.kernel.at(5 * SECOND, talks[0].device, lambda _: setattr(kept.wire, "_limits", BRIEF))
    one_after_the_other(kept, *talks)
    assert talks[1].log == ["timeout"]
    assert kept.accepted == 1


# --- How many ---------------------------------------------------------------------------------------------------------


def test_the_longest_idle_goes_where_descriptors_are_short(kept: World) -> None:
    kept.wire.keeping.most = 3
    url = kept.answering(OK)
    one_after_the_other(kept, *(Talk(url, number=number) for number in (1, 2, 3, 4, 5, 4, 5)))
    assert (kept.accepted, kept.wire.keeping.early, len(kept.wire.keeping)) == (5, 3, 2)
    one_after_the_other(kept, Talk(url, number=1))
    assert kept.accepted == 6, "the first was closed long ago"


def test_without_a_descriptor_to_spare_sessions_go_on(kept: World) -> None:
    kept.wire.keeping.most = 0
    url = kept.answering(OK)
    talks = [Talk(url, number=number) for number in (1, 2, 3)]
    one_after_the_other(kept, *talks)
    assert over(*talks)


@pytest.mark.parametrize(("limit", "most"), [(1024, 1024 - RESERVE), (20, 0), (-1, 2**63 - 1)])
def test_some_descriptors_are_left_to_others(limit: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (limit, limit))
    assert descriptors() == most


def test_what_was_aborted_in_this_very_turn_is_not_taken() -> None:
    closed: list[Any] = []
    keeping = Keeping("kept", lambda connection, place: closed.append(connection))
    connection = Connection(SMALL, print, lambda: 0.0, Heads(), Holding(1 << 20))
    keeping.give(1, ("192.0.2.1", 80, False), connection)
    connection.data_received(b"unasked")
    assert keeping.take(1, ("192.0.2.1", 80, False)) is None
    assert closed == [connection]


def test_at_the_end_all_are_closed(kept: World) -> None:
    url = kept.answering(OK)
    one_after_the_other(kept, *(Talk(url, number=number) for number in (1, 2, 3)))
    assert len(kept.wire.keeping) == 3
    kept.wire.loop.run_until_complete(kept.wire._farewell())
    assert len(kept.wire.keeping) == 0


def test_the_end_waits_for_sockets_that_take_their_time_to_close(world: World) -> None:
    class Slow:
        stands = True

        def abort(self) -> None:
            world.wire.loop.call_later(0.03, setattr, self, "stands", False)

    slow = Slow()
    world.wire._leaving.add(slow)  # type: ignore[arg-type]
    world.wire.loop.run_until_complete(world.wire._farewell())
    assert not slow.stands


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("certificates", "accepted"), [(False, 1), (True, 2)])
def test_who_shows_a_certificate_shares_with_nobody(
    make_world: Make, tmp_path: Path, certificates: bool, accepted: int
) -> None:
    authority.new(tmp_path)
    context = server_context(authority.server(tmp_path, ["127.0.0.1"]))
    options = WireOptions(
        connections="shared", tls_ca=tmp_path / "ca.pem", tls_client_certs=tmp_path if certificates else None
    )
    world = make_world(options=options)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await request(reader) is not None:
            writer.write(OK)

    url = world.serve(handler, ssl=context).replace("http:", "https:")
    talks = [Talk(url, number=number) for number in (1, 2, 1, 2)]
    one_after_the_other(world, *talks)
    assert over(*talks)
    assert world.accepted == accepted
