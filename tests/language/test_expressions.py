"""Names and types of expressions: what a scenario may say, and what it is told otherwise."""

from __future__ import annotations

import pytest
from lab import codes, problems, timeline

from cpescript.kernel.time import HOUR, MINUTE, Duration, Instant, Percent, Size
from cpescript.language import timeline as tl
from cpescript.pattern import expression as px

SPAWN = "spawn 3 of hg100 as fleet\n"
EXPECT = "expect Inform on fleet within 1m\n"


def let(text: str, before: str = "") -> object:
    """Return what `let x = text` becomes: a plain value if it is constant, else its node."""
    steps = timeline(f'{before}{SPAWN}let x = {text}\nnote "{{x}}"\n{EXPECT}').body
    (step,) = (step for step in steps if isinstance(step, tl.Let))
    return step.value.value if isinstance(step.value, px.Literal_) else step.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("7 / 2", 3.5),
        ("90s + 1h", Duration(HOUR + MINUTE + 30 * 10**9)),
        ("1h30m / 2", Duration(45 * MINUTE)),
        ("2 * 8MiB", Size(16 << 20)),
        ("2026-01-01T01:00:00Z - 2026-01-01T00:00:00Z", Duration(HOUR)),
        ("2026-01-01T00:00:00Z + 1h", Instant(1_767_229_200 * 10**9)),
        ("10%", Percent(10)),
        ('"a" + "b"', "ab"),
        ('"v{1 + 1:03}-{"', None),
        ('"a" if 1 < 2 else "b"', "a"),
        ('len("abc") + count([1, 2])', 5),
        ('"abc" matches "a.c" and not ("b" in ["a"])', True),
        ("3 between 1 and 3", True),
        ('"" is empty', True),
        ('r"\\d"', "\\d"),
        ('"{{{1}}}"', "{1}"),
        ('"\\t\\"\\\\"', '\t"\\'),
    ],
)
def test_what_is_constant_is_worked_out(text: str, expected: object) -> None:
    if expected is None:
        assert "open-brace" in codes(f'{SPAWN}let x = {text}\nnote "{{x}}"\n{EXPECT}')
        return
    found = let(text)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    "text",
    [
        "elapsed",
        "now + 5m",
        "pick([1, 2])",
        "random(1m, 2m)",
        "count(Download) + 1",
        "Device.DeviceInfo.UpTime of fleet[1]",
    ],
)
def test_what_changes_while_running_is_left(text: str) -> None:
    assert isinstance(let(text), px.Node)


def test_a_loop_over_devices_knows_its_device() -> None:
    assert (
        codes(SPAWN + 'for d in fleet:\n    note "{d.serial} {device.index} {Device.DeviceInfo.UpTime}"\n' + EXPECT)
        == []
    )
    assert codes(SPAWN + 'for d in ["a"]:\n    note "{device.index}"\n' + EXPECT) == ["no-device"]


def test_a_field_of_the_message_comes_before_a_name() -> None:
    text = 'let url = "x"\n' + SPAWN + "expect Download where url == url on fleet within 1m\n"
    step = timeline(text + 'note "{url}"\n').body[2]
    assert isinstance(step, tl.Expect)
    assert isinstance(step.claim, tl.MessageClaim)
    where = step.claim.pattern.where
    assert isinstance(where, px.Binary)
    assert where.left == px.Field(where.left.span, ("url",))


@pytest.mark.parametrize(
    ("condition", "late"),
    [
        ('url == "x"', False),
        ("url == target", False),
        ("url == held", True),
        ("url == device.serial", False),
        ("file_size > Device.DeviceInfo.UpTime", False),
        ("http.status == 200", False),
    ],
)
def test_a_pattern_says_whether_it_names_what_is_bound_while_running(condition: str, late: bool) -> None:
    text = (
        'param target = "t"\n'
        + SPAWN
        + f'let held = "{{elapsed}}"\nexpect Download where {condition} on fleet within 1m\n'
    )
    step = timeline(text + 'note "{held}{target}"\n').body[2]
    assert isinstance(step, tl.Expect)
    assert isinstance(step.claim, tl.MessageClaim)
    assert bool(step.claim.pattern.late) is late


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("wait 30", "missing-unit", "30"),
        ("wait 3 * 5", "missing-unit", "3 * 5"),
        ("if elapsed > 5:\n    wait 1s", "wrong-type", "elapsed > 5"),
        ('let x = "a" + 1\nnote "{x}"', "wrong-type", '"a" + 1'),
        ("let x = 1s < true\nnote x", "wrong-type", "1s < true"),
        ("let x = not 3\nnote x", "wrong-type", "3"),
        ("let x = 3 -1\nnote x", "minus", "-"),
        ("let x = len()\nnote x", "arguments", "len()"),
        ("let x = lower(3)\nnote x", "wrong-type", "3"),
        ("let x = lower(Download)\nnote x", "wrong-type", "Download"),
        ('let x = min(a: 1)\nnote "{x}"', "arguments", "a"),
        ("let x = 60 per 1h\nnote x", "rate", "60 per 1h"),
        ("let x = fleet.serial\nnote x", "many-devices", "fleet.serial"),
        ('note "{1 / 0}"', "no-value", "1 / 0"),
        ("reboot fleet where 3", "wrong-type", "3"),
        ("reboot fleet[0]", "bad-slice", "0"),
        ("reboot 1.5 of fleet", "wrong-type", "1.5"),
    ],
)
def test_a_mistake_has_its_code_and_its_place(text: str, code: str, where: str) -> None:
    if code == "no-value":
        from lab import LAB, load_text

        program, _ = load_text(SPAWN + text + "\n" + EXPECT, "x.cpes", LAB)
        assert program is not None
        assert [item.code for item in program.cases()[1]] == ["no-value"]
        return
    assert [(found, spot) for found, spot, _, _ in problems(SPAWN + text + "\n" + EXPECT)] == [(code, where)]


@pytest.mark.parametrize(
    ("claim", "fine"),
    [
        ('Device.ManagementServer.PeriodicInformInterval == "300"', True),
        ('Device.ManagementServer.PeriodicInformInterval == "often"', False),
        ("Device.ManagementServer.PeriodicInformInterval == 5m", False),
        ("Device.ManagementServer.PeriodicInformEnable == 1", True),
        ('Device.ManagementServer.PeriodicInformEnable == "yes"', False),
        ("Device.DeviceInfo.SoftwareVersion == 2", True),
        ("Device.DeviceInfo.FirstUseDate > 2026-01-01T00:00:00Z", True),
        ("Device.WiFi.SSID.*.Enable contains true", True),
        ("Device.WiFi.SSID.*.Enable == true", True),
        ('Device.WiFi.SSID.*.Enable == "yes"', False),
        ("Device.WiFi.Radio.*.Channel between 1 and 11", True),
        ("Device.WiFi.Radio.*.Channel == 5m", False),
        ("count(Device.WiFi.SSID.*.Enable) == 2", True),
        ('Device.WiFi. starts with "x"', False),
        ("Device.WiFi.SSID.99.Enable == true", True),
    ],
)
def test_a_parameter_is_compared_by_its_declared_type(claim: str, fine: bool) -> None:
    assert codes(f"{SPAWN}expect {claim} on each fleet within 1m\n") == ([] if fine else ["wrong-type"])


def test_a_path_is_asked_of_the_profiles_of_its_cohort() -> None:
    text = SPAWN + "spawn 1 of small as other\n"
    claim = "expect Device.WiFi.SSID.1.Enable == true on {} within 1m\n"
    assert codes(text + claim.format("fleet")) == []
    assert codes(text + claim.format("other")) == ["unknown-path"]
    assert codes(text + claim.format("fleet, other")) == []
    assert codes(text + "let x = other[1]\n" + claim.format("x")) == ["unknown-path"]
