"""CancelTransfer, GetQueuedTransfers, GetAllQueuedTransfers, and one download that takes another's place."""

from __future__ import annotations

from cpescript.cwmp.message import AnyQueuedTransfer, Message, QueuedTransfer
from tests.cwmp.test_windows import completed
from tests.cwmp.world import INFO, World, download

QUEUE = Message("GetAllQueuedTransfers", {})
CONFIG = "3 Vendor Configuration File"


def cancel(key: str) -> Message:
    return Message("CancelTransfer", {"command_key": key})


def test_the_queue_and_its_states(world: World) -> None:
    world.device()
    world.ask(download(key="fw", file_size=77), download(key="cfg", delay=500, file_type=CONFIG))
    world.run(1)
    [answer] = world.ask(QUEUE)
    assert answer.fields["transfer_list"] == (
        AnyQueuedTransfer("fw", 2, True, "1 Firmware Upgrade Image", 77, ""),
        AnyQueuedTransfer("cfg", 1, True, CONFIG, 0, ""),
    )
    [answer] = world.ask(Message("GetQueuedTransfers", {}))
    assert answer.fields["transfer_list"] == (QueuedTransfer("fw", 2), QueuedTransfer("cfg", 1))
    world.run(600)
    assert world.ask(QUEUE)[0].fields["transfer_list"] == ()


def test_an_idle_device_has_an_empty_queue(world: World) -> None:
    agent = world.device()
    assert world.ask(QUEUE)[0].fields["transfer_list"] == ()
    assert agent.idle_work() is None


def test_a_cancelled_transfer_is_not_heard_of_again(world: World) -> None:
    agent = world.device()
    world.ask(download(key="a"), download(key="b", delay=9))
    world.run(1)
    assert [answer.kind for answer in world.ask(cancel("a"), cancel("b"))] == ["CancelTransferResponse"] * 2
    assert not agent.device.is_in("updating")
    assert not agent.device.is_in("downloading")
    world.run(100)
    assert completed(world) == []
    assert agent.device.get(f"{INFO}SoftwareVersion") == "1.0.0"


def test_what_waited_behind_a_cancelled_transfer_begins(world: World) -> None:
    world.device()
    world.ask(download(key="a"), download(key="b", file_type=CONFIG))
    world.run(1)
    assert [entry.state for entry in world.ask(QUEUE)[0].fields["transfer_list"]] == [2, 1]
    world.ask(cancel("a"))
    [waited] = world.ask(QUEUE)[0].fields["transfer_list"]
    assert (waited.command_key, waited.state) == ("b", 2)
    world.run(100)
    assert [fault for _, fault in completed(world)] == [0]


def test_nobody_is_hurt_by_a_cancel_of_nothing(world: World) -> None:
    world.device()
    world.ask(download(key="a"))
    assert world.ask(cancel("other"))[0].kind == "CancelTransferResponse"
    world.run(100)
    assert completed(world) == [(35, 0)]


def test_what_has_ended_and_is_untold_cannot_be_cancelled(world: World) -> None:
    world.device()
    world.ask(download(key="a", file_type=CONFIG))
    # The ACS holds the device's requests, so that its own come first.
    world.acs.overrule = lambda request, message: (
        Message("InformResponse", {"max_envelopes": 1}, message.id, headers={"HoldRequests": "1"})
        if message is not None and message.kind == "Inform"
        else None
    )
    world.acs.script, world.acs.answers = [cancel("a")], []
    world.run(5)
    assert world.acs.answers[0].fields["fault_code"] == 9021
    assert completed(world) == [(5, 0)]


def test_a_later_firmware_takes_the_place_of_an_earlier_one_where_the_profile_says_so() -> None:
    world = World(extension={"transfer": {"supersede": True}})
    agent = world.device()
    world.ask(download(key="old", delay=50))
    world.run(1)
    world.ask(download("http://files.example/hg100-3.0.0.bin", key="new"))
    world.run(200)
    assert completed(world) == [(1, 9010), (36, 0)]
    assert agent.device.get(f"{INFO}SoftwareVersion") == "hg100-3.0.0"
