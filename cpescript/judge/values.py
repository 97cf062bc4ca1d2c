"""Conditions on what is so from instant to instant: values and figures, states, what a system believes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from cpescript.judge.facts import UNKNOWN, TraceFacts, call_key
from cpescript.judge.interest import awaited, interest_in, measured, state_of
from cpescript.judge.setting import Setting, Together
from cpescript.judge.timed import Alarms, is_timed
from cpescript.pattern import expression as x
from cpescript.pattern import values
from cpescript.pattern.claim import BeliefClaim, StateClaim, ValueClaim
from cpescript.pattern.evaluate import (
    SHOWN_UP_TO,
    EvaluationError,
    NotYetError,
    Scope,
    compile_expression,
    concrete_path,
    evaluate,
    resolve,
)
from cpescript.pattern.message import Parts, fits
from cpescript.pattern.walking import walk

VALUES_SHOWN = 5
"""Different values of `PATH of T` that a miss shows."""
_TERMS = (x.Call, x.Name, x.Attribute, x.State, x.Template)
"""What an expression compares, besides parameters."""
_COUNTED = frozenset({"count", "rate"})


class _Lasting(ABC):
    """What conditions that hold from instant to instant have in common: they take nothing and keep nothing."""

    timed = False
    at_close = False
    lasts = True
    looks_back = False
    lost = False
    setting: Setting

    @abstractmethod
    def holds(self, device: int) -> bool:
        """Whether it is so for the device now."""

    def known(self, device: int) -> bool:
        return True

    def reached(self, device: int) -> int | None:
        # What was so before it was first asked is not known: it came true when it was seen to be true.
        return self.setting.here() if self.holds(device) else None

    def heard(self, device: int) -> bool:
        return True

    def consume(self, device: int) -> None:  # noqa: B027 - there is nothing to use up
        """The device has met the claim."""

    def alarm(self, device: int) -> int | None:
        return None

    def hint(self, device: int) -> str:
        return ""


class ValueCondition(_Lasting):
    """A boolean expression over parameters and figures; `device` 0 asks for a group or for the run."""

    def __init__(self, claim: ValueClaim, setting: Setting, together: Together | None = None) -> None:
        self.claim = claim
        self.setting = setting
        self._value = compile_expression(claim.expression)
        self._together = together
        concern = interest_in(claim.expression)
        self.kinds = concern.kinds | awaited(claim.expression, setting.scope)
        self.states, self.paths, self.wide = concern.states, concern.paths, concern.wide
        self.timed = is_timed(claim.expression)
        self._measured = measured(claim.expression)
        self._alarms = Alarms(claim.expression) if self.timed else None

    def scope(self, device: int) -> Scope:
        if self._together is not None:
            return self.setting.scope.together(self._together())
        return self.setting.scope.together(self.setting.facts.all) if device == 0 else self.setting.scope.child(device)

    def holds(self, device: int) -> bool:
        return bool(self._value(self.scope(device)))

    def known(self, device: int) -> bool:
        facts = self.setting.facts
        return not self._measured or all(facts.response_times(each, self.scope(device)) for each in self._measured)

    def alarm(self, device: int) -> int | None:
        return self._alarms.next(self.setting.facts, self.scope(device)) if self._alarms is not None else None

    def expected(self, device: int) -> str:
        return self.setting.text(self.claim)

    def actual(self, device: int) -> str:
        scope = self.scope(device)
        shown = []
        for parameter in self.claim.parameters:
            try:
                name = str(parameter.path) if None in parameter.path.parts else concrete_path(parameter.path, scope)
                if parameter.target is not None:
                    shown.append(f"{name} is {self._whose(parameter, parameter.target, scope)}")
                    continue
                value = evaluate(parameter, scope)
            except NotYetError as error:
                shown.append(error.message)
                continue
            except (LookupError, EvaluationError):
                # It is asked of other devices than this one: of no use as evidence here.
                continue
            missing = value is None or (value == [] and (parameter.path.partial or None in parameter.path.parts))
            shown.append(f"{name} does not exist" if missing else f"{name} is {values.show(value)}")
        shown += [self._times(pattern, scope) for pattern in self._measured]
        counts = [
            node for node in walk(self.claim.expression) if isinstance(node, x.Call) and node.function in _COUNTED
        ]
        for call in counts:
            pattern, *window = call.arguments
            if isinstance(pattern, x.MessagePattern):
                when = f"in the last {values.show(evaluate(window[0], scope))}" if window else "so far"
                shown.append(f"{values.show(evaluate(call, scope))} {pattern.kind} {when}")
        return ", ".join(shown or self._terms(scope) or ["it is so" if self.holds(device) else "it is not so"])

    def _terms(self, scope: Scope) -> list[str]:
        """Return what each thing comes to that the expression compares."""
        found: dict[str, str] = {}
        for node in walk(self.claim.expression, without=_TERMS):
            if isinstance(node, _TERMS):
                try:
                    found[self.setting.text(node)] = values.show(evaluate(node, scope))
                except EvaluationError:
                    # It was not asked: `A or B`, where A holds.
                    continue
        return [f"{text} is {value}" for text, value in found.items()]

    def _times(self, pattern: x.MessagePattern, scope: Scope) -> str:
        """Return the figures that are made of a message's response times, and of how many: `p99(…) is 52ms over 4`."""
        count = len(self.setting.facts.response_times(pattern, scope))
        answered = f"{count} {pattern.kind} answered"
        figures = [call for call in walk(self.claim.expression) if isinstance(call, x.Call) and _made_of(call, pattern)]
        if not count or not figures:
            return answered
        shown = [f"{self.setting.text(call)} is {values.show(evaluate(call, scope))}" for call in figures]
        return f"{' and '.join(shown)} over {answered}"

    def _whose(self, parameter: x.Parameter, target: x.Target, scope: Scope) -> str:
        """Return the values of `PATH of T` and whose they are: each once, what few devices have before what many have.

        Raises EvaluationError where who is meant, or what, cannot be worked out.
        """
        facts, own = self.setting.facts, x.Parameter(parameter.span, parameter.path)
        having: dict[str, list[int]] = {}
        for each in resolve(target, scope):
            having.setdefault(values.show(evaluate(own, scope.child(each))), []).append(each)
        if not having:
            return "of no device"
        parts = []
        for value, devices in sorted(having.items(), key=lambda item: (len(item[1]), item[1][0]))[:VALUES_SHOWN]:
            first = f"{facts.attribute(devices[0], 'cohort')}[{facts.attribute(devices[0], 'index')}]"
            parts.append(f"{value} of {first}" + (f" and {len(devices) - 1} more" if len(devices) > 1 else ""))
        more = len(having) - VALUES_SHOWN
        return ", ".join(parts) + (f", and {more} other value{'s' * (more > 1)}" if more > 0 else "")


def _made_of(call: x.Call, pattern: x.MessagePattern) -> bool:
    """Whether a call is a figure of a message's response times."""
    return any(isinstance(each, x.Call) and measured(each) == [pattern] for each in call.arguments)


class StateCondition(_Lasting):
    """The device is (not) in a state."""

    kinds: frozenset[str] = frozenset()
    paths = False
    wide = False

    def __init__(self, claim: StateClaim, setting: Setting, together: Together | None = None) -> None:
        if together is not None:
            raise EvaluationError(claim.span, "a state is of one device", "as in 'at least 3 of fleet online'")
        self.claim = claim
        self.setting = setting
        self._state = state_of(claim.state)
        self.states = frozenset({self._state})

    def holds(self, device: int) -> bool:
        return self.setting.facts.in_state(device, self.claim.state) is not self.claim.negated

    def reached(self, device: int) -> int | None:
        if not self.holds(device):
            return None
        if self._state not in self.setting.facts.dated:
            return self.setting.here()
        return self.setting.facts.changes.get((self._state, device), 0)

    def expected(self, device: int) -> str:
        return ("not " if self.claim.negated else "") + self.claim.state

    def actual(self, device: int) -> str:
        facts = self.setting.facts
        states = [state for state, members in sorted(facts.states.items()) if device in members]
        if self.claim.state in states or facts.in_state(device, self.claim.state):
            return f"it is {self.claim.state}"
        return f"it is not {self.claim.state}" + (f" (it is {', '.join(states)})" if states else "")


# --- what a system believes ------------------------------------------------------------------------------------------


class _Believed:
    """The facts as a system sees them: its values of parameters, in place of the devices' own."""

    def __init__(self, facts: TraceFacts, system: str) -> None:
        self._facts = facts
        self._system = system

    def __getattr__(self, name: str) -> Any:
        return getattr(self._facts, name)

    def parameter(self, device: int, path: str) -> Any:
        value = self._facts.beliefs[self._system, path][device]
        if value is UNKNOWN:
            raise KeyError(path)
        return value

    def expand(self, device: int, parts: Parts, partial: bool) -> Sequence[str]:
        return [
            path
            for (system, path), known in self._facts.beliefs.items()
            if system == self._system and known.get(device, UNKNOWN) is not UNKNOWN and fits(parts, partial, path)
        ]


class _CallAnswer:
    """The answer to a call with the face of a message: `status` and `body`."""

    kind = "the answer"
    paths: Sequence[str] = ()
    settings: Mapping[str, str] = {}

    def __init__(self, status: Any, body: Any) -> None:
        self._fields = {"status": status, "body": body}

    def field(self, name: str) -> Any:
        return self._fields[name]

    def type_of(self, path: str) -> str | None:
        return None


class BeliefCondition(_Lasting):
    """`acs sees PATH == v`, `portal call status(…) where body.state == "done"`: judged from `belief` facts alone.

    What a system has not told yet does not hold.
    """

    kinds = frozenset({"belief"})
    states: frozenset[str] = frozenset()
    paths = False
    wide = False

    def __init__(self, claim: BeliefClaim, setting: Setting, together: Together | None = None) -> None:
        if together is not None and not claim.called:
            raise EvaluationError(claim.span, "a system sees one device at a time", "write 'on each'")
        self.claim = claim
        self.setting = setting
        self._condition = compile_expression(claim.condition)

    def holds(self, device: int) -> bool:
        if not self.claim.called:
            return bool(self._condition(self._seen(device)))
        answer = self._answer(device)
        if answer is None:
            return False
        try:
            return bool(self._condition(self.setting.scope.child(device or None, answer)))
        except EvaluationError:
            if isinstance(answer.field("body"), Mapping):
                raise
            # An answer of another shape, an error page say, is none that was hoped for: the next may be.
            return False

    def _seen(self, device: int) -> Scope:
        scope = self.setting.scope
        return Scope(_Believed(self.setting.facts, self.claim.system), {}, scope, device)

    def _answer(self, device: int) -> _CallAnswer | None:
        scope = self.setting.scope.child(device or None)
        arguments = {name: evaluate(node, scope) for name, node in self.claim.arguments.items()}
        told = self.setting.facts.calls.get(call_key(self.claim.system, self.claim.verb, arguments), {})
        return _CallAnswer(*told[device]) if device in told else None

    def expected(self, device: int) -> str:
        return self.setting.text(self.claim)

    def actual(self, device: int) -> str:
        system = self.claim.system
        failure = self.setting.facts.unanswered.get((system, device))
        if failure is not None:
            return f"'{system}' could not be asked: {failure}"
        if self.claim.called:
            answer = self._answer(device)
            if answer is None:
                return f"'{system}' has not answered"
            body = values.show(answer.field("body"))
            body = body if len(body) <= SHOWN_UP_TO else body[: SHOWN_UP_TO - 1] + "…"
            return f"status {values.show(answer.field('status'))}, body {body}"
        scope, shown = self._seen(device), []
        for node in walk(self.claim.condition):
            if not isinstance(node, x.Parameter):
                continue
            value = evaluate(node, scope)
            nothing = value is None or value == []
            shown.append(f"'{system}' sees no {node.path}" if nothing else f"{node.path} is {values.show(value)} there")
        return ", ".join(shown)
