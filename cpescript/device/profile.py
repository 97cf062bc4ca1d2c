"""Loads a profile, a file or a folder of files, into a schema; lists everything that is wrong with it in one go.

Order (profile format, 2): all files are read, objects and groups become rows, rows become parameters, then the blocks
are read against the whole data model, so that a block may name what another file declares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cpescript.device import block_fields
from cpescript.device.block_fields import Context
from cpescript.device.blocks import Blocks, Fleet
from cpescript.device.rows import RowReader, mount
from cpescript.device.schema import Leaf, Schema
from cpescript.device.yaml_nodes import MOST_OCTETS, Entry, Reader, Unreadable, YamlNode, compose
from cpescript.diagnostics import Bag, Span

SUFFIXES = (".yaml", ".yml")
"""Files of a profile folder; their case counts."""

EXTENSION = "x-cpescript"

TOP_LEVEL = dict.fromkeys(
    (
        "parameters",
        "objects",
        "groups",
        "generators",
        "diagnostics",
        "informParameters",
        "deviceIdPaths",
        "transfer",
        "connectionRequest",
        "periodicInformPaths",
        "acsCredentialPaths",
        "fleet",
        "eventSchedule",
        "softwareModules",
        "faults",
        EXTENSION,
    )
)

LATER = (
    "softwareModules",
    "faults.link",
    "diagnostics",
    "transfer.firmware.fetch",
    "x-cpescript.quirks",
    "x-cpescript.telemetry",
    "x-cpescript.extends",
    "x-cpescript.mix",
)
"""Keys that are read and checked but change nothing yet; `Schema.later` names those that a profile has."""


class _File:
    """One file of the profile, read: its reader and its top-level entries."""

    __slots__ = ("entries", "reader", "top")

    def __init__(self, reader: Reader, top: YamlNode | None) -> None:
        self.reader = reader
        self.top = top
        self.entries: dict[str, Entry] = {}
        if top is not None:
            if top.kind == "a mapping" or top.is_null:
                self.entries = reader.mapping(top, "the profile", {**TOP_LEVEL, "app": None})
            else:
                reader.error(top, "wrong-type", f"a profile must be a mapping, this is {top.kind}")
        if "app" in self.entries:
            key = self.entries.pop("app").key
            reader.error(key, "app-manifest", "app makes this an app manifest, which is no profile")


def load_profile(path: Path) -> tuple[Schema | None, Bag]:
    """Return (schema, diagnostics) of the profile at `path`; the schema is None where an error is among them.

    Bad input never raises: a missing file, one that cannot be read or is too large is a diagnostic as well.
    """
    bag = Bag()
    files = list(_read_files(path, bag))
    rows = RowReader()
    sections = {"parameters": rows.parameters, "objects": rows.objects, "groups": rows.groups}
    for file in files:
        for key in file.entries:
            if key in sections:
                sections[key](file.reader, file.entries)

    fleet = _fleet(files)
    mounted = mount(rows.rows, rows.suspect, fleet.pools)
    context = Context(mounted, fleet)
    found = _read_blocks(context, files)
    if found.get("device_id") is not None:
        _warn_of_the_serial_pattern(context, files)
    _warn_of_unused_pools(context, files)
    if bag.failed:
        return None, bag
    for target, generator in context.generators.items():
        old = mounted.leaves[target]
        mounted.leaves[target] = Leaf(target, old.type, old.writable, old.default, old.expansion, generator)
    schema = Schema(
        path.stem if path.suffix in SUFFIXES else path.name,
        str(path),
        mounted.leaves,
        mounted.tables,
        Blocks(
            **found,
            inform_parameters=context.inform,
            diagnostics=tuple(context.diagnostics.values()),
            fleet=fleet,
            extension=context.extension,
            later=tuple(key for key in LATER if _declares(files, key)),
        ),
    )
    return schema, bag


# --- files ------------------------------------------------------------------------------------------------------------


def _read_files(path: Path, bag: Bag) -> Iterator[_File]:
    whole = Span(str(path), 1, 1, 1, 1)
    try:
        if path.is_dir():
            names = sorted(entry.name for entry in path.iterdir() if entry.is_file() and entry.suffix in SUFFIXES)
            if not names:
                bag.error(whole, "no-files", f"the folder {path} has no .yaml or .yml file")
            paths = [path / name for name in names]
        else:
            paths = [path]
    except OSError as error:
        bag.error(whole, "unreadable", f"{path} cannot be read: {error.strerror or error}")
        return
    for each in paths:
        file = _read_file(each, bag)
        if file is not None:
            yield file


def _read_file(path: Path, bag: Bag) -> _File | None:
    source = str(path)
    whole = Span(source, 1, 1, 1, 1)
    try:
        with path.open("rb") as stream:
            octets = stream.read(MOST_OCTETS + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        bag.error(whole, "unreadable", f"{source} cannot be read: {reason}")
        return None
    if len(octets) > MOST_OCTETS:
        bag.error(whole, "too-large", f"{source} is larger than {MOST_OCTETS >> 20} MiB")
        return None
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        bag.error(Span(source, line, 1, line, 1), "not-utf-8", f"{source} is not UTF-8: {error.reason}")
        return None
    bag.sources[source] = text
    try:
        top, second = compose(text)
    except Unreadable as error:
        place = Span(source, error.line, error.column, error.line, error.column + 1)
        bag.error(place, error.code, str(error))
        return None
    if second is not None:
        place = Span(source, *second, second[0], second[1] + 3)
        bag.warning(place, "second-document", "only the first YAML document of a file is read")
    return _File(Reader(source, bag), top)


# --- blocks -----------------------------------------------------------------------------------------------------------


def _blocks_of(file: _File) -> Mapping[str, Entry]:
    """Return a file's blocks by name, `faults.link` among them; a wrong key of `faults` is reported."""
    found = dict(file.entries)
    faults = found.pop("faults", None)
    if faults is not None:
        link = file.reader.mapping(faults.value, "faults", {"link": None}).get("link")
        if link is not None:
            found["faults.link"] = link
    return found


def _fleet(files: list[_File]) -> Fleet:
    fleet: Fleet | None = None
    for file in files:
        entry = file.entries.get("fleet")
        if entry is not None:
            if fleet is not None:
                file.reader.error(entry.key, "duplicate-block", "fleet is already declared in another file")
            fleet = block_fields.read_fleet(file.reader, entry.value, "fleet")
    return fleet or Fleet()


def _read_blocks(context: Context, files: list[_File]) -> dict[str, Any]:
    """Read everything that names parameters; return the fields of `Blocks` that singletons fill."""
    found: dict[str, Any] = {}
    seen: set[str] = set()
    for file in files:
        blocks_here = _blocks_of(file)
        for key, entry in blocks_here.items():
            if key in block_fields.SINGLETONS:
                name, read = block_fields.SINGLETONS[key]
                if key in seen:
                    file.reader.error(entry.key, "duplicate-block", f"{key} is already declared in another file")
                seen.add(key)
                block = read(context, file.reader, entry.value, key)
                if block is not None:
                    found[name] = block
            elif key == "informParameters":
                block_fields.read_inform(context, file.reader, entry.value, key)
            elif key == EXTENSION:
                block_fields.read_extension(context, file.reader, entry.value, key)
        block_fields.read_generators(context, file.reader, blocks_here)
        block_fields.read_diagnostics(context, file.reader, blocks_here)
    return found


def _declares(files: list[_File], key: str) -> bool:
    """Whether any file has the nested key `key` (`transfer.firmware.fetch`)."""
    for file in files:
        node = file.top
        for part in key.split("."):
            pairs = iter(node.items if node is not None else ())
            node = next((value for name, value in zip(pairs, pairs, strict=False) if name.text == part), None)
        if node is not None and not node.is_null:
            return True
    return False


def _warn_of_the_serial_pattern(context: Context, files: list[_File]) -> None:
    """A profile that says nothing of serial numbers sends out other ones than it declares."""
    for file in files:
        if "fleet" in file.entries:
            pairs = iter(file.entries["fleet"].value.items)
            if any(name.text == "serialPattern" for name, _ in zip(pairs, pairs, strict=False)):
                return
    for file in files:
        if "deviceIdPaths" in file.entries:
            message = f"without fleet.serialPattern devices are numbered by {context.fleet.serial_pattern!r}"
            file.reader.warning(file.entries["deviceIdPaths"].key, "serial-pattern", message)


def _warn_of_unused_pools(context: Context, files: list[_File]) -> None:
    used = {name for leaf in context.mounted.leaves.values() if leaf.expansion for name in leaf.expansion.pools}
    for file in files:
        for name in context.fleet.pools:
            if "fleet" in file.entries and name not in used and f"{{{name}}}" not in context.fleet.serial_pattern:
                message = f"fleet.pools.{name} is used by no parameter"
                file.reader.warning(file.entries["fleet"].key, "unused-pool", message)
