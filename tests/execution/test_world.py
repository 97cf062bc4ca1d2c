"""Statements in a world of devices and an ACS: what a stopped device is, clocks, and that order is always the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

VERSION = "Device.DeviceInfo.SoftwareVersion"
INTERVAL = "Device.ManagementServer.PeriodicInformInterval"


def test_what_is_done_to_stopped_devices_has_no_effect(simulated):
    result, _ = simulated(
        """
        spawn 2 of hg100 as fleet
        wait until each fleet registered within 5m
        stop fleet[1]
        wait 1m
        reboot fleet[1]
        power on fleet[1]
        wait 10m
        reboot fleet
        check no Inform on fleet[1] for 30m
        check InformResponse on fleet[2] within 10m
        """
    )
    assert (result.verdict, result.reason) == ("passed", "")
    assert list(result.vacuous) == [
        "line 5: 'reboot fleet[1]' had no effect on any device",
        "line 6: 'power on fleet[1]' had no effect on any device",
    ]


def test_a_stopped_device_is_still_one_of_its_cohort(simulated):
    result, _ = simulated(
        f"""
        spawn 2 of hg100 as fleet
        wait until each fleet registered within 5m
        stop fleet[1]
        wait 1m
        check count(fleet) == 2
        check {VERSION} == "{{{VERSION} of fleet[2]}}" on each fleet
        check InformResponse on each fleet within 1h
        """
    )
    assert result.verdict == "failed"
    (missed,) = [claim for claim in result.claims if claim.verdict == "missed"]
    assert [miss.device for miss in missed.misses] == ["fleet[1]"]


@pytest.mark.parametrize("clock", ["scaled 60x", "real"])
def test_with_the_embedded_acs_a_bound_clock_is_said_not_to_be(simulated, clock):
    starts = "" if clock == "real" else "starts at 2026-01-01T00:00:00Z"
    result, _ = simulated(
        f"""
        scenario "bound":
            clock {clock}
            {starts}
            spawn 1 of hg100 as cpe
            expect InformResponse on cpe within 1h
        """
    )
    assert (result.verdict, result.reason) == ("passed", "")
    assert "not bound to the wall clock" in " ".join(result.remarks)


BUSY = """
    define visit(devices, pause: duration = 1s):
        inform devices
        expect InformResponse on each devices within 5m
        wait pause
        finally:
            note "left {count(devices)}"

    scenario "busy":
        limit 6h
        spawn 12 of hg100 as fleet over 1m with:
            label room = "{device.index}"
        on every SPV of 5 of fleet:
            answer after 2s
        on first Inform of all:
            label_it
        wait until each fleet registered within 15m
        always each fleet online
        background "noise":
            repeat every 7m for 1h:
                reboot 2 of fleet over 3m
        parallel:
            do visit(fleet[1..3])
            for each d in fleet[4..6]:
                do visit(d, pause: random(1s, 30s))
            acs set Device.ManagementServer.PeriodicInformInterval = 600 on fleet
        check SPV on each fleet within 1h
        wait 1h
        finally:
            do visit(fleet[12])
    """.replace("            label_it\n", '            note "{device.serial} {message.events}"\n')


def test_the_trace_is_the_same_whatever_the_hash_seed(tmp_path):
    path = tmp_path / "busy.cpes"
    path.write_text("\n".join(line[4:] for line in BUSY.splitlines()))
    traces = []
    for seed in ("0", "1"):
        trace = tmp_path / f"trace-{seed}"
        command = [sys.executable, "-m", "cpescript", "run", "busy.cpes", "--seed", "7", "--trace", str(trace)]
        ended = subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode in (0, 1), ended.stdout + ended.stderr
        traces.append(trace.read_bytes())
    assert traces[0] == traces[1]
    kinds = {json.loads(line).get("kind") for line in traces[0].splitlines()}
    assert {"act", "stimulus", "claim-opened", "note", "SetParameterValues"} <= kinds
