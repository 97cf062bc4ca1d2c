"""A device that is kept and taken up again goes on like one whose power failed for no time at all.

Whatever happened before: both tell the same, octet by octet, at the same instants, and have the same values then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpescript.cwmp import kept
from cpescript.cwmp.agent import CwmpAgent
from cpescript.cwmp.http import HttpResponse
from cpescript.cwmp.message import (
    Event,
    InstallOperation,
    Message,
    ParameterAttributesSetting,
    UninstallOperation,
    UpdateOperation,
)
from cpescript.cwmp.modules import Operation, uuid5
from cpescript.device.generators import Drift
from cpescript.device.schema import Leaf, Schema
from cpescript.kernel.time import SECOND, Duration
from cpescript.quirks.held import HeldQuirks
from tests.cwmp.test_diagnosis import PING, diagnosing, request, set_by_hand
from tests.cwmp.test_modules import EU, HUB, change, modular
from tests.cwmp.test_windows import AT_ANY_TIME, CONFIRM, schedule_download, window
from tests.cwmp.world import CHANNEL, INTERVAL, MAPPINGS, SSID, World, dead, download, schedule_inform, spv

CUT = 100
"""Seconds after which the power fails, or the device is kept."""
REST = 1000
MOVING = "Device.WiFi.Radio.1.Noise"
HUB_ID = uuid5("Acme.hub")
OTHER = HUB.replace("hub-1.2.0", "door-1.0")


class Story(World):
    """A world whose devices have quirks, diagnostics, software modules, and a parameter that moves."""

    def __init__(self) -> None:
        super().__init__()
        self.quirks = HeldQuirks()
        apart = (diagnosing().schema, modular().schema)
        leaves = {path: leaf for schema in apart for path, leaf in schema.leaves.items()}
        leaves[MOVING] = Leaf(MOVING, "int", False, "-90", None, Drift(7 * SECOND, -95, -80, 3))
        tables = {path: table for schema in apart for path, table in schema.tables.items()}
        self.schema = Schema("hg100", "hg100.yaml", leaves, tables, apart[-1].blocks)


Do = Callable[[Story, CwmpAgent], object]


def asked(*rpcs: Message) -> Do:
    return lambda world, agent: world.ask(*rpcs)


def quirk(name: str, duration: int | None = None, **arguments: Any) -> Do:
    return lambda world, agent: world.quirks.inject(agent.device, name, arguments, duration)


def attribute(path: str, level: int) -> Message:
    setting = ParameterAttributesSetting(path, True, level, False, ())
    return Message("SetParameterAttributes", {"parameter_list": (setting,)})


def module(*operations: Operation) -> Do:
    return asked(change(*operations))


def deaf(world: Story, agent: CwmpAgent) -> None:
    world.acs.overrule = dead


def refusing(world: Story, agent: CwmpAgent) -> None:
    """The ACS answers 400, which may mean the version that the device speaks."""
    world.acs.overrule = lambda request, message: HttpResponse(400)


DEEDS: dict[str, Do] = {
    "set by the ACS": asked(spv((SSID, "cafe"), key="k1")),
    "set by hand": lambda world, agent: agent.device.write(CHANNEL, "11", "device"),
    "attributes": asked(attribute(CHANNEL, 2), attribute(SSID, 1)),
    "a moving value is told": asked(attribute(MOVING, 2)),
    "another interval": asked(spv((INTERVAL, "40"), kind="unsignedInt")),
    "throttle": asked(spv(("Device.ManagementServer.DefaultActiveNotificationThrottle", "60"), kind="unsignedInt")),
    "an instance more": asked(Message("AddObject", {"object_name": MAPPINGS, "parameter_key": "k2"})),
    "scheduled": asked(schedule_inform(90, "s1")),
    "reboot": asked(Message("Reboot", {"command_key": "r1"})),
    "factory reset": asked(Message("FactoryReset", {})),
    "download later": asked(download(key="later", delay=150)),
    "download": asked(download(key="now")),
    "two downloads": asked(download(key="one"), download("http://files.example/hg100-3.0.0.bin", key="two")),
    "upload": asked(Message("Upload", {**download(key="up").fields, "file_type": "4 Vendor Log File"})),
    "download in an open window": asked(schedule_download(window(0, 900, retries=2), command_key="w0")),
    "download in a window": asked(schedule_download(window(120, 900, AT_ANY_TIME), command_key="w1")),
    "download if somebody says yes": asked(schedule_download(window(110, 130, CONFIRM), command_key="w2")),
    "by hand": lambda world, agent: agent.send(b"<not even=XML \xff"),
    "a vendor's event": lambda world, agent: agent.inform("X 00D0AA Door open"),
    "kicked": lambda world, agent: agent.request("5 KICKED", command="c", referer="", arg="", next=""),
    "a file of its own": lambda world, agent: agent.request("10 AUTONOMOUS TRANSFER COMPLETE"),
    "a ping": asked(request(PING)),
    "a ping by hand": lambda world, agent: set_by_hand(world, DiagnosticsState="Requested"),
    "an app": module(InstallOperation(HUB)),
    "two apps": module(InstallOperation(HUB), InstallOperation(OTHER)),
    "another version": module(UpdateOperation(HUB_ID, "1.3.0", HUB.replace("1.2.0", "1.3.0"))),
    "no app": module(UninstallOperation(HUB_ID)),
    "an app of its own accord": lambda world, agent: agent.change_modules([InstallOperation(OTHER)]),
    "an app is stopped": lambda world, agent: world.ask(spv((f"{EU}1.RequestedState", "Idle"))),
    "transfers fail": quirk("transfer-fault", code=9016, times=2),
    "slow": quirk("slow-cpe", pause=Duration(4 * SECOND)),
    "slow for a while": quirk("slow-cpe", 110 * SECOND, pause=Duration(3 * SECOND)),
    "cut twice": quirk("abort-midway", times=2),
    "silent after four": quirk("goes-silent", after=4),
    "cured": lambda world, agent: world.quirks.clear(agent.device),
    "the ACS is dead": deaf,
    "the ACS refuses": refusing,
}


def lived(deeds: Sequence[tuple[int, str]]) -> tuple[Story, CwmpAgent]:
    """Return a world and its device when all that has been done to it, at these seconds, and it is time for the cut."""
    world = Story()
    agent = world.device()
    for second, name in sorted(deeds):
        world.run(second - world.kernel.now / SECOND)
        DEEDS[name](world, agent)
    world.run(CUT - world.kernel.now / SECOND)
    return world, agent


def failed(deeds: Sequence[tuple[int, str]]) -> Story:
    world, agent = lived(deeds)
    agent.power_off()
    agent.power_on(first=False)
    return world


def taken_up(deeds: Sequence[tuple[int, str]]) -> Story:
    before, agent = lived(deeds)
    device = agent.device
    text = json.dumps([device.saved(), kept.saved(agent), before.quirks.saved(device)])
    world = Story()
    world.schema, world.acs = before.schema, before.acs
    world.run(CUT)
    other = world.device(power=False)
    of_device, of_agent, of_quirks = json.loads(text)
    kept.grow(other.device, of_agent)
    other.device.restore(of_device)
    world.quirks.restore(other.device, of_quirks)
    kept.restore(other, of_agent)
    other.power_on(first=False)
    return world


def told(world: Story) -> tuple[list[tuple[Any, ...]], dict[str, str]]:
    """Return everything that was said in the rest of the time, which quirks showed, and the values in the end."""
    start = len(world.records)
    world.acs.script = []
    world.run(20)
    world.ask(schedule_download(window(200, 900, AT_ANY_TIME), command_key="w3"))
    world.run(REST)
    said = [
        (record.t, record.kind, record.direction, record.session, record.body, (record.data or {}).get("name"))
        for record in world.records[start:]
        if record.direction != "local" or record.kind == "quirk"
    ]
    [device] = world.devices
    return said, {path: device.get(path) for path in device.leaves("")}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, CUT - 1), st.sampled_from(sorted(DEEDS))), max_size=7))
def test_a_device_goes_on(deeds: list[tuple[int, str]]) -> None:
    assert told(taken_up(deeds)) == told(failed(deeds))


@pytest.mark.parametrize("deed", sorted(DEEDS))
def test_after_each_deed(deed: str) -> None:
    """The same for each alone, half done, while firmware is written, and in the midst of a session."""
    for deeds in ([(50, deed)], [(CUT - 3, deed)], [(CUT - 20, deed)], [(40, "slow"), (CUT - 9, deed)]):
        assert told(taken_up(deeds)) == told(failed(deeds))


def test_a_reboot_that_was_accepted_is_told_by_the_boot() -> None:
    world = taken_up([(40, "slow"), (CUT - 9, "reboot")])
    world.run(10)
    assert world.informs() == [(CUT + 4, ("1 BOOT", "M Reboot"))]
    assert world.last_inform().fields["event"][-1] == Event("M Reboot", "r1")


def test_a_reset_that_was_accepted_is_carried_out_by_the_boot() -> None:
    world = taken_up([(10, "set by the ACS"), (40, "slow"), (CUT - 9, "factory reset")])
    world.run(10)
    assert world.informs() == [(CUT + 4, ("0 BOOTSTRAP", "1 BOOT"))]
    assert world.devices[0].get(SSID) == "home"
