"""Where things stand in the picture of an ACS's response times: a row for each kind of request, time to the right.

Pure geometry, as `picture`: numbers in, shapes out. The axis is logarithmic, for a healthy answer takes a millisecond
and a sick one ten seconds, and both have to be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from cpescript.report.picture import GUTTER, ROW, WIDTH, Tick
from cpescript.results import Latency

TOP = 24
MARGIN = 24
"""Right of the last tick, for its label."""
LEAST = 0.01
"""Milliseconds: what was quicker is drawn here."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of request: half of the answers came by `p50`, and so on; `title` says all."""

    kind: str
    y: float
    p50: float
    p95: float
    p99: float
    maximum: float
    title: str
    errors: str


@dataclass(frozen=True, slots=True)
class Times:
    """The picture."""

    width: float
    height: float
    axis_y: float
    ticks: tuple[Tick, ...]
    rows: tuple[Row, ...]
    described: str


def times(latencies: Sequence[Latency]) -> Times:
    """Return the picture of these response times; kinds without an answer have no bar, only their errors."""
    answered = [each for each in latencies if each.count]
    low = floor(log10(max(LEAST, min((each.p50 for each in answered), default=1.0))))
    high = max(low + 1, ceil(log10(max(LEAST, max((each.maximum for each in answered), default=1.0)))))

    def x(milliseconds: float) -> float:
        place = (log10(max(LEAST, milliseconds)) - low) / (high - low)
        return round(GUTTER + min(1.0, max(0.0, place)) * (WIDTH - GUTTER - MARGIN), 1)

    ticks = tuple(Tick(x(10.0**power), _label(power)) for power in range(low, high + 1))
    rows = tuple(
        Row(
            each.kind,
            TOP + number * ROW,
            x(each.p50) if each.count else 0,
            x(each.p95) if each.count else 0,
            x(each.p99) if each.count else 0,
            x(each.maximum) if each.count else 0,
            f"{each.kind}: {each.count} answers, p50 {each.p50:.1f} ms, p95 {each.p95:.1f} ms, p99 {each.p99:.1f} ms, "
            f"at most {each.maximum:.1f} ms",
            ", ".join(f"{count} {kind}" for kind, count in each.errors.items()),
        )
        for number, each in enumerate(latencies)
    )
    described = "Response times of the ACS: " + "; ".join(row.title for row in rows)
    return Times(WIDTH, TOP + len(rows) * ROW + 4, TOP - 4, ticks, rows, described)


def _label(power: int) -> str:
    milliseconds = 10.0**power
    return f"{milliseconds / 1000:g} s" if power >= 3 else f"{milliseconds:g} ms"
