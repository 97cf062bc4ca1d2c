"""Quirks of the RPC layer: what a device makes of a request, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cpescript.cwmp.hooks import Hook, Point, Reply
from cpescript.cwmp.message import Message, ParameterInfo, ParameterValue
from cpescript.cwmp.rpcs import ABBREVIATIONS, FAULTS, MESSAGES
from cpescript.quirks.catalogue import QuirkError, Range, quirk

if TYPE_CHECKING:
    from cpescript.device.device import Device


class _RpcQuirk(Hook):
    points: frozenset[Point] = frozenset({"rpc-answer"})


@quirk(
    "gpn-root-rejected",
    "GetParameterNames of the empty path or the root object is refused",
    "asks further down instead, and does not repeat the same request for ever",
)
class GpnRootRejected(_RpcQuirk):
    code: int = 9005

    def rpc_answer(self, device: Device, request: Message) -> Reply | None:
        if request.kind != "GetParameterNames" or request.fields.get("parameter_path") not in ("", device.schema.root):
            return None
        self.fired(device)
        return Reply.fault(self.code, "Invalid parameter name")


@quirk(
    "gpv-batch-limit",
    "a GetParameterValues with more than so many names is refused with 9004",
    "splits the request and tries again",
)
class GpvBatchLimit(_RpcQuirk):
    names: Annotated[int, Range(0)] = 32

    def rpc_answer(self, device: Device, request: Message) -> Reply | None:
        if request.kind != "GetParameterValues" or len(request.paths) <= self.names:
            return None
        self.fired(device)
        return Reply.fault(9004, "Resources exceeded")


@quirk(
    "reboot-does-nothing",
    "Reboot is answered, and the device does not reboot",
    "notices that no boot follows, reports it, and does not repeat it for ever",
    "derived",
)
class RebootDoesNothing(_RpcQuirk):
    def rpc_answer(self, device: Device, request: Message) -> Reply | None:
        if request.kind != "Reboot":
            return None
        self.fired(device)
        return Reply(carry_out=False, answer=Message("RebootResponse", {}))


@quirk(
    "session-drops-on-rpc",
    "the device hangs up when it gets an RPC of that kind",
    "leaves the RPC out after a number of tries; other devices notice nothing",
)
class SessionDropsOnRpc(_RpcQuirk):
    rpc: str

    def __post_init__(self) -> None:
        self.rpc = ABBREVIATIONS.get(self.rpc, self.rpc)
        if self.rpc not in MESSAGES:
            raise QuirkError(f"there is no RPC '{self.rpc}'")

    def rpc_answer(self, device: Device, request: Message) -> Reply | None:
        if request.kind != self.rpc:
            return None
        self.fired(device)
        return Reply.drop()


@quirk(
    "gpn-nextlevel-ignored",
    "GetParameterNames with NextLevel lists everything below, not the next level alone",
    "takes what it asked for and bounds the rest",
    "derived",
)
class GpnNextLevelIgnored(_RpcQuirk):
    def rpc_answer(self, device: Device, request: Message) -> Reply | None:
        path = request.fields.get("parameter_path", "")
        if request.kind != "GetParameterNames" or request.fields.get("next_level") is not True:
            return None
        if not device.exists(path) or (path and not path.endswith(".")):
            return None
        self.fired(device)
        found = tuple(ParameterInfo(name, writable) for name, writable in device.names(path, False))
        return Reply(carry_out=False, answer=Message("GetParameterNamesResponse", {"parameter_list": found}))


@quirk(
    "gpn-full-tree-oom",
    "GetParameterNames of the whole tree makes the device hang up",
    "asks in smaller parts",
)
class GpnFullTree(_RpcQuirk):
    def rpc_answer(self, device: Device, request: Message) -> Reply | None:
        whole = request.fields.get("parameter_path") in ("", device.schema.root)
        if request.kind != "GetParameterNames" or not whole or request.fields.get("next_level") is True:
            return None
        self.fired(device)
        return Reply.drop()


@quirk(
    "fault-9005-for-listed",
    "a parameter that GetParameterNames lists is refused with 9005, and all that was asked with it",
    "finds the one and leaves it out; does not ask for ever",
)
class Fault9005ForListed(_RpcQuirk):
    path: str

    def rpc_answer(self, device: Device, request: Message) -> Reply | None:
        if request.kind != "GetParameterValues":
            return None
        if not any(name == self.path or (name.endswith(".") and self.path.startswith(name)) for name in request.paths):
            return None
        self.fired(device)
        return Reply.fault(9005, "Invalid parameter name")


@quirk(
    "fault-9005-partial-path",
    "a partial path is refused with 9005",
    "asks for the parameters themselves",
)
class Fault9005PartialPath(_RpcQuirk):
    def rpc_answer(self, device: Device, request: Message) -> Reply | None:
        partial = any(name == "" or name.endswith(".") for name in request.paths)
        if request.kind != "GetParameterValues" or not partial:
            return None
        self.fired(device)
        return Reply.fault(9005, "Invalid parameter name")


class _RefusesValues(_RpcQuirk):
    """Refuses a SetParameterValues for the first value that it does not understand."""

    code = 9007

    def _refused(self, device: Device, value: ParameterValue) -> bool:
        raise NotImplementedError

    def rpc_answer(self, device: Device, request: Message) -> Reply | None:
        if request.kind != "SetParameterValues":
            return None
        for value in request.fields.get("parameter_list", ()):
            if self._refused(device, value):
                self.fired(device)
                return Reply.fault(self.code, FAULTS[self.code], value.name)
        return None


def _type(device: Device, path: str) -> str:
    leaf = device.leaf(path)
    return leaf.type if leaf is not None else ""


@quirk(
    "boolean-literal",
    "a boolean is understood as 1 or 0 only; `true` and `false` are refused with 9007",
    "sends 1 and 0, or lets somebody say so for a device",
)
class BooleanLiteral(_RefusesValues):
    def _refused(self, device: Device, value: ParameterValue) -> bool:
        return _type(device, value.name) == "boolean" and value.value in ("true", "false")


@quirk(
    "datetime-millis-rejected",
    "a dateTime with a fraction of a second is refused with 9007",
    "sends whole seconds",
)
class DateTimeMillis(_RefusesValues):
    def _refused(self, device: Device, value: ParameterValue) -> bool:
        return _type(device, value.name) == "dateTime" and "." in value.value


@quirk(
    "spv-untyped-rejected",
    "a value without xsi:type is refused with 9006",
    "always sends the type",
)
class SpvUntyped(_RefusesValues):
    code = 9006

    def _refused(self, device: Device, value: ParameterValue) -> bool:
        return not value.type


@quirk(
    "spv-mistyped-rejected",
    "a value under another xsi:type than the parameter's is refused with 9006; most devices go by the text alone",
    "sends each value under the type that the data model has for it (TR-069 A.3.2.1)",
)
class SpvMistyped(_RefusesValues):
    code = 9006

    def _refused(self, device: Device, value: ParameterValue) -> bool:
        declared = _type(device, value.name)
        return bool(value.type and declared) and value.type != declared


@quirk(
    "spa-large-crash",
    "a SetParameterAttributes with more than so many parameters makes the device hang up and reboot",
    "asks in smaller parts, and bounds its tries",
)
class SpaLargeCrash(_RpcQuirk):
    parameters: Annotated[int, Range(0)] = 16

    def rpc_answer(self, device: Device, request: Message) -> Reply | None:
        many = len(request.fields.get("parameter_list", ()))
        if request.kind != "SetParameterAttributes" or many <= self.parameters:
            return None
        self.fired(device)
        device.agent.reboot()
        return Reply.drop()
