"""How long a NAT keeps a binding: the search for it between two bounds (TR-069 G.2.1.2; RFC 3489, 10.2).

A period is tried by leaving the binding alone for so long, and by asking then, from another port, for an answer to it.
Periods are whole seconds; the shorter bound is taken to be good.
"""

from __future__ import annotations

LONGEST = 3_600
"""Seconds up to which is searched where the ACS sets no longest period: NATs of homes keep UDP for minutes."""


class Search:
    """One search: `alive` is the longest period known to be good, `dead` the shortest known not to be."""

    __slots__ = ("alive", "bounds", "dead")

    def __init__(self, least: int, most: int) -> None:
        self.bounds = least, most
        self.alive = least
        self.dead: int | None = None

    @property
    def next(self) -> int | None:
        """The period to try next, None where the search is over."""
        period = (self.alive + self.dead) // 2 if self.dead is not None else min(2 * self.alive, self.bounds[1])
        return period if period > self.alive else None

    def tried(self, period: int, good: bool) -> None:
        """Note what became of a period."""
        if good:
            self.alive = period
        else:
            self.dead = period
