"""A reverse proxy between real devices and their ACS that writes what they say to each other as a trace.

Rules:

1. Requests and answers go through as they are, but for the headers of a connection (RFC 9110, 7.6.1) and Host. The
   path that devices use is kept, because a digest covers it.
2. A device is known by its Inform; what follows belongs to it by its connection, or by the cookies that the ACS gave.
   A session whose connection is gone, and that goes on over no other within `SETTLE`, was cut.
3. The trace has credentials masked (`masked`); what goes through has them, of course.
4. Connection requests pass this proxy by, unless it is told to relay them: then ConnectionRequestURLs in Informs are
   rewritten to lead here. The path is kept, because a digest covers it: of devices with the same path the first has the
   port of the proxy, and each other one a port of its own, as far as there are any (`ports`). Behind https it is always
   a port of its own kind: connection requests are http (TR-069, 3.2.2).
"""

from __future__ import annotations

import asyncio
import gzip
import re
import ssl
import time
import zlib
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from yarl import URL

from cpescript.cwmp.codec import CwmpSyntaxError, decode
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.cwmp.message import Message
from cpescript.kernel.trace import FROM_ACS, LOCAL, TO_ACS, Direction, Record, Writer

MAX_BODY = 16 * 1024 * 1024
"""Octets of a message that are passed on: twice what an ACS's answer may have anywhere else here."""
TIMEOUT = 90.0
"""Real seconds that an ACS has for an answer: longer than any device waits."""
SETTLE = 5.0
"""Real seconds in which a device that opens a connection for each message is back with the next one."""
MOST_DEVICES = 100_000
MOST_COOKIES = 200_000

HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "host", "content-length"}
)  # fmt: skip
"""Headers that do not go through, and those that whoever sends sets anew."""
_SECRET_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "proxy-authorization"})
_ELEMENT = re.compile(rb"(<(?:[\w.-]+:)?(Password|Username)\b[^>]*>)([^<]+)(<)")
_PARAMETER = re.compile(
    rb"(<(?:[\w.-]+:)?Name\b[^>]*>[^<]*(?:Password|Passphrase|PreSharedKey|SharedSecret|Secret|PIN)\s*</(?:[\w.-]+:)?Name>"
    rb"\s*<(?:[\w.-]+:)?Value\b[^>]*>)([^<]+)(<)"
)
_CONNECTION_URL = re.compile(
    rb"(<(?:[\w.-]+:)?Name\b[^>]*>[^<]*\.ManagementServer\.ConnectionRequestURL\s*</(?:[\w.-]+:)?Name>"
    rb"\s*<(?:[\w.-]+:)?Value\b[^>]*>)([^<]+)(<)"
)


def masked(body: bytes) -> bytes:
    """Return a message without passwords: of transfers, and the values of parameters whose names say that they are."""
    return _PARAMETER.sub(rb"\1***\3", _ELEMENT.sub(rb"\1***\4", body))


@dataclass(slots=True)
class _Known:
    """A device: its name in the trace, where it listens, and its session."""

    number: int
    identity: str
    url: str = ""
    session: int = 0
    open: bool = False
    transport: asyncio.BaseTransport | None = None
    """The connection that it was last heard on."""
    at: tuple[int, str] | None = None
    """Port and path at which it is called, where its calls are relayed."""
    gone: float | None = None
    """Since when that is closed."""
    recent: Any = None

    @property
    def name(self) -> str:
        return f"recorded[{self.number}]"


class Recorder:
    """Stands between devices and the ACS at `acs`. `say` is told each device as it comes first."""

    def __init__(
        self,
        acs: str,
        writer: Writer,
        *,
        relay: bool = False,
        ports: int = 0,
        settle: float = SETTLE,
        say: Callable[[str], object] = lambda text: None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.acs = acs
        self.messages = 0
        self._parts = urlsplit(acs)
        self._writer = writer
        self._relay = relay
        self._ports = ports
        self._settle = settle
        self._say = say
        self._tls = tls
        self._began = time.monotonic_ns()
        self._n = 0
        self._devices: dict[str, _Known] = {}
        self._connections: dict[int, tuple[asyncio.BaseTransport, _Known]] = {}
        """By the id of the transport, which is held so that no other gets that id."""
        self._talking: dict[int, _Known] = {}
        self._cookies: dict[str, _Known] = {}
        self._paths: dict[tuple[int, str], _Known] = {}
        """Who is called at a port and path."""
        self._client: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self._host = ""
        self._called = 0
        """The port that connection requests come to."""

    async def start(self, host: str, port: int, stack: AsyncExitStack, tls: ssl.SSLContext | None = None) -> int:
        """Listen and return the port. What is opened is closed by `stack`. Raises OSError."""
        self._client = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
            auto_decompress=False,
            connector=aiohttp.TCPConnector(limit=0),
        )
        stack.push_async_callback(self._client.close)
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=1.0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        self._runner, self._host = runner, host
        found = await self._listen(port, tls)
        self._called = await self._listen(0) if tls is not None and self._relay else found
        sweeping = asyncio.create_task(self._sweep())
        stack.callback(sweeping.cancel)
        return found

    async def _listen(self, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen at one more port; return it. Raises OSError."""
        assert self._runner is not None
        await web.TCPSite(self._runner, self._host, port, ssl_context=tls).start()
        found: int = self._runner.addresses[-1][1]
        return found

    @property
    def devices(self) -> int:
        return len(self._devices)

    # --- passing on ---------------------------------------------------------------------------------------------------

    async def _handle(self, request: web.Request) -> web.Response:
        if request.method != "POST":
            return await self._relayed(request)
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        plain = _unpacked(body, request.headers.get("Content-Encoding", ""))
        message = _decoded(plain)
        device = self._whose(request, message)
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP]
        if self._relay and device is not None and message is not None and message.kind == "Inform":
            rewritten = await self._rewritten(plain, device, request)
            if rewritten is not plain:
                body = rewritten
                headers = [(name, value) for name, value in headers if name.lower() != "content-encoding"]
        self._tell(device, TO_ACS, _kind(message, plain), HttpRequest(_shown(headers), b""), plain)
        answer = await self._forward(request, headers, body)
        if answer is None:
            if device is not None:
                self._end(device, "refused")
            return web.Response(status=502, text="the ACS cannot be reached")
        status, answer_headers, raw = answer
        told = _unpacked(raw, next((value for name, value in answer_headers if name.lower() == "content-encoding"), ""))
        reply = _decoded(told)
        if device is not None:
            for name, value in answer_headers:
                if name.lower() == "set-cookie" and len(self._cookies) < MOST_COOKIES:
                    self._cookies[value.partition(";")[0].strip()] = device
        kind = "HttpError" if status not in (200, 204) else _kind(reply, told)
        self._tell(device, FROM_ACS, kind, HttpResponse(status, _shown(answer_headers)), told)
        if device is not None:
            if status == 204 or (status == 200 and not told):
                self._end(device, "done")
            elif status not in (200, 401):
                self._end(device, "http")
        response = web.Response(status=status, body=raw or None)
        for name, value in answer_headers:
            if name.lower() == "content-type":
                response.headers[name] = value
            elif name.lower() not in HOP_BY_HOP:
                response.headers.add(name, value)
        return response

    async def _forward(
        self, request: web.Request, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes] | None:
        assert self._client is not None
        path = request.raw_path if request.raw_path not in ("", "/") else (self._parts.path or "/")
        target = f"{self._parts.scheme}://{self._parts.netloc}{path}"
        try:
            async with self._client.request(
                "POST",
                URL(target, encoded=True),
                headers=headers,
                data=body,
                allow_redirects=False,
                skip_auto_headers=("User-Agent", "Content-Type", "Accept", "Accept-Encoding"),
                ssl=self._tls if self._tls is not None else True,
            ) as response:
                parts, size = [], 0
                async for part in response.content.iter_any():
                    size += len(part)
                    if size > MAX_BODY:
                        return None
                    parts.append(part)
                return response.status, list(response.headers.items()), b"".join(parts)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    # --- connection requests ------------------------------------------------------------------------------------------

    async def _relayed(self, request: web.Request) -> web.Response:
        """Pass a connection request on to the device whose path it is."""
        at = (_local(request)[1], request.raw_path)
        device = self._paths.get(at) if self._relay and request.method == "GET" else None
        if device is None:
            return web.Response(status=405 if not self._relay else 404)
        assert self._client is not None
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP]
        try:
            async with self._client.get(
                URL(device.url, encoded=True), headers=headers, allow_redirects=False
            ) as response:
                raw = await response.content.read(65536)
                found = list(response.headers.items())
        except (aiohttp.ClientError, TimeoutError, OSError):
            return web.Response(status=504)
        self._fact(device, "ConnectionRequest", via="http", status=response.status)
        answer = web.Response(status=response.status, body=raw or None)
        for name, value in found:
            if name.lower() not in HOP_BY_HOP | {"content-type"}:
                answer.headers.add(name, value)
        return answer

    async def _rewritten(self, plain: bytes, device: _Known, request: web.Request) -> bytes:
        """Return an Inform whose ConnectionRequestURL leads here."""
        found = _CONNECTION_URL.search(plain)
        if found is None:
            return plain
        url = found[2].decode("utf-8", "replace").strip().replace("&amp;", "&")
        path = urlsplit(url).path or "/"
        port = await self._port(device, path)
        if port is None:
            return plain
        device.url = url
        # Behind 0.0.0.0 only the device's own connection tells an address of ours.
        host = self._host if self._host not in ("0.0.0.0", "::") else _local(request)[0]
        at = f"[{host}]" if ":" in host else host
        here = f"http://{at}:{port}{path}".replace("&", "&amp;").encode()
        return plain[: found.start(2)] + here + plain[found.end(2) :]

    async def _port(self, device: _Known, path: str) -> int | None:
        """Return the port at which a device is called for, None where there is none left for its path."""
        port = device.at[0] if device.at is not None else self._called
        if device.at is not None and device.at != (port, path):
            # Its path is another since: who changes it at each boot must not fill the memory.
            del self._paths[device.at]
            device.at = None
        if self._paths.setdefault((port, path), device) is device:
            device.at = (port, path)
            return port
        if self._ports < 1:
            self._say(f"{device.name}: another device has the path {path}; its connection requests are not relayed")
            return None
        self._ports -= 1
        port = await self._listen(0)
        device.at = (port, path)
        self._paths[device.at] = device
        return port

    # --- the trace ----------------------------------------------------------------------------------------------------

    def _whose(self, request: web.Request, message: Message | None) -> _Known | None:
        transport = request.transport
        if message is None or message.kind != "Inform":
            _, device = self._connections.get(id(transport), (None, None))
            if device is None:
                cookies = request.headers.get("Cookie", "").split(";")
                device = next((self._cookies[each.strip()] for each in cookies if each.strip() in self._cookies), None)
            if device is not None:
                device.transport, device.gone = transport, None
            return device
        fields = message.fields
        parts = (fields.get("oui", ""), fields.get("product_class", ""), fields.get("serial_number", ""))
        identity = "-".join(str(part) for part in parts)
        device = self._devices.get(identity)
        if device is None:
            if len(self._devices) >= MOST_DEVICES:
                return None
            device = self._devices[identity] = _Known(len(self._devices) + 1, identity)
            self._fact(device, "spawn", cohort="recorded", index=device.number, identity=identity, labels={})
            self._say(f"{device.name} is {identity}")
        if not device.open:
            device.session += 1
            device.open = True
            self._talking[device.number] = device
        device.transport, device.gone = transport, None
        if transport is not None:
            self._connections[id(transport)] = (transport, device)
        return device

    async def _sweep(self) -> None:
        """End the sessions of devices that have gone, and forget connections that are closed."""
        while True:
            await asyncio.sleep(self._settle / 4)
            now = time.monotonic()
            for device in list(self._talking.values()):
                if device.transport is not None and not device.transport.is_closing():
                    continue
                device.gone = now if device.gone is None else device.gone
                if now - device.gone >= self._settle:
                    self._end(device, "cut")
            for key in [key for key, (transport, _) in self._connections.items() if transport.is_closing()]:
                del self._connections[key]

    def _end(self, device: _Known, outcome: str) -> None:
        if device.open:
            device.open = False
            self._talking.pop(device.number, None)
            self._fact(device, "SessionEnd", outcome=outcome)

    def _tell(
        self, device: _Known | None, direction: Direction, kind: str, http: HttpRequest | HttpResponse, body: bytes
    ) -> None:
        self.messages += 1
        session = device.session if device is not None else 0
        self._write(device, session, direction, "cwmp", kind, http, masked(body) or None, {}, time.time_ns())

    def _fact(self, device: _Known, kind: str, **data: Any) -> None:
        self._write(device, device.session if kind == "SessionEnd" else 0, LOCAL, "", kind, None, None, data, None)

    def _write(
        self,
        device: _Known | None,
        session: int,
        direction: Direction,
        protocol: str,
        kind: str,
        http: Any,
        body: bytes | None,
        data: dict[str, Any],
        wall: int | None,
    ) -> None:
        self._n += 1
        t = time.monotonic_ns() - self._began
        self._writer.write(
            Record(t, self._n, device, session, direction, protocol, kind, http, body, data, wall_ns=wall)
        )


def _local(request: web.Request) -> tuple[str, int]:
    """Return the address of ours that a request came to."""
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return (str(name[0]), int(name[1])) if name else ("127.0.0.1", 0)


def _shown(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return headers as the trace has them."""
    return tuple((name, _veiled(value) if name.lower() in _SECRET_HEADERS else value) for name, value in headers)


def _veiled(value: str) -> str:
    scheme, blank, _ = value.partition(" ")
    return f"{scheme} ***" if blank and "=" not in scheme else "***"


def _kind(message: Message | None, body: bytes) -> str:
    return message.kind if message is not None else "Garbage" if body.strip() else "Empty"


def _decoded(body: bytes) -> Message | None:
    if not body.strip():
        return None
    try:
        return decode(body)
    except CwmpSyntaxError:
        return None


def _unpacked(body: bytes, coding: str) -> bytes:
    """Return a body without its content coding, as it is where that is not possible."""
    coding = coding.strip().lower()
    if not body or coding not in ("gzip", "x-gzip", "deflate"):
        return body
    try:
        unpacker = zlib.decompressobj(31 if "gzip" in coding else 15)
        return unpacker.decompress(body, MAX_BODY)
    except (zlib.error, gzip.BadGzipFile):
        return body


async def record(
    recorder: Recorder,
    host: str,
    port: int,
    announce: Callable[[int], object],
    over: asyncio.Event,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Serve until `over` is set; `announce` is told the port. Raises OSError for a port that is taken."""
    async with AsyncExitStack() as stack:
        announce(await recorder.start(host, port, stack, tls))
        await over.wait()
