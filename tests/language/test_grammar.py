"""The grammar, and the tables that must speak of the same rules as it does."""

from __future__ import annotations

import re

import pytest
from lark.exceptions import GrammarError

from cpescript.language.build import ACTIONS, CLAUSES, ENTRIES, STIMULI
from cpescript.language.clauses import ALLOWED, WHY
from cpescript.language.tables import NODE, compile_grammar, grammar_text
from cpescript.language.tokens import NEVER_NAMES

TABLES = compile_grammar(grammar_text())


def test_a_conflict_is_an_error() -> None:
    ambiguous = grammar_text().replace("?sum: product\n", '?sum: product\n    | sum "+" sum -> sum_of\n')
    assert ambiguous != grammar_text()
    with pytest.raises(GrammarError):
        compile_grammar(ambiguous)


def test_no_keyword_shares_its_terminal_with_a_kind_of_word() -> None:
    declared = {
        word for line in grammar_text().splitlines() if line.startswith("%declare") for word in line.split()[1:]
    }
    assert len(declared) > 15
    assert not declared & set(TABLES.keywords.values())


def test_every_rule_has_its_entry_and_every_entry_its_rule() -> None:
    assert {rule.callback for rule in TABLES.rules if rule.make == NODE} == set(ENTRIES)


def test_every_statement_knows_its_clauses() -> None:
    verbs = {verb for verb, _ in ACTIONS.values()} | {f"acs {verb}" for verb, _ in STIMULI.values()}
    claims = {"expect", "check", "wait until", "always", "never", "sometimes", "unless", "until"}
    assert set(ALLOWED) == verbs | claims | {"spawn"}
    kinds = set(CLAUSES.values())
    assert all(allowed <= kinds for allowed in ALLOWED.values())
    assert all(statement in ALLOWED and clause in kinds - ALLOWED[statement] for statement, clause in WHY)


def test_words_that_are_never_names_are_keywords() -> None:
    assert set(TABLES.keywords) >= NEVER_NAMES


def test_the_grammar_stays_readable() -> None:
    assert all(len(line) <= 120 for line in grammar_text().splitlines())
    assert not re.search(r"\t| $", grammar_text(), re.MULTILINE)
