"""What is told of a name that nothing has: a message in small letters, a number in words, a slip of the pen."""

from __future__ import annotations

from collections.abc import Mapping

from cpescript.diagnostics import did_you_mean, nearest, some
from cpescript.language.context import Context
from cpescript.language.scope import Place
from cpescript.language.tables import load_tables
from cpescript.language.tokens import ALIASES
from cpescript.language.types import FUNCTIONS
from cpescript.pattern import expression as px

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_WORDS: tuple[tuple[Mapping[str, str], str], ...] = (
    ({word: str(number) for number, word in enumerate(_DIGITS)}, "a number is written in digits"),
    ({"half": "50%", "most": "51%"}, "a share is written in percent"),
    (dict.fromkeys(("yes", "on"), "true") | dict.fromkeys(("no", "off"), "false"), "a bool is written true or false"),
    (dict.fromkeys(("none", "nil", "undefined"), "null"), "what is not there is null"),
    ({word: f"1{unit}" for word, unit in ALIASES.items()}, "what is measured has a number"),
)
"""Words for a value, what is written for them, and what to tell."""
_ELEMENTS = {
    "event_code": "events",
    "status": "http.status",
    "code": "fault_code",
    "fault": "fault_code",
    "type": "file_type",
    "filetype": "file_type",
    "size": "file_size",
    "serial": "serial_number",
    "key": "command_key",
    "version": "software_version",
}
"""What people call an element of a message, and its name."""

_FUNCTIONS = {
    "range": "a list is written out, as in [1, 2, 3]; 'repeat 5:' repeats",
    "str": 'put it into a text: "{x}"',
    "format": 'put it into a text: "{n:06}"',
    "concat": 'put them into a text: "{a}{b}"',
    "percentile": "p50, p95 and p99 there are",
    **dict.fromkeys(("length", "size"), "did you mean 'len'?"),
    **dict.fromkeys(("avg", "average"), "did you mean 'mean'?"),
    **dict.fromkeys(("median", "p90"), "p50, p95 and p99 there are"),
    **dict.fromkeys(("rand", "randint"), "did you mean 'random'?"),
    **dict.fromkeys(("choice", "choose", "sample"), "did you mean 'pick'?"),
    **dict.fromkeys(("time", "today"), "did you mean 'now'?"),
}
"""Functions of other languages, and what to do instead."""


def function_remedy(name: str) -> str:
    """Return what to tell of a function that is none."""
    return _FUNCTIONS.get(name) or did_you_mean(name, FUNCTIONS, "a procedure is run by 'do'")


def unknown_name(context: Context, node: px.Name, place: Place) -> None:
    """Report a name that is not bound where it stands."""
    if place.lenient or any(told(context, node, place) for told in _TOLD):
        return
    known = [*place.scope.names(), *(place.where.fields if place.where is not None else ())]
    if place.device:
        known.extend(context.catalogue.states)
    if node.name in load_tables().keywords and not nearest(node.name, set(known) - {node.name}):
        message = f"'{node.name}' stands where a name is expected"
        context.bag.error(node.span, "unknown-name", message, "something is missing behind it")
    elif place.where is not None:
        fields = place.where.fields
        remedy = did_you_mean(node.name, known, some("it has", fields))
        if node.name in ("value", "values") and "parameter_list" in fields:
            remedy = "what is set is matched by 'PATH = value'; for more, claim the parameter itself"
        message = f"{place.where.name} has no element '{node.name}'"
        context.bag.error(node.span, "unknown-field", message, remedy)
    elif node.name in FUNCTIONS:
        context.bag.error(node.span, "unknown-name", f"'{node.name}' is a function", f"write {node.name}(…)")
    else:
        plain = [name for name, (wanted, _) in FUNCTIONS.items() if not wanted]
        elsewhere = next((bound.span.line for bound, _ in place.scope.book if bound.name == node.name), None)
        hint = f"the one of line {elsewhere} is known in its own block only" if elsewhere is not None else ""
        if place.device and not hint:
            hint = f"a label is asked for as label.{node.name}"
        remedy = did_you_mean(node.name, [*known, *plain], "hand it in as an argument" if place.procedure else hint)
        context.bag.error(node.span, "unknown-name", f"nothing is called '{node.name}' here", remedy)


def _state(context: Context, node: px.Name, place: Place) -> bool:
    """Report a state without a device; whether it was one. The others below do alike."""
    if node.name not in context.catalogue.states:
        return False
    context.bag.error(node.span, "no-device", "whose state is this?", f"as in 'fleet where {node.name}'")
    return True


def _message(context: Context, node: px.Name, place: Place) -> bool:
    meant = next((name for name in context.catalogue.messages if name.lower() == node.name.lower()), None)
    if meant is None:
        return False
    context.bag.error(node.span, "small-message", "a message begins with a capital", f"did you mean '{meant}'?")
    return True


def _word(context: Context, node: px.Name, place: Place) -> bool:
    for words, message in _WORDS:
        if node.name in words:
            context.bag.error(node.span, "unknown-name", message, f"write {words[node.name]}")
            return True
    return False


def _element(context: Context, node: px.Name, place: Place) -> bool:
    meant = _ELEMENTS.get(node.name)
    if place.where is None or meant is None or not (meant in place.where.fields or meant.startswith("http.")):
        return False
    message = f"{place.where.name} has no element '{node.name}'"
    context.bag.error(node.span, "unknown-field", message, f"did you mean '{meant}'?")
    return True


_TOLD = (_state, _message, _word, _element)
