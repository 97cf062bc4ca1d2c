"""The proxy between devices and their ACS: what goes through, and what the trace has of it."""

from __future__ import annotations

import asyncio
import io
import json
import urllib.request
from contextlib import contextmanager

import pytest

from cpescript.kernel.trace import Writer
from cpescript.recording.reading import Entry, Header, read
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from cpescript.transport.recorder import Recorder, masked
from tests.adapters.serving import on_a_loop

SCENARIO = """
limit 1h
spawn 3 of hg100 as fleet
wait until each fleet registered within 5m
acs set Device.ManagementServer.PeriodicInformInterval = 900 on fleet
expect SPV Device.ManagementServer.PeriodicInformInterval = 900 on each fleet within 5m
wait 1m
"""


@contextmanager
def recording(acs_url, relay=False):
    file = io.BytesIO()
    writer = Writer("recorded", file)
    writer.header({"start": "2026-01-01T00:00:00Z", "acs": "external"})
    recorder = Recorder(acs_url, writer, relay=relay)

    async def start(stack):
        return await recorder.start("127.0.0.1", 0, stack)

    with on_a_loop(start) as port:
        yield f"http://127.0.0.1:{port}/", recorder, file


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
    assert cpescript("diff", trace, trace)[0] == 0


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
        urllib.request.urlopen(urllib.request.Request(url, b"hello", method="POST"), timeout=10)
    _, found = entries(file, tmp_path)
    assert [(each.kind, each.device) for each in found] == [("Garbage", None)]


def test_nobody_is_called_without_relaying():
    with recording("http://127.0.0.1:9/") as (url, _, _), pytest.raises(urllib.error.HTTPError, match="405"):
        urllib.request.urlopen(url, timeout=10)


def test_the_command_serves_until_it_is_told_to_end(tmp_path, cpescript, monkeypatch):
    monkeypatch.setattr(asyncio.Event, "wait", lambda self: asyncio.sleep(0))
    trace = tmp_path / "x.jsonl"
    status, out, _ = cpescript("record", "--listen", "127.0.0.1:0", "--acs", "http://192.0.2.1/", "--trace", trace)
    assert status == 0
    assert "their ACS at http://192.0.2.1/" in out
    assert out.endswith("x.jsonl: 0 messages of 0 devices\n")
    assert json.loads(trace.read_text())["scenario"] == "recorded"


@pytest.mark.parametrize(
    "words",
    [("--listen", "here", "--acs", "http://x/"), ("--acs", "ftp://x/"), ("--listen", "a:99999", "--acs", "http://x/")],
)
def test_words_that_are_wrong(words, tmp_path, cpescript):
    assert cpescript("record", *words, "--trace", tmp_path / "x.jsonl")[0] == 2
