"""Devices' connections to an XMPP server, over which their ACS calls them (TR-069 Annex K); the extra `xmpp`.

A device connects once it is up, as the account in its tree says; whether that is still so is looked at every ten
seconds of virtual time. Virtual time stands still while a connection is being made.

The connections live on a loop and thread of their own: the library leaves tasks behind and does not bear every loop,
neither of which may touch the sessions. Whatever comes in is handed over to the wire, and handled within the run.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cpescript.cwmp import xmpp_account
from cpescript.cwmp.power import STOPPED
from cpescript.device.device import Device
from cpescript.kernel.time import SECOND
from cpescript.transport.http import HttpWire
from cpescript.transport.xmpp_login import hang_up, log_in, make_client

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent

MISSING = "" if find_spec("slixmpp") else "XMPP needs the extra 'xmpp': pip install 'cpescript[xmpp]'"

LOOK_EVERY = 10 * SECOND
"""Virtual time between two looks at whether a device should be connected, and as whom."""
Result = TypeVar("Result")

_REQUEST = f"{{{xmpp_account.NAMESPACE}}}"
_ERRORS = {401: ("auth", "not-authorized"), 503: ("cancel", "service-unavailable")}
"""Status to the type and condition of the error stanza (Annex K.2.3.2)."""


class XmppProblem(Exception):
    """Devices cannot speak XMPP here."""


class XmppPorts:
    """The connections of a fleet, beside its wire. `ca` are certificates that servers' may be signed by."""

    def __init__(self, wire: HttpWire, ca: Path | None = None) -> None:
        self.wire = wire
        self.ca = ca
        self._ports: list[_Port] = []
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None

    def add(self, device: Device) -> None:
        """Let a device keep a connection from now on. Raises XmppProblem."""
        if MISSING:
            raise XmppProblem(MISSING)
        if self._thread is None:
            ready = threading.Event()
            self._thread = threading.Thread(target=asyncio.run, args=(self._live(ready),), name="xmpp", daemon=True)
            self._thread.start()
            ready.wait()
        # Nobody asks for this parameter of his own accord: who calls there must hear of it (active by default, TR-181).
        device.set_attributes(f"{device.schema.management_server}ConnReqJabberID", notification=2)
        port = _Port(self, device.agent)
        self._ports.append(port)
        port.begin()

    def close(self) -> None:
        """Close every connection; before the wire is closed."""
        if self._thread is not None and self._loop is not None and self._over is not None:
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join()
            self._thread = None

    async def there(self, job: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine on the loop of the connections, for one on the wire's."""
        assert self._loop is not None
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(job, self._loop))

    def here(self, action: Callable[[], object]) -> None:
        """Have something handled within the run; from the loop of the connections."""
        self.wire.loop.call_soon_threadsafe(self.wire.enter, action)

    def say(self, stanza: Any) -> None:
        """Send a stanza that was made within the run."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(stanza.send)

    async def _live(self, ready: threading.Event) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        ready.set()
        await self._over.wait()
        await asyncio.gather(*(port.hang_up() for port in self._ports))


class _Port:
    """One device's connection."""

    def __init__(self, ports: XmppPorts, agent: CwmpAgent) -> None:
        self._ports = ports
        self._agent = agent
        self._account: xmpp_account.Account | None = None
        """As whom it is connected."""
        self._busy = False
        self._client: Any = None
        """Belongs to the loop of the connections."""

    # Within the run.

    def begin(self) -> None:
        """Look after the connection from when the device may be up for the first time."""
        self._again(SECOND)

    def _again(self, after: int) -> None:
        kernel = self._agent.device.host.kernel
        kernel.at(kernel.now + after, self._agent.device, _Port._look, self)

    def _look(self) -> None:
        gone = bool(self._agent.flags & STOPPED)
        wanted = xmpp_account.account(self._agent.device) if self._agent.listening and not gone else None
        if wanted != self._account and not self._busy:
            self._busy = True
            job = self._ports.there(self._change(wanted))
            self._ports.wire.run_job(job, partial(self._changed, wanted), stirs=False)
        if not gone:
            self._again(LOOK_EVERY)

    def _changed(self, account: xmpp_account.Account | None, jid: str) -> None:
        self._busy = False
        self._account = account if jid else None
        xmpp_account.bound(self._agent.device, jid)

    def _lost(self) -> None:
        self._account = None
        xmpp_account.bound(self._agent.device, "")

    def _answer(self, iq: Any) -> None:
        """Answer a connection request, at the current instant."""
        request = iq.xml.find(f"{_REQUEST}connectionRequest")
        username, password = ((request.findtext(f"{_REQUEST}{name}") or "") for name in ("username", "password"))
        status = xmpp_account.ask(self._agent, str(iq["from"]), username, password)
        if status == 200:
            self._ports.wire.stir()
        reply = iq.reply()
        if status in _ERRORS:
            kind, condition = _ERRORS[status]
            reply["type"] = "error"
            reply["error"]["code"] = str(status)
            reply["error"]["type"] = kind
            reply["error"]["condition"] = condition
        self._ports.say(reply)

    # On the loop of the connections.

    async def _change(self, account: xmpp_account.Account | None) -> str:
        """Connect as another account, or not at all; return the JID that the server has given, "" for none."""
        await self.hang_up()
        if account is None:
            return ""
        from slixmpp.xmlstream.handler import Callback
        from slixmpp.xmlstream.matcher import MatchXPath

        self._client = client = make_client(account, ssl.create_default_context(cafile=self._ports.ca))
        asked = MatchXPath(f"{{jabber:client}}iq/{_REQUEST}connectionRequest")
        client.register_handler(Callback("connection request", asked, self._came))
        jid = await log_in(client, account)
        if not jid:
            await self.hang_up()
            return ""
        client.send_presence()
        client.add_event_handler("disconnected", partial(self._dropped, client))
        return jid

    def _came(self, iq: Any) -> None:
        if iq["type"] in ("get", "set"):
            self._ports.here(partial(self._answer, iq))

    def _dropped(self, client: Any, _: object) -> None:
        if self._client is client:
            self._client = None
            self._ports.here(self._lost)

    async def hang_up(self) -> None:
        """Close the connection, with a word where the server listens."""
        client, self._client = self._client, None
        if client is not None:
            await hang_up(client)
