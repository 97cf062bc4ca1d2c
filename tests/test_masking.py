"""Secrets stay out of every text, and nothing else changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.diagnostics import Span
from cpescript.masking import NOTHING, Masker, command_line
from cpescript.results import ClaimResult, DeviceMiss, MessageLine


@pytest.mark.parametrize(
    ("secret", "text", "masked"),
    [
        ("hunter2x", "key=hunter2x!", "key=***!"),
        ("hunter2x", "prehunter2xpost", "pre***post"),
        ('a<b&c"d', "<V>a&lt;b&amp;c&quot;d</V>", "<V>***</V>"),
        ('a<b&c"d', '<V>a&lt;b&amp;c"d</V>', "<V>***</V>"),
        ("pass word", "?k=pass%20word&l=pass+word", "?k=***&l=***"),
        ("hunter2x", "Basic aHVudGVyMng=", "Basic ***="),
        ("hunter2x", "Password=hunter2…  200", "Password=***…  200"),
        ("hunter2x", "cut at the end: hunter2", "cut at the end: ***"),
        ("hunter2x", "a hunter is no secret", "a hunter is no secret"),
        ("ab", "ab cab ab. 'ab'", "*** cab ***. '***'"),
        ("abcd", "xabcdx", "x***x"),
        ("a.b", "a.b.c xa.b a.b: a.b.", "a.b.c xa.b ***: ***."),
        (4711, "pin 4711, 14711, 4711s, 1.4711.2, 04:4711:00", "pin ***, 14711, 4711s, 1.4711.2, 04:4711:00"),
        (True, "is true, untrue", "is ***, untrue"),
        (["first1", {"k": "second2"}], "first1 second2 k", "*** *** k"),
        ("", "nothing", "nothing"),
        (None, "none", "none"),
    ],
)
def test_a_secret_is_masked_in_every_spelling(secret, text, masked):
    assert Masker([secret]).text(text) == masked


def test_of_two_secrets_the_longer_is_masked_first():
    assert Masker(["secret", "secretive"]).text("secretive secret") == "*** ***"


def test_an_authors_words_keep_short_secrets_and_lose_long_ones():
    masker = Masker(["12", "hunter2x"])
    assert masker.text("line 12 hunter2x", authors=True) == "line 12 ***"


def test_the_shape_of_a_document_stays():
    masker = Masker(["online", 5, True])
    assert masker.value({"online": 5, "n": [5, True, "5", "is online"], "t": ("x",)}) == {
        "online": 5,
        "n": [5, True, "***", "is ***"],
        "t": ("x",),
    }


def test_a_result_is_masked_all_the_way_down_but_for_its_fixed_words():
    line = MessageLine(1, 1, "to-acs", "Inform", "Inform missed", 200, "<V>missed</V>")
    miss = DeviceMiss("fleet[3]", "O-P-3", 3, "3 or missed", "missed", (line,))
    span = Span("missed.cpes", 3, 1, 3, 2)
    claim = ClaimResult("expect", span, "expect 3", "missed", "3 missed it", 0, 0, 3, 0, 3, (miss,))
    masked = Masker(["missed", 3]).value(claim)
    assert (masked.verdict, masked.source, masked.devices) == ("missed", "expect 3", 3)
    assert masked.message == "*** *** it"
    assert masked.span.source == "***.cpes"
    assert masked.misses[0].expected == "*** or ***"
    assert masked.misses[0].device == "fleet[3]"
    assert masked.misses[0].messages[0] == MessageLine(1, 1, "to-acs", "Inform", "Inform ***", 200, "<V>***</V>")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["run", "a b.cpes", "--param", "pin=1", "--seed", "3"], "run 'a b.cpes' --param 'pin=***' --seed 3"),
        (["--param=pin=1", "--param", "pin"], "'--param=pin=***' --param pin"),
        (["--param", "--param", "x=1"], "--param --param x=1"),
        (["--acs", "https://u:p@h:1/x?a=b"], "--acs 'https://u:***@h:1/x?a=b'"),
        (["--north", "http://h:80/a@b"], "--north http://h:80/a@b"),
    ],
)
def test_a_command_line_is_shown_without_values_that_may_be_secret(words, shown):
    assert command_line(words) == shown


def test_where_nothing_is_secret_nothing_is_done():
    assert not NOTHING
    assert not Masker(["", None, []])
    value = {"a": ["b"]}
    assert NOTHING.value(value) == value


@given(st.text(min_size=4), st.text(), st.text())
def test_what_is_masked_is_gone(secret, before, behind):
    masker = Masker([secret])
    if secret.strip("*") and masker and not secret.replace(".", "").strip("+-").isdigit():
        text = masker.text(f"{before} {secret} {behind}")
        assert secret not in text or secret.lower() in ("true", "false", "none", "null") or set(secret) <= set(" *")
