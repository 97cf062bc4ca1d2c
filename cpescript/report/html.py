"""The report for people: one HTML file that needs nothing else, neither script nor network, and prints well."""

from __future__ import annotations

from functools import lru_cache
from textwrap import dedent
from typing import TYPE_CHECKING

from cpescript.diagnostics import placing
from cpescript.kernel.time import format_clock
from cpescript.report import latency_picture, picture
from cpescript.report.explain import (
    ARROWS,
    VERDICTS,
    WHOSE,
    counted,
    excerpt,
    facts,
    plain,
    readable,
    summary_line,
    visible,
)
from cpescript.results import RunResult

if TYPE_CHECKING:
    from jinja2 import Environment


MONITORS = frozenset({"always", "never", "sometimes"})
"""Statements that watch devices; nobody counts who has met them."""


def render(result: RunResult) -> str:
    """Return the report as an HTML document."""
    template = _environment().get_template("report.html.j2")
    counts = {verdict: sum(one.verdict == verdict for one in result.scenarios) for verdict in VERDICTS}
    return template.render(
        result=result,
        summary=plain([summary_line(result)]).strip(),
        counts={verdict: count for verdict, count in counts.items() if count},
    )


def _shown(value: object) -> object:
    """What HTML cannot carry, or would hide, is shown as an escape; what is markup already stays as it is."""
    if type(value) is not str:
        return value
    return "\n".join(visible(line) for line in value.replace("\r\n", "\n").split("\n"))


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("cpescript.report", "templates"),
        autoescape=True,  # device data and ACS answers are strangers' text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.globals.update(
        ARROWS=ARROWS,
        MONITORS=MONITORS,
        VERDICTS=VERDICTS,
        WHOSE=WHOSE,
        facts=facts,
        placing=lambda claims: placing(claim.span for claim in claims),
        ladder=picture.ladder,
        swim=picture.swim,
        times=latency_picture.times,
        underlined=lambda span, source, remedy="": dedent(plain(excerpt(span, source, remedy))).rstrip("\n"),
    )
    environment.filters.update(clock=format_clock, counted=counted, readable=readable)
    return environment
