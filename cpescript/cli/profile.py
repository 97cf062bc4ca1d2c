"""`cpescript profile check|show|import`: device profiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cpescript import libraries
from cpescript.cli.exits import OK
from cpescript.cli.files import READABLE, locate, show, tell_checked, writable, write
from cpescript.cli.page import Command
from cpescript.kernel.time import format_duration
from cpescript.results import BAD_USAGE

if TYPE_CHECKING:
    from cpescript.device.schema import Schema


@click.group()
def command() -> None:
    """Check, show or import device profiles.

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
    """Find every mistake in profiles. PROFILE is a file, a folder, or a name as a scenario here would say it."""
    from cpescript.device.profile import load
    from cpescript.language.catalogue import quirk_refusal

    # A path that does not exist is a diagnostic of the loader, so that the others are checked all the same.
    paths = (Path(name) if Path(name).exists() else libraries.profile(name, Path()) or Path(name) for name in profiles)
    found = [(path, load(path, quirk_refusal)[1]) for path in paths]
    return tell_checked(found, as_json=as_json)


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
    from cpescript.device.mix import Mix
    from cpescript.device.profile import load

    schema, bag = load(locate("profiles", profile))
    show([bag])
    if schema is None or bag.failed:
        return BAD_USAGE
    if isinstance(schema, Mix):
        for part, weight in zip(schema.parts, schema.weights, strict=True):
            click.echo(f"{weight:>8}  {part.name}  ({part.file})")
        return OK
    for line in _parameters(schema) if parameters else _summary(schema):
        click.echo(line)
    return OK


def _counts(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[int, dict[str, int]]:
    """Return (instances of any table, of single tables) from `--instances N` and `--instances TABLE=N`."""
    every, single = 1, {}
    for value in values:
        table, equals, count = value.rpartition("=")
        if not (count.isdecimal() and count.isascii()) or len(count) > 4:
            raise click.BadParameter(f"'{value}' is not N or TABLE=N, at most 9999")
        if equals:
            single[table if table.endswith(".") else f"{table}."] = int(count)
        else:
            every = int(count)
    return every, single


@command.command(
    "import",
    cls=Command,
    examples=(
        ("cpescript profile import tr-181-full.xml --objects Device.DeviceInfo.,Device.WiFi. -o lab.yaml",
         "the chosen objects of a data model of the Broadband Forum"),
        ("cpescript profile import device.csv -o lab.yaml", "a device as GenieACS exports it"),
        ("cpescript profile import names.xml values.xml -o lab.yaml", "captured responses of a device"),
        ("cpescript profile import device.csv --model tr-181-full.xml", "with the columns of its empty tables"),
        ("cpescript profile import run.jsonl --device 'fleet[1]'", "what a device answered in a trace"),
    ),
    exits={OK: "imported", BAD_USAGE: "the source cannot be taken, or the file exists"},
)  # fmt: skip
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", type=READABLE)
@click.option("-o", "--output", "output", metavar="FILE", help="Where the profile is written; else standard output.")
@click.option("--force", is_flag=True, help="Write over FILE.")
@click.option("--name", metavar="NAME", help="What the profile is called; else FILE's or the source's name.")
@click.option("--objects", metavar="A,B", default="", help="Objects of a data model, with all below them; else all.")
@click.option(
    "--instances", "counts", multiple=True, metavar="[TABLE=]N", callback=_counts,
    help="Instances of each table of a data model (1), or of one: Device.WiFi.SSID.=4. Repeatable.",
)  # fmt: skip
@click.option("--deprecated", is_flag=True, help="Deprecated parts of a data model too.")
@click.option(
    "--model", metavar="XML", type=READABLE,
    help="A data model that knows the columns of tables without instances, for any other SOURCE.",
)  # fmt: skip
@click.option("--trace", is_flag=True, help="SOURCE is a trace (as are files that end in .jsonl).")
@click.option("--device", metavar="NAME", help="The device of a trace; else the first that answered.")
@click.option("--secrets", is_flag=True, help="Write values of passwords and keys too.")
def import_(
    sources: tuple[Path, ...],
    output: str | None,
    force: bool,
    name: str | None,
    objects: str,
    counts: tuple[int, dict[str, int]],
    deprecated: bool,
    model: Path | None,
    trace: bool,
    device: str | None,
    secrets: bool,
) -> int:
    """Make a profile of a data model (XML), a device model (CSV) or captured responses (XML files, a trace).

    The result has the blocks that a device needs to be run; look it over and refine it, or a profile that extends it.
    """
    from cpescript.device.importing import Choice, ImportRefused, import_profile

    if output is not None and Path(output).exists() and not force:
        raise click.BadParameter(f"'{output}' exists: --force writes over it")
    called = name or Path(output or sources[0]).stem.replace(".", "-")
    chosen = tuple(each.strip() for each in objects.split(",") if each.strip())
    try:
        imported = import_profile(
            sources,
            called,
            choice=Choice(chosen, counts[1], counts[0], deprecated),
            trace=trace,
            device=device,
            model=model,
            secrets=secrets,
        )
    except ImportRefused as refused:
        line = f":{refused.line}" if refused.line else ""
        remedy = f" ({refused.remedy})" if refused.remedy else ""
        click.echo(f"error: {refused.source or sources[0]}{line}: {refused}{remedy}", err=True)
        return BAD_USAGE
    for note in imported.notes:
        click.echo(f"note: {note}", err=True)
    if output is None:
        click.echo(imported.text, nl=False)
    else:
        write(writable(output), imported.text)
        click.echo(f"{output}: {imported.parameters} parameters")
    return OK


def _summary(schema: Schema) -> Iterator[str]:
    types = Counter(leaf.type for leaf in schema.leaves.values())
    writable = sum(bool(leaf.writable) for leaf in schema.leaves.values())
    moving = sum(leaf.generator is not None for leaf in schema.leaves.values())
    yield f"{schema.name}  ({schema.file})"
    yield f"  data model    {schema.root} with {len(schema.leaves)} parameters: {writable} writable, {moving} moving"
    yield f"  types         {', '.join(f'{count} {name}' for name, count in types.most_common())}"
    identity = {path: schema.leaves[path].default for path in schema.device_id or ()}
    if schema.serial_path is not None:
        base = identity[schema.serial_path]
        identity[schema.serial_path] = schema.fleet.serial_pattern.replace("{base}", base)
    apps: Any = schema.extension.get("apps") or ()
    yield from _listed("identity", (f"{path}  {value}" for path, value in identity.items()))
    yield from _listed("tables", (f"{path}  {len(table.declared)}" for path, table in schema.tables.items()))
    yield from _listed("apps", (f"{app.name} {app.version}" for app in apps))
    yield from _listed("quirks", (name for name, _ in schema.quirks))
    if schema.inform_parameters:
        yield "  Inform carries"
        for event, paths in schema.inform_parameters.items():
            yield f"    {event}"
            for path in paths:
                yield f"      {path}"


def _listed(label: str, lines: Iterable[str]) -> Iterator[str]:
    for index, line in enumerate(lines):
        yield f"  {'' if index else label:<12}  {line}".rstrip()


def _parameters(schema: Schema) -> Iterator[str]:
    width = max((len(path) for path in schema.leaves), default=0)
    for path, leaf in schema.leaves.items():
        moves = leaf.generator
        value = f"{moves.kind} every {format_duration(moves.interval)}" if moves is not None else leaf.default
        yield f"{path:<{width}}  {leaf.type:<11}  {'rw' if leaf.writable else 'ro'}  {value}".rstrip()
