"""Judges a recording of real devices by a scenario: its actions are found there, and its claims asked of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from cpescript.diagnostics import Bag, did_you_mean
from cpescript.judge.probes import NEVER
from cpescript.kernel.time import Duration
from cpescript.language.program import Program
from cpescript.language.timeline import Timeline
from cpescript.recording.calls import Callers, callers
from cpescript.recording.following import Follower
from cpescript.recording.lab import LabWorld, Lacking
from cpescript.recording.reading import Header, Line
from cpescript.recording.rejudge import Judged, Part, parts, programs_of
from cpescript.recording.replay import Parted
from cpescript.results import ScenarioResult
from cpescript.runner.case import Case, skipped
from cpescript.runner.options import RunOptions
from cpescript.runner.verdict import merge_matrix

NAMED = 5
"""Devices that a remark names."""
_UNRELAYED = frozenset({"ConnectionRequest"})
"""Messages that pass a recorder by unless it relays them."""


def is_recording(header: Header) -> bool:
    """Whether a trace is of devices that no scenario has made: there was no text to take a digest of."""
    return header.external and not header.digest


class Followed(Case):
    """A case that is walked along a recording."""

    simulation: LabWorld
    executor: Follower

    def __init__(self, timeline: Timeline, part: Part, callers: Callers, strict: bool = False) -> None:
        options = RunOptions(scenarios=(timeline.file,), acs="a recording", strict=strict)
        # How long it takes is the recording's affair.
        timeline = replace(timeline, starts_at=part.header.start, clock="virtual", limit=Duration(NEVER))
        super().__init__(timeline, options, part.header.seed, None, simulation=LabWorld, executor=Follower)
        self.trace.timed_by(lambda: self.simulation.wall or 0)
        self.simulation.load(part.entries)
        self.simulation.callers = callers
        self.executor.silent = frozenset() if callers.relayed else _UNRELAYED

    def run(self) -> ScenarioResult:
        """Judge the recording. Raises Lacking."""
        with self.told():
            try:
                self.executor.start()
                self.drive()
            except Parted as parted:
                self.executor.abandon(str(parted))
        result = self.result()
        return replace(result, clock="real", remarks=(*result.remarks, *self._whose()), rerun="")

    def _whose(self) -> Iterator[str]:
        """Say which recorded devices were whose."""
        facts, left = self.simulation.facts, self.simulation.left()
        bound = [f"{facts.device(number).name} is {caller.name}" for number, caller in facts.callers.items()]
        yield f"judged from a recording: {_some(bound) or 'of no device'}"
        if left:
            yield f"nothing was asked about {_some([each.name for each in left])}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def judge_recording(
    paths: Sequence[Path],
    lines: Callable[[], Iterator[Line]],
    params: Mapping[str, str],
    strict: bool,
    bag: Bag,
    only: Collection[str] = (),
) -> Judged:
    """Judge a recording by every case in the files at `paths`; with `only`, by those of these names or titles alone.
    Several in one file are judged one after the other.

    `lines` begins the file anew. What does not check is in the bag. Raises TraceError.
    """
    programs = programs_of(paths, params, bag)
    cases = [] if bag.failed else _cases(programs, params, bag)
    if bag.failed:
        return Judged()
    wanted = [each for each in cases if not only or {each.name, each.title} & set(only)]
    if not wanted:
        names = list(dict.fromkeys(name for each in cases for name in (each.name, each.title)))
        meant = did_you_mean(next(iter(only), ""), names, f"there are {', '.join(names) or 'none'}")
        return Judged(problem=f"the files have no scenario of that name: {meant}")
    results: list[ScenarioResult] = []
    recordings = [callers(part.entries) for part in parts(lines())]
    for number, found in enumerate(recordings):
        which = f"of recording {number + 1} of {len(recordings)}" if len(recordings) > 1 else ""
        of_this = []
        for timeline in wanted:
            if timeline.skip is not None:
                of_this.append(skipped(timeline, RunOptions(scenarios=(timeline.file,))))
                continue
            [part] = islice(parts(lines()), number, number + 1)
            try:
                result = Followed(timeline, part, found, strict).run()
            except Lacking as lacking:
                where = f"{timeline.title}: {which}{': ' * bool(which)}"
                return Judged(problem=f"{where}{lacking}", remedy=lacking.remedy)
            of_this.append(replace(result, remarks=(*result.remarks, *filter(None, [which]))))
        results += merge_matrix(of_this, strict=strict)
    return Judged(tuple(results))


def _cases(programs: Sequence[Program], params: Mapping[str, str], bag: Bag) -> list[Timeline]:
    found: list[Timeline] = []
    for program in programs:
        declared = {param.name for param in program.params}
        given = {name: value for name, value in params.items() if name in declared or len(programs) == 1}
        cases, problems = program.cases(params=given, params_file={}, environment={})
        bag.extend(problems)
        found += cases
    return found
