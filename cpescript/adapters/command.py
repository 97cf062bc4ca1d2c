"""Hands orders to a program of the user's: one JSON object on its standard input, one on its standard output.

| `ask` | in | out |
| --- | --- | --- |
| `describe` | – | `{"verbs": […], "calls": {name: [input, …]}, "beliefs": true}` |
| `prepare` | `setup` | `{}` |
| `orders` | `orders`: [{verb, device: [oui, product class, serial], arguments}, …] | `{"results": [{accepted, reason, data}, …]}` |
| `beliefs` | `devices`, `paths` | `{"views": [{path: [value, type] or null}, …]}` |

The program is run anew for each, without a shell, and only where the user allows it (`--allow-exec`). An exit status
other than 0 is an error, told with the last line of its standard error.
"""  # noqa: E501

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from cpescript.acs.orders import VERBS, DeviceKey, Order, OrderResult
from cpescript.adapters.base import AdapterError, Answered, Jobs, RunNow, Setup, View, belief

TIMEOUT = 60.0
"""Real seconds that the program has for one answer."""
MAX_ANSWER = 16 * 1024 * 1024
READ = 65536
"""Octets that are taken from a program at once, and those that are kept of what it complains."""


class Command:
    """The adapter. `words` is the program with its arguments."""

    name = "command"
    secrets: Sequence[str] = ()

    def __init__(self, words: Sequence[str], run: RunNow, spawn: Jobs, timeout: float = TIMEOUT) -> None:
        self._words = list(words)
        self._run = run
        self._spawn = spawn
        self._timeout = timeout
        described = run(self._ask({"ask": "describe"}))
        verbs, calls = described.get("verbs"), described.get("calls", {})
        if not isinstance(verbs, list) or not set(verbs) <= VERBS or not isinstance(calls, dict):
            known = ", ".join(sorted(VERBS))
            raise AdapterError(f"{self._words[0]}: 'describe' is answered by {{verbs, calls, beliefs}}; verbs: {known}")
        # Who names calls takes calls: nobody has to say that twice.
        self.verbs: frozenset[str] = frozenset(verbs) | ({"call"} if calls else frozenset())
        self.beliefs = described.get("beliefs") is True
        self.calls: Mapping[str, tuple[str, ...]] | None = {
            str(name): tuple(map(str, inputs)) if isinstance(inputs, list) else () for name, inputs in calls.items()
        }

    def prepare(self, setup: Setup) -> None:
        self._run(self._ask({"ask": "prepare", "setup": setup.as_json()}))

    def submit(self, orders: Sequence[Order], done: Callable[[list[OrderResult]], None]) -> None:
        async def job() -> list[OrderResult]:
            answer = await self._ask({"ask": "orders", "orders": [order.as_json() for order in orders]})
            results = answer.get("results")
            if not isinstance(results, list) or len(results) != len(orders):
                raise AdapterError(f"{self._words[0]}: {len(orders)} orders, but not as many results")
            try:
                return [OrderResult(each["accepted"] is True, str(each.get("reason", "")), each.get("data") or {})
                        for each in results]  # fmt: skip
            except (KeyError, TypeError, AttributeError):
                raise AdapterError(f"{self._words[0]}: a result without accepted, reason and data") from None

        self._spawn(job(), done)

    def ask(self, keys: Sequence[DeviceKey], paths: Sequence[str], done: Answered) -> None:
        async def job() -> list[View]:
            answer = await self._ask({"ask": "beliefs", "devices": [list(key) for key in keys], "paths": list(paths)})
            views = answer.get("views")
            if not isinstance(views, list) or len(views) != len(keys):
                raise AdapterError(f"{self._words[0]}: {len(keys)} devices, but not as many views")
            try:
                return [{path: belief(view.get(path)) for path in paths} for view in views]
            except (AttributeError, TypeError, ValueError):
                raise AdapterError(f"{self._words[0]}: a view that is not {{path: [value, type] or null}}") from None

        self._spawn(job(), done)

    def close(self) -> None:
        """There is nothing to let go of: the program is run anew each time."""

    async def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        name = self._words[0]
        try:
            process = await asyncio.create_subprocess_exec(
                *self._words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise AdapterError(f"{name}: cannot be run: {error.strerror or error}") from None
        asking = asyncio.create_task(_tell(process.stdin, question))
        complaining = asyncio.create_task(_last_line(process.stderr))
        try:
            async with asyncio.timeout(self._timeout):
                out, last = await self._answer(process.stdout), await complaining
                await process.wait()
        except TimeoutError:
            raise AdapterError(f"{name}: no answer within {self._timeout:g} s") from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            for task in (asking, complaining):
                task.cancel()
            await asyncio.wait((asking, complaining))
        if process.returncode != 0:
            raise AdapterError(f"{name}: exit status {process.returncode}" + (f": {last}" if last else ""))
        try:
            answer = json.loads(out)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise AdapterError(f"{name}: the answer to '{question['ask']}' is no JSON object")
        return answer

    async def _answer(self, stream: asyncio.StreamReader | None) -> bytes:
        """Return all that a program says, and no more than an answer may be: it is not to fill the memory."""
        assert stream is not None
        parts, size = [], 0
        while part := await stream.read(READ):
            size += len(part)
            if size > MAX_ANSWER:
                raise AdapterError(f"{self._words[0]}: the answer is longer than {MAX_ANSWER} octets")
            parts.append(part)
        return b"".join(parts)


async def _last_line(stream: asyncio.StreamReader | None) -> str:
    """Return the last line that a program complains with."""
    assert stream is not None
    kept = b""
    while part := await stream.read(READ):
        kept = (kept + part)[-READ:]
    return kept.decode("utf-8", "backslashreplace").strip().rpartition("\n")[2]


async def _tell(stream: asyncio.StreamWriter | None, question: Mapping[str, Any]) -> None:
    """Ask a program; one that ends without listening to the end is judged by what it says."""
    assert stream is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        stream.write(json.dumps(question).encode())
        await stream.drain()
    stream.close()
    with suppress(BrokenPipeError, ConnectionResetError):
        await stream.wait_closed()
