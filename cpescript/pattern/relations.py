"""What comparisons ask of two values: order, equality by declared type, what holds what, regular expressions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from cpescript.diagnostics import Span
from cpescript.kernel.time import Percent
from cpescript.pattern import functions, values
from cpescript.pattern.functions import NoValueError
from cpescript.pattern.kinds import EXAMPLES, READERS, noun, type_of
from cpescript.pattern.needs import shown
from cpescript.pattern.scope import EvaluationError


def contains(left: Any, right: Any) -> bool:
    """Whether a text, a list or a mapping holds something."""
    if type(left) is tuple and right in left:
        # What nearly every claim on Informs asks, and the cheap way to a yes: `events contains "2 PERIODIC"`.
        return True
    if isinstance(left, str):
        return values.text(right) in left
    if isinstance(left, Mapping):
        return isinstance(right, Hashable) and right in left
    return any(values.same(item, right) for item in left) if isinstance(left, Iterable) else False


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_HOLDERS: dict[str, Callable[[Any, Any], Any]] = {
    "in": lambda left, right: right,
    "not in": lambda left, right: right,
    "contains": lambda left, right: left,
}
"""Operator to which of its sides holds something."""
_RELATION: dict[str, Callable[[Any, Any], bool]] = {
    "in": lambda left, right: contains(right, left),
    "not in": lambda left, right: not contains(right, left),
    "contains": contains,
    "starts with": lambda left, right: values.text(left).startswith(values.text(right)),
    "ends with": lambda left, right: values.text(left).endswith(values.text(right)),
}


def _number(value: Any) -> Any:
    """A text where a number is wanted."""
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return float(value)
    return value


def in_order(span: Span, operator: str, one: Any, two: Any, *, wire: bool = False) -> bool:
    """Whether two values stand in an order; null is in none. A text is read by what stands on the other side; two texts
    that are numbers, as cells of a table are, stand in the order of numbers.

    `wire`: whether a side is what a device or a message has: text that is no number there is neither more nor less than
    one. Raises EvaluationError for what has no order.
    """
    if one is None or two is None:
        return False
    given = one, two
    if isinstance(one, str) != isinstance(two, str):
        try:
            one, two = _read(one, two), _read(two, one)
        except (ValueError, OverflowError):
            if wire:
                return False
            raise _incomparable(span, *given) from None
    elif isinstance(one, str):
        with suppress(ValueError, OverflowError):
            one, two = _number(one), _number(two)
    if (type(one) in values.UNITS or type(two) in values.UNITS) and type(one) is not type(two):
        raise _incomparable(span, *given)
    try:
        return _ORDER[operator](one, two)
    except TypeError:
        raise _incomparable(span, *given) from None


def _read(value: Any, other: Any) -> Any:
    """Return a text as what the other side is. Raises ValueError where it is none."""
    if not isinstance(value, str):
        return value
    if type(other) in values.UNITS or isinstance(other, Percent):
        return READERS[type_of(other)](value)
    return _number(value)


def _incomparable(span: Span, one: Any, two: Any) -> EvaluationError:
    unit = next((each for each in (one, two) if type(each) in values.UNITS), None)
    remedy = (
        f"{noun(type_of(unit))} is compared with its like: as in {EXAMPLES[type_of(unit)]}" if unit is not None else ""
    )
    return EvaluationError(span, f"cannot compare {shown(one)} with {shown(two)}", remedy)


_EQUALLED: frozenset[type] = frozenset({str, type(None)})
"""What anything may be asked to equal: a text is read, and null is nothing."""


def equal(span: Span, one: Any, two: Any) -> bool:
    """Whether two values are equal (`values.same`). Raises EvaluationError for a duration and a number and their like,
    which never are, as the checker does where it knows."""
    kinds = {type(one), type(two)}
    if len(kinds) == 2 and kinds & values.UNITS and not kinds & _EQUALLED:
        raise _incomparable(span, one, two)
    return values.same(one, two)


def _holding(span: Span, operator: str) -> Callable[[Any, Any], bool]:
    relation, holder = _RELATION[operator], _HOLDERS[operator]

    def run(one: Any, two: Any) -> bool:
        whole = holder(one, two)
        if whole is not None and not isinstance(whole, (str, Iterable)):
            raise EvaluationError(span, f"{shown(whole)} contains nothing", "a list or a text does")
        return relation(one, two)

    return run


def relation_of(span: Span, operator: str, *, wire: bool = False) -> Callable[[Any, Any], bool] | None:
    """Return what a comparison asks of its two values, None for an operator that does not compare (`wire`: see
    `in_order`)."""
    if operator in _ORDER:
        return lambda one, two: in_order(span, operator, one, two, wire=wire)
    if operator == "==":
        return lambda one, two: equal(span, one, two)
    if operator == "!=":
        return lambda one, two: not equal(span, one, two)
    if operator in _HOLDERS:
        return _holding(span, operator)
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
