"""Reads a generator's declaration, inline on a row or as an item of `generators` (profile format, 8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from cpescript.device.generators import (
    UINT32,
    Counter,
    Cycle,
    Drift,
    Generator,
    RandomChoice,
    Uptime,
    Wallclock,
)
from cpescript.device.lexical import LexicalError, canonical
from cpescript.device.yaml_nodes import Entry, Reader, YamlNode
from cpescript.diagnostics import did_you_mean

_INT32 = range(-(1 << 31), 1 << 31)


class Fields:
    """One declaration: its entries, how messages call it, the type of the leaf it moves."""

    def __init__(self, reader: Reader, node: YamlNode, entries: Mapping[str, Entry], where: str, target: str) -> None:
        self.reader = reader
        self.node = node
        self.entries = entries
        self.where = where
        self.target = target
        self.interval = 0

    def refuse(self, key: str, message: str) -> None:
        node = self.entries[key].value if key in self.entries else self.node
        self.reader.error(node, "bad-generator", f"{self.where}.{key} {message}")

    def integers(self, *keys: str) -> list[int] | None:
        """Return the required whole numbers, None where one is missing or wrong."""
        found = [self.reader.integer(self.entries, key, self.where) for key in keys]
        for key in keys:
            if key not in self.entries:
                self.refuse(key, "is required")
        numbers = [number for number in found if number is not None]
        return numbers if len(numbers) == len(keys) else None


def _counter(fields: Fields) -> Generator | None:
    numbers = fields.integers("min", "max", "step")
    jitter = fields.reader.number(fields.entries, "jitter", fields.where)
    jitter = 0.0 if jitter is None else jitter
    if not 0 <= jitter <= 1:
        fields.refuse("jitter", f"must lie within 0..1, not {jitter}")
    if numbers is None:
        return None
    low, high, step = numbers
    if low < 0:
        fields.refuse("min", "must not be negative")
    if high > UINT32:
        fields.refuse("max", f"must not be above {UINT32}, the largest xsd:unsignedInt")
    if low >= high:
        fields.refuse("max", f"must be above min: {high} is not above {low}")
    if step < 1:
        fields.refuse("step", "must be at least 1")
    return Counter(fields.interval, low, high, step, int(step * jitter) if 0 <= jitter <= 1 else 0)


def _drift(fields: Fields) -> Generator | None:
    numbers = fields.integers("min", "max", "stepMax")
    if numbers is None:
        return None
    low, high, step = numbers
    if low >= high:
        fields.refuse("max", f"must be above min: {high} is not above {low}")
    if step < 1:
        fields.refuse("stepMax", "must be at least 1")
    if low not in _INT32 or high not in _INT32:
        fields.reader.warning(fields.node, "drift-band", f"{fields.where}: the band goes beyond xsd:int")
    return Drift(fields.interval, low, high, step)


def _enum(fields: Fields) -> Generator | None:
    reader, where = fields.reader, fields.where
    texts = reader.texts(fields.entries, "values", where)
    mode = reader.text(fields.entries, "mode", where)
    if mode is not None and mode not in ("cycle", "random"):
        fields.refuse("mode", f"must be cycle or random, not {mode!r}")
    if not texts:
        if "values" not in fields.entries or texts is not None:
            fields.refuse("values", "must list at least one value")
        return None
    values = []
    for text, node in texts:
        try:
            values.append(canonical(fields.target, text))
        except LexicalError as error:
            reader.error(node, "bad-generator", f"{where}.values: {error}")
    kind = RandomChoice if mode == "random" else Cycle
    return kind(fields.interval, tuple(values)) if values else None


class Kind(NamedTuple):
    """A kind of generator: the types of leaf that it can move, its keys, and what reads them."""

    targets: tuple[str, ...]
    knobs: tuple[str, ...]
    read: Callable[[Fields], Generator | None]


KINDS: dict[str, Kind] = {
    "counter": Kind(("unsignedInt",), ("min", "max", "step", "jitter"), _counter),
    "drift": Kind(("int",), ("min", "max", "stepMax"), _drift),
    "enum": Kind(("string", "boolean"), ("values", "mode"), _enum),
    "uptime": Kind(("unsignedInt",), (), lambda fields: Uptime(fields.interval)),
    "wallclock": Kind(("dateTime",), (), lambda fields: Wallclock(fields.interval)),
}
"""The kinds that the profile format has."""

KEYS = dict.fromkeys(("type", "interval", *(knob for kind in KINDS.values() for knob in kind.knobs)))


def read_generator(
    reader: Reader,
    node: YamlNode,
    entries: Mapping[str, Entry],
    where: str,
    target: str,
    kinds: Mapping[str, Kind] = KINDS,
) -> Generator | None:
    """Return the generator for a leaf of type `target`; None, with the reasons reported, where it cannot be."""
    kind = reader.text(entries, "type", where)
    interval = reader.duration(entries, "interval", where, least=1)
    if "interval" not in entries:
        reader.error(node, "bad-generator", f"{where}.interval is required")
    if kind is None or kind not in kinds:
        at = entries["type"].value if "type" in entries else node
        message = f"{where}.type must be one of {', '.join(kinds)}"
        reader.error(at, "bad-generator", message, did_you_mean(kind, kinds) if kind else "")
        return None
    if target not in kinds[kind].targets:
        wanted = " or ".join(f"xsd:{each}" for each in kinds[kind].targets)
        reader.error(node, "generator-target", f"{where}: {kind} moves a leaf of type {wanted}, not xsd:{target}")
        return None
    for key in entries:
        if key not in (*kinds[kind].knobs, "path", "type", "interval"):
            reader.warning(entries[key].key, "stray-knob", f"{where}: {kind} does not use {key}")
    fields = Fields(reader, node, entries, where, target)
    fields.interval = interval or 1
    return kinds[kind].read(fields)
