"""What execution knows of the devices: it asks the devices themselves (the judge, which may not, has its own facts)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cpescript.device.device import Device
from cpescript.kernel import draws
from cpescript.kernel.queue import Kernel
from cpescript.kernel.time import Duration, Instant
from cpescript.pattern.evaluate import Scope
from cpescript.pattern.expression import MessagePattern
from cpescript.pattern.message import Parts, fits

ATTRIBUTES: Mapping[str, Callable[[Device], Any]] = {
    "manufacturer": lambda device: device.device_id[0],
    "oui": lambda device: device.device_id[1],
    "product_class": lambda device: device.device_id[2],
    "serial": lambda device: device.device_id[3],
    "identity": lambda device: device.identity,
    "index": lambda device: device.index,
    "number": lambda device: device.number,
    "cohort": lambda device: device.cohort,
    "label": lambda device: device.labels or {},
    "profile": lambda device: device.schema.name,
    "session": lambda device: device.agent.sessions + (device.agent.session is None),
}
"""`device.NAME` of the language; parameters of the device are read by path."""


class FleetFacts:
    """Implements `pattern.evaluate.Facts` on living devices."""

    def __init__(self, kernel: Kernel, start: Instant, seed: int) -> None:
        self.fleet: list[Device] = []
        self.cohorts: dict[str, range] = {}
        self.counted: Callable[[MessagePattern, Scope], int] | None = None
        """The judge's count: only the trace knows what has been said."""
        self.responded: Callable[[MessagePattern, Scope], Sequence[Duration]] | None = None
        """The judge's real response times."""
        self.rated: Callable[[MessagePattern, int, Scope], int] | None = None
        self._kernel = kernel
        self._start = start
        self._stream = draws.stream(seed, "timeline")
        self._draws = 0

    @property
    def now(self) -> int:
        return self._kernel.now

    def device(self, number: int) -> Device:
        """Return the device of that number; numbers count from 1 in the order of spawning."""
        return self.fleet[number - 1]

    def parameter(self, device: int, path: str) -> Any:
        return self.device(device).typed(path)

    def expand(self, device: int, parts: Parts, partial: bool) -> Sequence[str]:
        one = self.device(device)
        if None not in parts:
            path = ".".join(part or "" for part in parts)
            if not partial:
                return [path] if one.leaf(path) is not None else []
            return one.leaves(path + ".") if one.exists(path + ".") else []
        # Only what lies below the fixed beginning can fit.
        fixed = ".".join(part or "" for part in parts[: parts.index(None)]) + "."
        if not one.exists(fixed):
            return []
        return [path for path in one.leaves(fixed) if fits(parts, partial, path)]

    def in_state(self, device: int, state: str) -> bool:
        return self.device(device).is_in(state)

    def attribute(self, device: int, name: str) -> Any:
        if name == "now":
            return Instant(self._start + self._kernel.now)
        return ATTRIBUTES[name](self.device(device))

    def devices(self, cohort: str | None) -> Sequence[int]:
        return range(1, len(self.fleet) + 1) if cohort is None else self.cohorts[cohort]

    def count(self, pattern: MessagePattern, scope: Scope) -> int:
        assert self.counted is not None
        return self.counted(pattern, scope)

    def rate(self, pattern: MessagePattern, window: int, scope: Scope) -> int:
        assert self.rated is not None
        return self.rated(pattern, window, scope)

    def response_times(self, pattern: MessagePattern, scope: Scope) -> Sequence[Duration]:
        assert self.responded is not None
        return self.responded(pattern, scope)

    def chance(self) -> tuple[int, int]:
        self._draws += 1
        return self._stream, self._draws
