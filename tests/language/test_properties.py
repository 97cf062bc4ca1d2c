"""Whatever is typed either parses or is told what is wrong; what parses can be formatted, once and for all."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from lab import CORPUS, LAB, load_text

from cpescript.language.expected import expected_at
from cpescript.language.formatter import format_text
from cpescript.language.plan import plan_data, plan_text
from cpescript.language.tables import load_tables

WORDS = sorted(
    {
        word
        for path in (CORPUS / "valid").glob("*.cpes")
        for line in path.read_text(encoding="utf-8").splitlines()
        for word in line.split(" ")
        if word and not word.startswith("#")
    }
    | {
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        '"',
        "{x}",
        '"{',
        "..",
        "-",
        "+",
        "%",
        "=",
        "==",
        "\t",
        "#",
        '"""',
        "é",
        "\u2028",
    }
)
LINES = sorted(
    {
        line.strip()
        for path in (CORPUS / "valid").glob("*.cpes")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    }
)

PARSER_WORDS = sorted(
    {"_NL", "_INDENT", "_DEDENT", "$END", "OF_PATH", "ERROR_LINE", "ERROR_CLAIMS", "Traceback", "__"}
    | {terminal for terminal in load_tables().keywords.values() if "_" in terminal}
)

words = st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join)
depth = st.integers(min_value=0, max_value=4).map(lambda levels: "    " * levels)
rows = st.tuples(depth, words | st.sampled_from(LINES)).map("".join)
scrambled = st.lists(rows, max_size=12).map("\n".join)


def told(text: str) -> None:
    program, bag = load_text(text, "any.cpes", LAB)
    if program is None:
        assert bag.failed
        return
    for item in bag:
        # The words of the grammar are for the parser alone; a text may hold them, so what it says is taken out.
        said = f"{item.message} {item.remedy}".replace(text, "")
        leaked = [word for word in PARSER_WORDS if word in said and word not in text]
        assert not leaked, said
        assert "\n" not in item.message
        assert "\n" not in item.remedy
        assert 1 <= item.span.line <= text.count("\n") + 1
        assert item.span.column >= 1
        assert (item.span.end_line, item.span.end_column) > (item.span.line, item.span.column)
    for line in range(1, text.count("\n") + 2):
        program.symbols.seen_from("any.cpes", line)
    if not program.failed:
        cases, _ = program.cases()
        for case in cases[:2]:
            assert plan_text(case).endswith("\n")
            plan_data(case)


@settings(max_examples=60, deadline=None)
@given(scrambled, st.data())
def test_any_place_has_an_answer(text: str, data: st.DataObject) -> None:
    rows = text.split("\n")
    line = data.draw(st.integers(1, len(rows)))
    column = data.draw(st.integers(1, len(rows[line - 1]) + 1))
    found = expected_at(text, line, column)
    assert found is None or rows[line - 1][found.column - 1 : column - 1] == found.prefix


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_explained(text: str) -> None:
    told(text)


@settings(max_examples=300, deadline=None)
@given(scrambled)
def test_any_words_are_read_or_explained(text: str) -> None:
    told(text)


@settings(max_examples=200, deadline=None)
@given(scrambled)
def test_what_parses_is_formatted_and_stays_so(text: str) -> None:
    formatted, bag = format_text(text)
    if formatted is None:
        assert bag.failed
        assert "fmt-refused" not in {item.code for item in bag}, bag.render()
        return
    assert format_text(formatted)[0] == formatted


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted((CORPUS / "valid").glob("*.cpes"))), st.data())
def test_a_good_scenario_with_a_piece_missing_is_explained(path: object, data: st.DataObject) -> None:
    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    start = data.draw(st.integers(0, len(text)))
    end = min(len(text), start + data.draw(st.integers(1, 12)))
    told(text[:start] + text[end:])
