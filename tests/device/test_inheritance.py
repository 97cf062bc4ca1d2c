"""Profiles that extend others, and mixes of several."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpescript.device.mix import Mix
from cpescript.device.profile import load, load_profile
from cpescript.device.schema import Schema
from cpescript.diagnostics import Bag
from tests.device.pretend import GATEWAY, Pretend

VARIANT = """\
x-cpescript:
  extends: gateway
  without: [Device.Time.Anchor]
parameters:
  - {path: Device.DeviceInfo.SoftwareVersion, value: 2.0.0}
  - {path: Device.NAT.PortMapping.2.Alias, value: second}
  - {path: "Device.NAT.PortMapping.{i}.Enable", value: true}
  - {path: Device.DeviceInfo.Fresh, type: xsd:int, value: 7}
objects:
  - {path: Device.NAT.PortMapping, instances: 3}
fleet: {offset: 10}
"""


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def variant(folder: Path, text: str = VARIANT, base: str = GATEWAY) -> tuple[Schema | None, Bag]:
    write(folder, gateway=base, variant=text)
    return load_profile(folder / "variant.yaml")


def good(folder: Path, text: str = VARIANT, base: str = GATEWAY) -> Schema:
    schema, bag = variant(folder, text, base)
    assert schema is not None, bag.render()
    return schema


def test_what_is_given_holds_and_the_rest_is_the_bases(tmp_path: Path) -> None:
    schema = good(tmp_path)
    device = Pretend().device(schema)
    assert schema.name == "variant"
    assert device.get("Device.DeviceInfo.SoftwareVersion") == "2.0.0"
    assert device.get("Device.DeviceInfo.Manufacturer") == "Acme"
    assert device.typed("Device.DeviceInfo.Fresh") == 7
    assert not device.exists("Device.Time.Anchor")
    assert device.exists("Device.Time.Enable")
    assert schema.leaves["Device.Time.Enable"].writable
    # Blocks meet key by key.
    assert (schema.fleet.serial_pattern, schema.fleet.offset) == ("{base}{i:4}", 10)
    assert schema.tables["Device.Hosts.Host."].fixed


def test_a_table_is_resized_and_one_of_its_instances_named(tmp_path: Path) -> None:
    schema = good(tmp_path)
    device = Pretend().device(schema)
    assert device.instances("Device.NAT.PortMapping.") == (1, 2, 3)
    assert device.get("Device.NAT.PortMappingNumberOfEntries") == "3"
    aliases = [device.get(f"Device.NAT.PortMapping.{number}.Alias") for number in (1, 2, 3)]
    assert aliases == ["cpe-1", "second", "cpe-3"]
    assert schema.leaves["Device.NAT.PortMapping.2.Alias"].writable
    assert schema.leaves["Device.NAT.PortMapping.3.Enable"].writable
    assert device.get("Device.NAT.PortMapping.3.Enable") == "true"
    generator = schema.leaves["Device.NAT.PortMapping.3.Stats.Hits"].generator
    assert generator is not None
    assert schema.leaves["Device.NAT.PortMapping.1.Stats.Hits"].generator == generator


MAPPING = "Device.NAT.PortMapping."


@pytest.mark.parametrize(
    ("rows", "warned"),
    [
        (f"{{path: {MAPPING}2.Alias, value: x}}", []),
        (f"{{path: {MAPPING}2.New}}", []),  # A column of one instance only.
        (f"{{path: {MAPPING}9.Alias}}, {{path: {MAPPING}9.Enable}}", [5]),
        (f"{{path: {MAPPING}9.Alias}}, {{path: {MAPPING}9.Enable}}, {{path: {MAPPING}9.Stats.Hits}}", []),
        (f"{{path: {MAPPING}8.Alias}},\n  {{path: {MAPPING}9.Alias}}", [5, 6]),
    ],
)
def test_an_instance_that_the_base_does_not_have_is_said(rows: str, warned: list[int], tmp_path: Path) -> None:
    _, bag = variant(tmp_path, f"x-cpescript:\n  extends: gateway\n\nparameters: [\n  {rows}]\n")
    assert [(item.severity, item.code, item.span.line) for item in bag] == [
        ("warning", "partial-instance", line) for line in warned
    ]


def test_a_base_need_not_count_what_is_laid_over_it(tmp_path: Path) -> None:
    assert list(variant(tmp_path)[1]) == []
    count = "parameters:\n  - {path: Device.NAT.PortMappingNumberOfEntries, value: 2}\n"
    _, own = variant(tmp_path, VARIANT.replace("parameters:\n", count))
    assert [(item.code, item.span.source[-12:]) for item in own] == [("wrong-count", "variant.yaml")]


def test_type_generator_and_access_are_inherited_one_by_one(tmp_path: Path) -> None:
    text = """\
x-cpescript: {extends: gateway}
parameters:
  - {path: Device.WiFi.Channel, writable: false}
  - {path: Device.NAT.PortMapping.2.Stats.Hits, value: 5}
"""
    schema = good(tmp_path, text)
    channel = schema.leaves["Device.WiFi.Channel"]
    assert (channel.type, channel.writable, channel.default) == ("unsignedInt", False, "{cpe:pick:1,6,11}")
    hits = schema.leaves["Device.NAT.PortMapping.2.Stats.Hits"]
    assert (hits.default, hits.generator is not None) == ("5", True)


def test_lists_of_the_base_lose_what_is_dropped(tmp_path: Path) -> None:
    base = GATEWAY + "informParameters: {boot: [Device.DeviceInfo.SoftwareVersion, Device.Time.Enable]}\n"
    schema = good(tmp_path, "x-cpescript: {extends: gateway, without: [Device.Time., Device.Hosts.]}\n", base)
    assert schema.inform_parameters == {"1 BOOT": ("Device.DeviceInfo.SoftwareVersion",)}
    assert schema.extension["read_only_tables"] == ()


def test_generators_and_diagnostics_meet_by_their_path(tmp_path: Path) -> None:
    base = GATEWAY + (
        "generators:\n"
        "  - {path: Device.WiFi.Channel, type: counter, interval: 5s, min: 1, max: 13, step: 1}\n"
        "diagnostics: [{statePath: Device.DeviceInfo.SoftwareVersion, duration: 3s}]\n"
    )
    text = (
        "x-cpescript: {extends: gateway}\n"
        "generators: [{path: Device.WiFi.Channel, max: 7}]\n"
        "diagnostics: [{statePath: Device.DeviceInfo.SoftwareVersion, trigger: Go}]\n"
    )
    schema = good(tmp_path, text, base)
    counter = schema.leaves["Device.WiFi.Channel"].generator
    assert (counter.low, counter.high, counter.interval) == (1, 7, 5_000_000_000)  # type: ignore[union-attr]
    (diagnostic,) = schema.diagnostics
    assert (diagnostic.trigger, diagnostic.duration) == ("Go", 3_000_000_000)


MOVING = GATEWAY + (
    "generators: [{path: Device.WiFi.Channel, type: counter, interval: 5s, min: 1, max: 13, step: 1}]\n"
)
HITS = "Device.NAT.PortMapping.{}.Stats.Hits"


def moved(schema: Schema) -> list[str]:
    """Return what moves, the templates of tables (number 0) included."""
    tables = [HITS.format(0)] if _hits_template(schema) else []
    return [*tables, *(path for path, leaf in schema.leaves.items() if leaf.generator is not None)]


def _hits_template(schema: Schema) -> bool:
    found = schema.tables["Device.NAT.PortMapping."].template.children["Stats"].children["Hits"].leaf
    assert found is not None
    return found.generator is not None


@pytest.mark.parametrize(
    ("without", "gone"),
    [
        ("Device.WiFi.Channel", {"Device.WiFi.Channel"}),
        (HITS.format("{i}"), {HITS.format(number) for number in (0, 1, 2)}),
        (HITS.format(2), {HITS.format(2)}),
        ("Device.NAT.", {HITS.format(number) for number in (0, 1, 2)}),
    ],
)
def test_a_generator_is_taken_off(without: str, gone: set[str], tmp_path: Path) -> None:
    base = good(tmp_path, "x-cpescript: {extends: gateway}\n", MOVING)
    text = f'x-cpescript: {{extends: gateway, generators_without: ["{without}"]}}\n'
    schema = good(tmp_path, text, MOVING)
    assert moved(schema) == [path for path in moved(base) if path not in gone]
    assert len(moved(base)) > len(moved(schema))
    assert {path: leaf.default for path, leaf in schema.leaves.items()} == {
        path: leaf.default for path, leaf in base.leaves.items()
    }


FLAPPING = "generators: [{{path: {}, type: enum, interval: 1s, values: [a, b]}}]"


def test_a_column_stands_still_though_a_list_names_its_instances(tmp_path: Path) -> None:
    base = GATEWAY + FLAPPING.format("Device.NAT.PortMapping.1.Alias") + "\n"
    text = 'x-cpescript: {extends: gateway, generators_without: ["Device.NAT.PortMapping.{i}.Alias"]}\n'
    assert good(tmp_path, text, base).leaves["Device.NAT.PortMapping.1.Alias"].generator is None


def test_an_instance_cannot_stand_still_where_the_column_moves(tmp_path: Path) -> None:
    column = FLAPPING.format('"Device.NAT.PortMapping.{i}.Alias"')
    base = GATEWAY.replace("x-cpescript: {", f"x-cpescript: {{{column}, ")
    assert column in base
    text = "x-cpescript: {extends: gateway, generators_without: [Device.NAT.PortMapping.2.Alias]}\n"
    schema, bag = variant(tmp_path, text, base)
    assert schema is None, "one that moves with its table"
    assert [(item.code, item.remedy) for item in bag] == [
        ("duplicate-generator", "name it as it stands there, with {i}")
    ]
    whole = good(tmp_path, text.replace(".2.", ".{i}.").replace("[D", '["D').replace("Alias]", 'Alias"]'), base)
    assert whole.leaves["Device.NAT.PortMapping.2.Alias"].generator is None


def test_what_stands_still_may_be_given_a_value_and_move_again_further_up(tmp_path: Path) -> None:
    text = """\
x-cpescript: {extends: gateway, generators_without: [Device.WiFi.Channel]}
parameters: [{path: Device.WiFi.Channel, value: 9}]
"""
    schema = good(tmp_path, text, MOVING)
    assert (schema.leaves["Device.WiFi.Channel"].generator, schema.leaves["Device.WiFi.Channel"].default) == (None, "9")
    again = "{path: Device.WiFi.Channel, type: counter, interval: 1s, min: 1, max: 5, step: 1}"
    write(tmp_path, third=f"x-cpescript: {{extends: variant.yaml}}\ngenerators: [{again}]\n")
    third, bag = load_profile(tmp_path / "third.yaml")
    assert third is not None, bag.render()
    assert third.leaves["Device.WiFi.Channel"].generator is not None


def test_a_base_may_have_a_base(tmp_path: Path) -> None:
    write(tmp_path, gateway=GATEWAY, variant=VARIANT, third="x-cpescript: {extends: variant.yaml}\n")
    schema, bag = load_profile(tmp_path / "third.yaml")
    assert schema is not None, bag.render()
    assert schema.constants["Device.DeviceInfo.SoftwareVersion"] == "2.0.0"


def test_a_profile_that_ships_can_be_refined_under_its_own_name(tmp_path: Path) -> None:
    write(tmp_path, hg100="x-cpescript: {extends: hg100}\nfleet: {offset: 5}\n")
    schema, bag = load_profile(tmp_path / "hg100.yaml")
    assert schema is not None, bag.render()
    assert schema.fleet.offset == 5


WRONG = {
    "unknown": ("x-cpescript: {extends: gatway}\n", "unknown-profile", "variant.yaml", 1),
    "itself": ("x-cpescript: {extends: variant.yaml}\n", "extends-cycle", "variant.yaml", 1),
    "nothing-to-drop": ("x-cpescript: {extends: gateway, without: [Device.Tim.]}\n", "unknown-path", "variant.yaml", 1),
    "nothing-to-still": (
        "x-cpescript: {extends: gateway, generators_without: [Device.WiFi.Chan]}\n",
        "unknown-path",
        "variant.yaml",
        1,
    ),
    "still-without-base": (
        "x-cpescript: {generators_without: [Device.WiFi.Channel]}\n",
        "unknown-path",
        "variant.yaml",
        1,
    ),
    "still-and-moving": (
        "x-cpescript: {extends: gateway, generators_without: [Device.NAT.PortMapping.2.Stats.Hits]}\nparameters:\n"
        "  - path: Device.NAT.PortMapping.2.Stats.Hits\n"
        "    generator: {type: counter, interval: 1s, min: 0, max: 9, step: 1}\n",
        "duplicate-generator",
        "variant.yaml",
        1,
    ),
    "drop-without-base": ("x-cpescript: {without: [Device.Time.]}\n", "unknown-path", "variant.yaml", 1),
    "bad-value": (
        "x-cpescript: {extends: gateway}\nparameters:\n  - {path: Device.WiFi.Channel, value: x}\n",
        "bad-value",
        "variant.yaml",
        3,
    ),
    "dropped-but-needed": (
        "x-cpescript: {extends: gateway, without: [Device.DeviceInfo.SerialNumber]}\n",
        "unknown-path",
        "gateway.yaml",
        5,
    ),
    "doubled": (
        "x-cpescript: {extends: gateway}\nparameters:\n  - {path: Device.X.Y}\n  - {path: Device.X.Y}\n",
        "duplicate-path",
        "variant.yaml",
        4,
    ),
    "list": ("x-cpescript: {extends: [gateway]}\n", "wrong-type", "variant.yaml", 1),
}


@pytest.mark.parametrize(("text", "code", "file", "line"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_where_it_stands(text: str, code: str, file: str, line: int, tmp_path: Path) -> None:
    schema, bag = variant(tmp_path, text)
    errors = [(item.code, Path(item.span.source).name, item.span.line) for item in bag if item.severity == "error"]
    assert schema is None
    assert (code, file, line) in errors


def test_a_circle_is_refused(tmp_path: Path) -> None:
    write(tmp_path, a="x-cpescript: {extends: b}\n", b="x-cpescript: {extends: a}\n")
    schema, bag = load_profile(tmp_path / "a.yaml")
    assert schema is None
    assert [item.code for item in bag if item.severity == "error"] == ["extends-cycle"]
    assert "a.yaml extends b.yaml extends a.yaml" in bag.render()


# --- mixes ------------------------------------------------------------------------------------------------------------


def mix(folder: Path, text: str = "x-cpescript: {mix: {gateway: 3, variant: 1}}\n") -> tuple[Schema | Mix | None, Bag]:
    write(folder, gateway=GATEWAY, variant=VARIANT, both=text)
    return load(folder / "both.yaml")


def test_a_mix_is_apportioned_exactly(tmp_path: Path) -> None:
    both, bag = mix(tmp_path)
    assert isinstance(both, Mix), bag.render()
    for count in (1, 2, 3, 4, 7, 10, 100, 101):
        shares = both.shares(count)
        assert sum(shares) == count
        assert all(abs(share - count * weight / 4) < 1 for share, weight in zip(shares, (3, 1), strict=True))
        names = [schema.name for schema in both.assigned(count, 7)]
        assert [names.count(part.name) for part in both.parts] == list(shares)
    assert both.assigned(40, 7) == both.assigned(40, 7)
    assert both.assigned(40, 7) != both.assigned(40, 8)


def test_a_path_is_one_of_a_mix_where_all_have_it(tmp_path: Path) -> None:
    both, _ = mix(tmp_path)
    assert isinstance(both, Mix)
    assert both.path_exists("Device.NAT.PortMapping.1.Enable")
    assert not both.path_exists("Device.DeviceInfo.Fresh")
    assert not both.path_exists("Device.Time.Anchor")
    assert both.type_of("Device.Time.Enable") == "boolean"
    names = set(both.all_names())
    assert "Device.Time.Enable" in names
    assert "Device.DeviceInfo.Fresh" not in names


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x-cpescript: {mix: {gateway: 0}}\n", "out-of-range"),
        ("x-cpescript: {mix: {gatway: 1}}\n", "unknown-profile"),
        ("x-cpescript: {mix: {}}\n", "mix"),
        ("x-cpescript: {mix: {gateway: 1}}\nfleet: {offset: 2}\n", "mix"),
        ("x-cpescript: {mix: {gateway: 1}, cwmp_version: 1.0}\n", "mix"),
        ("x-cpescript: {mix: {both: 1}}\n", "unknown-profile"),
    ],
)
def test_a_wrong_mix_is_refused(text: str, code: str, tmp_path: Path) -> None:
    both, bag = mix(tmp_path, text)
    assert both is None
    assert code in {item.code for item in bag}


def test_a_mix_is_no_profile(tmp_path: Path) -> None:
    mix(tmp_path)
    schema, bag = load_profile(tmp_path / "both.yaml")
    assert schema is None
    assert bag.failed
