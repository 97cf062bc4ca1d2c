"""The catalogue of this installation, made from the project's own tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpescript.cwmp.rpcs import ABBREVIATIONS, MESSAGES
from cpescript.device.states import STATES
from cpescript.diagnostics import Span
from cpescript.language.catalogue import Standard, standard_catalogue
from cpescript.language.expressions import FUNCTIONS
from cpescript.language.types import PARAM_TYPES
from cpescript.pattern.evaluate import Scope, evaluate
from cpescript.pattern.expression import Call, ListNode, Literal_
from cpescript.quirks import catalogue

KNOWN = standard_catalogue()
HERE = Span("x", 1, 1, 1, 2)


def test_every_message_and_every_abbreviation_is_known() -> None:
    assert set(KNOWN.messages) >= set(MESSAGES) | set(ABBREVIATIONS)
    assert KNOWN.messages["SPV"] is KNOWN.messages["SetParameterValues"]
    types = {*PARAM_TYPES, "any"}
    assert all(type_ in types for message in KNOWN.messages.values() for type_ in message.fields.values())


def test_what_a_device_answers_is_what_an_acs_asks() -> None:
    asked = {name for name, message in KNOWN.messages.items() if message.asked}
    assert {"SPV", "Reboot", "Download", "Request", "GetRPCMethods"} <= asked
    assert not asked & {"Inform", "InformResponse", "TransferComplete", "Fault", "Response"}


def test_every_quirk_is_known_with_its_parameters() -> None:
    assert set(KNOWN.quirks) == set(catalogue())
    for name, quirk in catalogue().items():
        assert list(KNOWN.quirks[name].parameters) == [parameter.name for parameter in quirk.parameters]


def test_a_quirk_says_what_else_it_refuses() -> None:
    assert KNOWN.quirks["transfer-fault"].refusal({"code": 9018}) == ""
    assert "3" in KNOWN.quirks["transfer-fault"].refusal({"code": 3})


def test_states_are_those_of_devices() -> None:
    assert list(KNOWN.states) == list(STATES)


def test_a_profile_is_found_beside_the_file_upwards_and_among_those_that_ship(tmp_path: Path) -> None:
    shipped, bag = KNOWN.profile("hg100", tmp_path, None)
    assert shipped is not None
    assert not bag.failed
    assert KNOWN.profile("nothing", tmp_path, None)[0] is None
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "mine.yaml").write_text("parameters: [broken\n")
    schema, bag = KNOWN.profile("mine", deep, None)
    assert schema is None
    assert bag.failed
    assert KNOWN.profile("any", tmp_path, "profiles/mine.yaml")[1].failed
    assert "mine" in KNOWN.profile_names(tmp_path)


def test_a_profile_is_loaded_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first, _ = Standard().profile("hg100", tmp_path, None)
    assert Standard().profile("hg100", tmp_path, None)[0] is first


@pytest.mark.parametrize(
    "name",
    sorted(
        set(FUNCTIONS) - {"count", "rate", "response_time", "now", "elapsed", "pick", "random", "csv", "json", "file"}
    ),
)
def test_every_function_can_be_worked_out(name: str) -> None:
    argument = Literal_(HERE, "abc") if FUNCTIONS[name][0] == ("text",) else ListNode(HERE, (Literal_(HERE, 1),))
    assert evaluate(Call(HERE, name, (argument,)), Scope(None)) is not None  # type: ignore[arg-type]
