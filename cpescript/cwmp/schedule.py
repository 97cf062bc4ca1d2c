"""When a device informs of its own accord: periodically, on ScheduleInform, and on a change of a value.

The periodic timer reads interval and enable from the tree each time it is armed: at boot, at each tick, and at once
when somebody changes one of them. Without a phase the next tick is an interval away, give or take a tenth, by the seed;
with PeriodicInformTime it is the next instant of that phase, exactly (TR-069 3.7.1.5, TR-181 ManagementServer). A tick
that falls into a session is told in a session of its own right after, or dropped (`x-cpescript: {overlap: drop}`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpescript.cwmp import events
from cpescript.cwmp.faults import CwmpFault
from cpescript.cwmp.message import Event
from cpescript.kernel import draws
from cpescript.kernel.time import SECOND, parse_instant

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent

SHORTEST = 1
"""Seconds: an interval below is taken for this one, so that an interval of 0 does not stop the clock."""
JITTER = 10
"""The next tick is off by at most interval / JITTER."""
MOST_SCHEDULED = 32
"""Pending ScheduleInforms before the next is refused with 9004; with two events each they fit one Inform."""

_PERIODIC = Event(events.PERIODIC)
_SCHEDULED = Event(events.SCHEDULED)
_VALUE_CHANGE = Event(events.VALUE_CHANGE)

_PASSIVE = frozenset({1, 4, 6})
_ACTIVE = 2
"""Notification values (A.3.2.4): 4 and 6 are passive with a lightweight kind besides; 3 and 5 concern no Inform."""


# --- Periodic -----------------------------------------------------------------------------------------------------


def arm(agent: CwmpAgent) -> None:
    """Set the periodic timer anew from what the tree says now, or not at all."""
    device, kernel = agent.device, agent.device.host.kernel
    if agent.periodic:
        kernel.cancel(agent.periodic)
        agent.periodic = 0
    paths = device.schema.periodic
    if paths is None or not agent.up or device.get(paths.enable) != "true":
        return
    interval = max(SHORTEST, int(device.get(paths.interval))) * SECOND
    anchor = _phase(device.get(paths.time)) if paths.time is not None else None
    if anchor is not None:
        wait = interval - (device.host.start + kernel.now - anchor) % interval
    else:
        if not agent.chance:
            agent.chance = agent.stream("periodic")
        spread = interval // JITTER
        # The draw is that of this instant, so that nobody has to count.
        wait = interval + draws.between(agent.chance, kernel.now, -spread, spread)
    agent.periodic = kernel.at(kernel.now + wait, device, _tick, agent)


def _phase(text: str) -> int | None:
    """Return the anchor that PeriodicInformTime names, None for Unknown Time and the relative times of year 1."""
    if not text or text.startswith("0001-"):
        return None
    try:
        return parse_instant(text)
    except ValueError:
        return None


def _tick(agent: CwmpAgent) -> None:
    agent.periodic = 0
    arm(agent)
    if agent.session is not None and agent.device.schema.extension.get("overlap") == "drop":
        return
    agent.tell(_PERIODIC)
    agent.open()


# --- ScheduleInform -----------------------------------------------------------------------------------------------


def inform_later(agent: CwmpAgent, delay: int, key: str) -> None:
    """Have an Inform with 3 SCHEDULED and M ScheduleInform in `delay` seconds (A.4.1.2).

    Raises CwmpFault(9004) where too many are pending.
    """
    if len(agent.work().scheduled) >= MOST_SCHEDULED:
        raise CwmpFault(9004, f"{MOST_SCHEDULED} Informs are scheduled already")
    inform_at(agent, agent.device.host.kernel.now + delay * SECOND, key)


def inform_at(agent: CwmpAgent, due: int, key: str) -> None:
    """The same at a virtual instant, however many are pending."""
    work = agent.work()
    work.scheduled = (*work.scheduled, (due, key))
    agent.device.host.kernel.at(due, agent.device, _scheduled, (agent, due, key, work.generation))


def _scheduled(what: tuple[CwmpAgent, int, str, int]) -> None:
    agent, due, key, generation = what
    work = agent.work()
    if work.generation != generation:
        return
    at = work.scheduled.index((due, key))
    work.scheduled = work.scheduled[:at] + work.scheduled[at + 1 :]
    agent.tell(_SCHEDULED)
    agent.tell(Event(events.M_SCHEDULE_INFORM, key))
    agent.wake()


# --- Value change -------------------------------------------------------------------------------------------------


def value_changed(agent: CwmpAgent, path: str) -> None:
    """Take up a change that the ACS did not make itself: told with the next Inform, or (active) in a session now.

    DefaultActiveNotificationThrottle keeps active notifications apart, counted from the last successful session; other
    causes it does not hold. While a retry is pending the change waits for it.
    """
    notification = agent.device.notification(path)
    if notification != _ACTIVE and notification not in _PASSIVE:
        return
    if agent.changed is None:
        agent.changed = {}
    agent.changed[path] = None
    agent.tell(_VALUE_CHANGE)
    if notification != _ACTIVE or agent.retry:
        return
    throttle = agent.number(f"{agent.device.schema.management_server}DefaultActiveNotificationThrottle", 0) * SECOND
    kernel = agent.device.host.kernel
    due = agent.delivered_at + throttle
    if not throttle or agent.delivered_at < 0 or due <= kernel.now:
        agent.wake()
    elif agent.work().throttled < due:
        agent.work().throttled = due
        kernel.at(due, agent.device, _throttle_over, agent)


def _throttle_over(agent: CwmpAgent) -> None:
    # A session since then has pushed the end of the throttle further back.
    if agent.changed and not agent.retry and agent.device.host.kernel.now >= agent.work().throttled:
        agent.wake()
