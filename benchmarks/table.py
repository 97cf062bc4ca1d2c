"""One row of the table of speeds: what is measured, in what, and what it is held to."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Row(NamedTuple):
    """`measure` returns the figure. It raises FileNotFoundError where something that it needs is not installed."""

    name: str
    unit: str
    aim: str
    measure: Callable[[], float]
    slow: bool = False
    """Takes minutes: run only when it is asked for by name."""
