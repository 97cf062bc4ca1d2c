"""GenieACS by its NBI: tasks, beliefs, what is set up and taken away, and answers that are not what they should be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from cpescript.acs.orders import DeviceKey, Order, OrderResult
from cpescript.acs.records import DeviceRecord
from cpescript.acs.server import Acs
from cpescript.adapters.base import AdapterError, Setup
from cpescript.adapters.genieacs import GenieAcs, seen
from cpescript.adapters.genieacs_calls import CALLS
from cpescript.adapters.genieacs_names import device_id
from cpescript.adapters.north import North
from cpescript.results import ScenarioResult
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from tests.adapters.serving import Genie, Here, on_a_loop, served

KEY = DeviceKey("001122", "HG-100", "A/1")
NAME = "001122-HG%2D100-A%2F1"


@pytest.fixture
def genie() -> Iterator[SimpleNamespace]:
    acs = Acs()
    acs.records[KEY] = DeviceRecord(KEY)
    genie = Genie(acs)
    with on_a_loop(genie.start) as (url, north):
        yield SimpleNamespace(url=url, north=north, genie=genie)


def adapter(url: str, here: Here) -> GenieAcs:
    return GenieAcs(North(url), here.run, here.spawn)


def order(adapter: GenieAcs, verb: str, device: DeviceKey | None = KEY, **arguments: Any) -> OrderResult:
    results: list[Any] = []
    adapter.submit([Order(verb, device, arguments)], results.append)
    [[result]] = results
    return result


def test_a_device_id_is_percent_escaped_part_by_part() -> None:
    assert device_id(KEY) == NAME
    assert device_id(DeviceKey("001122", "", "ä_1")) == "001122-%C3%A4_1"


def test_orders_become_tasks(genie: SimpleNamespace, here: Here) -> None:
    acs = adapter(genie.north, here)
    acs.prepare(Setup(firmware={"2.1.0": 1000}))
    assert order(acs, "set", settings=[["Device.A", "1", None], ["Device.B", "true", "boolean"]]).data["status"] == 202
    assert order(acs, "get", paths=["Device.A"]).accepted
    assert order(acs, "add", path="Device.T.").accepted
    assert order(acs, "delete", path="Device.T.1.").accepted
    assert order(acs, "reboot").accepted
    assert order(acs, "factory-reset").accepted
    assert order(acs, "download", firmware="2.1.0").accepted
    body, headers = genie.genie.kept["files"]["2.1.0.bin"]
    assert (len(body), headers["fileType"]) == (1000, "1 Firmware Upgrade Image")
    record = genie.genie.acs.records[KEY]
    assert [task.verb for task in record.work.tasks] == [
        "set", "get", "add", "delete", "reboot", "factory-reset", "download",
    ]  # fmt: skip
    assert record.work.tasks[0].arguments["settings"][1] == ("Device.B", "true", "boolean")
    assert all("connection_request" in line for line in genie.genie.seen if line.endswith("tasks"))
    acs.close()
    assert genie.genie.kept["files"] == {}


def test_what_cannot_be_ordered_is_refused(genie: SimpleNamespace, here: Here) -> None:
    acs = adapter(genie.north, here)
    assert "504 Device is offline" in order(acs, "connect").reason, "it has told no ConnectionRequestURL"
    for verb in ("reboot", "connect"):
        assert "has not informed" in order(acs, verb, DeviceKey("001122", "X", "2")).reason
    assert "no firmware '9'" in order(acs, "download", firmware="9").reason
    assert "takes" in order(acs, "set").reason
    elsewhere = {"file_type": "3 Vendor Configuration File", "url": "http://files.example/a/lab%20b.cfg"}
    assert "no file 'lab b.cfg' on GenieACS's file server" in order(acs, "download", **elsewhere).reason
    genie.genie.kept["files"]["lab b.cfg"] = (b"", {})
    assert order(acs, "download", **elsewhere).accepted
    assert genie.genie.tasks[-1] == {
        "name": "download", "fileType": "3 Vendor Configuration File", "fileName": "lab b.cfg", "targetFileName": "",
    }  # fmt: skip
    acs.close()


def test_a_name_is_spelt_as_the_nbi_reads_it(genie: SimpleNamespace, here: Here) -> None:
    acs = adapter(genie.north, here)
    name = "lab 1.0~b/c"
    assert order(acs, "call", None, name="provision", inputs={"name": name, "script": "log('x');"}).accepted
    assert order(acs, "call", name="tag", inputs={"tag": name}).accepted
    assert (list(genie.genie.kept["provisions"]), genie.genie.tags) == ([name], {(NAME, name)})
    acs.close()
    assert (genie.genie.kept["provisions"], genie.genie.tags) == ({}, set())


def test_a_task_may_take_as_long_as_genieacs_waits_for_the_device(here: Here) -> None:
    async def handle(request: web.Request) -> web.Response:
        await asyncio.sleep(0.2 if "tasks" in request.path else 60.0)
        return web.json_response({}, status=202)

    with served(handle) as url:
        acs = GenieAcs(North(url, timeout=0.1), here.run, here.spawn)
        assert order(acs, "reboot").accepted
        with pytest.raises(AdapterError, match=r"no answer within 0\.1 s"):
            acs.prepare(Setup())
        acs.close()


def test_what_a_scenario_sets_up_is_taken_away(genie: SimpleNamespace, here: Here) -> None:
    acs, kept = adapter(genie.north, here), genie.genie.kept
    inputs = {"name": "lab", "provision": "lab", "events": ["0 BOOTSTRAP"], "precondition": "{}"}
    assert order(acs, "call", None, name="provision", inputs={"name": "lab", "script": "log('x');"}).accepted
    assert order(acs, "call", None, name="preset", inputs=inputs).accepted
    assert order(acs, "call", name="tag", inputs={"tag": "night"}).accepted
    assert kept["provisions"]["lab"][0] == b"log('x');"
    assert json.loads(kept["presets"]["lab"][0])["events"] == {"0 BOOTSTRAP": True}
    assert genie.genie.tags == {(NAME, "night")}
    acs.close()
    assert kept["provisions"] == kept["presets"] == {}
    assert not genie.genie.tags


def test_a_preset_that_the_scenario_deletes_itself_is_not_deleted_again(genie: SimpleNamespace, here: Here) -> None:
    acs = adapter(genie.north, here)
    order(acs, "call", None, name="preset", inputs={"name": "a", "provision": "a"})
    order(acs, "call", None, name="delete_preset", inputs={"name": "a"})
    acs.close()
    assert genie.genie.seen.count("DELETE /presets/a") == 1


@pytest.mark.parametrize(
    ("name", "inputs", "device", "why"),
    [
        ("preste", {}, KEY, "there is no call 'preste'"),
        ("preset", {}, KEY, "the input 'name' is missing"),
        ("preset", {"name": "a"}, None, "a 'provision', or else 'configurations'"),
        ("preset", {"name": "a", "provision": "b", "configurations": [{}]}, None, "a 'provision', or else"),
        ("preset", {"name": "a", "configurations": [{"type": "valeu"}]}, None, "have a type: value, age"),
        ("preset", {"name": "a", "configurations": "x"}, None, "'configurations' is a list"),
        ("preset", {"name": "a", "provision": "b", "events": "0 BOOTSTRAP"}, None, "'events' is a list"),
        ("preset", {"name": "a", "provision": "b", "args": "x"}, None, "'args' is a list"),
        ("preset", {"name": "a", "provision": "b", "weight": "much"}, None, "'weight' is a number"),
        ("tag", {"tag": "a", "tog": "b"}, KEY, "no input 'tog'"),
        ("tag", {"tag": "a"}, None, "say on whom"),
        ("task", {"task": 3}, KEY, "a map with a name"),
    ],
)
def test_calls_are_checked(name: str, inputs: Any, device: Any, why: str, genie: SimpleNamespace, here: Here) -> None:
    acs = adapter(genie.north, here)
    result = order(acs, "call", device, name=name, inputs=inputs)
    assert not result.accepted
    assert why in result.reason
    acs.close()


def test_faults_are_read_and_a_forgotten_device_is_gone_with_them(genie: SimpleNamespace, here: Here) -> None:
    acs = adapter(genie.north, here)
    genie.genie.faults = [
        {"_id": f"{NAME}:task_1", "device": NAME, "code": "cwmp.9003", "message": "bad", "retries": 2}
    ]
    body = order(acs, "call", name="faults").data["body"]
    assert (body["count"], body["faults"][0]["code"]) == (1, "cwmp.9003")
    assert order(acs, "forget").accepted
    assert not genie.genie.acs.records
    assert not genie.genie.faults
    assert order(acs, "forget").accepted, "forgetting twice is no mistake"
    acs.close()


def test_what_it_believes(genie: SimpleNamespace, here: Here) -> None:
    genie.genie.acs.beliefs.informed(KEY, {"Device.A": "7"}, ())
    views: list[Any] = []
    acs = adapter(genie.north, here)
    other = DeviceKey("1", "", "2")
    acs.ask([KEY, other], ["Device.A", "Device.B"], views.append)
    assert views == [
        [{"Device.A": ("7", "string"), "Device.B": None}, {"Device.A": None, "Device.B": None}],
    ]
    acs.close()


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ({"_value": True, "_type": "xsd:boolean"}, ("true", "boolean")),
        ({"_value": 3}, ("3", "")),
        ({"_value": "2026-01-01T00:00:00.000Z", "_type": "xsd:dateTime"}, ("2026-01-01T00:00:00Z", "dateTime")),
        ({"_value": ".000Z", "_type": "xsd:string"}, (".000Z", "string")),
        ({"_object": True}, None),
        ("text", None),
        ({"_value": None}, None),
    ],
)
def test_a_value_in_a_document(node: Any, value: Any) -> None:
    assert seen({"Device": {"A": node}}, "Device.A") == value
    assert seen(None, "Device.A") is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda: web.Response(text="<html>"), "no north side of GenieACS"),
        (lambda: web.Response(status=500), "it answers 500"),
        (lambda: web.json_response({}), "no north side of GenieACS"),
        (lambda: web.Response(status=302, headers={"Location": "http://192.0.2.1/"}), "it answers 302"),
        (lambda: web.Response(body=b"[" * 200_000), "no north side of GenieACS"),
    ],
)
def test_what_is_no_nbi_is_told(answer: Any, why: str, here: Here) -> None:
    async def handle(request: web.Request) -> web.Response:
        return answer()

    with served(handle) as url:
        acs = adapter(url, here)
        with pytest.raises(AdapterError, match=why):
            acs.prepare(Setup())
        acs.close()


def test_hostile_answers_to_questions_and_orders(here: Here) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response([1, 2]) if request.method == "GET" else web.Response(status=503, text="x" * 10_000)

    with served(handle) as url:
        acs, found = adapter(url, here), []
        acs.ask([KEY], ["Device.A"], found.append)
        assert isinstance(found[0], AdapterError)
        reason = order(acs, "reboot").reason
        assert "503" in reason
        assert len(reason) < 500
        acs.close()


def test_nobody_there(here: Here) -> None:
    acs = adapter("http://127.0.0.1:9", here)
    with pytest.raises(AdapterError, match=r"GET http://127\.0\.0\.1:9/devices/"):
        acs.prepare(Setup())
    acs.close()


def test_every_call_says_what_it_does() -> None:
    assert all(call.summary for call in CALLS.values())


SCENARIO = """
limit 1h
patience 300ms
spawn 2 of hg100 as fleet
wait until each fleet registered within 1m
acs set Device.ManagementServer.PeriodicInformInterval = 900 on fleet
expect SPV Device.ManagementServer.PeriodicInformInterval = 900 on each fleet within 5m
acs reboot fleet[1]
expect Reboot on fleet[1] within 5m
acs call tag(tag: "lab") on fleet
"""
OLDER = """
limit 1h
patience 300ms
spawn 1 of dg2 as old
spawn 1 of hg100 as new
wait until each all registered within 1m
wait 1m
never GetParameterValues on all
acs connect old
acs connect new
expect Inform where events contains "6 CONNECTION REQUEST" on each old within 5m
expect Inform where events contains "6 CONNECTION REQUEST" on each new within 5m
"""


def through_the_nbi(genie: Genie, folder: Any, text: str) -> ScenarioResult:
    path = folder / "case.cpes"
    path.write_text(text)
    with on_a_loop(genie.start) as (url, north):
        options = RunOptions(scenarios=(str(path),), acs=url, adapter="genieacs", north=north, seed=1)
        [scenario] = run(options).scenarios
    assert (scenario.verdict, scenario.reason) == ("passed", "")
    return scenario


@pytest.mark.slow
def test_a_scenario_through_the_nbi(tmp_path: Any) -> None:
    genie = Genie(Acs())
    scenario = through_the_nbi(genie, tmp_path, SCENARIO)
    assert not genie.acs.records, "the devices of a run are deleted"
    assert not genie.tags
    assert "the ACS was told to forget the 2 devices of this run" in scenario.remarks


@pytest.mark.slow
def test_a_device_of_any_data_model_is_called_and_asked_nothing(tmp_path: Any) -> None:
    through_the_nbi(Genie(Acs()), tmp_path, OLDER)
