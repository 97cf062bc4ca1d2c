"""A device's XMPP account and what it says of it: connection requests by way of a server (TR-069 Annex K).

The tree has it all, and an ACS may change it: ManagementServer.ConnReqXMPPConnection names the XMPP.Connection of the
device, with its user name, domain, resource and password; its first Server says where to connect to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cpescript.cwmp import connection_request

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent
    from cpescript.device.device import Device

NAMESPACE = "urn:broadband-forum-org:cwmp:xmppConnReq-1-0"
"""Of the element `connectionRequest` with its `username` and `password` (Annex K.2.3.1)."""
DEFAULT_PORT = 5222

_CONNECTION = "ConnReqXMPPConnection"
_OWN_JID = "ConnReqJabberID"
_CALLERS = "ConnReqAllowedJabberIDs"


class Account(NamedTuple):
    """Where a device connects to, and as whom. An empty `host`: wherever the DNS says for the domain."""

    username: str
    domain: str
    resource: str
    password: str
    host: str
    port: int
    tls: bool

    @property
    def jid(self) -> str:
        return f"{self.username}@{self.domain}" + (f"/{self.resource}" if self.resource else "")


def missing(device: Device) -> str:
    """Return the parameter that a device needs for XMPP and does not have, "" where it has all."""
    root = device.schema.management_server
    return next((f"{root}{name}" for name in (_CONNECTION, _OWN_JID) if device.leaf(f"{root}{name}") is None), "")


def account(device: Device) -> Account | None:
    """Return the account that the tree has now; None where it is disabled, or names nobody."""
    connection = _connection(device)
    if _value(device, f"{connection}Enable").lower() not in ("true", "1"):
        return None
    username, domain = (_value(device, f"{connection}{name}") for name in ("Username", "Domain"))
    if not username or not domain:
        return None
    server = f"{connection}Server.1."
    port = _value(device, f"{server}Port")
    return Account(
        username,
        domain,
        _value(device, f"{connection}Resource"),
        _value(device, f"{connection}Password"),
        _value(device, f"{server}ServerAddress"),
        int(port) if port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65_536 else DEFAULT_PORT,
        _value(device, f"{connection}UseTLS").lower() not in ("false", "0"),
    )


def bound(device: Device, jid: str) -> None:
    """Let the tree say which address the device has now; "" says that it is not connected."""
    connection = _connection(device)
    _set(device, f"{connection}JabberID", jid)
    _set(device, f"{connection}Status", "Up" if jid else "Down")
    if jid:
        # The last address stays: an ACS that calls there is told by the server that nobody is.
        _set(device, f"{device.schema.management_server}{_OWN_JID}", jid)


def ask(agent: CwmpAgent, sender: str, username: str, password: str) -> int:
    """Heed a connection request from a JID; return what to answer as an HTTP status: 200, 401 or 503.

    Whoever is not in ConnReqAllowedJabberIDs, where that names anybody, learns only that nobody is there.
    """
    device = agent.device
    callers = _value(device, f"{device.schema.management_server}{_CALLERS}")
    known = {each.strip() for each in callers.split(",") if each.strip()}
    if known and not {sender, sender.partition("/")[0]} & known:
        return 503
    return connection_request.ask(agent, username, password)


def _connection(device: Device) -> str:
    path = _value(device, f"{device.schema.management_server}{_CONNECTION}")
    return path if path.endswith(".") or not path else f"{path}."


def _value(device: Device, path: str) -> str:
    return device.get(path) if device.leaf(path) is not None else ""


def _set(device: Device, path: str, value: str) -> None:
    if device.leaf(path) is not None and device.get(path) != value:
        device.write(path, value, by="device")
