"""The corpus: scenarios with their goldens beside them. `CPESCRIPT_REWRITE_GOLDENS=1` writes the goldens anew.

`valid/*.cpes` have a `.plan` and a `.fmt`, `errors/*.cpes` have an `.err`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from lab import CORPUS, LAB

from cpescript.language.formatter import format_text
from cpescript.language.loader import check, load
from cpescript.language.plan import plan_data, plan_text

REWRITE = os.environ.get("CPESCRIPT_REWRITE_GOLDENS") == "1"

VALID = sorted(path.name for path in (CORPUS / "valid").glob("*.cpes"))
ERRORS = sorted(path.name for path in (CORPUS / "errors").glob("*.cpes"))


def compare(golden: Path, text: str) -> None:
    if REWRITE:
        golden.write_text(text, encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == text


@pytest.fixture
def valid(monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(CORPUS / "valid")
    return Path(".")


@pytest.mark.parametrize("name", VALID)
def test_valid_scenarios_have_their_plan(valid: Path, name: str) -> None:
    program, bag = load(name, LAB)
    assert program is not None
    assert not len(bag), bag.render()
    cases, bag = program.cases()
    assert not len(bag), bag.render()
    assert cases
    json.dumps([plan_data(case) for case in cases])
    compare(Path(name).with_suffix(".plan"), "\n".join(map(plan_text, cases)))


@pytest.mark.parametrize("name", VALID)
def test_valid_scenarios_have_one_shape(valid: Path, name: str) -> None:
    formatted, bag = format_text(Path(name).read_text(encoding="utf-8"), name)
    assert formatted is not None, bag.render()
    compare(Path(name).with_suffix(".fmt"), formatted)


@pytest.mark.parametrize("name", ERRORS)
def test_mistakes_are_told_with_place_cause_and_remedy(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(CORPUS / "errors")
    bag = check(name, LAB)
    assert len(bag), "a file of this folder has at least one mistake"
    told = bag.render()
    assert not any(word in told for word in ("_NL", "_INDENT", "_DEDENT", "$END", "ERROR_", "Traceback", "OF_PATH"))
    assert all("\n" not in item.message and "\n" not in item.remedy for item in bag)
    compare(Path(name).with_suffix(".err"), told)


def test_there_are_enough_mistakes() -> None:
    told = [path.read_text(encoding="utf-8") for path in (CORPUS / "errors").glob("*.err")]
    heads = {line for text in told for line in text.splitlines() if line.startswith(("error[", "warning["))}
    assert len(heads) >= 60
