"""Drives the compiled tables over logical lines, and recovers at the next line when one is broken.

Rules:

1. A word is a keyword where the automaton can use it as one, else a name. Where both would do, the word behind it
   decides: `no SPV` has a keyword, `no == 3` a name.
2. Before each logical line the stacks are copied (they are as deep as the blocks, so that is cheap). A line that does
   not parse gives one diagnostic; the stacks are put back and one ERROR_LINE is fed in its place.
3. A broken line that opened a block keeps its block, whose lines are parsed as if nothing had happened.
4. Lines are few and mistakes fewer: what helps to explain a mistake is worked out again from the copied stacks, so that
   a line that parses pays nothing for it.
"""

from __future__ import annotations

from typing import Any

from cpescript.diagnostics import Bag, Span
from cpescript.language import tree
from cpescript.language.build import ENTRIES, Builder, declared_names
from cpescript.language.explain import explain
from cpescript.language.layout import MAX_DEPTH, Layout, Line, lay_out
from cpescript.language.tables import RUN, UNIT, Rule, Tables, load_tables
from cpescript.language.tokens import NEVER_NAMES, SIGN, WORD, Token, tokenize_line

MAX_BRACES = 8
"""Deepest nest of texts in braces of texts."""


class Run:
    """Children of a repetition: what came before, and the newest. Shared between stacks, never changed."""

    __slots__ = ("before", "items")

    def __init__(self, before: Run | None, items: list[Any]) -> None:
        self.before = before
        self.items = items

    def flat(self) -> list[Any]:
        chunks: list[list[Any]] = []
        run: Run | None = self
        while run is not None:
            chunks.append(run.items)
            run = run.before
        return [item for chunk in reversed(chunks) for item in chunk]


class Machine:
    """The automaton: a stack of states, one of values, and for each value its first and its last token."""

    __slots__ = ("builder", "firsts", "lasts", "states", "tables", "values")

    def __init__(self, tables: Tables, start: str, builder: Builder) -> None:
        self.tables = tables
        self.builder = builder
        self.states = [tables.starts[start][0]]
        self.values: list[Any] = []
        self.firsts: list[Token] = []
        self.lasts: list[Token] = []

    def snapshot(self) -> tuple[list[int], list[Any], list[Token], list[Token]]:
        return self.states[:], self.values[:], self.firsts[:], self.lasts[:]

    def restore(self, saved: tuple[list[int], list[Any], list[Token], list[Token]]) -> None:
        self.states, self.values, self.firsts, self.lasts = (part[:] for part in saved)  # type: ignore[assignment]

    def feed(self, terminal: str, token: Token, value: Any) -> bool:
        """Take one token; False, with the stacks in some intermediate state, if it cannot stand here."""
        table, rules, states = self.tables.states, self.tables.rules, self.states
        while True:
            action = table[states[-1]].get(terminal)
            if action is None:
                return False
            if action >= 0:
                states.append(action)
                self.values.append(value)
                self.firsts.append(token)
                self.lasts.append(token)
                return True
            rule = rules[~action]
            if rule.make == UNIT and rule.size == 1:
                states[-1] = table[states[-2]][rule.origin]
            else:
                self.reduce(rule, token)

    def reduce(self, rule: Rule, token: Token) -> None:
        size, values = rule.size, self.values
        if size:
            children = values[-size:]
            first, last = self.firsts[-size], self.lasts[-1]
            del values[-size:], self.firsts[-size:], self.lasts[-size:], self.states[-size:]
        else:
            children, first, last = [], token, token
        value: Any
        if rule.make == UNIT:
            value = children[rule.keep[0][0]]
        elif rule.make == RUN:
            value = _run(rule, children)
        else:
            value = ENTRIES[rule.callback](self.builder, self.span(first, last), _kept(rule, children))
        self.states.append(self.tables.states[self.states[-1]][rule.origin])
        values.append(value)
        self.firsts.append(first)
        self.lasts.append(last)

    def span(self, first: Token, last: Token) -> Span:
        return Span(self.builder.source, first.line, first.column, last.end_line, last.end_column)

    def finish(self, start: str, token: Token) -> Any:
        """Take the end of the text and return the start rule's value, or None if the text cannot end here."""
        accepting = self.tables.starts[start][1]
        table, rules = self.tables.states, self.tables.rules
        while self.states[-1] != accepting:
            action = table[self.states[-1]].get("$END")
            if action is None or action >= 0:
                return None
            self.reduce(rules[~action], token)
        return self.values[-1]


def _kept(rule: Rule, children: list[Any]) -> list[Any]:
    out: list[Any] = []
    for index, spliced, absent in rule.keep:
        if absent:
            out.extend([None] * absent)
        if spliced:
            out.extend(children[index].flat())
        else:
            out.append(children[index])
    if rule.tail:
        out.extend([None] * rule.tail)
    return out


def _run(rule: Rule, children: list[Any]) -> Run:
    before: Run | None = None
    items: list[Any] = []
    for index, spliced, _ in rule.keep:
        child = children[index]
        if not spliced:
            items.append(child)
        elif before is None and not items:
            before = child
        else:
            items.extend(child.flat())
    return Run(before, items) if items or before is None else before


def accepts(tables: Tables, states: list[int], terminal: str) -> list[int] | None:
    """Return the stack of states after `terminal`, or None if it cannot stand there. Changes nothing."""
    table, rules = tables.states, tables.rules
    states = states[:]
    while True:
        action = table[states[-1]].get(terminal)
        if action is None or (terminal == "$END" and action >= 0):
            return None
        if action >= 0:
            states.append(action)
            return states
        rule = rules[~action]
        if rule.size:
            del states[-rule.size :]
        states.append(table[states[-1]][rule.origin])


class Parser:
    """Parses one file. `file` and `expression` are its two uses."""

    def __init__(self, source: str, bag: Bag, tables: Tables | None = None) -> None:
        self.tables = tables or load_tables()
        self.source = source
        self.bag = bag
        self.phrases = self.tables.phrases
        self.keywords = self.tables.keywords
        self.braces = 0
        self.builder = Builder(source, bag, self.inner)
        self.seen: list[tuple[str, Token]] | None = None
        """Where a list, every token of the file's lines with the terminal that it was taken for, for the formatter."""

    # --- a whole file ------------------------------------------------------------------------------------------------

    def file(self, layout: Layout) -> tree.File | None:
        """Return the tree of a file's lines. Broken lines are `Broken` nodes, reported in the bag."""
        if layout.refused:
            return None
        machine = Machine(self.tables, "file", self.builder)
        lines = layout.lines
        level = 0
        flattened: list[int] = []
        """Depths that were entered without a block: lines there belong to the block around."""
        end = Token("_NL", "", 1, 1, 1, 1)
        for index, line in enumerate(lines):
            while level > line.depth:
                if flattened and flattened[-1] == level:
                    flattened.pop()
                else:
                    machine.feed("_DEDENT", end, None)
                level -= 1
            last = line.tokens[-1]
            end = Token("_NL", "", last.end_line, last.end_column, last.end_line, last.end_column)
            deeper = index + 1 < len(lines) and lines[index + 1].depth > line.depth
            opened = self.line(machine, line, end, deeper)
            if deeper:
                level += 1
                if opened:
                    machine.feed("_INDENT", end, None)
                else:
                    follower = lines[index + 1].tokens[0]
                    self.bag.error(
                        Span(self.source, follower.line, 1, follower.line, follower.column),
                        "unexpected-indent",
                        "this line is indented, but nothing above it opens a block",
                        "a block follows a ':'",
                    )
                    flattened.append(level)
            elif opened:
                machine.feed("_INDENT", end, None)
                machine.feed("_DEDENT", end, None)
        while level:
            if flattened and flattened[-1] == level:
                flattened.pop()
            else:
                machine.feed("_DEDENT", end, None)
            level -= 1
        result = machine.finish("file", end)
        return result if isinstance(result, tree.File) else None

    def line(self, machine: Machine, line: Line, end: Token, deeper: bool) -> bool:
        """Feed one logical line; return whether the automaton now waits for a block."""
        tokens = line.tokens
        if not line.broken:
            saved = machine.snapshot()
            reported = len(self.bag.items)
            failed = self.run(machine, tokens)
            if failed is None:
                return self.line_end(machine, tokens, end, deeper, saved)
            machine.restore(saved)
            del self.bag.items[reported:]
            self.bag.items.append(explain(self, saved[0], tokens, failed))
        return self.error_line(machine, tokens, end, deeper)

    def line_end(self, machine: Machine, tokens: list[Token], end: Token, deeper: bool, saved: Any) -> bool:
        colon = tokens[-1].kind == SIGN and tokens[-1].text == ":"
        if not colon and deeper and accepts(self.tables, machine.states, self.keywords[":"]):
            after = Span(self.source, end.line, end.column, end.line, end.column + 1)
            self.bag.error(after, "missing-colon", "a block follows, but this line does not end with ':'", "add ':'")
            machine.feed(self.keywords[":"], end, None)
            colon = True
        if machine.feed("_NL", end, None):
            if colon and not deeper and accepts(self.tables, machine.states, "_INDENT"):
                span = Span(self.source, tokens[-1].line, tokens[-1].column, tokens[-1].end_line, tokens[-1].end_column)
                self.bag.error(span, "empty-block", "nothing stands in this block", "indent what belongs to it")
                return True
            return colon
        machine.restore(saved)
        self.bag.items.append(explain(self, saved[0], tokens, len(tokens)))
        return self.error_line(machine, tokens, end, deeper)

    def error_line(self, machine: Machine, tokens: list[Token], end: Token, deeper: bool) -> bool:
        """Feed the substitute of a broken line."""
        claims = deeper and _opens_claims(tokens)
        value = declared_names(tokens, self.source)
        terminal = "ERROR_CLAIMS" if claims and accepts(self.tables, machine.states, "ERROR_CLAIMS") else "ERROR_LINE"
        machine.feed(terminal, tokens[0], value)
        machine.feed("_NL", end, None)
        return deeper

    def run(self, machine: Machine, tokens: list[Token]) -> int | None:
        """Feed tokens; return the index of the first that cannot stand where it does, or None."""
        index, count = 0, len(tokens)
        shift = self.builder.shift
        while index < count:
            terminal, used = self.classify(machine.states, tokens, index)
            token = tokens[index]
            if used > 1:
                last = tokens[index + used - 1]
                text = " ".join(part.text for part in tokens[index : index + used])
                token = Token(WORD, text, token.line, token.column, last.end_line, last.end_column)
            if not machine.feed(terminal, token, shift(terminal, token)):
                return index
            if self.seen is not None and not self.braces:
                self.seen.extend((terminal, part) for part in tokens[index : index + used])
            index += used
        return None

    def classify(self, states: list[int], tokens: list[Token], index: int) -> tuple[str, int]:
        """Return the terminal at `index` and how many tokens it takes: keywords are what the automaton can use."""
        token = tokens[index]
        if token.kind == SIGN:
            return self.keywords[token.text], 1
        if token.kind != WORD:
            return token.kind, 1
        word = token.text
        actions = self.tables.states[states[-1]]
        for phrase in self.phrases.get(word, ()):
            words = phrase.split(" ")
            behind = tokens[index : index + len(words)]
            if self.keywords[phrase] in actions and [part.text for part in behind] == words:
                return self.keywords[phrase], len(words)
        terminal = self.keywords.get(word)
        if terminal is None:
            return "NAME", 1
        if word == "of" and index and tokens[index - 1].kind == "PATH" and "OF_PATH" in actions:
            return "OF_PATH", 1
        if terminal in actions:
            if "NAME" not in actions or word in NEVER_NAMES or self.leads_on(states, terminal, tokens, index + 1):
                return terminal, 1
            return "NAME", 1
        return ("NAME" if word not in NEVER_NAMES else terminal), 1

    def leads_on(self, states: list[int], terminal: str, tokens: list[Token], index: int) -> bool:
        """Whether the token at `index` (or the line's end) can follow `terminal`, or could not follow a name either."""
        as_keyword = accepts(self.tables, states, terminal)
        if as_keyword is None:
            return False
        if self.follows(as_keyword, tokens, index):
            return True
        as_name = accepts(self.tables, states, "NAME")
        return as_name is None or not self.follows(as_name, tokens, index)

    def follows(self, states: list[int], tokens: list[Token], index: int) -> bool:
        if index >= len(tokens):
            return any(accepts(self.tables, states, end) for end in ("_NL", "$END"))
        token = tokens[index]
        candidates = [token.kind]
        if token.kind == SIGN:
            candidates = [self.keywords[token.text]]
        elif token.kind == WORD:
            candidates = ["NAME", *(self.keywords[word] for word in self.phrases.get(token.text, ()))]
            if token.text in self.keywords:
                candidates.append(self.keywords[token.text])
        return any(accepts(self.tables, states, terminal) for terminal in candidates)

    # --- an expression -----------------------------------------------------------------------------------------------

    def inner(self, text: str, line: int, column: int) -> Any:
        """Parse an expression that stands in braces at that place; None after reporting why it does not parse."""
        self.braces += 1
        try:
            return self.expression(text, line, column)
        finally:
            self.braces -= 1

    def expression(self, text: str, line: int = 1, column: int = 1) -> Any:
        """Return the expression that `text` is, or None with the reason in the bag."""
        whole = Span(self.source, line, column, line, column + max(1, len(text)))
        if self.braces > MAX_BRACES:
            self.bag.error(whole, "too-deep", f"braces nest deeper than {MAX_BRACES} levels", "use a `let`")
            return None
        known = len(self.bag.items)
        tokens = list(tokenize_line(text, line, self.source, self.bag, column))
        if len(self.bag.items) > known:
            return None
        if not tokens or any(token.kind in ("comment", "DOCSTRING") for token in tokens):
            self.bag.error(whole, "syntax", "no expression stands here", "")
            return None
        if _nest(tokens) > MAX_DEPTH:
            self.bag.error(whole, "too-deep", "brackets nest too deep", "use a `let`")
            return None
        machine = Machine(self.tables, "interpolation", self.builder)
        start = machine.states[:]
        failed = self.run(machine, tokens)
        if failed is None:
            result = machine.finish("interpolation", tokens[-1])
            if result is not None:
                return result
            failed = len(tokens)
        self.bag.items.append(explain(self, start, tokens, failed))
        return None


def _nest(tokens: list[Token]) -> int:
    """Return how deep brackets nest."""
    depth = deepest = 0
    for token in tokens:
        if token.kind == SIGN and token.text in "([{)]}":
            depth += 1 if token.text in "([{" else -1
            deepest = max(deepest, depth)
    return deepest


def _opens_claims(tokens: list[Token]) -> bool:
    """Whether a broken line that has a block is a claim: such a block holds claims, not statements."""
    return tokens[0].text in ("expect", "check", "wait")


def parse(text: str, source: str, bag: Bag) -> tuple[tree.File | None, Layout]:
    """Return the tree of a scenario's text (None if it is refused as a whole) and its logical lines. Never raises."""
    layout = lay_out(text, source, bag)
    return Parser(source, bag).file(layout), layout
