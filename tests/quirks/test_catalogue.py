"""The catalogue of quirks: how they are declared, and what each shows on the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cpescript.cwmp.codec import encode
from cpescript.cwmp.hooks import POINTS
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.cwmp.message import Message
from cpescript.kernel.time import SECOND, Duration
from cpescript.quirks import QuirkError, catalogue
from tests.cwmp.world import INFO, INTERVAL, SSID, Reply, World, download, gpv, spv


def test_every_hook_point_has_a_quirk() -> None:
    assert {point for quirk in catalogue().values() for point in quirk.points} == set(POINTS)


def test_entries_say_what_a_good_acs_does() -> None:
    for name, quirk in catalogue().items():
        assert quirk.name == name
        assert quirk.summary
        assert quirk.good_acs
        for parameter in quirk.parameters:
            assert parameter.required is (parameter.default is None)


def test_arguments_become_the_hooks_own() -> None:
    hook: Any = catalogue()["transfer-fault"].make({"code": 9018, "times": 3})
    assert (hook.name, hook.code, hook.times) == ("transfer-fault", 9018, 3)
    slow: Any = catalogue()["slow-cpe"].make({"pause": Duration(SECOND)})
    assert slow.pause == SECOND
    calls: Any = catalogue()["cr-503"].make({"retry-after": 5})
    assert calls.retry_after == 5
    assert catalogue()["bom"].make({}) is not catalogue()["bom"].make({})


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("transfer-fault", {}, "needs 'code'"),
        ("transfer-fault", {"code": "9018"}, "no int"),
        ("transfer-fault", {"code": True}, "no int"),
        ("transfer-fault", {"code": 8001}, "9000 to 9899"),
        ("transfer-fault", {"code": 9018, "times": -1}, "negative"),
        ("transfer-fault", {"code": 9018, "time": 1}, "no parameter 'time'"),
        ("slow-cpe", {"pause": 20}, "no duration"),
        ("session-drops-on-rpc", {"rpc": "Blink"}, "no RPC"),
        ("interval-clamped", {"minimum": 0}, "at least 1"),
        ("abort-midway", {"times": -1}, "negative"),
    ],
)
def test_arguments_that_do_not_fit(name: str, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(QuirkError, match=text):
        catalogue()[name].make(arguments)


# --- Each quirk on the wire ---------------------------------------------------------------------------------------


def story(name: str, **arguments: Any) -> World:
    """Return the world of a booted device with that quirk."""
    world = World()
    agent = world.device(power=False)
    agent.add_hook(catalogue()[name].make(arguments))
    agent.power_on()
    world.run(0)
    return world


def _cookies(request: HttpRequest, message: Message | None) -> Reply | None:
    if message is None or message.kind != "Inform":
        return None
    return HttpResponse(
        200, (("Set-Cookie", "s=1"),), encode(Message("InformResponse", {"max_envelopes": 1}, message.id))
    )


def _cookie_ignored(world: World) -> bool:
    world.acs.overrule = _cookies
    world.ask()
    return world.acs.requests[-1].header("Cookie") is None


def _header(name: str, value: str | None) -> Callable[[World], bool]:
    return lambda world: world.acs.requests[0].header(name) == value


def _starts(start: bytes) -> Callable[[World], bool]:
    return lambda world: world.acs.requests[0].body.startswith(start) and not world.acs.requests[1].body


def _inform_contains(part: bytes) -> Callable[[World], bool]:
    return lambda world: part in world.acs.requests[0].body


def _answers(rpc: Message, kind: str, **fields: Any) -> Callable[[World], bool]:
    def check(world: World) -> bool:
        [answer] = world.ask(rpc)
        return answer.kind == kind and all(answer.fields.get(name) == value for name, value in fields.items())

    return check


def _no_reboot(world: World) -> bool:
    world.ask(Message("Reboot", {"command_key": ""}))
    world.run(100)
    return world.acs.answers[0].kind == "RebootResponse" and len(world.informs()) == 2


def _second_boot(events: tuple[str, ...]) -> Callable[[World], bool]:
    def check(world: World) -> bool:
        world.ask(Message("Reboot", {"command_key": ""}))
        world.run(31)
        return world.informs()[-1][1] == events and len(world.informs()) == 3

    return check


def _cut_once(world: World) -> bool:
    world.run(11)
    return [end["outcome"] for end in world.facts("SessionEnd")] == ["cut", "done"]


def _slow(world: World) -> bool:
    world.run(39)
    before = world.kinds()
    world.run(1)
    return before == ["Inform", "< InformResponse"] and len(world.kinds()) == 4


def _dropped(world: World) -> bool:
    world.ask(gpv(SSID))
    return world.facts("SessionEnd")[-1]["outcome"] == "cut"


def _not_applied(world: World) -> bool:
    [answer] = world.ask(spv((SSID, "x"), (INTERVAL, "77")))
    get = world.devices[0].get
    return answer.fields == {"status": 0} and (get(SSID), get(INTERVAL)) == ("home", "77")


def _clamped(world: World) -> bool:
    world.ask(spv((INTERVAL, "10")))
    return world.devices[0].get(INTERVAL) == "60"


def _completions(world: World) -> list[int]:
    return [
        record.message.fields["fault_code"]
        for record in world.records
        if record.kind == "TransferComplete" and record.direction == "to-acs"
    ]


def _fault_once(world: World) -> bool:
    world.ask(download())
    world.run(40)
    first = world.devices[0].get(f"{INFO}SoftwareVersion")
    world.ask(download())
    world.run(40)
    second = world.devices[0].get(f"{INFO}SoftwareVersion")
    return (_completions(world), first, second) == ([9018, 0], "1.0.0", "hg100-2.0.0")


def _no_completion(world: World) -> bool:
    world.ask(download())
    world.run(100)
    version = world.devices[0].get(f"{INFO}SoftwareVersion")
    told = [codes for _, codes in world.informs()][2:]
    return (_completions(world), version, told) == ([], "hg100-2.0.0", [("1 BOOT",)])


def _noop(world: World) -> bool:
    world.ask(download())
    world.run(40)
    return (_completions(world), world.devices[0].get(f"{INFO}SoftwareVersion")) == ([0], "1.0.0")


def _call(status: int) -> Callable[[World], bool]:
    def check(world: World) -> bool:
        agent = world.devices[0].agent
        agent.device.schema.connection_request = type(agent.device.schema.connection_request)()
        response = agent.connection_request(HttpRequest((), b"", "GET", "/k3y"))
        world.run(60)
        return response.status == status and len(world.informs()) == 1

    return check


ROOT = Message("GetParameterNames", {"parameter_path": "", "next_level": True})

SHOWN: dict[str, tuple[dict[str, Any], Callable[[World], bool]]] = {
    "cookie-ignored": ({}, _cookie_ignored),
    "soapaction-missing": ({}, _header("SOAPAction", None)),
    "new-tcp-per-post": ({}, _header("Connection", "close")),
    "content-type-odd": ({}, _header("Content-Type", "text/html")),
    "cwmp-id-constant": ({}, _inform_contains(b">bogus</cwmp:ID>")),
    "bom": ({}, _starts(b"\xef\xbb\xbf<?xml")),
    "array-count-zero-padded": ({}, _inform_contains(b"EventStruct[0002]")),
    "array-count-wrong": ({}, _inform_contains(b"EventStruct[3]")),
    "spv-response-empty": ({}, _answers(spv((SSID, "x")), "SetParameterValuesResponse", status=None)),
    "gpn-root-rejected": ({}, _answers(ROOT, "Fault", fault_code=9005)),
    "gpv-batch-limit": ({"names": 1}, _answers(gpv(SSID, INTERVAL), "Fault", fault_code=9004)),
    "reboot-does-nothing": ({}, _no_reboot),
    "session-drops-on-rpc": ({"rpc": "GPV"}, _dropped),
    "bootstrap-every-boot": ({}, _second_boot(("0 BOOTSTRAP", "1 BOOT", "M Reboot"))),
    "boot-missing-after-reboot": ({}, _second_boot(("M Reboot",))),
    "abort-midway": ({}, _cut_once),
    "slow-cpe": ({}, _slow),
    "spv-acked-not-applied": ({"path": "Device.WiFi."}, _not_applied),
    "interval-clamped": ({}, _clamped),
    "transfer-fault": ({"code": 9018}, _fault_once),
    "tc-never": ({}, _no_completion),
    "upgrade-noop": ({}, _noop),
    "cr-ignored": ({}, _call(200)),
    "cr-always-401": ({}, _call(401)),
    "cr-503": ({}, _call(503)),
}


def test_every_quirk_has_its_story() -> None:
    assert set(SHOWN) == set(catalogue())


@pytest.mark.parametrize("name", SHOWN)
def test_a_quirk_shows_and_says_so(name: str) -> None:
    arguments, shown = SHOWN[name]
    world = story(name, **arguments)
    assert shown(world)
    assert {"name": name} in world.facts("quirk")


@pytest.mark.parametrize("name", SHOWN)
def test_without_the_quirk_nothing_of_it_shows(name: str) -> None:
    world = World()
    world.device()
    assert not SHOWN[name][1](world)
    assert world.facts("quirk") == []
