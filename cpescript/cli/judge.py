"""`cpescript judge`: a saved trace, judged again without an ACS."""

from __future__ import annotations

import time
from pathlib import Path

import click

from cpescript.cli import params
from cpescript.cli.exits import MEANINGS
from cpescript.cli.files import READABLE, show, writable
from cpescript.cli.files import scenarios as files_of
from cpescript.cli.page import Command
from cpescript.diagnostics import Bag
from cpescript.results import BAD_USAGE, RunResult, exit_status


@click.command(
    cls=Command,
    examples=(
        ("cpescript judge firmware_rollout --trace run.jsonl", "the verdict of that run once more"),
        ("cpescript judge lab --trace lab.jsonl --only 'gets its interval'", "one scenario of a folder's run"),
        (
            "cpescript judge stricter.cpes --trace run.jsonl",
            "other claims on the same traffic, if the steps are the same",
        ),
    ),
    exits=tuple(MEANINGS),
)
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@click.option(
    "--trace", "trace", type=READABLE, required=True, metavar="FILE", help="What 'run --trace' or 'record' has written."
)
@click.option("--only", multiple=True, metavar="NAME", help="The scenario (or case) of that name. Repeatable.")
@click.option("--param", "words", multiple=True, metavar="NAME=VALUE", help="Stronger than the values in the trace.")
@click.option("--strict", is_flag=True, help="What passed vacuously is inconclusive.")
@click.option("--report-junit", type=writable, metavar="FILE", help="JUnit XML.")
@click.option("--report-json", type=writable, metavar="FILE", help="JSON, for programs.")
@click.option("--report-html", type=writable, metavar="FILE", help="One self-contained page, with pictures.")
def command(
    scenarios: tuple[str, ...],
    trace: Path,
    only: tuple[str, ...],
    words: tuple[str, ...],
    strict: bool,
    report_junit: Path | None,
    report_json: Path | None,
    report_html: Path | None,
) -> int:
    """Judge a saved trace or a recording without an ACS.

    The same scenario gives the same verdict as when the trace was made.

    SCENARIO is a file, a folder of them, or the name of a scenario that ships. Every scenario of the trace is judged by
    the one of its title, with the parameters and the seed that it was run with. Secret parameters are masked in traces,
    so what a claim compares with one cannot be told apart from any other secret.

    A recording ('cpescript record') is judged by every scenario: a cohort's devices are those of its profile's OUI and
    product class, in the order in which they came, and what the scenario does to them is found in what they said. What
    cannot be found or known is told, and nothing is claimed about it: inconclusive.
    """
    from cpescript import __version__
    from cpescript.cli.run import write_reports
    from cpescript.recording.reading import Header, TraceError, read
    from cpescript.recording.recorded import is_recording, judge_recording
    from cpescript.recording.rejudge import Judged, judge_trace
    from cpescript.report import terminal
    from cpescript.runner.case import started_now

    began, started = time.monotonic(), started_now()
    given, bag = params.given(words), Bag()
    try:
        first, files = next(read(trace), None), files_of(scenarios)
        judged: Judged
        if isinstance(first, Header) and is_recording(first):
            judged = judge_recording(files, lambda: read(trace), given, strict, bag, only)
        else:
            judged = judge_trace(files, read(trace), given, strict, bag, only)
    except TraceError as error:
        click.echo(
            f"error: {error}\n   = traces are written by 'cpescript run --trace FILE' and 'cpescript record'", err=True
        )
        return BAD_USAGE
    show([bag])
    if bag.failed or judged.problem:
        remedy = f"\n   = {judged.remedy}" if judged.remedy else ""
        click.echo(f"error: {judged.problem or 'nothing was judged'}{remedy}", err=True)
        return BAD_USAGE
    for result in judged.results:
        click.echo(terminal.render_scenario(result), nl=False)
    status = exit_status(judged.results, strict=strict)
    whole = RunResult(__version__, started, time.monotonic() - began, judged.results, status)
    click.echo(terminal.render_summary(whole), nl=False)
    write_reports(whole, report_junit, report_json, report_html)
    return status
