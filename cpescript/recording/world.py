"""The world as a trace remembers it: what executor and judge see when a saved run is judged again.

Rules:

1. Records are announced in the order of the file, at their instants, as if they happened just then.
2. The executor runs again, with the same seed. What it puts into the trace itself (`OWN`) is not announced twice: the
   recorded fact says where it stood among the others, so that windows open behind the same record as then.
3. Devices are shadows: made from their profiles with the same seed, so that they have the same names and values, and
   kept up to date by what the trace says of them. They say nothing themselves.
4. Orders are answered as they were then (`answered`), beliefs are those of the trace, and a run that was cut short then
   is cut short at the same place.
5. Claims may be others than then; what was done (`DONE`) must be the same, at the same instants. Where it is not, and
   where the trace ends before the scenario does, nothing more can be known: `Parted`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, NoReturn

from cpescript.acs.orders import OrderResult
from cpescript.cwmp.agent import CwmpAgent
from cpescript.device.device import DataModelFault, Device
from cpescript.device.mix import Mix
from cpescript.device.schema import Schema
from cpescript.device.states import STATES
from cpescript.execution.beliefs import Question
from cpescript.execution.world import RefusedError
from cpescript.kernel import draws
from cpescript.kernel.queue import DEVICE, LIMIT, TIMELINE, Kernel
from cpescript.kernel.time import format_clock
from cpescript.kernel.trace import FROM_ACS, LOCAL, Trace
from cpescript.pattern.message import Parts, fits
from cpescript.recording.reading import Entry
from cpescript.recording.replay import LAST, Parted, ReplayedWorld
from cpescript.simulation import Answers, decode_or_none
from cpescript.simulation.acts import ACTS

OWN = frozenset({"act", "stimulus", "answered", "claim-opened", "claim-closed", "note", "cut"})
"""Facts that execution puts into the trace."""
DONE = frozenset({"act", "stimulus", "answered"})
"""Those that say what was done: what devices and ACS did then, they did because of it."""
_APPLIED = frozenset({"set", "add", "delete", "label", "serial"})
"""Acts that change a shadow at once; what the others lead to is in the trace."""
_SAME = ("line", "claim")
"""What two facts of a claim have in common when they are the same one."""
_DONE_ALIKE = ("verb", "devices")
"""And two of something done, beside the statement's words."""
_COMMENT = re.compile(r'\s#(?=(?:[^"]*"[^"]*")*[^"]*$).*')

Done = Callable[[Any], None]
"""Takes the results of an order, or the error that it ended in."""


class Unlike(BaseException):
    """The trace is of other devices than the scenario makes: `cohort`, how many it makes, and what the trace has."""

    def __init__(self, cohort: str, makes: int, has: str) -> None:
        super().__init__(has)
        self.cohort = cohort
        self.makes = makes
        self.has = has


class ReplayTrace(Trace):
    """Announces what is read, and what execution says where it said so then."""

    world: RecordedWorld

    def fact(self, device: Any, kind: str, session: int = 0, **data: Any) -> None:
        if kind in OWN and not self.world.feeding and not self.world.parted:
            self.world.catch_up(kind, data)
        super().fact(device, kind, session, **data)


class RecordedWorld(ReplayedWorld):
    """The world of a run that was saved."""

    def __init__(self, kernel: Kernel, trace: Trace, **more: Any) -> None:
        super().__init__(kernel, trace, **more)
        self._seen_of: dict[tuple[Parts, bool], set[int]] = {}
        """Devices that a followed path was told of."""
        self.parted = ""
        """Why the trace says nothing from here on."""
        self.parting: Callable[[str], None] = lambda why: None
        """Told so, before anything is left."""
        self.interrupt: Callable[[str], None] = lambda why: None
        self._hooks: dict[int, list[Callable[[int, Any], Answers]]] = {}
        self._unanswered: deque[tuple[Done, int]] = deque()
        self._believing: list[_Believing] = []
        self._believed: tuple[int, list[tuple[Entry, int]]] = (-1, [])
        """The beliefs that were told at one instant: a claim that opens in it may come after them here."""
        self._talk = _Talk()
        self._stage = DEVICE

    def drive(self) -> None:
        self.kernel.at(0, LAST, self._feed)
        self.kernel.run()

    # --- records ------------------------------------------------------------------------------------------------------

    def _feed(self, _: object) -> None:
        """Announce what belongs to this instant, up to something that execution has to say first."""
        while (entry := self._head()) is not None:
            if entry.t > self.kernel.now:
                self._stage = DEVICE
                self.kernel.at(entry.t, LAST, self._feed)
                return
            if entry.kind in OWN or (entry.device is not None and entry.device not in self._named):
                # Execution has to say it, or to make the device first.
                if self._give_way(entry):
                    return
                continue
            self._stage = DEVICE
            self._announce_entry(self._ahead.popleft())
        if not self.complete:
            self._part(
                "the trace ends before the scenario does: its run was killed, or wrote no 'end', as older versions do"
            )
        # Behind all that this last instant still decides.
        self.kernel.at(self.kernel.now, LAST, self._run_out, None, LIMIT)

    def _run_out(self, _: object) -> None:
        self._part(f"the trace ends at {format_clock(self.kernel.now)}, before the scenario does")

    def _part(self, why: str) -> NoReturn:
        self.parted = why
        self.parting(why)
        raise Parted(why)

    def rest(self) -> str:
        """Return what was done then and not now, after a scenario that came to its end; "" where nothing was.

        A problem that the run met in its end is told.
        """
        undone = ""
        for entry in chain(self._ahead, self._source):
            if entry.kind == "problem":
                self.troubled(entry.data)
            elif entry.kind in DONE and not undone:
                undone = _undone(entry)
        return undone

    def _give_way(self, entry: Entry) -> bool:
        """Let execution come to where it was when it said this; return whether to come again later."""
        if entry.kind == "answered" and self._unanswered and self._stage == DEVICE:
            done, count = self._unanswered.popleft()
            done(_results(entry, count))
        for stage in (TIMELINE, LIMIT):
            if self._stage < stage:
                self._stage = stage
                self.kernel.at(self.kernel.now, LAST, self._feed, None, stage)
                return True
        self._stage = DEVICE
        if entry.kind == "cut":
            self.interrupt(str(entry.data.get("why", "")))
        if self._head() is entry:
            # It was not said this time.
            if entry.kind in DONE:
                self._part(_undone(entry))
            self._ahead.popleft()
        return False

    def catch_up(self, kind: str, data: Mapping[str, Any]) -> None:
        """Execution is about to say something: announce what came before it then, and take its record away."""
        # Claims may be others now: they are passed over on the way to what was done.
        concerns = DONE if kind in DONE else OWN
        found = ((place, entry) for place, entry in enumerate(self._this_instant()) if entry.kind in concerns)
        place, entry = next(found, (0, None))
        if entry is None or not _same(entry, kind, data):
            if kind in DONE:
                self._part(_otherwise(data, entry, self.kernel.now))
            return
        for _ in range(place):
            before = self._ahead.popleft()
            if before.kind not in OWN:
                self._announce_entry(before)
        # What was announced may have made execution say more: then the record is behind that.
        if self._ahead and self._ahead[0] is entry:
            self._ahead.popleft()
        self._stage = DEVICE

    def _this_instant(self) -> Iterator[Entry]:
        """Yield the records that are still to be announced in this instant, without taking them."""
        place = 0
        while True:
            if len(self._ahead) <= place:
                entry = next(self._source, None)
                if entry is None:
                    return
                self._ahead.append(entry)
            if self._ahead[place].t > self.kernel.now:
                return
            yield self._ahead[place]
            place += 1

    def _feed_while(self, wanted: Callable[[Entry], bool]) -> None:
        while (entry := self._head()) is not None and entry.t <= self.kernel.now and wanted(entry):
            self._announce_entry(self._ahead.popleft())

    def _announce_entry(self, entry: Entry) -> None:
        super()._announce_entry(entry)
        device = self._named.get(entry.device or "")
        number = device.number if device is not None else 0
        if entry.kind == "belief":
            if self._believed[0] != self.kernel.now:
                self._believed = (self.kernel.now, [])
            self._believed[1].append((entry, number))
        for believing in list(self._believing):
            believing.saw(entry, number)

    # --- shadows ------------------------------------------------------------------------------------------------------

    def _learn(self, device: Device, entry: Entry) -> Any:
        """Bring a shadow to what a record says of its device; return the message where it was decoded."""
        if entry.direction == LOCAL:
            self._learn_fact(device, entry)
            return None
        apply = _TOLD.get(entry.kind)
        if apply is None or not entry.body:
            return None
        message = decode_or_none(entry.body)
        if message is not None:
            apply(self._talk, device, message)
        return message

    def _learn_fact(self, device: Device, entry: Entry) -> None:
        data = entry.data
        if "state" in data and data["state"] in STATES:
            bit = STATES[data["state"]].bit
            device.state = device.state | bit if data.get("on") else device.state & ~bit
        elif entry.kind == "parameter" and data.get("value") is not None:
            _write(device, str(data["path"]), str(data["value"]))
        elif entry.kind == "spawn":
            self.facts.identities[device.number] = str(data.get("identity", ""))

    def _said(self, device: Device, entry: Entry, message: Any) -> None:
        """Let a handler that answers in the device's place see a request, the newest first."""
        hooks = self._hooks.get(device.number)
        if not hooks or entry.direction != FROM_ACS or entry.kind.endswith("Response") or not entry.body:
            return
        message = message if message is not None else decode_or_none(entry.body)
        if message is None:
            return
        for ask in reversed(list(hooks)):
            if ask(device.number, message):
                return

    # --- the world of execution ---------------------------------------------------------------------------------------

    def spawn(
        self,
        profile: Schema | Mix,
        count: int,
        cohort: str,
        over: int = 0,
        prepare: Callable[[int], object] | None = None,
    ) -> Sequence[int]:
        if cohort in self.facts.cohorts:
            raise ValueError(f"there is a cohort '{cohort}' already")
        self._see_alike(cohort, count)
        fleet = self.facts.fleet
        first = len(fleet) + 1
        numbers = range(first, first + count)
        self.trace.budget(len(fleet) + count)
        self.facts.cohorts[cohort] = numbers
        order = profile.assigned(count, draws.stream(self.seed, f"mix:{cohort}"))
        for number, schema in zip(numbers, order, strict=True):
            device = Device(number, number - first + 1, cohort, schema, self._hosts)
            device.agent = CwmpAgent(device)
            fleet.append(device)
            self._named[device.name] = device
        for number in numbers:
            name = fleet[number - 1].name
            if prepare is not None:
                prepare(number)
            spawned = False

            def not_yet(entry: Entry, name: str = name) -> bool:
                nonlocal spawned
                if spawned:
                    return entry.kind == "parameter" and entry.device == name
                spawned = entry.kind == "spawn" and entry.device == name
                return entry.kind not in OWN

            self._feed_while(not_yet)
        return numbers

    def _see_alike(self, cohort: str, count: int) -> None:
        """See that the trace makes these devices here, and no others. Raises Unlike."""
        made: dict[str, int] = {}
        for entry in self._this_instant():
            if entry.kind in DONE or (made and entry.direction != LOCAL):
                break
            if entry.kind == "spawn":
                name = str(entry.data.get("cohort", ""))
                made[name] = made.get(name, 0) + 1
        if not made and count:
            self._part(
                f"the scenario goes another way than the trace: it makes {_devices(count)} of '{cohort}' at "
                f"{format_clock(self.kernel.now)}; when the trace was made, none were made there"
            )
        if count and cohort not in made:
            name, many = next(iter(made.items()))
            raise Unlike(cohort, count, f"{_devices(many)} of '{name}' there")
        if made.get(cohort, 0) != count:
            raise Unlike(cohort, count, f"{_devices(made[cohort])} of '{cohort}'")

    def act(self, verb: str, device: int, arguments: Mapping[str, Any]) -> bool:
        if verb in _APPLIED:
            one = self.facts.device(device)
            with suppress(DataModelFault, KeyError, ValueError):
                ACTS[verb](self, one, arguments)
            # What it changed was told before execution went on.
            self._feed_while(lambda entry: entry.kind == "parameter" and entry.device == one.name)
        return True

    def order(
        self,
        system: str,
        verb: str,
        devices: Sequence[int] | None,
        arguments: Callable[[int | None], Mapping[str, Any]],
        done: Done,
    ) -> None:
        count = len(devices) if devices is not None else 1
        for number in devices if devices is not None else (None,):
            arguments(number)  # Draws are made as they were then.
        head = self._head()
        if head is not None and head.t == self.kernel.now and head.kind == "answered":
            done(_results(head, count))
        else:
            self._unanswered.append((done, count))

    def believe(
        self,
        system: str,
        devices: Sequence[int],
        question: Callable[[int], Question],
        period: int | None,
        last: int | None,
        first: Callable[[Exception | None], None],
    ) -> Callable[[], None]:
        for number in devices:
            question(number)
        believing = _Believing(system, devices, first)
        self._believing.append(believing)
        for entry, device in self._believed[1] if self._believed[0] == self.kernel.now else ():
            believing.saw(entry, device)
        self._feed_while(lambda entry: entry.kind == "belief" and not believing.answered)

        def end() -> None:
            self._believing.remove(believing)

        return end

    def answer_hook(self, device: int, ask: Callable[[int, Any], Answers]) -> Callable[[], None]:
        hooks = self._hooks.setdefault(device, [])
        hooks.append(ask)
        return lambda: hooks.remove(ask)

    def follow(self, device: int, parts: Parts, partial: bool) -> None:
        known = self._seen_of.setdefault((parts, partial), set())
        if device == 0:
            for number in range(1, len(self.facts.fleet) + 1):
                self.follow(number, parts, partial)
            return
        if device in known:
            return
        known.add(device)
        name = self.facts.device(device).name
        self._feed_while(
            lambda entry: (
                entry.kind == "parameter"
                and entry.device == name
                and fits(parts, partial, str(entry.data.get("path", "")))
            )
        )


class _Believing:
    """A claim that waits for what a system believes: begins when every device was answered for."""

    def __init__(self, system: str, devices: Sequence[int], first: Callable[[Exception | None], None]) -> None:
        self.answered = False
        self._system = system
        self._missing = set(devices)
        self._first = first

    def saw(self, entry: Entry, device: int) -> None:
        if self.answered or entry.kind != "belief" or entry.data.get("system") != self._system:
            return
        self._missing.discard(device)
        if not self._missing:
            self.answered = True
            self._first(None)


def _results(entry: Entry, count: int) -> list[OrderResult] | RefusedError:
    """Return the results of an order as its `answered` fact has them: only refusals and what was kept are written.

    Where the adapter could not ask, the error.
    """
    if entry.data.get("error"):
        return RefusedError(str(entry.data["error"]))
    refused = {int(place): str(reason) for place, reason in entry.data.get("refused", ())}
    kept = entry.data.get("data") or []
    return [
        OrderResult(place not in refused, refused.get(place, ""), kept[place] if place < len(kept) else {})
        for place in range(count)
    ]


def _same(entry: Entry, kind: str, data: Mapping[str, Any]) -> bool:
    if entry.kind != kind:
        return False
    if kind not in DONE:
        return all(entry.data.get(name) == data.get(name) for name in _SAME)
    # Lines move when claims are added: it is the words that count.
    alike = all(entry.data.get(name) == data.get(name) for name in _DONE_ALIKE)
    return alike and _words(entry.data) in ("", _words(data))


def _words(data: Mapping[str, Any]) -> str:
    """Return a statement as it was written, without its comment; "" where it is not known, or masked."""
    words = " ".join(_COMMENT.sub("", str(data.get("statement", ""))).split())
    return "" if "***" in words else words


def _told(data: Mapping[str, Any]) -> str:
    said = _words(data) or str(data.get("verb", "what the ACS answered"))
    many = f" ({_devices(data['devices'])})" if "devices" in data else ""
    return f"line {data.get('line', '?')}, '{said}'{many}"


def _devices(many: int) -> str:
    return f"{many} device{'s' * (many != 1)}"


def _undone(entry: Entry) -> str:
    return (
        f"the scenario goes another way than the trace: {_told(entry.data)}, was done at {format_clock(entry.t)} when "
        "the trace was made, and is not done there now"
    )


def _otherwise(data: Mapping[str, Any], entry: Entry | None, now: int) -> str:
    then = f"it was {_told(entry.data)}" if entry is not None else "nothing was done there"
    return (
        f"the scenario goes another way than the trace: {_told(data)}, is done at {format_clock(now)}; when the trace "
        f"was made, {then}"
    )


def _write(device: Device, path: str, text: str) -> None:
    # A value that the shadow's profile does not have is none that a scenario can ask for.
    with suppress(KeyError, ValueError):
        device.write(path, text, by="device")


class _Talk:
    """What is kept of each device's conversation: the request that it is to answer, and whether it has informed."""

    def __init__(self) -> None:
        self.asked: dict[int, Any] = {}
        self.informed: set[int] = set()


def _informed(talk: _Talk, device: Device, message: Any) -> None:
    events = [code for code, _ in message.fields.get("event", ())]
    if "0 BOOTSTRAP" in events and device.number in talk.informed:
        device.factory_reset()
    talk.informed.add(device.number)
    for each in message.fields.get("parameter_list", ()):
        _write(device, each.name, each.value)


def _requested(talk: _Talk, device: Device, message: Any) -> None:
    talk.asked[device.number] = message


def _set_done(talk: _Talk, device: Device, message: Any) -> None:
    request = talk.asked.pop(device.number, None)
    if request is not None and request.kind == "SetParameterValues":
        for each in request.fields.get("parameter_list", ()):
            _write(device, each.name, each.value)


def _add_done(talk: _Talk, device: Device, message: Any) -> None:
    request = talk.asked.pop(device.number, None)
    if request is not None and request.kind == "AddObject":
        with suppress(DataModelFault, KeyError, ValueError):
            device.add_object(request.fields.get("object_name", ""))


def _delete_done(talk: _Talk, device: Device, message: Any) -> None:
    request = talk.asked.pop(device.number, None)
    if request is not None and request.kind == "DeleteObject":
        with suppress(DataModelFault, KeyError, ValueError):
            device.delete_object(request.fields.get("object_name", ""))


_TOLD: Mapping[str, Callable[[_Talk, Device, Any], None]] = {
    "Inform": _informed,
    "SetParameterValues": _requested,
    "AddObject": _requested,
    "DeleteObject": _requested,
    "SetParameterValuesResponse": _set_done,
    "AddObjectResponse": _add_done,
    "DeleteObjectResponse": _delete_done,
}
"""Messages that change what a shadow has."""
