"""Devices' connections to an XMPP server, over which their ACS calls them (TR-069 Annex K); the extra `xmpp`.

A device connects once it is up, as the account in its tree says; whether that is still so is looked at every ten
seconds of virtual time. Virtual time stands still while a connection is being made.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpescript.cwmp import xmpp_account
from cpescript.cwmp.power import STOPPED
from cpescript.device.device import Device
from cpescript.kernel.time import SECOND
from cpescript.transport.http import HttpWire

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent

MISSING = "" if find_spec("slixmpp") else "XMPP needs the extra 'xmpp': pip install 'cpescript[xmpp]'"

LOOK_EVERY = 10 * SECOND
"""Virtual time between two looks at whether a device should be connected, and as whom."""
CONNECT = 10.0
"""Real seconds that a connection may take, TLS and login included."""
GOODBYE = 1.0
"""Real seconds that servers are given to close their streams."""

_REQUEST = f"{{{xmpp_account.NAMESPACE}}}"
_ERRORS = {401: ("auth", "not-authorized"), 503: ("cancel", "service-unavailable")}
"""Status to the type and condition of the error stanza (Annex K.2.3.2)."""


class XmppProblem(Exception):
    """Devices cannot speak XMPP here."""


class XmppPorts:
    """The connections of a fleet, on the loop of its wire. `ca` are certificates that servers' may be signed by."""

    def __init__(self, wire: HttpWire, ca: Path | None = None) -> None:
        self.wire = wire
        self.ca = ca
        self._ports: list[_Port] = []

    def add(self, device: Device) -> None:
        """Let a device keep a connection from now on. Raises XmppProblem."""
        if MISSING:
            raise XmppProblem(MISSING)
        port = _Port(self, device.agent)
        self._ports.append(port)
        port.again()

    def close(self) -> None:
        """Close every connection; before the wire is closed."""
        self.wire.loop.run_until_complete(self._close())

    async def _close(self) -> None:
        await asyncio.gather(*(port.hang_up() for port in self._ports))
        self._ports.clear()


class _Port:
    """One device's connection."""

    def __init__(self, ports: XmppPorts, agent: CwmpAgent) -> None:
        self._wire = ports.wire
        self._ca = ports.ca
        self._agent = agent
        self._account: xmpp_account.Account | None = None
        self._client: Any = None
        self._busy = False

    def again(self) -> None:
        kernel = self._agent.device.host.kernel
        # The first look is when the device may have booted: at the instant of its making it is not up yet.
        kernel.at(kernel.now + (LOOK_EVERY if self._account else SECOND), self._agent.device, _Port._look, self)

    def _look(self) -> None:
        if self._agent.flags & STOPPED:
            self._wanted(None)
            return
        if not self._busy:
            self._wanted(xmpp_account.account(self._agent.device) if self._agent.listening else None)
        kernel = self._agent.device.host.kernel
        kernel.at(kernel.now + LOOK_EVERY, self._agent.device, _Port._look, self)

    def _wanted(self, account: xmpp_account.Account | None) -> None:
        if account == self._account and (self._client is not None or account is None):
            return
        self._account, self._busy = account, True
        self._wire.run_job(self._change(account), self._changed, stirs=False)

    async def _change(self, account: xmpp_account.Account | None) -> str:
        """Connect as another account, or not at all; return the JID that the server has given, "" for none."""
        await self.hang_up()
        if account is None:
            return ""
        # Here, because it takes longer to import than all the rest of a small run.
        import slixmpp
        from slixmpp.xmlstream.handler import Callback
        from slixmpp.xmlstream.matcher import MatchXPath

        # Without TLS no password goes over the line, but a proof of it may.
        settings = {"feature_mechanisms": {"unencrypted_scram": not account.tls}}
        client = slixmpp.ClientXMPP(
            account.jid, account.password, settings, loop=self._wire.loop, ssl_context=self._tls()
        )
        client.enable_direct_tls = False
        client.enable_starttls, client.enable_plaintext = account.tls, not account.tls
        over: asyncio.Future[str] = self._wire.loop.create_future()

        def settle(jid: str) -> None:
            if not over.done():
                over.set_result(jid)

        client.add_event_handler("session_start", lambda _: settle(client.boundjid.full))
        for event in ("failed_auth", "failed_all_auth", "connection_failed", "disconnected"):
            client.add_event_handler(event, lambda _: settle(""))
        client.register_handler(
            Callback("connection request", MatchXPath(f"{{jabber:client}}iq/{_REQUEST}connectionRequest"), self._came)
        )
        client.connect(account.host or None, account.port if account.host else None)
        try:
            jid = await asyncio.wait_for(over, CONNECT)
        except TimeoutError:
            jid = ""
        self._client = client
        if not jid:
            await self.hang_up()
            return ""
        client.send_presence()
        client.add_event_handler("disconnected", partial(self._lost, client))
        return jid

    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._ca)

    def _changed(self, jid: str) -> None:
        self._busy = False
        xmpp_account.bound(self._agent.device, jid)

    def _lost(self, client: Any, _: object) -> None:
        if self._client is client:
            self._client = None
            self._wire.enter(partial(xmpp_account.bound, self._agent.device, ""))

    def _came(self, iq: Any) -> None:
        self._wire.enter(partial(self._answer, iq))

    def _answer(self, iq: Any) -> None:
        """Answer a connection request, at the current instant."""
        if iq["type"] not in ("get", "set"):
            return
        request = iq.xml.find(f"{_REQUEST}connectionRequest")
        username, password = ((request.findtext(f"{_REQUEST}{name}") or "") for name in ("username", "password"))
        status = xmpp_account.ask(self._agent, str(iq["from"]), username, password)
        if status == 200:
            self._wire.stir()
        reply = iq.reply()
        if status in _ERRORS:
            kind, condition = _ERRORS[status]
            reply["type"] = "error"
            reply["error"]["code"] = str(status)
            reply["error"]["type"] = kind
            reply["error"]["condition"] = condition
        reply.send()

    async def hang_up(self) -> None:
        """Close the connection, with a word where the server listens."""
        client, self._client = self._client, None
        if client is None:
            return
        client.cancel_connection_attempt()
        if client.is_connected():
            await asyncio.wait((asyncio.ensure_future(client.disconnect(wait=GOODBYE)),), timeout=2 * GOODBYE)
        client.abort()
