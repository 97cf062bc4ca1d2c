"""The layout pass: a file's text to logical lines with their depth, comments kept aside for the formatter.

Rules:

1. A logical line ends with its physical line, except inside brackets, after a comma, and in a docstring.
2. Depth comes from indentation alone: deeper than the line above opens a level, less deep closes levels.
3. An indentation that no open level has is a mistake of its own; the line then belongs to the nearest level outside.
4. A bracket that is never closed ends where a statement obviously begins, so that it costs one line and not the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cpescript.diagnostics import Bag, Span
from cpescript.language.tokens import MAX_LINE, SIGN, WORD, Token, tokenize_line

MAX_DEPTH = 40
"""Deepest nest of blocks, and of brackets. A scenario that a person can follow has five; forty are safe to walk."""
MAX_TOKENS = 20_000
"""Longest logical line, in tokens."""

_OPENERS = {"(": ")", "[": "]", "{": "}"}
_CLOSERS = frozenset(_OPENERS.values())
_STATEMENT_WORDS = frozenset(
    [
        "expect",
        "check",
        "wait",
        "always",
        "never",
        "sometimes",
        "spawn",
        "let",
        "scenario",
        "define",
        "param",
        "repeat",
        "parallel",
        "finally",
        "note",
    ]
)
"""Words that hardly ever begin a continued line: at one, an open bracket is taken to have been forgotten."""


@dataclass(slots=True)
class Line:
    """A logical line. `broken` says that a mistake in its look was reported already."""

    depth: int
    tokens: list[Token]
    broken: bool = False


@dataclass(slots=True)
class Comment:
    """A comment and where it stands; `alone` if nothing stands before it on its line."""

    line: int
    column: int
    text: str
    alone: bool


@dataclass(slots=True)
class Layout:
    lines: list[Line] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    refused: bool = False
    """The text is beyond what is read at all (a giant line, a nest too deep); the reason is in the bag."""


def lay_out(text: str, source: str, bag: Bag) -> Layout:
    """Return the logical lines of a file's text. Never raises; mistakes go to `bag`."""
    return _Pass(text, source, bag).run()


class _Pass:
    """One pass over a text."""

    def __init__(self, text: str, source: str, bag: Bag) -> None:
        self.rows = text.split("\n")
        self.source = source
        self.bag = bag
        self.layout = Layout()
        self.levels = [0]
        self.open: list[Token] = []
        """The brackets that are open."""
        self.line: Line | None = None
        self.tabs: list[Span] = []
        """Where indentations have tabs."""

    def run(self) -> Layout:
        number = 0
        while number < len(self.rows) and not self.layout.refused:
            number = self.row(number)
        self.finish()
        if self.tabs:
            # Who indents with tabs does so everywhere: once is enough.
            more = f", and in {len(self.tabs) - 1} more lines" if len(self.tabs) > 1 else ""
            self.bag.error(self.tabs[0], "tab", f"a tab in the indentation{more}", "indent with spaces")
        return self.layout

    def span(self, token: Token) -> Span:
        return Span(self.source, token.line, token.column, token.end_line, token.end_column)

    def refuse(self, line: int, code: str, message: str, remedy: str) -> None:
        self.bag.error(Span(self.source, line, 1, line, 2), code, message, remedy)
        self.layout.refused = True

    def row(self, number: int) -> int:
        """Read the physical line at index `number`; return the index of the next one to read."""
        text = self.rows[number].rstrip("\r ")
        if len(text) > MAX_LINE:
            self.refuse(
                number + 1,
                "giant-line",
                f"this line has {len(text)} characters; at most {MAX_LINE} are read",
                "data belongs in a file that `csv` or `json` reads",
            )
            return number
        stripped = text.lstrip(" ")
        if not stripped.strip():
            return number + 1
        if stripped[0] == "#":
            column = len(text) - len(stripped)
            self.layout.comments.append(Comment(number + 1, column + 1, stripped, alone=True))
            return number + 1
        if self.line is not None and self.open and self.begins_statement(stripped, len(text) - len(stripped)):
            self.finish()
        fresh = self.line is None
        if fresh:
            self.begin(number, text, stripped)
            if self.layout.refused:
                return number
            text = self.rows[number].rstrip("\r ")
        assert self.line is not None
        tokens = self.line.tokens
        for token in tokenize_line(text, number + 1, self.source, self.bag):
            if token.kind == "comment":
                self.layout.comments.append(Comment(token.line, token.column, token.text, alone=False))
            elif token.kind == "DOCSTRING":
                return self.docstring(token, number)
            elif token.kind == "mistake":
                if not (token.text == "\t" and self.line.broken):
                    tokens.append(token)
                self.line.broken = True
            else:
                tokens.append(token)
                if token.kind == SIGN:
                    self.bracket(token)
        if len(tokens) > MAX_TOKENS:
            self.refuse(number + 1, "giant-line", f"a statement of more than {MAX_TOKENS} words", "")
            return number
        hanging = bool(self.open) or bool(tokens and tokens[-1].text == "," and tokens[-1].kind == SIGN)
        if not hanging or (tokens and tokens[-1].kind == "mistake"):
            # Behind a forgotten end quote nobody knows which brackets were closed: the line ends here.
            self.finish()
        return number + 1

    def begins_statement(self, stripped: str, indent: int) -> bool:
        word = stripped.split(maxsplit=1)[0]
        return word in _STATEMENT_WORDS and indent <= self.levels[-1]

    def begin(self, number: int, text: str, stripped: str) -> None:
        """Open a logical line: its indentation decides its depth."""
        indent = len(text) - len(stripped)
        lead = text[: len(text) - len(text.lstrip())]
        if "\t" in lead:
            self.tabs.append(Span(self.source, number + 1, lead.index("\t") + 1, number + 1, lead.index("\t") + 2))
            indent = len(lead.expandtabs(4))
            self.rows[number] = text.replace("\t", " ")
        if len(self.levels) == 1 and not self.layout.lines and indent:
            self.bag.error(
                Span(self.source, number + 1, 1, number + 1, indent + 1),
                "unexpected-indent",
                "the first line is indented",
                "begin it at the margin",
            )
            self.levels = [indent]
        if indent > self.levels[-1]:
            self.levels.append(indent)
            if len(self.levels) > MAX_DEPTH:
                self.refuse(
                    number + 1,
                    "too-deep",
                    f"blocks nest deeper than {MAX_DEPTH} levels",
                    "take inner blocks out into a `define`",
                )
        else:
            while len(self.levels) > 1 and indent < self.levels[-1]:
                last = self.levels.pop()
                if indent > self.levels[-1]:
                    self.bag.error(
                        Span(self.source, number + 1, 1, number + 1, indent + 1),
                        "wrong-dedent",
                        "this indentation matches no block above",
                        f"{_spaces(self.levels[-1])} or {_spaces(last)}?",
                    )
                    indent = self.levels[-1]
            self.levels[0] = min(self.levels[0], indent)
        self.line = Line(len(self.levels) - 1, [])

    def bracket(self, token: Token) -> None:
        if token.text in _OPENERS:
            self.open.append(token)
            if len(self.open) > MAX_DEPTH:
                self.refuse(token.line, "too-deep", f"brackets nest deeper than {MAX_DEPTH} levels", "use a `let`")
        elif token.text in _CLOSERS:
            if self.open and _OPENERS[self.open[-1].text] == token.text:
                self.open.pop()
            elif self.line is not None and not self.line.broken:
                self.line.broken = True
                if self.open:
                    want = _OPENERS[self.open[-1].text]
                    self.bag.error(
                        self.span(token),
                        "wrong-bracket",
                        f"'{token.text}' does not close '{self.open[-1].text}'",
                        f"expected '{want}'",
                    )
                    self.open.pop()
                else:
                    self.bag.error(
                        self.span(token),
                        "wrong-bracket",
                        f"no bracket is open that '{token.text}' could close",
                        "take it out",
                    )

    def docstring(self, token: Token, number: int) -> int:
        """Read a docstring from its opening quotes; return the index of the line behind it."""
        assert self.line is not None
        rows, last = self.rows, number
        rest = rows[number][token.end_column - 1 :]
        while '"""' not in rest:
            last += 1
            if last == len(rows):
                self.bag.error(self.span(token), "missing-quote", "this docstring has no end", 'close it with `"""`')
                self.line.broken = True
                self.line.tokens.append(token)
                self.finish()
                return last
            rest = rows[last]
        end = rest.index('"""') + 3 + (token.end_column - 1 if last == number else 0)
        text = "\n".join(rows[number : last + 1])
        begin = token.column - 1
        length = sum(len(row) + 1 for row in rows[number:last]) + end
        self.line.tokens.append(Token("DOCSTRING", text[begin:length], number + 1, token.column, last + 1, end + 1))
        behind = rows[last][end:].strip()
        if behind.startswith("#"):
            column = rows[last].index("#", end) + 1
            self.layout.comments.append(Comment(last + 1, column, behind, alone=False))
        elif behind:
            self.bag.error(
                Span(self.source, last + 1, end + 1, last + 1, len(rows[last]) + 1),
                "docstring",
                "something stands behind the docstring's end",
                "put it on a line of its own",
            )
            self.line.broken = True
        self.finish()
        return last + 1

    def finish(self) -> None:
        """Close the logical line, if one is open."""
        line, self.line = self.line, None
        for token in self.open:
            if line is not None and not line.broken and not self.layout.refused:
                line.broken = True
                self.bag.error(
                    self.span(token),
                    "missing-bracket",
                    f"this '{token.text}' is never closed",
                    f"add '{_OPENERS[token.text]}'",
                )
        self.open.clear()
        if line is not None and line.tokens:
            self.layout.lines.append(line)


def _spaces(count: int) -> str:
    return "no spaces" if count == 0 else f"{count} space{'s' if count > 1 else ''}"


def logical_text(line: Line) -> str:
    """Return a logical line's tokens as text, for showing it in one line."""
    out: list[str] = []
    last: Token | None = None
    for token in line.tokens:
        if last is not None and (token.line != last.end_line or token.column > last.end_column):
            out.append(" ")
        out.append(token.text)
        last = token
    return "".join(out)


__all__ = ["WORD", "Comment", "Layout", "Line", "lay_out", "logical_text"]
