"""Orders: which are taken, what they become on the wire, and how they reach a device."""

from __future__ import annotations

from typing import Any

import pytest

from cpescript.acs.connections import OK, UNAUTHORIZED
from cpescript.acs.orders import VERBS, DeviceKey, Order, order_from_json
from cpescript.acs.server import Acs
from cpescript.cwmp.message import ParameterFault, ParameterValue, fault
from cpescript.kernel.time import HOUR, MINUTE, SECOND
from tests.acs.cpe import Cpe, kinds, transfer_complete


@pytest.fixture
def acs() -> Acs:
    return Acs(seed=42, firmware={"2.1.0": 8 << 20}, file_base_url="http://files.example/fw/")


@pytest.fixture
def cpe(acs: Acs) -> Cpe:
    cpe = Cpe(acs)
    cpe.session("1 BOOT")
    return cpe


def give(cpe: Cpe, verb: str, **arguments: Any) -> None:
    result = cpe.acs.order(Order(verb, cpe.key, arguments))
    assert result.accepted, result.reason


class TestWhatTheyBecome:
    def test_set_is_one_message_typed_as_it_is_told_or_looks(self, cpe: Cpe) -> None:
        given = [["Device.A", "1", "int"], ["Device.B", "1", None], ["Device.C", "x & <y>", None]]
        give(cpe, "set", settings=[*given, ["Device.D", "true", None]])
        (request,) = cpe.session("6 CONNECTION REQUEST")
        assert request.fields["parameter_list"] == (
            ParameterValue("Device.A", "1", "int"),
            ParameterValue("Device.B", "1", "unsignedInt"),
            ParameterValue("Device.C", "x & <y>", "string"),
            ParameterValue("Device.D", "true", "boolean"),
        )
        assert request.fields["parameter_key"] == "cpescript"

    @pytest.mark.parametrize(
        ("verb", "arguments", "kind", "fields"),
        [
            ("get", {"paths": ["Device.A.", "Device.B"]}, "GetParameterValues",
             {"parameter_names": ("Device.A.", "Device.B")}),
            ("add", {"path": "Device.NAT.PortMapping."}, "AddObject", {"object_name": "Device.NAT.PortMapping."}),
            ("delete", {"path": "Device.NAT.PortMapping.2."}, "DeleteObject",
             {"object_name": "Device.NAT.PortMapping.2."}),
            ("factory-reset", {}, "FactoryReset", {}),
            ("reboot", {}, "Reboot", {"command_key": "reboot-0"}),
            ("upload", {"file_type": "1 Vendor Configuration File", "url": "http://files.example/up"}, "Upload",
             {"file_type": "1 Vendor Configuration File", "url": "http://files.example/up", "delay_seconds": 0}),
            ("download", {"file_type": "3 Vendor Configuration File", "url": "http://files.example/c"}, "Download",
             {"file_type": "3 Vendor Configuration File", "url": "http://files.example/c", "file_size": 0}),
            ("download", {"firmware": "2.1.0"}, "Download",
             {"file_type": "1 Firmware Upgrade Image", "url": "http://files.example/fw/2.1.0.bin",
              "file_size": 8 << 20}),
        ],
    )  # fmt: skip
    def test_each_verb(self, cpe: Cpe, verb: str, arguments: dict[str, Any], kind: str, fields: dict[str, Any]) -> None:
        give(cpe, verb, **arguments)
        (request,) = cpe.session("6 CONNECTION REQUEST")
        assert request.kind == kind
        assert fields.items() <= dict(request.fields).items()

    def test_they_are_carried_out_in_their_order_one_at_a_time(self, cpe: Cpe) -> None:
        give(cpe, "get", paths=["Device.A"])
        give(cpe, "reboot")
        give(cpe, "get", paths=["Device.B"])
        asked = cpe.session("6 CONNECTION REQUEST")
        assert kinds(asked) == ["GetParameterValues", "Reboot", "GetParameterValues"]

    def test_command_keys_of_transfers_are_unique_and_short(self, acs: Acs) -> None:
        keys = set()
        for serial in ("A1", "A2"):
            cpe = Cpe(acs, serial)
            cpe.session("1 BOOT")
            give(cpe, "download", firmware="2.1.0")
            (request,) = cpe.session("6 CONNECTION REQUEST")
            keys.add(request.fields["command_key"])
        assert len(keys) == 2
        assert all(0 < len(key) <= 32 for key in keys)

    def test_forget(self, cpe: Cpe) -> None:
        give(cpe, "get", paths=["Device.A"])
        give(cpe, "forget")
        assert not cpe.acs.records
        assert cpe.session("2 PERIODIC") == []


class TestRefusals:
    @pytest.mark.parametrize(
        ("verb", "arguments", "reason"),
        [
            ("dance", {}, "no such verb: dance"),
            ("set", {}, "set takes settings"),
            ("set", {"settings": [["Device.A", 1, None]]}, "set takes settings"),
            ("get", {"paths": []}, "get takes paths"),
            ("get", {"paths": "Device."}, "get takes paths"),
            ("download", {"url": "http://x.example/"}, "download takes firmware or file_type, url"),
            ("reboot", {"when": "now"}, "reboot takes no arguments"),
            ("download", {"firmware": "2.1"}, "no firmware '2.1' is declared: did you mean '2.1.0'?"),
            ("call", {"name": "x"}, "the policy 'default' has no call 'x': it has none"),
        ],
    )
    def test_malformed_ones(self, cpe: Cpe, verb: str, arguments: dict[str, Any], reason: str) -> None:
        result = cpe.acs.order(Order(verb, cpe.key, arguments))
        assert (result.accepted, result.reason) == (False, reason)
        assert cpe.session("2 PERIODIC") == []

    @pytest.mark.parametrize("verb", sorted(VERBS - {"call"}))
    def test_no_verb_but_call_goes_without_a_device(self, acs: Acs, verb: str) -> None:
        assert not acs.order(Order(verb)).accepted

    def test_an_unknown_device(self, acs: Acs) -> None:
        result = acs.order(Order("reboot", DeviceKey("00D0AA", "HG100", "never seen")))
        assert result.reason == "the ACS knows no device 00D0AA-HG100-never seen: it has not informed yet"
        assert result.data["status"] == 404

    def test_connecting_needs_a_url(self, acs: Acs) -> None:
        cpe = Cpe(acs)
        cpe.url = ""
        cpe.session("1 BOOT")
        assert not acs.order(Order("connect", cpe.key)).accepted

    @pytest.mark.parametrize("junk", [None, {}, {"verb": "get"}, {"verb": "get", "device": ["a"], "arguments": {}}])
    def test_json_that_is_no_order(self, junk: object) -> None:
        with pytest.raises(ValueError, match="an order is"):
            order_from_json(junk)

    def test_json_there_and_back(self) -> None:
        for order in (Order("call", None, {"name": "x"}), Order("get", DeviceKey("a", "", "c"), {"paths": ["D."]})):
            assert order_from_json(order.as_json()) == order


class TestConnectionRequests:
    def test_one_is_made_at_once_and_further_orders_join_it(self, cpe: Cpe) -> None:
        give(cpe, "get", paths=["Device.A"])
        give(cpe, "reboot")
        (request,) = cpe.acs.outbox
        assert (request.url, request.device_key) == (cpe.url, cpe.key)
        assert (request.username, request.password) == cpe.acs.credentials(cpe.acs.records[cpe.key])

    def test_they_use_what_the_device_was_given_last(self, cpe: Cpe) -> None:
        base = "Device.ManagementServer.ConnectionRequest"
        give(cpe, "set", settings=[[f"{base}Username", "u", None], [f"{base}Password", "p", None]])
        cpe.session("6 CONNECTION REQUEST")
        cpe.acs.outbox.clear()
        give(cpe, "connect")
        assert cpe.acs.outbox[0][1:3] == ("u", "p")
        cpe.inform("0 BOOTSTRAP")  # The device has forgotten them.
        cpe.acs.outbox.clear()
        give(cpe, "connect")
        assert cpe.acs.outbox[0][1:3] == ("00D0AA-HG000001", cpe.acs.decisions.secret(cpe.key))

    def test_the_url_is_that_of_the_last_inform(self, cpe: Cpe) -> None:
        cpe.url = "http://192.0.2.9:7547/new"
        cpe.session("4 VALUE CHANGE")
        give(cpe, "connect")
        assert cpe.acs.outbox[0].url == cpe.url

    def test_a_call_that_nobody_has_made_yet_goes_where_the_device_says_now(self, cpe: Cpe) -> None:
        other = Cpe(cpe.acs, "HG000002")
        other.session("1 BOOT")
        give(cpe, "connect")
        give(other, "connect")
        cpe.session("4 VALUE CHANGE", ManagementServer_UDPConnectionRequestAddress="192.0.2.7:3400")
        assert [call.url for call in cpe.acs.outbox] == ["udp://192.0.2.7:3400", other.url]

    def test_without_a_url_the_order_waits_for_the_next_session(self, acs: Acs) -> None:
        cpe = Cpe(acs)
        cpe.url = ""
        cpe.session("1 BOOT")
        give(cpe, "reboot")
        assert not acs.outbox
        assert kinds(cpe.session("2 PERIODIC")) == ["Reboot"]

    def test_a_failed_one_is_made_again_after_30_s_three_times(self, cpe: Cpe) -> None:
        give(cpe, "reboot")
        acs = cpe.acs
        instants = []
        while acs.outbox:
            acs.outbox.clear()
            instants.append(acs.now // SECOND)
            acs.connection_request_done(cpe.key, "refused")
            due = acs.next_due()
            if due is not None:
                acs.advance(due)
        assert instants == [0, 30, 60, 90]
        assert kinds(cpe.session("2 PERIODIC")) == ["Reboot"]

    def test_success_is_the_inform_not_the_200(self, cpe: Cpe) -> None:
        give(cpe, "reboot")
        acs = cpe.acs
        acs.outbox.clear()
        acs.connection_request_done(cpe.key, OK)
        acs.advance(29 * SECOND)
        assert not acs.outbox
        acs.advance(60 * SECOND)
        assert len(acs.outbox) == 1

    def test_after_the_inform_there_is_no_further_call(self, cpe: Cpe) -> None:
        give(cpe, "reboot")
        acs = cpe.acs
        acs.outbox.clear()
        acs.connection_request_done(cpe.key, OK)
        cpe.session("6 CONNECTION REQUEST")
        acs.advance(HOUR)
        assert not acs.outbox

    def test_a_session_that_begins_before_the_answer_is_noted_counts(self, cpe: Cpe) -> None:
        give(cpe, "reboot")
        acs = cpe.acs
        acs.outbox.clear()
        cpe.session("6 CONNECTION REQUEST")
        acs.connection_request_done(cpe.key, OK)
        acs.advance(HOUR)
        assert not acs.outbox

    def test_a_failure_that_is_noted_after_the_session_began_leads_to_no_further_call(self, cpe: Cpe) -> None:
        give(cpe, "download", firmware="2.1.0")
        acs = cpe.acs
        acs.outbox.clear()
        cpe.session("6 CONNECTION REQUEST")  # Leaves a transfer to wait for.
        acs.connection_request_done(cpe.key, "timeout")
        acs.advance(HOUR)
        assert not acs.outbox

    def test_a_device_that_refuses_the_credentials_is_let_be(self, cpe: Cpe) -> None:
        give(cpe, "reboot")
        cpe.acs.outbox.clear()
        cpe.acs.connection_request_done(cpe.key, UNAUTHORIZED)
        cpe.acs.advance(HOUR)
        assert not cpe.acs.outbox
        give(cpe, "get", paths=["Device.A"])
        assert len(cpe.acs.outbox) == 1, "another order is worth another call"
        assert kinds(cpe.session("2 PERIODIC")) == ["Reboot", "GetParameterValues"]

    def test_whoever_is_being_called_is_not_called_twice(self, cpe: Cpe) -> None:
        give(cpe, "connect")
        give(cpe, "connect")
        assert len(cpe.acs.outbox) == 1

    def test_a_device_in_a_session_is_not_called_unless_the_session_dies(self, cpe: Cpe) -> None:
        cpe.inform("2 PERIODIC")
        give(cpe, "reboot")
        assert not cpe.acs.outbox
        cpe.acs.advance(61 * SECOND)
        assert len(cpe.acs.outbox) == 1

    def test_a_session_that_is_open_takes_the_order_with_it(self, cpe: Cpe) -> None:
        cpe.inform("2 PERIODIC")
        give(cpe, "reboot")
        assert kinds(cpe.go_on()) == ["Reboot"]
        cpe.acs.advance(HOUR)
        assert not cpe.acs.outbox

    def test_a_forgotten_device_is_not_called_again(self, cpe: Cpe) -> None:
        give(cpe, "reboot")
        cpe.acs.outbox.clear()
        give(cpe, "forget")
        cpe.acs.connection_request_done(cpe.key, "refused")
        cpe.acs.advance(HOUR)
        assert not cpe.acs.outbox

    def test_a_device_that_is_forgotten_in_its_session_is_not_called_for_what_was_ordered(self, cpe: Cpe) -> None:
        cpe.inform("2 PERIODIC")
        give(cpe, "reboot")
        give(cpe, "forget")
        cpe.acs.advance(HOUR)
        assert not cpe.acs.outbox

    def test_a_device_that_is_forgotten_before_the_next_try_is_not_called_for_it(self, cpe: Cpe) -> None:
        cpe.answers["GetParameterValues"] = lambda request: 9004
        give(cpe, "get", paths=["Device.A"])
        cpe.session("6 CONNECTION REQUEST")
        cpe.acs.outbox.clear()
        give(cpe, "forget")
        cpe.acs.advance(HOUR)
        assert not cpe.acs.outbox

    def test_a_device_that_is_forgotten_between_two_calls_is_not_called_again(self, cpe: Cpe) -> None:
        give(cpe, "reboot")
        cpe.acs.outbox.clear()
        cpe.acs.connection_request_done(cpe.key, "refused")
        give(cpe, "forget")
        cpe.acs.advance(HOUR)
        assert not cpe.acs.outbox


class TestFaults:
    def test_a_fault_ends_its_order_only_and_every_bad_parameter_is_noted(self, cpe: Cpe) -> None:
        bad = (ParameterFault("Device.A", 9007, "too loud"), ParameterFault("Device.B", 9008))
        give(cpe, "set", settings=[["Device.A", "1", None], ["Device.B", "1", None]])
        give(cpe, "get", paths=["Device.A"])
        cpe.inform("6 CONNECTION REQUEST")
        cpe.post(b"")
        response = cpe.send(fault(9003, "Invalid arguments", "1", "1.2", bad))
        assert response.status == 200
        assert b"GetParameterValues" in response.body
        assert cpe.acs.reports[-1].text == "9003 Invalid arguments; Device.A: 9007 too loud; Device.B: 9008"

    def test_what_may_pass_is_tried_three_times_five_minutes_apart(self, cpe: Cpe) -> None:
        cpe.answers["GetParameterValues"] = lambda request: 9004
        give(cpe, "get", paths=["Device.A"])
        acs, asked = cpe.acs, []
        cpe.session("6 CONNECTION REQUEST")
        while (due := acs.next_due()) is not None:
            acs.advance(due)
            if acs.outbox:
                acs.outbox.clear()
                asked.append((acs.now // MINUTE, len(cpe.session("6 CONNECTION REQUEST"))))
        assert asked == [(5, 1), (10, 1)]
        assert cpe.session("2 PERIODIC") == []

    def test_what_will_not_pass_is_tried_once(self, cpe: Cpe) -> None:
        cpe.answers["GetParameterValues"] = lambda request: 9005
        give(cpe, "get", paths=["Device.Nonsense"])
        assert len(cpe.session("6 CONNECTION REQUEST")) == 1
        assert cpe.session("2 PERIODIC") == []


class TestTransfers:
    def test_the_next_one_waits_for_the_transfer_complete_of_the_one_before(self, cpe: Cpe) -> None:
        give(cpe, "download", firmware="2.1.0")
        give(cpe, "download", file_type="3 Vendor Configuration File", url="http://files.example/c")
        (first,) = cpe.session("6 CONNECTION REQUEST")
        key = first.fields["command_key"]
        assert cpe.session("2 PERIODIC") == []
        assert cpe.session("7 TRANSFER COMPLETE", requests=[transfer_complete("another")]) == []
        (second,) = cpe.session("7 TRANSFER COMPLETE", requests=[transfer_complete(key)])
        assert second.fields["file_type"] == "3 Vendor Configuration File"

    def test_a_transfer_complete_that_never_comes_is_not_waited_for_without_end(self, cpe: Cpe) -> None:
        give(cpe, "download", firmware="2.1.0")
        cpe.session("6 CONNECTION REQUEST")
        cpe.acs.outbox.clear()
        give(cpe, "download", firmware="2.1.0")
        assert not cpe.acs.outbox, "called for nothing"
        cpe.acs.advance(HOUR)
        assert len(cpe.acs.outbox) == 1
        assert kinds(cpe.session("6 CONNECTION REQUEST")) == ["Download"]

    def test_status_0_needs_no_transfer_complete(self, cpe: Cpe) -> None:
        cpe.answers["Download"] = lambda request: {
            "status": 0, "start_time": "2026-01-01T00:00:00Z", "complete_time": "2026-01-01T00:00:01Z",
        }  # fmt: skip
        give(cpe, "download", firmware="2.1.0")
        give(cpe, "download", firmware="2.1.0")
        assert kinds(cpe.session("6 CONNECTION REQUEST")) == ["Download", "Download"]

    @pytest.mark.parametrize(("verb", "event"), [("reboot", "M Reboot"), ("download", "M Download")])
    def test_a_command_whose_answer_was_lost_is_closed_by_its_event(self, cpe: Cpe, verb: str, event: str) -> None:
        give(cpe, verb, **({"firmware": "2.1.0"} if verb == "download" else {}))
        cpe.inform("6 CONNECTION REQUEST")
        cpe.post(b"")
        (task,) = cpe.acs.records[cpe.key].work.tasks  # type: ignore[union-attr]
        assert kinds(cpe.session("1 BOOT", (event, task.command_key))) == []

    def test_a_command_whose_event_has_another_key_is_given_again(self, cpe: Cpe) -> None:
        give(cpe, "reboot")
        cpe.inform("6 CONNECTION REQUEST")
        cpe.post(b"")
        assert kinds(cpe.session("1 BOOT", ("M Reboot", "somebody else's"))) == ["Reboot"]


def test_the_view_from_the_north(cpe: Cpe) -> None:
    cpe.answers["GetParameterValues"] = lambda request: 9005
    give(cpe, "get", paths=["Device.Nonsense"])
    cpe.session("6 CONNECTION REQUEST")
    give(cpe, "reboot")
    (seen,) = cpe.acs.describe()
    assert seen == {
        "device": ["00D0AA", "HG100", "HG000001"],
        "connection_request_url": cpe.url,
        "software_version": "2.0.0",
        "parameter_key": None,
        "tags": [],
        "pending": ["Reboot"],
        "failures": [{"at": 0, "kind": "GetParameterValues", "fault": 9005, "text": "9005 refused by the test"}],
    }
