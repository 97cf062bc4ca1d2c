"""What sessions, idle devices and commands cost, one core each.

Every row of sessions goes through the path that `cpescript run` takes: a checked scenario, the executor, the judge with
two claims and one `always` open all the while. Nothing is asserted: machines are shared and noisy, a figure is for
comparing.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.table import Row
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.kernel.queue import Kernel, Owner
from cpescript.runner import case as case_module
from cpescript.runner.case import Case
from cpescript.runner.options import RunOptions
from cpescript.runner.run import timelines
from cpescript.runner.target import NoAdapter, Target
from cpescript.transport.loopback import Loopback

ROOT = Path(__file__).resolve().parents[1]

SCENARIO = """
param size: int
param hours: duration

scenario "heartbeat":
    seed 1
    limit 30d
    spawn size of hg100 as fleet over 5m
    wait until each fleet registered within 15m
    always at most 0 of all updating
    parallel:
        expect each fleet online for hours
        expect no Download on fleet for hours
"""

DAY = SCENARIO.replace(
    "expect no Download on fleet for hours",
    'check at most 400 Inform where events contains "2 PERIODIC" on each fleet within hours',
)
"""The same with a claim that looks at every Inform, which costs about 5 us a session more."""

IDLE = """
param size: int

scenario "bootstrap of many":
    seed 1
    spawn size of hg100 as fleet
    always at most 0 of all updating
    parallel:
        expect each fleet registered within 4m
        expect InformResponse on each fleet within 4m
"""


def make_case(text: str, trace: Any = None, **params: object) -> Case:
    """Return a case of the scenario `text`, ready to run."""
    with tempfile.NamedTemporaryFile("w", suffix=".cpes", delete=False) as file:
        file.write(text)
    try:
        options = RunOptions(scenarios=(file.name,), params={name: str(value) for name, value in params.items()})
        (timeline,), _ = timelines(options)
    finally:
        os.unlink(file.name)
    return Case(timeline, options, 1, trace)


def sessions_per_second(size: int, hours: str, trace: Any = None, target: Callable[..., Any] | None = None) -> float:
    case = make_case(SCENARIO, trace, size=size, hours=hours)
    original = case_module.make_target
    if target is not None:
        case_module.make_target = target
    try:
        gc.collect()
        began = time.process_time()
        result = case.run()
        took = time.process_time() - began
    finally:
        case_module.make_target = original
    if result.verdict != "passed":
        raise SystemExit(f"the benchmark's own scenario {result.verdict}: {result.reason} {result.problems}")
    return result.sessions / took


INFORM_RESPONSE = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" '
    b'xmlns:cwmp="urn:dslforum-org:cwmp-1-2"><soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">1</cwmp:ID>'
    b"</soap-env:Header><soap-env:Body><cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>"
    b"</soap-env:Body></soap-env:Envelope>"
)


def stub_target(timeline: Any, options: Any, seed: int, start: int, simulation: Any, pulse: Any) -> Target:
    """A target that answers every Inform with the same octets and everything else with 204."""
    answer = HttpResponse(200, (("Content-Type", "text/xml; charset=utf-8"),), INFORM_RESPONSE)
    end = HttpResponse(204)

    def handle(request: HttpRequest, peer: object) -> HttpResponse:
        return answer if request.body else end

    return Target(Loopback(handle, simulation.kernel), NoAdapter())


def resident() -> int:
    """Return this process's resident memory in octets."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def idle(size: int) -> tuple[float, float]:
    """Return (octets per idle device after its bootstrap, seconds to make them) of so many devices of hg100.

    The octets are the whole process's: the device, its agent and timers, what the embedded ACS knows of it, and what
    two claims and the trace keep.
    """
    warm = make_case(IDLE, size=10)
    warm.run()
    case = make_case(IDLE, size=size)
    took: list[float] = []
    spawn = case.simulation.spawn

    def timed(*arguments: Any, **named: Any) -> Any:
        began = time.process_time()
        try:
            return spawn(*arguments, **named)
        finally:
            took.append(time.process_time() - began)

    case.simulation.spawn = timed  # type: ignore[method-assign]
    gc.collect()
    before = resident()
    found: list[int] = []
    finished = case.executor._finished

    def weigh() -> None:
        gc.collect()
        found.append(resident())
        finished()

    case.executor._finished = weigh
    result = case.run()
    if result.verdict != "passed":
        raise SystemExit(f"the benchmark's own scenario {result.verdict}: {result.reason} {result.problems}")
    return (found[0] - before) / size, took[0]


def timers_per_second() -> float:
    """Events a second with 200,000 pending, each planning the next of its device."""
    kernel, total = Kernel(), 1_000_000
    owners = [Owner(number) for number in range(1, 200_001)]
    left = [total]

    def fire(owner: Owner) -> None:
        left[0] -= 1
        if left[0] <= 0:
            kernel.stop()
        kernel.at(kernel.now + 300_000_000_000 + owner.number, owner, fire, owner)

    for owner in owners:
        kernel.at(owner.number * 1_500_000, owner, fire, owner)
    began = time.process_time()
    kernel.run()
    return total / (time.process_time() - began)


def command_ms(*arguments: str, turns: int = 10) -> float:
    """Milliseconds of a whole command, the median of `turns` runs after one that warms the caches."""
    program = [sys.executable, "-m", "cpescript", *arguments]
    script = Path(sys.executable).with_name("cpescript")
    if script.exists():
        program = [str(script), *arguments]
    took = []
    for _ in range(turns + 1):
        began = time.perf_counter()
        subprocess.run(program, check=True, stdout=subprocess.DEVNULL)
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took[1:])[turns // 2]


def day_of_1000() -> float:
    """Seconds for 1,000 devices that inform every 300 s for a virtual day."""
    case = make_case(DAY, size=1000, hours="24h")
    began = time.perf_counter()
    result = case.run()
    if result.verdict != "passed" or result.sessions < 250_000:
        raise SystemExit(f"the benchmark's own scenario {result.verdict}: {result.reason}, {result.sessions} sessions")
    return time.perf_counter() - began


def traced_sessions_per_second() -> float:
    with tempfile.TemporaryFile() as file:
        return sessions_per_second(500, "2h", file)


def idle_apart(size: int = 100_000) -> list[float]:
    """The same as `idle`, in a process of its own: memory that other rows have freed is not counted as free."""
    command = [sys.executable, "-m", "benchmarks.run", str(size)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return [float(figure) for figure in json.loads(done.stdout)]


ROWS: tuple[Row, ...] = (
    Row("loopback_sessions_per_s", "sessions/s", "at least 8,000", lambda: sessions_per_second(500, "6h")),
    Row("loopback_traced_sessions_per_s", "sessions/s", "-", traced_sessions_per_second),
    Row(
        "stub_sessions_per_s",
        "sessions/s",
        "at least 40,000",
        lambda: sessions_per_second(500, "48h", target=stub_target),
    ),
    Row("idle_bytes_per_device", "octets", "at most 2,000", lambda: idle_apart()[0]),
    Row("build_100k_s", "s", "at most 3", lambda: idle_apart()[1]),
    Row("idle_1m_gib", "GiB", "at most 2.2", lambda: idle_apart(1_000_000)[0] * 1e6 / (1 << 30), slow=True),
    Row("timers_per_s", "events/s", "at least 500,000", timers_per_second),
    Row("version_ms", "ms", "at most 150", lambda: command_ms("--version")),
    Row("check_ms", "ms", "at most 400", lambda: command_ms("check", "firmware_rollout")),
    Row("day_of_1000_s", "s", "at most 60", day_of_1000),
)


if __name__ == "__main__":
    # In a process of its own: `idle_apart` starts this.
    print(json.dumps(idle(int(sys.argv[1]))))
