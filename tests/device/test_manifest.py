"""App manifests, and the keys of `x-cpescript` that modules, transfers and diagnostics go by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.device.manifest import MOST_OCTETS, grown, read_manifest
from cpescript.device.profile import load_profile
from cpescript.kernel.time import SECOND

APP = """
app: {name: hub, version: 1.2.0, vendor: Acme, executionUnit: hubd}
parameters:
  - {path: Device.X_Hub.Level, type: xsd:int, value: "3"}
groups:
  - {prefix: Device.X_Hub.Radio, parameters: [{path: Channel, type: xsd:unsignedInt}]}
objects:
  - {path: Device.X_Hub.Lamp, instances: 1, parameters: [{path: Power, type: xsd:int}]}
generators:
  - {path: Device.X_Hub.Level, type: drift, interval: 1s, min: 0, max: 9, stepMax: 1}
"""
PROFILE = """
deviceIdPaths: {manufacturer: D.M, oui: D.O, productClass: D.P, serialNumber: D.S}
fleet: {serialPattern: "S{i}"}
parameters:
  - {path: D.M}
  - {path: D.O, value: 00D0AA}
  - {path: D.P}
  - {path: D.S}
  - {path: D.Ping.DiagnosticsState, writable: true}
"""


def codes(text: str | bytes) -> list[str]:
    found, bag = read_manifest(text if isinstance(text, bytes) else text.encode(), "app.yaml")
    assert (found is None) == bag.failed
    return [item.code for item in bag]


def test_a_manifest_is_read() -> None:
    found, bag = read_manifest(APP.encode(), "app.yaml")
    assert found is not None, bag.render()
    assert (found.name, found.version, found.vendor, found.execution_unit) == ("hub", "1.2.0", "Acme", "hubd")
    assert sorted(found.leaves) == ["Device.X_Hub.Lamp.1.Power", "Device.X_Hub.Level", "Device.X_Hub.Radio.Channel"]
    assert found.leaves["Device.X_Hub.Level"].generator is not None
    assert list(found.tables) == ["Device.X_Hub.Lamp."]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "app-manifest"),
        ("parameters: [{path: D.A}]", "app-manifest"),
        ("app: {name: a, version: 1}", "app-manifest"),
        (APP.replace("name: hub", 'name: "a b"'), "bad-name"),
        (APP.replace("name: hub, ", ""), "bad-name"),
        (APP.replace("1.2.0", '"1 2"'), "bad-version"),
        (APP + "fleet: {}\n", "unknown-key"),
        (APP.replace("vendor", "vendr"), "unknown-key"),
        (APP.replace('xsd:int, value: "3"', "xsd:int, value: x"), "bad-value"),
        ("a: [", "yaml-syntax"),
        ("app: &a [*a]", "yaml-alias"),
        (b"\xff\xfe", "not-utf-8"),
        (b"#" * (MOST_OCTETS + 1), "too-large"),
    ],
)
def test_what_is_wrong_is_said(text: str | bytes, code: str) -> None:
    assert code in codes(text)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_nothing_is_raised(octets: bytes) -> None:
    codes(octets)


def loaded(tmp_path: Path, extension: str) -> tuple[Any, list[str]]:
    path = tmp_path / "p.yaml"
    path.write_text(f"{PROFILE}x-cpescript:\n{extension}")
    (tmp_path / "hub.app").write_text(APP)
    (tmp_path / "bad.app").write_text("app: {name: hub, version: 1}\n")
    schema, bag = load_profile(path)
    return schema, [item.code for item in bag]


def test_a_profile_names_its_apps_and_what_comes_of_tests(tmp_path: Path) -> None:
    schema, problems = loaded(
        tmp_path,
        "  apps: [hub.app]\n"
        "  transfer: {fetch: true, supersede: yes, confirms: false, version_pattern: 'v(\\d)'}\n"
        "  diagnostics: {D.Ping.: {duration: 9s, error: E, when: {Host: h}, results: {A: [1, 5], B: x}}}\n"
        "  options: {Voice: {state: 1}}\n  overlap: drop\n  rpcs_without: [Upload]\n  session_timeout: 45s\n",
    )
    assert problems == []
    extension = schema.extension
    assert [app.name for app in extension["apps"]] == ["hub"]
    assert extension["transfer"] == {"fetch": True, "supersede": True, "confirms": False, "version_pattern": r"v(\d)"}
    assert extension["diagnostics"]["D.Ping."]["results"] == {"A": (1, 5), "B": "x"}
    assert extension["diagnostics"]["D.Ping."]["duration"] == 9 * SECOND
    assert (extension["overlap"], extension["session_timeout"]) == ("drop", 45 * SECOND)
    assert "Device.X_Hub.Level" in grown(schema, extension["apps"]).leaves
    assert grown(schema, extension["apps"]) is grown(schema, extension["apps"])


@pytest.mark.parametrize(
    ("extension", "code"),
    [
        ("  apps: [nowhere.app]\n", "unreadable"),
        ("  apps: [bad.app]\n", "app-manifest"),
        ("  apps: [../p.yaml]\n", "bad-path"),
        ("  transfer: {version_pattern: '('}\n", "bad-pattern"),
        ("  transfer: {fetched: true}\n", "unknown-key"),
        ("  diagnostics: {D.Pong.: {}}\n", "unknown-path"),
        ("  diagnostics: {D.Ping.: {results: {A: [5, 1]}}}\n", "bad-range"),
        ("  diagnostics: {D.Ping.: {results: {A: [5]}}}\n", "bad-range"),
        ("  overlap: later\n", "bad-choice"),
    ],
)
def test_what_a_profile_gets_wrong_is_said(tmp_path: Path, extension: str, code: str) -> None:
    schema, problems = loaded(tmp_path, extension)
    assert schema is None
    assert code in problems
