"""The JSON Schema of the JSON report, drawn from the result model's own types so that it cannot drift from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from cpescript.results import SCHEMA, RunResult

_SIMPLE: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    Any: {},
}


def document() -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12) of what `report.json.render` writes."""
    definitions: dict[str, Any] = {}
    _define(RunResult, definitions)
    root = definitions.pop("RunResult")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A report of cpescript run",
        "type": "object",
        "required": ["schema", *root["required"]],
        "properties": {"schema": {"const": SCHEMA}, **root["properties"]},
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


def render() -> str:
    """Return the schema as text."""
    return json.dumps(document(), indent=2) + "\n"


def _define(kind: type, definitions: dict[str, Any]) -> None:
    definitions[kind.__name__] = {}  # taken, so that a kind that holds itself ends
    hints = get_type_hints(kind)
    out: dict[str, Any] = {
        "type": "object",
        "required": [field.name for field in fields(kind)],
        "properties": {field.name: _schema(hints[field.name], definitions) for field in fields(kind)},
        "additionalProperties": False,
    }
    for field in fields(kind):
        if field.default is not MISSING and isinstance(field.default, (str, bool)):
            out["properties"][field.name] = {**out["properties"][field.name], "default": field.default}
    definitions[kind.__name__] = out


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is UnionType:
        return {"anyOf": [_schema(argument, definitions) for argument in arguments]}
    if origin is tuple and arguments[-1] is Ellipsis:
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    if origin is tuple:
        return {"type": "array", "prefixItems": [_schema(one, definitions) for one in arguments], "items": False}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}
    if is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in definitions:
            _define(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    raise TypeError(f"the result model has a field of a kind that a report cannot carry: {hint}")
