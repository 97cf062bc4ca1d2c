"""The rule by which time moves: windows, deadlines, patience, driven clocks, jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from cpescript.kernel.queue import DEADLINE, DEVICE, TIMELINE, Kernel, Owner
from cpescript.transport.pacing import BoundPace, VirtualPace
from tests.transport.scripted_wire import OK, Talk, World, request

SECOND = 10**9


class Slow(World):
    """A world whose ACS answers when all have spoken who have a session, and a little later, for what must not happen
    meanwhile. It notes how many requests were out together."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.out = 0
        self.together: list[int] = []
        self.log: list[Any] = []
        self.url = self.serve(self._answer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await request(reader) is not None:
            self.out += 1
            while self.out < sum(each.session.url == self.url for each in self.wire._carried):
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.02)
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

    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        while ("follows", 0) not in world.log:
            await asyncio.sleep(0.001)
        world.log.append(("answered", 0))
        writer.write(OK)

    talk, other = Chain(world.url), Talk(world.serve(busy), number=2)
    for each in (talk, other):
        world.kernel.at(0, each.device, world.wire.open, each)
    world.note_at(2 * SECOND, "later")
    world.run()
    assert world.log == [("answered", 0), ("follows", 0), ("answered", 0), ("later", 2 * SECOND)]


def test_a_deadline_waits_for_the_answer_that_is_out(slow: Make) -> None:
    world = slow()
    world.session_at(0, 1)
    world.note_at(0, "deadline", DEADLINE)
    world.run()
    assert [what for what, _ in world.log] == ["answered", "deadline"]


def test_traffic_starts_patience_anew_and_a_quiet_served_holds(slow: Make) -> None:
    world = slow(patience=0.05)
    for number in range(50):
        world.note_at(number * SECOND, "deadline", DEADLINE)
    world.session_at(25 * SECOND, 1)
    world.run()
    assert len(world.log) == 51
    # Once before the first deadline, once after the session; for the end of the queue the second one still holds.
    assert world.pace.served == pytest.approx(0.1)


class Quiet:
    """A wire on which nothing is, and a wall clock that only `wait` moves."""

    def __init__(self, pace: Any) -> None:
        self.kernel = Kernel()
        self.pace = pace
        self.wall = 1000.0
        self.quiet = self.room = True
        self.log: list[tuple[str, int]] = []
        self.pace.begin(self)

    def real(self) -> float:
        return self.wall

    def run_job(self, job: Any, done: Any, *, stirs: bool = True) -> None:
        raise AssertionError("nobody is driven here")

    def note_at(self, when: int, what: str, priority: int = DEVICE) -> None:
        self.kernel.at(when, Owner(99), lambda _: self.log.append((what, self.kernel.now)), None, priority)

    def pump(self) -> float | None:
        """Let run what may run now; return after how many real seconds to come again, None for an end."""
        while (again := self.pace.pump(self)) == 0:
            pass
        return again

    def wait(self, seconds: float) -> float | None:
        self.wall += seconds
        return self.pump()


def test_patience_is_served_before_a_deadline() -> None:
    world = Quiet(VirtualPace(patience=2.0))
    world.note_at(5 * SECOND, "event")
    world.note_at(10 * SECOND, "deadline", DEADLINE)
    assert world.pump() == 2.0
    assert world.wait(1.5) == 0.5
    # What comes meanwhile is of the instant at which time stands.
    world.pace.stir()
    world.note_at(world.kernel.now, "came")
    assert world.pump() == 2.0
    assert world.log == [("event", 5 * SECOND), ("came", 5 * SECOND)]
    assert world.wait(1.75) == 0.25, "traffic starts it anew"
    # Served once, it holds for the end of the queue too.
    assert world.wait(0.25) is None
    assert world.log[2:] == [("deadline", 10 * SECOND)]
    assert world.pace.served == 2.0


def test_nothing_left_but_an_acs_that_may_still_call() -> None:
    world = Quiet(VirtualPace(patience=2.0))
    assert world.pump() == 2.0
    assert world.wait(1.0) == 1.0
    world.pace.stir()
    world.note_at(0, "called")
    assert world.pump() == 2.0
    assert world.log == [("called", 0)]
    assert world.wait(2.0) is None


def test_nobody_is_patient_while_something_is_out() -> None:
    world = Quiet(VirtualPace(patience=2.0))
    world.note_at(SECOND, "deadline", DEADLINE)
    world.quiet = False
    assert world.wait(60.0) == inf
    world.quiet = True
    assert world.pump() == 2.0
    assert world.log == []


def test_the_acs_is_asked_again_while_patience_lasts() -> None:
    world = Quiet(VirtualPace(patience=2.5))
    asked: list[float] = []

    def ask() -> None:
        asked.append(world.wall)
        world.quiet = False

    def answer() -> float | None:
        world.quiet = True
        return world.pump()

    world.pace.ask = ask
    world.note_at(SECOND, "deadline", DEADLINE)
    assert world.pump() == 1.0
    assert world.wait(0.5) == 1.0
    assert world.wait(0.5) == inf
    # Asking is not traffic: patience goes on.
    assert answer() == 1.0
    assert world.wait(1.0) == inf
    assert answer() == 0.5
    assert world.log == []
    assert world.wait(0.5) is None
    assert (asked, world.log) == ([1001.0, 1002.0], [("deadline", SECOND)])
    assert world.pace.served == 2.5


def test_what_the_acs_says_at_the_last_moment_counts_before_the_deadline() -> None:
    world = Quiet(VirtualPace(patience=1.0))

    def ask() -> None:
        world.quiet = False

    world.pace.ask = ask
    world.note_at(SECOND, "deadline", DEADLINE)
    assert world.pump() == 1.0
    # However late somebody looks: the ACS is asked before the deadline passes.
    assert world.wait(60.0) == inf
    assert world.log == []


def test_a_question_on_the_wire_is_no_traffic(slow: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpescript.transport.pacing.ASK_EVERY", 0.01)
    world = slow(patience=0.05)
    answers: list[str] = []

    async def question() -> str:
        await asyncio.sleep(0.001)
        return "no"

    world.pace.ask = lambda: world.wire.run_job(question(), answers.append, stirs=False)
    world.note_at(SECOND, "deadline", DEADLINE)
    world.run()
    assert {*answers} == {"no"}
    assert world.log == [("deadline", SECOND)]
    assert world.pace.served == pytest.approx(0.05)


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
    log: list[int] = []
    url = world.answering(OK)
    for when in (0, 5, 10):
        world.kernel.at(when * SECOND, Owner(1), lambda _: log.append(world.kernel.now))
    talk = Talk(url)
    world.kernel.at(3 * SECOND, talk.device, world.wire.open, talk)
    world.run()
    assert log == [0, 5 * SECOND, 10 * SECOND]
    assert talk.log[-1] == "over"


def test_what_comes_in_bound_time_is_of_the_instant_that_the_wall_shows() -> None:
    world = Quiet(BoundPace(2.0))
    for when in (0, 5, 10):
        world.note_at(when * SECOND, "event")
    assert world.pump() == 2.5
    assert world.wait(1.5) == 1.0
    world.pace.arrive(world)
    assert world.kernel.now == 3 * SECOND
    assert world.wait(1.0) == 2.5
    assert [now for _, now in world.log] == [0, 5 * SECOND]
    # Looked at too late: what came is not later than what should have run before.
    world.wall += 60.0
    world.pace.arrive(world)
    assert world.kernel.now == 10 * SECOND
    assert world.pump() is None
    assert [now for _, now in world.log] == [0, 5 * SECOND, 10 * SECOND]


@pytest.mark.parametrize("factor", [0, -1, float("inf"), float("nan")])
def test_time_cannot_run_backwards_or_infinitely_fast(factor: float) -> None:
    with pytest.raises(ValueError, match="times as fast"):
        BoundPace(factor)
