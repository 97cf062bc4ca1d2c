"""A device whose ACS does not answer tries again as Table 3 says."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cpescript.cwmp import retry
from cpescript.kernel.time import SECOND
from tests.cwmp.world import (
    MS,
    World,
    alive,
    dead,
)


@pytest.mark.parametrize(
    ("attempt", "low", "high"),
    [(1, 5, 10), (2, 10, 20), (3, 20, 40), (4, 40, 80), (5, 80, 160), (6, 160, 320), (7, 320, 640), (8, 640, 1280),
     (9, 1280, 2560), (10, 2560, 5120), (11, 2560, 5120), (500, 2560, 5120)],
)  # fmt: skip
def test_table_3(attempt: int, low: int, high: int) -> None:
    assert retry.bounds(attempt) == (low * SECOND, high * SECOND)


def test_a_device_retries_for_ever_and_counts(world: World) -> None:
    agent = world.device(power=False)
    agent.device.write(f"{MS}PeriodicInformEnable", "false", "device")
    world.acs.overrule = dead
    agent.power_on()
    world.run(40_000)
    messages = [record.message for record in world.records if record.kind == "Inform"]
    assert [message.fields["retry_count"] for message in messages] == list(range(len(messages)))
    times = [at for at, _ in world.informs()]
    for attempt, gap in enumerate((after - before for before, after in pairwise(times)), 1):
        low, high = retry.bounds(attempt)
        assert low <= gap * SECOND <= high
    assert len(times) > 12
    world.acs.overrule = alive
    world.run(5121)
    assert agent.retry_count == 0
    assert agent.device.is_in("registered")


def test_the_trees_own_retry_policy_is_obeyed(world: World) -> None:
    agent = world.device()
    agent.device.write(f"{MS}CWMPRetryMinimumWaitInterval", "100", "device")
    agent.device.write(f"{MS}CWMPRetryIntervalMultiplier", "1000", "device")
    world.acs.overrule = dead
    agent.inform()
    world.run(250)
    assert [at for at, _ in world.informs()] == [0, 0, 100, 200]


def test_a_new_event_takes_the_place_of_a_retry_and_does_not_reset_the_count(world: World) -> None:
    agent = world.device()
    world.acs.overrule = dead
    agent.inform("8 DIAGNOSTICS COMPLETE")
    world.run(1)
    agent.inform("6 CONNECTION REQUEST")
    world.run(1)
    last = [record.message for record in world.records if record.kind == "Inform"][-1]
    assert last.fields["retry_count"] == 1
    assert last.events == ("6 CONNECTION REQUEST", "8 DIAGNOSTICS COMPLETE")
    world.run(9)
    assert len(world.informs()) == 3  # The first retry would have come at 5 to 10 s, the second comes 10 s later.
