"""A hostile caller of the connection-request port, through a whole scenario: the verdict is the one without him."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
"""


class Overheard(AcsService):
    """An ACS whose connection requests somebody listens in on."""

    def __init__(self, acs: Acs) -> None:
        super().__init__(acs)
        self.lines: list[str] = []
        self.listener: Any = None

    async def _get(self, url: str, proof: str | None) -> tuple[int, list[str]]:
        told = await super()._get(url, proof)
        if proof is not None and self.listener is not None:
            print(urlsplit(url).path, proof, sep="\t", file=self.listener, flush=True)
        return told


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
        real_limit_s=100,
        wire=WireOptions(listen=("127.0.0.1", port)),
    )
    if not flooded:
        return run(options).scenarios[0], None
    command = [sys.executable, "-m", "tests.hostile.flooder", str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as flooder:
        service.listener = flooder.stdin
        try:
            result = run(options).scenarios[0]
        finally:
            service.listener = None
            told = flooder.communicate()[0]
    return result, json.loads(told)


def outcome(result: ScenarioResult) -> Any:
    claims = [(claim.span.line, claim.verdict, claim.met, claim.missed) for claim in result.claims]
    return result.verdict, result.reason, result.sessions, claims


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
    assert after - before < 50_000, "kilobytes"
    assert told["made"] > 1_000
