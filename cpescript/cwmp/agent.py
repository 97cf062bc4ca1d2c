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

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cpescript.cwmp import (
    connection_request,
    diagnosis,
    events,
    hooks,
    inform,
    modules,
    movements,
    power,
    retry,
    schedule,
    transfers,
    untold,
)
from cpescript.cwmp.digest import Proof
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.cwmp.message import Event
from cpescript.cwmp.power import DARK, KNOWN, LINKED, ON, SPOKEN
from cpescript.cwmp.session import Outcome, Session, kind_of
from cpescript.kernel import draws

if TYPE_CHECKING:
    from cpescript.cwmp.nonces import Nonces
    from cpescript.device.device import Device
    from cpescript.device.manifest import Manifest
    from cpescript.device.schema import Schema

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
    """What few agents have: transfers, connection requests, something to do after the session.

    `scheduled` are the Informs that an ACS has scheduled: instant and CommandKey.

    `after` is what was asked for during a session; `applying` the transfer whose firmware the coming boot brings up;
    `untold` the device's own requests that were not answered yet; `raw` hand-written messages to send; `diagnoses` the
    diagnostics that were asked for or run; `jobs` the operations on software modules, `apps` the manifests of installed
    ones by deployment unit, `schema` the data model without them; `drawn` counts what was drawn for these; `watched`
    the moving parameters that are notified; `version` is the namespace version to begin the next session with, where
    the ACS knows none later; `proof` is how it may begin unasked at a host and port; `generation` tells timers of
    before a factory reset from later ones; the rest belongs to connection requests (`called`: when the last was
    accepted).
    """

    __slots__ = (
        "after",
        "applying",
        "apps",
        "called",
        "diagnoses",
        "drawn",
        "generation",
        "jobs",
        "nonces",
        "proof",
        "raw",
        "scheduled",
        "schema",
        "throttled",
        "transfers",
        "untold",
        "version",
        "watched",
    )

    def __init__(self) -> None:
        self.transfers: tuple[transfers.Transfer, ...] = ()
        self.untold: tuple[untold.Untold, ...] = ()
        self.diagnoses: tuple[diagnosis.Run, ...] = ()
        self.jobs: tuple[modules.Job, ...] = ()
        self.apps: dict[str, Manifest] = {}
        self.schema: Schema | None = None
        self.drawn = 0
        self.version: str | None = None
        self.proof: tuple[str, Proof] | None = None
        self.after: tuple[power.Plan, ...] = ()
        self.applying: tuple[transfers.Transfer, hooks.Ending] | None = None
        self.raw: tuple[bytes, ...] = ()
        self.scheduled: tuple[tuple[int, str], ...] = ()
        self.generation = 0
        self.throttled = 0
        self.called = -1
        self.nonces: Nonces | None = None
        self.watched: dict[str, movements.Watch] = {}


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
        """Open a session that tells this event, with the request that belongs to it (`untold.STANDS_FOR`)."""
        request = untold.of_event(self, event_code)
        if request is not None:
            untold.tell(self, request)
            return
        self.tell(Event(event_code))
        self.wake()

    def request(self, event_code: str, **fields: Any) -> None:
        """Send the request that belongs to an event of `untold.STANDS_FOR`, with these fields over its own.

        Raises KeyError for an event that no request belongs to.
        """
        request = untold.of_event(self, event_code, **fields)
        if request is None:
            raise KeyError(f"no request belongs to {event_code}")
        untold.tell(self, request)

    def send(self, body: bytes) -> None:
        """Put hand-written octets on the wire, once, in a session of their own.

        An Inform opens that session in place of the device's own, and tells none of its events. Any other document,
        well-formed or not, is the message after the InformResponse of a session that the device opens for it.
        """
        work = self.work()
        work.raw = (*work.raw, body)
        self.wake()

    def change_modules(self, operations: Sequence[modules.Operation]) -> None:
        """Install, update or uninstall software of the device's own accord; told by 12 AUTONOMOUS DU STATE CHANGE."""
        modules.change(self, operations, "", autonomous=True)

    def parameter_changed(self, path: str, by: str) -> None:
        """Take up a change of a parameter; `by` is `acs` or `device`."""
        schema = self.device.schema
        movements.written(self, path)
        periodic = schema.periodic
        if periodic is not None and path in periodic:
            schedule.arm(self)
        if path == schema.acs_url:
            power.acs_changed(self)
        elif by != "acs":
            schedule.value_changed(self, path)

    def set_by_hand(self, values: Mapping[str, str]) -> None:
        """Take up what somebody at the device has just set, by path: tests to run, execution units to start or stop."""
        diagnosis.written(self, values, by_acs=False)
        modules.written(self, values)

    def connection_request(self, request: HttpRequest, came: int | None = None) -> HttpResponse:
        """Answer a connection request; the session that follows is opened through the queue.

        `came` is when it came, in nanoseconds of the clock that its callers live by; None: by the kernel's.
        """
        return connection_request.answer(self, request, self.device.host.kernel.now if came is None else came)

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
            if rest:
                self.flags |= AGAIN
            if kind_of(body) == "Inform":
                if self.events:
                    self.flags |= AGAIN
                return body
            session.raw = body
            if not self.events:
                self.events = _PERIODIC
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
        return self._work is not None and bool(self._work.untold)

    def next_request(self) -> tuple[str, Mapping[str, Any]] | None:
        """Return the device's own next request as (kind, fields), to be sent now; None where it has none."""
        work = self._work
        if work is None or not work.untold:
            return None
        request = work.untold[0]
        if request.tag == "firmware-fault":
            transfers.stop_updating(self)
        return request.kind, request.fields

    def request_answered(self) -> None:
        """Note that the request last returned by `next_request` was answered: it is delivered."""
        untold.delivered(self)

    def request_refused(self) -> bool:
        """Note that the ACS answered that request by a Fault; return whether it is owed all the same."""
        work = self.work()
        if work.untold and work.untold[0].owed:
            return True
        untold.delivered(self)
        return False

    @property
    def version(self) -> str:
        """The namespace version in which the next session begins."""
        work = self._work
        return (work.version if work is not None else None) or inform.namespace_version(self.device.schema)

    def version_accepted(self, version: str, *, lowered: bool) -> None:
        """Note that the ACS answered an Inform in that namespace: one that is not the device's own is kept to."""
        if lowered and version != self.version:
            self.work().version = version
        self.flags |= SPOKEN

    def version_refused(self, version: str) -> None:
        """Note that the ACS answered an Inform by 400, which may be for its namespace: the next one is older.

        After the oldest it is the device's own again (TR-069 3.7.4). An ACS that has answered in this version means
        something else by a 400, such as a session that it has not closed yet: that is a failure like any other.
        """
        if not self.flags & SPOKEN:
            self.work().version = inform.version_below(version)

    def forget_version(self) -> None:
        """Begin with the device's own version again: it has booted, or has another ACS."""
        if self._work is not None and self._work.version is not None:
            self._work.version = None
            self.flags &= ~SPOKEN

    def session_ended(self, session: Session, outcome: Outcome, reason: str) -> None:
        """Draw the consequences of a session's end."""
        device = self.device
        self.session = None
        device.leave("in session")
        host = device.host
        if outcome != "done":
            host.trace.remember(device, session.number, "SessionEnd", outcome, reason)
        if reason:
            host.trace.fact(device, "SessionEnd", session.number, outcome=outcome, reason=reason)
        else:
            host.trace.fact(device, "SessionEnd", session.number, outcome=outcome)
        if outcome == "done":
            self._succeeded(session)
        else:
            self._failed(session)
        if self._work is not None:
            diagnosis.begin(self)
            modules.go_on(self)
        if self._work is not None and self._work.after:
            self.flags &= ~AGAIN
            power.carry_out(self)
        elif self.flags & AGAIN:
            self.flags &= ~AGAIN
            self.wake()

    def _succeeded(self, session: Session) -> None:
        # Without its request nothing would ever deliver such an event: a user named it, or the ACS was changed.
        if left := events.after_success(session.events):
            self.events = events.merge(untold.announced(self, left), self.events)
        self.retry_count = 0
        self.delivered_at = self.device.host.kernel.now
        if _BOOTSTRAP not in self.events:
            # Otherwise the ACS was changed within the session: the new one knows nothing of this device yet.
            self.flags |= KNOWN
            self.device.enter("registered")
        if session.exchanges - session.challenges == HEARTBEAT and session.events == _PERIODIC:
            self.device.host.trace.hush(self.device, session.number)

    def _failed(self, session: Session) -> None:
        untold.drop(self)
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
