"""Address pools of a fleet: the n-th address or prefix of a declared block, worked out from the device's index.

Index 0 is never given out, so a block of 2**k values serves 2**k - 1 devices. A single IPv4 address (/32) serves
device 1 alone; from 64 host bits on an IPv6 block is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network
from typing import Protocol

UNCOUNTED_BITS = 64
"""IPv6 host bits from which the capacity is taken as endless."""


class PoolError(ValueError):
    """A pool cannot be made of what was declared, or an index lies outside it."""


class Pool(Protocol):
    """A block of addresses. `capacity` is the largest index it serves, None where it is not counted."""

    @property
    def capacity(self) -> int | None: ...

    def value(self, index: int) -> str:
        """Return the text for a device's index, from 1. Raises PoolError past the capacity."""


def _within(index: int, capacity: int | None, block: str) -> int:
    if capacity is not None and not 1 <= index <= capacity:
        raise PoolError(f"{block} serves device {capacity} at most, not {index}" if capacity else f"{block} is empty")
    return index


@dataclass(frozen=True, slots=True)
class Ipv4Pool:
    """`network + n`."""

    network: int
    bits: int
    block: str

    @property
    def capacity(self) -> int | None:
        return (1 << self.bits) - 1 or 1

    def value(self, index: int) -> str:
        _within(index, self.capacity, self.block)
        number = self.network + index if self.bits else self.network
        return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"

    def is_broadcast(self, index: int) -> bool:
        """Whether this index gets the block's all-ones address."""
        return self.bits > 1 and index == (1 << self.bits) - 1


@dataclass(frozen=True, slots=True)
class Ipv6Pool:
    """`network + n`."""

    network: int
    bits: int
    block: str

    @property
    def capacity(self) -> int | None:
        return (1 << self.bits) - 1 if self.bits < UNCOUNTED_BITS else None

    def value(self, index: int) -> str:
        return str(IPv6Address(self.network + _within(index, self.capacity, self.block)))


@dataclass(frozen=True, slots=True)
class Ipv6PrefixPool:
    """`super | n << (128 - sublen)`, written `address/sublen`."""

    network: int
    bits: int
    sublen: int
    block: str

    @property
    def capacity(self) -> int | None:
        return (1 << self.bits) - 1

    def value(self, index: int) -> str:
        shifted = _within(index, self.capacity, self.block) << 128 - self.sublen
        return f"{IPv6Address(self.network | shifted)}/{self.sublen}"


def _network(text: str, family: type[IPv4Network] | type[IPv6Network]) -> IPv4Network | IPv6Network:
    length = text.partition("/")[2]
    if not (length.isdecimal() and length.isascii()):
        raise PoolError(f"{text[:60]!r} has no prefix length")
    try:
        return family(text, strict=False)
    except ValueError:
        raise PoolError(f"{text[:60]!r} is no {family.__name__[:4]} block") from None


@lru_cache(maxsize=256)
def ipv4_pool(cidr: str) -> Ipv4Pool:
    """Return the pool of an IPv4 block. Raises PoolError."""
    network = _network(cidr, IPv4Network)
    return Ipv4Pool(int(network.network_address), 32 - network.prefixlen, cidr)


@lru_cache(maxsize=256)
def ipv6_pool(cidr: str) -> Ipv6Pool:
    """Return the pool of an IPv6 block. Raises PoolError."""
    network = _network(cidr, IPv6Network)
    return Ipv6Pool(int(network.network_address), 128 - network.prefixlen, cidr)


@lru_cache(maxsize=256)
def ipv6_prefix_pool(super_block: str, sublen: int) -> Ipv6PrefixPool:
    """Return the pool of the prefixes of length `sublen` within an IPv6 block. Raises PoolError."""
    network = _network(super_block, IPv6Network)
    if not network.prefixlen < sublen <= 128:
        raise PoolError(f"a prefix length of {sublen} does not lie within {network.prefixlen + 1}..128")
    bits = sublen - network.prefixlen
    return Ipv6PrefixPool(int(network.network_address), bits, sublen, f"{super_block},{sublen}")
