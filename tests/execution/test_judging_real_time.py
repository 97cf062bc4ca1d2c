"""`response_time(M)`: how long, in real time, the ACS took to answer; from the trace's `wall_ns` alone."""

from cpescript.kernel.time import MILLISECOND, SECOND


def answered(play, claim, *milliseconds):
    """Let each device in turn ask, and be answered after so many milliseconds of real time."""
    world = play(f"spawn 2 of hg100 as fleet\n{claim}\n")
    wall = [0]
    world.trace._wall = lambda: wall[0]
    for number, took in enumerate(milliseconds):
        device = 1 + number % 2
        world.at(1 + number, device, "Inform").at(1 + number + 0.5, device, "InformResponse")
        at = int((1.25 + number) * SECOND)
        world.kernel.at(at, world._author, lambda ms: wall.__setitem__(0, wall[0] + ms * MILLISECOND), took)
    return world


def test_percentiles_of_the_fleet_and_of_each_device(play):
    fleet = "wait 10s\nexpect p99(response_time(Inform)) < 500ms across fleet"
    assert answered(play, fleet, 100, 200, 300).run() == ("passed", "")
    world = answered(play, fleet, 100, 600, 300)
    assert world.run()[0] == "failed"
    each = "wait 10s\nexpect max(response_time(Inform)) < 500ms on each fleet"
    assert answered(play, each, 100, 600, 300).run()[1] == "line 3: 1 of 2 devices met it"


def test_an_invariant_is_broken_by_the_answer_that_is_too_late(play):
    claim = "always p99(response_time(Inform)) < 500ms across fleet\nwait 1m"
    assert answered(play, claim, 100, 200).run() == ("passed", "")
    world = answered(play, claim, 100, 600)
    assert world.run()[0] == "failed"
    assert "first at 00:00:02.500" in world.claims[2].message


def test_where_nothing_was_answered_nothing_is_known(play):
    world = answered(play, "always p99(response_time(Inform)) < 500ms across fleet\nwait 1m")
    assert world.run()[0] == "passed"
    assert world.vacuous == ["nothing was measured that it could have spoken of"]
    assert answered(play, "wait 1s\nexpect p99(response_time(Inform)) < 500ms across fleet").run()[0] == "failed"
    waits = "expect p99(response_time(Inform)) < 500ms across fleet within 1m"
    assert answered(play, waits, 100).run() == ("passed", "")


def test_a_miss_shows_the_figure_and_of_how_many_answers(play):
    fleet = "wait 10s\nexpect p99(response_time(Inform)) < 500ms across fleet"
    world = answered(play, fleet, 600, 600, 600)
    world.run()
    (miss,) = world.claims[3].misses
    assert miss.actual == "p99(response_time(Inform)) is 600ms over 3 Inform answered"
    world = answered(play, fleet)
    world.run()
    assert world.claims[3].misses[0].actual == "0 Inform answered"
