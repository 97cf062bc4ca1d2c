"""What the judge knows of the devices: only what the trace has said so far."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from cpescript.judge.numbers import Numbers
from cpescript.kernel.time import DEFAULT_START, Instant
from cpescript.kernel.trace import Record
from cpescript.pattern.evaluate import CompiledPattern, Scope
from cpescript.pattern.expression import MessagePattern
from cpescript.pattern.message import Parts, fits
from cpescript.pattern.values import typed
from cpescript.results import MessageLine


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


def view(record: Record) -> Any:
    """Return the message of a record as a claim sees it, None for a message without a body that decodes."""
    return FactView(record) if record.direction == "local" else record.message


class Tally:
    """Counts the matches of one pattern since the start, and remembers the instants that a rate still needs."""

    __slots__ = ("counts", "pattern", "times", "window")

    def __init__(self, pattern: CompiledPattern) -> None:
        self.pattern = pattern
        self.counts: dict[int, int] = {}
        self.times: deque[tuple[int, int]] = deque()
        self.window = 0

    def observe(self, record: Record) -> None:
        mask = self.pattern.mask(record.device, view(record), record.http)
        if mask == self.pattern.full:
            self.counts[record.device] = self.counts.get(record.device, 0) + 1
            if self.window:
                self.times.append((record.t, record.device))


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

    def parameter_changed(self, record: Record) -> None:
        data = record.data
        known = self.parameters.setdefault(data["path"], {})
        if data["value"] is None:
            known.pop(record.device, None)
        else:
            known[record.device] = typed(data["value"], data.get("type"))

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
        if name == "serial":
            return self.witness.identity(device).split("-", 2)[-1]
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
        counts = self.tallies[id(pattern)].counts
        if scope.device is not None:
            return counts.get(scope.device, 0)
        if scope.group is not None:
            return sum(counts.get(device, 0) for device in scope.group)
        return sum(counts.values())

    def rate(self, pattern: MessagePattern, window: int, scope: Scope) -> int:
        tally = self.tallies[id(pattern)]
        tally.window = max(tally.window, window)
        times = tally.times
        while times and times[0][0] <= self.now - tally.window:
            times.popleft()
        wanted = (
            None
            if scope.device is None and scope.group is None
            else ({scope.device} if scope.device is not None else set(scope.group or ()))
        )
        return sum(1 for t, device in times if t > self.now - window and (wanted is None or device in wanted))

    def chance(self) -> tuple[int, int]:
        raise LookupError("a claim draws nothing")
