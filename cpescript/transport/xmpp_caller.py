"""How `cpescript acs serve` calls devices by XMPP (TR-069 Annex K); the extra `xmpp`.

The connection lives on a loop and thread of its own, as those of devices do (`transport.xmpp`), and is made with the
first call; one that is lost is made anew with the next.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from typing import Any, NamedTuple

from cpescript.acs.connections import OK, UNAUTHORIZED
from cpescript.cwmp import xmpp_account
from cpescript.transport.xmpp_login import hang_up, log_in, make_client

_OUTCOMES = {"not-authorized": UNAUTHORIZED, "service-unavailable": "refused", "recipient-unavailable": "refused"}
"""Conditions of an error (Annex K.2.3.2; RFC 6120, 8.3.3) to what they tell the ACS; any other is `error`."""


class XmppAccount(NamedTuple):
    """As whom an ACS calls, and where its server is; an empty `host`: wherever the DNS says for the domain."""

    jid: str
    password: str
    host: str = ""
    port: int = xmpp_account.DEFAULT_PORT
    tls: bool = True
    """False: the password is proved, not sent, over a line in clear."""


class XmppCaller:
    """Makes connection requests as one account. `trusts` says whose certificates the server may have."""

    def __init__(self, account: XmppAccount, trusts: ssl.SSLContext | None = None) -> None:
        self._account = account
        self._trusts = trusts
        self._client: Any = None
        ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._live(ready),), name="xmpp-acs", daemon=True)
        self._thread.start()
        ready.wait()

    async def call(self, jid: str, username: str, password: str) -> str:
        """Call a device; return an outcome as `cpescript.acs.connections` has them."""
        job = asyncio.run_coroutine_threadsafe(self._call(jid, username, password), self._loop)
        return await asyncio.wrap_future(job)

    async def connected(self) -> bool:
        """Whether the connection stands; it is made now, if need be."""
        job = asyncio.run_coroutine_threadsafe(self._connected(), self._loop)
        return await asyncio.wrap_future(job) is not None

    async def close(self) -> None:
        """Close the connection and its loop."""
        self._loop.call_soon_threadsafe(self._over.set)
        await asyncio.to_thread(self._thread.join)

    # On the loop of the connection.

    async def _live(self, ready: threading.Event) -> None:
        self._loop, self._over, self._connecting = asyncio.get_running_loop(), asyncio.Event(), asyncio.Lock()
        ready.set()
        await self._over.wait()
        await self._hang_up()

    async def _call(self, jid: str, username: str, password: str) -> str:
        from slixmpp.exceptions import IqError, IqTimeout
        from slixmpp.xmlstream import ET

        client = await self._connected()
        if client is None:
            return "error"
        iq = client.make_iq_get(ito=jid)
        request = ET.SubElement(iq.xml, f"{{{xmpp_account.NAMESPACE}}}connectionRequest")
        for name, text in (("username", username), ("password", password)):
            ET.SubElement(request, f"{{{xmpp_account.NAMESPACE}}}{name}").text = text
        try:
            await iq.send()
        except IqError as error:
            return _OUTCOMES.get(error.condition, "error")
        except IqTimeout:
            return "timeout"
        return OK

    async def _connected(self) -> Any:
        """Return the client, connected; None where that cannot be had."""
        async with self._connecting:
            if self._client is not None and self._client.is_connected():
                return self._client
            await self._hang_up()
            return await self._connect()

    async def _connect(self) -> Any:
        trusted = self._trusts if self._trusts is not None else ssl.create_default_context()
        self._client = make_client(self._account, trusted)
        if not await log_in(self._client, self._account):
            await self._hang_up()
        return self._client

    async def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await hang_up(client)
