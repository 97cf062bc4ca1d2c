"""How a device answers the RPCs of an ACS (TR-069 A.3.2, A.4.1): one function an RPC, found by its name in `ANSWERS`.

Adding an RPC takes its row in `rpcs` and one function here. A function gets the session and the request, does what is
asked, and returns the fields of the response, or raises `CwmpFault`. Whatever has no function faults with 9000.

An absent text or number reads as empty or 0, an absent list or boolean and any value that does not fit its type is
9003: that is what devices in the field forgive, and what they do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from sys import intern
from typing import TYPE_CHECKING, Any

from cpescript.cwmp import diagnosis, inform, modules, movements, schedule, transfers, vouchers
from cpescript.cwmp.faults import CwmpFault
from cpescript.cwmp.message import (
    Message,
    Option,
    ParameterAttributes,
    ParameterAttributesSetting,
    ParameterFault,
    ParameterInfo,
    ParameterValue,
    QueuedTransfer,
    fault,
)
from cpescript.cwmp.rpcs import FAULTS, MESSAGES, RPCS
from cpescript.device.device import DataModelFault

if TYPE_CHECKING:
    from cpescript.cwmp.session import Session
    from cpescript.device.device import Device
    from cpescript.device.schema import Schema

Fields = Mapping[str, Any]
Answer = Callable[["Session", Message], Fields]

ANSWERS: dict[str, Answer] = {}
"""RPC name to the function that answers it, in the order in which GetRPCMethods lists them."""

KEY_LENGTH = 32
"""Characters of a ParameterKey or CommandKey (cwmp-1-2.xsd)."""


def answers(name: str) -> Callable[[Answer], Answer]:
    """Register the function that answers the RPC called `name`."""

    def register(function: Answer) -> Answer:
        ANSWERS[name] = function
        return function

    return register


def answer(session: Session, request: Message) -> Message:
    """Carry out an RPC and return the response or Fault; ID and namespace are the session's to fill in."""
    function = ANSWERS.get(request.kind) if request.kind in supported(session.device.schema) else None
    try:
        if function is None:
            raise CwmpFault(9000, f"{request.kind} is not supported")
        return Message(intern(f"{request.kind}Response"), function(session, request))
    except CwmpFault as refused:
        return fault(refused.code, str(refused), parameter_faults=refused.parameter_faults)
    except DataModelFault as refused:
        return fault(refused.code, str(refused))


_DECLARED: Mapping[str, Callable[[Schema], object]] = {
    "ChangeDUState": lambda schema: schema.software_modules,
    "GetOptions": lambda schema: schema.extension.get("options"),
    "SetVouchers": lambda schema: schema.extension.get("options"),
}
"""RPCs that a device has only where its profile has what they are about."""

OPTIONAL = frozenset(
    {
        "CancelTransfer",
        "FactoryReset",
        "GetAllQueuedTransfers",
        "GetQueuedTransfers",
        "ScheduleDownload",
        "ScheduleInform",
        "Upload",
    }
)
"""What a profile may leave out besides (`x-cpescript: {rpcs_without: …}`): the standard does not ask it of a CPE
(Table 6)."""


@lru_cache(maxsize=256)
def supported(schema: Schema) -> tuple[str, ...]:
    """Return the RPCs that devices of a profile answer, in the order in which GetRPCMethods lists them."""
    without: Any = schema.extension.get("rpcs_without") or ()
    version = inform.cwmp_version(schema)
    return tuple(
        name
        for name in ANSWERS
        if RPCS[name].since <= version
        and (name not in without or name not in OPTIONAL)
        and (name not in _DECLARED or _DECLARED[name](schema) is not None)
    )


# --- Arguments ----------------------------------------------------------------------------------------------------

_PYTHON: Mapping[str, Any] = {"int": int, "unsignedInt": int, "boolean": bool, "list": tuple}


def argument(request: Message, name: str) -> Any:
    """Return an argument by its snake-case name. Raises CwmpFault(9003) where it is missing or of another type."""
    kind = MESSAGES[request.kind].names[name]
    value: Any = request.fields.get(name)
    if value is None:
        if kind in ("list", "boolean"):
            raise CwmpFault(9003, f"{request.kind} has no {name}")
        return "" if kind not in _PYTHON else 0
    wanted = _PYTHON.get(kind, str)
    if not isinstance(value, wanted) or (kind == "unsignedInt" and value < 0):
        raise CwmpFault(9003, f"{name} is no {kind}: {value!r}")
    return value


def key_argument(request: Message, name: str) -> str:
    """Return a ParameterKey or CommandKey. Raises CwmpFault(9003) for one that is too long."""
    key: str = argument(request, name)
    if len(key) > KEY_LENGTH:
        raise CwmpFault(9003, f"{name} has {len(key)} characters, at most {KEY_LENGTH} fit")
    return key


def _leaves(device: Device, names: Iterable[str]) -> list[str]:
    """Return the leaves that names and partial paths stand for, each once. Raises CwmpFault(9005)."""
    found: dict[str, None] = {}
    for name in names:
        if name and not name.endswith("."):
            if device.leaf(name) is None:
                raise CwmpFault(9005, f"{name} does not exist")
            found[name] = None
        else:
            try:
                found.update(dict.fromkeys(device.leaves(name)))
            except KeyError:
                raise CwmpFault(9005, f"{name} does not exist") from None
    return list(found)


def _set_parameter_key(session: Session, key: str) -> None:
    path = f"{session.device.schema.management_server}ParameterKey"
    if session.device.leaf(path) is not None:
        session.device.write(path, key, "acs")


# --- Any session (A.3.1) ------------------------------------------------------------------------------------------


@answers("GetRPCMethods")
def get_rpc_methods(session: Session, request: Message) -> Fields:
    return {"method_list": supported(session.device.schema)}


# --- Parameters (A.3.2.1 to A.3.2.5) ------------------------------------------------------------------------------


@answers("SetParameterValues")
def set_parameter_values(session: Session, request: Message) -> Fields:
    """All or nothing, and every bad parameter in the Fault (A.3.2.1). The type on the wire is not held against it."""
    device = session.device
    settings: tuple[ParameterValue, ...] = argument(request, "parameter_list")
    key = key_argument(request, "parameter_key")
    faults, seen = [], set()
    for name, value, _ in settings:
        code = 9003 if name in seen else device.check(name, value)
        if not code and (diagnosis.refuses(device, name, value) or modules.refuses(session.agent, name, value)):
            code = 9007
        seen.add(name)
        if code:
            faults.append(ParameterFault(name, code, FAULTS[code]))
    if faults:
        raise CwmpFault(9003, FAULTS[9003], tuple(faults))
    hooks = session.agent.hooks
    written = {}
    for name, value, _ in settings:
        stored: str | None = value
        if hooks is not None:
            for hook in hooks.get("data-model", ()):
                if stored is not None:
                    stored = hook.data_model(device, name, stored)
        if stored is not None:
            device.write(name, stored, "acs")
            written[name] = stored
    diagnosis.written(session.agent, written)
    modules.written(session.agent, written)
    _set_parameter_key(session, key)
    return {"status": 0}


@answers("GetParameterValues")
def get_parameter_values(session: Session, request: Message) -> Fields:
    """Values of leaves and of all below partial paths; what the data model hides reads as empty."""
    device = session.device
    names = argument(request, "parameter_names")
    if not names:
        raise CwmpFault(9003, "no parameter names")
    found = []
    for path in _leaves(device, names):
        leaf = device.leaf(path)
        assert leaf is not None
        found.append(ParameterValue(path, device.shown(path), leaf.type))
    return {"parameter_list": tuple(found)}


@answers("GetParameterNames")
def get_parameter_names(session: Session, request: Message) -> Fields:
    path, next_level = argument(request, "parameter_path"), argument(request, "next_level")
    try:
        found = session.device.names(path, next_level)
    except KeyError:
        raise CwmpFault(9005, f"{path} does not exist") from None
    return {"parameter_list": tuple([ParameterInfo(name, writable) for name, writable in found])}


@answers("SetParameterAttributes")
def set_parameter_attributes(session: Session, request: Message) -> Fields:
    """All or nothing; only what is marked as changed changes (A.3.2.4)."""
    device = session.device
    settings: tuple[ParameterAttributesSetting, ...] = argument(request, "parameter_list")
    if not settings:
        raise CwmpFault(9003, "no parameters")
    before: list[tuple[str, int, tuple[str, ...]]] = []
    try:
        for setting in settings:
            if not isinstance(setting.notification, int):
                raise CwmpFault(9003, f"Notification of {setting.name} is no number: {setting.notification!r}")
            for path in _leaves(device, (setting.name,)):
                before.append((path, device.notification(path), device.access_list(path)))
            device.set_attributes(
                setting.name,
                setting.notification if setting.notification_change is True else None,
                setting.access_list if setting.access_list_change is True else None,
            )
    except (CwmpFault, DataModelFault):
        for path, notification, access_list in reversed(before):
            device.set_attributes(path, notification, access_list)
        raise
    movements.arm(session.agent)
    return {}


@answers("GetParameterAttributes")
def get_parameter_attributes(session: Session, request: Message) -> Fields:
    device = session.device
    names = argument(request, "parameter_names")
    if not names:
        raise CwmpFault(9003, "no parameter names")
    return {
        "parameter_list": tuple(
            [
                ParameterAttributes(path, device.notification(path), device.access_list(path))
                for path in _leaves(device, names)
            ]
        )
    }


# --- Objects (A.3.2.6, A.3.2.7) -----------------------------------------------------------------------------------


@answers("AddObject")
def add_object(session: Session, request: Message) -> Fields:
    name, key = argument(request, "object_name"), key_argument(request, "parameter_key")
    if not name.endswith("."):
        raise CwmpFault(9005, f"{name} does not end in a dot")
    number = session.device.add_object(name)
    _set_parameter_key(session, key)
    return {"instance_number": number, "status": 0}


@answers("DeleteObject")
def delete_object(session: Session, request: Message) -> Fields:
    name, key = argument(request, "object_name"), key_argument(request, "parameter_key")
    if not name.endswith("."):
        raise CwmpFault(9005, f"{name} does not end in a dot")
    session.device.delete_object(name)
    _set_parameter_key(session, key)
    return {"status": 0}


# --- Power (A.3.2.9, A.4.1.6) -------------------------------------------------------------------------------------


@answers("Reboot")
def reboot(session: Session, request: Message) -> Fields:
    session.agent.reboot_after_session(key_argument(request, "command_key"))
    return {}


@answers("FactoryReset")
def factory_reset(session: Session, request: Message) -> Fields:
    session.agent.factory_reset_after_session()
    return {}


# --- Transfers (A.3.2.8, A.4.1.5) ---------------------------------------------------------------------------------

_LATER: Fields = {"status": 1, "start_time": transfers.UNKNOWN_TIME, "complete_time": transfers.UNKNOWN_TIME}


def _accept(session: Session, request: Message) -> None:
    """Accept a transfer for later; how it ended is told by a TransferComplete."""
    fields = {name: argument(request, name) for name in MESSAGES[request.kind].names}
    fields["command_key"] = key_argument(request, "command_key")
    transfers.begin(session.agent, request.kind, fields)


def _transfer(session: Session, request: Message) -> Fields:
    _accept(session, request)
    return _LATER


answers("Download")(_transfer)
answers("Upload")(_transfer)


@answers("ScheduleDownload")
def schedule_download(session: Session, request: Message) -> Fields:
    _accept(session, request)
    return {}


@answers("CancelTransfer")
def cancel_transfer(session: Session, request: Message) -> Fields:
    transfers.cancel(session.agent, key_argument(request, "command_key"))
    return {}


@answers("GetQueuedTransfers")
def get_queued_transfers(session: Session, request: Message) -> Fields:
    found = transfers.queued(session.agent)
    return {"transfer_list": tuple(QueuedTransfer(each.command_key, each.state) for each in found)}


@answers("GetAllQueuedTransfers")
def get_all_queued_transfers(session: Session, request: Message) -> Fields:
    return {"transfer_list": transfers.queued(session.agent)}


@answers("ChangeDUState")
def change_du_state(session: Session, request: Message) -> Fields:
    modules.change(session.agent, argument(request, "operations"), key_argument(request, "command_key"))
    return {}


@answers("ScheduleInform")
def schedule_inform(session: Session, request: Message) -> Fields:
    delay, key = argument(request, "delay_seconds"), key_argument(request, "command_key")
    if delay == 0:
        raise CwmpFault(9003, "DelaySeconds must be greater than 0")
    schedule.inform_later(session.agent, delay, key)
    return {}


# --- Options (A.4.1.3, A.4.1.4) -----------------------------------------------------------------------------------


@answers("SetVouchers")
def set_vouchers(session: Session, request: Message) -> Fields:
    vouchers.take(session.device, argument(request, "voucher_list"))
    return {}


@answers("GetOptions")
def get_options(session: Session, request: Message) -> Fields:
    wanted = argument(request, "option_name")
    declared: Any = session.device.schema.extension["options"]
    if wanted and wanted not in declared:
        raise CwmpFault(9003, f"there is no option {wanted!r}")
    start = transfers.UNKNOWN_TIME
    return {
        "option_list": tuple(
            Option(name, option.get("voucher_sn", 0), option.get("state", 0), option.get("mode", 0), start)
            for name, option in declared.items()
            if wanted in ("", name)
        )
    }
