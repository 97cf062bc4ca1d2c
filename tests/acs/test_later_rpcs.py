"""ScheduleDownload and ChangeDUState: what a policy's actions become on the wire, and what counts as done."""

from __future__ import annotations

import pytest

from cpescript.acs.orders import Order
from cpescript.acs.policy import read_policy
from cpescript.acs.server import Acs
from cpescript.cwmp.message import InstallOperation, Message, TimeWindow, UninstallOperation, UpdateOperation
from cpescript.kernel.time import HOUR
from tests.acs.cpe import Cpe, transfer_complete
from tests.acs.test_envelopes import CHECKER, Listening

POLICY = """
campaigns:
  tonight:
    inputs: {version: text}
    then: [schedule_download: {firmware: "{version}", start: 4h, end: 6h, mode: when-idle, retries: 2}]
  config:
    then:
      - schedule_download: {file_type: 3 Vendor Configuration File, url: http://files.example/c, start: 0s, end: 1m}
  apps:
    inputs: {url: text, uuid: text}
    then:
      - install: {url: "{url}"}
      - install: {url: "{url}", uuid: "{uuid}", execution_env_ref: Device.SoftwareModules.ExecEnv.1}
      - update: {uuid: "{uuid}", version: 2.0}
      - uninstall: {uuid: "{uuid}"}
"""
UUID = "0b7a8c1e-3f52-5d4e-9a61-7c2f5e8d4b90"


def started(cpe: type[Cpe] = Cpe) -> Cpe:
    policy, bag = read_policy(POLICY, "p")
    assert policy is not None, bag.render()
    device = cpe(Acs(policy, firmware={"2.1.0": 77}))
    if isinstance(device, Listening):
        device.envelopes = []
    device.answers = {**device.answers, "ScheduleDownload": lambda request: {}, "ChangeDUState": lambda request: {}}
    device.session("0 BOOTSTRAP")
    return device


def call(cpe: Cpe, name: str, **inputs: str) -> list[Message]:
    result = cpe.acs.order(Order("call", cpe.key, {"name": name, "inputs": inputs}))
    assert result.accepted, result.reason
    return cpe.session("6 CONNECTION REQUEST")


def test_a_window_of_a_policy() -> None:
    cpe = started()
    [request] = call(cpe, "tonight", version="2.1.0")
    assert request.kind == "ScheduleDownload"
    assert request.fields["time_window_list"] == (TimeWindow(14400, 21600, "3 When Idle", "", 2),)
    assert (request.fields["file_type"], request.fields["file_size"]) == ("1 Firmware Upgrade Image", 77)
    assert request.fields["url"].endswith("2.1.0.bin")
    [request] = call(started(), "config")
    assert request.fields["time_window_list"] == (TimeWindow(0, 60, "1 At Any Time", "", -1),)


def test_a_scheduled_download_is_under_way_until_its_window_is_over() -> None:
    cpe = started()
    [request] = call(cpe, "tonight", version="2.1.0")
    record = cpe.acs.records[cpe.key]
    assert [transfer.command_key for transfer in record.work.transfers] == [request.fields["command_key"]]
    assert record.work.transfers[0].due == 7 * HOUR
    cpe.session("7 TRANSFER COMPLETE", requests=[transfer_complete(request.fields["command_key"])])
    assert record.work is None or not record.work.transfers


def test_operations_on_modules_each_have_a_key_of_their_own() -> None:
    cpe = started()
    requests = call(cpe, "apps", url="http://apps.example/a", uuid=UUID)
    assert [request.fields["operations"] for request in requests] == [
        (InstallOperation("http://apps.example/a"),),
        (InstallOperation("http://apps.example/a", UUID, None, None, "Device.SoftwareModules.ExecEnv.1"),),
        (UpdateOperation(UUID, "2.0"),),
        (UninstallOperation(UUID),),
    ]
    assert len({request.fields["command_key"] for request in requests}) == 4


def test_an_event_proves_that_a_lost_answer_was_given() -> None:
    cpe = started()
    sent: list[str] = []

    def lost(request: Message) -> int:
        sent.append(request.fields["command_key"])
        raise ConnectionError

    cpe.answers["ScheduleDownload"] = lost
    with pytest.raises(ConnectionError):
        call(cpe, "tonight", version="2.1.0")
    cpe.peer = "another connection"
    assert cpe.session("7 TRANSFER COMPLETE", ("M ScheduleDownload", sent[0])) == []


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("schedule_download: {firmware: a, end: 1h}", "missing-key"),
        ("schedule_download: {firmware: a, start: 2h, end: 1h}", "window"),
        ("schedule_download: {firmware: a, url: http://a.example/, start: 0s, end: 1h}", "download"),
        ("schedule_download: {firmware: a, start: 0s, end: 1h, mode: sometimes}", "window-mode"),
        ("install: {}", "missing-key"),
        ("install: {url: here}", "url"),
        ("uninstall: x", "shape"),
    ],
)
def test_actions_that_are_wrong(action: str, code: str) -> None:
    policy, bag = read_policy(f"rules: [{{then: [{{{action}}}]}}]", "p")
    assert policy is None
    assert code in [item.code for item in bag]


@pytest.mark.skipif(not CHECKER.exists(), reason="the CWMP schemas are not beside this checkout")
def test_they_are_valid() -> None:
    from tests.cwmp.world import envelope_checker

    problems = envelope_checker()
    cpe = started(Listening)
    assert isinstance(cpe, Listening)
    call(cpe, "tonight", version="2.1.0")
    call(cpe, "apps", url="http://apps.example/<&>", uuid=UUID)
    cpe.inform("5 KICKED")
    cpe.send(Message("Kicked", dict.fromkeys(("command", "referer", "arg", "next"), ""), "1"))
    cpe.send(Message("RequestDownload", {"file_type": "1 X", "file_type_arg": ()}, "2"))
    assert len(cpe.envelopes) >= 10
    assert [(body, problem) for body in cpe.envelopes for problem in problems(body)] == []
