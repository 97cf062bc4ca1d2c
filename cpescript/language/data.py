"""Data beside a scenario: what `csv`, `json` and `file` read when the scenario is checked, bounded in every way."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any, NoReturn

from cpescript.pattern.kinds import Row

MAX_DATA = 16 * 1024 * 1024
"""Largest file, in octets: a line for each of 200,000 devices."""
MAX_LEVELS = 50
"""Deepest nest of lists and maps."""


def read_text(path: Path) -> str:
    """Return a regular file's text. Raises OSError, and ValueError with a line of why not."""
    if path.exists() and not path.is_file():
        raise ValueError("it is no regular file")
    with path.open("rb") as file:
        octets = file.read(MAX_DATA + 1)
    if len(octets) > MAX_DATA:
        raise ValueError(f"it is larger than {MAX_DATA // 1024 // 1024} MiB")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"octet {error.start} is not UTF-8") from None


def _csv(text: str) -> list[Row]:
    """Return the rows of a table as mappings by its first line. Raises ValueError for a row that does not fit it."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    names: list[str] | None = None
    try:
        for row in reader:
            if not row:
                continue
            if names is None:
                names = [name.strip() for name in row]
                _headings(names)
            elif len(row) != len(names):
                message = f"line {reader.line_num} has {len(row)} values, the heading has {len(names)}"
                raise ValueError(message)
            else:
                rows.append(Row(zip(names, row, strict=True)))
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None
    if names is None:
        raise ValueError("its first line, the heading, is missing")
    return rows


def _headings(names: list[str]) -> None:
    for index, name in enumerate(names):
        if not name:
            raise ValueError(f"column {index + 1} has no heading")
        if name in names[:index]:
            raise ValueError(f"two columns are called '{name}'")


def _json(text: str) -> Any:
    """Return a JSON value. Raises ValueError."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        value = None
        levels = MAX_LEVELS + 1
    else:
        levels = _levels(value)
    if levels > MAX_LEVELS:
        raise ValueError(f"it nests deeper than {MAX_LEVELS} levels")
    return value


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _levels(value: Any) -> int:
    """Return how deep lists and maps nest; stops counting beyond `MAX_LEVELS`."""
    level, layer = 0, [value]
    while layer and level <= MAX_LEVELS:
        layer = [
            item
            for each in layer
            if isinstance(each, (list, dict))
            for item in (each.values() if isinstance(each, dict) else each)
        ]
        level += 1
    return level


DATA: Mapping[str, Callable[[str], Any]] = {"csv": _csv, "json": _json, "file": str}
"""Function of the language to what makes a value of a file's text; ValueError where it cannot."""
