"""Checks parameter paths: that a profile in question has them, and which was meant if none has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from cpescript.diagnostics import Span, nearest, some
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
            else self.context.expressions.value(part, place, "single", "a part of a path")
            for part in node.parts
        )
        resolved = px.PathPattern(node.span, parts, node.partial)
        text = ".".join(part if isinstance(part, str) else "*" for part in parts) + ("." if node.partial else "")
        return resolved, self.known_path(text, node.span, cohorts, place)

    def known_path(self, text: str, span: Span, cohorts: frozenset[str] | None, place: Place) -> str:
        # What another model's cases do is asked of what they have.
        schemas = self.context.everyone if place.untaken else self.context.schemas(cohorts)
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
        names = sorted({getattr(schema, "name", "") for schema in schemas} - {""})
        who = (
            f"profile '{names[0]}'" if len(names) == 1 else f"none of the profiles {', '.join(names)}" if names else ""
        )
        message = f"{who or 'no profile'} has {'no' if who.startswith('profile') else 'a'} parameter '{text}'"
        remedy = self._having(text) or _nearest(text, schemas) or _rooted(text, schemas)
        self.context.bag.error(span, "unknown-path", message, remedy)

    def _having(self, text: str) -> str:
        """Return what to do about a path that the profile of the case in hand has not, but that of another case."""
        if not self.context.chosen:
            return ""
        others = {getattr(schema, "name", "") for schema in self.context.having(text, self.context.everyone)}
        return f"{', '.join(sorted(others))} has: put it behind an 'if'" if others else ""


def _nearest(text: str, schemas: Iterable[Any]) -> str:
    """Return which path of the profiles was meant; instance numbers are compared away: `…SSID.7.Enabel` is near
    `…SSID.1.Enable`."""
    known = {_without_instances(name) for schema in schemas for name in schema.all_names()}
    meant = nearest(_without_instances(text), known)
    return f"did you mean '{_with_instances(meant, text)}'?" if meant else ""


def _rooted(text: str, schemas: Iterable[Any]) -> str:
    """Return how parameters of the profiles begin, where a path is one of the other data model."""
    roots = {f"{name.partition('.')[0]}." for schema in schemas for name in schema.all_names()}
    return "" if text.startswith(tuple(roots)) else some("its parameters begin with", (f"'{root}'" for root in roots))


_INSTANCE = re.compile(r"\.(?:\d+|\*)(?=\.)")


def _without_instances(path: str) -> str:
    return _INSTANCE.sub(".1", path)


def _with_instances(meant: str, written: str) -> str:
    """Put the instance numbers that were written into the path that was meant."""
    numbers = iter(_INSTANCE.findall(written))
    return _INSTANCE.sub(lambda match: next(numbers, match[0]), meant)
