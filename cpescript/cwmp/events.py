"""Events of an Inform: which outlive what (TR-069 3.7.1.5, Table 7), and the order in which they are told.

Pending events are a tuple, so that the many devices without any share one empty tuple.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cpescript.cwmp.message import Event

BOOTSTRAP = "0 BOOTSTRAP"
BOOT = "1 BOOT"
PERIODIC = "2 PERIODIC"
SCHEDULED = "3 SCHEDULED"
VALUE_CHANGE = "4 VALUE CHANGE"
KICKED = "5 KICKED"
CONNECTION_REQUEST = "6 CONNECTION REQUEST"
TRANSFER_COMPLETE = "7 TRANSFER COMPLETE"
DIAGNOSTICS_COMPLETE = "8 DIAGNOSTICS COMPLETE"
REQUEST_DOWNLOAD = "9 REQUEST DOWNLOAD"
AUTONOMOUS_TRANSFER_COMPLETE = "10 AUTONOMOUS TRANSFER COMPLETE"
DU_STATE_CHANGE_COMPLETE = "11 DU STATE CHANGE COMPLETE"
AUTONOMOUS_DU_STATE_CHANGE_COMPLETE = "12 AUTONOMOUS DU STATE CHANGE COMPLETE"
M_REBOOT = "M Reboot"
M_SCHEDULE_INFORM = "M ScheduleInform"
M_DOWNLOAD = "M Download"
M_SCHEDULE_DOWNLOAD = "M ScheduleDownload"
M_UPLOAD = "M Upload"
M_CHANGE_DU_STATE = "M ChangeDUState"


CODES = (
    *(BOOTSTRAP, BOOT, PERIODIC, SCHEDULED, VALUE_CHANGE, KICKED, CONNECTION_REQUEST, TRANSFER_COMPLETE),
    *(DIAGNOSTICS_COMPLETE, REQUEST_DOWNLOAD, AUTONOMOUS_TRANSFER_COMPLETE, DU_STATE_CHANGE_COMPLETE),
    *(AUTONOMOUS_DU_STATE_CHANGE_COMPLETE, "13 WAKEUP", "14 HEARTBEAT", M_REBOOT, M_SCHEDULE_INFORM, M_DOWNLOAD),
    *(M_SCHEDULE_DOWNLOAD, M_UPLOAD, M_CHANGE_DU_STATE),
)
"""Event codes (TR-069 3.7.1.5), those that no device here ever tells among them."""


@dataclass(frozen=True, slots=True)
class Persistence:
    """A row of Table 7: does the event outlive a failed session, a reboot, and is it delivered with the Inform?"""

    retried: bool = True
    survives_reboot: bool = True
    delivered_by: str = "InformResponse"
    """The response whose arrival delivers the event."""


PERSISTENCE: dict[str, Persistence] = {
    BOOTSTRAP: Persistence(),
    BOOT: Persistence(survives_reboot=False),
    PERIODIC: Persistence(survives_reboot=False),
    SCHEDULED: Persistence(),
    VALUE_CHANGE: Persistence(survives_reboot=False),
    # 5 and 9 may be retried or not, as the CPE likes; ours does not nag.
    KICKED: Persistence(retried=False, survives_reboot=False),
    CONNECTION_REQUEST: Persistence(retried=False, survives_reboot=False),
    TRANSFER_COMPLETE: Persistence(delivered_by="TransferCompleteResponse"),
    DIAGNOSTICS_COMPLETE: Persistence(survives_reboot=False),
    REQUEST_DOWNLOAD: Persistence(retried=False, survives_reboot=False),
    AUTONOMOUS_TRANSFER_COMPLETE: Persistence(delivered_by="AutonomousTransferCompleteResponse"),
    DU_STATE_CHANGE_COMPLETE: Persistence(delivered_by="DUStateChangeCompleteResponse"),
    AUTONOMOUS_DU_STATE_CHANGE_COMPLETE: Persistence(delivered_by="AutonomousDUStateChangeCompleteResponse"),
    M_REBOOT: Persistence(),
    M_SCHEDULE_INFORM: Persistence(),
    M_DOWNLOAD: Persistence(delivered_by="TransferCompleteResponse"),
    M_SCHEDULE_DOWNLOAD: Persistence(delivered_by="TransferCompleteResponse"),
    M_UPLOAD: Persistence(delivered_by="TransferCompleteResponse"),
    M_CHANGE_DU_STATE: Persistence(delivered_by="DUStateChangeCompleteResponse"),
}
"""Table 7. A code that it does not list (a vendor's `X …`) is retried and survives, as a vendor would wish."""

_OTHER = Persistence()

MOST = 64
"""How many EventStructs an Inform may hold (cwmp-1-2.xsd, EventList); the rest wait for the next session."""

Events = tuple[Event, ...]


def persistence(code: str) -> Persistence:
    """Return the row of Table 7 for an event code."""
    return PERSISTENCE.get(code, _OTHER)


def add(pending: Events, event: Event) -> Events:
    """Return the pending events with one more; no (code, CommandKey) stands twice in an Inform."""
    return pending if event in pending else (*pending, event)


def _rank(event: Event) -> tuple[int, int]:
    number = event.code.partition(" ")[0]
    return (0, int(number)) if number.isdecimal() else (1, 0)


def in_order(pending: Events) -> Events:
    """Return the events that the next Inform tells: by number, the M events last, as many as one Inform may hold."""
    return tuple(sorted(pending, key=_rank))[:MOST] if len(pending) > 1 else pending


def after_reboot(pending: Events) -> Events:
    """Return what is left of the pending events after a reboot."""
    return tuple(event for event in pending if persistence(event.code).survives_reboot)


def after_failure(told: Events) -> Events:
    """Return which of the events that a failed session told are told again."""
    return tuple(event for event in told if persistence(event.code).retried)


@lru_cache(maxsize=256)
def after_success(told: Events) -> Events:
    """Return which of the events that a completed session told are undelivered still: another response does that."""
    return tuple(event for event in told if persistence(event.code).delivered_by != "InformResponse")


def merge(first: Events, second: Events) -> Events:
    """Return the events of both, each once."""
    return tuple(dict.fromkeys(first + second)) if first and second else first or second
