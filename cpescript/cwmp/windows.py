"""When a ScheduleDownload may run: its one or two time windows (TR-069 A.4.1.8, TimeWindowStruct).

Offsets are seconds from the receipt of the RPC. What a device does within a window:

| WindowMode | begins |
| --- | --- |
| 1 At Any Time | at a drawn instant of the window |
| 2 Immediately | with the window |
| 3 When Idle | at a drawn instant: whether somebody watches television is chance |
| 4 Confirmation Needed | at a drawn instant if the user confirms (profile: `transfer.confirms`), else not |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cpescript.cwmp.faults import CwmpFault
from cpescript.cwmp.message import TimeWindow
from cpescript.kernel.time import SECOND

AT_ANY_TIME, IMMEDIATELY, WHEN_IDLE, CONFIRMATION = (
    "1 At Any Time",
    "2 Immediately",
    "3 When Idle",
    "4 Confirmation Needed",
)
MODES = (AT_ANY_TIME, IMMEDIATELY, WHEN_IDLE, CONFIRMATION)
MOST_WINDOWS = 2
"""TimeWindowList holds one or two (A.4.1.8)."""
RETRIES = 3
"""How often a transfer is tried again within a window whose MaxRetries of -1 leaves that to the device."""


class Window(NamedTuple):
    """A window on the virtual clock, in nanoseconds; `retries` counts the tries after the first."""

    start: int
    end: int
    mode: str
    retries: int


def read(windows: Sequence[TimeWindow], now: int) -> tuple[Window, ...]:
    """Return the windows of a ScheduleDownload that came at `now`, in order.

    Raises CwmpFault(9003) for none or too many, an unknown mode, an empty window, or windows that overlap.
    """
    if not 1 <= len(windows) <= MOST_WINDOWS:
        raise CwmpFault(9003, f"{len(windows)} time windows; 1 or {MOST_WINDOWS} are possible")
    found: list[Window] = []
    for window in windows:
        start, end, mode, _, retries = window
        if not (isinstance(start, int) and isinstance(end, int) and isinstance(retries, int)):
            raise CwmpFault(9003, "a time window whose numbers are none")
        if not 0 <= start < end:
            raise CwmpFault(9003, f"a time window from {start} to {end}")
        if mode not in MODES:
            raise CwmpFault(9003, f"there is no window mode {mode!r}")
        if retries < -1:
            raise CwmpFault(9003, f"MaxRetries is {retries}")
        if found and now + start * SECOND < found[-1].end:
            raise CwmpFault(9003, "the time windows overlap")
        found.append(
            Window(now + start * SECOND, now + end * SECOND, mode, RETRIES if retries == -1 else retries),
        )
    return tuple(found)
