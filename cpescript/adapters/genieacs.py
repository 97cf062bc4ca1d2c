"""Speaks to GenieACS by its north side (NBI), which needs no login: put it on no network that you do not trust.

| verb | becomes |
| --- | --- |
| set, get, add, delete, reboot, factory-reset | a task of the device, with a connection request |
| download | a task; a declared firmware is first put to the file server, any other file must be there |
| connect | a connection request without a task |
| forget | the device is deleted, its tasks and faults with it |
| call NAME | what `CALLS` says: presets, provisions, tags, files, tasks by hand; undone when the run is over |

The NBI answers 200 for a task that is done and 202 for one that is queued, or that the device answered with a fault:
the reason phrase and `/faults` say which. A fault is the device's answer, not a refusal of the order. A connection
request without a task is answered by 200, or by 504 where the device could not be called.

Compared with the sources of GenieACS 1.2 and 1.3-dev.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from cpescript.acs.orders import DeviceKey, Order, OrderResult, malformed
from cpescript.adapters.base import AdapterError, Answered, Jobs, RunNow, Setup, View
from cpescript.adapters.genieacs_calls import CALLS
from cpescript.adapters.genieacs_names import device_id, segment
from cpescript.adapters.north import Answer, North, each

CONNECT_TIMEOUT = 3000
"""Milliseconds that GenieACS waits for a session after its connection request before it answers 202."""
TASK_TIMEOUT = 180.0
"""Real seconds for a call that hands over a task: GenieACS lets a session under way end first (30 s), calls the device
(2 s), waits for the session (CONNECT_TIMEOUT) and for its end (120 s), and only then answers."""
MOST_IMAGE = 64 * 1024 * 1024
"""Octets of a firmware image that are made up and put to the file server."""
ASKED_AT_ONCE = 50
"""Devices in one query: a query is a URL, and those end at 8 KiB on many proxies."""
INSTEAD = {
    "upload": "the NBI has no task for it: leave the step out for GenieACS; to read parameters, 'acs get' or "
    "'acs call refresh(object: …)'"
}
"""What to do instead of a verb that there is no way to pass on."""

Json = Any


class GenieAcs:
    """The adapter."""

    name = "genieacs"
    verbs = frozenset(
        {"set", "get", "add", "delete", "download", "reboot", "factory-reset", "connect", "forget", "call"}
    )
    beliefs = True
    secrets: Sequence[str] = ()

    def __init__(self, north: North, run: RunNow, spawn: Jobs) -> None:
        self._north = north
        self._run = run
        self._spawn = spawn
        self._setup = Setup()
        self._files: set[str] = set()
        self._undo: dict[tuple[str, str], None] = {}
        """What a scenario has put there, as (method, path) that takes it away."""
        self.calls: Mapping[str, tuple[str, ...]] | None = {name: call.inputs for name, call in CALLS.items()}

    def prepare(self, setup: Setup) -> None:
        """See that there is a GenieACS. Its memory is left alone: devices are forgotten by `forget` or at the end."""
        self._setup = setup
        self._run(self._greet())

    def submit(self, orders: Sequence[Order], done: Callable[[list[OrderResult]], None]) -> None:
        self._spawn(each(orders, self._order), done)

    def ask(self, keys: Sequence[DeviceKey], paths: Sequence[str], done: Answered) -> None:
        self._spawn(self._views(keys, paths), done)

    def close(self) -> None:
        """Take away what the scenario has set up, and close the connections."""
        try:
            self._run(self._tidy())
        finally:
            self._run(self._north.close())

    # --- the north side -----------------------------------------------------------------------------------------------

    async def _greet(self) -> None:
        answer = await self._north.call("GET", "/devices/", query={"limit": "1", "projection": "_id"})
        if answer.status != 200 or not isinstance(answer.value(), list):
            raise AdapterError(
                f"{self._north.url} is no north side of GenieACS (it answers {answer.status}): its port is 7557"
            )

    async def _tidy(self) -> None:
        for method, path in reversed(self._undo):
            answer = await self._north.call(method, path)
            if answer.status >= 400 and answer.status != 404:
                raise AdapterError(f"{answer.where}: {answer.status} {answer.reason}: what the scenario set up is left")
        self._undo.clear()

    async def json_call(
        self, method: str, path: str, value: Json, query: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> Answer:
        """Make a call with a JSON body."""
        body = json.dumps(value).encode()
        return await self._north.call(
            method, path, query=query, headers={"Content-Type": "application/json"}, body=body, timeout=timeout
        )

    async def text_call(self, method: str, path: str, text: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Make a call with a body of text."""
        return await self._north.call(method, path, headers={"Content-Type": "text/plain", **(headers or {})},
                                      body=text.encode())  # fmt: skip

    async def delete(self, path: str) -> Answer:
        return await self._north.call("DELETE", path)

    def undo(self, path: str) -> None:
        """Note that this is to be deleted when the run is over."""
        self._undo[("DELETE", path)] = None

    def undone(self, path: str) -> None:
        """It has been deleted already."""
        self._undo.pop(("DELETE", path), None)

    async def query(self, collection: str, query: Json, projection: str = "") -> list[dict[str, Json]]:
        """Return the documents of a collection that a query of its database finds."""
        asked = {"query": json.dumps(query)} | ({"projection": projection} if projection else {})
        answer = await self._north.call("GET", f"/{collection}/", query=asked)
        found = answer.value() if answer.status == 200 else None
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise AdapterError(f"{answer.where}: {answer.status} {answer.reason}: {answer.shown}")
        return found

    # --- orders -------------------------------------------------------------------------------------------------------

    async def _order(self, order: Order) -> OrderResult:
        problem = malformed(order)
        if problem:
            return OrderResult(False, problem)
        if order.verb == "call":
            return await self._call(order)
        assert order.device is not None
        device = device_id(order.device)
        if order.verb == "forget":
            return await self._forget(device)
        if order.verb == "connect":
            return await self._connect(device)
        if order.verb == "download":
            version = order.arguments.get("firmware")
            problem = await (self._upload(str(version)) if version is not None else self._there(order.arguments["url"]))
            if problem:
                return OrderResult(False, problem)
        return await self.task(device, _TASKS[order.verb](self._setup, order.arguments))

    async def task(self, device: str, task: Json, *, connect: bool = True) -> OrderResult:
        """Give a device a task; accepted when it is done, queued, or was answered by a fault of the device."""
        asked = {"timeout": str(CONNECT_TIMEOUT), "connection_request": ""} if connect else {}
        answer = await self.json_call("POST", f"/devices/{segment(device)}/tasks", task, asked, TASK_TIMEOUT)
        data = {"status": answer.status, "body": answer.value(), "reason": answer.reason}
        if answer.status in (200, 202):
            return OrderResult(True, "", data)
        if answer.status == 404:
            return OrderResult(False, _unknown(device), data)
        return OrderResult(False, f"{answer.status} {answer.reason}: {answer.shown}", data)

    async def _connect(self, device: str) -> OrderResult:
        """Have a device called, with nothing to do; accepted when it has answered."""
        answer = await self._north.call(
            "POST", f"/devices/{segment(device)}/tasks", query={"connection_request": ""}, timeout=TASK_TIMEOUT
        )
        data = {"status": answer.status, "body": answer.value(), "reason": answer.reason}
        if answer.status == 404:
            return OrderResult(False, _unknown(device), data)
        if answer.status == 200:
            return OrderResult(True, "", data)
        return OrderResult(False, f"{answer.status} {answer.reason}: {answer.shown}", data)

    async def _forget(self, device: str) -> OrderResult:
        answer = await self.delete(f"/devices/{segment(device)}")
        if answer.status in (200, 404):
            return OrderResult(True, "", {"status": answer.status, "body": None})
        reason = f"{answer.status} {answer.reason}: {answer.shown}"
        return OrderResult(False, reason, {"status": answer.status, "body": answer.value()})

    async def _there(self, url: str) -> str:
        """Return what is wrong with a file that is no declared firmware: a task names a file, and no URL."""
        name = _file_of(url)
        if await self.query("files", {"_id": name}, "_id"):
            return ""
        return (
            f"there is no file '{name}' on GenieACS's file server, and a task takes no other: put it there, or declare "
            "it as firmware"
        )

    async def _upload(self, version: str) -> str:
        """Put a declared image to the file server, once; return what is wrong."""
        size = self._setup.firmware.get(version)
        if size is None:
            known = ", ".join(self._setup.firmware) or "none"
            return f"no firmware '{version}' is declared: declared are {known}"
        name = f"{version}.bin"
        if name in self._files:
            return ""
        if size > MOST_IMAGE:
            return (
                f"firmware '{version}' has {size} octets: images up to {MOST_IMAGE} are made up; put it there yourself"
            )
        answer = await self._north.call(
            "PUT",
            f"/files/{segment(name)}",
            headers={"fileType": "1 Firmware Upgrade Image", "version": version,
                     "Content-Type": "application/octet-stream"},
            body=bytes(size),
        )  # fmt: skip
        if answer.status != 201:
            return f"the image cannot be put to the file server: {answer.status} {answer.reason}: {answer.shown}"
        self._files.add(name)
        self.undo(f"/files/{segment(name)}")
        return ""

    async def _call(self, order: Order) -> OrderResult:
        name, inputs = order.arguments["name"], dict(order.arguments.get("inputs") or {})
        call = CALLS.get(name)
        if call is None:
            return OrderResult(False, f"there is no call '{name}': there are {', '.join(CALLS)}")
        unknown = [each for each in inputs if each not in call.inputs]
        missing = [each for each in call.required if each not in inputs]
        if unknown or missing:
            what = f"there is no input '{unknown[0]}'" if unknown else f"the input '{missing[0]}' is missing"
            return OrderResult(False, f"call {name}: {what}; it takes {', '.join(call.inputs)}")
        device = device_id(order.device) if order.device is not None else None
        if device is None and call.per_device:
            return OrderResult(False, f"call {name} is for devices: say on whom")
        return await call.run(self, inputs, device)

    # --- beliefs ------------------------------------------------------------------------------------------------------

    async def _views(self, keys: Sequence[DeviceKey], paths: Sequence[str]) -> list[View]:
        ids = [device_id(key) for key in keys]
        parts = [ids[start : start + ASKED_AT_ONCE] for start in range(0, len(ids), ASKED_AT_ONCE)]

        async def part(some: list[str]) -> list[dict[str, Json]]:
            return await self.query("devices", {"_id": {"$in": some}}, ",".join(paths))

        documents = {str(document.get("_id")): document for found in await each(parts, part) for document in found}
        return [{path: seen(documents.get(device), path) for path in paths} for device in ids]


def seen(document: Mapping[str, Json] | None, path: str) -> tuple[str, str] | None:
    """Return what a device document says of a parameter: `{"Device": {"X": {"_value": 1, "_type": "xsd:int"}}}`."""
    node: Json = document
    for part in path.split("."):
        if not isinstance(node, dict) or part not in node:
            return None
        node = node[part]
    if not isinstance(node, dict) or node.get("_value") is None:
        return None
    value, kind = node["_value"], str(node.get("_type", "")).removeprefix("xsd:")
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if kind == "dateTime":
        # Kept as a date of its database, which counts milliseconds and says so.
        text = text.replace(".000Z", "Z")
    return text, kind


def _unknown(device: str) -> str:
    return f"GenieACS knows no device {device}: it has not informed yet"


def _file_of(url: str) -> str:
    """Return the name of a file that a URL leads to, as the file server has it."""
    return unquote(urlsplit(url).path.rpartition("/")[2])


# --- tasks ------------------------------------------------------------------------------------------------------------


def _set(setup: Setup, given: Mapping[str, Any]) -> Json:
    # Without a type GenieACS takes the one that it has learnt from the device.
    values = [[path, text, f"xsd:{kind}"] if kind else [path, text] for path, text, kind in given["settings"]]
    return {"name": "setParameterValues", "parameterValues": values}


def _download(setup: Setup, given: Mapping[str, Any]) -> Json:
    version = given.get("firmware")
    file_type = "1 Firmware Upgrade Image" if version else given["file_type"]
    name = f"{version}.bin" if version else _file_of(given["url"])
    return {"name": "download", "fileType": file_type, "fileName": name, "targetFileName": ""}


_TASKS: Mapping[str, Callable[[Setup, Mapping[str, Any]], Json]] = {
    "set": _set,
    "get": lambda setup, given: {"name": "getParameterValues", "parameterNames": list(given["paths"])},
    "add": lambda setup, given: {"name": "addObject", "objectName": given["path"].rstrip("."), **(
        {"parameterValues": [[path, text] for path, text, _ in given["settings"]]} if "settings" in given else {})},
    "delete": lambda setup, given: {"name": "deleteObject", "objectName": given["path"].rstrip(".")},
    "download": _download,
    "reboot": lambda setup, given: {"name": "reboot"},
    "factory-reset": lambda setup, given: {"name": "factoryReset"},
}  # fmt: skip
