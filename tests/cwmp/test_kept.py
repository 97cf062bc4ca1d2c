"""What of an agent outlives the end of a run, and how it goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cpescript.cwmp import kept
from cpescript.cwmp.http import HttpRequest
from cpescript.cwmp.message import InstallOperation
from cpescript.device.blocks import ConnectionRequest
from cpescript.kernel.time import SECOND, Duration, Instant, Size, parse_instant
from cpescript.quirks import catalogue
from tests.cwmp.test_diagnosis import diagnosing, request, state
from tests.cwmp.test_modules import DU, EU, HUB, change, modular
from tests.cwmp.test_windows import completed, schedule_download, window
from tests.cwmp.world import INFO, World, dead, download, gpv, schedule_inform

LAMP = "Device.X_Hub.Enable"


def reborn(world: World, other: World) -> Any:
    """Return the agent of a device in another world that goes on as the last one of the first, and is switched on."""
    old = world.devices[-1]
    text = json.dumps([old.saved(), kept.saved(old.agent)])
    assert kept.profile(old.agent) is world.schema
    other.schema = world.schema
    agent = other.device(power=False)
    device, rest = json.loads(text)
    kept.grow(agent.device, rest)
    agent.device.restore(device)
    kept.restore(agent, rest)
    agent.power_on()
    other.run(0)
    return agent


@pytest.fixture
def later() -> World:
    """Another world, whose clock has gone on for a while."""
    world = World()
    world.run(77)
    return world


def test_an_idle_device_keeps_next_to_nothing(world: World) -> None:
    agent = world.device()
    assert kept.saved(agent) == {"known": "http://acs.example/cwmp", "sessions": 1, "events": [], "spoken": True}


def test_a_window_is_as_far_away_as_it_was(world: World, later: World) -> None:
    world.device()
    world.ask(schedule_download(window(100, 900), window(1000, 2000)))
    world.run(40)
    reborn(world, later)
    later.run(300)
    assert completed(later) == [(77 + 60 + 35, 0)]


def test_a_transfer_in_its_window_is_tried_again_there(world: World, later: World) -> None:
    world.device()
    world.ask(schedule_download(window(0, 900)))
    world.run(2)
    assert world.devices[0].is_in("downloading")
    reborn(world, later)
    assert later.devices[0].is_in("updating")
    later.run(300)
    assert completed(later) == [(77 + 35, 0)]


def test_what_is_left_of_a_delay_is_waited_for(world: World, later: World) -> None:
    world.device()
    world.ask(download(delay=100))
    world.run(40)
    reborn(world, later)
    later.run(300)
    assert completed(later) == [(77 + 60 + 35, 0)]


@pytest.mark.parametrize("ran", [2, 20])
def test_a_transfer_that_had_begun_has_failed(ran: int, world: World, later: World) -> None:
    """While it is carried, and while its firmware is written: the device does not try again by itself (A.3.2.8)."""
    world.device()
    world.ask(download(), download(key="next"))
    world.run(ran)
    agent = reborn(world, later)
    assert later.informs() == [(77, ("1 BOOT", "7 TRANSFER COMPLETE", "M Download"))]
    [told] = [record.message.fields for record in later.records if record.kind == "TransferComplete"]
    assert (told["command_key"], told["fault_code"]) == ("fw", 9010)
    times = [parse_instant(told[name]) for name in ("start_time", "complete_time")]
    assert times[1] - times[0] == ran * SECOND
    assert agent.device.get(f"{INFO}SoftwareVersion") == "1.0.0"
    later.run(300)
    assert completed(later) == [(77, 9010), (77 + 35, 0)], "the one that waited for its turn goes on"


def test_scheduled_informs_come_with_their_keys(world: World, later: World) -> None:
    world.device()
    world.ask(schedule_inform(100, "a"), schedule_inform(50, "b"))
    world.run(30)
    reborn(world, later)
    later.run(100)
    scheduled = [(at, codes) for at, codes in later.informs() if "3 SCHEDULED" in codes]
    assert [at for at, _ in scheduled] == [77 + 20, 77 + 70]


def test_events_of_a_session_under_way_are_not_lost(world: World, later: World) -> None:
    agent = world.device()
    agent.add_hook(catalogue()["slow-cpe"].make({}))
    agent.inform("X 00D0AA Door open")
    world.run(1)
    assert agent.session is not None
    reborn(world, later)
    assert later.informs() == [(77, ("1 BOOT", "X 00D0AA Door open"))]


def test_another_acs_is_told_nothing_of_what_was_owed_to_the_old_one(world: World, later: World) -> None:
    agent = world.device()
    world.ask(download(key="mine"))
    agent.link_down()
    world.run(300)
    assert agent.idle_work().untold
    later.acs_url = "http://other.example/"
    reborn(world, later)
    later.run(100)
    assert later.informs() == [(77, ("0 BOOTSTRAP", "1 BOOT"))]
    assert "TransferComplete" not in later.kinds()


def test_a_diagnostic_is_forgotten(later: World) -> None:
    world = diagnosing()
    world.device()
    world.ask(request("Device.IP.Diagnostics.IPPing."))
    assert state(world) == "Requested"
    reborn(world, later)
    later.run(20)
    assert state(later) == "None"


def test_an_app_is_there_with_its_values(later: World) -> None:
    world = modular()
    device = world.device().device
    world.ask(change(InstallOperation(HUB)))
    world.run(20)
    device.write(LAMP, "false")
    agent = reborn(world, later)
    assert agent.device.get(LAMP) == "false"
    assert agent.device.schema is device.schema, "devices with the same apps share a data model"
    assert agent.device.get(f"{EU}1.Status") == "Active"
    assert kept.profile(agent) is world.schema


def test_an_app_that_the_profile_has_itself_by_now_is_dropped(later: World) -> None:
    world = modular()
    device = world.device().device
    world.ask(change(InstallOperation(HUB)))
    world.run(20)
    grown = device.schema
    later.schema = grown
    agent = later.device(power=False)
    kept.grow(agent.device, json.loads(json.dumps(kept.saved(device.agent))))
    assert agent.device.schema is grown


def test_an_operation_under_way_was_interrupted_and_the_next_goes_on(later: World) -> None:
    world = modular()
    world.device()
    other = HUB.replace("hub-1.2.0", "door-1.0")
    world.ask(change(InstallOperation(HUB), InstallOperation(other)))
    world.run(2)
    assert world.devices[0].get(f"{DU}1.Status") == "Installing"
    reborn(world, later)
    later.run(30)
    [told] = [record.message for record in later.records if record.kind == "DUStateChangeComplete"]
    assert [(each.current_state, each.fault_code) for each in told.fields["results"]] == [
        ("Failed", 9001),
        ("Installed", 0),
    ]
    assert told.fields["command_key"] == "apps"


def test_results_that_are_owed_are_told(later: World) -> None:
    world = modular()
    world.device()
    world.ask(change(InstallOperation(HUB)))
    world.acs.overrule = dead
    world.run(20)
    reborn(world, later)
    later.run(0)
    [told] = [record.message for record in later.records if record.kind == "DUStateChangeComplete"]
    assert [each.current_state for each in told.fields["results"]] == ["Installed"]
    assert later.informs()[0][1] == ("1 BOOT", "11 DU STATE CHANGE COMPLETE", "M ChangeDUState")


def test_results_tell_since_when_the_operation_ran(later: World) -> None:
    world = modular()
    world.device()
    world.ask(change(InstallOperation(HUB)))
    world.run(2)
    reborn(world, later)
    later.run(30)
    [told] = [record.message for record in later.records if record.kind == "DUStateChangeComplete"]
    [result] = told.fields["results"]
    assert (result.start_time[-3:], result.complete_time[-3:]) == ("15Z", "17Z")


def test_a_fault_is_remembered(world: World, later: World) -> None:
    world.device()
    world.ask(gpv("Device.Nowhere"))
    assert reborn(world, later).device.is_in("faulted")


def test_connection_requests_are_held_back_as_before() -> None:
    rules = ConnectionRequest("", "", 60 * SECOND, None)
    world, later = World(connection_request=rules), World()
    later.run(77)
    agent = world.device()
    call = HttpRequest((), b"", "GET")
    assert agent.connection_request(call).status == 200
    world.run(20)
    agent = reborn(world, later)
    assert dict(agent.connection_request(call).headers) == {"Retry-After": "40"}
    later.run(40)
    assert agent.connection_request(call).status == 200


LABELS = {
    "region": "north",
    "rank": 3,
    "share": 0.5,
    "vip": True,
    "none": None,
    "patience": Duration(5 * SECOND),
    "quota": Size(1 << 20),
    "lists": [1, [Duration(1)], {"a": Instant(7), "b": []}],
}


def test_labels_are_what_they_were_unless_given_anew(world: World, later: World) -> None:
    agent = world.device()
    agent.device.labels = dict(LABELS)
    other = World()
    other.schema = world.schema
    fresh = other.device(power=False)
    fresh.device.labels = {"region": "south"}
    kept.restore(fresh, json.loads(json.dumps(kept.saved(agent))))
    assert fresh.device.labels == {**LABELS, "region": "south"}
    types = [type(fresh.device.labels[name]) for name in LABELS]
    assert types == [type(value) for value in LABELS.values()]
    assert type(fresh.device.labels["lists"][2]["a"]) is Instant


def test_what_no_field_is_cannot_be_kept() -> None:
    with pytest.raises(TypeError, match="set cannot be kept"):
        kept.packed((1, {2}))
