"""One simulated world: a fleet on a virtual clock, an ACS to talk to, a trace of what happens.

`Simulation` is what execution and Python authors use. It owns the kernel and the fleet; how bytes travel is the
wire's matter, how orders reach the ACS the adapter's. It is the devices' `Host`, execution's `World` and the judge's
`Witness`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cpescript.acs.orders import DeviceKey, Order, OrderResult
from cpescript.adapters.base import Adapter, AdapterError
from cpescript.cwmp.agent import CwmpAgent
from cpescript.cwmp.codec import CwmpSyntaxError, decode
from cpescript.cwmp.fetch import Fetch, Fetched, declared
from cpescript.cwmp.message import Message
from cpescript.cwmp.power import LINKED, STOPPED
from cpescript.device.device import DataModelFault, Device
from cpescript.device.mix import Mix
from cpescript.device.schema import Schema
from cpescript.execution.beliefs import Believing, Facts, Question
from cpescript.execution.facts import FleetFacts
from cpescript.execution.world import RefusedError
from cpescript.kernel import draws
from cpescript.kernel.queue import Kernel, Owner
from cpescript.kernel.time import DEFAULT_START, SECOND, Instant
from cpescript.kernel.trace import BEGINNING, EVIDENCE_DEPTH, HEARTBEATS, LOCAL, Trace, evidence
from cpescript.pattern.message import Parts, brief
from cpescript.quirks.held import HeldQuirks
from cpescript.results import MessageLine
from cpescript.simulation.acts import ACTS, QUEUED
from cpescript.simulation.answers import AnswerHook, Answers
from cpescript.simulation.followed import Followed
from cpescript.simulation.systems import ask, order_arguments
from cpescript.transport.base import Wire
from cpescript.transport.calls import Callee, token_path
from cpescript.transport.nat import Nats
from cpescript.transport.pacing import VirtualPace

UNDER_TEST = "acs"
"""The name of the ACS under test among the systems of a scenario."""
ASKING = (1 << 28) - 2
"""Number of the owner of questions in the queue: behind all devices, and nobody else's."""
URLS_KEPT = 1 << 13
"""Connection-request URLs that are kept: every Inform tells one."""
MOST_DEVICES = 5_000_000
"""A slip of the pen rather than a fleet, past this: idle devices alone would take ten gigabytes."""


def decode_or_none(body: bytes) -> Message | None:
    """Return the CWMP message of a body, None for one that is none: the trace keeps those as octets only."""
    try:
        return decode(body)
    except CwmpSyntaxError:
        return None


class Simulation:
    """A fleet, its clock and its trace. `connect` wires it to an ACS before anything is spawned."""

    def __init__(
        self,
        kernel: Kernel,
        trace: Trace,
        *,
        seed: int,
        start: Instant = DEFAULT_START,
        acs_url: str = "http://acs.example/",
        serial_prefix: str = "",
        firmware: Mapping[str, int] | None = None,
        connection_request_base: str = "http://127.0.0.1:7547",
    ) -> None:
        self.kernel = kernel
        self.trace = trace
        self.seed = seed
        self.start = start
        self.acs_url = acs_url
        self.serial_prefix = serial_prefix
        self.named = False
        """Whether a scenario gave a device a serial number of its own."""
        self.firmware: Mapping[str, int] = dict(firmware or {})
        self.connection_request_base = connection_request_base
        self.facts = FleetFacts(kernel, start, seed)
        self._followed = Followed(kernel, trace, self.facts)
        self.watches: Callable[[str], bool] | None = None
        self.appeared: Callable[[Device, str], None] | None = self._followed.tick
        self.sessions = 0
        self.most_devices: int | None = None
        """More are not spawned: the ACS is somebody's, and nobody has said yes."""
        self.restore: Callable[[Device], None] | None = None
        """Lets a device that was just made go on as one of an earlier run."""
        self.opening: Callable[[int], object] | None = None
        """Told the device of each session before the wire has it, which may let it wait."""
        self._wire: Wire | None = None
        self._adapters: dict[str, Adapter] = {}
        self._urls: dict[int, str] = {}
        self.quirks: HeldQuirks = HeldQuirks()
        """What its devices do otherwise than the standard says."""
        self.xmpp: Callable[[Device], None] | None = None
        """Lets a device keep a connection to its XMPP server; None where nobody is reached by XMPP."""
        self.tls: Callable[[int, Path], None] | None = None
        """Has the device of a number show a client certificate of its own; None where no ACS is reached by TLS."""
        self.nats = Nats(seed)
        """Devices behind NATs: what reaches them."""
        self._owner = Owner(ASKING)
        self._asking: list[Believing] = []
        self._patience: list[float] = []
        self.asking = False
        """Whether what an adapter is told right now is a question, which changes nothing on the wire."""
        self._usual_patience = 0.0

    def connect(self, wire: Wire, adapter: Adapter, systems: Mapping[str, Adapter] | None = None) -> None:
        """Say how bytes travel, how orders reach the ACS, and how they reach other systems, by name."""
        self._wire = wire
        self._adapters = {UNDER_TEST: adapter, **(systems or {})}

    @property
    def devices(self) -> Sequence[Device]:
        """All devices; number n is at index n - 1."""
        return self.facts.fleet

    def device_at(self, number: int) -> Device | None:
        """Return the device of a number, None where there is none."""
        fleet = self.facts.fleet
        return fleet[number - 1] if 1 <= number <= len(fleet) else None

    def reachable(self, number: int) -> Callee | None:
        """Return what a connection request over HTTP meets at the device of a number, None where there is none."""
        return self.nats.outside(self.device_at(number))

    # --- the devices' host ----------------------------------------------------------------------------------------

    def open(self, session: Any) -> None:
        self.sessions += 1
        if self.opening is not None:
            self.opening(session.device.number)
        assert self._wire is not None
        self._wire.open(session)

    def connection_request_url(self, device: Device) -> str:
        known = self._urls.get(device.number)
        if known is None:
            known = f"{self.connection_request_base}{token_path(self.seed, device)}"
            if len(self._urls) < URLS_KEPT:
                self._urls[device.number] = known
        return known

    def fetch(self, device: Device, fetch: Fetch, done: Callable[[Fetched], None]) -> None:
        carry = getattr(self._wire, "fetch", None)
        if carry is None:
            done(declared(fetch, self.firmware))
        else:
            carry(device, fetch, done)

    # --- the judge's witness --------------------------------------------------------------------------------------

    def identity(self, device: int) -> str:
        return self.facts.device(device).identity

    def recent(self, device: int) -> tuple[MessageLine, ...]:
        lines = []
        entries = evidence(self.facts.device(device).recent)
        for entry in entries[-EVIDENCE_DEPTH:]:
            t, session, (direction, protocol, kind), http, body, message = (*entry, None, None, None)[:6]
            if kind == HEARTBEATS:
                many = f"{message} heartbeat session{'s' * (message > 1)}: Inform 2 PERIODIC, nothing asked"
                lines.append(MessageLine(t, session, direction, kind, many))
                continue
            if direction == LOCAL and message is None:
                # In a large fleet a fact has its words in its kind.
                kind, _, message = kind.partition(" ")
            if isinstance(message, str):
                lines.append(MessageLine(t, session, direction, kind, f"{kind} {message}".rstrip()))
                continue
            if message is None and body and protocol == "cwmp":
                message = decode_or_none(body)
            status = getattr(http, "status", None)
            shown = body[:BEGINNING].decode("utf-8", "backslashreplace") if body else None
            lines.append(MessageLine(t, session, direction, kind, brief(kind, message), status, shown))
        return tuple(lines)

    # --- the fleet ------------------------------------------------------------------------------------------------

    def spawn(
        self,
        profile: Schema | Mix,
        count: int,
        cohort: str,
        over: int = 0,
        prepare: Callable[[int], object] | None = None,
    ) -> Sequence[int]:
        """Make `count` devices of a profile (or of several, by weight), let `prepare(number)` dress each, and power
        them on.

        With `over` (nanoseconds) they boot spread evenly over that time, each at a drawn instant of its own share, and
        are offline until then; without, they are online from the start. Returns the devices' numbers. Raises ValueError
        for a cohort that exists, or a profile that cannot run.
        """
        fleet, numbers = self.facts.fleet, self.make(profile, count, cohort, prepare, on=not over)
        now, stream = self.kernel.now, draws.stream(self.seed, f"spawn:{cohort}")
        for index, number in enumerate(numbers):
            device = fleet[number - 1]
            if not over:
                self.kernel.at(now, device, _power_on, device)
                continue
            slot, after = over * index // count, over * (index + 1) // count
            self.kernel.at(now + slot + draws.below(stream, index, max(1, after - slot)), device, _power_on, device)
        return numbers

    def make(
        self,
        profile: Schema | Mix,
        count: int,
        cohort: str,
        prepare: Callable[[int], object] | None = None,
        on: bool = False,
    ) -> Sequence[int]:
        """Make devices as `spawn` does, and leave them switched off; `on` says that this is for no time at all."""
        if cohort in self.facts.cohorts:
            raise ValueError(f"there is a cohort '{cohort}' already")
        fleet = self.facts.fleet
        if len(fleet) + count > MOST_DEVICES:
            raise RefusedError(f"{len(fleet) + count} devices are more than there can be, {MOST_DEVICES:,}")
        if self.most_devices is not None and len(fleet) + count > self.most_devices:
            many = f"{len(fleet) + count} devices towards {self.acs_url}, which is not on loopback"
            raise RefusedError(f"{many}: say --yes if you mean it")
        first = len(fleet) + 1
        for schema in profile.parts:
            offset = schema.fleet.offset
            problems = schema.problems(first + offset, first + offset + count - 1, self.seed, self.serial_prefix)
            if problems:
                raise RefusedError(f"no fleet of {count} can be made of {schema.name}: {problems[0]}")
        order = profile.assigned(count, draws.stream(self.seed, f"mix:{cohort}"))
        numbers = range(first, first + count)
        self.trace.budget(len(fleet) + count)
        self.facts.cohorts[cohort] = numbers
        for number, schema in zip(numbers, order, strict=True):
            device = Device(number, number - first + 1, cohort, schema, self)
            device.agent = CwmpAgent(device)
            fleet.append(device)
        for number in numbers:
            device = fleet[number - 1]
            for name, arguments in device.schema.quirks:
                self.quirks.born_with(device, name, arguments)
            # What it is made with is told once it is there.
            watches, self.watches = self.watches, None
            try:
                if prepare is not None:
                    prepare(number)
                if self.restore is not None:
                    self.restore(device)
            finally:
                self.watches = watches
            if on and device.agent.flags & LINKED:
                # Before anybody hears of it, so that no claim sees it offline in the instant that it begins.
                device.enter("online")
            if self.trace.wants("spawn"):
                self.trace.fact(
                    device,
                    "spawn",
                    cohort=cohort,
                    index=device.index,
                    identity=device.identity,
                    labels=device.labels or {},
                )
            self._followed.welcome(device)
        self._tell_apart()
        return numbers

    def _tell_apart(self) -> None:
        """See that no two devices are one to an ACS, where some were given serial numbers. Raises RefusedError."""
        if not self.named:
            return
        known: dict[tuple[str, ...], Device] = {}
        for device in self.facts.fleet:
            other = known.setdefault(device.device_id[1:], device)
            if other is not device:
                both = f"{other.cohort}[{other.index}] and {device.cohort}[{device.index}]"
                raise RefusedError(f"{both} have the same serial number, {device.device_id[3]}")

    def act(self, verb: str, device: int, arguments: Mapping[str, Any]) -> bool:
        """Let a device do something of itself (`language.timeline.Act`; send takes `body`, octets).

        Returns whether there was anything to do: nothing, where what shall be ended is not there, or the device was
        taken away. Raises RefusedError where it cannot, with the reason.
        """
        act = ACTS.get(verb)
        if act is None:
            raise RefusedError(f"devices cannot '{verb}' yet")
        one = self.facts.device(device)
        if one.agent.flags & STOPPED:
            return False
        if verb in QUEUED:
            # Through the queue, as the device's own event: one that is being switched on at this instant is on by then.
            self.kernel.at(self.kernel.now, one, lambda _: act(self, one, arguments))
            return True
        try:
            return act(self, one, arguments) is not False
        except DataModelFault as fault:
            raise RefusedError(f"{one.name}: {fault}") from fault
        except (KeyError, ValueError) as error:
            raise RefusedError(f"{one.name}: {error.args[0] if error.args else error}") from error

    def answer_hook(self, device: int, ask: Callable[[int, Message], Answers]) -> Callable[[], None]:
        """Let `ask(device, message)` decide each answer of the device to an RPC; returns what ends that."""
        agent = self.facts.device(device).agent
        hook = AnswerHook(ask)
        agent.add_hook(hook)
        return lambda: agent.remove_hook(hook)

    def follow(self, device: int, parts: Parts, partial: bool) -> None:
        """Announce the values of what a path names, now and at each change from here on (0: of every device, of those
        to come as well)."""
        self.watches = self._followed.watches
        self._followed.follow(device, parts, partial)

    # --- the ACS --------------------------------------------------------------------------------------------------

    def order(
        self,
        system: str,
        verb: str,
        devices: Sequence[int] | None,
        arguments: Callable[[int | None], Mapping[str, Any]],
        done: Callable[[list[OrderResult]], None],
    ) -> None:
        """Hand the ACS one order per device (one without a device for None). Raises RefusedError."""
        if reason := self.lacks(system, verb):
            raise RefusedError(reason)
        orders = [
            Order(verb, self._key(number), order_arguments(verb, arguments(number), self.device_at(number or 0)))
            for number in (devices if devices is not None else (None,))
        ]
        try:
            self._adapters[system].submit(orders, done)
        except AdapterError as error:
            raise RefusedError(str(error)) from error

    def lacks(self, system: str, verb: str) -> str:
        """Return why a system cannot be asked for a verb (`sees`: for what it believes), "" where it can."""
        adapter = self._adapters.get(system)
        if adapter is None:
            return f"there is no system '{system}' here"
        if adapter.beliefs if verb == "sees" else verb in adapter.verbs:
            return ""
        if verb == "sees":
            return f"the adapter '{adapter.name}' cannot be asked what '{system}' sees"
        known = ", ".join(sorted(adapter.verbs)) or "none"
        return f"the adapter '{adapter.name}' has no verb '{verb}'; it has {known}"

    def _key(self, number: int | None) -> DeviceKey | None:
        if not number:
            return None
        _, oui, product_class, serial = self.facts.device(number).device_id
        return DeviceKey(oui, product_class, serial)

    # --- what systems believe -------------------------------------------------------------------------------------

    def believe(
        self,
        system: str,
        devices: Sequence[int],
        question: Callable[[int], Question],
        period: int | None,
        last: int | None,
        first: Callable[[Exception | None], None],
    ) -> Callable[[], None]:
        """Ask a system what it believes of these devices, again and again, until the function returned is called.

        As `execution.world.World.believe` says. Raises RefusedError where the system cannot be asked.
        """
        questions = {number: question(number) for number in devices}
        verbs = {"call" if each.call else "sees" for each in questions.values()}
        for verb in verbs:
            if reason := self.lacks(system, verb):
                raise RefusedError(reason)
        believing = Believing(
            self.kernel,
            self.trace,
            self._owner,
            system,
            questions,
            lambda asked, done: self._ask(system, asked, done),
            self.device_at,
            period=period,
            last=last,
            first=first,
        )
        self._asking.append(believing)
        self._look_around()
        believing.open()

        def end() -> None:
            believing.close()
            self._asking.remove(believing)
            self._look_around()

        return end

    def _look_around(self) -> None:
        """While something is asked of a system, ask it again in each second of patience."""
        pace = self._pace()
        if pace is not None:
            pace.ask = self._ask_again if self._asking else None

    def _ask_again(self) -> None:
        for believing in self._asking:
            believing.again(at_once=True)

    def _ask(
        self,
        system: str,
        asked: Sequence[tuple[int, Question]],
        done: Callable[[Sequence[Facts] | Exception], None],
    ) -> None:
        self.asking = True
        try:
            ask(self._adapters[system], asked, self._key, done)
        finally:
            self.asking = False

    # --- patience -------------------------------------------------------------------------------------------------

    def be_patient(self, patience: int) -> Callable[[], None]:
        """Wait `patience` nanoseconds of real time for a quiet wire before deadlines, until the function returned is
        called; the longest of several holds. Without a wire in virtual time there is nothing to wait for."""
        pace = self._pace()
        if pace is None:
            return lambda: None
        if not self._patience:
            self._usual_patience = pace.patience
        seconds = patience / SECOND
        self._patience.append(seconds)
        pace.patience = max(self._patience)

        def end() -> None:
            self._patience.remove(seconds)
            pace.patience = max(self._patience, default=self._usual_patience)

        return end

    def _pace(self) -> VirtualPace | None:
        pace = getattr(self._wire, "pace", None)
        return pace if isinstance(pace, VirtualPace) else None

    # --- time -----------------------------------------------------------------------------------------------------

    def drive(self) -> None:
        """Let time go by until `kernel.stop()`."""
        assert self._wire is not None
        self._wire.drive(self.kernel)


def _power_on(device: Device) -> None:
    device.agent.power_on(first=True)
