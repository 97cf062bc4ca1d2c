"""Files of the commands: written whole or not at all, and every way it can go wrong is a message."""

import os
from pathlib import Path

import click
import pytest

from cpescript.cli import files
from cpescript.diagnostics import Bag, Span


def test_a_text_is_written_whole_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "report.xml"
    files.write(path, "one\n")
    files.write(path, "two \ud800\n")
    assert path.read_text(encoding="utf-8") == "two \\ud800\n"
    assert os.listdir(tmp_path) == ["report.xml"]


def test_what_cannot_be_written_whole_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "report.xml"
    path.write_text("old")

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(click.ClickException, match="cannot be written: No space left on device"):
        files.write(path, "new")
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["report.xml"])


def test_asking_whether_a_file_can_be_written_changes_none(tmp_path):
    old = tmp_path / "old.xml"
    old.write_text("old")
    assert files.writable(str(old)) == old
    assert files.writable(str(tmp_path / "a" / "b" / "new.xml")).parent.is_dir()
    assert (old.read_text(), os.listdir(tmp_path / "a" / "b")) == ("old", [])


def test_mode_and_link_stay_as_they_are(tmp_path):
    real, link = tmp_path / "real.cpes", tmp_path / "link.cpes"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    files.write(link, "new")
    assert link.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("new", 0o640)


def test_a_pipe_is_written_to_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    files.write(pipe, "here\n")
    assert os.read(reader, 100) == b"here\n"
    assert pipe.is_fifo()
    os.close(reader)


def test_a_folder_that_is_gone_is_a_message(tmp_path):
    with pytest.raises(click.ClickException, match="cannot be written: No such file or directory"):
        files.write(tmp_path / "gone" / "report.xml", "x")


def test_a_file_where_a_folder_should_be_is_a_message(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(click.ClickException, match="cannot be written: Not a directory"):
        files.write(tmp_path / "file" / "report.xml", "x")


def test_what_is_not_utf_8_is_a_message(tmp_path):
    path = tmp_path / "latin.cpes"
    path.write_bytes(b"# caf\xe9")
    with pytest.raises(click.ClickException, match="is not UTF-8: octet 5 cannot be decoded"):
        files.read(path)


def test_a_path_is_stronger_than_a_name_that_ships(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = files.locate("profiles", "hg100")
    assert shipped.name == "hg100.yaml"
    (tmp_path / "hg100").write_text("")
    assert files.locate("profiles", "hg100") == Path("hg100")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("lab/outage", "did you mean 'lab/outage.cpes'?"),
        ("lab/otage.cpes", "did you mean 'lab/outage.cpes'?"),
        ("nowhere/lost", "give a path, or one of bootstrap_provisioning, "),
        ("firmware_rolout", "did you mean 'firmware_rollout'?"),
        ("first", "did you mean 'first.cpes'?"),
    ],
)
def test_a_scenario_that_there_is_not_is_answered_with_what_was_meant(tmp_path, monkeypatch, cpescript, name, meant):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab").mkdir()
    for file in ("lab/outage.cpes", "lab/outage.txt", "first.cpes"):
        (tmp_path / file).write_text("")
    for command in ("run", "check", "explore"):
        status, _, err = cpescript(command, name)
        assert (status, meant in err) == (2, True)


def test_problems_have_the_keys_that_tools_read():
    bag = Bag()
    bag.warning(Span("b.yaml", 3, 1, 3, 2), "late", "second")
    bag.error(Span("a.yaml", 2, 5, 2, 9), "dup-path", "first", "drop one")
    assert files.problems(bag) == [
        {
            "file": "a.yaml",
            "line": 2,
            "column": 5,
            "code": "dup-path",
            "message": "first",
            "remedy": "drop one",
            "severity": "error",
        },
        {
            "file": "b.yaml",
            "line": 3,
            "column": 1,
            "code": "late",
            "message": "second",
            "remedy": "",
            "severity": "warning",
        },
    ]
