"""What a sentence needs of a value that is known only while running: the one place where it is read, or refused.

What a table or a JSON file holds, what an argument hands in, what a loop goes through has no type when a scenario is
checked. The checker puts `expression.Needed` around it where the sentence needs one, and that is worked out here. A
text is read as a param is that is given from outside: `30s` in a column is a duration where one is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cpescript.diagnostics import Span
from cpescript.pattern import values
from cpescript.pattern.kinds import EXAMPLES, READERS, Devices, OneDevice, fits, noun, type_of
from cpescript.pattern.scope import EvaluationError

SHOWN_UP_TO = 120
"""Characters of a value that an error shows."""
READ_UP_TO = 40
"""Characters of a text that is read as anything else."""
_AT_LEAST_NOTHING = frozenset({"int", "amount", "duration", "size"})
_REMEDIES: Mapping[tuple[str, str], str] = {
    ("bool", "int"): "compare it, as in '… == 1'",
    ("bool", "float"): "compare it, as in '… == 0.5'",
    ("bool", "list"): "ask 'is empty', or 'is not empty'",
    ("bool", "map"): "ask 'is empty', or 'is not empty'",
    ("bool", "null"): "ask 'exists' before",
    ("duration", "int"): "give it a unit: … * 1s",
    ("duration", "float"): "give it a unit: … * 1s",
    ("size", "int"): "give it a unit: … * 1B",
    ("text", "int"): 'write it into one: "{…}"',
    ("written", "message"): "name a part of it, as in 'kept.command_key'",
    ("single", "message"): "name a part of it, as in 'kept.command_key'",
    ("devices", "int"): "name a cohort; the second of one is 'fleet[2]'",
    ("devices", "text"): "name a cohort; one of them is 'fleet where device.serial == …'",
}
"""What is needed and what came to what to do about it."""


def shown(value: Any) -> str:
    """Return a value as an error shows it, cut where it is long."""
    text = values.show(value)
    return text if len(text) <= SHOWN_UP_TO else text[: SHOWN_UP_TO - 1] + "…"


def needed(value: Any, wanted: str, span: Span, what: str) -> Any:
    """Return a value as the type that is wanted, a text read as one.

    `what` is the subject of the error: `what follows 'wait'`. Raises EvaluationError for a value that is none.
    """
    actual = type_of(value)
    return value if fits(actual, wanted) else _read(value, actual, wanted, span, what)


def counted(value: Any, wanted: str, span: Span, what: str) -> Any:
    """Return the same, no less than nothing where that cannot be: a number of things, a length. Raises
    EvaluationError."""
    value = needed(value, wanted, span, what)
    if wanted in _AT_LEAST_NOTHING and value < 0:
        raise EvaluationError(span, f"{what} cannot be less than nothing: {shown(value)}")
    return value


def _read(value: Any, actual: str, wanted: str, span: Span, what: str) -> Any:
    if actual == "text" and wanted in READERS and len(value) <= READ_UP_TO:
        try:
            return READERS[wanted](value)
        except (ValueError, OverflowError):
            pass
    remedy = _REMEDIES.get((wanted, actual), "")
    if not remedy and actual == "text" and wanted in EXAMPLES:
        remedy = f"as in {EXAMPLES[wanted]}"
    raise EvaluationError(span, f"{what} is {noun(wanted)}, and this is {_described(value, actual)}", remedy)


def _described(value: Any, actual: str) -> str:
    if actual in ("null", "message", "devices"):
        return noun(actual)
    if actual == "bool":
        return shown(value)
    return f"{noun(actual)}, {shown(value)}" if actual != "text" else f"the text {shown(value)}"


def devices(value: Any, span: Span, name: str) -> list[int]:
    """Return the numbers of devices that a name is bound to. Raises EvaluationError where it is bound to anything
    else: a number names no device."""
    if isinstance(value, OneDevice):
        return Devices([value])
    found: list[int] = needed(value, "devices", span, f"'{name}'")
    return found
