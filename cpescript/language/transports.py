"""Checks `transport …` in a `with:` block: how the devices being made reach the ACS, and are reached by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cpescript.diagnostics import did_you_mean
from cpescript.language import timeline as tl
from cpescript.language import tree
from cpescript.language.context import folder
from cpescript.language.types import fits
from cpescript.pattern import expression as px

if TYPE_CHECKING:
    from cpescript.language.scope import Place
    from cpescript.language.statements import Blocks

TRANSPORTS: dict[str, dict[str, str]] = {
    "nat": {"stun": "bool", "binding": "duration"},
    "xmpp": {},
    "tls": {"client_cert": "text"},
}
"""Name to its arguments, all of which may be left out, and their types."""
_FILES = frozenset({"client_cert"})
"""Arguments that name a file; a name that is written out is looked for at once."""


def act(blocks: Blocks, node: tree.Action, target: Any, place: Place) -> tl.Step | None:
    """Return the step of a `transport` statement, None where something was reported."""
    word, bag, given = node.operands["name"], blocks.bag, {}
    known = TRANSPORTS.get(word.text)
    if known is None:
        remedy = did_you_mean(word.text, TRANSPORTS, f"there is {' and '.join(TRANSPORTS)}")
        bag.error(word.span, "unknown-transport", f"no transport is called '{word.text}'", remedy)
        return None
    names = list(known)
    for index, argument in enumerate(node.operands.get("arguments") or ()):
        name = argument.name.text if argument.name is not None else (names[index] if index < len(names) else "")
        span = argument.name.span if argument.name is not None else argument.span
        value, type_ = blocks.expressions.typed(argument.value, place)
        if name not in known:
            shown = f"'{name}'" if name else "so many arguments"
            remedy = did_you_mean(name, names, f"it takes {', '.join(names)}")
            bag.error(span, "arguments", f"transport '{word.text}' does not take {shown}", remedy)
        elif name in given:
            bag.error(span, "doubled", f"'{name}' stands here twice", "each argument once")
        elif not fits(type_, known[name]):
            blocks.expressions.mismatch(argument.value, type_, known[name], f"'{name}'")
        else:
            given[name] = value
            written = isinstance(value, px.Literal_) and isinstance(value.value, str)
            if name in _FILES and written and not (folder(value.span) / value.value).is_file():
                message = f"there is no file '{value.value}'"
                bag.error(value.span, "missing-file", message, "the path is relative to this file")
    arguments = {"name": word.text, "arguments": given}
    return tl.Act(*blocks.head(node), verb=node.verb, target=target, arguments=arguments, over=None)
