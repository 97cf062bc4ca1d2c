"""A device behind a NAT: how it binds, what it makes of the answers, and that the tree says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cpescript.cwmp import stun, udp_request
from cpescript.cwmp.nat import Heard, Listen, Nat, missing
from cpescript.device.schema import Leaf
from cpescript.kernel.time import SECOND
from tests.cwmp.world import MS, World

LOCAL = ("192.0.2.5", 4000)
OUTSIDE = ("203.0.113.9", 3400)
LEAVES = (
    ("UDPConnectionRequestAddress", "string", ""),
    ("STUNEnable", "boolean", "false"),
    ("STUNServerAddress", "string", ""),
    ("STUNServerPort", "unsignedInt", "3478"),
    ("STUNUsername", "string", ""),
    ("STUNPassword", "string", ""),
    ("STUNMinimumKeepAlivePeriod", "unsignedInt", "60"),
    ("NATDetected", "boolean", "false"),
)

Server = Callable[[stun.StunMessage], bytes | None]


def bound(request: stun.StunMessage, address: stun.Address = OUTSIDE, key: bytes | None = None) -> bytes:
    attributes = [(stun.MAPPED_ADDRESS, stun.mapped_address(address))]
    return stun.encode(stun.BINDING_RESPONSE, request.transaction, attributes, key)


class Home:
    """A device behind a NAT with a server that answers as it is told to; `asked` are the requests."""

    def __init__(self, world: World, speaks: bool = True, **values: str) -> None:
        self.world = world
        for name, kind, default in LEAVES:
            path = f"{MS}{name}"
            world.schema.leaves[path] = Leaf(path, kind, True, values.get(name, default))
        self.agent = world.device(power=False)
        self.asked: list[stun.StunMessage] = []
        self.servers: list[stun.Address] = []
        self.answer: Server = bound
        self.nat = Nat(self.agent, self.exchange, speaks=speaks)
        self.nat.start()
        self.agent.power_on()

    def exchange(self, nat: Nat, server: stun.Address, octets: bytes, done: Listen) -> None:
        request = stun.parse(octets)
        self.asked.append(request)
        self.servers.append(server)
        done(Heard(self.answer(request), LOCAL))

    def get(self, name: str) -> str:
        return self.agent.device.get(f"{MS}{name}")

    @property
    def address(self) -> str:
        return self.get("UDPConnectionRequestAddress")


def test_a_device_binds_keeps_the_binding_and_tells_the_acs(world: World) -> None:
    home = Home(world)
    world.run(200)
    assert (home.address, home.get("NATDetected"), home.get("STUNEnable")) == ("203.0.113.9:3400", "true", "true")
    assert len(home.asked) == 4
    assert home.asked[0].get(stun.CONNECTION_REQUEST_BINDING) == stun.IS_BINDING
    assert len({request.transaction for request in home.asked}) == 4
    assert home.servers[0] == ("acs.example", 3478)
    assert ("4 VALUE CHANGE",) in [events for _, events in world.informs()]
    assert world.last_inform().settings[f"{MS}UDPConnectionRequestAddress"] == "203.0.113.9:3400"


class Forgetful(Home):
    """A home whose NAT keeps a binding for `kept` seconds after the last request from the first port."""

    def __init__(self, world: World, kept: int, most: str = "-1") -> None:
        self.kept = kept
        self.since = -1000 * SECOND
        self.times: list[int] = []
        """When requests went out from the first port, in seconds."""
        self.lost = 0
        path = f"{MS}STUNMaximumKeepAlivePeriod"
        world.schema.leaves[path] = Leaf(path, "int", True, most)
        super().__init__(world)
        self.nat.searches = True

    def exchange(self, nat: Nat, server: stun.Address, octets: bytes, done: Listen) -> None:
        request, now = stun.parse(octets), self.world.kernel.now
        stands = now - self.since < self.kept * SECOND
        if request.response is not None:
            done(Heard(bound(request) if stands else None, LOCAL))
            return
        self.lost += not stands
        self.since = now
        self.times.append(now // SECOND)
        super().exchange(nat, server, octets, done)


def periods(home: Forgetful) -> list[int]:
    return [later - earlier for earlier, later in zip(home.times, home.times[1:], strict=False)]


@pytest.mark.parametrize(
    ("kept", "most", "tried", "found"),
    [
        (200, "-1", [120, 240, 180, 210, 195, 202, 198, 200, 199], 199),
        (200, "150", [120, 150], 150),
        (10_000, "-1", [120, 240, 480, 960, 1920, 3600], 3600),
        (61, "120", [120, 90, 75, 67, 63, 61], 60),
        (200, "60", [], 60),
        (200, "0", [], 60),
    ],
    ids=["no longest", "a longest", "for good", "hardly the shortest", "both the same", "a longest below"],
)
def test_how_long_the_nat_keeps_a_binding_is_searched_for(
    world: World, kept: int, most: str, tried: list[int], found: int
) -> None:
    home = Forgetful(world, kept, most)
    world.run(30_000)
    assert periods(home)[: len(tried)] == tried
    assert {*periods(home)[len(tried) :]} == {found}
    lost, asked = home.lost, len(home.times)
    world.run(30_000)
    assert home.lost == lost, "what was found keeps the binding"
    assert len(home.times) > asked


def test_other_bounds_and_another_boot_begin_the_search_anew(world: World) -> None:
    home = Forgetful(world, 200, "150")
    world.run(5_000)
    home.agent.device.write(f"{MS}STUNMaximumKeepAlivePeriod", "130", "acs")
    before = len(home.times)
    world.run(1_000)
    assert periods(home)[before : before + 3] == [120, 130, 130]
    home.agent.power_off()
    world.run(500)
    home.agent.power_on(first=False)
    before = len(home.times)
    world.run(1_000)
    assert periods(home)[before : before + 3] == [120, 130, 130]


def test_without_a_nat_nothing_is_searched_for(world: World) -> None:
    home = Forgetful(world, 200)
    home.answer = lambda request: bound(request, LOCAL)
    world.run(2_000)
    assert {*periods(home)} == {60}


def test_a_device_that_is_seen_as_it_is_has_no_nat(world: World) -> None:
    home = Home(world)
    home.answer = lambda request: bound(request, LOCAL)
    world.run(10)
    assert (home.address, home.get("NATDetected")) == ("192.0.2.5:4000", "false")


def test_a_binding_that_changed_is_told_at_once(world: World) -> None:
    home = Home(world)
    world.run(10)
    home.answer = lambda request: bound(request, ("2001:db8::9", 1))
    world.run(100)
    assert [request.get(stun.BINDING_CHANGE) for request in home.asked] == [None, None, b""]
    assert home.address == "[2001:db8::9]:1"


def test_a_server_that_asks_for_a_proof_gets_one_and_no_more(world: World) -> None:
    home = Home(world, STUNUsername="cpe", STUNPassword="shared")

    def strict(request: stun.StunMessage) -> bytes:
        if stun.proves(request, b"shared"):
            return bound(request, key=b"shared")
        return stun.encode(stun.BINDING_ERROR, request.transaction, [(stun.ERROR_CODE, b"\0\0\x04\x01")])

    home.answer = strict
    world.run(10)
    assert home.address == "203.0.113.9:3400"
    assert [request.get(stun.USERNAME) for request in home.asked] == [b"cpe "] * 2
    home.agent.device.write(f"{MS}STUNPassword", "other", "device")
    world.run(100)
    assert len(home.asked) == 4


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: None,
        lambda request: b"\0",
        lambda request: bound(stun.StunMessage(0, bytes(16))),
        lambda request: stun.encode(stun.BINDING_RESPONSE, request.transaction),
        lambda request: stun.encode(stun.BINDING_ERROR, request.transaction, [(stun.ERROR_CODE, b"\0\0\x05\0")]),
        lambda request: stun.encode(stun.BINDING_ERROR, request.transaction, [(stun.ERROR_CODE, b"\0\0\x04\x01")]),
    ],
)
def test_an_answer_of_no_use_changes_nothing(world: World, answer: Server) -> None:
    home = Home(world)
    home.answer = answer
    world.run(10)
    assert (home.address, len(home.asked)) == ("", 1)


def test_a_proof_that_is_wrong_is_no_answer(world: World) -> None:
    home = Home(world, STUNUsername="cpe", STUNPassword="shared")
    refused = [True]

    def forged(request: stun.StunMessage) -> bytes:
        if refused.pop() if refused else False:
            return stun.encode(stun.BINDING_ERROR, request.transaction, [(stun.ERROR_CODE, b"\0\0\x04\x01")])
        return bound(request, key=b"guess")

    home.answer = forged
    world.run(10)
    assert home.address == ""


def test_the_server_that_the_tree_names_is_asked_and_none_where_it_says_so(world: World) -> None:
    home = Home(world, STUNServerAddress="stun.example", STUNServerPort="3499")
    world.run(10)
    assert home.servers == [("stun.example", 3499)]
    home.agent.device.write(f"{MS}STUNEnable", "false", "acs")
    world.run(200)
    assert len(home.servers) == 1


def test_a_device_that_is_off_or_taken_away_does_not_bind(world: World) -> None:
    home = Home(world)
    world.run(10)
    home.agent.power_off()
    world.run(200)
    assert len(home.asked) == 1
    home.agent.power_on(first=False)
    world.run(100)
    assert len(home.asked) >= 2
    home.agent.stop(abruptly=True)
    asked = len(home.asked)
    world.run(500)
    assert len(home.asked) == asked


def test_datagrams_reach_a_device_that_speaks_stun_and_no_other(world: World) -> None:
    octets = udp_request.build("203.0.113.9:3400", "acs", "knock", 7, 1, "c")
    for speaks in (True, False):
        home = Home(world, speaks=speaks)
        world.run(10)
        home.nat.datagram(octets)
        home.nat.datagram(b"GET \xff")
        world.run(1)
        told = [events for _, events in world.informs(home.agent.device)]
        assert (("6 CONNECTION REQUEST",) in told) == speaks


def test_what_a_device_needs(world: World) -> None:
    assert missing(world.device().device) == f"{MS}UDPConnectionRequestAddress"
    assert missing(Home(world).agent.device) == ""
