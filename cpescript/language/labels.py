"""Checks labels: what a claim or a target asks of `label.…` some `spawn` has to give."""

from __future__ import annotations

from typing import Any

from cpescript.diagnostics import Bag, did_you_mean
from cpescript.language import timeline as tl
from cpescript.pattern import expression as px
from cpescript.pattern.walking import walk


def check_labels(steps: Any, procedures: Any, bag: Bag) -> None:
    """Warn of labels that the steps ask for and no `with:` gives, of theirs or of the procedures'.

    A fleet that is read from a file may have them, and so may the devices that a procedure is handed: no error, and
    nothing of what procedures ask.
    """
    given = {
        node.arguments["name"]
        for node in walk((steps, procedures))
        if isinstance(node, tl.Act) and node.verb == "label"
    }
    told: set[str] = set()
    for node in walk(steps):
        if _is_label(node) and node.name not in given | told:
            told.add(node.name)
            remedy = did_you_mean(node.name, given, f"give it in 'spawn … with:' by 'label {node.name} = …'")
            bag.warning(node.span, "unknown-label", f"no 'spawn' here gives a label '{node.name}'", remedy)


def _is_label(node: Any) -> bool:
    """Whether a node is `device.label.region`, of whichever device."""
    if not isinstance(node, px.Attribute) or not isinstance(node.base, px.Attribute):
        return False
    return node.base.name == "label" and isinstance(node.base.base, (px.Device, px.Cohort))
