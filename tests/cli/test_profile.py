"""`cpescript profile check|show`."""

import json

from cpescript import libraries


def test_several_are_checked_and_all_are_reported(cpescript, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bad = tmp_path / "bad.yaml"
    bad.write_text("parameters:\n  - path: Device.A\n    typ: string\n")
    gone = tmp_path / "gone.yaml"
    status, out, err = cpescript("profile", "check", "hg100", bad, gone)
    assert status == 2
    assert out.splitlines() == [f"{libraries.find('profiles', 'hg100')}: ok"]
    assert f"{bad}:" in err
    assert f"{gone}" in err


def test_the_answer_for_programs_has_an_object_a_path(cpescript, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
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


def test_a_name_means_what_it_would_in_a_scenario(cpescript, tmp_path, monkeypatch):
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "own.yaml").write_text("parameters:\n  - {path: Device.Own}\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert cpescript("profile", "check", "own").out == f"{folder / 'own.yaml'}: ok\n"
    assert "Device.Own" in cpescript("profile", "show", "own", "--parameters").out


def test_show_without_a_name_lists_those_that_ship(cpescript):
    assert cpescript("profile", "show").out.split() == libraries.names("profiles")


def test_show_says_what_a_device_has(cpescript):
    status, out, _ = cpescript("profile", "show", "hg100")
    assert status == 0
    assert "Device.DeviceInfo.ManufacturerOUI  00D0AA\n" in out
    assert "Device.DeviceInfo.SerialNumber  HG{i:08}\n" in out
    assert "0 BOOTSTRAP" in out
    assert "Device.NAT.PortMapping.  0\n" in out
    assert "  apps          hub 1.2.0\n" in cpescript("profile", "show", "hg200").out


def test_show_names_the_quirks_that_devices_are_born_with(cpescript, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("x-cpescript: {extends: hg100, quirks: [bom, huge-values]}\n")
    assert "  quirks        bom\n                huge-values\n" in cpescript("profile", "show", own).out


def test_every_parameter_is_listed_with_type_access_and_value(cpescript):
    rows = cpescript("profile", "show", "hg100", "--parameters").out.splitlines()
    assert len(rows) >= 300
    assert any(row.split() == ["Device.DeviceInfo.ManufacturerOUI", "string", "ro", "00D0AA"] for row in rows)
    assert any(
        row.split() == ["Device.DeviceInfo.UpTime", "unsignedInt", "ro", "uptime", "every", "1s"] for row in rows
    )


# --- import -----------------------------------------------------------------------------------------------------------

CSV = """\
Parameter,Object,Writable,Value,Value type
Device.DeviceInfo.Manufacturer,false,false,Ostrava Works,xsd:string
Device.WiFi.SSID.1.SSID,false,true,one,xsd:string
"""


def test_an_import_is_written_and_can_be_checked(cpescript, tmp_path):
    (tmp_path / "plug.csv").write_text(CSV)
    status, out, err = cpescript("profile", "import", tmp_path / "plug.csv", "-o", tmp_path / "lab.yaml")
    assert (status, out, err) == (0, f"{tmp_path / 'lab.yaml'}: 2 parameters\n", "")
    assert cpescript("profile", "check", tmp_path / "lab.yaml").status == 0
    status, out, _ = cpescript("profile", "import", tmp_path / "plug.csv", "--name", "other")
    assert status == 0
    assert out.startswith("# other: imported from the device model plug.csv.\n")
    assert "PLUG" not in out


def test_an_import_writes_over_nothing_unasked(cpescript, tmp_path):
    (tmp_path / "plug.csv").write_text(CSV)
    (tmp_path / "lab.yaml").write_text("mine")
    status, _, err = cpescript("profile", "import", tmp_path / "plug.csv", "-o", tmp_path / "lab.yaml")
    assert status == 2
    assert "--force" in err
    assert (tmp_path / "lab.yaml").read_text() == "mine"
    assert cpescript("profile", "import", tmp_path / "plug.csv", "-o", tmp_path / "lab.yaml", "--force").status == 0


def test_a_bad_source_is_said_with_its_line(cpescript, tmp_path):
    (tmp_path / "plug.csv").write_text(CSV + "Device.A,false\n")
    status, out, err = cpescript("profile", "import", tmp_path / "plug.csv", "-o", tmp_path / "lab.yaml")
    assert (status, out) == (2, "")
    assert f"{tmp_path / 'plug.csv'}:4: 2 fields where the header has 5" in err
    assert not (tmp_path / "lab.yaml").exists()


def test_instances_are_numbers(cpescript, tmp_path):
    (tmp_path / "m.xml").write_text("<document/>")
    assert cpescript("profile", "import", tmp_path / "m.xml", "--instances", "Device.A.=x").status == 2


def test_show_a_mix(cpescript, tmp_path):
    (tmp_path / "both.yaml").write_text("x-cpescript: {mix: {hg100: 3, dg2: 1}}\n")
    status, out, _ = cpescript("profile", "show", tmp_path / "both.yaml")
    assert status == 0
    assert [line.split()[:2] for line in out.splitlines()] == [["3", "hg100"], ["1", "dg2"]]
