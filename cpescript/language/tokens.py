"""The tokenizer: one line of a scenario's text to tokens, told apart by their look.

A token's `kind` is a terminal of `grammar/cpes.lark`, except for two: a WORD is a keyword or a NAME, which only the
parser can tell, and a SIGN is punctuation. Mistakes that show in the look alone (a missing end quote, an unknown unit,
a stray character) are reported here, each once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cpescript.diagnostics import Bag, Span, did_you_mean

WORD = "WORD"
SIGN = "SIGN"

NEVER_NAMES = frozenset(["all", "device", "message", "each", "any", "exactly", "not", "true", "false", "null"])
"""The words that nobody may take as a name (language page, Text)."""

UNITS = ("ms", "s", "m", "h", "d", "B", "KiB", "MiB", "GiB", "%", "x")

MAX_LINE = 20_000
"""Longest physical line, in characters. Data belongs in a file that `csv` or `json` reads."""


class Token(NamedTuple):
    """A stretch of source text. Positions count from 1, `end_column` is exclusive."""

    kind: str
    text: str
    line: int
    column: int
    end_line: int
    end_column: int


_NUMBER = r"\d+(?:\.\d+)?"
_END = r"(?![\w.]*\w)"
"""Behind a literal: no letter, digit or further part. `1..10` is two numbers, `2.1.0` is none."""

_MASTER = re.compile(
    rf"""
      (?P<space>[ ]+)
    | (?P<comment>\#.*)
    | (?P<DOCSTRING>\"\"\")
    | (?P<STRING>"(?:[^"\\]|\\.)*")
    | (?P<RAW>r"[^"]*")
    | (?P<INSTANT>\d{{4}}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)(?!\w))
    | (?P<baddate>\d{{4}}-\d\d-\d\d[\w:.+-]*)
    | (?P<TIME>\d{{1,2}}:\d\d(?::\d\d)?(?!\w))
    | (?P<DURATION>(?:{_NUMBER}(?:ms|s|m|h|d))+(?!\w|\.(?!\.)))
    | (?P<OCTETS>{_NUMBER}(?:B|KiB|MiB|GiB)(?!\w))
    | (?P<FACTOR>{_NUMBER}x(?!\w))
    | (?P<SHARE>{_NUMBER}%(?!\w))
    | (?P<NUMBER>{_NUMBER}(?=\.\.|(?!\.?\w)))
    | (?P<badnumber>\d\w*(?:\.\w+)*)
    | (?P<PATH>[A-Z][\w-]*(?=\.(?!\.))(?:\.(?:[\w-]+|\*|\{{[^{{}}\n]*\}}))*(?:\.(?!\.))?)
    | (?P<KIND>[A-Z]\w*)
    | (?P<ATTRIBUTE>[a-z_]\w*(?:-\w+)*(?:\.[A-Za-z_]\w*(?:-\w+)*)+)
    | (?P<WORD>[a-z_]\w*(?:-\w+)*)
    | (?P<SIGN>==|!=|<=|>=|\.\.|[-+*/%<>=()\[\]{{}},:])
    | (?P<noquote>r?"[^\n]*)
    | (?P<bad>&&|\|\||'[^'\n]*'|[“”„«‘][^“”„«»‘’"\n]*[“”»’]|[^\x00-\x7f]+|.)
    """,
    re.VERBOSE | re.ASCII,
)

_STRAY = {
    "\t": ("tab", "a tab between words", "separate with spaces"),
    "&&": ("stray-character", "'&&' is not an operator", "write `and`"),
    "||": ("stray-character", "'||' is not an operator", "write `or`"),
    "!": ("stray-character", "'!' is not an operator", "write `not`, or `!=`"),
    "$": ("stray-character", "'$' means nothing here", "a name stands bare, in a text in braces: {name}"),
    ".": (
        "stray-character",
        "a '.' stands inside a name or a path",
        "name the device first: `let one = fleet[1]`, then one.serial",
    ),
    ";": ("stray-character", "one statement a line, and nothing ends it", "take the ';' out"),
    **{
        pretty: ("stray-character", f"'{pretty}' is no operator", f"write '{plain}'")
        for pretty, plain in {"≥": ">=", "≤": "<=", "≠": "!=", "×": "*", "÷": "/", "…": ".."}.items()
    },
    **dict.fromkeys("–—−", ("stray-character", "this is a dash, not a minus", "write '-'")),
    "\xa0": ("stray-character", "a no-break space between words", "write a plain space"),
    "\ufeff": ("stray-character", "a byte-order mark in the middle of the text", "take it out"),
}


def tokenize_line(text: str, line: int, source: str, bag: Bag, column: int = 1) -> Iterator[Token]:
    """Yield the tokens of one physical line, comments (kind `comment`) included.

    A lone `\"\"\"` is yielded as DOCSTRING; the layout pass reads on to its end. Mistakes go to `bag` and yield a token
    of kind `mistake`. `column` is where `text` begins, for the inside of a text's braces.
    """
    shift = column
    for match in _MASTER.finditer(text):
        kind = match.lastgroup or ""
        if kind == "space":
            continue
        start, end = match.span()
        token = Token(kind, match[0], line, start + shift, line, end + shift)
        if kind in _MISTAKES:
            _report(token, text, end, source, bag)
            token = token._replace(kind="mistake")
        yield token


_CURLY = "“”„«»‘’"
_MISTAKES = frozenset({"baddate", "badnumber", "noquote", "bad"})


def _report(token: Token, text: str, end: int, source: str, bag: Bag) -> None:
    span = Span(source, token.line, token.column, token.end_line, token.end_column)
    if token.kind == "noquote":
        bag.error(span, "missing-quote", "this text has no end quote", 'add the closing `"`')
    elif token.kind == "baddate":
        day = token.text[:10]
        bag.error(span, "bad-instant", "an instant has a time and a zone", f"as in {day}T00:00:00Z")
    elif token.kind == "badnumber":
        code, message, remedy = _bad_number(token.text)
        bag.error(span, code, message, remedy)
    elif token.text in _STRAY:
        bag.error(span, *_STRAY[token.text])
    elif token.text[0] in _CURLY:
        bag.error(span, "quote", "a text stands in straight quotes", f'write "{token.text.strip(_CURLY)}"')
    elif token.text[0] == "'":
        bag.error(span, "quote", "a text stands in double quotes", "write \"…\" instead of '…'")
    elif token.text.isalpha():
        bag.error(
            span, "stray-character", f"'{token.text}' cannot stand in a name", "names are a-z, 0-9, _ and inner -"
        )
    else:
        bag.error(span, "stray-character", f"{_shown(token.text)} means nothing here", "")


def _shown(text: str) -> str:
    return f"'{text}'" if text.isprintable() else f"the character U+{ord(text[0]):04X}"


def _bad_number(text: str) -> tuple[str, str, str]:
    if re.fullmatch(r"\d+(\.\d+){2,}[\w.]*", text):
        return "bad-number", f"{text} is not a number", f'a version is a text: "{text}"'
    match = re.match(_NUMBER, text)
    unit = text[match.end() :] if match else ""
    if unit and unit.isalpha():
        meant = ALIASES.get(unit.lower()) or ""
        remedy = f"did you mean '{match[0] if match else ''}{meant}'?" if meant else did_you_mean(unit, UNITS)
        return "unknown-unit", f"'{unit}' is not a unit", remedy or "durations: ms s m h d; sizes: B KiB MiB GiB"
    return "bad-number", f"{text} is not a number", "a name begins with a lower-case letter" if "_" in text else ""


ALIASES = {
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
    **dict.fromkeys(("msec", "millis", "milliseconds"), "ms"),
    **dict.fromkeys(("k", "kb", "kib"), "KiB"),
    **dict.fromkeys(("mb", "mib"), "MiB"),
    **dict.fromkeys(("g", "gb", "gib"), "GiB"),
    **dict.fromkeys(("b", "bytes", "octets"), "B"),
}
"""What people write for a unit, lower-case, and what they mean."""
