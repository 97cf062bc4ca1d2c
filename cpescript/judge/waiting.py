"""Claims with an end: `expect`, `check` and `wait until`, from opening to verdict.

A claim is judged in one of four ways:

now
    on the spot, counting from the start.
within
    a device has met it at whatever instant of the window it first held; latched.
for
    it must hold all through; a device that breaks it has missed.
within, for
    (`wait until … for D within W`) the whole must hold without a break for D, and that before W is over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cpescript.diagnostics import Span
from cpescript.judge.conditions import Condition
from cpescript.judge.numbers import Numbers
from cpescript.judge.quantity import Amount
from cpescript.kernel.time import format_clock, format_duration
from cpescript.kernel.trace import Record
from cpescript.pattern.claim import Claim
from cpescript.pattern.evaluate import EvaluationError
from cpescript.results import ClaimResult, ClaimVerdict, DeviceMiss

if TYPE_CHECKING:
    from cpescript.judge.judge import Judge

MISSES_SHOWN = 5
"""Devices whose evidence a missed claim carries: enough to see a pattern, little enough to read."""

Mode = Literal["now", "within", "for", "within, for"]


@dataclass(frozen=True, slots=True)
class Statement:
    """What the judge needs to know of a statement: its word, its claim, where it stands."""

    word: str
    claim: Claim
    span: Span
    source: str
    identity: int = 0
    callers: tuple[Span, ...] = ()


class Waiting:
    """A claim that has been opened. `verdict` is None until it is decided; then `done` is called once."""

    def __init__(
        self,
        judge: Judge,
        statement: Statement,
        amount: Amount,
        devices: Sequence[int],
        condition: Condition,
        mode: Mode,
        *,
        deadline: int | None,
        lasting: int,
        limit_text: str,
        unless: Condition | None,
        window: int,
        done: Callable[[Waiting], None],
    ) -> None:
        self.judge = judge
        self.statement = statement
        self.amount = amount
        self.devices = devices
        self.condition = condition
        self.mode = mode
        self.deadline = deadline
        self.opened = judge.facts.now
        self.window = window
        self.verdict: ClaimVerdict | None = None
        self.result: ClaimResult | None = None
        self._lasting = lasting
        self._limit_text = limit_text
        self._unless = unless
        self._done = done
        self._pending = Numbers(devices if mode != "for" else ())
        self._met = Numbers(devices if mode == "for" else ())
        self._missed: dict[int, tuple[int, str]] = {}
        self._timer: int | None = None
        self._steady: int | None = None
        self._listening = False

    def over(self) -> bool:
        return self.verdict is not None

    # --- life -----------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Judge what is known already, and listen for the rest."""
        if not self.devices and self.amount.kind != "across":
            self._close("vacuous", "there was no device to ask")
            return
        try:
            for device in self.devices:
                self._ask(device)
        except EvaluationError as error:
            self._broken(error)
            return
        if self.mode == "now":
            self.close()
            return
        if self.mode == "within, for":
            self._settle()
        elif self._decide(closing=False):
            return
        if not (self.mode == "within" and self.condition.at_close and self._unless is None):
            # What is judged only when the window closes need not be told of what happens in it: probes note it.
            self._listen(True)
        if self.deadline is not None:
            self._timer = self.judge.timers.at(self.deadline, self._expired)

    def close(self, *, cut: bool = False) -> None:
        """Decide now: the window is over (or, `cut`, the run is)."""
        if self.over():
            return
        if cut and self.mode != "now":
            if self.mode == "for" and self._missed:
                self._decide(closing=True)
            else:
                self._close("inconclusive", "the run ended before it was decided")
            return
        if self.mode == "within, for":
            self._close("missed", f"it did not hold without a break for {format_duration(self._lasting)}")
            return
        self._decide(closing=True)

    def _expired(self) -> None:
        self._timer = None
        self.close()

    def _listen(self, on: bool) -> None:
        if on is self._listening:
            return
        self._listening = on
        for condition in (self.condition, self._unless):
            if condition is not None:
                (self.judge.listen if on else self.judge.deafen)(condition, self._event)

    # --- events ---------------------------------------------------------------------------------------------------

    def _event(self, record: Record) -> None:
        if self.over():
            return
        device = record.device
        try:
            if self.amount.kind == "across" or self.devices == [0]:
                for each in self.devices:
                    self._ask(each)
            elif self._concerns(device):
                self._ask(device)
            else:
                return
        except EvaluationError as error:
            self._broken(error)
            return
        if self.mode == "within, for":
            self._settle()
        else:
            self._decide(closing=False)

    def _concerns(self, device: int) -> bool:
        return device in self._pending or device in self._met

    def _ask(self, device: int) -> None:
        """Ask one device's condition and note what changes."""
        if self.mode == "for":
            if device in self._met and not self.condition.holds(device):
                self._met.discard(device)
                self._missed[device] = (self.judge.facts.now, self.condition.actual(device))
            return
        if device in self._missed:
            return
        if self.mode == "within, for":
            holds = self.condition.holds(device)
            (self._met.add if holds else self._met.discard)(device)
            (self._pending.discard if holds else self._pending.add)(device)
            return
        if device not in self._pending:
            return
        if self._unless is not None and self._unless.holds(device):
            # A device that met the claim before is not pending any more: here the second claim came first.
            self._pending.discard(device)
            self._missed[device] = (self.judge.facts.now, f"{self._unless.expected(device)} came first")
            return
        if self.mode == "within" and self.condition.at_close:
            return
        if self.condition.holds(device):
            self.condition.consume(device)
            self._pending.discard(device)
            self._met.add(device)

    def _settle(self) -> None:
        """`within, for`: start or break the stretch in which the whole holds."""
        whole = self.amount.reached(len(self._met), len(self.devices))
        if whole and self._steady is None:
            self._steady = self.judge.timers.at(self.judge.facts.now + self._lasting, self._lasted)
        elif not whole and self._steady is not None:
            self.judge.timers.cancel(self._steady)
            self._steady = None

    def _lasted(self) -> None:
        self._steady = None
        if not self.over():
            self._close("met", f"it held for {format_duration(self._lasting)}")

    # --- verdict --------------------------------------------------------------------------------------------------

    def _decide(self, *, closing: bool) -> bool:
        """Close the claim if its verdict is certain; return whether it did."""
        total = len(self.devices)
        if self.mode == "within" and closing and self.condition.at_close:
            for device in list(self.devices):
                if device in self._pending and self.condition.holds(device):
                    self.condition.consume(device)
                    self._pending.discard(device)
                    self._met.add(device)
        met, possible = len(self._met), total - len(self._missed)
        if closing:
            verdict = self.amount.verdict(met, met, total, closing=True)
        elif self.mode == "for":
            # Those that keep to it now may break it yet.
            verdict = self.amount.verdict(0, met, total, closing=False)
        else:
            verdict = self.amount.verdict(met, possible, total, closing=False)
        if verdict is None:
            return False
        if verdict:
            self._close("met", "")
        else:
            excused = self._excused()
            if self.condition.lost:
                self._close("inconclusive", "more messages matched than can be kept, so some were forgotten")
            elif excused and self.amount.verdict(met, met + len(excused), total, closing=False) is not False:
                self._close("inconclusive", f"{len(excused)} had no session in the window, so the ACS had no occasion")
            else:
                self._close("missed", "")
        return True

    def _excused(self) -> list[int]:
        """Devices that an external ACS had no occasion to serve (language page, Windows)."""
        if self.mode == "now":
            return []
        return [
            device
            for device in self.devices
            if device not in self._met and device not in self._missed and self.judge.no_occasion(device, self.window)
        ]

    def _broken(self, error: EvaluationError) -> None:
        self.judge.broken(error, self.statement)
        self._close("error", error.message)

    def _close(self, verdict: ClaimVerdict, why: str) -> None:
        self.verdict = verdict
        self._listen(False)
        for handle in (self._timer, self._steady):
            if handle is not None:
                self.judge.timers.cancel(handle)
        self._timer = self._steady = None
        self.result = self._result(verdict, why)
        self.judge.closed(self)
        self._done(self)

    def _result(self, verdict: ClaimVerdict, why: str) -> ClaimResult:
        missing = [device for device in self.devices if device not in self._met]
        total = len(self.devices)
        misses, hint = [], ""
        if verdict in ("missed", "inconclusive"):
            for device in missing[:MISSES_SHOWN]:
                try:
                    misses.append(self._miss(device))
                    hint = hint or self.condition.hint(device)
                except EvaluationError as error:
                    hint = hint or error.message
        limit = f" {self._limit_text}" if self._limit_text else ""
        if self.amount.kind == "across" or self.devices == [0]:
            message = f"{'met' if verdict == 'met' else 'not met'}{limit}"
        else:
            message = f"{len(self._met)} of {total} device{'s' * (total != 1)} met it{limit}"
            if verdict == "missed" and self.amount.text != "each":
                message += f", {self.amount.text} must"
        if why:
            message += f"; {why}"
        statement = self.statement
        return ClaimResult(
            statement=statement.word,
            span=statement.claim.span,
            source=statement.source,
            verdict=verdict,
            message=message,
            opened=self.opened,
            closed=self.judge.facts.now,
            devices=total,
            met=len(self._met),
            missed=len(missing) if verdict != "met" else 0,
            misses=tuple(misses),
            callers=statement.callers,
            hint=hint,
        )

    def _miss(self, device: int) -> DeviceMiss:
        at, why = self._missed.get(device, (self.judge.facts.now, ""))
        return self.judge.miss(device, at, self.condition.expected(device), why or self.condition.actual(device))

    @property
    def progress(self) -> tuple[int, int]:
        """How many devices have met it, of how many."""
        return len(self._met), len(self.devices)

    def __repr__(self) -> str:
        state = self.verdict or "open"
        return f"<{self.statement.word} line {self.statement.span.line} {state} since {format_clock(self.opened)}>"
