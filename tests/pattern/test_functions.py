"""Functions on plain values: what they give, and what they say where they have no value."""

import pytest

from cpescript.kernel.time import SECOND, Duration, Percent
from cpescript.pattern import functions
from cpescript.pattern.functions import FUNCTIONS, NoValueError, check_regular, matches, share_of


def test_a_regular_expression_is_of_the_whole_value():
    assert matches("HG000042", r"HG\d{6}")
    assert not matches("HG000042x", r"HG\d{6}")
    assert matches(42, "4.")
    assert matches("Café", "(?i)caf.")


def test_no_pattern_can_hold_a_run_up():
    # By backtracking this takes longer than the universe has lasted.
    assert not matches("a" * 5_000 + "b", "(a+)+")
    assert not matches("x" * 5_000, "(x*)*y")


@pytest.mark.parametrize(
    ("pattern", "message", "remedy"),
    [
        ("(", "not a regular expression: missing ): (", ""),
        (r"(a)\1", r"not a regular expression: invalid escape sequence: \1", "no backreferences"),
        ("a(?=b)", "not a regular expression: invalid perl operator: (?=", "no look-around"),
    ],
)
def test_what_is_no_pattern_is_told(pattern, message, remedy):
    with pytest.raises(NoValueError) as caught:
        check_regular(pattern)
    assert caught.value.message == message
    assert remedy in caught.value.remedy


def test_figures_of_lists_and_of_several_values():
    values = [Duration(second * SECOND) for second in (3, 1, 2)]
    assert FUNCTIONS["max"](values) == FUNCTIONS["max"](*values) == 3 * SECOND
    assert FUNCTIONS["max"](5) == 5
    assert FUNCTIONS["mean"](values) == 2 * SECOND
    assert str(FUNCTIONS["sum"](values)) == "6s"
    assert FUNCTIONS["sum"]([]) == 0
    assert repr(FUNCTIONS["sum"]([True])) == repr(FUNCTIONS["sum"]([False, True])) == "1"
    assert FUNCTIONS["p95"](list(range(1, 101))) == 95


@pytest.mark.parametrize("name", ["min", "max", "mean", "p50", "p95", "p99"])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "there is nothing in it"),
        ([1, None], "it goes over numbers, durations, sizes, instants or texts, and each must be there"),
        ([True, 1], "it goes over numbers, durations, sizes, instants or texts, and each must be there"),
        ([[1], [2]], "it goes over numbers, durations, sizes, instants or texts, and each must be there"),
        ([1, "a"], "these values do not go with each other"),
    ],
)
def test_what_has_no_figure_says_so(name, values, message):
    with pytest.raises(NoValueError) as caught:
        FUNCTIONS[name](values)
    assert caught.value.message == message


def test_only_some_things_have_a_length():
    assert FUNCTIONS["len"]("abc") == 3
    with pytest.raises(NoValueError):
        FUNCTIONS["len"](5)


@pytest.mark.parametrize(("low", "high"), [("a", 1), (1, True), (2, 1)])
def test_a_draw_needs_two_numbers_in_order(low, high):
    with pytest.raises(NoValueError):
        functions.random(1, 1, low, high)


@pytest.mark.parametrize("items", [[], 5, "text"])
def test_there_must_be_something_to_pick_from(items):
    with pytest.raises(NoValueError):
        functions.pick(1, 1, items)


def test_a_share_is_rounded_half_up_and_at_least_one():
    assert [share_of(Percent(10), whole) for whole in (0, 1, 14, 15)] == [0, 1, 1, 2]
    assert share_of(3, 5) == 3


@pytest.mark.parametrize("amount", [-1, Percent(-5), "3", True, 1.5])
def test_what_is_no_share_is_told(amount):
    with pytest.raises(NoValueError):
        share_of(amount, 10)
