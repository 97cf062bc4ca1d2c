"""The inventory names tests that exist, for every row of the sections that are about devices."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

TESTS = Path(__file__).parents[1]
SHARED = TESTS.parent.parent / "shared" / "reference" / "inventory.md"
INVENTORY = yaml.safe_load((TESTS / "device" / "inventory.yaml").read_text(encoding="utf-8"))
ROWS = INVENTORY["rows"]


@cache
def functions(file: str) -> frozenset[str]:
    path = TESTS / file
    if not path.is_file():
        return frozenset()
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("row", ROWS)
def test_each_row_names_tests_that_exist(row: str) -> None:
    entry = ROWS[row]
    assert set(entry) <= {"what", "differs", "open", "tests"}
    assert entry["what"]
    assert entry.get("tests") or entry.get("open"), "a row is shown by a test, or said to be open"
    for test in entry.get("tests", ()):
        file, _, name = test.partition("::")
        assert functions(file), f"{file} has no tests"
        assert name == "*" or name in functions(file), test


def test_a_test_that_does_not_exist_is_noticed() -> None:
    assert "test_nothing_of_the_kind" not in functions("device/test_inventory.py")
    assert functions("device/test_gone.py") == frozenset()


def test_rows_stand_in_known_sections() -> None:
    assert {row[0] for row in ROWS} == set(INVENTORY["sections"])


@pytest.mark.skipif(not SHARED.is_file(), reason=f"{SHARED} is not there")
def test_every_row_of_the_sections_about_devices_is_there() -> None:
    text = SHARED.read_text(encoding="utf-8")
    wanted = set(re.findall(r"^\| ([ABCXPQUW]-\d+) \|", text, re.MULTILINE))
    # The section on the command line has no numbers of its own: those are ours.
    assert {row for row in ROWS if not row.startswith("K-")} == wanted
