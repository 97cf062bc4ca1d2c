"""Durations as profiles write them: Go's syntax, a sign and a sequence of numbers with units (`1h2m3.5s`)."""

from __future__ import annotations

import re

from cpescript.kernel.time import HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND

_UNITS = {"ns": 1, "us": MICROSECOND, "µs": MICROSECOND, "μs": MICROSECOND} | {
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
_PART = re.compile(r"(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_LONGEST = 1 << 63
_MOST_CHARACTERS = 128


def parse_go_duration(text: str) -> int:
    """Return the nanoseconds that `text` names. Raises ValueError, saying what is wrong.

    As in Go's `time.ParseDuration`: a unit on every number, "0" alone excepted; fractions of a nanosecond are cut off.
    """
    shown = text if len(text) <= 40 else text[:37] + "..."
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0
    if not rest or len(text) > _MOST_CHARACTERS:
        raise ValueError(f"{shown!r} is no duration")
    total, position = 0, 0
    while position < len(rest):
        part = _PART.match(rest, position)
        if part is None or not (part[1] or part[2]):
            raise ValueError(f"{shown!r} is no duration: each number needs a unit (ns us ms s m h)")
        unit = _UNITS[part[3]]
        total += int(part[1] or "0") * unit
        if part[2]:
            total += int(part[2]) * unit // 10 ** len(part[2])
        position = part.end()
    if total >= _LONGEST:
        raise ValueError(f"{shown!r} is longer than 292 years")
    return -total if text[0] == "-" else total
