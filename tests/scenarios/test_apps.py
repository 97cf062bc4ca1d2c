"""Parameters that an app brings: a scenario may name them before, while and after they are there."""

from __future__ import annotations

from pathlib import Path

from cpescript.runner.options import RunOptions
from cpescript.runner.run import run

POLICY = """
extends: default
campaigns:
  install:
    inputs: {url: text}
    then: [install: {url: "{url}"}]
  uninstall:
    inputs: {uuid: text}
    then: [uninstall: {uuid: "{uuid}"}]
"""
COMES_AND_GOES = """
scenario "an app comes and goes":
    seed 4
    policy "apps.yaml"
    spawn 2 of hg200 as fleet over 1m
    wait until each fleet registered within 5m
    wait 1m
    check Device.X_00D0AA_Hub.Enable not exists on each fleet
    # It will move by itself, and that is seen.
    sometimes Device.X_00D0AA_Hub.Lamp.1.Power of fleet[1] > 8
    acs call install(url: "http://apps.example/hub-1.2.0.app") on fleet
    expect Device.X_00D0AA_Hub.Enable == true on each fleet within 10m
    wait 2h
    acs call uninstall(uuid: "177e9e81-950b-5419-af08-9a7bf9b8f306") on fleet
    expect Device.X_00D0AA_Hub.Enable not exists on each fleet within 10m
    wait 20m
"""


def test_what_an_app_brings_comes_and_goes(tmp_path: Path) -> None:
    (tmp_path / "apps.yaml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "app.cpes").write_text(COMES_AND_GOES, encoding="utf-8")
    scenario = run(RunOptions(scenarios=(str(tmp_path / "app.cpes"),), strict=True)).scenarios[0]
    assert (scenario.verdict, scenario.reason, scenario.problems) == ("passed", "", ())
