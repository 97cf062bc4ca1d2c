"""Rules of the house that no single function shows: behaviour is data, devices are small, nobody counts per device."""

from __future__ import annotations

import gc
import re
from pathlib import Path

import pytest

from cpescript import libraries
from cpescript.device.device import Device
from cpescript.device.generator_fields import KINDS
from cpescript.device.lexical import TYPES
from cpescript.device.profile import load_profile
from cpescript.kernel.time import HOUR
from tests.device.pretend import Pretend, schema_of
from tests.device.test_shipped_profiles import NAMES, profile

PACKAGE = Path(__file__).parents[2] / "cpescript"


def modules(*rooms: str) -> list[Path]:
    return [path for room in rooms for path in sorted((PACKAGE / room).rglob("*.py"))]


def test_no_vendor_of_a_profile_is_known_to_the_code() -> None:
    names = set()
    for name in NAMES:
        schema = profile(name)
        assert schema.device_id is not None
        maker = schema.leaves[schema.device_id.manufacturer].default
        names |= {maker.partition(" ")[0], schema.leaves[schema.device_id.product_class].default, name}
    assert len(names) > 15
    for path in sorted(PACKAGE.rglob("*.py")):
        words = (
            set(re.findall(r"[A-Za-z0-9]{4,}", path.read_text(encoding="utf-8"))) if "_data" not in path.parts else ()
        )
        # Help texts and generated scenarios name the profile that everybody knows.
        assert not (names - {"hg100", "HG100", "dg2"}) & set(words), path


def test_paths_of_the_standards_stand_in_one_module_only() -> None:
    standard = {"standard.py", "writer.py", "datamodel_xml.py"}
    for path in modules("device", "kernel", "cwmp"):
        text = re.sub(r'"""(?:.|\n)*?"""|#.*', "", path.read_text(encoding="utf-8"))
        found = re.findall(r'"(?:Device|InternetGatewayDevice)\.[^"]*"', text)
        assert not found or path.name in standard, (path, found)


def test_the_package_holds_no_device() -> None:
    assert [path for path in PACKAGE.rglob("*.yaml") if "profiles" in path.parts and "_data" not in path.parts] == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", TYPES)
def test_a_kind_of_generator_moves_the_types_of_its_row_and_no_others(kind: str, target: str, tmp_path: Path) -> None:
    knobs = {
        "counter": "min: 0, max: 9, step: 1",
        "drift": "min: 0, max: 9, stepMax: 1",
        "enum": 'values: ["1"]',
        "uptime": "",
        "wallclock": "",
    }[kind]
    path = tmp_path / "p.yaml"
    item = f"{{type: {kind}, interval: 5s{', ' if knobs else ''}{knobs}}}"
    path.write_text(f"parameters: [{{path: A.B, type: xsd:{target}, generator: {item}}}]\n", encoding="utf-8")
    schema, _ = load_profile(path)
    assert (schema is not None) is (target in KINDS[kind].targets)


def test_a_json_profile_is_the_yaml_one(tmp_path: Path) -> None:
    import json

    import yaml

    shipped = libraries.find("profiles", "ont4")
    assert shipped is not None
    text = shipped.read_text(encoding="utf-8")
    document = yaml.load(text, yaml.BaseLoader)  # Every scalar as its text, as a profile reads it.

    def typed(node: object, key: str = "") -> object:
        if isinstance(node, dict):
            return {name: typed(value, name) for name, value in node.items()}
        if isinstance(node, list):
            return [typed(value, key) for value in node]
        assert isinstance(node, str)
        if key in ("writable",):
            return node == "true"
        if key in ("value", "path") or not re.fullmatch(r"-?\d+(\.\d+)?", node):
            return node
        return float(node) if "." in node else int(node)

    as_json = tmp_path / "ont4.json"
    as_json.write_text(json.dumps(typed(document)), encoding="utf-8")
    schema, bag = load_profile(as_json)
    assert schema is not None, bag.render()
    yaml_leaves = profile("ont4").leaves
    assert {path: (leaf.type, leaf.writable, leaf.default) for path, leaf in schema.leaves.items()} == {
        path: (leaf.type, leaf.writable, leaf.default) for path, leaf in yaml_leaves.items()
    }


def test_one_generator_more_changes_no_other(tmp_path: Path) -> None:
    from tests.device.pretend import GATEWAY

    more = GATEWAY.replace("\n  - {path: Device.Time.Enable", "\n  - {path: Device.DeviceInfo.Temp, type: xsd:int, "
                           "generator: {type: drift, interval: 1s, min: 0, max: 90, stepMax: 2}}\n"
                           "  - {path: Device.Time.Enable")  # fmt: skip
    jittered = "type: counter, interval: 10s, min: 0, max: 99, step: 10, jitter: 1"
    plain_text, more_text = (
        text.replace("type: counter, interval: 10s, min: 0, max: 99, step: 1", jittered) for text in (GATEWAY, more)
    )
    values = []
    for text in (plain_text, more_text):
        world = Pretend()
        device = world.device(schema_of(tmp_path, text))
        world.pass_time(500)
        values.append([device.get(f"Device.NAT.PortMapping.{number}.Stats.Hits") for number in (1, 2)])
    assert values[0] == values[1]


def test_a_device_has_no_dictionary_and_idles_in_few_octets() -> None:
    schema, world = profile("hg100"), Pretend()
    assert not hasattr(world.device(schema), "__dict__")
    devices = [Device(number, number, "fleet", schema, world) for number in range(1, 2001)]
    gc.collect()
    assert world.kernel.pending == 0, "an idle device has no timer of its own"
    assert all(device._values is device._moving is device._rare is None for device in devices)


def test_a_generator_that_nobody_reads_costs_no_event() -> None:
    world = Pretend()
    device = world.device(profile("hg100"))
    world.kernel.advance(1000 * HOUR)
    assert world.kernel.events == 0
    assert device.get("Device.DeviceInfo.UpTime") == str(1000 * 3600)
