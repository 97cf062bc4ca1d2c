"""For an ACS that has a GUI only: says what is to be done there, and waits until somebody has done it.

Meanwhile devices can be called: an ACS that is told to set something calls them before its GUI says that it is done.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

from cpescript.acs.orders import VERBS, DeviceKey, Order, OrderResult
from cpescript.adapters.base import AdapterError, Answered, Jobs, Setup

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
    is told when somebody is asked, and when they have answered: what shows how the run goes leaves the screen to them.
    """

    name = "manual"
    verbs = VERBS
    beliefs = False
    calls: Mapping[str, tuple[str, ...]] | None = None
    secrets: Sequence[str] = ()

    def __init__(
        self,
        screen: TextIO,
        keyboard: TextIO,
        spawn: Jobs,
        make_room: Callable[[bool], object] = lambda asking: None,
    ) -> None:
        self._screen = screen
        self._keyboard = keyboard
        self._spawn = spawn
        self._make_room = make_room
        self._turn = asyncio.Lock()
        """One question after the other: there is one keyboard."""

    def prepare(self, setup: Setup) -> None:
        """Raises AdapterError where there is something to ask, and nobody to ask it of."""
        if setup.orders and not self._keyboard.isatty():
            raise AdapterError("the adapter 'manual' needs somebody at a terminal, and standard input is none")

    def submit(self, orders: Sequence[Order], done: Callable[[list[OrderResult]], None]) -> None:
        """Show each kind of order once, with its devices, and wait for Enter; virtual time stands still meanwhile."""
        self._spawn(self._asked(orders), done)

    async def _asked(self, orders: Sequence[Order]) -> list[OrderResult]:
        if not self._keyboard.isatty():
            raise AdapterError("nobody answers: standard input is no terminal")
        async with self._turn:
            self._make_room(True)
            try:
                self._show(orders)
                await self._typed()
                line = self._keyboard.readline()
            finally:
                self._make_room(False)
        if not line:
            raise AdapterError("nobody answers: standard input has ended")
        reason = line.strip()
        return [OrderResult(not reason, reason, {"status": 0 if reason else 200, "body": reason})] * len(orders)

    async def _typed(self) -> None:
        """Wait until there is a line to be read: a terminal has none before Enter."""
        loop, descriptor = asyncio.get_running_loop(), self._keyboard.fileno()
        typed = asyncio.Event()
        loop.add_reader(descriptor, typed.set)
        try:
            await typed.wait()
        finally:
            loop.remove_reader(descriptor)

    def _show(self, orders: Sequence[Order]) -> None:
        groups: dict[str, list[str]] = {}
        for order in orders:
            text = _SAYING[order.verb](order.arguments)
            groups.setdefault(text, []).append(str(order.device) if order.device is not None else "")
        for text, devices in groups.items():
            named = [device for device in devices if device]
            self._print(f"On the ACS, please: {text}")
            for device in named[:MOST_SHOWN]:
                self._print(f"    {device}")
            if len(named) > MOST_SHOWN:
                self._print(f"    and {len(named) - MOST_SHOWN} more")
        self._print("Enter when it is done, or say why it cannot be: ", end="")

    def ask(self, keys: Sequence[DeviceKey], paths: Sequence[str], done: Answered) -> None:
        raise AdapterError("the adapter 'manual' cannot be asked what the ACS sees")

    def close(self) -> None:
        """There is nothing to let go of."""

    def _print(self, text: str, end: str = "\n") -> None:
        print(text, end=end, file=self._screen, flush=True)
