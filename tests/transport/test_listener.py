"""The connection-request port of the fleet on real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cpescript.cwmp import digest
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.kernel.queue import DEADLINE, Owner
from cpescript.transport import authority
from cpescript.transport.listener import MOST_OCTETS, MOST_UNREAD, Listener, _Caller, token_path
from cpescript.transport.pacing import VirtualPace
from cpescript.transport.tls import server_context
from tests.transport.scripted_wire import World
from tests.transport.test_calls import SEED, Gateway

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


class Street:
    """A fleet of three with its listener, driven while a caller's script runs."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.world = World(pace=VirtualPace(patience=0.0))
        self.fleet = {number: Gateway(number) for number in (1, 2, 3)}
        self.listener = Listener(self.world.wire, SEED, self.fleet.get)
        self.port = self.listener.start(tls=tls)

    def path(self, number: int) -> str:
        return token_path(SEED, self.fleet[number])

    def call(self, *scripts: Script) -> list[Any]:
        """Run scripts at once, each on a connection of its own, and return what they returned."""

        async def one(script: Script) -> Any:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                return await asyncio.wait_for(script(reader, writer), 60)
            finally:
                writer.close()
                try:
                    await writer.wait_closed()
                except ConnectionError:
                    pass

        async def all_of_them() -> list[Any]:
            return await asyncio.gather(*map(one, scripts))

        results: list[Any] = []
        self.world.kernel.at(0, Owner(0), lambda _: self.world.wire.run_job(all_of_them(), results.extend))
        self.world.wire.drive(self.world.kernel)
        return results

    def close(self) -> None:
        self.listener.close()
        self.world.close()


@pytest.fixture
def street() -> Iterator[Street]:
    street = Street()
    yield street
    street.close()


async def answer(reader: asyncio.StreamReader) -> tuple[int, str]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next((int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
    await reader.readexactly(length)
    return int(head.split(" ")[1]), head


def say(text: str) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int | bytes:
        writer.write(text.encode("latin-1"))
        try:
            return (await answer(reader))[0]
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""

    return script


def test_a_call_with_a_digest_on_one_connection(street: Street) -> None:
    path = street.path(2)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[int]:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        first, head = await answer(reader)
        challenge = digest.parse_challenge(
            line.partition(":")[2] for line in head.split("\r\n") if line.startswith("WWW-Authenticate:")
        )
        assert challenge is not None
        proof = digest.authorization(challenge, "acs", "secret", "GET", path, 1, "c")
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {proof}\r\n\r\n".encode())
        return [first, (await answer(reader))[0]]

    assert street.call(script) == [[401, 204]]
    assert [len(device.seen) for device in street.fleet.values()] == [0, 2, 0]
    assert street.fleet[2].seen[0].path == path


@pytest.mark.parametrize("stale", [False, True], ids=["asked for a proof", "asked for a newer one"])
def test_time_stands_still_between_a_challenge_and_its_answer(street: Street, stale: bool) -> None:
    kernel, wire, pace, device = street.world.kernel, street.world.wire, street.world.pace, street.fleet[2]
    pace.patience = 3600.0
    path, log = street.path(2), []

    def called(request: HttpRequest, came: int | None) -> HttpResponse:
        log.append(("called", kernel.now))
        if len(log) > 1:
            return HttpResponse(204)
        return HttpResponse(401, (("WWW-Authenticate", digest.digest_challenge("cpe", "n", stale=stale)),))

    device.connection_request = called  # type: ignore[method-assign]

    async def first() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", street.port)
        # A proof with a nonce that is too old is a beginning as well.
        proof = "Authorization: Digest x\r\n" if stale else ""
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{proof}\r\n".encode())
        assert (await answer(reader))[0] == 401
        return reader, writer

    async def second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        for _ in range(50):
            await asyncio.sleep(0.001)  # Occasions for time to move.
        pace.patience = 0.0
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        status = (await answer(reader))[0]
        writer.close()
        return status

    tasks: list[asyncio.Task[int]] = []
    goes_on = lambda streams: tasks.append(wire.loop.create_task(second(*streams)))  # noqa: E731
    kernel.at(5 * 10**9, Owner(0), lambda _: wire.run_job(first(), goes_on))
    kernel.at(86400 * 10**9, Owner(0), lambda _: log.append(("a day later", kernel.now)))
    wire.drive(kernel)
    assert wire.loop.run_until_complete(tasks[0]) == 204
    assert log == [("called", 5 * 10**9), ("called", 5 * 10**9), ("a day later", 86400 * 10**9)]


def test_who_never_answers_a_challenge_stops_nobody_for_good(street: Street) -> None:
    kernel, wire = street.world.kernel, street.world.wire
    street.world.pace.patience = 0.05
    log: list[int] = []

    async def asked() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", street.port)
        writer.write(f"GET {street.path(2)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert (await answer(reader))[0] == 401
        writer.close()

    kernel.at(0, Owner(0), lambda _: wire.run_job(asked(), lambda _: log.append(bool(street.listener._challenges))))
    kernel.at(86400 * 10**9, Owner(0), lambda _: log.append(kernel.now))
    wire.drive(kernel)
    assert log == [True, 86400 * 10**9]
    assert not street.listener._challenges


def test_a_call_comes_at_an_instant_of_the_wall_clock(street: Street) -> None:
    began = street.world.wire.real()
    street.call(say(f"GET {street.path(1)} HTTP/1.1\r\nHost: x\r\n\r\n"))
    (came,) = street.fleet[1].came
    assert came is not None
    assert began <= came / 1e9 <= street.world.wire.real()


def test_what_is_no_call(street: Street) -> None:
    path = street.path(1)
    host = "Host: x\r\n\r\n"
    assert street.call(
        say(f"GET /1-0000000000000000 HTTP/1.1\r\n{host}"),
        say(f"GET / HTTP/1.1\r\n{host}"),
        say(f"GET /9{path[2:]} HTTP/1.1\r\n{host}"),
        say(f"POST {path} HTTP/1.1\r\nContent-Length: 2\r\n{host}ok"),
        say(f"HEAD {path} HTTP/1.1\r\n{host}"),
        say("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        say(f"GET {path} HTTP/1.1\r\nX: {'a' * MOST_OCTETS}\r\n{host}"),
        say(f"GET {path} HTTP/1.1\r\nUpgrade: x\r\nConnection: upgrade\r\n{host}"),
    ) == [404, 404, 404, 405, 405, 400, 413, 401]
    assert len(street.fleet[1].seen) == 1


def test_a_dark_device_closes(street: Street) -> None:
    street.fleet[3].listening = False
    assert street.call(say(f"GET {street.path(3)} HTTP/1.1\r\nHost: x\r\n\r\n")) == [b""]
    assert street.fleet[3].seen == []


@pytest.mark.parametrize("version", ["1.0\r\n", "1.1\r\nConnection: close\r\n"])
def test_a_caller_that_wants_no_more(street: Street, version: str) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(f"GET {street.path(1)} HTTP/{version}\r\n".encode())
        return await reader.read()

    assert b"\r\nConnection: close\r\n" in street.call(script)[0]


def test_no_more_callers_than_there_is_room_for(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpescript.transport.listener.MOST_CONNECTIONS", 8)
    monkeypatch.setattr("cpescript.transport.listener.TO_SPEAK", 60.0)
    gate = asyncio.Event()
    taken: list[bool] = []
    take = street.listener.take

    def noted(caller: _Caller) -> bool:
        taken.append(take(caller))
        if len(taken) == 12:
            gate.set()
        return taken[-1]

    monkeypatch.setattr(street.listener, "take", noted)

    async def holding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        await gate.wait()  # All are accepted, or turned away, before the first one hangs up.
        return str(await say(f"GET {street.path(1)} HTTP/1.1\r\nHost: x\r\n\r\n")(reader, writer))

    answers = street.call(*[holding] * (12))
    assert sorted((each, answers.count(each)) for each in {*answers}) == [("401", 8), ("b''", 4)]
    assert taken == [True] * 8 + [False] * 4, "nobody has been quiet for long"


def test_a_caller_that_holds_its_place_makes_room(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpescript.transport.listener.MOST_CONNECTIONS", 4)
    monkeypatch.setattr("cpescript.transport.listener.TO_SPEAK", 0.1)
    served = asyncio.Event()

    async def holding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")
        await served.wait()

    async def honest() -> Any:
        while len(street.listener._strangers) < 4:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.15)
        late_reader, late_writer = await asyncio.open_connection("127.0.0.1", street.port)
        try:
            return await say(f"GET {street.path(1)} HTTP/1.1\r\nHost: x\r\n\r\n")(late_reader, late_writer)
        finally:
            late_writer.close()
            served.set()

    statuses: list[int] = []
    street.world.kernel.at(0, Owner(99), lambda _: street.world.wire.run_job(honest(), statuses.append))
    street.call(*[holding] * 4)
    assert statuses == [401]


@pytest.mark.parametrize("proof", ["", 'Digest username="acs", realm="cpe", nonce="abc", uri="/", response="0"'])
def test_who_guesses_keeps_no_deadline_waiting(street: Street, proof: str) -> None:
    stirred: list[int] = []
    street.world.wire.stir = lambda: stirred.append(1)  # type: ignore[method-assign]
    path = street.path(1) if proof else "/1-0000000000000000"
    header = f"Authorization: {proof}\r\n" if proof else ""
    assert street.call(say(f"GET {path} HTTP/1.1\r\nHost: x\r\n{header}\r\n")) == [401 if proof else 404]
    assert stirred == []
    called = say(f"GET {street.path(1)} HTTP/1.1\r\nHost: x\r\n\r\n")
    assert street.call(called, called) == [401, 401]
    assert stirred == [1], "another challenge of the same device is no news"
    assert not street.listener._challenges, "nobody came back"
    assert street.call(called) == [401]
    assert stirred == [1], "and nobody waits for him again"


def test_a_crowd_of_strangers_takes_no_place_of_a_caller(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpescript.transport.listener.MOST_CONNECTIONS", 8)
    monkeypatch.setattr("cpescript.transport.listener.TO_SPEAK", 0.0)
    call = f"GET {street.path(1)} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    crowded = asyncio.Event()
    there = 0

    async def known(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[int]:
        nonlocal there
        writer.write(call)
        first = (await answer(reader))[0]
        there += 1
        await crowded.wait()
        writer.write(call)
        return [first, (await answer(reader))[0]]

    async def crowd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, int]:
        while there < 4:
            await asyncio.sleep(0.01)
        for _ in range(40):
            _, other = await asyncio.open_connection("127.0.0.1", street.port)
            other.write(b"GET / HTTP")
            others.append(other)
        places = len(street.listener._strangers), len(street.listener._callers)
        crowded.set()
        return places

    others: list[asyncio.StreamWriter] = []
    *answers, places = street.call(*[known] * 4, crowd)
    for other in others:
        other.transport.abort()
    assert answers == [[401, 401]] * 4
    assert places == (8, 4)


def test_over_https_and_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    folder = tmp_path / "ca"
    authority.new(folder)
    street = Street(tls=server_context(authority.server(folder, ["localhost"])))
    call = f"GET {street.path(1)} HTTP/1.1\r\nHost: x\r\n\r\n"

    async def secure(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
        trusting = ssl.create_default_context(cafile=folder / authority.CERTIFICATE)
        tls_reader, tls_writer = await asyncio.open_connection(
            "127.0.0.1", street.port, ssl=trusting, server_hostname="localhost"
        )
        try:
            return await say(call)(tls_reader, tls_writer)
        finally:
            tls_writer.close()

    try:
        assert street.call(secure, say(call)) == [401, b""]
    finally:
        street.close()
    assert len(street.fleet[1].seen) == 1


def test_a_caller_that_takes_no_answers_is_closed(street: Street) -> None:
    class Full:
        """A transport whose peer reads nothing."""

        aborted = False

        def is_closing(self) -> bool:
            return False

        def get_write_buffer_size(self) -> int:
            return MOST_UNREAD + 1

        def abort(self) -> None:
            self.aborted = True

    caller, transport = _Caller(street.listener), Full()
    caller.connection_made(transport)  # type: ignore[arg-type]
    caller.respond(HttpResponse(204))
    caller.connection_lost(None)
    assert transport.aborted


def test_a_caller_that_floods_is_turned_away(street: Street) -> None:
    flood = f"GET {street.path(1)} HTTP/1.1\r\nHost: x\r\n\r\n" * 1000
    assert street.call(say(flood)) in ([413], [b""])
    assert len(street.fleet[1].seen) < 1000


def test_many_calls_on_one_connection(street: Street) -> None:
    call = f"GET {street.path(1)} HTTP/1.1\r\nX: {'a' * 4000}\r\n\r\n".encode()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[int]:
        statuses = []
        for _ in range(8):
            writer.write(call)
            statuses.append((await answer(reader))[0])
        return statuses

    assert street.call(script) == [[401] * 8]


def test_a_caller_that_says_nothing_is_closed(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpescript.transport.listener.IDLE", 0.1)
    assert street.call(say("GET /")) == [b""]


def test_a_call_is_an_event_at_the_current_instant(street: Street) -> None:
    kernel, wire, pace = street.world.kernel, street.world.wire, street.world.pace
    pace.patience = 60.0
    when: list[int] = []
    called_at, quiet_since = 0.0, None

    def called(request: HttpRequest, came: int | None) -> HttpResponse:
        nonlocal called_at
        when.append(kernel.now)
        called_at = wire.real()
        pace.patience = 0.1
        return Gateway(1).connection_request(request, came)

    street.fleet[1].connection_request = called  # type: ignore[method-assign]
    script = say(f"GET {street.path(1)} HTTP/1.1\r\nHost: x\r\n\r\n")

    async def late() -> Any:
        await asyncio.sleep(0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", street.port)
        status = await script(reader, writer)
        writer.close()
        await writer.wait_closed()
        return status

    tasks: list[asyncio.Task[Any]] = []
    kernel.at(5 * 10**9, Owner(0), lambda _: tasks.append(wire.loop.create_task(late())))

    def deadline(_: object) -> None:
        nonlocal quiet_since
        when.append(kernel.now)
        quiet_since = pace._quiet_since

    kernel.at(9 * 10**9, Owner(0), deadline, None, DEADLINE)
    wire.drive(kernel)
    assert tasks[0].result() == 401
    assert when == [5 * 10**9, 9 * 10**9]
    assert street.listener.calls == 1
    assert quiet_since is not None
    assert quiet_since >= called_at, "the call starts patience anew"
