"""Hand-written messages: `send "file.xml.j2"` and `answer with "file.xml.j2"`, rendered with a device's values.

A template is Jinja2 in a sandbox with little in it: values, conditions, loops and a few filters. What could take long
or grow large is not there (macros, includes, `~`, `range` beyond 1,000), so that a template ends soon whatever it says,
and a message is bounded: `MAX_SOURCE` octets of template, `MAX_OUTPUT` characters of message. Everything that is put in
is escaped for XML; `| safe` puts it in as it is. A name that is not known is an error, never an empty text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cpescript.diagnostics import Bag, Span, did_you_mean

MAX_SOURCE = 256 * 1024
"""Octets of a template: four times the largest envelope that devices are known to send."""
MAX_OUTPUT = 8 * 1024 * 1024
"""Characters of a message: what an ACS's answer may have, too."""
MAX_VALUE = 1024 * 1024
"""Characters of a text that an expression makes."""
MAX_TURNS = 1_000
"""Turns of a `range`."""
MAX_LOOPS = 2
"""Loops inside one another."""

DEVICE: Mapping[str, str] = {
    "serial": "serial number",
    "oui": "OUI of its manufacturer",
    "product_class": "product class",
    "manufacturer": "manufacturer's name",
    "identity": "OUI-ProductClass-SerialNumber",
    "index": "number within its cohort, from 1",
    "number": "number within the scenario, from 1",
    "cohort": "name of its cohort",
    "profile": "name of its profile",
    "label": "its labels: `device.label.region`",
}
"""What `device.NAME` of a template gives."""

NAMES: Mapping[str, str] = {
    "device": "the device that sends the message: `device.serial`, `device.label.region`",
    "parameter": 'a value of its data model: `parameter("Device.DeviceInfo.SoftwareVersion")`',
    "now": "virtual time as in `2026-01-01T00:00:00Z`",
    "session": "number of the session that is under way or comes next, from 1",
    "id": "ID for the SOAP header: of the request that is answered, else the session's number",
    "message": "the request that is answered: `message.command_key` (in `answer with` only)",
}
"""The names that a template knows."""

FILTERS = ("abs", "default", "e", "escape", "float", "int", "length", "lower", "round", "safe", "string", "trim",
           "upper")  # fmt: skip
TESTS = ("boolean", "defined", "divisibleby", "eq", "even", "false", "in", "none", "number", "odd", "string", "true",
         "undefined")  # fmt: skip
_KNOWN_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict,
    nodes.Pair, nodes.CondExpr, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Call, nodes.Keyword, nodes.Filter,
    nodes.Test, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Add, nodes.Sub, nodes.Mul,
    nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos, nodes.If, nodes.For, nodes.Assign,
)  # fmt: skip
_CALLED = ("parameter", "range")
_UNDEFINED = jinja2.StrictUndefined


class TemplateError(Exception):
    """A template cannot be rendered for a device: `span` in the template, a line of cause, a line of remedy."""

    def __init__(self, span: Span, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.span = span
        self.message = message
        self.remedy = remedy


class _TooLargeError(Exception):
    """A value or a message grew beyond its bound."""


@dataclass(frozen=True, slots=True)
class Template:
    """A checked template. `parameters` are the paths that it reads by name, with the line of each."""

    path: str
    text: str
    parameters: tuple[tuple[str, int], ...]
    _compiled: jinja2.Template

    def render(self, values: Mapping[str, Any]) -> bytes:
        """Return the message in UTF-8. `values` gives a value for each of `NAMES` (`message` where there is one).

        `parameter` is a function of a path that raises KeyError for one that the device does not have. Raises
        TemplateError.
        """
        parts: list[str] = []
        size = 0
        try:
            for part in self._compiled.generate(**{**values, "parameter": _reader(values["parameter"])}):
                size += len(part)
                if size > MAX_OUTPUT:
                    raise _TooLargeError(f"the message is larger than {MAX_OUTPUT} characters")
                parts.append(part)
        except jinja2.UndefinedError as error:
            raise self._error(error, f"{error.message}", "a name or a part of one that is not there") from error
        except _TooLargeError as error:
            raise self._error(error, str(error), "") from error
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            text = error.args[0] if error.args else type(error).__name__
            raise self._error(error, f"this cannot be worked out: {text}", "") from error
        return "".join(parts).encode("utf-8", "backslashreplace")

    def _error(self, error: BaseException, message: str, remedy: str) -> TemplateError:
        line, trace = 1, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.path:
                line = trace.tb_lineno
            trace = trace.tb_next
        return TemplateError(_span(self.path, self.text, line), message, remedy)


def _reader(parameter: Callable[[str], str]) -> Callable[[str], str]:
    def read(path: str) -> str:
        try:
            return parameter(path)
        except KeyError:
            raise ValueError(f"the device has no parameter {path}") from None

    return read


def load_template(path: Path) -> tuple[Template | None, Bag]:
    """Read and check a template; return it, None with errors in the bag. Never raises on bad input."""
    name, bag = str(path), Bag()
    whole = Span(name, 1, 1, 1, 2)
    try:
        if not path.is_file():
            bag.error(whole, "no-file", "there is no such file", "the path is relative to the scenario's file")
            return None, bag
        with path.open("rb") as file:
            raw = file.read(MAX_SOURCE + 1)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        bag.error(whole, "no-file", f"cannot be read: {error.strerror or error}")
        return None, bag
    except UnicodeDecodeError as error:
        bag.error(whole, "bad-template", f"not UTF-8 at octet {error.start}", "write the file in UTF-8")
        return None, bag
    if len(raw) > MAX_SOURCE:
        bag.error(whole, "bad-template", f"larger than {MAX_SOURCE // 1024} KiB", "a message is not that large")
        return None, bag
    return check_template(text, name)


def check_template(text: str, name: str) -> tuple[Template | None, Bag]:
    """Check the text of a template that is called `name`; return it, None with errors in the bag."""
    bag = Bag(sources={name: text})
    environment = _environment()
    try:
        tree = environment.parse(text, name, name)
    except jinja2.TemplateSyntaxError as error:
        bag.error(_span(name, text, error.lineno), "bad-template", str(error.message or "not a template").rstrip("."))
        return None, bag
    except RecursionError:
        bag.error(_span(name, text, 1), "bad-template", "brackets or blocks too deep inside one another")
        return None, bag
    _Checker(name, text, bag).walk(tree, 0)
    if bag.failed:
        return None, bag
    try:
        code = environment.compile(tree, name, name)
    except (jinja2.TemplateSyntaxError, SyntaxError, RecursionError) as error:
        line = error.lineno if isinstance(error, jinja2.TemplateSyntaxError) else 1
        bag.error(_span(name, text, line), "bad-template", f"not a template: {error}")
        return None, bag
    compiled = environment.template_class.from_code(environment, code, dict(environment.globals))
    read = [
        (call.args[0].value, call.lineno)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name == "parameter"
        if len(call.args) == 1 and isinstance(call.args[0], nodes.Const) and isinstance(call.args[0].value, str)
    ]
    return Template(name, text, tuple(read), compiled), bag


def _span(name: str, text: str, number: int | None) -> Span:
    """Return the span of a line, without the blanks around it: Jinja tells no columns, and at times no line."""
    number = number or 1
    lines = text.split("\n")
    line = lines[number - 1].rstrip() if 1 <= number <= len(lines) else ""
    return Span(name, number, len(line) - len(line.lstrip()) + 1, number, max(2, len(line) + 1))


class _Checker:
    """Refuses what a template may not hold, and names that it does not know."""

    def __init__(self, name: str, text: str, bag: Bag) -> None:
        self._name = name
        self._text = text
        self._bag = bag
        self._bound: set[str] = {*NAMES, "range", "loop"}

    def walk(self, node: nodes.Node, loops: int) -> None:
        if not isinstance(node, _KNOWN_NODES):
            self._refuse(node, f"'{_WORDS.get(type(node).__name__, type(node).__name__.lower())}' is not there")
            return
        check = _CHECKS.get(type(node))
        if check is not None:
            check(self, node)
        if isinstance(node, nodes.For):
            if loops == MAX_LOOPS or node.recursive:
                self._refuse(node, f"more than {MAX_LOOPS} loops inside one another")
                return
            loops += 1
        # What is assigned is known from there on, so not yet in the value; Jinja has the name first.
        value = _VALUES.get(type(node), ())
        for child in chain(node.iter_child_nodes(only=value), node.iter_child_nodes(exclude=value)):
            self.walk(child, loops)

    def _refuse(self, node: nodes.Node, message: str, remedy: str = "") -> None:
        self._bag.error(_span(self._name, self._text, node.lineno), "bad-template", message, remedy)

    def _unknown(self, node: nodes.Node, message: str, word: str, known: Mapping[str, Any] | tuple[str, ...]) -> None:
        remedy = did_you_mean(word, known, f"known are {', '.join(known)}")
        self._bag.error(_span(self._name, self._text, node.lineno), "unknown-name", message, remedy)

    def variable(self, node: nodes.Name) -> None:
        if node.ctx == "store":
            self._bound.add(node.name)
        elif node.name not in self._bound:
            self._unknown(node, f"a template knows no '{node.name}'", node.name, NAMES)

    def attribute(self, node: nodes.Getattr) -> None:
        if isinstance(node.node, nodes.Name) and node.node.name == "device" and node.attr not in DEVICE:
            self._unknown(node, f"a device has no '{node.attr}' in a template", node.attr, DEVICE)

    def call(self, node: nodes.Call) -> None:
        called = node.node.name if isinstance(node.node, nodes.Name) else ""
        if called not in _CALLED:
            self._refuse(node, "only parameter(…) and range(…) can be called", "use a filter: `{{ x | upper }}`")

    def filter_(self, node: nodes.Filter) -> None:
        if node.name not in FILTERS:
            self._unknown(node, f"a template has no filter '{node.name}'", node.name, FILTERS)

    def test(self, node: nodes.Test) -> None:
        if node.name not in TESTS:
            self._unknown(node, f"a template has no test '{node.name}'", node.name, TESTS)


_WORDS = {"Concat": "~", "Pow": "**", "CallBlock": "call", "FilterBlock": "filter", "AssignBlock": "set block",
          "FromImport": "from import", "NSRef": "namespace", "Scope": "autoescape"}  # fmt: skip
_VALUES: Mapping[type[nodes.Node], tuple[str, ...]] = {nodes.Assign: ("node",), nodes.For: ("iter",)}
"""Where the nodes that give values to names have these values."""
_CHECKS: Mapping[type[nodes.Node], Callable[[_Checker, Any], None]] = {
    nodes.Name: _Checker.variable,
    nodes.Getattr: _Checker.attribute,
    nodes.Call: _Checker.call,
    nodes.Filter: _Checker.filter_,
    nodes.Test: _Checker.test,
}


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, with arithmetic that cannot grow beyond all bounds."""

    intercepted_binops = frozenset("+*%")

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator != "+" and not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
            raise TypeError(f"'{operator}' takes numbers")
        value = super().call_binop(context, operator, left, right)
        if isinstance(value, int) and value.bit_length() > MAX_TURNS:
            raise _TooLargeError("a number is too large")
        if isinstance(value, (str, list, tuple)) and len(value) > MAX_VALUE:
            raise _TooLargeError(f"a value is larger than {MAX_VALUE} characters")
        return value


def _range(*arguments: int) -> range:
    turns = range(*arguments)
    if len(turns) > MAX_TURNS:
        raise _TooLargeError(f"a range has {MAX_TURNS} turns at most")
    return turns


@cache
def _environment() -> jinja2.Environment:
    environment = _Sandbox(undefined=_UNDEFINED, autoescape=True, keep_trailing_newline=True, cache_size=0)
    environment.globals = {"range": _range}
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    environment.tests = {name: environment.tests[name] for name in TESTS}
    return environment
