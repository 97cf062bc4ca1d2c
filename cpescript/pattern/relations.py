"""What comparisons ask of two values: order, equality by declared type, what holds what, regular expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cpescript.diagnostics import Span
from cpescript.pattern import functions, values
from cpescript.pattern.functions import NoValueError
from cpescript.pattern.scope import EvaluationError


def contains(left: Any, right: Any) -> bool:
    """Whether a text, a list or a mapping holds something."""
    if type(left) is tuple and right in left:
        # What nearly every claim on Informs asks, and the cheap way to a yes: `events contains "2 PERIODIC"`.
        return True
    if isinstance(left, str):
        return values.text(right) in left
    if isinstance(left, Mapping):
        return right in left
    return any(values.same(item, right) for item in left) if isinstance(left, Iterable) else False


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_RELATION: dict[str, Callable[[Any, Any], bool]] = {
    "==": values.same,
    "!=": lambda left, right: not values.same(left, right),
    "in": lambda left, right: contains(right, left),
    "not in": lambda left, right: not contains(right, left),
    "contains": contains,
    "starts with": lambda left, right: values.text(left).startswith(values.text(right)),
    "ends with": lambda left, right: values.text(left).endswith(values.text(right)),
}


def _number(value: Any) -> Any:
    """A text that came off the wire, where a number is wanted."""
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return float(value)
    return value


def in_order(span: Span, operator: str, one: Any, two: Any) -> bool:
    """Whether two values stand in an order; null is in none. Raises EvaluationError for what has none."""
    if one is None or two is None:
        return False
    if isinstance(one, str) != isinstance(two, str):
        try:
            one, two = _number(one), _number(two)
        except ValueError:
            return False
    try:
        return _ORDER[operator](one, two)
    except TypeError:
        raise EvaluationError(span, f"cannot compare {values.show(one)} with {values.show(two)}") from None


def relation_of(span: Span, operator: str) -> Callable[[Any, Any], bool] | None:
    """Return what a comparison asks of its two values, None for an operator that does not compare."""
    if operator in _ORDER:
        return lambda one, two: in_order(span, operator, one, two)
    if operator != "matches":
        return _RELATION.get(operator)

    def matches(one: Any, two: Any) -> bool:
        try:
            return functions.matches(one, two)
        except NoValueError as error:
            raise EvaluationError(span, error.message, error.remedy) from None

    return matches


def is_or_contains(one: Any, two: Any) -> bool:
    """Whether a value is another one, or holds it."""
    return values.same(one, two) or contains(one, two)
