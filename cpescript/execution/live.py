"""An executor whose statements come one at a time, from outside: what a Python author's calls are run by.

It walks the same steps with the same functions as a scenario's; the only difference is who says what comes next. So a
test in Python and the scenario of the same statements leave the same trace.
"""

from __future__ import annotations

from collections.abc import Callable

from cpescript.execution.executor import Executor
from cpescript.execution.frame import Broken, Frame, Missed
from cpescript.execution.process import Process, Steps
from cpescript.kernel.queue import LIMIT
from cpescript.language import timeline as tl

REMEMBERED = 100_000
"""Messages that claims may look back on; some 100 MB. A claim that looks further back cannot be judged."""


class LiveExecutor(Executor):
    """One block that stays open until `end`."""

    main: Process
    frame: Frame
    _idle = False
    _stopped: Missed | Broken | None = None

    def start(self) -> None:
        """Open the block."""
        self.judge.probes.remember(REMEMBERED)
        self._given: list[tl.Timeline] = []
        # Whoever writes in Python asserts in Python too: having no claim is not claiming nothing.
        self.asked = 1
        self.main = self.launch("main", self.kernel.now)
        self.main.when_over(self._main_over)
        self._limit = self.kernel.at(self.timeline.limit, self.owner, self._past_limit, None, LIMIT)
        self.main.start_now(self._statements())

    def _statements(self) -> Steps:
        self.frame = Frame(self.main, self.root.child(), straight=True)
        try:
            while True:
                yield self._wait
                try:
                    for step in self.timeline.body:
                        yield from self._step(self.frame, step)
                except (Missed, Broken) as error:
                    self.record(error)
                    self._stopped = error
        finally:
            self.frame.close()

    def _wait(self, resume: Callable[[object], None]) -> None:
        self._idle = True
        self.kernel.stop()

    def do(self, timeline: tl.Timeline, drive: Callable[[], None]) -> Missed | Broken | None:
        """Run the body of a timeline; `drive` lets time go by until the kernel is stopped.

        Returns what ended it early, None where nothing did.
        """
        # Kept for good: the judge tells claims apart by identity.
        self._given.append(timeline)
        self.timeline = timeline
        known = len(self.problems)
        self._prepare()
        if len(self.problems) > known:
            return Broken(self.problems[-1])
        self._idle, self._stopped = False, None
        self.main.go_on()
        if not (self._idle or self.main.over):
            drive()
        return self._stopped

    def end(self) -> None:
        """Close the block, and judge what is still open."""
        if not self.main.over:
            self.main.stop()
