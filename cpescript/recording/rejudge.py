"""Judges a saved trace again: the same scenario, the same judge, and no ACS."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from cpescript.diagnostics import Bag, did_you_mean
from cpescript.language.catalogue import standard_catalogue
from cpescript.language.loader import load
from cpescript.language.program import Program
from cpescript.language.timeline import Spawn, Timeline
from cpescript.pattern.walking import walk
from cpescript.recording.reading import Entry, Header, Line, TraceError
from cpescript.recording.replay import Parted
from cpescript.recording.world import RecordedWorld, ReplayTrace, Unlike
from cpescript.results import Problem, ScenarioResult
from cpescript.runner.case import Case
from cpescript.runner.last import REPEATED
from cpescript.runner.loading import check_params
from cpescript.runner.options import EMBEDDED, RunOptions
from cpescript.runner.systems import read_system
from cpescript.runner.verdict import merge_matrix

MASKED = "***"
"""What stands in a trace for a secret."""


@dataclass(frozen=True, slots=True)
class Part:
    """One scenario of a trace: its header and its records, which can be read once."""

    header: Header
    entries: Iterator[Entry]


class Rejudged(Case):
    """A case whose world is a trace."""

    simulation: RecordedWorld

    def __init__(self, timeline: Timeline, part: Part, strict: bool = False) -> None:
        header = part.header
        options = RunOptions(
            scenarios=(timeline.file,), acs="a saved trace" if header.external else EMBEDDED, strict=strict
        )
        timeline = replace(timeline, starts_at=header.start)
        super().__init__(
            timeline,
            options,
            header.seed,
            None,
            title=header.scenario,
            simulation=RecordedWorld,
            trace=ReplayTrace,
        )
        assert isinstance(self.trace, ReplayTrace)
        self.trace.world = self.simulation
        if header.external:
            self.trace.timed_by(lambda: self.simulation.wall or 0)
        self.simulation.load(part.entries)
        self.simulation.interrupt = self.executor.interrupt
        self.simulation.parting = self._parting
        self.simulation.troubled = self._troubled

    def _troubled(self, data: Mapping[str, Any]) -> None:
        whose: Literal["environment", "cpescript"] = "cpescript" if data.get("whose") == "cpescript" else "environment"
        self.problems.append(Problem(whose, str(data.get("message", "")), str(data.get("remedy", ""))))
        self.unreached = self.unreached or data.get("unreached") is True

    def _parting(self, why: str) -> None:
        self.executor.cut = self.executor.cut or why

    def _replay(self) -> None:
        try:
            self.executor.start()
            self.drive()
        except Parted as parted:
            self.executor.abandon(str(parted))
            return
        left = self.simulation.rest()
        if left:
            self.simulation.parted = left
            self._parting(left)

    def run(self) -> ScenarioResult:
        """Judge the trace. Raises Unlike."""
        with self.told():
            first = self.simulation.first()
            if first is not None and first.kind == "problem":
                # Then it never began: the ACS could not be made ready.
                self._troubled(first.data)
            else:
                self._replay()
        result = self.result()
        remarks = [f"judged again from a saved trace of a run with seed {self.seed}"]
        if result.verdict != "inconclusive" and self.simulation.parted:
            remarks.append(self.simulation.parted)
        return replace(result, acs="a saved trace", remarks=(*result.remarks, *remarks), rerun="")


def parts(lines: Iterable[Line]) -> Iterator[Part]:
    """Yield the scenarios of a trace, each to be used up before the next is asked for. Raises TraceError."""
    source = iter(lines)
    following: list[Header] = []
    first = next(source, None)
    if not isinstance(first, Header):
        raise TraceError("the trace is empty")
    following.append(first)

    def entries() -> Iterator[Entry]:
        for line in source:
            if isinstance(line, Header):
                following.append(line)
                return
            yield line

    while following:
        part = Part(following.pop(), entries())
        yield part
        for _ in part.entries:
            continue


def values_of(header: Header, secrets: Iterable[str]) -> dict[str, Any]:
    """Return the parameters of a trace as a parameter file has them; secret ones are as masked as the trace."""
    known = {name: value for name, value in header.params.items() if value is not None}
    return {**known, **dict.fromkeys((name for name in secrets if name in known), MASKED)}


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a trace; `problem` says why nothing did."""

    results: tuple[ScenarioResult, ...] = ()
    problem: str = ""
    remedy: str = ""


def programs_of(paths: Sequence[Path], params: Mapping[str, str], bag: Bag) -> list[Program]:
    """Return what the files hold; what is wrong with them, or with `params`, is in the bag."""
    programs, catalogue = [], standard_catalogue(read_system)
    for path in paths:
        program, problems = load(path, catalogue)
        bag.extend(problems)
        if program is not None:
            programs.append(program)
    if len(programs) > 1 and not bag.failed:
        declared = {param.name for program in programs for param in program.params}
        check_params(RunOptions(scenarios=(), params=params), declared, bag)
    return programs


def judge_trace(
    paths: Sequence[Path],
    lines: Iterable[Line],
    params: Mapping[str, str],
    strict: bool,
    bag: Bag,
    only: Collection[str] = (),
) -> Judged:
    """Judge every scenario of a trace by the one of that title in the files at `paths`; what does not check is in the
    bag. With `only`, those of these names or titles alone.

    Raises TraceError.
    """
    programs = programs_of(paths, params, bag)
    if bag.failed:
        return Judged()
    turns: dict[str, list[ScenarioResult]] = {}
    names: list[str] = []
    for part in parts(lines):
        title = REPEATED.sub("", part.header.scenario)
        known = (title.partition(" [")[0], title)
        names += known
        if only and not set(known) & set(only):
            continue
        timeline, titles, problems = _timeline_of(part.header, title, programs, params)
        bag.extend(problems)
        if problems.failed:
            return Judged()
        if timeline is None:
            there = ", ".join(f"'{each}'" for each in titles) or "none"
            files = paths[0].name if len(paths) == 1 else f"these {len(paths)} files"
            problem = f"the trace is of '{title}', and {files} has {there}: they are matched by their titles"
            return Judged(problem=problem, remedy="name its file too, or say by --only which to judge")
        try:
            result = Rejudged(timeline, part, strict).run()
        except Unlike as unlike:
            line = _spawned_at(timeline, unlike.cohort)
            return Judged(problem=f"the trace has {unlike}, line {line} makes {unlike.makes} of '{unlike.cohort}'")
        if timeline.digest != part.header.digest:
            changed = "the scenario's text is not the one that the trace was made with"
            result = replace(result, remarks=(*result.remarks, changed))
        turns.setdefault(part.header.scenario.removeprefix(title), []).append(result)
    if not turns:
        meant = did_you_mean(next(iter(only)), names, f"it has {', '.join(dict.fromkeys(names))}")
        return Judged(problem=f"the trace has no scenario of that name: {meant}")
    return Judged(tuple(each for turn in turns.values() for each in merge_matrix(turn, strict=strict)))


def _timeline_of(
    header: Header, title: str, programs: Sequence[Program], params: Mapping[str, str]
) -> tuple[Timeline | None, list[str], Bag]:
    """Return the case that a part of a trace is of, under the params of then, the titles that there are, and what is
    wrong with the params.

    Of several files the one that the trace was made with is taken, else the first that has the title.
    """
    found: list[Timeline] = []
    titles: list[str] = []
    bag = Bag()
    for program in programs:
        declared = {param.name: param.secret for param in program.params}
        given = {name: value for name, value in params.items() if name in declared or len(programs) == 1}
        then = values_of(header, [name for name, secret in declared.items() if secret])
        known = {name: value for name, value in then.items() if name in declared and name not in given}
        cases, problems = program.cases(params=given, params_file=known, environment={})
        # The params of then are those of one file: another may want for some.
        if not problems.failed or len(programs) == 1:
            bag.extend(problems)
        titles += [each.title for each in cases]
        found += [each for each in cases if each.title == title][:1]
    made = next((each for each in found if each.digest == header.digest), found[0] if found else None)
    return made, titles, bag


def _spawned_at(timeline: Timeline, cohort: str) -> int:
    """Return the line that makes a cohort."""
    steps = walk((timeline.body, *(each.body for each in timeline.procedures.values()), timeline.final))
    return next((step.span.line for step in steps if isinstance(step, Spawn) and step.cohort == cohort), 0)
