"""One case of one scenario, from a timeline to its result: assembles the world, lets time go by, gathers what was
found."""

from __future__ import annotations

import shlex
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from operator import attrgetter
from typing import IO, Any

from cpescript import __version__
from cpescript.device.states import STATES
from cpescript.diagnostics import placing
from cpescript.execution.executor import Executor
from cpescript.judge.judge import Judge
from cpescript.kernel.queue import DEADLINE, Kernel, Owner
from cpescript.kernel.time import DEFAULT_START, SECOND, Instant, format_instant
from cpescript.kernel.trace import Record, Trace, Writer
from cpescript.language.timeline import Step, Timeline
from cpescript.results import CohortSummary, Problem, ScenarioResult, Snapshot, Verdict
from cpescript.runner.lanes import StateHistory
from cpescript.runner.options import EMBEDDED, Observer, RunOptions
from cpescript.runner.outcomes import REMEDIES, Outcomes
from cpescript.runner.paced import remarks
from cpescript.runner.target import Refused, Target, make_target
from cpescript.runner.verdict import settle
from cpescript.runner.watching import Masked, masker_of
from cpescript.simulation import Simulation, decode_or_none
from cpescript.transport.base import DriveEnded, Interrupted

PROGRESS_EVERY = 0.2
"""Real seconds between two looks of the progress display, at least."""
PROGRESS_SHARE = 20
"""A look at a million devices takes a while: the next comes after this many times as long."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A case's result, and whether the run was interrupted in it."""

    result: ScenarioResult
    interrupted: bool = False


class JudgeTimers:
    """The kernel's clock as the judge wants it: deadlines come after all messages of their instant."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._owner = Owner(0)
        self._actions: dict[int, Callable[[], None]] = {}
        """By handle. The queue keeps what is cancelled until its instant, and a claim on a large fleet is heavy."""

    def at(self, when: int, action: Callable[[], None]) -> int:
        handles: list[int] = []
        handle = self._kernel.at(when, self._owner, self._ring, handles, DEADLINE)
        handles.append(handle)
        self._actions[handle] = action
        return handle

    def cancel(self, handle: int) -> None:
        del self._actions[handle]
        self._kernel.cancel(handle)

    def _ring(self, handles: list[int]) -> None:
        self._actions.pop(handles[0])()


class Case:
    """Assembles and runs one timeline."""

    def __init__(
        self,
        timeline: Timeline,
        options: RunOptions,
        seed: int,
        trace_file: IO[bytes] | None,
        spelt: str = "",
        title: str = "",
        only: str = "",
        executor: type[Executor] = Executor,
        simulation: type[Simulation] = Simulation,
        trace: type[Trace] = Trace,
    ) -> None:
        self.timeline = timeline
        self.spelt = spelt or timeline.file
        """The scenario as the user named it."""
        self.title = title or timeline.title
        self.only = only
        """The case's title, where its file has several cases."""
        self.options = options
        self.masker = masker_of(timeline, options)
        external = options.acs != EMBEDDED
        # Against a real ACS a secret may come up while the run goes on.
        learns = external or bool(timeline.systems)
        self.observer: Observer = Masked(options.observer, self.masker) if self.masker or learns else options.observer
        self.seed = seed
        self.kernel = Kernel()
        self.start = timeline.starts_at or (Instant(int(time.time()) * SECOND) if external else DEFAULT_START)
        self.writer: Writer | None = None
        if trace_file is not None or options.trace_digest:
            self.writer = Writer(self.title, trace_file, self.masker)
        self.trace = trace(
            self.kernel,
            writer=self.writer,
            decoders={"cwmp": decode_or_none},
            wall=time.time_ns if external else None,
        )
        self.history = StateHistory(self.trace)
        self.quirks: dict[str, int] = {}
        self._injected: set[str] = set()
        self.trace.watch(["quirk", "quirk-injected"], self._quirk)
        self.simulation = simulation(
            self.kernel,
            self.trace,
            seed=seed,
            start=self.start,
            serial_prefix=options.serial_prefix,
            firmware={version: int(size) for version, size in timeline.firmware.items()},
        )
        self.judge = Judge(
            self.trace,
            JudgeTimers(self.kernel),
            self.simulation,
            lambda: self.kernel.now,
            sources=timeline.sources,
            start=self.start,
            external=external and timeline.clock == "virtual",
            states=timeline.interest.states,
            parameters=bool(timeline.interest.parameters),
        )
        self.simulation.facts.counted = self.judge.facts.count
        self.simulation.facts.rated = self.judge.facts.rate
        self.simulation.facts.responded = self.judge.facts.response_times
        self.executor = executor(
            timeline, self.simulation, self.judge, self.kernel.stop, self._step_begins if options.verbose else None
        )
        self.problems: list[Problem] = []
        self.target: Target | None = None
        self.unreached = False
        """Whether no connection to the ACS ever stood: then no miss says anything about it."""
        self.interrupted = False
        self.real = 0.0
        """Real seconds from `with` to its end."""
        self._began = 0.0
        self._look = 0.0
        self._follows: set[int] = set()
        """Numbers of the devices that `follow` means, as far as they have spoken."""
        self.outcomes = Outcomes(self.trace) if external else None
        if options.follow is not None or options.verbose > 1:
            self.trace.watch(None, self._followed)

    # --- the run --------------------------------------------------------------------------------------------------

    def run(self) -> ScenarioResult:
        with self:
            if self.target is not None:
                with self.told():
                    self.drive()
        return self.result()

    def __enter__(self) -> Case:
        """Make the ACS ready and begin; a case that cannot begin has a problem, and no `target`."""
        self._began = time.monotonic()
        if self.writer is not None:
            self.writer.header(self._header())
        with self.told():
            target = make_target(self.timeline, self.options, self.seed, self.start, self.simulation, self._pulse)
            self.simulation.connect(target.wire, target.adapter, target.systems)
            self.target = target
            self.executor.paces = target.paces
            self.executor.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the ACS; the result can still be had."""
        if self.target is not None and (why := self.target.unreached()):
            message = f"no connection to {self.options.acs} ever stood: {why}"
            self.unreached = True
            remedy = self.outcomes.remedy if self.outcomes is not None else ""
            self.trouble(Problem("environment", message, remedy or REMEDIES["refused"]), unreached=True)
        self.trace.fact(None, "end")
        if self.target is not None:
            self.target.close()
        self.real = time.monotonic() - self._began

    @contextmanager
    def told(self) -> Iterator[None]:
        """Make a problem of what is raised inside."""
        try:
            yield
        except Refused as error:
            self.trouble(Problem("environment", error.message, error.remedy))
        except Exception as error:
            # Ours: told with its traceback, as an error, with everything that ran.
            message, detail = f"{type(error).__name__}: {error}", traceback.format_exc()
            self.trouble(Problem("cpescript", message, t=self.kernel.now, detail=detail))

    def trouble(self, problem: Problem, **more: Any) -> None:
        """Make a problem part of the result, and of the trace, where a later judgement finds it."""
        self.problems.append(problem)
        self.trace.fact(None, "problem", whose=problem.whose, message=problem.message, remedy=problem.remedy, **more)

    def drive(self) -> None:
        """Let time go by until the scenario is over; one that is cut short still runs its `finally:`."""
        while True:
            try:
                self.simulation.drive()
                return
            except DriveEnded as ended:
                asked = isinstance(ended, Interrupted) and not self.interrupted
                self.interrupted = self.interrupted or asked
                if self.executor.ending and not asked:
                    # No real time left for `finally:` either: end here.
                    self.executor.abandon(str(ended))
                    return
                self.executor.interrupt(str(ended))
                if self.kernel.stopped:
                    # There was no `finally:`, so that was the end; another drive would forget it.
                    return

    def _pulse(self) -> bool:
        """Called by the wire now and then; returns whether the run is to end."""
        now = time.monotonic()
        if now >= self._look:
            self.observer.progress(self._snapshot())
            took = time.monotonic() - now
            self._look = now + took + max(PROGRESS_EVERY, PROGRESS_SHARE * took)
        return self.options.interrupted() and not self.interrupted

    def _snapshot(self) -> Snapshot:
        claims = self.judge.claims
        return Snapshot(
            title=self.title,
            t=self.kernel.now,
            sessions=self.simulation.sessions,
            devices=len(self.simulation.devices),
            states=self._states(self.simulation.facts.cohorts),
            claims_open=len(self.judge.waiting) + sum(1 for each in self.judge.monitors if each.result is None),
            claims_met=sum(1 for claim in claims if claim.verdict == "met"),
            claims_missed=sum(1 for claim in claims if claim.verdict == "missed"),
        )

    def _states(self, cohorts: Mapping[str, range]) -> dict[str, int]:
        # Fleets are large and masks few: devices are counted by mask first.
        fleet = self.simulation.devices
        devices = chain.from_iterable(fleet[numbers.start - 1 : numbers.stop - 1] for numbers in cohorts.values())
        counts = dict.fromkeys(STATES, 0)
        for mask, count in Counter(map(attrgetter("state"), devices)).items():
            for name, state in STATES.items():
                if bool(mask & state.bit) is not state.complement:
                    counts[name] += count
        return {name: count for name, count in counts.items() if count}

    def _step_begins(self, step: Step) -> None:
        self.observer.step(self.kernel.now, step.span.line, step.source)

    # --- watchers -------------------------------------------------------------------------------------------------

    def _quirk(self, record: Record) -> None:
        name = record.data["name"]
        if record.kind == "quirk-injected":
            self._injected.add(name)
        else:
            self.quirks[name] = self.quirks.get(name, 0) + 1

    def _followed(self, record: Record) -> None:
        if record.direction == "local" or record.name is None:
            return
        device = self.simulation.facts.device(record.device)
        follow = self.options.follow
        if follow is not None and follow not in (record.name, device.identity, device.device_id[3]):
            return
        self._follows.add(record.device)
        lines = self.simulation.recent(record.device)
        if lines:
            self.observer.message(record.name, lines[-1])

    # --- the result -----------------------------------------------------------------------------------------------

    def _header(self) -> dict[str, Any]:
        return {
            "version": __version__,
            "digest": self.timeline.digest,
            "case": _case(self.timeline),
            "params": _params(self.timeline),
            "seed": self.seed,
            "clock": _clock(self.timeline),
            "start": format_instant(self.start),
            "acs": EMBEDDED if self.options.acs == EMBEDDED else "external",
        }

    def result(self) -> ScenarioResult:
        """Return what was found, secrets masked."""
        timeline, executor, judge, target = self.timeline, self.executor, self.judge, self.target
        claims = sorted([*judge.claims, *executor.failures], key=lambda claim: (claim.closed, claim.span))
        if self.unreached:
            claims = [replace(each, verdict="inconclusive") if each.verdict == "missed" else each for each in claims]
        found = [*executor.problems, *judge.problems, *self.problems]
        problems = sorted(found, key=lambda problem: problem.t or 0)
        place = placing(claim.span for claim in claims)
        vacuous = [
            *executor.vacuous,
            *(f"{place(claim.span)}: {claim.message}" for claim in claims if claim.verdict == "vacuous"),
            *(f"quirk '{name}' never showed on the wire" for name in sorted(self._injected - set(self.quirks))),
        ]
        if not executor.asked and not problems and not executor.cut:
            vacuous.append("the scenario claims nothing")
        known = timeline.expected_to_fail or ""
        verdict, reason = settle(claims, problems, vacuous, executor.cut, known, self.options.strict)
        paced = target.paces.result() if target is not None and target.paces is not None else ()
        missed = list(dict.fromkeys(miss.device for claim in claims for miss in claim.misses))
        result = ScenarioResult(
            **_said(timeline, self.options, self.title, self.seed),
            verdict=verdict,
            reason=reason,
            virtual_ns=self.kernel.now,
            real_seconds=self.real,
            claims=tuple(claims),
            problems=tuple(problems),
            vacuous=tuple(vacuous),
            notes=tuple(executor.notes),
            cohorts=self._cohorts(),
            sessions=self.simulation.sessions,
            messages=self.trace.messages,
            events=self.kernel.events,
            lanes=(self.history.timeline(executor.bars), *self.history.lanes(missed)),
            latencies=tuple(target.latencies()) if target is not None else (),
            paced=paced,
            defects=self.options.defects,
            quirks=dict(sorted(self.quirks.items())),
            trace_digest=self.writer.hexdigest() if self.writer is not None else None,
            rerun=self._rerun(),
            remarks=(*self._failures(), *remarks(paced), *(target.remarks if target else ()), *self._followed_nobody()),
            cut=executor.cut,
            expected_to_fail=known,
        )
        return self.masker.value(result) if self.masker else result

    def _failures(self) -> Iterable[str]:
        return self.outcomes.remarks() if self.outcomes is not None else ()

    def _followed_nobody(self) -> list[str]:
        follow = self.options.follow
        if follow is None or self._follows:
            return []
        cohorts = [f"{name}[1..{len(numbers)}]" for name, numbers in self.simulation.facts.cohorts.items() if numbers]
        return [f"--follow {follow}: no device of that name spoke; there were {', '.join(cohorts) or 'none'}"]

    def _cohorts(self) -> tuple[CohortSummary, ...]:
        facts = self.simulation.facts
        return tuple(
            CohortSummary(
                name,
                ", ".join(dict.fromkeys(facts.device(number).schema.name for number in numbers)),
                len(numbers),
                numbers.start,
                self._states({name: numbers}),
            )
            for name, numbers in facts.cohorts.items()
        )

    def _rerun(self) -> str:
        options = f" --only {shlex.quote(self.only)}" if self.only else ""
        options += f" {self.options.rerun}" if self.options.rerun else ""
        for param in self.timeline.params:
            if param.secret and param.name in self.options.params:
                given = shlex.quote(f"{param.name}={self.options.params[param.name]}")
                options = options.replace(given, f"{param.name}='***'")
        return f"cpescript run {shlex.quote(self.spelt)} --seed {self.seed}{options}"


def _said(timeline: Timeline, options: RunOptions, title: str, seed: int) -> dict[str, Any]:
    """Return the fields of a result that are known before anything runs."""
    return {
        "name": timeline.name,
        "title": title,
        "file": timeline.file,
        "case": _case(timeline),
        "tags": timeline.tags,
        "docstring": timeline.docstring,
        "seed": seed,
        "clock": _clock(timeline),
        "acs": options.acs,
        "params": _params(timeline),
    }


def _case(timeline: Timeline) -> dict[str, Any]:
    return {name: plain_value(value) for name, value in timeline.case.items()}


def _params(timeline: Timeline) -> dict[str, Any]:
    return {param.name: "***" if param.secret else plain_value(param.value) for param in timeline.params}


def _clock(timeline: Timeline) -> str:
    return f"scaled {timeline.scale:g}x" if timeline.clock == "scaled" else timeline.clock


def plain_value(value: Any) -> Any:
    """Return a parameter's value as JSON can hold it: units as their text."""
    if isinstance(value, (list, tuple)):
        return [plain_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain_value(item) for key, item in value.items()}
    return value if value is None or type(value) in (bool, int, float, str) else str(value)


def skipped(timeline: Timeline, options: RunOptions, title: str = "") -> ScenarioResult:
    """Return the result of a case that its author says to skip."""
    return unrun(timeline, options, title or timeline.title, timeline.seed or 0, "skipped", timeline.skip or "")


def unrun(
    timeline: Timeline, options: RunOptions, title: str, seed: int, verdict: Verdict, reason: str, **more: Any
) -> ScenarioResult:
    """Return the result of a case that did not run, or whose process is gone."""
    result = ScenarioResult(
        **_said(timeline, options, title, seed),
        verdict=verdict,
        reason=reason,
        virtual_ns=0,
        real_seconds=0.0,
        claims=(),
        **more,
    )
    return masker_of(timeline, options).value(result)  # type: ignore[no-any-return]


def started_now() -> str:
    """Return the wall clock as RFC 3339, whole seconds, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
