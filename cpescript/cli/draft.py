"""`cpescript draft`: a profile and a scenario of a trace."""

from __future__ import annotations

from pathlib import Path

import click

from cpescript.cli.exits import OK
from cpescript.cli.files import READABLE, show, writable, write
from cpescript.cli.page import Command
from cpescript.results import BAD_USAGE


@click.command(
    cls=Command,
    examples=(
        ("cpescript draft lab.jsonl", "lab.yaml and lab.cpes, beside the trace"),
        ("cpescript draft run.jsonl --device 'fleet[3]' --name gateway", "of another device, by another name"),
    ),
    exits={OK: "written", BAD_USAGE: "no trace, or files that are there already"},
)
@click.argument("trace", type=READABLE)
@click.option("--device", metavar="NAME", help="The device that is taken; else the first that informs.")
@click.option("--name", metavar="NAME", help="What profile and scenario are called; else as the trace is.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
def command(trace: Path, device: str | None, name: str | None, force: bool) -> int:
    """Make a profile and a scenario of a trace.

    The profile is what a device told of itself, the scenario expects of the ACS what it did then.

    Both are written beside the trace. The scenario checks and runs as it is; read it, and keep what you mean.
    """
    from cpescript.device.importing import ImportRefused, writer
    from cpescript.device.importing.findings import TYPES, is_secret
    from cpescript.device.profile import load_profile
    from cpescript.recording.draft import called, scenario, sessions
    from cpescript.recording.reading import TraceError, read
    from cpescript.recording.told import findings

    name = called(name or trace.stem)
    profile, draft = trace.with_name(f"{name}.yaml"), trace.with_name(f"{name}.cpes")
    for path in (profile, draft):
        if path.exists() and not force:
            raise click.BadParameter(f"'{path}' exists: --force writes over it", param_hint="TRACE")
    try:
        device, talks = sessions(read(trace), device)
        found = findings(read(trace), device)
        imported = writer.render(found, name, f"what {device} said in the trace {trace.name}")
    except TraceError as error:
        click.echo(f"error: {error}", err=True)
        return BAD_USAGE
    except ImportRefused as refused:
        click.echo(f"error: {trace}: {refused}" + (f"\n   = {refused.remedy}" if refused.remedy else ""), err=True)
        return BAD_USAGE
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    write(writable(str(profile)), imported)
    schema, bag = load_profile(profile)
    if schema is None:
        show([bag])
        return BAD_USAGE
    root, serial = schema.root, found.parameters[f"{schema.root}DeviceInfo.SerialNumber"].value or "***"

    def secret(path: str, value: str) -> bool:
        leaf = schema.leaves.get(path)
        return (leaf is not None and is_secret(root, path, TYPES[leaf.type])) or "***" in value or serial in value

    text = scenario(name, trace.name, device, talks, schema, secret)
    write(writable(str(draft)), text)
    click.echo(f"{profile}: {len(found.parameters)} parameters\n{draft}: {len(talks)} sessions")
    return OK
