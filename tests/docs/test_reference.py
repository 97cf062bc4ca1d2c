"""The committed reference pages are those that the tables give today, and every page is in the navigation."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "scripts" / "make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = generator()


@pytest.mark.parametrize("name", GENERATOR.PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert written == GENERATOR.page(name), "run: python scripts/make_reference.py"


def test_check_names_what_is_out_of_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(GENERATOR, "REFERENCE", tmp_path)
    monkeypatch.setattr(GENERATOR, "PAGES", {"states.md": GENERATOR.states, "defects.md": GENERATOR.defects})
    assert GENERATOR.main([]) == 0
    assert GENERATOR.main(["--check"]) == 0
    capsys.readouterr()
    (tmp_path / "states.md").write_text("stale")
    assert GENERATOR.main(["--check"]) == 1
    assert capsys.readouterr().out == "docs/reference/states.md: out of date\n"


def test_every_page_is_in_the_navigation() -> None:
    listed: set[str] = set()

    def collect(entry: object) -> None:
        if isinstance(entry, str):
            listed.add(entry)
        elif isinstance(entry, dict):
            for value in entry.values():
                collect(value)
        elif isinstance(entry, list):
            for value in entry:
                collect(value)

    collect(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert pages == listed
