"""Where the fleet takes connection requests, and by what."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from cpescript.acs.server import Acs
from cpescript.cli import main
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from cpescript.transport import authority
from cpescript.transport.acs_service import AcsService
from cpescript.transport.options import WireOptions
from cpescript.transport.tls import client_context
from tests.adapters.serving import on_a_loop
from tests.integration.servers import free_port

pytestmark = pytest.mark.slow

SCENARIO = """
spawn 1 of hg100 as homes
expect each homes registered within 5m
check Device.ManagementServer.ConnectionRequestURL starts with "{base}" on each homes
"""


def verdict(folder: Path, acs: dict[str, str], base: str, **wire: Any) -> tuple[str, str]:
    scenario = folder / "case.cpes"
    scenario.write_text(SCENARIO.format(base=base))
    (case,) = run(RunOptions(scenarios=(str(scenario),), seed=1, wire=WireOptions(**wire), **acs)).scenarios
    return case.verdict, case.reason


def test_an_address_of_ones_own(acs: dict[str, str], tmp_path: Path) -> None:
    port = free_port()
    assert verdict(tmp_path, acs, f"http://127.0.0.2:{port}/1-", listen=("127.0.0.2", port)) == ("passed", "")


def test_by_https(acs: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    authority.new(tmp_path / "ca")
    file = authority.server(tmp_path / "ca", ["127.0.0.1"])
    assert verdict(tmp_path, acs, "https://127.0.0.1:", listen_tls=file) == ("passed", "")


CALLED = """
spawn 2 of hg100 as homes
expect each homes registered within 5m
acs connect homes
{claim} ConnectionRequest where status == 200 on {homes} {window}
"""


@pytest.mark.parametrize("trusted", [True, False])
def test_the_reference_acs_calls_by_https_whom_it_trusts(tmp_path: Path, trusted: bool) -> None:
    pytest.importorskip("cryptography")
    folder = tmp_path / "ca"
    authority.new(folder)
    file = authority.server(folder, ["127.0.0.1"])
    trusts = client_context(folder / authority.CERTIFICATE) if trusted else None
    claim, homes, window = ("expect", "each homes", "within 10s") if trusted else ("expect no", "homes", "for 10m")
    scenario = tmp_path / "case.cpes"
    scenario.write_text(CALLED.format(claim=claim, homes=homes, window=window))

    async def start(stack: AsyncExitStack) -> tuple[int, int]:
        return await AcsService(Acs(), trusts=trusts).start("127.0.0.1", 0, 0, stack)

    with on_a_loop(start) as (port, north):
        options = RunOptions(
            scenarios=(str(scenario),),
            seed=1,
            wire=WireOptions(listen_tls=file),
            acs=f"http://127.0.0.1:{port}/",
            adapter="cpescript",
            north=f"http://127.0.0.1:{north}/",
        )
        (case,) = run(options).scenarios
    assert (case.verdict, case.reason) == ("passed", "")


@pytest.mark.parametrize(
    ("wire", "part"),
    [({"listen": ("192.0.2.7", 0)}, "192.0.2.7"), ({"listen_tls": Path(__file__)}, "test_listen.py")],
    ids=["no address of ours", "no certificate"],
)
def test_where_nobody_can_listen(acs: dict[str, str], tmp_path: Path, wire: dict[str, Any], part: str) -> None:
    told, reason = verdict(tmp_path, acs, "", **wire)
    assert (told, part in reason) == ("error", True), reason


@pytest.mark.parametrize("value", ["0.0.0.0:7547", "[::]:1", "localhost", "192.0.2.7:x", "192.0.2.7/x", ""])
def test_what_is_no_address(value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = tmp_path / "case.cpes"
    scenario.write_text(SCENARIO.format(base="http"))
    with pytest.raises(SystemExit) as ended:
        main(["run", str(scenario), "--listen", value])
    assert (ended.value.code, "--listen" in capsys.readouterr().err) == (2, True)
