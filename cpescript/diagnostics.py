"""Spans, diagnostics and the one renderer that every room uses to say what is wrong.

A diagnostic answers three questions: where (a span in a named source), what (one line of cause), how to fix it
(at most one line of remedy). Mistakes of a user are collected in a `Bag` that is handed along; exceptions are for
our own bugs.

Positions are counted from 1, columns in code points. A span's end is exclusive and stands on its own line.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from pathlib import PurePath
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True, slots=True)
class Span:
    """A stretch of source text: `source` names the file, the rest are positions from 1."""

    source: str
    line: int
    column: int
    end_line: int
    end_column: int

    def to(self, other: Span) -> Span:
        """Return the span from the start of this one to the end of `other`."""
        return Span(self.source, self.line, self.column, other.end_line, other.end_column)

    @property
    def place(self) -> str:
        """`file:line:column`, the form that editors and terminals make clickable."""
        return f"{self.source}:{self.line}:{self.column}"


def placing(spans: Iterable[Span]) -> Callable[[Span], str]:
    """Return what names a place among those of `spans`: `line 9`, or `home.cpes:9` where they are of several files."""
    sources = {span.source for span in spans}
    if len(sources) < 2:
        return lambda span: f"line {span.line}"
    names = {source: PurePath(source).name for source in sources}
    short = names if len(set(names.values())) == len(names) else {}
    return lambda span: f"{short.get(span.source, span.source)}:{span.line}"


@dataclass(frozen=True, order=True, slots=True)
class Diagnostic:
    """One mistake: `code` is the stable name that tests and users refer to (`unknown-quirk`)."""

    span: Span
    code: str
    message: str
    remedy: str = ""
    severity: Severity = "error"


@dataclass(slots=True)
class Bag:
    """Collects diagnostics. `sources` maps a source's name to its text, for rendering."""

    items: list[Diagnostic] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)

    def error(self, span: Span, code: str, message: str, remedy: str = "") -> None:
        self.items.append(Diagnostic(span, code, message, remedy))

    def warning(self, span: Span, code: str, message: str, remedy: str = "") -> None:
        self.items.append(Diagnostic(span, code, message, remedy, "warning"))

    def extend(self, other: Bag) -> None:
        self.items.extend(other.items)
        self.sources.update(other.sources)

    @property
    def failed(self) -> bool:
        """Whether at least one item is an error."""
        return any(item.severity == "error" for item in self.items)

    def __iter__(self) -> Iterator[Diagnostic]:
        """Iterate in the order of the sources' text, each diagnostic once."""
        return iter(sorted(set(self.items)))

    def __len__(self) -> int:
        return len(self.items)

    def render(self) -> str:
        """Return all diagnostics as text, in order, each followed by a blank line."""
        return "\n".join(render(item, self.sources) for item in self)


def render(item: Diagnostic, sources: Mapping[str, str]) -> str:
    """Return one diagnostic with its source line and the span underlined.

    The remedy stands behind the underline. A source without text (a directory, say) shows the place only.
    """
    span = item.span
    head = f"{item.severity}[{item.code}]: {item.message}\n  {span.place}\n"
    lines = _rows(sources.get(span.source, ""))
    if not 1 <= span.line <= len(lines) or not sources.get(span.source):
        return head + (f"   = {item.remedy}\n" if item.remedy else "")
    text = lines[span.line - 1].rstrip("\r").expandtabs(1).translate(_CONTROLS)
    if len(text) > 240:
        # A giant line is cut around the span: the place is exact, the screen stays readable.
        start = max(0, span.column - 41)
        text, shift = text[start : start + 120], start
    else:
        shift = 0
    number = f"{span.line:>5}"
    end = span.end_column if span.end_line == span.line else len(text) + shift + 1
    column = span.column - shift
    width = max(1, min(end - shift, len(text) + 1) - column)
    underline = " " * (column - 1) + "^" * width
    gap = " " * len(number)
    return f"{head}{number} | {text}\n{gap} | {underline}{' ' + item.remedy if item.remedy else ''}\n"


_CONTROLS = dict.fromkeys([*range(32), *range(127, 160)], "\N{REPLACEMENT CHARACTER}")
"""What a terminal would obey instead of showing it."""


@lru_cache(maxsize=16)
def _rows(text: str) -> list[str]:
    """Return a source's rows; kept, for a text with many mistakes."""
    return text.split("\n")


MOST_NAMES = 5_000
"""Most known names that are looked at for a suggestion, and"""
MANY_NAMES = 300
"""most that are compared closely: beyond them those next to the word in the alphabet, which begin like it. So a file
with thousands of names and of mistakes costs in proportion to its length."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name that `word` most likely meant, or None if none is near."""
    names = sorted(set(islice(known, MOST_NAMES)))
    meant = word.lower()
    if len(names) > MANY_NAMES:
        here = bisect_left(names, word)
        names = names[max(0, here - MANY_NAMES // 2) : here + MANY_NAMES // 2]
    lowered = {name.lower(): name for name in names}
    found = get_close_matches(meant, list(lowered), n=1, cutoff=0.7)
    return lowered[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the remedy `did you mean 'x'?` for the nearest known name, else `otherwise`."""
    name = nearest(word, known)
    return f"did you mean '{name}'?" if name else otherwise


def some(lead: str, names: Iterable[str], most: int = 6) -> str:
    """Return a remedy that lists some names behind `lead`, empty where there are none."""
    ordered = sorted(names)
    if not ordered:
        return ""
    return f"{lead} {', '.join(ordered[:most])}{', …' if len(ordered) > most else ''}"
