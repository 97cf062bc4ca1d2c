"""Many seeds: the first that fails, the command that repeats it, the smallest fleet that still does."""

import shlex
from dataclasses import replace

import pytest

from cpescript.runner.explore import explore, parse_seeds
from cpescript.runner.options import RunOptions
from cpescript.runner.run import UsageError, run

LUCK = """
param size: int = 40
spawn size of hg100 as fleet
expect InformResponse on each fleet within 15m
if size >= 7 and random(0, 6) > 4:
    expect Download on fleet within 1m
"""
LITERAL = """
spawn 40 of hg100 as fleet
expect InformResponse on each fleet within 15m
expect count(Inform) < 11 across fleet
"""


@pytest.fixture
def scenario(tmp_path):
    def write(text):
        path = tmp_path / "x.cpes"
        path.write_text(text)
        return RunOptions(scenarios=(str(path),))

    return write


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_first_failing_seed_is_the_lowest(scenario, jobs):
    options = replace(scenario(LUCK), jobs=jobs)
    every = explore(options, range(1, 31), all_seeds=True, shrink=False).cases[0]
    assert every.tried == 30
    assert 0 < len(every.failing) < 30
    first = explore(options, range(every.failing[0], 31)).cases[0]
    assert first.first.seed == every.failing[0]
    assert first.tried == 1
    good = next(seed for seed in range(1, 31) if seed not in every.failing)
    found = explore(options, range(good, good + 1))
    assert (found.exit_status, found.cases[0].first) == (0, None)


def again(command):
    """Run a command that an exploration tells."""
    words = shlex.split(command)
    assert words[:2] == ["cpescript", "run"]
    options = {"--seed": None, "--param": None, "--at-most": None}
    for name in options:
        if name in words:
            options[name] = words[words.index(name) + 1]
    return run(
        RunOptions(
            scenarios=(words[2],),
            seed=int(options["--seed"]),
            params=dict([options["--param"].split("=")]) if options["--param"] else {},
            at_most=int(options["--at-most"]) if options["--at-most"] else None,
        )
    ).scenarios[0]


@pytest.mark.parametrize(("text", "size", "by"), [(LUCK, 7, "--param size=7"), (LITERAL, 11, "--at-most 11")])
def test_the_smallest_fleet_fails_as_the_whole_does(scenario, text, size, by):
    case = explore(scenario(text), range(1, 31)).cases[0]
    assert (case.smallest.size, case.smallest.of) == (size, 40)
    assert case.smallest.command.endswith(by)
    result = again(case.smallest.command)
    assert (result.verdict, result.cohorts[0].size) == ("failed", size)
    assert again(case.first.rerun).reason == case.first.reason


def test_a_failure_of_another_claim_is_not_the_same_failure(scenario):
    text = """
spawn 40 of hg100 as fleet
wait 1m
check count(Inform) < 40 across fleet
expect count(Inform) == 40 across fleet
"""
    case = explore(scenario(text), range(1, 2)).cases[0]
    small = case.smallest
    assert (small.size, small.of) == (40, 40), "with fewer devices it is the other claim that is missed"
    assert small.command == case.first.rerun


def test_what_breaks_is_told_and_is_no_failure(scenario):
    text = "spawn 1 of hg100 as fleet\ndelete Device.NAT.PortMapping.9. on fleet\nexpect elapsed < 1h\n"
    found = explore(scenario(text), range(1, 3))
    assert (found.exit_status, found.cases[0].verdicts, found.cases[0].first) == (3, {"error": 2}, None)
    assert found.cases[0].broken.seed == 1


def test_only_an_acs_that_begins_anew_is_explored(scenario):
    with pytest.raises(UsageError, match="embedded"):
        explore(replace(scenario(LUCK), acs="http://127.0.0.1:9/"), range(1))


@pytest.mark.parametrize(("text", "seeds"), [("7", range(1, 8)), ("1..500", range(1, 501)), ("0..0", range(1))])
def test_seeds(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "0", "1..", "..5", "5..2", "-1..3", "1.5", "1..1000001", f"{2**64}", "²"])
def test_no_seeds(text):
    with pytest.raises(ValueError, match=r"seed"):
        parse_seeds(text)
