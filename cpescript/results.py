"""The one frozen result model: what a run found, and all that a report may show. Writers are functions of it.

Times named `t`, `opened`, `closed`, `virtual_ns` are nanoseconds of virtual time; `real_seconds` are of the wall clock.
Everything is plain data (texts, numbers, tuples, mappings), so that it pickles between processes and prints as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cpescript.diagnostics import Span

SCHEMA = "cpescript-report/1"

Verdict = Literal["passed", "inconclusive", "failed", "error", "skipped", "xfailed", "xpassed"]
ClaimVerdict = Literal["met", "missed", "inconclusive", "vacuous", "error"]


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One of the last messages of a device. `brief` is one line: `SetParameterValues Device.X=300`."""

    t: int
    session: int
    direction: Literal["to-acs", "from-acs", "local"]
    kind: str
    brief: str
    status: int | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceMiss:
    """A device that did not meet a claim: when it was decided, what was expected and what came instead."""

    device: str
    """`fleet[3]`."""
    identity: str
    """OUI-ProductClass-SerialNumber."""
    t: int
    expected: str
    actual: str
    messages: tuple[MessageLine, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """One run of one claim statement. Only the first few misses carry their evidence; `missed` counts all."""

    statement: str
    """expect, check, wait until, always, never, sometimes."""
    span: Span
    """The claim itself, to be underlined in `source`."""
    source: str
    """The whole source line, as written."""
    verdict: ClaimVerdict
    message: str
    """One line: `98 of 100 devices met it within 15m`."""
    opened: int
    closed: int
    devices: int
    met: int
    missed: int
    misses: tuple[DeviceMiss, ...] = ()
    callers: tuple[Span, ...] = ()
    """The `do` statements that led here, outermost first."""
    hint: str = ""
    """What else a reader should know: `seen at 00:04:10, taken by line 12`."""
    real_seconds: float | None = field(default=None, compare=False)
    """Of a claim with an end against an external ACS: how long that was given. No part of what was judged."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a scenario ended in error, was inconclusive or vacuous. `whose` fault it is decides the verdict."""

    whose: Literal["scenario", "acs", "environment", "cpescript"]
    message: str
    remedy: str = ""
    span: Span | None = None
    source: str = ""
    t: int | None = None
    detail: str = ""
    """A traceback, for our own bugs only."""


@dataclass(frozen=True, slots=True)
class LaneBar:
    """A stretch of a swim lane: a statement of the timeline or a state of a device (`end` None: still open)."""

    label: str
    start: int
    end: int | None
    kind: Literal["statement", "claim-met", "claim-missed", "claim-open", "state"]
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """A row of the picture: the timeline itself, a cohort's claims, or a device."""

    title: str
    bars: tuple[LaneBar, ...]
    marks: tuple[tuple[int, str], ...] = ()
    """(t, message kind) ticks."""


@dataclass(frozen=True, slots=True)
class CohortSummary:
    name: str
    profile: str
    size: int
    first_number: int
    states: Mapping[str, int] = field(default_factory=dict)
    """How many devices were in each state at the end."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Real response times of the ACS to one kind of request, in milliseconds; external ACS only."""

    kind: str
    count: int
    p50: float
    p95: float
    p99: float
    maximum: float
    errors: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Paced:
    """What became of one statement with `over`, real time against an external ACS only. Rates are sessions a real
    second; `times` counts from the instant at which a session was due, so what queued is in it."""

    line: int
    place: str
    """`line 9`, or `home.cpes:9` where it stands in a file that the scenario uses."""
    source: str
    devices: int
    asked_rate: float
    asked_seconds: float
    """`over` in real seconds."""
    reached_rate: float
    done: int
    failed: Mapping[str, int]
    """Sessions that did not end well, by outcome (`timeout`, `refused`, …)."""
    missing: int
    """Devices whose session did not begin or end while the scenario ran."""
    times: Latency
    own_delay: Latency
    """How late the simulator began the sessions."""
    cpu_share: float
    """Of one CPU, that the simulator used meanwhile."""
    limit: str
    """Who kept the rate from being higher, in words."""


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    name: str
    title: str
    file: str
    case: Mapping[str, Any]
    tags: tuple[str, ...]
    docstring: str
    verdict: Verdict
    reason: str
    """One line that says why the verdict is not `passed`; empty if it is."""
    seed: int
    clock: str
    """`virtual`, `scaled 60x` or `real`."""
    acs: str
    """`embedded` or the URL."""
    params: Mapping[str, Any]
    """Secret values already masked."""
    virtual_ns: int
    real_seconds: float
    claims: tuple[ClaimResult, ...]
    problems: tuple[Problem, ...] = ()
    vacuous: tuple[str, ...] = ()
    notes: tuple[tuple[int, str], ...] = ()
    cohorts: tuple[CohortSummary, ...] = ()
    sessions: int = 0
    messages: int = 0
    events: int = 0
    lanes: tuple[Lane, ...] = ()
    latencies: tuple[Latency, ...] = ()
    paced: tuple[Paced, ...] = ()
    defects: tuple[str, ...] = ()
    """Deliberate defects of the embedded ACS."""
    quirks: Mapping[str, int] = field(default_factory=dict)
    """How often each quirk showed on the wire."""
    trace_digest: str | None = None
    rerun: str = ""
    """The exact command that runs this case again."""
    remarks: tuple[str, ...] = ()
    """Anything that limits the verdict: clock mode, insecure TLS, evidence cut."""
    cut: str = ""
    """Why the case ended before its end; empty if it did not."""
    expected_to_fail: str = ""
    """Why its author expects it to fail; empty if he does not."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """A whole run. `started` is RFC 3339 wall time."""

    version: str
    started: str
    real_seconds: float
    scenarios: tuple[ScenarioResult, ...]
    exit_status: int
    interrupted: bool = False
    not_run: int = 0
    """Cases that were selected and never began: the run was interrupted, or ended at its first failure."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far a case is while it runs, for the progress display. Not part of a result."""

    title: str
    t: int
    """Virtual time reached."""
    sessions: int
    devices: int
    states: Mapping[str, int]
    """Devices by state; a device may be in several."""
    claims_open: int
    claims_met: int
    claims_missed: int = 0
    statement: str = ""
    """The source line being run."""


BAD_USAGE = 2
INTERNAL = 4
NOTHING_SELECTED = 5
INTERRUPTED = 130


def exit_status(scenarios: tuple[ScenarioResult, ...], *, strict: bool = False, interrupted: bool = False) -> int:
    """Return the exit status of a run (language page, Verdicts): when several apply, 4, 2, 1, 3, 5, 0; 130 on
    interruption."""
    if interrupted:
        return INTERRUPTED
    verdicts = {scenario.verdict for scenario in scenarios}
    if any(problem.whose == "cpescript" for scenario in scenarios for problem in scenario.problems):
        return INTERNAL
    if verdicts & {"failed", "xpassed"}:
        return 1
    # A failure that was established before an error still counts; one that was expected counts as passed, as ever.
    broken = [scenario for scenario in scenarios if scenario.verdict == "error" and not scenario.expected_to_fail]
    if any(claim.verdict == "missed" for scenario in broken for claim in scenario.claims):
        return 1
    if verdicts & {"error", "inconclusive"}:
        return 3
    if not scenarios:
        return NOTHING_SELECTED
    return 0
