"""Checks how long a claim waits: which claims need a deadline, which a length, which neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cpescript.diagnostics import Bag, Span
from cpescript.language import timeline as tl
from cpescript.language import tree
from cpescript.pattern import expression as px
from cpescript.pattern.walking import walk


def check_times(bag: Bag, statement: str, form: tree.Form, claim: tl.Claim, clauses: Mapping[str, tree.Clause]) -> None:
    """Report a claim whose `within`, `for` or `since` does not go with what it claims."""
    within, lasting, since = (clauses.get(kind) for kind in ("within", "for", "since"))
    if statement == "wait until" and isinstance(claim, tl.MessageClaim) and claim.negated:
        remedy = "write 'expect no … for 1m'"
        bag.error(form.span, "no-event", "'wait until' waits for something that comes true", remedy)
    elif statement == "wait until" and within is None:
        bag.error(form.span, "no-deadline", "a precondition has a deadline", "add 'within 15m'")
    elif isinstance(claim, tl.MessageClaim):
        _message_times(bag, form, claim, within, lasting)
    elif since is not None and within is None:
        bag.error(
            since.span, "wrong-clause", "'since' says where a deadline begins, and there is none", "add 'within 30s'"
        )
    elif within is not None and lasting is None:
        remedy = "take the line out" if statement == "wait until" else "write 'for' instead of 'within'"
        _met_at_once(bag, claim, within.span, remedy)


def check_sometimes(bag: Bag, claim: tl.Claim, span: Span) -> None:
    """Report a `sometimes` that comes true whatever happens."""
    _met_at_once(bag, claim, span, "write 'always'")


def _met_at_once(bag: Bag, claim: tl.Claim, span: Span, remedy: str) -> None:
    if isinstance(claim, tl.ValueClaim) and _turns(claim.expression, False):
        what = "a count" if claim.patterns else "the time"
        message = f"{what} only grows: what may be no more is met at once, or never"
        bag.warning(span, "met-at-once", message, remedy)


_LESS, _MORE = frozenset(("<", "<=")), frozenset((">", ">="))


def _turns(node: Any, to: bool) -> bool:
    """Whether a condition on figures that only grow can turn to this, and never back: an upper bound to false."""
    if isinstance(node, px.Unary):
        return node.operator == "not" and _turns(node.operand, not to)
    if isinstance(node, px.Between):
        # Not below nothing: the other end alone decides.
        return not to and _grows(node.value) and _never_below(node.low) and not _grows(node.high)
    if not isinstance(node, px.Binary):
        return False
    if node.operator in ("and", "or"):
        return _turns(node.left, to) and _turns(node.right, to)
    if node.operator == "==" and not to:
        sides = (node.left, node.right)
        return any(map(_grows, sides)) and any(map(_never_below, sides))
    growing, fixed = (node.left, node.right) if (node.operator in _MORE) is to else (node.right, node.left)
    return node.operator in _LESS | _MORE and _grows(growing) and not _figures(fixed)


def _never_below(node: Any) -> bool:
    """Whether no count is ever less than this."""
    return isinstance(node, px.Literal_) and isinstance(node.value, int) and node.value <= 0


def _grows(node: Any) -> bool:
    """Whether a figure only grows: a count of messages, the time, sums of them."""
    if isinstance(node, px.Binary):
        return node.operator == "+" and _grows(node.left) and (_grows(node.right) or not _figures(node.right))
    if not isinstance(node, px.Call):
        return False
    return node.function in ("elapsed", "now") or (
        node.function == "count" and isinstance(node.arguments[0], px.MessagePattern)
    )


def _figures(node: Any) -> bool:
    """Whether something may change in the course of a scenario."""
    return any(isinstance(part, (px.Call, px.Parameter, px.State, px.MessagePattern)) for part in walk(node))


def _message_times(
    bag: Bag,
    form: tree.Form,
    claim: tl.MessageClaim,
    within: tree.Clause | None,
    lasting: tree.Clause | None,
) -> None:
    if claim.negated:
        if lasting is None and within is not None:
            bag.error(
                within.span, "no-length", "'no' is claimed for a length of time", "write 'for' instead of 'within'"
            )
        elif lasting is None:
            bag.error(form.span, "no-length", "for how long shall there be none?", "add 'for 1h'")
        elif within is not None:
            bag.error(within.span, "wrong-clause", "'no … for' has its end already", "take the 'within' out")
    elif lasting is not None:
        bag.error(
            lasting.span,
            "wrong-clause",
            "a message comes; it does not last",
            "write 'within'" if within is None else "take the 'for' out",
        )
    elif claim.comparison is None and within is None:
        bag.error(form.span, "no-deadline", f"by when shall {claim.pattern.kind} come?", "add 'within 5m'")
