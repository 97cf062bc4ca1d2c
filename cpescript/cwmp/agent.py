"""The CWMP agent of a device: what it has to tell, when it opens a session, and what becomes of it.

Rules:

1. Nothing opens a session but `open`, and only where the device is up, linked and in no session. Whatever comes up
   meanwhile is kept and told in a session of its own right after (`AGAIN`).
2. What somebody asks for never runs in his call: `wake` opens a session through the queue, so that several causes of
   one instant share it. Timers open theirs directly.
3. Every timer is an event of the kernel with the agent as its argument; a handle of 0 means that none is pending.
4. An idle agent holds nothing of what few devices have: that is in `Work`, made when first needed.

The behaviours live in modules of their own (`schedule`, `retry`, `transfers`, `power`, `connection_request`); this one
holds what they share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cpescript.cwmp import connection_request, events, hooks, power, retry, schedule, transfers
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.cwmp.message import Event
from cpescript.cwmp.power import DARK, KNOWN, LINKED, ON
from cpescript.cwmp.session import Outcome, Session
from cpescript.kernel import draws

if TYPE_CHECKING:
    from cpescript.device.device import Device

WAKING = 32
"""Flag: an event that will open a session is in the queue (the other flags are in `power`)."""
AGAIN = 64
"""Flag: a session of its own is due when the present one ends."""

_READY = ON | LINKED
_BOOTSTRAP = Event(events.BOOTSTRAP)
_PERIODIC = (Event(events.PERIODIC),)
HEARTBEAT = 2
"""Responses in a session in which nobody had anything to say: InformResponse and 204."""


class Work:
    """What few agents have: transfers, scheduled Informs, connection requests, something to do after the session.

    `after` is what was asked for during a session; `applying` the transfer whose firmware the coming boot brings up;
    `completions` the transfers whose end is untold; `raw` hand-written messages to send; `generation` tells timers of
    before a factory reset from later ones; the rest belongs to connection requests (`called`: when the last was
    accepted).
    """

    __slots__ = (
        "after",
        "applying",
        "called",
        "completions",
        "generation",
        "nonce",
        "nonce_at",
        "nonce_count",
        "nonces",
        "raw",
        "scheduled",
        "throttled",
        "transfers",
    )

    def __init__(self) -> None:
        self.transfers: tuple[transfers.Transfer, ...] = ()
        self.completions: tuple[transfers.Completion, ...] = ()
        self.after: tuple[power.Plan, ...] = ()
        self.applying: tuple[transfers.Transfer, hooks.Ending] | None = None
        self.raw: tuple[bytes, ...] = ()
        self.scheduled = 0
        self.generation = 0
        self.throttled = 0
        self.called = -1
        self.nonce = ""
        self.nonce_at = 0
        self.nonce_count = 0
        self.nonces = 0


class CwmpAgent:
    """A device's protocol endpoint. `device.agent` is set to it by whoever makes both.

    `events` are those that no session tells yet; `changed` the parameters whose change is untold; `sessions` counts all
    sessions, `retry_count` the failed ones in a row; `delivered_at` is the end of the last successful one (-1: none
    yet); `boot`, `periodic` and `retry` are handles of pending timers; `chance` is the stream of the periodic timer,
    kept because it is drawn from at every tick (0: not drawn from yet).
    """

    __slots__ = (
        "_work",
        "boot",
        "chance",
        "changed",
        "delivered_at",
        "device",
        "events",
        "flags",
        "hooks",
        "periodic",
        "retry",
        "retry_count",
        "session",
        "sessions",
    )

    def __init__(self, device: Device) -> None:
        self.device = device
        self.events: events.Events = ()
        self.changed: dict[str, None] | None = None
        self.session: Session | None = None
        self.sessions = 0
        self.retry_count = 0
        self.boot = 0
        self.retry = 0
        self.periodic = 0
        self.chance = 0
        self.delivered_at = -1
        self.flags = LINKED
        self.hooks: hooks.Hooks | None = None
        self._work: Work | None = None

    # --- What the simulation calls --------------------------------------------------------------------------------

    def power_on(self, first: bool = True) -> None:
        """Switch the device on; `first` says that it was made just now, so that bootDelay and bootRamp hold."""
        power.on(self, first)

    def power_off(self, abruptly: bool = True) -> None:
        """Switch the device off. CWMP knows no goodbye: a session under way is cut in any case."""
        power.off(self)

    def power_cycle(self, duration: int) -> None:
        """Switch the device off, and on again after `duration` nanoseconds."""
        power.cycle(self, duration)

    def reboot(self) -> None:
        """Reboot of the device's own accord, after the session if there is one: 1 BOOT."""
        power.after_session(self, power.REBOOT)

    def factory_reset(self) -> None:
        """Reset of the device's own accord, after the session if there is one: 0 BOOTSTRAP, 1 BOOT."""
        power.after_session(self, power.FACTORY_RESET)

    def link_down(self) -> None:
        """Cut the device off from the network; it keeps running."""
        power.link(self, False)

    def link_up(self) -> None:
        """Connect the device again; what it has to tell goes out now."""
        power.link(self, True)

    def inform(self, event_code: str = events.PERIODIC) -> None:
        """Open a session that tells this event."""
        self.tell(Event(event_code))
        self.wake()

    def send(self, body: bytes) -> None:
        """Open a session whose first message is `body`, whatever that is; it tells no event and is not repeated."""
        work = self.work()
        work.raw = (*work.raw, body)
        self.wake()

    def parameter_changed(self, path: str, by: str) -> None:
        """Take up a change of a parameter; `by` is `acs` or `device`."""
        schema = self.device.schema
        periodic = schema.periodic
        if periodic is not None and path in periodic:
            schedule.arm(self)
        if path == schema.acs_url:
            power.acs_changed(self)
        elif by != "acs":
            schedule.value_changed(self, path)

    def connection_request(self, request: HttpRequest) -> HttpResponse:
        """Answer a connection request; the session that follows is opened through the queue."""
        return connection_request.answer(self, request)

    def add_hook(self, hook: hooks.Hook) -> None:
        self.hooks = hooks.added(self.hooks, hook)

    def remove_hook(self, hook: hooks.Hook) -> None:
        self.hooks = hooks.removed(self.hooks, hook)

    def stop(self, abruptly: bool = False) -> None:
        """Take the device away: now if `abruptly`, else after the session under way."""
        if abruptly:
            power.stop(self)
        else:
            power.after_session(self, power.STOP)

    @property
    def listening(self) -> bool:
        """Whether a connection request would reach the device."""
        return self.flags & (_READY | DARK) == _READY

    # --- What behaviours share ------------------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        """Whether the device is powered and has booted."""
        return self.flags & (ON | DARK) == ON

    @property
    def acs_url(self) -> str:
        path = self.device.schema.acs_url
        return self.device.get(path) if path is not None else self.device.host.acs_url

    def work(self) -> Work:
        """Return the agent's `Work`, made now if need be."""
        if self._work is None:
            self._work = Work()
        return self._work

    def idle_work(self) -> Work | None:
        """Return the agent's `Work` where it has one."""
        return self._work

    def stream(self, purpose: str) -> int:
        """Return the device's stream of chance for that purpose."""
        return draws.stream(self.device.host.seed, f"{self.device.cpe_id}:{purpose}")

    def number(self, path: str, otherwise: int) -> int:
        """Return a numeric parameter's value, `otherwise` where the device has none."""
        try:
            return int(self.device.get(path))
        except (KeyError, ValueError):
            return otherwise

    def credentials(self) -> tuple[str, str]:
        """Return user name and password for the ACS as the tree has them now, empty where it has none."""
        paths = self.device.schema.acs_credentials
        return (self.device.get(paths.username), self.device.get(paths.password)) if paths is not None else ("", "")

    def secrets(self) -> tuple[str, ...]:
        """Return the parameters that an ACS may write but not read (TR-181: hidden)."""
        schema = self.device.schema
        known = (schema.acs_credentials, schema.connection_request.credentials)
        return tuple(paths.password for paths in known if paths is not None)

    def tell(self, event: Event) -> None:
        """Add an event to the undelivered ones."""
        self.events = events.add(self.events, event)

    def wake(self) -> None:
        """Open a session at this instant, through the queue; after the present one where there is one."""
        if self.session is not None:
            self.flags |= AGAIN
        elif not self.flags & WAKING:
            self.flags |= WAKING
            kernel = self.device.host.kernel
            kernel.at(kernel.now, self.device, _woken, self)

    def open(self) -> None:
        """Open a session now if the device can, and has something to tell."""
        if self.session is not None:
            self.flags |= AGAIN
            return
        if self.flags & (_READY | DARK) != _READY or not (self.events or (self._work is not None and self._work.raw)):
            return
        host = self.device.host
        if self.retry:
            # An earlier occasion takes the retry's place and does not reset the count (TR-069 3.2.1.1).
            host.kernel.cancel(self.retry)
            self.retry = 0
        self.sessions += 1
        self.session = Session(self, self.sessions)
        host.open(self.session)

    def cancel_timers(self) -> None:
        """Cancel every timer that the agent itself holds."""
        kernel = self.device.host.kernel
        for handle in (self.boot, self.periodic, self.retry):
            if handle:
                kernel.cancel(handle)
        self.boot = self.periodic = self.retry = 0

    # --- What a session calls -------------------------------------------------------------------------------------

    def session_started(self, session: Session) -> bytes | None:
        """Settle what the session's Inform tells; return the message that takes its place, if there is one."""
        device = self.device
        device.enter("in session")
        if self._work is not None and self._work.raw:
            body, *rest = self._work.raw
            self._work.raw = tuple(rest)
            if rest or self.events:
                self.flags |= AGAIN
            return body
        told = events.in_order(self.events)
        if len(told) < len(self.events):
            self.events = tuple(event for event in self.events if event not in told)
            self.flags |= AGAIN
        else:
            self.events = ()
        if self.hooks is not None:
            for hook in self.hooks.get("session-flow", ()):
                told = hook.session_events(device, told)
        session.events = told
        if self.changed:
            session.changed = tuple(self.changed)
            self.changed = None
        if self._work is not None and device.is_in("updating"):
            transfers.informed(self, told)
        return None

    @property
    def has_requests(self) -> bool:
        """Whether the device has a request of its own to send."""
        return self._work is not None and bool(self._work.completions)

    def next_request(self) -> tuple[str, Mapping[str, Any]] | None:
        """Return the device's own next request as (kind, fields), to be sent now; None where it has none."""
        work = self._work
        return transfers.request(self, work.completions[0]) if work is not None and work.completions else None

    def request_answered(self) -> None:
        """Note that the request last returned by `next_request` was answered: it is delivered."""
        transfers.delivered(self)

    def session_ended(self, session: Session, outcome: Outcome, reason: str) -> None:
        """Draw the consequences of a session's end."""
        device = self.device
        self.session = None
        device.leave("in session")
        host = device.host
        if reason:
            host.trace.fact(device, "SessionEnd", session.number, outcome=outcome, reason=reason)
        else:
            host.trace.fact(device, "SessionEnd", session.number, outcome=outcome)
        if outcome == "done":
            self._succeeded(session)
        else:
            self._failed(session)
        if self._work is not None and self._work.after:
            self.flags &= ~AGAIN
            power.carry_out(self)
        elif self.flags & AGAIN:
            self.flags &= ~AGAIN
            self.wake()

    def _succeeded(self, session: Session) -> None:
        left = events.after_success(session.events)
        self.events = events.merge(left, self.events)
        self.retry_count = 0
        self.delivered_at = self.device.host.kernel.now
        if _BOOTSTRAP not in self.events:
            # Otherwise the ACS was changed within the session: the new one knows nothing of this device yet.
            self.flags |= KNOWN
            self.device.enter("registered")
        if session.exchanges == HEARTBEAT and session.events == _PERIODIC:
            self.device.host.trace.hush(self.device, session.number)

    def _failed(self, session: Session) -> None:
        if _BOOTSTRAP not in self.events:
            # A bootstrap that came up meanwhile makes everything before it void (Table 7).
            self.events = events.merge(events.after_failure(session.events), self.events)
            if session.changed:
                self.changed = {**dict.fromkeys(session.changed), **(self.changed or {})}
        if not self.events or not self.up:
            return
        self.retry_count += 1
        kernel = self.device.host.kernel
        self.retry = kernel.at(kernel.now + retry.wait(self), self.device, _retried, self)

    # --- What RPC handlers call -----------------------------------------------------------------------------------

    def reboot_after_session(self, command_key: str) -> None:
        """Reboot once the session is over (A.3.2.9); a second Reboot replaces the first."""
        power.after_session(self, power.Plan("reboot", Event(events.M_REBOOT, command_key)))

    def apply_after_session(self) -> None:
        """Write the firmware of `Work.applying` once the session is over."""
        power.after_session(self, power.APPLY)

    def factory_reset_after_session(self) -> None:
        """Reset once the session is over (A.4.1.6)."""
        power.after_session(self, power.FACTORY_RESET)


def _woken(agent: CwmpAgent) -> None:
    agent.flags &= ~WAKING
    agent.open()


def _retried(agent: CwmpAgent) -> None:
    agent.retry = 0
    agent.open()
