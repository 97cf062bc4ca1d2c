"""Who called in a recording, when, and what made them: by that a scenario's actions are found in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cpescript.cwmp.message import Message
from cpescript.kernel.trace import LOCAL, TO_ACS
from cpescript.recording.reading import Header, Line, TraceError
from cpescript.simulation import decode_or_none

Cause = Literal["called", "told", "bootstrap", "boot", "change", "other"]

_CAUSES: Sequence[tuple[Cause, Callable[[str], bool]]] = (
    ("called", "6 CONNECTION REQUEST".__eq__),
    ("told", lambda event: event.startswith("M ")),
    ("bootstrap", "0 BOOTSTRAP".__eq__),
    ("boot", "1 BOOT".__eq__),
    ("change", "4 VALUE CHANGE".__eq__),
)
"""What makes a device call, by an event of its Inform; of several the first row (TR-069, 3.7.1.5)."""


def cause_of(events: Iterable[str]) -> Cause:
    """Return what made a device call: the ACS called it or had told it so, or something of its own."""
    given = tuple(events)
    return next((cause for cause, is_it in _CAUSES if any(map(is_it, given))), "other")


@dataclass(frozen=True, slots=True)
class Call:
    """One session of a device as it began: instant, events, and what the Inform said has changed."""

    t: int
    session: int
    events: tuple[str, ...]
    values: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    """Path to (value, type), for one that came of a change."""

    @property
    def cause(self) -> Cause:
        return cause_of(self.events)


@dataclass(slots=True)
class Caller:
    """A device of a recording: its name there, who it is, and its sessions."""

    name: str
    oui: str
    product_class: str
    serial: str
    calls: list[Call] = field(default_factory=list)

    @property
    def model(self) -> tuple[str, str]:
        return self.oui, self.product_class

    @property
    def identity(self) -> str:
        return f"{self.oui}-{self.product_class}-{self.serial}"


@dataclass(slots=True)
class Callers:
    """What a recording has: its devices in the order in which they came, and whether connection requests are in it."""

    devices: dict[str, Caller] = field(default_factory=dict)
    relayed: bool = False


def callers(lines: Iterable[Line]) -> Callers:
    """Return who called in a recording. Raises TraceError."""
    found = Callers()
    for line in lines:
        if isinstance(line, Header) or line.device is None:
            continue
        if line.direction == LOCAL:
            found.relayed = found.relayed or line.kind == "ConnectionRequest"
        elif line.kind == "Inform" and line.direction == TO_ACS and line.body:
            message = decode_or_none(line.body)
            if message is not None:
                _take(found.devices, line.device, line.t, line.session, message)
    if not found.devices:
        raise TraceError("the recording has no Inform of any device")
    return found


def _take(devices: dict[str, Caller], name: str, t: int, session: int, message: Message) -> None:
    fields = message.fields
    device = devices.get(name)
    if device is None:
        oui, product_class, serial = (str(fields.get(part, "")) for part in ("oui", "product_class", "serial_number"))
        device = devices[name] = Caller(name, oui, product_class, serial)
    events = tuple(code for code, _ in fields.get("event", ()))
    last = device.calls[-1] if device.calls else None
    # Asked for its password, or cut off, a device says the same again.
    again = last is not None and last.events == events and fields.get("retry_count", 0)
    if last is None or (session != last.session and not again):
        told = fields.get("parameter_list", ()) if cause_of(events) == "change" else ()
        device.calls.append(Call(t, session, events, {each.name: (each.value, each.type) for each in told}))
