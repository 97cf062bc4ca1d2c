"""Makes the syntax tree: one entry a rule of the grammar, called by the parser when the rule is complete.

An entry gets the builder, the rule's span and its children (keywords left out, absent optional parts None). Most rules
are regular, so most entries are rows of the two tables at the top; the rest are small functions named after their rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cpescript.diagnostics import Bag, Span
from cpescript.language import tree
from cpescript.language.literals import LITERALS, attribute, path_pattern
from cpescript.language.tokens import NEVER_NAMES, Token
from cpescript.language.tree import Word
from cpescript.pattern import expression as px

Entry = Callable[["Builder", Span, list[Any]], Any]

ACTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "stop": ("stop", ("target",)),
    "reboot": ("reboot", ("target",)),
    "factory_reset": ("factory-reset", ("target",)),
    "power_off": ("power-off", ("target",)),
    "power_on": ("power-on", ("target",)),
    "power_cycle": ("power-cycle", ("target",)),
    "inform": ("inform", ("target",)),
    "set": ("set", ("settings",)),
    "add": ("add", ("path",)),
    "delete": ("delete", ("path",)),
    "inject_quirk": ("inject-quirk", ("name", "arguments")),
    "inject_fault": ("inject-fault", ("name", "arguments")),
    "remove_quirk": ("remove-quirk", ("name", "target")),
    "remove_fault": ("remove-fault", ("name", "target")),
    "clear": ("clear", ("target",)),
    "send": ("send", ("file",)),
    "start_telemetry": ("start-telemetry", ()),
    "stop_telemetry": ("stop-telemetry", ()),
    "label": ("label", ("name", "value")),
    "serial": ("serial", ("value",)),
    "protocol": ("protocol", ("name",)),
    "transport": ("transport", ("name", "arguments")),
}
"""Rule to the verb and the names of its operands; what follows them are clauses."""

STIMULI: dict[str, tuple[str, tuple[str, ...]]] = {
    "acs_set": ("set", ("settings",)),
    "acs_get": ("get", ("paths",)),
    "acs_add": ("add", ("path",)),
    "acs_delete": ("delete", ("path",)),
    "acs_firmware": ("download", ("firmware",)),
    "acs_download": ("download", ("file_type",)),
    "acs_upload": ("upload", ("file_type",)),
    "acs_reboot": ("reboot", ("target",)),
    "acs_factory_reset": ("factory-reset", ("target",)),
    "acs_connect": ("connect", ("target",)),
    "acs_forget": ("forget", ("target",)),
    "acs_operate": ("operate", ("path", "arguments")),
    "acs_call": ("call", ("name", "arguments")),
}
"""The same for `acs …`; the system comes first."""

SETTINGS: dict[str, str] = {
    "set_tags": "tags",
    "set_seed": "seed",
    "set_limit": "limit",
    "set_clock": "clock",
    "set_start": "starts at",
    "set_zone": "zone",
    "set_patience": "patience",
    "set_policy": "policy",
    "set_firmware": "firmware",
    "set_skip": "skip",
    "set_expected": "expected to fail",
}

CLAUSES: dict[str, str] = {
    "on": "on",
    "across": "across",
    "within": "within",
    "lasting": "for",
    "since": "since",
    "capture": "as",
    "over": "over",
    "patience": "patience",
    "event": "event",
    "url": "url",
    "abruptly": "abruptly",
}

BINARY: dict[str, px.BinaryOperator] = {"or_": "or", "and_": "and"}
TESTS = {"is_empty": "is empty", "is_not_empty": "is not empty", "exists": "exists", "not_exists": "not exists"}
DECLARING = frozenset({"as", "let", "define", "param"})


class Builder:
    """Holds what the entries need besides their children: the file, the bag, and a parser for what stands in braces."""

    def __init__(self, source: str, bag: Bag, inner: Callable[[str, int, int], Any]) -> None:
        self.source = source
        self.bag = bag
        self.inner = inner
        """Parses an expression inside a text or a path: (text, line, column) to a node or None."""

    def span(self, token: Token) -> Span:
        return Span(self.source, token.line, token.column, token.end_line, token.end_column)

    def shift(self, terminal: str, token: Token) -> Any:
        """Return what the parser keeps of a token: a literal's node, a path, else the token as a `Word`."""
        if terminal in LITERALS:
            return LITERALS[terminal](token, self.span(token), self.bag, self.inner)
        if terminal == "PATH":
            return path_pattern(token, self.span(token), self.inner)
        if terminal == "ATTRIBUTE":
            return attribute(token, self.span(token))
        return Word(self.span(token), token.text)

    def binary(self, span: Span, left: Any, sign: Word, right: Any) -> Any:
        if sign.text == "-":
            # "A hyphen inside a word is never a minus; a minus between operands has spaces around it."
            before = left.span.end_line != sign.span.line or left.span.end_column < sign.span.column
            after = right.span.line != sign.span.end_line or right.span.column > sign.span.end_column
            if not (before and after):
                self.bag.error(
                    sign.span, "minus", "a minus between operands has spaces around it", "write `a - b`, or `a..b`"
                )
        return px.Binary(span, sign.text, left, right)  # type: ignore[arg-type]


def _plain(function: Callable[..., Any]) -> Entry:
    """An entry that needs no builder: the children are handed to `function` behind the span."""
    return lambda builder, span, children: function(span, *children)


def _action(verb: str, names: tuple[str, ...]) -> Entry:
    def entry(builder: Builder, span: Span, children: list[Any]) -> Any:
        operands = dict(zip(names, children, strict=False))
        return tree.Action(span, verb, operands, tuple(children[len(names) :]))

    return entry


def _stimulus(verb: str, names: tuple[str, ...]) -> Entry:
    def entry(builder: Builder, span: Span, children: list[Any]) -> Any:
        operands = dict(zip(names, children[1:], strict=False))
        return tree.Stimulus(span, children[0], verb, operands, tuple(children[1 + len(names) :]))

    return entry


def _claimed(mode: str) -> Entry:
    def entry(builder: Builder, span: Span, children: list[Any]) -> Any:
        claim, *clauses, tail = children
        return tree.Claimed(span, mode, claim, tuple(clauses), tail)

    return entry


def _claimed_block(mode: str) -> Entry:
    def entry(builder: Builder, span: Span, children: list[Any]) -> Any:
        ordering, *clauses, lines = children
        return tree.ClaimedBlock(span, mode, ordering, tuple(clauses), lines)

    return entry


def _tuple(builder: Builder, span: Span, children: list[Any]) -> tuple[Any, ...]:
    return tuple(children)


def _some(children: Sequence[Any] | None) -> tuple[Any, ...]:
    return tuple(children or ())


def _selections(builder: Builder, span: Span, children: list[Any]) -> Any:
    return children[0] if len(children) == 1 else px.Union_(span, tuple(children))


def _spawn_head(span: Span, count: Any, profile: Word, cohort: Word, *clauses: Any) -> tree.Spawn:
    return tree.Spawn(span, count, profile, cohort, clauses)


def _spawn_with(span: Span, head: tree.Spawn, body: tree.Body) -> tree.Spawn:
    return tree.Spawn(span, head.count, head.profile, head.cohort, head.clauses, body)


def _state_claim(span: Span, target: Any, state: tuple[Word, bool]) -> tree.StateForm:
    return tree.StateForm(span, None, target, *state)


def _quantified_claim(span: Span, quantifier: Any, target: Any, state: tuple[Word, bool]) -> tree.StateForm:
    return tree.StateForm(span, quantifier, target, *state)


def _call_claim(span: Span, system: Word, name: Word, arguments: Any, condition: Any) -> tree.BeliefForm:
    return tree.BeliefForm(span, system, name, arguments, condition)


def _entry(builder: Builder, span: Span, children: list[Any]) -> Any:
    """A map's entry: a bare key is a text."""
    key, value = children
    if isinstance(key, Word):
        key = px.Literal_(key.span, key.text)
    elif isinstance(key, px.PathPattern):
        key = px.Literal_(key.span, str(key))
    return key, value


def _body(span: Span, docstring: Any, *lines: Any) -> tree.Body:
    return tree.Body(span, docstring, lines)


def _name(builder: Builder, span: Span, children: list[Any]) -> Any:
    return px.Name(span, children[0].text)


def _unchanged(builder: Builder, span: Span, children: list[Any]) -> Any:
    return children[0]


def _arguments(builder: Builder, span: Span, children: list[Any]) -> Any:
    return tuple(child for child in children if child is not None)


def _broken(span: Span, *children: Any) -> tree.Broken:
    names: tuple[Word, ...] = ()
    body = None
    for child in children:
        if isinstance(child, tree.Body):
            body = child
        elif isinstance(child, BrokenLine):
            names = child.names
    return tree.Broken(span, names, body)


class BrokenLine(tuple[Word, ...]):
    """What the parser shifts for ERROR_LINE: the names that the line likely declares."""

    __slots__ = ()

    @property
    def names(self) -> tuple[Word, ...]:
        return tuple(self)


def _param(*, secret: bool) -> Callable[..., tree.Param]:
    def make(span: Span, name: Word, type_: Word | None, default: Any, description: Any) -> tree.Param:
        return tree.Param(span, name, type_, default, description, secret)

    return make


def _literal(value: Any) -> Entry:
    return lambda builder, span, children: px.Literal_(span, value)


ENTRIES: dict[str, Entry] = {
    **{rule: _action(*row) for rule, row in ACTIONS.items()},
    **{rule: _stimulus(*row) for rule, row in STIMULI.items()},
    **{
        rule: _plain(lambda span, *values, word=word: tree.SettingLine(span, word, values))
        for rule, word in SETTINGS.items()
    },
    **{
        rule: _plain(lambda span, value=None, kind=kind: tree.Clause(span, kind, value))
        for rule, kind in CLAUSES.items()
    },
    **{
        rule: _plain(lambda span, left, right, sign=sign: px.Binary(span, sign, left, right))
        for rule, sign in BINARY.items()
    },
    **{rule: _plain(lambda span, value, test=test: px.Test(span, test, value)) for rule, test in TESTS.items()},
    **{mode: _claimed(mode) for mode in ("expect", "check", "always", "never", "sometimes")},
    "wait_claim": _claimed("wait"),
    "expect_block": _claimed_block("expect"),
    "check_block": _claimed_block("check"),
    "wait_block": _claimed_block("wait"),
    # file and blocks
    "file": _plain(lambda span, docstring=None, *lines: tree.File(span, docstring, lines)),
    "docstring": _unchanged,
    "body": _plain(_body),
    "broken": _plain(_broken),
    "broken_claim": _plain(lambda span, *_: tree.ClaimLine(span, None, None)),
    # items
    "use": _plain(tree.Use),
    "profile": _plain(tree.Profile),
    "system_item": _plain(tree.System),
    "param": _plain(_param(secret=False)),
    "secret_param": _plain(_param(secret=True)),
    "define": _plain(lambda span, name, formals, body: tree.Define(span, name, _some(formals), body)),
    "formals": _arguments,
    "formal": _plain(tree.Formal),
    "scenario": _plain(lambda span, title, *rest: tree.Scenario(span, title, tuple(rest[:-1]), rest[-1])),
    "matrix": _plain(tree.Matrix),
    "names": _tuple,
    # actions and stimuli
    "spawn_head": _plain(_spawn_head),
    "spawn": _unchanged,
    "spawn_with": _plain(_spawn_with),
    "assignments": _tuple,
    "assignment": _tuple,
    "paths": _tuple,
    "system": _unchanged,
    # clauses
    "quantified": _plain(tree.Quantified),
    "quantifier": _plain(lambda span, word: tree.Quantifier(span, word.text, None)),
    "counted": _plain(lambda span, word, amount, *_: tree.Quantifier(span, word.text, amount)),
    "counting": _unchanged,
    # claims
    "tail": _plain(lambda span, claim, *clauses: tree.Tail(span, claim, clauses)),
    "ordering": _unchanged,
    "claims": _tuple,
    "claim_line": _plain(tree.ClaimLine),
    "message_claim": _plain(tree.MessageForm),
    "no_message_claim": _plain(lambda span, pattern: tree.MessageForm(span, pattern, negated=True)),
    "counted_claim": _plain(
        lambda span, word, amount, pattern: tree.MessageForm(span, pattern, False, word.text, amount)
    ),
    "value_claim": _plain(tree.ValueForm),
    "equals_claim": _plain(tree.EqualsForm),
    "state_claim": _plain(_state_claim),
    "quantified_claim": _plain(_quantified_claim),
    "stateless_claim": _plain(tree.StatelessForm),
    "sees_claim": _plain(lambda span, system, condition: tree.BeliefForm(span, system, None, (), condition)),
    "call_claim": _plain(_call_claim),
    "state": lambda builder, span, children: (children[0], False),
    "in_session": lambda builder, span, children: (Word(span, "in session"), False),
    "not_in_session": lambda builder, span, children: (Word(span, "in session"), True),
    "not_state": lambda builder, span, children: (children[0][0], not children[0][1]),
    "pattern": _plain(lambda span, kind, settings, where: tree.Pattern(span, kind, _some(settings), where)),
    "settings": _tuple,
    "setting_of": _plain(px.Setting),
    # answers and reactions
    "on_every": _plain(lambda span, pattern, target, body: tree.Handler(span, "every", pattern, target, body)),
    "on_first": _plain(lambda span, pattern, target, body: tree.Handler(span, "first", pattern, target, body)),
    "answer_fault": _plain(
        lambda span, code, text, path: tree.Answer(span, "fault", {"code": code, "text": text, "path": path})
    ),
    "answer_after": _plain(lambda span, value: tree.Answer(span, "after", {"value": value})),
    "answer_with": _plain(lambda span, value: tree.Answer(span, "with", {"value": value})),
    "answer_nothing": _plain(lambda span: tree.Answer(span, "nothing")),
    "drop_connection": _plain(lambda span: tree.Answer(span, "drop")),
    # flow
    "wait": _plain(tree.Wait),
    "let": _plain(tree.Let),
    "note": _plain(tree.Note),
    "fail": _plain(tree.Fail),
    "do": _plain(tree.Do),
    "repeat": _plain(lambda span, count, body: tree.Repeat(span, count, None, None, body)),
    "repeat_every": _plain(lambda span, every, lasting, body: tree.Repeat(span, None, every, lasting, body)),
    "for_in": _plain(lambda span, name, over, body: tree.For(span, name, over, False, body)),
    "for_each": _plain(lambda span, name, over, body: tree.For(span, name, over, True, body)),
    "parallel": _plain(tree.Parallel),
    "background": _plain(tree.Background),
    "at_time": _plain(lambda span, moment, body: tree.At(span, moment, None, body)),
    "at_delay": _plain(lambda span, delay, body: tree.At(span, None, delay, body)),
    "if_": _plain(tree.If),
    "else_if": _plain(tree.Else),
    "else_": _plain(lambda span, body: tree.Else(span, None, body)),
    "finally_": _plain(tree.Finally),
    # who
    "selections": _selections,
    "draw": _plain(px.Draw),
    "where": _plain(px.Where),
    "except_": _plain(px.Except),
    # expressions
    "conditional": _plain(lambda span, then, condition, otherwise: px.Conditional(span, condition, then, otherwise)),
    "not_": _plain(lambda span, operand: px.Unary(span, "not", operand)),
    "minus": _plain(lambda span, operand: px.Unary(span, "-", operand)),
    "compare": _plain(lambda span, left, sign, right: px.Binary(span, sign.text, left, right)),
    "comparator": _unchanged,
    "adding": _unchanged,
    "multiplying": _unchanged,
    "between": _plain(px.Between),
    "per": _plain(tree.Per),
    "sum_of": lambda builder, span, children: builder.binary(span, *children),
    "product_of": lambda builder, span, children: builder.binary(span, *children),
    "slice": _plain(px.Slice),
    "name": _name,
    "call": _plain(tree.Invocation),
    "attribute": _unchanged,
    "parameter": _plain(px.Parameter),
    "parameter_of": _plain(lambda span, path, _of, target: px.Parameter(span, path, target)),
    "device": _plain(px.Device),
    "message": _plain(px.Message),
    "all": _plain(px.All),
    "in_session_of": _plain(lambda span: px.State(span, "in session")),
    "list": _plain(lambda span, items: px.ListNode(span, _some(items))),
    "map": _plain(lambda span, items: px.MapNode(span, _some(items))),
    "group": _unchanged,
    "true": _literal(True),
    "false": _literal(False),
    "null": _literal(None),
    "elements": _arguments,
    "entries": _arguments,
    "entry": _entry,
    "arguments": _arguments,
    "positional": _plain(lambda span, value: tree.Argument(span, None, value)),
    "named": _plain(tree.Argument),
    "call_pattern": _plain(
        lambda span, kind, setting, where: tree.Pattern(span, kind, () if setting is None else (setting,), where)
    ),
    "interpolation": _unchanged,
}


def declared_names(tokens: Sequence[Token], source: str) -> BrokenLine:
    """Return the names that a line which did not parse likely declares: `as x`, `let x`, `param x`, `for x in`, …"""
    names = []
    for index, token in enumerate(tokens[:-1]):
        follower = tokens[index + 1]
        declares = token.text in DECLARING or (index == 0 and token.text == "for" and follower.text != "each")
        declares = declares or (index == 1 and token.text == "each" and tokens[0].text == "for")
        if token.kind == "WORD" and declares and follower.kind == "WORD" and follower.text not in NEVER_NAMES:
            span = Span(source, follower.line, follower.column, follower.end_line, follower.end_column)
            names.append(Word(span, follower.text))
    return BrokenLine(names)
