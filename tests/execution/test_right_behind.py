"""A session takes no time: what a claim of messages sees of the very instant in which it is opened."""

import pytest

BOOT = "spawn 3 of hg100 as fleet\nreboot fleet\nexpect InformResponse on each fleet within 5m\n"


def said(play, text, *kinds):
    """Play: at second 10 each device has these messages, device by device."""
    world = play(text)
    for device in (1, 2, 3):
        for kind in kinds:
            world.at(10, device, kind)
    return world


@pytest.mark.parametrize(
    "claim",
    [
        "check no Download on fleet for 1h",
        "check no Download across fleet for 1h",
        "never Download on fleet\nwait 1h",
        "never Download across fleet\nwait 1h",
        "always at most 0 Download on fleet\nwait 1h",
        "parallel:\n    check no Download on fleet for 1h\n    wait 1m",
        "if true:\n    check no Download on fleet for 1h",
        "for each d in fleet:\n    check no Download on d for 1h",
        'background "b":\n    check no Download on fleet for 1h\nwait 2h',
        "check fleet[1] not online\ncheck no Download on fleet for 1h",
    ],
)
def test_it_sees_the_rest_of_the_session_that_met_the_claim_before(play, claim):
    assert said(play, BOOT + claim + "\n", "InformResponse", "Download").run()[0] == "failed"
    assert said(play, BOOT + claim + "\n", "Download", "InformResponse").run()[0] == "passed"


@pytest.mark.parametrize(
    "between",
    ['set Device.DeviceInfo.ProvisioningCode = "x" on fleet', "wait 1s", "check Download on each fleet within 1m"],
)
def test_what_came_before_a_later_action_or_claim_does_not_count(play, between):
    text = f"{BOOT}{between}\ncheck no Download on fleet for 1h\n"
    assert said(play, text, "InformResponse", "Download").run()[0] == "passed"


def test_the_message_that_ends_a_rule_in_this_instant_ends_it(play):
    text = BOOT + "never Download on fleet until Reboot\nwait 1h\n"
    assert said(play, text, "InformResponse", "Reboot", "Download").run()[0] == "passed"
    assert said(play, text, "InformResponse", "Download", "Reboot").run()[0] == "failed"


def test_an_upper_bound_sees_what_others_have_used_up(play):
    text = "spawn 3 of hg100 as fleet\nexpect Download on each fleet within 1m\ncheck Download on {} fleet within 1m\n"
    for bound in ("at most 1 of", "exactly 0 of"):
        world = said(play, text.format(bound), "Download")
        assert world.run()[0] == "failed"
        missed = world.judge.claims[-1]
        assert (missed.hint, missed.misses[0].actual) == ("", "it came at 00:00:10")


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        ("at +10m:\n    reboot fleet\nwait 5m", "line 2: 'at +10m:' was never reached: its time did not come"),
        ("at 02:00:\n    check fleet online\nwait 5m", "line 2: 'at 02:00:' was never reached: its time"),
        (
            'background "b":\n    wait 5h\n    check fleet online\nwait 5m',
            "line 4: 'check fleet online' was never reached",
        ),
        (
            "for each d in fleet where online:\n    check d online\nwait 5m",
            "line 2: 'for each d in fleet where online:'",
        ),
        ('for d in []:\n    note "x"\nwait 5m', "line 2: 'for d in []:' was never reached: there was nobody"),
        ("if false:\n    check each fleet online\nwait 5m", ""),
        ('background "b":\n    repeat every 1m for 1h:\n        note "x"\nwait 5m', ""),
    ],
)
def test_what_never_began_is_told(play, steps, line):
    world = play(f"spawn 3 of hg100 as fleet\n{steps}\ncheck each fleet not online\n")
    world.run()
    told = world.executor.vacuous
    assert [each[: len(line)] for each in told] == ([line] if line else [])


def test_a_rule_that_whole_sessions_went_by_is_not_vacuous(play):
    text = "spawn 1 of hg100 as fleet\nnever Fault on fleet\nreboot fleet\ncheck Inform on fleet within 1m\n"
    world = play(text).on("reboot", 1, "Inform")
    world.run()
    assert [claim.verdict for claim in world.judge.claims] == ["met", "met"]


def test_who_met_the_claim_before_at_an_earlier_instant_is_looked_at_from_here_on(play):
    text = BOOT + "check no Download on fleet for 1h\n"
    world = play(text).at(9, 1, "InformResponse").at(10, 1, "Download")
    assert world.at(10, 2, "InformResponse").at(10, 3, "InformResponse").run()[0] == "passed"
