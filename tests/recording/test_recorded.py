"""A recording of real devices is judged: what the scenario does is found in it, and what cannot be known is not
judged."""

from __future__ import annotations

import re

import pytest

from cpescript import libraries
from cpescript.kernel.time import MINUTE
from cpescript.recording.calls import cause_of

DAY = """
limit 2d
spawn 1 of hg100 as cpe
wait 10m
reboot cpe
wait 10m
set Device.DeviceInfo.ProvisioningCode = "GOLD" on cpe
wait 10m
factory-reset cpe
wait 40m
"""
"""What happened in the lab. Boots come 40 s behind what caused them."""

SPREAD = """
limit 2d
spawn 3 of hg100 as fleet over 3h
wait 4h
reboot fleet over 2h
wait 4h
"""
"""Three devices that come, and boot again, each in its own time."""


@pytest.fixture
def judged(tmp_path, cpescript):
    def judge(recording, text, *words):
        path = tmp_path / "case.cpes"
        path.write_text(text)
        status, out, err = cpescript("judge", path, "--trace", recording, *words)
        return status, " ".join(out.split()), err

    return judge


@pytest.fixture
def lab(recorded):
    return recorded(DAY, policy=libraries.find("scenarios", "value_change").with_suffix(".yaml"))


# --- a draft of a recording is a scenario for it ----------------------------------------------------------------------


def test_a_draft_of_a_recording_passes_it(lab, cpescript):
    assert cpescript("draft", lab)[0] == 0
    status, out, err = cpescript("judge", lab.with_suffix(".cpes"), "--trace", lab, "--strict")
    assert (status, err) == (0, "")
    assert "4 claims met" in out
    assert "judged from a recording: cpe[1] is recorded[1]" in out


def lines_of(path, *marks):
    """Return the number of the line that stands below each mark's last line before it."""
    text = path.read_text().splitlines()
    return [1 + next(number for number, line in enumerate(text) if mark in line) for mark in marks]


@pytest.mark.parametrize(
    ("session", "mark"),
    [(1, "PeriodicInformInterval = 300"), (lambda t: t > 19 * MINUTE, "PeriodicInformInterval = 60")],
)
def test_an_acs_that_does_less_fails_on_the_line(session, mark, recorded, lab, cpescript):
    draft = lab.with_suffix(".cpes")
    assert cpescript("draft", lab)[0] == 0

    def less(record):
        here = record["session"] == session if session == 1 else session(record["t"])
        return None if here and record["kind"].startswith("SetParameterValues") else record

    policy = libraries.find("scenarios", "value_change").with_suffix(".yaml")
    status, out, _ = cpescript("judge", draft, "--trace", recorded(DAY, less, policy=policy))
    [line] = lines_of(draft, mark)
    assert status == 1
    assert f"line {line}: 0 of 1 device met it within 1m" in out
    assert "no SetParameterValues came" in out


def test_an_acs_that_asks_something_else_fails_on_the_line(recorded, lab, cpescript):
    draft = lab.with_suffix(".cpes")
    assert cpescript("draft", lab)[0] == 0

    def other(record):
        return {**record, "body": record["body"] and re.sub(r">60</Value>", ">61</Value>", record["body"])}

    policy = libraries.find("scenarios", "value_change").with_suffix(".yaml")
    changed = recorded(DAY, lambda record: other(record) if "body" in record else record, policy=policy)
    status, out, _ = cpescript("judge", draft, "--trace", changed)
    [line] = lines_of(draft, "PeriodicInformInterval = 60")
    assert (status, f"line {line}: 0 of 1 device met it" in out) == (1, True)


TWICE = "spawn 1 of hg100 as cpe\nreboot cpe\nreboot cpe\nexpect InformResponse on cpe within 1m\n"


def test_a_device_that_is_asked_for_its_password_has_called_once(recorded, judged, cpescript):
    """A 401 in front of each session: the draft has no more statements than without, and passes."""
    plain = recorded(DAY)
    assert cpescript("draft", plain)[0] == 0
    text = plain.with_suffix(".cpes").read_text()
    lines = []
    for line in plain.read_text().splitlines(keepends=True):
        if '"kind": "Inform"' in line:
            lines += [line, line.replace('"to-acs"', '"from-acs"').replace('"kind": "Inform"', '"kind": "HttpError"')]
        lines.append(line)
    plain.write_text("".join(lines))
    assert cpescript("draft", plain, "--force")[0] == 0
    assert plain.with_suffix(".cpes").read_text() == text
    assert cpescript("judge", plain.with_suffix(".cpes"), "--trace", plain)[0] == 0
    assert judged(plain, TWICE)[0] == 3, "nor has it booted twice"


def test_a_session_that_is_begun_anew_is_one_call(recorded, judged):
    boots = []

    def again(record):
        if record["kind"] == "Inform" and (boots or (">1 BOOT<" in record["body"] and record["t"] > MINUTE)):
            boots.append(record["body"])
            if len(boots) == 2:
                return {**record, "body": boots[0].replace("<RetryCount>0<", "<RetryCount>1<")}
        return record

    assert judged(recorded(DAY, again), TWICE)[0] == 3
    assert "<RetryCount>0<" in boots[0]


def test_a_draft_says_by_which_event_a_device_called(recorded, cpescript):
    """Quiet periodic sessions come between: a draft does not mention them."""

    def diagnosed(record):
        body = record.get("body")
        return {**record, "body": body.replace("4 VALUE CHANGE", "8 DIAGNOSTICS COMPLETE")} if body else record

    policy = libraries.find("scenarios", "value_change").with_suffix(".yaml")
    recording = recorded(DAY, diagnosed, policy=policy)
    assert cpescript("draft", recording)[0] == 0
    assert 'inform cpe event "8 DIAGNOSTICS COMPLETE"\n    expect SPV' in recording.with_suffix(".cpes").read_text()
    assert cpescript("judge", recording.with_suffix(".cpes"), "--trace", recording)[0] == 0


def test_who_is_registered_is_read_from_how_sessions_end(recorded, judged):
    text = "spawn 1 of hg100 as cpe\nreboot cpe\nexpect each cpe registered within 1m\n"
    assert judged(recorded(DAY), text)[0] == 0

    def cut(record):
        ended = record["kind"] == "SessionEnd" and 10 * MINUTE < record["t"] < 11 * MINUTE
        return {**record, "data": {"outcome": "cut"}} if ended else record

    assert judged(recorded(DAY, cut), text)[0] == 1


# --- each verdict can be had ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "status", "told"),
    [
        ("expect SPV on cpe within 1m", 0, "1 claim met"),
        ("expect SPV on cpe within 1m\nexpect Download on cpe within 1m", 1, "line 3: 0 of 1 device met it"),
        ("never Download on cpe\nwait 1h", 0, "1 claim met"),
        ("never SPV on cpe where device.index == 1\nwait 1h", 1, "line 2:"),
        ("sometimes SPV on cpe\nwait 1h", 0, ""),
        ("sometimes Download on cpe\nwait 1h", 1, "line 2:"),
        ("wait until each cpe registered within 1m\ncheck no SPV on cpe for 5m", 0, ""),
        ("expect Inform on cpe within 1m\ncheck no SPV on cpe for 5m", 1, "broke it"),
        ("reboot cpe\nexpect InformResponse on cpe within 1s\ncheck exactly 1 SPV on cpe within 5m", 1, "line 4:"),
        ("reboot cpe\nexpect InformResponse on cpe within 1s\ncheck no SPV on cpe for 5m", 0, ""),
        ("reboot cpe\nexpect each cpe registered within 1m", 0, ""),
        ('set Device.DeviceInfo.ProvisioningCode = "GOLD" on cpe\nexpect SPV on cpe within 1m', 0, ""),
        ("inform cpe\nexpect InformResponse on cpe within 1m", 0, ""),
        ('inform cpe event "4 VALUE CHANGE"\nexpect SPV on cpe within 1m', 0, ""),
        ("power-cycle cpe for 1m\nexpect InformResponse where request.serial_number != device.serial on cpe within 1m",
         1, "line 3:"),
        ("wait 35m\ncheck exactly 2 SPV on cpe", 1, "line 3:"),
        ("wait 35m\ncheck exactly 3 SPV on cpe", 0, ""),
        ("wait 35m\nexpect SPV on cpe within 5m", 1, "line 3:"),
        ("reboot cpe\nnever InformResponse on cpe\nwait 1m", 1, "line 3:"),
        ("reboot cpe\nnever SPV on cpe\nwait 1m", 0, ""),
        ("if count(SPV) == 0:\n    expect SPV on cpe within 1m", 0, ""),
        ("on first SPV of cpe:\n    check no Fault on device for 4m\nwait 40m", 0, ""),
        ("on first SPV of cpe:\n    check no Inform on device for 30m\nwait 40m", 1, "line 3:"),
        ("parallel:\n    expect SPV on cpe within 1m\n    expect InformResponse on cpe within 1m\n"
         "reboot cpe\nexpect InformResponse on cpe within 1s", 0, "3 claims met"),
    ],
)  # fmt: skip
def test_claims_are_judged(claims, status, told, recorded, judged):
    policy = libraries.find("scenarios", "value_change").with_suffix(".yaml")
    ended, out, err = judged(recorded(DAY, policy=policy), f"spawn 1 of hg100 as cpe\n{claims}\n")
    assert (ended, err) == (status, ""), out
    assert told in out


@pytest.mark.parametrize(
    ("claims", "line", "why"),
    [
        ("check Device.DeviceInfo.ProvisioningCode == \"\" on cpe", 2, "no values of devices"),
        ("at +30m:\n    check Device.DeviceInfo.ProvisioningCode == \"\" on cpe\nwait 1h", 3, "no values of devices"),
        ("check no SPV where Device.DeviceInfo.ProvisioningCode == \"\" on cpe for 1m", 2, "no values of devices"),
        ("wait until cpe offline within 1m", 2, "only who is 'registered'"),
        ("never SPV on cpe where updating\nwait 1h", 2, "only who is 'registered'"),
        ("expect each cpe registered for 1m", 2, "only who is 'registered'"),
        ("expect acs sees Device.DeviceInfo.ProvisioningCode == \"\" on cpe within 1m", 2, "nobody asked 'acs'"),
        ("never ConnectionRequest on cpe\nwait 1h", 2, "could not see a ConnectionRequest"),
        ("acs reboot cpe\nexpect Reboot on cpe within 1h", 3, "'acs reboot cpe': a recording does not tell when"),
        ("acs add Device.NAT.PortMapping. on cpe as made\nreboot cpe\n"
         "expect SPV Device.NAT.PortMapping.{made.instance_number}.Enable on cpe within 1h", 4,
         "line 2, which keeps 'made', was not judged"),
        ("power off cpe\nnever SPV on cpe\nwait 1m", 3, "line 2, 'power off cpe', leaves no mark of its own"),
        ("reboot cpe\nreboot cpe\nexpect SPV on cpe within 1m", 4,
         "line 3, 'reboot cpe': the recording has no Inform 1 BOOT of cpe[1] (00D0AA-HG100-HG00000001) behind 00:1"),
        ("parallel:\n    acs reboot cpe\n    expect Inform on cpe within 1m\nexpect Reboot on cpe within 1h", 5,
         "a recording does not tell when"),
        ("check exactly 1 SPV on cpe within 15m\nreboot cpe\nexpect Inform on cpe within 1m", 4, "behind 00:15:00"),
        ('inform cpe event "1 BOOT"\nexpect Inform on cpe within 1m', 3, "has no such Inform of cpe[1]"),
        ("expect SPV where Device.DeviceInfo.ProvisioningCode == \"\" on cpe within 1m as kept\nreboot cpe\n"
         "expect Inform on cpe within 1h since kept", 4, "line 2, which keeps 'kept', was not judged"),
        ("on first SPV where Device.DeviceInfo.ProvisioningCode == \"\" of cpe:\n    check no Fault on cpe for 1m\n"
         "wait 1h", 2, "no values of devices"),
        ("if count(cpe where offline) > 0:\n    note \"x\"\nexpect Download on cpe within 1m", 2, "only who is"),
        ("on every SPV of cpe:\n    answer fault 9003\nexpect SPV on cpe within 1m", 2, "answered for themselves"),
        ("if count(cpe where offline) > 0:\n    expect SPV on cpe within 1m", 2, "only who is 'registered'"),
        ("reboot cpe where Device.DeviceInfo.ProvisioningCode == \"\"\nexpect SPV on cpe within 1m", 2, "no values"),
        ("inject quirk slow-cpe on cpe\nexpect SPV on cpe within 1m", 3, "leaves no mark of its own"),
    ],
)  # fmt: skip
def test_what_cannot_be_known_is_told_by_its_line(claims, line, why, recorded, judged):
    status, out, _ = judged(recorded(DAY), f"spawn 1 of hg100 as cpe\n{claims}\n")
    assert status == 3, out
    assert f"case.cpes:{line}:" in out
    assert "not judged: " in out
    assert why in out


def test_an_action_that_is_found_ends_what_was_lost(recorded, judged):
    text = "spawn 1 of hg100 as cpe\nacs reboot cpe\nreboot cpe\nexpect {} on cpe within 1m\n"
    assert judged(recorded(DAY), text.format("InformResponse"))[0] == 0
    assert judged(recorded(DAY), text.format("Download"))[0] == 1


def test_devices_that_come_behind_an_order_have_a_beginning_of_their_own(recorded, judged):
    text = "spawn 1 of hg100 as one\nacs reboot one\nspawn 1 of hg100 as other\nexpect {} on other within 1m\n"
    assert judged(recorded(SPREAD), text.format("SPV"))[0] == 0
    assert judged(recorded(SPREAD), text.format("Download"))[0] == 1


def test_a_wait_begins_when_the_last_has_come(recorded, judged):
    text = "spawn 3 of hg100 as fleet\nwait {}\ncheck at least 1 SPV on each fleet\n"
    assert judged(recorded(SPREAD), text.format("5m"))[0] == 0


def test_what_is_missed_fails_whatever_was_passed_over(recorded, judged):
    text = "spawn 1 of hg100 as cpe\nnever SPV on cpe\nacs reboot cpe\nexpect Reboot on cpe within 1h\nwait 1h\n"
    assert judged(recorded(DAY), text)[0] == 1


def test_a_recording_says_nothing_of_what_comes_behind_its_end(recorded, judged):
    text = "spawn 1 of hg100 as cpe\nnever Download on cpe\nwait {}\n"
    recording = recorded(DAY, ends=90 * MINUTE)
    assert judged(recording, text.format("80m"))[0] == 0
    status, out, _ = judged(recording, text.format("3h"))
    assert (status, "the recording ends at 01:30:00, before the scenario does" in out) == (3, True)
    status, out, _ = judged(recording, "spawn 1 of hg100 as cpe\nexpect Download on cpe within 2h\n")
    assert status == 3, out


# --- several devices --------------------------------------------------------------------------------------------------

MANY = """
spawn 3 of hg100 as fleet
never Download on fleet
expect SPV Device.ManagementServer.PeriodicInformInterval = 300 on each fleet within 1m
check no SPV on each fleet for 30m
reboot fleet
expect Inform where events contains "1 BOOT" on each fleet within 10s
check no SPV on each fleet for 30m
wait 10m
check exactly 1 SPV on each fleet
for each d in fleet:
    inform d event "2 PERIODIC"
    expect InformResponse on d within 1s
    never SPV on d
    wait 10m
"""


def test_each_device_has_its_own_time(recorded, judged):
    status, out, err = judged(recorded(SPREAD), MANY)
    assert (status, err) == (0, ""), out


@pytest.mark.parametrize(
    ("session", "line", "missing"),
    [(1, 4, "SetParameterValues"), (1, 4, "SetParameterValuesResponse")],
)
def test_the_device_that_missed_is_named_alone(session, line, missing, recorded, judged):
    late = 5 * MINUTE

    def change(record):
        mine = record["device"] == "recorded[2]" and record["session"] == session
        return {**record, "t": record["t"] + late} if mine and record["kind"] == missing else record

    if missing.endswith("Response"):
        assert judged(recorded(SPREAD, change), MANY)[0] == 0, "what devices answer is not what was claimed"
        return
    status, out, _ = judged(recorded(SPREAD, lambda record: None if change(record) != record else record), MANY)
    assert status == 1
    assert f"line {line}: " in out
    assert "fleet[2] 00D0AA-HG100-HG00000002 at 01:" in out
    assert "fleet[3] 00D0AA" not in out, "its time has not come"


def test_an_invariant_behind_what_several_did_each_in_its_time(recorded, judged):
    status, out, _ = judged(recorded(SPREAD), "spawn 3 of hg100 as fleet\nreboot fleet\nnever SPV on fleet\nwait 1m\n")
    assert status == 3
    assert "behind line 2, 'reboot fleet' it begins for each device at another instant" in out


def test_silence_begins_behind_what_each_device_met(recorded, judged):
    """The SPV that met the claim before is not within the silence; one that comes again is."""
    text = "spawn 3 of hg100 as fleet\nexpect SPV on each fleet within 1m\ncheck no SPV on each fleet for 20m\n"
    assert judged(recorded(SPREAD), text)[0] == 0

    def again(record):
        mine = record["device"] == "recorded[3]" and record["session"] == 2 and record["kind"] == "InformResponse"
        return {**record, "kind": "SetParameterValues"} if mine else record

    status, out, _ = judged(recorded(SPREAD, again), text)
    assert (status, "line 3: 1 of 3 devices broke it" in out) == (1, True)


def test_a_window_may_lie_in_the_past(recorded, judged):
    """What the second cohort was owed was given long before the first one's last boot."""
    text = (
        'spawn 1 of hg100 as late with:\n    serial "HG00000003"\n'
        "reboot late\nexpect InformResponse on late within 1m\n"
        "spawn 1 of hg100 as early\nexpect {} on early within 1m\n"
    )
    status, out, _ = judged(recorded(SPREAD), text.format("SPV"))
    assert (status, "late[1] is recorded[3], early[1] is recorded[2]" in out) == (0, True), out
    assert judged(recorded(SPREAD), text.format("Download"))[0] == 1


# --- whose devices they are -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spawned", "told"),
    [
        ("spawn 2 of hg100 as fleet",
         "fleet[1] is recorded[1], fleet[2] is recorded[2] remark: nothing was asked about recorded[3]"),
        ('spawn 1 of hg100 as fleet with:\n    serial "HG00000003"', "fleet[1] is recorded[3] remark: nothing"),
        ("spawn 1 of hg100 as one\nspawn 1 of hg100 as fleet", "one[1] is recorded[1], fleet[1] is recorded[2] remark"),
    ],
)  # fmt: skip
def test_which_devices_they_are(spawned, told, recorded, judged):
    status, out, err = judged(recorded(SPREAD), f"{spawned}\nexpect SPV on each fleet within 1m\n")
    assert (status, err) == (0, ""), out
    assert f"judged from a recording: {told}" in out


def test_without_a_serial_number_that_is_known_they_come_in_their_order(recorded, judged):
    text = "spawn 1 of hg100 as one\nspawn 2 of hg100 as fleet\nexpect SPV on each fleet within 1m\n"
    text += 'for d in fleet:\n    note "who: {d.serial}"\n'
    status, out, _ = judged(recorded(SPREAD, serial_prefix="LAB-"), text)
    assert status == 0, out
    assert "one[1] is recorded[1], fleet[1] is recorded[2], fleet[2] is recorded[3]" in out
    assert "who: LAB-HG00000002" in out


def test_a_draft_of_another_device_is_about_that_one(recorded, cpescript):
    recording = recorded(SPREAD)
    assert cpescript("draft", recording, "--device", "recorded[3]")[0] == 0
    status, out, _ = cpescript("judge", recording.with_suffix(".cpes"), "--trace", recording)
    assert (status, "cpe[1] is recorded[3]" in out) == (0, True), out


def test_drafts_of_each_model(recorded, cpescript):
    models = SPREAD + "spawn 2 of ont4 as terminals\nwait 1h\nreboot terminals[1]\nwait 10m\n"
    recording = recorded(models)
    assert cpescript("draft", recording, "--all-models")[0] == 0
    status, out, _ = cpescript("judge", recording.with_suffix(".cpes"), "--trace", recording)
    assert (status, "hg100[1] is recorded[1], ont4[1] is recorded[4]" in out) == (0, True), out


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("spawn 4 of hg100 as fleet\nexpect SPV on each fleet within 1m",
         "case: line 1 makes 4 of 'fleet': the recording has 3 of 00D0AA HG100: 3 left that are hg100 (00D0AA HG100)"),
        ("spawn 1 of ont4 as cpe\nexpect SPV on cpe within 1m", "the recording has 3 of 00D0AA HG100: 0 left that are"),
    ],
)  # fmt: skip
def test_devices_that_are_not_there_are_refused(text, why, recorded, judged):
    status, _, err = judged(recorded(SPREAD), text)
    assert status == 2
    assert why in err
    assert "matched by OUI and product class" in err


@pytest.mark.parametrize(
    ("spawned", "why"),
    [
        ("let many = 2 - 1\n    spawn many of hg100 as fleet", "'many' has no value here"),
        ('let who = "A"\n    spawn 1 of hg100 as fleet with:\n        label half = who', "'who' has no value here"),
        (f'note "x"\n    spawn 1 of hg100 as fleet with:\n        serial "{"x" * 70}"', "must have 1 to 64 characters"),
    ],
)
def test_whose_devices_they_are_is_known_before_the_scenario_begins(spawned, why, recorded, judged):
    status, _, err = judged(recorded(DAY), f'scenario "s":\n    {spawned}\n    expect SPV on each fleet within 1m\n')
    assert status == 2
    assert "s: line 3: it cannot be worked out before the scenario begins" in err
    assert why in err
    assert "write numbers and parameters in it" in err


def test_a_finally_is_as_lost_as_its_scenario(recorded, judged):
    text = "spawn 1 of hg100 as cpe\nacs reboot cpe\nfinally:\n    check exactly 7 SPV on cpe\n"
    status, out, _ = judged(recorded(DAY), text)
    assert (status, "case.cpes:4:" in out, "a recording does not tell when" in out) == (3, True, True), out


def test_scenarios_of_a_file_are_picked_by_name(recorded, judged):
    text = 'scenario "first":\n    spawn 1 of hg100 as cpe\n    expect SPV on cpe within 1m\n'
    text += text.replace("first", "second").replace("SPV", "Download")
    recording = recorded(DAY)
    assert "1 passed, 1 failed" in judged(recording, text)[1]
    assert judged(recording, text, "--only", "first")[0] == 0
    status, _, err = judged(recording, text, "--only", "secnd")
    assert (status, "did you mean 'second'?" in err) == (2, True)


def test_recordings_behind_one_another_are_judged_by_themselves(recorded, judged):
    """Their devices have the same names and are others."""
    recording = recorded(DAY)
    text = recording.read_text()
    recording.write_text(text + text.replace('"kind": "SetParameterValues"', '"kind": "Garbage"'))
    status, out, _ = judged(recording, "spawn 1 of hg100 as cpe\nexpect SPV on cpe within 1m\n")
    assert (status, "2 scenarios: 1 passed, 1 failed" in out) == (1, True), out
    assert out.index("remark: of recording 1 of 2") < out.index("remark: of recording 2 of 2")


def test_a_scenario_that_is_skipped(recorded, judged):
    text = (
        'scenario "later":\n    skip "not now"\n    spawn 9 of hg100 as fleet\n    expect SPV on each fleet within 1m\n'
    )
    status, out, _ = judged(recorded(DAY), text)
    assert (status, "1 skipped" in out) == (0, True), out


@pytest.mark.parametrize(
    ("events", "cause"),
    [
        (("0 BOOTSTRAP", "1 BOOT"), "bootstrap"),
        (("1 BOOT", "4 VALUE CHANGE"), "boot"),
        (("1 BOOT", "M Reboot"), "told"),
        (("1 BOOT", "6 CONNECTION REQUEST"), "called"),
        (("2 PERIODIC", "4 VALUE CHANGE"), "change"),
        (("2 PERIODIC",), "other"),
        ((), "other"),
    ],
)
def test_what_makes_a_device_call(events, cause):
    assert cause_of(events) == cause
