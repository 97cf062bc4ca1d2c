"""The proxy between devices and their ACS: what goes through, and what the trace has of it."""

from __future__ import annotations

import asyncio
import io
import json
import ssl
import time
import urllib.request
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest
from aiohttp import web

from cpescript.acs.server import Acs
from cpescript.kernel.trace import Writer
from cpescript.recording.reading import Entry, Header, read
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from cpescript.transport import authority
from cpescript.transport.acs_service import AcsService
from cpescript.transport.options import WireOptions
from cpescript.transport.recorder import Recorder, masked
from cpescript.transport.tls import server_context
from tests.adapters.serving import on_a_loop, served

SCENARIO = """
limit 1h
spawn 3 of hg100 as fleet
wait until each fleet registered within 5m
acs set Device.ManagementServer.PeriodicInformInterval = 900 on fleet
expect SPV Device.ManagementServer.PeriodicInformInterval = 900 on each fleet within 5m
wait 1m
"""


@contextmanager
def recording(acs_url, relay=False, inwards=None, outwards=None, **options):
    file = io.BytesIO()
    writer = Writer("recorded", file)
    writer.header({"start": "2026-01-01T00:00:00Z", "acs": "external"})
    recorder = Recorder(acs_url, writer, relay=relay, tls=outwards, **options)

    async def start(stack):
        return await recorder.start("127.0.0.1", 0, stack, inwards)

    with on_a_loop(start) as port:
        yield f"{'http' if inwards is None else 'https'}://127.0.0.1:{port}/", recorder, file


def entries(file, folder):
    path = folder / "recorded.jsonl"
    path.write_bytes(file.getvalue())
    header, *found = read(path)
    assert isinstance(header, Header)
    return path, [entry for entry in found if isinstance(entry, Entry)]


@pytest.mark.slow
@pytest.mark.parametrize("relay", [False, True])
def test_a_fleet_through_the_proxy(relay, acs, tmp_path, cpescript):
    path = tmp_path / "case.cpes"
    path.write_text(SCENARIO)
    with recording(acs.url, relay) as (url, recorder, file):
        result = run(RunOptions(scenarios=(str(path),), acs=url, adapter="cpescript", north=acs.north, seed=1))
        assert result.scenarios[0].verdict == "passed", result.scenarios[0].reason
        assert recorder.devices == 3
    trace, found = entries(file, tmp_path)
    assert next(each.data["identity"] for each in found if each.kind == "spawn") == "00D0AA-HG100-HG00000001"
    assert {each.device for each in found} == {"recorded[1]", "recorded[2]", "recorded[3]"}
    kinds = [each.kind for each in found if each.device == "recorded[1]" and each.session == 1]
    assert kinds[:5] == ["Inform", "InformResponse", "Empty", "SetParameterValues", "SetParameterValuesResponse"]
    assert [each.data["outcome"] for each in found if each.kind == "SessionEnd"] == ["done"] * 6
    assert all(each.wall_ns for each in found if each.direction != "local")
    calls = [each for each in found if each.kind == "ConnectionRequest"]
    assert bool(calls) is relay
    for each in found:
        if each.kind == "SetParameterValues" and each.session == 1:
            assert b"ConnectionRequestPassword</Name><Value" in each.body
            assert b">***</Value>" in each.body
        for name, value in each.http.headers if each.http is not None else ():
            assert name.lower() not in ("cookie", "set-cookie") or value == "***"
    assert cpescript("draft", trace)[0] == 0
    assert cpescript("check", tmp_path / "recorded.cpes")[0] == 0
    status, out, _ = cpescript("judge", tmp_path / "recorded.cpes", "--trace", trace)
    assert (status, "cpe[1] is recorded[1]" in out) == (0, True), out
    assert cpescript("diff", trace, trace)[0] == 0


@pytest.mark.slow
def test_https_on_both_sides(tmp_path):
    authority.new(tmp_path)
    authority.server(tmp_path, ["127.0.0.1"])
    certificate, ca = tmp_path / "127.0.0.1.pem", tmp_path / "ca.pem"
    service, path = AcsService(Acs()), tmp_path / "case.cpes"
    path.write_text(SCENARIO)

    async def start(stack):
        return await service.start("127.0.0.1", 0, 0, stack, server_context(certificate, None, None))

    trusting = ssl.create_default_context(cafile=str(ca))
    with (
        on_a_loop(start) as (port, north),
        recording(f"https://127.0.0.1:{port}/", True, server_context(certificate, None, None), trusting) as (
            url,
            _,
            file,
        ),
    ):
        options = RunOptions(
            scenarios=(str(path),),
            acs=url,
            adapter="cpescript",
            north=f"http://127.0.0.1:{north}",
            seed=1,
            wire=WireOptions(tls_ca=ca),
        )
        [result] = run(options).scenarios
    assert (url[:8], result.verdict, result.reason) == ("https://", "passed", "")
    _, found = entries(file, tmp_path)
    assert [each.data["outcome"] for each in found if each.kind == "SessionEnd"] == ["done"] * 6
    calls = [each.data["status"] for each in found if each.kind == "ConnectionRequest"]
    assert (calls.count(401), calls.count(200)) == (3, 3), "http, to a port of their own"


INFORM = """<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:cwmp="urn:dslforum-org:cwmp-1-0">
<soap:Header><cwmp:ID>1</cwmp:ID></soap:Header><soap:Body><cwmp:Inform>
<DeviceId><Manufacturer>M</Manufacturer><OUI>00D0AA</OUI><ProductClass>X</ProductClass>
<SerialNumber>{serial}</SerialNumber>
</DeviceId><Event><EventStruct><EventCode>1 BOOT</EventCode><CommandKey/></EventStruct></Event>
<MaxEnvelopes>1</MaxEnvelopes><CurrentTime>2026-01-01T00:00:00Z</CurrentTime><RetryCount>0</RetryCount>
<ParameterList><ParameterValueStruct><Name>Device.ManagementServer.ConnectionRequestURL</Name><Value>{url}</Value>
</ParameterValueStruct></ParameterList></cwmp:Inform></soap:Body></soap:Envelope>"""


def speak(url, serial, called="http://192.0.2.1/x"):
    """Send an Inform over a connection of its own; return that connection."""
    connection = HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=60)
    connection.request("POST", "/", INFORM.format(serial=serial, url=called).encode(), {"Content-Type": "text/xml"})
    assert connection.getresponse().read()
    return connection


@pytest.mark.slow
def test_a_device_that_goes_in_the_middle_was_cut_and_one_that_stays_was_not(acs, tmp_path):
    with recording(acs.url, settle=0.4) as (url, _, file):
        stays, goes = speak(url, "STAYS"), speak(url, "GOES")
        goes.close()
        deadline = time.monotonic() + 60
        while b"SessionEnd" not in file.getvalue() and time.monotonic() < deadline:
            time.sleep(0.05)
        stays.request("POST", "/", b"")
        stays.getresponse().read()
        stays.close()
    _, found = entries(file, tmp_path)
    [cut] = [each for each in found if each.kind == "SessionEnd" and each.data["outcome"] == "cut"]
    assert (cut.device, cut.session) == ("recorded[2]", 1)


@pytest.mark.slow
@pytest.mark.parametrize(("ports", "relayed"), [(0, 1), (1, 2), (5, 3)])
def test_devices_with_the_same_path_are_called_at_ports_of_their_own(ports, relayed, acs, tmp_path):
    called = []

    async def device(request):
        called.append(request.path)
        return web.Response()

    with served(device) as there, recording(acs.url, True, ports=ports, say=lambda text: None) as (url, _, _):
        for serial in ("A", "B", "C"):
            speak(url, serial, f"{there}/cr").close()
        here = [record.url for record in acs.acs.records.values()]
        for target in here:
            urllib.request.urlopen(target, timeout=60)
    assert len([target for target in here if not target.startswith(there)]) == relayed
    assert len(set(here)) == min(relayed + 1, 3)
    assert called == ["/cr"] * 3


@pytest.mark.slow
def test_a_device_that_changes_its_path_is_called_at_the_new_one(acs):
    called = []

    async def device(request):
        called.append(request.path)
        return web.Response()

    with served(device) as there, recording(acs.url, True) as (url, recorder, _):
        for path in ("/old", "/new"):
            speak(url, "A", f"{there}{path}").close()
        [record] = acs.acs.records.values()
        urllib.request.urlopen(record.url, timeout=60)
        assert len(recorder._paths) == 1
    assert called == ["/new"]


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (b"<Password>abc</Password>", b"<Password>***</Password>"),
        (b"<cwmp:Username x='1'>abc</cwmp:Username>", b"<cwmp:Username x='1'>***</cwmp:Username>"),
        (b"<Password></Password>", b"<Password></Password>"),
        (
            b"<Name>Device.WiFi.AccessPoint.1.Security.KeyPassphrase</Name>\n<Value xsi:type='x'>abc</Value>",
            b"<Name>Device.WiFi.AccessPoint.1.Security.KeyPassphrase</Name>\n<Value xsi:type='x'>***</Value>",
        ),
        (b"<Name>Device.A.PasswordLength</Name><Value>3</Value>",) * 2,
    ],
)
def test_what_is_masked(body, seen):
    assert masked(body) == seen


def test_an_acs_that_is_not_there(tmp_path):
    with recording("http://127.0.0.1:9/") as (url, _, file), pytest.raises(urllib.error.HTTPError, match="502"):
        urllib.request.urlopen(urllib.request.Request(url, b"hello", method="POST"), timeout=60)
    _, found = entries(file, tmp_path)
    assert [(each.kind, each.device) for each in found] == [("Garbage", None)]


def test_nobody_is_called_without_relaying():
    with recording("http://127.0.0.1:9/") as (url, _, _), pytest.raises(urllib.error.HTTPError, match="405"):
        urllib.request.urlopen(url, timeout=60)


def test_the_command_serves_until_it_is_told_to_end(tmp_path, cpescript, monkeypatch):
    monkeypatch.setattr(asyncio.Event, "wait", lambda self: asyncio.sleep(0))
    trace = tmp_path / "x.jsonl"
    acs = "http://lab:hunter22@192.0.2.1/"
    status, out, _ = cpescript("record", "--listen", "127.0.0.1:0", "--acs", acs, "--trace", trace)
    assert status == 0
    assert "their ACS at http://lab:***@192.0.2.1/" in out
    assert out.endswith("x.jsonl: 0 messages of 0 devices\n")
    header, end = map(json.loads, trace.read_text().splitlines())
    assert (header["scenario"], header["digest"], end["kind"]) == ("recorded", "", "end")


@pytest.mark.parametrize(
    "words",
    [("--listen", "here", "--acs", "http://x/"), ("--acs", "ftp://x/"), ("--listen", "a:99999", "--acs", "http://x/")],
)
def test_words_that_are_wrong(words, tmp_path, cpescript):
    assert cpescript("record", *words, "--trace", tmp_path / "x.jsonl")[0] == 2
