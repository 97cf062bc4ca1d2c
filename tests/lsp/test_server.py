"""The language server, driven over its pipes as an editor does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.client import Editor

pytest.importorskip("pygls", reason="the language server needs pygls (the extra `lsp`)")

PUBLISHED = "textDocument/publishDiagnostics"
TEXT = """\
param size: int = 3 "how many"

scenario "one":
    spawn size of hg100 as fleet
    # naïve 🛰 comment
    expect SPV Device.ManagementServer.PeriodicInformInterval on each fleet within 15m
    reboot fleet
    expect InformResponse on each fleet within 5m
"""


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor]:
    editor = Editor(tmp_path)
    try:
        editor.begin()
        yield editor
    finally:
        editor.process.kill()
        editor.process.wait()
        for stream in (editor.process.stdin, editor.process.stdout, editor.process.stderr):
            assert stream is not None
            stream.close()


def position(text: str, word: str, shift: int = 0) -> tuple[int, int]:
    """Return where a word first stands: line from 0, UTF-16 units from 0."""
    at = text.index(word) + shift
    line = text.count("\n", 0, at)
    start = text.rfind("\n", 0, at) + 1
    return line, len(text[start:at].encode("utf-16-le")) // 2


def test_it_says_what_it_can_and_ends_when_told(tmp_path: Path) -> None:
    editor = Editor(tmp_path)
    capabilities = editor.begin()["capabilities"]
    for name in ("completion", "hover", "definition", "references", "rename", "documentFormatting", "codeAction"):
        assert capabilities[f"{name}Provider"], name
    assert editor.end() == 0


def test_mistakes_are_told_and_taken_back(editor: Editor) -> None:
    broken = TEXT.replace("reboot fleet", 'note "🛰🛰" fleeet').replace("fleet within 5m", "flet within 5m")
    uri = editor.open("a.cpes", broken)
    told = editor.told("textDocument/publishDiagnostics")
    assert told["uri"] == uri
    codes = {each["code"]: each for each in told["diagnostics"]}
    unknown = next(each for each in told["diagnostics"] if "'flet'" in each["message"])
    assert unknown["source"] == "cpescript"
    assert unknown["severity"] == 1
    line, character = position(broken, "flet within")
    assert unknown["range"] == {
        "start": {"line": line, "character": character},
        "end": {"line": line, "character": character + 4},
    }
    # Behind two characters of two UTF-16 units each, the place is still exact.
    line, character = position(broken, "fleeet")
    assert any(each["range"]["start"] == {"line": line, "character": character} for each in codes.values())

    change = {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"text": TEXT}]}
    editor.notify("textDocument/didChange", change)
    told = editor.told("textDocument/publishDiagnostics")
    assert told["diagnostics"] == []
    assert told["version"] == 2

    editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert editor.told("textDocument/publishDiagnostics")["diagnostics"] == []


def test_completion_replaces_what_is_typed(editor: Editor) -> None:
    text = TEXT.replace("Device.ManagementServer.PeriodicInformInterval on", "Device.Manage")
    uri = editor.open("a.cpes", text)
    line, character = position(text, "Device.Manage", len("Device.Manage"))
    found = editor.ask("textDocument/completion", editor.at(uri, line, character))["items"]
    assert [item["label"] for item in found] == ["Device.ManagementServer."]
    edit = found[0]["textEdit"]
    assert edit["newText"] == "Device.ManagementServer."
    assert edit["range"]["start"]["character"] == position(text, "Device.Manage")[1]


def test_completion_counts_in_utf_16(editor: Editor) -> None:
    text = 'spawn 1 of hg100 as fleet\nnote "🛰 {fl"\nexpect Inform on each fleet within 1m\n'
    uri = editor.open("a.cpes", text.replace('note "🛰 {fl"', "wait 1s # 🛰"))
    change = [
        {"range": {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 12}}, "text": "reboot fl"}
    ]
    editor.notify("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2}, "contentChanges": change})
    found = editor.ask("textDocument/completion", editor.at(uri, 1, 9))["items"]
    assert "fleet" in [item["label"] for item in found]


def test_hover_tells_type_access_and_clause(editor: Editor) -> None:
    uri = editor.open("a.cpes", TEXT)
    hovered = editor.ask("textDocument/hover", editor.at(uri, *position(TEXT, "PeriodicInformInterval", 3)))
    value = hovered["contents"]["value"]
    assert "unsignedInt, writable" in value
    assert "TR-069, 3.2.1" in value
    assert "A.3.2.1" in editor.ask("textDocument/hover", editor.at(uri, *position(TEXT, "SPV", 1)))["contents"]["value"]
    assert editor.ask("textDocument/hover", editor.at(uri, *position(TEXT, "naïve", 1))) is None


def test_definition_and_references_lead_to_the_name(editor: Editor) -> None:
    uri = editor.open("a.cpes", TEXT)
    found = editor.ask("textDocument/definition", editor.at(uri, *position(TEXT, "reboot fleet", 8)))
    assert found["uri"] == uri
    line, character = position(TEXT, "as fleet", 3)
    assert found["range"]["start"] == {"line": line, "character": character}
    used = editor.ask(
        "textDocument/references",
        editor.at(uri, *position(TEXT, "reboot fleet", 8), context={"includeDeclaration": True}),
    )
    assert len(used) == 4
    profile = editor.ask("textDocument/definition", editor.at(uri, *position(TEXT, "hg100", 1)))
    assert profile["uri"].endswith("profiles/hg100.yaml")


def test_renaming_reaches_a_used_file(editor: Editor) -> None:
    library = "param many: int = 2\n\ndefine wake(devices):\n    reboot devices\n"
    editor.open("lib.cpes", library)
    text = (
        'use "lib.cpes"\n\nscenario "one":\n    spawn many of hg100 as fleet\n    do wake(fleet)\n'
        "    check Inform on each fleet within 1m\n"
    )
    uri = editor.open("a.cpes", text)
    where = editor.at(uri, *position(text, "many", 1))
    prepared = editor.ask("textDocument/prepareRename", where)
    assert prepared["placeholder"] == "many"
    edit = editor.ask("textDocument/rename", {**where, "newName": "amount"})
    changed = {Path(each["textDocument"]["uri"]).name: each["edits"] for each in edit["documentChanges"]}
    assert set(changed) == {"lib.cpes", "a.cpes"}
    assert changed["lib.cpes"][0]["range"]["start"] == {"line": 0, "character": 6}
    with pytest.raises(AssertionError, match="already"):
        editor.ask("textDocument/rename", {**where, "newName": "fleet"})
    with pytest.raises(AssertionError, match="is no name"):
        editor.ask("textDocument/rename", {**where, "newName": "Many"})


def test_formatting_and_correcting(editor: Editor) -> None:
    text = "spawn  1 of hg10 as fleet\nexpect   Inform on each fleet within 1m\n"
    uri = editor.open("a.cpes", text)
    edits = editor.ask(
        "textDocument/formatting",
        {"textDocument": {"uri": uri}, "options": {"tabSize": 4, "insertSpaces": True}},
    )
    assert edits[0]["newText"] == "spawn 1 of hg10 as fleet\nexpect Inform on each fleet within 1m\n"
    line, character = position(text, "hg10")
    span = {"start": {"line": line, "character": character}, "end": {"line": line, "character": character}}
    actions = editor.ask(
        "textDocument/codeAction", {"textDocument": {"uri": uri}, "range": span, "context": {"diagnostics": []}}
    )
    assert [each["title"] for each in actions] == ["Write 'hg100'"]
    assert actions[0]["edit"]["changes"][uri][0]["newText"] == "hg100"


def test_a_text_that_does_not_parse_is_left_alone(editor: Editor) -> None:
    uri = editor.open("a.cpes", 'spawn 1 of hg100 as "fleet\n')
    options = {"tabSize": 4, "insertSpaces": True}
    assert editor.ask("textDocument/formatting", {"textDocument": {"uri": uri}, "options": options}) is None


def test_the_outline_names_what_a_file_declares(editor: Editor) -> None:
    uri = editor.open("a.cpes", TEXT)
    found = editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
    assert [(each["name"], each["detail"]) for each in found] == [
        ("size", "param"),
        ("one", "scenario"),
        ("fleet", "cohort"),
    ]


LIBRARY = 'param many: int = 2 "how many"\n\ndefine wake(devices):\n    reboot devices\n'
USER = (
    'use "lib.cpes"\n\nscenario "one":\n    spawn many of hg100 as fleet\n    do wake(fleet)\n'
    "    check Inform on each fleet within 1m\n"
)


def renamed(edit: Any) -> dict[str, int]:
    """Return how often each file is edited."""
    return {Path(each["textDocument"]["uri"]).name: len(each["edits"]) for each in edit["documentChanges"]}


def test_renaming_in_a_library_reaches_those_that_use_it(editor: Editor) -> None:
    below = editor.folder / "more scenarios"
    below.mkdir()
    (below / "b.cpes").write_text(USER.replace("lib.cpes", "../lib.cpes"), encoding="utf-8")
    (editor.folder / "other.cpes").write_text(LIBRARY, encoding="utf-8")
    editor.open("a.cpes", "wait 1s\n")
    uri = editor.open("lib.cpes", LIBRARY)
    change = {
        "textDocument": {"uri": (editor.folder / "a.cpes").as_uri(), "version": 2},
        "contentChanges": [{"text": USER + "    do wake(fleet)\n"}],
    }
    editor.notify("textDocument/didChange", change)
    where = editor.at(uri, *position(LIBRARY, "wake", 1))
    edit = editor.ask("textDocument/rename", {**where, "newName": "rouse"})
    assert renamed(edit) == {"lib.cpes": 1, "a.cpes": 2, "b.cpes": 1}
    where = editor.at(uri, *position(LIBRARY, "many", 1))
    assert renamed(editor.ask("textDocument/rename", {**where, "newName": "amount"}))["b.cpes"] == 1
    with pytest.raises(AssertionError, match=r"there is a cohort 'fleet' already \((a|b).cpes, line 4\)"):
        editor.ask("textDocument/rename", {**where, "newName": "fleet"})


def test_a_library_that_changes_is_seen_before_it_is_saved(editor: Editor) -> None:
    library = editor.open("lib.cpes", LIBRARY)
    user = editor.open("a.cpes", USER)
    for _ in range(2):
        assert editor.told("textDocument/publishDiagnostics")["diagnostics"] == []
    change = {
        "textDocument": {"uri": library, "version": 2},
        "contentChanges": [{"text": LIBRARY.replace("wake", "rouse")}],
    }
    editor.notify("textDocument/didChange", change)
    told = {each["uri"]: each["diagnostics"] for each in (editor.told(PUBLISHED) for _ in range(2))}
    assert told[library] == []
    assert ["wake" in each["message"] for each in told[user]] == [True]
    # What was never saved is gone with its buffer.
    editor.notify("textDocument/didClose", {"textDocument": {"uri": library}})
    told = {each["uri"]: each["diagnostics"] for each in (editor.told(PUBLISHED) for _ in range(2))}
    assert told[user] == []


def test_what_cannot_be_done_is_an_answer_and_no_failure(editor: Editor) -> None:
    uri = editor.open("a.cpes", TEXT)
    with pytest.raises(AssertionError, match="nothing here can be renamed"):
        editor.ask("textDocument/rename", editor.at(uri, *position(TEXT, "reboot", 1), newName="x"))
    elsewhere = (editor.folder / "nobody.cpes").as_uri()
    for method in ("completion", "hover", "definition", "prepareRename", "documentSymbol"):
        with pytest.raises(AssertionError, match="no text is open as"):
            editor.ask(f"textDocument/{method}", editor.at(elsewhere, 0, 0))
    editor.notify("textDocument/didClose", {"textDocument": {"uri": elsewhere}})
    editor.notify("textDocument/didSave", {"textDocument": {"uri": elsewhere}})
    change = {"textDocument": {"uri": elsewhere, "version": 2}, "contentChanges": [{"text": ""}]}
    editor.notify("textDocument/didChange", change)
    assert editor.ask("textDocument/hover", editor.at(uri, *position(TEXT, "SPV", 1)))
    editor.process.kill()
    assert editor.process.stderr is not None
    assert editor.process.stderr.read() == b""
