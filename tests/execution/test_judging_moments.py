"""The `where` of a message is about the instant at which that came, whoever it speaks of, whenever it is asked."""

import pytest

VERSION = "Device.DeviceInfo.SoftwareVersion"
FLEET = """
spawn 3 of hg100 as fleet
spawn 1 of hg100 as gw
wait 30s
let old = "a"
let second = 2
let window = 1m
check exactly 1 Download where {} on fleet[1]
"""
AT_ONCE = "{}"
LATER = "{} and command_key != old"
"""With a name that is bound while running, so that the pattern can be asked only when the claim opens."""
A, B = (VERSION, "a"), (VERSION, "b")

OF_OTHERS = [
    # What is asked, what makes it so before the message, and what comes behind it.
    ("count(fleet where online) == 1", ((2, "+online"),), ((3, "+online"),)),
    ("count(fleet where offline) == 2", ((2, "+online"),), ((3, "+online"),)),
    (f'"a" in {VERSION} of fleet', ((2, A), (3, B)), ((2, B),)),
    (f'{VERSION} of gw == "a"', ((4, A),), ((4, B),)),
    (f"{VERSION} of gw not exists", (), ((4, A),)),
    (f'"a" in {VERSION} of (fleet where updating)', ((2, "+updating"), (3, "+updating"), (2, A)), ((2, "-updating"),)),
    (f'{VERSION} == "a" and count(fleet where online) == 1', ((1, A), (2, "+online")), ((1, B), (2, "-online"))),
    ("count(Reboot) == 1", ((1, "Reboot"),), ((1, "Reboot"),)),
    ("rate(Reboot) == 1 per 1m", ((1, "Reboot"),), ((1, "Reboot"),)),
    ("count(fleet where count(Reboot) > 0) == 1", ((2, "Reboot"),), ((3, "Reboot"),)),
    ("count(fleet where rate(Reboot) > 0 per 5m) == 1", ((2, "Reboot"),), ((3, "Reboot"),)),
]
BOUND_LATER = [
    (f"count(fleet where {VERSION} == old) == 1", ((2, A), (3, B)), ((3, A),)),
    ("count(fleet where online and device.index == second) == 1", ((2, "+online"),), ((2, "-online"),)),
    (f'{VERSION} of fleet[second] == "a"', ((2, A),), ((2, B),)),
    (f"{VERSION} of fleet[second] == old", ((2, A),), ((2, B),)),
    (f"{VERSION} of gw == old", ((4, A),), ((4, B),)),
    (f"old in {VERSION} of (fleet where updating)", ((2, "+updating"), (3, "+updating"), (2, A)), ((2, "-updating"),)),
    ("rate(Reboot) == 1 per window", ((1, "Reboot"),), ((1, "Reboot"),)),
    ("count(fleet where rate(Reboot) == 1 per window) == 1", ((2, "Reboot"),), ((2, "Reboot"),)),
    (
        "count(fleet where rate(Reboot) == 1 per 30s and device.index == second) == 1",
        ((2, "Reboot"),),
        ((2, "Reboot"),),
    ),
    ("count(fleet where count(Reboot) == 1 and device.index == second) == 1", ((2, "Reboot"),), ((2, "Reboot"),)),
]


def told(play, where, *events):
    world = play(FLEET.format(where))
    for second, device, what in events:
        if isinstance(what, tuple):
            world.value(second, device, *what)
        elif what[0] in "+-":
            world.state(second, device, what[1:], on=what[0] == "+")
        else:
            world.at(second, device, what, command_key="k")
    return world.run()[0]


@pytest.mark.parametrize(
    ("where", "before", "behind"),
    [(form.format(case[0]), *case[1:]) for form in (AT_ONCE, LATER) for case in OF_OTHERS] + BOUND_LATER,
)
def test_facts_are_of_the_instant_of_the_message(play, where, before, behind):
    made = [(1, *event) for event in before]
    message = (10, 1, "Download")
    assert told(play, where, *made, message, *((20, *event) for event in behind)) == "passed"
    assert told(play, where, *made, *((5, *event) for event in behind), message) == "failed"


CLOCKS = ["elapsed < 15s", "now < 2026-01-01T00:00:15Z"]
CHOSEN = "count(fleet where {} and device.index == second) == 1"


@pytest.mark.parametrize("form", [AT_ONCE, LATER, CHOSEN])
@pytest.mark.parametrize("clock", CLOCKS)
def test_clocks_are_of_the_instant_of_the_message(play, form, clock):
    assert told(play, form.format(clock), (10, 1, "Download")) == "passed"
    assert told(play, form.format(clock), (20, 1, "Download")) == "failed"


@pytest.mark.parametrize(("second", "verdict"), [(3, "failed"), (4, "passed")])
def test_a_window_that_is_known_later_ends_with_the_message(play, second, verdict):
    text = FLEET.replace("let window = 1m", "let window = 7s")
    world = play(text.format("rate(Reboot) == 1 per window")).at(second, 1, "Reboot").at(10, 1, "Download")
    assert world.at(11, 1, "Reboot").run()[0] == verdict


@pytest.mark.parametrize("text", ['"k"', "key"])
def test_devices_that_cannot_be_told_are_asked_for_by_who_gets_there(play, text):
    story = f"""
        spawn 1 of hg100 as first
        let key = "k"
        wait 1m
        spawn 1 of hg100 as second
        check exactly 0 Download where command_key == key and {VERSION} of second == {text} on first
        """
    assert play(story).at(10, 1, "Download", command_key="other").run()[0] == "passed"
    verdict, reason = play(story).at(10, 1, "Download", command_key="k").run()
    assert (verdict, reason) == ("error", "no devices are called 'second' yet")


@pytest.mark.parametrize("form", [AT_ONCE, LATER])
def test_a_message_counts_itself(play, form):
    """However it is asked: of what was noted, of what comes while it waits, of what ends or breaks a rule."""
    first = form.format("count(Download) == 1")
    assert told(play, first, (10, 1, "Download")) == "passed"
    assert told(play, form.format("rate(Download) == 2 per 5s"), (10, 1, "Download"), (12, 1, "Download")) == "passed"
    rule = FLEET.replace("check exactly 1 Download where {} on", "never Download where {} on") + "wait 1m\n"
    for second, verdict in ((1, "passed"), (2, "failed")):
        world = play(rule.format(form.format("count(Download) == 2")))
        for when in range(second):
            world.at(40 + when, 1, "Download", command_key="k")
        assert world.run()[0] == verdict
    quiet = FLEET.replace(
        "check exactly 1 Download where {} on fleet[1]", "check no Download where {} on fleet[1] for 1m"
    )
    assert play(quiet.format(first)).at(40, 1, "Download", command_key="k").run()[0] == "failed"


def test_a_count_in_a_count_counts_first(play):
    where = "count(Reboot where count(Reboot) == 2) == 1"
    assert told(play, where, (1, 1, "Reboot"), (2, 1, "Reboot"), (10, 1, "Download")) == "passed"


def test_devices_that_were_made_later_were_none_then(play):
    text = """
        spawn 1 of hg100 as first
        let old = "a"
        wait 1m
        spawn 1 of hg100 as second
        wait 1m
        check exactly 1 Download where count(all where Device.DeviceInfo.SoftwareVersion != old) == 1 on first[1]
        """
    world = play(text).at(10, 1, "Download").value(0, 1, VERSION, "b").value(70, 2, VERSION, "b")
    assert world.run()[0] == "passed"


@pytest.mark.parametrize("form", [AT_ONCE, LATER])
def test_what_had_no_value_then_is_told_by_who_asks(play, form):
    """And by nobody else: a message that no claim looks at breaks nothing."""
    share = form.format("10 / count(Reboot) == 10")
    text = FLEET.replace(
        "check exactly 1 Download where {} on fleet[1]", "expect Download where {} on fleet[1] within 1m"
    )
    world = play(text.format(share)).at(10, 1, "Download", command_key="k").at(39, 1, "Reboot")
    assert world.at(40, 1, "Download", command_key="k").run()[0] == "passed"
    world = play(text.format(share)).at(40, 1, "Download", command_key="k")
    assert world.run() == ("error", "division by zero")


def test_the_message_of_a_handler_is_not_the_one_that_is_asked(play):
    text = """
        spawn 1 of hg100 as cpe
        on every Reboot of cpe:
            expect Download where command_key == message.command_key on cpe within 10s
        wait 1m
        """
    for key, verdict in (("a", "passed"), ("b", "failed")):
        world = play(text).at(10, 1, "Reboot", command_key="a").at(12, 1, "Download", command_key=key)
        assert world.run()[0] == verdict
