"""The one renderer of mistakes: place, cause, remedy, and a source line that never floods a terminal or drives it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.diagnostics import (
    MANY_NAMES,
    MOST_NAMES,
    Bag,
    Diagnostic,
    Span,
    did_you_mean,
    nearest,
    placing,
    render,
)


def span(line: int, first: int, last: int, *, to: int | None = None, source: str = "a.cpes") -> Span:
    return Span(source, line, first, to or line, last)


def rendered(text: str, where: Span, message: str = "why", remedy: str = "") -> str:
    return render(Diagnostic(where, "code", message, remedy), {"a.cpes": text})


def test_the_place_the_cause_the_line_and_the_remedy() -> None:
    assert rendered("one\n  two three\n", span(2, 3, 6), remedy="write 2") == (
        "error[code]: why\n  a.cpes:2:3\n    2 |   two three\n      |   ^^^ write 2\n"
    )


def test_a_span_of_several_lines_is_underlined_to_the_end_of_its_first() -> None:
    assert rendered("one\ntwo\n", span(1, 2, 3, to=2)).endswith("    1 | one\n      |  ^^\n")


@pytest.mark.parametrize("where", [span(1, 4, 4), span(1, 4, 5), span(1, 4, 99)])
def test_a_span_behind_the_line_has_one_mark(where: Span) -> None:
    assert rendered("one\n", where).endswith("    1 | one\n      |    ^\n")


@pytest.mark.parametrize("where", [span(9, 1, 2), span(1, 1, 2, source="folder")])
def test_a_place_without_a_text_is_told_alone(where: Span) -> None:
    assert rendered("one\n", where, remedy="mend it") == f"error[code]: why\n  {where.place}\n   = mend it\n"
    assert rendered("one\n", where) == f"error[code]: why\n  {where.place}\n"


def test_what_a_terminal_would_obey_is_shown_as_something_it_does_not() -> None:
    text = "a\x1b[2J\tb\x7f\x9bc"
    shown = rendered(text + "\r\n", span(1, 1, 2)).splitlines()[2]
    assert shown == "    1 | a\N{REPLACEMENT CHARACTER}[2J b\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}c"


def test_a_giant_line_is_cut_around_the_place() -> None:
    text = "." * 5_000 + "here" + "." * 5_000
    _, place, line, mark = rendered(text, span(1, 5_001, 5_005)).splitlines()
    assert place.endswith("a.cpes:1:5001")
    assert len(line) < 140
    assert line[mark.index("^") : mark.index("^") + 4] == "here"
    assert mark.count("^") == 4


@given(st.text(max_size=300), st.integers(1, 400), st.integers(1, 400), st.integers(0, 3))
def test_any_place_in_any_text_is_rendered_on_four_lines_at_most(text: str, first: int, last: int, more: int) -> None:
    shown = rendered(text, span(1, first, last, to=1 + more))
    assert shown.count("\n") <= 4
    assert not any(ord(letter) < 32 for letter in shown.replace("\n", ""))


def test_a_bag_tells_each_mistake_once_in_the_order_of_the_text() -> None:
    bag, other = Bag(sources={"a.cpes": "one\ntwo\n"}), Bag(sources={"b.cpes": "three\n"})
    bag.warning(span(2, 1, 4), "late", "second")
    assert not bag.failed
    other.error(span(1, 1, 6, source="b.cpes"), "far", "third")
    for _ in range(2):
        bag.error(span(1, 1, 4), "early", "first")
    bag.extend(other)
    assert bag.failed
    assert [item.message for item in bag] == ["first", "second", "third"]
    assert len(bag) == 4
    assert bag.render().startswith("error[early]: first\n")
    assert "warning[late]: second\n" in bag.render()
    assert "    1 | three\n" in bag.render()


def test_spans_are_joined_from_the_first_to_the_last() -> None:
    assert span(1, 2, 4).to(span(3, 1, 7)) == Span("a.cpes", 1, 2, 3, 7)


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        (["a/x.cpes"], ["line 1"]),
        (["a/x.cpes", "b/y.cpes"], ["x.cpes:1", "y.cpes:1"]),
        (["a/x.cpes", "b/x.cpes"], ["a/x.cpes:1", "b/x.cpes:1"]),
    ],
)
def test_a_place_is_named_as_shortly_as_it_can_be_told_from_others(sources: list[str], told: list[str]) -> None:
    spans = [span(1, 1, 2, source=source) for source in sources]
    assert list(map(placing(spans), spans)) == told


@pytest.mark.parametrize(
    ("word", "meant"),
    [("fleeet", "fleet"), ("FLEET", "fleet"), ("flt", "fleet"), ("sie", "Size"), ("zzz", None), ("", None)],
)
def test_the_nearest_name_is_what_was_meant(word: str, meant: str | None) -> None:
    assert nearest(word, ["fleet", "Size", "other"]) == meant


def test_of_many_names_those_that_begin_alike_are_looked_at() -> None:
    names = [f"name{number:05}" for number in range(MANY_NAMES * 3)]
    assert nearest("name00500x", names) == "name00500"
    assert nearest("name", iter(lambda: "name1", None)) == "name1", f"{MOST_NAMES} at most are taken"


def test_the_remedy_says_what_was_meant_or_something_else() -> None:
    assert did_you_mean("fleeet", ["fleet"]) == "did you mean 'fleet'?"
    assert did_you_mean("zzz", ["fleet"], "name one") == "name one"
    assert did_you_mean("zzz", []) == ""
