"""The work of the ACS: which task a device is asked next, and what follows from its answer.

A task stays in its device's queue until it is answered, refused for good, or was sent too often without an answer. A
transfer that was accepted is waited for apart from the queue, by its CommandKey.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cpescript.acs.informs import Inform
from cpescript.acs.policy import value_type
from cpescript.acs.records import DeviceRecord, Transfer
from cpescript.acs.rules import Action
from cpescript.acs.sessions import Session
from cpescript.acs.tasks import (
    COMMANDS,
    KEYED,
    LOST,
    RPCS,
    TRANSFERS,
    Outcome,
    Report,
    Task,
    TaskOwner,
    absolute,
    fill_arguments,
    values,
)
from cpescript.cwmp.message import Message
from cpescript.cwmp.rpcs import FAULTS
from cpescript.kernel.time import HOUR

if TYPE_CHECKING:
    from cpescript.acs.server import Acs

TRANSFER_TIMEOUT = HOUR
"""How long a transfer of an order is waited for before the next one may begin (E10)."""


class Worklist:
    """Gives out tasks and takes in answers, for all devices of an ACS."""

    def __init__(self, acs: Acs) -> None:
        self._acs = acs

    def close_commands(self, record: DeviceRecord, inform: Inform) -> None:
        """An event with a task's own CommandKey says that the device did get it, although its answer was lost (D12)."""
        for event, verbs in COMMANDS.items():
            for command_key in inform.events.get(event, ()):
                for task in list(record.begin_work().tasks):
                    if task.sent and task.verb in verbs and task.command_key == command_key:
                        record.begin_work().tasks.remove(task)
                        if task.verb in TRANSFERS:
                            self._expect_transfer(record, task)

    def next(self, record: DeviceRecord) -> Task | None:
        """Return the first task that may be sent now; one that was never answered is given up after a few sendings."""
        for task in list(record.begin_work().tasks):
            if not self._ready(record, task):
                continue
            if task.sent < RPCS[task.verb].sends:
                return task
            record.begin_work().tasks.remove(task)
            self._failed(record, task, Outcome(None, LOST, "never answered"))
        return None

    def waits(self, record: DeviceRecord) -> bool:
        """Whether there is something that could be asked now."""
        return record.work is not None and any(self._ready(record, task) for task in record.work.tasks)

    def _ready(self, record: DeviceRecord, task: Task) -> bool:
        return task.due <= self._acs.now and not (task.verb in TRANSFERS and self._acs.decisions.holds(record))

    def done(self, session: Session, task: Task, message: Message) -> None:
        """A task was answered: what follows from it, by its verb."""
        record = session.record
        if not _remove(record, task):
            return
        fields = message.fields
        if task.verb in ("set", "add", "delete"):
            record.parameter_key = self._acs.policy.parameter_key
        if self._acs.beliefs is not None:
            self._believe(record, task, session.root, message)
        if task.verb == "set":
            self._note_credentials(record, task, session.root)
        follow: list[Task] = []
        if task.verb == "add" and "settings" in task.arguments:
            path = task.arguments["path"]
            number = self._acs.decisions.instance(path, fields.get("instance_number", 0))
            settings = [(f"{path}{number}.{name}", text, type) for name, text, type in task.arguments["settings"]]
            follow = [Task("set", {"settings": settings}, owner=task.owner, rule=task.rule)]
            record.add_tasks(follow, first=True)
        later = task.verb == "schedule-download" or fields.get("status") == 1
        if task.verb in TRANSFERS and later:
            self._expect_transfer(record, task)
        if task.owner is not None and not follow:
            task.owner.finished(task, Outcome(message))
        if task.verb in TRANSFERS and not later and task.owner is not None:
            # Status 0: done and applied already, no TransferComplete will come (A.3.2.8).
            task.owner.transferred(Outcome(message))

    def _believe(self, record: DeviceRecord, task: Task, root: str, message: Message) -> None:
        assert self._acs.beliefs is not None
        if task.verb == "delete":
            self._acs.beliefs.gone(record.key, absolute(task.arguments["path"], root))
        else:
            asked = values(task, root) if task.verb == "set" else ()
            self._acs.beliefs.answered(record.key, task.verb, asked, message)

    def _note_credentials(self, record: DeviceRecord, task: Task, root: str) -> None:
        names = [f"{root}ManagementServer.ConnectionRequest{part}" for part in ("Username", "Password")]
        given = {value.name: value.value for value in values(task, root) if value.name in names}
        if given:
            before = self._acs.credentials(record)
            now = (given.get(names[0], before[0]), given.get(names[1], before[1]))
            record.credentials = None if now == self._acs.derived(record.key) else now

    def refused(self, session: Session, task: Task, message: Message) -> None:
        """A task was answered by a Fault: it is tried again later, or has failed; what else waits goes on (D11)."""
        code = message.fields.get("fault_code", 0)
        code = code if isinstance(code, int) and code else 9002
        text = f"{code} {message.fields.get('fault_string', '') or FAULTS.get(code, '')}".strip()
        for each in message.fields.get("parameter_faults", ()):
            text += f"; {each.name}: {each.code} {each.string}".rstrip()
        record = session.record
        task.sent = 0
        task.tries += 1
        delay = self._acs.decisions.repeats(task, code)
        if delay is None:
            if _remove(record, task):
                self._failed(record, task, Outcome(message, code, text))
        elif delay:
            task.due = self._acs.now + delay
            self._acs.at(task.due, self.wake, record)

    def _failed(self, record: DeviceRecord, task: Task, outcome: Outcome) -> None:
        self._acs.reports.append(Report(self._acs.now, record, task.kind, outcome.fault, outcome.text))
        if task.owner is not None:
            task.owner.finished(task, outcome)
        if self._acs.decisions.gives_up(record) and record.work is not None:
            record.work.tasks.clear()

    def _expect_transfer(self, record: DeviceRecord, task: Task) -> None:
        window = task.arguments.get("end", 0) if task.verb == "schedule-download" else 0
        transfer = Transfer(task.command_key, task.owner, self._acs.now + window + TRANSFER_TIMEOUT)
        record.begin_work().transfers.append(transfer)
        if task.owner is None:
            self._acs.at(transfer.due, self._transfer_overdue, (record, transfer))

    def transferred(self, record: DeviceRecord, message: Message) -> None:
        """A TransferComplete: ends the transfer with its CommandKey, if that is still under way (E4, E5)."""
        for transfer in record.work.transfers if record.work is not None else ():
            if transfer.command_key == message.fields.get("command_key"):
                break
        else:
            return
        record.begin_work().transfers.remove(transfer)
        code = message.fields.get("fault_code", 0) or 0
        text = f"{code} {message.fields.get('fault_string', '')}".strip() if code else ""
        if code:
            self._acs.reports.append(Report(self._acs.now, record, "TransferComplete", code, text))
        if transfer.owner is not None:
            transfer.owner.transferred(Outcome(message, code, text))

    def _transfer_overdue(self, argument: tuple[DeviceRecord, Transfer]) -> None:
        record, transfer = argument
        if record.work is not None and transfer in record.work.transfers:
            record.work.transfers.remove(transfer)
            self._acs.reports.append(
                Report(self._acs.now, record, "TransferComplete", LOST, "no TransferComplete in time")
            )
            self.wake(record)

    def withdraw(self, record: DeviceRecord, owner: TaskOwner | None = None, rule: int | None = None) -> None:
        """Take back the tasks and transfers of an owner, or the tasks of a rule, that are not through."""
        work = record.begin_work()
        for task in list(work.tasks):
            if (owner is not None and task.owner is owner) or (rule is not None and task.rule == rule):
                work.tasks.remove(task)
        if owner is not None:
            work.transfers = [transfer for transfer in work.transfers if transfer.owner is not owner]
        record.tidy()

    def drop_orders(self, record: DeviceRecord) -> None:
        """Forget what was ordered of a device; what rules and campaigns want of it stays."""
        work = record.begin_work()
        for task in list(work.tasks):
            if task.owner is None and task.rule is None:
                work.tasks.remove(task)

    def make(
        self,
        action: Action,
        record: DeviceRecord,
        inputs: Mapping[str, str],
        owner: TaskOwner | None = None,
        rule: int | None = None,
    ) -> list[Task]:
        """Return the tasks that an action means for a device; tags are put on and taken off at once."""
        names = {**inputs, **self._acs.names(record.key)}
        arguments = fill_arguments(action.arguments, names, value_type)
        if action.verb in ("tag", "untag"):
            tag = frozenset({arguments["tag"]})
            record.tags = record.tags | tag if action.verb == "tag" else record.tags - tag
            return []
        return self.tasks(action.verb, arguments, record, owner, rule)

    def tasks(
        self,
        verb: str,
        arguments: Mapping[str, Any],
        record: DeviceRecord,
        owner: TaskOwner | None = None,
        rule: int | None = None,
    ) -> list[Task]:
        """Return the tasks that a verb with these arguments becomes for a device."""
        tasks = []
        for each, given in self._acs.decisions.prepare(verb, arguments, record.key):
            if "firmware" in given:
                rest = {name: value for name, value in given.items() if name != "firmware"}
                given = {**rest, **self._acs.image(given["firmware"])}
            command_key = self._acs.command_key(each) if each in KEYED or each == "reboot" else ""
            tasks.append(Task(each, given, command_key, owner, rule))
        return tasks

    def wake(self, record: DeviceRecord) -> None:
        """A delay of a task is over, or a transfer is no longer waited for."""
        if self._acs.records.get(record.key) is record:
            record.tidy()
            self._acs.connections.wake(record)


def _remove(record: DeviceRecord, task: Task) -> bool:
    """Take a task off its queue; False where it was withdrawn while its answer was under way."""
    try:
        record.begin_work().tasks.remove(task)
    except ValueError:
        return False
    return True
