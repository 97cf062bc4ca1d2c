"""What an editor waits for: a completion in a file of 500 lines, and a whole check of it."""

from __future__ import annotations

import time

from benchmarks.table import Row
from cpescript.language.catalogue import standard_catalogue
from cpescript.lsp.analysis import analyse
from cpescript.lsp.completion import complete

BLOCK = """    expect SPV Device.ManagementServer.PeriodicInformInterval = 300 on each fleet within 15m
    reboot fleet over 1m
    expect InformResponse on each fleet within 10m
    check no Fault on fleet for 5m
    let tenth_{0} = 10% of fleet
"""
TEXT = 'scenario "long":\n    spawn 100 of hg100 as fleet\n' + "".join(BLOCK.format(turn) for turn in range(100))
TURNS = 20


def completion_ms() -> float:
    """Milliseconds of the slowest of several completions at the end of 500 lines, names and paths."""
    analysis = analyse(TEXT, "/nowhere/long.cpes", standard_catalogue())
    slowest = 0.0
    for typed in ("    reboot te", "    expect SPV Device.ManagementServer.P", "    exp"):
        text = TEXT + typed
        line, column = text.count("\n") + 1, len(typed) + 1
        for _ in range(TURNS):
            began = time.perf_counter()
            if not complete(analysis, text, line, column):
                raise SystemExit(f"the benchmark's own place has no completion: {typed!r}")
            slowest = max(slowest, time.perf_counter() - began)
    return slowest * 1000


def check_500_ms() -> float:
    """Milliseconds of a check of 500 lines, the median of several."""
    took = []
    for _ in range(TURNS):
        began = time.perf_counter()
        analyse(TEXT, "/nowhere/long.cpes", standard_catalogue())
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took)[TURNS // 2]


ROWS = (
    Row("completion_500_lines_ms", "ms", "at most 50", completion_ms),
    Row("editor_check_500_lines_ms", "ms", "-", check_500_ms),
)
