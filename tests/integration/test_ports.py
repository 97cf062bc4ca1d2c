"""A machine that runs out of ports: more source addresses help, so does keeping connections, and the report says it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = ["unshare", "--net"]


@pytest.fixture(scope="module")
def found() -> Any:
    """What `few_ports` has found in a network namespace of its own."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("no unshare, or no ip, to make a network namespace with")
    if subprocess.run([*NAMESPACE, "ip", "link", "set", "lo", "up"], capture_output=True, check=False).returncode:
        pytest.skip("network namespaces are not allowed here")
    program = f'ip link set lo up && exec "{sys.executable}" -m tests.integration.few_ports'
    done = subprocess.run(
        [*NAMESPACE, "sh", "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    if "Read-only file system" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("the ports of a network namespace cannot be set here")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_an_address_runs_out_of_ports_and_the_end_says_what_helps(found: Any) -> None:
    assert "no connection to 127.0.0.1:" in found["one address"]
    assert "ports last longer with --source-address" in found["one address"]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["two addresses", "one that has some left", "shared"])
def test_what_helps(found: Any, how: str) -> None:
    assert found[how] == "24 over, 0 waited"


@pytest.mark.slow
def test_a_load_that_had_to_wait_for_ports_says_so(found: Any) -> None:
    load = found["load"]
    assert load["sessions"]["done"] == 10
    assert [each for each in load["remarks"] if "waited for a port or descriptor of this machine" in each]
