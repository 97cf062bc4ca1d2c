"""Lines, blocks and comments, before anything is parsed."""

from __future__ import annotations

import pytest

from cpescript.diagnostics import Bag
from cpescript.language.layout import MAX_DEPTH, MAX_LINE, lay_out, logical_text


def shape(text: str) -> list[str]:
    """Return each logical line as its depth and its text, then the codes of what is wrong."""
    bag = Bag()
    layout = lay_out(text, "x", bag)
    return [f"{line.depth} {logical_text(line)}" for line in layout.lines] + [item.code for item in bag]


def test_depth_comes_from_indentation() -> None:
    assert shape("a:\n  b:\n      c\n  d\ne\n") == ["0 a:", "1 b:", "2 c", "1 d", "0 e"]


def test_a_line_goes_on_in_brackets_and_after_a_comma() -> None:
    assert shape("a(\n1,\n\n# no\n2\n)\nb,\n   c\nd\n") == ["0 a( 1, 2 )", "0 b, c", "0 d"]


def test_a_missing_last_newline_is_fine() -> None:
    assert shape("a\nb") == shape("a\nb\n") == ["0 a", "0 b"]


def test_windows_line_ends_are_fine() -> None:
    assert shape("a:\r\n  b\r\n") == ["0 a:", "1 b"]


def test_comments_and_blank_lines_have_no_depth() -> None:
    bag = Bag()
    layout = lay_out("a:\n        # deep\n\n    b  # behind\n# end\n", "x", bag)
    assert [line.depth for line in layout.lines] == [0, 1]
    assert [(comment.line, comment.text, comment.alone) for comment in layout.comments] == [
        (2, "# deep", True),
        (4, "# behind", False),
        (5, "# end", True),
    ]
    assert not len(bag)


def test_a_wrong_dedent_belongs_to_the_block_outside() -> None:
    assert shape("a:\n        b\n    c\nd\n") == ["0 a:", "1 b", "0 c", "0 d", "wrong-dedent"]


def test_an_indented_first_line_is_told_once() -> None:
    assert shape("   a\n   b\n") == ["0 a", "0 b", "unexpected-indent"]


def test_a_tab_in_the_indentation_is_told_once() -> None:
    assert shape("a:\n\tb\n\n") == ["0 a:", "1 b", "tab"]


def test_a_docstring_is_one_token() -> None:
    layout = lay_out('"""one\n  two # no comment\n"""\na\n', "x", Bag())
    (first, second) = layout.lines
    assert [token.kind for token in first.tokens] == ["DOCSTRING"]
    assert (first.tokens[0].end_line, first.tokens[0].end_column) == (3, 4)
    assert second.tokens[0].line == 4
    assert not layout.comments


def test_a_forgotten_bracket_costs_its_line_only() -> None:
    assert shape("f(1\nexpect x\n") == ["0 f(1", "0 expect x", "missing-bracket"]


def test_a_forgotten_quote_costs_its_line_only() -> None:
    assert shape('f("a, [b\nc\n')[-2:] == ["0 c", "missing-quote"]


@pytest.mark.parametrize(
    "text",
    [
        "x" * (MAX_LINE + 1),
        "(" * (MAX_DEPTH + 1),
        "".join(" " * depth + "a:\n" for depth in range(MAX_DEPTH + 2)),
    ],
)
def test_what_nobody_can_read_is_refused(text: str) -> None:
    bag = Bag()
    assert lay_out(text, "x", bag).refused
    assert [item.code for item in bag] in (["giant-line"], ["too-deep"])
