"""Golden files: the exact text of every report; CPESCRIPT_REWRITE_GOLDENS=1 rewrites them, and git shows the change."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "goldens"


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Return a check that a text is, to the letter, what the golden file of that name holds."""

    def check(name: str, text: str) -> None:
        path = FOLDER / name
        data = text.encode("utf-8", "backslashreplace")
        if os.environ.get("CPESCRIPT_REWRITE_GOLDENS"):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        assert data.decode() == path.read_bytes().decode()

    return check
