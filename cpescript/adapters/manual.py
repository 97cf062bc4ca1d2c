"""For an ACS that has a GUI only: says what is to be done there, and waits until somebody has done it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

from cpescript.acs.orders import VERBS, DeviceKey, Order, OrderResult
from cpescript.adapters.base import AdapterError, Answered, Setup

MOST_SHOWN = 20
"""Devices that one order lists by name."""

_SAYING: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "set": lambda given: "set " + ", ".join(f"{path} = {text}" for path, text, _ in given["settings"]),
    "get": lambda given: "read " + ", ".join(given["paths"]),
    "add": lambda given: f"add an instance of {given['path']}",
    "delete": lambda given: f"delete {given['path']}",
    "download": lambda given: (
        "have it download "
        + (f"firmware {given['firmware']}" if given.get("firmware") else f"{given['file_type']} from {given['url']}")
    ),
    "upload": lambda given: f"have it upload {given['file_type']} to {given['url']}",
    "reboot": lambda given: "reboot it",
    "factory-reset": lambda given: "reset it to factory defaults",
    "connect": lambda given: "make a connection request to it",
    "forget": lambda given: "delete it from the ACS",
    "call": lambda given: (
        f"do '{given['name']}'"
        + (f" with {json.dumps(given['inputs'], ensure_ascii=False)}" if given.get("inputs") else "")
    ),
}


class Manual:
    """The adapter. `screen` is where it writes, `keyboard` where Enter comes from; both must be a terminal. `make_room`
    is called before it writes: what shows how the run goes is taken off the screen until somebody has answered."""

    name = "manual"
    verbs = VERBS
    beliefs = False
    calls: Mapping[str, tuple[str, ...]] | None = None
    secrets: Sequence[str] = ()

    def __init__(self, screen: TextIO, keyboard: TextIO, make_room: Callable[[], object] = lambda: None) -> None:
        self._screen = screen
        self._keyboard = keyboard
        self._make_room = make_room

    def prepare(self, setup: Setup) -> None:
        """Raises AdapterError where there is something to ask, and nobody to ask it of."""
        if setup.orders and not self._keyboard.isatty():
            raise AdapterError("the adapter 'manual' needs somebody at a terminal, and standard input is none")

    def submit(self, orders: Sequence[Order], done: Callable[[list[OrderResult]], None]) -> None:
        """Show each kind of order once, with its devices, and wait for Enter: the world stands still meanwhile."""
        groups: dict[str, list[str]] = {}
        for order in orders:
            text = _SAYING[order.verb](order.arguments)
            groups.setdefault(text, []).append(str(order.device) if order.device is not None else "")
        self._make_room()
        for text, devices in groups.items():
            named = [device for device in devices if device]
            self._print(f"On the ACS, please: {text}")
            for device in named[:MOST_SHOWN]:
                self._print(f"    {device}")
            if len(named) > MOST_SHOWN:
                self._print(f"    and {len(named) - MOST_SHOWN} more")
        self._print("Enter when it is done, or say why it cannot be: ", end="")
        line = self._keyboard.readline()
        if not line:
            raise AdapterError("nobody answers: standard input has ended")
        reason = line.strip()
        done([OrderResult(not reason, reason, {"status": 0 if reason else 200, "body": reason})] * len(orders))

    def ask(self, keys: Sequence[DeviceKey], paths: Sequence[str], done: Answered) -> None:
        raise AdapterError("the adapter 'manual' cannot be asked what the ACS sees")

    def close(self) -> None:
        """There is nothing to let go of."""

    def _print(self, text: str, end: str = "\n") -> None:
        print(text, end=end, file=self._screen, flush=True)
