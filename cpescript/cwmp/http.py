"""HTTP as the sans-IO cores see it: a request, a response, and the ways in which an exchange can fail.

Header names are kept as written; look-ups ignore case (RFC 9110, 5.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from cpescript.cwmp.manner import Manner

Headers = tuple[tuple[str, str], ...]

Failure = Literal["timeout", "cut", "http", "tls", "refused", "too-large", "no-room"]
"""How a transport says that no (usable) response came: nothing in time, the connection was closed or reset before the
response was whole, no HTTP, no TLS, nobody listens, a response beyond the size limit, or one too many besides those
that other sessions are reading."""


class HttpRequest:
    """A request on its way: `headers` without Host and Content-Length, which the transport knows."""

    __slots__ = ("body", "headers", "kind", "manner", "method", "path")

    def __init__(self, headers: Headers, body: bytes, method: str = "POST", path: str = "") -> None:
        self.headers = headers
        self.body = body
        self.method = method
        self.path = path
        self.manner: Manner | None = None
        """How its sender handles connections and framing; None: as usual."""
        self.kind = ""
        """What its sender takes it for: the kind of the message in it."""

    def header(self, name: str) -> str | None:
        """Return the first header of that name, None where there is none."""
        return _first(self.headers, name)

    def as_record(self) -> dict[str, Any]:
        return {"method": self.method, "headers": [list(pair) for pair in self.headers]}


class HttpResponse:
    """A whole response. `close` says that the peer will close the connection after it."""

    __slots__ = ("body", "close", "headers", "status")

    def __init__(self, status: int, headers: Headers = (), body: bytes = b"", close: bool = False) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.close = close

    def header(self, name: str) -> str | None:
        """Return the first header of that name, None where there is none."""
        return _first(self.headers, name)

    def all(self, name: str) -> list[str]:
        """Return every header of that name, in order."""
        lowered = name.lower()
        return [value for key, value in self.headers if key.lower() == lowered]

    def as_record(self) -> dict[str, Any]:
        return {"status": self.status, "headers": [list(pair) for pair in self.headers]}


def _first(headers: Headers, name: str) -> str | None:
    lowered = name.lower()
    for key, value in headers:
        if key.lower() == lowered:
            return value
    return None
