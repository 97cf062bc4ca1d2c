"""From the rows of a profile to the parameters of its data model (profile format, 3 and 4).

`parameters`, `objects` and `groups` are three ways to write rows. Rows are read from all files first, then mounted:
instances are made, doubled and clashing paths found, values brought to their wire form.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cpescript.device import generator_fields
from cpescript.device.generators import Generator
from cpescript.device.lexical import DEFAULTS, TYPES, LexicalError, Type, canonical
from cpescript.device.placeholders import every_option, expansion, first_options
from cpescript.device.pools import Pool
from cpescript.device.schema import Leaf, Table, grow
from cpescript.device.yaml_nodes import Entry, Reader, YamlNode, each_mapping
from cpescript.diagnostics import did_you_mean

ROW_KEYS = dict.fromkeys(("path", "type", "value", "writable", "instances", "generator"))
OBJECT_KEYS = dict.fromkeys(("path", "instances", "parameters"))
GROUP_KEYS = dict.fromkeys(("prefix", "parameters"))

MOST_PATH = 512
"""Characters of a path; TR-106 allows 256 for a whole path name."""
MOST_LEAVES = 200_000
"""Parameters of a mounted profile; the largest real data models have some 20,000."""

_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
_XSD: dict[str, Type] = {f"xsd:{each}": each for each in TYPES}
_SUGGESTED = 200
_INSTANCE = re.compile(r"\.\d+\.")


@dataclass(slots=True)
class Row:
    """One row as it was read: `path` without trailing dot, `value` None where none is declared."""

    reader: Reader
    node: YamlNode
    where: str
    path: str
    type: Type
    value: str | None
    writable: bool
    instances: int
    generator: Generator | None
    value_node: YamlNode
    given: frozenset[str] = frozenset()
    """The keys that the row gives."""
    layer: int = 0
    """Which profile it stands in, of those that extend each other; the lowest is 0."""

    def laid_over(self, base: Row) -> Row:
        """Return the row with what it does not give taken from that of the profile that it extends."""
        kept = base.generator if self.type == base.type else None
        return replace(
            self,
            value=self.value if "value" in self.given else base.value,
            value_node=self.value_node if "value" in self.given else base.value_node,
            writable=self.writable if "writable" in self.given else base.writable,
            instances=self.instances if "instances" in self.given else base.instances,
            generator=self.generator if "generator" in self.given else kept,
        )

    @property
    def declared(self) -> str:
        """The declared text, or the default of the type."""
        return DEFAULTS[self.type] if self.value is None else self.value


@dataclass(slots=True)
class Mounted:
    """The data model as it grows. `suspect` are paths whose rows are wrong: nothing more is said about them."""

    leaves: dict[str, Leaf] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    objects: set[str] = field(default_factory=set)
    suspect: set[str] = field(default_factory=set)
    generated: dict[str, str] = field(default_factory=dict)
    """Path of a leaf to where its generator was declared."""

    def column(self, path: str) -> tuple[list[str], Type | None]:
        """Return what a path with `{i}` names: the leaves of the instances there are, and their type.

        The type is None where no table has such a column.
        """
        parent, _, child = path.partition(".{i}.")
        leaf = self._template_leaf(path)
        if leaf is None:
            return [], None
        start = f"{parent}."
        there = [
            each
            for each in self.leaves
            if each.startswith(start)
            and (rest := each[len(start) :].partition("."))[2] == child
            and rest[0].isdecimal()
        ]
        return there, _XSD[f"xsd:{leaf.type}"]

    def move_column(self, path: str, generator: Generator) -> None:
        """Give the instances that will be added to a table a generator too; nothing for a path without `{i}`."""
        leaf = self._template_leaf(path)
        if leaf is not None:
            leaf.generator = generator

    def _template_leaf(self, path: str) -> Leaf | None:
        parent, templated, child = path.partition(".{i}.")
        table = self.tables.get(f"{parent}.") if templated else None
        node = table.template if table is not None else None
        for name in child.split("."):
            node = node.children.get(name) if node is not None else None
        return node.leaf if node is not None else None

    def is_suspect(self, path: str) -> bool:
        """Whether a path belongs to a row that was found wrong, so that its absence is no mistake of its own."""
        return path in self.suspect or re.sub(r"\.\d+\.", ".{i}.", path) in self.suspect

    def suggestion(self, path: str) -> str:
        """Return a remedy that names the parameter that `path` may have meant."""
        parent, _, name = path.rpartition(".")
        near = [
            each
            for each in self.leaves
            if (split := each.rpartition("."))[0] == parent or split[2].lower() == name.lower()
        ]
        # In a large model a few hundred of the same name say nothing, and comparing them all takes its time.
        return did_you_mean(path, near[:_SUGGESTED])


def in_general(path: str) -> str:
    """Return the path of the row that a parameter of an instance comes from: its first number as `{i}`."""
    return _INSTANCE.sub(".{i}.", path, count=1)


def path_problem(path: str) -> str | None:
    """Return what is wrong with a path (without its trailing dot), None where it is fine. `{i}` counts as a segment."""
    if len(path) > MOST_PATH:
        return f"is longer than {MOST_PATH} characters"
    segments = path.split(".")
    for segment in segments:
        if segment == "{i}":
            continue
        if not segment:
            return "has an empty segment" if path else "is empty"
        if "{i}" in segment:
            return "has {i} within a segment: it must be a segment of its own"
        if _SEGMENT.fullmatch(segment) is None:
            return f"has the segment {segment!r}: only letters, digits, '_' and '-' are allowed"
    if segments.count("{i}") > 1:
        return "has {i} twice: a table within a table needs a fixed parent instance"
    if segments[-1] == "{i}":
        return "ends in {i}: a parameter of the instance must follow"
    return "begins with {i}" if segments[0] == "{i}" else None


# --- reading ----------------------------------------------------------------------------------------------------------


class RowReader:
    """Collects the rows of all files of one profile, in order.

    `inherited` are the rows of the profile that this one extends: they say what a row that does not give its type or
    its number of instances means.
    """

    def __init__(self, inherited: Sequence[Row] = ()) -> None:
        self.rows: list[Row] = []
        self.suspect: set[str] = set()
        self.sizes: dict[str, int] = {}
        """The instances that this profile gives to tables, by their path without the dot."""
        self._layer = 1 + max((row.layer for row in inherited), default=-1)
        self._types = {row.path: row.type for row in inherited}
        self._sizes = {
            parent: row.instances
            for row in inherited
            if (parent := row.path.partition(".{i}.")[0]) and parent != row.path
        }

    def parameters(self, reader: Reader, entries: Mapping[str, Entry]) -> None:
        """Read `parameters`."""
        nodes = reader.items(entries, "parameters", "")
        for where, node, row in each_mapping(reader, nodes or [], "parameters", ROW_KEYS):
            instances = reader.integer(row, "instances", where)
            path = self._path(reader, node, row, where)
            if path is None:
                continue
            if "{i}" in path:
                parent = path.partition(".{i}.")[0]
                if "instances" not in row and parent in self._sizes:
                    instances = self._sizes[parent]
                elif "instances" not in row:
                    reader.error(node, "instances-missing", f"{where}: a path with {{i}} needs instances")
                elif instances is not None and instances < 0:
                    reader.error(row["instances"].value, "instances-range", f"{where}.instances must not be negative")
            elif instances:
                reader.error(row["instances"].value, "instances-range", f"{where}.instances needs {{i}} in the path")
            self._row(reader, node, row, where, path, instances or 0)

    def objects(self, reader: Reader, entries: Mapping[str, Entry]) -> None:
        """Read `objects`: tables with their columns."""
        nodes = reader.items(entries, "objects", "")
        for where, node, block in each_mapping(reader, nodes or [], "objects", OBJECT_KEYS):
            instances = reader.integer(block, "instances", where) or 0
            if instances < 0:
                reader.error(block["instances"].value, "instances-range", f"{where}.instances must not be negative")
            prefix = self._prefix(reader, node, block, where, "path")
            if prefix in self._sizes:
                if "instances" in block:
                    self.sizes[prefix] = max(instances, 0)
                else:
                    instances = self._sizes[prefix]
                if "parameters" not in block:
                    continue
            self._children(reader, node, block, where, f"{prefix}.{{i}}" if prefix else None, instances)

    def groups(self, reader: Reader, entries: Mapping[str, Entry]) -> None:
        """Read `groups`: rows with a common prefix."""
        nodes = reader.items(entries, "groups", "")
        for where, node, block in each_mapping(reader, nodes or [], "groups", GROUP_KEYS):
            prefix = self._prefix(reader, node, block, where, "prefix")
            self._children(reader, node, block, where, prefix, 0)

    def _prefix(self, reader: Reader, node: YamlNode, block: Mapping[str, Entry], where: str, key: str) -> str | None:
        text = reader.text(block, key, where)
        if text is None:
            if key not in block:
                reader.error(node, "required-key", f"{where}.{key} is required")
            return None
        problem = path_problem(text)
        if problem is None and "{i}" in text:
            problem = "must not have {i}"
        if problem is not None:
            reader.error(block[key].value, "bad-path", f"{where}.{key} {text[:80]!r} {problem}")
            return None
        return text

    def _children(
        self,
        reader: Reader,
        node: YamlNode,
        block: Mapping[str, Entry],
        where: str,
        prefix: str | None,
        instances: int,
    ) -> None:
        nodes = reader.items(block, "parameters", where)
        if not nodes:
            if "parameters" not in block or nodes is not None:
                reader.error(node, "required-key", f"{where}.parameters must list at least one parameter")
            return
        for child, child_node, row in each_mapping(reader, nodes, f"{where}.parameters", ROW_KEYS):
            if "instances" in row:
                reader.error(row["instances"].key, "instances-range", f"{child} must not have instances of its own")
            path = self._path(reader, child_node, row, child)
            if path is None:
                continue
            if "{i}" in path:
                reader.error(row["path"].value, "bad-path", f"{child}.path must not have {{i}}")
            elif prefix is not None:
                self._row(reader, child_node, row, child, f"{prefix}.{path}", instances)

    def _path(self, reader: Reader, node: YamlNode, row: Mapping[str, Entry], where: str) -> str | None:
        text = reader.text(row, "path", where)
        if text is None:
            if "path" not in row:
                reader.error(node, "required-key", f"{where}.path is required")
            return None
        path = text.removesuffix(".")
        problem = path_problem(path)
        if problem is not None:
            reader.error(row["path"].value, "bad-path", f"{where}.path {text[:80]!r} {problem}")
            return None
        return path

    def _row(
        self, reader: Reader, node: YamlNode, row: Mapping[str, Entry], where: str, path: str, instances: int
    ) -> None:
        kind: Type | None = self._inherited_type(path)
        declared = reader.text(row, "type", where)
        if declared is not None:
            kind = _XSD.get(declared)
        if kind is None or (declared is None and "type" in row):
            if declared is not None:
                remedy = did_you_mean(declared, _XSD) or "one of " + ", ".join(_XSD)
                reader.error(row["type"].value, "bad-type", f"{where}.type: there is no type {declared!r}", remedy)
            self.suspect.add(path)
            return
        value = reader.text(row, "value", where)
        value_node = row["value"].value if "value" in row else node
        if value is None and "value" in row:
            self.suspect.add(path)
        elif value is not None:
            try:
                canonical(kind, first_options(value.replace("{i}", "1") if "{i}" in path else value))
            except LexicalError as error:
                reader.error(value_node, "bad-value", f"{where}.value of {path}: {error}")
                self.suspect.add(path)
                value = None
        generator = None
        if "generator" in row:
            named = f"{where}.generator"
            at = row["generator"].value
            if "{i}" in path and instances == 0:
                reader.error(at, "bad-generator", f"{named}: the table has no instances that it could move")
            fields = reader.mapping(at, named, generator_fields.KEYS)
            generator = generator_fields.read_generator(reader, at, fields, named, kind)
        writable = bool(reader.boolean(row, "writable", where))
        given = frozenset(row)
        if "instances" in row:
            self.sizes[path.partition(".{i}.")[0]] = max(instances, 0)
        self.rows.append(
            Row(
                reader,
                node,
                where,
                path,
                kind,
                value,
                writable,
                max(instances, 0),
                generator,
                value_node,
                given,
                self._layer,
            )
        )

    def stand_still(self, reader: Reader, node: YamlNode, where: str, base: Row) -> None:
        """Have a row of the profile that is extended lose its generator, whatever else this profile gives it."""
        for position, row in enumerate(self.rows):
            if row.path == base.path:
                if row.generator is not None:
                    reader.error(node, "duplicate-generator", f"{where}: {row.path} has a generator in {row.where}")
                self.rows[position] = replace(row, given=row.given | {"generator"})
                return
        given = frozenset({"generator"})
        self.rows.append(
            replace(base, reader=reader, node=node, where=where, generator=None, given=given, layer=self._layer)
        )

    def _inherited_type(self, path: str) -> Type:
        """Return the type of a row that gives none: that of the profile extended, else string."""
        return self._types.get(path) or self._types.get(in_general(path)) or "string"


# --- mounting ---------------------------------------------------------------------------------------------------------


def mount(rows: list[Row], suspect: set[str], pools: Mapping[str, Pool]) -> Mounted:
    """Make the data model of all rows; what clashes is reported and left out."""
    mounted = Mounted(suspect=set(suspect))
    sizes: dict[str, Row] = {}
    for row in rows:
        parent, templated, child = row.path.partition(".{i}.")
        if not templated:
            _mount(mounted, row, row.path, row.declared, pools)
            continue
        first = sizes.setdefault(parent, row)
        if first.instances != row.instances:
            row.reader.error(
                row.node,
                "instances-disagree",
                f"{row.where}: {parent} has {row.instances} instances here, "
                f"{first.instances} in {first.where} ({first.reader.source}:{first.node.line})",
            )
            continue
        table = mounted.tables.get(f"{parent}.")
        if table is None:
            if _clash(mounted, row, f"{parent}.1.x"):
                continue
            table = mounted.tables[f"{parent}."] = Table(f"{parent}.")
            _claim(mounted, f"{parent}.x")
        if len(mounted.leaves) + row.instances > MOST_LEAVES:
            row.reader.error(
                row.node, "too-large", f"{row.where}: the profile has more than {MOST_LEAVES:,} parameters"
            )
            return mounted
        _template(table, row, child)
        for number in range(1, row.instances + 1):
            value = row.declared.replace("{i}", str(number))
            if not _mount(mounted, row, f"{parent}.{number}.{child}", value, pools):
                break
    _set_counts(mounted)
    _warn_of_partial_instances(rows, mounted)
    return mounted


def _warn_of_partial_instances(rows: list[Row], mounted: Mounted) -> None:
    """Say where a row names an instance that the table of the profile extended does not have: it makes one that has
    this parameter, and nothing of the others."""
    columns: dict[str, set[str]] = {}
    sizes: dict[str, int] = {}
    for row in rows:
        parent, templated, child = row.path.partition(".{i}.")
        if templated:
            columns.setdefault(parent, set()).add(child)
            sizes[parent] = row.instances
    made: dict[str, tuple[Row, str, set[str]]] = {}
    for row in rows:
        for found in _INSTANCE.finditer(row.path) if row.layer and row.path in mounted.leaves else ():
            parent, number, child = row.path[: found.start()], found[0][1:-1], row.path[found.end() :]
            if parent in columns and int(number) > sizes[parent]:
                made.setdefault(f"{parent}.{number}.", (row, parent, set()))[2].add(child)
    for path, (row, parent, named) in made.items():
        missing = len(columns[parent] - named)
        if missing:
            has = f"which has {sizes[parent]} instance{'s' * (sizes[parent] != 1)}"
            message = f"{row.where}: {path} lacks {missing} of the parameters of its table, {has}"
            row.reader.warning(row.node, "partial-instance", message, "`instances` in `objects` makes whole ones")


def _template(table: Table, row: Row, child: str) -> None:
    """Add a column to the template of a table. What a filled table refuses, an empty one only warns of (3.3)."""
    node = table.template
    for name in child.split("."):
        below = node.children.get(name)
        if below is None:
            grow(table.template, child, Leaf(child, row.type, row.writable, row.declared, None, row.generator))
            return
        node = below
        if node.leaf is not None:
            break
    if row.instances == 0:
        message = f"{row.where}: {table.path}{{i}}.{child} stands here twice, or as a parameter and an object"
        row.reader.warning(row.node, "duplicate-child", message)


def _claim(mounted: Mounted, path: str) -> None:
    """Note every object that a path lies in."""
    while (path := path.rpartition(".")[0]) and f"{path}." not in mounted.objects:
        mounted.objects.add(f"{path}.")


def _clash(mounted: Mounted, row: Row, path: str) -> bool:
    """Report and return whether a leaf above `path` bars it."""
    parent = path.rpartition(".")[0]
    if f"{parent}." in mounted.objects:
        return False
    while parent:
        if parent in mounted.leaves:
            row.reader.error(
                row.node, "leaf-and-object", f"{row.where}: {row.path} lies below the parameter {parent}", ""
            )
            return True
        parent = parent.rpartition(".")[0]
    return False


def _mount(mounted: Mounted, row: Row, path: str, text: str, pools: Mapping[str, Pool]) -> bool:
    """Add one leaf; return whether that was possible."""
    known = mounted.rows.get(path)
    if known is not None and known.layer < row.layer:
        # One instance of a table of the profile that is extended.
        row = row.laid_over(known)
        text = text if "value" in row.given else mounted.leaves[path].default
    elif known is not None:
        place = f"{known.reader.source}:{known.node.line}"
        row.reader.error(row.node, "duplicate-path", f"{row.where}: {path} is already declared at {place}")
        return False
    elif f"{path}." in mounted.objects:
        row.reader.error(row.node, "leaf-and-object", f"{row.where}: {path} is an object with parameters below it")
        return False
    elif _clash(mounted, row, path):
        return False
    varied = expansion(text, pools)
    if varied is None:
        try:
            text = canonical(row.type, text)
        except LexicalError as error:
            row.reader.error(row.value_node, "bad-value", f"{row.where}.value of {path}: {error}")
            return False
    elif row.type != "string":
        _check_options(row, path, text)
    mounted.leaves[path] = Leaf(path, row.type, row.writable, text, varied, row.generator)
    mounted.rows[path] = row
    if row.generator is not None:
        mounted.generated[path] = row.where
    _claim(mounted, path)
    return True


def _check_options(row: Row, path: str, text: str) -> None:
    for option in every_option(text):
        try:
            canonical(row.type, option)
        except LexicalError as error:
            row.reader.warning(row.value_node, "pick-option", f"{row.where}.value of {path}: {error}")


def _set_counts(mounted: Mounted) -> None:
    """Join each table with the parameter that counts it, and say where the two disagree."""
    sizes: Counter[str] = Counter()
    top = max((row.layer for row in mounted.rows.values()), default=0)
    for each in mounted.objects:
        parent, _, number = each[:-1].rpartition(".")
        sizes[f"{parent}."] += number.isdecimal()
    for table in mounted.tables.values():
        path = table.path[:-1] + "NumberOfEntries"
        leaf = mounted.leaves.get(path)
        if leaf is None or leaf.type != "unsignedInt" or leaf.generator is not None or leaf.expansion is not None:
            continue
        table.count_path = path
        row = mounted.rows[path]
        present = sizes[table.path]
        # A profile on top that changes a table need not count for its base.
        if row.value is not None and row.layer == top and leaf.default != str(present):
            message = f"{row.where}: {path} is declared as {leaf.default}, the table has {present} instances"
            row.reader.warning(row.value_node, "wrong-count", message, "devices report the true number")
