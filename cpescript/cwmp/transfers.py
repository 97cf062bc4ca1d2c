"""Download and Upload: accepted at once, done later, reported by a TransferComplete until that is answered.

    accepted → (DelaySeconds, and those before it) → begins → (transfer.defaultDelay) → ends
        with a fault, or no firmware: 7 TRANSFER COMPLETE and M Download/M Upload, TransferComplete
        with firmware: dark for transfer.firmware.applyDelay, then 1 BOOT besides these, and the new version

Nothing is fetched: whether it succeeds is the profile's and the hooks' to say, and the version is the one that the URL
names. A transfer that has begun does not outlive a loss of power or a reboot: it ends with a fault and the old firmware
stays. One that has not begun is kept (TR-069 A.3.2.8).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from cpescript.cwmp import events
from cpescript.cwmp.faults import CwmpFault
from cpescript.cwmp.hooks import Ending
from cpescript.cwmp.message import Event
from cpescript.device.blocks import DEFAULT_APPLY_DELAY, DEFAULT_TRANSFER_DELAY
from cpescript.kernel.time import SECOND, format_instant

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent

UNKNOWN_TIME = "0001-01-01T00:00:00Z"
"""TR-069 3.2.8: what a time is while nobody knows it."""
MOST_TRANSFERS = 3
"""Transfers under way before the next is refused with 9004: what a CPE must hold at least (A.3.2.8)."""
FIRMWARE = "1 Firmware Upgrade Image"
_FILE_TYPE = re.compile(r"[1-9]\d*( \S+)+|X \S+ .+")
_SCHEMES = frozenset({"http", "https", "ftp", "sftp", "tftp"})
_INTERRUPTED = {"Download": 9010, "Upload": 9011}

_COMPLETE = Event(events.TRANSFER_COMPLETE)


class Transfer:
    """A transfer that was accepted: the RPC's name and fields, and since when (virtual nanoseconds) it runs, if so."""

    __slots__ = ("began", "due", "fields", "kind")

    def __init__(self, kind: str, fields: Mapping[str, Any]) -> None:
        self.kind = kind
        self.fields = fields
        self.began: int | None = None
        self.due = False
        """Whether its delay is over; it begins when none other is under way and the device is up."""

    @property
    def firmware(self) -> bool:
        return self.kind == "Download" and self.fields["file_type"] == FIRMWARE


class Completion(NamedTuple):
    """A transfer that has ended and whose TransferComplete was not answered yet; times are virtual nanoseconds."""

    kind: str
    command_key: str
    firmware: bool
    fault_code: int
    fault_string: str
    began: int
    ended: int

    @property
    def event(self) -> Event:
        return Event(f"M {self.kind}", self.command_key)


# --- From the RPC to the end of the transfer ----------------------------------------------------------------------


def begin(agent: CwmpAgent, kind: str, fields: Mapping[str, Any]) -> None:
    """Accept a Download or Upload. Raises CwmpFault: 9003, 9004 where too many are under way, 9013."""
    if not _FILE_TYPE.fullmatch(fields["file_type"]):
        raise CwmpFault(9003, f"no file type: {fields['file_type']!r}")
    try:
        parts = urlsplit(fields["url"])
        has_user, scheme = "@" in parts.netloc, parts.scheme
    except ValueError:
        raise CwmpFault(9003, f"no URL: {fields['url']!r}") from None
    if not parts.netloc or has_user:
        raise CwmpFault(9003, f"no URL of a host without user information: {fields['url']!r}")
    if scheme not in _SCHEMES:
        raise CwmpFault(9013, f"{scheme} is not supported")
    work = agent.work()
    if len(work.transfers) >= MOST_TRANSFERS:
        raise CwmpFault(9004, f"{len(work.transfers)} transfers are under way already")
    transfer = Transfer(kind, fields)
    work.transfers = (*work.transfers, transfer)
    if transfer.firmware:
        agent.device.enter("updating")
    kernel = agent.device.host.kernel
    kernel.at(kernel.now + fields["delay_seconds"] * SECOND, agent.device, _due, (agent, transfer))


def _due(what: tuple[CwmpAgent, Transfer]) -> None:
    agent, transfer = what
    transfer.due = True
    go_on(agent)


def go_on(agent: CwmpAgent) -> None:
    """Begin the next transfer that is due, unless one is under way or the device is not up."""
    work = agent.idle_work()
    if work is None or not agent.up or any(transfer.began is not None for transfer in work.transfers):
        return
    for transfer in work.transfers:
        if transfer.due:
            _run(agent, transfer)
            return


def _run(agent: CwmpAgent, transfer: Transfer) -> None:
    device, kernel = agent.device, agent.device.host.kernel
    transfer.began = kernel.now
    if transfer.kind == "Download":
        device.enter("downloading")
    delay = device.schema.transfer.default_delay
    kernel.at(kernel.now + (delay if delay > 0 else DEFAULT_TRANSFER_DELAY), device, _ended, (agent, transfer))


def _ended(what: tuple[CwmpAgent, Transfer]) -> None:
    agent, transfer = what
    work = agent.work()
    if transfer not in work.transfers:
        return
    code, text = agent.device.schema.transfer.faults.get(transfer.fields["file_type"], (0, ""))
    ending = Ending(code, text, apply=not code)
    if agent.hooks is not None:
        for hook in agent.hooks.get("transfer", ()):
            ending = hook.transfer(agent.device, transfer.fields, ending)
    if transfer.firmware and not ending.fault_code:
        agent.device.leave("downloading")
        work.applying = (transfer, ending)
        agent.apply_after_session()
    else:
        _complete(agent, transfer, ending)


def _complete(agent: CwmpAgent, transfer: Transfer, ending: Ending) -> None:
    """Take a transfer off the list and have its end told."""
    work, now = agent.work(), agent.device.host.kernel.now
    agent.device.leave("downloading")
    work.transfers = tuple(other for other in work.transfers if other is not transfer)
    if ending.report:
        began = transfer.began if transfer.began is not None else now
        completion = Completion(
            transfer.kind,
            transfer.fields["command_key"],
            transfer.firmware,
            ending.fault_code,
            ending.fault_string,
            began,
            now,
        )
        work.completions = (*work.completions, completion)
        agent.tell(_COMPLETE)
        agent.tell(completion.event)
        agent.wake()
    elif ending.fault_code and transfer.firmware:
        _stop_updating(agent)
    go_on(agent)


def _stop_updating(agent: CwmpAgent) -> None:
    if not any(transfer.firmware for transfer in agent.work().transfers):
        agent.device.leave("updating")


# --- Boots --------------------------------------------------------------------------------------------------------


def apply_delay(agent: CwmpAgent) -> int:
    """Return how long the device is dark while it writes new firmware."""
    firmware = agent.device.schema.transfer.firmware
    return firmware.apply_delay if firmware is not None else DEFAULT_APPLY_DELAY


def applied(agent: CwmpAgent) -> None:
    """Bring up the firmware that was written while the device was dark, if any."""
    work = agent.idle_work()
    if work is None or work.applying is None:
        return
    (transfer, ending), work.applying = work.applying, None
    device = agent.device
    if ending.apply:
        firmware = device.schema.transfer.firmware
        path = firmware.version_path if firmware is not None else f"{device.schema.root}DeviceInfo.SoftwareVersion"
        version = firmware_version(transfer.fields["url"], device.host.firmware)
        if version and device.leaf(path) is not None:
            device.write(path, version, "device")
    _complete(agent, transfer, ending)


def firmware_version(url: str, declared: Mapping[str, int]) -> str:
    """Return the version that a firmware URL brings.

    A declared version that is a segment of the path, or stands in the last one, the longest first; else the last
    segment without its extension (a number behind a dot is none: `2.1.0`). Empty for a URL without path.
    """
    segments = [unquote(segment) for segment in urlsplit(url).path.split("/") if segment]
    if not segments:
        return ""
    for version in sorted(declared, key=len, reverse=True):
        if version in segments or version in segments[-1]:
            return version
    stem, dot, extension = segments[-1].rpartition(".")
    return stem if dot and stem and not extension.isdecimal() else segments[-1]


def interrupt(agent: CwmpAgent) -> None:
    """Fail what has begun: power was lost, or the device reboots."""
    work = agent.idle_work()
    if work is None:
        return
    work.applying = None
    for transfer in work.transfers:
        if transfer.began is not None:
            _complete(
                agent, transfer, Ending(_INTERRUPTED[transfer.kind], "interrupted by a loss of power or a reboot")
            )


def forget(agent: CwmpAgent) -> None:
    """Drop all transfers and what there is to tell of them."""
    work = agent.idle_work()
    if work is not None:
        work.transfers = ()
        work.applying = None
        work.completions = ()
        agent.device.leave("downloading")
        agent.device.leave("updating")


def forget_completions(agent: CwmpAgent) -> None:
    """Drop what there is to tell: it was for another ACS."""
    work = agent.idle_work()
    if work is not None:
        work.completions = ()


# --- Sessions -----------------------------------------------------------------------------------------------------


def informed(agent: CwmpAgent, told: events.Events) -> None:
    """Note an Inform: the one of a boot ends an update."""
    if any(event.code == events.BOOT for event in told):
        _stop_updating(agent)


def request(agent: CwmpAgent, completion: Completion) -> tuple[str, Mapping[str, Any]]:
    """Return the TransferComplete to send now; one with a fault ends an update."""
    if completion.fault_code and completion.firmware:
        _stop_updating(agent)
    start = agent.device.host.start
    return "TransferComplete", {
        "command_key": completion.command_key,
        "fault_code": completion.fault_code,
        "fault_string": completion.fault_string[:256],
        "start_time": format_instant(start + completion.began),
        "complete_time": format_instant(start + completion.ended),
    }


def delivered(agent: CwmpAgent) -> None:
    """Note that the first TransferComplete was answered: it and its events are delivered."""
    work, session = agent.work(), agent.session
    done, *rest = work.completions
    work.completions = tuple(rest)
    gone = set() if any(other.event == done.event for other in rest) else {done.event}
    if not rest:
        gone.add(_COMPLETE)
    agent.events = tuple(event for event in agent.events if event not in gone)
    if session is not None:
        session.events = tuple(event for event in session.events if event not in gone)
