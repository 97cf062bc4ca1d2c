"""What people write who do not know the language yet, and what they are told: one row a slip of the pen.

A row speaks of the word at which the line stopped making sense, of the one before it, of the first of the line, and of
the one behind. Each is a list of words or of kinds of tokens (in capitals), empty for any. The remedy may show them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from cpescript.language.tokens import ALIASES, UNITS, Token


class Slip(NamedTuple):
    """One row: the first word of the line, the word before, the word itself, what to tell, and the word behind.

    DIGITS and DOTTED are texts in quotes that hold a number or a path; `{bare}` in a remedy is one without its quotes.
    """

    first: str
    before: str
    at: str
    remedy: str
    behind: str = ""


_CLAIMS = "expect check wait"
_ENDLESS = "always never sometimes"
_ON_DEVICES = "reboot stop clear inform factory-reset power-cycle"
_A_LINE_EACH = "and each of them on a line of its own below"

SLIPS: tuple[Slip, ...] = (
    Slip("", "DURATION", "DURATION", "write {before}{at}"),
    Slip("", "DURATION", "..", "one length of time: {behind}", "DURATION"),
    Slip(_CLAIMS, "KIND", "or", f"write 'expect one of … :', {_A_LINE_EACH}"),
    Slip(_CLAIMS, "or", "KIND", f"write 'expect one of … :', {_A_LINE_EACH}"),
    Slip(_CLAIMS, "KIND", "and", f"write 'expect in any order … :', {_A_LINE_EACH}"),
    Slip(_CLAIMS, "and", "KIND", f"write 'expect in any order … :', {_A_LINE_EACH}"),
    Slip(_CLAIMS, "", "then", f"write 'expect in order … :', {_A_LINE_EACH}", "KIND"),
    Slip(f"{_ENDLESS} on", "KIND", "or and", "write it once more, for {behind}", "KIND"),
    Slip("", "", "by before until till", "a deadline is a length of time: within 30m", "TIME INSTANT"),
    Slip("always never sometimes", "", "unless", "write 'until': the claim ends there"),
    Slip("", "KIND", "once", "write 'exactly 1 {before}'"),
    Slip("", "KIND", "twice", "write 'exactly 2 {before}'"),
    Slip("", "KIND", "NUMBER", "write 'exactly {at} {before}'", "times x"),
    Slip("", "KIND", "DOTTED", "without quotes: {before} {bare}"),
    Slip("", "KIND", "(", "without brackets: {before} {behind} …", "PATH"),
    Slip("wait", "wait", "each any exactly", "write 'wait until {at} …'"),
    Slip("expect check", "within", "DURATION", "the deadline stands behind the claim: … within {at}"),
    Slip(f"{_CLAIMS} {_ENDLESS}", "WORD", "with having when whose", "write 'where', right behind what it is about"),
    Slip(f"{_CLAIMS} {_ENDLESS}", "WORD", ",", "a line of its own for each", "WORD"),
    Slip(f"{_ON_DEVICES} acs", "SHARE", "WORD", "write '{before} of {at}'"),
    Slip("inform", "NUMBER", "KIND WORD", 'a text stands in quotes: "{before} {at}"'),
    Slip("", "KIND", "KIND", "a path is written whole, as in Device.ManagementServer.URL"),
    Slip("", "is", "true false null STRING NUMBER", "write '== {at}'"),
    Slip("", "is", "WORD", "take 'is' out"),
    Slip("", "equals equal is", "", "write '=='"),
    Slip("", "more less fewer", "than", "write 'at most', 'at least' or 'exactly'"),
    Slip("", "than", "NUMBER KIND", "write 'at most', 'at least' or 'exactly'"),
    Slip("", "devices", "WORD", "take 'devices' out"),
    Slip("", "/", "/", "a comment begins with '#'"),
    Slip("", "PATH", "to", "write '='"),
    Slip("", "PATH", "STRING NUMBER SHARE DURATION", "write '= {at}'"),
    Slip("", "PATH", "PATH", "put a ',' between them"),
    Slip(
        "expect check wait always never sometimes on",
        "PATH",
        "> >= < <= !=",
        "a message matches by '='; for more, claim the parameter: {before} {at} …",
    ),
    Slip("", "", "is", "write '==', or 'is empty'"),
    Slip("", "", "has have includes include contain", "write 'contains'"),
    Slip("expect check wait", "", "after", "did you mean 'since'?"),
    Slip("repeat", "until while", "WORD", "'wait until CLAIM within 15m' waits for it"),
    Slip("repeat", "repeat", ":", "how often? repeat 5:"),
    Slip("zone", "zone", "WORD KIND", 'in quotes, as in zone "Europe/Berlin"'),
    Slip("spawn", "with", "WORD", "write 'with:', and this on a line of its own below"),
    Slip("wait", "for", "DURATION", "write 'wait {at}'"),
    Slip("wait", "for", "KIND", "write 'expect {at} on … within 5m'"),
    Slip("", "", "then", "take 'then' out"),
    Slip("", "to", "be become", "take 'to {at}' out"),
    Slip("", "be become becomes", "WORD", "take '{before}' out"),
    Slip("acs", "delete", "WORD", "a device is forgotten: acs forget {at}"),
    Slip("", "the a an", "", "take '{before}' out"),
    Slip("", "two three four five six seven eight nine ten", "KIND", "in digits, as in 'exactly 2 {at}'"),
    Slip("", "KIND", "> >= < <= ==", "write 'at least 2 {before}', or 'count({before}) {at} 2'"),
    Slip("", "count rate", "KIND", "write {before}({at})"),
    Slip("expect check then", "expect check then", "KIND", "a line of the block is the claim alone: {at} …"),
    Slip("", "KIND PATH", "within", "the deadline stands in the first line of the block"),
    Slip("", "ACS", "", "the one under test is called 'acs'"),
    Slip("", "knows believes", "", "write 'acs sees PATH == …'"),
    Slip(f"{_CLAIMS} {_ENDLESS}", "NUMBER", "KIND", "write 'exactly', 'at least' or 'at most {before} {at}'"),
    Slip("", "not", "KIND", "write 'no {at}'"),
    Slip("", "KIND", "(", "write '{before} where element == …'"),
    Slip("", "KIND PATH", "with having when", "write 'where'"),
    Slip("", "Inform", "STRING", "write 'Inform where events contains {at}'"),
    Slip("", "KIND", "STRING", "write '{before} where element == {at}'"),
    Slip("set acs", "set", "WORD", "the parameter comes first: set PATH = value on {at}"),
    Slip("spawn", "WORD", "as", "how many? spawn 1 of {before} as …"),
    Slip("spawn", "of", "STRING", "a name has no quotes"),
    Slip("spawn", "spawn", "-", "how many? spawn 1 of …"),
    Slip("spawn", "of", "WORD", "how many? spawn 1 of {at} as …", "as"),
    Slip("spawn", "WORD NUMBER", "+ - * /", "a number that is worked out stands in brackets: ({before} {at} …)"),
    Slip("param", "WORD", "WORD", "write '{before}: {at}'"),
    Slip("if else", "if", "each any", "write 'count(fleet where offline) > 0'"),
    Slip("if else", "WORD", "WORD", "write 'count({before} where {at}) > 0'"),
    Slip("if else", "]", "WORD", "write 'count(… where {at}) > 0'"),
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
    Slip("answer", "fault", "DIGITS", "without quotes: answer fault {bare}"),
    Slip("answer", "fault", "STRING", "the code comes first: answer fault 9001 {at}"),
    Slip("", "quirk fault as let define param profile do call tags", "STRING", "a name has no quotes"),
    Slip("scenario background", "scenario background", "WORD", 'write "{at}"'),
    Slip("acs reboot stop clear inform factory-reset power-cycle", "on", "WORD", "take 'on' out"),
    Slip(_ON_DEVICES, "WORD", "NUMBER", "write {before}[{at}]"),
    Slip("", "{", "DURATION", "take the braces out"),
    Slip("", "WORD", "}", "take the braces out"),
    Slip("note fail", "WORD", "WORD", "a text stands in quotes"),
    Slip("at", "at", "DURATION", "write 'at +{at}:'"),
    Slip(_ON_DEVICES, "WORD", "with", "write 'where'"),
    Slip(_ON_DEVICES, "WORD", "not", "write 'where not …'"),
    Slip("", "set add delete get of SIGN", "ATTRIBUTE", "a parameter's path begins with a capital"),
)


def remedy_of(tokens: Sequence[Token], at: int) -> str:
    """Return what to tell of a line that stopped making sense at token `at`, empty if no row fits."""
    if at >= len(tokens) or at == 0:
        return ""
    first, before, token = tokens[0], tokens[at - 1], tokens[at]
    if before.kind == "NUMBER" and token.kind in ("WORD", "KIND"):
        unit = token.text if token.text in UNITS else ALIASES.get(token.text.lower())
        if unit:
            return f"a unit stands right behind its number: {before.text}{unit}"
    if at > 1 and before.kind == "WORD" and tokens[at - 2].kind in ("SHARE", "NUMBER") and first.text in _CLAIMING:
        return f"write 'at least {tokens[at - 2].text} of {before.text} {token.text}'"
    if before.kind == "NUMBER" and token.text == "%":
        return f"write {before.text}%"
    if at > 1 and before.kind == "KIND" and tokens[at - 2].text == "(" and token.text == "on":
        return "the devices stand behind the claim: count(…) >= 1 on …"
    if at > 2 and token.text in ("and", "or") and before.kind == tokens[at - 2].kind == "WORD":
        return f"states are joined before their devices: {before.text} {token.text} … on each {tokens[at - 2].text}"
    if at > 1 and before.text == "of" and tokens[at - 2].text == "%" and tokens[at - 3].kind == "NUMBER":
        return f"write '{tokens[at - 3].text}% of {token.text}'"
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    for slip in SLIPS:
        if not (_fits(slip.first, first) and _fits(slip.before, before) and _fits(slip.at, token)):
            continue
        if not slip.behind or (behind is not None and _fits(slip.behind, behind)):
            follows = behind.text if behind is not None else ""
            return slip.remedy.format(before=before.text, at=token.text, behind=follows, bare=token.text.strip('"'))
    return ""


_CLAIMING = ("expect", "check", "wait", "always", "never", "sometimes")


_SORTS = {"DIGITS": re.compile(r'"\d+"'), "DOTTED": re.compile(r'"[A-Z][\w-]*\.[\w.*-]*"')}
"""Sorts of texts in quotes that rows tell apart."""


def _fits(words: str, token: Token) -> bool:
    wanted = words.split()
    if not wanted or token.text in wanted or token.kind in wanted:
        return True
    return any(sort in _SORTS and _SORTS[sort].fullmatch(token.text) is not None for sort in wanted)
