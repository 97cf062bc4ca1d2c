"""A whole run: which scenarios, in which cases, one after the other or side by side, into one result."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from io import BufferedWriter, FileIO
from typing import IO, Any

from cpescript import __version__
from cpescript.diagnostics import Bag
from cpescript.language.catalogue import standard_catalogue
from cpescript.language.timeline import Timeline
from cpescript.results import RunResult, ScenarioResult, exit_status
from cpescript.runner.case import Case, plain_value, started_now
from cpescript.runner.checks import (
    check_abilities,
    check_defects,
    check_policies,
    check_real_times,
    check_stimuli,
)
from cpescript.runner.config import ConfigError, check_addresses, with_target
from cpescript.runner.last import NOT_PASSED
from cpescript.runner.loading import UsageError as UsageError
from cpescript.runner.loading import cases_of, check_environment, check_params, files_of
from cpescript.runner.loading import find_scenario as find_scenario
from cpescript.runner.north import abilities_of, secrets_of
from cpescript.runner.options import EMBEDDED, RunOptions
from cpescript.runner.pool import side_by_side
from cpescript.runner.selection import Selection, warn
from cpescript.runner.state import State, StateError
from cpescript.runner.systems import read_system
from cpescript.runner.verdict import may_yet_pass, merge_matrix
from cpescript.runner.work import Done, Job, one_by_one
from cpescript.simulation import Simulation


@dataclass(frozen=True, slots=True)
class Selected:
    """A case that the options ask for; `ordinal` counts the cases of its file, `spelt` is the file as it was named."""

    timeline: Timeline
    ordinal: int
    spelt: str
    only: str = ""
    """What picks it out of its file, where that has several cases."""
    last_seed: int | None = None
    """The seed with which it did not pass, where that is what the options ask for."""

    @property
    def plain_case(self) -> dict[str, Any]:
        """The matrix's values as JSON can hold them."""
        return {name: plain_value(value) for name, value in self.timeline.case.items()}


def timelines(options: RunOptions) -> tuple[list[Timeline], Bag]:
    """Return every case that the options ask for, checked; warnings are in the bag. Raises UsageError."""
    found, bag = selected(options)
    return [each.timeline for each in found], bag


def selected(options: RunOptions, others: set[str] | None = None) -> tuple[list[Selected], Bag]:
    """Return every case that the options ask for, and where its file stands; warnings are in the bag.

    All files are checked, whatever is asked for of them; of several, each takes the params that it declares. With
    `others` there are more files than the options name: what these declare is added to that set. Raises UsageError.
    """
    bag = Bag()
    found: list[Selected] = []
    wanted = Selection.of(options)
    names: Sequence[str] = options.scenarios
    if wanted.last is not None and not names:
        names = wanted.last.files
    catalogue = standard_catalogue(read_system)
    everything: list[Timeline] = []
    files = files_of(names)
    declared = others if others is not None else set[str]() if len(files) > 1 else None
    named: set[str] = set()
    for path, spelt in files.items():
        cases, problems = cases_of(path, options, catalogue, declared, named)
        bag.extend(problems)
        everything += cases
        for ordinal, timeline in enumerate(cases):
            if timeline in wanted:
                last = wanted.last.seed(timeline.file, timeline.title) if wanted.last is not None else None
                only = timeline.title if len(cases) > 1 else ""
                found.append(Selected(timeline, ordinal, spelt, only, last))
    if others is None and declared is not None:
        check_params(options, declared, bag)
    if others is None:
        check_environment(options, named, bag)
    if options.acs == EMBEDDED:
        check_defects(options.defects, bag)
        check_policies(everything, bag, str(options.policy) if options.policy is not None else None)
        check_real_times(everything, bag)
    elif options.adapter is None and options.north is None:
        check_stimuli(everything, bag)
    elif (abilities := abilities_of(options, bag)) is not None:
        check_abilities(everything, abilities, bag)
    if bag.failed:
        raise UsageError("nothing was run", bag=bag)
    warn(options, wanted, everything, [each.timeline for each in found], bag)
    return found, bag


class TraceFile(FileIO):
    """A trace on its way to a file. Raises UsageError where the disk does not take it: half a trace proves nothing."""

    def write(self, octets: Any) -> int:
        try:
            return super().write(octets)
        except OSError as error:
            message = f"'{self.name}' cannot be written: {error.strerror}"
            raise UsageError(message, "make room, or name another") from error


def resolved(options: RunOptions) -> RunOptions:
    """Return the options with a named target put in, and every secret of it known. Raises UsageError."""
    try:
        options = with_target(options)
        check_addresses(options)
        return replace(options, secrets=(*options.secrets, *secrets_of(options)))
    except ConfigError as error:
        raise UsageError(error.message, error.remedy) from error


def run(options: RunOptions, warned: Callable[[Bag], None] | None = None) -> RunResult:
    """Run everything that the options name. Raises UsageError where something does not check: then nothing ran.

    `warned` is told before the first case what is odd about the files and the options, if anything is.
    """
    began, started = time.monotonic(), started_now()
    options = resolved(options)
    _possible(options)
    found, bag = selected(options)
    if warned is not None and len(bag):
        warned(bag)
    done: list[Done] = []
    with ExitStack() as stack:
        state = _state_of(options, stack)
        jobs = list(_jobs(found, options, state))
        trace: IO[bytes] | None = None
        if options.trace is not None:
            trace = stack.enter_context(BufferedWriter(TraceFile(options.trace, "wb")))
        work = stack.enter_context(closing(_work(jobs, options, trace, state)))
        for each in work:
            done.append(each)
            options.observer.finished(each.result)
            if options.fail_fast and each.result.verdict in NOT_PASSED and not may_yet_pass(each.result):
                break
    interrupted = any(each.interrupted for each in done) or (len(done) < len(jobs) and options.interrupted())
    settled = _settled(done, options)
    status = exit_status(settled, strict=options.strict, interrupted=interrupted)
    seconds, left = time.monotonic() - began, len(jobs) - len(done)
    return RunResult(__version__, started, seconds, settled, status, interrupted, left)


ALONE = {
    "cpescript": "it begins each case with an ACS that has forgotten everything, and drives its clock",
    "manual": "one person cannot do what several cases ask for at once",
}
"""Adapters that serve one case at a time, and why."""


def _possible(options: RunOptions) -> None:
    """Refuse what cannot be done side by side. Raises UsageError."""
    if options.jobs > 1 and options.state is not None:
        raise UsageError("a fleet that is kept between runs is in one place at a time", "leave out -j, or --state")
    if options.jobs > 1:
        check_shared(options, "leave out -j")


def check_shared(options: RunOptions, remedy: str) -> None:
    """Refuse an adapter that serves one case at a time, where several are at work at once. Raises UsageError."""
    name = options.adapter or ("cpescript" if options.north is not None else "")
    if options.acs != EMBEDDED and name in ALONE:
        raise UsageError(f"cases side by side cannot share one ACS by the adapter '{name}': {ALONE[name]}", remedy)


def _jobs(found: Sequence[Selected], options: RunOptions, state: State | None) -> Iterator[Job]:
    """Yield a job for each case and repetition, seeds drawn where nobody gives one."""
    number, first = 0, None
    for repetition in range(options.repeat):
        behind = f" (run {repetition + 1} of {options.repeat})" if options.repeat > 1 else ""
        for each in found:
            asked = options.seed if options.seed is not None else each.last_seed
            asked = asked if asked is not None else each.timeline.seed
            # A fleet that is kept between runs belongs to one seed, from the first case on.
            seed = _seed_of(state, first if asked is None and state is not None else asked)
            first = seed if first is None else first
            title = f"{each.timeline.title}{behind}"
            yield Job(number, each.timeline, each.ordinal, seed, title, each.spelt, each.only, repetition)
            number += 1


def _work(
    jobs: Sequence[Job], options: RunOptions, trace: IO[bytes] | None, state: State | None
) -> Generator[Done, None, None]:
    if options.jobs > 1 and len(jobs) > 1:
        yield from side_by_side(jobs, options, trace)
    elif state is None:
        yield from one_by_one(jobs, options, trace)
    else:
        current: list[Simulation] = []

        def restore(case: Case) -> None:
            case.simulation.restore = partial(state.restore, case.simulation)
            current[:] = [case.simulation]

        for done in one_by_one(jobs, options, trace, around=restore):
            told = state.remarks()
            if current:
                _keep(state, current.pop())
            yield replace(done, result=replace(done.result, remarks=(*done.result.remarks, *told))) if told else done


def _settled(done: Iterable[Done], options: RunOptions) -> tuple[ScenarioResult, ...]:
    """Return the results in their order, `sometimes` settled over each repetition's cases."""
    turns: dict[int, list[ScenarioResult]] = {}
    for each in done:
        turns.setdefault(each.job.repetition, []).append(each.result)
    return tuple(result for turn in turns.values() for result in merge_matrix(turn, strict=options.strict))


# --- state between runs -----------------------------------------------------------------------------------------------


def _state_of(options: RunOptions, stack: ExitStack) -> State | None:
    """Return the fleet's state that the options name. Raises UsageError where the file cannot be used."""
    if options.state is None:
        return None
    try:
        state = State(options.state)
    except StateError as error:
        raise UsageError(error.message, error.remedy) from error
    stack.callback(state.close)
    return state


def _seed_of(state: State | None, seed: int | None) -> int:
    """Return the seed of a case: as asked for, else the state's, else drawn. Raises UsageError where these differ."""
    if state is not None and state.seed is not None:
        if seed not in (None, state.seed):
            raise UsageError(
                f"'{state.path}' belongs to seed {state.seed}, this would run with {seed}",
                f"--seed {state.seed}, or another file",
            )
        return state.seed
    seed = seed if seed is not None else secrets.randbits(32)
    if state is not None:
        # The first one of a new file is the file's: what comes behind it in the same run is held to it too.
        state.seed = seed
    return seed


def _keep(state: State, simulation: Simulation) -> None:
    try:
        state.save(simulation)
    except StateError as error:
        raise UsageError(error.message, error.remedy) from error
