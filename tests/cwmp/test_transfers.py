"""Downloads and Uploads from the RPC to the TransferComplete."""

from __future__ import annotations

import pytest

from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.cwmp.image import named_version as firmware_version
from cpescript.cwmp.message import Event, Message
from cpescript.device.blocks import Firmware, Transfer
from cpescript.kernel.time import MINUTE, SECOND
from tests.cwmp.world import (
    INFO,
    Reply,
    World,
    alive,
    download,
)

BOOT = ("1 BOOT",)
TC = "7 TRANSFER COMPLETE"


def states(world: World, name: str) -> list[tuple[float, bool]]:
    return [
        (record.t / SECOND, record.data["on"])
        for record in world.records
        if record.kind == "state" and record.data["state"] == name
    ]


def test_a_firmware_download(world: World) -> None:
    agent = world.device()
    [answer] = world.ask(download(key="go", delay=10))
    assert answer.fields == {
        "status": 1,
        "start_time": "0001-01-01T00:00:00Z",
        "complete_time": "0001-01-01T00:00:00Z",
    }
    world.run(60)
    assert world.informs()[2:] == [(45, ("1 BOOT", TC, "M Download"))]
    assert world.last_inform().fields["event"][1:] == (Event(TC), Event("M Download", "go"))
    assert world.kinds()[-6:] == [
        "Inform", "< InformResponse", "TransferComplete", "< TransferCompleteResponse", "Empty", "< Empty",
    ]  # fmt: skip
    [complete] = [record.message for record in world.records if record.kind == "TransferComplete"]
    assert complete.fields == {
        "command_key": "go",
        "fault_code": 0,
        "fault_string": "",
        "start_time": "2026-01-01T00:00:10Z",
        "complete_time": "2026-01-01T00:00:45Z",
    }
    assert agent.device.get(f"{INFO}SoftwareVersion") == "hg100-2.0.0"
    assert states(world, "updating") == [(0, True), (45, False)]
    assert states(world, "downloading") == [(10, True), (15, False)]
    assert agent.events == ()


def test_the_profile_says_how_transfers_go() -> None:
    firmware = Firmware(f"{INFO}ProvisioningCode", apply_delay=2 * MINUTE)
    faults = {"3 Vendor Configuration File": (9016, "no such file")}
    world = World(transfer=Transfer(default_delay=SECOND, faults=faults, firmware=firmware))
    world.firmware = {"2.0.0": 1 << 20}
    agent = world.device()
    world.ask(download(), download(key="cfg", file_type="3 Vendor Configuration File"))
    world.run(200)
    assert world.informs()[2:] == [(121, ("1 BOOT", TC, "M Download")), (122, (TC, "M Download"))]
    assert agent.device.get(f"{INFO}ProvisioningCode") == "2.0.0"
    last = [record.message for record in world.records if record.kind == "TransferComplete"][-1]
    assert (last.fields["fault_code"], last.fields["fault_string"]) == (9016, "no such file")


def test_a_fourth_transfer_is_too_many(world: World) -> None:
    world.device()
    answers = world.ask(*[download(key=str(number), delay=9) for number in range(4)])
    assert [answer.kind for answer in answers] == ["DownloadResponse"] * 3 + ["Fault"]
    assert answers[-1].fields["fault_code"] == 9004
    world.run(200)
    assert len([record for record in world.records if record.kind == "TransferComplete"]) == 3


def test_transfers_are_done_one_after_the_other(world: World) -> None:
    world.device()
    config = {"file_type": "3 Vendor Configuration File"}
    world.ask(*[download(key=str(number), delay=2 * number, **config) for number in range(3)])
    world.run(20)
    times = [
        (record.message.fields["start_time"][-3:-1], record.message.fields["complete_time"][-3:-1])
        for record in world.records
        if record.kind == "TransferComplete"
    ]
    assert times == [("00", "05"), ("05", "10"), ("10", "15")]


def test_of_two_ends_the_one_that_was_not_answered_is_told_again(world: World) -> None:
    agent = world.device()
    world.ask(*[download(key=key, file_type="3 Vendor Configuration File") for key in "ab"])
    agent.link_down()
    world.run(20)

    def deaf(request: HttpRequest, message: Message | None) -> Reply | None:
        b = message is not None and message.kind == "TransferComplete" and message.field("command_key") == "b"
        return "timeout" if b else None

    world.acs.overrule = deaf
    agent.link_up()
    world.run(1)
    world.acs.overrule = alive
    world.run(10)
    told = [
        [(event.code, event.command_key) for event in record.message.fields["event"]]
        for record in world.records
        if record.kind == "Inform"
    ]
    assert told[-2:] == [[(TC, ""), ("M Download", "a"), ("M Download", "b")], [(TC, ""), ("M Download", "b")]]
    assert agent.events == ()


def test_an_upload(world: World) -> None:
    world.device()
    fields = {**download().fields, "file_type": "4 Vendor Log File", "command_key": "log"}
    world.ask(Message("Upload", fields))
    world.run(10)
    assert world.informs()[2:] == [(5, (TC, "M Upload"))]
    assert states(world, "downloading") == []


def test_a_transfer_complete_is_repeated_until_it_is_answered(world: World) -> None:
    agent = world.device()

    def deaf(request: HttpRequest, message: Message | None) -> Reply | None:
        return HttpResponse(500) if message is not None and message.kind == "TransferComplete" else None

    world.acs.overrule = deaf
    world.ask(download())
    world.run(100)
    told = [codes for _, codes in world.informs()][2:]
    assert len(told) >= 3
    assert set(told) == {("1 BOOT", TC, "M Download")}
    agent.reboot()
    world.acs.overrule = alive
    world.run(31)
    assert world.informs()[-1][1] == ("1 BOOT", TC, "M Download")
    assert agent.events == ()
    assert not agent.has_requests
    world.run(300)
    assert TC not in world.informs()[-1][1]


def test_a_loss_of_power_ends_a_transfer_with_a_fault(world: World) -> None:
    agent = world.device()
    world.ask(download(), download(key="later", delay=3600))
    world.run(3)
    agent.power_cycle(60 * SECOND)
    world.run(61)
    assert world.informs()[-1][1] == ("1 BOOT", TC, "M Download")
    complete = next(record.message for record in world.records if record.kind == "TransferComplete")
    assert (complete.fields["command_key"], complete.fields["fault_code"]) == ("fw", 9010)
    assert agent.device.get(f"{INFO}SoftwareVersion") == "1.0.0"
    assert agent.device.is_in("updating")  # The one that has not begun is kept.
    world.run(3700)
    assert agent.device.get(f"{INFO}SoftwareVersion") == "hg100-2.0.0"
    assert not agent.device.is_in("updating")


def test_a_loss_of_power_while_writing_keeps_the_old_firmware(world: World) -> None:
    agent = world.device()
    world.ask(download())
    world.run(20)
    assert agent.device.is_in("rebooting")
    agent.power_cycle(10 * SECOND)
    world.run(60)
    assert world.informs()[-1] == (30, ("1 BOOT", TC, "M Download"))
    assert agent.device.get(f"{INFO}SoftwareVersion") == "1.0.0"
    assert states(world, "updating") == [(0, True), (30, False)]


@pytest.mark.parametrize(
    ("url", "declared", "version"),
    [
        ("http://f.example/fw/2.1.0", (), "2.1.0"),
        ("http://f.example/hg100-2.1.0.bin", (), "hg100-2.1.0"),
        ("http://f.example/hg100-2.1.0.bin?x=1", ("2.1", "2.1.0"), "2.1.0"),
        ("http://f.example/2.1.0/image.bin", ("2.1.0",), "2.1.0"),
        ("http://f.example/v%202/", (), "v 2"),
        ("http://f.example", ("2.1.0",), ""),
    ],
)
def test_the_version_that_a_url_brings(url: str, declared: tuple[str, ...], version: str) -> None:
    assert firmware_version(url, dict.fromkeys(declared, 1)) == version
