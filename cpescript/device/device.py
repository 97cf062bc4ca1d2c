"""One simulated device: its identity, its states, and what in its data model differs from the shared schema.

Rules:

1. A device holds only what was changed: written values, instances added or deleted, attributes set. Everything else is
   read from the schema or worked out when it is asked for.
2. Paths are full parameter paths; a partial path ends in a dot. Values are canonical wire texts.
3. A change is announced once, after it was made, to the agent and, where a claim watches the path, to the trace.
4. Instance numbers live as long as the instance and are never given twice, except after a factory reset (TR-069,
   A.3.2.6: reuse is discouraged).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from cpescript.device.generators import Generator, device_stream
from cpescript.device.host import Host
from cpescript.device.lexical import LexicalError, canonical, typed
from cpescript.device.moving import Moving, declared_motion
from cpescript.device.rare import Instances, Rare, shared
from cpescript.device.schema import SERIAL_LENGTH, Leaf, Node, Schema, Table
from cpescript.device.states import STATES
from cpescript.kernel.queue import Owner
from cpescript.kernel.time import Instant
from cpescript.kernel.trace import Remembered

By = Literal["acs", "device"]
"""Who makes a change: the ACS by an RPC, or the device of itself."""

INVALID_ARGUMENTS = 9003
RESOURCES_EXCEEDED = 9004
INVALID_NAME = 9005
NOT_WRITABLE = 9008
NOTIFICATION_REJECTED = 9009

PASSIVE = 1
ACTIVE = 2
MOST_INSTANCES = 10_000
"""Instances of a table, which an ACS that adds one at each Inform would have without end."""
NOTIFICATIONS = range(7)
"""Off, passive, active, and the lightweight kinds 3 to 6 (TR-069, A.3.2.4)."""
LIGHTWEIGHT = range(3, 7)
"""Those of them that ask for a message of their own besides (4, 6), or in place of, a passive Inform (3, 5)."""
SUBSCRIBER = ("Subscriber",)
"""The access list until an ACS changes it (TR-069, A.3.2.4)."""

_SWITCHES = {name: (state.bit, state.fact) for name, state in STATES.items() if not state.complement}
_NONE = (0, "")
_NO_VALUES: dict[str, str] = {}


class _Gone(str):
    """Stands for the value of a leaf that the schema declares and the device no longer has."""

    __slots__ = ()


GONE = _Gone()


class DataModelFault(Exception):
    """A request on the data model cannot be served; `code` is the CWMP fault code for it (TR-069, A.5.1)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Device(Owner):
    """A device of a fleet.

    `agent` is its protocol endpoint: whatever has `parameter_changed(path, by)`; the simulation sets it. `state` is
    the bit mask of `states`; `booted_at` and `made_at` are virtual nanoseconds (made: constructed or factory-reset).
    """

    __slots__ = (
        "_moving",
        "_rare",
        "_values",
        "agent",
        "booted_at",
        "cohort",
        "host",
        "index",
        "labels",
        "made_at",
        "recent",
        "schema",
        "state",
    )

    def __init__(self, number: int, index: int, cohort: str, schema: Schema, host: Host) -> None:
        self.number = number
        self.sequence = 0
        self.index = index
        self.cohort = cohort
        self.schema = schema
        self.host = host
        self.agent: Any = None
        self.labels: dict[str, Any] | None = None
        self.recent: Remembered = None
        self.state = 0
        self.made_at = self.booted_at = host.kernel.now
        self._values: dict[str, str] | None = None
        self._moving: Moving | None = None
        self._rare: Rare | None = None

    # --- identity -------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The device as a scenario names it: `fleet[3]`."""
        return f"{self.cohort}[{self.index}]"

    @property
    def global_index(self) -> int:
        """The index over the whole fleet, from 1, that placeholders go by; shifted by the profile's `offset`."""
        return self.number + self.schema.fleet.offset

    @property
    def cpe_id(self) -> str:
        """The name of the device's streams of chance."""
        return f"cpe-{self.number + self.schema.fleet.offset}"

    @property
    def device_id(self) -> tuple[str, str, str, str]:
        """(Manufacturer, OUI, ProductClass, SerialNumber). Raises LookupError for a profile without deviceIdPaths."""
        paths = self.schema.device_id
        if paths is None:
            raise LookupError(f"profile {self.schema.name} has no deviceIdPaths")
        manufacturer, oui, product_class, serial = self.get_all(paths)
        return manufacturer, oui, product_class, serial

    @property
    def identity(self) -> str:
        """`OUI-ProductClass-SerialNumber`, as an ACS tells devices apart."""
        return "-".join(self.device_id[1:])

    def set_serial(self, serial: str) -> None:
        """Give the device a serial number of its own; the run's prefix still comes before it.

        It survives a factory reset. Raises ValueError where it does not fit into an Inform.
        """
        whole = self.host.serial_prefix + serial
        if not 0 < len(whole) <= SERIAL_LENGTH:
            raise ValueError(f"serial number {whole!r} must have 1 to {SERIAL_LENGTH} characters")
        self._rarely().serial = serial

    # --- states ---------------------------------------------------------------------------------------------------

    def is_in(self, name: str) -> bool:
        """Whether the state called `name` holds. Raises KeyError for an unknown one."""
        state = STATES[name]
        return bool(self.state & state.bit) is not state.complement

    def enter(self, name: str) -> None:
        """Make the state called `name` hold; announced where that is a change."""
        self._switch(name, True)

    def leave(self, name: str) -> None:
        """Make the state called `name` not hold; announced where that is a change."""
        self._switch(name, False)

    def _switch(self, name: str, on: bool) -> None:
        bit, fact = _SWITCHES.get(name, _NONE)
        if not bit:
            # The complement of another state.
            bit = STATES[name].bit
            name, on = next(each.name for each in STATES.values() if each.bit == bit), not on
            fact = STATES[name].fact
        if (self.state & bit != 0) is not on:
            self.state ^= bit
            self.host.trace.fact(self, fact, state=name, on=on)

    # --- reading --------------------------------------------------------------------------------------------------

    def get(self, path: str) -> str:
        """Return the value of a leaf. Raises KeyError where the device has no such leaf."""
        values = self._values
        if values is not None:
            value = values.get(path)
            if value is not None:
                if value is GONE:
                    raise KeyError(path)
                return value
        value = self.schema.constants.get(path)
        if value is not None:
            return value
        return self._worked_out(path)

    def get_all(self, paths: Iterable[str]) -> list[str]:
        """Return the values of leaves as `get` does, without a call for each: every Inform asks for a dozen."""
        own, constants = self._values or _NO_VALUES, self.schema.constants
        found = []
        for path in paths:
            value = own.get(path)
            if value is None:
                value = constants.get(path)
                if value is None:
                    value = self._worked_out(path)
            elif value is GONE:
                raise KeyError(path)
            found.append(value)
        return found

    def shown(self, path: str) -> str:
        """Return the value of a leaf as an ACS gets it: empty where the data model hides it. Raises KeyError."""
        value = self.get(path)
        schema = self.schema
        hidden = path in schema.hidden or (path not in schema.leaves and schema.hides(path))
        return "" if hidden else value

    def typed(self, path: str) -> str | int | bool | Instant:
        """Return the value of a leaf as what its type means, for comparisons. Raises KeyError."""
        leaf = self._known(path)
        return typed(leaf.type, self.get(path))

    def leaf(self, path: str) -> Leaf | None:
        """Return the leaf that the device has at `path`, None where it has none."""
        leaf = self.schema.leaves.get(path)
        rare = self._rare
        if rare is None or not rare.instances:
            return leaf
        if leaf is not None:
            return None if self._deleted(path) else leaf
        found = self.schema.added(path)
        if found is None or found[2].leaf is None:
            return None
        return self.schema.added_leaf(*found) if self._has_added(path, found[0], found[1]) else None

    def exists(self, path: str) -> bool:
        """Whether the device has a leaf or (with its dot) an object at `path`; "" is the root."""
        if path and not path.endswith("."):
            return self.leaf(path) is not None
        if path in self.schema.objects:
            return not self._deleted(path)
        found = self.schema.added(path)
        return found is not None and self._has_added(path, found[0], found[1])

    def leaves(self, prefix: str) -> list[str]:
        """Return the paths of all leaves in the object `prefix` ("" is the root), in reporting order.

        Raises KeyError where the device has no such object; an empty table gives an empty list.
        """
        if not self._differs(prefix):
            return self.schema.leaves_below(prefix)
        return [name for name, _ in self._walk(prefix) if not name.endswith(".")]

    def names(self, prefix: str, next_level: bool) -> list[tuple[str, bool]]:
        """Return (name, writable) as GetParameterNames answers (TR-069, A.3.2.3).

        For an object: itself and all in it, or, with `next_level`, what is directly in it. For a leaf: itself. Raises
        KeyError for an unknown path, DataModelFault(9003) for `next_level` with a leaf.
        """
        if prefix and not prefix.endswith("."):
            leaf = self._known(prefix)
            if next_level:
                raise DataModelFault(INVALID_ARGUMENTS, f"{prefix} is a parameter: NextLevel must be false")
            return [(leaf.path, leaf.writable)]
        everything = self._walk(prefix) if self._differs(prefix) else self.schema.all_below(prefix)
        if not next_level:
            return list(everything)
        start = len(prefix)
        return [pair for pair in everything if pair[0].find(".", start) + 1 in (0, len(pair[0])) and pair[0] != prefix]

    # --- writing --------------------------------------------------------------------------------------------------

    def check(self, path: str, text: str) -> int:
        """Return the fault code of an ACS's attempt to set `path` to `text`, 0 where it may (TR-069, A.3.2.1)."""
        leaf = self.leaf(path)
        if leaf is None:
            return INVALID_NAME
        return self.check_value(path, text) if leaf.writable else NOT_WRITABLE

    def check_value(self, path: str, text: str) -> int:
        """Return the fault code of a text that does not fit the type of a leaf, 0 where it does. Raises KeyError."""
        try:
            canonical(self._known(path).type, text)
        except LexicalError as error:
            return error.code
        return 0

    def write(self, path: str, text: str, by: By = "acs") -> bool:
        """Set a leaf, whatever its access; return whether its value changed.

        Raises KeyError where the device has no such leaf, ValueError where the text does not fit its type.
        """
        leaf = self._known(path)
        text = shared(canonical(leaf.type, text))
        if self.get(path) == text:
            return False
        path = leaf.path
        generator = leaf.generator
        if generator is not None:
            moving = self._moving or self._start_moving()
            origin, tick = self._beat(leaf, generator)
            moving.write(path, origin, tick, text)
        elif self.schema.constants.get(path) == text:
            assert self._values is not None
            del self._values[path]
        else:
            if self._values is None:
                self._values = {}
            self._values[path] = text
        self._announce(leaf, text, by)
        return True

    def factory_reset(self) -> None:
        """Make everything as declared: values, instances, attributes; generators start again. The serial stays."""
        before = self._watched()
        self._values = None
        self._moving = None
        self.made_at = self.host.kernel.now
        if self._rare is not None:
            self._rare.attributes = {}
            self._rare.instances = {}
        after = self._watched()
        for path, (leaf, value) in after.items():
            if path not in before:
                self._appeared(leaf)
            elif before[path][1] != value:
                self._record(leaf, value)
        for path, (leaf, _) in before.items():
            if path not in after:
                self._record(leaf, None)

    def adopt(self, schema: Schema) -> None:
        """Take on a data model that has grown or shrunk; what the new one lacks is forgotten with its values."""
        new = [leaf for path, leaf in schema.leaves.items() if path not in self.schema.leaves]
        gone = [path for path in self.schema.leaves if path not in schema.leaves]
        lost = [leaf for path in gone if (leaf := self.leaf(path)) is not None]
        tables = [path for path in self.schema.tables if path not in schema.tables]
        self.schema = schema
        values, rare = self._values or {}, self._rare
        for path in gone + [path for path in values if path.startswith(tuple(tables))]:
            values.pop(path, None)
            if self._moving is not None:
                self._moving.forget(path)
            if rare is not None:
                rare.attributes.pop(path, None)
        for path in tables if rare is not None else ():
            self._rarely().instances.pop(path, None)
        for leaf in lost:
            self._record(leaf, None)
        for leaf in new:
            self._appeared(leaf)

    # --- kept between runs ----------------------------------------------------------------------------------------

    def saved(self) -> dict[str, Any]:
        """Return what makes this device differ from a fresh one, as JSON holds it; `restore` takes it."""
        rare = self._rare or Rare()
        return {
            "now": self.host.kernel.now,
            "made_at": self.made_at,
            "serial": rare.serial,
            "values": {path: value for path, value in (self._values or {}).items() if value is not GONE},
            "instances": {
                table: [kept.high, kept.numbers, list((kept.born or {}).items())]
                for table, kept in rare.instances.items()
            },
            "attributes": rare.attributes,
            "moving": self._moving.saved() if self._moving is not None else None,
        }

    def restore(self, saved: dict[str, Any], *, same_profile: bool = True) -> None:
        """Become the device that was saved; between then and now no time has passed for it.

        Under a changed profile, what it does not have any more, or has with another type, is dropped, and generators
        begin anew.
        """
        schema = self.schema
        shift = saved["now"] - self.host.kernel.now
        for table, (high, numbers, born) in saved["instances"].items():
            if table in schema.tables:
                kept = self._rarely().instances[table] = Instances(())
                kept.high, kept.numbers = high, list(numbers)
                if born and same_profile:
                    kept.born = {number: instant - shift for number, instant in born}
        values: dict[str, str] = {}
        for table, kept in self._rare.instances.items() if self._rare is not None else ():
            for number in set(schema.tables[table].declared) - set(kept.numbers):
                values.update(dict.fromkeys(schema.leaves_below(f"{table}{number}."), GONE))
        self._values = values or None
        for path, text in saved["values"].items():
            if same_profile or (self.leaf(path) is not None and not self.check_value(path, text)):
                values[path] = shared(text)
        self._values = values or None
        for path, (level, listed) in saved["attributes"].items():
            if same_profile or self.leaf(path) is not None:
                self._rarely().attributes[path] = level, tuple(listed) if listed is not None else None
        if saved["serial"] is not None:
            self._rarely().serial = saved["serial"]
        if same_profile:
            self.made_at = saved["made_at"] - shift
            if saved["moving"] is not None:
                self._start_moving().restore(saved["moving"], shift)

    # --- instances ------------------------------------------------------------------------------------------------

    def instances(self, table_path: str) -> tuple[int, ...]:
        """Return the instance numbers of a table, ascending. Raises KeyError for what is no table of the device."""
        table = self.schema.tables[table_path]
        if self._deleted(table_path):
            raise KeyError(table_path)
        changed = self._rare.instances.get(table_path) if self._rare is not None else None
        return tuple(changed.numbers) if changed is not None else table.declared

    def add_object(self, table_path: str, by: By = "acs") -> int:
        """Make an instance of a table and return its number. Raises DataModelFault: 9005, 9004 for one too many."""
        table = self._table(table_path, by)
        changed = self._rarely().instances
        instances = changed.get(table.path)
        if instances is None:
            instances = changed[table.path] = Instances(table.declared)
        if len(instances.numbers) >= MOST_INSTANCES:
            raise DataModelFault(RESOURCES_EXCEEDED, f"{table_path} has {MOST_INSTANCES:,} instances already")
        instances.high += 1
        instances.numbers.append(instances.high)
        number = instances.high
        made = [self._known(path) for path in self.leaves(f"{table.path}{number}.")]
        if any(leaf.generator is not None for leaf in made):
            instances.born = {**(instances.born or {}), number: self.host.kernel.now}
        self._count(table, len(instances.numbers), by)
        if self.host.watches is not None:
            for leaf in made:
                self._appeared(leaf)
        return number

    def delete_object(self, path: str, by: By = "acs") -> None:
        """Drop an instance with everything in it. Raises DataModelFault(9005)."""
        table_path, _, number = path[:-1].rpartition(".")
        table = self._table(table_path + ".", by)
        if not path.endswith(".") or not self.exists(path):
            raise DataModelFault(INVALID_NAME, f"{path} is no instance")
        lost = [self._known(each) for each in self.leaves(path)]
        rare = self._rarely()
        instances = rare.instances.get(table.path)
        if instances is None:
            instances = rare.instances[table.path] = Instances(table.declared)
        instances.numbers.remove(int(number))
        if instances.born is not None:
            instances.born.pop(int(number), None)
        values = self._values = self._values or {}
        for leaf in lost:
            rare.attributes.pop(leaf.path, None)
            values.pop(leaf.path, None)
            if self._moving is not None:
                self._moving.forget(leaf.path)
        if path in self.schema.objects:
            values.update(dict.fromkeys(self.schema.leaves_below(path), GONE))
        self._count(table, len(instances.numbers), by)
        for leaf in lost:
            self._record(leaf, None)

    # --- attributes -----------------------------------------------------------------------------------------------

    def notification(self, path: str) -> int:
        """Return the notification attribute of a leaf: 0 off, 1 passive, 2 active, 3 to 6 lightweight."""
        rare = self._rare
        if rare is not None and rare.attributes:
            level = rare.attributes.get(path, (None, None))[0]
            if level is not None:
                return level
        schema = self.schema
        return ACTIVE if path in schema.forced_active or path in schema.default_active else 0

    def access_list(self, path: str) -> tuple[str, ...]:
        """Return the entities other than the ACS that may write a leaf."""
        rare = self._rare
        listed = rare.attributes.get(path, (None, None))[1] if rare is not None else None
        return SUBSCRIBER if listed is None else listed

    def notified(self) -> dict[str, int]:
        """Return the notification attribute of every leaf that has one other than 0."""
        paths = dict.fromkeys(self.schema.active)
        if self._rare is not None:
            paths.update(dict.fromkeys(self._rare.attributes))
        return {path: level for path in paths if self.leaf(path) is not None and (level := self.notification(path))}

    @property
    def has_attributes(self) -> bool:
        """Whether anybody has set an attribute of the device's parameters."""
        return self._rare is not None and bool(self._rare.attributes)

    def set_attributes(
        self, path: str, notification: int | None = None, access_list: tuple[str, ...] | None = None
    ) -> None:
        """Set the attributes that are given, of a leaf or of every leaf in an object, the root by "" (TR-069, A.3.2.4).

        Raises DataModelFault: 9005 for an unknown path, 9009 for a notification that does not exist, a lightweight one
        where the data model has nothing to send it by, or one that the data model forces to be active. Within an
        object, forced ones keep theirs.
        """
        if notification is not None and notification not in NOTIFICATIONS:
            raise DataModelFault(NOTIFICATION_REJECTED, f"there is no notification {notification}")
        if notification in LIGHTWEIGHT and not self.schema.lightweight:
            raise DataModelFault(NOTIFICATION_REJECTED, "lightweight notification is not supported")
        if not self.exists(path):
            raise DataModelFault(INVALID_NAME, f"{path} does not exist")
        forced = self.schema.forced_active
        if path in forced and notification not in (None, ACTIVE):
            raise DataModelFault(NOTIFICATION_REJECTED, f"notification of {path} is always active")
        attributes = self._rarely().attributes
        for each in (path,) if path and not path.endswith(".") else self.leaves(path):
            level, listed = attributes.get(each, (None, None))
            if notification is not None and each not in forced:
                level = notification
            if access_list is not None:
                listed = access_list
            attributes[self._known(each).path] = (level, listed)

    # --- generators -----------------------------------------------------------------------------------------------

    def next_tick(self, path: str) -> int | None:
        """Return the virtual instant at which the leaf's generator ticks next, None for a leaf that has none.

        Generators tick silently: whoever wants to hear of a change looks at the value then.
        """
        leaf = self._known(path)
        generator = leaf.generator
        if generator is None:
            return None
        origin, tick = self._beat(leaf, generator)
        return origin + (tick + 1) * generator.interval

    def _start_moving(self) -> Moving:
        self._moving = Moving(device_stream(self.host.seed, self.cpe_id))
        return self._moving

    def _beat(self, leaf: Leaf, generator: Generator) -> tuple[int, int]:
        """Return (origin, number of the last tick) of a leaf's generator at this instant."""
        if generator.kind == "uptime":
            origin = self.booted_at
        else:
            origin = self.made_at if self._rare is None else self._born(leaf.path, self._rare)
        return origin, (self.host.kernel.now - origin) // generator.interval

    def _born(self, path: str, rare: Rare) -> int:
        """Return when the innermost instance was made that a leaf is in, or else the device (A.3.2.6)."""
        born = self.made_at
        for table, instances in rare.instances.items():
            if instances.born and path.startswith(table):
                born = max(born, instances.born.get(int(path[len(table) :].partition(".")[0]), born))
        return born

    # --- inside ---------------------------------------------------------------------------------------------------

    def _known(self, path: str) -> Leaf:
        leaf = self.leaf(path)
        if leaf is None:
            raise KeyError(path)
        return leaf

    def _worked_out(self, path: str) -> str:
        """Return the value of a leaf that is no constant and was not written to. Raises KeyError."""
        schema = self.schema
        known = schema.leaves.get(path) if self._rare is None else self.leaf(path)
        leaf = known if known is not None else self._known(path)
        generator = leaf.generator
        if generator is not None:
            origin, tick = self._beat(leaf, generator)
            instant = self.host.start + origin + tick * generator.interval
            moving = self._moving
            if moving is None and generator.drawn and tick:
                moving = self._start_moving()
            declared = self._declared(leaf)
            if moving is None:
                return declared_motion(leaf, generator, declared, tick, instant)
            return moving.value(leaf, generator, declared, origin, tick, instant)
        if path == schema.serial_path:
            prefix = self.host.serial_prefix
            if self._rare is not None and self._rare.serial is not None:
                return prefix + self._rare.serial
            return schema.serial(self.global_index, self.host.seed, prefix)
        if path == schema.connection_request_url:
            return self.host.connection_request_url(self)
        if path == schema.acs_url:
            return self.host.acs_url or self._declared(leaf)
        return self._declared(leaf)

    def _declared(self, leaf: Leaf) -> str:
        """Return the declared value as this device has it. Raises PlaceholderError."""
        if leaf.expansion is None:
            return leaf.default
        text = leaf.expansion.text_for(self.global_index, self.host.seed)
        return text if leaf.type == "string" else canonical(leaf.type, text)

    def _rarely(self) -> Rare:
        if self._rare is None:
            self._rare = Rare()
        return self._rare

    def _announce(self, leaf: Leaf, text: str, by: By) -> None:
        if self.agent is not None:
            self.agent.parameter_changed(leaf.path, by)
        self._record(leaf, text)

    def _record(self, leaf: Leaf, text: str | None) -> None:
        """Put a change on the trace where a claim watches the path; None says that the leaf is gone."""
        watches = self.host.watches
        if watches is not None and watches(leaf.path):
            self.host.trace.fact(self, "parameter", path=leaf.path, value=text, type=leaf.type)

    def _appeared(self, leaf: Leaf) -> None:
        """Put a leaf that is new on the trace where a claim watches its path, and have its movements followed."""
        watches = self.host.watches
        if watches is not None and watches(leaf.path):
            self._record(leaf, self.get(leaf.path))
            if leaf.generator is not None and self.host.appeared is not None:
                self.host.appeared(self, leaf.path)

    def _watched(self) -> dict[str, tuple[Leaf, str]]:
        watches = self.host.watches
        if watches is None:
            return {}
        return {path: (self._known(path), self.get(path)) for path in self.leaves("") if watches(path)}

    def _table(self, path: str, by: By) -> Table:
        table = self.schema.tables.get(path)
        if table is None or self._deleted(path):
            raise DataModelFault(INVALID_NAME, f"{path} is no table")
        if table.fixed and by == "acs":
            raise DataModelFault(INVALID_NAME, f"instances of {path} come and go by the device alone")
        return table

    def _count(self, table: Table, count: int, by: By) -> None:
        if table.count_path is not None:
            self.write(table.count_path, str(count), by)

    def _deleted(self, path: str) -> bool:
        """Whether a path lies within an instance that the device does not have (any more)."""
        if self._rare is not None:
            for table_path, instances in self._rare.instances.items():
                if path.startswith(table_path):
                    number = path[len(table_path) :].partition(".")[0]
                    if number.isdecimal() and number.isascii() and int(number) not in instances.numbers:
                        return True
        return False

    def _has_added(self, path: str, table: Table, number: int) -> bool:
        changed = self._rare.instances.get(table.path) if self._rare is not None else None
        return (
            changed is not None
            and number in changed.numbers
            and number not in table.declared
            and not self._deleted(path)
        )

    def _differs(self, prefix: str) -> bool:
        """Whether the object `prefix` has, or is in, a table that was changed."""
        return self._rare is not None and any(
            table.startswith(prefix) or prefix.startswith(table) for table in self._rare.instances
        )

    def _walk(self, prefix: str) -> list[tuple[str, bool]]:
        """Return (name, writable) of an object and all in it, as this device has it. Raises KeyError."""
        if not self.exists(prefix):
            raise KeyError(prefix)
        holder = self.schema.tables.get(prefix[:-1].rpartition(".")[0] + ".")
        deletable = holder is not None and not holder.fixed
        node = self.schema.objects.get(prefix)
        if node is not None:
            return list(self._listing(node, "", deletable))
        found = self.schema.added(prefix)
        assert found is not None
        return list(self._listing(found[2], f"{found[0].path}{found[1]}.", deletable))

    def _listing(self, node: Node, base: str, deletable: bool) -> Iterator[tuple[str, bool]]:
        """Yield (name, writable) of a node and all below it; `base` stands before the paths of a template."""
        if node.leaf is not None:
            yield base + node.path, node.leaf.writable
            return
        table = node.table
        open_table = table is not None and not table.fixed
        if base or node.path:
            yield base + node.path, open_table or deletable
        changed = self._rare.instances.get(table.path) if table is not None and self._rare is not None else None
        for child in node.ordered():
            if changed is None or not _is_instance(child, node) or _number(child, node) in changed.numbers:
                yield from self._listing(child, base, open_table and child.leaf is None)
        if changed is not None and table is not None:
            for number in changed.numbers:
                if number not in table.declared:
                    yield from self._listing(table.template, f"{table.path}{number}.", open_table)


def _number(child: Node, table: Node) -> int:
    return int(child.path[len(table.path) : -1])


def _is_instance(child: Node, table: Node) -> bool:
    return child.leaf is None and child.path[len(table.path) : -1].isdecimal()
