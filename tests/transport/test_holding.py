"""What a wire holds of unfinished answers: bounded for all sessions together, and given back in every way out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.cwmp.http import HttpResponse
from cpescript.transport.base import Limits
from cpescript.transport.connection import Connection
from cpescript.transport.heads import Heads
from cpescript.transport.holding import Holding
from cpescript.transport.options import WireOptions
from tests.transport.scripted_wire import BRIEF, OK, Talk, World, request

Make = Callable[..., World]
LIMITS = Limits(header=200, body=1000)
BODY = b"b" * 300
SIZED = b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 300\r\n\r\n" + BODY
CHUNKED = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"64;x=y\r\n" + BODY[:100] + b"\r\nc8\r\n" + BODY[:200] + b"\r\n0\r\nTrailer: t\r\n\r\n"
)
UNSIZED = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY


class Ends:
    """A transport that swallows everything."""

    def write(self, octets: bytes) -> None:
        pass

    def close(self) -> None:
        pass

    abort = close

    def get_extra_info(self, name: str) -> None:
        pass


class Line:
    """A connection whose answers are handed in."""

    def __init__(self, holding: Holding) -> None:
        self.answers: list[Any] = []
        self.connection = Connection(LIMITS, self.answers.append, lambda: 0.0, Heads(), holding)
        self.connection.connection_made(Ends())  # type: ignore[arg-type]

    def ask(self, *pieces: bytes) -> None:
        self.connection.request(b"?")
        for each in pieces:
            self.connection.data_received(each)


WAYS_OUT: dict[str, Callable[[Connection], object]] = {
    "the peer resets": lambda connection: connection.connection_lost(ConnectionResetError()),
    "the peer closes": lambda connection: connection.connection_lost(None),
    "the session closes": Connection.close,
    "a time-out": Connection.abort,
    "what is no HTTP": lambda connection: connection.data_received(b"\0\0\0\r\n\r\n\0"),
    "too much": lambda connection: [connection.data_received(b"\r\n" * 3000) for _ in range(2)],
}


@pytest.mark.parametrize("octets", [SIZED, CHUNKED, UNSIZED], ids=["with a length", "in chunks", "to the end"])
@pytest.mark.parametrize("way", WAYS_OUT)
def test_at_every_octet_each_way_out_gives_all_back(octets: bytes, way: str) -> None:
    holding = Holding(1 << 20)
    for at in range(1, len(octets)):
        line = Line(holding)
        line.ask(octets[:at])
        assert holding.now == (0 if line.answers else min(at, 200 + len(line.connection._body))), at
        WAYS_OUT[way](line.connection)
        line.connection.abort()
        assert (holding.now, line.connection._body, line.connection._headers) == (0, b"", []), at
    assert holding.highest > 300


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 400)), max_size=40), st.integers(0, 700))
def test_answers_in_pieces_never_hold_more_than_they_may(pieces: list[tuple[int, int]], most: int) -> None:
    holding = Holding(most)
    lines = [Line(holding) for _ in range(4)]
    left = [b"" for _ in lines]
    for which, octets in pieces:
        line = lines[which]
        if not line.connection.usable:
            line = lines[which] = Line(holding)
        if not line.connection._waiting:
            line.connection.request(b"?")
            left[which] = (SIZED, CHUNKED)[octets % 2]
        piece, left[which] = left[which][:octets], left[which][octets:]
        line.connection.data_received(piece)
        assert 0 <= holding.now <= most
        assert holding.now == sum(each.connection._counted for each in lines)
    for line in lines:
        assert all(answer == "no-room" or answer.body == BODY for answer in line.answers)
        line.connection.abort()
    assert holding.now == 0


def test_a_head_that_comes_at_once_is_bounded_too() -> None:
    for size, answer in ((100, HttpResponse), (200, str)):
        line = Line(Holding(1 << 20))
        line.ask(b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\nX: " + b"y" * size + b"\r\n\r\n" + BODY)
        assert isinstance(line.answers[0], answer)


def test_an_answer_that_is_whole_at_once_is_not_counted() -> None:
    holding = Holding(0)
    line = Line(holding)
    line.ask(SIZED)
    line.ask(CHUNKED)
    assert [answer.body for answer in line.answers] == [BODY, BODY]
    assert (holding.highest, holding.refused) == (0, 0)


def test_whoever_comes_late_has_no_room_and_says_why() -> None:
    holding = Holding(400)
    first, second = Line(holding), Line(holding)
    first.ask(SIZED[:-1])
    second.ask(SIZED[:-1])
    assert second.answers == ["no-room"]
    assert not second.connection.usable
    assert "--answers-held" in second.connection.reason
    assert holding.refused == 1
    first.connection.data_received(SIZED[-1:])
    [answer] = first.answers
    assert isinstance(answer, HttpResponse)
    assert answer.body == BODY
    assert holding.now == 0
    second = Line(holding)
    second.ask(SIZED[:-1], SIZED[-1:])
    assert isinstance(second.answers[0], HttpResponse)


def test_that_an_octet_came_is_known_after_the_end() -> None:
    """What was held is gone; that the request was read by somebody is not (`keeping`, rule 5)."""
    line = Line(Holding(400))
    line.ask(SIZED[:9])
    line.connection.connection_lost(ConnectionResetError())
    assert not line.connection.silent


def test_a_wire_holds_what_its_options_say(make_world: Make) -> None:
    assert make_world(options=WireOptions(answers_held=3)).wire.holding.most == 3 << 20


def test_sessions_that_find_no_room_fail_and_the_others_go_on(make_world: Make) -> None:
    world = make_world(in_flight=3)
    wire = world.wire
    wire.holding.most = 110_000

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + b"x" * 40_000)
        while not wire.holding.refused:
            await asyncio.sleep(0.005)
        writer.write(b"x" * 10_000)
        await writer.drain()
        await reader.read()

    url = world.serve(handler)
    talks = [Talk(url, number=number) for number in range(1, 4)]
    world.run(*talks)
    logs = sorted((talk.log for talk in talks), key=lambda log: log[0] == "no-room")
    assert logs == [[(200, b"x" * 50_000), "over"], [(200, b"x" * 50_000), "over"], ["no-room"]]
    assert [talk.reason for talk in talks if talk.log == ["no-room"]] != [""]
    assert wire.latencies.figures()[0].errors == {"no-room": 1}
    assert wire.holding.now == 0


def test_a_time_out_gives_back_what_was_held(make_world: Make) -> None:
    world = make_world()

    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(OK[:-1])
        while not world.wire.holding.now:
            await asyncio.sleep(0.005)
        world.wire._limits = BRIEF
        await reader.read()

    talk = Talk(world.serve(half))
    world.run(talk)
    assert talk.log == ["timeout"]
    assert (world.wire.holding.now, world.wire.holding.highest) == (0, len(OK) - 1)
