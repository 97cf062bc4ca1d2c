"""An ACS that means harm, against real devices' sessions: each ends in time, its reason is named, nothing piles up.

Sessions are those of `cpescript.cwmp`, on real sockets; `tests/runner/test_hostile_acs.py` has what a run makes of it.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cpescript.cwmp.codec import decode, encode
from cpescript.cwmp.message import Message
from cpescript.kernel.trace import Record, Trace
from cpescript.transport import authority
from cpescript.transport.base import Limits
from cpescript.transport.options import WireOptions
from cpescript.transport.tls import Contexts, server_context
from tests.cwmp.world import World as Cpes
from tests.transport.scripted_wire import World, request

SMALL = Limits(header=64 * 1024, body=1 << 20)
BRIEF = replace(SMALL, response=0.3)
Make = Callable[..., World]
INFORMED = encode(Message("InformResponse", {"max_envelopes": 1}, "1"))
ASKED = encode(Message("GetRPCMethods", {}, "7"))


def answer(body: bytes = b"", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Meeting:
    """Devices of `cpescript.cwmp` whose sessions go over a real wire."""

    def __init__(self, make_world: Make, limits: Limits = SMALL) -> None:
        self.world = make_world(limits=limits)
        self.cpes = Cpes()
        self.cpes.kernel = self.world.kernel
        self.cpes.trace = Trace(self.world.kernel, decoders={"cwmp": decode})
        self.cpes.trace.watch(None, self._note)
        self.cpes.open = self.world.wire.open  # type: ignore[method-assign]
        self.ends: list[dict[str, Any]] = []

    def _note(self, record: Record) -> None:
        if record.kind == "SessionEnd":
            self.ends.append(dict(record.data))
            self.world.kernel.stop()

    def end(self, url: str) -> tuple[str, str]:
        """Let a new device have a session at that URL; return its outcome and the reason."""
        self.cpes.acs_url = url
        self.cpes.device()
        self.world.wire.drive(self.world.kernel)
        last = self.ends[-1]
        return last["outcome"], last.get("reason", "")


@pytest.fixture
def meeting(make_world: Make) -> Meeting:
    return Meeting(make_world)


def test_an_acs_that_means_well(meeting: Meeting) -> None:
    url = meeting.world.answering(answer(INFORMED), answer(status="204 No Content"))
    assert meeting.end(url) == ("done", "")


CHALLENGE = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'
DEEP = b"<a>" * 100_000
ENTITIES = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
LENGTHY = encode(Message("Fault", {"fault_code": 8002, "fault_string": "x" * 900_000}, "1"))
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("replies", "outcome", "reason"),
    [
        ([answer(DEEP)], "http", "Excessive depth"),
        ([answer(ENTITIES)], "http", "a document type declaration"),
        ([answer(INFORMED, "200 OK", *(f"X-{n}: {'y' * 1000}" for n in range(1000)))], "http", "too-large"),
        ([answer(INFORMED, "200 OK", "X: " + "y" * 1_000_000)], "http", "too-large"),
        ([answer(INFORMED, "200 OK", *["X:"] * 1001)], "http", "too-large"),
        ([answer(b"x" * (2 << 20))], "http", "too-large"),
        ([answer(INFORMED)[:-9]], "cut", "cut"),
        ([b""], "cut", "cut"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"], "http", "http"),
        ([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"], "http", "http"),
        ([answer(status="302 Found")], "http", "a redirect to ''"),
        ([answer(b"", "302 Found", "Location: file:///etc/passwd")], "http", "a redirect to 'file:///etc/passwd'"),
        ([answer(b"", "307 Moved", "Location: /again", "Connection: close")], "http", "more than 5 redirects"),
        (
            [answer(b"", "401 No", 'WWW-Authenticate: Digest realm="r", nonce="n", algorithm=ROT13')],
            "http",
            "401 without a challenge that can be answered: the Digest algorithm 'ROT13' is not known",
        ),
        ([answer(b"", "401 No", CHALLENGE, "Connection: close")], "http", "401: the ACS does not take"),
        ([answer(encode(Message("GetRPCMethodsResponse", {"method_list": ()}, "1")))], "http", "GetRPCMethodsResp"),
        ([answer(INFORMED), answer(INFORMED)], "http", "InformResponse in answer to"),
        ([answer(ASKED)], "http", "a request of the ACS in answer to the Inform"),
        ([answer(INFORMED), answer(ASKED.replace(b"GetRPCMethods", b"G" * 65))], "http", "a method whose name has 65"),
        ([answer(LENGTHY)], "http", "Fault 8002 on Inform: xxx"),
        ([answer(INFORMED.replace(b">1</cwmp:ID>", b">%b</cwmp:ID>" % (b"7" * 100_000)))], "http", "has the ID '777"),
        ([answer(b"", "302 Found", "Location: /" + "x" * 60_000)], "http", "a redirect to a URL of 60"),
        ([answer(b"", "302 Found", "Location: http://[::1")], "http", "which is no HTTP URL"),
        ([answer(b"", "401 No", f"{CHALLENGE}, stale=true", "Connection: close")], "http", "401: the ACS does not"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000], "http", "too-large"),
        ([CHUNKED + b"1;" + b"x" * 3_000_000], "http", "too-large"),
        ([CHUNKED + b"1\r\nx\r\n0\r\n" + b"X: y\r\n" * 600_000], "http", "too-large"),
        ([CHUNKED + b"F" * 30 + b"\r\n"], "http", "http"),
        ([CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n")], "http", "http"),
        ([answer(b"abc", "200 OK", "Content-Length: 4")], "http", "http"),
    ],
    ids=[
        "deep XML", "entities", "a flood of headers", "one long header", "many short headers", "a large body",
        "half a body", "nothing", "a negative length", "another protocol", "a redirect to nowhere",
        "a redirect to a file", "a circle", "a bogus algorithm", "credentials that are never right",
        "the answer to no question", "an answer twice", "out of turn", "a method without end", "a lengthy Fault",
        "a lengthy ID", "a redirect to a lengthy URL", "a redirect to half a URL", "nonces that are always stale",
        "a flood of interim answers", "a chunk of extensions", "a flood of trailers", "a chunk beyond all sizes",
        "two ways to tell a length", "two lengths",
    ],
)  # fmt: skip
def test_the_reason_is_named(meeting: Meeting, replies: list[bytes], outcome: str, reason: str) -> None:
    found = meeting.end(meeting.world.answering(*replies, then_close=len(replies) == 1))
    assert found[0] == outcome
    assert reason in found[1]
    assert len(found[1]) < 500
    assert meeting.world.wire.holding.now == 0


@pytest.mark.parametrize(
    "header",
    [
        "Set-Cookie: a=b; Max-Age=" + "9" * 5000,
        "Set-Cookie: a=b; Expires=Thu, 01 Jan 99999 00:00:00 GMT",
        "Set-Cookie: a=b; Expires=Thu, 01 Jan 9999 00:00:00 -9999",
        "Date: " + "9" * 5000,
        "Authentication-Info: nextnonce=" + '"' * 5000,
        "Content-Type: \u00e4",
    ],
)
def test_a_header_that_makes_no_sense_harms_nobody(meeting: Meeting, header: str) -> None:
    informed = answer(INFORMED, "200 OK", header, "Set-Cookie: c=d")
    assert meeting.end(meeting.world.answering(informed, answer(status="204 No Content"))) == ("done", "")


def test_https_does_not_become_http(make_world: Make, tmp_path: Path) -> None:
    authority.new(tmp_path)
    meeting = Meeting(make_world)
    meeting.world.wire.reach.tls = Contexts(WireOptions(tls_ca=tmp_path / "ca.pem"))

    async def down(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(answer(b"", "302 Found", "Location: http://acs.example/"))

    url = meeting.world.serve(down, ssl=server_context(authority.server(tmp_path, ["localhost"])))
    found = meeting.end(url.replace("http://127.0.0.1", "https://localhost"))
    assert found == ("tls", "a redirect from https to 'http://acs.example/'")


def test_a_flood_of_cookies_is_kept_small(meeting: Meeting) -> None:
    heads: list[int] = []
    flood = [f"Set-Cookie: c{number}=x" for number in range(900)]

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (asked := await request(reader)) is not None:
            heads.append(len(asked[0]))
            writer.write(answer(INFORMED, "200 OK", *flood) if asked[1] else answer(status="204 No Content"))

    assert meeting.end(meeting.world.serve(handler)) == ("done", "")
    assert heads[1] < 2000


@pytest.mark.parametrize(
    "octets", [answer(INFORMED), b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000], ids=["body", "head"]
)
def test_an_answer_that_drips_is_given_up(make_world: Make, octets: bytes) -> None:
    meeting = Meeting(make_world, BRIEF)

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        for octet in octets:
            writer.write(bytes([octet]))
            await asyncio.sleep(0.01)

    assert meeting.end(meeting.world.serve(slow)) == ("timeout", "timeout")


def test_a_gigabyte_is_not_kept(meeting: Meeting) -> None:
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        while sent < 1 << 30:
            writer.write(b"x" * 65536)
            sent += 65536
            await writer.drain()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert meeting.end(meeting.world.serve(endless)) == ("http", "too-large")
    assert sent < 1 << 26
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "kilobytes"


def test_a_reset_at_every_octet_ends_the_session_as_cut(meeting: Meeting) -> None:
    answers = (answer(INFORMED), answer(ASKED), answer(status="204 No Content"))
    total, left = sum(map(len, answers)), 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rest = left
        for each in answers:
            await request(reader)
            writer.write(each[:rest])
            rest -= len(each)
            if rest < 0:
                break
        await writer.drain()
        writer.transport.abort()

    url = meeting.world.serve(handler)
    for left in range(total):
        assert meeting.end(url) == ("cut", "cut"), left
    # All of them are owed another try, by the rule of retries.
    assert {device.agent.retry_count for device in meeting.cpes.devices} == {1}
