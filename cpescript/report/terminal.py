"""The report for a terminal: a verdict line a scenario, every failure explained, a summary. Colour by rich, or none."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from cpescript.report.explain import Line, Role, plain, scenario_lines, summary_line, visible
from cpescript.results import RunResult, ScenarioResult

STYLES: dict[Role, str] = {
    "plain": "",
    "good": "green",
    "bad": "bold red",
    "odd": "yellow",
    "dim": "dim",
    "strong": "bold",
}


def render(result: RunResult, *, colour: bool = False) -> str:
    """Return the whole report as text."""
    parts = [render_scenario(scenario, colour=colour) for scenario in result.scenarios]
    return "".join([*parts, render_summary(result, colour=colour)])


def render_scenario(scenario: ScenarioResult, *, colour: bool = False) -> str:
    """Return one scenario's part, so that a long run can show each as it ends."""
    return _paint(scenario_lines(scenario), colour)


def render_summary(result: RunResult, *, colour: bool = False) -> str:
    """Return the last line."""
    return _paint([summary_line(result)], colour)


def _paint(lines: Iterable[Line], colour: bool) -> str:
    if not colour:
        return plain(lines)
    from rich.console import Console  # late: a report without colours does without rich
    from rich.text import Text

    out = StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", highlight=False, emoji=False)
    for line in lines:
        text = Text()
        for piece, role in line:
            text.append(visible(piece), style=STYLES[role])
        text.rstrip()
        console.print(text, soft_wrap=True)
    return out.getvalue()
