"""`cpescript check`: every mistake of scenarios, found without running anything."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from cpescript.cli.exits import OK
from cpescript.cli.files import scenarios as files_of
from cpescript.cli.files import tell_checked
from cpescript.cli.page import Command
from cpescript.results import BAD_USAGE

if TYPE_CHECKING:
    from cpescript.diagnostics import Bag
    from cpescript.language.timeline import Timeline


@click.command(
    cls=Command,
    examples=(
        ("cpescript check my.cpes", "one file, every mistake at once"),
        ("cpescript check scenarios/*.cpes --json", "for an editor or a build server"),
    ),
    exits={OK: "all files check; there may be warnings", BAD_USAGE: "at least one mistake"},
)
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@click.option("--json", "as_json", is_flag=True, help="A list of {path, ok, problems} on standard output.")
def command(scenarios: tuple[str, ...], as_json: bool) -> int:
    """Find every mistake in scenarios without running them.

    SCENARIO is a file, a folder of them, or the name of a scenario that ships. Each mistake says where it is, what was
    expected and what was probably meant.
    """
    from cpescript.language.catalogue import standard_catalogue
    from cpescript.language.loader import check
    from cpescript.runner.checks import check_policies
    from cpescript.runner.systems import read_system

    def policies(cases: list[Timeline], bag: Bag) -> None:
        check_policies(cases, bag, named_only=True)

    catalogue = standard_catalogue(read_system)
    found = [(path, check(path, catalogue, environment=os.environ, also=policies)) for path in files_of(scenarios)]
    return tell_checked(found, as_json=as_json)
