"""What the ACS keeps of a device: little, because it keeps it of a hundred thousand.

A record has what the last Inform said and nothing that can be worked out again: connection-request credentials are
derived from seed and identity unless somebody set others. Pending work hangs on the record only while there is some.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cpescript.acs.orders import DeviceKey

if TYPE_CHECKING:
    from cpescript.acs.tasks import Task, TaskOwner


class Transfer:
    """A Download or Upload that a device has accepted and not yet reported on (A.3.3.2). `due` is in virtual ns."""

    __slots__ = ("command_key", "due", "owner")

    def __init__(self, command_key: str, owner: TaskOwner | None, due: int) -> None:
        self.command_key = command_key
        self.owner = owner
        self.due = due


class Work:
    """A device's pending work: tasks in order, transfers under way, and the connection request under way.

    `call` is the number of the connection request that is out (0: none), `calls` how many were made for this work.
    """

    __slots__ = ("call", "calls", "tasks", "transfers")

    def __init__(self) -> None:
        self.tasks: deque[Task] = deque()
        self.transfers: list[Transfer] = []
        self.call = 0
        self.calls = 0

    @property
    def idle(self) -> bool:
        return not (self.tasks or self.transfers or self.call)


class DeviceRecord:
    """A device as the ACS knows it."""

    __slots__ = ("credentials", "fired", "key", "parameter_key", "reached", "software_version", "tags", "url", "work")

    def __init__(self, key: DeviceKey) -> None:
        self.key = key
        self.url = ""
        """ConnectionRequestURL, empty where the device reported none."""
        self.reached = ""
        """Where the device is called otherwise, `udp://…` or `xmpp:…`, empty where it reported no such address."""
        self.credentials: tuple[str, str] | None = None
        """Connection-request username and password where they are not the derived ones."""
        self.software_version = ""
        self.parameter_key: str | None = None
        """The ParameterKey that this ACS gave the device last, None where it gave none."""
        self.tags: frozenset[str] = _NO_TAGS
        self.fired = 0
        """Which `first` rules have applied, as a bit mask by the rule's place in the policy."""
        self.work: Work | None = None

    def begin_work(self) -> Work:
        """Return the pending work, made if there is none."""
        if self.work is None:
            self.work = Work()
        return self.work

    def add_tasks(self, tasks: Iterable[Task], *, first: bool = False) -> None:
        """Queue tasks in their order, at the end or (`first`) before all others."""
        queue = self.begin_work().tasks
        if first:
            queue.extendleft(reversed(list(tasks)))
        else:
            queue.extend(tasks)

    def tidy(self) -> None:
        """Drop the pending work if none is left."""
        if self.work is not None and self.work.idle:
            self.work = None


_NO_TAGS: frozenset[str] = frozenset()
