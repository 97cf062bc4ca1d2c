"""What the profile loader takes and what it refuses, why, and where it says the mistake is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cpescript.device.profile import load_profile
from cpescript.diagnostics import Bag
from cpescript.kernel.time import SECOND
from tests.device.conftest import Load

BASE = """\
deviceIdPaths: {manufacturer: D.M, oui: D.M, productClass: D.M, serialNumber: D.S}
fleet: {serialPattern: x}
parameters:
  - {path: D.M, value: 00D0AA}
  - {path: D.S}
  - {path: D.Text, writable: true}
  - {path: D.Text2, writable: true}
  - {path: D.Fixed}
  - {path: D.Count, type: xsd:unsignedInt, writable: true}
  - {path: D.FixedCount, type: xsd:unsignedInt}
  - {path: D.Level, type: xsd:int, writable: true}
  - {path: D.On, type: xsd:boolean, writable: true}
  - {path: D.When, type: xsd:dateTime, value: "0001-01-01T00:00:00Z", writable: true}
  - {path: D.If.1.Status}
"""
"""Fourteen lines; what a case adds begins on line 15."""

ROWS = "parameters:\n"

ACCEPTED = {
    "empty": "",
    "null-document": "~\n",
    "json": '{"parameters": [{"path": "A.B", "value": "x"}]}',
    "null-block": BASE + "periodicInformPaths:\n",
    "text-of-a-number": ROWS + "  - {path: A.B, value: 0123}\n",
    "null-value-is-the-default": ROWS + "  - {path: A.B, type: xsd:int, value: ~}\n",
    "merge-key": "x-cpescript: {telemetry: &m {a: 1}}\nparameters:\n  - &row {path: A.B, writable: true}\n"
    "  - {<<: *row, path: A.C}\n",
    "writable-yes": ROWS + "  - {path: A.B, writable: yes}\n",
    "writable-quoted-yes": ROWS + '  - {path: A.B, writable: "on"}\n',
    "instances-float": ROWS + '  - {path: "A.{i}.B", instances: 2.0}\n',
    "instances-octal": ROWS + '  - {path: "A.{i}.B", instances: 0o2}\n',
    "instances-zero": ROWS + '  - {path: "A.{i}.B", instances: 0}\n',
    "duplicate-child-of-an-empty-table": "objects:\n  - {path: A, parameters: [{path: B}, {path: B}, {path: B.C}]}\n",
    "leaf-in-an-instance": "objects: [{path: A, instances: 1, parameters: [{path: B}]}]\nparameters: [{path: A.9.C}]\n",
    "pick-is-checked-by-its-first-option": ROWS + '  - {path: A.B, type: xsd:int, value: "{cpe:pick: 1,x}"}\n',
    "scheme-any-case": BASE
    + "connectionRequest: {scheme: ' Digest', realm: r, usernameParameter: D.Text, passwordParameter: D.Text2}\n",
    "no-scheme-checks-nothing": BASE + "connectionRequest: {usernameParameter: No.Such}\n",
    "empty-faults": BASE + "faults: {}\n",
    "empty-fleet": "fleet: {}\n",
    "read-only-generator-target": BASE
    + "generators:\n  - {path: D.FixedCount, type: counter, interval: 1s, min: 0, max: 9, step: 99}\n",
    "jitter-of-one": BASE
    + "generators:\n  - {path: D.Count, type: counter, interval: 1s, min: 0, max: 9, step: 1, jitter: 1}\n",
    "own-keys": "x-cpescript: {quirks: [], telemetry: {}, cwmp_version: 1.4}\n",
    "text-from-a-timestamp": ROWS + "  - {path: A.B, value: 2026-01-01}\n",
    "negative-default-delay": BASE + "transfer: {defaultDelay: -2s}\n",
    "link-range": BASE + "faults: {link: {interface: D.If.1., instances: ' 5 - 9 '}}\n",
    "negative-result-count-without-a-path": BASE + "diagnostics:\n  - {statePath: D.Text, resultCount: -1}\n",
}

REFUSED: dict[str, tuple[str, str, int, int]] = {
    # name: (text, code, line, column)
    "list-at-the-top": ("- a\n", "wrong-type", 1, 1),
    "app-manifest": ("app: {name: x}\n", "app-manifest", 1, 1),
    "unknown-top-key": ("paramters: []\n", "unknown-key", 1, 1),
    "unknown-own-key": ("x-cpescript: {quirk: []}\n", "unknown-key", 1, 15),
    "duplicate-key": (ROWS + "  - {path: A.B, path: A.C}\n", "duplicate-key", 2, 17),
    "value-list": (ROWS + "  - {path: A.B, value: [1]}\n", "wrong-type", 2, 24),
    "no-path": (ROWS + "  - {value: x}\n", "required-key", 2, 5),
    "null-row": (ROWS + "  - ~\n", "required-key", 2, 5),
    "bad-type": (ROWS + "  - {path: A.B, type: xsd:integer}\n", "bad-type", 2, 23),
    "bad-value": (ROWS + "  - {path: A.B, type: xsd:int, value: x}\n", "bad-value", 2, 39),
    "value-bad-at-one-instance": (
        "objects:\n  - {path: A, instances: 2, parameters: [{path: B, type: xsd:boolean, value: '{i}'}]}\n",
        "bad-value",
        2,
        78,
    ),
    "writable-quoted-true": (ROWS + '  - {path: A.B, writable: "true"}\n', "not-a-boolean", 2, 27),
    "instances-quoted": (ROWS + '  - {path: "A.{i}.B", instances: "2"}\n', "not-an-integer", 2, 34),
    "instances-missing": (ROWS + '  - {path: "A.{i}.B"}\n', "instances-missing", 2, 5),
    "instances-on-a-plain-path": (ROWS + "  - {path: A.B, instances: 1}\n", "instances-range", 2, 28),
    "instances-huge": (ROWS + '  - {path: "A.{i}.B", instances: 999999999}\n', "too-large", 2, 5),
    "empty-segment": (ROWS + "  - {path: A..B}\n", "bad-path", 2, 12),
    "two-trailing-dots": (ROWS + "  - {path: A.B..}\n", "bad-path", 2, 12),
    "i-twice": (ROWS + '  - {path: "A.{i}.B.{i}.C", instances: 1}\n', "bad-path", 2, 12),
    "i-within-a-segment": (ROWS + '  - {path: "A.x{i}.C", instances: 1}\n', "bad-path", 2, 12),
    "endless-path": (ROWS + f"  - {{path: {'A.' * 400}B}}\n", "bad-path", 2, 12),
    "duplicate-path": (ROWS + "  - {path: A.B}\n  - {path: A.B.}\n", "duplicate-path", 3, 5),
    "materialised-path": (
        "objects:\n  - {path: A, instances: 1, parameters: [{path: B}]}\nparameters: [{path: A.1.B}]\n",
        "duplicate-path",
        3,
        14,
    ),
    "leaf-below-a-leaf": (ROWS + "  - {path: A.B}\n  - {path: A.B.C}\n", "leaf-and-object", 3, 5),
    "leaf-over-an-object": (ROWS + "  - {path: A.B.C}\n  - {path: A.B}\n", "leaf-and-object", 3, 5),
    "leaf-over-an-empty-table": (
        "objects:\n  - {path: A.B, parameters: [{path: C}]}\nparameters: [{path: A.B}]\n",
        "leaf-and-object",
        3,
        14,
    ),
    "empty-table-over-a-leaf": (
        "parameters: [{path: A.B}]\nobjects:\n  - {path: A.B, parameters: [{path: C}]}\n",
        "leaf-and-object",
        3,
        30,
    ),
    "instances-disagree": (
        ROWS + '  - {path: "A.{i}.B", instances: 1}\n  - {path: "A.{i}.C", instances: 2}\n',
        "instances-disagree",
        3,
        5,
    ),
    "object-without-children": ("objects:\n  - {path: A, parameters: []}\n", "required-key", 2, 5),
    "object-with-a-trailing-dot": ("objects:\n  - {path: A., parameters: [{path: B}]}\n", "bad-path", 2, 12),
    "child-with-instances": (
        "objects:\n  - {path: A, parameters: [{path: B, instances: 0}]}\n",
        "instances-range",
        2,
        38,
    ),
    "group-without-prefix": ("groups:\n  - {parameters: [{path: B}]}\n", "required-key", 2, 5),
    "identity-incomplete": (
        "deviceIdPaths: {manufacturer: A.B, oui: A.B, productClass: A.B}\nparameters: [{path: A.B}]\n",
        "required-key",
        1,
        16,
    ),
    "inform-of-an-object": (BASE + "informParameters: {boot: [D.]}\n", "unknown-path", 15, 27),
    "interval-of-another-type": (
        BASE + "periodicInformPaths: {interval: D.Level, enable: D.On}\n",
        "path-type",
        15,
        33,
    ),
    "interval-read-only": (
        BASE + "periodicInformPaths: {interval: D.FixedCount, enable: D.On}\n",
        "path-access",
        15,
        33,
    ),
    "half-a-credential": (BASE + "acsCredentialPaths: {username: D.Text}\n", "required-key", 15, 21),
    "scheme-without-realm": (
        BASE + "connectionRequest: {scheme: basic, usernameParameter: D.Text, passwordParameter: D.Text2}\n",
        "required-key",
        15,
        20,
    ),
    "unknown-scheme": (BASE + "connectionRequest: {scheme: bearer, realm: r}\n", "bad-scheme", 15, 29),
    "negative-throttle": (BASE + "connectionRequest: {throttleWindow: -1s}\n", "duration-range", 15, 37),
    "delay-without-unit": (BASE + "eventSchedule: {bootDelay: 5}\n", "not-a-duration", 15, 28),
    "firmware-without-version": (BASE + "transfer: {firmware: {}}\n", "required-key", 15, 22),
    "firmware-of-another-type": (BASE + "transfer: {firmware: {versionPath: D.Count}}\n", "path-type", 15, 36),
    "generator-of-another-type": (
        BASE + "generators:\n  - {path: D.Text, type: wallclock, interval: 1s}\n",
        "generator-target",
        16,
        5,
    ),
    "generator-without-interval": (BASE + "generators:\n  - {path: D.Count, type: uptime}\n", "bad-generator", 16, 5),
    "generator-twice": (
        BASE
        + "generators:\n  - {path: D.Count, type: uptime, interval: 1s}\n"
        + "  - {path: D.Count, type: uptime, interval: 2s}\n",
        "duplicate-generator",
        17,
        12,
    ),
    "generator-on-an-empty-table": (
        "objects:\n  - path: A\n    parameters:\n"
        "      - {path: B, type: xsd:unsignedInt, generator: {type: uptime, interval: 1s}}\n",
        "bad-generator",
        4,
        53,
    ),
    "enum-value-of-another-type": (
        BASE + "generators:\n  - {path: D.On, type: enum, interval: 1s, values: [true, maybe]}\n",
        "bad-generator",
        16,
        59,
    ),
    "counter-over-32-bits": (
        BASE + "generators:\n  - {path: D.Count, type: counter, interval: 1s, min: 0, max: 4294967296, step: 1}\n",
        "bad-generator",
        16,
        63,
    ),
    "jitter-over-one": (
        BASE + "generators:\n  - {path: D.Count, type: counter, interval: 1s, min: 0, max: 9, step: 1, jitter: 1.1}\n",
        "bad-generator",
        16,
        83,
    ),
    "pool-named-like-a-placeholder": (
        "fleet: {pools: {cpe: {type: ipv4, cidr: 203.0.113.0/24}}}\n",
        "pool-name",
        1,
        17,
    ),
    "pool-of-no-type": ("fleet: {pools: {p: {cidr: 203.0.113.0/24}}}\n", "bad-pool", 1, 20),
    "pool-out-of-reach": (
        "fleet: {count: 256, pools: {p: {type: ipv4, cidr: 203.0.113.0/24}}}\n",
        "pool-capacity",
        1,
        32,
    ),
    "diagnostic-of-one-word": (
        BASE + "diagnostics:\n  - {statePath: D.Text, trigger: Complete}\n",
        "bad-diagnostic",
        16,
        5,
    ),
    "link-without-status": (BASE + "faults: {link: {interface: D.If.2}}\n", "unknown-path", 15, 28),
    "link-from-zero": (BASE + "faults: {link: {interface: D.If.1, instances: 0}}\n", "instances-range", 15, 47),
    "faults-of-another-kind": (BASE + "faults: {power: {}}\n", "unknown-key", 15, 10),
    "cwmp-version": ("x-cpescript: {cwmp_version: 2.0}\n", "bad-version", 1, 29),
    "read-only-table-unknown": ("x-cpescript: {read_only_tables: [A.B.]}\n", "unknown-path", 1, 34),
}

WARNED: dict[str, tuple[str, str]] = {
    # name: (text, code)
    "second-document": ("parameters: []\n---\nnonsense: [\n", "second-document"),
    "negative-delay": (BASE + "transfer: {defaultDelay: -2s}\n", "negative-delay"),
    "drift-band": (
        BASE + "generators:\n  - {path: D.Level, type: drift, interval: 1s, min: 0, max: 2147483648, stepMax: 1}\n",
        "drift-band",
    ),
    "result-count": (
        BASE + "  - {path: D.RNumberOfEntries, type: xsd:unsignedInt}\n  - {path: 'D.R.{i}.X', instances: 2}\n"
        "diagnostics:\n  - {statePath: D.Text, countPath: D.RNumberOfEntries, resultCount: 3}\n",
        "result-count",
    ),
    "stray-knob": (
        BASE + "generators:\n  - {path: D.Count, type: uptime, interval: 1s, step: 3}\n",
        "stray-knob",
    ),
    "fraction": (ROWS + '  - {path: "A.{i}.B", instances: 2.5}\n', "fraction-cut"),
    "unit-leaves": (
        BASE + "  - {path: 'S.ExecEnv.{i}.Name', instances: 1}\n  - {path: 'S.DeploymentUnit.{i}.UUID', instances: 0}\n"
        "  - {path: 'S.ExecutionUnit.{i}.Name', instances: 0}\nsoftwareModules: {path: S.}\n",
        "unit-leaves",
    ),
    "broadcast": (
        "fleet: {count: 255, pools: {p: {type: ipv4, cidr: 203.0.113.0/24}}}\nparameters: [{path: A.B, value: '{p}'}]",
        "pool-broadcast",
    ),
    "shared-phase": (
        BASE.replace("0001-", "2026-") + "periodicInformPaths: {interval: D.Count, enable: D.On, time: D.When}\n",
        "shared-phase",
    ),
    "inform-lacks": (BASE + "  - {path: D.SoftwareVersion}\ninformParameters: {boot: [D.M]}\n", "inform-lacks"),
    "inform-lacks-url": (
        BASE + "  - {path: D.ManagementServer.ConnectionRequestURL}\ninformParameters: {bootstrap: [D.M]}\n",
        "inform-lacks",
    ),
    "unused-pool": ("fleet: {pools: {p: {type: ipv4, cidr: 203.0.113.0/24}}}\n", "unused-pool"),
    "serial-pattern": (BASE.replace("fleet: {serialPattern: x}\n", ""), "serial-pattern"),
    "pick-option": (ROWS + '  - {path: A.B, type: xsd:int, value: "{cpe:pick: 1,x}"}\n', "pick-option"),
    "wrong-count": (
        ROWS
        + "  - {path: A.TNumberOfEntries, type: xsd:unsignedInt, value: 5}\n  - {path: 'A.T.{i}.X', instances: 2}\n",
        "wrong-count",
    ),
    "duplicate-child": ("objects:\n  - {path: A, parameters: [{path: B}, {path: B}]}\n", "duplicate-child"),
}


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(load: Load, text: str) -> None:
    schema, bag = load(text)
    assert schema is not None, bag.render()


@pytest.mark.parametrize(("text", "code", "line", "column"), REFUSED.values(), ids=REFUSED)
def test_refused(load: Load, text: str, code: str, line: int, column: int) -> None:
    schema, bag = load(text)
    errors = [item for item in bag if item.severity == "error"]
    assert schema is None
    assert [(item.code, item.span.line, item.span.column) for item in errors] == [(code, line, column)], bag.render()


@pytest.mark.parametrize(("text", "code"), WARNED.values(), ids=WARNED)
def test_warned(load: Load, text: str, code: str) -> None:
    schema, bag = load(text)
    assert schema is not None, bag.render()
    assert code in {item.code for item in bag}
    assert {item.severity for item in bag} == {"warning"}


def test_the_number_of_a_row_stands_in_its_values(load: Load) -> None:
    schema, _ = load(
        "parameters:\n  - {path: 'A.{i}.Name', value: 'eth{i}', instances: 2}\n"
        "objects:\n  - {path: B, instances: 2, parameters: [{path: Name, value: 'lan{i}'}]}\n"
    )
    assert schema is not None
    values = {path: leaf.default for path, leaf in schema.leaves.items()}
    assert values == {"A.1.Name": "eth1", "A.2.Name": "eth2", "B.1.Name": "lan1", "B.2.Name": "lan2"}


def test_a_sound_profile_has_no_warning(load: Load) -> None:
    assert list(load(BASE)[1]) == []


def test_every_mistake_is_listed_at_once(load: Load) -> None:
    _, bag = load(
        "deviceIdPaths: {manufacturer: A.Manufacturr}\n"
        "colour: red\n"
        "parameters:\n"
        "  - {path: A.Manufacturer}\n"
        "  - {path: A.B, type: xsd:int, value: x}\n"
        "  - {path: A..C}\n"
        "generators:\n"
        "  - {path: A.B, type: drift, interval: 30, min: 5, max: 1, stepMax: 0}\n"
    )
    assert sorted(item.code for item in bag) == sorted(
        ["unknown-path", *["required-key"] * 3, "unknown-key", "bad-value", "bad-path", "not-a-duration"]
        + ["bad-generator"] * 2
    )
    assert "did you mean 'A.Manufacturer'?" in bag.render()


def test_one_mistake_is_said_once(load: Load) -> None:
    _, bag = load(
        "parameters:\n  - {path: A.B, type: xsd:nope}\ngenerators:\n  - {path: A.B, type: uptime, interval: 1s}\n"
    )
    assert [item.code for item in bag] == ["bad-type"]


def test_literal_texts(load: Load) -> None:
    schema, _ = load(
        ROWS + "  - {path: A.A, value: 0123}\n  - {path: A.B, value: true}\n  - {path: A.C, value: 1.50}\n"
        "  - {path: A.D, value: 2026-01-01T00:00:00Z}\n  - {path: A.E, value: 'null'}\n"
        "  - {path: A.F, type: xsd:boolean, value: 1}\n"
    )
    assert schema is not None
    assert list(schema.constants.values()) == ["0123", "true", "1.50", "2026-01-01T00:00:00Z", "null", "true"]


def test_anchors_and_merges(load: Load) -> None:
    schema, _ = load(
        ROWS + "  - &a {path: A.B, type: xsd:int, value: 5}\n  - {path: A.C, <<: [*a, {value: 6, writable: true}]}\n"
    )
    assert schema is not None
    leaf = schema.leaves["A.C"]
    assert (leaf.type, leaf.default, leaf.writable) == ("int", "5", True)


def test_blocks_become_data(load: Load) -> None:
    schema, bag = load(
        BASE + "transfer:\n  defaultDelay: 2s\n"
        "  faults: {1 Firmware Upgrade Image: {code: 9010, string: no}, 2: {code: 0}}\n"
        "  firmware: {versionPath: D.Fixed, fetch: no}\n"
        "informParameters: {boot: [D.M, D.S, D.M], valueChange: []}\n"
        "eventSchedule: {rebootDelay: 1m}\n"
        "diagnostics: [{statePath: D.Text}]\n"
        "faults: {link: {interface: D.If.1, instances: 3}}\n"
        "acsCredentialPaths: {username: D.Text, password: D.Text2}\n"
        "x-cpescript: {telemetry: {every: 5, on: true, as: [a, ~]}}\n"
    )
    assert schema is not None, bag.render()
    assert schema.transfer.default_delay == 2 * SECOND
    assert schema.transfer.faults == {"1 Firmware Upgrade Image": (9010, "no")}
    assert schema.transfer.firmware is not None
    assert (schema.transfer.firmware.apply_delay, schema.transfer.firmware.fetch) == (30 * SECOND, False)
    assert schema.inform_parameters == {"1 BOOT": ("D.M", "D.S"), "4 VALUE CHANGE": ()}
    assert schema.event_schedule.reboot_delay == 60 * SECOND
    assert schema.diagnostics[0].duration == 5 * SECOND
    assert schema.link_fault is not None
    assert (schema.link_fault.interface, schema.link_fault.instances) == ("D.If.1.", (3, 3))
    assert schema.acs_credentials == ("D.Text", "D.Text2")
    assert schema.extension == {"telemetry": {"every": 5, "on": True, "as": ["a", None]}}
    assert schema.later == ("faults.link", "x-cpescript.telemetry")
    said = [(item.severity, item.span.line, item.message) for item in bag if item.code == "no-effect"]
    link, telemetry = (schema_line(bag, key) for key in ("faults:", "x-cpescript:"))
    assert said == [
        ("warning", link, "faults.link is read and checked, and changes nothing yet"),
        ("warning", telemetry, "x-cpescript.telemetry is read and checked, and changes nothing yet"),
    ]


@pytest.mark.parametrize("row", ["{path: Device.A.{i}.B, instances: 2}", "[Device.A.{i}.B]"])
def test_braces_without_quotes_are_said(load: Load, row: str) -> None:
    _, bag = load(f"parameters:\n  - {row}\n")
    [item] = bag
    assert (item.code, item.span.line) == ("yaml-syntax", 2)
    assert "stands in quotes" in item.remedy
    _, bag = load("parameters:\n  - [Device.A\n")
    assert [item.remedy for item in bag] == [""]


@pytest.mark.parametrize(("value", "warned"), [("UDP", True), ("''", False)])
def test_lightweight_notifications_are_said_not_to_be_sent(load: Load, value: str, warned: bool) -> None:
    path = "Device.ManagementServer.LightweightNotificationProtocols"
    schema, bag = load(
        f"parameters:\n  - {{path: {path}Used, writable: true}}\n  - {{path: {path}Supported, value: {value}}}\n"
    )
    assert schema is not None
    assert schema.lightweight
    assert [(item.severity, item.code, item.span.line) for item in bag] == [("warning", "no-effect", 3)] * warned


@pytest.mark.parametrize(
    ("value", "warned"), [("00D0AA", 0), ("00d0aa", 1), ("00D0A", 1), ("''", 1), ("'{cpe:HEX:6}'", 0)]
)
def test_an_oui_that_no_inform_takes_is_said(load: Load, value: str, warned: int) -> None:
    schema, bag = load(BASE.replace("value: 00D0AA", f"value: {value}"))
    assert schema is not None
    assert [(item.severity, item.code, item.span.line) for item in bag] == [("warning", "bad-oui", 4)] * warned


def schema_line(bag: Bag, start: str) -> int:
    """Return the line of the only source that begins so."""
    [text] = bag.sources.values()
    return next(number for number, line in enumerate(text.splitlines(), 1) if line.startswith(start))


@pytest.mark.parametrize(
    ("root", "why"),
    [
        ("Device.", "is everything"),
        ("Device.X_Hub", "ends in a dot"),
        ("Device.X..", "has an empty segment"),
        ("Device.Hub.", "is a parameter"),
        ("''", "is empty"),
    ],
)
def test_where_apps_grow_is_an_object(load: Load, root: str, why: str) -> None:
    schema, bag = load(f"parameters: [{{path: Device.Hub}}]\nx-cpescript: {{app_roots: [{root}]}}\n")
    assert schema is None
    [item] = bag
    assert item.code == "bad-path"
    assert why in item.message


def test_the_header_of_a_manifest_is_recommended_to_nobody(load: Load) -> None:
    [item] = load("ap: {name: x}\n")[1]
    assert item.remedy.startswith("known here: acsCredentialPaths, connectionRequest, ")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("fleet: {counts: 3}", "did you mean 'count'? known here: count, offset, pools, serialPattern"),
        ("fleet: {zzz: 3}", "known here: count, offset, pools, serialPattern"),
        (
            "parameters: [{path: A.B, writeable: true}]",
            "did you mean 'writable'? known here: generator, instances, path, type, value, writable",
        ),
    ],
)
def test_an_unknown_key_is_answered_by_those_that_are_known(load: Load, text: str, remedy: str) -> None:
    [item] = load(text)[1]
    assert (item.code, item.remedy) == ("unknown-key", remedy)


# --- folders ----------------------------------------------------------------------------------------------------------


def test_a_folder_is_merged_by_file_name(load: Load) -> None:
    schema, bag = load(b__yaml="parameters: [{path: A.B}]\n", a__yml="parameters: [{path: A.C}]\n", c__json="nonsense")
    assert schema is not None, bag.render()
    assert list(schema.leaves) == ["A.C", "A.B"]


def test_blocks_may_name_what_another_file_declares(load: Load) -> None:
    schema, bag = load(
        a__yaml="generators: [{path: A.B, type: uptime, interval: 1s}]\n",
        b__yaml="parameters: [{path: A.B, type: xsd:unsignedInt}]\n",
    )
    assert schema is not None, bag.render()
    assert schema.leaves["A.B"].generator is not None


@pytest.mark.parametrize(
    ("one", "other", "code"),
    [
        ("transfer: {}", "transfer: {}", "duplicate-block"),
        ("fleet: {}", "fleet: {}", "duplicate-block"),
        ("x-cpescript: {overlap: drop}", "x-cpescript: {overlap: defer}", "duplicate-block"),
        ("informParameters: {boot: []}", "informParameters: {boot: []}", "duplicate-block"),
        ("parameters: [{path: A.B}]", "parameters: [{path: A.B}]", "duplicate-path"),
    ],
)
def test_what_may_stand_in_one_file_only(load: Load, one: str, other: str, code: str) -> None:
    schema, bag = load(a__yaml=one, b__yaml=other)
    assert schema is None
    assert [(item.code, Path(item.span.source).name) for item in bag] == [(code, "b.yaml")]


def test_lists_may_stand_in_several_files(load: Load) -> None:
    schema, bag = load(
        a__yaml="parameters: [{path: A.B}, {path: A.C}]\ndiagnostics: [{statePath: A.B}]\n",
        b__yaml="diagnostics: [{statePath: A.C}]\ninformParameters: {boot: [A.B]}\n",
        c__yaml="informParameters: {periodic: [A.B]}\nx-cpescript: {telemetry: 1}\n",
        d__yaml="x-cpescript: {quirks: []}\n",
    )
    assert schema is not None, bag.render()
    assert len(schema.diagnostics) == 2
    assert set(schema.extension) == {"telemetry", "quirks"}


@pytest.mark.parametrize("name", ["x.json", "x.YAML"])
def test_a_folder_without_profiles(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("parameters: [{path: A.B}]\n")
    (tmp_path / "below.yaml").mkdir()
    schema, bag = load_profile(tmp_path)
    assert schema is None
    assert [item.code for item in bag] == ["no-files"]


# --- the reference cases ----------------------------------------------------------------------------------------------

CASES = Path(__file__).parents[2].parent / "shared" / "reference" / "profile-loader-cases.json"


@pytest.mark.skipif(not CASES.is_file(), reason=f"{CASES} is not there")
def test_reference_cases(tmp_path: Path) -> None:
    cases = json.loads(CASES.read_text(encoding="utf-8"))
    assert len(cases) >= 100
    wrong = []
    for number, case in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, text in case["files"].items():
            (folder / name).write_text(text, encoding="utf-8")
        whole = len(case["files"]) > 1 or case["name"].startswith("dir")
        schema, bag = load_profile(folder if whole else folder / next(iter(case["files"])))
        if (schema is not None) is not (case["verdict"] == "accept"):
            wrong.append((case["name"], case["verdict"], bag.render()))
    assert wrong == []
