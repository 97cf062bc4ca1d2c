"""What of an agent outlives the end of a run: whether the ACS knows the device, and what it has not been told yet.

    kept: that a session was accepted, events that survive a reboot (Table 7), requests owed to the ACS, transfers that
          are still to be done
    not kept: timers, sessions, retries, connection-request nonces, hand-written messages: a boot begins them anew

A transfer that was under way begins again. What does not consist of plain values (the results of a ChangeDUState, the
windows of a ScheduleDownload) is not kept, and neither are its events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cpescript.cwmp import events
from cpescript.cwmp.message import Event
from cpescript.cwmp.power import KNOWN
from cpescript.cwmp.transfers import Transfer
from cpescript.cwmp.untold import Untold

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent

_PLAIN = (str, int, bool, type(None))
_RESUMED = frozenset({"Download", "Upload"})


def _plain(fields: Mapping[str, Any]) -> bool:
    return all(isinstance(value, _PLAIN) or value in ((), []) for value in fields.values())


def saved(agent: CwmpAgent) -> dict[str, Any]:
    """Return what `restore` takes, as JSON holds it."""
    work = agent.idle_work()
    owed = [each for each in work.untold if each.owed] if work is not None else []
    kept = [each for each in owed if _plain(each.fields)]
    lost = {event for each in owed if each not in kept for event in each.events}
    pending = [event for event in events.after_reboot(agent.events) if event not in lost]
    transfers = work.transfers if work is not None else ()
    return {
        "known": bool(agent.flags & KNOWN),
        "sessions": agent.sessions,
        "events": [[event.code, event.command_key] for event in pending],
        "untold": [
            [each.kind, dict(each.fields), [[event.code, event.command_key] for event in each.events], each.tag]
            for each in kept
        ],
        "transfers": [
            [each.kind, dict(each.fields)] for each in transfers if each.kind in _RESUMED and _plain(each.fields)
        ],
    }


def restore(agent: CwmpAgent, kept: Mapping[str, Any]) -> None:
    """Go on from what was saved, before the device is switched on."""
    if kept["known"]:
        agent.flags |= KNOWN
    agent.sessions = kept["sessions"]
    agent.events = _events(kept["events"])
    untold = tuple(
        Untold(kind, _fields(fields), _events(told), True, tag) for kind, fields, told, tag in kept["untold"]
    )
    transfers = tuple(Transfer(kind, _fields(fields)) for kind, fields in kept["transfers"])
    for transfer in transfers:
        transfer.due = True
        if transfer.firmware:
            agent.device.enter("updating")
    if untold or transfers:
        work = agent.work()
        work.untold, work.transfers = untold, transfers


def _events(pairs: list[list[str]]) -> tuple[Event, ...]:
    return tuple(Event(code, key) for code, key in pairs)


def _fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
