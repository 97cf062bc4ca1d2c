"""Quantifiers: what is enough, and from when on it is certain."""

from fractions import Fraction

import pytest

from cpescript.diagnostics import Span
from cpescript.judge.quantity import Amount
from cpescript.kernel.time import Percent
from cpescript.pattern.claim import Quantifier
from cpescript.pattern.evaluate import EvaluationError, Scope
from cpescript.pattern.expression import Literal_

KINDS = [("each", None), ("any", None), *((kind, 2) for kind in ("at least", "at most", "exactly"))]
KINDS += [(kind, Percent(40)) for kind in ("at least", "at most", "exactly")]


@pytest.mark.parametrize(
    ("amount", "reached"),
    [
        (Amount("each"), [False, False, False, False, False, True]),
        (Amount("any"), [False, True, True, True, True, True]),
        (Amount("at least", 2), [False, False, True, True, True, True]),
        (Amount("at most", 2), [True, True, True, False, False, False]),
        (Amount("exactly", 2), [False, False, True, False, False, False]),
        (Amount("at least", Percent(50)), [False, False, False, True, True, True]),
        (Amount("at least", Percent(61)), [False, False, False, False, True, True]),
        (Amount("at most", Percent(39)), [True, True, False, False, False, False]),
        (Amount("at most", Percent(1)), [True, False, False, False, False, False]),
        (Amount("exactly", Percent(50)), [False, False, False, True, False, False]),
        (Amount("at least", Percent(0)), [True] * 6),
        (Amount("at most", Percent(0)), [True, False, False, False, False, False]),
        (Amount("exactly", Percent(0)), [True, False, False, False, False, False]),
        (Amount("at least", 9), [False] * 6),
    ],
)
def test_how_many_of_five_are_enough(amount, reached):
    assert [amount.reached(met, 5) for met in range(6)] == reached


@pytest.mark.parametrize(("kind", "number"), KINDS)
def test_a_verdict_before_the_close_is_the_one_that_any_ending_has(kind, number):
    """Met devices stay met, so the number that meets in the end lies between those that have and those that can."""
    amount, total = Amount(kind, number), 6
    for met in range(total + 1):
        for possible in range(met, total + 1):
            endings = {amount.verdict(end, end, total, closing=True) for end in range(met, possible + 1)}
            early = amount.verdict(met, possible, total, closing=False)
            if early is not None:
                assert endings == {early}, (met, possible)
            elif kind not in ("at most", "exactly"):
                assert endings == {True, False}, (met, possible)
            else:
                # These wait for the close: what could still go wrong is seen then, even where nothing is left to.
                assert True in endings, (met, possible)


@pytest.mark.parametrize("share", [0.1, 1, 7, 12.5, 33.3, 50, 95, 99.9, 100])
@pytest.mark.parametrize("total", [1, 2, 3, 7, 10, 13, 20, 100, 1000])
def test_a_percentage_is_what_it_says(share, total):
    """Whatever the rounding: those that are enough are so by multiplication."""
    at_least, at_most = Amount("at least", Percent(share)), Amount("at most", Percent(share))
    for met in range(total + 1):
        assert at_least.reached(met, total) == (Fraction(met, total) >= Fraction(str(share)) / 100)
        assert at_most.reached(met, total) == (Fraction(met, total) <= Fraction(str(share)) / 100)


@pytest.mark.parametrize("value", [2.5, -1, "two", Percent(-5)])
def test_what_is_no_number_of_devices_is_told(value):
    quantifier = Quantifier("at least", Literal_(Span("x.cpes", 1, 1, 1, 2), value))
    with pytest.raises(EvaluationError):
        Amount.of(quantifier, Scope(None))


def test_how_it_reads():
    assert [Amount("each").text, Amount("at most", Percent(20)).text] == ["each", "at most 20%"]
