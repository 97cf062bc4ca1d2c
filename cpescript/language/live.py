"""Statements that come one after the other, as a Python author writes them: checked as if they stood in one block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cpescript.device.states import STATES
from cpescript.diagnostics import Bag, Span
from cpescript.language import timeline as tl
from cpescript.language import tree
from cpescript.language.catalogue import Catalogue
from cpescript.language.context import Context
from cpescript.language.folding import Folder
from cpescript.language.loader import load_text
from cpescript.language.parser import parse
from cpescript.language.program import interest_of
from cpescript.language.scope import Place, Scope
from cpescript.language.statements import LIVE, Blocks
from cpescript.language.verify import verify
from cpescript.pattern import expression as px
from cpescript.pattern.walking import walk


class Live:
    """The names of a block that grows: cohorts, `let`s, captures, procedures. Paths are relative to `folder`."""

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        self._folder = folder
        self._catalogue = catalogue
        self._bag = Bag()
        self._context = Context(catalogue, self._bag)
        self._blocks = Blocks(self._context)
        self._globals = Scope()
        self._blocks.cohort_scope = Scope(self._globals)
        self._blocks.procedures.globals = self._globals
        self._place = Place(Scope(self._blocks.cohort_scope), block=LIVE)
        self._count = 0
        self._profiles: dict[str, Any] = {}
        self.sources: dict[str, str] = self._bag.sources
        """Every text so far, by the made-up file name that spans carry."""

    def timeline(self, name: str, settings: str) -> tuple[tl.Timeline | None, Bag]:
        """Return a timeline without a step, under the settings that `settings` says in the language's words."""
        source = str(self._folder / f"{name}.cpes")
        program, bag = load_text(f'{settings}note ""\n', source, self._catalogue)
        cases: list[tl.Timeline] = []
        if program is not None and not bag.failed:
            cases, bag = program.cases()
        if bag.failed or not cases:
            return None, bag
        # Whatever a later statement may ask of the devices is noted from the start.
        anything = px.PathPattern(Span(source, 1, 1, 1, 1), ("Device",), True)
        interest = replace(interest_of(()), states=frozenset(STATES), parameters=(anything,))
        return replace(cases[0], name=name, body=(), interest=interest, sources=self.sources), bag

    def extended(self, timeline: tl.Timeline, text: str) -> tuple[tl.Timeline, Bag]:
        """Return the timeline with the steps of a text as its body, and what is wrong with the text.

        A text that is wrong leaves no name behind.
        """
        self._bag.items.clear()
        self._count += 1
        source = str(self._folder / f"statement-{self._count}")
        names = [(scope, dict(scope.table)) for scope in (self._place.scope, self._blocks.cohort_scope)]
        cohorts = dict(self._context.cohorts)
        steps = self._steps(text, source)
        folded = Folder({}, self._context, self._bag).fold(steps)
        known = self._blocks.procedures.known
        procedures = {name: each.procedure for name, each in known.items() if each.procedure is not None}
        timeline = replace(timeline, body=tuple(folded), procedures=procedures, profiles=self._of(steps, procedures))
        if not self._bag.failed:
            verify(timeline, self._bag)
        if self._bag.failed:
            for scope, table in names:
                scope.table = table
            self._context.cohorts = cohorts
        return timeline, Bag(list(self._bag.items), dict(self.sources))

    def _steps(self, text: str, source: str) -> tuple[tl.Step, ...]:
        self.sources[source] = text
        parsed, layout = parse(text, source, self._bag)
        self._blocks.lines[source] = {line.tokens[0].line: line for line in layout.lines}
        if parsed is None:
            return ()
        statements = []
        for node in parsed.lines:
            if isinstance(node, tree.Define):
                self._blocks.procedures.declare(node)
            else:
                statements.append(node)
        for node in tree.nested(parsed.lines):
            if isinstance(node, tree.Spawn):
                self._profiles[node.profile.text] = self._context.profile(node.profile.text, node.profile.span)
        self._blocks.procedures.check_all()
        return self._blocks.steps(statements, self._place)

    def _of(self, steps: Any, procedures: Mapping[str, tl.Procedure]) -> dict[str, Any]:
        """Return the profiles that steps, or what they run, spawn from."""
        spawned = {step.profile for step in walk((steps, tuple(procedures.values()))) if isinstance(step, tl.Spawn)}
        return {name: profile for name, profile in self._profiles.items() if name in spawned}
