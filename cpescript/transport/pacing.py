"""The rules by which virtual time moves while devices talk to an ACS on a real wire.

`VirtualPace` (the default):

1. The events of one window, counted from the first, run one after the other, and the sessions that they open share the
   wire. Events beyond the window wait until the wire is quiet: no request, no order to the ACS is outstanding.
2. A session that waits for an instant has nothing outstanding: time moves on to that instant.
3. An event of DEADLINE priority runs when the wire is quiet and `patience` real seconds have passed in which nothing
   came: what an ACS does of its own accord counts for the instant that it happens at. Any traffic starts the patience
   anew; a quiet that was served holds until there is traffic again, whatever virtual time does meanwhile, for an ACS
   that knows nothing of virtual time has had its chance.
4. A device rests `gap` real seconds between two sessions: its next request goes out when that is over, and is under
   way meanwhile. Nothing of virtual time changes by it, and others go on.
5. An ACS that is driven (`RemoteClock`) is told the instant before the events at it run, and time stops at its own
   timers on the way; there is nothing to be patient about. A window ends before the ACS's next timer.

`BoundPace` (`clock scaled`, `clock real`) binds virtual time to the wall clock: an event runs when its real moment has
come, whatever is outstanding.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from math import inf
from typing import Any, Protocol

from cpescript.kernel.queue import DEADLINE, Kernel
from cpescript.kernel.time import SECOND
from cpescript.transport.base import PATIENCE, SESSION_GAP, WINDOW

SLICE = 500
"""How many events run before the sockets are looked at again: a few milliseconds' worth."""
ASK_EVERY = 1.0
"""Real seconds between two looks at what only asking the ACS can tell (language page, claims of kind 5)."""


class Traffic(Protocol):
    """What a rule sees of the wire."""

    kernel: Kernel

    @property
    def quiet(self) -> bool:
        """Nothing is outstanding and nothing waits for room."""

    @property
    def room(self) -> bool:
        """Another session would get onto the wire at once."""

    def real(self) -> float:
        """Return the wall clock, in seconds."""

    def run_job(self, job: Coroutine[Any, Any, Any], done: Callable[[Any], object], *, stirs: bool = True) -> None: ...


class RemoteClock(Protocol):
    """The clock of an ACS that lets itself be driven."""

    async def advance(self, to: int) -> int | None:
        """Tell the ACS that it is virtual instant `to` (never less than before; it acts on the timers that are due)
        and return the instant of its next timer, None where it has none."""


class Pace(Protocol):
    """Decides which events may run now."""

    patience: float
    """Real seconds that time waits for somebody of whom nobody knows whether he will come."""
    gap: float
    """Real seconds between two sessions of a device."""

    def begin(self, wire: Traffic) -> None:
        """The run begins, or goes on after a pause."""

    def arrive(self, wire: Traffic) -> None:
        """Something comes in from the wire and is about to be handled: the clock must show the instant of it."""

    def stir(self) -> None:
        """There is traffic."""

    def pump(self, wire: Traffic) -> float | None:
        """Run what may run now. Return after how many real seconds to come again (0: as soon as the sockets were
        looked at; infinity: after traffic), None if the kernel was stopped or nothing is left to wait for."""


class VirtualPace:
    """Time jumps from event to event and stands still while the wire is busy.

    `window` is in virtual nanoseconds (0: one instant at a time), `patience` and `gap` are in real seconds, and
    patience may be changed while the run goes on. `ask`, if set, is called each real second that patience lasts.
    """

    def __init__(
        self,
        *,
        window: int = WINDOW,
        patience: float = PATIENCE,
        gap: float = SESSION_GAP,
        remote: RemoteClock | None = None,
    ) -> None:
        self.window = window
        self.patience = patience
        self.gap = gap
        self.ask: Callable[[], object] | None = None
        self.served = 0.0
        """Real seconds of patience served so far."""
        self._remote = remote
        self._end = -1
        self._quiet_since: float | None = None
        self._asked = 0.0
        self._patient = False
        self._stirred = True
        self._told = -1
        self._due: int | None = None

    def begin(self, wire: Traffic) -> None:
        self._quiet_since = None

    def arrive(self, wire: Traffic) -> None:
        """The instant is the one at which time stands."""

    def stir(self) -> None:
        self._patient = False
        self._stirred = True
        self._quiet_since = None

    def pump(self, wire: Traffic) -> float | None:
        kernel = wire.kernel
        for _ in range(SLICE):
            if kernel.stopped:
                return None
            head = kernel.peek()
            if head is None or head[0] > self._end or head[1] == DEADLINE:
                if not wire.quiet:
                    return inf
                wait = self._driven(wire, head) if self._remote is not None else self._patiently(wire, head)
                if wait != 0:
                    return wait
            elif wire.room:
                kernel.run(most=1)
            else:
                return inf
        return 0.0

    def _patiently(self, wire: Traffic, head: tuple[int, int] | None) -> float | None:
        """The wire is quiet and the window is over: let time move, or say how long to be patient still."""
        if (head is None or head[1] == DEADLINE) and not self._patient:
            left = self._patience_left(wire.real())
            if not wire.quiet:
                # The ACS has just been asked something: what it says counts before the deadline.
                return inf
            if left > 0:
                return left
            self._patient = True
            self.served += self.patience
        return self._move(wire.kernel, head)

    def _patience_left(self, real: float) -> float:
        if self._quiet_since is None:
            self._quiet_since = self._asked = real
        elif self.ask is not None and real - self._asked >= ASK_EVERY:
            self._asked = real
            self.ask()
        left = self._quiet_since + self.patience - real
        if left <= 0:
            return 0.0
        return min(left, ASK_EVERY) if self.ask is not None else left

    def _move(self, kernel: Kernel, head: tuple[int, int] | None) -> float | None:
        if head is None:
            return None
        if head[1] == DEADLINE:
            self._end = head[0]
            kernel.run(most=1)
        else:
            self._end = head[0] + self.window
            if self._due is not None and self._due > head[0]:
                self._end = min(self._end, self._due - 1)
        return 0.0

    def _driven(self, wire: Traffic, head: tuple[int, int] | None) -> float | None:
        """The same for a driven ACS: first what it has to do up to the next event."""
        kernel = wire.kernel
        if self._stirred:
            # What was on the wire may have set timers: ask before time moves.
            self._tell(wire, kernel.now)
            return inf
        if head is not None:
            to = head[0] if self._due is None or self._due <= self._told else min(head[0], self._due)
            if to > self._told:
                kernel.advance(to)
                self._tell(wire, to)
                return inf
        return self._move(kernel, head)

    def _tell(self, wire: Traffic, to: int) -> None:
        assert self._remote is not None
        self._stirred = False
        self._told = to
        wire.run_job(self._remote.advance(to), self._told_due, stirs=False)

    def _told_due(self, due: int | None) -> None:
        self._due = due


class BoundPace:
    """Virtual time runs `factor` times as fast as the wall clock, from where the kernel stands at the beginning."""

    patience = gap = 0.0
    """Time waits for nobody, and devices rest as long as they do."""

    def __init__(self, factor: float = 1.0) -> None:
        if not 0 < factor < inf:
            raise ValueError(f"time cannot run {factor:g} times as fast")
        self.factor = factor
        self._virtual = 0
        self._real = 0.0

    def begin(self, wire: Traffic) -> None:
        self._virtual, self._real = wire.kernel.now, wire.real()

    def _now(self, wire: Traffic) -> int:
        return self._virtual + int((wire.real() - self._real) * self.factor * SECOND)

    def real_of(self, instant: int) -> float:
        """Return the wall clock, in seconds, at which it is a virtual instant."""
        return self._real + (instant - self._virtual) / SECOND / self.factor

    def arrive(self, wire: Traffic) -> None:
        kernel, now = wire.kernel, self._now(wire)
        due = kernel.next_instant()
        kernel.advance(max(kernel.now, now if due is None else min(now, due)))

    def stir(self) -> None:
        """Nothing waits for quiet."""

    def pump(self, wire: Traffic) -> float | None:
        kernel, now = wire.kernel, self._now(wire)
        for _ in range(SLICE):
            if kernel.stopped:
                return None
            due = kernel.next_instant()
            if due is None:
                return None if wire.quiet else inf
            if due > now:
                return (due - now) / SECOND / self.factor
            kernel.run(most=1)
        return 0.0
