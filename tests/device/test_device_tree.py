"""A device's data model: reading, writing, instances, attributes, factory reset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cpescript.device.device import DataModelFault, Device
from cpescript.device.manifest import grown, read_manifest
from cpescript.device.schema import Schema
from cpescript.kernel.time import SECOND, parse_instant
from tests.device.pretend import GATEWAY, Pretend, schema_of

MAPPINGS = "Device.NAT.PortMapping."
COUNT = "Device.NAT.PortMappingNumberOfEntries"
INTERVAL = "Device.ManagementServer.PeriodicInformInterval"
URL = "Device.ManagementServer.URL"


@pytest.fixture
def schema(tmp_path: Path) -> Schema:
    return schema_of(tmp_path)


@pytest.fixture
def device(schema: Schema, world: Pretend) -> Device:
    return world.device(schema)


# --- identity ---------------------------------------------------------------------------------------------------------


def test_identity(schema: Schema, world: Pretend) -> None:
    device = Device(12, 3, "fleet", schema, world)
    assert device.name == "fleet[3]"
    assert device.cpe_id == "cpe-12"
    assert device.identity == "00D0AA-HG-S0012"
    assert device.device_id == ("Acme", "00D0AA", "HG", "S0012")


def test_offset_shifts_the_global_index(tmp_path: Path, world: Pretend) -> None:
    schema = schema_of(tmp_path, GATEWAY.replace("fleet: {", "fleet: {offset: 100, "))
    device = Device(1, 1, "fleet", schema, world)
    assert (device.cpe_id, device.global_index, device.identity) == ("cpe-101", 101, "00D0AA-HG-S0101")


def test_prefix_and_own_serial(schema: Schema, world: Pretend) -> None:
    world.serial_prefix = "run7-"
    device = world.device(schema)
    assert device.get("Device.DeviceInfo.SerialNumber") == "run7-S0001"
    device.set_serial("mine")
    assert device.identity == "00D0AA-HG-run7-mine"
    device.factory_reset()
    assert device.identity == "00D0AA-HG-run7-mine"
    for bad in ("x" * 60, ""):
        world.serial_prefix = "run7-" if bad else ""
        with pytest.raises(ValueError, match="serial number"):
            device.set_serial(bad)


# --- reading ----------------------------------------------------------------------------------------------------------


def test_values(device: Device) -> None:
    assert device.get("Device.DeviceInfo.SoftwareVersion") == "1.0.0"
    assert device.get("Device.Time.Enable") == "true"
    assert device.get("Device.Time.Anchor") == "2026-01-01T00:00:00Z"
    assert device.get("Device.NAT.PortMapping.2.Alias") == "cpe-2"
    assert device.typed(INTERVAL) == 300
    assert device.typed("Device.Time.Enable") is True
    assert device.typed("Device.Time.Anchor") == parse_instant("2026-01-01T00:00:00Z")


@pytest.mark.parametrize("path", ["Device.Nope", "Device.NAT.PortMapping.3.Alias", "Device.NAT.", "", "Device"])
def test_unknown_leaf(device: Device, path: str) -> None:
    with pytest.raises(KeyError):
        device.get(path)
    assert device.leaf(path) is None


def test_a_placeholder_differs_from_device_to_device(schema: Schema, world: Pretend) -> None:
    channels = [world.device(schema, number).get("Device.WiFi.Channel") for number in (1, 2, 3, 4)]
    assert channels == ["1", "6", "11", "1"]


def test_urls_come_from_the_world_unless_changed(device: Device, world: Pretend) -> None:
    assert device.get(URL) == "http://acs.example/"
    world.acs_url = ""
    assert device.get(URL) == "http://declared.example/"
    device.write(URL, "http://other.example/")
    assert device.get(URL) == "http://other.example/"
    assert device.get("Device.ManagementServer.ConnectionRequestURL") == "http://192.0.2.1/1"
    device.write("Device.ManagementServer.ConnectionRequestURL", "http://198.51.100.7/", by="device")
    assert device.get("Device.ManagementServer.ConnectionRequestURL") == "http://198.51.100.7/"


def test_leaves_of_objects(device: Device) -> None:
    assert device.leaves(MAPPINGS) == [
        f"{MAPPINGS}{number}.{name}" for number in (1, 2) for name in ("Enable", "Alias", "Stats.Hits")
    ]
    assert device.leaves(f"{MAPPINGS}2.Stats.") == [f"{MAPPINGS}2.Stats.Hits"]
    assert device.leaves("Device.Hosts.Host.") == []
    assert device.leaves("") == list(dict.fromkeys(device.leaves("Device.")))
    for unknown in ("Device.Nope.", f"{MAPPINGS}3.", "Device.Hosts.Host.1."):
        with pytest.raises(KeyError):
            device.leaves(unknown)


def test_names_of_an_object_with_all_below(device: Device) -> None:
    assert device.names(f"{MAPPINGS}1.", False) == [
        (f"{MAPPINGS}1.", True),
        (f"{MAPPINGS}1.Enable", True),
        (f"{MAPPINGS}1.Alias", True),
        (f"{MAPPINGS}1.Stats.", False),
        (f"{MAPPINGS}1.Stats.Hits", False),
    ]


def test_names_one_level_down(device: Device) -> None:
    assert device.names("", True) == [("Device.", False)]
    assert device.names(MAPPINGS, True) == [(f"{MAPPINGS}1.", True), (f"{MAPPINGS}2.", True)]
    assert device.names("Device.NAT.", True) == [(COUNT, False), (MAPPINGS, True)]
    assert device.names("Device.Hosts.", True) == [("Device.Hosts.Host.", False)]
    assert device.names("Device.Hosts.Host.", True) == []


def test_names_of_a_leaf(device: Device) -> None:
    assert device.names(INTERVAL, False) == [(INTERVAL, True)]
    with pytest.raises(DataModelFault) as caught:
        device.names(INTERVAL, True)
    assert caught.value.code == 9003
    with pytest.raises(KeyError):
        device.names("Device.Nope", False)


def test_names_are_the_same_whether_read_from_the_schema_or_walked(device: Device) -> None:
    untouched = device.names("", False)
    number = device.add_object(MAPPINGS)
    device.delete_object(f"{MAPPINGS}{number}.")
    assert device.names("", False) == untouched
    assert device.leaves("") == [name for name, _ in untouched if not name.endswith(".")]


# --- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text", "code"),
    [
        (INTERVAL, "60", 0),
        (INTERVAL, "minute", 9006),
        (INTERVAL, "4294967296", 9007),
        ("Device.Time.Enable", "1", 0),
        ("Device.DeviceInfo.SoftwareVersion", "2", 9008),
        ("Device.Nope", "2", 9005),
        (MAPPINGS, "2", 9005),
    ],
)
def test_check(device: Device, path: str, text: str, code: int) -> None:
    assert device.check(path, text) == code


def test_writing_tells_the_agent_once(device: Device) -> None:
    assert device.write(INTERVAL, "0060")
    assert not device.write(INTERVAL, "60")
    assert device.get(INTERVAL) == "60"
    assert device.agent.told == [(INTERVAL, "acs")]
    assert device.write(INTERVAL, "300", by="device")
    assert device.get(INTERVAL) == "300"


def test_writing_what_does_not_fit(device: Device) -> None:
    with pytest.raises(ValueError, match="unsignedInt"):
        device.write(INTERVAL, "-1")
    with pytest.raises(KeyError):
        device.write("Device.Nope", "1")
    assert device.agent.told == []


def test_the_device_may_write_what_is_read_only(device: Device) -> None:
    device.write("Device.DeviceInfo.SoftwareVersion", "2.0.0", by="device")
    assert device.get("Device.DeviceInfo.SoftwareVersion") == "2.0.0"


def test_only_watched_paths_reach_the_trace(device: Device, world: Pretend) -> None:
    device.write(INTERVAL, "60")
    world.watches = INTERVAL.__eq__
    device.write(INTERVAL, "61")
    device.write("Device.Time.Enable", "0")
    assert world.facts == [("parameter", {"path": INTERVAL, "value": "61", "type": "unsignedInt"})]


def test_devices_do_not_see_each_other(schema: Schema, world: Pretend) -> None:
    one, other = world.device(schema, 1), world.device(schema, 2)
    one.write(INTERVAL, "60")
    one.add_object(MAPPINGS)
    one.set_attributes(INTERVAL, 2)
    assert other.get(INTERVAL) == "300"
    assert other.instances(MAPPINGS) == (1, 2)
    assert other.notification(INTERVAL) == 0


def test_equal_values_are_one_object(schema: Schema, world: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpescript.device.rare._SHARED", {})  # However many texts other tests have left there.
    one, other = world.device(schema, 1), world.device(schema, 2)
    for device in (one, other):
        device.write(INTERVAL, "".join(["1", "2", "3"]))
    assert one.get(INTERVAL) is other.get(INTERVAL)


# --- instances --------------------------------------------------------------------------------------------------------


def test_a_table_is_full_some_day(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpescript.device.device.MOST_INSTANCES", 3)
    assert device.add_object(MAPPINGS) == 3
    with pytest.raises(DataModelFault, match="has 3 instances already") as fault:
        device.add_object(MAPPINGS)
    assert fault.value.code == 9004
    device.delete_object(f"{MAPPINGS}3.")
    assert device.add_object(MAPPINGS) == 4


def test_add_object(device: Device) -> None:
    assert device.add_object(MAPPINGS) == 3
    assert device.get(COUNT) == "3"
    assert device.get(f"{MAPPINGS}3.Alias") == "cpe-3"
    assert device.get(f"{MAPPINGS}3.Enable") == "false"
    assert device.agent.told == [(COUNT, "acs")]
    device.write(f"{MAPPINGS}3.Alias", "web")
    assert device.get(f"{MAPPINGS}3.Alias") == "web"
    assert device.names(f"{MAPPINGS}3.", True) == [
        (f"{MAPPINGS}3.Enable", True),
        (f"{MAPPINGS}3.Alias", True),
        (f"{MAPPINGS}3.Stats.", False),
    ]
    assert device.exists(f"{MAPPINGS}3.Stats.")
    assert device.leaves(MAPPINGS)[-1] == f"{MAPPINGS}3.Stats.Hits"


def test_what_moves_in_a_new_instance_begins_with_it(device: Device, world: Pretend, schema: Schema) -> None:
    """A.3.2.6: the values of a new instance are the defaults, however long the device has been up."""
    world.pass_time(505)
    device.add_object(MAPPINGS)
    device.delete_object(f"{MAPPINGS}1.")
    hits = [f"{MAPPINGS}{number}.Stats.Hits" for number in (2, 3)]
    assert [device.get(path) for path in hits] == ["50", "0"]
    assert device.next_tick(hits[1]) == 515 * SECOND
    world.pass_time(25)
    other = world.device(schema, 2)
    other.restore(json.loads(json.dumps(device.saved())))
    world.pass_time(5)
    for one in (device, other):
        assert [one.get(path) for path in hits] == ["53", "3"]
    device.factory_reset()
    world.pass_time(10)
    assert device.get(hits[0]) == "1"


def test_numbers_are_not_given_twice(device: Device) -> None:
    assert device.add_object(MAPPINGS) == 3
    device.delete_object(f"{MAPPINGS}3.")
    device.delete_object(f"{MAPPINGS}1.")
    assert device.add_object(MAPPINGS) == 4
    assert device.instances(MAPPINGS) == (2, 4)
    assert device.get(COUNT) == "2"


def test_a_deleted_declared_instance_is_gone(device: Device) -> None:
    device.write(f"{MAPPINGS}1.Alias", "mine")
    device.set_attributes(f"{MAPPINGS}1.Alias", 1)
    device.delete_object(f"{MAPPINGS}1.")
    for path in (f"{MAPPINGS}1.Alias", f"{MAPPINGS}1.Enable", f"{MAPPINGS}1.Stats.Hits"):
        assert device.leaf(path) is None
        assert device.check(path, "1") == 9005
        with pytest.raises(KeyError):
            device.get(path)
        with pytest.raises(KeyError):
            device.write(path, "1")
    assert not device.exists(f"{MAPPINGS}1.")
    assert not device.exists(f"{MAPPINGS}1.Stats.")
    assert device.leaves(MAPPINGS) == [f"{MAPPINGS}2.Enable", f"{MAPPINGS}2.Alias", f"{MAPPINGS}2.Stats.Hits"]
    assert device.names(MAPPINGS, True) == [(f"{MAPPINGS}2.", True)]
    with pytest.raises(KeyError):
        device.leaves(f"{MAPPINGS}1.")


@pytest.mark.parametrize("path", ["Device.NAT.", "Device.Nope.", COUNT, "", "Device.Hosts.Host.", f"{MAPPINGS}1."])
def test_nothing_to_add_to(device: Device, path: str) -> None:
    with pytest.raises(DataModelFault) as caught:
        device.add_object(path)
    assert caught.value.code == 9005


@pytest.mark.parametrize(
    "path", [MAPPINGS, f"{MAPPINGS}9.", f"{MAPPINGS}01.", f"{MAPPINGS}1", f"{MAPPINGS}1.Stats.", ""]
)
def test_nothing_to_delete(device: Device, path: str) -> None:
    with pytest.raises(DataModelFault) as caught:
        device.delete_object(path)
    assert caught.value.code == 9005
    assert device.instances(MAPPINGS) == (1, 2)


def test_a_read_only_table_is_the_devices_own(device: Device) -> None:
    assert device.add_object("Device.Hosts.Host.", by="device") == 1
    assert device.names("Device.Hosts.", True) == [("Device.Hosts.Host.", False)]
    assert device.names("Device.Hosts.Host.", True) == [("Device.Hosts.Host.1.", False)]
    with pytest.raises(DataModelFault):
        device.delete_object("Device.Hosts.Host.1.")
    device.delete_object("Device.Hosts.Host.1.", by="device")
    assert device.leaves("Device.Hosts.Host.") == []


def test_instances_come_and_go_on_the_trace(device: Device, world: Pretend) -> None:
    world.watches = lambda path: path.endswith(".Alias")
    number = device.add_object(MAPPINGS)
    device.delete_object(f"{MAPPINGS}{number}.")
    path = f"{MAPPINGS}{number}.Alias"
    assert [data for _, data in world.facts] == [
        {"path": path, "value": "cpe-3", "type": "string"},
        {"path": path, "value": None, "type": "string"},
    ]


def test_who_follows_what_moves_is_told_where_it_appears(device: Device, world: Pretend) -> None:
    followed: list[str] = []
    world.watches = lambda path: path.endswith((".Hits", ".Alias"))
    world.appeared = lambda _, path: followed.append(path)
    number = device.add_object(MAPPINGS)
    device.delete_object(f"{MAPPINGS}1.")
    device.write(f"{MAPPINGS}2.Stats.Hits", "40", by="device")
    assert followed == [f"{MAPPINGS}{number}.Stats.Hits"]
    device.factory_reset()
    assert followed[1:] == [f"{MAPPINGS}1.Stats.Hits"]


def test_a_model_that_grows_is_seen_by_who_watches(device: Device, world: Pretend) -> None:
    app, bag = read_manifest(
        b"app: {name: a, version: '1'}\nparameters: [{path: Device.X_App.On, type: xsd:boolean, value: 'true'}]\n", "a"
    )
    assert app is not None, bag.render()
    plain = device.schema
    world.watches = lambda path: True
    device.adopt(grown(plain, (app,)))
    device.adopt(plain)
    assert [data for _, data in world.facts] == [
        {"path": "Device.X_App.On", "value": "true", "type": "boolean"},
        {"path": "Device.X_App.On", "value": None, "type": "boolean"},
    ]


def test_tables_within_instances(tmp_path: Path, world: Pretend) -> None:
    schema = schema_of(
        tmp_path,
        """\
objects:
  - {path: A, instances: 2, parameters: [{path: B}]}
  - {path: A.1.T, instances: 1, parameters: [{path: C, value: "{i}"}]}
parameters:
  - {path: A.1.TNumberOfEntries, type: xsd:unsignedInt, value: 1}
  - {path: A.7.B}
""",
    )
    device = world.device(schema)
    assert device.instances("A.") == (1, 2, 7)
    assert device.add_object("A.1.T.") == 2
    assert device.get("A.1.T.2.C") == "2"
    assert device.get("A.1.TNumberOfEntries") == "2"
    assert device.leaves("A.1.") == ["A.1.B", "A.1.T.1.C", "A.1.T.2.C", "A.1.TNumberOfEntries"]
    assert device.add_object("A.") == 8
    assert not device.exists("A.8.T.")
    device.delete_object("A.1.")
    for path in ("A.1.T.2.C", "A.1.T.1.C", "A.1.T.", "A.1.B"):
        assert not device.exists(path)
    with pytest.raises(DataModelFault):
        device.add_object("A.1.T.")
    with pytest.raises(KeyError):
        device.instances("A.1.T.")
    assert device.leaves("") == ["A.2.B", "A.7.B", "A.8.B"]


def test_an_instance_with_leaves_of_its_own_has_only_those(tmp_path: Path, world: Pretend) -> None:
    text = "parameters: [{path: A.7.B}]\nobjects: [{path: A, instances: 1, parameters: [{path: B}, {path: C}]}]\n"
    device = world.device(schema_of(tmp_path, text))
    assert device.leaves("A.") == ["A.1.B", "A.1.C", "A.7.B"]
    assert device.add_object("A.") == 8
    assert not device.exists("A.7.C")
    assert device.leaves("A.") == ["A.1.B", "A.1.C", "A.7.B", "A.8.B", "A.8.C"]


@pytest.mark.parametrize("number", ["9" * 5000, "٣", "0", "03"])
def test_odd_instance_numbers(device: Device, number: str) -> None:
    device.add_object(MAPPINGS)
    assert not device.exists(f"{MAPPINGS}{number}.")
    assert device.check(f"{MAPPINGS}{number}.Alias", "x") == 9005


class Tree(RuleBasedStateMachine):
    """Whatever is added, deleted and reset: the device agrees with a plain set of numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.device = Pretend().device(_SCHEMA[0])
        self.numbers = {1, 2}
        self.high = 2

    @rule()
    def add(self) -> None:
        self.high += 1
        assert self.device.add_object(MAPPINGS) == self.high
        self.numbers.add(self.high)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if self.numbers:
            number = data.draw(st.sampled_from(sorted(self.numbers)))
            self.device.delete_object(f"{MAPPINGS}{number}.")
            self.numbers.discard(number)

    @rule()
    def reset(self) -> None:
        self.device.factory_reset()
        self.numbers, self.high = {1, 2}, 2

    @rule(data=st.data(), text=st.sampled_from(["a", "b"]))
    def write(self, data: st.DataObject, text: str) -> None:
        if self.numbers:
            number = data.draw(st.sampled_from(sorted(self.numbers)))
            self.device.write(f"{MAPPINGS}{number}.Alias", text)
            assert self.device.get(f"{MAPPINGS}{number}.Alias") == text

    @invariant()
    def agrees(self) -> None:
        device = self.device
        assert device.instances(MAPPINGS) == tuple(sorted(self.numbers))
        assert device.get(COUNT) == str(len(self.numbers))
        aliases = [path for path in device.leaves("Device.NAT.") if path.endswith(".Alias")]
        assert aliases == [f"{MAPPINGS}{number}.Alias" for number in sorted(self.numbers)]
        for number in range(1, self.high + 2):
            assert device.exists(f"{MAPPINGS}{number}.") is (number in self.numbers)
            assert (device.leaf(f"{MAPPINGS}{number}.Alias") is not None) is (number in self.numbers)
        for path in device.leaves(""):
            device.get(path)


_SCHEMA: list[Schema] = []


def test_tables_against_a_plain_set(tmp_path: Path) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    _SCHEMA[:] = [schema_of(tmp_path)]
    run_state_machine_as_test(Tree, settings=settings(max_examples=60, stateful_step_count=20, deadline=None))


# --- attributes -------------------------------------------------------------------------------------------------------


def test_attributes_before_anybody_sets_them(device: Device) -> None:
    assert device.notification("Device.DeviceInfo.SoftwareVersion") == 2
    assert device.notification("Device.ManagementServer.ConnectionRequestURL") == 2
    assert device.notification(INTERVAL) == 0
    assert device.access_list(INTERVAL) == ("Subscriber",)
    assert device.notified() == {
        "Device.DeviceInfo.SoftwareVersion": 2,
        "Device.ManagementServer.ConnectionRequestURL": 2,
    }


def test_set_attributes_changes_only_what_is_given(device: Device) -> None:
    device.set_attributes(INTERVAL, notification=1)
    device.set_attributes(INTERVAL, access_list=())
    assert (device.notification(INTERVAL), device.access_list(INTERVAL)) == (1, ())
    assert device.notified()[INTERVAL] == 1
    device.set_attributes(INTERVAL, notification=0)
    assert INTERVAL not in device.notified()


def test_attributes_of_an_object(device: Device) -> None:
    device.set_attributes("Device.", notification=1)
    assert device.notification(f"{MAPPINGS}2.Alias") == 1
    assert device.notification("Device.ManagementServer.ConnectionRequestURL") == 1
    assert device.notification("Device.DeviceInfo.SoftwareVersion") == 2


@pytest.mark.parametrize(
    ("path", "notification", "code"),
    [
        ("Device.DeviceInfo.SoftwareVersion", 0, 9009),
        (INTERVAL, 7, 9009),
        (INTERVAL, -1, 9009),
        ("Device.Nope", 1, 9005),
        ("Device.Nope.", 1, 9005),
    ],
)
def test_attributes_refused(device: Device, path: str, notification: int, code: int) -> None:
    with pytest.raises(DataModelFault) as caught:
        device.set_attributes(path, notification)
    assert caught.value.code == code


def test_forced_notification_may_be_set_to_what_it_is(device: Device) -> None:
    device.set_attributes("Device.DeviceInfo.SoftwareVersion", 2)
    assert device.notification("Device.DeviceInfo.SoftwareVersion") == 2


# --- factory reset ----------------------------------------------------------------------------------------------------


def test_factory_reset_makes_everything_as_declared(device: Device) -> None:
    untouched = {path: device.get(path) for path in device.leaves("")}
    device.write(INTERVAL, "60")
    device.write(URL, "http://other.example/")
    device.write("Device.WiFi.Channel", "3")
    device.set_attributes(INTERVAL, 2, ())
    device.delete_object(f"{MAPPINGS}1.")
    device.add_object(MAPPINGS)
    device.factory_reset()
    assert {path: device.get(path) for path in device.leaves("")} == untouched
    assert device.notification(INTERVAL) == 0
    assert device.access_list(INTERVAL) == ("Subscriber",)
    assert device.add_object(MAPPINGS) == 3


def test_factory_reset_is_seen_by_who_watches(device: Device, world: Pretend) -> None:
    device.write(INTERVAL, "60")
    device.add_object(MAPPINGS)
    device.delete_object(f"{MAPPINGS}2.")
    world.watches = lambda path: path == INTERVAL or path.endswith(".Alias")
    device.factory_reset()
    assert [(data["path"], data["value"]) for _, data in world.facts] == [
        (INTERVAL, "300"),
        (f"{MAPPINGS}2.Alias", "cpe-2"),
        (f"{MAPPINGS}3.Alias", None),
    ]
