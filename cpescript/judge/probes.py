"""Probes: what the judge remembers of messages that a claim may still ask about.

A claim's window opens before the claim does ("when the last action before it was issued"), so its messages are noted
as they pass. A probe notes only what matches; it forgets what lies before the window that the running statements can
still look back to (`Probes.floor`), and everything once its claim can never run again (`retire`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable

from cpescript.judge.exchanges import Exchanges
from cpescript.judge.facts import DIRECTED, asked
from cpescript.judge.listeners import Listener, Listeners
from cpescript.judge.snapshots import Snapshots, Then
from cpescript.kernel.trace import LOCAL, TO_ACS, Record, Trace
from cpescript.pattern.evaluate import CompiledPattern, EvaluationError, Scope
from cpescript.pattern.expression import MessagePattern

NEVER = 1 << 62
LOCAL_MESSAGES = ("ConnectionRequest", "SessionEnd")
"""What a claim can name as a message and the trace tells as a local fact."""
MOST_NOTED = 1_000_000
"""Matches that all probes together hold (about 200 MB); past it the oldest go and the claim is inconclusive."""


class Match:
    """A message that met (some settings of) a pattern. `record` is kept where a claim will read it."""

    __slots__ = ("device", "mask", "n", "record", "t")

    def __init__(self, device: int, t: int, n: int, mask: int, record: Record | None) -> None:
        self.device = device
        self.t = t
        self.n = n
        self.mask = mask
        self.record = record

    def judged(self, pattern: CompiledPattern) -> int:
        """Return the settings of its pattern that it meets, as bits. Raises EvaluationError."""
        return self.mask


class LateMatch(Match):
    """A message that is judged when its claim asks: `then` is what was so when it came, None if nothing is asked."""

    __slots__ = ("then",)

    def __init__(self, record: Record, then: Then | None) -> None:
        super().__init__(record.device, record.t, record.n, -1, record)
        self.then = then

    def judged(self, pattern: CompiledPattern) -> int:
        assert self.record is not None
        return asked(pattern, self.record, self.then)


class FailedMatch(Match):
    """A message of which the pattern could not be asked, which is told to whoever looks at it."""

    __slots__ = ("error",)

    def __init__(self, record: Record, error: EvaluationError) -> None:
        super().__init__(record.device, record.t, record.n, -1, None)
        self.error = error

    def judged(self, pattern: CompiledPattern) -> int:
        raise self.error


class Probe:
    """Notes the matches of one pattern of one claim."""

    __slots__ = (
        "_admits",
        "_compiled",
        "_directed",
        "_matches",
        "_snapshots",
        "asked",
        "keep_all",
        "keep_record",
        "lost",
        "near",
        "noted",
        "pattern",
        "wants_near",
    )

    def __init__(
        self,
        pattern: MessagePattern,
        scope: Scope,
        *,
        keep_all: bool,
        keep_record: bool,
        admits: Callable[[int], bool] | None = None,
    ) -> None:
        self.pattern = pattern
        self._admits = admits
        """Whether a device's messages count at all, asked as they come."""
        self._directed = pattern.kind in DIRECTED
        self.keep_all = keep_all
        self.keep_record = keep_record
        # What names things that are bound only when the claim opens is judged then, and noted whole now.
        self._snapshots = Snapshots(pattern, scope) if pattern.late else None
        self.asked = pattern if self._snapshots is None else self._snapshots.pattern
        """What is asked of the matches later."""
        self._compiled = CompiledPattern(self.asked, scope)
        self.noted = 0
        self._matches: dict[int, Match | list[Match]] = {}
        self.near: dict[int, tuple[int, Record]] = {}
        self.wants_near = True
        self.lost = False

    def observe(self, record: Record) -> bool:
        """Note a record of one of the pattern's kinds; return whether it matched, as far as is known."""
        if self._directed and record.direction == TO_ACS:
            return False
        try:
            if self._admits is not None and not self._admits(record.device):
                return False
            match = self._match(record)
        except EvaluationError as error:
            match = FailedMatch(record, error)
        if self.wants_near and (match is None or (type(match) is Match and match.mask != self._compiled.full)):
            # One that meets some of the settings comes near too: others may meet the rest, and may not.
            self.near[record.device] = (record.t, record)
        if match is None:
            return False
        noted = self._matches.get(record.device)
        if noted is None:
            # Most devices match once: no list for those, there may be 100,000.
            self._matches[record.device] = match
        elif isinstance(noted, list):
            noted.append(match)
        else:
            self._matches[record.device] = [noted, match]
        self.noted += 1
        return True

    def _match(self, record: Record) -> Match | None:
        if self._snapshots is not None:
            return LateMatch(record, self._snapshots.take(record))
        mask = asked(self._compiled, record)
        return Match(record.device, record.t, record.n, mask, record if self.keep_record else None) if mask else None

    def since(self, device: int, window: int) -> list[Match]:
        """Return the matches of a device from instant `window` on, oldest first."""
        noted = self._matches.get(device)
        if noted is None:
            return []
        return [match for match in (noted if isinstance(noted, list) else (noted,)) if match.t >= window]

    def devices(self) -> Iterable[int]:
        """Return the devices that anything is noted of."""
        return self._matches

    def forget(self, before: int) -> None:
        """Drop what was noted before an instant."""
        kept: dict[int, Match | list[Match]] = {}
        for device in self._matches:
            rest = self.since(device, before)
            if rest:
                kept[device] = rest if len(rest) > 1 else rest[0]
        self._matches = kept
        self.noted = sum(len(each) if isinstance(each, list) else 1 for each in kept.values())

    def clear(self) -> None:
        """Drop everything."""
        self._matches = {}
        self.near = {}
        self.noted = 0

    def thin(self) -> None:
        """Drop the older half of what each device has more than once; the probe has lost something then."""
        self.lost = True
        for noted in self._matches.values():
            if isinstance(noted, list):
                half = len(noted) // 2
                del noted[:half]
                self.noted -= half


class Probes:
    """All probes of a scenario, indexed by the kinds of records that concern them."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.exchanges = Exchanges(trace)
        self.first: list[Callable[[Record], object]] = [self.exchanges.attach]
        """Who has to hear of a record before anybody judges by it."""
        self._tallies: dict[str, list[Listener]] = {}
        self._by_kind: dict[str, list[Probe]] = {}
        self._watchers: dict[str, Callable[[Record], object]] = {}
        self._listeners: dict[str, Listeners] = {}
        self.floor = 0
        self._noted = 0
        self._remembered: deque[Record] | None = None

    def remember(self, most: int) -> None:
        """Keep the last `most` messages, for claims that nobody knows of yet: not every scenario is written ahead."""
        remembered = self._remembered = deque(maxlen=most)
        self._trace.watch(None, lambda record: remembered.append(record) if record.direction != LOCAL else None)
        self._trace.watch(LOCAL_MESSAGES, remembered.append)

    def recall(self, kinds: Collection[str], observe: Callable[[Record], object]) -> bool:
        """Call `observe` with the remembered messages of these kinds; return whether there may have been more."""
        if self._remembered is None:
            return False
        for record in self._remembered:
            if record.kind in kinds:
                observe(record)
        return len(self._remembered) == self._remembered.maxlen

    def tally(self, kinds: Iterable[str], count: Listener) -> None:
        """Call `count` with each record of these kinds before any probe is asked of it: a message counts itself."""
        for kind in kinds:
            self._tallies.setdefault(kind, []).append(count)
            self._ensure(kind)

    def add(self, probe: Probe) -> None:
        probe.lost = self.recall(probe.pattern.kinds, probe.observe)
        self._noted += probe.noted
        for kind in probe.pattern.kinds:
            self._by_kind.setdefault(kind, []).append(probe)
            self._ensure(kind)

    def retire(self, probes: Iterable[Probe]) -> None:
        """Drop probes whose claim cannot run again; kinds that nobody else wants cost nothing from here on."""
        for probe in probes:
            for kind in probe.pattern.kinds:
                kept = [other for other in self._by_kind.get(kind, ()) if other is not probe]
                self._by_kind[kind] = kept
                self._release(kind)
            self._noted -= probe.noted
            probe.clear()

    def listen(self, kinds: Iterable[str], listener: Listener, device: int = 0) -> None:
        """Call `listener` with each record of these kinds (and of this device, 0 of any), after the probes have noted
        it."""
        for kind in kinds:
            self._listeners.setdefault(kind, Listeners()).add(listener, device)
            self._ensure(kind)

    def deafen(self, kinds: Iterable[str], listener: Listener, device: int = 0) -> None:
        for kind in kinds:
            if kind in self._listeners:
                self._listeners[kind].remove(listener, device)
            self._release(kind)

    def move_floor(self, floor: int) -> None:
        """Forget matches before `floor`, the earliest window that a running statement can still open."""
        if floor <= self.floor:
            self.floor = floor
            return
        self.floor = floor
        for probes in self._by_kind.values():
            for probe in probes:
                if not probe.keep_all and probe.noted:
                    self._noted -= probe.noted
                    probe.forget(floor)
                    self._noted += probe.noted

    def _ensure(self, kind: str) -> None:
        if kind not in self._watchers:

            def watcher(record: Record) -> None:
                self._observe(kind, record)

            self._watchers[kind] = watcher
            self._trace.watch([kind], watcher)

    def _release(self, kind: str) -> None:
        wanted = self._by_kind.get(kind) or self._listeners.get(kind) or self._tallies.get(kind)
        if not wanted and kind in self._watchers:
            self._trace.unwatch(self._watchers.pop(kind))

    def _observe(self, kind: str, record: Record) -> None:
        for hear in self.first:
            hear(record)
        for count in self._tallies.get(kind, ()):
            count(record)
        for probe in self._by_kind.get(kind, ()):
            if (record.t >= self.floor or probe.keep_all) and probe.observe(record):
                self._noted += 1
                if self._noted > MOST_NOTED:
                    self._overflow()
        listeners = self._listeners.get(kind)
        if listeners:
            for listener in listeners.of(record.device):
                listener(record)

    def _overflow(self) -> None:
        for probes in self._by_kind.values():
            for probe in probes:
                self._noted -= probe.noted
                probe.thin()
                self._noted += probe.noted
