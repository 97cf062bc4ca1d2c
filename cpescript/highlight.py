"""Which words of a scenario are what: one classification for the Pygments lexer and for the checks of editor grammars.

The parser itself says whether a word is a keyword or somebody's name, so highlighting cannot drift from the grammar. In
a line that does not parse, what stands behind the mistake is told by its look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, ClassVar, NamedTuple

from pygments.lexer import Lexer
from pygments.token import Comment, Error, Keyword, Literal, Name, Number, Operator, Punctuation, String, Whitespace

from cpescript.diagnostics import Bag
from cpescript.language.layout import lay_out
from cpescript.language.parser import Parser
from cpescript.language.tokens import SIGN, WORD, Token, tokenize_line

CONSTANTS = frozenset(("true", "false", "null"))
OPERATORS = frozenset(
    [
        "and",
        "or",
        "not",
        "in",
        "not in",
        "matches",
        "contains",
        "starts with",
        "ends with",
        "between",
        "exists",
        "not exists",
        "is empty",
        "is not empty",
    ]
)
"""Keywords that stand between or behind operands."""

_BY_LOOK = {
    "KIND": "message",
    "PATH": "path",
    "ATTRIBUTE": "attribute",
    "NUMBER": "number",
    "SHARE": "number",
    "DURATION": "number",
    "OCTETS": "number",
    "FACTOR": "number",
    "INSTANT": "instant",
    "TIME": "instant",
    "STRING": "string",
    "RAW": "string",
    "DOCSTRING": "docstring",
    "comment": "comment",
    "mistake": "mistake",
    "badnumber": "mistake",
    "noquote": "mistake",
    "bad": "mistake",
}
_OPERATOR_SIGNS = frozenset(("==", "!=", "<=", ">=", "..", "-", "+", "*", "/", "%", "<", ">", "="))


class Piece(NamedTuple):
    """A stretch of text: what it is (`keyword`, `name`, `path`, …) and its token. Columns count from 1."""

    what: str
    token: Token


def pieces(text: str) -> list[Piece]:
    """Return every token of a text, comments included, in the text's order, each with what it is.

    What: keyword, operator, constant, function, name, message, path, attribute, number, instant, string, docstring,
    comment, sign, mistake. Never raises; a text that is beyond reading is told by its look, line by line.
    """
    bag = Bag()
    layout = lay_out(text, "<text>", bag)
    if layout.refused:
        return [_by_look(token) for token in _plain_tokens(text)]
    parser = Parser("<text>", bag)
    parser.seen = []
    parser.file(layout)
    taken = {(token.line, token.column): terminal for terminal, token in parser.seen}
    keywords = {terminal: phrase for phrase, terminal in parser.keywords.items()} | {"OF_PATH": "of"}
    found = [
        Piece("comment", Token("comment", comment.text, comment.line, comment.column, comment.line, 0))
        for comment in layout.comments
    ]
    for line in layout.lines:
        for index, token in enumerate(line.tokens):
            terminal = taken.get((token.line, token.column))
            if token.kind != WORD or terminal is None:
                found.append(_by_look(token, parser.keywords))
            elif terminal in keywords:
                found.append(Piece(_sort(keywords[terminal]), token))
            else:
                behind = line.tokens[index + 1] if index + 1 < len(line.tokens) else None
                called = behind is not None and behind.kind == SIGN and behind.text == "("
                found.append(Piece("function" if called else "name", token))
    return sorted(found, key=lambda piece: (piece.token.line, piece.token.column))


def _sort(phrase: str) -> str:
    return "constant" if phrase in CONSTANTS else "operator" if phrase in OPERATORS else "keyword"


def _by_look(token: Token, keywords: Any = ()) -> Piece:
    if token.kind == SIGN:
        return Piece("sign", token)
    if token.kind == WORD:
        return Piece(_sort(token.text) if token.text in keywords else "name", token)
    return Piece(_BY_LOOK[token.kind], token)


def _plain_tokens(text: str) -> Iterator[Token]:
    for number, row in enumerate(text.split("\n"), 1):
        yield from tokenize_line(row, number, "<text>", Bag())


_PYGMENTS = {
    "keyword": Keyword,
    "operator": Operator.Word,
    "constant": Keyword.Constant,
    "function": Name.Function,
    "name": Name,
    "message": Name.Class,
    "path": Name.Variable,
    "attribute": Name.Attribute,
    "number": Number,
    "instant": Literal.Date,
    "string": String,
    "docstring": String.Doc,
    "comment": Comment.Single,
    "mistake": Error,
}
_INTERPOLATION = re.compile(r"\{\{|\}\}|(\{[^{}]*\})")


class CpesLexer(Lexer):
    """Pygments' lexer for `.cpes`, found by the name `cpes` wherever cpescript is installed."""

    name = "cpescript scenario"
    aliases: ClassVar[list[str]] = ["cpes", "cpescript"]
    filenames: ClassVar[list[str]] = ["*.cpes"]
    mimetypes: ClassVar[list[str]] = ["text/x-cpes"]
    url = ""

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, Any, str]]:
        """Yield (offset, token type, text) that together are the whole text."""
        rows = text.split("\n")
        starts = [0, *accumulate(len(row) + 1 for row in rows)]
        end = 0
        for what, token in pieces(text):
            start = starts[token.line - 1] + token.column - 1
            if start < end:
                # A tab that was reported and widened: what it stood for has been told.
                continue
            if start > end:
                yield end, Whitespace, text[end:start]
            shown = text[start : start + len(token.text)]
            end = start + len(shown)
            if what in ("string", "docstring") and not shown.startswith(('r"', '"""')):
                yield from _interpolated(start, shown)
            elif what == "sign":
                yield start, Operator if token.text in _OPERATOR_SIGNS else Punctuation, shown
            else:
                yield start, _PYGMENTS[what], shown
        if end < len(text):
            yield end, Whitespace, text[end:]


def _interpolated(start: int, text: str) -> Iterator[tuple[int, Any, str]]:
    """Yield a text's own characters, and what stands in its braces apart."""
    end = 0
    for match in _INTERPOLATION.finditer(text):
        if match[1] is None:
            continue
        if match.start() > end:
            yield start + end, String, text[end : match.start()]
        yield start + match.start(), String.Interpol, match[0]
        end = match.end()
    if end < len(text):
        yield start + end, String, text[end:]


__all__ = ["CONSTANTS", "OPERATORS", "CpesLexer", "Piece", "pieces"]
