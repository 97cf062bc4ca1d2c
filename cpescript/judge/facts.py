"""What the judge knows of the devices: only what the trace has said so far."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from cpescript.judge.exchanges import ResponseTimes
from cpescript.judge.numbers import Numbers
from cpescript.judge.snapshots import Then
from cpescript.kernel.time import DEFAULT_START, Duration, Instant
from cpescript.kernel.trace import LOCAL, TO_ACS, Record
from cpescript.pattern.evaluate import CompiledPattern, EvaluationError, Scope
from cpescript.pattern.expression import MessagePattern
from cpescript.pattern.message import Parts, fits
from cpescript.pattern.values import typed
from cpescript.results import MessageLine

UNKNOWN = object()
"""What a system believes of a parameter that it does not know."""


def call_key(system: str, call: str, arguments: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return what tells the answers of systems' calls apart."""
    return system, call, json.dumps(arguments, sort_keys=True, default=str)


class Witness(Protocol):
    """Who remembers the devices for the judge: the simulation, or a trace that is read again."""

    def identity(self, device: int) -> str:
        """Return `OUI-ProductClass-SerialNumber`."""

    def recent(self, device: int) -> tuple[MessageLine, ...]:
        """Return the last messages of a device, oldest first."""


class FactView:
    """A local fact with the face of a message, so that a `where` can ask for its fields."""

    __slots__ = ("data", "kind")
    paths: Sequence[str] = ()
    settings: Mapping[str, str] = {}

    def __init__(self, record: Record) -> None:
        self.kind = record.kind
        self.data = record.data

    def field(self, name: str) -> Any:
        return self.data[name]

    def type_of(self, path: str) -> str | None:
        return None


class Answered:
    """A response with the face of its message, and `request` as an element more."""

    __slots__ = ("message", "request")

    def __init__(self, message: Any, request: Any) -> None:
        self.message = message
        self.request = request

    @property
    def kind(self) -> str:
        return str(self.message.kind)

    @property
    def paths(self) -> Sequence[str]:
        paths: Sequence[str] = self.message.paths
        return paths

    @property
    def settings(self) -> Mapping[str, str]:
        settings: Mapping[str, str] = self.message.settings
        return settings

    def field(self, name: str) -> Any:
        return self.request if name == "request" else self.message.field(name)

    def type_of(self, path: str) -> str | None:
        kind: str | None = self.message.type_of(path)
        return kind


def view(record: Record) -> Any:
    """Return the message of a record as a claim sees it, None for a message without a body that decodes."""
    if record.direction == LOCAL:
        return FactView(record)
    message = record.message
    return message if record.request is None or message is None else Answered(message, record.request)


DIRECTED = frozenset({"Request", "Response"})
"""Words for whatever the ACS sends; everything else is told apart by its kind."""


def asked(pattern: CompiledPattern, record: Record, then: Then | None = None) -> int:
    """Return which settings of a pattern a record of one of its kinds meets, as bits (`CompiledPattern.mask`).

    `then`: the facts as they were when it came, for whoever asks later.
    """
    if not heard(pattern, record):
        return 0
    if then is None:
        return pattern.mask(record.device, view(record), record.http)
    return pattern.mask_then(then, then.noted, record.device, view(record), record.http)


def heard(pattern: CompiledPattern, record: Record) -> bool:
    """Whether a record of one of a pattern's kinds goes the way that the pattern means.

    A `Response` is an answer of the ACS: a device's own empty POST is none, though it is of the same kind.
    """
    return record.direction != TO_ACS or pattern.node.kind not in DIRECTED


class Tally:
    """Counts the matches of one pattern since the start, and remembers the instants that a rate still needs."""

    __slots__ = ("_broken", "counts", "error", "pattern", "times", "window")

    def __init__(self, pattern: CompiledPattern, broken: Callable[[EvaluationError], None]) -> None:
        self.pattern = pattern
        self.counts: dict[int, int] = {}
        self.times: deque[tuple[int, int]] = deque()
        self.window = 0
        self.error: EvaluationError | None = None
        self._broken = broken

    def observe(self, record: Record) -> None:
        if self.error is not None:
            return
        try:
            mask = asked(self.pattern, record)
        except EvaluationError as error:
            self.error = error
            self._broken(error)
            return
        if mask == self.pattern.full:
            self.counts[record.device] = self.counts.get(record.device, 0) + 1
            if self.window:
                self.times.append((record.t, record.device))

    def rate(self, now: int, window: int, wanted: Collection[int] | None) -> int:
        """Return how many came in the `window` nanoseconds up to `now`, of the devices `wanted` (None: of all)."""
        count = 0
        for t, device in reversed(self.times):
            if t <= now - window:
                break
            count += wanted is None or device in wanted
        return count


_OF_IDENTITY: Mapping[str, Callable[[str], str]] = {
    "identity": lambda identity: identity,
    "oui": lambda identity: identity.partition("-")[0],
    "serial": lambda identity: identity.split("-", 2)[-1],
}
"""What of `device.…` stands in a device's identity."""


class TraceFacts:
    """Implements `pattern.evaluate.Facts` from records."""

    def __init__(self, witness: Witness, clock: Callable[[], int], start: Instant = DEFAULT_START) -> None:
        self._clock = clock
        self.start = start
        self.witness = witness
        self.all: list[int] = []
        self.cohorts: dict[str, list[int]] = {}
        self.labels: dict[int, Mapping[str, Any]] = {}
        self.states: dict[str, Numbers] = {}
        self.parameters: dict[str, dict[int, Any]] = {}
        self.tallies: dict[int, Tally] = {}
        self.times: dict[int, ResponseTimes] = {}
        """Real response times, by the pattern that asks for them."""
        self.stopped: dict[int, int] = {}
        """Devices that have been taken away, and the line that did it."""
        self.dated: set[str] = set()
        """States whose last change is remembered per device, by record number: what came first is asked of them."""
        self.changes: dict[tuple[str, int], int] = {}
        self.beliefs: dict[tuple[str, str], dict[int, Any]] = {}
        """By system and path, per device: the typed value there, or UNKNOWN."""
        self.calls: dict[tuple[str, str, str], dict[int, tuple[Any, Any]]] = {}
        """By `call_key`, per device (0: none in particular): the status and body of the last answer."""
        self.unanswered: dict[tuple[str, int], str] = {}
        """By system and device: why it could not be asked the last time."""

    @property
    def now(self) -> int:
        return self._clock()

    # --- what is learnt -------------------------------------------------------------------------------------------

    def spawned(self, record: Record) -> None:
        number, data = record.device, record.data
        cohort = data["cohort"]
        self.all.append(number)
        self.cohorts.setdefault(cohort, []).append(number)
        if data.get("labels"):
            self.labels[number] = data["labels"]

    def state_changed(self, record: Record) -> None:
        members = self.states.setdefault(record.data["state"], Numbers())
        if record.data["on"]:
            members.add(record.device)
        else:
            members.discard(record.device)
        if record.data["state"] in self.dated:
            self.changes[record.data["state"], record.device] = record.n

    def taken_away(self, record: Record) -> None:
        self.stopped.update(dict.fromkeys(record.data["numbers"], record.data["line"]))

    def gone(self, devices: Collection[int]) -> str:
        """Say that all of these have been taken away, and where; "" where one is still there, or there is none."""
        if not self.stopped:
            return ""
        lines = {self.stopped.get(device) for device in devices}
        if not lines or None in lines:
            return ""
        where = ", ".join(map(str, sorted(line for line in lines if line is not None)))
        return f"the devices that it speaks of had been stopped at line {where}"

    def parameter_changed(self, record: Record) -> None:
        data = record.data
        known = self.parameters.setdefault(data["path"], {})
        if data["value"] is None:
            known.pop(record.device, None)
        else:
            known[record.device] = typed(data["value"], data.get("type"))

    def believed(self, record: Record) -> None:
        data, device = record.data, record.device
        system = data["system"]
        if "error" in data:
            self.unanswered[system, device] = data["error"]
            return
        self.unanswered.pop((system, device), None)
        if "call" in data:
            told = self.calls.setdefault(call_key(system, data["call"], data.get("arguments", {})), {})
            told[device] = (data.get("status"), data.get("body"))
            return
        value = data["value"]
        known = self.beliefs.setdefault((system, data["path"]), {})
        known[device] = UNKNOWN if value is None else typed(value, data.get("type"))

    # --- what is asked --------------------------------------------------------------------------------------------

    def parameter(self, device: int, path: str) -> Any:
        return self.parameters[path][device]

    def expand(self, device: int, parts: Parts, partial: bool) -> Sequence[str]:
        if None not in parts and not partial:
            path = ".".join(part or "" for part in parts)
            return [path] if device in self.parameters.get(path, {}) else []
        return [path for path, known in self.parameters.items() if device in known and fits(parts, partial, path)]

    def in_state(self, device: int, state: str) -> bool:
        if state == "offline":
            return not self.in_state(device, "online")
        return device in self.states.get(state, ())

    def attribute(self, device: int, name: str) -> Any:
        if name == "now":
            return Instant(self.start + self.now)
        if name == "label":
            return self.labels.get(device, {})
        if name in _OF_IDENTITY:
            return _OF_IDENTITY[name](self.witness.identity(device))
        if name == "number":
            return device
        if name in ("index", "cohort"):
            for cohort, members in self.cohorts.items():
                # Numbers of a cohort are consecutive and ascending.
                if members and members[0] <= device <= members[-1]:
                    return device - members[0] + 1 if name == "index" else cohort
        raise KeyError(name)

    def devices(self, cohort: str | None) -> Sequence[int]:
        return self.all if cohort is None else self.cohorts[cohort]

    def count(self, pattern: MessagePattern, scope: Scope) -> int:
        counts = self._tally(pattern).counts
        if scope.device is not None:
            return counts.get(scope.device, 0)
        if scope.group is not None:
            return sum(counts.get(device, 0) for device in scope.group)
        return sum(counts.values())

    def rate(self, pattern: MessagePattern, window: int, scope: Scope) -> int:
        return self.rate_at(self.now, pattern, window, scope)

    def rate_at(self, now: int, pattern: MessagePattern, window: int, scope: Scope) -> int:
        """Return the rate at an instant from now on, as it will be if nothing more comes."""
        tally = self._tally(pattern)
        tally.window = max(tally.window, window)
        times = tally.times
        while times and times[0][0] <= self.now - tally.window:
            times.popleft()
        if scope.device is not None:
            return tally.rate(now, window, (scope.device,))
        return tally.rate(now, window, set(scope.group) if scope.group is not None else None)

    def response_times(self, pattern: MessagePattern, scope: Scope) -> Sequence[Duration]:
        timed = self.times.get(id(pattern))
        if timed is None:
            return ()
        devices = (scope.device,) if scope.device is not None else scope.group
        wanted = timed.taken if devices is None else devices
        return [taken for device in wanted for taken in timed.taken.get(device, ())]

    def _tally(self, pattern: MessagePattern) -> Tally:
        tally = self.tallies[id(pattern)]
        if tally.error is not None:
            raise tally.error
        return tally

    def chance(self) -> tuple[int, int]:
        raise LookupError("a claim draws nothing")
