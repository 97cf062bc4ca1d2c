"""The formatter: one layout, and proof that nothing else changed."""

from __future__ import annotations

import pytest

from cpescript.language import formatter
from cpescript.language.formatter import format_text


def formatted(text: str) -> str:
    result, bag = format_text(text)
    assert result is not None, bag.render()
    return result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("wait   3s", "wait 3s\n"),
        ("let x=( 3+ -4 )*2", "let x = (3 + -4) * 2\n"),
        ("let x = a - -b", "let x = a - -b\n"),
        ("if not(a == b) :\n  wait 1s", "if not (a == b):\n    wait 1s\n"),
        ("do f( a,b:3 ,c: fleet [1 .. 10],)", "do f(a, b: 3, c: fleet[1..10],)\n"),
        ("let m = { a : 1 , b : [1,2] }", "let m = {a: 1, b: [1, 2]}\n"),
        ("at   +  30m :\n wait 1s", "at +30m:\n    wait 1s\n"),
        ("let x = y in(a, b)", "let x = y in (a, b)\n"),
        ("let x = (a, b) [1]", "let x = (a, b)[1]\n"),
        ("expect in   order on x within 1m :\n Inform", "expect in order on x within 1m:\n    Inform\n"),
        ("wait 1s#c", "wait 1s  #c\n"),
        ("\n\n# a\n\n\n\n# b\nwait 1s\n\n\n", "# a\n\n# b\nwait 1s\n"),
        ("repeat 2:\n\n  wait 1s\n  # end of it\n# after\n", "repeat 2:\n    wait 1s\n    # end of it\n# after\n"),
        ('"""doc\n   more\n   """\nwait 1s', '"""doc\nmore\n"""\nwait 1s\n'),
        ('if a:\n    """\n    b\n    \nc\n    """', 'if a:\n    """\n        b\n\n    c\n        """\n'),
        ("reboot a,\n b # x\n", "reboot a,\n    b  # x\n"),
        ("let l = [\n1, # one\n# two\n2]\n", "let l = [\n    1,  # one\n    # two\n    2]\n"),
        ("", ""),
        ("# only\n", "# only\n"),
        ("\ufeffwait   1s\n", "wait 1s\n"),
        ("# blanks behind \t\u00a0\nwait 1s # here \t", "# blanks behind\nwait 1s  # here\n"),
    ],
)
def test_the_one_layout(text: str, result: str) -> None:
    assert formatted(text) == result
    assert formatted(result) == result


def test_what_does_not_parse_is_refused_with_its_mistakes() -> None:
    result, bag = format_text("wait 1s\nrebot x\nwait = 3\n")
    assert result is None
    assert [item.span.line for item in bag] == [2, 3]


def test_what_does_not_check_is_formatted_all_the_same() -> None:
    assert formatted("reboot   nobody") == "reboot nobody\n"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda rows: rows[:-1], "change what the scenario says"),
        (lambda rows: [row.split("  #")[0] for row in rows], "lose a comment"),
        (lambda rows: [rows[0] + " ", *rows[1:]], "not come to rest"),
    ],
)
def test_it_proves_itself(monkeypatch: pytest.MonkeyPatch, spoil: object, reason: str) -> None:
    honest = formatter._Formatter.run
    calls: list[str] = []

    def dishonest(self: formatter._Formatter) -> str | None:
        text = honest(self)
        assert text is not None
        calls.append(text)
        if len(calls) > 1:
            return text
        return "\n".join(spoil(text.rstrip("\n").split("\n"))) + "\n"  # type: ignore[operator]

    monkeypatch.setattr(formatter._Formatter, "run", dishonest)
    result, bag = format_text("wait 1s  # why\nwait 2s\n")
    assert result is None
    (item,) = bag
    assert item.code == "fmt-refused"
    assert reason in item.message
