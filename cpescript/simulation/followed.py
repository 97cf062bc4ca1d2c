"""Parameters that somebody follows: their values are on the trace, at first and at each change."""

from __future__ import annotations

from cpescript.device.device import Device
from cpescript.execution.facts import FleetFacts
from cpescript.kernel.queue import Kernel
from cpescript.kernel.trace import Trace
from cpescript.pattern.message import Parts, fits


class Followed:
    """What claims and handlers follow, by path; the devices tell of changes, generated values are looked at here."""

    def __init__(self, kernel: Kernel, trace: Trace, facts: FleetFacts) -> None:
        self._kernel = kernel
        self._trace = trace
        self._facts = facts
        self._followed: dict[tuple[Parts, bool], set[int]] = {}
        self._exact: set[str] = set()

    def follow(self, device: int, parts: Parts, partial: bool) -> None:
        """Announce the values of what a path names, now and at each change from here on (0: of every device, of those
        to come as well)."""
        known = self._followed.setdefault((parts, partial), set())
        if not partial and None not in parts:
            self._exact.add(".".join(part or "" for part in parts))
        for number in (device,) if device else range(1, len(self._facts.fleet) + 1):
            if number in known:
                # Announced before, and kept up to date since.
                continue
            known.add(number)
            for path in self._facts.expand(number, parts, partial):
                self._announce(self._facts.device(number), path)

    def watches(self, path: str) -> bool:
        """Whether anybody follows the parameter at `path`."""
        return path in self._exact or any(
            fits(parts, partial, path) for parts, partial in self._followed if partial or None in parts
        )

    def welcome(self, device: Device) -> None:
        """Announce what is followed of a device that was just made."""
        for (parts, partial), known in self._followed.items():
            known.add(device.number)
            for path in self._facts.expand(device.number, parts, partial):
                self._announce(device, path)

    def _announce(self, device: Device, path: str) -> None:
        leaf = device.leaf(path)
        kind = leaf.type if leaf is not None else "string"
        self._trace.fact(device, "parameter", path=path, value=device.get(path), type=kind)
        if leaf is not None and leaf.generator is not None:
            self.tick(device, path)

    def tick(self, device: Device, path: str) -> None:
        """A generated value that is followed is looked at whenever it moves."""
        due = device.next_tick(path)
        if due is not None:
            self._kernel.at(due, device, self._ticked, (device, path, device.get(path)))

    def _ticked(self, what: tuple[Device, str, str]) -> None:
        device, path, last = what
        leaf = device.leaf(path)
        if leaf is None:
            return  # Its instance or app is gone.
        value = device.get(path)
        if value != last:
            self._trace.fact(device, "parameter", path=path, value=value, type=leaf.type)
        self.tick(device, path)
