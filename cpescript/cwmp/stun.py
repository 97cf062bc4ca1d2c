"""STUN messages without sockets: what a device behind a NAT and a STUN server say to each other (TR-069 Annex G).

Messages are those of RFC 3489, which Annex G names: a transaction ID of 16 octets, and MESSAGE-INTEGRITY over the
message padded to 64 octets. Where a transaction ID opens with the magic cookie, the rules of RFC 5389 hold.

What comes from the network is bounded and never trusted: `parse` raises StunError for anything that is no message.
"""

from __future__ import annotations

import hmac
import ipaddress
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha1

BINDING_REQUEST = 0x0001
BINDING_RESPONSE = 0x0101
BINDING_ERROR = 0x0111

MAPPED_ADDRESS = 0x0001
RESPONSE_ADDRESS = 0x0002
USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
ERROR_CODE = 0x0009
XOR_MAPPED_ADDRESS = 0x0020
CONNECTION_REQUEST_BINDING = 0xC001
BINDING_CHANGE = 0xC002

IS_BINDING = b"dslforum.org/TR-111 "
"""The only value of CONNECTION-REQUEST-BINDING: this binding is for connection requests (G.2.1.1)."""
MAGIC_COOKIE = 0x2112A442
MOST_OCTETS = 1_280
"""Of one message: what fits into a packet of the least IPv6 MTU; a Binding Response is a tenth of it."""

_HEADER = struct.Struct("!HH16s")
_ATTRIBUTE = struct.Struct("!HH")
_BLOCK = 64
_PROOF = 24
"""Octets of a MESSAGE-INTEGRITY attribute: its head and an HMAC-SHA1."""
_FAMILIES = {1: (4, ipaddress.IPv4Address), 2: (16, ipaddress.IPv6Address)}


class StunError(ValueError):
    """Octets that are no STUN message."""


Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class StunMessage:
    """A message: its type, its transaction ID (16 octets), and its attributes in order."""

    kind: int
    transaction: bytes
    attributes: tuple[tuple[int, bytes], ...] = ()
    octets: bytes = b""
    """As it came, for `proves`."""

    def get(self, attribute: int) -> bytes | None:
        """Return the first attribute of that type, None where there is none."""
        return next((value for kind, value in self.attributes if kind == attribute), None)

    @property
    def mapped(self) -> Address | None:
        """The address and port that the server saw, XOR-MAPPED-ADDRESS before MAPPED-ADDRESS; None without either."""
        for attribute in (XOR_MAPPED_ADDRESS, MAPPED_ADDRESS):
            value = self.get(attribute)
            if value is not None:
                return _address(value, self.transaction if attribute == XOR_MAPPED_ADDRESS else None)
        return None

    @property
    def response(self) -> Address | None:
        """The address that the answer is to go to, where it is another than the sender's."""
        value = self.get(RESPONSE_ADDRESS)
        return _address(value, None) if value is not None else None

    @property
    def error(self) -> int:
        """The number of ERROR-CODE, 0 without one."""
        value = self.get(ERROR_CODE)
        return (value[2] & 7) * 100 + value[3] if value is not None and len(value) >= 4 else 0


def _modern(transaction: bytes) -> bool:
    return transaction[:4] == MAGIC_COOKIE.to_bytes(4, "big")


def _proof(octets: bytes, key: bytes, modern: bool) -> bytes:
    """Return the HMAC over a message up to its MESSAGE-INTEGRITY (RFC 3489, 11.2.8; RFC 5389, 15.4)."""
    padding = b"" if modern else bytes(-len(octets) % _BLOCK)
    return hmac.digest(key, octets + padding, sha1().name)


def encode(
    kind: int, transaction: bytes, attributes: Iterable[tuple[int, bytes]] = (), key: bytes | None = None
) -> bytes:
    """Return the octets of a message; with `key`, MESSAGE-INTEGRITY comes last. A user name is padded with spaces
    (G.2.1.1), other values with zeros."""
    body = b""
    for attribute, value in attributes:
        value += (b" " if attribute == USERNAME else b"\0") * (-len(value) % 4)
        body += _ATTRIBUTE.pack(attribute, len(value)) + value
    octets = _HEADER.pack(kind, len(body) + (_PROOF if key is not None else 0), transaction) + body
    if key is not None:
        octets += _ATTRIBUTE.pack(MESSAGE_INTEGRITY, _PROOF - 4) + _proof(octets, key, _modern(transaction))
    return octets


def parse(octets: bytes) -> StunMessage:
    """Return the message that these octets are. Raises StunError."""
    if not _HEADER.size <= len(octets) <= MOST_OCTETS:
        raise StunError(f"{len(octets)} octets are no STUN message")
    kind, length, transaction = _HEADER.unpack_from(octets)
    if kind & 0xC000 or length != len(octets) - _HEADER.size:
        raise StunError("no STUN message")
    attributes, at = [], _HEADER.size
    while at < len(octets):
        if at + _ATTRIBUTE.size > len(octets):
            raise StunError("an attribute is cut off")
        attribute, size = _ATTRIBUTE.unpack_from(octets, at)
        at += _ATTRIBUTE.size
        if at + size > len(octets):
            raise StunError("an attribute is cut off")
        attributes.append((attribute, octets[at : at + size]))
        at += size + -size % 4
    return StunMessage(kind, transaction, tuple(attributes), octets)


def proves(message: StunMessage, key: bytes) -> bool:
    """Whether a message that was parsed carries a right MESSAGE-INTEGRITY for that key."""
    at = _HEADER.size
    for attribute, value in message.attributes:
        if attribute == MESSAGE_INTEGRITY:
            modern = _modern(message.transaction)
            head = _HEADER.pack(message.kind, at - _HEADER.size + _PROOF, message.transaction) if modern else None
            covered = (head if head is not None else message.octets[: _HEADER.size]) + message.octets[_HEADER.size : at]
            return hmac.compare_digest(value, _proof(covered, key, modern))
        at += _ATTRIBUTE.size + len(value) + -len(value) % 4
    return False


def mapped_address(address: Address) -> bytes:
    """Return the value of MAPPED-ADDRESS, and of RESPONSE-ADDRESS."""
    packed = ipaddress.ip_address(address[0]).packed
    return struct.pack("!xBH", 1 if len(packed) == 4 else 2, address[1]) + packed


def _address(value: bytes, mask: bytes | None) -> Address | None:
    if len(value) < 4 or value[1] not in _FAMILIES:
        return None
    size, family = _FAMILIES[value[1]]
    port, packed = int.from_bytes(value[2:4], "big"), value[4 : 4 + size]
    if len(packed) != size:
        return None
    if mask is not None:
        port ^= MAGIC_COOKIE >> 16
        packed = bytes(left ^ right for left, right in zip(packed, mask, strict=False))
    return str(family(packed)), port
