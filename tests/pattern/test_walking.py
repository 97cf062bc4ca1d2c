"""Trees of frozen nodes, gone through and rewritten without knowing their kinds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from cpescript.diagnostics import Span
from cpescript.pattern.walking import rewrite, walk


@dataclass(frozen=True)
class Leaf:
    span: Span
    text: str


@dataclass(frozen=True)
class Branch:
    span: Span
    name: str
    first: Any
    rest: tuple[Any, ...] = ()
    by_name: Any = None


HERE = Span("x", 1, 1, 1, 2)


def leaf(text: str) -> Leaf:
    return Leaf(HERE, text)


TREE = Branch(HERE, "top", leaf("a"), (Branch(HERE, "inner", leaf("b"), (leaf("c"),)), leaf("d")), {"e": leaf("e")})


def told(nodes: Any) -> list[str]:
    return [node.name if isinstance(node, Branch) else node.text for node in nodes]


def test_every_node_comes_in_the_order_of_the_text_parents_first() -> None:
    assert told(walk(TREE)) == ["top", "a", "inner", "b", "c", "d", "e"]
    assert told(walk([TREE.rest, {"x": leaf("x"), "y": leaf("y")}])) == ["inner", "b", "c", "d", "x", "y"]
    assert list(walk("text")) == []


def test_what_is_below_some_kinds_can_be_left_out() -> None:
    assert told(walk(TREE, without=(Branch,))) == ["top"]
    assert told(walk(TREE.rest, without=(Branch,))) == ["inner", "d"]
    assert told(walk(TREE, without=(Leaf,))) == told(walk(TREE))


def test_rewriting_goes_from_the_leaves_up_and_shares_what_stays() -> None:
    seen: list[str] = []

    def change(node: Any) -> Any:
        seen.extend(told([node]))
        return replace(node, text="C") if node == leaf("c") else node

    changed = rewrite(TREE, change)
    assert sorted(seen) == ["a", "b", "c", "d", "e", "inner", "top"]
    assert seen[-1] == "top"
    assert seen.index("inner") > max(seen.index("b"), seen.index("c")), "a node comes when all below it have come"
    assert told(walk(changed)) == ["top", "a", "inner", "b", "C", "d", "e"]
    assert changed.first is TREE.first
    assert changed.rest[1] is TREE.rest[1]
    assert changed.by_name is TREE.by_name
    assert rewrite(TREE, lambda node: node) is TREE


def test_values_of_a_mapping_are_rewritten_too() -> None:
    changed = rewrite(TREE, lambda node: replace(node, text="E") if node == leaf("e") else node)
    assert changed.by_name == {"e": leaf("E")}
    assert changed.rest is TREE.rest
