"""Goes through trees of frozen nodes without knowing their kinds: to look at every node, or to rewrite some."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from operator import is_
from typing import Any

from cpescript.diagnostics import Span

_PLAIN = frozenset((str, int, float, bool, type(None), frozenset, Span))


@cache
def _names(kind: Any) -> tuple[str, ...] | None:
    """Return the fields of a node's class that can hold other nodes, last first; None for what is not a node."""
    if not is_dataclass(kind) or kind is Span:
        return None
    return tuple(each.name for each in reversed(fields(kind)) if each.name not in ("span", "source", "identity"))


def walk(root: Any, without: tuple[type, ...] = ()) -> Iterator[Any]:
    """Yield every node at and below `root`, in the order of the text, parents first.

    Nodes of the kinds `without` are yielded, but what is below them is not.
    """
    pending = [root]
    while pending:
        node = pending.pop()
        kind: Any = type(node)
        if kind is tuple or kind is list:
            pending.extend(reversed(node))
        elif kind is dict:
            pending.extend(reversed(list(node.values())))
        elif (names := _names(kind)) is not None:
            yield node
            if without and isinstance(node, without):
                continue
            for name in names:
                part = getattr(node, name)
                if type(part) not in _PLAIN:
                    pending.append(part)


def rewrite(node: Any, change: Callable[[Any], Any]) -> Any:
    """Return `node` with `change` applied to every node below it and then to itself; what is unchanged is shared."""
    kind: Any = type(node)
    rewritten = rebuilt(node, lambda part: rewrite(part, change))
    return change(rewritten) if kind not in _PLAIN and _names(kind) is not None else rewritten


def rebuilt(node: Any, change: Callable[[Any], Any]) -> Any:
    """Return `node` with `change` applied to what stands right below it; what is unchanged is shared."""
    kind: Any = type(node)
    if kind in _PLAIN:
        return node
    if kind is tuple or kind is list:
        items = [change(item) for item in node]
        return node if all(map(is_, items, node)) else tuple(items)
    if kind is dict:
        values = {name: change(value) for name, value in node.items()}
        return node if all(values[name] is node[name] for name in node) else values
    names = _names(kind)
    if names is None:
        return node
    parts = {name: change(getattr(node, name)) for name in names}
    if all(parts[name] is getattr(node, name) for name in names):
        return node
    return kind(**{each.name: parts.get(each.name, getattr(node, each.name)) for each in fields(kind)})
