"""`plan --json`: the plan as plain data, one object a case."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "s.cpes"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


SCENARIO = """\
secret param token: text = "hush"

scenario "two cases" for size in [2, 3]:
    seed 1
    spawn size of hg100 as fleet
    never Fault on fleet
    note token
    expect InformResponse on each fleet within 1m
"""


def test_a_plan_for_programs(cpescript, file):
    status, out, err = cpescript("plan", file(SCENARIO), "--json")
    assert (status, err) == (0, "")
    plans = json.loads(out)
    assert [plan["scenario"] for plan in plans] == ["two cases [size=2]", "two cases [size=3]"]
    assert {plan["schema"] for plan in plans} == {"cpescript-plan/1"}
    assert [plan["cohorts"]["fleet"]["devices"] for plan in plans] == [[[1, 2]], [[1, 3]]]
    assert plans[0]["params"] == {"token": "***"}
    assert "hush" not in out
    last = plans[0]["steps"][-1]
    assert (last["line"], last["monitors"], last["devices"], last["count"]) == (8, [6], [[1, 2]], 2)
    assert (last["ends_earliest"], last["ends_latest"]) == (0, 60 * 10**9)


def test_a_scenario_that_does_not_check_has_no_plan(cpescript, file):
    status, out, err = cpescript("plan", file("wait 1\n"), "--json")
    assert (status, out) == (2, "")
    assert "missing-unit" in err
