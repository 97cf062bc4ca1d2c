"""A device behind a NAT: its STUN binding, kept alive, and connection requests by datagram (TR-069 Annex G).

1. Once the device is up and STUNEnable is true it sends a Binding Request to its STUN server, and again each
   STUNMinimumKeepAlivePeriod of virtual time, or as long as the NAT keeps a binding where that can be searched for: by
   requests from a second port, up to STUNMaximumKeepAlivePeriod (G.2.1.2; no search where both are the same). Other
   bounds, and another boot, begin the search anew.
2. The server is STUNServerAddress, or the host of the ACS URL where that is empty, at STUNServerPort.
3. What it answers stands in UDPConnectionRequestAddress, and NATDetected says whether it is another address than the
   device's own. A binding that changed is told to the server at once, with BINDING-CHANGE (G.2.1.1).
4. An answer 401 is followed by the same request with USERNAME and MESSAGE-INTEGRITY, once.
5. Datagrams are heeded only while the device is up; one that is no request at all is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from cpescript.cwmp import connection_request, stun, udp_request
from cpescript.cwmp.binding_time import LONGEST, Search
from cpescript.cwmp.power import STOPPED
from cpescript.kernel import draws
from cpescript.kernel.time import SECOND

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent
    from cpescript.device.device import Device

KEEP_ALIVE = 30
"""Seconds between two Binding Requests of a device that has no STUNMinimumKeepAlivePeriod."""
DEFAULT_PORT = 3478
_UNAUTHORIZED = 401


class Heard(NamedTuple):
    """What came of a Binding Request: the answer, None for none, and the device's own address."""

    octets: bytes | None
    local: stun.Address


Listen = Callable[[Heard], None]
Exchange = Callable[["Nat", stun.Address, bytes, Listen], None]
"""Carries a Binding Request of a device to a server and calls back, now or later, with what was heard. One that asks
for its answer elsewhere (RESPONSE-ADDRESS) goes out from a second port, and what is heard is heard at the first one."""


def missing(device: Device) -> str:
    """Return the parameter that a device needs to be reached by datagrams and does not have, "" where it has it."""
    path = f"{device.schema.management_server}UDPConnectionRequestAddress"
    return "" if device.leaf(path) is not None else path


class Nat:
    """One device behind its NAT; `speaks` says whether it speaks STUN at all, `searches` whether it looks for how long
    the NAT keeps its binding."""

    __slots__ = (
        *("_bound", "_busy", "_exchange", "_last", "_mapped", "_requests", "_search", "_trying"),
        *("agent", "searches", "speaks"),
    )

    def __init__(self, agent: CwmpAgent, exchange: Exchange, *, speaks: bool, searches: bool = False) -> None:
        self.agent = agent
        self.speaks = speaks
        self.searches = searches
        self._exchange = exchange
        self._mapped: stun.Address | None = None
        self._search: Search | None = None
        self._trying = 0
        """The period that is being tried, in seconds; 0 for none."""
        self._last: connection_request.Stamp = (-1, -1)
        self._requests = 0
        self._busy = False
        self._bound = ""

    def start(self) -> None:
        """Let the device keep its binding from now on."""
        if self.speaks:
            self._set("STUNEnable", "true")
            # Nobody asks for this parameter of his own accord: who wants datagrams to be sent must hear of it.
            self.agent.device.set_attributes(self._path("UDPConnectionRequestAddress"), notification=2)
            self._again(SECOND)

    def datagram(self, octets: bytes) -> None:
        """Heed what came to the device's port from anybody."""
        request = udp_request.parse(octets)
        if request is not None and self.speaks:
            self._last = connection_request.take(self.agent, request, self._last)

    # --- The binding ----------------------------------------------------------------------------------------------

    def _again(self, after: int) -> None:
        kernel = self.agent.device.host.kernel
        kernel.at(kernel.now + after, self.agent.device, _due, self)

    def due(self) -> None:
        """The keep-alive period is over."""
        if self.agent.flags & STOPPED:
            return
        if not self.agent.listening or self._value("STUNEnable") != "true":
            self._mapped, self._search, self._trying = None, None, 0
        elif not self._busy and self._trying:
            self._try()
        elif not self._busy:
            self._bind()
        self._again(self._period() * SECOND)

    def _period(self) -> int:
        """Return for how many seconds the binding is left alone now."""
        least = max(1, self.agent.number(self._path("STUNMinimumKeepAlivePeriod"), KEEP_ALIVE))
        if not self.searches or self._mapped is None:
            return least
        most = self.agent.number(self._path("STUNMaximumKeepAlivePeriod"), -1)
        bounds = least, most if most >= 0 else LONGEST
        if self._search is None or self._search.bounds != bounds:
            self._search = Search(*bounds)
        self._trying = self._search.next or 0
        return self._trying or self._search.alive

    def _try(self) -> None:
        """Ask for an answer to the binding that was left alone, and bind anew whatever came of it."""
        mapped, period, search = self._mapped, self._trying, self._search
        assert mapped is not None
        assert search is not None
        transaction = self._transaction()
        self._busy, self._trying = True, 0

        def heard(what: Heard) -> None:
            self._busy = False
            search.tried(period, what.octets is not None and _answers(what.octets, transaction))
            self._bind()

        attributes = [(stun.RESPONSE_ADDRESS, stun.mapped_address(mapped))]
        self._exchange(self, self._server(), stun.encode(stun.BINDING_REQUEST, transaction, attributes), heard)

    def _transaction(self) -> bytes:
        self._requests += 1
        stream = self.agent.stream("stun")
        return b"".join(draws.draw(stream, 2 * self._requests + half).to_bytes(8, "big") for half in (0, 1))

    def _bind(self, *, changed: bool = False, proven: bool = False) -> None:
        transaction = self._transaction()
        attributes = [(stun.CONNECTION_REQUEST_BINDING, stun.IS_BINDING)]
        if changed:
            attributes.append((stun.BINDING_CHANGE, b""))
        username, key = self._value("STUNUsername"), None
        if username:
            attributes.append((stun.USERNAME, username.encode()))
        if proven:
            key = self._value("STUNPassword").encode()
        self._busy = True

        def heard(what: Heard) -> None:
            self._busy = False
            self._heard(what, transaction, changed=changed, key=key)

        octets = stun.encode(stun.BINDING_REQUEST, transaction, attributes, key)
        self._exchange(self, self._server(), octets, heard)

    def _heard(self, what: Heard, transaction: bytes, *, changed: bool, key: bytes | None) -> None:
        if what.octets is None:
            return
        try:
            answer = stun.parse(what.octets)
        except stun.StunError:
            return
        if answer.transaction != transaction:
            return
        if answer.kind == stun.BINDING_ERROR and answer.error == _UNAUTHORIZED and key is None:
            if self._value("STUNUsername"):
                self._bind(changed=changed, proven=True)
            return
        forged = key is not None and answer.get(stun.MESSAGE_INTEGRITY) is not None and not stun.proves(answer, key)
        mapped = answer.mapped
        if answer.kind != stun.BINDING_RESPONSE or mapped is None or forged:
            return
        before, self._bound = self._bound, _text(mapped)
        self._mapped = mapped if mapped != what.local else None
        self._set("NATDetected", "true" if mapped != what.local else "false")
        self._set("UDPConnectionRequestAddress", self._bound)
        if before and before != self._bound and not changed:
            self._bind(changed=True, proven=key is not None)

    def _server(self) -> stun.Address:
        host = self._value("STUNServerAddress") or urlsplit(self.agent.acs_url).hostname or ""
        return host, self.agent.number(self._path("STUNServerPort"), DEFAULT_PORT)

    # --- The tree -------------------------------------------------------------------------------------------------

    def _path(self, name: str) -> str:
        return f"{self.agent.device.schema.management_server}{name}"

    def _value(self, name: str) -> str:
        path = self._path(name)
        return self.agent.device.get(path) if self.agent.device.leaf(path) is not None else ""

    def _set(self, name: str, value: str) -> None:
        device, path = self.agent.device, self._path(name)
        if device.leaf(path) is not None and device.get(path) != value:
            device.write(path, value, by="device")


def _text(address: stun.Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _answers(octets: bytes, transaction: bytes) -> bool:
    try:
        answer = stun.parse(octets)
    except stun.StunError:
        return False
    return answer.kind == stun.BINDING_RESPONSE and answer.transaction == transaction


def _due(nat: Nat) -> None:
    nat.due()
