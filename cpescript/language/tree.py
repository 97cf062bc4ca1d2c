"""The syntax tree: what was written, before any name in it is known.

Expressions and targets are the nodes of `pattern.expression`, still unresolved: every word is a `Name`, every `of` a
`Draw`, whether or not devices stand there. This module adds what only syntax has. All nodes are frozen and carry their
span; a statement with a block spans the block too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from cpescript.diagnostics import Span
from cpescript.pattern.expression import Node, Setting

Syntax = Any
"""An unresolved expression or target: a node of `pattern.expression`, or one of the next four."""


@dataclass(frozen=True, slots=True)
class Word(Node):
    """A name, a message's or a keyword, as written."""

    text: str


@dataclass(frozen=True, slots=True)
class Argument(Node):
    """`value` or `name: value` in brackets."""

    name: Word | None
    value: Syntax


@dataclass(frozen=True, slots=True)
class Invocation(Node):
    """`name(arguments)`, before the function is known."""

    name: Word
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Per(Node):
    """`60 per 1h`."""

    amount: Syntax
    per: Syntax


@dataclass(frozen=True, slots=True)
class Pattern(Node):
    """`SPV Device.A = 300 where …`, before the message is known."""

    kind: Word
    settings: tuple[Setting, ...]
    where: Syntax | None


@dataclass(frozen=True, slots=True)
class Quantifier(Node):
    """`each`, `any`, `at least 95% of`: `amount` for the counted kinds."""

    kind: str
    amount: Syntax | None


@dataclass(frozen=True, slots=True)
class Quantified(Node):
    """What stands behind `on`: devices, perhaps with a quantifier before them."""

    quantifier: Quantifier | None
    target: Syntax


@dataclass(frozen=True, slots=True)
class Clause(Node):
    """One of `on across within for since as over patience event url abruptly`; `value` as its kind has it."""

    kind: str
    value: Any


# --- claims ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MessageForm(Node):
    """`SPV …`, `no SPV …`, `at most 2 SPV …`."""

    pattern: Pattern
    negated: bool = False
    comparison: str | None = None
    amount: Syntax | None = None


@dataclass(frozen=True, slots=True)
class ValueForm(Node):
    """An expression: a parameter, a figure, or (until names are known) devices or a state."""

    value: Syntax


@dataclass(frozen=True, slots=True)
class EqualsForm(Node):
    """`PATH = v`, which is a mistake with a message of its own."""

    left: Syntax
    right: Syntax


@dataclass(frozen=True, slots=True)
class StateForm(Node):
    """`each fleet registered`, `fleet not registered`."""

    quantifier: Quantifier | None
    target: Syntax
    state: Word
    negated: bool


@dataclass(frozen=True, slots=True)
class StatelessForm(Node):
    """`each fleet`, which lacks its state."""

    quantifier: Quantifier
    target: Syntax


@dataclass(frozen=True, slots=True)
class BeliefForm(Node):
    """`acs sees PATH == v`, `portal call status(…) where body.state == "done"` (`name` None for `sees`)."""

    system: Word
    name: Word | None
    arguments: tuple[Argument, ...]
    condition: Syntax | None


Form = MessageForm | ValueForm | EqualsForm | StateForm | StatelessForm | BeliefForm


@dataclass(frozen=True, slots=True)
class ClaimLine(Node):
    """A line of `in order:`; `claim` None where the line did not parse."""

    claim: Form | None
    capture: Word | None


@dataclass(frozen=True, slots=True)
class Tail(Node):
    """What stands behind `unless` or `until`."""

    claim: Form
    clauses: tuple[Clause, ...]


# --- statements ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Body(Node):
    docstring: Word | None
    lines: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Statement(Node):
    """Any line of a block or of the file."""


@dataclass(frozen=True, slots=True)
class Broken(Statement):
    """A line that did not parse, with the block below it. `names` are those that it likely declares."""

    names: tuple[Word, ...] = ()
    body: Body | None = None


@dataclass(frozen=True, slots=True)
class Use(Statement):
    path: Syntax


@dataclass(frozen=True, slots=True)
class Profile(Statement):
    name: Word
    path: Syntax


@dataclass(frozen=True, slots=True)
class System(Statement):
    """`acs portal = "adapters/portal.yaml"`."""

    name: Word
    path: Syntax | None


@dataclass(frozen=True, slots=True)
class Param(Statement):
    name: Word
    type: Word | None
    default: Syntax | None
    description: Syntax | None
    secret: bool


@dataclass(frozen=True, slots=True)
class Formal(Node):
    """An argument of a `define`."""

    name: Word
    type: Word | None
    default: Syntax | None


@dataclass(frozen=True, slots=True)
class Define(Statement):
    name: Word
    formals: tuple[Formal, ...]
    body: Body


@dataclass(frozen=True, slots=True)
class Matrix(Node):
    """`for version in ["1.0", "2.0"]` in a scenario's head."""

    name: Word
    values: Syntax


@dataclass(frozen=True, slots=True)
class Scenario(Statement):
    title: Syntax
    matrix: tuple[Matrix, ...]
    body: Body


@dataclass(frozen=True, slots=True)
class SettingLine(Statement):
    """`seed 42`, `firmware "2.1.0" size 8MiB`: `word` says which, `values` are what follows."""

    word: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Spawn(Statement):
    count: Syntax
    profile: Word
    cohort: Word
    clauses: tuple[Clause, ...]
    body: Body | None = None


@dataclass(frozen=True, slots=True)
class Action(Statement):
    """What devices do. `operands` by verb: `target`, `settings`, `path`, `name`, `arguments`, `file`, `value`."""

    verb: str
    operands: Mapping[str, Any]
    clauses: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True)
class Stimulus(Statement):
    """`acs set …`. `operands` by verb, as for `Action`; also `paths`, `firmware`, `file_type`."""

    system: Word
    verb: str
    operands: Mapping[str, Any]
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Claimed(Statement):
    """`expect`, `check`, `wait` (until) over one claim, or `always`, `never`, `sometimes`."""

    mode: str
    claim: Form
    clauses: tuple[Clause, ...]
    tail: Tail | None


@dataclass(frozen=True, slots=True)
class ClaimedBlock(Statement):
    """`expect in order …:` over the claims of its block."""

    mode: str
    ordering: Word
    clauses: tuple[Clause, ...]
    lines: tuple[ClaimLine, ...]


@dataclass(frozen=True, slots=True)
class Wait(Statement):
    duration: Syntax


@dataclass(frozen=True, slots=True)
class Handler(Statement):
    which: str
    pattern: Pattern
    target: Syntax
    body: Body


@dataclass(frozen=True, slots=True)
class Answer(Statement):
    """`kind`: fault, after, with, nothing, drop; `operands` by kind: `code`, `text`, `path`; `value`."""

    kind: str
    operands: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Let(Statement):
    name: Word
    value: Syntax


@dataclass(frozen=True, slots=True)
class Note(Statement):
    text: Syntax


@dataclass(frozen=True, slots=True)
class Fail(Statement):
    why: Syntax


@dataclass(frozen=True, slots=True)
class Do(Statement):
    name: Word
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Repeat(Statement):
    count: Syntax | None
    every: Syntax | None
    lasting: Syntax | None
    body: Body


@dataclass(frozen=True, slots=True)
class For(Statement):
    name: Word
    over: Syntax
    together: bool
    body: Body


@dataclass(frozen=True, slots=True)
class Parallel(Statement):
    body: Body


@dataclass(frozen=True, slots=True)
class Background(Statement):
    name: Syntax
    body: Body


@dataclass(frozen=True, slots=True)
class At(Statement):
    moment: Syntax | None
    delay: Syntax | None
    body: Body


@dataclass(frozen=True, slots=True)
class If(Statement):
    condition: Syntax
    body: Body


@dataclass(frozen=True, slots=True)
class Else(Statement):
    """`else:` or, with a condition, `else if …:`. Which `if` it belongs to is found afterwards."""

    condition: Syntax | None
    body: Body


@dataclass(frozen=True, slots=True)
class Finally(Statement):
    body: Body


@dataclass(frozen=True, slots=True)
class File(Node):
    docstring: Word | None
    lines: tuple[Statement, ...]


def nested(lines: Iterable[Statement]) -> Iterator[Statement]:
    """Yield statements and those of their blocks, at any depth, in the order of the text."""
    pending = list(lines)[::-1]
    while pending:
        node = pending.pop()
        yield node
        body = getattr(node, "body", None)
        if body is not None:
            pending.extend(reversed(body.lines))


def same(left: Any, right: Any) -> bool:
    """Whether two trees say the same: spans are not compared. Not recursive, so any depth will do."""
    pending = [(left, right)]
    while pending:
        one, other = pending.pop()
        if type(one) is not type(other):
            return False
        if isinstance(one, Word) and one.text.startswith('"""'):
            if docstring_text(one) != docstring_text(other):
                return False
        elif is_dataclass(one) and not isinstance(one, type):
            if not isinstance(one, Span):
                pending.extend((getattr(one, item.name), getattr(other, item.name)) for item in fields(one))
        elif isinstance(one, (tuple, list)):
            if len(one) != len(other):
                return False
            pending.extend(zip(one, other, strict=True))
        elif isinstance(one, Mapping):
            if list(one) != list(other):
                return False
            pending.extend((one[name], other[name]) for name in one)
        elif one != other:
            return False
    return True


def docstring_text(word: Word | None) -> str:
    """Return a docstring without its quotes, its common indentation, and the blanks at the ends of its lines."""
    if word is None:
        return ""
    from inspect import cleandoc

    return "\n".join(row.rstrip() for row in cleandoc(word.text[3:-3]).split("\n")).strip()
