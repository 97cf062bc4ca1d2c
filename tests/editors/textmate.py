"""A small TextMate tokenizer, as much of it as the grammar uses: match, begin and end, captures, include.

Rules are those of the editors: line by line, the leftmost match wins, of equals the first rule; inside a begin-end rule
its end is tried first. Regular expressions are run by `re`; the grammar keeps to what both engines know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

Scoped = tuple[int, int, str]
"""Start and end offsets in the line (from 0), and the innermost scope."""


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


class TextMate:
    """Tokenizes lines of a text, one after the other."""

    def __init__(self, grammar: dict[str, Any]) -> None:
        self.grammar = grammar
        self.stack: list[dict[str, Any]] = [{"patterns": grammar["patterns"], "name": ""}]

    def _rules(self, patterns: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for rule in patterns:
            if "include" in rule:
                yield from self._rules(self.grammar["repository"][rule["include"][1:]]["patterns"])
            else:
                yield rule

    def line(self, text: str) -> list[Scoped]:
        """Return the scoped stretches of the next line; what has no scope of its own has the enclosing rule's."""
        found: list[Scoped] = []
        position = 0
        while True:
            top = self.stack[-1]
            best: tuple[int, int, re.Match[str], dict[str, Any] | None] | None = None
            if "end" in top:
                match = compiled(top["end"]).search(text, position)
                if match is not None:
                    best = (match.start(), -1, match, None)
            for order, rule in enumerate(self._rules(top.get("patterns", []))):
                match = compiled(rule.get("match") or rule["begin"]).search(text, position)
                if match is not None and (best is None or (match.start(), order) < best[:2]):
                    best = (match.start(), order, match, rule)
            if best is None:
                found.append((position, len(text), top["name"]))
                return found
            start, _, match, chosen = best
            if start > position:
                found.append((position, start, top["name"]))
            if chosen is None:
                self.stack.pop()
                found.append((start, match.end(), top["name"]))
            elif "begin" in chosen:
                self.stack.append(chosen)
                found.append((start, match.end(), chosen["name"]))
            elif "captures" in chosen:
                for number, capture in chosen["captures"].items():
                    found.append((*match.span(int(number)), capture["name"]))
            else:
                found.append((start, match.end(), chosen["name"]))
            if match.end() == position and chosen is not None and "begin" not in chosen:
                raise AssertionError(f"a rule matches nothing: {chosen}")
            position = match.end()
