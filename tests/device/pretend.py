"""A pretended world for devices: a clock, a trace, and the profile that most stories use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cpescript.device.device import Device
from cpescript.device.profile import load_profile
from cpescript.device.schema import Schema
from cpescript.kernel.queue import Kernel
from cpescript.kernel.time import DEFAULT_START
from cpescript.kernel.trace import Record, Trace

IDENTITY = """\
deviceIdPaths:
  manufacturer: Device.DeviceInfo.Manufacturer
  oui: Device.DeviceInfo.ManufacturerOUI
  productClass: Device.DeviceInfo.ProductClass
  serialNumber: Device.DeviceInfo.SerialNumber
"""

INFO = """\
  - {path: Device.DeviceInfo.Manufacturer, value: Acme}
  - {path: Device.DeviceInfo.ManufacturerOUI, value: 00D0AA}
  - {path: Device.DeviceInfo.ProductClass, value: HG}
  - {path: Device.DeviceInfo.SerialNumber, value: S}
"""

GATEWAY = f"""\
{IDENTITY}
fleet: {{serialPattern: "{{base}}{{i:4}}"}}
parameters:
{INFO}
  - {{path: Device.DeviceInfo.SoftwareVersion, value: 1.0.0}}
  - {{path: Device.DeviceInfo.UpTime, type: xsd:unsignedInt, generator: {{type: uptime, interval: 10s}}}}
  - {{path: Device.ManagementServer.URL, value: "http://declared.example/", writable: true}}
  - {{path: Device.ManagementServer.ConnectionRequestURL}}
  - {{path: Device.ManagementServer.PeriodicInformInterval, type: xsd:unsignedInt, value: 300, writable: true}}
  - {{path: Device.Time.Enable, type: xsd:boolean, value: 1, writable: true}}
  - {{path: Device.Time.Anchor, type: xsd:dateTime, value: "2026-01-01T02:00:00+02:00", writable: true}}
  - {{path: Device.NAT.PortMappingNumberOfEntries, type: xsd:unsignedInt, value: 2}}
  - {{path: Device.WiFi.Channel, type: xsd:unsignedInt, value: "{{cpe:pick:1,6,11}}", writable: true}}
objects:
  - path: Device.NAT.PortMapping
    instances: 2
    parameters:
      - {{path: Enable, type: xsd:boolean, writable: true}}
      - {{path: Alias, value: "cpe-{{i}}", writable: true}}
      - {{path: Stats.Hits, type: xsd:unsignedInt,
         generator: {{type: counter, interval: 10s, min: 0, max: 99, step: 1}}}}
  - path: Device.Hosts.Host
    parameters:
      - {{path: Name}}
x-cpescript: {{read_only_tables: [Device.Hosts.Host.]}}
"""


class Agent:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def parameter_changed(self, path: str, by: str) -> None:
        self.told.append((path, by))


class Pretend:
    """Implements `Host` without any protocol. `facts` are the local facts, as (kind, data)."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        self.trace = Trace(self.kernel)
        self.start = DEFAULT_START
        self.seed = 42
        self.serial_prefix = ""
        self.acs_url = "http://acs.example/"
        self.firmware: dict[str, int] = {}
        self.watches: Any = None
        self.appeared: Any = None
        self.facts: list[tuple[str, dict[str, Any]]] = []
        self.trace.watch(None, self._note)

    def _note(self, record: Record) -> None:
        self.facts.append((record.kind, dict(record.data)))

    def open(self, session: Any) -> None:
        raise AssertionError("no device opens a session here")

    def connection_request_url(self, device: Device) -> str:
        return f"http://192.0.2.1/{device.number}"

    def device(self, schema: Schema, number: int = 1) -> Device:
        device = Device(number, number, "fleet", schema, self)
        device.agent = Agent()
        return device

    def pass_time(self, seconds: float) -> None:
        self.kernel.advance(self.kernel.now + int(seconds * 1_000_000_000))


def schema_of(tmp_path: Path, text: str = GATEWAY) -> Schema:
    """Return the schema of a profile that must load."""
    path = tmp_path / "gateway.yaml"
    path.write_text(text, encoding="utf-8")
    schema, bag = load_profile(path)
    assert schema is not None, bag.render()
    return schema
