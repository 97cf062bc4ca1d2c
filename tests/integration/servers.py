"""Finding real servers on this machine, missed loudly where they must be there."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable

import pytest

Start = Callable[[list[str], Callable[[], bool]], None]
"""Runs a server until the test ends: its command line, and whether it is ready."""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port of loopback that nobody has now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def missed(what: str) -> None:
    """Skip the test, or fail it where CPESCRIPT_REQUIRE_SERVERS=1 says that nothing may be missing."""
    if os.environ.get("CPESCRIPT_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{what}, and CPESCRIPT_REQUIRE_SERVERS is set")
    pytest.skip(what)


def program(name: str) -> str:
    """Return a server's program; the test is skipped where there is none."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        missed(f"no {name} on this machine")
    return str(found)


def listens(port: int) -> bool:
    """Whether somebody listens at a TCP port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
