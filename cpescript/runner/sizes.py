"""How large the fleets of a case are, and the same case with smaller ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cpescript.language.timeline import Spawn, Timeline
from cpescript.pattern import expression as px
from cpescript.pattern.walking import rewrite, walk


def counts(timeline: Timeline) -> list[int]:
    """Return how many devices each `spawn` makes, as far as that is known before running."""
    steps = [step for step in walk((timeline.body, tuple(timeline.procedures.values()))) if isinstance(step, Spawn)]
    return [step.count.value for step in steps if isinstance(step.count, px.Literal_) and type(step.count.value) is int]


def capped(timeline: Timeline, most: int) -> Timeline:
    """Return the timeline with no `spawn` that makes more than `most` devices."""

    def change(node: Any) -> Any:
        if not isinstance(node, Spawn):
            return node
        limit = px.Literal_(node.count.span, most)
        if isinstance(node.count, px.Literal_):
            return replace(node, count=limit) if node.count.value > most else node
        return replace(node, count=px.Call(node.count.span, "min", (node.count, limit)))

    procedures = {name: rewrite(procedure, change) for name, procedure in timeline.procedures.items()}
    return replace(timeline, body=rewrite(timeline.body, change), procedures=procedures)
