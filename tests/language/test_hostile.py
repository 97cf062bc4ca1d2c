"""Texts made to hurt: each is read or refused politely, with work in proportion to its length.

Work is counted in calls, not in seconds, so the figures are the same everywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab import LAB, load, load_text

from cpescript.language import loader
from cpescript.language.expected import expected_at
from cpescript.language.formatter import format_text
from cpescript.language.plan import plan_text

FLEET = "spawn 1 of hg100 as f\n"

SHAPES: dict[str, Callable[[int], str]] = {
    "quotes": lambda n: 'note "\n' * (n // 7),
    "docstrings": lambda n: '"""\n' * (n // 4),
    "open brackets": lambda n: "let x = [\n" * (n // 10),
    "closing brackets": lambda n: ")\n" * (n // 2),
    "braces": lambda n: 'note "{{{a}"\n' * (n // 13),
    "nests": lambda n: "\n".join(" " * depth + "parallel:" for depth in range(30)) * (n // 800),
    "dedents": lambda n: "  wait 1s\n wait 1s\n    wait 1s\n" * (n // 32),
    "long lines": lambda n: ("let x = " + "1 + " * 300 + "1\n") * (n // 1200),
    "commas": lambda n: "reboot " + "a,\n" * (n // 3) + "a",
    "names": lambda n: "".join(f"let abc{each} = 1\n" for each in range(n // 15)),
    "unknown names": lambda n: "".join(f"let abc{each} = 1\nnote abd{each}\n" for each in range(n // 30)),
    "unknown paths": lambda n: FLEET + "".join(f"set Device.Nope{each}.X = 1 on f\n" for each in range(n // 30)),
    "broken lines": lambda n: "rebot x\n" * (n // 8),
    "else if": lambda n: "if a:\n  wait 1s\n" + "else if a:\n  wait 1s\n" * (n // 22),
    "scenarios": lambda n: "".join(f'scenario "a{each}":\n  wait 1s\n' for each in range(n // 26)),
    "procedures": lambda n: "".join(f"define a{each}():\n  do a{each + 1}()\n" for each in range(n // 30)),
    "cohorts": lambda n: "".join(f"spawn 1 of hg100 as c{each}\n" for each in range(n // 24)) + "reboot all\n",
    "monitors": lambda n: FLEET + "never Fault on f\n" * (n // 17) + "wait 1s\n",
    "handlers": lambda n: FLEET + "on every SPV of f:\n    answer nothing\n" * (n // 40) + "wait 1s\n",
    "tabs": lambda n: "\twait 1s\n" * (n // 9),
    "lists": lambda n: ("let x = " + "[" * 40 + "]" * 40 + "\n") * (n // 90),
    "uses": lambda n: "".join(f'use "x{each}.cpes"\n' for each in range(n // 14)),
}


def calls(work: Callable[[], Any]) -> int:
    """Return how many calls a piece of work makes, of Python's functions and of built-in ones."""
    count = 0

    def counted(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += 1

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def read(text: str) -> None:
    """Do all that is ever done with a text: check it, show what is wrong, plan it, format it."""
    program, bag = load_text(text, "hostile.cpes", LAB)
    assert "Traceback" not in bag.render()
    if program is not None and not program.failed:
        for case in program.cases()[0][:2]:
            plan_text(case)
    format_text(text)


def cost(text: str) -> float:
    """Return what reading a text costs, in calls a character."""
    return calls(lambda: read(text)) / len(text)


@pytest.mark.parametrize("shape", SHAPES)
def test_work_grows_no_faster_than_the_text(shape: str) -> None:
    make = SHAPES[shape]
    read(make(900))  # what is made once is made here
    assert cost(make(3_200)) < 1.4 * cost(make(1_200))


def test_a_line_of_ten_megabytes_is_refused() -> None:
    text = FLEET + "note " + "x" * 10_000_000
    program, bag = load_text(text, "giant.cpes", LAB)
    assert program is None
    assert [item.code for item in bag] == ["giant-line"]
    assert len(bag.render()) < 1_000
    assert calls(lambda: load_text(text, "giant.cpes", LAB)) < 5_000
    assert format_text(text)[0] is None
    assert expected_at(text, 3, 5) is None


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(" " * depth + "if true:" for depth in range(10_000)),
        "let x = " + "(" * 10_000,
        "let x = " + "[" * 9_000 + "]" * 9_000,
        'note "' + '{"' * 5_000 + '"',
        "let x = " + "not " * 4_000 + "true",
        "let x = " + "- " * 4_000 + "1",
        "let x = " + "1 + " * 4_000 + "1",
        FLEET + "reboot f" + " except f" * 2_000,
        FLEET + "reboot " + "1 of " * 3_000 + "f",
    ],
    ids=lambda text: text[-40:-30],
)
def test_a_nest_of_thousands_of_levels_is_refused(text: str) -> None:
    _, bag = load_text(text, "deep.cpes", LAB)
    assert bag.failed
    assert {"too-deep", "giant-line"} & {item.code for item in bag} or len(bag) < 5
    format_text(text)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("nested", [0, 3])
def test_a_chain_of_thousands_of_procedures_is_refused_once(backwards: bool, nested: int) -> None:
    def define(number: int) -> str:
        ifs = "".join(" " * (depth + 1) + "if true:\n" for depth in range(nested))
        return f"define d{number}():\n{ifs}{' ' * (nested + 1)}do d{number + 1}()\n"

    defines = [define(number) for number in range(3_000)] + ["define d3000():\n    wait 1s\n"]
    text = "".join(reversed(defines) if backwards else defines) + f"{FLEET}do d0()\nexpect Inform within 1m\n"
    _, bag = load_text(text, "chain.cpes", LAB)
    assert [item.code for item in bag] == ["too-deep"]


@pytest.mark.parametrize(
    "deep", ["reboot " + "1 of " * 38 + "f", "note " + "not " * 38 + "true", "let x = " + "1 + " * 38 + "1"]
)
def test_the_deepest_that_is_allowed_is_done(deep: str) -> None:
    ifs = "".join(" " * (depth + 1) + "if true:\n" for depth in range(38))
    text = f"{FLEET}define d(f):\n{ifs}{' ' * 39}{deep}\ndo d(f)\nexpect Inform within 1m\n"
    program, bag = load_text(text, "deep.cpes", LAB)
    assert program is not None
    assert not bag.failed, bag.render()
    (case,), _ = program.cases()
    assert plan_text(case)
    assert format_text(text)[0] is not None


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "MAX_FILE", 1_000)
    (tmp_path / "large.cpes").write_text("# " + "x" * 2_000, encoding="utf-8")
    program, bag = load(tmp_path / "large.cpes", LAB)
    assert program is None
    assert [item.code for item in bag] == ["giant-file"]


def test_only_regular_files_are_read() -> None:
    program, bag = load("/dev/zero", LAB)
    assert program is None
    assert [item.message for item in bag] == ["'/dev/zero' is no regular file"]


def test_a_library_that_uses_itself_over_many_files_is_refused(tmp_path: Path) -> None:
    for number in range(300):
        text = f'use "f{(number + 1) % 300}.cpes"\ndefine d{number}():\n    wait 1s\n'
        (tmp_path / f"f{number}.cpes").write_text(text, encoding="utf-8")
    _, bag = load(tmp_path / "f0.cpes", LAB)
    assert {item.code for item in bag} == {"too-many-files"}
    for number in range(9, 11):
        (tmp_path / f"f{number}.cpes").write_text('use "f0.cpes"\n', encoding="utf-8")
    _, bag = load(tmp_path / "f0.cpes", LAB)
    assert "use-cycle" in {item.code for item in bag}
