"""Where a process stands in the text: its names, its callers, what ends with its block. And how a block ends early."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cpescript.diagnostics import Span
from cpescript.execution.process import Process
from cpescript.judge.setting import Taken
from cpescript.pattern.evaluate import Scope
from cpescript.results import Problem


class Missed(Exception):
    """A claim of `expect` did not hold: the block ends."""


class Broken(Exception):
    """The scenario, its set-up or the harness broke. `told` once the problem is on the list."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.told = False


class Frame:
    """One block that is being run.

    `straight`: whether each statement here runs at most once, so that its claim can be retired. `final`: whether this
    is (in) a `finally:`, whose misses say nothing about the ACS. `answer` collects what a handler answers.
    """

    __slots__ = ("answer", "callers", "closing", "final", "left", "process", "ruled", "scope", "straight", "taken")

    def __init__(
        self,
        process: Process,
        scope: Scope,
        *,
        callers: tuple[Span, ...] = (),
        straight: bool = False,
        final: bool = False,
        answer: list[Any] | None = None,
        taken: Taken | None = None,
    ) -> None:
        self.process = process
        self.scope = scope
        self.left = False
        """Whether the block was left before its end."""
        self.taken: Taken = taken if taken is not None else {}
        """Messages that claims of this block have used up."""
        self.callers = callers
        self.straight = straight
        self.final = final
        self.answer = answer
        self.ruled = False
        """Whether a rule (`always`, `never`, `sometimes`) ends with it."""
        self.closing: list[Callable[[], None]] = []
        """What ends with the block: its monitors and handlers, in their order."""

    def inner(
        self,
        scope: Scope | None = None,
        *,
        process: Process | None = None,
        straight: bool | None = None,
        final: bool = False,
        call: Span | None = None,
        taken: Taken | None = None,
    ) -> Frame:
        """Return the frame of a block inside this one; `process` where it runs beside it, `call` where it is called.

        `taken`: what the turns of a loop, or the branches of a `parallel`, have used up between them.
        """
        return Frame(
            process if process is not None else self.process,
            scope if scope is not None else self.scope.child(),
            callers=self.callers if call is None else (*self.callers, call),
            straight=self.straight if straight is None else straight,
            final=self.final or final,
            # What runs beside a handler comes too late to answer.
            answer=self.answer if process is None else None,
            taken=taken,
        )

    def close(self) -> None:
        """End what ends with the block."""
        closing, self.closing = self.closing, []
        for each in closing:
            each()
