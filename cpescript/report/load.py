"""A load as text for a terminal: what was asked, what was reached, how long it took, and who was the limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Row = tuple[str, Mapping[str, Any], Mapping[str, int]]
"""A name, its times, its errors by kind."""
COLUMNS = ("count", "p50", "p95", "p99", "max")


def render(load: Mapping[str, Any]) -> str:
    """Return the text of a load's JSON (`runner.load.LoadResult.as_json`), lines up to 100 characters."""
    sessions, simulator, rate = load["sessions"], load["simulator"], load["rate"]
    failed = ", ".join(f"{count} {outcome}" for outcome, count in sessions["failed"].items()) or "none"
    lines = [
        f"load on {load['acs']}: {load['devices']} × {load['profile']}, {load['arrivals']} arrivals, "
        f"seed {load['seed']}",
        "",
        f"  asked     {rate['asked']:g} sessions/s for {load['seconds']['asked']:g} s: {sessions['planned']} sessions",
        f"  reached   {rate['reached']:.1f} sessions/s: {sessions['done']} done, failed: {failed}"
        + (f", lost: {sessions['lost']}" if sessions["lost"] else "")
        + (f", unfinished: {sessions['unfinished']}" if sessions["unfinished"] else ""),
    ]
    if sessions["further"]:
        lines.append(f"            and {sessions['further']} that were not asked for (retries, connection requests)")
    rows: list[Row] = [("whole session, from its due time", sessions["ms"], {})]
    rows += [(each["kind"], each, each["errors"]) for each in load["rpcs"]]
    lines += ["", *_table(rows), ""]
    delay = simulator["delay_ms"]
    lines += [
        f"  simulator {simulator['cpu_share']:.0%} of a CPU; began sessions {delay['p50']:.1f} ms late (p50), "
        f"{delay['p99']:.1f} ms (p99), {delay['max']:.1f} ms (most)",
        f"  limit     {load['limit']}",
        *(f"  note      {remark}" for remark in load["remarks"]),
    ]
    return "\n".join(lines) + "\n"


def _table(rows: Iterable[Row]) -> list[str]:
    lines = [f"  {'ms':<34}" + "".join(f"{name:>9}" for name in COLUMNS) + "  errors"]
    for name, times, errors in rows:
        figures = f"{times['count']:>9}" + "".join(f"{times[each]:>9.1f}" for each in COLUMNS[1:])
        told = ", ".join(f"{count} {kind}" for kind, count in errors.items())
        lines.append(f"  {name:<34}{figures}  {told}".rstrip())
    return lines
