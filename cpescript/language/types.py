"""The types that an author can name, what other languages call them, and what the functions take and give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cpescript.diagnostics import did_you_mean
from cpescript.pattern import expression as px
from cpescript.pattern.kinds import ANY as ANY
from cpescript.pattern.kinds import EXAMPLES as EXAMPLES
from cpescript.pattern.kinds import READERS as READERS
from cpescript.pattern.kinds import arithmetic as arithmetic
from cpescript.pattern.kinds import comparable as comparable
from cpescript.pattern.kinds import fits as fits
from cpescript.pattern.kinds import noun as noun
from cpescript.pattern.kinds import type_of as type_of

PARAM_TYPES = ("int", "float", "percent", "text", "bool", "duration", "size", "instant", "time", "list", "map")
"""The types of a `param` (language page, Text)."""

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


def items_of(node: Any) -> str:
    """Return the type of what a list that is written out holds, where all of it has one."""
    items = node.items if isinstance(node, px.ListNode) else ()
    types = {type_of(item.value) if isinstance(item, px.Literal_) else ANY for item in items}
    return types.pop() if len(types) == 1 else ANY


def type_remedy(name: str) -> str:
    """Return what to tell of a type that is none."""
    meant = TYPE_ALIASES.get(name.lower())
    return f"did you mean '{meant}'?" if meant else did_you_mean(name, PARAM_TYPES, f"types: {' '.join(PARAM_TYPES)}")


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
