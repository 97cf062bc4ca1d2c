"""The progress display: a few drawings a second on a terminal, nothing at all elsewhere."""

import io

import pytest

from cpescript.kernel.time import HOUR, SECOND
from cpescript.report.progress import Progress, lines
from cpescript.results import Snapshot


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def snapshot(**more: object) -> Snapshot:
    values = {
        "title": "firmware rollout",
        "t": 2 * HOUR + 5 * SECOND + 123,
        "sessions": 5_412,
        "devices": 101,
        "states": {"online": 101, "updating": 20, "faulted": 0},
        "claims_open": 2,
        "claims_met": 4,
        **more,
    }
    return Snapshot(**values)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_it_says_time_sessions_states_and_claims():
    assert lines(snapshot(claims_missed=1, statement="    expect SPV on fleet"), 3.7) == (
        "firmware rollout",
        "  02:00:05 virtual, 4 s real, 5,412 sessions",
        "  101 devices: 101 online, 20 updating",
        "  claims: 2 open, 4 met, 1 missed",
        "  expect SPV on fleet",
    )


def test_nothing_is_written_where_there_is_no_terminal(clock):
    stream = io.StringIO()
    with Progress(stream, clock) as progress:
        progress.update(snapshot())
    assert stream.getvalue() == ""


def test_it_draws_a_few_times_a_second_however_often_it_is_told(clock):
    stream = Terminal()
    with Progress(stream, clock) as progress:
        for step in range(1000):
            clock.now = 100 + step / 1000
            progress.update(snapshot(sessions=10_000 + step))
    drawn = [step for step in range(1000) if f"{10_000 + step:,} sessions" in stream.getvalue()]
    assert drawn == [0, 250, 500, 750]


def test_the_screen_is_left_as_it_was_found(clock):
    stream = Terminal()
    with Progress(stream, clock) as progress:
        progress.update(snapshot())
        shown = stream.getvalue()
        assert "\x1b[?25l" in shown  # the cursor is hidden while it draws
    assert stream.getvalue().endswith("\x1b[2K") or "\x1b[?25h" in stream.getvalue()[len(shown) :]


def test_it_can_make_room_for_lines_that_stay_and_go_on(clock):
    stream = Terminal()
    with Progress(stream, clock) as progress:
        progress.update(snapshot())
        progress.clear()
        stream.write("a line that stays\n")
        clock.now += 1
        progress.update(snapshot(sessions=7))
    assert "7 sessions" in stream.getvalue().split("a line that stays\n")[1]
