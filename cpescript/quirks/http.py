"""Quirks of the HTTP layer: what a device's requests look like around the body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpescript.cwmp.hooks import Hook, Point
from cpescript.cwmp.http import HttpRequest
from cpescript.quirks.catalogue import quirk

if TYPE_CHECKING:
    from cpescript.device.device import Device


class _HttpQuirk(Hook):
    points: frozenset[Point] = frozenset({"http-request"})

    def _without(self, device: Device, request: HttpRequest, name: str) -> HttpRequest:
        kept = tuple(pair for pair in request.headers if pair[0].lower() != name)
        if len(kept) == len(request.headers):
            return request
        self.fired(device)
        return HttpRequest(kept, request.body, request.method, request.path)


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
        self.fired(device)
        return HttpRequest((*request.headers, ("Connection", "close")), request.body, request.method, request.path)


@quirk(
    "content-type-odd",
    "the Content-Type says something else than text/xml",
    "reads the body as what it is",
)
class ContentTypeOdd(_HttpQuirk):
    value: str = "text/html"

    def http_request(self, device: Device, request: HttpRequest) -> HttpRequest:
        changed = tuple(
            (name, self.value) if name.lower() == "content-type" else (name, value) for name, value in request.headers
        )
        if changed == request.headers:
            return request
        self.fired(device)
        return HttpRequest(changed, request.body, request.method, request.path)
