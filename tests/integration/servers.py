"""Finding real servers on this machine, missed loudly where they must be there."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Callable
from itertools import count, islice

import pytest

Start = Callable[[list[str], Callable[[], bool]], None]
"""Runs a server until the test ends: its command line, and whether it is ready."""


_FIRST, _MANY, _EACH = 20_000, 12_000, 40
"""Ports below those that Linux gives away of itself (32,768 and up). Processes begin so many apart."""
_ports = (_FIRST + number % _MANY for number in count(os.getpid() * _EACH))


def free_port() -> int:
    """Return a port of loopback, TCP and UDP, that nobody has, and that nobody gets before a server comes to take it:
    neither another test nor a connection."""
    for port in islice(_ports, _MANY):
        with contextlib.ExitStack() as stack:
            try:
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    stack.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no port is free from {_FIRST} to {_FIRST + _MANY}")


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
