"""What every transport to an ACS has in common: the `Wire` protocol, the limits, and how a run is cut short.

A session is stepped (architecture page, Journey): `start`, `receive`, `failed` and `resume` each return what to do
next, a request to send, an instant to wait for, or that the session is over. A wire carries those steps and knows
nothing of what is in them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cpescript.cwmp.http import Failure, HttpResponse
from cpescript.kernel.queue import Kernel, Owner

if TYPE_CHECKING:
    from cpescript.cwmp.session import Step


class Stepped(Protocol):
    """A session as a wire sees it."""

    @property
    def device(self) -> Owner: ...

    @property
    def url(self) -> str:
        """The ACS URL that the next request goes to."""

    @property
    def afresh(self) -> bool:
        """Whether its device has booted since the last session: no connection has outlived that."""

    @property
    def orderly(self) -> bool:
        """Whether it has ended as TR-069 (3.7.2.4) has it: then its connection may be kept."""

    def start(self) -> Step: ...

    def receive(self, response: HttpResponse, /) -> Step: ...

    def failed(self, failure: Failure, reason: str = "", /) -> Step: ...

    def resume(self) -> Step: ...


class Wire(Protocol):
    """Carries sessions to an ACS and owns the rule by which time moves."""

    def open(self, session: Stepped) -> None:
        """Start the session, now or as soon as the wire has room."""

    def drive(self, kernel: Kernel) -> None:
        """Run events until `kernel.stop()` or until nothing waits. May raise `DriveEnded`."""

    def close(self) -> None:
        """Let go of every connection; sessions under way are abandoned without a word."""


class DriveEnded(Exception):
    """`drive` came back before the kernel was stopped. The wire is intact: `drive` may be called again."""


class Interrupted(DriveEnded):
    """Somebody asked the run to end (Ctrl-C, SIGTERM)."""


class RealLimitReached(DriveEnded):
    """The run used up its real time (`--real-limit`; language page, Time)."""


class LocalShortage(DriveEnded):
    """This machine ran out of ports, descriptors or memory for sockets: says nothing about the ACS."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one exchange on a real wire; sizes in octets, times in seconds of real time."""

    header: int = 64 * 1024
    """A response's head. Servers stop at some 8 KiB of request head; eight times that is no ACS's answer."""
    lines: int = 1000
    """Of a response's head: a line without a value takes thirty times its octets, and servers stop at a hundred."""
    body: int = 8 * 1024 * 1024
    """A response's body. SetParameterValues for 10,000 parameters of 400 octets each is half of that."""
    connect: float = 10.0
    """Until a connection stands, TLS included: time for the SYNs of 0, 1, 3 and 7 s (RFC 6298, 5.5 and 5.7)."""
    response: float = 30.0
    """From the request to the last octet of its response, however slowly it drips: the least after which TR-069
    (3.7.2.4) lets either side give a session up."""
    file: int = 256 * 1024 * 1024
    """A fetched file whose size nobody told; firmware of a set-top box is some 100 MiB."""
    carrying: float = 300.0
    """For one fetched file, all exchanges included."""
    ports: float = 90.0
    """How long to wait for a free local port: Linux keeps one in TIME-WAIT for 60 s."""


DEFAULT_LIMITS = Limits()

IN_FLIGHT = 200
"""How many sessions share the wire: keeps an ACS of 100 workers busy and stays below 256 open descriptors."""
WINDOW = 1_000_000_000
"""Virtual nanoseconds whose events share the wire (architecture page, Time)."""
PATIENCE = 2.0
"""Real seconds of quiet before virtual time passes a deadline (language page, Time)."""
SESSION_GAP = 0.02
"""Real seconds between two sessions of a device: an ACS writes what it has learnt, and lets go of its lock, within."""
REAL_LIMIT = 3600.0
"""Real seconds that a run may take (language page, Time)."""


class Watch:
    """Cuts a run short: when somebody asks for it, or when its real time is used up.

    `interrupted` is polled by `check` and may do a little work of its own (a progress display). Only time between
    `begin` and `pause` counts.
    """

    def __init__(self, real_limit: float = REAL_LIMIT, interrupted: Callable[[], bool] = lambda: False) -> None:
        self.left = real_limit
        """Real seconds that are left; may be set anew, for what must be done even past the limit."""
        self._interrupted = interrupted
        self._since: float | None = None

    def begin(self) -> None:
        self._since = time.monotonic()

    def check(self) -> None:
        """Raise Interrupted or RealLimitReached if the run is to end."""
        if self._interrupted():
            raise Interrupted("interrupted")
        self.pause()
        self.begin()
        if self.left <= 0:
            raise RealLimitReached("the run has used up its real time")

    def pause(self) -> None:
        if self._since is not None:
            self.left -= time.monotonic() - self._since
            self._since = None
