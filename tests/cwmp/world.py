"""A small world for the CWMP room's stories: real devices, a virtual clock, and an ACS that follows a script."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cpescript.cwmp.agent import CwmpAgent
from cpescript.cwmp.codec import CwmpSyntaxError, decode, encode
from cpescript.cwmp.http import Failure, HttpRequest, HttpResponse
from cpescript.cwmp.message import Message, ParameterValue, fault
from cpescript.cwmp.rpcs import NAMESPACES, RPCS
from cpescript.cwmp.session import Session, Step
from cpescript.device.blocks import (
    Blocks,
    ConnectionRequest,
    CredentialPaths,
    DeviceIdPaths,
    EventSchedule,
    PeriodicPaths,
    Transfer,
)
from cpescript.device.device import Device
from cpescript.device.schema import Leaf, Schema, Table, grow
from cpescript.kernel.queue import Kernel
from cpescript.kernel.time import DEFAULT_START, SECOND
from cpescript.kernel.trace import Record, Trace

MS = "Device.ManagementServer."
INFO = "Device.DeviceInfo."
INTERVAL = f"{MS}PeriodicInformInterval"
SSID = "Device.WiFi.SSID.1.SSID"
CHANNEL = "Device.WiFi.Radio.1.Channel"
MAPPINGS = "Device.NAT.PortMapping."

LEAVES = (
    (f"{INFO}Manufacturer", "string", False, "Acme & Sons"),
    (f"{INFO}ManufacturerOUI", "string", False, "00D0AA"),
    (f"{INFO}ProductClass", "string", False, "HG100"),
    (f"{INFO}SerialNumber", "string", False, "HG00001"),
    (f"{INFO}HardwareVersion", "string", False, "A1"),
    (f"{INFO}SoftwareVersion", "string", False, "1.0.0"),
    (f"{INFO}ProvisioningCode", "string", True, ""),
    ("Device.RootDataModelVersion", "string", False, "2.15"),
    (f"{MS}URL", "string", True, "http://acs.example/cwmp"),
    (f"{MS}Username", "string", True, "cpe"),
    (f"{MS}Password", "string", True, "secret"),
    (f"{MS}ParameterKey", "string", False, ""),
    (f"{MS}PeriodicInformEnable", "boolean", True, "true"),
    (INTERVAL, "unsignedInt", True, "300"),
    (f"{MS}PeriodicInformTime", "dateTime", True, "0001-01-01T00:00:00Z"),
    (f"{MS}ConnectionRequestURL", "string", False, ""),
    (f"{MS}ConnectionRequestUsername", "string", True, "acs"),
    (f"{MS}ConnectionRequestPassword", "string", True, "knock"),
    (f"{MS}DefaultActiveNotificationThrottle", "unsignedInt", True, "0"),
    (f"{MS}CWMPRetryMinimumWaitInterval", "unsignedInt", True, "5"),
    (f"{MS}CWMPRetryIntervalMultiplier", "unsignedInt", True, "2000"),
    (SSID, "string", True, "home"),
    ("Device.WiFi.SSID.1.Enable", "boolean", True, "true"),
    (CHANNEL, "unsignedInt", True, "6"),
    ("Device.NAT.PortMappingNumberOfEntries", "unsignedInt", False, "0"),
)


def make_schema(*more: Leaf, **blocks: Any) -> Schema:
    """Return a schema of `LEAVES`, and of those given, with an empty table of port mappings; `blocks` override those of
    a plain gateway."""
    leaves = {path: Leaf(path, kind, writable, default) for path, kind, writable, default in LEAVES}
    leaves.update({leaf.path: leaf for leaf in more})
    table = Table(MAPPINGS)
    table.count_path = "Device.NAT.PortMappingNumberOfEntries"
    for name, kind, default in (("Enable", "boolean", "false"), ("ExternalPort", "unsignedInt", "0")):
        grow(table.template, name, Leaf(name, kind, True, default))
    plain: dict[str, Any] = {
        "device_id": DeviceIdPaths(
            f"{INFO}Manufacturer", f"{INFO}ManufacturerOUI", f"{INFO}ProductClass", f"{INFO}SerialNumber"
        ),
        "periodic": PeriodicPaths(INTERVAL, f"{MS}PeriodicInformEnable", None),
        "acs_credentials": CredentialPaths(f"{MS}Username", f"{MS}Password"),
        "connection_request": ConnectionRequest(
            "digest",
            "hg100",
            0,
            CredentialPaths(f"{MS}ConnectionRequestUsername", f"{MS}ConnectionRequestPassword"),
        ),
        "transfer": Transfer(),
        "event_schedule": EventSchedule(),
    }
    return Schema("hg100", "hg100.yaml", leaves, {MAPPINGS: table}, Blocks(**{**plain, **blocks}))


Reply = Message | HttpResponse | bytes | str
"""What a scripted ACS sends: a message, a whole HTTP response, a body, or a failure by name."""


def dead(request: HttpRequest, message: Message | None) -> Reply | None:
    """Overrule an ACS: nobody listens."""
    return "refused"


def alive(request: HttpRequest, message: Message | None) -> Reply | None:
    """Overrule an ACS: not at all."""
    return None


class ScriptedAcs:
    """Answers Informs and the device's requests, and sends the RPCs of `script`, one after the other.

    `overrule` is asked first: what it returns goes out instead.
    """

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.answers: list[Message] = []
        self.requests: list[HttpRequest] = []
        self.overrule: Callable[[HttpRequest, Message | None], Reply | None] = alive
        self.version: str | None = None
        self._id = 0

    def handle(self, request: HttpRequest) -> HttpResponse | Failure:
        self.requests.append(request)
        try:
            message = decode(request.body) if request.body else None
        except CwmpSyntaxError:
            message = None
        reply = self.overrule(request, message)
        if reply is None:
            reply = self._reply(message)
        if isinstance(reply, str):
            return reply  # type: ignore[return-value]
        if isinstance(reply, HttpResponse):
            return reply
        if isinstance(reply, Message):
            known = reply.version if reply.version in NAMESPACES else "1.2"
            reply = encode(reply, self.version or known)
        body = reply
        return HttpResponse(200, (("Content-Type", "text/xml"),), body)

    def _reply(self, message: Message | None) -> Reply:
        if message is not None:
            if message.kind == "Inform":
                return Message("InformResponse", {"max_envelopes": 1}, message.id, message.version)
            if message.kind in RPCS:
                fields = {"next_url": ""} if message.kind == "Kicked" else {}
                return Message(f"{message.kind}Response", fields, message.id, message.version)
            self.answers.append(message)
        if not self.script:
            return HttpResponse(204)
        reply = self.script.pop(0)
        if isinstance(reply, Message):
            self._id += 1
            reply = Message(reply.kind, reply.fields, f"acs-{self._id}", reply.version, reply.headers)
        return reply


class World:
    """Implements `Host`: everything that devices of a story need."""

    def __init__(self, **blocks: Any) -> None:
        self.kernel = Kernel()
        self.trace = Trace(self.kernel, decoders={"cwmp": decode})
        self.start = DEFAULT_START
        self.seed = 42
        self.acs_url = "http://acs.example/cwmp"
        self.firmware: dict[str, int] = {}
        self.serial_prefix = ""
        self.watches = None
        self.appeared = None
        self.acs = ScriptedAcs()
        self.schema = make_schema(**blocks)
        self.records: list[Record] = []
        self.trace.watch(None, self.records.append)
        self.devices: list[Device] = []

    # Host

    def open(self, session: Session) -> None:
        self._carry(session, session.start())

    def connection_request_url(self, device: Device) -> str:
        return f"http://192.0.2.{device.number}:7547/k3y"

    def _carry(self, session: Session, step: Step) -> None:
        while step is not None:
            if not isinstance(step, HttpRequest):
                self.kernel.at(step.when, session.device, lambda _: self._carry(session, session.resume()))
                return
            came = self.acs.handle(step)
            step = session.failed(came) if isinstance(came, str) else session.receive(came)

    # Stories

    def device(self, power: bool = True) -> CwmpAgent:
        """Return the agent of a new device, switched on if `power`."""
        device = Device(len(self.devices) + 1, len(self.devices) + 1, "fleet", self.schema, self)
        self.devices.append(device)
        agent = device.agent = CwmpAgent(device)
        if power:
            agent.power_on()
            self.kernel.run(self.kernel.now)
        return agent

    def run(self, seconds: float) -> None:
        """Let that much virtual time pass."""
        until = self.kernel.now + round(seconds * SECOND)
        self.kernel.run(until)
        self.kernel.advance(until)

    def informs(self, device: Device | None = None) -> list[tuple[float, tuple[str, ...]]]:
        """Return (virtual second, event codes) of each Inform so far."""
        return [
            (record.t / SECOND, record.message.events)
            for record in self.records
            if record.kind == "Inform" and (device is None or record.device == device.number)
        ]

    def kinds(self) -> list[str]:
        """Return the kinds of all messages so far, those of the ACS after a `<`."""
        return [
            ("< " if record.direction == "from-acs" else "") + record.kind
            for record in self.records
            if record.direction != "local"
        ]

    def last_inform(self) -> Message:
        """Return the last Inform."""
        return next(record.message for record in reversed(self.records) if record.kind == "Inform")

    def facts(self, kind: str) -> list[Any]:
        """Return the data of all local facts of that kind."""
        return [dict(record.data) for record in self.records if record.kind == kind and record.direction == "local"]

    def ask(self, *rpcs: Message) -> list[Message]:
        """Return what the device of the last session answers to these RPCs, in a session of their own."""
        self.acs.script, self.acs.answers = list(rpcs), []
        agent = self.devices[-1].agent
        agent.inform()
        self.run(0)
        return self.acs.answers


def spv(*settings: tuple[str, str], key: str = "", kind: str = "string") -> Message:
    """Return a SetParameterValues."""
    values = tuple(ParameterValue(name, value, kind) for name, value in settings)
    return Message("SetParameterValues", {"parameter_list": values, "parameter_key": key})


def gpv(*names: str) -> Message:
    """Return a GetParameterValues."""
    return Message("GetParameterValues", {"parameter_names": names})


def download(
    url: str = "http://files.example/hg100-2.0.0.bin", key: str = "fw", delay: int = 0, **fields: Any
) -> Message:
    """Return a Download of firmware."""
    plain = {
        "command_key": key,
        "file_type": "1 Firmware Upgrade Image",
        "url": url,
        "username": "",
        "password": "",
        "file_size": 0,
        "target_file_name": "",
        "delay_seconds": delay,
        "success_url": "",
        "failure_url": "",
    }
    return Message("Download", {**plain, **fields})


def schedule_inform(delay: int, key: str) -> Message:
    """Return a ScheduleInform."""
    return Message("ScheduleInform", {"delay_seconds": delay, "command_key": key})


def retry_request(id: str | None) -> Message:
    """Return the Fault that asks for the same request again."""
    return fault(8005, "Retry request", id)


def envelope_checker() -> Callable[[bytes], Sequence[str]]:
    """Return `problems` of the Broadband Forum schemas' checker; skips where they are not at hand."""
    path = Path(__file__).parents[2].parent / "shared" / "standards" / "cwmp" / "check_envelope.py"
    if not path.exists():
        pytest.skip("the CWMP schemas are not beside this checkout")
    spec = importlib.util.spec_from_file_location("check_envelope", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.problems  # type: ignore[no-any-return]
