"""What records concern an expression, a claim or a target: kinds, states, parameters; and whether of other devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cpescript.pattern import expression as x
from cpescript.pattern.evaluate import TARGETS, Capture, Scope
from cpescript.pattern.walking import walk

_OTHERS = tuple(kind for kind in TARGETS if kind is not x.Device)


@dataclass(frozen=True, slots=True)
class Interest:
    """`wide`: what happens to one device may matter to what is asked of another."""

    kinds: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    paths: bool = False
    wide: bool = False

    def __or__(self, other: Any) -> Interest:
        return Interest(
            self.kinds | other.kinds, self.states | other.states, self.paths or other.paths, self.wide or other.wide
        )


def state_of(word: str) -> str:
    """Return the state that the trace tells of where a scenario says `word`."""
    return "online" if word == "offline" else word


def measured(expression: Any) -> list[x.MessagePattern]:
    """Return the messages whose real response times an expression asks for."""
    calls = [node for node in walk(expression) if isinstance(node, x.Call) and node.function == "response_time"]
    return [node for call in calls for node in call.arguments if isinstance(node, x.MessagePattern)]


def interest_in(expression: Any) -> Interest:
    """Return what may change the value of an expression, asked of one device."""
    kinds: set[str] = set()
    states: set[str] = set()
    paths = wide = False
    for pattern in measured(expression):
        # A response time is known when the answer is there.
        kinds.update(f"{kind}Response" for kind in pattern.kinds)
    for node in walk(expression):
        if isinstance(node, x.MessagePattern):
            kinds |= node.kinds
        elif isinstance(node, x.State):
            states.add(state_of(node.state))
        elif isinstance(node, x.Parameter):
            paths = True
            wide = wide or node.target is not None
        elif isinstance(node, _OTHERS):
            wide = True
    return Interest(frozenset(kinds), frozenset(states), paths, wide)


def awaited(expression: Any, scope: Scope) -> frozenset[str]:
    """Return the kinds of messages by which an expression comes to know what orders gave."""
    kinds: set[str] = set()
    for name in {node.name for node in walk(expression) if isinstance(node, x.Name)}:
        try:
            kept = scope.look_up(name)
        except KeyError:
            continue
        if isinstance(kept, Capture) and kept.awaits:
            kinds.add(kept.awaits)
    return frozenset(kinds)


def interest_in_members(target: x.Target | None) -> Interest:
    """Return what may change who belongs to a target."""
    found = Interest()
    for node in walk(target):
        if isinstance(node, x.Where):
            found |= interest_in(node.condition)
    return found
