"""Which events outlive what (Table 7)."""

from __future__ import annotations

from cpescript.cwmp import events
from cpescript.cwmp.message import Event
from tests.cwmp.world import (
    World,
    alive,
    dead,
)

BOOT = ("1 BOOT",)
PERIODIC = ("2 PERIODIC",)


def test_a_connection_request_is_not_retried(world: World) -> None:
    agent = world.device()
    world.acs.overrule = dead
    agent.inform("6 CONNECTION REQUEST")
    world.run(60)
    assert len(world.informs()) == 2
    assert (agent.events, agent.retry_count) == ((), 0)


def test_what_a_reboot_forgets(world: World) -> None:
    agent = world.device()
    world.acs.overrule = dead
    told = ("2 PERIODIC", "3 SCHEDULED", "4 VALUE CHANGE", "8 DIAGNOSTICS COMPLETE", "M ScheduleInform", "M Reboot")
    for code in told:
        agent.inform(code)
    world.run(1)
    agent.reboot()
    world.acs.overrule = alive
    world.run(31)
    assert world.informs()[-1] == (31, ("1 BOOT", "3 SCHEDULED", "M ScheduleInform", "M Reboot"))
    inform = [record.message for record in world.records if record.kind == "Inform"][-1]
    assert inform.fields["retry_count"] == 0


def test_m_events_stand_once_for_each_key_and_at_most_64_in_an_inform(world: World) -> None:
    agent = world.device()
    for number in range(100):
        agent.tell(Event("M ScheduleInform", str(number)))
        agent.tell(Event("M ScheduleInform", str(number)))
    agent.wake()
    world.run(1)
    assert [len(codes) for _, codes in world.informs()] == [2, 64, 36]


def test_every_event_of_the_catalogue_has_its_row() -> None:
    assert events.persistence("X 00D0AA Blink") == events.Persistence()
    assert not events.PERSISTENCE[events.CONNECTION_REQUEST].retried
    assert events.PERSISTENCE[events.BOOTSTRAP].survives_reboot
