"""Heads that are read once: what is known says the same as the parser, and nothing else is taken for known."""

from __future__ import annotations

from typing import Any

import pytest

from cpescript.cwmp.http import HttpResponse
from cpescript.transport.base import Limits
from cpescript.transport.connection import Connection
from cpescript.transport.heads import MOST, Heads
from cpescript.transport.holding import Holding

CHALLENGE = b'WWW-Authenticate: Digest realm="r", nonce="n"'
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
        limits = Limits(header=4096, body=5000)
        self.connection = Connection(limits, self.answers.append, lambda: 0.0, heads, Holding(1 << 20))
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
        (WHOLE.replace(b"Date: now", b"Set-Cookie: a=b"), True),
        (WHOLE.replace(b"200 OK", b"401 No"), True),
        (WHOLE.replace(b"Date: now", CHALLENGE), True),
        (WHOLE.replace(b"200 OK\r\nDate: now", b"401 No\r\n" + CHALLENGE), True),
        (WHOLE.replace(b"2\r\n\r\n", b"2\r\n" + CHALLENGE + b"\r\n\r\n"), True),
        (WHOLE.replace(b"Date: now", CHALLENGE + b"\r\nSet-Cookie: a=b"), False),
        (WHOLE.replace(b"Date: now", CHALLENGE + b"\r\n" + CHALLENGE), False),
        (WHOLE.replace(b"Date: now", CHALLENGE + b"\r\n and=more"), False),
        (WHOLE.replace(b"Date: now", CHALLENGE + b" "), True),
        (WHOLE.replace(b"Date: now", b"WWW-Authenticate:  Basic"), False),
        (WHOLE.replace(b"Date: now", b"WWW-Authenticate: "), True),
        (WHOLE.replace(b"now", b"n" * 2100), False),
    ],
)
def test_what_is_known_says_the_same_as_the_parser(octets: bytes, known: bool) -> None:
    heads = Heads()
    first = Peer(heads).ask(octets)
    assert bool(heads) is known
    assert Peer(heads).ask(octets) == first
    heads = Heads()
    for at in range(1, len(octets), 7):
        assert Peer(heads).ask(octets[:at], octets[at:])[0] == first[0]
    assert not heads, "what came in pieces was learnt"


def test_the_body_is_that_of_each_answer() -> None:
    peer = Peer(Heads())
    assert [peer.ask(WHOLE[:-2] + body)[0][2] for body in (b"ok", b"no", b"ok")] == [b"ok", b"no", b"ok"]


@pytest.mark.parametrize("more", [b"", b"x"])
@pytest.mark.parametrize("line", [b"Date: now", CHALLENGE])
def test_a_known_head_before_another_length_is_for_the_parser(line: bytes, more: bytes) -> None:
    peer = Peer(Heads())
    whole = WHOLE.replace(b"Date: now", line)
    peer.ask(whole)
    answer, usable = peer.ask(whole[:-1] + more + more)
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
    for number in range(MOST + 9):
        Peer(heads).ask(WHOLE.replace(b"now", b"%d" % number))
    assert len(heads) == MOST
    assert heads.read(WHOLE.replace(b"now", b"0")) is None


@pytest.mark.parametrize("name", ["WWW-Authenticate", "Set-Cookie"])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    "value",
    [b"b", b'Digest realm="r", nonce="\\", stale=true', b"a: b", b"x" * 3000, b"x" * 5000, b"", b" ", b"b ", b" b",
     b"\tb", b"b\x00", b"b\x7f", b"\xe4", b"b\r\n c", b"b\nC: d", b"b\r\nContent-Length: 9",
     b"b\r\nTransfer-Encoding: chunked", b"b\r\nConnection: close", b"b\r\nSet-Cookie: d"],
)  # fmt: skip
def test_a_value_that_changes_is_what_the_parser_makes_of_it(name: str, place: int, value: bytes) -> None:
    def octets(value: bytes) -> bytes:
        lines = [b"Server: x", b"Content-Length: 2"]
        lines.insert(place, name.encode() + b": " + value)
        return b"HTTP/1.1 401 No\r\n" + b"\r\n".join(lines) + b"\r\n\r\nok"

    parsed = Peer(Heads()).ask(octets(value))
    heads = Heads()
    Peer(heads).ask(octets(b"a"))
    assert len(heads) == 1
    assert Peer(heads).ask(octets(value)) == parsed


def test_a_challenge_that_is_known_does_without_the_parser() -> None:
    heads = Heads()
    octets = [WHOLE.replace(b"Date: now", CHALLENGE.replace(b'"n"', b'"%d"' % number)) for number in range(3)]
    Peer(heads).ask(octets[0])
    for each in octets[1:]:
        peer = Peer(heads)
        headers = peer.ask(each)[0][1]
        assert peer.connection._parser is None
        assert headers == tuple(
            tuple(line.decode().split(": ")) for line in each.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
        )
    assert len(heads) == 1
