"""Values that move by themselves, as functions of time.

Rules (all kinds):

1. A generator ticks at `origin + n * interval`, n = 1, 2, … Before the first tick the leaf has its declared value. The
   origin is the instant at which the device was made or last factory-reset. Only `uptime` begins anew, with 0, at each
   boot.
2. What tick n gives depends on n, on the generator's own stream and, for walks and chains, on the value before it. It
   never depends on when or how often somebody read the value.
3. A write from outside holds until the next tick. Walks and chains then go on from it (`counter` and `drift` bring a
   value outside the band to the lower end, respectively to the nearest end, first); functions go on as if nothing had
   been.
4. The stream is `draws.stream(seed, "<cpe_id>:generators")`, combined by XOR with FNV-1a-64 of the path; tick n uses
   draw n.

A counter is worked out in one step, as all its increments add up within the band; only with jitter they have to be
drawn one by one. A drift has to be walked. The kinds of measured quantities are in `signals`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from cpescript.device.batch_draws import below_each, sum_below
from cpescript.kernel import draws
from cpescript.kernel.time import SECOND, format_seconds

UINT32 = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Walk:
    """A generator whose next value depends on the last one. `interval` is in nanoseconds."""

    kind: ClassVar[str]
    interval: int
    low: int
    high: int

    @property
    def drawn(self) -> bool:
        """Whether the value depends on the stream, so that the way from tick to tick is worth remembering."""
        return True

    def advance(self, value: int, tick: int, count: int, stream: int) -> int:
        """Return the value after `count` (at least one) ticks that follow `tick`, at which it was `value`."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Counter(Walk):
    """Grows by `step` a tick, give or take `spread`, and goes on from the lower end when it runs over the upper."""

    kind = "counter"
    step: int
    spread: int

    @property
    def drawn(self) -> bool:
        return bool(self.spread)

    def advance(self, value: int, tick: int, count: int, stream: int) -> int:
        low, size = self.low, self.high - self.low + 1
        grown = value - low if low <= value <= self.high else 0
        grown += count * self.step
        if self.spread:
            grown += sum_below(stream, tick + 1, count, 2 * self.spread + 1) - count * self.spread
        return low + grown % size


@dataclass(frozen=True, slots=True)
class Drift(Walk):
    """Moves by up to `step` either way a tick, within the band."""

    kind = "drift"
    step: int

    def advance(self, value: int, tick: int, count: int, stream: int) -> int:
        low, high, step = self.low, self.high, self.step
        value = min(max(value, low), high)
        for draw in below_each(stream, tick + 1, count, 2 * step + 1):
            value += draw - step
            if value > high:
                value = high
            elif value < low:
                value = low
        return value


@dataclass(frozen=True, slots=True)
class Function:
    """A generator whose value follows from the number of the tick alone. `interval` is in nanoseconds."""

    kind: ClassVar[str]
    drawn: ClassVar[bool] = False
    interval: int

    def at(self, tick: int, instant: int, stream: int) -> str:
        """Return the value of tick `tick`, which is at calendar instant `instant` (ns since 1970)."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Cycle(Function):
    """Goes through its values in order, over and over."""

    kind = "enum"
    values: tuple[str, ...]

    def at(self, tick: int, instant: int, stream: int) -> str:
        return self.values[(tick - 1) % len(self.values)]


@dataclass(frozen=True, slots=True)
class RandomChoice(Function):
    """Picks one of its values at each tick; a value listed twice is twice as likely."""

    kind = "enum"
    drawn = True
    values: tuple[str, ...]

    def at(self, tick: int, instant: int, stream: int) -> str:
        return self.values[draws.below(stream, tick, len(self.values))]


@dataclass(frozen=True, slots=True)
class Uptime(Function):
    """Whole seconds since the last boot."""

    kind = "uptime"

    def at(self, tick: int, instant: int, stream: int) -> str:
        return str(tick * self.interval // SECOND & UINT32)


@dataclass(frozen=True, slots=True)
class Wallclock(Function):
    """The calendar time in UTC, to the second."""

    kind = "wallclock"

    def at(self, tick: int, instant: int, stream: int) -> str:
        return format_seconds(instant // SECOND)


@dataclass(frozen=True, slots=True)
class Chain:
    """A generator that goes from state to state, whatever that is. `interval` is in nanoseconds.

    A state is immutable, and plain enough to be kept as JSON: a number, or a tuple of numbers and None.
    """

    kind: ClassVar[str]
    drawn: ClassVar[bool] = True
    interval: int

    def begin(self, declared: str) -> Any:
        """Return the state before the first tick."""
        raise NotImplementedError

    def resume(self, written: str) -> Any:
        """Return the state that somebody's write leaves, None where a write changes nothing."""
        raise NotImplementedError

    def advance(self, state: Any, tick: int, count: int, stream: int) -> Any:
        """Return the state after `count` (at least one) ticks that follow `tick`, at which it was `state`."""
        raise NotImplementedError

    def text(self, state: Any, tick: int, instant: int, stream: int) -> str:
        """Return the value that a state stands for at tick `tick`, calendar instant `instant`."""
        raise NotImplementedError


Generator = Walk | Function | Chain


def path_key(path: str) -> int:
    """Return what tells the generators of one device apart (rule 4)."""
    return draws.fnv1a64(path.encode())


def device_stream(seed: int, cpe_id: str) -> int:
    """Return the stream that all generators of a device share before their paths are mixed in (rule 4)."""
    return draws.stream(seed, f"{cpe_id}:generators")
