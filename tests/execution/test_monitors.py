"""always, never, sometimes."""

import pytest

from cpescript.kernel.queue import TIMELINE
from cpescript.kernel.time import SECOND
from tests.execution.scripted import Said


def test_at_most_of_all_in_a_state(play):
    text = """
        spawn 3 of hg100 as fleet
        always at most 1 of all updating
        wait 1h
        """
    world = play(text)
    world.state(1, 1, "updating").state(5, 1, "updating", on=False).state(6, 2, "updating")
    assert world.run()[0] == "passed"
    world = play(text)
    world.state(1, 1, "updating").state(5, 3, "updating").state(9, 1, "updating", on=False)
    assert world.run() == ("failed", "line 2: broken once, first at 00:00:05 by fleet[3]: 2 of 3 were updating")


def test_never_a_message_where_the_device_is_so(play):
    text = """
        spawn 2 of hg100 as fleet
        never Download on fleet where Device.DeviceInfo.SoftwareVersion == "2.1.0"
        wait 1h
        """
    world = play(text)
    for device in (1, 2):
        world.value(0, device, "Device.DeviceInfo.SoftwareVersion", "2.0.0")
    world.at(1, 1, "Download").value(2, 1, "Device.DeviceInfo.SoftwareVersion", "2.1.0").at(3, 2, "Download")
    assert world.run()[0] == "passed"
    world = play(text)
    world.value(0, 1, "Device.DeviceInfo.SoftwareVersion", "2.1.0").at(60, 1, "Download")
    assert world.run() == ("failed", "line 2: broken once, first at 00:01:00 by fleet[1]: Download came at 00:01:00")


def test_an_invariant_ends_with_its_block(play):
    text = """
        spawn 1 of hg100 as cpe
        if true:
            never Reboot on cpe
            wait 1m
        wait 1h
        expect cpe online
        """
    world = play(text).state(0, 1, "online").at(120, 1, "Reboot")
    assert world.run()[0] == "passed"
    assert play(text).state(0, 1, "online").at(30, 1, "Reboot").run()[0] == "failed"


def test_until_ends_an_invariant(play):
    text = """
        spawn 1 of hg100 as cpe
        never Reboot on cpe until Download
        wait 1h
        expect cpe online
        """
    world = play(text).state(0, 1, "online").at(10, 1, "Download").at(20, 1, "Reboot")
    assert world.run()[0] == "passed"
    assert play(text).state(0, 1, "online").at(5, 1, "Reboot").at(10, 1, "Download").run()[0] == "failed"


def test_sometimes_must_come_true_once(play):
    text = "spawn 2 of hg100 as fleet\nsometimes any fleet faulted\nwait 1h\n"
    assert play(text).state(1, 2, "faulted").state(2, 2, "faulted", on=False).run()[0] == "passed"
    verdict, reason = play(text).run()
    assert (verdict, reason) == ("failed", "line 2: it never came true")


@pytest.mark.parametrize("line", ["sometimes Download on fleet", "sometimes any fleet faulted"])
def test_sometimes_speaks_of_its_whole_block_wherever_it_stands(play, line):
    last = f"spawn 2 of hg100 as fleet\nwait 1h\n{line}\n"
    for text in (last, f"{last}wait 1h\n"):
        world = play(text).at(60, 2, "Download").state(60, 1, "faulted").state(61, 1, "faulted", on=False)
        assert world.run()[0] == "passed"
        assert play(text).run() == ("failed", "line 3: it never came true")


def test_every_device_that_breaks_a_rule_is_named(play):
    world = play("spawn 3 of hg100 as fleet\nnever any fleet faulted\nwait 1h\n")
    world.state(1, 1, "faulted").state(2, 3, "faulted")
    assert world.run()[0] == "failed"
    assert [miss.device for miss in world.claims[2].misses] == ["fleet[1]", "fleet[3]"]


def test_a_figure_across_the_fleet(play):
    text = "spawn 2 of hg100 as fleet\nalways count(Download) <= 2 across fleet\nwait 1h\n"
    assert play(text).at(1, 1, "Download").at(2, 2, "Download").run()[0] == "passed"
    world = play(text).at(1, 1, "Download").at(2, 2, "Download").at(3, 1, "Download")
    assert world.run()[0] == "failed"


def test_an_invariant_is_judged_where_it_stands(play):
    text = "spawn 2 of hg100 as fleet\nwait 1s\nalways each fleet online\nwait 1h\n"
    world = play(text).state(0, 1, "online")
    assert world.run()[0] == "failed"
    assert [miss.device for miss in world.claims[3].misses] == ["fleet[2]"]
    assert play(text).state(0, 1, "online").state(0, 2, "online").run()[0] == "passed"


def test_each_time_that_an_invariant_breaks_is_counted(play):
    world = play("spawn 3 of hg100 as fleet\nalways at most 1 of fleet updating\nwait 1h\n")
    world.state(1, 1, "updating").state(2, 2, "updating").state(3, 3, "updating").state(4, 2, "updating", on=False)
    world.state(5, 3, "updating", on=False).state(6, 2, "updating")
    verdict, reason = world.run()
    assert verdict == "failed"
    assert reason.startswith("line 2: broken 2 times, first at 00:00:02 by fleet[2]: 2 of 3 were updating")


def test_an_invariant_that_could_not_have_fired_is_vacuous(play):
    world = play("spawn 1 of hg100 as cpe\nwait 1s\nnever Download on cpe where offline\nwait 1h\n")
    world.state(0, 1, "online").run()
    assert world.claims[3].verdict == "vacuous"
    assert world.claims[3].message == "no device was ever one that this 'never' speaks of"
    nobody = play(
        """
        spawn 1 of hg100 as cpe
        let none = cpe where online
        never Download on none
        wait 1h
        """
    )
    nobody.run()
    assert nobody.claims[3].verdict == "vacuous"
    instant = play("spawn 1 of hg100 as cpe\nif true:\n    never Download on cpe\n    reboot cpe\nwait 1h\n")
    instant.run()
    assert instant.claims[3].verdict == "vacuous"
    assert instant.claims[3].message == "no time passed while it was open"


def test_always_of_a_where_that_nobody_fits_is_not_broken(play):
    text = "spawn 2 of hg100 as fleet\nalways at least 50% of fleet where online registered\nwait 1h\n"
    assert play(text).state(1, 1, "registered").run()[0] == "passed"
    world = play(text).state(0, 1, "online").state(0, 1, "registered").state(5, 2, "online")
    assert world.state(9, 1, "registered", on=False).run()[0] == "failed"


def test_the_size_of_a_target_is_asked_anew(play):
    text = "spawn 4 of hg100 as fleet\nalways at most 50% of fleet where online updating\nwait 1h\n"
    world = play(text).state(0, 1, "online").state(0, 2, "online").state(1, 1, "updating")
    world.state(2, 3, "online").state(2, 4, "online").state(3, 2, "updating")
    assert world.run()[0] == "passed"
    world = play(text).state(1, 1, "updating")
    for device in (1, 2, 3, 4):
        world.state(0, device, "online")
    world.state(2, 3, "online", on=False).state(3, 2, "updating")
    assert world.run()[0] == "failed"


def test_who_joins_later_is_watched_too(play):
    world = play(
        """
        spawn 1 of hg100 as first
        never Reboot on all
        always at most 1 of all updating
        wait 1m
        spawn 1 of hg100 as second
        wait 1m
        """
    )
    world.at(70, 2, "Reboot").state(70, 2, "updating")
    assert world.run()[0] == "failed"
    assert [world.claims[line].verdict for line in (2, 3)] == ["missed", "met"]


def test_what_ends_a_rule_is_asked_of_who_joins_later_too(play):
    text = """
        spawn 1 of hg100 as first
        never Download on first until Reboot on all
        wait 1m
        spawn 2 of hg100 as second
        wait 1m
        """
    world = play(text).at(70, 1, "Reboot").at(71, 2, "Reboot").at(72, 1, "Download")
    assert world.run()[0] == "failed", "second[2] had no Reboot yet"
    world = play(text).at(70, 1, "Reboot").at(71, 2, "Reboot").at(72, 3, "Reboot").at(73, 1, "Download")
    assert world.run()[0] == "passed"
    some = text.replace("on all\n", 'on all where device.cohort == "first"\n')
    assert play(some).at(70, 1, "Reboot").at(72, 1, "Download").run()[0] == "passed"
    over = play(text).at(30, 1, "Reboot").at(72, 1, "Download")
    assert over.run()[0] == "passed", "it was over before they were made"


def test_sometimes_needs_to_be_so_only_once_and_at_an_instant(play):
    text = "spawn 2 of hg100 as fleet\nsometimes at least 2 of fleet updating\nsometimes Download on fleet\nwait 1h\n"
    world = play(text).state(1, 1, "updating").state(2, 1, "updating", on=False).state(3, 2, "updating")
    world.at(4, 1, "Download").run()
    assert [world.claims[line].verdict for line in (2, 3)] == ["missed", "met"]
    world = play(text).state(1, 1, "updating").state(2, 2, "updating").state(3, 2, "updating", on=False)
    world.run()
    assert [world.claims[line].verdict for line in (2, 3)] == ["met", "missed"]


def test_what_ends_an_invariant_is_no_claim(play):
    text = "spawn 1 of hg100 as cpe\nnever Reboot on cpe until Download\nexpect Inform on cpe within 1h\n"
    for download in (10, None):
        world = play(text).at(20, 1, "Inform")
        if download is not None:
            world.at(download, 1, "Download")
        assert world.run() == ("passed", "")
        assert {claim.statement for claim in world.judge.claims} == {"expect", "never"}


def test_except_is_asked_at_each_event(play):
    text = "spawn 2 of hg100 as fleet\nnever Download on fleet except (fleet where updating)\nwait 1h\n"
    world = play(text).state(1, 1, "updating").at(2, 1, "Download").state(3, 1, "updating", on=False)
    assert world.run()[0] == "passed"
    world = play(text).state(1, 1, "updating").state(3, 1, "updating", on=False).at(4, 1, "Download")
    assert world.run()[0] == "failed"


def test_evidence_that_cannot_be_had_is_no_violation_that_lacks_it(play, monkeypatch):
    """What went wrong is what is told, not what came of it when the rule was closed."""
    world = play("spawn 1 of hg100 as cpe\nnever cpe online\nwait 1m\n").state(10, 1, "online")

    def gone(device):
        raise OSError("the store is gone")

    world.identity = gone
    with pytest.raises(OSError, match="the store is gone"):
        world.run()
    world.judge.close_all(cut=True)
    assert [claim.missed for claim in world.judge.claims] == [0]


@pytest.mark.parametrize(
    ("rule", "so"),
    [
        ("never not (elapsed < 30s)", "elapsed is 30s"),
        ("never elapsed between 30s and 40s", "elapsed is 30s"),
        ("never elapsed >= 30s and count(all) == 1", "elapsed is 30s, count(all) is 1"),
        ("always (elapsed < 30s if count(all) == 1 else true)", "count(all) is 1, elapsed is 30s"),
        ("never (elapsed > 1h or (elapsed > 20s and rate(Inform) == 0 per 10s)) on cpe", "0 Inform in the last 10s"),
        ("never count(Inform) == 1 on cpe", "1 Inform so far"),
    ],
)
def test_what_was_so_when_time_broke_a_rule(play, rule, so):
    world = play(f"spawn 1 of hg100 as cpe\n{rule}\nwait 1m\n").at(5, 1, "Inform")
    verdict, reason = world.run()
    assert verdict == "failed"
    assert reason.endswith(f": {so}")


@pytest.mark.parametrize("block", ["{}", "repeat 1:\n    {}", "if true:\n    {}"])
@pytest.mark.parametrize(("external", "verdict"), [(False, "passed"), (True, "failed")])
def test_an_acs_that_is_not_ours_has_its_chance_before_a_rule_ends(play, block, external, verdict):
    """What comes behind the end of the last statement, and before a deadline of that instant, is judged still."""
    rule = block.format("{}\n{}wait 10s".format("never Download on cpe", "    " if "\n" in block else ""))
    world = play(f"spawn 1 of hg100 as cpe\n{rule}\n", external=external)
    world.kernel.at(10 * SECOND, world._author, world._say, (1, Said("Download", None)), TIMELINE)
    assert world.run()[0] == verdict
