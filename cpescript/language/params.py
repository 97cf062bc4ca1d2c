"""The params of a program: what a file declares, and the values that a run gives them, by strength."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cpescript.diagnostics import Bag, did_you_mean
from cpescript.language import tree
from cpescript.language.context import Context
from cpescript.language.expressions import Expressions
from cpescript.language.folding import Folder, at, constant, plain
from cpescript.language.scope import Binding, Place, Scope
from cpescript.language.timeline import ParamValue
from cpescript.language.types import ANY, EXAMPLES, PARAM_TYPES, READERS, fits, noun, type_remedy

ENVIRONMENT = "CPES_PARAM_"


@dataclass(frozen=True, slots=True)
class Param:
    """A declared param. `default` is a resolved expression, None where the param must be given."""

    word: tree.Word
    type: str
    default: Any
    secret: bool
    description: str

    @property
    def name(self) -> str:
        return self.word.text


def declare(node: tree.Param, expressions: Expressions, scope: Scope) -> Param:
    """Check a `param` line and bind its name; the default may use the params above it."""
    bag = expressions.bag
    type_ = ANY
    if node.type is not None:
        type_ = node.type.text
        if type_ not in PARAM_TYPES:
            bag.error(
                node.type.span,
                "unknown-type",
                f"no type is called '{type_}'",
                type_remedy(type_),
            )
            type_ = ANY
    default = None
    if node.default is not None:
        default, actual = expressions.typed(node.default, Place(scope))
        if type_ == ANY:
            type_ = actual
        elif not fits(actual, type_):
            expressions.mismatch(node.default, actual, type_, f"the default of '{node.name.text}'")
    elif node.type is None:
        bag.error(node.name.span, "no-type", f"of which type is '{node.name.text}'?", f"write '{node.name.text}: text'")
    description = getattr(node.description, "value", "") if node.description is not None else ""
    known = scope.bind(
        Binding(node.name.text, "param", node.name.span, type_, doc=str(description), secret=node.secret)
    )
    if known is not None:
        bag.error(
            node.name.span,
            "doubled-name",
            f"'{node.name.text}' is a param already (line {known.span.line})",
            "take another name",
        )
    return Param(node.name, type_, default, node.secret, str(description))


def parse_assignments(words: Iterable[str]) -> tuple[dict[str, str], Bag]:
    """Return the `NAME=VALUE` words of `--param` as a mapping; a doubled or shapeless one is in the bag."""
    given, bag = list(words), Bag()
    parts = [word.partition("=") for word in given]
    # Which of them are secret is not known yet.
    bag.sources["--param"] = "\n".join(f"{name}=***" if sign else name for name, sign, _ in parts)
    found: dict[str, str] = {}
    for line, (word, (name, sign, value)) in enumerate(zip(given, parts, strict=True), 1):
        if not sign or not name:
            bag.error(at("--param", line, word), "bad-param", "a param is given as NAME=VALUE", "as in size=200")
        elif name in found:
            bag.error(at("--param", line, name), "doubled", f"'{name}' is given twice", "once is enough")
        found[name] = value
    return found, bag


def values(
    declared: Iterable[Param],
    given: Mapping[str, Any],
    from_file: Mapping[str, Any],
    environment: Mapping[str, str],
    context: Context,
    bag: Bag,
) -> tuple[ParamValue, ...] | None:
    """Return the value of each param, the strongest source first; None where one is missing or wrong."""
    declared = tuple(declared)
    names = {param.name for param in declared}
    failed = False
    for source, mapping in (("--param", given), ("--params", from_file)):
        # An unknown name may be a secret one misspelt.
        lines = [f"{name}={_written(value) if name in names else '***'}" for name, value in mapping.items()]
        bag.sources.setdefault(source, "\n".join(lines))
        for line, name in enumerate(mapping, 1):
            if name not in names:
                failed = True
                bag.error(
                    at(source, line, name),
                    "unknown-param",
                    f"no param is called '{name}'",
                    did_you_mean(name, names, _declared(names)),
                )
    found: dict[str, ParamValue] = {}
    for param in declared:
        value, ok = _value(param, given, from_file, environment, found, context, bag)
        failed = failed or not ok
        found[param.name] = ParamValue(param.name, value, param.secret)
    return None if failed else tuple(found.values())


def _value(
    param: Param,
    given: Mapping[str, Any],
    from_file: Mapping[str, Any],
    environment: Mapping[str, str],
    found: Mapping[str, ParamValue],
    context: Context,
    bag: Bag,
) -> tuple[Any, bool]:
    variable = ENVIRONMENT + param.name
    sources: tuple[tuple[str, Mapping[str, Any], str], ...] = (
        ("--param", given, param.name),
        ("--params", from_file, param.name),
        (variable, environment, variable),
    )
    for source, mapping, key in sources:
        if key in mapping:
            line = list(mapping).index(key) + 1 if source != variable else 1
            return _read(param, _written(mapping[key]), source, line, context, bag)
    if param.default is None:
        bag.error(
            param.word.span,
            "missing-param",
            f"'{param.name}' has no value",
            f"give it by --param {param.name}={EXAMPLES.get(param.type, '…')}, or in the environment as {variable}",
        )
        return None, False
    folder = Folder({name: known.value for name, known in found.items()}, context, bag)
    known = len(bag.items)
    value = folder.value(param.default, f"the default of '{param.name}'")
    return value, len(bag.items) == known


def _read(param: Param, text: str, source: str, line: int, context: Context, bag: Bag) -> tuple[Any, bool]:
    span = at(source, line, text)
    if source in ("--param", "--params"):
        shift = len(param.name) + 1
        span = span.__class__(source, line, 1 + shift, line, 1 + shift + max(1, len(text)))
    else:
        bag.sources[source] = "***" if param.secret else text
    if param.secret and source in bag.sources:
        bag.sources[source] = bag.sources[source].replace(f"={text}", "=***")
    try:
        if param.type in ("list", "map"):
            return _container(param, text, context), True
        reader = READERS.get(param.type)
        return (reader(text) if reader is not None else text), True
    except (ValueError, OverflowError):
        shown = "this" if param.secret else f"'{text}'"
        example = EXAMPLES.get(param.type)
        bag.error(
            span,
            "bad-param",
            f"'{param.name}' is {noun(param.type)}, and {shown} is none",
            f"as in {param.name}={example}" if example else "",
        )
        return None, False


def _container(param: Param, text: str, context: Context) -> Any:
    """Read a list or a map as the language writes it. Raises ValueError."""
    from cpescript.language.parser import Parser

    bag = Bag()
    node = Parser("--param", bag).expression(text)
    if node is None or bag.failed:
        raise ValueError(text)
    folded = Folder({}, context, bag).fold(node)
    if not constant(folded):
        raise ValueError(text)
    value = plain(folded)
    if not isinstance(value, list if param.type == "list" else dict):
        raise ValueError(text)
    return value


def _written(value: Any) -> str:
    """A params file may give numbers and booleans; they are read as if they had been typed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_quoted(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(str(key))}: {_quoted(item)}" for key, item in value.items()) + "}"
    return str(value)


def _quoted(value: Any) -> str:
    if not isinstance(value, str):
        return _written(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("{", "{{").replace("}", "}}")
    return f'"{escaped}"'


def _declared(names: Iterable[str]) -> str:
    shown = sorted(names)
    return f"it has {', '.join(shown[:8])}" if shown else "it has none"
