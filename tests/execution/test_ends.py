"""How scenarios end: what is cut off, what still runs, which cause is told, and what passes vacuously."""

import pytest

from cpescript.kernel.time import SECOND


def test_a_claim_that_the_end_cuts_off_is_inconclusive(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        background "watch":
            check Download on cpe within 1h
        expect InformResponse on cpe within 1m
        """
    )
    verdict, reason = world.at(5, 1, "InformResponse").run()
    assert verdict == "inconclusive"
    assert reason == "line 3: 0 of 1 device met it within 1h; the run ended before it was decided"


def test_a_background_claim_that_missed_fails_the_scenario_which_goes_on(play):
    text = """
        spawn 1 of hg100 as cpe
        background "watch":
            {} on cpe within 1m
            reboot cpe
        wait 5m
        expect InformResponse on cpe within 1m
        """
    missed = play(text.format("expect Download")).at(310, 1, "InformResponse")
    assert missed.run()[0] == "failed"
    assert missed.claims[6].verdict == "met"
    assert missed.log == []


def test_a_background_that_breaks_is_an_error_and_the_scenario_goes_on(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        background "watch":
            wait until cpe registered within 1m
        wait 5m
        expect InformResponse on cpe within 1m
        """
    ).at(310, 1, "InformResponse")
    verdict, reason = world.run()
    assert verdict == "error"
    assert reason.startswith("the precondition did not come true")
    assert world.claims[5].verdict == "met"


def test_a_branch_that_fails_lets_the_others_finish_and_then_ends_the_block(play):
    text = """
        spawn 1 of hg100 as cpe
        parallel:
            {}
            repeat 1:
                wait 5m
                factory-reset cpe
        reboot cpe
        """
    missed = play(text.format("expect Download on cpe within 1m"))
    assert missed.run()[0] == "failed"
    assert missed.log == [(300, "factory-reset", 1)]
    broken = play(text.format("wait until cpe registered within 1m"))
    assert broken.run()[0] == "error"
    assert broken.log == [(300, "factory-reset", 1)]
    soft = play(text.format("check Download on cpe within 1m"))
    assert soft.run()[0] == "failed"
    assert soft.log == [(300, "factory-reset", 1), (300, "reboot", 1)]


def test_every_branch_that_breaks_is_told_once(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        parallel:
            wait until cpe registered within 1m
            expect Download on cpe within 1m
            wait until cpe faulted within 2m
        reboot cpe
        """
    )
    assert world.run()[0] == "error"
    told = [(problem.span.line, problem.whose) for problem in world.problems]
    assert told == [(3, "environment"), (5, "environment")]
    assert world.claims[4].verdict == "missed"
    assert world.log == []


def test_branches_that_break_are_told_in_the_order_of_time(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        parallel:
            wait until cpe faulted within 2m
            wait until cpe registered within 1m
        """
    )
    world.run()
    assert [(problem.span.line, problem.t // SECOND) for problem in world.problems] == [(4, 60), (3, 120)]


def test_ending_what_is_not_there_is_told(play):
    world = play(
        """
        spawn 2 of hg100 as fleet
        remove quirk cr-ignored from fleet
        check each fleet online
        """
    )
    world.run()
    assert world.vacuous == ["line 2: 'remove quirk cr-ignored from fleet' had no effect on any device"]


def test_an_error_keeps_the_failure_that_came_before_it(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        check Download on cpe within 1m
        wait until cpe registered within 1m
        expect Reboot on cpe within 1m
        """
    )
    assert world.run()[0] == "error"
    assert [(claim.span.line, claim.verdict) for claim in world.judge.claims] == [(2, "missed")]


def test_a_precondition_that_is_cut_off_is_an_error_not_a_claim(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        wait until cpe registered within 1m
        check cpe online
        """
    )
    assert world.run()[0] == "error"
    assert world.judge.claims == []


def test_finally_runs_all_of_its_statements_and_its_failure_is_an_error(play):
    text = """
        spawn 1 of hg100 as cpe
        expect Inform on cpe within 1m
        expect InformResponse on cpe within 1m
        {}
        finally:
            expect Reboot on cpe within 1m
            wait until cpe registered within 1m
            factory-reset cpe
        """
    passed = play(text.format("expect Download on cpe within 1m"))
    passed.at(1, 1, "Inform").at(2, 1, "InformResponse").at(3, 1, "Download")
    assert passed.run()[0] == "error"
    assert passed.log == [(123, "factory-reset", 1)]
    assert sorted(problem.span.line for problem in passed.problems) == [6, 7]
    assert {claim.verdict for claim in passed.judge.claims} == {"met"}, "it says nothing about the ACS"
    first = play(text.format("wait until cpe faulted within 1m")).at(1, 1, "Inform").at(2, 1, "InformResponse")
    verdict, reason = first.run()
    assert verdict == "error"
    assert reason.startswith("the precondition did not come true: 0 of 1 device met it within 1m")
    assert sorted(problem.span.line for problem in first.problems) == [4, 6, 7]


def test_finally_of_a_procedure_runs_at_its_end(play):
    world = play(
        """
        define visit(device_set):
            reboot device_set
            expect Download on device_set within 1m
            finally:
                factory-reset device_set

        scenario "s":
            spawn 2 of hg100 as fleet
            do visit(fleet[1])
            do visit(fleet[2])
        """
    ).at(5, 1, "Download")
    assert world.run()[0] == "failed"
    assert world.log == [(0, "reboot", 1), (5, "factory-reset", 1), (5, "reboot", 2), (65, "factory-reset", 2)]


def test_the_limit_ends_a_scenario_once_and_finally_may_outlast_it(play):
    text = """
        scenario "s":
            limit 10m
            spawn 1 of hg100 as cpe
            background "noise":
                repeat 100:
                    reboot cpe
                    wait 4m
            {}
            finally:
                repeat 4:
                    wait 5m
                factory-reset cpe
        """
    cut = play(text.format("for turn in [1, 2]:\n                expect no Download on cpe for 8m"))
    verdict, reason = cut.run()
    assert (verdict, reason) == ("inconclusive", "the limit of 10m of virtual time is over")
    assert cut.log == [(0, "reboot", 1), (240, "reboot", 1), (480, "reboot", 1), (1800, "factory-reset", 1)]
    assert [claim.verdict for claim in cut.judge.claims] == ["met", "inconclusive"]
    # A scenario that is over in time is not cut while it cleans up.
    done = play(text.format("expect no Download on cpe for 8m"))
    assert done.run() == ("passed", "")
    assert done.log[-1] == (480 + 1200, "factory-reset", 1)
    assert [second for second, verb, _ in done.log if verb == "reboot"] == [0, 240, 480]


def test_a_miss_before_the_limit_is_a_failure_all_the_same(play):
    world = play(
        """
        scenario "s":
            limit 10m
            spawn 1 of hg100 as cpe
            check Download on cpe within 1m
            repeat 100:
                wait 1m
        """
    )
    assert world.run()[0] == "failed"
    assert world.kernel.now == 600 * SECOND


def test_fail_says_why_and_ends_the_block(play):
    world = play('spawn 1 of hg100 as cpe\nif true:\n    fail "no {1 + 1} boxes"\nreboot cpe\n')
    assert world.run() == ("failed", "line 3: no 2 boxes")
    assert world.log == []
    assert world.vacuous == []


def test_only_one_branch_of_an_if_runs(play):
    text = """
        spawn 1 of hg100 as cpe
        wait {}
        if elapsed < 2s:
            reboot cpe
        else if elapsed < 5s:
            factory-reset cpe
        else:
            inform cpe
        check cpe online
        """
    for pause, verb in (("1s", "reboot"), ("3s", "factory-reset"), ("8s", "inform")):
        world = play(text.format(pause))
        world.run()
        assert [done for _, done, _ in world.log] == [verb]


def test_how_many_orders_were_refused_is_told(play):
    world = play("spawn 3 of hg100 as fleet\nacs reboot fleet\nexpect Reboot on fleet within 1m\n")
    world.refuse = "busy"
    assert world.run() == ("error", "the ACS refused 'acs reboot': fleet[1]: busy (and 2 more)")
    whole = play("spawn 1 of hg100 as cpe\nacs call nightly()\nexpect Reboot on cpe within 1m\n")
    whole.refuse = "busy"
    assert whole.run() == ("error", "the ACS refused 'acs call': busy")


def test_what_an_order_made_is_each_devices_own_next_answer(play):
    world = play(
        """
        spawn 2 of hg100 as fleet
        acs add Device.NAT.PortMapping. on fleet as added
        expect AddObjectResponse on each fleet within 1m
        acs delete Device.NAT.PortMapping.{added.instance_number}. on fleet
        expect DeleteObject on any fleet within 1m
        """
    )
    world.at(5, 1, "AddObjectResponse", instance_number=7).at(6, 2, "AddObjectResponse", instance_number=3)
    world.at(5.5, 1, "AddObjectResponse", instance_number=8).at(30, 1, "DeleteObject")
    assert world.run() == ("passed", "")
    deleted = [(device, arguments["path"]) for _, verb, device, arguments in world.orders if verb == "delete"]
    assert deleted == [(1, "Device.NAT.PortMapping.7."), (2, "Device.NAT.PortMapping.3.")]


def test_procedures_take_their_own_values_before_their_defaults(play):
    world = play(
        """
        define rest(devices, pause = 30s):
            wait pause
            reboot devices

        scenario "s":
            spawn 2 of hg100 as fleet
            do rest(fleet[1], pause: 5s)
            do rest(fleet[2])
            check each fleet online
        """
    )
    world.run()
    assert world.log == [(5, "reboot", 1), (35, "reboot", 2)]


def test_a_target_is_worked_out_once(play):
    world = play(
        """
        spawn 3 of hg100 as fleet
        wait 1s
        let gone = fleet where offline
        wait 10s
        reboot gone
        factory-reset fleet where offline
        check each fleet online
        """
    )
    world.state(0, 1, "online").state(0, 2, "online").state(0, 3, "offline")
    world.state(5, 2, "offline").state(5, 3, "offline", on=False)
    world.run()
    assert world.log == [(11, "reboot", 3), (11, "factory-reset", 2)]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("reboot fleet where offline", "line 2: 'reboot fleet where offline' spoke of no device"),
        ("acs reboot fleet where offline", "line 2: 'acs reboot fleet where offline' spoke of no device"),
        ("spawn (0 if elapsed < 1s else 1) of hg100 as none", "line 2: no device was spawned"),
    ],
)
def test_a_statement_about_nobody_is_vacuous(play, step, told):
    text = f"spawn 1 of hg100 as fleet\n{step}\nexpect Inform on fleet within 1m\n"
    world = play(text).at(1, 1, "Inform")
    assert world.run() == ("passed", "")
    assert world.vacuous == [told]
    assert world.orders == []
    assert play(text, strict=True).at(1, 1, "Inform").run()[0] == "inconclusive"


def test_a_claim_may_run_again_in_each_turn(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        for turn in [1, 2, 3]:
            wait 10s
            expect InformResponse on cpe within 1m
        """
    )
    # Each comes before its claim stands, at the instant at which the window opens.
    world.at(10, 1, "InformResponse").at(20, 1, "InformResponse").at(30, 1, "InformResponse")
    assert world.run() == ("passed", "")
    assert [claim.closed // SECOND for claim in world.judge.claims] == [10, 20, 30]


def test_an_interruption_does_not_end_what_cleans_up(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        wait 1m
        check cpe offline
        finally:
            wait 1m
            reboot cpe
        """
    )
    world.executor.start()
    world.kernel.run(until=90 * SECOND)
    world.executor.interrupt("interrupted")
    world.kernel.run()
    assert world.log == [(120, "reboot", 1)]
    early = play("spawn 1 of hg100 as cpe\nwait 1m\nreboot cpe\ncheck cpe offline\nfinally:\n    inform cpe\n")
    early.state(30, 1, "online")
    early.executor.start()
    early.kernel.run(until=30 * SECOND)
    early.executor.interrupt("interrupted")
    early.kernel.run()
    assert early.log == [(30, "inform", 1)]


def test_a_claim_that_could_not_be_judged_ends_the_block_unless_it_is_soft(play):
    text = "spawn 1 of hg100 as cpe\nwait 1m\n{} Download on cpe within 1m\nreboot cpe\n"
    hard, soft = (play(text.format(word), external=True) for word in ("expect", "check"))
    assert (hard.run()[0], hard.log) == ("inconclusive", [])
    assert (soft.run()[0], soft.log) == ("inconclusive", [(120, "reboot", 1)])


def test_what_is_told_of_a_line_names_its_file_where_that_is_another(simulated, tmp_path):
    (tmp_path / "home.cpes").write_text(
        "define idle(devices):\n    on first Download of devices:\n        reboot device\n    wait 1m\n"
    )
    text = """
        use "home.cpes"
        scenario "two files":
            spawn 1 of hg100 as cpe
            expect InformResponse on cpe within 1m
            reboot cpe where offline
            do idle(cpe)
        """
    result, _ = simulated(text)
    assert result.vacuous == (
        "line 5: 'reboot cpe where offline' spoke of no device",
        "home.cpes:2: 'on first Download of devices:' never fired",
    )


@pytest.mark.parametrize("devices", [2, 1_001])
def test_the_evidence_says_why_a_session_ended_however_large_the_fleet(simulated, devices):
    text = f"""
        spawn {devices} of hg100 as fleet
        wait until each fleet registered within 5m
        on first SPV of fleet[1]:
            drop connection
        acs set Device.WiFi.Radio.1.Channel = 6 on fleet[1]
        expect Reboot on fleet[1] within 1s
        """
    result, _ = simulated(text)
    ends = [line for line in result.claims[-1].misses[0].messages if line.kind == "SessionEnd"]
    assert "cut" in ends[0].brief


def test_what_a_handler_never_came_to_claim_is_told(play):
    text = """
        spawn 1 of hg100 as cpe
        on every Inform of cpe:
            wait 4m
            check Reboot on device within 1s
        wait {}
        check elapsed < 1d
        """
    early = play(text.format("3m")).at(10, 1, "Inform")
    assert early.run()[0] == "passed"
    assert early.vacuous == [
        "line 4: 'check Reboot on device within 1s' was never reached: the scenario ended before it"
    ]
    once = play(text.format("6m")).at(10, 1, "Inform").at(300, 1, "Inform").at(250, 1, "Reboot")
    once.run()
    assert not once.vacuous, "one that came to it is enough"
