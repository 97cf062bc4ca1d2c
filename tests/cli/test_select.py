"""`cpescript run` picks cases, `cpescript explore` tries seeds: what the command line makes of it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = """
scenario "good":
    tags nightly
    spawn 1 of hg100 as fleet
    expect InformResponse on fleet within 1m

scenario "bad":
    spawn 3 of hg100 as fleet
    wait 1m
    check count(Inform) < 2 across fleet
"""


@pytest.fixture
def scenario(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "two.cpes"
    path.write_text(TEXT)
    return path.name


def test_a_list_for_people_and_for_programs(cpescript, scenario):
    assert cpescript("run", ".", "--list").out == "two.cpes: good  [nightly]\ntwo.cpes: bad\n"
    rows = json.loads(cpescript("run", scenario, "--list", "--json", "-k", "good").out)
    assert [(row["title"], row["tags"], row["case"]) for row in rows] == [("good", ["nightly"], {})]
    assert cpescript("run", scenario, "--list", "--tags", "none").status == 5
    assert cpescript("run", scenario, "--json").status == 2


def test_nothing_selected(cpescript, scenario):
    status, out, _ = cpescript("run", scenario, "--only", "god")
    assert (status, "nothing was selected" in out) == (5, True)
    assert cpescript("run").status == 2
    assert cpescript("run", scenario, "-k", "(good").status == 2


def test_what_failed_is_run_again(cpescript, scenario):
    assert cpescript("run", scenario, "--seed", 3).status == 1
    status, out, _ = cpescript("run", "--rerun-failed")
    assert status == 1
    assert "good" not in out
    assert "seed 3" in out
    Path(".cpescript/last-run.json").write_text("{")
    status, _, err = cpescript("run", scenario)
    assert status == 1
    assert "--rerun-failed will not know of this run" in err


def test_the_command_of_one_case_names_it(cpescript, scenario):
    assert "cpescript run two.cpes --seed 3 --only bad\n" in cpescript("run", scenario, "--seed", 3).out


def test_a_report_of_what_does_not_check_is_not_left_empty(cpescript, tmp_path):
    wrong, report = tmp_path / "wrong.cpes", tmp_path / "new" / "report.xml"
    wrong.write_text("spwan 1 of hg100 as fleet\n")
    assert cpescript("run", wrong, "--report-junit", report, "--trace", tmp_path / "t.jsonl").status == 2
    assert not report.exists()
    assert not (tmp_path / "t.jsonl").exists()


def test_who_is_followed_and_is_not_there_is_told(cpescript, scenario):
    out = cpescript("run", scenario, "--only", "good", "--follow", "flet[1]").out
    assert "--follow flet[1]: no device of that name spoke; there were fleet[1..1]" in out
    assert "--follow" not in cpescript("run", scenario, "--only", "good", "--follow", "fleet[1]").out


def test_a_defect_is_given_once(cpescript, scenario):
    status, _, err = cpescript("run", scenario, "--defect", "no-retry", "--defect", "no-retry")
    assert (status, "given twice" in err) == (2, True)


@pytest.mark.parametrize("words", [["-j", "0"], ["-j", "many"], ["--repeat", "0"], ["--at-most", "0"]])
def test_numbers_out_of_range(cpescript, scenario, words):
    assert cpescript("run", scenario, *words).status == 2


def test_explore_tells_the_seed_the_command_and_the_smallest_fleet(cpescript, scenario):
    status, out, _ = cpescript("explore", scenario, "--seeds", "4..9", "--only", "bad", "--defect", "no-retry")
    lines = [line.split("  ") for line in out.splitlines()]
    told = {line[1].strip(): line[-1].strip() for line in lines if len(line) > 2}
    assert status == 1
    assert told["first failing seed"] == "4"
    assert told["repeat it"] == "cpescript run two.cpes --seed 4 --only bad --defect no-retry"
    assert told["smallest fleet"].startswith("2 of 3 still fail, 1 do not")
    assert told["repeat that"] == "cpescript run two.cpes --seed 4 --only bad --defect no-retry --at-most 2"


def test_explore_says_that_no_smaller_fleet_fails(cpescript, tmp_path):
    path = tmp_path / "all.cpes"
    path.write_text("spawn 4 of hg100 as fleet\nwait 1m\ncheck count(Inform) < 4 across fleet\n")
    out = cpescript("explore", path, "--seeds", "1").out
    assert "smallest fleet      all 4: no smaller fleet fails (2 sizes run)\n" in out
    assert "repeat that" not in out


@pytest.mark.parametrize(("seeds", "told"), [("3", "3 seeds tried (1..3): 3 passed"), ("4..4", "1 seed tried (4): ")])
def test_explore_says_which_seeds_it_tried(cpescript, scenario, seeds, told):
    assert f"good: {told}" in cpescript("explore", scenario, "--seeds", seeds, "--only", "good").out


def test_a_misspelt_secret_is_not_shown(cpescript, tmp_path):
    path = tmp_path / "s.cpes"
    path.write_text("secret param password: text\nspawn 1 of hg100 as fleet\nexpect elapsed < 1h\n")
    (tmp_path / "p.yaml").write_text("pasword: hunter22\n")
    for words in (["--param", "pasword=hunter22"], ["--params", tmp_path / "p.yaml"]):
        for command in ("run", "plan", "explore"):
            status, out, err = cpescript(command, path, *words)
            assert (status, "hunter22" in out + err) == (2, False)
            assert "pasword=***\n" in err
            assert "did you mean 'password'?" in err


def test_explore_for_programs(cpescript, scenario):
    document = json.loads(cpescript("explore", scenario, "--seeds", "1..3", "--json").out)
    assert (document["schema"], document["seeds"], document["exit_status"]) == ("cpescript-explore/1", [1, 3], 1)
    assert [case["tried"] for case in document["cases"]] == [3, 1]
    assert cpescript("explore", scenario, "--seeds", "1..3", "--only", "good").status == 0
    assert cpescript("explore", scenario, "-k", "nothing").status == 5
    assert cpescript("explore", scenario, "--seeds", "9..3").status == 2


@pytest.mark.slow
def test_ctrl_c_reports_what_ran_side_by_side(tmp_path):
    path, report = tmp_path / "long.cpes", tmp_path / "r.json"
    long = "    spawn 100 of hg100 as cpe\n    wait 6d\n    expect elapsed < 1h\n"
    path.write_text("".join(f'scenario "{name}":\n{long}' for name in "abcd"))
    command = [sys.executable, "-m", "cpescript", "run", path, "-v", "-j", "2", "--report-json", report, "--seed", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment, start_new_session=True
    ) as process:
        while "wait 6d" not in (shown := process.stdout.readline()):
            assert shown
        # As a terminal does: to the whole group.
        os.killpg(process.pid, signal.SIGINT)
        try:
            out, _ = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 130, out
    result = json.loads(report.read_text())
    assert result["interrupted"]
    assert len(result["scenarios"]) + result["not_run"] == 4
    assert {each["verdict"] for each in result["scenarios"]} <= {"inconclusive"}
