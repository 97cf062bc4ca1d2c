"""Reads the behaviour blocks of a profile (profile format, 5 to 8): everything that is not a row.

Each singleton block has one reader in `SINGLETONS`; lists that grow over files have theirs in `LISTS`. A reader
reports what is wrong and returns the block as far as it could be read, or None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cpescript.device import blocks, generator_fields
from cpescript.device.generators import Generator
from cpescript.device.placeholders import RESERVED
from cpescript.device.pools import Ipv4Pool, Pool, PoolError, ipv4_pool, ipv6_pool, ipv6_prefix_pool
from cpescript.device.rows import Mounted
from cpescript.device.yaml_nodes import MAPPING, Entry, Reader, YamlNode, each_mapping
from cpescript.diagnostics import did_you_mean

_T = TypeVar("_T")

_UNKNOWN_TIME = "0001-"
"""A periodic time in the year 1 says that the device picks its own phase (TR-069, 3.2.1.1; TR-106, 3.2)."""


@dataclass(slots=True)
class Context:
    """What block readers may look at, and where the ones that span files put what they find."""

    mounted: Mounted
    fleet: blocks.Fleet = field(default_factory=blocks.Fleet)
    inform: dict[str, tuple[str, ...]] = field(default_factory=dict)
    diagnostics: dict[str, blocks.Diagnostic] = field(default_factory=dict)
    generators: dict[str, Generator] = field(default_factory=dict)
    extension: dict[str, Any] = field(default_factory=dict)
    refuse_quirk: Callable[[str, Mapping[str, Any]], str] | None = None
    """Says why there is no such quirk or why its arguments do not fit, empty if they do; None: not looked at."""

    def leaf(
        self,
        reader: Reader,
        node: YamlNode,
        entries: Mapping[str, Entry],
        key: str,
        where: str,
        *,
        kind: str | None = None,
        writable: bool = False,
        required: bool = True,
    ) -> str | None:
        """Return the path that a field names: an existing leaf, of type `kind` and writable where that is asked."""
        path = reader.text(entries, key, where)
        if path is None:
            if required and key not in entries:
                reader.error(node, "required-key", f"{where}.{key} is required")
            return None
        return self.check(reader, entries[key].value, path, f"{where}.{key}", kind, writable)

    def check(
        self, reader: Reader, node: YamlNode, path: str, where: str, kind: str | None = None, writable: bool = False
    ) -> str | None:
        """Return `path` where it names a leaf as asked; else report why not and return None."""
        leaf = self.mounted.leaves.get(path)
        if leaf is None:
            if not reader.overwhelmed and not self.mounted.is_suspect(path):
                message = f"{where}: there is no parameter {path[:200]!r}"
                reader.error(node, "unknown-path", message, self.mounted.suggestion(path))
            return None
        if kind is not None and leaf.type != kind:
            reader.error(node, "path-type", f"{where}: {path} must be xsd:{kind}, it is xsd:{leaf.type}")
            return None
        if writable and not leaf.writable:
            reader.error(node, "path-access", f"{where}: {path} must be writable, it is read-only")
            return None
        return path


# --- identity, Inform, timers, credentials ----------------------------------------------------------------------------


def _device_id(context: Context, reader: Reader, node: YamlNode, where: str) -> blocks.DeviceIdPaths | None:
    keys = ("manufacturer", "oui", "productClass", "serialNumber")
    entries = reader.mapping(node, where, dict.fromkeys(keys))
    paths = [context.leaf(reader, node, entries, key, where) for key in keys]
    found = [path for path in paths if path is not None]
    return blocks.DeviceIdPaths(*found) if len(found) == len(keys) else None


def read_inform(context: Context, reader: Reader, node: YamlNode, where: str) -> None:
    """Read `informParameters`; each event stands in one file only."""
    entries = reader.mapping(node, where, blocks.EVENTS)
    for key in entries:
        code = blocks.EVENTS[key]
        texts = reader.texts(entries, key, where)
        if texts is None:
            continue
        if code in context.inform:
            reader.error(entries[key].key, "duplicate-block", f"{where}.{key} is already declared in another file")
            continue
        name = f"{where}.{key}"
        paths = [context.check(reader, at, path, f"{name}[{n}]") for n, (path, at) in enumerate(texts)]
        listed = tuple(dict.fromkeys(path for path in paths if path is not None))
        context.inform[code] = listed
        if key in ("bootstrap", "boot"):
            for leaf in ("ConnectionRequestURL", "SoftwareVersion"):
                exists = any(path.endswith(f".{leaf}") for path in context.mounted.leaves)
                if exists and not any(path.endswith(f".{leaf}") for path in listed):
                    message = f"{name} does not list {leaf}, which every Inform must carry"
                    reader.warning(entries[key].key, "inform-lacks", message, "it is sent all the same")


def _periodic(context: Context, reader: Reader, node: YamlNode, where: str) -> blocks.PeriodicPaths | None:
    entries = reader.mapping(node, where, dict.fromkeys(("interval", "enable", "time")))
    interval = context.leaf(reader, node, entries, "interval", where, kind="unsignedInt", writable=True)
    enable = context.leaf(reader, node, entries, "enable", where, kind="boolean", writable=True)
    time = context.leaf(reader, node, entries, "time", where, kind="dateTime", writable=True, required=False)
    if time is not None:
        leaf = context.mounted.leaves[time]
        if leaf.expansion is None and not leaf.default.startswith(_UNKNOWN_TIME):
            message = f"{where}.time: {time} is {leaf.default} on every device, so that all of them inform at once"
            reader.warning(entries["time"].value, "shared-phase", message, "0001-01-01T00:00:00Z leaves it to each")
    return blocks.PeriodicPaths(interval, enable, time) if interval and enable else None


def _acs_credentials(context: Context, reader: Reader, node: YamlNode, where: str) -> blocks.CredentialPaths | None:
    entries = reader.mapping(node, where, dict.fromkeys(("username", "password")))
    username = context.leaf(reader, node, entries, "username", where, kind="string", writable=True)
    password = context.leaf(reader, node, entries, "password", where, kind="string", writable=True)
    return blocks.CredentialPaths(username, password) if username and password else None


def _connection_request(context: Context, reader: Reader, node: YamlNode, where: str) -> blocks.ConnectionRequest:
    keys = ("scheme", "realm", "throttleWindow", "usernameParameter", "passwordParameter")
    entries = reader.mapping(node, where, dict.fromkeys(keys))
    scheme = (reader.text(entries, "scheme", where) or "").strip().lower()
    realm = reader.text(entries, "realm", where) or ""
    window = reader.duration(entries, "throttleWindow", where, least=0) or 0
    if scheme not in ("", "basic", "digest"):
        message = f"{where}.scheme must be basic or digest"
        reader.error(entries["scheme"].value, "bad-scheme", message, did_you_mean(scheme, ("basic", "digest")))
        return blocks.ConnectionRequest()
    if not scheme:
        return blocks.ConnectionRequest(throttle_window=window)
    if not realm and ("realm" not in entries or reader.text(entries, "realm", where) == ""):
        reader.error(node, "required-key", f"{where}.realm is required with a scheme")
    username = context.leaf(reader, node, entries, "usernameParameter", where, kind="string", writable=True)
    password = context.leaf(reader, node, entries, "passwordParameter", where, kind="string", writable=True)
    paths = blocks.CredentialPaths(username, password) if username and password else None
    return blocks.ConnectionRequest(scheme, realm, window, paths)


def _event_schedule(context: Context, reader: Reader, node: YamlNode, where: str) -> blocks.EventSchedule:
    keys = ("rebootDelay", "factoryResetDelay", "bootDelay", "bootRamp")
    entries = reader.mapping(node, where, dict.fromkeys(keys))
    return blocks.EventSchedule(*(reader.duration(entries, key, where, least=0) or 0 for key in keys))


# --- transfers, software modules, link, diagnostics -------------------------------------------------------------------


def _transfer(context: Context, reader: Reader, node: YamlNode, where: str) -> blocks.Transfer:
    entries = reader.mapping(node, where, dict.fromkeys(("defaultDelay", "faults", "firmware")))
    delay = reader.duration(entries, "defaultDelay", where)
    if delay is not None and delay < 0:
        message = f"{where}.defaultDelay is negative: the default of 5s is used"
        reader.warning(entries["defaultDelay"].value, "negative-delay", message)
    faults: dict[str, tuple[int, str]] = {}
    for name, at, fault in _named_mappings(reader, entries, "faults", where, ("code", "string")):
        code = reader.integer(fault, "code", at) or 0
        text = reader.text(fault, "string", at) or ""
        if code:
            faults[name] = code, text
    firmware = _firmware(context, reader, entries["firmware"].value) if "firmware" in entries else None
    return blocks.Transfer(delay if delay and delay > 0 else blocks.DEFAULT_TRANSFER_DELAY, faults, firmware)


def _firmware(context: Context, reader: Reader, node: YamlNode) -> blocks.Firmware | None:
    where = "transfer.firmware"
    entries = reader.mapping(node, where, dict.fromkeys(("versionPath", "applyDelay", "fetch")))
    version = context.leaf(reader, node, entries, "versionPath", where, kind="string")
    delay = reader.duration(entries, "applyDelay", where, least=0)
    fetch = reader.boolean(entries, "fetch", where)
    if version is None:
        return None
    return blocks.Firmware(version, blocks.DEFAULT_APPLY_DELAY if delay is None else delay, fetch is not False)


def _named_mappings(
    reader: Reader, entries: Mapping[str, Entry], key: str, where: str, known: Sequence[str]
) -> list[tuple[str, str, dict[str, Entry]]]:
    """Return (name, where, entries) for each mapping within a mapping whose keys are free."""
    if key not in entries:
        return []
    at = f"{where}.{key}"
    return [
        (name, f"{at}.{name}", reader.mapping(entry.value, f"{at}.{name}", dict.fromkeys(known)))
        for name, entry in reader.mapping(entries[key].value, at).items()
    ]


_APP_FAULTS = ("server-unreachable", "corrupt", "ee-mismatch", "resources-exceeded")
_UNIT_LEAVES = {
    "DeploymentUnit": ("UUID", "Name", "Status", "URL", "Version", "ExecutionUnitList", "ExecutionEnvRef"),
    "ExecutionUnit": ("EUID", "Name", "Status", "ExecutionEnvRef"),
}


def _software_modules(context: Context, reader: Reader, node: YamlNode, where: str) -> blocks.SoftwareModules | None:
    entries = reader.mapping(node, where, dict.fromkeys(("path", "installDelay", "uninstallDelay", "faults")))
    install = reader.duration(entries, "installDelay", where, least=0)
    uninstall = reader.duration(entries, "uninstallDelay", where, least=0)
    faults: dict[str, tuple[str, str]] = {}
    for name, at, fault in _named_mappings(reader, entries, "faults", where, ("reason", "message")):
        reason = reader.text(fault, "reason", at)
        if reason not in _APP_FAULTS:
            place = fault["reason"].value if "reason" in fault else entries["faults"].value
            reader.error(place, "bad-reason", f"{at}.reason must be one of {', '.join(_APP_FAULTS)}")
        else:
            faults[name] = reason, reader.text(fault, "message", at) or ""
    path = reader.text(entries, "path", where)
    if path is None:
        if "path" not in entries:
            reader.error(node, "required-key", f"{where}.path is required")
        return None
    node = entries["path"].value
    if not path.endswith("."):
        reader.error(node, "bad-path", f"{where}.path {path!r} must end with a dot")
        return None
    objects = context.mounted.objects
    for name in ("ExecEnv", "DeploymentUnit", "ExecutionUnit"):
        if f"{path}{name}." not in objects:
            reader.error(node, "unknown-path", f"{where}.path: there is no object {path}{name}.")
    environments = f"{path}ExecEnv."
    if environments in objects and not any(
        each.startswith(environments) and each[len(environments) : -1].isdecimal() for each in objects
    ):
        reader.error(node, "no-environment", f"{where}.path: {environments} has no instance to run anything in")
    for unit, wanted in _UNIT_LEAVES.items():
        table = context.mounted.tables.get(f"{path}{unit}.")
        missing = [name for name in wanted if table is not None and name not in table.template.children]
        if missing:
            message = f"{where}: {path}{unit}.{{i}}. has no {', '.join(missing)}, which installing an app fills in"
            reader.warning(node, "unit-leaves", message)
    return blocks.SoftwareModules(
        path,
        blocks.DEFAULT_INSTALL_DELAY if install is None else install,
        blocks.DEFAULT_UNINSTALL_DELAY if uninstall is None else uninstall,
        faults,
    )


_RANGE = re.compile(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", re.ASCII)


def _link_fault(context: Context, reader: Reader, node: YamlNode, where: str) -> blocks.LinkFault | None:
    entries = reader.mapping(node, where, dict.fromkeys(("interface", "duration", "instances", "reboot")))
    duration = reader.duration(entries, "duration", where, least=1)
    reboot = bool(reader.boolean(entries, "reboot", where))
    text = reader.text(entries, "instances", where)
    instances = None
    if text is not None and text.strip():
        found = _RANGE.fullmatch(text)
        first = int(found[1]) if found else 0
        last = int(found[2]) if found and found[2] else first
        if not 1 <= first <= last:
            message = f"{where}.instances must be N or N-M, from 1, not {text!r}"
            reader.error(entries["instances"].value, "instances-range", message)
        instances = first, last
    interface = reader.text(entries, "interface", where)
    if interface is None:
        if "interface" not in entries:
            reader.error(node, "required-key", f"{where}.interface is required")
        return None
    interface = interface.removesuffix(".") + "."
    if context.check(reader, entries["interface"].value, f"{interface}Status", f"{where}.interface") is None:
        return None
    return blocks.LinkFault(
        interface, blocks.DEFAULT_LINK_DURATION if duration is None else duration, instances, reboot
    )


_DIAGNOSTIC_KEYS = dict.fromkeys(("statePath", "trigger", "complete", "duration", "countPath", "resultCount"))


def read_diagnostics(context: Context, reader: Reader, entries: Mapping[str, Entry]) -> None:
    """Read `diagnostics`; each state leaf belongs to one of them."""
    nodes = reader.items(entries, "diagnostics", "")
    for where, node, item in each_mapping(reader, nodes or [], "diagnostics", _DIAGNOSTIC_KEYS):
        state = context.leaf(reader, node, item, "statePath", where)
        trigger = reader.text(item, "trigger", where) or "Requested"
        complete = reader.text(item, "complete", where) or "Complete"
        duration = reader.duration(item, "duration", where, least=0)
        count_path = None
        if "countPath" in item and reader.text(item, "countPath", where):
            count_path = context.leaf(reader, node, item, "countPath", where)
        count = reader.integer(item, "resultCount", where) or 0
        if trigger == complete:
            reader.error(node, "bad-diagnostic", f"{where}: trigger and complete must differ, both are {trigger!r}")
        if count_path is not None:
            if count < 0:
                reader.error(item["resultCount"].value, "bad-diagnostic", f"{where}.resultCount must not be negative")
            _compare_count(context, reader, node, where, count_path, count)
        if state is None:
            continue
        if state in context.diagnostics:
            message = f"{where}: {state} already belongs to another diagnostic"
            reader.error(item["statePath"].value, "duplicate-diagnostic", message)
            continue
        context.diagnostics[state] = blocks.Diagnostic(
            state,
            trigger,
            complete,
            blocks.DEFAULT_DIAGNOSTIC_DURATION if duration is None else duration,
            count_path,
            count,
        )


def _compare_count(context: Context, reader: Reader, node: YamlNode, where: str, count_path: str, count: int) -> None:
    table = count_path.removesuffix("NumberOfEntries") + "."
    if table not in context.mounted.tables:
        return
    rows = sum(1 for each in context.mounted.objects if each.startswith(table) and each[len(table) : -1].isdecimal())
    if rows != count:
        reader.warning(node, "result-count", f"{where}.resultCount is {count}, {table} has {rows} rows")


# --- generators -------------------------------------------------------------------------------------------------------

_GENERATOR_KEYS = {"path": None, **generator_fields.KEYS}


def read_generators(context: Context, reader: Reader, entries: Mapping[str, Entry]) -> None:
    """Read `generators`; a leaf has one generator at most, over all files and forms."""
    nodes = reader.items(entries, "generators", "")
    for where, node, item in each_mapping(reader, nodes or [], "generators", _GENERATOR_KEYS):
        path = context.leaf(reader, node, item, "path", where)
        if path is None:
            continue
        other = context.mounted.generated.get(path)
        if other is not None:
            message = f"{where}: {path} already has a generator, from {other}"
            reader.error(item["path"].value, "duplicate-generator", message)
            continue
        context.mounted.generated[path] = where
        kind = context.mounted.leaves[path].type
        generator = generator_fields.read_generator(reader, node, item, where, kind)
        if generator is not None:
            context.generators[path] = generator


# --- fleet ------------------------------------------------------------------------------------------------------------

_POOL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_POOL_KEYS = dict.fromkeys(("type", "cidr", "super", "sublen"))


def read_fleet(reader: Reader, node: YamlNode, where: str) -> blocks.Fleet:
    """Read `fleet`. Needs no data model: placeholders are known before parameters are mounted."""
    entries = reader.mapping(node, where, dict.fromkeys(("count", "offset", "serialPattern", "pools")))
    count = reader.integer(entries, "count", where) or 0
    offset = reader.integer(entries, "offset", where) or 0
    for key, number in (("count", count), ("offset", offset)):
        if number < 0:
            reader.error(entries[key].value, "fleet-range", f"{where}.{key} must not be negative")
    last = max(offset, 0) + max(count, 1)
    pools: dict[str, Pool] = {}
    if "pools" in entries and reader.of_kind(entries["pools"].value, MAPPING, f"{where}.pools"):
        for name, entry in sorted(reader.mapping(entries["pools"].value, f"{where}.pools").items()):
            pool = _pool(reader, entry, name, f"{where}.pools.{name}", last)
            if pool is not None:
                pools[name] = pool
    pattern = reader.text(entries, "serialPattern", where) or blocks.DEFAULT_SERIAL_PATTERN
    return blocks.Fleet(max(count, 1), max(offset, 0), pattern, pools)


def _pool(reader: Reader, entry: Entry, name: str, where: str, last: int) -> Pool | None:
    if _POOL_NAME.fullmatch(name) is None or name in RESERVED:
        message = f"{where}: {name!r} cannot be the name of a pool"
        reader.error(entry.key, "pool-name", message, "letters, digits and '_', and none of the built-in placeholders")
    fields = reader.mapping(entry.value, where, _POOL_KEYS)
    kind = reader.text(fields, "type", where)
    cidr = reader.text(fields, "cidr", where)
    block = reader.text(fields, "super", where)
    sublen = reader.integer(fields, "sublen", where)
    try:
        pool: Pool
        match kind:
            case "ipv4":
                pool = ipv4_pool(_required(cidr, "cidr"))
            case "ipv6":
                pool = ipv6_pool(_required(cidr, "cidr"))
            case "ipv6prefix":
                pool = ipv6_prefix_pool(_required(block, "super"), _required(sublen, "sublen"))
            case _:
                raise PoolError("type must be ipv4, ipv6 or ipv6prefix")
    except PoolError as error:
        reader.error(entry.value, "bad-pool", f"{where}: {error}")
        return None
    if pool.capacity is not None and last > pool.capacity:
        message = f"{where} serves devices 1..{pool.capacity}, the fleet goes up to {last}"
        reader.error(entry.value, "pool-capacity", message if pool.capacity else f"{where} serves no device at all")
    elif isinstance(pool, Ipv4Pool) and pool.is_broadcast(last):
        reader.warning(entry.value, "pool-broadcast", f"{where} gives the broadcast address to device {last}")
    return pool


def _required(value: _T | None, key: str) -> _T:
    if value is None:
        raise PoolError(f"{key} is required")
    return value


SINGLETONS: dict[str, tuple[str, Callable[[Context, Reader, YamlNode, str], Any]]] = {
    "deviceIdPaths": ("device_id", _device_id),
    "periodicInformPaths": ("periodic", _periodic),
    "acsCredentialPaths": ("acs_credentials", _acs_credentials),
    "connectionRequest": ("connection_request", _connection_request),
    "eventSchedule": ("event_schedule", _event_schedule),
    "transfer": ("transfer", _transfer),
    "softwareModules": ("software_modules", _software_modules),
    "faults.link": ("link_fault", _link_fault),
}
"""Blocks that stand in one file only: the field of `Blocks` that each fills, and its reader."""
