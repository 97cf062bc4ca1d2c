"""Small worlds on real loopback sockets: scripted sessions, and servers that answer exactly what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from cpescript.cwmp.http import Failure, HttpRequest, HttpResponse
from cpescript.cwmp.session import Step, WaitUntil
from cpescript.kernel.queue import Kernel, Owner
from cpescript.transport.base import Limits, Watch
from cpescript.transport.http import HttpWire
from cpescript.transport.pacing import VirtualPace

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SMALL = Limits(header=4096, body=65536, connect=30.0, response=30.0, ports=30.0)
"""Sizes that a test can fill, and time-outs that no stalled machine comes near to."""
BRIEF = replace(SMALL, response=0.3)
"""A time-out that a test can wait for: where nothing but the time-out is expected."""

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Talk:
    """A session that sends what it was given, whatever is answered, and notes what came in `log`."""

    def __init__(self, url: str, *steps: HttpRequest | int, number: int = 1, log: list[Any] | None = None) -> None:
        self.device = Owner(number)
        self.url = url
        self.log: list[Any] = [] if log is None else log
        self.steps = [*(steps or (HttpRequest((), b"<a/>"),))]
        self.kernel: Kernel | None = None
        self.reason = ""
        self.afresh = False
        self.orderly = False

    def _next(self) -> Step:
        if not self.steps:
            self.log.append("over")
            self.orderly = True
            return None
        step = self.steps.pop(0)
        return WaitUntil(step) if isinstance(step, int) else step

    def start(self) -> Step:
        return self._next()

    def receive(self, response: HttpResponse) -> Step:
        self.log.append((response.status, response.body))
        return self._next()

    def failed(self, failure: Failure, reason: str = "") -> Step:
        self.log.append(failure)
        self.reason = reason
        return None

    def resume(self) -> Step:
        return self._next()


class World:
    """A kernel, a wire and servers on the wire's own loop."""

    def __init__(self, **options: Any) -> None:
        self.kernel = Kernel()
        self.pace = options.pop("pace", None) or VirtualPace(patience=0.0)
        self.wire = HttpWire(
            self.kernel, pace=self.pace, limits=options.pop("limits", SMALL), watch=Watch(60.0), **options
        )
        self.servers: list[asyncio.Server] = []
        self.handlers: dict[asyncio.Task[Any], None] = {}
        self.accepted = 0

    def serve(self, handler: Handler, **options: Any) -> str:
        """Serve connections by `handler`; returns the URL."""

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.accepted += 1
            task = asyncio.current_task()
            assert task is not None
            self.handlers[task] = None
            try:
                await handler(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            finally:
                writer.transport.abort() if writer.transport.is_closing() else writer.close()
                self.handlers.pop(task)

        server = self.wire.loop.run_until_complete(asyncio.start_server(handle, "127.0.0.1", 0, **options))
        self.servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/acs"

    def answering(self, *answers: bytes, then_close: bool = False) -> str:
        """Serve: one of `answers` to each request, in order over all connections; the last one for ever."""
        left = [*answers]

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await request(reader) is not None:
                writer.write(left.pop(0) if len(left) > 1 else left[0])
                await writer.drain()
                if then_close:
                    return

        return self.serve(handler)

    def run(self, *talks: Any) -> None:
        """Open the sessions at instant 0 and drive until nothing waits."""
        for talk in talks:
            self.kernel.at(0, talk.device, self.wire.open, talk)
        self.wire.drive(self.kernel)

    def close(self) -> None:
        async def end() -> None:
            for server in self.servers:
                server.close()
            tasks = [*self.handlers]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)

        self.wire.loop.run_until_complete(end())
        self.wire.close()


async def request(reader: asyncio.StreamReader) -> tuple[str, bytes] | None:
    """Read one request; returns its head and body, None at the end of the connection."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    length = next((int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
    return head, await reader.readexactly(length)
