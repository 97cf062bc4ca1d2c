"""Values compare by their declared type."""

import pytest

from cpescript.kernel.time import HOUR, MINUTE, Duration, Instant, Percent, Size, parse_instant
from cpescript.pattern import values


@pytest.mark.parametrize(
    ("text", "kind", "expected", "holds"),
    [
        ("300", "unsignedInt", 300, True),
        ("300", "unsignedInt", "300", True),
        ("0300", "unsignedInt", 300, True),
        ("300", "string", 300, True),
        ("300", "string", "0300", False),
        ("1", "boolean", True, True),
        ("true", "boolean", True, True),
        ("0", "boolean", True, False),
        ("x", "boolean", True, False),
        ("9", "unsignedInt", "10", False),
        ("2026-01-01T01:00:00+01:00", "dateTime", parse_instant("2026-01-01T00:00:00Z"), True),
        ("2026-01-01T01:00:00+01:00", "string", "2026-01-01T00:00:00Z", False),
        ("2026-01-01T01:00:00+01:00", "string", parse_instant("2026-01-01T00:00:00Z"), True),
        ("2026-01-01T01:00:00+01:00", "string", parse_instant("2026-01-01T01:00:00Z"), False),
        ("soon", "string", parse_instant("2026-01-01T00:00:00Z"), False),
        ("1", "unsignedInt", True, True),
        ("0", "unsignedInt", False, True),
        ("2", "unsignedInt", True, False),
        ("1.50", "string", 1.5, True),
        ("1.6", "string", 1.5, False),
        ("x", "string", 1.5, False),
        ("9" * 5000, "string", 9, False),
        ("9" * 5000, "unsignedInt", 9, False),
        ("-09", "string", -9, True),
        ("", "string", None, False),
    ],
)
def test_same_text(text, kind, expected, holds):
    assert values.same_text(text, kind, expected) is holds


def test_a_text_that_does_not_fit_its_type_stays_text():
    assert values.typed("lots", "unsignedInt") == "lots"
    assert values.typed("300", "unsignedInt") == 300
    assert values.typed("yes", "boolean") == "yes"


def test_units_survive_arithmetic():
    assert str(values.multiply(Duration(MINUTE), 90)) == "1h30m"
    assert str(values.add(Duration(HOUR), Duration(MINUTE))) == "1h1m"
    assert values.divide(Duration(HOUR), Duration(MINUTE)) == 60
    assert str(values.divide(Duration(HOUR), 2)) == "30m"
    assert str(values.subtract(Instant(HOUR), Instant(0))) == "1h"
    assert str(values.add(Instant(0), Duration(HOUR))) == "1970-01-01T01:00:00Z"
    assert values.multiply(Percent(10), 200) == 20
    assert values.multiply(0.5, Percent(50)) == 0.25
    assert str(values.multiply(Percent(10), Duration(HOUR))) == "6m"
    assert str(values.multiply(Duration(HOUR), Percent(10))) == "6m"
    assert str(values.add(Size(1024), Size(1024))) == "2KiB"
    assert values.divide(7, 2) == 3.5
    assert values.divide(8, 2) == 4


def test_instants_end_with_the_calendar():
    last = parse_instant("9999-12-31T23:59:59Z")
    assert str(values.subtract(last, Duration(HOUR))) == "9999-12-31T22:59:59Z"
    with pytest.raises(OverflowError):
        values.add(last, Duration(HOUR))
    with pytest.raises(OverflowError):
        values.subtract(Instant(0), Duration(2_000 * 366 * 24 * HOUR))


def test_values_are_shown_as_a_scenario_would_write_them():
    assert values.show([True, None, 'a"b', Duration(MINUTE)]) == '[true, null, "a\\"b", 1m]'
    assert values.text(True) == "true"
    assert values.text("x") == "x"
