"""Values as claims see them: parameter texts compared by their declared type, and the arithmetic of units."""

from __future__ import annotations

import re
from math import floor
from typing import Any

from cpescript.kernel.time import Duration, Instant, Percent, Size, TimeOfDay, in_calendar, parse_instant
from cpescript.pattern.kinds import READERS, noun, type_of

TRUE = frozenset({"1", "true"})
FALSE = frozenset({"0", "false"})
UNITS: frozenset[type] = frozenset({Duration, Size, Instant, TimeOfDay})
"""What no plain number equals, and what has an order among its own only."""
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
"""A text that may equal a whole number. A number of the language has 18 digits, and Python refuses to read 5,000."""


def typed(text: str, kind: str | None) -> Any:
    """Return the value of a wire text of an XSD type (without `xsd:`): int, bool, Instant or the text itself.

    A text that does not fit its type stays text: then it is equal to nothing but the same text.
    """
    try:
        if kind in ("int", "unsignedInt", "long", "unsignedLong"):
            return int(text)
        if kind == "boolean":
            return True if text in TRUE else False if text in FALSE else text
        if kind == "dateTime":
            return parse_instant(text)
    except ValueError:
        return text
    return text


def same(actual: Any, expected: Any) -> bool:
    """Whether two values are equal as a claim means it.

    A parameter's typed value meets a literal of any spelling: `Device.X = "300"` holds for the unsignedInt 300, and
    `= true` for `1`. Text is never compared as a number on both sides.
    """
    if actual is None or expected is None:
        return actual is expected
    if isinstance(actual, bool) or isinstance(expected, bool):
        left, right = _boolean(actual), _boolean(expected)
        return left is not None and left is right
    if isinstance(actual, str) != isinstance(expected, str):
        text, other = (actual, expected) if isinstance(actual, str) else (expected, actual)
        if type(other) in UNITS:
            return bool(read_beside(text, other) == other)
        if isinstance(other, int):
            return _WHOLE.fullmatch(text) is not None and int(text) == other
        if isinstance(other, float):
            try:
                return float(text) == other
            except ValueError:
                return False
        return False
    if isinstance(actual, (list, tuple)) and isinstance(expected, (list, tuple)):
        # What comes off the wire is a tuple, what a scenario writes a list.
        return len(actual) == len(expected) and all(map(same, actual, expected))
    return bool(actual == expected)


def read_beside(text: str, other: Any) -> Any:
    """Return a text as what it is compared with: a duration beside a duration; the text itself where it is none."""
    try:
        return READERS[type_of(other)](text)
    except (KeyError, ValueError, OverflowError):
        return text


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return bool(value) if value in (0, 1) else None
    if not isinstance(value, str):
        return None
    return True if value in TRUE else False if value in FALSE else None


def same_text(text: str, kind: str | None, expected: Any) -> bool:
    """Whether a wire text of a type equals an expected value."""
    if isinstance(expected, str) and text == expected:
        return True
    return same(typed(text, kind), expected)


def add(left: Any, right: Any) -> Any:
    """Return the sum: numbers, texts, lists; Duration + Duration, Instant + Duration.

    Raises OverflowError for an instant that is none of the calendar.
    """
    if isinstance(left, (list, tuple)):
        # What comes off the wire is a tuple, what a scenario writes a list.
        return [*left, *right]
    result = left + right
    if isinstance(left, Instant) or isinstance(right, Instant):
        return in_calendar(result)
    return _like(left, right, result)


def subtract(left: Any, right: Any) -> Any:
    """Return the difference; between two Instants it is a Duration. Raises OverflowError as `add` does."""
    result = left - right
    if isinstance(left, Instant):
        return Duration(result) if isinstance(right, Instant) else in_calendar(result)
    return _like(left, right, result)


def multiply(left: Any, right: Any) -> Any:
    """Return the product; a share of something whole (`10% * 25`) is whole, rounded half up."""
    if isinstance(left, Percent) or isinstance(right, Percent):
        share, whole = (left, right) if isinstance(left, Percent) else (right, left)
        result = float(share) / 100 * whole
        # Half up, as everywhere; what a multiplication leaves far behind the point is no half.
        return type(whole)(floor(round(result, 6) + 0.5)) if isinstance(whole, int) else result
    return _like(left, right, left * right)


def divide(left: Any, right: Any) -> Any:
    """Return the quotient: of two Durations a number, of a Duration and a number a Duration. Raises
    ZeroDivisionError."""
    for unit in (Duration, Size):
        if isinstance(left, unit):
            return left / right if isinstance(right, unit) else unit(round(left / right))
    result = left / right
    return int(result) if isinstance(left, int) and isinstance(right, int) and left % right == 0 else result


def remainder(left: Any, right: Any) -> Any:
    """Return what is left over: of two Durations a Duration. Raises ZeroDivisionError."""
    return _like(left, right, left % right)


def _like(left: Any, right: Any, result: Any) -> Any:
    for unit in (Duration, Size, Percent):
        if isinstance(left, unit) or isinstance(right, unit):
            return unit(round(result)) if unit is not Percent else Percent(result)
    return result


def show(value: Any) -> str:
    """Return a value as a scenario would write it."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(show(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {show(item)}" for key, item in value.items()) + "}"
    return str(value) if isinstance(value, (int, float)) else noun(type_of(value))


def text(value: Any) -> str:
    """Return a value as it stands in an interpolated text or a parameter's value: texts bare, booleans in words."""
    return value if isinstance(value, str) else "" if value is None else show(value)
