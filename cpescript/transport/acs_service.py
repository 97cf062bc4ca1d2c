"""`cpescript acs serve`: the reference ACS on real HTTP, with a north side on which a harness drives it.

* CWMP: any path of one port, over TLS where there is a certificate. A GET below `/files/` brings the image of a
  declared firmware version, which is where its Downloads lead.
* The north side, on loopback only, takes and gives JSON objects:

| call | body | answer |
| --- | --- | --- |
| `POST /reset` | a set-up (`adapters.base.Setup`) | `{"policy", "defects"}`; the ACS starts anew, driven from here |
| `POST /orders` | `{"orders": [{verb, device, arguments}, …]}` | `{"results": [{accepted, reason, data}, …]}` |
| `POST /clock` | `{"now": ns}` | `{"next_due": ns or null}` |
| `POST /beliefs` | `{"devices": [[oui, class, serial], …], "paths": […]}` | `{"views": [{path: [value, type]}, …]}` |
| `GET /devices` | | `{"devices": […]}` |
| `GET /health` | | `{"name", "policy", "defects", "driven", "now", "sessions", "devices"}` |

A call that is no good is answered by 400 with `{"error": why}`. `/orders` and `/clock` answer when the connection
requests that the ACS owed just then have been made, so that a harness knows when its clock may go on.

Until the first `/reset` the ACS runs by the wall clock. What it was served with outlives each: its defects, and its
policy where a set-up names none.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from cpescript.acs.beliefs import Beliefs
from cpescript.acs.build import build_from_json
from cpescript.acs.connections import OK, UNAUTHORIZED, ConnectionRequest
from cpescript.acs.orders import DeviceKey, order_from_json
from cpescript.acs.policy import DEFAULT_POLICY, load_policy
from cpescript.acs.server import MAX_BODY, Acs
from cpescript.cwmp import image, udp_request
from cpescript.cwmp.digest import authorization, parse_challenge
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.kernel import draws
from cpescript.kernel.time import SECOND
from cpescript.transport.connection import target_of
from cpescript.transport.nat import COPIES, UDP
from cpescript.transport.xmpp_caller import XmppAccount, XmppCaller

CALLS_AT_ONCE = 50
"""Connection requests under way at once: a fleet is called in waves, and no listener's backlog (128) overflows."""
FILES = "/files/"
"""Where the images of declared firmware stand."""
NORTH_BODY = 64 * 1024 * 1024
"""Octets of a north-side call: orders for 100,000 devices are some 20 MiB."""
XMPP = "xmpp:"
"""What the URL of a call by XMPP begins with (RFC 5122)."""
_ANSWER_READ = 64 * 1024
_ZEROS = bytes(64 * 1024)
_AUTHORITY = re.compile(r"(?:[\w.-]{1,200}|\[[0-9a-fA-F:.]{2,45}\])(?::\d{1,5})?", re.ASCII)

Json = dict[str, Any]


class AcsService:
    """The ACS with its clock, its sockets and the connection requests that it has under way. `trusts` says whose
    certificates devices may have that are called by HTTPS, and the XMPP server of the account `xmpp`; None: those that
    this machine trusts."""

    def __init__(
        self,
        acs: Acs,
        defects: Iterable[str] = (),
        trusts: ssl.SSLContext | None = None,
        xmpp: XmppAccount | None = None,
    ) -> None:
        self.acs = acs
        self._trusts = trusts
        self._xmpp = XmppCaller(xmpp, trusts) if xmpp is not None else None
        acs.speaks_xmpp = xmpp is not None
        self.driven = False
        self._defects = self._wrong = tuple(defects)
        self._served = acs.policy
        self._began = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(CALLS_AT_ONCE)
        self._client: aiohttp.ClientSession | None = None
        self._cnonces = 0
        self._files = ""
        self._by_name = False

    async def start(
        self, host: str, port: int, north_port: int, stack: AsyncExitStack, tls: ssl.SSLContext | None = None
    ) -> tuple[int, int]:
        """Listen; return the ports in use (0 asks for any). What is opened is closed by `stack`. Raises OSError."""
        self._began = asyncio.get_running_loop().time()
        self._client = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        stack.push_async_callback(self._stop)
        south = web.Application(client_max_size=MAX_BODY)
        south.router.add_get(FILES + "{name}", self._file)
        south.router.add_route("*", "/{path:.*}", self._cwmp)
        north = web.Application(client_max_size=NORTH_BODY)
        for answer in (self._reset, self._orders, self._clock, self._beliefs):
            north.router.add_post(answer.__name__.replace("_", "/"), _north(answer))
        north.router.add_get("/devices", self._devices)
        north.router.add_get("/health", self._health)
        port = await _listen(south, host, port, stack, tls)
        name = f"[{host}]" if ":" in host else host
        self._files = f"{'http' if tls is None else 'https'}://{name}:{port}{FILES}"
        self._by_name = tls is not None or host in ("0.0.0.0", "::")
        self.acs.file_base_url = self._files
        return port, await _listen(north, "127.0.0.1", north_port, stack)

    async def reaches_xmpp(self) -> bool:
        """Whether devices can be called by XMPP, where they are to be."""
        return self._xmpp is None or await self._xmpp.connected()

    async def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for call in list(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
        if self._xmpp is not None:
            await self._xmpp.close()

    # --- the CWMP side ------------------------------------------------------------------------------------------------

    async def _cwmp(self, request: web.Request) -> web.Response:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        self._set_clock()
        if self._by_name and _AUTHORITY.fullmatch(request.host):
            # A certificate has names, and an address that means all of them leads nowhere: files are where devices
            # have found the ACS.
            self.acs.file_base_url = f"{request.scheme}://{request.host}{FILES}"
        headers = tuple(request.headers.items())
        peer = request.transport.get_extra_info("peername") if request.transport is not None else None
        answer = self.acs.handle(HttpRequest(headers, body, request.method, request.raw_path), peer)
        self._follow()
        return _response(answer)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """Bring the image of a declared version; octets that nobody keeps in memory."""
        version = request.match_info["name"].removesuffix(".bin")
        size = self.acs.firmware.get(version)
        if size is None:
            return web.Response(status=404)
        head = image.header(version)
        left = max(size, len(head)) - len(head)
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        response.content_length = left + len(head)
        await response.prepare(request)
        if request.method == "GET":
            await response.write(head)
            while left > 0:
                await response.write(_ZEROS[:left])
                left -= len(_ZEROS)
        await response.write_eof()
        return response

    # --- the north side -----------------------------------------------------------------------------------------------

    async def _reset(self, body: Json) -> Json:
        acs = build_from_json(body, self._served, self._wrong)
        self._defects = tuple(dict.fromkeys([*self._wrong, *body["defects"]]))
        for call in list(self._calls):
            call.cancel()
        acs.file_base_url = self._files
        acs.speaks_xmpp = self._xmpp is not None
        self.acs, self.driven = acs, True
        self._follow()
        return {"policy": acs.policy.name, "defects": list(self._defects)}

    async def _orders(self, body: Json) -> Json:
        given = body.get("orders")
        if not isinstance(given, list):
            raise ValueError("orders are a list")
        orders = [order_from_json(each) for each in given]
        self._set_clock()
        results = [self.acs.order(order).as_json() for order in orders]
        await self._settle()
        return {"results": results}

    async def _clock(self, body: Json) -> Json:
        now = body.get("now")
        if not self.driven:
            raise ValueError("the clock is the wall's until a /reset")
        if not isinstance(now, int) or now < self.acs.now:
            raise ValueError(f"now is a whole number of nanoseconds, and not before {self.acs.now}")
        self.acs.advance(now)
        await self._settle()
        return {"next_due": self.acs.next_due()}

    async def _beliefs(self, body: Json) -> Json:
        match body:
            case {"devices": list() as devices, "paths": list() as paths} if all(
                isinstance(path, str) for path in paths
            ) and all(isinstance(each, list) and len(each) == 3 for each in devices):
                if self.acs.beliefs is None:
                    self.acs.beliefs = Beliefs()
                keys = [DeviceKey(*map(str, each)) for each in devices]
                return {"views": [self.acs.beliefs.view(key, paths) for key in keys]}
        raise ValueError("asked are {devices: [[oui, product class, serial], …], paths: [text, …]}")

    async def _devices(self, request: web.Request) -> web.Response:
        return web.json_response({"devices": self.acs.describe()})

    async def _health(self, request: web.Request) -> web.Response:
        self._set_clock()
        return web.json_response(
            {
                "name": "cpescript",
                "policy": self.acs.policy.name,
                "defects": list(self._defects),
                "driven": self.driven,
                "now": self.acs.now,
                "sessions": len(self.acs.sessions),
                "devices": len(self.acs.records),
            }
        )

    # --- time and connection requests ---------------------------------------------------------------------------------

    def _set_clock(self) -> None:
        """By the wall clock: bring the ACS to now. Driven: its clock is where the harness has put it."""
        if not self.driven:
            self.acs.advance(int((asyncio.get_running_loop().time() - self._began) * SECOND))

    def _follow(self) -> None:
        """Make the connection requests that are due, and see to it that the ACS is woken."""
        requests, self.acs.outbox = self.acs.outbox, []
        for request in requests:
            call = asyncio.create_task(self._call(self.acs, request))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.acs.next_due()
        if due is not None and not self.driven:
            self._timer = asyncio.get_running_loop().call_at(self._began + due / SECOND, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._set_clock()
        self._follow()

    async def _settle(self) -> None:
        """Wait until every connection request that is owed has been made and has been answered or given up."""
        self._follow()
        while self._calls:
            await asyncio.wait(set(self._calls))
            self._follow()

    async def _call(self, acs: Acs, request: ConnectionRequest) -> None:
        async with self._slots:
            seconds = acs.policy.connection_requests.timeout / SECOND
            try:
                async with asyncio.timeout(seconds):
                    outcome = await self._ask(request)
            except TimeoutError:
                outcome = "timeout"
            except aiohttp.ClientConnectorError:
                outcome = "refused"
            except (aiohttp.ClientError, OSError, ValueError):
                outcome = "error"
        if acs is self.acs:
            self._set_clock()
            acs.connection_request_done(request.device_key, outcome)
            self._follow()

    async def _ask(self, request: ConnectionRequest) -> str:
        """Make one connection request: a GET, and another with a proof where it is asked for (3.2.2).

        To a device behind a NAT a few copies of a datagram go out, and nothing comes back (Annex G).
        """
        if request.url.startswith(UDP):
            return await self._send(request)
        if self._xmpp is not None and request.url.startswith(XMPP):
            return await self._xmpp.call(request.url.removeprefix(XMPP), request.username, request.password)
        target = target_of(request.url)
        if target is None:
            return "error"
        status, challenges = await self._get(request.url, None)
        challenge = parse_challenge(challenges) if status == 401 else None
        if challenge is not None:
            self._cnonces += 1
            cnonce = f"{draws.draw(draws.stream(0, 'acs:cnonce'), self._cnonces):016x}"
            proof = authorization(challenge, request.username, request.password, "GET", target.path, 1, cnonce)
            status, _ = await self._get(request.url, proof)
        return {200: OK, 204: OK, 401: UNAUTHORIZED, 503: "busy"}.get(status, "error")

    async def _send(self, request: ConnectionRequest) -> str:
        address = request.url.removeprefix(UDP)
        parts = urlsplit(f"//{address}")
        if not parts.hostname or not parts.port:
            return "error"
        self._cnonces += 1
        cnonce = f"{draws.draw(draws.stream(0, 'acs:cnonce'), self._cnonces):016x}"
        # By the wall clock: devices heed no request that is older than the last one, of an earlier run or not.
        octets = udp_request.build(address, request.username, request.password, int(time.time()), self._cnonces, cnonce)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(parts.hostname, parts.port)
        )
        try:
            for _ in range(COPIES):
                transport.sendto(octets)
        finally:
            transport.close()
        return OK

    async def _get(self, url: str, proof: str | None) -> tuple[int, list[str]]:
        assert self._client is not None
        headers = {"Authorization": proof} if proof is not None else {}
        trusts = self._trusts if self._trusts is not None else True
        async with self._client.get(url, headers=headers, allow_redirects=False, ssl=trusts) as response:
            await response.content.read(_ANSWER_READ)
            return response.status, response.headers.getall("WWW-Authenticate", [])


def _response(answer: HttpResponse) -> web.Response:
    response = web.Response(status=answer.status, body=answer.body or None)
    for name, value in answer.headers:
        if name == "Content-Type":
            response.headers[name] = value
        else:
            response.headers.add(name, value)
    if answer.close:
        response.force_close()
    return response


def _north(answer: Callable[[Json], Awaitable[Json]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of a north-side call: JSON in, JSON out, ValueError for what is no good.

    The content type is insisted on, so that no page in a browser can post here unasked.
    """

    async def handle(request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            return web.json_response({"error": "application/json is expected"}, status=415)
        try:
            body = json.loads(await request.read())
            if not isinstance(body, dict):
                raise ValueError("a JSON object is expected")
            return web.json_response(await answer(body))
        except web.HTTPRequestEntityTooLarge:
            return web.json_response({"error": f"at most {NORTH_BODY} octets"}, status=413)
        except (ValueError, RecursionError) as error:
            return web.json_response({"error": str(error)}, status=400)

    return handle


async def _listen(
    app: web.Application, host: str, port: int, stack: AsyncExitStack, tls: ssl.SSLContext | None = None
) -> int:
    # The ACS itself unpacks what is gzipped, with a bound.
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=1.0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port, ssl_context=tls)
    await site.start()
    found: int = runner.addresses[0][1]
    return found


def serve(
    port: int,
    north_port: int,
    policy: Path | None = None,
    defects: Iterable[str] = (),
    host: str = "127.0.0.1",
    firmware: Mapping[str, int] | None = None,
    announce: Callable[[str], object] = print,
    tls: ssl.SSLContext | None = None,
    trusts: ssl.SSLContext | None = None,
    xmpp: XmppAccount | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, by the policy of that file and with declared firmware (version to octets).

    `tls` is for the devices' side, `trusts` for calls to devices, `xmpp` says as whom they are called by XMPP; the
    north side stays on loopback without.

    Raises ValueError (its text: the diagnostics) for a wrong policy or defect, or an XMPP account that is of no use,
    OSError for a port that is taken.
    """
    rules, names = DEFAULT_POLICY, tuple(defects)
    if policy is not None:
        read, bag = load_policy(policy)
        if read is None:
            raise ValueError(bag.render())
        rules = read
    acs = Acs(rules, firmware=firmware, defects=names)
    asyncio.run(_serve(AcsService(acs, names, trusts, xmpp), host, port, north_port, announce, tls))


async def _serve(
    service: AcsService,
    host: str,
    port: int,
    north_port: int,
    announce: Callable[[str], object],
    tls: ssl.SSLContext | None,
) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    async with AsyncExitStack() as stack:
        port, north_port = await service.start(host, port, north_port, stack, tls)
        if not await service.reaches_xmpp():
            raise ValueError(
                "the XMPP server cannot be reached, or does not take the account or show a right certificate"
            )
        announce(
            f"CWMP at {'http' if tls is None else 'https'}://{host}:{port}/, north side at http://127.0.0.1:{north_port}"
        )
        await over.wait()
