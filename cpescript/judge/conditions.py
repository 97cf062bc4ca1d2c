"""From a claim to its condition: the table of what judges which kind of claim."""

from __future__ import annotations

from collections.abc import Sequence

from cpescript.judge.blocks import BlockCondition
from cpescript.judge.messages import AbsenceCondition, CountCondition, MessageCondition
from cpescript.judge.setting import Condition, Setting, Together
from cpescript.judge.values import BeliefCondition, StateCondition, ValueCondition
from cpescript.pattern.claim import BeliefClaim, BlockClaim, Claim, MessageClaim, StateClaim, ValueClaim


def condition(claim: Claim, setting: Setting, together: Together | None = None) -> Condition:
    """Return the condition of a claim; `together` gives the devices of an `across`.

    Raises EvaluationError where a count cannot be worked out, and for what has no meaning across devices.
    """
    match claim:
        case MessageClaim():
            if claim.comparison is not None:
                return CountCondition(claim, setting, together)
            return (AbsenceCondition if claim.negated else MessageCondition)(claim, setting, together)
        case ValueClaim():
            return ValueCondition(claim, setting, together)
        case StateClaim():
            return StateCondition(claim, setting, together)
        case BeliefClaim():
            return BeliefCondition(claim, setting, together)
        case BlockClaim():
            return BlockCondition(claim, setting, [condition(part, setting, together) for part in claim.claims])


class AnyOf:
    """A condition that is met when any of these devices meets it: an `unless` about others than the claim is about.

    It is asked without regard to the device in question.
    """

    wide = True

    def __init__(self, inner: Condition, devices: Sequence[int]) -> None:
        self.inner = inner
        self.devices = devices
        self.kinds, self.states, self.paths = inner.kinds, inner.states, inner.paths
        self.timed = inner.timed

    def reached(self, device: int) -> int | None:
        """Return the number of the first record at which one of them met it, None for nobody."""
        found = [at for each in self.devices if (at := self.inner.reached(each)) is not None]
        return min(found, default=None)

    def alarm(self, device: int) -> int | None:
        """Return the next instant at which time alone changes it for one of them."""
        found = [when for each in self.devices if (when := self.inner.alarm(each)) is not None]
        return min(found, default=None)

    def expected(self, device: int) -> str:
        return self.inner.expected(device)
