"""What an ACS does differently since: told once, with the devices; nothing for what is another each time."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cpescript.recording.diff import Act, Behaviour, compare, render
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run


def trace(folder: Path, name: str, scenario: str = "bootstrap_provisioning", **options: object) -> Path:
    path = folder / f"{name}.jsonl"
    run(RunOptions(scenarios=(scenario,), trace=path, **{"seed": 7, **options}))  # type: ignore[arg-type]
    return path


def test_two_runs_of_the_same_acs_do_not_differ(tmp_path, cpescript):
    one, other = trace(tmp_path, "a"), trace(tmp_path, "b", seed=8)
    status, out, _ = cpescript("diff", one, other)
    assert (status, out) == (0, "no difference: the ACS did the same\n")


@pytest.mark.parametrize(
    ("scenario", "defect", "told"),
    [
        ("bootstrap_provisioning", "wrong-interval", "SetParameterValues: says something else (fleet[1], fleet[2]"),
        ("bootstrap_provisioning", "forgets-bootstrap", "SetParameterValues: comes less often"),
        ("periodic_inform", "polls-periodically", "GetParameterValues: comes more often (fleet[1]"),
    ],
)
def test_a_defect_shows(scenario, defect, told, tmp_path, cpescript):
    one, other = trace(tmp_path, "a", scenario), trace(tmp_path, "b", scenario, defects=(defect,))
    status, out, _ = cpescript("diff", one, other)
    assert status == 1
    assert told.replace("comes less often", "") in out
    listed = json.loads(cpescript("diff", one, other, "--json")[1])
    assert not listed["same"]
    assert {"scenario", "what", "kind", "before", "after", "devices"} == set(listed["differences"][0])


def test_keys_and_credentials_of_the_acs_own_do_not_count(tmp_path, cpescript):
    one = trace(tmp_path, "a", "firmware_rollout", params={"size": "2"})
    text = one.read_text()
    keyed = re.sub(r"<CommandKey>[a-z]+-", "<CommandKey>job-", text)
    assert keyed != text
    other = tmp_path / "b.jsonl"
    other.write_text(keyed)
    assert cpescript("diff", one, other)[0] == 0
    other.write_text(text.replace("2.1.0.bin", "2.2.0.bin"))
    assert "url=http://files.example/2.2.0.bin" in cpescript("diff", one, other)[1]


def test_a_value_can_be_ignored(tmp_path, cpescript):
    one, other = trace(tmp_path, "a"), trace(tmp_path, "b", defects=("wrong-interval",))
    assert "PeriodicInformInterval=300" in cpescript("diff", one, other)[1]
    differences = json.loads(cpescript("diff", one, other, "--json", "--ignore", "*.PeriodicInformInterval")[1])
    assert not [each for each in differences["differences"] if each["what"] == "content"]


def behaviour(title: str = "s", **devices: str) -> Behaviour:
    """`fleet1="ab"`: the device did Act("a"), then Act("b"); `A` is an `a` with other contents."""
    return Behaviour(
        title,
        {name: [Act(letter.lower(), (("x", letter),)) for letter in letters] for name, letters in devices.items()},
    )


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("ab", "ab", []),
        ("ab", "a", [("missing", "b", "once", "never")]),
        ("ab", "abb", [("more", "b", "once", "2 times")]),
        ("abb", "ab", [("fewer", "b", "2 times", "once")]),
        ("ab", "Ab", [("content", "a", "x=a", "x=A")]),
        ("ab", "ba", [("order", "a", "a came as number 1", "b came as number 1")]),
    ],
)
def test_kinds_of_difference(old, new, found):
    differences = compare([behaviour(one=old)], [behaviour(one=new)])
    assert [(each.what, each.kind, each.before, each.after) for each in differences] == found


def test_what_many_devices_have_is_told_once():
    devices = {f"d{number}": "ab" for number in range(9)}
    [difference] = compare([behaviour(**devices)], [behaviour(**dict.fromkeys(devices, "a"))])
    assert len(difference.devices) == 9
    assert "(d0, d1, d2, d3, d4 and 4 more)" in render([difference], "a", "b")


def test_devices_and_scenarios_that_are_in_one_trace_only():
    assert [each.what for each in compare([behaviour(a="x", b="x")], [behaviour(a="x")])] == ["device"]
    both = [behaviour("s", a="x"), behaviour("t", a="x")]
    assert [(each.what, each.scenario) for each in compare(both, both[:1])] == [("scenario", "t")]
    assert compare([behaviour("s", a="x")], [behaviour("another name", a="x")]) == []


def test_devices_are_matched_by_who_they_are():
    acts = {"recorded[1]": [Act("Reboot")], "recorded[2]": []}
    old = Behaviour("s", acts, {"recorded[1]": "00D0AA-A-1", "recorded[2]": "00D0AA-A-2"})
    turned = Behaviour("s", {"recorded[1]": [], "recorded[2]": [Act("Reboot")]})
    assert len(compare([old], [turned])) == 2, "by their names, where nothing else is known"
    turned.identities = {"recorded[1]": "00D0AA-A-2", "recorded[2]": "00D0AA-A-1"}
    assert compare([old], [turned]) == []
    turned.identities["recorded[1]"] = "00D0AA-A-3"
    found = compare([old], [turned])
    assert [(each.what, each.devices) for each in found] == [
        ("device", ("recorded[2]",)),
        ("device", ("recorded[1] (00D0AA-A-3)",)),
    ]


def test_what_is_no_trace(tmp_path, cpescript):
    (tmp_path / "x").write_text("hello\n")
    status, _, err = cpescript("diff", tmp_path / "x", tmp_path / "x")
    assert status == 2
    assert "cpescript run --trace" in err


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_an_empty_file_is_no_trace(words, tmp_path, cpescript):
    (tmp_path / "x").write_text("")
    status, out, err = cpescript("diff", tmp_path / "x", tmp_path / "x", *words)
    assert (status, out) == (2, "")
    assert "x: the trace is empty" in err


def test_a_field_that_does_not_count(tmp_path, cpescript):
    (tmp_path / "s.cpes").write_text(
        'firmware "2.1.0" size 1MiB\nspawn 1 of hg100 as cpe\nwait until cpe registered within 5m\n'
        'acs download firmware "2.1.0" on cpe\nexpect Download on cpe within 1h\n'
    )
    cpescript("run", tmp_path / "s.cpes", "--seed", 1, "--trace", tmp_path / "old")
    (tmp_path / "new").write_text((tmp_path / "old").read_text().replace("files.example", "files.isp.example"))
    status, out, _ = cpescript("diff", tmp_path / "old", tmp_path / "new")
    assert (status, "+ url=http://files.isp.example/2.1.0.bin" in out) == (1, True)
    assert cpescript("diff", tmp_path / "old", tmp_path / "new", "--ignore", "url")[0] == 0
