"""Drives a `cpescript acs serve` over HTTP: its north side takes the set-up, the orders and the clock as JSON.

`RemoteAcs` is the client; its methods are awaited on the event loop of the wire. `Cpescript` is the adapter that gives
it to a scenario: `prepare` is done before the wire's loop runs, `submit` while it does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cpescript.acs.orders import VERBS, DeviceKey, Order, OrderResult
from cpescript.adapters.base import AdapterError, Answered, Jobs, RunNow, Setup, View, belief
from cpescript.adapters.north import North

JSON = {"Content-Type": "application/json"}


class RemoteAcs:
    """The north side of a `cpescript acs serve`. Raises AdapterError wherever it is not what it should be."""

    def __init__(self, url: str) -> None:
        self._north = North(url)
        self._url = self._north.url
        self.defects: tuple[str, ...] = ()
        """Those that it had after the last `reset`: the set-up's, and its own."""

    async def reset(self, setup: Setup) -> None:
        """Make the ACS forget everything and follow this set-up and a clock that is driven from here."""
        defects = (await self._call("/reset", setup.as_json())).get("defects", ())
        self.defects = tuple(map(str, defects)) if isinstance(defects, list) else ()

    async def orders(self, orders: Sequence[Order]) -> list[OrderResult]:
        """Give orders; return their results in the same order."""
        answer = await self._call("/orders", {"orders": [order.as_json() for order in orders]})
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != len(orders):
            raise AdapterError(f"{self._url}/orders: {len(orders)} orders, but not as many results")
        try:
            return [OrderResult(each["accepted"], each["reason"], each["data"]) for each in results]
        except (KeyError, TypeError):
            raise AdapterError(f"{self._url}/orders: a result without accepted, reason and data") from None

    async def beliefs(self, keys: Sequence[DeviceKey], paths: Sequence[str]) -> list[View]:
        """Return what the ACS believes of each device."""
        answer = await self._call("/beliefs", {"devices": [list(key) for key in keys], "paths": list(paths)})
        views = answer.get("views")
        if not isinstance(views, list) or len(views) != len(keys):
            raise AdapterError(f"{self._url}/beliefs: {len(keys)} devices, but not as many views")
        try:
            return [{path: belief(view[path]) for path in paths} for view in views]
        except (KeyError, TypeError, ValueError):
            raise AdapterError(f"{self._url}/beliefs: a view that is not {{path: [value, type] or null}}") from None

    async def advance(self, to: int) -> int | None:
        """Set the ACS's clock to virtual instant `to` (ns); return when it next has something to do, None for never.

        The ACS answers when the connection requests that it owes at that instant have been made.
        """
        answer = await self._call("/clock", {"now": to})
        due = answer.get("next_due", "")
        if not (due is None or isinstance(due, int)):
            raise AdapterError(f"{self._url}/clock: an answer without next_due")
        return due

    async def devices(self) -> list[dict[str, Any]]:
        """Return what the ACS knows of its devices."""
        answer = await self._call("/devices", None)
        devices = answer.get("devices")
        if not isinstance(devices, list):
            raise AdapterError(f"{self._url}/devices: an answer without devices")
        return devices

    async def close(self) -> None:
        """Close the connections."""
        await self._north.close()

    async def _call(self, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        """POST `body` (GET where it is None); return the JSON object of a 200."""
        sent = json.dumps(body).encode() if body is not None else None
        answer = await self._north.call("GET" if body is None else "POST", path, headers=JSON, body=sent)
        value = answer.value()
        if answer.status != 200:
            reason = value.get("error") if isinstance(value, dict) else None
            raise AdapterError(f"{self._url}{path}: {reason or f'HTTP status {answer.status}'}")
        if not isinstance(value, dict):
            raise AdapterError(f"{self._url}{path}: the answer is no JSON object; is this the north side?")
        return value


class Cpescript:
    """The adapter. `spawn` belongs to the wire, which has the event loop; `run` runs a coroutine before it does."""

    name = "cpescript"
    verbs = VERBS
    beliefs = True
    calls: Mapping[str, tuple[str, ...]] | None = None
    secrets: Sequence[str] = ()

    def __init__(self, url: str, run: RunNow, spawn: Jobs) -> None:
        self.remote = RemoteAcs(url)
        self._run = run
        self._spawn = spawn

    def prepare(self, setup: Setup) -> None:
        self._run(self.remote.reset(setup))

    def submit(self, orders: Sequence[Order], done: Callable[[list[OrderResult]], None]) -> None:
        self._spawn(self.remote.orders(orders), done)

    def ask(self, keys: Sequence[DeviceKey], paths: Sequence[str], done: Answered) -> None:
        self._spawn(self.remote.beliefs(keys, paths), done)

    def close(self) -> None:
        self._run(self.remote.close())
