"""From a checked program to timelines: params by strength, matrices, folding, what shows only with values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lab import LAB, load_text, timeline, timelines

from cpescript.kernel.time import Duration, Percent, Size
from cpescript.language import timeline as tl
from cpescript.language.loader import check, load
from cpescript.language.params import parse_assignments
from cpescript.pattern import expression as px

BODY = "spawn size of hg100 as fleet\nexpect Inform on fleet within 1m\n"


def case_problems(text: str, **given: Any) -> list[tuple[str, str]]:
    """Return (code, place) of what is wrong with the cases of a text that itself is in order."""
    program, bag = load_text(text, "test.cpes", LAB)
    assert program is not None
    assert not bag.failed, bag.render()
    _, bag = program.cases(**given)
    return [(item.code, item.span.place) for item in bag]


# --- params ----------------------------------------------------------------------------------------------------------


def test_the_strongest_source_wins() -> None:
    text = "param size: int = 1\n" + BODY
    sources = {"environment": {"CPES_PARAM_size": "2"}, "params_file": {"size": "3"}, "params": {"size": "4"}}
    expected = [1, 2, 3, 4]
    for count, value in enumerate(expected):
        given = dict(list(sources.items())[:count])
        (param,) = timeline(text, **given).params
        assert param.value == value


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("int", "-3", -3),
        ("float", "0.5", 0.5),
        ("percent", "20%", Percent(20)),
        ("text", "a=b", "a=b"),
        ("bool", "false", False),
        ("duration", "1h30m", Duration(5400 * 10**9)),
        ("size", "8MiB", Size(8 << 20)),
        ("list", '["a", 1, 5m]', ["a", 1, Duration(300 * 10**9)]),
        ("map", '{a: 1, "b c": true}', {"a": 1, "b c": True}),
    ],
)
def test_a_text_becomes_a_value_of_its_type(type_: str, text: str, value: object) -> None:
    (param,) = timeline(
        f'param p: {type_}\nspawn 1 of hg100 as fleet\nnote "{{p}}"\nexpect Inform within 1m\n', params={"p": text}
    ).params
    assert (type(param.value), param.value) == (type(value), value)


@pytest.mark.parametrize(
    ("given", "code", "place"),
    [
        ({}, "missing-param", "test.cpes:1:7"),
        ({"params": {"size": "many"}}, "bad-param", "--param:1:6"),
        ({"params_file": {"size": "5m"}}, "bad-param", "--params:1:6"),
        ({"environment": {"CPES_PARAM_size": ""}}, "bad-param", "CPES_PARAM_size:1:1"),
        ({"params": {"size": "1", "sise": "2"}}, "unknown-param", "--param:2:1"),
    ],
)
def test_a_value_that_does_not_fit_is_told_where_it_was_given(given: dict[str, Any], code: str, place: str) -> None:
    assert case_problems("param size: int\n" + BODY, **given) == [(code, place)]


def test_a_params_file_may_hold_plain_values() -> None:
    params = "param n: int\nparam b: bool\nparam l: list\n"
    text = params + 'spawn n of hg100 as fleet\nnote "{b}{l}"\nexpect Inform within 1m\n'
    found = timeline(text, params_file={"n": 3, "b": True, "l": ["x{y}", 2]}).params
    assert [param.value for param in found] == [3, True, ["x{y}", 2]]


def test_a_secret_is_never_shown() -> None:
    program, _ = load_text("secret param size: int\n" + BODY, "test.cpes", LAB)
    assert program is not None
    for given in ({"params": {"size": "hush"}}, {"environment": {"CPES_PARAM_size": "hush"}}):
        _, bag = program.cases(**given)
        assert bag.failed
        assert "hush" not in bag.render()


def test_assignments_are_told_apart() -> None:
    found, bag = parse_assignments(["size=200", "text=a=b"])
    assert (found, len(bag)) == ({"size": "200", "text": "a=b"}, 0)
    _, bag = parse_assignments(["size=1", "size=2", "oops"])
    assert [(item.code, item.span.line) for item in bag] == [("doubled", 2), ("bad-param", 3)]


def test_a_default_may_use_the_params_above() -> None:
    found = timeline("param n: int = 2\nparam size = n * 3\n" + BODY).params
    assert [param.value for param in found] == [2, 6]


# --- cases -----------------------------------------------------------------------------------------------------------


def test_a_matrix_multiplies_and_puts_its_values_in() -> None:
    head = 'scenario "x" for v in ["1", "2"] for n in [1, 2]:\n'
    text = head + "    spawn n of hg100 as fleet\n    expect Download where url == v within 1m\n"
    cases = timelines(text)
    assert [case.title for case in cases] == [f"x [v={v}, n={n}]" for v in "12" for n in (1, 2)]
    (spawn, expect) = cases[3].body
    assert isinstance(spawn, tl.Spawn)
    assert isinstance(spawn.count, px.Literal_)
    assert spawn.count.value == 2
    assert isinstance(expect, tl.Expect)
    assert isinstance(expect.claim, tl.MessageClaim)
    assert expect.claim.pattern.where.right.value == "2"  # type: ignore[union-attr]


def test_settings_are_worked_out_per_case() -> None:
    text = (
        'param n: int = 2\nscenario "x" for v in ["1", "2"]:\n'
        "    seed n * 21\n    limit n * 1h\n    firmware v size 1MiB\n"
        '    skip "not the first" if v == "1"\n    tags a, b, a\n'
        "    spawn n of hg100 as fleet\n    expect Inform within 1m\n"
    )
    first, second = timelines(text)
    assert (first.skip, second.skip) == ("not the first", None)
    assert (first.seed, str(first.limit), first.tags) == (42, "2h", ("a", "b"))
    assert dict(second.firmware) == {"2": Size(1 << 20)}


def test_a_loose_file_is_named_after_itself() -> None:
    assert timeline("param size: int = 1\n" + BODY).name == "test"


def test_interest_says_what_the_judge_can_want() -> None:
    text = (
        'spawn 1 of hg100 as fleet\nnever Download on fleet where Device.DeviceInfo.SoftwareVersion == "1"\n'
        "wait until each all registered within 1m\ncheck count(Request) < 9\n"
    )
    interest = timeline(text).interest
    assert {"Download", "Reboot"} <= interest.kinds
    assert interest.states == {"registered"}
    assert [str(path) for path in interest.parameters] == ["Device.DeviceInfo.SoftwareVersion"]


def test_the_digest_changes_with_the_text_only() -> None:
    first, again, other = (timeline("param size: int = 1\n" + extra + BODY).digest for extra in ("", "", "# x\n"))
    assert first == again != other


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("expect Inform on fleet within n * 4h", "past-limit"),
        ("wait n * 4h", "past-limit"),
        ("wait n * 1s - 9s", "bad-number"),
        ("repeat n - 1:\n        wait 1s", "bad-number"),
        ("expect at most (n - 2) Inform on fleet within 1m", "bad-number"),
        ('note "{1 / (n - 1)}"', "no-value"),
        ('acs download firmware "{n}" on fleet', "unknown-firmware"),
    ],
)
def test_what_shows_only_with_values(line: str, code: str) -> None:
    head = 'param n: int = 1\nscenario "x":\n    limit 3h\n    spawn 1 of hg100 as fleet\n'
    text = f"{head}    {line}\n    expect Inform within 1m\n"
    assert [found for found, _ in case_problems(text)] == [code]


def test_what_ends_a_procedure_is_checked_as_well() -> None:
    define = "define f(who):\n    reboot who\n    finally:\n        wait 2h\n"
    text = f'{define}scenario "x":\n    limit 1h\n    spawn 1 of hg100 as fleet\n    do f(fleet)\n'
    assert [found for found, _ in case_problems(text)] == ["past-limit"]


def test_arguments_hide_params_of_the_same_name() -> None:
    text = (
        'param n: int = 1\ndefine f(n):\n    note "{n}"\nspawn n of hg100 as fleet\ndo f(2)\nexpect Inform within 1m\n'
    )
    found = timeline(text)
    (note,) = found.procedures["f"].body
    assert isinstance(note, tl.Note)
    assert isinstance(note.text, px.Template)


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/a.cpes").write_text('use "b.cpes"\nparam from_a = 1\ndefine go(devices):\n    reboot devices\n')
    (tmp_path / "lib/b.cpes").write_text('param from_b = csv("b.csv")\nscenario "of b":\n    wait 1s\n')
    (tmp_path / "lib/b.csv").write_text("x,y\n1,2\n")
    return tmp_path


def test_use_takes_in_items_and_nothing_else(folder: Path) -> None:
    main = folder / "main.cpes"
    main.write_text(
        'use "lib/a.cpes"\nuse "lib/b.cpes"\nspawn 1 of hg100 as fleet\ndo go(fleet)\n'
        'note "{from_a}{from_b}"\nexpect Inform within 1m\n'
    )
    program, bag = load(main, LAB)
    assert program is not None
    assert not len(bag), bag.render()
    (case,), _ = program.cases()
    assert [(param.name, param.value) for param in case.params] == [("from_b", [{"x": "1", "y": "2"}]), ("from_a", 1)]
    assert sorted(Path(name).name for name in case.sources) == ["a.cpes", "b.cpes", "main.cpes"]


def test_mistakes_of_a_library_are_told_in_its_file(folder: Path) -> None:
    (folder / "lib/a.cpes").write_text("define go(devices):\n    rebot devices\n")
    main = folder / "main.cpes"
    main.write_text('use "lib/a.cpes"\nspawn 1 of hg100 as fleet\ndo go(fleet)\nexpect Inform within 1m\n')
    (item,) = check(main, LAB)
    assert (Path(item.span.source).name, item.span.line, item.code) == ("a.cpes", 2, "unknown-word")


@pytest.mark.parametrize(
    ("content", "code", "place"),
    [
        (b'wait 1s\nnote "\xff"\n', "not-utf-8", (2, 7)),
        (None, "missing-file", (1, 1)),
        (b"", "empty", (1, 1)),
    ],
)
def test_a_file_that_is_no_scenario_is_refused(
    tmp_path: Path, content: bytes | None, code: str, place: tuple[int, int]
) -> None:
    path = tmp_path / "x.cpes"
    if content is not None:
        path.write_bytes(content)
    (item,) = check(path, LAB)
    assert (item.code, (item.span.line, item.span.column)) == (code, place)


def test_a_byte_order_mark_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "x.cpes"
    path.write_bytes(b"\xef\xbb\xbfspawn 1 of hg100 as fleet\r\nexpect Inform within 1m\r\n")
    assert not len(check(path, LAB))


def test_check_does_not_ask_for_params_that_a_run_will_have(tmp_path: Path) -> None:
    path = tmp_path / "x.cpes"
    path.write_text("param size: int\n" + BODY)
    assert not len(check(path, LAB))
    assert len(check(path, LAB, given={"size": "x"})) == 1
