"""How many devices, how many messages, how long: where each kind of claim is met and where it is missed."""

import pytest

from cpescript.kernel.time import SECOND

VERSION = "Device.DeviceInfo.SoftwareVersion"


def test_the_deadline_counts_from_the_statement_not_from_its_window(play):
    text = """
        spawn 1 of hg100 as cpe
        wait until cpe registered within 1h
        expect Download on cpe within 1m
        """
    assert play(text).state(100, 1, "registered").at(150, 1, "Download").run()[0] == "passed"
    late = play(text).state(100, 1, "registered").at(161, 1, "Download")
    assert late.run()[0] == "failed"
    assert late.claims[3].closed == 160 * SECOND


def test_a_quantifier_decides_as_soon_as_it_can(play):
    text = "spawn 3 of hg100 as fleet\nexpect Download on {} fleet within 1h{}\n"

    def ended(quantifier, *downloads, unless="", faults=()):
        world = play(text.format(quantifier, unless))
        for second, device in enumerate(downloads, 1):
            world.at(second, device, "Download")
        for second, device in enumerate(faults, 10):
            world.at(second, device, "Fault")
        return world.run()[0], world.kernel.now // SECOND

    assert ended("any", 2) == ("passed", 1)
    assert ended("at least 2 of", 1, 1, 3) == ("passed", 3)
    assert ended("at most 1 of", 1, 2) == ("failed", 2)
    assert ended("at most 1 of", 1) == ("passed", 3600)
    assert ended("exactly 1 of", 3) == ("passed", 3600)
    assert ended("exactly 1 of", 3, 2) == ("failed", 2)
    assert ended("exactly 3 of", 1, 2, unless=" unless Fault", faults=[3]) == ("failed", 10)
    assert ended("at least 2 of", unless=" unless Fault", faults=[1, 2]) == ("failed", 11)
    assert ended("at least 2 of", 1, unless=" unless Fault", faults=[2]) == ("failed", 3600)


@pytest.mark.parametrize(
    ("quantifier", "online", "verdict"),
    [
        ("exactly 1 of", 0, "failed"),
        ("exactly 1 of", 1, "passed"),
        ("exactly 1 of", 2, "failed"),
        ("at most 1 of", 2, "failed"),
        ("at least 2 of", 1, "failed"),
        ("at least 2 of", 2, "passed"),
        ("at least 60% of", 1, "failed"),
        ("at least 60% of", 2, "passed"),
        ("any", 0, "failed"),
        ("each", 2, "failed"),
        ("each", 3, "passed"),
    ],
)
def test_here_and_now(play, quantifier, online, verdict):
    world = play(f"spawn 3 of hg100 as fleet\nwait 1s\nexpect {quantifier} fleet online\n")
    for device in range(1, online + 1):
        world.state(0, device, "online")
    assert world.run()[0] == verdict


def test_devices_meet_a_claim_one_by_one(play):
    world = play("spawn 2 of hg100 as fleet\nexpect each fleet online within 1m\n")
    world.state(1, 1, "online").state(2, 1, "online", on=False).state(3, 2, "online")
    assert world.run() == ("passed", "")
    assert world.kernel.now == 3 * SECOND


def test_states_by_their_negation_and_their_complement(play):
    text = "spawn 1 of hg100 as cpe\nwait until cpe online within 1m\nexpect cpe {} within 1m\n"
    for word, state in (("offline", "online"), ("not updating", "updating")):
        world = play(text.format(word)).state(0, 1, "updating").state(1, 1, "online").state(10, 1, state, on=False)
        assert world.run() == ("passed", ""), word
        assert world.kernel.now == 10 * SECOND
        assert play(text.format(word)).state(0, 1, "updating").state(1, 1, "online").run()[0] == "failed"


def test_a_device_that_broke_for_has_missed_for_good(play):
    world = play("spawn 2 of hg100 as fleet\nwait 1s\nexpect any fleet online for 1h\n")
    world.state(0, 1, "online").state(0, 2, "online")
    world.state(10, 1, "online", on=False).state(20, 1, "online").state(30, 2, "online", on=False)
    assert world.run()[0] == "failed"
    assert world.kernel.now == 30 * SECOND


def test_of_a_claim_that_was_broken_nobody_is_said_to_have_kept_it(play):
    """It ends with the first who breaks it: the others were not watched for the rest of the time."""
    text = "spawn 3 of hg100 as fleet\nwait 10s\nexpect no Download on each fleet for 1h\n"
    world = play(text).at(20, 2, "Download").at(30, 1, "Download")
    assert world.run() == ("failed", "line 3: 1 of 3 devices broke it and ended it (for 1h)")
    assert world.kernel.now == 20 * SECOND


def test_for_looks_forward_from_where_it_stands(play):
    text = "spawn 1 of hg100 as cpe\nwait 10s\nexpect no Download on cpe for 1h\n"
    assert play(text).at(10, 1, "Download").run()[0] == "passed"
    assert play(text).at(10.001, 1, "Download").run()[0] == "failed"
    assert play(text).at(3610, 1, "Download").run()[0] == "failed"
    assert play(text).at(3610.001, 1, "Download").run()[0] == "passed"


def test_a_steady_stretch_begins_once_and_must_end_in_time(play):
    text = "spawn 2 of hg100 as fleet\nwait until any fleet online for 10m within {}\nreboot fleet[1]\n"
    world = play(text.format("1h")).state(1, 1, "online").state(300, 2, "online")
    world.run()
    assert world.log == [(601, "reboot", 1)]
    broken = play(text.format("1h")).state(1, 1, "online").state(300, 2, "online")
    broken.state(310, 1, "online", on=False).state(320, 2, "online", on=False).state(330, 1, "online")
    broken.run()
    assert broken.log == [(930, "reboot", 1)]
    late = play(text.format("10m")).state(1, 1, "online")
    assert late.run()[0] == "error"
    assert late.kernel.now == 600 * SECOND
    assert "did not hold without a break for 10m" in late.problems[0].message


def test_unless_in_a_window_that_is_judged_at_its_close(play):
    text = "spawn 1 of hg100 as cpe\nexpect exactly 2 Download on cpe within 1h unless Fault\n"
    world = play(text).at(1, 1, "Download").at(5, 1, "Fault").at(7, 1, "Download")
    assert world.run()[0] == "failed"
    assert world.kernel.now == 5 * SECOND
    assert play(text).at(1, 1, "Download").at(7, 1, "Download").run()[0] == "passed"


def test_unless_spares_a_device_that_was_done_before(play):
    world = play("spawn 2 of hg100 as fleet\nexpect Download on each fleet within 1h unless Fault\n")
    world.at(1, 1, "Download").at(2, 1, "Fault").at(3, 2, "Download")
    assert world.run() == ("passed", "")


def test_a_count_does_not_care_who_has_used_a_message(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        expect Download on cpe within 1m
        expect at least 2 Download on cpe within 1m
        check exactly 2 Download on cpe
        """
    )
    world.at(1, 1, "Download").at(2, 1, "Download")
    assert world.run() == ("passed", "")


def test_a_claim_takes_only_what_it_needs(play):
    text = """
        spawn 1 of hg100 as cpe
        reboot cpe
        wait until cpe registered within 1m
        expect Download on cpe within 1m
        expect Download on cpe within 1m
        """
    world = play(text).at(1, 1, "Download").at(2, 1, "Download").state(3, 1, "registered")
    assert world.run() == ("passed", "")
    assert world.kernel.now == 3 * SECOND


def test_a_message_that_meets_half_a_pattern_is_not_counted(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        expect exactly 1 SPV Device.ManagementServer.PeriodicInformInterval = 300,
            Device.ManagementServer.PeriodicInformEnable = true on cpe within 1m
        """
    )
    half = {"Device.ManagementServer.PeriodicInformInterval": "300"}
    world.at(1, 1, "SetParameterValues", half)
    world.at(2, 1, "SetParameterValues", {**half, "Device.ManagementServer.PeriodicInformEnable": "true"})
    assert world.run() == ("passed", "")


@pytest.mark.parametrize(
    ("words", "count", "verdict"),
    [
        ("at most 2", 2, "passed"),
        ("at most 2", 3, "failed"),
        ("at least 2", 1, "failed"),
        ("at least 2", 2, "passed"),
        ("exactly 0", 0, "passed"),
        ("exactly 0", 1, "failed"),
    ],
)
def test_edges_of_counts(play, words, count, verdict):
    for clause in ("within 1m", ""):
        world = play(f"spawn 1 of hg100 as cpe\nwait 10s\ncheck {words} Download on cpe {clause}\n")
        for second in range(count):
            world.at(10 if clause else second, 1, "Download")
        assert world.run()[0] == verdict, clause


def test_across_counts_its_devices_together_and_no_others(play):
    text = """
        spawn 2 of hg100 as fleet
        spawn 1 of hg100 as side
        expect at least 3 Download across fleet within 1m
        expect count(Download) == 3 across fleet
        expect count(Download) == 4 across all
        """
    world = play(text).at(1, 3, "Download").at(2, 1, "Download").at(3, 1, "Download").at(4, 2, "Download")
    assert world.run() == ("passed", "")
    world = play(text).at(1, 3, "Download").at(2, 1, "Download").at(3, 1, "Download").at(4, 3, "Download")
    assert world.run()[0] == "failed"
    assert world.claims[3].misses[0].device == "all together"


def test_a_rate_is_of_the_time_up_to_now(play):
    text = "spawn 2 of hg100 as fleet\nwait 10s\nexpect rate(Inform) == {} per 10s {}\n"

    def rate(number, who, *seconds):
        world = play(text.format(number, who))
        for second in seconds:
            world.at(second, 1, "Inform")
        world.at(9, 2, "Inform")
        return world.run()[0]

    # A message that is exactly as old as the time asked for is out of it.
    assert rate(2, "on fleet[1]", 0, 1, 10) == "passed"
    assert rate(3, "across fleet", 0, 1, 10) == "passed"
    assert rate(2, "across fleet", 0, 1, 10) == "failed"
    assert rate(1, "on fleet[2]", 1) == "passed"


def test_a_block_may_ask_for_parameters_and_states_in_their_turn(play):
    text = f"""
        spawn 1 of hg100 as cpe
        expect in order on cpe within 1h:
            Download
            {VERSION} == "2"
            Reboot
        """
    good = play(text).at(1, 1, "Download").value(2, 1, VERSION, "2").at(3, 1, "Reboot")
    assert good.run() == ("passed", "")
    never = play(text).at(1, 1, "Download").value(2, 1, VERSION, "1").at(3, 1, "Reboot")
    assert never.run()[0] == "failed"
    assert never.claims[2].misses[0].expected == f'{VERSION} == "2" (after 1 of 3 were met)'
    assert never.claims[2].misses[0].actual == f'{VERSION} is "1"'


def test_a_block_in_any_order_takes_one_message_for_each_of_its_claims(play):
    text = """
        spawn 1 of hg100 as cpe
        expect in any order on cpe within 1m:
            Download
            Reboot
        expect Download on cpe within 1m
        """
    world = play(text).at(1, 1, "Download").at(2, 1, "Download").at(3, 1, "Reboot")
    assert world.run() == ("passed", "")
    twice = "spawn 1 of hg100 as cpe\nexpect in any order on cpe within 1m:\n    Download\n    Download\n"
    assert play(twice).at(1, 1, "Download").run()[0] == "failed"
    assert play(twice).at(1, 1, "Download").at(2, 1, "Download").run()[0] == "passed"


def test_one_of_takes_no_more_than_one(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        reboot cpe
        wait until cpe registered within 1m
        expect one of on cpe within 1m:
            Download
            Reboot
        expect Reboot on cpe within 1m
        """
    )
    world.at(1, 1, "Download").at(2, 1, "Reboot").state(3, 1, "registered")
    assert world.run() == ("passed", "")


def test_what_is_kept_is_the_message_that_completed_the_claim(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        expect SPV Device.ManagementServer.PeriodicInformInterval = 300,
            Device.ManagementServer.PeriodicInformEnable = true on cpe within 1m as spv
        expect Inform on cpe within 30s since spv
        """
    )
    world.at(1, 1, "SetParameterValues", {"Device.ManagementServer.PeriodicInformInterval": "300"})
    world.at(40, 1, "SetParameterValues", {"Device.ManagementServer.PeriodicInformEnable": "true"})
    world.at(2, 1, "Inform").at(60, 1, "Inform")
    assert world.run() == ("passed", "")
    assert world.claims[4].closed == 60 * SECOND


def test_since_start_reaches_back_to_the_start(play):
    text = """
        spawn 1 of hg100 as cpe
        wait 1m
        reboot cpe
        wait 1m
        expect Download on cpe within 3m since start
        """
    assert play(text).at(0.5, 1, "Download").run()[0] == "passed"
    assert play(text).at(170, 1, "Download").run()[0] == "passed"
    late = play(text).at(190, 1, "Download")
    assert late.run()[0] == "failed"
    assert late.kernel.now == 180 * SECOND


def test_a_request_is_what_the_acs_asks_not_what_the_device_does(play):
    text = "spawn 1 of hg100 as cpe\n{}\nwait 1m\ncheck exactly 1 Request on cpe\n"
    world = play(text.format("")).at(1, 1, "GetRPCMethods").at(2, 1, "Download")
    assert world.run() == ("passed", "")
    never = play(text.format("never Request on cpe")).at(1, 1, "GetRPCMethods")
    never.run()
    assert never.claims[2].verdict == "met"


# --- an ACS that is not ours -----------------------------------------------------------------------------------------


def test_an_order_or_a_session_is_an_occasion(play):
    text = "spawn 1 of hg100 as cpe\nwait 1m\n{}\nexpect Download on cpe within 1m\n"

    def verdict(step, session=None):
        world = play(text.format(step), external=True)
        if session is not None:
            world.at(session, 1, "SessionEnd", outcome="done")
        return world.run()[0]

    assert verdict("") == "inconclusive"
    assert verdict("", session=59) == "inconclusive"
    assert verdict("", session=60) == "failed"
    assert verdict("reboot cpe") == "inconclusive"
    assert verdict("acs connect cpe") == "failed"


def test_one_device_without_an_occasion_excuses_no_other(play):
    world = play("spawn 2 of hg100 as fleet\nwait 1m\nexpect Download on each fleet within 1m\n", external=True)
    assert world.at(70, 1, "SessionEnd", outcome="done").run()[0] == "failed"
    world = play("spawn 2 of hg100 as fleet\nwait 1m\nexpect Download on any fleet within 1m\n", external=True)
    assert world.at(70, 1, "SessionEnd", outcome="done").run()[0] == "inconclusive"


def test_a_device_that_unless_has_struck_out_is_not_excused(play):
    text = "spawn 1 of hg100 as cpe\nwait 1m\nexpect Download on cpe within 1h unless faulted\n"
    world = play(text, external=True).state(70, 1, "faulted")
    assert world.run()[0] == "failed"
    assert world.kernel.now == 70 * SECOND


def test_nothing_excuses_a_claim_about_what_has_been(play):
    world = play("spawn 1 of hg100 as cpe\nwait 1m\nexpect at least 1 Download on cpe\n", external=True)
    assert world.run()[0] == "failed"
