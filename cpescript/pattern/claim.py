"""Claims: what a scenario says an ACS owes, apart from when and for how many devices it must be so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cpescript.diagnostics import Span
from cpescript.pattern.expression import Expr, MessagePattern, Parameter


@dataclass(frozen=True, slots=True)
class Quantifier:
    """How many of the devices must meet a claim. `amount` is an int or a Percent for the counted kinds."""

    kind: Literal["each", "any", "at least", "at most", "exactly", "across"]
    amount: Expr | None = None


@dataclass(frozen=True, slots=True)
class MessageClaim:
    """A message of that pattern; `negated` for `no SPV`; `count` for `exactly|at most|at least N MESSAGE`."""

    span: Span
    pattern: MessagePattern
    negated: bool = False
    comparison: Literal["exactly", "at most", "at least"] | None = None
    count: Expr | None = None
    capture: str | None = None
    """The name given by `as`."""


@dataclass(frozen=True, slots=True)
class ValueClaim:
    """A boolean expression about one device's parameters, or a figure (`count(Download) <= 3`, `elapsed < 6h`).

    `parameters` lists the parameters that it reads and `patterns` the messages that it counts, so that the judge knows
    when to ask again.
    """

    span: Span
    expression: Expr
    parameters: tuple[Parameter, ...] = ()
    patterns: tuple[MessagePattern, ...] = ()
    figure: bool = False


@dataclass(frozen=True, slots=True)
class StateClaim:
    """`each fleet registered`, `at most 20 of all updating`."""

    span: Span
    state: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class BeliefClaim:
    """What another system believes: `acs sees PATH == v`, `portal call status(…) where body.state == "done"`."""

    span: Span
    system: str
    verb: str
    arguments: Mapping[str, Expr]
    condition: Expr
    called: bool = False
    """Whether `verb` is the name of a call, which may be any word, `sees` even."""


@dataclass(frozen=True, slots=True)
class BlockClaim:
    """`in order`, `in any order`, `one of` over claims, per device."""

    span: Span
    kind: Literal["in order", "in any order", "one of"]
    claims: tuple[MessageClaim | ValueClaim | StateClaim, ...]


Claim = MessageClaim | ValueClaim | StateClaim | BeliefClaim | BlockClaim
