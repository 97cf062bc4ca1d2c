"""`cpescript plan`: what a scenario will do, and when, without doing it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from cpescript.cli import params
from cpescript.cli.exits import OK
from cpescript.cli.files import READABLE, show
from cpescript.cli.files import scenarios as files_of
from cpescript.cli.page import Command
from cpescript.diagnostics import Bag
from cpescript.results import BAD_USAGE


@click.command(
    cls=Command,
    examples=(
        ("cpescript plan firmware_rollout --param size=500", "the steps, the devices and the deadlines"),
        ("cpescript plan my.cpes --json", "the same for a program"),
    ),
    exits={OK: "shown", BAD_USAGE: "a scenario that does not check"},
)
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@click.option("--param", "words", multiple=True, metavar="NAME=VALUE", help="As for 'run'.")
@click.option("--params", "params_file", type=READABLE, metavar="FILE", help="As for 'run'.")
@click.option("--json", "as_json", is_flag=True, help="A list with one plan a case on standard output.")
def command(scenarios: tuple[str, ...], words: tuple[str, ...], params_file: Path | None, as_json: bool) -> int:
    """Show what a scenario will do, and when, without doing it.

    SCENARIO is a file, a folder of them, or the name of a scenario that ships.
    """
    from cpescript.language.catalogue import standard_catalogue
    from cpescript.language.loader import load
    from cpescript.language.plan import plan_data, plan_text
    from cpescript.runner.systems import read_system

    given, in_file = params.given(words), params.from_file(params_file)
    catalogue, bag, planned = standard_catalogue(read_system), Bag(), []
    for path in files_of(scenarios):
        program, found = load(path, catalogue)
        bag.extend(found)
        if program is not None and not found.failed:
            cases, found = program.cases(given, in_file, os.environ)
            bag.extend(found)
            planned += cases
    show([bag])
    if bag.failed:
        return BAD_USAGE
    if as_json:
        click.echo(json.dumps([plan_data(case) for case in planned], indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(plan_text(case) for case in planned), nl=False)
    return OK
