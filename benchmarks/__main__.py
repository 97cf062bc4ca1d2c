"""`make bench`, or `python -m benchmarks [ROW...]`: prints the table; a part of a row's name chooses rows.

With BENCH_JSON=FILE the figures are kept as JSON. Nothing is asserted: machines are shared and noisy, a figure is for
comparing. Slow rows run only when they are chosen. A further theme is a module with `ROWS`, and its line in `THEMES`.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.table import Figure, Row

THEMES = ("run", "http_sessions", "load", "devices", "language", "editors")


def main(chosen: list[str]) -> int:
    rows: list[Row] = [row for theme in THEMES for row in import_module(f"benchmarks.{theme}").ROWS]
    wanted = [row for row in rows if (any(part in row.name for part in chosen) if chosen else not row.slow)]
    if not wanted:
        print(f"no row has {' or '.join(map(repr, chosen))} in its name: {', '.join(row.name for row in rows)}")
        return 2
    figures = {}
    for row in wanted:
        try:
            found = row.measure()
        except FileNotFoundError as error:
            print(f"{row.name:<30} skipped: {error}", flush=True)
            continue
        value, beside = found if isinstance(found, Figure) else (found, "")
        figures[row.name] = {"value": value, "unit": row.unit, "beside": beside}
        shown = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
        print(f"{row.name:<30} {shown:>12} {row.unit:<12} (aim: {row.aim})  {beside}".rstrip(), flush=True)
    if target := os.environ.get("BENCH_JSON"):
        Path(target).write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
