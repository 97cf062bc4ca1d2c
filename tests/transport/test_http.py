"""The fleet's HTTP client against servers that behave, misbehave, stall and cut."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from cpescript.cwmp.http import HttpRequest
from cpescript.transport.base import Interrupted, Limits, LocalShortage, RealLimitReached, Watch
from cpescript.transport.http import HttpWire
from cpescript.transport.pacing import BoundPace, VirtualPace
from tests.transport.scripted_wire import BRIEF, OK, SMALL, Talk, World, request

POST = HttpRequest((("SOAPAction", ""),), b"<a/>")
EMPTY = HttpRequest((), b"")
RESET = b"\x01\0\0\0\0\0\0\0"
"""SO_LINGER on, zero seconds: closing sends an RST."""


def test_a_session_keeps_its_connection(world: World) -> None:
    talk = Talk(world.answering(OK), POST, EMPTY, POST)
    world.run(talk)
    assert talk.log == [(200, b"ok")] * 3 + ["over"]
    assert world.accepted == 1


def test_each_session_has_a_connection_of_its_own(world: World) -> None:
    url = world.answering(OK)
    talks = [Talk(url, POST, EMPTY, number=number) for number in (1, 2, 3)]
    world.run(*talks)
    assert [talk.log[-1] for talk in talks] == ["over"] * 3
    assert world.accepted == 3


def test_the_request_as_it_goes_out(world: World) -> None:
    seen: list[Any] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (one := await request(reader)) is not None:
            seen.append(one)
            writer.write(OK)

    url = world.serve(handler)
    world.run(Talk(url + "/x?y=1", POST, EMPTY))
    host = url.split("/")[2]
    assert seen == [
        (f"POST /acs/x?y=1 HTTP/1.1\r\nHost: {host}\r\nSOAPAction: \r\nContent-Length: 4\r\n\r\n", b"<a/>"),
        (f"POST /acs/x?y=1 HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n", b""),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad",  # More than was asked for: not to be trusted again.
    ],
)
def test_a_new_connection_where_the_old_one_is_of_no_use(world: World, answer: bytes) -> None:
    talk = Talk(world.answering(answer, OK), POST, EMPTY)
    world.run(talk)
    assert talk.log == [(200, b"ok"), (200, b"ok"), "over"]
    assert world.accepted == 2


def test_a_connection_closed_between_two_requests_is_made_anew(world: World) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(OK)

    # The wait gives the server's FIN the time to come.
    talk = Talk(world.serve(handler), POST, 9 * 10**9, EMPTY)
    ping = Talk(world.answering(OK), number=2)
    world.kernel.at(5 * 10**9, ping.device, world.wire.open, ping)
    world.run(talk)
    assert talk.log == [(200, b"ok"), (200, b"ok"), "over"]
    assert world.accepted == 3


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: v\r\n\r\n", b"abc"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    ],
)
def test_ways_to_answer(world: World, answer: bytes, body: bytes) -> None:
    talk = Talk(world.answering(answer), POST, EMPTY)
    world.run(talk)
    assert talk.log == [(200, body), (200, body), "over"]
    assert world.accepted == 1


def test_a_body_without_length_ends_with_the_connection(world: World) -> None:
    talk = Talk(world.answering(b"HTTP/1.1 200 OK\r\n\r\nall of it", then_close=True), POST, EMPTY)
    world.run(talk)
    assert talk.log == [(200, b"all of it"), (200, b"all of it"), "over"]


def test_a_body_without_length_that_ends_in_a_reset_is_cut(world: World) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nnot all of it")
        await asyncio.sleep(0.05)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    talk = Talk(world.serve(handler))
    world.run(talk)
    assert talk.log == ["cut"]


def test_an_answer_in_single_octets(world: World) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        for octet in OK:
            writer.write(bytes([octet]))
            await writer.drain()
            await asyncio.sleep(0)

    talk = Talk(world.serve(handler))
    world.run(talk)
    assert talk.log == [(200, b"ok"), "over"]


@pytest.mark.parametrize("reset", [False, True])
def test_cut_at_every_octet(make_world: Callable[..., World], reset: bool) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
    world = make_world()
    cuts = [*range(len(answer))]

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await request(reader)
        assert head is not None
        writer.write(answer[: int(head[1])])
        if reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    url = world.serve(handler)
    talks = [Talk(url, HttpRequest((), str(cut).encode()), number=cut + 1) for cut in cuts]
    world.run(*talks)
    assert [talk.log for talk in talks] == [["cut"]] * len(cuts)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http(world: World, answer: bytes) -> None:
    talk = Talk(world.answering(answer))
    world.run(talk)
    assert talk.log == ["http"]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"Set-Cookie: a=b\r\n" * 5_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"a" * 70_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 70_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"a" * 140_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"a" * 70_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 6_000,
    ],
)
def test_more_than_is_taken(world: World, answer: bytes) -> None:
    talk = Talk(world.answering(answer))
    world.run(talk)
    assert talk.log == ["too-large"]


def test_an_endless_body_is_cut_off(world: World) -> None:
    sent = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"a" * 10_000)
            sent += 10_000
            await writer.drain()

    talk = Talk(world.serve(handler))
    world.run(talk)
    assert talk.log == ["too-large"]
    assert sent < 100 * SMALL.body


@pytest.mark.parametrize("drip", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"])
def test_silence_and_slow_octets_end_in_a_time_out(make_world: Callable[..., World], drip: bytes) -> None:
    world = make_world(limits=BRIEF)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(drip)
        while True:
            await asyncio.sleep(0.06)
            if drip:
                writer.write(b"a")
                await writer.drain()

    talk = Talk(world.serve(handler))
    world.run(talk)
    assert talk.log == ["timeout"]


def test_a_connection_that_never_stands_ends_in_a_time_out(make_world: Callable[..., World]) -> None:
    world = make_world(limits=Limits(connect=0.3))
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        # A backlog that is full takes no further SYN.
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        talk = Talk(f"http://127.0.0.1:{port}/")
        world.run(talk)
        for filler in fillers:
            filler.close()
    assert talk.log == ["timeout"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{closed}/",
        "ftp://127.0.0.1/",
        "nonsense",
        "http://",
        "http://[::1/",
        "http://h:99999/",
        "http://a..b/",
    ],
)
def test_nobody_there(world: World, url: str) -> None:
    # The port stays bound, so that nobody else comes to listen at it.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        talk = Talk(url.format(closed=bound.getsockname()[1]))
        world.run(talk)
    assert talk.log == ["refused"]


def test_https_to_a_server_that_speaks_none(world: World) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await reader.read()

    talk = Talk(world.serve(handler).replace("http:", "https:"))
    world.run(talk)
    assert talk.log == ["tls"]


@pytest.mark.parametrize("at_once", [False, True])
def test_at_most_so_many_in_flight(make_world: Callable[..., World], at_once: bool) -> None:
    world = make_world(in_flight=3)
    now = most = 0
    all_are_there = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        await request(reader)
        now += 1
        most = max(most, now)
        if now == 3:
            all_are_there.set()
        await all_are_there.wait()
        await asyncio.sleep(0.01)  # For one too many to come.
        now -= 1
        writer.write(OK)

    url = world.serve(handler)
    talks = [Talk(url, number=number) for number in range(1, 13)]
    if at_once:
        world.kernel.at(0, talks[0].device, lambda _: [world.wire.open(talk) for talk in talks])
        world.run()
    else:
        world.run(*talks)
    assert [talk.log[-1] for talk in talks] == ["over"] * 12
    assert most == 3


def test_a_session_that_finds_no_room_still_starts_at_its_own_instant(make_world: Callable[..., World]) -> None:
    world = make_world(in_flight=1)
    starts: list[int] = []

    class Early(Talk):
        def start(self) -> Any:
            starts.append(world.kernel.now)
            return super().start()

    url = world.answering(OK)
    for number in (1, 2, 3):
        talk = Early(url, number=number)
        world.kernel.at(number * 10**8, talk.device, world.wire.open, talk)
    world.run()
    assert starts == [10**8, 2 * 10**8, 3 * 10**8]


def test_what_comes_between_two_drives_waits_for_the_next(world: World) -> None:
    log: list[str] = []
    world.run()
    world.wire.enter(lambda: log.append("came"))
    assert log == []
    world.run()
    assert log == ["came"]


def test_a_waiting_session_gives_its_place_back(make_world: Callable[..., World]) -> None:
    world = make_world(in_flight=1)
    url = world.answering(OK)
    log: list[Any] = []
    waiting = Talk(url, POST, 60 * 10**9, EMPTY, log=log)
    other = Talk(url, POST, number=2, log=log)
    world.run(waiting, other)
    assert log == [(200, b"ok"), (200, b"ok"), "over", (200, b"ok"), "over"]
    assert world.kernel.now == 60 * 10**9


def test_latencies_and_errors_by_kind(world: World) -> None:
    def of(kind: str) -> HttpRequest:
        request = HttpRequest((), b"")
        request.kind = kind
        return request

    asked = [of(kind) for kind in ("Inform", "Empty", "Inform")]
    world.run(Talk(world.answering(OK, b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), *asked))
    figures = {each.kind: each for each in world.wire.latencies.figures()}
    assert {kind: (each.count, each.errors) for kind, each in figures.items()} == {
        "Inform": (2, {"500": 1}),
        "Empty": (1, {"500": 1}),
    }
    assert 0 < figures["Inform"].p50 <= figures["Inform"].maximum


class Broken(Talk):
    def receive(self, response: Any) -> Any:
        raise ZeroDivisionError("a bug")


def test_an_exception_of_a_session_comes_out_of_drive(world: World) -> None:
    with pytest.raises(ZeroDivisionError, match="a bug"):
        world.run(Broken(world.answering(OK)))


def test_an_exception_of_an_event_comes_out_of_drive(world: World) -> None:
    talk = Talk("http://127.0.0.1/")
    world.kernel.at(0, talk.device, lambda _: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        world.wire.drive(world.kernel)


def test_a_stop_ends_the_drive_and_the_next_one_goes_on(world: World) -> None:
    released = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        await released.wait()
        writer.write(OK)

    talk = Talk(world.serve(handler))
    world.kernel.at(0, talk.device, lambda _: world.kernel.stop())
    world.run(talk)
    assert talk.log == []
    released.set()
    world.wire.drive(world.kernel)
    assert talk.log == [(200, b"ok"), "over"]


def _stalled(world: World) -> Talk:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    return Talk(world.serve(handler))


def test_an_interrupt_while_a_request_is_outstanding(make_world: Callable[..., World]) -> None:
    world = make_world(limits=Limits())
    polls = 0

    def interrupted() -> bool:
        nonlocal polls
        polls += 1
        return polls == 3

    world.wire._watch = Watch(20.0, interrupted)
    with pytest.raises(Interrupted):
        world.run(_stalled(world))


def test_an_interrupt_while_patience_lasts(make_world: Callable[..., World]) -> None:
    world = make_world(pace=VirtualPace(patience=60.0))
    world.wire._watch = Watch(20.0, iter([False, False, True]).__next__)
    with pytest.raises(Interrupted):
        world.run()


def test_a_cut_is_at_its_instant(make_world: Callable[..., World]) -> None:
    """On the wall clock a wait that is cut has lasted until the cut: what is still to be told happens then."""
    world = make_world(pace=BoundPace(100.0))
    world.kernel.at(10**18, Talk("http://acs.example/").device, print)
    world.wire._watch = Watch(0.02)
    with pytest.raises(RealLimitReached):
        world.run()
    assert 2 * 10**9 <= world.kernel.now < 10**18


def test_the_real_limit(make_world: Callable[..., World]) -> None:
    world = make_world(limits=Limits())
    world.wire._watch = Watch(0.25)
    talk = _stalled(world)
    with pytest.raises(RealLimitReached):
        world.run(talk)
    assert talk.log == []
    # What must be done past the limit gets time of its own.
    world.wire._watch.left = 20.0
    world.kernel.at(0, talk.device, lambda _: world.kernel.stop())
    world.wire.drive(world.kernel)


def test_no_descriptor_left_is_not_the_fault_of_the_acs(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(limits=Limits(ports=0.1))
    talk = Talk(world.answering(OK))

    async def exhausted(*_: Any, **__: Any) -> None:
        raise OSError(24, "Too many open files")

    class Loop:
        """The real loop but for new connections (uvloop's has no attributes to set)."""

        create_connection = staticmethod(exhausted)

        def __getattr__(self, name: str) -> Any:
            return getattr(loop, name)

    loop = world.wire.loop
    monkeypatch.setattr(world.wire.reach, "loop", Loop())
    with pytest.raises(LocalShortage, match="Too many open files"):
        world.run(talk)
    monkeypatch.undo()
    assert talk.log == []


def test_sessions_under_way_are_dropped_at_the_end() -> None:
    world = World()
    closed = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal closed
        await request(reader)
        world.kernel.stop()
        world.wire.stir()
        assert await reader.read() == b""
        closed += 1

    talk = Talk(world.serve(handler))
    world.kernel.at(2 * 10**9, talk.device, print)
    world.wire._watch = Watch(0.3)
    with pytest.raises(RealLimitReached):
        world.run(talk)
    world.wire.loop.run_until_complete(asyncio.sleep(0))
    world.close()
    assert talk.log == []
    assert isinstance(world.wire, HttpWire)
    assert world.wire.loop.is_closed()


def test_what_the_loop_itself_catches_comes_out_of_drive(world: World) -> None:
    def bug() -> None:
        raise ZeroDivisionError("in a callback")

    talk = _stalled(world)
    world.wire.loop.call_later(0.01, bug)
    with pytest.raises(ZeroDivisionError, match="in a callback"):
        world.run(talk)


def test_what_the_loop_catches_between_two_drives_comes_out_of_the_next(world: World) -> None:
    world.wire.loop.call_soon(lambda: 1 // 0)
    world.wire.loop.run_until_complete(asyncio.sleep(0))
    with pytest.raises(ZeroDivisionError):
        world.run()
