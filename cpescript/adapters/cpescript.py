"""Drives a `cpescript acs serve` over HTTP: its north side takes the set-up, the orders and the clock as JSON.

`RemoteAcs` is the client; its methods are awaited on the event loop of the wire. `Cpescript` is the adapter that gives
it to a scenario: `prepare` is done before the wire's loop runs, `submit` while it does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from cpescript.acs.orders import VERBS, Order, OrderResult
from cpescript.adapters.base import AdapterError, Setup

TIMEOUT = 30.0
"""Real seconds for one call. The ACS answers orders for 10,000 devices in well under one."""
MAX_ANSWER = 64 * 1024 * 1024


class RemoteAcs:
    """The north side of a `cpescript acs serve`. Raises AdapterError wherever it is not what it should be."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AdapterError(f"not an HTTP URL: {url}")
        self._url = url.rstrip("/")
        self._client: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def reset(self, setup: Setup) -> None:
        """Make the ACS forget everything and follow this set-up and a clock that is driven from here."""
        await self._call("/reset", setup.as_json())

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
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _call(self, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        """POST `body` (GET where it is None); return the JSON object of a 200."""
        client = await self._session()
        method = "GET" if body is None else "POST"
        try:
            async with client.request(method, self._url + path, json=body) as response:
                raw = await response.content.read(MAX_ANSWER)
                answer = _json(raw)
        except aiohttp.ClientError as error:
            raise AdapterError(f"{self._url}{path}: {error or type(error).__name__}") from None
        except TimeoutError:
            raise AdapterError(f"{self._url}{path}: no answer within {TIMEOUT:g} s") from None
        if response.status != 200:
            reason = answer.get("error") if isinstance(answer, dict) else None
            raise AdapterError(f"{self._url}{path}: {reason or f'HTTP status {response.status}'}")
        if not isinstance(answer, dict):
            raise AdapterError(f"{self._url}{path}: the answer is no JSON object; is this the north side?")
        return answer

    async def _session(self) -> aiohttp.ClientSession:
        """Return the client of the running loop; one that belongs to a loop that is gone is let go."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            await self.close()
            self._client = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=TIMEOUT), cookie_jar=aiohttp.DummyCookieJar()
            )
            self._loop = loop
        return self._client


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


Spawn = Callable[[Any, Callable[[Any], None]], None]
"""Runs a coroutine on the wire's loop and calls back with its result; what it raises ends the run (`run_job`)."""


class Cpescript:
    """The adapter. `spawn` belongs to the wire, which has the event loop; `run` runs a coroutine before it does."""

    name = "cpescript"
    verbs = VERBS

    def __init__(self, url: str, run: Callable[[Any], Any], spawn: Spawn) -> None:
        self.remote = RemoteAcs(url)
        self._run = run
        self._spawn = spawn

    def prepare(self, setup: Setup) -> None:
        self._run(self.remote.reset(setup))

    def submit(self, orders: Sequence[Order], done: Callable[[list[OrderResult]], None]) -> None:
        self._spawn(self.remote.orders(orders), done)

    def close(self) -> None:
        self._run(self.remote.close())
