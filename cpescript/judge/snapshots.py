"""What was so when a message came, for patterns that are judged later.

A pattern that names what is bound only when its claim opens (a capture, a `let`) is judged then. What else it asks of
the device, `Download where Device.DeviceInfo.SoftwareVersion == old` say, is meant as of the message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cpescript.kernel.time import Instant
from cpescript.kernel.trace import Record
from cpescript.pattern import expression as x
from cpescript.pattern.evaluate import Facts, Scope
from cpescript.pattern.message import Parts, fits
from cpescript.pattern.walking import walk

_TIMELY = frozenset({"elapsed", "now"})


class Then:
    """The facts as they were at one instant for one device; of others, and of what was not noted, as they are."""

    def __init__(self, facts: Any, record: Record, parameters: Mapping[str, Any], states: Mapping[str, bool]) -> None:
        self._facts = facts
        self._device = record.device
        self._parameters = parameters
        self._states = states
        self.now = record.t

    def __getattr__(self, name: str) -> Any:
        return getattr(self._facts, name)

    def attribute(self, device: int, name: str) -> Any:
        return Instant(self._facts.start + self.now) if name == "now" else self._facts.attribute(device, name)

    def parameter(self, device: int, path: str) -> Any:
        return self._parameters[path] if device == self._device else self._facts.parameter(device, path)

    def expand(self, device: int, parts: Parts, partial: bool) -> Sequence[str]:
        if device != self._device:
            paths: Sequence[str] = self._facts.expand(device, parts, partial)
            return paths
        return [path for path in self._parameters if fits(parts, partial, path)]

    def in_state(self, device: int, state: str) -> bool:
        if device == self._device and state in self._states:
            return self._states[state]
        held: bool = self._facts.in_state(device, state)
        return held


class Snapshots:
    """Takes the facts that one pattern asks for besides the message."""

    __slots__ = ("_facts", "_needed", "_parameters", "_states")

    def __init__(self, pattern: x.MessagePattern, scope: Scope) -> None:
        self._facts = scope.facts
        nodes = list(walk((pattern.settings, pattern.where)))
        # A part of a path that is worked out later may turn out to be any.
        self._parameters = [
            (tuple(part if isinstance(part, str) else None for part in node.path.parts), node.path.partial)
            for node in nodes
            if isinstance(node, x.Parameter) and node.target is None
        ]
        self._states = sorted({node.state for node in nodes if isinstance(node, x.State)})
        timely = any(isinstance(node, x.Call) and node.function in _TIMELY for node in nodes)
        self._needed = bool(self._parameters or self._states or timely)

    def take(self, record: Record) -> Facts | None:
        """Return the facts as they are at a record, None where the pattern asks for none."""
        if not self._needed:
            return None
        facts, device = self._facts, record.device
        paths = {path for parts, partial in self._parameters for path in facts.expand(device, parts, partial)}
        parameters = {path: facts.parameter(device, path) for path in paths}
        return Then(facts, record, parameters, {state: facts.in_state(device, state) for state in self._states})
