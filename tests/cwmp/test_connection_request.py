"""Who may wake a device, and what follows."""

from __future__ import annotations

from cpescript.cwmp.digest import authorization, parse_challenge
from cpescript.cwmp.http import HttpRequest
from cpescript.device.blocks import ConnectionRequest
from cpescript.kernel.time import SECOND
from cpescript.quirks import catalogue
from tests.cwmp.world import (
    MS,
    World,
)

FIRST = ("0 BOOTSTRAP", "1 BOOT")

GET = HttpRequest((), b"", "GET", "/k3y")


def knock(world: World, username: str = "acs", password: str = "knock", count: int = 1) -> int:
    """Return the status that a client with these credentials ends up with."""
    agent = world.devices[-1].agent
    first = agent.connection_request(GET)
    challenge = parse_challenge(first.all("WWW-Authenticate"))
    if challenge is None:
        return first.status
    header = authorization(challenge, username, password, "GET", "/k3y", count, "c")
    return agent.connection_request(HttpRequest((("Authorization", header),), b"", "GET", "/k3y")).status


def test_a_connection_request_leads_to_a_session(world: World) -> None:
    world.device()
    assert knock(world) == 200
    assert len(world.informs()) == 1
    world.run(0)
    assert world.informs()[1:] == [(0, ("6 CONNECTION REQUEST",))]


def test_only_who_knows_the_password_and_the_path_is_heard(world: World) -> None:
    agent = world.device()
    assert knock(world, password="wrong") == 401
    assert knock(world, username="other") == 401
    assert agent.connection_request(HttpRequest((), b"", "GET", "/guess")).status == 404
    assert agent.connection_request(HttpRequest((), b"", "POST", "/k3y")).header("Allow") == "GET"
    agent.device.write(f"{MS}ConnectionRequestUsername", "", "device")
    nobody = agent.connection_request(GET)
    assert (nobody.status, nobody.headers) == (401, ())
    world.run(1)
    assert len(world.informs()) == 1


def test_a_recorded_request_is_of_no_use(world: World) -> None:
    agent = world.device()
    challenge = parse_challenge(agent.connection_request(GET).all("WWW-Authenticate"))
    assert challenge is not None
    recorded = HttpRequest(
        (("Authorization", authorization(challenge, "acs", "knock", "GET", "/k3y", 1, "c")),), b"", "GET", "/k3y"
    )
    assert agent.connection_request(recorded).status == 200
    again = agent.connection_request(recorded)
    assert (again.status, "stale=true" in str(again.header("WWW-Authenticate"))) == (401, True)
    world.run(400)
    late = parse_challenge(agent.connection_request(GET).all("WWW-Authenticate"))
    assert late is not None
    world.run(301)
    header = authorization(late, "acs", "knock", "GET", "/k3y", 1, "c")
    assert agent.connection_request(HttpRequest((("Authorization", header),), b"", "GET", "/k3y")).status == 401


def test_many_requests_are_one_session_and_one_more_if_one_is_under_way(world: World) -> None:
    agent = world.device()
    slow = catalogue()["slow-cpe"].make({})
    agent.add_hook(slow)
    assert [knock(world) for _ in range(3)] == [200] * 3
    world.run(10)
    assert [knock(world) for _ in range(3)] == [200] * 3
    world.run(200)
    assert [codes for _, codes in world.informs()] == [FIRST] + [("6 CONNECTION REQUEST",)] * 2


def test_the_throttle_window() -> None:
    plain = World().schema.connection_request
    world = World(
        connection_request=ConnectionRequest("basic", "hg100", 30 * SECOND, plain.credentials),
    )
    agent = world.device()
    right = HttpRequest((("Authorization", "Basic YWNzOmtub2Nr"),), b"", "GET", "/k3y")
    assert agent.connection_request(GET).header("WWW-Authenticate") == 'Basic realm="hg100"'
    assert agent.connection_request(right).status == 200
    world.run(10.5)
    refused = agent.connection_request(right)
    assert (refused.status, refused.header("Retry-After")) == (503, "20")
    world.run(20)
    assert agent.connection_request(right).status == 200


def test_without_a_scheme_anybody_is_heard() -> None:
    world = World(connection_request=ConnectionRequest())
    agent = world.device()
    assert agent.connection_request(GET).status == 200


def test_a_proof_belongs_to_the_user_that_it_names(world: World) -> None:
    agent = world.device()
    challenge = parse_challenge(agent.connection_request(GET).all("WWW-Authenticate"))
    assert challenge is not None
    proof = authorization(challenge, "acs", "knock", "GET", "/k3y", 1, "c").replace('"acs"', '"other"')
    assert agent.connection_request(HttpRequest((("Authorization", proof),), b"", "GET", "/k3y")).status == 401
