"""Real servers for the tests of adapters: an aiohttp application on a loop and thread of its own."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from cpescript.acs.beliefs import Beliefs
from cpescript.acs.orders import DeviceKey, Order
from cpescript.acs.server import Acs
from cpescript.adapters.base import AdapterError
from cpescript.adapters.genieacs_names import device_id
from cpescript.transport.acs_service import AcsService


@contextmanager
def on_a_loop(start: Callable[[AsyncExitStack], Any]) -> Iterator[Any]:
    """Run `start(stack)` on a loop in a thread; yield what it returns; close the stack and the loop at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    stack = AsyncExitStack()
    try:
        yield asyncio.run_coroutine_threadsafe(start(stack), loop).result(60)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


@contextmanager
def served(handler: Callable[[web.Request], Any]) -> Iterator[str]:
    """Serve every request by one handler; yield the URL."""

    async def start(stack: AsyncExitStack) -> str:
        return await listen(handler, stack)

    with on_a_loop(start) as url:
        yield url


async def listen(handler: Callable[[web.Request], Any], stack: AsyncExitStack) -> str:
    async def handle(request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        return response

    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


class Here:
    """Runs an adapter's coroutines where no wire does."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()

    def run(self, job: Any) -> Any:
        return self.loop.run_until_complete(job)

    def spawn(self, job: Any, done: Callable[[Any], None]) -> None:
        try:
            result = self.run(job)
        except AdapterError as error:
            result = error
        done(result)


PART = re.compile(r"[A-Za-z0-9_%-]+")
"""What a name in an NBI path may be spelt with; any other leads nowhere."""
FILE = re.compile(r"[A-Za-z0-9%!*'();:@&=+$,?#\[\]_.~-]+")


class Genie:
    """A GenieACS-shaped NBI in front of our own ACS: what the sources of 1.2 and 1.3-dev do, as far as an adapter sees
    it."""

    def __init__(self, acs: Acs) -> None:
        self.acs = acs
        acs.beliefs = Beliefs()
        self.service = AcsService(acs)
        self.kept: dict[str, dict[str, Any]] = {"presets": {}, "provisions": {}, "files": {}}
        self.tags: set[tuple[str, str]] = set()
        self.faults: list[dict[str, Any]] = []
        self.seen: list[str] = []
        self.tasks: list[dict[str, Any]] = []

    async def start(self, stack: AsyncExitStack) -> tuple[str, str]:
        port, _ = await self.service.start("127.0.0.1", 0, 0, stack)
        return f"http://127.0.0.1:{port}/", await listen(self.north, stack)

    def key(self, name: str) -> DeviceKey | None:
        return next((key for key in self.acs.records if device_id(key) == name), None)

    async def north(self, request: web.Request) -> web.Response:
        spelt = request.raw_path.partition("?")[0].split("/")[1:]
        self.seen.append(f"{request.method} {request.raw_path}")
        if not all(spelling.fullmatch(part) for part in spelt[1:] if part
                   for spelling in [FILE if spelt[0] == "files" else PART]):  # fmt: skip
            return web.Response(status=404)
        parts = [unquote(part) for part in spelt]
        match request.method, parts:
            case "GET", ["devices", ""]:
                return web.json_response(self.documents(request))
            case "POST", ["devices", name, "tasks"]:
                if not request.can_read_body:
                    return (
                        await self.connect(name) if "connection_request" in request.query else web.Response(status=400)
                    )
                return await self.task(name, await request.json(), "connection_request" in request.query)
            case "GET", ["files", ""]:
                wanted = json.loads(request.query["query"])["_id"]
                return web.json_response([{"_id": wanted}] if wanted in self.kept["files"] else [])
            case ("POST" | "DELETE") as method, ["devices", name, "tags", tag]:
                (self.tags.add if method == "POST" else self.tags.discard)((name, tag))
                return web.Response()
            case "DELETE", ["devices", name]:
                key = self.key(name)
                if key is not None:
                    self.service._set_clock()
                    self.acs.order(Order("forget", key))
                self.faults = [each for each in self.faults if each["device"] != name]
                return web.Response()
            case "GET", ["tasks" | "faults" as kind, ""]:
                device = json.loads(request.query["query"])["device"]
                found = self.faults if kind == "faults" else []
                return web.json_response([each for each in found if each["device"] == device])
            case ("PUT" | "DELETE") as method, [kind, name] if kind in self.kept:
                if method == "PUT":
                    self.kept[kind][name] = (await request.read(), dict(request.headers))
                    return web.Response(status=201 if kind == "files" else 200)
                known = self.kept[kind].pop(name, None) is not None or kind != "files"
                return web.Response(status=200 if known else 404)
        return web.Response(status=404)

    def documents(self, request: web.Request) -> list[dict[str, Any]]:
        wanted = json.loads(request.query.get("query", "{}")).get("_id", {}).get("$in")
        found = []
        for key in self.acs.records:
            if wanted is not None and device_id(key) not in wanted:
                continue
            document: dict[str, Any] = {"_id": device_id(key)}
            for path in filter(None, request.query.get("projection", "").split(",")):
                known = self.acs.beliefs.view(key, [path])[path]
                if known is not None:
                    node = document
                    for part in path.split("."):
                        node = node.setdefault(part, {})
                    node |= {"_value": known[0], "_type": f"xsd:{known[1] or 'string'}"}
            found.append(document)
        return found

    async def connect(self, name: str) -> web.Response:
        key = self.key(name)
        if key is None:
            return web.Response(status=404, text="No such device")
        self.service._set_clock()
        if not self.acs.order(Order("connect", key)).accepted:
            return web.Response(status=504, reason="Device is offline", text="Device is offline")
        await self.service._settle()
        return web.Response()

    async def task(self, name: str, task: dict[str, Any], connect: bool) -> web.Response:
        key = self.key(name)
        if key is None:
            return web.Response(status=404, text="No such device")
        self.tasks.append(task)
        order = _ORDERS[task["name"]](key, task)
        self.service._set_clock()
        result = self.acs.order(order)
        assert result.accepted, result.reason
        await self.service._settle()
        return web.json_response({"_id": "1", **task}, status=202)


_ORDERS: dict[str, Callable[[DeviceKey, dict[str, Any]], Order]] = {
    "setParameterValues": lambda key, task: Order(
        "set",
        key,
        {
            "settings": [
                [path, str(value), (type[0].removeprefix("xsd:") if type else None)]
                for path, value, *type in task["parameterValues"]
            ]
        },
    ),
    "getParameterValues": lambda key, task: Order("get", key, {"paths": task["parameterNames"]}),
    "reboot": lambda key, task: Order("reboot", key),
    "factoryReset": lambda key, task: Order("factory-reset", key),
    "addObject": lambda key, task: Order("add", key, {"path": task["objectName"] + "."}),
    "deleteObject": lambda key, task: Order("delete", key, {"path": task["objectName"] + "."}),
    "download": lambda key, task: Order(
        "download", key, {"file_type": task["fileType"], "url": f"http://files.example/{task['fileName']}"}
    ),
}
