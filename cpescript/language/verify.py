"""Checks that need values: what only shows when params and matrix values have been put into a scenario."""

from __future__ import annotations

from typing import Any

from cpescript.diagnostics import Bag
from cpescript.kernel.time import Duration, Percent
from cpescript.language import timeline as tl
from cpescript.language.vocabulary import check_literals
from cpescript.pattern import expression as px
from cpescript.pattern.walking import walk

_DURATIONS: dict[type, tuple[str, ...]] = {
    tl.Spawn: ("over",),
    tl.Act: ("over",),
    tl.Expect: ("within", "lasting", "patience"),
    tl.Wait: ("duration",),
    tl.Repeat: ("every", "lasting"),
    tl.At: ("delay",),
}
"""Step to its fields that are durations."""

_ENDING = {"within", "lasting", "duration", "delay"}
"""Durations that end inside the scenario, so inside its limit. Others (patience is real time) do not count."""


def verify(timeline: tl.Timeline, bag: Bag) -> None:
    """Report what is wrong with the values of one case."""
    known = tuple((procedure.body, procedure.final) for procedure in timeline.procedures.values())
    for node in walk((timeline.body, timeline.final, known)):
        if isinstance(node, tl.Step):
            _durations(node, timeline, bag)
            _counts(node, bag)
        if isinstance(node, tl.Stimulus) and node.verb == "download":
            _firmware(node, timeline, bag)
    check_literals((timeline.body, timeline.final, known), bag)


def _durations(step: tl.Step, timeline: tl.Timeline, bag: Bag) -> None:
    for name in _DURATIONS.get(type(step), ()):
        node = getattr(step, name)
        if not isinstance(node, px.Literal_) or node.value is None:
            continue
        if not isinstance(node.value, Duration):
            bag.error(node.span, "wrong-type", f"a duration is needed here, not {node.value!r}")
        elif node.value < 0 or (node.value == 0 and name in ("every", "lasting", "within")):
            bag.error(node.span, "bad-number", f"{node.value} is no length of time")
        elif name in _ENDING and node.value > timeline.limit:
            what = "a deadline" if name == "within" else "a wait"
            bag.error(
                node.span,
                "past-limit",
                f"{what} of {node.value} lies past the limit of {timeline.limit}",
                f"limit {node.value}, or shorten it",
            )
    duration = step.arguments.get("duration") if isinstance(step, tl.Act) else None
    if isinstance(duration, px.Literal_) and isinstance(duration.value, Duration) and duration.value <= 0:
        bag.error(duration.span, "bad-number", f"{duration.value} is no length of time")


def _counts(step: tl.Step, bag: Bag) -> None:
    if isinstance(step, tl.Spawn):
        _at_least(step.count, 1, "at least one device is made", bag)
    elif isinstance(step, tl.Repeat) and step.count is not None:
        _at_least(step.count, 1, "nothing is repeated less than once", bag)
    elif isinstance(step, (tl.Expect, tl.Monitor)):
        amount = step.quantifier.amount
        if isinstance(amount, px.Literal_) and isinstance(amount.value, Percent) and not 0 <= amount.value <= 100:
            bag.error(amount.span, "bad-number", f"{amount.value} of them cannot be", "0% to 100%")
        if step.quantifier.kind == "at least":
            _never_missed(amount, bag)
        if isinstance(step.claim, tl.MessageClaim) and step.claim.count is not None:
            _at_least(step.claim.count, 0, "a number of messages is not negative", bag)
            if step.claim.comparison == "at least":
                _never_missed(step.claim.count, bag)


def _at_least(node: Any, least: int, message: str, bag: Bag) -> None:
    if isinstance(node, px.Literal_) and isinstance(node.value, int) and node.value < least:
        bag.error(node.span, "bad-number", message)


def _never_missed(amount: Any, bag: Bag) -> None:
    """Report `at least 0`: nothing that an ACS does makes it fail."""
    if isinstance(amount, px.Literal_) and isinstance(amount.value, (int, float)) and amount.value == 0:
        bag.warning(amount.span, "always-true", f"at least {amount.value} is always met", "at least 1?")


def _firmware(step: tl.Stimulus, timeline: tl.Timeline, bag: Bag) -> None:
    version = step.arguments.get("firmware")
    if isinstance(version, px.Literal_) and version.value not in timeline.firmware:
        declared = ", ".join(f'"{known}"' for known in timeline.firmware)
        setting = f'firmware "{version.value}" size 8MiB'
        # A version that is nearly another is another: no "did you mean".
        remedy = f"declared: {declared}; or add the setting {setting}" if declared else f"none is: add {setting}"
        bag.error(version.span, "unknown-firmware", f'no setting declares firmware "{version.value}"', remedy)
