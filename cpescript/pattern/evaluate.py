"""Evaluation: expression nodes become plain functions of a `Scope`.

The same functions serve the judge, which knows only the trace, and execution, which knows the devices: both hand in
their `Facts`. A mistake that only shows while running (division by zero, a capture that has no message yet) raises
`EvaluationError`: the scenario's fault, never the ACS's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cpescript.diagnostics import Span, did_you_mean
from cpescript.kernel import draws
from cpescript.kernel.time import Duration
from cpescript.pattern import expression as x
from cpescript.pattern import functions, needs, values
from cpescript.pattern.functions import NoValueError, share_of
from cpescript.pattern.kinds import Devices, OneDevice, Row, arithmetic, type_of
from cpescript.pattern.message import MessageView, Parts, setting_met
from cpescript.pattern.needs import SHOWN_UP_TO as SHOWN_UP_TO
from cpescript.pattern.needs import counted, needed, shown
from cpescript.pattern.relations import in_order, is_or_contains, relation_of
from cpescript.pattern.scope import Capture as Capture
from cpescript.pattern.scope import EvaluationError as EvaluationError
from cpescript.pattern.scope import Facts as Facts
from cpescript.pattern.scope import NotYetError as NotYetError
from cpescript.pattern.scope import Scope as Scope
from cpescript.pattern.walking import walk

Value = Callable[[Scope], Any]


def compile_expression(node: x.Expr | x.MessagePattern | Any) -> Value:
    """Return the function that works out `node`."""
    return _COMPILERS[type(node)](node)


def evaluate(node: Any, scope: Scope) -> Any:
    """Work out an expression once."""
    return compile_expression(node)(scope)


# --- nodes -----------------------------------------------------------------------------------------------------------


def _literal(node: x.Literal_) -> Value:
    value = node.value
    return lambda scope: value


def _template(node: x.Template) -> Value:
    parts = [part if isinstance(part, str) else (compile_expression(part[0]), part[1], part[0]) for part in node.parts]

    def run(scope: Scope) -> str:
        out = []
        for part in parts:
            if isinstance(part, str):
                out.append(part)
                continue
            function, form, source = part
            value = needed(function(scope), "written", source.span, "what stands in a text")
            try:
                out.append(format(value, form) if form else values.text(value))
            except (ValueError, TypeError) as error:
                raise EvaluationError(source.span, f"{shown(value)} does not fit the format {form!r}") from error
        return "".join(out)

    return run


def _list(node: x.ListNode) -> Value:
    items = [compile_expression(item) for item in node.items]
    return lambda scope: [item(scope) for item in items]


def _map(node: x.MapNode) -> Value:
    items = [(compile_expression(key), compile_expression(value)) for key, value in node.items]
    keys = [key for key, _ in node.items]
    made = Row if node.row else dict

    def run(scope: Scope) -> Any:
        return made(
            (needed(key(scope), "single", source.span, "what a map looks up by"), value(scope))
            for source, (key, value) in zip(keys, items, strict=True)
        )

    return run


def _needed(node: x.Needed) -> Value:
    value, wanted, what, span, lacking = compile_expression(node.value), node.wanted, node.what, node.span, node.lacking

    def run(scope: Scope) -> Any:
        found = value(scope)
        if found is True or found is False:
            # What nearly all that is asked of a device or a message comes to.
            return found if wanted == "bool" else counted(found, wanted, span, what)
        if found is None and lacking:
            return False
        return counted(found, wanted, span, what)

    return run


def _name(node: x.Name | x.Cohort) -> Value:
    name = node.name

    def run(scope: Scope) -> Any:
        try:
            return scope.look_up(name)
        except KeyError:
            pass
        try:
            return Devices(scope.facts.devices(name))
        except KeyError:
            raise EvaluationError(node.span, f"'{name}' has no value here") from None

    return run


def _device(node: x.Device) -> Value:
    return lambda scope: OneDevice(_the_device(node, scope))


def _the_device(node: x.Node, scope: Scope) -> int:
    if scope.device is None:
        raise EvaluationError(
            node.span, "no device is in question here", "use it in a handler, a loop or a statement with a target"
        )
    return scope.device


def _message(node: x.Message) -> Value:
    # Not `scope.message`: in a `where` that is the one which is asked.
    return lambda scope: scope.look_up(x.MESSAGE)


def _field(node: x.Field) -> Value:
    head, *rest = node.path

    def run(scope: Scope) -> Any:
        if head == "http":
            return _http(node.span, scope, rest)
        if scope.message is None:
            return None
        try:
            value = scope.message.field(head)
        except KeyError:
            return None
        for name in rest:
            value = _member(node.span, value, name)
        return value

    return run


def _http(span: Span, scope: Scope, rest: Sequence[str]) -> Any:
    head = scope.http.as_record() if scope.http is not None else {}
    if rest == ["headers"]:
        return {name.lower(): value for name, value in head.get("headers", ())}
    return head.get(rest[0]) if len(rest) == 1 else None


def _member(span: Span, value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        if isinstance(value, Row) and name not in value:
            known = ", ".join(value)
            remedy = did_you_mean(name, value, f"it has {known}")
            raise EvaluationError(span, f"the table has no column '{name}'", remedy)
        return value.get(name)
    if hasattr(value, "field"):
        try:
            return value.field(name)
        except KeyError:
            return None
    if value is None or name.startswith("_") or not hasattr(value, name):
        raise EvaluationError(span, f"{shown(value)} has no '{name}'")
    return getattr(value, name)


def _attribute(node: x.Attribute) -> Value:
    name = node.name
    if isinstance(node.base, x.Device):

        def of_device(scope: Scope) -> Any:
            return _attribute_of(node, _the_device(node.base, scope), scope)

        return of_device
    base = compile_expression(node.base)

    def run(scope: Scope) -> Any:
        value = base(scope)
        if isinstance(value, Capture):
            value = _captured(node, value, scope)
        elif isinstance(value, OneDevice):
            return _attribute_of(node, value, scope)
        elif isinstance(value, Devices):
            if len(value) != 1:
                raise EvaluationError(
                    node.span, f"these are {len(value)} devices, and one is asked for its '{name}'", "one is 'fleet[1]'"
                )
            return _attribute_of(node, value[0], scope)
        return _member(node.span, value, name)

    return run


def _attribute_of(node: x.Attribute, device: int, scope: Scope) -> Any:
    try:
        return scope.facts.attribute(device, node.name)
    except KeyError:
        raise EvaluationError(node.span, f"a device has no '{node.name}'") from None


def _captured(node: x.Attribute, capture: Capture, scope: Scope) -> Any:
    try:
        owner = capture.owner(scope.device)
    except LookupError:
        raise EvaluationError(
            node.span, "kept for more than one device", "use it in 'for each', a handler or a statement with a target"
        ) from None
    if owner is None:
        kind = NotYetError if capture.awaits else EvaluationError
        raise kind(node.span, "nothing has been kept under that name yet for this device")
    return capture.messages[owner]


def resolve_path(path: x.PathPattern, scope: Scope) -> Parts:
    """Return the parts of a path with its expressions worked out. Raises EvaluationError."""
    return tuple(
        part if part is None or isinstance(part, str) else _part(part, evaluate(part, scope)) for part in path.parts
    )


def _part(node: x.Expr, value: Any) -> str:
    return values.text(needed(value, "single", node.span, "a part of a path"))


def concrete_path(path: x.PathPattern, scope: Scope) -> str:
    """Return a path without wildcard as text. Raises EvaluationError for one with `*`."""
    parts = resolve_path(path, scope)
    if None in parts:
        raise EvaluationError(path.span, "one instance is needed here, not any", "write its number instead of '*'")
    return ".".join(part or "" for part in parts) + ("." if path.partial else "")


def _parameter(node: x.Parameter) -> Value:
    static = tuple(part for part in node.path.parts if part is None or isinstance(part, str))
    wild = None in node.path.parts or node.path.partial
    text = ".".join(part or "*" for part in static) if len(static) == len(node.path.parts) and not wild else None

    def one(scope: Scope, device: int) -> Any:
        if wild:
            paths = scope.facts.expand(device, resolve_path(node.path, scope), node.path.partial)
            return [scope.facts.parameter(device, path) for path in paths]
        path = text if text is not None else concrete_path(node.path, scope)
        try:
            return scope.facts.parameter(device, path)
        except KeyError:
            return None

    if node.target is not None:
        target = node.target

        def many(scope: Scope) -> Any:
            found = [one(scope.child(device), device) for device in resolve(target, scope)]
            return found[0] if len(found) == 1 else found

        return many
    return lambda scope: one(scope, _the_device(node, scope))


def _state(node: x.State) -> Value:
    state = node.state
    return lambda scope: scope.facts.in_state(_the_device(node, scope), state)


def _unary(node: x.Unary) -> Value:
    operand = compile_expression(node.operand)
    if node.operator == "not":
        return lambda scope: not operand(scope)

    def negative(scope: Scope) -> Any:
        value = operand(scope)
        if type_of(value) not in _NEGATIVE:
            raise EvaluationError(node.span, f"{shown(value)} has no negative")
        return values.subtract(type(value)(0), value)

    return negative


_WIRE = (x.Parameter, x.Field)
_NEGATIVE = frozenset({"int", "float", "duration", "percent"})
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": values.add,
    "-": values.subtract,
    "*": values.multiply,
    "/": values.divide,
    "%": values.remainder,
}


def _binary(node: x.Binary) -> Value:
    left, right, operator, span = (
        compile_expression(node.left),
        compile_expression(node.right),
        node.operator,
        node.span,
    )
    if operator == "and":
        return lambda scope: bool(left(scope)) and bool(right(scope))
    if operator == "or":
        return lambda scope: bool(left(scope)) or bool(right(scope))
    relation = relation_of(span, operator, wire=isinstance(node.left, _WIRE) or isinstance(node.right, _WIRE))
    if relation is not None:
        if _any_instance(node.left) or _any_instance(node.right):
            return _of_any(node, left, right, relation)
        if operator in _OF_ONE and (_of_devices(node.left) or _of_devices(node.right)):
            return _of_several(node, left, right, relation)
        return lambda scope: relation(left(scope), right(scope))
    work_out = _ARITHMETIC[operator]

    def worked_out(scope: Scope) -> Any:
        one, two = left(scope), right(scope)
        # Asked of the values, as the checker asks it of types: Python would go on with many more.
        if arithmetic(operator, type_of(one), type_of(two)) is None:
            raise EvaluationError(span, f"'{operator}' does not go with {shown(one)} and {shown(two)}")
        try:
            return work_out(one, two)
        except ZeroDivisionError:
            raise EvaluationError(span, "division by zero") from None
        except OverflowError:
            message = f"{shown(one)} {operator} {shown(two)} is further than this counts"
            raise EvaluationError(span, message) from None

    return worked_out


def _any_instance(node: x.Expr) -> bool:
    """Whether an expression is a parameter of any instance (`Device.WiFi.SSID.*.Enable`): its value is a list."""
    return isinstance(node, x.Parameter) and node.target is None and None in node.path.parts and not node.path.partial


def _of_any(node: x.Binary, left: Value, right: Value, relation: Callable[[Any, Any], bool]) -> Value:
    """A comparison with a parameter of any instance: true where it is true of one of them."""
    listed = node.operator in ("in", "not in", "contains")
    sides = (_any_instance(node.left), _any_instance(node.right) and not listed)
    if node.operator == "contains" and sides[0]:
        # The instances together are a list, and each may be a text: containing is meant either way.
        relation = is_or_contains

    def run(scope: Scope) -> bool:
        ones, twos = (
            value(scope) if many else (value(scope),) for value, many in zip((left, right), sides, strict=True)
        )
        return any(relation(one, two) for one in ones for two in twos)

    return run


def _of_devices(node: Any) -> bool:
    """Whether a node is a parameter of devices that it names: one value of one of them, else a list."""
    return isinstance(node, x.Parameter) and node.target is not None


_OF_ONE = frozenset({"==", "!=", "matches", "starts with", "ends with"})
"""What is asked of one value; an order of a list and a value is refused by itself."""


def _of_several(node: x.Binary, left: Value, right: Value, relation: Callable[[Any, Any], bool]) -> Value:
    """A comparison with `PATH of T`: several devices' values are never meant to be one value, or not to be."""

    def run(scope: Scope) -> bool:
        one, two = left(scope), right(scope)
        for side, value, other in ((node.left, one, two), (node.right, two, one)):
            if _of_devices(side) and isinstance(value, list) and other is not None and not isinstance(other, list):
                message = f"these are {len(value)} values, and {shown(other)} is one"
                raise EvaluationError(
                    side.span, message, "claim it of each device, by 'on each …', or ask whether a value is 'in' them"
                )
        return relation(one, two)

    return run


def _between(node: x.Between) -> Value:
    value, low, high = map(compile_expression, (node.value, node.low, node.high))
    many, wire = _any_instance(node.value), isinstance(node.value, _WIRE)

    def run(scope: Scope) -> bool:
        # The value is worked out once: it may be a draw.
        held = value(scope)
        least, most = low(scope), high(scope)
        return any(
            in_order(node.span, ">=", one, least, wire=wire) and in_order(node.span, "<=", one, most, wire=wire)
            for one in (held if many else (held,))
        )

    return run


def _test(node: x.Test) -> Value:
    if node.test in ("exists", "not exists"):
        wanted = node.test == "exists"
        if isinstance(node.value, x.Parameter):
            path, target = node.value.path, node.value.target

            def has(scope: Scope) -> bool:
                device = _the_device(node, scope)
                return bool(scope.facts.expand(device, resolve_path(path, scope), path.partial))

            def exists(scope: Scope) -> bool:
                if target is None:
                    return has(scope) is wanted
                whose = resolve(target, scope)
                return bool(whose) and all(has(scope.child(device)) is wanted for device in whose)

            return exists
        value = _kept(node.value) if isinstance(node.value, x.Name) else compile_expression(node.value)
        return lambda scope: (value(scope) is not None) is wanted
    empty = node.test == "is empty"
    operand = compile_expression(node.value)
    # A parameter that the device lacks is neither: no claim on it holds in silence.
    lacking = isinstance(node.value, x.Parameter)

    def is_empty(scope: Scope) -> bool:
        value = operand(scope)
        return not (value is None and lacking) and (value in ("", None, [], {}, ())) is empty

    return is_empty


def _kept(node: x.Name) -> Value:
    """What a name holds, None where nothing was kept under it: a claim with `as` may have missed."""
    value = compile_expression(node)

    def run(scope: Scope) -> Any:
        try:
            held = scope.look_up(node.name)
        except KeyError:
            return None
        if not isinstance(held, Capture):
            return value(scope)
        try:
            owner = held.owner(scope.device)
        except LookupError:
            return held
        return held.messages[owner] if owner is not None else None

    return run


def _conditional(node: x.Conditional) -> Value:
    condition, then, otherwise = map(compile_expression, (node.condition, node.then, node.otherwise))
    return lambda scope: then(scope) if condition(scope) else otherwise(scope)


# --- functions -------------------------------------------------------------------------------------------------------


def _call(node: x.Call) -> Value:
    name = node.function
    if name == "elapsed":
        return lambda scope: Duration(scope.facts.now)
    if name == "now":
        return lambda scope: scope.facts.attribute(0, "now")
    if name == "count" and node.arguments and isinstance(node.arguments[0], x.MessagePattern):
        pattern = node.arguments[0]
        return lambda scope: scope.facts.count(pattern, scope)
    if name == "rate":
        rated, window = node.arguments[0], compile_expression(node.arguments[1])
        assert isinstance(rated, x.MessagePattern)
        return lambda scope: scope.facts.rate(rated, int(window(scope)), scope)
    if name == "response_time":
        answered = node.arguments[0]
        assert isinstance(answered, x.MessagePattern)
        return lambda scope: list(scope.facts.response_times(answered, scope))
    arguments = [_argument(argument) for argument in node.arguments]
    if name == "count":
        return lambda scope: len(_items(node, arguments[0](scope)))
    function = functions.FUNCTIONS.get(name)
    measured = any(isinstance(each, x.Call) and each.function == "response_time" for each in node.arguments)

    def run(scope: Scope) -> Any:
        worked_out = [argument(scope) for argument in arguments]
        if measured and [] in worked_out:
            # Nothing has been measured yet: not known, which no comparison holds of.
            return None
        try:
            if function is not None:
                return function(*worked_out)
            stream, n = scope.facts.chance()
            return getattr(functions, name)(stream, n, *worked_out)
        except NoValueError as error:
            given = ", ".join(map(shown, worked_out))
            given = given if len(given) <= SHOWN_UP_TO else given[: SHOWN_UP_TO - 1] + "…"
            raise EvaluationError(node.span, f"{name}({given}) has no value: {error}", error.remedy) from None

    return run


def _items(node: x.Call, value: Any) -> Any:
    if not isinstance(value, (list, tuple, Mapping)):
        raise EvaluationError(node.span, f"{shown(value)} is not a number of things that could be counted")
    return value


def _argument(node: Any) -> Value:
    return _devices(node) if isinstance(node, x.Cohort) else compile_expression(node)


def _devices(node: Any) -> Value:
    """Devices where a value is wanted, their numbers: counted, gone through, or asked for what they have."""
    return lambda scope: resolve(node, scope)


# --- targets ---------------------------------------------------------------------------------------------------------


def resolve(target: x.Target, scope: Scope) -> Devices:
    """Return the numbers of the devices that a target names now, ascending, each once. Raises EvaluationError."""
    return Devices(_numbers(target, scope))


def _numbers(target: x.Target, scope: Scope) -> Sequence[int]:
    if isinstance(target, x.Cohort):
        try:
            bound = scope.look_up(target.name)
        except KeyError:
            try:
                return scope.facts.devices(target.name)
            except KeyError:
                raise EvaluationError(target.span, f"no devices are called '{target.name}' yet") from None
        return needs.devices(bound, target.span, target.name)
    if isinstance(target, x.All):
        return scope.facts.devices(None)
    if isinstance(target, x.Device):
        return [_the_device(target, scope)]
    if isinstance(target, x.Slice):
        base = resolve(target.base, scope)
        first = evaluate(target.first, scope)
        last = evaluate(target.last, scope) if target.last is not None else first
        if not 1 <= first <= last <= len(base):
            raise EvaluationError(target.span, f"there are {len(base)} devices, counted from 1")
        return base[first - 1 : last]
    if isinstance(target, x.Where):
        condition = compile_expression(target.condition)
        return [device for device in resolve(target.base, scope) if condition(scope.child(device))]
    if isinstance(target, x.Except):
        removed = set(resolve(target.removed, scope))
        return [device for device in resolve(target.base, scope) if device not in removed]
    if isinstance(target, x.Union_):
        return sorted({device for part in target.parts for device in resolve(part, scope)})
    base = resolve(target.base, scope)
    try:
        size = share_of(evaluate(target.amount, scope), len(base))
    except NoValueError as error:
        raise EvaluationError(target.span, error.message, error.remedy) from None
    if size > len(base):
        raise EvaluationError(target.span, f"{size} of {len(base)} devices cannot be drawn")
    stream, n = scope.facts.chance()
    # A stream of its own for each drawing: its length must not move the draws of others.
    return draws.sample(draws.draw(stream, n), 0, base, size)


def member(target: x.Target, scope: Scope) -> Callable[[int], bool]:
    """Return the test whether a device belongs to a target *at the time of asking*.

    What a target draws or slices is fixed now; its `where` conditions and `all` are asked anew each time.
    """
    if isinstance(target, x.All):
        return lambda device: True
    if isinstance(target, x.Where):
        base, condition = member(target.base, scope), compile_expression(target.condition)
        return lambda device: base(device) and bool(condition(scope.child(device)))
    if isinstance(target, x.Except):
        base, removed = member(target.base, scope), member(target.removed, scope)
        return lambda device: base(device) and not removed(device)
    if isinstance(target, x.Union_):
        parts = [member(part, scope) for part in target.parts]
        return lambda device: any(part(device) for part in parts)
    fixed = resolve(target, scope)
    if fixed and fixed[-1] - fixed[0] + 1 == len(fixed):
        run = range(fixed[0], fixed[-1] + 1)
        return lambda device: device in run
    chosen = frozenset(fixed)
    return lambda device: device in chosen


def is_fixed(target: x.Target) -> bool:
    """Whether membership depends on nothing that changes while a scenario runs, but for devices being added."""
    if isinstance(target, x.Where):
        # What a device is by birth, its index or label, stays.
        asked = walk(target.condition)
        return is_fixed(target.base) and not any(isinstance(node, _CHANGING) or _is_kept(node) for node in asked)
    if isinstance(target, x.Except):
        return is_fixed(target.base) and is_fixed(target.removed)
    return all(map(is_fixed, target.parts)) if isinstance(target, x.Union_) else True


_CHANGING = (x.State, x.Parameter, x.Call, x.MessagePattern, x.Field, x.Message)


def _is_kept(node: Any) -> bool:
    """Whether a node asks what `as` keeps: that may come later."""
    return isinstance(node, x.Attribute) and isinstance(node.base, x.Name)


def unconditional(target: x.Target) -> x.Target:
    """Return the target without its `where`: every device that it could ever come to speak of."""
    if isinstance(target, x.Where):
        return target if is_fixed(target) else unconditional(target.base)
    if isinstance(target, x.Except):
        base = unconditional(target.base)
        # Who is taken out only while something is so may come back.
        return x.Except(target.span, base, target.removed) if is_fixed(target.removed) else base
    if isinstance(target, x.Union_):
        return x.Union_(target.span, tuple(map(unconditional, target.parts)))
    return target


TARGETS = (x.Cohort, x.All, x.Device, x.Slice, x.Where, x.Except, x.Union_, x.Draw)


# --- message patterns ------------------------------------------------------------------------------------------------


class CompiledPattern:
    """A message pattern ready to be asked, under one scope."""

    __slots__ = ("_asked", "_settings", "_where", "full", "node", "scope")

    def __init__(self, node: x.MessagePattern, scope: Scope) -> None:
        self.node = node
        self.scope = scope
        self._settings = [
            (setting.path, None if setting.value is None else compile_expression(setting.value))
            for setting in node.settings
        ]
        self._where = compile_expression(node.where) if node.where is not None else None
        self._asked = scope.child()
        self.full = (1 << len(self._settings)) - 1 if self._settings else 1

    def mask(self, device: int, message: MessageView | None, http: Any) -> int:
        """Return which settings the message meets, as bits; `full` for all, 0 for no match.

        A pattern without settings has one bit.
        """
        # One scope serves every message: nothing that is asked here keeps it.
        scope = self._asked
        scope.device, scope.message, scope.http = device, message, http
        if self._where is not None and not self._where(scope):
            return 0
        if not self._settings:
            return 1
        if message is None:
            return 0
        found = 0
        for bit, (path, value) in enumerate(self._settings):
            expected = value(scope) if value is not None else None
            if setting_met(message, resolve_path(path, scope), path.partial, expected, value is not None):
                found |= 1 << bit
        return found

    def mask_then(
        self, facts: Facts, noted: dict[str, Any], device: int, message: MessageView | None, http: Any
    ) -> int:
        """Return the same with the facts as they were when the message came, and names of what was noted then."""
        scope = self._asked
        now, scope.facts, scope.variables = scope.facts, facts, noted
        try:
            return self.mask(device, message, http)
        finally:
            scope.facts, scope.variables = now, {}


_COMPILERS: dict[type, Callable[[Any], Value]] = {
    x.Literal_: _literal,
    x.Template: _template,
    x.ListNode: _list,
    x.MapNode: _map,
    x.Name: _name,
    x.Cohort: _name,
    x.Device: _device,
    x.Message: _message,
    x.Field: _field,
    x.Attribute: _attribute,
    x.Parameter: _parameter,
    x.State: _state,
    x.Unary: _unary,
    x.Binary: _binary,
    x.Between: _between,
    x.Test: _test,
    x.Conditional: _conditional,
    x.Call: _call,
    x.Needed: _needed,
    **dict.fromkeys((x.All, x.Slice, x.Where, x.Except, x.Union_, x.Draw), _devices),
}
