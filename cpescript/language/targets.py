"""Checks who is meant: expressions that name devices become targets, with the cohorts that their devices are of."""

from __future__ import annotations

from typing import Any

from cpescript.diagnostics import Bag, did_you_mean
from cpescript.kernel.time import Percent
from cpescript.language.context import Context
from cpescript.language.scope import Place
from cpescript.language.types import ANY, noun
from cpescript.pattern import expression as px


class Targets:
    """Resolves targets in a context."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.expressions = context.expressions

    @property
    def bag(self) -> Bag:
        return self.context.bag

    def target(self, node: Any, place: Place) -> tuple[Any, frozenset[str] | None]:
        """Return a resolved target and the cohorts that its devices are of, as far as known."""
        self.expressions.depth += 1
        try:
            if self.expressions.too_deep(node):
                return px.All(node.span), None
            return self._target(node, place)
        finally:
            self.expressions.depth -= 1

    def _target(self, node: Any, place: Place) -> tuple[Any, frozenset[str] | None]:
        span = node.span
        if isinstance(node, px.Name):
            return self._named_target(node, place)
        if isinstance(node, px.All):
            return node, self.context.all_cohorts()
        if isinstance(node, px.Device):
            return self.expressions.known_device(node, place), place.cohorts
        if isinstance(node, px.Slice):
            base, cohorts = self.target(node.base, place)
            first = self.expressions.value(node.first, place, "int", "a device's number")
            last = (
                self.expressions.value(node.last, place, "int", "a device's number") if node.last is not None else None
            )
            self._slice_bounds(node, first, last)
            return px.Slice(span, base, first, last), cohorts
        if isinstance(node, px.Where):
            base, cohorts = self.target(node.base, place)
            inner = place.of(cohorts, where=None)
            return px.Where(
                span, base, self.expressions.value(node.condition, inner, "bool", "what follows 'where'")
            ), cohorts
        if isinstance(node, px.Except):
            base, cohorts = self.target(node.base, place)
            return px.Except(span, base, self.target(node.removed, place)[0]), cohorts
        if isinstance(node, px.Union_):
            parts = [self.target(part, place) for part in node.parts]
            known = [cohorts for _, cohorts in parts if cohorts is not None]
            together = frozenset().union(*known) if len(known) == len(parts) else None
            return px.Union_(span, tuple(part for part, _ in parts)), together
        if isinstance(node, px.Draw):
            return self._draw(node, place)
        if isinstance(node, px.Binary) and node.operator == "in" and isinstance(node.right, px.Literal_):
            # `on fleet in 5m`: the grammar reads a membership, everybody else a deadline.
            where = node.left.span.to(node.right.span)
            self.bag.error(where, "unknown-word", "'in' says no deadline", f"did you mean 'within {node.right.value}'?")
            return self.target(node.left, place)
        if isinstance(node, px.Binary) and node.operator in _JOINING and self._names_devices(node.left, place):
            message = f"'{node.operator}' does not join devices"
            self.bag.error(node.span, "no-devices", message, _JOINING[node.operator])
            return self.target(node.left, place)
        resolved, type_ = self.expressions.typed(node, place)
        if type_ != ANY or isinstance(resolved, px.Literal_):
            self._no_devices(node, type_)
        elif not place.lenient:
            self.bag.error(span, "no-devices", "this does not say which devices", "name a cohort, or `all`")
        return px.All(span), None

    def _names_devices(self, node: Any, place: Place) -> bool:
        binding = place.scope.find(node.name) if isinstance(node, px.Name) else None
        return binding is not None and binding.is_devices

    def _no_devices(self, node: Any, type_: str) -> None:
        if type_ == ANY:
            return  # reported already
        self.bag.error(node.span, "no-devices", f"{noun(type_)} is not a device", "name a cohort, or `all`")

    def _slice_bounds(self, node: px.Slice, first: Any, last: Any) -> None:
        numbers = [
            bound.value for bound in (first, last) if isinstance(bound, px.Literal_) and isinstance(bound.value, int)
        ]
        backwards = isinstance(first, px.Unary) and first.operator == "-"
        if backwards or (numbers and numbers[0] < 1):
            self.bag.error(first.span, "bad-slice", "devices are counted from 1")
        elif len(numbers) == 2 and numbers[1] < numbers[0]:
            self.bag.error(
                node.span, "bad-slice", f"{numbers[0]}..{numbers[1]} is nobody", f"write {numbers[1]}..{numbers[0]}"
            )

    def _named_target(self, node: px.Name, place: Place) -> tuple[Any, frozenset[str] | None]:
        binding = place.scope.find(node.name)
        if binding is None:
            if not place.lenient:
                cohorts = [name for name in place.scope.names() if _may_be_devices(place, name)]
                later = self.context.later.get(node.name)
                remedy = "hand it in as an argument" if place.procedure else ""
                if later is not None:
                    remedy = f"it is spawned later, in line {later.line}"
                elif any(node.name == profile for profile, _ in self.context.loaded):
                    remedy = "that is a profile: name the cohort, which follows 'as'"
                self.bag.error(
                    node.span,
                    "unknown-cohort",
                    f"no devices are called '{node.name}'",
                    remedy or did_you_mean(node.name, cohorts),
                )
            return px.All(node.span), None
        binding.use(node.span)
        binding.meant = binding.meant or "devices"
        maybe = binding.kind in ("argument", "unknown", "value") and binding.type in (ANY, "devices")
        if not (binding.is_devices or maybe):
            what = "a kept message" if binding.kind == "capture" else noun(binding.type)
            self.bag.error(node.span, "no-devices", f"'{node.name}' is {what}, not devices", "name a cohort, or `all`")
        return px.Cohort(node.span, node.name), binding.cohorts

    def _draw(self, node: px.Draw, place: Place) -> tuple[Any, frozenset[str] | None]:
        if place.claim:
            written = node.amount.value if isinstance(node.amount, px.Literal_) else "10%"
            self.bag.error(
                node.span,
                "draw-in-claim",
                "a draw inside a claim would be made anew at each look",
                f"`at least {written} of`, or a name?",
            )
        base, cohorts = self.target(node.base, place)
        return px.Draw(node.span, self.amount(node.amount, place, "how many to draw"), base), cohorts

    def amount(self, node: Any, place: Place, what: str) -> Any:
        """Return a resolved number or percentage of devices."""
        if isinstance(node, px.Name) and node.name in _NO_NUMBERS and place.scope.find(node.name) is None:
            self.bag.error(node.span, "no-number", f"{what}?", _NO_NUMBERS[node.name])
            return px.Literal_(node.span, 1)
        resolved, type_ = self.expressions.typed(node, place)
        if type_ not in (ANY, "int", "percent"):
            self.bag.error(node.span, "wrong-type", f"{what} is a number or a percentage, not {noun(type_)}")
        elif (
            isinstance(resolved, px.Literal_) and isinstance(resolved.value, Percent) and not 0 <= resolved.value <= 100
        ):
            self.bag.error(node.span, "bad-number", f"{resolved.value} of them cannot be", "0% to 100%")
        return self.expressions.needed(resolved, type_, "amount", what, place)


_NO_NUMBERS = {
    **dict.fromkeys(("random", "some"), "a draw has a number: 1 of, or 10% of"),
    "first": "the first is fleet[1]",
    "last": "the last is fleet[count(fleet)]",
}
"""Words where a number is needed, and what is told."""
_JOINING = {**dict.fromkeys(("and", "or", "+"), "put a ',' between them"), "-": "write 'except'"}
"""Operators between devices, and what is told."""


def _may_be_devices(place: Place, name: str) -> bool:
    binding = place.scope.find(name)
    return binding is not None and (binding.is_devices or binding.kind in ("argument", "unknown"))
