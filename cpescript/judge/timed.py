"""When the value of an expression changes by time alone: `elapsed < 6h`, `rate(Request) <= 60 per 1h`.

Each comparison of an expression is taken to change at most once while nothing happens, as those of `elapsed`, `now` and
`rate` do: the instant is found by halving, with the facts as they will be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cpescript.kernel.time import DAY, Instant
from cpescript.pattern import expression as x
from cpescript.pattern.evaluate import Facts, Scope, compile_expression
from cpescript.pattern.expression import MessagePattern
from cpescript.pattern.walking import walk

if TYPE_CHECKING:
    from cpescript.judge.judge import Timers

FAR = 100 * 365 * DAY
"""How far ahead is looked: further than any scenario goes."""

_ON_ITS_OWN = frozenset({"elapsed", "now", "rate"})
_STEPS = {"==": (">=", ">"), "!=": (">=", ">")}
"""What to look for where an equality may come true for an instant: both its ends."""


class Ahead:
    """The facts as they will be at a later instant if nothing happens until then."""

    def __init__(self, facts: Any) -> None:
        self._facts = facts
        self.now = facts.now

    def __getattr__(self, name: str) -> Any:
        return getattr(self._facts, name)

    def attribute(self, device: int, name: str) -> Any:
        return Instant(self._facts.start + self.now) if name == "now" else self._facts.attribute(device, name)

    def rate(self, pattern: MessagePattern, window: int, scope: Scope) -> int:
        count: int = self._facts.rate_at(self.now, pattern, window, scope)
        return count


def is_timed(expression: x.Expr) -> bool:
    """Whether time alone can change the expression's value."""
    return any(isinstance(node, x.Call) and node.function in _ON_ITS_OWN for node in walk(expression))


class Alarms:
    """The comparisons of one expression that time alone can change."""

    def __init__(self, expression: x.Expr) -> None:
        self._comparisons: list[Callable[[Scope], Any]] = []
        for node in walk(expression):
            if isinstance(node, (x.Binary, x.Between)) and is_timed(node):
                self._comparisons.extend(map(compile_expression, _simple(node)))

    def next(self, facts: Facts, scope: Scope) -> int | None:
        """Return the next instant after now at which a comparison changes, None if none does in a hundred years."""
        found = [when for each in self._comparisons if (when := _change(each, facts, scope)) is not None]
        return min(found, default=None)


def _simple(node: x.Binary | x.Between) -> list[x.Binary]:
    """Return the orders that a comparison stands for; none for what compares nothing."""
    if isinstance(node, x.Between):
        pairs = [(node.value, node.low), (node.value, node.high)]
        return [x.Binary(node.span, operator, *pair) for pair in pairs for operator in (">=", ">")]
    if node.operator in _STEPS:
        return [x.Binary(node.span, operator, node.left, node.right) for operator in _STEPS[node.operator]]  # type: ignore[arg-type]
    return [node] if node.operator in ("<", "<=", ">", ">=") else []


def _change(comparison: Callable[[Scope], Any], facts: Facts, scope: Scope) -> int | None:
    ahead = Ahead(facts)
    inner = Scope(ahead, parent=scope, device=scope.device, group=scope.group)

    def at(instant: int) -> bool:
        ahead.now = instant
        return bool(comparison(inner))

    low, high = facts.now, facts.now + FAR
    before = at(low)
    if at(high) is before:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if at(middle) is before:
            low = middle
        else:
            high = middle
    return high


class Alarm:
    """The next instant at which time alone may change a claim: `ring` is called then, the earliest asked for only."""

    __slots__ = ("_due", "_handle", "_ring", "_timers")

    def __init__(self, timers: Timers, ring: Callable[[], None]) -> None:
        self._timers = timers
        self._ring = ring
        self._handle: int | None = None
        self._due = 0

    def no_later(self, when: int | None) -> None:
        """Ring at an instant, if nothing rings before; None asks for nothing."""
        if when is None or (self._handle is not None and self._due <= when):
            return
        self.cancel()
        self._handle, self._due = self._timers.at(when, self._rung), when

    def cancel(self) -> None:
        """Ring no more, unless asked again."""
        if self._handle is not None:
            self._timers.cancel(self._handle)
            self._handle = None

    def _rung(self) -> None:
        self._handle = None
        self._ring()
