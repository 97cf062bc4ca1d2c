"""Quirks of the session: which events a device tells, and how it goes through a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cpescript.cwmp.events import (
    BOOT,
    BOOTSTRAP,
    CONNECTION_REQUEST,
    DIAGNOSTICS_COMPLETE,
    PERIODIC,
    TRANSFER_COMPLETE,
    VALUE_CHANGE,
    Events,
)
from cpescript.cwmp.hooks import Detour, Hook, Point
from cpescript.cwmp.message import Event
from cpescript.cwmp.rpcs import EMPTY
from cpescript.kernel.time import SECOND, Duration
from cpescript.quirks.catalogue import Range, quirk

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
    times: Annotated[int, Range(0)] = 1

    def __post_init__(self) -> None:
        self.done = 0

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
    pause: Annotated[Duration, Range(0)] = Duration(20 * SECOND)

    def session_step(self, device: Device, kind: str) -> Detour | None:
        self.fired(device)
        return Detour(after=self.pause)


class _DropsEvents(_FlowQuirk):
    """Keeps events of an Inform back, but never all of them."""

    def _without(self, device: Device, events: Events, *codes: str) -> Events:
        kept = tuple(event for event in events if event.code not in codes)
        if not kept or kept == events:
            return events
        self.fired(device)
        return kept


@quirk(
    "bootstrap-missing",
    "a bootstrap is told as 1 BOOT alone",
    "notices by ParameterKey, or by the values, that the device has forgotten everything",
)
class BootstrapMissing(_DropsEvents):
    def session_events(self, device: Device, events: Events) -> Events:
        return self._without(device, events, BOOTSTRAP)


@quirk(
    "event-wrong-after-upgrade",
    "the boot after an upgrade is told without 7 TRANSFER COMPLETE and M Download",
    "goes by the CommandKey of the TransferComplete, not by events",
)
class EventWrongAfterUpgrade(_DropsEvents):
    def session_events(self, device: Device, events: Events) -> Events:
        if not any(event.code == BOOT for event in events):
            return events
        return self._without(device, events, TRANSFER_COMPLETE, "M Download", "M ScheduleDownload")


@quirk(
    "value-change-every-boot",
    "each boot tells 4 VALUE CHANGE, though nothing has changed",
    "reads what it wants to know, and changes nothing for it",
)
class ValueChangeEveryBoot(_FlowQuirk):
    def session_events(self, device: Device, events: Events) -> Events:
        codes = [event.code for event in events]
        if BOOT not in codes or VALUE_CHANGE in codes:
            return events
        self.fired(device)
        return (*events, Event(VALUE_CHANGE))


@quirk(
    "cr-event-repeated",
    "6 CONNECTION REQUEST is told again in so many Informs after the one it belongs to",
    "takes each as it comes, and calls nobody for it",
)
class ConnectionRequestRepeated(_FlowQuirk):
    times: Annotated[int, Range(1)] = 3

    def __post_init__(self) -> None:
        self.left = 0

    def session_events(self, device: Device, events: Events) -> Events:
        if any(event.code == CONNECTION_REQUEST for event in events):
            self.left = self.times
            return events
        if not self.left:
            return events
        self.left -= 1
        self.fired(device)
        return (*events, Event(CONNECTION_REQUEST))


@quirk(
    "diag-complete-missing",
    "a diagnostic ends without 8 DIAGNOSTICS COMPLETE: the Inform tells 2 PERIODIC in its place",
    "looks at DiagnosticsState after a while, and does not start a test again that has ended",
)
class DiagnosticsCompleteMissing(_FlowQuirk):
    def session_events(self, device: Device, events: Events) -> Events:
        kept = tuple(event for event in events if event.code != DIAGNOSTICS_COMPLETE)
        if kept == events:
            return events
        self.fired(device)
        return kept or (Event(PERIODIC),)


@quirk(
    "goes-silent",
    "after so many sessions nothing more is heard of the device until it boots",
    "notices that periodic Informs stay away",
)
class GoesSilent(_FlowQuirk):
    after: Annotated[int, Range(1)] = 1

    def __post_init__(self) -> None:
        self.seen = 0

    def session_events(self, device: Device, events: Events) -> Events:
        self.seen = 1 if any(event.code == BOOT for event in events) else self.seen + 1
        return events

    def session_step(self, device: Device, kind: str) -> Detour | None:
        if self.seen <= self.after:
            return None
        self.fired(device)
        return Detour(cut=True)
