"""The report for programs: the result model as JSON, under a versioned schema (`report/schema.py` writes it down)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from cpescript.kernel.time import Duration, Instant, Percent, Size, TimeOfDay
from cpescript.results import SCHEMA, RunResult

_WRITTEN_AS_IN_A_SCENARIO = (Duration, Instant, Percent, Size, TimeOfDay)


def render(result: RunResult) -> str:
    """Return the report: an object with `schema` first, then the fields of `RunResult`. Times are as in the model."""
    document = {"schema": SCHEMA, **plain(result)}
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """Return `value` as what JSON has: dataclasses as objects, tuples as arrays, a duration as `15m`.

    What JSON has no word for (a target, a path) is written as text.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, _WRITTEN_AS_IN_A_SCENARIO):
        return str(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
