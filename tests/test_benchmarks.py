"""The scenarios of the benchmarks still play: a figure that nobody can take any more is found here, not on the day."""

from importlib import import_module

from benchmarks import run
from benchmarks.__main__ import THEMES


def test_a_day_over_the_stub_plays():
    assert run.sessions_per_second(2, "10m", target=run.stub_target) > 0


def test_no_two_rows_have_one_name():
    names = [row.name for theme in THEMES for row in import_module(f"benchmarks.{theme}").ROWS]
    assert len(set(names)) == len(names) > 20
