"""Everything that a clean device says is valid by the schemas of TR-069, in each namespace."""

from __future__ import annotations

import pytest

from cpescript.cwmp.message import (
    Event,
    InstallOperation,
    Message,
    ParameterAttributesSetting,
    UninstallOperation,
    UpdateOperation,
)
from cpescript.cwmp.rpcs import RPCS
from cpescript.cwmp.untold import STANDS_FOR
from tests.cwmp.test_modules import change, modular
from tests.cwmp.test_windows import schedule_download, window
from tests.cwmp.world import (
    CHANNEL,
    INFO,
    MAPPINGS,
    MS,
    SSID,
    World,
    download,
    envelope_checker,
    gpv,
    schedule_inform,
    spv,
)

ODD = "a<b>&\"c'd]]>\te\r\nf\x00\x1f\x85\ufffe\ud800€𝄞"


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3", "1.4"])
def test_a_device_speaks_valid_cwmp(version: str) -> None:
    problems = envelope_checker()
    world = World(extension={"cwmp_version": version})
    agent = world.device()
    device = agent.device
    device.write(SSID, ODD, "device")
    device.write(f"{INFO}ProvisioningCode", ODD, "device")
    attributes = ParameterAttributesSetting(SSID, True, 2, True, ())
    upload = {**download().fields, "file_type": "2 Vendor Log File", "url": "ftp://files.example/log"}
    world.ask(
        Message("GetRPCMethods", {}),
        spv((CHANNEL, "11"), key="k" * 32),
        spv((CHANNEL, "x"), ("Device.Nope", "1"), (ODD, ODD)),
        spv(),
        gpv(""),
        gpv(MAPPINGS),
        gpv(ODD),
        Message("GetParameterNames", {"parameter_path": "", "next_level": False}),
        Message("GetParameterNames", {"parameter_path": MAPPINGS, "next_level": True}),
        Message("SetParameterAttributes", {"parameter_list": (attributes,)}),
        Message("SetParameterAttributes", {"parameter_list": ()}),
        Message("GetParameterAttributes", {"parameter_names": ("Device.WiFi.",)}),
        Message("AddObject", {"object_name": MAPPINGS, "parameter_key": ""}),
        Message("AddObject", {"object_name": ODD, "parameter_key": ""}),
        Message("DeleteObject", {"object_name": f"{MAPPINGS}1.", "parameter_key": ""}),
        Message("GetQueuedTransfers", {}),
        schedule_inform(5, ""),
        schedule_inform(5, "<&>"),
        download(key="<&>"),
        download(key="no", url="http://"),
        Message("Upload", upload),
    )
    device.write(SSID, "<active>", "device")
    for code in ("2 PERIODIC", "8 DIAGNOSTICS COMPLETE", "6 CONNECTION REQUEST", "X 00D0AA Odd"):
        agent.inform(code)
    world.run(100)
    for number in range(70):
        agent.tell(Event("M ScheduleInform", str(number)))
    world.ask(download(key="cut"))
    world.run(2)
    agent.power_cycle(1)
    world.run(60)
    world.ask(Message("Reboot", {"command_key": "r"}), Message("FactoryReset", {}))
    world.run(60)
    said = [record for record in world.records if record.direction == "to-acs" and record.body]
    kinds = {record.kind for record in said}
    assert {"Inform", "Fault", "TransferComplete", "UploadResponse", "FactoryResetResponse"} <= kinds
    assert len(kinds) >= 15
    found = [(record.kind, problem) for record in said for problem in problems(record.body or b"")]
    assert found == []
    assert device.get(f"{MS}ParameterKey") == ""


def test_the_checker_would_notice() -> None:
    problems = envelope_checker()
    world = World()
    world.device()
    body = world.acs.requests[0].body
    assert problems(body) == []
    assert problems(body.replace(b"<RetryCount>0</RetryCount>", b""))
    assert problems(body.replace(b"EventStruct[2]", b"EventStruct[3]"))


def test_transfers_diagnostics_and_modules_speak_valid_cwmp() -> None:
    problems = envelope_checker()
    world = modular(extension={"apps": (), "options": {"Voice": {}}, "cwmp_version": "1.4"})
    agent = world.device()
    world.ask(
        Message("GetAllQueuedTransfers", {}),
        schedule_download(window(5, 100), command_key="<&>"),
        Message("GetAllQueuedTransfers", {}),
        Message("GetQueuedTransfers", {}),
        Message("CancelTransfer", {"command_key": "none"}),
        Message("SetVouchers", {"voucher_list": ("AAAA",)}),
        Message("GetOptions", {"option_name": ""}),
        change(InstallOperation("http://apps.example/<&>-1.0.pkg"), UninstallOperation("x"), key="<&>"),
    )
    world.run(200)
    agent.change_modules([InstallOperation("http://apps.example/b-1.0.pkg"), UpdateOperation()])
    for code in STANDS_FOR:
        agent.inform(code)
    world.run(30)
    said = [record for record in world.records if record.direction == "to-acs" and record.body]
    kinds = {record.kind for record in said}
    assert {kind for kind in RPCS if RPCS[kind].caller == "cpe"} <= kinds
    assert {"ScheduleDownloadResponse", "GetOptionsResponse", "ChangeDUStateResponse"} <= kinds
    assert [(record.kind, problem) for record in said for problem in problems(record.body or b"")] == []
