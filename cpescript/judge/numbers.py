"""A set of device numbers at an octet each: a claim on 100,000 devices holds several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


class Numbers:
    """Like a set of non-negative integers, iterated in ascending order; it takes as many octets as lie between the
    smallest and the largest, or twice that."""

    __slots__ = ("_first", "_flags", "_size")

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._flags = bytearray()
        self._first = 0
        """The number that the first flag is of."""
        self._size = 0
        for number in numbers:
            self.add(number)

    def add(self, number: int) -> None:
        flags = self._flags
        if not flags:
            self._first = number
        at = number - self._first
        if at < 0:
            more = min(self._first, max(-at, len(flags)))
            flags[:0] = bytes(more)
            self._first -= more
            at += more
        elif at >= len(flags):
            flags.extend(bytes(max(at + 1, 2 * len(flags)) - len(flags)))
        if not flags[at]:
            flags[at] = 1
            self._size += 1

    def discard(self, number: int) -> None:
        if number in self:
            self._flags[number - self._first] = 0
            self._size -= 1

    def __contains__(self, number: int) -> bool:
        at = number - self._first
        return 0 <= at < len(self._flags) and self._flags[at] == 1

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        place = self._flags.find(1)
        while place >= 0:
            yield self._first + place
            place = self._flags.find(1, place + 1)
