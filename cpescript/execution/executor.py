"""The executor: walks a timeline's steps as processes on the kernel, and asks the judge.

Rules:

1. One function per kind of step, found in the table `STEPS` (`acts`, `claims`, `flow`, `reactions`); one that waits is
   a generator, so that waiting looks like waiting.
2. A hard miss ends the process that stands there (`Missed`); a precondition that fails or a set-up that breaks ends it
   too (`Broken`), and says whose fault it was. Both travel outwards through `do` and `parallel` to the scenario.
3. `finally:` runs whatever happened, every statement of it. Its own failure is an error and never hides the first
   cause. What a process that is stopped leaves of it undone, those of its procedures, runs at the end, innermost first.
4. The window of a claim opens at `Process.anchor`: moved by actions, stimuli and plain waits, by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any
from zoneinfo import ZoneInfo

from cpescript.execution import acts, claims, flow, reactions
from cpescript.execution.documents import Documents
from cpescript.execution.frame import Broken, Frame, Missed
from cpescript.execution.process import Process, Steps, sleep
from cpescript.execution.world import Paces, RefusedError, World
from cpescript.judge.judge import Judge
from cpescript.judge.probes import NEVER
from cpescript.judge.setting import Window
from cpescript.judge.waiting import Waiting
from cpescript.kernel.queue import DEADLINE, LIMIT, Owner
from cpescript.kernel.time import SECOND, format_duration
from cpescript.language import timeline as tl
from cpescript.pattern import expression as x
from cpescript.pattern.evaluate import TARGETS, EvaluationError, Scope, concrete_path, evaluate, resolve, resolve_path
from cpescript.pattern.needs import counted
from cpescript.pattern.walking import walk
from cpescript.results import ClaimResult, LaneBar, Problem


class Executor:
    """Runs one timeline in a world, with a judge. `finished` is called once when all is over.

    Everything without an underscore below `# --- for steps` is what the functions of the table work with.
    """

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
        self.paces: Paces | None = None
        """Where time is bound to the wall clock: what measures the statements with `over`."""
        self.owner = Owner(0)
        self.kernel = world.kernel
        self.root = Scope(world.facts, {param.name: param.value for param in timeline.params})
        self.root.variables.update(timeline.case)
        self.zone = ZoneInfo(timeline.zone)
        self.documents = Documents()
        self.real_second = int(timeline.scale * SECOND) if timeline.clock != "virtual" else None
        """A second of real time on the virtual clock, where the two are bound together."""
        self._finished = finished
        self._step_begins = step_begins
        self._live: dict[Process, None] = {}
        """Processes that are not over, the main one first."""
        self._moves = 0
        """How often the floor might have moved since that was looked at."""
        self._unfinished: list[tuple[Frame, Sequence[tl.Step]]] = []
        self._limit: int | None = None
        self._begun: set[int] = set()
        """Which steps were ever begun, by identity."""
        self._beside: dict[Process, tl.Background | tl.At | tl.Handler] = {}
        """What nobody waits for, as far as it is not over."""
        self._nobody: dict[int, tl.ForEach] = {}
        self._abandoned = False
        self.ending = False
        """Whether nothing is left but `finally:`."""

    # --- the whole ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Prepare the judge and begin at the current instant."""
        if not self._prepare():
            self.ending = True
            self.kernel.at(self.kernel.now, self.owner, lambda _: self._finished(), None, LIMIT)
            return
        main = self.launch("main", self.kernel.now)
        main.when_over(self._main_over)
        main.start(self.block(Frame(main, self.root.child(), straight=True), self.timeline.body))
        self._limit = self.kernel.at(self.timeline.limit, self.owner, self._past_limit, None, LIMIT)

    def interrupt(self, why: str) -> None:
        """End the scenario here: it could not be judged to its end. `finally:` still runs, and is not cut short."""
        if not self.ending:
            self.cut = self.cut or why
            self.world.trace.fact(None, "cut", why=why)
            next(iter(self._live)).stop()

    def abandon(self, why: str) -> None:
        """Leave off where it stands, in `finally:` even: nothing can go on."""
        self.ending = self._abandoned = True
        self.cut = self.cut or why
        for process in list(self._live):
            process.stop()
        self.judge.close_all(cut=True)

    def _prepare(self) -> bool:
        """Tell the judge what will be asked; return whether everything that is asked can be done at all."""
        judged = Scope(self.judge.facts, parent=self.root)
        for step, root in _reachable(self.timeline):
            try:
                # Figures first, the innermost foremost: a claim that counts may look back to messages at once.
                figures = [node for node in walk(root) if isinstance(node, x.Call)]
                others = (node for node in walk(root) if not isinstance(node, x.Call))
                for node in (*reversed(figures), *others):
                    _PREPARED.get(type(node), _nothing)(self, node, judged)
            except (EvaluationError, RefusedError) as error:
                self.record(self.as_broken(error, step))
        return not self.problems

    def _prepare_claim(self, step: tl.Expect, judged: Scope) -> None:
        keep_all = step.since is not None or (step.within is None and step.lasting is None)
        self.judge.prepare(step.claim, judged, keep_all=keep_all)
        if step.unless is not None:
            self.judge.prepare(step.unless[0], judged, keep_all=keep_all)
            self.judge.dated(step.claim, step.unless[0])

    def _prepare_monitor(self, step: tl.Monitor, judged: Scope) -> None:
        # What came in the instant in which it is opened may count.
        for claim in (step.claim, *(step.until or ())[:1]):
            if isinstance(claim, tl.MessageClaim) and step.mode != "sometimes":
                self.judge.prepare(claim, judged, keep_all=False)

    def _prepare_call(self, call: x.Call, judged: Scope) -> None:
        patterns = [item for item in call.arguments if isinstance(item, x.MessagePattern)]
        self.judge.count(patterns, judged)
        if call.function == "response_time":
            self.judge.timed(patterns[0], judged)
        if call.function == "rate":
            try:
                window = int(evaluate(call.arguments[1], judged))
            except EvaluationError:
                # Said by a name that is bound while running: as long as it can be.
                window = int(self.timeline.limit)
            self.judge.rated(patterns[0], window)

    def _prepare_pattern(self, pattern: x.MessagePattern, judged: Scope) -> None:
        """What a pattern asks of the device is asked as a message comes, so it has to be known before."""
        for node in walk((pattern.settings, pattern.where)):
            if isinstance(node, x.Parameter) and all(part is None or isinstance(part, str) for part in node.path.parts):
                self.world.follow(0, resolve_path(node.path, judged), node.path.partial)

    def _prepare_order(self, step: tl.Stimulus, judged: Scope) -> None:
        self._refuse(self.world.lacks(step.system, step.verb))

    def _prepare_belief(self, claim: tl.BeliefClaim, judged: Scope) -> None:
        self._refuse(self.world.lacks(claim.system, claims.verb_of(claim)))

    def _refuse(self, reason: str) -> None:
        if reason:
            raise RefusedError(reason)

    def _past_limit(self, _: object) -> None:
        self._limit = None
        self.interrupt(f"the limit of {format_duration(self.timeline.limit)} of virtual time is over")

    def _main_over(self, main: Process) -> None:
        self.record(main.error)
        self.ending = True
        if main.error is None and not self.cut:
            self._tell_unreached()
        for process in list(self._live):
            process.stop()
        if self._limit is not None:
            self.kernel.cancel(self._limit)
            self._limit = None
        self.judge.close_all(cut=bool(self.cut) or main.error is not None)
        self._finish(self.timeline.final)

    def _finish(self, steps: Sequence[tl.Step]) -> None:
        """Run these and what procedures left undone, then it is over."""
        if not (steps or self._unfinished):
            self._finished()
            return
        process = self.launch("finally", self.kernel.now)
        process.when_over(self._final_over)
        process.start(self._final(process, steps))

    def _final(self, process: Process, steps: Sequence[tl.Step]) -> Steps:
        while self._unfinished:
            frame, left = self._unfinished.pop(0)
            yield from self.final(Frame(process, frame.scope, callers=frame.callers, final=True), left)
        frame = Frame(process, self.root.child(), straight=True, final=True)
        yield from self.final(frame, steps)

    def _final_over(self, process: Process) -> None:
        self.record(process.error)
        for left in list(self._live):
            left.stop()
        self._finish(())

    # --- for steps: processes -------------------------------------------------------------------------------------

    def launch(self, name: str, anchor: int, after: int = 0, parent: Process | None = None) -> Process:
        """Return a new process that is to be started; the window of its first claim opens at `anchor`."""
        process = Process(self.kernel, self.owner, name, anchor, after, parent)
        self._live[process] = None
        process.when_over(self._left)
        # Others may be waiting already, and have let the judge forget up to the end of their wait.
        self.judge.keep_from(anchor)
        return process

    def _left(self, process: Process) -> None:
        del self._live[process]
        self.move_floor()

    def runs_beside(self, process: Process, step: tl.Background | tl.At | tl.Handler) -> None:
        """A block is about to begin, or planned, that nobody waits for."""
        self._beside[process] = step
        process.when_over(self._beside_over)

    def _beside_over(self, process: Process) -> None:
        """What breaks in a process that nobody waits for is told at once."""
        del self._beside[process]
        self.record(process.error)

    def went_through_nobody(self, step: tl.ForEach) -> None:
        """A loop had no turn."""
        self._nobody[id(step)] = step

    def _tell_unreached(self) -> None:
        """The scenario is over: tell the blocks that never began, and claims beside it that it did not wait for."""
        found: dict[tuple[int, str], tuple[tl.Step, str]] = {}
        for step in self._nobody.values():
            if id(step.body[0]) not in self._begun:
                found[step.span.line, step.source] = step, "there was nobody to go through"
        for beside in self._beside.values():
            if isinstance(beside, tl.At) and id(beside.body[0]) not in self._begun:
                found[beside.span.line, beside.source] = beside, "its time did not come before the end of the scenario"
                continue
            for inner in beside.body:
                if id(inner) not in self._begun and any(isinstance(node, _CLAIMING) for node in walk(inner)):
                    found[inner.span.line, inner.source] = inner, "the scenario ended before it"
                    break
        for _, (missed, why) in sorted(found.items()):
            self.vacuous.append(f"{self.place(missed)}: '{missed.source}' was never reached: {why}")

    def place(self, step: tl.Step) -> str:
        """Return where a step stands, for what is told of it: the line, and the file where that is one that is used."""
        span = step.span
        return f"line {span.line}" if span.source == self.timeline.file else f"{PurePath(span.source).name}:{span.line}"

    def move_floor(self) -> None:
        """Let the judge forget what no running statement can look back to: of many, they are asked now and then."""
        self._moves += 1
        if self._moves * FEW < len(self._live) + len(self.judge.waiting):
            return
        self._moves = 0
        self.judge.forget_before(min((process.anchor for process in self._live), default=NEVER))

    def stamp(self, frame: Frame) -> None:
        """An action or a stimulus is issued: the next window opens here."""
        process = frame.process
        if not (process.acted and process.anchor == self.kernel.now):
            # Actions in a row are one moment: what answers the first may come before the last is through.
            process.after = process.marked = self.world.trace.count
            process.stamped = self.kernel.now
        process.anchor = self.kernel.now
        process.acted = True
        self.move_floor()

    def open_window(self, frame: Frame, instant: int) -> None:
        """Let the next window open at an instant, all of it."""
        frame.process.anchor, frame.process.after = instant, 0
        frame.process.acted = False
        self.move_floor()

    # --- for steps: blocks ----------------------------------------------------------------------------------------

    def block(self, frame: Frame, steps: Sequence[tl.Step]) -> Steps:
        """Run the steps of a block, and end what ends with it."""
        try:
            for step in steps:
                yield from self._step(frame, step)
            if frame.ruled and self.judge.external:
                # The end of a rule is a deadline of its own: an ACS that knows nothing of virtual time has its chance.
                yield sleep(self.kernel, self.owner, self.kernel.now, DEADLINE)
        except (Missed, Broken):
            frame.left = True
            raise
        finally:
            frame.close()

    def final(self, frame: Frame, steps: Sequence[tl.Step]) -> Steps:
        """Run the steps of a `finally:`: every one, whatever became of the one before."""
        begun = 0
        try:
            for step in steps:
                begun += 1
                try:
                    yield from self._step(frame, step)
                except Missed:
                    continue
                except Broken as error:
                    self.record(error)
        except GeneratorExit:
            self.finish_later(frame, steps[begun:])
            raise
        finally:
            frame.close()

    def finish_later(self, frame: Frame, steps: Sequence[tl.Step]) -> None:
        """A process is stopped before the `finally:` of a procedure: it runs at the end of the scenario."""
        if steps and not self._abandoned:
            self._unfinished.append((frame, steps))

    def _step(self, frame: Frame, step: tl.Step) -> Steps:
        started = self.kernel.now
        self._begun.add(id(step))
        if self._step_begins is not None:
            self._step_begins(step)
        try:
            waits = self.perform(frame, step)
            if waits is not None:
                yield from waits
        except (EvaluationError, RefusedError) as error:
            raise self.as_broken(error, step) from error
        finally:
            if self.kernel.now > started and not isinstance(step, tl.Expect):
                self.bars.append(LaneBar(step.source, started, self.kernel.now, "statement", step.span.line))

    def perform(self, frame: Frame, step: tl.Step) -> Steps | None:
        """Do what a step says: at once, or in the waits that it returns."""
        return STEPS[type(step)](self, frame, step)

    def windows(
        self, frame: Frame, step: tl.Expect, devices: Sequence[int], length: int
    ) -> tuple[int, int, Mapping[int, Window]] | None:
        """Return where the window of a claim opens and from where its deadline counts, of all, and the windows of
        devices that have one of their own; None where it opens for all behind what was done last."""
        return claims.since(frame, step, devices, length) if step.since is not None else None

    def decided(self, frame: Frame, waiting: Waiting) -> None:
        """A claim with an end has been decided; it is told before what follows from it."""

    # --- for steps: what broke ------------------------------------------------------------------------------------

    def record(self, error: BaseException | None) -> None:
        """Put what broke on the list of problems, once; raise what is our own bug."""
        if error is None or isinstance(error, Missed):
            return
        if not isinstance(error, Broken):
            raise error
        if not error.told:
            error.told = True
            self.problems.append(error.problem)

    def as_broken(self, error: Exception, step: tl.Step) -> Broken:
        """Return a mistake or a refusal as what it is to the scenario."""
        now, line = self.kernel.now, self.judge.line(step.span)
        if isinstance(error, EvaluationError):
            where = self.judge.line(error.span)
            return Broken(Problem("scenario", error.message, error.remedy, error.span, where, now))
        remedy = error.remedy if isinstance(error, RefusedError) else ""
        return Broken(Problem("environment", str(error), remedy, step.span, line, now))

    def missed_in_final(self, claim: ClaimResult) -> None:
        """A claim of a `finally:` did not hold: an error, for it says nothing about what the ACS owed."""
        message = f"a claim of 'finally' did not hold: {claim.message}"
        self.problems.append(Problem("scenario", message, "", claim.span, claim.source, claim.closed))

    # --- for steps: values ----------------------------------------------------------------------------------------

    def value(self, frame: Frame, node: Any) -> Any:
        """Work out an expression."""
        return evaluate(node, frame.scope)

    def duration(self, frame: Frame, node: Any) -> int:
        """Work out a length of time, in nanoseconds. Raises EvaluationError for anything else, and for less than 0."""
        return int(counted(evaluate(node, frame.scope), "duration", node.span, "a duration"))

    def number(self, frame: Frame, node: Any, what: str) -> int:
        """Work out a whole number. Raises EvaluationError for anything else, and for less than 0."""
        return int(counted(evaluate(node, frame.scope), "int", node.span, what))

    def devices(self, frame: Frame, target: x.Target) -> list[int]:
        """Work out a target, here and now."""
        return resolve(target, frame.scope)

    def either(self, frame: Frame, node: Any) -> Any:
        """Work out what may be an expression or a target."""
        return self.devices(frame, node) if isinstance(node, TARGETS) else self.value(frame, node)

    def arguments(self, scope: Scope, arguments: Mapping[str, Any]) -> dict[str, Any]:
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


def _reachable(timeline: tl.Timeline) -> Iterator[tuple[tl.Step, Any]]:
    """Yield everything that the timeline can come to run, each step once, with the step that it belongs to."""
    called: set[str] = set()
    blocks = [timeline.body, timeline.final]
    while blocks:
        for step in blocks.pop(0):
            yield step, step
            for node in walk(step):
                if isinstance(node, tl.Do) and node.procedure not in called:
                    called.add(node.procedure)
                    procedure = timeline.procedures[node.procedure]
                    blocks += [procedure.body, procedure.final]
                    yield node, tuple(procedure.defaults.values())


FEW = 8
"""Processes and open claims up to which every one of them is asked, whenever one goes on, what it may look back to."""
_CLAIMING = (tl.Expect, tl.Monitor, tl.Do, tl.Fail)


def _nothing(run: Executor, node: Any, judged: Scope) -> None:
    """Most nodes need no preparation."""


_PREPARED: Mapping[type, Callable[[Executor, Any, Scope], None]] = {
    tl.Expect: Executor._prepare_claim,
    tl.Monitor: Executor._prepare_monitor,
    tl.Stimulus: Executor._prepare_order,
    tl.BeliefClaim: Executor._prepare_belief,
    x.Call: Executor._prepare_call,
    x.MessagePattern: Executor._prepare_pattern,
}

STEPS: Mapping[type[tl.Step], Callable[[Executor, Frame, Any], Steps | None]] = {
    **acts.STEPS,
    **claims.STEPS,
    **flow.STEPS,
    **reactions.STEPS,
}
