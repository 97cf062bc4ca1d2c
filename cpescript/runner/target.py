"""The ACS under test, made ready: how bytes reach it (the wire) and how orders do (the adapter)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cpescript.acs.connections import ConnectionRequest
from cpescript.acs.orders import DeviceKey, Order, OrderResult
from cpescript.acs.policy import MAX_OCTETS
from cpescript.adapters.base import Adapter, AdapterError, Answered, Jobs, RunNow, Setup
from cpescript.adapters.cpescript import Cpescript
from cpescript.adapters.embedded import Embedded
from cpescript.cwmp.agent import CwmpAgent
from cpescript.cwmp.power import KNOWN
from cpescript.kernel.time import SECOND, Instant
from cpescript.language.timeline import BeliefClaim, Stimulus, Timeline
from cpescript.pattern.walking import walk
from cpescript.results import Latency
from cpescript.runner.config import ConfigError, named
from cpescript.runner.north import NoSuchAdapter, make_adapter, run_alone
from cpescript.runner.options import ASK_ABOVE, EMBEDDED, NorthSide, RunOptions
from cpescript.runner.paced import Pacing
from cpescript.runner.watching import passwords_in
from cpescript.simulation import Simulation
from cpescript.transport.base import SESSION_GAP, Watch, Wire
from cpescript.transport.calls import connect
from cpescript.transport.http import HttpWire
from cpescript.transport.listener import Listener
from cpescript.transport.loopback import Loopback
from cpescript.transport.nat import UDP
from cpescript.transport.options import ConnectionsKept, WireOptions
from cpescript.transport.pacing import BoundPace, Pace, VirtualPace
from cpescript.transport.tls import TlsProblem, server_context
from cpescript.transport.udp import DatagramPorts
from cpescript.transport.xmpp import XmppPorts

FORGET_AT_ONCE = 1_000
"""Orders in one go when a run's devices are deleted from the ACS."""


class Refused(Exception):
    """The ACS cannot be reached or made ready: says nothing about what it owes."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def _nobody(*_: Any) -> Any:
    raise AssertionError("an embedded ACS has no loop")


@dataclass(slots=True)
class Target:
    """An ACS made ready. `systems` are the other systems of the scenario, by name."""

    wire: Wire
    adapter: Adapter
    systems: dict[str, Adapter] = field(default_factory=dict)
    host: str = "127.0.0.1"
    run: RunNow = _nobody
    spawn: Jobs = _nobody
    """How coroutines of adapters are run; an embedded ACS has none."""
    closers: list[Callable[[], object]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    latencies: Callable[[], Sequence[Latency]] = tuple
    unreached: Callable[[], str] = str
    """Says why no connection to the ACS ever stood; empty where one did, or none was tried."""
    paces: Pacing | None = None
    """Measures the statements with `over`, where time is bound to the wall clock."""

    def close(self) -> None:
        """Let go of everything, the last made first."""
        for closer in reversed(self.closers):
            closer()


class NoAdapter:
    """Stands where an external ACS has no adapter: a scenario without stimuli does not miss it."""

    name = "none"
    verbs: frozenset[str] = frozenset()
    beliefs = False
    calls: Mapping[str, tuple[str, ...]] | None = {}
    secrets: Sequence[str] = ()

    def prepare(self, setup: Setup) -> None:
        """An ACS that is not ours is as it is."""

    def submit(self, orders: Sequence[Order], done: Callable[[list[OrderResult]], None]) -> None:
        raise AdapterError("no adapter: name one with --adapter")

    def ask(self, keys: Sequence[DeviceKey], paths: Sequence[str], done: Answered) -> None:
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
        beliefs=any(isinstance(node, BeliefClaim) for node in walk(timeline)),
        orders=any(isinstance(node, Stimulus) for node in walk(timeline)),
    )
    try:
        if options.acs == EMBEDDED:
            return _embedded(timeline, options, setup, simulation, watch)
        return _external(timeline, options, setup, simulation, watch)
    except NoSuchAdapter as error:
        raise Refused(str(error), error.remedy) from error
    except ConfigError as error:
        raise Refused(error.message, error.remedy) from error
    except AdapterError as error:
        raise Refused(str(error)) from error


def _policy_text(timeline: Timeline, options: RunOptions) -> str | None:
    name = options.policy or timeline.policy
    if name is None:
        return None
    with open(name, encoding="utf-8") as file:
        return file.read(MAX_OCTETS + 1)


def _embedded(timeline: Timeline, options: RunOptions, setup: Setup, simulation: Simulation, watch: Watch) -> Target:
    def call(request: ConnectionRequest) -> str:
        if request.url.startswith(UDP):
            return simulation.nats.call(request, simulation.kernel.now)
        return connect(simulation.seed, request.url, request.username, request.password, simulation.reachable)

    adapter = Embedded(simulation.kernel, call)
    adapter.prepare(setup)
    wire = Loopback(adapter.handle, simulation.kernel, watch)
    target = Target(wire, adapter, closers=[wire.close, adapter.close])
    if timeline.clock != "virtual":
        target.remarks.append("the embedded ACS lives on the scenario's own clock: it was not bound to the wall clock")
    if timeline.systems:
        run, spawn, close = run_alone()
        target.closers.append(close)
        _add_systems(target, timeline, options, setup, run, spawn)
    return target


def _add_systems(
    target: Target, timeline: Timeline, options: RunOptions, setup: Setup, run: RunNow, spawn: Jobs
) -> None:
    """Make the adapters of the scenario's other systems: from their files, or from the configuration."""
    try:
        for name, file in timeline.systems.items():
            if file is not None:
                adapter = make_adapter(file, None, options, run, spawn, target.remarks, NorthSide())
            else:
                known = named(name, options.environment)
                if known.adapter is None:
                    raise NoSuchAdapter(f"the system '{name}' has no adapter", 'adapter = "…" in cpescript.toml')
                urls = (known.north or "", known.side.proxy or "")
                options.learnt.extend([*known.secrets, *(each for url in urls for each in passwords_in(url))])
                adapter = make_adapter(known.adapter, known.north, options, run, spawn, target.remarks, known.side)
            target.closers.append(adapter.close)
            adapter.prepare(setup)
            target.systems[name] = adapter
    except BaseException:
        target.close()
        raise


def _external(timeline: Timeline, options: RunOptions, setup: Setup, simulation: Simulation, watch: Watch) -> Target:
    patience = (options.patience_ns if options.patience_ns is not None else int(timeline.patience)) / SECOND
    target = wire_of(options, simulation, watch)
    wire, adapter = target.wire, target.adapter
    assert isinstance(wire, HttpWire)
    if not is_loopback(target.host) and not options.yes:
        simulation.most_devices = ASK_ABOVE
    try:
        adapter.prepare(setup)
        target.closers.append(lambda: clean_up(target, simulation, options))
        _add_systems(target, timeline, options, setup, target.run, target.spawn)
    except BaseException:
        target.close()
        raise
    remote = adapter.remote if isinstance(adapter, Cpescript) else None
    wrong = [each for each in remote.defects if each not in options.defects] if remote is not None else []
    if wrong:
        target.remarks.append(f"the ACS is served with deliberate defects: {', '.join(wrong)}")
    gap = 0.0 if remote is not None else SESSION_GAP
    if options.session_gap_ns is not None:
        gap = options.session_gap_ns / SECOND
    pace: Pace
    if timeline.clock == "virtual":
        pace = VirtualPace(window=options.window_ns, patience=patience, gap=gap, remote=remote)
    else:
        pace = BoundPace(timeline.scale if timeline.clock == "scaled" else 1.0)
        target.paces = Pacing(pace, wire.real, lambda: simulation.kernel.now, simulation.trace)
        simulation.opening = target.paces.opening
    wire.pace = pace
    target.remarks += _time_remarks(timeline, options, patience, gap, driven=remote is not None)
    if options.serial_prefix:
        target.remarks.append(f"serial numbers begin with '{options.serial_prefix}'")
    if options.north_side.tls_insecure:
        target.remarks.append("the certificate of the ACS's north side was not checked")
    return target


def wire_of(options: RunOptions, simulation: Simulation, watch: Watch) -> Target:
    """Return an external ACS that can be spoken to: wire, listener, and the adapter of the options, not prepared.

    Raises Refused, AdapterError.
    """
    parts = urlsplit(options.acs)
    try:
        _ = parts.port
    except ValueError as error:
        raise Refused(f"'{options.acs}' is no URL of an ACS: {error}", "a port is 1 to 65535") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(f"'{options.acs}' is no URL of an ACS", "http://host:port/path, or 'embedded'")
    simulation.acs_url = options.acs
    try:
        wire = HttpWire(simulation.kernel, in_flight=options.in_flight, watch=watch, options=options.wire)
    except (TlsProblem, ValueError) as error:
        raise Refused(str(error)) from None
    target = Target(wire, NoAdapter(), host=parts.hostname, closers=[wire.close])
    target.run = wire.loop.run_until_complete
    target.spawn = _beside(wire, simulation)
    target.latencies = lambda: figures(wire)
    target.unreached = lambda: "" if wire.stood or wire.latencies.times else wire.unreached
    target.closers.append(lambda: _connections(target, wire))
    if (remark := _CONNECTIONS[options.wire.connections]) is not None:
        target.remarks.append(remark)
    if options.wire.tls_insecure:
        target.remarks.append("neither the certificate of the ACS nor its name was checked (--tls-insecure)")
    try:
        name = options.adapter if options.adapter is not None else "cpescript" if options.north is not None else None
        if name is not None:
            target.adapter = make_adapter(name, options.north, options, target.run, target.spawn, target.remarks)
            target.closers.append(target.adapter.close)
        listener = Listener(wire, simulation.seed, simulation.reachable)
        simulation.connection_request_base = _listen(listener, options.wire)
        target.closers.append(listener.close)
        datagrams = DatagramPorts(wire)
        target.closers.append(datagrams.close)
        simulation.nats.exchange = datagrams.exchange
        target.closers.append(lambda: target.remarks.extend(datagrams.remarks()))
        ports = XmppPorts(wire, options.wire.tls_ca)
        target.closers.append(ports.close)
        simulation.xmpp = ports.add
        simulation.tls = wire.reach.tls.show
    except BaseException:
        target.close()
        raise
    return target


def _listen(listener: Listener, options: WireOptions) -> str:
    """Open the fleet's port; return what the URLs of its devices begin with. Raises Refused."""
    host, port = options.listen
    try:
        tls = server_context(options.listen_tls) if options.listen_tls is not None else None
        port = listener.start(host, port, tls)
    except TlsProblem as problem:
        raise Refused(str(problem), "--listen-tls takes a certificate with its key in one file, PEM") from None
    except OSError as problem:
        raise Refused(
            f"no connection requests can be taken at {host} port {port}: {problem}",
            "--listen takes an address of this machine and a port that is free",
        ) from None
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if tls is not None else 'http'}://{shown}:{port}"


_CONNECTIONS: Mapping[ConnectionsKept, str | None] = {
    "profile": None,
    "kept": "devices kept their connections between sessions (--connections kept)",
    "shared": "devices shared connections (--connections shared): each has its own cookies and credentials, but an ACS "
    "that knows a device by its connection mixes them up",
}


def _connections(target: Target, wire: HttpWire) -> None:
    """Say in the report what became of connections, and where this machine, or a budget, was the limit."""
    waits, keeping, holding = wire.reach.waits, wire.keeping, wire.holding
    if keeping.anew:
        target.remarks.append(
            f"{keeping.anew} request{'s' * (keeping.anew > 1)} went out on a connection that the ACS was closing "
            "without having said so, and again on another"
        )
    if keeping.early:
        target.remarks.append(
            f"{keeping.early} kept connection{'s' * (keeping.early > 1)} closed early: no more than "
            f"{keeping.most} fit into this process's descriptors (ulimit -n)"
        )
    if waits:
        target.remarks.append(
            f"{waits} connection{'s' * (waits > 1)} waited for a port or descriptor of this machine: "
            "--source-address adds ports, ulimit -n descriptors"
        )
    if holding.refused:
        target.remarks.append(
            f"{holding.refused} session{'s' * (holding.refused > 1)} failed ('no-room') because unfinished answers of "
            f"the ACS took all of the {holding.most >> 20} MiB that they may: --answers-held allows more, --in-flight "
            "fewer at once"
        )


def _beside(wire: HttpWire, simulation: Simulation) -> Jobs:
    """Return what runs an adapter's coroutines on the loop of a wire: beside its sessions, or before and after them."""

    def run(job: Coroutine[Any, Any, Any], done: Callable[[Any], object]) -> None:
        if wire.loop.is_running():
            # A question is no traffic: patience that began anew at each would never end.
            wire.run_job(_or_error(job), done, stirs=not simulation.asking)
        else:
            wire.drop_jobs()
            done(wire.loop.run_until_complete(_or_error(job)))

    return run


def figures(wire: HttpWire) -> tuple[Latency, ...]:
    """Return the real response times of an ACS so far."""
    return tuple(
        Latency(each.kind, each.count, each.p50, each.p95, each.p99, each.maximum, each.errors)
        for each in wire.latencies.figures()
    )


def _time_remarks(timeline: Timeline, options: RunOptions, patience: float, gap: float, *, driven: bool) -> list[str]:
    """Say by which rule time moved: it limits what a verdict means."""
    if timeline.clock == "scaled":
        return [f"virtual time ran {timeline.scale:g} times as fast as the wall clock"]
    if timeline.clock == "real":
        return ["virtual time ran with the wall clock"]
    window = (
        f"virtual time against an external ACS: events of {options.window_ns / SECOND:g} s share the wire, "
        f"{options.in_flight} sessions at most"
    )
    if gap:
        window += f", a device rests {gap * 1e3:g} ms of real time between two"
    if driven:
        return [f"{window}; the ACS's own timers are on the same clock"]
    return [f"{window}, and {patience:g} s of real quiet pass before each deadline"]


def _is_known(agent: CwmpAgent) -> bool:
    """Whether the ACS has taken a session of this device, or is at its first."""
    return bool(agent.flags & KNOWN or (agent.session is not None and agent.session.exchanges))


def clean_up(target: Target, simulation: Simulation, options: RunOptions) -> None:
    """Have the ACS forget the devices that the run brought, unless they are to be kept; say in the report how it went.

    What goes wrong here changes no verdict: what the ACS owes has been judged.
    """
    many = len(simulation.devices)
    if not many or target.unreached():
        return
    count = f"{many} device{'s' * (many > 1)}"
    # A device that was never answered is not said to be left; an adapter is told to forget it all the same.
    known = sum(_is_known(device.agent) for device in simulation.devices)
    left = f"{known} device{'s' * (known > 1)}"
    if not known and (options.keep or "forget" not in target.adapter.verbs):
        return
    if options.keep:
        target.remarks.append(f"{left} left in the ACS (--keep)")
        return
    adapter = target.adapter
    if isinstance(adapter, NoAdapter):
        target.remarks.append(f"{left} left in the ACS: without an adapter nobody tells it to forget them")
        return
    if "forget" not in adapter.verbs:
        target.remarks.append(f"{left} left in the ACS: the adapter '{adapter.name}' has no verb 'forget'")
        return
    keys = [DeviceKey(*device.device_id[1:]) for device in simulation.devices]
    results: list[OrderResult] = []
    problems: list[Exception] = []

    def done(answer: Any) -> None:
        problems.append(answer) if isinstance(answer, Exception) else results.extend(answer)

    try:
        for start in range(0, many, FORGET_AT_ONCE):
            adapter.submit([Order("forget", key) for key in keys[start : start + FORGET_AT_ONCE]], done)
            if problems:
                break
    except AdapterError as error:
        problems.append(error)
    gone = sum(result.accepted for result in results)
    if problems:
        target.remarks.append(f"{many - gone} of {count} left in the ACS: {problems[0]}")
    elif gone < many and not isinstance(adapter, Cpescript):
        reason = next(result.reason for result in results if not result.accepted)
        target.remarks.append(f"{gone} of {count} deleted from the ACS; for the others it says: {reason}")
    else:
        target.remarks.append(f"the ACS was told to forget the {count} of this run")


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
