"""Draws: pure functions of stream and counter, with published vectors for the streams."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.kernel import draws


@pytest.mark.parametrize(
    ("root", "name", "expected"),
    [
        (42, "cpe-1", 0xD552157F77B52391),
        (42, "cpe-2", 0xD552127F77B51E78),
        (42, "cpe-1:generators", 0x5A2DDC5A29DE48EF),
        (1, "cpe-1", 0x2CA401D4E44EF38E),
        (-1, "cpe-1", 0x129006BD561D8EEF),
    ],
)
def test_streams_are_fnv1a_over_seed_and_name(root, name, expected):
    assert draws.stream(root, name) == expected


def test_fnv1a_of_plain_text():
    assert draws.fnv1a64(b"device-001") == 0x668841AC683CE3C1
    assert draws.fnv1a64(b"temperature") == 0x556575C1CE107955


def test_splitmix64_vectors():
    # Stream 0 counted from 1 is SplitMix64 seeded with 0.
    assert [draws.draw(0, n) for n in (1, 2, 3)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@given(st.integers(0, 2**64 - 1), st.integers(0, 10**9), st.integers(-1000, 1000), st.integers(0, 1000))
def test_between_stays_inside_both_ends(stream, n, low, width):
    assert low <= draws.between(stream, n, low, low + width) <= low + width


def test_all_values_occur_about_equally_often():
    stream = draws.stream(7, "dice")
    counts = Counter(draws.between(stream, n, 1, 6) for n in range(60_000))
    assert sorted(counts) == [1, 2, 3, 4, 5, 6]
    assert max(counts.values()) - min(counts.values()) < 700


def test_unit_is_below_one():
    stream = draws.stream(7, "unit")
    values = [draws.unit(stream, n) for n in range(10_000)]
    assert 0 <= min(values) < 0.001
    assert 0.999 < max(values) < 1


@given(st.integers(0, 2**64 - 1), st.lists(st.integers(), unique=True, max_size=30), st.data())
def test_a_sample_keeps_order_and_repeats_nothing(stream, items, data):
    count = data.draw(st.integers(0, len(items)))
    chosen = draws.sample(stream, 0, items, count)
    assert len(chosen) == count
    assert chosen == [item for item in items if item in set(chosen)]


def test_every_item_can_be_drawn():
    seen = {draws.sample(draws.stream(seed, "s"), 0, "abcdef", 1)[0] for seed in range(100)}
    assert seen == set("abcdef")
