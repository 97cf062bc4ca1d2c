"""The swim lanes of a report: the timeline's statements, and the states of the devices that a reader asks about."""

from __future__ import annotations

from collections.abc import Sequence

from cpescript.kernel.trace import Record, Trace
from cpescript.results import Lane, LaneBar

MOST_CHANGES = 20_000
"""State changes that are remembered for the picture; a fleet that makes more is drawn up to there."""
MOST_ACTS = 1_000
"""The same of actions and orders to the ACS."""
MOST_DEVICES = 12
"""Device lanes drawn: those that missed a claim first."""
SHOWN = frozenset({"online", "rebooting", "downloading", "updating", "faulted"})


class StateHistory:
    """Remembers when devices entered and left the states that the picture shows."""

    def __init__(self, trace: Trace) -> None:
        self._changes: list[tuple[int, str, str, bool]] = []
        self._trace = trace
        self._acts: list[LaneBar] = []
        trace.watch(["state"], self._changed)
        trace.watch(["act", "stimulus"], self._acted)

    def _changed(self, record: Record) -> None:
        state = record.data["state"]
        if state in SHOWN and record.name is not None:
            self._changes.append((record.t, record.name, state, record.data["on"]))
            if len(self._changes) >= MOST_CHANGES:
                self._trace.unwatch(self._changed)

    def _acted(self, record: Record) -> None:
        # What takes no time is no bar of the executor's, and yet a reader looks for it first.
        data = record.data
        self._acts.append(LaneBar(data["statement"].strip(), record.t, record.t, "statement", data["line"]))
        if len(self._acts) >= MOST_ACTS:
            self._trace.unwatch(self._acted)

    def timeline(self, bars: Sequence[LaneBar]) -> Lane:
        """Return the lane of the statements, by when they began: those of the executor, and what was done at once."""
        known = {(bar.start, bar.line) for bar in bars}
        acts = dict.fromkeys(bar for bar in self._acts if (bar.start, bar.line) not in known)
        return Lane("timeline", tuple(sorted([*bars, *acts], key=lambda bar: (bar.start, bar.line or 0))))

    def lanes(self, first: Sequence[str]) -> list[Lane]:
        """Return the lanes of up to MOST_DEVICES devices, those named in `first` before others."""
        bars: dict[str, list[LaneBar]] = {name: [] for name in first[:MOST_DEVICES]}
        open_: dict[tuple[str, str], int] = {}
        for t, name, state, on in self._changes:
            if name not in bars:
                if len(bars) >= MOST_DEVICES:
                    continue
                bars[name] = []
            if on:
                open_[name, state] = t
            elif (name, state) in open_:
                bars[name].append(LaneBar(state, open_.pop((name, state)), t, "state"))
        for (name, state), start in open_.items():
            bars[name].append(LaneBar(state, start, None, "state"))
        return [Lane(name, tuple(sorted(items, key=lambda bar: bar.start))) for name, items in bars.items()]
