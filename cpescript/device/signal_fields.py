"""Reads the declarations of the generators in `signals`, which stand in `x-cpescript: generators` only."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from cpescript.device import generator_fields
from cpescript.device.generator_fields import Fields, Kind
from cpescript.device.generators import Generator, path_key
from cpescript.device.lexical import LexicalError, canonical
from cpescript.device.signals import (
    Brownian,
    Composite,
    Constant,
    Diurnal,
    Form,
    Gaussian,
    Markov,
    Quantity,
    Static,
    number_of,
)
from cpescript.device.yaml_nodes import MAPPING, SEQUENCE, each_mapping

MOST_DECIMALS = 9
DEFAULT_DECIMALS = 2
MOST_STATES = 64
MOST_PARTS = 16
_SUM_TOLERANCE = 1e-6
"""How far from 1 the chances of a row may add up to: what three times 0.333333 leaves."""


def _form(fields: Fields) -> Form:
    decimals = fields.reader.integer(fields.entries, "decimals", fields.where)
    if decimals is not None and not 0 <= decimals <= MOST_DECIMALS:
        fields.refuse("decimals", f"must lie within 0..{MOST_DECIMALS}, not {decimals}")
        decimals = None
    return Form(fields.target, DEFAULT_DECIMALS if decimals is None else decimals)


def _numbers(fields: Fields, *required: str, **defaults: float) -> dict[str, float] | None:
    """Return the numbers of a declaration by key, None where one is missing or wrong."""
    for key in required:
        if key not in fields.entries:
            fields.refuse(key, "is required")
    found = {key: fields.reader.number(fields.entries, key, fields.where) for key in (*required, *defaults)}
    numbers = {key: defaults.get(key) if number is None else number for key, number in found.items()}
    if any(number is None for number in numbers.values()):
        return None
    return {key: number for key, number in numbers.items() if number is not None}


def _not_negative(fields: Fields, numbers: dict[str, float], *keys: str) -> None:
    for key in keys:
        if numbers[key] < 0:
            fields.refuse(key, f"must not be negative, not {numbers[key]:g}")


def _gaussian(fields: Fields) -> Generator | None:
    form, numbers = _form(fields), _numbers(fields, "mean", "stddev")
    if numbers is None:
        return None
    _not_negative(fields, numbers, "stddev")
    return Gaussian(fields.interval, form, numbers["mean"], numbers["stddev"])


def _diurnal(fields: Fields) -> Generator | None:
    form = _form(fields)
    numbers = _numbers(fields, "baseline", "amplitude", "peak_hour", noise_stddev=0.0)
    if numbers is None:
        return None
    _not_negative(fields, numbers, "noise_stddev")
    if not 0 <= numbers["peak_hour"] < 24:
        fields.refuse("peak_hour", f"must lie within 0..23, not {numbers['peak_hour']:g}")
    return Diurnal(
        fields.interval,
        form,
        numbers["baseline"],
        numbers["amplitude"],
        numbers["peak_hour"],
        numbers["noise_stddev"],
    )


def _brownian(fields: Fields) -> Generator | None:
    form, entries = _form(fields), fields.entries
    infinite = float("inf")
    numbers = _numbers(
        fields, drift=0.0, volatility=0.0, mean_reversion=0.0, min=-infinite, max=infinite, start=0.0, mean=0.0
    )
    if numbers is None:
        return None
    _not_negative(fields, numbers, "volatility", "mean_reversion")
    if numbers["min"] >= numbers["max"]:
        fields.refuse("max", f"must be above min: {numbers['max']:g} is not above {numbers['min']:g}")
    start = numbers["start"] if "start" in entries else None
    # Without a mean it is drawn back to where it began; where that is the declared value, there is none to be drawn to.
    if numbers["mean_reversion"] and "mean" not in entries and start is None:
        fields.refuse("mean", "is required with mean_reversion, or start in its place")
    mean = numbers["mean"] if "mean" in entries else numbers["start"]
    return Brownian(
        fields.interval,
        form,
        start,
        numbers["drift"],
        numbers["volatility"],
        numbers["mean_reversion"],
        mean,
        numbers["min"],
        numbers["max"],
    )


def _markov(fields: Fields) -> Generator | None:
    reader, where, entries = fields.reader, fields.where, fields.entries
    texts = reader.texts(entries, "states", where)
    if not texts or len(texts) > MOST_STATES:
        if texts is not None or "states" not in entries:
            fields.refuse("states", f"must list 1 to {MOST_STATES} states")
        return None
    states = []
    for text, node in texts:
        try:
            states.append(canonical(fields.target, text))
        except LexicalError as error:
            reader.error(node, "bad-generator", f"{where}.states: {error}")
    if len(states) < len(texts):
        return None
    if len(set(states)) < len(states):
        fields.refuse("states", "must not list a state twice")
    rows = _matrix(fields, len(states))
    initial = reader.text(entries, "initial_state", where)
    if initial is not None and initial not in states:
        fields.refuse("initial_state", f"must be one of {', '.join(states)}, not {initial!r}")
        return None
    if rows is None:
        return None
    return Markov(fields.interval, tuple(states), rows, states.index(initial) if initial is not None else None)


def _matrix(fields: Fields, size: int) -> tuple[tuple[float, ...], ...] | None:
    """Return the running sums of each row of `transition_matrix`."""
    reader, entries = fields.reader, fields.entries
    nodes = reader.items(entries, "transition_matrix", fields.where)
    if nodes is None or len(nodes) != size:
        if nodes is not None or "transition_matrix" not in entries:
            fields.refuse("transition_matrix", f"must have {size} rows, one for each state")
        return None
    rows = []
    for position, node in enumerate(nodes):
        where = f"{fields.where}.transition_matrix[{position}]"
        if not reader.of_kind(node, SEQUENCE, where):
            continue
        chances = [reader.data(each) for each in node.items]
        if len(chances) != size or not all(type(each) in (int, float) and 0 <= each <= 1 for each in chances):
            reader.error(node, "bad-generator", f"{where} must hold {size} chances from 0 to 1")
        elif abs(sum(chances) - 1) > _SUM_TOLERANCE:
            reader.error(node, "bad-generator", f"{where} must add up to 1, not {sum(chances):g}")
        else:
            rows.append(tuple(accumulate(chances)))
    return tuple(rows) if len(rows) == size else None


def _static(fields: Fields) -> Generator | None:
    value = fields.reader.text(fields.entries, "value", fields.where)
    if value is None:
        if "value" not in fields.entries:
            fields.refuse("value", "is required")
        return None
    try:
        return Static(fields.interval, canonical(fields.target, value))
    except LexicalError as error:
        fields.refuse("value", f"does not fit: {error}")
        return None


def _constant(fields: Fields) -> Generator | None:
    value = number_of(fields.reader.text(fields.entries, "value", fields.where) or "")
    if value is None:
        fields.refuse("value", "must be a number, as part of a sum")
        return None
    return Constant(fields.interval, _form(fields), value)


def _composite(fields: Fields) -> Generator | None:
    form, reader = _form(fields), fields.reader
    nodes = reader.items(fields.entries, "parts", fields.where)
    if nodes is None or not 1 <= len(nodes) <= MOST_PARTS:
        if nodes is not None or "parts" not in fields.entries:
            fields.refuse("parts", f"must list 1 to {MOST_PARTS} generators")
        return None
    parts: list[Quantity | Brownian] = []
    for where, node, entries in each_mapping(reader, nodes, f"{fields.where}.parts", _PART_KEYS):
        kind = reader.text(entries, "type", where)
        if kind not in _PARTS:
            reader.error(node, "bad-generator", f"{where}.type must be one of {', '.join(_PARTS)}")
            continue
        inner = Fields(reader, node, entries, where, fields.target)
        inner.interval = fields.interval
        part = _PARTS[kind](inner)
        if isinstance(part, (Quantity, Brownian)):
            parts.append(part)
    if len(parts) < len([node for node in nodes if node.kind is MAPPING]):
        return None
    return Composite(fields.interval, form, tuple(parts), tuple(path_key(f"#{k}") for k in range(len(parts))))


_PARTS = {"gaussian": _gaussian, "diurnal": _diurnal, "static": _constant, "brownian": _brownian}
_NUMBERS = ("int", "unsignedInt", "string")
_TEXTS = ("string", "boolean")
_ANY = ("string", "int", "unsignedInt", "boolean", "dateTime", "base64")

KINDS: dict[str, Kind] = {
    **generator_fields.KINDS,
    "gaussian": Kind(_NUMBERS, ("mean", "stddev", "decimals"), _gaussian),
    "brownian": Kind(
        _NUMBERS,
        ("start", "drift", "volatility", "mean_reversion", "mean", "min", "max", "decimals"),
        _brownian,
    ),
    "diurnal": Kind(_NUMBERS, ("baseline", "amplitude", "peak_hour", "noise_stddev", "decimals"), _diurnal),
    "markov": Kind(_TEXTS, ("states", "transition_matrix", "initial_state"), _markov),
    "static": Kind(_ANY, ("value",), _static),
    "composite": Kind(_NUMBERS, ("parts", "decimals"), _composite),
}
"""Every kind of generator that `x-cpescript: generators` takes."""

KEYS: dict[str, Any] = dict.fromkeys(("type", "interval", *(knob for kind in KINDS.values() for knob in kind.knobs)))
_PART_KEYS = dict.fromkeys(("type", *(knob for name in _PARTS for knob in KINDS[name].knobs)))
