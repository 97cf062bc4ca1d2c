"""`cpescript diff`: what an ACS does differently since."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cpescript.cli.files import READABLE
from cpescript.cli.page import Command
from cpescript.results import BAD_USAGE


@click.command(
    cls=Command,
    examples=(
        ("cpescript diff yesterday.jsonl today.jsonl", "two traces of one scenario, before and after an update"),
        ("cpescript diff a.jsonl b.jsonl --ignore '*.PeriodicInformTime'", "without a value that is another each time"),
        ("cpescript diff old.jsonl new.jsonl --ignore url", "two ACSs, each with file servers of its own"),
        ("cpescript diff before.json after.json", "two reports of 'cpescript load': what is faster, what fails"),
    ),
    exits={
        0: "the ACS did the same; or two loads were compared",
        1: "it did not",
        BAD_USAGE: "a file that is neither a trace nor the report of a load, or one of each",
    },
)
@click.argument("before", type=READABLE)
@click.argument("after", type=READABLE)
@click.option(
    "--ignore",
    multiple=True,
    metavar="PATTERN",
    help="Parameters, or fields of messages, whose values do not count. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="What was found, on standard output.")
def command(before: Path, after: Path, ignore: tuple[str, ...], as_json: bool) -> int:
    """Say what an ACS does differently since.

    Two traces are compared by what the ACS asked and answered of each device.

    Times, message IDs, cookies, headers, command keys and credentials do not count.

    Two reports of 'cpescript load' are set beside each other: rates, times of each kind of message with the number of
    samples, failures by kind, and what keeps the figures from saying more.
    """
    from cpescript.recording.loads import is_load

    loads = [is_load(path) for path in (before, after)]
    if any(loads):
        if not all(loads):
            raise click.BadParameter("a load's report can be compared with another one only", param_hint="AFTER")
        return _loads(before, after, as_json)
    from cpescript.recording.diff import behaviours, compare, render
    from cpescript.recording.reading import TraceError, read

    try:
        differences = compare(behaviours(read(before), ignore), behaviours(read(after), ignore))
    except TraceError as error:
        click.echo(
            f"error: {error}\n   = traces are written by 'cpescript run --trace FILE' and 'cpescript record'", err=True
        )
        return BAD_USAGE
    if as_json:
        listed = [each.as_json() for each in differences]
        click.echo(json.dumps({"same": not listed, "differences": listed}, indent=2, ensure_ascii=False))
    else:
        click.echo(render(differences, str(before), str(after)), nl=False)
    return 1 if differences else 0


def _loads(before: Path, after: Path, as_json: bool) -> int:
    from cpescript.recording import loads

    try:
        found = loads.compare(loads.read(before), loads.read(after))
    except loads.LoadError as error:
        click.echo(f"error: {error}\n   = they are written by 'cpescript load --report-json FILE'", err=True)
        return BAD_USAGE
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
    else:
        click.echo(loads.render(found, str(before), str(after)), nl=False)
    return 0
