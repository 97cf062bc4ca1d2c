"""Connection requests without sockets (TR-069 3.2.2): where a device can be called, and how a call reaches it.

A device's path is `/<number>-<token>`; the token is a draw of the scenario's seed and of the device's id (3.2.2: the
URL should be hard to guess), so that no table of paths is needed. The loopback wire and the listener share all of this.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from cpescript.cwmp import digest
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.kernel import draws

OUTCOMES = {200: "ok", 204: "ok", 401: "unauthorized", 503: "busy"}
"""What a status tells whoever called (`cpescript.acs.connections`); any other status is `error`."""
REFUSED = "refused"


class Agent(Protocol):
    """The protocol endpoint of a device, as a caller meets it."""

    @property
    def listening(self) -> bool: ...

    def connection_request(self, request: HttpRequest, came: int | None, /) -> HttpResponse: ...


class Callee(Protocol):
    """A device, as far as calling it goes."""

    number: int
    agent: Any

    @property
    def cpe_id(self) -> str: ...


Lookup = Callable[[int], Callee | None]
"""The device of a number, None where there is none."""


def token_path(seed: int, device: Callee) -> str:
    """Return the path at which a device is called: `/17-90c3…`, the same in each run of that seed."""
    return f"/{device.number}-{_token(seed, device.cpe_id)}"


@lru_cache(maxsize=1 << 10)
def _token(seed: int, cpe_id: str) -> str:
    # A call asks for the token twice, and a stream costs as much as the rest of it.
    return f"{draws.draw(draws.stream(seed, f'{cpe_id}:cr-path'), 0):016x}"


def resolve(seed: int, path: str, lookup: Lookup) -> Callee | None:
    """Return the device whose path this is (a query is ignored), None for any other path."""
    number, dash, token = path.partition("?")[0].removeprefix("/").partition("-")
    # As `token_path` writes numbers: int() takes other spellings, and long ones.
    if not (dash and number.isdecimal() and len(number) <= 10 and str(int(number)) == number):
        return None
    device = lookup(int(number))
    if device is None or not hmac.compare_digest(token.encode(), _token(seed, device.cpe_id).encode()):
        return None
    return device


def answer(seed: int, request: HttpRequest, lookup: Lookup, came: int | None = None) -> HttpResponse | None:
    """Return what a caller is answered, None where the device is dark and nobody answers at all.

    `came` is when the request came, in nanoseconds of the wall clock; None where its caller lives in virtual time.
    """
    device = resolve(seed, request.path, lookup)
    if device is None:
        return HttpResponse(404)
    if not device.agent.listening:
        return None
    if request.method != "GET":
        return HttpResponse(405, (("Allow", "GET"),))
    return cast(HttpResponse, device.agent.connection_request(request, came))


def connect(seed: int, url: str, username: str, password: str, lookup: Lookup) -> str:
    """Call a device without a wire: GET, and once more to answer a challenge. Returns one of `OUTCOMES`, `refused` for
    a device that is dark, or `error`."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    response = answer(seed, HttpRequest((), b"", "GET", path), lookup)
    if response is not None and response.status == 401:
        challenge = digest.parse_challenge(response.all("WWW-Authenticate"))
        if challenge is not None:
            # Nonces differ, so what is drawn by the nonce does too, and no counter of calls is needed.
            chance = draws.draw(draws.stream(seed, f"{path}:cnonce"), draws.fnv1a64(challenge.nonce.encode()))
            proof = digest.authorization(challenge, username, password, "GET", path, 1, f"{chance:016x}")
            response = answer(seed, HttpRequest((("Authorization", proof),), b"", "GET", path), lookup)
    return REFUSED if response is None else OUTCOMES.get(response.status, "error")
