"""App manifests: what a software module adds to the data model of the device it is installed on (profile format, 9).

A manifest is a small profile: a header `app`, then `parameters`, `objects`, `groups` and `generators` with full paths.
Nothing in it differs from device to device.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from cpescript.device import block_fields
from cpescript.device.block_fields import Context
from cpescript.device.rows import RowReader, mount
from cpescript.device.schema import Leaf, Schema, Table
from cpescript.device.yaml_nodes import Entry, Reader, Unreadable, compose
from cpescript.diagnostics import Bag, Span

MOST_OCTETS = 64 * 1024
"""Octets of a manifest: what a device sees of a file that it fetches."""

_HEADER = dict.fromkeys(("name", "version", "vendor", "description", "executionUnit"))
_TOP_LEVEL = dict.fromkeys(("app", "parameters", "objects", "groups", "generators"))
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, eq=False)
class Manifest:
    """An app: its header, and the parameters and tables that it brings."""

    name: str
    version: str
    vendor: str
    description: str
    execution_unit: str
    leaves: Mapping[str, Leaf]
    tables: Mapping[str, Table]
    text: str
    """The whole document."""

    def clash(self, schema: Schema) -> str:
        """Return a path that the app cannot bring, for the data model has it already; empty for none."""
        for path in self.leaves:
            above = [path[:at] for at, character in enumerate(path) if character == "."]
            if path in schema.leaves or f"{path}." in schema.objects or any(each in schema.leaves for each in above):
                return path
        return next((path for path in self.tables if path in schema.tables), "")


def read_manifest(octets: bytes, source: str) -> tuple[Manifest | None, Bag]:
    """Return (manifest, diagnostics) of a document; the manifest is None where an error is among them. Never raises."""
    bag = Bag()
    whole = Span(source, 1, 1, 1, 1)
    if len(octets) > MOST_OCTETS:
        bag.error(whole, "too-large", f"{source} is larger than {MOST_OCTETS >> 10} KiB")
        return None, bag
    try:
        text = octets.decode("utf-8-sig")
        top, _ = compose(text)
    except UnicodeDecodeError as error:
        bag.error(whole, "not-utf-8", f"{source} is not UTF-8: {error.reason}")
        return None, bag
    except Unreadable as error:
        place = Span(source, error.line, error.column, error.line, error.column + 1)
        bag.error(place, error.code, str(error))
        return None, bag
    bag.sources[source] = text
    reader = Reader(source, bag)
    if top is None or top.is_null:
        bag.error(whole, "app-manifest", f"{source} is empty")
        return None, bag
    entries = reader.mapping(top, "the manifest", _TOP_LEVEL)
    header = _header(reader, entries, whole)
    rows = RowReader()
    for section in (rows.parameters, rows.objects, rows.groups):
        section(reader, entries)
    mounted = mount(rows.rows, rows.suspect, {})
    context = Context(mounted)
    block_fields.read_generators(context, reader, entries)
    if not mounted.leaves and not mounted.tables and not bag.failed:
        bag.error(whole, "app-manifest", f"{source} brings no parameter")
    if bag.failed or header is None:
        return None, bag
    for target, generator in context.generators.items():
        old = mounted.leaves[target]
        mounted.leaves[target] = Leaf(target, old.type, old.writable, old.default, old.expansion, generator)
    name, version, vendor, description, unit = header
    return Manifest(name, version, vendor, description, unit or name, mounted.leaves, mounted.tables, text), bag


def _header(reader: Reader, entries: Mapping[str, Entry], whole: Span) -> tuple[str, ...] | None:
    entry = entries.get("app")
    if entry is None:
        reader.bag.error(whole, "app-manifest", f"{whole.source} has no header 'app', so it is no app manifest")
        return None
    fields = reader.mapping(entry.value, "app", _HEADER)
    texts = [reader.text(fields, key, "app") or "" for key in _HEADER]
    if not _NAME.fullmatch(texts[0]):
        reader.error(entry.value, "bad-name", "app.name is required: letters, digits, '.', '_' and '-'")
    if not texts[1] or any(character.isspace() for character in texts[1]):
        reader.error(entry.value, "bad-version", "app.version is required, and has no blanks")
    return tuple(texts)


@lru_cache(maxsize=256)
def grown(schema: Schema, apps: tuple[Manifest, ...]) -> Schema:
    """Return a schema with what these apps bring; devices with the same apps share it."""
    leaves, tables = dict(schema.leaves), dict(schema.tables)
    for app in apps:
        leaves.update(app.leaves)
        tables.update(app.tables)
    return Schema(schema.name, schema.file, leaves, tables, schema.blocks)
