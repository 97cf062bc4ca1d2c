"""Checks who is spoken to: the ACS under test, or another system that the file names, and what it can be called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cpescript.diagnostics import did_you_mean
from cpescript.language import tree
from cpescript.language.catalogue import MessageType
from cpescript.language.context import Context
from cpescript.language.scope import Place

UNDER_TEST = "acs"
"""The name of the ACS under test: what its adapter can do is known when a run is put together, not here."""

ANSWER = MessageType("the answer", frozenset(), {"status": "int", "body": "any"}, protocol="any")
"""What a call is answered with: what stands behind `where` of a claim about it may name these."""


def known_system(context: Context, word: tree.Word, verb: str) -> bool:
    """Whether a system of that name is there; reports it if not, and a verb (`sees` for a belief) that it lacks."""
    if word.text == UNDER_TEST:
        return True
    known = context.systems.get(word.text)
    if known is None:
        context.bag.error(
            word.span,
            "unknown-system",
            f"no system is called '{word.text}'",
            did_you_mean(word.text, [*context.systems, UNDER_TEST], f'name it first: acs {word.text} = "adapter.yaml"'),
        )
        return False
    context.symbols.refer("system", word.text, word.span)
    if known.type is not None:
        can = known.type.beliefs if verb == "sees" else verb in known.type.verbs
        if not can:
            shown = ", ".join(sorted(known.type.verbs)) or "nothing"
            context.bag.error(word.span, "unknown-verb", f"'{word.text}' knows no '{verb}'", f"it knows {shown}")
    return True


def known_call(context: Context, word: tree.Word, name: tree.Word, given: Sequence[tree.Argument]) -> None:
    """Report a call that a system's adapter does not define, and arguments that the call does not take or lacks."""
    known = context.systems.get(word.text)
    calls: Mapping[str, Any] | None = known.type.calls if known is not None and known.type is not None else None
    if calls is None:
        return
    takes = calls.get(name.text)
    if takes is None:
        context.bag.error(
            name.span,
            "unknown-call",
            f"'{word.text}' has no call '{name.text}'",
            did_you_mean(name.text, calls, f"it has {', '.join(sorted(calls)) or 'none'}"),
        )
        return
    for argument in given:
        if argument.name is not None and argument.name.text not in takes:
            context.bag.error(
                argument.name.span,
                "arguments",
                f"call '{name.text}' takes no '{argument.name.text}'",
                did_you_mean(argument.name.text, takes, f"it takes {', '.join(takes) or 'nothing'}"),
            )
    named = {argument.name.text for argument in given if argument.name is not None}
    if named - set(takes):
        return  # the one that is missing is likely one that was misspelt
    for missing in [each for each in takes if each not in named]:
        context.bag.error(name.span, "arguments", f"call '{name.text}' needs '{missing}'", f"write {missing}: …")


def named_inputs(context: Context, given: Sequence[tree.Argument], place: Place) -> dict[str, Any]:
    """Return what a system is called with, resolved, by name."""
    found: dict[str, Any] = {}
    for argument in given:
        value = context.expressions.value(argument.value, place, "written", "what a system is called with")
        if argument.name is None:
            context.bag.error(argument.span, "arguments", "what an ACS is called with has names", "write name: value")
        elif argument.name.text in found:
            context.bag.error(
                argument.name.span, "doubled", f"'{argument.name.text}' stands here twice", "each argument once"
            )
        else:
            found[argument.name.text] = value
    return found
