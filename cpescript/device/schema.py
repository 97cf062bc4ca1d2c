"""The compiled data model of a profile, shared by all its devices and never changed by any of them.

A tree of nodes says what exists; beside it stand flat tables that make the common questions one look-up: `leaves`,
`constants` (the values that are the same for every device), and the whole model in the order in which it is reported
(objects before what they hold, children in the order of the profile, instances ascending).

A table knows its declared instances and its template: the leaves of an instance yet to be made, with relative paths
and with a literal `{i}` in values that carry the instance number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from cpescript.device import standard
from cpescript.device.blocks import Blocks
from cpescript.device.generators import Generator, path_key
from cpescript.device.lexical import LexicalError, canonical
from cpescript.device.placeholders import Expansion, PlaceholderError, SerialPattern, expansion

SERIAL_LENGTH = 64
"""Octets that a serial number may have (CWMP DeviceIdStruct, TR-069 Annex A: string(64))."""

_MOST_MADE = 20_000
"""Leaves of added instances that are kept ready, shared by all devices; past it they are made anew (2 MB)."""

_TYPED_PICKS_CHECKED = 1_000
"""Devices whose typed placeholder values `problems` works out; a pick list is never longer in earnest."""


class Leaf:
    """One parameter: its full path, type, access and declared value (canonical, placeholders unexpanded).

    `expansion` is set where the value differs from device to device, `generator` where it moves; `key` tells the
    generator's draws apart.
    """

    __slots__ = ("default", "expansion", "generator", "key", "path", "type", "writable")

    def __init__(
        self,
        path: str,
        kind: str,
        writable: bool,
        default: str,
        expansion: Expansion | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.path = path
        self.type = kind
        self.writable = writable
        self.default = default
        self.expansion = expansion
        self.generator = generator
        self.key = path_key(path) if generator is not None else 0

    def __repr__(self) -> str:
        return f"Leaf({self.path!r}, {self.type!r}, writable={self.writable})"


class Node:
    """A place in the tree. A leaf has `leaf`; an object has `children` by name; a table also has `table`."""

    __slots__ = ("children", "leaf", "path", "table")

    def __init__(self, path: str, leaf: Leaf | None = None) -> None:
        self.path = path
        """With its trailing dot for an object; relative to the instance within a template."""
        self.leaf = leaf
        self.children: dict[str, Node] = {}
        self.table: Table | None = None

    def ordered(self) -> Iterable[Node]:
        """The children as they are reported: in the order of the profile, a table's instances ascending."""
        if self.table is None:
            return self.children.values()
        return [self.children[name] for name in sorted(self.children, key=_instance_order)]


def _instance_order(name: str) -> tuple[int, int, str]:
    return (0, int(name), "") if name.isdecimal() else (1, 0, name)


class Table:
    """A multi-instance object. `declared` are the instances that the profile has, ascending."""

    __slots__ = ("count_path", "declared", "fixed", "path", "template")

    def __init__(self, path: str) -> None:
        self.path = path
        self.template = Node("")
        self.declared: tuple[int, ...] = ()
        self.fixed = False
        """Whether an ACS can neither add nor delete instances."""
        self.count_path: str | None = None
        """The sibling `…NumberOfEntries`, where the profile has it."""


def split_path(path: str) -> list[str]:
    """Return the segments of a path, without the empty one behind a trailing dot."""
    return (path[:-1] if path.endswith(".") else path).split(".")


def grow(root: Node, path: str, leaf: Leaf | None = None) -> Node:
    """Return the node of `path` below `root`, made with all objects above it where they are missing."""
    node = root
    segments = split_path(path)
    prefix = root.path
    last = len(segments) - 1
    for position, segment in enumerate(segments):
        child = node.children.get(segment)
        if child is None:
            is_leaf = leaf is not None and position == last
            child = node.children[segment] = Node(f"{prefix}{segment}" if is_leaf else f"{prefix}{segment}.")
            if is_leaf:
                child.leaf = leaf
        node = child
        prefix = node.path
    return node


def _planted(leaves: Mapping[str, Leaf], tables: Mapping[str, Table]) -> Node:
    """Return the tree of these leaves and tables; the tables learn which instances they have."""
    tree = Node("")
    for leaf in leaves.values():
        grow(tree, leaf.path, leaf)
    for table in tables.values():
        node = grow(tree, table.path)
        node.table = table
        table.declared = tuple(sorted(int(name) for name in node.children if name.isdecimal()))
    return tree


class Schema:
    """A compiled profile. Everything here is read-only once it is made."""

    def __init__(
        self,
        name: str,
        file: str,
        leaves: Mapping[str, Leaf],
        tables: Mapping[str, Table],
        blocks: Blocks,
    ) -> None:
        self.name = name
        self.file = file
        self.leaves = dict(leaves)
        self.tables = dict(tables)
        self.blocks = blocks

        self.device_id = blocks.device_id
        self.inform_parameters = blocks.inform_parameters
        self.periodic = blocks.periodic
        self.acs_credentials = blocks.acs_credentials
        self.connection_request = blocks.connection_request
        self.transfer = blocks.transfer
        self.event_schedule = blocks.event_schedule
        self.fleet = blocks.fleet
        self.software_modules = blocks.software_modules
        self.link_fault = blocks.link_fault
        self.diagnostics = blocks.diagnostics
        self.extension = blocks.extension
        self.later = blocks.later
        self.quirks: tuple[tuple[str, Mapping[str, Any]], ...] = blocks.extension.get("quirks", ())

        self.tree = _planted(self.leaves, self.tables)
        self._apps = tuple(_planted(app.leaves, app.tables) for app in blocks.extension.get("apps", ()))
        """What the apps that the profile knows would bring, a tree each: a scenario may speak of it."""
        self._app_roots = tuple(blocks.extension.get("app_roots", ()))
        """Objects below which apps that the profile does not know may bring anything."""

        first = self.device_id.manufacturer if self.device_id else next(iter(self.leaves), "")
        self.root = first.split(".", 1)[0] + "." if first else ""
        self.management_server = self.root + standard.MANAGEMENT_SERVER
        self.acs_url = self._own(standard.ACS_URL)
        self.connection_request_url = self._own(standard.CONNECTION_REQUEST_URL)
        self.lightweight = self._own(standard.LIGHTWEIGHT) is not None
        """Whether a parameter may have a lightweight notification."""
        self.serial_path = self.device_id.serial_number if self.device_id else None
        self._serial = (
            SerialPattern(self.fleet.serial_pattern, self.leaves[self.serial_path].default, self.fleet.pools)
            if self.serial_path is not None
            else None
        )

        moving = {self.acs_url, self.connection_request_url, self.serial_path}
        # Path to value, for every leaf that is the same on every untouched device.
        self.constants: dict[str, str] = {
            leaf.path: leaf.default
            for leaf in self.leaves.values()
            if leaf.generator is None and leaf.expansion is None and leaf.path not in moving
        }
        for table in self.tables.values():
            if table.count_path is not None and table.count_path in self.constants:
                self.constants[table.count_path] = str(len(table.declared))

        self.objects: dict[str, Node] = {"": self.tree}
        self._names: list[tuple[str, bool]] = []
        self._paths: list[str] = []
        self._extent: dict[str, tuple[int, int, int, int]] = {}
        self._lay_out(self.tree, True)
        self._made: dict[str, Leaf] = {}

        self._hidden_names = standard.HIDDEN.get(self.root, frozenset())
        self._hidden_here = frozenset(self._declared_hidden())
        self.hidden = frozenset(path for path in self.leaves if self.hides(path))
        """The declared parameters that read as empty."""

        self.forced_inform = tuple(dict.fromkeys(self._forced_inform()))
        own = blocks.extension
        self.forced_active = frozenset(chain(self._existing(standard.FORCED_ACTIVE), own.get("forced_active", ())))
        self.default_active = frozenset(
            chain(self._existing(standard.DEFAULT_ACTIVE), self._default_connection(), own.get("default_active", ()))
        )
        notified = self.forced_active | self.default_active
        self.active = tuple(path for path in self.leaves if path in notified)
        """The parameters whose notification is active until somebody changes it, in the order of the profile."""
        self.notified_moving = any(self.leaves[path].generator is not None for path in self.active)

    # --- how it is made -------------------------------------------------------------------------------------------

    def _own(self, name: str) -> str | None:
        path = self.management_server + name
        return path if path in self.leaves else None

    def _existing(self, names: Iterable[str]) -> Iterator[str]:
        return (self.root + name for name in names if self.root + name in self.leaves)

    def _forced_inform(self) -> Iterator[str]:
        yield from self._existing(standard.FORCED_INFORM.get(self.root, ()))
        yield from self._default_connection()
        yield from self.extension.get("forced_inform", ())

    def _declared_hidden(self) -> Iterator[str]:
        """What the profile itself says is a password: paths, generic where they are those of a table."""
        for credentials in (self.acs_credentials, self.connection_request.credentials):
            if credentials is not None:
                yield credentials.password
        yield from self.extension.get("hidden", ())

    def hides(self, path: str) -> bool:
        """Whether an ACS reads a parameter as empty, whatever its value (TR-106: hidden)."""
        if path in self._hidden_here:
            return True
        name = standard.generic(path)
        return name in self._hidden_here or name[len(self.root) :] in self._hidden_names

    def _default_connection(self) -> Iterator[str]:
        """The external address of the default WAN connection, where the root's data model forces one."""
        rule = standard.DEFAULT_CONNECTION.get(self.root)
        if rule is None:
            return
        named, (wan, device, services), leaf = rule
        service = self.constants.get(self.root + named, "").rstrip(".")
        if service:
            candidates = [f"{service}."]
        else:
            chains = [[wan, device, each, ""] for each in services]
            candidates = [path for path in self.objects if path[len(self.root) :].split(".")[0::2] in chains]
        yield from [path + leaf for path in candidates if path + leaf in self.leaves][:1]

    def _lay_out(self, node: Node, deletable: bool) -> None:
        """Write down a node and what it holds. `deletable` says whether it is an instance that an ACS can delete."""
        start = len(self._names), len(self._paths)
        table = node.table
        open_table = table is not None and not table.fixed
        if node.path:
            self._names.append((node.path, open_table or deletable))
        for child in node.ordered():
            if child.leaf is not None:
                self._names.append((child.path, child.leaf.writable))
                self._paths.append(child.path)
            else:
                self.objects[child.path] = child
                self._lay_out(child, open_table)
        self._extent[node.path] = (start[0], len(self._names), start[1], len(self._paths))

    # --- what devices ask -----------------------------------------------------------------------------------------

    def all_below(self, prefix: str) -> list[tuple[str, bool]]:
        """Return (name, writable) of an object and everything in it, as declared. Raises KeyError."""
        first, last, _, _ = self._extent[prefix]
        return self._names[first:last]

    def leaves_below(self, prefix: str) -> list[str]:
        """Return the paths of all leaves in an object, as declared. Raises KeyError."""
        _, _, first, last = self._extent[prefix]
        return self._paths[first:last]

    def added(self, path: str) -> tuple[Table, int, Node] | None:
        """Return (table, instance, node of the template) for a path within an instance that may be added, else None.

        Whether the instance exists on a device is the device's knowledge.
        """
        segments = split_path(path)
        for position in range(len(segments) - 1, 0, -1):
            segment = segments[position]
            if not (segment.isdecimal() and segment.isascii()) or (len(segment) > 1 and segment[0] == "0"):
                continue
            table = self.tables.get(".".join(segments[:position]) + ".")
            if table is None or len(segment) > 10:
                continue
            node: Node | None = table.template
            for name in segments[position + 1 :]:
                node = node.children.get(name) if node is not None else None
            if node is None or (node.leaf is None) is not path.endswith("."):
                return None
            return table, int(segment), node
        return None

    def added_leaf(self, table: Table, number: int, node: Node) -> Leaf:
        """Return the leaf of an added instance, made from its template."""
        template = node.leaf
        assert template is not None
        path = f"{table.path}{number}.{template.path}"
        leaf = self._made.get(path)
        if leaf is None:
            if len(self._made) >= _MOST_MADE:
                self._made.clear()
            text = template.default.replace("{i}", str(number))
            try:
                text = canonical(template.type, text)
            except LexicalError:
                pass  # A typed pick: its options are made canonical when one is taken.
            leaf = self._made[path] = Leaf(
                path, template.type, template.writable, text, expansion(text, self.fleet.pools), template.generator
            )
        return leaf

    def serial(self, index: int, seed: int, prefix: str = "") -> str:
        """Return the serial number of the device with this global index. Raises PlaceholderError."""
        return prefix + self._serial.text_for(index, seed) if self._serial is not None else prefix

    # --- what a fleet asks ----------------------------------------------------------------------------------------

    @property
    def parts(self) -> tuple[Schema, ...]:
        """The models that a fleet of this profile is made of, as `Mix` has them."""
        return (self,)

    def assigned(self, count: int, stream: int) -> Sequence[Schema]:
        """Return the model of each of `count` devices, as `Mix` does by its weights."""
        return (self,) * count

    # --- what the checker asks ------------------------------------------------------------------------------------

    def path_exists(self, path: str) -> bool:
        """Whether a path names a leaf or (with its dot) an object of the model, or of an app that the profile knows, or
        could be one of an app that it does not know.

        Any instance number of a table is taken; `*` stands for any instance.
        """
        return any(True for _ in self._matching(path)) or path.startswith(self._app_roots)

    def type_of(self, path: str) -> str | None:
        """Return the type of the leaf that a path names (`*` as above), None for an object or nothing."""
        return next((node.leaf.type for node in self._matching(path) if node.leaf is not None), None)

    def all_names(self) -> Iterator[str]:
        """Yield every path of the model and of its apps, objects with their dot; a table without instances shows
        instance 1."""
        for name, _ in self._names:
            yield name
        for app in self._apps:
            yield from (name for name in _below(app) if name not in self.objects)
        for table in self.tables.values():
            if not table.declared:
                yield from (f"{table.path}1.{name}" for name in _below(table.template))

    def _matching(self, path: str) -> Iterator[Node]:
        if path in self.leaves or (path in self.objects and path):
            yield grow(self.tree, path)
            return
        segments = split_path(path)
        for tree in (self.tree, *self._apps):
            yield from _match(tree, segments, 0, path.endswith("."))

    # --- what a run asks ------------------------------------------------------------------------------------------

    def problems(self, first: int, last: int, seed: int = 0, serial_prefix: str = "") -> list[str]:
        """Return why devices with global indices `first`..`last` cannot be made of this profile; mostly nothing.

        Pools and widths that do not reach, serial numbers that are too long, typed placeholders whose value does not
        fit: what the format leaves to the start of a run.
        """
        if self.device_id is None:
            return [f"profile {self.name} has no deviceIdPaths: its devices have no identity"]
        found: dict[str, None] = {}
        ends = (first, last) if last > first else (first,)
        for index in ends:
            try:
                serial = self.serial(index, seed, serial_prefix)
            except PlaceholderError as error:
                found[f"serialPattern {self.fleet.serial_pattern!r}: {error}"] = None
                continue
            if len(serial) > SERIAL_LENGTH:
                found[f"serial number {serial!r} has {len(serial)} characters, at most {SERIAL_LENGTH} fit"] = None
        for leaf in self.leaves.values():
            if leaf.expansion is None:
                continue
            some = ends if leaf.type == "string" else range(first, min(last, first + _TYPED_PICKS_CHECKED) + 1)
            for index in some:
                try:
                    canonical(leaf.type, leaf.expansion.text_for(index, seed))
                except ValueError as error:
                    found[f"{leaf.path}, device {index}: {error}"] = None
                    break
        return list(found)

    def __repr__(self) -> str:
        return f"Schema({self.name!r}, {len(self.leaves)} leaves)"


def _below(node: Node) -> Iterator[str]:
    for child in node.ordered():
        yield child.path
        yield from _below(child)


def _match(node: Node, segments: Sequence[str], position: int, is_object: bool) -> Iterator[Node]:
    """Yield the nodes that a path with `*` or with unknown instance numbers names."""
    if position == len(segments):
        if (node.leaf is None) is is_object:
            yield node
        return
    segment = segments[position]
    if segment == "*":
        branches = [child for name, child in node.children.items() if name.isdecimal()]
        if node.table is not None:
            branches.append(node.table.template)
    elif segment in node.children:
        branches = [node.children[segment]]
    elif node.table is not None and segment.isdecimal() and segment.isascii():
        branches = [node.table.template]
    else:
        return
    for branch in branches:
        yield from _match(branch, segments, position + 1, is_object)
