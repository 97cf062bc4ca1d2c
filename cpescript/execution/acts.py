"""Steps that do something: `spawn`, what devices do of themselves, what is asked of an ACS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpescript.execution.frame import Frame
from cpescript.execution.process import Steps
from cpescript.execution.world import RefusedError
from cpescript.kernel import draws
from cpescript.kernel.queue import TIMELINE
from cpescript.kernel.trace import Record
from cpescript.language import timeline as tl
from cpescript.pattern.evaluate import Capture, EvaluationError, Scope

if TYPE_CHECKING:
    from cpescript.execution.executor import Executor

CALLING = frozenset({"factory-reset", "inform", "power-cycle", "power-on", "reboot", "send"})
"""Actions that make a device open a session, at once or after its boot."""
FOR_ALL = 0
"""The device number under which a capture keeps what is no device's own."""


def _spawn(run: Executor, frame: Frame, step: tl.Spawn) -> None:
    count = run.number(frame, step.count, "the number of devices")
    over = run.duration(frame, step.over) if step.over is not None else 0
    run.stamp(frame)

    def prepare(number: int) -> None:
        scope = frame.scope.child(device=number)
        for statement in step.body:
            assert isinstance(statement, tl.Act)
            run.world.act(statement.verb, number, _act_arguments(run, scope, statement))

    try:
        numbers = run.world.spawn(
            run.timeline.profiles[step.profile], count, step.cohort, over, prepare if step.body else None
        )
    except ValueError as error:
        raise EvaluationError(step.span, str(error), "a cohort is spawned once: not in a loop") from error
    if not count:
        run.vacuous.append(f"{run.place(step)}: no device was spawned")
    if over and run.paces is not None:
        row = run.paces.begin(step.span.line, run.place(step), step.source, len(numbers), over)
        for number in numbers:
            run.paces.owe(row, "spawn", number)


# --- what devices do ------------------------------------------------------------------------------------------------


def _act(run: Executor, frame: Frame, step: tl.Act) -> None:
    devices = run.devices(frame, step.target)
    over = run.duration(frame, step.over) if step.over is not None else 0
    run.stamp(frame)
    run.world.trace.fact(None, "act", verb=step.verb, line=step.span.line, devices=len(devices), statement=step.source)
    if not devices:
        run.vacuous.append(f"{run.place(step)}: '{step.source}' spoke of no device")
    now, idle = run.kernel.now, 0
    stream, n = run.world.facts.chance() if over else (0, 0)
    own = draws.draw(stream, n) if over else 0
    row = None
    if over and run.paces is not None and step.verb in CALLING:
        row = run.paces.begin(step.span.line, run.place(step), step.source, len(devices), over)
    for index, device in enumerate(devices):
        if not over:
            arguments = _act_arguments(run, frame.scope.child(device), step)
            idle += not run.world.act(step.verb, device, arguments)
            _tell_stopped(run, step, device)
            continue
        slot, after = over * index // len(devices), over * (index + 1) // len(devices)
        when = now + slot + draws.below(own, index, max(1, after - slot))
        run.kernel.at(when, run.owner, lambda each: _late_act(run, frame, step, each, row), device, TIMELINE)
    if idle and idle == len(devices):
        run.vacuous.append(f"{run.place(step)}: '{step.source}' had no effect on any device")


def _late_act(run: Executor, frame: Frame, step: tl.Act, device: int, row: Any) -> None:
    if run.paces is not None and row is not None:
        run.paces.owe(row, step.verb, device)
    try:
        run.world.act(step.verb, device, _act_arguments(run, frame.scope.child(device), step))
    except (EvaluationError, RefusedError) as error:
        run.record(run.as_broken(error, step))
        return
    _tell_stopped(run, step, device)


def _tell_stopped(run: Executor, step: tl.Act, device: int) -> None:
    """Have the trace say who was taken away, and where: devices stay in their cohorts, so that claims speak of them."""
    if step.verb == "stop":
        run.world.trace.fact(None, "stopped", numbers=[device], line=step.span.line)


def _act_arguments(run: Executor, scope: Scope, step: tl.Act) -> dict[str, Any]:
    arguments = run.arguments(scope, step.arguments)
    if step.verb == "send":
        return {"body": run.documents.render(step, arguments["file"], scope)}
    if step.verb == "transport" and (file := arguments["arguments"].get("client_cert")) is not None:
        # As all paths in a scenario: relative to the file that names it.
        arguments["arguments"] = {**arguments["arguments"], "client_cert": Path(step.span.source).parent / file}
    return arguments


# --- what is asked of an ACS ----------------------------------------------------------------------------------------


def _stimulus(run: Executor, frame: Frame, step: tl.Stimulus) -> Steps:
    devices = run.devices(frame, step.target) if step.target is not None else None
    run.stamp(frame)
    if devices is not None and not devices:
        run.vacuous.append(f"{run.place(step)}: '{step.source}' spoke of no device")
        return
    count = len(devices) if devices else 0
    run.world.trace.fact(None, "stimulus", verb=step.verb, line=step.span.line, devices=count, statement=step.source)
    capture = Capture(count, "AddObjectResponse" if step.verb == "add" else "") if step.capture else None
    if capture is not None and capture.awaits:
        _keep_answers(run, capture, devices or [])

    def arguments(device: int | None) -> Mapping[str, Any]:
        return run.arguments(frame.scope.child(device), step.arguments)

    if devices is not None:
        run.judge.ordered(devices)
    try:
        results = yield from _answered(lambda done: run.world.order(step.system, step.verb, devices, arguments, done))
    except RefusedError as error:
        run.world.trace.fact(None, "answered", line=step.span.line, refused=[], data=[], error=str(error))
        raise
    whose: Sequence[int] = devices if devices is not None else (FOR_ALL,)
    refused = [(device, each.reason) for device, each in zip(whose, results, strict=True) if not each.accepted]
    # What came back is told, so that a saved trace can be judged again.
    told = [[place, each.reason] for place, each in enumerate(results) if not each.accepted]
    kept = [dict(each.data) for each in results] if capture is not None and step.verb != "add" else []
    run.world.trace.fact(None, "answered", line=step.span.line, refused=told, data=kept)
    if refused:
        device, reason = refused[0]
        who = f"{run.judge.miss(device, 0, '', '').device}: " if device != FOR_ALL else ""
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        strange = device != FOR_ALL and not run.judge.facts.in_state(device, "registered")
        remedy = "it is not registered yet: 'wait until each … registered within 5m' in front" if strange else ""
        raise RefusedError(f"the ACS refused '{step.system} {step.verb}': {who}{reason}{more}", remedy)
    if capture is not None:
        if step.verb != "add":
            for device, result in zip(whose, results, strict=True):
                capture.keep(device, run.kernel.now, result.data)
        frame.scope.variables[step.capture or ""] = capture


def _answered(ask: Callable[[Callable[[Any], None]], object]) -> Any:
    """Ask, and go on with what is answered, at once where it is answered at once. Raises what is answered that way."""
    answers: list[Any] = []
    wake: list[Callable[[Any], None]] = [answers.append]
    ask(lambda answer: wake[-1](answer))
    answer = answers[0] if answers else (yield wake.append)
    if isinstance(answer, Exception):
        raise RefusedError(str(answer))
    return answer


def _keep_answers(run: Executor, capture: Capture, devices: Sequence[int]) -> None:
    """Keep each device's next answer of the awaited kind: what an order makes is known when the device has made it."""
    waiting = set(devices)

    def seen(record: Record) -> None:
        if record.device in waiting:
            waiting.discard(record.device)
            capture.keep(record.device, record.t, record.message)
            if not waiting:
                run.world.trace.unwatch(seen)

    run.world.trace.watch([capture.awaits], seen)


STEPS: dict[type[tl.Step], Callable[[Executor, Frame, Any], Steps | None]] = {
    tl.Spawn: _spawn,
    tl.Act: _act,
    tl.Stimulus: _stimulus,
}
