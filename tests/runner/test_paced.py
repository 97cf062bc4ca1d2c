"""Statements with `over` under a real clock: rate asked and reached, times from when sessions were due, the limit."""

from __future__ import annotations

import asyncio
import textwrap
from types import SimpleNamespace

import pytest

from cpescript.acs.server import Acs
from cpescript.kernel.queue import Kernel
from cpescript.kernel.time import SECOND
from cpescript.kernel.trace import Trace
from cpescript.report import html, json, terminal
from cpescript.report.explain import paced_lines, plain
from cpescript.results import RunResult
from cpescript.runner.options import RunOptions
from cpescript.runner.paced import Pacing, remarks
from cpescript.runner.run import run
from cpescript.transport.acs_service import AcsService
from cpescript.transport.pacing import BoundPace
from tests.adapters.serving import on_a_loop


@pytest.fixture
def play(tmp_path):
    """Run a scenario against a reference ACS that answers one request at a time, each after `delay` seconds."""

    def make(text, delay=0.0, **options):
        service = AcsService(Acs())
        lock, handle = asyncio.Lock(), service._cwmp

        async def slowly(request):
            async with lock:
                await asyncio.sleep(delay)
            return await handle(request)

        service._cwmp = slowly

        async def start(stack):
            port, _ = await service.start("127.0.0.1", 0, 0, stack)
            return f"http://127.0.0.1:{port}/"

        path = tmp_path / "case.cpes"
        path.write_text(textwrap.dedent(text).lstrip("\n"))
        with on_a_loop(start) as url:
            return run(RunOptions(scenarios=(str(path),), acs=url, seed=1, **options)).scenarios[0]

    return make


@pytest.mark.slow
def test_each_paced_statement_is_measured(play):
    result = play(
        """
        clock real
        limit 5m
        spawn 20 of hg100 as fleet over 500ms
        expect SessionEnd on each fleet within 1m
        inform fleet over 400ms
        expect in order on each fleet within 1m:
            Inform where events contains "2 PERIODIC"
            SessionEnd
        """
    )
    assert result.verdict == "passed"
    spawned, informed = result.paced
    assert (spawned.line, spawned.devices, spawned.done, spawned.missing, spawned.failed) == (3, 20, 20, 0, {})
    assert (informed.line, informed.source, informed.done) == (5, "inform fleet over 400ms", 20)
    assert (spawned.asked_rate, informed.asked_rate) == (40.0, 50.0)
    assert 0 < spawned.reached_rate <= 40
    assert spawned.times.count == spawned.own_delay.count == 20
    assert 0 < spawned.times.p50 <= spawned.times.p99 <= spawned.times.maximum
    assert spawned.cpu_share > 0
    whole = RunResult("1", "", 1.0, (result,), 0)
    text = terminal.render(whole)
    assert "paced: line 3: spawn 20 of hg100 as fleet over 500ms\n    asked      40 sessions/s for 0.5 s" in text
    assert "limit      " in text
    assert "Was the pace kept" in html.render(whole)
    assert '"asked_rate": 50.0' in json.render(whole)


@pytest.mark.slow
def test_what_queues_in_a_slow_acs_or_for_the_wire_is_in_the_times(play):
    # Five answers of 10 ms each a session, one at a time: some 20 sessions a second, and 100 are asked for.
    result = play(
        """
        clock scaled 10x
        limit 1h
        spawn 20 of hg100 as fleet over 2s
        expect SessionEnd on each fleet within 10m
        """,
        delay=0.01,
        in_flight=2,
    )
    [row] = result.paced
    assert row.asked_rate == pytest.approx(100)
    assert row.asked_seconds == pytest.approx(0.2)
    assert row.done == 20
    assert row.reached_rate < 70
    # The last had to wait for all before it, though its own answers take a tenth of that.
    assert row.times.maximum > 300
    assert row.limit.startswith(("the ACS", "the simulator"))


@pytest.mark.slow
def test_where_time_is_virtual_nothing_is_paced(play):
    result = play("limit 1h\nspawn 2 of hg100 as fleet over 1m\nexpect InformResponse on each fleet within 5m\n")
    assert result.paced == ()


class Wall:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def world():
    """A pacing over a clock of its own: `at(seconds)` moves virtual and real time together."""
    wall, kernel, pace = Wall(), Kernel(), BoundPace(1.0)
    pace.begin(SimpleNamespace(kernel=kernel, real=wall))
    pacing = Pacing(pace, wall, lambda: kernel.now, Trace(kernel))

    def at(seconds):
        kernel.advance(int(seconds * SECOND))
        wall.now = 100.0 + seconds

    def end(device, outcome="done"):
        pacing._ended(SimpleNamespace(device=device, data={"outcome": outcome}))

    return SimpleNamespace(pacing=pacing, wall=wall, at=at, end=end)


def test_a_session_that_waits_for_the_one_before_counts_from_when_it_was_due(world):
    row = world.pacing.begin(1, "line 1", "inform fleet over 2s", 1, 2 * SECOND)
    world.at(0.5)
    world.pacing.owe(row, "inform", 7)
    world.at(1.0)
    world.end(7)  # An earlier session, which nobody asked for.
    world.pacing.opening(7)
    world.at(1.25)
    world.end(7)
    world.at(2.0)
    [paced] = world.pacing.result()
    assert (paced.done, paced.missing) == (1, 0)
    assert paced.times.maximum == pytest.approx(750)
    assert paced.own_delay.maximum == 0


def test_a_boot_comes_before_the_session_is_due(world):
    row = world.pacing.begin(1, "line 1", "reboot fleet over 2s", 1, 2 * SECOND)
    world.pacing.owe(row, "reboot", 7)
    world.at(1.0)
    world.wall.now += 0.02  # The simulator is late.
    world.pacing.opening(7)
    world.end(7)
    world.at(2.0)
    [paced] = world.pacing.result()
    assert paced.times.maximum == pytest.approx(20)
    assert paced.own_delay.maximum == pytest.approx(20)
    assert paced.limit.startswith("neither"), "the rate was reached"
    [told] = remarks([paced])
    assert told.startswith("line 1: the simulator began sessions up to 20 ms late")


def test_devices_that_still_boot_when_the_run_ends_owe_the_acs_nothing(world):
    row = world.pacing.begin(1, "line 1", "reboot fleet over 2s", 3, 2 * SECOND)
    for device in (1, 2, 3):
        world.pacing.owe(row, "reboot", device)
    world.at(3.0)
    [paced] = world.pacing.result()
    assert (paced.done, paced.missing) == (0, 3)
    assert paced.limit.startswith("nobody can say: the run ended while 3 devices were still booting")
    world.pacing.opening(1)
    world.end(1, "timeout")
    assert world.pacing.result()[0].limit.startswith("the ACS")


def test_where_a_boot_comes_first_the_rate_counts_from_the_first_call(world):
    row = world.pacing.begin(1, "line 1", "reboot fleet over 2s", 4, 2 * SECOND)
    for device in (1, 2, 3, 4):
        world.pacing.owe(row, "reboot", device)
    for device in (1, 2, 3, 4):
        world.at(40.0 + device)  # They boot for some 40 s, each as long as it takes.
        world.pacing.opening(device)
        world.end(device)
    [paced] = world.pacing.result()
    assert paced.reached_rate == pytest.approx(4 / 3)
    assert paced.limit.startswith("neither")


def test_what_failed_and_what_never_came_is_told_apart(world):
    row = world.pacing.begin(1, "line 1", "inform fleet over 1s", 3, SECOND)
    for device in (1, 2, 3):
        world.pacing.owe(row, "inform", device)
    world.pacing.opening(1)
    world.pacing.opening(2)
    world.end(1, "timeout")
    world.end(1)  # Its retry.
    world.at(1.0)
    [paced] = world.pacing.result()
    assert (paced.done, paced.failed, paced.missing) == (0, {"timeout": 1}, 2)
    assert paced.limit.startswith("the ACS")


def test_one_session_that_two_statements_ask_for_counts_once(world):
    first = world.pacing.begin(1, "line 1", "inform a over 1s", 1, SECOND)
    second = world.pacing.begin(2, "line 2", "inform b over 1s", 2, SECOND)
    world.pacing.owe(first, "inform", 1)
    world.pacing.owe(second, "inform", 1)
    world.pacing.owe(second, "inform", 2)
    for device in (1, 2):
        world.pacing.opening(device)
        world.end(device)
    world.at(1.0)
    assert [(each.devices, each.done) for each in world.pacing.result()] == [(1, 1), (1, 1)]


def test_a_scenario_that_ends_too_early_blames_nobody(world):
    world.pacing.begin(1, "line 1", "spawn 10 of hg100 as fleet over 1m", 10, 60 * SECOND)
    world.at(1.0)
    [paced] = world.pacing.result()
    assert paced.limit.startswith("nobody can say")


def test_a_statement_of_a_library_is_told_with_its_file(world):
    world.pacing.begin(3, "home.cpes:3", "inform fleet over 1s", 1, SECOND)
    [paced] = world.pacing.result()
    assert (paced.line, paced.place) == (3, "home.cpes:3")
    shown = plain(paced_lines(paced))
    assert shown.startswith("paced: home.cpes:3: inform fleet over 1s\n")
