"""Build hook: the wheel carries grammar, scenarios and profiles as package data, and the parser's tables compiled.

An editable install carries none of it: the checkout beside the package is read, tables go to the user's cache.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LIBRARIES = ("grammar", "scenarios", "profiles", "adapters")


class LibrariesHook(BuildHookInterface[Any]):
    """Adds `cpescript/_data/` to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        for library in LIBRARIES:
            build_data["force_include"][str(root / library)] = f"cpescript/_data/{library}"
        self._folder = tempfile.TemporaryDirectory()
        tables = Path(self._folder.name) / "cpes.tables"
        tables.write_bytes(_tables(root))
        build_data["force_include"][str(tables)] = "cpescript/_data/cpes.tables"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._folder.cleanup()


def _tables(root: Path) -> bytes:
    """Return the compiled grammar, made by the very code that will read it."""
    sys.path.insert(0, str(root))
    try:
        from cpescript.language.tables import build_tables

        return build_tables((root / "grammar" / "cpes.lark").read_text(encoding="utf-8"))
    finally:
        sys.path.remove(str(root))
