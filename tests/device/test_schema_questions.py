"""What the checker and a run ask of a schema."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from cpescript.device.schema import Schema
from tests.device.pretend import GATEWAY, IDENTITY, INFO, schema_of


@pytest.fixture
def schema(tmp_path: Path) -> Schema:
    return schema_of(tmp_path)


@pytest.mark.parametrize(
    ("path", "exists", "kind"),
    [
        ("Device.DeviceInfo.SoftwareVersion", True, "string"),
        ("Device.DeviceInfo.", True, None),
        ("Device.", True, None),
        ("Device.DeviceInfo", False, None),
        ("Device.DeviceInfo.SoftwareVersion.", False, None),
        ("Device.NAT.PortMapping.1.Alias", True, "string"),
        ("Device.NAT.PortMapping.77.Alias", True, "string"),
        ("Device.NAT.PortMapping.*.Enable", True, "boolean"),
        ("Device.NAT.PortMapping.77.", True, None),
        ("Device.NAT.PortMapping.*.Stats.", True, None),
        ("Device.NAT.PortMapping.x.Alias", False, None),
        ("Device.NAT.PortMapping.1.Nope", False, None),
        ("Device.Hosts.Host.5.Name", True, "string"),
        ("Device.Hosts.Host.*.Name", True, "string"),
        ("Device.WiFi.1.Channel", False, None),
        ("", False, None),
    ],
)
def test_paths(schema: Schema, path: str, exists: bool, kind: str | None) -> None:
    assert schema.path_exists(path) is exists
    assert schema.type_of(path) == kind


@pytest.mark.parametrize(
    ("path", "exists"),
    [
        ("Device.X_Lamps.", True),
        ("Device.X_Lamps.Enable", True),
        ("Device.X_Lamps.Lamp.*.Colour", True),
        ("Device.NAT.X_Lamps.1.Enable", True),
        ("Device.X_Lamps", False),
        ("Device.X_LampsToo.Enable", False),
        ("Device.NAT.X_Lamp.Enable", False),
    ],
)
def test_what_an_unknown_app_may_bring(path: str, exists: bool, tmp_path: Path) -> None:
    roots = "x-cpescript: {app_roots: [Device.X_Lamps., Device.NAT.X_Lamps.], "
    schema = schema_of(tmp_path, GATEWAY.replace("x-cpescript: {", roots))
    assert schema.path_exists(path) is exists
    assert schema.type_of(path) is None


def test_a_star_stands_for_numbers_of_what_is_no_table(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, "parameters:\n  - {path: A.1.B}\n  - {path: A.3.C, type: xsd:int}\n")
    assert schema.path_exists("A.*.B")
    assert schema.type_of("A.*.C") == "int"
    assert not schema.path_exists("A.2.B")


def test_all_names_show_empty_tables_once(schema: Schema) -> None:
    names = list(schema.all_names())
    assert len(names) == len(set(names))
    assert "Device.Hosts.Host.1.Name" in names
    assert all(schema.path_exists(name) for name in names)


def test_roots(schema: Schema, tmp_path: Path) -> None:
    assert (schema.root, schema.management_server) == ("Device.", "Device.ManagementServer.")
    assert schema.forced_inform == (
        "Device.DeviceInfo.SoftwareVersion",
        "Device.ManagementServer.ConnectionRequestURL",
    )
    assert schema_of(tmp_path, "# nothing\n").root == ""


@pytest.mark.parametrize(
    ("named", "expected"),
    [("G.WANDevice.1.WANConnectionDevice.1.WANIPConnection.2", "WANIPConnection.2"), ("", "WANPPPConnection.1")],
)
def test_the_default_connection_of_the_older_root(tmp_path: Path, named: str, expected: str) -> None:
    root = "InternetGatewayDevice."
    connection = f"{root}WANDevice.1.WANConnectionDevice.1."
    text = f"""\
deviceIdPaths: {{manufacturer: {root}M, oui: {root}M, productClass: {root}M, serialNumber: {root}S}}
parameters:
  - {{path: {root}M}}
  - {{path: {root}S}}
  - {{path: {root}DeviceSummary}}
  - {{path: {root}Layer3Forwarding.DefaultConnectionService, value: "{named.replace("G.", root)}"}}
  - {{path: {connection}WANPPPConnection.1.ExternalIPAddress}}
  - {{path: {connection}WANIPConnection.2.ExternalIPAddress}}
"""
    schema = schema_of(tmp_path, text)
    external = f"{connection}{expected}.ExternalIPAddress"
    assert schema.forced_inform == (f"{root}DeviceSummary", external)
    assert external in schema.default_active


def test_problems_of_a_fleet(tmp_path: Path) -> None:
    text = f"""\
{IDENTITY}
fleet: {{serialPattern: "{{base}}{{cpe:mac:1}}"}}
parameters:
{INFO}
  - {{path: A.Lan, value: "{{cpe:ipv4:203.0.113.0/30}}"}}
  - {{path: A.Typed, type: xsd:unsignedInt, value: "{{cpe:pick:1,2,x}}"}}
"""
    schema = schema_of(tmp_path, text)
    assert schema.problems(1, 2) == []
    found = "\n".join(schema.problems(1, 300, serial_prefix="p" * 62))
    assert "serial number" in found
    assert "1 octets do not hold device 300" in found
    assert "A.Lan" in found
    assert "A.Typed, device 3" in found


def test_a_profile_without_identity_cannot_run(tmp_path: Path) -> None:
    assert "deviceIdPaths" in schema_of(tmp_path, "parameters: [{path: A.B}]").problems(1, 1)[0]


def test_the_declared_count_is_the_true_one(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, GATEWAY.replace("value: 2}", "value: 9}"))
    assert schema.constants["Device.NAT.PortMappingNumberOfEntries"] == "2"


def test_a_schema_travels_between_processes(schema: Schema) -> None:
    copy = pickle.loads(pickle.dumps(schema))
    assert copy.leaves_below("") == schema.leaves_below("")
    assert copy.constants == schema.constants
