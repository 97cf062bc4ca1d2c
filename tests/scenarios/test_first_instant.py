"""The instant of a `spawn`: what claims see of devices that have just been made."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpescript.runner.options import RunOptions
from cpescript.runner.run import run


def play(tmp_path: Path, text: str) -> str:
    path = tmp_path / "instant.cpes"
    path.write_text(text, encoding="utf-8")
    scenario = run(RunOptions(scenarios=(str(path),), seed=1)).scenarios[0]
    return scenario.verdict + "".join(problem.message for problem in scenario.problems)


ONLINE_AT_ONCE = """
never any all offline
always at most 0 of all offline
spawn 3 of hg100 as fleet
check each fleet online
check count(fleet where offline) == 0
wait 5m
spawn 2 of hg100 as more
wait 1m
"""

IN_TURN = """
spawn 2 of hg100 as fleet over 10m
check each fleet offline
sometimes any fleet offline
expect each fleet online within 10m
check each fleet registered within 5m
"""


@pytest.mark.parametrize("text", [ONLINE_AT_ONCE, IN_TURN])
def test_who_is_not_spread_is_online_from_the_start(text: str, tmp_path: Path) -> None:
    assert play(tmp_path, text) == "passed"


@pytest.mark.parametrize(
    "line", ["sometimes any fleet offline", "check any fleet offline", "wait until fleet offline within 1m"]
)
def test_no_claim_finds_them_offline(line: str, tmp_path: Path) -> None:
    verdict = play(tmp_path, f"spawn 3 of hg100 as fleet\n{line}\nwait 2m\n")
    assert verdict.startswith(("failed", "error")), verdict
