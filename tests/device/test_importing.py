"""Profiles made of what others know: data models, device models, captures; hostile ones are refused."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from cpescript.device.device import Device
from cpescript.device.importing import Choice, ImportRefused, import_profile
from cpescript.device.importing.xml_events import elements
from cpescript.device.profile import load_profile
from cpescript.device.schema import Schema
from tests.device import datamodel
from tests.device.pretend import Pretend

MODEL = """<?xml version="1.0" encoding="UTF-8"?>
<dm:document xmlns:dm="urn:broadband-forum-org:cwmp:datamodel-1-14" spec="urn:example:model" file="model.xml">
  <dataType name="Alias"><string><size maxLength="64"/></string></dataType>
  <dataType name="Percent"><unsignedInt><range minInclusive="0" maxInclusive="100"/></unsignedInt></dataType>
  <dataType name="HotPercent" base="Percent"/>
  <bibliography><reference id="X"><name>X</name></reference></bibliography>
  <model name="Device:2.99">
    <object name="Device." access="readOnly" minEntries="1" maxEntries="1">
      <parameter name="RootDataModelVersion" access="readOnly" forcedInform="true">
        <syntax><string/></syntax></parameter>
      <parameter name="RackNumberOfEntries" access="readOnly"><syntax><unsignedInt/></syntax></parameter>
    </object>
    <object name="Device.DeviceInfo." access="readOnly" minEntries="1" maxEntries="1">
      <parameter name="Manufacturer" access="readOnly"><syntax><string/></syntax></parameter>
      <parameter name="SoftwareVersion" access="readOnly" forcedInform="true" activeNotify="forceEnabled">
        <syntax><string/></syntax></parameter>
      <parameter name="Load" access="readOnly" activeNotify="canDeny">
        <syntax><dataType ref="HotPercent"/></syntax></parameter>
      <parameter name="Spaced " access="readOnly"><syntax><string/></syntax></parameter>
      <parameter name="Old" access="readOnly" status="deprecated"><syntax><string/></syntax></parameter>
    </object>
    <object name="Device.ManagementServer." access="readOnly" minEntries="1" maxEntries="1">
      <parameter name="PeriodicInformInterval" access="readWrite">
        <syntax><unsignedInt><range minInclusive="1"/></unsignedInt></syntax></parameter>
      <parameter name="PeriodicInformEnable" access="readWrite">
        <syntax><boolean/><default type="factory" value="true"/></syntax></parameter>
      <parameter name="PeriodicInformTime" access="readWrite"><syntax><dateTime/></syntax></parameter>
    </object>
    <object name="Device.Rack.{i}." access="readWrite" minEntries="0" maxEntries="unbounded">
      <parameter name="Alias" access="readWrite"><syntax><dataType ref="Alias"/></syntax></parameter>
      <parameter name="Status" access="readOnly">
        <syntax><string><enumeration value="Disabled"/><enumeration value="Enabled"/></string></syntax></parameter>
      <parameter name="Bytes" access="readOnly" activeNotify="forceDefaultEnabled">
        <syntax><unsignedLong/></syntax></parameter>
      <parameter name="Tags" access="readWrite"><syntax><list/><string><enumeration value="A"/></string></syntax>
      </parameter>
    </object>
    <object name="Device.Rack.{i}.Shelf.{i}." access="readOnly" minEntries="0" maxEntries="unbounded">
      <parameter name="Height" access="readOnly">
        <syntax><unsignedInt><range minInclusive="3"/></unsignedInt></syntax></parameter>
    </object>
    <profile name="Baseline:1"><object ref="Device." requirement="present"/></profile>
  </model>
</dm:document>
"""


def loaded(text: str, tmp_path: Path) -> Schema:
    path = tmp_path / "imported.yaml"
    path.write_text(text, encoding="utf-8")
    schema, bag = load_profile(path)
    assert schema is not None, bag.render()
    assert list(bag) == []
    return schema


def source(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


# --- data models ------------------------------------------------------------------------------------------------------


def test_a_data_model_becomes_a_profile(tmp_path: Path) -> None:
    imported = import_profile([source(tmp_path, "model.xml", MODEL)], "rack", choice=Choice(counts={"Device.Rack.": 2}))
    schema = loaded(imported.text, tmp_path)
    leaf = schema.leaves
    assert (leaf["Device.DeviceInfo.Load"].type, leaf["Device.DeviceInfo.Load"].default) == ("unsignedInt", "0")
    assert leaf["Device.ManagementServer.PeriodicInformInterval"].default == "3600"
    assert leaf["Device.ManagementServer.PeriodicInformEnable"].default == "true"
    assert leaf["Device.ManagementServer.PeriodicInformTime"].default.startswith("0001-")
    assert leaf["Device.Rack.2.Status"].default == "Disabled"
    assert (leaf["Device.Rack.1.Alias"].writable, leaf["Device.Rack.1.Status"].writable) == (True, False)
    assert leaf["Device.Rack.1.Bytes"].type == "unsignedInt"
    assert leaf["Device.Rack.1.Tags"].default == ""
    assert leaf["Device.Rack.2.Shelf.1.Height"].default == "3"
    assert leaf["Device.DeviceInfo.Manufacturer"].default == "Imported"
    assert "Device.DeviceInfo.Old" not in leaf
    assert "Device.DeviceInfo.Spaced" in leaf, "names have lost their blanks"
    assert schema.tables["Device.Rack."].declared == (1, 2)
    assert not schema.tables["Device.Rack."].fixed
    assert schema.tables["Device.Rack.1.Shelf."].fixed
    assert schema.constants["Device.RackNumberOfEntries"] == "2"
    assert schema.periodic is not None


def test_attributes_of_the_model_hold(tmp_path: Path) -> None:
    schema = loaded(import_profile([source(tmp_path, "model.xml", MODEL)], "rack").text, tmp_path)
    assert set(schema.forced_inform) == {"Device.RootDataModelVersion", "Device.DeviceInfo.SoftwareVersion"}
    assert schema.forced_active == {"Device.DeviceInfo.SoftwareVersion"}
    assert "Device.Rack.1.Bytes" in schema.default_active
    device = Pretend().device(schema)
    assert device.notification("Device.Rack.1.Bytes") == 2


def test_objects_are_chosen(tmp_path: Path) -> None:
    path = source(tmp_path, "model.xml", MODEL)
    schema = loaded(import_profile([path], "rack", choice=Choice(("Device.DeviceInfo",))).text, tmp_path)
    assert set(schema.tables) == set()
    assert "Device.RootDataModelVersion" in schema.leaves, "what every Inform carries is always there"
    assert "Device.RackNumberOfEntries" not in schema.leaves
    with pytest.raises(ImportRefused) as refused:
        import_profile([path], "rack", choice=Choice(("Device.DevicInfo.",)))
    assert "Device.DevicInfo." in str(refused.value)
    assert refused.value.remedy == "did you mean 'Device.DeviceInfo.'?"


def test_a_table_without_instances_can_be_added_to(tmp_path: Path) -> None:
    path = source(tmp_path, "model.xml", MODEL)
    schema = loaded(import_profile([path], "rack", choice=Choice(counts={"Device.Rack.": 0})).text, tmp_path)
    device = Pretend().device(schema)
    number = device.add_object("Device.Rack.")
    assert device.get(f"Device.Rack.{number}.Status") == "Disabled"
    assert device.get("Device.RackNumberOfEntries") == "1"


@pytest.mark.skipif(not datamodel.FOLDER.is_dir(), reason=f"{datamodel.FOLDER} is not there")
@pytest.mark.parametrize(
    ("model", "objects"),
    [
        ("tr-181-2-15-1-cwmp-full.xml", ("Device.DeviceInfo.", "Device.WiFi.", "Device.ManagementServer.")),
        ("tr-098-1-8-0-full.xml", ("InternetGatewayDevice.DeviceInfo.", "InternetGatewayDevice.LANDevice.")),
    ],
)
def test_the_standards_own_models_load(model: str, objects: tuple[str, ...], tmp_path: Path) -> None:
    imported = import_profile([datamodel.FOLDER / model], "model", choice=Choice(objects))
    schema = loaded(imported.text, tmp_path)
    standard = datamodel.read(model)
    assert imported.parameters > 300
    for leaf in schema.leaves.values():
        if leaf.path in schema.forced_inform or leaf.path.startswith(tuple(objects)):
            assert standard.parameters[datamodel.generic(leaf.path)] == (leaf.type, leaf.writable)


@pytest.mark.skipif(not datamodel.FOLDER.is_dir(), reason=f"{datamodel.FOLDER} is not there")
@pytest.mark.parametrize("deprecated", [False, True])
def test_a_whole_model_of_the_standard_loads(deprecated: bool, tmp_path: Path) -> None:
    choice = Choice(deprecated=deprecated)
    imported = import_profile([datamodel.FOLDER / "tr-098-1-8-0-full.xml"], "all", choice=choice)
    assert len(loaded(imported.text, tmp_path).leaves) > 1700


# --- device models ----------------------------------------------------------------------------------------------------

CSV = """\
Parameter,Object,Object timestamp,Writable,Writable timestamp,Value,Value type,Value timestamp,Notification,\
Notification timestamp,Access list,Access list timestamp
DeviceID.ProductClass,false,,false,,"BOX",xsd:string,,,,,
Tags.lab,false,,true,,"true",xsd:boolean,,,,,
Device,true,2024-01-01T00:00:00.000Z,false,,,,,,,,
Device.DeviceInfo,true,,false,,,,,,,,
Device.DeviceInfo.Manufacturer,false,,false,,"Ostrava ""Works"", Ltd",xsd:string,,,,,
Device.DeviceInfo.ManufacturerOUI,false,,false,,"00D0BB",xsd:string,,,,,
Device.DeviceInfo.ProductClass,false,,false,,"BOX",xsd:string,,,,,
Device.DeviceInfo.SerialNumber,false,,false,,"0012",xsd:string,,,,,
Device.ManagementServer,true,,false,,,,,,,,
Device.ManagementServer.Password,false,,true,,"hunter2",xsd:string,,,,,
Device.WiFi.SSID,true,,true,,,,,,,,
Device.WiFi.SSID.1,true,,true,,,,,,,,
Device.WiFi.SSID.1.SSID,false,,true,,"one",xsd:string,,,,,
Device.WiFi.SSID.1.Enable,false,,true,,"1",xsd:boolean,,,,,
Device.WiFi.SSID.3,true,,true,,,,,,,,
Device.WiFi.SSID.3.SSID,false,,true,,"three",xsd:string,,,,,
Device.WiFi.SSID.3.Enable,false,,true,,"maybe",xsd:boolean,,,,,
Device.Hosts.Host,true,,false,,,,,,,,
Device.Hosts.Host.1,true,,false,,,,,,,,
Device.Hosts.Host.1.HostName,false,,false,,"a",xsd:string,,,,,
Device.Hosts.Host.2,true,,false,,,,,,,,
Device.Hosts.Host.2.HostName,false,,false,,"a",xsd:string,,,,,
Device.LAN.Port,true,,false,,,,,,,,
Device.LAN.Port.1.Name,false,,false,,"yellow",xsd:string,,,,,
Device.LAN.Port.2.Name,false,,false,,"blue",xsd:string,,,,,
Device.NAT.PortMapping,true,,true,,,,,,,,
"""


def test_a_device_model_becomes_a_profile(tmp_path: Path) -> None:
    imported = import_profile([source(tmp_path, "box.csv", CSV)], "box")
    schema = loaded(imported.text, tmp_path)
    device = Pretend().device(schema)
    assert device.device_id == ('Ostrava "Works", Ltd', "00D0BB", "BOX", "0012-1")
    assert device.get("Device.WiFi.SSID.3.SSID") == "three"
    assert device.get("Device.WiFi.SSID.1.Enable") == "true"
    assert [device.get(f"Device.LAN.Port.{number}.Name") for number in (1, 2)] == ["yellow", "blue"]
    assert device.instances("Device.WiFi.SSID.") == (1, 3)
    assert device.add_object("Device.WiFi.SSID.") == 4
    assert schema.tables["Device.Hosts.Host."].fixed
    assert not any(path.startswith(("DeviceID", "Tags")) for path in schema.leaves)
    assert "hunter2" not in imported.text
    assert imported.notes == (
        "values of secrets not written: 1; --secrets writes them",
        "values that did not fit their types, replaced by defaults: 1: "
        "Device.WiFi.SSID.3.Enable ('maybe' is no boolean)",
        "1 empty tables were left out, as nobody knows their columns: Device.NAT.PortMapping.; --model may know them",
    )
    assert "hunter2" in import_profile([tmp_path / "box.csv"], "box", secrets=True).text


# --- captures ---------------------------------------------------------------------------------------------------------

ENVELOPE = """<?xml version="1.0"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:cwmp="urn:dslforum-org:cwmp-1-2"><s:Body>
<cwmp:{rpc}><ParameterList>{items}</ParameterList></cwmp:{rpc}></s:Body></s:Envelope>"""


def served(device: Device, schema: Schema) -> tuple[str, str]:
    """Return the GetParameterNames and GetParameterValues responses of a device for everything it has."""
    from xml.sax.saxutils import escape

    names = "".join(
        f"<ParameterInfoStruct><Name>{name}</Name><Writable>{int(writable)}</Writable></ParameterInfoStruct>"
        for name, writable in device.names("", False)
        if name
    )
    values = []
    for path in device.leaves(""):
        kind, value = schema.leaves[path].type, device.get(path)
        text = "" if schema.hides(path) else escape(value)
        values.append(
            f"<ParameterValueStruct><Name>{path}</Name>"
            f'<Value xsi:type="xsd:{kind}">{text}</Value></ParameterValueStruct>'
        )
    return (
        ENVELOPE.format(rpc="GetParameterNamesResponse", items=names),
        ENVELOPE.format(rpc="GetParameterValuesResponse", items="".join(values)),
    )


def test_import_load_serve_and_import_again_is_the_same(tmp_path: Path) -> None:
    first = import_profile([source(tmp_path, "box.csv", CSV)], "box").text
    texts = [first]
    for turn in range(2):
        schema = loaded(texts[-1].replace('"{base}-{i}"', '"{base}"'), tmp_path)
        names, values = served(Pretend().device(schema), schema)
        files = [source(tmp_path, f"names{turn}.xml", names), source(tmp_path, f"values{turn}.xml", values)]
        imported = import_profile(files, "box")
        assert imported.notes == ()
        texts.append(imported.text)
    plain = [text.partition("\n")[2] for text in texts]
    assert plain[0] == plain[1] == plain[2]


def test_a_trace_is_a_capture(tmp_path: Path) -> None:
    schema = loaded(import_profile([source(tmp_path, "box.csv", CSV)], "box").text, tmp_path)
    world = Pretend()
    lines = ['{"schema": "cpescript-trace/1"}']
    for number in (1, 2):
        names, values = served(world.device(schema, number), schema)
        for kind, body in (("GetParameterNamesResponse", names), ("GetParameterValuesResponse", values)):
            lines.append(json.dumps({"device": f"fleet[{number}]", "kind": kind, "body": body}))
    path = source(tmp_path, "run.jsonl", "\n".join(lines))
    assert "0012-1" in import_profile([path], "box").text
    text = import_profile([path], "box", device="fleet[2]").text
    assert "0012-2" in text
    assert loaded(text, tmp_path).leaves["Device.WiFi.SSID.3.SSID"].default == "three"


def test_what_a_capture_lacks_is_said(tmp_path: Path) -> None:
    item = '<ParameterValueStruct><Name>Device.A.B</Name><Value xsi:type="xsd:long">7</Value></ParameterValueStruct>'
    path = source(tmp_path, "values.xml", ENVELOPE.format(rpc="GetParameterValuesResponse", items=item))
    imported = import_profile([path], "box")
    assert imported.notes == ("1 parameters are read-only here: no GetParameterNames answer lists them",)
    assert loaded(imported.text, tmp_path).leaves["Device.A.B"].type == "int"


def captured(tmp_path: Path, *names: str) -> Path:
    """Return a capture of a device that has nothing but these names, each writable, with empty values."""
    items = "".join(
        f"<ParameterInfoStruct><Name>{name}</Name><Writable>1</Writable></ParameterInfoStruct>" for name in names
    )
    return source(tmp_path, "names.xml", ENVELOPE.format(rpc="GetParameterNamesResponse", items=items))


def test_a_data_model_knows_the_columns_of_empty_tables(tmp_path: Path) -> None:
    capture = captured(
        tmp_path,
        "Device.X",
        "Device.Rack.",
        "Device.Rack.1.",
        "Device.Rack.1.Shelf.",
        "Device.Rack.2.Shelf.",
        "Device.Hall.",
    )
    model = source(tmp_path, "model.xml", MODEL)
    imported = import_profile([capture], "box", model=model)
    schema = loaded(imported.text, tmp_path)
    device = Pretend().device(schema)
    assert device.add_object("Device.Rack.1.Shelf.", "device") == 1
    assert device.add_object("Device.Rack.2.Shelf.", "device") == 1
    assert device.get("Device.Rack.1.Shelf.1.Height") == "3"
    assert any("empty tables were left out" in note and "Device.Hall.;" in note for note in imported.notes)
    capture = captured(tmp_path, "Device.X", "Device.Rack.")
    imported = import_profile([capture], "box", model=model)
    device = Pretend().device(loaded(imported.text, tmp_path))
    assert device.add_object("Device.Rack.") == 1
    assert device.get("Device.Rack.1.Status") == "Disabled"
    assert not device.schema.added_leaf(*device.schema.added("Device.Rack.1.Status")).writable


def test_a_table_with_instances_keeps_its_own_columns(tmp_path: Path) -> None:
    capture = captured(tmp_path, "Device.X", "Device.Rack.", "Device.Rack.1.", "Device.Rack.1.Alias")
    model = source(tmp_path, "model.xml", MODEL)
    schema = loaded(import_profile([capture], "box", model=model).text, tmp_path)
    assert [path for path in schema.leaves if "Rack" in path] == ["Device.Rack.1.Alias"]


@pytest.mark.parametrize(("text", "why"), [("<document/>", "describes no object"), ("no XML", "no XML")])
def test_a_model_that_is_none_is_refused_by_its_name(text: str, why: str, tmp_path: Path) -> None:
    model = source(tmp_path, "model.xml", text)
    with pytest.raises(ImportRefused, match=why) as refused:
        import_profile([captured(tmp_path, "Device.X")], "box", model=model)
    assert refused.value.source == model


def test_instances_that_hold_tables_alone_are_no_table(tmp_path: Path) -> None:
    items = "".join(
        f"<ParameterInfoStruct><Name>{name}</Name><Writable>0</Writable></ParameterInfoStruct>"
        for name in (
            "Device.A.",
            "Device.A.1.",
            "Device.A.1.B.",
            "Device.A.1.B.7.",
            "Device.A.1.B.7.C",
            "Device.A.2.B.1.C",
        )
    )
    path = source(tmp_path, "names.xml", ENVELOPE.format(rpc="GetParameterNamesResponse", items=items))
    schema = loaded(import_profile([path], "box").text, tmp_path)
    assert "Device.A.1.B.7.C" in schema.leaves
    assert {path: table.fixed for path, table in schema.tables.items()} == {
        "Device.A.1.B.": True,
        "Device.A.2.B.": True,
    }


# --- hostile sources --------------------------------------------------------------------------------------------------

BOMB = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'

HOSTILE = {
    "entities": ("a.xml", MODEL.replace("<dm:document", BOMB + "<dm:document").encode(), "document type"),
    "entity-in-a-capture": ("a.xml", (BOMB + "<Envelope>&b;</Envelope>").encode(), "document type"),
    "entities-without-end": (
        "a.xml",
        b'<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY %c "%s">' % (97 + n, b"&%c;" % (96 + n) * 10) for n in range(1, 9))
        + b"]><document>&i;</document>",
        "document type",
    ),
    "no-xml": ("a.xml", b"parameters: []", "no XML"),
    "cut-off": ("a.xml", MODEL[:2000].encode(), "no XML"),
    "empty": ("a.xml", b"", "no XML"),
    "refinement": (
        "a.xml",
        b'<document><model name="x"><object base="Device." access="readOnly"/></model></document>',
        "refines another file",
    ),
    "no-object": ("a.xml", b"<document><model/></document>", "no object"),
    "nothing-captured": ("a.xml", b"<Envelope><Body/></Envelope>", "no GetParameterNamesResponse"),
    "bad-path": (
        "a.xml",
        b"<E><ParameterValueStruct><Name>A..B</Name><Value>1</Value></ParameterValueStruct></E>",
        "empty segment",
    ),
    "csv-latin-1": ("a.csv", CSV.replace("Ostrava", "Plzeň").encode("iso8859-2"), "not UTF-8"),
    "csv-utf-16": ("a.csv", CSV.encode("utf-16"), "not UTF-8"),
    "csv-columns": ("a.csv", b"Path,Value\nA.B,1\n", "no column 'Parameter'"),
    "csv-short-row": ("a.csv", CSV.encode() + b"Device.A.B,false\n", "2 fields"),
    "csv-template": ("a.csv", CSV.encode() + b"Device.A.{i}.B,false,,true,,x,xsd:string,,,,,\n", "holds a placeholder"),
    "csv-quotes": ("a.csv", CSV.encode() + b'"Device.A"x,false,,\n', "no CSV"),
    "csv-empty": ("a.csv", b"", "no column"),
    "csv-nothing": ("a.csv", CSV.splitlines()[0].encode() + b"\n", "no parameter"),
    "no-trace": ("a.jsonl", b"[1]\n", "no trace"),
    "deep-trace": ("a.jsonl", b"[" * 100_000, "no trace"),
    "trace-body": ("a.jsonl", b'{"kind": "GetParameterValuesResponse", "body": "<a>"}\n', "no XML"),
    "trace-empty": ("a.jsonl", b"", "no GetParameterNamesResponse"),
}


@pytest.mark.parametrize(("name", "octets", "why"), HOSTILE.values(), ids=HOSTILE)
def test_a_bad_source_is_refused(name: str, octets: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(octets)
    with pytest.raises(ImportRefused, match=why) as refused:
        import_profile([path], "bad")
    assert refused.value.source == path


def test_what_was_read_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpescript.device.importing.xml_events._PIECE", 100)
    objects = "".join(f"<object name='Device.A{n}.'><parameter name='B'/></object>" for n in range(50))
    path = source(tmp_path, "a.xml", f"<document><model>{objects}<profile><object/></profile></model></document>")
    held = 0
    for element in elements(path, {"object": "model"}):
        parent = element.getparent()
        assert parent is not None
        held = max(held, sum(1 for _ in parent.iter()))
    assert held < 12


@pytest.mark.parametrize("name", ["big.xml", "big.csv", "big.jsonl"])
def test_100_megabytes_are_refused_in_little_memory(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A sixtieth of both the file and the bound: the memory is compared with the bound, not with a number.
    bound = 1 << 20
    for module in ("xml_events", "device_csv"):
        monkeypatch.setattr(f"cpescript.device.importing.{module}.MOST_OCTETS", bound)
    monkeypatch.setattr("cpescript.device.importing.capture._LONGEST_RECORD", bound)
    path = tmp_path / name
    starts = {"big.xml": "<document><model>", "big.csv": CSV.splitlines()[0] + "\n", "big.jsonl": '{"kind": "'}
    pieces = {
        "big.xml": "<object name='Device.A.' access='readOnly'><parameter name='B'/></object>",
        "big.csv": "Device.A.B,false,,false,,x,xsd:string,,,,,\n",
        "big.jsonl": "x" * 50,
    }
    with path.open("w", encoding="utf-8") as file:
        file.write(starts[name])
        for _ in range((5 << 20) // 3 // len(pieces[name])):
            file.write(pieces[name])
    tracemalloc.start()
    with pytest.raises(ImportRefused, match=r"larger than|longer than"):
        import_profile([path], "big")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * bound
