"""STUN bindings with a real server, and connection requests by datagram to what it has seen (TR-069 Annex G)."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from tests.integration.servers import Start, free_port, listens, program

pytestmark = pytest.mark.slow

SCENARIO = """
scenario "bound":
    clock scaled 20x
    spawn 3 of hg100 as fleet with:
        transport nat(stun: true)
        set Device.ManagementServer.STUNServerAddress = "127.0.0.1"
        set Device.ManagementServer.STUNServerPort = {port}
    expect Inform where events contains "4 VALUE CHANGE" on fleet within 30m
    expect Device.ManagementServer.UDPConnectionRequestAddress contains "127.0.0.1:" on fleet within 30m
    wait 20s
    acs connect fleet
    expect ConnectionRequest where via == "udp" and status == 200 on fleet within 30m
    expect Inform where events contains "6 CONNECTION REQUEST" on fleet within 30m
"""


@pytest.fixture
def coturn(start: Start, tmp_path: Path) -> int:
    """Start a STUN server on loopback; return its port."""
    server, port = program("turnserver"), free_port()
    options = (
        f"-n --stun-only --listening-ip 127.0.0.1 --listening-port {port} --no-tls --no-dtls --no-cli --verbose "
        f"--log-file stdout --simple-log --pidfile {tmp_path}/turn.pid --userdb {tmp_path}/turndb"
    )
    start([server, *options.split()], lambda: listens(port))
    return port


def test_devices_are_bound_and_called(coturn: int, acs: dict[str, str], tmp_path: Path) -> None:
    scenario, trace = tmp_path / "case.cpes", tmp_path / "trace.jsonl"
    scenario.write_text(textwrap.dedent(SCENARIO.format(port=coturn)))
    result = run(RunOptions(scenarios=(str(scenario),), seed=1, trace=trace, **acs))
    told = [(case.verdict, case.reason, case.claims) for case in result.scenarios]
    assert [verdict for verdict, _, _ in told] == ["passed"], told
    # A port each, as the server has seen it: nothing between them moves it.
    assert len({*re.findall(r'UDPConnectionRequestAddress","value":"(127\.0\.0\.1:\d+)"', trace.read_text())}) == 3


def test_nobody_answers(acs: dict[str, str], tmp_path: Path) -> None:
    scenario = tmp_path / "case.cpes"
    unbound = SCENARIO.partition("    expect")[0] + "    never ConnectionRequest on fleet\n    wait 2m\n"
    scenario.write_text(textwrap.dedent(unbound.replace("20x", "60x").format(port=free_port())))
    result = run(RunOptions(scenarios=(str(scenario),), seed=1, **acs))
    assert [(case.verdict, case.reason) for case in result.scenarios] == [("passed", "")]
