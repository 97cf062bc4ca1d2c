"""Real servers, run on loopback for a test."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.servers import Start

STARTED_IN = 60.0
"""Real seconds that a server is given to listen."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:
        log = stack.enter_context(open(tmp_path / "server.log", "ab"))

        def run(command: list[str], ready: Callable[[], bool]) -> None:
            process = stack.enter_context(
                subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=tmp_path)
            )
            stack.callback(process.kill)
            until = time.monotonic() + STARTED_IN
            while not ready():
                if process.poll() is not None or time.monotonic() > until:
                    pytest.fail(f"{command[0]} does not run:\n{(tmp_path / 'server.log').read_text()[-2000:]}")
                time.sleep(0.05)

        yield run


@pytest.fixture(scope="session")
def acs() -> Iterator[dict[str, str]]:
    """Serve the reference ACS in a process of its own; give the options of a run against it."""
    command = [sys.executable, "-m", "cpescript", "acs", "serve", "--port", "0", "--north-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        acs, north = (word.rstrip(",") for word in words if word.startswith("http://"))
        try:
            yield {"acs": acs, "adapter": "cpescript", "north": north}
        finally:
            process.send_signal(signal.SIGTERM)
