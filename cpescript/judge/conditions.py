"""Conditions: whether *one device* meets a claim, as of now, and what to say if it does not.

A condition is asked again after each record that concerns it (`kinds`, `states`, `paths`). It knows nothing of
quantifiers and deadlines: `waiting.py` and `monitors.py` put those on top.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cpescript.judge.facts import TraceFacts, view
from cpescript.judge.probes import Match, Probe
from cpescript.kernel.time import format_clock
from cpescript.pattern import expression as x
from cpescript.pattern import values
from cpescript.pattern.claim import BlockClaim, Claim, MessageClaim, StateClaim, ValueClaim
from cpescript.pattern.evaluate import (
    Capture,
    CompiledPattern,
    Scope,
    compile_expression,
    concrete_path,
    evaluate,
)
from cpescript.pattern.message import brief


@dataclass(slots=True)
class Setting:
    """What every condition of one claim shares."""

    facts: TraceFacts
    scope: Scope
    window: int
    """Messages from this instant on count."""
    after: int
    """And only those with a record number above this one: for a claim that looks forward from where it stands."""
    taken: dict[int, tuple[int, int]]
    """Record number to (source line, instant), for messages that another claim of the block has used up."""
    line: int
    text: Callable[[Claim | x.Node], str]
    probe: Callable[[MessageClaim], Probe]
    session_of: Callable[[int], str]
    """How a device's last session ended, where that explains something: `; its last session was refused`."""
    captures: dict[str, Capture] = field(default_factory=dict)


class Condition(Protocol):
    kinds: frozenset[str]
    states: frozenset[str]
    paths: bool
    """Whether parameters matter."""
    at_close: bool
    """Whether it can be judged only when the window closes: `exactly` and `at most` N messages, `no` message."""

    @property
    def lost(self) -> bool:
        """Whether messages that may matter had to be forgotten, so that a miss proves nothing."""

    def holds(self, device: int) -> bool:
        """Whether the device meets the claim now; latching is the caller's business."""

    def consume(self, device: int) -> None:
        """The device has met the claim: take its messages, keep its captures."""

    def expected(self, device: int) -> str: ...

    def actual(self, device: int) -> str: ...

    def hint(self, device: int) -> str: ...


class MessageCondition:
    """At least one message of the pattern in the window (its settings in one message or several)."""

    takes = True
    """Whether a message that meets it is used up for the other claims of the block, and theirs for it."""

    states: frozenset[str] = frozenset()
    paths = False
    at_close = False

    def __init__(self, claim: MessageClaim, setting: Setting) -> None:
        self.claim = claim
        self.setting = setting
        self.kinds = claim.pattern.kinds
        self.probe = setting.probe(claim)
        self._late = CompiledPattern(claim.pattern, setting.scope) if claim.pattern.dynamic else None
        self._full = CompiledPattern(claim.pattern, setting.scope).full

    @property
    def lost(self) -> bool:
        return self.probe.lost

    def matches(self, device: int, after: int = 0) -> list[Match]:
        """Return the matches of the window that nobody has taken, with record numbers above `after`."""
        taken = self.setting.taken if self.takes else {}
        after = max(after, self.setting.after)
        noted = self.probe.since(device, self.setting.window)
        found = [match for match in noted if match.n > after and match.n not in taken]
        if self._late is None:
            return found
        late = self._late
        judged = []
        for match in found:
            assert match.record is not None
            mask = late.mask(device, view(match.record), match.record.http)
            if mask:
                judged.append(Match(match.t, match.n, mask, match.record))
        return judged

    def first(self, device: int, after: int = 0) -> list[Match] | None:
        """Return the earliest matches that together meet the pattern, None where they do not (yet)."""
        used, seen = [], 0
        for match in self.matches(device, after):
            if match.mask | seen != seen:
                used.append(match)
                seen |= match.mask
                if seen == self._full:
                    return used
        return None

    def holds(self, device: int) -> bool:
        return self.first(device) is not None

    def consume(self, device: int) -> None:
        self.take(device, self.first(device) or [])

    def take(self, device: int, used: Sequence[Match]) -> None:
        for match in used:
            self.setting.taken[match.n] = (self.setting.line, match.t)
        if used:
            keep(self.setting, self.claim.capture, device, used[-1])

    def expected(self, device: int) -> str:
        return self.setting.text(self.claim)

    def actual(self, device: int) -> str:
        near = self.probe.near.get(device)
        if near is not None and near[0] >= self.setting.window:
            return f"{brief(near[1].kind, view(near[1]))} at {format_clock(near[0])}"
        partial = self.matches(device)
        if partial and partial[-1].record is not None:
            last = partial[-1]
            assert last.record is not None
            return f"only {brief(last.record.kind, view(last.record))} at {format_clock(last.t)}"
        return f"no {self.claim.pattern.kind} came{self.setting.session_of(device)}"

    def hint(self, device: int) -> str:
        for match in self.probe.since(device, self.setting.window):
            if match.n in self.setting.taken:
                line, t = self.setting.taken[match.n]
                return f"seen at {format_clock(t)}, taken by line {line}"
        return ""


def keep(setting: Setting, name: str | None, device: int, match: Match) -> None:
    """Keep a matched message under the name that `as` gave."""
    if name is not None and match.record is not None:
        setting.captures.setdefault(name, Capture()).keep(device, match.t, view(match.record))


class CountCondition(MessageCondition):
    """`exactly|at most|at least N MESSAGE`; `devices` are counted together where the claim says `across`.

    A count is of what came, whoever else has used it.
    """

    takes = False

    def __init__(self, claim: MessageClaim, setting: Setting, together: Sequence[int] | None = None) -> None:
        super().__init__(claim, setting)
        self.number = int(evaluate(claim.count, setting.scope))
        self.comparison = claim.comparison or "at least"
        self.at_close = self.comparison != "at least"
        self._together = together

    def counted(self, device: int) -> int:
        devices = self._together if self._together is not None else (device,)
        return sum(1 for each in devices for match in self.matches(each) if match.mask == self._full)

    def holds(self, device: int) -> bool:
        count = self.counted(device)
        if self.comparison == "at least":
            return count >= self.number
        return count <= self.number if self.comparison == "at most" else count == self.number

    def consume(self, device: int) -> None:
        for match in self.matches(device):
            keep(self.setting, self.claim.capture, device, match)

    def actual(self, device: int) -> str:
        instants = [match.t for each in self._together or (device,) for match in self.matches(each)]
        count = self.counted(device)
        if not instants:
            return f"no {self.claim.pattern.kind} came"
        shown = ", ".join(format_clock(t) for t in instants[:5]) + (", …" if len(instants) > 5 else "")
        return f"{count} came (at {shown})"

    def hint(self, device: int) -> str:
        return ""


class AbsenceCondition(MessageCondition):
    """`no MESSAGE`: holds as long as none has come."""

    at_close = True
    takes = False

    def holds(self, device: int) -> bool:
        return self.first(device) is None

    def consume(self, device: int) -> None:
        pass

    def actual(self, device: int) -> str:
        used = self.first(device)
        return f"{self.claim.pattern.kind} came at {format_clock(used[-1].t)}" if used else "none came"

    def hint(self, device: int) -> str:
        return ""


class ValueCondition:
    """A boolean expression over parameters and figures; `device` 0 asks for a group or for the run."""

    at_close = False
    lost = False

    def __init__(self, claim: ValueClaim, setting: Setting, together: Sequence[int] | None = None) -> None:
        self.claim = claim
        self.setting = setting
        self._value = compile_expression(claim.expression)
        self._together = together
        self.kinds = frozenset(kind for pattern in claim.patterns for kind in pattern.kinds)
        self.states: frozenset[str] = frozenset()
        self.paths = bool(claim.parameters)

    def scope(self, device: int) -> Scope:
        if device == 0 or self._together is not None:
            return self.setting.scope.together(self._together if self._together is not None else self.setting.facts.all)
        return self.setting.scope.child(device)

    def holds(self, device: int) -> bool:
        return bool(self._value(self.scope(device)))

    def consume(self, device: int) -> None:
        pass

    def expected(self, device: int) -> str:
        return self.setting.text(self.claim)

    def actual(self, device: int) -> str:
        scope = self.scope(device)
        shown = []
        for parameter in self.claim.parameters:
            try:
                value = evaluate(parameter, scope)
                name = str(parameter.path) if None in parameter.path.parts else concrete_path(parameter.path, scope)
            except (KeyError, LookupError):
                continue
            missing = value is None or (value == [] and (parameter.path.partial or None in parameter.path.parts))
            shown.append(f"{name} does not exist" if missing else f"{name} is {values.show(value)}")
        for pattern in self.claim.patterns:
            shown.append(f"{self.setting.facts.count(pattern, scope)} {pattern.kind} so far")
        expression = self.claim.expression
        if not shown and isinstance(expression, x.Binary):
            sides = [side for side in (expression.left, expression.right) if not isinstance(side, x.Literal_)]
            shown = [f"{self.setting.text(side)} is {values.show(evaluate(side, scope))}" for side in sides]
        if not shown:
            shown.append(f"at {format_clock(self.setting.facts.now)} it is not so")
        return ", ".join(shown)

    def hint(self, device: int) -> str:
        return ""


class StateCondition:
    """The device is (not) in a state."""

    kinds: frozenset[str] = frozenset()
    paths = False
    at_close = False
    lost = False

    def __init__(self, claim: StateClaim, setting: Setting) -> None:
        self.claim = claim
        self.setting = setting
        self.states = frozenset({"online" if claim.state == "offline" else claim.state})

    def holds(self, device: int) -> bool:
        return self.setting.facts.in_state(device, self.claim.state) is not self.claim.negated

    def consume(self, device: int) -> None:
        pass

    def expected(self, device: int) -> str:
        return ("not " if self.claim.negated else "") + self.claim.state

    def actual(self, device: int) -> str:
        facts = self.setting.facts
        states = [state for state, members in sorted(facts.states.items()) if device in members]
        if self.claim.state in states or facts.in_state(device, self.claim.state):
            return f"it is {self.claim.state}"
        return f"it is not {self.claim.state}" + (f" (it is {', '.join(states)})" if states else "")

    def hint(self, device: int) -> str:
        return ""


class BlockCondition:
    """`in order`, `in any order`, `one of`: claims met by distinct messages, per device.

    Messages are matched greedily, the earliest first: for claims in order that finds a solution if there is one.
    """

    at_close = False

    def __init__(self, claim: BlockClaim, setting: Setting) -> None:
        self.claim = claim
        self.setting = setting
        self.parts = [condition(part, setting) for part in claim.claims]
        self.kinds = frozenset().union(*(part.kinds for part in self.parts))
        self.states = frozenset().union(*(part.states for part in self.parts))
        self.paths = any(part.paths for part in self.parts)
        self._reached: dict[int, list[int]] = {}
        """Per device: how many claims are met in order, and the record number reached."""
        self._met: dict[int, set[int]] = {}

    @property
    def lost(self) -> bool:
        return any(part.lost for part in self.parts)

    def holds(self, device: int) -> bool:
        if self.claim.kind == "in order":
            return self._advance(device) == len(self.parts)
        met = self._met.setdefault(device, set())
        for index, part in enumerate(self.parts):
            if index not in met and part.holds(device):
                part.consume(device)
                met.add(index)
                if self.claim.kind == "one of":
                    return True
        return len(met) == len(self.parts)

    def _advance(self, device: int) -> int:
        reached = self._reached.setdefault(device, [0, 0])
        while reached[0] < len(self.parts):
            part = self.parts[reached[0]]
            if isinstance(part, MessageCondition) and not isinstance(part, (CountCondition, AbsenceCondition)):
                used = part.first(device, reached[1])
                if used is None:
                    break
                part.take(device, used)
                reached[1] = used[-1].n
            elif not part.holds(device):
                break
            reached[0] += 1
        return reached[0]

    def consume(self, device: int) -> None:
        pass

    def _open_part(self, device: int) -> Condition:
        if self.claim.kind == "in order":
            return self.parts[min(self._reached.get(device, [0, 0])[0], len(self.parts) - 1)]
        met = self._met.get(device, set())
        return next((part for index, part in enumerate(self.parts) if index not in met), self.parts[0])

    def expected(self, device: int) -> str:
        part = self._open_part(device)
        done = self._reached.get(device, [0, 0])[0] if self.claim.kind == "in order" else len(self._met.get(device, ()))
        text = part.expected(device)
        return f"{text} (after {done} of {len(self.parts)} were met)" if done else text

    def actual(self, device: int) -> str:
        part = self._open_part(device)
        if isinstance(part, MessageCondition) and self.claim.kind == "in order":
            after = self._reached.get(device, [0, 0])[1]
            early = [match for match in part.matches(device) if match.n <= after]
            if early:
                return f"{part.claim.pattern.kind} came at {format_clock(early[0].t)}, before its turn"
        return part.actual(device)

    def hint(self, device: int) -> str:
        return self._open_part(device).hint(device)


def condition(claim: Claim, setting: Setting, together: Sequence[int] | None = None) -> Condition:
    """Return the condition of a claim; `together` are the devices of an `across`."""
    if isinstance(claim, MessageClaim):
        if claim.comparison is not None:
            return CountCondition(claim, setting, together)
        return (AbsenceCondition if claim.negated else MessageCondition)(claim, setting)
    if isinstance(claim, ValueClaim):
        return ValueCondition(claim, setting, together)
    if isinstance(claim, StateClaim):
        return StateCondition(claim, setting)
    if isinstance(claim, BlockClaim):
        return BlockCondition(claim, setting)
    raise TypeError(f"no condition for {type(claim).__name__}")
