"""Completion: what could be typed at a place, from the grammar's automaton and the names and catalogues in reach."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from cpescript.language.catalogue import DEVICE_ATTRIBUTES, HTTP_FIELDS, Schema
from cpescript.language.expected import Expected, expected_at
from cpescript.language.expressions import FUNCTIONS
from cpescript.language.not_yet import NOT_YET
from cpescript.language.symbols import Declaration
from cpescript.language.types import PARAM_TYPES
from cpescript.language.vocabulary import vocabularies
from cpescript.lsp.analysis import Analysis

Kind = Literal[
    "keyword", "message", "path", "object", "field", "quirk", "profile", "name", "function", "state", "value"
]

MOST = 400
"""Completions that one answer has at most; typing on narrows them."""


@dataclass(frozen=True, slots=True)
class Item:
    """One completion. `insert` replaces the text from `column` (from 1) to the cursor."""

    label: str
    kind: Kind
    detail: str = ""
    insert: str = ""
    column: int = 1


def complete(analysis: Analysis, text: str, line: int, column: int) -> list[Item]:
    """Return what could stand at a place of a text (both from 1), what begins like the word there first.

    `text` may be newer than the analysis: where the cursor is counts as it is typed, names are those of the last check.
    """
    place = expected_at(text, line, column)
    if place is None:
        return []
    found: dict[str, Item] = {}
    for item in _all(analysis, place, line):
        found.setdefault(item.label, item)
    prefix = place.prefix.lower()
    fitting = [item for item in found.values() if item.label.lower().startswith(prefix)]
    if not fitting:
        fitting = [item for item in found.values() if prefix in item.label.lower()]
    return [
        Item(item.label, item.kind, item.detail, item.insert or item.label, place.column) for item in fitting[:MOST]
    ]


def _all(analysis: Analysis, place: Expected, line: int) -> Iterator[Item]:
    prefix = place.prefix
    role = _ROLES.get(place.role)
    if place.quoted or place.role == "policy":
        yield from role(analysis, place, line) if role is not None else ()
        return
    if place.path and prefix[:1].isupper() and "." in prefix:
        yield from _paths(analysis, prefix)
        return
    if "." in prefix:
        yield from _attributes(analysis, place, line)
        return
    if place.arguments_of is not None:
        yield from _arguments(analysis, place)
    if place.fields_of:
        yield from _fields(analysis, place.fields_of)
    if role is not None:
        yield from role(analysis, place, line)
    for word in place.words:
        yield Item(word, "keyword")
    if place.message:
        for name, message in sorted(analysis.catalogue.messages.items()):
            if message.protocol == "usp" and "usp-message" in NOT_YET:
                continue
            yield Item(name, "message", "" if name == message.name else message.name)
    if place.path:
        yield from _paths(analysis, prefix)


def _paths(analysis: Analysis, prefix: str) -> Iterator[Item]:
    """The parameters of the profiles in use, one segment at a time; an object goes on with its dot."""
    yield from paths_below(analysis.symbols.schemas, prefix)


def paths_below(schemas: Iterable[Schema], prefix: str) -> list[Item]:
    """Return the next segments of parameter paths that begin with what stands before the last dot of `prefix`."""
    base = prefix[: prefix.rfind(".") + 1]
    found: dict[str, Item] = {}
    for schema in schemas:
        for path in schema.all_names():
            if not path.startswith(base) or len(path) == len(base):
                continue
            segment, dot, rest = path[len(base) :].partition(".")
            label = f"{base}{segment}{dot}"
            if label in found:
                continue
            if dot:
                found[label] = Item(label, "object", "object" if not rest else "")
            else:
                found[label] = Item(label, "path", schema.type_of(path) or "")
    return list(found.values())


def _attributes(analysis: Analysis, place: Expected, line: int) -> Iterator[Item]:
    """What follows the dot behind `device`, `message`, `http` or a name."""
    owner = place.prefix[: place.prefix.rfind(".")]
    if owner == "device":
        for name, type_ in DEVICE_ATTRIBUTES.items():
            yield Item(f"device.{name}", "field", type_)
    elif owner == "http":
        for name, type_ in HTTP_FIELDS.items():
            yield Item(f"http.{name}", "field", type_)
    elif owner == "message":
        yield from _fields(analysis, place.handler, "message.")
    else:
        declaration = _visible(analysis, line).get(owner)
        if declaration is not None and declaration.message is not None:
            for name, type_ in declaration.message.fields.items():
                yield Item(f"{owner}.{name}", "field", type_)


def _fields(analysis: Analysis, message: str, before: str = "") -> Iterator[Item]:
    known = analysis.catalogue.messages.get(message)
    if known is None:
        return
    for name, type_ in known.fields.items():
        yield Item(f"{before}{name}", "field", f"{type_} of {known.name}")
    if not before:
        for name, type_ in HTTP_FIELDS.items():
            yield Item(f"http.{name}", "field", type_)


def _arguments(analysis: Analysis, place: Expected) -> Iterator[Item]:
    assert place.arguments_of is not None
    kind, name = place.arguments_of
    given = {
        token.text
        for token, behind in zip(place.line, place.line[1:], strict=False)
        if behind.text == ":" and token.kind == "WORD"
    }
    if kind == "quirk":
        quirk = analysis.catalogue.quirks.get(name)
        parameters = dict(quirk.parameters) if quirk is not None else {}
        for parameter, type_ in parameters.items():
            if parameter not in given:
                yield Item(parameter, "field", type_, f"{parameter}: ")
        return
    for declaration in analysis.symbols.declarations:
        if declaration.kind == "define" and declaration.name == name:
            for formal in declaration.signature.partition("(")[2].rstrip(")").split(", "):
                word = formal.partition(":")[0].partition(" ")[0]
                if word and word not in given:
                    yield Item(word, "field", formal, f"{word}: ")


def _visible(analysis: Analysis, line: int) -> dict[str, Declaration]:
    return {each.name: each for each in analysis.symbols.seen_from(analysis.file, line)}


_WHAT = {
    "param": "param",
    "case": "case of the matrix",
    "cohort": "cohort",
    "devices": "devices",
    "capture": "kept message",
    "result": "result of a call",
    "argument": "argument",
}
_VALUES = frozenset((*_WHAT, "value", "unknown"))


def _names(analysis: Analysis, place: Expected, line: int) -> Iterator[Item]:
    for declaration in _visible(analysis, line).values():
        if declaration.kind in _VALUES:
            detail = _WHAT.get(declaration.kind, "")
            if declaration.kind == "cohort" and declaration.schema is not None:
                detail = f"cohort of {getattr(declaration.schema, 'name', '?')}"
            elif declaration.type not in ("any", "devices"):
                detail = f"{detail} {declaration.type}".strip()
            yield Item(declaration.name, "name", detail)
    for name in FUNCTIONS:
        yield Item(name, "function", "function")


def _of_kind(kind: str, shown: Kind) -> Callable[[Analysis, Expected, int], Iterator[Item]]:
    def found(analysis: Analysis, place: Expected, line: int) -> Iterator[Item]:
        for declaration in _visible(analysis, line).values():
            if declaration.kind == kind:
                yield Item(declaration.name, shown, declaration.signature or kind)

    return found


def _profiles(analysis: Analysis, place: Expected, line: int) -> Iterator[Item]:
    yield from _of_kind("profile", "profile")(analysis, place, line)
    for declaration in _visible(analysis, line).values():
        if declaration.kind in ("param", "case") and declaration.type in ("text", "any"):
            yield Item(declaration.name, "name", _WHAT[declaration.kind])
    for name in analysis.catalogue.profile_names(analysis.folder):
        yield Item(name, "profile", "profile")


def _quirks(analysis: Analysis, place: Expected, line: int) -> Iterator[Item]:
    for name, quirk in sorted(analysis.catalogue.quirks.items()):
        yield Item(name, "quirk", ", ".join(f"{each}: {type_}" for each, type_ in quirk.parameters.items()))


def _states(analysis: Analysis, place: Expected, line: int) -> Iterator[Item]:
    for name in analysis.catalogue.states:
        yield Item(name, "state", "device state")


def _asked(analysis: Analysis, place: Expected, line: int) -> Iterator[Item]:
    yield from _states(analysis, place, line)
    yield from _names(analysis, place, line)


def _literals(analysis: Analysis, place: Expected, line: int) -> Iterator[Item]:
    """What may stand in an element of a message, by the standards."""
    known = vocabularies().get(place.literal_of)
    if known is not None:
        for value in known.known:
            yield Item(value, "value", known.what)


MOST_FILES = 1_000
"""Entries of a folder that are looked at."""


def _files(endings: tuple[str, ...], detail: str) -> Callable[[Analysis, Expected, int], Iterator[Item]]:
    """Return what offers the files beside the text, and those of the folder that is typed so far; folders go on."""

    def found(analysis: Analysis, place: Expected, line: int) -> Iterator[Item]:
        typed = place.prefix[: place.prefix.rfind("/") + 1] if place.quoted else ""
        try:
            with os.scandir(analysis.folder / typed) as entries:
                listed = sorted(islice(entries, MOST_FILES), key=lambda entry: entry.name)
        except (OSError, ValueError):
            return  # A text that was never saved has no folder.
        for entry in listed:
            if entry.name.startswith(".") or os.path.join(analysis.folder, typed, entry.name) == analysis.file:
                continue
            if place.quoted and entry.is_dir():
                yield Item(f"{typed}{entry.name}/", "profile", "folder")
            elif entry.name.endswith(endings):
                label = f"{typed}{entry.name}"
                yield Item(label, "profile", detail, label if place.quoted else f'"{label}"')

    return found


def _policies(analysis: Analysis, place: Expected, line: int) -> Iterator[Item]:
    yield from _files((".yaml", ".yml"), "policy")(analysis, place, line)
    for declaration in _visible(analysis, line).values() if not place.quoted else ():
        if declaration.kind in ("param", "case", "value") and declaration.type in ("text", "any"):
            yield Item(declaration.name, "name", _WHAT.get(declaration.kind, ""))


def _fixed(words: Iterable[str], detail: str) -> Callable[[Analysis, Expected, int], Iterator[Item]]:
    def found(analysis: Analysis, place: Expected, line: int) -> Iterator[Item]:
        for word in words:
            yield Item(word, "value", detail)

    return found


_ROLES: dict[str, Callable[[Analysis, Expected, int], Iterator[Item]]] = {
    "profile": _profiles,
    "quirk": _quirks,
    "define": _of_kind("define", "function"),
    "capture": _of_kind("capture", "name"),
    "system": _of_kind("system", "name"),
    "state": _states,
    "value": _names,
    "asked": _asked,
    "literal": _literals,
    "policy": _policies,
    "library": _files((".cpes",), "scenarios"),
    "profile file": _files((".yaml", ".yml"), "profile"),
    "type": _fixed(PARAM_TYPES, "type"),
    "clock": _fixed(("virtual", "scaled", "real"), "clock"),
    "protocol": _fixed(("cwmp", "usp", "both"), "protocol"),
}
"""What could be named, by the role that `expected` tells. `call` and `new name` are the author's own words."""
