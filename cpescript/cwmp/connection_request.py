"""Connection requests: an HTTP GET or a datagram that asks a device to open a session (TR-069 3.2.2, Annex G).

1. The device answers a GET with 200 before the session starts; a datagram is never answered.
2. What comes during a session leads to one more session after it; many requests are one event.
3. A request is counted against the throttle window only once it is authenticated.
4. A proof is good once (`nonces`), and (ts, id) of datagrams must grow. It is good for the URL that it names, and
   nothing else (RFC 7616, 3.4.6).
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cpescript.cwmp import digest, events
from cpescript.cwmp.hooks import Called
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.cwmp.message import Event
from cpescript.cwmp.nonces import Nonces
from cpescript.kernel.time import SECOND

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent
    from cpescript.cwmp.udp_request import UdpRequest
    from cpescript.device.blocks import ConnectionRequest

Stamp = tuple[int, int]
"""What orders datagrams: when they were made, and their number."""

_EVENT = Event(events.CONNECTION_REQUEST)
_ACCEPTED = HttpResponse(200)


def answer(agent: CwmpAgent, request: HttpRequest, came: int) -> HttpResponse:
    """Answer a connection request; an accepted one leads to a session with 6 CONNECTION REQUEST.

    `came` is when it came, in nanoseconds of the clock that its callers live by.
    """
    called = _called(agent, request, _refusal(agent, request, came))
    status = called.response.status
    if status != 401 or request.header("Authorization") is not None:
        # The challenge that every first request gets is no news; what became of the request is.
        agent.device.host.trace.fact(agent.device, "ConnectionRequest", via="http", status=status)
    _follow(agent, called)
    return called.response


def take(agent: CwmpAgent, request: UdpRequest, last: Stamp) -> Stamp:
    """Heed a connection request that came as a datagram, the newest so far being of `last`; return which is now.

    What it would have been answered over HTTP is told to the trace: 401 for a wrong user name or signature. Copies of
    one that was heeded, and older ones, are dropped without a word (Annex G.2.1.2).
    """
    device, credentials = agent.device, agent.device.schema.connection_request.credentials
    if not agent.listening or credentials is None:
        return last
    username, password = device.get(credentials.username), device.get(credentials.password)
    known = hmac.compare_digest(request.username.encode(), username.encode())
    if not (request.proves(password) and known and username):
        device.host.trace.fact(device, "ConnectionRequest", via="udp", status=401)
        return last
    if (request.ts, request.id) <= last:
        return last
    called = _called(agent, HttpRequest((), b"", "GET"), _throttled(agent))
    device.host.trace.fact(device, "ConnectionRequest", via="udp", status=called.response.status)
    _follow(agent, called)
    return request.ts, request.id


def ask(agent: CwmpAgent, username: str, password: str) -> int:
    """Heed a connection request that came with these credentials by XMPP; return what HTTP would have answered: 200,
    401 for wrong credentials, 503 for one that comes too soon or while the device is down (Annex K.2.3)."""
    device, credentials = agent.device, agent.device.schema.connection_request.credentials
    if not agent.listening:
        return 503
    refusal = None
    if credentials is not None:
        right = hmac.compare_digest(password.encode(), device.get(credentials.password).encode())
        known = hmac.compare_digest(username.encode(), device.get(credentials.username).encode())
        refusal = None if right and known and username else HttpResponse(401)
    called = _called(agent, HttpRequest((), b"", "GET"), refusal or _throttled(agent))
    device.host.trace.fact(device, "ConnectionRequest", via="xmpp", status=called.response.status)
    _follow(agent, called)
    return called.response.status


def _called(agent: CwmpAgent, request: HttpRequest, refusal: HttpResponse | None) -> Called:
    """Let whoever meddles with connection requests have his say."""
    called = Called(refusal or _ACCEPTED, refusal is None)
    if agent.hooks is not None:
        for hook in agent.hooks.get("connection-request", ()):
            called = hook.connection_request(agent.device, request, called)
    return called


def _follow(agent: CwmpAgent, called: Called) -> None:
    if called.session:
        agent.tell(_EVENT)
        agent.wake()


def _refusal(agent: CwmpAgent, request: HttpRequest, came: int) -> HttpResponse | None:
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
        challenge = _challenge(agent, rules, request, came, username, password)
        if challenge is not None:
            return HttpResponse(401, (("WWW-Authenticate", challenge),) if challenge else ())
    return _throttled(agent)


def _throttled(agent: CwmpAgent) -> HttpResponse | None:
    """Return the refusal of a request that comes too soon after the last one; count any other."""
    window = agent.device.schema.connection_request.throttle_window
    if window:
        work, now = agent.work(), agent.device.host.kernel.now
        if work.called >= 0 and now - work.called < window:
            wait = -(-(work.called + window - now) // SECOND)
            return HttpResponse(503, (("Retry-After", str(wait)),))
        work.called = now
    return None


def _challenge(
    agent: CwmpAgent, rules: ConnectionRequest, request: HttpRequest, came: int, username: str, password: str
) -> str | None:
    """Return the challenge to answer with, None where the request is authenticated, "" where nobody could be."""
    if not username:
        return ""
    credentials = digest.parse_authorization(request.header("Authorization") or "")
    if rules.scheme == "basic":
        known = credentials is not None and credentials.scheme == "basic"
        right = known and credentials is not None and digest.verify(credentials, username, password, request.method)
        return None if right else digest.basic_challenge(rules.realm)
    work, stream = agent.work(), agent.stream("connection-request")
    nonces = work.nonces = work.nonces or Nonces()
    stale = False
    if (
        credentials is not None
        and credentials.scheme == "digest"
        and digest.verify(credentials, username, password, request.method, rules.realm)
        and credentials.made_for(request.path)
    ):
        if nonces.use(credentials.nonce, credentials.count, stream, came):
            return None
        stale = True
    return digest.digest_challenge(rules.realm, nonces.make(stream, came), stale=stale)
