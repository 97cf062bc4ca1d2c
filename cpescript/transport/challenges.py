"""Challenges that callers have yet to answer: virtual time waits for them, and for nobody for good.

A call is a conversation: 401, and the call again with a proof, or for another credential. It counts at the instant at
which it began, however slow the caller is. Rules:

1. The challenge of a device holds time until a call of that device is let in, or until the caller's time is up. More
   challenges in between prolong nothing.
2. A device whose challenge nobody answered in time holds time no more, until a call of it is let in.
3. After `MOST_UNANSWERED` of those in a row nobody does, until any call is let in: an ACS that knows no password, and
   somebody who has found out all paths, cost a run so many times the patience, however many devices it has.
"""

from __future__ import annotations

MOST_UNANSWERED = 8
"""Devices that may be called in vain before nobody waits for callers: at a patience of 2 s that is a quarter of a
minute, and an ACS that knows all but a few passwords lets others in meanwhile."""


class Challenges:
    """The open challenges of a fleet, true while there is one. Times are real seconds."""

    __slots__ = ("_in_a_row", "_open", "_unanswered")

    def __init__(self) -> None:
        self._open: dict[str, float] = {}
        """By path: until when time waits for its caller."""
        self._unanswered: set[str] = set()
        self._in_a_row = 0

    def __bool__(self) -> bool:
        return bool(self._open)

    def put(self, path: str, until: float) -> bool:
        """Note that a device has challenged a caller; returns whether time waits now that did not before."""
        if path in self._open or path in self._unanswered or self._in_a_row >= MOST_UNANSWERED:
            return False
        self._open[path] = until
        return True

    def met(self, path: str) -> None:
        """Note that a call of a device was let in."""
        self._open.pop(path, None)
        self._unanswered.discard(path)
        self._in_a_row = 0

    def give_up(self, now: float) -> bool:
        """Wait no more for callers whose time is up; returns whether there were any."""
        late = [path for path, until in self._open.items() if until <= now]
        for path in late:
            del self._open[path]
        self._unanswered.update(late)
        self._in_a_row += len(late)
        return bool(late)
