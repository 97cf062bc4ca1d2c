"""`cpescript profile check|show`."""

import json

from cpescript import libraries


def test_several_are_checked_and_all_are_reported(cpescript, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("parameters:\n  - path: Device.A\n    typ: string\n")
    gone = tmp_path / "gone.yaml"
    status, out, err = cpescript("profile", "check", "hg100", bad, gone)
    assert status == 2
    assert out.splitlines() == [f"{libraries.find('profiles', 'hg100')}: ok"]
    assert f"{bad}:" in err
    assert f"{gone}" in err


def test_the_answer_for_programs_has_an_object_a_path(cpescript, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("parameters:\n  - path: Device.A\n    typ: string\n")
    status, out, err = cpescript("profile", "check", "--json", bad, "hg100", tmp_path / "gone.yaml")
    first, second, third = json.loads(out)
    assert (status, err) == (2, "")
    assert first["path"] == str(bad)
    assert first["ok"] is False
    assert {"file", "line", "column", "code", "message"} <= set(first["problems"][0])
    assert second == {"path": str(libraries.find("profiles", "hg100")), "ok": True, "problems": second["problems"]}
    assert third["ok"] is False


def test_show_without_a_name_lists_those_that_ship(cpescript):
    assert cpescript("profile", "show").out.split() == libraries.names("profiles")


def test_show_says_what_a_device_has(cpescript):
    status, out, _ = cpescript("profile", "show", "hg100")
    assert status == 0
    assert "Device.DeviceInfo.ManufacturerOUI" in out
    assert "0 BOOTSTRAP" in out
    assert "Device.NAT.PortMapping." in out


def test_every_parameter_is_listed_with_type_access_and_value(cpescript):
    rows = cpescript("profile", "show", "hg100", "--parameters").out.splitlines()
    assert len(rows) >= 300
    assert any(row.split() == ["Device.DeviceInfo.ManufacturerOUI", "string", "ro", "00D0AA"] for row in rows)
