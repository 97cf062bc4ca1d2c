"""What the ACS does of itself: the default policy, and the conditions and actions of rules."""

from __future__ import annotations

import pytest

from cpescript.acs.orders import Order
from cpescript.acs.policy import read_policy
from cpescript.acs.server import Acs
from cpescript.cwmp.message import ParameterValue
from tests.acs.cpe import Cpe, kinds


def acs_of(text: str) -> Acs:
    policy, bag = read_policy(text, "p.yaml")
    assert policy is not None, bag.render()
    return Acs(policy, seed=42)


class TestDefaultPolicy:
    @pytest.fixture
    def acs(self) -> Acs:
        return Acs(seed=42)

    @pytest.mark.parametrize("root", ["Device.", "InternetGatewayDevice."])
    def test_bootstrap_is_answered_by_one_set_below_the_devices_own_root(self, acs: Acs, root: str) -> None:
        cpe = Cpe(acs, root=root)
        (request,) = cpe.session("0 BOOTSTRAP", "1 BOOT")
        assert request.fields["parameter_list"] == (
            ParameterValue(f"{root}ManagementServer.PeriodicInformInterval", "300", "unsignedInt"),
            ParameterValue(f"{root}ManagementServer.ConnectionRequestUsername", "00D0AA-HG000001", "string"),
            ParameterValue(f"{root}ManagementServer.ConnectionRequestPassword", "52859d7dd9bf87c3", "string"),
        )

    def test_credentials_differ_from_device_to_device_and_not_from_run_to_run(self) -> None:
        def passwords(seed: int) -> list[str]:
            acs = Acs(seed=seed)
            sets = [Cpe(acs, serial).session("0 BOOTSTRAP")[0] for serial in ("A1", "A2")]
            return [request.settings["Device.ManagementServer.ConnectionRequestPassword"] for request in sets]

        assert len(set(passwords(1))) == 2
        assert passwords(1) == passwords(1)
        assert not set(passwords(1)) & set(passwords(2))

    @pytest.mark.parametrize("event", ["1 BOOT", "2 PERIODIC", "4 VALUE CHANGE", "6 CONNECTION REQUEST", "X 00D0AA Y"])
    def test_nothing_is_done_at_any_other_inform(self, acs: Acs, event: str) -> None:
        cpe = Cpe(acs)
        cpe.session("0 BOOTSTRAP", "1 BOOT")
        assert cpe.session(event) == []

    def test_a_factory_reset_is_provisioned_again(self, acs: Acs) -> None:
        cpe = Cpe(acs)
        cpe.session("0 BOOTSTRAP", "1 BOOT")
        cpe.parameter_key = ""
        assert kinds(cpe.session("0 BOOTSTRAP", "1 BOOT")) == ["SetParameterValues"]

    def test_a_bootstrap_that_is_repeated_before_it_was_served_is_served_once(self, acs: Acs) -> None:
        cpe = Cpe(acs)
        for _ in range(3):
            cpe.inform("0 BOOTSTRAP")
        assert kinds(cpe.go_on()) == ["SetParameterValues"]

    def test_a_device_that_somebody_else_configured_is_provisioned_once_more(self, acs: Acs) -> None:
        cpe = Cpe(acs)
        cpe.session("0 BOOTSTRAP", "1 BOOT")
        cpe.parameter_key = "somebody else"
        cpe.answers["SetParameterValues"] = lambda request: {"status": 0}  # and it keeps that key
        assert kinds(cpe.session("2 PERIODIC")) == ["SetParameterValues"]
        assert cpe.session("2 PERIODIC") == []

    def test_a_device_that_was_met_first_when_it_was_configured_is_left_alone(self, acs: Acs) -> None:
        cpe = Cpe(acs)
        cpe.parameter_key = "somebody else"
        assert cpe.session("1 BOOT") == []


class TestConditions:
    @pytest.mark.parametrize(
        ("when", "applies"),
        [
            ("{}", True),
            ("{event: [1 BOOT, 2 PERIODIC]}", True),
            ("{event: 4 VALUE CHANGE}", False),
            ("{event: M Reboot}", True),
            ("{oui: 00D0AA, product_class: [HG100, HG200]}", True),
            ("{oui: 00D0AB}", False),
            ("{product_class: HG200}", False),
            ("{serial: 'HG\\d{6}'}", True),
            ("{serial: HG}", False),
            ("{tag: north}", False),
            ("{parameter: {path: .DeviceInfo.SoftwareVersion, is: 2.0.0}}", True),
            ("{parameter: {path: Device.DeviceInfo.SoftwareVersion, is_not: 2.0.0}}", False),
            ("{parameter: {path: .DeviceInfo.SoftwareVersion, matches: '2\\..*'}}", True),
            ("{parameter: {path: .DeviceInfo.SoftwareVersion, one_of: [1.9, 2.0.0]}}", True),
            ("{parameter: {path: .DeviceInfo.UpTime, above: 99}}", True),
            ("{parameter: {path: .DeviceInfo.UpTime, below: 99}}", False),
            ("{parameter: {path: .DeviceInfo.UpTime, is: 0100}}", True),
            ("{parameter: {path: .DeviceInfo.SoftwareVersion, below: 3}}", False),
            ("{parameter: {path: .DeviceInfo.Nowhere, is_not: x}}", False),
            ("{event: 1 BOOT, oui: 00D0AB}", False),
        ],
    )
    def test_when(self, when: str, applies: bool) -> None:
        cpe = Cpe(acs_of(f"rules: [{{when: {when}, then: [reboot]}}]"))
        asked = cpe.session("1 BOOT", ("M Reboot", "k"), DeviceInfo_UpTime="100")
        assert kinds(asked) == (["Reboot"] if applies else [])

    @pytest.mark.parametrize("reported", ["²", "--5", "9" * 5000, "-", "", "ten"])
    @pytest.mark.parametrize("test", ["above: 99", "below: 99", "is: 100"])
    def test_what_is_no_number_of_a_data_model_is_compared_as_none(self, test: str, reported: str) -> None:
        cpe = Cpe(acs_of(f"rules: [{{when: {{parameter: {{path: .DeviceInfo.UpTime, {test}}}}}, then: [reboot]}}]"))
        assert cpe.session("1 BOOT", DeviceInfo_UpTime=reported) == []

    def test_first_is_once_until_the_next_bootstrap(self) -> None:
        cpe = Cpe(acs_of("rules: [{repeat: first, then: [get: .A]}]"))
        events = ["1 BOOT", "2 PERIODIC", "0 BOOTSTRAP", "2 PERIODIC"]
        assert [len(cpe.session(event)) for event in events] == [1, 0, 1, 0]

    def test_tags(self) -> None:
        cpe = Cpe(
            acs_of(
                """
                rules:
                  - {when: {tag: booted}, then: [reboot, untag: booted]}
                  - {when: {event: 1 BOOT}, then: [tag: booted]}
                """
            )
        )
        assert [len(cpe.session(event)) for event in ("1 BOOT", "2 PERIODIC", "2 PERIODIC")] == [0, 1, 0]


class TestActions:
    def test_a_new_object_is_configured_under_the_number_that_the_device_gave_it(self) -> None:
        cpe = Cpe(
            acs_of(
                """
                rules:
                  - then: [add_object: .NAT.PortMapping., reboot]
                  - then: [{add_object: .A., set: {B: "{serial}"}}]
                """
            )
        )
        asked = cpe.session("1 BOOT")
        assert kinds(asked) == ["AddObject", "Reboot", "AddObject", "SetParameterValues"]
        assert asked[-1].fields["parameter_list"] == (ParameterValue("Device.A.7.B", "HG000001", "string"),)

    def test_every_action_is_an_rpc(self) -> None:
        cpe = Cpe(
            acs_of(
                """
                rules:
                  - then:
                      - get: [.A, ".B.{product_class}."]
                      - delete_object: .C.1.
                      - download: {file_type: 3 Vendor Configuration File, url: "http://files.example/{serial}.cfg"}
                      - upload: {file_type: 2 Vendor Log File, url: http://files.example/log}
                      - factory_reset
                """
            )
        )
        asked = cpe.session("1 BOOT")
        # The upload waits for the outcome of the download.
        assert kinds(asked) == ["GetParameterValues", "DeleteObject", "Download", "FactoryReset"]
        assert asked[0].fields["parameter_names"] == ("Device.A", "Device.B.HG100.")
        assert asked[2].fields["url"] == "http://files.example/HG000001.cfg"

    def test_a_value_with_names_has_the_type_of_what_is_filled_in(self) -> None:
        acs = acs_of('campaigns: {tune: {inputs: {n: int}, then: [set: {.A: "{n}", .B: "{n}x", .C: !string "{n}"}]}}')
        cpe = Cpe(acs)
        cpe.session("1 BOOT")
        assert acs.order(Order("call", cpe.key, {"name": "tune", "inputs": {"n": 5}})).accepted
        (request,) = cpe.session("2 PERIODIC")
        assert [value.type for value in request.fields["parameter_list"]] == ["unsignedInt", "string", "string"]
