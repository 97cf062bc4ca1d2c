"""Claims: what they become, whom they are about where nothing is said, and which clauses they need."""

from __future__ import annotations

from typing import Any

import pytest
from lab import codes, problems, timeline

from cpescript.language import timeline as tl
from cpescript.pattern import expression as px

SPAWN = "spawn 3 of hg100 as fleet\n"


def step(text: str, before: str = SPAWN) -> Any:
    found = [each for each in timeline(before + text + "\nwait 1s\n").body if isinstance(each, (tl.Expect, tl.Monitor))]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("text", "quantifier", "target"),
    [
        ("expect Inform on fleet within 1m", "each", px.Cohort),
        ("expect Inform on any fleet within 1m", "any", px.Cohort),
        ("expect Inform on at least 95% of fleet within 1m", "at least", px.Cohort),
        ("expect Inform within 1m", "each", px.All),
        ("never Fault", "any", px.All),
        ("sometimes Fault", "any", px.All),
        ("always registered on fleet", "each", px.Cohort),
        ("always at most 20 of all updating", "at most", px.All),
        ("check count(Download) <= 3", "across", px.All),
        ("check count(Download) <= 3 on each fleet", "each", px.Cohort),
        ("check rate(Request) <= 60 per 1h across fleet", "across", px.Cohort),
        ("check elapsed < 6h", "across", type(None)),
    ],
)
def test_whom_a_claim_is_about(text: str, quantifier: str, target: type) -> None:
    found = step(text)
    assert found.quantifier.kind == quantifier
    assert isinstance(found.on, target)


def test_in_a_loop_a_claim_is_about_its_device() -> None:
    body = timeline(SPAWN + "for d in fleet:\n    expect Inform within 1m\n").body[1].body  # type: ignore[attr-defined]
    assert isinstance(body[0].on, px.Device)


def test_abbreviations_become_full_names() -> None:
    claim = step("expect SPV Device.ManagementServer.PeriodicInformInterval = 300 on fleet within 1m").claim
    assert claim.pattern.kind == "SetParameterValues"
    assert claim.pattern.kinds == {"SetParameterValues"}
    (setting,) = claim.pattern.settings
    assert str(setting.path) == "Device.ManagementServer.PeriodicInformInterval"
    assert setting.value.value == 300


def test_request_stands_for_whatever_an_acs_asks() -> None:
    kinds = step("expect Request on fleet within 1m").claim.pattern.kinds
    assert {"SetParameterValues", "Reboot", "Download"} <= kinds
    assert not kinds & {"Inform", "InformResponse", "SetParameterValuesResponse"}


@pytest.mark.parametrize(
    "text", ["expect each fleet offline", "expect offline on each fleet", "expect offline on fleet"]
)
def test_a_state_may_stand_before_or_behind_its_devices(text: str) -> None:
    found = step(text)
    assert (found.claim.state, found.claim.negated, found.quantifier.kind) == ("offline", False, "each")


@pytest.mark.parametrize("text", ["expect each fleet not in session", "expect not in session on fleet"])
def test_a_state_may_be_denied(text: str) -> None:
    found = step(text).claim
    assert (found.state, found.negated) == ("in session", True)


def test_a_rate_carries_its_window() -> None:
    found = step("check rate(Request) <= 60 per 1h on fleet").claim
    assert found.figure
    assert [pattern.kind for pattern in found.patterns] == ["Request"]
    call = found.expression.left
    assert (call.function, str(call.arguments[1].value)) == ("rate", "1h")


def test_a_value_claim_lists_what_it_reads() -> None:
    found = step("expect Device.DeviceInfo.UpTime > 3 or Device.NAT. exists on fleet within 1m").claim
    assert [str(parameter.path) for parameter in found.parameters] == ["Device.DeviceInfo.UpTime", "Device.NAT."]
    assert not found.figure


def test_unless_is_about_the_same_device_until_it_says_otherwise() -> None:
    alone = step("expect registered on fleet within 1h unless Fault")
    assert alone.unless[1] is None
    other = step("expect registered on fleet within 1h unless Fault on fleet[1]")
    assert isinstance(other.unless[1], px.Slice)
    assert isinstance(other.on, px.Cohort)


def test_a_block_keeps_the_order_and_the_captures_of_its_lines() -> None:
    found = step(
        "expect in order on fleet within 1h:\n    Download as dl\n"
        "    TransferComplete where command_key == dl.command_key\n    registered"
    )
    assert found.claim.kind == "in order"
    assert [type(claim).__name__ for claim in found.claim.claims] == ["MessageClaim", "MessageClaim", "StateClaim"]
    assert found.claim.claims[0].capture == "dl"


def test_every_claim_has_a_number_of_its_own() -> None:
    body = timeline(SPAWN + "never Fault\nexpect Inform within 1m\nfor d in fleet:\n    check Inform within 1m\n").body
    numbers = [body[1].identity, body[2].identity, body[3].body[0].identity]  # type: ignore[attr-defined]
    assert len(set(numbers)) == 3


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("expect Inform on fleet", "no-deadline", "Inform"),
        ("wait until registered on fleet", "no-deadline", "registered"),
        ("expect no Fault on fleet", "no-length", "no Fault"),
        ("expect no Fault on fleet within 1h", "no-length", "within 1h"),
        ("expect Inform on fleet for 1h", "wrong-clause", "for 1h"),
        ("expect registered on fleet since start", "wrong-clause", "since start"),
        ("always Inform on fleet\nwait 1s", "no-event", "Inform"),
        ("never no Inform on fleet\nwait 1s", "no-event", "no Inform"),
        ("always registered on fleet", "idle", "always registered on fleet"),
        ("expect 10% of fleet registered", "draw-in-claim", "10% of fleet"),
        ("expect Inform on 2 of fleet within 1m", "draw-in-claim", "2 of fleet"),
        ("expect fleet", "no-state", "fleet"),
        ("expect each fleet registered on fleet", "doubled-devices", "on fleet"),
        ("expect Device.DeviceInfo.UpTime = 3 on fleet within 1m", "single-equals", "Device.DeviceInfo.UpTime = 3"),
        ("expect Device.DeviceInfo.UpTime on fleet within 1m", "no-claim", "Device.DeviceInfo.UpTime"),
        ("expect no Fault on fleet for 1h as f", "no-message", "f"),
        ("expect Inform on fleet within 1m within 2m", "doubled", "within 2m"),
        ("expect GPV on fleet within 1m since seen", "unknown-name", "seen"),
        ("expect Inform on fleet within 1m unless Fault on any fleet", "quantifier", "Fault on any fleet"),
    ],
)
def test_a_claim_that_makes_no_sense_is_told_so(text: str, code: str, where: str) -> None:
    assert [(found, spot) for found, spot, _, _ in problems(SPAWN + text + "\n")] == [(code, where)]


def test_counts_are_judged_on_the_spot_or_in_a_window() -> None:
    assert (
        codes(SPAWN + "check exactly 2 Download on each fleet\ncheck at most 2 Download on each fleet within 1h\n")
        == []
    )
