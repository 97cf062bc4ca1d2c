"""Datagram sockets of devices behind NATs: Binding Requests out, answers and connection requests in (Annex G).

One socket per device, for the binding is that of its port. It is bound to the address from which the STUN server is
reached, so to loopback where the server is there. A lost datagram is sent again as RFC 3489 has it (9.3), five times at
most, 3.1 s in all; virtual time stands still meanwhile.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from functools import partial
from typing import Any, cast

from cpescript.cwmp import stun
from cpescript.cwmp.nat import Heard, Listen, Nat
from cpescript.transport.base import LocalShortage
from cpescript.transport.http import HttpWire

WAITS = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Real seconds after each copy of a request."""
SHOWN = 3
"""Silent STUN servers that a remark names."""
_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_NOBODY = Heard(None, ("", 0))


class DatagramPorts:
    """The sockets of a fleet, on the loop of its wire. `exchange` is what `Nats.exchange` takes."""

    def __init__(self, wire: HttpWire) -> None:
        self._wire = wire
        self._ports: dict[Nat, _Port] = {}
        self._answers: dict[stun.Address, bool] = {}
        """Servers that were asked, and whether each ever answered."""

    def exchange(self, nat: Nat, server: stun.Address, octets: bytes, done: Listen) -> None:
        """Carry a Binding Request and call `done` with what was heard, within the run."""
        self._wire.run_job(self._exchange(nat, server, octets), done, stirs=False)

    def remarks(self) -> list[str]:
        """Say which servers never answered: their devices had no binding, and no ACS could call them."""
        silent = [server for server, answered in self._answers.items() if not answered]
        if not silent:
            return []
        where = ", ".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in silent[:SHOWN])
        more = f" and {len(silent) - SHOWN} more" if len(silent) > SHOWN else ""
        return [
            f"nobody answered STUN at {where}{more}: devices that ask there have no binding to be called at by "
            "datagram (STUNServerAddress, else the host of the ACS's URL, and STUNServerPort say where they ask)"
        ]

    def close(self) -> None:
        """Close every socket; before the wire is closed."""
        for port in self._ports.values():
            port.close()
        self._ports.clear()
        self._wire.loop.run_until_complete(asyncio.sleep(0))

    async def _exchange(self, nat: Nat, server: stun.Address, octets: bytes) -> Heard:
        heard = await self._asked(nat, server, octets)
        self._answers[server] = self._answers.get(server, False) or heard.octets is not None
        return heard

    async def _asked(self, nat: Nat, server: stun.Address, octets: bytes) -> Heard:
        loop = self._wire.loop
        try:
            found = await loop.getaddrinfo(*server, type=socket.SOCK_DGRAM)
            family, _, _, _, address = found[0]
            port = self._ports.get(nat)
            if port is not None and port.family != family:
                # The server has moved to an address that this socket cannot reach: another one, another binding.
                port.close()
                port = None
            if port is None:
                here = _source(family, address)
                _, port = await loop.create_datagram_endpoint(
                    lambda: _Port(self._wire, nat), local_addr=(here, 0), family=family
                )
                self._ports[nat] = port
        except OSError as problem:
            if problem.errno in _SHORTAGES:
                raise LocalShortage(f"no socket can be had for a device behind a NAT: {problem}") from problem
            return _NOBODY
        except UnicodeError:
            return _NOBODY  # No name: a label is empty or too long.
        return Heard(await port.ask(octets, address), port.local)


class _Port(asyncio.DatagramProtocol):
    """One device's socket."""

    def __init__(self, wire: HttpWire, nat: Nat) -> None:
        self._wire = wire
        self._nat = nat
        self._transport: asyncio.DatagramTransport | None = None
        self._server: Any = None
        self._transaction = b""
        self._answer: asyncio.Future[bytes] | None = None
        self.local: stun.Address = ("", 0)
        self.family = socket.AF_UNSPEC

    async def ask(self, octets: bytes, server: Any) -> bytes | None:
        """Send a request until its answer comes; None for none."""
        assert self._transport is not None
        self._server, self._transaction = server[:2], octets[4:20]
        self._answer = self._wire.loop.create_future()
        try:
            for wait in WAITS:
                if self._transport.is_closing():
                    return None
                self._transport.sendto(octets, server)
                done, _ = await asyncio.wait((self._answer,), timeout=wait)
                if done:
                    return self._answer.result()
            return None
        finally:
            self._answer = None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.local = transport.get_extra_info("sockname")[:2]
        self.family = transport.get_extra_info("socket").family

    def datagram_received(self, data: bytes, addr: Any) -> None:
        answer = self._answer
        if answer is not None and addr[:2] == self._server and data[4:20] == self._transaction:
            if not answer.done():
                answer.set_result(data)
        elif data.startswith(b"GET "):
            # Anybody can send one: only what a device heeds is traffic, and that shows by the session that follows.
            self._wire.enter(partial(self._nat.datagram, data))

    def error_received(self, exc: Exception) -> None:
        """Nobody listens at the server's port: the copies that are left go out all the same."""


def _source(family: int, server: Any) -> str:
    """Return this machine's address towards a server; nothing is sent. Raises OSError."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(server)
        return str(probe.getsockname()[0])
