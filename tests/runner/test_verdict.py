"""Verdicts only get worse; exit statuses follow from them."""

from dataclasses import replace

import pytest

from cpescript.diagnostics import Span
from cpescript.results import ClaimResult, Problem, ScenarioResult, exit_status
from cpescript.runner.verdict import expected_to_fail, judge_case, merge_matrix

SPAN = Span("x.cpes", 3, 1, 3, 9)


def claim(verdict, statement="expect", span=SPAN):
    return ClaimResult(statement, span, "source", verdict, "1 of 2 devices met it", 0, 1, 2, 1, 1)


def problem(whose):
    return Problem(whose, "it broke")


@pytest.mark.parametrize(
    ("claims", "problems", "vacuous", "cut", "strict", "verdict"),
    [
        (["met"], [], [], "", False, "passed"),
        (["met", "missed"], [], [], "", False, "failed"),
        (["missed", "inconclusive"], [], [], "", False, "failed"),
        (["met", "inconclusive"], [], [], "", False, "inconclusive"),
        (["met"], [], [], "the limit is over", False, "inconclusive"),
        (["missed"], [], [], "the limit is over", False, "failed"),
        (["missed"], ["environment"], [], "", False, "error"),
        (["vacuous"], [], ["line 3"], "", False, "passed"),
        (["vacuous"], [], ["line 3"], "", True, "inconclusive"),
    ],
)
def test_the_worst_wins(claims, problems, vacuous, cut, strict, verdict):
    found, reason = judge_case(
        [claim(each) for each in claims], [problem(each) for each in problems], vacuous, cut, strict=strict
    )
    assert found == verdict
    assert bool(reason) is (verdict != "passed")


def result(verdict, claims=(), problems=(), case=None):
    return ScenarioResult(
        name="s", title="s", file="x.cpes", case=case or {}, tags=(), docstring="", verdict=verdict, reason="",
        seed=1, clock="virtual", acs="embedded", params={}, virtual_ns=0, real_seconds=0.0,
        claims=tuple(claims), problems=tuple(problems),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([], 5),
        (["passed"], 0),
        (["skipped", "xfailed"], 0),
        (["passed", "failed"], 1),
        (["xpassed"], 1),
        (["inconclusive"], 3),
        (["error"], 3),
        (["error", "failed"], 1),
    ],
)
def test_exit_status(verdicts, status):
    assert exit_status(tuple(result(verdict) for verdict in verdicts)) == status


def test_a_failure_established_before_an_error_counts():
    assert exit_status((result("error", [claim("missed")], [problem("environment")]),)) == 1


def test_a_failure_that_was_expected_counts_as_passed_beside_an_error_too():
    broken = result("error", [claim("missed")], [problem("environment")])
    known = replace(broken, expected_to_fail="since ever")
    assert exit_status((known,)) == 3
    assert exit_status((known, broken)) == 1
    assert exit_status((known, result("failed"))) == 1


def test_our_own_bug_and_an_interruption_are_told_apart():
    assert exit_status((result("error", [], [problem("cpescript")]), result("failed"))) == 4
    assert exit_status((result("passed"),), interrupted=True) == 130


def test_expected_to_fail():
    assert expected_to_fail("failed", "x", "known") == ("xfailed", "expected to fail: known")
    assert expected_to_fail("passed", "", "known") == ("xpassed", "passed, though expected to fail: known")
    assert expected_to_fail("error", "x", "known") == ("error", "x")


def test_sometimes_is_settled_over_the_cases_of_a_matrix():
    missed = result("failed", [claim("missed", "sometimes")], case={"v": 1})
    met = result("passed", [claim("met", "sometimes")], case={"v": 2})
    first, second = merge_matrix([missed, met], strict=False)
    assert (first.verdict, second.verdict) == ("passed", "passed")
    assert first.claims[0].message == "it came true in another case"
    alone = merge_matrix([missed], strict=False)[0]
    assert alone.verdict == "failed"
    broken = replace(missed, verdict="error", problems=(problem("environment"),))
    first = merge_matrix([broken, met], strict=False)[0]
    assert (first.verdict, [each.verdict for each in first.claims]) == ("error", ["met"])
    assert exit_status((first,)) == 3, "what came true elsewhere is no failure beside an error"
    cut = replace(missed, cut="the limit is over")
    assert merge_matrix([cut, met], strict=False)[0].verdict == "inconclusive"
    known = replace(missed, verdict="xfailed", expected_to_fail="since ever")
    assert merge_matrix([known, met], strict=False)[0].verdict == "xpassed"
    also = replace(missed, claims=(*missed.claims, claim("missed")))
    assert merge_matrix([also, met], strict=False)[0].verdict == "failed"


def test_a_sometimes_that_is_opened_again_is_settled_by_its_like_alone():
    """Each turn of a loop and each call of a procedure claims for itself: none is met by another of its own case."""

    def case(version, *claims):
        return result("failed", claims, case={"version": version})

    met, missed = claim("met", "sometimes"), claim("missed", "sometimes")
    alone = merge_matrix([case("1", met, missed)], strict=False)[0]
    assert (alone.verdict, [each.verdict for each in alone.claims]) == ("failed", ["met", "missed"])
    both = merge_matrix([case("1", met, missed), case("2", missed, met)], strict=False)
    assert [each.verdict for each in both] == ["passed", "passed"]
    both = merge_matrix([case("1", met, missed), case("2", met, missed)], strict=False)
    assert [each.verdict for each in both] == ["failed", "failed"]
    called = replace(missed, callers=(Span("x.cpes", 9, 1, 9, 5),))
    assert merge_matrix([case("1", called), case("2", met)], strict=False)[0].verdict == "failed"
