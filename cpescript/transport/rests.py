"""How long devices rest between two sessions, in real time.

No real device is back within a millisecond of its last session, and an ACS may count on that: it may hold the device's
lock for a moment after its last answer, and turn away who comes meanwhile. In virtual time the next session of a device
may be hours away and yet begin at once.
"""

from __future__ import annotations


class Rests:
    """Devices, by their numbers, whose last session has just ended. Times are real seconds; nothing is kept of a device
    that has rested."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until: dict[int, float] = {}
        """Until when they rest, in the order in which their sessions ended."""

    def begin(self, device: int, now: float, gap: float) -> None:
        """Note that a session of a device has ended; the next one begins `gap` later or more."""
        until = self._until
        until.pop(device, None)
        while until and until[first := next(iter(until))] <= now:
            del until[first]
        if gap > 0:
            until[device] = now + gap

    def left(self, device: int, now: float) -> float:
        """Return how long a device rests still, 0 for one that does not."""
        return max(0.0, self._until.get(device, now) - now)
