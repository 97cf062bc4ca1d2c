"""Monitors: `always`, `never`, `sometimes`, checked at every event that concerns them until they are closed.

A violation is noted and the scenario goes on: the miss decides the verdict, and what follows is still worth seeing.

1. `always each` and `never any`, the usual ones, speak of devices one by one: each that breaks the rule is named, each
   time that it begins to. Other quantifiers, and figures of several devices, are broken as a whole.
2. Who belongs to a target with `where` is asked anew whenever something happens that the `where` asks about.
3. `until` ends the rule device by device where it speaks of them one by one, else when each device has met it. The
   message that ends it does not break it.
4. What time alone changes (`elapsed`, `rate`) is asked at the instant when it does, and at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cpescript.judge.facts import asked
from cpescript.judge.interest import Interest, interest_in_members
from cpescript.judge.messages import MessageCondition
from cpescript.judge.numbers import Numbers
from cpescript.judge.probes import Probe
from cpescript.judge.quantity import Amount
from cpescript.judge.setting import Condition
from cpescript.judge.timed import Alarm
from cpescript.judge.waiting import MISSES_SHOWN, Statement
from cpescript.kernel.time import format_clock
from cpescript.kernel.trace import Record
from cpescript.pattern import expression as x
from cpescript.pattern.evaluate import CompiledPattern, EvaluationError, Scope, is_fixed, member, resolve, unconditional
from cpescript.pattern.walking import walk
from cpescript.results import ClaimResult, ClaimVerdict, DeviceMiss

if TYPE_CHECKING:
    from cpescript.judge.judge import Judge

Mode = Literal["always", "never", "sometimes"]
_ONE_BY_ONE = frozenset({("always", "each"), ("never", "any"), ("sometimes", "any")})


@dataclass(frozen=True, slots=True)
class Until:
    """What ends a monitor: a condition, and the devices that it is asked of, device 0 for what is asked of them all
    together. `own`: they are others than those that the monitor speaks of; then `joins` says whether one that comes to
    be is of them."""

    condition: Condition
    devices: set[int]
    own: bool
    joins: Callable[[int], bool] | None = None


class Monitor:
    """One open invariant over a target whose conditions are asked anew at each event."""

    def __init__(
        self,
        judge: Judge,
        statement: Statement,
        mode: Mode,
        amount: Amount,
        target: x.Target | None,
        scope: Scope,
        condition: Condition,
        until: Until | None = None,
        noting: tuple[Probe, ...] = (),
    ) -> None:
        self.judge = judge
        self.statement = statement
        self.mode = mode
        self.amount = amount
        self.condition = condition
        self.opened = judge.facts.now
        self.result: ClaimResult | None = None
        self._target = target
        self._scope = scope
        self._member: Callable[[int], bool] = member(target, scope) if target is not None else lambda device: True
        self._fixed = target is None or is_fixed(target)
        self._single = target is None or amount.kind == "across"
        """Whether it is asked once for all (as device 0), not of each device."""
        self._one_by_one = (mode, amount.kind) in _ONE_BY_ONE and not self._single
        self._pattern: CompiledPattern | None = None
        if type(condition) is MessageCondition:
            # Messages come to a device and are gone: who had one is remembered, where that is what matters.
            self._pattern = CompiledPattern(condition.claim.pattern, scope)
            self._one_by_one = mode == "never" and amount.kind in ("any", "each", "across")
        self._until = until
        self._until_met: set[int] = set()
        self._released = Numbers()
        self._messages = judge.messages()
        """How many messages had come when it was opened."""
        """Devices for which the rule is over."""
        self._members = Numbers()
        self._holding = Numbers()
        self._bad = Numbers()
        self._total: int | None = None
        self._misses: dict[int, DeviceMiss] = {}
        self._violations = 0
        self._missed: set[int] = set()
        self._came_true = False
        self._heard = False
        """Whether anything has happened that concerned it."""
        self._violated = False
        self._alarm = Alarm(judge.timers, self._rung)
        self._gone: str = ""
        self._spoke = self._fixed
        """Whether it has ever spoken of a device."""
        self._noting: tuple[Probe, ...] = noting
        members = interest_in_members(target)
        self._all = members.wide or condition.wide
        self._grows = any(isinstance(node, x.All) for named in (target, statement.claim) for node in walk(named))
        """Whether devices that come to be later matter to it."""
        self._concern = Interest() | condition | members
        if until is not None:
            self._concern |= until.condition

    # --- life -----------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Judge what is so now, and listen."""
        self.judge.listen(self._concern, self._event)
        if self._grows or (self._until is not None and self._until.joins is not None):
            self.judge.newcomers.append(self._joined)
        try:
            self._gone = self._stopped()
            self._look_for_members()
            self._look_behind()
            if self._until is not None:
                for device in sorted(self._until.devices):
                    self._end_for(device)
            if self.result is None and self._pattern is None:
                self._ask_all()
            elif self.result is None:
                self._wake(())
        except EvaluationError as error:
            self._broken(error)

    def close(self, *, cut: bool = False) -> None:
        """End the monitor and settle its verdict. A violated one is missed, whenever it ends."""
        if self.result is not None:
            return
        try:
            if self.condition.timed:
                # What time changes is not only so when something happens.
                self._ask_all(wake=False)
            verdict, message = self._verdict(cut)
            devices = self._size() if self._target is not None else 0
        except EvaluationError as error:
            self._broken(error)
            return
        self._settle(verdict, message, devices)

    def _broken(self, error: EvaluationError) -> None:
        """It cannot be worked out: it ends here."""
        self.judge.broken(error, self.statement)
        if self.result is None:
            self._settle("error", error.message, len(self._members))

    def _settle(self, verdict: ClaimVerdict, message: str, devices: int) -> None:
        self.judge.deafen(self._concern, self._event)
        if self._joined in self.judge.newcomers:
            self.judge.newcomers.remove(self._joined)
        self.judge.probes.retire(self._noting)
        self._alarm.cancel()
        self.result = ClaimResult(
            statement=self.mode,
            span=self.statement.claim.span,
            source=self.statement.source,
            verdict=verdict,
            message=message,
            opened=self.opened,
            closed=self.judge.facts.now,
            devices=devices,
            met=0,
            missed=len(self._missed),
            misses=tuple(self._misses.values()),
            callers=self.statement.callers,
        )
        self.judge.settled(self.result)

    # --- events ---------------------------------------------------------------------------------------------------

    def _event(self, record: Record) -> None:
        if self.result is not None:
            return
        device = record.device
        self._heard = True
        try:
            if not self._spoke:
                self._look_for_members(device)
            if self._until is not None and (self._end_for(device) or self.result is not None):
                return
            if self._pattern is not None:
                self._message(record)
                self._wake(())
            elif self._single or self._all:
                self._ask_all(device)
            elif device in self._members or self._member(device):
                self._ask(device)
                self._judge(device)
                self._wake((device,))
        except EvaluationError as error:
            self._broken(error)

    def _joined(self, record: Record) -> None:
        """A device has come to be: the rule is its own from then on, and so is what ends it."""
        until = self._until
        if until is not None and (until.joins(record.device) if until.joins is not None else self._each_its_own):
            until.devices.add(record.device)
        if not self._concern.paths:
            # What parameters it has is told right behind.
            self._event(record)

    def _look_for_members(self, device: int = 0) -> None:
        """Note whether there is, by now, a device that it speaks of, after something happened to one (0: to none)."""
        if self._spoke or self._target is None:
            return
        asked = (device,) if device and not self._all else resolve(unconditional(self._target), self._scope)
        self._spoke = any(map(self._member, asked))

    def _message(self, record: Record) -> None:
        assert self._pattern is not None
        if record.kind not in self._pattern.node.kinds:
            # It concerns the target or the `until` only.
            return
        if not self._member(record.device) or asked(self._pattern, record) != self._pattern.full:
            return
        self._came(record.device, record.kind, record.t)

    def _look_behind(self) -> None:
        """Ask of the messages that came in this very instant, behind what met the claim before."""
        condition = self.condition
        if self._pattern is None or not isinstance(condition, MessageCondition) or not any(condition.probe.devices()):
            return
        found = [match for each in self._devices() for match in condition.matches(each) if match.mask == condition.full]
        for match in sorted(found, key=lambda match: match.n):
            if self._member(match.device) and not self._ended_by(match.device, match.n):
                self._heard = True
                self._came(match.device, self._pattern.node.kind, match.t)

    def _ended_by(self, device: int, n: int) -> bool:
        """Whether `until` had ended the rule for a device by record `n`."""
        until = self._until
        if until is None:
            return False
        reached = [until.condition.reached(each) for each in ([device] if self._each_its_own else until.devices)]
        return all(at is not None and at <= n for at in reached)

    def _came(self, device: int, kind: str, t: int) -> None:
        """A message came that it speaks of."""
        said = f"{kind} came at {format_clock(t)}"
        if self._one_by_one:
            self._violation(device, said)
            return
        self._holding.add(device)
        whole = self._single or self.amount.reached(len(self._holding), self._size())
        self._came_true = self._came_true or whole
        if whole and self.mode == "never":
            self._violation(device, f"{len(self._holding)} devices had {kind}; {said}")

    def _devices(self) -> Sequence[int]:
        """Return every device that it may have to do with."""
        if self._target is None or self._single:
            return [0]
        return resolve(unconditional(self._target), self._scope)

    def _ask_all(self, device: int = 0, *, wake: bool = True) -> None:
        """Ask every device, after something happened to one of them (0: to none)."""
        devices = self._devices()
        for each in devices:
            self._ask(each)
        if self._one_by_one:
            for each in devices:
                self._judge(each)
        else:
            self._judge(device)
        if wake:
            self._wake(devices)

    def _ask(self, device: int) -> None:
        if self._single or (device not in self._released and self._member(device)):
            if not self.condition.known(device):
                return
            self._members.add(device)
            (self._holding.add if self.condition.holds(device) else self._holding.discard)(device)
        else:
            self._members.discard(device)
            self._holding.discard(device)

    def _judge(self, device: int) -> None:
        """Ask the quantifier, after something happened to `device` (0: nothing did, or not to one alone)."""
        if self._one_by_one:
            self._judge_one(device)
            return
        if self._single:
            if 0 not in self._members:
                # There is nothing to judge by yet.
                return
            count, total = int(0 in self._holding), 1
            satisfied = bool(count)
        else:
            count, total = len(self._holding), self._size()
            satisfied = self.amount.reached(count, total) if total else self.mode == "always"
        self._came_true = self._came_true or satisfied
        violated = satisfied if self.mode == "never" else not satisfied if self.mode == "always" else False
        if violated and not self._violated:
            self._violation(device, self._figure(count, total))
        self._violated = violated

    def _judge_one(self, device: int) -> None:
        holds = device in self._holding
        self._came_true = self._came_true or holds
        if self.mode != "sometimes" and device in self._members and holds is (self.mode == "never"):
            if device not in self._bad:
                self._bad.add(device)
                self._violation(device, self.condition.actual(device))
        else:
            self._bad.discard(device)

    def _figure(self, count: int, total: int) -> str:
        if self._single:
            return self.condition.actual(0)
        return f"{count} of {total} were {self.condition.expected(0)}"

    def _size(self) -> int:
        """How many devices are in the target; counted anew only where its members can have changed."""
        if self._target is None:
            return 1
        if not self._fixed and self._pattern is None and not self._single:
            return len(self._members)
        if isinstance(self._target, x.All):
            return len(self.judge.facts.all) - len(self._released)
        if self._total is None or not self._fixed:
            self._total = len(resolve(self._target, self._scope))
        return self._total - len(self._released)

    def _violation(self, device: int, actual: str) -> None:
        if device not in self._missed and len(self._misses) < MISSES_SHOWN:
            expected = f"{self.mode} {self.judge.text(self.statement.claim)}"
            self._misses[device] = self.judge.miss(device, self.judge.facts.now, expected, actual)
        # Behind the evidence: what cannot be told, as a store is gone that it would be read from, is no violation yet.
        self._missed.add(device)
        self._violations += 1

    # --- time -----------------------------------------------------------------------------------------------------

    def _wake(self, devices: Iterable[int]) -> None:
        """Have the next instant told at which time alone changes it for one of these devices."""
        asked = [(self.condition, device) for device in devices if self._single or device in self._members]
        if self._until is not None:
            asked += [(self._until.condition, device) for device in self._until.devices]
        for condition, device in asked:
            if condition.timed:
                self._alarm.no_later(condition.alarm(device))

    def _rung(self) -> None:
        if self.result is not None:
            return
        try:
            for device in sorted(self._until.devices) if self._until is not None else ():
                self._end_for(device)
            if self.result is None and self._pattern is None:
                self._ask_all()
            elif self.result is None:
                # Messages are judged as they come: only what ends the rule has to be asked again.
                self._wake(())
        except EvaluationError as error:
            self._broken(error)

    # --- its end --------------------------------------------------------------------------------------------------

    def _end_for(self, device: int) -> bool:
        """Look whether `until` has come true for a device; return whether the rule is over for it."""
        until = self._until
        assert until is not None
        if 0 in until.devices:
            device = 0
        if device not in self._until_met:
            if device not in until.devices or not until.condition.holds(device):
                return False
            self._until_met.add(device)
            if self._each_its_own:
                self._released.add(device)
                for numbers in (self._members, self._holding, self._bad):
                    numbers.discard(device)
            if len(self._until_met) == len(until.devices) and not (self._each_its_own and self._grows):
                self.close()
        return device in self._released

    @property
    def _each_its_own(self) -> bool:
        """Whether `until` ends the rule device by device."""
        return self._until is not None and self._one_by_one and not self._until.own and 0 not in self._until.devices

    def _stopped(self) -> str:
        """Return why it could not have been broken, where its devices were taken away before it began."""
        facts = self.judge.facts
        if not facts.stopped or self._target is None:
            return ""
        return facts.gone(resolve(unconditional(self._target), self._scope))

    def _verdict(self, cut: bool) -> tuple[ClaimVerdict, str]:
        if self._violations:
            first = min(self._misses.values(), key=lambda miss: miss.t)
            times = "once" if self._violations == 1 else f"{self._violations} times"
            by = "" if first is self._misses.get(0) else f" by {first.device}"
            return "missed", f"broken {times}, first at {format_clock(first.t)}{by}: {first.actual}"
        if self._target is not None and not resolve(unconditional(self._target), self._scope):
            return "vacuous", f"there was no device that this '{self.mode}' could have spoken of"
        if self.mode == "sometimes":
            if self._came_true:
                return "met", "it came true"
            if not self._watched():
                return "vacuous", "no time passed while it was open"
            return ("inconclusive", "the run ended before it came true") if cut else ("missed", "it never came true")
        if self._gone:
            return "vacuous", self._gone
        if not self._spoke:
            return "vacuous", f"no device was ever one that this '{self.mode}' speaks of"
        if self.condition.timed is False and self._single and self._pattern is None and 0 not in self._members:
            return "vacuous", "nothing was measured that it could have spoken of"
        if not self._watched():
            return "vacuous", "no time passed while it was open"
        return "met", "never broken"

    def _watched(self) -> bool:
        """Whether anything could happen while it was open: sessions take no time."""
        if self.opened != self.judge.facts.now or (self._heard and self._until_met):
            return True
        return self._messages != self.judge.messages()
