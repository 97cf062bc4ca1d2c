"""The ACS under test, made ready: how bytes reach it (the wire) and how orders do (the adapter)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cpescript.acs.connections import ConnectionRequest
from cpescript.acs.orders import Order, OrderResult
from cpescript.acs.policy import MAX_OCTETS
from cpescript.adapters.base import Adapter, AdapterError, Setup
from cpescript.adapters.cpescript import Cpescript, RemoteAcs
from cpescript.adapters.embedded import Embedded
from cpescript.diagnostics import did_you_mean
from cpescript.kernel.time import SECOND, Instant
from cpescript.language.timeline import Timeline
from cpescript.results import Latency
from cpescript.runner.options import ASK_ABOVE, EMBEDDED, RunOptions
from cpescript.simulation import Simulation
from cpescript.transport.base import Watch, Wire
from cpescript.transport.calls import connect
from cpescript.transport.http import HttpWire
from cpescript.transport.listener import Listener
from cpescript.transport.loopback import Loopback
from cpescript.transport.pacing import BoundPace, Pace, VirtualPace

ADAPTERS = ("cpescript",)


class Refused(Exception):
    """The ACS cannot be reached or made ready: says nothing about what it owes."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(slots=True)
class Target:
    wire: Wire
    adapter: Adapter
    closers: list[Callable[[], object]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    latencies: Callable[[], Sequence[Latency]] = tuple

    def close(self) -> None:
        """Let go of everything, the last made first."""
        for closer in reversed(self.closers):
            closer()


class NoAdapter:
    """Stands where an external ACS has no adapter: a scenario without stimuli does not miss it."""

    name = "none"
    verbs: frozenset[str] = frozenset()

    def prepare(self, setup: Setup) -> None:
        """An ACS that is not ours is as it is."""

    def submit(self, orders: Sequence[Order], done: Callable[[list[OrderResult]], None]) -> None:
        raise AdapterError("no adapter: name one with --adapter")

    def close(self) -> None:
        """There is nothing to let go of."""


def make_target(
    timeline: Timeline,
    options: RunOptions,
    seed: int,
    start: Instant,
    simulation: Simulation,
    poll: Callable[[], bool],
) -> Target:
    """Make the ACS of the options ready for a case. `poll` is called now and then; True ends the run.

    Raises Refused.
    """
    watch = Watch(options.real_limit_s, poll)
    setup = Setup(
        policy_text=_policy_text(timeline, options),
        policy_name=str(options.policy or timeline.policy or "default"),
        defects=options.defects,
        firmware={version: int(size) for version, size in timeline.firmware.items()},
        start=start,
        seed=seed,
    )
    try:
        if options.acs == EMBEDDED:
            return _embedded(setup, simulation, watch)
        return _external(timeline, options, setup, simulation, watch)
    except AdapterError as error:
        raise Refused(str(error)) from error


def _policy_text(timeline: Timeline, options: RunOptions) -> str | None:
    name = options.policy or timeline.policy
    if name is None:
        return None
    with open(name, encoding="utf-8") as file:
        return file.read(MAX_OCTETS + 1)


def _embedded(setup: Setup, simulation: Simulation, watch: Watch) -> Target:
    def call(request: ConnectionRequest) -> str:
        return connect(simulation.seed, request.url, request.username, request.password, simulation.device_at)

    adapter = Embedded(simulation.kernel, call)
    adapter.prepare(setup)
    wire = Loopback(adapter.handle, simulation.kernel, watch)
    return Target(wire, adapter, [wire.close, adapter.close])


def _external(timeline: Timeline, options: RunOptions, setup: Setup, simulation: Simulation, watch: Watch) -> Target:
    parts = urlsplit(options.acs)
    try:
        _ = parts.port
    except ValueError as error:
        raise Refused(f"'{options.acs}' is no URL of an ACS: {error}", "a port is 1 to 65535") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(f"'{options.acs}' is no URL of an ACS", "http://host:port/path, or 'embedded'")
    simulation.acs_url = options.acs
    if not is_loopback(parts.hostname) and not options.yes:
        simulation.most_devices = ASK_ABOVE
    patience = (options.patience_ns if options.patience_ns is not None else int(timeline.patience)) / SECOND
    wire: HttpWire

    def run_now(job: Coroutine[Any, Any, Any]) -> Any:
        return wire.loop.run_until_complete(job)

    def run_beside(job: Coroutine[Any, Any, Any], done: Callable[[Any], object]) -> None:
        wire.run_job(_or_error(job), done)

    remote: RemoteAcs | None = None
    adapter: Adapter = NoAdapter()
    if options.adapter is not None or options.north is not None:
        if options.adapter not in (None, *ADAPTERS):
            raise Refused(
                f"there is no adapter '{options.adapter}'",
                did_you_mean(options.adapter or "", ADAPTERS, "try 'cpescript'"),
            )
        if options.north is None:
            raise Refused("the adapter 'cpescript' needs the ACS's north side", "--north http://127.0.0.1:7557")
        cpescript = Cpescript(options.north, run_now, run_beside)
        adapter, remote = cpescript, cpescript.remote
    pace: Pace
    if timeline.clock == "virtual":
        pace = VirtualPace(window=options.window_ns, patience=patience, remote=remote)
    else:
        pace = BoundPace(timeline.scale if timeline.clock == "scaled" else 1.0)
    wire = HttpWire(simulation.kernel, pace=pace, in_flight=options.in_flight, watch=watch)
    target = Target(wire, adapter, [wire.close])
    try:
        adapter.prepare(setup)
        target.closers.append(adapter.close)
        listener = Listener(wire, simulation.seed, simulation.device_at)
        port = listener.start()
        target.closers.append(listener.close)
    except BaseException:
        target.close()
        raise
    simulation.connection_request_base = f"http://127.0.0.1:{port}"
    target.latencies = lambda: tuple(
        Latency(each.kind, each.count, each.p50, each.p95, each.p99, each.maximum, each.errors)
        for each in wire.latencies.figures()
    )
    if remote is None and timeline.clock == "virtual":
        target.remarks.append(
            f"virtual time against an external ACS: events of {options.window_ns / SECOND:g} s share the wire, "
            f"and {patience:g} s of real quiet pass before each deadline"
        )
    return target


async def _or_error(job: Coroutine[Any, Any, Any]) -> Any:
    """Return what a job returns, or the AdapterError that it raised, for whoever waits for it."""
    try:
        return await job
    except AdapterError as error:
        return error


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine's loopback; no name is looked up but `localhost`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
