"""What is known of a whole program while it is checked: its files, profiles, cohorts, procedures, and the parts that
check one kind of thing each and need each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpescript.diagnostics import Bag, Span, did_you_mean, some
from cpescript.language.catalogue import Catalogue, Schema, SystemType
from cpescript.language.data import DATA, read_text
from cpescript.language.symbols import Recorder
from cpescript.pattern import expression as px
from cpescript.pattern.kinds import Row

if TYPE_CHECKING:
    from cpescript.language.expressions import Expressions
    from cpescript.language.paths import Paths
    from cpescript.language.patterns import Patterns
    from cpescript.language.targets import Targets


@dataclass(frozen=True, slots=True)
class System:
    """A named system. `path` is its adapter's file, None for one of the configuration; `type` what that can do."""

    span: Span
    path: Path | None
    type: SystemType | None


class Context:
    """The state of checking. One per program; the cohorts are those of the scenario in hand."""

    expressions: Expressions
    paths: Paths
    targets: Targets
    patterns: Patterns

    def __init__(self, catalogue: Catalogue, bag: Bag) -> None:
        self.catalogue = catalogue
        self.bag = bag
        self.cohorts: dict[str, tuple[Schema, ...]] = {}
        """Cohorts spawned so far in the scenario (or procedure) in hand, and the profiles that their devices can be of;
        none where that is not known."""
        self.candidates: Mapping[str, Sequence[str]] = {}
        """The profiles that params and matrix values can name, as far as the file says."""
        self.chosen: Mapping[str, str] = {}
        """The profiles that they name in the case in hand."""
        self.varied: set[str] = set()
        """Those that do name one in the scenario in hand, or in a procedure."""
        self.later: dict[str, Span] = {}
        """Where the scenario in hand spawns its cohorts, for "it is spawned later"."""
        self.everyone: list[Schema] = []
        """The schemas of all profiles that the program spawns, for devices whose cohort is not known."""
        self.declared: dict[str, tuple[Span, str]] = {}
        """`profile name = "path"`: where, and the path."""
        self.loaded: dict[tuple[str, str], Schema | None] = {}
        self.asked: dict[tuple[str, tuple[int, ...]], list[Schema]] = {}
        """Which of some schemas have a path, asked before: fleets' paths repeat from line to line."""
        self.systems: dict[str, System] = {}
        """Named systems: where, and what is known of them."""
        self.identities = 0
        self.symbols = Recorder()
        """Names that live in no scope, for editors."""
        self.templates: set[str] = set()
        """The templates that were looked at."""
        self.data: set[str] = set()
        """The files that `csv`, `json` and `file` read, and the policies: they belong to what the digest covers."""

    def identity(self) -> int:
        self.identities += 1
        return self.identities

    # --- profiles ----------------------------------------------------------------------------------------------------

    def profile(self, name: str, span: Span, *, value: bool = False) -> Schema | None:
        """Return a profile's schema, or None after reporting why there is none. Loaded once per program.

        `value` says that the name is that of a value where it stands.
        """
        declared = self.declared.get(name)
        where, path = (declared[0], declared[1]) if declared is not None else (span, None)
        near = folder(where)
        key = (name, str(near) if declared is None else "")
        if key in self.loaded:
            return self.loaded[key]
        schema, problems = self.catalogue.profile(name, near, path)
        self.loaded[key] = schema
        if schema is None and not len(problems):
            if path is not None:
                self.bag.error(
                    where, "missing-file", f"there is no profile at '{path}'", "the path is relative to this file"
                )
            else:
                names = {*self.catalogue.profile_names(near), *self.declared}
                known = some("known:", names, 12) or "profiles stand in profiles/ beside the scenario"
                remedy = did_you_mean(name, names, known)
                if value:
                    remedy = "a profile is known before anything runs: by its name, a param, a matrix"
                self.bag.error(span, "unknown-profile", f"no profile is called '{name}'", remedy)
        self.bag.extend(problems)
        if schema is not None:
            self.everyone.append(schema)
        return schema

    def schemas(self, cohorts: Collection[str] | None) -> list[Schema]:
        """Return the schemas that devices of these cohorts can have, all profiles where those are not known."""
        if cohorts is None:
            return self.everyone
        found = [self.cohorts.get(name, ()) for name in sorted(cohorts)]
        # One profile that did not load is reason enough to say nothing of its parameters.
        return [schema for each in found for schema in each] if all(found) else []

    def having(self, path: str, schemas: list[Schema]) -> list[Schema]:
        """Return those of the schemas that have a path."""
        key = (path, tuple(map(id, schemas)))
        found = self.asked.get(key)
        if found is None:
            found = self.asked[key] = [schema for schema in schemas if schema.path_exists(path)]
        return found

    def all_cohorts(self) -> frozenset[str] | None:
        return frozenset(self.cohorts) or None

    # --- data beside the scenario ------------------------------------------------------------------------------------

    def read(self, function: str, name: px.Literal_, span: Span) -> Any:
        """Return the value of `csv("…")`, `json("…")` or `file("…")` as nodes; null after reporting what is wrong."""
        path = folder(span) / name.value
        try:
            text = read_text(path)
            node = as_node(DATA[function](text), span)
            self.data.add(str(path))
            return node
        except FileNotFoundError:
            self.bag.error(
                name.span, "missing-file", f"there is no file '{name.value}'", "paths are relative to this file"
            )
        except (OSError, ValueError) as error:
            cause = error.strerror if isinstance(error, OSError) else str(error)
            self.bag.error(name.span, "bad-file", f"'{name.value}' cannot be read as {_FORMATS[function]}: {cause}")
        return px.Literal_(span, None)


_FORMATS = {"csv": "CSV", "json": "JSON", "file": "text"}


def folder(span: Span) -> Path:
    """Return the folder of the file that a span is in: what its paths are relative to."""
    return Path(span.source).parent


def as_node(value: Any, span: Span) -> Any:
    """Return a plain value as a constant node."""
    if isinstance(value, (list, tuple)):
        return px.ListNode(span, tuple(as_node(item, span) for item in value))
    if isinstance(value, dict):
        items = tuple((px.Literal_(span, key), as_node(item, span)) for key, item in value.items())
        return px.MapNode(span, items, isinstance(value, Row))
    return px.Literal_(span, value)
