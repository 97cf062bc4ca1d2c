"""The picture of response times: a logarithmic axis that holds every bar, and rows in the order of the table."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cpescript.report.latency_picture import times
from cpescript.report.picture import GUTTER, WIDTH
from cpescript.results import Latency

LATENCIES = (
    Latency("Inform", 100, 1.0, 10.0, 100.0, 1000.0),
    Latency("Empty", 0, 0.0, 0.0, 0.0, 0.0, {"timeout": 3}),
)


def test_a_decade_is_as_wide_as_the_next():
    inform, empty = times(LATENCIES).rows
    assert inform.p95 - inform.p50 == inform.p99 - inform.p95 == inform.maximum - inform.p99 > 0
    assert (empty.maximum, empty.errors) == (0, "3 timeout")
    assert empty.y > inform.y


def test_the_axis_says_what_a_reader_expects():
    assert [tick.label for tick in times(LATENCIES).ticks] == ["1 ms", "10 ms", "100 ms", "1 s"]
    assert "Inform: 100 answers, p50 1.0 ms" in times(LATENCIES).described


def test_nothing_answered_still_has_an_axis():
    assert len(times(LATENCIES[1:]).ticks) == 2


@given(st.lists(st.lists(st.floats(0, 1e7), min_size=4, max_size=4).map(sorted), min_size=1, max_size=5))
def test_every_bar_is_inside(rows):
    picture = times([Latency(str(number), 1, *row) for number, row in enumerate(rows)])
    for row in picture.rows:
        assert GUTTER <= row.p50 <= row.p95 <= row.p99 <= row.maximum <= WIDTH
        assert 0 < row.y < picture.height
