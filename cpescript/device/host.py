"""What a device may ask of the world it lives in. The simulation implements it; devices and agents only see this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from cpescript.kernel.queue import Kernel
from cpescript.kernel.time import Instant
from cpescript.kernel.trace import Trace


class Host(Protocol):
    """The world as a device sees it."""

    kernel: Kernel
    trace: Trace
    start: Instant
    """The calendar instant of virtual time 0; now is `start + kernel.now`."""
    seed: int
    """The scenario's root seed."""
    serial_prefix: str
    """Put before every serial number of the run, so that a real ACS can tell (and drop) what a run left with it."""
    acs_url: str
    firmware: Mapping[str, int]
    """Declared firmware images: version to size in octets."""
    watches: Callable[[str], bool] | None
    """Whether a claim wants to know of changes of that parameter path; None where no claim names any."""

    appeared: Callable[[Any, str], None] | None
    """Told of each watched parameter that moves by itself and that a device did not have before."""

    def open(self, session: Any) -> None:
        """Put a session on its transport: calls `session.start()` now or as soon as the wire has room."""

    def connection_request_url(self, device: Any) -> str:
        """Return the URL at which the device listens, empty where it has no listener."""

    def fetch(self, device: Any, fetch: Any, done: Callable[[Any], None]) -> None:
        """Carry a `cwmp.fetch.Fetch` of a device; `done` gets the `Fetched`, now or as an event of the device's."""
