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
from cpescript.language.tokens import SIGN, WORD, Token, tokenize_line

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
    ("policy", "policy", "policy"),
    ("use", "use", "library"),
    ("profile", "=", "profile file"),
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
    `state`, `system` (at the beginning of a line), `value` (a cohort, a param, a `let`, a capture, a function), `asked`
    (a value or a state: in a `where` of devices), `literal` (in quotes: a value of `literal_of`), or nothing.
    `message`, `path` and `text` say whether a message, a parameter path, a text in quotes could stand there.
    Inside quotes (`quoted`) `prefix` is the text so far, and nothing but a text could stand there.
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
    quoted: bool = False
    literal_of: str = ""
    arguments_of: tuple[str, str] | None = None
    """Inside the brackets behind `inject quirk NAME` or `do NAME`: ("quirk", NAME) or ("define", NAME)."""


def expected_at(text: str, line: int, column: int, source: str = "<text>") -> Expected | None:
    """Return what could stand at a place of a text (both from 1; the column is that of the cursor, before the character
    that it stands on), None inside a comment or a docstring, in quotes where any text will do, and where the text is
    beyond reading."""
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
    if tokens is None or any(token.kind == "mistake" for token in tokens[:-1]):
        return None
    opened = _around(layout.lines, tokens, depth if not tokens else tokens[0].column - 1, line)
    if tokens and tokens[-1].kind == "mistake":
        begun = tokens.pop()
        if not begun.text.startswith('"') or begun.line != line or not tokens:
            return None
        return _in_text(opened, tokens, rows[line - 1][begun.column : column - 1], column, source)
    if tokens and (tokens[-1].end_line, tokens[-1].end_column) == (line, column) and tokens[-1].kind in _TEXTS:
        return None
    return _answer(opened, tokens, prefix, column, source)


def _in_text(
    opened: Sequence[Line], tokens: Sequence[Token], written: str, column: int, source: str
) -> Expected | None:
    """Return what could stand inside a text in quotes, of which so much is written: a value, in its braces."""
    brace = _open_brace(written)
    if brace is None:
        role = next((role for head, before, role in ROLES if (tokens[0].text, tokens[-1].text) == (head, before)), "")
        element = _compared(tokens) if not role else ""
        role = "literal" if element else role
        if not role:
            return None
        begins = column - len(written)
        return Expected(written, begins, (), role, text=True, line=tuple(tokens), quoted=True, literal_of=element)
    inner = written[brace:]
    word = _PREFIX.search(inner)
    prefix = word[0] if word is not None else ""
    inside = list(tokenize_line(inner.removesuffix(prefix), 1, source, Bag()))
    if any(token.kind == "mistake" for token in inside):
        return None
    return _answer(opened, inside, prefix, column, source, inside="interpolation")


def _open_brace(text: str) -> int | None:
    """Return where the inside of the braces begins that are open at the end of a text, None where none are."""
    at = None
    for match in _BRACES.finditer(text):
        at = {"{": match.end(), "}": None}.get(match[0], at)
    return at


_BRACES = re.compile(r"\{\{|\}\}|[{}]")


def _compared(tokens: Sequence[Token]) -> str:
    """Return the element that a text behind these tokens is compared with: `events contains`, `inform T event`."""
    rest = list(tokens)
    while len(rest) > 2 and (rest[-1].text in ("[", ",") or rest[-1].kind == "STRING"):
        rest.pop()
    if rest[-1].text == "event" and rest[0].text == "inform":
        return "events"
    if len(rest) < 2 or rest[-1].text not in _COMPARING:
        return ""
    holder = rest[-3] if rest[-2].text == "not" and len(rest) > 2 else rest[-2]
    return holder.text.rpartition(".")[2]


_COMPARING = frozenset(("==", "!=", "contains", "in"))


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


def _answer(
    opened: Sequence[Line], tokens: Sequence[Token], prefix: str, column: int, source: str, inside: str = ""
) -> Expected:
    parser = Parser(source, Bag())
    states = [parser.tables.starts["file"][0]]
    for line in opened:
        within = _states_behind(parser, states, line.tokens)
        for terminal in ("_NL", "_INDENT"):
            within = accepts(parser.tables, within, terminal) if within is not None else None
        # A head that does not parse opens a block of statements all the same.
        states = within if within is not None else states
    if inside:
        states = [parser.tables.starts[inside][0]]
    handler = next((_message(line.tokens) for line in reversed(opened) if line.tokens[0].text == "on"), "")
    behind = _states_behind(parser, states, tokens, goes_on=True)
    plain = {"prefix": prefix, "column": column - len(prefix), "line": tuple(tokens), "handler": handler}
    if behind is None:
        return Expected(words=(), **plain)  # type: ignore[arg-type]
    possible = {terminal for terminal in parser.tables.states[behind[-1]] if accepts(parser.tables, behind, terminal)}
    words = sorted(
        text for text, terminal in parser.keywords.items() if terminal in possible and text[0].isalpha() and text != ":"
    )
    if opened and not tokens and not inside and _spawns(opened[-1].tokens):
        words = [word for word in words if word in IN_WITH]
    return Expected(
        words=tuple(words),
        role=_role(tokens, possible, words),
        message="KIND" in possible,
        path="PATH" in possible,
        text="STRING" in possible,
        fields_of=_message(tokens) if _where(tokens) == "message" else "",
        arguments_of=_call(tokens),
        **plain,  # type: ignore[arg-type]
    )


def _states_behind(
    parser: Parser, states: list[int], tokens: Sequence[Token], *, goes_on: bool = False
) -> list[int] | None:
    """Return the automaton's states behind tokens. Where the line `goes_on`, its last word is the keyword that it can
    be: whether a name would do as well is told by what follows, which nobody knows."""
    index, known = 0, list(tokens)
    while index < len(known):
        terminal, used = parser.classify(states, known, index)
        if goes_on and index == len(known) - 1 and terminal == "NAME":
            keyword = parser.keywords.get(known[index].text, "")
            terminal = keyword if accepts(parser.tables, states, keyword) is not None else terminal
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
        return "asked" if _where(tokens) == "devices" else "value"
    return "" if tokens else "system"


def _spawns(tokens: Sequence[Token]) -> bool:
    """Whether a line opens the settings of the devices that it spawns."""
    return tokens[0].text == "spawn" and [token.text for token in tokens[-2:]] == ["with", ":"]


IN_WITH = frozenset(("set", "label", "serial", "inject"))
"""What begins a line of `spawn … with:`."""


def _message(tokens: Sequence[Token]) -> str:
    """Return the last message that a line names."""
    return next((token.text for token in reversed(tokens) if token.kind == "KIND"), "")


def _where(tokens: Sequence[Token]) -> str:
    """Return what is asked in the `where` that a line ends in: a `message` (paths and values may stand between the
    two), or `devices`; empty in none."""
    pattern, inside = False, ""
    for token in tokens:
        if token.kind == "KIND":
            pattern, inside = True, ""
        elif token.kind == WORD and token.text == "where":
            inside = "message" if pattern else "devices"
        elif token.kind == WORD and token.text in _BEHIND_PATTERN:
            pattern, inside = False, ""
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


__all__ = ["IN_WITH", "ROLES", "Expected", "expected_at"]
