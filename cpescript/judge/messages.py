"""Conditions on messages: that one came, that so many came, that none did."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from operator import attrgetter

from cpescript.judge.facts import view
from cpescript.judge.probes import Match
from cpescript.judge.setting import Setting, Together
from cpescript.kernel.time import format_clock
from cpescript.pattern.claim import MessageClaim
from cpescript.pattern.evaluate import Capture, CompiledPattern, EvaluationError, evaluate
from cpescript.pattern.message import brief
from cpescript.pattern.needs import counted

_IN_ORDER = attrgetter("n")


class MessageCondition:
    """At least one message of the pattern in the window (its settings in one message or several).

    With `together` the messages of all those devices are one stream, in the order of the trace.
    """

    takes = True
    """Whether a message that meets it is used up for the other claims of the block, and theirs for it."""

    states: frozenset[str] = frozenset()
    paths = False
    wide = False
    timed = False
    at_close = False
    lasts = False
    looks_back = True

    def __init__(self, claim: MessageClaim, setting: Setting, together: Together | None = None) -> None:
        self.claim = claim
        self.setting = setting
        self.kinds = claim.pattern.kinds
        self.probe = setting.probe(claim)
        self._pattern = CompiledPattern(self.probe.asked, setting.scope)
        self.full = self._pattern.full
        self._together = together

    @property
    def lost(self) -> bool:
        return self.probe.lost

    def alarm(self, device: int) -> int | None:
        return None

    def known(self, device: int) -> bool:
        return True

    # --- what came ------------------------------------------------------------------------------------------------

    def matches(self, device: int, after: int = 0, mine: Collection[int] = ()) -> list[Match]:
        """Return the matches of the window that nobody (but `mine`) has taken, with record numbers above `after`."""
        taken = self.setting.taken if self.takes else {}
        found = []
        for match in self._noted(device):
            opens = self.setting.window_of(match.device)
            if match.n <= max(after, opens.after) or (match.n in taken and match.n not in mine):
                continue
            if opens.closes is not None and match.t > opens.closes:
                continue
            mask = match.judged(self._pattern)
            if mask:
                found.append(match if mask == match.mask else Match(match.device, match.t, match.n, mask, match.record))
        return found

    def _noted(self, device: int) -> Sequence[Match]:
        opens = self.setting.window_of(device).opens
        if self._together is None:
            return self.probe.since(device, opens)
        members = frozenset(self._together())
        found = [match for each in self.probe.devices() if each in members for match in self.probe.since(each, opens)]
        return sorted(found, key=_IN_ORDER)

    def first(self, device: int, after: int = 0) -> list[Match] | None:
        """Return the earliest matches that together meet the pattern, None where they do not (yet)."""
        return self.complete(self.matches(device, after))

    def complete(self, matches: Iterable[Match]) -> list[Match] | None:
        """Return the earliest of these matches that together meet the pattern, None where they do not."""
        used, seen = [], 0
        for match in matches:
            if match.mask | seen != seen:
                used.append(match)
                seen |= match.mask
                if seen == self.full:
                    return used
        return None

    # --- a device's answer ----------------------------------------------------------------------------------------

    def holds(self, device: int) -> bool:
        return self.first(device) is not None

    def heard(self, device: int) -> bool:
        return bool(self.matches(device))

    def reached(self, device: int) -> int | None:
        used = self.first(device)
        return used[-1].n if used else None

    def consume(self, device: int) -> Match | None:
        used = self.first(device) or []
        self.take(used)
        return used[-1] if used else None

    def take(self, used: Sequence[Match]) -> None:
        """Use these matches up, and keep the last where the claim keeps one."""
        for match in used:
            self.setting.taken[match.n] = (self.setting.line, match.t)
        if used:
            self.keep(used[-1])

    def keep(self, match: Match) -> None:
        """Keep a matched message under the name that `as` gave."""
        name = self.claim.capture
        if name is not None and match.record is not None:
            kept = self.setting.captures.setdefault(name, Capture(self.setting.devices))
            kept.keep(match.device, match.t, view(match.record), match.n)

    def expected(self, device: int) -> str:
        return self.setting.text(self.claim)

    def actual(self, device: int) -> str:
        near = self.probe.near.get(device)
        if near is not None and near[0] >= self.setting.window_of(device).opens:
            return f"{brief(near[1].kind, view(near[1]))} at {format_clock(near[0])}"
        try:
            partial = self.matches(device)
        except EvaluationError as error:
            return error.message
        if partial and partial[-1].record is not None:
            last = partial[-1]
            assert last.record is not None
            return f"only {brief(last.record.kind, view(last.record))} at {format_clock(last.t)}"
        return f"no {self.claim.pattern.kind} came{self._too_late(device)}{self.setting.session_of(device)}"

    def _too_late(self, device: int) -> str:
        closes = self.setting.window_of(device).closes
        late = [match for match in self._noted(device) if closes is not None and match.t > closes]
        return f" in time, but one at {format_clock(late[0].t)}" if late else ""

    def hint(self, device: int) -> str:
        for match in self._noted(device):
            if match.n in self.setting.taken:
                line, t = self.setting.taken[match.n]
                return f"seen at {format_clock(t)}, taken by line {line}"
        return ""


class CountCondition(MessageCondition):
    """`exactly|at most|at least N MESSAGE`. A count is of what came, whoever else has used it."""

    takes = False

    def __init__(self, claim: MessageClaim, setting: Setting, together: Together | None = None) -> None:
        super().__init__(claim, setting, together)
        assert claim.count is not None
        self.number = counted(evaluate(claim.count, setting.scope), "int", claim.count.span, "a number of messages")
        self.comparison = claim.comparison or "at least"
        self.at_close = self.comparison != "at least"

    def _counted(self, device: int, after: int = 0) -> list[Match]:
        return [match for match in self.matches(device, after) if match.mask == self.full]

    def first(self, device: int, after: int = 0) -> list[Match] | None:
        counted = self._counted(device, after)
        if self.comparison == "at least":
            return counted[: self.number] if len(counted) >= self.number else None
        few = len(counted) <= self.number if self.comparison == "at most" else len(counted) == self.number
        return counted if few else None

    def reached(self, device: int) -> int | None:
        used = self.first(device)
        return None if used is None else used[-1].n if used else self.setting.window_of(device).after

    def consume(self, device: int) -> Match | None:
        for match in self._counted(device):
            self.keep(match)
        used = self.first(device)
        return used[-1] if used else None

    def actual(self, device: int) -> str:
        counted = self._counted(device)
        if not counted:
            return f"no {self.claim.pattern.kind} came"
        shown = ", ".join(format_clock(match.t) for match in counted[:5]) + (", …" if len(counted) > 5 else "")
        return f"{len(counted)} came (at {shown})"

    def hint(self, device: int) -> str:
        return ""


class AbsenceCondition(MessageCondition):
    """`no MESSAGE`: holds as long as none has come."""

    at_close = True
    takes = False

    def holds(self, device: int) -> bool:
        return self.first(device) is None

    def reached(self, device: int) -> int | None:
        return self.setting.window_of(device).after if self.holds(device) else None

    def consume(self, device: int) -> None:
        """Nothing came that could be used up."""

    def actual(self, device: int) -> str:
        used = self.first(device)
        return f"{self.claim.pattern.kind} came at {format_clock(used[-1].t)}" if used else "none came"

    def hint(self, device: int) -> str:
        return ""
