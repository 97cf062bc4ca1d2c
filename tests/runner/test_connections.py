"""What becomes of connections after a session: said on the command line or by a target, and told in the report."""

from __future__ import annotations

import json
import os
import signal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from cpescript.acs.server import Acs
from cpescript.cli import main
from cpescript.runner.config import ConfigError, with_target
from cpescript.runner.options import RunOptions
from cpescript.transport.acs_service import AcsService
from cpescript.transport.options import WireOptions
from tests.adapters.serving import on_a_loop

TARGET = '[acs.lab]\nurl = "http://acs.example/"\nconnections = "{}"\n'


def wire(folder: Path, said: str, given: WireOptions) -> WireOptions:
    (folder / "cpescript.toml").write_text(TARGET.format(said))
    return with_target(RunOptions(scenarios=(), acs="lab", wire=given), folder).wire


def test_a_target_says_it_and_the_command_line_is_stronger(tmp_path: Path) -> None:
    assert wire(tmp_path, "kept", WireOptions()).connections == "kept"
    assert wire(tmp_path, "kept", WireOptions(connections="shared")).connections == "shared"
    with pytest.raises(ConfigError, match="'connections' of 'lab' is one of profile, kept, shared"):
        wire(tmp_path, "often", WireOptions())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "remark"), [("profile", ""), ("kept", "devices kept"), ("shared", "devices shared connections")]
)
def test_a_load_says_how_it_was_and_the_acs_sees_it(how: str, remark: str, tmp_path: Path) -> None:
    peers: set[Any] = set()
    requests = count(1)

    async def start(stack: Any) -> str:
        service = AcsService(Acs())
        handle = service._cwmp

        async def noting(request: Any) -> Any:
            peers.add(request.transport.get_extra_info("peername"))
            if next(requests) == 40:
                os.kill(os.getpid(), signal.SIGINT)  # Enough sessions, however long that took.
            return await handle(request)

        service._cwmp = noting  # type: ignore[method-assign]
        port, _ = await service.start("127.0.0.1", 0, 0, stack)
        return f"http://127.0.0.1:{port}/"

    report = tmp_path / "load.json"
    words = f"load hg100 --count 3 --rate 30 --for 1m --arrivals even --seed 1 --connections {how}".split()
    with on_a_loop(start) as url, pytest.raises(SystemExit):
        main([*words, "--acs", url, "--report-json", str(report)])
    found = json.loads(report.read_text())
    assert found["sessions"]["done"] > 3, "a device has had several sessions"
    assert (len(peers) <= 3) is (how != "profile")
    told = [each for each in found["remarks"] if "--connections" in each]
    assert [each.startswith(remark) for each in told] == [True] * bool(remark)
