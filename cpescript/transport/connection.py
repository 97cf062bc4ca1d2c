"""One HTTP/1.1 connection to an ACS: a request at a time, each answered by a whole response or by a failure.

Rules:

1. A connection reports each request exactly once, by `answered`: a response, or the word for what went wrong. One
   that goes while nothing is outstanding says so by `lost`.
2. What a peer sends is bounded: the head, the body and, so that neither chunk extensions nor interim responses are a
   way around, all octets of one answer. Nothing is kept of what lies beyond.
3. Octets that answer no question (RFC 9112, 9.2) make a connection unusable, never an answer to the next request.
4. An interim response (1xx) is skipped; a switch of protocols was not asked for and is no HTTP.
5. A body that is held back until the peer says to go on (RFC 9110, 10.1.1) goes out after a second all the same; an
   answer that comes first makes it needless, and the connection useless.
6. A body without a length ends with the connection (RFC 9112, 6.3), if that is closed in order.
7. Nearly all answers of an ACS in one second begin with the same octets, and what these mean was found out once
   (`heads`). Everything else goes through the parser.
8. Of a request that nobody answered it is said whether the peer can have read it (`unread`): a peer that had closed
   before resets what comes, or has not even acknowledged it.
9. What is held of answers that are not whole yet is bounded for all connections together, too (`holding`). What a
   connection holds it gives back with whatever ends the answer, and lets go of in the same moment.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from fcntl import ioctl
from functools import lru_cache
from math import inf
from struct import Struct
from termios import TIOCOUTQ
from typing import Any, NamedTuple, cast
from urllib.parse import quote, urlsplit

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from cpescript.cwmp.http import Failure, HttpRequest, HttpResponse
from cpescript.transport import tls
from cpescript.transport.base import Limits
from cpescript.transport.heads import Heads
from cpescript.transport.holding import Holding

Answer = HttpResponse | Failure

_PORTS = {"http": 80, "https": 443}
_PATH_SAFE = "%/:=&?~+!$,;'@()*[]-._"
_CHUNK = 4096
"""Octets of a chunk, as a device with little memory sends them."""
_LEAVE_AFTER = 1.0
"""Real seconds until a body goes out without the peer's leave."""
_INT = Struct("i")
_FRAMING = frozenset({"content-length", "transfer-encoding"})


class Target(NamedTuple):
    """Where a URL leads: what a connection (`host`, `port`, `tls`) and a request (`path`, `authority`) need of it."""

    host: str
    port: int
    tls: bool
    path: str
    authority: str


@lru_cache(maxsize=1024)
def target_of(url: str) -> Target | None:
    """Return where an http or https URL leads, None for anything else."""
    try:
        parts = urlsplit(url)
        host, port, default = parts.hostname, parts.port, _PORTS[parts.scheme]
        if not host or port == 0:
            return None
        name = host.encode("idna").decode("ascii")  # A name with an empty or a long label is none.
    except (ValueError, KeyError):
        return None
    if not name.isprintable() or " " in name:
        return None
    path = quote(parts.path or "/", safe=_PATH_SAFE)
    if parts.query:
        path += "?" + quote(parts.query, safe=_PATH_SAFE)
    bracketed = f"[{name}]" if ":" in name else name
    authority = bracketed if port in (None, default) else f"{bracketed}:{port}"
    return Target(name, port or default, parts.scheme == "https", path, authority)


def request_bytes(request: HttpRequest, target: Target, proxy: str | None = None) -> tuple[bytes, bytes]:
    """Return the octets of a request and those that wait for the peer's leave (mostly none).

    Host goes first (RFC 9110, 7.2), then the request's own headers, framing last. With `proxy` it asks a proxy for the
    whole URL; the text is its Proxy-Authorization, empty for none.
    """
    manner, body, authority = request.manner, request.body, target.authority
    path = request.path or target.path
    if proxy is not None:
        path = f"http://{authority}{path}"
    head = f"{request.method} {path} HTTP/1.1\r\nHost: {authority}\r\n"
    for name, value in request.headers:
        head = f"{head}{name}: {value}\r\n"
    if proxy:
        head = f"{head}Proxy-Authorization: {proxy}\r\n"
    waits = chunked = False
    if manner is not None:
        if manner.connection == "post":
            head = f"{head}Connection: close\r\n"
        if body and manner.expect_continue:
            head = f"{head}Expect: 100-continue\r\n"
            waits = True
        chunked = manner.chunked
    if body and chunked:
        head = f"{head}Transfer-Encoding: chunked\r\n"
        body = b"".join([b"%x\r\n%b\r\n" % (len(each), each) for each in _chunks(body)]) + b"0\r\n\r\n"
    elif body or request.method not in ("GET", "HEAD"):
        head = f"{head}Content-Length: {len(body)}\r\n"
    octets = f"{head}\r\n".encode("latin-1", "replace")
    return (octets, body) if waits else (octets + body, b"")


def _chunks(body: bytes) -> list[bytes]:
    return [body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK)]


class Connection(asyncio.Protocol):
    """A connection as asyncio drives it. `request` may be called before it stands: the request then goes first."""

    __slots__ = (
        "__weakref__",
        "_begun",
        "_body",
        "_clock",
        "_counted",
        "_first",
        "_head",
        "_headers",
        "_heads",
        "_held",
        "_holding",
        "_limits",
        "_octets",
        "_parser",
        "_proven",
        "_response",
        "_timer",
        "_transport",
        "_waiting",
        "answered",
        "last",
        "lost",
        "reason",
        "sent",
        "unread",
        "usable",
    )

    def __init__(
        self,
        limits: Limits,
        answered: Callable[[Answer], None],
        clock: Callable[[], float],
        heads: Heads,
        holding: Holding,
    ) -> None:
        self._limits = limits
        self._heads = heads
        self._holding = holding
        self._counted = 0
        """Octets of the present answer that count as held."""
        self.answered = answered
        """Told what becomes of each request: whoever has the connection now."""
        self.lost: Callable[[Connection], object] | None = None
        """Told when the connection goes while nothing is outstanding."""
        self._clock = clock
        self._parser: Any = None
        """Made when it is needed: while heads are known it is not."""
        self._proven = False
        """Whether the peer has ever answered."""
        self._transport: asyncio.Transport | None = None
        self._first = b""
        self._held = b""
        self._timer: asyncio.TimerHandle | None = None
        self._waiting = False
        self.last = False
        """Whether the connection is closed after the present request, whatever the peer says."""
        self.usable = True
        """Whether another request may be sent once the present one is answered."""
        self.reason = ""
        """Why it failed, in a few words, where more is known than the failure says."""
        self.unread = False
        """Whether the peer closed without having read the present request, and without an octet of an answer."""
        self.sent = inf
        """When the present request went out, infinity while the connection does not stand."""
        self._clear()

    def _clear(self) -> None:
        self._octets = 0
        self._head = False
        self._begun = 0
        self._response: HttpResponse | None = None
        self._let_loose()

    def _let_loose(self) -> None:
        """Let go of what came of the present answer, whole or not."""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: bytes | bytearray = b""
        if self._counted:
            self._holding.give(self._counted)
            self._counted = 0

    @property
    def stands(self) -> bool:
        """Whether the socket is open: also for a moment after `close` and `abort`, over TLS for longer."""
        return self._transport is not None

    @property
    def idle(self) -> bool:
        """Whether it can be used again, and nothing is outstanding."""
        return self.usable and not self._waiting

    @property
    def silent(self) -> bool:
        """Whether no octet of the present answer has come."""
        return not self._octets

    def request(self, octets: bytes, held: bytes = b"") -> None:
        """Send a request; its outcome is reported by `answered`. What is `held` waits for the peer's leave."""
        self._waiting = True
        self._held = held
        if self._transport is None:
            self._first = octets
        elif not held:
            self.sent = self._clock()
            self._transport.write(octets)
        else:
            self._write(octets)

    def _write(self, octets: bytes) -> None:
        assert self._transport is not None
        self.sent = self._clock()
        self._transport.write(octets)
        if self._held:
            self._timer = asyncio.get_running_loop().call_later(_LEAVE_AFTER, self._let_go)

    def _let_go(self) -> None:
        """Send what was held back."""
        held, self._held = self._held, b""
        if held and self._transport is not None:
            self._transport.write(held)
        self._forget_timer()

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Close in order; what was asked for is not reported any more."""
        self._over()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._over()
        if self._transport is not None:
            self._transport.abort()

    def _over(self) -> None:
        """Nothing is asked or reported any more."""
        self.usable = self._waiting = False
        self._forget_timer()
        if self._octets:
            self._let_loose()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not self.usable:
            transport.close()
        elif self._first:
            self._write(self._first)
            self._first = b""

    def data_received(self, data: bytes) -> None:
        if not self._waiting:
            self.abort()
            return
        if not self._octets and (known := self._heads.read(data)) is not None:
            self._take(known)
            return
        self._octets += len(data)
        measured = self._head
        if self._parser is None:
            self._parser = HttpResponseParser(self)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            if self._response is None:
                self._settle("http")
                return
        limits = self._limits
        if len(self._headers) > limits.lines or (
            self._octets > limits.header
            and (
                not self._head
                or (not measured and sum(len(name) + len(value) for name, value in self._headers) > limits.header)
                or len(self._body) > limits.body
                or self._octets > limits.header + 2 * limits.body
            )
        ):
            self._settle("too-large")
        elif self._response is not None:
            if self._octets == len(data):
                self._heads.learn(data, self._response)
            self._take(self._response)
        elif not self._hold():
            self.reason = self._holding.full()
            self._settle("no-room")

    def _hold(self) -> bool:
        """Count what is kept of an answer that is not whole yet; returns whether there was room for it."""
        kept = min(self._octets, self._limits.header + len(self._body))
        if not self._holding.take(kept - self._counted):
            return False
        self._counted = kept
        return True

    def _take(self, response: HttpResponse) -> None:
        usable = self.usable = self._begun <= 1 and not (response.close or self._held or self.last)
        self._proven = True
        if self._octets:
            self._clear()
        if self._timer is None and usable:
            self._waiting = False
            self.answered(response)
        else:
            self._settle(response)

    def eof_received(self) -> None:
        """The peer ends its side: so do we, and `connection_lost` follows."""
        self.unread = self._waiting and self.silent and _refused(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if isinstance(exc, ConnectionResetError | BrokenPipeError):
            self.unread = self._waiting and self.silent
        if not self._waiting:
            self._transport = self._parser = None
            if self.lost is not None:
                self.lost(self)
            return
        if exc is None and self._head and not any(name.lower() in _FRAMING for name, _ in self._text_headers()):
            self._settle(self._whole())
        elif isinstance(exc, ssl.SSLError):
            # With TLS 1.3 a server says only now that it does not take the client's certificate.
            self.reason = tls.words(exc)
            self._settle("tls")
        else:
            if self.silent and not self._proven and self._secure:
                self.reason = "closed before the first answer over TLS: the ACS may want a client certificate"
            self._settle("cut")
        self._transport = None
        self._parser = None  # The two hold each other.

    def _settle(self, answer: Answer) -> None:
        self._waiting = False
        self._held = b""
        if self._timer is not None:
            self._forget_timer()
        if not isinstance(answer, HttpResponse):
            self.abort()
        elif not self.usable:
            self.close()
        self.answered(answer)

    @property
    def _secure(self) -> bool:
        return self._transport is not None and self._transport.get_extra_info("ssl_object") is not None

    def _text_headers(self) -> tuple[tuple[str, str], ...]:
        return tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._headers])

    def _whole(self) -> HttpResponse:
        parser = self._parser
        return HttpResponse(
            parser.get_status_code(), self._text_headers(), bytes(self._body), not parser.should_keep_alive()
        )

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._begun += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers (RFC 9110, 6.5) come after the head and are ignored.
        if not self._head and self._response is None:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._head = True

    def on_body(self, body: bytes) -> None:
        if self._response is not None:
            return
        if not self._body:
            self._body = body
        elif type(self._body) is bytearray:
            self._body += body
        else:
            self._body = bytearray(self._body) + body

    def on_message_complete(self) -> None:
        if self._response is not None:
            return
        if self._parser.get_status_code() < 200:
            self._begun -= 1
            if self._held and self._parser.get_status_code() == 100:
                self._let_go()
            self._head = False
            self._headers.clear()
            return
        self._response = self._whole()


def _refused(transport: asyncio.Transport | None) -> bool:
    """Whether a peer that has ended its side left something unread: it has reset the connection since, or there are
    octets that it has not acknowledged. False where that cannot be known."""
    if transport is None or (peer := transport.get_extra_info("socket")) is None:
        return False
    try:
        if peer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            return True
        (waiting,) = _INT.unpack(ioctl(peer.fileno(), TIOCOUTQ, bytes(_INT.size)))
    except OSError:
        return False
    return bool(waiting)
