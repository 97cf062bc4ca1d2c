"""Connections that outlive their sessions: a device's own, or some that all devices share.

Rules:

1. A connection is kept after a session that ended in order, while the peer leaves it open; what is kept has nothing
   outstanding. Octets that come then answer no question, and end it.
2. A device's own connection is for one place: it is closed when the device turns to another, and when it has booted.
3. Shared ones go to whoever comes next, the last used first, so that no more stay open than were needed at once. A
   device that shows a certificate shares with nobody: TLS has told the ACS whose connection it is.
4. All connections together leave some of this process's descriptors free: of the kept ones the longest idle is closed
   for one that is needed (`early` counts them).
5. A peer may close an idle connection at any time. So the first request on a kept one that dies before an octet of an
   answer is sent again on a new one (RFC 9112, 9.3.1; `anew` counts them): it opens a session, and an ACS that has
   seen it all the same finds a session that was opened twice, as after any retry. A later request of a session goes
   out again only where the ACS cannot have read it.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from cpescript.transport.options import ConnectionsKept

if TYPE_CHECKING:
    from cpescript.cwmp.manner import Manner
    from cpescript.transport.connection import Connection

RESERVE = 128
"""Descriptors that are not for sessions: listeners, files, what adapters and 32 transfers hold."""

Place = tuple[str, int, bool]
"""Host, port, and whether it is TLS."""
Whose = int | Place
"""A device by its number; or the place that shared connections lead to."""

_KEEPS: dict[ConnectionsKept, frozenset[str]] = {
    "profile": frozenset({"keep"}),
    "kept": frozenset({"session", "keep"}),
    "shared": frozenset({"session", "keep"}),
}
"""The manners of devices (`http: {connection: …}`) whose connections are kept, by what was asked for."""


def descriptors() -> int:
    """Return how many connections this process may have at once."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if allowed == resource.RLIM_INFINITY else max(0, allowed - RESERVE)


class Keeping:
    """The idle connections of a wire. `part` closes one, to that place; `most` bounds them together with those under
    way (None: as many as this process may have descriptors)."""

    def __init__(
        self, how: ConnectionsKept, part: Callable[[Connection, Place], object], most: int | None = None
    ) -> None:
        self.shared = how == "shared"
        self.anew = 0
        """Requests that were sent again, on a new connection, because one that had carried others had gone."""
        self.early = 0
        """Kept connections that were closed for want of descriptors."""
        self.most = most if most is not None else descriptors()
        self._part = part
        self._manners = _KEEPS[how]
        self._of: dict[Whose, list[Connection]] = {}
        self._idle: dict[Connection, tuple[Whose, Place]] = {}
        """Whose a connection is and where it leads, the longest idle first."""

    def __len__(self) -> int:
        return len(self._idle)

    def keeps(self, manner: Manner | None) -> bool:
        """Whether the connection of a device of that manner outlives its session."""
        return ("session" if manner is None else manner.connection) in self._manners

    def take(self, whose: Whose, place: Place | None) -> Connection | None:
        """Return somebody's connection to a place, None for none; what leads elsewhere is closed."""
        while kept := self._of.get(whose):
            connection = kept.pop()
            if not kept:
                del self._of[whose]
            _, there = self._idle.pop(connection)
            connection.lost = None
            if there == place and connection.usable:
                return connection
            self._part(connection, there)
        return None

    def give(self, whose: Whose, place: Place, connection: Connection) -> None:
        """Keep a connection that is idle."""
        self._of.setdefault(whose, []).append(connection)
        self._idle[connection] = whose, place
        connection.lost = self._forget

    def make_room(self, busy: int) -> None:
        """Close the longest idle, so that there may be another connection besides `busy` ones."""
        while self._idle and busy + len(self._idle) >= self.most:
            self.early += 1
            self._close(next(iter(self._idle)))

    def clear(self) -> None:
        """Close all of them."""
        for connection in [*self._idle]:
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        self._part(connection, self._forget(connection))

    def _forget(self, connection: Connection) -> Place:
        """Take a connection out, and return where it leads."""
        connection.lost = None
        whose, place = self._idle.pop(connection)
        kept = self._of[whose]
        kept.remove(connection)
        if not kept:
            del self._of[whose]
        return place
