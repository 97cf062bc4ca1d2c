"""The work of a run: jobs, one after the other in this process, into results in the order of the jobs.

`pool.side_by_side` does the same in processes of their own; what comes out is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import IO

from cpescript.language.timeline import Timeline
from cpescript.results import ScenarioResult
from cpescript.runner.case import Case, skipped
from cpescript.runner.options import RunOptions


@dataclass(frozen=True, slots=True)
class Job:
    """One run of one case. `number` counts the jobs of a run from 0; `ordinal` the cases of the job's file."""

    number: int
    timeline: Timeline
    ordinal: int
    seed: int
    title: str
    spelt: str
    """The file as the user named it."""
    only: str = ""
    """The case's title, where its file has several cases."""
    repetition: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """A job's result, and whether the run was interrupted in it."""

    job: Job
    result: ScenarioResult
    interrupted: bool = False


Wanted = Callable[[Job], bool]
"""Asked before a job begins, and again before its result is told."""


def do(job: Job, options: RunOptions, trace: IO[bytes] | None, prepare: Callable[[Case], object] = id) -> Done:
    """Run one job. `prepare(case)` may dress the case before it begins."""
    timeline = job.timeline
    if timeline.skip is not None:
        return Done(job, skipped(timeline, options, job.title))
    case = Case(timeline, options, job.seed, trace, job.spelt, job.title, only=job.only)
    prepare(case)
    return Done(job, case.run(), case.interrupted)


def one_by_one(
    jobs: Sequence[Job],
    options: RunOptions,
    trace: IO[bytes] | None,
    wanted: Wanted = lambda job: True,
    around: Callable[[Case], object] = id,
) -> Generator[Done, None, None]:
    """Yield the results of the jobs as they end. `around(case)` is called with each case before it runs."""
    for job in jobs:
        if options.interrupted():
            return
        if not wanted(job):
            continue
        options.observer.started(job.title, job.timeline.file)
        done = do(job, options, trace, around)
        yield done
        if done.interrupted:
            return
