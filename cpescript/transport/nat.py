"""Devices behind NATs, as the rest of the world meets them: nobody reaches them by HTTP, datagrams need a binding.

Without a wire the NAT and the STUN server are played here: device n has port 1024 + n % 60,000 of an address of
203.0.113.0/24, for good. On real sockets (`transport.udp`) both are whoever they are.
"""

from __future__ import annotations

from typing import Any

from cpescript.acs.connections import OK, ConnectionRequest
from cpescript.cwmp import stun, udp_request
from cpescript.cwmp.nat import Exchange, Heard, Listen, Nat
from cpescript.device.device import Device
from cpescript.kernel import draws
from cpescript.kernel.time import SECOND
from cpescript.transport.calls import Callee

UDP = "udp://"
"""What the URL of a call by datagram begins with."""
COPIES = 3
"""Datagrams of one call: one in a thousand is lost on a bad line, three in a row are not (Annex G.2.2.2)."""

_PORTS = 60_000
_FIRST_PORT = 1_024


class _Deaf:
    """What a caller over HTTP finds behind a NAT: nobody."""

    listening = False


class Hidden:
    """Stands for a device that is there, and not to be reached from outside."""

    __slots__ = ("agent", "cpe_id", "number")

    def __init__(self, device: Device) -> None:
        self.number = device.number
        self.cpe_id = device.cpe_id
        self.agent: Any = _Deaf


class Nats:
    """All devices behind NATs. `exchange` carries their Binding Requests; None plays the server without a wire."""

    def __init__(self, seed: int) -> None:
        self.exchange: Exchange | None = None
        self._seed = seed
        self._known: dict[int, Nat] = {}
        self._calls = 0

    def add(self, device: Device, *, speaks: bool) -> None:
        """Put a device behind a NAT, before it is switched on; `speaks` says whether it speaks STUN."""
        nat = self._known[device.number] = Nat(device.agent, self._carry, speaks=speaks)
        nat.start()

    def outside(self, device: Device | None) -> Callee | None:
        """Return what a caller over HTTP meets where that device is."""
        return Hidden(device) if device is not None and device.number in self._known else device

    def call(self, request: ConnectionRequest, now: int) -> str:
        """Send a call by datagram without a wire. It is never answered, so it is `ok` whatever comes of it."""
        self._calls += 1
        address = request.url.removeprefix(UDP)
        host, _, port = address.rpartition(":")
        cnonce = f"{draws.draw(draws.stream(self._seed, 'udp:cnonce'), self._calls):016x}"
        octets = udp_request.build(address, request.username, request.password, now // SECOND, self._calls, cnonce)
        nat = self._known.get(_number_at(host, port))
        if nat is not None:
            nat.datagram(octets)
        return OK

    def _carry(self, nat: Nat, server: stun.Address, octets: bytes, done: Listen) -> None:
        exchange = self.exchange if self.exchange is not None else _played
        exchange(nat, server, octets, done)


def _played(nat: Nat, server: stun.Address, octets: bytes, done: Listen) -> None:
    request, mapped = stun.parse(octets), _address_of(nat.agent.device.number)
    attributes = [(stun.MAPPED_ADDRESS, stun.mapped_address(mapped))]
    done(Heard(stun.encode(stun.BINDING_RESPONSE, request.transaction, attributes), ("192.0.2.1", 7547)))


def _address_of(number: int) -> stun.Address:
    host, port = divmod(number, _PORTS)
    return f"203.0.113.{1 + host % 254}", _FIRST_PORT + port


def _number_at(host: str, port: str) -> int:
    prefix, _, last = host.rpartition(".")
    if prefix != "203.0.113" or not (last.isdecimal() and port.isdecimal()):
        return 0
    return (int(last) - 1) * _PORTS + int(port) - _FIRST_PORT
