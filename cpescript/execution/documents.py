"""Hand-written messages of a scenario: templates beside the file that names them, rendered for a device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cpescript.language import timeline as tl
from cpescript.pattern.evaluate import EvaluationError, Facts, Scope
from cpescript.pattern.values import text
from cpescript.templates import Template, TemplateError, load_template


class Documents:
    """The templates of one run, each read once."""

    def __init__(self) -> None:
        self._known: dict[Path, Template] = {}

    def render(self, step: tl.Step, name: Any, scope: Scope, message: Any = None) -> bytes:
        """Return what the template `name` says for the device of `scope`; `message` is the request that it answers.

        Raises EvaluationError, which names the line of the template.
        """
        facts, device = scope.facts, scope.device
        assert device is not None
        session = facts.attribute(device, "session")
        values: dict[str, Any] = {
            "device": _Device(facts, device),
            "parameter": lambda path: text(facts.parameter(device, path)),
            "now": text(facts.attribute(device, "now")),
            "session": session,
            "id": str(session),
        }
        if message is not None:
            values |= {"message": _Fields(message), "id": getattr(message, "id", None) or str(session)}
        try:
            return self._template(step, Path(step.span.source).parent / text(name)).render(values)
        except TemplateError as error:
            raise EvaluationError(step.span, f"{error.span.place}: {error.message}", error.remedy) from error

    def _template(self, step: tl.Step, path: Path) -> Template:
        if path not in self._known:
            template, bag = load_template(path)
            if template is None:
                first = next(iter(bag))
                raise EvaluationError(step.span, f"{first.span.place}: {first.message}", first.remedy)
            self._known[path] = template
        return self._known[path]


class _Device:
    """`device.serial` and so on, worked out when asked for."""

    __slots__ = ("_facts", "_number")

    def __init__(self, facts: Facts, number: int) -> None:
        self._facts = facts
        self._number = number

    def __getattr__(self, name: str) -> Any:
        try:
            return self._facts.attribute(self._number, name)
        except KeyError:
            raise AttributeError(name) from None


class _Fields:
    """`message.command_key` and so on."""

    __slots__ = ("_message",)

    def __init__(self, message: Any) -> None:
        self._message = message

    def __getattr__(self, name: str) -> Any:
        try:
            return self._message.field(name)
        except KeyError:
            raise AttributeError(name) from None
