"""Connection requests: an HTTP GET that asks a device to open a session (TR-069 3.2.2).

The device answers 200 before the session starts. What comes during a session leads to one more session after it; many
requests are one event. A request is counted against the throttle window only once it is authenticated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cpescript.cwmp import digest, events
from cpescript.cwmp.hooks import Called
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.cwmp.message import Event
from cpescript.kernel import draws
from cpescript.kernel.time import MINUTE, SECOND

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent, Work
    from cpescript.device.blocks import ConnectionRequest

NONCE_LIFE = 5 * MINUTE
"""A nonce that is older is stale: long enough for any client's second request, short enough to make replays useless."""

_EVENT = Event(events.CONNECTION_REQUEST)
_ACCEPTED = HttpResponse(200, (("Content-Length", "0"),))


def answer(agent: CwmpAgent, request: HttpRequest) -> HttpResponse:
    """Answer a connection request; an accepted one leads to a session with 6 CONNECTION REQUEST."""
    device = agent.device
    response = _refusal(agent, request)
    called = Called(response or _ACCEPTED, response is None)
    if agent.hooks is not None:
        for hook in agent.hooks.get("connection-request", ()):
            called = hook.connection_request(device, request, called)
    status = called.response.status
    if status != 401 or request.header("Authorization") is not None:
        # The challenge that every first request gets is no news; what became of the request is.
        device.host.trace.fact(device, "ConnectionRequest", via="http", status=status)
    if called.session:
        agent.tell(_EVENT)
        agent.wake()
    return called.response


def _refusal(agent: CwmpAgent, request: HttpRequest) -> HttpResponse | None:
    """Return why the request is not accepted, None where it is."""
    device = agent.device
    if not agent.listening:
        return HttpResponse(503)
    path = urlsplit(device.host.connection_request_url(device)).path
    if path and request.path and request.path.partition("?")[0] != path:
        return HttpResponse(404)
    if request.method != "GET":
        return HttpResponse(405, (("Allow", "GET"),))
    rules = device.schema.connection_request
    if rules.scheme and rules.credentials is not None:
        username, password = device.get(rules.credentials.username), device.get(rules.credentials.password)
        challenge = _challenge(agent, rules, request, username, password)
        if challenge is not None:
            return HttpResponse(401, (("WWW-Authenticate", challenge),) if challenge else ())
    if rules.throttle_window:
        work, now = agent.work(), device.host.kernel.now
        if work.called >= 0 and now - work.called < rules.throttle_window:
            wait = -(-(work.called + rules.throttle_window - now) // SECOND)
            return HttpResponse(503, (("Retry-After", str(wait)),))
        work.called = now
    return None


def _challenge(
    agent: CwmpAgent, rules: ConnectionRequest, request: HttpRequest, username: str, password: str
) -> str | None:
    """Return the challenge to answer with, None where the request is authenticated, "" where nobody could be."""
    if not username:
        return ""
    credentials = digest.parse_authorization(request.header("Authorization") or "")
    if rules.scheme == "basic":
        known = credentials is not None and credentials.scheme == "basic"
        right = known and credentials is not None and digest.verify(credentials, username, password, request.method)
        return None if right else digest.basic_challenge(rules.realm)
    work, now = agent.work(), agent.device.host.kernel.now
    fresh = bool(work.nonce) and now - work.nonce_at < NONCE_LIFE
    stale = False
    if (
        credentials is not None
        and credentials.scheme == "digest"
        and digest.verify(credentials, username, password, request.method, rules.realm)
    ):
        if fresh and credentials.nonce == work.nonce and credentials.count > work.nonce_count:
            work.nonce_count = credentials.count
            return None
        stale = True
    if not fresh or work.nonce_count:
        _new_nonce(agent, work, now)
    return digest.digest_challenge(rules.realm, work.nonce, stale=stale)


def _new_nonce(agent: CwmpAgent, work: Work, now: int) -> None:
    stream = agent.stream("connection-request")
    work.nonce = f"{draws.draw(stream, work.nonces):016x}{draws.draw(stream, work.nonces + 1):016x}"
    work.nonces += 2
    work.nonce_at = now
    work.nonce_count = 0
