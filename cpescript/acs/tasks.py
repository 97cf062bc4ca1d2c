"""Tasks: one RPC that a device is to be asked, with what becomes of its answer.

A task is an order or a rule's action, filled in for one device. Paths are made absolute when it is sent, since only
then the device's root is known for sure. A task stays at the head of its device's queue until it is answered, so that a
session that breaks off loses nothing; how often it is sent again is bounded by its verb.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from cpescript.acs.records import DeviceRecord
from cpescript.acs.rules import fill
from cpescript.cwmp.message import (
    InstallOperation,
    Message,
    ParameterValue,
    TimeWindow,
    UninstallOperation,
    UpdateOperation,
)
from cpescript.kernel.time import SECOND

WINDOW_MODES: Mapping[str, str] = {
    "any-time": "1 At Any Time",
    "immediately": "2 Immediately",
    "when-idle": "3 When Idle",
    "confirmation": "4 Confirmation Needed",
}
"""Words of a policy for the WindowModes of a ScheduleDownload (A.4.1.8)."""
UNLIMITED_RETRIES = -1
"""MaxRetries -1: the device decides."""
UNKNOWN_TRANSFER_SIZE = 0
"""FileSize 0: the ACS does not say (A.3.2.8)."""


class Outcome(NamedTuple):
    """How a task or transfer ended: `fault` 0 is success, `response` the answer where there was one."""

    response: Message | None
    fault: int = 0
    text: str = ""


LOST = -1
"""Pseudo fault code of an Outcome: the device never answered."""


class TaskOwner(Protocol):
    """Whoever wants to know what became of a task: a campaign's entry."""

    def finished(self, task: Task, outcome: Outcome) -> None:
        """The device has answered the RPC, refused it, or never answered."""

    def transferred(self, outcome: Outcome) -> None:
        """A transfer that the task began has ended."""


class Task:
    """One RPC for one device. `arguments` are an order's, absolute or below the device's root, all names filled in."""

    __slots__ = ("arguments", "command_key", "due", "owner", "rule", "sent", "tries", "verb")

    def __init__(
        self,
        verb: str,
        arguments: Mapping[str, Any],
        command_key: str = "",
        owner: TaskOwner | None = None,
        rule: int | None = None,
    ) -> None:
        self.verb = verb
        self.arguments = arguments
        self.command_key = command_key
        self.owner = owner
        self.rule = rule
        """The place in the policy of the rule that asked for it."""
        self.due = 0
        """Not to be sent before this instant."""
        self.sent = 0
        """How often it was sent without an answer."""
        self.tries = 0
        """How often it was refused."""

    @property
    def kind(self) -> str:
        """The RPC's name."""
        return RPCS[self.verb].kind

    def message(self, root: str, number: int, version: str, parameter_key: str) -> Message:
        """Return the request with that message ID, paths below `root`."""
        rpc = RPCS[self.verb]
        return Message(rpc.kind, rpc.fields(self, root, parameter_key), str(number), version)


def absolute(path: str, root: str) -> str:
    """Return a path that begins with a dot as one below `root`; any other as it is."""
    return root + path[1:] if path.startswith(".") else path


def values(task: Task, root: str) -> tuple[ParameterValue, ...]:
    """Return what a `set` task sets, paths absolute."""
    return tuple(ParameterValue(absolute(path, root), text, type) for path, text, type in task.arguments["settings"])


def _set(task: Task, root: str, key: str) -> dict[str, Any]:
    return {"parameter_list": values(task, root), "parameter_key": key}


def _get(task: Task, root: str, key: str) -> dict[str, Any]:
    return {"parameter_names": tuple(absolute(path, root) for path in task.arguments["paths"])}


def _object(task: Task, root: str, key: str) -> dict[str, Any]:
    return {"object_name": absolute(task.arguments["path"], root), "parameter_key": key}


def _download(task: Task, root: str, key: str) -> dict[str, Any]:
    return {
        **_transfer(task, root, key),
        "file_size": task.arguments.get("file_size", UNKNOWN_TRANSFER_SIZE),
        "target_file_name": "",
        "delay_seconds": 0,
        "success_url": "",
        "failure_url": "",
    }


def _schedule_download(task: Task, root: str, key: str) -> dict[str, Any]:
    arguments = task.arguments
    mode = WINDOW_MODES[arguments.get("mode", "any-time")]
    start, end = (arguments[name] // SECOND for name in ("start", "end"))
    window = TimeWindow(start, end, mode, "", arguments.get("retries", UNLIMITED_RETRIES))
    return {
        **_transfer(task, root, key),
        "file_size": arguments.get("file_size", UNKNOWN_TRANSFER_SIZE),
        "target_file_name": "",
        "time_window_list": (window,),
    }


def _change(operation: Callable[..., tuple[Any, ...]]) -> Callable[[Task, str, str], dict[str, Any]]:
    """Return what makes a ChangeDUState of one operation with a task's arguments."""
    return lambda task, root, key: {"operations": (operation(**task.arguments),), "command_key": task.command_key}


def _upload(task: Task, root: str, key: str) -> dict[str, Any]:
    return {**_transfer(task, root, key), "delay_seconds": 0}


def _transfer(task: Task, root: str, key: str) -> dict[str, Any]:
    arguments = task.arguments
    return {
        "command_key": task.command_key,
        "file_type": arguments["file_type"],
        "url": arguments["url"],
        "username": "",
        "password": "",
    }


def _command(task: Task, root: str, key: str) -> dict[str, Any]:
    return {"command_key": task.command_key}


def _nothing(task: Task, root: str, key: str) -> dict[str, Any]:
    return {}


class Rpc(NamedTuple):
    """How a verb becomes an RPC. `sends` bounds how often it is sent while no answer comes: what does no harm when done
    twice may be sent more often than what does."""

    kind: str
    fields: Callable[[Task, str, str], dict[str, Any]]
    sends: int


RPCS: Mapping[str, Rpc] = {
    "set": Rpc("SetParameterValues", _set, 3),
    "get": Rpc("GetParameterValues", _get, 3),
    "add": Rpc("AddObject", _object, 2),
    "delete": Rpc("DeleteObject", _object, 2),
    "download": Rpc("Download", _download, 2),
    "upload": Rpc("Upload", _upload, 2),
    "schedule-download": Rpc("ScheduleDownload", _schedule_download, 2),
    "install": Rpc("ChangeDUState", _change(InstallOperation), 2),
    "update": Rpc("ChangeDUState", _change(UpdateOperation), 2),
    "uninstall": Rpc("ChangeDUState", _change(UninstallOperation), 2),
    "reboot": Rpc("Reboot", _command, 2),
    "factory-reset": Rpc("FactoryReset", _nothing, 2),
}

TRANSFERS = frozenset({"download", "schedule-download", "upload"})
KEYED = TRANSFERS | {"install", "update", "uninstall"}
"""Verbs whose RPC has a CommandKey of its own."""
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "M Reboot": ("reboot",),
    "M Download": ("download",),
    "M ScheduleDownload": ("schedule-download",),
    "M Upload": ("upload",),
    "M ChangeDUState": ("install", "update", "uninstall"),
}
"""Events that, with a task's own CommandKey, prove that the device got it although its answer was lost."""


def fill_arguments(
    arguments: Mapping[str, Any], names: Mapping[str, str], look: Callable[[str], str]
) -> dict[str, Any]:
    """Return a rule's arguments with every `{name}` filled in; a setting without a type gets the one of its look."""
    filled: dict[str, Any] = {}
    for name, value in arguments.items():
        if name == "settings":
            filled[name] = [
                (fill(path, names), (text := fill(raw, names)), type or look(text)) for path, raw, type in value
            ]
        elif name == "paths":
            filled[name] = [fill(path, names) for path in value]
        else:
            filled[name] = fill(value, names) if isinstance(value, str) else value
    return filled


class Report(NamedTuple):
    """A task that failed, as the ACS remembers it: virtual ns, device, RPC, fault code and text."""

    at: int
    record: DeviceRecord
    kind: str
    fault: int
    text: str
