"""Where a name is made and used, renaming it, the outline of a file, and corrections that a message suggests."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cpescript.diagnostics import Diagnostic, Span
from cpescript.language.symbols import Declaration, Reference
from cpescript.language.tokens import NEVER_NAMES
from cpescript.lsp.analysis import Analysis

_NAME = re.compile(r"[a-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*")
RENAMED = frozenset(
    ("param", "case", "cohort", "devices", "value", "capture", "result", "argument", "define", "profile", "system")
)
"""Kinds of names that can be renamed where they are written."""


class RenameError(ValueError):
    """The name cannot be renamed, or not to that; the text says why."""


def definition(analysis: Analysis, line: int, column: int) -> Span | None:
    """Return where the name at a place is made: a span, or the first column of a file."""
    symbol = analysis.symbol_at(line, column)
    if isinstance(symbol, Reference):
        if symbol.declaration is not None:
            return symbol.declaration.span
        if symbol.kind == "profile":
            return _profile(analysis, symbol.name)
        return None
    return symbol.span if symbol is not None else None


def _profile(analysis: Analysis, name: str) -> Span | None:
    schema, _ = analysis.catalogue.profile(name, analysis.folder, None)
    file = getattr(schema, "file", "")
    return Span(file, 1, 1, 1, 1) if file else None


def references(analysis: Analysis, line: int, column: int, *, declared: bool = True) -> list[Span]:
    """Return where the name at a place stands, in the order of the text."""
    declaration = analysis.declaration_at(line, column)
    if declaration is None:
        return []
    uses = [each.span for each in analysis.symbols.uses_of(declaration)]
    return sorted({*uses, declaration.span} if declared else set(uses))


def renamable(analysis: Analysis, line: int, column: int) -> tuple[str, Span] | None:
    """Return the name at a place and its span, None where there is none that can be renamed."""
    symbol = analysis.symbol_at(line, column)
    if symbol is None or symbol.kind not in RENAMED:
        return None
    if isinstance(symbol, Reference) and symbol.declaration is None:
        return None
    return symbol.name, symbol.span


def shared(analysis: Analysis, line: int, column: int) -> Declaration | None:
    """Return the declaration of the name at a place if other programs, which use its file, can mean it as well."""
    declaration = analysis.declaration_at(line, column)
    return declaration if declaration is not None and declaration.kind in _SHARED else None


_SHARED = frozenset(("param", "define", "profile", "system"))


def rename(analysis: Analysis, line: int, column: int, new: str, others: Iterable[Analysis] = ()) -> list[Span]:
    """Return the spans to be replaced by the new name, in all files of the program and of the `others` that mean it.

    Raises RenameError where the name cannot be renamed, is no name, or would come to mean something else.
    """
    if renamable(analysis, line, column) is None:
        raise RenameError("nothing here can be renamed")
    if not _NAME.fullmatch(new):
        raise RenameError(f"'{new}' is no name: begin with a lower-case letter, then letters, digits, _ and inner -")
    if new in NEVER_NAMES:
        raise RenameError(f"'{new}' is a word of the language")
    declaration = analysis.declaration_at(line, column)
    assert declaration is not None
    found: dict[tuple[str, int, int], Span] = {}
    for program in (analysis, *others):
        meant = next((each for each in program.symbols.declarations if _one(each, declaration)), None)
        if meant is None:
            continue
        _free(program, meant, new)
        for span in (meant.span, *(use.span for use in program.symbols.uses_of(meant))):
            found.setdefault((os.path.realpath(span.source), span.line, span.column), span)
    return sorted(found.values())


def _one(one: Declaration, other: Declaration) -> bool:
    """Whether two programs speak of one declaration."""
    if (one.kind, one.name) != (other.kind, other.name):
        return False
    places = [(os.path.realpath(each.span.source), each.span.line, each.span.column) for each in (one, other)]
    return places[0] == places[1]


def _free(program: Analysis, declaration: Declaration, new: str) -> None:
    """Raise RenameError if a name is taken where a declaration of the program is seen."""
    for other in program.symbols.declarations:
        if other.name == new and other is not declaration and _meet(other, declaration):
            where = f"line {other.span.line}"
            if other.span.source != declaration.span.source:
                where = f"{os.path.basename(other.span.source)}, {where}"
            raise RenameError(f"there is a {other.kind} '{new}' already ({where})")


def _meet(one: Declaration, other: Declaration) -> bool:
    """Whether two declarations could be seen from one line. Procedures and profiles have names of their own."""
    if (one.kind in _APART or other.kind in _APART) and one.kind != other.kind:
        return False
    if one.extent is None or other.extent is None:
        return True
    same = one.extent.source == other.extent.source
    return same and one.extent.line <= other.extent.end_line and other.extent.line <= one.extent.end_line


_APART = frozenset(("define", "profile", "system", "scenario", "file"))


@dataclass(frozen=True, slots=True)
class Outlined:
    """An entry of a file's outline."""

    name: str
    kind: str
    span: Span
    extent: Span


def outline(analysis: Analysis) -> list[Outlined]:
    """Return the scenarios, procedures, params, profiles, systems and cohorts that a file declares, in its order."""
    found = []
    for each in analysis.symbols.declarations:
        if each.span.source != analysis.file or each.kind not in _OUTLINED:
            continue
        extent = each.extent if each.kind == "scenario" and each.extent is not None else each.span
        found.append(Outlined(each.name, each.kind, each.span, extent))
    return found


_OUTLINED = frozenset(("scenario", "define", "param", "profile", "system", "cohort"))

_SUGGESTED = re.compile(r"did you mean '([^']+)'\?")


def correction(item: Diagnostic) -> str | None:
    """Return what a diagnostic suggests in place of what it underlines, None where it does not."""
    match = _SUGGESTED.search(item.remedy)
    return match[1] if match is not None and item.span.line == item.span.end_line else None


__all__ = [
    "Outlined",
    "RenameError",
    "correction",
    "definition",
    "outline",
    "references",
    "renamable",
    "rename",
    "shared",
]
