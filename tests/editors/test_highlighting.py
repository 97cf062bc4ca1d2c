"""Both highlighters say of every word in the corpus what the grammar's own parser says of it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments.lexers import get_lexer_by_name
from pygments.token import Error, Keyword, Name, String

from cpescript.highlight import CpesLexer, pieces
from cpescript.language.tables import load_tables
from scripts import make_editors
from tests.editors.textmate import TextMate

ROOT = Path(__file__).parents[2]
VALID = sorted([*ROOT.glob("tests/corpus/valid/**/*.cpes"), *ROOT.glob("scenarios/*.cpes")])
BROKEN = sorted(ROOT.glob("tests/corpus/errors/*.cpes"))
WORDS = {part for phrase in load_tables().keywords for part in phrase.split(" ")}

SCOPES = {
    "keyword": ("keyword.control", "keyword.other", "keyword.operator.word"),
    "operator": ("keyword.operator.word", "keyword.other"),
    "constant": ("constant.language",),
    "function": ("entity.name.function",),
    "name": ("variable.other", "entity.name.function"),
    "message": ("entity.name.type.message",),
    "path": ("variable.parameter.path",),
    "attribute": ("variable.other.property",),
    "number": ("constant.numeric",),
    "instant": ("constant.other",),
    "string": ("string.quoted",),
    "docstring": ("string.quoted.docstring",),
    "comment": ("comment.line",),
}
"""What a piece of text is, to the scopes that the TextMate grammar may give its first character."""


def texts(paths: list[Path]) -> list[pytest.param]:  # type: ignore[valid-type]
    return [pytest.param(path.read_bytes().decode("utf-8", "replace"), id=path.name) for path in paths]


@pytest.mark.parametrize("text", texts(VALID))
def test_the_textmate_grammar_agrees_with_the_parser(text: str) -> None:
    grammar = TextMate(make_editors.grammar())
    scoped = [grammar.line(row) for row in text.split("\n")]
    for what, token in pieces(text):
        if what == "sign":
            continue
        row = scoped[token.line - 1]
        scope = next(name for start, end, name in row if start <= token.column - 1 < end)
        allowed = SCOPES[what]
        if what in ("name", "function") and token.text in WORDS:
            # Only the parser can tell a name that looks like a keyword.
            allowed = (*allowed, "keyword")
        assert scope.startswith(allowed), f"line {token.line}: {token.text!r} is a {what}, and scoped {scope!r}"


@pytest.mark.parametrize("text", texts([*VALID, *BROKEN]))
def test_the_lexer_keeps_every_character(text: str) -> None:
    found = list(CpesLexer().get_tokens_unprocessed(text))
    assert "".join(part for _, _, part in found) == text
    offset = 0
    for start, _, part in found:
        assert start == offset
        offset += len(part)


@pytest.mark.parametrize("text", texts(VALID))
def test_a_valid_scenario_has_no_error_token(text: str) -> None:
    assert not [part for _, kind, part in CpesLexer().get_tokens_unprocessed(text) if kind is Error]


@given(st.text(alphabet='ab.A"{}()=:#\n \t0m-', max_size=200))
def test_any_text_is_lexed_whole(text: str) -> None:
    assert "".join(part for _, _, part in CpesLexer().get_tokens_unprocessed(text)) == text


def test_pygments_finds_the_lexer_by_name() -> None:
    assert isinstance(get_lexer_by_name("cpes"), CpesLexer)


def test_a_word_is_a_keyword_only_where_it_is_one() -> None:
    kinds = [(part, kind) for _, kind, part in CpesLexer().get_tokens_unprocessed("spawn size of hg100 as url\n")]
    assert ("spawn", Keyword) in kinds
    assert ("size", Name) in kinds
    assert ("url", Name) in kinds


def test_braces_in_a_text_stand_out() -> None:
    found = [(kind, part) for _, kind, part in CpesLexer().get_tokens_unprocessed('note "{{a}} {now} b"')]
    assert (String.Interpol, "{now}") in found
    assert (String, '"{{a}} ') in found


def test_every_keyword_is_in_the_editor_grammar() -> None:
    grammar = json.dumps(make_editors.grammar())
    for phrase in load_tables().keywords:
        if phrase[0].isalpha():
            assert phrase.replace(" ", " +").replace("-", "\\\\-") in grammar, phrase


def test_the_written_grammar_is_current_and_the_extension_is_whole() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/make_editors.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_check_finds_what_is_wrong_with_the_extension(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = json.loads((make_editors.FOLDER / "package.json").read_text(encoding="utf-8"))
    package["version"] = "9.9.9"
    del package["license"]
    package["contributes"]["grammars"][0]["path"] = "./gone.json"
    (tmp_path / "package.json").write_text(json.dumps(package), encoding="utf-8")
    monkeypatch.setattr(make_editors, "FOLDER", tmp_path)
    found = "\n".join(make_editors.problems())
    assert "lacks 'license'" in found
    assert "9.9.9" in found
    assert "./gone.json" in found


def test_the_packed_extension_has_what_its_manifest_names() -> None:
    with zipfile.ZipFile(BytesIO(make_editors.vsix())) as archive:
        names = set(archive.namelist())
        package = json.loads(archive.read("extension/package.json"))
        assert {"[Content_Types].xml", "extension.vsixmanifest"} <= names
        for kind in ("grammars", "languages"):
            for each in package["contributes"][kind]:
                for key in ("path", "configuration"):
                    if key in each:
                        assert f"extension/{each[key].removeprefix('./')}" in names
    assert make_editors.vsix() == make_editors.vsix()
