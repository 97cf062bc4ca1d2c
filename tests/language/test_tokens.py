"""Words are told apart by their look."""

from __future__ import annotations

import pytest

from cpescript.diagnostics import Bag
from cpescript.language.tokens import tokenize_line


def look(text: str) -> list[str]:
    bag = Bag()
    tokens = [f"{token.kind} {token.text}" for token in tokenize_line(text, 1, "x", bag)]
    return tokens + [item.code for item in bag]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("transfer-fault", ["WORD transfer-fault"]),
        ("a - b", ["WORD a", "SIGN -", "WORD b"]),
        ("_x9", ["WORD _x9"]),
        ("SPV", ["KIND SPV"]),
        ("Device.NAT.", ["PATH Device.NAT."]),
        ("Device.A.*.B-C", ["PATH Device.A.*.B-C"]),
        ("Device.A.{added.instance_number}.B", ["PATH Device.A.{added.instance_number}.B"]),
        ("Device.A.{n}.", ["PATH Device.A.{n}."]),
        ("dl.url", ["ATTRIBUTE dl.url"]),
        ("http.headers.x-id", ["ATTRIBUTE http.headers.x-id"]),
        ("fleet[1..10]", ["WORD fleet", "SIGN [", "NUMBER 1", "SIGN ..", "NUMBER 10", "SIGN ]"]),
        ("fleet[a..b]", ["WORD fleet", "SIGN [", "WORD a", "SIGN ..", "WORD b", "SIGN ]"]),
        ("0.5 10% 42", ["NUMBER 0.5", "SHARE 10%", "NUMBER 42"]),
        ("x % 3", ["WORD x", "SIGN %", "NUMBER 3"]),
        ("250ms 1h30m 1.5h", ["DURATION 250ms", "DURATION 1h30m", "DURATION 1.5h"]),
        ("64KiB 8MiB", ["OCTETS 64KiB", "OCTETS 8MiB"]),
        ("60x", ["FACTOR 60x"]),
        ("02:00", ["TIME 02:00"]),
        ("2026-01-01T00:00:00Z", ["INSTANT 2026-01-01T00:00:00Z"]),
        ('"a \\" # b" # c', ['STRING "a \\" # b"', "comment # c"]),
        ('r"a\\d"', ['RAW r"a\\d"']),
        ("at 02:00:", ["WORD at", "TIME 02:00", "SIGN :"]),
        ("f(code:9018)", ["WORD f", "SIGN (", "WORD code", "SIGN :", "NUMBER 9018", "SIGN )"]),
        ("a==b!=c<=d", ["WORD a", "SIGN ==", "WORD b", "SIGN !=", "WORD c", "SIGN <=", "WORD d"]),
        ("+30m:", ["SIGN +", "DURATION 30m", "SIGN :"]),
        ("30sec", ["mistake 30sec", "unknown-unit"]),
        ("2.1.0", ["mistake 2.1.0", "bad-number"]),
        ('"open', ['mistake "open', "missing-quote"]),
        ("größe", ["WORD gr", "mistake öß", "WORD e", "stray-character"]),
        ("a\tb", ["WORD a", "mistake \t", "WORD b", "tab"]),
        ("'a b'", ["mistake 'a b'", "quote"]),
    ],
)
def test_look(text: str, kinds: list[str]) -> None:
    assert look(text) == kinds


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("30sec", "did you mean '30s'?"),
        ("5 min".replace(" ", ""), "did you mean '5m'?"),
        ("10MB", "did you mean '10MiB'?"),
        ("7furlongs", "durations: ms s m h d; sizes: B KiB MiB GiB"),
        ("2.1.0-rc1", 'a version is a text: "2.1.0"'),
    ],
)
def test_a_wrong_unit_is_answered_with_the_right_one(text: str, remedy: str) -> None:
    bag = Bag()
    list(tokenize_line(text, 1, "x", bag))
    assert next(iter(bag)).remedy == remedy


def test_columns_count_characters_from_one() -> None:
    tokens = list(tokenize_line('note "ä" x', 7, "x", Bag()))
    assert [(token.line, token.column, token.end_column) for token in tokens] == [(7, 1, 5), (7, 6, 9), (7, 10, 11)]
