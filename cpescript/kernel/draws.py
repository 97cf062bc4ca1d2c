"""Seeded chance without generator objects: the n-th draw of a named stream is a pure function of both.

A stream is FNV-1a-64 over the root seed (8 octets, big-endian, two's complement) followed by the stream's name. A draw
mixes stream and counter with the SplitMix64 finaliser. So a draw does not depend on which draws were made before,
in which process, or whether at all.

FNV-1a: G. Fowler, L. C. Noll, K.-P. Vo, draft-eastlake-fnv. SplitMix64: G. Steele, D. Lea, C. Flood, OOPSLA 2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

_MASK = (1 << 64) - 1
_OFFSET = 0xCBF29CE484222325
_PRIME = 0x100000001B3
_GOLDEN = 0x9E3779B97F4A7C15

T = TypeVar("T")


def fnv1a64(data: bytes, state: int = _OFFSET) -> int:
    """Return FNV-1a-64 of `data`, going on from `state`."""
    for octet in data:
        state = (state ^ octet) * _PRIME & _MASK
    return state


def stream(root: int, name: str) -> int:
    """Return the 64-bit stream called `name` under the root seed (any 64-bit integer, signed or not)."""
    return fnv1a64(name.encode(), fnv1a64((root & _MASK).to_bytes(8, "big")))


def draw(stream: int, n: int) -> int:
    """Return the n-th draw of a stream: an integer uniform in [0, 2**64)."""
    x = (stream + n * _GOLDEN) & _MASK
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & _MASK
    return x ^ x >> 31


def below(stream: int, n: int, bound: int) -> int:
    """Return the n-th draw as an integer uniform in [0, bound), by multiplication (bias below bound/2**64)."""
    return draw(stream, n) * bound >> 64


def between(stream: int, n: int, low: int, high: int) -> int:
    """Return the n-th draw as an integer uniform in [low, high], both ends included."""
    return low + (draw(stream, n) * (high - low + 1) >> 64)


def unit(stream: int, n: int) -> float:
    """Return the n-th draw as a float uniform in [0, 1)."""
    return (draw(stream, n) >> 11) * 2.0**-53


def sample(stream: int, n: int, items: Sequence[T], count: int) -> list[T]:
    """Return `count` of `items` without repetition, in their own order, by draws n, n+1, … of the stream."""
    chosen = list(range(len(items)))
    for step in range(count):
        other = step + below(stream, n + step, len(chosen) - step)
        chosen[step], chosen[other] = chosen[other], chosen[step]
    return [items[index] for index in sorted(chosen[:count])]
