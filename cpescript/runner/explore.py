"""One scenario under many seeds: the first that fails, the command that repeats it, the smallest fleet that still does.

The rule by which a fleet is made smaller. Its size is a number N, from the largest cohort down to 1. Under N every
whole-number param that stands in the count of a `spawn` is at most N, and where a count is still larger than that,
`--at-most N` holds it down. A size *still fails* when it gives the verdict `failed` and misses the claim that the whole
fleet missed first. Bisection finds an N that still fails while N - 1 does not; both were run. A scenario need not fail
at every size above it: what is told of is the N and what was run, no more.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from cpescript.diagnostics import Span
from cpescript.language.timeline import Timeline
from cpescript.results import ScenarioResult, exit_status
from cpescript.runner.loading import UsageError
from cpescript.runner.options import EMBEDDED, RunOptions
from cpescript.runner.pool import side_by_side
from cpescript.runner.run import Selected, resolved, selected
from cpescript.runner.sizes import capped, counts
from cpescript.runner.work import Done, Job, do, one_by_one

SCHEMA = "cpescript-explore/1"
FAILS = frozenset({"failed", "xpassed"})
MOST_SEEDS = 1_000_000
"""Seeds of one exploration: more is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Smallest:
    """The size found by bisection: `size` still fails; one less was run too and does not (0: there is none less).

    That of the whole fleet is found where no smaller one fails.
    """

    size: int
    of: int
    """The size of the whole fleet: its largest cohort."""
    command: str
    runs: int
    """How many sizes were run."""


@dataclass(frozen=True, slots=True)
class Explored:
    """What was found of one case."""

    title: str
    file: str
    tried: int
    """Seeds that were run, up to and with the first that fails unless all were asked for."""
    verdicts: Mapping[str, int]
    failing: tuple[int, ...]
    """Seeds that fail, in the order tried."""
    first: ScenarioResult | None = None
    """The result of the first failing seed; its `rerun` is the exact command."""
    broken: ScenarioResult | None = None
    """The first result that says nothing about the ACS: error or inconclusive."""
    smallest: Smallest | None = None


@dataclass(frozen=True, slots=True)
class Exploration:
    """A whole exploration, a row a case."""

    seeds: tuple[int, int]
    """First and last."""
    cases: tuple[Explored, ...]
    exit_status: int
    interrupted: bool = False


@dataclass(slots=True)
class _Found:
    """One case while it is explored."""

    selected: Selected
    verdicts: dict[str, int] = field(default_factory=dict)
    failing: list[int] = field(default_factory=list)
    first: Done | None = None
    broken: ScenarioResult | None = None


def parse_seeds(text: str) -> range:
    """Return the seeds that `1..500` (both ends) names, or `500`: that many, from 1. Raises ValueError."""
    first, _, last = text.partition("..") if ".." in text else ("1", "..", text)
    if not all(end.isascii() and end.isdigit() for end in (first, last)):
        raise ValueError("a seed is a whole number from 0")
    low, high = int(first), int(last)
    if not low <= high < 2**64:
        raise ValueError("the lower seed comes first, and none has more than 64 bits")
    if high - low >= MOST_SEEDS:
        raise ValueError(f"at most {MOST_SEEDS:,} seeds are tried at once")
    return range(low, high + 1)


def explore(
    options: RunOptions,
    seeds: range,
    *,
    all_seeds: bool = False,
    shrink: bool = True,
    told: Callable[[Done], object] = id,
) -> Exploration:
    """Run every case that the options name under each seed, in the order of the seeds; a case ends with its first
    failure unless `all_seeds`. `told(done)` sees each result in that order. Raises UsageError.
    """
    if options.acs != EMBEDDED:
        raise UsageError("only the embedded ACS begins anew with each seed", "leave out --acs")
    options = resolved(options)
    cases, _ = selected(options)
    found = {(each.timeline.file, each.ordinal): _Found(each) for each in cases if each.timeline.skip is None}
    jobs = list(_jobs([each.selected for each in found.values()], seeds))

    def of(job: Job) -> _Found:
        return found[job.timeline.file, job.ordinal]

    def wanted(job: Job) -> bool:
        return all_seeds or of(job).first is None

    interrupted = False
    work = side_by_side if options.jobs > 1 and len(jobs) > 1 else one_by_one
    with closing(work(jobs, options, None, wanted)) as results:
        for done in results:
            interrupted = interrupted or done.interrupted
            _note(of(done.job), done)
            told(done)
    interrupted = interrupted or options.interrupted()
    explored = tuple(_explored(each, options, shrink=shrink and not interrupted) for each in found.values())
    worst = tuple(result for each in explored for result in (each.first, each.broken) if result is not None)
    passed = bool(explored) and not worst and not interrupted
    status = 0 if passed else exit_status(worst, interrupted=interrupted)
    return Exploration((seeds[0], seeds[-1]), explored, status, interrupted)


def _jobs(cases: Sequence[Selected], seeds: Iterable[int]) -> Iterator[Job]:
    for turn, seed in enumerate(seeds):
        for index, case in enumerate(cases):
            number = turn * len(cases) + index
            yield Job(number, case.timeline, case.ordinal, seed, case.timeline.title, case.spelt, case.only)


def _note(found: _Found, done: Done) -> None:
    verdict = done.result.verdict
    found.verdicts[verdict] = found.verdicts.get(verdict, 0) + 1
    if verdict in FAILS:
        found.failing.append(done.job.seed)
        found.first = found.first or done
    elif verdict in ("error", "inconclusive") and found.broken is None:
        found.broken = done.result


def _explored(found: _Found, options: RunOptions, *, shrink: bool) -> Explored:
    smallest = None
    if shrink and found.first is not None and found.first.result.verdict == "failed":
        smallest = _Shrinking(found.first, options).smallest()
    return Explored(
        found.selected.timeline.title,
        found.selected.timeline.file,
        sum(found.verdicts.values()),
        dict(found.verdicts),
        tuple(found.failing),
        found.first.result if found.first is not None else None,
        found.broken,
        smallest,
    )


# --- the smallest fleet -----------------------------------------------------------------------------------------------


class _Shrinking:
    """Bisection over the sizes of one failing case."""

    def __init__(self, first: Done, options: RunOptions) -> None:
        self._first = first
        self._options = options
        self._sizes: dict[int, ScenarioResult | None] = {}
        self._params = _params_of_counts(first.job.timeline)

    def smallest(self) -> Smallest | None:
        """Return the smallest size found; None where no fleet is known, or it was interrupted before it found one."""
        whole = max(counts(self._first.job.timeline), default=0)
        if whole < 2:
            return None
        passes, fails = 0, whole
        while fails - passes > 1 and not self._options.interrupted():
            middle = (passes + fails) // 2
            if self._fails(middle):
                fails = middle
            else:
                passes = middle
        if fails == whole:
            # That the whole fleet fails was known before.
            found = passes == whole - 1
            return Smallest(whole, whole, self._first.result.rerun, len(self._sizes)) if found else None
        result = self._sizes[fails]
        assert result is not None
        return Smallest(fails, whole, result.rerun, len(self._sizes))

    def _fails(self, size: int) -> bool:
        result = self._sizes[size] = self._run(size)
        return result is not None and result.verdict == "failed" and _cause(result) == _cause(self._first.result)

    def _run(self, size: int) -> ScenarioResult | None:
        job = self._first.job
        params = {name: str(size) for name, value in self._params.items() if value > size}
        options = replace(self._options, params={**self._options.params, **params}, at_most=None)
        try:
            cases, _ = selected(replace(options, scenarios=(job.spelt,), keyword=None, tags=None, only=()))
        except UsageError:
            # With so few the scenario does not even check: no size that tells anything.
            return None
        timeline = next((each.timeline for each in cases if each.ordinal == job.ordinal), None)
        if timeline is None:
            return None
        words = []
        for name, value in self._params.items():
            words += ["--param", f"{name}={min(value, size)}"] if value > size else []
        if max(counts(timeline), default=0) > size:
            timeline = capped(timeline, size)
            words += ["--at-most", str(size)]
        options = replace(options, rerun=" ".join(filter(None, (_without(options.rerun, params), shlex.join(words)))))
        return do(replace(job, timeline=timeline), options, None).result


def _without(rerun: str, params: Mapping[str, str]) -> str:
    """Return the options of a command line without the values that other ones take the place of."""
    words = shlex.split(rerun)
    kept: list[str] = []
    while words:
        word = words.pop(0)
        if word == "--param" and words and words[0].partition("=")[0] in params:
            words.pop(0)
            continue
        kept.append(word)
    return shlex.join(kept)


def _params_of_counts(timeline: Timeline) -> dict[str, int]:
    """Return the whole-number params that a `spawn`'s count was made of, with their values."""
    return {
        param.name: param.value
        for param in timeline.params
        if param.name in timeline.sizes and type(param.value) is int and not param.secret
    }


def _cause(result: ScenarioResult) -> Span | None:
    """Return the claim that was missed first."""
    return next((claim.span for claim in result.claims if claim.verdict == "missed"), None)
