"""The table of slips: every row is reached by a line that a newcomer would write."""

from __future__ import annotations

from pathlib import Path

from lab import CORPUS

from cpescript.diagnostics import Bag
from cpescript.language.slips import SLIPS, remedy_of
from cpescript.language.tokens import Token, tokenize_line


def tokens(text: str) -> list[Token]:
    return list(tokenize_line(text, 1, "x", Bag()))


def test_every_row_is_shown_in_the_corpus() -> None:
    told = "".join(Path(path).read_text(encoding="utf-8") for path in (CORPUS / "errors").glob("*.err"))
    missing = [slip for slip in SLIPS if slip.remedy.split("{")[0].strip(" '\"") not in told]
    assert not missing


def test_a_unit_behind_a_space_is_put_to_its_number() -> None:
    assert remedy_of(tokens("wait 5 minutes"), 2) == "a unit stands right behind its number: 5m"
    assert remedy_of(tokens("wait 5 bananas"), 2) == ""


def test_nothing_is_told_of_a_line_that_ends_too_early() -> None:
    assert remedy_of(tokens("wait"), 1) == ""
    assert remedy_of(tokens("then"), 0) == ""
