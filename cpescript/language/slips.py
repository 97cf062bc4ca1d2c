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
    Slip("", "is", "true false null STRING NUMBER", "write '== {at}'"),
    Slip("", "is", "WORD", "take 'is' out"),
    Slip("", "equals equal is", "", "write '=='"),
    Slip("", "more less fewer", "than", "write 'at most', 'at least' or 'exactly'"),
    Slip("", "devices", "WORD", "take 'devices' out"),
    Slip("", "/", "/", "a comment begins with '#'"),
    Slip("", "PATH", "to", "write '='"),
    Slip("", "PATH", "STRING NUMBER SHARE DURATION", "write '= {at}'"),
    Slip("", "PATH", "PATH", "put a ',' between them"),
    Slip("wait", "for", "DURATION", "write 'wait {at}'"),
    Slip("wait", "for", "KIND", "write 'expect {at} on … within 5m'"),
    Slip("", "", "then", "take 'then' out"),
    Slip("", "to", "be", "take 'to be' out"),
    Slip("", "the a an", "", "take '{before}' out"),
    Slip("", "NUMBER", "KIND", "write 'exactly', 'at least' or 'at most {before} {at}'"),
    Slip("", "not", "KIND", "write 'no {at}'"),
    Slip("", "KIND", "(", "write '{before} where element == …'"),
    Slip("", "KIND PATH", "with having when", "write 'where'"),
    Slip("", "Inform", "STRING", "write 'Inform where events contains {at}'"),
    Slip("", "KIND", "STRING", "write '{before} where element == {at}'"),
    Slip("set acs", "set", "WORD", "the parameter comes first: set PATH = value on {at}"),
    Slip("spawn", "WORD", "as", "how many? spawn 1 of {before} as …"),
    Slip("spawn", "of", "STRING", "a name has no quotes"),
    Slip("param", "WORD", "WORD", "write '{before}: {at}'"),
    Slip("if else", "WORD", "WORD", "write 'count({before} where {at}) > 0'"),
    Slip("for", "NUMBER", "..", "write a list, or 'repeat 3:'"),
    Slip("", "NUMBER", ":", "write '..' for from and to: [1..3]"),
    Slip(
        "seed limit zone patience policy tags clock skip firmware",
        "seed limit zone patience policy tags clock skip firmware",
        "= :",
        "take '{at}' out",
    ),
    Slip("repeat", "", "times", "take 'times' out"),
    Slip("repeat", "for", "DURATION", "as in 'repeat every 1m for {at}:'"),
    Slip("let", "WORD", ":", "a 'let' has no type: let {before} = …"),
    Slip("note", "", ",", 'write one text: "{{a}} and {{b}}"'),
    Slip("factory", "factory", "reset", "write 'factory-reset'"),
    Slip("inject", "inject", "WORD", "did you mean 'inject quirk {at}'?"),
    Slip("inject", "WORD", "WORD", "arguments stand in brackets: {before}({at}: …)"),
    Slip("", "quirk fault as let define param profile do call", "STRING", "a name has no quotes"),
    Slip("scenario background", "scenario background", "WORD", 'write "{at}"'),
    Slip("acs reboot stop clear inform factory-reset power-cycle", "on", "WORD", "take 'on' out"),
    Slip("reboot stop clear inform factory-reset power-cycle", "WORD", "NUMBER", "write {before}[{at}]"),
    Slip("", "{", "DURATION", "take the braces out"),
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
    if at > 1 and before.text == "of" and tokens[at - 2].text == "%" and tokens[at - 3].kind == "NUMBER":
        return f"write '{tokens[at - 3].text}% of {token.text}'"
    for slip in SLIPS:
        if _fits(slip.first, first) and _fits(slip.before, before) and _fits(slip.at, token):
            return slip.remedy.format(before=before.text, at=token.text)
    return ""


def _fits(words: str, token: Token) -> bool:
    return not words or token.text in words.split() or token.kind in words.split()
