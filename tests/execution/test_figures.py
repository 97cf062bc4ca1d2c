"""Figures of the run, told as scenarios: one verdict, no device blamed, and in the evidence whose values they were."""

import pytest

UPTIME = "Device.DeviceInfo.UpTime"
SPAWN = "spawn 5 of hg100 as fleet\n"


def values(world, *texts):
    for number, text in enumerate(texts, 1):
        world.value(0, number, UPTIME, text, "unsignedInt")
    return world


@pytest.mark.parametrize(
    ("claim", "actual"),
    [
        ("always count(all) <= 3", "count(all) is 5"),
        ("never count(fleet where offline) == 5", "count(fleet where offline) is 5"),
        (f"always max({UPTIME} of fleet) < 9", f"{UPTIME} is 9 of fleet[5], 3 of fleet[1] and 3 more"),
        (f"always 7 in {UPTIME} of (fleet except fleet[5])", f"{UPTIME} is 3 of fleet[1] and 3 more"),
    ],
)
def test_a_rule_on_a_figure_of_the_run_is_broken_once_and_by_nobody(play, claim, actual):
    world = values(play(f"{SPAWN}wait 1s\n{claim}\nwait 1h\n"), "3", "3", "3", "3", "9")
    assert world.run() == ("failed", f"line 3: broken once, first at 00:00:01: {actual}")
    (miss,) = world.claims[3].misses
    assert (miss.device, miss.actual, world.claims[3].missed) == ("all together", actual, 1)


@pytest.mark.parametrize(
    ("claim", "actual"),
    [
        ("check count(fleet where offline) <= 3", "count(fleet where offline) is 5"),
        (f"check 7 in {UPTIME} of fleet", f"{UPTIME} is 9 of fleet[5], 3 of fleet[1] and 3 more"),
        (f"check 7 in {UPTIME} of (fleet where online)", f"{UPTIME} is of no device"),
    ],
)
def test_a_figure_of_the_run_is_asked_for_once(play, claim, actual):
    world = values(play(f"{SPAWN}wait 1s\n{claim}\n"), "3", "3", "3", "3", "9")
    assert world.run()[0] == "failed"
    (miss,) = world.claims[3].misses
    assert (miss.device, miss.actual) == ("all together", actual)


def test_evidence_shows_few_of_many_values(play):
    world = values(play(f"{SPAWN}spawn 2 of hg100 as side\nwait 1s\ncheck 0 in {UPTIME} of all\n"), *"1234567")
    assert world.run()[0] == "failed"
    shown = ", ".join(f"{number} of fleet[{number}]" for number in range(1, 6))
    assert world.claims[4].misses[0].actual == f"{UPTIME} is {shown}, and 2 other values"


@pytest.mark.parametrize("claim", [f"check {UPTIME} of fleet[2] == 8", f"always {UPTIME} of fleet[2] == 8"])
def test_what_is_asked_of_one_device_that_is_named_is_its_own(play, claim):
    world = values(play(f"{SPAWN}wait 1s\n{claim}\nwait 1h\n"), "3", "4", "3", "3", "3")
    assert world.run()[0] == "failed"
    (miss,) = world.claims[3].misses
    assert (miss.device, miss.actual) == ("fleet[2]", f"{UPTIME} is 4 of fleet[2]")


def test_what_each_device_is_asked_beside_a_figure_stays_its_own(play):
    world = values(play(f"{SPAWN}wait 1s\ncheck {UPTIME} <= {UPTIME} of fleet[1]\n"), "3", "4", "3", "3", "9")
    assert world.run()[0] == "failed"
    assert [miss.device for miss in world.claims[3].misses] == ["fleet[2]", "fleet[5]"]


def test_what_as_keeps_stays_each_devices_own_beside_a_figure(play):
    world = play(f"{SPAWN}expect Download on each fleet within 1m as dl\ncheck len(dl.url) == count(fleet)\n")
    for number in range(1, 6):
        world.at(number, number, "Download", url="x" * (5 if number != 3 else 2))
    assert world.run()[0] == "failed"
    assert [miss.device for miss in world.claims[3].misses] == ["fleet[3]"]
