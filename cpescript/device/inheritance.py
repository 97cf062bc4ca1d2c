"""`x-cpescript: extends`: a profile that says only what differs from another one.

Rules, for a profile laid over its base:

1. Rows meet by their path, whichever of `parameters`, `objects` and `groups` they stand in. What the row on top gives
   (`type`, `value`, `writable`, `instances`, `generator`) holds; the rest is the base's. `instances` holds for the
   whole table. A row may also name one instance of a table of the base (`Device.WiFi.SSID.2.SSID`).
2. Blocks meet key by key. Lists are replaced, except `generators` (by `path`) and `diagnostics` (by `statePath`).
3. `x-cpescript: without` names parameters and objects of the base that the device does not have; lists of the base lose
   them too; `generators_without` names those that move in the base and stand still here.
4. A base may have a base. A profile that would be its own base is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from cpescript import libraries
from cpescript.device.rows import Row
from cpescript.device.yaml_nodes import MAPPING, SCALAR, SEQUENCE, Entry, Reader, YamlNode

MOST_LAYERS = 8
"""Profiles that stand on each other; more is no family of devices."""

_KEYED = {"generators": "path", "diagnostics": "statePath"}
"""Lists whose items meet by a key of theirs."""


def find_profile(name: str, near: Path, itself: Path) -> Path | None:
    """Return the profile that `name` means in a file of the folder `near`: a path from there, or a name there or among
    those that ship. A profile never means itself, so that one that ships can be refined under its own name."""
    suffixes = libraries.SUFFIXES["profiles"]
    if "/" in name or name.endswith((".yaml", ".yml")):
        path = near / name
        return path if path.exists() else None
    for suffix in suffixes:
        path = near / f"{name}{suffix}"
        if (path.is_file() if suffix else path.is_dir()) and path.resolve() != itself.resolve():
            return path
    return libraries.find("profiles", name)


# --- rows -------------------------------------------------------------------------------------------------------------


def is_below(path: str, dropped: Collection[str]) -> bool:
    """Whether a path is one of those dropped, or lies in one (an object has its dot)."""
    return any(path == each or (each.endswith(".") and path.startswith(each)) for each in dropped)


def overlay(base: Iterable[Row], over: Iterable[Row], sizes: Mapping[str, int], dropped: Collection[str]) -> list[Row]:
    """Return the rows of a profile laid over those of its base (rules 1 and 3).

    `sizes` are the instances that the profile on top gives to tables, by their path without the dot.
    """
    rows = {row.path: row for row in base if not is_below(row.path, dropped)}
    doubled = []
    for row in over:
        old = rows.get(row.path)
        if old is None:
            rows[row.path] = row
        elif old.layer == row.layer:
            doubled.append(row)
        else:
            rows[row.path] = row.laid_over(old)
    for path, row in rows.items():
        parent, templated, _ = path.partition(".{i}.")
        if templated and parent in sizes and row.instances != sizes[parent]:
            rows[path] = replace(row, instances=sizes[parent])
    return [*rows.values(), *doubled]


# --- blocks -----------------------------------------------------------------------------------------------------------


def _mapping(place: YamlNode, entries: Mapping[str, Entry]) -> YamlNode:
    node = YamlNode(MAPPING, place.line, place.column, place.source)
    node.end_line, node.end_column = place.end_line, place.end_column
    node.items = [each for entry in entries.values() for each in entry]
    return node


def _sequence(place: YamlNode, items: list[YamlNode]) -> YamlNode:
    node = YamlNode(SEQUENCE, place.line, place.column, place.source)
    node.end_line, node.end_column = place.end_line, place.end_column
    node.items = items
    return node


def pruned(node: YamlNode, gone: Callable[[str], bool], reader: Reader) -> YamlNode:
    """Return a node of the base without the list items that name what is gone."""
    if node.kind is SEQUENCE:
        kept = [item for item in node.items if not gone(_path_of(item, reader))]
        return _sequence(node, [pruned(item, gone, reader) for item in kept])
    if node.kind is MAPPING:
        entries = reader.mapping(node, "this mapping")
        return _mapping(node, {key: Entry(key_, pruned(value, gone, reader)) for key, (key_, value) in entries.items()})
    return node


def _path_of(item: YamlNode, reader: Reader) -> str:
    if item.kind is SCALAR:
        return item.text
    if item.kind is not MAPPING:
        return ""
    entries = reader.mapping(item, "this mapping")
    return next((entries[key].value.text for key in _KEYED.values() if key in entries), "")


def merged(reader: Reader, base: YamlNode, over: YamlNode, key: str = "") -> YamlNode:
    """Return the node of a block laid over that of the base (rule 2); `key` is what it stands under."""
    if over.is_null:
        return base
    if base.kind is MAPPING and over.kind is MAPPING:
        entries = reader.mapping(base, key)
        for name, entry in reader.mapping(over, key).items():
            known = entries.get(name)
            entries[name] = entry if known is None else Entry(entry.key, merged(reader, known.value, entry.value, name))
        return _mapping(over, entries)
    if base.kind is SEQUENCE and over.kind is SEQUENCE and key in _KEYED:
        items = {_path_of(item, reader): item for item in base.items}
        fresh = []
        for item in over.items:
            name = _path_of(item, reader)
            if name in items and items[name] in base.items:
                items[name] = merged(reader, items[name], item)
            else:
                fresh.append(item)
        return _sequence(over, [*items.values(), *fresh])
    return over


def combined(reader: Reader, layer: Iterable[Mapping[str, Entry]], leave_out: Collection[str]) -> dict[str, Entry]:
    """Return the blocks of the files of one profile as if they stood in one file; what stands in two is reported."""
    found: dict[str, Entry] = {}
    for entries in layer:
        for key, entry in entries.items():
            known = found.get(key)
            if key in leave_out:
                continue
            if known is None:
                found[key] = entry
            elif key in _KEYED and known.value.kind is SEQUENCE and entry.value.kind is SEQUENCE:
                found[key] = Entry(entry.key, _sequence(known.value, [*known.value.items, *entry.value.items]))
            elif known.value.kind is MAPPING and entry.value.kind is MAPPING and key in _SPREAD:
                inner = reader.mapping(known.value, key)
                for name, each in reader.mapping(entry.value, key).items():
                    if name in inner:
                        message = f"{key}.{name} is already declared in another file"
                        reader.error(each.key, "duplicate-block", message)
                    inner[name] = each
                found[key] = Entry(entry.key, _mapping(known.value, inner))
            else:
                reader.error(entry.key, "duplicate-block", f"{key} is already declared in another file")
    return found


_SPREAD = frozenset({"informParameters", "x-cpescript", "faults"})
"""Mappings that may stand in several files of one profile, each of their keys in one."""


def laid_over(
    reader: Reader, base: Mapping[str, Entry], over: Mapping[str, Entry], gone: Callable[[str], bool]
) -> dict[str, Entry]:
    """Return the blocks of a profile laid over those of its base (rules 2 and 3)."""
    found = {key: Entry(entry.key, pruned(entry.value, gone, reader)) for key, entry in base.items()}
    for key, entry in over.items():
        known = found.get(key)
        found[key] = entry if known is None else Entry(entry.key, merged(reader, known.value, entry.value, key))
    return found


def document(place: YamlNode, entries: Mapping[str, Entry]) -> YamlNode:
    """Return blocks as the top node of a file."""
    return _mapping(place, entries)
