"""The types of values: their names, what goes with what, and how a text becomes one.

The checker asks of types what a run asks of values, by the same tables: what is refused beforehand where the type is
known is refused while running where it was not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from cpescript.kernel.time import (
    Duration,
    Instant,
    Percent,
    Size,
    TimeOfDay,
    parse_duration,
    parse_instant,
    parse_percent,
    parse_size,
    parse_time,
)

ANY = "any"
"""The type of what is only known while running."""


class Devices(list[int]):
    """Devices, by their numbers: what a target is worked out to. A list of numbers is none."""

    __slots__ = ()


class Row(dict[str, str]):
    """A row of a table, by the names of its heading: it is asked for no other."""

    __slots__ = ()


class OneDevice(int):
    """One device, by its number, as a loop goes through them. A number is none."""

    __slots__ = ()


_TYPES: Mapping[type, str] = {
    bool: "bool",
    Duration: "duration",
    Size: "size",
    Instant: "instant",
    TimeOfDay: "time",
    Percent: "percent",
    Devices: "devices",
    OneDevice: "devices",
    int: "int",
    float: "float",
    str: "text",
    list: "list",
    tuple: "list",
    dict: "map",
    Row: "map",
    type(None): "null",
}

NOUNS = {
    "int": "a whole number",
    "float": "a decimal number",
    "percent": "a percentage",
    "amount": "a number or a percentage",
    "text": "a text",
    "bool": "true or false",
    "duration": "a duration",
    "size": "a size",
    "instant": "an instant",
    "time": "a time of day",
    "list": "a list",
    "map": "a map",
    "null": "null",
    "devices": "devices",
    "message": "a message",
    "written": "a value",
    "single": "a single value",
}


def type_of(value: Any) -> str:
    """Return the type of a value; `message` for what holds one, or a part of one."""
    return _TYPES.get(type(value)) or next(
        (name for kind, name in _TYPES.items() if isinstance(value, kind)), "message"
    )


def noun(type_: str) -> str:
    """Return what people call a type: `a duration`."""
    return NOUNS.get(type_, "a value")


_NUMBERS = frozenset({"int", "float"})
_STANDS_FOR: Mapping[str, frozenset[str]] = {
    "float": frozenset({"int"}),
    "amount": frozenset({"int", "percent"}),
    "list": frozenset({"devices"}),
    "written": frozenset(NOUNS) - {"message"},
    "single": frozenset(NOUNS) - {"message", "list", "map", "devices"},
}
"""Type that is wanted to the others that do for it."""


def fits(actual: str, wanted: str) -> bool:
    """Whether a value of type `actual` can stand where `wanted` is wanted."""
    return actual == wanted or ANY in (actual, wanted) or actual in _STANDS_FOR.get(wanted, ())


def comparable(left: str, right: str) -> bool:
    """Whether two values that do not come off the wire can be equal or ordered."""
    return left == right or ANY in (left, right) or "null" in (left, right) or {left, right} <= _NUMBERS | {"percent"}


_SUM: Mapping[tuple[str, str], str] = {
    ("duration", "duration"): "duration",
    ("size", "size"): "size",
    ("instant", "duration"): "instant",
    ("duration", "instant"): "instant",
    ("text", "text"): "text",
    ("list", "list"): "list",
    ("percent", "percent"): "percent",
}
_DIFFERENCE: Mapping[tuple[str, str], str] = {
    ("duration", "duration"): "duration",
    ("size", "size"): "size",
    ("instant", "duration"): "instant",
    ("instant", "instant"): "duration",
    ("percent", "percent"): "percent",
}


def arithmetic(operator: str, left: str, right: str) -> str | None:
    """Return the type of `left operator right`, or None if that makes no sense."""
    if ANY in (left, right):
        return ANY
    both_numbers = left in _NUMBERS and right in _NUMBERS
    if both_numbers:
        return "float" if operator == "/" or "float" in (left, right) else "int"
    if operator == "+":
        return _SUM.get((left, right))
    if operator == "-":
        return _DIFFERENCE.get((left, right))
    if operator == "*":
        for one, other in ((left, right), (right, left)):
            if one in ("duration", "size") and (other in _NUMBERS or other == "percent"):
                return one
            if one in _NUMBERS and other == "percent":
                return one  # a share of it
        return None
    if left in ("duration", "size") and right in _NUMBERS:
        return left if operator == "/" else None
    if left == right and left in ("duration", "size"):
        return "float" if operator == "/" else left
    return None


def _number(pattern: str, kind: Callable[[str], Any]) -> Callable[[str], Any]:
    shape = re.compile(pattern, re.ASCII)

    def read(text: str) -> Any:
        if shape.fullmatch(text) is None:
            raise ValueError(text)
        return kind(text)

    return read


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


READERS: Mapping[str, Callable[[str], Any]] = {
    "int": _number(r"[+-]?\d{1,40}", int),
    "float": _number(r"[+-]?\d{1,40}(\.\d{1,40})?(e[+-]?\d{1,2})?", float),
    "percent": parse_percent,
    "text": str,
    "bool": _boolean,
    "duration": parse_duration,
    "size": parse_size,
    "instant": parse_instant,
    "time": parse_time,
    "amount": lambda text: READERS["percent" if text.endswith("%") else "int"](text),
}
"""Type to what makes a value of a text that is given from outside, or that a table holds; ValueError where it cannot.
Lists and maps are parsed as expressions."""

EXAMPLES = {
    "int": "42",
    "float": "0.5",
    "percent": "10%",
    "amount": "10%",
    "bool": "true",
    "duration": "5m",
    "size": "8MiB",
    "instant": "2026-01-01T00:00:00Z",
    "time": "02:00",
    "list": '["a", "b"]',
    "map": "{a: 1}",
}
