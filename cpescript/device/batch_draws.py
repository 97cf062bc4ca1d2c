"""Many draws of one stream at once: the same numbers as `kernel.draws.below`, several times as fast.

A generator that is read once an hour makes 120 draws. Here up to 32 of them are worked out side by side in one large
integer: each lane has 128 bits, so that the product of two 64-bit numbers never reaches its neighbour, and `& low`
brings every lane back to 64 bits where `draws.draw` does so with `& _MASK`.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

_LANES = 32
_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15

_WIDTHS = range(_LANES + 1)
_ONES = [sum(1 << 128 * lane for lane in range(width)) for width in _WIDTHS]
_STEPS = [sum((lane * _GOLDEN & _MASK) << 128 * lane for lane in range(width)) for width in _WIDTHS]
_LOW = [ones * _MASK for ones in _ONES]
_HALVES = [Struct(f"<{2 * width}Q") for width in _WIDTHS]


def _lanes(stream: int, first: int, width: int, bound: int) -> tuple[int, ...]:
    """Return `width` draws from n = `first` on, each in [0, bound)."""
    low = _LOW[width]
    x = (stream + first * _GOLDEN & _MASK) * _ONES[width] + _STEPS[width] & low
    x = (x ^ x >> 30 & low) * 0xBF58476D1CE4E5B9 & low
    x = (x ^ x >> 27 & low) * 0x94D049BB133111EB & low
    x = (x ^ x >> 31 & low) * bound
    # The upper half of each lane is the draw times the bound, divided by 2**64.
    return _HALVES[width].unpack(x.to_bytes(16 * width, "little"))[1::2]


def below_each(stream: int, first: int, count: int, bound: int) -> Iterator[int]:
    """Yield `draws.below(stream, n, bound)` for n = first … first + count - 1; `bound` is below 2**64."""
    for start in range(first, first + count, _LANES):
        yield from _lanes(stream, start, min(_LANES, first + count - start), bound)


def sum_below(stream: int, first: int, count: int, bound: int) -> int:
    """Return the sum of what `below_each` yields."""
    return sum(
        sum(_lanes(stream, start, min(_LANES, first + count - start), bound))
        for start in range(first, first + count, _LANES)
    )
