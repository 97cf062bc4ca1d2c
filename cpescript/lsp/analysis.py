"""One text as an editor has it open: its program, its mistakes, its names, and what stands where the cursor is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cpescript.diagnostics import Bag, Diagnostic
from cpescript.language.catalogue import Catalogue
from cpescript.language.loader import load_text
from cpescript.language.symbols import Declaration, Reference, Symbols
from cpescript.language.tokens import Token, tokenize_line


@dataclass(frozen=True, slots=True)
class Analysis:
    """A checked text. `file` is the name that its spans carry: the absolute path, whether or not the file exists."""

    text: str
    file: str
    catalogue: Catalogue
    symbols: Symbols
    diagnostics: tuple[Diagnostic, ...]

    @property
    def folder(self) -> Path:
        return Path(self.file).parent

    def own(self) -> list[Diagnostic]:
        """Return the mistakes of this file; those of a `use`d one show where that is open."""
        return [each for each in self.diagnostics if _same(each.span.source, self.file)]

    def uses(self, file: str) -> bool:
        """Whether the program takes in a file, or would if that were there."""
        return any(each.kind == "file" and _same(each.name, file) for each in self.symbols.references)

    def token_at(self, line: int, column: int) -> Token | None:
        """Return the token that a place (from 1) is in or directly behind."""
        rows = self.text.split("\n")
        if not 1 <= line <= len(rows):
            return None
        found = None
        for token in tokenize_line(rows[line - 1].rstrip("\r"), line, self.file, Bag()):
            if token.column <= column < token.end_column:
                return token
            if token.end_column == column:
                found = token
        return found

    def symbol_at(self, line: int, column: int) -> Declaration | Reference | None:
        return self.symbols.at(self.file, line, column)

    def declaration_at(self, line: int, column: int) -> Declaration | None:
        """Return the declaration of the name at a place, None for a name that is none of the program's."""
        symbol = self.symbol_at(line, column)
        return symbol.declaration if isinstance(symbol, Reference) else symbol


def _same(one: str, other: str) -> bool:
    return one == other or os.path.normpath(one) == os.path.normpath(other)


def analyse(text: str, file: str, catalogue: Catalogue, buffers: Mapping[str, str] | None = None) -> Analysis:
    """Check a text. Never raises on bad input. `buffers`: open texts, by path, that count instead of stored ones."""
    program, bag = load_text(text, file, catalogue, buffers)
    if program is not None and program.failed:
        program.look(bag)
    found = list(bag)
    if program is not None and not program.failed:
        _, problems = program.cases(environment={})
        # A param that must be given is no mistake of the text.
        found += [item for item in problems if item.code != "missing-param"]
    symbols = program.symbols if program is not None else Symbols()
    return Analysis(text, file, catalogue, symbols, tuple(dict.fromkeys(found)))
