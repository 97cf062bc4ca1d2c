"""A whole run: which scenarios, in which cases, one after the other, into one result."""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from cpescript import __version__, libraries
from cpescript.diagnostics import Bag, did_you_mean
from cpescript.language.catalogue import standard_catalogue
from cpescript.language.loader import load
from cpescript.language.timeline import Timeline
from cpescript.results import RunResult, ScenarioResult, exit_status
from cpescript.runner.case import Case, skipped, started_now
from cpescript.runner.checks import check_defects, check_policies, check_stimuli
from cpescript.runner.config import ConfigError, with_target
from cpescript.runner.options import EMBEDDED, RunOptions
from cpescript.runner.verdict import merge_matrix


class UsageError(Exception):
    """The scenarios do not check, or the options make no sense: nothing was run. `bag` holds every mistake."""

    def __init__(self, message: str, remedy: str = "", bag: Bag | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.bag = bag


def find_scenario(name: str) -> Path:
    """Return the file of a scenario, by path or by the name of one that ships. Raises UsageError."""
    path = Path(name)
    if path.is_file():
        return path
    found = libraries.find("scenarios", name)
    if found is None:
        raise UsageError(
            f"there is no scenario '{name}'", did_you_mean(name, libraries.names("scenarios"), "give a path, or a name")
        )
    return found


def timelines(options: RunOptions) -> tuple[list[Timeline], Bag]:
    """Return every case of every scenario, checked; warnings are in the bag. Raises UsageError."""
    bag, found = Bag(), []
    catalogue = standard_catalogue()
    for name in options.scenarios:
        program, problems = load(find_scenario(name), catalogue)
        bag.extend(problems)
        if program is None or problems.failed:
            continue
        cases, problems = program.cases(
            params=options.params, params_file=options.params_file, environment=options.environment
        )
        bag.extend(problems)
        found.extend(cases)
    if options.acs == EMBEDDED:
        check_defects(options.defects, bag)
        check_policies(found, bag, str(options.policy) if options.policy is not None else None)
    elif options.adapter is None and options.north is None:
        check_stimuli(found, bag)
    if bag.failed:
        raise UsageError("nothing was run", bag=bag)
    return found, bag


def run(options: RunOptions) -> RunResult:
    """Run everything that the options name. Raises UsageError where something does not check: then nothing ran."""
    began, started = time.monotonic(), started_now()
    try:
        options = with_target(options)
    except ConfigError as error:
        raise UsageError(error.message, error.remedy) from error
    cases, _ = timelines(options)
    results: list[ScenarioResult] = []
    interrupted = False
    spelt = {str(find_scenario(name)): name for name in options.scenarios}
    with ExitStack() as stack:
        trace_file: IO[bytes] | None = None
        if options.trace is not None:
            trace_file = stack.enter_context(open(options.trace, "wb"))
        for timeline in cases:
            options.observer.started(timeline.title, timeline.file)
            if timeline.skip is not None:
                result = skipped(timeline, options)
            else:
                seed = options.seed if options.seed is not None else timeline.seed
                seed = seed if seed is not None else secrets.randbits(32)
                case = Case(timeline, options, seed, trace_file, spelt.get(timeline.file, ""))
                result = case.run()
                interrupted = case.interrupted
            results.append(result)
            options.observer.finished(result)
            if interrupted:
                break
    settled = tuple(merge_matrix(results, strict=options.strict))
    status = exit_status(settled, strict=options.strict, interrupted=interrupted)
    return RunResult(__version__, started, time.monotonic() - began, settled, status, interrupted)
