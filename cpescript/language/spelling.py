"""How values are spelt: which texts are values of a type, what formats them, and what to tell of a wrong one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cpescript.kernel.time import parse_instant
from cpescript.language.types import READERS
from cpescript.pattern import expression as px
from cpescript.pattern.values import show
from cpescript.pattern.values import text as wire_text


def value_remedy(node: Any, wanted: str) -> str:
    """Return what to tell of a value that is not of the type that is wanted, empty if nothing."""
    if wanted == "text" and isinstance(node, px.Literal_):
        return f'write "{wire_text(node.value)}"' if node.value is not None else 'an empty text is ""'
    if isinstance(node, px.Literal_) and isinstance(node.value, str) and _spelt(node.value, wanted):
        return f"without quotes: {node.value}"
    if wanted == "percent" and isinstance(node, px.Literal_) and isinstance(node.value, float) and 0 < node.value <= 1:
        return f"write {node.value * 100:g}%"
    if wanted == "bool" and isinstance(node, px.Name):
        return f"compare it, or ask '{node.name} exists'"
    if wanted == "bool" and isinstance(node, px.Literal_):
        return "compare something with it: … == " + show(node.value)
    if wanted == "devices":
        return "name a cohort; the first of one is 'fleet[1]'"
    if wanted == "int" and isinstance(node, px.Literal_) and isinstance(node.value, float):
        return f"write {int(node.value)} or {int(node.value) + 1}"
    if wanted == "bool" and isinstance(node, px.Parameter):
        return f"write '{node.path} == …'"
    return ""


def _spelt(text: str, wanted: str) -> bool:
    """Whether a text holds a literal of the type that is wanted."""
    try:
        return wanted in READERS and READERS[wanted](text) is not None
    except (ValueError, OverflowError):
        return False


def arithmetic_remedy(left: str, right: str) -> str:
    """Return what to tell of two types that do not go together, empty if nothing."""
    if left != right and "text" in (left, right):
        return 'put it into the text: "… {x}"'
    if {left, right} in ({"duration", "int"}, {"duration", "float"}):
        return "give the number a unit: 5s"
    if {left, right} in ({"size", "int"}, {"size", "float"}):
        return "give the number a unit: 8MiB"
    return ""


def spells(text: str, type_: str) -> bool:
    """Whether a text is how a value of a type may look on the wire."""
    if type_ == "int":
        return re.fullmatch(r"[+-]?\d+", text) is not None
    if type_ == "bool":
        return text in ("0", "1", "true", "false")
    if type_ == "instant":
        try:
            parse_instant(text)
        except ValueError:
            return False
    return True


_SAMPLES: Mapping[str, Any] = {
    "int": 1,
    "float": 1.0,
    "text": "x",
    "bool": True,
    "percent": 1.0,
    "duration": 1,
    "size": 1,
}


def formats(shape: str, type_: str) -> bool:
    """Whether a format (`06`, `.1f`) does for values of a type."""
    if len(shape) > 40 or any(len(digits) > 4 for digits in re.findall(r"\d+", shape)):
        return False
    samples = [_SAMPLES[type_]] if type_ in _SAMPLES else [1, 1.0, "x"]
    for sample in samples:
        try:
            format(sample, shape)
            return True
        except (ValueError, TypeError):
            continue
    return False
