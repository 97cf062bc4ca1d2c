"""The parser's tables: compiled from the grammar by Lark, kept as plain data, found again without Lark.

Lark reads the grammar, checks it and computes the LALR(1) automaton, which takes half a second and the import of a
large library. What a scenario needs from that is four plain tables, so they are kept: in the wheel, else in the user's
cache folder. A file that is missing, stale or damaged is made again, never an error. Nothing in it is executed: reading
refuses anything but plain data.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import re
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from sys import intern
from typing import Any

from cpescript import libraries

FORMAT = 1
"""Number of the tables' own layout; a change makes every cached file stale."""
STARTS = ("file", "interpolation")

UNIT, NODE, RUN = range(3)
"""What a reduction makes: its only child, a node of the builder, or a run of children for the rule around it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One production: `size` symbols become one `origin`.

    `keep` has a triple for each symbol that is handed on: its index, whether it is a run to be spliced in, and how many
    optional parts that are absent stand before it (`tail`: behind the last).
    """

    origin: str
    size: int
    make: int
    callback: str
    keep: tuple[tuple[int, bool, int], ...]
    tail: int


@dataclass(frozen=True, slots=True)
class Tables:
    """A compiled grammar. In `states`, an action `n >= 0` shifts (or goes) to state n, `~n` reduces by rule n."""

    states: list[dict[str, int]]
    rules: list[Rule]
    starts: dict[str, tuple[int, int]]
    """Start rule to its first and its accepting state."""
    keywords: dict[str, str]
    """Keyword or sign, as written, to its terminal; a keyword may consist of several words."""

    @property
    def phrases(self) -> dict[str, tuple[str, ...]]:
        """First word to the keywords of several words that begin with it, longest first."""
        found: dict[str, list[str]] = {}
        for text in self.keywords:
            if " " in text:
                found.setdefault(text.split(" ")[0], []).append(text)
        return {word: tuple(sorted(texts, key=len, reverse=True)) for word, texts in found.items()}


def grammar_text() -> str:
    """Return the text of `grammar/cpes.lark`. Raises FileNotFoundError where the installation is incomplete."""
    path = libraries.find("grammar", "cpes.lark")
    if path is None:
        raise FileNotFoundError("grammar/cpes.lark is missing from this installation of cpescript")
    return path.read_text(encoding="utf-8")


def key_of(text: str) -> str:
    """Return the key under which the tables of a grammar text are kept: it changes with Lark and with our layout."""
    parts = f"{FORMAT}\n{_lark_version()}\n{pickle.HIGHEST_PROTOCOL}\n{text}"
    return hashlib.sha256(parts.encode()).hexdigest()


def _lark_version() -> str:
    """Return the version of the installed Lark, read from its source: neither it nor the packaging metadata (35 ms) is
    imported for that."""
    spec = find_spec("lark")
    if spec is None or spec.origin is None:
        return "none"
    found = re.search(r'^__version__.*=\s*"([^"]+)"', Path(spec.origin).read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "unknown"


def build_tables(text: str) -> bytes:
    """Return the compiled tables of a grammar text, ready to be written to a file.

    Raises lark.exceptions.GrammarError for a grammar with a mistake or a conflict.
    """
    tables = compile_grammar(text)
    rules = [(rule.origin, rule.size, rule.make, rule.callback, rule.keep, rule.tail) for rule in tables.rules]
    data = (key_of(text), tables.states, rules, tables.starts, tables.keywords)
    return pickle.dumps(data, protocol=pickle.HIGHEST_PROTOCOL)


def compile_grammar(text: str) -> Tables:
    """Return the tables of a grammar text, computed by Lark. Raises GrammarError."""
    from lark import Lark
    from lark.lexer import Lexer
    from lark.parsers.lalr_analysis import LALR_Analyzer, Shift

    class NoLexer(Lexer):
        """Lark never sees a text: our own tokenizer and layout pass do the reading."""

        def __init__(self, conf: Any) -> None:
            pass

        def lex(self, *_: Any) -> Any:
            return iter(())

    lark = Lark(text, parser="lalr", lexer=NoLexer, start=list(STARTS), maybe_placeholders=True)
    table = _analysis(lark, LALR_Analyzer)
    known = sorted(lark.rules, key=_production)
    numbers = {rule: index for index, rule in enumerate(known)}
    rules = [_rule(rule) for rule in known]
    order = _order(table, Shift)
    states: list[dict[str, int]] = []
    for state in order:
        row: dict[str, int] = {}
        for symbol, (action, argument) in sorted(table.states[state].items()):
            if action is Shift:
                row[intern(symbol)] = order[argument]
            elif argument in numbers:
                row[intern(symbol)] = ~numbers[argument]
        states.append(row)
    starts = {start: (order[table.start_states[start]], order[table.end_states[start]]) for start in STARTS}
    written = sorted(
        (intern(item.pattern.value), intern(item.name)) for item in lark.terminals if item.pattern is not None
    )
    keywords = dict(written)
    return Tables(states, rules, starts, keywords)


def _analysis(lark: Any, analyzer: Any) -> Any:
    """Return Lark's parse table, computed strictly: a conflict is an error, not a silent choice."""
    from lark.parsers.lalr_analysis import IntParseTable

    analysis = analyzer(lark.parser.parser_conf, debug=False, strict=True)
    analysis.compute_lalr()
    table = analysis.parse_table
    return table if isinstance(table, IntParseTable) else IntParseTable.from_ParseTable(table)


def _order(table: Any, shift: Any) -> dict[int, int]:
    """Return our number of each of Lark's states, found from the starts on: Lark's own differ from run to run, and a
    wheel that is built twice should be the same."""
    order: dict[int, int] = {}
    pending = [table.start_states[start] for start in STARTS]
    for state in pending:
        if state not in order:
            order[state] = len(order)
            row = table.states[state]
            pending.extend(argument for _, (action, argument) in sorted(row.items(), key=_symbol) if action is shift)
    return order


def _production(rule: Any) -> tuple[str, list[str]]:
    return rule.origin.name, [symbol.name for symbol in rule.expansion]


def _symbol(entry: tuple[str, Any]) -> str:
    return entry[0]


def _rule(rule: Any) -> Rule:
    """Return Lark's rule as ours: which children it keeps, following Lark's own shaping of trees."""
    options, expansion = rule.options, rule.expansion
    absent = [0] * (len(expansion) + 1)
    if options.empty_indices:
        words = "".join(str(int(empty)) for empty in options.empty_indices)
        absent = [len(ones) for ones in words.split("0")]
    keep: list[tuple[int, bool, int]] = []
    pending = 0
    for index, symbol in enumerate(expansion):
        pending += absent[index]
        if options.keep_all_tokens or not (symbol.is_term and symbol.filter_out):
            keep.append((index, not symbol.is_term and symbol.name.startswith("_"), pending))
            pending = 0
    pending += absent[len(expansion)]
    origin = str(rule.origin.name)
    if origin.startswith("_"):
        make = RUN
    elif options.expand1 and not rule.alias and len(keep) == 1 and not keep[0][1] and not keep[0][2] and not pending:
        make = UNIT
    else:
        make = NODE
    return Rule(intern(origin), len(expansion), make, intern(str(rule.alias or origin)), tuple(keep), pending)


class _PlainUnpickler(pickle.Unpickler):
    """Reads numbers, texts and containers, and nothing that could run."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} in a table of numbers")


def read_tables(data: bytes, key: str) -> Tables | None:
    """Return the tables in `data`, or None if they are not tables of that key."""
    try:
        found, states, rules, starts, keywords = _PlainUnpickler(io.BytesIO(data)).load()
        if found != key:
            return None
        return Tables(states, [Rule(*rule) for rule in rules], starts, keywords)
    except Exception:  # a damaged file can fail in any way; all of them mean "make it again"
        return None


def cache_file() -> Path:
    """Return where compiled tables are kept for this user: `$XDG_CACHE_HOME/cpescript/`, else `~/.cache/cpescript/`."""
    folder = os.environ.get("XDG_CACHE_HOME") or ""
    root = Path(folder) if os.path.isabs(folder) else Path("~/.cache").expanduser()
    return root / "cpescript" / "cpes.tables"


@lru_cache(maxsize=1)
def load_tables() -> Tables:
    """Return the tables of the installed grammar: from the wheel, from the user's cache, or built and kept."""
    text = grammar_text()
    key = key_of(text)
    for path in (Path(__file__).parents[1] / "_data" / "cpes.tables", cache_file()):
        try:
            tables = read_tables(path.read_bytes(), key)
        except OSError:
            continue
        if tables is not None:
            return tables
    data = build_tables(text)
    _keep(cache_file(), data)
    tables = read_tables(data, key)
    assert tables is not None
    return tables


def _keep(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that no reader ever sees half of it; a folder that cannot be written is left alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".cpes-")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
