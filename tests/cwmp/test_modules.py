"""Software modules: ChangeDUState from the RPC to DUStateChangeComplete."""

from __future__ import annotations

from typing import Any

import pytest

from cpescript.cwmp.fetch import Fetch, Fetched
from cpescript.cwmp.message import Event, InstallOperation, Message, UninstallOperation, UpdateOperation
from cpescript.cwmp.modules import Operation, uuid5
from cpescript.device.blocks import SoftwareModules
from cpescript.device.manifest import read_manifest
from cpescript.device.schema import Leaf, Schema, Table, grow
from cpescript.kernel.time import SECOND
from tests.cwmp.world import World, gpv, spv

ROOT = "Device.SoftwareModules."
DU, EU, EE = f"{ROOT}DeploymentUnit.", f"{ROOT}ExecutionUnit.", f"{ROOT}ExecEnv."
HUB = "http://apps.example/hub-1.2.0.yaml"
MANIFEST = """
app: {name: hub, version: 1.2.0, vendor: Acme, description: A hub, executionUnit: hubd}
parameters:
  - {path: Device.X_Hub.Enable, type: xsd:boolean, value: "true", writable: true}
objects:
  - path: Device.X_Hub.Lamp
    instances: 2
    parameters:
      - {path: Power, type: xsd:int, value: "7"}
"""
NEWER = MANIFEST.replace("1.2.0", "1.3.0").replace("Device.X_Hub.Enable", "Device.X_Hub.Active")

UNIT = ("UUID", "Name", "Status", "URL", "Vendor", "Version", "ExecutionUnitList", "ExecutionEnvRef")
EXECUTION = ("EUID", "Name", "Status", "RequestedState", "AutoStart", "Version", "ExecutionEnvRef")


def manifest(text: str) -> Any:
    found, bag = read_manifest(text.encode(), "app.yaml")
    assert found is not None, list(bag)
    return found


def modular(**blocks: Any) -> World:
    """Return a world whose devices have software modules with two environments, the second disabled."""
    faults = {"broken": ("corrupt", "bad signature")}
    apps = (manifest(MANIFEST), manifest(NEWER))
    plain: dict[str, Any] = {
        "software_modules": SoftwareModules(ROOT, 5 * SECOND, 1 * SECOND, faults),
        "extension": {"apps": apps},
    }
    world = World(**{**plain, **blocks})
    leaves, tables = dict(world.schema.leaves), dict(world.schema.tables)
    for number, enable in ((1, "true"), (2, "false")):
        leaves[f"{EE}{number}.Enable"] = Leaf(f"{EE}{number}.Enable", "boolean", True, enable)
    for path, names in ((DU, UNIT), (EU, EXECUTION)):
        table = tables[path] = Table(path)
        table.fixed, table.count_path = True, f"{path[:-1]}NumberOfEntries"
        leaves[table.count_path] = Leaf(table.count_path, "unsignedInt", False, "0")
        for name in names:
            grow(table.template, name, Leaf(name, "string", name in ("RequestedState", "AutoStart"), ""))
    world.schema = Schema("hg100", "hg100.yaml", leaves, tables, world.schema.blocks)
    return world


def change(*operations: Operation, key: str = "apps") -> Message:
    return Message("ChangeDUState", {"operations": operations, "command_key": key})


def results(world: World) -> list[Any]:
    return [
        result
        for record in world.records
        if record.kind in ("DUStateChangeComplete", "AutonomousDUStateChangeComplete")
        for result in record.message.fields["results"]
    ]


def rows(world: World, table: str, *names: str) -> list[tuple[str, ...]]:
    device = world.devices[-1]
    return [tuple(device.get(f"{table}{number}.{name}") for name in names) for number in device.instances(table)]


def install(world: World, url: str = HUB, **fields: Any) -> str:
    """Have an app installed and return its UUID."""
    world.ask(change(InstallOperation(url, **fields)))
    world.run(10)
    return str(results(world)[-1].uuid)


def test_an_install_from_the_call_to_the_report() -> None:
    world = modular()
    device = world.device().device
    [answer] = world.ask(change(InstallOperation(HUB)))
    assert (answer.kind, answer.fields) == ("ChangeDUStateResponse", {})
    assert rows(world, DU, "Name", "Status", "Version") == [("hub", "Installing", "1.2.0")]
    world.run(5)
    assert rows(world, DU, "Status", "ExecutionUnitList", "ExecutionEnvRef") == [
        ("Installed", f"{EU}1", f"{EE}1"),
    ]
    assert rows(world, EU, "Name", "Status") == [("hubd", "Starting")]
    world.run(1)
    assert rows(world, EU, "Status", "Version") == [("Active", "1.2.0")]
    assert world.informs()[-1] == (5, ("11 DU STATE CHANGE COMPLETE", "M ChangeDUState"))
    assert world.last_inform().fields["event"][1] == Event("M ChangeDUState", "apps")
    [result] = results(world)
    assert result._replace(uuid="") == (
        "", f"{DU}1", "1.2.0", "Installed", True, f"{EU}1",
        "2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z", 0, "",
    )  # fmt: skip
    assert result.uuid == rows(world, DU, "UUID")[0][0] == uuid5("Acme.hub")
    assert device.agent.events == ()


def test_an_app_brings_its_data_model_and_takes_it_away() -> None:
    world = modular()
    device = world.device().device
    uuid = install(world)
    [answer] = world.ask(gpv("Device.X_Hub."))
    assert [value.name for value in answer.fields["parameter_list"]] == [
        "Device.X_Hub.Enable", "Device.X_Hub.Lamp.1.Power", "Device.X_Hub.Lamp.2.Power",
    ]  # fmt: skip
    world.ask(spv(("Device.X_Hub.Enable", "false")))
    [answer] = world.ask(Message("AddObject", {"object_name": "Device.X_Hub.Lamp.", "parameter_key": ""}))
    assert answer.fields["instance_number"] == 3
    device.write("Device.X_Hub.Lamp.3.Power", "9", "device")

    world.ask(change(UninstallOperation(uuid)))
    world.run(2)
    assert (results(world)[-1].current_state, results(world)[-1].fault_code) == ("Uninstalled", 0)
    assert rows(world, DU, "Name") == rows(world, EU, "Name") == []
    assert world.ask(gpv("Device.X_Hub."))[0].fields["fault_code"] == 9005

    install(world)
    assert device.get("Device.X_Hub.Enable") == "true"
    assert device.instances("Device.X_Hub.Lamp.") == (1, 2)
    device.add_object("Device.X_Hub.Lamp.")
    assert device.get("Device.X_Hub.Lamp.3.Power") == "7"


def test_an_app_brings_nothing_that_is_there_already() -> None:
    rival = MANIFEST.replace("name: hub", "name: rival")
    world = modular(extension={"apps": (manifest(MANIFEST), manifest(rival))})
    world.device()
    install(world)
    install(world, "http://apps.example/rival-1.2.0.yaml")
    assert results(world)[-1].fault_code == 9018
    assert results(world)[-1].fault_string.endswith("Device.X_Hub.Enable exists already")
    assert rows(world, DU, "Name") == [("hub",)]


def test_what_is_asked_of_a_device_that_is_off_waits_until_it_is_up() -> None:
    world = modular()
    agent = world.device()
    agent.power_off()
    agent.change_modules([InstallOperation(HUB)])
    world.run(20)
    assert rows(world, DU, "Name") == []
    agent.power_on()
    world.run(20)
    assert rows(world, DU, "Name") == [("hub",)]


def test_devices_with_the_same_apps_share_their_data_model() -> None:
    world = modular()
    for _ in range(2):
        world.device()
        install(world)
    assert world.devices[0].schema is world.devices[1].schema is not world.schema


def test_an_update_takes_the_place_of_the_version_before() -> None:
    world = modular()
    device = world.device().device
    uuid = install(world)
    world.ask(change(UpdateOperation(uuid, "1.3.0", "http://apps.example/hub-1.3.0.yaml")))
    assert rows(world, DU, "Status") == [("Updating",)]
    assert rows(world, EU, "Status") == [("Stopping",)]
    world.run(10)
    assert rows(world, DU, "Status", "Version") == [("Installed", "1.3.0")]
    assert rows(world, EU, "Status", "Version") == [("Active", "1.3.0")]
    assert device.leaf("Device.X_Hub.Enable") is None
    assert device.get("Device.X_Hub.Active") == "true"


def test_operations_go_in_order_and_a_failure_does_not_stop_the_rest() -> None:
    world = modular()
    world.device()
    world.ask(
        change(
            InstallOperation("http://apps.example/one-1.0.pkg"),
            InstallOperation("http://apps.example/broken-1.0.pkg"),
            InstallOperation("http://apps.example/two-2.0.pkg"),
        )
    )
    world.run(20)
    assert [(each.current_state, each.fault_code) for each in results(world)] == [
        ("Installed", 0),
        ("Failed", 9018),
        ("Installed", 0),
    ]
    assert results(world)[1].fault_string == "bad signature"
    assert rows(world, DU, "Name", "Version") == [("one", "1.0"), ("two", "2.0")]
    assert world.informs()[-1] == (15, ("11 DU STATE CHANGE COMPLETE", "M ChangeDUState"))


KNOWN = "11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        (InstallOperation(HUB, uuid="no uuid"), 9022),
        (InstallOperation(HUB, execution_env_ref=f"{EE}9"), 9023),
        (InstallOperation(HUB, execution_env_ref="Device.WiFi.SSID.1"), 9023),
        (InstallOperation(HUB, execution_env_ref=f"{EE}2."), 9024),
        (InstallOperation(HUB, uuid=KNOWN), 9026),
        (InstallOperation("http://apps.example/"), 9003),
        (UpdateOperation("no uuid", "9"), 9022),
        (UpdateOperation(KNOWN.replace("1", "9"), "9"), 9028),
        (UpdateOperation(KNOWN, "1.0"), 9030),
        (UpdateOperation(KNOWN), 9031),
        (UpdateOperation(KNOWN, "1.2.0"), 9032),
        (UninstallOperation("no uuid"), 9022),
        (UninstallOperation(KNOWN.replace("1", "9")), 9028),
        (UninstallOperation(KNOWN, version="9"), 9028),
    ],
)
def test_the_faults_of_an_operation(operation: Operation, code: int) -> None:
    world = modular()
    world.device()
    install(world, uuid=KNOWN)
    before = rows(world, DU, *UNIT)
    world.ask(change(operation))
    world.run(10)
    assert (results(world)[-1].current_state, results(world)[-1].fault_code) == ("Failed", code)
    assert rows(world, DU, *UNIT) == before
    assert rows(world, EU, "Status") == [("Active",)]


@pytest.mark.parametrize(
    ("reason", "code"),
    [("server-unreachable", 9015), ("corrupt", 9018), ("ee-mismatch", 9025), ("resources-exceeded", 9027)],
)
def test_the_profile_says_which_apps_fail(reason: str, code: int) -> None:
    world = modular(software_modules=SoftwareModules(ROOT, faults={"hub": (reason, "")}))
    world.device()
    install(world)
    assert (results(world)[-1].fault_code, rows(world, DU, "Name")) == (code, [])


def test_the_manifest_is_fetched_where_files_are() -> None:
    world = modular(extension={"transfer": {"fetch": True}})
    asked: list[Fetch] = []
    answers = [
        Fetched("refused"),
        Fetched("timeout", 200),
        Fetched("", 404),
        Fetched("", 200, 3, "", b"{}}"),
        Fetched("", 200, 1 << 20, "", b"x"),
    ]
    answers.append(Fetched("", 200, len(MANIFEST), "", MANIFEST.encode()))

    def fetch(device: Any, what: Fetch, done: Any) -> None:
        asked.append(what)
        done(answers[len(asked) - 1])

    world.fetch = fetch  # type: ignore[attr-defined]
    world.device()
    for _ in answers:
        install(world, username="u", password="p")
    assert [result.fault_code for result in results(world)] == [9015, 9017, 9016, 9018, 9018, 0]
    assert asked[-1] == Fetch("GET", HUB, "u", "p")
    assert world.devices[-1].get("Device.X_Hub.Enable") == "true"


def test_an_execution_unit_is_stopped_and_started_by_the_acs() -> None:
    world = modular()
    world.device()
    install(world)
    world.ask(spv((f"{EU}1.RequestedState", "Idle")))
    assert rows(world, EU, "Status") == [("Stopping",)]
    world.run(1)
    assert rows(world, EU, "Status") == [("Idle",)]
    world.ask(spv((f"{EU}1.RequestedState", "Active")))
    world.run(1)
    assert rows(world, EU, "Status") == [("Active",)]
    [answer] = world.ask(spv((f"{EU}1.RequestedState", "Sleeping")))
    assert answer.fields["parameter_faults"][0].code == 9007


def test_a_reboot_ends_what_is_under_way_and_keeps_what_is_installed() -> None:
    world = modular()
    agent = world.device()
    install(world)
    world.ask(change(InstallOperation("http://apps.example/other-1.0.pkg")))
    agent.reboot()
    world.run(60)
    assert rows(world, DU, "Name", "Status") == [("hub", "Installed")]
    assert results(world)[-1].fault_code == 9001
    assert agent.device.get("Device.X_Hub.Enable") == "true"


@pytest.mark.parametrize(
    ("requested", "auto", "seconds", "status"),
    [
        ("Idle", "true", 5, "Active"),
        ("Idle", "false", 5, "Idle"),
        ("Active", "false", 5, "Idle"),
        ("Idle", "", 5, "Idle"),
        ("Idle", "", 0, "Idle"),  # It is stopping still.
        ("Active", "", 5, "Active"),
    ],
)
def test_after_a_boot_those_units_are_up_that_start_by_themselves(
    requested: str, auto: str, seconds: int, status: str
) -> None:
    world = modular()
    agent = world.device()
    install(world)
    world.ask(spv((f"{EU}1.RequestedState", requested), (f"{EU}1.AutoStart", auto)))
    world.run(seconds)
    agent.power_off()
    agent.power_on()
    assert rows(world, EU, "Status") == [(status,)]


def test_a_factory_reset_leaves_what_the_profile_declares() -> None:
    world = modular()
    agent = world.device()
    install(world)
    agent.factory_reset()
    world.run(60)
    assert agent.device.schema is world.schema
    assert rows(world, DU, "Name") == []


def test_a_device_changes_its_modules_by_itself() -> None:
    world = modular()
    world.device().change_modules([InstallOperation(HUB)])
    world.run(10)
    assert world.informs()[-1] == (5, ("12 AUTONOMOUS DU STATE CHANGE COMPLETE",))
    assert (results(world)[-1].current_state, results(world)[-1].operation_performed) == ("Installed", "Install")


def test_calls_and_operations_are_bounded_and_a_device_without_modules_knows_no_such_call(world: World) -> None:
    modules = modular()
    modules.device()
    many = [change(InstallOperation(f"http://apps.example/a{n}-1.pkg")) for n in range(5)]
    assert [answer.fields.get("fault_code", 0) for answer in modules.ask(*many)] == [0, 0, 0, 0, 9004]
    operations = [InstallOperation(HUB)] * 17
    assert modules.ask(change(*operations))[0].fields["fault_code"] == 9004
    world.device()
    assert world.ask(change(InstallOperation(HUB)))[0].fields["fault_code"] == 9000


@pytest.mark.parametrize(
    ("version", "fault"),
    [("1.2.0", 9032), ("1.10", 0), ("1.0001", 9030), ("1.1.9", 9030), ("1.2-rc", 9030), ("9" * 5000, 0)],
)
def test_versions_are_compared_number_by_number(version: str, fault: int) -> None:
    world = modular(extension={})
    world.device()
    uuid = install(world)
    world.ask(change(UpdateOperation(uuid, version)))
    world.run(10)
    assert results(world)[-1].fault_code == fault


def test_the_uuid_of_a_name() -> None:
    # What Python's own library gives for uuid5(NAMESPACE_OID, "Acme.hub").
    assert uuid5("Acme.hub") == "4a0b1ee4-bbe7-5645-8c9e-ba5ba4625cae"
