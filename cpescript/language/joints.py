"""What `and` and `or` join: operands that say nothing, and how `code == 9001 or 9002` is meant to be written."""

from __future__ import annotations

from typing import Any

from cpescript.pattern import expression as px
from cpescript.pattern.values import show
from cpescript.pattern.walking import walk

_CONSTANT = (
    px.Literal_,
    px.Template,
    px.ListNode,
    px.MapNode,
    px.Unary,
    px.Binary,
    px.Between,
    px.Test,
    px.Conditional,
)
_JOINTS = frozenset(("and", "or"))
_COMPARING = frozenset(("==", "!=", "<", "<=", ">", ">=", "contains", "matches", "starts with", "ends with"))


def comparison_before(node: px.Binary) -> px.Binary | None:
    """Return the comparison that the right side of an `and` or `or` follows, None where that is something else."""
    before = node.left
    if isinstance(before, px.Binary) and before.operator in _JOINTS:
        before = before.right
    return before if isinstance(before, px.Binary) and before.operator in _COMPARING else None


def says_nothing(node: Any) -> bool:
    """Whether a resolved expression names nothing: what it comes to was known when it was written."""
    return all(isinstance(each, _CONSTANT) and getattr(each, "value", 0) is not None for each in walk(node))


def repeated(joint: str, compared: px.Binary, value: Any) -> str:
    """Return how `code == 9001 or 9002` is to be written."""
    words = [_written(each) for each in (compared.left, compared.right, value)]
    if "" in words:
        return "repeat what is compared"
    left, first, second = words
    if compared.operator == "==" and joint == "or":
        return f"write '{left} in [{first}, {second}]'"
    return f"write '{left} {compared.operator} {first} {joint} {left} {compared.operator} {second}'"


def _written(node: Any) -> str:
    """Return a short expression as it is written, empty for others."""
    if isinstance(node, px.Literal_):
        return show(node.value)
    if isinstance(node, px.Attribute):
        base = _written(node.base)
        return base and f"{base}.{node.name}"
    if isinstance(node, px.Parameter) and node.target is None:
        return node.path.literal or ""
    return node.name if isinstance(node, px.Name) else ""
