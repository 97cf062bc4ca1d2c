"""A value that moves by itself opens a session where the ACS has asked to be told, and costs nothing where not."""

from __future__ import annotations

from cpescript.cwmp.agent import CwmpAgent
from cpescript.cwmp.message import Message, ParameterAttributesSetting
from cpescript.device.generators import Counter, Cycle, Generator
from cpescript.device.schema import Leaf
from cpescript.kernel.time import SECOND
from tests.cwmp.world import MS, World, spv

MOVING = "Device.WiFi.Radio.1.Channel"
TENTH = Counter(10 * SECOND, 0, 4294967295, 1, 0)
SOMETIMES = Cycle(10 * SECOND, ("6", "6", "11"))


def moving(generator: Generator = TENTH) -> tuple[World, CwmpAgent]:
    world = World()
    world.schema.leaves[MOVING] = Leaf(MOVING, "unsignedInt", True, "6", None, generator)
    del world.schema.constants[MOVING]
    return world, world.device()


def attributes(notification: int) -> Message:
    setting = ParameterAttributesSetting(MOVING, True, notification, False, ())
    return Message("SetParameterAttributes", {"parameter_list": (setting,)})


def changes(world: World) -> list[float]:
    return [at for at, codes in world.informs() if "4 VALUE CHANGE" in codes]


def test_a_silent_generator_opens_no_session_and_has_no_timer() -> None:
    world, agent = moving()
    pending = world.kernel.pending
    world.run(200)
    assert changes(world) == []
    world.ask(attributes(0))
    assert world.kernel.pending == pending
    assert agent.idle_work() is None or agent.work().watched == {}


def test_active_notification_opens_a_session_at_the_tick() -> None:
    world, _ = moving()
    world.ask(attributes(2))
    world.run(35)
    assert changes(world) == [10, 20, 30]
    assert world.last_inform().settings[MOVING] == "9"


def test_passive_notification_rides_on_the_next_inform() -> None:
    world, _ = moving()
    world.ask(attributes(1))
    world.run(200)
    assert changes(world) == []
    world.run(130)
    assert len(changes(world)) == 1
    assert world.informs()[-1][1] == ("2 PERIODIC", "4 VALUE CHANGE")


def test_a_tick_that_changes_nothing_is_nothing() -> None:
    world, _ = moving(SOMETIMES)
    world.ask(attributes(2))
    world.run(65)
    assert changes(world) == [30, 40, 60]


def test_notification_off_ends_it() -> None:
    world, _ = moving()
    world.ask(attributes(2))
    world.run(15)
    world.ask(attributes(0))
    world.run(100)
    assert changes(world) == [10]


def test_the_throttle_holds_here_too() -> None:
    world, agent = moving()
    agent.device.write(f"{MS}DefaultActiveNotificationThrottle", "60", "device")
    world.ask(attributes(2))
    world.run(125)
    assert changes(world) == [60, 120]


def test_what_the_acs_wrote_is_what_a_change_is_counted_from() -> None:
    world, _ = moving(Cycle(10 * SECOND, ("11", "6")))
    world.ask(attributes(2))
    world.run(15)
    assert changes(world) == [10]
    world.ask(spv((MOVING, "6"), kind="unsignedInt"))
    world.run(10)
    assert changes(world) == [10], "the tick brought what the ACS had set itself"


def test_a_device_in_the_dark_hears_its_own_ticks_no_more_and_goes_on_when_it_is_up() -> None:
    world, agent = moving()
    world.ask(attributes(2))
    world.run(15)
    agent.power_off()
    world.run(50)
    agent.power_on(first=False)
    world.run(0)
    booted = world.informs()[-1]
    assert booted[1] == ("1 BOOT",), "a change that nobody heard of does not outlive a boot"
    world.run(10)
    assert changes(world) == [10, 70]


def test_a_factory_reset_ends_it() -> None:
    world, agent = moving()
    world.ask(attributes(2))
    agent.factory_reset()
    world.run(200)
    assert changes(world) == []
