"""Says why a line does not parse: which word, what could have stood there, what was probably meant.

The automaton knows what it could have taken; this module knows what people get wrong. The rules below are tried in
order, the first that has something to say wins, and the last always has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cpescript.diagnostics import Diagnostic, Span, nearest
from cpescript.language.slips import remedy_of
from cpescript.language.tokens import NEVER_NAMES, SIGN, WORD, Token

if TYPE_CHECKING:
    from cpescript.language.parser import Parser

COMPARATORS = frozenset(("==", "!=", "<", "<=", ">", ">="))
OPERATORS = frozenset(("is empty", "is not empty", "not exists", "not in", "starts with", "ends with")).union(
    [
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "+",
        "-",
        "*",
        "/",
        "%",
        "..",
        "[",
        "in",
        "and",
        "or",
        "if",
        "exists",
        "matches",
        "contains",
        "between",
        "per",
        "where",
        "except",
        "of",
    ]
)
"""What goes on with a value; too many to be listed in a message."""

KINDS = {
    "NAME": "a name",
    "KIND": "a message",
    "PATH": "a parameter path",
    "STRING": "a text",
    "NUMBER": "a number",
    "TIME": "a time of day",
    "FACTOR": "a factor such as 60x",
    "_NL": "the end of the line",
    "$END": "the end",
    "DOCSTRING": "a docstring",
}
"""Terminal to what people call it. Terminals that are not here are never shown."""

VALUE_STARTS = frozenset(("NUMBER", "STRING", "DURATION"))
"""Where all of these can stand, anything with a value can."""


@dataclass(slots=True)
class Problem:
    """A line that failed at the token with index `at` (its length: at its end)."""

    parser: Parser
    tokens: Sequence[Token]
    at: int
    history: dict[int, list[int]]
    """Token index to the automaton's states before it."""

    @property
    def token(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    @property
    def span(self) -> Span:
        if self.token is not None:
            return self.span_of(self.token)
        last = self.tokens[-1]
        return Span(self.parser.source, last.end_line, last.end_column, last.end_line, last.end_column + 1)

    def span_of(self, token: Token) -> Span:
        return Span(self.parser.source, token.line, token.column, token.end_line, token.end_column)

    def after(self, at: int, terminal: str) -> list[int] | None:
        """Return the states behind `terminal` if it could have stood at token `at`."""
        from cpescript.language.parser import accepts

        states = self.history.get(at)
        return accepts(self.parser.tables, states, terminal) if states is not None else None

    def possible(self, at: int) -> list[str]:
        """Return the terminals that could have stood at token `at`."""
        states = self.history.get(at, [])
        row = self.parser.tables.states[states[-1]] if states else {}
        terminals = set(self.parser.keywords.values()) | set(KINDS) | {"NUMBER", "DURATION"}
        return sorted(terminal for terminal in row if terminal in terminals and self.after(at, terminal) is not None)

    def words(self, at: int) -> dict[str, str]:
        """Return the keywords that could have stood at token `at`, with their terminals."""
        possible = set(self.possible(at))
        return {text: terminal for text, terminal in self.parser.keywords.items() if terminal in possible}

    def error(self, code: str, message: str, remedy: str = "", at: Token | None = None) -> Diagnostic:
        return Diagnostic(self.span if at is None else self.span_of(at), code, message, remedy)


Explanation = Callable[[Problem], "Diagnostic | None"]


def explain(parser: Parser, states: list[int], tokens: Sequence[Token], failed: int) -> Diagnostic:
    """Return the diagnostic for a line that failed at the token `failed`, from the states before the line."""
    from cpescript.language.parser import accepts

    history: dict[int, list[int]] = {}
    index = 0
    while index < len(tokens) and index < failed:
        history[index] = states
        terminal, used = parser.classify(states, list(tokens), index)
        behind = accepts(parser.tables, states, terminal)
        if behind is None:
            break
        states, index = behind, index + used
    history[index] = states
    problem = Problem(parser, tokens, index, history)
    for rule in RULES:
        found = rule(problem)
        if found is not None:
            return found
    raise AssertionError("the last rule always explains")


_TWO_SIGNS = {"=>": ">=", "=<": "<=", "<>": "!=", "===": "==", "!==": "!="}
"""Operators of other languages that are read as two signs, and what they are here."""


def _two_signs(problem: Problem) -> Diagnostic | None:
    """`count(fleet) => 3`: two signs without a space between them, at the second of which the line fails, or at the
    first."""
    for at in (problem.at - 1, problem.at):
        pair = problem.tokens[max(at, 0) : at + 2]
        if len(pair) < 2 or any(token.kind != SIGN for token in pair) or pair[0].end_column != pair[1].column:
            continue
        written = pair[0].text + pair[1].text
        if written in _TWO_SIGNS:
            span = problem.span_of(pair[0]).to(problem.span_of(pair[1]))
            return Diagnostic(span, "syntax", f"'{written}' is no operator", f"write '{_TWO_SIGNS[written]}'")
    return None


def _equals(problem: Problem) -> Diagnostic | None:
    token, keywords = problem.token, problem.parser.keywords
    if token is None or token.kind != SIGN:
        return None
    if (
        token.text == "="
        and problem.after(problem.at, keywords[":"]) is not None
        and problem.at + 1 < len(problem.tokens)
    ):
        return problem.error("single-equals", "'=' names no argument", "write ':'")
    if token.text == "=" and problem.after(problem.at, keywords["=="]) is not None:
        return problem.error("single-equals", "'=' does not compare", "write '=='")
    if token.text == "==" and problem.after(problem.at, keywords["="]) is not None:
        matches = any(other.kind == "KIND" for other in problem.tokens[: problem.at])
        return problem.error(
            "double-equals", f"'==' compares; here a value is {'matched' if matches else 'assigned'}", "write '='"
        )
    if token.text in COMPARATORS:
        depth = 0
        for other in reversed(problem.tokens[: problem.at]):
            depth += (other.text in ")]}") - (other.text in "([{") if other.kind == SIGN else 0
            if other.kind == SIGN and other.text in COMPARATORS and depth == 0:
                return problem.error(
                    "chained", "comparisons do not chain", "write 'between A and B', or join with 'and'"
                )
            if other.text in ("and", "or") or depth < 0:
                break
    return None


def _nested_quote(problem: Problem) -> Diagnostic | None:
    """`"{pick(["a"])}"`: the quote inside the braces has ended the text."""
    token = problem.token
    before = problem.tokens[problem.at - 1] if problem.at else None
    if token is None or before is None or before.kind != "STRING":
        return None
    if (token.line, token.column) != (before.end_line, before.end_column):
        return None
    if before.text.count("{") <= before.text.count("}"):
        return None
    return problem.error(
        "nested-quotes", "a quote inside the braces ends the text", "name that value by 'let' first", before
    )


ORDERS = ("set", "get", "add", "delete", "download", "upload", "reboot", "factory-reset", "connect", "forget", "call")
_MEANT = {
    "spv": "set",
    "setparametervalues": "set",
    "gpv": "get",
    "getparametervalues": "get",
    "addobject": "add",
    "deleteobject": "delete",
    "upgrade": "download firmware",
    "update": "download firmware",
    "flash": "download firmware",
    "factoryreset": "factory-reset",
    "reset": "factory-reset",
    "wake": "connect",
    "connection-request": "connect",
    "connectionrequest": "connect",
    "run": "call",
    "restart": "reboot",
    "write": "set",
    "configure": "set",
    "read": "get",
    "push": "download firmware",
    "firmware": "download firmware",
    "ping": "connect",
    "contact": "connect",
}
"""What people call an order to an ACS, in small letters, and what it is called here."""


def _order(problem: Problem) -> Diagnostic | None:
    """`acs SPV …`, `acs upgrade fleet`: an order by another name."""
    if problem.at not in (1, 2) or len(problem.tokens) < 2 or problem.tokens[0].text != "acs":
        return None
    word = problem.tokens[1]
    if word.text in (*ORDERS, "operate", "sees") or word.kind not in (WORD, "KIND"):
        return None
    meant = _MEANT.get(word.text.lower().replace("_", "")) or nearest(word.text, ORDERS)
    if not meant and len(problem.tokens) > 2 and problem.tokens[2].text == "(":
        meant = f"call {word.text}"
    remedy = f"did you mean 'acs {meant}'?" if meant else f"orders: {', '.join(ORDERS)}"
    return problem.error("unknown-order", f"no order is called '{word.text}'", remedy, word)


def _synonym(problem: Problem) -> Diagnostic | None:
    """`restart fleet`, `poweroff fleet`: a statement by another name, which must not be taken for a slip of the pen."""
    first = problem.tokens[0]
    meant = _SYNONYMS.get(first.text)
    follower = problem.tokens[1].text if len(problem.tokens) > 1 else ""
    if meant is None or problem.at > 1 or first.kind != WORD or follower == "=" or first.text in problem.words(0):
        return None
    if "NAME" not in problem.possible(0) and problem.after(0, problem.parser.keywords["let"]) is None:
        return None
    message = f"no statement begins with '{first.text}'"
    return problem.error("unknown-statement", message, f"did you mean '{meant}'?", first)


def _blocks_own(problem: Problem) -> Diagnostic | None:
    """`expect in order … unless Fault:`: what claims know in another form."""
    token = problem.token
    if token is None:
        return None
    words = [each.text for each in problem.tokens[: problem.at]]
    if token.text == "unless" and words[1:3] in (["in", "order"], ["in", "any"], ["one", "of"]):
        return problem.error(
            "wrong-clause",
            "a block of claims takes no 'unless'",
            "take it out; 'never … on …' above the block claims it",
        )
    return None


def _all_of_them(problem: Problem) -> Diagnostic | None:
    """`expect all of fleet registered`, `reboot every fleet`: a quantifier by another name."""
    near = problem.tokens[max(problem.at - 2, 0) : problem.at + 2]
    start = next((at for at, token in enumerate(near) if token.text in _QUANTIFIERS and token.kind == WORD), None)
    if start is None:
        return None
    of = near[start + 1 : start + 2] and near[start + 1].text == "of"
    named = near[start + 2 if of else start + 1 :][:1]
    if not named or named[0].kind != WORD or named[0].text in problem.parser.keywords:
        return None
    word = near[start].text
    written = f"{word} of" if of else word
    claims = problem.tokens[0].text in _CLAIMING
    meant, message = _QUANTIFIERS[word]
    remedy = f"write '{meant} {named[0].text}'" if claims else f"take '{written}' out"
    return problem.error("quantifier", message, remedy, near[start])


_QUANTIFIERS = {
    "all": ("each", "'all' is every device there is"),
    "every": ("each", "'every' is no quantifier"),
    "both": ("each", "'both' is no quantifier"),
    "some": ("any", "'some' is no quantifier"),
    "either": ("any", "'either' is no quantifier"),
}
"""What people write for a quantifier: what it is called here, and what to tell."""


def _small_message(problem: Problem) -> Diagnostic | None:
    """`expect spv Device.A`: the name of a message begins with a capital."""
    token, at = problem.token, problem.at - 1
    if token is None or token.kind != "PATH" or at < 1 or problem.tokens[at].kind != WORD:
        return None
    if problem.after(at, "KIND") is None:
        return None
    from cpescript.cwmp.rpcs import ABBREVIATIONS, MESSAGES

    word = problem.tokens[at]
    meant = nearest(word.text, (*ABBREVIATIONS, *MESSAGES))
    if meant is None:
        remedy = f"the devices stand behind: PATH == … on each {word.text}"
        return problem.error("syntax", f"{_quoted(token)} cannot stand here", remedy)
    return problem.error("small-message", "a message begins with a capital", f"did you mean '{meant}'?", word)


def _slip(problem: Problem) -> Diagnostic | None:
    remedy = remedy_of(problem.tokens, problem.at)
    token = problem.token
    if not remedy or token is None:
        return None
    return problem.error("syntax", f"{_quoted(token)} cannot stand here", remedy)


def _two_words(problem: Problem) -> Diagnostic | None:
    """`as my fleet`: a name with a space in it; `reboot fleet side`: two without a comma."""
    token, at = problem.token, problem.at
    if token is None or token.kind != WORD or at < 2 or problem.tokens[at - 1].kind != WORD:
        return None
    if at == 2 and problem.tokens[0].text in ("reboot", "stop", "clear", "inform", "factory-reset", "power-cycle"):
        return problem.error("syntax", f"{_quoted(token)} cannot stand here", "put a ',' between them")
    if problem.tokens[at - 2].text not in ("as", "let", "param", "define"):
        return None
    meant = f"{problem.tokens[at - 1].text}-{token.text}"
    return problem.error("syntax", f"{_quoted(token)} cannot stand here", f"a name is one word: {meant}")


def _preposition(problem: Problem) -> Diagnostic | None:
    """`for d of fleet`, `on every SPV on fleet`: English has more than one word for it."""
    token = problem.token
    if token is None or token.text not in ("on", "of", "in", "from", "to", "by", "with", "against", "for", "before"):
        return None
    follower = problem.tokens[problem.at + 1] if problem.at + 1 < len(problem.tokens) else None
    if follower is not None and follower.kind == "DURATION" and "within" in problem.words(problem.at):
        return problem.error(
            "unknown-word", f"'{token.text}' cannot stand here", f"did you mean 'within {follower.text}'?"
        )
    meant = next((word for word in ("on", "of", "in", "from") if word in problem.words(problem.at)), None)
    if meant is None:
        return None
    return problem.error("unknown-word", f"'{token.text}' cannot stand here", f"did you mean '{meant}'?")


def _reserved(problem: Problem) -> Diagnostic | None:
    token = problem.token
    if token is None or problem.after(problem.at, "NAME") is None:
        return None
    if token.kind == WORD and token.text in ("each", "any", "exactly"):
        return problem.error("quantifier", f"'{token.text}' belongs to a claim", "take it out")
    if token.kind == WORD and token.text in NEVER_NAMES:
        return problem.error("reserved-name", f"'{token.text}' can never be a name", "take another")
    if token.kind in ("KIND", "PATH") and problem.after(problem.at, token.kind) is None:
        if problem.at == 0:
            return None
        return problem.error("capital-name", "a name begins with a lower-case letter", _small_name(problem, token))
    return None


_WORDS_OF_OTHERS = {"None": "null", "Null": "null", "NULL": "null"}


def _small_name(problem: Problem, token: Token) -> str:
    """Return what to write for a word with a capital: an element's name, or a text where nothing is asked of it."""
    if token.kind != "KIND":
        return ""
    follower = problem.tokens[problem.at + 1].text if problem.at + 1 < len(problem.tokens) else ""
    texts = problem.after(problem.at, "STRING") is not None
    small = _WORDS_OF_OTHERS.get(token.text) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", token.text).lower()
    if texts and follower not in _ASKING and small not in ("true", "false", "null"):
        return f'write "{token.text}"'
    return f"did you mean '{small}'?"


_ASKING = COMPARATORS | {"=", "in", "not", "is", "contains", "matches", "starts", "ends", "between", "exists"}
"""What follows the name of something that is asked for."""


def _misspelt_before(problem: Problem) -> Diagnostic | None:
    """The word before was taken for a name, but as the keyword that it resembles the line would have gone on."""
    at = problem.at - 1
    if at < 0 or problem.tokens[at].kind != WORD or at not in problem.history:
        return None
    word = problem.tokens[at].text
    known = {text: end for text, end in problem.words(at).items() if text[0].isalpha() and text != word}
    meant = nearest(word, known)
    if meant is None:
        return None
    states = problem.after(at, known[meant])
    if states is None or not problem.parser.follows(states, list(problem.tokens), problem.at):
        return None
    what = "statement" if at == 0 else "word that can stand here"
    return problem.error("unknown-word", f"'{word}' is no {what}", f"did you mean '{meant}'?", problem.tokens[at])


def _misspelt_phrase(problem: Problem) -> Diagnostic | None:
    """Two words further up were taken for names, but nearly are a keyword of two (`at leest`)."""
    for at in sorted(problem.history)[:-1]:
        pair = problem.tokens[at : at + 2]
        if len(pair) < 2 or any(token.kind != WORD for token in pair):
            continue
        text = f"{pair[0].text} {pair[1].text}"
        phrases = [word for word in problem.words(at) if word.count(" ") == 1 and pair[0].text in word.split(" ")]
        meant = nearest(text, phrases)
        if meant is not None and meant != text:
            span = problem.span_of(pair[0]).to(problem.span_of(pair[1]))
            return Diagnostic(span, "unknown-word", f"'{text}' cannot stand here", f"did you mean '{meant}'?")
    return None


def _duration(problem: Problem) -> Diagnostic | None:
    token = problem.token
    if token is None or token.kind != "DURATION":
        return None
    possible = [word for word in ("within", "for", "over") if word in problem.words(problem.at)]
    if not possible:
        return None
    shown = " or ".join(f"'{word} {token.text}'" for word in possible[:2])
    return problem.error("syntax", f"'{token.text}' cannot stand here", f"did you mean {shown}?")


def _misspelt(problem: Problem) -> Diagnostic | None:
    token = problem.token
    if token is None or token.kind not in (WORD, "KIND"):
        return None
    known = {text for text in problem.words(problem.at) if text[0].isalpha()}
    follower = problem.tokens[problem.at + 1].text if problem.at + 1 < len(problem.tokens) else ""
    meant = nearest(f"{token.text} {follower}", {text for text in known if " " in text}) or nearest(token.text, known)
    if meant is None:
        return None
    if problem.at == 0:
        return problem.error(
            "unknown-statement", f"no statement begins with '{token.text}'", f"did you mean '{meant}'?"
        )
    return problem.error("unknown-word", f"'{token.text}' cannot stand here", f"did you mean '{meant}'?")


def _no_statement(problem: Problem) -> Diagnostic | None:
    first = problem.tokens[0]
    if problem.at > 1 or first.kind != WORD or "NAME" not in problem.possible(0):
        return None
    if problem.at == 1 and (first.text in problem.words(0) or problem.after(0, problem.parser.keywords["let"]) is None):
        return None
    if problem.at == 0 and first.text not in NEVER_NAMES:
        return None
    statements = {word for word in problem.words(0) if word[0].isalpha()}
    follower = problem.tokens[1].text if len(problem.tokens) > 1 else ""
    if follower == "=":
        remedy = f"did you mean 'let {first.text} = …'?"
        return problem.error("unknown-statement", f"no statement begins with '{first.text}'", remedy, first)
    if follower == "(" and problem.at == 1:
        message = f"no statement begins with '{first.text}'"
        written = "".join(f"{token.text} " if token.text in (",", ":") else token.text for token in problem.tokens)
        shown = written if written.endswith(")") and len(written) <= 40 else f"{first.text}(…)"
        return problem.error("unknown-statement", message, f"a procedure is run by 'do {shown}'", first)
    meant = nearest(first.text, statements)
    remedy = f"did you mean '{meant}'?" if meant else "a statement begins with its verb: spawn, expect, acs, wait, …"
    return problem.error("unknown-statement", f"no statement begins with '{first.text}'", remedy, first)


_SYNONYMS = {
    "assert": "expect",
    "sleep": "wait",
    "print": "note",
    "log": "note",
    "while": "repeat",
    "loop": "repeat",
    "def": "define",
    "import": "use",
    "include": "use",
    "create": "spawn",
    "kill": "stop",
    "run": "do",
    "restart": "reboot",
    "test": "scenario",
    "var": "let",
    "poweroff": "power off",
    "power-off": "power off",
    "poweron": "power on",
    "power-on": "power on",
    "powercycle": "power-cycle",
    "factoryreset": "factory-reset",
    "reset": "factory-reset",
    **dict.fromkeys(("elif", "elseif", "elsif"), "else if"),
    **dict.fromkeys(("cleanup", "teardown", "ensure"), "finally"),
    "foreach": "for each",
    "when": "on every",
    "every": "repeat every",
    "after": "at +",
}
"""What people coming from other languages try first."""


def _line_start(problem: Problem) -> Diagnostic | None:
    token = problem.token
    if problem.at != 0 or token is None:
        return None
    if token.kind == "DOCSTRING":
        return problem.error("docstring", "a docstring stands first in its block", "a comment begins with '#'")
    if token.kind in ("KIND", "PATH"):
        assigned = len(problem.tokens) > 1 and problem.tokens[1].text == "="
        verb = "set" if assigned else "expect"
        return problem.error(
            "unknown-statement", "a statement begins with its verb", f"perhaps '{verb} {token.text} …'?"
        )
    if token.text in ("/", "-", "*"):
        message = f"no statement begins with '{token.text}'"
        return problem.error("unknown-statement", message, "a comment begins with '#'")
    return problem.error(
        "unknown-statement",
        f"no statement begins with {_quoted(token)}",
        "a statement begins with its verb: spawn, expect, acs, wait, …",
    )


def _colon(problem: Problem) -> Diagnostic | None:
    token = problem.token
    if token is not None and token.kind == SIGN and token.text == ":" and problem.at == len(problem.tokens) - 1:
        if "with" in problem.words(problem.at):
            return problem.error("missing-word", "a block of 'spawn' follows 'with'", "write 'with:'")
        if problem.after(problem.at, "_NL") is not None:
            claims = problem.tokens[0].text in _CLAIMING
            remedy = "take the ':' out, or write 'expect in order … :'" if claims else "take the ':' out"
            return problem.error("no-block", "this statement has no block", remedy)
    return None


def _block_on_line(problem: Problem) -> Diagnostic | None:
    before = problem.tokens[problem.at - 1] if problem.at else None
    if before is not None and before.text == ":" and before.kind == SIGN and problem.possible(problem.at) == ["_NL"]:
        return problem.error("block-on-line", "a block begins on the line below", "break the line behind the ':'")
    return None


def _general(problem: Problem) -> Diagnostic:
    possible = problem.possible(problem.at)
    keywords = {terminal: text for text, terminal in problem.parser.keywords.items()}
    value = all(problem.after(problem.at, kind) is not None for kind in VALUE_STARTS)
    few = len(possible) <= 4
    shown: list[str] = ["a value"] if value else []
    hidden = VALUE_STARTS | {"NAME", "PATH", "TIME", "FACTOR"} if value else frozenset()
    for terminal in possible:
        text = keywords.get(terminal)
        if text is not None:
            if value and text in _VALUE_WORDS:
                continue
            if few or text not in OPERATORS:
                shown.append(f"'{text}'")
        elif terminal in KINDS and terminal not in hidden:
            shown.append(KINDS[terminal])
    expected = _listed(shown) if 0 < len(shown) <= 4 else ""
    if problem.token is None:
        if not expected:
            expected = "a claim" if problem.tokens[0].text in _CLAIMING and len(problem.tokens) < 3 else ""
        return problem.error(
            "incomplete", "something is missing at the end of this line", f"expected {expected}" if expected else ""
        )
    return problem.error(
        "syntax", f"{_quoted(problem.token)} cannot stand here", f"expected {expected}" if expected else ""
    )


_CLAIMING = frozenset(("expect", "check", "wait", "always", "never", "sometimes", "until"))
_VALUE_WORDS = frozenset(("(", "[", "{", "-", "not", "true", "false", "null", "device", "message", "all", "in session"))


def _listed(words: Sequence[str]) -> str:
    ordered = sorted(words, key=lambda word: (word == KINDS["_NL"], word != "a value"))
    return ordered[0] if len(ordered) == 1 else ", ".join(ordered[:-1]) + " or " + ordered[-1]


def _quoted(token: Token) -> str:
    text = token.text if len(token.text) <= 40 and "\n" not in token.text else token.text[:30].split("\n")[0] + "…"
    return text if token.kind == "STRING" else f"'{text}'"


RULES: tuple[Explanation, ...] = (
    _nested_quote,
    _two_signs,
    _equals,
    _block_on_line,
    _order,
    _synonym,
    _blocks_own,
    _small_message,
    _slip,
    _all_of_them,
    _reserved,
    _misspelt_phrase,
    _colon,
    _duration,
    _misspelt,
    _misspelt_before,
    _two_words,
    _preposition,
    _no_statement,
    _line_start,
    _general,
)
