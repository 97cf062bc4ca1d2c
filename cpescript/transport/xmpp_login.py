"""Being a client of an XMPP server, for whoever speaks as one: a device, or an ACS that calls devices."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, Protocol

CONNECT = 10.0
"""Real seconds that a connection may take, TLS and login included."""
GOODBYE = 1.0
"""Real seconds that servers are given to close their streams."""


class Login(Protocol):
    """As whom to connect, and where to; an empty `host`: wherever the DNS says for the domain.

    Without `tls` no password goes over the line, but a proof of it may.
    """

    @property
    def jid(self) -> str: ...
    @property
    def password(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def tls(self) -> bool: ...


def make_client(login: Login, trusted: ssl.SSLContext) -> Any:
    """Return a client of the library that is not yet connected. `trusted` says whose certificates a server may have."""
    # Here, because it takes longer to import than all the rest of a small run.
    import slixmpp

    settings = {"feature_mechanisms": {"unencrypted_scram": not login.tls}}
    client = slixmpp.ClientXMPP(login.jid, login.password, settings, ssl_context=trusted)
    client.enable_direct_tls = False
    client.enable_starttls, client.enable_plaintext = login.tls, not login.tls
    return client


async def log_in(client: Any, login: Login) -> str:
    """Connect a client; return the JID that the server has given, "" where it does not stand in time."""
    over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def settle(jid: str) -> None:
        if not over.done():
            over.set_result(jid)

    client.add_event_handler("session_start", lambda _: settle(client.boundjid.full))
    for event in ("failed_all_auth", "connection_failed", "disconnected"):
        client.add_event_handler(event, lambda _: settle(""))
    client.connect(login.host or None, login.port if login.host else None)
    try:
        return await asyncio.wait_for(over, CONNECT)
    except TimeoutError:
        return ""


async def hang_up(client: Any) -> None:
    """Close a client's connection, with a word where the server listens."""
    client.cancel_connection_attempt()
    if client.is_connected():
        await asyncio.wait((asyncio.ensure_future(client.disconnect(wait=GOODBYE)),), timeout=2 * GOODBYE)
    client.abort()
