"""Corners of the judge: deadlines of a device's own, time alone within blocks and `unless`, lines of blocks that are no
message, what was so when a message came that is judged later."""

import pytest

VERSION = "Device.DeviceInfo.SoftwareVersion"
INTERVAL = "Device.ManagementServer.PeriodicInformInterval"
ENABLE = "Device.ManagementServer.PeriodicInformEnable"


def played(play, text, *events):
    """Play `text` with events (second, device, what): a message's kind or that with its settings, `+state`, `-state`,
    or (path, value)."""
    world = play(text)
    for second, device, what in events:
        if isinstance(what, tuple) and "." in what[0]:
            world.value(second, device, *what)
        elif isinstance(what, tuple):
            world.at(second, device, *what)
        elif what[0] in "+-":
            world.state(second, device, what[1:], on=what[0] == "+")
        else:
            world.at(second, device, what)
    return world


# --- deadlines of their own ------------------------------------------------------------------------------------------

ASKED = "spawn 3 of hg100 as fleet\ncheck ConnectionRequest on each fleet within 10s as cr\n{}\n"
"""The windows of the devices are 1 to 31 s, 5 to 35 s and 9 to 39 s; the claim opens at second 9."""
REQUESTS = ((1, 1, "ConnectionRequest"), (5, 2, "ConnectionRequest"), (9, 3, "ConnectionRequest"))


@pytest.mark.parametrize(
    ("claim", "events", "verdict", "closed"),
    [
        ("Inform on each fleet", ((31, 1, "Inform"), (35, 2, "Inform"), (39, 3, "Inform")), "passed", 39),
        ("Inform on each fleet", ((32, 1, "Inform"), (33, 2, "Inform"), (34, 3, "Inform")), "failed", 31),
        ("Inform on each fleet", ((30, 1, "Inform"), (36, 2, "Inform"), (36, 3, "Inform")), "failed", 35),
        ("Inform on at least 2 of fleet", ((32, 1, "Inform"), (35, 2, "Inform"), (39, 3, "Inform")), "passed", 39),
        ("Inform on any fleet", ((32, 1, "Inform"), (36, 2, "Inform"), (40, 3, "Inform")), "failed", 39),
        ("Inform on exactly 1 of fleet", ((32, 1, "Inform"), (34, 2, "Inform")), "passed", 39),
        ("Inform on exactly 1 of fleet", ((31, 1, "Inform"), (34, 2, "Inform")), "failed", 34),
        # What is judged when a window closes is judged when each closes.
        ("exactly 1 Inform on fleet[1]", ((20, 1, "Inform"), (32, 1, "Inform")), "passed", 31),
        ("exactly 1 Inform on fleet[1..2]", ((20, 1, "Inform"), (32, 1, "Inform"), (33, 2, "Inform")), "passed", 35),
        ("exactly 1 Inform on fleet[1..2]", ((20, 1, "Inform"), (31, 1, "Inform"), (33, 2, "Inform")), "failed", 31),
        ("at most 0 Inform on each fleet", ((32, 1, "Inform"), (36, 2, "Inform")), "passed", 39),
        (f'{VERSION} == "2" on each fleet[1..2]', ((31, 1, (VERSION, "2")), (35, 2, (VERSION, "2"))), "passed", 35),
        (f'{VERSION} == "2" on each fleet[1..2]', ((32, 1, (VERSION, "2")), (33, 2, (VERSION, "2"))), "failed", 31),
        (f'{VERSION} == "2" on any fleet[1..2]', ((32, 1, (VERSION, "2")),), "failed", 35),
    ],
)
def test_each_device_is_given_its_own_time(play, claim, events, verdict, closed):
    world = played(play, ASKED.format(f"check {claim} within 30s since cr"), *REQUESTS, *events)
    assert world.run()[0] == verdict
    assert world.claims[3].closed == closed * 10**9


@pytest.mark.parametrize(
    ("claim", "events", "verdict"),
    [
        ("no Inform on each fleet", ((32, 1, "Inform"), (36, 2, "Inform"), (8, 3, "Inform")), "passed"),
        ("no Inform on each fleet", ((31, 1, "Inform"),), "failed"),
        ("no Inform on each fleet", ((7, 2, "Inform"),), "failed"),
    ],
)
def test_quiet_lasts_each_device_its_own_time(play, claim, events, verdict):
    assert played(play, ASKED.format(f"check {claim} for 30s since cr"), *REQUESTS, *events).run()[0] == verdict


@pytest.mark.parametrize(
    ("who", "events", "verdict"),
    [
        # At second 33, when it is asked, the time of the first one is over.
        ("each", ((2, 1, "+online"), (34, 2, "+online")), "inconclusive"),
        ("each", ((2, 1, "+online"), (36, 2, "+online")), "failed"),
        ("any", ((2, 1, "+online"), (34, 2, "+online")), "passed"),
        ("any", ((2, 1, "+online"),), "inconclusive"),
        ("at most 1 of", ((2, 1, "+online"), (34, 2, "+online")), "inconclusive"),
        ("at most 1 of", ((2, 1, "+online"),), "passed"),
        ("exactly 1 of", ((34, 2, "+online"),), "inconclusive"),
        ("exactly 2 of", ((2, 1, "+online"),), "failed"),
    ],
)
def test_of_a_device_whose_time_is_over_nobody_knows(play, who, events, verdict):
    text = ASKED.replace("3 of", "2 of").format(f"wait 28s\ncheck {who} fleet online within 30s since cr")
    assert played(play, text, *REQUESTS[:2], *events).run()[0] == verdict


def test_what_a_message_has_met_is_met_though_the_time_is_over(play):
    lines = "\n    Inform\n    faulted\n"
    text = ASKED.replace("3 of", "2 of").format("wait 28s\ncheck one of on {} fleet within 30s since cr:") + lines
    events = (*REQUESTS[:2], (30, 1, "Inform"), (34, 2, "Inform"))
    assert played(play, text.format("exactly 2 of"), *events).run()[0] == "passed"
    assert played(play, text.format("exactly 1 of"), *events).run()[0] == "failed"
    assert played(play, text.format("exactly 1 of"), *events[:3]).run()[0] == "passed"


def test_what_came_before_the_device_was_stopped_has_met_it(play):
    text = "spawn 1 of hg100 as cpe\nwait 5s\nstop cpe\nwait 1m\ncheck Download on cpe within 1h since start\n"
    world = played(play, text, (3, 1, "Download"))
    assert world.run()[0] == "passed"
    assert world.claims[5].verdict == "met"


def test_when_the_time_of_all_is_over_nobody_knows(play):
    text = ASKED.format("wait 1m\ncheck each fleet online within 30s since cr")
    world = played(play, text, *REQUESTS, *((2, device, "+online") for device in (1, 2, 3)))
    assert world.run()[0] == "inconclusive"
    assert world.claims[4].message.endswith("its time was over before it was asked")


# --- time alone ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "events", "verdict", "closed"),
    [
        ("one of on cpe within 1m:\n    Download\n    elapsed >= 30s", (), "passed", 30),
        ("one of on cpe within 1m:\n    elapsed >= 50s\n    elapsed >= 30s", (), "passed", 30),
        ("in order on cpe within 1m:\n    elapsed >= 30s\n    Download", ((31, 1, "Download"),), "passed", 31),
        ("in order on cpe within 1m:\n    elapsed >= 30s\n    Download", ((29, 1, "Download"),), "failed", 60),
        ("in any order on cpe within 1m:\n    elapsed >= 30s\n    Download", ((29, 1, "Download"),), "passed", 30),
        ("Download on cpe within 1m unless elapsed >= 30s on side", ((31, 1, "Download"),), "failed", 30),
        ("Download on cpe within 1m unless elapsed >= 30s on side", ((29, 1, "Download"),), "passed", 29),
        # The earliest of those devices counts.
        (
            "Download on cpe within 1m unless count(Inform) > 0 and rate(Inform) == 0 per 10s on side",
            ((1, 2, "Inform"), (1, 3, "Inform"), (5, 3, "Inform"), (12, 1, "Download")),
            "failed",
            11,
        ),
        # And so does what happens to them, where nothing happens to the device itself.
        ("no Download on cpe for 1m unless Fault on side", ((5, 3, "Fault"),), "failed", 5),
        ("no Download on cpe for 1m unless side[2] online", ((5, 3, "+online"),), "failed", 5),
        ("no Download on cpe for 1m unless side[2] online", ((5, 2, "+online"),), "passed", 60),
        ("now() >= 2026-01-01T00:00:30Z on cpe within 1m", (), "passed", 30),
        ("now() >= 2026-01-01T00:00:30Z on cpe within 20s", (), "failed", 20),
    ],
)
def test_what_time_or_others_bring_is_seen_at_its_instant(play, claim, events, verdict, closed):
    text = f"starts at 2026-01-01T00:00:00Z\nspawn 1 of hg100 as cpe\nspawn 2 of hg100 as side\ncheck {claim}\n"
    world = played(play, text, *events)
    assert world.run()[0] == verdict
    assert world.claims[4].closed == closed * 10**9


def test_of_two_devices_the_one_whose_time_comes_first_is_not_overslept(play):
    text = "spawn 2 of hg100 as fleet\nwait 6s\nalways rate(Inform) >= 1 per 10s on fleet\nwait 10s\n"
    informs = ((1, 1, "Inform"), (5, 2, "Inform"), (12, 1, "Inform"), (14, 2, "Inform"))
    world = played(play, text, *informs)
    assert world.run()[0] == "failed"
    assert world.claims[3].message.startswith("broken once, first at 00:00:11 by fleet[1]")
    assert played(play, text, (10, 1, "Inform"), *informs).run()[0] == "passed"


@pytest.mark.parametrize(("length", "verdict"), [("5m", "failed"), ("3m", "passed")])
def test_what_comes_and_goes_is_asked_at_the_end(play, length, verdict):
    text = f"spawn 1 of hg100 as cpe\nnever elapsed % 10m between 4m and 6m on cpe\nwait {length}\n"
    assert play(text).run()[0] == verdict


# --- which came first, how often -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        (((1, 1, "+updating"), (2, 1, "+online")), "failed"),
        (((1, 1, "+online"), (2, 1, "+updating")), "passed"),
        (((1, 1, "+online"), (2, 1, "-online"), (3, 1, "+updating"), (4, 1, "+online")), "failed"),
        # By the order of the trace, in one instant too.
        (((2, 1, "+updating"), (2, 1, "+online")), "failed"),
        (((2, 1, "+online"), (2, 1, "+updating")), "passed"),
    ],
)
def test_the_order_of_past_states_decides_between_a_claim_and_its_unless(play, events, verdict):
    text = "spawn 1 of hg100 as cpe\nwait until cpe registered within 1h\ncheck cpe online within 1m unless updating\n"
    assert played(play, text, *events, (5, 1, "+registered")).run()[0] == verdict


def test_a_rule_is_broken_as_often_as_that_begins(play):
    text = f'spawn 1 of hg100 as cpe\nwait 1s\nnever {VERSION} != "1" on cpe\nwait 1m\n'
    still = ((0, 1, (VERSION, "1")), (5, 1, (VERSION, "2")), (6, 1, (VERSION, "3")))
    world = played(play, text, *still)
    world.run()
    assert world.claims[3].message.startswith("broken once, ")
    world = played(play, text, *still, (7, 1, (VERSION, "1")), (8, 1, (VERSION, "2")))
    world.run()
    assert world.claims[3].message.startswith("broken 2 times, ")


def test_who_missed_by_its_unless_meets_nothing_at_the_close(play):
    text = "spawn 2 of hg100 as fleet\ncheck exactly 1 Download on at least 1 of fleet within 1m unless Fault\n"
    assert played(play, text, (1, 1, "Download"), (5, 1, "Fault")).run()[0] == "failed"
    assert played(play, text, (1, 1, "Download"), (5, 2, "Fault")).run()[0] == "passed"


@pytest.mark.parametrize("quiet", ["check no Download on fleet[2] for 1h", "never Download on fleet[2]\nwait 1h"])
def test_quiet_begins_behind_an_action_of_this_instant(play, quiet):
    text = """
        spawn 3 of hg100 as fleet
        wait until fleet[3] registered within 1m
        reboot fleet
        expect InformResponse on fleet[1] within 1m
        {}
        """.format(quiet.replace("\n", "\n        "))
    behind = play(text).state(10, 3, "registered").on("reboot", 2, "Download").on("reboot", 1, "InformResponse")
    assert behind.run()[0] == "failed"
    before = play(text).at(10, 2, "Download").state(10, 3, "registered").on("reboot", 1, "InformResponse")
    assert before.run()[0] == "passed"


# --- who and what concerns it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "events", "verdict"),
    [
        # Who belongs to a target may hang on others, to whom alone something happens.
        ("never any fleet where count(side where online) > 0 online", ((5, 3, "+online"), (6, 3, "-online")), "failed"),
        ("never any fleet where count(side where online) > 1 online", ((5, 3, "+online"), (6, 3, "-online")), "passed"),
        ("never any fleet where updating online", ((5, 3, "+updating"),), "passed"),
        (
            f"never {VERSION} exists and {VERSION} of side == {VERSION} on fleet",
            (*((0, device, (VERSION, "0")) for device in (1, 2)), (5, 3, (VERSION, "0")), (6, 3, (VERSION, "2"))),
            "failed",
        ),
        (
            f'check {VERSION} of side == "2" on fleet within 1m',
            ((5, 3, (VERSION, "2")), (6, 3, (VERSION, "3"))),
            "passed",
        ),
        (f"wait 10s\ncheck {VERSION} of fleet == {VERSION} of fleet", ((5, 1, (VERSION, "2")),), "passed"),
        # A figure of the run changes with what happens to anybody.
        ("check count(Download) >= 2 within 1m", ((5, 1, "Download"), (6, 2, "Download")), "passed"),
        ("check count(Download) < 2 for 1m", ((5, 1, "Download"), (6, 2, "Download")), "failed"),
        # What a stream of several was met by is what met it for each of them.
        (
            "reboot fleet\nexpect InformResponse across fleet within 1m\ncheck no Download on fleet for 1m",
            ((5, 1, "InformResponse"), (5, 2, "Download")),
            "failed",
        ),
        (
            "reboot fleet\nexpect InformResponse across fleet within 1m\ncheck no Download on fleet for 1m",
            ((5, 2, "Download"), (5, 1, "InformResponse")),
            "passed",
        ),
    ],
)
def test_who_and_what_concerns_a_claim(play, rule, events, verdict):
    text = f"spawn 2 of hg100 as fleet\nspawn 1 of hg100 as side\n{rule}\nwait 1m\n"
    assert played(play, text, (0, 1, "+online"), *events).run()[0] == verdict


def test_a_rule_that_spoke_of_one_of_several_is_not_vacuous(play):
    text = "spawn 2 of hg100 as fleet\nwait 1s\nnever Download on fleet where online\nwait 1m\n"
    for second in (0, 5):
        world = played(play, text, (second, 1, "+online"), (6, 2, "Download"))
        assert world.run()[0] == "passed"
        assert not world.vacuous


def test_a_rule_speaks_of_devices_from_when_others_let_them_in(play):
    rule = "never Download on fleet where count(side where online) > 0"
    text = f"spawn 2 of hg100 as fleet\nspawn 1 of hg100 as side\n{rule}\nwait 1m\n"
    world = played(play, text, (5, 3, "+online"))
    assert world.run()[0] == "passed"
    assert not world.vacuous
    world = played(play, text, (5, 1, "+online"))
    assert world.run()[0] == "passed"
    assert world.vacuous


def test_a_counting_line_uses_no_message_up(play):
    lines = "expect in order on cpe within 1m:\n    at least 2 Download\n    Reboot\n"
    text = f"spawn 1 of hg100 as cpe\n{lines}check Download on cpe within 1m\n"
    assert played(play, text, (1, 1, "Download"), (2, 1, "Download"), (3, 1, "Reboot")).run()[0] == "passed"


def test_an_element_that_is_not_there_is_empty(play):
    text = "spawn 1 of hg100 as cpe\nwait 1m\ncheck exactly {} Download where url is {} on cpe\n"
    for number, word in ((2, "empty"), (1, "not empty")):
        world = play(text.format(number, word)).at(1, 1, "Download", url="").at(2, 1, "Download")
        assert world.at(3, 1, "Download", url="x").run() == ("passed", "")


def test_a_figure_of_a_flow_is_of_all_devices(play):
    text = """
        spawn 2 of hg100 as fleet
        check Inform on each fleet within 1m
        wait 10s
        if count(Inform) == 3 and rate(Inform) == 1 per 10s:
            note "three, one of late"
        """
    world = played(play, text, (1, 1, "Inform"), (2, 2, "Inform"), (5, 1, "Inform"))
    assert world.run()[0] == "passed"
    assert [said for _, said in world.executor.notes] == ["three, one of late"]


@pytest.mark.parametrize(
    ("kinds", "verdict"),
    [(("Download", "Upload", "Reboot"), "passed"), (("Download", "Reboot", "Upload"), "failed")],
)
@pytest.mark.parametrize("block", ["in order", "in any order"])
def test_quiet_begins_behind_the_last_message_of_a_block(play, block, kinds, verdict):
    text = f"spawn 1 of hg100 as cpe\nexpect {block} on cpe within 1m:\n    Download\n    Reboot\n"
    quiet = "check no Upload on cpe for 1h\n"
    assert played(play, text + quiet, *((5, 1, kind) for kind in kinds)).run()[0] == verdict


def test_a_name_under_which_nothing_was_kept_opens_no_window(play):
    world = play(ASKED.format("check Inform on each fleet within 30s since cr"))
    assert world.run()[0] == "error"
    assert world.problems[-1].message == "'cr' has kept no message"


@pytest.mark.parametrize(("event", "verdict"), [("1 BOOT", "passed"), ("2 PERIODIC", "failed")])
def test_sometimes_asks_for_requests(play, event, verdict):
    text = 'spawn 1 of hg100 as cpe\nsometimes InformResponse where request.events contains "1 BOOT" on cpe\nwait 1m\n'
    assert play(text).at(5, 1, "Inform", events=(event,)).at(6, 1, "InformResponse").run()[0] == verdict


def test_a_number_of_messages_that_is_none_is_an_error(play):
    world = play("spawn 1 of hg100 as cpe\nlet n = 0 - 1\ncheck at most n Download on cpe within 1m\n")
    verdict, reason = world.run()
    assert verdict == "error"
    assert reason == "how many messages cannot be less than nothing: -1"


# --- blocks ----------------------------------------------------------------------------------------------------------

BOTH = ("SetParameterValues", {INTERVAL: "300", ENABLE: "1"})
ONE = ("SetParameterValues", {INTERVAL: "300"})
OTHER = ("SetParameterValues", {ENABLE: "1"})
TWO_SET = f"SPV {INTERVAL} = 300, {ENABLE} = true"
ONE_SET = f"SPV {INTERVAL} = 300"


@pytest.mark.parametrize(
    ("lines", "events", "verdict"),
    [
        # A line of a state or a figure that has been met stays met.
        (("online", "Download"), ((5, 1, "+online"), (6, 1, "-online"), (8, 1, "Download")), "passed"),
        (("Download", "online"), ((3, 1, "Download"), (5, 1, "+online")), "passed"),
        (("Download", "online"), ((3, 1, "Download"),), "failed"),
        (("at least 2 Download", "Reboot"), ((3, 1, "Reboot"), (8, 1, "Download"), (9, 1, "Download")), "passed"),
        (("at least 2 Download", "Reboot"), ((3, 1, "Reboot"), (8, 1, "Download")), "failed"),
        # A line of several settings may need several messages, and those are no other line's.
        ((TWO_SET, "Reboot"), ((1, 1, ONE), (2, 1, OTHER), (3, 1, "Reboot")), "passed"),
        ((TWO_SET, ONE_SET), ((1, 1, ONE), (2, 1, OTHER)), "failed"),
        (
            (TWO_SET, ONE_SET),
            ((1, 1, ONE), (2, 1, OTHER), (3, 1, ONE)),
            "passed",
        ),
        ((ONE_SET, TWO_SET), ((1, 1, ONE), (2, 1, OTHER)), "failed"),
        ((ONE_SET, TWO_SET), ((1, 1, BOTH), (2, 1, ONE)), "passed"),
    ],
)
def test_lines_in_any_order(play, lines, events, verdict):
    block = "".join(f"    {line}\n" for line in lines)
    world = played(play, f"spawn 1 of hg100 as cpe\ncheck in any order on cpe within 1m:\n{block}", *events)
    assert world.run()[0] == verdict


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        (((1, 1, "Download"), (2, 1, "+online"), (3, 1, "Reboot")), "passed"),
        # A state that came true before its turn puts nothing back: what follows comes behind the line before it.
        (((1, 1, "+online"), (2, 1, "Reboot"), (3, 1, "Download")), "failed"),
        (((1, 1, "+online"), (2, 1, "Reboot"), (3, 1, "Download"), (4, 1, "Reboot")), "passed"),
        (((1, 1, "Download"), (2, 1, "Reboot"), (3, 1, "+online")), "failed"),
    ],
)
def test_a_state_among_lines_in_order(play, events, verdict):
    text = "spawn 1 of hg100 as cpe\ncheck in order on cpe within 1m:\n    Download\n    online\n    Reboot\n"
    assert played(play, text, *events).run()[0] == verdict


@pytest.mark.parametrize(("then", "verdict"), [("Download", "failed"), ("Reboot", "passed")])
def test_one_of_takes_the_message_that_came_first(play, then, verdict):
    text = f"""
        spawn 1 of hg100 as cpe
        inform cpe
        wait until cpe registered within 1m
        expect one of on cpe within 1m:
            Reboot
            Download
        check {then} on cpe within 1m
        """
    world = played(play, text, (1, 1, "Download"), (2, 1, "Reboot"), (3, 1, "+registered"))
    assert world.run()[0] == verdict


# --- what was so when it came ----------------------------------------------------------------------------------------

SSID = "Device.WiFi.SSID.{}.SSID"


@pytest.mark.parametrize(
    "condition",
    [
        f'{VERSION} == "1"',
        f'{SSID.format("*")} == "x"',
        f"{SSID.format(2)} exists",
        "updating",
        "elapsed < 15s",
        "now() < 2026-01-01T00:00:15Z",
    ],
)
@pytest.mark.parametrize("key", ["kept.command_key", '"k"'])
def test_a_message_is_asked_what_was_so_then_though_what_it_names_is_known_later_only(play, condition, key):
    """Of two Downloads the first comes while it is so; then the version, the SSID and the state are others."""
    text = f"""
        starts at 2026-01-01T00:00:00Z
        spawn 2 of hg100 as fleet
        expect Reboot on fleet[1] within 1m as kept
        wait 1m
        check exactly 1 Download where command_key == {key} and {condition} on fleet[1] within 1m since start
        check exactly 1 Download where command_key == {key} and not ({condition}) on fleet[1] within 1m since start
        """
    world = played(play, text, (0, 1, "+updating"), (0, 1, (VERSION, "1")), (0, 1, (SSID.format(1), "x")))
    world.value(0, 1, SSID.format(2), "y").at(1, 1, "Reboot", command_key="k")
    world.at(10, 1, "Download", command_key="k").at(30, 1, "Download", command_key="k")
    world.value(20, 1, VERSION, "2").value(20, 1, SSID.format(1), "z").value(20, 1, SSID.format(2), None)
    world.state(20, 1, "updating", on=False)
    assert world.run() == ("passed", "")


# --- until -----------------------------------------------------------------------------------------------------------

QUIET = "count(Inform) > 0 and rate(Inform) == 0 per 10s"


@pytest.mark.parametrize(
    ("rule", "events", "verdict"),
    [
        # What time alone ended is over for good.
        (f"never fleet[1] online until {QUIET}", ((1, 1, "Inform"), (12, 1, "Inform"), (13, 1, "+online")), "passed"),
        (f"never fleet[1] online until {QUIET}", ((1, 1, "Inform"), (10, 1, "Inform"), (13, 1, "+online")), "failed"),
        # Across a fleet a message of anybody's ends the rule, and of nobody else's.
        ("never Download across fleet until Reboot", ((5, 2, "Reboot"), (6, 1, "Download")), "passed"),
        ("never Download across fleet until Reboot", ((5, 3, "Reboot"), (6, 1, "Download")), "failed"),
        ("never Download across fleet until Reboot", ((5, 2, "Download"), (6, 1, "Reboot")), "failed"),
        ("never Request across fleet until Reboot", ((5, 2, "Reboot"),), "passed"),
        (
            "always at most 1 Download across fleet until at least 2 Reboot",
            ((1, 1, "Download"), (5, 1, "Reboot"), (6, 2, "Reboot"), (7, 2, "Download")),
            "passed",
        ),
        (
            "always at most 1 Download across fleet until at least 2 Reboot",
            ((1, 1, "Download"), (5, 1, "Reboot"), (7, 2, "Download")),
            "failed",
        ),
        # And a figure is of all of them together.
        (
            "always count(Download) <= 1 across fleet until count(Reboot) >= 2",
            ((1, 1, "Download"), (5, 1, "Reboot"), (6, 2, "Reboot"), (7, 2, "Download")),
            "passed",
        ),
        (
            "never Download across fleet until count(Reboot) >= 2",
            ((5, 1, "Reboot"), (6, 3, "Reboot"), (7, 2, "Download")),
            "failed",
        ),
        ("never Download across fleet until count(Reboot) == 1", ((5, 1, "Reboot"), (7, 2, "Download")), "passed"),
        (f"never Download across fleet until {QUIET}", ((1, 2, "Inform"), (12, 1, "Download")), "passed"),
        (
            f"never Download across fleet until {QUIET}",
            ((1, 2, "Inform"), (8, 1, "Inform"), (12, 1, "Download")),
            "failed",
        ),
        (f"never Download across fleet until {ENABLE} == true", ((5, 1, (ENABLE, True)), (7, 2, "Download")), "failed"),
    ],
)
def test_what_ends_a_rule(play, rule, events, verdict):
    text = f"spawn 2 of hg100 as fleet\nspawn 1 of hg100 as side\n{rule}\nwait 1m\n"
    assert played(play, text, *events).run()[0] == verdict


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (((1, "Reboot"), (1, "Download"), (2, "Download"), (2, "Reboot")), "failed"),
        (((1, "Reboot"), (2, "Reboot"), (1, "Download"), (2, "Download")), "passed"),
    ],
)
def test_what_ended_a_rule_of_several_in_this_instant(play, said, verdict):
    text = """
        spawn 2 of hg100 as fleet
        reboot fleet
        expect InformResponse on each fleet within 1m
        never Download on at least 2 of fleet until Reboot
        wait 1m
        """
    informed = ((10, 1, "InformResponse"), (10, 2, "InformResponse"))
    assert played(play, text, *informed, *((10, *each) for each in said)).run()[0] == verdict


@pytest.mark.parametrize(("second", "verdict"), [(12, "passed"), (10, "failed")])
def test_what_time_alone_ended_is_over_for_messages_too(play, second, verdict):
    text = f"spawn 1 of hg100 as cpe\nnever Download on cpe until {QUIET}\nwait 1m\n"
    events = ((1, 1, "Inform"), (second, 1, "Inform"), (13, 1, "Download"))
    assert played(play, text, *events).run()[0] == verdict


def test_an_alarm_of_its_end_forgets_no_message(play):
    end = "count(Inform) >= 1 and elapsed >= 30s"
    text = f"spawn 2 of hg100 as fleet\nnever Download on at least 2 of fleet until {end}\nwait 1m\n"
    assert played(play, text, (10, 1, "Download"), (40, 2, "Download")).run()[0] == "failed"
    ended = ((1, 1, "Inform"), (2, 2, "Inform"))
    assert played(play, text, (10, 1, "Download"), (40, 2, "Download"), *ended).run()[0] == "passed"


@pytest.mark.parametrize("quiet", ["check no Download on fleet[2] for 1h", "never Download on fleet[2]\nwait 1h"])
@pytest.mark.parametrize("before", ["", "wait 10s\n", "wait 5s\nwait 5s\n", "wait until fleet[3] online within 1m\n"])
def test_quiet_begins_behind_an_action_that_comes_behind_a_wait(play, before, quiet):
    text = f"spawn 3 of hg100 as fleet\n{before}inform fleet\nexpect InformResponse on fleet[1] within 1m\n{quiet}\n"
    world = play(text).on("inform", 2, "Download").on("inform", 1, "InformResponse").state(10, 3, "online")
    assert world.run()[0] == "failed"


@pytest.mark.parametrize(
    "claim",
    [
        "at most 0 Download where count(Reboot) == 0 on cpe within 1m",
        "exactly 0 Download where rate(Reboot) == 1 per 5s on cpe within 1m",
        'Download where url == "a" and count(Reboot) == 1 on cpe within 1m',
    ],
)
def test_figures_in_a_where_are_of_the_instant_of_its_message(play, claim):
    """The Reboot comes behind the Download in question, another Download behind that."""
    world = play(f"spawn 1 of hg100 as cpe\ncheck {claim}\n").at(10, 1, "Download", url="a")
    assert world.at(20, 1, "Reboot").at(22, 1, "Download", url="b").run()[0] == "failed"
