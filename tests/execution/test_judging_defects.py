"""What the judge once got wrong, told as scenarios: devices together, memberships that change, order, time alone."""

import pytest

from cpescript.runner.options import RunOptions
from cpescript.runner.run import run

VERSION = "Device.DeviceInfo.SoftwareVersion"


def verdict(world):
    return world.run()[0]


def real(tmp_path, text):
    """Run a scenario with real devices and the embedded ACS."""
    path = tmp_path / "case.cpes"
    path.write_text(text)
    return run(RunOptions(scenarios=(str(path),), seed=1)).scenarios[0]


# --- devices together ------------------------------------------------------------------------------------------------


def two(play, statement):
    return play(f"spawn 2 of hg100 as fleet\n{statement}\n")


def test_a_message_across_is_anybodys(play):
    assert verdict(two(play, "expect Download across fleet within 1h").at(1, 2, "Download")) == "passed"
    assert verdict(two(play, "expect Download across fleet within 1h")) == "failed"


def test_no_message_across_is_nobodys(play):
    world = two(play, "expect no SPV across fleet for 1h").at(1, 2, "SetParameterValues")
    assert verdict(world) == "failed"
    assert world.kernel.now == 10**9
    assert verdict(two(play, "expect no SPV across fleet for 1h")) == "passed"


def test_an_order_across_goes_from_device_to_device(play):
    text = "expect in order across fleet within 1h:\n    Download\n    Reboot"
    assert verdict(two(play, text).at(1, 1, "Download").at(2, 2, "Reboot")) == "passed"
    assert verdict(two(play, text).at(2, 1, "Download").at(1, 2, "Reboot")) == "failed"


def test_unless_beside_across_is_about_any_of_them(play):
    world = two(play, "expect at least 3 Download across fleet within 1h unless Fault").at(1, 2, "Fault")
    assert verdict(world) == "failed"
    assert world.kernel.now == 10**9


def test_a_monitor_across_counts_its_own_devices_together(play):
    text = "always at most 1 Download across fleet\nwait 1h"
    assert verdict(two(play, text).at(1, 1, "Download").at(2, 2, "Download")) == "failed"
    assert verdict(two(play, text).at(1, 1, "Download")) == "passed"


@pytest.mark.parametrize(
    "statement",
    [
        "always count(Download) <= 1 across fleet\nwait 1h",
        "wait 1h\nexpect count(Download) <= 1 across fleet",
    ],
)
def test_a_figure_across_is_of_its_own_devices(play, statement):
    world = play(f"spawn 1 of hg100 as fleet\nspawn 1 of hg100 as side\n{statement}\n")
    assert verdict(world.at(1, 1, "Download").at(2, 2, "Download")) == "passed"
    world = play(f"spawn 1 of hg100 as fleet\nspawn 1 of hg100 as side\n{statement}\n")
    assert verdict(world.at(1, 1, "Download").at(2, 1, "Download")) == "failed"


# --- who belongs to a target -----------------------------------------------------------------------------------------


def test_a_device_that_comes_into_a_where_is_asked(play):
    world = play(f'spawn 1 of hg100 as cpe\nnever {VERSION} == "1" on cpe where offline\nwait 1h\n')
    world.state(0, 1, "online").value(1, 1, VERSION, "1").state(2, 1, "online", on=False)
    assert verdict(world) == "failed"


def test_a_device_that_left_a_where_counts_no_more(play):
    world = play("spawn 2 of hg100 as fleet\nalways at most 1 of fleet where online updating\nwait 1h\n")
    for device in (1, 2):
        world.state(0, device, "online")
    world.state(1, 1, "updating").state(2, 1, "online", on=False).state(3, 2, "updating")
    assert verdict(world) == "passed"


def test_too_few_are_left_in_a_where(play):
    world = play("spawn 2 of hg100 as fleet\nalways at least 1 of fleet where online registered\nwait 1h\n")
    world.state(0, 1, "online").state(0, 2, "online").state(0, 1, "registered").state(5, 1, "online", on=False)
    assert verdict(world) == "failed"


def test_a_never_may_speak_of_who_is_excepted_for_now(play):
    world = play("spawn 1 of hg100 as cpe\nnever Download on cpe except (cpe where offline)\nwait 1h\n")
    world.state(0, 1, "online", on=False).state(10, 1, "online")
    assert verdict(world) == "passed"
    assert not world.vacuous


def test_a_never_on_stopped_devices_is_vacuous(play):
    world = play("spawn 2 of hg100 as fleet\nstop fleet\nnever Download on fleet\nwait 1h\n")
    assert world.run() == ("passed", "")
    assert world.vacuous == ["the devices that it speaks of had been stopped at line 2"]


def test_a_miss_of_a_stopped_device_says_so(play):
    world = play("spawn 1 of hg100 as fleet\nstop fleet\nexpect Download on fleet within 1m\n")
    assert verdict(world) == "failed"
    assert world.claims[3].misses[0].actual == "no Download came (stopped at line 2)"


# --- for how long ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("quantifier", "busy", "expected"), [
    ("at most 2 of", 3, "failed"), ("at most 2 of", 2, "passed"), ("exactly 2 of", 2, "failed"),
    ("exactly 0 of", 1, "failed"), ("exactly 0 of", 0, "passed"), ("at least 1 of", 3, "failed"),
])  # fmt: skip
def test_so_many_at_each_instant(play, quantifier, busy, expected):
    world = play(f"spawn 3 of hg100 as fleet\nexpect {quantifier} fleet updating for 1h\n")
    for device in range(1, busy + 1):
        world.state(10, device, "updating")
    assert verdict(world) == expected


def test_too_many_are_the_evidence(play):
    world = play("spawn 3 of hg100 as fleet\nexpect at most 1 of fleet updating for 1h\n")
    world.state(10, 1, "updating").state(20, 3, "updating").run()
    assert [(miss.device, miss.expected, miss.actual) for miss in world.claims[2].misses] == [
        ("fleet[1]", "at most 1: updating", "it is updating"),
        ("fleet[3]", "at most 1: updating", "it is updating"),
    ]


def test_any_for_is_open_while_one_still_keeps_to_it(play):
    world = play("""
        spawn 2 of hg100 as fleet
        wait 1s
        background "b":
            check any fleet online for 1h
        wait 10m
        check each fleet online
        """)
    world.state(0, 1, "online").state(0, 2, "online").state(60, 1, "online", on=False).state(120, 1, "online")
    assert verdict(world) == "inconclusive"


def test_a_stretch_that_ends_with_the_deadline_is_in_time(play):
    world = play("spawn 1 of hg100 as cpe\nwait until each cpe online for 10m within 10m\ncheck cpe online\n")
    assert verdict(world.state(0, 1, "online")) == "passed"


# --- time alone ------------------------------------------------------------------------------------------------------


def test_elapsed_is_asked_at_its_instant(play):
    world = play("spawn 1 of hg100 as cpe\nalways elapsed < 1h\nwait 2h\nexpect cpe online\n").state(0, 1, "online")
    assert verdict(world) == "failed"
    assert "first at 01:00:00" in world.claims[2].message
    world = play("spawn 1 of hg100 as cpe\nexpect elapsed >= 5m within 10m\ncheck cpe online\n").state(0, 1, "online")
    assert verdict(world) == "passed"
    assert world.kernel.now == 300 * 10**9
    between = "spawn 1 of hg100 as cpe\nnever elapsed between 10m and 20m\nwait {}\n"
    assert verdict(play(between.format("9m"))) == "passed"
    assert verdict(play(between.format("1h"))) == "failed"


def test_a_rate_falls_when_nothing_comes(play):
    text = "spawn 1 of hg100 as cpe\nwait 3s\nexpect rate(Inform) <= 1 per 10s on cpe within 1m\n"
    world = play(text)
    for second in (1, 2, 3):
        world.at(second, 1, "Inform")
    assert verdict(world) == "passed"
    assert world.kernel.now == 12 * 10**9
    world = play("spawn 1 of hg100 as cpe\nwait 1s\nalways rate(Inform) >= 1 per 10s on cpe\nwait 1h\n")
    assert verdict(world.at(1, 1, "Inform")) == "failed"
    assert "first at 00:00:11" in world.claims[3].message


# --- windows of their own --------------------------------------------------------------------------------------------

SINCE = """
    spawn 2 of hg100 as fleet
    expect ConnectionRequest on each fleet within 2m as cr
    expect Inform on each fleet within 30s since cr
    """


def requested(play, text=SINCE):
    return play(text).at(1, 1, "ConnectionRequest").at(50, 2, "ConnectionRequest")


def test_each_device_has_its_own_since(play):
    assert verdict(requested(play).at(20, 1, "Inform").at(60, 2, "Inform")) == "passed"
    world = requested(play).at(60, 1, "Inform").at(61, 2, "Inform")
    assert verdict(world) == "failed"
    assert world.claims[3].misses[0].actual == "no Inform came in time, but one at 00:01:00"
    assert verdict(requested(play).at(20, 1, "Inform").at(10, 2, "Inform")) == "failed"


def test_what_came_before_it_in_the_same_instant_came_before_it(play):
    text = SINCE.replace("2 of", "1 of").replace("2m", "1s").replace("each ", "")
    assert verdict(play(text).at(1, 1, "ConnectionRequest").at(1, 1, "Inform")) == "passed"
    assert verdict(play(text).at(1, 1, "Inform").at(1, 1, "ConnectionRequest")) == "failed"


def test_a_deadline_that_has_passed_is_over(play):
    text = SINCE.replace("    expect Inform", "    wait 5m\n    expect Inform")
    assert verdict(requested(play, text).at(20, 1, "Inform").at(60, 2, "Inform")) == "passed"
    assert verdict(requested(play, text).at(20, 1, "Inform").at(100, 2, "Inform")) == "failed"


def test_a_since_without_its_message_is_an_error(play):
    world = play(SINCE.replace("each fleet within 2m", "any fleet within 2m"))
    assert world.at(1, 1, "ConnectionRequest").run() == (
        "error", "'cr' has kept no message of 1 of the 2 devices",
    )  # fmt: skip


# --- one message, one claim; what came first -------------------------------------------------------------------------


@pytest.mark.parametrize("block", [
    "repeat 2:\n    expect Inform on cpe within 1m",
    "parallel:\n    expect Inform on cpe within 1m\n    expect Inform on cpe within 1m",
    'for n in ["a", "b"]:\n    note n\n    expect Inform on cpe within 1m',
])  # fmt: skip
def test_turns_and_branches_do_not_share_a_message(play, block):
    text = f"spawn 1 of hg100 as cpe\n{block}\n"
    assert verdict(play(text).at(5, 1, "Inform")) == "failed"
    assert verdict(play(text).at(5, 1, "Inform").at(6, 1, "Inform")) == "passed"


def test_an_action_between_turns_opens_a_window(play):
    world = play("spawn 1 of hg100 as cpe\nrepeat 2:\n    inform cpe\n    expect Inform on cpe within 1m\n")
    assert verdict(world.on("inform", 1, "Inform")) == "passed"


UNLESS = """
    spawn 1 of hg100 as cpe
    reboot cpe
    wait until cpe registered within 1m
    expect {} on cpe within 1h unless {}
    """


def test_the_order_of_the_past_decides_between_a_claim_and_its_unless(play):
    def past(*kinds):
        world = play(UNLESS.format("Download", "Fault")).state(3, 1, "registered")
        for second, kind in enumerate(kinds, 1):
            world.at(second, 1, kind)
        return verdict(world)

    assert past("Download", "Fault") == "passed"
    assert past("Fault", "Download") == "failed"


def test_one_message_that_meets_both_is_a_miss(play):
    world = play(UNLESS.format("TransferComplete", "TransferComplete where fault_code != 0"))
    world.state(3, 1, "registered").at(4, 1, "TransferComplete", fault_code=9010)
    assert verdict(world) == "failed"


def test_unless_of_others_is_about_any_of_those(play):
    text = "spawn 1 of hg100 as a\nspawn 2 of hg100 as b\nexpect Download on a within 1h unless Fault on b\n"
    assert verdict(play(text).at(1, 3, "Fault").at(2, 1, "Download")) == "failed"
    assert verdict(play(text).at(1, 1, "Download").at(2, 3, "Fault")) == "passed"


def test_unless_ends_a_claim_that_lasts(play):
    text = "spawn 1 of hg100 as cpe\nexpect no SPV on cpe for 1h unless Reboot\n"
    world = play(text).at(5, 1, "Reboot")
    assert verdict(world) == "failed"
    assert world.kernel.now == 5 * 10**9
    assert verdict(play(text)) == "passed"


# --- until -----------------------------------------------------------------------------------------------------------


def test_until_ends_a_never_device_by_device(play):
    text = "spawn 2 of hg100 as fleet\nnever Reboot on fleet until Download\nwait 1h\n"
    assert verdict(play(text).at(5, 1, "Download").at(6, 1, "Reboot").at(7, 2, "Download")) == "passed"
    assert verdict(play(text).at(5, 1, "Download").at(6, 2, "Reboot").at(7, 2, "Download")) == "failed"


def test_a_rule_that_ends_in_the_instant_of_its_beginning_is_vacuous_only_if_nothing_happened(play):
    text = "spawn 1 of hg100 as cpe\nnever Reboot on cpe until {}\nreboot cpe\nexpect Download on cpe within 1m\n"
    world = play(text.format("Download")).on("reboot", 1, "Download")
    assert verdict(world) == "passed"
    assert world.vacuous == []
    world = play(text.format("cpe online")).state(0, 1, "online").on("reboot", 1, "Download")
    assert verdict(world) == "passed"
    # A whole message went by.
    assert world.vacuous == []
    world = play("spawn 1 of hg100 as cpe\nnever Reboot on cpe until cpe online\nwait 0s\ncheck cpe offline\n")
    assert verdict(world) == "passed"
    assert world.vacuous == ["no time passed while it was open"]


def test_what_ends_it_does_not_break_it(play):
    text = 'spawn 1 of hg100 as cpe\nnever Download on cpe until Download where file_type == "2 Web Content"\nwait 1h\n'
    assert (
        verdict(play(text).at(5, 1, "Download", file_type="2 Web Content").at(6, 1, "Download", file_type="y"))
        == "passed"
    )
    assert (
        verdict(play(text).at(5, 1, "Download", file_type="y").at(6, 1, "Download", file_type="2 Web Content"))
        == "failed"
    )


def test_a_rule_of_several_ends_when_each_has_met_it(play):
    text = "spawn 2 of hg100 as fleet\nalways at most 1 of fleet updating until Download\nwait 1h\n"
    both = lambda second: (  # noqa: E731
        play(text).at(5, 1, "Download").at(10, 2, "Download").state(second, 1, "updating").state(second, 2, "updating")
    )
    assert verdict(both(7)) == "failed"
    assert verdict(both(11)) == "passed"


# --- mistakes that show while running --------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", [
    "expect Inform where 1 / retry_count > 3 on cpe within 1m",
    "on every Inform where 1 / retry_count > 3 of cpe:\n    note \"x\"\nwait 1m",
    "wait 1m\nexpect count(Inform where 1 / retry_count > 3) == 0 on cpe",
    "never Inform where 1 / retry_count > 3 on cpe\nwait 1m",
    "expect Download on cpe within 1m unless Inform where 1 / retry_count > 3",
])  # fmt: skip
def test_a_where_that_cannot_be_worked_out_is_the_scenarios_error(tmp_path, claim):
    result = real(tmp_path, f"spawn 1 of hg100 as cpe\n{claim}\n")
    assert result.verdict == "error"
    assert [(problem.whose, problem.message) for problem in result.problems] == [("scenario", "division by zero")]
    assert "1 / retry_count" in result.problems[0].source


# --- what counts -----------------------------------------------------------------------------------------------------


def test_a_response_is_what_the_acs_answers(tmp_path):
    result = real(
        tmp_path,
        """
spawn 1 of hg100 as cpe
on every Response of cpe:
    note "one"
wait 1m
check exactly 2 Response on cpe
check count(Response) == 2 on cpe
""",
    )
    assert result.verdict == "passed", result.reason
    assert len(result.notes) == 2


def test_a_count_of_an_invariant_forgets_nothing(play):
    world = play("spawn 1 of hg100 as cpe\nalways at most 2 Download on cpe\nwait 1m\nreboot cpe\nwait 1m\n")
    assert verdict(world.at(1, 1, "Download").at(2, 1, "Download").at(100, 1, "Download")) == "failed"


def test_devices_that_are_counted_are_asked_when_they_change(play):
    world = play("spawn 2 of hg100 as fleet\nwait 1s\nexpect count(fleet where online) == 2 within 1h\n")
    assert verdict(world.state(5, 1, "online").state(9, 2, "online")) == "passed"
    assert world.kernel.now == 9 * 10**9


def test_sometimes_in_a_run_that_is_cut_is_not_decided(play):
    world = play("""
        scenario "x":
            limit 1h
            spawn 1 of hg100 as cpe
            sometimes any cpe faulted
            repeat 100:
                wait 10m
        """)
    assert verdict(world) == "inconclusive"
    assert world.claims[4].verdict == "inconclusive"
    assert world.claims[4].message == "the run ended before it came true"


# --- blocks ----------------------------------------------------------------------------------------------------------


def test_lines_in_any_order_share_the_messages_out(play):
    text = """
        spawn 1 of hg100 as cpe
        expect in any order on cpe within 1h:
            Download
            Download where file_type == "2 Web Content"
        """
    assert (
        verdict(play(text).at(1, 1, "Download", file_type="2 Web Content").at(2, 1, "Download", file_type="y"))
        == "passed"
    )
    assert verdict(play(text).at(1, 1, "Download", file_type="2 Web Content")) == "failed"
    assert verdict(play(text).at(1, 1, "Download", file_type="y").at(2, 1, "Download", file_type="y")) == "failed"
