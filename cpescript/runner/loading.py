"""From what a user named to scenario files, and from a file to its cases."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from cpescript import libraries
from cpescript.diagnostics import Bag, Span, did_you_mean
from cpescript.language.catalogue import Catalogue
from cpescript.language.loader import load
from cpescript.language.params import ENVIRONMENT
from cpescript.language.timeline import Timeline
from cpescript.runner.options import RunOptions
from cpescript.runner.sizes import capped

SUFFIX = ".cpes"


class UsageError(Exception):
    """The scenarios do not check, or the options make no sense: nothing was run. `bag` holds every mistake."""

    def __init__(self, message: str, remedy: str = "", bag: Bag | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.bag = bag


def find_scenario(name: str) -> Path:
    """Return the file of a scenario, by path or by the name of one that ships. Raises UsageError."""
    path = Path(name)
    if path.is_file():
        return path
    found = libraries.find("scenarios", name)
    if found is None:
        raise UsageError(f"there is no scenario '{name}'", libraries.meant("scenarios", name))
    return found


def files_of(names: Iterable[str]) -> dict[Path, str]:
    """Return the files that these names mean, each once and in their order, and how the user spelt each.

    A folder means every `.cpes` file below it, in the order of their paths, but not those in folders that begin with a
    dot. Raises UsageError for a name that means nothing.
    """
    found: dict[Path, str] = {}
    known: set[str] = set()
    for name in names:
        folder = Path(name)
        below = [(path, str(path)) for path in _below(folder)] if folder.is_dir() else [(find_scenario(name), name)]
        for path, spelt in below:
            real = os.path.realpath(path)
            if real not in known:
                known.add(real)
                found[path] = spelt
    return found


def _below(folder: Path) -> list[Path]:
    files: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(place) / name for name in names if name.endswith(SUFFIX) and not name.startswith(".")]
    return sorted(files)


def cases_of(
    path: Path,
    options: RunOptions,
    catalogue: Catalogue,
    others: set[str] | None = None,
    named: set[str] | None = None,
) -> tuple[list[Timeline], Bag]:
    """Return the cases of a file under the params of the options, none where it does not check.

    With `others` the params are for other files too: what this one does not declare is passed over, and what it does is
    added to that set. What a file that does not check declares is not known, so all are. `named` takes what it declares
    in any case, and what the environment gives where that is not known.
    """
    program, bag = load(path, catalogue)
    given, from_file = options.params, options.params_file
    if named is not None:
        checked = program is not None and not bag.failed
        named.update((param.name for param in program.params) if checked and program else in_environment(options))
    if program is None or bag.failed:
        if others is not None:
            others.update(given, from_file, in_environment(options))
        return [], bag
    if others is not None:
        declared = {param.name for param in program.params}
        others |= declared
        given, from_file = (
            {name: value for name, value in values.items() if name in declared} for values in (given, from_file)
        )
    cases, problems = program.cases(params=given, params_file=from_file, environment=options.environment)
    bag.extend(problems)
    if options.at_most is not None:
        cases = [capped(timeline, options.at_most) for timeline in cases]
    return cases, bag


def in_environment(options: RunOptions) -> list[str]:
    """Return the names of the params that the environment gives."""
    return [name.removeprefix(ENVIRONMENT) for name in options.environment if name.startswith(ENVIRONMENT)]


def check_environment(options: RunOptions, declared: Collection[str], bag: Bag) -> None:
    """Warn of params in the environment that none of the run's files declares: they may be another program's, or
    another run's, but a misspelt one would silently count for nothing."""
    unknown = sorted(name for name in in_environment(options) if name not in declared)
    bag.sources["environment"] = "\n".join(f"{ENVIRONMENT}{name}" for name in unknown)
    for line, name in enumerate(unknown, 1):
        begin = len(ENVIRONMENT) + 1
        span = Span("environment", line, begin, line, begin + max(1, len(name)))
        remedy = did_you_mean(name, declared, f"there are {', '.join(sorted(declared)[:8]) or 'none'}")
        bag.warning(span, "unknown-param", f"no scenario of this run has a param '{name}'", remedy)


def check_params(options: RunOptions, declared: Collection[str], bag: Bag) -> None:
    """Report params that none of several files declares."""
    for source, values in (("--param", options.params), ("--params", options.params_file)):
        unknown = [name for name in values if name not in declared]
        # Behind what a file has said of its own share of them.
        known = bag.sources.get(source)
        rows = known.split("\n") if known else []
        bag.sources[source] = "\n".join([*rows, *unknown])
        for line, name in enumerate(unknown, len(rows) + 1):
            span = Span(source, line, 1, line, len(name) + 1)
            remedy = did_you_mean(name, declared, f"they have {', '.join(sorted(declared)) or 'none'}")
            bag.error(span, "unknown-param", f"none of these files has a param '{name}'", remedy)
