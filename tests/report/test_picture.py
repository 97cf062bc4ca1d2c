"""The geometry of the pictures: nothing leaves the page, no two labels cross."""

from itertools import pairwise
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st

from cpescript.kernel.time import HOUR, MINUTE
from cpescript.report import picture
from cpescript.results import Lane, LaneBar
from tests.report import samples

KINDS = st.sampled_from(("statement", "claim-met", "claim-missed", "claim-open", "state"))
TIMES = st.integers(0, 8 * HOUR)


@st.composite
def bars(draw):
    start = draw(TIMES)
    end = draw(st.none() | st.integers(start, 8 * HOUR))
    return LaneBar("a" * draw(st.integers(0, 90)), start, end, draw(KINDS))


LANES = st.lists(
    st.builds(Lane, st.text(max_size=40), st.lists(bars(), max_size=8).map(tuple)), min_size=1, max_size=50
)


@given(LANES, TIMES)
@example([Lane("late", (LaneBar("a" * 60, 5 * HOUR, 5 * HOUR, "statement"),))], 8 * HOUR)
@example([Lane("last", (LaneBar("a" * 90, 8 * HOUR, None, "claim-met"),))], 8 * HOUR)
def test_nothing_leaves_the_page(lanes, virtual):
    drawn = picture.swim(lanes, virtual)
    assert len(drawn.lanes) == min(len(lanes), picture.LANES_SHOWN)
    for lane in drawn.lanes:
        assert lane.y + lane.height <= drawn.height
        for bar in lane.bars:
            left, right = picture.extent(bar)
            assert left >= picture.GUTTER - 1
            assert right <= picture.WIDTH
            assert lane.y <= bar.y <= lane.y + lane.height


@given(LANES, TIMES, st.sampled_from((3, picture.ROWS_APART)))
def test_no_two_bars_or_labels_of_a_row_cross(lanes, virtual, apart):
    with patch.object(picture, "ROWS_APART", apart):
        drawn = picture.swim(lanes, virtual)
    for lane in drawn.lanes:
        rows = {}
        for bar in lane.bars:
            if bar.kind == "state brief":
                continue  # these share a row, without labels beside them
            rows.setdefault(bar.y, []).append(picture.extent(bar))
        for row in rows.values():
            row.sort()
            assert all(one[1] <= other[0] + 0.01 for one, other in pairwise(row))


def test_statements_stand_in_the_order_of_time_while_they_are_few():
    early, late = LaneBar("early", 0, MINUTE, "statement"), LaneBar("late", 20 * MINUTE, HOUR, "claim-met")
    [lane] = picture.swim([Lane("timeline", (late, early))], HOUR).lanes
    assert {bar.y: bar.text for bar in lane.bars} == {lane.y + 4: "early", lane.y + 4 + picture.ROW: "late"}
    many = tuple(LaneBar("", at * MINUTE, at * MINUTE, "statement") for at in range(picture.ROWS_APART + 1))
    [lane] = picture.swim([Lane("timeline", many)], HOUR).lanes
    assert lane.height == picture.ROW


def test_what_was_done_at_once_comes_before_what_went_on_from_there():
    bars = (LaneBar("wait", 0, HOUR, "statement", 3), LaneBar("reboot", 0, 0, "statement", 2))
    [lane] = picture.swim([Lane("timeline", bars)], HOUR).lanes
    assert [bar.text for bar in sorted(lane.bars, key=lambda bar: bar.y)] == ["reboot", "wait"]


def test_a_device_is_two_rows_high_however_many_states_it_is_in():
    busy = tuple(LaneBar(f"state {at}", at * MINUTE, at * MINUTE + 2, "state") for at in range(1, 60))
    [lane] = picture.swim([Lane("fleet[1]", (LaneBar("online", 0, None, "state"), *busy, *busy))], HOUR).lanes
    assert lane.height == 2 * picture.ROW
    assert {bar.kind for bar in lane.bars} == {"state", "state brief"}


def test_online_looks_the_same_whatever_a_device_was_in_before():
    both = (LaneBar("rebooting", 0, HOUR, "state"), LaneBar("online", 0, HOUR, "state"))
    [lane] = picture.swim([Lane("fleet[1]", both)], HOUR).lanes
    assert {bar.text: bar.kind for bar in lane.bars} == {"online": "state", "rebooting": "state brief"}


def test_ticks_are_round_and_few():
    labels = [tick.label for tick in picture.swim(samples.LANES, 4 * HOUR + 6 * MINUTE).ticks]
    assert labels == ["0s", "30m", "1h", "1h30m", "2h", "2h30m", "3h", "3h30m", "4h"]


@given(TIMES)
def test_there_are_never_more_than_ten_ticks(virtual):
    lane = Lane("timeline", (LaneBar("wait", 0, virtual, "statement"),))
    assert 1 <= len(picture.swim([lane], virtual).ticks) <= 10


def test_nothing_to_draw_is_no_picture():
    assert picture.swim((), HOUR) is None


def test_a_long_ladder_shows_where_sessions_begin_and_how_long_it_was_quiet():
    drawn = picture.ladder(samples.MISSES[0].messages, "fleet[17]", 4 * HOUR)
    assert [(pause.label, pause.gap) for pause in drawn.pauses] == [
        ("session 3", ""),
        ("", "4m12s later"),
        ("session 4", ""),
    ]
    assert len(drawn.rungs) == 10
    assert drawn.rungs[-1].y < drawn.height
