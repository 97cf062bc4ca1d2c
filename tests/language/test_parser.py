"""The parser: keywords only where they can be, all mistakes in one go, nothing cascades."""

from __future__ import annotations

import pytest
from lab import codes, problems

from cpescript.diagnostics import Bag
from cpescript.language import tree
from cpescript.language.parser import parse
from cpescript.language.tables import load_tables
from cpescript.language.tokens import NEVER_NAMES
from cpescript.pattern import expression as px

SPAWN = "spawn 3 of hg100 as fleet\n"
EXPECT = "expect Inform on fleet within 1m\n"


def lines(text: str) -> tuple[tree.Statement, ...]:
    bag = Bag(sources={"x": text})
    file, _ = parse(text, "x", bag)
    assert file is not None
    assert not len(bag), bag.render()
    return file.lines


def value(text: str) -> object:
    (statement,) = lines(f"let x = {text}\n")
    assert isinstance(statement, tree.Let)
    return statement.value


def shown(node: object) -> str:
    """Return an expression with every operation in brackets."""
    if isinstance(node, px.Binary):
        return f"({shown(node.left)} {node.operator} {shown(node.right)})"
    if isinstance(node, px.Unary):
        return f"({node.operator} {shown(node.operand)})"
    if isinstance(node, px.Between):
        return f"({shown(node.value)} between {shown(node.low)} and {shown(node.high)})"
    if isinstance(node, px.Test):
        return f"({shown(node.value)} {node.test})"
    if isinstance(node, px.Conditional):
        return f"({shown(node.then)} if {shown(node.condition)} else {shown(node.otherwise)})"
    if isinstance(node, px.Draw):
        return f"<{shown(node.amount)} of {shown(node.base)}>"
    if isinstance(node, px.Where):
        return f"<{shown(node.base)} where {shown(node.condition)}>"
    if isinstance(node, px.Except):
        return f"<{shown(node.base)} except {shown(node.removed)}>"
    if isinstance(node, px.Union_):
        return f"<{', '.join(map(shown, node.parts))}>"
    if isinstance(node, px.Parameter):
        return f"{node.path} of {shown(node.target)}" if node.target is not None else str(node.path)
    if isinstance(node, px.Name):
        return node.name
    if isinstance(node, px.Literal_):
        return str(node.value)
    return type(node).__name__


@pytest.mark.parametrize(
    ("text", "structure"),
    [
        ("1 + 2 * 3 - 4", "((1 + (2 * 3)) - 4)"),
        ("a or b and not c == 1", "(a or (b and (not (c == 1))))"),
        ("a between 1 and 2 and b", "((a between 1 and 2) and b)"),
        ("1 if a else 2 if b else 3", "(1 if a else (2 if b else 3))"),
        ("- a * b", "((- a) * b)"),
        ("a not in b or c is not empty", "((a not in b) or (c is not empty))"),
        ("10% of fleet where offline", "<10% of <fleet where offline>>"),
        ("fleet where a == 1 and b, side", "<<fleet where ((a == 1) and b)>, side>"),
        ("fleet where a except b", "<<fleet where a> except b>"),
        ("(fleet, side) where a", "<<fleet, side> where a>"),
        ("Device.A of fleet == 3", "(Device.A of fleet == 3)"),
        ("fleet where Device.A == Device.B of gold", "<fleet where (Device.A == Device.B of gold)>"),
    ],
)
def test_precedence(text: str, structure: str) -> None:
    assert shown(value(text)) == structure


@pytest.mark.parametrize("word", sorted(word for word in load_tables().keywords if word.isidentifier()))
def test_every_other_word_may_be_a_name(word: str) -> None:
    text = (
        f"spawn 1 of hg100 as {word}\nlet n = {word}[1]\nreboot {word}\nreboot n\nexpect Inform on {word} within 1m\n"
    )
    if word in NEVER_NAMES:
        assert "reserved-name" in codes(text) or "quantifier" in codes(text)
    else:
        assert codes(text) == []


def test_a_keyword_is_one_where_the_word_behind_it_says_so() -> None:
    absent, equal = lines("expect no SPV on x for 1h\nexpect no == 3 on x\n")
    assert isinstance(absent, tree.Claimed)
    assert isinstance(equal, tree.Claimed)
    assert isinstance(absent.claim, tree.MessageForm)
    assert absent.claim.negated
    assert isinstance(equal.claim, tree.ValueForm)


def test_all_mistakes_are_told_in_one_go() -> None:
    text = SPAWN + "reboot flet\nwait 30\nrebot fleet\nlet x = = 3\nnote x\nset Device.Nope = 3 on fleet\n" + EXPECT
    assert [line for _, _, line, _ in problems(text)] == [2, 3, 4, 5, 7]


def test_a_broken_line_declares_its_likely_names() -> None:
    broken = "param size: = 3\nspawn size of hg100 as fleet ovr 5m\nexpect Inform on fleet 5m as dl\nlet t = = 3\n"
    used = 'note "{dl.url}{t}{size}"\nreboot fleet\nexpect Inform on fleet within 1m\n'
    assert [line for _, _, line, _ in problems(broken + used)] == [1, 2, 3, 4]


def test_a_broken_head_keeps_its_block() -> None:
    text = SPAWN + "repeat every 5m:\n    wait 30\n    rebot fleet\n" + EXPECT
    assert [(code, line) for code, _, line, _ in problems(text)] == [
        ("syntax", 2),
        ("missing-unit", 3),
        ("unknown-word", 4),
    ]


def test_a_broken_claim_keeps_its_block_of_claims() -> None:
    text = SPAWN + "expect in order on each fleet within:\n    Download\n    registered as x as y\n" + EXPECT
    assert [line for _, _, line, _ in problems(text)] == [2, 4]


def test_else_after_a_broken_if_is_not_blamed() -> None:
    assert codes(SPAWN + "if 1 = 1:\n    wait 1s\nelse:\n    wait 2s\n" + EXPECT) == ["single-equals"]


def test_a_missing_colon_is_added_and_the_block_read() -> None:
    text = SPAWN + "repeat 5\n    reboot flet\n" + EXPECT
    assert [(code, line, column) for code, _, line, column in problems(text)] == [
        ("missing-colon", 2, 9),
        ("unknown-cohort", 3, 12),
    ]


def test_an_unexpected_indent_leaves_the_lines_where_they_are() -> None:
    text = SPAWN + "    reboot fleet\n    reboot flet\nreboot fleet\n" + EXPECT
    assert [(code, line) for code, _, line, _ in problems(text)] == [("unexpected-indent", 2), ("unknown-cohort", 3)]


def test_spans_are_exact_inside_texts_and_paths() -> None:
    text = (
        SPAWN + 'note "äöü {nope} and {fleet[0]}"\nset Device.NAT.PortMapping.{nix}.Enable = true on fleet\n' + EXPECT
    )
    assert problems(text) == [
        ("unknown-name", "nope", 2, 12),
        ("bad-slice", "0", 2, 29),
        ("unknown-name", "nix", 3, 29),
    ]


def test_ten_thousand_levels_are_refused_politely() -> None:
    deep = "".join(" " * depth + "repeat 2:\n" for depth in range(10_000))
    assert codes(deep) == ["too-deep"]
    assert codes("let x = " + "(" * 10_000 + "\n") == ["too-deep"]
    assert "too-deep" in codes("let x = " + "not " * 4_000 + "true\n")
    assert "too-deep" in codes("let x = 1" + " + 1" * 4_000 + "\n")
    assert "too-deep" in codes('let x = "' + "{" * 3_000 + '"\n') or "open-brace" in codes(
        'let x = "' + "{" * 3_001 + '"\n'
    )
