"""Requests of the device's own: which are kept until they are answered, and which are told once."""

from __future__ import annotations

from typing import Any

import pytest

from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.cwmp.message import Message, fault
from cpescript.cwmp.untold import STANDS_FOR
from tests.cwmp.world import MS, World, alive, download, spv

KICKED, REQUEST, AUTONOMOUS = "5 KICKED", "9 REQUEST DOWNLOAD", "10 AUTONOMOUS TRANSFER COMPLETE"
HOLD = {"HoldRequests": "1"}
KINDS = {code: kind for code, (kind, _, _) in STANDS_FOR.items()}


@pytest.mark.parametrize("code", list(KINDS))
def test_an_event_brings_its_request(world: World, code: str) -> None:
    agent = world.device()
    agent.inform(code)
    world.run(1)
    kind = KINDS[code]
    assert world.kinds()[4:] == ["Inform", "< InformResponse", kind, f"< {kind}Response", "Empty", "< Empty"]
    assert world.informs()[-1][1] == (code,)
    assert (agent.events, agent.idle_work().untold) == ((), ())


def test_what_a_request_says(world: World) -> None:
    agent = world.device()
    agent.request(REQUEST, file_type="2 Web Content")
    agent.request(KICKED, command="pay", next="http://portal.example/")
    world.run(1)
    said = {record.kind: record.message.fields for record in world.records if record.kind in KINDS.values()}
    assert said["RequestDownload"] == {"file_type": "2 Web Content", "file_type_arg": ()}
    assert said["Kicked"] == {"command": "pay", "referer": "", "arg": "", "next": "http://portal.example/"}
    with pytest.raises(KeyError, match="no request belongs to 1 BOOT"):
        agent.request("1 BOOT")


def refusing(kind: str, reply: Any) -> Any:
    """Return an ACS that says this to requests of that kind."""
    return lambda request, message: (
        (fault(8000, "no", message.id) if reply == "fault" else reply)
        if message is not None and message.kind == kind
        else None
    )


@pytest.mark.parametrize(
    ("code", "reply", "left"),
    [
        (KICKED, "fault", 0),
        (REQUEST, "fault", 0),
        (AUTONOMOUS, "fault", 1),
        (KICKED, HttpResponse(500), 0),
        (REQUEST, "cut", 0),
        (AUTONOMOUS, "cut", 1),
    ],
)
def test_only_what_is_owed_is_told_again(world: World, code: str, reply: Any, left: int) -> None:
    agent = world.device()
    world.acs.overrule = refusing(KINDS[code], reply)
    agent.inform(code)
    world.run(1)
    assert len(agent.idle_work().untold) == len(agent.events) == left
    goes_on = reply == "fault" and not left
    assert (world.facts("SessionEnd")[-1]["outcome"] == "done") is goes_on
    world.acs.overrule = alive
    world.run(60)
    assert [record.kind for record in world.records].count(KINDS[code]) == 1 + left
    assert len(agent.idle_work().untold) == 0


def test_what_is_owed_outlives_a_reboot_and_the_rest_does_not(world: World) -> None:
    agent = world.device()
    agent.link_down()
    for code in KINDS:
        agent.inform(code)
    agent.power_cycle(1)
    world.run(10)
    agent.link_up()
    world.run(1)
    assert world.informs()[-1][1] == ("1 BOOT", AUTONOMOUS)
    assert [record.kind for record in world.records if record.kind in KINDS.values()] == ["AutonomousTransferComplete"]


def test_another_acs_is_told_nothing_of_it(world: World) -> None:
    agent = world.device()
    agent.link_down()
    agent.inform(AUTONOMOUS)
    agent.device.write("Device.ManagementServer.URL", "http://other.example/", "device")
    assert agent.idle_work().untold == ()


def test_what_the_old_acs_was_told_of_is_not_told_to_the_new_one(world: World) -> None:
    """A TransferComplete is held by HoldRequests, and so is a change of the URL; then the ACS says no more."""
    agent = world.device()
    world.ask(download(file_type="3 Vendor Configuration File"))

    def holding(request: HttpRequest, message: Message | None) -> Message | None:
        if message is None or message.kind != "Inform" or "7 TRANSFER COMPLETE" not in message.events:
            return None
        other = spv((f"{MS}URL", "http://other.example/"))
        world.acs.script = [Message(other.kind, other.fields, other.id, other.version, HOLD)]
        return Message("InformResponse", {"max_envelopes": 1}, message.id, message.version, HOLD)

    world.acs.overrule = holding
    world.run(60)
    assert [events for _, events in world.informs()][-2:] == [("7 TRANSFER COMPLETE", "M Download"), ("0 BOOTSTRAP",)]
    assert "TransferComplete" not in world.kinds()
    assert (agent.events, agent.idle_work().untold) == ((), ())


@pytest.mark.parametrize("code", ["7 TRANSFER COMPLETE", "11 DU STATE CHANGE COMPLETE", "M Download"])
def test_an_event_that_somebody_names_and_no_request_follows_is_told_once(world: World, code: str) -> None:
    agent = world.device()
    agent.inform(code)
    world.run(1)
    assert world.informs()[-1][1] == (code,)
    assert agent.events == ()


def test_an_old_device_has_the_event_and_not_the_request() -> None:
    world = World(extension={"cwmp_version": "1.0"})
    agent = world.device()
    agent.inform(AUTONOMOUS)
    world.run(1)
    assert world.informs()[-1][1] == (AUTONOMOUS,)
    assert "AutonomousTransferComplete" not in world.kinds()
    assert isinstance(world.last_inform(), Message)
