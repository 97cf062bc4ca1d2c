"""Flow: what runs when, what ends what, and whose fault it is."""

import pytest

from cpescript.judge.waiting import Waiting
from tests.execution.scripted import Said


def test_a_hard_miss_ends_the_scenario_and_a_soft_one_does_not(play):
    hard = play("spawn 1 of hg100 as cpe\nexpect Download on cpe within 1m\nreboot cpe\n")
    assert hard.run()[0] == "failed"
    assert hard.log == []
    soft = play("spawn 1 of hg100 as cpe\ncheck Download on cpe within 1m\nreboot cpe\n")
    assert soft.run()[0] == "failed"
    assert soft.log == [(60, "reboot", 1)]


def test_a_precondition_that_fails_is_an_error_not_a_failure(play):
    world = play(
        "spawn 1 of hg100 as cpe\nwait until each cpe registered within 1m\nexpect Download on cpe within 1m\n"
    )
    verdict, reason = world.run()
    assert verdict == "error"
    assert reason.startswith("the precondition did not come true: 0 of 1 device met it within 1m")
    assert world.problems[0].whose == "environment"


def test_an_order_that_is_refused_is_an_error(play):
    world = play("spawn 1 of hg100 as cpe\nacs reboot cpe\nexpect Reboot on cpe within 1m\n")
    world.refuse = "unknown device"
    assert world.run() == ("error", "the ACS refused 'acs reboot': cpe[1]: unknown device")
    assert world.problems[0].remedy.startswith("it is not registered yet: 'wait until")


def test_finally_runs_whatever_happened(play):
    text = """
        spawn 1 of hg100 as cpe
        {}
        finally:
            reboot cpe
            factory-reset cpe
        """
    for statement in ("expect Download on cpe within 1m", "wait until each cpe registered within 1m"):
        world = play(text.format(statement))
        world.run()
        assert [(t, verb) for t, verb, _ in world.log] == [(60, "reboot"), (60, "factory-reset")]


def test_past_its_limit_a_scenario_is_inconclusive_and_still_cleans_up(play):
    world = play(
        """
        scenario "slow":
            limit 1h
            spawn 1 of hg100 as cpe
            repeat 100:
                reboot cpe
                wait 10m
            expect Download on cpe within 1m
            finally:
                factory-reset cpe
        """
    )
    verdict, reason = world.run()
    assert (verdict, reason) == ("inconclusive", "the limit of 1h of virtual time is over")
    assert [t for t, verb, _ in world.log if verb == "reboot"] == [0, 600, 1200, 1800, 2400, 3000, 3600]
    assert world.log[-1] == (3600, "factory-reset", 1)


def test_parallel_is_done_when_all_branches_are(play):
    world = play(
        """
        spawn 2 of hg100 as fleet
        parallel:
            wait 10s
            wait 30s
        reboot fleet[1]
        expect fleet[1] online
        """
    ).state(0, 1, "online")
    assert world.run()[0] == "passed"
    assert world.log == [(30, "reboot", 1)]


def test_for_each_runs_all_devices_at_once_and_for_one_after_the_other(play):
    text = """
        spawn 2 of hg100 as fleet
        for {}d in fleet:
            reboot d
            wait 10s
        expect each fleet online
        """
    world = play(text.format("")).state(0, 1, "online").state(0, 2, "online")
    assert world.run()[0] == "passed"
    assert world.log == [(0, "reboot", 1), (10, "reboot", 2)]
    world = play(text.format("each ")).state(0, 1, "online").state(0, 2, "online")
    assert world.run()[0] == "passed"
    assert world.log == [(0, "reboot", 1), (0, "reboot", 2)]


def test_what_happens_to_a_device_is_asked_of_its_own_claims_alone(simulated, monkeypatch):
    """A `for each` over a large fleet would else take the square of its size."""
    asked = []
    monkeypatch.setattr(
        Waiting, "_event", lambda self, record, event=Waiting._event: (asked.append(1), event(self, record))
    )
    text = """
        spawn 40 of hg100 as fleet
        wait until each fleet registered within 5m
        for each d in fleet:
            acs set Device.WiFi.Radio.1.Channel = 13 on d
            check SPV on d within 10m
            check d registered within 1m
            check Device.WiFi.Radio.1.Channel == 13 on d within 1m
        """
    result, _ = simulated(text)
    assert result.verdict == "passed"
    assert 40 <= len(asked) <= 40 * 10


@pytest.mark.parametrize("block", ["parallel:", "for each d in fleet:", 'background "watcher":'])
def test_what_runs_beside_begins_at_once(simulated, block):
    """A handler in it sees the session that the action before it has begun."""
    text = f"""
        spawn 2 of hg100 as fleet
        {block}
            if true:
                on first InformResponse of fleet:
                    note "seen"
                wait 1m
            note "beside"
        expect InformResponse on each fleet within 1m since start
        wait 2m
        """
    result, _ = simulated(text)
    assert (result.verdict, result.vacuous) == ("passed", ())
    assert "seen" in [words for _, words in result.notes]


def test_background_goes_on_beside_and_is_stopped_at_the_end(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        background "noise":
            repeat every 10s for 1h:
                reboot cpe
        wait 25s
        expect cpe online
        """
    ).state(0, 1, "online")
    assert world.run()[0] == "passed"
    assert [t for t, *_ in world.log] == [0, 10, 20]


def test_a_handler_answers_and_reacts(play):
    world = play(
        """
        spawn 2 of hg100 as fleet
        on every SPV Device.WiFi. of fleet[1]:
            answer fault 9007 "no" for Device.WiFi.Radio.1.Channel
        on first Download of fleet:
            wait 3s
            reboot device
        wait 1m
        expect fleet[1] online
        """
    ).state(0, 1, "online")
    world.at(5, 2, "Download").at(6, 1, "Download").at(20, 2, "Download")
    world.executor.start()
    world.kernel.run(until=10**9)
    ask = world.asked[1][0]
    assert ask(1, Said("SetParameterValues", {"Device.NAT.X": "1"})) == ()
    (answer,) = ask(1, Said("SetParameterValues", {"Device.WiFi.Radio.1.Channel": "13"}))
    assert answer[0] == "fault"
    assert answer[1]["code"] == 9007
    assert answer[1]["parameter"] == "Device.WiFi.Radio.1.Channel"
    world.kernel.run()
    assert world.log == [(8, "reboot", 2), (9, "reboot", 1)]
    assert world.asked[1] == []


def test_what_was_captured_is_each_devices_own(play):
    world = play(
        """
        spawn 2 of hg100 as fleet
        expect Download on each fleet within 1m as dl
        check TransferCompleteResponse on each fleet within 1m
        for each d in fleet:
            note "{d.index} {dl.url}"
        """
    )
    world.at(1, 1, "Download", url="http://a/").at(2, 2, "Download", url="http://b/")
    world.at(3, 1, "TransferCompleteResponse").at(3, 2, "TransferCompleteResponse")
    assert world.run()[0] == "passed"
    assert [text for _, text in world.executor.notes] == ["1 http://a/", "2 http://b/"]


def test_nothing_passes_vacuously(play):
    nobody = "spawn 1 of hg100 as cpe\nexpect InformResponse on each cpe where offline within 1m\n"
    world = play(nobody).state(0, 1, "offline", on=False)
    assert world.run()[0] == "passed"
    assert any("no device" in line for line in world.vacuous)
    assert play(nobody, strict=True).run()[0] == "inconclusive"
    assert play("spawn 1 of hg100 as cpe\nwait 1m\n", strict=True).run()[0] == "inconclusive"


def test_an_external_acs_without_an_occasion_is_not_blamed(play):
    text = "spawn 2 of hg100 as fleet\nwait 1m\nexpect Download on each fleet within 1m\n"
    assert play(text, external=True).run()[0] == "inconclusive"
    met = play(text, external=True).at(70, 1, "SessionEnd", outcome="done").at(70, 2, "SessionEnd", outcome="done")
    assert met.run()[0] == "failed"
    assert play(text).run()[0] == "failed"


def test_a_scenarios_own_mistake_is_an_error_with_its_place(play):
    world = play("spawn 1 of hg100 as cpe\nlet x = 0\nif 1 / x > 1:\n    reboot cpe\nexpect cpe online\n")
    verdict, reason = world.run()
    assert (verdict, reason) == ("error", "division by zero")
    assert world.problems[0].span.line == 3


def test_procedures_take_targets_and_know_their_callers(play):
    world = play(
        """
        define restart(devices, pause: duration = 5s):
            reboot devices
            wait pause
            expect Download on each devices within 1m

        scenario "s":
            spawn 2 of hg100 as fleet
            do restart(fleet, pause: 2s)
        """
    )
    assert world.run()[0] == "failed"
    assert world.log == [(0, "reboot", 1), (0, "reboot", 2)]
    claim = world.claims[4]
    assert claim.closed == 62 * 10**9
    assert [span.line for span in claim.callers] == [8]


def test_a_draw_kept_by_let_is_the_same_and_two_draws_differ(play):
    text = """
        spawn 20 of hg100 as fleet
        let some = 5 of fleet
        reboot some
        reboot some
        factory-reset 5 of fleet
        expect fleet[1] online
        """
    world = play(text).state(0, 1, "online")
    world.run()
    acts = [[device for _, verb, device in world.log if verb == wanted] for wanted in ("reboot", "factory-reset")]
    assert len(acts[0]) == 10
    assert acts[0][:5] == acts[0][5:]
    assert len(acts[1]) == 5
    assert acts[1] != acts[0][:5]


def test_claims_of_finally_have_their_deadlines_and_their_miss_is_an_error(play):
    text = """
        spawn 1 of hg100 as cpe
        expect Download on cpe within 1m
        finally:
            expect Reboot on cpe within 1m
            wait until cpe faulted within 1m
            factory-reset cpe
        """
    world = play(text).at(1, 1, "Download")
    verdict, reason = world.run()
    assert verdict == "error"
    assert reason == "a claim of 'finally' did not hold: 0 of 1 device met it within 1m"
    assert [problem.span.line for problem in world.problems] == [4, 5]
    assert world.problems[1].message.startswith("the precondition did not come true")
    assert world.log == [(121, "factory-reset", 1)]
    assert world.kernel.now == 121 * 10**9
