"""Download, ScheduleDownload and Upload: accepted at once, done later, told by a TransferComplete until it is answered.

    accepted → (DelaySeconds or a window, and those before it) → begins → (transfer.defaultDelay) → ends
        with a fault, or no firmware: 7 TRANSFER COMPLETE and M Download/M Upload, TransferComplete
        with firmware: dark for transfer.firmware.applyDelay, then 1 BOOT besides these, and the new version

Where the profile says `x-cpescript: {transfer: {fetch: true}}` the file is really carried, when `defaultDelay` is over,
and what came of it decides. Otherwise nothing is: whether it succeeds is the profile's and the hooks' to say, and the
version is the one that the URL names. A transfer that has begun does not outlive a loss of power or a reboot: it ends
with a fault and the old firmware stays, unless it has a time window to be tried again in. One that has not begun is
kept (TR-069 A.3.2.8).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from cpescript.cwmp import events, files, image, untold, windows
from cpescript.cwmp.faults import CwmpFault
from cpescript.cwmp.fetch import HEAD, Fetch, Fetched
from cpescript.cwmp.hooks import Ending
from cpescript.cwmp.message import AnyQueuedTransfer, Event
from cpescript.cwmp.rpcs import FAULTS
from cpescript.cwmp.untold import Untold
from cpescript.cwmp.windows import Window
from cpescript.device.blocks import DEFAULT_APPLY_DELAY, DEFAULT_TRANSFER_DELAY
from cpescript.kernel import draws
from cpescript.kernel.time import SECOND, format_instant
from cpescript.regular import regular

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent

UNKNOWN_TIME = "0001-01-01T00:00:00Z"
"""What a time is while nobody knows it (TR-069 A.3.2.8)."""
MOST_TRANSFERS = 3
"""Transfers under way before the next is refused with 9004: what a CPE must hold at least (A.3.2.8)."""
FIRMWARE = "1 Firmware Upgrade Image"
_FILE_TYPE = re.compile(r"[1-9]\d*( \S+)+|X \S+ .+")
_SCHEMES = frozenset({"http", "https", "ftp", "sftp", "tftp"})
_CARRIED = frozenset({"http", "https"})
"""Schemes of URLs that are really fetched; the others end with 9013 then."""
_INTERRUPTED = {"Download": 9010, "ScheduleDownload": 9010, "Upload": 9011}

NOT_STARTED, IN_PROGRESS, FINISHING = 1, 2, 3
"""States of a queued transfer (A.4.1.1)."""

_STATUS_FAULTS = {401: 9012, 403: 9016, 404: 9016, 410: 9016}
"""What an HTTP status of a file server means; any other that is no success is 9010 or 9011."""


class Transfer:
    """A transfer that was accepted: the RPC's name and fields, and since when (virtual nanoseconds) it runs, if so.

    `windows` are those that are left of a ScheduleDownload, `tries` the ones made within the first; `starts` is the
    instant from which on it may begin. `version` is what a fetched image said.
    """

    __slots__ = ("began", "due", "fields", "kind", "starts", "tries", "version", "windows")

    def __init__(self, kind: str, fields: Mapping[str, Any], left: tuple[Window, ...] = ()) -> None:
        self.kind = kind
        self.fields = fields
        self.windows = left
        self.starts = 0
        self.tries = 0
        self.version: str | None = None
        self.began: int | None = None
        self.due = False
        """Whether its delay is over; it begins when none other is under way and the device is up."""

    @property
    def download(self) -> bool:
        return self.kind != "Upload"

    @property
    def firmware(self) -> bool:
        return self.download and self.fields["file_type"] == FIRMWARE


# --- From the RPC to the end of the transfer ----------------------------------------------------------------------


def begin(agent: CwmpAgent, kind: str, fields: Mapping[str, Any]) -> None:
    """Accept a Download, ScheduleDownload or Upload.

    Raises CwmpFault: 9003, 9004 where too many are under way, 9013.
    """
    if not _FILE_TYPE.fullmatch(fields["file_type"]):
        raise CwmpFault(9003, f"no file type: {fields['file_type']!r}")
    try:
        parts = urlsplit(fields["url"])
        has_user, scheme = "@" in parts.netloc, parts.scheme
    except ValueError:
        raise CwmpFault(9003, f"no URL: {fields['url']!r}") from None
    if not parts.netloc or has_user:
        raise CwmpFault(9003, f"no URL of a host without user information: {fields['url']!r}")
    if scheme not in (_CARRIED if _declared(agent, "fetch") else _SCHEMES):
        raise CwmpFault(9013, f"{scheme} is not supported")
    kernel = agent.device.host.kernel
    left = windows.read(fields["time_window_list"], kernel.now) if kind == "ScheduleDownload" else ()
    transfer = Transfer(kind, fields, left)
    work = agent.work()
    if transfer.firmware and _declared(agent, "supersede"):
        _supersede(agent)
    if len(work.transfers) >= MOST_TRANSFERS:
        raise CwmpFault(9004, f"{len(work.transfers)} transfers are under way already")
    work.transfers = (*work.transfers, transfer)
    if transfer.firmware:
        agent.device.enter("updating")
    if left:
        _await_window(agent, transfer)
    else:
        _begin_at(agent, transfer, kernel.now + fields["delay_seconds"] * SECOND)


def again(agent: CwmpAgent, transfer: Transfer, tries: int, wait: int, ran: int | None) -> None:
    """Take up a transfer of an earlier run: it may begin in `wait` nanoseconds, or has begun `ran` ago."""
    work, kernel = agent.work(), agent.device.host.kernel
    work.transfers = (*work.transfers, transfer)
    if transfer.firmware:
        agent.device.enter("updating")
    transfer.tries = tries
    if wait:
        _begin_at(agent, transfer, kernel.now + wait)
    else:
        transfer.starts, transfer.due = kernel.now, True
        transfer.began = kernel.now - ran if ran is not None else None


def _begin_at(agent: CwmpAgent, transfer: Transfer, instant: int) -> None:
    """Have a transfer begin at an instant, as soon as none other is under way."""
    transfer.starts, transfer.due, transfer.began = instant, False, None
    agent.device.host.kernel.at(instant, agent.device, _due, (agent, transfer))


def _declared(agent: CwmpAgent, key: str, otherwise: Any = False) -> Any:
    """Return what the profile says of transfers in `x-cpescript`."""
    block: Any = agent.device.schema.extension.get("transfer") or {}
    return block.get(key, otherwise)


def _carried(agent: CwmpAgent, transfer: Transfer) -> bool:
    """Whether the file is really carried: firmware is not where the profile says `transfer.firmware.fetch: false`."""
    firmware = agent.device.schema.transfer.firmware
    return bool(_declared(agent, "fetch")) and not (transfer.firmware and firmware is not None and not firmware.fetch)


def _supersede(agent: CwmpAgent) -> None:
    """End the firmware downloads that are not yet being written: the newest is the one that counts."""
    work = agent.work()
    writing = work.applying[0] if work.applying is not None else None
    for transfer in work.transfers:
        if transfer.firmware and transfer is not writing:
            _complete(agent, transfer, Ending(9010, "superseded by a later download", apply=False), go=False)


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
        if transfer.due and not _missed(agent, transfer):
            _run(agent, transfer)
            return


def _run(agent: CwmpAgent, transfer: Transfer) -> None:
    device, kernel = agent.device, agent.device.host.kernel
    transfer.began = kernel.now
    if transfer.download:
        device.enter("downloading")
    kernel.at(kernel.now + transfer_delay(agent), device, _ended, (agent, transfer, transfer.began))


def transfer_delay(agent: CwmpAgent) -> int:
    """Return how long a transfer takes, in nanoseconds."""
    delay = agent.device.schema.transfer.default_delay
    return delay if delay > 0 else DEFAULT_TRANSFER_DELAY


def _ended(what: tuple[CwmpAgent, Transfer, int]) -> None:
    agent, transfer, began = what
    if transfer not in agent.work().transfers or transfer.began != began:
        return
    code, text = agent.device.schema.transfer.faults.get(transfer.fields["file_type"], (0, ""))
    if code or not _carried(agent, transfer):
        _conclude(agent, transfer, Ending(code, text, apply=not code))
        return
    fields = transfer.fields
    body = None if transfer.download else files.rendered(agent, fields["file_type"])
    size = fields.get("file_size", 0)
    fetch = Fetch("GET" if body is None else "PUT", fields["url"], fields["username"], fields["password"], body, size)

    def done(fetched: Fetched) -> None:
        if transfer in agent.work().transfers and transfer.began == began:
            _conclude(agent, transfer, _judged(agent, transfer, fetched))

    agent.device.host.fetch(agent.device, fetch, done)


def _judged(agent: CwmpAgent, transfer: Transfer, fetched: Fetched) -> Ending:
    """Return how a transfer ends that was really carried (A.5.1, 9010 to 9018)."""
    plain = _INTERRUPTED[transfer.kind]
    if fetched.failure:
        return _fault(fetched.fault if transfer.download else plain, fetched.why)
    if not fetched.ok:
        return _fault(_STATUS_FAULTS.get(fetched.status or 0, plain), f"HTTP status {fetched.status}")
    if not transfer.download:
        return Ending()
    fields = transfer.fields
    if fields["file_size"] and fields["file_size"] != fetched.size:
        return _fault(9018, f"{fetched.size} octets came, FileSize is {fields['file_size']}")
    wanted = parse_qs(urlsplit(fields["url"]).query).get("sha256", [""])[-1].lower()
    if wanted and wanted != fetched.sha256:
        return _fault(9018, f"the SHA-256 is {fetched.sha256}")
    if transfer.firmware:
        wrong = image.wrong_with(fetched.head, fetched.size, agent.device.device_id[2])
        transfer.version = image.version_in(fetched.head)
        return _fault(9018, wrong) if wrong else Ending()
    if fields["file_type"].startswith(files.CONFIGURATION):
        wrong = files.applied(agent, fetched.head) if fetched.size <= HEAD else f"more than {HEAD} octets"
        return _fault(9018, wrong) if wrong else Ending()
    return Ending()


def _fault(code: int, text: str) -> Ending:
    return Ending(code, f"{FAULTS[code]}: {text}", apply=False)


def _conclude(agent: CwmpAgent, transfer: Transfer, ending: Ending) -> None:
    """Draw the consequences of a transfer's end."""
    ending = _as_hooks_see_it(agent, transfer, ending)
    if transfer.firmware and not ending.fault_code:
        agent.device.leave("downloading")
        agent.work().applying = (transfer, ending)
        agent.apply_after_session()
    elif ending.fault_code and transfer.windows:
        _try_again(agent, transfer, ending)
    else:
        _complete(agent, transfer, ending)


def _as_hooks_see_it(agent: CwmpAgent, transfer: Transfer, ending: Ending) -> Ending:
    if agent.hooks is not None:
        for hook in agent.hooks.get("transfer", ()):
            ending = hook.transfer(agent.device, transfer.fields, ending)
    return ending


def _complete(agent: CwmpAgent, transfer: Transfer, ending: Ending, go: bool = True) -> None:
    """Take a transfer off the list and have its end told."""
    work, now = agent.work(), agent.device.host.kernel.now
    agent.device.leave("downloading")
    work.transfers = tuple(other for other in work.transfers if other is not transfer)
    if ending.report:
        began = transfer.began if transfer.began is not None else now
        for code, text in (*ending.before, (ending.fault_code, ending.fault_string)):
            untold.tell(agent, _completion(agent, transfer, code, text, began, now))
    elif ending.fault_code and transfer.firmware:
        stop_updating(agent)
    if go:
        go_on(agent)


def _completion(agent: CwmpAgent, transfer: Transfer, code: int, text: str, began: int, ended: int) -> Untold:
    start, key = agent.device.host.start, transfer.fields["command_key"]
    fields = {
        "command_key": key,
        "fault_code": code,
        "fault_string": text[:256],
        "start_time": format_instant(start + began),
        "complete_time": format_instant(start + ended),
    }
    told = (Event(events.TRANSFER_COMPLETE), Event(f"M {transfer.kind}", key))
    return Untold("TransferComplete", fields, told, tag="firmware-fault" if code and transfer.firmware else "")


def stop_updating(agent: CwmpAgent) -> None:
    """End the state `updating`, unless another firmware download is under way."""
    if not any(transfer.firmware for transfer in agent.work().transfers):
        agent.device.leave("updating")


# --- Windows ------------------------------------------------------------------------------------------------------


def _await_window(agent: CwmpAgent, transfer: Transfer) -> None:
    """Have a transfer begin within the first of its windows; without one left it ends with 9020."""
    kernel, window = agent.device.host.kernel, next(iter(transfer.windows), None)
    transfer.tries = 0
    if window is None:
        transfer.began = None
        _complete(agent, transfer, Ending(9020, FAULTS[9020], apply=False))
        return
    start = max(window.start, kernel.now)
    if window.mode == windows.CONFIRMATION and not _declared(agent, "confirms", True):
        # Nobody says yes: it is missed when it is over.
        start = max(window.end, kernel.now)
    elif window.mode != windows.IMMEDIATELY:
        needed = transfer_delay(agent) + (apply_delay(agent) if transfer.firmware else 0)
        work = agent.work()
        work.drawn += 1
        start += draws.below(agent.stream("window"), work.drawn, max(1, window.end - needed - start))
    _begin_at(agent, transfer, start)


def _missed(agent: CwmpAgent, transfer: Transfer) -> bool:
    """Whether a transfer's window is over before it could begin; then it waits for the next."""
    if not transfer.windows or agent.device.host.kernel.now < transfer.windows[0].end:
        return False
    transfer.windows = transfer.windows[1:]
    _await_window(agent, transfer)
    return True


def _try_again(agent: CwmpAgent, transfer: Transfer, ending: Ending) -> None:
    """Repeat a failed transfer within its window, after twice the wait of the time before; else in the next window."""
    device, kernel = agent.device, agent.device.host.kernel
    window = transfer.windows[0]
    device.leave("downloading")
    due = kernel.now + (transfer_delay(agent) << transfer.tries)
    if transfer.tries < window.retries and due < window.end:
        transfer.tries += 1
        _begin_at(agent, transfer, due)
    elif len(transfer.windows) > 1:
        transfer.windows = transfer.windows[1:]
        _await_window(agent, transfer)
    else:
        _complete(agent, transfer, ending)
        return
    go_on(agent)


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
        version = transfer.version or _version_of_url(agent, transfer.fields["url"])
        if version and device.leaf(path) is not None:
            device.write(path, version, "device")
    _complete(agent, transfer, ending)


def _version_of_url(agent: CwmpAgent, url: str) -> str:
    """Return the version that a URL names: by the profile's rule where it has one, else by ours."""
    rule = _declared(agent, "version_pattern", "")
    found = regular(rule).search(url) if rule else None
    if found is not None:
        return str(found[1] if found.re.groups else found[0])
    return image.named_version(url, agent.device.host.firmware)


def interrupt(agent: CwmpAgent) -> None:
    """Fail what has begun: power was lost, or the device reboots. What has windows is tried again in them."""
    work = agent.idle_work()
    if work is None:
        return
    work.applying = None
    for transfer in work.transfers:
        if transfer.began is None:
            continue
        if transfer.windows:
            agent.device.leave("downloading")
            transfer.due, transfer.began = True, None
        else:
            text = "interrupted by a loss of power or a reboot"
            ending = Ending(_INTERRUPTED[transfer.kind], text, apply=False)
            _complete(agent, transfer, _as_hooks_see_it(agent, transfer, ending))


def forget(agent: CwmpAgent) -> None:
    """Drop all transfers and what there is to tell of them."""
    work = agent.idle_work()
    if work is not None:
        work.transfers = ()
        work.applying = None
        untold.forget(agent)
        agent.device.leave("downloading")
        agent.device.leave("updating")


def informed(agent: CwmpAgent, told: events.Events) -> None:
    """Note an Inform: the one of a boot ends an update."""
    if any(event.code == events.BOOT for event in told):
        stop_updating(agent)


# --- What an ACS asks of the queue (A.4.1.1, A.4.1.9) -------------------------------------------------------------


def cancel(agent: CwmpAgent, key: str) -> None:
    """Cancel the transfers with that CommandKey; nothing is told of them. A key that none has changes nothing.

    Raises CwmpFault(9021) where one is past that: its firmware is being written, or its end is to be told.
    """
    work = agent.idle_work()
    if work is None:
        return
    writing = work.applying[0] if work.applying is not None else None
    meant = [transfer for transfer in work.transfers if transfer.fields["command_key"] == key]
    ended = any(request.fields.get("command_key") == key for request in work.untold if request.kind == _TOLD_BY)
    if ended or writing in meant:
        raise CwmpFault(9021, FAULTS[9021])
    for transfer in meant:
        if transfer.began is not None:
            agent.device.leave("downloading")
        work.transfers = tuple(other for other in work.transfers if other is not transfer)
    stop_updating(agent)
    go_on(agent)


_TOLD_BY = "TransferComplete"


def queued(agent: CwmpAgent) -> tuple[AnyQueuedTransfer, ...]:
    """Return the transfers that were accepted and not yet ended, in order, as GetAllQueuedTransfers tells them."""
    work = agent.idle_work()
    if work is None:
        return ()
    writing = work.applying[0] if work.applying is not None else None
    found = []
    for transfer in work.transfers:
        fields = transfer.fields
        state = FINISHING if transfer is writing else NOT_STARTED if transfer.began is None else IN_PROGRESS
        size, name = fields.get("file_size", 0), fields.get("target_file_name", "")
        found.append(
            AnyQueuedTransfer(fields["command_key"], state, transfer.download, fields["file_type"], size, name)
        )
    return tuple(found)
