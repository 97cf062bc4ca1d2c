"""The values that elements may hold: the table says what the devices say, and what is free stays free."""

from __future__ import annotations

from typing import get_args

import pytest
from lab import LAB, load_text

from cpescript.cwmp.events import PERSISTENCE
from cpescript.cwmp.session import Outcome
from cpescript.language.vocabulary import EVENTS, vocabularies


def told(text: str) -> list[str]:
    program, bag = load_text(text, "test.cpes", LAB)
    assert program is not None
    assert not bag.failed, bag.render()
    _, bag = program.cases()
    return [item.code for item in bag]


def test_the_table_has_what_devices_say() -> None:
    assert set(PERSISTENCE) <= set(EVENTS)
    assert set(vocabularies()["outcome"].known) == set(get_args(Outcome))


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ('never Inform where events contains "0 bootstrap" on fleet', ["unknown-value"]),
        ('never Inform where events contains "0 BOOTSTRAP" on fleet', []),
        ('never Inform where events contains "X 00D0AA LAB" on fleet', []),
        ('never Inform where events contains "M X_LAB" on fleet', []),
        ('never Inform where events == ["boot"] on fleet', ["unknown-value"]),
        ('never Download where file_type in ["X 00D0AA Rules", "rules"] on fleet', ["unknown-value"]),
        ('never Download where file_type starts with "rules" on fleet', []),
        ("never Fault where fault_code == 90003 on fleet", ["unknown-value"]),
        ("never Fault where fault_code == 9850 or fault_code > 90003 on fleet", []),
    ],
)
def test_only_what_is_never_said_is_reported(claim: str, expected: list[str]) -> None:
    assert told(f"spawn 2 of hg100 as fleet\n{claim}\nexpect Inform on fleet within 1m\n") == expected


def test_what_the_scenario_says_itself_is_known() -> None:
    text = 'spawn 2 of hg100 as fleet\n{}expect Inform where events contains "99 ODD" on fleet within 1m\n'
    assert told(text.format("")) == ["unknown-value"]
    assert told(text.format('inform fleet event "99 ODD"\n')) == []


def test_a_matrix_is_told_once() -> None:
    text = 'scenario "a" for n in [1, 2]:\n    spawn 2 of hg100 as fleet\n'
    text += '    expect SessionEnd where outcome == "ok" on fleet within 1m\n'
    assert told(text) == ["unknown-value"]


@pytest.mark.parametrize(("count", "expected"), [("3", ["bad-slice"]), ("4", []), ("size", []), ("(2 + 1)", [])])
def test_a_number_from_outside_may_be_any(count: str, expected: list[str]) -> None:
    text = f"param size: int = 3\nspawn size of hg100 as other\nspawn {count} of hg100 as fleet\nreboot fleet[4]\n"
    assert told(f"{text}expect Inform on fleet within 1m\n") == expected
