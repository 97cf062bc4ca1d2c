"""Heads of answers that were read once: nearly all of an ACS in one second begin with the same octets.

Rules:

1. A head before a body of the same length means the same again, where the length is in it or its status allows no body.
   So only answers that came whole, with nothing between head and body, are remembered.
2. The value of a challenge, or else of a cookie, differs each time and says nothing of where an answer ends. A head is
   remembered without that value: the next one takes its place, if it is plain text.
3. Whatever is in doubt is for the parser to say.
"""

from __future__ import annotations

from typing import NamedTuple

from cpescript.cwmp.http import Headers, HttpResponse

MOST = 256
LONGEST = 2048
"""Octets of a head that is kept: 256 of these are half a megabyte."""

_CHANGING = (b"\r\nWWW-Authenticate: ", b"\r\nSet-Cookie: ")
"""As servers write them: in another case they are for the parser."""


class _Head(NamedTuple):
    """What a head says, and how many octets of body go with it; of one that changes, what stands around the header."""

    status: int
    headers: Headers
    close: bool
    length: int
    name: str = ""
    after: Headers = ()


_Key = bytes | tuple[bytes, bytes]
"""A head, or what stands before and after the value that changes."""


class Heads:
    """Heads of whole answers that the parser has read."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[_Key, _Head] = {}

    def __len__(self) -> int:
        return len(self._known)

    def read(self, octets: bytes) -> HttpResponse | None:
        """Return the response that the octets are, None where that is for the parser to say."""
        end = octets.find(b"\r\n\r\n") + 4
        head = self._known.get(octets[:end])
        if head is not None:
            if len(octets) != end + head.length:
                return None
            return HttpResponse(head.status, head.headers, octets[end:], head.close)
        changing = _changing(octets, end) if end <= LONGEST else None
        if changing is None:
            return None
        start, stop = changing
        head = self._known.get((octets[:start], octets[stop:end]))
        if head is None or len(octets) != end + head.length:
            return None
        value = octets[start:stop].decode("latin-1")
        # What is not ASCII the parser may refuse; a space before it is none of the value.
        if not (value.isascii() and value.isprintable()) or value[:1] in (" ", ""):
            return None
        headers = (*head.headers, (head.name, value), *head.after)
        return HttpResponse(head.status, headers, octets[end:], head.close)

    def learn(self, octets: bytes, response: HttpResponse) -> None:
        """Remember the head of a response that was read from these octets, and from no others.

        Chunks and interim responses are octets besides head and body: such a response is not remembered, nor is one
        whose like will hardly come again.
        """
        end, length = octets.find(b"\r\n\r\n") + 4, len(response.body)
        if end > LONGEST or len(octets) != end + length:
            return
        key: _Key = octets[:end]
        head = _Head(response.status, response.headers, response.close, length)
        changing = _changing(octets, end)
        if changing is not None:
            start, stop = changing
            key = octets[:start], octets[stop:end]
            line = octets.count(b"\r\n", 0, start) - 1
            name, value = response.headers[line] if line < len(response.headers) else ("", "")
            # A line that is folded, or a second one that changes, is another matter.
            if (
                value.encode("latin-1") != octets[start:stop]
                or sum(octets.count(each, 0, end) for each in _CHANGING) > 1
            ):
                return
            head = head._replace(headers=response.headers[:line], name=name, after=response.headers[line + 1 :])
        if len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        self._known[key] = head


def _changing(octets: bytes, end: int) -> tuple[int, int] | None:
    """Return where the value that changes begins and ends in a head, None where there is none."""
    for name in _CHANGING:
        start = octets.find(name, 0, end)
        if start >= 0:
            start += len(name)
            return start, octets.find(b"\r\n", start)
    return None
