"""Keys of a profile that reach into a run: quirks that devices are born with, mixes, variants."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpescript.diagnostics import Bag
from cpescript.results import ScenarioResult
from cpescript.runner.options import RunOptions
from cpescript.runner.run import UsageError, run


def play(tmp_path: Path, scenario: str, **profiles: str) -> ScenarioResult:
    (tmp_path / "profiles").mkdir()
    for name, text in profiles.items():
        (tmp_path / "profiles" / f"{name}.yaml").write_text(text, encoding="utf-8")
    path = tmp_path / "it.cpes"
    path.write_text(scenario, encoding="utf-8")
    return run(RunOptions(scenarios=(str(path),), seed=7, strict=True)).scenarios[0]


CLAMPED = """\
x-cpescript:
  extends: hg100
  quirks:
    - interval-clamped: {minimum: 900}
    - missing-204
"""


def test_a_profile_may_bring_quirks(tmp_path: Path) -> None:
    scenario = """
spawn 2 of clamped as cpes
expect SPV Device.ManagementServer.PeriodicInformInterval = 300 on each cpes within 5m
check Device.ManagementServer.PeriodicInformInterval == 900 on each cpes
"""
    text = CLAMPED.replace("    - missing-204\n", "")
    result = play(tmp_path, scenario, clamped=text)
    assert (result.verdict, result.vacuous) == ("passed", ()), result.problems


def test_a_quirk_of_a_profile_that_never_shows_is_no_promise_broken(tmp_path: Path) -> None:
    text = CLAMPED.replace("    - missing-204\n", "").replace("900", "60")
    result = play(tmp_path, "spawn 1 of clamped as cpe\nexpect InformResponse on cpe within 5m\n", clamped=text)
    assert (result.verdict, result.vacuous) == ("passed", ())


@pytest.mark.parametrize(
    ("quirk", "why"),
    [
        ("interval-clampd", "no quirk is called"),
        ("interval-clamped: {minimum: 0}", "must be at least 1"),
        ("interval-clamped: {most: 3}", "has no parameter"),
    ],
)
def test_a_wrong_quirk_is_found_before_anything_runs(quirk: str, why: str, tmp_path: Path) -> None:
    text = f"x-cpescript:\n  extends: hg100\n  quirks:\n    - {quirk}\n"
    with pytest.raises(UsageError) as refused:
        play(tmp_path, "spawn 1 of clamped as cpe\nexpect InformResponse on cpe within 5m\n", clamped=text)
    bag = refused.value.bag
    assert isinstance(bag, Bag)
    assert why in bag.render()
    assert "clamped.yaml:4:" in bag.render()


def test_a_scenario_may_name_what_an_app_that_is_fetched_could_bring(tmp_path: Path) -> None:
    scenario = """
spawn 1 of hub as cpe
expect InformResponse on cpe within 5m
check Device.X_00D0AA_Lamps.Lamp.1.Colour not exists on cpe
"""
    extended = "x-cpescript: {{extends: hg200, app_roots: [{}]}}\n"
    result = play(tmp_path, scenario, hub=extended.format("Device.X_00D0AA_Lamps."))
    assert result.verdict == "passed", result.reason
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(UsageError) as refused:
        play(other, scenario, hub=extended.format("Device.X_00D0AA_Doors."))
    assert refused.value.bag is not None
    assert "Device.X_00D0AA_Lamps.Lamp.1.Colour" in refused.value.bag.render()


def test_a_cohort_of_several_models(tmp_path: Path) -> None:
    scenario = """
spawn 8 of both as fleet
expect InformResponse on each fleet within 5m
check count(fleet where Device.DeviceInfo.SoftwareVersion == "9.0.0") == 2
check count(fleet where Device.DeviceInfo.SoftwareVersion == "2.0.0") == 6
"""
    newer = "x-cpescript: {extends: hg100}\nparameters: [{path: Device.DeviceInfo.SoftwareVersion, value: 9.0.0}]\n"
    result = play(tmp_path, scenario, newer=newer, both="x-cpescript: {mix: {hg100: 3, newer: 1}}\n")
    assert result.verdict == "passed", result.reason
    assert set(result.cohorts[0].profile.split(", ")) == {"hg100", "newer"}


def test_a_path_that_one_of_a_mix_lacks_is_found_before_anything_runs(tmp_path: Path) -> None:
    scenario = "spawn 4 of both as fleet\nexpect Device.Optical.InterfaceNumberOfEntries == 1 on each fleet within 5m\n"
    poorer = "x-cpescript: {extends: hg100, without: [Device.Optical.]}\n"
    with pytest.raises(UsageError) as refused:
        play(tmp_path, scenario, poorer=poorer, both="x-cpescript: {mix: {hg100: 1, poorer: 1}}\n")
    assert refused.value.bag is not None
    assert "Device.Optical.InterfaceNumberOfEntries" in refused.value.bag.render()


WEEK = """
spawn 24 of some as fleet over 10m
expect each fleet registered within 30m
wait 10h
check each fleet online
"""


def test_a_mixed_fleet_leaves_the_same_trace_twice(tmp_path: Path) -> None:
    """The longer version, 200 devices over a week, is `make bench`'s row `mixed_week_s`."""
    path = tmp_path / "it.cpes"
    path.write_text(WEEK, encoding="utf-8")
    (tmp_path / "profiles").mkdir()
    some = "x-cpescript: {mix: {hg100: 3, dg2: 2, ont4: 1, fwa5: 1, mx60: 2, stb7: 1, fap1: 1, vg20: 1}}\n"
    (tmp_path / "profiles" / "some.yaml").write_text(some, encoding="utf-8")
    options = RunOptions(scenarios=(str(path),), seed=7, trace_digest=True)
    one, other = (run(options).scenarios[0] for _ in range(2))
    assert one.verdict == "passed"
    assert one.trace_digest == other.trace_digest
    assert one.trace_digest is not None
