"""The RPC catalogue: every message of CWMP 1.4 as one literal table, from which codec, checker and pages work.

A row names an RPC, who may call it, the CWMP version that brought it, and the elements of its call and of its response
as words `Element:type`:

* no type is xsd:string; `int`, `unsignedInt`, `boolean`, `dateTime`, `base64` are XSD's;
* `X[]` is a SOAP array (with soapenc:arrayType), `X*` an element that may be repeated, `?` after the element marks it
  as optional;
* a structure's name (`STRUCTURES`) is a nested element; one that stands alone is flattened: its elements become fields
  of the message (`DeviceId` gives `manufacturer`, `oui`, …).

Fields are called as the element in snake case: `SuccessURL` is `success_url`. Two are renamed (`RENAMED`).

Sources: the message schemas cwmp-1-0.xsd to cwmp-1-4.xsd of TR-069 (Annex A).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Side = Literal["acs", "cpe", "both"]
"""Who sends a message."""

Many = Literal["", "[]", "*"]
"""How often an element's type comes: once, as the members of a SOAP array, or by repeating the element."""


@dataclass(frozen=True, slots=True)
class Field:
    """One element of a message or structure: its name on the wire, its snake-case name, its type and multiplicity."""

    element: str
    name: str
    type: str
    many: Many = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Structure:
    """A nested type. `flat` says that its elements become fields of whatever holds it."""

    name: str
    fields: tuple[Field, ...]
    flat: bool = False


@dataclass(frozen=True, slots=True)
class Rpc:
    """A row of the catalogue: the method, who calls it, since which CWMP version, and both messages' elements."""

    name: str
    caller: Side
    since: str
    call: tuple[Field, ...]
    response: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class MessageType:
    """A message that may stand in a SOAP body: `kind` is its element, `sender` who sends it.

    `names` maps each field that a claim can ask for to its type: a simple XSD type, or `list`.
    `paths` is the field that holds the parameter names the message is about, empty where it has none.
    """

    kind: str
    rpc: str
    response: bool
    sender: Side
    since: str
    fields: tuple[Field, ...]
    names: Mapping[str, str]
    paths: str


RENAMED = {"SetParameterValuesFault": "parameter_faults", "Event": "event"}
"""Elements whose field is not called after them."""

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"(\w+)(\?)?(?::(\w+)(\[\]|\*)?)?")


def snake_case(element: str) -> str:
    """Return an element's name in snake case: `SuccessURL` is `success_url`, `OUI` is `oui`."""
    return RENAMED.get(element) or _BOUNDARY.sub("_", element).lower()


def _fields(text: str) -> tuple[Field, ...]:
    found = []
    for word in text.split():
        match = _WORD.fullmatch(word)
        assert match is not None, word
        element, optional, kind, many = match.groups()
        times: Many = "[]" if many == "[]" else "*" if many == "*" else ""
        found.append(Field(element, snake_case(element), kind or "string", times, bool(optional)))
    return tuple(found)


def _structure(name: str, elements: str, flat: bool = False) -> Structure:
    return Structure(name, _fields(elements), flat)


STRUCTURES: Mapping[str, Structure] = {
    each.name: each
    for each in (
        _structure("DeviceIdStruct", "Manufacturer OUI ProductClass SerialNumber", flat=True),
        _structure("FaultStruct", "FaultCode:unsignedInt FaultString", flat=True),
        _structure("EventStruct", "EventCode CommandKey"),
        _structure("ParameterValueStruct", "Name Value:typed"),
        _structure("ParameterInfoStruct", "Name Writable:boolean"),
        _structure("ParameterAttributeStruct", "Name Notification:int AccessList:string[]"),
        _structure(
            "SetParameterAttributesStruct",
            "Name NotificationChange:boolean Notification:int AccessListChange:boolean AccessList:string[]",
        ),
        _structure("SetParameterValuesFault", "ParameterName FaultCode:unsignedInt FaultString?"),
        _structure("QueuedTransferStruct", "CommandKey State:int"),
        _structure(
            "AllQueuedTransferStruct",
            "CommandKey State:int IsDownload:boolean FileType FileSize:unsignedInt TargetFileName",
        ),
        _structure(
            "TimeWindowStruct",
            "WindowStart:unsignedInt WindowEnd:unsignedInt WindowMode UserMessage MaxRetries:int",
        ),
        _structure("ArgStruct", "Name Value"),
        _structure(
            "OptionStruct",
            "OptionName VoucherSN:unsignedInt State:unsignedInt Mode:int StartDate:dateTime"
            " ExpirationDate?:dateTime IsTransferable:int",
        ),
        _structure("InstallOpStruct", "URL UUID? Username? Password? ExecutionEnvRef?"),
        _structure("UpdateOpStruct", "UUID? Version? URL? Username? Password?"),
        _structure("UninstallOpStruct", "UUID Version? ExecutionEnvRef?"),
        _structure(
            "OpResultStruct",
            "UUID DeploymentUnitRef Version CurrentState Resolved:boolean ExecutionUnitRefList"
            " StartTime:dateTime CompleteTime:dateTime Fault:FaultStruct",
        ),
        _structure(
            "AutonOpResultStruct",
            "UUID DeploymentUnitRef Version CurrentState Resolved:boolean ExecutionUnitRefList"
            " StartTime:dateTime CompleteTime:dateTime Fault:FaultStruct OperationPerformed",
        ),
    )
}
"""The nested types by their schema name; field names are the elements in snake case."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "OperationStruct": ("InstallOpStruct", "UpdateOpStruct", "UninstallOpStruct"),
}
"""Abstract types: which structures may stand for them, told apart by xsi:type."""


def _rpc(name: str, caller: Side, since: str, call: str = "", response: str = "") -> Rpc:
    return Rpc(name, caller, since, _fields(call), _fields(response))


_TRANSFER = "Status:int StartTime:dateTime CompleteTime:dateTime"

RPCS: Mapping[str, Rpc] = {
    each.name: each
    for each in (
        # Both sides (A.3.1, A.4.1).
        _rpc("GetRPCMethods", "both", "1.0", "", "MethodList:string[]"),
        # Called by the ACS, answered by the CPE (A.3.2, A.4.1).
        _rpc("SetParameterValues", "acs", "1.0", "ParameterList:ParameterValueStruct[] ParameterKey", "Status:int"),
        _rpc("GetParameterValues", "acs", "1.0", "ParameterNames:string[]", "ParameterList:ParameterValueStruct[]"),
        _rpc(
            "GetParameterNames",
            "acs",
            "1.0",
            "ParameterPath NextLevel:boolean",
            "ParameterList:ParameterInfoStruct[]",
        ),
        _rpc("SetParameterAttributes", "acs", "1.0", "ParameterList:SetParameterAttributesStruct[]"),
        _rpc(
            "GetParameterAttributes",
            "acs",
            "1.0",
            "ParameterNames:string[]",
            "ParameterList:ParameterAttributeStruct[]",
        ),
        _rpc("AddObject", "acs", "1.0", "ObjectName ParameterKey", "InstanceNumber:unsignedInt Status:int"),
        _rpc("DeleteObject", "acs", "1.0", "ObjectName ParameterKey", "Status:int"),
        _rpc("Reboot", "acs", "1.0", "CommandKey"),
        _rpc(
            "Download",
            "acs",
            "1.0",
            "CommandKey FileType URL Username Password FileSize:unsignedInt TargetFileName DelaySeconds:unsignedInt"
            " SuccessURL FailureURL",
            _TRANSFER,
        ),
        _rpc("Upload", "acs", "1.0", "CommandKey FileType URL Username Password DelaySeconds:unsignedInt", _TRANSFER),
        _rpc("FactoryReset", "acs", "1.0"),
        _rpc("GetQueuedTransfers", "acs", "1.0", "", "TransferList:QueuedTransferStruct[]"),
        _rpc("GetAllQueuedTransfers", "acs", "1.1", "", "TransferList:AllQueuedTransferStruct[]"),
        _rpc("ScheduleInform", "acs", "1.0", "DelaySeconds:unsignedInt CommandKey"),
        _rpc("SetVouchers", "acs", "1.0", "VoucherList:base64[]"),
        _rpc("GetOptions", "acs", "1.0", "OptionName", "OptionList:OptionStruct[]"),
        _rpc(
            "ScheduleDownload",
            "acs",
            "1.2",
            "CommandKey FileType URL Username Password FileSize:unsignedInt TargetFileName"
            " TimeWindowList:TimeWindowStruct[]",
        ),
        _rpc("CancelTransfer", "acs", "1.2", "CommandKey"),
        _rpc("ChangeDUState", "acs", "1.2", "Operations:OperationStruct* CommandKey?"),
        # Called by the CPE, answered by the ACS (A.3.3, A.4.2).
        _rpc(
            "Inform",
            "cpe",
            "1.0",
            "DeviceId:DeviceIdStruct Event:EventStruct[] MaxEnvelopes:unsignedInt CurrentTime:dateTime"
            " RetryCount:unsignedInt ParameterList:ParameterValueStruct[]",
            "MaxEnvelopes:unsignedInt",
        ),
        _rpc(
            "TransferComplete",
            "cpe",
            "1.0",
            "CommandKey FaultStruct:FaultStruct StartTime:dateTime CompleteTime:dateTime",
        ),
        _rpc(
            "AutonomousTransferComplete",
            "cpe",
            "1.1",
            "AnnounceURL TransferURL IsDownload:boolean FileType FileSize:unsignedInt TargetFileName"
            " FaultStruct:FaultStruct StartTime:dateTime CompleteTime:dateTime",
        ),
        _rpc("DUStateChangeComplete", "cpe", "1.2", "Results:OpResultStruct* CommandKey?"),
        _rpc("AutonomousDUStateChangeComplete", "cpe", "1.2", "Results:AutonOpResultStruct*"),
        _rpc("RequestDownload", "cpe", "1.0", "FileType FileTypeArg:ArgStruct[]"),
        _rpc("Kicked", "cpe", "1.0", "Command Referer Arg Next", "NextURL"),
    )
}
"""All RPCs of CWMP 1.0 to 1.4 by name."""

FAULT_FIELDS = _fields("FaultCode:unsignedInt FaultString? SetParameterValuesFault?:SetParameterValuesFault*")
"""The detail of a SOAP Fault (A.5)."""

_OF_RESULTS = {"states": "list", "fault_codes": "list"}
DERIVED: Mapping[str, Mapping[str, str]] = {
    "Inform": {"events": "list"},
    "DUStateChangeComplete": _OF_RESULTS,
    "AutonomousDUStateChangeComplete": _OF_RESULTS,
}
"""Fields that no element carries: `events` of an Inform are its event codes; `states` and `fault_codes` those of each
result, in order."""

_PATH_FIELDS = ("parameter_list", "parameter_names", "parameter_path", "object_name", "parameter_faults")


def flat_fields(fields: tuple[Field, ...]) -> list[Field]:
    """Return the fields with structures that stand alone replaced by their own."""
    flat: list[Field] = []
    for field in fields:
        structure = STRUCTURES.get(field.type)
        if structure is not None and structure.flat and not field.many:
            flat.extend(structure.fields)
        else:
            flat.append(field)
    return flat


def _message(kind: str, rpc: str, response: bool, sender: Side, since: str, fields: tuple[Field, ...]) -> MessageType:
    names = {field.name: "list" if field.many else field.type for field in flat_fields(fields)}
    names.update(DERIVED.get(kind, {}))
    paths = next((name for name in _PATH_FIELDS if name in names), "")
    return MessageType(kind, rpc, response, sender, since, fields, MappingProxyType(names), paths)


_OTHER: Mapping[Side, Side] = {"acs": "cpe", "cpe": "acs", "both": "both"}

MESSAGES: Mapping[str, MessageType] = {
    each.kind: each
    for rpc in RPCS.values()
    for each in (
        _message(rpc.name, rpc.name, False, rpc.caller, rpc.since, rpc.call),
        _message(f"{rpc.name}Response", rpc.name, True, _OTHER[rpc.caller], rpc.since, rpc.response),
    )
} | {"Fault": _message("Fault", "", True, "both", "1.0", FAULT_FIELDS)}
"""Every message by kind: each RPC, each RPC's response, and Fault."""

EMPTY, HTTP_ERROR, GARBAGE, UNEXPECTED = "Empty", "HttpError", "Garbage", "Unexpected"
"""Kinds of what is on the wire without being a message: an empty POST or an empty answer; an answer with a status other
than 200 and 204; a body that is no CWMP envelope; a response that answers nothing (a wrong ID, the wrong kind)."""

_SHORT = {
    "GPV": "GetParameterValues",
    "SPV": "SetParameterValues",
    "GPN": "GetParameterNames",
    "GPA": "GetParameterAttributes",
    "SPA": "SetParameterAttributes",
}
ABBREVIATIONS: Mapping[str, str] = _SHORT | {f"{short}Response": f"{full}Response" for short, full in _SHORT.items()}
"""What engineers write for the long names, and for their responses."""

NAMESPACES: Mapping[str, str] = {
    "1.0": "urn:dslforum-org:cwmp-1-0",
    "1.1": "urn:dslforum-org:cwmp-1-1",
    "1.2": "urn:dslforum-org:cwmp-1-2",
}
"""Namespace by namespace version; CWMP 1.3 and 1.4 use that of 1.2 (TR-069 3.7.4)."""

CLIENT_FAULTS = frozenset({8003, 9003, 9005, 9006, 9007, 9008})
"""Faults whose SOAP faultcode is Client; all others are Server (A.5.1, A.5.2)."""

FAULTS: Mapping[int, str] = {
    8000: "Method not supported",
    8001: "Request denied",
    8002: "Internal error",
    8003: "Invalid arguments",
    8004: "Resources exceeded",
    8005: "Retry request",
    8006: "ACS version incompatible with CPE",
    9000: "Method not supported",
    9001: "Request denied",
    9002: "Internal error",
    9003: "Invalid arguments",
    9004: "Resources exceeded",
    9005: "Invalid parameter name",
    9006: "Invalid parameter type",
    9007: "Invalid parameter value",
    9008: "Attempt to set a non-writable parameter",
    9009: "Notification request rejected",
    9010: "File transfer failure",
    9011: "Upload failure",
    9012: "File transfer server authentication failure",
    9013: "Unsupported protocol for file transfer",
    9014: "File transfer failure: unable to join multicast group",
    9015: "File transfer failure: unable to contact file server",
    9016: "File transfer failure: unable to access file",
    9017: "File transfer failure: unable to complete download",
    9018: "File transfer failure: file corrupted",
    9019: "File transfer failure: file authentication failure",
    9020: "File transfer failure: unable to complete download within specified time windows",
    9021: "Cancelation of file transfer not permitted in current transfer state",
    9022: "Invalid UUID format",
    9023: "Unknown Execution Environment",
    9024: "Disabled Execution Environment",
    9025: "Deployment Unit to Execution Environment mismatch",
    9026: "Duplicate Deployment Unit",
    9027: "System resources exceeded",
    9028: "Unknown Deployment Unit",
    9029: "Invalid Deployment Unit state",
    9030: "Invalid Deployment Unit update: downgrade not permitted",
    9031: "Invalid Deployment Unit update: version not specified",
    9032: "Invalid Deployment Unit update: version already exists",
}
"""Fault codes with the words of A.5.1 and A.5.2."""
