"""The moving values of one device: how far its generators were walked, and what was written to them since.

Kept only for generators that draw or were written to; all others are worked out from nothing. A
position is one integer, tick * (size of the band) + (value - lower end): a hundred octets a generator.
"""

from __future__ import annotations

from cpescript.device.generators import Generator, Walk
from cpescript.device.schema import Leaf


def declared_motion(leaf: Leaf, generator: Generator, declared: str, tick: int, instant: int, stream: int = 0) -> str:
    """Return the value at a tick of a generator that nothing was written to since it began with `declared`.

    `instant` is the calendar instant of the tick; `stream` is the device's and matters only to a generator that draws.
    """
    if not isinstance(generator, Walk):
        return generator.at(tick, instant, stream ^ leaf.key) if tick or generator.kind == "uptime" else declared
    return str(generator.advance(int(declared), 0, tick, stream ^ leaf.key)) if tick else declared


class Moving:
    """`stream` is the device's own, from which each generator's is derived."""

    __slots__ = ("_positions", "_written", "stream")

    def __init__(self, stream: int) -> None:
        self.stream = stream
        self._positions: dict[str, int] = {}
        self._written: dict[str, tuple[int, int, str]] = {}

    def write(self, path: str, origin: int, tick: int, text: str) -> None:
        """Note what was written after tick `tick` of the generator that has ticked since `origin`."""
        self._written[path] = origin, tick, text

    def forget(self, path: str) -> None:
        """Drop all that is known of a leaf."""
        self._positions.pop(path, None)
        self._written.pop(path, None)

    def value(self, leaf: Leaf, generator: Generator, declared: str, origin: int, tick: int, instant: int) -> str:
        """Return the value at tick `tick`, which was at calendar instant `instant`. Ticks never fall."""
        path = leaf.path
        written = self._written.get(path)
        if written is not None:
            if written[:2] == (origin, tick):
                return written[2]
            del self._written[path]
        if not isinstance(generator, Walk):
            return declared_motion(leaf, generator, declared, tick, instant, self.stream)
        low, size = generator.low, generator.high - generator.low + 1
        if written is not None:
            last, value = written[1], int(written[2])
        elif (position := self._positions.get(path)) is not None:
            last, value = divmod(position, size)
            value += low
        else:
            last, value = 0, int(declared)
        if last == tick:
            return str(value)
        value = generator.advance(value, last, tick - last, self.stream ^ leaf.key)
        if written is not None or path in self._positions or generator.drawn:
            self._positions[path] = tick * size + value - low
        return str(value)
