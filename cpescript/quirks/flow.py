"""Quirks of the session: which events a device tells, and how it goes through a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpescript.cwmp.events import BOOT, BOOTSTRAP, Events
from cpescript.cwmp.hooks import Detour, Hook, Point
from cpescript.cwmp.message import Event
from cpescript.cwmp.rpcs import EMPTY
from cpescript.kernel.time import SECOND, Duration
from cpescript.quirks.catalogue import QuirkError, quirk

if TYPE_CHECKING:
    from cpescript.device.device import Device


class _FlowQuirk(Hook):
    points: frozenset[Point] = frozenset({"session-flow"})


@quirk(
    "bootstrap-every-boot",
    "each boot tells 0 BOOTSTRAP, not only the first",
    "provisions again without harm: the outcome is the same each time",
)
class BootstrapEveryBoot(_FlowQuirk):
    def session_events(self, device: Device, events: Events) -> Events:
        codes = [event.code for event in events]
        if BOOT not in codes or BOOTSTRAP in codes:
            return events
        self.fired(device)
        return (Event(BOOTSTRAP), *events)


@quirk(
    "boot-missing-after-reboot",
    "a boot other than the first is not told: the Inform has no 1 BOOT",
    "lets the task expire and goes on; does not reboot the device for ever",
)
class BootMissing(_FlowQuirk):
    def session_events(self, device: Device, events: Events) -> Events:
        kept = tuple(event for event in events if event.code != BOOT)
        if len(kept) in (0, len(events)) or any(event.code == BOOTSTRAP for event in events):
            return events
        self.fired(device)
        return kept


@quirk(
    "abort-midway",
    "the device closes the connection after InformResponse, in so many sessions (0: in all)",
    "drops the session, keeps what it had to do, and accepts the next Inform",
)
class AbortMidway(_FlowQuirk):
    times: int = 1

    def __post_init__(self) -> None:
        self.done = 0
        if self.times < 0:
            raise QuirkError("times of abort-midway must not be negative")

    def session_step(self, device: Device, kind: str) -> Detour | None:
        if kind != EMPTY or (self.times and self.done >= self.times):
            return None
        self.done += 1
        self.fired(device)
        return Detour(cut=True)


@quirk(
    "slow-cpe",
    "the device takes its time before each message",
    "waits as long as it is configured to, then drops the session and accepts the next Inform",
)
class SlowCpe(_FlowQuirk):
    pause: Duration = Duration(20 * SECOND)

    def session_step(self, device: Device, kind: str) -> Detour | None:
        self.fired(device)
        return Detour(after=self.pause)
