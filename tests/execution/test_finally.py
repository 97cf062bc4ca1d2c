"""`finally:`: that it runs, all of it, where it runs when a process is cut, and what its own failures are."""

import pytest

from cpescript.kernel.time import SECOND

PROCEDURE = """
    define visit(devices):
        reboot devices
        {body}
        finally:
            note "leaving"
            wait 10s
            factory-reset devices

    scenario "s":
        limit 10m
        spawn 2 of hg100 as fleet
        {main}
        finally:
            note "the end"
            power off fleet[1]
"""


def played(play, main, body="repeat 20:\n            wait 5m"):
    return play(PROCEDURE.format(main=main.replace("\n", "\n        "), body=body))


def test_a_monitor_of_finally_is_settled_at_its_end(play):
    text = """
        spawn 1 of hg100 as cpe
        expect Download on cpe within 1m
        finally:
            never Reboot on cpe
            sometimes Upload on cpe
            wait 1m
        """
    kept = play(text).at(1, 1, "Download").at(30, 1, "Upload")
    assert kept.run() == ("passed", "")
    assert [(kept.claims[line].verdict, kept.claims[line].closed // SECOND) for line in (4, 5)] == [("met", 61)] * 2
    broken = play(text).at(1, 1, "Download").at(30, 1, "Upload").at(31, 1, "Reboot")
    assert broken.run()[0] == "error"
    assert [problem.span.line for problem in broken.problems] == [4]
    assert 4 not in broken.claims, "it says nothing about the ACS"


def test_a_handler_of_finally_ends_with_it(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        expect Download on cpe within 1m
        finally:
            on every Reboot of cpe:
                factory-reset device
            wait 1m
        """
    )
    world.at(1, 1, "Download").at(30, 1, "Reboot").at(70, 1, "Reboot").run()
    assert world.log == [(30, "factory-reset", 1)]
    assert world.vacuous == []


@pytest.mark.parametrize(
    ("main", "leaving"),
    [
        ("do visit(fleet)", [600]),
        ("parallel:\n    do visit(fleet[1])\n    do visit(fleet[2])", [600, 610]),
        ("for each d in fleet:\n    do visit(d)", [600, 610]),
        ('background "beside":\n    do visit(fleet)\nwait 5m', [300]),
        ('background "beside":\n    do visit(fleet)\nrepeat 9:\n    wait 9m', [600]),
        ("at +1m:\n    do visit(fleet)\nwait 5m", [300]),
        ("on first Download of fleet:\n    do visit(device)\nwait 5m", [300]),
    ],
)
def test_the_finally_of_a_procedure_runs_whole_where_its_process_is_cut(play, main, leaving):
    world = played(play, main).at(30, 1, "Download")
    world.run()
    assert not world.problems
    notes = [(t // SECOND, text) for t, text in world.executor.notes]
    assert notes == [*((second, "leaving") for second in leaving), (leaving[-1] + 10, "the end")]
    resets = [second for second, verb, _ in world.log if verb == "factory-reset"]
    assert sorted(set(resets)) == [second + 10 for second in leaving]
    assert world.log[-1] == (leaving[-1] + 10, "power-off", 1)


def test_procedures_inside_one_another_are_left_from_the_inside_out(play):
    world = play(
        """
        define inner():
            repeat 9:
                wait 9s
            finally:
                note "inner"
        define outer():
            do inner()
            finally:
                wait 5s
                note "outer"
        scenario "s":
            limit 1m
            spawn 1 of hg100 as cpe
            do outer()
            finally:
                note "scenario"
        """
    )
    assert world.run()[0] == "inconclusive"
    assert [(t // SECOND, text) for t, text in world.executor.notes] == [(60, "inner"), (65, "outer"), (65, "scenario")]


def test_what_is_left_of_a_finally_that_is_cut_runs_and_nothing_of_it_twice(play):
    world = played(play, "do visit(fleet)", "wait 9m55s")
    assert world.run()[0] == "inconclusive"
    assert [(second, verb) for second, verb, number in world.log if number == 1] == [
        (0, "reboot"),
        (600, "factory-reset"),
        (600, "power-off"),
    ]
    assert [text for _, text in world.executor.notes] == ["leaving", "the end"]


def test_the_first_cause_is_told_first_and_every_statement_of_finally_runs(play):
    world = play(
        """
        define visit(devices):
            wait until each devices registered within 1m
            finally:
                wait until each devices faulted within 1m
                expect Reboot on each devices within 1m
                factory-reset devices
                fail "not tidy"

        scenario "s":
            spawn 1 of hg100 as cpe
            do visit(cpe)
            reboot cpe
        """
    )
    verdict, reason = world.run()
    assert verdict == "error"
    assert reason.startswith("the precondition did not come true")
    assert [problem.span.line for problem in world.problems] == [2, 4, 5, 7]
    assert world.log == [(180, "factory-reset", 1)]
    assert world.judge.claims == []
    assert world.executor.failures == []


def test_a_miss_in_the_finally_of_a_procedure_ends_nothing(play):
    world = play(
        """
        define visit(devices):
            reboot devices
            finally:
                expect Reboot on each devices within 1m

        scenario "s":
            spawn 1 of hg100 as cpe
            do visit(cpe)
            check Download on cpe within 1m
        """
    ).at(90, 1, "Download")
    assert world.run() == ("error", "a claim of 'finally' did not hold: 0 of 1 device met it within 1m")
    assert [(claim.span.line, claim.verdict) for claim in world.judge.claims] == [(9, "met")]


def test_a_failure_beside_a_finally_is_still_a_failure(play):
    world = play(
        """
        define visit(devices):
            reboot devices
            finally:
                wait 5m

        scenario "s":
            spawn 1 of hg100 as cpe
            parallel:
                do visit(cpe)
                check Download on cpe within 1m
        """
    )
    assert world.run()[0] == "failed"
    assert world.problems == []


def test_an_interruption_while_finally_runs_lets_it_run(play):
    world = play("spawn 1 of hg100 as cpe\nexpect cpe online\nfinally:\n    wait 1m\n    reboot cpe\n")
    world.state(0, 1, "online")
    world.executor.start()
    world.kernel.run(until=30 * SECOND)
    world.executor.interrupt("interrupted")
    world.kernel.run()
    assert world.log == [(60, "reboot", 1)]
    assert world.executor.cut == ""


def test_what_is_abandoned_stops_where_it_stands(play):
    world = play(
        "spawn 1 of hg100 as cpe\nexpect cpe online\nfinally:\n    never Upload on cpe\n    wait 1m\n    reboot cpe\n"
    )
    world.state(0, 1, "online")
    world.executor.start()
    world.kernel.run(until=30 * SECOND)
    world.executor.abandon("no time left")
    world.kernel.run()
    assert world.log == []
    assert world.executor.cut == "no time left"
    assert world.judge.claims[-1].statement == "never"
