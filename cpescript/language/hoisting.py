"""Opens each `sometimes` where its block begins: it asks what came true in the whole block, wherever in it its line is.

A `sometimes` opens behind the last statement that gives it a name: the `spawn` of its devices, a `let`, an `as`. What a
system believes was not asked before, and so counts from its own line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from cpescript.language import timeline as tl
from cpescript.pattern import expression as px
from cpescript.pattern.walking import walk


def hoisted(steps: Sequence[tl.Step], spawns: Mapping[str, Collection[str]]) -> list[tl.Step]:
    """Return the steps of a block with each `sometimes` as far up as its names allow.

    `spawns` says which cohorts the procedures spawn.
    """
    if not any(map(_looks_back, steps)):
        return list(steps)
    others: list[tl.Step] = []
    behind: dict[str, int] = {}
    """Name to how many of the others stand before its value is there; `_EVERYONE` for the devices of all cohorts."""
    opening: dict[int, list[tl.Step]] = {}
    for step in steps:
        if _looks_back(step):
            place = max((behind.get(name, 0) for name in _asked(step)), default=0)
            opening.setdefault(len(others) if _asks_system(step) else place, []).append(step)
            continue
        others.append(step)
        for name in _given(step, spawns):
            behind[name] = len(others)
    found: list[tl.Step] = []
    waiting: list[tl.Step] = []
    for place, other in enumerate(others):
        waiting += opening.get(place, ())
        if not isinstance(other, tl.Monitor):
            # Invariants open in one instant: in the order written, as far as that goes.
            found += waiting
            waiting = []
        found.append(other)
    return [*found, *waiting, *opening.get(len(others), ())]


_EVERYONE = "all"
"""What `all` is called among names; it never is one."""


def _looks_back(step: tl.Step) -> bool:
    return isinstance(step, tl.Monitor) and step.mode == "sometimes"


def _asks_system(step: tl.Step) -> bool:
    return any(isinstance(node, tl.BeliefClaim) for node in walk(step))


def _asked(step: tl.Step) -> set[str]:
    """Return the names that a step needs."""
    found: set[str] = set()
    for node in walk(step):
        if isinstance(node, (px.Cohort, px.Name)):
            found.add(node.name)
        elif isinstance(node, px.All):
            found.add(_EVERYONE)
    return found


def _given(step: tl.Step, spawns: Mapping[str, Collection[str]]) -> set[str]:
    """Return the names that a step gives a value."""
    found: set[str] = set()
    for node in walk(step):
        if isinstance(node, tl.Spawn):
            found |= {node.cohort, _EVERYONE}
        elif isinstance(node, tl.Do) and spawns.get(node.procedure):
            found |= {*spawns[node.procedure], _EVERYONE}
        elif isinstance(node, tl.Let):
            found.add(node.name)
        elif isinstance(node, (tl.MessageClaim, tl.Stimulus)) and node.capture is not None:
            found.add(node.capture)
    return found
