"""Regular expressions that people write: linear in time, and refused with a cause."""

import pytest

from cpescript.regular import RegularError, regular


def test_it_is_used_like_one_of_re():
    found = regular(r"v(\d+)").search("/image-v12.bin")
    assert (found[1], found.re.groups) == ("12", 1)
    assert regular("a+").fullmatch("ab") is None


def test_a_pattern_that_would_take_for_ever_does_not():
    assert regular("(a|a)*(a|a)*$").fullmatch("a" * 5_000 + "b") is None


@pytest.mark.parametrize(
    ("pattern", "cause", "remedy"),
    [
        ("[a", "missing ]: [a", ""),
        (r"(a)\1", r"invalid escape sequence: \1", "there are no backreferences and no look-around"),
        ("(?=a)", "invalid perl operator: (?=", "there are no backreferences and no look-around"),
    ],
)
def test_what_is_none_is_refused(pattern, cause, remedy):
    with pytest.raises(RegularError) as caught:
        regular(pattern)
    assert (caught.value.cause, caught.value.remedy) == (cause, remedy)
