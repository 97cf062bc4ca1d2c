"""What names mean at one place of a scenario, while it is checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from cpescript.diagnostics import Span
from cpescript.language.catalogue import MessageType
from cpescript.language.types import ANY

BindingKind = Literal["param", "case", "cohort", "devices", "value", "capture", "result", "argument", "unknown"]


@dataclass(slots=True)
class Binding:
    """A bound name. `static` ones are known before running; `unknown` ones stand on a line that did not parse."""

    name: str
    kind: BindingKind
    span: Span
    type: str = ANY
    cohorts: frozenset[str] | None = None
    """For devices: the cohorts that they are of, as far as known."""
    message: MessageType | None = None
    """For a capture: what was kept."""
    fields: frozenset[str] | None = None
    """For the result of a stimulus: what it has."""
    schema: Any = None
    """For a cohort: its profile, if that loads."""
    several: bool | None = None
    """For devices: whether they are more than one, None where that is only known while running."""
    secret: bool = False
    meant: str = ""
    """What the text takes an argument without a type for: `devices`, where it stands as a target."""
    doc: str = ""
    used: bool = False
    uses: list[Span] = field(default_factory=list)

    def use(self, span: Span) -> None:
        """Note that the name is used there."""
        self.used = True
        self.uses.append(span)

    @property
    def static(self) -> bool:
        return self.kind in ("param", "case")

    @property
    def is_devices(self) -> bool:
        return self.kind in ("cohort", "devices")


class Scope:
    """Names of one block; those of the blocks around it are seen through it."""

    __slots__ = ("book", "extent", "outer", "table")

    def __init__(self, outer: Scope | None = None, extent: Span | None = None) -> None:
        self.outer = outer
        self.table: dict[str, Binding] = {}
        self.extent = extent
        """The block, as far as it is one of the text's own."""
        self.book: list[tuple[Binding, Scope]] = outer.book if outer is not None else []
        """Every binding made in any scope of the file, for those who ask for all names."""

    def find(self, name: str) -> Binding | None:
        scope: Scope | None = self
        while scope is not None:
            found = scope.table.get(name)
            if found is not None:
                return found
            scope = scope.outer
        return None

    def bind(self, binding: Binding) -> Binding | None:
        """Bind a name here, or return what it is bound to already, here or around."""
        known = self.find(binding.name)
        if known is None or known.kind == "unknown":
            self.hide(binding)
            return None
        return known

    def hide(self, binding: Binding) -> None:
        """Bind a name here, whatever it is around."""
        self.table[binding.name] = binding
        self.book.append((binding, self))

    def names(self) -> Iterator[str]:
        scope: Scope | None = self
        while scope is not None:
            yield from scope.table
            scope = scope.outer

    def root(self) -> Scope:
        scope = self
        while scope.outer is not None:
            scope = scope.outer
        return scope


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression stands: what it may name."""

    scope: Scope
    device: bool = False
    """Whether `device`, states and bare parameters have a device to be of."""
    cohorts: frozenset[str] | None = None
    """The cohorts that this device can be of, as far as known."""
    where: MessageType | None = None
    """The message whose elements may be named, inside its `where`."""
    handler: MessageType | None = None
    """The message that `message` is, in a handler."""
    claim: bool = False
    """Whether this is inside a claim, where a draw would be made anew at each asking."""
    block: str = "scenario"
    """The kind of block: file, scenario, define, with, parallel, or flow for all others."""
    procedure: bool = False
    """Whether this is inside a `define`, which sees nothing of the scenario that runs it."""
    lenient: bool = False
    """Whether a line around this did not parse, so that what should be known here may not be."""
    repeated: bool = False
    """Whether the statement may run more than once."""
    untaken: bool = False
    """Whether the profiles of the case in hand never lead here."""

    def inner(self, **changes: object) -> Place:
        """Return the place of a block inside this one, with names of its own."""
        return replace(self, scope=Scope(self.scope), **changes)  # type: ignore[arg-type]

    def of(self, cohorts: frozenset[str] | None, **changes: object) -> Place:
        """Return this place with a device of those cohorts."""
        return replace(self, device=True, cohorts=cohorts, **changes)  # type: ignore[arg-type]
