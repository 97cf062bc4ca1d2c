"""Power, boots and what leads to them: switching on and off, reboot, factory reset, another ACS, the link.

What the ACS asks for happens after the session; so does what a scenario asks for while one is under way. While a device
is dark it says nothing and hears nothing; it comes up with 1 BOOT, and with 0 BOOTSTRAP where the ACS does not know it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

from cpescript.cwmp import diagnosis, events, modules, movements, schedule, transfers, untold
from cpescript.cwmp.message import Event
from cpescript.kernel import draws
from cpescript.kernel.time import SECOND

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent

ON = 1
"""Flag of an agent: powered."""
LINKED = 2
"""Connected to the network."""
DARK = 4
"""Powered but not up: booting, rebooting or writing firmware."""
KNOWN = 8
"""The ACS at the present URL has accepted a session: the next boot is no bootstrap."""
STOPPED = 16
"""Taken away for good."""
SPOKEN = 128
"""The ACS at the present URL has answered an Inform in the version in which sessions begin now."""

DEFAULT_DARK = 30 * SECOND
"""How long a reboot or factory reset takes where the profile does not say: what small gateways take at their best."""

_BOOT = Event(events.BOOT)
_BOOTSTRAP = Event(events.BOOTSTRAP)


class Plan(NamedTuple):
    """What is to happen as soon as no session is under way; `event` is told after the boot."""

    what: Literal["reboot", "factory-reset", "apply", "stop"]
    event: Event | None = None


REBOOT = Plan("reboot")
FACTORY_RESET = Plan("factory-reset")
APPLY = Plan("apply")
STOP = Plan("stop")


def after_session(agent: CwmpAgent, plan: Plan) -> None:
    """Carry a plan out now, or after the session under way; a second plan of a kind replaces the first."""
    work = agent.work()
    work.after = (*[other for other in work.after if other.what != plan.what], plan)
    if agent.session is None:
        carry_out(agent)


def carry_out(agent: CwmpAgent) -> None:
    """Carry out what was planned for when no session is under way."""
    work = agent.work()
    plans, work.after = work.after, ()
    for plan in plans:
        if agent.flags & ON:
            _CARRIED_OUT[plan.what](agent, plan)
        elif plan.what == "stop":
            stop(agent)


def _reboot(agent: CwmpAgent, plan: Plan) -> None:
    if plan.event is not None:
        agent.tell(plan.event)
    _go_dark(agent, agent.device.schema.event_schedule.reboot_delay or DEFAULT_DARK)
    transfers.interrupt(agent)
    modules.interrupt(agent)


def _factory_reset(agent: CwmpAgent, plan: Plan) -> None:
    _forget_everything(agent)
    _go_dark(agent, agent.device.schema.event_schedule.factory_reset_delay or DEFAULT_DARK)


def _forget_everything(agent: CwmpAgent) -> None:
    """Become as the profile declares the device, and a stranger to the ACS."""
    work = agent.work()
    transfers.forget(agent)
    modules.forget(agent)
    work.scheduled = ()
    work.generation += 1
    agent.events = ()
    agent.changed = None
    agent.flags &= ~(KNOWN | SPOKEN)
    agent.device.factory_reset()


def _apply(agent: CwmpAgent, plan: Plan) -> None:
    if agent.work().applying is not None:
        _go_dark(agent, transfers.apply_delay(agent))


def _stop(agent: CwmpAgent, plan: Plan) -> None:
    stop(agent)


_CARRIED_OUT = {"reboot": _reboot, "factory-reset": _factory_reset, "apply": _apply, "stop": _stop}


PROMISED = frozenset({"reboot", "factory-reset"})
"""Plans that a loss of power does not undo: the response has promised them to the ACS (A.3.2.9, A.4.1.6)."""


def keep_promises(agent: CwmpAgent, plans: Iterable[Plan]) -> None:
    """Let the boot that follows a loss of power be what was promised for the end of the session that it cut.

    It is the reboot that was asked for, and tells so by its M event; it brings up a device that was reset.
    """
    for plan in plans:
        if plan.what == "factory-reset":
            _forget_everything(agent)
        elif plan.event is not None:
            agent.tell(plan.event)


def _go_dark(agent: CwmpAgent, delay: int) -> None:
    """Go through a reboot that takes `delay`; one that is under way starts over."""
    agent.cancel_timers()
    diagnosis.forget(agent)
    agent.device.leave("registered")
    agent.device.enter("rebooting")
    _boot_later(agent, delay)


def _boot_later(agent: CwmpAgent, delay: int) -> None:
    agent.flags |= DARK
    kernel = agent.device.host.kernel
    agent.boot = kernel.at(kernel.now + delay, agent.device, _booted, agent)


def _booted(agent: CwmpAgent) -> None:
    agent.boot = 0
    _come_up(agent)


def _come_up(agent: CwmpAgent) -> None:
    """Boot: forget what does not outlive it, tell the boot, and go on with what was left."""
    device = agent.device
    agent.flags &= ~DARK
    device.booted_at = device.host.kernel.now
    device.leave("registered")
    device.leave("rebooting")
    transfers.applied(agent)
    modules.booted(agent)
    diagnosis.forget(agent)
    untold.drop(agent)
    agent.forget_version()
    agent.events = events.after_reboot(agent.events)
    agent.changed = None
    agent.retry_count = 0
    if not agent.flags & KNOWN:
        agent.tell(_BOOTSTRAP)
    agent.tell(_BOOT)
    schedule.arm(agent)
    movements.arm(agent)
    transfers.go_on(agent)
    modules.go_on(agent)
    agent.wake()


def on(agent: CwmpAgent, first: bool) -> None:
    """Switch on: the boot follows, at once or (for a device just made) as bootDelay and bootRamp say."""
    if agent.flags & (ON | STOPPED):
        return
    agent.cancel_timers()
    agent.flags |= ON
    if agent.flags & LINKED:
        agent.device.enter("online")
    times = agent.device.schema.event_schedule
    delay = times.boot_delay if first else 0
    if first and times.boot_ramp:
        delay += draws.between(agent.stream("boot"), 0, 0, times.boot_ramp)
    if delay:
        _boot_later(agent, delay)
    else:
        _come_up(agent)


def off(agent: CwmpAgent) -> None:
    """Switch off: whatever is under way ends here."""
    if not agent.flags & ON:
        agent.cancel_timers()  # A power cycle that is under way stays off.
        return
    agent.flags &= ~(ON | DARK)
    agent.cancel_timers()
    work = agent.idle_work()
    plans: tuple[Plan, ...] = ()
    if work is not None:
        plans, work.after = work.after, ()
    if agent.session is not None:
        agent.session.abort("cut", "power off")
    diagnosis.forget(agent)
    transfers.interrupt(agent)
    modules.interrupt(agent)
    keep_promises(agent, (plan for plan in plans if plan.what in PROMISED))
    for state in ("online", "registered", "rebooting"):
        agent.device.leave(state)
    if STOP in plans:
        stop(agent)


def cycle(agent: CwmpAgent, duration: int) -> None:
    """Switch off, and on again after `duration`."""
    off(agent)
    if not agent.flags & STOPPED:
        kernel = agent.device.host.kernel
        agent.boot = kernel.at(kernel.now + duration, agent.device, _power_back, agent)


def _power_back(agent: CwmpAgent) -> None:
    agent.boot = 0
    on(agent, False)


def stop(agent: CwmpAgent) -> None:
    """Take the device away for good."""
    off(agent)
    agent.flags |= STOPPED
    transfers.forget(agent)
    agent.events = ()
    agent.device.leave("faulted")


def link(agent: CwmpAgent, linked: bool) -> None:
    """Connect the device to the network or cut it off."""
    if not linked:
        agent.flags &= ~LINKED
        agent.device.leave("online")
    elif not agent.flags & LINKED:
        agent.flags |= LINKED
        if agent.flags & ON:
            agent.device.enter("online")
            agent.wake()


def acs_changed(agent: CwmpAgent) -> None:
    """Another ACS URL: the next Inform is a bootstrap, and nothing before it counts (Table 7)."""
    agent.flags &= ~(KNOWN | SPOKEN)
    agent.device.leave("registered")
    agent.forget_version()
    untold.forget(agent)
    agent.events = ()
    agent.changed = None
    if agent.flags & ON:
        agent.tell(_BOOTSTRAP)
        agent.wake()
