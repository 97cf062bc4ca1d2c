"""Steps that claim something: `expect`, `check`, `wait until CLAIM`, `always`, `never`, `sometimes`."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from cpescript.execution.beliefs import Question
from cpescript.execution.frame import Broken, Frame, Missed
from cpescript.execution.process import Steps
from cpescript.execution.world import RefusedError
from cpescript.judge.monitors import Monitor
from cpescript.judge.setting import Window
from cpescript.judge.waiting import Mode, Statement, Waiting
from cpescript.kernel.time import format_duration
from cpescript.language import timeline as tl
from cpescript.pattern import expression as x
from cpescript.pattern.claim import BeliefClaim, Claim, MessageClaim, ValueClaim
from cpescript.pattern.evaluate import (
    Capture,
    EvaluationError,
    NotYetError,
    Scope,
    resolve,
    resolve_path,
    unconditional,
)
from cpescript.pattern.message import Parts
from cpescript.pattern.walking import walk
from cpescript.results import LaneBar, Problem

if TYPE_CHECKING:
    from cpescript.execution.executor import Executor

_BARS = {"met": "claim-met", "missed": "claim-missed"}


# --- claims with an end ---------------------------------------------------------------------------------------------


def _expect(run: Executor, frame: Frame, step: tl.Expect) -> Steps:
    run.asked += 1
    frame.process.acted = False
    captures: dict[str, Any] = {}
    # What one claim of a block keeps, the next may name: the captures are names of the judged scope.
    judged = Scope(run.judge.facts, captures, frame.scope, frame.scope.device, frame.scope.message)
    devices = _claimed(run, frame, step.claim, step.on)
    now = run.kernel.now
    within = run.duration(frame, step.within) if step.within is not None else None
    lasting = run.duration(frame, step.lasting) if step.lasting is not None else 0
    patience = run.duration(frame, step.patience) if step.patience is not None else None
    window, base = frame.process.anchor, now
    placed = run.windows(frame, step, devices, within if within is not None else lasting)
    after = frame.process.after if within is not None and placed is None else 0
    since: Mapping[int, Window] | None = None
    if placed is not None:
        window, base, since = placed
    elif within is None:
        window = now if lasting else 0
    behind: dict[int, int] | None = None
    if lasting and within is None and placed is None:
        after, behind = frame.process.right_behind(now, run.world.trace.count)
    mode: Mode = "now"
    if within is not None:
        mode = "within, for" if lasting else "within"
    elif lasting:
        mode = "for"
    deadline = base + (within if within is not None else lasting) if mode != "now" else None
    _follow(run, step.claim, devices, judged)
    unless = None
    asked = [(step.claim, devices)]
    if step.unless is not None:
        claim, target = step.unless
        unless = (claim, run.devices(frame, target) if target is not None else devices)
        _follow(run, claim, unless[1], judged)
        asked.append(unless)
    statement = _statement(run, frame, step, "wait until" if step.mode == "wait" else step.mode)
    decided: list[Waiting] = []
    wake: list[Callable[[Any], None]] = []

    def done(waiting: Waiting) -> None:
        decided.append(waiting)
        if wake:
            wake[0](waiting)

    limit = f"within {format_duration(within)}" if within is not None else ""
    limit = f"for {format_duration(lasting)}" if mode == "for" else limit
    ends = [] if patience is None else [run.world.be_patient(patience)]
    try:
        for claim, whose in asked:
            ends.extend((yield from _believing(run, frame.scope, claim, whose, deadline)))
        waiting = run.judge.open(
            statement,
            step.quantifier,
            devices,
            judged,
            mode,
            window=window,
            after=after,
            deadline=deadline,
            lasting=lasting,
            limit_text=limit,
            unless=unless,
            taken=frame.taken,
            captures=captures,
            since=since,
            behind=behind,
            done=done,
        )
        if not decided:
            run.world.trace.fact(
                None, "claim-opened", claim=step.identity, line=step.span.line, devices=len(devices), deadline=deadline
            )
            try:
                yield wake.append
            finally:
                if waiting.verdict is None:
                    waiting.close(cut=True)
    finally:
        for end in ends:
            end()
    run.world.trace.fact(
        None,
        "claim-closed",
        claim=step.identity,
        line=step.span.line,
        verdict=waiting.verdict,
        met=waiting.progress[0],
    )
    met = waiting.met_by(run.kernel.now)
    # What a stream of several was met by is what met it for each of them.
    if met and met[0] == 0:
        met = array("Q", chain.from_iterable((device, met[-1]) for device in devices))
    frame.process.note_met(run.kernel.now, met)
    run.decided(frame, waiting)
    kind = _BARS.get(str(waiting.verdict), "claim-open")
    run.bars.append(LaneBar(step.source, waiting.opened, run.kernel.now, kind, step.span.line))  # type: ignore[arg-type]
    frame.scope.variables.update(captures)
    if frame.straight:
        run.judge.retire([step.claim] + ([step.unless[0]] if step.unless is not None else []))
    _consequences(run, frame, step, waiting)


def _consequences(run: Executor, frame: Frame, step: tl.Expect, waiting: Waiting) -> None:
    """Draw them from a claim that is decided. Raises Missed or Broken."""
    if waiting.verdict in ("met", "vacuous"):
        return
    result = waiting.result
    assert result is not None
    if step.mode == "wait":
        # A precondition says nothing about the ACS: the claim is struck from the judge's list and told as an error.
        run.judge.claims.remove(result)
        miss = result.misses[0] if result.misses else None
        detail = f"; first {miss.device} ({miss.identity}): {miss.actual}" if miss is not None else ""
        raise Broken(
            Problem(
                "scenario" if waiting.verdict == "error" else "environment",
                f"the precondition did not come true: {result.message}{detail}",
                "",
                step.claim.span,
                run.judge.line(step.claim.span),
                run.kernel.now,
            )
        )
    if frame.final and waiting.verdict == "missed":
        run.judge.claims.remove(result)
        run.missed_in_final(result)
    if step.mode == "expect":
        raise Missed


def _claimed(run: Executor, frame: Frame, claim: Claim, target: x.Target | None) -> list[int]:
    if target is None:
        return [0]
    if isinstance(claim, ValueClaim) and not claim.patterns and not any(map(_of_a_device, walk(claim.expression))):
        # It speaks of no device, so it is asked once.
        return [0]
    return run.devices(frame, target)


def _of_a_device(node: Any) -> bool:
    """Whether a node's value differs from device to device."""
    return isinstance(node, (x.Parameter, x.State, x.Device, x.MessagePattern, x.Attribute))


def since(frame: Frame, step: tl.Expect, devices: Sequence[int], length: int) -> tuple[int, int, Mapping[int, Window]]:
    """Return where the window opens and where the deadline starts, of all, and the windows of each device's own."""
    if step.since == "start":
        return 0, 0, {}
    try:
        kept = frame.scope.look_up(step.since or "")
    except KeyError:
        kept = None
    if not isinstance(kept, Capture) or not kept.at:
        raise EvaluationError(step.span, f"'{step.since}' has kept no message")
    alone = next(iter(kept.at)) if kept.devices == 1 else None
    owners = {device: device if device in kept.at else 0 if 0 in kept.at else alone for device in devices}
    nothing = [device for device, owner in owners.items() if owner is None]
    if nothing and step.quantifier.kind == "across":
        # The stream is of them too, from the first that was kept on.
        first = min(kept.records, key=kept.records.__getitem__)
        owners.update(dict.fromkeys(nothing, first))
    elif nothing:
        message = f"'{step.since}' has kept no message of {len(nothing)} of the {len(devices)} devices"
        raise EvaluationError(step.span, message, "ask only those that have one")
    # What came before it in the same instant came before it.
    own = {
        device: Window(kept.at[owner], kept.records[owner], kept.at[owner] + length)
        for device, owner in owners.items()
        if owner is not None
    }
    starts = [window.opens for window in own.values()] or [0]
    return min(starts), max(starts), own


def _follow(run: Executor, claim: Claim | x.Target, devices: Iterable[int], scope: Scope) -> None:
    """Have the parameters that a claim (or a target's `where`) names announced for its devices, from now on."""
    if isinstance(claim, BeliefClaim):
        # What a system believes is asked of the system.
        return
    for parameter, whose in _read(claim, devices, scope):
        for device in whose:
            if device == 0:
                continue
            inner = Scope(run.world.facts, parent=scope, device=device)
            run.world.follow(device, _ever(parameter.path, inner), parameter.path.partial)


def _ever(path: x.PathPattern, scope: Scope) -> Parts:
    """Return the parts of a path, any instance where it is an order's that will be known when it is done."""
    try:
        return resolve_path(path, scope)
    except NotYetError:
        return tuple(part if isinstance(part, str) else None for part in path.parts)


def _read(root: Any, devices: Iterable[int], scope: Scope) -> Iterator[tuple[x.Parameter, Iterable[int]]]:
    """Yield the parameters that are read at and below a node, and the devices whose they are.

    Those of a `where` are of every device that it may ever let in, whatever device the claim is asked of.
    """
    for node in walk(root, without=_OF_OTHERS):
        if isinstance(node, x.Where):
            yield from _read(node.base, devices, scope)
            yield from _read(node.condition, _named(node.base, devices, scope), scope)
        elif isinstance(node, x.Parameter):
            whose = devices
            if node.target is not None:
                whose = _named(node.target, devices, scope)
                yield from _read(node.target, devices, scope)
            yield from _read(node.path, devices, scope)
            yield node, whose


_OF_OTHERS = (x.Where, x.Parameter)


def _named(target: x.Target, devices: Iterable[int], scope: Scope) -> Sequence[int]:
    """Return the devices that a target may ever name, to any of `devices` where it says `device`."""
    ever = unconditional(target)
    if not any(isinstance(node, x.Device) for node in walk(ever)):
        return resolve(ever, scope)
    return sorted({each for device in devices for each in resolve(ever, scope.child(device or None))})


def _statement(run: Executor, frame: Frame, step: tl.Expect | tl.Monitor, word: str) -> Statement:
    source = run.judge.line(step.claim.span)
    return Statement(word, step.claim, step.span, source, step.identity, frame.callers)


# --- what systems believe -------------------------------------------------------------------------------------------


def verb_of(claim: BeliefClaim) -> str:
    """Return what a system must be able to do for this claim to be judged."""
    return "call" if claim.called else "sees"


def _believing(run: Executor, scope: Scope, claim: Claim, devices: Sequence[int], last: int | None = None) -> Any:
    """Have a system asked again and again what a claim wants to know of it, and wait for the first answers.

    Returns what ends that, in a list; it is empty for a claim that asks no system.
    """
    if not isinstance(claim, BeliefClaim):
        return []
    answers: list[Any] = []
    wake: list[Callable[[Any], None]] = [answers.append]

    def question(device: int) -> Question:
        inner = scope.child(device or None)
        if verb_of(claim) == "call":
            return Question(call=claim.verb, arguments=run.arguments(inner, claim.arguments))
        paths: dict[str, None] = {}
        for node in walk(claim.condition):
            if isinstance(node, x.Parameter):
                parts = resolve_path(node.path, inner)
                paths.update(dict.fromkeys(run.world.facts.expand(device, parts, node.path.partial)))
                if None not in parts and not node.path.partial:
                    # Whether the device has it or not: the system may know better.
                    paths[".".join(part or "" for part in parts)] = None
        return Question(paths=tuple(paths))

    end = run.world.believe(claim.system, devices, question, run.real_second, last, lambda answer: wake[-1](answer))
    try:
        answer = answers[0] if answers else (yield wake.append)
        if isinstance(answer, Exception):
            raise RefusedError(str(answer))
    except BaseException:
        end()
        raise
    return [end]


# --- invariants -----------------------------------------------------------------------------------------------------


def _monitor(run: Executor, frame: Frame, step: tl.Monitor) -> Steps:
    run.asked += 1
    judged = Scope(run.judge.facts, parent=frame.scope, device=frame.scope.device)
    ends: list[Callable[[], None]] = []
    if step.on is not None:
        # Its `where` is asked at each event, so what it asks of must be known of every device.
        devices = run.devices(frame, unconditional(step.on))
        _follow(run, step.claim, devices, judged)
        _follow(run, step.on, devices, judged)
        ends.extend((yield from _believing(run, frame.scope, step.claim, devices)))
    statement = _statement(run, frame, step, step.mode)
    until = None
    if step.until is not None:
        claim, target = step.until
        whose = run.devices(frame, target if target is not None else unconditional(step.on or x.All(step.span)))
        _follow(run, claim, whose, judged)
        ends.extend((yield from _believing(run, frame.scope, claim, whose)))
        until = step.until
    after, behind = None, None
    if step.mode != "sometimes":
        after, behind = frame.process.right_behind(run.kernel.now, run.world.trace.count)
    monitor = run.judge.monitor(
        statement, step.mode, step.quantifier, step.on, judged, until, after=after, behind=behind
    )
    if frame.straight and isinstance(step.claim, MessageClaim) and not (step.claim.comparison or step.claim.negated):
        # From here on it is asked of each message as it comes.
        run.judge.retire([step.claim])
    frame.ruled = True
    frame.closing += [*ends, lambda: _settle(run, frame, monitor)]


def _settle(run: Executor, frame: Frame, monitor: Monitor) -> None:
    # A block that was left before its end says nothing of what could still have come true in it.
    monitor.close(cut=bool(run.cut) or frame.left)
    result = monitor.result
    if frame.final and result is not None and result.verdict == "missed" and result in run.judge.claims:
        run.judge.claims.remove(result)
        run.missed_in_final(result)


STEPS: dict[type[tl.Step], Callable[[Executor, Frame, Any], Steps | None]] = {
    tl.Expect: _expect,
    tl.Monitor: _monitor,
}
