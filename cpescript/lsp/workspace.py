"""The programs of a workspace that could mean a name: those of its folders, and of open texts, that have the word.

A library does not know who uses it. So who renames something in it asks every scenario around.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from cpescript.language.catalogue import Catalogue
from cpescript.lsp.analysis import Analysis, analyse

MOST_ENTRIES = 50_000
"""Most files and folders of a workspace that are looked at: who opens a whole disk is told so, instead of waiting."""
MOST_OCTETS = 64 * 1024 * 1024
"""Most octets of scenarios that are read."""
MOST_PROGRAMS = 500
"""Most scenarios that are checked, at some milliseconds each."""
_FOREIGN = frozenset(("node_modules", "__pycache__", "site-packages"))
"""Folders, beside hidden ones, in which nobody keeps scenarios."""


class TooLargeError(ValueError):
    """The workspace has more than is looked at; the text says of what."""


def programs(
    folders: Iterable[Path], buffers: Mapping[str, str], word: str, catalogue: Catalogue
) -> Iterator[Analysis]:
    """Yield the checked texts that use other files and have a word in them.

    `buffers` are the open texts by absolute path, which count instead of stored ones. A file that cannot be read is
    left out. Raises TooLargeError past the limits above.
    """
    checked = 0
    for file, text in _texts(folders, buffers):
        if word not in text or "use" not in text:
            continue
        checked += 1
        if checked > MOST_PROGRAMS:
            raise TooLargeError(f"more than {MOST_PROGRAMS} scenarios have the word '{word}'")
        yield analyse(text, file, catalogue, buffers)


def _texts(folders: Iterable[Path], buffers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield from buffers.items()
    octets = 0
    for file in _files(folders):
        if file in buffers:
            continue
        try:
            octets += os.path.getsize(file)
            if octets > MOST_OCTETS:
                raise TooLargeError(f"the scenarios of this workspace are more than {MOST_OCTETS >> 20} MiB")
            text = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        yield file, text


def _files(folders: Iterable[Path]) -> Iterator[str]:
    """Yield the paths of all scenarios below some folders, each once."""
    seen: set[str] = set()
    entries = 0
    for folder in folders:
        for base, below, names in os.walk(folder):
            below[:] = sorted(name for name in below if not name.startswith(".") and name not in _FOREIGN)
            entries += len(below) + len(names)
            if entries > MOST_ENTRIES:
                raise TooLargeError(f"this workspace has more than {MOST_ENTRIES} files")
            for name in sorted(names):
                path = os.path.join(base, name)
                if name.endswith(".cpes") and path not in seen and os.path.isfile(path):
                    seen.add(path)
                    yield path
