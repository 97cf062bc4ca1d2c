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
    assert str(values.add(Size(1024), Size(1024))) == "2KiB"
    assert values.divide(7, 2) == 3.5
    assert values.divide(8, 2) == 4


def test_values_are_shown_as_a_scenario_would_write_them():
    assert values.show([True, None, 'a"b', Duration(MINUTE)]) == '[true, null, "a\\"b", 1m]'
    assert values.text(True) == "true"
    assert values.text("x") == "x"
