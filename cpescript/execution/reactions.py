"""Handlers: `on every|first MESSAGE of T:`, and what they answer.

A handler belongs to execution, not to the judge: whom it speaks of is asked of the devices themselves, at each event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cpescript.execution.frame import Frame
from cpescript.execution.process import Steps
from cpescript.judge.facts import heard, view
from cpescript.kernel.trace import Record
from cpescript.language import timeline as tl
from cpescript.pattern import expression as x
from cpescript.pattern.evaluate import CompiledPattern, EvaluationError, Scope, member, resolve, unconditional
from cpescript.pattern.walking import rewrite, walk

if TYPE_CHECKING:
    from cpescript.execution.executor import Executor

_DRAWN = "drawn {}"
"""The name that a draw is kept under: no name of an author holds a blank."""


class Handler:
    """One open handler. `close` ends it."""

    def __init__(self, run: Executor, frame: Frame, step: tl.Handler) -> None:
        self._run = run
        self._frame = frame
        self._step = step
        scope = frame.scope.child()
        self._scope = scope
        self._on = _kept(step.on, scope)
        self._wanted = member(self._on, scope)
        self._pattern = CompiledPattern(step.pattern, scope)
        self._fired: set[int] = set()
        self._broken = False
        self._hooked: dict[int, Callable[[], None]] = {}
        self._answers = any(isinstance(node, tl.Answer) for node in walk(step.body))

    def open(self) -> None:
        """Listen, or stand where the devices answer."""
        trace = self._run.world.trace
        self._run.judge.pair(self._step.pattern)
        if not self._answers:
            trace.watch(self._step.pattern.kinds, self._seen)
            return
        for device in resolve(unconditional(self._on), self._scope):
            self._hook(device)
        if any(isinstance(node, x.All) for node in walk(self._on)):
            # Of all devices: of those, too, that are spawned from here on.
            trace.watch(["spawn"], self._spawned)

    def close(self) -> None:
        """End it; a handler that never fired is told."""
        trace = self._run.world.trace
        trace.unwatch(self._seen)
        trace.unwatch(self._spawned)
        for unhook in self._hooked.values():
            unhook()
        if not self._fired:
            self._run.vacuous.append(f"{self._run.place(self._step)}: '{self._step.source}' never fired")

    def _spawned(self, record: Record) -> None:
        self._hook(record.device)

    def _hook(self, device: int) -> None:
        if device not in self._hooked:
            self._hooked[device] = self._run.world.answer_hook(device, self._asked)

    def _seen(self, record: Record) -> None:
        self._run.judge.probes.exchanges.attach(record)
        message = view(record)
        if heard(self._pattern, record) and self._matches(record.device, message, record.http):
            self._react(record.device, message)

    def _asked(self, device: int, message: Any) -> Sequence[tuple[str, Mapping[str, Any]]]:
        if not self._matches(device, message, None):
            return ()
        # What the body answers before it first waits is the answer.
        return self._react(device, message).answer or ()

    def _matches(self, device: int, message: Any, http: Any) -> bool:
        if self._broken or (self._step.which == "first" and device in self._fired):
            return False
        try:
            if not self._wanted(device) or self._pattern.mask(device, message, http) != self._pattern.full:
                return False
        except EvaluationError as error:
            # It would be so at every event: told once.
            self._broken = True
            self._run.record(self._run.as_broken(error, self._step))
            return False
        self._fired.add(device)
        return True

    def _react(self, device: int, message: Any) -> Frame:
        run, frame = self._run, self._frame
        # Its first window opens behind the message that it reacts to.
        process = run.launch(self._step.source, run.kernel.now, run.world.trace.count)
        run.runs_beside(process, self._step)
        scope = frame.scope.child(device, message)
        scope.variables[x.MESSAGE] = message
        inner = frame.inner(scope, process=process, straight=False)
        inner.answer = []
        process.start_now(run.block(inner, self._step.body))
        return inner


def _kept(target: x.Target, scope: Scope) -> x.Target:
    """Return a target with its draws made, here and now, and bound in `scope`: it is looked at more than once."""

    def keep(node: Any) -> Any:
        if not isinstance(node, x.Draw):
            return node
        name = _DRAWN.format(len(scope.variables))
        scope.variables[name] = resolve(node, scope)
        return x.Cohort(node.span, name)

    kept: x.Target = rewrite(target, keep)
    return kept


def _handler(run: Executor, frame: Frame, step: tl.Handler) -> None:
    handler = Handler(run, frame, step)
    handler.open()
    frame.closing.append(handler.close)


def _answer(run: Executor, frame: Frame, step: tl.Answer) -> None:
    assert frame.answer is not None
    arguments = run.arguments(frame.scope, step.arguments)
    if step.kind == "with":
        arguments = {"body": run.documents.render(step, arguments["file"], frame.scope, frame.scope.message)}
    frame.answer.append((step.kind, arguments))


STEPS: dict[type[tl.Step], Callable[[Executor, Frame, Any], Steps | None]] = {
    tl.Handler: _handler,
    tl.Answer: _answer,
}
