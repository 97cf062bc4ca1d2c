"""What of an agent outlives the end of a run: what the ACS knows of the device, and what is still to be done or told.

    kept: that a session was accepted, events that survive a reboot (Table 7), requests owed to the ACS, scheduled
          Informs, transfers with their windows, calls for software modules, the apps that are installed
    not kept: other timers, sessions, retries, connection-request nonces, hand-written messages

For the device the time in between is a loss of power that took no time at all (`power`): a transfer that was under way
begins again, an operation on software modules failed with 9002, a diagnostic is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cpescript.cwmp import diagnosis, events, modules, schedule, transfers
from cpescript.cwmp.message import CLASSES, Event
from cpescript.cwmp.power import KNOWN
from cpescript.cwmp.untold import Untold
from cpescript.cwmp.windows import Window
from cpescript.device.device import Device

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent, Work
    from cpescript.device.schema import Schema

_OF_STRUCTURE = {each: name for name, each in CLASSES.items()}
_STRUCTURE = "structure"
"""The key by which a structure of `message` is told from a mapping: `{"structure": NAME, "of": [FIELD, …]}`."""


def _packed(value: Any) -> Any:
    """Return the value of a field as JSON holds it. Raises TypeError for one that no field has."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    name = _OF_STRUCTURE.get(type(value))
    if name is not None:
        return {_STRUCTURE: name, "of": [_packed(each) for each in value]}
    if isinstance(value, (tuple, list)):
        return [_packed(each) for each in value]
    raise TypeError(f"{type(value).__name__} cannot be kept")


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_unpacked(each) for each in value)
    if isinstance(value, dict):
        return CLASSES[value[_STRUCTURE]](*(_unpacked(each) for each in value["of"]))
    return value


def _packed_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _packed(value) for name, value in fields.items()}


def _unpacked_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _unpacked(value) for name, value in fields.items()}


def _packed_events(pending: Iterable[Event]) -> list[list[str]]:
    return [[event.code, event.command_key] for event in pending]


def _unpacked_events(pairs: Iterable[list[str]]) -> tuple[Event, ...]:
    return tuple(Event(code, key) for code, key in pairs)


# --- Saving -------------------------------------------------------------------------------------------------------


def profile(agent: CwmpAgent) -> Schema:
    """Return the data model of a device without what its apps bring."""
    work = agent.idle_work()
    return work.schema if work is not None and work.schema is not None else agent.device.schema


def saved(agent: CwmpAgent) -> dict[str, Any]:
    """Return what `restore` takes, as JSON holds it. Instants are counted from now."""
    told = agent.session.events if agent.session is not None else ()
    pending = events.merge(events.after_failure(told), agent.events)
    kept: dict[str, Any] = {
        "known": bool(agent.flags & KNOWN),
        "sessions": agent.sessions,
        "events": _packed_events(events.after_reboot(pending)),
    }
    work = agent.idle_work()
    if work is not None:
        kept["work"] = _saved_work(work, agent.device.host.kernel.now)
    return kept


def _saved_work(work: Work, now: int) -> dict[str, Any]:
    return {
        "drawn": work.drawn,
        "untold": [
            [each.kind, _packed_fields(each.fields), _packed_events(each.events), each.tag]
            for each in work.untold
            if each.owed
        ],
        "transfers": [
            [
                each.kind,
                _packed_fields(each.fields),
                [[window.start - now, window.end - now, window.mode, window.retries] for window in each.windows],
                each.tries,
                max(0, each.starts - now),
            ]
            for each in work.transfers
        ],
        "scheduled": [[due - now, key] for due, key in work.scheduled],
        "jobs": [
            [_packed(job.left), job.key, job.autonomous, _packed(job.results), job.begun, job.unit] for job in work.jobs
        ],
        "apps": {unit: manifest.text for unit, manifest in work.apps.items()},
    }


# --- Restoring ----------------------------------------------------------------------------------------------------


def grow(device: Device, kept: Mapping[str, Any]) -> None:
    """Let a new device have the data model of its apps again, before its values are restored.

    An app that its profile cannot take any more is dropped.
    """
    for unit, text in kept.get("work", {}).get("apps", {}).items():
        modules.install_again(device.agent, unit, text)


def restore(agent: CwmpAgent, kept: Mapping[str, Any]) -> None:
    """Go on from what was saved, when the device has its values again and is not switched on yet."""
    if kept["known"]:
        agent.flags |= KNOWN
    agent.sessions = kept["sessions"]
    agent.events = _unpacked_events(kept["events"])
    diagnosis.reset(agent.device)
    if "work" in kept:
        _restore_work(agent, kept["work"])


def _restore_work(agent: CwmpAgent, kept: Mapping[str, Any]) -> None:
    work, now = agent.work(), agent.device.host.kernel.now
    work.drawn = kept["drawn"]
    work.untold = tuple(
        Untold(kind, _unpacked_fields(fields), _unpacked_events(told), True, tag)
        for kind, fields, told, tag in kept["untold"]
    )
    for kind, fields, left, tries, wait in kept["transfers"]:
        found = tuple(Window(start + now, end + now, mode, most) for start, end, mode, most in left)
        transfers.again(agent, transfers.Transfer(kind, _unpacked_fields(fields), found), tries, wait)
    for wait, key in kept["scheduled"]:
        schedule.inform_at(agent, now + max(0, wait), key)
    jobs = []
    for left, key, autonomous, results, begun, unit in kept["jobs"]:
        job = modules.Job(_unpacked(left), key, autonomous)
        job.results, job.begun, job.began, job.unit = _unpacked(results), begun, now, unit
        jobs.append(job)
    if agent.device.schema.software_modules is not None:
        work.jobs = tuple(jobs)
        modules.resume(agent)
