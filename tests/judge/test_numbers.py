"""A set of device numbers behaves as a set."""

from hypothesis import given
from hypothesis import strategies as st

from cpescript.judge.numbers import Numbers

near = st.integers(0, 50)
far = near | st.integers(900, 950)
steps = st.lists(st.tuples(st.booleans(), far), max_size=60)


@given(st.sets(far), steps)
def test_it_is_a_set(start, changes):
    numbers, plain = Numbers(start), set(start)
    for on, number in changes:
        (numbers.add if on else numbers.discard)(number)
        (plain.add if on else plain.discard)(number)
    assert list(numbers) == sorted(plain)
    assert len(numbers) == len(plain)
    assert all((number in numbers) is (number in plain) for number in range(1000))
    assert bool(numbers) is bool(plain)


def test_a_large_number_alone_takes_no_room_for_those_below():
    numbers = Numbers([1_000_000])
    numbers.discard(1_000_000)
    numbers.add(999_990)
    assert list(numbers) == [999_990]
    assert len(numbers._flags) < 100
