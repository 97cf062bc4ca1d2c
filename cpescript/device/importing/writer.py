"""Writes what an import has found as a profile: loadable, formatted, with the blocks that a device needs to be run.

A table whose instances are all alike becomes one `objects` row; otherwise each instance has rows of its own, below a
table without instances, which says what an instance that is added has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cpescript.device import standard
from cpescript.device.importing.findings import TYPES, Findings, settle
from cpescript.device.lexical import DEFAULTS, Type, canonical
from cpescript.device.placeholders import expansion

Settled = Mapping[str, tuple[Type, str, bool]]
"""Path to (type, value, writable)."""

Column = tuple[Type, str, bool]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _/+-]*")
_RESERVED = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
_UNPRINTABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")

IDENTITY = {
    "manufacturer": ("DeviceInfo.Manufacturer", "Imported"),
    "oui": ("DeviceInfo.ManufacturerOUI", "00D0EE"),
    "productClass": ("DeviceInfo.ProductClass", ""),
    "serialNumber": ("DeviceInfo.SerialNumber", ""),
}
"""Where a device's identity stands below its root, and what stands there where nothing was found ("": the name)."""


@dataclass(slots=True)
class _Table:
    """A table: its instances, ascending, and whether an ACS can add to it."""

    path: str
    numbers: list[int]
    open: bool


def render(findings: Findings, name: str, origin: str, *, secrets: bool = False) -> str:
    """Return the text of a profile called `name`. `origin` says in the header what it was made from."""
    settled = dict(settle(findings, secrets=secrets))
    root = next(iter(settled)).partition(".")[0] + "."
    for path, (kind, default) in _identity(root, name).items():
        _, value, writable = settled.get(path, (kind, "", False))
        settled[path] = "string", value or default, writable
    tables = _tables(findings, settled)
    _count(settled, tables)
    shaped = _shaped(findings, settled, tables)
    rows = list(_rows(findings, settled, shaped))
    lines = [f"# {name}: imported from {origin}.", ""]
    lines += _blocks(findings, settled, root, shaped)
    lines += rows
    return "\n".join(lines) + "\n"


def _identity(root: str, name: str) -> dict[str, tuple[Type, str]]:
    return {root + path: ("string", value or name.upper()) for path, value in IDENTITY.values()}


# --- tables -----------------------------------------------------------------------------------------------------------


def _tables(findings: Findings, settled: Settled) -> dict[str, _Table]:
    """Return every table: an object with numbered children, or one without any whose columns are known."""
    found: dict[str, _Table] = {}
    for path in settled:
        parts = path.split(".")
        for position in range(1, len(parts) - 1):
            if parts[position].isdecimal():
                table = ".".join(parts[:position]) + "."
                known = found.setdefault(table, _Table(table, [], findings.objects.get(table, False)))
                if int(parts[position]) not in known.numbers:
                    known.numbers.append(int(parts[position]))
    for table in findings.columns:
        if table not in found and not table.rstrip(".").rpartition(".")[2].isdecimal():
            found[table] = _Table(table, [], findings.objects.get(table, False))
    for known in found.values():
        known.numbers.sort()
    empty = [
        path
        for path, writable in findings.objects.items()
        if writable and path not in found and not any(each.startswith(path) for each in settled)
    ]
    if empty:
        shown = ", ".join(empty[:3]) + (", …" if len(empty) > 3 else "")
        findings.notes.append(
            f"{len(empty)} empty tables were left out, as nobody knows their columns: {shown}; --model may know them"
        )
    return found


def _count(settled: dict[str, Column], tables: Mapping[str, _Table]) -> None:
    """Let what counts the instances of a table say how many there are."""
    for table in tables.values():
        path = table.path[:-1] + "NumberOfEntries"
        if path in settled and settled[path][0] == "unsignedInt":
            settled[path] = "unsignedInt", str(len(table.numbers)), settled[path][2]


Instances = Mapping[str, Mapping[str, Column]]
"""Instance (its path with the dot) to its parameters by their path within it, without those of tables within."""


def _instances(settled: Settled) -> Instances:
    found: dict[str, dict[str, Column]] = {}
    for path, column in settled.items():
        parts = path.split(".")
        last = max((position for position, part in enumerate(parts) if part.isdecimal()), default=0)
        if last:
            instance = ".".join(parts[: last + 1]) + "."
            found.setdefault(instance, {})[".".join(parts[last + 1 :])] = column
    return found


def _alike(instances: Instances, table: _Table) -> Mapping[str, Column] | None:
    """Return the columns of a table whose instances are 1, 2, … and all the same, None for any other."""
    if not table.numbers or table.numbers != list(range(1, len(table.numbers) + 1)):
        return None
    first, *rest = (instances.get(f"{table.path}{number}.", {}) for number in table.numbers)
    if not first or any(each != first for each in rest) or any("{" in value for _, value, _ in first.values()):
        return None
    return first


# --- rows -------------------------------------------------------------------------------------------------------------


class _Shaped(NamedTuple):
    """A table as it is written: the columns of its instances, and how many of them it makes (0: they have rows)."""

    table: _Table
    columns: Mapping[str, Column]
    instances: int


def _shaped(findings: Findings, settled: Settled, tables: Mapping[str, _Table]) -> list[_Shaped]:
    """Return the tables that a profile can have: one whose instances hold nothing but other objects is none."""
    instances = _instances(settled)
    found = []
    for table in tables.values():
        columns, count = _alike(instances, table), len(table.numbers)
        if columns is None:
            columns, count = _template(findings, instances, table), 0
        if columns:
            found.append(_Shaped(table, columns, count))
    return found


def _rows(findings: Findings, settled: Settled, shaped: list[_Shaped]) -> Iterator[str]:
    taken = {
        f"{each.table.path}{number}.{name}"
        for each in shaped
        if each.instances
        for number in each.table.numbers
        for name in each.columns
    }
    groups: dict[str, list[str]] = {}
    for path, column in settled.items():
        if path not in taken:
            prefix, _, leaf = path.rpartition(".")
            groups.setdefault(prefix, []).append(_row(leaf, *column))
            if expansion(column[1], {}) is not None:
                findings.notes.append(f"{path} holds braces that a profile fills in: {column[1][:60]}")
    yield "groups:"
    for prefix, rows in groups.items():
        yield f"  - prefix: {prefix}"
        yield "    parameters:"
        yield from rows
    # Tables with rows of their own stand first, as their instances do when the profile is read: so what is served of it
    # and imported again has the same order.
    if shaped:
        yield ""
        yield "objects:"
    for table, columns, count in sorted(shaped, key=lambda each: each.instances > 0):
        yield f"  - path: {table.path[:-1]}"
        if count:
            yield f"    instances: {count}"
        yield "    parameters:"
        yield from (_row(name, *column) for name, column in columns.items())


def _template(findings: Findings, instances: Instances, table: _Table) -> dict[str, Column]:
    """Return what an instance that is added has: the columns of the first, with the values of their types."""
    if table.numbers:
        first = instances.get(f"{table.path}{table.numbers[0]}.", {})
        return {name: (kind, DEFAULTS[kind], writable) for name, (kind, _, writable) in first.items()}
    columns = {}
    for name, found in findings.columns.get(table.path, {}).items():
        kind = TYPES.get(found.type or "string", "string")
        text = found.value if found.value is not None else DEFAULTS[kind]
        try:
            text = canonical(kind, text)
        except ValueError:
            text = DEFAULTS[kind]
        columns[name] = kind, text, bool(found.writable)
    return columns


def _row(path: str, kind: Type, value: str, writable: bool) -> str:
    parts = [f"path: {path}"]
    if kind != "string":
        parts.append(f"type: xsd:{kind}")
    if value != DEFAULTS[kind]:
        parts.append(f"value: {_scalar(value)}")
    if writable:
        parts.append("writable: true")
    return f"      - {{{', '.join(parts)}}}"


def _scalar(text: str) -> str:
    """Return a text as YAML reads it back: as it is where that is beyond doubt, else in double quotes."""
    if _PLAIN.fullmatch(text) and text == text.strip() and text.lower() not in _RESERVED:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


# --- blocks -----------------------------------------------------------------------------------------------------------


def _blocks(findings: Findings, settled: Settled, root: str, shaped: list[_Shaped]) -> list[str]:
    server = f"{root}ManagementServer."

    def has(path: str, kind: Type) -> bool:
        return path in settled and settled[path][0] == kind and settled[path][2]

    lines = ["deviceIdPaths:", *(f"  {key}: {root}{path}" for key, (path, _) in IDENTITY.items()), ""]
    lines += ["fleet:", '  serialPattern: "{base}-{i}"', ""]
    told = [path for path in (f"{root}DeviceInfo.SoftwareVersion", f"{server}ConnectionRequestURL") if path in settled]
    if told:
        lines += ["informParameters:"]
        for event in ("bootstrap", "boot"):
            lines += [f"  {event}:", *(f"    - {path}" for path in told)]
        lines += [""]
    if has(f"{server}PeriodicInformInterval", "unsignedInt") and has(f"{server}PeriodicInformEnable", "boolean"):
        lines += ["periodicInformPaths:"]
        lines += [f"  interval: {server}PeriodicInformInterval", f"  enable: {server}PeriodicInformEnable"]
        if has(f"{server}PeriodicInformTime", "dateTime"):
            lines += [f"  time: {server}PeriodicInformTime"]
        lines += [""]
    if has(f"{server}Username", "string") and has(f"{server}Password", "string"):
        lines += ["acsCredentialPaths:", f"  username: {server}Username", f"  password: {server}Password", ""]
    asked = [f"{server}ConnectionRequest{leaf}" for leaf in ("Username", "Password")]
    if all(has(path, "string") for path in asked):
        lines += ["connectionRequest:", "  scheme: digest", "  realm: cpe"]
        lines += [f"  usernameParameter: {asked[0]}", f"  passwordParameter: {asked[1]}", ""]
    version = f"{root}DeviceInfo.SoftwareVersion"
    if version in settled and settled[version][0] == "string":
        lines += ["transfer:", "  firmware:", f"    versionPath: {version}", ""]
    return lines + _extension(findings, settled, root, shaped)


def _extension(findings: Findings, settled: Settled, root: str, shaped: list[_Shaped]) -> list[str]:
    known = standard.FORCED_INFORM.get(root, ())
    forced = [path for path in findings.forced if path[len(root) :] not in known and path in settled]
    active = [path for path in findings.active if path[len(root) :] not in standard.FORCED_ACTIVE]
    default = [path for path in findings.default_active if path[len(root) :] not in standard.DEFAULT_ACTIVE]
    fixed = [each.table.path for each in shaped if not each.table.open]
    listed = {
        "default_active": [path for path in default if path in settled],
        "forced_active": [path for path in active if path in settled],
        "forced_inform": forced,
        "read_only_tables": sorted(fixed),
    }
    lines = []
    for key, paths in listed.items():
        if paths:
            lines += [f"  {key}:", *(f"    - {path}" for path in paths)]
    return ["x-cpescript:", *lines, ""] if lines else []
