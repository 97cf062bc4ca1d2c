"""Checks numbers of devices against how many a scenario makes, as far as that is known before running."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cpescript.diagnostics import Bag
from cpescript.kernel.time import Percent
from cpescript.language import timeline as tl
from cpescript.language.scope import Scope
from cpescript.pattern import expression as px
from cpescript.pattern.functions import quota
from cpescript.pattern.walking import walk

_AGAIN = (tl.Repeat, tl.ForEach, tl.Handler)
"""Steps whose blocks may run more than once, so that what they spawn is not counted."""


def check_headcount(steps: Sequence[tl.Step], procedures: Iterable[tl.Procedure], bag: Bag) -> None:
    """Report `fleet[4]`, `4 of fleet` and `at least 4 of fleet` where the fleet has three devices.

    `steps` are those of a scenario before its params are put in: a number that is given from outside may be any. The
    blocks of an `if` are left alone, as their condition may be about the number, and so are procedures, whose devices
    are arguments.
    """
    heads = Heads(steps, procedures)
    for node in walk(tuple(steps), without=(tl.If,)):
        if isinstance(node, px.Slice):
            _slice(node, heads, bag)
        elif isinstance(node, px.Draw):
            _draw(node, heads, bag)
        elif isinstance(node, (tl.Expect, tl.Monitor)) and node.on is not None:
            _quantity(node, heads, bag)


class Heads:
    """The most devices that a target can have."""

    def __init__(self, steps: Sequence[tl.Step], procedures: Iterable[tl.Procedure]) -> None:
        self.cohorts: dict[str, int | None] = {}
        self.total: int | None = 0
        """All devices that are ever made."""
        for step in walk(tuple(steps), without=_AGAIN):
            if isinstance(step, tl.Spawn):
                count = number(step.count)
                self._more(step.cohort, count)
                self.total = None if self.total is None or count is None else self.total + count
            elif isinstance(step, tl.Let):
                self.cohorts[step.name] = None
            elif isinstance(step, _AGAIN):
                self._unknown(step)
        self._unknown(tuple(procedures))

    def _more(self, cohort: str, count: int | None) -> None:
        known = self.cohorts.get(cohort, 0)
        self.cohorts[cohort] = None if known is None or count is None or count < 1 else known + count

    def _unknown(self, steps: Any) -> None:
        for step in walk(steps):
            if isinstance(step, tl.Spawn):
                self.cohorts[step.cohort] = self.total = None
            elif isinstance(step, (tl.Let, tl.ForEach)):
                self.cohorts[step.name] = None

    def of(self, target: Any) -> int | None:
        """Return the most devices of a target, None where that is not known before running."""
        if isinstance(target, px.Cohort):
            return self.cohorts.get(target.name)
        if isinstance(target, px.All):
            return self.total
        if isinstance(target, px.Slice):
            first, last = number(target.first), number(target.last) if target.last is not None else None
            if first is None or (target.last is not None and last is None):
                return None
            return 1 if last is None else last - first + 1
        if isinstance(target, (px.Where, px.Except)):
            return self.of(target.base)
        if isinstance(target, px.Union_):
            parts = [self.of(part) for part in target.parts]
            known = [part for part in parts if part is not None]
            return sum(known) if len(known) == len(parts) else None
        if isinstance(target, px.Draw):
            return number(target.amount)
        return 1 if isinstance(target, px.Device) else None


def number(node: Any) -> int | None:
    """Return the whole number that a node is, None where it is worked out while running."""
    return node.value if isinstance(node, px.Literal_) and type(node.value) is int else None


def more_than_one(target: Any, scope: Scope) -> bool | None:
    """Whether a target names more than one device, None where that is only known while running.

    `scope` holds the names of the place where it stands.
    """
    if isinstance(target, px.Cohort):
        binding = scope.find(target.name)
        return binding.several if binding is not None else None
    if isinstance(target, px.All):
        made = [binding for name in scope.names() if (binding := scope.find(name)) is not None]
        return any(binding.several for binding in made if binding.kind == "cohort") or None
    if isinstance(target, px.Union_):
        return any(more_than_one(part, scope) for part in target.parts) or None
    if isinstance(target, px.Slice) and target.last is not None:
        first, last = number(target.first), number(target.last)
        return None if first is None or last is None else last > first
    if isinstance(target, px.Draw):
        drawn = number(target.amount)
        return None if drawn is None else drawn > 1
    return False if isinstance(target, (px.Device, px.Slice)) else None


def _slice(node: px.Slice, heads: Heads, bag: Bag) -> None:
    most = heads.of(node.base)
    bounds = [bound for bound in (node.first, node.last) if bound is not None]
    beyond = next((bound for bound in bounds if (number(bound) or 0) > (most or 0)), None)
    if most is not None and beyond is not None:
        whose = f"'{node.base.name}'" if isinstance(node.base, px.Cohort) else "this"
        remedy = f"count from 1 to {most}" if most > 1 else "write [1]"
        bag.error(beyond.span, "bad-slice", f"{whose} has {devices(most)}, and no number {number(beyond)}", remedy)


def _quantity(step: tl.Expect | tl.Monitor, heads: Heads, bag: Bag) -> None:
    kind, amount, most = step.quantifier.kind, step.quantifier.amount, heads.of(step.on)
    if most is None or not isinstance(amount, px.Literal_):
        return
    share = isinstance(amount.value, Percent) and 0 < amount.value <= 100
    if not share and number(amount) is None:
        return
    wanted = quota(kind, amount.value, most)
    says = f"{kind} {amount.value} of {devices(most)}"
    if kind in ("at least", "exactly") and wanted > most:
        bag.error(amount.span, "bad-number", f"{says} is never true", f"at most {most} of them can be")
    elif kind == "at most" and wanted >= most:
        bag.warning(amount.span, "always-true", f"{says} is always true", f"fewer than {most}?")
    elif kind == "at most" and share and not wanted:
        bag.warning(amount.span, "none", f"{says} is none of them", f"one of them is {100 / most:.0f}%")


def _draw(node: px.Draw, heads: Heads, bag: Bag) -> None:
    wanted, most = number(node.amount), heads.of(node.base)
    if most is not None and wanted is not None and wanted > most:
        assert isinstance(node.amount, px.Literal_)
        message = f"{wanted} of {devices(most)} cannot be drawn"
        bag.error(node.amount.span, "bad-number", message, f"draw at most {most}")


def devices(count: int) -> str:
    return f"{count} device{'' if count == 1 else 's'}"
