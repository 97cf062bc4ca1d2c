"""`check`, `plan`, `fmt` and `new`: what a scenario's author uses before anything runs."""

import io
import json
import sys

import pytest

from cpescript import libraries
from cpescript.cli import new

GOOD = "spawn 1 of hg100 as cpe\nexpect InformResponse on cpe within 1m\n"
UGLY = "spawn   1 of hg100  as cpe\nexpect InformResponse on cpe within 1m\n"
BAD = "spawn 1 of hg100 as cpe\nexpect InformResponse on cpu within 1m\nrebot cpe\n"


@pytest.fixture
def file(tmp_path):
    """Return a function that writes a scenario and gives its path."""

    def write(text: str, name: str = "x.cpes"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_file_that_checks_is_one_line(cpescript, file):
    path = file(GOOD)
    assert cpescript("check", path) == (0, f"{path}: ok\n", "")


def test_every_mistake_of_every_file_is_shown(cpescript, file):
    good, bad = file(GOOD), file(BAD, "bad.cpes")
    status, out, err = cpescript("check", good, bad)
    assert (status, out) == (2, f"{good}: ok\n")
    assert "bad.cpes:2:26" in err
    assert "bad.cpes:3:1" in err
    assert "did you mean 'reboot'?" in err


def test_the_answer_for_programs_has_an_object_a_file(cpescript, file):
    good, bad = file(GOOD), file(BAD, "bad.cpes")
    status, out, err = cpescript("check", "--json", good, bad)
    first, second = json.loads(out)
    assert (status, err) == (2, "")
    assert first == {"path": str(good), "ok": True, "problems": []}
    assert (second["path"], second["ok"]) == (str(bad), False)
    assert {problem["line"] for problem in second["problems"]} == {2, 3}


@pytest.mark.parametrize("name", libraries.names("scenarios"))
def test_what_ships_checks_plans_and_is_in_the_one_layout(cpescript, name):
    assert cpescript("check", name).status == 0
    assert cpescript("plan", name).out
    assert cpescript("fmt", "--check", libraries.find("scenarios", name)) == (0, "", "")


def test_a_plan_needs_a_file_that_checks(cpescript, file):
    status, out, err = cpescript("plan", file(BAD))
    assert (status, out) == (2, "")
    assert "x.cpes:3:1" in err


def test_a_plan_knows_the_parameters(cpescript, file):
    path = file("param size: int = 3\nspawn size of hg100 as cpe\nexpect InformResponse on each cpe within 1m\n")
    assert cpescript("plan", path).out != cpescript("plan", path, "--param", "size=4").out


def test_fmt_writes_what_differs_and_says_so(cpescript, file):
    ugly, good = file(UGLY), file(GOOD, "good.cpes")
    assert cpescript("fmt", ugly, good) == (0, f"{ugly}: written\n", "")
    assert ugly.read_text() == GOOD


def test_fmt_check_writes_nothing(cpescript, file):
    ugly = file(UGLY)
    assert cpescript("fmt", "--check", ugly) == (1, "", f"{ugly}: would change\n")
    assert ugly.read_text() == UGLY


def test_fmt_diff_shows_what_would_change(cpescript, file):
    ugly = file(UGLY)
    status, out, _ = cpescript("fmt", "--diff", ugly)
    assert status == 1
    assert out.splitlines()[3:5] == ["-" + UGLY.splitlines()[0], "+" + GOOD.splitlines()[0]]
    assert ugly.read_text() == UGLY


def test_fmt_diff_marks_a_missing_last_newline(cpescript, file):
    assert "\\ no newline at end of file" in cpescript("fmt", "--diff", file(GOOD.rstrip())).out


@pytest.mark.parametrize("command", [("check",), ("plan",), ("fmt", "--check"), ("run", "--list")])
def test_a_folder_means_every_scenario_below_it(cpescript, file, tmp_path, command):
    for name in ("lab/b.cpes", "lab/deep/a.cpes", "lab/.hidden/c.cpes"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        file(UGLY.replace("1m", "2h"), name)
    (tmp_path / "lab/deep/notes.txt").write_text("spwan\n")
    status, out, err = cpescript(*command, tmp_path / "lab")
    assert status == ("--check" in command)
    told = out + err
    assert (told.count("2h") if command == ("plan",) else told.count(".cpes")) == 2
    (tmp_path / "empty").mkdir()
    assert cpescript(*command, tmp_path / "empty").status == (5 if command[0] == "run" else 2)


def test_fmt_reads_standard_input(cpescript, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(UGLY.encode())))
    assert cpescript("fmt", "-") == (0, GOOD, "")


def test_fmt_leaves_a_file_that_does_not_parse_alone(cpescript, file):
    bad, ugly = file("reboot fleet[\n", "bad.cpes"), file(UGLY)
    status, _, err = cpescript("fmt", bad, ugly)
    assert status == 2
    assert "bad.cpes:1:" in err
    assert bad.read_text() == "reboot fleet[\n"
    assert ugly.read_text() == GOOD


def test_new_writes_a_scenario_that_checks_and_is_in_the_one_layout(cpescript, tmp_path):
    path = tmp_path / "lab" / "wifi_channel.cpes"
    status, out, err = cpescript("new", path.with_suffix(""))
    assert (status, err) == (0, "")
    assert out == f"{path}: written; try it: cpescript run {path}\n"
    assert 'scenario "wifi channel":' in path.read_text()
    assert cpescript("check", path) == (0, f"{path}: ok\n", "")
    assert cpescript("fmt", "--check", path).status == 0


@pytest.mark.slow
def test_what_new_writes_passes_as_it_is(cpescript, tmp_path):
    path = tmp_path / "first.cpes"
    cpescript("new", path)
    status, out, _ = cpescript("run", path, "--strict")
    assert status == 0, out


@pytest.mark.parametrize("title", ['say "hi"', "a {b} c", "back\\slash"])
def test_any_file_name_makes_a_title_that_checks(cpescript, file, title):
    assert cpescript("check", file(new.text(title))).status == 0


@pytest.mark.parametrize(("name", "why"), [("", "name the file"), ("/dev/null/x.cpes", "'/dev/null/x.cpes' cannot be")])
def test_new_says_what_cannot_be_written(cpescript, name, why):
    status, out, err = cpescript("new", name)
    assert (status, out) == (2, "")
    assert why in err


def test_new_does_not_write_over_a_file(cpescript, file):
    path = file("mine\n")
    status, _, err = cpescript("new", path)
    assert (status, path.read_text()) == (2, "mine\n")
    assert f"'{path}' exists: --force writes over it" in err
    assert cpescript("new", path, "--force").status == 0
    assert path.read_text() != "mine\n"
