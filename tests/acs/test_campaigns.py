"""Campaigns: who is begun with, when, how often, and what counts as done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cpescript.acs.campaigns import Run, next_opening
from cpescript.acs.orders import Order
from cpescript.acs.policy import load_policy, read_policy
from cpescript.acs.rules import Window
from cpescript.acs.server import Acs
from cpescript.cwmp.message import Message
from cpescript.kernel.time import DAY, DEFAULT_START, HOUR, MINUTE, SECOND, TimeOfDay
from tests.acs.cpe import Cpe, kinds, transfer_complete

ROLLOUT = Path(__file__).parents[2] / "scenarios" / "rollout.yaml"


def fleet_of(acs: Acs, size: int) -> list[Cpe]:
    fleet = [Cpe(acs, f"HG{number:06}") for number in range(1, size + 1)]
    for cpe in fleet:
        cpe.session("0 BOOTSTRAP", "1 BOOT")
    return fleet


def acs_of(**campaign: Any) -> Acs:
    words = ", ".join(f"{name}: {value}" for name, value in campaign.items())
    policy, bag = read_policy(
        f'campaigns: {{up: {{inputs: {{version: text}}, firmware: "{{version}}", {words}}}}}', "p"
    )
    assert policy is not None, bag.render()
    return Acs(policy, seed=42, firmware={"2.1.0": 8 << 20, "2.2.0": 9 << 20})


def call(acs: Acs, fleet: list[Cpe], version: str = "2.1.0") -> Run:
    for cpe in fleet:
        result = acs.order(Order("call", cpe.key, {"name": "up", "inputs": {"version": version}}))
        assert result.accepted, result.reason
    return acs.campaigns.runs["up", (("version", version),)]


def called(acs: Acs) -> list[str]:
    """The serials of the devices that are being called, in order; they are taken off the outbox."""
    serials = [request.device_key.serial for request in acs.outbox]
    acs.outbox.clear()
    return serials


def downloads(cpe: Cpe) -> str:
    """The device comes and takes its Download; returns the CommandKey."""
    (request,) = cpe.session("6 CONNECTION REQUEST")
    assert request.kind == "Download"
    return str(request.fields["command_key"])


def boots(cpe: Cpe, key: str, version: str = "2.1.0", code: int = 0) -> list[Message]:
    """The device reports on the transfer; with code 0 it runs the new version."""
    if not code:
        cpe.version = version
    events = (
        ("7 TRANSFER COMPLETE", ("M Download", key)) if code else ("1 BOOT", "7 TRANSFER COMPLETE", ("M Download", key))
    )
    return cpe.session(*events, requests=[transfer_complete(key, code, "flash" if code else "")])


def state(run: Run, cpe: Cpe) -> str:
    return run.entries[cpe.key].state


def test_the_first_look() -> None:
    """One hundred devices, twenty at a time, and one whose first download fails."""
    policy, _ = load_policy(ROLLOUT)
    assert policy is not None
    acs = Acs(policy, seed=42, firmware={"2.1.0": 8 << 20})
    fleet = fleet_of(acs, 101)
    unlucky = fleet[-1]
    by_serial = {cpe.key.serial: cpe for cpe in fleet}
    for cpe in fleet:
        assert acs.order(Order("call", cpe.key, {"name": "start_rollout", "inputs": {"version": "2.1.0"}})).accepted
    failures, most = [9018], 0
    transfers: list[tuple[Cpe, str]] = []
    for _ in range(2_000):
        for serial in called(acs):
            transfers.append((by_serial[serial], downloads(by_serial[serial])))
            most = max(most, len(transfers))
        if transfers:
            cpe, key = transfers.pop(0)
            boots(cpe, key, code=failures.pop() if cpe is unlucky and failures else 0)
        elif all(cpe.version == "2.1.0" for cpe in fleet):
            break
        else:
            due = acs.next_due()
            assert due is not None
            acs.advance(due)
    assert most == 20
    for cpe in fleet[:-1]:
        assert cpe.log == ["SetParameterValues", "Download", "TransferCompleteResponse", "GetParameterValues"]
    assert unlucky.log == [
        "SetParameterValues", "Download", "TransferCompleteResponse", "Download", "TransferCompleteResponse",
        "GetParameterValues",
    ]  # fmt: skip
    assert fleet[0].asked[-1].paths == ("Device.DeviceInfo.SoftwareVersion",)
    assert acs.now == 10 * MINUTE
    (run,) = acs.campaigns.runs.values()
    assert {entry.state for entry in run.entries.values()} == {"done"}


class TestPlaces:
    def test_the_next_device_is_begun_with_when_one_is_through(self) -> None:
        acs = acs_of(concurrency=2)
        fleet = fleet_of(acs, 4)
        run = call(acs, fleet)
        assert called(acs) == ["HG000001", "HG000002"]
        key = downloads(fleet[0])
        assert called(acs) == []
        boots(fleet[0], key)
        assert called(acs) == ["HG000003"]
        assert [state(run, cpe) for cpe in fleet] == ["done", "asked", "asked", "waiting"]

    def test_a_device_that_has_the_version_is_skipped_without_a_word(self) -> None:
        acs = acs_of(concurrency=1)
        fleet = fleet_of(acs, 2)
        fleet[0].version = "2.1.0"
        fleet[0].session("1 BOOT")
        run = call(acs, fleet)
        assert called(acs) == ["HG000002"]
        assert state(run, fleet[0]) == "skipped"

    def test_a_device_that_got_the_version_while_it_waited_is_skipped_too(self) -> None:
        acs = acs_of(concurrency=1)
        fleet = fleet_of(acs, 2)
        run = call(acs, fleet)
        fleet[1].version = "2.1.0"
        fleet[1].session("1 BOOT")
        boots(fleet[0], downloads(fleet[0]))
        assert (state(run, fleet[0]), state(run, fleet[1])) == ("done", "skipped")

    def test_a_device_is_enrolled_once_and_another_version_is_another_run(self) -> None:
        acs = acs_of()
        fleet = fleet_of(acs, 1)
        run = call(acs, fleet * 3)
        assert len(run.entries) == 1
        assert call(acs, fleet, "2.2.0") is not run

    def test_a_later_call_joins_what_is_under_way_and_begins_anew_when_that_is_over(self) -> None:
        acs = acs_of(concurrency=1)
        fleet = fleet_of(acs, 2)
        run = call(acs, fleet)
        for cpe in fleet:
            acs.advance(acs.now + MINUTE)
            assert call(acs, [cpe]) is run
            boots(cpe, downloads(cpe))
        assert [state(run, cpe) for cpe in fleet] == ["done", "done"]
        acs.advance(acs.now + MINUTE)
        anew = call(acs, fleet)
        assert anew is not run
        assert [state(anew, cpe) for cpe in fleet] == ["skipped", "skipped"]

    def test_without_a_device_it_is_for_all_that_are_known(self) -> None:
        acs = acs_of()
        fleet_of(acs, 3)
        result = acs.order(Order("call", None, {"name": "up", "inputs": {"version": "2.1.0"}}))
        assert [each["state"] for each in result.data["body"]["devices"]] == ["asked"] * 3

    def test_a_forgotten_device_does_not_hold_a_place_for_ever(self) -> None:
        acs = acs_of(concurrency=1)
        fleet = fleet_of(acs, 2)
        run = call(acs, fleet)
        acs.order(Order("forget", fleet[0].key))
        acs.advance(HOUR)
        assert (state(run, fleet[0]), state(run, fleet[1])) == ("failed", "asked")


class TestOutcomes:
    @pytest.mark.parametrize("code", [9001, 9010, 9016, 9018, 9020])
    def test_a_failed_transfer_is_tried_again_after_the_delay_and_not_more_often_than_said(self, code: int) -> None:
        acs = acs_of(retries=2, retry_after="10m")
        (cpe,) = fleet_of(acs, 1)
        run = call(acs, [cpe])
        instants = []
        while called(acs):
            instants.append(acs.now // MINUTE)
            boots(cpe, downloads(cpe), code=code)
            acs.advance(acs.now + 11 * MINUTE)
        assert instants == [0, 11, 22]
        assert state(run, cpe) == "failed"
        assert run.entries[cpe.key].reason == f"{code} flash"

    def test_an_event_without_a_transfer_complete_ends_nothing(self) -> None:
        acs = acs_of()
        (cpe,) = fleet_of(acs, 1)
        run = call(acs, [cpe])
        key = downloads(cpe)
        assert cpe.session("1 BOOT", "7 TRANSFER COMPLETE", ("M Download", key)) == []
        assert state(run, cpe) == "transferring"

    def test_a_transfer_complete_with_another_key_ends_nothing(self) -> None:
        acs = acs_of()
        (cpe,) = fleet_of(acs, 1)
        run = call(acs, [cpe])
        downloads(cpe)
        boots(cpe, "another")
        assert state(run, cpe) == "transferring"

    def test_a_repeated_transfer_complete_counts_once(self) -> None:
        acs = acs_of(retries=1)
        (cpe,) = fleet_of(acs, 1)
        run = call(acs, [cpe])
        key = downloads(cpe)
        boots(cpe, key, code=9018)
        boots(cpe, key, code=9018)
        assert (state(run, cpe), run.entries[cpe.key].tries) == ("retrying", 1)

    def test_the_old_version_after_the_upgrade_is_a_failure(self) -> None:
        acs = acs_of()
        (cpe,) = fleet_of(acs, 1)
        run = call(acs, [cpe])
        boots(cpe, downloads(cpe), version="2.0.9")
        assert (state(run, cpe), run.entries[cpe.key].reason) == ("failed", "still at 2.0.9 after the upgrade")

    def test_verification_can_be_left_out(self) -> None:
        acs = acs_of(verify="none")
        (cpe,) = fleet_of(acs, 1)
        run = call(acs, [cpe])
        assert boots(cpe, downloads(cpe)) == []
        assert state(run, cpe) == "done"

    def test_a_refused_download_is_a_failed_try(self) -> None:
        acs = acs_of(retries=1, retry_after="1m")
        (cpe,) = fleet_of(acs, 1)
        cpe.answers["Download"] = lambda request: 9004
        run = call(acs, [cpe])
        cpe.session("6 CONNECTION REQUEST")
        assert state(run, cpe) == "retrying"
        del cpe.answers["Download"]
        cpe.answers["Download"] = Cpe(acs).answers["Download"]
        acs.advance(MINUTE)
        boots(cpe, downloads(cpe))
        assert state(run, cpe) == "done"

    def test_a_transfer_complete_that_never_comes_is_a_failed_try(self) -> None:
        acs = acs_of(retries=1, retry_after="1m", timeout="20m")
        (cpe,) = fleet_of(acs, 1)
        run = call(acs, [cpe])
        first = downloads(cpe)
        acs.advance(20 * MINUTE)
        assert (state(run, cpe), run.entries[cpe.key].reason) == ("retrying", "no TransferComplete in time")
        acs.advance(21 * MINUTE)
        second = downloads(cpe)
        assert second != first
        boots(cpe, first)  # The answer to the first try comes late: it is answered, and ends nothing.
        assert state(run, cpe) == "transferring"
        boots(cpe, second)
        assert state(run, cpe) == "done"

    def test_a_try_that_is_given_up_takes_back_its_own_and_nothing_else(self) -> None:
        acs = acs_of(retries=1, retry_after="1m", timeout="20m")
        (cpe,) = fleet_of(acs, 1)
        acs.order(Order("reboot", cpe.key))
        run = call(acs, [cpe])
        acs.advance(20 * MINUTE)
        assert (state(run, cpe), run.entries[cpe.key].reason) == ("retrying", "no answer in time")
        acs.advance(21 * MINUTE)
        assert sorted(kinds(cpe.session("6 CONNECTION REQUEST"))) == ["Download", "Reboot"]

    def test_the_patience_with_a_try_is_its_own(self) -> None:
        acs = acs_of(retries=1, retry_after="1m", timeout="20m")
        (cpe,) = fleet_of(acs, 1)
        run = call(acs, [cpe])
        boots(cpe, downloads(cpe), code=9018)
        acs.advance(MINUTE)
        downloads(cpe)
        acs.advance(20 * MINUTE)
        assert state(run, cpe) == "transferring"
        acs.advance(21 * MINUTE)
        assert state(run, cpe) == "failed"

    def test_a_download_that_is_applied_at_once_is_verified_in_the_same_session(self) -> None:
        acs = acs_of()
        (cpe,) = fleet_of(acs, 1)

        def apply(request: Message) -> dict[str, Any]:
            cpe.version = "2.1.0"
            return {"status": 0, "start_time": "2026-01-01T00:00:00Z", "complete_time": "2026-01-01T00:00:01Z"}

        cpe.answers["Download"] = apply
        run = call(acs, [cpe])
        assert kinds(cpe.session("6 CONNECTION REQUEST")) == ["Download", "GetParameterValues"]
        assert state(run, cpe) == "done"


class TestWindows:
    @pytest.mark.parametrize(
        ("opens", "closes", "now", "expected"),
        [(2, 5, 0, 2), (2, 5, 2, 2), (2, 5, 4, 4), (2, 5, 5, 26), (23, 1, 0, 0), (23, 1, 1, 23), (23, 1, 23, 23)],
    )
    def test_times_of_day(self, opens: int, closes: int, now: int, expected: int) -> None:
        window = Window(opens=TimeOfDay(opens * HOUR), closes=TimeOfDay(closes * HOUR))
        assert next_opening(window, DEFAULT_START, 0, now * HOUR) == expected * HOUR
        shifted = DEFAULT_START + 3 * DAY + HOUR
        assert next_opening(window, shifted, 0, now * HOUR - HOUR) == (expected - 1) * HOUR

    def test_devices_wait_for_the_window(self) -> None:
        acs = acs_of(window="02:00-03:00", concurrency=1)
        fleet = fleet_of(acs, 2)
        call(acs, fleet)
        assert called(acs) == []
        assert acs.next_due() == 2 * HOUR
        acs.advance(2 * HOUR)
        assert called(acs) == ["HG000001"]
        acs.advance(acs.now + 59 * MINUTE)
        called(acs)
        key = downloads(fleet[0])
        acs.advance(3 * HOUR - SECOND)
        acs.advance(acs.now + 2 * SECOND)
        called(acs)
        boots(fleet[0], key)
        assert called(acs) == []
        acs.advance(26 * HOUR)
        assert called(acs) == ["HG000002"]

    def test_who_was_not_begun_with_in_time_is_abandoned(self) -> None:
        acs = acs_of(window="1h", concurrency=1, timeout="3h")
        fleet = fleet_of(acs, 2)
        run = call(acs, fleet)
        key = downloads(fleet[0])
        acs.advance(2 * HOUR)
        boots(fleet[0], key)
        assert [state(run, cpe) for cpe in fleet] == ["done", "abandoned"]


class TestCallsOfActions:
    TUNE = """
        campaigns:
          tune:
            inputs: {ssid: text, on: {type: bool, default: true}}
            concurrency: 1
            then:
              - set: {.WiFi.SSID.1.SSID: "{ssid}", .WiFi.SSID.1.Enable: "{on}"}
              - {add_object: .A., set: {B: 1}}
              - reboot
        """

    def tune(self, size: int) -> tuple[Acs, list[Cpe]]:
        policy, bag = read_policy(self.TUNE, "p")
        assert policy is not None, bag.render()
        acs = Acs(policy)
        return acs, fleet_of(acs, size)

    def test_one_device_after_the_other_is_given_all_of_them(self) -> None:
        acs, fleet = self.tune(2)
        for cpe in fleet:
            assert acs.order(Order("call", cpe.key, {"name": "tune", "inputs": {"ssid": "x"}})).accepted
        assert called(acs) == ["HG000001"]
        asked = fleet[0].session("6 CONNECTION REQUEST")
        assert kinds(asked) == ["SetParameterValues", "AddObject", "SetParameterValues", "Reboot"]
        assert asked[0].settings == {"Device.WiFi.SSID.1.SSID": "x", "Device.WiFi.SSID.1.Enable": "true"}
        assert called(acs) == ["HG000002"]

    def test_a_fault_gives_the_place_to_the_next(self) -> None:
        acs, fleet = self.tune(2)
        fleet[0].answers["AddObject"] = lambda request: 9004
        for cpe in fleet:
            acs.order(Order("call", cpe.key, {"name": "tune", "inputs": {"ssid": "x"}}))
        called(acs)
        fleet[0].session("6 CONNECTION REQUEST")
        assert called(acs) == ["HG000002"]
        (run,) = acs.campaigns.runs.values()
        assert run.entries[fleet[0].key].reason == "AddObject: 9004 refused by the test"

    @pytest.mark.parametrize(
        ("name", "inputs", "reason"),
        [
            ("tun", {}, "the policy 'p' has no call 'tun': did you mean 'tune'?"),
            ("tune", {}, "tune: the input 'ssid' is missing"),
            ("tune", {"sssid": "x", "on": True}, "tune: no input 'sssid': did you mean 'ssid'?"),
            ("tune", {"ssid": "x", "on": 3}, "tune: on is not of type bool: 3"),
            ("tune", {"ssid": ["x"]}, "tune: ssid is not of type text: ['x']"),
        ],
    )
    def test_calls_that_are_refused(self, name: str, inputs: dict[str, Any], reason: str) -> None:
        policy, _ = read_policy(self.TUNE, "p", "p")
        assert policy is not None
        acs = Acs(policy)
        (cpe,) = fleet_of(acs, 1)
        result = acs.order(Order("call", cpe.key, {"name": name, "inputs": inputs}))
        assert (result.accepted, result.reason) == (False, reason)

    def test_firmware_that_is_not_declared(self) -> None:
        acs = acs_of()
        (cpe,) = fleet_of(acs, 1)
        result = acs.order(Order("call", cpe.key, {"name": "up", "inputs": {"version": "3.0"}}))
        assert result.reason == "up: no firmware '3.0' is declared: declared are: 2.1.0, 2.2.0"
