"""`cpescript explore`: the same scenario under many seeds, and the smallest fleet that still fails."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from cpescript.cli import params
from cpescript.cli.exits import MEANINGS
from cpescript.cli.files import READABLE
from cpescript.cli.interrupts import Interrupts
from cpescript.cli.page import Command
from cpescript.cli.run import refused, repeated
from cpescript.cli.values import defect, jobs
from cpescript.results import Snapshot

if TYPE_CHECKING:
    from cpescript.runner.explore import Exploration, Explored
    from cpescript.runner.work import Done

EXAMPLES = (
    ("cpescript explore firmware_rollout --seeds 1..500 -j auto", "the first of 500 seeds that fails, and how small"),
    ("cpescript explore my.cpes --seeds 1..50 --all", "how many of 50 seeds fail"),
)
NOT_REPEATED = frozenset({"scenarios", "seeds", "jobs", "all_seeds", "no_shrink", "as_json", "keyword", "only"})
"""What the command that runs one seed again does without."""


def seeds(text: str) -> range:
    """Return the seeds of `--seeds`."""
    from cpescript.runner.explore import parse_seeds

    try:
        return parse_seeds(text)
    except ValueError as error:
        raise click.BadParameter(f"'{text}' is no range of seeds, as in 1..500: {error}") from None


@click.command(cls=Command, examples=EXAMPLES, exits=tuple(MEANINGS))
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@click.option(
    "--seeds",
    type=seeds,
    default="1..100",
    show_default=True,
    metavar="A..B",
    help="Seeds, both ends; N alone is 1..N.",
)
@click.option("-j", "--jobs", type=jobs, default="1", metavar="N", help="Cases at once; 'auto': one a core.")
@click.option("--all", "all_seeds", is_flag=True, help="Go on behind the first failing seed, and count.")
@click.option("--no-shrink", is_flag=True, help="Do not look for the smallest fleet.")
@click.option("--json", "as_json", is_flag=True, help="A JSON document instead of text.")
@click.option("-k", "keyword", metavar="EXPR", help="Cases whose title or file has these words.")
@click.option("--only", multiple=True, metavar="NAME", help="The scenario (or case) of that name. Repeatable.")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Set a parameter. Repeatable.")
@click.option("--params", "params_file", type=READABLE, metavar="FILE", help="Parameters from a YAML file.")
@click.option("--policy", type=READABLE, metavar="FILE", help="Policy of the embedded ACS.")
@click.option("--defect", "defects", type=defect, multiple=True, metavar="NAME", help="Give the ACS a defect.")
@click.option("--strict", is_flag=True, help="What passed vacuously is inconclusive.")
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> int:
    """Run a scenario under many seeds, and find the smallest fleet that fails.

    Each case runs on the embedded ACS under one seed after the other, up to the first that fails. Of a failure it tells
    the seed, the exact command that repeats it, and the smallest fleet that still fails in the same way, found by
    bisection.
    """
    from cpescript.report.progress import Progress
    from cpescript.runner.explore import explore
    from cpescript.runner.options import RunOptions
    from cpescript.runner.run import UsageError

    with Interrupts() as interrupted, Progress(sys.stderr, time.monotonic) as progress:
        options = RunOptions(
            scenarios=given["scenarios"],
            keyword=given["keyword"],
            only=given["only"],
            jobs=given["jobs"],
            params=params.given(given["params"]),
            params_file=params.from_file(given["params_file"]),
            environment=dict(os.environ),
            policy=given["policy"],
            defects=given["defects"],
            strict=given["strict"],
            interrupted=interrupted,
            rerun=shlex.join(repeated(ctx, NOT_REPEATED)),
        )
        counted = Counted(progress)
        try:
            found = explore(
                options, given["seeds"], all_seeds=given["all_seeds"], shrink=not given["no_shrink"], told=counted
            )
        except UsageError as error:
            progress.clear()
            return refused(error.bag.render() if error.bag else "", error.message, error.remedy)
    click.echo(as_document(found) if given["as_json"] else as_text(found), nl=False)
    return found.exit_status


class Counted:
    """Shows on a terminal how many seeds were run."""

    def __init__(self, progress: Any) -> None:
        self._progress = progress
        self._verdicts: dict[str, int] = {}
        self._sessions = 0

    def __call__(self, done: Done) -> None:
        verdict = done.result.verdict
        self._verdicts[verdict] = self._verdicts.get(verdict, 0) + 1
        self._sessions += done.result.sessions
        told = ", ".join(f"{count} {word}" for word, count in self._verdicts.items())
        title = f"{done.job.title}, seed {done.job.seed}: {told}"
        self._progress.update(Snapshot(title, done.result.virtual_ns, self._sessions, 0, {}, 0, 0))


def as_text(found: Exploration) -> str:
    """Return what a person reads."""
    from cpescript.report.explain import counted
    from cpescript.report.terminal import render_scenario

    parts = []
    for case in found.cases:
        tried = ", ".join(f"{count} {word}" for word, count in case.verdicts.items())
        which = f" ({_which(found.seeds[0], case.tried)}): {tried}" if case.tried else ""
        parts.append(f"{case.title}: {counted(case.tried, 'seed')} tried{which}\n")
        parts.extend(_failure(case))
        if case.first is None and case.broken is not None:
            parts.append(render_scenario(case.broken))
        elif case.first is not None:
            parts.append("\n" + render_scenario(case.first))
    if not found.cases:
        parts.append("nothing was selected\n")
    if found.interrupted:
        parts.append("interrupted: this is what was run until then\n")
    return "".join(parts)


def _which(first: int, tried: int) -> str:
    """Return which seeds were run, `1..50`: one after the other from the first."""
    return f"{first}..{first + tried - 1}" if tried > 1 else str(first)


def _failure(case: Explored) -> list[str]:
    if case.first is None:
        return []
    lines = [f"  first failing seed  {case.first.seed}\n", f"  repeat it           {case.first.rerun}\n"]
    if len(case.failing) > 1:
        shown = ", ".join(map(str, case.failing[:10]))
        lines.append(f"  failing seeds       {shown}{', …' if len(case.failing) > 10 else ''}\n")
    small = case.smallest
    if small is not None and small.size == small.of:
        lines.append(f"  smallest fleet      all {small.of}: no smaller fleet fails ({small.runs} sizes run)\n")
    elif small is not None:
        less = f"{small.size - 1} do not" if small.size > 1 else "there is none less"
        lines.append(f"  smallest fleet      {small.size} of {small.of} still fail, {less} ({small.runs} sizes run)\n")
        lines.append(f"  repeat that         {small.command}\n")
    return lines


def as_document(found: Exploration) -> str:
    """Return what a program reads."""
    from cpescript.report.json import plain
    from cpescript.runner.explore import SCHEMA

    cases = [
        {
            "title": case.title,
            "file": case.file,
            "tried": case.tried,
            "verdicts": dict(case.verdicts),
            "failing": list(case.failing),
            "first": _told(case.first),
            "broken": _told(case.broken),
            "smallest": plain(case.smallest),
        }
        for case in found.cases
    ]
    document = {
        "schema": SCHEMA,
        "seeds": list(found.seeds),
        "cases": cases,
        "exit_status": found.exit_status,
        "interrupted": found.interrupted,
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _told(result: Any) -> dict[str, Any] | None:
    if result is None:
        return None
    return {"seed": result.seed, "verdict": result.verdict, "reason": result.reason, "command": result.rerun}
