"""Reads trace files: JSON Lines, one scenario behind the other, each with its header.

A trace may be gigabytes: it is read as it is needed, and a line is bounded. What is wrong is told with its line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.kernel.time import Instant, parse_instant
from cpescript.kernel.trace import FROM_ACS, LOCAL, SCHEMA, TO_ACS, Direction

MAX_LINE = 64 * 1024 * 1024
"""Characters of a line: a body of 8 MiB, escaped."""

_DIRECTIONS: frozenset[str] = frozenset({TO_ACS, FROM_ACS, LOCAL})


class TraceError(Exception):
    """A file is no trace, or a broken one. The text names file and line."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line of a scenario says. `external`: against an ACS that is not ours."""

    scenario: str
    digest: str
    seed: int
    clock: str
    start: Instant
    params: dict[str, Any]
    case: dict[str, Any]
    external: bool
    line: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as the file has it: `device` is a name (`fleet[3]`), `http` as it was on the wire."""

    t: int
    n: int
    device: str | None
    session: int
    direction: Direction
    protocol: str
    kind: str
    http: HttpRequest | HttpResponse | None
    body: bytes | None
    data: dict[str, Any]
    wall_ns: int | None


Line = Header | Entry


def read(path: Path) -> Iterator[Line]:
    """Yield headers and records in the order of the file. Raises TraceError."""
    try:
        with path.open(encoding="utf-8", errors="strict") as file:
            yield from _lines(file, str(path))
    except OSError as error:
        raise TraceError(f"'{path}' cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise TraceError(f"'{path}' is not UTF-8: {error.reason}") from None


def _lines(file: IO[str], name: str) -> Iterator[Line]:
    number, known = 0, False
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise TraceError(f"{name}:{number}: a line longer than {MAX_LINE} characters")
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            # The last line of a run that was killed.
            if not line.endswith("\n") and known:
                return
            raise TraceError(f"{name}:{number}: no JSON: this is no trace, or a broken one") from None
        try:
            if isinstance(value, dict) and "schema" in value:
                known = True
                yield _header(value, number)
            elif known and isinstance(value, dict):
                yield _entry(value)
            else:
                raise TraceError(f"{name}:{number}: a trace begins with a header; this is no trace")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise TraceError(f"{name}:{number}: no record of a trace: {error}") from None
    if not known:
        raise TraceError(f"{name}: the trace is empty")


def _header(value: dict[str, Any], line: int) -> Header:
    if value["schema"] != SCHEMA:
        raise ValueError(f"its schema is {value['schema']}, and {SCHEMA} is read")
    return Header(
        str(value["scenario"]),
        str(value.get("digest", "")),
        int(value.get("seed", 0)),
        str(value.get("clock", "virtual")),
        parse_instant(str(value["start"])),
        dict(value.get("params") or {}),
        dict(value.get("case") or {}),
        value.get("acs") == "external",
        line,
    )


def _entry(value: dict[str, Any]) -> Entry:
    direction = value["direction"]
    if direction not in _DIRECTIONS:
        raise ValueError(f"direction '{direction}'")
    body, wall = value.get("body"), value.get("wall_ns")
    t, n = value["t"], value["n"]
    if not isinstance(t, int) or not isinstance(n, int) or t < 0:
        raise ValueError("t and n are whole numbers")
    return Entry(
        t,
        n,
        str(value["device"]) if value.get("device") is not None else None,
        int(value.get("session") or 0),
        direction,
        str(value.get("protocol") or ""),
        str(value["kind"]),
        _http(value.get("http")),
        str(body).encode("utf-8", "backslashreplace") if body is not None else None,
        dict(value.get("data") or {}),
        int(wall) if wall is not None else None,
    )


def _http(value: Any) -> HttpRequest | HttpResponse | None:
    if value is None:
        return None
    headers = tuple((str(name), str(text)) for name, text in value.get("headers", ()))
    if "status" in value:
        return HttpResponse(int(value["status"]), headers)
    return HttpRequest(headers, b"", str(value.get("method", "POST")))
