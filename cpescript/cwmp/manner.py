"""How a device speaks HTTP, by its profile's `x-cpescript: {http: …}`: connections, content codings, framing.

| key | what the device does |
| --- | --- |
| `connection: post` | closes the connection after each answer; `session`, the default, keeps it for the session |
| `connection: keep` | keeps it for later sessions, too, until the device boots or the ACS closes it |
| `gzip: true` | packs what it sends and says that it takes packed answers |
| `chunked: true` | sends bodies chunked, without a length |
| `expect_continue: true` | sends the head first and the body when it is told to go on, or after a second |
| `nonce: keep` | answers the last Digest challenge in later sessions, too, until it boots or is challenged anew |

A nonce may be used again, with its count going on (RFC 7616, 3.4; TR-069 3.4.5 lets a CPE prove itself unasked with an
earlier nonce); usually a device waits to be challenged in each session.

The codings are done here; connections and framing are the transport's, by `HttpRequest.manner`.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from cpescript.cwmp.http import HttpRequest, HttpResponse

MOST_UNPACKED = 8 * 1024 * 1024
"""Octets of a packed answer once unpacked: as much as an answer may have that is not packed."""
_LEVEL = 1
"""Of gzip: devices are in a hurry, and so is a simulation of ten thousand of them."""


class Manner(NamedTuple):
    """What a profile says of HTTP."""

    connection: str = "session"
    gzip: bool = False
    chunked: bool = False
    expect_continue: bool = False
    nonce: str = "session"


def manner_of(extension: Mapping[str, Any]) -> Manner | None:
    """Return the manner of a profile, None for the usual one."""
    said = extension.get("http")
    return Manner(**said) if said else None


def coded(body: bytes, manner: Manner | None) -> bytes:
    """Return a body as it is sent: the same octets for the same body."""
    return gzip.compress(body, _LEVEL, mtime=0) if body and manner is not None and manner.gzip else body


def dressed(request: HttpRequest, manner: Manner) -> HttpRequest:
    """Return a request as a device of that manner sends it."""
    if manner.gzip:
        headers, body = (*request.headers, ("Accept-Encoding", "gzip")), request.body
        if body:
            headers, body = (*headers, ("Content-Encoding", "gzip")), coded(body, manner)
        request = HttpRequest(headers, body, request.method, request.path)
    request.manner = manner
    return request


def undressed(response: HttpResponse) -> HttpResponse | None:
    """Return an answer with its body unpacked, None for one that cannot be unpacked or grows beyond `MOST_UNPACKED`."""
    coding = (response.header("Content-Encoding") or "identity").strip().lower()
    if coding == "identity":
        return response
    if coding not in ("gzip", "x-gzip"):
        return None
    unpacker = zlib.decompressobj(wbits=31)
    try:
        body = unpacker.decompress(response.body, MOST_UNPACKED)
    except zlib.error:
        return None
    if not unpacker.eof:
        return None
    return HttpResponse(response.status, response.headers, body, response.close)
