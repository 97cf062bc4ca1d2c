"""What reading a very long scenario costs: parse and check of 20,000 lines, and its plan."""

from __future__ import annotations

import time

from benchmarks.table import Row
from cpescript.language.catalogue import standard_catalogue
from cpescript.language.loader import load_text
from cpescript.language.plan import plan_text

HEAD = """param size: int = 10
scenario "long":
    firmware "2.1.0" size 8MiB
    spawn size of hg100 as fleet over 5m
    spawn 1 of hg100 as side
"""
BLOCK = """    reboot fleet[1..3] over 1m
    expect InformResponse on each fleet[1..3] within 5m
    set Device.DeviceInfo.ProvisioningCode = "X-{device.index}" on fleet where Device.DeviceInfo.SoftwareVersion == "2"
    # A comment, as there are some.
    for d in fleet:
        let pause = 2 * 5m
        wait pause
        acs set Device.ManagementServer.PeriodicInformInterval = 300 on d
        expect SPV Device.ManagementServer.PeriodicInformInterval = 300 where parameter_key is empty on d within 5m
    check exactly 2 Inform on each side within 5m
"""
TEXT = HEAD + BLOCK * 2_000


def check_seconds() -> float:
    """CPU seconds of reading and checking 20,000 lines. The profile and the parser's tables are read before."""
    load_text(HEAD + BLOCK, "short.cpes", standard_catalogue())
    began = time.process_time()
    program, bag = load_text(TEXT, "long.cpes", standard_catalogue())
    took = time.process_time() - began
    if program is None or bag.failed:
        raise SystemExit(f"the benchmark's own scenario does not check: {bag.render()[:500]}")
    return took


def plan_seconds() -> float:
    """CPU seconds of planning them."""
    program, _ = load_text(TEXT, "long.cpes", standard_catalogue())
    assert program is not None
    began = time.process_time()
    cases, _ = program.cases()
    plan_text(cases[0])
    return time.process_time() - began


ROWS = (
    Row("check_20k", "s", "at most 6", check_seconds),
    Row("plan_20k", "s", "-", plan_seconds),
)
