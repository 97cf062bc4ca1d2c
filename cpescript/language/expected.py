"""What could stand at a place of a text: keywords that the automaton can take, and which sort of name. For editors.

Only the line in question and the lines that open the blocks around it are read, so the answer does not take longer in a
long file. It needs no checked program, and none of the text has to be in order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cpescript.diagnostics import Bag
from cpescript.language.layout import Layout, Line, lay_out
from cpescript.language.parser import Parser, accepts
from cpescript.language.tokens import SIGN, WORD, Token

ROLES: tuple[tuple[str, str, str], ...] = (
    # the first word of the line (empty: any), the word before the place, what is to be named
    ("spawn", "of", "profile"),
    ("remove", "quirk", "quirk"),
    ("inject", "quirk", "quirk"),
    ("remove", "fault", "fault"),
    ("inject", "fault", "fault"),
    ("do", "do", "define"),
    ("", "call", "call"),
    ("", "since", "capture"),
    ("", "clock", "clock"),
    ("", "as", "new name"),
    ("", "let", "new name"),
    ("define", "define", "new name"),
    ("param", "param", "new name"),
    ("param", ":", "type"),
    ("secret", ":", "type"),
    ("define", ":", "type"),
    ("protocol", "protocol", "protocol"),
)
"""What a name is of, where the grammar only says `NAME`: the first row that fits."""

_VALUE = frozenset(("NUMBER", "STRING", "DURATION"))
_TEXTS = ("STRING", "RAW", "DOCSTRING")
_PREFIX = re.compile(r"[\w*](?:[\w.*-]|\{[^{}\"]*\})*$")
"""The word, number or path that a place stands behind, as far as it is typed."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What could stand at a place.

    `prefix` is what stands there so far: the part of a word left of the place, which begins at `column`. `words` are
    keywords, those of several words whole. `role` says which sort of name would do: one of `ROLES`' third column,
    `state`, `system` (at the beginning of a line), `value` (a cohort, a param, a `let`, a capture, a function), or
    nothing. `message`, `path` and `text` say whether a message, a parameter path, a text in quotes could stand there.
    """

    prefix: str
    column: int
    words: tuple[str, ...]
    role: str = ""
    message: bool = False
    path: bool = False
    text: bool = False
    line: tuple[Token, ...] = ()
    """The tokens of the statement left of the place, without the prefix."""
    fields_of: str = ""
    """The message whose elements can be named: that of the pattern whose `where` this is in."""
    handler: str = ""
    """The message that `message` is: that of the handler around."""
    arguments_of: tuple[str, str] | None = None
    """Inside the brackets behind `inject quirk NAME` or `do NAME`: ("quirk", NAME) or ("define", NAME)."""


def expected_at(text: str, line: int, column: int, source: str = "<text>") -> Expected | None:
    """Return what could stand at a place of a text (both from 1; the column is that of the cursor, before the character
    that it stands on), None inside a comment, a text in quotes or a docstring, and where the text is beyond reading."""
    rows = text.split("\n")
    if not 1 <= line <= len(rows):
        return None
    cut = rows[line - 1][: column - 1]
    depth = len(cut) - len(cut.lstrip(" "))
    word = _PREFIX.search(cut)
    prefix = word[0] if word is not None else ""
    cut = cut.removesuffix(prefix)
    layout = _above(rows[: line - 1], cut, source)
    if layout is None:
        return None
    tokens = _tokens_at(layout, line)
    if tokens is None or any(token.kind == "mistake" for token in tokens):
        return None
    if tokens and (tokens[-1].end_line, tokens[-1].end_column) == (line, column) and tokens[-1].kind in _TEXTS:
        return None
    opened = _around(layout.lines, tokens, depth if not tokens else tokens[0].column - 1, line)
    return _answer(opened, tokens, prefix, column, source)


def _above(rows: Sequence[str], cut: str, source: str) -> Layout | None:
    """Return the layout of the text down to the place; None where it ends inside a comment."""
    layout = lay_out("\n".join([*rows, cut]), source, Bag())
    if layout.refused:
        return None
    if any(comment.line == len(rows) + 1 for comment in layout.comments):
        return None
    return layout


def _tokens_at(layout: Layout, line: int) -> list[Token] | None:
    """Return the tokens of the statement that goes on at a line, none for an empty line; None inside a docstring."""
    if not layout.lines:
        return []
    last = layout.lines[-1].tokens
    if last[-1].kind == "DOCSTRING" and (last[-1].end_line >= line or last[-1].text == '"""'):
        return None
    hanging = last[-1].text == "," or _open_brackets(last)
    return list(last) if last[-1].end_line == line or (hanging and last[-1].end_line < line) else []


def _open_brackets(tokens: Sequence[Token]) -> bool:
    depth = 0
    for token in tokens:
        if token.kind == SIGN:
            depth += (token.text in "([{") - (token.text in ")]}")
    return depth > 0


def _around(lines: Sequence[Line], tokens: Sequence[Token], column: int, line: int) -> list[Line]:
    """Return the lines that open the blocks around a place, outermost first."""
    found: list[Line] = []
    for each in reversed(lines):
        first = each.tokens[0]
        if (tokens and first is tokens[0]) or first.line >= line or first.column - 1 >= column:
            continue
        if each.tokens[-1].text == ":":
            found.append(each)
        column = first.column - 1
    return found[::-1]


def _answer(opened: Sequence[Line], tokens: Sequence[Token], prefix: str, column: int, source: str) -> Expected:
    parser = Parser(source, Bag())
    states = [parser.tables.starts["file"][0]]
    for line in opened:
        inside = _states_behind(parser, states, line.tokens)
        for terminal in ("_NL", "_INDENT"):
            inside = accepts(parser.tables, inside, terminal) if inside is not None else None
        # A head that does not parse opens a block of statements all the same.
        states = inside if inside is not None else states
    handler = next((_message(line.tokens) for line in reversed(opened) if line.tokens[0].text == "on"), "")
    behind = _states_behind(parser, states, tokens)
    plain = {"prefix": prefix, "column": column - len(prefix), "line": tuple(tokens), "handler": handler}
    if behind is None:
        return Expected(words=(), **plain)  # type: ignore[arg-type]
    possible = {terminal for terminal in parser.tables.states[behind[-1]] if accepts(parser.tables, behind, terminal)}
    words = sorted(
        text for text, terminal in parser.keywords.items() if terminal in possible and text[0].isalpha() and text != ":"
    )
    return Expected(
        words=tuple(words),
        role=_role(tokens, possible, words),
        message="KIND" in possible,
        path="PATH" in possible,
        text="STRING" in possible,
        fields_of=_message(tokens) if _in_where(tokens) else "",
        arguments_of=_call(tokens),
        **plain,  # type: ignore[arg-type]
    )


def _states_behind(parser: Parser, states: list[int], tokens: Sequence[Token]) -> list[int] | None:
    index, known = 0, list(tokens)
    while index < len(known):
        terminal, used = parser.classify(states, known, index)
        behind = accepts(parser.tables, states, terminal)
        if behind is None:
            return None
        states, index = behind, index + used
    return states


def _role(tokens: Sequence[Token], possible: set[str], words: Sequence[str]) -> str:
    if "NAME" not in possible:
        return ""
    first = tokens[0].text if tokens else ""
    last = tokens[-1].text if tokens else ""
    for head, before, role in ROLES:
        if last == before and head in ("", first):
            return role
    if "in session" in words and not possible >= _VALUE:
        return "state"
    if possible >= _VALUE:
        return "value"
    return "" if tokens else "system"


def _message(tokens: Sequence[Token]) -> str:
    """Return the last message that a line names."""
    return next((token.text for token in reversed(tokens) if token.kind == "KIND"), "")


def _in_where(tokens: Sequence[Token]) -> bool:
    """Whether the last `where` of a line belongs to a message: a message, paths and values may stand before it."""
    pattern = inside = False
    for token in tokens:
        if token.kind == "KIND":
            pattern, inside = True, False
        elif token.kind == WORD and token.text == "where":
            inside = pattern
        elif token.kind == WORD and token.text in _BEHIND_PATTERN:
            pattern = inside = False
    return inside


_BEHIND_PATTERN = frozenset(("on", "of", "within", "across", "for", "since", "as", "unless", "until", "patience"))


def _call(tokens: Sequence[Token]) -> tuple[str, str] | None:
    """Return what the innermost open bracket belongs to, if that is a quirk or a `define`."""
    depth = 0
    for index in range(len(tokens) - 1, 1, -1):
        token = tokens[index]
        if token.kind != SIGN or token.text not in "()":
            continue
        depth += 1 if token.text == ")" else -1
        if depth < 0:
            kind = {"quirk": "quirk", "do": "define"}.get(tokens[index - 2].text)
            return (kind, tokens[index - 1].text) if kind is not None else None
    return None


__all__ = ["ROLES", "Expected", "expected_at"]
