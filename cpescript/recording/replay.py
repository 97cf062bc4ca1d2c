"""What every world that is made of a trace has in common: records are read ahead, and announced in their order.

Devices are shadows: made from their profiles so that they have names, and say nothing themselves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cpescript.cwmp.http import HttpResponse
from cpescript.device.device import Device
from cpescript.execution.facts import FleetFacts
from cpescript.kernel.queue import Kernel, Owner
from cpescript.kernel.trace import LOCAL, Trace
from cpescript.recording.reading import Entry
from cpescript.simulation import Simulation, decode_or_none

LAST = Owner((1 << 28) - 1)
"""Behind everybody else of its priority."""
_HEARTBEAT = ["Inform", "InformResponse", "Empty", "Empty"]


class Parted(BaseException):
    """The trace says nothing of what comes now. Ends the judging wherever it stands, as no error of a step does."""


class ReplayFacts(FleetFacts):
    """What execution asks of devices: the trace's word first, then the shadow's."""

    def __init__(self, kernel: Kernel, start: Any, seed: int) -> None:
        super().__init__(kernel, start, seed)
        self.identities: dict[int, str] = {}

    def attribute(self, device: int, name: str) -> Any:
        identity = self.identities.get(device)
        if identity is not None and name == "identity":
            return identity
        return super().attribute(device, name)


class Shadows:
    """The host of the shadows: their time and their seed, and nobody who listens."""

    def __init__(self, world: Simulation) -> None:
        self.kernel = world.kernel
        self.trace = Trace(world.kernel)
        self.start = world.start
        self.seed = world.seed
        self.serial_prefix = ""
        self.acs_url = world.acs_url
        self.firmware = world.firmware
        self.watches: Callable[[str], bool] | None = None
        self.appeared: Callable[[Any, str], None] | None = None

    def open(self, session: Any) -> None:
        """A shadow opens no session."""

    def connection_request_url(self, device: Any) -> str:
        return ""

    def fetch(self, device: Any, fetch: Any, done: Callable[[Any], None]) -> None:
        """A shadow fetches nothing."""


class ReplayedWorld(Simulation):
    """A simulation whose devices and ACS are a trace. `load` comes before `drive`, which is each kind's own."""

    facts: ReplayFacts

    def __init__(self, kernel: Kernel, trace: Trace, **more: Any) -> None:
        super().__init__(kernel, trace, **more)
        self.facts = ReplayFacts(kernel, self.start, self.seed)
        self.feeding = False
        self.wall: int | None = None
        self.complete = False
        """Whether the trace tells its end."""
        self.troubled: Callable[[Mapping[str, Any]], None] = lambda data: None
        """Told what went wrong then, and was not the ACS's doing."""
        self._source: Iterator[Entry] = iter(())
        self._ahead: deque[Entry] = deque()
        self._hosts = Shadows(self)
        self._named: dict[str, Device] = {}
        """The shadows, by the names that the trace has for them."""
        self._last: dict[int, tuple[int, list[Entry]]] = {}
        """Of each device: its last session, and what was said in it."""

    def load(self, entries: Iterator[Entry]) -> None:
        """Take the records of one scenario."""
        self._source = entries

    # --- records ------------------------------------------------------------------------------------------------------

    def first(self) -> Entry | None:
        """Return the first record, None where there is none."""
        return self._head()

    def _head(self) -> Entry | None:
        if not self._ahead:
            entry = next(self._source, None)
            if entry is None:
                return None
            self._ahead.append(entry)
        return self._ahead[0]

    def _announce_entry(self, entry: Entry) -> None:
        device = self._named.get(entry.device or "")
        self.wall = entry.wall_ns
        if entry.direction == LOCAL:
            self._announce_fact(device, entry)
        elif device is not None:
            last = self._last.get(device.number)
            if last is None or entry.session != last[0]:
                last = self._last[device.number] = (entry.session, [])
                self.sessions += 1
            last[1].append(entry)
            message = self._learn(device, entry)
            self.trace.message(
                device, entry.session, entry.direction, entry.protocol, entry.kind, entry.http, entry.body, message
            )
            self._said(device, entry, message)

    def _announce_fact(self, device: Device | None, entry: Entry) -> None:
        if entry.kind == "end":
            self.complete = True
        elif entry.kind == "problem":
            self.troubled(entry.data)
        if device is not None:
            self._learn(device, entry)
        feeding, self.feeding = self.feeding, True
        try:
            if entry.kind == "SessionEnd" and device is not None and entry.data.get("outcome", "done") != "done":
                ended = entry.data["outcome"], entry.data.get("reason", "")
                self.trace.remember(device, entry.session, entry.kind, *ended)
            self.trace.fact(device, entry.kind, entry.session, **entry.data)
        finally:
            self.feeding = feeding
        if entry.kind == "SessionEnd" and device is not None and self._is_heartbeat(device):
            self.trace.hush(device, entry.session)

    def _learn(self, device: Device, entry: Entry) -> Any:
        """Take in what a record says of its device, before it is announced; return the message where it was decoded."""
        return None

    def _said(self, device: Device, entry: Entry, message: Any) -> None:
        """A message of a device, or to it, has been announced."""

    def _is_heartbeat(self, device: Device) -> bool:
        """Whether the last session said no more than that the device is there: evidence folds such sessions."""
        said = self._last.get(device.number, (0, []))[1]
        kinds: list[str] = []
        for entry in said:
            if isinstance(entry.http, HttpResponse) and entry.http.status == 401 and kinds:
                kinds.pop()  # What was challenged is said again.
            else:
                kinds.append(entry.kind)
        if kinds != _HEARTBEAT or said[0].body is None:
            return False
        message = decode_or_none(said[0].body)
        return message is not None and [code for code, _ in message.fields.get("event", ())] == ["2 PERIODIC"]

    # --- the world of execution ---------------------------------------------------------------------------------------

    def lacks(self, system: str, verb: str) -> str:
        return ""

    def be_patient(self, patience: int) -> Callable[[], None]:
        return lambda: None

    # --- the judge's witness ------------------------------------------------------------------------------------------

    def identity(self, device: int) -> str:
        return self.facts.identities.get(device) or super().identity(device)
