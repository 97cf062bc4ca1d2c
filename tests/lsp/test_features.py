"""Completion, hover and navigation as functions of a text with the cursor marked by `|`."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpescript.language.catalogue import standard_catalogue
from cpescript.lsp import clauses
from cpescript.lsp.analysis import Analysis, analyse
from cpescript.lsp.completion import complete
from cpescript.lsp.hover import hover
from cpescript.lsp.navigation import RenameError, correction, definition, references, rename

FILE = "/nowhere/a.cpes"
HEAD = '''\
param size: int = 3 "how many"
define wake(devices, pause: duration = 1s):
    """Wake them."""
    reboot devices

scenario "one":
    spawn size of hg100 as fleet
    spawn 1 of dg2 as old
'''


def marked(text: str) -> tuple[str, int, int]:
    """Return a text without its mark, and where that was."""
    at = text.index("|")
    line = text.count("\n", 0, at) + 1
    return text.replace("|", "", 1), line, at - (text.rfind("\n", 0, at) + 1) + 1


def analysed(text: str) -> Analysis:
    return analyse(text, FILE, standard_catalogue())


def completed(behind: str, head: str = HEAD) -> dict[str, str]:
    text, line, column = marked(f"{head}{behind}")
    return {item.label: item.detail for item in complete(analysed(text), text, line, column)}


@pytest.mark.parametrize(
    ("typed", "there", "not_there"),
    [
        ("    exp|", ["expect"], ["reboot"]),
        ("    reboot fl|", ["fleet"], ["size"]),
        ("    reboot |", ["fleet", "old"], ["expect", "SPV"]),
        ("    expect |", ["SPV", "SetParameterValues", "each", "no", "in order"], ["hg100", "GetSupportedDM"]),
        ("    expect SPV Device.Manage|", ["Device.ManagementServer."], ["Device.DeviceInfo."]),
        (
            "    expect SPV Device.ManagementServer.Peri|",
            ["Device.ManagementServer.PeriodicInformInterval"],
            ["Device."],
        ),
        ("    expect SPV Inter|", ["InternetGatewayDevice."], ["Device."]),
        ("    expect Download where file|", ["file_type", "file_size"], ["fleet"]),
        ("    expect Download where http.|", ["http.status", "http.headers"], ["url"]),
        ("    expect each fleet |", ["registered", "updating"], ["hg100"]),
        ("    inject quirk trans|", ["transfer-fault"], ["fleet"]),
        ("    inject quirk transfer-fault(|", ["code", "times"], ["reboot"]),
        ("    inject quirk transfer-fault(code: 9018, |", ["times"], ["code"]),
        ("    spawn 1 of h|", ["hg100"], ["fleet"]),
        ("    do |", ["wake"], ["fleet"]),
        ("    do wake(fleet, |", ["pause"], []),
        ("    note device.|", ["device.serial", "device.index"], ["fleet"]),
        ("    expect Download on each fleet within 1h as dl\n    note dl.|", ["dl.url"], ["device.serial"]),
        ("    on every Download of fleet:\n        note message.|", ["message.url"], ["message.events"]),
        ("    clock |", ["virtual", "real"], ["fleet"]),
        ("    expect Inform on each fleet wi|", ["within"], ["fleet"]),
        ("    wait until |", ["each", "fleet", "SPV", "in order"], ["and", "contains"]),
        ("    reboot fleet where |", ["offline", "size", "Device."], ["within"]),
        ("    expect fleet where off|", ["offline"], ["within"]),
        ("    expect Inform where |", ["events", "size"], ["offline"]),
        ("    expect acs |", ["call", "sees"], ["registered", "and"]),
        ("    spawn 1 of hg100 as b with:\n        |", ["inject", "label", "serial", "set"], ["expect", "spawn"]),
        ('    note "{|', ["fleet", "size", "count"], ["expect"]),
        ('    note "{{ {fl|', ["fleet"], ["size"]),
        ('    note "{device.|', ["device.serial"], ["fleet"]),
        ('    note "{size}|', [], ["fleet"]),
        ('    note "{size:|', [], ["fleet"]),
        ('    expect Inform where events contains "|', ["0 BOOTSTRAP", "M Reboot"], ["fleet"]),
        ('    expect Inform where events contains "2 P|', ["2 PERIODIC"], ["0 BOOTSTRAP"]),
        ('    inform fleet event "6|', ["6 CONNECTION REQUEST"], ["2 PERIODIC"]),
        ('    expect Download where file_type in ["2 Web Content", "1|', ["1 Firmware Upgrade Image"], ["fleet"]),
        ('    on every Inform of fleet:\n        note "x" if message.events contains "1|', ["1 BOOT"], ["2 PERIODIC"]),
        ('    note "|', [], ["fleet", "expect"]),
    ],
)
def test_completion(typed: str, there: list[str], not_there: list[str]) -> None:
    found = completed(typed)
    assert not set(there) - set(found), sorted(found)
    assert not set(not_there) & set(found)


@pytest.mark.parametrize("typed", ['    note "fl|"', "    # reb|", "    let x| = 1", "    spawn 1 of hg100 as fl|"])
def test_nothing_is_offered_where_words_are_the_authors_own(typed: str) -> None:
    assert "fleet" not in completed(typed)
    assert "reboot" not in completed(typed)


def test_names_of_another_scenario_are_not_offered() -> None:
    found = completed('    reboot fl|\n\nscenario "two":\n    spawn 1 of hg100 as flock\n    check Inform on flock\n')
    assert "fleet" in found
    assert "flock" not in found


def test_files_are_offered_where_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("rollout.yaml", "lib.cpes", "a.cpes", ".hidden.yaml", "sub/deep.yaml"):
        (tmp_path / name).write_text("", encoding="utf-8")

    def offered(typed: str) -> list[tuple[str, str, int]]:
        text, line, column = marked(f"{typed}")
        analysis = analyse(text, str(tmp_path / "a.cpes"), standard_catalogue())
        return [(item.label, item.insert, item.column) for item in complete(analysis, text, line, column)]

    assert offered("policy |") == [("rollout.yaml", '"rollout.yaml"', 8)]
    assert offered('policy "|') == [("rollout.yaml", "rollout.yaml", 9), ("sub/", "sub/", 9)]
    assert offered('policy "sub/|"') == [("sub/deep.yaml", "sub/deep.yaml", 9)]
    assert offered('use "l|"') == [("lib.cpes", "lib.cpes", 6)]
    assert offered('policy "\0/|"') == []
    assert {"rollout.yaml", "which"} <= {label for label, _, _ in offered('param which = "a.yaml"\npolicy |')}


def test_names_are_known_in_a_file_that_does_not_parse() -> None:
    found = completed('    spawn 1 of hg100 as "oops\n    expect of of\n    reboot |')
    assert {"fleet", "old"} <= set(found)


def test_a_profile_may_be_what_a_param_or_a_matrix_says() -> None:
    head = 'param model = "hg100"\nparam size = 3\n\nscenario "one" for kind in ["hg100", "ont4"]:\n'
    found = completed("    spawn 1 of |", head)
    assert {"hg100", "model", "kind"} <= set(found)
    assert "size" not in found
    paths = completed("    spawn 1 of kind as cpe\n    expect Device.Optical.|", head)
    assert "Device.Optical.Interface." in paths, "of any model of the matrix"


def test_an_object_is_completed_one_segment_at_a_time() -> None:
    found = completed("    expect GPV Device.|")
    assert all(label.count(".") - label.endswith(".") == 1 for label in found), sorted(found)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("    expect SPV Device.ManagementServer.Per|iodicInformInterval = 3 on fleet within 1m", "hg100: unsignedInt"),
        ("    expect Down|load on fleet within 1m", "A.3.2.8"),
        ("    inject quirk transfer-fa|ult(code: 9018) on fleet", "A good ACS"),
        ("    inject quirk transfer-fa|ult(code: 9018) on fleet", "`times: int, at least 0` = 1"),
        ("    reboot fle|et", "cohort `fleet` of `hg100`"),
        ("    do wa|ke(fleet)", "Wake them."),
        ("    spawn si|ze of hg100 as other", "how many"),
        ("    expect each fleet regi|stered", "has completed a session"),
    ],
)
def test_hover(typed: str, said: str) -> None:
    text, line, column = marked(f"{HEAD}{typed}\n")
    found = hover(analysed(text), line, column)
    assert found is not None
    assert said in found[0]
    assert found[1].line == line


def test_between_two_words_nothing_is_meant() -> None:
    text, line, column = marked(f"{HEAD}    never  |  Download\n")
    assert hover(analysed(text), line, column) is None


def test_hover_of_a_parameter_nobody_has_says_so() -> None:
    text, line, column = marked(f"{HEAD}    expect SPV Device.Nobody.Kn|ows on fleet within 1m\n")
    found = hover(analysed(text), line, column)
    assert found is not None
    assert "no profile of this scenario has it" in found[0]


def test_every_clause_is_of_a_message_that_exists() -> None:
    known = {message.name for message in standard_catalogue().messages.values()}
    assert set(clauses.MESSAGES) <= known
    calls = {name for name in known if standard_catalogue().messages[name].protocol == "cwmp"}
    assert not {name.removesuffix("Response") for name in calls} - set(clauses.MESSAGES)


def test_definition_of_what_is_used_and_of_what_is_made() -> None:
    text, line, column = marked(f"{HEAD}    do wa|ke(fleet)\n")
    span = definition(analysed(text), line, column)
    assert span is not None
    assert (span.line, span.column) == (2, 8)
    text, line, column = marked(HEAD.replace("as fleet", "as fl|eet"))
    span = definition(analysed(text), line, column)
    assert span is not None
    assert text.split("\n")[span.line - 1][span.column - 1 : span.end_column - 1] == "fleet"


def test_rename_changes_every_place_and_only_those() -> None:
    text, line, column = marked(f'{HEAD}    reboot fl|eet\n    note "fleet {{count(fleet)}}"\n')
    spans = rename(analysed(text), line, column, "flock")
    rows = text.split("\n")
    for span in sorted(spans, reverse=True):
        row = rows[span.line - 1]
        rows[span.line - 1] = row[: span.column - 1] + "flock" + row[span.end_column - 1 :]
    renamed = "\n".join(rows)
    assert renamed == text.replace("as fleet", "as flock").replace("reboot fleet", "reboot flock").replace(
        "count(fleet)", "count(flock)"
    )


@pytest.mark.parametrize(
    ("new", "why"),
    [("old", "already"), ("size", "already"), ("Fleet", "is no name"), ("each", "a word of the language")],
)
def test_a_name_that_is_taken_is_refused(new: str, why: str) -> None:
    text, line, column = marked(f"{HEAD}    reboot fl|eet\n")
    with pytest.raises(RenameError, match=why):
        rename(analysed(text), line, column, new)


def test_procedures_have_names_of_their_own() -> None:
    text, line, column = marked(f"{HEAD}    reboot fl|eet\n    do wake(fleet)\n")
    assert len(rename(analysed(text), line, column, "wake")) == 3


def test_a_keyword_cannot_be_renamed() -> None:
    text, line, column = marked(f"{HEAD}    reb|oot fleet\n")
    with pytest.raises(RenameError, match="nothing here"):
        rename(analysed(text), line, column, "other")


def test_references_of_a_matrix_name() -> None:
    text, line, column = marked('scenario "x" for ver|sion in ["1", "2"]:\n    note version\n    note "{version}"\n')
    assert [span.line for span in references(analysed(text), line, column)] == [1, 2, 3]


def test_corrections_are_those_that_the_message_suggests() -> None:
    found = [correction(item) for item in analysed("spawn 1 of hg10 as a\nexpect Infrom on a within 1m\n").own()]
    assert found == ["hg100", "Inform"]


def test_mistakes_of_a_used_file_are_told_there(tmp_path: Path) -> None:
    (tmp_path / "lib.cpes").write_text("param a: int = oops\n")
    file = str(tmp_path / "a.cpes")
    text = 'use "lib.cpes"\nscenario "x":\n    spawn 1 of hg100 as b\n    expect Inform on b within 1m\n'
    analysis = analyse(text, file, standard_catalogue())
    assert analysis.diagnostics
    assert analysis.own() == []


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet='abD.S"{}()=:# \nexpct on', max_size=120), st.data())
def test_no_text_upsets_the_features(text: str, data: st.DataObject) -> None:
    analysis = analysed(text)
    rows = text.split("\n")
    line = data.draw(st.integers(1, len(rows)))
    column = data.draw(st.integers(1, len(rows[line - 1]) + 1))
    complete(analysis, text, line, column)
    hover(analysis, line, column)
    definition(analysis, line, column)
    references(analysis, line, column)
