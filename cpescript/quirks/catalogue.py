"""How a quirk is declared and found: its name, its parameters, where it plugs in, and what an ACS should make of it.

A quirk is a dataclass derived from `Hook`; its fields are the parameters that a scenario gives in
`inject quirk NAME(parameter: value)`, a number's bounds in its type: `Annotated[int, Range(1)]`. To add one, write the
class in the module of its hook point and put `@quirk(…)` above it: checker, catalogue and pages know it from there on.
One that always rewrites an envelope in the same way is a row of `envelope.REWRITES`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, NamedTuple, TypeVar, get_type_hints

from cpescript.cwmp.hooks import Hook, Point
from cpescript.kernel.time import Duration

ParameterType = Literal["int", "bool", "text", "duration"]

_TYPES: Mapping[type, ParameterType] = {int: "int", bool: "bool", str: "text", Duration: "duration"}
_MODULES = ("http", "soap", "envelope", "rpc", "flow", "model", "transfer", "calls")
"""Where the quirks are, in the order of `hooks.POINTS`: one module a hook point, and `envelope` for those of a row."""

_CATALOGUE: dict[str, Quirk] = {}

H = TypeVar("H", bound=Hook)


class QuirkError(ValueError):
    """The arguments do not fit the quirk; the text says which and why."""


class Range(NamedTuple):
    """What a number may be, both ends included; without `most`, anything from `least` on."""

    least: int
    most: int | None = None

    def holds(self, value: int) -> bool:
        return self.least <= value and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        return f"at least {self.least}" if self.most is None else f"{self.least} to {self.most}"


CPE_FAULTS = Range(9000, 9899)
"""The fault codes that a device may give (TR-069 A.5.1), a vendor's own from 9800 on."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a quirk. `required` where it has no default; a default is of the parameter's type.

    `range` bounds a number; of a duration it counts nanoseconds.
    """

    name: str
    type: ParameterType
    required: bool
    default: Any = None
    range: Range | None = None

    @property
    def takes(self) -> str:
        """What it takes, for people: `text`, or `int, 9000 to 9899`."""
        return self.type if self.range is None else f"{self.type}, {self.range}"


@dataclass(frozen=True, slots=True)
class Quirk:
    """An entry of the catalogue.

    `origin` is `field` where a device is known to do so, `derived` where the standard or an ACS's code suggests it.
    `good_acs` says what an ACS owes such a device.
    """

    name: str
    points: tuple[Point, ...]
    summary: str
    good_acs: str
    origin: Literal["field", "derived"]
    parameters: tuple[Parameter, ...]
    hook: type[Hook]

    def make(self, arguments: Mapping[str, Any]) -> Hook:
        """Return the hook for one device (it may count); hyphens in names are underscores there.

        Raises QuirkError for an argument that is unknown, missing, of another type, or out of range.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        values = {}
        for name, value in arguments.items():
            parameter = known.get(name.replace("-", "_"))
            if parameter is None:
                raise QuirkError(f"{self.name} has no parameter '{name}'")
            if not _fits(parameter.type, value):
                raise QuirkError(f"{name} of {self.name} is {value!r}, which is no {parameter.type}")
            if parameter.range is not None and not parameter.range.holds(value):
                raise QuirkError(f"{name} of {self.name} must be {parameter.range}, not {value}")
            values[parameter.name] = value
        for parameter in self.parameters:
            if parameter.required and parameter.name not in values:
                raise QuirkError(f"{self.name} needs '{parameter.name}'")
        hook = self.hook(**values)
        hook.name = self.name
        return hook


def _fits(kind: ParameterType, value: Any) -> bool:
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "duration":
        return isinstance(value, Duration)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, (bool, Duration))
    return isinstance(value, str)


def quirk(
    name: str, summary: str, good_acs: str, origin: Literal["field", "derived"] = "field"
) -> Callable[[type[H]], type[H]]:
    """Enter a hook into the catalogue under `name`."""

    def enter(hook: type[H]) -> type[H]:
        made = dataclass(eq=False)(hook)
        hints, bounded = get_type_hints(made), get_type_hints(made, include_extras=True)
        parameters = tuple(
            Parameter(
                field.name,
                _TYPES[hints[field.name]],
                field.default is dataclasses.MISSING,
                None if field.default is dataclasses.MISSING else field.default,
                *getattr(bounded[field.name], "__metadata__", ()),
            )
            for field in dataclasses.fields(made)  # type: ignore[arg-type]
            if field.init
        )
        points = tuple(sorted(made.points))
        _CATALOGUE[name] = Quirk(name, points, summary, good_acs, origin, parameters, made)
        return made

    return enter


def catalogue() -> Mapping[str, Quirk]:
    """Return all quirks by name, grouped by hook point."""
    for module in _MODULES:
        import_module(f"cpescript.quirks.{module}")
    return _CATALOGUE
