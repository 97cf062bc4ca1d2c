"""Writes the editor grammar of `editors/vscode` from the language's own tables, and packs the extension.

    python scripts/make_editors.py               writes the TextMate grammar anew
    python scripts/make_editors.py --check       writes nothing; exit status 1 where it is out of date or does not pack
    python scripts/make_editors.py --vsix FILE   packs the extension: a VSIX that `code --install-extension` takes

A VSIX is a ZIP with the extension below `extension/`, a manifest and a list of content types; no Node is needed.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from cpescript import __version__
from cpescript.highlight import CONSTANTS, OPERATORS
from cpescript.language.expected import expected_at
from cpescript.language.tables import load_tables

FOLDER = Path(__file__).resolve().parents[1] / "editors" / "vscode"
GRAMMAR = FOLDER / "syntaxes" / "cpes.tmLanguage.json"

LETTERS = "A-Za-z0-9_"
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_INNER = rf"(?:-[{LETTERS}]+)*"
_BEFORE = rf"(?<![{LETTERS}])"
_BEHIND = rf"(?![{LETTERS}]|-[{LETTERS}]|\.[A-Za-z_])"


def _words(phrases: Iterable[str]) -> str:
    """Return an alternation of phrases, longest first, as whole words."""
    ordered = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    return _BEFORE + "(?:" + "|".join(re.escape(each).replace("\\ ", " +") for each in ordered) + ")" + _BEHIND


def _match(name: str, pattern: str) -> dict[str, Any]:
    return {"name": f"{name}.cpes", "match": pattern}


def grammar() -> dict[str, Any]:
    """Return the TextMate grammar: words from `grammar/cpes.lark`'s tables, literals as the tokenizer tells them.

    A regular expression cannot know which of the keywords is somebody's name: where a word could be both, it is shown
    as a keyword.
    """
    phrases = {phrase for phrase in load_tables().keywords if phrase[0].isalpha()}
    place = expected_at("", 1, 1)
    assert place is not None
    statements = set(place.words) & phrases
    others = phrases - statements - OPERATORS - CONSTANTS
    long = {phrase for phrase in others if " " in phrase}
    interpolation = {
        "name": "meta.interpolation.cpes",
        "begin": r"\{(?!\{)",
        "beginCaptures": {"0": {"name": "punctuation.section.interpolation.begin.cpes"}},
        "end": r"\}|(?=\"|$)",
        "endCaptures": {"0": {"name": "punctuation.section.interpolation.end.cpes"}},
        "patterns": [{"include": "#expression"}],
    }
    return {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "cpescript",
        "scopeName": "source.cpes",
        "fileTypes": ["cpes"],
        "patterns": [
            _match("comment.line.number-sign", r"#.*$"),
            {"name": "string.quoted.docstring.cpes", "begin": r'"""', "end": r'"""'},
            # `at least` and its like begin a claim's line, where `at` alone begins a statement.
            {"match": rf"^\s*({_words(long)})", "captures": {"1": {"name": "keyword.other.cpes"}}},
            {"match": rf"^\s*({_words(statements)})", "captures": {"1": {"name": "keyword.control.cpes"}}},
            {"include": "#texts"},
            {"include": "#expression"},
        ],
        "repository": {
            "texts": {
                "patterns": [
                    _match("string.quoted.raw", _BEFORE + r'r"[^"]*"'),
                    {
                        "name": "string.quoted.double.cpes",
                        "begin": r'"',
                        "end": r'"|$',
                        "patterns": [
                            _match("constant.character.escape", r"\\.|\{\{|\}\}"),
                            interpolation,
                        ],
                    },
                ]
            },
            "expression": {
                "patterns": [
                    _match(
                        "constant.other.instant",
                        _BEFORE + r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?"
                        rf"(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})(?![{LETTERS}])",
                    ),
                    _match("constant.other.time", _BEFORE + rf"[0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}})?(?![{LETTERS}])"),
                    _match("constant.numeric.duration", _BEFORE + rf"(?:{_NUMBER}(?:ms|[smhd]))+(?![{LETTERS}.])"),
                    _match("constant.numeric.size", _BEFORE + rf"{_NUMBER}(?:KiB|MiB|GiB|B)(?![{LETTERS}])"),
                    _match("constant.numeric.factor", _BEFORE + rf"{_NUMBER}x(?![{LETTERS}])"),
                    _match("constant.numeric.share", _BEFORE + rf"{_NUMBER}%(?![{LETTERS}])"),
                    _match("constant.numeric", rf"{_BEFORE}{_NUMBER}(?=\.\.|(?!\.?[{LETTERS}]))"),
                    _match(
                        "variable.parameter.path",
                        rf"{_BEFORE}[A-Z][{LETTERS}-]*(?=\.(?!\.))"
                        rf"(?:\.(?:[{LETTERS}-]+|\*|\{{[^{{}}]*\}}))*(?:\.(?!\.))?",
                    ),
                    _match("entity.name.type.message", rf"{_BEFORE}[A-Z][{LETTERS}]*"),
                    _match(
                        "variable.other.property",
                        rf"{_BEFORE}[a-z_][{LETTERS}]*{_INNER}(?:\.[A-Za-z_][{LETTERS}]*{_INNER})+",
                    ),
                    # Keywords of several words come before the shorter ones that they begin with.
                    _match("keyword.other", _words(long)),
                    _match("keyword.operator.word", _words(OPERATORS)),
                    _match("constant.language", _words(CONSTANTS)),
                    _match("keyword.other", _words(others | statements)),
                    _match("entity.name.function", rf"{_BEFORE}[a-z_][{LETTERS}]*{_INNER}(?=\()"),
                    _match("variable.other", rf"{_BEFORE}[a-z_][{LETTERS}]*{_INNER}"),
                    _match("keyword.operator", r"==|!=|<=|>=|\.\.|[-+*/%<>=]"),
                ]
            },
        },
    }


def rendered() -> str:
    """Return the grammar's file."""
    return json.dumps(grammar(), indent=2) + "\n"


_NEEDED = (
    "name",
    "displayName",
    "description",
    "version",
    "publisher",
    "license",
    "engines",
    "categories",
    "contributes",
)


def problems() -> list[str]:
    """Return what is wrong with the extension's folder: what a marketplace or an editor would refuse."""
    package = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    found = [f"package.json lacks '{key}'" for key in _NEEDED if not package.get(key)]
    if package.get("version") != __version__:
        found.append(f"package.json says version {package.get('version')}, cpescript is {__version__}")
    contributes = package.get("contributes", {})
    for kind in ("grammars", "languages"):
        for each in contributes.get(kind, ()):
            for key in ("path", "configuration"):
                if key in each and not (FOLDER / each[key]).is_file():
                    found.append(f"package.json names '{each[key]}', which is not there")
    languages = {each.get("id") for each in contributes.get("languages", ())}
    found += [
        f"the grammar is for '{each.get('language')}', which is no language of the extension"
        for each in contributes.get("grammars", ())
        if each.get("language") not in languages
    ]
    scopes = {each.get("scopeName") for each in contributes.get("grammars", ())}
    if scopes != {grammar()["scopeName"]}:
        found.append(f"package.json names the scopes {sorted(map(str, scopes))}")
    return found


PACKED = ("package.json", "language-configuration.json", "README.md", "LICENSE.txt", "syntaxes/cpes.tmLanguage.json")
_TYPES = {"json": "application/json", "md": "text/markdown", "txt": "text/plain", "vsixmanifest": "text/xml"}


def vsix() -> bytes:
    """Return the packed extension; the same octets for the same files."""
    package = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    defaults = "".join(f'<Default Extension=".{end}" ContentType="{kind}"/>' for end, kind in _TYPES.items())
    types = f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{defaults}</Types>'
    identity = " ".join(
        f"{name}={quoteattr(value)}"
        for name, value in (
            ("Language", "en-US"),
            ("Id", package["name"]),
            ("Version", package["version"]),
            ("Publisher", package["publisher"]),
        )
    )
    manifest = (
        '<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">'
        f"<Metadata><Identity {identity}/><DisplayName>{escape(package['displayName'])}</DisplayName>"
        f'<Description xml:space="preserve">{escape(package["description"])}</Description>'
        f"<Categories>{','.join(package['categories'])}</Categories><License>extension/LICENSE.txt</License>"
        "<Properties>"
        f'<Property Id="Microsoft.VisualStudio.Code.Engine" Value={quoteattr(package["engines"]["vscode"])}/>'
        "</Properties></Metadata>"
        '<Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation><Dependencies/>'
        '<Assets><Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/>'
        "</Assets></PackageManifest>"
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("[Content_Types].xml", types), ("extension.vsixmanifest", manifest)):
            archive.writestr(_member(name), f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n')
        for name in PACKED:
            source = FOLDER / name if name != "LICENSE.txt" else FOLDER.parents[1] / "LICENSE"
            archive.writestr(_member(f"extension/{name}"), source.read_bytes())
    return packed.getvalue()


def _member(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))


def main() -> int:
    parser = argparse.ArgumentParser(description="Write, check or pack the editor grammar.")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--vsix", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.check:
        found = problems()
        if not GRAMMAR.is_file() or GRAMMAR.read_text(encoding="utf-8") != rendered():
            found.append(f"{GRAMMAR.name} is out of date: run scripts/make_editors.py")
        print("\n".join(found), end="\n" if found else "")
        return 1 if found else 0
    GRAMMAR.parent.mkdir(parents=True, exist_ok=True)
    GRAMMAR.write_text(rendered(), encoding="utf-8")
    if options.vsix is not None:
        options.vsix.write_bytes(vsix())
    return 0


if __name__ == "__main__":
    sys.exit(main())
