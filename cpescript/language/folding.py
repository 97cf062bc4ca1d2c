"""Works out what is known before running: params and matrix values are put in, and what is constant then is folded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cpescript.diagnostics import Bag, Span
from cpescript.language.context import Context, as_node
from cpescript.language.expressions import READERS
from cpescript.pattern import expression as px
from cpescript.pattern.evaluate import EvaluationError, Scope, evaluate
from cpescript.pattern.needs import needed
from cpescript.pattern.values import text
from cpescript.pattern.walking import rewrite

PURE = frozenset(["count", "min", "max", "sum", "mean", "p50", "p95", "p99", "len", "lower", "upper", "sha256"])
"""Functions whose value depends on their arguments alone."""

_FOLDED = (px.Template, px.Unary, px.Binary, px.Between, px.Conditional, px.Attribute)


class Folder:
    """Rewrites nodes under known values. Mistakes that show (a division by zero, a missing file) go to the bag."""

    def __init__(self, values: Mapping[str, Any], context: Context, bag: Bag) -> None:
        self.values = values
        self.context = context
        self.bag = bag

    def fold(self, node: Any, hidden: frozenset[str] = frozenset()) -> Any:
        """Return `node` with everything worked out that can be. Names in `hidden` are not the params of that name."""
        values = {name: value for name, value in self.values.items() if name not in hidden}
        return rewrite(node, lambda each: self._change(each, values))

    def value(self, node: Any, what: str) -> Any:
        """Return the plain value of a node; None after reporting that it is not known before running."""
        folded = self.fold(node)
        if not constant(folded):
            self.bag.error(
                node.span,
                "not-constant",
                f"{what} is to be known before running",
                "only params, matrix values and literals are",
            )
            return None
        return plain(folded)

    def _change(self, node: Any, values: Mapping[str, Any]) -> Any:
        if isinstance(node, px.Name):
            return as_node(values[node.name], node.span) if node.name in values else node
        if isinstance(node, px.PathPattern):
            parts = tuple(text(part.value) if isinstance(part, px.Literal_) else part for part in node.parts)
            return px.PathPattern(node.span, parts, node.partial) if parts != node.parts else node
        if isinstance(node, px.Call):
            if node.function in READERS and isinstance(node.arguments[0], px.Literal_):
                return self._read(node)
            return self._work_out(node) if node.function in PURE and all(map(constant, node.arguments)) else node
        if isinstance(node, px.Needed) and constant(node.value):
            return self._read_as(node)
        if isinstance(node, px.Test):
            return self._work_out(node) if constant(node.value) else node
        if isinstance(node, _FOLDED) and all(map(constant, _operands(node))):
            return self._work_out(node)
        return node

    def _read_as(self, node: px.Needed) -> Any:
        """What is less than nothing is told by whoever looks at the number (`verify`)."""
        try:
            return as_node(needed(plain(node.value), node.wanted, node.span, node.what), node.span)
        except EvaluationError as error:
            self.bag.error(error.span, "no-value", error.message, error.remedy)
            return px.Literal_(node.span, None)

    def _read(self, node: px.Call) -> Any:
        name = node.arguments[0]
        assert isinstance(name, px.Literal_)
        return self.context.read(node.function, name, node.span)

    def _work_out(self, node: Any) -> Any:
        try:
            return as_node(evaluate(node, Scope(None)), node.span)  # type: ignore[arg-type]
        except EvaluationError as error:
            self.bag.error(error.span, "no-value", error.message, error.remedy)
        except (ValueError, TypeError, OverflowError, MemoryError) as error:
            self.bag.error(node.span, "no-value", f"this cannot be worked out: {error}")
        return px.Literal_(node.span, None)


def _operands(node: Any) -> tuple[Any, ...]:
    if isinstance(node, px.Template):
        return tuple(part[0] for part in node.parts if not isinstance(part, str))
    if isinstance(node, px.Unary):
        return (node.operand,)
    if isinstance(node, px.Binary):
        return (node.left, node.right)
    if isinstance(node, px.Between):
        return (node.value, node.low, node.high)
    if isinstance(node, px.Attribute):
        return (node.base,)
    return (node.condition, node.then, node.otherwise)


def constant(node: Any) -> bool:
    """Whether a node is a plain value, whatever runs."""
    if isinstance(node, px.ListNode):
        return all(map(constant, node.items))
    if isinstance(node, px.MapNode):
        return all(constant(key) and constant(value) for key, value in node.items)
    return isinstance(node, px.Literal_)


def plain(node: Any) -> Any:
    """Return the value of a constant node: lists and maps become Python's."""
    if isinstance(node, px.ListNode):
        return [plain(item) for item in node.items]
    if isinstance(node, px.MapNode):
        return {plain(key): plain(value) for key, value in node.items}
    return node.value


def at(source: str, line: int, text_: str) -> Span:
    """Return the span of a whole line of a made-up source (`--param`)."""
    return Span(source, line, 1, line, len(text_) + 1)
