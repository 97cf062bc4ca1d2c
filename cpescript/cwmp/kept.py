"""What of an agent outlives the end of a run: what the ACS knows of the device, and what is still to be done or told.

    kept: the URL of the ACS that has accepted a session, and whether it did in the device's own version, events that
          survive a reboot (Table 7), requests owed to the ACS, messages written by hand, scheduled Informs, transfers
          with their windows, a Reboot or FactoryReset that was accepted, calls for software modules, the apps that are
          installed, labels
    not kept: other timers, sessions, retries, connection-request nonces

For the device the time in between is a loss of power that took no time at all (`power.off`, `power.on`): what had
begun has failed and is told so (a transfer with 9010 or 9011, an operation on software modules with 9001), what had not
is still to come, and a diagnostic is forgotten, for TR-181 has its state `None` where a reboot has lost its results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cpescript.cwmp import diagnosis, events, modules, power, schedule, transfers
from cpescript.cwmp.message import CLASSES, Event
from cpescript.cwmp.power import KNOWN, SPOKEN
from cpescript.cwmp.untold import Untold
from cpescript.cwmp.windows import Window
from cpescript.device.device import Device
from cpescript.kernel.time import Duration, Instant, Size, TimeOfDay

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent, Work
    from cpescript.device.schema import Schema

_MEANT: Mapping[str, Callable[[int], int]] = {each.__name__: each for each in (Duration, Instant, Size, TimeOfDay)}
"""Numbers that mean something, by their name."""
_STRUCTURES: Mapping[str, Callable[..., Any]] = {**CLASSES, **_MEANT, "list": lambda *items: list(items), "map": dict}
_OF_STRUCTURE = {each: name for name, each in {**CLASSES, **_MEANT}.items()}
_STRUCTURE = "structure"
"""The key by which a structure of `message`, a list or a mapping stands: `{"structure": NAME, "of": [FIELD, …]}`. What
is a list in JSON is a tuple."""


def packed(value: Any) -> Any:
    """Return the value of a field, a label or a quirk as JSON holds it. Raises TypeError for one that none has."""
    name = _OF_STRUCTURE.get(type(value))
    if name in _MEANT:
        return {_STRUCTURE: name, "of": [int(value)]}
    if name is not None:
        return {_STRUCTURE: name, "of": [packed(each) for each in value]}
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, list):
        return {_STRUCTURE: "list", "of": [packed(each) for each in value]}
    if isinstance(value, dict):
        return {_STRUCTURE: "map", "of": [[packed(pair) for pair in value.items()]]}
    if isinstance(value, tuple):
        return [packed(each) for each in value]
    raise TypeError(f"{type(value).__name__} cannot be kept")


def unpacked(value: Any) -> Any:
    """Return the value that `packed` has made JSON of. Raises KeyError for an unknown structure."""
    if isinstance(value, list):
        return tuple(unpacked(each) for each in value)
    if isinstance(value, dict):
        return _STRUCTURES[value[_STRUCTURE]](*(unpacked(each) for each in value["of"]))
    return value


def packed_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by name as JSON holds them."""
    return {name: packed(value) for name, value in fields.items()}


def unpacked_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values by name that `packed_fields` has made JSON of."""
    return {name: unpacked(value) for name, value in fields.items()}


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
        "known": agent.acs_url if agent.flags & KNOWN else None,
        "sessions": agent.sessions,
        "events": _packed_events(events.after_reboot(pending)),
    }
    device, work = agent.device, agent.idle_work()
    if agent.flags & SPOKEN and (work is None or work.version is None):
        kept["spoken"] = True
    if device.is_in("faulted"):
        kept["faulted"] = True
    if device.labels:
        kept["labels"] = packed_fields(device.labels)
    if work is not None:
        kept["work"] = _saved_work(work, device.host.kernel.now)
    return kept


def _saved_work(work: Work, now: int) -> dict[str, Any]:
    return {
        "drawn": work.drawn,
        "after": [[plan.what, packed(plan.event)] for plan in work.after if plan.what in power.PROMISED],
        # Octets, each as the character of its number.
        "raw": [body.decode("latin-1") for body in work.raw],
        "called": now - work.called if work.called >= 0 else None,
        "untold": [
            [each.kind, packed_fields(each.fields), _packed_events(each.events), each.tag]
            for each in work.untold
            if each.owed
        ],
        "transfers": [
            [
                each.kind,
                packed_fields(each.fields),
                [[window.start - now, window.end - now, window.mode, window.retries] for window in each.windows],
                each.tries,
                max(0, each.starts - now),
                now - each.began if each.began is not None else None,
            ]
            for each in work.transfers
        ],
        "scheduled": [[due - now, key] for due, key in work.scheduled],
        "jobs": [
            [
                packed(job.left),
                job.key,
                job.autonomous,
                packed(job.results),
                now - job.began if job.begun else None,
                job.unit,
            ]
            for job in work.jobs
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


def restore(agent: CwmpAgent, kept: Mapping[str, Any]) -> bool:
    """Go on from what was saved, when the device has its values again and is not switched on yet.

    Returns whether its ACS is at another URL now: then it is a stranger there, and owes it nothing (Table 7).
    Labels that it was given in this run go before those that it had.
    """
    device = agent.device
    if kept["known"] is not None:
        agent.flags |= KNOWN
    if kept.get("spoken"):
        agent.flags |= SPOKEN
    agent.sessions = int(kept["sessions"])
    agent.events = _unpacked_events(kept["events"])
    if kept.get("faulted"):
        device.enter("faulted")
    if "labels" in kept:
        device.labels = {**unpacked_fields(kept["labels"]), **(device.labels or {})}
    diagnosis.reset(device)
    if "work" in kept:
        _restore_work(agent, kept["work"])
    moved = kept["known"] not in (None, agent.acs_url)
    if moved:
        power.acs_changed(agent)
    return moved


def _restore_work(agent: CwmpAgent, kept: Mapping[str, Any]) -> None:
    work, now = agent.work(), agent.device.host.kernel.now
    work.drawn = kept["drawn"]
    work.raw = tuple(body.encode("latin-1") for body in kept["raw"])
    if kept["called"] is not None:
        work.called = now - kept["called"]
    work.untold = tuple(
        Untold(kind, unpacked_fields(fields), _unpacked_events(told), True, tag)
        for kind, fields, told, tag in kept["untold"]
    )
    for kind, fields, left, tries, wait, ran in kept["transfers"]:
        found = tuple(Window(start + now, end + now, mode, most) for start, end, mode, most in left)
        transfers.again(agent, transfers.Transfer(kind, unpacked_fields(fields), found), tries, wait, ran)
    transfers.interrupt(agent)
    for wait, key in kept["scheduled"]:
        schedule.inform_at(agent, now + max(0, wait), key)
    jobs = []
    for left, key, autonomous, results, began, unit in kept["jobs"]:
        job = modules.Job(unpacked(left), key, autonomous)
        job.results, job.unit = unpacked(results), unit
        if began is not None:
            job.begun, job.began = True, now - began
        jobs.append(job)
    if agent.device.schema.software_modules is not None:
        work.jobs = tuple(jobs)
        modules.interrupt(agent)
    power.keep_promises(agent, [power.Plan(what, unpacked(event)) for what, event in kept["after"]])
