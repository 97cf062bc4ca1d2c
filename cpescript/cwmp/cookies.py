"""The cookies of a session (RFC 6265; TR-069 3.4.1 asks for cookies), bounded, without a clock of its own.

What an ACS may set and where a cookie goes is decided by host, path and scheme. A lifetime is counted on the device's
clock from the response that set it: `Max-Age` as it is, `Expires` against the `Date` of the same response, since an
ACS's calendar is none of the scenario's. Without a `Date`, only an `Expires` that has long been over means anything.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from cpescript.kernel.time import SECOND

MOST = 50
"""Cookies of a session (RFC 6265, 6.1: at least 50 a domain); the oldest goes first."""
LONGEST = 4096
"""Octets of a name with its value and attributes (RFC 6265, 6.1); a longer one is not kept."""
_LONG_OVER = 2000
"""A year before which every `Expires` lies in the past."""


class _Cookie(NamedTuple):
    name: str
    value: str
    domain: str
    host_only: bool
    path: str
    secure: bool
    until: int | None
    """The virtual instant at which it ends, None for the session's end."""


class _Place(NamedTuple):
    host: str
    path: str
    secure: bool


@lru_cache(maxsize=1024)
def _place(url: str) -> _Place:
    parts = urlsplit(url)
    return _Place(parts.hostname or "", parts.path or "/", parts.scheme == "https")


class Cookies:
    """What one session keeps; URLs are those of the requests. Instants are virtual nanoseconds."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], _Cookie] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, text: str, url: str, now: int, date: str | None = None) -> None:
        """Keep, replace or remove a cookie as a Set-Cookie value says; `date` is the response's Date."""
        if len(text) > LONGEST:
            return
        pair, *rest = text.split(";")
        name, equals, value = pair.strip().partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not name:
            return
        said: dict[str, str] = {}
        for each in rest:
            key, _, content = each.partition("=")
            said[key.strip().lower()] = content.strip()
        host, there, https = _place(url)
        domain = said.get("domain", "").removeprefix(".").lower()
        if domain and domain != host and ("." not in domain or not _within(host, domain)):
            return
        secure = "secure" in said
        if secure and not https:
            return
        path = said.get("path", "")
        path = path if path.startswith("/") else there[: there.rfind("/")] or "/"
        until = _until(said, now, date)
        key_of = (name, domain or host, path)
        self._kept.pop(key_of, None)
        if until is None or until > now:
            self._kept[key_of] = _Cookie(name, value, domain or host, not domain or domain == host, path, secure, until)
            if len(self._kept) > MOST:
                del self._kept[next(iter(self._kept))]

    def header(self, url: str, now: int) -> str:
        """Return the Cookie value for a request, empty for none: longer paths first, then the older (5.4)."""
        host, path, secure = _place(url)
        sent = []
        for cookie in self._kept.values():
            if cookie.until is not None and cookie.until <= now:
                continue
            there = cookie.domain == host or (not cookie.host_only and _within(host, cookie.domain))
            if there and (secure or not cookie.secure) and _below(path, cookie.path):
                sent.append(cookie)
        if len(sent) > 1:
            sent.sort(key=lambda cookie: -len(cookie.path))
        return "; ".join([f"{cookie.name}={cookie.value}" for cookie in sent])


def _until(said: dict[str, str], now: int, date: str | None) -> int | None:
    age = said.get("max-age", "")
    if age.removeprefix("-").isdecimal() and age.isascii():
        return now + int(age[:12]) * SECOND
    if "expires" not in said:
        return None
    try:
        expires = parsedate_to_datetime(said["expires"])
        if expires.year < _LONG_OVER:
            return now
        if date is None:
            return None
        return now + int((expires - parsedate_to_datetime(date)).total_seconds()) * SECOND
    except (ValueError, TypeError, OverflowError):
        return None


def _within(host: str, domain: str) -> bool:
    """Whether a host lies below a domain (5.1.3); an address lies below nothing."""
    return host.endswith("." + domain) and not host.replace(".", "").isdecimal() and ":" not in host


def _below(path: str, given: str) -> bool:
    """Whether a request's path is a cookie's or lies below it (5.1.4)."""
    return path == given or (path.startswith(given) and (given.endswith("/") or path[len(given)] == "/"))
