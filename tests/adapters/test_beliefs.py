"""What an ACS believes, through each adapter; and other systems that a scenario speaks to by name."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from cpescript.acs.beliefs import Beliefs
from cpescript.acs.orders import DeviceKey
from cpescript.acs.server import Acs
from cpescript.adapters.base import AdapterError
from cpescript.cwmp.message import ParameterValue
from cpescript.diagnostics import Bag
from cpescript.recording.reading import read
from cpescript.recording.rejudge import judge_trace
from cpescript.runner.north import make_adapter
from cpescript.runner.options import RunOptions
from cpescript.runner.run import UsageError, run
from cpescript.transport.acs_service import AcsService
from tests.adapters.serving import Genie, on_a_loop, served

KEY = DeviceKey("001122", "HG100", "1")

SEES = """
limit 1h
spawn 2 of hg100 as fleet
wait until each fleet registered within 1m
acs set Device.ManagementServer.PeriodicInformInterval = 900 on fleet
expect acs sees Device.ManagementServer.PeriodicInformInterval == 900 on each fleet within 5m
check acs sees Device.ManagementServer.PeriodicInformInterval == 901 on fleet[1]
"""


def scenario(folder: Path, text: str) -> str:
    path = folder / "case.cpes"
    path.write_text(textwrap.dedent(text).lstrip("\n"))
    return str(path)


def test_the_last_word_of_a_device_counts() -> None:
    beliefs = Beliefs()
    beliefs.informed(KEY, {"Device.A": "1", "Device.T.1.B": "x"}, ("0 BOOTSTRAP",))
    beliefs.told(KEY, [ParameterValue("Device.A", "2", "unsignedInt")])
    assert beliefs.view(KEY, ["Device.A", "Device.C"]) == {"Device.A": ("2", "unsignedInt"), "Device.C": None}
    beliefs.informed(KEY, {"Device.A": "3"}, ("2 PERIODIC",))
    assert beliefs.view(KEY, ["Device.A", "Device.T.1.B"]) == {
        "Device.A": ("3", "unsignedInt"),
        "Device.T.1.B": ("x", ""),
    }
    beliefs.gone(KEY, "Device.T.1.")
    assert beliefs.view(KEY, ["Device.T.1.B"]) == {"Device.T.1.B": None}
    beliefs.informed(KEY, {}, ("0 BOOTSTRAP", "1 BOOT"))
    assert beliefs.view(KEY, ["Device.A"]) == {"Device.A": None}
    beliefs.forget(KEY)
    beliefs.forget(KEY)


def misses(options: RunOptions) -> list[tuple[str, int, int]]:
    [result] = run(options).scenarios
    assert result.verdict == "failed", (result.reason, result.problems)
    return [(claim.verdict, claim.met, claim.missed) for claim in result.claims if claim.statement != "wait until"]


def test_the_embedded_acs_tells(tmp_path: Path) -> None:
    options = RunOptions(scenarios=(scenario(tmp_path, SEES),), seed=1, trace=tmp_path / "run.jsonl")
    assert misses(options) == [("met", 2, 0), ("missed", 0, 1)]
    bag = Bag()
    judged = judge_trace([tmp_path / "case.cpes"], read(tmp_path / "run.jsonl"), {}, False, bag)
    assert judged.results[0].verdict == "failed"
    assert [claim.verdict for claim in judged.results[0].claims][-2:] == ["met", "missed"]


@pytest.mark.slow
def test_one_of_ours_over_http_tells(tmp_path: Path) -> None:
    service = AcsService(Acs())

    async def start(stack: Any) -> tuple[int, int]:
        return await service.start("127.0.0.1", 0, 0, stack)

    with on_a_loop(start) as (port, north):
        url, side = f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{north}"
        options = RunOptions(scenarios=(scenario(tmp_path, SEES),), seed=1, acs=url, adapter="cpescript", north=side)
        assert misses(options) == [("met", 2, 0), ("missed", 0, 1)]


@pytest.mark.slow
def test_genieacs_tells(tmp_path: Path) -> None:
    genie = Genie(Acs())
    with on_a_loop(genie.start) as (url, north):
        options = RunOptions(scenarios=(scenario(tmp_path, SEES),), seed=1, acs=url, adapter="genieacs", north=north)
        assert misses(options) == [("met", 2, 0), ("missed", 0, 1)]


PORTAL = """
url: "{url}"
device: {{id: "{{{{ serial }}}}"}}
calls:
  wifi: {{inputs: [ssid], path: "/wifi/{{{{ id }}}}", json: {{ssid: "{{{{ inputs.ssid }}}}"}}}}
  status: {{method: GET, path: "/status/{{{{ id }}}}"}}
"""


def test_a_portal_beside_the_acs(tmp_path: Path) -> None:
    names: dict[str, Any] = {}

    async def handle(request: web.Request) -> web.Response:
        if request.method == "POST":
            names[request.path] = (await request.json())["ssid"]
            return web.json_response({"ok": True})
        return web.json_response({"state": "done" if names else "new", "asked": request.path})

    with served(handle) as url:
        (tmp_path / "portal.yaml").write_text(PORTAL.format(url=url))
        text = """
            acs portal = "portal.yaml"
            scenario "with a portal":
                limit 1h
                spawn 1 of hg100 as cpe
                expect InformResponse on cpe within 1m
                portal call wifi(ssid: "lab {device.index}") on cpe as r
                check r.body.ok == true
                expect portal call status() where body.state == "done" on cpe within 1m
        """
        [result] = run(RunOptions(scenarios=(scenario(tmp_path, text),), seed=1)).scenarios
    assert (result.verdict, result.reason) == ("passed", ""), result.problems
    assert names == {"/wifi/HG00000001": "lab 1"}


def test_what_a_portal_does_not_have_is_known_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "portal.yaml").write_text(PORTAL.format(url="http://127.0.0.1:9"))
    text = """
        acs portal = "portal.yaml"
        scenario "s":
            spawn 1 of hg100 as cpe
            portal call wify(ssid: "x") on cpe
    """
    with pytest.raises(UsageError) as error:
        run(RunOptions(scenarios=(scenario(tmp_path, text),)))
    assert "wifi" in error.value.bag.render()


def test_what_the_adapter_of_a_run_does_not_have_is_known_too(tmp_path: Path) -> None:
    text = 'spawn 1 of hg100 as cpe\nacs upload "x" url "http://x" on cpe\nexpect Upload on cpe within 1m\n'
    for adapter, instead in (
        ("genieacs", "leave the step out for GenieACS"),
        ("token_controller", "it has call, connect"),
    ):
        options = RunOptions(
            scenarios=(scenario(tmp_path, text),), acs="http://127.0.0.1:9/", adapter=adapter, north="x"
        )
        with pytest.raises(UsageError) as error:
            run(options)
        assert f"the adapter '{adapter}' has no verb 'upload'" in error.value.bag.render()
        assert instead in error.value.bag.render()


def test_a_place_in_which_a_portal_never_had_a_value_is_told_without_secrets(tmp_path: Path) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response({"hits": [{"val": "lab"}], "for": request.headers["Authorization"]})

    with served(handle) as url:
        (tmp_path / "portal.yaml").write_text(
            f"url: {url}\n"
            "options: {token: {default: t0p-s3cret, secret: true}}\n"
            'headers: {Authorization: "{{ options.token }}"}\n'
            "sees: {path: /v, value: /items/0/val}\n"
        )
        text = """
            acs portal = "portal.yaml"
            scenario "with a portal":
                limit 1h
                spawn 1 of hg100 as cpe
                expect portal sees Device.WiFi.SSID.1.SSID == "lab" on cpe within 1m
        """
        [result] = run(RunOptions(scenarios=(scenario(tmp_path, text),), seed=1)).scenarios
    assert result.verdict == "failed"
    [remark] = [each for each in result.remarks if "no value was ever found" in each]
    assert f"portal.yaml looks at sees.value /items/0/val, and GET {url}/v was answered with status 200: " in remark
    assert '{"hits": [{"val": "lab"}], "for": "***"}' in remark


def test_mistakes_of_an_adapter_file_are_known_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text('verbs:\n  reboot: {pth: "/{{ serial | segmnt }}"}\n  forget: {path: "/{{"}\n')
    text = "spawn 1 of hg100 as cpe\nacs reboot cpe\nexpect Reboot on cpe within 1m\n"
    mine = str(tmp_path / "mine.yaml")
    with pytest.raises(UsageError) as error:
        run(RunOptions(scenarios=(scenario(tmp_path, text),), acs="http://127.0.0.1:9/", adapter=mine))
    assert error.value.bag is not None
    told = error.value.bag.render()
    assert [(item.code, item.span.line) for item in error.value.bag] == [
        ("missing-key", 2), ("unknown-key", 2), ("bad-template", 3),
    ], told  # fmt: skip
    # Where nothing is checked before, one line has to do.
    with pytest.raises(AdapterError) as first:
        make_adapter(mine, None, RunOptions(scenarios=()), print, print, [])
    assert str(first.value).startswith(f"{mine}:2:11: ")
    assert str(first.value).endswith(" (and 2 more)")
    assert "\n" not in str(first.value)


def test_a_program_is_run_only_where_that_is_allowed(tmp_path: Path) -> None:
    text = "spawn 1 of hg100 as cpe\nacs reboot cpe\nexpect Reboot on cpe within 1m\n"
    options = RunOptions(scenarios=(scenario(tmp_path, text),), acs="http://127.0.0.1:9/", adapter="command", north="x")
    [result] = run(options).scenarios
    assert (result.verdict, result.problems[0].remedy) == ("error", "say --allow-exec if you mean it")


def test_no_adapter_of_that_name(tmp_path: Path) -> None:
    text = "spawn 1 of hg100 as cpe\nexpect InformResponse on cpe within 1m\n"
    options = RunOptions(scenarios=(scenario(tmp_path, text),), acs="http://127.0.0.1:9/", adapter="geneacs", north="x")
    [result] = run(options).scenarios
    assert (result.verdict, result.problems[0].remedy) == ("error", "did you mean 'genieacs'?")
