"""The moving values of one device: how far its generators were walked, and what was written to them since.

Kept only for generators that draw or were written to; all others are worked out from nothing. The position of a walk is
one integer, tick * (size of the band) + (value - lower end): a hundred octets a generator. That of a chain is its tick
and its state.
"""

from __future__ import annotations

from typing import Any

from cpescript.device.generators import Chain, Function, Generator, Walk
from cpescript.device.schema import Leaf


def declared_motion(leaf: Leaf, generator: Generator, declared: str, tick: int, instant: int, stream: int = 0) -> str:
    """Return the value at a tick of a generator that nothing was written to since it began with `declared`.

    `instant` is the calendar instant of the tick; `stream` is the device's and matters only to a generator that draws.
    """
    if not tick and generator.kind != "uptime":
        return declared
    if isinstance(generator, Function):
        return generator.at(tick, instant, stream ^ leaf.key)
    if isinstance(generator, Walk):
        return str(generator.advance(int(declared), 0, tick, stream ^ leaf.key))
    state = generator.advance(generator.begin(declared), 0, tick, stream ^ leaf.key)
    return generator.text(state, tick, instant, stream ^ leaf.key)


class Moving:
    """`stream` is the device's own, from which each generator's is derived."""

    __slots__ = ("_positions", "_states", "_written", "stream")

    def __init__(self, stream: int) -> None:
        self.stream = stream
        self._positions: dict[str, int] = {}
        self._states: dict[str, tuple[int, Any]] | None = None
        self._written: dict[str, tuple[int, int, str]] = {}

    def write(self, path: str, origin: int, tick: int, text: str) -> None:
        """Note what was written after tick `tick` of the generator that has ticked since `origin`."""
        self._written[path] = origin, tick, text

    def forget(self, path: str) -> None:
        """Drop all that is known of a leaf."""
        self._positions.pop(path, None)
        self._written.pop(path, None)
        if self._states is not None:
            self._states.pop(path, None)

    def value(self, leaf: Leaf, generator: Generator, declared: str, origin: int, tick: int, instant: int) -> str:
        """Return the value at tick `tick`, which was at calendar instant `instant`. Ticks never fall."""
        path = leaf.path
        written = self._written.get(path)
        if written is not None and written[:2] == (origin, tick):
            return written[2]
        if isinstance(generator, Chain):
            return self._chained(leaf, generator, declared, tick, instant)
        if written is not None:
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

    def _chained(self, leaf: Leaf, generator: Chain, declared: str, tick: int, instant: int) -> str:
        path, stream = leaf.path, self.stream ^ leaf.key
        states = self._states
        if states is None:
            states = self._states = {}
        last, state = states.get(path) or (0, generator.begin(declared))
        written = self._written.pop(path, None)
        if written is not None:
            # Up to the write it went its way, whoever looked; a write may leave a chain as it is.
            resumed = generator.resume(written[2])
            if resumed is not None:
                last, state = written[1], resumed
        if tick == 0:
            return declared
        if tick > last:
            state = generator.advance(state, last, tick - last, stream)
            states[path] = tick, state
        return generator.text(state, tick, instant, stream)

    # --- kept between runs ----------------------------------------------------------------------------------------

    def saved(self) -> dict[str, Any]:
        """Return what `restore` takes, as JSON holds it."""
        return {"positions": self._positions, "states": self._states or {}, "written": self._written}

    def restore(self, saved: dict[str, Any], shift: int) -> None:
        """Go on from what was saved by a device whose origins were `shift` nanoseconds later."""
        self._positions = {path: int(position) for path, position in saved["positions"].items()}
        self._states = {path: (tick, _frozen(state)) for path, (tick, state) in saved["states"].items()} or None
        self._written = {path: (origin - shift, tick, text) for path, (origin, tick, text) in saved["written"].items()}


def _frozen(state: Any) -> Any:
    return tuple(state) if isinstance(state, list) else state
