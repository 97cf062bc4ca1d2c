"""What the files of named systems' adapters say, for the language's checker: verbs, beliefs, and calls."""

from __future__ import annotations

from pathlib import Path

from cpescript.diagnostics import Bag
from cpescript.language.catalogue import SystemType


def read_system(path: Path) -> tuple[SystemType | None, Bag]:
    """Return what the adapter of a file can do; None with errors in the bag. Never raises on bad input."""
    # Late: it brings a whole HTTP client along, which few scenarios need.
    from cpescript.adapters.http_yaml import load_http_adapter

    adapter, bag = load_http_adapter(path)
    if adapter is None:
        return None, bag
    return SystemType(adapter.verbs, adapter.beliefs, adapter.calls), bag
