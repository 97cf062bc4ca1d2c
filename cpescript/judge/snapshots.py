"""What was so when a message came, for patterns that are judged later.

A pattern that names what is bound only when its claim opens (a capture, a `let`) is judged then. What else it asks,
`Download where count(fleet where offline) < 3 and url == order.url` say, is meant as of the message:

1. What depends neither on such a name nor on the message itself is worked out when that comes, and goes by a name.
2. Of what is left (`PATH == old`) the facts are noted: those of the message's own device and, where devices are chosen
   by what is bound later (`fleet where PATH == old`), those of all that may be chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from cpescript.kernel.time import Instant
from cpescript.kernel.trace import Record
from cpescript.pattern import expression as x
from cpescript.pattern.evaluate import TARGETS, EvaluationError, Scope, Value, compile_expression, resolve
from cpescript.pattern.message import Parts, fits
from cpescript.pattern.walking import rebuilt, walk

_TARGETS = tuple(kind for kind in TARGETS if kind is not x.Device)
_CHANGING = (x.State, x.Parameter, x.Call, *_TARGETS)
"""What a worked-out value has to hold to be worth noting."""
_EXPRESSIONS = (
    x.Template, x.ListNode, x.MapNode, x.Attribute, x.State, x.Unary, x.Binary, x.Between, x.Test, x.Conditional,
    x.Call, x.Needed,
)  # fmt: skip
_NOTED = "noted {}"
"""The name of a value; no author can write it."""


class Noted(dict[str, Any]):
    """What was worked out, by name. One that had no value raises its EvaluationError where it is asked for."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if isinstance(value, EvaluationError):
            raise value
        return value


class Then:
    """The facts as they were when one message came; what was not noted is as it is. `noted`: what was worked out."""

    def __init__(self, facts: Any, now: int) -> None:
        self.now = now
        self.noted = Noted()
        self.parameters: dict[int, dict[str, Any]] = {}
        self.states: dict[tuple[int, str], bool] = {}
        self.counts: dict[tuple[int, int], int] = {}
        """By device and pattern: how many messages had come."""
        self.rates: dict[tuple[int, int, int], int] = {}
        """By device, pattern and window: how many had come in that."""
        self._facts = facts
        self._made = len(facts.all)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._facts, name)

    def attribute(self, device: int, name: str) -> Any:
        return Instant(self._facts.start + self.now) if name == "now" else self._facts.attribute(device, name)

    def devices(self, cohort: str | None) -> Sequence[int]:
        found: Sequence[int] = self._facts.devices(cohort)
        # The list of all grows.
        return found if cohort is not None else found[: self._made]

    def parameter(self, device: int, path: str) -> Any:
        known = self.parameters.get(device)
        return known[path] if known is not None else self._facts.parameter(device, path)

    def expand(self, device: int, parts: Parts, partial: bool) -> Sequence[str]:
        known = self.parameters.get(device)
        if known is None:
            paths: Sequence[str] = self._facts.expand(device, parts, partial)
            return paths
        return [path for path in known if fits(parts, partial, path)]

    def in_state(self, device: int, state: str) -> bool:
        held = self.states.get((device, state))
        return self._facts.in_state(device, state) if held is None else held

    def count(self, pattern: x.MessagePattern, scope: Scope) -> int:
        now: int = self._facts.count(pattern, scope)
        return now - self._since(pattern, scope)

    def rate(self, pattern: x.MessagePattern, window: int, scope: Scope) -> int:
        noted = self.rates.get((scope.device or 0, id(pattern), window))
        if noted is not None:
            return noted
        # The window is known only now. Those that came since are the last of those that came since it opened.
        until_now: int = self._facts.rate_at(self.now, pattern, window, scope)
        return until_now - self._since(pattern, scope)

    def _since(self, pattern: x.MessagePattern, scope: Scope) -> int:
        now: int = self._facts.count(pattern, scope)
        return now - self.counts.get((scope.device or 0, id(pattern)), now)


class _Facts:
    """The facts that some nodes ask of each of some devices."""

    def __init__(self, nodes: Iterable[Any]) -> None:
        found = list(nodes)
        # A part of a path that is worked out later may turn out to be any.
        self._paths = [
            (tuple(part if isinstance(part, str) else None for part in node.path.parts), node.path.partial)
            for node in found
            if isinstance(node, x.Parameter)
        ]
        self._states = sorted({node.state for node in found if isinstance(node, x.State)})
        self._counted = [
            (node.arguments[0], compile_expression(node.arguments[1]) if node.function == "rate" else None)
            for node in found
            if isinstance(node, x.Call)
            and node.function in ("count", "rate")
            and isinstance(node.arguments[0], x.MessagePattern)
        ]

    def note(self, then: Then, facts: Any, device: int) -> None:
        known = {path for parts, partial in self._paths for path in facts.expand(device, parts, partial)}
        if self._paths:
            then.parameters.setdefault(device, {}).update({path: facts.parameter(device, path) for path in known})
        for state in self._states:
            then.states[device, state] = facts.in_state(device, state)
        scope = Scope(facts, device=device)
        for pattern, length in self._counted:
            then.counts[device, id(pattern)] = facts.count(pattern, scope)
            if length is None:
                continue
            try:
                window = int(length(scope))
            except EvaluationError:
                # It is said by a name that is bound later: the count is what is needed then.
                continue
            then.rates[device, id(pattern), window] = facts.rate(pattern, window, scope)


class Snapshots:
    """Takes what one pattern asks for besides the message. `pattern` is to be asked later, of what was taken."""

    __slots__ = ("_chosen", "_late", "_own", "_scope", "_values", "pattern")

    def __init__(self, pattern: x.MessagePattern, scope: Scope) -> None:
        self._scope = scope
        self._late = pattern.late
        self._values: list[Value] = []
        self._chosen: list[tuple[Value, _Facts]] = []
        """Devices, and what is asked of each."""
        own: list[Any] = []
        where, settings = self._split(pattern.where, own), self._split(pattern.settings, own)
        self._own = _Facts(own) if own else None
        self.pattern = x.MessagePattern(pattern.span, pattern.kind, pattern.kinds, settings, where, pattern.late)

    def _split(self, node: Any, own: list[Any]) -> Any:
        """Return `node` with names for what is worked out when the message comes; put into `own` what of the rest is
        asked of the message's device."""
        if isinstance(node, x.Parameter):
            return self._parameter(node, own)
        if isinstance(node, (*_TARGETS, *_EXPRESSIONS)) and not self._awaits(node):
            if not any(isinstance(each, _CHANGING) for each in walk(node)):
                return node
            return self._named(node)
        if isinstance(node, _TARGETS):
            self._choose(node)
            return node
        if isinstance(node, x.Call) and isinstance(node.arguments[0], x.MessagePattern):
            # A rate over a window that is known later.
            own.append(node)
            return node
        return rebuilt(node, lambda part: self._split(part, own))

    def _parameter(self, node: x.Parameter, own: list[Any]) -> x.Parameter:
        """It stays a parameter, which is compared in its own way."""
        if node.target is None:
            own.append(node)
            return node
        if self._awaits(node.target):
            self._choose(node)
            return node
        self._chosen.append((partial(resolve, node.target), _Facts([node])))
        return x.Parameter(node.span, node.path, self._named(node.target))

    def _choose(self, node: Any) -> None:
        """Devices are chosen by what is known later: note what it asks of all that may be meant."""
        everybody = partial(resolve, x.All(node.span))
        self._chosen.append((everybody, _Facts(walk(node, without=(x.MessagePattern,)))))

    def _awaits(self, node: Any) -> bool:
        """Whether a node depends on the message itself, or on a name that is bound later."""
        return any(
            isinstance(each, (x.Field, x.Message)) or (isinstance(each, (x.Name, x.Cohort)) and each.name in self._late)
            for each in walk(node, without=(x.MessagePattern,))
        )

    def _named(self, node: Any) -> Any:
        name = _NOTED.format(len(self._values))
        if isinstance(node, _TARGETS):
            self._values.append(partial(resolve, node))
            return x.Cohort(node.span, name)
        self._values.append(compile_expression(node))
        return x.Name(node.span, name)

    def take(self, record: Record) -> Then | None:
        """Return what is so at a record, None where the pattern asks for nothing."""
        if not (self._values or self._own or self._chosen):
            return None
        facts, scope = self._scope.facts, self._scope.child(record.device)
        then = Then(facts, record.t)
        for number, value in enumerate(self._values):
            try:
                then.noted[_NOTED.format(number)] = value(scope)
            except EvaluationError as error:
                then.noted[_NOTED.format(number)] = error
        if self._own is not None:
            self._own.note(then, facts, record.device)
        for devices, asked in self._chosen:
            for device in _found(devices, scope):
                asked.note(then, facts, device)
        return then


def _found(devices: Value, scope: Scope) -> Sequence[int]:
    """Return devices; none where it cannot be said who they are, which is told where their names are asked for."""
    try:
        found: Sequence[int] = devices(scope)
    except EvaluationError:
        return ()
    return found
