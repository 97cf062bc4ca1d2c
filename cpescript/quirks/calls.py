"""Quirks of connection requests: what a device says to one, and whether it comes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from cpescript.cwmp.digest import digest_challenge
from cpescript.cwmp.hooks import Called, Hook, Point
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.quirks.catalogue import Range, quirk

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
    retry_after: Annotated[int, Range(0)] = 30

    def connection_request(self, device: Device, request: HttpRequest, called: Called) -> Called:
        if not called.session:
            return called
        self.fired(device)
        return Called(HttpResponse(503, (("Retry-After", str(self.retry_after)),)), session=False)


@quirk(
    "cr-closes-after-401",
    "the connection is closed after the challenge",
    "answers the challenge on another connection",
)
class ConnectionRequestCloses(_CallQuirk):
    def connection_request(self, device: Device, request: HttpRequest, called: Called) -> Called:
        if called.response.status != 401:
            return called
        self.fired(device)
        response = called.response
        headers = (*response.headers, ("Connection", "close"))
        return replace(called, response=HttpResponse(401, headers, response.body, close=True))


@quirk(
    "cr-challenge-no-qop",
    "the challenge of a connection request has no qop",
    "answers in the old form (RFC 2069)",
)
class ConnectionRequestNoQop(_CallQuirk):
    def connection_request(self, device: Device, request: HttpRequest, called: Called) -> Called:
        headers = tuple(
            (name, re.sub(r',? *qop="[^"]*"', "", value) if name.lower() == "www-authenticate" else value)
            for name, value in called.response.headers
        )
        if called.response.status != 401 or headers == called.response.headers:
            return called
        self.fired(device)
        return replace(called, response=HttpResponse(401, headers, called.response.body))
