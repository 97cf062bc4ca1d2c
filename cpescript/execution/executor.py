"""The executor: walks a timeline's steps as processes on the kernel, and asks the judge.

Rules:

1. One function per kind of step, found in the table `_STEPS`; one that waits is a generator, so that waiting looks like
   waiting.
2. A hard miss ends the process that stands there (`Missed`); a precondition that fails or a set-up that breaks ends it
   too (`Broken`), and says whose fault it was. Both travel outwards through `do` and `parallel` to the scenario.
3. `finally:` runs whatever happened. Its own failure is an error and never hides the first cause.
4. The window of a claim opens at `Process.anchor`: moved by actions, stimuli and plain waits, by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cpescript.diagnostics import Span
from cpescript.execution.process import Process, Steps, join, sleep
from cpescript.execution.world import RefusedError, World
from cpescript.judge.facts import view
from cpescript.judge.judge import Judge
from cpescript.judge.probes import NEVER
from cpescript.judge.waiting import Mode, Statement, Waiting
from cpescript.kernel import draws
from cpescript.kernel.queue import LIMIT, TIMELINE, Owner
from cpescript.kernel.time import SECOND, Duration, format_duration
from cpescript.kernel.trace import Record
from cpescript.language import timeline as tl
from cpescript.pattern import expression as x
from cpescript.pattern.claim import Claim, Quantifier, ValueClaim
from cpescript.pattern.evaluate import (
    TARGETS,
    Capture,
    CompiledPattern,
    EvaluationError,
    Scope,
    concrete_path,
    evaluate,
    member,
    resolve,
    resolve_path,
    unconditional,
)
from cpescript.pattern.values import text
from cpescript.pattern.walking import walk
from cpescript.results import ClaimResult, LaneBar, Problem

GIVE_WAY = 100
"""Turns of a `repeat` after which others get a look in."""


class Missed(Exception):
    """A claim of `expect` did not hold: the block ends."""


class Broken(Exception):
    """The scenario, its set-up or the harness broke."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Frame:
    """Where a process stands: names, taken messages, callers, the answer it may give."""

    __slots__ = ("answer", "callers", "closing", "process", "scope", "straight", "taken")

    def __init__(
        self,
        process: Process,
        scope: Scope,
        *,
        callers: tuple[Span, ...] = (),
        straight: bool = False,
        answer: list[Any] | None = None,
    ) -> None:
        self.process = process
        self.scope = scope
        self.taken: dict[int, tuple[int, int]] = {}
        self.callers = callers
        self.straight = straight
        """Whether each statement here runs at most once, so that its claim can be retired."""
        self.answer = answer
        self.closing: list[Callable[[], None]] = []
        """What ends with the block: its monitors and handlers, in their order."""

    def inner(self, scope: Scope | None = None, *, straight: bool | None = None) -> Frame:
        """Return the frame of a block inside this one."""
        return Frame(
            self.process,
            scope if scope is not None else self.scope.child(),
            callers=self.callers,
            straight=self.straight if straight is None else straight,
            answer=self.answer,
        )


class Executor:
    """Runs one timeline in a world, with a judge. `finished` is called once when all is over."""

    def __init__(
        self,
        timeline: tl.Timeline,
        world: World,
        judge: Judge,
        finished: Callable[[], None],
        step_begins: Callable[[tl.Step], object] | None = None,
    ) -> None:
        self.timeline = timeline
        self.world = world
        self.judge = judge
        self.problems: list[Problem] = []
        self.failures: list[ClaimResult] = []
        self.notes: list[tuple[int, str]] = []
        self.bars: list[LaneBar] = []
        self.asked = 0
        """Statements that claimed something: a scenario without any is vacuous."""
        self.vacuous: list[str] = []
        self.cut = ""
        self._finished = finished
        self._step_begins = step_begins
        self._owner = Owner(0)
        self._kernel = world.kernel
        self._live: list[Process] = []
        self._root = Scope(world.facts, {param.name: param.value for param in timeline.params})
        self._root.variables.update(timeline.case)
        self._zone = ZoneInfo(timeline.zone)
        self._limit: int | None = None
        self._ending = False

    # --- the whole ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Prepare the judge and begin at the current instant."""
        judged = Scope(self.judge.facts, parent=self._root)
        for step in walk(self.timeline):
            if isinstance(step, tl.Expect):
                keep_all = step.since is not None or (step.within is None and step.lasting is None)
                self.judge.prepare(step.claim, judged, keep_all=keep_all)
                if step.unless is not None:
                    self.judge.prepare(step.unless[0], judged, keep_all=keep_all)
            elif isinstance(step, x.Call):
                patterns = [item for item in step.arguments if isinstance(item, x.MessagePattern)]
                self.judge.count(patterns, judged)
                if step.function == "rate":
                    self.judge.rated(patterns[0], int(evaluate(step.arguments[1], judged)))
        main = self._process("main", self._main())
        main.when_over(self._main_over)
        self._limit = self._kernel.at(self.timeline.limit, self._owner, self._past_limit, None, LIMIT)

    def interrupt(self, why: str) -> None:
        """End the scenario here: it could not be judged to its end. `finally:` still runs."""
        self.cut = self.cut or why
        if not self._ending:
            self._live[0].stop()

    def _past_limit(self, _: object) -> None:
        self._limit = None
        self.interrupt(f"the limit of {format_duration(self.timeline.limit)} of virtual time is over")

    def _main(self) -> Steps:
        yield from self._block(Frame(self._live[0], self._root.child(), straight=True), self.timeline.body)

    def _main_over(self, main: Process) -> None:
        self._record_error(main.error)
        self._ending = True
        for process in list(self._live):
            process.stop()
        if self._limit is not None:
            self._kernel.cancel(self._limit)
            self._limit = None
        self.judge.close_all(cut=bool(self.cut) or main.error is not None)
        if not self.timeline.final:
            self._finished()
            return
        process = self._process("finally", self._final())
        process.when_over(self._final_over)

    def _final(self) -> Steps:
        judged, failed = len(self.judge.claims), len(self.failures)
        try:
            yield from self._final_steps()
        finally:
            # Its own failure is an error: it says nothing about what the ACS owed.
            for claim in [*self.judge.claims[judged:], *self.failures[failed:]]:
                if claim.verdict == "missed":
                    message = f"a claim of 'finally' did not hold: {claim.message}"
                    self.problems.append(Problem("scenario", message, "", claim.span, claim.source, claim.closed))
            self.judge.claims[judged:] = [claim for claim in self.judge.claims[judged:] if claim.verdict != "missed"]
            del self.failures[failed:]

    def _final_steps(self) -> Steps:
        frame = Frame(self._live[0], self._root.child(), straight=True)
        for step in self.timeline.final:
            # Every statement of it runs, whatever became of the one before.
            try:
                yield from self._step(frame, step)
            except Missed:
                continue
            except (Broken, EvaluationError, RefusedError) as error:
                self._record_error(self._as_broken(error, step))

    def _final_over(self, process: Process) -> None:
        self._record_error(process.error)
        self._finished()

    def _record_error(self, error: BaseException | None) -> None:
        if error is None or isinstance(error, Missed):
            return
        if isinstance(error, Broken):
            self.problems.append(error.problem)
            return
        raise error

    # --- processes ------------------------------------------------------------------------------------------------

    def _process(self, name: str, steps: Steps, anchor: int | None = None) -> Process:
        process = Process(self._kernel, self._owner, name, self._kernel.now if anchor is None else anchor)
        self._live.append(process)
        process.when_over(self._left)
        process.start(steps)
        return process

    def _left(self, process: Process) -> None:
        self._live.remove(process)
        self._move_floor()

    def _move_floor(self) -> None:
        """Let the judge forget what no running statement can look back to."""
        self.judge.forget_before(min((process.anchor for process in self._live), default=NEVER))

    def _stamp(self, frame: Frame) -> None:
        process = frame.process
        if not (process.acted and process.anchor == self._kernel.now):
            # Actions in a row are one moment: what answers the first may come before the last is through.
            process.after = self.world.trace.count
        process.anchor = self._kernel.now
        process.acted = True
        self._move_floor()

    def _open_window(self, frame: Frame, instant: int) -> None:
        """Let the next window open at an instant, all of it."""
        frame.process.anchor, frame.process.after = instant, 0
        self._move_floor()

    # --- blocks and steps -----------------------------------------------------------------------------------------

    def _block(self, frame: Frame, steps: Sequence[tl.Step]) -> Steps:
        try:
            for step in steps:
                yield from self._step(frame, step)
        finally:
            for close in frame.closing:
                close()

    def _step(self, frame: Frame, step: tl.Step) -> Steps:
        started = self._kernel.now
        if self._step_begins is not None:
            self._step_begins(step)
        try:
            waits = _STEPS[type(step)](self, frame, step)
            if waits is not None:
                yield from waits
        except (EvaluationError, RefusedError) as error:
            raise self._as_broken(error, step) from error
        finally:
            if self._kernel.now > started and not isinstance(step, tl.Expect):
                self.bars.append(LaneBar(step.source, started, self._kernel.now, "statement", step.span.line))

    def _as_broken(self, error: Exception, step: tl.Step) -> Broken:
        if isinstance(error, Broken):
            return error
        now, line = self._kernel.now, self.judge.line(step.span)
        if isinstance(error, EvaluationError):
            return Broken(
                Problem("scenario", error.message, error.remedy, error.span, self.judge.line(error.span), now)
            )
        return Broken(Problem("environment", str(error), "", step.span, line, now))

    def _value(self, frame: Frame, node: Any) -> Any:
        return evaluate(node, frame.scope)

    def _duration(self, frame: Frame, node: Any) -> int:
        value = evaluate(node, frame.scope)
        if not isinstance(value, Duration):
            raise EvaluationError(node.span, f"a duration is needed here, not {value!r}")
        return int(value)

    def _devices(self, frame: Frame, target: x.Target) -> list[int]:
        return resolve(target, frame.scope)

    # --- actions --------------------------------------------------------------------------------------------------

    def _spawn(self, frame: Frame, step: tl.Spawn) -> None:
        count = int(self._value(frame, step.count))
        over = self._duration(frame, step.over) if step.over is not None else 0
        self._stamp(frame)

        def prepare(number: int) -> None:
            inner = frame.inner(frame.scope.child(device=number))
            for statement in step.body:
                assert isinstance(statement, tl.Act)
                self.world.act(statement.verb, number, self._arguments(inner.scope, statement.arguments))

        self.world.spawn(self.timeline.profiles[step.profile], count, step.cohort, over, prepare if step.body else None)
        if not count:
            self.vacuous.append(f"line {step.span.line}: no device was spawned")

    def _act(self, frame: Frame, step: tl.Act) -> None:
        devices = self._devices(frame, step.target)
        over = self._duration(frame, step.over) if step.over is not None else 0
        self._stamp(frame)
        self.world.trace.fact(None, "act", verb=step.verb, line=step.span.line, devices=len(devices))
        if not devices:
            self.vacuous.append(f"line {step.span.line}: '{step.source}' spoke of no device")
        now = self._kernel.now
        stream, n = self.world.facts.chance() if over else (0, 0)
        own = draws.draw(stream, n) if over else 0
        for index, device in enumerate(devices):
            arguments = self._arguments(frame.scope.child(device), step.arguments)
            if not over:
                self.world.act(step.verb, device, arguments)
                continue
            slot, after = over * index // len(devices), over * (index + 1) // len(devices)
            when = now + slot + draws.below(own, index, max(1, after - slot))
            self._kernel.at(when, self._owner, self._late_act, (step, device, arguments), TIMELINE)

    def _late_act(self, what: tuple[tl.Act, int, Mapping[str, Any]]) -> None:
        step, device, arguments = what
        try:
            self.world.act(step.verb, device, arguments)
        except RefusedError as error:
            self._record_error(self._as_broken(error, step))

    def _arguments(self, scope: Scope, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of an act or stimulus worked out: expressions to values, paths to texts."""
        return {name: self._worked_out(scope, value) for name, value in arguments.items()}

    def _worked_out(self, scope: Scope, value: Any) -> Any:
        if isinstance(value, x.PathPattern):
            return concrete_path(value, scope)
        if isinstance(value, x.Node):
            return evaluate(value, scope)
        if isinstance(value, Mapping):
            return {name: self._worked_out(scope, item) for name, item in value.items()}
        if isinstance(value, tuple):
            return tuple(self._worked_out(scope, item) for item in value)
        return value

    def _stimulus(self, frame: Frame, step: tl.Stimulus) -> Steps:
        devices = self._devices(frame, step.target) if step.target is not None else None
        self._stamp(frame)
        if devices is not None and not devices:
            self.vacuous.append(f"line {step.span.line}: '{step.source}' spoke of no device")
            return
        self.world.trace.fact(
            None, "stimulus", verb=step.verb, line=step.span.line, devices=len(devices) if devices else 0
        )
        capture = Capture() if step.capture else None
        if capture is not None and step.verb == "add":
            self._capture_answers(frame, capture, devices or [], "AddObjectResponse")

        def arguments(device: int | None) -> Mapping[str, Any]:
            return self._arguments(frame.scope.child(device), step.arguments)

        if devices is not None:
            self.judge.ordered(devices)
        answers: list[Any] = []
        wake: list[Callable[[Any], None]] = [answers.append]
        self.world.order(step.system, step.verb, devices, arguments, lambda results: wake[-1](results))
        results = answers[0] if answers else (yield wake.append)
        if isinstance(results, Exception):
            raise RefusedError(str(results))
        refused = [
            (device, result.reason)
            for device, result in zip(devices if devices is not None else (None,), results, strict=True)
            if not result.accepted
        ]
        if refused:
            device, reason = refused[0]
            who = f"{self.judge.miss(device, 0, '', '').device}: " if device is not None else ""
            more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
            raise RefusedError(f"the ACS refused '{step.system} {step.verb}': {who}{reason}{more}")
        if capture is not None:
            if step.verb != "add":
                for device, result in zip(devices or [0], results, strict=True):
                    capture.keep(device, self._kernel.now, result.data)
            frame.scope.variables[step.capture or ""] = capture

    def _capture_answers(self, frame: Frame, capture: Capture, devices: Sequence[int], kind: str) -> None:
        """Keep each device's next answer of a kind: what an order makes is known when the device has made it."""
        waiting = set(devices)

        def seen(record: Record) -> None:
            if record.device in waiting:
                waiting.discard(record.device)
                capture.keep(record.device, record.t, record.message)
                if not waiting:
                    self.world.trace.unwatch(seen)

        self.world.trace.watch([kind], seen)

    # --- claims ---------------------------------------------------------------------------------------------------

    def _expect(self, frame: Frame, step: tl.Expect) -> Steps:
        self.asked += 1
        frame.process.acted = False
        captures: dict[str, Any] = {}
        # What one claim of a block keeps, the next may name: the captures are names of the judged scope.
        judged = Scope(self.judge.facts, captures, frame.scope, frame.scope.device, frame.scope.message)
        devices = self._claimed(frame, step.claim, step.on)
        now = self._kernel.now
        within = self._duration(frame, step.within) if step.within is not None else None
        lasting = self._duration(frame, step.lasting) if step.lasting is not None else 0
        window, base = frame.process.anchor, now
        after = frame.process.after if within is not None and step.since is None else 0
        if step.since is not None:
            window, base = self._since(frame, step)
        elif within is None:
            window = now if lasting else 0
        mode: Mode = "now"
        if within is not None:
            mode = "within, for" if lasting else "within"
        elif lasting:
            mode = "for"
        deadline = base + (within if within is not None else lasting) if mode != "now" else None
        self._follow(step.claim, devices, judged)
        unless = None
        if step.unless is not None:
            claim, target = step.unless
            unless = (claim, self._devices(frame, target) if target is not None else devices)
            self._follow(claim, unless[1], judged)
        statement = self._statement(frame, step, "wait until" if step.mode == "wait" else step.mode)
        decided: list[Waiting] = []
        wake: list[Callable[[Any], None]] = []

        def done(waiting: Waiting) -> None:
            decided.append(waiting)
            if wake:
                wake[0](waiting)

        limit = f"within {format_duration(within)}" if within is not None else ""
        limit = f"for {format_duration(lasting)}" if mode == "for" else limit
        waiting = self.judge.open(
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
            done=done,
        )
        if not decided:
            self.world.trace.fact(
                None, "claim-opened", claim=step.identity, line=step.span.line, devices=len(devices), deadline=deadline
            )
            try:
                yield wake.append
            finally:
                if waiting.verdict is None:
                    waiting.close(cut=True)
        self.world.trace.fact(
            None,
            "claim-closed",
            claim=step.identity,
            line=step.span.line,
            verdict=waiting.verdict,
            met=waiting.progress[0],
        )
        self._claim_bar(step, waiting)
        frame.scope.variables.update(captures)
        if frame.straight:
            self.judge.retire([step.claim] + ([step.unless[0]] if step.unless is not None else []))
        if waiting.verdict in ("met", "vacuous"):
            return
        assert waiting.result is not None
        if step.mode == "wait":
            # A precondition says nothing about the ACS: the claim is struck from the judge's list and told as an error.
            self.judge.claims.remove(waiting.result)
            miss = waiting.result.misses[0] if waiting.result.misses else None
            detail = f"; first {miss.device} ({miss.identity}): {miss.actual}" if miss is not None else ""
            raise Broken(
                Problem(
                    "scenario" if waiting.verdict == "error" else "environment",
                    f"the precondition did not come true: {waiting.result.message}{detail}",
                    "",
                    step.claim.span,
                    self.judge.line(step.claim.span),
                    self._kernel.now,
                )
            )
        if step.mode == "expect":
            raise Missed

    def _claim_bar(self, step: tl.Expect, waiting: Waiting) -> None:
        kind = {"met": "claim-met", "missed": "claim-missed"}.get(str(waiting.verdict), "claim-open")
        self.bars.append(
            LaneBar(step.source, waiting.opened, self._kernel.now, kind, step.span.line)  # type: ignore[arg-type]
        )

    def _claimed(self, frame: Frame, claim: Claim, target: x.Target | None) -> list[int]:
        if target is None:
            return [0]
        if isinstance(claim, ValueClaim) and not claim.patterns and not any(map(_of_a_device, walk(claim.expression))):
            # It speaks of no device, so it is asked once.
            return [0]
        return self._devices(frame, target)

    def _since(self, frame: Frame, step: tl.Expect) -> tuple[int, int]:
        if step.since == "start":
            return 0, 0
        kept = frame.scope.look_up(step.since or "")
        if not isinstance(kept, Capture) or not kept.at:
            raise EvaluationError(step.span, f"'{step.since}' has kept no message")
        return min(kept.at.values()), max(kept.at.values())

    def _follow(self, claim: Claim | x.Target, devices: Iterable[int], scope: Scope) -> None:
        """Have the parameters that a claim (or a target's `where`) names announced for its devices, from now on."""
        parameters = [node for node in walk(claim) if isinstance(node, x.Parameter)]
        for parameter in parameters:
            for device in devices if parameter.target is None else resolve(parameter.target, scope):
                if device == 0:
                    continue
                inner = Scope(self.world.facts, parent=scope, device=device)
                self.world.follow(device, resolve_path(parameter.path, inner), parameter.path.partial)

    def _statement(self, frame: Frame, step: tl.Expect | tl.Monitor, word: str) -> Statement:
        source = self.judge.line(step.claim.span)
        return Statement(word, step.claim, step.span, source, step.identity, frame.callers)

    def _monitor(self, frame: Frame, step: tl.Monitor) -> None:
        self.asked += 1
        judged = Scope(self.judge.facts, parent=frame.scope, device=frame.scope.device)
        if step.on is not None:
            # Its `where` is asked at each event, so what it asks of must be known of every device.
            devices = self._devices(frame, unconditional(step.on))
            self._follow(step.claim, devices, judged)
            self._follow(step.on, devices, judged)
        statement = self._statement(frame, step, step.mode)
        monitor = self.judge.monitor(statement, step.mode, step.quantifier, step.on, judged)
        frame.closing.append(monitor.close)
        if step.until is not None:
            claim, target = step.until
            devices = self._devices(frame, target if target is not None else step.on or x.All(step.span))
            self._follow(claim, devices, judged)
            monitor.until = self.judge.open(
                Statement("until", claim, step.span, self.judge.line(claim.span), step.identity, frame.callers),
                Quantifier("each"),
                devices,
                judged,
                "within",
                window=self._kernel.now,
                deadline=None,
                done=lambda waiting: self._until(monitor, waiting),
            )

    def _until(self, monitor: Any, waiting: Waiting) -> None:
        # What ends an invariant is not itself a claim on the ACS.
        if waiting.result in self.judge.claims:
            self.judge.claims.remove(waiting.result)
        monitor.close()

    # --- time -----------------------------------------------------------------------------------------------------

    def _wait(self, frame: Frame, step: tl.Wait) -> Steps:
        now = self._kernel.now
        until = now + self._duration(frame, step.duration) if step.moment is None else self._next(step.moment)
        # The next window opens at the end of the wait: what comes before it need not be remembered.
        self._open_window(frame, until)
        yield sleep(self._kernel, self._owner, until)

    def _next(self, moment: int) -> int:
        """Return the next instant at which the scenario's zone shows this time of day."""
        now = self.timeline.start + self._kernel.now
        here = datetime.fromtimestamp(now // SECOND, self._zone)
        day = here.replace(hour=0, minute=0, second=0, microsecond=0)
        for ahead in range(3):
            wall = (day + timedelta(days=ahead)).replace(
                hour=moment // SECOND // 3600, minute=moment // SECOND // 60 % 60, second=moment // SECOND % 60
            )
            instant = int(wall.timestamp()) * SECOND
            if instant > now:
                return instant - self.timeline.start
        raise AssertionError("a time of day comes every day")

    # --- flow -----------------------------------------------------------------------------------------------------

    def _repeat(self, frame: Frame, step: tl.Repeat) -> Steps:
        if step.count is not None:
            for turn in range(int(self._value(frame, step.count))):
                if turn % GIVE_WAY == GIVE_WAY - 1:
                    # Turns that take no time must not keep an interruption or the real limit from being seen.
                    yield sleep(self._kernel, self._owner, self._kernel.now)
                yield from self._block(frame.inner(straight=False), step.body)
            return
        start, every = self._kernel.now, self._duration(frame, step.every)
        end = start + self._duration(frame, step.lasting) if step.lasting is not None else NEVER
        turn = 0
        while start + turn * every < end:
            due = start + turn * every
            if due > self._kernel.now:
                yield sleep(self._kernel, self._owner, due)
                self._open_window(frame, due)
            yield from self._block(frame.inner(straight=False), step.body)
            # A turn that outlasts its period starts the next at the next multiple: no pile-up.
            turn = max(turn + 1, -(-(self._kernel.now - start) // every))

    def _for_each(self, frame: Frame, step: tl.ForEach) -> Steps:
        if isinstance(step.over, TARGETS):
            items: list[Any] = self._devices(frame, step.over)
            are_devices = True
        else:
            value = self._value(frame, step.over)
            items, are_devices = list(value), False
        branches = []
        for item in items:
            scope = frame.scope.child(device=item if are_devices else None)
            scope.variables[step.name] = item
            if not step.together:
                yield from self._block(frame.inner(scope, straight=False), step.body)
                continue
            branches.append((f"{step.name}={item}", scope, step.body))
        if branches:
            yield from self._branches(frame, branches, straight=False)

    def _parallel(self, frame: Frame, step: tl.Parallel) -> Steps:
        branches: list[tuple[str, Scope, tuple[tl.Step, ...]]] = [
            (part.source, frame.scope.child(), (part,)) for part in step.body
        ]
        yield from self._branches(frame, branches, straight=frame.straight)

    def _branches(
        self, frame: Frame, branches: list[tuple[str, Scope, tuple[tl.Step, ...]]], *, straight: bool
    ) -> Steps:
        processes = [self._branch(frame, name, scope, body, straight) for name, scope, body in branches]
        yield join(processes)
        last = max([frame.process, *processes], key=lambda process: (process.anchor, process.after))
        frame.process.anchor, frame.process.after = last.anchor, last.after
        errors = [process.error for process in processes if process.error is not None]
        for error in errors:
            if not isinstance(error, (Missed, Broken)):
                raise error
        broken = [error for error in errors if isinstance(error, Broken)]
        for error in broken[:-1]:
            self.problems.append(error.problem)
        if broken:
            raise broken[-1]
        if errors:
            raise Missed

    def _branch(self, frame: Frame, name: str, scope: Scope, body: Sequence[tl.Step], straight: bool) -> Process:
        process = Process(self._kernel, self._owner, name, frame.process.anchor, frame.process.after)
        inner = Frame(process, scope, callers=frame.callers, straight=straight)
        self._live.append(process)
        process.when_over(self._left)
        process.start(self._block(inner, body))
        return process

    def _background(self, frame: Frame, step: tl.Background | tl.At) -> None:
        process = Process(self._kernel, self._owner, step.source, self._kernel.now)
        inner = Frame(process, frame.scope.child(), callers=frame.callers, straight=frame.straight)
        self._live.append(process)
        process.when_over(self._left)
        process.when_over(self._background_over)
        due = None
        if isinstance(step, tl.At):
            due = (
                self._next(step.moment)
                if step.moment is not None
                else (self._kernel.now + self._duration(frame, step.delay))
            )
        process.start(self._background_body(inner, step.body, due))

    def _background_body(self, frame: Frame, body: Sequence[tl.Step], due: int | None) -> Steps:
        if due is not None:
            yield sleep(self._kernel, self._owner, due)
            self._open_window(frame, due)
        yield from self._block(frame, body)

    def _background_over(self, process: Process) -> None:
        self._record_error(process.error)

    def _if(self, frame: Frame, step: tl.If) -> Steps:
        for condition, body in step.branches:
            if condition is None or self._value(frame, condition):
                yield from self._block(frame.inner(), body)
                return

    def _let(self, frame: Frame, step: tl.Let) -> None:
        value = step.value
        frame.scope.variables[step.name] = (
            self._devices(frame, value) if isinstance(value, TARGETS) else self._value(frame, value)
        )

    def _note(self, frame: Frame, step: tl.Note) -> None:
        words = text(self._value(frame, step.text))
        self.notes.append((self._kernel.now, words))
        self.world.trace.fact(None, "note", text=words)

    def _fail(self, frame: Frame, step: tl.Fail) -> None:
        self.asked += 1
        now = self._kernel.now
        why = text(self._value(frame, step.why))
        self.failures.append(
            ClaimResult(
                "fail", step.span, self.judge.line(step.span), "missed", why, now, now, 0, 0, 0, callers=frame.callers
            )
        )
        raise Missed

    def _do(self, frame: Frame, step: tl.Do) -> Steps:
        procedure = self.timeline.procedures[step.procedure]
        scope = Scope(frame.scope.facts, {}, self._root, frame.scope.device, frame.scope.message)
        for name in procedure.parameters:
            value = step.arguments.get(name, procedure.defaults.get(name))
            scope.variables[name] = (
                self._devices(frame, value) if isinstance(value, TARGETS) else self._value(frame, value)
            )
        inner = Frame(frame.process, scope, callers=(*frame.callers, step.span), straight=False, answer=frame.answer)
        try:
            yield from self._block(inner, procedure.body)
        finally:
            for statement in procedure.final:
                yield from self._step(inner, statement)

    # --- reactions ------------------------------------------------------------------------------------------------

    def _handler(self, frame: Frame, step: tl.Handler) -> None:
        judged = Scope(self.judge.facts, parent=frame.scope, device=frame.scope.device)
        pattern = CompiledPattern(step.pattern, judged)
        wanted = member(step.on, judged)
        fired: set[int] = set()

        def matches(device: int, message: Any, http: Any) -> bool:
            if step.which == "first" and device in fired:
                return False
            if not wanted(device) or pattern.mask(device, message, http) != pattern.full:
                return False
            fired.add(device)
            return True

        def react(device: int, message: Any) -> Frame:
            scope = frame.scope.child(device, message)
            process = Process(self._kernel, self._owner, step.source, self._kernel.now)
            inner = Frame(process, scope, callers=frame.callers, answer=[])
            self._live.append(process)
            process.when_over(self._left)
            process.when_over(self._background_over)
            process.start_now(self._block(inner, step.body))
            return inner

        def unfired() -> None:
            if not fired:
                self.vacuous.append(f"line {step.span.line}: '{step.source}' never fired")

        if any(isinstance(node, tl.Answer) for node in walk(step.body)):
            removers = [
                self.world.answer_hook(device, lambda number, message: self._answered(matches, react, number, message))
                for device in self._devices(frame, step.on)
            ]

            def remove() -> None:
                for each in removers:
                    each()
                unfired()
        else:

            def seen(record: Record) -> None:
                if matches(record.device, view(record), record.http):
                    react(record.device, view(record))

            self.world.trace.watch(step.pattern.kinds, seen)

            def remove() -> None:
                self.world.trace.unwatch(seen)
                unfired()

        frame.closing.append(remove)

    def _answered(
        self,
        matches: Callable[[int, Any, Any], bool],
        react: Callable[[int, Any], Frame],
        device: int,
        message: Any,
    ) -> Sequence[tuple[str, Mapping[str, Any]]]:
        if not matches(device, message, None):
            return ()
        # What the body answers before it first waits is the answer.
        return react(device, message).answer or ()

    def _answer(self, frame: Frame, step: tl.Answer) -> None:
        assert frame.answer is not None
        frame.answer.append((step.kind, self._arguments(frame.scope, step.arguments)))


def _of_a_device(node: Any) -> bool:
    """Whether a node's value differs from device to device."""
    return isinstance(node, (x.Parameter, x.State, x.Device, x.MessagePattern, x.Attribute))


_STEPS: dict[type[tl.Step], Callable[[Executor, Frame, Any], Steps | None]] = {
    tl.Spawn: Executor._spawn,
    tl.Act: Executor._act,
    tl.Stimulus: Executor._stimulus,
    tl.Expect: Executor._expect,
    tl.Monitor: Executor._monitor,
    tl.Wait: Executor._wait,
    tl.Handler: Executor._handler,
    tl.Answer: Executor._answer,
    tl.Repeat: Executor._repeat,
    tl.ForEach: Executor._for_each,
    tl.Parallel: Executor._parallel,
    tl.Background: Executor._background,
    tl.At: Executor._background,
    tl.If: Executor._if,
    tl.Let: Executor._let,
    tl.Note: Executor._note,
    tl.Fail: Executor._fail,
    tl.Do: Executor._do,
}
