"""`cpescript profile check|show`: device profiles."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cpescript import libraries
from cpescript.cli.exits import OK
from cpescript.cli.files import locate, problems, show
from cpescript.cli.page import Command
from cpescript.results import BAD_USAGE

if TYPE_CHECKING:
    from cpescript.device.schema import Schema


@click.group()
def command() -> None:
    """Check or show device profiles.

    A profile says what a model of device has and how it behaves: a YAML file, or a folder of them.
    """


@command.command(
    "check",
    cls=Command,
    examples=(("cpescript profile check lab/*.yaml --json", "several at once, for a build server"),),
    exits={OK: "all are valid; there may be warnings", BAD_USAGE: "at least one mistake"},
)
@click.argument("profiles", nargs=-1, required=True, metavar="PROFILE...")
@click.option("--json", "as_json", is_flag=True, help="A list of {path, ok, problems} on standard output.")
def check(profiles: tuple[str, ...], as_json: bool) -> int:
    """Find every mistake in profiles. PROFILE is a file, a folder, or the name of one that ships."""
    from cpescript.device.profile import load_profile

    # A path that does not exist is a diagnostic of the loader, so that the others are checked all the same.
    paths = (Path(name) if Path(name).exists() else libraries.find("profiles", name) or Path(name) for name in profiles)
    found = [(path, load_profile(path)[1]) for path in paths]
    if as_json:
        listed = [{"path": str(path), "ok": not bag.failed, "problems": problems(bag)} for path, bag in found]
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
    else:
        show(bag for _, bag in found)
        for path, bag in found:
            if not bag.failed:
                click.echo(f"{path}: ok")
    return BAD_USAGE if any(bag.failed for _, bag in found) else OK


@command.command(
    "show",
    cls=Command,
    examples=(
        ("cpescript profile show hg100", "what such a device is and does"),
        ("cpescript profile show hg100 --parameters | grep WiFi", "every parameter with type, access and value"),
    ),
    exits={OK: "shown", BAD_USAGE: "no such profile, or one with mistakes"},
)
@click.argument("profile", required=False)
@click.option("--parameters", is_flag=True, help="List every parameter instead.")
def show_profile(profile: str | None, parameters: bool) -> int:
    """Show what the devices of a profile have. Without PROFILE: the names of those that ship."""
    if profile is None:
        for name in libraries.names("profiles"):
            click.echo(name)
        return OK
    from cpescript.device.profile import load_profile

    schema, bag = load_profile(locate("profiles", profile))
    show([bag])
    if schema is None or bag.failed:
        return BAD_USAGE
    for line in _parameters(schema) if parameters else _summary(schema):
        click.echo(line)
    return OK


def _summary(schema: Schema) -> Iterator[str]:
    types = Counter(leaf.type for leaf in schema.leaves.values())
    writable = sum(bool(leaf.writable) for leaf in schema.leaves.values())
    moving = sum(leaf.generator is not None for leaf in schema.leaves.values())
    yield f"{schema.name}  ({schema.file})"
    yield f"  data model    {schema.root} with {len(schema.leaves)} parameters: {writable} writable, {moving} moving"
    yield f"  types         {', '.join(f'{count} {name}' for name, count in types.most_common())}"
    for index, path in enumerate(schema.device_id or ()):
        yield f"  {'' if index else 'identity':<12}  {path}"
    for index, path in enumerate(schema.tables):
        yield f"  {'' if index else 'tables':<12}  {path}"
    if schema.inform_parameters:
        yield "  Inform carries"
        for event, paths in schema.inform_parameters.items():
            yield f"    {event}"
            for path in paths:
                yield f"      {path}"


def _parameters(schema: Schema) -> Iterator[str]:
    width = max((len(path) for path in schema.leaves), default=0)
    for path, leaf in schema.leaves.items():
        value = f"generator {leaf.generator}" if leaf.generator is not None else leaf.default
        yield f"{path:<{width}}  {leaf.type:<11}  {'rw' if leaf.writable else 'ro'}  {value}".rstrip()
