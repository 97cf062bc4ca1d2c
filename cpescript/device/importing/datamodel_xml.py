"""Reads a data model of the Broadband Forum (`cwmp-datamodel`, flattened: the `-full.xml` files).

Objects are chosen by path; every `{i}` becomes as many instances as asked for. Types, access, defaults, forced-Inform
and active-notification attributes are the model's; where a parameter has no default, the first of its enumeration or
the least of its range is taken, so that a device starts with values that the model allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from lxml import etree

from cpescript.device import standard
from cpescript.device.importing.findings import TYPES, Finding, Findings, ImportRefused
from cpescript.device.importing.xml_events import elements, line_of, local
from cpescript.diagnostics import did_you_mean

_INSTANCE = re.compile(r"\{i\}\.")
_ACTIVE = {"forceEnabled": "active", "forceDefaultEnabled": "default_active"}
_PRIMITIVES = frozenset(TYPES)
_UNKNOWN_TIME = "0001-01-01T00:00:00Z"
_USUAL = {
    "ManagementServer.PeriodicInformInterval": "3600",
    "ManagementServer.CWMPRetryMinimumWaitInterval": "5",
    "ManagementServer.CWMPRetryIntervalMultiplier": "2000",
}
"""Where the least that the model allows is no sensible beginning (below the root)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is taken of a model: objects (with all below them; none: everything) and instances by generic path of the
    table (`Device.WiFi.SSID.`), `instances` of every other. Deprecated and obsolete parts only with `deprecated`.
    """

    objects: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    instances: int = 1
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class _DataType:
    """A named type: the primitive or name that it derives from, and the value that it would begin with."""

    base: str
    first: str | None


def read(path: Path, choice: Choice) -> Findings:
    """Return what a data model says of a device with the chosen objects. Raises ImportRefused."""
    types: dict[str, _DataType] = {}
    findings = Findings()
    wanted = tuple(name if name.endswith(".") else f"{name}." for name in choice.objects)
    met: set[str] = set()
    names: set[str] = set()
    for element in elements(path, {"dataType": "document", "object": "model"}):
        name = _name(element)
        if local(element) == "dataType":
            types[name] = _data_type(element)
            continue
        if element.get("base") is not None and not name:
            why = f"object {element.get('base')!r} only refines another file"
            raise ImportRefused(why, line_of(element), "take the -full.xml of the model")
        if not _alive(element, choice):
            continue
        names.add(name)
        chosen = {each for each in wanted if name.startswith(each)}
        met |= chosen
        if chosen or not wanted or any(each.startswith(name) for each in wanted):
            _take(findings, element, name, choice, types, bool(chosen) or not wanted)
    if not names:
        raise ImportRefused("it describes no object", 0, "take the -full.xml of a data model")
    missing = [each for each in wanted if each not in met]
    if missing:
        raise ImportRefused(f"the model has no object {missing[0]}", 0, did_you_mean(missing[0], names))
    findings.parameters = dict(sorted(findings.parameters.items(), key=lambda item: _order(item[0])))
    return findings


def complete(path: Path, findings: Findings) -> None:
    """Let findings from elsewhere have the columns of their empty tables from a data model. Raises ImportRefused.

    An object without anything in it is a table where the model has one of its name.
    """
    filled = {f"{each.rpartition('.')[0]}." for each in findings.parameters}
    empty: dict[str, list[str]] = {}
    for each in findings.objects:
        if each not in filled:
            empty.setdefault(f"{standard.generic(each)}{{i}}.", []).append(each)
    types: dict[str, _DataType] = {}
    objects = 0
    for element in elements(path, {"dataType": "document", "object": "model"}):
        name = _name(element)
        if local(element) == "dataType":
            types[name] = _data_type(element)
            continue
        objects += 1
        for table in empty.get(name, ()):
            findings.columns[table] = _columns(element, Choice(), types)
    if not objects:
        raise ImportRefused("it describes no object", 0, "take the -full.xml of a data model")


def _name(element: etree._Element) -> str:
    """Return the name of an object or parameter; TR-098 has one with a blank behind it."""
    return (element.get("name") or "").strip()


def _order(path: str) -> list[tuple[int, str]]:
    """Objects stay together and instances ascend; within an object parameters are in the order of the model."""
    parent = path.rpartition(".")[0]
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parent.split(".")]


def _data_type(element: etree._Element) -> _DataType:
    for child in element:
        if local(child) in _PRIMITIVES:
            return _DataType(local(child), _first(child))
    return _DataType(element.get("base") or "string", _first(element))


def _first(facets: etree._Element) -> str | None:
    """Return the value that a type's facets suggest: the first of an enumeration, the least of a range above 0."""
    for child in facets:
        if local(child) == "enumeration" and child.get("status") not in ("deprecated", "obsoleted", "deleted"):
            return child.get("value")
        if local(child) == "range":
            least = child.get("minInclusive") or "0"
            if re.fullmatch(r"[1-9][0-9]*", least):
                return least
    return None


def _take(
    findings: Findings,
    element: etree._Element,
    name: str,
    choice: Choice,
    types: Mapping[str, _DataType],
    inside: bool,
) -> None:
    """Take an object; one that only lies above a chosen one gives its place, and the counters of its tables."""
    writable = element.get("access") == "readWrite"
    table = name.endswith("{i}.")
    if table:
        for concrete in _concrete(name[: -len("{i}.")], choice):
            findings.object(concrete, writable)
    for concrete in _concrete(name, choice):
        findings.object(concrete, writable and table)
    for child in element:
        # Above what was chosen only what every Inform carries is taken: without it a device is none.
        if local(child) == "parameter" and (inside or child.get("forcedInform") == "true"):
            _take_parameter(findings, child, name, choice, types)
    if inside and table and not list(_concrete(name, choice)):
        _take_columns(findings, element, name, choice, types)


def _take_columns(
    findings: Findings, element: etree._Element, name: str, choice: Choice, types: Mapping[str, _DataType]
) -> None:
    """Note the columns of a table that has no instances, so that there is something to add."""
    for table in _concrete(name[: -len("{i}.")], choice):
        findings.columns.setdefault(table, {}).update(_columns(element, choice, types))


def _columns(element: etree._Element, choice: Choice, types: Mapping[str, _DataType]) -> dict[str, Finding]:
    columns = {}
    for child in element:
        if local(child) == "parameter" and _alive(child, choice):
            kind, value = _syntax(child, types)
            columns[_name(child)] = Finding(kind, value, child.get("access") == "readWrite")
    return columns


def _alive(element: etree._Element, choice: Choice) -> bool:
    return choice.deprecated or element.get("status") not in ("deprecated", "obsoleted", "deleted")


def _take_parameter(
    findings: Findings, element: etree._Element, prefix: str, choice: Choice, types: Mapping[str, _DataType]
) -> None:
    if not _alive(element, choice):
        return
    kind, value = _syntax(element, types)
    value = _USUAL.get(f"{prefix}{_name(element)}".partition(".")[2], value)
    writable = element.get("access") == "readWrite"
    for path in _concrete(f"{prefix}{_name(element)}", choice):
        found = findings.parameter(path)
        found.type, found.value, found.writable = kind, value, writable
        if element.get("forcedInform") == "true":
            findings.forced.append(path)
        listed = _ACTIVE.get(element.get("activeNotify") or "")
        if listed is not None:
            getattr(findings, listed).append(path)


def _syntax(element: etree._Element, types: Mapping[str, _DataType]) -> tuple[str, str | None]:
    """Return (type, value to begin with) of a parameter."""
    syntax = next((child for child in element if local(child) == "syntax"), None)
    if syntax is None:
        return "string", None
    kind, first, default, is_list = "string", None, None, False
    for child in syntax:
        name = local(child)
        if name == "default":
            default = child.get("value")
        elif name == "list":
            is_list = True
        elif name == "dataType":
            kind, first = _resolved(child.get("ref") or child.get("base") or "string", types)
            first = _first(child) or first
        elif name in _PRIMITIVES:
            kind, first = name, _first(child)
    if is_list:
        # A list is a text whatever its items are; an empty one is a list.
        return "string", default
    first = _UNKNOWN_TIME if kind == "dateTime" else first
    return kind, first if default is None else default


def _resolved(name: str, types: Mapping[str, _DataType]) -> tuple[str, str | None]:
    first: str | None = None
    for _ in range(len(types) + 1):
        known = types.get(name)
        if known is None:
            break
        first = first if first is not None else known.first
        name = known.base
    return (name if name in _PRIMITIVES else "string"), first


def _concrete(name: str, choice: Choice) -> Iterator[str]:
    """Yield a generic path with every `{i}` replaced by each of the instances asked for."""
    pieces = _INSTANCE.split(name)
    if len(pieces) == 1:
        yield name
        return
    counts = []
    table = ""
    for piece in pieces[:-1]:
        table += piece
        counts.append(choice.counts.get(table, choice.instances))
        table += "{i}."
    for numbers in product(*(range(1, count + 1) for count in counts)):
        yield "".join(f"{piece}{number}." for piece, number in zip(pieces, numbers, strict=False)) + pieces[-1]
