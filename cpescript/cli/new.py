"""`cpescript new`: a commented scenario to start from."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from cpescript.cli.exits import OK
from cpescript.cli.files import writable, write
from cpescript.cli.page import Command
from cpescript.results import BAD_USAGE


@click.command(
    cls=Command,
    examples=(("cpescript new wifi_channel.cpes && cpescript run wifi_channel.cpes", "write it, then see it pass"),),
    exits={OK: "written", BAD_USAGE: "the file exists, or cannot be written"},
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Write over a file that exists.")
def command(file: Path, force: bool) -> int:
    """Write a commented scenario to start from.

    It runs as it is, on the embedded ACS; its comments say what each line means and what could be written instead.
    """
    if not file.name:
        raise click.UsageError("name the file to be written")
    path = file if file.suffix else file.with_suffix(".cpes")
    if path.exists() and not force:
        raise click.UsageError(f"'{path}' exists: --force writes over it")
    write(writable(str(path)), text(path.stem.replace("_", " ")))
    click.echo(f"{path}: written; try it: cpescript run {path}")
    return OK


def text(title: str) -> str:
    """Return the scenario, called `title`."""
    template = files("cpescript.cli").joinpath("new.cpes").read_text(encoding="utf-8")
    escaped = title.replace("\\", "\\\\").replace('"', '\\"').replace("{", "{{").replace("}", "}}")
    return template.replace("a scenario to start from", escaped, 1)
