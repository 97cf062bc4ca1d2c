"""Durations in Go's syntax."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.device.durations import parse_go_duration
from cpescript.kernel.time import HOUR, MILLISECOND, MINUTE, SECOND


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("-0", 0),
        ("5s", 5 * SECOND),
        ("+5s", 5 * SECOND),
        ("-2s", -2 * SECOND),
        ("1h2m3.5s", HOUR + 2 * MINUTE + 3500 * MILLISECOND),
        ("3s1h", HOUR + 3 * SECOND),
        (".5s", 500 * MILLISECOND),
        ("1.s", SECOND),
        ("7us", 7000),
        ("7µs", 7000),
        ("0.3ns", 0),
    ],
)
def test_read(text: str, nanoseconds: int) -> None:
    assert parse_go_duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "5", "1d", "5 s", "s", ".s", "1h2", "--5s", "1e3s", "٣s", "9" * 30 + "h", "+"])
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|longer"):
        parse_go_duration(text)


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 999))
def test_parts_add_up(hours: int, minutes: int, milliseconds: int) -> None:
    text = f"{hours}h{minutes}m{milliseconds}ms"
    assert parse_go_duration(text) == hours * HOUR + minutes * MINUTE + milliseconds * MILLISECOND
