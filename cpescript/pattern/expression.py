"""The nodes of expressions, message patterns and targets: what a scenario can say about values, messages and devices.

They are frozen, carry their span, and know nothing of how they are evaluated (`evaluate.py`) or written (`grammar/`).
Names have been resolved by the compiler: a word inside a `where` is a `Field` if the message has such an element,
everywhere else a `Name` is bound by a `param`, `let`, `as`, loop or `define` argument, or is a cohort.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from cpescript.diagnostics import Span

MESSAGE = "message"
"""The name under which a handler binds what came."""


@dataclass(frozen=True, slots=True)
class Node:
    span: Span


@dataclass(frozen=True, slots=True)
class Literal_(Node):  # noqa: N801 - `Literal` is typing's
    """A constant: None, bool, int, float, str, Duration, Size, Instant, TimeOfDay or Percent."""

    value: Any


@dataclass(frozen=True, slots=True)
class Template(Node):
    """A text with `{expr:format}` parts: each part is literal text or (expression, format)."""

    parts: tuple[str | tuple[Expr, str], ...]


@dataclass(frozen=True, slots=True)
class ListNode(Node):
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class MapNode(Node):
    items: tuple[tuple[Expr, Expr], ...]
    row: bool = False
    """Whether it is the row of a table, which has no other columns."""


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A bound name: param, let, capture, loop variable, argument or cohort."""

    name: str


@dataclass(frozen=True, slots=True)
class Device(Node):
    """`device`: the device that the statement is about."""


@dataclass(frozen=True, slots=True)
class Message(Node):
    """`message`: what came, in a handler, which binds it as `MESSAGE`."""


@dataclass(frozen=True, slots=True)
class Field(Node):
    """An element of the message that a `where` is asked of, in snake case; `http.status` is ("http", "status")."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attribute(Node):
    """`base.name`: `dl.url`, `device.label.region`, `r.body.state`."""

    base: Expr
    name: str


@dataclass(frozen=True, slots=True)
class PathPattern(Node):
    """A parameter path: each part is text, None for `*`, or an expression; `partial` where it ends in a dot."""

    parts: tuple[str | Expr | None, ...]
    partial: bool

    def __str__(self) -> str:
        words = ["*" if part is None else part if isinstance(part, str) else "{…}" for part in self.parts]
        return ".".join(words) + ("." if self.partial else "")

    @property
    def literal(self) -> str | None:
        """The path as text where it has no wildcard and no expression, else None."""
        return str(self) if all(isinstance(part, str) for part in self.parts) else None


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """The value of a parameter, of `device` or, with `PATH of T`, of the devices of a target."""

    path: PathPattern
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class State(Node):
    """Whether the device in question is in a state: `fleet where offline`."""

    state: str


@dataclass(frozen=True, slots=True)
class Unary(Node):
    operator: Literal["not", "-"]
    operand: Expr


BinaryOperator = Literal[
    "or", "and", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "matches", "contains", "starts with", "ends with",
    "+", "-", "*", "/", "%",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Binary(Node):
    operator: BinaryOperator
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Between(Node):
    """`value between low and high`, both ends included."""

    value: Expr
    low: Expr
    high: Expr


@dataclass(frozen=True, slots=True)
class Test(Node):
    """`value is empty`, `is not empty`, `exists`, `not exists` (of a Parameter: whether the path exists)."""

    test: Literal["is empty", "is not empty", "exists", "not exists"]
    value: Expr


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    """`then if condition else otherwise`."""

    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`function(args)`; an argument may be a message pattern (`count(Download)`) or a target."""

    function: str
    arguments: tuple[Expr | MessagePattern | Target, ...]


@dataclass(frozen=True, slots=True)
class Needed(Node):
    """A value that is only known while running, where the sentence needs one of a type (`needs.needed`).

    `what` is what an error calls it. `lacking`: whether it may be what a device or a message does not have, which is
    not true.
    """

    value: Expr
    wanted: str
    what: str
    lacking: bool = False


@dataclass(frozen=True, slots=True)
class Setting(Node):
    """`PATH` or `PATH = value` inside a message pattern."""

    path: PathPattern
    value: Expr | None


@dataclass(frozen=True, slots=True)
class MessagePattern(Node):
    """A message claim's predicate: a kind (canonical name: `SetParameterValues`, or `Request`, `Response`), its
    settings, and `where`."""

    kind: str
    kinds: frozenset[str]
    """The kinds of trace records that can match: one, or all requests of an ACS for `Request`."""
    settings: tuple[Setting, ...] = ()
    where: Expr | None = None
    late: frozenset[str] = frozenset()
    """The names in it that are bound while running: captures, `let`, what a loop or a handler has."""


# --- who -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cohort(Node):
    """A cohort by its name, or a name bound to a target by `let`, a loop or an argument."""

    name: str


@dataclass(frozen=True, slots=True)
class All(Node):
    """`all`: every device of the scenario."""


@dataclass(frozen=True, slots=True)
class Slice(Node):
    """`base[first]` or `base[first..last]`, counted from 1, both ends included (`last` None: the one)."""

    base: Target
    first: Expr
    last: Expr | None


@dataclass(frozen=True, slots=True)
class Where(Node):
    base: Target
    condition: Expr


@dataclass(frozen=True, slots=True)
class Except(Node):
    base: Target
    removed: Target


@dataclass(frozen=True, slots=True)
class Union_(Node):  # noqa: N801 - `Union` is typing's
    parts: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Draw(Node):
    """`10% of base`, `5 of base`: drawn by the seed each time its statement runs."""

    amount: Expr
    base: Target


Target = Cohort | All | Device | Slice | Where | Except | Union_ | Draw

Expr = (
    Literal_
    | Template
    | ListNode
    | MapNode
    | Name
    | Device
    | Message
    | Field
    | Attribute
    | Parameter
    | State
    | Unary
    | Binary
    | Between
    | Test
    | Conditional
    | Call
    | Needed
)
