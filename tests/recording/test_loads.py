"""Two loads, beside each other: every figure with its samples, and what keeps it from saying more."""

from __future__ import annotations

import copy
import json

import pytest

from cpescript.recording.loads import compare, render
from cpescript.results import Latency
from cpescript.runner.load import LoadResult, Times

NEITHER = "neither: the ACS kept up with the rate asked for"


def load(**changed):
    """The report of a load, as `load --report-json` writes it."""
    result = LoadResult(
        acs="http://192.0.2.7/", profile="hg100", devices=100, arrivals="poisson", seed=7, asked_rate=50.0,
        asked_seconds=60.0, planned=3000, started=3000, lost=0, done=3000, failed={}, unfinished=0, further=0,
        reached_rate=50.0, real_seconds=60.2, sessions=Times(3000, 6.0, 12.0, 20.0, 41.0),
        own_delay=Times(3000, 0.1, 0.4, 1.2, 3.0), cpu_share=0.31, limit=NEITHER, remarks=(),
        rpcs=(Latency("Inform", 3000, 4.0, 8.0, 16.0, 32.0), Latency("Empty", 3000, 1.0, 2.0, 3.0, 4.0)),
    )  # fmt: skip
    return {**result.as_json(), **changed}


def test_the_form_of_the_report():
    """Programs read it: what is not here any more, or is called otherwise, is another schema."""
    report = load()
    assert report["schema"] == "cpescript-load/1"
    assert next(iter(report)) == "schema", "what kind of file it is stands in its first octets"
    parts = {name: sorted(value) for name, value in report.items() if isinstance(value, dict)}
    times = ["count", "max", "p50", "p95", "p99"]
    assert parts == {
        "rate": ["asked", "reached"],
        "seconds": ["asked", "real"],
        "sessions": ["done", "failed", "further", "lost", "ms", "planned", "started", "unfinished"],
        "simulator": ["cpu_share", "delay_ms"],
    }
    assert sorted(report["sessions"]["ms"]) == sorted(report["simulator"]["delay_ms"]) == times
    assert [sorted(each) for each in report["rpcs"]] == [sorted([*times, "errors", "kind"])] * 2
    assert {*report} - {*parts} == {
        "schema", "acs", "profile", "devices", "arrivals", "seed", "rpcs", "limit", "remarks"
    }  # fmt: skip


def found(before, after):
    return {(each.of, each.name): (each.before, each.after) for each in compare(before, after).figures}


def test_every_figure_of_both_stands_beside_the_other():
    after = load()
    after["rate"]["reached"] = 45.5
    after["sessions"].update(done=2730, failed={"timeout": 12, "http": 3})
    after["rpcs"][0].update(count=2745, p50=5.0, p99=24.0, errors={"timeout": 12})
    figures = found(load(), after)
    assert figures["sessions/s", "asked"] == (50.0, 50.0)
    assert figures["sessions/s", "reached"] == (50.0, 45.5)
    assert figures["sessions", "done"] == (3000, 2730)
    assert figures["sessions", "failed: timeout"] == (0, 12)
    assert figures["sessions", "failed: http"] == (0, 3)
    assert figures["Inform", "count"] == (3000, 2745)
    assert figures["Inform", "p50"] == (4.0, 5.0)
    assert figures["Inform", "p99"] == (16.0, 24.0)
    assert figures["Inform", "error: timeout"] == (0, 12)
    assert figures["whole session, from its due time", "max"] == (41.0, 41.0)
    assert figures["simulator", "share of a CPU"] == (0.31, 0.31)


def test_a_message_that_is_in_one_report_only_has_no_times_in_the_other():
    after = load()
    after["rpcs"].append({**after["rpcs"][0], "kind": "GetParameterValuesResponse"})
    del after["rpcs"][1]
    figures = found(load(), after)
    assert figures["GetParameterValuesResponse", "count"] == (0, 3000)
    assert figures["GetParameterValuesResponse", "p95"] == (None, 8.0)
    assert figures["Empty", "count"] == (3000, 0)
    assert figures["Empty", "p95"] == (2.0, None)


def test_text_has_the_change_in_percent_and_none_of_what_was_nothing():
    after = load()
    after["sessions"].update(lost=4)
    after["rpcs"][0].update(p50=5.0, p95=6.0)
    after["simulator"]["cpu_share"] = 0.62
    text = render(compare(load(), after), "a.json", "b.json")
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert rows[:2] == ["--- a.json", "+++ b.json"]
    inform = rows[rows.index("Inform") :]
    assert inform[2:5] == ["p50 4.00 5.00 +25%", "p95 8.00 6.00 -25%", "p99 16.0 16.0"]
    assert "lost 0 4" in rows
    assert "share of a CPU 0.31 0.62" in rows, "more of it is not better or worse"
    assert f"limit before {NEITHER}" in rows


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"devices": 200}, "not the same was asked for: devices 100 before, 200 after"),
        ({"seed": 8}, "not the same was asked for: seed 7 before, 8 after"),
        ({"rate": {"asked": 60.0, "reached": 50.0}}, "not the same was asked for: rate 50.0 before, 60.0 after"),
        ({"acs": "http://acs.example/"}, "asked for: ACS http://192.0.2.7/ before, http://acs.example/ after"),
        ({"remarks": ["3 connections were closed"]}, "after: 3 connections were closed"),
    ],
)  # fmt: skip
def test_what_keeps_the_figures_from_saying_more(changed, told):
    assert compare(load(), load()).remarks == ()
    assert any(remark.endswith(told) for remark in compare(load(), load(**changed)).remarks)


def test_who_was_the_limit_is_told_of_each():
    slow = "the simulator: it used 99% of a CPU; the figures say little about the ACS"
    assert compare(load(limit=slow), load()).limits == (slow, NEITHER)


def test_few_samples_are_told():
    after = load()
    after["rpcs"][1]["count"] = 99
    few = "fewer than 100 samples, so that p99 is hardly more than one of them: Empty"
    assert few in compare(load(), after).remarks
    after["rpcs"][1]["count"] = 100
    assert compare(load(), after).remarks == ()


@pytest.fixture
def written(tmp_path):
    def write(name, value):
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value, indent=2))
        return path

    return write


def test_the_command(written, cpescript):
    one, other = written("a.json", load()), written("b.json", load(seed=8))
    status, out, err = cpescript("diff", one, other)
    assert (status, err) == (0, "")
    assert "seed 7 before, 8 after" in out
    told = json.loads(cpescript("diff", one, other, "--json")[1])
    assert {"of": "Inform", "name": "p95", "before": 8.0, "after": 8.0} in told["figures"]
    assert told["limit"] == {"before": NEITHER, "after": NEITHER}


def without(path):
    broken = copy.deepcopy(load())
    *parents, last = path.split(".")
    place = broken
    for each in parents:
        place = place[each]
    del place[last]
    return broken


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ('{"schema": "cpescript-load/1", ', "is no JSON"),
        ('{"schema": "cpescript-load/2"}', "of another version"),
        (load(rpcs=[{"kind": "Inform", "count": "many"}]), "broken report of a load"),
        (load(rpcs=None), "broken report of a load"),
        (without("sessions"), "broken report of a load: KeyError: 'sessions'"),
        (without("limit"), "broken report of a load: KeyError: 'limit'"),
        ('["cpescript-load/1"' + "[" * 100_000, "is no JSON"),
    ],
)
def test_what_is_no_report_of_a_load(broken, why, written, cpescript):
    status, out, err = cpescript("diff", written("a.json", load()), written("b.json", broken))
    assert (status, out) == (2, "")
    assert why in err
    assert "cpescript load --report-json" in err


def test_a_load_and_a_trace_are_not_compared(written, cpescript):
    trace = '{"schema": "cpescript-trace/1", "scenario": "s", "start": "2026-01-01T00:00:00Z"}\n'
    status, _, err = cpescript("diff", written("a.json", load()), written("b.jsonl", trace))
    assert status == 2
    assert "a load's report can be compared with another one only" in err
