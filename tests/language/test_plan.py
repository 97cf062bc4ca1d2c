"""The plan: times as far as known, numbers of devices, what runs beside what."""

from __future__ import annotations

import pytest
from lab import timeline

from cpescript.language import plan
from cpescript.language.plan import plan_data, plan_text

SPAWN = "spawn 10 of hg100 as fleet\nspawn 1 of hg100 as other\n"
EXPECT = "expect Inform within 1m\n"
SECOND = 10**9


def row(text: str, line: int, before: str = SPAWN) -> dict[str, object]:
    data = plan_data(timeline(before + text + EXPECT))
    return next(step for step in data["steps"] if step["line"] == line)


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("wait 30s\n", (30, 30)),
        ("expect Inform within 30s\n", (0, 30)),
        ("expect registered on fleet for 30s\n", (30, 30)),
        ("wait until registered on fleet for 10s within 30s\n", (10, 30)),
        ("expect at most 3 Inform on fleet within 30s\n", (30, 30)),
        ("repeat 3:\n    wait 10s\n", (30, 30)),
        ("repeat every 10s for 1m:\n    wait 1s\n", (60, 60)),
        ("for d in fleet:\n    wait 1s\n", (10, 10)),
        ("for each d in fleet:\n    wait 1s\n", (1, 1)),
        ("parallel:\n    wait 1s\n    wait 5s\n", (5, 5)),
        ('background "x":\n    wait 5s\n', (0, 0)),
        ("if elapsed > 1s:\n    wait 5s\n", (0, 5)),
        ("wait until 00:01\n", (60, 60)),
        ("reboot fleet over 5m\n", (0, 0)),
        ("for d in fleet where offline:\n    wait 1s\n", (0, None)),
    ],
)
def test_when_a_statement_is_over(text: str, times: tuple[int, int | None]) -> None:
    found = row(text, 3)
    expected = tuple(seconds * SECOND if seconds is not None else None for seconds in times)
    assert (found["ends_earliest"], found["ends_latest"]) == expected


@pytest.mark.parametrize(
    ("target", "numbers", "count"),
    [
        ("fleet", list(range(1, 11)), 10),
        ("other", [11], 1),
        ("all", list(range(1, 12)), 11),
        ("fleet[2..4], other", [2, 3, 4, 11], 4),
        ("fleet except fleet[1..8]", [9, 10], 2),
        ("25% of fleet", list(range(1, 11)), 3),
        ("5% of other", [11], 1),
        ("fleet where offline", list(range(1, 11)), None),
    ],
)
def test_who_is_meant(target: str, numbers: list[int], count: int | None) -> None:
    found = row(f"reboot {target}\n", 3)
    runs = found["devices"]
    assert isinstance(runs, list)
    assert [number for first, last in runs for number in range(first, last + 1)] == numbers
    assert found["count"] == count


def test_monitors_are_open_to_the_end_of_their_block() -> None:
    text = "never Fault\nrepeat 2:\n    always registered on fleet\n    wait 1s\nwait 2s\n"
    assert row(text, 3)["lasts_until"] == "the end of the scenario"
    assert row(text, 6)["monitors"] == [3, 5]
    assert row(text, 7)["monitors"] == [3]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("expect registered on at least 95% of fleet within 1m\n", "95% is 10"),
        ("expect offline on at most 15% of fleet\n", "15% is 1"),
        ("expect offline on exactly 15% of fleet\n", "15% is 2"),
        ("always at most 29% of fleet offline\n", "29% is 2"),
        ("sometimes at least 21% of fleet online\n", "21% is 3"),
    ],
)
def test_a_percentage_is_told_as_the_number_that_is_judged(text: str, note: str) -> None:
    assert row(text + "wait 1m\n", 3)["notes"] == [note]


def test_branches_run_beside_each_other() -> None:
    text = 'background "x":\n    wait 1h\nparallel:\n    wait 1s\n    wait 2s\n'
    assert row(text, 6)["beside"] == [3, 7]
    assert row(text, 7)["beside"] == [3, 6]


def test_an_else_stands_in_its_own_row() -> None:
    text = "if elapsed > 1s:\n    wait 1s\nelse if elapsed > 2s:\n    wait 2s\nelse:\n    wait 3s\n"
    rows = [(step["line"], step["depth"], step["source"]) for step in plan_data(timeline(SPAWN + text))["steps"][2:]]
    assert rows == [
        (3, 0, "if elapsed > 1s:"),
        (4, 1, "wait 1s"),
        (5, 0, "else if elapsed > 2s:"),
        (6, 1, "wait 2s"),
        (7, 0, "else:"),
        (8, 1, "wait 3s"),
    ]


def test_a_plan_that_multiplies_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MAX_ROWS", 100)
    defines = "".join(f"define d{each}():\n    do d{each + 1}()\n    do d{each + 1}()\n" for each in range(40))
    case = timeline(f"{defines}define d40():\n    wait 1s\n{SPAWN}do d0()\n{EXPECT}")
    assert plan_data(case)["cut"]
    assert plan_text(case).endswith("… and more than 100 statements are left out\n")


def test_secrets_are_masked() -> None:
    data = plan_data(timeline('secret param p = "hush"\n' + SPAWN + 'note "{p}"\n' + EXPECT))
    assert data["params"] == {"p": "***"}
