"""When a device informs of its own accord."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cpescript.cwmp.message import Event
from cpescript.device.blocks import PeriodicPaths
from cpescript.device.schema import Leaf
from cpescript.quirks import catalogue
from tests.cwmp.world import (
    INTERVAL,
    MS,
    SSID,
    World,
    alive,
    dead,
    make_schema,
    schedule_inform,
    spv,
)

FIRST = ("0 BOOTSTRAP", "1 BOOT")
PERIODIC = ("2 PERIODIC",)


# --- Periodic Informs -------------------------------------------------------------------------------------------------
def gaps(world: World) -> list[float]:
    times = [at for at, codes in world.informs() if codes == PERIODIC]
    return [after - before for before, after in pairwise(times)]


def test_periodic_informs_are_an_interval_apart_give_or_take_a_tenth(world: World) -> None:
    world.device()
    world.run(300 * 2000)
    found = gaps(world)
    assert all(270 <= gap <= 330 for gap in found)
    low, high = sum(gap < 285 for gap in found), sum(gap > 315 for gap in found)
    assert len(found) * 0.2 < low < len(found) * 0.3
    assert len(found) * 0.2 < high < len(found) * 0.3


def test_the_jitter_is_the_seeds(world: World) -> None:
    def run(seed: int) -> list[tuple[float, tuple[str, ...]]]:
        story = World()
        story.seed = seed
        story.device()
        story.device()
        story.run(3600)
        return story.informs()

    assert run(1) == run(1)
    assert run(1) != run(2)
    both = World()
    both.device(), both.device()
    both.run(3600)
    first, second = (both.informs(device) for device in both.devices)
    assert first != second


def test_setting_the_interval_takes_effect_at_once(world: World) -> None:
    world.device()
    world.run(100)
    world.ask(spv((INTERVAL, "30")))
    world.run(34)
    assert world.informs()[-1][0] >= 127
    assert world.informs()[-1][1] == PERIODIC


def test_a_disabled_timer_sleeps_until_it_is_enabled(world: World) -> None:
    agent = world.device()
    world.ask(spv((f"{MS}PeriodicInformEnable", "false")))
    before = len(world.informs())
    world.run(36_000)
    assert len(world.informs()) == before
    assert agent.device.is_in("online")
    agent.device.write(f"{MS}PeriodicInformEnable", "true", "device")
    world.run(331)
    assert len(world.informs()) == before + 1


def test_an_interval_of_nothing_is_a_second(world: World) -> None:
    agent = world.device()
    agent.device.write(INTERVAL, "0", "device")
    world.run(100)
    assert 90 <= len(world.informs()) <= 112


def test_periodic_inform_time_gives_the_phase() -> None:
    world = World(periodic=PeriodicPaths(INTERVAL, f"{MS}PeriodicInformEnable", f"{MS}PeriodicInformTime"))
    agent = world.device()
    world.run(10)
    agent.device.write(f"{MS}PeriodicInformTime", "2030-01-01T00:01:00Z", "device")
    world.run(1000)
    assert [at for at, codes in world.informs() if codes == PERIODIC] == [60, 360, 660, 960]


def test_a_tick_during_a_session_is_told_after_it(world: World) -> None:
    agent = world.device()
    agent.device.write(INTERVAL, "10", "device")
    agent.add_hook(catalogue()["slow-cpe"].make({}))
    agent.inform("8 DIAGNOSTICS COMPLETE")
    world.run(61)
    assert [codes for _, codes in world.informs()] == [FIRST, ("8 DIAGNOSTICS COMPLETE",), PERIODIC]


def test_a_tick_during_a_session_is_dropped_where_the_profile_says_so() -> None:
    world = World(extension={"overlap": "drop"})
    agent = world.device()
    agent.device.write(INTERVAL, "10", "device")
    agent.add_hook(catalogue()["slow-cpe"].make({}))
    agent.inform("8 DIAGNOSTICS COMPLETE")
    world.run(41)
    assert [codes for _, codes in world.informs()] == [FIRST, ("8 DIAGNOSTICS COMPLETE",)]
    assert agent.session is None
    assert agent.events == ()


def test_several_causes_of_an_instant_share_a_session(world: World) -> None:
    agent = world.device()
    agent.inform("8 DIAGNOSTICS COMPLETE")
    agent.inform("6 CONNECTION REQUEST")
    agent.inform("6 CONNECTION REQUEST")
    world.run(1)
    assert world.informs()[1:] == [(0, ("6 CONNECTION REQUEST", "8 DIAGNOSTICS COMPLETE"))]


# --- Value change -----------------------------------------------------------------------------------------------------
def watch(world: World, level: int, path: str = SSID) -> None:
    world.devices[-1].set_attributes(path, level)


def test_active_notification_opens_a_session(world: World) -> None:
    agent = world.device()
    watch(world, 2)
    agent.device.write(SSID, "b", "device")
    agent.device.write(SSID, "c", "device")
    world.run(1)
    assert world.informs()[1:] == [(0, ("4 VALUE CHANGE",))]
    assert world.last_inform().settings[SSID] == "c"


def test_passive_notification_rides_on_the_next_inform(world: World) -> None:
    agent = world.device()
    watch(world, 1)
    agent.device.write(SSID, "b", "device")
    world.run(200)
    assert len(world.informs()) == 1
    world.run(130)
    assert world.informs()[-1][1] == ("2 PERIODIC", "4 VALUE CHANGE")
    assert world.last_inform().settings[SSID] == "b"
    world.run(330)
    assert world.informs()[-1][1] == PERIODIC
    assert SSID not in world.last_inform().settings


@pytest.mark.parametrize(("level", "told"), [(3, False), (4, True), (5, False), (6, True)])
def test_lightweight_kinds_ride_on_an_inform_where_they_are_passive_besides(level: int, told: bool) -> None:
    world = World()
    world.schema = make_schema(Leaf(f"{MS}LightweightNotificationProtocolsUsed", "string", True, "UDP"))
    agent = world.device()
    watch(world, level)
    agent.device.write(SSID, "b", "device")
    world.run(200)
    assert len(world.informs()) == 1, "none of them opens a session"
    world.run(130)
    assert world.informs()[-1][1] == (("2 PERIODIC", "4 VALUE CHANGE") if told else PERIODIC)
    assert (SSID in world.last_inform().settings) is told


def test_the_acs_is_not_told_what_it_did_itself(world: World) -> None:
    agent = world.device()
    watch(world, 2)
    world.ask(spv((SSID, "x")))
    world.run(1)
    assert agent.events == ()
    assert len(world.informs()) == 2


def test_an_untold_change_survives_a_failed_session(world: World) -> None:
    agent = world.device()
    watch(world, 2)
    world.acs.overrule = dead
    agent.device.write(SSID, "b", "device")
    world.run(1)
    world.acs.overrule = alive
    world.run(10)
    assert world.informs()[-1][1] == ("4 VALUE CHANGE",)
    assert world.last_inform().settings[SSID] == "b"


def test_the_throttle_keeps_active_notifications_apart_and_holds_nothing_else(world: World) -> None:
    agent = world.device()
    agent.device.write(f"{MS}DefaultActiveNotificationThrottle", "60", "device")
    watch(world, 2)
    world.run(10)
    for value in "abc":
        agent.device.write(SSID, value, "device")
        world.run(1)
    assert len(world.informs()) == 1
    world.run(60)
    assert world.informs()[-1] == (60, ("4 VALUE CHANGE",))
    agent.device.write(SSID, "d", "device")
    agent.inform("6 CONNECTION REQUEST")
    world.run(1)
    assert world.informs()[-1] == (73, ("4 VALUE CHANGE", "6 CONNECTION REQUEST"))


def test_a_session_in_between_pushes_the_throttle_further_back(world: World) -> None:
    agent = world.device()
    agent.device.write(f"{MS}DefaultActiveNotificationThrottle", "60", "device")
    watch(world, 2)
    agent.device.write(SSID, "a", "device")
    world.run(50)
    agent.inform("6 CONNECTION REQUEST")
    world.run(5)
    agent.device.write(SSID, "b", "device")
    world.run(100)
    assert world.informs()[-2:] == [(50, ("4 VALUE CHANGE", "6 CONNECTION REQUEST")), (110, ("4 VALUE CHANGE",))]


# --- ScheduleInform ---------------------------------------------------------------------------------------------------
def test_schedule_inform_is_told_with_its_key(world: World) -> None:
    world.device()
    world.ask(schedule_inform(20, "a"), schedule_inform(20, "b"), schedule_inform(40, "c"))
    world.run(50)
    assert world.informs()[2:] == [
        (20, ("3 SCHEDULED", "M ScheduleInform", "M ScheduleInform")),
        (40, ("3 SCHEDULED", "M ScheduleInform")),
    ]
    assert world.last_inform().fields["event"] == (Event("3 SCHEDULED"), Event("M ScheduleInform", "c"))


def test_too_many_scheduled_informs(world: World) -> None:
    world.device()
    answers = world.ask(*[schedule_inform(60, str(number)) for number in range(33)])
    assert [answer.kind for answer in answers] == ["ScheduleInformResponse"] * 32 + ["Fault"]
    assert answers[-1].fields["fault_code"] == 9004


def test_a_factory_reset_forgets_what_was_schedule_inform(world: World) -> None:
    agent = world.device()
    world.ask(schedule_inform(100, "a"))
    agent.factory_reset()
    world.run(200)
    assert [codes for _, codes in world.informs()][2:] == [FIRST]
