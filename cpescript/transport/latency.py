"""Real response times of an ACS, kept in bounded histograms: what a report shows as p50, p95, p99 and maximum.

A bucket is the leading seven bits of the time in microseconds, so a percentile is at most 1.6 % off and a histogram
has a few hundred buckets at most, however long a run goes on. The maximum is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

_BITS = 7


class Histogram:
    """Counts of durations."""

    __slots__ = ("_buckets", "count", "maximum")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self.count = 0
        self.maximum = 0.0

    def add(self, seconds: float) -> None:
        microseconds = int(seconds * 1e6)
        shift = microseconds.bit_length() - _BITS
        if shift > 0:
            microseconds = microseconds >> shift << shift
        self._buckets[microseconds] = self._buckets.get(microseconds, 0) + 1
        self.count += 1
        if seconds > self.maximum:
            self.maximum = seconds

    def percentile(self, share: float) -> float:
        """Return the least recorded duration, in seconds, that `share` (0 to 1) of all do not exceed; 0 if none."""
        rank, seen = max(1, ceil(share * self.count)), 0
        for microseconds in sorted(self._buckets):
            seen += self._buckets[microseconds]
            if seen >= rank:
                return microseconds / 1e6
        return 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Response times to one kind of request in milliseconds, and how often none (or an error status) came, by kind."""

    kind: str
    count: int
    p50: float
    p95: float
    p99: float
    maximum: float
    errors: Mapping[str, int]


class Latencies:
    """Response times and errors by the kind of the request."""

    __slots__ = ("errors", "times")

    def __init__(self) -> None:
        self.times: dict[str, Histogram] = {}
        self.errors: dict[str, dict[str, int]] = {}

    def add(self, kind: str, seconds: float) -> None:
        """Count a response that came after `seconds`."""
        histogram = self.times.get(kind)
        if histogram is None:
            histogram = self.times[kind] = Histogram()
        histogram.add(seconds)

    def error(self, kind: str, what: str) -> None:
        """Count a failure (`timeout`, `cut`, …) or an HTTP status of 400 and above (`500`)."""
        errors = self.errors.setdefault(kind, {})
        errors[what] = errors.get(what, 0) + 1

    def figures(self) -> tuple[Figures, ...]:
        """Return what was found, ordered by kind."""
        return tuple(
            Figures(
                kind,
                histogram.count,
                histogram.percentile(0.50) * 1e3,
                histogram.percentile(0.95) * 1e3,
                histogram.percentile(0.99) * 1e3,
                histogram.maximum * 1e3,
                dict(self.errors.get(kind, {})),
            )
            for kind in sorted({*self.times, *self.errors})
            for histogram in (self.times.get(kind) or Histogram(),)
        )
