"""Times of day, repetitions, what is spread over a time, and when each of them opens a window."""

import pytest

from cpescript.kernel.time import SECOND


def seconds(world, verb):
    return [second for second, done, _ in world.log if done == verb]


@pytest.mark.parametrize(
    ("start", "zone", "moment", "after"),
    [
        ("2026-01-01T00:00:00Z", "UTC", "02:30", 9_000),
        ("2026-01-01T02:30:00Z", "UTC", "02:30", 86_400),
        ("2026-01-01T02:30:01Z", "UTC", "02:30", 86_399),
        ("2026-01-01T23:59:59Z", "UTC", "00:00", 1),
        ("2026-02-28T12:00:00Z", "UTC", "06:00", 64_800),
        ("2026-01-01T00:00:00Z", "Europe/Berlin", "02:00", 3_600),
        ("2026-07-01T00:00:00Z", "Europe/Berlin", "01:00", 82_800),
        ("2026-01-01T00:30:00Z", "Asia/Kolkata", "06:15", 900),
        # The night in which the clocks go forward is an hour shorter, the one in which they go back an hour longer.
        ("2026-03-28T20:00:00Z", "Europe/Berlin", "06:00", 28_800),
        ("2026-10-24T20:00:00Z", "Europe/Berlin", "06:00", 32_400),
        # 02:30 does not exist in the one night (it comes when it is skipped, at 01:00 UTC) and is twice in the other.
        ("2026-03-29T00:00:00Z", "Europe/Berlin", "02:30", 3_600),
        ("2026-03-29T01:00:00Z", "Europe/Berlin", "02:30", 84_600),
        ("2026-10-25T00:00:00Z", "Europe/Berlin", "02:30", 1_800),
        ("2026-10-25T00:30:00Z", "Europe/Berlin", "02:30", 3_600),
        ("2026-10-25T01:30:00Z", "Europe/Berlin", "02:30", 86_400),
        # Where midnight itself is skipped, or put back to the day before.
        ("2026-09-06T03:30:00Z", "America/Santiago", "00:00", 1_800),
        ("2026-04-05T02:30:00Z", "America/Santiago", "23:30", 3_600),
        ("2010-11-07T02:30:30Z", "America/St_Johns", "23:30", 1_770),
    ],
)
def test_wait_until_a_time_of_day(play, start, zone, moment, after):
    world = play(
        f"""
        scenario "s":
            starts at {start}
            zone "{zone}"
            spawn 1 of hg100 as cpe
            wait until {moment}
            reboot cpe
            check cpe online
        """
    )
    world.run()
    assert seconds(world, "reboot") == [after]


def test_a_time_of_day_counts_from_the_start_of_the_world(play):
    """Against an external ACS the clock starts with the wall's, whatever the timeline was made with."""
    world = play("spawn 1 of hg100 as cpe\nwait until 02:00\nreboot cpe\ncheck cpe online\n")
    world.start = type(world.start)(world.start + 3600 * SECOND)
    world.run()
    assert seconds(world, "reboot") == [3600]


def test_at_a_time_of_day_and_at_a_time_from_here(play):
    world = play(
        """
        scenario "s":
            zone "Europe/Berlin"
            spawn 1 of hg100 as cpe
            at 02:00:
                reboot cpe
            wait 10m
            at +30m:
                factory-reset cpe
                check Download on cpe within 1m
            wait 3h
            check cpe online
        """
    )
    world.at(2399, 1, "Download")
    assert world.run()[0] == "failed"
    assert world.log == [(2400, "factory-reset", 1), (3600, "reboot", 1)]
    assert world.claims[9].misses[0].actual == "no Download came"


def test_what_begins_at_a_time_looks_back_to_that_time_only(play):
    text = "spawn 1 of hg100 as cpe\nat +1m:\n    check Download on cpe within 1m\nwait 5m\ncheck cpe online\n"
    early, late = play(text).at(30, 1, "Download"), play(text).at(60, 1, "Download")
    early.run()
    late.run()
    assert (early.claims[3].verdict, late.claims[3].verdict) == ("missed", "met")


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        ("1m", [0, 600, 1200, 1800]),
        ("10m", [0, 600, 1200, 1800]),
        ("10m1s", [0, 1200]),
        ("25m", [0, 1800]),
    ],
)
def test_a_turn_that_outlasts_its_period_skips_to_the_next_multiple(play, turn, expected):
    world = play(
        f"""
        spawn 1 of hg100 as cpe
        repeat every 10m for 40m:
            reboot cpe
            wait {turn}
        check cpe online
        """
    )
    world.run()
    assert seconds(world, "reboot") == expected


def test_each_turn_has_a_window_of_its_own(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        repeat every 10m for 30m:
            check Download on cpe within 1m
        """
    )
    world.at(30, 1, "Download").at(590, 1, "Download").at(1230, 1, "Download")
    assert world.run()[0] == "failed"
    assert [claim.verdict for claim in world.judge.claims] == ["met", "missed", "met"]


def test_a_number_of_turns_and_a_turn_for_each_value(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        repeat 3:
            reboot cpe
            wait 1s
        for pause in [2s, 5s]:
            factory-reset cpe
            wait pause
        check cpe online
        """
    )
    world.run()
    assert seconds(world, "reboot") == [0, 1, 2]
    assert seconds(world, "factory-reset") == [3, 5]


def test_an_act_over_a_time_gives_each_device_an_instant_of_its_share(play):
    text = "spawn 10 of hg100 as fleet\nwait 1m\nreboot fleet over 10m\nwait 20m\ncheck each fleet online\n"
    world, again = play(text), play(text)
    world.run()
    again.run()
    assert [device for _, _, device in world.log] == list(range(1, 11))
    assert all(60 + 60 * index <= second < 120 + 60 * index for index, second in enumerate(seconds(world, "reboot")))
    assert len({(second - 60) % 60 for second in seconds(world, "reboot")}) > 5
    assert world.log == again.log


def test_an_act_that_a_device_refuses_later_is_an_error_all_the_same(play):
    world = play("spawn 4 of hg100 as fleet\nreboot fleet over 4m\nwait 10m\ncheck each fleet online\n")
    world.unable = 2
    assert world.run() == ("error", "fleet[2] cannot")
    assert [device for _, _, device in world.log] == [1, 3, 4]


@pytest.mark.parametrize("step", ["reboot cpe", "spawn 1 of hg100 as other", "acs reboot cpe", "acs call nightly()"])
def test_actions_and_stimuli_open_the_window(play, step):
    text = f"""
        spawn 1 of hg100 as cpe
        wait until cpe registered within 1m
        {step}
        expect Download on cpe within 1m
        """
    early = play(text).at(5, 1, "Download").state(10, 1, "registered")
    assert early.run()[0] == "failed"
    assert play(text).at(10.001, 1, "Download").state(10, 1, "registered").run() == ("passed", "")


def test_a_window_is_looked_for_outwards_and_kept_by_a_block_that_is_over(play):
    world = play(
        """
        define restarted(devices):
            wait until each devices registered within 1m
            expect InformResponse on each devices within 1m

        scenario "s":
            spawn 1 of hg100 as cpe
            reboot cpe
            do restarted(cpe)
        """
    )
    world.at(5, 1, "InformResponse").state(10, 1, "registered")
    assert world.run() == ("passed", "")


def test_branches_look_back_to_what_came_before_them_and_leave_the_latest_window(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        reboot cpe
        wait until cpe registered within 1m
        parallel:
            expect InformResponse on cpe within 1m
            wait 30s
        expect Download on cpe within 1m
        """
    )
    world.at(5, 1, "InformResponse").state(10, 1, "registered").at(20, 1, "Download")
    assert world.run()[0] == "failed"
    assert [world.claims[line].verdict for line in (5, 7)] == ["met", "missed"]


def test_what_one_branch_waits_for_another_may_still_look_back_past(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        background "slow":
            wait 1h
        reboot cpe
        wait until cpe registered within 1m
        expect InformResponse on cpe within 1m
        """
    )
    world.at(5, 1, "InformResponse").state(10, 1, "registered")
    assert world.run() == ("passed", "")


def test_what_an_open_claim_needs_is_not_forgotten_when_others_move_on(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        reboot cpe
        parallel:
            expect exactly 2 Download on cpe within 1m
            repeat 3:
                wait 10s
        check cpe online
        """
    )
    world.at(5, 1, "Download").at(35, 1, "Download")
    world.run()
    assert world.claims[4].verdict == "met"
    assert world.kernel.now == 60 * SECOND


def test_an_answer_of_the_last_turn_does_not_pass_for_one_of_this(play):
    text = """
        spawn 1 of hg100 as cpe
        repeat 3:
            reboot cpe
            check InformResponse on cpe within 1m
        """
    world = play(text).on("reboot", 1, "InformResponse", after=5)
    assert world.run() == ("passed", "")
    assert [claim.closed // SECOND for claim in world.judge.claims] == [5, 10, 15]
    once = play(text).at(5, 1, "InformResponse")
    assert once.run()[0] == "failed"
    assert [claim.verdict for claim in once.judge.claims] == ["met", "missed", "missed"]


@pytest.mark.parametrize("statement", ["expect Download on cpe within 1m", "wait until cpe online within 1m"])
def test_patience_of_a_statement_lasts_as_long_as_it(play, statement):
    world = play(f"spawn 1 of hg100 as cpe\nwait 1s\n{statement} patience 90s\ncheck cpe online\n")
    world.at(5, 1, "Download").state(5, 1, "online")
    assert world.run() == ("passed", "")
    assert world.patience == [90, 0]
