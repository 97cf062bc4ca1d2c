"""`cpescript draft`: a profile and a scenario of a trace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cpescript.cli.exits import OK
from cpescript.cli.files import READABLE, show, writable, write
from cpescript.cli.page import Command
from cpescript.results import BAD_USAGE

if TYPE_CHECKING:
    from cpescript.recording.draft import Part


@click.command(
    cls=Command,
    examples=(
        ("cpescript draft lab.jsonl", "lab.yaml and lab.cpes, beside the trace"),
        ("cpescript draft lab.jsonl --all-models", "one device of each model: a profile and a cohort each"),
        ("cpescript draft run.jsonl --device 'fleet[3]' --name gateway", "of another device, by another name"),
    ),
    exits={OK: "written", BAD_USAGE: "no trace, or files that are there already"},
)
@click.argument("trace", type=READABLE)
@click.option("--device", metavar="NAME", help="The device that is taken; else the first that informs.")
@click.option("--all-models", is_flag=True, help="Take one device of each model: a profile and a cohort each.")
@click.option("--name", metavar="NAME", help="What profile and scenario are called; else as the trace is.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
def command(trace: Path, device: str | None, all_models: bool, name: str | None, force: bool) -> int:
    """Make a profile and a scenario of a trace.

    The profile is what a device told of itself, the scenario expects of the ACS what it did then.

    Both are written beside the trace. The scenario checks as it is; read it, and keep what you mean: what an operator
    ordered looks like the ACS's own doing in a recording, and nobody orders it again.
    """
    from cpescript.device.importing import ImportRefused
    from cpescript.recording.draft import called, models, scenario
    from cpescript.recording.reading import TraceError, read

    if all_models and device is not None:
        raise click.BadParameter("one device, or one of each model", param_hint="--device")
    name = called(name or trace.stem)
    draft = trace.with_name(f"{name}.cpes")
    try:
        found = models(read(trace)) if all_models else {}
        wanted: list[tuple[str | None, int]] = [(names[0], len(names)) for names in found.values()]
        several = len(wanted) > 1
        kinds = [called(kind or oui).replace("-", "_") for oui, kind in found]
        cohorts = _unlike(kinds) if several else ["cpe"]
        profiles = [f"{name}-{cohort}" for cohort in cohorts] if several else [name]
        for path in (draft, *(trace.with_name(f"{profile}.yaml") for profile in profiles)):
            if path.exists() and not force:
                raise click.BadParameter(f"'{path}' exists: --force writes over it", param_hint="TRACE")
        parts = []
        for (one, alike), cohort, profile in zip(wanted or [(device, 1)], cohorts, profiles, strict=True):
            part = _part(trace, one, cohort, profile, alike)
            if part is None:
                return BAD_USAGE
            parts.append(part)
    except TraceError as error:
        click.echo(f"error: {error}", err=True)
        return BAD_USAGE
    except ImportRefused as refused:
        click.echo(f"error: {trace}: {refused}" + (f"\n   = {refused.remedy}" if refused.remedy else ""), err=True)
        return BAD_USAGE
    write(writable(str(draft)), scenario(name, trace.name, parts))
    click.echo(f"{draft}: {sum(len(part.talks) for part in parts)} sessions")
    return OK


def _part(trace: Path, device: str | None, cohort: str, profile: str, alike: int) -> Part | None:
    """Write the profile of a device of the trace; return what a draft needs of it, None where it is no good (shown).

    Raises TraceError, ImportRefused.
    """
    from cpescript.device.importing import writer
    from cpescript.device.importing.findings import TYPES, is_secret
    from cpescript.device.profile import load_profile
    from cpescript.recording.draft import Part, sessions
    from cpescript.recording.reading import read
    from cpescript.recording.told import findings

    device, talks = sessions(read(trace), device)
    found = findings(read(trace), device)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    path = trace.with_name(f"{profile}.yaml")
    write(writable(str(path)), writer.render(found, profile, f"what {device} said in the trace {trace.name}"))
    schema, bag = load_profile(path)
    if schema is None:
        show([bag])
        return None
    root, serial = schema.root, found.parameters[f"{schema.root}DeviceInfo.SerialNumber"].value or "***"

    def secret(path: str, value: str) -> bool:
        leaf = schema.leaves.get(path)
        return (leaf is not None and is_secret(root, path, TYPES[leaf.type])) or "***" in value or serial in value

    click.echo(f"{path}: {len(found.parameters)} parameters")
    return Part(profile, cohort, device, talks, schema, secret, alike)


def _unlike(names: list[str]) -> list[str]:
    """Return the names, those that come again with a number behind."""
    return [f"{name}_{names[:place].count(name) + 1}" if name in names[:place] else name
            for place, name in enumerate(names)]  # fmt: skip
