"""What could stand at a place: the cursor is `‸`, and the text around it need not be in order."""

from __future__ import annotations

import pytest

from cpescript.language.expected import IN_WITH, Expected, expected_at


def at(text: str) -> Expected | None:
    before, after = text.split("‸")
    line = before.count("\n") + 1
    return expected_at(before + after, line, len(before.rsplit("\n", 1)[-1]) + 1)


def known(text: str) -> Expected:
    found = at(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("‸", "system"),
        ("spawn 1 of h‸", "profile"),
        ("inject quirk ‸", "quirk"),
        ("do ‸", "define"),
        ("portal call ‸", "call"),
        ("expect each fleet ‸", "state"),
        ("expect fleet not ‸", "state"),
        ("reboot fl‸", "value"),
        ("expect Inform on ‸", "value"),
        ("expect Inform on fleet within 5m since ‸", "capture"),
        ("clock ‸", "clock"),
        ("param x: ‸", "type"),
        ("let ‸", "new name"),
        ("wait 5m ‸", ""),
    ],
)
def test_which_sort_of_name(text: str, role: str) -> None:
    assert known(text).role == role


def test_words_are_those_that_the_grammar_takes() -> None:
    clauses = known("expect SPV Device.A.B on fleet wi‸")
    assert (clauses.prefix, clauses.column) == ("wi", 32)
    assert {"within", "unless", "since", "across", "as"} <= set(clauses.words)
    assert "spawn" not in clauses.words
    assert "in order" in known("expect ‸").words
    assert set(known("expect at least 3 of ‸").words) < set(known("expect ‸").words)


def test_a_message_a_path_a_text() -> None:
    claim = known("expect ‸")
    assert claim.message
    assert claim.path
    assert not known("reboot fleet over ‸").message
    assert known("use ‸").text
    assert not known("set ‸").text
    assert known("set ‸").path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("expect Download where ‸", "Download"),
        ("expect Download where url == x and f‸", "Download"),
        ("expect Download on fleet where ‸", ""),
        ("expect in order on f within 1m:\n    SPV\n    GPV where ‸", "GPV"),
        ("on every Download where url == x of fleet where ‸", ""),
        ("wait 5m if ‸", ""),
    ],
)
def test_whose_elements_can_be_named(text: str, message: str) -> None:
    assert known(text).fields_of == message


def test_the_handler_around_and_the_call_around() -> None:
    assert known("on every SPV of fleet:\n    wait 3s\n    if message.‸").handler == "SPV"
    assert known("on every SPV of fleet:\n    wait 3s\nwait ‸").handler == ""
    assert known("inject quirk slow-cpe(pause: 5s, ‸").arguments_of == ("quirk", "slow-cpe")
    assert known("do onboard(fleet, min(1, ‸").arguments_of is None
    assert known("do onboard(fleet, min(1, 2), ‸").arguments_of == ("define", "onboard")


def test_blocks_decide_what_a_line_may_be() -> None:
    head = 'scenario "x":\n    expect in order on fleet within 5m:\n        Inform\n'
    inner = known(head + "        ‸")
    assert inner.message
    assert "spawn" not in inner.words
    assert "spawn" in known(head + "    ‸").words
    assert "spawn" in known('scenario "x" oops:\n    ‸').words


@pytest.mark.parametrize(
    "text", ["# a ‸comment", 'note "te‸xt"', '"""doc\n‸string"""', 'note "open ‸', 'note "{{open ‸']
)
def test_nowhere(text: str) -> None:
    assert at(text) is None


@pytest.mark.parametrize(
    ("text", "role", "prefix"),
    [
        ('policy "ro‸"', "policy", "ro"),
        ('use "../lib/‸', "library", "../lib/"),
        ('profile edge = "e‸', "profile file", "e"),
        ('expect Inform where events contains "6 CON‸', "literal", "6 CON"),
        ('expect Download where file_type not in ["2 Web Content", "‸"]', "literal", ""),
        ('inform fleet event "M ‸', "literal", "M "),
        ('note "all of {fl‸}"', "value", "fl"),
        ('note "{{open {count(fl‸', "value", "fl"),
    ],
)
def test_in_quotes_a_text_or_what_stands_in_its_braces(text: str, role: str, prefix: str) -> None:
    found = known(text)
    assert (found.role, found.prefix, found.quoted) == (role, prefix, "{" not in text)
    assert found.column == text.index("‸") + 1 - len(prefix)


def test_whose_values_can_stand_in_quotes() -> None:
    assert known('expect Inform where events contains "‸').literal_of == "events"
    assert known('expect Download where file_type not in ["1‸').literal_of == "file_type"
    assert known('on every Inform of fleet:\n    check message.events contains "‸').literal_of == "events"


def test_the_last_word_is_the_keyword_that_it_can_be() -> None:
    assert "each" in known("wait until ‸").words
    assert known("expect fleet where ‸").role == "asked"
    assert known("expect acs ‸").words == ("call", "sees")


def test_the_settings_of_devices_alone_stand_in_their_block() -> None:
    head = "spawn 1 of hg100 as cpe with:\n    "
    assert set(known(head + "‸").words) == IN_WITH
    assert "all" in known(head + 'label a = "{‸').words


def test_a_statement_goes_on_inside_brackets() -> None:
    assert known("let x = [\n    1,\n    ‸").role == "value"
    assert known("reboot fleet,\n    ‸").role == "value"


def test_any_place_of_a_text_has_an_answer() -> None:
    text = 'scenario "x":\n    spawn 1 of hg100 as cpe with:\n        label a = "b {c}"\n    expect ((\n'
    for line, row in enumerate(text.split("\n"), 1):
        for column in range(1, len(row) + 2):
            expected_at(text, line, column)
    assert expected_at(text, 99, 1) is None
