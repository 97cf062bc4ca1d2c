"""How a result explains itself, in words: the one wording that terminal, JUnit and HTML share.

A line is a tuple of segments, a segment is (text, role). Roles say what a piece of text is, not how it looks; a writer
that has no colours joins the texts and loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from cpescript.diagnostics import Diagnostic, Span, render
from cpescript.kernel.time import MILLISECOND, SECOND, format_clock, format_duration
from cpescript.results import (
    ClaimResult,
    DeviceMiss,
    Latency,
    MessageLine,
    Paced,
    Problem,
    RunResult,
    ScenarioResult,
    Verdict,
)

Role = Literal["plain", "good", "bad", "odd", "dim", "strong"]
Segment = tuple[str, Role]
Line = tuple[Segment, ...]

VERDICTS: dict[Verdict, tuple[str, Role]] = {
    "passed": ("✓", "good"),
    "xfailed": ("✓", "good"),
    "skipped": ("-", "dim"),
    "inconclusive": ("?", "odd"),
    "failed": ("✗", "bad"),
    "xpassed": ("✗", "bad"),
    "error": ("!", "bad"),
}
"""Each verdict's sign and role; the order is that of the summary line."""

ARROWS = {"to-acs": "→", "from-acs": "←", "local": "·"}

WHOSE = {
    "scenario": "the scenario",
    "acs": "the ACS",
    "environment": "the environment",
    "cpescript": "cpescript itself (a bug: please report it)",
}

_NEWS = frozenset({"missed", "error", "inconclusive"})
_WIDTH = 13


# Controls, what changes the direction of writing, half characters: an ACS's text must not steer a terminal.
_UNSEEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Return `text` with what does not show written as an escape: `\\x1b`, `\\u202e`."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape", "backslashreplace").decode(), text)


def plain(lines: Iterable[Line]) -> str:
    """Return the lines as text without trailing blanks, each ended by a newline."""
    return "".join(visible("".join(text for text, _ in line)).rstrip() + "\n" for line in lines)


def scenario_lines(scenario: ScenarioResult) -> Iterator[Line]:
    """Yield one verdict line and, where there is something to explain, everything a reader needs to understand it."""
    yield verdict_line(scenario)
    if scenario.reason and scenario.verdict != "passed" and not _is_all(scenario):
        yield (("  ", "plain"), (" " * _WIDTH, "plain"), (scenario.reason, "plain"))
    for t, text in scenario.notes:
        yield (("  ", "plain"), (f"note {format_clock(t)}  ", "dim"), (text, "plain"))
    if scenario.trace_digest:
        yield (("  trace sha256  ", "dim"), (scenario.trace_digest, "plain"))
    told = False
    for line in evidence_lines(scenario):
        if not told:
            yield ()
            told = True
        yield (("  ", "plain"), *line) if line else ()
    if scenario.rerun and (scenario.vacuous or VERDICTS[scenario.verdict][1] in ("bad", "odd")):
        yield (("  run it again: ", "dim"), (scenario.rerun, "strong"))
        yield ()


def _is_all(scenario: ScenarioResult) -> bool:
    """Whether the reason is the one problem that is told right below, and all that there is to tell before it."""
    told = [claim for claim in scenario.claims if claim.verdict in _NEWS]
    return not (told or scenario.notes) and [problem.message for problem in scenario.problems] == [scenario.reason]


def evidence_lines(scenario: ScenarioResult) -> Iterator[Line]:
    """Yield what stands behind a verdict: claims that were not met, problems, vacuous claims, remarks, figures."""
    for claim in scenario.claims:
        if claim.verdict in _NEWS:
            yield from claim_lines(claim)
            yield ()
    for problem in scenario.problems:
        yield from problem_lines(problem)
        yield ()
    for text in scenario.vacuous:
        yield (("vacuous: ", "odd"), (text, "plain"))
    for text in scenario.remarks:
        yield (("remark: ", "dim"), (text, "plain"))
    if scenario.vacuous or scenario.remarks:
        yield ()
    if scenario.latencies:
        yield from latency_lines(scenario.latencies)
        yield ()
    for one in scenario.paced:
        yield from paced_lines(one)
        yield ()


def verdict_line(scenario: ScenarioResult) -> Line:
    """Return `✓ passed      firmware rollout · 101 devices · …`."""
    sign, role = VERDICTS[scenario.verdict]
    return (
        (f"{sign} {scenario.verdict:<{_WIDTH}}", role),
        (scenario.title, "strong"),
        ("".join(f" · {fact}" for fact in facts(scenario)), "dim"),
    )


def facts(scenario: ScenarioResult) -> tuple[str, ...]:
    """Return the scenario's figures in words, most telling first; nothing but the file for one that never ran."""
    if scenario.verdict == "skipped":
        return (scenario.file,)
    devices = sum(cohort.size for cohort in scenario.cohorts)
    met = sum(claim.verdict in ("met", "vacuous") for claim in scenario.claims)
    total = len(scenario.claims)
    return (
        counted(devices, "device"),
        counted(scenario.sessions, "session"),
        f"{met} of {counted(total, 'claim')} met" if met < total else f"{counted(total, 'claim')} met",
        f"{readable(scenario.virtual_ns)} virtual in {scenario.real_seconds:.1f} s",
        *(() if scenario.clock == "virtual" else (f"clock {scenario.clock}",)),
        f"seed {scenario.seed}",
        *(() if scenario.acs == "embedded" else (scenario.acs,)),
        *((f"defects {', '.join(scenario.defects)}",) if scenario.defects else ()),
    )


def claim_lines(claim: ClaimResult) -> Iterator[Line]:
    """Yield the source line with the claim underlined, the callers, and the first devices that missed it."""
    role: Role = "odd" if claim.verdict == "inconclusive" else "bad"
    yield ((f"{claim.verdict}: ", role), (claim.message, "strong"))
    yield from excerpt(claim.span, claim.source, claim.hint)
    if claim.real_seconds is not None:
        yield ((f"  the ACS was given {claim.real_seconds:.1f} s of real time", "dim"),)
    for caller in reversed(claim.callers):
        yield ((f"  called from {caller.place}", "dim"),)
    for miss in claim.misses:
        yield ()
        yield from miss_lines(miss)
    left = claim.missed - len(claim.misses)
    if claim.misses and left > 0:
        yield ()
        yield ((f"  and {counted(left, 'more device')} like these", "dim"),)


def miss_lines(miss: DeviceMiss) -> Iterator[Line]:
    """Yield one device's story: who, when, what was expected and what came, its last messages."""
    yield ((f"  {miss.device}", "strong"), (f"  {miss.identity}  at {format_clock(miss.t)}", "plain"))
    versus: tuple[tuple[str, str, Role], ...] = (
        ("expected", miss.expected, "good"),
        ("actual", miss.actual, "bad"),
    )
    for label, text, role in versus:
        first, *rest = text.splitlines() or [""]
        yield ((f"    {label:<9} ", "dim"), (first, role))
        for more in rest:
            yield ((" " * 14 + more, role),)
    if not miss.messages:
        if miss.identity:
            yield (("    no message of this device went over the wire", "dim"),)
        return
    yield ((f"    last {counted(len(miss.messages), 'message')}", "dim"),)
    width = max(len(format_clock(message.t)) for message in miss.messages)
    for message in miss.messages:
        yield (("      ", "plain"), *message_line(message, width))


def message_line(message: MessageLine, width: int = 12) -> Line:
    """Return `00:04:10.250  #3 → Inform 2 PERIODIC  200`; session 0 is no session."""
    session = f"#{message.session}" if message.session else ""
    status = f"  {message.status}" if message.status is not None else ""
    return (
        (f"{format_clock(message.t):<{width}} {session:>5} ", "dim"),
        (f"{ARROWS[message.direction]} {message.brief or message.kind}", "plain"),
        (status, "bad" if message.status is not None and message.status >= 400 else "dim"),
    )


def problem_lines(problem: Problem) -> Iterator[Line]:
    """Yield whose fault it was, where, what and how to mend it; a traceback only for our own bugs."""
    at = f" at {format_clock(problem.t)}" if problem.t is not None else ""
    yield ((f"problem of {WHOSE[problem.whose]}{at}: ", "bad"), (problem.message, "strong"))
    if problem.span is not None:
        yield from excerpt(problem.span, problem.source, problem.remedy)
    elif problem.remedy:
        yield ((f"  = {problem.remedy}", "plain"),)
    for text in problem.detail.splitlines():
        yield ((f"  {text}", "dim"),)


def excerpt(span: Span, source: str, remedy: str = "") -> Iterator[Line]:
    """Yield the place and the underlined line, as the renderer of all diagnostics draws them."""
    diagnostic = Diagnostic(span, "", "", remedy)
    text = render(diagnostic, {span.source: "\n" * (span.line - 1) + source})
    for line in text.splitlines()[1:]:
        yield ((line, "dim" if line.startswith("  " + span.source) else "plain"),)


def latency_lines(latencies: tuple[Latency, ...]) -> Iterator[Line]:
    """Yield a table of the ACS's real response times in milliseconds."""
    width = max(len("response times"), *(len(latency.kind) for latency in latencies))
    yield (
        (f"{'response times':<{width}}  {'count':>8} {'p50 ms':>9} {'p95 ms':>9} {'p99 ms':>9} {'max ms':>9}", "dim"),
    )
    for one in latencies:
        errors = ", ".join(f"{count} {kind}" for kind, count in one.errors.items())
        figures = " ".join(f"{value:>9.1f}" for value in (one.p50, one.p95, one.p99, one.maximum))
        yield (
            (f"{one.kind:<{width}}  {one.count:>8,} {figures}", "plain"),
            (f"  {errors}" if errors else "", "bad"),
        )


def paced_lines(one: Paced) -> Iterator[Line]:
    """Yield what became of a statement with `over`: the rates, the times from when sessions were due, the limit."""
    ended = [f"{one.done:,} done", *(f"{count:,} {outcome}" for outcome, count in one.failed.items())]
    ended += [f"{one.missing:,} missing"] if one.missing else []
    yield (("paced: ", "dim"), (f"{one.place}: {one.source}", "strong"))
    yield (("  asked      ", "dim"), (f"{one.asked_rate:.4g} sessions/s for {one.asked_seconds:.4g} s", "plain"))
    yield (("  reached    ", "dim"), (f"{one.reached_rate:.4g} sessions/s: {', '.join(ended)}", "plain"))
    yield (("  session    ", "dim"), (f"{_milliseconds(one.times)}, counted from when each was due", "plain"))
    share = f"{one.cpu_share:.0%} of a CPU; began sessions late by {_milliseconds(one.own_delay)}"
    yield (("  simulator  ", "dim"), (share, "plain"))
    yield (("  limit      ", "dim"), (one.limit, "plain" if one.limit.startswith("neither") else "odd"))


def _milliseconds(of: Latency) -> str:
    return f"p50 {of.p50:.1f}, p95 {of.p95:.1f}, p99 {of.p99:.1f}, max {of.maximum:.1f} ms"


def summary_line(result: RunResult) -> Line:
    """Return the last line of a run: how many cases ended how, and how long it took."""
    count = {verdict: sum(one.verdict == verdict for one in result.scenarios) for verdict in VERDICTS}
    segments: list[Segment] = [(f"{counted(len(result.scenarios), 'scenario')}: ", "strong")]
    nothing: Segment = ("nothing was selected", "odd")
    told: list[Segment] = [(f"{number} {verdict}", VERDICTS[verdict][1]) for verdict, number in count.items() if number]
    for index, segment in enumerate(told or [nothing]):
        segments += [(", ", "plain"), segment] if index else [segment]
    if result.not_run:
        segments += [(", ", "plain"), (f"{result.not_run} not run", "odd")]
    if result.interrupted:
        segments += [(", ", "plain"), ("interrupted", "odd")]
    segments.append((f" in {result.real_seconds:.1f} s", "dim"))
    return tuple(segments)


def counted(number: int, noun: str) -> str:
    """Return `1 device`, `1,204 sessions`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def readable(nanoseconds: int) -> str:
    """Return a length of virtual time, whole seconds once it is longer than one: `4h3m10s`."""
    unit = SECOND if nanoseconds >= SECOND else MILLISECOND
    return format_duration(nanoseconds // unit * unit)
