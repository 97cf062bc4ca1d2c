"""Data beside a scenario: good tables become values, anything else is told in one line, and nothing endless is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lab import LAB, load

from cpescript.language import data


def told(tmp_path: Path, function: str, content: bytes | None) -> str:
    """Return the one line that is said of a data file, empty if it is in order."""
    if content is not None:
        (tmp_path / "data").write_bytes(content)
    scenario = tmp_path / "s.cpes"
    scenario.write_text(
        f'param rows = {function}("data")\nspawn 1 of hg100 as cpe\nnote "{{rows}}"\nexpect Inform on cpe within 1m\n',
        encoding="utf-8",
    )
    program, bag = load(scenario, LAB)
    assert program is not None
    if not bag.failed:
        _, bag = program.cases()
    return next((item.message for item in bag if item.severity == "error"), "")


@pytest.mark.parametrize(
    ("function", "content", "message"),
    [
        ("csv", b"a,b\n1,2\n\n3,4\n", ""),
        ("csv", b'\xef\xbb\xbfa,b\r\n"1,1","2\r\n2"\r\n', ""),
        ("csv", b"a,b\n1,2\n3\n", "'data' cannot be read as CSV: line 3 has 1 values, the heading has 2"),
        ("csv", b"a,b\n1,2,3\n", "'data' cannot be read as CSV: line 2 has 3 values, the heading has 2"),
        ("csv", b"a,a\n", "'data' cannot be read as CSV: two columns are called 'a'"),
        ("csv", b"a,\n", "'data' cannot be read as CSV: column 2 has no heading"),
        ("csv", b"", "'data' cannot be read as CSV: its first line, the heading, is missing"),
        ("csv", b'a\n"open\n', "'data' cannot be read as CSV: line 2: unexpected end of data"),
        ("csv", b"a\xff\n", "'data' cannot be read as CSV: octet 1 is not UTF-8"),
        ("json", b'{"a": [1, 2.5, null, true]}', ""),
        ("json", b'{"a": ', "'data' cannot be read as JSON: line 1, column 7: Expecting value"),
        ("json", b"NaN", "'data' cannot be read as JSON: NaN is no number"),
        ("json", b"[" * 60 + b"]" * 60, "'data' cannot be read as JSON: it nests deeper than 50 levels"),
        ("json", b"[" * 10**5, "'data' cannot be read as JSON: it nests deeper than 50 levels"),
        ("file", b"any text", ""),
        ("file", None, "there is no file 'data'"),
    ],
)
def test_what_is_read_and_what_is_refused(tmp_path: Path, function: str, content: bytes | None, message: str) -> None:
    assert told(tmp_path, function, content) == message


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "data")
    assert told(tmp_path, "file", None) == "'data' cannot be read as text: it is no regular file"
    (tmp_path / "data").unlink()
    (tmp_path / "data").symlink_to("/dev/zero")
    assert told(tmp_path, "file", None) == "'data' cannot be read as text: it is no regular file"
    (tmp_path / "data").unlink()
    (tmp_path / "data").mkdir()
    assert told(tmp_path, "csv", None) == "'data' cannot be read as CSV: it is no regular file"


def test_large_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "MAX_DATA", 2 * 1024 * 1024)
    message = "'data' cannot be read as text: it is larger than 2 MiB"
    assert told(tmp_path, "file", b"x" * (2 * 1024 * 1024 + 1)) == message
