"""Puts an ACS under load: sessions that begin when they are due, whatever became of those before (an open loop).

Rules:

1. Arrivals are planned before they happen, evenly or at random (Poisson), by the seed. An ACS that slows down does not
   slow them down.
2. A session's time is counted from the instant at which it was to begin, so what queues is seen: the figures are free
   of coordinated omission. What the simulator itself was late by is told apart (`own_delay`).
3. A device in whose turn its last session is still under way is passed over for the next one that is free; where none
   is, the arrival is lost, and counted.
4. The first session of a device is a boot (0 BOOTSTRAP, 1 BOOT), those after it are 2 PERIODIC.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import log
from typing import Any, Literal

from cpescript.adapters.base import AdapterError
from cpescript.device.device import Device
from cpescript.device.mix import Mix
from cpescript.device.schema import Schema
from cpescript.execution.world import RefusedError
from cpescript.kernel import draws
from cpescript.kernel.queue import TIMELINE, Kernel, Owner
from cpescript.kernel.time import SECOND, Instant
from cpescript.kernel.trace import Record, Trace
from cpescript.results import Latency
from cpescript.runner.config import check_addresses
from cpescript.runner.limits import cpu_seconds, late_remark, limit_of
from cpescript.runner.north import NoSuchAdapter
from cpescript.runner.options import ASK_ABOVE, RunOptions
from cpescript.runner.outcomes import Outcomes
from cpescript.runner.target import Refused, clean_up, figures, is_loopback, wire_of
from cpescript.runner.watching import masker_of
from cpescript.simulation import Simulation
from cpescript.transport.base import DriveEnded, Watch
from cpescript.transport.http import HttpWire
from cpescript.transport.latency import Histogram
from cpescript.transport.pacing import BoundPace

SCHEMA = "cpescript-load/1"
Arrivals = Literal["even", "poisson"]

GRACE = 30.0
"""Real seconds after the last arrival in which sessions may still end: the least that TR-069 (3.7.2.4) gives one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What is asked: `count` devices, `rate` sessions a second, for `duration` nanoseconds."""

    profile: Schema | Mix
    run: RunOptions
    count: int
    rate: float
    duration: int
    arrivals: Arrivals = "poisson"
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Times:
    """Durations in milliseconds."""

    count: int
    p50: float
    p95: float
    p99: float
    maximum: float

    @classmethod
    def of(cls, histogram: Histogram) -> Times:
        p50, p95, p99 = (histogram.percentile(share) * 1e3 for share in (0.50, 0.95, 0.99))
        return cls(histogram.count, p50, p95, p99, histogram.maximum * 1e3)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a load came to. Rates are sessions a second, times milliseconds of real time."""

    acs: str
    profile: str
    devices: int
    arrivals: str
    seed: int
    asked_rate: float
    asked_seconds: float
    planned: int
    started: int
    lost: int
    """Arrivals for which no device was free."""
    done: int
    failed: Mapping[str, int]
    """Sessions that did not end well, by outcome (`timeout`, `refused`, …)."""
    unfinished: int
    further: int
    """Sessions that were no arrivals: retries, connection requests."""
    reached_rate: float
    real_seconds: float
    sessions: Times
    """From the instant at which a session was to begin to its end."""
    own_delay: Times
    """How late the simulator began them."""
    rpcs: tuple[Latency, ...]
    cpu_share: float
    limit: str
    remarks: tuple[str, ...] = field(default_factory=tuple)

    def as_json(self) -> dict[str, Any]:
        """Return what `--report-json` writes."""

        def times(of: Times) -> dict[str, Any]:
            return {"count": of.count, "p50": of.p50, "p95": of.p95, "p99": of.p99, "max": of.maximum}

        return {
            "schema": SCHEMA,
            "acs": self.acs,
            "profile": self.profile,
            "devices": self.devices,
            "arrivals": self.arrivals,
            "seed": self.seed,
            "rate": {"asked": self.asked_rate, "reached": self.reached_rate},
            "seconds": {"asked": self.asked_seconds, "real": self.real_seconds},
            "sessions": {
                "planned": self.planned,
                "started": self.started,
                "done": self.done,
                "failed": dict(self.failed),
                "lost": self.lost,
                "unfinished": self.unfinished,
                "further": self.further,
                "ms": times(self.sessions),
            },
            "rpcs": [
                {
                    "kind": each.kind, "count": each.count, "p50": each.p50, "p95": each.p95, "p99": each.p99,
                    "max": each.maximum, "errors": dict(each.errors),
                }
                for each in self.rpcs
            ],
            "simulator": {"cpu_share": self.cpu_share, "delay_ms": times(self.own_delay)},
            "limit": self.limit,
            "remarks": list(self.remarks),
        }  # fmt: skip


def instants(rate: float, duration: int, arrivals: Arrivals, seed: int) -> Iterator[int]:
    """Yield when sessions are to begin, in nanoseconds from the start, ascending, before `duration`."""
    stream, n = draws.stream(seed, "load:arrivals"), 0
    at = 0.0
    while True:
        if arrivals == "even":
            at = n * SECOND / rate
        else:
            # 53 bits, never 0: its logarithm is the time between two arrivals of a Poisson process.
            at += -log(((draws.draw(stream, n) >> 11) + 1) / (1 << 53)) * SECOND / rate
        if at >= duration:
            return
        yield int(at)
        n += 1


class _Load:
    """The arrivals of one load, and what became of them."""

    def __init__(self, options: LoadOptions, simulation: Simulation, wall: Callable[[], float]) -> None:
        self.options = options
        self.due: dict[int, float] = {}
        """Device number to the real instant at which its session under way was to begin."""
        self.sessions, self.own_delay = Histogram(), Histogram()
        self.planned = self.started = self.lost = self.done = self.further = 0
        self.failed: dict[str, int] = {}
        self.last = 0.0
        self.began = 0.0
        self._simulation = simulation
        self._kernel = simulation.kernel
        self._wall = wall
        self._owner = Owner(0)
        self._free: deque[Device] = deque()
        self._fresh: set[int] = set()
        self._instants = instants(options.rate, options.duration, options.arrivals, options.seed)
        self._over = False
        simulation.trace.watch(["SessionEnd"], self._ended)

    def begin(self, devices: list[Device]) -> None:
        self._free.extend(devices)
        self._fresh.update(device.number for device in devices)
        self.began = self.last = self._wall()
        self._next()

    def _next(self) -> None:
        due = next(self._instants, None)
        if due is None:
            self._over = True
            grace = self.options.duration + int(GRACE * SECOND)
            self._kernel.at(grace, self._owner, lambda _: self._kernel.stop(), None, TIMELINE)
            self._stop_when_quiet()
            return
        self.planned += 1
        self._kernel.at(due, self._owner, self._arrive, due, TIMELINE)

    def _arrive(self, due: int) -> None:
        intended = self.began + due / SECOND
        now = self._wall()
        self.own_delay.add(max(0.0, now - intended))
        device = self._take()
        if device is None:
            self.lost += 1
        else:
            self.started += 1
            self.due[device.number] = intended
            if device.number in self._fresh:
                self._fresh.discard(device.number)
                device.agent.power_on(first=False)
            else:
                device.agent.inform()
        self._next()

    def _take(self) -> Device | None:
        """Return the device that has been free longest."""
        for _ in range(len(self._free)):
            device = self._free.popleft()
            if device.number in self._fresh or (device.agent.session is None and device.agent.up):
                return device
            self._free.append(device)
        return None

    def _ended(self, record: Record) -> None:
        intended = self.due.pop(record.device, None)
        self.last = self._wall()
        if intended is None:
            self.further += 1
            return
        outcome = record.data["outcome"]
        if outcome == "done":
            self.done += 1
            self.sessions.add(max(0.0, self.last - intended))
        else:
            self.failed[outcome] = self.failed.get(outcome, 0) + 1
        self._free.append(self._simulation.facts.device(record.device))
        self._stop_when_quiet()

    def _stop_when_quiet(self) -> None:
        if self._over and not self.due:
            self._kernel.at(self._kernel.now, self._owner, lambda _: self._kernel.stop(), None, TIMELINE)


def load(options: LoadOptions) -> LoadResult:
    """Put an ACS under load; passwords are masked in what is found.

    Raises Refused where it cannot be begun, ConfigError where it cannot be begun from here.
    """
    check_addresses(options.run)
    masker = masker_of(None, options.run)
    try:
        return masker.value(_loaded(options))  # type: ignore[no-any-return]
    except Refused as error:
        raise Refused(masker.text(error.message), masker.text(error.remedy)) from error


def _loaded(options: LoadOptions) -> LoadResult:
    run = options.run
    kernel = Kernel()
    trace = Trace(kernel)
    start = Instant(int(time.time()) * SECOND)
    simulation = Simulation(kernel, trace, seed=options.seed, start=start, serial_prefix=run.serial_prefix)
    try:
        target = wire_of(run, simulation, Watch(run.real_limit_s, run.interrupted))
    except NoSuchAdapter as error:
        raise Refused(str(error), error.remedy) from error
    except AdapterError as error:
        raise Refused(str(error)) from error
    wire = target.wire
    assert isinstance(wire, HttpWire)
    wire.pace = BoundPace(1.0)
    try:
        if not is_loopback(target.host) and not run.yes and options.count > ASK_ABOVE:
            many = f"{options.count} devices towards {run.acs}, which is not on loopback"
            raise Refused(many, "say --yes if you mean it")
        simulation.connect(target.wire, target.adapter)
        try:
            devices = _devices(options, simulation)
        except RefusedError as error:
            raise Refused(str(error)) from error
        worker = _Load(options, simulation, time.monotonic)
        outcomes = Outcomes(trace)
        cut = ""
        cpu = cpu_seconds()
        worker.begin(devices)
        try:
            simulation.drive()
        except DriveEnded as ended:
            cut = str(ended)
        real = time.monotonic() - worker.began
        share = (cpu_seconds() - cpu) / real if real > 0 else 0.0
        clean_up(target, simulation, run)
        rpcs = figures(wire)
    finally:
        target.close()
    remarks = (*([cut] if cut else []), *outcomes.remarks(), *target.remarks)
    result = _result(options, worker, share, real, rpcs, remarks)
    limit = who_was_the_limit(result, outcomes)
    late = late_remark(limit, cpu_share=result.cpu_share, late_ms=result.own_delay.p99)
    return replace(result, limit=limit, remarks=(*([late] if late else []), *remarks))


def _devices(options: LoadOptions, simulation: Simulation) -> list[Device]:
    """Make the devices without switching them on: their first session does."""
    numbers = simulation.make(options.profile, options.count, "load")
    return [simulation.facts.device(number) for number in numbers]


def _result(
    options: LoadOptions, worker: _Load, share: float, real: float, rpcs: tuple[Latency, ...], remarks: tuple[str, ...]
) -> LoadResult:
    window = max(worker.last - worker.began, options.duration / SECOND) or 1.0
    return LoadResult(
        acs=options.run.acs,
        profile=options.profile.name,
        devices=options.count,
        arrivals=options.arrivals,
        seed=options.seed,
        asked_rate=options.rate,
        asked_seconds=options.duration / SECOND,
        planned=worker.planned,
        started=worker.started,
        lost=worker.lost,
        done=worker.done,
        failed=dict(sorted(worker.failed.items())),
        unfinished=len(worker.due),
        further=worker.further,
        reached_rate=worker.done / window,
        real_seconds=real,
        sessions=Times.of(worker.sessions),
        own_delay=Times.of(worker.own_delay),
        rpcs=rpcs,
        cpu_share=share,
        limit="",
        remarks=remarks,
    )


def who_was_the_limit(result: LoadResult, outcomes: Outcomes) -> str:
    """Return in words which side kept the rate from being higher, or that neither did; `outcomes` know why an ACS has
    answered nothing."""
    silent = result.started and not result.done and not any(each.count for each in result.rpcs)
    return limit_of(
        cpu_share=result.cpu_share,
        late_ms=result.own_delay.p99,
        session_ms=result.sessions.p50,
        unserved=sum(result.failed.values()) + result.unfinished,
        reached=result.reached_rate,
        wanted=result.planned / result.asked_seconds if result.asked_seconds else 0.0,
        no_device=result.lost,
        silent=outcomes.silence(result.acs) if silent else "",
    )
