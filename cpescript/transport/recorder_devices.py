"""Whose a message is that a recorder passes on, and where the sessions of devices begin and end.

Rules:

1. A device is known by its Inform; what follows belongs to it by its connection, or by the cookies that the ACS gave to
   it and to nobody else.
2. An Inform begins a session, unless it answers a challenge (401), or a redirect, in the one that is open.
3. A session whose connection is gone, and that goes on over no other within a while, was cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cpescript.cwmp.message import Message

MOST_DEVICES = 100_000
MOST_COOKIES = 16
"""Cookies of a device that are remembered, the newest: an ACS gives some in each session."""


@dataclass(slots=True)
class Known:
    """A device: its name in the trace, where it listens, and its session."""

    number: int
    identity: str
    url: str = ""
    session: int = 0
    open: bool = False
    asked_again: bool = False
    """Whether the ACS has answered its last message by a challenge or a redirect: it says it once more."""
    transport: asyncio.BaseTransport | None = None
    """The connection that it was last heard on."""
    at: tuple[int, str] | None = None
    """Port and path at which it is called, where its calls are relayed."""
    gone: float | None = None
    """Since when that is closed."""
    cookies: dict[str, None] = field(default_factory=dict)
    recent: Any = None

    @property
    def name(self) -> str:
        return f"recorded[{self.number}]"


class KnownDevices:
    """All devices of a recording. `appeared` is told each as it comes first, `ended` how a session has ended."""

    def __init__(self, appeared: Callable[[Known], object], ended: Callable[[Known, str], object]) -> None:
        self._appeared = appeared
        self._ended = ended
        self._by_identity: dict[str, Known] = {}
        self._connections: dict[int, tuple[asyncio.BaseTransport, Known]] = {}
        """By the id of the transport, which is held so that no other gets that id."""
        self._cookies: dict[str, Known | None] = {}
        """By `name=value`; None for one that several have been given."""
        self._talking: dict[int, Known] = {}

    def __len__(self) -> int:
        return len(self._by_identity)

    def whose(self, transport: asyncio.BaseTransport | None, cookies: str, message: Message | None) -> Known | None:
        """Return whose message this is, None where nobody knows; an Inform begins a session."""
        if message is not None and message.kind == "Inform":
            device = self._informs(message)
        else:
            _, device = self._connections.get(id(transport), (None, None))
            device = device or next(filter(None, map(self._cookies.get, _each(cookies))), None)
        if device is not None:
            device.transport, device.gone = transport, None
            if transport is not None:
                self._connections[id(transport)] = (transport, device)
        return device

    def _informs(self, message: Message) -> Known | None:
        fields = message.fields
        parts = (fields.get("oui", ""), fields.get("product_class", ""), fields.get("serial_number", ""))
        identity = "-".join(str(part) for part in parts)
        device = self._by_identity.get(identity)
        if device is None:
            if len(self._by_identity) >= MOST_DEVICES:
                return None
            device = self._by_identity[identity] = Known(len(self._by_identity) + 1, identity)
            self._appeared(device)
        if device.open and not device.asked_again:
            self.end(device, device.session, "cut")
        if not device.open:
            device.session += 1
            device.open = True
            self._talking[device.number] = device
        device.asked_again = False
        return device

    def given(self, device: Known, cookies: Iterable[str]) -> None:
        """The ACS has given a device cookies, as Set-Cookie has them."""
        for each in cookies:
            cookie = each.partition(";")[0].strip()
            # What an ACS gives to everybody tells nobody apart.
            self._cookies[cookie] = device if self._cookies.get(cookie, device) is device else None
            device.cookies.pop(cookie, None)
            device.cookies[cookie] = None
            if len(device.cookies) > MOST_COOKIES:
                oldest = next(iter(device.cookies))
                del device.cookies[oldest]
                if self._cookies.get(oldest) is device:
                    del self._cookies[oldest]

    def end(self, device: Known, session: int, outcome: str) -> None:
        """A session is over, if it is still that one."""
        if device.open and device.session == session:
            device.open = device.asked_again = False
            self._talking.pop(device.number, None)
            self._ended(device, outcome)

    def sweep(self, now: float, settle: float) -> None:
        """End the sessions of devices that have been gone for `settle` real seconds, forget connections that are
        closed."""
        for device in list(self._talking.values()):
            if device.transport is not None and not device.transport.is_closing():
                continue
            device.gone = now if device.gone is None else device.gone
            if now - device.gone >= settle:
                self.end(device, device.session, "cut")
        for key in [key for key, (transport, _) in self._connections.items() if transport.is_closing()]:
            del self._connections[key]


def _each(cookies: str) -> Iterator[str]:
    return (each.strip() for each in cookies.split(";"))
