"""The timeline: what a checked scenario means, ready to be run. The seam between the language and execution.

A `Timeline` is one test case: one scenario with its parameters worked out and its matrix expanded. Everything that can
be known before running is known here: durations are nanoseconds, message names are canonical, settings are typed,
profiles are loaded, and `interest` says which messages, states and parameters the judge will ever want to see.

Steps are frozen and carry their span. Nothing here runs anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cpescript.diagnostics import Span
from cpescript.kernel.time import DAY, DEFAULT_START, SECOND, Duration, Instant, Size, TimeOfDay
from cpescript.pattern.claim import BeliefClaim as BeliefClaim
from cpescript.pattern.claim import BlockClaim as BlockClaim
from cpescript.pattern.claim import Claim as Claim
from cpescript.pattern.claim import MessageClaim as MessageClaim
from cpescript.pattern.claim import Quantifier as Quantifier
from cpescript.pattern.claim import StateClaim as StateClaim
from cpescript.pattern.claim import ValueClaim as ValueClaim
from cpescript.pattern.expression import Expr, MessagePattern, PathPattern, Target

DEFAULT_LIMIT = Duration(7 * DAY)
DEFAULT_PATIENCE = Duration(2 * SECOND)


# --- steps -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One statement. `span` covers its first logical line; `source` is that line's text, stripped."""

    span: Span
    source: str


@dataclass(frozen=True, slots=True)
class Spawn(Step):
    """`body` are the statements of `with:`, run once per device with `device` bound."""

    count: Expr
    profile: str
    cohort: str
    over: Expr | None = None
    body: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Act(Step):
    """Something that devices do of themselves.

    `verb`: stop, reboot, factory-reset, power-on, power-off, power-cycle, inform, set, add, delete, inject-quirk,
    inject-fault, remove-quirk, remove-fault, clear, send, start-telemetry, stop-telemetry; in a `with:` block also
    label, serial, protocol, transport. `arguments` by verb: inform `event`; set `settings` (a tuple of pairs
    (PathPattern, Expr)); add/delete `path`; inject/remove `name` (str) and `arguments` (a mapping of str to Expr),
    inject `duration`; power-cycle `duration`; stop `abruptly` (bool); send `file` (str); label `name`, `value`.
    """

    verb: str
    target: Target
    arguments: Mapping[str, Any] = field(default_factory=dict)
    over: Expr | None = None


@dataclass(frozen=True, slots=True)
class Stimulus(Step):
    """An order to an ACS (`system` "acs") or to another named system.

    `verb`: set, get, add, delete, download, upload, reboot, factory-reset, connect, operate, forget, call.
    `arguments` by verb: set `settings`; get `paths`; add/delete `path`; download `firmware` or `file_type` and `url`;
    upload `file_type` and `url`; operate `command` and `inputs`; call `name` and `inputs` (a mapping of str to Expr).
    """

    system: str
    verb: str
    target: Target | None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    capture: str | None = None


@dataclass(frozen=True, slots=True)
class Expect(Step):
    """`expect`, `check` (soft) and `wait until CLAIM` (precondition).

    `within` and `lasting` (for) are expressions of a Duration. `since` is "start" or a captured name. `on` is None
    where the claim carries its own devices implicitly (`elapsed < 6h`).
    """

    mode: Literal["expect", "check", "wait"]
    claim: Claim
    quantifier: Quantifier
    on: Target | None
    within: Expr | None = None
    lasting: Expr | None = None
    since: str | None = None
    unless: tuple[Claim, Target | None] | None = None
    patience: Expr | None = None
    identity: int = 0
    """A number unique in the timeline; the judge keeps what this claim may need under it."""


@dataclass(frozen=True, slots=True)
class Monitor(Step):
    """`always`, `never`, `sometimes`."""

    mode: Literal["always", "never", "sometimes"]
    claim: Claim
    quantifier: Quantifier
    on: Target | None
    until: tuple[Claim, Target | None] | None = None
    identity: int = 0


@dataclass(frozen=True, slots=True)
class Wait(Step):
    """`wait 30m` (`duration`) or `wait until 02:00` (`moment`)."""

    duration: Expr | None = None
    moment: TimeOfDay | None = None


@dataclass(frozen=True, slots=True)
class Handler(Step):
    """`on every|first MESSAGE of T:`; within `body`, `device` and `message` are bound."""

    which: Literal["every", "first"]
    pattern: MessagePattern
    on: Target
    body: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Answer(Step):
    """`answer …` and `drop connection`, in a handler's body.

    `kind`: fault (`code`, `text`, `parameter`), after (`delay`), with (`file`), nothing, drop.
    """

    kind: Literal["fault", "after", "with", "nothing", "drop"]
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Repeat(Step):
    """`repeat 5:` (`count`) or `repeat every 10m for 24h:` (`every`, `lasting`)."""

    body: tuple[Step, ...]
    count: Expr | None = None
    every: Expr | None = None
    lasting: Expr | None = None


@dataclass(frozen=True, slots=True)
class ForEach(Step):
    """`for d in fleet:` (one after the other) or `for each d in fleet:` (all at once), over a target or a list."""

    name: str
    over: Target | Expr
    together: bool
    body: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Parallel(Step):
    """Each statement of `body` is a branch."""

    body: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Background(Step):
    name: str
    body: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class At(Step):
    """`at 02:00:` (`moment`) or `at +30m:` (`delay`): in the background from then on."""

    body: tuple[Step, ...]
    moment: TimeOfDay | None = None
    delay: Expr | None = None


@dataclass(frozen=True, slots=True)
class If(Step):
    """The first branch whose condition holds; the last may have None (`else`). `heads` are the branches' own lines."""

    branches: tuple[tuple[Expr | None, tuple[Step, ...]], ...]
    heads: tuple[tuple[Span, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Let(Step):
    """Binds a value or a target (worked out here and now)."""

    name: str
    value: Expr | Target


@dataclass(frozen=True, slots=True)
class Note(Step):
    text: Expr


@dataclass(frozen=True, slots=True)
class Fail(Step):
    why: Expr


@dataclass(frozen=True, slots=True)
class Do(Step):
    """Runs a procedure; arguments are bound by name."""

    procedure: str
    arguments: Mapping[str, Expr | Target]


# --- the whole -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Procedure:
    """A `define`: `defaults` for the arguments that have one; `final` are the statements of its `finally:`."""

    name: str
    parameters: tuple[str, ...]
    defaults: Mapping[str, Expr]
    body: tuple[Step, ...]
    final: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class ParamValue:
    """A parameter of the file as this case has it; `secret` ones are masked wherever they are shown."""

    name: str
    value: Any
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Interest:
    """What of the trace the judge and the handlers can ever want."""

    kinds: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    parameters: tuple[PathPattern, ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """One case of one scenario. `seed` None: drawn by the runner and reported."""

    name: str
    case: Mapping[str, Any]
    """The matrix's values for this case, by loop name; empty without a matrix."""
    file: str
    docstring: str
    tags: tuple[str, ...]
    seed: int | None
    limit: Duration
    clock: Literal["virtual", "scaled", "real"]
    scale: float
    starts_at: Instant | None
    """None: 2026-01-01T00:00:00Z with the embedded ACS, else the wall clock's."""
    zone: str
    patience: Duration
    policy: str | None
    """Path of the embedded ACS's policy file, absolute."""
    firmware: Mapping[str, Size]
    skip: str | None
    """The reason, where the scenario is to be skipped."""
    expected_to_fail: str | None
    params: tuple[ParamValue, ...]
    profiles: Mapping[str, Any]
    """Profile name to loaded `cpescript.device.schema.Schema`."""
    procedures: Mapping[str, Procedure]
    body: tuple[Step, ...]
    final: tuple[Step, ...]
    interest: Interest
    sources: Mapping[str, str]
    """File name to text, for every file that a span may name."""
    digest: str
    """SHA-256 over the texts that the scenario was made of."""
    systems: Mapping[str, str | None] = field(default_factory=dict)
    """Named system (`acs portal = "portal.yaml"`) to its adapter's file, absolute; None: from the configuration."""
    sizes: frozenset[str] = frozenset()
    """The params that a `spawn`'s count is made of: what a smaller fleet is asked for by."""

    @property
    def title(self) -> str:
        """The scenario's name, with the case's values where it has a matrix."""
        values = ", ".join(f"{name}={value}" for name, value in self.case.items())
        return f"{self.name} [{values}]" if values else self.name

    @property
    def start(self) -> Instant:
        return self.starts_at if self.starts_at is not None else DEFAULT_START
