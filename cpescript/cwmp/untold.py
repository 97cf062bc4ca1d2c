"""Requests of the device's own that wait for their answer: what a transfer, a module or a user has to say to the ACS.

Each comes with the events that announce it. One that is `owed` (TransferComplete and its like) outlives failed sessions
and reboots until it is answered, and so do its events (TR-069 3.7.1.5); the others (RequestDownload, Kicked) are told
once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cpescript.cwmp import events
from cpescript.cwmp.inform import cwmp_version
from cpescript.cwmp.message import Event
from cpescript.cwmp.rpcs import RPCS
from cpescript.kernel.time import format_instant

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent


class Untold(NamedTuple):
    """A request that is yet to be answered: its RPC, its fields, the events that announce it.

    `tag` says what it is the end of, to whoever asks (`firmware-fault`: the end of an update).
    """

    kind: str
    fields: Mapping[str, Any]
    events: tuple[Event, ...]
    owed: bool = True
    tag: str = ""


def tell(agent: CwmpAgent, request: Untold) -> None:
    """Have a request told, in a session that is opened for it or in the next one of its own accord."""
    work = agent.work()
    work.untold = (*work.untold, request)
    for event in request.events:
        agent.tell(event)
    agent.wake()


def delivered(agent: CwmpAgent) -> None:
    """Note that the first request was answered: it is delivered, and so are the events that no other one needs."""
    work, session = agent.work(), agent.session
    done, *rest = work.untold
    work.untold = tuple(rest)
    gone = set(done.events) - {event for other in rest for event in other.events}
    agent.events = tuple(event for event in agent.events if event not in gone)
    if session is not None:
        session.events = tuple(event for event in session.events if event not in gone)


def announced(agent: CwmpAgent, told: events.Events) -> events.Events:
    """Return which of these events still wait for the answer to the request that they announce."""
    work = agent.idle_work()
    waiting = {event for request in work.untold for event in request.events} if work is not None else set()
    return tuple(event for event in told if event in waiting)


def drop(agent: CwmpAgent) -> None:
    """Forget what is told only once, and was tried: the session failed, or the device reboots."""
    work = agent.idle_work()
    if work is not None and work.untold:
        work.untold = tuple(request for request in work.untold if request.owed)


def forget(agent: CwmpAgent) -> None:
    """Forget all of them: they were for another ACS, or for a life before a factory reset."""
    work = agent.idle_work()
    if work is not None:
        work.untold = ()


# --- Requests that an event alone stands for ----------------------------------------------------------------------


def _now(agent: CwmpAgent) -> str:
    host = agent.device.host
    return format_instant(host.start + host.kernel.now)


def _kicked(agent: CwmpAgent) -> Mapping[str, Any]:
    return {"command": "", "referer": "", "arg": "", "next": ""}


def _request_download(agent: CwmpAgent) -> Mapping[str, Any]:
    return {"file_type": "1 Firmware Upgrade Image", "file_type_arg": ()}


def _autonomous_transfer(agent: CwmpAgent) -> Mapping[str, Any]:
    now = _now(agent)
    return {
        "announce_url": "",
        "transfer_url": "",
        "is_download": True,
        "file_type": "3 Vendor Configuration File",
        "file_size": 0,
        "target_file_name": "",
        "fault_code": 0,
        "fault_string": "",
        "start_time": now,
        "complete_time": now,
    }


STANDS_FOR: Mapping[str, tuple[str, bool, Callable[[CwmpAgent], Mapping[str, Any]]]] = {
    events.KICKED: ("Kicked", False, _kicked),
    events.REQUEST_DOWNLOAD: ("RequestDownload", False, _request_download),
    events.AUTONOMOUS_TRANSFER_COMPLETE: ("AutonomousTransferComplete", True, _autonomous_transfer),
}
"""Event code to the request that must follow it (A.3.3, A.4.2): its RPC, whether it is owed, and its fields where
nobody gives any."""


def of_event(agent: CwmpAgent, code: str, **fields: Any) -> Untold | None:
    """Return the request that goes with an event; `fields` override its own.

    None for an event that stands alone, or whose request the device's version of CWMP does not have.
    """
    known = STANDS_FOR.get(code)
    if known is None or RPCS[known[0]].since > cwmp_version(agent.device.schema):
        return None
    kind, owed, plain = known
    return Untold(kind, {**plain(agent), **fields}, (Event(code),), owed)
