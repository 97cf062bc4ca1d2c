"""How a device speaks HTTP by its profile, and how it reaches an ACS: proxies and source addresses."""

from __future__ import annotations

import asyncio
import errno
import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.cwmp.manner import MOST_UNPACKED, Manner, dressed, undressed
from cpescript.transport import authority
from cpescript.transport.base import LocalShortage
from cpescript.transport.options import WireOptions
from cpescript.transport.reach import proxy_of
from cpescript.transport.tls import server_context
from tests.transport.scripted_wire import OK, Talk, World, request

BODY = b"<a/>" * 3000
Make = Callable[..., World]


def post(**manner: Any) -> HttpRequest:
    return dressed(HttpRequest((), BODY), Manner(**manner))


def test_a_connection_for_each_post(world: World) -> None:
    # The server keeps it open: the device does not.
    talk = Talk(world.answering(OK), post(connection="post"), post(connection="post"))
    world.run(talk)
    assert talk.log == [(200, b"ok"), (200, b"ok"), "over"]
    assert world.accepted == 2


def test_a_connection_for_the_session(world: World) -> None:
    world.run(Talk(world.answering(OK), post(gzip=True), post(gzip=True)))
    assert world.accepted == 1


def test_chunked_bodies_arrive_whole(world: World) -> None:
    seen: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Transfer-Encoding: chunked\r\n" in head
        assert b"Content-Length" not in head
        body = b""
        while size := int(await reader.readline(), 16):
            assert size <= 4096
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
        seen.append(body)
        writer.write(OK)
        await reader.read()

    talk = Talk(world.serve(handler), post(chunked=True))
    world.run(talk)
    assert talk.log == [(200, b"ok"), "over"]
    assert seen == [BODY]


@pytest.mark.parametrize("leave", [True, False], ids=["told to go on", "after a second"])
def test_a_body_waits_for_leave(make_world: Make, leave: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpescript.transport.connection._LEAVE_AFTER", 30.0 if leave else 0.05)
    world = make_world()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Expect: 100-continue\r\n" in head
        if leave:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.readexactly(1), 0.05)
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await reader.readexactly(len(BODY)) == BODY
        writer.write(OK)
        await reader.read()

    talk = Talk(world.serve(handler), post(expect_continue=True))
    world.run(talk)
    assert talk.log == [(200, b"ok"), "over"]


def test_an_answer_before_the_body_ends_the_connection(world: World) -> None:
    heads = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heads
        await reader.readuntil(b"\r\n\r\n")
        heads += 1
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        assert await reader.read() == b""

    talk = Talk(world.serve(handler), post(expect_continue=True), post(expect_continue=True))
    world.run(talk)
    assert talk.log == [(401, b""), (401, b""), "over"]
    assert (heads, world.accepted) == (2, 2)


def test_what_is_packed_says_so() -> None:
    sent = post(gzip=True)
    assert sent.header("Content-Encoding") == sent.header("Accept-Encoding") == "gzip"
    assert gzip.decompress(sent.body) == BODY
    assert sent.body == post(gzip=True).body, "the same octets each time"
    empty = dressed(HttpRequest((), b""), Manner(gzip=True))
    assert (empty.header("Content-Encoding"), empty.body) == (None, b"")


def test_answers_are_unpacked_within_bounds() -> None:
    def answer(body: bytes, coding: str) -> HttpResponse | None:
        return undressed(HttpResponse(200, (("content-encoding", coding),), body))

    found = answer(gzip.compress(BODY), "gzip")
    assert found is not None
    assert found.body == BODY
    assert answer(gzip.compress(bytes(MOST_UNPACKED + 1)), "gzip") is None, "a bomb"
    assert answer(b"nonsense", "gzip") is None
    assert answer(gzip.compress(BODY)[:-9], "gzip") is None
    assert answer(BODY, "br") is None
    assert getattr(answer(BODY, "identity"), "body", None) == BODY


# --- Proxies ----------------------------------------------------------------------------------------------------------


def test_an_http_acs_through_a_proxy(make_world: Make) -> None:
    lines: list[str] = []
    front = make_world()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (asked := await request(reader)) is not None:
            lines.extend(asked[0].split("\r\n")[:3])
            writer.write(OK)

    world = make_world(options=WireOptions(proxy="http://lab:s%40cret@127.0.0.1:1"))
    url = world.serve(proxy).removesuffix("/acs")
    world.wire.reach.proxy = proxy_of(url.replace("//", "//lab:s%40cret@"))
    talk = Talk("http://acs.example:7547/cwmp?a=b")
    world.run(talk)
    assert talk.log == [(200, b"ok"), "over"]
    assert lines[:2] == ["POST http://acs.example:7547/cwmp?a=b HTTP/1.1", "Host: acs.example:7547"]
    assert "Proxy-Authorization: Basic bGFiOnNAY3JldA==" in lines
    assert front.accepted == 0


def test_an_https_acs_through_a_tunnel(make_world: Make, tmp_path: Path) -> None:
    authority.new(tmp_path)
    context = server_context(authority.server(tmp_path, ["acs.example"]))
    world = make_world(options=WireOptions(tls_ca=tmp_path / "ca.pem"))

    async def acs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await request(reader) is not None:
            writer.write(OK)

    port = int(world.serve(acs, ssl=context).rpartition(":")[2].removesuffix("/acs"))
    asked: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        there, back = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while octets := await source.read(65536):
                sink.write(octets)
            sink.close()

        try:
            await asyncio.gather(copy(reader, back), copy(there, writer))
        finally:
            back.transport.abort()

    world.wire.reach.proxy = proxy_of(world.serve(proxy).removesuffix("/acs"))
    talk = Talk("https://acs.example:8443/cwmp", *[HttpRequest((), b"<a/>")] * 2)
    world.run(talk)
    assert talk.log == [(200, b"ok"), (200, b"ok"), "over"]
    assert asked == [b"CONNECT acs.example:8443 HTTP/1.1\r\nHost: acs.example:8443\r\n\r\n"]


@pytest.mark.parametrize(
    ("answer", "failure", "reason"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "refused", "the proxy answers CONNECT with status 403"),
        (b"", "cut", "the proxy closed the connection"),
        (b"SSH-2.0\r\n\r\n", "http", "the proxy does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000, "too-large", "the proxy's answer has no end"),
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "http", "the proxy speaks before the tunnel stands"),
    ],
)
def test_a_proxy_that_makes_no_tunnel(world: World, answer: bytes, failure: str, reason: str) -> None:
    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    world.wire.reach.proxy = proxy_of(world.serve(proxy).removesuffix("/acs"))
    talk = Talk("https://acs.example/")
    world.run(talk)
    assert (talk.log, talk.reason) == ([failure], reason)


@pytest.mark.parametrize("url", ["socks5://192.0.2.1", "https://192.0.2.1", "192.0.2.1:3128", "http://"])
def test_what_is_no_proxy(url: str) -> None:
    with pytest.raises(ValueError, match="a proxy is"):
        proxy_of(url)


# --- Source addresses and shortages -----------------------------------------------------------------------------------


def test_source_addresses_take_turns(make_world: Make) -> None:
    peers: list[str] = []
    world = make_world(options=WireOptions(source_addresses=("127.0.0.2", "127.0.0.3")), in_flight=1)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer.get_extra_info("peername")[0])
        while await request(reader) is not None:
            writer.write(OK)

    url = world.serve(handler)
    world.run(*(Talk(url, number=n) for n in range(1, 5)))
    assert peers == ["127.0.0.2", "127.0.0.3"] * 2


def test_an_address_that_is_not_ours_is_named(make_world: Make) -> None:
    world = make_world(options=WireOptions(source_addresses=("192.0.2.1",)))
    talk = Talk(world.answering(OK))
    world.run(talk)
    assert talk.log == ["refused"]
    assert "192.0.2.1" in talk.reason


def test_no_port_left_is_waited_for_and_counted(make_world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpescript.transport.reach.PORT_RETRY", 0.01)
    world = make_world(options=WireOptions(source_addresses=("127.0.0.2",)))
    url = world.answering(OK)
    world.run(Talk(url))
    reach = world.wire.reach
    bound, failures = reach._bound, [2]

    async def short(source: str, address: str, port: int) -> Any:
        if failures[0]:
            failures[0] -= 1
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        return await bound(source, address, port)

    monkeypatch.setattr(reach, "_bound", short)
    talk = Talk(url, number=2)
    world.run(talk)
    assert (talk.log[-1], reach.waits) == ("over", 1)
    failures[0] = 1_000_000
    reach._limits = replace(reach._limits, ports=0.05)
    with pytest.raises(LocalShortage, match="--source-address"):
        world.run(Talk(url, number=3))
