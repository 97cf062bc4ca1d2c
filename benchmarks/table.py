"""One row of the table of speeds: what is measured, in what, and what it is held to."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Figure(NamedTuple):
    """A figure, and a few words that are told beside it."""

    value: float
    beside: str = ""


class Row(NamedTuple):
    """`measure` returns the figure. It raises FileNotFoundError where something that it needs is not installed."""

    name: str
    unit: str
    aim: str
    measure: Callable[[], float | Figure]
    slow: bool = False
    """Takes minutes: run only when it is asked for by name."""
