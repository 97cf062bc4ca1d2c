"""Quirks of the HTTP layer: what a device's requests look like around the body."""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote

from cpescript.cwmp.hooks import Hook, Point
from cpescript.cwmp.http import Headers, HttpRequest
from cpescript.quirks.catalogue import quirk

if TYPE_CHECKING:
    from cpescript.device.device import Device


class _HttpQuirk(Hook):
    points: frozenset[Point] = frozenset({"http-request"})

    def _without(self, device: Device, request: HttpRequest, name: str) -> HttpRequest:
        kept = tuple(pair for pair in request.headers if pair[0].lower() != name)
        return self._with(device, request, kept)

    def _replaced(self, device: Device, request: HttpRequest, name: str, text: str) -> HttpRequest:
        """Give a header that the request has another text."""
        changed = tuple((key, text) if key.lower() == name else (key, value) for key, value in request.headers)
        return self._with(device, request, changed)

    def _with(self, device: Device, request: HttpRequest, headers: Headers, body: bytes | None = None) -> HttpRequest:
        body = request.body if body is None else body
        if headers == request.headers and body == request.body:
            return request
        self.fired(device)
        return HttpRequest(headers, body, request.method, request.path)


@quirk(
    "cookie-ignored",
    "the device never sends a cookie back",
    "binds the session to the connection, or refuses with a Fault; never mixes the sessions of two devices",
)
class CookieIgnored(_HttpQuirk):
    def http_request(self, device: Device, request: HttpRequest) -> HttpRequest:
        return self._without(device, request, "cookie")


@quirk(
    "soapaction-missing",
    "requests with a body have no SOAPAction header",
    "goes by the body and does not miss the header",
)
class SoapActionMissing(_HttpQuirk):
    def http_request(self, device: Device, request: HttpRequest) -> HttpRequest:
        return self._without(device, request, "soapaction")


@quirk(
    "new-tcp-per-post",
    "each request asks to close the connection, so that a session spans many",
    "keys the session by cookie and accepts an authentication on the next connection",
)
class NewTcpPerPost(_HttpQuirk):
    def http_request(self, device: Device, request: HttpRequest) -> HttpRequest:
        return self._with(device, request, (*request.headers, ("Connection", "close")))


@quirk(
    "content-type-odd",
    "the Content-Type says something else than text/xml",
    "reads the body as what it is",
)
class ContentTypeOdd(_HttpQuirk):
    value: str = "text/html"

    def http_request(self, device: Device, request: HttpRequest) -> HttpRequest:
        return self._replaced(device, request, "content-type", self.value)


@quirk(
    "cookie-stale",
    "an Inform brings the cookie of the session before",
    "opens a new session and does not look at the old cookie",
)
class CookieStale(_HttpQuirk):
    def __post_init__(self) -> None:
        self.kept: tuple[str, str] | None = None

    def http_request(self, device: Device, request: HttpRequest) -> HttpRequest:
        cookie = next((pair for pair in request.headers if pair[0].lower() == "cookie"), None)
        if cookie is not None or self.kept is None or b"Inform>" not in request.body:
            self.kept = cookie or self.kept
            return request
        return self._with(device, request, (*request.headers, self.kept))


@quirk(
    "cookie-chars-mangled",
    "characters of a cookie that are no letters or digits come back percent-encoded",
    "keeps to plain characters in its cookies",
)
class CookieCharsMangled(_HttpQuirk):
    def http_request(self, device: Device, request: HttpRequest) -> HttpRequest:
        cookie = request.header("Cookie")
        if cookie is None:
            return request
        mangled = "; ".join(
            f"{name}={quote(value, safe='')}"
            for name, _, value in (pair.strip().partition("=") for pair in cookie.split(";"))
        )
        return self._replaced(device, request, "cookie", mangled)


@quirk(
    "auth-never-answers-401",
    "the device never authenticates itself, it sends the same message again without",
    "keeps answering 401, and bounds what that costs it",
)
class AuthNeverAnswers(_HttpQuirk):
    def http_request(self, device: Device, request: HttpRequest) -> HttpRequest:
        return self._without(device, request, "authorization")


@quirk(
    "auth-preemptive-basic",
    "the first message brings Basic credentials that nobody asked for",
    "takes them where Basic is allowed, else answers 401 with a challenge",
)
class AuthPreemptiveBasic(_HttpQuirk):
    def http_request(self, device: Device, request: HttpRequest) -> HttpRequest:
        if request.header("Authorization") is not None:
            return request
        username, password = device.agent.credentials()
        token = b64encode(f"{username}:{password}".encode()).decode()
        return self._with(device, request, (*request.headers, ("Authorization", f"Basic {token}")))


@quirk(
    "auth-broken-header",
    "the Authorization header cannot be read",
    "answers 400 or 401",
)
class AuthBrokenHeader(_HttpQuirk):
    value: str = 'Digest username="'

    def http_request(self, device: Device, request: HttpRequest) -> HttpRequest:
        return self._replaced(device, request, "authorization", self.value)


@quirk(
    "digest-algorithm-truncated",
    "the digest names the algorithm `MD`",
    "takes it for MD5 or answers 401",
)
class DigestAlgorithmTruncated(_HttpQuirk):
    def http_request(self, device: Device, request: HttpRequest) -> HttpRequest:
        text = request.header("Authorization") or ""
        return self._replaced(device, request, "authorization", re.sub(r'algorithm="?MD5"?', "algorithm=MD", text))


@quirk(
    "header-lowercase",
    "all header names are in lower case",
    "goes by names without regard to case",
    "derived",
)
class HeaderLowercase(_HttpQuirk):
    def http_request(self, device: Device, request: HttpRequest) -> HttpRequest:
        return self._with(device, request, tuple((name.lower(), value) for name, value in request.headers))


@quirk(
    "charset-latin1",
    "bodies are written in ISO-8859-1, and say so",
    "reads them as they say",
)
class CharsetLatin1(_HttpQuirk):
    def http_request(self, device: Device, request: HttpRequest) -> HttpRequest:
        if not request.body:
            return request
        text = request.body.decode("utf-8", "replace").replace('encoding="UTF-8"', 'encoding="ISO-8859-1"', 1)
        headers = tuple(
            (name, value.replace("utf-8", "ISO-8859-1") if name.lower() == "content-type" else value)
            for name, value in request.headers
        )
        return self._with(device, request, headers, text.encode("iso-8859-1", "xmlcharrefreplace"))


@quirk(
    "gzip-request",
    "bodies are packed by gzip",
    "unpacks them, or answers 415",
)
class GzipRequest(_HttpQuirk):
    def http_request(self, device: Device, request: HttpRequest) -> HttpRequest:
        if not request.body:
            return request
        packed = gzip.compress(request.body, mtime=0)
        return self._with(device, request, (*request.headers, ("Content-Encoding", "gzip")), packed)
