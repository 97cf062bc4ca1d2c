"""Reads a scenario file, and the files that it uses, to a checked `Program`: the front door of the language."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cpescript.diagnostics import Bag, Span
from cpescript.language import models, params, tree
from cpescript.language import timeline as tl
from cpescript.language.catalogue import Catalogue
from cpescript.language.context import Context, System, folder
from cpescript.language.folding import constant, plain
from cpescript.language.layout import Layout
from cpescript.language.not_yet import refuse
from cpescript.language.parser import parse
from cpescript.language.procedures import final_steps
from cpescript.language.program import Draft, Program
from cpescript.language.scope import Binding, Place, Scope
from cpescript.language.settings import Settings
from cpescript.language.statements import ITEMS, Blocks, plain_text, spawned
from cpescript.language.symbols import symbols_of
from cpescript.language.types import ANY
from cpescript.pattern import expression as px
from cpescript.pattern.walking import walk

MAX_FILE = 16 * 1024 * 1024
"""Largest scenario file, in octets."""
MAX_FILES = 200
"""Most files that one program uses."""


def load(path: str | os.PathLike[str], catalogue: Catalogue) -> tuple[Program | None, Bag]:
    """Read and check a scenario file. Never raises on bad input: what is wrong is in the bag.

    The program is None where there is none to speak of: the file cannot be read at all.
    """
    with _no_collections():
        return _Loader(catalogue, Path(path)).load()


def load_text(
    text: str, source: str, catalogue: Catalogue, buffers: Mapping[str, str] | None = None
) -> tuple[Program | None, Bag]:
    """Check a scenario's text as if it stood in the file `source`, which need not exist (an editor's buffer).

    `buffers` are texts of used files, by absolute path, that count instead of what is stored.
    """
    with _no_collections():
        return _Loader(catalogue, Path(source), text, buffers=buffers).load()


@contextmanager
def _no_collections() -> Iterator[None]:
    """Keep the cycle collector quiet: a tree of many nodes has no cycles, and looking for some in it again and again
    takes a quarter of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def check(
    path: str | os.PathLike[str],
    catalogue: Catalogue,
    *,
    given: Mapping[str, Any] | None = None,
    params_file: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    also: Callable[[list[tl.Timeline], Bag], object] | None = None,
) -> Bag:
    """Return everything that is wrong with a scenario file, and with its cases as far as its params have values.

    `also` may look at the cases and add what other rooms know to be wrong with them.
    """
    program, bag = load(path, catalogue)
    if program is None:
        return bag
    if program.failed:
        program.look(bag)
        return bag
    cases, problems = program.cases(given, params_file, environment)
    if also is not None:
        also(cases, problems)
    for item in problems.items:
        # A param that must be given is no mistake of the file.
        if item.code != "missing-param":
            bag.items.append(item)
    bag.sources.update(problems.sources)
    return bag


@dataclass(slots=True)
class _File:
    """A parsed file: the name that spans carry, and its tree."""

    source: str
    tree: tree.File
    layout: Layout


class _Loader:
    """Loads one program, or what a case of one scenario of it needs: `only` is then which, and `chosen` the profiles
    that params and matrix values name in it."""

    def __init__(
        self,
        catalogue: Catalogue,
        path: Path,
        text: str | None = None,
        only: int | None = None,
        chosen: Mapping[str, str] | None = None,
        buffers: Mapping[str, str] | None = None,
    ) -> None:
        self.bag = Bag()
        self.path, self.text = path, text
        self.buffers = buffers or {}
        self.context = Context(catalogue, self.bag)
        self.only = only
        self.context.chosen = chosen or {}
        self.defaults: dict[str, Any] = {}
        """The values of params that nobody gives."""
        self.blocks = Blocks(self.context)
        self.globals = Scope()
        self.params: list[params.Param] = []
        self.files: dict[str, _File] = {}
        """Files by where they really are, so that one that is used twice is taken in once."""

    def load(self) -> tuple[Program | None, Bag]:
        main = self.read(self.path, Span(str(self.path), 1, 1, 1, 2), self.text)
        if main is None:
            return None, self.bag
        order: list[_File] = []
        self.use(main, [self._real(self.path)], order)
        self.blocks.procedures.globals = self.globals
        for file in order:
            self.items(file)
        self.defaults = {param.name: plain(param.default) for param in self.params if constant(param.default)}
        self.context.candidates = models.candidates((), self.defaults, self.context)
        for file in order:
            self.profiles_of(file)
        self.blocks.procedures.check_all()
        drafts = self.scenarios(main)
        self.unused(main)
        procedures = {
            name: known.procedure for name, known in self.blocks.procedures.known.items() if known.procedure is not None
        }
        context = self.context
        return Program(
            file=main.source,
            docstring=tree.docstring_text(main.tree.docstring),
            params=tuple(self.params),
            drafts=tuple(drafts),
            procedures=procedures,
            context=context,
            sources=dict(self.bag.sources),
            symbols=symbols_of(context.symbols, self.globals, self.blocks.lines, context.everyone),
            failed=self.bag.failed,
            whole=not any(isinstance(node, tree.Broken) for file in order for node in tree.nested(file.tree.lines)),
            again=self._again,
        ), self.bag

    def _again(self, only: int, chosen: Mapping[str, str]) -> tuple[Program | None, Bag]:
        """Check one scenario for the cases in which params and matrix values name these profiles."""
        with _no_collections():
            text = self.bag.sources[str(self.path)]
            return _Loader(self.context.catalogue, self.path, text, only, chosen, self.buffers).load()

    # --- files -------------------------------------------------------------------------------------------------------

    def read(self, path: Path, span: Span, text: str | None = None) -> _File | None:
        """Read and parse one file; None, reported at `span`, where that cannot be."""
        source = str(path)
        if text is None:
            text = self._text(path, span)
            if text is None:
                return None
        self.bag.sources[source] = text
        parsed, layout = parse(text.removeprefix("\ufeff"), source, self.bag)
        self.blocks.lines[source] = {line.tokens[0].line: line for line in layout.lines}
        if parsed is None:
            return None
        return _File(source, parsed, layout)

    def _text(self, path: Path, span: Span) -> str | None:
        try:
            if path.exists() and not path.is_file():
                self.bag.error(span, "missing-file", f"'{path}' is no regular file", "")
                return None
            with path.open("rb") as file:
                octets = file.read(MAX_FILE + 1)
            if len(octets) > MAX_FILE:
                message = f"'{path}' is larger than {MAX_FILE // 1024 // 1024} MiB"
                self.bag.error(span, "giant-file", message, "data belongs in a file that `csv` or `json` reads")
                return None
            return octets.decode("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            column = error.start - (error.object.rfind(b"\n", 0, error.start) + 1) + 1
            self.bag.error(
                Span(str(path), line, column, line, column + 1),
                "not-utf-8",
                f"octet {error.object[error.start]:#04x} is not UTF-8",
                "save the file as UTF-8",
            )
        except FileNotFoundError:
            self.bag.error(span, "missing-file", f"there is no file '{path}'", "")
        except OSError as error:
            self.bag.error(span, "missing-file", f"'{path}' cannot be read: {error.strerror}", "")
        return None

    def _real(self, path: Path) -> str:
        return os.path.realpath(path)

    def use(self, file: _File, chain: list[str], order: list[_File]) -> None:
        """Take in what a file uses, deepest first, then the file itself."""
        self.files[chain[-1]] = file
        for node in file.tree.lines:
            if not isinstance(node, tree.Use):
                continue
            name = plain_text(node.path, self.context)
            if not name or "\0" in name:
                continue
            path = Path(os.path.normpath(Path(file.source).parent / name))
            self.context.symbols.refer("file", str(path), node.path.span)
            real = self._real(path)
            if real in chain:
                loop = " -> ".join(Path(each).name for each in [*chain[chain.index(real) :], real])
                self.bag.error(node.path.span, "use-cycle", f"this file uses itself: {loop}", "take one `use` out")
                continue
            if real in self.files:
                continue
            if len(self.files) >= MAX_FILES:
                self.bag.error(node.path.span, "too-many-files", f"more than {MAX_FILES} files are used")
                return
            used = self._used(path, node)
            if used is not None:
                self.context.symbols.declare("file", str(path), Span(str(path), 1, 1, 1, 1))
                self.use(used, [*chain, real], order)
        order.append(file)

    def _used(self, path: Path, node: tree.Use) -> _File | None:
        buffer = self.buffers.get(os.path.abspath(path))
        if buffer is None and not path.is_file():
            self.bag.error(
                node.path.span, "missing-file", f"there is no file '{path}'", "the path is relative to this file"
            )
            return None
        return self.read(path, node.path.span, buffer)

    # --- items -------------------------------------------------------------------------------------------------------

    def items(self, file: _File) -> None:
        for node in file.tree.lines:
            if isinstance(node, tree.Param):
                self.params.append(params.declare(node, self.blocks.expressions, self.globals))
            elif isinstance(node, tree.Define):
                self.blocks.procedures.declare(node)
            elif isinstance(node, tree.Profile):
                self._profile(node)
            elif isinstance(node, tree.System):
                self._system(node)
            elif isinstance(node, tree.Broken):
                for word in node.names:
                    if self.globals.find(word.text) is None:
                        self.globals.bind(Binding(word.text, "unknown", word.span))

    def _profile(self, node: tree.Profile) -> None:
        known = self.context.declared.get(node.name.text)
        if known is not None:
            self.bag.error(
                node.name.span,
                "doubled-name",
                f"profile '{node.name.text}' is named already (line {known[0].line})",
                "take another name",
            )
            return
        self.context.declared[node.name.text] = (node.path.span, plain_text(node.path, self.context))
        self.context.symbols.declare("profile", node.name.text, node.name.span)

    def _system(self, node: tree.System) -> None:
        name = node.name.text
        known = self.context.systems.get(name)
        if known is not None or name == "acs":
            message = (
                f"system '{name}' is named already (line {known.span.line})" if known else "'acs' is the one under test"
            )
            self.bag.error(node.name.span, "doubled-name", message, "take another name")
            return
        refused = refuse(self.bag, node.span, "named-system")
        path = self._adapter(node.path) if node.path is not None and not refused else None
        type_, problems = self.context.catalogue.system(path) if path is not None else (None, Bag())
        self.bag.extend(problems)
        self.context.systems[name] = System(node.name.span, path, type_)
        self.context.symbols.declare("system", name, node.name.span)

    def _adapter(self, node: Any) -> Path | None:
        """Return the file that a named system's path leads to, or None after reporting that there is none."""
        name = plain_text(node, self.context)
        path = folder(node.span) / name
        if name and not path.is_file():
            self.bag.error(
                node.span, "missing-file", f"there is no adapter at '{name}'", "the path is relative to this file"
            )
            return None
        if name:
            self.context.data.add(str(path))
        return path.resolve() if name else None

    def profiles_of(self, file: _File) -> None:
        """Load the profiles that a file spawns from: procedures check paths against all of them."""
        running = {name for node in tree.nested(file.tree.lines) for name in _bound(node)}
        params = {param.name for param in self.params}
        shared = [node for node in file.tree.lines if not isinstance(node, tree.Scenario)]
        blocks: list[tuple[tuple[tree.Matrix, ...], Sequence[tree.Statement]]] = [((), shared)]
        blocks += [(node.matrix, node.body.lines) for node in file.tree.lines if isinstance(node, tree.Scenario)]
        for matrix, lines in blocks:
            candidates = models.candidates(matrix, self.defaults, self.context)
            values = params | {column.name.text for column in matrix}
            for node in tree.nested(lines):
                if not isinstance(node, tree.Spawn):
                    continue
                name = node.profile.text
                for profile in candidates.get(name, ()) if name in values else (name,):
                    self.context.profile(profile, node.profile.span, value=name in running - values)

    # --- scenarios ---------------------------------------------------------------------------------------------------

    def scenarios(self, main: _File) -> list[Draft]:
        lines = main.tree.lines
        named = [node for node in lines if isinstance(node, tree.Scenario)]
        loose = [node for node in lines if not isinstance(node, (*ITEMS, tree.Broken))]
        broken_head = any(isinstance(node, tree.Broken) and node.body is not None for node in lines)
        if named or (broken_head and not loose):
            self._loose(named, loose)
            self._broken(lines)
            self._doubled(named)
            return [self.scenario(node, main) for node in (named if self.only is None else [named[self.only]])]
        if not loose:
            if not any(isinstance(node, (*ITEMS, tree.Broken)) for node in lines):
                span = Span(main.source, 1, 1, 1, 2)
                self.bag.error(
                    span, "empty", "nothing stands in this file", "the smallest has two lines: spawn, expect"
                )
            return []
        name = Path(main.source).stem
        body = tree.Body(main.tree.span, main.tree.docstring, lines)
        return [self._draft(name, main.tree.span, (), body, "file", main.tree.docstring)]

    def _loose(self, named: list[tree.Scenario], loose: list[tree.Statement]) -> None:
        if any(not node.body.lines for node in named):
            return  # their scenario lacks its block, which was reported
        told = {item.span.line for item in self.bag.items if item.code == "wrong-dedent"}
        for node in loose:
            if node.span.line in told:
                continue
            self.bag.error(
                self.blocks.head(node)[0],
                "loose",
                "a statement beside a 'scenario' belongs to none",
                f"indent it below the scenario of line {named[0].span.line}" if named else "put it into a scenario",
            )

    def _broken(self, lines: tuple[tree.Statement, ...]) -> None:
        """Check what stands below broken lines at the top, as far as that goes."""
        place = Place(Scope(self.globals), block="scenario", lenient=True, device=True)
        for node in lines:
            if isinstance(node, tree.Broken) and node.body is not None:
                self.blocks.broken(node, place)

    def _doubled(self, named: list[tree.Scenario]) -> None:
        seen: dict[str, Span] = {}
        for node in named:
            title = plain_text(node.title, self.context, "take it out: each case shows its values behind the name")
            if title in seen:
                self.bag.error(
                    node.title.span,
                    "doubled-name",
                    f'a scenario is called "{title}" already (line {seen[title].line})',
                    "take another name",
                )
            if not title.strip() and isinstance(node.title, px.Literal_):
                self.bag.error(node.title.span, "no-name", "a scenario has a name")
            seen.setdefault(title, node.title.span)

    def scenario(self, node: tree.Scenario, main: _File) -> Draft:
        title = getattr(node.title, "value", "")
        self.context.symbols.declare("scenario", str(title), node.title.span, extent=node.span)
        docstring = node.body.docstring or main.tree.docstring
        return self._draft(str(title), self.blocks.head(node)[0], node.matrix, node.body, "scenario", docstring)

    def _draft(
        self,
        name: str,
        span: Span,
        matrix: tuple[tree.Matrix, ...],
        body: tree.Body,
        block: str,
        docstring: tree.Word | None,
    ) -> Draft:
        context, blocks = self.context, self.blocks
        context.cohorts = {}
        of_procedures = set(context.varied)
        context.later = spawned(body.lines)
        outer = Scope(self.globals, body.span)
        columns = [self._matrix(each, outer) for each in matrix]
        context.candidates = models.candidates(matrix, self.defaults, context)
        blocks.cohort_scope = Scope(outer, body.span)
        settings = Settings(blocks.expressions, Place(outer))
        for line in body.lines:
            if isinstance(line, tree.SettingLine):
                settings.add(line)
        settings.finish()
        place = Place(Scope(blocks.cohort_scope, body.span), block=block)
        steps = blocks.steps(body.lines, place)
        ends = [line for line in body.lines if isinstance(line, tree.Finally)]
        final: tuple[tl.Step, ...] = ()
        if ends:
            final = final_steps(blocks, ends, body, Place(Scope(blocks.cohort_scope), block="flow"))
        self._claims(name, span, steps, final, body)
        used = {step.profile for step in walk((steps, final)) if isinstance(step, tl.Spawn)}
        used |= {
            step.profile
            for known in blocks.procedures.known.values()
            if known.procedure is not None
            for step in walk(known.procedure.body)
            if isinstance(step, tl.Spawn)
        }
        varied, context.varied = context.varied, of_procedures
        named = used - {name for name in varied if name not in context.chosen}
        profiles = {profile: context.profile(profile, span) for profile in sorted(named)}
        docs = tree.docstring_text(docstring)
        return Draft(name, span, docs, settings, tuple(columns), steps, final, profiles, frozenset(varied))

    def _matrix(self, node: tree.Matrix, scope: Scope) -> tuple[str, Any]:
        expressions = self.blocks.expressions
        values, type_ = expressions.typed(node.values, Place(scope))
        if type_ not in (ANY, "list"):
            self.bag.error(node.values.span, "wrong-type", "a matrix goes through a list", 'as in ["1.0", "2.0"]')
        items = getattr(values, "items", ())
        types = {expressions.typed(item, Place(scope))[1] for item in items} if isinstance(items, tuple) else set()
        binding = Binding(node.name.text, "case", node.name.span, types.pop() if len(types) == 1 else ANY, used=True)
        self.blocks.bind(node.name, binding, scope)
        return node.name.text, values

    def _claims(
        self, name: str, span: Span, steps: tuple[tl.Step, ...], final: tuple[tl.Step, ...], body: tree.Body
    ) -> None:
        """Warn of a scenario that claims nothing."""
        if any(isinstance(node, (tl.Expect, tl.Monitor, tl.Fail, tl.Do)) for node in walk((steps, final))):
            return
        if not any(isinstance(node, tree.Broken) for node in tree.nested(body.lines)) and not self.bag.failed:
            first = body.lines[0] if body.lines else None
            where = span if first is None or span.line == span.end_line else self.blocks.head(first)[0]
            self.bag.warning(
                where,
                "no-claims",
                "this scenario claims nothing, so it can only pass",
                "say what the ACS owes: expect …",
            )

    def unused(self, main: _File) -> None:
        for param in self.params:
            binding = self.globals.table.get(param.name)
            if (
                binding is not None
                and not binding.used
                and param.word.span.source == main.source
                and not self.bag.failed
            ):
                if not any(isinstance(node, (tree.Scenario, tree.Claimed, tree.Spawn)) for node in main.tree.lines):
                    continue  # a library: who uses it uses its params
                self.bag.warning(param.word.span, "unused", f"nothing uses '{param.name}'", "take the line out")


def _bound(node: tree.Statement) -> tuple[str, ...]:
    """Return the names that a statement gives to what is known while running only."""
    if isinstance(node, tree.Define):
        return tuple(formal.name.text for formal in node.formals)
    return (node.name.text,) if isinstance(node, (tree.Let, tree.For)) else ()
