"""Turns the tokens of literals, paths and dotted words into nodes, with the mistakes that only their values show."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cpescript.diagnostics import Bag, Span
from cpescript.kernel.time import (
    Percent,
    TimeOfDay,
    parse_duration,
    parse_instant,
    parse_percent,
    parse_size,
    parse_time,
)
from cpescript.language.tokens import Token
from cpescript.pattern.expression import (
    Attribute,
    Device,
    Literal_,
    Message,
    Name,
    Node,
    PathPattern,
    Template,
)

Inner = Callable[[str, int, int], Any]
"""Parses an expression inside a text or a path: (text, line, column) to a node, or None after reporting why not."""

Convert = Callable[[Token, Span, Bag, Inner], Node]

MAX_DIGITS = 18
"""Longest number that is read. Nanoseconds since 1970 have nineteen digits, and nobody counts further."""

_SPECIAL = re.compile(r"[\\{}]")
_ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}


def _number(token: Token, span: Span, bag: Bag, inner: Inner) -> Node:
    if len(token.text) > MAX_DIGITS:
        bag.error(span, "bad-number", f"a number of {len(token.text)} digits", f"at most {MAX_DIGITS} are read")
        return Literal_(span, 0)
    return Literal_(span, float(token.text) if "." in token.text else int(token.text))


def _measured(read: Callable[[str], Any], what: str, remedy: str, nothing: Any) -> Convert:
    def convert(token: Token, span: Span, bag: Bag, inner: Inner) -> Node:
        try:
            if max(map(len, re.findall(r"\d+", token.text))) > MAX_DIGITS:
                raise ValueError("too long")
            return Literal_(span, read(token.text))
        except (ValueError, OverflowError):
            bag.error(span, "bad-literal", f"{token.text} is not {what}", remedy)
            return Literal_(span, nothing)

    return convert


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def _no_controls(token: Token, span: Span, bag: Bag) -> None:
    """Report a control character in a text: no file is called so, and no ACS takes it (XML 1.0, 2.2)."""
    found = _CONTROL.search(token.text)
    if found is not None:
        column = token.column + found.start()
        at = Span(span.source, token.line, column, token.line, column + 1)
        bag.error(at, "stray-character", f"the character U+{ord(found[0]):04X} stands in a text", "take it out")


def _raw(token: Token, span: Span, bag: Bag, inner: Inner) -> Node:
    _no_controls(token, span, bag)
    return Literal_(span, token.text[2:-1])


def _string(token: Token, span: Span, bag: Bag, inner: Inner) -> Node:
    """Read escapes, braces and `{expr:format}` parts; a text without parts is a `Literal_`."""
    _no_controls(token, span, bag)
    if not _SPECIAL.search(token.text):
        return Literal_(span, token.text[1:-1])
    parts: list[str | tuple[Any, str]] = []
    plain: list[str] = []
    text, index, end = token.text, 1, len(token.text) - 1

    def here(start: int, length: int) -> Span:
        return Span(span.source, token.line, token.column + start, token.line, token.column + start + length)

    while index < end:
        character = text[index]
        if character == "\\":
            escape = _ESCAPES.get(text[index + 1])
            if escape is None:
                bag.error(
                    here(index, 2),
                    "bad-escape",
                    f"'\\{text[index + 1]}' is not an escape",
                    r"known are \" \\ \n \t; or r\"…\" for a raw text",
                )
            plain.append(escape or text[index + 1])
            index += 2
        elif character in "{}" and text[index + 1] == character:
            plain.append(character)
            index += 2
        elif character == "{":
            close, colon = _braces(text, index, end)
            if close < 0:
                bag.error(here(index, 1), "open-brace", "this '{' is never closed", "a brace itself is written '{{'")
                break
            if plain:
                parts.append("".join(plain))
                plain = []
            shape = text[colon + 1 : close] if colon > 0 else ""
            body = text[index + 1 : colon if colon > 0 else close]
            if not body.strip():
                bag.error(
                    here(index, close + 1 - index),
                    "empty-braces",
                    "nothing stands in these braces",
                    "a brace itself is written '{{'",
                )
            else:
                node = inner(body, token.line, token.column + index + 1)
                if node is not None:
                    parts.append((node, shape))
            index = close + 1
        elif character == "}":
            bag.error(here(index, 1), "open-brace", "this '}' closes nothing", "a brace itself is written '}}'")
            plain.append(character)
            index += 1
        else:
            plain.append(character)
            index += 1
    if plain or not parts:
        parts.append("".join(plain))
    if len(parts) == 1 and isinstance(parts[0], str):
        return Literal_(span, parts[0])
    return Template(span, tuple(parts))


def _braces(text: str, start: int, end: int) -> tuple[int, int]:
    """Return where the brace at `start` closes, and where the colon before a format stands (-1 for none)."""
    depth, colon = 0, -1
    for index in range(start, end):
        character = text[index]
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0:
                return index, colon
        elif character == ":" and depth == 1 and colon < 0:
            colon = index
    return -1, colon


LITERALS: dict[str, Convert] = {
    "NUMBER": _number,
    "SHARE": _measured(parse_percent, "a percentage", "", Percent(0)),
    "DURATION": _measured(
        parse_duration, "a duration", "units in falling order, each once: 1h30m", parse_duration("0s")
    ),
    "OCTETS": _measured(parse_size, "a size", "", parse_size("0B")),
    "INSTANT": _measured(
        parse_instant, "an instant", "as in 2026-01-01T00:00:00Z", parse_instant("2026-01-01T00:00:00Z")
    ),
    "TIME": _measured(parse_time, "a time of day", "from 00:00 to 23:59:59", TimeOfDay(0)),
    "FACTOR": _measured(lambda text: float(text[:-1]), "a factor", "as in 60x", 1.0),
    "STRING": _string,
    "RAW": _raw,
}
"""Terminal to how its token becomes a node."""

_PART = re.compile(r"\{([^{}]*)\}|([^.{}]+)")


def path_pattern(token: Token, span: Span, inner: Inner) -> PathPattern:
    """Return a PATH token as a pattern; a part in braces is an expression."""
    parts: list[Any] = []
    for match in _PART.finditer(token.text):
        if match[1] is not None:
            node = inner(match[1], token.line, token.column + match.start(1))
            parts.append(node if node is not None else Literal_(span, 0))
        else:
            parts.append(None if match[2] == "*" else match[2])
    return PathPattern(span, tuple(parts), token.text.endswith("."))


def attribute(token: Token, span: Span) -> Any:
    """Return an ATTRIBUTE token (`dl.url`, `device.label.region`) as nested `Attribute` nodes."""
    words = token.text.split(".")
    column = token.column + len(words[0])
    first = Span(span.source, span.line, span.column, span.line, column)
    roots: dict[str, type[Device] | type[Message]] = {"device": Device, "message": Message}
    node: Any = roots[words[0]](first) if words[0] in roots else Name(first, words[0])
    for word in words[1:]:
        column += 1 + len(word)
        node = Attribute(Span(span.source, span.line, span.column, span.line, column), node, word)
    return node
