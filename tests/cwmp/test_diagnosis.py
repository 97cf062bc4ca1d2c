"""Diagnostics: what an ACS sees of a test that it asks a device for."""

from __future__ import annotations

from typing import Any

import pytest

from cpescript.cwmp.message import Message
from cpescript.device.blocks import Diagnostic
from cpescript.device.schema import Leaf, Schema, Table, grow
from cpescript.kernel.time import SECOND
from cpescript.quirks import catalogue
from tests.cwmp.world import World, gpv, spv

PING = "Device.IP.Diagnostics.IPPing."
TRACE = "Device.IP.Diagnostics.TraceRoute."
DOWN = "Device.IP.Diagnostics.DownloadDiagnostics."
UP = "Device.IP.Diagnostics.UploadDiagnostics."
LOOKUP = "Device.DNS.Diagnostics.NSLookupDiagnostics."
SCAN = "Device.WiFi.NeighboringWiFiDiagnostic."
OLD_PING = "InternetGatewayDevice.IPPingDiagnostics."

LEAVES = {
    PING: (
        ("Host", 1),
        ("NumberOfRepetitions", 1),
        ("SuccessCount", 0),
        ("FailureCount", 0),
        ("AverageResponseTime", 0),
    ),
    OLD_PING: (("Host", 1), ("NumberOfRepetitions", 1), ("SuccessCount", 0)),
    TRACE: (
        ("Host", 1),
        ("MaxHopCount", 1),
        ("NumberOfTries", 1),
        ("ResponseTime", 0),
        ("RouteHopsNumberOfEntries", 0),
    ),
    DOWN: (("DownloadURL", 1), ("BOMTime", 0), ("EOMTime", 0), ("TestBytesReceived", 0)),
    UP: (("UploadURL", 1), ("TestFileLength", 1), ("TestBytesSent", 0)),
    LOOKUP: (("HostName", 1), ("NumberOfRepetitions", 1), ("SuccessCount", 0), ("ResultNumberOfEntries", 0)),
    SCAN: (("ResultNumberOfEntries", 0),),
}
TABLES = {
    f"{TRACE}RouteHops.": ("HostAddress", "RTTimes"),
    f"{LOOKUP}Result.": ("HostNameReturned", "IPAddresses"),
    f"{SCAN}Result.": ("SSID", "Channel"),
}
NUMBERS = ("NumberOf", "Count", "ResponseTime", "TestBytes", "TestFileLength")
ARGUMENTS = {"NumberOfRepetitions": "4", "MaxHopCount": "30", "NumberOfTries": "3", "TestFileLength": "5000"}


def diagnosing(**blocks: Any) -> World:
    """Return a world whose devices have the diagnostics above, and whatever `blocks` says."""
    world = World(**blocks)
    plain = world.schema
    leaves = dict(plain.leaves)
    for prefix, names in LEAVES.items():
        leaves[f"{prefix}DiagnosticsState"] = Leaf(f"{prefix}DiagnosticsState", "string", True, "None")
        for name, writable in names:
            kind = "unsignedInt" if any(part in name for part in NUMBERS) else "string"
            kind = "dateTime" if name in ("BOMTime", "EOMTime") else kind
            default = ARGUMENTS.get(name, {"unsignedInt": "0", "dateTime": "0001-01-01T00:00:00Z"}.get(kind, ""))
            leaves[prefix + name] = Leaf(prefix + name, kind, bool(writable), default)
    tables = dict(plain.tables)
    for path, names in TABLES.items():
        table = tables[path] = Table(path)
        table.count_path, table.fixed = f"{path[:-1]}NumberOfEntries", True
        for name in names:
            grow(table.template, name, Leaf(name, "string", False, ""))
    world.schema = Schema("hg100", "hg100.yaml", leaves, tables, plain.blocks)
    return world


def request(prefix: str, *settings: tuple[str, str]) -> Message:
    return spv((f"{prefix}DiagnosticsState", "Requested"), *((prefix + name, value) for name, value in settings))


def state(world: World, prefix: str = PING) -> str:
    return world.devices[-1].get(f"{prefix}DiagnosticsState")


def test_a_ping_from_request_to_result() -> None:
    world = diagnosing()
    device = world.device().device
    [answer] = world.ask(request(PING, ("Host", "host.example"), ("NumberOfRepetitions", "7")))
    assert answer.fields == {"status": 0}
    assert state(world) == "Requested"
    world.run(4.9)
    assert state(world) == "Requested"
    world.run(1)
    assert world.informs()[2:] == [(5, ("8 DIAGNOSTICS COMPLETE",))]
    assert state(world) == "Complete"
    assert (device.get(f"{PING}SuccessCount"), device.get(f"{PING}FailureCount")) == ("7", "0")
    assert 4 <= int(device.get(f"{PING}AverageResponseTime")) <= 40


@pytest.mark.parametrize("prefix", list(LEAVES))
def test_every_kind_of_diagnostic_completes(prefix: str) -> None:
    world = diagnosing()
    device = world.device().device
    world.ask(request(prefix))
    world.run(10)
    assert world.informs()[-1] == (5, ("8 DIAGNOSTICS COMPLETE",))
    assert state(world, prefix) == "Complete"
    for name, writable in LEAVES[prefix]:
        if not writable and name != "FailureCount":
            assert device.get(prefix + name) not in ("0", "0001-01-01T00:00:00Z")
    for table, names in TABLES.items():
        if table.startswith(prefix):
            rows = device.instances(table)
            assert len(rows) == int(device.get(f"{table[:-1]}NumberOfEntries")) > 0
            assert all(device.get(f"{table}{row}.{names[1]}") for row in rows)


def set_by_hand(world: World, **values: str) -> None:
    """Set what `set PATH = VALUE on T` of a scenario would, below the ping."""
    device = world.devices[-1]
    for name, value in values.items():
        device.write(PING + name, value, "device")
    device.agent.set_by_hand({PING + name: value for name, value in values.items()})


def test_a_test_that_the_device_starts_runs_and_is_not_told() -> None:
    world = diagnosing()
    device = world.device().device
    set_by_hand(world, Host="host.example", DiagnosticsState="Requested")
    world.run(4.9)
    assert state(world) == "Requested"
    world.run(1)
    assert state(world) == "Complete"
    assert device.get(f"{PING}SuccessCount") == "4"
    assert len(world.informs()) == 1, "8 DIAGNOSTICS COMPLETE is for tests of the ACS"


def test_a_setting_by_hand_ends_a_test_of_the_acs() -> None:
    world = diagnosing()
    world.device()
    world.ask(request(PING))
    set_by_hand(world, Host="other.example")
    assert state(world) == "None"
    world.run(10)
    assert len(world.informs()) == 2


def test_what_is_asked_of_a_device_that_is_off_is_forgotten() -> None:
    world = diagnosing()
    agent = world.device()
    agent.power_off()
    set_by_hand(world, DiagnosticsState="Requested")
    world.run(10)
    agent.power_on()
    world.run(10)
    assert state(world) == "None"


def test_rows_replace_those_of_the_run_before() -> None:
    world = diagnosing()
    device = world.device().device
    for _ in range(3):
        world.ask(request(LOOKUP))
        world.run(10)
        assert len(device.instances(f"{LOOKUP}Result.")) == 4
    assert device.get(f"{LOOKUP}ResultNumberOfEntries") == "4"


def test_the_test_starts_after_the_session() -> None:
    world = diagnosing()
    agent = world.device()
    agent.add_hook(catalogue()["slow-cpe"].make({}))
    world.acs.script = [request(PING), gpv(f"{PING}Host")]
    agent.inform()
    world.run(79)
    # Inform, empty POST and two answers take 20 s each; the test 5 s after them.
    assert (state(world), agent.session is not None) == ("Requested", True)
    world.run(5)
    assert (state(world), agent.session) == ("Requested", None)
    world.run(2)
    assert state(world) == "Complete"


def test_a_changed_argument_ends_the_test() -> None:
    world = diagnosing()
    world.device()
    world.ask(request(PING))
    world.run(2)
    world.ask(spv((f"{PING}Host", "other.example")))
    assert state(world) == "None"
    world.run(10)
    assert len(world.informs()) == 3


def test_a_changed_argument_makes_results_nobodys() -> None:
    world = diagnosing()
    world.device()
    world.ask(request(PING))
    world.run(10)
    assert state(world) == "Complete"
    world.ask(spv(("Device.ManagementServer.PeriodicInformInterval", "3600")))
    assert state(world) == "Complete"
    world.ask(spv((f"{PING}Host", "other.example")))
    assert state(world) == "None"


def test_requested_again_starts_anew_and_canceled_ends() -> None:
    world = diagnosing()
    world.device()
    world.ask(request(PING))
    world.run(3)
    world.ask(request(PING))
    world.run(3)
    assert state(world) == "Requested"
    world.run(2)
    assert world.informs()[-1] == (8, ("8 DIAGNOSTICS COMPLETE",))
    world.ask(request(PING))
    world.ask(spv((f"{PING}DiagnosticsState", "Canceled")))
    assert state(world) == "None"
    world.run(10)
    assert world.informs()[-1][1] == ("2 PERIODIC",)


def test_only_the_device_says_that_it_is_complete() -> None:
    world = diagnosing()
    world.device()
    [answer] = world.ask(spv((f"{PING}DiagnosticsState", "Complete")))
    assert [each.code for each in answer.fields["parameter_faults"]] == [9007]


def test_a_reboot_ends_the_test_without_a_word() -> None:
    world = diagnosing()
    agent = world.device()
    world.ask(request(PING))
    agent.reboot()
    world.run(60)
    assert world.informs()[2:] == [(30, ("1 BOOT",))]
    assert state(world) == "None"


def test_the_profile_says_what_comes_of_it() -> None:
    declared = {
        PING: {
            "duration": 9 * SECOND,
            "results": {"SuccessCount": (1, 1), "AverageResponseTime": "77"},
            "error": "Error_CannotResolveHostName",
            "when": {"Host": "nowhere.example"},
        }
    }
    world = diagnosing(extension={"diagnostics": declared})
    device = world.device().device
    world.ask(request(PING, ("Host", "host.example")))
    world.run(10)
    assert (device.get(f"{PING}SuccessCount"), device.get(f"{PING}AverageResponseTime")) == ("1", "77")
    assert world.informs()[-1] == (9, ("8 DIAGNOSTICS COMPLETE",))
    world.ask(request(PING, ("Host", "nowhere.example")))
    world.run(10)
    assert state(world) == "Error_CannotResolveHostName"
    assert world.informs()[-1][1] == ("8 DIAGNOSTICS COMPLETE",)


def test_a_declared_diagnostic_of_another_name() -> None:
    declared = Diagnostic(f"{PING}Host", "go", "gone", 2 * SECOND, f"{PING}SuccessCount", 3)
    world = diagnosing(diagnostics=(declared,))
    device = world.device().device
    world.ask(spv((f"{PING}Host", "go")))
    world.run(3)
    assert (device.get(f"{PING}Host"), device.get(f"{PING}SuccessCount")) == ("gone", "3")
    assert world.informs()[-1] == (2, ("8 DIAGNOSTICS COMPLETE",))


def test_a_device_without_diagnostics_pays_nothing(world: World) -> None:
    agent = world.device()
    world.ask(spv(("Device.WiFi.SSID.1.SSID", "x")))
    assert agent.idle_work() is None
