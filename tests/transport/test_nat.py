"""Devices behind NATs, from a scenario to the verdict, without a wire and on real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from cpescript.acs.connections import OK, ConnectionRequest
from cpescript.acs.orders import DeviceKey
from cpescript.acs.server import Acs
from cpescript.cwmp import stun
from cpescript.cwmp.nat import Heard, Nat
from cpescript.kernel.queue import Owner
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from cpescript.transport.acs_service import AcsService
from cpescript.transport.nat import Nats, _address_of, _number_at
from cpescript.transport.udp import DatagramPorts
from tests.adapters.serving import on_a_loop
from tests.transport.scripted_wire import World

HOMES = """
spawn 2 of hg100 as homes with:
    transport nat(stun: {stun})
expect each homes registered within 5m
wait 2m
acs connect homes
"""


def judged(tmp_path: Path, text: str, **options: Any) -> Any:
    file = tmp_path / "homes.cpes"
    file.write_text(text)
    return run(RunOptions(scenarios=(str(file),), seed=1, **options)).scenarios[0]


def test_the_embedded_acs_calls_a_device_behind_a_nat_by_datagram(tmp_path: Path) -> None:
    scenario = judged(
        tmp_path,
        HOMES.format(stun="true")
        + 'check Device.ManagementServer.UDPConnectionRequestAddress starts with "203.0.113." on each homes\n'
        + 'expect ConnectionRequest where via == "udp" and status == 200 on each homes within 1m\n'
        + 'expect Inform where events contains "6 CONNECTION REQUEST" on each homes within 1m\n'
        + "expect exactly 2 ConnectionRequest across homes\n",
    )
    assert scenario.verdict == "passed", scenario


def test_a_call_in_the_instant_in_which_the_acs_learns_the_address(tmp_path: Path) -> None:
    scenario = judged(
        tmp_path,
        "spawn 2 of hg100 as homes with:\n    transport nat(stun: true)\n"
        'on first Inform where events contains "4 VALUE CHANGE" of homes:\n    acs connect homes\n'
        'expect ConnectionRequest where via == "udp" and status == 200 on each homes within 10s\n',
    )
    assert scenario.verdict == "passed", scenario


FORGETS = """
spawn 2 of hg100 as homes with:
    transport nat(stun: true, binding: 100s)
    set Device.ManagementServer.STUNMinimumKeepAlivePeriod = {least}
    set Device.ManagementServer.STUNMaximumKeepAlivePeriod = {most}
expect each homes registered within 5m
wait {wait}
acs connect homes
"""


def test_a_device_finds_out_how_long_its_nat_keeps_a_binding(tmp_path: Path) -> None:
    scenario = judged(
        tmp_path,
        FORGETS.format(least=30, most=-1, wait="1h")
        + 'expect ConnectionRequest where via == "udp" and status == 200 on each homes within 1s\n'
        + 'expect no Inform where events contains "4 VALUE CHANGE" on homes for 12h\n',
    )
    assert scenario.verdict == "passed", scenario


def test_a_device_that_keeps_to_a_period_that_is_too_long_is_lost(tmp_path: Path) -> None:
    scenario = judged(
        tmp_path,
        FORGETS.format(least=900, most=900, wait="10m")
        + "expect no ConnectionRequest on homes for 1m\n"
        + "expect Device.ManagementServer.UDPConnectionRequestAddress starts with "
        + '"198.51.100." on each homes within 15m\n',
    )
    assert scenario.verdict == "passed", scenario


@pytest.mark.parametrize("given", ["stun: false, binding: 1m", "binding: 1m"])
def test_who_speaks_no_stun_has_no_binding(tmp_path: Path, given: str) -> None:
    scenario = judged(tmp_path, HOMES.format(stun="true").replace("stun: true", given))
    assert (scenario.verdict, "speaks STUN" in scenario.reason) == ("error", True)


def test_without_stun_nobody_reaches_it(tmp_path: Path) -> None:
    scenario = judged(tmp_path, HOMES.format(stun="false") + "expect no ConnectionRequest on homes for 10m\n")
    assert scenario.verdict == "passed", scenario


def test_a_profile_without_the_parameters_is_refused(tmp_path: Path) -> None:
    scenario = judged(tmp_path, HOMES.format(stun="true").replace("hg100", "ont4"))
    assert scenario.verdict == "error"
    assert "UDPConnectionRequestAddress" in scenario.reason


@pytest.mark.parametrize("number", [1, 59_999, 60_000, 60_001, 1_000_000])
def test_addresses_of_devices_lead_back(number: int) -> None:
    host, port = _address_of(number)
    assert 1_024 <= port < 65_536
    assert _number_at(host, str(port)) == number


@pytest.mark.parametrize("address", ["192.0.2.1:2000", "203.0.113.x:1", "203.0.113.1:x", "", ":"])
def test_a_call_to_nobody_is_lost(address: str) -> None:
    request = ConnectionRequest(f"udp://{address}", "acs", "secret", DeviceKey("00D0AA", "HG100", "1"))
    assert Nats(1).call(request, 0) == OK


# --- Sockets ----------------------------------------------------------------------------------------------------------


class Home:
    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def datagram(self, octets: bytes) -> None:
        self.heard.append(octets)


class StunServer(asyncio.DatagramProtocol):
    """Answers each request after as many copies as it is told to lose."""

    def __init__(self, lose: int = 0) -> None:
        self.lose = lose
        self.transport: Any = None
        self.peers: list[Any] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.peers.append(addr)
        if len(self.peers) > self.lose:
            value = stun.mapped_address(addr[:2])
            answer = stun.encode(stun.BINDING_RESPONSE, data[4:20], [(stun.MAPPED_ADDRESS, value)])
            self.transport.sendto(stun.encode(stun.BINDING_RESPONSE, bytes(16)), addr)
            self.transport.sendto(answer, addr)
            # Somebody who calls, and somebody who has mistaken the port.
            self.transport.sendto(b"GET http://x?ts=1", addr)
            self.transport.sendto(b"\x80nonsense", addr)


class Street:
    def __init__(self) -> None:
        self.world = World()
        self.ports = DatagramPorts(self.world.wire)
        self.home: Any = Home()
        self.heard: list[Heard] = []
        self.servers: list[Any] = []

    def serve(self, lose: int = 0) -> tuple[stun.Address, StunServer]:
        server = StunServer(lose)
        made = self.world.wire.loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", 0))
        transport, _ = self.world.wire.loop.run_until_complete(made)
        self.servers.append(transport)
        return transport.get_extra_info("sockname")[:2], server

    def ask(self, server: stun.Address) -> Heard:
        request = stun.encode(stun.BINDING_REQUEST, bytes(range(16)))
        nat: Nat = self.home
        self.world.kernel.at(
            self.world.kernel.now,
            Owner(1),
            lambda _: self.ports.exchange(nat, server, request, self.heard.append),
        )
        self.world.wire.drive(self.world.kernel)
        return self.heard[-1]

    def close(self) -> None:
        for transport in self.servers:
            transport.close()
        self.ports.close()
        self.world.close()


@pytest.fixture
def street() -> Iterator[Street]:
    street = Street()
    yield street
    street.close()


def test_a_binding_request_and_its_answer(street: Street) -> None:
    server, seen = street.serve()
    heard = street.ask(server)
    assert heard.octets is not None
    assert stun.parse(heard.octets).mapped == heard.local == seen.peers[0][:2]


def test_a_report_tells_that_nobody_answers_stun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpescript.transport.udp.WAITS", (0.01,))
    text = HOMES.format(stun="true").replace("wait 2m\nacs connect homes\n", "wait 1m\ncheck elapsed < 1h\n")
    service = AcsService(Acs())

    async def start(stack: AsyncExitStack) -> int:
        port, _ = await service.start("127.0.0.1", 0, 0, stack)
        return port

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent, on_a_loop(start) as port:
        silent.bind(("127.0.0.1", 0))
        where = silent.getsockname()[1]
        ask = f"    set Device.ManagementServer.STUNServerPort = {where}\n"
        scenario = judged(
            tmp_path, text.replace("stun: true)\n", f"stun: true)\n{ask}"), acs=f"http://127.0.0.1:{port}/"
        )
    assert scenario.verdict == "passed", scenario
    assert any(each.startswith(f"nobody answered STUN at 127.0.0.1:{where}: ") for each in scenario.remarks)


def test_a_lost_request_is_sent_again_from_the_same_port(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpescript.transport.udp.WAITS", (0.01, 0.02, 30.0))
    server, seen = street.serve(lose=2)
    heard = street.ask(server)
    assert heard.octets is not None
    assert seen.peers == [heard.local] * 3
    assert street.ask(server).local == heard.local


def test_a_server_that_says_nothing(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpescript.transport.udp.WAITS", (0.01, 0.02))
    server, seen = street.serve(lose=100)
    assert street.ask(server).octets is None
    street.world.wire.loop.run_until_complete(asyncio.sleep(0.01))  # The loop looks at its sockets once more.
    assert len(seen.peers) == 2
    host, port = server
    (remark,) = street.ports.remarks()
    assert remark.startswith(f"nobody answered STUN at {host}:{port}: ")


def test_a_server_that_answered_once_is_none_that_nobody_is_at(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpescript.transport.udp.WAITS", (30.0,))
    server, seen = street.serve()
    street.ask(server)
    monkeypatch.setattr("cpescript.transport.udp.WAITS", (0.01,))
    seen.lose = 100
    assert street.ask(server).octets is None
    assert street.ports.remarks() == []


def test_a_name_that_nobody_has(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    class Loop:
        """The real loop where no name is known (uvloop's has no attributes to set)."""

        async def getaddrinfo(self, *_: Any, **__: Any) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        def __getattr__(self, name: str) -> Any:
            return getattr(loop, name)

    loop = street.world.wire.loop
    monkeypatch.setattr(street.world.wire, "loop", Loop())
    assert street.ask(("stun.example", 3478)) == Heard(None, ("", 0))


@pytest.mark.parametrize("name", ["stun..example", "s" * 64])
def test_a_name_that_can_be_nobodys(street: Street, name: str) -> None:
    assert street.ask((name, 3478)) == Heard(None, ("", 0))


def test_of_many_silent_servers_a_few_are_named(street: Street) -> None:
    for number in range(6):
        street.ask((f"stun..{number}", 3478))
    (remark,) = street.ports.remarks()
    assert "stun..0:3478, stun..1:3478, stun..2:3478 and 3 more" in remark


def test_a_server_that_moves_to_an_address_of_another_family(street: Street) -> None:
    server, _ = street.serve()
    first = street.ask(server)
    street.ports._ports[street.home].family = socket.AF_INET6  # As after a server at ::1, which not all machines have.
    second = street.ask(server)
    assert second.octets is not None
    assert second.local != first.local


def test_what_somebody_sends_reaches_the_device(street: Street) -> None:
    server, _ = street.serve()
    street.ask(server)
    street.ask(server)
    assert b"GET http://x?ts=1" in street.home.heard
    assert not any(octets.startswith(b"\x80") for octets in street.home.heard)
