"""Campaigns: a named call that brings many devices somewhere, so many at a time, and tries failed ones again.

Each device of a campaign is an `Entry` that goes through these states:

    waiting ──▶ asked ──▶ transferring ──▶ verifying ──▶ done
       ▲          │            │               │
       │          ▼            ▼               ▼
       └────── retrying ◀── (a try failed) ──▶ failed
    waiting ──▶ skipped (it has the version already, or was forgotten) · abandoned (the window is over)

`asked`, `transferring` and `verifying` hold one of the campaign's places. Only a TransferComplete that carries the
Download's own CommandKey ends a transfer; events do not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from cpescript.acs.orders import DeviceKey
from cpescript.acs.policy import input_fits
from cpescript.acs.records import DeviceRecord
from cpescript.acs.rules import Campaign, Window, fill, placeholders
from cpescript.acs.tasks import Outcome, Task
from cpescript.diagnostics import did_you_mean
from cpescript.kernel.time import DAY

if TYPE_CHECKING:
    from cpescript.acs.server import Acs

State = Literal[
    "waiting", "asked", "transferring", "verifying", "retrying", "done", "failed", "skipped", "abandoned"
]  # fmt: skip
PLACED = frozenset({"asked", "transferring", "verifying"})
"""The states that hold one of the campaign's places."""
_OPEN = frozenset({"waiting", "retrying"})


class Entry:
    """One device of a run; owns the tasks that the run gives it."""

    __slots__ = ("key", "left", "reason", "run", "state", "tries")

    def __init__(self, run: Run, key: DeviceKey) -> None:
        self.run = run
        self.key = key
        self.state: State = "waiting"
        self.tries = 0
        self.left = 0
        """How many tasks of this try are still to finish, in a campaign of actions."""
        self.reason = ""

    def finished(self, task: Task, outcome: Outcome) -> None:
        self.run.finished(self, task, outcome)

    def transferred(self, outcome: Outcome) -> None:
        self.run.transferred(self, outcome)


class Run:
    """One call of a campaign with its inputs: the devices of all calls with the same inputs share its places."""

    def __init__(self, acs: Acs, campaign: Campaign, inputs: Mapping[str, str]) -> None:
        self.campaign = campaign
        self.inputs = inputs
        self.began = acs.now
        self.entries: dict[DeviceKey, Entry] = {}
        self._acs = acs
        self._waiting: deque[Entry] = deque()
        self._placed = 0
        self._opening = -1
        """The instant for which a look at the window is already planned."""

    @property
    def over(self) -> bool:
        """Whether every device of the run is through."""
        return not any(entry.state in PLACED or entry.state in _OPEN for entry in self.entries.values())

    def enrol(self, key: DeviceKey) -> Entry:
        """Take a device in; one that is in already and not through stays where it is."""
        entry = self.entries.get(key)
        if entry is None or not (entry.state in PLACED or entry.state in _OPEN):
            entry = self.entries[key] = Entry(self, key)
            self._waiting.append(entry)
        return entry

    def admit(self, _: object = None) -> None:
        """Begin with as many waiting devices as there are places and the window allows."""
        limit = self._acs.decisions.concurrency(self.campaign)
        while self._waiting and self._placed < limit:
            opens = next_opening(self.campaign.window, self._acs.start, self.began, self._acs.now)
            if opens is None:
                for entry in self._waiting:
                    entry.state = "abandoned"
                self._waiting.clear()
            elif opens > self._acs.now:
                if self._opening != opens:
                    self._opening = opens
                    self._acs.at(opens, self.admit)
                return
            else:
                self._begin(self._waiting.popleft())

    def finished(self, entry: Entry, task: Task, outcome: Outcome) -> None:
        if entry.state not in PLACED:
            return  # A late answer to a try that was given up.
        if outcome.fault:
            self._failed(entry, f"{task.kind}: {outcome.text}")
        elif entry.state == "verifying":
            self._verified(entry, outcome)
        elif self.campaign.firmware is not None:
            entry.state = "transferring"
        else:
            entry.left -= 1
            if not entry.left:
                self._end(entry, "done")

    def transferred(self, entry: Entry, outcome: Outcome) -> None:
        if self.campaign.firmware is None or entry.state not in ("asked", "transferring"):
            return
        if outcome.fault:
            self._failed(entry, outcome.text)
            return
        path = self.campaign.verify
        record = self._acs.records.get(entry.key)
        if path is None or record is None or not self._acs.decisions.verifies(self.campaign):
            self._succeeded(entry)
            return
        entry.state = "verifying"
        record.add_tasks([Task("get", {"paths": [path]}, owner=entry)], first=True)

    def _begin(self, entry: Entry) -> None:
        record = self._acs.records.get(entry.key)
        if record is None or not self._wanted(record):
            entry.state = "skipped"
            return
        entry.tries += 1
        entry.state = "asked"
        self._placed += 1
        tasks = self._tasks(record, entry)
        entry.left = len(tasks)
        self._acs.at(self._acs.now + self.campaign.timeout, self._overdue, (entry, entry.tries))
        record.add_tasks(tasks)
        self._acs.connections.wake(record)
        if not tasks:
            self._end(entry, "done")
        again = self._acs.decisions.impatience(self.campaign, entry)
        if again is not None:
            self._acs.at(self._acs.now + again, self._once_more, (entry, again))

    def _wanted(self, record: DeviceRecord) -> bool:
        firmware = self.campaign.firmware
        return firmware is None or self._acs.decisions.wants(record, self._filled(firmware, record))

    def _filled(self, text: str, record: DeviceRecord) -> str:
        return fill(text, {**self.inputs, **self._acs.names(record.key)})

    def _tasks(self, record: DeviceRecord, entry: Entry) -> list[Task]:
        campaign = self.campaign
        if campaign.firmware is None:
            return [
                task
                for action in campaign.then
                for task in self._acs.work.make(action, record, self.inputs, owner=entry)
            ]
        image = self._acs.image(self._filled(campaign.firmware, record))
        return [Task("download", {**image, "file_type": campaign.file_type}, self._acs.command_key("dl"), entry)]

    def _verified(self, entry: Entry, outcome: Outcome) -> None:
        record = self._acs.records.get(entry.key)
        wanted = self._filled(self.campaign.firmware or "", record) if record is not None else ""
        values = outcome.response.fields["parameter_list"] if outcome.response is not None else ()
        found = values[0].value if values else ""
        if found == wanted:
            self._succeeded(entry)
        else:
            self._failed(entry, f"still at {found or 'no version'} after the upgrade")

    def _succeeded(self, entry: Entry) -> None:
        self._end(entry, "done")
        if self._acs.decisions.upgrades_again(entry):
            self._requeue(entry)

    def _failed(self, entry: Entry, reason: str) -> None:
        entry.reason = reason
        delay = self._acs.decisions.retry(self.campaign, entry)
        if delay is None:
            self._end(entry, "failed")
        else:
            self._end(entry, "retrying")
            self._acs.at(self._acs.now + delay, self._requeue, entry)

    def _end(self, entry: Entry, state: State) -> None:
        entry.state = state
        self._placed -= 1
        self.admit()

    def _requeue(self, entry: Entry) -> None:
        entry.state = "waiting"
        self._waiting.append(entry)
        self.admit()

    def _overdue(self, argument: tuple[Entry, int]) -> None:
        """The TransferComplete (or the device itself) did not come in time (checks, E10)."""
        entry, tries = argument
        if entry.tries != tries or entry.state not in PLACED:
            return
        record = self._acs.records.get(entry.key)
        if record is not None:
            self._acs.work.withdraw(record, entry)
            self._acs.connections.wake(record)
        self._failed(entry, "no TransferComplete in time" if entry.state == "transferring" else "no answer in time")

    def _once_more(self, argument: tuple[Entry, int]) -> None:
        entry, interval = argument
        record = self._acs.records.get(entry.key)
        if record is not None:
            if not any(task.owner is entry for task in record.begin_work().tasks):
                record.add_tasks(self._tasks(record, entry))
            self._acs.connections.wake(record)
            self._acs.at(self._acs.now + interval, self._once_more, argument)


class Campaigns:
    """The runs of an ACS, by the call that began them."""

    def __init__(self, acs: Acs) -> None:
        self._acs = acs
        self.runs: dict[tuple[str, tuple[tuple[str, str], ...]], Run] = {}

    def call(
        self, name: str, inputs: Mapping[str, object], key: DeviceKey | None
    ) -> tuple[str, list[Entry], Run | None]:
        """Enrol a device (None: all that are known). Return why not (empty: done), the entries and the run."""
        campaign = self._acs.policy.campaigns.get(name)
        if campaign is None:
            known = self._acs.policy.campaigns
            hint = did_you_mean(name, known, "it has " + ", ".join(known) if known else "it has none")
            return f"the policy '{self._acs.policy.name}' has no call '{name}': {hint}", [], None
        texts, problem = work_out(campaign, inputs)
        problem = problem or self._acs.unknown_firmware(fill_known(campaign.firmware, texts))
        if problem:
            return f"{name}: {problem}", [], None
        identity = (name, tuple(sorted(texts.items())))
        run = self.runs.get(identity)
        if run is None or (run.over and run.began != self._acs.now):
            run = self.runs[identity] = Run(self._acs, campaign, texts)
        keys = [key] if key is not None else list(self._acs.records)
        entries = [run.enrol(key) for key in keys]
        run.admit()
        return "", entries, run


def work_out(campaign: Campaign, inputs: Mapping[str, object]) -> tuple[dict[str, str], str]:
    """Return the inputs of a call as texts, and what is wrong with them (empty: nothing)."""
    texts: dict[str, str] = {}
    for name, value in inputs.items():
        declared = campaign.inputs.get(name)
        if declared is None:
            return {}, f"no input '{name}': {did_you_mean(name, campaign.inputs, 'it takes ' + _listed(campaign))}"
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if isinstance(value, list | dict) or value is None or not input_fits(declared.type, text):
            return {}, f"{name} is not of type {declared.type}: {value!r}"
        texts[name] = text
    for name, declared in campaign.inputs.items():
        if name not in texts:
            if declared.default is None:
                return {}, f"the input '{name}' is missing"
            texts[name] = declared.default
    return texts, ""


def fill_known(text: str | None, inputs: Mapping[str, str]) -> str | None:
    """Return a text with the inputs filled in, None where it (also) hangs on the device."""
    if text is None or any(name not in inputs for name in placeholders(text)):
        return None
    return fill(text, inputs)


def _listed(campaign: Campaign) -> str:
    return ", ".join(campaign.inputs) or "none"


def next_opening(window: Window | None, start: int, began: int, now: int) -> int | None:
    """Return the next instant (virtual ns, not before now) at which a window is open, None where it is over.

    `start` is the calendar instant of virtual time 0, `began` when the campaign was called.
    """
    if window is None:
        return now
    if window.lasting is not None:
        return now if now < began + window.lasting else None
    assert window.opens is not None
    assert window.closes is not None
    today = (start + now) % DAY
    length = (window.closes - window.opens) % DAY
    if (today - window.opens) % DAY < length:
        return now
    return now + (window.opens - today) % DAY
