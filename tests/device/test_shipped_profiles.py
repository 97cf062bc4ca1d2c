"""The profiles that ship: they load without a warning, are as large as promised, and agree with the standards."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from cpescript import libraries
from cpescript.device.profile import load_profile
from cpescript.device.schema import Schema
from tests.device import datamodel
from tests.device.pretend import Pretend

NAMES = libraries.names("profiles")
MODELS = {"Device.": "tr-181-2-15-1-cwmp-full.xml", "InternetGatewayDevice.": "tr-098-1-8-0-full.xml"}

needs_standards = pytest.mark.skipif(not datamodel.FOLDER.is_dir(), reason=f"{datamodel.FOLDER} is not there")


@cache
def profile(name: str) -> Schema:
    path = libraries.find("profiles", name)
    assert path is not None
    schema, bag = load_profile(path)
    assert schema is not None, bag.render()
    assert list(bag) == []
    return schema


@pytest.mark.parametrize("name", NAMES)
def test_loads_clean_and_can_run(name: str) -> None:
    schema = profile(name)
    assert schema.later == ()
    assert schema.problems(1, 1_000_000) == []


@pytest.mark.parametrize(("name", "parameters", "moving"), [("hg100", 300, 60), ("dg2", 150, 20)])
def test_is_as_large_as_promised(name: str, parameters: int, moving: int) -> None:
    schema = profile(name)
    assert len(schema.leaves) >= parameters
    assert sum(1 for leaf in schema.leaves.values() if leaf.generator is not None) >= moving


@pytest.mark.parametrize("name", NAMES)
def test_has_what_the_protocol_needs(name: str) -> None:
    schema = profile(name)
    assert schema.periodic is not None
    assert schema.periodic.time is not None
    assert schema.constants[schema.periodic.interval] == "3600"
    assert schema.constants[schema.periodic.enable] == "true"
    assert schema.constants[schema.periodic.time].startswith("0001-")
    assert schema.acs_credentials is not None
    assert (schema.connection_request.scheme, schema.connection_request.throttle_window) == ("digest", 0)
    assert schema.transfer.firmware is not None
    assert schema.acs_url is not None
    assert schema.connection_request_url is not None
    assert f"{schema.root}DeviceInfo.SoftwareVersion" in schema.forced_inform


@pytest.mark.parametrize("name", NAMES)
def test_every_value_of_a_device_fits_its_type(name: str) -> None:
    world = Pretend()
    device = world.device(profile(name), 77_777)
    for seconds in (0, 90_000):
        world.pass_time(seconds)
        for path in device.leaves(""):
            device.typed(path)


def _beyond(path: str, root: str) -> bool:
    """Whether a path belongs to a data model of its own (TR-104, TR-135, TR-196 below `Services.`), or to a vendor."""
    return path.startswith(f"{root}Services.") or ".X_" in path


@needs_standards
@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_the_standard(name: str) -> None:
    schema = profile(name)
    standard = datamodel.read(MODELS[schema.root])
    columns = [
        (f"{table.path}1.{relative}", node)
        for table in schema.tables.values()
        for relative, node in table.template.children.items()
        if node.leaf is not None
    ]
    leaves = [(leaf.path, leaf.type, leaf.writable) for leaf in schema.leaves.values()]
    leaves += [(path, node.leaf.type, node.leaf.writable) for path, node in columns if node.leaf is not None]
    wrong = [
        (path, kind, writable, expected)
        for path, kind, writable in leaves
        if not _beyond(path, schema.root)
        and (expected := standard.parameters.get(datamodel.generic(path))) != (kind, writable)
    ]
    assert wrong == []


@cache
def services() -> dict[str, tuple[str, bool, bool]]:
    """Return (type, writable, in every Inform) of the parameters below `Services.` that are known."""
    found: dict[str, tuple[str, bool, bool]] = {}
    parent = ""
    for line in Path(__file__).with_name("services.txt").read_text(encoding="utf-8").splitlines():
        words = [] if line.startswith("#") else line.split()
        if words and not line.startswith(" "):
            parent = words.pop(0).removeprefix(".")
        for word in words:
            name, _, kind = word.partition(":")
            found[parent + name] = kind.rstrip("!*"), "!" in kind, "*" in kind
    return found


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_the_standards_of_services(name: str) -> None:
    """Whoever gives a shipped profile another parameter below `Services.` looks it up first, for `services.txt`."""
    schema = profile(name)
    start = f"{schema.root}Services."
    wrong = [
        (leaf.path, leaf.type, leaf.writable)
        for leaf in schema.leaves.values()
        if leaf.path.startswith(start)
        and services().get(datamodel.generic(leaf.path)[len(start) :], ())[:2] != (leaf.type, leaf.writable)
    ]
    assert wrong == []


@needs_standards
@pytest.mark.parametrize("name", NAMES)
def test_no_table_gives_more_than_the_standard(name: str) -> None:
    schema = profile(name)
    standard = datamodel.read(MODELS[schema.root])
    for table in schema.tables.values():
        if _beyond(table.path, schema.root):
            continue
        generic = datamodel.generic(table.path) + "{i}."
        assert generic in standard.objects, generic
        assert table.fixed or standard.objects[generic], f"{table.path} must be read-only"


@needs_standards
@pytest.mark.parametrize("name", NAMES)
def test_what_the_standard_forces_is_forced(name: str) -> None:
    schema = profile(name)
    forced = datamodel.read(MODELS[schema.root]).forced
    found = {path for path in schema.leaves if datamodel.generic(path) in forced}
    start = f"{schema.root}Services."
    of_services = {start + path for path, (_, _, always) in services().items() if always}
    found |= {path for path in schema.leaves if datamodel.generic(path) in of_services}
    assert set(schema.forced_inform) == found


def test_names_are_those_of_the_folder() -> None:
    folder = libraries.folder("profiles")
    assert folder is not None
    assert {path.stem for path in Path(folder).glob("*.yaml")} <= set(NAMES)
