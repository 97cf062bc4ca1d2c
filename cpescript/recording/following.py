"""Walks a scenario along a recording: nothing is done, what was done is found.

Rules:

1. `spawn` takes devices of the recording (`LabWorld.bind`), all of a scenario before its time begins. What a claim says
   of a device counts from the session in which that first came.
2. An action is found in the next session that such an action leads to (`FOUND`), of each device for itself. Claims
   count, for each device, from that session on; then from where the device met the claim before.
3. Orders, and actions that leave no mark of their own, are not found: claims and invariants behind them are passed
   over, inconclusive, until an action is found again (`_Story.lost`). So is whatever a recording does not tell.
4. What has been passed over fails nothing and passes nothing. The recording's end ends everything (`Parted`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, cast

from cpescript.execution.executor import Executor
from cpescript.execution.flow import moment_of
from cpescript.execution.frame import Frame, Missed
from cpescript.execution.process import Process, Steps, sleep
from cpescript.judge.setting import Window
from cpescript.judge.waiting import Waiting
from cpescript.kernel.time import format_clock
from cpescript.language import timeline as tl
from cpescript.pattern import expression as x
from cpescript.pattern.claim import Claim
from cpescript.pattern.evaluate import EvaluationError, Scope, evaluate
from cpescript.pattern.values import same, typed
from cpescript.pattern.walking import walk
from cpescript.recording.calls import Call
from cpescript.recording.lab import REGISTERED, STATES, VALUES, LabWorld, Lacking, Untold
from cpescript.results import ClaimResult


class Stand(NamedTuple):
    """Where a device stands: from when on its messages count, behind which record, and from when its time runs."""

    opens: int
    after: int
    base: int


@dataclass(slots=True)
class _Story:
    """What one process has come to."""

    stands: dict[int, Stand] = field(default_factory=dict)
    lost: str = ""
    """Why nobody knows what time it is in the recording."""
    scattered: str = ""
    """The action that was done last, where several devices did it, each at an instant of its own."""


# --- what is found ----------------------------------------------------------------------------------------------------


def _booted(call: Call, arguments: Mapping[str, Any]) -> bool:
    return call.cause == "boot"


def _reset(call: Call, arguments: Mapping[str, Any]) -> bool:
    return call.cause == "bootstrap"


def _informed(call: Call, arguments: Mapping[str, Any]) -> bool:
    event = arguments.get("event")
    return call.cause in ("change", "other") and (event is None or event in call.events)


def _changed(call: Call, arguments: Mapping[str, Any]) -> bool:
    return all(path in call.values and same(typed(*call.values[path]), value) for path, value in arguments["settings"])


FOUND: Mapping[str, tuple[str, Callable[[Call, Mapping[str, Any]], bool]]] = {
    "reboot": ("Inform 1 BOOT", _booted),
    "power-on": ("Inform 1 BOOT", _booted),
    "power-cycle": ("Inform 1 BOOT", _booted),
    "factory-reset": ("Inform 0 BOOTSTRAP", _reset),
    "inform": ("such Inform", _informed),
    "set": ("Inform 4 VALUE CHANGE with these values", _changed),
}
"""Action to the words for the session that it leads to, and how that is told from others."""


def _itself(step: Any) -> Any:
    return step


_HEADS: Mapping[type, Callable[[Any], Any]] = {
    tl.If: lambda step: [condition for condition, _ in step.branches],
    tl.Repeat: lambda step: [step.count, step.every, step.lasting],
    tl.ForEach: lambda step: step.over,
    tl.Handler: lambda step: [step.pattern, step.on],
    tl.Parallel: lambda step: (),
    tl.Background: lambda step: (),
    tl.At: lambda step: step.delay,
}
"""What a statement with a body says itself."""

_UNTOLD: Mapping[type, Callable[[Any], str]] = {
    x.Parameter: lambda node: VALUES,
    x.State: lambda node: "" if node.state == REGISTERED else STATES,
    tl.StateClaim: lambda node: "" if node.state == REGISTERED else STATES,
    tl.BeliefClaim: lambda node: f"nobody asked '{node.system}' then what it believes",
}
"""What a recording cannot be asked, by what a statement is made of; "" where it can."""


def untold(step: tl.Expect | tl.Monitor | Sequence[x.Node], silent: Collection[str]) -> str:
    """Return why a recording without messages of the kinds `silent` cannot be asked this, "" where it can."""
    for node in walk(step):
        asks = _UNTOLD.get(type(node))
        if asks is not None and (why := asks(node)):
            return why
        if isinstance(node, x.MessagePattern) and (unseen := node.kinds.intersection(silent)):
            return f"the recording could not see a {min(unseen)}: 'record --relay-connection-requests' does"
    if isinstance(step, tl.Expect) and isinstance(step.claim, tl.StateClaim) and step.lasting is not None:
        return f"{STATES}, and when that became so"
    return ""


class Follower(Executor):
    """Runs one timeline along a recording. Raises Lacking from `start`."""

    world: LabWorld

    def __init__(self, *more: Any) -> None:
        super().__init__(*more)
        self._stories: dict[Process, _Story] = {}
        self._left_at = _Story()
        """What the scenario has come to when it is over: its `finally:` goes on from there."""
        self._opened: dict[Process, Mapping[int, Window]] = {}
        """The windows of the claim that a process waits for."""
        self._unkept: dict[str, str] = {}
        """Names that statements would have kept which were passed over, and their places."""
        self.silent: frozenset[str] = frozenset()
        """Kinds of messages that the recording could not see."""

    def start(self) -> None:
        for step in walk(_bodies(self.timeline)):
            if isinstance(step, tl.Spawn):
                self._bind(step)
            elif isinstance(step, tl.Expect) and not untold(step, self.silent):
                self._remember(step)
        super().start()

    def _bind(self, step: tl.Spawn) -> None:
        def dress(number: int) -> None:
            scope = self.root.child(device=number)
            for statement in step.body:
                assert isinstance(statement, tl.Act)
                if statement.verb in ("label", "serial"):
                    self.world.act(statement.verb, number, self.arguments(scope, statement.arguments))

        place, remedy = self.place(step), "write numbers and parameters in it: whose devices are whose comes first"
        try:
            count = evaluate(step.count, self.root)
            self.world.bind(self.timeline.profiles[step.profile], count, step.cohort, dress)
        except Lacking as lacking:
            raise Lacking(f"{place} makes {count} of '{step.cohort}': {lacking}", lacking.remedy) from lacking
        except (EvaluationError, ValueError) as error:
            raise Lacking(f"{place}: it cannot be worked out before the scenario begins: {error}", remedy) from error

    def _remember(self, step: tl.Expect) -> None:
        """Have the judge keep what a claim may ask about: devices come each in its own time, so that its window may
        open in the past."""
        judged = Scope(self.judge.facts, parent=self.root)
        # What cannot be worked out is told when the claim's turn comes.
        with suppress(EvaluationError):
            for claim in (step.claim, *(() if step.unless is None else step.unless[:1])):
                self.judge.prepare(cast(Claim, claim), judged, keep_all=True)

    # --- processes ----------------------------------------------------------------------------------------------------

    def launch(self, name: str, anchor: int, after: int = 0, parent: Process | None = None) -> Process:
        process = super().launch(name, anchor, after, parent)
        story = self._stories[parent] if parent is not None else self._left_at
        self._stories[process] = replace(story, stands=dict(story.stands))
        return process

    def _main_over(self, main: Process) -> None:
        self._left_at = self._stories[main]
        super()._main_over(main)

    def branches(self, frame: Frame) -> list[Process]:
        """Return the processes that a process has begun so far."""
        return [process for process in self._stories if process.parent is frame.process]

    def rejoin(self, frame: Frame, branches: Sequence[Process]) -> None:
        """Processes are over that the frame's has begun: it stands where they have come to."""
        story = self.story(frame)
        for told in (self._stories[process] for process in branches):
            story.lost = story.lost or told.lost
            for device, stand in told.stands.items():
                story.stands[device] = max(stand, story.stands.get(device, stand), key=lambda each: each.base)

    def perform(self, frame: Frame, step: tl.Step) -> Steps | None:
        for node in walk(_HEADS.get(type(step), _itself)(step)) if self._unkept else ():
            if isinstance(node, x.Name) and node.name in self._unkept:
                raise Untold(f"{self._unkept[node.name]}, which keeps '{node.name}', was not judged")
        own = _STEPS.get(type(step))
        return own(self, frame, step) if own is not None else super().perform(frame, step)

    def _step(self, frame: Frame, step: tl.Step) -> Steps:
        try:
            yield from super()._step(frame, step)
        except Untold as untold:
            self.pass_over(frame, step, str(untold))
            if not isinstance(step, (tl.Expect, tl.Monitor)):
                # Nobody knows what came of it, nor what of that the rest is about.
                raise Missed from untold

    # --- for steps: where devices stand -------------------------------------------------------------------------------

    def story(self, frame: Frame) -> _Story:
        return self._stories[frame.process]

    def stand(self, frame: Frame, device: int) -> Stand:
        """Return where a device stands: no earlier than the process itself."""
        anchor = frame.process.anchor
        stand = self.story(frame).stands.get(device, Stand(anchor, 0, anchor))
        return stand if stand.opens >= anchor else Stand(anchor, 0, max(anchor, stand.base))

    def latest(self, frame: Frame) -> int:
        """Return from when on time runs for whoever comes last."""
        return max([self.kernel.now, *(stand.base for stand in self.story(frame).stands.values())])

    def windows(
        self, frame: Frame, step: tl.Expect, devices: Sequence[int], length: int
    ) -> tuple[int, int, Mapping[int, Window]] | None:
        timed = step.within is not None or step.lasting is not None
        if step.since is not None or not timed or not devices or devices == [0]:
            return super().windows(frame, step, devices, length)
        own: dict[int, Window] = {}
        for device in devices:
            stand = self.stand(frame, device)
            # Silence counts from behind what came last, as it does in a run.
            opens = (stand.opens, 0) if step.within is not None else (stand.base, stand.after)
            own[device] = Window(*opens, stand.base + length)
        self._opened[frame.process] = own
        last = max(window.closes or 0 for window in own.values())
        return min(window.opens for window in own.values()), last - length, own

    def decided(self, frame: Frame, waiting: Waiting) -> None:
        """Each device stands where it has met a claim; one that has not, or had to wait, where its time was over."""
        story, opened = self.story(frame), self._opened.pop(frame.process, {})
        story.scattered = ""
        for device, window in opened.items():
            stand, met = self.stand(frame, device), waiting.met_at(device)
            if waiting.condition.at_close or (met is None and waiting.verdict != "met"):
                met = min(window.closes or 0, self.kernel.now), 0
            elif met is None:
                # It was so already.
                met = self.kernel.now, self.world.trace.count
            story.stands[device] = Stand(stand.opens, met[1], max(stand.base, met[0]))

    # --- for steps: what is passed over -------------------------------------------------------------------------------

    def pass_over(self, frame: Frame, step: tl.Step, why: str) -> None:
        """Tell a statement that is not judged, and why."""
        self.asked += 1
        word, span = step.source.split(maxsplit=1)[0], step.span
        if isinstance(step, (tl.Expect, tl.Monitor)):
            word, span = ("wait until" if step.mode == "wait" else step.mode), step.claim.span
        now = self.kernel.now
        told = f"not judged: {why}"
        self.failures.append(
            ClaimResult(
                word, span, self.judge.line(span), "inconclusive", told, now, now, 0, 0, 0, callers=frame.callers
            )
        )
        self.keeps_nothing(step)

    def keeps_nothing(self, step: tl.Step) -> None:
        """A statement was not done: what names what it keeps (`as NAME`) is passed over as well."""
        names = (getattr(node, "capture", None) for node in walk(step))
        self._unkept.update((name, self.place(step)) for name in names if name)

    def why_not(self, frame: Frame, step: tl.Expect | tl.Monitor) -> str:
        """Return why a claim cannot be judged, "" where it can."""
        story = self.story(frame)
        if story.lost:
            return story.lost
        if isinstance(step, tl.Expect) and step.since in self._unkept:
            return f"{self._unkept[step.since]}, which keeps '{step.since}', was not judged"
        if isinstance(step, tl.Monitor) and story.scattered:
            return f"behind {story.scattered} it begins for each device at another instant"
        return untold(step, self.silent)


# --- steps ------------------------------------------------------------------------------------------------------------


def _spawn(run: Follower, frame: Frame, step: tl.Spawn) -> None:
    story, callers = run.story(frame), run.world.facts.callers
    story.lost = story.scattered = ""
    numbers = run.world.facts.cohorts[step.cohort]
    if not numbers:
        run.vacuous.append(f"{run.place(step)}: no device was spawned")
    for number in numbers:
        t = callers[number].calls[0].t
        story.stands[number] = Stand(t, 0, t)
    # They came when they came: the process waits for none of them.
    frame.process.anchor = min([run.kernel.now, *(callers[number].calls[0].t for number in numbers)])


def _act(run: Follower, frame: Frame, step: tl.Act) -> Steps:
    devices, story = run.devices(frame, step.target), run.story(frame)
    where = f"{run.place(step)}, '{step.source}'"
    if not devices:
        run.vacuous.append(f"{run.place(step)}: '{step.source}' spoke of no device")
        return
    if step.verb not in FOUND:
        story.lost = f"{where}, leaves no mark of its own in a recording, and this comes behind it"
        return
    words, led_to = FOUND[step.verb]
    found: dict[int, int] = {}
    for device in devices:
        arguments = run.arguments(frame.scope.child(device), step.arguments)
        base, caller = run.stand(frame, device).base, run.world.facts.callers[device]
        t = next((call.t for call in caller.calls if call.t > base and led_to(call, arguments)), None)
        if t is None:
            who = f"{run.world.facts.device(device).name} ({caller.identity})"
            story.lost = f"{where}: the recording has no {words} of {who} behind {format_clock(base)}"
            return
        found[device] = t
    first, last = min(found.values()), max(found.values())
    story.lost, story.scattered = "", where if first < last else ""
    for device, t in found.items():
        story.stands[device] = Stand(t, 0, t)
    run.open_window(frame, first)
    if last > run.kernel.now:
        yield sleep(run.kernel, run.owner, last)
    for device, t in found.items():
        if t == run.kernel.now:
            run.world.act(step.verb, device, {})


def _stimulus(run: Follower, frame: Frame, step: tl.Stimulus) -> None:
    why = "a recording does not tell when that was ordered, and this comes behind it"
    run.story(frame).lost = f"{run.place(step)}, '{step.source}': {why}"
    run.keeps_nothing(step)


def _claim(run: Follower, frame: Frame, step: tl.Expect | tl.Monitor) -> Steps:
    if why := run.why_not(frame, step):
        raise Untold(why)
    yield from _waits(run, frame, step)


def _waits(run: Follower, frame: Frame, step: tl.Step) -> Steps:
    waits = Executor.perform(run, frame, step)
    assert waits is not None
    yield from waits


def _wait(run: Follower, frame: Frame, step: tl.Wait) -> Steps:
    story = run.story(frame)
    story.scattered = ""
    if step.moment is not None:
        until = moment_of(run, step.moment)
    else:
        until = run.latest(frame) + run.duration(frame, step.duration)
    run.open_window(frame, until)
    if until > run.kernel.now:
        yield sleep(run.kernel, run.owner, until)


def _handler(run: Follower, frame: Frame, step: tl.Handler) -> None:
    if any(isinstance(node, tl.Answer) for node in walk(step.body)):
        raise Untold("real devices answered for themselves")
    if why := untold([step.pattern, cast(x.Node, step.on)], run.silent):
        raise Untold(why)
    Executor.perform(run, frame, step)


def _together(run: Follower, frame: Frame, step: tl.Parallel | tl.ForEach) -> Steps:
    before = run.branches(frame)
    yield from _waits(run, frame, step)
    run.rejoin(frame, [process for process in run.branches(frame) if process not in before])


_STEPS: Mapping[type[tl.Step], Callable[[Follower, Frame, Any], Steps | None]] = {
    tl.Spawn: _spawn,
    tl.Act: _act,
    tl.Stimulus: _stimulus,
    tl.Expect: _claim,
    tl.Monitor: _claim,
    tl.Wait: _wait,
    tl.Handler: _handler,
    tl.Parallel: _together,
    tl.ForEach: _together,
}


def _bodies(timeline: tl.Timeline) -> Sequence[Sequence[tl.Step]]:
    return (timeline.body, *(each.body for each in timeline.procedures.values()), timeline.final)
