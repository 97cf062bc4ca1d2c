"""One device of each quirk at once: whatever they do, the reference ACS serves the others as it should."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from cpescript.quirks import catalogue
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from tests.quirks.test_held import Fleet

ARGUMENTS = {
    "transfer-fault": "(code: 9018)",
    "session-drops-on-rpc": '(rpc: "GPV")',
    "fault-9005-for-listed": '(path: "Device.DeviceInfo.SoftwareVersion")',
}
ODD = """    spawn 1 of hg200 as odd{number} with:
        inject quirk {name}{arguments}
"""
SCENARIO = """scenario "all at once":
    firmware "2.1.0" size 1MiB
    limit 12h
{odd}    spawn 3 of hg200 as good over 1m
    expect SPV Device.ManagementServer.PeriodicInformInterval = 300 on each good within 15m
    wait 5m
    acs set Device.IP.Diagnostics.IPPing.DiagnosticsState = "Requested" on good
    expect Inform where events contains "8 DIAGNOSTICS COMPLETE" on each good within 15m
    acs download firmware "2.1.0" on good
    expect TransferCompleteResponse on each good within 1h
    check Device.DeviceInfo.SoftwareVersion == "2.1.0" on each good
    wait 1h
    check Inform where events contains "2 PERIODIC" on each good within 10m
"""


def test_no_quirk_of_one_device_harms_another(tmp_path: Path) -> None:
    odd = "".join(
        ODD.format(number=number, name=name, arguments=ARGUMENTS.get(name, ""))
        for number, name in enumerate(sorted(catalogue()))
    )
    path = tmp_path / "all.cpes"
    path.write_text(SCENARIO.format(odd=odd))
    [scenario] = run(RunOptions(scenarios=(str(path),), seed=1, state=tmp_path / "fleet.db")).scenarios
    assert (scenario.verdict, scenario.reason) == ("passed", "")
    # Whatever they have counted and seen by now can be kept, and taken up again.
    with closing(sqlite3.connect(tmp_path / "fleet.db")) as file:
        states = [json.loads(state) for (state,) in file.execute("SELECT state FROM device")]
    kept = [entry for state in states for entry in state.get("quirks", ())]
    assert sorted(entry["name"] for entry in kept) == sorted(catalogue())
    later = Fleet()
    later.quirks.restore(later.one, kept)
    assert later.kept() == kept
