"""A set of device numbers at an octet each: a claim on 100,000 devices holds several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


class Numbers:
    """Like a set of small non-negative integers, iterated in ascending order."""

    __slots__ = ("_flags", "_size")

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._flags = bytearray()
        self._size = 0
        for number in numbers:
            self.add(number)

    def add(self, number: int) -> None:
        flags = self._flags
        if number >= len(flags):
            flags.extend(bytes(max(number + 1, 2 * len(flags)) - len(flags)))
        if not flags[number]:
            flags[number] = 1
            self._size += 1

    def discard(self, number: int) -> None:
        if number < len(self._flags) and self._flags[number]:
            self._flags[number] = 0
            self._size -= 1

    def __contains__(self, number: int) -> bool:
        return number < len(self._flags) and self._flags[number] == 1

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        place = self._flags.find(1)
        while place >= 0:
            yield place
            place = self._flags.find(1, place + 1)
