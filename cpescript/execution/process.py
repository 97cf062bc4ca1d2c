"""Processes: generators that the kernel resumes.

A process yields a function `arm(resume)`: whoever yields says how it is woken, by calling `resume(value)` once, now or
later. Waking always goes through the queue, so that what a process does next comes after the event that woke it, in
the kernel's order.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator, Iterable
from itertools import chain
from typing import Any

from cpescript.kernel.queue import TIMELINE, Kernel, Owner

Arm = Callable[[Callable[[Any], None]], None]
Steps = Generator[Arm, Any, None]
NOBODY: array[int] = array("Q")


class Process:
    """One branch of a scenario. `anchor` is where the window of its next claim opens."""

    __slots__ = (
        "_ended",
        "_generator",
        "_handle",
        "_kernel",
        "_met",
        "_owner",
        "_waiting",
        "acted",
        "after",
        "anchor",
        "error",
        "marked",
        "met_at",
        "name",
        "over",
        "parent",
        "stamped",
    )

    def __init__(
        self, kernel: Kernel, owner: Owner, name: str, anchor: int, after: int = 0, parent: Process | None = None
    ) -> None:
        self.name = name
        self.parent = parent
        """Whose step began it; None for a handler's, which a message begins, and for the scenario's own."""
        self.anchor = anchor
        self.after = after
        """Number of the last record before the anchor: what was said earlier in that very instant does not count."""
        self.acted = False
        """Whether the last statement was an action or a stimulus."""
        self.stamped = -1
        """Instant of the last action or stimulus, and the number of the last record before it."""
        self.marked = 0
        self.met_at = -1
        """Instant of the messages that claims were met by, and the number of the last of them for each device (device
        and number by turns, shared between processes and never written to: a large fleet meets a claim at once)."""
        self._met = NOBODY
        self.over = False
        self.error: BaseException | None = None
        self._kernel = kernel
        self._owner = owner
        self._generator: Steps | None = None
        self._ended: list[Callable[[Any], None]] = []
        self._handle: int | None = None
        self._waiting = 0

    def start(self, generator: Steps) -> None:
        """Begin at the current instant, through the queue."""
        self._generator = generator
        self._handle = self._kernel.at(self._kernel.now, self._owner, self._resume, None, TIMELINE)

    def start_now(self, generator: Steps) -> None:
        """Begin at once, inside the event that is running, and go on to where it first waits: handlers have to answer,
        and a branch is to watch what the next one does."""
        self._generator = generator
        self._resume(None)

    def go_on(self) -> None:
        """Go on at once, outside the queue: for whoever drives the kernel and stands between two events."""
        self._resume(None)

    def stop(self) -> None:
        """End the process where it stands; what it waits for is forgotten."""
        if self.over:
            return
        if self._handle is not None:
            self._kernel.cancel(self._handle)
            self._handle = None
        generator, self._generator = self._generator, None
        if generator is not None:
            generator.close()
        self._finish()

    def note_met(self, instant: int, met: array[int]) -> None:
        """A claim was met by these messages of an instant (device and record number by turns)."""
        self._note_met([(instant, met)])

    def _note_met(self, noted: Iterable[tuple[int, array[int]]]) -> None:
        """Keep those of the last instant, of each device the last; what is noted of many is looked at once."""
        noted = [(self.met_at, self._met), *noted]
        latest = max(instant for instant, _ in noted)
        found = [met for instant, met in noted if instant == latest and met]
        if len(found) > 1:
            last: dict[int, int] = {}
            for met in found:
                for device, n in _by_device(met).items():
                    last[device] = max(n, last.get(device, 0))
            found = [array("Q", chain.from_iterable(last.items()))]
        self.met_at, self._met = latest, found[0] if found else NOBODY

    def right_behind(self, instant: int, here: int) -> tuple[int, dict[int, int]]:
        """Return the number of the record that messages of this very instant count behind, and those of devices that
        have one of their own: behind what met the last claim, or the last action, else behind `here`."""
        acted = self.stamped == instant
        met = _by_device(self._met) if self.met_at == instant else {}
        least = self.marked if acted else 0
        return (self.marked if acted else here), {device: max(n, least) for device, n in met.items()}

    def follow(self, *others: Process) -> None:
        """Stand where other processes stand, in what came last."""
        self.stamped, self.marked = max((each.stamped, each.marked) for each in (self, *others))
        self._note_met((each.met_at, each._met) for each in others)

    def when_over(self, callback: Callable[[Any], None]) -> None:
        """Call `callback(process)` when it is over, at once if it is."""
        if self.over:
            callback(self)
        else:
            self._ended.append(callback)

    def _resume(self, value: Any) -> None:
        self._handle = None
        if self._generator is None:
            return
        if self.met_at != self._kernel.now:
            self._met = NOBODY  # Of no use in a later instant, and a line for each device of a fleet.
        try:
            arm = self._generator.send(value)
        except StopIteration:
            self._finish()
            return
        except Exception as error:
            # Kept, not swallowed: whoever waits for the process decides what it means.
            self.error = error
            self._finish()
            return
        self._waiting += 1
        ticket = self._waiting

        def wake(value: Any = None) -> None:
            if ticket == self._waiting and self._generator is not None and self._handle is None:
                self._handle = self._kernel.at(self._kernel.now, self._owner, self._resume, value, TIMELINE)

        arm(wake)

    def _finish(self) -> None:
        self._generator = None
        self.over = True
        callbacks, self._ended = self._ended, []
        for callback in callbacks:
            callback(self)


def _by_device(met: array[int]) -> dict[int, int]:
    return dict(zip(met[::2], met[1::2], strict=True))


def sleep(kernel: Kernel, owner: Owner, until: int, priority: int = TIMELINE) -> Arm:
    """Return what to yield to go on at instant `until`; with DEADLINE behind all else of it."""

    def arm(resume: Callable[[Any], None]) -> None:
        kernel.at(until, owner, resume, None, priority)

    return arm


def join(processes: list[Process]) -> Arm:
    """Return what to yield to go on when all of these are over."""

    def arm(resume: Callable[[Any], None]) -> None:
        open_ = [process for process in processes if not process.over]
        if not open_:
            resume(None)
            return
        left = len(open_)

        def ended(_: Any) -> None:
            nonlocal left
            left -= 1
            if not left:
                resume(None)

        for process in open_:
            process.when_over(ended)

    return arm
