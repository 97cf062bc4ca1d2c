"""What options hold besides text: functions from a text to a value, for `type=`; a bad text is a message."""

from __future__ import annotations

import os

import click

from cpescript.diagnostics import did_you_mean
from cpescript.kernel.time import Duration, parse_duration

MOST_JOBS = 1_024
"""Processes at once. Each takes some 60 MB."""


def duration(text: str) -> Duration:
    """Return the duration that `5s`, `1h30m` or `0` names, in nanoseconds."""
    try:
        return Duration(0) if text == "0" else parse_duration(text)
    except ValueError:
        raise click.BadParameter(f"'{text}' is not a duration: write 250ms, 30s, 5m, 2h or 1h30m") from None


def jobs(text: str) -> int:
    """Return how many cases run at once; `auto` is one for each core that this process may use."""
    if text == "auto":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= MOST_JOBS:
        raise click.BadParameter(f"'{text}' is no number of processes: 1 to {MOST_JOBS}, or auto")
    return number


def defect(name: str) -> str:
    """Return the name of a deliberate defect; the catalogue is imported only here."""
    from cpescript.acs.defects import catalogue

    if name not in catalogue():
        remedy = did_you_mean(name, catalogue(), "'cpescript acs defects' lists them")
        raise click.BadParameter(f"no defect is called '{name}': {remedy}")
    return name
