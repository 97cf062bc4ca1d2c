"""The behaviour blocks of a profile as checked data: what the loader hands over and behaviours read.

Durations are whole nanoseconds, paths are full parameter paths that exist in the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cpescript.device.pools import Pool
from cpescript.kernel.time import MINUTE, SECOND

EVENTS: dict[str, str] = {
    "bootstrap": "0 BOOTSTRAP",
    "boot": "1 BOOT",
    "periodic": "2 PERIODIC",
    "valueChange": "4 VALUE CHANGE",
    "connectionRequest": "6 CONNECTION REQUEST",
    "transferComplete": "7 TRANSFER COMPLETE",
}
"""Keys of `informParameters` and the event codes they stand for (profile format, 5)."""

DEFAULT_TRANSFER_DELAY = 5 * SECOND
DEFAULT_APPLY_DELAY = 30 * SECOND
DEFAULT_INSTALL_DELAY = 5 * SECOND
DEFAULT_UNINSTALL_DELAY = 1 * SECOND
DEFAULT_LINK_DURATION = 2 * MINUTE
DEFAULT_DIAGNOSTIC_DURATION = 5 * SECOND
DEFAULT_SERIAL_PATTERN = "{base}-{i}"


class DeviceIdPaths(NamedTuple):
    """Where the four parts of a device's identity stand."""

    manufacturer: str
    oui: str
    product_class: str
    serial_number: str


class PeriodicPaths(NamedTuple):
    """The parameters that drive periodic Informs: seconds, on or off, and the phase where there is one."""

    interval: str
    enable: str
    time: str | None


class CredentialPaths(NamedTuple):
    """Where a user name and its password stand."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class ConnectionRequest:
    """How a device answers connection requests. `scheme` is "", "basic" or "digest"."""

    scheme: str = ""
    realm: str = ""
    throttle_window: int = 0
    credentials: CredentialPaths | None = None


@dataclass(frozen=True, slots=True)
class Firmware:
    """What a firmware download does: the leaf with the version, the dark time, whether the image is really fetched."""

    version_path: str
    apply_delay: int = DEFAULT_APPLY_DELAY
    fetch: bool = True


@dataclass(frozen=True, slots=True)
class Transfer:
    """How transfers go. `faults` maps a file type to the (code, text) that its transfers end with."""

    default_delay: int = DEFAULT_TRANSFER_DELAY
    faults: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    firmware: Firmware | None = None


@dataclass(frozen=True, slots=True)
class EventSchedule:
    """How long what the device does by itself takes."""

    reboot_delay: int = 0
    factory_reset_delay: int = 0
    boot_delay: int = 0
    boot_ramp: int = 0


@dataclass(frozen=True, slots=True)
class SoftwareModules:
    """Where software modules stand (an object path with its dot). `faults` maps an app to (reason, message)."""

    path: str
    install_delay: int = DEFAULT_INSTALL_DELAY
    uninstall_delay: int = DEFAULT_UNINSTALL_DELAY
    faults: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LinkFault:
    """An outage of an interface (an object path with its dot) for the devices of an index range, None for all."""

    interface: str
    duration: int = DEFAULT_LINK_DURATION
    instances: tuple[int, int] | None = None
    reboot: bool = False


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A diagnostic: writing `trigger` to its state leaf starts it, `complete` stands there at its end."""

    state_path: str
    trigger: str = "Requested"
    complete: str = "Complete"
    duration: int = DEFAULT_DIAGNOSTIC_DURATION
    count_path: str | None = None
    result_count: int = 0


@dataclass(frozen=True, slots=True)
class Fleet:
    """How the devices of a profile are told apart. `offset` shifts all their indices."""

    count: int = 1
    offset: int = 0
    serial_pattern: str = DEFAULT_SERIAL_PATTERN
    pools: Mapping[str, Pool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Blocks:
    """All behaviour blocks of a profile. None, or an empty container, is a block that the profile does not have."""

    device_id: DeviceIdPaths | None = None
    inform_parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    periodic: PeriodicPaths | None = None
    acs_credentials: CredentialPaths | None = None
    connection_request: ConnectionRequest = ConnectionRequest()
    transfer: Transfer = Transfer()
    event_schedule: EventSchedule = EventSchedule()
    fleet: Fleet = Fleet()
    software_modules: SoftwareModules | None = None
    link_fault: LinkFault | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    extension: Mapping[str, Any] = field(default_factory=dict)
    later: tuple[str, ...] = ()
