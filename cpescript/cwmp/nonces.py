"""The nonces with which a device challenges its callers (RFC 7616, 3.3): one for each challenge, good for a while.

Rules:

1. A nonce says its number and when it was made, sealed by a draw. So nothing is kept of one that nobody has used: a
   flood of challenges costs no memory, and makes nobody else's challenge void.
2. With each nonce the count must grow (RFC 7616, 3.4). Without a count (RFC 2069) it is good once.
3. Of the nonces that were used the last `KEPT` are remembered; what was made before those is no longer taken. Only who
   knows the password can use one.
4. The life of a nonce goes by the clock that the callers live by: the wall clock where they are real.
"""

from __future__ import annotations

from cpescript.kernel import draws
from cpescript.kernel.time import MINUTE

LIFE = 5 * MINUTE
"""A nonce that is older is stale: long enough for any client's second request, short enough to make replays useless."""
KEPT = 16
"""Callers of one device at once: an ACS is one, or some workers."""

_PART = 16
"""Hexadecimal digits of each of the three parts: number, time, seal."""


class Nonces:
    """The nonces of one device. Instants are nanoseconds of its callers' clock."""

    __slots__ = ("_floor", "_made", "_used")

    def __init__(self) -> None:
        self._made = 0
        self._floor = 0
        """The number below which none is taken any more."""
        self._used: dict[int, int] = {}
        """The highest count by the number of its nonce."""

    def make(self, stream: int, now: int) -> str:
        """Return another nonce; `stream` is the device's stream of chance for them."""
        self._made += 1
        return _nonce(stream, self._made - 1, now)

    def use(self, nonce: str, count: int, stream: int, now: int) -> bool:
        """Use a nonce for the `count`-th time (0 where nobody counts); False, and it was not used, for a stale one."""
        try:
            number, made = int(nonce[:_PART], 16), int(nonce[_PART : 2 * _PART], 16)
        except ValueError:
            return False
        if nonce != _nonce(stream, number, made) or not (self._floor <= number < self._made):
            return False
        if not 0 <= now - made < LIFE or count <= self._used.get(number, -1):
            return False
        self._used[number] = count
        if len(self._used) > KEPT:
            oldest = min(self._used)
            del self._used[oldest]
            self._floor = oldest + 1
        return True


def _nonce(stream: int, number: int, made: int) -> str:
    return f"{number:0{_PART}x}{made:0{_PART}x}{draws.draw(draws.draw(stream, number), made):0{_PART}x}"
