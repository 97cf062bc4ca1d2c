"""What is known of an ACS before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpescript.diagnostics import Bag
from cpescript.language.not_yet import NOT_YET
from cpescript.runner.checks import check_defects
from cpescript.runner.options import RunOptions
from cpescript.runner.run import UsageError, run


def told(*names: str) -> list[tuple[str, str]]:
    bag = Bag()
    check_defects(names, bag)
    return [(item.code, item.message) for item in bag]


def test_a_defect_is_given_once() -> None:
    assert told("no-retry", "forgets-bootstrap") == []
    assert told("no-retry", "no-retry") == [("doubled", "defect 'no-retry' is given twice")]
    assert told("no-retri") == [("unknown-defect", "no defect is called 'no-retri'")]


def test_real_time_needs_a_real_acs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(NOT_YET, "response-time", raising=False)
    scenario = tmp_path / "s.cpes"
    scenario.write_text(
        "spawn 1 of hg100 as cpe\nexpect p99(response_time(Inform)) < 500ms within 1m\n", encoding="utf-8"
    )
    with pytest.raises(UsageError) as refused:
        run(RunOptions(scenarios=(str(scenario),)))
    assert refused.value.bag is not None
    assert [item.code for item in refused.value.bag] == ["no-real-time"]
