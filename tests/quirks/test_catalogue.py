"""The catalogue of quirks: how they are declared, and what each shows on the wire."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from cpescript.cwmp.codec import encode
from cpescript.cwmp.digest import authorization, digest_challenge, parse_challenge
from cpescript.cwmp.hooks import POINTS
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.cwmp.message import Message, ParameterAttributesSetting
from cpescript.kernel.time import SECOND, Duration
from cpescript.quirks import QuirkError, catalogue
from tests.cwmp.world import CHANNEL, INFO, INTERVAL, SSID, Reply, World, download, gpv, spv


def test_every_hook_point_has_a_quirk() -> None:
    assert {point for quirk in catalogue().values() for point in quirk.points} == set(POINTS)


def test_entries_say_what_a_good_acs_does() -> None:
    for name, quirk in catalogue().items():
        assert quirk.name == name
        assert quirk.summary
        assert quirk.good_acs
        for parameter in quirk.parameters:
            assert parameter.required is (parameter.default is None)
            assert parameter.required or parameter.range is None or parameter.range.holds(parameter.default)


@pytest.mark.parametrize("code", [9000, 9899])
def test_the_ends_of_a_range_are_in_it(code: int) -> None:
    hook: Any = catalogue()["transfer-fault"].make({"code": code, "times": 0})
    assert (hook.code, hook.times) == (code, 0)


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
        ("transfer-fault", {"code": 8999}, "9000 to 9899, not 8999"),
        ("tc-fault-then-success", {"code": 9900}, "9000 to 9899, not 9900"),
        ("huge-inform", {"parameters": 50_001}, "1 to 50000, not 50001"),
        ("cr-503", {"retry-after": -1}, "at least 0, not -1"),
        ("transfer-fault", {"code": 9018, "times": -1}, "at least 0, not -1"),
        ("transfer-fault", {"code": 9018, "time": 1}, "no parameter 'time'"),
        ("slow-cpe", {"pause": 20}, "no duration"),
        ("slow-cpe", {"pause": Duration(-SECOND)}, "at least 0, not -1s"),
        ("session-drops-on-rpc", {"rpc": "Blink"}, "no RPC"),
        ("interval-clamped", {"minimum": 0}, "at least 1"),
        ("abort-midway", {"times": -1}, "at least 0"),
        ("cr-event-repeated", {"times": 0}, "at least 1"),
        ("goes-silent", {"after": 0}, "at least 1"),
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


def _says(part: bytes, *rpcs: Message, seconds: float = 0) -> Callable[[World], bool]:
    """Whether the device says this in its Inform, or in what it answers to these RPCs (or says for itself then)."""

    def check(world: World) -> bool:
        if rpcs:
            world.ask(*rpcs)
        world.run(seconds)
        return any(part in request.body for request in world.acs.requests)

    return check


def _lacks(part: bytes, *rpcs: Message, kind: str = "Inform", seconds: float = 0) -> Callable[[World], bool]:
    """Whether messages of that kind came, and none has this in it."""

    def check(world: World) -> bool:
        if rpcs:
            world.ask(*rpcs)
        world.run(seconds)
        bodies = [record.body for record in world.records if record.kind == kind and record.body]
        return bool(bodies) and all(part not in body for body in bodies)

    return check


def _carries(name: str, text: str, *rpcs: Message) -> Callable[[World], bool]:
    """Whether a request has a header of exactly that name with this in it, from an ACS that gives cookies and asks."""

    def check(world: World) -> bool:
        challenge = digest_challenge("acs", "abc")

        def acs(request: HttpRequest, message: Message | None) -> Reply | None:
            if request.header("Authorization") is None and name == "Authorization":
                return HttpResponse(401, (("WWW-Authenticate", challenge),))
            if message is None or message.kind != "Inform":
                return None
            body = encode(Message("InformResponse", {"max_envelopes": 1}, message.id))
            return HttpResponse(200, (("Set-Cookie", "s=a+b; Path=/"),), body)

        world.acs.overrule = acs
        world.ask(*rpcs)
        world.ask()
        found = [value for each in world.acs.requests for key, value in each.headers if key == name]
        return any(text in value for value in found)

    return check


def _never_authorized(world: World) -> bool:
    challenge = digest_challenge("acs", "abc")
    world.acs.overrule = lambda request, message: (
        HttpResponse(401, (("WWW-Authenticate", challenge),)) if request.header("Authorization") is None else None
    )
    world.ask()
    return world.facts("SessionEnd")[-1]["outcome"] == "http"


def _stale_cookie(world: World) -> bool:
    world.acs.overrule = _cookies
    world.ask()
    world.ask()
    informs = [request for request in world.acs.requests if b"Inform>" in request.body]
    return [request.header("Cookie") for request in informs] == [None, None, "s=1"]


def _packed(world: World) -> bool:
    request = world.acs.requests[0]
    return request.header("Content-Encoding") == "gzip" and b"Inform>" in gzip.decompress(request.body)


def _latin(world: World) -> bool:
    world.devices[0].write(f"{INFO}ProvisioningCode", "Caf\u00e9", "device")
    world.ask()
    request = [request for request in world.acs.requests if request.body][-1]
    return b"Caf\xe9" in request.body and "ISO-8859-1" in (request.header("Content-Type") or "")


def _empty_first(world: World) -> bool:
    return world.acs.requests[0].body == b"" and world.acs.requests[0].header("SOAPAction") is None


def _half(world: World) -> bool:
    return b"Inform>" in world.acs.requests[0].body and b"</soapenv:Envelope>" not in world.acs.requests[0].body


def _first_events(*codes: str) -> Callable[[World], bool]:
    return lambda world: world.informs()[0][1] == codes


def _after_upgrade(world: World) -> bool:
    world.ask(download())
    world.run(40)
    return world.informs()[-1][1] == ("1 BOOT",) and _completions(world) == [0]


def _called_again(world: World) -> bool:
    world.devices[0].agent.inform("6 CONNECTION REQUEST")
    world.run(0)
    for _ in range(4):
        world.ask()
    codes = [events for _, events in world.informs()[1:]]
    return [any(code.startswith("6") for code in events) for events in codes] == [True, True, True, True, False]


def _diagnosed(world: World) -> bool:
    world.devices[0].agent.inform("8 DIAGNOSTICS COMPLETE")
    world.run(0)
    return world.informs()[-1][1] == ("2 PERIODIC",)


def _silent(world: World) -> bool:
    heard = len(world.acs.requests)
    world.ask()
    world.run(3600)
    return len(world.acs.requests) == heard


def _flipping(world: World) -> bool:
    world.ask()
    found = [request.body for request in world.acs.requests if b"Inform>" in request.body]
    return [b"<OUI>000000<" in found[0], b"<OUI>FFFFFF<" in found[1]] == [True, True]


def _informs_again(world: World) -> bool:
    return world.kinds()[:4] == ["Inform", "< InformResponse", "Inform", "< InformResponse"]


def _another_serial(world: World) -> bool:
    world.ask(download())
    world.run(40)
    said = [b"-1-2</SerialNumber>" in each.body for each in world.acs.requests if b"Inform>" in each.body]
    return said == [False, False, True]


def _crashed(world: World) -> bool:
    setting = ParameterAttributesSetting(SSID, True, 1)
    world.ask(Message("SetParameterAttributes", {"parameter_list": (setting,) * 2}))
    world.run(31)
    ends = [end["outcome"] for end in world.facts("SessionEnd")]
    return ends[1] == "cut" and "1 BOOT" in world.informs()[-1][1]


def _hung_up(rpc: Message) -> Callable[[World], bool]:
    def check(world: World) -> bool:
        world.ask(rpc)
        return world.facts("SessionEnd")[-1]["outcome"] == "cut"

    return check


def _reports(*codes: int, **fields: Any) -> Callable[[World], bool]:
    def check(world: World) -> bool:
        world.ask(download(**fields))
        world.run(40)
        return _completions(world) == list(codes)

    return check


def _interrupted(world: World) -> bool:
    world.ask(download())
    world.run(2)
    world.devices[0].agent.power_cycle(1)
    world.run(10)
    return _completions(world) == [9001]


def _challenge(header: str, there: bool) -> Callable[[World], bool]:
    """Whether the challenge to a connection request has this in a header."""

    def check(world: World) -> bool:
        response = world.devices[0].agent.connection_request(HttpRequest((), b"", "GET", "/k3y"))
        return response.status == 401 and any(header in value for _, value in response.headers) is there

    return check


def _old_digest(world: World) -> bool:
    agent = world.devices[0].agent
    call = lambda *headers: agent.connection_request(HttpRequest(headers, b"", "GET", "/k3y"))  # noqa: E731
    challenge = parse_challenge([call().header("WWW-Authenticate") or ""])
    assert challenge is not None
    if challenge.qop:
        return False
    answer = authorization(challenge, "acs", "knock", "GET", "/k3y", 1, "c")
    status = call(("Authorization", answer)).status
    world.run(1)
    return (status, len(world.informs())) == (200, 2)


ALL = Message("GetParameterNames", {"parameter_path": "Device.WiFi.", "next_level": False})
NEXT = Message("GetParameterNames", {"parameter_path": "Device.WiFi.", "next_level": True})
WHOLE = Message("GetParameterNames", {"parameter_path": "", "next_level": False})
NOWHERE = gpv("Device.Nope")
BAD = spv(("Device.Nope", "1"))
CONFIGURE = download(file_type="3 Vendor Configuration File")
TIME = "Device.ManagementServer.PeriodicInformTime"

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
    "cookie-stale": ({}, _stale_cookie),
    "cookie-chars-mangled": ({}, _carries("Cookie", "s=a%2Bb")),
    "auth-never-answers-401": ({}, _never_authorized),
    "auth-preemptive-basic": ({}, _header("Authorization", "Basic Y3BlOnNlY3JldA==")),
    "auth-broken-header": ({"value": "Nonsense"}, _carries("Authorization", "Nonsense")),
    "digest-algorithm-truncated": ({}, _carries("Authorization", "algorithm=MD,")),
    "header-lowercase": ({}, _carries("soapaction", "")),
    "charset-latin1": ({}, _latin),
    "gzip-request": ({}, _packed),
    "cwmp-ns-unknown": ({}, _says(b"cwmp-9-9")),
    "trailing-garbage": ({"text": "!"}, _says(b"Envelope>!")),
    "event-code-illegal": ({}, _says(b"<EventCode>2  periodic!</EventCode>")),
    "serial-placeholder": ({}, _says(b"<SerialNumber>999999999999<")),
    "oui-flip": ({}, _flipping),
    "clock-1970-2011": ({}, _says(b"<CurrentTime>2011-")),
    "datetime-invalid": ({}, _says(b"<CurrentTime>1293840000<")),
    "cr-url-stale": ({}, _says(b'"xsd:string">http://0.0.0.0:7547/<')),
    "huge-inform": ({"parameters": 30}, _says(b"Device.X_Huge.29.Value")),
    "double-inform": ({}, _informs_again),
    "identity-changes-on-upgrade": ({}, _another_serial),
    "cwmp-id-missing": ({}, _lacks(b"cwmp:ID")),
    "header-missing": ({}, _lacks(b"soapenv:Header")),
    "cwmp-id-newline": ({}, _says(b">\n1\n</cwmp:ID>")),
    "cwmp-id-percent": ({}, _says(b">100%s%n</cwmp:ID>")),
    "soap-enc-ns-no-slash": ({}, _says(b'/soap/encoding"')),
    "ns-prefix-odd": ({}, _says(b"<soap_env:Body><x-0:Inform>")),
    "xml-decl-odd": ({}, _says(b"standalone='no' ?>\n<soapenv:Envelope")),
    "xml-attr-odd": ({}, _says(b"odd:note=")),
    "control-chars": ({}, _says(b">\x02")),
    "non-utf8-bytes": ({}, _says(b">\xe9")),
    "cdata-values": ({}, _says(b"<![CDATA[Acme & Sons]]>", gpv(f"{INFO}Manufacturer"))),
    "xsi-type-empty": ({}, _says(b'xsi:type="xsd:">')),
    "xsi-type-missing": ({}, _says(b"<Value>")),
    "xsi-type-nonstandard": ({}, _says(b"xsd:vendorText")),
    "xsi-type-on-wrong-node": ({}, _says(b"<Name xsi:type=")),
    "name-trailing-space": ({}, _says(b" </Name>")),
    "value-element-missing": ({}, _says(b"</Name></ParameterValueStruct>")),
    "null-literal": ({}, _says(b">(null)</Value>")),
    "empty-post-only": ({}, _empty_first),
    "truncated-body": ({}, _half),
    "event-code-empty": ({}, _says(b"<EventCode></EventCode>")),
    "deviceid-extra-child": ({}, _says(b"<WanIPAddress>")),
    "manufacturer-empty": ({}, _says(b"<Manufacturer></Manufacturer>")),
    "unescaped-quote-identity": ({}, _says(b"&amp;amp;")),
    "forced-params-missing": ({}, _says(b"ParameterValueStruct[0]")),
    "parameterkey-not-returned": ({}, _lacks(b".ParameterKey<")),
    "gpn-parents-omitted": ({}, _lacks(b".</Name>", ALL, kind="GetParameterNamesResponse")),
    "gpn-object-no-dot": ({}, _says(b"<Name>Device.WiFi.SSID</Name>", ALL)),
    "gpn-empty": ({}, _says(b"ParameterInfoStruct[0]", ALL)),
    "gpv-duplicate-params": ({}, _says(b"ParameterValueStruct[2]", gpv(SSID))),
    "gpv-extra-params": ({}, _says(b"Device.X_Unasked", gpv(SSID))),
    "gpv-missing-params": ({}, _says(b"ParameterValueStruct[1]", gpv(SSID, INTERVAL))),
    "writable-wrong": ({}, _lacks(b"<Writable>1", ALL, kind="GetParameterNamesResponse")),
    "fault-no-header": ({}, _lacks(b"soapenv:Header", NOWHERE, kind="Fault")),
    "fault-bare": ({}, _lacks(b"FaultCode", NOWHERE, kind="Fault")),
    "spv-fault-name-mangled": ({}, _says(b"<ParameterName>-Device.Nope", BAD)),
    "spv-detail-in-wrong-rpc": ({}, _says(b"<FaultCode>9002<", NOWHERE)),
    "tc-commandkey-empty": (
        {},
        _says(b"<CommandKey></CommandKey><FaultStruct>", CONFIGURE, seconds=9),
    ),
    "tc-zero-times": ({}, _says(b"<CompleteTime>0001-01-01T00:00:00Z</CompleteTime></cwmp:Tr", CONFIGURE, seconds=9)),
    "bootstrap-missing": ({}, _first_events("1 BOOT")),
    "event-wrong-after-upgrade": ({}, _after_upgrade),
    "value-change-every-boot": ({}, _first_events("0 BOOTSTRAP", "1 BOOT", "4 VALUE CHANGE")),
    "cr-event-repeated": ({}, _called_again),
    "diag-complete-missing": ({}, _diagnosed),
    "goes-silent": ({}, _silent),
    "gpn-nextlevel-ignored": ({}, _says(b"<Name>Device.WiFi.SSID.1.SSID</Name>", NEXT)),
    "gpn-full-tree-oom": ({}, _hung_up(WHOLE)),
    "fault-9005-for-listed": ({"path": SSID}, _answers(gpv("Device.WiFi."), "Fault", fault_code=9005)),
    "fault-9005-partial-path": ({}, _answers(gpv("Device.WiFi."), "Fault", fault_code=9005)),
    "boolean-literal": ({}, _answers(spv(("Device.WiFi.SSID.1.Enable", "true")), "Fault", fault_code=9003)),
    "datetime-millis-rejected": ({}, _answers(spv((TIME, "2026-01-01T00:00:00.5Z")), "Fault", fault_code=9003)),
    "spv-mistyped-rejected": (
        {},
        _answers(
            spv(("Device.ManagementServer.PeriodicInformInterval", "300"), kind="string"), "Fault", fault_code=9003
        ),
    ),
    "spv-untyped-rejected": ({}, _answers(spv((SSID, "x"), kind=""), "Fault", fault_code=9003)),
    "spa-large-crash": ({"parameters": 1}, _crashed),
    "tc-twice": ({}, _reports(0, 0)),
    "tc-fault-then-success": ({}, _reports(9017, 0)),
    "tc-wrong-faultcode": ({}, _interrupted),
    "cr-closes-after-401": ({}, _challenge("close", True)),
    "cr-challenge-no-qop": ({}, _old_digest),
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


# --- What a quirk is not about stays as it is ------------------------------------------------------------------------

TREE = Message("GetParameterNames", {"parameter_path": "Device.", "next_level": True})
LEAF = Message("GetParameterNames", {"parameter_path": SSID, "next_level": True})
LOST = Message("GetParameterNames", {"parameter_path": "Device.Nope.", "next_level": True})
ENABLE = "Device.WiFi.SSID.1.Enable"
NOTIFY = Message("SetParameterAttributes", {"parameter_list": (ParameterAttributesSetting(SSID, True, 1),) * 2})

LEFT_ALONE: dict[str, tuple[dict[str, Any], tuple[Message, ...]]] = {
    "spv-response-empty": ({}, (gpv(SSID), ALL)),
    "gpn-root-rejected": ({}, (ALL, NEXT, gpv(""))),
    "gpv-batch-limit": ({"names": 2}, (gpv(SSID, INTERVAL), spv((SSID, "a"), (INTERVAL, "77"), (ENABLE, "0")))),
    "reboot-does-nothing": ({}, (gpv(SSID),)),
    "session-drops-on-rpc": ({"rpc": "GPV"}, (ALL, spv((SSID, "x")))),
    "bootstrap-every-boot": ({}, (gpv(SSID),)),
    "boot-missing-after-reboot": ({}, (gpv(SSID),)),
    "spv-acked-not-applied": ({"path": "Device.WiFi."}, (spv((INTERVAL, "77")), gpv(SSID))),
    "interval-clamped": ({}, (spv((INTERVAL, "60")), spv((CHANNEL, "10")))),
    "transfer-fault": ({"code": 9018}, (gpv(SSID),)),
    "cookie-chars-mangled": ({}, (gpv(SSID),)),
    "auth-broken-header": ({}, (gpv(SSID),)),
    "digest-algorithm-truncated": ({}, (gpv(SSID),)),
    "gpn-nextlevel-ignored": ({}, (ALL, LEAF, LOST, gpv("Device.WiFi."))),
    "gpn-full-tree-oom": ({}, (ALL, TREE, ROOT, gpv(""))),
    "fault-9005-for-listed": ({"path": SSID}, (gpv(INTERVAL, "Device.NAT."), ALL, spv((SSID, "x")))),
    "fault-9005-partial-path": ({}, (gpv(SSID), ALL)),
    "boolean-literal": ({}, (spv((ENABLE, "1")), spv((SSID, "true")), BAD)),
    "datetime-millis-rejected": ({}, (spv((SSID, "a.b")), spv((TIME, "2026-01-01T00:00:00Z")))),
    "spv-mistyped-rejected": ({}, (spv((SSID, "x")), spv((SSID, "y"), kind=""), BAD)),
    "spv-untyped-rejected": ({}, (spv((SSID, "x")), gpv(SSID))),
    "spa-large-crash": ({"parameters": 2}, (NOTIFY, spv((SSID, "x"), (INTERVAL, "77"), (ENABLE, "0")))),
    "event-wrong-after-upgrade": ({}, (gpv(SSID),)),
    "cr-event-repeated": ({}, (gpv(SSID),)),
    "diag-complete-missing": ({}, (gpv(SSID),)),
    "tc-wrong-faultcode": ({}, (download(),)),
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_a_quirk_is_not_about_is_the_same_to_the_octet(name: str) -> None:
    arguments, rpcs = LEFT_ALONE[name]
    odd, clean = story(name, **arguments), World()
    clean.device()
    for world in (odd, clean):
        world.ask(*rpcs)
        world.run(40)
    assert odd.facts("quirk") == []
    assert [(each.headers, each.body) for each in odd.acs.requests] == [
        (each.headers, each.body) for each in clean.acs.requests
    ]


@pytest.mark.parametrize("name", ["cr-ignored", "cr-always-401", "cr-503"])
def test_a_connection_request_that_is_refused_anyway_is_no_quirks_business(name: str) -> None:
    world = story(name)
    assert _challenge("Digest", True)(world)
    assert world.facts("quirk") == []


@pytest.mark.parametrize("name", ["cr-closes-after-401", "cr-challenge-no-qop"])
def test_a_connection_request_that_is_accepted_is_no_quirks_business(name: str) -> None:
    world = story(name)
    agent = world.devices[0].agent
    agent.device.schema.connection_request = type(agent.device.schema.connection_request)()
    response = agent.connection_request(HttpRequest((), b"", "GET", "/k3y"))
    assert (response.status, response.headers, response.close) == (200, (), False)
    assert world.facts("quirk") == []


def test_the_old_form_is_good_once_as_the_nonce_is() -> None:
    world = story("cr-challenge-no-qop")
    assert _old_digest(world)
    agent = world.devices[0].agent
    challenge = parse_challenge(
        [agent.connection_request(HttpRequest((), b"", "GET", "/k3y")).header("WWW-Authenticate")]
    )
    assert challenge is not None
    answer = HttpRequest(
        (("Authorization", authorization(challenge, "acs", "knock", "GET", "/k3y")),), b"", "GET", "/k3y"
    )
    assert [agent.connection_request(answer).status for _ in range(2)] == [200, 401]


def test_faults_of_values_name_the_parameter_and_say_why() -> None:
    for name, setting, code in (
        ("boolean-literal", spv((ENABLE, "true")), 9007),
        ("spv-untyped-rejected", spv((SSID, "x"), kind=""), 9006),
        ("spv-mistyped-rejected", spv((INTERVAL, "300"), kind="string"), 9006),
    ):
        [answer] = story(name).ask(setting)
        [refused] = answer.fields["parameter_faults"]
        assert (refused.name, refused.code) == (setting.paths[0], code), name
