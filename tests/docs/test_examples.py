"""Every example of the pages does what its page says: scenarios come to their verdict, commands print what is shown."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from cpescript.cli import main
from cpescript.language.catalogue import standard_catalogue
from cpescript.language.loader import check
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from tests.docs.blocks import PAGES, ROOT, Block, blocks_of, save_titled

BLOCKS = {path: blocks_of(path) for path in PAGES}
SCENARIOS = [
    pytest.param(block, path, id=block.place)
    for path, blocks in BLOCKS.items()
    for block in blocks
    if block.language == "cpes" and "after the changes" not in block.marks and path.name != "scenarios.md"
]
CONSOLES = [path for path, blocks in BLOCKS.items() if any(block.language == "console" for block in blocks)]
EXCERPTS = [
    pytest.param(block, id=block.place)
    for blocks in BLOCKS.values()
    for block in blocks
    if block.language in ("python", "lark", "text", "yaml") and block.title and (ROOT / block.title).exists()
]
ELSEWHERE = "//192.0.2."
"""What goes to an address of documentation goes nowhere, and is not run."""
MARKS = {"verdict", "defect", "check only", "error", "prelude", "fragment", "exit", "after the changes"}


def scenario_text(block: Block, page: Path) -> tuple[str, int]:
    """Return what is run of a block, and how many lines stand before it."""
    if "fragment" not in block.marks:
        return block.text, 0
    prelude = next(each.text for each in BLOCKS[page] if "prelude" in each.marks)
    return f"{prelude}\n{block.text}", prelude.count("\n") + 1


@pytest.mark.parametrize(("block", "page"), SCENARIOS)
def test_a_scenario_comes_to_its_verdict(block: Block, page: Path, tmp_path: Path) -> None:
    save_titled(BLOCKS[page], block, tmp_path)
    text, before = scenario_text(block, page)
    path = tmp_path / (block.title or "example.cpes")
    path.write_text(text, encoding="utf-8")
    bag = check(path, standard_catalogue())
    if "error" in block.marks:
        assert block.marks["error"] in {item.code for item in bag if item.severity == "error"}, bag.render()
        return
    assert not bag.failed, bag.render()
    if "check only" in block.marks:
        return
    defects = tuple(filter(None, [block.marks.get("defect")]))
    seed = None if re.search(r"^ *seed ", text, re.MULTILINE) else 42
    result = run(RunOptions(scenarios=(str(path),), seed=seed, defects=defects))
    wanted, _, line = block.marks.get("verdict", "passed").partition(" line ")
    reasons = [f"{one.verdict}: {one.reason}; vacuous: {one.vacuous}; {one.problems}" for one in result.scenarios]
    assert {one.verdict for one in result.scenarios} == {wanted}, reasons
    assert all(not one.vacuous for one in result.scenarios if wanted == "passed"), reasons
    if line:
        missed = [claim.span.line - before for one in result.scenarios for claim in one.claims if claim.misses]
        assert int(line) in missed, reasons


@pytest.mark.parametrize("page", CONSOLES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_print_what_the_page_shows(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for block in BLOCKS[page]:
        if block.title:
            save_titled([block], block, tmp_path)
        if block.language != "console" or "check only" in block.marks:
            continue
        commands = list(commands_of(block))
        for number, (command, shown) in enumerate(commands, 1):
            words = shlex.split(command, comments=True)
            if words[0] != "cpescript" or ELSEWHERE in command:
                continue
            status, printed = cpescript(*words[1:])
            wanted = int(block.marks.get("exit", "0")) if number == len(commands) else 0
            assert status == wanted, f"{block.place}: $ {command}\n{printed}"
            if shown:
                assert re.fullmatch(shown_pattern(shown), settled(printed)), f"{block.place}: $ {command}\n{printed}"


def cpescript(*arguments: str) -> tuple[int, str]:
    """Run a command line in this process; return its exit status and what it printed, both streams as they came."""
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed), pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code, printed.getvalue()


def commands_of(block: Block) -> list[tuple[str, str]]:
    """Return the commands of a console block, each with the output that is shown below it."""
    found: list[tuple[str, str]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif found:
            command, shown = found[-1]
            if command.endswith("\\"):
                found[-1] = (command[:-1] + line.strip(), "")
            else:
                found[-1] = (command, f"{shown}{line}\n")
    return found


def settled(text: str) -> str:
    """Return an output without what differs from run to run and from machine to machine."""
    text = re.sub(r"[ \t]+$", "", text.replace(f"{ROOT}/", ""), flags=re.MULTILINE)
    return re.sub(r"(virtual in|[a-z]+ in) \d+\.\d s", r"\1 0.0 s", text).strip("\n") + "\n"


def shown_pattern(shown: str) -> str:
    """Return the expression for what a page shows: a line `…` stands for any lines, `…` within one for anything."""
    parts = []
    for line in settled(shown).splitlines():
        if line.strip() == "…":
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append(".*".join(re.escape(part) for part in line.split("…")) + r"\n")
    return "".join(parts)


@pytest.mark.parametrize("block", EXCERPTS)
def test_an_excerpt_is_what_stands_in_the_file(block: Block) -> None:
    source = (ROOT / block.title).read_text(encoding="utf-8")
    for part in re.split(r"^ *(?:#|//) …\n", block.text, flags=re.MULTILINE):
        assert part.strip("\n") in source, f"{block.place}: {block.title} has no such lines"


def test_marks_are_spelled_right() -> None:
    wrong = {block.place: set(block.marks) - MARKS for blocks in BLOCKS.values() for block in blocks}
    assert not {place: marks for place, marks in wrong.items() if marks}


def test_there_are_examples_of_each_kind() -> None:
    assert len(SCENARIOS) >= 30
    assert len(CONSOLES) >= 3
    assert len(EXCERPTS) >= 6


# --- add a statement --------------------------------------------------------------------------------------------------

STATEMENT = ROOT / "docs" / "how-to" / "add-a-statement.md"


def patched(text: str, change: str, place: str) -> str:
    """Return a text with a block of a `diff` applied: lines to keep, to take out (-) and to put in (+)."""
    lines = change.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    assert text.count(before) == 1, f"{place}: these lines stand there {text.count(before)} times"
    return text.replace(before, after)


def test_the_added_statement_works(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for folder in ("cpescript", "grammar", "profiles"):
        shutil.copytree(ROOT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__", "_data"))
    blocks = BLOCKS[STATEMENT]
    [scenario] = [block for block in blocks if block.title == "brown_out.cpes"]
    file = tmp_path / scenario.title
    file.write_text(scenario.text, encoding="utf-8")

    before = check(file, standard_catalogue())
    assert {item.span.line for item in before} == {5}
    for block in blocks:
        if block.language == "diff":
            path = project / block.title
            path.write_text(patched(path.read_text(encoding="utf-8"), block.text, block.place), encoding="utf-8")
    wrong = "spawn 1 of hg100 as cpe\nbrown-out cpe within 5m\nexpect InformResponse on cpe within 1m\n"
    (tmp_path / "wrong.cpes").write_text(wrong, encoding="utf-8")

    def changed(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(project), "XDG_CACHE_HOME": str(tmp_path / "cache")}
        command = [sys.executable, "-m", "cpescript", *words]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    done = changed("run", scenario.title, "--seed", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "'brown-out' takes no 'within'" in changed("check", "wrong.cpes").stderr
