"""The connection-request port of the fleet: one HTTP listener for all devices (TR-069 3.2.2).

What a call leads to is the device's own business: the listener carries it there and the answer back.

1. Whoever calls is bounded: connections, the size of a request, how long one may take, and what he leaves unread.
2. Strangers and callers, who have called a device by its path and shown no wrong proof, do not compete for a place. A
   stranger who has had time to say what he wants makes room for the next one; of callers, whoever was quiet longest. So
   a crowd that knows no path lets everybody through who says at once what he wants.
3. Nobody can keep virtual time from moving: a call counts as traffic when it is let in, and a challenge when time waits
   for its answer (`challenges`).
"""

from __future__ import annotations

import asyncio
import ssl
from functools import partial
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from cpescript.cwmp.digest import parse_challenge
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.kernel.time import SECOND
from cpescript.transport.calls import Lookup, answer, connect, resolve, token_path
from cpescript.transport.challenges import Challenges
from cpescript.transport.http import HttpWire

__all__ = ["Listener", "connect", "resolve", "token_path"]

MOST_CONNECTIONS = 256
"""Strangers at once, and callers: an ACS calls one device over one connection, and HttpWire has some 200 sessions at
once."""
TO_SPEAK = 0.05
"""Real seconds that a stranger has for a request before he makes room for others. One that is meant comes right behind
the handshake; and 256 places for so long let 5,000 connections a second through, more than one core can serve."""
BACKLOG = 1024
"""Callers that wait to be accepted: one too many costs its ACS a second, until the SYN is sent again."""
MOST_OCTETS = 16 * 1024
"""Of one request, body included. A GET with a Digest is 600 octets, and nobody else has business here."""
MOST_UNREAD = 64 * 1024
"""Octets of answers that a caller has not taken: somebody who only asks is closed."""
IDLE = 30.0
"""Real seconds for one request, the pause before it included: a caller needs two within one round trip."""

_REASONS = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    503: "Service Unavailable",
}


class Listener:
    """The fleet's connection-request port, on the loop of its wire. A call is an event at the current instant."""

    def __init__(self, wire: HttpWire, seed: int, lookup: Lookup) -> None:
        self.wire = wire
        self.seed = seed
        self.lookup = lookup
        self.calls = 0
        """How many requests came."""
        self._server: asyncio.Server | None = None
        self._strangers: dict[_Caller, None] = {}
        """Callers who have not called a device by its path, or shown a wrong proof; whoever was quiet longest first."""
        self._callers: dict[_Caller, None] = {}
        """The others, in the same order."""
        self._challenges = Challenges()

    def start(self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> int:
        """Listen, for HTTPS only where a context is given, and return the port. Raises OSError where that fails."""
        patience = IDLE if tls is not None else None
        self._server = self.wire.loop.run_until_complete(
            self.wire.loop.create_server(
                partial(_Caller, self), host, port, backlog=BACKLOG, ssl=tls, ssl_handshake_timeout=patience
            )
        )
        self.wire.ticks.append(self._tick)
        self.wire.awaited.append(self._challenges)
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stop listening; before the wire is closed."""
        server, self._server = self._server, None
        if server is not None:
            self.wire.ticks.remove(self._tick)
            self.wire.awaited.remove(self._challenges)
            server.close()
            for caller in self._everybody():
                caller.drop()
            self.wire.loop.run_until_complete(self._closed(server))

    async def _closed(self, server: asyncio.Server) -> None:
        await server.wait_closed()
        for _ in range(3):
            await asyncio.sleep(0)  # Who was being accepted turns up in the next turns of the loop, and is dropped.

    def take(self, caller: _Caller) -> bool:
        """Note a newcomer; False where there is no room for one more."""
        if self._server is None:
            return False
        if len(self._strangers) >= MOST_CONNECTIONS:
            quietest = next(iter(self._strangers))
            if quietest.since + TO_SPEAK > self.wire.real():
                return False
            del self._strangers[quietest]
            quietest.drop()
        self._strangers[caller] = None
        return True

    def _placed(self, caller: _Caller, *, stranger: bool) -> None:
        """Note what has become of a caller: behind all others, for he has just spoken."""
        self.gone(caller)
        group = self._strangers if stranger else self._callers
        group[caller] = None
        if len(group) > MOST_CONNECTIONS:
            quietest = next(iter(group))
            del group[quietest]
            quietest.drop()

    def gone(self, caller: _Caller) -> None:
        self._strangers.pop(caller, None)
        self._callers.pop(caller, None)

    def _everybody(self) -> list[_Caller]:
        return [*self._strangers, *self._callers]

    def handle(self, caller: _Caller, request: HttpRequest) -> None:
        """Let the device answer, within the run: at the current instant, once time has caught up."""
        self.calls += 1
        self.wire.enter(partial(self._handle, caller, request))

    def _handle(self, caller: _Caller, request: HttpRequest) -> None:
        response = answer(self.seed, request, self.lookup, int(self.wire.real() * SECOND))
        status = response.status if response is not None else 0
        wrong = status == 404 or (status == 401 and request.header("Authorization") is not None)
        if caller.there:
            self._placed(caller, stranger=wrong)
        if response is not None and self._counts(request, response, wrong=wrong):
            self.wire.stir()
        caller.respond(response)

    def _counts(self, request: HttpRequest, response: HttpResponse, *, wrong: bool) -> bool:
        """Whether a call is traffic: virtual time waits for what it leads to."""
        path = request.path.partition("?")[0]
        if response.status == 401:
            challenge = parse_challenge(response.all("WWW-Authenticate"))
            # A proof that was right but for its nonce is no wrong one: who has it will try again.
            if challenge is None or (wrong and not challenge.stale):
                return False
            return self._challenges.put(path, self.wire.real() + self.wire.pace.patience)
        if response.status in (404, 405):
            return False
        self._challenges.met(path)
        return True

    def _tick(self, now: float) -> None:
        for caller in [each for each in self._everybody() if each.since + IDLE < now]:
            caller.drop()
        if self._challenges.give_up(now):
            self.wire.look()


class _Caller(asyncio.Protocol):
    """A connection of somebody who calls: requests one after the other, in the order of their coming."""

    __slots__ = ("_close", "_headers", "_listener", "_octets", "_parser", "_transport", "_url", "since")

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._parser = HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._headers: list[tuple[str, str]] = []
        self._url = b""
        self._octets = 0
        self._close = False
        self.since = listener.wire.real()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not self._listener.take(self):
            self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._listener.gone(self)

    def data_received(self, data: bytes) -> None:
        self._octets += len(data)
        if self._octets > MOST_OCTETS:
            self._refuse(413)
            return
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._refuse(400)

    @property
    def there(self) -> bool:
        """Whether he still has his place."""
        return self._transport is not None and not self._transport.is_closing()

    def drop(self) -> None:
        """Close without a word, as a device that is not there."""
        if self._transport is not None:
            self._transport.abort()

    def respond(self, response: HttpResponse | None) -> None:
        """Send the answer, or close."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if response is None or transport.get_write_buffer_size() > MOST_UNREAD:
            transport.abort()
            return
        lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Status')}\r\n"]
        lines += [f"{name}: {value}\r\n" for name, value in response.headers]
        if response.status != 204:
            lines.append(f"Content-Length: {len(response.body)}\r\n")
        close = self._close or response.close
        lines.append("Connection: close\r\n\r\n" if close else "\r\n")
        transport.write("".join(lines).encode("latin-1", "replace") + response.body)
        if close:
            transport.close()

    def _refuse(self, status: int) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._close = True
            self.respond(HttpResponse(status))

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._headers = []
        self._url = b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_message_complete(self) -> None:
        self._octets = 0
        self.since = self._listener.wire.real()
        if not self.there:
            return
        self._close = not self._parser.should_keep_alive()
        method = self._parser.get_method().decode("latin-1")
        self._listener.handle(self, HttpRequest(tuple(self._headers), b"", method, self._url.decode("latin-1")))
