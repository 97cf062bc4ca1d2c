"""The Python of the pages runs, and says what its page says."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, blocks_of

PAGES = [ROOT / "docs" / "how-to" / "pytest.md", ROOT / "docs" / "reference" / "python-api.md"]
BLOCKS = [
    pytest.param(block, id=block.place)
    for page in PAGES
    for block in blocks_of(page)
    if block.language == "python" and block.title
]


@pytest.mark.parametrize("block", BLOCKS)
def test_an_example_runs(block, tmp_path: Path) -> None:
    (tmp_path / block.title).write_text(block.text, encoding="utf-8")
    how = ["-m", "pytest", "-q", "-p", "no:cacheprovider"] if block.title.startswith("test_") else []
    if how:
        from tests.api.test_pytest_plugin import INSTALLED

        how += [] if INSTALLED else ["-p", "cpescript.pytest_plugin"]
    done = subprocess.run(
        [sys.executable, *how, block.title],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_an_example_on_each_page() -> None:
    assert len(BLOCKS) == len(PAGES)
