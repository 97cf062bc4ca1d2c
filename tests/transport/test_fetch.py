"""Files over real HTTP: whatever the file server does, one `Fetched` comes back."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import Callable
from typing import Any

import pytest

from cpescript.cwmp import digest, image
from cpescript.cwmp.fetch import HEAD, Fetch, Fetched
from cpescript.kernel.queue import Owner
from cpescript.transport.base import Limits
from cpescript.transport.options import WireOptions
from tests.transport.scripted_wire import World, request

SMALL = Limits(file=200_000)
BRIEF = Limits(response=0.3, file=200_000, carrying=1.0)


def fetched(world: World, fetch: Fetch) -> Fetched:
    """Carry a file and return what came of it."""
    came: list[Fetched] = []
    world.kernel.at(0, Owner(1), lambda _: world.wire.fetch(Owner(1), fetch, came.append), None)
    world.wire.drive(world.kernel)
    assert len(came) == 1
    return came[0]


def answer(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.fixture
def small(make_world: Callable[..., World]) -> World:
    return make_world(limits=SMALL)


def test_a_file_is_read_whole_and_its_head_kept(small: World) -> None:
    body = image.filler("2.1", 150_000)
    found = fetched(small, Fetch("GET", small.answering(answer(body), then_close=True)))
    assert (found.failure, found.status, found.size) == ("", 200, len(body))
    assert found.sha256 == image.sha256("2.1", 150_000)
    assert found.head == body[:HEAD]


def test_an_upload_is_sent_as_it_is(small: World) -> None:
    seen: list[Any] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await request(reader))
        writer.write(answer(b"", "201 Created"))
        await writer.drain()

    found = fetched(small, Fetch("PUT", small.serve(handler), body=b"config"))
    assert (found.status, found.size, found.sha256) == (201, 6, hashlib.sha256(b"config").hexdigest())
    assert seen[0][0].startswith("PUT /acs HTTP/1.1")
    assert seen[0][1] == b"config"


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_credentials_answer_a_challenge_once(small: World, scheme: str) -> None:
    seen: list[digest.Credentials | None] = []
    challenge = digest.basic_challenge("files") if scheme == "basic" else digest.digest_challenge("files", "n1")

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await request(reader)
        assert asked is not None
        lines = [line for line in asked[0].split("\r\n") if line.startswith("Authorization: ")]
        proof = digest.parse_authorization(lines[0][15:]) if lines else None
        seen.append(proof)
        right = proof is not None and digest.verify(proof, "cpe", "secret", "GET")
        reply = answer(b"ok") if right else answer(b"", "401 Unauthorized", f"WWW-Authenticate: {challenge}")
        writer.write(reply)
        await writer.drain()

    url = small.serve(handler)
    assert fetched(small, Fetch("GET", url, "cpe", "secret")).ok
    assert len(seen) == 2
    assert fetched(small, Fetch("GET", url, "cpe", "wrong")).status == 401
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (answer(b"x" * 50, length=100), "cut: after 50 octets"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "http: the answer is no HTTP"),
        (b"", "cut: the connection was closed before an answer"),
        (answer(b"x" * 300_000), "too-large: more than"),
        (answer(b"", "302 Found", "Location: file:///etc/passwd"), "http: no HTTP URL"),
        (answer(b"", "302 Found", "Location: /acs"), "http: more than 5 redirects"),
        (answer(b"", "200 OK", *(f"X-{n}: {'y' * 8000}" for n in range(2000))), "http: the answer is no HTTP"),
    ],
    ids=["shorter than it said", "no HTTP", "nothing", "too large", "to a file", "in a circle", "a flood of headers"],
)
def test_what_went_wrong_is_named(small: World, reply: bytes, why: str) -> None:
    assert fetched(small, Fetch("GET", small.answering(reply, then_close=True))).why.startswith(why)


def test_a_file_much_larger_than_the_acs_said_is_given_up(make_world: Callable[..., World]) -> None:
    world = make_world(limits=Limits())
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await request(reader)
        writer.write(answer(b"", length=1 << 30))
        while True:
            writer.write(b"x" * 65536)
            sent += 65536
            await writer.drain()

    assert fetched(world, Fetch("GET", world.serve(endless), offered_size=1000)).failure == "too-large"
    assert sent < 1 << 26


@pytest.mark.parametrize("drip", [b"", b"x"], ids=["stalls", "drips"])
def test_a_server_that_takes_for_ever_is_left(make_world: Callable[..., World], drip: bytes) -> None:
    world = make_world(limits=BRIEF)

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(answer(b"", length=1000))
        while True:
            writer.write(drip)
            await asyncio.sleep(0.05)

    found = fetched(world, Fetch("GET", world.serve(slow)))
    assert (found.failure, found.status, found.fault) == ("timeout", 200, 9017), "it was reached"


def test_a_server_that_never_answers_was_not_reached(make_world: Callable[..., World]) -> None:
    world = make_world(limits=BRIEF)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    found = fetched(world, Fetch("GET", world.serve(silent)))
    assert (found.failure, found.status, found.fault) == ("timeout", None, 9015)


def test_nobody_listens(small: World) -> None:
    url = small.serve(None)  # type: ignore[arg-type]
    small.servers[0].close()
    small.wire.loop.run_until_complete(asyncio.sleep(0))
    where = url.removeprefix("http://").removesuffix("/acs")
    assert fetched(small, Fetch("GET", url)).why == f"refused: nobody listens at the host {where}"


def test_a_proxy_that_is_not_there_is_told_from_a_file_server(make_world: Callable[..., World]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    world = make_world(options=WireOptions(proxy=f"http://lab:opensesame@127.0.0.1:{port}"))
    found = fetched(world, Fetch("GET", "http://files.example/x"))
    assert found.why == f"refused: nobody listens at the proxy 127.0.0.1:{port}"


def test_a_host_without_an_address_is_named(small: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nowhere(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("aiohttp.resolver.ThreadedResolver.resolve", nowhere)
    assert fetched(small, Fetch("GET", "http://files.example/x")).why == (
        "refused: the name of the host files.example is not known"
    )


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://files.example/x", "http://", "http://[/x"])
def test_only_http_is_fetched(small: World, url: str) -> None:
    assert fetched(small, Fetch("GET", url)).failure == "http"


def test_a_redirect_is_followed(small: World) -> None:
    world = small
    world.answering(answer(b"there"), then_close=True)
    port = world.servers[0].sockets[0].getsockname()[1]
    moved = answer(b"", "301 Moved", f"Location: http://127.0.0.1:{port}/x")
    assert fetched(world, Fetch("GET", world.answering(moved, then_close=True))).size == 5
