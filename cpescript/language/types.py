"""The types of values: their names, what goes with what, and how a text becomes one (`--param share=20%`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cpescript.diagnostics import did_you_mean
from cpescript.kernel.time import Duration, Instant, Percent, Size, TimeOfDay, parse_duration, parse_instant, parse_size
from cpescript.language.literals import parse_percent, parse_time

ANY = "any"
"""The type of what is only known while running."""

PARAM_TYPES = ("int", "float", "percent", "text", "bool", "duration", "size", "instant", "time", "list", "map")
"""The types of a `param` (language page, Text)."""

_NUMBERS = frozenset({"int", "float"})

_CLASSES: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (Duration, "duration"),
    (Size, "size"),
    (Instant, "instant"),
    (TimeOfDay, "time"),
    (Percent, "percent"),
    (int, "int"),
    (float, "float"),
    (str, "text"),
    (list, "list"),
    (tuple, "list"),
    (dict, "map"),
    (type(None), "null"),
)

NOUNS = {
    "int": "a whole number",
    "float": "a decimal number",
    "percent": "a percentage",
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
}


def type_of(value: Any) -> str:
    """Return the type of a value."""
    return next((name for kind, name in _CLASSES if isinstance(value, kind)), ANY)


def noun(type_: str) -> str:
    """Return what people call a type: `a duration`."""
    return NOUNS.get(type_, "a value")


def fits(actual: str, wanted: str) -> bool:
    """Whether a value of type `actual` can stand where `wanted` is wanted."""
    return actual == wanted or ANY in (actual, wanted) or (wanted == "float" and actual == "int")


def comparable(left: str, right: str) -> bool:
    """Whether two values that do not come off the wire can be equal or ordered."""
    return left == right or ANY in (left, right) or "null" in (left, right) or {left, right} <= _NUMBERS | {"percent"}


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


TYPE_ALIASES = {
    "integer": "int",
    "number": "int",
    "double": "float",
    "decimal": "float",
    "percentage": "percent",
    "string": "text",
    "str": "text",
    "boolean": "bool",
    "timedelta": "duration",
    "bytes": "size",
    "datetime": "instant",
    "array": "list",
    "dict": "map",
    "object": "map",
}
"""What other languages call the types."""


def type_remedy(name: str) -> str:
    """Return what to tell of a type that is none."""
    meant = TYPE_ALIASES.get(name.lower())
    return f"did you mean '{meant}'?" if meant else did_you_mean(name, PARAM_TYPES, f"types: {' '.join(PARAM_TYPES)}")


READERS: Mapping[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "percent": parse_percent,
    "text": str,
    "bool": _boolean,
    "duration": parse_duration,
    "size": parse_size,
    "instant": parse_instant,
    "time": parse_time,
}
"""Type to what makes a value of a text that is given from outside; ValueError where it cannot. Lists and maps are
parsed as expressions."""

EXAMPLES = {
    "int": "42",
    "float": "0.5",
    "percent": "10%",
    "bool": "true",
    "duration": "5m",
    "size": "8MiB",
    "instant": "2026-01-01T00:00:00Z",
    "time": "02:00",
    "list": '["a", "b"]',
    "map": "{a: 1}",
}


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


FUNCTIONS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "count": (("message or list",), "int"),
    "rate": (("message",), "rate"),
    "response_time": (("message",), "list"),
    "min": (("any", "..."), ANY),
    "max": (("any", "..."), ANY),
    "sum": (("any", "..."), ANY),
    "mean": (("any", "..."), ANY),
    "p50": (("list",), ANY),
    "p95": (("list",), ANY),
    "p99": (("list",), ANY),
    "now": ((), "instant"),
    "elapsed": ((), "duration"),
    "len": (("any",), "int"),
    "lower": (("text",), "text"),
    "upper": (("text",), "text"),
    "sha256": (("text",), "text"),
    "pick": (("list",), ANY),
    "random": (("any", "any"), ANY),
    "csv": (("text",), "list"),
    "json": (("text",), ANY),
    "file": (("text",), "text"),
}
"""Function to what it takes (`...`: as many more as you like) and the type of what it gives."""
