"""Software modules (TR-157, TR-069 A.4.1.10): ChangeDUState carried out, its results told by DUStateChangeComplete.

    ChangeDUState → (the session ends) → one operation after the other, each in its own time → 11 and M ChangeDUState

| operation | deployment unit | its execution unit |
| --- | --- | --- |
| install | Installing → Installed | Starting → Active |
| update | Updating → Installed | Stopping → Starting → Active |
| uninstall | Uninstalling → gone | Stopping → gone |

1. Calls queue; an operation that fails says why in its result and does not stop those after it.
2. What an app brings to the data model is in its manifest: one that the profile names (`x-cpescript: {apps: …}`), found
   by the file name of the URL, or, where files are really fetched, what is at the URL. An app without is installed all
   the same and brings nothing.
3. A reboot or loss of power ends what is under way with 9001 (9002 is no fault of an operation, cwmp-1-2.xsd);
   installed apps stay, and those that start with the device are up when it has booted. A factory reset leaves what the
   profile declares.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from cpescript.cwmp import events
from cpescript.cwmp.faults import CwmpFault
from cpescript.cwmp.fetch import Fetch, Fetched
from cpescript.cwmp.message import (
    AutonomousOperationResult,
    Event,
    InstallOperation,
    OperationResult,
    UninstallOperation,
    UpdateOperation,
)
from cpescript.cwmp.rpcs import FAULTS
from cpescript.cwmp.untold import Untold, tell
from cpescript.device.blocks import SoftwareModules
from cpescript.device.manifest import Manifest, grown, read_manifest
from cpescript.kernel.time import SECOND, format_instant

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent
    from cpescript.device.schema import Schema

Operation = InstallOperation | UpdateOperation | UninstallOperation

MOST_OPERATIONS = 16
"""Operations of a ChangeDUState that a device must take (A.4.1.10); more are 9004."""
MOST_JOBS = 4
"""Calls that wait before the next is refused with 9004."""
START = 1 * SECOND
"""How long an execution unit is Starting or Stopping."""

REASONS: Mapping[str, int] = {
    "server-unreachable": 9015,
    "corrupt": 9018,
    "ee-mismatch": 9025,
    "resources-exceeded": 9027,
}
"""What the reasons of a profile's `softwareModules.faults` are as faults."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NIL = "00000000-0000-0000-0000-000000000000"
_NAMED = re.compile(r"(?P<name>.+?)[-_]v?(?P<version>\d[\w.]*?)(\.(?!\d)\w+)*")
_NAMES = {InstallOperation: "Install", UpdateOperation: "Update", UninstallOperation: "Uninstall"}
_MOVES = {"Idle": ("Stopping", "Idle"), "Active": ("Starting", "Active")}
_AT_REST = {"Starting": "Active", "Active": "Active", "Stopping": "Idle", "Idle": "Idle"}
_STARTED = {"true": "Active", "false": "Idle"}
"""What an execution unit is after a boot, by where it was going, and by its AutoStart where it has one."""


class Failed(Exception):
    """An operation cannot be carried out: fault 9001 to 9032 of its result."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text or FAULTS[code])
        self.code = code


class App(NamedTuple):
    """What is to be installed."""

    name: str
    version: str
    vendor: str
    description: str
    execution_unit: str
    manifest: Manifest | None


class Job:
    """A ChangeDUState under way: what is left of its operations, what came of the others."""

    __slots__ = ("autonomous", "began", "begun", "key", "left", "results", "unit")

    def __init__(self, operations: Sequence[Operation], key: str, autonomous: bool) -> None:
        self.left = tuple(operations)
        self.key = key
        self.autonomous = autonomous
        self.results: tuple[OperationResult, ...] = ()
        self.begun = False
        self.began = 0
        self.unit = ""
        """The path of the deployment unit that the operation under way is about."""


def modules(schema: Schema) -> SoftwareModules:
    """Return where software modules stand. Raises CwmpFault(9000) for a device that has none."""
    found = schema.software_modules
    if found is None:
        raise CwmpFault(9000, "ChangeDUState is not supported")
    return found


def change(agent: CwmpAgent, operations: Sequence[Operation], key: str, autonomous: bool = False) -> None:
    """Take a ChangeDUState, or what the device does of itself. Raises CwmpFault: 9000, 9003, 9004."""
    modules(agent.device.schema)
    if not operations:
        raise CwmpFault(9003, "no operations")
    if len(operations) > MOST_OPERATIONS:
        raise CwmpFault(9004, f"{len(operations)} operations, at most {MOST_OPERATIONS} are possible")
    work = agent.work()
    if len(work.jobs) >= MOST_JOBS:
        raise CwmpFault(9004, f"{MOST_JOBS} calls are under way already")
    work.jobs = (*work.jobs, Job(operations, key, autonomous))
    if agent.session is None:
        go_on(agent)


def go_on(agent: CwmpAgent) -> None:
    """Begin the next operation, unless one is under way or the device is not up."""
    work = agent.idle_work()
    if work is None or not work.jobs or work.jobs[0].begun or not agent.up:
        return
    job = work.jobs[0]
    job.begun, job.began, job.unit = True, agent.device.host.kernel.now, ""
    rules = modules(agent.device.schema)
    try:
        job.unit = _prepared(agent, rules, job.left[0])
    except Failed as failed:
        _done(agent, job, failed)
        return
    kernel = agent.device.host.kernel
    delay = rules.uninstall_delay if isinstance(job.left[0], UninstallOperation) else rules.install_delay
    kernel.at(kernel.now + delay, agent.device, _operated, (agent, job, len(job.left)))


def interrupt(agent: CwmpAgent) -> None:
    """Fail what is under way: power was lost, or the device reboots."""
    work = agent.idle_work()
    if work is not None and work.jobs and work.jobs[0].begun:
        job = work.jobs[0]
        _undo(agent, job)
        _done(agent, job, Failed(9001, "interrupted by a loss of power or a reboot"))


def install_again(agent: CwmpAgent, unit: str, text: str) -> None:
    """Let the data model have what an app brought in an earlier run, unless the profile has no room for it now."""
    declared: Any = agent.device.schema.extension.get("apps") or ()
    manifest = next((each for each in declared if each.text == text), None) or _read(text.encode())[0]
    if manifest is None:
        return
    try:
        _bring(agent, unit, _of(manifest))
    except Failed:
        return  # The profile has these parameters itself by now.


def booted(agent: CwmpAgent) -> None:
    """Let the execution units be up that start with the device, and no others (TR-181, ExecutionUnit AutoStart)."""
    rules = agent.device.schema.software_modules
    if rules is None:
        return
    table = f"{rules.path}ExecutionUnit."
    for number in agent.device.instances(table):
        path = f"{table}{number}."
        status = _get(agent, path, "Status")
        if status in _AT_REST:
            rest = _STARTED.get(_get(agent, path, "AutoStart"), _AT_REST[status])
            if rest != status:
                _put(agent, path, Status=rest)


def forget(agent: CwmpAgent) -> None:
    """Drop what is under way, and the data model of what was installed: a factory reset."""
    work = agent.idle_work()
    if work is None:
        return
    work.jobs, work.apps = (), {}
    if work.schema is not None:
        agent.device.adopt(work.schema)
        work.schema = None


# --- An operation -------------------------------------------------------------------------------------------------


def _prepared(agent: CwmpAgent, rules: SoftwareModules, operation: Operation) -> str:
    """Check an operation and show that it has begun; return its deployment unit's path. Raises Failed."""
    if isinstance(operation, InstallOperation):
        return _install_begins(agent, rules, operation)
    unit = _unit_of(agent, rules, operation.uuid, operation.version if _uninstalls(operation) else None)
    status = _get(agent, unit, "Status")
    if status not in ("Installed", ""):
        raise Failed(9029, f"the deployment unit is {status}")
    if isinstance(operation, UpdateOperation):
        _check_update(agent, unit, operation)
    _put(agent, unit, Status="Uninstalling" if _uninstalls(operation) else "Updating")
    _move_units(agent, unit, "Stopping")
    return unit


def _uninstalls(operation: Operation) -> bool:
    return isinstance(operation, UninstallOperation)


def _install_begins(agent: CwmpAgent, rules: SoftwareModules, operation: InstallOperation) -> str:
    if operation.uuid and not _UUID.fullmatch(operation.uuid):
        raise Failed(9022)
    environment = _environment(agent, rules, operation.execution_env_ref or "")
    app = _app(agent, operation.url, None)
    uuid = (operation.uuid or uuid5(f"{app.vendor}.{app.name}")).lower()
    same = [unit for unit in _units(agent, rules) if _get(agent, unit, "UUID").lower() == uuid]
    if any(_get(agent, unit, "Version") in ("", app.version) for unit in same):
        raise Failed(9026)
    table = f"{rules.path}DeploymentUnit."
    number = agent.device.add_object(table, "device")
    unit = f"{table}{number}."
    _put(
        agent,
        unit,
        UUID=uuid,
        DUID=f"du-{number}",
        Name=app.name,
        Status="Installing",
        Resolved="true",
        URL=operation.url,
        Vendor=app.vendor,
        Version=app.version,
        Description=app.description,
        ExecutionEnvRef=environment.rstrip("."),
    )
    return unit


def _check_update(agent: CwmpAgent, unit: str, operation: UpdateOperation) -> None:
    version, url = operation.version or "", operation.url or _get(agent, unit, "URL")
    app = _app(agent, url, version)
    present = _get(agent, unit, "Version")
    if not operation.url and not version:
        raise Failed(9031)
    if app.version == present:
        raise Failed(9032)
    if _ordered(app.version) < _ordered(present):
        raise Failed(9030)


def _ordered(version: str) -> tuple[tuple[int, str], ...]:
    """Return a version as something to compare: numbers by value, however long, and words before numbers."""
    parts = ((part, part.lstrip("0")) for part in re.split(r"[.\-_]", version))
    return tuple((len(digits), digits) if part.isdecimal() else (-1, part) for part, digits in parts)


def _operated(what: tuple[CwmpAgent, Job, int]) -> None:
    agent, job, left = what
    if job not in agent.work().jobs or len(job.left) != left or not job.begun:
        return
    operation = job.left[0]
    url = getattr(operation, "url", None)
    if not url or not _fetches(agent):
        _finish(agent, job, None)
        return

    def done(fetched: Fetched) -> None:
        if job in agent.work().jobs and len(job.left) == left and job.begun:
            _finish(agent, job, fetched)

    fetch = Fetch("GET", url, getattr(operation, "username", "") or "", getattr(operation, "password", "") or "")
    agent.device.host.fetch(agent.device, fetch, done)


def _fetches(agent: CwmpAgent) -> bool:
    block: Any = agent.device.schema.extension.get("transfer") or {}
    return bool(block.get("fetch"))


def _finish(agent: CwmpAgent, job: Job, fetched: Fetched | None) -> None:
    """Do what the operation under way says, and tell what came of it."""
    operation, unit = job.left[0], job.unit
    try:
        if isinstance(operation, UninstallOperation):
            _remove(agent, unit)
            _done(agent, job, None)
            return
        url = operation.url or _get(agent, unit, "URL")
        app = _app(agent, url, getattr(operation, "version", None), fetched)
        _refuse_declared(agent, app, url)
        _bring(agent, unit, app)
    except Failed as failed:
        _undo(agent, job)
        _done(agent, job, failed)
        return
    _put(agent, unit, Status="Installed", Version=app.version, URL=url, Description=app.description)
    if isinstance(operation, InstallOperation):
        _start(agent, unit, app)
    else:
        _move_units(agent, unit, "Starting")
        for each in _executions(agent, unit):
            _put(agent, each, Version=app.version)
    _done(agent, job, None)


def _undo(agent: CwmpAgent, job: Job) -> None:
    """Take back what an operation that has begun has shown."""
    if not job.unit:
        return
    if isinstance(job.left[0], InstallOperation):
        agent.device.delete_object(job.unit, "device")
    else:
        _put(agent, job.unit, Status="Installed")
        _move_units(agent, job.unit, "Starting")


def _done(agent: CwmpAgent, job: Job, failed: Failed | None) -> None:
    """Note the result of the operation under way; tell them all where it was the last."""
    operation, *left = job.left
    job.results = (*job.results, _result(agent, job, operation, failed))
    job.left, job.begun = tuple(left), False
    work = agent.work()
    if not left:
        work.jobs = tuple(other for other in work.jobs if other is not job)
        tell(agent, _completion(job))
    go_on(agent)


def _result(agent: CwmpAgent, job: Job, operation: Operation, failed: Failed | None) -> OperationResult:
    host = agent.device.host
    began, ended = (format_instant(host.start + each) for each in (job.began, host.kernel.now))
    unit = job.unit if job.unit and agent.device.exists(job.unit) else ""
    gone = isinstance(operation, UninstallOperation) and failed is None
    state = "Failed" if failed is not None else "Uninstalled" if gone else "Installed"
    return OperationResult(
        uuid=_get(agent, unit, "UUID") or _meant(operation),
        deployment_unit_ref=job.unit.rstrip(".") if unit or gone else "",
        version=_get(agent, unit, "Version") or getattr(operation, "version", None) or "",
        current_state=state,
        resolved=failed is None,
        execution_unit_ref_list=",".join(each.rstrip(".") for each in _executions(agent, unit)),
        start_time=began,
        complete_time=ended,
        fault_code=failed.code if failed is not None else 0,
        fault_string=str(failed)[:256] if failed is not None else "",
    )


def _meant(operation: Operation) -> str:
    """Return the UUID of what an operation without a deployment unit was about: a result must have one."""
    if operation.uuid and _UUID.fullmatch(operation.uuid):
        return operation.uuid
    return uuid5(operation.url) if isinstance(operation, InstallOperation) else _NIL


def _completion(job: Job) -> Untold:
    if not job.autonomous:
        told = (Event(events.DU_STATE_CHANGE_COMPLETE), Event(events.M_CHANGE_DU_STATE, job.key))
        return Untold("DUStateChangeComplete", {"results": job.results, "command_key": job.key}, told)
    results = tuple(
        AutonomousOperationResult(*result, operation_performed=performed)
        for result in job.results
        for performed in [_PERFORMED.get(result.current_state, "Install")]
    )
    of_itself = (Event(events.AUTONOMOUS_DU_STATE_CHANGE_COMPLETE),)
    return Untold("AutonomousDUStateChangeComplete", {"results": results}, of_itself)


_PERFORMED = {"Installed": "Install", "Uninstalled": "Uninstall"}


# --- Apps ---------------------------------------------------------------------------------------------------------


def uuid5(name: str) -> str:
    """Return the version 5 UUID of a name in the OID name space (RFC 4122, 4.3; TR-157 A.2 asks for such a one)."""
    space = bytes.fromhex("6ba7b8129dad11d180b400c04fd430c8")
    octets = bytearray(hashlib.sha1(space + name.encode(), usedforsecurity=False).digest()[:16])
    octets[6] = octets[6] & 0x0F | 0x50
    octets[8] = octets[8] & 0x3F | 0x80
    text = octets.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _app(agent: CwmpAgent, url: str, version: str | None, fetched: Fetched | None = None) -> App:
    """Return what is at a URL: by the fetched manifest, by one of the profile's, or by its name. Raises Failed."""
    if fetched is not None:
        return _fetched_app(url, fetched)
    try:
        segments = [unquote(segment) for segment in urlsplit(url).path.split("/") if segment]
    except ValueError:
        segments = []
    if not segments:
        raise Failed(9003, f"no URL of an app: {url!r}")
    found = _NAMED.fullmatch(segments[-1])
    name = found["name"] if found is not None else segments[-1].partition(".")[0]
    named = version or (found["version"] if found is not None else "")
    manifests: Any = agent.device.schema.extension.get("apps") or ()
    fitting = [each for each in manifests if each.name == name and named in ("", each.version)]
    if fitting:
        return _of(fitting[-1])
    return App(name, named or "1.0", "", "", name, None)


def _of(manifest: Manifest) -> App:
    return App(
        manifest.name,
        manifest.version,
        manifest.vendor,
        manifest.description,
        manifest.execution_unit,
        manifest,
    )


@lru_cache(maxsize=64)
def _read(octets: bytes) -> tuple[Manifest | None, str]:
    """Return (manifest, what is wrong with it): one object for all devices that fetch the same."""
    manifest, bag = read_manifest(octets, "the manifest")
    return manifest, "" if manifest is not None else str(next(iter(bag)).message)


def _fetched_app(url: str, fetched: Fetched) -> App:
    if fetched.failure:
        raise Failed(fetched.fault, f"{FAULTS[fetched.fault]}: {fetched.why}")
    if not fetched.ok:
        raise Failed(9016, f"{FAULTS[9016]}: HTTP status {fetched.status}")
    whole = fetched.size == len(fetched.head)
    manifest, why = _read(fetched.head) if whole else (None, f"{fetched.size} octets are no manifest")
    if manifest is None:
        raise Failed(9018, f"{FAULTS[9018]}: {why}")
    return _of(manifest)


def _refuse_declared(agent: CwmpAgent, app: App, url: str) -> None:
    faults = modules(agent.device.schema).faults
    for key in (app.name, url):
        if key in faults:
            reason, message = faults[key]
            raise Failed(REASONS[reason], message or FAULTS[REASONS[reason]])


def _bring(agent: CwmpAgent, unit: str, app: App) -> None:
    """Let the data model grow by what an app brings, in the place of what its version before brought. Raises Failed."""
    work, device = agent.work(), agent.device
    if app.manifest is None and unit not in work.apps:
        return
    base = work.schema or device.schema
    others = {key: manifest for key, manifest in work.apps.items() if key != unit}
    if app.manifest is not None:
        clash = app.manifest.clash(grown(base, tuple(others.values())))
        if clash:
            raise Failed(9018, f"{FAULTS[9018]}: {clash} exists already")
        others[unit] = app.manifest
    work.schema, work.apps = base, others
    device.adopt(grown(base, tuple(others.values())))


def _remove(agent: CwmpAgent, unit: str) -> None:
    work, device = agent.work(), agent.device
    for each in _executions(agent, unit):
        device.delete_object(each, "device")
    device.delete_object(unit, "device")
    if unit in work.apps:
        del work.apps[unit]
        assert work.schema is not None
        device.adopt(grown(work.schema, tuple(work.apps.values())))


# --- Units in the tree --------------------------------------------------------------------------------------------


def _get(agent: CwmpAgent, row: str, name: str) -> str:
    path = row + name
    return agent.device.get(path) if row and agent.device.leaf(path) is not None else ""


def _put(agent: CwmpAgent, row: str, **values: str) -> None:
    """Write what the row has of these."""
    for name, value in values.items():
        if agent.device.leaf(row + name) is not None:
            agent.device.write(row + name, value, "device")


def _units(agent: CwmpAgent, rules: SoftwareModules) -> list[str]:
    table = f"{rules.path}DeploymentUnit."
    return [f"{table}{number}." for number in agent.device.instances(table)]


def _unit_of(agent: CwmpAgent, rules: SoftwareModules, uuid: str | None, version: str | None) -> str:
    """Return the deployment unit with that UUID. Raises Failed: 9022 for what is none, 9028 where there is none."""
    if not uuid or not _UUID.fullmatch(uuid):
        raise Failed(9022)
    for unit in _units(agent, rules):
        known = _get(agent, unit, "UUID").lower() == uuid.lower()
        if known and (not version or _get(agent, unit, "Version") == version):
            return unit
    raise Failed(9028)


def _environment(agent: CwmpAgent, rules: SoftwareModules, wanted: str) -> str:
    """Return the path of the execution environment to install in. Raises Failed: 9023, 9024."""
    device = agent.device
    number = next(
        (int(name) for name in device.schema.objects[f"{rules.path}ExecEnv."].children if name.isdecimal()), 1
    )
    path = f"{wanted.rstrip('.')}." if wanted else f"{rules.path}ExecEnv.{number}."
    if not path.startswith(f"{rules.path}ExecEnv.") or not device.exists(path):
        raise Failed(9023)
    if _get(agent, path, "Enable") == "false" or _get(agent, path, "Status") in ("Disabled", "Error"):
        raise Failed(9024)
    return path


def _executions(agent: CwmpAgent, unit: str) -> list[str]:
    """Return the paths of a deployment unit's execution units."""
    listed = _get(agent, unit, "ExecutionUnitList").split(",")
    return [f"{each.strip().rstrip('.')}." for each in listed if each.strip()]


def _start(agent: CwmpAgent, unit: str, app: App) -> None:
    """Make the execution unit of a new deployment unit, and start it."""
    table = f"{modules(agent.device.schema).path}ExecutionUnit."
    number = agent.device.add_object(table, "device")
    path = f"{table}{number}."
    environment = _get(agent, unit, "ExecutionEnvRef")
    _put(
        agent,
        path,
        EUID=f"eu-{number}",
        Name=app.execution_unit,
        ExecEnvLabel=app.execution_unit,
        Vendor=app.vendor,
        Version=app.version,
        Description=app.description,
        References="",
        ExecutionEnvRef=environment,
        AutoStart="true",
    )
    _put(agent, unit, ExecutionUnitList=path.rstrip("."))
    _move_units(agent, unit, "Starting")


def _move_units(agent: CwmpAgent, unit: str, status: str) -> None:
    """Let the execution units of a deployment unit start or stop."""
    for each in _executions(agent, unit):
        _move(agent, each, status)


def _move(agent: CwmpAgent, path: str, status: str) -> None:
    _put(agent, path, Status=status)
    kernel = agent.device.host.kernel
    kernel.at(kernel.now + START, agent.device, _moved, (agent, path, status))


def _moved(what: tuple[CwmpAgent, str, str]) -> None:
    agent, path, status = what
    if _get(agent, path, "Status") == status:
        _put(agent, path, Status="Active" if status == "Starting" else "Idle")


# --- What an ACS sets ---------------------------------------------------------------------------------------------


def refuses(agent: CwmpAgent, path: str, value: str) -> bool:
    """Whether a value is none for RequestedState of an execution unit."""
    return _is_request(agent, path) and value not in _MOVES


def written(agent: CwmpAgent, paths: Mapping[str, str]) -> None:
    """Start or stop execution units whose RequestedState was set to what it can be (TR-157, ExecutionUnit)."""
    if agent.device.schema.software_modules is None:
        return
    for path, value in paths.items():
        if _is_request(agent, path) and value in _MOVES:
            unit = path.rpartition(".")[0] + "."
            moving, there = _MOVES[value]
            if _get(agent, unit, "Status") not in (moving, there):
                _move(agent, unit, moving)


def _is_request(agent: CwmpAgent, path: str) -> bool:
    rules = agent.device.schema.software_modules
    return rules is not None and path.startswith(f"{rules.path}ExecutionUnit.") and path.endswith(".RequestedState")
