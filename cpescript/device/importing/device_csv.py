"""Reads a device model as GenieACS exports it and its simulator takes it: one row a parameter or object, by header."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from cpescript.device.importing.findings import MOST_OCTETS, Findings, ImportRefused

COLUMNS = ("Parameter", "Object", "Writable", "Value", "Value type")
"""The columns that are read; what stands in any other (time stamps, notification, access list) is left."""

VIRTUAL = frozenset({"DeviceID", "Tags", "Events", "Reboot", "FactoryReset", "Downloads", "VirtualParameters"})
"""First segments of rows that an ACS adds and no device has."""

_ROOTS = ("Device", "InternetGatewayDevice")


def read(path: Path) -> Findings:
    """Return what a device model says of its device. Raises ImportRefused."""
    findings = Findings()
    rows = csv.reader(_lines(path), strict=True)
    try:
        header = next(rows, [])
        places = {name.strip(): position for position, name in enumerate(header)}
        missing = [name for name in COLUMNS if name not in places]
        if missing:
            raise ImportRefused(f"there is no column {missing[0]!r}", 1, f"the header must name {', '.join(COLUMNS)}")
        for row in rows:
            if not row:
                continue
            if len(row) < len(header):
                raise ImportRefused(f"{len(row)} fields where the header has {len(header)}", rows.line_num)
            _take(findings, {name: row[places[name]] for name in COLUMNS}, rows.line_num)
    except csv.Error as error:
        raise ImportRefused(f"this is no CSV: {error}", rows.line_num) from None
    if not findings.parameters:
        raise ImportRefused("it has no parameter", 0, f"rows begin with {' or '.join(_ROOTS)}")
    return findings


def _take(findings: Findings, row: dict[str, str], line: int) -> None:
    path = row["Parameter"].removesuffix(".")
    if path.partition(".")[0] in VIRTUAL:
        return
    writable = row["Writable"].strip().lower() in ("true", "1")
    if row["Object"].strip().lower() in ("true", "1"):
        findings.object(f"{path}.", writable, line)
        return
    found = findings.parameter(path, line)
    found.type = row["Value type"].strip().rpartition(":")[2] or None
    found.value = row["Value"]
    found.writable = writable


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file, each bounded in length, the whole bounded in size. Raises ImportRefused."""
    size = number = 0
    try:
        with path.open("rb") as stream:
            while octets := stream.readline(csv.field_size_limit()):
                number += 1
                size += len(octets)
                if size > MOST_OCTETS:
                    raise ImportRefused(f"larger than {MOST_OCTETS >> 20} MiB", number)
                try:
                    yield octets.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise ImportRefused(f"not UTF-8: {error.reason}", number, "save it as UTF-8") from None
    except OSError as error:
        raise ImportRefused(f"cannot be read: {error.strerror or error}") from None
