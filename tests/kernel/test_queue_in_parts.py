"""The queue run in parts, by somebody who decides between events whether time may move."""

from __future__ import annotations

from cpescript.kernel.queue import ACS, DEADLINE, Kernel, Owner


def test_peek_tells_the_instant_and_the_priority_of_the_next_event() -> None:
    kernel, log = Kernel(), []
    assert kernel.peek() is None
    kernel.at(5, Owner(3), log.append, "deadline", DEADLINE)
    assert kernel.peek() == (5, DEADLINE)
    first = kernel.at(5, Owner(1 << 27), log.append, "acs", ACS)
    assert kernel.peek() == (5, ACS)
    kernel.cancel(first)
    assert kernel.peek() == (5, DEADLINE)
    assert (kernel.now, log) == (0, [])


def test_run_ends_after_so_many_events() -> None:
    kernel, log, owner = Kernel(), [], Owner(1)
    for when in (1, 1, 2, 3):
        kernel.at(when, owner, log.append, when)
    kernel.run(most=1)
    assert (log, kernel.now, kernel.events) == ([1], 1, 1)
    kernel.run(until=2, most=10)
    assert (log, kernel.now, kernel.events) == ([1, 1, 2], 2, 3)
    kernel.run()
    assert log == [1, 1, 2, 3]


def test_a_cancelled_event_does_not_count() -> None:
    kernel, log, owner = Kernel(), [], Owner(1)
    kernel.cancel(kernel.at(1, owner, log.append, "cancelled"))
    kernel.at(2, owner, log.append, "runs")
    kernel.run(most=1)
    assert log == ["runs"]


def test_stopped_until_the_next_run() -> None:
    kernel, owner = Kernel(), Owner(1)
    kernel.at(1, owner, lambda _: kernel.stop())
    kernel.at(2, owner, lambda _: None)
    assert not kernel.stopped
    kernel.run()
    assert kernel.stopped
    assert kernel.pending == 1
    kernel.run()
    assert not kernel.stopped
