"""Quirks of connection requests: what a device says to one, and whether it comes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cpescript.cwmp.digest import digest_challenge
from cpescript.cwmp.hooks import Called, Hook, Point
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.quirks.catalogue import quirk

if TYPE_CHECKING:
    from cpescript.device.device import Device


class _CallQuirk(Hook):
    points: frozenset[Point] = frozenset({"connection-request"})


@quirk(
    "cr-ignored",
    "a connection request is answered with success, and no session follows",
    "takes it for failed after a while, and waits for the next Inform",
)
class ConnectionRequestIgnored(_CallQuirk):
    def connection_request(self, device: Device, request: HttpRequest, called: Called) -> Called:
        if not called.session:
            return called
        self.fired(device)
        return replace(called, session=False)


@quirk(
    "cr-always-401",
    "the right credentials are refused",
    "reports the failure and waits for the next periodic Inform; does not try again for ever",
)
class ConnectionRequestAlways401(_CallQuirk):
    def connection_request(self, device: Device, request: HttpRequest, called: Called) -> Called:
        if not called.session:
            return called
        self.fired(device)
        challenge = digest_challenge(device.schema.connection_request.realm, "0123456789abcdef")
        return Called(HttpResponse(401, (("WWW-Authenticate", challenge),)), session=False)


@quirk(
    "cr-503",
    "a connection request is answered with 503 and Retry-After",
    "backs off and tries again",
)
class ConnectionRequest503(_CallQuirk):
    retry_after: int = 30

    def connection_request(self, device: Device, request: HttpRequest, called: Called) -> Called:
        if not called.session:
            return called
        self.fired(device)
        return Called(HttpResponse(503, (("Retry-After", str(self.retry_after)),)), session=False)
