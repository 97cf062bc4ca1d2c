"""A set of device numbers behaves as a set."""

from hypothesis import given
from hypothesis import strategies as st

from cpescript.judge.numbers import Numbers

steps = st.lists(st.tuples(st.booleans(), st.integers(0, 50)), max_size=60)


@given(st.sets(st.integers(0, 50)), steps)
def test_it_is_a_set(start, changes):
    numbers, plain = Numbers(start), set(start)
    for on, number in changes:
        (numbers.add if on else numbers.discard)(number)
        (plain.add if on else plain.discard)(number)
    assert list(numbers) == sorted(plain)
    assert len(numbers) == len(plain)
    assert all((number in numbers) is (number in plain) for number in range(60))
    assert bool(numbers) is bool(plain)
