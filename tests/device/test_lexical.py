"""What texts are values of the six types, and their form on the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.device.lexical import DEFAULTS, TYPES, LexicalError, canonical, typed
from cpescript.kernel.time import Instant


@pytest.mark.parametrize(
    ("kind", "text", "wire"),
    [
        ("string", "  any\n", "  any\n"),
        ("int", "-2147483648", "-2147483648"),
        ("int", "+5", "5"),
        ("int", "007", "7"),
        ("unsignedInt", "4294967295", "4294967295"),
        ("boolean", "1", "true"),
        ("boolean", "false", "false"),
        ("dateTime", "2026-01-01T00:00:00+02:00", "2025-12-31T22:00:00Z"),
        ("dateTime", "2026-01-01T00:00:00.1200Z", "2026-01-01T00:00:00.12Z"),
        ("dateTime", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00Z"),
        ("dateTime", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("base64", "aGk=", "aGk="),
        ("base64", "", ""),
    ],
)
def test_wire_form(kind: str, text: str, wire: str) -> None:
    assert canonical(kind, text) == wire


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("int", "", 9006),
        ("int", " 1", 9006),
        ("int", "1.0", 9006),
        ("int", "٣", 9006),
        ("int", "2147483648", 9007),
        ("int", "9" * 5000, 9007),
        ("unsignedInt", "+1", 9006),
        ("unsignedInt", "-1", 9006),
        ("unsignedInt", "4294967296", 9007),
        ("boolean", "True", 9006),
        ("boolean", "yes", 9006),
        ("dateTime", "2026-01-01T00:00:00", 9006),
        ("dateTime", "2026-01-01t00:00:00z", 9006),
        ("dateTime", "2026-02-30T00:00:00Z", 9007),
        ("dateTime", "0001-01-01T00:00:00+01:00", 9007),
        ("base64", "@@@@", 9006),
        ("base64", "-_-_", 9006),
        ("base64", "aGk", 9006),
    ],
)
def test_refused(kind: str, text: str, code: int) -> None:
    with pytest.raises(LexicalError) as caught:
        canonical(kind, text)
    assert caught.value.code == code


@pytest.mark.parametrize("kind", TYPES)
def test_every_default_is_its_own_wire_form(kind: str) -> None:
    assert canonical(kind, DEFAULTS[kind]) == DEFAULTS[kind]  # type: ignore[index]


def test_typed() -> None:
    assert typed("unsignedInt", "10") == 10
    assert typed("boolean", "true") is True
    assert typed("boolean", "false") is False
    assert typed("dateTime", "1970-01-01T00:00:01Z") == Instant(1_000_000_000)
    assert typed("string", "10") == "10"


@given(st.sampled_from(TYPES), st.text(max_size=40))
def test_the_wire_form_is_stable(kind: str, text: str) -> None:
    try:
        once = canonical(kind, text)
    except LexicalError:
        return
    assert canonical(kind, once) == once
