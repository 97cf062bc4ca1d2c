"""A hostile caller of the connection-request port, through a whole scenario: the verdict is the one without him."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cpescript.acs.connections import ConnectionRequest
from cpescript.acs.server import Acs
from cpescript.results import ScenarioResult
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from cpescript.transport.acs_service import AcsService
from cpescript.transport.options import WireOptions
from tests.adapters.serving import on_a_loop
from tests.hostile.flooder import KINDS
from tests.integration.servers import free_port

SIZE = 200
SCENARIO = f"""
limit 12h
patience 300ms
firmware "2.1.0" size 8MiB
spawn {SIZE} of hg100 as fleet over 5m
wait until each fleet registered within 15m
never SessionEnd where outcome != "done" on fleet
acs download firmware "2.1.0" on fleet
expect Download on each fleet within 1m
expect TransferCompleteResponse on each fleet within 1h
check Device.DeviceInfo.SoftwareVersion == "2.1.0" on each fleet
acs connect fleet
expect ConnectionRequest where status == 200 on each fleet within 1m
expect Inform where events contains "6 CONNECTION REQUEST" on each fleet within 1m
expect no Inform where events contains "6 CONNECTION REQUEST" on fleet for 10m
check exactly 2 ConnectionRequest where status == 200 on each fleet since start
check exactly 2 Inform where events contains "6 CONNECTION REQUEST" on each fleet since start
"""


class Overheard(AcsService):
    """An ACS whose connection requests somebody listens in on."""

    def __init__(self, acs: Acs) -> None:
        super().__init__(acs)
        self.secrets: set[str] = set()
        self.flooder: Flooder | None = None

    async def _ask(self, request: ConnectionRequest) -> str:
        self.secrets.add(request.password)
        return await super()._ask(request)

    async def _get(self, url: str, proof: str | None) -> tuple[int, list[str]]:
        told = await super()._get(url, proof)
        if proof is not None and self.flooder is not None:
            self.flooder.hears(urlsplit(url).path, proof)
        return told

    async def _orders(self, body: dict[str, Any]) -> dict[str, Any]:
        # However slow the machine is: the last orders come when each kind of question has been answered.
        while body["orders"][0]["verb"] == "connect" and self.flooder is not None and not self.flooder.content.is_set():
            await asyncio.sleep(0.02)
        return await super()._orders(body)


class Flooder:
    """The hostile caller, in a process of his own."""

    def __init__(self, port: int) -> None:
        command = [sys.executable, "-m", "tests.hostile.flooder", str(port)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.content = threading.Event()
        """Set once he has had an answer of each kind."""
        self.told: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told.append(line)
            self.content.set()
        self.content.set()

    def hears(self, path: str, proof: str) -> None:
        print(path, proof, sep="\t", file=self.process.stdin, flush=True)

    def end(self) -> Any:
        """End him; return what he tells."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.wait()
        return json.loads(self.told[-1])


@contextmanager
def served() -> Iterator[tuple[Overheard, str, str]]:
    service = Overheard(Acs())

    async def start(stack: AsyncExitStack) -> tuple[int, int]:
        return await service.start("127.0.0.1", 0, 0, stack)

    with on_a_loop(start) as (port, north):
        yield service, f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{north}"


def played(path: Path, service: Overheard, acs: str, north: str, *, flooded: bool) -> tuple[ScenarioResult, Any]:
    port = free_port()
    options = RunOptions(
        scenarios=(str(path),),
        acs=acs,
        adapter="cpescript",
        north=north,
        seed=1,
        real_limit_s=1000,
        wire=WireOptions(listen=("127.0.0.1", port)),
    )
    if not flooded:
        return run(options).scenarios[0], None
    flooder = service.flooder = Flooder(port)
    try:
        result = run(options).scenarios[0]
    finally:
        service.flooder = None
        told = flooder.end()
    return result, told


def outcome(result: ScenarioResult) -> Any:
    claims = [(claim.span.line, claim.verdict, claim.met, claim.missed) for claim in result.claims]
    return result.verdict, result.reason, claims


@pytest.mark.slow
def test_the_verdict_is_the_one_without_him(tmp_path: Path) -> None:
    path = tmp_path / "rollout.cpes"
    path.write_text(SCENARIO)
    with served() as (service, acs, north):
        quiet, _ = played(path, service, acs, north, flooded=False)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        flooded, told = played(path, service, acs, north, flooded=True)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert quiet.verdict == "passed", quiet
    assert outcome(flooded) == outcome(quiet)
    assert after - before < 100_000, "kilobytes"
    assert told["made"] > 1_000
    answers = told["answers"]
    assert answers.keys() == set(KINDS)
    # One answer for each kind of question, whoever is asked: it tells nobody which devices there are, which names or
    # passwords are right, or whose proof it was.
    assert {kind: len(each) for kind, each in answers.items()} == dict.fromkeys(KINDS, 1)
    assert answers["guesses a path"] == answers["asks for the root"]
    assert answers["knows the name"] == answers["knows nothing"] == answers["shows a broken proof"]
    assert answers["uses a proof elsewhere"] == answers["knows nothing"]
    assert not any(secret in str(answers) for secret in service.secrets)
