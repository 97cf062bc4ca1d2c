"""Makes profiles of what others know about a device: data models, device models, captures.

sources → a reader of their form (`datamodel_xml`, `device_csv`, `capture`) → `Findings` → `writer` → a profile's text
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cpescript.device.importing import capture, datamodel_xml, device_csv, writer
from cpescript.device.importing.datamodel_xml import Choice
from cpescript.device.importing.findings import Findings, ImportRefused
from cpescript.device.importing.xml_events import root_name

__all__ = ["Choice", "ImportRefused", "Imported", "import_profile"]


@dataclass(frozen=True, slots=True)
class Imported:
    """An import's result: the profile's text, how many parameters it has, and what was left out, in words."""

    text: str
    parameters: int
    notes: tuple[str, ...]


def import_profile(
    sources: Sequence[Path],
    name: str,
    *,
    choice: Choice | None = None,
    trace: bool = False,
    device: str | None = None,
    model: Path | None = None,
    secrets: bool = False,
) -> Imported:
    """Return the profile called `name` that the sources make. Raises ImportRefused, its `source` set.

    `choice` says what is taken of a data model; `trace` that the source is one, `device` which of its devices; `model`
    is a data model that knows the columns of tables without instances; with `secrets` values of passwords are written
    too.
    """
    found, origin = _read(sources, choice or Choice(), trace or device is not None, device)
    if model is not None:
        try:
            datamodel_xml.complete(model, found)
        except ImportRefused as refused:
            refused.source = model
            raise
    text = writer.render(found, name, origin, secrets=secrets)
    return Imported(text, len(found.parameters), tuple(found.notes))


def _read(sources: Sequence[Path], choice: Choice, trace: bool, device: str | None) -> tuple[Findings, str]:
    first = sources[0]
    names = ", ".join(path.name for path in sources)
    form = "trace" if trace or first.suffix == ".jsonl" else "csv" if first.suffix.lower() == ".csv" else "xml"
    try:
        if form == "xml" and root_name(first) != "document":
            return capture.read(sources), f"the captured responses in {names}"
        if len(sources) > 1:
            raise ImportRefused(f"one source is taken of this form, not {len(sources)}")
        if form == "trace":
            return capture.read_trace(first, device), f"what a device answered in the trace {names}"
        if form == "csv":
            return device_csv.read(first), f"the device model {names}"
        return datamodel_xml.read(first, choice), f"the data model {names}"
    except ImportRefused as refused:
        refused.source = refused.source or first
        raise
