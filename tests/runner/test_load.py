"""Open-loop load: arrivals do not wait, times count from when a session was due, and the limit is named."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from itertools import islice, pairwise
from types import SimpleNamespace

import pytest
from aiohttp import web

from cpescript.acs.server import Acs
from cpescript.cli import main
from cpescript.kernel.queue import Kernel
from cpescript.kernel.time import SECOND
from cpescript.kernel.trace import Trace
from cpescript.results import Latency
from cpescript.runner.limits import late_remark
from cpescript.runner.load import LoadOptions, LoadResult, Times, _Load, instants, who_was_the_limit
from cpescript.runner.options import RunOptions
from cpescript.runner.outcomes import Outcomes
from cpescript.simulation import Simulation
from cpescript.transport.acs_service import AcsService
from tests.adapters.serving import on_a_loop


@pytest.fixture
def slow_acs():
    """Serve an ACS that takes `delay` seconds for each answer, one at a time."""

    def serve(delay=0.0, status=None):
        service = AcsService(Acs())
        lock = asyncio.Lock()
        handle = service._cwmp

        async def slowly(request):
            async with lock:
                await asyncio.sleep(delay)
            return web.Response(status=status) if status else await handle(request)

        service._cwmp = slowly

        async def start(stack):
            port, _ = await service.start("127.0.0.1", 0, 0, stack)
            return f"http://127.0.0.1:{port}/"

        return on_a_loop(start)

    return serve


def load(tmp_path, url, *words):
    report = tmp_path / "load.json"
    with pytest.raises(SystemExit) as ended:
        main(["load", "hg100", "--acs", url, "--seed", "1", "--report-json", str(report), *words])
    written = report.exists() and report.stat().st_size
    return int(ended.value.code or 0), json.loads(report.read_text()) if written else None


@pytest.mark.slow
def test_an_acs_that_keeps_up(slow_acs, tmp_path, capsys):
    with slow_acs() as url:
        _, found = load(tmp_path, url, "--count", "40", "--rate", "50", "--for", "400ms", "--arrivals", "even")
    sessions = found["sessions"]
    assert (sessions["planned"], sessions["started"], sessions["done"]) == (20, 20, 20)
    assert (sessions["failed"], sessions["lost"], sessions["unfinished"]) == ({}, 0, 0)
    assert {each["kind"] for each in found["rpcs"]} >= {"Inform", "Empty"}
    assert found["simulator"]["cpu_share"] > 0
    # A busy machine is told of as well.
    told = [each for each in found["remarks"] if "for this machine had other things to do" not in each]
    assert told == ["20 devices left in the ACS: without an adapter nobody tells it to forget them"]
    assert "whole session, from its due time" in capsys.readouterr().out


@pytest.mark.slow
def test_a_slow_acs_does_not_slow_arrivals_down_and_its_queue_is_seen(slow_acs, tmp_path, capsys):
    # Three answers of 20 ms a session: 16 sessions a second are served, 100 come.
    with slow_acs(0.02) as url:
        status, found = load(tmp_path, url, "--count", "40", "--rate", "100", "--for", "300ms", "--arrivals", "even")
    sessions = found["sessions"]
    assert sessions["planned"] == sessions["done"] == 30
    assert found["rate"]["reached"] < 30
    # The last one waited for all before it: its own answers took a tenth of that.
    assert sessions["ms"]["max"] > 1000
    assert found["limit"].startswith(("the ACS", "the simulator"))
    assert status in (1, 3)


@pytest.mark.slow
def test_too_few_devices_and_errors_are_told(slow_acs, tmp_path, capsys):
    with slow_acs(0.2) as url:
        _, found = load(tmp_path, url, "--count", "2", "--rate", "200", "--for", "50ms", "--arrivals", "even")
    assert found["sessions"]["lost"] == 8
    with slow_acs(0.0, 500) as url:
        status, found = load(tmp_path, url, "--count", "5", "--rate", "100", "--for", "50ms", "--arrivals", "even")
    assert found["sessions"]["failed"] == {"http": 5}
    assert found["rpcs"][0]["errors"] == {"500": 5}
    assert status == 3, "nothing was served at all"


def test_a_session_counts_from_when_it_was_due_however_late_the_simulator_was():
    class Clock:
        now = 100.0

        def __call__(self):
            return self.now

    class Agent:
        session, up = None, True

        def power_on(self, first):
            pass

    clock, kernel = Clock(), Kernel()
    simulation = Simulation(kernel, Trace(kernel), seed=1)
    [device] = [SimpleNamespace(number=1, agent=Agent())]
    simulation.facts.device = lambda number: device
    profile = SimpleNamespace(name="p")
    options = LoadOptions(
        profile=profile, run=RunOptions(scenarios=()), count=1, rate=1, duration=2 * SECOND, arrivals="even"
    )
    worker = _Load(options, simulation, clock)
    worker.begin([device])
    clock.now = 100.5  # The first was due at 100.
    kernel.run(most=1)
    clock.now = 100.75
    worker._ended(SimpleNamespace(device=1, data={"outcome": "done"}))
    assert worker.own_delay.maximum == 0.5
    assert worker.sessions.maximum == 0.75


def test_a_stranger_is_not_flooded(tmp_path, capsys):
    status, found = load(tmp_path, "http://a:hunter22@192.0.2.1:7547/", "--count", "11", "--rate", "1", "--for", "1s")
    assert (status, found) == (2, None)
    err = capsys.readouterr().err
    assert "say --yes" in err
    assert "http://a:***@192.0.2.1:7547/" in err


@pytest.mark.parametrize("words", [("embedded",), ("nobody",), ("http://127.0.0.1:x/",)])
def test_targets_that_are_none(words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load(tmp_path, words[0], "--rate", "1", "--for", "1s")[0] == 2


def test_a_port_where_nobody_listens_is_told_as_such(tmp_path, capsys):
    url = "http://lab:hunter22@127.0.0.1:9/"
    status, found = load(tmp_path, url, "--count", "5", "--rate", "100", "--for", "100ms")
    assert status == 3
    assert found["limit"].startswith("nobody answered at http://lab:***@127.0.0.1:9/")
    assert not any("left in the ACS" in remark for remark in found["remarks"])
    out = capsys.readouterr().out
    assert "nobody answered" in out
    assert "hunter22" not in f"{found}{out}"


def test_arrivals():
    even = list(instants(10, SECOND, "even", 1))
    assert even == [number * SECOND // 10 for number in range(10)]
    drawn = list(instants(1000, 100 * SECOND, "poisson", 1))
    assert abs(len(drawn) - 100_000) < 5 * 100_000**0.5
    assert all(one <= other for one, other in pairwise(drawn))
    assert list(islice(instants(5, SECOND, "poisson", 1), 3)) == list(islice(instants(5, SECOND, "poisson", 1), 3))
    gaps = [other - one for one, other in pairwise(drawn)]
    mean = sum(gaps) / len(gaps)
    # An exponential's standard deviation is its mean.
    assert abs((sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5 / mean - 1) < 0.05


GOOD = LoadResult(
    acs="x", profile="p", devices=10, arrivals="even", seed=1, asked_rate=10, asked_seconds=10, planned=100,
    started=100, lost=0, done=100, failed={}, unfinished=0, further=0, reached_rate=10.0, real_seconds=10,
    sessions=Times(100, 1, 1, 1, 1), own_delay=Times(100, 0.1, 0.1, 0.1, 0.1), rpcs=(), cpu_share=0.2, limit="",
)  # fmt: skip
NONE = Outcomes(Trace(Kernel()))


@pytest.mark.parametrize(
    ("change", "limit"),
    [
        ({}, "neither"),
        ({"cpu_share": 0.95}, "neither"),
        ({"own_delay": Times(1, 0, 0, 50.0, 50.0)}, "neither"),
        ({"cpu_share": 0.95, "reached_rate": 9.0}, "the simulator"),
        ({"own_delay": Times(1, 0, 0, 50.0, 50.0), "unfinished": 1}, "the simulator"),
        ({"own_delay": Times(1, 0, 0, 50.0, 50.0), "sessions": Times(1, 501.0, 0, 0, 0), "unfinished": 1}, "the ACS"),
        ({"lost": 3}, "the fleet"),
        ({"failed": {"timeout": 1}}, "the ACS"),
        ({"reached_rate": 9.0}, "the ACS"),
        ({"unfinished": 1}, "the ACS"),
        ({"done": 0, "failed": {"http": 100}, "rpcs": (Latency("Inform", 100, 1, 1, 1, 1),)}, "the ACS"),
        ({"done": 0, "failed": {"refused": 100}}, "nobody answered"),
        ({"done": 0, "unfinished": 100}, "nobody answered"),
    ],
)
def test_who_was_the_limit(change, limit):
    assert who_was_the_limit(replace(GOOD, **change), NONE).startswith(limit)


def test_a_simulator_that_is_late_without_being_busy_was_kept_from_running():
    late = replace(GOOD, own_delay=Times(1, 0, 0, 50.0, 50.0), reached_rate=9.0)
    assert "other things to do" in who_was_the_limit(late, NONE)
    assert "other things to do" not in who_was_the_limit(replace(late, cpu_share=0.95), NONE)


def test_a_delay_that_cost_no_rate_is_a_remark_and_no_limit():
    limit = who_was_the_limit(GOOD, NONE)
    assert "up to 50 ms late" in late_remark(limit, cpu_share=0.1, late_ms=50.0)
    assert late_remark(limit, cpu_share=0.1, late_ms=1.0) == ""
    assert late_remark("the simulator: …", cpu_share=0.1, late_ms=50.0) == ""


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        ([("refused", "")], ("nobody answered at x", "connections are refused", "is the ACS up")),
        ([("timeout", "")], ("nobody answered at x", "no answer came in time", "firewall")),
        (
            [("tls", "certificate of an unknown CA")],
            ("no session was served at x", "certificate of an unknown CA", "--tls-ca"),
        ),
        ([("cut", "the ACS may want a client certificate")], ("the ACS may want a client certificate", "certs DIR")),
        ([("timeout", "")] + 2 * [("tls", "host name mismatch")], ("host name mismatch", "--tls-ca")),
    ],
)
def test_each_cause_of_silence_has_its_own_remedy(ended, told):
    trace = Trace(Kernel())
    outcomes = Outcomes(trace)
    for outcome, reason in ended:
        trace.fact(None, "SessionEnd", outcome=outcome, reason=reason)
    limit = who_was_the_limit(replace(GOOD, done=0, failed={"any": 100}), outcomes)
    assert all(words in limit for words in told)


def test_a_report_has_the_most_frequent_reason_of_each_outcome():
    trace = Trace(Kernel())
    outcomes = Outcomes(trace)
    for outcome, reason in [("cut", ""), ("cut", "b"), ("cut", "b"), ("cut", "a"), ("timeout", ""), ("tls", "c")]:
        trace.fact(None, "SessionEnd", outcome=outcome, reason=reason)
    trace.fact(None, "SessionEnd", outcome="done")
    assert list(outcomes.remarks()) == ["4 sessions ended 'cut', 2 of them: b", "1 session ended 'tls': c"]


@pytest.mark.parametrize("address", ["192.0.2.77", "2001:db8::77", "here"])
def test_an_address_that_is_not_this_machines_is_refused_before_anything_is_sent(address, tmp_path, capsys):
    words = ("--rate", "1", "--for", "1s", "--source-address", address)
    assert load(tmp_path, "http://127.0.0.1:9/", *words) == (2, None)
    assert f"'{address}' is no" in capsys.readouterr().err


@pytest.mark.slow
def test_who_was_never_served_is_not_left_in_the_acs(slow_acs, tmp_path, capsys):
    with slow_acs(0.0, 500) as url:
        _, found = load(tmp_path, url, "--count", "5", "--rate", "100", "--for", "50ms", "--arrivals", "even")
    assert not any("left in the ACS" in remark for remark in found["remarks"])
