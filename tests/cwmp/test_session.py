"""Sessions: a device and a scripted ACS joined by a fake wire."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.cwmp.codec import decode, encode
from cpescript.cwmp.digest import digest_challenge, parse_authorization, verify
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.cwmp.message import Message, fault
from cpescript.cwmp.session import _ACTS, MOST_EXCHANGES, MOST_REPETITIONS, TRANSITIONS, Act, Came, State
from cpescript.kernel.time import SECOND
from cpescript.kernel.trace import HEARTBEATS, evidence
from tests.cwmp.test_codec import HOSTILE
from tests.cwmp.world import CHANNEL, MS, SSID, Reply, ScriptedAcs, World, download, gpv, retry_request, spv


def outcome(world: World) -> dict[str, str]:
    """Return the last SessionEnd."""
    return world.facts("SessionEnd")[-1]


def constants(of: type) -> set[str]:
    return {value for name, value in vars(of).items() if name.isupper()}


def test_every_act_of_the_table_is_done_somewhere() -> None:
    assert {act for came in TRANSITIONS.values() for act in came.values()} == set(_ACTS)
    assert {came for table in TRANSITIONS.values() for came in table} == constants(Came)
    assert set(_ACTS) == constants(Act)
    assert set(TRANSITIONS) == constants(State) - {State.READY, State.OVER}


def test_the_shortest_session(world: World) -> None:
    world.device()
    assert world.kinds() == ["Inform", "< InformResponse", "Empty", "< Empty"]
    assert outcome(world) == {"outcome": "done"}
    inform, empty = world.acs.requests
    assert inform.header("SOAPAction") == ""
    assert inform.header("Content-Type") == 'text/xml; charset="utf-8"'
    assert (empty.headers, empty.body) == ((), b"")


def test_the_device_answers_what_the_acs_asks(world: World) -> None:
    world.acs.script = [gpv(SSID), spv((SSID, "guest"))]
    world.device()
    assert world.kinds()[3:] == [
        "< GetParameterValues",
        "GetParameterValuesResponse",
        "< SetParameterValues",
        "SetParameterValuesResponse",
        "< Empty",
    ]
    assert [answer.id for answer in world.acs.answers] == ["acs-1", "acs-2"]
    assert world.acs.answers[0].settings == {SSID: "home"}


def test_message_ids_count_from_one_in_each_session(world: World) -> None:
    agent = world.device()
    world.acs.script = [
        download(key="a"),
        download("http://files.example/x.cfg", "b", file_type="3 Vendor Configuration File"),
    ]
    agent.inform()
    world.run(60)
    own = [r.message for r in world.records if r.kind in ("Inform", "TransferComplete") and r.direction == "to-acs"]
    assert [(m.kind, m.id) for m in own] == [
        ("Inform", "1"),
        ("Inform", "1"),
        ("Inform", "1"),
        ("TransferComplete", "2"),
        ("Inform", "1"),
        ("TransferComplete", "2"),
    ]


def test_an_empty_200_ends_a_session_as_204_does(world: World) -> None:
    world.acs.overrule = lambda request, message: None if request.body else HttpResponse(200)
    world.device()
    assert outcome(world) == {"outcome": "done"}


# --- HoldRequests -------------------------------------------------------------------------------------------------


def _with_completion(world: World) -> None:
    """Have a device with a TransferComplete to send."""
    agent = world.device()
    world.ask(download("http://files.example/x.cfg", "cfg", file_type="3 Vendor Configuration File"))
    agent.link_down()
    world.run(60)
    world.records.clear()
    agent.link_up()


HELD = {"HoldRequests": "1"}


def _hold(acs: ScriptedAcs) -> None:
    def overrule(request: HttpRequest, message: Message | None) -> Reply | None:
        if message is not None and message.kind == "Inform":
            return Message("InformResponse", {"max_envelopes": 1}, message.id, "1.2", HELD)
        return None

    acs.overrule = overrule


def test_held_requests_wait_until_they_are_released(world: World) -> None:
    _with_completion(world)
    _hold(world.acs)
    held = Message("GetParameterValues", {"parameter_names": (SSID,)}, headers=HELD)
    world.acs.script = [held, gpv(CHANNEL)]
    world.run(0)
    assert world.kinds() == [
        "Inform", "< InformResponse", "Empty", "< GetParameterValues", "GetParameterValuesResponse",
        "< GetParameterValues", "GetParameterValuesResponse", "< Empty", "TransferComplete",
        "< TransferCompleteResponse", "Empty", "< Empty",
    ]  # fmt: skip
    assert outcome(world) == {"outcome": "done"}


def test_a_session_does_not_end_before_the_device_had_its_turn(world: World) -> None:
    _with_completion(world)
    _hold(world.acs)
    world.run(0)
    assert world.kinds() == [
        "Inform", "< InformResponse", "Empty", "< Empty",
        "TransferComplete", "< TransferCompleteResponse", "Empty", "< Empty",
    ]  # fmt: skip


# --- Authentication and cookies -----------------------------------------------------------------------------------


def _protected(acs: ScriptedAcs, nonces: list[str], stale_after: int = 0) -> list[int]:
    """Have the ACS ask for a Digest; return the nonce counts that it sees."""
    counts: list[int] = []

    def overrule(request: HttpRequest, message: Message | None) -> Reply | None:
        credentials = parse_authorization(request.header("Authorization") or "")
        if credentials is not None and verify(credentials, "cpe", "secret", "POST", "acs"):
            counts.append(credentials.count)
            if stale_after and len(counts) == stale_after:
                nonces.append("fresh")
                return HttpResponse(401, (("WWW-Authenticate", digest_challenge("acs", "fresh", stale=True)),))
            return None if credentials.nonce == nonces[-1] else HttpResponse(403)
        return HttpResponse(401, (("WWW-Authenticate", digest_challenge("acs", nonces[-1])),))

    acs.overrule = overrule
    return counts


def test_a_challenge_is_answered_and_holds_for_the_session(world: World) -> None:
    counts = _protected(world.acs, ["n1"])
    world.acs.script = [gpv(SSID)]
    world.device()
    assert world.kinds()[:4] == ["Inform", "< HttpError", "Inform", "< InformResponse"]
    assert counts == [1, 2, 3]
    assert outcome(world) == {"outcome": "done"}
    first, second = world.acs.requests[:2]
    assert first.body == second.body


def test_a_heartbeat_is_one_with_its_challenge_too(world: World) -> None:
    agent = world.device()
    _protected(world.acs, ["n1"])
    world.run(900)
    last = evidence(agent.device.recent)[-1]
    assert (last[2][2], last[-1]) == (HEARTBEATS, 3)


def test_each_session_is_challenged_anew_and_with_the_credentials_of_the_moment(world: World) -> None:
    counts = _protected(world.acs, ["n1"])
    agent = world.device()
    agent.device.write(f"{MS}Password", "wrong")
    agent.inform()
    world.run(0)
    assert counts == [1, 2]
    assert outcome(world)["outcome"] == "http"
    assert [r.kind for r in world.records if r.session == 2 and r.direction != "local"] == ["Inform", "HttpError"] * 2


def test_a_stale_nonce_is_replaced(world: World) -> None:
    counts = _protected(world.acs, ["n1"], stale_after=2)
    world.device()
    assert counts == [1, 2, 1]
    assert outcome(world) == {"outcome": "done"}


def test_basic_credentials(world: World) -> None:
    def overrule(request: HttpRequest, message: Message | None) -> Reply | None:
        if request.header("Authorization") == "Basic Y3BlOnNlY3JldA==":
            return None
        return HttpResponse(401, (("WWW-Authenticate", 'Basic realm="acs"'),))

    world.acs.overrule = overrule
    world.device()
    assert outcome(world) == {"outcome": "done"}


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess"])
@pytest.mark.parametrize("qop", ["auth", "auth-int", ""])
@pytest.mark.parametrize("packed", [False, True])
def test_every_digest_that_a_server_may_ask_for(algorithm: str, qop: str, packed: bool) -> None:
    world = World(extension={"http": {"gzip": True}} if packed else {})
    counts: list[int] = []

    def overrule(request: HttpRequest, message: Message | None) -> Reply | None:
        proof = parse_authorization(request.header("Authorization") or "")
        if proof is None:
            asked = f'Digest realm="acs", nonce="n", algorithm={algorithm}' + (f', qop="{qop}"' if qop else "")
            return HttpResponse(401, (("WWW-Authenticate", asked),))
        assert proof.fields is not None
        assert proof.fields.get("qop", "") == qop
        assert verify(proof, "cpe", "secret", "POST", "acs", request.body)
        counts.append(proof.count)
        if packed and request.body:
            inform = decode(gzip.decompress(request.body))
            return encode(Message("InformResponse", {"max_envelopes": 1}, inform.id))  # type: ignore[return-value]
        return None

    world.acs.overrule = overrule
    world.device()
    assert outcome(world) == {"outcome": "done"}
    assert counts == ([1, 2] if qop else [0, 0])


def test_the_next_nonce_is_taken_and_counted_from_one(world: World) -> None:
    seen: list[tuple[str, int]] = []

    def overrule(request: HttpRequest, message: Message | None) -> Reply | None:
        proof = parse_authorization(request.header("Authorization") or "")
        if proof is None:
            return HttpResponse(401, (("WWW-Authenticate", digest_challenge("acs", "n0")),))
        seen.append((proof.nonce, proof.count))
        if message is None:
            return HttpResponse(204)
        body = encode(Message("InformResponse", {"max_envelopes": 1}, message.id))
        return HttpResponse(200, (("Authentication-Info", 'nextnonce="n1"'),), body)

    world.acs.overrule = overrule
    world.device()
    assert seen == [("n0", 1), ("n1", 1)]


def test_a_challenge_that_nobody_can_answer_is_named(world: World) -> None:
    asked = (("WWW-Authenticate", 'Digest realm="acs", nonce="n", algorithm=ROT13'),)
    world.acs.overrule = lambda request, message: HttpResponse(401, asked)
    world.device()
    assert outcome(world)["reason"].endswith("the Digest algorithm 'ROT13' is not known")


def test_who_asks_for_no_packed_answer_makes_nothing_of_one() -> None:
    world = World(extension={"http": {"chunked": True}})
    packed = HttpResponse(200, (("Content-Encoding", "gzip"),), gzip.compress(encode(gpv(SSID))))
    world.acs.overrule = lambda request, message: packed
    world.device()
    assert outcome(world)["outcome"] == "http"
    assert world.kinds()[-1] == "< Garbage"


def test_a_packed_answer_is_unpacked_where_the_profile_says_so() -> None:
    world = World(extension={"http": {"gzip": True}})

    def overrule(request: HttpRequest, message: Message | None) -> Reply | None:
        if not request.body:
            return HttpResponse(204)
        inform = decode(gzip.decompress(request.body))
        body = gzip.compress(encode(Message("InformResponse", {"max_envelopes": 1}, inform.id)))
        return HttpResponse(200, (("Content-Encoding", "gzip"),), body)

    world.acs.overrule = overrule
    world.device()
    assert outcome(world) == {"outcome": "done"}
    assert b"<" in next(record.body for record in world.records if record.kind == "Inform")
    world.acs.overrule = lambda request, message: HttpResponse(200, (("Content-Encoding", "br"),), b"x")
    world.devices[0].agent.inform()
    world.run(0)
    assert outcome(world)["reason"] == "an answer in a content coding that cannot be undone"


def test_https_never_becomes_http(world: World) -> None:
    world.acs_url = "https://acs.example/cwmp"
    world.acs = _redirect("http://acs.example/cwmp", 1)
    world.device()
    assert outcome(world) == {"outcome": "tls", "reason": "a redirect from https to 'http://acs.example/cwmp'"}


def test_cookies_live_as_long_as_the_session(world: World) -> None:
    def overrule(request: HttpRequest, message: Message | None) -> Reply | None:
        if message is not None and message.kind == "Inform":
            body = encode(Message("InformResponse", {"max_envelopes": 1}, message.id))
            cookies = (
                ("Set-Cookie", "session=abc=1; Path=/; HttpOnly"),
                ("set-cookie", "lb=2"),
                ("Set-Cookie", "old=3"),
            )
            return HttpResponse(200, cookies, body)
        if message is not None:
            return HttpResponse(204)
        gone = (("Set-Cookie", "old=; Max-Age=0"),)
        return HttpResponse(200, gone, encode(Message("GetRPCMethods", {}, "1")))

    world.acs.overrule = overrule
    agent = world.device()
    agent.inform()
    world.run(0)
    sent = [request.header("Cookie") for request in world.acs.requests]
    assert sent == [None, "session=abc=1; lb=2; old=3", "session=abc=1; lb=2"] * 2


# --- Redirects ----------------------------------------------------------------------------------------------------


def _redirect(target: str, times: int, status: int = 302) -> ScriptedAcs:
    acs = ScriptedAcs()
    left = [times]

    def overrule(request: HttpRequest, message: Message | None) -> Reply | None:
        if left[0] == 0:
            return None
        left[0] -= 1
        return HttpResponse(status, (("Location", target),))

    acs.overrule = overrule
    return acs


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_followed_with_the_same_message(world: World, status: int) -> None:
    world.acs = _redirect("https://other.example:7548/acs", 5, status)
    world.device()
    assert outcome(world) == {"outcome": "done"}
    assert len({request.body for request in world.acs.requests[:6]}) == 1


def test_another_host_gets_no_cookies_of_the_first(world: World) -> None:
    def overrule(request: HttpRequest, message: Message | None) -> Reply | None:
        if message is None:
            return HttpResponse(307, (("Location", hosts.pop(0)),)) if hosts else None
        body = encode(Message("InformResponse", {"max_envelopes": 1}, message.id))
        return HttpResponse(200, (("Set-Cookie", "session=abc"),), body)

    hosts = ["http://acs.example/other", "http://other.example/cwmp"]
    world.acs.overrule = overrule
    world.device()
    assert [request.header("Cookie") for request in world.acs.requests] == [None, "session=abc", "session=abc", None]


@pytest.mark.parametrize(
    ("target", "times", "status"),
    [("http://other.example/", 6, 302), ("/relative", 6, 302), ("ftp://x.example/", 1, 307), ("http://[", 1, 302),
     ("", 1, 302), ("file:///etc/passwd", 1, 301), ("http://other.example/", 1, 303)],
)  # fmt: skip
def test_a_redirect_that_leads_nowhere_is_a_failure(world: World, target: str, times: int, status: int) -> None:
    world.acs = _redirect(target, times, status)
    agent = world.device()
    assert outcome(world)["outcome"] == "http"
    assert agent.retry_count == 1


# --- Failures -----------------------------------------------------------------------------------------------------


def test_8005_repeats_the_same_request(world: World) -> None:
    left = [3]

    def overrule(request: HttpRequest, message: Message | None) -> Reply | None:
        if message is not None and message.kind == "Inform" and left[0]:
            left[0] -= 1
            return retry_request(message.id)
        return None

    world.acs.overrule = overrule
    world.device()
    assert world.kinds()[:7] == ["Inform", "< Fault"] * 3 + ["Inform"]
    assert outcome(world) == {"outcome": "done"}


def test_8005_for_ever_is_a_failure(world: World) -> None:
    world.acs.overrule = lambda request, message: retry_request(message.id if message else None)
    world.device()
    assert world.kinds().count("Inform") == MOST_REPETITIONS + 1
    assert outcome(world)["outcome"] == "http"


BAD: dict[str, Reply] = {
    "fault": fault(8001, "Request denied", "1"),
    "wrong id": Message("InformResponse", {"max_envelopes": 1}, "77"),
    "wrong response": Message("TransferCompleteResponse", {}, "1"),
    "rpc at once": gpv(SSID),
    "empty": HttpResponse(204),
    "empty 200": HttpResponse(200),
    "error": HttpResponse(500, body=encode(fault(8002, "", "1"))),
    "not found": HttpResponse(404),
    "401 without challenge": HttpResponse(401),
    "timeout": "timeout",
    "cut": "cut",
    "refused": "refused",
    "tls": "tls",
    "no http": "http",
    "too large": "too-large",
    **{f"garbage: {name}": HttpResponse(200, body=body) for name, body in HOSTILE.items() if body},
}
OUTCOMES = {"timeout": "timeout", "cut": "cut", "refused": "refused", "tls": "tls"}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_to_an_inform_fails_the_session_and_it_is_retried(world: World, name: str) -> None:
    world.acs.overrule = lambda request, message: BAD[name]
    agent = world.device()
    end = outcome(world)
    assert end["outcome"] == OUTCOMES.get(name, "http")
    assert end["reason"]
    assert len(world.acs.requests) == 1
    assert agent.events
    assert not agent.device.is_in("registered")
    assert not agent.device.is_in("in session")
    world.acs.overrule = lambda request, message: None
    world.run(10)
    assert len(world.informs()) == 2
    assert outcome(world) == {"outcome": "done"}


def test_a_response_without_id_is_taken(world: World) -> None:
    def overrule(request: HttpRequest, message: Message | None) -> Reply | None:
        return Message("InformResponse", {"max_envelopes": 1}) if message else None

    world.acs.overrule = overrule
    world.device()
    assert outcome(world) == {"outcome": "done"}


@given(st.integers(0, 5), st.sampled_from(["timeout", "cut", "http", "tls", "refused", "garbage", "error", "empty"]))
def test_a_session_that_is_cut_anywhere_is_told_again_as_a_whole(step: int, how: str) -> None:
    world = World()
    world.acs.script = [gpv(SSID), spv((SSID, "x")), gpv(CHANNEL)]
    replies: dict[str, Reply] = {
        "garbage": HttpResponse(200, body=b"<"),
        "error": HttpResponse(503),
        "empty": HttpResponse(204),
    }
    count = [0]

    def overrule(request: HttpRequest, message: Message | None) -> Reply | None:
        count[0] += 1
        return replies.get(how, how) if count[0] == step + 1 else None

    world.acs.overrule = overrule
    agent = world.device()
    if step > 4 or (how == "empty" and step >= 1):
        assert outcome(world) == {"outcome": "done"}
        return
    assert outcome(world)["outcome"] != "done"
    assert agent.retry_count == 1
    world.run(10)
    assert [events for _, events in world.informs()] == [("0 BOOTSTRAP", "1 BOOT")] * 2
    assert outcome(world) == {"outcome": "done"}
    assert (agent.retry_count, agent.events) == (0, ())


def test_an_acs_that_never_ends_a_session_is_left(world: World) -> None:
    world.acs.overrule = lambda request, message: (
        None if message is not None and message.kind == "Inform" else Message("GetRPCMethods", {}, "1")
    )
    world.device()
    assert len(world.acs.requests) == MOST_EXCHANGES
    assert outcome(world)["outcome"] == "http"


# --- Hand-written messages ----------------------------------------------------------------------------------------


def test_a_hand_written_inform_takes_the_place_of_the_devices_own(world: World) -> None:
    agent = world.device()
    own = world.acs.requests[0].body
    agent.inform("8 DIAGNOSTICS COMPLETE")
    agent.send(own.replace(b">1</cwmp:ID>", b">hand</cwmp:ID>").replace(b"HG00001", b"HG99999"))
    world.run(1)
    assert b"HG99999" in world.acs.requests[2].body
    assert world.kinds()[4:] == ["Inform", "< InformResponse", "Empty", "< Empty"] * 2
    assert world.informs()[-1][1] == ("8 DIAGNOSTICS COMPLETE",)
    assert (agent.events, agent.retry_count) == ((), 0)


def test_any_other_hand_written_document_follows_an_inform_of_the_devices_own(world: World) -> None:
    agent = world.device()
    agent.send(encode(Message("GetRPCMethods", {}, "hand")))
    agent.send(b"no xml at all")
    world.acs.overrule = lambda request, message: (
        HttpResponse(400)
        if request.body and message is None
        else Message("GetRPCMethodsResponse", {"method_list": ("Inform",)}, "hand")
        if message is not None and message.kind == "GetRPCMethods"
        else None
    )
    world.run(1)
    assert world.kinds()[4:] == [
        "Inform", "< InformResponse", "GetRPCMethods", "< GetRPCMethodsResponse", "Empty", "< Empty",
        "Inform", "< InformResponse", "Garbage", "< HttpError",
    ]  # fmt: skip
    assert world.informs()[-1][1] == ("2 PERIODIC",)
    assert agent.retry_count == 1


@pytest.mark.parametrize(
    ("reply", "then"),
    [
        (fault(8000, "no", "hand"), ["< Fault", "Empty", "< Empty"]),
        (HttpResponse(204), ["< Empty"]),
        (gpv(SSID), ["< GetParameterValues", "GetParameterValuesResponse", "< Empty"]),
    ],
)
def test_whatever_an_acs_says_to_a_hand_written_document_the_session_goes_on(
    world: World, reply: Reply, then: list[str]
) -> None:
    agent = world.device()
    agent.send(encode(Message("RequestDownload", {"file_type": "1 X", "file_type_arg": ()}, "hand")))
    world.acs.overrule = lambda request, message: (
        reply if message is not None and message.kind == "RequestDownload" else None
    )
    world.run(1)
    assert world.kinds()[4:] == ["Inform", "< InformResponse", "RequestDownload", *then]
    assert (agent.events, agent.retry_count) == ((), 0)


# --- Versions -----------------------------------------------------------------------------------------------------


def test_the_device_goes_down_to_the_version_of_the_acs(world: World) -> None:
    world.acs.version = "1.0"
    world.acs.script = [gpv(SSID)]
    world.device()
    versions = [decode(request.body).version for request in world.acs.requests if request.body]
    assert versions == ["1.2", "1.0"]


@pytest.mark.parametrize(
    ("spoken", "namespace", "supported"),
    [("1.0", "1.0", None), ("1.1", "1.1", None), ("1.2", "1.2", None), ("1.4", "1.2", "1.0,1.1,1.2,1.3,1.4")],
)
def test_the_profile_says_which_version_a_device_speaks(spoken: str, namespace: str, supported: str | None) -> None:
    world = World(extension={"cwmp_version": spoken})
    world.device()
    inform = decode(world.acs.requests[0].body)
    assert inform.version == namespace
    assert inform.headers.get("SupportedCWMPVersions") == supported


def version_fault(known: str) -> Callable[[HttpRequest, Message | None], Reply | None]:
    """Return an ACS that knows no version later than that one, and says so by 8006."""
    return lambda request, message: (
        fault(8006, "version", message.id, "1.0")
        if message is not None and message.kind == "Inform" and message.version > known
        else None
    )


def test_an_acs_that_knows_older_versions_only_is_spoken_to_in_those(world: World) -> None:
    world.acs.overrule = version_fault("1.0")
    agent = world.device()
    assert [decode(request.body).version for request in world.acs.requests if request.body] == ["1.2", "1.1", "1.0"]
    assert (agent.retry_count, agent.sessions) == (0, 1)
    world.ask(gpv(SSID))
    # The next session starts where this one ended.
    assert [decode(request.body).version for request in world.acs.requests[4:] if request.body] == ["1.0", "1.0"]
    agent.device.write(f"{MS}URL", "http://other.example/", "device")
    assert agent.version == "1.2"


def test_an_acs_that_knows_no_version_fails_the_session(world: World) -> None:
    world.acs.overrule = version_fault("0.9")
    world.device()
    assert world.kinds().count("Inform") == 3
    assert outcome(world)["reason"] == "Fault 8006 on Inform: version"


def test_after_a_400_the_next_inform_is_of_the_version_before(world: World) -> None:
    world.acs.overrule = lambda request, message: HttpResponse(400)
    world.device()
    world.run(200)
    versions = [decode(request.body).version for request in world.acs.requests]
    assert versions[:5] == ["1.2", "1.1", "1.0", "1.2", "1.1"]
    world.acs.overrule = lambda request, message: (
        HttpResponse(400) if message is not None and message.version != "1.0" else None
    )
    world.run(2000)
    agent = world.devices[0].agent
    assert (agent.version, agent.retry_count) == ("1.0", 0)
    # What may have been a hiccup of the ACS does not last for ever.
    agent.power_cycle(1)
    world.run(1)
    assert agent.version != "1.0"


def test_a_400_of_an_acs_that_knows_the_version_is_not_for_the_version(world: World) -> None:
    agent = world.device()
    world.acs.overrule = lambda request, message: HttpResponse(400)
    agent.reboot()
    world.run(100)
    agent.inform()
    world.run(100)
    assert agent.retry_count >= 2
    assert {decode(request.body).version for request in world.acs.requests if request.body} == {"1.2"}
    # Of another ACS it is to be found out anew.
    agent.device.write(f"{MS}URL", "http://other.example/", "device")
    world.run(1)
    assert agent.version == "1.1"


def test_a_lower_version_is_kept_to_through_a_400(world: World) -> None:
    world.acs.overrule = lambda request, message: (
        HttpResponse(400) if message is not None and message.version != "1.0" else None
    )
    agent = world.device()
    world.run(200)
    assert (agent.version, agent.retry_count) == ("1.0", 0)
    taken = world.acs.overrule
    world.acs.overrule = lambda request, message: HttpResponse(400)
    agent.inform()
    world.run(1)
    assert (agent.version, agent.retry_count) == ("1.0", 1)
    # After a boot it begins with its own version, of which the ACS has said nothing but 400.
    world.acs.overrule = taken
    agent.power_cycle(1)
    world.run(2000)
    assert (agent.version, agent.retry_count) == ("1.0", 0)


def test_the_acs_chooses_the_version_by_its_header() -> None:
    world = World(extension={"cwmp_version": "1.4"})
    world.acs.overrule = lambda request, message: (
        Message("InformResponse", {"max_envelopes": 1}, message.id, "1.2", {"UseCWMPVersion": "1.1"})
        if message is not None and message.kind == "Inform"
        else None
    )
    world.acs.script = [gpv(SSID)]
    world.device()
    assert decode(world.acs.requests[2].body).version == "1.1"


def test_a_profile_suggests_how_long_a_session_may_take() -> None:
    for version, suggested in (("1.4", "60"), ("1.2", None)):
        world = World(extension={"cwmp_version": version, "session_timeout": 60 * SECOND})
        world.device()
        assert decode(world.acs.requests[0].body).headers.get("SessionTimeout") == suggested
