"""Checks `define` and `do`: a procedure is checked once, where it is first needed, and each call against its head."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cpescript.diagnostics import Span, did_you_mean
from cpescript.language import timeline as tl
from cpescript.language import tree
from cpescript.language.catalogue import Schema
from cpescript.language.scope import Binding, Place, Scope
from cpescript.language.types import ANY, PARAM_TYPES, fits, type_remedy

if TYPE_CHECKING:
    from cpescript.language.statements import Blocks


@dataclass(slots=True)
class Known:
    """A procedure: its syntax, and what checking it gave. `cohorts` are those that it spawns."""

    node: tree.Define
    procedure: tl.Procedure | None = None
    types: dict[str, str] = field(default_factory=dict)
    cohorts: dict[str, tuple[Span, tuple[Schema, ...]]] = field(default_factory=dict)
    busy: bool = False
    height: int = 1
    """How deep blocks nest in it, those of procedures that it runs included."""


class Procedures:
    """The procedures of a program, by name."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.bag = blocks.bag
        self.known: dict[str, Known] = {}
        self.globals = Scope()
        """What a procedure sees besides its arguments: the file's params."""

    def declare(self, node: tree.Define) -> None:
        word = node.name
        known = self.known.get(word.text)
        if known is not None:
            self.bag.error(
                word.span,
                "doubled-name",
                f"'{word.text}' is defined already (line {known.node.span.line})",
                "take another name",
            )
            return
        self.known[word.text] = Known(node)
        signature = f"{word.text}({', '.join(map(_formal, node.formals))})"
        doc = tree.docstring_text(node.body.docstring)
        self.blocks.context.symbols.declare("define", word.text, word.span, signature=signature, doc=doc)

    def check_all(self) -> None:
        """Check every procedure, also those that nothing runs."""
        for known in self.known.values():
            self._check(known)

    def _check(self, known: Known) -> None:
        if known.procedure is not None or known.busy:
            return
        known.busy = True
        blocks, context, node = self.blocks, self.blocks.context, known.node
        outer = (context.cohorts, blocks.cohort_scope, context.later)
        deepest, blocks.deepest = blocks.deepest, blocks.depth
        context.cohorts, context.later = {}, {}
        blocks.cohort_scope = Scope(self.globals, node.body.span)
        scope = Scope(blocks.cohort_scope, node.span)
        place = Place(scope, block="define", procedure=True)
        defaults = self._formals(node, known, place)
        body = blocks.steps(node.body.lines, place)
        final = self._final(node, place)
        known.cohorts = {
            name: (binding.span, context.cohorts.get(name, ()))
            for name, binding in blocks.cohort_scope.table.items()
            if binding.kind == "cohort"
        }
        context.cohorts, blocks.cohort_scope, context.later = outer
        known.height = blocks.deepest - blocks.depth
        blocks.deepest = max(deepest, blocks.deepest)
        names = tuple(formal.name.text for formal in node.formals)
        for name, type_ in known.types.items():
            binding = scope.table[name]
            known.types[name] = binding.meant if type_ == ANY and binding.meant else type_
        known.procedure = tl.Procedure(node.name.text, names, defaults, body, final)
        known.busy = False

    def _final(self, node: tree.Define, place: Place) -> tuple[tl.Step, ...]:
        found = [line for line in node.body.lines if isinstance(line, tree.Finally)]
        return final_steps(self.blocks, found, node.body, place.inner(block="flow")) if found else ()

    def _formals(self, node: tree.Define, known: Known, place: Place) -> dict[str, Any]:
        defaults: dict[str, Any] = {}
        optional = False
        for formal in node.formals:
            word = formal.name
            type_ = formal.type.text if formal.type is not None else ANY
            if formal.type is not None and type_ not in PARAM_TYPES:
                self.bag.error(
                    formal.type.span,
                    "unknown-type",
                    f"no type is called '{type_}'",
                    type_remedy(type_),
                )
                type_ = ANY
            if formal.default is not None:
                optional = True
                value, found = self.blocks.expressions.either(formal.default, Place(self.globals))
                if not fits(found.type, type_):
                    self.blocks.expressions.mismatch(formal.default, found.type, type_, f"'{word.text}'")
                defaults[word.text] = value
                type_ = found.type if type_ == ANY else type_
            elif optional:
                self.bag.error(
                    word.span, "arguments", f"'{word.text}' has no default, but one before it has", "put it first"
                )
            known.types[word.text] = type_
            if word.text in place.scope.table:
                self.blocks.doubled(word, place.scope.table[word.text])
            else:
                # An argument may hide a param: a library does not know the params of those who use it.
                place.scope.hide(Binding(word.text, "argument", word.span, type_, used=True))
        return defaults

    def do(self, node: tree.Do, place: Place) -> tl.Step | None:
        word = node.name
        known = self.known.get(word.text)
        self.blocks.context.symbols.refer("define", word.text, word.span)
        if known is None:
            if not place.lenient:
                self.bag.error(
                    word.span,
                    "unknown-procedure",
                    f"no `define` is called '{word.text}'",
                    did_you_mean(word.text, self.known),
                )
            for argument in node.arguments:
                self.blocks.expressions.either(argument.value, place)
            return None
        if known.busy:
            self.bag.error(word.span, "recursion", f"'{word.text}' runs itself", "repeat it by `repeat`")
            return None
        self._check(known)
        self.blocks.reach(known.height, node)
        arguments = self._arguments(node, known, place)
        for name, (span, schemas) in known.cohorts.items():
            bound = place.scope.find(name) or self.blocks.cohort_scope.find(name)
            if bound is not None and bound.kind != "unknown":
                self.bag.error(
                    word.span,
                    "doubled-name",
                    f"this spawns '{name}', which is {_what(bound)} already",
                    "take another name there",
                )
                continue
            self.blocks.cohort_scope.bind(
                Binding(
                    name,
                    "cohort",
                    span,
                    "devices",
                    frozenset({name}),
                    schema=schemas[0] if len(schemas) == 1 else None,
                    used=True,
                )
            )
            self.blocks.context.cohorts[name] = schemas
        return tl.Do(*self.blocks.head(node), procedure=word.text, arguments=arguments)

    def _arguments(self, node: tree.Do, known: Known, place: Place) -> dict[str, Any]:
        names = [formal.name.text for formal in known.node.formals]
        given: dict[str, Any] = {}
        for index, argument in enumerate(node.arguments):
            value, found = self.blocks.expressions.either(argument.value, place)
            if argument.name is not None:
                name, span = argument.name.text, argument.name.span
            else:
                name, span = names[index] if index < len(names) else "", argument.span
            if name not in names:
                message = (
                    f"'{known.node.name.text}' takes no '{name}'"
                    if name
                    else (f"'{known.node.name.text}' takes {len(names)} argument{'s' if len(names) != 1 else ''}")
                )
                remedy = f"write {known.node.name.text}({', '.join(names)})"
                self.bag.error(span, "arguments", message, did_you_mean(name, names, remedy) if name else remedy)
            elif name in given:
                self.bag.error(span, "doubled", f"'{name}' is given twice", "each argument once")
            else:
                if not fits(found.type, known.types[name]):
                    self.blocks.expressions.mismatch(argument.value, found.type, known.types[name], f"'{name}'")
                given[name] = self.blocks.expressions.needed(value, found.type, known.types[name], f"'{name}'", place)
        for formal in known.node.formals:
            if formal.default is None and formal.name.text not in given:
                self.bag.error(
                    node.name.span,
                    "arguments",
                    f"'{known.node.name.text}' needs '{formal.name.text}'",
                    f"write {known.node.name.text}({', '.join(names)})",
                )
        return given


def final_steps(blocks: Blocks, found: list[tree.Finally], body: tree.Body, place: Place) -> tuple[tl.Step, ...]:
    """Return the steps of `finally:`; report a second one, and one that is not last."""
    for extra in found[1:]:
        blocks.bag.error(blocks.head(extra)[0], "doubled", "'finally' stands here twice", "put both into one")
    if body.lines and body.lines[-1] is not found[-1]:
        blocks.bag.error(blocks.head(found[0])[0], "misplaced", "'finally' stands last", "move it to the end")
    return blocks.body(found[0].body, place)


def _formal(node: tree.Formal) -> str:
    """Return an argument as a signature shows it."""
    type_ = f": {node.type.text}" if node.type is not None else ""
    return f"{node.name.text}{type_}{' = …' if node.default is not None else ''}"


def _what(binding: Binding) -> str:
    return {"param": "a param", "cohort": "a cohort"}.get(binding.kind, "a name")
