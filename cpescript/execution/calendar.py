"""Times of day: when a zone's clock shows them next.

On the days on which clocks are put forward or back, a time of day may not exist, or exist twice:

- one that is skipped comes at the moment at which it is skipped: 02:30 comes when 02:00 becomes 03:00;
- one that exists twice comes twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cpescript.kernel.time import SECOND


def next_instant(now: int, moment: int, zone: ZoneInfo) -> int:
    """Return the first instant after `now` at which the clocks of `zone` show `moment`.

    Instants are nanoseconds from 1970-01-01T00:00:00Z, `moment` is nanoseconds from midnight by the clock.
    """
    here = datetime.fromtimestamp(now // SECOND, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    whole, rest = divmod(moment, SECOND)
    # The clock of the evening before may be put back past midnight, so a day is looked at from the one before it.
    for ahead in range(-1, 4):
        wall = here + timedelta(days=ahead)
        wall = wall.replace(hour=whole // 3600, minute=whole // 60 % 60, second=whole % 60)
        for instant in _shown(wall, zone):
            if instant * SECOND + rest > now:
                return instant * SECOND + rest
    raise AssertionError("a time of day comes every day")


def _shown(wall: datetime, zone: ZoneInfo) -> Iterator[int]:
    """Yield the instants, in seconds, at which the clock shows `wall`."""
    first, second = (int(wall.replace(fold=fold).timestamp()) for fold in (0, 1))
    if second < first:
        # It is skipped: between these two the clock is put forward.
        yield _jump(second, first, zone)
        return
    yield first
    if second > first:
        yield second


def _jump(low: int, high: int, zone: ZoneInfo) -> int:
    """Return the second between `low` and `high` in which the zone's offset becomes another."""
    before = _offset(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(middle, zone) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(second: int, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset()
