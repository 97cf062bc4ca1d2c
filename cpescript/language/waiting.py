"""Checks how long a claim waits: which claims need a deadline, which a length, which neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cpescript.diagnostics import Bag
from cpescript.language import timeline as tl
from cpescript.language import tree
from cpescript.pattern import expression as px


def check_times(bag: Bag, statement: str, form: tree.Form, claim: tl.Claim, clauses: Mapping[str, tree.Clause]) -> None:
    """Report a claim whose `within`, `for` or `since` does not go with what it claims."""
    within, lasting, since = (clauses.get(kind) for kind in ("within", "for", "since"))
    if statement == "wait until" and within is None:
        bag.error(form.span, "no-deadline", "a precondition has a deadline", "add 'within 15m'")
    elif isinstance(claim, tl.MessageClaim):
        _message_times(bag, form, claim, within, lasting)
    elif since is not None and within is None:
        bag.error(
            since.span, "wrong-clause", "'since' says where a deadline begins, and there is none", "add 'within 30s'"
        )
    elif within is not None and lasting is None and isinstance(claim, tl.ValueClaim) and _only_falls(claim.expression):
        bag.warning(
            within.span,
            "met-at-once",
            "a count only grows: what may be no more is met at once, or never",
            "write 'for' instead of 'within'",
        )


_UPPER = {"<": "left", "<=": "left", ">": "right", ">=": "right"}
"""Comparison to the side that it bounds from above."""


def _only_falls(expression: Any) -> bool:
    """Whether an expression is an upper bound of a count of messages, which can become false, but never true."""
    if not isinstance(expression, px.Binary):
        return False
    if expression.operator == "==":
        sides = (expression.left, expression.right)
        return any(map(_counts, sides)) and any(isinstance(side, px.Literal_) and side.value == 0 for side in sides)
    side = _UPPER.get(expression.operator)
    return side is not None and _counts(getattr(expression, side))


def _counts(node: Any) -> bool:
    return isinstance(node, px.Call) and node.function == "count" and isinstance(node.arguments[0], px.MessagePattern)


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
