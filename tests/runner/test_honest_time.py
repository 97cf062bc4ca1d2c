"""Time against an ACS that lives by its own clock: slow answers, jobs of its own, and what a report says of it."""

from __future__ import annotations

import asyncio
import contextlib
import textwrap
import time

import pytest

from cpescript.acs.orders import Order
from cpescript.acs.server import Acs
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from cpescript.transport.acs_service import AcsService
from tests.adapters.serving import on_a_loop

SECOND = 1_000_000_000


class OwnClock:
    """An ACS that takes `delay` real seconds for an answer, and asks each new device for a reboot after `job` ones.

    The first answers wait until `gather` requests are there at once.
    """

    def __init__(self, delay=0.0, job=None, gather=1):
        self.service = AcsService(Acs())
        self.delay, self.job, self.gather = delay, job, gather
        self.handle = self.service._cwmp
        self.service._cwmp = self.answer
        self.known = set()
        self.at_once = self.most = 0
        self.gathered, self.over = asyncio.Event(), asyncio.Event()

    async def answer(self, request):
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        if self.most >= self.gather:
            self.gathered.set()
        await self.gathered.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.over.wait(), self.delay)
        response = await self.handle(request)
        self.at_once -= 1
        for key in [key for key in self.service.acs.records if key not in self.known]:
            self.known.add(key)
            if self.job is not None:
                asyncio.get_running_loop().call_later(self.job, self.order, key)
        return response

    def order(self, key):
        self.service._set_clock()
        self.service.acs.order(Order("reboot", key))
        self.service._follow()

    async def start(self, stack):
        port, _ = await self.service.start("127.0.0.1", 0, 0, stack)
        stack.callback(self.over.set)
        return f"http://127.0.0.1:{port}/"


@pytest.fixture
def play(tmp_path):
    def make(text, *, delay=0.0, job=None, gather=1, **options):
        path = tmp_path / "case.cpes"
        path.write_text(textwrap.dedent(text).lstrip("\n"))
        acs = make.acs = OwnClock(delay, job, gather)
        with on_a_loop(acs.start) as url:
            return run(RunOptions(scenarios=(str(path),), acs=url, seed=1, **options)).scenarios[0]

    return make


QUICK = """
    {clock}
    limit 1h
    spawn 2 of hg100 as fleet
    expect InformResponse on each fleet within {within}
"""


@pytest.mark.slow
def test_in_virtual_time_the_speed_of_the_acs_changes_no_verdict(play):
    result = play(QUICK.format(clock="clock virtual", within="50ms"), delay=0.1)
    assert result.verdict == "passed"
    [claim] = result.claims
    assert claim.closed - claim.opened == 0, "time stood still while the ACS thought"
    # Half of the delay: a loop's timers are rounded to milliseconds, and may come a little early.
    assert {each.kind: each.p50 for each in result.latencies}["Inform"] >= 50
    assert any("real quiet pass before each deadline" in remark for remark in result.remarks)


@pytest.mark.slow
def test_in_real_time_it_does(play):
    # The ACS is still at it long after the deadline, however late anybody looks.
    result = play(QUICK.format(clock="clock real", within="200ms"), delay=60.0)
    assert (result.verdict, result.clock) == ("failed", "real")
    assert "virtual time ran with the wall clock" in result.remarks
    assert play(QUICK.format(clock="clock real", within="1m"), delay=0.1).verdict == "passed"


JOB = """
    {clock}
    {patience}
    limit 2d
    spawn 1 of hg100 as cpe
    wait until cpe registered within 12h
    wait 1ms
    expect Reboot on cpe within {within}
"""


@pytest.mark.slow
def test_a_job_of_the_acs_is_seen_at_the_instant_that_a_scaled_clock_shows(play):
    # Half a second is 50 s at a hundredfold speed. More have passed where the machine was slow, but never more than the
    # whole run took.
    began = time.monotonic()
    result = play(JOB.format(clock="clock scaled 100x", patience="", within="2h"), job=0.5)
    took = time.monotonic() - began
    assert (result.verdict, result.clock) == ("passed", "scaled 100x")
    assert 40 * SECOND < result.claims[-1].closed < took * 100 * SECOND
    assert "virtual time ran 100 times as fast as the wall clock" in result.remarks
    assert play(JOB.format(clock="clock scaled 1000x", patience="", within="100s"), job=60.0).verdict == "failed"


@pytest.mark.slow
def test_virtual_time_waits_for_what_the_acs_does_of_itself_as_long_as_it_has_patience(play):
    def verdict(patience, job, **options):
        text = JOB.format(clock="clock virtual", patience=patience, within="100s")
        return play(text, job=job, **options).verdict

    assert verdict("patience 60s", 0.2) == "passed"
    hasty = verdict("patience 50ms", 60.0)
    assert hasty == "inconclusive", "no session, no connection request: the ACS had no occasion to act"
    assert verdict("", 0.2, patience_ns=60 * SECOND) == "passed"


@pytest.mark.slow
def test_a_claim_says_how_much_real_time_the_acs_was_given(play, tmp_path):
    text = "patience 50ms\nspawn 1 of hg100 as cpe\nexpect Reboot on cpe within 1m\n"
    claim = play(text).claims[-1]
    assert claim.verdict == "missed"
    assert claim.real_seconds > 0
    embedded = run(RunOptions(scenarios=(str(tmp_path / "case.cpes"),), seed=1)).scenarios[0]
    assert [(each.verdict, each.real_seconds) for each in embedded.claims] == [("missed", None)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("clock", "options", "gap"),
    [
        ("clock virtual", {}, 0.02),
        ("clock virtual", {"session_gap_ns": 5_000_000}, 0.005),
        ("clock real", {"session_gap_ns": 5_000_000}, 0.0),
    ],
)
def test_devices_rest_in_virtual_time_only(clock, options, gap, play, monkeypatch):
    gaps = set()
    monkeypatch.setattr("cpescript.transport.rests.Rests.begin", lambda self, device, now, gap: gaps.add(gap))
    text = f"{clock}\nlimit 1h\nspawn 1 of hg100 as cpe\nexpect SessionEnd on cpe within 10m\nwait 1ms\n"
    assert play(text, **options).verdict == "passed"
    assert gaps == {gap}


class SlowCaller(OwnClock):
    """An ACS that calls each new device, and takes a while to answer a challenge."""

    async def start(self, stack):
        get, self.outcomes = self.service._get, []
        done, self.service.acs.connection_request_done = self.service.acs.connection_request_done, self.done
        self.tell = done

        async def slowly(url, proof):
            if proof is not None:
                await asyncio.sleep(0.1)
            return await get(url, proof)

        self.service._get = slowly
        return await super().start(stack)

    def order(self, key):
        self.service._set_clock()
        self.service.acs.order(Order("connect", key))
        self.service._follow()

    def done(self, key, outcome):
        self.outcomes.append(outcome)
        self.tell(key, outcome)


@pytest.mark.slow
def test_a_call_is_as_good_however_long_the_caller_takes_for_its_proof(tmp_path):
    path = tmp_path / "case.cpes"
    path.write_text(
        "limit 30d\npatience 60s\nspawn 10 of hg100 as fleet\n"
        'expect Inform where events contains "6 CONNECTION REQUEST" on each fleet within 29d\n'
    )
    acs = SlowCaller(job=0.0)
    with on_a_loop(acs.start) as url:
        options = RunOptions(scenarios=(str(path),), acs=url, seed=1, session_gap_ns=0, real_limit_s=50)
        [result] = run(options).scenarios
    assert result.verdict == "passed"
    assert set(acs.outcomes) <= {"ok"}, "no right proof is stale"


@pytest.mark.slow
def test_what_a_run_leaves_in_the_acs_is_said(play):
    result = play(QUICK.format(clock="clock virtual", within="1s"))
    assert "2 devices left in the ACS: without an adapter nobody tells it to forget them" in result.remarks
    assert "2 devices left in the ACS (--keep)" in play(
        QUICK.format(clock="clock virtual", within="1s"), keep=True
    ).remarks  # fmt: skip


@pytest.mark.slow
def test_records_carry_the_wall_clock_against_an_external_acs_only(play, tmp_path):
    trace = tmp_path / "run.jsonl"
    play(QUICK.format(clock="clock virtual", within="1s"), trace=trace)
    assert '"wall_ns"' in trace.read_text()
    run(RunOptions(scenarios=("bootstrap_provisioning",), seed=1, trace=trace))
    assert '"wall_ns"' not in trace.read_text()


WINDOWS = """
    limit 1h
    spawn 12 of hg100 as fleet over 900ms
    expect InformResponse on each fleet within 1m
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "most", "told"),
    [
        ({"window_ns": 0}, 1, "events of 0 s share the wire"),
        ({"session_gap_ns": 0}, 12, "200 sessions at most, and 2 s"),
        ({"session_gap_ns": 5_000_000}, 12, "a device rests 5 ms of real time between two"),
        ({"in_flight": 3}, 3, "events of 1 s share the wire, 3 sessions at most"),
        ({}, 12, "events of 1 s share the wire, 200 sessions at most, a device rests 20 ms of real time between"),
    ],
)
def test_what_shares_the_wire_is_what_was_said(options, most, told, play):
    result = play(WINDOWS, delay=0.02, gather=most, real_limit_s=30, **options)
    assert result.verdict == "passed"
    assert play.acs.most == most
    [remark] = [remark for remark in result.remarks if "external ACS" in remark]
    assert told in remark
    assert remark.endswith("2 s of real quiet pass before each deadline")


@pytest.mark.slow
@pytest.mark.parametrize(("asked", "told"), [(None, ""), (3_000_000, "a device rests 3 ms of real time between two")])
def test_an_acs_on_the_same_clock_holds_no_lock_in_real_time(asked, told, tmp_path):
    path = tmp_path / "case.cpes"
    path.write_text("limit 1h\nspawn 1 of hg100 as cpe\nexpect InformResponse on cpe within 1m\n")

    async def start(stack):
        port, north = await AcsService(Acs()).start("127.0.0.1", 0, 0, stack)
        return port, north

    with on_a_loop(start) as (port, north):
        ports = {"acs": f"http://127.0.0.1:{port}/", "north": f"http://127.0.0.1:{north}/"}
        [result] = run(RunOptions(scenarios=(str(path),), seed=1, session_gap_ns=asked, **ports)).scenarios
    assert result.verdict == "passed"
    [remark] = [remark for remark in result.remarks if "external ACS" in remark]
    assert remark.endswith("the ACS's own timers are on the same clock")
    assert told in remark
    assert told or "rests" not in remark


@pytest.mark.slow
@pytest.mark.parametrize("clock", ["clock virtual", "clock scaled 60x", "clock real"])
def test_a_run_that_has_no_real_time_left_is_inconclusive(clock, play):
    text = f"{clock}\nlimit 1d\nspawn 1 of hg100 as cpe\nexpect Reboot on cpe within 10h\n"
    result = play(text, real_limit_s=0.3, patience_ns=60 * SECOND)
    assert result.verdict == "inconclusive"
    assert "real time" in result.cut
    assert result.clock == clock.removeprefix("clock ")
