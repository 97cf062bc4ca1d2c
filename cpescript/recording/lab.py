"""The world of a recording: real devices, of which some are a scenario's, and nobody who does what it says.

A recording has messages and how sessions ended. Of states it tells who is registered; it knows no parameter but as
messages tell it, and nobody's orders. What is asked beyond that ends in `Untold`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from cpescript.cwmp.agent import CwmpAgent
from cpescript.device.device import Device
from cpescript.device.mix import Mix
from cpescript.device.schema import Schema
from cpescript.kernel.queue import LIMIT, TIMELINE, Kernel
from cpescript.kernel.time import format_clock
from cpescript.kernel.trace import Trace
from cpescript.pattern.message import Parts
from cpescript.recording.calls import Caller, Callers
from cpescript.recording.reading import Entry
from cpescript.recording.replay import LAST, Parted, ReplayedWorld, ReplayFacts
from cpescript.simulation import Answers, decode_or_none
from cpescript.simulation.acts import ACTS

REGISTERED = "registered"
"""The one state that messages tell (states page)."""
VALUES = "a recording tells messages, and no values of devices"
STATES = f"of states a recording tells only who is '{REGISTERED}'"
_BOOTED = frozenset({"0 BOOTSTRAP", "1 BOOT"})
_BOOTING = frozenset({"factory-reset", "power-cycle", "power-on", "reboot"})
_DRESSING = frozenset({"label", "serial"})
"""What a `with:` says of a device that is no act of it."""


class Untold(Exception):
    """A recording does not tell what is asked."""


class Lacking(BaseException):
    """The recording has not the devices that the scenario makes: ends the judging."""

    def __init__(self, message: str, remedy: str = "devices are matched by OUI and product class") -> None:
        super().__init__(message)
        self.remedy = remedy


class LabFacts(ReplayFacts):
    """What execution asks of devices, as far as messages tell it."""

    def __init__(self, kernel: Kernel, start: Any, seed: int) -> None:
        super().__init__(kernel, start, seed)
        self.registered: set[int] = set()
        self.callers: dict[int, Caller] = {}

    def attribute(self, device: int, name: str) -> Any:
        caller = self.callers.get(device)
        return caller.serial if caller is not None and name == "serial" else super().attribute(device, name)

    def parameter(self, device: int, path: str) -> Any:
        raise Untold(VALUES)

    def expand(self, device: int, parts: Parts, partial: bool) -> Sequence[str]:
        raise Untold(VALUES)

    def in_state(self, device: int, state: str) -> bool:
        if state != REGISTERED:
            raise Untold(STATES)
        return device in self.registered


class LabWorld(ReplayedWorld):
    """A recording. `devices` are its callers; `bind` says which of them are a cohort's."""

    facts: LabFacts

    def __init__(self, kernel: Kernel, trace: Trace, **more: Any) -> None:
        super().__init__(kernel, trace, **more)
        self.facts = LabFacts(kernel, self.start, self.seed)
        self.callers = Callers()

    def load(self, entries: Iterator[Entry], callers: Callers | None = None) -> None:
        super().load(entries)
        if callers is not None:
            self.callers = callers

    def drive(self) -> None:
        self.kernel.at(0, LAST, self._feed, None, TIMELINE)
        self.kernel.run()

    def _feed(self, _: object) -> None:
        """Announce what belongs to this instant, and come again at the next."""
        while (entry := self._head()) is not None:
            if entry.t > self.kernel.now:
                # Behind the timeline, which begins anew before what it has found there.
                self.kernel.at(entry.t, LAST, self._feed, None, TIMELINE)
                return
            self._ahead.popleft()
            # Of devices that are nobody's nothing is heard.
            if entry.kind != "spawn" and (entry.device is None or entry.device in self._named):
                self._announce_entry(entry)
        # Behind all that this last instant still decides.
        self.kernel.at(self.kernel.now, LAST, self._run_out, None, LIMIT)

    def _run_out(self, _: object) -> None:
        raise Parted(f"the recording ends at {format_clock(self.kernel.now)}, before the scenario does")

    def _learn(self, device: Device, entry: Entry) -> Any:
        if entry.kind == "Inform" and entry.body:
            message = decode_or_none(entry.body)
            events = message.fields.get("event", ()) if message is not None else ()
            if any(code in _BOOTED for code, _ in events):
                self._register(device, False)
            return message
        if entry.kind == "SessionEnd" and entry.data.get("outcome") == "done":
            self._register(device, True)
        return None

    def _register(self, device: Device, on: bool) -> None:
        if (device.number in self.facts.registered) is not on:
            (self.facts.registered.add if on else self.facts.registered.discard)(device.number)
            self.trace.fact(device, "state", state=REGISTERED, on=on)

    # --- whose devices they are ---------------------------------------------------------------------------------------

    def bind(self, profile: Schema | Mix, count: int, cohort: str, dress: Callable[[int], object]) -> None:
        """Let recorded devices be a cohort: of a profile's model, in the order in which they came.

        The device that has the serial number that `dress` gives goes before, and the one that a draft's profile was
        made of. Raises Lacking.
        """
        fleet = self.facts.fleet
        numbers = range(len(fleet) + 1, len(fleet) + count + 1)
        schemas = profile.parts if isinstance(profile, Mix) else (profile,)
        models = {self._model(schema): schema for schema in schemas}
        self.trace.budget(len(fleet) + count)
        self.facts.cohorts[cohort] = numbers
        for number in numbers:
            fleet.append(self._shadow(number, numbers.start, cohort, schemas[0]))
            dress(number)
        taken = {caller.name for caller in self.facts.callers.values()}
        free = [each for each in self.callers.devices.values() if each.name not in taken and each.model in models]
        if len(free) < count:
            raise Lacking(self._lacking(len(free), models))
        serials = [fleet[number - 1].device_id[3] for number in numbers]
        for number, caller in zip(numbers, _chosen(serials, free), strict=True):
            if fleet[number - 1].schema is not models[caller.model]:
                fleet[number - 1] = self._shadow(number, numbers.start, cohort, models[caller.model])
                dress(number)
            self._bound(fleet[number - 1], caller)

    def _shadow(self, number: int, first: int, cohort: str, schema: Schema) -> Device:
        device = Device(number, number - first + 1, cohort, schema, self._hosts)
        device.agent = CwmpAgent(device)
        return device

    def _model(self, schema: Schema) -> tuple[str, str]:
        _, oui, product_class, _ = self._shadow(1, 1, "", schema).device_id
        return oui, product_class

    def _bound(self, device: Device, caller: Caller) -> None:
        self._named[caller.name] = device
        self.facts.callers[device.number] = caller
        self.facts.identities[device.number] = caller.identity
        labels = dict(device.labels or {})
        self.trace.fact(
            device, "spawn", cohort=device.cohort, index=device.index, identity=caller.identity, labels=labels
        )

    def _lacking(self, free: int, models: Mapping[tuple[str, str], Schema]) -> str:
        wanted = " or ".join(f"{schema.name} ({' '.join(model)})" for model, schema in models.items())
        there = Counter(" ".join(caller.model) for caller in self.callers.devices.values())
        has = ", ".join(f"{many} of {model}" for model, many in there.items())
        return f"the recording has {has}: {free} left that {'is' if free == 1 else 'are'} {wanted}"

    def left(self) -> list[Caller]:
        """Return the devices of the recording that are nobody's."""
        return [caller for name, caller in self.callers.devices.items() if name not in self._named]

    # --- the world of execution ---------------------------------------------------------------------------------------

    def act(self, verb: str, device: int, arguments: Mapping[str, Any]) -> bool:
        """Only what a `with:` says of a device is done to its shadow; and who boots is not registered by then."""
        one = self.facts.device(device)
        if verb in _DRESSING:
            ACTS[verb](self, one, arguments)
        elif verb in _BOOTING:
            self._register(one, False)
        return True

    def answer_hook(self, device: int, ask: Callable[[int, Any], Answers]) -> Callable[[], None]:
        raise Untold("a real device answers for itself")

    def follow(self, device: int, parts: Parts, partial: bool) -> None:
        """Nobody tells a value."""


def _chosen(serials: Sequence[str], free: Sequence[Caller]) -> list[Caller]:
    """Return a caller for each serial number: the one that has it, or whose draft has it (`SERIAL-1`), else the next.

    There are at least as many callers.
    """
    by_serial = {caller.serial: caller for caller in free}
    named = [by_serial.get(serial) or by_serial.get(serial.rpartition("-")[0]) for serial in serials]
    taken = {caller.name for caller in named if caller is not None}
    others = (caller for caller in free if caller.name not in taken)
    chosen: list[Caller] = []
    for wish in named:
        # Two may wish for one: the first has it.
        chosen.append(wish if wish is not None and wish not in chosen else next(others))
    return chosen
