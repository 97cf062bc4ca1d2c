"""Quirks of the RPC layer: what a device makes of a request, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpescript.cwmp.hooks import Hook, Point, Reply
from cpescript.cwmp.message import Message
from cpescript.cwmp.rpcs import ABBREVIATIONS, MESSAGES
from cpescript.quirks.catalogue import QuirkError, quirk

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
    names: int = 32

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
