"""The judge: opens claims and monitors over the trace, and settles what each of them found.

It reads records and nothing else. Execution opens and closes statements and is told outcomes through `done`; deadlines
are instants that somebody else's clock brings (`clock`, `Timers`), so that a saved trace can be judged again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from cpescript.diagnostics import Span
from cpescript.judge.conditions import AnyOf, condition
from cpescript.judge.exchanges import ResponseTimes, asks_for_requests
from cpescript.judge.facts import Tally, TraceFacts, Witness
from cpescript.judge.interest import Interest, measured, state_of
from cpescript.judge.listeners import Listener, Listeners
from cpescript.judge.monitors import Mode as MonitorMode
from cpescript.judge.monitors import Monitor, Until
from cpescript.judge.probes import Probe, Probes
from cpescript.judge.quantity import Amount
from cpescript.judge.setting import Condition, Setting, Taken, Together, Unseen, Window
from cpescript.judge.waiting import Mode, Statement, Waiting
from cpescript.kernel.time import DEFAULT_START, Instant, format_clock
from cpescript.kernel.trace import Record, Trace
from cpescript.pattern import expression as x
from cpescript.pattern.claim import BlockClaim, Claim, MessageClaim, Quantifier, StateClaim, ValueClaim
from cpescript.pattern.evaluate import (
    Capture,
    CompiledPattern,
    EvaluationError,
    Scope,
    is_fixed,
    member,
    resolve,
    unconditional,
)
from cpescript.pattern.walking import walk
from cpescript.results import ClaimResult, DeviceMiss, Problem

NEAR_UP_TO = 1_000
"""Fleets up to this size remember, per claim and device, the last message that almost met it."""


TIDY_FROM = 10_000
"""Taken messages up to this many are not worth looking through for those that can be forgotten."""


class Timers(Protocol):
    """Whoever owns the clock: runs an action at an instant of virtual time, after that instant's messages."""

    def at(self, when: int, action: Callable[[], None]) -> int: ...

    def cancel(self, handle: int) -> None: ...


class Judge:
    """`external` says that the ACS is not ours, so that a device without a session excuses it."""

    def __init__(
        self,
        trace: Trace,
        timers: Timers,
        witness: Witness,
        clock: Callable[[], int],
        *,
        sources: Mapping[str, str],
        start: Instant = DEFAULT_START,
        external: bool = False,
        states: Iterable[str] = (),
        parameters: bool = False,
    ) -> None:
        self.timers = timers
        self.facts = TraceFacts(witness, clock, start)
        self.probes = Probes(trace)
        self.claims: list[ClaimResult] = []
        self.problems: list[Problem] = []
        self.waiting: dict[Waiting, None] = {}
        """Claims with an end that are open, in the order in which they were opened."""
        self.monitors: list[Monitor] = []
        self._trace = trace
        self._sources = sources
        self._lines: dict[str, list[str]] = {}
        self.external = external
        self._probes: dict[int, Probe] = {}
        self._state_listeners: dict[str, Listeners] = {}
        self._value_listeners = Listeners()
        self.newcomers: list[Callable[[Record], None]] = []
        """Who is told of devices that come to be."""
        self._last_session: dict[int, tuple[int, str, str]] = {}
        self._last_order: dict[int, int] = {}
        self._looks_back = False
        """Whether a claim may look at messages from before the window of what is running."""
        self._told: set[tuple[Span, str]] = set()
        trace.watch(["spawn"], self._spawned)
        trace.watch(["stopped"], self.facts.taken_away)
        trace.watch(["belief"], self.facts.believed)
        self._states = frozenset(map(state_of, states))
        if self._states:
            trace.watch(["state", *(["session"] if "in session" in self._states else [])], self._state)
        if parameters:
            trace.watch(["parameter"], self._parameter)
        if external:
            trace.watch(["SessionEnd"], self._session_ended)

    # --- preparation ----------------------------------------------------------------------------------------------

    def prepare(self, claim: Claim, scope: Scope, *, keep_all: bool, keep: bool = False) -> None:
        """Note from now on what this claim may ask about when it opens.

        `keep_all`: since the start, not only since the running window; `keep`: whole messages, for a capture.
        """
        self.pair(claim)
        if isinstance(claim, BlockClaim):
            for part in claim.claims:
                self._date(part)
                self.prepare(part, scope, keep_all=keep_all, keep=keep)
        elif isinstance(claim, MessageClaim):
            self._looks_back = self._looks_back or (keep_all and claim.comparison is None)
            if id(claim) not in self._probes:
                probe = self._new_probe(claim, scope, keep_all=keep_all, keep=keep)
                self._probes[id(claim)] = probe
                self.probes.add(probe)
        elif isinstance(claim, ValueClaim):
            self._count(claim, scope)

    def _count(self, claim: ValueClaim, scope: Scope) -> None:
        self.count(claim.patterns, scope)
        for pattern in measured(claim.expression):
            self.timed(pattern, scope)

    def dated(self, *claims: Claim) -> None:
        """Remember from now on what came first of these claims."""
        for claim in claims:
            self._date(claim)

    def pair(self, node: Claim | x.Node) -> None:
        """Remember requests from now on, if a claim or a pattern asks a response for its own."""
        if asks_for_requests(node):
            self.probes.exchanges.follow()

    def _date(self, claim: Claim) -> None:
        if isinstance(claim, StateClaim):
            self.facts.dated.add(state_of(claim.state))

    def _new_probe(
        self,
        claim: MessageClaim,
        scope: Scope,
        *,
        keep_all: bool,
        keep: bool = False,
        admits: Callable[[int], bool] | None = None,
    ) -> Probe:
        keep_record = keep or claim.capture is not None
        return Probe(claim.pattern, scope, keep_all=keep_all, keep_record=keep_record, admits=admits)

    def count(self, patterns: Iterable[x.MessagePattern], scope: Scope) -> None:
        """Count the matches of these patterns from now on, for `count(…)` and `rate(…)`."""
        for pattern in patterns:
            self.pair(pattern)
            if id(pattern) not in self.facts.tallies:
                tally = self.facts.tallies[id(pattern)] = Tally(CompiledPattern(pattern, scope), self.broken)
                self.probes.recall(pattern.kinds, tally.observe)
                self.probes.tally(pattern.kinds, tally.observe)

    def timed(self, pattern: x.MessagePattern, scope: Scope) -> None:
        """Measure from now on how long, in real time, the ACS takes to answer messages of this pattern."""
        if id(pattern) not in self.facts.times:
            times = self.facts.times[id(pattern)] = ResponseTimes(CompiledPattern(pattern, scope))
            # Whatever it says next is the answer: a device asks one thing at a time. Hearing it twice does no harm.
            self.probes.first.append(times.observe)
            self._trace.watch(None, times.observe)

    def rated(self, pattern: x.MessagePattern, window: int) -> None:
        """Remember the instants of the last `window` nanoseconds for a `rate`."""
        tally = self.facts.tallies[id(pattern)]
        tally.window = max(tally.window, window)

    def forget_before(self, instant: int) -> None:
        """No window that opens from now on begins before `instant`; those that are open keep what they need."""
        self.probes.move_floor(min([instant, *(waiting.window for waiting in self.waiting)]))

    def keep_from(self, instant: int) -> None:
        """A statement may look back to `instant` from now on."""
        self.probes.move_floor(min(instant, self.probes.floor))

    def retire(self, claims: Iterable[Claim]) -> None:
        """These claims cannot be opened again."""
        for claim in claims:
            if isinstance(claim, BlockClaim):
                self.retire(claim.claims)
            elif (probe := self._probes.pop(id(claim), None)) is not None:
                self.probes.retire([probe])

    # --- opening --------------------------------------------------------------------------------------------------

    def open(
        self,
        statement: Statement,
        quantifier: Quantifier,
        devices: Sequence[int],
        scope: Scope,
        mode: Mode,
        *,
        window: int,
        after: int = 0,
        deadline: int | None,
        lasting: int = 0,
        limit_text: str = "",
        unless: tuple[Claim, Sequence[int]] | None = None,
        taken: Taken | None = None,
        captures: dict[str, Capture] | None = None,
        since: Mapping[int, Window] | None = None,
        behind: Mapping[int, int] | None = None,
        done: Callable[[Waiting], None],
    ) -> Waiting:
        """Open a claim on `devices` ([0]: on the run as a whole). May call `done` before it returns.

        `since`: the windows of devices that have one of their own, as `since NAME` gives them; then `window` is the
        earliest and `deadline` the last of them. It is given, if empty, for `since start` too. `behind`: numbers of
        records that the windows of some devices open right behind, those of the others behind `after`. The devices of
        `unless` are those of the claim, or others that are judged together. Raises EvaluationError where the quantifier
        or a count cannot be worked out.
        """
        amount = Amount.of(quantifier, scope)
        claimed = devices
        if taken is not None and amount.kind in ("at most", "exactly"):
            taken = Unseen(taken)
        own = since or {}
        closes = deadline if mode in ("within", "for") else None
        windows = {device: Window(window, n, closes) for device, n in (behind or {}).items()} or own
        together: Together | None = None
        if amount.kind == "across":
            # Each device's messages have its window still; the deadline is that of all.
            devices, own, together = [0] if claimed else [], {}, lambda: claimed
        setting = self._setting(statement, scope, Window(window, after, closes), windows, taken, captures, len(claimed))
        waiting = Waiting(
            self,
            statement,
            amount,
            devices,
            condition(statement.claim, setting, together),
            mode,
            deadline=deadline,
            lasting=lasting,
            limit_text=limit_text,
            unless=self._unless(unless, claimed, setting, together) if unless is not None else None,
            window=window,
            own=own,
            gone=self.facts.gone(claimed),
            done=done,
        )
        self.waiting[waiting] = None
        waiting.open()
        return waiting

    def _unless(
        self, unless: tuple[Claim, Sequence[int]], claimed: Sequence[int], setting: Setting, together: Together | None
    ) -> Condition | AnyOf:
        second = condition(unless[0], setting)
        if together is None and list(unless[1]) == list(claimed):
            return second
        return AnyOf(second, unless[1])

    def monitor(
        self,
        statement: Statement,
        mode: MonitorMode,
        quantifier: Quantifier,
        target: x.Target | None,
        scope: Scope,
        until: tuple[Claim, x.Target | None] | None = None,
        *,
        after: int | None = None,
        behind: Mapping[int, int] | None = None,
    ) -> Monitor:
        """Open an invariant. `until`: what ends it, and the devices that this is asked of, those of the target where
        there is None.

        `after`, `behind`: numbers of records that it looks at messages behind, of all devices and of some; None: from
        here on.

        Raises EvaluationError where the quantifier, a count or the target cannot be worked out.
        """
        claim = statement.claim
        self.pair(claim)
        if isinstance(claim, ValueClaim):
            self._count(claim, scope)
        amount = Amount.of(quantifier, scope)
        together: Together | None = None
        if amount.kind == "across" and target is not None:
            among = target
            together = lambda: resolve(among, scope)  # noqa: E731
        now = self.facts.now
        window = Window(now, after if after is not None else self._trace.count)
        own = {device: Window(now, n) for device, n in (behind or {}).items()}
        setting = self._setting(statement, scope, window, own, None, None, 0)
        # Monitors look back to their own beginning, whatever the window of the statements that run beside them.
        setting.probe = lambda claim: self._probe(claim, scope, keep_all=True)
        noting: tuple[Probe, ...] = ()
        if together is not None and target is not None and isinstance(claim, MessageClaim) and not is_fixed(target):
            # A message is of whoever belonged when it came, wherever its device belongs by now.
            probe = self._new_probe(claim, scope, keep_all=True, admits=member(target, scope))
            self.probes.add(probe)
            noting = (probe,)
            anybody = unconditional(target)
            together = lambda: resolve(anybody, scope)  # noqa: E731
        ends = self._until(until, target, amount, setting, together) if until is not None else None
        if isinstance(claim, MessageClaim) and claim.comparison is None and not claim.negated:
            # It is asked of each message as it comes: nothing need be remembered but what came in this very instant.
            setting.probe = lambda claim: self._probes.get(id(claim)) or self._new_probe(claim, scope, keep_all=False)
        elif noting:
            setting.probe = lambda claim: noting[0]
        judged = condition(claim, setting, together)
        monitor = Monitor(self, statement, mode, amount, target, scope, judged, ends, noting)
        self.monitors.append(monitor)
        monitor.open()
        return monitor

    def _until(
        self,
        until: tuple[Claim, x.Target | None],
        target: x.Target | None,
        amount: Amount,
        setting: Setting,
        together: Together | None,
    ) -> Until:
        claim, whose = until
        if isinstance(claim, ValueClaim):
            self._count(claim, setting.scope)
        spoken = set(resolve(unconditional(target), setting.scope) if target is not None else self.facts.all)
        if whose is None:
            figure = isinstance(claim, ValueClaim) and claim.figure
            if together is not None and (figure or isinstance(claim, MessageClaim)):
                return Until(condition(claim, setting, together), {0}, False)
            return Until(condition(claim, setting), spoken, False)
        asked = set(resolve(whose, setting.scope))
        joins = member(whose, setting.scope) if _grows(whose) else None
        # Those that are the same by now are others as soon as one more comes to be.
        own = asked != spoken or (joins is not None and target is not None and not _grows(target))
        return Until(condition(claim, setting), asked, own, joins)

    def _setting(
        self,
        statement: Statement,
        scope: Scope,
        window: Window,
        own: Mapping[int, Window],
        taken: Taken | None,
        captures: dict[str, Capture] | None,
        devices: int,
    ) -> Setting:
        if taken is not None and not self._looks_back:
            self._tidy(taken)
        return Setting(
            facts=self.facts,
            scope=scope,
            window=window,
            own=own,
            taken=taken if taken is not None else {},
            line=statement.span.line,
            devices=devices,
            text=self.text,
            probe=lambda claim: self._probe(claim, scope),
            session_of=self._session_of,
            here=lambda: self._trace.count,
            captures=captures if captures is not None else {},
        )

    def _tidy(self, taken: Taken) -> None:
        """Forget which messages are taken that no window reaches back to any more."""
        if len(taken) < TIDY_FROM:
            return
        gone = [n for n, (_, t) in taken.items() if t < self.probes.floor]
        if len(gone) * 2 > len(taken):
            for n in gone:
                del taken[n]

    def _probe(self, claim: MessageClaim, scope: Scope, *, keep_all: bool = False) -> Probe:
        if id(claim) not in self._probes:
            self.prepare(claim, scope, keep_all=keep_all)
        probe = self._probes[id(claim)]
        probe.keep_all = probe.keep_all or keep_all
        return probe

    def messages(self) -> int:
        """Return how many messages have come."""
        return self._trace.messages

    # --- for waiting claims and monitors --------------------------------------------------------------------------

    def listen(self, condition: Condition | AnyOf | Interest, listener: Listener, device: int = 0) -> None:
        """Call `listener` after each record that concerns the condition, and (where it is not 0) this device."""
        self.probes.listen(condition.kinds, listener, device)
        for state in condition.states:
            self._state_listeners.setdefault(state, Listeners()).add(listener, device)
        if condition.paths:
            self._value_listeners.add(listener, device)

    def deafen(self, condition: Condition | AnyOf | Interest, listener: Listener, device: int = 0) -> None:
        self.probes.deafen(condition.kinds, listener, device)
        for state in condition.states:
            self._state_listeners[state].remove(listener, device)
        if condition.paths:
            self._value_listeners.remove(listener, device)

    @property
    def wall(self) -> int | None:
        """The wall clock in nanoseconds, None where no ACS outside is waited for."""
        return self._trace.wall if self.external else None

    def text(self, claim: Claim | x.Node) -> str:
        """Return a claim, or a part of one, as its author wrote it, in one line."""
        span = claim.span
        lines = self._lines_of(span.source)[span.line - 1 : span.end_line]
        if not lines:
            return type(claim).__name__
        lines[-1] = lines[-1][: span.end_column - 1]
        lines[0] = lines[0][span.column - 1 :]
        return " ".join(" ".join(lines).split())

    def line(self, span: Span) -> str:
        """Return the source line that a span begins on, as written."""
        lines = self._lines_of(span.source)
        return lines[span.line - 1].rstrip("\r") if 0 < span.line <= len(lines) else ""

    def _lines_of(self, source: str) -> list[str]:
        if source not in self._lines:
            self._lines[source] = self._sources.get(source, "").split("\n")
        return self._lines[source]

    def miss(self, device: int, t: int, expected: str, actual: str) -> DeviceMiss:
        """Return the evidence against one device (0: the run as a whole)."""
        if device == 0:
            return DeviceMiss("all together", "", t, expected, actual)
        facts = self.facts
        name = f"{facts.attribute(device, 'cohort')}[{facts.attribute(device, 'index')}]"
        if device in facts.stopped:
            actual += f" (stopped at line {facts.stopped[device]})"
        witness = facts.witness
        return DeviceMiss(name, witness.identity(device), t, expected, actual, witness.recent(device))

    def no_occasion(self, device: int, window: int) -> bool:
        """Whether an external ACS had no occasion to serve the device since `window`: no session, no order."""
        if not self.external or device == 0:
            return False
        return self._last_session.get(device, (-1, "", ""))[0] < window and self._last_order.get(device, -1) < window

    def ordered(self, devices: Iterable[int]) -> None:
        """The ACS has just been given an order for these devices that it can deliver by connection request."""
        for device in devices:
            self._last_order[device] = self.facts.now

    def broken(self, error: EvaluationError, statement: Statement | None = None) -> None:
        """A claim could not be worked out: the scenario's fault, told once."""
        if (error.span, error.message) in self._told:
            return
        self._told.add((error.span, error.message))
        self.problems.append(
            Problem("scenario", error.message, error.remedy, error.span, self.line(error.span), self.facts.now)
        )

    def closed(self, waiting: Waiting) -> None:
        del self.waiting[waiting]
        assert waiting.result is not None
        self.settled(waiting.result)

    def settled(self, result: ClaimResult) -> None:
        self.claims.append(result)

    def close_all(self, *, cut: bool) -> None:
        """The run is over: settle everything that is open."""
        for waiting in list(self.waiting):
            waiting.close(cut=True)
        for monitor in self.monitors:
            monitor.close(cut=cut)

    # --- records --------------------------------------------------------------------------------------------------

    def _spawned(self, record: Record) -> None:
        self.facts.spawned(record)
        if len(self.facts.all) == NEAR_UP_TO + 1:
            for probe in self._probes.values():
                probe.wants_near = False
                probe.near = {}
        for listener in tuple(self.newcomers):
            listener(record)

    def _state(self, record: Record) -> None:
        state = record.data["state"]
        if state not in self._states:
            return
        self.facts.state_changed(record)
        listeners = self._state_listeners.get(state)
        for listener in listeners.of(record.device) if listeners else ():
            listener(record)

    def _parameter(self, record: Record) -> None:
        self.facts.parameter_changed(record)
        for listener in self._value_listeners.of(record.device):
            listener(record)

    def _session_ended(self, record: Record) -> None:
        outcome = record.data["outcome"]
        self._last_session[record.device] = (record.t, outcome, record.data.get("reason", ""))

    def _session_of(self, device: int) -> str:
        t, outcome, reason = self._last_session.get(device, (0, "done", ""))
        if outcome == "done":
            return ""
        return f"; its last session ({format_clock(t)}) ended '{outcome}'" + (
            f": {reason}" if reason not in ("", outcome) else ""
        )


def _grows(target: x.Target) -> bool:
    """Whether a target names devices that are made later."""
    return any(isinstance(node, x.All) for node in walk(target))
