"""An open load on the nginx that gives fixed answers: how late the harness itself is, and what a fleet weighs in it.

`load_delay_ms` asks for half of the rate that `cpescript run` has just reached by the wall clock. Whatever else the
machine is doing makes its figure worse, never better, so the rate and the share of a CPU stand beside it.
`load_fleet_mb` is what a process with ten thousand devices has at most, over one in which the same fleet is idle.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.http_sessions import fixed_answers, measure
from benchmarks.table import Figure, Row
from cpescript.cli.files import locate
from cpescript.device.profile import load as load_profile
from cpescript.kernel.queue import Kernel
from cpescript.kernel.time import SECOND
from cpescript.kernel.trace import Trace
from cpescript.runner.load import LoadOptions, load
from cpescript.runner.options import RunOptions
from cpescript.simulation import Simulation
from cpescript.transport.options import ConnectionsKept, WireOptions

ROOT = Path(__file__).resolve().parents[1]
FLEET = 10_000
SECONDS = 8
IN_FLIGHT = 1000
"""As `cpescript load` has it."""


def most_mb() -> float:
    """Return how much memory this process has had at most, in MB.

    Not `ru_maxrss`: of a process that another one started it counts from what that one had.
    """
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024 / 1e6


def put(count: int, rate: float, connections: ConnectionsKept) -> dict[str, Any]:
    """Make a fleet that idles, then put nginx under a load with another of that size; returns memory and result."""
    profile, _ = load_profile(locate("profiles", "hg100"))
    if profile is None:
        raise SystemExit("hg100 does not load")
    kernel = Kernel()
    idle = Simulation(kernel, Trace(kernel), seed=1)
    idle.make(profile, count, "idle")
    before = most_mb()
    del idle, kernel
    gc.collect()
    with fixed_answers() as url:
        run = RunOptions(scenarios=(), acs=url, in_flight=IN_FLIGHT, wire=WireOptions(connections=connections))
        result = load(LoadOptions(profile=profile, run=run, count=count, rate=rate, duration=SECONDS * SECOND))
    return {"idle": before, "most": most_mb(), "load": result.as_json()}


def alone(count: int, rate: float, connections: ConnectionsKept) -> dict[str, Any]:
    """Do that in a process of its own, whose memory is nobody else's."""
    command = [sys.executable, "-m", "benchmarks.load", str(count), str(rate), connections]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def delay() -> Figure:
    """Return the p99 of the harness's own delay, in milliseconds."""
    rate = 1e6 / measure().wall / 2
    found = alone(FLEET, rate, "profile")["load"]
    return Figure(
        found["simulator"]["delay_ms"]["p99"],
        f"p50 {found['simulator']['delay_ms']['p50']:.2f} at {found['rate']['reached']:,.0f} sessions/s, "
        f"{found['simulator']['cpu_share']:.0%} of a CPU",
    )


def weight(connections: ConnectionsKept) -> Figure:
    """Return what a fleet weighs over the idle one, in MB, when each device has had two sessions."""
    found = alone(FLEET, FLEET / 4, connections)
    return Figure(found["most"] - found["idle"], f"{found['most']:.0f} in all")


ROWS: tuple[Row, ...] = (
    Row("load_delay_ms", "ms (p99)", "below 10", delay),
    Row("load_fleet_mb", "MB", "at most 150", lambda: weight("profile")),
    Row("load_fleet_kept_mb", "MB", "at most 150", lambda: weight("kept")),
)


if __name__ == "__main__":
    print(json.dumps(put(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3])))  # type: ignore[arg-type]
