"""A checked program: its params and its scenarios, and the timelines of their cases."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from cpescript.diagnostics import Bag, Span
from cpescript.language import timeline as tl
from cpescript.language.context import Context
from cpescript.language.documents import templates
from cpescript.language.folding import Folder, constant, plain
from cpescript.language.headcount import check_headcount
from cpescript.language.labels import check_labels
from cpescript.language.params import Param, values
from cpescript.language.settings import Settings
from cpescript.language.symbols import Symbols
from cpescript.language.verify import verify
from cpescript.language.vocabulary import check_literals
from cpescript.pattern import expression as px
from cpescript.pattern.values import show
from cpescript.pattern.walking import walk

MAX_CASES = 10_000
"""Most cases that one matrix may give. A larger one is a slip of the pen."""


@dataclass(slots=True)
class Draft:
    """A scenario, checked, before its params and matrix values are put in."""

    name: str
    span: Span
    docstring: str
    settings: Settings
    matrix: tuple[tuple[str, Any], ...]
    """Names and resolved lists, in the order written."""
    body: tuple[tl.Step, ...]
    final: tuple[tl.Step, ...]
    profiles: Mapping[str, Any]
    varied: frozenset[str] = frozenset()
    """The params and matrix values that name profiles in it: each case is checked with its own."""


@dataclass(slots=True)
class Program:
    """Everything that a file and the files it uses say. Made by `loader.load`; `cases` works out what is to be run."""

    file: str
    docstring: str
    params: tuple[Param, ...]
    drafts: tuple[Draft, ...]
    procedures: Mapping[str, tl.Procedure]
    context: Context
    sources: Mapping[str, str]
    symbols: Symbols = field(default_factory=Symbols)
    """The names in the text, for editors."""
    failed: bool = False
    """Whether checking found an error: then there are no cases."""
    whole: bool = True
    """Whether every line parsed."""
    again: Callable[[int, Mapping[str, str]], tuple[Program | None, Bag]] | None = None
    """Checks one of its scenarios anew, for the cases in which params and matrix values name these profiles."""
    _variants: dict[tuple[int, frozenset[tuple[str, str]]], tuple[Program | None, Bag]] = field(default_factory=dict)
    _digests: dict[str, bytes] = field(default_factory=dict)
    """What each text adds to the digest, worked out once: a matrix may have many cases."""

    @property
    def names(self) -> list[str]:
        """The scenarios' names, in the order of the file."""
        return [draft.name for draft in self.drafts]

    def cases(
        self,
        params: Mapping[str, Any] | None = None,
        params_file: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> tuple[list[tl.Timeline], Bag]:
        """Return a timeline for each case of each scenario, and what is wrong with the values.

        Values are texts as a user types them: `params` from `--param`, `params_file` from `--params FILE`,
        `environment` a mapping in which `CPES_PARAM_name` is looked up; in this order of strength.
        """
        bag = Bag(sources=dict(self.sources))
        if self.failed:
            return [], bag
        context = self.context
        context.bag, outer = bag, context.bag
        try:
            given = values(self.params, params or {}, params_file or {}, environment or {}, context, bag)
            if given is None:
                return [], bag
            check_labels([(draft.body, draft.final) for draft in self.drafts], self._bodies(), bag)
            found = [case for draft in self.drafts for case in self._cases(draft, given, bag)]
        finally:
            context.bag = outer
        return found, bag

    def look(self, bag: Bag) -> None:
        """Report what shows without any case, for a program that has none: all mistakes of a file are told at once.

        Where a line did not parse it may hold what would explain the others.
        """
        if self.whole:
            check_literals(([(draft.body, draft.final) for draft in self.drafts], self._bodies()), bag)

    def _bodies(self) -> tuple[Any, ...]:
        return tuple((procedure.body, procedure.final) for procedure in self.procedures.values())

    def _cases(self, draft: Draft, given: tuple[tl.ParamValue, ...], bag: Bag) -> list[tl.Timeline]:
        base = {param.name: param.value for param in given}
        folder = Folder(base, self.context, bag)
        check_headcount((*draft.body, *draft.final), self.procedures.values(), bag)
        columns: list[list[Any]] = []
        for name, node in draft.matrix:
            column = folder.value(node, f"the values of '{name}'")
            if not isinstance(column, list) or not column:
                if column is not None:
                    bag.error(node.span, "no-cases", f"'{name}' goes through no values", 'as in ["1.0", "2.0"]')
                return []
            columns.append(column)
        count = 1
        for column in columns:
            count *= len(column)
        if count > MAX_CASES:
            bag.error(draft.span, "too-many-cases", f"this matrix has {count} cases; at most {MAX_CASES} are run")
            return []
        names = [name for name, _ in draft.matrix]
        found = []
        for row in product(*columns):
            case = dict(zip(names, row, strict=True))
            program, variant = self._variant(draft, {**base, **case}, bag)
            if program is not None:
                found.append(program._case(variant, given, case, bag))
        return found

    def _variant(self, draft: Draft, known: Mapping[str, Any], bag: Bag) -> tuple[Program | None, Draft]:
        """Return the program and the scenario as checked for a case of these values; None where it does not check.

        A case that is skipped is not checked: it may be skipped because of what its model lacks.
        """
        if not draft.varied or draft.settings.skips(Folder(known, self.context, Bag())):
            return self, draft
        chosen = {name: known[name] for name in draft.varied}
        for name, value in chosen.items():
            if not isinstance(value, str):
                bag.error(draft.span, "wrong-type", f"'{name}' names a profile by a text, not by {show(value)}")
                return None, draft
        ordinal = self.drafts.index(draft)
        key = ordinal, frozenset(chosen.items())
        if key not in self._variants:
            assert self.again is not None
            self._variants[key] = self.again(ordinal, chosen)
        program, problems = self._variants[key]
        # What is odd has been told; and what only other scenarios use is not odd.
        bag.items.extend(item for item in problems.items if item.severity == "error" and item not in bag.items)
        return (None, draft) if program is None or problems.failed else (program, program.drafts[0])

    def _case(self, draft: Draft, given: tuple[tl.ParamValue, ...], case: Mapping[str, Any], bag: Bag) -> tl.Timeline:
        folder = Folder({**{param.name: param.value for param in given}, **case}, self.context, bag)
        fields = draft.settings.case(folder, self.context, bag)
        body, final = folder.fold(draft.body), folder.fold(draft.final)
        procedures = {name: _folded(procedure, folder) for name, procedure in self.procedures.items()}
        templates((body, final, tuple(procedures.values())), self.context, bag)
        timeline = tl.Timeline(
            name=draft.name,
            case=case,
            file=self.file,
            docstring=draft.docstring,
            params=given,
            profiles=draft.profiles,
            procedures=procedures,
            body=body,
            final=final,
            interest=interest_of((body, final, tuple(procedures.values()))),
            sources=self.sources,
            digest=self.digest(),
            systems={name: str(known.path) if known.path else None for name, known in self.context.systems.items()},
            sizes=sizes_of((draft.body, tuple(self.procedures.values()))),
            **fields,
        )
        verify(timeline, bag)
        return timeline

    def digest(self) -> str:
        """Return the SHA-256 over the texts that the program is made of: scenarios, policies, data."""
        total, known = hashlib.sha256(), self._digests
        for name, text in sorted(self.sources.items()):
            if name not in known:
                known[name] = hashlib.sha256(text.encode()).digest()
            total.update(known[name])
        for name in sorted(self.context.data):
            key = f"data {name}"
            if key not in known:
                known[key] = hashlib.sha256(Path(name).read_bytes()).digest()
            total.update(known[key])
        return total.hexdigest()


def _folded(procedure: tl.Procedure, folder: Folder) -> tl.Procedure:
    """A procedure with params put in, except where an argument has the same name."""
    hidden = frozenset(procedure.parameters)
    return tl.Procedure(
        procedure.name,
        procedure.parameters,
        {name: folder.fold(node) for name, node in procedure.defaults.items()},
        folder.fold(procedure.body, hidden),
        folder.fold(procedure.final, hidden),
    )


def sizes_of(steps: Any) -> frozenset[str]:
    """Return the names that stand in the counts of what the steps spawn."""
    counts = [step.count for step in walk(steps) if isinstance(step, tl.Spawn)]
    return frozenset(node.name for node in walk(counts) if isinstance(node, px.Name))


def interest_of(steps: Any) -> tl.Interest:
    """Return what messages, states and parameters the steps name."""
    kinds: set[str] = set()
    states: set[str] = set()
    parameters: dict[str, px.PathPattern] = {}
    for node in walk(steps):
        if isinstance(node, px.MessagePattern):
            kinds |= node.kinds
        elif isinstance(node, (px.State, tl.StateClaim)):
            states.add(node.state)
        elif isinstance(node, px.Parameter):
            parameters.setdefault(str(node.path), node.path)
    return tl.Interest(frozenset(kinds), frozenset(states), tuple(parameters.values()))


__all__ = ["Draft", "Program", "constant", "interest_of", "plain"]
