"""`cpescript fmt`: scenarios in the one layout."""

from __future__ import annotations

import sys
from difflib import unified_diff
from pathlib import Path

import click

from cpescript.cli.exits import FAILED, OK
from cpescript.cli.files import read, scenarios, write
from cpescript.cli.page import Command
from cpescript.diagnostics import Bag
from cpescript.results import BAD_USAGE


@click.command(
    cls=Command,
    examples=(
        ("cpescript fmt my.cpes", "write the file anew, if its layout differs"),
        ("cpescript fmt --check scenarios/*.cpes", "for a build server"),
        ("cpescript fmt - < my.cpes", "standard input to standard output, for an editor"),
    ),
    exits={
        OK: "all in the one layout, or now written so",
        FAILED: "--check or --diff: at least one file would change",
        BAD_USAGE: "a file does not parse, or cannot be read or written; that one is left alone",
    },
)
@click.argument("names", nargs=-1, required=True, metavar="FILE...")
@click.option("--check", is_flag=True, help="Write nothing; name the files that would change.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
def command(names: tuple[str, ...], check: bool, diff: bool) -> int:
    """Write scenarios in the one layout.

    FILE may be a folder, for every scenario below it; '-' is standard input.

    A file is written only if the result means the same, formats to itself and has kept every comment.
    """
    status = OK
    for name in _files(names):
        text = _text_of(name)
        formatted, bag = _format(text, name)
        if formatted is None:
            click.echo(bag.render(), err=True)
            status = BAD_USAGE
            continue
        changed = formatted != text
        if diff:
            click.echo("".join(_diff(text, formatted, name)), nl=False)
        if check and changed:
            click.echo(f"{name}: would change", err=True)
        if (check or diff) and changed:
            status = max(status, FAILED)
        if check or diff:
            continue
        if name == "-":
            click.echo(formatted, nl=False)
        elif changed:
            write(Path(name), formatted)
            click.echo(f"{name}: written")
    return status


def _files(names: tuple[str, ...]) -> list[str]:
    """Return the files that are meant. Raises BadParameter for a folder that has none."""
    return [file for name in names for file in (map(str, scenarios([name])) if Path(name).is_dir() else [name])]


def _text_of(name: str) -> str:
    if name != "-":
        return read(Path(name))
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"standard input is not UTF-8: octet {error.start} cannot be decoded") from None


def _format(text: str, name: str) -> tuple[str | None, Bag]:
    from cpescript.language.formatter import format_text

    return format_text(text, "<stdin>" if name == "-" else name)


def _diff(before: str, after: str, name: str) -> list[str]:
    lines = unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), name, f"{name} (formatted)")
    return [line if line.endswith("\n") else f"{line}\n\\ no newline at end of file\n" for line in lines]
