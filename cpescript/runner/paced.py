"""Measures the statements with `over` of a scenario that is bound to the wall clock: a load, and who was its limit.

Rules:

1. Each device that a statement speaks of owes one session. It is due when the statement's pacing says so (`inform`),
   or when the device is ready to call (what boots first): never when the ACS, or the wire, has room for it.
2. A session's time is counted from then. One that was due while the device's last one was still under way has waited,
   and the wait is in it.
3. What is owed and did not come, or did not end, is missing; sessions besides (retries, calls by the ACS) do not count.
   A device that was still booting when the run ended is missing, and owes the ACS nothing yet.
4. Where a boot comes first, the statement's sessions are due from the first to the last that called: the rate is
   counted from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from cpescript.kernel.time import SECOND
from cpescript.kernel.trace import Record, Trace
from cpescript.results import Latency, Paced
from cpescript.runner.limits import cpu_seconds, late_remark, limit_of
from cpescript.transport.latency import Histogram
from cpescript.transport.pacing import BoundPace

DUE_WHEN_PACED = frozenset({"inform", "send"})
"""Actions by which a device calls at once; before a session of any other there may be a boot."""

CUT = "nobody can say: the scenario ended before the statement was through"


@dataclass(slots=True, eq=False)
class Row:
    """One statement under way."""

    line: int
    place: str
    source: str
    devices: int
    seconds: float
    began: float
    cpu: float
    due: tuple[float, float] | None = None
    """The first and the last instant, in real seconds, at which a device called that had to boot first."""
    last: float = 0.0
    cpu_last: float = 0.0
    done: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    times: Histogram = field(default_factory=Histogram)
    own_delay: Histogram = field(default_factory=Histogram)


class Pacing:
    """Watches a case. `real` is the wall clock in seconds, by which `pace` binds virtual time."""

    def __init__(self, pace: BoundPace, real: Callable[[], float], now: Callable[[], int], trace: Trace) -> None:
        self.rows: list[Row] = []
        self._pace = pace
        self._real = real
        self._now = now
        self._owed: dict[int, tuple[Row, float | None]] = {}
        self._open: dict[int, tuple[Row, float]] = {}
        trace.watch(["SessionEnd"], self._ended)

    # --- what execution tells -----------------------------------------------------------------------------------------

    def begin(self, line: int, place: str, source: str, devices: int, over: int) -> Row:
        """A statement begins: `devices` sessions over so many virtual nanoseconds."""
        seconds = over / SECOND / self._pace.factor
        row = Row(line, place, source.strip(), devices, seconds, self._real(), cpu_seconds())
        self.rows.append(row)
        return row

    def owe(self, row: Row, verb: str, device: int) -> None:
        """It is this device's turn: its next session is the statement's."""
        if device in self._owed:
            # It has not come yet for the statement before: one session serves both, and is that one's.
            row.devices -= 1
            return
        due = self._pace.real_of(self._now()) if verb in DUE_WHEN_PACED else None
        self._owed[device] = (row, due)

    # --- what happens -------------------------------------------------------------------------------------------------

    def opening(self, device: int) -> None:
        """A session of this device is handed to the wire."""
        owed = self._owed.pop(device, None)
        if owed is None:
            return
        row, due = owed
        called = self._pace.real_of(self._now())
        row.own_delay.add(max(0.0, self._real() - called))
        if due is None:
            due = called
            row.due = (row.due[0] if row.due is not None else called, called)
        self._open[device] = (row, due)

    def _ended(self, record: Record) -> None:
        found = self._open.pop(record.device, None)
        if found is None:
            return
        row, due = found
        row.last, row.cpu_last = self._real(), cpu_seconds()
        outcome = record.data["outcome"]
        if outcome == "done":
            row.done += 1
            row.times.add(max(0.0, row.last - due))
        else:
            row.failed[outcome] = row.failed.get(outcome, 0) + 1

    # --- the figures --------------------------------------------------------------------------------------------------

    def result(self) -> tuple[Paced, ...]:
        """Return what has become of each statement so far, in the order in which they began."""
        reached = self._pace.real_of(self._now())
        dark = Counter(id(row) for row, due in self._owed.values() if due is None)
        return tuple(
            _paced(row, cut=reached < row.began + row.seconds, dark=dark[id(row)]) for row in self.rows if row.devices
        )


def remarks(paced: Iterable[Paced]) -> Iterator[str]:
    """Say of statements that reached their rate where the simulator was late all the same."""
    for each in paced:
        if told := late_remark(each.limit, cpu_share=each.cpu_share, late_ms=each.own_delay.p99):
            yield f"{each.place}: {told}"


def _paced(row: Row, *, cut: bool, dark: int) -> Paced:
    first, last_due = row.due if row.due is not None else (row.began, row.began)
    wanted_for = max(last_due - first, row.seconds)
    spent = max(row.last - first, wanted_for)
    share = (row.cpu_last - row.cpu) / (row.last - row.began) if row.last > row.began else 0.0
    missing = row.devices - row.done - sum(row.failed.values())
    asked, reached = row.devices / row.seconds, row.done / spent
    times, own_delay = _times("session", row.times), _times("own delay", row.own_delay)
    return Paced(
        line=row.line,
        place=row.place,
        source=row.source,
        devices=row.devices,
        asked_rate=asked,
        asked_seconds=row.seconds,
        reached_rate=reached,
        done=row.done,
        failed=dict(sorted(row.failed.items())),
        missing=missing,
        times=times,
        own_delay=own_delay,
        cpu_share=share,
        limit=CUT
        if cut
        else limit_of(
            cpu_share=share,
            late_ms=own_delay.p99,
            session_ms=times.p50,
            unserved=missing - dark + sum(row.failed.values()),
            reached=reached,
            wanted=row.devices / wanted_for,
            dark=dark,
        ),
    )


def _times(kind: str, of: Histogram) -> Latency:
    p50, p95, p99 = (of.percentile(share) * 1e3 for share in (0.50, 0.95, 0.99))
    return Latency(kind, of.count, p50, p95, p99, of.maximum * 1e3)
