"""What a device rests between two sessions, and that nobody else does, nor virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from cpescript.kernel.queue import Owner
from cpescript.transport.pacing import BoundPace, VirtualPace
from cpescript.transport.rests import Rests
from tests.transport.scripted_wire import OK, Talk, World

Make = Callable[..., World]
SECOND = 10**9


def test_a_device_rests_from_the_end_of_its_session_on() -> None:
    rests = Rests()
    assert rests.left(1, 100.0) == 0
    rests.begin(1, 100.0, 0.5)
    assert (rests.left(1, 100.25), rests.left(2, 100.25), rests.left(1, 100.5)) == (0.25, 0, 0)
    rests.begin(1, 200.0, 0.5)
    assert rests.left(1, 200.25) == 0.25


def test_nothing_is_kept_of_who_has_rested() -> None:
    rests = Rests()
    for number in range(1000):
        rests.begin(number, number * 0.1, 0.5)
    rests.begin(999, 99.95, 0.5)
    assert len(rests._until) == 5
    rests.begin(7, 200.0, 0.0)
    assert not rests._until, "no gap, no rest"


def test_who_ends_another_session_goes_behind_the_others() -> None:
    rests = Rests()
    for device, now in ((1, 100.0), (2, 100.125), (1, 100.25), (3, 100.6875)):
        rests.begin(device, now, 0.5)
    assert [*rests._until] == [1, 3]


class Clockmaker:
    """A loop whose long timers go off when a test says so."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.kept: list[Callable[[], Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def call_later(self, delay: float, action: Callable[..., Any], *arguments: Any) -> Any:
        if delay > 100:
            self.kept.append(partial(action, *arguments))
            return None
        return self._loop.call_later(delay, action, *arguments)


class Told(Talk):
    """A session that says in a log when it begins and ends."""

    def __init__(self, name: str, log: list[tuple[str, int]], world: World, url: str, number: int) -> None:
        super().__init__(url, number=number)
        self.name, self.events, self.world = name, log, world

    def start(self) -> Any:
        self.events.append((f"{self.name} begins", self.world.kernel.now))
        return super().start()

    def receive(self, response: Any) -> Any:
        step = super().receive(response)
        if step is None:
            self.events.append((f"{self.name} ends", self.world.kernel.now))
        return step


def play(make_world: Make, gap: float) -> tuple[list[tuple[str, int]], int]:
    """Have device 1 end a session and begin another one as device 2 begins one; return what happened and how many
    rested."""
    world = make_world(pace=VirtualPace(patience=0.0, gap=gap))
    log: list[tuple[str, int]] = []
    world.wire.loop = loop = Clockmaker(world.wire.loop)  # type: ignore[assignment]
    rested: list[Any] = []
    url = world.answering(OK)
    first, again, other = (
        Told(name, log, world, url, number) for name, number in (("first", 1), ("again", 1), ("other", 2))
    )
    world.kernel.at(0, first.device, world.wire.open, first)
    for each in (again, other):
        world.kernel.at(5 * SECOND, each.device, world.wire.open, each)
    world.kernel.at(9 * SECOND, Owner(9), lambda _: log.append(("later", world.kernel.now)))

    async def wake() -> None:
        while ("other ends", 5 * SECOND) not in log:
            await asyncio.sleep(0.001)
        rested.extend(loop.kept)
        for timer in loop.kept:
            timer()

    waking = loop.create_task(wake())
    world.run()
    loop.run_until_complete(waking)
    return log, len(rested)


def test_others_go_on_while_a_device_rests_and_time_waits_for_it(make_world: Make) -> None:
    log, rested = play(make_world, gap=1000.0)
    assert rested == 1
    at = 5 * SECOND
    assert log == [
        ("first begins", 0),
        ("first ends", 0),
        ("again begins", at),
        ("other begins", at),
        ("other ends", at),
        ("again ends", at),
        ("later", 9 * SECOND),
    ]


def test_without_a_gap_nobody_rests(make_world: Make) -> None:
    log, rested = play(make_world, gap=0.0)
    assert rested == 0
    assert log[-1] == ("later", 9 * SECOND)


def test_bound_time_is_the_devices_own() -> None:
    assert (BoundPace().gap, BoundPace().patience) == (0, 0)
