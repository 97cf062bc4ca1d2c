"""What devices cost: reading a profile, building a million of them, values that move, a fleet that is kept.

`python -m benchmarks build_1m mixed_week` runs the slow ones.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.table import Row
from cpescript.device.device import Device
from cpescript.device.generators import Counter
from cpescript.device.profile import load_profile
from cpescript.device.schema import Schema
from cpescript.kernel.queue import Kernel
from cpescript.kernel.time import DEFAULT_START, SECOND
from cpescript.kernel.trace import Trace

ROOT = Path(__file__).resolve().parents[1]
MANY = 75
"""Generators of a device whose values move every 30 seconds."""


class World:
    """As much of a host as a device needs that talks to nobody."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        self.trace = Trace(self.kernel)
        self.start = DEFAULT_START
        self.seed = 1
        self.serial_prefix = ""
        self.acs_url = "http://acs.example/"
        self.firmware: Mapping[str, int] = {}
        self.watches: Callable[[str], bool] | None = None
        self.appeared: Callable[[Any, str], None] | None = None

    def open(self, session: Any) -> None:
        raise AssertionError("nobody opens a session here")

    def connection_request_url(self, device: Any) -> str:
        return f"http://192.0.2.1/{device.number}"

    def fetch(self, device: Any, fetch: Any, done: Any) -> None:
        raise AssertionError("nobody fetches anything here")


def _profile(text: str) -> Schema:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "profile.yaml"
        path.write_text(text, encoding="utf-8")
        schema, bag = load_profile(path)
    if schema is None:
        raise SystemExit(bag.render())
    return schema


def load_seconds(path: Path) -> float:
    """CPU seconds to read a profile, the best of five."""
    found = []
    for _ in range(5):
        began = time.process_time()
        load_profile(path)
        found.append(time.process_time() - began)
    return min(found)


def load_5000() -> float:
    rows = "".join(
        f"  - {{path: Device.X.Group{n // 50}.P{n}, type: xsd:unsignedInt, value: '{n}', writable: true}}\n"
        for n in range(5000)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.yaml"
        path.write_text(f"parameters:\n{rows}", encoding="utf-8")
        return load_seconds(path)


def moving_us() -> float:
    """CPU microseconds that moving values cost an Inform: 75 generators tick every 30 s, five are read every 300 s."""
    leaves = "".join(
        f"  - {{path: Device.X.P{n}, type: xsd:unsignedInt, "
        "generator: {type: counter, interval: 30s, min: 0, max: 4294967295, step: 9000, jitter: 0.2}}\n"
        for n in range(MANY)
    )
    schema, world = _profile(f"parameters:\n{leaves}"), World()
    assert sum(isinstance(leaf.generator, Counter) for leaf in schema.leaves.values()) == MANY
    devices = [Device(number, number, "fleet", schema, world) for number in range(1, 1001)]
    read = list(schema.leaves)[:5]
    informs = 0
    began = time.process_time()
    for _ in range(40):
        world.kernel.advance(world.kernel.now + 300 * SECOND)
        for device in devices:
            for path in read:
                device.get(path)
            informs += 1
    return (time.process_time() - began) / informs * 1e6


def _million() -> tuple[float, float]:
    """Return (CPU seconds, GiB of memory) of a million devices of hg100 with agents, built and not switched on."""
    from cpescript.simulation import Simulation

    schema, _ = load_profile(ROOT / "profiles" / "hg100.yaml")
    assert schema is not None
    kernel = Kernel()
    simulation = Simulation(kernel, Trace(kernel), seed=1)
    gc.collect()
    gc.freeze()
    gc.disable()
    began = time.process_time()
    simulation.spawn(schema, 1_000_000, "fleet", over=3600 * SECOND)
    took = time.process_time() - began
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return took, pages * os.sysconf("SC_PAGE_SIZE") / (1 << 30)


def _apart(what: str) -> list[float]:
    """Return what this module prints in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.devices", what]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return [float(figure) for figure in json.loads(done.stdout)]


WEEK = """
scenario "a mixed week":
    seed 1
    limit 10d
    spawn 200 of some as fleet over 1h
    expect each fleet registered within 2h
    wait 7d
    check each fleet online
"""
MIX = "x-cpescript: {mix: {hg100: 6, dg2: 4, vg20: 2, mx60: 4, ont4: 2, fwa5: 2, stb7: 3, fap1: 1}}\n"


def mixed_week() -> float:
    """Seconds for 200 devices of eight models over a virtual week, twice; their traces must be the same."""
    from cpescript.runner.options import RunOptions
    from cpescript.runner.run import run

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "profiles").mkdir()
        (Path(folder) / "profiles" / "some.yaml").write_text(MIX, encoding="utf-8")
        path = Path(folder) / "week.cpes"
        path.write_text(WEEK, encoding="utf-8")
        began = time.perf_counter()
        options = RunOptions(scenarios=(str(path),), trace_digest=True)
        one, other = (run(options).scenarios[0] for _ in range(2))
        took = time.perf_counter() - began
    if one.verdict != "passed" or one.trace_digest != other.trace_digest:
        raise SystemExit(f"{one.verdict} {one.reason}: {one.trace_digest} and {other.trace_digest}")
    return took / 2


ROWS: tuple[Row, ...] = (
    Row("load_hg100_s", "s", "at most 0.1", lambda: load_seconds(ROOT / "profiles" / "hg100.yaml")),
    Row("load_5000_parameters_s", "s", "at most 0.8", load_5000),
    Row("moving_us_per_session", "us", "at most 20", moving_us),
    Row("build_1m_s", "s", "at most 15", lambda: _apart("million")[0], slow=True),
    Row("build_1m_gib", "GiB", "at most 2.2", lambda: _apart("million")[1], slow=True),
    Row("mixed_week_s", "s", "the same trace twice", mixed_week, slow=True),
)


if __name__ == "__main__":
    # In a process of its own: `_apart` starts this.
    print(json.dumps({"million": _million}[sys.argv[1]]()))
