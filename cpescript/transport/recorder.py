"""A reverse proxy between real devices and their ACS that writes what they say to each other as a trace.

Rules:

1. Requests and answers go through as they are, but for the headers of a connection (RFC 9110, 7.6.1), Host and Expect,
   and a redirect to the ACS itself leads here. The path that devices use is kept, because a digest covers it.
2. Each connection of a device has one of its own to the ACS, which may know the device by it; who closes his is copied
   on the other side.
3. The trace has what was said when it was said, and whose it was (`recorder_devices`); an answer that comes when its
   device is gone belongs to the session that it answers.
4. The trace has credentials masked (`masked`); what goes through has them, of course.
5. Connection requests pass this proxy by, unless it is told to relay them: then ConnectionRequestURLs in Informs are
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
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from aiohttp import web
from yarl import URL

from cpescript.cwmp.codec import CwmpSyntaxError, decode
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.cwmp.message import Message
from cpescript.kernel.trace import FROM_ACS, LOCAL, TO_ACS, Direction, Record, Writer
from cpescript.transport.recorder_devices import Known, KnownDevices

MAX_BODY = 16 * 1024 * 1024
"""Octets of a message that are passed on: twice what an ACS's answer may have anywhere else here."""
TIMEOUT = 90.0
"""Real seconds that an ACS has for an answer: longer than any device waits."""
SETTLE = 5.0
"""Real seconds in which a device that opens a connection for each message is back with the next one."""
MOST_TROUBLES = 20
"""Reasons why the ACS could not be reached that are told: more are more of the same."""
_AGAIN = frozenset({301, 302, 307, 308, 401})
"""Statuses that have a device say the same once more, in the same session."""

HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "host", "content-length", "expect"}
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


class _Unreachable(Exception):
    """No connection to the ACS stands; the text says why."""


class _Broken(Exception):
    """The ACS has not answered to the end."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class _Answer(NamedTuple):
    """What an ACS has answered: its body as it came over the wire."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for each, value in self.headers if each.lower() == name), "")


def _client(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT),
        auto_decompress=False,
        connector=connector,
    )


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
        parts = urlsplit(acs)
        # Devices log in by themselves, with what they have.
        self._parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        self._writer = writer
        self._relay = relay
        self._ports = ports
        self._settle = settle
        self._say = say
        self._tls = tls
        self._began = time.monotonic_ns()
        self._n = 0
        self._devices = KnownDevices(self._appeared, self._ended)
        self._lines: dict[int, tuple[asyncio.BaseTransport, aiohttp.ClientSession]] = {}
        """By the id of a device's connection: that, and the one to the ACS that belongs to it."""
        self._troubles: set[str] = set()
        """Why the ACS could not be reached, as far as that was told."""
        self._paths: dict[tuple[int, str], Known] = {}
        """Who is called at a port and path."""
        self._client: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self._host = ""
        self._called = 0
        """The port that connection requests come to."""

    async def start(self, host: str, port: int, stack: AsyncExitStack, tls: ssl.SSLContext | None = None) -> int:
        """Listen and return the port. What is opened is closed by `stack`. Raises OSError."""
        self._client = _client(aiohttp.TCPConnector(limit=0))
        stack.push_async_callback(self._client.close)
        stack.push_async_callback(self._hang_up, lambda transport: True)
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
        except (aiohttp.ClientError, web.RequestPayloadError, OSError):
            # It has gone in the middle of what it said: nobody is there to be answered.
            return web.Response(status=400)
        plain = _unpacked(body, request.headers.get("Content-Encoding", ""))
        message = _decoded(plain)
        device = self._devices.whose(request.transport, request.headers.get("Cookie", ""), message)
        session = device.session if device is not None else 0
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP]
        if self._relay and device is not None and message is not None and message.kind == "Inform":
            rewritten = await self._rewritten(plain, device, request)
            if rewritten is not plain:
                body = rewritten
                headers = [(name, value) for name, value in headers if name.lower() != "content-encoding"]
        self._tell(
            device, session, TO_ACS, _kind(message, plain), HttpRequest(_shown(request.headers.items()), b""), plain
        )
        try:
            answer = await self._forward(request, headers, body)
        except _Unreachable as unreachable:
            self._trouble(str(unreachable))
            self._over(device, session, "refused")
            return web.Response(status=502, text="the ACS cannot be reached")
        except _Broken as broken:
            # As the device would have seen it: no answer, and a connection that is gone.
            self._over(device, session, broken.outcome)
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=502)
        told = _unpacked(answer.body, answer.header("content-encoding"))
        reply = _decoded(told)
        kind = "HttpError" if answer.status not in (200, 204) else _kind(reply, told)
        self._tell(device, session, FROM_ACS, kind, HttpResponse(answer.status, _shown(answer.headers)), told)
        if device is not None:
            self._devices.given(device, (value for name, value in answer.headers if name.lower() == "set-cookie"))
            if answer.status in _AGAIN:
                device.asked_again = True
            elif answer.status == 204 or (answer.status == 200 and not told):
                self._devices.end(device, session, "done")
            elif answer.status != 200:
                self._devices.end(device, session, "http")
        return self._answered(request, answer)

    def _answered(self, request: web.Request, answer: _Answer) -> web.Response:
        """Return the ACS's answer as the device gets it."""
        response = web.Response(status=answer.status, body=answer.body or None)
        for name, value in answer.headers:
            if name.lower() == "content-type":
                response.headers[name] = value
            elif name.lower() == "location":
                response.headers[name] = self._here(request, value)
            elif name.lower() not in HOP_BY_HOP:
                response.headers.add(name, value)
        if "close" in answer.header("connection").lower():
            response.force_close()
        return response

    def _here(self, request: web.Request, location: str) -> str:
        """Return where a redirect leads from here: what leads to the ACS comes by again."""
        parts = urlsplit(location)
        if (parts.scheme, parts.netloc) != (self._parts.scheme, self._parts.netloc):
            return location
        return urlunsplit(parts._replace(scheme=request.scheme, netloc=request.host))

    def _over(self, device: Known | None, session: int, outcome: str) -> None:
        if device is not None:
            self._devices.end(device, session, outcome)

    def _trouble(self, why: str) -> None:
        """Say why the ACS cannot be reached, once."""
        if why not in self._troubles and len(self._troubles) < MOST_TROUBLES:
            self._troubles.add(why)
            self._say(f"the ACS cannot be reached: {why}")

    async def _forward(self, request: web.Request, headers: list[tuple[str, str]], body: bytes) -> _Answer:
        """Hand a message to the ACS, and return its answer. Raises _Unreachable, _Broken."""
        path = request.raw_path if request.raw_path not in ("", "/") else (self._parts.path or "/")
        target = f"{self._parts.scheme}://{self._parts.netloc}{path}"
        try:
            async with self._line(request.transport).request(
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
                        raise _Broken("cut")
                    parts.append(part)
                return _Answer(response.status, tuple(response.headers.items()), b"".join(parts))
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise _Unreachable(str(error)) from None
        except TimeoutError:
            raise _Broken("timeout") from None
        except (aiohttp.ClientError, OSError):
            raise _Broken("cut") from None

    def _line(self, transport: asyncio.Transport | None) -> aiohttp.ClientSession:
        """Return what speaks to the ACS over the connection that belongs to a device's."""
        assert self._client is not None
        if transport is None:
            return self._client
        if id(transport) not in self._lines:
            self._lines[id(transport)] = (transport, _client(aiohttp.TCPConnector(limit=1)))
        return self._lines[id(transport)][1]

    async def _hang_up(self, gone: Callable[[asyncio.BaseTransport], bool]) -> None:
        """Close the connections to the ACS whose devices are gone."""
        for key in [key for key, (transport, _) in self._lines.items() if gone(transport)]:
            _, line = self._lines.pop(key)
            await line.close()

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

    async def _rewritten(self, plain: bytes, device: Known, request: web.Request) -> bytes:
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

    async def _port(self, device: Known, path: str) -> int | None:
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

    async def _sweep(self) -> None:
        """End what is over, and forget it."""
        while True:
            await asyncio.sleep(self._settle / 4)
            self._devices.sweep(time.monotonic(), self._settle)
            await self._hang_up(lambda transport: transport.is_closing())

    def _appeared(self, device: Known) -> None:
        self._fact(device, "spawn", cohort="recorded", index=device.number, identity=device.identity, labels={})
        self._say(f"{device.name} is {device.identity}")

    def _ended(self, device: Known, outcome: str) -> None:
        self._fact(device, "SessionEnd", outcome=outcome)

    def end(self) -> None:
        """Say that nothing more came up to now: a recording without it breaks off."""
        self._write(None, 0, LOCAL, "", "end", None, None, {}, None)

    def _tell(
        self,
        device: Known | None,
        session: int,
        direction: Direction,
        kind: str,
        http: HttpRequest | HttpResponse,
        body: bytes,
    ) -> None:
        self.messages += 1
        self._write(device, session, direction, "cwmp", kind, http, masked(body) or None, {}, time.time_ns())

    def _fact(self, device: Known, kind: str, **data: Any) -> None:
        self._write(device, device.session if kind == "SessionEnd" else 0, LOCAL, "", kind, None, None, data, None)

    def _write(
        self,
        device: Known | None,
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
    recorder.end()
