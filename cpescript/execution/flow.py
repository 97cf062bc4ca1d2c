"""Steps of flow: waits, loops, branches, what goes on beside, conditions, names, notes, procedures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cpescript.execution.calendar import next_instant
from cpescript.execution.frame import Broken, Frame, Missed
from cpescript.execution.process import Steps, join, sleep
from cpescript.judge.probes import NEVER
from cpescript.judge.setting import Taken
from cpescript.language import timeline as tl
from cpescript.pattern.evaluate import EvaluationError, Scope
from cpescript.pattern.kinds import Devices, OneDevice
from cpescript.pattern.needs import shown
from cpescript.pattern.values import text
from cpescript.results import ClaimResult

if TYPE_CHECKING:
    from cpescript.execution.executor import Executor

GIVE_WAY = 100
"""Turns of a loop after which others get a look in."""

Branch = tuple[str, Scope, tuple[tl.Step, ...]]


# --- time -----------------------------------------------------------------------------------------------------------


def _wait(run: Executor, frame: Frame, step: tl.Wait) -> Steps:
    until = (
        moment_of(run, step.moment) if step.moment is not None else run.kernel.now + run.duration(frame, step.duration)
    )
    # The next window opens at the end of the wait: what comes before it need not be remembered.
    run.open_window(frame, until)
    yield sleep(run.kernel, run.owner, until)


def moment_of(run: Executor, moment: int) -> int:
    """Return the next instant at which the scenario's zone shows this time of day."""
    start = run.world.start
    return next_instant(start + run.kernel.now, moment, run.zone) - start


# --- loops ----------------------------------------------------------------------------------------------------------


def _repeat(run: Executor, frame: Frame, step: tl.Repeat) -> Steps:
    if step.count is not None:
        yield from _turns(run, frame, step, run.number(frame, step.count, "the number of turns"))
        return
    start, every = run.kernel.now, run.duration(frame, step.every)
    if not every:
        raise EvaluationError(step.span, "turns that follow each other at once never end", "as in 'repeat every 10m'")
    end = start + run.duration(frame, step.lasting) if step.lasting is not None else NEVER
    turn, taken = 0, Taken()
    while start + turn * every < end:
        due = start + turn * every
        if due > run.kernel.now:
            yield sleep(run.kernel, run.owner, due)
            run.open_window(frame, due)
        yield from run.block(frame.inner(straight=False, taken=taken), step.body)
        # A turn that outlasts its period starts the next at the next multiple: no pile-up.
        turn = max(turn + 1, -(-(run.kernel.now - start) // every))


def _turns(run: Executor, frame: Frame, step: tl.Repeat, count: int) -> Steps:
    taken = Taken()
    for turn in range(count):
        if turn % GIVE_WAY == GIVE_WAY - 1:
            # Turns that take no time must not keep an interruption or the real limit from being seen.
            yield sleep(run.kernel, run.owner, run.kernel.now)
        yield from run.block(frame.inner(straight=False, taken=taken), step.body)


def _for_each(run: Executor, frame: Frame, step: tl.ForEach) -> Steps:
    items = run.either(frame, step.over)
    are_devices = isinstance(items, Devices)
    if not isinstance(items, (list, tuple)):
        raise EvaluationError(step.span, f"'for' goes through devices or a list, not through {shown(items)}")
    if not items:
        run.went_through_nobody(step)
    branches: list[Branch] = []
    taken = Taken()
    for turn, item in enumerate(items):
        scope = frame.scope.child(device=item if are_devices else None)
        scope.variables[step.name] = OneDevice(item) if are_devices else item
        if step.together:
            branches.append((f"{step.name}={item}", scope, step.body))
            continue
        if turn % GIVE_WAY == GIVE_WAY - 1:
            yield sleep(run.kernel, run.owner, run.kernel.now)
        yield from run.block(frame.inner(scope, straight=False, taken=taken), step.body)
    if branches:
        yield from _branches(run, frame, branches, straight=False)


# --- beside one another ---------------------------------------------------------------------------------------------


def _parallel(run: Executor, frame: Frame, step: tl.Parallel) -> Steps:
    branches = [(part.source, frame.scope.child(), (part,)) for part in step.body]
    yield from _branches(run, frame, branches, straight=frame.straight)


def _branches(run: Executor, frame: Frame, branches: Sequence[Branch], *, straight: bool) -> Steps:
    processes, taken = [], Taken()
    for name, scope, body in branches:
        process = run.launch(name, frame.process.anchor, frame.process.after, frame.process)
        process.follow(frame.process)
        # Told when it breaks, not when all are done: problems stand in the order of time.
        process.when_over(lambda over: run.record(over.error))
        inner = frame.inner(scope, process=process, straight=straight, taken=taken)
        process.start_now(run.block(inner, body))
        processes.append(process)
    yield join(processes)
    last = max([frame.process, *processes], key=lambda process: (process.anchor, process.after))
    frame.process.anchor, frame.process.after = last.anchor, last.after
    frame.process.follow(*processes)
    errors = [process.error for process in processes if process.error is not None]
    broken = [error for error in errors if isinstance(error, Broken)]
    if broken:
        raise broken[0]
    if errors:
        raise Missed


def _background(run: Executor, frame: Frame, step: tl.Background) -> None:
    _beside(run, frame, step, None)


def _at(run: Executor, frame: Frame, step: tl.At) -> None:
    due = moment_of(run, step.moment) if step.moment is not None else run.kernel.now + run.duration(frame, step.delay)
    _beside(run, frame, step, due)


def _beside(run: Executor, frame: Frame, step: tl.Background | tl.At, due: int | None) -> None:
    process = run.launch(step.source, run.kernel.now, parent=frame.process)
    run.runs_beside(process, step)
    inner = frame.inner(process=process)
    if due is None:
        process.follow(frame.process)
        process.start_now(run.block(inner, step.body))
    else:
        process.start(_late(run, inner, step.body, due))


def _late(run: Executor, frame: Frame, body: Sequence[tl.Step], due: int) -> Steps:
    yield sleep(run.kernel, run.owner, due)
    run.open_window(frame, due)
    yield from run.block(frame, body)


# --- conditions, names, words ---------------------------------------------------------------------------------------


def _if(run: Executor, frame: Frame, step: tl.If) -> Steps:
    for condition, body in step.branches:
        if condition is None or run.value(frame, condition):
            # What it has used up is used up for the block around it too, and the other way round.
            yield from run.block(frame.inner(taken=frame.taken), body)
            return


def _let(run: Executor, frame: Frame, step: tl.Let) -> None:
    frame.scope.variables[step.name] = run.either(frame, step.value)


def _note(run: Executor, frame: Frame, step: tl.Note) -> None:
    words = text(run.value(frame, step.text))
    run.notes.append((run.kernel.now, words))
    run.world.trace.fact(None, "note", text=words)


def _fail(run: Executor, frame: Frame, step: tl.Fail) -> None:
    run.asked += 1
    now, why = run.kernel.now, text(run.value(frame, step.why))
    line = run.judge.line(step.span)
    failure = ClaimResult("fail", step.span, line, "missed", why, now, now, 0, 0, 0, callers=frame.callers)
    if frame.final:
        run.missed_in_final(failure)
    else:
        run.failures.append(failure)
    raise Missed


# --- procedures -----------------------------------------------------------------------------------------------------


def _do(run: Executor, frame: Frame, step: tl.Do) -> Steps:
    procedure = run.timeline.procedures[step.procedure]
    # A procedure sees the file's params and its arguments, not the names of who calls it.
    scope = Scope(frame.scope.facts, {}, run.root, frame.scope.device, frame.scope.message)
    for name in procedure.parameters:
        if name in step.arguments:
            scope.variables[name] = run.either(frame, step.arguments[name])
        else:
            scope.variables[name] = run.value(frame, procedure.defaults[name])
    inner = frame.inner(scope, straight=False, call=step.span)
    final = frame.inner(scope, straight=False, call=step.span, final=True)
    try:
        yield from run.block(inner, procedure.body)
    except GeneratorExit:
        # The process ends here and cannot wait any more.
        run.finish_later(final, procedure.final)
        raise
    except (Missed, Broken) as error:
        # First what broke, then what breaks in its wake.
        run.record(error)
        yield from run.final(final, procedure.final)
        raise
    yield from run.final(final, procedure.final)


STEPS: dict[type[tl.Step], Callable[[Executor, Frame, Any], Steps | None]] = {
    tl.Wait: _wait,
    tl.Repeat: _repeat,
    tl.ForEach: _for_each,
    tl.Parallel: _parallel,
    tl.Background: _background,
    tl.At: _at,
    tl.If: _if,
    tl.Let: _let,
    tl.Note: _note,
    tl.Fail: _fail,
    tl.Do: _do,
}
