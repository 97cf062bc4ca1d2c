"""Loads a profile, a file or a folder of files, into a schema; lists everything that is wrong with it in one go.

Order (profile format, 2): all files are read, objects and groups become rows, rows become parameters, then the blocks
are read against the whole data model, so that a block may name what another file declares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cpescript import libraries
from cpescript.device import block_fields, standard
from cpescript.device.block_fields import Context
from cpescript.device.blocks import Blocks, Fleet
from cpescript.device.extension import FIELDS, read_extension
from cpescript.device.inheritance import MOST_LAYERS, combined, document, find_profile, is_below, laid_over, overlay
from cpescript.device.mix import Mix
from cpescript.device.rows import Mounted, Row, RowReader, in_general, mount
from cpescript.device.schema import Leaf, Schema
from cpescript.device.yaml_nodes import (
    MAPPING,
    MOST_OCTETS,
    SCALAR,
    Entry,
    Reader,
    Unreadable,
    YamlNode,
    compose,
)
from cpescript.diagnostics import Bag, Span, did_you_mean

RefuseQuirk = Callable[[str, Mapping[str, Any]], str]

SUFFIXES = (".yaml", ".yml")
"""Files of a profile folder; their case counts."""

EXTENSION = "x-cpescript"
_OUI = re.compile("[0-9A-F]{6}")
_QUOTE = 'within [ ] and { } a text with braces stands in quotes: "….{i}.…"'

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
    "faults.link",
    "x-cpescript.telemetry",
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
            if top.kind is MAPPING or top.is_null:
                self.entries = reader.mapping(top, "the profile", TOP_LEVEL, also=("app",))
            else:
                reader.error(top, "wrong-type", f"a profile must be a mapping, this is {top.kind}")
        if "app" in self.entries:
            key = self.entries.pop("app").key
            reader.error(key, "app-manifest", "app makes this an app manifest, which is no profile")


def load(path: Path, refuse_quirk: RefuseQuirk | None = None) -> tuple[Schema | Mix | None, Bag]:
    """Return (schema or mix, diagnostics) of the profile at `path`; None where an error is among them.

    `refuse_quirk(name, arguments)` says what is wrong with a quirk that the profile declares, empty if nothing. Bad
    input never raises: a missing file, one that cannot be read or is too large is a diagnostic as well.
    """
    bag = Bag()
    layers = _read_layers(path, bag, ())
    mix = next((entry for file in layers[-1] if (entry := _own_key(file, "mix")) is not None), None)
    if mix is not None:
        return _load_mix(path, layers[-1], mix, bag, refuse_quirk), bag
    return _compile(path, layers, bag, refuse_quirk), bag


def load_profile(path: Path, refuse_quirk: RefuseQuirk | None = None) -> tuple[Schema | None, Bag]:
    """Return what `load` does of a profile of one model; a mix of several is an error."""
    found, bag = load(path, refuse_quirk)
    if isinstance(found, Mix):
        bag.error(Span(str(path), 1, 1, 1, 1), "mix", f"{path} is a mix of profiles, not one of them")
        return None, bag
    return found, bag


def _compile(path: Path, layers: list[list[_File]], bag: Bag, refuse_quirk: RefuseQuirk | None) -> Schema | None:
    """Return the schema of a profile and those that it extends, the lowest first."""
    rows, suspect, dropped = _read_rows(layers)
    files = layers[0] if len(layers) == 1 else [_combine(path, layers, rows, dropped, bag)]
    fleet = _fleet(files)
    mounted = mount(rows, suspect, fleet.pools)
    if len(layers) > 1:
        top = len(layers) - 1
        mounted.generated = {each: at for each, at in mounted.generated.items() if mounted.rows[each].layer == top}
    context = Context(mounted, fleet, refuse_quirk=refuse_quirk)
    found = _read_blocks(context, files)
    _refuse_what_moves_all_the_same(context, rows, len(layers) - 1)
    if found.get("device_id") is not None:
        _warn_of_the_serial_pattern(context, files)
        _warn_of_the_oui(mounted, found["device_id"].oui)
    _warn_of_unused_pools(context, files)
    _warn_of_lightweight_notification(mounted)
    later = tuple(key for key in LATER if _warn_of_a_later_key(files, key))
    if bag.failed:
        return None
    for target, generator in context.generators.items():
        old = mounted.leaves[target]
        mounted.leaves[target] = Leaf(target, old.type, old.writable, old.default, old.expansion, generator)
    return Schema(
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
            later=later,
        ),
    )


# --- profiles that name others ----------------------------------------------------------------------------------------


def _own_key(file: _File, key: str) -> Entry | None:
    """Return the entry of a key below `x-cpescript`, None where the file has none."""
    own = file.entries.get(EXTENSION)
    if own is None or own.value.kind is not MAPPING:
        return None
    pairs = iter(own.value.items)
    return next(
        (
            Entry(name, value)
            for name, value in zip(pairs, pairs, strict=False)
            if name.text == key and not value.is_null
        ),
        None,
    )


def _read_layers(path: Path, bag: Bag, above: tuple[Path, ...]) -> list[list[_File]]:
    """Return the files of a profile, behind those of the profiles that it extends, the lowest first."""
    files = list(_read_files(path, bag))
    for file in files:
        entry = _own_key(file, "extends")
        if entry is None:
            continue
        base = _named_profile(file, entry.value, path, "extends")
        if base is None:
            continue
        chain = (*above, path.resolve())
        if base.resolve() in chain or len(chain) >= MOST_LAYERS:
            names = " extends ".join(each.name for each in (*chain, base))
            why = "a profile cannot extend itself" if base.resolve() in chain else f"at most {MOST_LAYERS} may"
            file.reader.error(entry.value, "extends-cycle", f"{names}: {why}")
            continue
        return [*_read_layers(base, bag, chain), files]
    return [files]


def _named_profile(file: _File, node: YamlNode, path: Path, what: str) -> Path | None:
    """Return the path of a profile that another one names; reported where there is none."""
    if not file.reader.of_kind(node, SCALAR, f"{EXTENSION}.{what}"):
        return None
    found = find_profile(node.text, path.parent, path)
    if found is None:
        remedy = did_you_mean(node.text, libraries.names("profiles"), "a path from this file, or a name beside it")
        file.reader.error(
            node, "unknown-profile", f"{EXTENSION}.{what}: there is no profile {node.text[:80]!r}", remedy
        )
    return found


def _read_rows(layers: list[list[_File]]) -> tuple[list[Row], set[str], set[str]]:
    """Return (rows, suspect paths, paths dropped by `without`) of profiles laid over each other."""
    rows: list[Row] = []
    suspect: set[str] = set()
    dropped: set[str] = set()
    for number, files in enumerate(layers):
        reader = RowReader(rows)
        sections = {"parameters": reader.parameters, "objects": reader.objects, "groups": reader.groups}
        gone: list[str] = []
        for file in files:
            for key in file.entries:
                if key in sections:
                    sections[key](file.reader, file.entries)
            gone += _read_without(file, rows, number)
            _read_still(file, rows, reader, number)
        suspect |= reader.suspect
        rows = overlay(rows, reader.rows, reader.sizes, gone) if number else reader.rows
        dropped.update(gone)
    return rows, suspect, dropped


def _read_without(file: _File, rows: list[Row], layer: int) -> list[str]:
    entry = _own_key(file, "without")
    if entry is None:
        return []
    found = []
    for path, node in file.reader.texts({"without": entry}, "without", EXTENSION) or []:
        if not layer:
            file.reader.error(node, "unknown-path", f"{EXTENSION}.without: the profile extends none")
        elif not any(is_below(row.path, (path,)) for row in rows):
            message = f"{EXTENSION}.without: the profile that is extended has no {path[:200]!r}"
            file.reader.error(node, "unknown-path", message, did_you_mean(path, [row.path for row in rows]))
        else:
            found.append(path)
    return found


def _read_still(file: _File, rows: list[Row], reader: RowReader, layer: int) -> None:
    """Read `generators_without`: a row on top that gives no generator, for each that is to stand still."""
    entry = _own_key(file, "generators_without")
    for path, node in file.reader.texts({"paths": entry}, "paths", EXTENSION) or [] if entry is not None else []:
        where = f"{EXTENSION}.generators_without"
        meant = [row for row in rows if is_below(row.path, (path,))] or [
            replace(row, path=path) for row in rows if row.path == in_general(path)
        ]
        if not layer:
            file.reader.error(node, "unknown-path", f"{where}: the profile extends none")
        elif not meant:
            remedy = did_you_mean(path, [row.path for row in rows])
            message = f"{where}: the profile that is extended has no {path[:200]!r}"
            file.reader.error(node, "unknown-path", message, remedy)
        for row in meant if layer else ():
            reader.stand_still(file.reader, node, where, row)


def _refuse_what_moves_all_the_same(context: Context, rows: list[Row], top: int) -> None:
    """Refuse a parameter that was to stand still, and is moved by a generator of its table, or of this profile."""
    for row in rows:
        if row.layer == top and "generator" in row.given and row.generator is None and row.path in context.generators:
            at = context.mounted.generated.get(row.path, "a list of generators")
            message = f"{row.path} is to stand still, and has a generator in {at}"
            row.reader.error(row.node, "duplicate-generator", message, "name it as it stands there, with {i}")


def _combine(path: Path, layers: list[list[_File]], rows: list[Row], dropped: set[str], bag: Bag) -> _File:
    """Return everything but the rows of profiles laid over each other, as if it stood in one file."""
    reader = Reader(str(path), bag)
    moved = {row.path for row in rows if row.layer and "generator" in row.given}
    sections = ("parameters", "objects", "groups")
    entries: dict[str, Entry] = {}
    for files in layers:
        own = combined(reader, (file.entries for file in files), sections)
        entries = laid_over(
            reader, entries, own, lambda each: not moved.isdisjoint((each, in_general(each))) or is_below(each, dropped)
        )
    place = next((file.top for file in layers[-1] if file.top is not None), YamlNode(MAPPING, 1, 1))
    return _File(reader, document(place, entries))


def _load_mix(path: Path, files: list[_File], mix: Entry, bag: Bag, refuse_quirk: RefuseQuirk | None) -> Mix | None:
    """Return the mix that a profile declares; nothing else may stand in it."""
    parts = []
    for file in files:
        for key, entry in file.entries.items():
            own = file.reader.mapping(entry.value, EXTENSION, FIELDS) if key == EXTENSION else {}
            for other in [entry] if key != EXTENSION else [own[each] for each in own if each != "mix"]:
                message = f"a mix has nothing but {EXTENSION}.mix: {other.key.text} belongs into a profile of its own"
                file.reader.error(other.key, "mix", message)
        if _own_key(file, "mix") is not mix and _own_key(file, "mix") is None:
            continue
        weights = FIELDS["mix"](Context(Mounted()), file.reader, mix.value, f"{EXTENSION}.mix")
        for name, entry in file.reader.mapping(mix.value, f"{EXTENSION}.mix").items():
            found = _named_profile(file, entry.key, path, "mix")
            if found is None or name not in (weights or {}):
                continue
            schema, problems = load_profile(found, refuse_quirk)
            bag.extend(problems)
            if schema is not None:
                parts.append((schema, weights[name]))
    if not parts and not bag.failed:
        bag.error(files[0].reader.span(mix.key), "mix", f"{EXTENSION}.mix names no profile")
    return None if bag.failed else Mix(path.stem if path.suffix in SUFFIXES else path.name, str(path), parts)


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
        top, second = compose(text, source)
    except Unreadable as error:
        place = Span(source, error.line, error.column, error.line, error.column + 1)
        at = "".join(text.splitlines()[error.line - 1 : error.line])[error.column - 1 :]
        bag.error(place, error.code, str(error), _QUOTE if at.startswith("{") else "")
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
                read_extension(context, file.reader, entry.value, key)
        block_fields.read_generators(context, file.reader, blocks_here)
        block_fields.read_diagnostics(context, file.reader, blocks_here)
    return found


def _warn_of_a_later_key(files: list[_File], key: str) -> bool:
    """Say where a file has the nested key `key` (`faults.link`), which changes nothing yet; return whether one has."""
    found = False
    for file in files:
        place, node = None, file.top
        for part in key.split("."):
            pairs = iter(node.items if node is not None else ())
            place, node = next(
                ((name, value) for name, value in zip(pairs, pairs, strict=False) if name.text == part), (None, None)
            )
        if place is not None and node is not None and not node.is_null:
            found = True
            file.reader.warning(place, "no-effect", f"{key} is read and checked, and changes nothing yet")
    return found


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


def _warn_of_the_oui(mounted: Mounted, path: str) -> None:
    """An Inform takes six hexadecimal digits in capitals (cwmp-1-0.xsd, DeviceIdStruct)."""
    row, leaf = mounted.rows.get(path), mounted.leaves.get(path)
    if row is not None and leaf is not None and leaf.expansion is None and not _OUI.fullmatch(leaf.default):
        message = f"{row.where}: {path} is {leaf.default[:80]!r}, an OUI has six hexadecimal digits in capitals"
        row.reader.warning(row.value_node, "bad-oui", message, "an ACS may refuse the Inform")


def _warn_of_unused_pools(context: Context, files: list[_File]) -> None:
    used = {name for leaf in context.mounted.leaves.values() if leaf.expansion for name in leaf.expansion.pools}
    for file in files:
        for name in context.fleet.pools:
            if "fleet" in file.entries and name not in used and f"{{{name}}}" not in context.fleet.serial_pattern:
                message = f"fleet.pools.{name} is used by no parameter"
                file.reader.warning(file.entries["fleet"].key, "unused-pool", message)


def _warn_of_lightweight_notification(mounted: Mounted) -> None:
    """A device that says it can sends none of these messages."""
    for path, row in mounted.rows.items():
        if path.partition(".")[2] == standard.MANAGEMENT_SERVER + standard.LIGHTWEIGHT_SUPPORTED and row.value:
            message = f"{path}: lightweight notifications are not sent, only what of them an Inform carries"
            row.reader.warning(row.value_node, "no-effect", message, "leave it empty")
