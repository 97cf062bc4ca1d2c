"""Named targets: `[acs.NAME]` in `cpescript.toml`, or `[tool.cpescript.acs.NAME]` in `pyproject.toml`.

The file is looked for in the current folder and upwards; the first that names a target counts. A target that somebody
wrote down is one that he means: no `--yes` is asked for.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cpescript.diagnostics import did_you_mean
from cpescript.runner.options import EMBEDDED, RunOptions

KEYS = ("url", "adapter", "north")


class ConfigError(Exception):
    """A target that there is not, or a file that cannot be read. The text is for the user."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class NamedTarget:
    """An ACS by name: its CWMP URL and, for orders, an adapter and the URL of its north side."""

    url: str
    adapter: str | None = None
    north: str | None = None


def with_target(options: RunOptions, folder: Path | None = None) -> RunOptions:
    """Return the options with a target's name replaced by what the configuration says. Raises ConfigError.

    `embedded` and URLs stay as they are; what the command line says of adapter and north side is stronger.
    """
    if options.acs == EMBEDDED or "://" in options.acs:
        return options
    known = targets(folder if folder is not None else Path.cwd())
    target = known.get(options.acs)
    if target is None:
        names = ", ".join(known) or "none is"
        remedy = did_you_mean(options.acs, known, f"{names} named in cpescript.toml; or give a URL")
        raise ConfigError(f"no ACS is called '{options.acs}'", remedy)
    return replace(
        options,
        acs=target.url,
        adapter=options.adapter or target.adapter,
        north=options.north or target.north,
        yes=True,
    )


def targets(folder: Path) -> dict[str, NamedTarget]:
    """Return the targets that the nearest configuration at or above a folder names. Raises ConfigError."""
    for file, tables in _configurations(folder):
        if tables:
            return {str(name): _target(file, str(name), table) for name, table in tables.items()}
    return {}


def _configurations(folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for place in (folder, *folder.absolute().parents):
        for name, keys in (("cpescript.toml", ("acs",)), ("pyproject.toml", ("tool", "cpescript", "acs"))):
            file = place / name
            if not file.is_file():
                continue
            try:
                table: Any = tomllib.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise ConfigError(f"{file}: {error}") from None
            for key in keys:
                table = table.get(key, {}) if isinstance(table, dict) else {}
            if not isinstance(table, dict):
                raise ConfigError(f"{file}: targets are tables, as in [{'.'.join(keys)}.staging]")
            yield file, table


def _target(file: Path, name: str, table: Any) -> NamedTarget:
    if not isinstance(table, dict) or not isinstance(table.get("url"), str):
        raise ConfigError(f"{file}: the target '{name}' has no url", 'url = "http://…"')
    for key, value in table.items():
        if key not in KEYS:
            raise ConfigError(f"{file}: '{key}' says nothing about a target", did_you_mean(key, KEYS, ", ".join(KEYS)))
        if not isinstance(value, str):
            raise ConfigError(f"{file}: '{key}' of '{name}' is a text")
    return NamedTarget(**table)
