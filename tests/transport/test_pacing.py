"""The rule by which time moves: windows, deadlines, patience, driven clocks, jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from cpescript.kernel.queue import DEADLINE, DEVICE, TIMELINE, Owner
from cpescript.transport.pacing import BoundPace, VirtualPace
from tests.transport.scripted_wire import OK, Talk, World, request

SECOND = 10**9


class Slow(World):
    """A world whose ACS answers when told to, and which notes how many requests were out together."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.out = 0
        self.together: list[int] = []
        self.log: list[Any] = []
        self.url = self.serve(self._answer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await request(reader) is not None:
            self.out += 1
            await asyncio.sleep(0.05)
            self.together.append(self.out)
            self.log.append(("answered", self.kernel.now))
            self.out -= 1
            writer.write(OK)

    def session_at(self, when: int, number: int) -> Talk:
        talk = Talk(self.url, number=number)
        self.kernel.at(when, talk.device, self.wire.open, talk)
        return talk

    def note_at(self, when: int, what: str, priority: int = DEVICE) -> None:
        self.kernel.at(when, Owner(99), lambda _: self.log.append((what, self.kernel.now)), None, priority)


@pytest.fixture
def slow() -> Any:
    worlds: list[Slow] = []

    def make(**options: Any) -> Slow:
        worlds.append(Slow(pace=VirtualPace(**{"patience": 0.0, **options})))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


Make = Callable[..., Slow]


def test_the_events_of_a_window_share_the_wire(slow: Make) -> None:
    world = slow()
    for number in range(1, 11):
        world.session_at(number * SECOND // 20, number)
    world.run()
    assert max(world.together) == 10


def test_events_beyond_the_window_wait_for_quiet(slow: Make) -> None:
    world = slow()
    world.session_at(0, 1)
    world.note_at(SECOND, "within")
    world.note_at(SECOND + 1, "beyond")
    world.run()
    assert world.log == [("within", SECOND), ("answered", SECOND), ("beyond", SECOND + 1)]


def test_a_window_of_zero_is_one_instant_at_a_time(slow: Make) -> None:
    world = slow(window=0)
    for number in (1, 2, 3):
        world.session_at(number // 3, number)
    world.run()
    assert world.together == [2, 1, 1]
    assert [when for _, when in world.log] == [0, 0, 1]


def test_what_follows_from_an_answer_runs_at_once_within_the_window(slow: Make) -> None:
    world = slow()

    class Chain(Talk):
        def receive(self, response: Any) -> Any:
            world.note_at(0, "follows", TIMELINE)
            return super().receive(response)

    talk = Chain(world.url)
    world.kernel.at(0, talk.device, world.wire.open, talk)
    other = Talk(world.answering(OK), *[*Talk("").steps * 40], number=2)
    world.kernel.at(0, other.device, world.wire.open, other)
    world.note_at(2 * SECOND, "later")
    world.run()
    assert world.log == [("answered", 0), ("follows", 0), ("later", 2 * SECOND)]


def test_a_deadline_waits_for_the_answer_that_is_out(slow: Make) -> None:
    world = slow()
    world.session_at(0, 1)
    world.note_at(0, "deadline", DEADLINE)
    world.run()
    assert [what for what, _ in world.log] == ["answered", "deadline"]


def test_patience_is_served_before_a_deadline(slow: Make) -> None:
    world = slow(patience=0.2)
    world.note_at(5 * SECOND, "event")
    world.note_at(10 * SECOND, "deadline", DEADLINE)

    async def late() -> None:
        await asyncio.sleep(0.1)
        world.wire.enter(lambda: (world.wire.stir(), world.note_at(0, "came")))

    task = world.wire.loop.create_task(late())
    world.run()
    assert task.done()
    assert world.log == [("event", 5 * SECOND), ("came", 5 * SECOND), ("deadline", 10 * SECOND)]


def test_traffic_starts_patience_anew_and_a_quiet_served_holds(slow: Make) -> None:
    world = slow(patience=0.05)
    for number in range(50):
        world.note_at(number * SECOND, "deadline", DEADLINE)
    world.session_at(25 * SECOND, 1)
    world.run()
    assert len(world.log) == 51
    # Once before the first deadline, once after the session; for the end of the queue the second one still holds.
    assert world.pace.served == pytest.approx(0.1)


def test_traffic_while_patience_lasts_starts_it_anew(slow: Make) -> None:
    world = slow(patience=0.3)
    real: list[float] = []

    def came() -> None:
        real.append(world.wire.real())
        world.wire.stir()

    world.wire.loop.call_later(0.2, world.wire.enter, came)
    world.kernel.at(0, Owner(0), lambda _: real.append(world.wire.real()), None, DEADLINE)
    world.run()
    # A lower bound only: less would be impatience.
    assert real[1] - real[0] >= 0.3


def test_nothing_left_but_an_acs_that_may_still_call(slow: Make) -> None:
    world = slow(patience=0.2)

    async def late() -> None:
        await asyncio.sleep(0.05)
        world.wire.enter(lambda: (world.wire.stir(), world.session_at(0, 1)))

    task = world.wire.loop.create_task(late())
    world.run()
    assert task.done()
    assert world.log == [("answered", 0)]


def test_the_acs_is_asked_again_while_patience_lasts(slow: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpescript.transport.pacing.ASK_EVERY", 0.02)
    world = slow(patience=0.2)
    asked: list[float] = []

    async def question() -> str:
        await asyncio.sleep(0.01)
        return "no"

    def ask() -> None:
        asked.append(world.wire.real())
        world.wire.run_job(question(), lambda _: None, stirs=False)

    world.pace.ask = ask
    world.note_at(SECOND, "deadline", DEADLINE)
    world.run()
    assert len(asked) >= 2
    # Asking is not traffic: patience was served once.
    assert world.pace.served == pytest.approx(0.2)


def test_time_stands_still_while_a_job_runs(slow: Make) -> None:
    world = slow(window=0)

    async def order() -> str:
        await asyncio.sleep(0.05)
        return "taken"

    def give(_: object) -> None:
        world.wire.run_job(order(), lambda result: world.log.append((result, world.kernel.now)))

    world.kernel.at(0, Owner(0), give)
    world.note_at(0, "same instant", TIMELINE)
    world.note_at(1, "next")
    world.run()
    assert world.log == [("same instant", 0), ("taken", 0), ("next", 1)]


def test_what_a_job_raises_comes_out_of_drive(slow: Make) -> None:
    world = slow()

    async def order() -> None:
        raise LookupError("no such verb")

    world.kernel.at(0, Owner(0), lambda _: world.wire.run_job(order(), print))
    with pytest.raises(LookupError, match="no such verb"):
        world.run()


def test_a_job_that_never_ran_is_closed_without_a_warning(slow: Make) -> None:
    world = slow()
    world.wire.run_job(asyncio.sleep(60), print)


class Clock:
    """An ACS with timers at certain instants, driven by the harness."""

    def __init__(self, world: Callable[[], Slow], *timers: int) -> None:
        self.world = world
        self.timers = [*timers]

    async def advance(self, to: int) -> int | None:
        await asyncio.sleep(0)
        while self.timers and self.timers[0] <= to:
            self.world().log.append(("timer", self.timers.pop(0)))
        self.world().log.append(("told", to))
        return self.timers[0] if self.timers else None


def test_a_driven_acs_is_told_before_events_run_and_time_stops_at_its_timers(slow: Make) -> None:
    clock = Clock(lambda: world, 3 * SECOND, 7 * SECOND)
    world = slow(remote=clock, patience=1000.0)
    world.note_at(5 * SECOND, "event")
    world.note_at(6 * SECOND + SECOND // 2, "window ends at the timer")
    world.note_at(7 * SECOND, "at the timer")
    world.note_at(7 * SECOND + SECOND // 4, "after the timer")
    world.note_at(9 * SECOND, "deadline", DEADLINE)
    world.run()
    told = [entry for entry in world.log if entry[0] != "told"]
    assert told == [
        ("timer", 3 * SECOND),
        ("event", 5 * SECOND),
        ("window ends at the timer", 6 * SECOND + SECOND // 2),
        ("timer", 7 * SECOND),
        ("at the timer", 7 * SECOND),
        ("after the timer", 7 * SECOND + SECOND // 4),
        ("deadline", 9 * SECOND),
    ]
    assert world.log.index(("told", 5 * SECOND)) < world.log.index(("event", 5 * SECOND))
    assert [entry for entry in world.log if entry == ("told", 5 * SECOND)] == [("told", 5 * SECOND)]


def test_a_timer_that_a_session_sets_is_not_jumped(slow: Make) -> None:
    clock = Clock(lambda: world)
    world = slow(remote=clock)

    class Setting(Talk):
        def receive(self, response: Any) -> Any:
            clock.timers.append(world.kernel.now + 10 * SECOND)
            return super().receive(response)

    talk = Setting(world.url)
    world.kernel.at(SECOND, talk.device, world.wire.open, talk)
    world.note_at(60 * SECOND, "event")
    world.run()
    assert world.log.index(("timer", 11 * SECOND)) < world.log.index(("event", 60 * SECOND))
    assert ("told", 11 * SECOND) in world.log


def test_a_clock_that_stands_does_not_hold_the_run(slow: Make) -> None:
    class Stuck(Clock):
        async def advance(self, to: int) -> int | None:
            await super().advance(to)
            return 0

    world = slow(remote=Stuck(lambda: world))
    world.note_at(5 * SECOND, "event")
    world.run()
    assert world.log == [("told", 0), ("told", 5 * SECOND), ("event", 5 * SECOND)]


def test_bound_time_goes_with_the_wall_clock(make_world: Callable[..., World]) -> None:
    world = make_world(pace=BoundPace(100.0))
    log: list[tuple[int, float]] = []
    url = world.answering(OK)
    for when in (0, 5, 10):
        world.kernel.at(when * SECOND, Owner(1), lambda _: log.append((world.kernel.now, world.wire.real())))
    talk = Talk(url)
    world.kernel.at(3 * SECOND, talk.device, world.wire.open, talk)
    came: list[int] = []
    world.wire.loop.call_later(0.07, partial(world.wire.enter, lambda: came.append(world.kernel.now)))
    world.run()
    assert [now for now, _ in log] == [0, 5 * SECOND, 10 * SECOND]
    assert log[2][1] - log[0][1] >= 0.09
    assert talk.log[-1] == "over"
    assert 6 * SECOND <= came[0] <= 10 * SECOND


@pytest.mark.parametrize("factor", [0, -1, float("inf"), float("nan")])
def test_time_cannot_run_backwards_or_infinitely_fast(factor: float) -> None:
    with pytest.raises(ValueError, match="times as fast"):
        BoundPace(factor)
