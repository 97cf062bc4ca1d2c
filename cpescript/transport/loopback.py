"""The wire without a wire: sessions run inline against a sans-IO handler, one thread of plain calls.

Octets are those that a real wire would carry. A session that waits for an instant goes through the kernel's queue, so
virtual time moves exactly as events say and there is nothing to be patient about.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from cpescript.cwmp.http import Failure, HttpRequest, HttpResponse
from cpescript.kernel.queue import Kernel
from cpescript.transport.base import Stepped, Watch

if TYPE_CHECKING:
    from cpescript.cwmp.session import Step

Handler = Callable[[HttpRequest, Hashable], HttpResponse | Failure]
"""Answers a request; the second argument is the same for all requests of one session, as a connection is."""

LOOK_EVERY = 1_000
"""Events between two looks at whether the run is to be cut short: a tenth of a second of sessions."""


class Loopback:
    """Carries sessions to `handle` by plain calls."""

    __slots__ = ("_handle", "_kernel", "_peers", "_watch")

    def __init__(self, handle: Handler, kernel: Kernel, watch: Watch | None = None) -> None:
        self._handle = handle
        self._kernel = kernel
        self._peers = 0
        self._watch = watch or Watch()

    def open(self, session: Stepped) -> None:
        """Run the session until it is over or waits for an instant."""
        self._peers += 1
        self._carry(session, self._peers, session.start())

    def drive(self, kernel: Kernel) -> None:
        """Run events in order until `kernel.stop()` or until nothing waits. May raise `DriveEnded`."""
        watch = self._watch
        watch.begin()
        try:
            while True:
                watch.check()
                kernel.run(most=LOOK_EVERY)
                if kernel.stopped or not kernel.pending:
                    return
        finally:
            watch.pause()

    def close(self) -> None:
        """There is nothing to let go of."""

    def _resume(self, waiting: tuple[Stepped, int]) -> None:
        session, peer = waiting
        self._carry(session, peer, session.resume())

    def _carry(self, session: Stepped, peer: int, step: Step) -> None:
        handle = self._handle
        while step is not None:
            if isinstance(step, HttpRequest):
                answer = handle(step, peer)
                step = session.receive(answer) if isinstance(answer, HttpResponse) else session.failed(answer)
            else:
                self._kernel.at(step.when, session.device, self._resume, (session, peer))
                return
