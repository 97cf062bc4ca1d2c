"""Claims with an end: `expect`, `check` and `wait until`, from opening to verdict.

A claim is judged in one of four ways:

now
    on the spot, counting from the start.
within
    a device has met it at whatever instant of the window it first held; latched.
for
    it must hold all through; a device that breaks it has missed for good. `at most` and `exactly` so many devices of
    a state, value or belief: so many at each instant.
within, for
    (`wait until … for D within W`) the whole must hold without a break for D, and that before W is over.

`unless`: a device misses for good when the second claim comes true before the first one did. The order is that of the
trace; one message that meets both is a miss.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cpescript.diagnostics import Span
from cpescript.judge.conditions import AnyOf
from cpescript.judge.numbers import Numbers
from cpescript.judge.quantity import Amount
from cpescript.judge.setting import Condition, Window
from cpescript.judge.timed import Alarm
from cpescript.kernel.time import SECOND, format_clock, format_duration
from cpescript.kernel.trace import Record
from cpescript.pattern.claim import Claim
from cpescript.pattern.evaluate import EvaluationError, NotYetError
from cpescript.results import ClaimResult, ClaimVerdict, DeviceMiss

if TYPE_CHECKING:
    from cpescript.judge.judge import Judge

MISSES_SHOWN = 5
"""Devices whose evidence a missed claim carries: enough to see a pattern, little enough to read."""

_OVER = "its time was over before it was asked"

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
    """A claim that has been opened. `verdict` is None until it is decided; then `done` is called once.

    `own`: windows of devices that have one of their own, with their deadlines; `deadline` is the last of all.
    `gone`: why nothing could come from its devices, where they were taken away before it was opened.
    """

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
        unless: Condition | AnyOf | None,
        window: int,
        own: Mapping[int, Window],
        gone: str = "",
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
        self._began = judge.wall
        self.window = window
        self.verdict: ClaimVerdict | None = None
        self.result: ClaimResult | None = None
        self._lasting = lasting
        self._limit_text = limit_text
        self._unless = unless
        self._done = done
        self._own = own
        self._gone = gone
        self._blind: set[int] = set()
        """Devices whose time was over before it was asked, where what was so then is not known."""
        bounded = condition.lasts and amount.kind in ("at most", "exactly")
        self._whole = mode == "within, for" or (mode == "for" and bounded)
        """Whether it is asked at each instant how many of the devices meet it."""
        self._latches = mode == "for" and not bounded
        """Whether a device meets it until it breaks it, once for all."""
        self._pending = Numbers(devices if mode != "for" else ())
        self._met = Numbers(devices if self._latches else ())
        self._latest, self._last = -1, array("Q")
        """The last instant of which a record met it, and its records as `met_by` returns them."""
        self._heard: Record | None = None
        """The record that is being judged."""
        self._dated = amount.kind in ("at most", "exactly") or bool(own)
        self._came: dict[int, tuple[int, int]] = {}
        """When the message of each came, and its record: of an upper bound, and where devices have own windows."""
        self._missed: dict[int, tuple[int, str]] = {}
        self._timer: int | None = None
        self._steady: int | None = None
        self._steady_due = 0
        self._alarm = Alarm(judge.timers, self._rung)
        self._listening = False
        self._members = frozenset(devices) if self._whole else frozenset()
        self._all = amount.kind == "across" or devices == [0] or condition.wide or (unless is not None and unless.wide)
        """Whether each record may matter to every device."""
        self._alone = devices[0] if len(devices) == 1 and not self._all else 0
        """The one device whose records matter, 0 where those of more do."""

    def over(self) -> bool:
        return self.verdict is not None

    # --- life -----------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Judge what is known already, and listen for the rest."""
        if not self.devices:
            self._close("vacuous", "there was no device to ask")
            return
        if self.mode != "now" and not self.condition.looks_back:
            self._blind = set(filter(self._past, self.devices))
        if self.condition.lasts and len(self._blind) == len(self.devices):
            self._close("inconclusive", _OVER)
            return
        try:
            for device in self.devices:
                self._ask(device)
            self._give_up()
            self._wake(self.devices)
        except EvaluationError as error:
            self._broken(error)
            return
        if self.mode == "now":
            self.close()
            return
        if self._settle(closing=False):
            return
        if not (self.mode == "within" and self.condition.at_close and self._unless is None):
            # What is judged only when the window closes need not be told of what happens in it: probes note it.
            self._listen(True)
        self._await_deadline()

    def _past(self, device: int) -> bool:
        closes = self._own[device].closes if device in self._own else self.deadline
        return closes is not None and closes < self.judge.facts.now

    def _give_up(self) -> None:
        """Devices that nobody can tell about any more are waited for no longer."""
        self._blind -= set(self._met)
        for device in self._blind:
            self._pending.discard(device)
            self._missed[device] = (self.judge.facts.now, _OVER)

    def close(self, *, cut: bool = False) -> None:
        """Decide now: the window is over (or, `cut`, the run is)."""
        if self.over():
            return
        if cut and self.mode != "now":
            self._close("inconclusive", "the run ended before it was decided")
        elif self.mode == "within, for":
            self._close("missed", f"it did not hold without a break for {format_duration(self._lasting)}")
        else:
            self._decide(closing=True)

    # --- time -----------------------------------------------------------------------------------------------------

    def _await_deadline(self) -> None:
        """Have the next deadline told: the one of all, or that of the devices whose own comes first."""
        if self.deadline is None:
            return
        now = self.judge.facts.now
        ends = [window.closes for window in self._own.values() if window.closes is not None and window.closes >= now]
        self._timer = self.judge.timers.at(min([self.deadline, *ends]), self._expired)

    def _expired(self) -> None:
        self._timer = None
        now = self.judge.facts.now
        if self.deadline is not None and self.deadline <= now:
            if self._steady is not None and self._steady_due <= now:
                # The stretch is complete in the very instant of the deadline.
                self._lasted()
                return
            self.close()
            return
        try:
            self._expire(now)
        except EvaluationError as error:
            self._broken(error)
            return
        if not self._settle(closing=False):
            self._own = {device: window for device, window in self._own.items() if (window.closes or 0) > now}
            self._await_deadline()

    def _expire(self, now: int) -> None:
        """The devices whose own deadline is now have met it, or miss it for good."""
        for device, window in self._own.items():
            if window.closes is None or window.closes > now or device not in self._pending:
                continue
            if self.condition.at_close:
                self._meet(device)
            if device in self._pending:
                self._pending.discard(device)
                self._missed[device] = (now, self.condition.actual(device))

    def _wake(self, devices: Sequence[int]) -> None:
        """Have the next instant told at which time alone changes the claim for one of these devices."""
        if self.mode == "now":
            return
        for source in (self.condition, self._unless):
            if source is None or not source.timed:
                continue
            for device in devices:
                if self._concerns(device):
                    self._alarm.no_later(source.alarm(device))

    def _rung(self) -> None:
        if not self.over():
            self._ask_again(self.devices)

    def _listen(self, on: bool) -> None:
        if on is self._listening:
            return
        self._listening = on
        for condition in (self.condition, self._unless):
            if condition is not None:
                (self.judge.listen if on else self.judge.deafen)(condition, self._event, self._alone)

    # --- events ---------------------------------------------------------------------------------------------------

    def _event(self, record: Record) -> None:
        if self.over():
            return
        self._heard = record
        if self._all:
            self._ask_again(self.devices)
        elif self._concerns(record.device):
            self._ask_again((record.device,))
        self._heard = None

    def _ask_again(self, devices: Sequence[int]) -> None:
        try:
            for device in devices:
                self._ask(device)
            self._wake(devices)
        except EvaluationError as error:
            self._broken(error)
            return
        self._settle(closing=False)

    def _concerns(self, device: int) -> bool:
        if self._whole:
            return device not in self._missed and device in self._members
        return device in self._pending or device in self._met

    def _ask(self, device: int) -> None:
        """Ask one device's condition and note what changes."""
        if device in self._missed or (device in self._blind and self.condition.lasts):
            return
        met = self.mode == "within" and device in self._met
        if self._unless is not None and not met and self._came_first(device):
            self._pending.discard(device)
            self._met.discard(device)
            self._missed[device] = (self.judge.facts.now, f"{self._unless.expected(device)} came first")
        elif self._latches:
            if device in self._met and not self.condition.holds(device):
                self._met.discard(device)
                self._missed[device] = (self.judge.facts.now, self.condition.actual(device))
        elif self._whole:
            (self._met.add if self._holds(device) else self._met.discard)(device)
        elif not (self.mode == "within" and self.condition.at_close):
            self._meet(device)

    def _holds(self, device: int) -> bool:
        """Whether the device meets it now; what an order has not given yet is waited for, where it waits at all."""
        try:
            return self.condition.holds(device)
        except NotYetError:
            if self.mode not in ("within", "within, for"):
                raise
            return False

    def _meet(self, device: int) -> None:
        if device in self._pending and self._holds(device):
            by = self.condition.consume(device)
            if by is not None:
                self._keep(device, by.t, by.n)
            elif self._heard is not None:
                # A state or a value: what made it true.
                self._keep(device, self._heard.t, self._heard.n)
            self._pending.discard(device)
            self._met.add(device)

    def _keep(self, device: int, t: int, n: int) -> None:
        """Keep the record that a device met it by: of an upper bound when each came, as evidence; and which it was for
        those of the last instant alone, which is all that the next claim asks for, so that a large fleet is spared the
        rest."""
        if self._dated:
            self._came[device] = (t, n)
        if t > self._latest:
            self._latest, self._last = t, array("Q")
        if t == self._latest:
            self._last.extend((device, n))

    def _came_first(self, device: int) -> bool:
        """Whether the claim of `unless` came true before the first one did."""
        assert self._unless is not None
        second = self._unless.reached(device)
        if second is None:
            return False
        waits = self.mode == "within" and not self.condition.at_close
        first = self.condition.reached(device) if waits else None
        return first is None or first >= second

    def _settle(self, *, closing: bool) -> bool:
        """Draw the consequence of what was just asked; return whether the claim is decided."""
        if self.mode != "within, for":
            return self._decide(closing=closing)
        whole = self.amount.reached(len(self._met), len(self.devices))
        if whole and self._steady is None:
            self._steady_due = self.judge.facts.now + self._lasting
            self._steady = self.judge.timers.at(self._steady_due, self._lasted)
        elif not whole and self._steady is not None:
            self.judge.timers.cancel(self._steady)
            self._steady = None
        return False

    def _lasted(self) -> None:
        self._steady = None
        if not self.over():
            self._close("met", f"it held for {format_duration(self._lasting)}")

    # --- verdict --------------------------------------------------------------------------------------------------

    def _decide(self, *, closing: bool) -> bool:
        """Close the claim if its verdict is certain; return whether it did."""
        total = len(self.devices)
        if closing:
            try:
                self._ask_at_close()
            except EvaluationError as error:
                self._broken(error)
                return True
        met, possible = len(self._met), total - len(self._missed) + len(self._blind)
        if closing:
            verdict = self.amount.verdict(met, met, total, closing=True)
        elif self._whole:
            verdict = None if self.amount.reached(met, total) else False
        elif self._latches:
            # Those that keep to it now may break it yet.
            verdict = self.amount.verdict(0, met, total, closing=False)
        else:
            verdict = self.amount.verdict(met, possible, total, closing=False)
        if verdict is None:
            return False
        verdict_, why = self._met_or_vacuous() if verdict else self._missed_or_inconclusive()
        self._close(verdict_, why)
        return True

    def _met_or_vacuous(self) -> tuple[ClaimVerdict, str]:
        blind = len(self._blind)
        if blind and not self.amount.reached(len(self._met) + blind, len(self.devices)):
            return "inconclusive", f"of {blind} {_OVER}"
        silent = self._gone and self.mode != "now" and self.condition.at_close
        if silent and not any(map(self.condition.heard, self.devices)):
            return "vacuous", self._gone
        return "met", ""

    def _missed_or_inconclusive(self) -> tuple[ClaimVerdict, str]:
        met, blind, excused = len(self._met), len(self._blind), self._excused()
        possible = met + len(excused) + blind
        if self.condition.lost:
            return "inconclusive", "more messages matched than can be kept, so some were forgotten"
        if possible == met or self.amount.verdict(met, possible, len(self.devices), closing=False) is False:
            return "missed", ""
        if not blind:
            return "inconclusive", f"{len(excused)} had no session in the window, so the ACS had no occasion"
        return "inconclusive", f"of {blind} {_OVER}"

    def _ask_at_close(self) -> None:
        if self.mode == "within" and self.condition.at_close:
            for device in self.devices:
                self._meet(device)

    def _excused(self) -> list[int]:
        """Devices that an external ACS had no occasion to serve (language page, Windows)."""
        if self.mode in ("now", "for"):
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
        self._alarm.cancel()
        self.result = self._result(verdict, why)
        self.judge.closed(self)
        self._done(self)

    def _result(self, verdict: ClaimVerdict, why: str) -> ClaimResult:
        total = len(self.devices)
        # Where too many met it, those are the ones to look at.
        many = self.amount.kind in ("at most", "exactly") and len(self._met) > self.amount.number(total)
        missing = [device for device in self.devices if (device in self._met) is many]
        if self._own and not many and self.deadline is not None and self.judge.facts.now < self.deadline:
            # Decided by some whose own time is over: that of the others has not come.
            missing = [device for device in missing if device in self._missed]
        misses, hint = [], ""
        if verdict in ("missed", "inconclusive"):
            for device in missing[:MISSES_SHOWN]:
                try:
                    misses.append(self._miss(device))
                    hint = hint or ("" if many else self.condition.hint(device))
                except EvaluationError as error:
                    hint = hint or error.message
        limit = f" {self._limit_text}" if self._limit_text else ""
        if self.amount.kind == "across" or self.devices == [0]:
            message = f"{'met' if verdict == 'met' else 'not met'}{limit}"
        else:
            of, broke = f"of {total} device{'s' * (total != 1)}", total - len(self._met)
            message = f"{len(self._met)} {of} met it{limit}"
            if verdict == "missed" and self._latches and broke:
                # Decided, it ends: what the others would have done until then nobody knows.
                early = self.deadline is not None and self.judge.facts.now < self.deadline
                message = f"{broke} {of} broke it{' and ended it' * early} ({self._limit_text})"
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
            real_seconds=self._given(),
        )

    def _given(self) -> float | None:
        """Return how many seconds of real time an external ACS was given."""
        ended = self.judge.wall
        # A trace that is read again knows of no time before its first message.
        return round((ended - self._began) / SECOND, 3) if ended and self._began else None

    def _miss(self, device: int) -> DeviceMiss:
        at, why = self._missed.get(device, (self.judge.facts.now, ""))
        expected = self.condition.expected(device)
        if device in self._met:
            expected = f"{self.amount.text}: {expected}"
            if device in self._came:
                why = f"it came at {format_clock(self._came[device][0])}"
        return self.judge.miss(device, at, expected, why or self.condition.actual(device))

    def met_by(self, instant: int) -> array[int]:
        """Return which records of an instant met it: device (0 for all together) and record number by turns."""
        return self._last if instant == self._latest else array("Q")

    def met_at(self, device: int) -> tuple[int, int] | None:
        """Return when a device with a window of its own met it, and by which record; None where no record did."""
        return self._came.get(device)

    @property
    def progress(self) -> tuple[int, int]:
        """How many devices have met it, of how many."""
        return len(self._met), len(self.devices)

    def __repr__(self) -> str:
        state = self.verdict or "open"
        return f"<{self.statement.word} line {self.statement.span.line} {state} since {format_clock(self.opened)}>"
