"""The terminal report: its exact words, with and without colour, and that no device's text steers the terminal."""

import re
from dataclasses import replace

import pytest

from cpescript.report import terminal
from cpescript.report.explain import plain, verdict_line
from tests.report import samples

ANSI = re.compile("\x1b\\[[0-9;]*m")


def test_the_whole_report_reads_as_pinned(golden):
    golden("terminal.txt", terminal.render(samples.RUN))


def test_colour_changes_no_word():
    coloured = terminal.render(samples.RUN, colour=True)
    assert "\x1b[" in coloured
    assert ANSI.sub("", coloured) == terminal.render(samples.RUN)


def test_a_scenario_that_passed_is_one_line():
    quiet = replace(samples.PASSED, notes=(), trace_digest=None)
    assert terminal.render_scenario(quiet).count("\n") == 1


def test_how_to_run_it_again_is_told_where_somebody_may_want_to():
    good = replace(samples.PASSED, remarks=("the clock was another",), vacuous=(), rerun="cpescript run x")
    assert "the clock was another" in terminal.render_scenario(good)
    assert "run it again" not in terminal.render_scenario(good)
    assert "run it again" in terminal.render_scenario(replace(good, vacuous=("it claims nothing",)))


def test_a_failure_names_line_devices_evidence_and_rerun():
    text = terminal.render_scenario(samples.FAILED)
    assert "firmware_rollout.cpes:26:12" in text
    assert "00D0AA-HG100-HG000017" in text
    assert text.count("last 10 messages") == 3
    assert "and 2 more devices like these" in text
    assert f"run it again: {samples.FAILED.rerun}" in text


def test_a_reason_that_is_the_only_problem_is_told_once():
    problem = replace(samples.ERROR.problems[0], message="nobody listens there")
    alone = replace(samples.ERROR, reason=problem.message, problems=(problem,), claims=(), notes=())
    assert terminal.render_scenario(alone).count(problem.message) == 1
    more = replace(alone, problems=(problem, replace(problem, message="and the clock stood still")))
    assert terminal.render_scenario(more).count(problem.message) == 2, "of several, the reason is the one above all"


def test_a_device_name_cannot_steer_the_terminal():
    miss = replace(samples.MISSES[0], actual="\x1b[2J\x9b1m\u202egone\rover")
    claim = replace(samples.FAILED.claims[1], misses=(miss,))
    hostile = replace(samples.FAILED, claims=(claim,))
    text = terminal.render_scenario(hostile)
    assert "\\x1b[2J\\x9b1m\\u202egone" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)


def test_a_claim_tells_what_an_external_acs_was_given():
    claim = replace(samples.FAILED.claims[1], real_seconds=2.34)
    text = terminal.render_scenario(replace(samples.FAILED, claims=(claim,)))
    assert "  the ACS was given 2.3 s of real time\n" in text
    assert "real time" not in terminal.render_scenario(samples.FAILED)


def test_the_summary_says_how_many_did_not_run():
    run = replace(samples.RUN, scenarios=(samples.PASSED,), not_run=3)
    assert terminal.render_summary(run) == "1 scenario: 1 passed, 3 not run in 125.0 s\n"


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_summary_counts_and_agrees_in_number(number):
    run = replace(samples.RUN, scenarios=(samples.PASSED,) * number)
    assert (
        terminal.render_summary(run)
        == {
            0: "0 scenarios: nothing was selected in 125.0 s\n",
            1: "1 scenario: 1 passed in 125.0 s\n",
            2: "2 scenarios: 2 passed in 125.0 s\n",
        }[number]
    )


def test_an_interrupted_run_says_so():
    run = replace(samples.RUN, scenarios=(samples.PASSED,), interrupted=True)
    assert terminal.render_summary(run) == "1 scenario: 1 passed, interrupted in 125.0 s\n"


def test_a_claim_that_was_not_met_is_counted_in_the_verdict_line():
    assert "2 of 4 claims met" not in plain([verdict_line(samples.PASSED)])
    assert "2 of 4 claims met" in plain([verdict_line(samples.FAILED)])
