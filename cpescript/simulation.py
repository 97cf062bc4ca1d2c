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
from cpescript.cwmp import xmpp_account
from cpescript.cwmp.agent import CwmpAgent
from cpescript.cwmp.codec import CwmpSyntaxError, decode
from cpescript.cwmp.fetch import Fetch, Fetched, declared
from cpescript.cwmp.hooks import Hook, Point, Reply
from cpescript.cwmp.message import Message
from cpescript.cwmp.nat import missing
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
from cpescript.kernel.trace import EVIDENCE_DEPTH, HEARTBEATS, Trace
from cpescript.pattern.message import Parts, brief, fits
from cpescript.pattern.values import text
from cpescript.quirks.catalogue import catalogue as quirks
from cpescript.quirks.declared import arguments_of
from cpescript.results import MessageLine
from cpescript.transport.base import Wire
from cpescript.transport.calls import Callee, token_path
from cpescript.transport.nat import Nats
from cpescript.transport.pacing import VirtualPace
from cpescript.transport.tls import TlsProblem
from cpescript.transport.xmpp import XmppProblem

UNDER_TEST = "acs"
"""The name of the ACS under test among the systems of a scenario."""
ASKING = (1 << 28) - 2
"""Number of the owner of questions in the queue: behind all devices, and nobody else's."""
URLS_KEPT = 1 << 13
"""Connection-request URLs that are kept: every Inform tells one."""
MOST_DEVICES = 5_000_000
"""A slip of the pen rather than a fleet, past this: idle devices alone would take ten gigabytes."""
BODY_SHOWN = 4_096
"""Octets of a message's body that a failure's evidence keeps."""


Answers = Sequence[tuple[str, Mapping[str, Any]]]
"""What a handler decided: (kind, arguments) pairs as in `language.timeline.Answer`, in the order given."""


class AnswerHook(Hook):
    """A scenario's `answer …` and `drop connection`, at the same hook point as quirks."""

    points: frozenset[Point] = frozenset({"rpc-answer"})
    name = "answer"
    kind = "answer"

    def __init__(self, ask: Callable[[int, Message], Answers]) -> None:
        self._ask = ask

    def rpc_answer(self, device: Device, request: Message) -> Reply | None:
        answers = self._ask(device.number, request)
        if not answers:
            return None
        self.fired(device)
        reply, after = Reply(), 0
        for kind, arguments in answers:
            if kind == "after":
                after = int(arguments["delay"])
            elif kind == "fault":
                reply = Reply.fault(int(arguments["code"]), arguments.get("text") or "", arguments.get("parameter"))
            elif kind == "with":
                reply = Reply.document(arguments["body"])
            else:
                reply = Reply.nothing() if kind == "nothing" else Reply.drop()
        return reply.delayed(after) if after else reply


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
        self.watches: Callable[[str], bool] | None = None
        self.appeared: Callable[[Device, str], None] | None = self._tick
        self.facts = FleetFacts(kernel, start, seed)
        self.sessions = 0
        self.most_devices: int | None = None
        """More are not spawned: the ACS is somebody's, and nobody has said yes."""
        self.restore: Callable[[Device], None] | None = None
        """Lets a device that was just made go on as one of an earlier run."""
        self.opening: Callable[[int], object] | None = None
        """Told the device of each session before the wire has it, which may let it wait."""
        self._wire: Wire | None = None
        self._adapters: dict[str, Adapter] = {}
        self._followed: dict[tuple[Parts, bool], set[int]] = {}
        self._exact: set[str] = set()
        self._urls: dict[int, str] = {}
        self._quirks: dict[int, dict[str, Hook]] = {}

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
        entries = self.facts.device(device).recent or []
        for entry in entries[-EVIDENCE_DEPTH:]:
            t, session, direction, protocol, kind, http, body, message = (*entry, None, None, None)[:8]
            if kind == HEARTBEATS:
                many = f"{message} heartbeat session{'s' * (message > 1)}: Inform 2 PERIODIC, nothing asked"
                lines.append(MessageLine(t, session, direction, kind, many))
                continue
            if message is None and body and protocol == "cwmp":
                message = decode_or_none(body)
            status = getattr(http, "status", None)
            shown = body[:BODY_SHOWN].decode("utf-8", "backslashreplace") if body else None
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
                self._born_with(device, name, arguments)
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
            self._announce_followed(device)
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
        act = _ACTS.get(verb)
        if act is None:
            raise RefusedError(f"devices cannot '{verb}' yet")
        one = self.facts.device(device)
        if one.agent.flags & STOPPED:
            return False
        if verb in _QUEUED:
            # Through the queue, as the device's own event: one that is being switched on at this instant is on by then.
            self.kernel.at(self.kernel.now, one, lambda _: act(self, one, arguments))
            return True
        try:
            return act(self, one, arguments) is not False
        except DataModelFault as fault:
            raise RefusedError(f"{one.name}: {fault}") from fault
        except (KeyError, ValueError) as error:
            raise RefusedError(f"{one.name}: {error.args[0] if error.args else error}") from error

    def inject(self, device: Device, name: str, arguments: Mapping[str, Any], duration: int | None = None) -> None:
        """Let a device misbehave as the catalogue says, for `duration` nanoseconds or until removed."""
        self.remove(device, name)
        hook = quirks()[name].make(arguments)
        self._quirks.setdefault(device.number, {})[name] = hook
        device.agent.add_hook(hook)
        self.trace.fact(device, "quirk-injected", name=name)
        if duration is not None:
            self.kernel.at(self.kernel.now + duration, device, lambda _: self.remove(device, name, hook))

    def _born_with(self, device: Device, name: str, arguments: Mapping[str, Any]) -> None:
        """Give a device a quirk of its profile: nobody has promised that it will show."""
        hook = quirks()[name].make(arguments_of(name, arguments))
        self._quirks.setdefault(device.number, {})[name] = hook
        device.agent.add_hook(hook)
        self.trace.fact(device, "quirk-declared", name=name)

    def remove(self, device: Device, name: str, hook: Hook | None = None) -> bool:
        """End a quirk; with `hook`, only if it is still that one. Returns whether there was one."""
        known = self._quirks.get(device.number, {})
        if name not in known or (hook is not None and known[name] is not hook):
            return False
        device.agent.remove_hook(known.pop(name))
        self.trace.fact(device, "quirk-removed", name=name)
        return True

    def clear(self, device: Device) -> bool:
        """End all quirks of a device; return whether there were any."""
        ended = [self.remove(device, name) for name in list(self._quirks.get(device.number, {}))]
        return bool(ended)

    def answer_hook(self, device: int, ask: Callable[[int, Message], Answers]) -> Callable[[], None]:
        """Let `ask(device, message)` decide each answer of the device to an RPC; returns what ends that."""
        agent = self.facts.device(device).agent
        hook = AnswerHook(ask)
        agent.add_hook(hook)
        return lambda: agent.remove_hook(hook)

    # --- parameters that somebody follows -------------------------------------------------------------------------

    def follow(self, device: int, parts: Parts, partial: bool) -> None:
        """Announce the values of what a path names, now and at each change from here on (0: of every device, of those
        to come as well)."""
        known = self._followed.setdefault((parts, partial), set())
        if not partial and None not in parts:
            self._exact.add(".".join(part or "" for part in parts))
        self.watches = self._is_followed
        for number in (device,) if device else range(1, len(self.facts.fleet) + 1):
            if number in known:
                # Announced before, and kept up to date since.
                continue
            known.add(number)
            for path in self.facts.expand(number, parts, partial):
                self._announce(self.facts.device(number), path)

    def _is_followed(self, path: str) -> bool:
        return path in self._exact or any(
            fits(parts, partial, path) for parts, partial in self._followed if partial or None in parts
        )

    def _announce_followed(self, device: Device) -> None:
        for (parts, partial), known in self._followed.items():
            known.add(device.number)
            for path in self.facts.expand(device.number, parts, partial):
                self._announce(device, path)

    def _announce(self, device: Device, path: str) -> None:
        leaf = device.leaf(path)
        kind = leaf.type if leaf is not None else "string"
        self.trace.fact(device, "parameter", path=path, value=device.get(path), type=kind)
        if leaf is not None and leaf.generator is not None:
            self._tick(device, path)

    def _tick(self, device: Device, path: str) -> None:
        """A generated value that is followed is looked at whenever it moves."""
        due = device.next_tick(path)
        if due is not None:
            self.kernel.at(due, device, self._ticked, (device, path, device.get(path)))

    def _ticked(self, what: tuple[Device, str, str]) -> None:
        device, path, last = what
        leaf = device.leaf(path)
        if leaf is None:
            return  # Its instance or app is gone.
        value = device.get(path)
        if value != last:
            self.trace.fact(device, "parameter", path=path, value=value, type=leaf.type)
        self._tick(device, path)

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
            Order(verb, self._key(number), _order_arguments(verb, arguments(number)))
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
        return f"the adapter '{adapter.name}' has no verb '{verb}'"

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
            lambda asked, done: self._ask(self._adapters[system], asked, done),
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
        adapter: Adapter,
        asked: Sequence[tuple[int, Question]],
        done: Callable[[Sequence[Facts] | Exception], None],
    ) -> None:
        """Put questions to an adapter: those for the same paths together, each call as an order."""
        answers: dict[int, Facts] = {}
        groups: dict[tuple[str, ...], list[int]] = {}
        calls = [(number, each) for number, each in asked if each.call]
        for number, each in asked:
            if not each.call:
                groups.setdefault(each.paths, []).append(number)
        left = len(groups) + bool(calls)

        def arrived(numbers: Sequence[int], facts: Sequence[Facts] | Exception) -> None:
            nonlocal left
            if left < 0:
                return
            if isinstance(facts, Exception):
                left = -1
                done(facts)
                return
            answers.update(zip(numbers, facts, strict=True))
            left -= 1
            if not left:
                done([answers[number] for number, _ in asked])

        def seen(numbers: Sequence[int]) -> Callable[[Any], None]:
            return lambda views: arrived(numbers, views if isinstance(views, Exception) else list(map(_seen, views)))

        def called(results: Any) -> None:
            told = zip(calls, results, strict=True) if not isinstance(results, Exception) else ()
            facts = [[_called(each, result)] for (_, each), result in told]
            arrived([number for number, _ in calls], results if isinstance(results, Exception) else facts)

        self.asking = True
        try:
            for paths, numbers in groups.items():
                adapter.ask([key for key in map(self._key, numbers) if key is not None], paths, seen(numbers))
            if calls:
                inputs = [
                    (self._key(number), {"name": each.call, "inputs": dict(each.arguments)}) for number, each in calls
                ]
                adapter.submit([Order("call", key, each) for key, each in inputs], called)
        except AdapterError as error:
            arrived((), error)
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


def _order_arguments(verb: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return an order's arguments as the JSON values that `acs.orders` lists."""
    if verb == "set":
        return {"settings": [[path, text(value), _xsd(value)] for path, value in arguments["settings"]]}
    if verb == "get":
        return {"paths": list(arguments["paths"])}
    if verb == "call":
        return {"name": arguments["name"], "inputs": dict(arguments.get("inputs", {}))}
    return {name: text(value) for name, value in arguments.items() if value is not None}


def _seen(view: Mapping[str, tuple[str, str] | None]) -> Facts:
    """Return what an adapter says of a device as the data of `belief` facts."""
    return [
        {"path": path, "value": None if known is None else known[0], "type": "" if known is None else known[1]}
        for path, known in view.items()
    ]


def _called(question: Question, result: OrderResult) -> Mapping[str, Any]:
    """The same for the answer to a call."""
    data = result.data
    return {
        "call": question.call,
        "arguments": {name: _json(value) for name, value in question.arguments.items()},
        "status": data.get("status"),
        "body": data.get("body") if result.accepted or "body" in data else result.reason,
    }


def _json(value: Any) -> Any:
    return value if value is None or type(value) in (bool, int, float, str, list, dict) else text(value)


def _xsd(value: Any) -> str | None:
    """The XSD type that a literal leaves no doubt of; None: the ACS knows better, or takes text."""
    if isinstance(value, bool):
        return "boolean"
    return "dateTime" if isinstance(value, Instant) else None


def _power_on(device: Device) -> None:
    device.agent.power_on(first=True)


def _set(simulation: Simulation, device: Device, arguments: Mapping[str, Any]) -> None:
    for path, value in arguments["settings"]:
        if device.leaf(path) is None:
            raise KeyError(f"it has no parameter {path}")
        device.write(path, text(value), by="device")
    device.agent.set_by_hand({path: device.get(path) for path, _ in arguments["settings"]})


def _add(simulation: Simulation, device: Device, arguments: Mapping[str, Any]) -> None:
    device.add_object(arguments["path"])


def _delete(simulation: Simulation, device: Device, arguments: Mapping[str, Any]) -> None:
    device.delete_object(arguments["path"])


def _serial(simulation: Simulation, device: Device, arguments: Mapping[str, Any]) -> None:
    device.set_serial(text(arguments["value"]))
    simulation.named = True


def _transport(simulation: Simulation, device: Device, arguments: Mapping[str, Any]) -> None:
    """Say how a device is reached. Raises RefusedError where it lacks what that needs."""
    _TRANSPORTS[arguments["name"]](simulation, device, arguments.get("arguments", {}))


def _nat(simulation: Simulation, device: Device, given: Mapping[str, Any]) -> None:
    speaks = bool(given.get("stun", False))
    if speaks and (path := missing(device)):
        raise RefusedError(f"{device.schema.name} has no {path}, where its address outside would stand")
    simulation.nats.add(device, speaks=speaks)


def _tls(simulation: Simulation, device: Device, given: Mapping[str, Any]) -> None:
    if simulation.tls is None:
        raise RefusedError("the embedded ACS speaks no TLS: 'transport tls' is for an ACS of yours (--acs https://…)")
    if not device.agent.acs_url.lower().startswith("https:"):
        raise RefusedError(f"its ACS is at {device.agent.acs_url}, which 'transport tls' does not reach: that is https")
    if "client_cert" in given:
        try:
            simulation.tls(device.number, given["client_cert"])
        except TlsProblem as problem:
            raise RefusedError(str(problem)) from None


def _xmpp(simulation: Simulation, device: Device, given: Mapping[str, Any]) -> None:
    if path := xmpp_account.missing(device):
        raise RefusedError(f"{device.schema.name} has no {path}, so it speaks no XMPP")
    if simulation.xmpp is None:
        raise RefusedError("the embedded ACS speaks no XMPP: 'transport xmpp' is for an ACS of yours (--acs URL)")
    try:
        simulation.xmpp(device)
    except XmppProblem as problem:
        raise RefusedError(str(problem)) from None


_TRANSPORTS: dict[str, Callable[[Simulation, Device, Mapping[str, Any]], None]] = {
    "nat": _nat,
    "tls": _tls,
    "xmpp": _xmpp,
}


def _label(simulation: Simulation, device: Device, arguments: Mapping[str, Any]) -> None:
    device.labels = {**(device.labels or {}), arguments["name"]: arguments["value"]}


_ACTS: dict[str, Callable[[Simulation, Device, Mapping[str, Any]], object]] = {
    "stop": lambda simulation, device, arguments: device.agent.stop(bool(arguments.get("abruptly", False))),
    "reboot": lambda simulation, device, arguments: device.agent.reboot(),
    "factory-reset": lambda simulation, device, arguments: device.agent.factory_reset(),
    "power-on": lambda simulation, device, arguments: device.agent.power_on(first=False),
    "power-off": lambda simulation, device, arguments: device.agent.power_off(abruptly=True),
    "power-cycle": lambda simulation, device, arguments: device.agent.power_cycle(int(arguments["duration"])),
    "inform": lambda simulation, device, arguments: device.agent.inform(arguments.get("event") or "2 PERIODIC"),
    "set": _set,
    "add": _add,
    "delete": _delete,
    "label": _label,
    "serial": _serial,
    "transport": _transport,
    "inject-quirk": lambda simulation, device, arguments: simulation.inject(
        device, arguments["name"], arguments.get("arguments", {}), arguments.get("duration")
    ),
    "remove-quirk": lambda simulation, device, arguments: simulation.remove(device, arguments["name"]),
    "send": lambda simulation, device, arguments: device.agent.send(arguments["body"]),
    "clear": lambda simulation, device, arguments: simulation.clear(device),
}
_QUEUED = frozenset({"stop", "reboot", "factory-reset", "power-on", "power-off", "power-cycle", "inform", "send"})
"""Acts that are events on the device's own timeline; the others change it where they stand."""
