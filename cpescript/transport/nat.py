"""Devices behind NATs, as the rest of the world meets them: nobody reaches them by HTTP, datagrams need a binding.

Without a wire the NAT and the STUN server are played here: device n has port 1024 + n % 60,000 of an address of
203.0.113.0/24, for good; or, where the scenario says how long its NAT keeps a binding, until nothing has gone out for
so long. The next binding then has an address of the other network, 198.51.100.0/24. On real sockets (`transport.udp`)
both are whoever they are.
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
_NETWORKS = ("203.0.113", "198.51.100")
"""The first parts of addresses outside: a binding that follows another one has the other network."""
_INSIDE: stun.Address = ("192.0.2.1", 7547)


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


class _Lease:
    """The binding of a device whose NAT forgets: how long it is kept, since when, and how many there have been."""

    __slots__ = ("address", "kept", "since", "times")

    def __init__(self, kept: int) -> None:
        self.kept = kept
        self.since = -kept
        self.times = 0
        self.address: stun.Address = ("", 0)

    def stands(self, now: int) -> bool:
        return now - self.since < self.kept


class Nats:
    """All devices behind NATs. `exchange` carries their Binding Requests; None plays the server without a wire."""

    def __init__(self, seed: int) -> None:
        self.exchange: Exchange | None = None
        self._seed = seed
        self._known: dict[int, Nat] = {}
        self._leases: dict[int, _Lease] = {}
        self._calls = 0

    def add(self, device: Device, *, speaks: bool, kept: int | None = None) -> None:
        """Put a device behind a NAT, before it is switched on; `speaks` says whether it speaks STUN, `kept` for how
        many virtual nanoseconds the NAT keeps a binding (None: for good)."""
        if kept is not None:
            self._leases[device.number] = _Lease(kept)
        searches = kept is not None
        nat = self._known[device.number] = Nat(device.agent, self._carry, speaks=speaks, searches=searches)
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
        number = _number_at(host, port)
        nat, lease = self._known.get(number), self._leases.get(number)
        there = lease is None or (lease.stands(now) and lease.address == (host, int(port)))
        if nat is not None and there:
            nat.datagram(octets)
        return OK

    def _carry(self, nat: Nat, server: stun.Address, octets: bytes, done: Listen) -> None:
        exchange = self.exchange if self.exchange is not None else self._played
        exchange(nat, server, octets, done)

    def _played(self, nat: Nat, server: stun.Address, octets: bytes, done: Listen) -> None:
        """Answer as a NAT and the server behind it do."""
        request, device = stun.parse(octets), nat.agent.device
        lease, now = self._leases.get(device.number), device.host.kernel.now
        mapped = _address_of(device.number)
        if lease is not None and request.response is not None:
            # From the second port: only what goes out from the first one keeps its binding.
            if not lease.stands(now) or request.response != lease.address:
                done(Heard(None, _INSIDE))
                return
            mapped = lease.address
        elif lease is not None:
            if not lease.stands(now):
                lease.address = _address_of(device.number, lease.times)
                lease.times += 1
            lease.since = now
            mapped = lease.address
        attributes = [(stun.MAPPED_ADDRESS, stun.mapped_address(mapped))]
        done(Heard(stun.encode(stun.BINDING_RESPONSE, request.transaction, attributes), _INSIDE))


def _address_of(number: int, times: int = 0) -> stun.Address:
    """Return the address outside of a device, or that of its binding after so many others."""
    host, port = divmod(number, _PORTS)
    return f"{_NETWORKS[times % 2]}.{1 + host % 254}", _FIRST_PORT + port


def _number_at(host: str, port: str) -> int:
    prefix, _, last = host.rpartition(".")
    if prefix not in _NETWORKS or not (last.isdecimal() and port.isdecimal()):
        return 0
    return (int(last) - 1) * _PORTS + int(port) - _FIRST_PORT
