"""Asking other systems what they believe: when, about whom, and what the trace is told."""

import pytest

from cpescript.execution.beliefs import Believing, Question
from cpescript.kernel.queue import Kernel, Owner
from cpescript.kernel.time import SECOND
from cpescript.kernel.trace import Trace

PATH = "Device.DeviceInfo.SoftwareVersion"


class Box(Owner):
    recent = None

    @property
    def name(self):
        return f"box[{self.number}]"


class Desk:
    """A system that answers at once, or when it is told to; `values` is what it believes of each device."""

    def __init__(self, period=None, late=False, last=None):
        self.kernel = Kernel()
        self.trace = Trace(self.kernel)
        self.boxes = {number: Box(number) for number in (1, 2, 3)}
        self.values = dict.fromkeys(self.boxes, "1.0")
        self.asked, self.waiting, self.facts, self.first = [], [], [], []
        self.late = late
        self.trace.watch(["belief"], lambda record: self.facts.append((self.now, record.device, dict(record.data))))
        self.believing = Believing(
            self.kernel,
            self.trace,
            Owner(0),
            "portal",
            {number: Question(paths=(PATH,)) for number in self.boxes},
            self.ask,
            self.boxes.get,
            period=period,
            last=last,
            first=self.first.append,
        )

    @property
    def now(self):
        return self.kernel.now // SECOND

    def ask(self, asked, done):
        numbers = [number for number, _ in asked]
        self.asked.append((self.now, numbers))

        def answer(error=None):
            done(error or [[{"path": PATH, "value": self.values[number], "type": "string"}] for number in numbers])

        if self.late:
            self.waiting.append(answer)
        else:
            answer()

    def session(self, second, *numbers):
        for number in numbers:
            self.kernel.at(
                second * SECOND, self.boxes[number], lambda _, n=number: self.trace.fact(self.boxes[n], "SessionEnd")
            )


def test_it_is_asked_at_the_opening_and_after_each_session_of_the_device():
    desk = Desk()
    desk.session(10, 2)
    desk.session(20, 3, 1)
    desk.believing.open()
    assert desk.first == [None]
    desk.values[2] = "2.0"
    desk.kernel.run()
    assert desk.asked == [(0, [1, 2, 3]), (10, [2]), (20, [1, 3])]
    assert [(second, device, data["value"]) for second, device, data in desk.facts] == [
        (0, 1, "1.0"), (0, 2, "1.0"), (0, 3, "1.0"), (10, 2, "2.0"),
    ]  # fmt: skip
    assert desk.facts[-1][2] == {"system": "portal", "path": PATH, "value": "2.0", "type": "string"}


def test_where_time_is_bound_it_is_asked_each_second_until_the_end():
    desk = Desk(period=60 * SECOND)
    desk.believing.open()
    desk.kernel.run(until=200 * SECOND)
    assert [second for second, _ in desk.asked] == [0, 60, 120, 180]
    desk.believing.close()
    desk.kernel.run()
    assert len(desk.asked) == 4


def test_it_is_asked_once_more_at_the_deadline():
    desk = Desk(last=300 * SECOND)
    desk.session(10, 2)
    desk.believing.open()
    desk.kernel.run()
    assert desk.asked == [(0, [1, 2, 3]), (10, [2]), (300, [1, 2, 3])]
    early = Desk(last=300 * SECOND)
    early.believing.open()
    early.believing.close()
    early.kernel.run()
    assert early.asked == [(0, [1, 2, 3])]


def test_nobody_is_asked_for_again_before_the_answer_is_there():
    desk = Desk(late=True)
    desk.session(10, 1)
    desk.session(20, 1, 2)
    desk.believing.open()
    desk.kernel.run()
    assert desk.asked == [(0, [1, 2, 3])]
    assert desk.first == []
    desk.waiting.pop()()
    desk.kernel.run()
    assert desk.first == [None]
    assert desk.asked == [(0, [1, 2, 3]), (20, [1, 2])]


def test_an_answer_that_comes_after_the_end_is_not_heard():
    desk = Desk(late=True)
    desk.believing.open()
    desk.believing.close()
    desk.waiting.pop()()
    assert (desk.facts, desk.first) == ([], [])


def test_what_goes_wrong_first_is_told_and_what_goes_wrong_later_is_a_fact():
    desk = Desk(late=True)
    desk.believing.open()
    error = RuntimeError("portal: no answer")
    desk.waiting.pop()(error)
    assert desk.first == [error]
    desk.session(10, 1)
    desk.kernel.run()
    desk.waiting.pop()(error)
    assert desk.facts == [(10, 0, {"system": "portal", "error": "portal: no answer"})]
    desk.session(20, 1)
    desk.kernel.run()
    desk.waiting.pop()()
    assert desk.facts[-1][1] == 1


@pytest.mark.parametrize("again", [1, 3])
def test_asking_again_by_hand_is_asked_once_an_instant(again):
    desk = Desk()
    desk.believing.open()
    for _ in range(again):
        desk.believing.again()
    desk.kernel.run()
    assert desk.asked == [(0, [1, 2, 3])] * 2


def test_asking_at_once_does_not_wait_for_the_queue():
    desk = Desk()
    desk.believing.open()
    desk.believing.again()
    desk.believing.again(at_once=True)
    assert desk.asked == [(0, [1, 2, 3])] * 2
    desk.kernel.run()
    assert len(desk.asked) == 2


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("claim", ["check acs sees {} == 1 on cpe within 1m", "never acs sees {} == 1 on cpe"])
def test_a_first_answer_that_is_an_error_is_told_and_ends_the_asking(play, claim, late):
    world = play(f"spawn 1 of hg100 as cpe\n{claim.format(PATH)}\nwait 1m\n")
    ended = []

    def believe(system, devices, question, period, last, first):
        failed = OSError("no route to it")
        if late:
            world.kernel.at(5 * SECOND, Owner(0), first, failed)
        else:
            first(failed)
        return lambda: ended.append(world.kernel.now // SECOND)

    world.believe = believe
    assert world.run() == ("error", "no route to it")
    assert ended == [5 if late else 0]
