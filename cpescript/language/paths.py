"""Checks parameter paths: that a profile in question has them, and which was meant if none has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from cpescript.diagnostics import Span, did_you_mean
from cpescript.language.catalogue import PARAMETER_TYPES
from cpescript.language.context import Context
from cpescript.language.scope import Place
from cpescript.language.types import ANY
from cpescript.pattern import expression as px


class Paths:
    """Resolves parameter paths in a context."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def path(self, node: px.PathPattern, place: Place, cohorts: frozenset[str] | None) -> tuple[px.PathPattern, str]:
        """Return a path with its expressions resolved, and the type of each parameter that it names.

        A path that nobody has is reported.
        """
        parts = tuple(
            part
            if part is None or isinstance(part, str)
            else self.context.expressions.value(part, place, what="a part of a path")
            for part in node.parts
        )
        resolved = px.PathPattern(node.span, parts, node.partial)
        text = ".".join(part if isinstance(part, str) else "*" for part in parts) + ("." if node.partial else "")
        return resolved, self.known_path(text, node.span, cohorts, place)

    def known_path(self, text: str, span: Span, cohorts: frozenset[str] | None, place: Place) -> str:
        schemas = self.context.schemas(cohorts)
        if not schemas or place.lenient:
            return ANY
        having = self.context.having(text, schemas)
        if not having:
            self._unknown_path(text, span, schemas)
            return ANY
        types = {PARAMETER_TYPES.get(schema.type_of(text) or "", ANY) for schema in having}
        return types.pop() if len(types) == 1 else ANY

    def _unknown_path(self, text: str, span: Span, schemas: Iterable[Any]) -> None:
        schemas = list(schemas)
        if any(schema.path_exists(text + ".") for schema in schemas):
            self.context.bag.error(
                span, "unknown-path", f"{text} is an object, not a parameter", f"write '{text}.' for all below it"
            )
            return
        if any(schema.path_exists(text.rstrip(".")) for schema in schemas):
            self.context.bag.error(
                span, "unknown-path", f"{text.rstrip('.')} is a parameter, not an object", "take the last dot out"
            )
            return
        # Instance numbers are compared away: `…SSID.7.Enabel` is near `…SSID.1.Enable`.
        plain = _without_instances(text)
        known: dict[str, str] = {}
        for schema in schemas:
            for name in schema.all_names():
                known.setdefault(_without_instances(name), name)
        remedy = did_you_mean(plain, known)
        if remedy:
            remedy = f"did you mean '{_with_instances(remedy[14:-2], text)}'?"
        names = sorted({getattr(schema, "name", "") for schema in schemas} - {""})
        who = (
            f"profile '{names[0]}'" if len(names) == 1 else f"none of the profiles {', '.join(names)}" if names else ""
        )
        message = f"{who or 'no profile'} has {'no' if who.startswith('profile') else 'a'} parameter '{text}'"
        self.context.bag.error(span, "unknown-path", message, remedy)


_INSTANCE = re.compile(r"\.(?:\d+|\*)(?=\.)")


def _without_instances(path: str) -> str:
    return _INSTANCE.sub(".1", path)


def _with_instances(meant: str, written: str) -> str:
    """Put the instance numbers that were written into the path that was meant."""
    numbers = iter(_INSTANCE.findall(written))
    return _INSTANCE.sub(lambda match: next(numbers, match[0]), meant)
