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
    ),
    exits={0: "the ACS did the same", 1: "it did not", BAD_USAGE: "a file that is no trace"},
)
@click.argument("before", type=READABLE)
@click.argument("after", type=READABLE)
@click.option(
    "--ignore",
    multiple=True,
    metavar="PATTERN",
    help="Parameters, or fields of messages, whose values do not count. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="{same, differences} on standard output.")
def command(before: Path, after: Path, ignore: tuple[str, ...], as_json: bool) -> int:
    """Say what an ACS does differently since.

    Two traces are compared by what the ACS asked and answered of each device.

    Times, message IDs, cookies, headers, command keys and credentials do not count.
    """
    from cpescript.recording.diff import behaviours, compare, render
    from cpescript.recording.reading import TraceError, read

    try:
        differences = compare(behaviours(read(before), ignore), behaviours(read(after), ignore))
    except TraceError as error:
        click.echo(f"error: {error}\n   = traces are written by 'cpescript run --trace FILE'", err=True)
        return BAD_USAGE
    if as_json:
        listed = [each.as_json() for each in differences]
        click.echo(json.dumps({"same": not listed, "differences": listed}, indent=2, ensure_ascii=False))
    else:
        click.echo(render(differences, str(before), str(after)), nl=False)
    return 1 if differences else 0
