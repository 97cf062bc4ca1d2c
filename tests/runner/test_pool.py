"""Cases in processes of their own give what they give one after the other."""

import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from cpescript.acs.server import Acs
from cpescript.report import json as document
from cpescript.runner import pool
from cpescript.runner.options import RunOptions, Silent
from cpescript.runner.run import UsageError, run
from cpescript.transport.acs_service import AcsService
from tests.adapters.serving import on_a_loop

TEXT = """
scenario "of a matrix" for size in [1, 2, 3]:
    spawn size of hg100 as fleet
    sometimes count(Inform) >= 3 across fleet
    expect InformResponse on each fleet within 1m

scenario "fails":
    spawn 2 of hg100 as fleet
    expect Download on fleet within 20m

scenario "passes":
    spawn 2 of hg100 as fleet
    expect InformResponse on each fleet within 1m
"""


class Told(Silent):
    """Keeps what it is told, in order."""

    def __init__(self):
        self.lines = []

    def started(self, title, file):
        self.lines.append(("started", title))

    def step(self, t, line, source):
        self.lines.append(("step", t, line))

    def finished(self, result):
        self.lines.append(("finished", result.title, result.verdict))


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "many.cpes"
    path.write_text(TEXT)
    return path


def same(result):
    """Return a result without what differs from run to run."""
    scenarios = tuple(replace(each, real_seconds=0.0) for each in result.scenarios)
    return document.render(replace(result, scenarios=scenarios, real_seconds=0.0, started=""))


def test_side_by_side_is_one_after_the_other(scenario, tmp_path):
    found = []
    for jobs in (1, 3):
        trace, told = tmp_path / f"{jobs}.jsonl", Told()
        options = RunOptions(
            scenarios=(str(scenario),), seed=7, jobs=jobs, trace=trace, trace_digest=True, verbose=1, observer=told
        )
        result = run(options)
        found.append((same(result), trace.read_bytes(), told.lines))
    assert found[0] == found[1]
    assert result.exit_status == 1
    assert all(each.trace_digest for each in result.scenarios)


def test_the_first_failure_ends_it_at_the_same_place(scenario):
    found = [run(RunOptions(scenarios=(str(scenario),), seed=7, jobs=jobs, fail_fast=True)) for jobs in (1, 3)]
    assert same(found[0]) == same(found[1])
    assert (len(found[1].scenarios), found[1].not_run) == (4, 1)


@pytest.mark.slow
def test_an_interruption_ends_every_case_in_order(tmp_path):
    path = tmp_path / "long.cpes"
    long = "    spawn 50 of hg100 as fleet\n    wait 6d\n    expect elapsed < 1h\n"
    path.write_text("".join(f'scenario "{name}":\n{long}' for name in "abc"))
    asked = threading.Event()

    class Impatient(Silent):
        def progress(self, snapshot):
            if snapshot.sessions:
                asked.set()

    result = run(RunOptions(scenarios=(str(path),), seed=1, jobs=2, interrupted=asked.is_set, observer=Impatient()))
    assert (result.exit_status, result.interrupted) == (130, True)
    assert len(result.scenarios) + result.not_run == 3
    assert {each.verdict for each in result.scenarios} <= {"inconclusive"}


@pytest.mark.slow
def test_a_worker_that_dies_is_an_error_of_its_case_alone(scenario, monkeypatch):
    given, give = [], pool.Hand.give

    def murderous(hand, job, trace):
        if not given:
            os.kill(hand.process.pid, signal.SIGKILL)
            hand.process.wait()
        given.append(job)
        try:
            give(hand, job, trace)
        except BrokenPipeError:
            hand.job = job

    monkeypatch.setattr(pool.Hand, "give", murderous)
    first, *rest = run(RunOptions(scenarios=(str(scenario),), seed=7, jobs=2)).scenarios
    assert (first.verdict, first.reason) == ("error", "the process that ran it is gone (signal 9)")
    assert [each.verdict for each in rest][-2:] == ["failed", "passed"]


def test_a_file_that_changes_meanwhile_is_noticed(scenario, monkeypatch):
    def give(hand, job, trace, give=pool.Hand.give):
        scenario.write_text(TEXT + "\n# changed\n")
        give(hand, job, trace)

    monkeypatch.setattr(pool.Hand, "give", give)
    result = run(RunOptions(scenarios=(str(scenario),), seed=7, jobs=2))
    assert {each.verdict for each in result.scenarios} == {"error"}
    assert "has changed" in result.scenarios[0].reason


def test_fleets_of_one_acs_are_not_run_side_by_side(scenario, tmp_path):
    for more in ({"adapter": "cpescript", "north": "http://127.0.0.1:9"}, {"north": "http://127.0.0.1:9"}):
        with pytest.raises(UsageError, match="by the adapter 'cpescript'"):
            run(RunOptions(scenarios=(str(scenario),), jobs=2, acs="http://127.0.0.1:9/", serial_prefix="LAB-", **more))
    with pytest.raises(UsageError, match="one place at a time"):
        run(RunOptions(scenarios=(str(scenario),), jobs=2, state=tmp_path / "fleet.db"))


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["", "LAB-"])
def test_at_one_acs_each_case_has_serial_numbers_of_its_own(tmp_path, prefix):
    path = tmp_path / "s.cpes"
    path.write_text(
        'scenario "of a matrix" for n in [1, 2, 3]:\n    spawn 2 of hg100 as fleet\n'
        "    expect InformResponse on each fleet within 1m\n"
    )
    service = AcsService(Acs())

    async def start(stack):
        return await service.start("127.0.0.1", 0, 0, stack)

    with on_a_loop(start) as (port, _):
        options = RunOptions(
            scenarios=(str(path),), jobs=2, seed=1, acs=f"http://127.0.0.1:{port}/", serial_prefix=prefix, patience_ns=0
        )
        result = run(options)
    serials = sorted(key.serial for key in service.acs.records)
    assert serials == [f"{prefix}{case}-HG0000000{number}" for case in (1, 2, 3) for number in (1, 2)]
    assert result.exit_status == 0
    told = [[remark for remark in each.remarks if "serial" in remark] for each in result.scenarios]
    assert told == [[f"serial numbers begin with '{prefix}{case}-'"] for case in (1, 2, 3)]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no disk here that is always full: /dev/full")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_trace_that_the_disk_does_not_take_ends_the_run(scenario, jobs):
    with pytest.raises(UsageError, match="'/dev/full' cannot be written: No space left on device"):
        run(RunOptions(scenarios=(str(scenario),), seed=7, jobs=jobs, trace=Path("/dev/full")))
