"""Open sessions: found by cookie, or by peer where a device keeps no cookies; dropped when they have been silent.

Nothing ticks for a session. A silent one is noticed when somebody asks for it, and those at the front of the table when
a new one is opened, so the table stays as small as the traffic.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from cpescript.acs.orders import DeviceKey
from cpescript.acs.records import DeviceRecord
from cpescript.acs.tasks import Task
from cpescript.kernel import draws


class Session:
    """One session with one device. `asked` is the task whose answer is awaited, with the message ID `number`."""

    __slots__ = ("asked", "events", "number", "peer", "record", "root", "token", "touched", "version")

    def __init__(self, record: DeviceRecord, token: str, peer: Hashable, now: int) -> None:
        self.record = record
        self.token = token
        self.peer = peer
        self.touched = now
        self.version = "1.0"
        """The namespace version of the Inform; everything that is sent has the same (3.7.4)."""
        self.root = "Device."
        self.events: tuple[str, ...] = ()
        self.number = 0
        """Message ID of the last request; IDs count from 1 in each session."""
        self.asked: Task | None = None


class Sessions:
    """The open sessions. Tokens are drawn from the seed: unguessable from outside, the same in every run."""

    def __init__(self, seed: int, idle: int) -> None:
        self._stream = draws.stream(seed, "acs:session")
        self._idle = idle
        self._opened = 0
        self._by_token: OrderedDict[str, Session] = OrderedDict()
        self._by_peer: dict[Hashable, Session] = {}
        self._by_device: dict[DeviceKey, Session] = {}

    def __len__(self) -> int:
        return len(self._by_token)

    def open(self, record: DeviceRecord, peer: Hashable, now: int) -> Session:
        """Open a session for a device; one that is open already is restarted under a new token."""
        while self._by_token:
            oldest = next(iter(self._by_token.values()))
            if now - oldest.touched <= self._idle:
                break
            self.close(oldest)
        before = self._by_device.get(record.key)
        if before is not None:
            self.close(before)
        number = self._opened = self._opened + 1
        stream = self._stream
        token = f"{draws.draw(stream, 2 * number):016x}{draws.draw(stream, 2 * number + 1):016x}"
        session = Session(record, token, peer, now)
        self._by_token[token] = self._by_peer[peer] = self._by_device[record.key] = session
        return session

    def find(self, token: str | None, peer: Hashable, now: int) -> Session | None:
        """Return the open session that a request belongs to, and note that it is alive."""
        session = self._by_token.get(token) if token is not None else self._by_peer.get(peer)
        if session is None:
            return None
        if now - session.touched > self._idle:
            self.close(session)
            return None
        if session.touched != now:
            session.touched = now
            self._by_token.move_to_end(session.token)
        return session

    def of(self, key: DeviceKey, now: int) -> Session | None:
        """Return the session that a device has open, if it is not silent for too long."""
        session = self._by_device.get(key)
        return session if session is not None and now - session.touched <= self._idle else None

    def close(self, session: Session) -> None:
        """Forget a session."""
        self._by_token.pop(session.token, None)
        if self._by_peer.get(session.peer) is session:
            del self._by_peer[session.peer]
        if self._by_device.get(session.record.key) is session:
            del self._by_device[session.record.key]
