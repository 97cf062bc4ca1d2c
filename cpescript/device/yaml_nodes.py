"""Reads YAML into nodes that keep their text and their place, and reads fields out of them by the type that is wanted.

A profile's `value: 0123` is the text "0123" and `value: true` the text "true", so a loader that decides what a scalar
is before it knows where it goes would be wrong. Here nothing is resolved: the C parser's events become nodes, and
each field is read from its node's text (profile format, 1).

Bounds for hostile documents: octets, depth, and nodes counted as if every alias were written out. Nodes are made in a
loop, not by recursion.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from cpescript.device.durations import parse_go_duration
from cpescript.diagnostics import Bag, Span, did_you_mean

MOST_OCTETS = 16 << 20
"""A profile with 5,000 parameters is half a mebioctet."""
MOST_DEPTH = 64
"""The format itself needs seven levels."""
MOST_NODES = 500_000
"""A profile with 5,000 parameters has about 60,000."""
MOST_PROBLEMS = 1_000
"""Past it a file is no profile with mistakes, but something else."""

SCALAR, SEQUENCE, MAPPING = "a single value", "a list", "a mapping"

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_YES = frozenset({"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"})
_NO = frozenset({"n", "N", "no", "No", "NO", "off", "Off", "OFF"})
_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o[0-7_]+|[0-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 64


class YamlNode:
    """A scalar (`text`, `plain` where unquoted), a list (`items`) or a mapping (`pairs`, keys before values)."""

    __slots__ = ("column", "end_column", "end_line", "items", "kind", "line", "plain", "source", "text")

    def __init__(self, kind: str, line: int, column: int, source: str = "") -> None:
        self.kind = kind
        self.source = source
        """The file that the node stands in, where that is another than its reader's (`extends`)."""
        self.line = line
        self.column = column
        self.end_line = line
        self.end_column = column
        self.text = ""
        self.plain = False
        self.items: list[YamlNode] = []

    @property
    def is_null(self) -> bool:
        return self.kind is SCALAR and self.plain and self.text in _NULLS


class Entry(NamedTuple):
    """One pair of a mapping."""

    key: YamlNode
    value: YamlNode


class Unreadable(Exception):
    """A document is no YAML, or goes beyond the bounds. `line` and `column` are where, from 1."""

    def __init__(self, code: str, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.code = code
        self.line = line
        self.column = column


def compose(text: str, source: str = "") -> tuple[YamlNode | None, tuple[int, int] | None]:
    """Return (the first document, where a second one begins); None for what is not there. Raises Unreadable.

    `source` is noted in each node, for documents that are read together with another.
    """
    try:
        parser = yaml.CSafeLoader(text)
    except yaml.YAMLError as error:  # Characters that YAML does not have are found at once.
        raise _unreadable(error) from None
    try:
        parser.get_event()
        if not parser.check_event(yaml.DocumentStartEvent):
            return None, None
        parser.get_event()
        root = _compose_document(parser, source)
        parser.get_event()
        try:
            second = parser.get_event() if parser.check_event(yaml.DocumentStartEvent) else None
        except yaml.YAMLError:
            second = None  # What follows the first document is not read, so its mistakes are none of ours.
        mark = second.start_mark if second is not None else None
        return root, (mark.line + 1, mark.column + 1) if mark is not None else None
    except yaml.YAMLError as error:
        raise _unreadable(error) from None
    finally:
        parser.dispose()


def _unreadable(error: yaml.YAMLError) -> Unreadable:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    parts = (getattr(error, "context", None), getattr(error, "problem", None) or getattr(error, "reason", None))
    why = ": ".join(part for part in parts if part) or "cannot be read"
    place = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return Unreadable("yaml-syntax", f"this is no YAML: {why}", *place)


def _compose_document(parser: Any, source: str) -> YamlNode:
    """Make the nodes of one document from the parser's events."""
    anchors: dict[str, tuple[YamlNode, int]] = {}
    open_anchors: dict[int, str] = {}
    stack: list[tuple[YamlNode, int]] = []
    nodes = 0
    while True:
        event = parser.get_event()
        kind = type(event)
        mark = event.start_mark
        if kind is yaml.AliasEvent:
            known = anchors.get(event.anchor)
            if known is None:
                why = "is used inside itself" if event.anchor in open_anchors.values() else "is not defined before it"
                raise Unreadable("yaml-alias", f"alias *{event.anchor} {why}", mark.line + 1, mark.column + 1)
            node, size = known
            nodes += size
        elif kind is yaml.ScalarEvent:
            node = YamlNode(SCALAR, mark.line + 1, mark.column + 1, source)
            node.text = event.value
            node.plain = event.implicit[0]
            node.end_line, node.end_column = event.end_mark.line + 1, event.end_mark.column + 1
            nodes += 1
            if event.anchor is not None:
                anchors[event.anchor] = node, 1
        elif kind is yaml.SequenceStartEvent or kind is yaml.MappingStartEvent:
            form = SEQUENCE if kind is yaml.SequenceStartEvent else MAPPING
            node = YamlNode(form, mark.line + 1, mark.column + 1, source)
            if event.anchor is not None:
                open_anchors[id(node)] = event.anchor
                anchors.pop(event.anchor, None)
            stack.append((node, nodes))
            nodes += 1
            if len(stack) > MOST_DEPTH:
                raise Unreadable(
                    "yaml-depth", f"nested more than {MOST_DEPTH} levels deep", mark.line + 1, mark.column + 1
                )
            continue
        else:  # The end of a list or mapping.
            node, before = stack.pop()
            node.end_line, node.end_column = event.end_mark.line + 1, event.end_mark.column + 1
            anchor = open_anchors.pop(id(node), None)
            if anchor is not None:
                anchors[anchor] = node, nodes - before
        if nodes > MOST_NODES:
            raise Unreadable(
                "yaml-size", f"more than {MOST_NODES:,} values, aliases counted", mark.line + 1, mark.column + 1
            )
        if not stack:
            return node
        stack[-1][0].items.append(node)


class Reader:
    """Reads fields of one file and reports what is wrong with them. `source` names the file in diagnostics.

    Every method that reads a field returns None where the key is absent, null or wrong; what is wrong is reported.
    `where` is the field as a message names it (`fleet.count`).
    """

    def __init__(self, source: str, bag: Bag) -> None:
        self.source = source
        self.bag = bag

    def span(self, node: YamlNode) -> Span:
        """Return where a node stands; a list or mapping over several lines is shown by its first line."""
        source = node.source or self.source
        if node.end_line != node.line:
            return Span(source, node.line, node.column, node.line, node.column + 1)
        return Span(source, node.line, node.column, node.end_line, node.end_column)

    def error(self, node: YamlNode, code: str, message: str, remedy: str = "") -> None:
        if self.overwhelmed:
            return
        self.bag.error(self.span(node), code, message, remedy)
        if len(self.bag) == MOST_PROBLEMS:
            self.bag.error(self.span(node), "too-many", f"more than {MOST_PROBLEMS:,} problems: no more are listed")

    def warning(self, node: YamlNode, code: str, message: str, remedy: str = "") -> None:
        if not self.overwhelmed:
            self.bag.warning(self.span(node), code, message, remedy)

    @property
    def overwhelmed(self) -> bool:
        """Whether so much was reported that nothing more is."""
        return len(self.bag) >= MOST_PROBLEMS

    def of_kind(self, node: YamlNode, kind: str, where: str) -> bool:
        """Whether a node is of that kind; reported where it is not."""
        if node.kind is not kind:
            self.error(node, "wrong-type", f"{where} must be {kind}, this is {node.kind}")
            return False
        return True

    # --- mappings and lists ---------------------------------------------------------------------------------------

    def mapping(
        self, node: YamlNode, where: str, known: Mapping[str, object] | None = None, also: Collection[str] = ()
    ) -> dict[str, Entry]:
        """Return the entries of a mapping without those that are null; unknown and doubled keys are reported.

        `known` None takes any key; keys of `also` are taken, and recommended to nobody. What is no mapping is reported
        and gives nothing.
        """
        if node.is_null or not self.of_kind(node, MAPPING, where):
            return {}
        found: dict[str, Entry] = {}
        merged: list[YamlNode] = []
        pairs = iter(node.items)
        for key, value in zip(pairs, pairs, strict=True):
            if not self.of_kind(key, SCALAR, "a key"):
                continue
            if key.text == "<<" and key.plain:
                merged.append(value)
            elif key.text in found:
                self.error(key, "duplicate-key", f"{where}: {key.text} stands here twice")
            else:
                found[key.text] = Entry(key, value)
        for value in merged:
            self._merge(value, where, found)
        if known is not None:
            for name in [name for name in found if name not in known and name not in also]:
                key = found.pop(name).key
                remedy = f"{did_you_mean(name, known)} known here: {', '.join(sorted(known))}".lstrip()
                self.error(key, "unknown-key", f"{where} has no key {name!r}", remedy)
        return {name: entry for name, entry in found.items() if not entry.value.is_null}

    def _merge(self, node: YamlNode, where: str, found: dict[str, Entry]) -> None:
        """Add what a merge key brings; keys that are there already win, of several mappings the first."""
        for source in node.items if node.kind is SEQUENCE else [node]:
            if not self.of_kind(source, MAPPING, f"{where}: what << merges"):
                continue
            pairs = iter(source.items)
            for key, value in zip(pairs, pairs, strict=True):
                if key.kind is SCALAR and not (key.text == "<<" and key.plain):
                    found.setdefault(key.text, Entry(key, value))
                elif key.kind is SCALAR:
                    self._merge(value, where, found)

    def items(self, entries: Mapping[str, Entry], key: str, where: str) -> list[YamlNode] | None:
        """Return the nodes of a list field."""
        entry = entries.get(key)
        if entry is None or not self.of_kind(entry.value, SEQUENCE, _named(where, key)):
            return None
        return entry.value.items

    # --- scalars --------------------------------------------------------------------------------------------------

    def _scalar(self, entries: Mapping[str, Entry], key: str, where: str) -> YamlNode | None:
        entry = entries.get(key)
        return entry.value if entry is not None and self.of_kind(entry.value, SCALAR, _named(where, key)) else None

    def text(self, entries: Mapping[str, Entry], key: str, where: str) -> str | None:
        """Return the literal text of a string field."""
        node = self._scalar(entries, key, where)
        return node.text if node is not None else None

    def texts(self, entries: Mapping[str, Entry], key: str, where: str) -> list[tuple[str, YamlNode]] | None:
        """Return the literal texts of a list of strings, each with its node."""
        nodes = self.items(entries, key, where)
        if nodes is None:
            return None
        where = _named(where, key)
        return [("" if node.is_null else node.text, node) for node in nodes if self.of_kind(node, SCALAR, where)]

    def boolean(self, entries: Mapping[str, Entry], key: str, where: str) -> bool | None:
        """Return a yes-or-no field: true and false unquoted, yes, no, on, off, y, n also quoted."""
        node = self._scalar(entries, key, where)
        if node is None:
            return None
        if node.text in _YES or (node.plain and node.text in _TRUE):
            return True
        if node.text in _NO or (node.plain and node.text in _FALSE):
            return False
        self.error(node, "not-a-boolean", f"{_named(where, key)} must be true or false, without quotes")
        return None

    def integer(self, entries: Mapping[str, Entry], key: str, where: str) -> int | None:
        """Return a whole-number field: decimal, 0x, 0o, 0b, underscores; a fraction is cut off with a warning."""
        node = self._scalar(entries, key, where)
        if node is None:
            return None
        number = _number(node)
        if number is None or abs(number) >= 1 << 63:
            self.error(node, "not-an-integer", f"{_named(where, key)} must be a whole number, without quotes")
            return None
        if number != int(number):
            cut = int(number)
            self.warning(node, "fraction-cut", f"{_named(where, key)}: {node.text} is read as {cut}", f"write {cut}")
        return int(number)

    def number(self, entries: Mapping[str, Entry], key: str, where: str) -> float | None:
        """Return a number field."""
        node = self._scalar(entries, key, where)
        if node is None:
            return None
        number = _number(node)
        if number is None:
            self.error(node, "not-a-number", f"{_named(where, key)} must be a number, without quotes")
        return float(number) if number is not None else None

    def duration(self, entries: Mapping[str, Entry], key: str, where: str, least: int | None = None) -> int | None:
        """Return a duration field in nanoseconds, at least `least` where that is given."""
        node = self._scalar(entries, key, where)
        if node is None:
            return None
        try:
            duration = parse_go_duration(node.text)
        except ValueError as error:
            self.error(node, "not-a-duration", f"{_named(where, key)}: {error}", "write 30s, 5m or 1h30m")
            return None
        if least is not None and duration < least:
            bound = "must not be negative" if least == 0 else "must be longer than 0"
            self.error(node, "duration-range", f"{_named(where, key)}: {node.text} {bound}")
            return None
        return duration

    # --- anything -------------------------------------------------------------------------------------------------

    def data(self, node: YamlNode) -> Any:
        """Return a node as plain data: dict, list, bool, int, float, str or None, by the look of unquoted texts."""
        if node.kind is MAPPING:
            return {key: self.data(entry.value) for key, entry in self.mapping(node, "this mapping").items()}
        if node.kind is SEQUENCE:
            return [self.data(item) for item in node.items]
        if node.is_null:
            return None
        if node.plain and node.text in _TRUE | _FALSE:
            return node.text in _TRUE
        number = _number(node)
        return node.text if number is None else number


def _named(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


_BASES: tuple[tuple[str, int], ...] = (("0x", 16), ("0o", 8), ("0b", 2), ("0", 8), ("", 10))


def _number(node: YamlNode) -> int | float | None:
    """Return the number that an unquoted text is, None where it is none. A leading zero means octal, as in YAML 1.1."""
    text = node.text
    if not node.plain or len(text) > _LONGEST_NUMBER:
        return None
    if _INTEGER.fullmatch(text):
        sign, digits = (-1 if text[0] == "-" else 1), text.lstrip("+-").replace("_", "")
        prefix, base = next(pair for pair in _BASES if digits.startswith(pair[0]))
        try:
            return sign * int(digits[len(prefix) :] or "0", base)
        except ValueError:
            pass  # 08 is no octal number: decimal then.
    return float(text.replace("_", "")) if _FLOAT.fullmatch(text) else None


def each_mapping(
    reader: Reader, nodes: list[YamlNode], where: str, known: Mapping[str, object]
) -> Iterator[tuple[str, YamlNode, dict[str, Entry]]]:
    """Yield (its name in messages, its node, its entries) for each mapping of a list; null counts as an empty one."""
    for position, node in enumerate(nodes):
        name = f"{where}[{position}]"
        if node.is_null or reader.of_kind(node, MAPPING, name):
            yield name, node, reader.mapping(node, name, known)
