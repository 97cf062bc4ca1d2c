"""What other systems believe: asked again and again while a claim is open, and put into the trace as `belief` facts.

A device's question is asked when its claim opens, after each of its sessions, at the claim's deadline, and each real
second where time is bound to real time or a quiet wire is waited for. Devices that are due at one instant are asked for
together, and one that is asked for already is asked again only when its answer is there. The trace gets what is new;
the judge reads nothing else.

The fact says `system`, and either `path`, `value` (null: not known there) and `type`, or `call`, `arguments`, `status`
and `body`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from cpescript.kernel.queue import TIMELINE, Handle, Kernel, Owner
from cpescript.kernel.trace import Record, Subject, Trace


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about one device: the values of `paths`, or the answer to a `call` with `arguments`."""

    paths: tuple[str, ...] = ()
    call: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


Facts = Sequence[Mapping[str, Any]]
"""What a system answers about one device: the data of its `belief` facts, without `system`."""


class Ask(Protocol):
    """Puts questions to a system: (device, question) pairs, device 0 for no device in particular."""

    def __call__(
        self, asked: Sequence[tuple[int, Question]], done: Callable[[Sequence[Facts] | Exception], None], /
    ) -> None: ...


class Believing:
    """One claim's questions to one system, until `close`.

    `first` is called once: with None when every device has been answered for, or with what went wrong. What goes wrong
    later is a fact with `error`, and the question stays open: a system may be away for a moment.
    """

    def __init__(
        self,
        kernel: Kernel,
        trace: Trace,
        owner: Owner,
        system: str,
        questions: Mapping[int, Question],
        ask: Ask,
        subject: Callable[[int], Subject | None],
        *,
        period: int | None,
        last: int | None,
        first: Callable[[Exception | None], None],
    ) -> None:
        self._kernel = kernel
        self._trace = trace
        self._owner = owner
        self._system = system
        self._questions = questions
        self._ask = ask
        self._subject = subject
        self._period = period
        self._last = last
        self._first: Callable[[Exception | None], None] | None = first
        self._due: dict[int, None] = {}
        self._asked = False
        self._known: dict[tuple[int, str], Mapping[str, Any]] = {}
        self._timer: Handle | None = None
        self._planned: Handle | None = None
        self._end: Handle | None = None
        self._closed = False

    def open(self) -> None:
        """Ask for every device, and again from here on."""
        self._trace.watch(["SessionEnd"], self._session_ended)
        if self._period is not None:
            self._timer = self._kernel.at(self._kernel.now + self._period, self._owner, self._tick, None, TIMELINE)
        if self._last is not None:
            self._end = self._kernel.at(self._last, self._owner, self._ask_last, None, TIMELINE)
        self._due = dict.fromkeys(self._questions)
        self._put(None)

    def close(self) -> None:
        """Ask no more; an answer that is under way is not heard."""
        self._closed = True
        self._trace.unwatch(self._session_ended)
        for handle in (self._timer, self._planned, self._end):
            if handle is not None:
                self._kernel.cancel(handle)
        self._timer = self._planned = self._end = None

    def again(self, *, at_once: bool = False) -> None:
        """Ask for every device: at the end of this instant or, where no instant ends while a wire is waited for,
        at once."""
        self._due.update(dict.fromkeys(self._questions))
        self._plan()
        if at_once and self._planned is not None:
            self._kernel.cancel(self._planned)
            self._put(None)

    def _tick(self, _: object) -> None:
        assert self._period is not None
        self._timer = self._kernel.at(self._kernel.now + self._period, self._owner, self._tick, None, TIMELINE)
        self.again()

    def _ask_last(self, _: object) -> None:
        self._end = None
        self.again()

    def _session_ended(self, record: Record) -> None:
        for device in (record.device, 0):
            if device in self._questions:
                self._due[device] = None
                self._plan()

    def _plan(self) -> None:
        if self._planned is None and not self._asked and not self._closed:
            # Behind what devices and the ACS do at this instant.
            self._planned = self._kernel.at(self._kernel.now, self._owner, self._put, None, TIMELINE)

    def _put(self, _: object) -> None:
        self._planned = None
        due, self._due = list(self._due), {}
        if not due:
            self._done([], [])
            return
        self._asked = True
        asked = [(device, self._questions[device]) for device in due]
        self._ask(asked, lambda answer: self._done(due, answer))

    def _done(self, due: Sequence[int], answer: Sequence[Facts] | Exception) -> None:
        self._asked = False
        if self._closed:
            return
        first, self._first = self._first, None
        if isinstance(answer, Exception):
            if first is not None:
                first(answer)
            else:
                self._trace.fact(None, "belief", system=self._system, error=str(answer))
            return
        for device, facts in zip(due, answer, strict=True):
            for data in facts:
                self._tell(device, data)
        if first is not None:
            first(None)
        if self._due:
            self._plan()

    def _tell(self, device: int, data: Mapping[str, Any]) -> None:
        key = (device, str(data.get("path", "")))
        if self._known.get(key) != data:
            self._known[key] = data
            self._trace.fact(self._subject(device), "belief", system=self._system, **data)
