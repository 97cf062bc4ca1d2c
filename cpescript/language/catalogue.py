"""What the checker must know of the rest of the project: messages, quirks, states, profiles. Names and types only.

`Catalogue` is the protocol; `standard_catalogue()` is the one that reads the project's own tables, each when it is
first asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from cpescript.diagnostics import Bag

if TYPE_CHECKING:
    from cpescript.quirks import Quirk

Carries = Literal["nothing", "paths", "settings"]


class Schema(Protocol):
    """What the checker asks of a loaded profile (`device.schema.Schema`)."""

    def path_exists(self, path: str) -> bool: ...
    def type_of(self, path: str) -> str | None: ...
    def all_names(self) -> Iterable[str]: ...


@dataclass(frozen=True, slots=True)
class MessageType:
    """A message that a claim can name.

    `name` is canonical, `kinds` are those of the trace that it stands for, `fields` map what a `where` may ask to a
    type of the language. `carries` says whether paths, or settings too, may follow the name. `asked` are requests that
    a device answers, so that a handler may answer them. `protocol` is cwmp, usp or any.
    """

    name: str
    kinds: frozenset[str]
    fields: Mapping[str, str]
    carries: Carries = "nothing"
    asked: bool = False
    protocol: str = "cwmp"


@dataclass(frozen=True, slots=True)
class QuirkType:
    """A quirk: its parameters' types (of the language), which of them must be given, and what else it refuses.

    `refusal` says what is wrong with arguments of the right types, empty if nothing.
    """

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    refusal: Callable[[Mapping[str, Any]], str] = lambda arguments: ""


@dataclass(frozen=True, slots=True)
class SystemType:
    """What a named system's adapter can do: its verbs, whether it tells what it believes, and its calls by name, each
    with the names of what it takes (None: any call with anything)."""

    verbs: Collection[str]
    beliefs: bool = False
    calls: Mapping[str, Collection[str]] | None = None


ReadSystem = Callable[[Path], "tuple[SystemType | None, Bag]"]
"""Reads an adapter's file; None with errors in the bag. Never raises on bad input."""


class Catalogue(Protocol):
    """Everything that a scenario can name and that is not made up in it."""

    @property
    def messages(self) -> Mapping[str, MessageType]:
        """Every accepted name, abbreviations included, to its message."""

    @property
    def quirks(self) -> Mapping[str, QuirkType]: ...

    @property
    def states(self) -> Collection[str]: ...

    @property
    def faults(self) -> Collection[int]:
        """The fault codes that a device may answer."""

    def profile(self, name: str, near: Path, declared: str | None) -> tuple[Schema | None, Bag]:
        """Load a profile: the file that `declared` names, relative to the folder `near`, else by its name.

        Returns (None, empty bag) for a name that is nowhere, and never raises.
        """

    def profile_names(self, near: Path) -> Collection[str]:
        """Names of the profiles that could be meant, for suggestions."""

    def system(self, path: Path) -> tuple[SystemType | None, Bag]:
        """Read the file of a named system's adapter. Returns (None, empty bag) where nothing is known of it."""


HTTP_FIELDS = {"status": "int", "headers": "map"}
"""What `http.…` of a message gives."""

DEVICE_ATTRIBUTES = {"serial": "text", "index": "int", "cohort": "text", "number": "int", "label": "map"}
"""What `device.…` gives."""

USP_MESSAGES = (
    "Get",
    "Set",
    "Add",
    "Delete",
    "Operate",
    "GetInstances",
    "GetSupportedDM",
    "GetSupportedProtocol",
    "Register",
    "Deregister",
    "Notify",
    "NotifyResp",
    "GetResp",
    "SetResp",
    "AddResp",
    "DeleteResp",
    "OperateResp",
    "GetInstancesResp",
    "GetSupportedDMResp",
    "GetSupportedProtocolResp",
    "RegisterResp",
    "DeregisterResp",
    "Error",
)
"""The messages of TR-369 (6.1), known by name so that they can be told apart from slips of the pen."""

_XSD = {"int": "int", "unsignedInt": "int", "boolean": "bool", "dateTime": "instant", "list": "list"}
PARAMETER_TYPES = {
    "int": "int",
    "unsignedInt": "int",
    "boolean": "bool",
    "dateTime": "instant",
    "string": "text",
    "base64": "text",
}
"""A profile's types to the language's."""

_SETTINGS = frozenset({"SetParameterValues", "Inform", "GetParameterValuesResponse"})


class Standard:
    """The catalogue made of the project's own tables. Files of adapters are read by `read_system`, where that is handed
    in: the language knows no adapters."""

    read_system: ReadSystem | None = None

    def __init__(self, read_system: ReadSystem | None = None) -> None:
        self.read_system = read_system

    def system(self, path: Path) -> tuple[SystemType | None, Bag]:
        return self.read_system(path) if self.read_system is not None else (None, Bag())

    @cached_property
    def messages(self) -> Mapping[str, MessageType]:
        from cpescript.cwmp import rpcs

        found: dict[str, MessageType] = {}
        for kind, known in rpcs.MESSAGES.items():
            fields = {name: _XSD.get(type_, "text") for name, type_ in known.names.items()}
            carries: Carries = "settings" if kind in _SETTINGS else "paths" if known.paths else "nothing"
            asked = not known.response and known.sender in ("acs", "both")
            found[kind] = MessageType(kind, frozenset({kind}), fields, carries, asked)
        requests = [message for message in found.values() if message.asked]
        answers = frozenset(kind for kind, known in rpcs.MESSAGES.items() if known.response and known.sender != "cpe")
        found["Request"] = _any_of("Request", requests, asked=True)
        found["Response"] = _any_of(
            "Response",
            [found[kind] for kind in answers],
            extra=frozenset({rpcs.EMPTY, rpcs.HTTP_ERROR, rpcs.GARBAGE, rpcs.UNEXPECTED}),
        )
        found["ConnectionRequest"] = MessageType(
            "ConnectionRequest", frozenset({"ConnectionRequest"}), {"via": "text", "status": "int"}, protocol="any"
        )
        found["SessionEnd"] = MessageType("SessionEnd", frozenset({"SessionEnd"}), {"outcome": "text"}, protocol="any")
        for short, name in rpcs.ABBREVIATIONS.items():
            found[short] = found[name]
        for name in USP_MESSAGES:
            found.setdefault(name, MessageType(name, frozenset({name}), {}, protocol="usp"))
        return found

    @cached_property
    def quirks(self) -> Mapping[str, QuirkType]:
        from cpescript.quirks import catalogue

        return {name: _quirk(known) for name, known in catalogue().items()}

    @cached_property
    def states(self) -> Collection[str]:
        from cpescript.device.states import STATES

        return tuple(STATES)

    @cached_property
    def faults(self) -> Collection[int]:
        from cpescript.cwmp.rpcs import FAULTS

        return tuple(code for code in FAULTS if code >= 9000)

    def profile(self, name: str, near: Path, declared: str | None) -> tuple[Schema | None, Bag]:
        path = self._profile_path(name, near, declared)
        return (None, Bag()) if path is None else _load_profile(path.resolve())

    def _profile_path(self, name: str, near: Path, declared: str | None) -> Path | None:
        from cpescript import libraries

        if declared is not None:
            path = near / declared
            return path if path.exists() else None
        return libraries.profile(name, near)

    def profile_names(self, near: Path) -> Collection[str]:
        from cpescript import libraries

        local = {path.stem for path in near.glob("profiles/*") if not path.name.startswith(".")}
        return sorted({*libraries.names("profiles"), *local})


def _any_of(
    name: str, messages: Iterable[MessageType], *, asked: bool = False, extra: frozenset[str] = frozenset()
) -> MessageType:
    """One name for any of several messages: all their kinds, and every field that one of them has."""
    chosen = sorted(messages, key=lambda message: message.name)
    fields: dict[str, str] = {}
    for message in chosen:
        for field_name, type_ in message.fields.items():
            fields[field_name] = type_ if fields.get(field_name, type_) == type_ else "any"
    kinds = frozenset(message.name for message in chosen) | extra
    return MessageType(name, kinds, fields, "paths" if asked else "nothing", asked, "any")


def _quirk(known: Quirk) -> QuirkType:
    from cpescript.quirks import QuirkError

    def refusal(arguments: Mapping[str, Any]) -> str:
        try:
            known.make(arguments)
        except QuirkError as error:
            return str(error)
        return ""

    return QuirkType(
        known.name,
        {parameter.name: parameter.type for parameter in known.parameters},
        frozenset(parameter.name for parameter in known.parameters if parameter.required),
        refusal,
    )


@lru_cache(maxsize=64)
def _cached_profile(path: Path, changed: int) -> tuple[Schema | None, Bag]:
    from cpescript.device.profile import load

    return load(path, quirk_refusal)


def quirk_refusal(name: str, arguments: Mapping[str, Any]) -> str:
    """Return what is wrong with a quirk that a profile declares, empty if nothing."""
    from cpescript.quirks.declared import refusal

    return refusal(name, arguments)


def _load_profile(path: Path) -> tuple[Schema | None, Bag]:
    """Load a profile once per state of its file: many scenarios of a library use the same few."""
    return _cached_profile(path, os.stat(path).st_mtime_ns)


@lru_cache(maxsize=4)
def standard_catalogue(read_system: ReadSystem | None = None) -> Standard:
    """Return the catalogue of this installation; `read_system` reads the files of named systems' adapters."""
    return Standard(read_system)
