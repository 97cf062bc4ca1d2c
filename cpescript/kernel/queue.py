"""The event queue and the virtual clock.

Rules:

1. Time is whole nanoseconds since the scenario's start and never goes back.
2. Events of one instant run in the order (priority, owner's number, owner's own counter). No counter is global, so
   the order does not depend on how a fleet is split over processes.
3. An event is a plain call of `action(argument)`. What it raises stops the run: nothing is swallowed.
4. Cancelling is lazy: a cancelled entry stays in the heap and is skipped when its instant comes, or thrown out when
   such entries are many.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any

Handle = int
"""Names a pending event; valid until it has run or was cancelled."""

# Priorities within one instant, lowest first. Devices go before the ACS's timers so that what a device sends at an
# instant is seen by an ACS timer of that instant; deadlines come late, so that an answer at the deadline counts, and
# the end of the whole comes last. Owners of one number must not share a priority: the ACS has ACS, execution TIMELINE
# and LIMIT, the judge DEADLINE.
DEVICE = 0
ACS = 1
TIMELINE = 2
DEADLINE = 3
LIMIT = 4

TIDY_FROM = 1_000
"""Cancelled entries below which the heap is not made anew."""

_NUMBER_BITS = 28
_SEQUENCE_BITS = 30
_PRIORITY_SHIFT = _NUMBER_BITS + _SEQUENCE_BITS


class Owner:
    """Whoever schedules events: `number` orders owners within an instant, `sequence` counts its own events.

    The timeline is owner 0, devices are numbered from 1 in the order in which they are spawned.
    """

    __slots__ = ("number", "sequence")

    def __init__(self, number: int) -> None:
        self.number = number
        self.sequence = 0


class Kernel:
    """One virtual clock with its queue. `now` is the current instant in nanoseconds."""

    __slots__ = ("_cancelled", "_heap", "_stopped", "events", "now")

    def __init__(self) -> None:
        self.now = 0
        self.events = 0
        self._heap: list[tuple[int, int, Callable[[Any], object], Any]] = []
        self._cancelled: set[int] = set()
        self._stopped = False

    def at(
        self,
        when: int,
        owner: Owner,
        action: Callable[[Any], object],
        argument: Any = None,
        priority: int = DEVICE,
    ) -> Handle:
        """Run `action(argument)` at instant `when`; an instant that has passed means now."""
        sequence = owner.sequence = owner.sequence + 1
        key = priority << _PRIORITY_SHIFT | owner.number << _SEQUENCE_BITS | sequence
        heappush(self._heap, (when if when > self.now else self.now, key, action, argument))
        return key

    def cancel(self, handle: Handle) -> None:
        """Forget a pending event. Only for a handle whose event has not run."""
        cancelled, heap = self._cancelled, self._heap
        cancelled.add(handle)
        if len(cancelled) > TIDY_FROM and len(cancelled) * 4 > len(heap):
            # Keys are unique, so a heap made anew runs in the same order. In place: `run` holds on to the list.
            heap[:] = [entry for entry in heap if entry[1] not in cancelled]
            heapify(heap)
            cancelled.clear()

    @property
    def pending(self) -> int:
        """How many events wait."""
        return len(self._heap) - len(self._cancelled)

    def next_instant(self) -> int | None:
        """Return the instant of the next event, None where nothing waits."""
        heap, cancelled = self._heap, self._cancelled
        while heap and cancelled and heap[0][1] in cancelled:
            cancelled.discard(heappop(heap)[1])
        return heap[0][0] if heap else None

    def peek(self) -> tuple[int, int] | None:
        """Return (instant, priority) of the next event, None where nothing waits."""
        if self._cancelled:
            self.next_instant()  # Clears what was cancelled from the front.
        heap = self._heap
        return (heap[0][0], heap[0][1] >> _PRIORITY_SHIFT) if heap else None

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called since `run` last began."""
        return self._stopped

    def stop(self) -> None:
        """Let `run` return after the event that is being run."""
        self._stopped = True

    def run(self, until: int | None = None, most: int | None = None) -> None:
        """Run events in order up to and including instant `until` (None: until none waits), `most` of them at most, or
        until `stop`.

        The clock ends at the last event that ran; `advance` moves it further.
        """
        heap, cancelled = self._heap, self._cancelled
        self._stopped = False
        limit = until if until is not None else 1 << 100
        count = 0
        try:
            while heap and heap[0][0] <= limit:
                when, key, action, argument = heappop(heap)
                if cancelled and key in cancelled:
                    cancelled.discard(key)
                    continue
                self.now = when
                count += 1
                action(argument)
                if self._stopped or count == most:
                    return
        finally:
            self.events += count

    def advance(self, to: int) -> None:
        """Move the clock forward to instant `to` without running anything. Raises ValueError for a step back."""
        if to < self.now:
            raise ValueError(f"the clock is at {self.now}, cannot go back to {to}")
        self.now = to
