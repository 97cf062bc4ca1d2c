"""Passwords: an ACS may write them and reads them as empty, wherever the standard hides them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpescript.device import standard
from cpescript.device.profile import load_profile
from tests.device import datamodel
from tests.device.pretend import GATEWAY, Pretend, schema_of
from tests.device.test_shipped_profiles import MODELS, NAMES, profile


@pytest.mark.skipif(not datamodel.FOLDER.is_dir(), reason=f"{datamodel.FOLDER} is not there")
@pytest.mark.parametrize(("root", "model"), MODELS.items())
def test_the_list_is_the_standards(root: str, model: str) -> None:
    texts = {path for path in datamodel.hidden(model) if not path.startswith(f"{root}Services.")}
    ours = {f"{root}{name}" for name in standard.HIDDEN[root] if not name.startswith("Services.")}
    assert ours == texts


@pytest.mark.parametrize("name", NAMES)
def test_no_profile_that_ships_tells_its_passwords(name: str) -> None:
    schema = profile(name)
    told = [
        path
        for path in schema.leaves
        if not schema.hides(path) and path.rpartition(".")[2].lower().endswith(("password", "passphrase", "secret"))
    ]
    assert told == []


def test_instances_that_are_added_hide_theirs_too(tmp_path: Path) -> None:
    users = """\
  - path: Device.Users.User
    parameters: [{path: Username, writable: true}, {path: Password, writable: true}]
"""
    schema = schema_of(tmp_path, GATEWAY.replace("objects:\n", f"objects:\n{users}"))
    device = Pretend().device(schema)
    number = device.add_object("Device.Users.User.")
    assert schema.hides(f"Device.Users.User.{number}.Password")
    assert not schema.hides(f"Device.Users.User.{number}.Username")


def test_a_profile_may_hide_more(tmp_path: Path) -> None:
    own = "x-cpescript: {hidden: [Device.WiFi.Channel, 'Device.NAT.PortMapping.{i}.Alias'], "
    schema = schema_of(tmp_path, GATEWAY.replace("x-cpescript: {", own))
    assert schema.hides("Device.WiFi.Channel")
    assert schema.hides("Device.NAT.PortMapping.2.Alias")
    assert schema.hides("Device.NAT.PortMapping.9.Alias")
    assert not schema.hides("Device.NAT.PortMapping.2.Enable")


def test_what_is_hidden_must_exist(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(GATEWAY.replace("x-cpescript: {", "x-cpescript: {hidden: ['Device.NAT.PortMapping.{i}.X'], "))
    schema, bag = load_profile(path)
    assert schema is None
    assert [item.code for item in bag if item.severity == "error"] == ["unknown-path"]
