"""Checks message patterns: the message's name, the paths and settings behind it, and its `where`."""

from __future__ import annotations

from typing import Any

from cpescript.diagnostics import did_you_mean
from cpescript.language import tree
from cpescript.language.catalogue import MessageType
from cpescript.language.context import Context
from cpescript.language.not_yet import refuse
from cpescript.language.scope import BindingKind, Place
from cpescript.pattern import expression as px
from cpescript.pattern.walking import walk

_LASTING: frozenset[BindingKind] = frozenset(("param", "case", "cohort"))
"""Names that mean the same wherever they stand."""


class Patterns:
    """Resolves message patterns in a context."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.bag = context.bag

    def message(self, word: tree.Word, place: Place) -> MessageType | None:
        """Return the message of a name, or None after reporting it."""
        known = self.context.catalogue.messages.get(word.text)
        if known is None:
            if not place.lenient:
                self.bag.error(
                    word.span,
                    "unknown-message",
                    f"no message is called '{word.text}'",
                    _event(word.text) or did_you_mean(word.text, self.context.catalogue.messages),
                )
            return None
        if known.protocol == "usp":
            refuse(self.bag, word.span, "usp-message")
        return known

    def pattern(self, node: tree.Pattern, place: Place) -> px.MessagePattern:
        """Return a resolved pattern. Its paths are checked against the cohorts of the place."""
        message = self.message(node.kind, place)
        inner = place.of(place.cohorts, where=None)
        settings = tuple(self._setting(setting, message, inner) for setting in node.settings)
        where = None
        if node.where is not None:
            if message is None:
                asked: Place = place.of(place.cohorts, lenient=True)
            else:
                asked = place.of(place.cohorts, where=message)
            where = self.context.expressions.value(node.where, asked, "bool", "what follows 'where'")
        name = message.name if message is not None else node.kind.text
        kinds = message.kinds if message is not None else frozenset({name})
        return px.MessagePattern(node.span, name, kinds, settings, where, late_names((settings, where), place))

    def _setting(self, setting: px.Setting, message: MessageType | None, place: Place) -> px.Setting:
        if message is not None:
            if message.carries == "nothing":
                self.bag.error(
                    setting.span, "no-paths", f"{message.name} speaks of no parameter", "ask its elements by `where`"
                )
            elif setting.value is not None and message.carries == "paths":
                self.bag.error(
                    setting.span,
                    "no-values",
                    f"{message.name} carries no values, only paths",
                    f"write `{message.name} {setting.path}`",
                )
        path, type_ = self.context.paths.path(setting.path, place, place.cohorts)
        value = setting.value
        if value is not None:
            equal = px.Binary(setting.span, "==", px.Parameter(setting.path.span, setting.path), value)
            if type_ == "any":
                value = self.context.expressions.value(value, place, "single", "what is set")
            else:
                checked, _ = self.context.expressions.typed(equal, place)
                value = checked.right
        return px.Setting(setting.span, path, value)


_EVENTS = {
    "BOOTSTRAP": "0 BOOTSTRAP",
    "BOOT": "1 BOOT",
    "PERIODIC": "2 PERIODIC",
    "SCHEDULED": "3 SCHEDULED",
    "Boot": "1 BOOT",
    "Bootstrap": "0 BOOTSTRAP",
    "Periodic": "2 PERIODIC",
}
"""Events that are taken for messages (TR-069 3.7.1.5)."""


def _event(name: str) -> str:
    return f"write 'Inform where events contains \"{_EVENTS[name]}\"'" if name in _EVENTS else ""


def late_names(nodes: Any, place: Place) -> frozenset[str]:
    """Return the names in a pattern that are bound while running: neither params nor devices that were spawned."""
    named = [node for node in walk(nodes) if isinstance(node, (px.Name, px.Cohort, px.Message))]
    names = {px.MESSAGE if isinstance(node, px.Message) else node.name for node in named}
    bound = {name: place.scope.find(name) for name in names}
    return frozenset(name for name, known in bound.items() if known is None or known.kind not in _LASTING)
