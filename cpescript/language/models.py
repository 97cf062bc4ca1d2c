"""Profiles that a param or a matrix value names: one scenario for several models, each case checked with its own.

A file is first checked with every such profile in question: a path has to be one of any of them. A case is then checked
again with the profile that its values say (`Context.chosen`), where each path has to be one of that profile, but for
the branches that these values never take.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cpescript.diagnostics import Bag
from cpescript.language import tree
from cpescript.language.catalogue import Schema
from cpescript.language.context import Context
from cpescript.language.folding import Folder, constant, plain
from cpescript.language.scope import Binding, Place, Scope
from cpescript.language.types import fits, noun
from cpescript.pattern import expression as px

MOST_MODELS = 100
"""Values of a matrix that are looked at before its cases are."""


def candidates(
    matrix: Iterable[tree.Matrix], defaults: Mapping[str, Any], context: Context
) -> Mapping[str, Sequence[str]]:
    """Return the texts that params and the values of a matrix can be, as far as the file says; by name.

    `defaults` are the values of params that nobody gives.
    """
    found = {name: [value] for name, value in defaults.items() if isinstance(value, str)}
    folder = Folder(defaults, context, Bag())
    for column in matrix:
        values = folder.fold(column.values)
        known = plain(values) if isinstance(values, px.ListNode) and constant(values) else []
        texts = [value for value in known[:MOST_MODELS] if isinstance(value, str)]
        found[column.name.text] = list(dict.fromkeys(texts))
    return found


def variable(word: tree.Word, scope: Scope) -> Binding | None:
    """Return what is bound to the name of a profile where that is a param or a matrix value, None for a plain name."""
    binding = scope.find(word.text)
    return binding if binding is not None and binding.static else None


def named(context: Context, word: tree.Word, place: Place) -> tuple[str, tuple[Schema, ...]]:
    """Return the name of the profile that a `spawn` says, and the schemas that its devices can have.

    Where a param or a matrix value says it, and no case is in hand, the name is that of the value.
    """
    binding = variable(word, place.scope)
    if binding is None:
        context.symbols.refer("profile", word.text, word.span)
        schema = context.profile(word.text, word.span)
        return word.text, (schema,) if schema is not None else ()
    binding.use(word.span)
    context.varied.add(word.text)
    if not fits(binding.type, "text"):
        context.bag.error(word.span, "wrong-type", f"a profile is named by a text, not by {noun(binding.type)}")
        return word.text, ()
    chosen = context.chosen.get(word.text)
    if chosen is not None:
        schema = context.profile(chosen, word.span)
        return chosen, (schema,) if schema is not None else ()
    possible = [context.profile(name, word.span) for name in context.candidates.get(word.text, ())]
    found = tuple(schema for schema in possible if schema is not None)
    return word.text, found if len(found) == len(possible) else ()


def decided(context: Context, condition: Any, scope: Scope) -> bool | None:
    """Return what a condition is for the profiles of the case in hand, None where it depends on something else."""
    if not context.chosen:
        return None
    values = {name: value for name, value in context.chosen.items() if (known := scope.find(name)) and known.static}
    return _decided(Folder(values, context, Bag()).fold(condition))


def _decided(node: Any) -> bool | None:
    if isinstance(node, px.Literal_):
        return node.value if isinstance(node.value, bool) else None
    if isinstance(node, px.Unary) and node.operator == "not":
        inner = _decided(node.operand)
        return None if inner is None else not inner
    if isinstance(node, px.Binary) and node.operator in ("and", "or"):
        parts, strong = [_decided(node.left), _decided(node.right)], node.operator == "or"
        return strong if strong in parts else None if None in parts else not strong
    return None
