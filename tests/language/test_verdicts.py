"""Scenarios that pin what a verdict is: each says in its first lines what it comes to, and is run on the embedded ACS.

Header lines, each a comment: `verdict:` once a case, in order · `misses:` the source of a claim that must be missed,
one each · `says:` a piece of what the report tells · `notes:` what was noted · `vacuous:` a piece of each remark ·
`strict:` the verdict with `--strict` · `defect:` of the ACS · `met:` how many of how many devices met the first missed
claim · `before:` the virtual time by which it was over.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from lab import CORPUS

from cpescript.kernel.time import parse_duration
from cpescript.results import ScenarioResult
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run

FOLDER = CORPUS / "verdicts"
FILES = sorted(path.stem for path in FOLDER.glob("*.cpes"))
PAGE = sorted(path.stem for path in (CORPUS / "valid").glob("page_*.cpes"))
"""What the reference page of the language shows, as far as it runs."""
KEYS = {"verdict", "misses", "says", "notes", "vacuous", "strict", "defect", "met", "before"}


def header(path: Path) -> dict[str, list[str]]:
    """Return what a file's first comments say of it, by key."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        key, sign, value = line.removeprefix("# ").partition(": ")
        if not line.startswith("# ") or not sign or key not in KEYS:
            break
        found[key].append(value)
    return found


def play(name: str, *, strict: bool = False) -> tuple[ScenarioResult, ...]:
    path = FOLDER / f"{name}.cpes"
    options = RunOptions(scenarios=(str(path),), defects=tuple(header(path)["defect"]), strict=strict)
    return run(options).scenarios


def told(results: tuple[ScenarioResult, ...]) -> str:
    """Return everything that the results tell, as one text."""
    words: list[str] = []
    for result in results:
        words += [result.reason, *result.vacuous]
        words += [f"{problem.message} {problem.remedy}" for problem in result.problems]
        for claim in result.claims:
            words += [claim.message, claim.hint]
            words += [f"{miss.actual} {miss.expected}" for miss in claim.misses]
    return "\n".join(words)


@pytest.mark.parametrize("name", FILES)
def test_a_scenario_comes_to_what_it_says(name: str) -> None:
    wanted, results = header(FOLDER / f"{name}.cpes"), play(name)
    assert [result.verdict for result in results] == wanted["verdict"], told(results)
    missed = [claim for result in results for claim in result.claims if claim.verdict == "missed"]
    assert sorted({claim.source.strip() for claim in missed}) == sorted(set(wanted["misses"])), told(results)
    for piece in wanted["says"]:
        assert piece in told(results)
    if wanted["notes"]:
        assert [text for result in results for _, text in result.notes] == wanted["notes"][0].split(", ")
    remarks = [remark for result in results for remark in result.vacuous]
    assert len(remarks) == len(wanted["vacuous"]), remarks
    for piece, remark in zip(wanted["vacuous"], remarks, strict=True):
        assert piece in remark
    if wanted["met"]:
        assert f"{missed[0].met} of {missed[0].devices}" == wanted["met"][0]
    if wanted["before"]:
        assert missed[0].closed < parse_duration(wanted["before"][0])


@pytest.mark.parametrize("name", [*PAGE, "first_look", "smallest"])
def test_examples_of_the_page_run(name: str) -> None:
    results = run(RunOptions(scenarios=(str(CORPUS / "valid" / f"{name}.cpes"),))).scenarios
    assert {(result.verdict, result.vacuous) for result in results} == {("passed", ())}, told(results)


@pytest.mark.parametrize("name", [name for name in FILES if header(FOLDER / f"{name}.cpes")["strict"]])
def test_strict_makes_vacuous_inconclusive(name: str) -> None:
    results = play(name, strict=True)
    assert [result.verdict for result in results] == header(FOLDER / f"{name}.cpes")["strict"]


def test_every_verdict_is_shown() -> None:
    shown = {verdict for name in FILES for verdict in header(FOLDER / f"{name}.cpes")["verdict"]}
    assert shown == {"passed", "inconclusive", "failed", "error", "skipped", "xfailed", "xpassed"}


def test_headers_are_spelled_right() -> None:
    for name in FILES:
        lines = (FOLDER / f"{name}.cpes").read_text(encoding="utf-8").split("\n\n", 1)[0].splitlines()
        assert all(line.startswith("# ") and line[2:].partition(": ")[0] in KEYS for line in lines), name
