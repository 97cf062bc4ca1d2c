"""A program for a network namespace in which an address has few ports: prints as JSON what becomes of sessions there.

`test_ports` runs it. Each port is taken for a minute after its connection, which the client closes.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable
from contextlib import AsyncExitStack
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cpescript.acs.server import Acs
from cpescript.cli.files import locate
from cpescript.device.profile import load as load_profile
from cpescript.kernel.time import SECOND
from cpescript.runner.load import LoadOptions, load
from cpescript.runner.options import RunOptions
from cpescript.transport.acs_service import AcsService
from cpescript.transport.base import Limits, LocalShortage
from cpescript.transport.options import WireOptions
from cpescript.transport.reach import Reach
from tests.adapters.serving import on_a_loop
from tests.transport.scripted_wire import OK, Talk, World

PORTS = 16
"""Fewer are free: whichever a listener is bound to is nobody's, whatever its address."""
SESSIONS = 24
HELD = 9
LAST = "127.0.0.8"


def configure() -> None:
    settings = Path("/proc/sys/net/ipv4")
    (settings / "ip_local_port_range").write_text(f"40000 {40000 + PORTS - 1}")
    (settings / "tcp_tw_reuse").write_text("0")


def sessions(options: WireOptions) -> str:
    """Hold more sessions than an address has ports; returns how that ended."""
    world = World(limits=Limits(ports=0.3), options=options, in_flight=1)
    url = world.answering(OK)
    talks = [Talk(url, number=number) for number in range(1, SESSIONS + 1)]
    try:
        world.run(*talks)
    except LocalShortage as shortage:
        return str(shortage)
    finally:
        world.close()
    return f"{sum(talk.log[-1] == 'over' for talk in talks)} over, {world.wire.reach.waits} waited"


def waiting() -> dict[str, Any]:
    """Load an ACS while somebody holds most ports, until a session has to wait; returns the report."""
    held: list[socket.socket] = []

    def let_go() -> None:
        while held:
            one = held.pop()
            # A reset: no minute of waiting.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.close()

    stand = Reach.stand

    async def noting(self: Reach, connection: Any, target: Any, who: Any, grace: Callable[[float], object]) -> None:
        def told(until: float) -> None:
            if until == inf:
                let_go()
            grace(until)

        await stand(self, connection, target, who, told)

    async def start(stack: AsyncExitStack) -> str:
        port, _ = await AcsService(Acs()).start("127.0.0.1", 0, 0, stack)
        return f"http://127.0.0.1:{port}/"

    Reach.stand = noting  # type: ignore[method-assign]
    profile, _ = load_profile(locate("profiles", "hg100"))
    assert profile is not None
    with on_a_loop(start) as url:
        port = urlsplit(url).port or 0
        held += [socket.create_connection(("127.0.0.1", port), source_address=(LAST, 0)) for _ in range(HELD)]
        run = RunOptions(scenarios=(), acs=url, wire=WireOptions(source_addresses=(LAST,)))
        return load(
            LoadOptions(profile=profile, run=run, count=10, rate=50, duration=SECOND // 5, arrivals="even")
        ).as_json()


if __name__ == "__main__":
    configure()
    found = {
        "one address": sessions(WireOptions(source_addresses=("127.0.0.2",))),
        "two addresses": sessions(WireOptions(source_addresses=("127.0.0.3", "127.0.0.4"))),
        "one that has some left": sessions(WireOptions(source_addresses=("127.0.0.5", "127.0.0.5", "127.0.0.6"))),
        "shared": sessions(WireOptions(source_addresses=("127.0.0.7",), connections="shared")),
        "load": waiting(),
    }
    print(json.dumps(found))
