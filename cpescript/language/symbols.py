"""The names of a program: where each is made, what it is, and where it is used. Made for editors.

Names have the scopes that the checker gave them, in a file with mistakes as well: a line that did not parse still
declares its likely names, as kind `unknown`. What could stand at a place is told by `expected`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cpescript.diagnostics import Span
from cpescript.language.catalogue import MessageType, Schema
from cpescript.language.scope import Scope

Kind = Literal[
    "param",
    "case",
    "cohort",
    "devices",
    "value",
    "capture",
    "result",
    "argument",
    "unknown",
    "define",
    "profile",
    "system",
    "scenario",
    "file",
]
"""What a name is. The first nine are those of `scope.Binding`; `case` is a matrix's name, `capture` what `as` keeps of
a message, `result` what it keeps of a call. A `file` is one that `use` takes in."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """A name where it is made.

    `span` is the name's own (for a `file`, the first column of that file). `extent` is the block that it is known in,
    None for a whole file. `type` is a type of the language (`any` where it is only known while running).
    `signature` shows a `define`'s arguments, `doc` a docstring or a param's description.
    """

    kind: Kind
    name: str
    span: Span
    type: str = "any"
    extent: Span | None = None
    cohorts: frozenset[str] | None = None
    """For devices: the cohorts that they are of, as far as known."""
    schema: Schema | None = None
    """For a cohort: its profile, if that loads."""
    message: MessageType | None = None
    """For a capture: what was kept."""
    signature: str = ""
    doc: str = ""

    def seen_from(self, source: str, line: int) -> bool:
        """Whether the name can be used in a line of a file. An extent reaches down to the next statement outside it."""
        if self.extent is None:
            return self.kind in ("param", "define", "profile", "system") or self.span.source == source
        return self.extent.source == source and self.extent.line <= line <= self.extent.end_line


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of a name. `declaration` is None where the name is none of this program's (a profile that ships)."""

    kind: Kind
    name: str
    span: Span
    declaration: Declaration | None


@dataclass(slots=True)
class Symbols:
    """The names of a program, in the order of the text. Several files: spans say which."""

    declarations: tuple[Declaration, ...] = ()
    references: tuple[Reference, ...] = ()
    schemas: tuple[Schema, ...] = ()
    """The profiles that the program spawns from, each once."""

    def at(self, source: str, line: int, column: int) -> Declaration | Reference | None:
        """Return the name that stands at a place (columns from 1, the end counts), a use before a declaration."""
        symbols: tuple[Declaration | Reference, ...] = (*self.references, *self.declarations)
        for symbol in symbols:
            span = symbol.span
            if span.source == source and span.line == line and span.column <= column <= span.end_column:
                return symbol
        return None

    def uses_of(self, declaration: Declaration) -> list[Reference]:
        """Return the uses of a declared name, in the order of the text."""
        return [each for each in self.references if each.declaration is declaration]

    def seen_from(self, source: str, line: int) -> list[Declaration]:
        """Return the names that can be used in a line of a file; of equal names the innermost only."""
        found: dict[str, Declaration] = {}
        for each in self.declarations:
            if each.kind in ("scenario", "file") or not each.seen_from(source, line):
                continue
            known = found.get(each.name)
            if known is None or _narrower(each, known):
                found[each.name] = each
        return list(found.values())


def _narrower(one: Declaration, other: Declaration) -> bool:
    if one.extent is None or other.extent is None:
        return one.extent is not None
    return (one.extent.line, -one.extent.end_line) >= (other.extent.line, -other.extent.end_line)


@dataclass(slots=True)
class Recorder:
    """Collects, while a program is checked, the names that live in no scope: procedures, profiles, systems, files."""

    declarations: list[Declaration] = field(default_factory=list)
    references: list[tuple[Kind, str, Span]] = field(default_factory=list)

    def declare(self, kind: Kind, name: str, span: Span, **details: Any) -> None:
        self.declarations.append(Declaration(kind, name, span, **details))

    def refer(self, kind: Kind, name: str, span: Span) -> None:
        self.references.append((kind, name, span))


def symbols_of(
    recorder: Recorder, names: Scope, starts: Mapping[str, Iterable[int]], schemas: Iterable[Schema]
) -> Symbols:
    """Return the symbols of a checked program.

    `names` is the scope of the file's params, with everything that was bound below it; `starts` gives, for each file,
    the lines in which statements begin.
    """
    ends = {source: sorted(lines) for source, lines in starts.items()}
    declared: dict[tuple[Span, str], Declaration] = {}
    uses: dict[tuple[Span, str], tuple[Declaration, set[Span]]] = {}
    for binding, scope in names.book:
        key = (binding.span, binding.name)
        if key not in declared:
            declared[key] = Declaration(
                binding.kind,
                binding.name,
                binding.span,
                binding.type,
                _reaching(scope.extent, ends),
                binding.cohorts,
                binding.schema,
                binding.message,
                doc=binding.doc,
            )
            uses[key] = (declared[key], set())
        uses[key][1].update(binding.uses)
    references = {
        span: Reference(declaration.kind, declaration.name, span, declaration)
        for declaration, spans in uses.values()
        for span in spans
    }
    known = {(each.kind, each.name): each for each in recorder.declarations}
    for kind, name, span in recorder.references:
        references[span] = Reference(kind, name, span, known.get((kind, name)))
    return Symbols(
        tuple(sorted([*declared.values(), *recorder.declarations], key=_place)),
        tuple(sorted(references.values(), key=_place)),
        tuple({id(schema): schema for schema in schemas}.values()),
    )


def _place(symbol: Declaration | Reference) -> Span:
    return symbol.span


def _reaching(extent: Span | None, ends: Mapping[str, list[int]]) -> Span | None:
    """Return a block's extent, drawn out to the line before the next statement: who types there may still mean it."""
    if extent is None:
        return None
    from bisect import bisect_right

    lines = ends.get(extent.source, [])
    index = bisect_right(lines, extent.end_line)
    last = lines[index] - 1 if index < len(lines) else 1_000_000_000
    return Span(extent.source, extent.line, extent.column, max(last, extent.end_line), extent.end_column)


__all__ = ["Declaration", "Kind", "Recorder", "Reference", "Symbols", "symbols_of"]
