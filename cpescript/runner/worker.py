"""A worker of `pool`: reads jobs from a socket, runs them, and tells what an observer would see.

Messages to it: the options, then jobs, and `"stop"` while one runs. Messages from it: (name of an observer's method,
arguments…), and ("done", result, interrupted) once a job.
"""

from __future__ import annotations

import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from cpescript.language.catalogue import standard_catalogue
from cpescript.language.timeline import Timeline
from cpescript.results import MessageLine, ScenarioResult, Snapshot
from cpescript.runner.loading import cases_of
from cpescript.runner.options import RunOptions
from cpescript.runner.systems import read_system
from cpescript.runner.work import Job, do

ASK_EVERY = 0.05
"""Real seconds between two looks at the socket while a case runs."""


class Worker:
    """One process. It is its own runs' observer."""

    def __init__(self, connection: Connection[Any, Any], options: RunOptions) -> None:
        self._connection = connection
        self._options = options
        self._files: dict[str, list[Timeline]] = {}
        self._stop = False
        self._asked = 0.0

    def serve(self) -> None:
        """Run jobs until nobody sends any more."""
        while True:
            try:
                message = self._connection.recv()
                if message != "stop":
                    self._run(*message)
            except (EOFError, OSError):
                return

    def _run(self, file: str, ordinal: int, digest: str, trace: str | None, prefix: str, *job: Any) -> None:
        self._stop = False
        options = replace(self._options, observer=self, interrupted=self._interrupted, serial_prefix=prefix)
        if file not in self._files:
            catalogue = standard_catalogue(read_system)
            self._files[file] = cases_of(Path(file), options, catalogue, set())[0]
        cases = self._files[file]
        if ordinal >= len(cases) or cases[ordinal].digest != digest:
            self._connection.send(("changed",))
            return
        one = Job(0, cases[ordinal], ordinal, *job)
        if trace is None:
            done = do(one, options, None)
        else:
            with open(trace, "wb") as part:
                done = do(one, options, part)
        self._connection.send(("done", done.result, done.interrupted))

    def _interrupted(self) -> bool:
        now = time.monotonic()
        if not self._stop and now - self._asked >= ASK_EVERY:
            self._asked = now
            while self._connection.poll():
                self._connection.recv()
                self._stop = True
        return self._stop

    # --- an observer ----------------------------------------------------------------------------------------------

    def started(self, title: str, file: str) -> None:
        """The other side knows."""

    def step(self, t: int, line: int, source: str) -> None:
        self._connection.send(("step", t, line, source))

    def message(self, device: str, line: MessageLine) -> None:
        self._connection.send(("message", device, line))

    def progress(self, snapshot: Snapshot) -> None:
        self._connection.send(("progress", snapshot))

    def make_room(self, asking: bool) -> None:
        """Nobody is asked anything where cases run side by side."""

    def finished(self, result: ScenarioResult) -> None:
        """The result is sent whole, at the end."""


def main(descriptor: int) -> None:
    """Serve on an open socket. Signals are ignored already: to end in order is the other side's business."""
    connection: Connection[Any, Any] = Connection(descriptor)
    try:
        options = connection.recv()
    except EOFError:
        return
    Worker(connection, options).serve()
