"""Virtual time: whole nanoseconds since the scenario's start, and how they are read and written.

`Duration`, `Instant` and `Size` are plain integers that remember what they measure, so that arithmetic costs nothing
and a text shows the right unit. An `Instant` is in nanoseconds since 1970-01-01T00:00:00Z.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache

MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_UNITS = {"ms": MILLISECOND, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)")
_PERCENT = re.compile(r"([+-]?\d+(?:\.\d+)?)%", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_SIZES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class Duration(int):
    """A length of virtual time in nanoseconds."""

    __slots__ = ()

    def __str__(self) -> str:
        return format_duration(self)


class Instant(int):
    """A point of calendar time: nanoseconds since 1970-01-01T00:00:00Z."""

    __slots__ = ()

    def __str__(self) -> str:
        return format_instant(self)


class TimeOfDay(int):
    """Nanoseconds since midnight in the scenario's zone."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{self // HOUR:02}:{self // MINUTE % 60:02}"


class Size(int):
    """A number of octets."""

    __slots__ = ()

    def __str__(self) -> str:
        for unit in ("GiB", "MiB", "KiB"):
            if self and self % _SIZES[unit] == 0:
                return f"{self // _SIZES[unit]}{unit}"
        return f"{int(self)}B"


class Percent(float):
    """A share, kept as the number before the sign: 10% is Percent(10)."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{float(self):g}%"


_FIRST, _END = -62_135_596_800 * SECOND, 253_402_300_800 * SECOND
"""0001-01-01T00:00:00Z, and where the year 10000 would begin."""
DEFAULT_START = Instant(1_767_225_600 * SECOND)
"""2026-01-01T00:00:00Z, where a scenario starts when it does not say (language page, settings)."""


def parse_duration(text: str) -> Duration:
    """Return the duration that `text` (`250ms`, `1h30m`, `1.5h`) names; units in falling order, each once.

    Raises ValueError for anything else.
    """
    position, total, last = 0, 0, DAY + 1
    while position < len(text):
        part = _PART.match(text, position)
        if part is None or _UNITS[part[2]] >= last:
            raise ValueError(f"not a duration: {text!r}")
        whole, _, fraction = part[1].partition(".")
        last = _UNITS[part[2]]
        total += int(whole) * last + (int(fraction) * last // 10 ** len(fraction) if fraction else 0)
        position = part.end()
    if not position:
        raise ValueError("an empty duration")
    return Duration(total)


def parse_size(text: str) -> Size:
    """Return the number of octets that `text` (`64KiB`, `8MiB`) names. Raises ValueError for anything else."""
    part = _SIZE.fullmatch(text)
    if part is None:
        raise ValueError(f"not a size: {text!r}")
    return Size(round(float(part[1]) * _SIZES[part[2]]))


def parse_percent(text: str) -> Percent:
    """Return the share that `10%` names. Raises ValueError for anything else."""
    part = _PERCENT.fullmatch(text)
    if part is None:
        raise ValueError(f"not a percentage: {text!r}")
    return Percent(part[1])


def parse_time(text: str) -> TimeOfDay:
    """Return the time of day that `02:00` or `02:00:30` names. Raises ValueError for anything else."""
    part = _TIME.fullmatch(text)
    hours, minutes, seconds = (int(each or 0) for each in part.groups()) if part is not None else (24, 0, 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError(f"not a time of day: {text!r}")
    return TimeOfDay(hours * HOUR + minutes * MINUTE + seconds * SECOND)


def format_duration(nanoseconds: int) -> str:
    """Return the shortest exact text: `1h30m`, `250ms`, `0s`; below a millisecond in `us` or `ns`."""
    if nanoseconds < 0:
        return "-" + format_duration(-nanoseconds)
    if nanoseconds % MILLISECOND:
        if nanoseconds % MICROSECOND == 0 and nanoseconds < SECOND:
            return f"{nanoseconds // MICROSECOND}us"
        seconds, rest = divmod(nanoseconds, SECOND)
        return (f"{seconds}." + f"{rest:09}".rstrip("0") + "s") if seconds else f"{int(nanoseconds)}ns"
    parts = []
    for unit, size in (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ms", MILLISECOND)):
        count, nanoseconds = divmod(nanoseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def format_clock(nanoseconds: int) -> str:
    """Return virtual time as `00:04:10`, with days (`2d 00:04:10`) and milliseconds (`.250`) where there are any."""
    days, rest = divmod(nanoseconds, DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    seconds, rest = divmod(rest, SECOND)
    text = f"{hours:02}:{minutes:02}:{seconds:02}"
    if rest // MILLISECOND:
        text += f".{rest // MILLISECOND:03}"
    return f"{days}d {text}" if days else text


@lru_cache(maxsize=16)
def _day_text(day: int) -> str:
    return date.fromordinal(719_163 + day).isoformat()


_MINUTES = tuple(f"T{minute // 60:02}:{minute % 60:02}:" for minute in range(24 * 60))
_SECONDS = tuple(f"{second:02}Z" for second in range(60))


def format_seconds(seconds: int) -> str:
    """Return whole seconds since 1970 as an xsd:dateTime in UTC."""
    day, rest = divmod(seconds, 86_400)
    return _day_text(day) + _MINUTES[rest // 60] + _SECONDS[rest % 60]


def format_instant(instant: int) -> str:
    """Return an instant as an xsd:dateTime in UTC, whole seconds (TR-106 3.2: `Z`, no fraction needed)."""
    return format_seconds(instant // SECOND)


def in_calendar(nanoseconds: int) -> Instant:
    """Return an instant of the years 1 to 9999: no other can be written. Raises OverflowError for one."""
    if not _FIRST <= nanoseconds < _END:
        raise OverflowError("an instant beyond the years 1 to 9999")
    return Instant(nanoseconds)


def parse_instant(text: str) -> Instant:
    """Return the instant of an RFC 3339 text with a zone. Raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no zone in {text!r}")
    delta = moment - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    try:
        return in_calendar((delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds * MICROSECOND)
    except OverflowError as error:
        raise ValueError(f"{error}: {text!r}") from None
