"""Values that move by themselves and that the ACS wants to hear of: looked at when they tick, only then.

A generator ticks silently. Where the notification attribute of its parameter says that the ACS is to be told (passive
or active, TR-069 A.3.2.4), the agent looks at each tick and takes up a change as any other of the device's own.

    armed at boot and when attributes are set → an event at the next tick of each such leaf
        → the value has changed: `CwmpAgent.parameter_changed`; then the next tick

Nobody else pays: an agent without such a leaf has no timer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent

TOLD = frozenset({1, 2, 4, 6})
"""Notification values that concern Informs: passive, active, and passive with a lightweight kind besides."""


class Watch:
    """A leaf that is looked at when it ticks: the pending event, and the value as the ACS could know it."""

    __slots__ = ("handle", "last")

    def __init__(self, handle: int, last: str) -> None:
        self.handle = handle
        self.last = last


def arm(agent: CwmpAgent) -> None:
    """Watch the moving parameters that are notified now, and no others."""
    work, device = agent.idle_work(), agent.device
    if work is not None and work.watched:
        for watch in work.watched.values():
            device.host.kernel.cancel(watch.handle)
        work.watched = {}
    if not agent.up or not (device.schema.notified_moving or device.has_attributes):
        return
    for path, level in device.notified().items():
        if level in TOLD:
            _watch(agent, path)


def written(agent: CwmpAgent, path: str) -> None:
    """Note that somebody wrote a parameter: what counts as a change is counted from there."""
    work = agent.idle_work()
    if work is not None and work.watched and path in work.watched:
        work.watched[path].last = agent.device.get(path)


def _watch(agent: CwmpAgent, path: str) -> None:
    device = agent.device
    due = device.next_tick(path)
    if due is not None:
        handle = device.host.kernel.at(due, device, _ticked, (agent, path))
        agent.work().watched[path] = Watch(handle, device.get(path))


def _ticked(what: tuple[CwmpAgent, str]) -> None:
    agent, path = what
    device = agent.device
    watch = agent.work().watched.pop(path)
    if not agent.up or device.leaf(path) is None or device.notification(path) not in TOLD:
        # Switched off, on its way through a boot, or no longer asked for: whoever changes that arms anew.
        return
    if device.get(path) != watch.last:
        agent.parameter_changed(path, "device")
    _watch(agent, path)
