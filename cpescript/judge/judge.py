"""The judge: opens claims and monitors over the trace, and settles what each of them found.

It reads records and nothing else. Execution opens and closes statements and is told outcomes through `done`; deadlines
are instants that somebody else's clock brings (`clock`, `Timers`), so that a saved trace can be judged again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, Protocol

from cpescript.diagnostics import Span
from cpescript.judge.conditions import Condition, Setting, condition
from cpescript.judge.facts import Tally, TraceFacts, Witness
from cpescript.judge.monitors import Monitor
from cpescript.judge.probes import Probe, Probes
from cpescript.judge.quantity import Amount
from cpescript.judge.waiting import Mode, Statement, Waiting
from cpescript.kernel.time import DEFAULT_START, Instant, format_clock
from cpescript.kernel.trace import Record, Trace
from cpescript.pattern import expression as x
from cpescript.pattern.claim import BlockClaim, Claim, MessageClaim, Quantifier, ValueClaim
from cpescript.pattern.evaluate import Capture, CompiledPattern, EvaluationError, Scope
from cpescript.results import ClaimResult, DeviceMiss, Problem

NEAR_UP_TO = 1_000
"""Fleets up to this size remember, per claim and device, the last message that almost met it."""


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
        self.waiting: list[Waiting] = []
        self.monitors: list[Monitor] = []
        self._trace = trace
        self._sources = sources
        self._lines: dict[str, list[str]] = {}
        self._external = external
        self._probes: dict[int, Probe] = {}
        self._state_listeners: dict[str, list[Callable[[Record], None]]] = {}
        self._value_listeners: list[Callable[[Record], None]] = []
        self._last_session: dict[int, tuple[int, str, str]] = {}
        self._last_order: dict[int, int] = {}
        trace.watch(["spawn"], self._spawned)
        self._states = frozenset("online" if state == "offline" else state for state in states)
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
        if isinstance(claim, BlockClaim):
            for part in claim.claims:
                self.prepare(part, scope, keep_all=keep_all, keep=keep)
        elif isinstance(claim, MessageClaim):
            if id(claim) not in self._probes:
                probe = Probe(claim.pattern, scope, keep_all=keep_all, keep_record=keep or claim.capture is not None)
                self._probes[id(claim)] = probe
                self.probes.add(probe)
        elif isinstance(claim, ValueClaim):
            self.count(claim.patterns, scope)

    def count(self, patterns: Iterable[x.MessagePattern], scope: Scope) -> None:
        """Count the matches of these patterns from now on, for `count(…)` and `rate(…)`."""
        for pattern in patterns:
            if id(pattern) not in self.facts.tallies:
                tally = self.facts.tallies[id(pattern)] = Tally(CompiledPattern(pattern, scope))
                self.probes.listen(pattern.kinds, tally.observe)

    def rated(self, pattern: x.MessagePattern, window: int) -> None:
        """Remember the instants of the last `window` nanoseconds for a `rate`."""
        tally = self.facts.tallies[id(pattern)]
        tally.window = max(tally.window, window)

    def forget_before(self, instant: int) -> None:
        """No window that opens from now on begins before `instant`; those that are open keep what they need."""
        self.probes.move_floor(min([instant, *(waiting.window for waiting in self.waiting)]))

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
        taken: dict[int, tuple[int, int]] | None = None,
        captures: dict[str, Capture] | None = None,
        done: Callable[[Waiting], None],
    ) -> Waiting:
        """Open a claim on `devices` ([0]: on the run as a whole). May call `done` before it returns.

        Raises EvaluationError where the quantifier or a count cannot be worked out.
        """
        amount = Amount.of(quantifier, scope)
        together = devices if quantifier.kind == "across" else None
        if together is not None:
            devices = [0]
        after = self._trace.count if mode == "for" else after
        setting = self._setting(statement, scope, window, after, taken, captures)
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
            unless=condition(unless[0], setting) if unless is not None else None,
            window=window,
            done=done,
        )
        self.waiting.append(waiting)
        waiting.open()
        return waiting

    def monitor(
        self,
        statement: Statement,
        mode: Literal["always", "never", "sometimes"],
        quantifier: Quantifier,
        target: x.Target | None,
        scope: Scope,
    ) -> Monitor:
        """Open an invariant."""
        if isinstance(statement.claim, ValueClaim):
            self.count(statement.claim.patterns, scope)
        together = None
        setting = self._setting(statement, scope, self.facts.now, self._trace.count, None, None)
        monitor = Monitor(
            self,
            statement,
            mode,
            Amount.of(quantifier, scope),
            target,
            scope,
            condition(statement.claim, setting, together),
        )
        self.monitors.append(monitor)
        monitor.open()
        return monitor

    def _setting(
        self,
        statement: Statement,
        scope: Scope,
        window: int,
        after: int,
        taken: dict[int, tuple[int, int]] | None,
        captures: dict[str, Capture] | None,
    ) -> Setting:
        return Setting(
            facts=self.facts,
            scope=scope,
            window=window,
            after=after,
            taken=taken if taken is not None else {},
            line=statement.span.line,
            text=self.text,
            probe=lambda claim: self._probe(claim, scope),
            session_of=self._session_of,
            captures=captures if captures is not None else {},
        )

    def _probe(self, claim: MessageClaim, scope: Scope) -> Probe:
        if id(claim) not in self._probes:
            self.prepare(claim, scope, keep_all=False)
        return self._probes[id(claim)]

    # --- for waiting claims and monitors --------------------------------------------------------------------------

    def listen(self, condition: Condition, listener: Callable[[Record], None]) -> None:
        """Call `listener` after each record that concerns the condition."""
        self.probes.listen(condition.kinds, listener)
        for state in condition.states:
            self._state_listeners.setdefault(state, []).append(listener)
        if condition.paths:
            self._value_listeners.append(listener)

    def deafen(self, condition: Condition, listener: Callable[[Record], None]) -> None:
        self.probes.deafen(condition.kinds, listener)
        for state in condition.states:
            self._state_listeners[state] = [each for each in self._state_listeners[state] if each != listener]
        if condition.paths:
            self._value_listeners = [each for each in self._value_listeners if each != listener]

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
        witness = facts.witness
        return DeviceMiss(name, witness.identity(device), t, expected, actual, witness.recent(device))

    def no_occasion(self, device: int, window: int) -> bool:
        """Whether an external ACS had no occasion to serve the device since `window`: no session, no order."""
        if not self._external or device == 0:
            return False
        return self._last_session.get(device, (-1, "", ""))[0] < window and self._last_order.get(device, -1) < window

    def ordered(self, devices: Iterable[int]) -> None:
        """The ACS has just been given an order for these devices that it can deliver by connection request."""
        for device in devices:
            self._last_order[device] = self.facts.now

    def broken(self, error: EvaluationError, statement: Statement) -> None:
        """A claim could not be worked out: the scenario's fault."""
        self.problems.append(
            Problem("scenario", error.message, error.remedy, error.span, self.line(error.span), self.facts.now)
        )

    def closed(self, waiting: Waiting) -> None:
        self.waiting.remove(waiting)
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

    def _state(self, record: Record) -> None:
        state = record.data["state"]
        if state not in self._states:
            return
        self.facts.state_changed(record)
        for listener in tuple(self._state_listeners.get(state, ())):
            listener(record)

    def _parameter(self, record: Record) -> None:
        self.facts.parameter_changed(record)
        for listener in tuple(self._value_listeners):
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
