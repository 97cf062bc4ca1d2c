"""The ACS on the wire: sessions, cookies, message IDs, junk. Stories with octets in and octets out."""

from __future__ import annotations

import gzip
import re
import tracemalloc
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.acs.informs import read_inform
from cpescript.acs.orders import DeviceKey, Order
from cpescript.acs.rules import DEFAULT_POLICY
from cpescript.acs.server import MAX_BODY, Acs, inform_response
from cpescript.cwmp.codec import decode, decode_plain, encode
from cpescript.cwmp.http import HttpRequest
from cpescript.cwmp.message import Message
from cpescript.kernel.time import SECOND
from tests.acs.cpe import Cpe, kinds, transfer_complete


@pytest.fixture
def acs() -> Acs:
    return Acs(seed=42, firmware={"2.1.0": 8 << 20})


@pytest.fixture
def cpe(acs: Acs) -> Cpe:
    return Cpe(acs)


def order(cpe: Cpe, verb: str, **arguments: object) -> None:
    result = cpe.acs.order(Order(verb, cpe.key, arguments))
    assert result.accepted, result.reason


class TestSession:
    def test_a_quiet_session_is_two_exchanges(self, cpe: Cpe) -> None:
        response = cpe.inform("2 PERIODIC")
        assert response.status == 200
        assert response.header("Content-Type") == 'text/xml; charset="utf-8"'
        answer = decode(response.body)
        assert (answer.kind, answer.id, answer.version) == ("InformResponse", "17", "1.2")
        assert answer.fields == {"max_envelopes": 1}
        last = cpe.post(b"")
        assert (last.status, last.headers, last.body) == (204, (), b"")

    def test_the_cookie_is_short_covers_every_path_and_differs_between_sessions(self, cpe: Cpe) -> None:
        cookies = []
        for _ in range(2):
            cookie = cpe.inform("2 PERIODIC").header("Set-Cookie") or ""
            assert len(cookie) <= 512
            assert "; Path=/" in cookie
            assert cpe.key.serial not in cookie
            cookies.append(cookie)
            cpe.go_on()
        assert cookies[0] != cookies[1]

    def test_the_same_seed_gives_the_same_cookies_and_another_others(self) -> None:
        def cookie(seed: int) -> str | None:
            return Cpe(Acs(seed=seed)).inform("1 BOOT").header("Set-Cookie")

        assert cookie(1) == cookie(1) != cookie(2)

    def test_each_post_may_come_on_a_connection_of_its_own(self, cpe: Cpe) -> None:
        cpe.inform("2 PERIODIC")
        cpe.peer = "another connection"
        assert cpe.post(b"").status == 204

    def test_a_device_without_cookies_is_known_by_its_connection(self, cpe: Cpe) -> None:
        cpe.keeps_cookies = False
        assert kinds(cpe.session("0 BOOTSTRAP", "1 BOOT")) == ["SetParameterValues"]

    def test_sessions_of_two_devices_do_not_mix(self, acs: Acs) -> None:
        first, second = Cpe(acs, "A1"), Cpe(acs, "A2")
        for cpe in (first, second):
            cpe.inform("0 BOOTSTRAP")
        asked = {cpe: decode(cpe.post(b"").body) for cpe in (second, first)}
        for cpe, request in asked.items():
            assert f"00D0AA-{cpe.key.serial}" in request.settings.values()

    def test_after_the_204_the_session_is_over(self, cpe: Cpe) -> None:
        cpe.session("2 PERIODIC")
        assert cpe.post(b"").status == 400

    def test_an_unknown_cookie_is_refused_and_the_next_inform_is_welcome(self, cpe: Cpe) -> None:
        cpe.cookie = "session=0123"
        assert cpe.post(b"").status == 400
        assert cpe.session("2 PERIODIC") == []

    def test_a_second_inform_restarts_the_session(self, cpe: Cpe) -> None:
        cpe.inform("0 BOOTSTRAP")
        stale = cpe.cookie
        cpe.inform("0 BOOTSTRAP")
        fresh, cpe.cookie = cpe.cookie, stale
        assert cpe.post(b"").status == 400
        cpe.cookie = fresh
        assert kinds(cpe.go_on()) == ["SetParameterValues"]

    def test_a_session_is_kept_for_30_s_of_silence_and_no_longer(self, cpe: Cpe) -> None:
        for silence, status in ((30, 204), (31, 400)):
            cpe.inform("2 PERIODIC")
            cpe.acs.advance(cpe.acs.now + silence * SECOND)
            assert cpe.post(b"").status == status

    def test_silent_sessions_do_not_pile_up(self, acs: Acs) -> None:
        for number in range(200):
            acs.advance(number * SECOND)
            Cpe(acs, f"S{number}").inform("2 PERIODIC")
        assert len(acs.sessions) <= 32

    def test_what_a_session_left_undone_is_done_in_the_next(self, cpe: Cpe) -> None:
        cpe.inform("0 BOOTSTRAP")
        assert decode(cpe.post(b"").body).kind == "SetParameterValues"  # and the device is never heard again
        cpe.acs.advance(60 * SECOND)
        assert kinds(cpe.session("2 PERIODIC")) == ["SetParameterValues"]
        assert cpe.session("2 PERIODIC") == []

    def test_a_device_that_never_answers_is_asked_three_times(self, cpe: Cpe) -> None:
        cpe.session("1 BOOT")
        order(cpe, "get", paths=["Device."])
        for _ in range(3):
            cpe.inform("2 PERIODIC")
            assert cpe.post(b"").status == 200
        assert cpe.session("2 PERIODIC") == []
        assert cpe.acs.reports[-1].text == "never answered"

    def test_ids_count_from_1_in_each_session_and_identical_orders_have_identical_octets(self, acs: Acs) -> None:
        bodies = []
        for serial in ("A1", "A2"):
            cpe = Cpe(acs, serial)
            cpe.session("1 BOOT")
            order(cpe, "get", paths=["Device.DeviceInfo."])
            order(cpe, "reboot")
            cpe.inform("6 CONNECTION REQUEST")
            first = cpe.post(b"").body
            second = cpe.answer(decode(first)).body
            assert [decode(first).id, decode(second).id] == ["1", "2"]
            bodies.append((first, second))
        assert bodies[0] == bodies[1]

    @pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
    def test_everything_is_in_the_namespace_of_the_inform(self, cpe: Cpe, version: str) -> None:
        cpe.namespace = version
        assert decode(cpe.inform("0 BOOTSTRAP").body).version == version
        assert decode(cpe.post(b"").body).version == version

    def test_a_newer_namespace_is_answered_in_the_newest_that_is_known(self, cpe: Cpe) -> None:
        body = encode(cpe.inform_message("1 BOOT")).replace(b"cwmp-1-2", b"cwmp-1-3")
        assert decode(cpe.post(body).body).version == "1.2"

    def test_an_older_namespace_is_told_so(self, cpe: Cpe) -> None:
        body = encode(cpe.inform_message("1 BOOT")).replace(b"cwmp-1-2", b"cwmp-0-9")
        response = cpe.post(body)
        assert response.status == 200
        assert decode(response.body).fields["fault_code"] == 8006

    def test_offered_versions_are_answered_by_the_highest_common_one(self, cpe: Cpe) -> None:
        inform = cpe.inform_message("1 BOOT")
        offered = Message("Inform", inform.fields, "17", "1.2", {"SupportedCWMPVersions": "1.0,1.2,1.3"})
        assert decode(cpe.send(offered).body).headers == {"UseCWMPVersion": "1.3"}
        assert decode(cpe.send(inform).body).headers == {}

    def test_identity_is_oui_class_and_serial_together(self, acs: Acs) -> None:
        Cpe(acs, "S1").inform("0 BOOTSTRAP")
        Cpe(acs, "S1", oui="00D0AB").inform("0 BOOTSTRAP")
        assert list(acs.records) == [DeviceKey("00D0AA", "HG100", "S1"), DeviceKey("00D0AB", "HG100", "S1")]

    def test_a_device_without_a_serial_number_is_refused(self, acs: Acs) -> None:
        response = Cpe(acs, "").inform("1 BOOT")
        assert response.status == 200
        assert decode(response.body).fields["fault_code"] == 8003
        assert not acs.records


class TestRequestsOfTheDevice:
    def test_get_rpc_methods(self, cpe: Cpe) -> None:
        cpe.inform("1 BOOT")
        answer = decode(cpe.send(Message("GetRPCMethods", {}, "x1")).body)
        assert (answer.kind, answer.id) == ("GetRPCMethodsResponse", "x1")
        assert {"Inform", "GetRPCMethods", "TransferComplete"} <= set(answer.fields["method_list"])

    def test_an_unknown_method_gets_8000_and_the_session_goes_on(self, cpe: Cpe) -> None:
        cpe.inform("0 BOOTSTRAP")
        unknown = encode(Message("GetRPCMethods", {}, "x2")).replace(b"GetRPCMethods", b"X_00D0AA_Sing")
        answer = decode(cpe.post(unknown).body)
        assert (answer.kind, answer.id, answer.fields["fault_code"]) == ("Fault", "x2", 8000)
        assert kinds(cpe.go_on()) == ["SetParameterValues"]

    def test_everything_that_a_device_may_ask_is_answered(self, cpe: Cpe) -> None:
        cpe.inform("1 BOOT")
        kicked = {"command": "c", "referer": "r", "arg": "a", "next": "http://portal.example/"}
        answer = decode(cpe.send(Message("Kicked", kicked, "k")).body)
        assert (answer.kind, answer.fields) == ("KickedResponse", {"next_url": "http://portal.example/"})
        answer = decode(cpe.send(Message("RequestDownload", {"file_type": "1 X", "file_type_arg": ()}, "r")).body)
        assert (answer.kind, answer.id) == ("RequestDownloadResponse", "r")
        answer = decode(cpe.send(Message("DUStateChangeComplete", {"results": (), "command_key": ""}, "d")).body)
        assert (answer.kind, answer.id) == ("DUStateChangeCompleteResponse", "d")

    def test_transfer_complete_is_answered_whatever_its_key_and_however_often(self, cpe: Cpe) -> None:
        cpe.inform("7 TRANSFER COMPLETE", ("M Download", "nobody's"))
        for key in ("nobody's", "", "nobody's"):
            answer = decode(cpe.send(transfer_complete(key, id="t&<1>")).body)
            assert (answer.kind, answer.id) == ("TransferCompleteResponse", "t&<1>")

    def test_a_fault_to_nothing_is_passed_over(self, cpe: Cpe) -> None:
        cpe.inform("1 BOOT")
        body = encode(Message("Fault", {"fault_code": 9002, "fault_string": ""}, "9"))
        assert cpe.post(body).status == 204

    @pytest.mark.parametrize("wrong", ["id", "kind"])
    def test_an_answer_to_another_question_ends_the_session(self, cpe: Cpe, wrong: str) -> None:
        cpe.inform("0 BOOTSTRAP")
        cpe.post(b"")
        kind, id = ("GetParameterValuesResponse", "1") if wrong == "kind" else ("SetParameterValuesResponse", "2")
        fields = {"parameter_list": ()} if wrong == "kind" else {"status": 0}
        assert cpe.send(Message(kind, fields, id)).status == 400
        assert cpe.post(b"").status == 400, "its cookie is good for nothing any more"
        assert kinds(cpe.session("2 PERIODIC")) == ["SetParameterValues"]


class TestHostilePeers:
    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_only_post(self, cpe: Cpe, method: str) -> None:
        response = cpe.post(b"", method=method)
        assert (response.status, response.header("Allow")) == (405, "POST")

    @pytest.mark.parametrize(
        "body",
        [
            b"junk",
            b"<Inform>" * 100_000,
            b"\x00" * 1_000_000,
            b"<!DOCTYPE a [<!ENTITY b 'bbbbbbbb'><!ENTITY c '&b;&b;&b;'>]><a>&c;Inform></a>",
            b"<a>" * 5_000 + b"Inform>" + b"</a>" * 5_000,
            encode(Message("GetRPCMethods", {}, "1")),
        ],
        ids=["text", "unclosed", "zeros", "entities", "deep", "no session"],
    )
    def test_junk_is_400_and_the_next_session_is_normal(self, cpe: Cpe, body: bytes) -> None:
        assert cpe.post(body).status == 400
        assert cpe.session("2 PERIODIC") == []

    def test_header_floods(self, cpe: Cpe) -> None:
        body = encode(cpe.inform_message("1 BOOT"))
        assert cpe.post(body, *((f"X-{n}", "y") for n in range(200))).status == 400
        assert cpe.post(body, ("X-Long", "y" * 100_000)).status == 400
        assert cpe.post(body, ("Cookie", "a=b; " * 1_000)).status == 200

    def test_gzip_is_read_and_answered_plainly(self, cpe: Cpe) -> None:
        body = encode(cpe.inform_message("1 BOOT"))
        for coding, packed in (("gzip", gzip.compress(body)), ("deflate", zlib.compress(body))):
            response = cpe.post(packed, ("Content-Encoding", coding))
            assert decode(response.body).kind == "InformResponse"
            assert response.header("Content-Encoding") is None

    @pytest.mark.parametrize(
        ("coding", "body", "status"),
        [
            ("br", b"x", 415),
            ("gzip", b"not gzip", 400),
            ("gzip", gzip.compress(b"x" * 1_000)[:-12], 400),
            ("gzip", gzip.compress(b"\x00" * (MAX_BODY + 1_000)), 413),
        ],
        ids=["unknown coding", "no gzip", "cut short", "bomb"],
    )
    def test_packed_junk(self, cpe: Cpe, coding: str, body: bytes, status: int) -> None:
        assert cpe.post(body, ("Content-Encoding", coding)).status == status

    def test_a_bomb_is_not_unpacked_beyond_the_bound(self, cpe: Cpe) -> None:
        bomb = gzip.compress(bytes(20 * MAX_BODY))
        tracemalloc.start()
        cpe.post(bomb, ("Content-Encoding", "gzip"))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4 * MAX_BODY

    @given(st.binary(max_size=300))
    def test_no_body_raises(self, body: bytes) -> None:
        assert Acs().handle(HttpRequest((), b"Inform>" + body)).status == 400

    @given(cut=st.integers(0, 1500), junk=st.binary(max_size=4))
    def test_no_damage_to_an_inform_raises(self, cut: int, junk: bytes) -> None:
        body = encode(Cpe(Acs()).inform_message("0 BOOTSTRAP", ("M Reboot", "k")))
        assert Acs().handle(HttpRequest((), body[:cut] + junk + body[cut + len(junk) :])).status in (200, 400)


class TestShortcuts:
    """A shortcut gives what the plain way gives."""

    @pytest.mark.parametrize("id", ["17", "0", "a1B2", "<&>", "", None])
    @pytest.mark.parametrize("version", ["1.0", "1.2"])
    def test_the_prebuilt_inform_response(self, cpe: Cpe, id: str | None, version: str) -> None:
        cpe.namespace = version
        message = cpe.inform_message("1 BOOT", id=id)
        for _ in range(2):
            assert cpe.send(message).body == encode(inform_response(id, version, None))

    @pytest.mark.parametrize("turn", [b"<Name>", b"<EventCode>", b"<ProductClass>"])
    def test_an_inform_is_read_as_the_codec_reads_it(self, cpe: Cpe, turn: bytes) -> None:
        plain = encode(
            cpe.inform_message("1 BOOT", ("M Reboot", "a<b"), ("M Reboot", "c"), DeviceInfo_ModelName="Ä & <ö>")
        )
        # The same in another order of elements: what the shortcut does not take.
        name = turn.strip(b"<>")
        turned = plain.replace(turn, b"<X/>" + turn, 1)
        swapped = re.sub(rb"(<Name>[^<]*</Name>)(<Value[^>]*>[^<]*</Value>)", rb"\2\1", plain)
        for body in (plain, turned, swapped, plain.replace(b"cwmp:", b"c:").replace(b"xmlns:cwmp", b"xmlns:c")):
            read, message = read_inform(body), decode_plain(body)
            assert read is not None
            assert read.key == cpe.key, name
            assert read.values == dict(message.settings)
            assert list(read.events.items()) == [("1 BOOT", ("",)), ("M Reboot", ("a<b", "c"))]
            assert (read.id, read.version) == (message.id, message.version)


def test_a_record_is_small() -> None:
    """100,000 devices must fit beside a fleet: at most 500 octets each, strings included."""
    acs = Acs()
    bodies = [encode(Cpe(acs, f"HG{n:06}").inform_message("2 PERIODIC")) for n in range(2_000)]
    tracemalloc.start()
    for body in bodies:
        acs.handle(HttpRequest((), body))
        acs.now += 60 * SECOND
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used / 2_000 <= 500


def test_a_policy_may_be_more_patient(cpe: Cpe) -> None:
    patient = Cpe(Acs(replace(DEFAULT_POLICY, session_idle=type(DEFAULT_POLICY.session_idle)(90 * SECOND))))
    patient.inform("2 PERIODIC")
    patient.acs.advance(80 * SECOND)
    assert patient.post(b"").status == 204
