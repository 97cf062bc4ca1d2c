"""UDP connection requests, both ends (TR-069 Annex G.2.2.3): one datagram, signed, and never answered.

    GET http://HOST:PORT?ts=…&id=…&un=…&cn=…&sig=… HTTP/1.1

`sig` is the HMAC-SHA1, in hexadecimal, over ts, id, un and cn as they stand in the request, keyed by the
ConnectionRequestPassword. An ACS sends a few copies, since datagrams get lost; a device heeds the first one.
"""

from __future__ import annotations

import hmac
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

MOST_OCTETS = 1_280
"""Of one datagram: a right one has some 200."""
_FIELDS = ("ts", "id", "un", "cn", "sig")
_DIGITS = 20


class UdpRequest(NamedTuple):
    """What a request says: when it was made, its number, and who makes it."""

    ts: int
    id: int
    username: str
    signed: str
    signature: str

    def proves(self, password: str) -> bool:
        """Whether it was made by somebody who knows the password."""
        return hmac.compare_digest(_sign(password, self.signed).encode(), self.signature.lower().encode())


def _sign(password: str, text: str) -> str:
    return hmac.digest(password.encode(), text.encode(), "sha1").hex()


def build(address: str, username: str, password: str, ts: int, id: int, cnonce: str) -> bytes:
    """Return the datagram that calls the device at `address` (`host:port`)."""
    signature = _sign(password, f"{ts}{id}{username}{cnonce}").upper()
    query = urlencode({"ts": ts, "id": id, "un": username, "cn": cnonce, "sig": signature})
    return f"GET http://{address}?{query} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()


def parse(octets: bytes) -> UdpRequest | None:
    """Return what a datagram asks, None for one that is no connection request."""
    if len(octets) > MOST_OCTETS or not octets.isascii():
        return None
    head, end, _ = octets.decode().partition("\r\n")
    words = head.split(" ")
    if not end or len(words) != 3 or words[0] != "GET" or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        return None
    try:
        pairs = parse_qsl(urlsplit(words[1]).query, keep_blank_values=True, max_num_fields=16)
    except ValueError:
        return None
    fields = dict(pairs)
    if len(fields) != len(pairs) or not all(fields.get(name) for name in _FIELDS):
        return None
    ts, number = fields["ts"], fields["id"]
    if not all(text.isascii() and text.isdecimal() and len(text) <= _DIGITS for text in (ts, number)):
        return None
    return UdpRequest(int(ts), int(number), fields["un"], ts + number + fields["un"] + fields["cn"], fields["sig"])
