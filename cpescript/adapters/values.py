"""Templates in an adapter's file: texts and whole JSON values, made of names, in a sandbox.

A text that is nothing but `{{ expression }}` gives the expression's own value, a list for instance; any other gives
text. Nothing is escaped by itself: `| segment` is for a part of a path, `| pointer` for a part of a JSON pointer,
`| tojson` for JSON inside text, `| e` for XML.

The file is the user's own, and still: no attribute that Jinja's sandbox refuses, no macros and includes, loops at most
two deep, and a value is at most a mebioctet.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cpescript.diagnostics import did_you_mean

MAX_TEXT = 1 << 20
"""Characters of a rendered text: orders are small."""
MAX_LOOPS = 2

FILTERS = (
    "abs", "default", "e", "escape", "first", "float", "int", "join", "last", "length", "list", "lower", "replace",
    "round", "sort", "string", "tojson", "trim", "unique", "upper", "urlencode",
)  # fmt: skip
"""Jinja's filters that are there, besides `segment`, `pointer`, `regex`, `base64`."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
"""An item of a list in a JSON pointer (RFC 6901, 4)."""
_WHOLE = re.compile(r"\s*\{\{((?:(?!\{\{|\}\}).)*)\}\}\s*", re.DOTALL)
_REFUSED = (
    nodes.Macro, nodes.CallBlock, nodes.FilterBlock, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends,
    nodes.Block,
)  # fmt: skip


class TemplateProblem(Exception):
    """A template that is none, or that cannot be rendered with these values. The text is for the user, and so is
    `remedy`, one line, empty where there is none."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox with arithmetic that does not grow."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
        if operator in ("*", "**", "%") and not numbers:
            raise TypeError(f"'{operator}' takes numbers")
        if operator == "**" and abs(right) > 64:
            raise ValueError("that power is too large")
        value = super().call_binop(context, operator, left, right)
        if isinstance(value, (str, list, tuple)) and len(value) > MAX_TEXT:
            raise ValueError(f"a value is longer than {MAX_TEXT} characters")
        return value


def pointer(text: Any) -> str:
    """Return a text as one part of a JSON pointer (RFC 6901, 3)."""
    return str(text).replace("~", "~0").replace("/", "~1")


def look_up(value: Any, path: str) -> Any:
    """Return what a JSON pointer points at. Raises LookupError where there is nothing, ValueError for no pointer."""
    if path and not path.startswith("/"):
        raise ValueError(f"'{path}' is no JSON pointer: it begins with a slash, or is empty")
    for part in path.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value[name]
        elif isinstance(value, list) and _INDEX.fullmatch(name):
            value = value[int(name)]
        else:
            raise KeyError(name)
    return value


def _environment() -> jinja2.Environment:
    environment = _Sandbox(undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True)
    environment.globals = {}
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    environment.filters["segment"] = lambda value: quote(str(value), safe="")
    environment.filters["pointer"] = pointer
    environment.filters["regex"] = lambda value: re.escape(str(value))
    environment.filters["base64"] = lambda value: base64.b64encode(str(value).encode()).decode()
    return environment


_ENVIRONMENT = _environment()


class Template:
    """A text that may hold expressions. Raises TemplateProblem where it is none."""

    __slots__ = ("_render", "_text", "_whole", "names")

    def __init__(self, text: str) -> None:
        self._text = text
        self._whole = None
        try:
            tree = _ENVIRONMENT.parse(text)
            _check(tree, 0)
            self.names: frozenset[str] = frozenset(meta.find_undeclared_variables(tree))
            """The names that it needs."""
            whole = _WHOLE.fullmatch(text)
            if whole is not None:
                self._whole = _ENVIRONMENT.compile_expression(whole[1], undefined_to_none=False)
            self._render = _ENVIRONMENT.from_string(text)
        except (jinja2.TemplateError, RecursionError) as error:
            raise TemplateProblem(_unreadable(error, text)) from None

    def value(self, values: Mapping[str, Any]) -> Any:
        """Return the value of a text that is one expression, else the text. Raises TemplateProblem."""
        if self._whole is None:
            return self.text(values)
        try:
            found = self._whole(**values)
            if isinstance(found, jinja2.Undefined):
                str(found)  # Raises: the strict kind says which name is missing.
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise TemplateProblem(_why(error)) from None
        return found

    def text(self, values: Mapping[str, Any]) -> str:
        """Return the text. Raises TemplateProblem."""
        parts, size = [], 0
        try:
            for part in self._render.generate(**values):
                size += len(part)
                if size > MAX_TEXT:
                    raise TemplateProblem(f"it comes to more than {MAX_TEXT} characters")
                parts.append(part)
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise TemplateProblem(_why(error)) from None
        return "".join(parts)


class Condition:
    """One expression, true or false. Raises TemplateProblem where it is none."""

    __slots__ = ("_expression", "names")

    def __init__(self, text: str) -> None:
        try:
            tree = _ENVIRONMENT.parse("{{ (" + text + ") }}")
            _check(tree, 0)
            self.names = frozenset(meta.find_undeclared_variables(tree))
            self._expression = _ENVIRONMENT.compile_expression(text, undefined_to_none=False)
        except (jinja2.TemplateError, RecursionError) as error:
            raise TemplateProblem(_unreadable(error, text)) from None

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it is true. What it names and is not there makes it false. Raises TemplateProblem."""
        try:
            return bool(self._expression(**values))
        except jinja2.UndefinedError:
            return False
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise TemplateProblem(_why(error)) from None


Tree = Template | Mapping[str, Any] | Sequence[Any] | bool | int | float | None
"""JSON with templates for its texts."""


def filled(tree: Any, values: Mapping[str, Any]) -> Any:
    """Return the JSON value of a tree. Raises TemplateProblem."""
    if isinstance(tree, Template):
        return tree.value(values)
    if isinstance(tree, Mapping):
        return {name: filled(item, values) for name, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [filled(item, values) for item in tree]
    return tree


def names_of(tree: Any) -> Iterator[str]:
    """Yield every name that the templates of a tree need."""
    if isinstance(tree, (Template, Condition)):
        yield from sorted(tree.names)
    elif isinstance(tree, Mapping):
        for item in tree.values():
            yield from names_of(item)
    elif isinstance(tree, (list, tuple)):
        for item in tree:
            yield from names_of(item)


def _check(node: nodes.Node, loops: int) -> None:
    if isinstance(node, _REFUSED):
        raise TemplateProblem(f"'{type(node).__name__.lower()}' is not there in an adapter's template")
    if isinstance(node, nodes.Filter) and node.name not in _ENVIRONMENT.filters:
        known = sorted(_ENVIRONMENT.filters)
        remedy = did_you_mean(node.name, known, f"filters: {', '.join(known)}")
        raise TemplateProblem(f"there is no filter '{node.name}'", remedy)
    if isinstance(node, nodes.For):
        loops += 1
        if loops > MAX_LOOPS or node.recursive:
            raise TemplateProblem(f"more than {MAX_LOOPS} loops inside one another")
    for child in node.iter_child_nodes():
        _check(child, loops)


def _unreadable(error: Exception, text: str) -> str:
    """Say why a text is no template: in Jinja's words without the file and line that it makes up."""
    said = (error.message if isinstance(error, jinja2.TemplateError) else "") or str(error) or type(error).__name__
    line = error.lineno if isinstance(error, jinja2.TemplateSyntaxError) and "\n" in text else 0
    return f"{said} (line {line} of it)" if line else said


def _why(error: Exception) -> str:
    return str(error.args[0] if error.args else "") or type(error).__name__
