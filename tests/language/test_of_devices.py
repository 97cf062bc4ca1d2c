"""`PATH of T`: one value where one device is named, a list of several, and left to the run where nobody knows."""

import pytest
from lab import LAB, codes, load_text, problems

UPTIME = "Device.DeviceInfo.UpTime"
VERSION = "Device.DeviceInfo.SoftwareVersion"
ENABLE = "Device.ManagementServer.PeriodicInformEnable"
SPAWN = """\
param size: int = 2
spawn 3 of hg100 as fleet
spawn 1 of hg100 as cpe
spawn size of hg100 as some
"""
END = "expect Inform on fleet within 1m\n"


def found(line):
    return [(code, spot) for code, spot, _, _ in problems(f"{SPAWN}{line}\n{END}")]


def told(line):
    _, bag = load_text(f"{SPAWN}{line}\n{END}", "test.cpes", LAB)
    (problem,) = bag
    return problem.message, problem.remedy


@pytest.mark.parametrize(
    "line",
    [
        *(f"check {name}({UPTIME} of {whose}) < 60" for name in ("p50", "p95", "p99") for whose in ("fleet", "some")),
        f"check max({UPTIME} of fleet) < 60",
        f"check sum({ENABLE} of fleet) == 3",
        f"check sum({ENABLE} of cpe) == 1",
        f"check sum({UPTIME} of some) < 60",
        f"check count({UPTIME} of fleet) == 3",
        f'check "2.0.0" in {VERSION} of fleet',
        f'check {VERSION} of fleet contains "2.0.0"',
        f'check {VERSION} of fleet == ["1", "2", "3"]',
        f"check {UPTIME} of fleet == {UPTIME} of fleet",
        f"check {UPTIME} of fleet != null",
        f"check {UPTIME} of some < 60",
        f"check {UPTIME} of cpe < 60",
        f"check {UPTIME} of fleet[2] < 60",
        f"check {UPTIME} of fleet[2..2] < 60",
        f"check {UPTIME} of (fleet where offline) < 60",
        f"check {UPTIME} of (fleet except fleet[2..3]) < 60",
        f"let one = 1 of fleet\ncheck {UPTIME} of one < 60",
        f"for d in fleet:\n    check {UPTIME} of d < 60",
        f"check {UPTIME} == {UPTIME} of device on each fleet",
    ],
)
def test_what_goes_with_the_values_of_devices(line):
    assert found(line) == []


@pytest.mark.parametrize(
    ("line", "spot"),
    [
        (f"check {UPTIME} of fleet != 300", f"{UPTIME} of fleet"),
        (f"check 300 == {UPTIME} of fleet", f"{UPTIME} of fleet"),
        (f"check {UPTIME} of fleet < 300", f"{UPTIME} of fleet"),
        (f"check {UPTIME} of fleet between 1 and 300", f"{UPTIME} of fleet"),
        (f'check {VERSION} of fleet matches "2.*"', f"{VERSION} of fleet"),
        (f'check {VERSION} of fleet not in ["1", "2"]', f"{VERSION} of fleet"),
        (f"check {UPTIME} of fleet[1..2] > 300", f"{UPTIME} of fleet[1..2]"),
        (f"check {UPTIME} of (cpe, fleet) > 300", f"{UPTIME} of (cpe, fleet)"),
        (f"check {UPTIME} of all > 300", f"{UPTIME} of all"),
        (f"check {UPTIME} of fleet == {UPTIME} on each cpe", f"{UPTIME} of fleet"),
        (f"let two = 2 of fleet\ncheck {UPTIME} of two > 300", f"{UPTIME} of two"),
    ],
)
def test_the_values_of_several_devices_are_never_one(line, spot):
    assert found(line) == [("many-devices", spot)]


@pytest.mark.parametrize("whose", ["cpe", "fleet[2]", "fleet[2..2]", "(1 of fleet)"])
def test_what_is_one_value_is_checked_as_one(whose):
    assert found(f'if {UPTIME} of {whose} == "often":\n    wait 1s') == [("wrong-type", '"often"')]


def test_percentiles_are_of_several():
    assert found(f"check p95({UPTIME} of cpe) < 60") == [("wrong-type", f"{UPTIME} of cpe")]


def test_the_remedy_is_to_claim_it_of_each():
    assert told(f"check {UPTIME} of fleet != 300") == (
        "these are the values of several devices, and what they meet is one",
        "claim it of each, by 'on each fleet', or ask whether a value is 'in' them",
    )


def test_a_list_where_a_number_is_wanted_is_told_in_words():
    message, _ = told("let x = p50(3)\nnote x")
    assert message == "the argument of p50() is a list, not a whole number"


def test_whose_devices_a_procedure_is_handed_is_not_known():
    text = f"define look(them):\n    check {UPTIME} of them < 60\n{SPAWN}do look(fleet)\n"
    assert codes(text + END) == []
