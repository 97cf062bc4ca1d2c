"""Which cases a run is about: `-k` and `--tags` expressions over names and tags, `--only`, the failures of last time.

An expression is words joined by `and`, `or`, `not` and brackets; a word with blanks stands in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cpescript.diagnostics import Bag, Span, did_you_mean
from cpescript.language.timeline import Timeline
from cpescript.runner.last import LastRun
from cpescript.runner.loading import UsageError
from cpescript.runner.options import EMBEDDED, RunOptions

Test = Callable[[str], bool]
"""Whether a word of an expression is true of a case."""
Wanted = Callable[[Test], bool]

_TOKEN = re.compile(r"""\s*(?:(\()|(\))|"([^"]*)"|'([^']*)'|([^\s()"']+))""")
MAX_DEPTH = 50
"""Brackets and `not`s in each other: nobody reads five."""


def parse(text: str, option: str) -> Wanted:
    """Return what an expression asks, as a function of a test of single words. Raises UsageError."""
    return _Parser(text, option).whole()


class _Parser:
    """`or` binds weakest, then `and`, then `not`."""

    def __init__(self, text: str, option: str) -> None:
        self._text = text
        self._option = option
        self._tokens: list[tuple[str, str, int]] = []
        """(kind, word, column from 1)."""
        self._at = 0
        self._depth = 0
        position = 0
        while text[position:].strip():
            found = _TOKEN.match(text, position)
            if found is None:
                column = position + len(text[position:]) - len(text[position:].lstrip()) + 1
                raise self._error("a quote is never closed", column)
            open_, close, double, single, word = found.groups()
            quoted = double if double is not None else single
            kind = "(" if open_ else ")" if close else word if word in ("and", "or", "not") else "word"
            self._tokens.append((kind, quoted if quoted is not None else word or "", found.start(found.lastindex or 0)))
            position = found.end()

    def whole(self) -> Wanted:
        wanted = self._or()
        if self._at < len(self._tokens):
            raise self._error("'and' or 'or' is missing here", self._tokens[self._at][2] + 1)
        return wanted

    def _or(self) -> Wanted:
        parts = [self._and()]
        while self._take("or"):
            parts.append(self._and())
        return lambda test: any(part(test) for part in parts)

    def _and(self) -> Wanted:
        parts = [self._not()]
        while self._take("and"):
            parts.append(self._not())
        return lambda test: all(part(test) for part in parts)

    def _not(self) -> Wanted:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error("this nests too deep", 1)
        try:
            if self._take("not"):
                negated = self._not()
                return lambda test: not negated(test)
            if self._take("("):
                inner = self._or()
                if not self._take(")"):
                    raise self._error("a bracket is never closed", len(self._text) + 1)
                return inner
        finally:
            self._depth -= 1
        if self._at >= len(self._tokens) or self._tokens[self._at][0] != "word":
            column = self._tokens[self._at][2] + 1 if self._at < len(self._tokens) else len(self._text) + 1
            raise self._error("a word is missing here", column)
        word = self._tokens[self._at][1]
        self._at += 1
        return lambda test: test(word)

    def _take(self, kind: str) -> bool:
        taken = self._at < len(self._tokens) and self._tokens[self._at][0] == kind
        self._at += taken
        return taken

    def _error(self, what: str, column: int) -> UsageError:
        return UsageError(f"{self._option} '{self._text}', column {column}: {what}", "as in 'rollout and not slow'")


@dataclass(frozen=True, slots=True)
class Selection:
    """What `RunOptions` say of cases; `seed` is that of last time, for those that failed then."""

    keyword: Wanted | None
    tags: Wanted | None
    only: tuple[str, ...]
    last: LastRun | None

    @classmethod
    def of(cls, options: RunOptions) -> Selection:
        """Raises UsageError for an expression that does not parse, or a record of the last run that is unreadable."""
        return cls(
            parse(options.keyword, "-k") if options.keyword is not None else None,
            parse(options.tags, "--tags") if options.tags is not None else None,
            options.only,
            LastRun.read(options.last_run) if options.rerun_failed and options.last_run is not None else None,
        )

    def __contains__(self, timeline: Timeline) -> bool:
        names = [text.casefold() for text in (timeline.title, Path(timeline.file).stem)]
        if self.keyword is not None and not self.keyword(lambda word: any(word.casefold() in name for name in names)):
            return False
        if self.tags is not None and not self.tags(lambda word: word in timeline.tags):
            return False
        if self.only and timeline.name not in self.only and timeline.title not in self.only:
            return False
        return self.last is None or self.last.seed(timeline.file, timeline.title) is not None


def warn(
    options: RunOptions, wanted: Selection, everything: Sequence[Timeline], found: Sequence[Timeline], bag: Bag
) -> None:
    """Report what options ask for in vain: names and tags that no case has, files of last time that are gone, one seed
    over and over."""
    titles = list(dict.fromkeys(name for each in everything for name in (each.title, each.name)))
    for name in options.only:
        if name not in titles:
            _odd(bag, "--only", name, f"no case is called '{name}'", did_you_mean(name, titles, _known(titles)))
    tags = sorted({tag for each in everything for tag in each.tags})
    if options.tags is not None and not found:
        words = [match[0] for match in re.finditer(r"[^\s()\"']+", options.tags)]
        word = next((word for word in words if word not in (*tags, "and", "or", "not")), options.tags)
        _odd(bag, "--tags", options.tags, "no case has such tags", did_you_mean(word, tags, _known(tags)))
    for file in wanted.last.gone if wanted.last is not None else ():
        _odd(bag, "--rerun-failed", file, "this file is gone, and its failures with it", "")
    known = [(each.file, each.title) for each in everything]
    for file, title in wanted.last.missing(known) if wanted.last is not None else ():
        remedy = f"it is forgotten with '{options.last_run}'"
        _odd(bag, "--rerun-failed", title, f"this case has failed, and '{Path(file).name}' has it no more", remedy)
    # A real ACS may do otherwise each time, and a fleet that is kept has gone on.
    if options.repeat > 1 and options.seed is None and options.acs == EMBEDDED and options.state is None:
        fixed = list(dict.fromkeys(each.name for each in found if each.seed is not None))
        if fixed:
            have = (
                f"'{fixed[0]}' has a seed of its own" if len(fixed) == 1 else f"{_some(fixed)} have seeds of their own"
            )
            message = f"{have}: each run is the same"
            _odd(bag, "--repeat", str(options.repeat), message, "take 'seed' out there, or see 'cpescript explore'")


def _odd(bag: Bag, option: str, text: str, message: str, remedy: str) -> None:
    lines = bag.sources.get(option, "").split("\n") if option in bag.sources else []
    bag.sources[option] = "\n".join([*lines, text])
    row = len(lines) + 1
    bag.warning(Span(option, row, 1, row, len(text) + 1), "in-vain", message, remedy)


def _known(names: Iterable[str]) -> str:
    known = list(names)
    return f"known: {_some(known)}" if known else "there are none"


def _some(names: Sequence[str], most: int = 6) -> str:
    return f"{', '.join(names[:most])}{', …' if len(names) > most else ''}"
