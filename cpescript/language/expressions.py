"""Checks expressions and resolves their names: syntax nodes in, nodes of `pattern.expression` and their types out.

One entry of `_RULES` a kind of node. An entry returns the resolved node and its type; after a mistake it reports once
and returns type `any`, so that nothing cascades.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cpescript.diagnostics import Bag, Span, did_you_mean, some
from cpescript.language import tree
from cpescript.language.catalogue import DEVICE_ATTRIBUTES, HTTP_FIELDS, MessageType
from cpescript.language.context import Context
from cpescript.language.headcount import more_than_one
from cpescript.language.joints import comparison_before, repeated, says_nothing
from cpescript.language.not_yet import refuse
from cpescript.language.scope import Binding, Place
from cpescript.language.spelling import arithmetic_remedy, formats, spells, value_remedy
from cpescript.language.types import ANY, arithmetic, comparable, fits, noun
from cpescript.language.types import FUNCTIONS as FUNCTIONS
from cpescript.language.unknown import function_remedy, unknown_name
from cpescript.pattern import expression as px
from cpescript.pattern.functions import NoValueError, check_regular

Typed = tuple[Any, str]

MAX_DEPTH = 60
"""Deepest nest of an expression; also the longest chain of one operator."""

READERS = ("csv", "json", "file")
"""The functions that read a file beside the scenario's, when it is checked."""

TARGET_NODES = (px.All, px.Device, px.Slice, px.Where, px.Except, px.Union_, px.Draw)

_DRAWING = frozenset(("pick", "random"))
_MIDDLES = frozenset(("min", "max", "mean", "p50", "p95", "p99"))
_SIZES = frozenset(("count", "size", "length", "len"))
_ORDERED = frozenset(("<", "<=", ">", ">="))
_EQUALITY = frozenset(("==", "!="))
_AMONG = frozenset(("in", "not in"))
_COMPARING = _EQUALITY | _ORDERED | {"matches", "starts with", "ends with"}
_SHOWN = frozenset(("written", "single"))
_SURE = (px.Unary, px.Binary, px.Between, px.Test, px.State, px.Template, px.ListNode, px.MapNode, px.Call)
"""What is of the type that it has beforehand, whatever comes: a comparison, which is asked of every message."""
_FROM_WIRE = (px.Parameter, px.Field, px.Attribute)


class Expressions:
    """Resolves expressions in a context."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.depth = 0

    @property
    def bag(self) -> Bag:
        return self.context.bag

    # --- entry points ------------------------------------------------------------------------------------------------

    def value(self, node: Any, place: Place, wanted: str = ANY, what: str = "this") -> Any:
        """Return a resolved expression; report if it is not of the `wanted` type."""
        resolved, actual = self.typed(node, place)
        if not fits(actual, wanted):
            if actual == "message" and wanted in _SHOWN:
                self._whole_message(node, wanted, what, place)
            else:
                self.mismatch(node, actual, wanted, what)
            return resolved
        return self.needed(resolved, actual, wanted, what, place)

    def needed(self, node: Any, actual: str, wanted: str, what: str, place: Place) -> Any:
        """Return a resolved expression as one of the `wanted` type: where only the run shows whether it is, the run is
        to see to it."""
        if wanted == ANY or isinstance(node, px.Literal_):
            return node
        if (wanted in _SHOWN or wanted == "devices") and actual != ANY:
            return node
        if wanted != "duration" and actual == wanted and isinstance(node, _SURE):
            return node
        return px.Needed(node.span, node, wanted, what, wanted == "bool" and self._may_lack(node, place))

    def _may_lack(self, node: Any, place: Place) -> bool:
        """Whether a value is what a device or a message has, or has not."""
        if isinstance(node, (px.Parameter, px.Field)):
            return True
        while isinstance(node, px.Attribute):
            node = node.base
        binding = place.scope.find(node.name) if isinstance(node, px.Name) else None
        kept = binding is not None and binding.kind in ("capture", "result")
        return kept or isinstance(node, (px.Device, px.Message))

    def _whole_message(self, node: Any, wanted: str, what: str, place: Place) -> None:
        binding = place.scope.find(node.name) if isinstance(node, px.Name) else None
        message = binding.message if binding is not None else place.handler
        parts = sorted(message.fields, key=lambda name: name != "instance_number") if message is not None else []
        named = node.name if isinstance(node, px.Name) else "message"
        remedy = f"name a part of it: {named}.{parts[0]}" if parts else "name a part of it"
        self.bag.error(node.span, "wrong-type", f"{what} is {noun(wanted)}, not a message", remedy)

    def mismatch(self, node: Any, actual: str, wanted: str, what: str) -> None:
        if wanted in ("duration", "size") and actual in ("int", "float"):
            unit = "s" if wanted == "duration" else "MiB"
            shown = f"{node.value:g}{unit}" if isinstance(node, px.Literal_) else f"… * 1{unit}"
            self.bag.error(
                node.span,
                "missing-unit",
                f"{what} is {noun(wanted)}, and a number has no unit",
                f"with a unit: {shown}",
            )
            return
        self.bag.error(
            node.span, "wrong-type", f"{what} is {noun(wanted)}, not {noun(actual)}", value_remedy(node, wanted)
        )

    def typed(self, node: Any, place: Place) -> Typed:
        """Return a resolved expression and its type."""
        self.depth += 1
        try:
            return (px.Literal_(node.span, None), ANY) if self.too_deep(node) else _RULES[type(node)](self, node, place)
        finally:
            self.depth -= 1

    def too_deep(self, node: Any) -> bool:
        """Whether a node is nested too deep, which is reported at the first one that is."""
        if self.depth == MAX_DEPTH + 1:
            message = f"an expression of more than {MAX_DEPTH} steps"
            self.bag.error(node.span, "too-deep", message, "name a part of it by `let`")
        return self.depth > MAX_DEPTH

    def either(self, node: Any, place: Place) -> tuple[Any, Binding]:
        """Return a value or a target, whichever `node` is, and a binding that describes it (its name is empty)."""
        if isinstance(node, TARGET_NODES) or (isinstance(node, px.Name) and self._means_devices(node, place)):
            target, cohorts = self.context.targets.target(node, place)
            several = more_than_one(target, place.scope)
            return target, Binding("", "devices", node.span, "devices", cohorts, several=several)
        resolved, type_ = self.typed(node, place)
        return resolved, Binding("", "value", node.span, type_)

    def _means_devices(self, node: px.Name, place: Place) -> bool:
        binding = place.scope.find(node.name)
        return binding is not None and binding.is_devices

    # --- names -------------------------------------------------------------------------------------------------------

    def name(self, node: px.Name, place: Place) -> Typed:
        if place.where is not None and node.name in place.where.fields:
            return px.Field(node.span, (node.name,)), place.where.fields[node.name]
        binding = place.scope.find(node.name)
        if binding is not None:
            binding.use(node.span)
            if binding.is_devices:
                return px.Cohort(node.span, node.name), "devices"
            return px.Name(node.span, node.name), "message" if binding.kind == "capture" else binding.type
        if node.name in FUNCTIONS and not FUNCTIONS[node.name][0]:
            return px.Call(node.span, node.name, ()), FUNCTIONS[node.name][1]
        if place.device and node.name in self.context.catalogue.states:
            refuse(self.bag, node.span, node.name)
            return px.State(node.span, node.name), "bool"
        unknown_name(self.context, node, place)
        return px.Literal_(node.span, None), ANY

    def attribute(self, node: px.Attribute, place: Place) -> Typed:
        names: list[str] = []
        base: Any = node
        while isinstance(base, px.Attribute):
            names.insert(0, base.name)
            base = base.base
        if isinstance(base, px.Device):
            return self._of_device(node, self.known_device(base, place), names, place)
        if isinstance(base, px.Message):
            self.typed(base, place)
            return self._of_message(node, base, names, place.handler)
        assert isinstance(base, px.Name)
        return self._of_name(node, base, names, place)

    def _of_name(self, node: px.Attribute, base: px.Name, names: list[str], place: Place) -> Typed:
        binding = place.scope.find(base.name)
        if place.where is not None and binding is None:
            if base.name == "http":
                return self._of_http(node, names)
            if base.name == "request":
                return px.Field(node.span, ("request", *names)), self._of_request(node, names, place.where)
            if base.name in place.where.fields:
                return px.Field(node.span, (base.name, *names)), ANY
        if binding is None:
            if base.name == "label" and place.device:
                label = px.Attribute(base.span, px.Device(base.span), "label")
                return _chain(node.span, label, names), ANY
            unknown_name(self.context, base, place)
            return px.Literal_(node.span, None), ANY
        binding.use(base.span)
        root = px.Name(base.span, base.name)
        if binding.kind == "capture":
            return self._of_message(node, root, names, binding.message)
        if binding.is_devices:
            if binding.kind == "cohort":
                self.bag.error(
                    node.span,
                    "many-devices",
                    f"'{base.name}' may be more than one device",
                    f"write count({base.name})"
                    if names[0] in _SIZES
                    else f"write 'each {base.name} {names[0]}'"
                    if names[0] in self.context.catalogue.states
                    else f"write '{'.'.join(names)} of {base.name}'"
                    if names[0][:1].isupper()
                    else f"`let one = {base.name}[1]`, then one.{names[0]}",
                )
                return px.Literal_(node.span, None), ANY
            return self._of_device(node, px.Cohort(base.span, base.name), names, place)
        if binding.fields is not None and names[0] not in binding.fields:
            self.bag.error(
                node.span,
                "unknown-attribute",
                f"'{base.name}' has no '{names[0]}'",
                did_you_mean(names[0], binding.fields, some("it has", binding.fields)),
            )
        elif binding.type not in (ANY, "map"):
            self.bag.error(node.span, "unknown-attribute", f"'{base.name}' is {noun(binding.type)} and has no parts")
        return _chain(node.span, root, names), ANY

    def _of_device(self, node: px.Attribute, base: Any, names: list[str], place: Place) -> Typed:
        type_ = DEVICE_ATTRIBUTES.get(names[0])
        if type_ is None and not place.lenient:
            capital = names[0][:1].isupper()
            remedy = "a parameter's path begins with a capital: Device.…" if capital else ""
            self.bag.error(
                node.span,
                "unknown-attribute",
                f"a device has no '{names[0]}'",
                remedy or did_you_mean(names[0], DEVICE_ATTRIBUTES, some("it has", DEVICE_ATTRIBUTES)),
            )
        elif len(names) > 1 and type_ != "map":
            self.bag.error(node.span, "unknown-attribute", f"'{names[0]}' has no parts")
        return _chain(node.span, base, names), type_ if type_ and len(names) == 1 else ANY

    def _of_request(self, node: px.Attribute, names: list[str], message: MessageType) -> str:
        """Return the type of `request.…`, an element of the request that a response answers."""
        refuse(self.bag, node.span, "request-of")
        if message.name in ("Fault", "Response"):
            return ANY  # the answer to anything
        asked = self.context.catalogue.messages.get(message.name.removesuffix("Response"))
        if asked is None or asked is message:
            self.bag.error(node.span, "unknown-field", f"{message.name} answers no request", "a response does")
            return ANY
        if names[0] not in asked.fields:
            self.bag.error(
                node.span,
                "unknown-field",
                f"{asked.name} has no element '{names[0]}'",
                did_you_mean(names[0], asked.fields, some("it has", asked.fields)),
            )
        return asked.fields.get(names[0], ANY) if len(names) == 1 else ANY

    def _of_message(self, node: px.Attribute, base: Any, names: list[str], message: MessageType | None) -> Typed:
        if message is None:
            return _chain(node.span, base, names), ANY
        if names[0] == "request" and len(names) > 1:
            return _chain(node.span, base, names), self._of_request(node, names[1:], message)
        type_ = message.fields.get(names[0])
        if type_ is None:
            self.bag.error(
                node.span,
                "unknown-field",
                f"{message.name} has no element '{names[0]}'",
                did_you_mean(names[0], message.fields, some("it has", message.fields)),
            )
        return _chain(node.span, base, names), type_ if type_ and len(names) == 1 else ANY

    def _of_http(self, node: px.Attribute, names: list[str]) -> Typed:
        type_ = HTTP_FIELDS.get(names[0])
        if type_ is None:
            self.bag.error(
                node.span,
                "unknown-field",
                f"'http' has no '{names[0]}'",
                did_you_mean(names[0], HTTP_FIELDS, some("it has", HTTP_FIELDS)),
            )
        return px.Field(node.span, ("http", *names)), type_ if type_ and len(names) == 1 else ANY

    def known_device(self, node: px.Device, place: Place) -> px.Device:
        """Return `device`; report it where no device is in question."""
        if not place.device and not place.lenient:
            remedy = "hand it in as an argument" if place.procedure else "it is known in handlers, loops and targets"
            self.bag.error(node.span, "no-device", "no device is in question here", remedy)
        return node

    def device(self, node: px.Device, place: Place) -> Typed:
        return self.known_device(node, place), "devices"

    def message(self, node: px.Message, place: Place) -> Typed:
        if place.handler is None and not place.lenient:
            self.bag.error(
                node.span, "no-message", "'message' is known in a handler only", "keep one by `expect … as name`"
            )
        return node, "message"

    # --- parameters --------------------------------------------------------------------------------------------------

    def parameter(self, node: px.Parameter, place: Place) -> Typed:
        if node.target is not None:
            target, cohorts = self.context.targets.target(node.target, place)
            path, type_ = self.context.paths.path(node.path, place, cohorts)
            if None in node.path.parts or node.path.partial:
                return px.Parameter(node.span, path, target), "list"
            return px.Parameter(node.span, path, target), self._of_devices(target, type_, place)
        resolved, type_ = self._own_parameter(node, place)
        return resolved, "list" if None in node.path.parts or node.path.partial else type_

    def _own_parameter(self, node: px.Parameter, place: Place) -> Typed:
        """Return a parameter of the device in question, with the type of one of its instances where it is of any."""
        path, type_ = self.context.paths.path(node.path, place, place.cohorts)
        if not place.device and not place.lenient:
            self.bag.error(node.span, "no-device", "whose parameter is this?", f"write '{node.path} of fleet[1]'")
        return px.Parameter(node.span, path), type_

    def _of_devices(self, target: Any, type_: str, place: Place) -> str:
        """Return the type of `PATH of T`: a value of one device, a list of several; until it runs, who knows which."""
        several = more_than_one(target, place.scope)
        return ANY if several is None else "list" if several else type_

    def _several_as_one(self, node: px.Binary, left: Typed, right: Typed, place: Place) -> bool:
        """Report the values of several devices that are compared with one value; whether they were."""
        for (value, _), (_, other), compares in ((left, right, _COMPARING | _AMONG), (right, left, _COMPARING)):
            if not isinstance(value, px.Parameter) or value.target is None or node.operator not in compares:
                continue
            meant = node.operator in _EQUALITY and other in (ANY, "list", "null")
            if meant or not more_than_one(value.target, place.scope):
                continue
            named = value.target.name if isinstance(value.target, px.Cohort) else "…"
            self.bag.error(
                value.span,
                "many-devices",
                "these are the values of several devices, and what they meet is one",
                f"claim it of each, by 'on each {named}', or ask whether a value is 'in' them",
            )
            return True
        return False

    def _compared(self, node: Any, place: Place) -> Typed:
        """Return one side of a comparison: of a parameter of any instance it is asked of each."""
        if isinstance(node, px.Parameter) and node.target is None and not node.path.partial:
            return self._own_parameter(node, place)
        return self.typed(node, place)

    # --- operators ---------------------------------------------------------------------------------------------------

    def binary(self, node: px.Binary, place: Place) -> Typed:
        operator = node.operator
        if isinstance(node.right, tree.Per) or isinstance(node.left, tree.Per):
            return self._rated(node, place)
        of = self._compared if operator in _COMPARING else self.typed
        left, left_type = of(node.left, place)
        right, right_type = of(node.right, place)
        resolved = px.Binary(node.span, operator, left, right)
        if operator in ("and", "or"):
            return self._joined(node, (left, left_type), (right, right_type), place), "bool"
        if self._several_as_one(node, (left, left_type), (right, right_type), place):
            return resolved, "bool"
        if operator in _EQUALITY or operator in _ORDERED:
            self._compare(node, left, left_type, right, right_type)
            return resolved, "bool"
        if operator in ("in", "not in", "contains"):
            holder, whole = (right, right_type) if operator != "contains" else (left, left_type)
            if whole not in (ANY, "list", "map", "text"):
                self.bag.error(holder.span, "wrong-type", f"{noun(whole)} contains nothing", "a list or a text does")
            return resolved, "bool"
        if operator in ("matches", "starts with", "ends with"):
            if left_type in ("list", "map", "devices", "message"):
                message = f"{noun(left_type)} is no text: '{operator}' looks into texts"
                self.bag.error(node.left.span, "wrong-type", message, "write 'contains'" if left_type == "list" else "")
            elif not fits(right_type, "text"):
                self.mismatch(node.right, right_type, "text", f"what follows '{operator}'")
            elif operator == "matches" and isinstance(right, px.Literal_) and isinstance(right.value, str):
                self._regular(right)
            return resolved, "bool"
        result = arithmetic(operator, left_type, right_type)
        if result is None:
            self.bag.error(
                node.span,
                "wrong-type",
                f"'{operator}' does not go with {noun(left_type)} and {noun(right_type)}",
                arithmetic_remedy(left_type, right_type),
            )
        return resolved, result or ANY

    def _joined(self, node: px.Binary, left: Typed, right: Typed, place: Place) -> px.Binary:
        """Return two conditions joined by `and` or `or`; report a side that is none, or that says nothing."""
        what, sides = f"each side of '{node.operator}'", []
        asked = place.claim or place.where is not None
        compared = comparison_before(node)
        for side, (resolved, type_), before in ((node.left, left, None), (node.right, right, compared)):
            if before is not None and isinstance(resolved, px.Literal_) and type(resolved.value) is not bool:
                message = f"'{node.operator}' joins comparisons, and this compares nothing"
                self.bag.error(side.span, "lone-value", message, repeated(node.operator, before, side))
            elif not fits(type_, "bool"):
                self.mismatch(side, type_, "bool", what)
            elif asked and says_nothing(resolved):
                message = "this is so, or not, whatever the rest is"
                self.bag.error(side.span, "constant", message, "take it out")
            sides.append(self.needed(resolved, type_, "bool", what, place))
        return px.Binary(node.span, node.operator, *sides)

    def _regular(self, node: px.Literal_) -> None:
        try:
            check_regular(node.value)
        except NoValueError as error:
            self.bag.error(node.span, "bad-pattern", error.message, error.remedy)

    def _compare(self, node: px.Binary, left: Any, left_type: str, right: Any, right_type: str) -> None:
        if "rate" in (left_type, right_type):
            other = node.right if left_type == "rate" else node.left
            self.bag.error(other.span, "missing-unit", "a rate is so many in a time", "write `<= 60 per 1h`")
            return
        for wire, wire_type, other, other_type in (
            (left, left_type, right, right_type),
            (right, right_type, left, left_type),
        ):
            if isinstance(wire, _FROM_WIRE) and not isinstance(other, _FROM_WIRE):
                self._compare_wire(node, wire_type, other, other_type)
                return
        if isinstance(left, px.State) and not comparable(left_type, right_type):
            remedy = f"write 'at most … of all {left.state}'"
            self.bag.error(node.span, "wrong-type", "a state is true or false, not a number", remedy)
        elif not comparable(left_type, right_type):
            self.bag.error(
                node.span,
                "wrong-type",
                f"{noun(left_type)} is never {noun(right_type)}",
                arithmetic_remedy(left_type, right_type),
            )
        elif node.operator in _ORDERED and left_type in ("bool", "list", "map", "devices", "message", "null"):
            self.bag.error(node.span, "wrong-type", f"{noun(left_type)} has no order", "compare with '=='")

    def _compare_wire(self, node: px.Binary, wire: str, other: Any, type_: str) -> None:
        """A value off the wire meets a literal of any spelling of its own type (`pattern.values.same`)."""
        if ANY in (wire, type_) or type_ == "null" or wire == type_:
            return
        known = other.value if isinstance(other, px.Literal_) else None
        if (wire, type_) == ("text", "float"):
            message = "this is a text, and as a number 2.10 would be 2.1"
            self.bag.error(other.span, "wrong-type", message, "write it in quotes")
            return
        if type_ == "text" and wire != "list":
            if isinstance(known, str) and not spells(known, wire):
                self.bag.error(
                    other.span,
                    "wrong-type",
                    f'this is {noun(wire)}, and "{known}" spells none',
                    "write true or false" if wire == "bool" else "",
                )
            return
        allowed = {"text": {"int", "bool", "instant"}, "int": {"float", "percent"}, "bool": {"int"}}
        if type_ not in allowed.get(wire, set()):
            remedy = "parameters in seconds are plain numbers" if (wire, type_) == ("int", "duration") else ""
            if (wire, type_) == ("int", "size"):
                remedy = f"octets are plain numbers: {int(known)}" if known is not None else "octets are plain numbers"
            if wire == "list":
                remedy = f"write 'contains \"{known}\"'" if isinstance(known, str) else "write 'contains'"
            self.bag.error(other.span, "wrong-type", f"this is {noun(wire)}, never {noun(type_)}", remedy)

    def _rated(self, node: px.Binary, place: Place) -> Typed:
        """`rate(Request) <= 60 per 1h`: the rate is counted over a window of that length."""
        if isinstance(node.left, tree.Per) or not isinstance(node.right, tree.Per):
            self.bag.error(node.span, "rate", "a rate stands before its limit", "write `rate(…) <= 60 per 1h`")
            return px.Literal_(node.span, None), "bool"
        amount = self.value(node.right.amount, place, "float", "the limit of a rate")
        window = self.value(node.right.per, place, "duration", "what follows 'per'")
        left, type_ = self.typed(node.left, place)
        if type_ != "rate":
            if type_ != ANY:
                self.bag.error(node.right.span, "rate", "'per' goes with a rate", "write `rate(Request) <= 60 per 1h`")
            return px.Literal_(node.span, None), "bool"
        rate = px.Call(left.span, "rate", (*left.arguments, window))
        return px.Binary(node.span, node.operator, rate, amount), "bool"

    def per(self, node: tree.Per, place: Place) -> Typed:
        self.bag.error(node.span, "rate", "'per' goes with a rate", "write `rate(Request) <= 60 per 1h`")
        return px.Literal_(node.span, None), ANY

    def unary(self, node: px.Unary, place: Place) -> Typed:
        operand, type_ = self.typed(node.operand, place)
        if node.operator == "not":
            what = "what follows 'not'"
            if not fits(type_, "bool"):
                self.mismatch(node.operand, type_, "bool", what)
            return px.Unary(node.span, "not", self.needed(operand, type_, "bool", what, place)), "bool"
        if type_ not in (ANY, "int", "float", "duration", "percent"):
            self.bag.error(node.span, "wrong-type", f"{noun(type_)} has no negative")
        return px.Unary(node.span, "-", operand), type_

    def between(self, node: px.Between, place: Place) -> Typed:
        low = px.Binary(node.span, ">=", node.value, node.low)
        high = px.Binary(node.span, "<=", node.value, node.high)
        first, _ = self.typed(low, place)
        second, _ = self.typed(high, place)
        if not isinstance(first, px.Binary) or not isinstance(second, px.Binary):
            return px.Literal_(node.span, None), "bool"
        return px.Between(node.span, first.left, first.right, second.right), "bool"

    def test(self, node: px.Test, place: Place) -> Typed:
        if node.test in ("exists", "not exists") and not isinstance(node.value, (px.Parameter, px.Attribute, px.Name)):
            self.bag.error(node.span, "wrong-type", "only a parameter, an object or a message's element can exist")
        value, _ = self.typed(node.value, place)
        return px.Test(node.span, node.test, value), "bool"

    def conditional(self, node: px.Conditional, place: Place) -> Typed:
        condition = self.value(node.condition, place, "bool", "what follows 'if'")
        then, then_type = self.typed(node.then, place)
        otherwise, other_type = self.typed(node.otherwise, place)
        type_ = then_type if then_type == other_type else ANY
        return px.Conditional(node.span, condition, then, otherwise), type_

    # --- literals and containers -------------------------------------------------------------------------------------

    def literal(self, node: px.Literal_, place: Place) -> Typed:
        from cpescript.language.types import type_of

        return node, type_of(node.value)

    def template(self, node: px.Template, place: Place) -> Typed:
        parts: list[Any] = []
        for part in node.parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            inner, shape = part
            resolved, type_ = self.typed(inner, place)
            if type_ == "message":
                self._whole_message(inner, "written", "what stands in a text", place)
            name = inner.name if "." in shape and isinstance(inner, px.Name) else ""
            binding = place.scope.find(name) if name else None
            if binding is not None and binding.secret:
                # What is cut out of it could not be told from any other text, and would be shown.
                self.bag.error(inner.span, "secret", "a secret stands in a text as a whole", f"write {{{name}}}")
            if shape and not formats(shape, type_):
                self.bag.error(
                    inner.span, "bad-format", f"'{shape}' does not format {noun(type_)}", "as in {n:06} or {x:.1f}"
                )
            parts.append((resolved, shape))
        return px.Template(node.span, tuple(parts)), "text"

    def list_(self, node: px.ListNode, place: Place) -> Typed:
        return px.ListNode(node.span, tuple(self.typed(item, place)[0] for item in node.items)), "list"

    def map_(self, node: px.MapNode, place: Place) -> Typed:
        seen: set[Any] = set()
        for key, _ in node.items:
            word = getattr(key, "value", None)
            if word is not None and word in seen:
                self.bag.error(key.span, "doubled", f"the key '{word}' stands here twice", "each key once")
            seen.add(word)
        items = tuple((self.typed(key, place)[0], self.typed(value, place)[0]) for key, value in node.items)
        return px.MapNode(node.span, items, node.row), "map"

    def state(self, node: px.State, place: Place) -> Typed:
        if not place.device and not place.lenient:
            self.bag.error(node.span, "no-device", "whose state is this?", "as in 'fleet where offline'")
        return node, "bool"

    # --- functions ---------------------------------------------------------------------------------------------------

    def call(self, node: tree.Invocation, place: Place) -> Typed:
        name, span = node.name.text, node.span
        known = FUNCTIONS.get(name)
        if known is None:
            message = f"no function is called '{name}'"
            self.bag.error(node.name.span, "unknown-function", message, function_remedy(name))
            return px.Literal_(span, None), ANY
        if name == "response_time":
            refuse(self.bag, span, "response-time")
        if name in _DRAWING and place.claim:
            message = "a draw inside a claim would be made anew at each look"
            self.bag.error(span, "draw-in-claim", message, f"`let n = {name}(…)` before, and claim it of n")
        wanted, result = known
        many = wanted[-1:] == ("...",)
        least = len(wanted) - many
        if len(node.arguments) < least or (len(node.arguments) > least and not many):
            takes = "nothing" if not wanted else f"{least}{' or more' if many else ''} value{'s' if least > 1 else ''}"
            self.bag.error(span, "arguments", f"{name}() takes {takes}, not {len(node.arguments)}")
            return px.Literal_(span, None), ANY
        arguments: list[Any] = []
        types: list[str] = []
        for index, argument in enumerate(node.arguments):
            if argument.name is not None:
                self.bag.error(argument.name.span, "arguments", f"{name}() takes no names", "take it out")
            resolved, type_ = self._argument(argument.value, place, name, wanted[min(index, least - 1)])
            arguments.append(resolved)
            types.append(type_)
        if name == "random":
            result = types[0] if types[0] == types[1] else ANY
        elif name in _MIDDLES and isinstance(arguments[0], px.Call) and arguments[0].function == "response_time":
            result = "duration"
        elif result == ANY and many and types and all(type_ == types[0] for type_ in types) and types[0] != "list":
            # How many are true is a number.
            result = "int" if (name, types[0]) == ("sum", "bool") else types[0]
        if name in READERS and isinstance(arguments[0], px.Literal_) and isinstance(arguments[0].value, str):
            return self.context.read(name, arguments[0], span), result
        return px.Call(span, name, tuple(arguments)), result

    def _argument(self, node: Any, place: Place, function: str, wanted: str) -> Typed:
        if isinstance(node, tree.Pattern):
            if "message" not in wanted:
                self.bag.error(node.span, "wrong-type", f"{function}() does not take a message", "count() does")
            return self.context.patterns.pattern(node, place), "message"
        if isinstance(node, TARGET_NODES) or (isinstance(node, px.Name) and self._means_devices(node, place)):
            target, _ = self.context.targets.target(node, place)
            return target, "list"
        resolved, type_ = self.typed(node, place)
        if wanted == "message":
            self.bag.error(node.span, "wrong-type", f"{function}() takes a message", f"as in {function}(Request)")
        elif wanted == "message or list":
            if type_ not in (ANY, "list", "map", "devices"):
                self.bag.error(
                    node.span, "wrong-type", "only messages, devices and lists are counted", "as in count(Download)"
                )
        elif not fits(type_, wanted):
            self.mismatch(node, type_, wanted, f"the argument of {function}()")
        else:
            resolved = self.needed(resolved, type_, wanted, f"the argument of {function}()", place)
        return resolved, type_

    # --- what only a claim may hold ----------------------------------------------------------------------------------

    def misplaced_target(self, node: Any, place: Place) -> Typed:
        """Devices where a value is wanted: a list of devices is one, for `len` and `in`."""
        target, _ = self.context.targets.target(node, place)
        return target, "devices"

    def misplaced_pattern(self, node: tree.Pattern, place: Place) -> Typed:
        self.bag.error(node.span, "wrong-type", "a message stands where a value is wanted", "count() counts messages")
        return px.Literal_(node.span, None), ANY


def _chain(span: Span, base: Any, names: Iterable[str]) -> Any:
    for name in names:
        base = px.Attribute(span, base, name)
    return base


Rule = Callable[[Expressions, Any, Place], Typed]

_RULES: dict[type, Rule] = {
    px.Literal_: Expressions.literal,
    px.Template: Expressions.template,
    px.ListNode: Expressions.list_,
    px.MapNode: Expressions.map_,
    px.Name: Expressions.name,
    px.Attribute: Expressions.attribute,
    px.Parameter: Expressions.parameter,
    px.Device: Expressions.device,
    px.Message: Expressions.message,
    px.State: Expressions.state,
    px.Unary: Expressions.unary,
    px.Binary: Expressions.binary,
    px.Between: Expressions.between,
    px.Test: Expressions.test,
    px.Conditional: Expressions.conditional,
    tree.Invocation: Expressions.call,
    tree.Per: Expressions.per,
    tree.Pattern: Expressions.misplaced_pattern,
    **dict.fromkeys((px.All, px.Slice, px.Where, px.Except, px.Union_, px.Draw), Expressions.misplaced_target),
}
