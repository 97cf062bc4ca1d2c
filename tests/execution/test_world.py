"""Statements in a world of devices and an ACS: what a stopped device is, clocks, and that order is always the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cpescript.kernel.time import SECOND
from cpescript.language.catalogue import standard_catalogue
from cpescript.language.loader import load
from cpescript.runner.case import Case
from cpescript.runner.options import RunOptions, Silent
from cpescript.runner.run import run

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
        "line 9: 1 of 1 device met it for 30m; the devices that it speaks of had been stopped at line 3",
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
            timeout=120,
            check=False,
        )
        assert ended.returncode in (0, 1), ended.stdout + ended.stderr
        traces.append(trace.read_bytes())
    assert traces[0] == traces[1]
    kinds = {json.loads(line).get("kind") for line in traces[0].splitlines()}
    assert {"act", "stimulus", "claim-opened", "note", "SetParameterValues"} <= kinds


class Presses(Silent):
    """Presses Ctrl-C when a statement of that text begins."""

    def __init__(self, when):
        self.when, self.pressed, self.last = when, False, None

    def step(self, t, line, source):
        self.pressed = self.pressed or source == self.when
        self.last = (t // SECOND, source)

    def options(self):
        return {"observer": self, "verbose": 1, "interrupted": lambda: self.pressed}


@pytest.mark.parametrize("body", ["repeat 9000:\n    wait 1s", "expect cpe offline"])
def test_ctrl_c_in_finally_lets_it_run_and_counts(tmp_path, body):
    """Whether `finally:` is reached by the end of the limit or by the end of the statements."""
    path = tmp_path / "case.cpes"
    lines = [
        *body.splitlines(),
        "finally:",
        '    note "cleaning"',
        "    repeat 3000:",
        "        wait 1s",
        '    note "clean"',
    ]
    text = 'scenario "s":\n    limit 2h\n    spawn 1 of hg100 as cpe\n' + "".join(f"    {line}\n" for line in lines)
    path.write_text(text)
    presses = Presses('note "cleaning"')
    result = run(RunOptions(scenarios=(str(path), str(path)), seed=1, **presses.options()))
    assert presses.last[1] == 'note "clean"'
    assert result.interrupted
    assert result.exit_status == 130
    assert len(result.scenarios) == 1
    (only,) = result.scenarios
    if "repeat" in body:
        assert (only.verdict, only.reason) == ("inconclusive", "the limit of 2h of virtual time is over")
    else:
        assert only.verdict in ("passed", "failed")


def test_ctrl_c_in_the_body_ends_it_and_runs_finally(tmp_path):
    path = tmp_path / "case.cpes"
    path.write_text(
        'spawn 1 of hg100 as cpe\nnote "go"\nrepeat 9000:\n    wait 1s\nexpect cpe online\n'
        'finally:\n    repeat 3000:\n        wait 1s\n    note "clean"\n'
    )
    presses = Presses('note "go"')
    result = run(RunOptions(scenarios=(str(path),), seed=1, **presses.options()))
    assert presses.last[1] == 'note "clean"'
    assert (result.scenarios[0].verdict, result.scenarios[0].reason) == ("inconclusive", "interrupted")


def test_real_time_that_runs_out_in_finally_ends_the_run(tmp_path):
    path = tmp_path / "case.cpes"
    path.write_text('spawn 1 of hg100 as cpe\nnote "go"\nfinally:\n    repeat every 1ms for 6d:\n        note "x"\n')
    result = run(RunOptions(scenarios=(str(path),), seed=1, real_limit_s=0.3))
    (only,) = result.scenarios
    assert (only.verdict, only.reason) == ("inconclusive", "the run has used up its real time")


@pytest.mark.parametrize(
    ("clock", "verdict"), [("virtual", "inconclusive"), ("real", "failed"), ("scaled 2x", "failed")]
)
def test_only_in_virtual_time_an_acs_without_an_occasion_is_excused(tmp_path, clock, verdict):
    path = tmp_path / "case.cpes"
    path.write_text(f'scenario "s":\n    clock {clock}\n    spawn 1 of hg100 as cpe\n    check cpe online\n')
    program, _ = load(path, standard_catalogue())
    case = Case(program.cases()[0][0], RunOptions(scenarios=(str(path),), acs="http://127.0.0.1:1/"), 1, None)
    case.judge.facts.all.append(1)
    assert case.judge.no_occasion(1, 0) is (verdict == "inconclusive")
