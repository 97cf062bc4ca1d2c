"""What execution needs of the world: the fleet that obeys, the ACS that is asked. The simulation implements it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from cpescript.execution.beliefs import Question
from cpescript.kernel.queue import Kernel
from cpescript.kernel.time import Instant
from cpescript.kernel.trace import Trace
from cpescript.pattern.evaluate import Facts
from cpescript.pattern.message import Parts


class RefusedError(Exception):
    """The ACS or its adapter refused an order, or cannot do it: the run is an error, nothing is said about the ACS."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class Paces(Protocol):
    """Measures statements that spread what they do over real time."""

    def begin(self, line: int, place: str, source: str, devices: int, over: int) -> Any:
        """A statement begins: so many devices over so many virtual nanoseconds. Returns what `owe` is told."""

    def owe(self, row: Any, verb: str, device: int) -> None:
        """It is this device's turn: its next session is the statement's."""


class World(Protocol):
    """The fleet and the ACS under test."""

    kernel: Kernel
    trace: Trace
    start: Instant
    seed: int

    @property
    def facts(self) -> Facts: ...

    def spawn(
        self,
        profile: Any,
        count: int,
        cohort: str,
        over: int = 0,
        prepare: Callable[[int], object] | None = None,
    ) -> Sequence[int]:
        """Make `count` devices of a loaded profile, let `prepare(number)` dress each, and boot them, spread evenly
        over `over` nanoseconds. Returns their numbers."""

    def act(self, verb: str, device: int, arguments: Mapping[str, Any]) -> bool:
        """Let a device do something of itself (`language.timeline.Act`, arguments worked out; send: `body`, octets).

        Returns whether there was anything to do: nothing, where what shall be ended is not there, or the device was
        taken away. Raises RefusedError where the device cannot, with the reason.
        """

    def lacks(self, system: str, verb: str) -> str:
        """Return why a system cannot be asked for `verb` (`sees` for what it believes), "" where it can."""

    def order(
        self,
        system: str,
        verb: str,
        devices: Sequence[int] | None,
        arguments: Callable[[int | None], Mapping[str, Any]],
        done: Callable[[list[Any]], None],
    ) -> None:
        """Hand the ACS one order per device (one without device for None); `done(results)` may come later.

        A result has `accepted`, `reason` and `data` (adapters.base).
        """

    def believe(
        self,
        system: str,
        devices: Sequence[int],
        question: Callable[[int], Question],
        period: int | None,
        last: int | None,
        first: Callable[[Exception | None], None],
    ) -> Callable[[], None]:
        """Ask a system what it believes of these devices (0: of no device in particular), now, after each session of
        theirs, every `period` virtual nanoseconds (None: each second of real time that a quiet wire is waited for), and
        at the instant `last`, if there is one.

        New answers become `belief` facts (`beliefs`). `first` is called when the first ones are there, with what went
        wrong or None. Returns what ends the asking. Raises RefusedError.
        """

    def be_patient(self, patience: int) -> Callable[[], None]:
        """Wait at least `patience` nanoseconds of real time for a quiet wire before a deadline is passed, until the
        function that is returned is called."""

    def answer_hook(
        self, device: int, ask: Callable[[int, Any], Sequence[tuple[str, Mapping[str, Any]]]]
    ) -> Callable[[], None]:
        """Let `ask(device, message)` decide each answer of the device to an RPC; returns what takes the hook away.

        `ask` returns (kind, arguments) pairs as in `language.timeline.Answer`, none for the device's own answer.
        """

    def follow(self, device: int, parts: Parts, partial: bool) -> None:
        """Announce the values of what a path names, now and at each change from here on (0: of every device, of those
        to come as well)."""
