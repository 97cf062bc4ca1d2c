"""`--state`: what was provisioned yesterday boots today with `1 BOOT` and yesterday's values."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from cpescript.device.device import Device
from cpescript.runner.options import RunOptions
from cpescript.runner.run import UsageError, run
from cpescript.runner.state import APPLICATION, State, StateError, fingerprint
from tests.device.pretend import GATEWAY, Pretend, schema_of

YESTERDAY = """
seed 7
spawn 3 of hg100 as fleet over 1m
expect Device.ManagementServer.PeriodicInformInterval == 300 on each fleet within 10m
set Device.DeviceInfo.ProvisioningCode = "GOLD" on fleet[2]
add Device.NAT.PortMapping. on fleet[3]
add Device.NAT.PortMapping. on fleet[3]
delete Device.NAT.PortMapping.1. on fleet[3]
check Inform where events contains "0 BOOTSTRAP" on each fleet within 1m since start
"""

TODAY = """
seed 7
never Inform where events contains "0 BOOTSTRAP" on all
spawn 3 of hg100 as fleet
expect Inform where events contains "1 BOOT" on each fleet within 1m
check each fleet registered within 1m
check Device.ManagementServer.PeriodicInformInterval == 300 on each fleet
check Device.DeviceInfo.ProvisioningCode == "GOLD" on fleet[2]
check Device.NAT.PortMapping.2. exists on fleet[3]
check Device.NAT.PortMappingNumberOfEntries == 1 on fleet[3]
"""


def play(tmp_path: Path, name: str, text: str, **options: object) -> str:
    path = tmp_path / f"{name}.cpes"
    path.write_text(text, encoding="utf-8")
    result = run(RunOptions(scenarios=(str(path),), state=tmp_path / "fleet.db", **options))  # type: ignore[arg-type]
    scenario = result.scenarios[0]
    return f"{scenario.verdict} {scenario.reason} {[problem.message for problem in scenario.problems]}"


def test_yesterdays_fleet_boots_today(tmp_path: Path) -> None:
    assert play(tmp_path, "yesterday", YESTERDAY).startswith("passed")
    assert play(tmp_path, "today", TODAY).startswith("passed")
    assert play(tmp_path, "again", TODAY).startswith("passed")


def test_without_the_file_the_same_scenario_fails(tmp_path: Path) -> None:
    path = tmp_path / "today.cpes"
    path.write_text(TODAY, encoding="utf-8")
    assert run(RunOptions(scenarios=(str(path),))).scenarios[0].verdict == "failed"


def test_to_another_acs_a_kept_device_is_a_stranger(tmp_path: Path) -> None:
    play(tmp_path, "yesterday", YESTERDAY)
    with sqlite3.connect(tmp_path / "fleet.db") as file:
        file.execute("UPDATE device SET state = replace(state, 'acs.example', 'old.example')")
    file.close()
    path = tmp_path / "today.cpes"
    path.write_text(
        'spawn 2 of hg100 as fleet\nexpect Inform where events contains "0 BOOTSTRAP" on each fleet within 1m'
    )
    [scenario] = run(RunOptions(scenarios=(str(path),), state=tmp_path / "fleet.db")).scenarios
    assert scenario.verdict == "passed"
    [remark] = [each for each in scenario.remarks if "another ACS URL" in each]
    assert remark.startswith("2 of 2 devices of ")
    [scenario] = run(RunOptions(scenarios=(str(path),), state=tmp_path / "fleet.db")).scenarios
    assert scenario.verdict == "failed", "by now the present one knows them"
    assert not any("another ACS URL" in each for each in scenario.remarks)


def test_devices_that_took_no_part_stay(tmp_path: Path) -> None:
    play(tmp_path, "yesterday", YESTERDAY)
    play(tmp_path, "other", "seed 7\nspawn 1 of dg2 as other\nexpect InformResponse on other within 5m\n")
    with sqlite3.connect(tmp_path / "fleet.db") as file:
        assert file.execute("SELECT count(*) FROM device").fetchone() == (4,)
    file.close()
    assert play(tmp_path, "today", TODAY).startswith("passed")


def test_a_file_belongs_to_its_seed(tmp_path: Path) -> None:
    play(tmp_path, "yesterday", YESTERDAY)
    with pytest.raises(UsageError, match="belongs to seed 7, this would run with 8") as refused:
        play(tmp_path, "today", TODAY, seed=8)
    assert "--seed 7" in refused.value.remedy
    assert play(tmp_path, "unsaid", TODAY.replace("seed 7\n", "")).startswith("passed")


def test_a_new_file_belongs_to_the_first_seed_of_its_run(tmp_path: Path) -> None:
    text = "seed {}\nspawn 1 of hg100 as cpe\nexpect InformResponse on cpe within 5m\n"
    for seed in (7, 8):
        (tmp_path / f"s{seed}.cpes").write_text(text.format(seed), encoding="utf-8")
    files = tuple(str(tmp_path / f"s{seed}.cpes") for seed in (7, 8))
    with pytest.raises(UsageError, match="belongs to seed 7"):
        run(RunOptions(scenarios=files, state=tmp_path / "fleet.db"))
    assert not (tmp_path / "fleet.db").exists(), "nothing ran"


# --- the device itself ------------------------------------------------------------------------------------------------


def reborn(device: Device, world: Pretend, **how: bool) -> Device:
    """Return another device of the same kind, in another world, that goes on from the state of the first."""
    fresh = world.device(device.schema)
    fresh.restore(json.loads(json.dumps(device.saved())), **how)
    return fresh


def test_everything_that_was_changed_is_kept(tmp_path: Path) -> None:
    world = Pretend()
    device = world.device(schema_of(tmp_path))
    world.pass_time(35)
    device.write("Device.Time.Enable", "0")
    added = device.add_object("Device.NAT.PortMapping.")
    device.write(f"Device.NAT.PortMapping.{added}.Alias", "mine")
    device.delete_object(f"Device.NAT.PortMapping.{device.add_object('Device.NAT.PortMapping.')}.")
    device.delete_object("Device.NAT.PortMapping.1.")
    device.write("Device.NAT.PortMapping.2.Stats.Hits", "40", by="device")
    device.set_attributes("Device.Time.Enable", 2, ())
    device.set_serial("S77")
    later = Pretend()
    later.pass_time(5)
    other = reborn(device, later)
    for path in ("", "Device.NAT.", "Device.NAT.PortMapping."):
        assert other.names(path, False) == device.names(path, False)
    steady = [path for path in device.leaves("") if not path.endswith(".UpTime")]  # It has just booted.
    assert [other.get(path) for path in steady] == [device.get(path) for path in steady]
    assert (other.notification("Device.Time.Enable"), other.access_list("Device.Time.Enable")) == (2, ())
    assert other.device_id == device.device_id
    # And time goes on for both alike.
    for each in (world, later):
        each.pass_time(30)
    hits = "Device.NAT.PortMapping.2.Stats.Hits"
    assert other.get(hits) == device.get(hits) == "43"
    assert other.add_object("Device.NAT.PortMapping.") == device.add_object("Device.NAT.PortMapping.") == 5


def test_a_changed_profile_keeps_what_still_fits(tmp_path: Path) -> None:
    world = Pretend()
    device = world.device(schema_of(tmp_path))
    device.write("Device.WiFi.Channel", "11")
    device.write("Device.Time.Enable", "0")
    device.write("Device.ManagementServer.PeriodicInformInterval", "77")
    device.delete_object("Device.NAT.PortMapping.2.")
    changed = GATEWAY.replace(
        "Device.Time.Enable, type: xsd:boolean, value: 1", "Device.Time.Enable, type: xsd:dateTime"
    )
    changed = changed.replace("  - {path: Device.WiFi.Channel", "  - {path: Device.WiFi.Chan")
    (tmp_path / "new").mkdir()
    schema = schema_of(tmp_path / "new", changed)
    assert fingerprint(schema) != fingerprint(device.schema)
    fresh = Pretend().device(schema)
    fresh.restore(json.loads(json.dumps(device.saved())), same_profile=False)
    assert fresh.get("Device.ManagementServer.PeriodicInformInterval") == "77"
    assert fresh.get("Device.Time.Enable") == "1970-01-01T00:00:00Z"
    assert fresh.get("Device.WiFi.Chan") == "1"
    assert fresh.instances("Device.NAT.PortMapping.") == (1,)


# --- bad files --------------------------------------------------------------------------------------------------------


def foreign(path: Path) -> None:
    path.write_text("not a database, but long enough to look like one " * 40, encoding="utf-8")


def another_database(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE t (x)")
    file.close()


def newer(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute(f"PRAGMA application_id = {APPLICATION}")
        file.execute("PRAGMA user_version = 99")
        file.execute("CREATE TABLE run (seed TEXT)")
    file.close()


def cut_off(path: Path) -> None:
    play(path.parent, "yesterday", YESTERDAY)
    octets = path.read_bytes()
    path.write_bytes(octets[: len(octets) // 2])


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (foreign, "cannot be read"),
        (another_database, "no state of a fleet"),
        (newer, "version 99"),
        (cut_off, "broken|cannot be read"),
    ],
)
def test_a_bad_file_is_refused_and_left_alone(make: object, why: str, tmp_path: Path) -> None:
    path = tmp_path / "fleet.db"
    make(path)  # type: ignore[operator]
    before = path.read_bytes()
    with pytest.raises(UsageError, match=why):
        play(tmp_path, "today", TODAY)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".part"] == []


def test_rows_that_are_no_devices_are_refused(tmp_path: Path) -> None:
    play(tmp_path, "yesterday", YESTERDAY)
    path = tmp_path / "fleet.db"
    with sqlite3.connect(path) as file:
        file.execute("UPDATE device SET state = '{}'")
    file.close()
    assert "holds nothing that is a device" in play(tmp_path, "today", TODAY)


@pytest.mark.parametrize("folder", ["nowhere", "file"])
def test_a_file_that_cannot_be_written_is_said(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    state = State(tmp_path / folder / "fleet.db")

    class Nobody:
        seed = 1
        devices = ()

    with pytest.raises(StateError, match="cannot be written"):
        state.save(Nobody())  # type: ignore[arg-type]


def test_what_is_owed_is_told_today(tmp_path: Path) -> None:
    text = """
seed 7
spawn 1 of hg100 as cpe
wait until cpe registered within 5m
acs download "3 Vendor Configuration File" url "http://files.example/a.cfg" on cpe
expect DownloadResponse on cpe within 2m
"""
    today = """
seed 7
spawn 1 of hg100 as cpe
expect TransferComplete on cpe within 5m
"""
    assert play(tmp_path, "yesterday", text).startswith("passed")
    assert play(tmp_path, "today", today).startswith("passed")


UPGRADED = """
seed 7
firmware "2.1.0" size 8MiB
spawn 1 of hg100 as cpe
wait until cpe registered within 5m
wait 1m
acs download firmware "2.1.0" on cpe
expect DownloadResponse on cpe within 2m
wait 1s
check cpe downloading
"""
"""A run that ends in the middle of a download."""
AFTERWARDS = """
seed 7
firmware "2.1.0" size 8MiB
spawn 1 of hg100 as cpe
expect TransferComplete where fault_code == {} on cpe within 5m
check Device.DeviceInfo.SoftwareVersion != "2.1.0" on cpe
"""


def test_a_download_under_way_has_failed(tmp_path: Path) -> None:
    assert play(tmp_path, "yesterday", UPGRADED).startswith("passed")
    assert play(tmp_path, "today", AFTERWARDS.format(9010)).startswith("passed")


def test_a_quirk_sees_the_failure_of_a_download_under_way(tmp_path: Path) -> None:
    bad = "inject quirk transfer-fault(code: 9016) on cpe\n"
    assert play(tmp_path, "yesterday", UPGRADED + bad).startswith("passed")
    assert play(tmp_path, "today", AFTERWARDS.format(9016)).startswith("passed")


def test_quirks_and_labels_are_todays_too(tmp_path: Path) -> None:
    yesterday = """
seed 7
spawn 2 of hg100 as fleet with:
    label region = "r{device.index}"
wait until each fleet registered within 5m
inject quirk abort-midway(times: 0) on fleet[2]
wait 1m
"""
    today = """
seed 7
spawn 2 of hg100 as fleet
expect InformResponse on each fleet within 5m
wait 1m
check count(fleet where registered) == 1
check fleet[1] registered
check count(fleet where device.label.region == "r2") == 1
"""
    assert play(tmp_path, "yesterday", yesterday).startswith("passed")
    [one, two] = saved_devices(tmp_path)
    assert (one["agent"]["labels"], two["agent"]["labels"]) == ({"region": "r1"}, {"region": "r2"})
    assert [quirk["name"] for quirk in two["quirks"]] == ["abort-midway"]
    assert "quirks" not in one
    assert play(tmp_path, "today", today).startswith("passed")


def saved_devices(tmp_path: Path) -> list[dict[str, Any]]:
    with sqlite3.connect(tmp_path / "fleet.db") as file:
        rows = file.execute("SELECT state FROM device ORDER BY identity").fetchall()
    file.close()
    return [json.loads(state) for (state,) in rows]


CAMPAIGN = """
extends: default
campaigns:
  install:
    inputs: {url: text}
    then: [install: {url: "{url}"}]
"""


def test_apps_stay_installed(tmp_path: Path) -> None:
    (tmp_path / "apps.yaml").write_text(CAMPAIGN, encoding="utf-8")
    yesterday = """
scenario "yesterday":
    seed 7
    policy "apps.yaml"
    spawn 2 of hg200 as fleet
    wait until each fleet registered within 5m
    acs call install(url: "http://apps.example/hub-1.2.0.app") on fleet[2]
    expect Device.X_00D0AA_Hub.Enable == true on fleet[2] within 10m
    set Device.X_00D0AA_Hub.Enable = false on fleet[2]
"""
    today = """
seed 7
spawn 2 of hg200 as fleet
wait until each fleet registered within 5m
check Device.X_00D0AA_Hub.Enable not exists on fleet[1]
check Device.X_00D0AA_Hub.Enable == false on fleet[2]
check Device.SoftwareModules.DeploymentUnit.1.Status == "Installed" on fleet[2]
acs set Device.X_00D0AA_Hub.Enable = true on fleet[2]
expect Device.X_00D0AA_Hub.Enable == true on fleet[2] within 5m
"""
    assert play(tmp_path, "yesterday", yesterday).startswith("passed")
    with sqlite3.connect(tmp_path / "fleet.db") as file:
        assert file.execute("SELECT count(DISTINCT profile) FROM device").fetchone() == (1,), "one profile, app or not"
    file.close()
    assert play(tmp_path, "today", today).startswith("passed")
    assert play(tmp_path, "again", today.replace("== false on fleet[2]", "== true on fleet[2]")).startswith("passed")
