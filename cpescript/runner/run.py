"""A whole run: which scenarios, in which cases, one after the other, into one result."""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from cpescript import __version__, libraries
from cpescript.acs.rules import DEFAULT_POLICY, Policy
from cpescript.diagnostics import Bag, did_you_mean
from cpescript.execution.executor import walk
from cpescript.language.catalogue import standard_catalogue
from cpescript.language.loader import load
from cpescript.language.timeline import Stimulus, Timeline
from cpescript.results import RunResult, ScenarioResult, exit_status
from cpescript.runner.case import Case, skipped, started_now
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
        _check_policies(options, found, bag)
    elif options.adapter is None and options.north is None:
        _check_stimuli(found, bag)
    if bag.failed:
        raise UsageError("nothing was run", bag=bag)
    return found, bag


def _check_policies(options: RunOptions, cases: list[Timeline], bag: Bag) -> None:
    """Report what is wrong with the policies that the cases will run under, and with what they ask of them."""
    from cpescript.acs.defects import catalogue as defects
    from cpescript.acs.policy import load_policy

    for name in options.defects:
        if name not in defects():
            raise UsageError(
                f"no defect is called '{name}'", did_you_mean(name, defects(), "see 'cpescript acs defects'")
            )
    policies: dict[str, Policy | None] = {}
    for timeline in cases:
        path = str(options.policy) if options.policy is not None else timeline.policy
        if path is None:
            policy: Policy | None = DEFAULT_POLICY
        else:
            if path not in policies:
                policies[path], problems = load_policy(Path(path))
                bag.extend(problems)
            policy = policies[path]
        if policy is not None:
            _check_calls(timeline, policy, bag)


def _check_stimuli(cases: list[Timeline], bag: Bag) -> None:
    """Report what is asked of an ACS that no adapter speaks to."""
    for timeline in cases:
        for step in walk(timeline):
            if isinstance(step, Stimulus):
                bag.sources.update(timeline.sources)
                message = f"nothing carries 'acs {step.verb}' to this ACS"
                bag.error(step.span, "no-adapter", message, "name an adapter: --adapter cpescript --north URL")


def _check_calls(timeline: Timeline, policy: Policy, bag: Bag) -> None:
    """Report calls that the policy does not define: what an ACS cannot do is known before anything runs."""
    for step in walk(timeline):
        if isinstance(step, Stimulus) and step.verb == "call" and step.system == "acs":
            name = step.arguments["name"]
            if name not in policy.campaigns:
                known = ", ".join(policy.campaigns) or "none"
                remedy = did_you_mean(name, policy.campaigns, f'it has {known}; say policy "FILE"')
                bag.sources.update(timeline.sources)
                bag.error(step.span, "unknown-call", f"the policy has no call '{name}'", remedy)


def run(options: RunOptions) -> RunResult:
    """Run everything that the options name. Raises UsageError where something does not check: then nothing ran."""
    began, started = time.monotonic(), started_now()
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
