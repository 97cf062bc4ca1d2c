"""The functions of expressions, and what else works on plain values: percentiles, draws, regular expressions.

Nothing here knows scopes or spans. What has no value raises `NoValueError` with a cause that its author understands;
`evaluate.py` says where.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cpescript.kernel import draws
from cpescript.kernel.time import Percent
from cpescript.pattern import values
from cpescript.pattern.kinds import comparable, type_of
from cpescript.regular import RegularError, regular


class NoValueError(Exception):
    """A function or operator has no value for what it was given: a line of cause, a line of remedy."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


# --- regular expressions ---------------------------------------------------------------------------------------------


def _regular(pattern: str) -> Any:
    try:
        return regular(pattern)
    except RegularError as error:
        raise NoValueError(f"not a regular expression: {error.cause}", error.remedy) from None


def check_regular(pattern: str) -> None:
    """Raise NoValueError where `pattern` is no regular expression (RE2's syntax)."""
    _regular(pattern)


def matches(text: Any, pattern: Any) -> bool:
    """Whether the whole text matches the regular expression. Raises NoValueError."""
    return _regular(values.text(pattern)).fullmatch(values.text(text)) is not None


# --- functions -------------------------------------------------------------------------------------------------------


def percentile(items: Sequence[Any], share: float) -> Any:
    """Return the nearest-rank percentile of a non-empty sequence; `share` in (0, 100]."""
    ordered = sorted(items)
    rank = max(1, -(-len(ordered) * share // 100))
    return ordered[int(rank) - 1]


def _mean(items: Sequence[Any]) -> Any:
    total = items[0]
    for item in items[1:]:
        total = values.add(total, item)
    return values.divide(total, len(items))


def _sum(items: Sequence[Any]) -> Any:
    # Of booleans it is how many are true.
    numbers = [int(item) if isinstance(item, bool) else item for item in items]
    total = numbers[0]
    for item in numbers[1:]:
        total = values.add(total, item)
    return total


def _over(
    worked_out: Callable[[Sequence[Any]], Any], empty: Any = None, *, booleans: bool = False
) -> Callable[..., Any]:
    """Return a function of one list or several values; `empty`: its value of none, without which it has none.

    `booleans`: whether it goes over true and false too.
    """
    barred = (Mapping, list, tuple) if booleans else (bool, Mapping, list, tuple)

    def run(*arguments: Any) -> Any:
        flat = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], (list, tuple)) else arguments
        items = list(flat)
        if not items:
            if empty is None:
                raise NoValueError("there is nothing in it", "look first: 'if count(…) > 0'")
            return empty
        if any(item is None or isinstance(item, barred) for item in items):
            raise NoValueError("it goes over numbers, durations, sizes, instants or texts, and each must be there")
        kinds = {type_of(item) for item in items} - {"bool"}
        if not all(comparable(one, next(iter(kinds))) for one in kinds):
            raise NoValueError("these values do not go with each other")
        try:
            return worked_out(items)
        except (TypeError, OverflowError):
            raise NoValueError("these values do not go with each other") from None

    return run


def _length(value: Any) -> int:
    if not isinstance(value, (str, list, tuple, Mapping)):
        raise NoValueError("only a text, a list or a map has a length")
    return len(value)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": _over(min),
    "max": _over(max),
    "sum": _over(_sum, 0, booleans=True),
    "mean": _over(_mean),
    "p50": _over(lambda items: percentile(items, 50)),
    "p95": _over(lambda items: percentile(items, 95)),
    "p99": _over(lambda items: percentile(items, 99)),
    "len": _length,
    "lower": lambda text: values.text(text).lower(),
    "upper": lambda text: values.text(text).upper(),
    "sha256": lambda text: hashlib.sha256(values.text(text).encode()).hexdigest(),
}
"""What a function makes of its arguments; each may raise NoValueError."""


# --- chance ----------------------------------------------------------------------------------------------------------


def pick(stream: int, n: int, items: Any) -> Any:
    """Return one item of a list, by the seed. Raises NoValueError for an empty one and for what is no list."""
    if not isinstance(items, (list, tuple)):
        raise NoValueError(f"{values.show(items)} is no list to pick from")
    if not items:
        raise NoValueError("nothing to pick from")
    return items[draws.below(stream, n, len(items))]


def random(stream: int, n: int, low: Any, high: Any) -> Any:
    """Return a number, duration, size or instant from `low` to `high`, both included, by the seed."""
    for bound in (low, high):
        if isinstance(bound, bool) or not isinstance(bound, (int, float)):
            raise NoValueError(f"{values.show(bound)} is no number")
    if not comparable(type_of(low), type_of(high)):
        raise NoValueError("these values do not go with each other")
    if low > high:
        raise NoValueError("the first is larger")
    if isinstance(low, int) and isinstance(high, int):
        return type(low)(draws.between(stream, n, low, high))
    kind = type(low) if type(low) is type(high) else float
    return kind(low + (high - low) * draws.unit(stream, n))


def share_of(amount: Any, whole: int) -> int:
    """Return how many to draw for a number or a percentage of `whole`: rounded half up, at least 1 of something; 0% is
    none.

    Raises NoValueError for what is no number, and for less than nothing.
    """
    if isinstance(amount, Percent):
        if amount < 0:
            raise NoValueError(f"{amount} of the devices is less than none")
        return max(1, int(float(amount) * whole / 100 + 0.5)) if whole and amount else 0
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise NoValueError(f"{values.show(amount)} is no number of devices", "a whole number, or a share as in '10%'")
    if amount < 0:
        raise NoValueError(f"{amount} devices are less than none")
    return amount


def quota(kind: str, amount: Any, whole: int) -> int:
    """Return the number of devices that `at least`, `at most` or `exactly` an amount of `whole` comes down to.

    A percentage is what it says: of 13 devices 12 are fewer than 95%, so that `at least 95%` is 13 of them, and `at
    most 10%` one; of 5 it is none. `exactly` asks for the nearest number, as a draw of that share has.
    """
    if not isinstance(amount, Percent) or kind not in _TOWARDS:
        return share_of(amount, whole)
    # Rounded before: what a multiplication leaves far behind the point is no device.
    return _TOWARDS[kind](round(float(amount) * whole / 100, 6))


_TOWARDS: dict[str, Callable[[float], int]] = {"at least": math.ceil, "at most": math.floor}
"""Quantifier to the side to which its percentage is rounded."""
