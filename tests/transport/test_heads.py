"""Heads that are read once: what is known says the same as the parser, and nothing else is taken for known."""

from __future__ import annotations

from typing import Any

import pytest

from cpescript.cwmp.http import HttpResponse
from cpescript.transport.base import Limits
from cpescript.transport.connection import _HEADS_KEPT, Connection, Heads

WHOLE = b"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 2\r\n\r\nok"


class Ends:
    """A transport that swallows everything."""

    def write(self, octets: bytes) -> None:
        pass

    def close(self) -> None:
        pass

    abort = close


class Peer:
    """A connection whose answers are handed in."""

    def __init__(self, heads: Heads) -> None:
        self.answers: list[Any] = []
        self.connection = Connection(Limits(header=4096, body=5000), self.answers.append, lambda: 0.0, heads)
        self.connection.connection_made(Ends())  # type: ignore[arg-type]

    def ask(self, *octets: bytes) -> Any:
        """Send a request and take these octets; returns what it comes to, and whether the connection can go on."""
        self.connection.request(b"?")
        for each in octets:
            self.connection.data_received(each)
        [answer] = self.answers or ["nothing yet"]
        self.answers.clear()
        if isinstance(answer, HttpResponse):
            answer = (answer.status, answer.headers, answer.body, answer.close)
        return answer, self.connection.usable


@pytest.mark.parametrize(
    ("octets", "known"),
    [
        (WHOLE, True),
        (b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", True),
        (b"HTTP/1.0 500 No\r\nContent-Length: 2\r\n\r\nok", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", False),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE, False),
        (WHOLE + WHOLE, False),
        (WHOLE + b"x", False),
        (WHOLE.replace(b"Date: now", b"Set-Cookie: a=b"), False),
        (WHOLE.replace(b"200 OK", b"401 No"), False),
        (WHOLE.replace(b"now", b"n" * 2100), False),
    ],
)
def test_what_is_known_says_the_same_as_the_parser(octets: bytes, known: bool) -> None:
    heads = Heads()
    first = Peer(heads).ask(octets)
    assert bool(heads._known) is known
    assert Peer(heads).ask(octets) == first
    heads = Heads()
    for at in range(1, len(octets), 7):
        assert Peer(heads).ask(octets[:at], octets[at:])[0] == first[0]
    assert not heads._known, "what came in pieces was learnt"


def test_the_body_is_that_of_each_answer() -> None:
    peer = Peer(Heads())
    assert [peer.ask(WHOLE[:-2] + body)[0][2] for body in (b"ok", b"no", b"ok")] == [b"ok", b"no", b"ok"]


@pytest.mark.parametrize("more", [b"", b"x"])
def test_a_known_head_before_another_length_is_for_the_parser(more: bytes) -> None:
    peer = Peer(Heads())
    peer.ask(WHOLE)
    answer, usable = peer.ask(WHOLE[:-1] + more + more)
    assert (answer == "nothing yet") is (more == b"")
    assert usable is (more == b"")


def test_an_answer_that_comes_in_pieces_is_not_taken_for_a_known_one() -> None:
    peer = Peer(Heads())
    peer.ask(WHOLE)
    # The second piece alone would be one; it is the body of the first.
    outer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(WHOLE)
    assert peer.ask(outer, WHOLE)[0][2] == WHOLE


def test_heads_are_bounded() -> None:
    heads = Heads()
    for number in range(_HEADS_KEPT + 9):
        Peer(heads).ask(WHOLE.replace(b"now", b"%d" % number))
    assert len(heads._known) == _HEADS_KEPT
    assert heads.read(WHOLE.replace(b"now", b"0")) is None
