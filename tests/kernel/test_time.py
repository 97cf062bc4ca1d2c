"""Durations, instants, sizes: parsed once, shown as they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.kernel.time import (
    DAY,
    HOUR,
    MILLISECOND,
    MINUTE,
    SECOND,
    Duration,
    Instant,
    Percent,
    Size,
    TimeOfDay,
    format_clock,
    format_duration,
    format_instant,
    parse_duration,
    parse_instant,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("250ms", 250 * MILLISECOND),
        ("30s", 30 * SECOND),
        ("1h30m", 90 * MINUTE),
        ("1.5h", 90 * MINUTE),
        ("1d", DAY),
        ("1d2h3m4s5ms", DAY + 2 * HOUR + 3 * MINUTE + 4 * SECOND + 5 * MILLISECOND),
        ("0s", 0),
    ],
)
def test_durations(text, expected):
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "5", "1m1h", "1h1h", "5 s", "-5s", "1w", "s", "1h30"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@given(st.integers(0, 10**6))
def test_a_duration_reads_back(milliseconds):
    duration = milliseconds * MILLISECOND
    assert parse_duration(format_duration(duration)) == duration


def test_durations_below_a_millisecond_are_shown_exactly():
    assert format_duration(1_500) == "1500ns"
    assert format_duration(2_000) == "2us"
    assert format_duration(SECOND + 1) == "1.000000001s"
    assert format_duration(-SECOND) == "-1s"


def test_clock():
    assert format_clock(250 * SECOND) == "00:04:10"
    assert format_clock(2 * DAY + 250 * SECOND + 250 * MILLISECOND) == "2d 00:04:10.250"


@given(st.integers(-62_135_596_800, 253_402_300_799))
def test_instants_read_back(seconds):
    assert parse_instant(format_instant(seconds * SECOND)) == seconds * SECOND


def test_instants():
    assert format_instant(parse_instant("2026-01-01T01:00:00+01:00")) == "2026-01-01T00:00:00Z"
    with pytest.raises(ValueError, match="zone"):
        parse_instant("2026-01-01T00:00:00")


def test_instants_are_those_of_the_calendar_whatever_their_zone():
    assert format_instant(parse_instant("9999-12-31T23:59:59Z")) == "9999-12-31T23:59:59Z"
    assert format_instant(parse_instant("0001-01-01T00:00:00Z")) == "0001-01-01T00:00:00Z"
    for text in ("9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+00:01"):
        with pytest.raises(ValueError, match="years 1 to 9999"):
            parse_instant(text)


def test_units_show_themselves():
    assert str(Duration(90 * MINUTE)) == "1h30m"
    assert str(Size(8 << 20)) == "8MiB"
    assert str(Size(1000)) == "1000B"
    assert str(Size(3 << 30)) == "3GiB"
    assert [parse_size(text) for text in ("512B", "64KiB", "1.5MiB", "2GiB")] == [512, 65536, 3 << 19, 1 << 31]
    assert str(Percent(10)) == "10%"
    assert str(TimeOfDay(2 * HOUR)) == "02:00"
    assert str(Instant(0)) == "1970-01-01T00:00:00Z"
    with pytest.raises(ValueError, match="size"):
        parse_size("8 MB")
