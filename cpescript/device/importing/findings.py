"""What an import has found out about a device, whatever it was read from.

A `Finding` is one parameter by its concrete path. Values are as they were read; `settle` brings them to the six types
of the profile format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from cpescript.device import standard
from cpescript.device.lexical import DEFAULTS, LexicalError, Type, canonical
from cpescript.device.rows import MOST_LEAVES, path_problem

MOST_OCTETS = 64 << 20
"""A source larger than this describes no single device; the largest data model of the Broadband Forum has 4 MiB."""

TYPES: dict[str, Type] = {
    "string": "string",
    "int": "int",
    "unsignedInt": "unsignedInt",
    "boolean": "boolean",
    "dateTime": "dateTime",
    "base64": "base64",
    "base64Binary": "base64",
    "hexBinary": "string",
    "decimal": "string",
    "long": "int",
    "unsignedLong": "unsignedInt",
}
"""Types that devices and data models name, and what a profile makes of them: it has no 64-bit integers."""

_SECRET = re.compile(r"pass(word|phrase)|secret|presharedkey|wepkey|privatekey|^pin$", re.IGNORECASE)


class ImportRefused(Exception):
    """A source cannot be taken. `line` is where, 0 where that is not known; `remedy` what to do; `source` its file."""

    def __init__(self, message: str, line: int = 0, remedy: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.remedy = remedy
        self.source: Path | None = None


@dataclass(slots=True)
class Finding:
    """One parameter. `type` is as named, without a prefix; None where nobody said anything."""

    type: str | None = None
    value: str | None = None
    writable: bool | None = None


@dataclass(slots=True)
class Findings:
    """A device: its parameters by path, and its objects with whether they are writable (a table: instances can be
    added; an instance: it can be deleted). `columns` are those of tables without instances: path of the table to name
    of the column to what is known of it. `notes` say what was left out.
    """

    parameters: dict[str, Finding] = field(default_factory=dict)
    objects: dict[str, bool] = field(default_factory=dict)
    columns: dict[str, dict[str, Finding]] = field(default_factory=dict)
    forced: list[str] = field(default_factory=list)
    """Parameters that every Inform carries."""
    active: list[str] = field(default_factory=list)
    """Parameters whose notification is always active."""
    default_active: list[str] = field(default_factory=list)
    """Parameters whose notification is active until an ACS changes it."""
    notes: list[str] = field(default_factory=list)

    def parameter(self, path: str, line: int = 0) -> Finding:
        """Return what is known of a parameter, nothing yet for a new one. Raises ImportRefused for what is no path."""
        known = self.parameters.get(path)
        if known is None:
            problem = _problem(path)
            if problem is not None:
                raise ImportRefused(f"{path[:80]!r} {problem}", line)
            if len(self.parameters) >= MOST_LEAVES:
                raise ImportRefused(f"more than {MOST_LEAVES:,} parameters", line)
            known = self.parameters[path] = Finding()
        return known

    def object(self, path: str, writable: bool, line: int = 0) -> None:
        """Note an object, its path with the dot. Raises ImportRefused for what is no path."""
        if path not in self.objects:
            problem = _problem(path.removesuffix("."))
            if problem is not None:
                raise ImportRefused(f"{path[:80]!r} {problem}", line)
            if len(self.objects) >= MOST_LEAVES:
                raise ImportRefused(f"more than {MOST_LEAVES:,} objects", line)
        self.objects[path] = writable


def _problem(path: str) -> str | None:
    """Return what keeps a path from being one that a device has told, None if nothing does."""
    return "holds a placeholder, and a device has instances" if "{" in path else path_problem(path)


NOTED = 10
"""Values that a note names."""
NOTED_VALUE = 40
"""Characters of each."""


def is_secret(root: str, path: str, kind: Type) -> bool:
    """Whether a parameter's value is nothing to be written into a file: hidden by the standard, or a text called so."""
    if standard.generic(path)[len(root) :] in standard.HIDDEN.get(root, ()):
        return True
    return kind in ("string", "base64") and _SECRET.search(path.rpartition(".")[2]) is not None


def settle(findings: Findings, *, secrets: bool) -> dict[str, tuple[Type, str, bool]]:
    """Return (type, value, writable) of every parameter, in the order found, as a profile holds them.

    A value that does not fit is replaced by the type's default, a secret one too unless `secrets`; both are noted.
    """
    root = next(iter(findings.parameters), "").partition(".")[0] + "."
    settled: dict[str, tuple[Type, str, bool]] = {}
    kept_back, bent = 0, list[str]()
    for path, found in findings.parameters.items():
        kind = TYPES.get(found.type or "string", "string")
        text = found.value if found.value is not None else DEFAULTS[kind]
        if text and not secrets and is_secret(root, path, kind):
            kept_back += 1
            text = DEFAULTS[kind]
        try:
            text = canonical(kind, text)
        except LexicalError:
            if text:
                bent.append(f"{path} ({text[:NOTED_VALUE]!r} is no {kind})")
            text = DEFAULTS[kind]
        settled[path] = kind, text, bool(found.writable)
    if kept_back:
        findings.notes.append(f"values of secrets not written: {kept_back}; --secrets writes them")
    if bent:
        findings.notes.append(f"values that did not fit their types, replaced by defaults: {len(bent)}: {_some(bent)}")
    return settled


def _some(found: list[str]) -> str:
    more = f" and {len(found) - NOTED} more" if len(found) > NOTED else ""
    return ", ".join(found[:NOTED]) + more
