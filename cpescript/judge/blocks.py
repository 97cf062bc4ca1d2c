"""Blocks of claims: `in order`, `in any order`, `one of`, met by distinct messages, per device."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cpescript.judge.messages import AbsenceCondition, CountCondition, MessageCondition
from cpescript.judge.probes import Match
from cpescript.judge.setting import Condition, Setting
from cpescript.kernel.time import format_clock
from cpescript.pattern.claim import BlockClaim


def _takes(part: Condition) -> bool:
    """Whether a line of a block is met by messages that are its own."""
    return isinstance(part, MessageCondition) and not isinstance(part, (CountCondition, AbsenceCondition))


class BlockCondition:
    """The claims of a block. A line that is met stays met.

    `in order`: the earliest message first, which finds a solution if there is one. `in any order`: lines that compete
    for messages are sorted out among them (augmenting paths), so that `Download` and `Download where …` are both met by
    two Downloads, whichever comes first. `one of`: the line that comes true first.
    """

    at_close = False
    lasts = False

    def __init__(self, claim: BlockClaim, setting: Setting, parts: Sequence[Condition]) -> None:
        self.claim = claim
        self.setting = setting
        self.parts = parts
        self.kinds = frozenset().union(*(part.kinds for part in parts))
        self.states = frozenset().union(*(part.states for part in parts))
        self.paths = any(part.paths for part in parts)
        self.timed = any(part.timed for part in parts)
        self.wide = any(part.wide for part in parts)
        self.looks_back = all(part.looks_back for part in parts)
        self._used: dict[int, dict[int, list[Match]]] = {}
        """Per device: the lines that are met, and what each has used."""
        self._at: dict[int, int] = {}
        """Per device: the record number at which the last line was met."""

    @property
    def lost(self) -> bool:
        return any(part.lost for part in self.parts)

    def alarm(self, device: int) -> int | None:
        used = self._used.get(device, {})
        found = [part.alarm(device) for index, part in enumerate(self.parts) if index not in used]
        return min((when for when in found if when is not None), default=None)

    def known(self, device: int) -> bool:
        return True

    def heard(self, device: int) -> bool:
        return any(part.heard(device) for part in self.parts)

    def holds(self, device: int) -> bool:
        used = self._used.setdefault(device, {})
        if self.claim.kind == "one of":
            return bool(used) or self._one_of(device, used)
        (self._in_order if self.claim.kind == "in order" else self._in_any_order)(device, used)
        return len(used) == len(self.parts)

    def reached(self, device: int) -> int | None:
        return self._at[device] if self.holds(device) else None

    # --- the three kinds ------------------------------------------------------------------------------------------

    def _in_order(self, device: int, used: dict[int, list[Match]]) -> None:
        while len(used) < len(self.parts):
            part, after = self.parts[len(used)], self._at.get(device, 0)
            if isinstance(part, MessageCondition):
                found = part.first(device, after)
                if found is None:
                    return
                self._meet(device, used, len(used), found)
            elif (at := self._reached(part, device)) is not None:
                # What was so before it was asked is not known, so what follows has to come from here on.
                used[len(used)] = []
                self._at[device] = max(after, at)
            else:
                return

    def _reached(self, part: Condition, device: int) -> int | None:
        """Return where a line was reached; what is so now says nothing of a window that is over."""
        if not part.looks_back and self.setting.is_over(device):
            return None
        return part.reached(device)

    def _one_of(self, device: int, used: dict[int, list[Match]]) -> bool:
        found = [(at, i) for i, part in enumerate(self.parts) if (at := self._reached(part, device)) is not None]
        if not found:
            return False
        self._at[device], index = min(found)
        part = self.parts[index]
        self._meet(device, used, index, (part.first(device) or []) if isinstance(part, MessageCondition) else [])
        return True

    def _in_any_order(self, device: int, used: dict[int, list[Match]]) -> None:
        for index, part in enumerate(self.parts):
            if index in used:
                continue
            if not isinstance(part, MessageCondition) or not _takes(part):
                if (at := self._reached(part, device)) is not None:
                    used[index] = []
                    self._at[device] = max(self._at.get(device, 0), at)
            elif not self._find(device, used, index, set()):
                mine = {match.n for each in used.values() for match in each}
                found = part.complete([match for match in part.matches(device) if match.n not in mine])
                if found is not None:
                    self._meet(device, used, index, found)

    def _find(self, device: int, used: dict[int, list[Match]], index: int, seen: set[int]) -> bool:
        """Find one message that meets a line alone, where another line that has it can do with another one."""
        part = self.parts[index]
        assert isinstance(part, MessageCondition)
        owners = {match.n: owner for owner, each in used.items() for match in each if len(each) == 1}
        mine: Collection[int] = owners.keys()
        for match in part.matches(device, mine=mine):
            if match.mask != part.full or match.n in seen:
                continue
            seen.add(match.n)
            owner = owners.get(match.n)
            if owner is None or self._find(device, used, owner, seen):
                self._meet(device, used, index, [match])
                return True
        return False

    def _meet(self, device: int, used: dict[int, list[Match]], index: int, found: list[Match]) -> None:
        used[index] = found
        part = self.parts[index]
        if found:
            self._at[device] = max(self._at.get(device, 0), found[-1].n)
            if isinstance(part, MessageCondition) and _takes(part):
                part.take(found)

    def consume(self, device: int) -> Match | None:
        # Lines take their messages as they are met: no other claim can have them meanwhile.
        used = [match for each in self._used[device].values() for match in each]
        return max(used, key=lambda match: match.n, default=None)

    # --- evidence -------------------------------------------------------------------------------------------------

    def _open_part(self, device: int) -> Condition:
        used = self._used.get(device, {})
        return next((part for index, part in enumerate(self.parts) if index not in used), self.parts[0])

    def expected(self, device: int) -> str:
        done = len(self._used.get(device, {}))
        text = self._open_part(device).expected(device)
        return f"{text} (after {done} of {len(self.parts)} were met)" if done else text

    def actual(self, device: int) -> str:
        part = self._open_part(device)
        if isinstance(part, MessageCondition) and self.claim.kind == "in order":
            early = [match for match in part.matches(device) if match.n <= self._at.get(device, 0)]
            if early:
                return f"{part.claim.pattern.kind} came at {format_clock(early[0].t)}, before its turn"
        return part.actual(device)

    def hint(self, device: int) -> str:
        return self._open_part(device).hint(device)
