"""Reads `x-cpescript`: the keys of a profile that the format leaves to us, each checked by its row in `FIELDS`.

A row is a function that reads one value: (context, reader, node, name in messages) gives the checked value, None where
something was reported. Rows are put together from the small readers below, so that adding a key takes one line:

    "http": block(timeout=span(least=SECOND), keep_alive=flag),
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cpescript.device import generator_fields, signal_fields
from cpescript.device.block_fields import Context
from cpescript.device.manifest import MOST_OCTETS, Manifest, read_manifest
from cpescript.device.rows import path_problem
from cpescript.device.yaml_nodes import MAPPING, SEQUENCE, Entry, Reader, YamlNode, each_mapping
from cpescript.diagnostics import did_you_mean
from cpescript.kernel.time import SECOND
from cpescript.regular import RegularError, regular

Field = Callable[[Context, Reader, YamlNode, str], Any]

MOST_WEIGHT = 1_000_000
"""The largest share of a mix: with whole shares up to it any percentage can be said."""


def _alone(node: YamlNode, where: str) -> dict[str, Entry]:
    """Return a node as the only field of a mapping, which is how `Reader` takes it."""
    return {where: Entry(node, node)}


# --- single values ----------------------------------------------------------------------------------------------------


def flag(context: Context, reader: Reader, node: YamlNode, where: str) -> bool | None:
    """Read true or false."""
    return reader.boolean(_alone(node, where), where, "")


def text(context: Context, reader: Reader, node: YamlNode, where: str) -> str | None:
    """Read a text as it is written."""
    return reader.text(_alone(node, where), where, "")


def one_of(*options: str, code: str = "bad-choice") -> Field:
    """Return a reader of one of a few words."""

    def read(context: Context, reader: Reader, node: YamlNode, where: str) -> str | None:
        found = text(context, reader, node, where)
        if found is not None and found not in options:
            remedy = did_you_mean(found, options)
            reader.error(node, code, f"{where} must be one of {', '.join(options)}", remedy)
            return None
        return found

    return read


def whole(least: int, most: int = (1 << 31) - 1) -> Field:
    """Return a reader of a whole number within bounds, both included."""

    def read(context: Context, reader: Reader, node: YamlNode, where: str) -> int | None:
        found = reader.integer(_alone(node, where), where, "")
        if found is not None and not least <= found <= most:
            reader.error(node, "out-of-range", f"{where} must lie within {least}..{most}, not {found}")
            return None
        return found

    return read


def span(least: int = 0) -> Field:
    """Return a reader of a duration, in nanoseconds, at least `least` (0 or 1: not negative, longer than nothing)."""

    def read(context: Context, reader: Reader, node: YamlNode, where: str) -> int | None:
        return reader.duration(_alone(node, where), where, "", least)

    return read


def parameter(kind: str | None = None, writable: bool = False) -> Field:
    """Return a reader of the path of an existing parameter, of type `kind` and writable where that is asked."""

    def read(context: Context, reader: Reader, node: YamlNode, where: str) -> str | None:
        path = text(context, reader, node, where)
        return context.check(reader, node, path, where, kind, writable) if path is not None else None

    return read


def data(context: Context, reader: Reader, node: YamlNode, where: str) -> Any:
    """Read whatever stands there as plain data."""
    return reader.data(node)


# --- values put together ----------------------------------------------------------------------------------------------


def listed(item: Field) -> Field:
    """Return a reader of a list, as a tuple; items that are wrong are left out."""

    def read(context: Context, reader: Reader, node: YamlNode, where: str) -> tuple[Any, ...] | None:
        if not reader.of_kind(node, SEQUENCE, where):
            return None
        found = [item(context, reader, each, f"{where}[{n}]") for n, each in enumerate(node.items)]
        return tuple(each for each in found if each is not None)

    return read


def named(item: Field) -> Field:
    """Return a reader of a mapping whose keys are free."""

    def read(context: Context, reader: Reader, node: YamlNode, where: str) -> dict[str, Any]:
        entries = reader.mapping(node, where)
        found = {key: item(context, reader, entry.value, f"{where}.{key}") for key, entry in entries.items()}
        return {key: value for key, value in found.items() if value is not None}

    return read


def block(**fields: Field) -> Field:
    """Return a reader of a mapping with these keys; one that is absent is absent from the result."""

    def read(context: Context, reader: Reader, node: YamlNode, where: str) -> dict[str, Any]:
        entries = reader.mapping(node, where, fields)
        found = {key: fields[key](context, reader, entry.value, f"{where}.{key}") for key, entry in entries.items()}
        return {key: value for key, value in found.items() if value is not None}

    return read


# --- keys that need more ----------------------------------------------------------------------------------------------


def _read_only_tables(context: Context, reader: Reader, node: YamlNode, where: str) -> tuple[str, ...]:
    """Read which tables an ACS can neither add to nor delete from."""
    found = []
    for path, place in reader.texts(_alone(node, where), where, "") or []:
        table = context.mounted.tables.get(path)
        if table is None:
            remedy = did_you_mean(path, context.mounted.tables)
            reader.error(place, "unknown-path", f"{where}: there is no table {path!r}", remedy)
        else:
            table.fixed = True
            found.append(path)
    return tuple(found)


def _hidden(context: Context, reader: Reader, node: YamlNode, where: str) -> tuple[str, ...]:
    """Read which parameters read as empty besides those that the standard hides; `{i}` stands for every instance."""
    found = []
    for path, place in reader.texts(_alone(node, where), where, "") or []:
        if "{i}" not in path:
            if context.check(reader, place, path, where) is not None:
                found.append(path)
        elif context.mounted.column(path)[1] is None:
            reader.error(place, "unknown-path", f"{where}: there is no parameter {path!r}")
        else:
            found.append(path)
    return tuple(found)


def _quirks(context: Context, reader: Reader, node: YamlNode, where: str) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Read the quirks that every device of the profile is born with: names, or names with their arguments."""
    if not reader.of_kind(node, SEQUENCE, where):
        return ()
    found: list[tuple[str, Mapping[str, Any]]] = []
    for position, item in enumerate(node.items):
        place = f"{where}[{position}]"
        pairs: list[tuple[str, Mapping[str, Any]]]
        if item.kind is MAPPING:
            pairs = [
                (key.text, {name: reader.data(entry.value) for name, entry in reader.mapping(value, place).items()})
                for key, value in zip(*[iter(item.items)] * 2, strict=True)
            ]
        else:
            name = text(context, reader, item, place)
            pairs = [(name, {})] if name else []
        for name, arguments in pairs:
            refusal = context.refuse_quirk(name, arguments) if context.refuse_quirk is not None else ""
            if refusal:
                reader.error(item, "bad-quirk", f"{place}: {refusal}")
            else:
                found.append((name, arguments))
    return tuple(found)


def _generators(context: Context, reader: Reader, node: YamlNode, where: str) -> tuple[str, ...]:
    """Read generators, of every kind; a path may have `{i}` and then means each instance. Returns their paths."""
    if not reader.of_kind(node, SEQUENCE, where):
        return ()
    found = []
    for place, item, entries in each_mapping(reader, node.items, where, {"path": None, **signal_fields.KEYS}):
        path = reader.text(entries, "path", place)
        if path is None:
            if "path" not in entries:
                reader.error(item, "required-key", f"{place}.path is required")
            continue
        if "{i}" in path:
            targets, column = context.mounted.column(path)
            if column is None:
                reader.error(entries["path"].value, "unknown-path", f"{place}: there is no parameter {path!r}")
                continue
            kind: str = column
        else:
            if context.check(reader, entries["path"].value, path, f"{place}.path") is None:
                continue
            targets, kind = [path], context.mounted.leaves[path].type
        other = next((context.mounted.generated[each] for each in targets if each in context.mounted.generated), None)
        if other is not None:
            message = f"{place}: {path} already has a generator, from {other}"
            reader.error(entries["path"].value, "duplicate-generator", message)
            continue
        generator = generator_fields.read_generator(reader, item, entries, place, kind, signal_fields.KINDS)
        context.mounted.generated.update(dict.fromkeys(targets, place))
        if generator is not None:
            context.generators.update(dict.fromkeys(targets, generator))
            context.mounted.move_column(path, generator)
            found.append(path)
    return tuple(found)


def _range(context: Context, reader: Reader, node: YamlNode, where: str) -> tuple[int, int] | str | None:
    """Read a result of a diagnostic: a text, or [lowest, highest] of a drawn whole number."""
    if node.kind is not SEQUENCE:
        return text(context, reader, node, where)
    found = [whole(-(1 << 31), (1 << 32) - 1)(context, reader, each, where) for each in node.items]
    if len(found) != 2 or found[0] is None or found[1] is None or found[0] > found[1]:
        reader.error(node, "bad-range", f"{where} must be [lowest, highest], two whole numbers")
        return None
    return found[0], found[1]


def _diagnostics(context: Context, reader: Reader, node: YamlNode, where: str) -> dict[str, Any]:
    """Read what comes of diagnostics, by the path of their object."""
    read = named(block(duration=span(), error=text, results=named(_range), when=named(text)))
    found: dict[str, Any] = read(context, reader, node, where)
    for key, entry in reader.mapping(node, where).items():
        if key not in context.mounted.objects:
            remedy = did_you_mean(key, context.mounted.objects)
            reader.error(entry.key, "unknown-path", f"{where}: there is no object {key!r}", remedy)
    return found


def _pattern(context: Context, reader: Reader, node: YamlNode, where: str) -> str | None:
    """Read a regular expression; its first group, or all of it, is the version."""
    found = text(context, reader, node, where)
    try:
        return found if found is None else str(regular(found).pattern)
    except RegularError as error:
        reader.error(node, "bad-pattern", f"{where} is no regular expression: {error}")
        return None


def _app_root(context: Context, reader: Reader, node: YamlNode, where: str) -> str | None:
    """Read an object, of a device's own data model or a new one, below which apps may bring anything."""
    root = text(context, reader, node, where)
    if root is None:
        return None
    problem = path_problem(root.removesuffix("."))
    if problem is None and not root.endswith("."):
        problem = "is no object: it ends in a dot"
    if problem is None and root.count(".") < 2:
        problem = "is everything: nothing that a scenario says would be checked"
    if problem is None and root.removesuffix(".") in context.mounted.leaves:
        problem = "is a parameter"
    if problem is not None:
        reader.error(node, "bad-path", f"{where} {root[:80]!r} {problem}", "name the object that the apps bring")
        return None
    return root


def _app(context: Context, reader: Reader, node: YamlNode, where: str) -> Manifest | None:
    """Read an app manifest, a file beside the profile."""
    name = text(context, reader, node, where)
    if name is None:
        return None
    if Path(name).is_absolute() or ".." in Path(name).parts:
        reader.error(node, "bad-path", f"{where}: {name} is not beside the profile")
        return None
    path = Path(reader.span(node).source).parent / name
    try:
        with path.open("rb") as stream:
            octets = stream.read(MOST_OCTETS + 1)
    except (OSError, ValueError) as error:
        reader.error(node, "unreadable", f"{where}: {name} cannot be read: {error}")
        return None
    found, bag = read_manifest(octets, str(path))
    reader.bag.extend(bag)
    return found


FIELDS: dict[str, Field] = {
    "app_roots": listed(_app_root),
    "apps": listed(_app),
    "cwmp_version": one_of("1.0", "1.1", "1.2", "1.3", "1.4", code="bad-version"),
    "default_active": listed(parameter()),
    "diagnostics": _diagnostics,
    "extends": text,
    "forced_active": listed(parameter()),
    "forced_inform": listed(parameter()),
    "generators": _generators,
    "generators_without": listed(text),
    "hidden": _hidden,
    "http": block(
        connection=one_of("session", "post", "keep"),
        gzip=flag,
        chunked=flag,
        expect_continue=flag,
        nonce=one_of("session", "keep"),
    ),
    "mix": named(whole(1, MOST_WEIGHT)),
    "options": named(block(mode=whole(0), state=whole(0, 2), voucher_sn=whole(0))),
    "overlap": one_of("defer", "drop"),
    "quirks": _quirks,
    "read_only_tables": _read_only_tables,
    "rpcs_without": listed(text),
    "session_timeout": span(least=30 * SECOND),
    "telemetry": data,
    "transfer": block(confirms=flag, fetch=flag, supersede=flag, version_pattern=_pattern),
    "without": listed(text),
}
"""Every key below `x-cpescript` and how it is read."""


def read_extension(context: Context, reader: Reader, node: YamlNode, where: str) -> None:
    """Read `x-cpescript`; each key stands in one file only."""
    for key, entry in reader.mapping(node, where, FIELDS).items():
        if key in context.extension:
            reader.error(entry.key, "duplicate-block", f"{where}.{key} is already declared in another file")
            continue
        value = FIELDS[key](context, reader, entry.value, f"{where}.{key}")
        if value is not None:
            context.extension[key] = value
