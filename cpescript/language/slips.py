"""What people write who do not know the language yet, and what they are told: one row a slip of the pen.

A row speaks of the word at which the line stopped making sense, of the one before it, and of the first of the line.
Each is a list of words or of kinds of tokens (in capitals), empty for any. The remedy may show both words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cpescript.language.tokens import ALIASES, UNITS, Token


class Slip(NamedTuple):
    """One row: the first word of the line, the word before, the word itself, and what to tell."""

    first: str
    before: str
    at: str
    remedy: str


SLIPS: tuple[Slip, ...] = (
    Slip("", "DURATION", "DURATION", "write {before}{at}"),
    Slip("", "equals equal is", "", "write '=='"),
    Slip("", "PATH", "to", "write '='"),
    Slip("", "PATH", "STRING NUMBER SHARE DURATION", "write '= {at}'"),
    Slip("", "PATH", "PATH", "put a ',' between them"),
    Slip("wait", "for", "DURATION", "write 'wait {at}'"),
    Slip("", "", "then", "take 'then' out"),
    Slip("", "to", "be", "take 'to be' out"),
    Slip("", "the a an", "", "take '{before}' out"),
    Slip("", "NUMBER", "KIND", "write 'exactly', 'at least' or 'at most {before} {at}'"),
    Slip("", "not", "KIND", "write 'no {at}'"),
    Slip("", "KIND", "(", "write '{before} where element == …'"),
    Slip("repeat", "", "times", "take 'times' out"),
    Slip("repeat", "for", "DURATION", "as in 'repeat every 1m for {at}:'"),
    Slip("let", "", ":", "a 'let' has no type; take it out"),
    Slip("note", "", ",", 'write one text: "{{a}} and {{b}}"'),
    Slip("inject", "inject", "WORD", "did you mean 'inject quirk {at}'?"),
    Slip("", "quirk fault as let define param profile do call", "STRING", "a name has no quotes"),
    Slip("scenario background", "scenario background", "WORD", 'write "{at}"'),
    Slip("acs reboot stop clear inform factory-reset power-cycle", "on", "WORD", "take 'on' out"),
    Slip("", "set add delete get of SIGN", "ATTRIBUTE", "a parameter's path begins with a capital"),
)


def remedy_of(tokens: Sequence[Token], at: int) -> str:
    """Return what to tell of a line that stopped making sense at token `at`, empty if no row fits."""
    if at >= len(tokens) or at == 0:
        return ""
    first, before, token = tokens[0], tokens[at - 1], tokens[at]
    if before.kind == "NUMBER" and token.kind == "WORD":
        unit = token.text if token.text in UNITS else ALIASES.get(token.text.lower())
        if unit:
            return f"a unit stands right behind its number: {before.text}{unit}"
    for slip in SLIPS:
        if _fits(slip.first, first) and _fits(slip.before, before) and _fits(slip.at, token):
            return slip.remedy.format(before=before.text, at=token.text)
    return ""


def _fits(words: str, token: Token) -> bool:
    return not words or token.text in words.split() or token.kind in words.split()
