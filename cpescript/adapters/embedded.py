"""The embedded ACS: the reference ACS in this very process, on the scenario's own clock.

Connection requests are not made inside the call that asked for them: a device that is called may open its session at
once, and sessions must not nest. They are made by an event of the same instant, after what devices do in it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

from cpescript.acs.beliefs import Beliefs
from cpescript.acs.build import build_acs
from cpescript.acs.connections import ConnectionRequest
from cpescript.acs.orders import VERBS, DeviceKey, Order, OrderResult
from cpescript.acs.server import Acs
from cpescript.adapters.base import AdapterError, Answered, Setup
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.kernel.queue import ACS, Handle, Kernel, Owner

Connect = Callable[[ConnectionRequest], str]
"""Makes a connection request and says how it went: `ok`, `unauthorized`, `busy`, `refused`, `timeout`, `error`."""


class Embedded:
    """Owns the ACS and keeps its timers in the kernel's queue. `connect` is how it calls devices."""

    name = "embedded"
    verbs = VERBS
    beliefs = True
    calls: Mapping[str, tuple[str, ...]] | None = None
    secrets: Sequence[str] = ()

    def __init__(self, kernel: Kernel, connect: Connect) -> None:
        self.acs = Acs()
        self._kernel = kernel
        self._connect = connect
        self._owner = Owner(0)
        self._timer: Handle | None = None
        self._due = 0
        self._calling = False

    def prepare(self, setup: Setup) -> None:
        """Begin anew with an ACS of that set-up. Raises AdapterError for a policy or defect that is wrong."""
        try:
            self.acs = build_acs(
                setup.policy_text,
                setup.policy_name,
                setup.defects,
                setup.firmware,
                setup.start,
                setup.seed,
                setup.file_base_url,
                setup.beliefs,
            )
        except ValueError as error:
            raise AdapterError(str(error)) from None
        self.acs.now = self._kernel.now
        self._follow()

    def handle(self, request: HttpRequest, peer: Hashable) -> HttpResponse:
        """Answer a device's request, as the loopback wire brings it."""
        acs = self.acs
        acs.now = self._kernel.now
        response = acs.handle(request, peer)
        if acs.outbox or acs.next_due() is not None:
            self._follow()
        return response

    def submit(self, orders: Sequence[Order], done: Callable[[list[OrderResult]], None]) -> None:
        """Give the orders, in their order; `done` is called before this returns."""
        self.acs.now = self._kernel.now
        results = [self.acs.order(order) for order in orders]
        self._follow()
        done(results)

    def ask(self, keys: Sequence[DeviceKey], paths: Sequence[str], done: Answered) -> None:
        """Say what the ACS believes; one that was not told that it would be asked remembers from now on."""
        if self.acs.beliefs is None:
            self.acs.beliefs = Beliefs()
        beliefs = self.acs.beliefs
        done([beliefs.view(key, paths) for key in keys])

    def close(self) -> None:
        """Take the pending timer out of the queue."""
        if self._timer is not None:
            self._kernel.cancel(self._timer)
            self._timer = None

    def _follow(self) -> None:
        """See to it that the kernel wakes the ACS when it is due, and that its connection requests are made."""
        if self.acs.outbox and not self._calling:
            self._calling = True
            self._kernel.at(self._kernel.now, self._owner, self._call, None, ACS)
        due = self.acs.next_due()
        if self._timer is not None:
            if due == self._due:
                return
            self._kernel.cancel(self._timer)
            self._timer = None
        if due is not None:
            self._due = due
            self._timer = self._kernel.at(due, self._owner, self._wake, None, ACS)

    def _wake(self, _: object) -> None:
        self._timer = None
        self.acs.advance(self._kernel.now)
        self._follow()

    def _call(self, _: object) -> None:
        self._calling = False
        requests, self.acs.outbox = self.acs.outbox, []
        for request in requests:
            self.acs.connection_request_done(request.device_key, self._connect(request))
        self._follow()
