"""How a connection comes to stand: names looked up, source addresses in turn, a proxy's tunnel, TLS.

Rules:

1. A failure says what and why: `Failure` and a text of a few words. It is that session's alone.
2. A shortage of this machine (ports, descriptors, memory) is not the ACS's: it is waited for and counted (`waits`),
   and raised as LocalShortage where it lasts.
3. What a proxy says before a tunnel stands is bounded and is never taken for the ACS's answer.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from itertools import cycle
from math import inf
from time import monotonic
from typing import Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from cpescript.cwmp.http import Failure
from cpescript.transport.base import Limits, LocalShortage
from cpescript.transport.connection import Connection, Target, target_of
from cpescript.transport.options import WireOptions
from cpescript.transport.tls import Contexts, TlsProblem, Who, words

NAMES_FOR = 60.0
"""Real seconds that a resolved host name is kept: what an uncached A record with a short TTL would give."""
PORT_RETRY = 0.25
"""Real seconds between two tries for a local port."""
MOST_OF_A_PROXY = 16 * 1024
"""Octets of a proxy's answer to CONNECT."""

_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_NO_PORT = frozenset({errno.EADDRNOTAVAIL, errno.EADDRINUSE})
_BIND_ADDRESS_NO_PORT = 24
"""IP_BIND_ADDRESS_NO_PORT of Linux, which `socket` names from Python 3.12 on: the port is chosen when the peer is
known, so that each source address has all ports for each ACS."""


class Unreached(Exception):
    """No connection: what it means to a session, and why."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure
        self.reason = reason


class Proxy(NamedTuple):
    """An HTTP proxy: where it is and what it is told of who asks (a header's value, empty for nothing)."""

    host: str
    port: int
    authority: str
    authorization: str


def proxy_of(url: str | None) -> Proxy | None:
    """Read a proxy's URL, None for none. Raises ValueError for one that is no http URL."""
    if url is None:
        return None
    parts = urlsplit(url)
    target = target_of(url)
    if target is None or parts.scheme != "http":
        raise ValueError("a proxy is http://[user:password@]host:port")
    authorization = ""
    if parts.username is not None:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(secret.encode()).decode()
    return Proxy(target.host, target.port, target.authority, authorization)


class Reach:
    """Makes connections for a wire. Raises TlsProblem, or ValueError for a proxy or an address that is none."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: Limits, options: WireOptions) -> None:
        self.loop = loop
        self.proxy = proxy_of(options.proxy)
        self.tls = Contexts(options)
        self.connections = 0
        """How many connections were made."""
        self.waits = 0
        """How many had to wait for a port or descriptor of this machine."""
        self._limits = limits
        self._sources = cycle(options.source_addresses) if options.source_addresses else None
        self._places = len(options.source_addresses)
        self._names: dict[tuple[str, int], tuple[float, list[str]]] = {}
        self._reached: dict[tuple[str, int], None] = {}

    async def stand(self, connection: Connection, target: Target, who: Who, grace: Callable[[float], object]) -> None:
        """Make a connection stand towards a target, as the device that is named.

        `grace` is told until when the connection must stand, anew after each wait for a port. Raises Unreached,
        LocalShortage.
        """
        hop = self.proxy if self.proxy is not None else target
        key = (hop.host, hop.port)
        tried_until = monotonic() + self._limits.ports
        waited = False
        while True:
            problem: OSError
            try:
                await self._try(connection, target, who, hop.host, hop.port)
            except TlsProblem as caught:
                raise Unreached("tls", words(caught)) from None
            except OSError as caught:
                problem = caught
            else:
                self.connections += 1
                self._reached[key] = None
                return
            short = problem.errno in _SHORTAGES or (problem.errno in _NO_PORT and key in self._reached)
            if not short:
                raise _unreached(problem, target.tls) from None
            if monotonic() > tried_until:
                raise LocalShortage(
                    f"no connection to {hop.authority} can be made from here: {problem} (ports last longer with "
                    "--source-address, descriptors with ulimit -n)"
                )
            self.waits += not waited
            waited = True
            grace(inf)
            await asyncio.sleep(PORT_RETRY)
            grace(monotonic() + self._limits.connect)

    async def _try(self, connection: Connection, target: Target, who: Who, host: str, port: int) -> None:
        """Try each address of a host; raises the last OSError, TlsProblem, Unreached."""
        problem: OSError | None = None
        for address in await self._addresses(host, port):
            try:
                await self._one(connection, target, who, address, port)
            except OSError as caught:
                problem = caught
            else:
                return
        if problem is not None:
            raise problem

    async def _one(self, connection: Connection, target: Target, who: Who, address: str, port: int) -> None:
        where: dict[str, Any] = {"host": address, "port": port}
        if self._sources is not None:
            where = {"sock": await self._from_here(self._sources, address, port)}
        secure: dict[str, Any] = {}
        if target.tls:
            secure = {"ssl": self.tls.of(who), "server_hostname": target.host}
        if self.proxy is None or not target.tls:
            await self.loop.create_connection(lambda: connection, **where, **secure)
            return
        transport, tunnel = await self.loop.create_connection(lambda: _Tunnel(self.loop), **where)
        try:
            await tunnel.ask(target, self.proxy)
            standing = await self.loop.start_tls(transport, connection, secure["ssl"], server_hostname=target.host)
        except BaseException:
            transport.abort()
            raise
        if standing is None:
            raise ConnectionResetError("closed in the handshake")
        connection.connection_made(standing)

    async def _from_here(self, sources: Iterator[str], address: str, port: int) -> socket.socket:
        """Return a socket that is connected, from the next source address that has a port left. Raises OSError."""
        for others in reversed(range(self._places)):
            try:
                return await self._bound(next(sources), address, port)
            except OSError as problem:
                if not others or problem.errno not in _NO_PORT:
                    raise
        raise AssertionError("there is a source address at least")

    async def _bound(self, source: str, address: str, port: int) -> socket.socket:
        """Return a socket from a source address that is connected."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.setblocking(False)
            bound.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                bound.bind((source, 0))
            except OSError as error:
                raise Unreached("refused", f"no connection can be made from {source}: {_told(error)}") from None
            await self.loop.sock_connect(bound, (address, port))
        except BaseException:
            bound.close()
            raise
        return bound

    async def _addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host, looked up once a minute. Raises OSError."""
        known = self._names.get((host, port))
        now = monotonic()
        if known is not None and known[0] > now:
            return known[1]
        found = await self.loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        self._names[host, port] = (now + NAMES_FOR, addresses)
        return addresses


class _Tunnel(asyncio.Protocol):
    """A connection to a proxy until it has answered CONNECT (RFC 9110, 9.3.6)."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._answer: asyncio.Future[bytes] = loop.create_future()
        self._octets = b""
        self._transport: asyncio.Transport | None = None

    async def ask(self, target: Target, proxy: Proxy) -> None:
        """Ask for a tunnel. Raises Unreached where the proxy makes none."""
        assert self._transport is not None
        host = f"[{target.host}]" if ":" in target.host else target.host
        lines = f"CONNECT {host}:{target.port} HTTP/1.1\r\nHost: {host}:{target.port}\r\n"
        if proxy.authorization:
            lines += f"Proxy-Authorization: {proxy.authorization}\r\n"
        self._transport.write(f"{lines}\r\n".encode("latin-1", "replace"))
        head, _, rest = (await self._answer).partition(b"\r\n\r\n")
        parts = head.partition(b"\r\n")[0].split(b" ", 2)
        if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit():
            raise Unreached("http", "the proxy does not speak HTTP")
        if not parts[1].startswith(b"2"):
            raise Unreached("refused", f"the proxy answers CONNECT with status {int(parts[1][:3])}")
        if rest:
            raise Unreached("http", "the proxy speaks before the tunnel stands")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._octets += data
        if self._answer.done():
            return
        if b"\r\n\r\n" in self._octets:
            self._answer.set_result(self._octets)
        elif len(self._octets) > MOST_OF_A_PROXY:
            self._answer.set_exception(Unreached("too-large", "the proxy's answer has no end"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_exception(Unreached("cut", "the proxy closed the connection"))
            self._answer.exception()  # Nobody may be waiting any more.


def foreign(addresses: Sequence[str]) -> str:
    """Say which of these is no address that connections can be made from on this machine; empty where all are."""
    for address in addresses:
        try:
            family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
            with socket.socket(family, socket.SOCK_STREAM) as tried:
                tried.bind((address, 0))
        except ValueError:
            return f"'{address}' is no IP address"
        except OSError as problem:
            return f"'{address}' is no address of this machine: {problem.strerror or problem}"
    return ""


def _unreached(problem: OSError, tls: bool) -> Unreached:
    """Say what it means that a connection could not be made."""
    if isinstance(problem, ssl.SSLError) or (
        tls and isinstance(problem, ConnectionResetError | ConnectionAbortedError)
    ):
        return Unreached("tls", words(problem))
    if isinstance(problem, TimeoutError):
        return Unreached("timeout", "no connection in time")
    return Unreached("refused", "" if isinstance(problem, ConnectionRefusedError) else _told(problem))


def _told(problem: OSError) -> str:
    if isinstance(problem, socket.gaierror):
        return "the host's name is not known"
    return problem.strerror or str(problem)
