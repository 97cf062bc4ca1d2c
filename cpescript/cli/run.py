"""`cpescript run`: scenarios to verdicts and reports."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cpescript.cli import Drawn, params
from cpescript.cli.exits import MEANINGS, OK
from cpescript.cli.files import READABLE, show, writable, write
from cpescript.cli.interrupts import Interrupts
from cpescript.cli.page import Command, Option
from cpescript.cli.values import defect, duration, jobs
from cpescript.cli.wire import wire_of, wire_options
from cpescript.kernel.time import SECOND, Duration, format_clock
from cpescript.report.progress import Progress
from cpescript.results import BAD_USAGE, NOTHING_SELECTED, MessageLine, RunResult, ScenarioResult, Snapshot
from cpescript.runner.options import DEFAULT_IN_FLIGHT, DEFAULT_REAL_LIMIT, DEFAULT_WINDOW, EMBEDDED, RunOptions

if TYPE_CHECKING:
    from cpescript.diagnostics import Bag
    from cpescript.runner.run import Selected

EXAMPLES = (
    ("cpescript run firmware_rollout", "a scenario that ships, on the embedded ACS"),
    ("cpescript run my.cpes --seed 7 --param size=500", "another seed, a larger fleet"),
    ("cpescript run my.cpes --report-junit report.xml --report-html report.html", "with reports to keep"),
    ("cpescript run scenarios --tags 'nightly and not slow' -j auto", "a folder's nightly cases, one a core"),
    ("cpescript run --rerun-failed", "what did not pass last time"),
    ("cpescript run firmware_rollout --defect ignores-concurrency", "prove that the scenario can fail"),
    (
        "cpescript run my.cpes --acs http://192.0.2.7:7547/ --adapter cpescript --north http://192.0.2.7:7557/",
        "an ACS on the network",
    ),
)

NOT_REPEATED = frozenset(
    {
        "scenarios",
        "keyword",
        "tags",
        "only",
        "rerun_failed",
        "listing",
        "as_json",
        "jobs",
        "fail_fast",
        "repeat",
        "seed",
        "trace",
        "trace_digest",
        "report_junit",
        "report_json",
        "report_html",
        "verbose",
        "follow",
        "colour",
    }
)
"""What the command that runs a case again does without: it says the same, whatever was watched or written."""


class Watcher:
    """Shows a run as it goes by: progress on a terminal, statements and messages on request, each case as it ends."""

    def __init__(self, progress: Progress, *, to_stderr: bool, colour: bool) -> None:
        self._progress = progress
        self._to_stderr = to_stderr
        self._colour = colour
        self._shown = 0
        self._held = False
        self._unread = False
        self._asking = False
        """Whether somebody is being asked something: the terminal is theirs."""

    def started(self, title: str, file: str) -> None:
        pass

    def step(self, t: int, line: int, source: str) -> None:
        self._print(f"{format_clock(t):<12} line {line:<4} {source.strip()}\n")

    def message(self, device: str, line: MessageLine) -> None:
        from cpescript.report.explain import message_line, plain

        self._print(f"{device:<12} {plain([message_line(line)])}")

    def progress(self, snapshot: Snapshot) -> None:
        if not self._asking:
            self._progress.update(snapshot)

    def make_room(self, asking: bool) -> None:
        self._asking = asking
        self._progress.clear()

    def finished(self, result: ScenarioResult) -> None:
        # A case of a matrix may yet change: its `sometimes` may come true in a later case.
        self._held = self._held or bool(result.case)
        Drawn.seed = result.seed
        if not self._held:
            self._scenario(result)

    def rest(self, result: RunResult) -> None:
        """Show what has not been shown yet, and the last line."""
        from cpescript.report import terminal

        for scenario in result.scenarios[self._shown :]:
            self._scenario(scenario)
        self._print(terminal.render_summary(result, colour=self._colour))

    def _scenario(self, scenario: ScenarioResult) -> None:
        from cpescript.report import terminal

        self._print(terminal.render_scenario(scenario, colour=self._colour))
        self._shown += 1

    def _print(self, text: str) -> None:
        self._progress.clear()
        if self._unread:
            return
        try:
            click.echo(text, nl=False, err=self._to_stderr, color=self._colour)
        except BrokenPipeError:
            # `| head` has read enough; the run, its reports and its exit status go on as they are.
            self._unread = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_which = partial(click.option, cls=Option, group="Which cases")
_how = partial(click.option, cls=Option, group="How they run")
_what = partial(click.option, cls=Option, group="What runs")
_acs = partial(click.option, cls=Option, group="The ACS under test")
_time = partial(click.option, cls=Option, group="Time")
_report = partial(click.option, cls=Option, group="Reports")
_watch = partial(click.option, cls=Option, group="Watching")


@click.command(cls=Command, examples=EXAMPLES, exits=tuple(MEANINGS))
@click.argument("scenarios", nargs=-1, metavar="SCENARIO...")
@_which("-k", "keyword", metavar="EXPR", help="Cases whose title or file has these words: 'rollout and not slow'.")
@_which("--tags", metavar="EXPR", help="Cases with these tags: 'nightly and not (slow or lab)'.")
@_which("--only", multiple=True, metavar="NAME", help="The scenario (or case) of that name. Repeatable.")
@_which("--rerun-failed", is_flag=True, help="What did not pass last time in this folder, with the seeds of then.")
@_which("--list", "listing", is_flag=True, help="Say which cases would run, and run none; with --json for programs.")
@_which("--json", "as_json", is_flag=True, help="With --list: a JSON document.")
@_how("-j", "--jobs", type=jobs, default="1", metavar="N", help="Cases at once, in processes; 'auto': one a core.")
@_how("--fail-fast", is_flag=True, help="End with the first case that does not pass.")
@_how("--repeat", type=click.IntRange(1, 10_000), default=1, metavar="N", help="Run everything that often.")
@_what(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    metavar="N",
    help="Root of all chance; stronger than the scenario's own. Drawn and reported where neither says.",
)
@_what(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a parameter of the scenario. Repeatable.",
)
@_what(
    "--params", "params_file", type=READABLE, metavar="FILE", help="Parameters from a YAML file; --param is stronger."
)
@_what(
    "--at-most", type=click.IntRange(1), metavar="N", help="No 'spawn' makes more devices than this: for a quick look."
)
@_what("--strict", is_flag=True, help="What passed vacuously is inconclusive.")
@_acs(
    "--acs",
    default=EMBEDDED,
    show_default=True,
    metavar="ACS",
    help="'embedded', the URL that devices send their Informs to, or a target named in cpescript.toml.",
)
@_acs(
    "--adapter",
    metavar="NAME",
    help="How orders reach an ACS on the network: 'cpescript' for one of ours, 'genieacs', 'manual', 'command', or an "
    "adapter file, by path or by the name of one that ships.",
)
@_acs("--north", metavar="URL", help="The ACS's north side, for the adapter; for 'command', the program.")
@_acs("--allow-exec", is_flag=True, help="Let the adapter 'command' run its program.")
@_acs("--keep", is_flag=True, help="Leave the run's devices in the ACS; else it is told to forget them.")
@_acs("--policy", type=READABLE, metavar="FILE", help="Policy of the embedded ACS; stronger than the scenario's own.")
@_acs(
    "--defect",
    "defects",
    type=defect,
    multiple=True,
    metavar="NAME",
    help="Give the embedded ACS a deliberate defect. Repeatable; 'cpescript acs defects' lists them.",
)
@_acs(
    "--serial-prefix",
    default="",
    metavar="TEXT",
    help="Put before every serial number, so that no ACS is left with strangers.",
)
@_acs("--yes", is_flag=True, help="Go ahead with more than ten devices towards an ACS that is not on this machine.")
@wire_options
@_time(
    "--window",
    "window_ns",
    type=duration,
    default=str(Duration(DEFAULT_WINDOW)),
    show_default=True,
    help="Virtual time whose events share a real wire; 0 is strict.",
)
@_time(
    "--in-flight",
    type=click.IntRange(1),
    default=DEFAULT_IN_FLIGHT,
    show_default=True,
    metavar="N",
    help="Sessions on a real wire at once.",
)
@_time(
    "--patience",
    "patience_ns",
    type=duration,
    help="Real quiet that an external ACS is given; stronger than the scenario's own.",
)
@_time(
    "--session-gap",
    "session_gap_ns",
    type=duration,
    help="Real time that a device rests between two sessions, for an external ACS to let go of it; 0 for none. "
    "[default: 20ms]",
)
@_time(
    "--real-limit",
    "real_limit",
    type=duration,
    default=str(Duration(int(DEFAULT_REAL_LIMIT) * SECOND)),
    show_default=True,
    help="Real time after which the run ends.",
)
@_report("--report-junit", type=writable, metavar="FILE", help="JUnit XML.")
@_report("--report-json", type=writable, metavar="FILE", help="JSON, for programs.")
@_report("--report-html", type=writable, metavar="FILE", help="One self-contained page, with pictures.")
@_report(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keep the fleet between runs: who is in FILE goes on from there.",
)
@_report("--trace", type=writable, metavar="FILE", help="Every message and fact as JSON Lines.")
@_report("--trace-digest", is_flag=True, help="Print the trace's SHA-256 and nothing else on standard output.")
@_watch("-v", "--verbose", count=True, help="Show statements as they start; twice: every message.")
@_watch("--follow", metavar="DEVICE", help="Show the messages of one device: fleet[3], an identity or a serial number.")
@_watch(
    "--colour",
    "--color",
    "colour",
    type=click.Choice(("auto", "always", "never")),
    default="auto",
    show_default=True,
    help="NO_COLOR is honoured.",
)
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> int:
    """Run scenarios against an ACS and judge what it did.

    SCENARIO is a file, a folder of them, or the name of a scenario that ships. With the embedded ACS, the same
    scenario, parameters and seed give the same trace to the octet.

    A failure explains itself: the claim, the devices that missed it, their last messages, and the command that runs it
    again.
    """
    from cpescript.runner import last
    from cpescript.runner.run import UsageError, run, selected

    if not (given["scenarios"] or given["rerun_failed"]):
        raise click.UsageError("Missing argument 'SCENARIO...'.", ctx)
    if given["as_json"] and not given["listing"]:
        raise click.UsageError("--json goes with --list; for results, --report-json FILE", ctx)
    colour = _coloured(given["colour"])
    Drawn.seed = given["seed"]
    digest_only = given["trace_digest"]
    with Interrupts() as interrupted, Progress(sys.stderr, time.monotonic, colour=colour) as progress:
        watcher = Watcher(progress, to_stderr=digest_only, colour=colour)
        options = _options(ctx, given, watcher, interrupted)
        try:
            if given["listing"]:
                cases, bag = selected(options)
                show([bag])
                return _list(cases, as_json=given["as_json"])

            def warned(bag: Bag) -> None:
                progress.clear()
                show([bag])

            result = run(options, warned)
        except UsageError as error:
            progress.clear()
            return refused(error.bag.render() if error.bag else "", error.message, error.remedy)
        complaint = last.keep(result.scenarios, last.PLACE)
        if complaint:
            progress.clear()
            click.echo(f"warning: {complaint}", err=True)
        try:
            write_reports(result, given["report_junit"], given["report_json"], given["report_html"])
        finally:
            watcher.rest(result)
    if digest_only:
        for scenario in result.scenarios:
            title = "" if len(result.scenarios) == 1 else f"  {scenario.title}"
            click.echo(f"{scenario.trace_digest}{title}")
    return result.exit_status


def _options(ctx: click.Context, given: Mapping[str, Any], watcher: Watcher, interrupted: Interrupts) -> RunOptions:
    """Return what a command line asks for. Raises ClickException for parameters that cannot be read."""
    from cpescript.runner import last

    return RunOptions(
        scenarios=given["scenarios"],
        keyword=given["keyword"],
        tags=given["tags"],
        only=given["only"],
        fail_fast=given["fail_fast"],
        rerun_failed=given["rerun_failed"],
        last_run=last.PLACE,
        jobs=given["jobs"],
        repeat=given["repeat"],
        at_most=given["at_most"],
        acs=given["acs"],
        adapter=given["adapter"],
        north=given["north"],
        wire=wire_of(given),
        allow_exec=given["allow_exec"],
        keep=given["keep"],
        policy=given["policy"],
        defects=given["defects"],
        seed=given["seed"],
        params=params.given(given["params"]),
        params_file=params.from_file(given["params_file"]),
        environment=dict(os.environ),
        strict=given["strict"],
        yes=given["yes"],
        serial_prefix=given["serial_prefix"],
        window_ns=given["window_ns"],
        in_flight=given["in_flight"],
        real_limit_s=given["real_limit"] / SECOND,
        patience_ns=given["patience_ns"],
        session_gap_ns=given["session_gap_ns"],
        state=given["state"],
        trace=given["trace"],
        trace_digest=given["trace_digest"],
        follow=given["follow"],
        verbose=given["verbose"],
        observer=watcher,
        interrupted=interrupted,
        rerun=shlex.join(repeated(ctx)),
    )


def _list(cases: Sequence[Selected], *, as_json: bool) -> int:
    """Print which cases would run; return the exit status."""
    if as_json:
        rows = [
            {
                "title": case.timeline.title,
                "name": case.timeline.name,
                "file": case.timeline.file,
                "case": case.plain_case,
                "tags": list(case.timeline.tags),
                "seed": case.timeline.seed,
                "skip": case.timeline.skip,
            }
            for case in cases
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        for case in cases:
            tags = f"  [{', '.join(case.timeline.tags)}]" if case.timeline.tags else ""
            skip = f"  skipped: {case.timeline.skip}" if case.timeline.skip is not None else ""
            click.echo(f"{case.spelt}: {case.timeline.title}{tags}{skip}")
    if not cases:
        click.echo("nothing was selected", err=True)
    return OK if cases else NOTHING_SELECTED


def repeated(ctx: click.Context, without: frozenset[str] = NOT_REPEATED) -> Iterator[str]:
    """Yield the options of this command line that a run of the same case needs again, as they were given."""
    for parameter in ctx.command.params:
        name = parameter.name or ""
        value = ctx.params.get(name)
        if not isinstance(parameter, click.Option) or name in without:
            continue
        if ctx.get_parameter_source(name) is not click.core.ParameterSource.COMMANDLINE:
            continue
        option = max(parameter.opts, key=len)
        if parameter.is_flag:
            yield option
            continue
        for one in value if parameter.multiple and isinstance(value, tuple) else (value,):
            yield option
            yield str(one)


def refused(diagnostics: str, message: str, remedy: str) -> int:
    """Say why nothing was run; return the exit status."""
    if diagnostics:
        click.echo(diagnostics, err=True)
    click.echo(f"error: {message}" + (f"\n   = {remedy}" if remedy else ""), err=True)
    return BAD_USAGE


def write_reports(result: RunResult, junit_file: Path | None, json_file: Path | None, html_file: Path | None) -> None:
    """Write the reports that were asked for; each writer is imported only then."""
    if junit_file is not None:
        from cpescript.report import junit

        write(junit_file, junit.render(result))
    if json_file is not None:
        from cpescript.report import json

        write(json_file, json.render(result))
    if html_file is not None:
        from cpescript.report import html

        write(html_file, html.render(result))


def _coloured(choice: str) -> bool:
    if choice == "auto":
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return choice == "always"
