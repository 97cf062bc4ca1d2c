"""Quirks as a profile declares them: names and plain data, brought to what the catalogue takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cpescript.diagnostics import did_you_mean
from cpescript.kernel.time import parse_duration
from cpescript.quirks.catalogue import QuirkError, catalogue


def arguments_of(name: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a declared quirk, texts of durations and numbers of texts as what the quirk takes.

    Raises QuirkError where there is no such quirk, or its arguments do not fit.
    """
    quirk = catalogue().get(name)
    if quirk is None:
        raise QuirkError(f"no quirk is called {name!r}; {did_you_mean(name, catalogue())}".rstrip("; "))
    types = {parameter.name: parameter.type for parameter in quirk.parameters}
    found = {}
    for key, value in declared.items():
        kind = types.get(key.replace("-", "_"))
        if kind == "duration" and isinstance(value, str):
            try:
                value = parse_duration(value)
            except ValueError as error:
                raise QuirkError(f"{key} of {name}: {error}") from None
        elif kind == "text" and isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        found[key] = value
    quirk.make(found)
    return found


def refusal(name: str, declared: Mapping[str, Any]) -> str:
    """Return what is wrong with a quirk that a profile declares, empty if nothing."""
    try:
        arguments_of(name, declared)
    except QuirkError as error:
        return str(error)
    return ""
