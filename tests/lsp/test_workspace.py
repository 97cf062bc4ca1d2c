"""Which programs of a workspace could mean a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpescript.language.catalogue import standard_catalogue
from cpescript.lsp import workspace

USER = 'use "lib.cpes"\ndo wake()\n'


def found(folders: list[Path], buffers: dict[str, str] | None = None) -> list[str]:
    return [Path(each.file).name for each in workspace.programs(folders, buffers or {}, "wake", standard_catalogue())]


def test_those_that_use_a_file_and_have_the_word_are_asked(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name, text in {
        "a.cpes": USER,
        "alone.cpes": "do wake()\n",
        "other.cpes": 'use "lib.cpes"\n',
        "b.txt": USER,
        ".git/hidden.cpes": USER,
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "latin.cpes").write_bytes(USER.encode() + b"\xff")
    assert found([tmp_path]) == ["a.cpes"]
    assert found([tmp_path, tmp_path]) == ["a.cpes"], "a folder in another"
    assert found([tmp_path / "nowhere"]) == []


def test_an_open_text_counts_instead_of_the_stored_one(tmp_path: Path) -> None:
    (tmp_path / "a.cpes").write_text(USER, encoding="utf-8")
    assert found([tmp_path], {str(tmp_path / "a.cpes"): "wait 1s\n"}) == []
    assert found([], {"untitled:1": USER}) == ["untitled:1"]


@pytest.mark.parametrize(
    ("limit", "said"),
    [("MOST_ENTRIES", "more than 1 files"), ("MOST_OCTETS", "more than 0 MiB"), ("MOST_PROGRAMS", "the word 'wake'")],
)
def test_a_workspace_that_is_too_large_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, said: str
) -> None:
    for name in ("a.cpes", "b.cpes"):
        (tmp_path / name).write_text(USER, encoding="utf-8")
    monkeypatch.setattr(workspace, limit, 1)
    with pytest.raises(workspace.TooLargeError, match=said):
        found([tmp_path])
