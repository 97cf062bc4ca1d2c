"""Boots and what leads to them."""

from __future__ import annotations

import pytest

from cpescript import libraries
from cpescript.cwmp.http import HttpRequest
from cpescript.cwmp.message import Event, Message
from cpescript.cwmp.power import STOPPED
from cpescript.device.blocks import EventSchedule
from cpescript.device.profile import load_profile
from cpescript.kernel.time import SECOND
from cpescript.quirks import catalogue
from tests.cwmp.world import (
    MS,
    SSID,
    Reply,
    World,
    alive,
    dead,
    download,
    schedule_inform,
    spv,
)

BOOT = ("1 BOOT",)
FIRST = ("0 BOOTSTRAP", "1 BOOT")
PERIODIC = ("2 PERIODIC",)


def test_a_reboot_rpc_happens_after_the_session(world: World) -> None:
    agent = world.device()
    world.acs.script = [Message("Reboot", {"command_key": "first"}), Message("Reboot", {"command_key": "second"})]
    agent.inform()
    world.run(1)
    assert world.kinds()[-1] == "< Empty"
    assert (agent.device.is_in("rebooting"), agent.device.is_in("registered"), agent.listening) == (True, False, False)
    world.run(30)
    assert world.informs()[2:] == [(30, ("1 BOOT", "M Reboot"))]
    assert world.last_inform().fields["event"][1] == Event("M Reboot", "second")
    assert agent.device.is_in("registered")
    assert not agent.device.is_in("rebooting")


def test_a_reboot_while_rebooting_starts_over() -> None:
    world = World(event_schedule=EventSchedule(reboot_delay=30 * SECOND))
    agent = world.device()
    agent.reboot()
    world.run(10)
    agent.reboot()
    world.run(60)
    assert world.informs()[1:] == [(40, BOOT)]


def test_nothing_is_said_in_the_dark(world: World) -> None:
    agent = world.device()
    world.run(290)
    agent.reboot()
    agent.inform("8 DIAGNOSTICS COMPLETE")
    world.run(29)
    assert len(world.informs()) <= 2
    assert agent.connection_request(HttpRequest((), b"", "GET", "/k3y")).status == 503


def test_factory_reset(world: World) -> None:
    agent = world.device()
    world.ask(spv((SSID, "changed"), key="k"), Message("FactoryReset", {}))
    world.run(31)
    assert world.informs()[-1] == (30, FIRST)
    assert agent.device.get(SSID) == "home"
    assert world.last_inform().settings[f"{MS}ParameterKey"] == ""


def test_another_acs_is_bootstrapped_and_hears_nothing_of_before(world: World) -> None:
    agent = world.device()
    world.acs.overrule = dead
    agent.inform("8 DIAGNOSTICS COMPLETE")
    world.run(1)
    world.acs.overrule = alive
    agent.device.write(f"{MS}URL", "http://other.example/", "device")
    assert not agent.device.is_in("registered")
    world.run(1)
    assert world.informs()[-1] == (1, ("0 BOOTSTRAP",))
    agent.reboot()
    world.run(31)
    assert world.informs()[-1][1] == BOOT


def test_a_new_acs_url_by_rpc_takes_effect_after_the_session(world: World) -> None:
    agent = world.device()
    world.acs.script = [spv((f"{MS}URL", "http://other.example/"))]
    agent.inform()
    world.run(1)
    assert [codes for _, codes in world.informs()] == [FIRST, PERIODIC, ("0 BOOTSTRAP",)]
    states = [fact for fact in world.facts("state") if fact["state"] == "registered"]
    assert [state["on"] for state in states] == [True, False, True]


def test_a_device_is_not_registered_with_an_acs_that_it_has_not_reached(world: World) -> None:
    def overrule(request: HttpRequest, message: Message | None) -> Reply | None:
        return "refused" if message is not None and message.kind == "Inform" and len(world.informs()) == 3 else None

    agent = world.device()
    world.acs.overrule = overrule
    world.ask(spv((f"{MS}URL", "http://other.example/")))
    assert world.facts("SessionEnd")[-1]["outcome"] == "refused"
    assert not agent.device.is_in("registered")


def test_a_session_that_fails_after_it_changed_the_acs_is_not_told_again(world: World) -> None:
    def overrule(request: HttpRequest, message: Message | None) -> Reply | None:
        return "cut" if message is not None and message.kind == "SetParameterValuesResponse" else None

    agent = world.device()
    world.acs.overrule = overrule
    world.acs.script = [spv((f"{MS}URL", "http://other.example/"))]
    agent.inform("8 DIAGNOSTICS COMPLETE")
    world.run(20)
    assert [codes for _, codes in world.informs()][2:] == [("0 BOOTSTRAP",)]


def test_power(world: World) -> None:
    agent = world.device()
    agent.power_off()
    assert (agent.device.is_in("online"), agent.listening) == (False, False)
    agent.inform()
    world.run(1000)
    assert len(world.informs()) == 1
    agent.power_on(first=False)
    world.run(1)
    assert world.informs()[1:] == [(1000, BOOT)]
    agent.power_cycle(120 * SECOND)
    world.run(60)
    assert agent.device.is_in("offline")
    world.run(60)
    assert world.informs()[-1] == (1121, BOOT)


def test_power_off_ends_a_power_cycle(world: World) -> None:
    agent = world.device()
    agent.power_cycle(60 * SECOND)
    world.run(30)
    agent.power_off()
    world.run(100)
    assert len(world.informs()) == 1
    agent.power_on(first=False)
    agent.power_on(first=False)
    world.run(1)
    assert len(world.informs()) == 2


def test_power_off_cuts_a_session(world: World) -> None:
    agent = world.device()
    agent.add_hook(catalogue()["slow-cpe"].make({}))
    agent.inform("8 DIAGNOSTICS COMPLETE")
    world.run(10)
    agent.power_cycle(5 * SECOND)
    assert world.facts("SessionEnd")[-1]["outcome"] == "cut"
    world.run(100)
    assert [codes for _, codes in world.informs()] == [FIRST, BOOT]
    assert agent.session is None


def test_first_boots_are_spread_as_the_profile_says() -> None:
    world = World(event_schedule=EventSchedule(boot_delay=10 * SECOND, boot_ramp=60 * SECOND))
    for _ in range(50):
        world.device()
    world.run(71)
    times = [at for at, _ in world.informs()]
    assert len(times) == 50
    assert min(times) >= 10
    assert max(times) <= 70
    assert len(set(times)) > 40


def test_a_lost_link_keeps_what_there_is_to_tell(world: World) -> None:
    agent = world.device()
    agent.link_down()
    assert agent.device.is_in("offline")
    world.run(1000)
    assert len(world.informs()) == 1
    agent.link_up()
    world.run(0)
    assert world.informs()[1:] == [(1000, PERIODIC)]


@pytest.mark.parametrize("abruptly", [True, False])
def test_a_stopped_device_is_silent_for_ever(world: World, abruptly: bool) -> None:
    agent = world.device()
    world.ask(download(), schedule_inform(10, "x"))
    agent.stop(abruptly)
    agent.power_on()
    agent.inform()
    world.run(10_000)
    assert len(world.informs()) == 2
    assert agent.device.state == 0


def test_a_factory_reset_brings_back_each_devices_own_credentials_and_the_acs_as_declared() -> None:
    path = libraries.find("profiles", "hg100")
    assert path is not None
    schema, _ = load_profile(path)
    assert schema is not None
    world = World()
    world.schema = schema
    agents = [world.device(), world.device()]
    names = ("Username", "Password", "ConnectionRequestUsername", "ConnectionRequestPassword", "URL")
    own = [[agent.device.get(f"{MS}{name}") for name in names] for agent in agents]
    assert own[0][:4] != own[1][:4]
    for agent in agents:
        for name in names:
            agent.device.write(f"{MS}{name}", "http://set.example/", "acs")
        agent.factory_reset()
    world.run(100)
    assert [[agent.device.get(f"{MS}{name}") for name in names] for agent in agents] == own
    assert [codes for _, codes in world.informs()[-2:]] == [("0 BOOTSTRAP", "1 BOOT")] * 2


def test_who_was_to_be_taken_away_after_the_session_is_gone_with_the_power(world: World) -> None:
    agent = world.device()
    agent.add_hook(catalogue()["slow-cpe"].make({}))
    agent.inform()
    world.run(1)
    agent.stop()
    assert agent.session is not None
    agent.power_cycle(5 * SECOND)
    world.run(60)
    assert agent.flags & STOPPED
    assert not agent.device.is_in("online")
