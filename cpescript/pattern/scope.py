"""What names mean at one place of a scenario: facts of the devices, kept messages, bound names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from cpescript.diagnostics import Span
from cpescript.kernel.time import Duration
from cpescript.pattern import expression as x
from cpescript.pattern.message import MessageView, Parts


class EvaluationError(Exception):
    """An expression cannot be worked out: `span`, a line of cause, a line of remedy."""

    def __init__(self, span: Span, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.span = span
        self.message = message
        self.remedy = remedy


class NotYetError(EvaluationError):
    """What an order will give is not there yet: a claim that waits goes on waiting."""


class Facts(Protocol):
    """What is known of the devices, by number."""

    @property
    def now(self) -> int:
        """Virtual nanoseconds."""

    def parameter(self, device: int, path: str) -> Any:
        """Return a parameter's typed value. Raises KeyError where the device has none of that name."""

    def expand(self, device: int, parts: Parts, partial: bool) -> Sequence[str]:
        """Return the concrete paths of the device that a pattern names."""

    def in_state(self, device: int, state: str) -> bool: ...

    def attribute(self, device: int, name: str) -> Any:
        """Return `serial`, `index`, `cohort`, `number` or `label` (a mapping). Raises KeyError for others."""

    def devices(self, cohort: str | None) -> Sequence[int]:
        """Return the devices of a cohort, of all for None. Raises KeyError for an unknown cohort."""

    def count(self, pattern: x.MessagePattern, scope: Scope) -> int:
        """Return how many messages matched since the start: of `scope.device`, else of `scope.group`, else of all."""

    def rate(self, pattern: x.MessagePattern, window: int, scope: Scope) -> int:
        """Return how many messages matched in the `window` nanoseconds up to now, of the same devices as `count`."""

    def response_times(self, pattern: x.MessagePattern, scope: Scope) -> Sequence[Duration]:
        """Return how long, in real time, each message that matched waited for its answer: of the same devices."""

    def chance(self) -> tuple[int, int]:
        """Return (stream, n) for the next draw of `pick`, `random` and `… of T`."""


class Capture:
    """What `as name` kept: per device the message, when it was seen, and the number of its record.

    `devices`: how many devices its statement spoke of, 0 where nobody said. What is kept under device 0 is no device's
    own, and everybody's. `awaits`: the kind of message that is kept when it comes, empty where all came already.
    """

    __slots__ = ("at", "awaits", "devices", "messages", "records")

    def __init__(self, devices: int = 0, awaits: str = "") -> None:
        self.devices = devices
        self.awaits = awaits
        self.messages: dict[int, Any] = {}
        self.at: dict[int, int] = {}
        self.records: dict[int, int] = {}

    def keep(self, device: int, t: int, message: Any, n: int = 0) -> None:
        """Keep a message; `n` is its record's number, 0 where it has none."""
        self.messages[device] = message
        self.at[device] = t
        self.records[device] = n

    def owner(self, device: int | None) -> int | None:
        """Return under which device that is kept which `device` (None: nobody in particular) means, None for nothing.

        Raises LookupError where nobody is meant and several have kept something.
        """
        for own in (device, 0):
            if own in self.messages:
                return own
        if len(self.messages) > 1 and device is None:
            raise LookupError
        # Of a statement about one device there is one message, whoever asks.
        return next(iter(self.messages), None) if device is None or self.devices == 1 else None


class Scope:
    """What names mean at one place: bound names, the device in question, the message in question, the facts."""

    __slots__ = ("device", "facts", "group", "http", "message", "parent", "variables")

    def __init__(
        self,
        facts: Facts,
        variables: dict[str, Any] | None = None,
        parent: Scope | None = None,
        device: int | None = None,
        message: MessageView | None = None,
        http: Any = None,
        group: Sequence[int] | None = None,
    ) -> None:
        self.facts = facts
        self.group = group
        self.variables = variables if variables is not None else {}
        self.parent = parent
        self.device = device
        self.message = message
        self.http = http

    def child(self, device: int | None = None, message: MessageView | None = None, http: Any = None) -> Scope:
        """Return a scope inside this one; what is not given is inherited."""
        return Scope(
            self.facts,
            {},
            self,
            device if device is not None else self.device,
            message if message is not None else self.message,
            http if http is not None else self.http,
            self.group,
        )

    def together(self, devices: Sequence[int]) -> Scope:
        """Return a scope in which figures are of all these devices together (`across`)."""
        return Scope(self.facts, {}, self, None, self.message, self.http, devices)

    def look_up(self, name: str) -> Any:
        """Return what a name is bound to. Raises KeyError."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return scope.variables[name]
            scope = scope.parent
        raise KeyError(name)
