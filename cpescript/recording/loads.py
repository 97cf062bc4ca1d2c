"""Says what has changed between two loads: the reports of `cpescript load`, figure by figure.

Rules:

1. Figures stand beside each other with how many samples they are of. Whether a change means anything is the reader's to
   say; what keeps it from meaning anything is told (`limits`, `remarks`): who was the limit, what was noted then, that
   something else was asked for, that samples are few.
2. What is in one report only (a kind of message, of failure) is nothing in the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = "cpescript-load/1"
MAX_REPORT = 16 * 1024 * 1024
"""Characters of a report: a thousand times what a load writes."""
FEW = 100
"""Samples below which a 99th percentile is the slowest but one, or the slowest."""
_HEAD = 256
_FIGURES = ("p50", "p95", "p99", "max")
_ASKED: Mapping[str, str] = {
    "acs": "ACS", "profile": "profile", "devices": "devices", "arrivals": "arrivals", "rate.asked": "rate",
    "seconds.asked": "seconds", "seed": "seed",
}  # fmt: skip
"""What was asked for: where it stands, and its word."""
_SIMULATOR = "simulator"
_WHOLE = "whole session, from its due time"

Load = Mapping[str, Any]


class LoadError(Exception):
    """A file is no report of a load, or a broken one. The text names the file."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of two loads: what it is of, its name and unit; None where a report has none."""

    of: str
    name: str
    before: float | None
    after: float | None

    def as_json(self) -> dict[str, Any]:
        return {"of": self.of, "name": self.name, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class Comparison:
    figures: tuple[Figure, ...]
    limits: tuple[str, str]
    remarks: tuple[str, ...]
    """Why the figures say less than they seem to."""

    def as_json(self) -> dict[str, Any]:
        return {
            "figures": [each.as_json() for each in self.figures],
            "limit": {"before": self.limits[0], "after": self.limits[1]},
            "remarks": list(self.remarks),
        }


def is_load(path: Path) -> bool:
    """Whether a file says that it is a load's report."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return '"cpescript-load/' in file.read(_HEAD)
    except OSError:
        return False


def read(path: Path) -> Load:
    """Return a load's report. Raises LoadError."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_REPORT + 1)
    except OSError as error:
        raise LoadError(f"'{path}' cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise LoadError(f"'{path}' is not UTF-8: {error.reason}") from None
    if len(text) > MAX_REPORT:
        raise LoadError(f"'{path}' is longer than {MAX_REPORT} characters")
    try:
        load = json.loads(text)
    except (ValueError, RecursionError):
        raise LoadError(f"'{path}' is no JSON") from None
    if not isinstance(load, dict) or load.get("schema") != SCHEMA:
        raise LoadError(f"'{path}' is no report of a load, or of another version: '{SCHEMA}' is read")
    try:
        compare(load, load)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise LoadError(f"'{path}' is a broken report of a load: {type(error).__name__}: {error}") from None
    return load


def compare(before: Load, after: Load) -> Comparison:
    """Return what two reports have to say beside each other."""
    return Comparison(
        tuple(_figures(before, after)), (str(before["limit"]), str(after["limit"])), tuple(_remarks(before, after))
    )


def _figures(before: Load, after: Load) -> Iterator[Figure]:
    def both(of: str, name: str, path: str) -> Figure:
        return Figure(of, name, _number(before, path), _number(after, path))

    yield both("sessions/s", "asked", "rate.asked")
    yield both("sessions/s", "reached", "rate.reached")
    for name in ("done", "lost", "unfinished"):
        yield both("sessions", name, f"sessions.{name}")
    for kind in _keys(before["sessions"]["failed"], after["sessions"]["failed"]):
        yield both("sessions", f"failed: {kind}", f"sessions.failed.{kind}")
    yield from _times(_WHOLE, before["sessions"]["ms"], after["sessions"]["ms"])
    old, new = ({each["kind"]: each for each in load["rpcs"]} for load in (before, after))
    for kind in _keys(old, new):
        yield from _times(kind, old.get(kind, {}), new.get(kind, {}))
    yield both(_SIMULATOR, "share of a CPU", "simulator.cpu_share")
    yield both(_SIMULATOR, "p99 of its delay", "simulator.delay_ms.p99")


def _times(of: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Figure]:
    yield Figure(of, "count", _number(old, "count"), _number(new, "count"))
    for name in _FIGURES:
        # Of nothing there is no percentile.
        yield Figure(of, name, *(_number(each, name) if each.get("count") else None for each in (old, new)))
    for kind in _keys(old.get("errors", {}), new.get("errors", {})):
        yield Figure(of, f"error: {kind}", _number(old, f"errors.{kind}"), _number(new, f"errors.{kind}"))


def _keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [*old, *(each for each in new if each not in old)]


def _number(load: Mapping[str, Any], path: str) -> float:
    """Return the number at a path, 0 where there is none; raises TypeError where something else stands."""
    value = _at(load, path)
    if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
        raise TypeError(f"{path} is {value!r}")
    return value or 0


def _at(load: Mapping[str, Any], path: str) -> Any:
    first, _, rest = path.partition(".")
    # What a session failed by may hold dots.
    if rest and first in load and path not in load:
        return _at(load[first], rest)
    return load.get(path)


def _remarks(before: Load, after: Load) -> list[str]:
    found = [
        f"not the same was asked for: {word} {_at(before, path)} before, {_at(after, path)} after"
        for path, word in _ASKED.items()
        if _at(before, path) != _at(after, path)
    ]
    for name, load in (("before", before), ("after", after)):
        found += [f"{name}: {note}" for note in load["remarks"]]
    few = [kind for kind, counts in _counts(before, after).items() if 0 < min(counts) < FEW]
    if few:
        found.append(f"fewer than {FEW} samples, so that p99 is hardly more than one of them: {', '.join(few)}")
    return found


def _counts(before: Load, after: Load) -> dict[str, tuple[float, float]]:
    return {each.of: (each.before or 0, each.after or 0) for each in _figures(before, after) if each.name == "count"}


# --- text -------------------------------------------------------------------------------------------------------------


def render(found: Comparison, before: str, after: str) -> str:
    """Return a comparison as text, a block for each thing that was measured."""
    lines = [f"--- {before}", f"+++ {after}", "", f"  {'times in ms':<34}{'before':>12}{'after':>12}{'change':>10}"]
    of = ""
    for each in found.figures:
        if each.of != of:
            of = each.of
            lines.append(f"  {of}")
        lines.append(
            f"    {each.name:<32}{_shown(each.before):>12}{_shown(each.after):>12}{_change(each):>10}".rstrip()
        )
    lines += [
        "",
        *(f"  limit {name:<7} {limit}" for name, limit in zip(("before", "after"), found.limits, strict=True)),
    ]
    lines += [f"  note  {remark}" for remark in found.remarks]
    return "\n".join(lines) + "\n"


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:g}" if isinstance(value, int) else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _change(figure: Figure) -> str:
    if figure.of == _SIMULATOR or not figure.before or figure.after is None or figure.before == figure.after:
        return ""
    return f"{(figure.after - figure.before) / figure.before:+.0%}"
