"""What every condition of one claim shares: its window, its names, and what the judge remembers for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from cpescript.judge.facts import TraceFacts
from cpescript.judge.probes import Match, Probe
from cpescript.pattern import expression as x
from cpescript.pattern.claim import Claim, MessageClaim
from cpescript.pattern.evaluate import Capture, Scope

Taken = dict[int, tuple[int, int]]
"""Record number to (source line, instant), for messages that another claim of the block has used up."""


class Window(NamedTuple):
    """Which messages count: from instant `opens` on, with record numbers above `after`, until `closes` (None: none
    comes later than now)."""

    opens: int
    after: int = 0
    closes: int | None = None


class Unseen(dict[int, tuple[int, int]]):
    """What a claim with an upper bound takes for `everybody`: of what others took it has to see everything."""

    def __init__(self, everybody: Taken) -> None:
        super().__init__()
        self._everybody = everybody

    def __setitem__(self, n: int, by: tuple[int, int]) -> None:
        super().__setitem__(n, by)
        self._everybody[n] = by


@dataclass(slots=True)
class Setting:
    """What every condition of one claim shares."""

    facts: TraceFacts
    scope: Scope
    window: Window
    own: Mapping[int, Window]
    """The windows of devices that have one of their own (`since NAME`)."""
    taken: Taken
    line: int
    devices: int
    """How many devices the claim is about: what `as` keeps for one alone is used wherever it is named."""
    text: Callable[[Claim | x.Node], str]
    probe: Callable[[MessageClaim], Probe]
    session_of: Callable[[int], str]
    """How a device's last session ended, where that explains something: `; its last session was refused`."""
    here: Callable[[], int]
    """The number of the last record."""
    captures: dict[str, Capture] = field(default_factory=dict)

    def window_of(self, device: int) -> Window:
        """Return the window in which a device's messages count."""
        return self.own.get(device, self.window)

    def is_over(self, device: int) -> bool:
        """Whether the device's window lies in the past."""
        closes = self.window_of(device).closes
        return closes is not None and closes < self.facts.now


Together = Callable[[], Sequence[int]]
"""Returns the devices that are judged as one (`across`), as of now."""


class Condition(Protocol):
    """Whether *one device* meets a claim, as of now, and what to say if it does not.

    It is asked again after each record that concerns it (`kinds`, `states`, `paths`), and where `alarm` says that time
    alone will change it. It knows nothing of quantifiers and deadlines: `waiting.py` and `monitors.py` put those on
    top.
    """

    kinds: frozenset[str]
    states: frozenset[str]
    paths: bool
    """Whether parameters matter."""
    wide: bool
    """Whether what happens to one device may change it for another."""
    timed: bool
    """Whether time alone may change it: `alarm` says when."""
    at_close: bool
    """Whether it can be judged only when the window closes: `exactly` and `at most` N messages, `no` message."""
    lasts: bool
    """Whether it holds from instant to instant, and may break and come true again: values, states, beliefs."""
    looks_back: bool
    """Whether it sees what happened in its window before it was opened: messages, and nothing else."""

    @property
    def lost(self) -> bool:
        """Whether messages that may matter had to be forgotten, so that a miss proves nothing."""

    def known(self, device: int) -> bool:
        """Whether there is anything yet to judge by: a figure of real response times needs one."""

    def holds(self, device: int) -> bool:
        """Whether the device meets the claim now; latching is the caller's business."""

    def reached(self, device: int) -> int | None:
        """Return the number of the record at which it came true for the device, None where it is not true now."""

    def consume(self, device: int) -> Match | None:
        """The device has met the claim: take its messages, keep its captures; return the last that it was met by."""

    def heard(self, device: int) -> bool:
        """Whether anything that it speaks of has come from the device in the window."""

    def alarm(self, device: int) -> int | None:
        """Return the next instant at which it changes for the device though nothing happens, None if it does not."""

    def expected(self, device: int) -> str: ...

    def actual(self, device: int) -> str: ...

    def hint(self, device: int) -> str: ...
