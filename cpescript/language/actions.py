"""Checks what is done: to devices (`spawn`, `reboot`, `set`, `inject`, …) and by orders to an ACS (`acs …`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cpescript.diagnostics import Span, did_you_mean
from cpescript.language import models, transports, tree
from cpescript.language import timeline as tl
from cpescript.language.catalogue import Schema
from cpescript.language.clauses import sorted_out
from cpescript.language.documents import template
from cpescript.language.headcount import number
from cpescript.language.not_yet import refuse
from cpescript.language.scope import Binding, Place
from cpescript.language.systems import known_call, known_system, named_inputs
from cpescript.language.types import fits
from cpescript.pattern import expression as px

if TYPE_CHECKING:
    from cpescript.language.statements import Blocks

Clauses = dict[str, tree.Clause]

_UNBUILT = {
    "inject-fault": "inject-fault",
    "remove-fault": "inject-fault",
    "send": "send",
    "start-telemetry": "telemetry",
    "stop-telemetry": "telemetry",
    "protocol": "protocol",
}
"""Verb to its row in `not_yet.NOT_YET`."""

_RESULTS = {"call": frozenset({"status", "body"})}
"""Stimulus to what its result has, where that is no message."""


class Actions:
    """Makes the steps of actions and stimuli."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.context = blocks.context
        self.bag = blocks.bag
        self.expressions = blocks.expressions

    # --- actions -----------------------------------------------------------------------------------------------------

    def spawn(self, node: tree.Spawn, place: Place) -> tl.Step:
        clauses = sorted_out("spawn", node.clauses, self.bag)
        count = self.expressions.value(node.count, place, "int", "how many devices")
        if isinstance(count, px.Literal_) and isinstance(count.value, int) and count.value < 1:
            self.bag.error(node.count.span, "bad-number", "at least one device is made")
        name = node.cohort.text
        profile, schemas = models.named(self.context, node.profile, place)
        self._cohort(node, place, schemas[0] if len(schemas) == 1 else None, count)
        self.context.cohorts[name] = schemas
        body: tuple[tl.Step, ...] = ()
        if node.body is not None:
            cohorts = frozenset({name})
            body = self.blocks.body(node.body, place.inner(device=True, cohorts=cohorts, block="with", where=None))
        return tl.Spawn(
            *self.blocks.head(node),
            count=count,
            profile=profile,
            cohort=name,
            over=self._duration(clauses, "over", place),
            body=body,
        )

    def _cohort(self, node: tree.Spawn, place: Place, schema: Schema | None, count: Any) -> None:
        word = node.cohort
        scope = self.blocks.cohort_scope
        known = place.scope.find(word.text) or scope.find(word.text)
        if known is not None and known.kind != "unknown":
            self.blocks.doubled(word, known)
            return
        if place.repeated:
            self.bag.error(
                word.span,
                "doubled-name",
                f"cohort '{word.text}' would be made again and again",
                "spawn it before, outside of what repeats",
            )
        cohort = Binding(word.text, "cohort", word.span, "devices", frozenset({word.text}), schema=schema, used=True)
        made = number(count)
        cohort.several = None if made is None else made > 1
        scope.bind(cohort)

    def action(self, node: tree.Action, place: Place) -> tl.Step | None:
        if refuse(self.bag, self.blocks.head(node)[0], _UNBUILT.get(node.verb, "")) and node.verb != "send":
            return None
        clauses = sorted_out(node.verb, node.clauses, self.bag)
        target, cohorts = self._target(node.operands.get("target"), clauses, place, self.blocks.head(node)[0])
        inner = place.of(cohorts, where=None)
        if node.verb == "transport":
            return transports.act(self.blocks, node, target, inner)
        arguments = {
            name: self._operand(name, value, inner, node)
            for name, value in node.operands.items()
            if name not in ("target", "arguments")
        }
        if node.verb in ("inject-quirk", "remove-quirk"):
            self._quirk(node, inner, arguments)
        if node.verb == "power-cycle" and "for" not in clauses:
            self.bag.error(self.blocks.head(node)[0], "no-length", "for how long is the power off?", "add 'for 2m'")
        if "for" in clauses:
            arguments["duration"] = self._duration(clauses, "for", inner)
        if node.verb == "stop":
            arguments["abruptly"] = "abruptly" in clauses
        if "event" in clauses:
            arguments["event"] = self.expressions.value(clauses["event"].value, inner, "text", "an event code")
        return tl.Act(
            *self.blocks.head(node),
            verb=node.verb,
            target=target,
            arguments=arguments,
            over=self._duration(clauses, "over", place),
        )

    def _operand(self, name: str, value: Any, place: Place, node: tree.Action | tree.Stimulus) -> Any:
        if name == "settings":
            return self._settings(value, place)
        if name == "paths":
            return tuple(self.context.paths.path(path, place, place.cohorts)[0] for path in value)
        if name == "path":
            return self._object(value, node.verb, place)
        if name == "name":
            return value.text
        if name == "value":
            wanted, what = ("text", "a serial number") if node.verb == "serial" else ("single", "a label")
            return self.expressions.value(value, place, wanted, what)
        text = self.expressions.value(value, place, "text", _OPERAND_NOUNS.get(name, "this"))
        if name == "file":
            template(text, self.context, self.bag)
        return text

    def _settings(self, pairs: Any, place: Place) -> tuple[tuple[px.PathPattern, Any], ...]:
        found = []
        seen: set[str] = set()
        for path, value in pairs:
            text = path.literal
            if text is not None and text in seen:
                self.bag.error(path.span, "doubled", f"'{text}' is set here twice", "once is enough")
            seen.add(text or "")
            if path.partial or None in path.parts:
                self.bag.error(
                    path.span,
                    "not-one",
                    "one parameter is set at a time",
                    "an object has no value" if path.partial else "write its number instead of '*'",
                )
                continue
            resolved, type_ = self.context.paths.path(path, place, place.cohorts)
            if type_ == "any":
                found.append((resolved, self.expressions.value(value, place, "single", "what is set")))
                continue
            equal = px.Binary(value.span, "==", px.Parameter(path.span, path), value)
            checked, _ = self.expressions.typed(equal, place)
            right = getattr(checked, "right", checked)
            found.append((resolved, self.expressions.needed(right, "any", "single", "what is set", place)))
        return tuple(found)

    def _object(self, path: px.PathPattern, verb: str, place: Place) -> px.PathPattern:
        if not path.partial:
            self.bag.error(
                path.span, "not-object", f"'{verb}' takes an object, whose path ends in a dot", f"write '{path}.'"
            )
            return path
        if verb == "add" and isinstance(path.parts[-1], str) and path.parts[-1].isdigit():
            self.bag.error(
                path.span, "not-object", "the device chooses the number of a new instance", "take the number out"
            )
        if verb == "delete" and isinstance(path.parts[-1], str) and not path.parts[-1].isdigit():
            message = "one instance is deleted, and this names none"
            self.bag.warning(path.span, "no-instance", message, f"with its number: {path}1.")
        return self.context.paths.path(path, place, place.cohorts)[0]

    def _quirk(self, node: tree.Action, place: Place, arguments: dict[str, Any]) -> None:
        word: tree.Word = node.operands["name"]
        known = self.context.catalogue.quirks.get(word.text)
        if known is None:
            self.bag.error(
                word.span,
                "unknown-quirk",
                f"no quirk is called '{word.text}'",
                did_you_mean(word.text, self.context.catalogue.quirks, "the reference has a page of all quirks"),
            )
        if node.verb == "remove-quirk":
            return
        given: dict[str, Any] = {}
        reported = len(self.bag.items)
        names = list(known.parameters) if known is not None else []
        for index, argument in enumerate(node.operands.get("arguments") or ()):
            name = argument.name.text if argument.name is not None else (names[index] if index < len(names) else "")
            name = name.replace("-", "_")
            value, type_ = self.expressions.typed(argument.value, place)
            if known is None:
                continue
            span = argument.name.span if argument.name is not None else argument.span
            if name not in known.parameters:
                shown = f"'{name}'" if name else "so many arguments"
                self.bag.error(
                    span,
                    "arguments",
                    f"quirk '{word.text}' does not take {shown}",
                    did_you_mean(name, names, f"it takes {', '.join(names)}" if names else "it takes none"),
                )
            elif name in given:
                self.bag.error(span, "doubled", f"'{name}' stands here twice", "each argument once")
            elif not fits(type_, known.parameters[name]):
                self.expressions.mismatch(argument.value, type_, known.parameters[name], f"'{name}'")
            else:
                given[name] = self.expressions.needed(value, type_, known.parameters[name], f"'{name}'", place)
        arguments["arguments"] = given
        if known is None or len(self.bag.items) > reported:
            return
        for name in sorted(known.required - set(given)):
            self.bag.error(
                word.span, "arguments", f"quirk '{word.text}' needs '{name}'", f"write {word.text}({name}: …)"
            )
        if known.required <= set(given) and all(isinstance(value, px.Literal_) for value in given.values()):
            refusal = known.refusal({name: value.value for name, value in given.items()})
            if refusal:
                self.bag.error(node.span, "arguments", refusal)

    # --- stimuli -----------------------------------------------------------------------------------------------------

    def stimulus(self, node: tree.Stimulus, place: Place) -> tl.Step | None:
        if not known_system(self.context, node.system, node.verb):
            return None
        statement = f"acs {node.verb}"
        head = self.blocks.head(node)
        if node.verb == "operate":
            refuse(self.bag, head[0], "operate")
            return None
        clauses = sorted_out(statement, node.clauses, self.bag)
        if node.verb == "call" and "on" not in clauses:
            target, cohorts = None, place.cohorts
            inner = place
        else:
            target, cohorts = self._target(node.operands.get("target"), clauses, place, head[0])
            inner = place.of(cohorts, where=None)
        arguments: dict[str, Any] = {}
        for name, value in node.operands.items():
            if name == "arguments":
                arguments["inputs"] = named_inputs(self.context, value or (), inner)
            elif name != "target":
                arguments[name] = self._operand(name, value, inner, node)
        if node.verb == "call":
            known_call(self.context, node.system, node.operands["name"], node.operands.get("arguments") or ())
        self._transfer(node, clauses, arguments, inner, head[0])
        capture = None
        if "as" in clauses:
            capture = self._result(node, clauses["as"].value, place)
        return tl.Stimulus(*head, node.system.text, node.verb, target, arguments, capture)

    def _transfer(
        self, node: tree.Stimulus, clauses: Clauses, arguments: dict[str, Any], place: Place, head: Span
    ) -> None:
        if "url" in clauses:
            if "firmware" in node.operands:
                self.bag.error(
                    clauses["url"].span, "wrong-clause", "a firmware image's URL is known already", "take the 'url' out"
                )
                return
            arguments["url"] = self.expressions.value(clauses["url"].value, place, "text", "what follows 'url'")
        elif "file_type" in node.operands and node.verb == "download":
            self.bag.error(head, "no-url", "where shall the device fetch the file?", 'add `url "https://…"`')

    def _result(self, node: tree.Stimulus, word: tree.Word, place: Place) -> str:
        message = self.context.catalogue.messages.get("AddObjectResponse") if node.verb == "add" else None
        if message is not None:
            binding = Binding(word.text, "capture", word.span, message=message)
        else:
            binding = Binding(word.text, "result", word.span, fields=_RESULTS.get(node.verb))
        self.blocks.bind(word, binding, place.scope)
        return word.text

    # --- both --------------------------------------------------------------------------------------------------------

    def _target(
        self, direct: Any, clauses: Clauses, place: Place, head: Span
    ) -> tuple[px.Target, frozenset[str] | None]:
        """Return the devices that a statement is about: its operand, its `on`, or the device in question."""
        if direct is not None:
            return self.context.targets.target(direct, place)
        on = clauses.get("on")
        if on is not None:
            if on.value.quantifier is not None:
                self.bag.error(
                    on.value.quantifier.span,
                    "quantifier",
                    "what is done is done to all of them",
                    f"take '{on.value.quantifier.kind}' out; a number is drawn by `5 of fleet`",
                )
            return self.context.targets.target(on.value.target, place)
        if not place.device and not place.lenient:
            self.bag.error(head, "no-devices", "to which devices?", "add 'on fleet'")
        return px.Device(head), place.cohorts

    def _duration(self, clauses: Clauses, kind: str, place: Place) -> Any:
        if kind not in clauses:
            return None
        return self.expressions.value(clauses[kind].value, place, "duration", f"what follows '{kind}'")


_OPERAND_NOUNS = {"firmware": "a firmware version", "file_type": "a file type", "file": "a file name"}
