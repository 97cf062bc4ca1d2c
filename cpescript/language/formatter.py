"""The formatter: one way to space and indent a scenario. Line breaks and comments stay where their author put them.

It proves itself before it answers: the result parses to the same tree, formatting it again changes nothing, and every
comment is still there. A text for which that fails is refused as our own bug; a text that does not parse is refused
with its mistakes.
"""

from __future__ import annotations

from cpescript.diagnostics import Bag, Span
from cpescript.language import tree
from cpescript.language.layout import Comment, Layout, Line, lay_out
from cpescript.language.parser import Parser
from cpescript.language.tokens import SIGN, Token

INDENT = 4

_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")
_TIGHT = frozenset(("..",))
_OPERANDS = frozenset(
    [
        "NAME",
        "KIND",
        "PATH",
        "ATTRIBUTE",
        "NUMBER",
        "SHARE",
        "DURATION",
        "OCTETS",
        "FACTOR",
        "INSTANT",
        "TIME",
        "STRING",
        "RAW",
        "ALL",
        "DEVICE",
        "MESSAGE",
        "TRUE",
        "FALSE",
        "NULL",
    ]
)
"""Terminals behind which a minus is one between operands, and a bracket belongs to what stands before it."""

Piece = tuple[str, Token]
"""A token and the terminal that the parser took it for."""


def format_text(text: str, source: str = "<text>") -> tuple[str | None, Bag]:
    """Return the formatted text, or None and why not: its mistakes, or `fmt-refused`, which is a bug of ours.

    A byte-order mark is dropped.
    """
    text = text.removeprefix("\ufeff")
    bag = Bag(sources={source: text})
    formatted = _Formatter(text, source, bag).run()
    if formatted is None or bag.failed:
        return None, bag
    reason = _unproved(text, formatted, source)
    if reason:
        bag.error(
            Span(source, 1, 1, 1, 2),
            "fmt-refused",
            f"formatting would {reason}; the text was left alone",
            "this is a bug of cpescript: please report it with this file",
        )
        return None, bag
    return formatted, bag


def _unproved(text: str, formatted: str, source: str) -> str:
    """Return what formatting would do wrong, empty if nothing."""
    before, after = _read(text, source), _read(formatted, source)
    if after[0] is None or not tree.same(before[0], after[0]):
        return "change what the scenario says"
    kept, now = ([comment.text.rstrip() for comment in each[1].comments] for each in (before, after))
    if kept != now:
        return "lose a comment"
    if _Formatter(formatted, source, Bag()).run() != formatted:
        return "not come to rest"
    return ""


def _read(text: str, source: str) -> tuple[tree.File | None, Layout]:
    bag = Bag()
    layout = lay_out(text, source, bag)
    parsed = Parser(source, bag).file(layout)
    return (None if bag.failed else parsed), layout


class _Formatter:
    """Formats one text."""

    def __init__(self, text: str, source: str, bag: Bag) -> None:
        self.text = text
        self.source = source
        self.bag = bag
        self.rows: list[str] = []
        self.end = 0
        """The last line of the source that has been written."""

    def run(self) -> str | None:
        layout = lay_out(self.text, self.source, self.bag)
        parser = Parser(self.source, self.bag)
        parser.seen = []
        if parser.file(layout) is None or self.bag.failed:
            return None
        seen = iter(parser.seen)
        pieces = [[next(seen) for _ in line.tokens] for line in layout.lines]
        comments = layout.comments
        for index, line in enumerate(layout.lines):
            first, last = line.tokens[0].line, line.tokens[-1].end_line
            while comments and comments[0].line < first:
                self.comment(comments.pop(0), layout.lines, index)
            inside = []
            while comments and comments[0].line <= last:
                inside.append(comments.pop(0))
            self.line(
                line,
                pieces[index],
                inside,
                index + 1 < len(layout.lines) and layout.lines[index + 1].depth > line.depth,
            )
        for comment in comments:
            self.comment(comment, layout.lines, len(layout.lines))
        return "\n".join(self.rows) + "\n" if self.rows else ""

    def gap(self, line: int) -> None:
        """Keep one blank line where there were some, but none at the beginning of the text or of a block."""
        if self.rows and line > self.end + 1 and not (self.rows[-1].split("  #")[0].endswith(":")):
            self.rows.append("")

    def comment(self, comment: Comment, lines: list[Line], index: int) -> None:
        """Write a comment that stands alone, as deep as the line that it looks like belonging to."""
        self.gap(comment.line)
        depth = lines[index].depth if index < len(lines) else 0
        column = lines[index].tokens[0].column if index < len(lines) else 1
        above = lines[index - 1] if index else None
        if above is not None and above.depth > depth and comment.column > column:
            # Deeper than the line below: it ends one of the blocks above, the innermost that it reaches.
            depth = _depth_at(lines[:index], comment.column, depth)
        self.rows.append(" " * INDENT * depth + comment.text.rstrip())
        self.end = comment.line

    def line(self, line: Line, pieces: list[Piece], comments: list[Comment], opens: bool) -> None:
        self.gap(line.tokens[0].line)
        indent = " " * INDENT * line.depth
        if line.tokens[0].kind == "DOCSTRING":
            self.rows.extend(_docstring(line.tokens[0].text, indent))
            if comments:
                self.rows[-1] += f"  {comments[0].text.rstrip()}"
        else:
            self.rows.extend(_physical(pieces, comments, indent, opens))
        self.end = line.tokens[-1].end_line


def _depth_at(lines: list[Line], column: int, least: int) -> int:
    """Return the depth of the nearest line above that begins at or left of `column`, but not below `least`."""
    for line in reversed(lines):
        if line.tokens[0].column <= column:
            return max(line.depth, least)
    return least


def _docstring(text: str, indent: str) -> list[str]:
    rows = [row.rstrip() for row in text.split("\n")]
    margins = [len(row) - len(row.lstrip()) for row in rows[1:] if row.strip()]
    margin = min(margins, default=0)
    return [indent + rows[0], *(indent + row[margin:] if row.strip() else "" for row in rows[1:])]


def _physical(pieces: list[Piece], comments: list[Comment], indent: str, opens: bool) -> list[str]:
    """Return the rows of one logical line, broken where it was broken."""
    further = indent + " " * INDENT * (2 if opens else 1)
    rows: list[str] = []
    current = indent
    before: Piece | None = None
    unary = False
    pending = list(comments)
    for piece in pieces:
        token = piece[1]
        if before is not None and token.line > before[1].end_line:
            current = _with_comments(rows, current, pending, token.line, further)
            current = indent if token.text in _CLOSING and token.kind == SIGN else further
        elif before is not None and not unary and _spaced(before, piece):
            current += " "
        current += token.text
        unary = _is_unary(before, piece)
        before = piece
    last = before[1].end_line + 1 if before is not None else 0
    _with_comments(rows, current, pending, last, further)
    return rows


def _with_comments(rows: list[str], current: str, pending: list[Comment], line: int, further: str) -> str:
    """Close a row, with the comment behind it and those alone below it, down to source line `line`."""
    if pending and not pending[0].alone and pending[0].line < line:
        current += f"  {pending.pop(0).text.rstrip()}"
    rows.append(current.rstrip())
    while pending and pending[0].line < line:
        rows.append(further + pending.pop(0).text.rstrip())
    return ""


def _is_unary(before: Piece | None, piece: Piece) -> bool:
    """Whether a sign belongs to what follows it: the minus of `-3`, the plus of `at +30m`."""
    token = piece[1]
    if token.kind != SIGN or token.text not in "+-":
        return False
    return before is None or not (before[0] in _OPERANDS or before[1].text in _CLOSING)


def _spaced(before: Piece, piece: Piece) -> bool:
    """Whether a space stands between two tokens of one row."""
    left, right = before[1], piece[1]
    if left.kind == SIGN and (left.text in _OPENING or left.text in _TIGHT):
        return False
    if right.kind != SIGN:
        return True
    if right.text in _CLOSING or right.text in _TIGHT or right.text in (",", ":"):
        return False
    if right.text in ("(", "["):
        # A call's or a slice's bracket belongs to its name, another bracket stands by itself.
        return not (before[0] in _OPERANDS or left.text in _CLOSING)
    return True
