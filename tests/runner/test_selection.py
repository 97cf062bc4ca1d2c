"""Which cases run: expressions, names, folders, and what failed last time."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.runner.last import LastRun, keep
from cpescript.runner.options import RunOptions
from cpescript.runner.run import UsageError, run, selected
from cpescript.runner.selection import parse

SCENARIO = """
scenario "{name}":
    tags {tags}
    spawn 1 of hg100 as fleet
    expect {claim} on fleet within 1m
"""


@pytest.fixture
def library(tmp_path):
    """Return a folder of scenarios: `alpha` and `beta` in one file, `gamma` below it, one that is hidden."""
    files = {
        "ab.cpes": [("alpha", "nightly", "InformResponse"), ("beta", "nightly, slow", "Download")],
        "below/c.cpes": [("gamma", "slow", "InformResponse")],
        ".hidden/d.cpes": [("delta", "slow", "InformResponse")],
    }
    for name, scenarios in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(SCENARIO.format(name=n, tags=t, claim=c) for n, t, c in scenarios))
    return tmp_path


def names(folder, **options):
    found, _ = selected(RunOptions(scenarios=(str(folder),), **options))
    return [each.timeline.name for each in found]


@pytest.mark.parametrize("files", [("one.cpes",), ("one.cpes", "two.cpes")])
def test_a_param_of_the_environment_that_nobody_declares_is_warned_of(tmp_path, files):
    for name in ("one", "two"):
        text = f"param {name}_size: int = 1\nspawn {name}_size of hg100 as fleet\nexpect Download on fleet within 1m\n"
        (tmp_path / f"{name}.cpes").write_text(text)
    environment = {"CPES_PARAM_one_siez": "hush", "CPES_PARAM_one_size": "2", "CPES_PARAM_two_size": "2", "HOME": "/"}
    paths = tuple(str(tmp_path / name) for name in files)
    _, bag = selected(RunOptions(scenarios=paths, environment=environment))
    told = [(item.severity, item.code, item.message, item.remedy) for item in bag if item.code == "unknown-param"]
    names = ["one_siez"] if len(files) > 1 else ["one_siez", "two_size"]
    assert [each[2] for each in told] == [f"no scenario of this run has a param '{name}'" for name in names]
    assert told[0] == ("warning", "unknown-param", told[0][2], "did you mean 'one_size'?")
    assert "hush" not in bag.render()


def test_a_file_that_does_not_check_warns_of_no_param(tmp_path):
    (tmp_path / "it.cpes").write_text("param size: int = 1\nspwan size of hg100 as fleet\n")
    with pytest.raises(UsageError) as told:
        selected(RunOptions(scenarios=(str(tmp_path / "it.cpes"),), environment={"CPES_PARAM_size": "2"}))
    assert not any(item.severity == "warning" for item in told.value.bag)


@pytest.mark.parametrize(
    ("text", "words", "holds"),
    [
        ("a", "a", True),
        ("a and b", "a", False),
        ("a and not b", "a", True),
        ("a or b and c", "a", True),
        ("(a or b) and c", "a", False),
        ("not (a or b)", "c", True),
        ("'a b'", "", False),
        ("not not a", "a", True),
    ],
)
def test_an_expression(text, words, holds):
    assert parse(text, "-k")(lambda word: word in words.split()) is holds


@pytest.mark.parametrize(
    ("text", "column"),
    [("", 1), ("a b", 3), ("a and", 6), ("(a", 3), ("not", 4), ("and", 1), ("'a", 1), ("a )", 3), ("(" * 60, 1)],
)
def test_a_wrong_expression_says_where(text, column):
    with pytest.raises(UsageError, match=f"column {column}:"):
        parse(text, "-k")


@given(st.text(alphabet="ab ()'\"andornt", max_size=40))
def test_any_text_is_an_expression_or_a_mistake(text):
    with contextlib.suppress(UsageError):
        assert parse(text, "-k")(lambda word: True) in (True, False)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, ["alpha", "beta", "gamma"]),
        ({"keyword": "ALPH or c"}, ["alpha", "gamma"]),
        ({"keyword": "ab and not alpha"}, ["beta"]),
        ({"tags": "nightly and not slow"}, ["alpha"]),
        ({"tags": "night"}, []),
        ({"only": ("beta", "gamma")}, ["beta", "gamma"]),
        ({"only": ("bet",)}, []),
    ],
)
def test_what_is_selected(library, options, wanted):
    assert names(library, **options) == wanted


def test_a_file_that_is_named_twice_runs_once(library):
    options = RunOptions(scenarios=(str(library), str(library / "ab.cpes")))
    assert len(selected(options)[0]) == 3


def test_nothing_selected_is_status_5(library):
    assert run(RunOptions(scenarios=(str(library),), keyword="zzz")).exit_status == 5


def test_of_several_files_each_takes_the_params_that_it_declares(library):
    (library / "e.cpes").write_text("param size: int = 1\nspawn size of hg100 as fleet\nexpect elapsed < 1h\n")
    found, _ = selected(RunOptions(scenarios=(str(library),), params={"size": "3"}))
    assert [param.value for each in found for param in each.timeline.params] == [3]
    with pytest.raises(UsageError) as error:
        selected(RunOptions(scenarios=(str(library),), params={"sise": "3"}))
    assert "none of these files has a param 'sise'" in error.value.bag.render()


def test_what_did_not_pass_is_run_again_with_its_seed(library, tmp_path):
    place = tmp_path / "kept" / "last.json"
    first = run(RunOptions(scenarios=(str(library),)))
    assert keep(first.scenarios, place) == ""
    again = run(RunOptions(scenarios=(), rerun_failed=True, last_run=place))
    assert [each.title for each in again.scenarios] == ["beta"]
    assert again.scenarios[0].seed == first.scenarios[1].seed
    text = (library / "ab.cpes").read_text().replace("Download", "InformResponse")
    (library / "ab.cpes").write_text(text)
    keep(run(RunOptions(scenarios=(), rerun_failed=True, last_run=place)).scenarios, place)
    assert not place.exists()
    assert run(RunOptions(scenarios=(), rerun_failed=True, last_run=place)).exit_status == 5


@pytest.mark.parametrize("text", ["[]", "{}", '{"schema": "cpescript-last-run/1", "cases": [1]}', "\udcff", "["])
def test_a_record_that_is_none_of_ours_is_refused(tmp_path, text):
    place = tmp_path / "last.json"
    place.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match="cannot be used"):
        LastRun.read(place)
    assert "will not know" in keep((), place)


def test_runs_of_one_folder_that_end_together_do_not_spoil_each_other(library, tmp_path, monkeypatch):
    place, write = tmp_path / "last-run.json", Path.write_text
    results = run(RunOptions(scenarios=(str(library),), seed=1)).scenarios
    processes = iter((1, 2))
    monkeypatch.setattr("os.getpid", lambda: next(processes))

    def another_ends(path, *arguments, **named):
        monkeypatch.setattr(Path, "write_text", write)
        write(path, *arguments, **named)
        assert keep(results, place) == ""

    monkeypatch.setattr(Path, "write_text", another_ends)
    assert keep(results, place) == ""
    assert json.loads(place.read_text())["cases"]
    assert [each.name for each in tmp_path.iterdir() if each.name.endswith(".part")] == []


def test_a_repeated_case_is_kept_under_its_own_title(library, tmp_path):
    place = tmp_path / "last.json"
    result = run(RunOptions(scenarios=(str(library),), only=("beta",), repeat=2, seed=4))
    assert [each.title for each in result.scenarios] == ["beta (run 1 of 2)", "beta (run 2 of 2)"]
    keep(result.scenarios, place)
    assert [case["title"] for case in json.loads(place.read_text())["cases"]] == ["beta"]


def test_the_first_failure_ends_the_run_where_that_is_asked_for(library):
    result = run(RunOptions(scenarios=(str(library),), fail_fast=True))
    assert ([each.title for each in result.scenarios], result.not_run) == (["alpha", "beta"], 1)


MATRIX = """
scenario "campaign" for code in [9010, 9012]:
    tags nightly
    spawn 1 of hg100 as fleet
    expect InformResponse on fleet within 1m
"""


@pytest.mark.parametrize(
    ("options", "message", "remedy"),
    [
        ({"tags": "nightl"}, "no case has such tags", "did you mean 'nightly'?"),
        ({"tags": "not (nightly or weekly)"}, "no case has such tags", "known: nightly"),
        ({"only": ("campaign[code=9010]",)}, "no case is called", "did you mean 'campaign [code=9010]'?"),
        ({"only": ("zzz",)}, "no case is called 'zzz'", "known: campaign [code=9010], campaign, campaign [code=9012]"),
        ({"only": ("campaign",)}, "", ""),
        ({"tags": "nightly"}, "", ""),
    ],
)
def test_what_is_asked_for_in_vain_is_told_with_what_was_meant(tmp_path, options, message, remedy):
    (tmp_path / "m.cpes").write_text(MATRIX)
    _, bag = selected(RunOptions(scenarios=(str(tmp_path),), **options))
    assert [(message in item.message, item.remedy) for item in bag] == ([(True, remedy)] if message else [])


def test_failures_of_a_file_that_is_gone_are_let_go_with_a_word(library, tmp_path):
    place = tmp_path / "last.json"
    file = library / "ab.cpes"
    keep(run(RunOptions(scenarios=(str(library),))).scenarios, place)
    file.rename(library / "elsewhere.txt")
    found, bag = selected(RunOptions(scenarios=(), rerun_failed=True, last_run=place))
    assert found == []
    assert "this file is gone, and its failures with it" in bag.render()
    assert str(file) in bag.render()


def test_a_case_that_has_failed_and_is_called_otherwise_now_is_told(library, tmp_path):
    place = tmp_path / "last.json"
    file = library / "ab.cpes"
    failed = [each for each in run(RunOptions(scenarios=(str(library),))).scenarios if each.verdict == "failed"]
    keep(failed, place)
    options = RunOptions(scenarios=(), rerun_failed=True, last_run=place)
    found, bag = selected(options)
    assert (len(found), len(bag)) == (len(failed), 0)
    renamed = next(each.title for each in failed if each.file.endswith("ab.cpes"))
    file.write_text(file.read_text().replace(f'"{renamed}"', '"other"'))
    found, bag = selected(options)
    assert len(found) == len(failed) - 1
    assert (
        f"warning[in-vain]: this case has failed, and 'ab.cpes' has it no more\n  --rerun-failed:1:1\n    1 | {renamed}"
        in bag.render()
    )


@pytest.mark.parametrize(
    ("seeds", "more", "message"),
    [
        (["seed 4", ""], {}, "'first' has a seed of its own: each run is the same"),
        (["seed 4", "seed 4"], {}, "first, second have seeds of their own: each run is the same"),
        (["", ""], {}, None),
        (["seed 4", ""], {"seed": 3}, None),
        (["seed 4", ""], {"repeat": 1}, None),
        (["seed 4", ""], {"acs": "http://127.0.0.1:9/"}, None),
    ],
)
def test_that_a_seed_makes_repetitions_the_same_is_said_once(tmp_path, seeds, more, message):
    text = 'scenario "{}" for n in [1, 2]:\n    {}\n    spawn n of hg100 as fleet\n    expect elapsed < 1h\n'
    (tmp_path / "s.cpes").write_text("\n".join(map(text.format, ("first", "second"), seeds)))
    _, bag = selected(RunOptions(scenarios=(str(tmp_path),), **{"repeat": 3, **more}))
    assert [item.message for item in bag if item.code == "in-vain"] == ([message] if message else [])


def test_a_misspelt_param_of_several_files_is_told_whatever_else_is_wrong(library):
    declared = "param size: int = 1\nsecret param password: text\n"
    (library / "e.cpes").write_text(f"{declared}spawn size of hg100 as fleet\nexpect elapsed < 1h\n")
    params = {"pasword": "hunter22", "size": "3"}
    options = RunOptions(scenarios=(str(library),), params=params, params_file={"sise": "9"})
    with pytest.raises(UsageError) as error:
        selected(options)
    text = error.value.bag.render()
    assert "none of these files has a param 'pasword'" in text
    assert " | pasword\n" in text
    assert "none of these files has a param 'sise'" in text
    assert "'password' has no value" in text
    assert "hunter22" not in text
    (library / "f.cpes").write_text("param pasword: txt\n")
    with pytest.raises(UsageError) as error:
        selected(options)
    assert "none of these files" not in error.value.bag.render(), "what a file that does not check declares is unknown"
