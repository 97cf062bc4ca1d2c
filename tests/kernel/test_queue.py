"""The queue: order, cancelling, and independence of how a fleet is split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.kernel.queue import ACS, DEADLINE, DEVICE, TIMELINE, Kernel, Owner


def test_events_run_by_instant_then_priority_then_owner_then_own_counter():
    kernel, log = Kernel(), []
    one, two, timeline = Owner(1), Owner(2), Owner(0)
    kernel.at(5, two, log.append, "two, first")
    kernel.at(5, one, log.append, "one, first")
    kernel.at(5, one, log.append, "one, second")
    kernel.at(5, timeline, log.append, "timeline", TIMELINE)
    kernel.at(5, timeline, log.append, "deadline", DEADLINE)
    kernel.at(5, Owner(0), log.append, "acs", ACS)
    kernel.at(4, two, log.append, "earlier", DEADLINE)
    kernel.run()
    assert log == ["earlier", "one, first", "one, second", "two, first", "acs", "timeline", "deadline"]
    assert kernel.now == 5
    assert kernel.events == 7


def test_an_instant_that_has_passed_means_now():
    kernel, log = Kernel(), []
    device = Owner(1)
    kernel.at(10, device, lambda _: kernel.at(3, device, lambda _: log.append(kernel.now)))
    kernel.run()
    assert log == [10]


def test_a_cancelled_event_does_not_run_and_does_not_count():
    kernel, log = Kernel(), []
    device = Owner(1)
    handle = kernel.at(1, device, log.append, "cancelled")
    kernel.at(2, device, log.append, "kept")
    kernel.cancel(handle)
    assert kernel.pending == 1
    assert kernel.next_instant() == 2
    kernel.run()
    assert log == ["kept"]
    assert kernel.pending == 0


def test_run_until_includes_that_instant_and_leaves_the_rest():
    kernel, log = Kernel(), []
    device = Owner(1)
    for instant in (1, 2, 3):
        kernel.at(instant, device, log.append, instant)
    kernel.run(until=2)
    assert log == [1, 2]
    kernel.advance(2)
    kernel.run()
    assert log == [1, 2, 3]


def test_stop_returns_after_the_running_event():
    kernel, log = Kernel(), []
    device = Owner(1)
    kernel.at(1, device, lambda _: kernel.stop())
    kernel.at(1, device, log.append, "later")
    assert not kernel.stopped
    kernel.run()
    assert (log, kernel.stopped, kernel.pending) == ([], True, 1)
    kernel.run()
    assert (log, kernel.stopped) == (["later"], False)


def test_what_an_event_raises_stops_the_run_and_keeps_the_rest():
    kernel, log = Kernel(), []
    device = Owner(1)
    kernel.at(1, device, lambda _: 1 // 0)
    kernel.at(2, device, log.append, "after")
    try:
        kernel.run()
    except ZeroDivisionError:
        log.append("raised")
    kernel.run()
    assert log == ["raised", "after"]
    assert kernel.events == 2


def test_the_clock_never_goes_back():
    kernel = Kernel()
    kernel.advance(5)
    with pytest.raises(ValueError, match="cannot go back"):
        kernel.advance(4)


events = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4), st.sampled_from([DEVICE, DEADLINE])), max_size=40)


@given(events)
def test_a_fleet_split_over_two_queues_keeps_each_devices_order(planned):
    def play(numbers):
        kernel, log = Kernel(), []
        owners = {number: Owner(number) for number in numbers}
        for index, (instant, number, priority) in enumerate(planned):
            if number in owners:
                kernel.at(instant, owners[number], log.append, (instant, priority, number, index), priority)
        kernel.run()
        return log

    whole = play([1, 2, 3, 4])
    split = play([1, 3]) + play([2, 4])
    assert sorted(split, key=whole.index) == whole
    assert whole == sorted(whole, key=lambda event: event)


def test_run_gives_way_after_so_many_events():
    kernel, log, owner = Kernel(), [], Owner(1)
    for when in (1, 1, 2, 3):
        kernel.at(when, owner, log.append, when)
    kernel.run(most=1)
    assert (log, kernel.now, kernel.events) == ([1], 1, 1)
    kernel.run(until=2, most=10)
    assert (log, kernel.now, kernel.events) == ([1, 1, 2], 2, 3)
    kernel.run()
    assert log == [1, 1, 2, 3]


def test_of_so_many_events_a_cancelled_one_is_none():
    kernel, log, owner = Kernel(), [], Owner(1)
    kernel.cancel(kernel.at(1, owner, log.append, "cancelled"))
    kernel.at(2, owner, log.append, "runs")
    kernel.run(most=1)
    assert log == ["runs"]


def test_peek_tells_the_instant_and_the_priority_of_the_next_event():
    kernel, log = Kernel(), []
    assert kernel.peek() is None
    assert kernel.next_instant() is None
    kernel.at(5, Owner(3), log.append, "deadline", DEADLINE)
    assert kernel.peek() == (5, DEADLINE)
    first = kernel.at(5, Owner(1 << 27), log.append, "acs", ACS)
    assert kernel.peek() == (5, ACS)
    kernel.cancel(first)
    assert kernel.peek() == (5, DEADLINE)
    assert (kernel.now, log) == (0, [])


def test_many_cancelled_entries_are_thrown_out_and_the_order_stays():
    kernel, log = Kernel(), []
    owner = Owner(1)
    handles = [kernel.at(instant % 97, owner, log.append, (instant % 97, instant)) for instant in range(4_000)]
    for handle in handles[::2]:
        kernel.cancel(handle)
    assert kernel.pending == 2_000
    assert len(kernel._heap) < 4_000
    kernel.run()
    assert log == sorted((instant % 97, instant) for instant in range(1, 4_000, 2))
