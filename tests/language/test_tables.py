"""Compiled tables are found, kept and made again; none of it is ever an error, and none of it runs code."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from cpescript.language import tables
from cpescript.language.tables import build_tables, cache_file, grammar_text, key_of, load_tables, read_tables

DATA = build_tables(grammar_text())


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    load_tables.cache_clear()
    yield
    load_tables.cache_clear()


def never(text: str) -> bytes:
    raise AssertionError("the tables were kept, and are made again all the same")


def test_tables_are_built_once_and_then_read(monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_tables()
    assert cache_file().is_file()
    load_tables.cache_clear()
    monkeypatch.setattr(tables, "build_tables", never)
    assert load_tables() == first


def test_tables_are_the_same_bytes_each_time() -> None:
    assert build_tables(grammar_text()) == DATA


@pytest.mark.parametrize("damage", [b"", b"no pickle", DATA[:-20], DATA[:300] + b"\xff" * 40 + DATA[340:]])
def test_a_damaged_file_is_made_again(damage: bytes) -> None:
    cache_file().parent.mkdir(parents=True)
    cache_file().write_bytes(damage)
    assert load_tables().keywords["expect"]
    assert cache_file().read_bytes() == DATA


def test_tables_of_another_grammar_are_stale() -> None:
    assert read_tables(DATA, key_of(grammar_text())) is not None
    assert read_tables(DATA, key_of(grammar_text() + "// changed\n")) is None


def test_the_key_changes_with_lark(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key_of("x")
    monkeypatch.setattr(tables, "_lark_version", lambda: "99.0")
    assert key_of("x") != before


def test_a_folder_that_cannot_be_written_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert load_tables().keywords["expect"]


def test_a_relative_cache_folder_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/nowhere")
    assert cache_file() == Path("/nowhere/.cache/cpescript/cpes.tables")


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, ("exploded",))


def test_reading_runs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps((key_of("x"), [Bomb()], [], {}, {}))
    assert read_tables(data, key_of("x")) is None
    assert not (tmp_path / "exploded").exists()


def test_checking_with_kept_tables_does_not_import_lark(tmp_path: Path) -> None:
    load_tables()
    code = (
        "import sys; from cpescript.language.parser import parse; from cpescript.diagnostics import Bag;"
        "parse('wait 1s\\n', 'x', Bag()); assert not any(name.split('.')[0] == 'lark' for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], env=dict(os.environ))


def test_checking_a_scenario_imports_no_client_and_no_template_engine(tmp_path: Path) -> None:
    scenario = Path(__file__).parents[2] / "scenarios" / "firmware_rollout.cpes"
    code = (
        "import sys\nfrom cpescript import cli\n"
        f"try: cli.main(['check', {str(scenario)!r}])\n"
        "except SystemExit: print({'aiohttp', 'asyncio', 'jinja2', 'lark'} & set(sys.modules))"
    )
    load_tables()
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.stdout.splitlines()[-1] == "set()"
