"""What options hold besides text: functions from a text to a value, for `type=`; a bad text is a message."""

from __future__ import annotations

import click

from cpescript.diagnostics import did_you_mean
from cpescript.kernel.time import Duration, parse_duration


def duration(text: str) -> Duration:
    """Return the duration that `5s`, `1h30m` or `0` names, in nanoseconds."""
    try:
        return Duration(0) if text == "0" else parse_duration(text)
    except ValueError:
        raise click.BadParameter(f"'{text}' is not a duration: write 250ms, 30s, 5m, 2h or 1h30m") from None


def defect(name: str) -> str:
    """Return the name of a deliberate defect; the catalogue is imported only here."""
    from cpescript.acs.defects import catalogue

    if name not in catalogue():
        remedy = did_you_mean(name, catalogue(), "'cpescript acs defects' lists them")
        raise click.BadParameter(f"no defect is called '{name}': {remedy}")
    return name
