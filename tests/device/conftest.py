from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cpescript.device.profile import load_profile
from cpescript.device.schema import Schema
from cpescript.diagnostics import Bag
from tests.device.pretend import Pretend

Load = Callable[..., tuple[Schema | None, Bag]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a profile from a text, or from a folder of texts given by file name."""

    def load_text(text: str = "", **files: str) -> tuple[Schema | None, Bag]:
        if not files:
            path = tmp_path / "profile.yaml"
            path.write_text(text, encoding="utf-8")
            return load_profile(path)
        folder = tmp_path / "folder"
        folder.mkdir()
        for name, content in files.items():
            (folder / name.replace("__", ".")).write_text(content, encoding="utf-8")
        return load_profile(folder)

    return load_text


@pytest.fixture
def world() -> Pretend:
    return Pretend()
