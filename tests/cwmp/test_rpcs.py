"""The catalogue: names, fields, and what claims can ask of a message."""

from __future__ import annotations

import pytest

from cpescript.cwmp.message import CLASSES, Event, Message, ParameterValue
from cpescript.cwmp.rpcs import ABBREVIATIONS, CHOICES, MESSAGES, RPCS, STRUCTURES, flat_fields, snake_case


@pytest.mark.parametrize(
    ("element", "name"),
    [
        ("SuccessURL", "success_url"),
        ("OUI", "oui"),
        ("VoucherSN", "voucher_sn"),
        ("ExecutionEnvRef", "execution_env_ref"),
        ("NextLevel", "next_level"),
    ],
)
def test_fields_are_elements_in_snake_case(element: str, name: str) -> None:
    assert snake_case(element) == name


def test_every_call_has_its_response() -> None:
    assert set(MESSAGES) == set(RPCS) | {f"{name}Response" for name in RPCS} | {"Fault"}


def test_classes_have_the_members_of_their_structures() -> None:
    for name, cls in CLASSES.items():
        members = [field.name for field in flat_fields(STRUCTURES[name].fields)]
        if name == "ParameterValueStruct":
            members.append("type")
        if name == "SetParameterValuesFault":
            members = ["name", "code", "string"]
        if name == "EventStruct":
            members = ["code", "command_key"]
        assert list(cls._fields) == members
    flat = {name for name, structure in STRUCTURES.items() if structure.flat}
    assert set(CLASSES) == set(STRUCTURES) - flat
    assert {name for names in CHOICES.values() for name in names} <= set(CLASSES)


def test_abbreviations_stand_for_messages() -> None:
    assert ABBREVIATIONS["SPV"] == "SetParameterValues"
    assert set(ABBREVIATIONS.values()) <= set(MESSAGES)


def test_fields_that_a_claim_can_ask_for_have_types() -> None:
    assert MESSAGES["Download"].names["file_size"] == "unsignedInt"
    assert MESSAGES["Inform"].names["serial_number"] == "string"
    assert MESSAGES["Inform"].names["events"] == "list"
    assert MESSAGES["TransferComplete"].names["fault_code"] == "unsignedInt"


def test_a_message_tells_its_paths_and_settings() -> None:
    values = (ParameterValue("Device.A", "1", "int"), ParameterValue("Device.B", "x"))
    spv = Message("SetParameterValues", {"parameter_list": values, "parameter_key": "k"})
    assert spv.paths == ("Device.A", "Device.B")
    assert spv.settings == {"Device.A": "1", "Device.B": "x"}
    assert (spv.type_of("Device.A"), spv.type_of("Device.C")) == ("int", None)
    assert Message("GetParameterNames", {"parameter_path": "Device.", "next_level": True}).paths == ("Device.",)
    assert Message("AddObject", {"object_name": "Device.T.", "parameter_key": ""}).paths == ("Device.T.",)
    assert Message("GetParameterValues", {"parameter_names": ("A", "B.")}).paths == ("A", "B.")
    assert Message("Reboot", {"command_key": ""}).paths == ()


def test_a_message_tells_its_fields() -> None:
    inform = Message("Inform", {"event": (Event("1 BOOT"), Event("M Reboot", "k"))})
    assert inform.field("events") == ("1 BOOT", "M Reboot")
    with pytest.raises(KeyError):
        inform.field("url")
