"""Quantifiers: when enough devices (or few enough) meet a claim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cpescript.pattern.claim import Quantifier
from cpescript.pattern.evaluate import EvaluationError, Scope, evaluate
from cpescript.pattern.functions import NoValueError, quota, share_of


@dataclass(frozen=True, slots=True)
class Amount:
    """A quantifier with its number worked out: an int or a Percent, None for each, any and across."""

    kind: str
    amount: Any = None

    @classmethod
    def of(cls, quantifier: Quantifier, scope: Scope) -> Amount:
        """Return a quantifier with its number worked out. Raises EvaluationError where that is no number of devices."""
        if quantifier.amount is None:
            return cls(quantifier.kind)
        amount = evaluate(quantifier.amount, scope)
        try:
            share_of(amount, 0)
        except NoValueError as error:
            raise EvaluationError(quantifier.amount.span, error.message, error.remedy) from None
        return cls(quantifier.kind, amount)

    @property
    def text(self) -> str:
        return self.kind if self.amount is None else f"{self.kind} {self.amount}"

    def number(self, total: int) -> int:
        """Return how many devices of `total` the amount comes down to."""
        if self.kind in ("each", "across"):
            return total
        if self.kind == "any":
            return 1
        return quota(self.kind, self.amount, total)

    def reached(self, met: int, total: int) -> bool:
        """Whether `met` of `total` is what the quantifier asks for."""
        number = self.number(total)
        if self.kind == "at most":
            return met <= number
        return met == number if self.kind == "exactly" else met >= number

    def verdict(self, met: int, possible: int, total: int, *, closing: bool) -> bool | None:
        """Return the verdict if it is certain, else None: `met` have met it, at most `possible` can in the end."""
        number = self.number(total)
        if closing:
            return self.reached(met, total)
        if self.kind in ("each", "across", "any", "at least"):
            return True if met >= number else False if possible < number else None
        if met > number:
            return False
        return False if self.kind == "exactly" and possible < number else None
