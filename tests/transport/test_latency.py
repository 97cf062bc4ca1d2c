"""Histograms of response times: bounded, and right to 1.6 %."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cpescript.transport.latency import Histogram, Latencies


@given(st.lists(st.floats(1e-6, 3600), min_size=1, max_size=200), st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_close_to_the_true_one(times: list[float], share: float) -> None:
    histogram = Histogram()
    for time in times:
        histogram.add(time)
    ordered = sorted(times)
    true = ordered[max(0, -(-int(share * 100) * len(ordered) // 100) - 1)]
    assert true * (1 - 1 / 64) - 1e-6 <= histogram.percentile(share) <= true
    assert histogram.maximum == max(times)


def test_a_histogram_stays_small() -> None:
    histogram = Histogram()
    for microseconds in range(1, 2_000_000, 7):
        histogram.add(microseconds / 1e6)
    assert len(histogram._buckets) < 1200


def test_nothing_recorded() -> None:
    assert Histogram().percentile(0.5) == 0.0
    assert Latencies().figures() == ()


def test_errors_without_a_response_have_figures_too() -> None:
    latencies = Latencies()
    latencies.error("Inform", "timeout")
    latencies.error("Inform", "timeout")
    (figures,) = latencies.figures()
    assert (figures.kind, figures.count, figures.maximum, figures.errors) == ("Inform", 0, 0.0, {"timeout": 2})
