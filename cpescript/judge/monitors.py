"""Monitors: `always`, `never`, `sometimes`, checked at every event that concerns them until they are closed.

A violation is noted and the scenario goes on: the miss decides the verdict, and what follows is still worth seeing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from cpescript.judge.conditions import Condition, MessageCondition
from cpescript.judge.numbers import Numbers
from cpescript.judge.probes import DIRECTED
from cpescript.judge.quantity import Amount
from cpescript.judge.waiting import MISSES_SHOWN, Statement, Waiting
from cpescript.kernel.time import format_clock
from cpescript.kernel.trace import TO_ACS, Record
from cpescript.pattern import expression as x
from cpescript.pattern.evaluate import CompiledPattern, EvaluationError, Scope, member, resolve, unconditional
from cpescript.results import ClaimResult, ClaimVerdict, DeviceMiss

if TYPE_CHECKING:
    from cpescript.judge.judge import Judge


class Monitor:
    """One open invariant over a target whose conditions are asked anew at each event."""

    def __init__(
        self,
        judge: Judge,
        statement: Statement,
        mode: Literal["always", "never", "sometimes"],
        amount: Amount,
        target: x.Target | None,
        scope: Scope,
        condition: Condition,
    ) -> None:
        self.judge = judge
        self.statement = statement
        self.mode = mode
        self.amount = amount
        self.condition = condition
        self.opened = judge.facts.now
        self.result: ClaimResult | None = None
        self.until: Waiting | None = None
        self._target = target
        self._scope = scope
        self._member: Callable[[int], bool] = member(target, scope) if target is not None else lambda device: True
        self._fixed = target is not None and _is_fixed(target)
        self._total: int | None = None
        self._holding = Numbers()
        self._misses: dict[int, DeviceMiss] = {}
        self._violations = 0
        self._missed: set[int] = set()
        self._came_true = False
        self._violated = False
        self._asked = 0
        self._listening = False
        self._pattern = CompiledPattern(condition.claim.pattern, scope) if type(condition) is MessageCondition else None

    def open(self) -> None:
        """Judge what is so now, and listen."""
        self.judge.listen(self.condition, self._event)
        self._listening = True
        if self._pattern is None:
            try:
                for device in self._devices():
                    self._ask(device)
                self._judge(0)
            except EvaluationError as error:
                self.judge.broken(error, self.statement)

    def _devices(self) -> Sequence[int]:
        if self._target is None or self.amount.kind == "across":
            return [0]
        return resolve(self._target, self._scope)

    def _event(self, record: Record) -> None:
        if self.result is not None:
            return
        try:
            if self._pattern is not None:
                self._message(record)
            elif self._target is None or self.amount.kind == "across":
                self._ask(0)
                self._judge(record.device)
            elif self._member(record.device):
                self._ask(record.device)
                self._judge(record.device)
        except EvaluationError as error:
            self.judge.broken(error, self.statement)
            self.close()

    def _message(self, record: Record) -> None:
        from cpescript.judge.facts import view

        assert self._pattern is not None
        if self._pattern.node.kind in DIRECTED and record.direction == TO_ACS:
            return
        self._asked += 1
        if not self._member(record.device):
            return
        if self._pattern.mask(record.device, view(record), record.http) != self._pattern.full:
            return
        self._came_true = True
        if self.mode == "never":
            self._violation(record.device, f"{record.kind} came at {format_clock(record.t)}")

    def _ask(self, device: int) -> None:
        self._asked += 1
        if self.condition.holds(device):
            self._holding.add(device)
        else:
            self._holding.discard(device)

    def _judge(self, device: int) -> None:
        """Ask the quantifier, after something happened to `device` (0: nothing did, the monitor opened)."""
        if self.amount.kind == "across" or self._target is None:
            satisfied = 0 in self._holding
            count, total = int(satisfied), 1
        else:
            total = self._size()
            count = len(self._holding) if self._fixed else sum(1 for each in self._holding if self._member(each))
            satisfied = self.amount.reached(count, total) if total else self.mode == "always"
        if satisfied:
            self._came_true = True
        violated = satisfied if self.mode == "never" else not satisfied if self.mode == "always" else False
        if not violated:
            self._violated = False
            return
        each = self.amount.kind in ("each", "any")
        if each and self.mode != "sometimes" and device:
            # Every device that breaks the rule is named, not only the one that broke it first.
            if (device in self._holding) is (self.mode == "never"):
                self._violation(device, self.condition.actual(device))
        elif not self._violated:
            if each:
                for broken in self._devices():
                    if (broken in self._holding) is (self.mode == "never"):
                        self._violation(broken, self.condition.actual(broken))
            else:
                self._violation(device, self._figure(count, total))
        self._violated = True

    def _figure(self, count: int, total: int) -> str:
        if self.amount.kind == "across" or self._target is None:
            return self.condition.actual(0)
        return f"{count} of {total} were {self.condition.expected(0)}"

    def _size(self) -> int:
        """How many devices are in the target; counted anew only where its members can have changed."""
        if self._target is None:
            return 1
        known = len(self.judge.facts.all)
        if self._total is None or not self._fixed:
            if isinstance(self._target, x.All):
                return known
            self._total = len(resolve(self._target, self._scope))
        return self._total

    def _violation(self, device: int, actual: str) -> None:
        self._violations += 1
        if device in self._missed:
            return
        self._missed.add(device)
        if len(self._misses) < MISSES_SHOWN:
            expected = f"{self.mode} {self.judge.text(self.statement.claim)}"
            self._misses[device] = self.judge.miss(device, self.judge.facts.now, expected, actual)

    def close(self, *, cut: bool = False) -> None:
        """End the monitor and settle its verdict. A violated one is missed, whenever it ends."""
        if self.result is not None:
            return
        if self._listening:
            self.judge.deafen(self.condition, self._event)
        until, self.until = self.until, None
        if until is not None and not until.over():
            # Its end closes the monitor: that is what is being done already.
            until.close(cut=True)
            return
        verdict, message = self._verdict()
        self.result = ClaimResult(
            statement=self.mode,
            span=self.statement.claim.span,
            source=self.statement.source,
            verdict=verdict,
            message=message,
            opened=self.opened,
            closed=self.judge.facts.now,
            devices=self._size() if self._target is not None else 0,
            met=0,
            missed=len(self._missed),
            misses=tuple(self._misses.values()),
            callers=self.statement.callers,
        )
        self.judge.settled(self.result)

    def _verdict(self) -> tuple[ClaimVerdict, str]:
        if self._violations:
            first = min(self._misses.values(), key=lambda miss: miss.t)
            times = "once" if self._violations == 1 else f"{self._violations} times"
            return "missed", f"broken {times}, first at {format_clock(first.t)} by {first.device}: {first.actual}"
        if self._target is not None and not resolve(unconditional(self._target), self._scope):
            return "vacuous", "there was no device that it could have spoken of"
        if self.mode == "sometimes":
            return ("met", "it came true") if self._came_true else ("missed", "it never came true")
        if self.opened == self.judge.facts.now:
            return "vacuous", "no time passed while it was open"
        return "met", "never broken"


def _is_fixed(target: x.Target) -> bool:
    """Whether membership depends on nothing that changes while a scenario runs, but for devices being added."""
    if isinstance(target, x.Where):
        return False
    if isinstance(target, x.Except):
        return _is_fixed(target.base) and _is_fixed(target.removed)
    if isinstance(target, x.Union_):
        return all(map(_is_fixed, target.parts))
    return True
