"""Finds what ships with cpescript: the grammar, scenarios, profiles and adapter files, installed or in a checkout.

A wheel carries them as `cpescript/_data/<kind>/`; in a checkout (and so in an editable install) they are the top-level
folders beside the package. Nothing else in the project knows where they live.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Literal

from cpescript.diagnostics import did_you_mean

Kind = Literal["grammar", "scenarios", "profiles", "adapters"]

_PACKAGE = Path(__file__).resolve().parent

SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "grammar": (".lark",),
    "scenarios": (".cpes",),
    "profiles": (".yaml", ".yml", ""),
    "adapters": (".yaml", ".yml"),
}
"""What may be left out of a name, in the order of trial. The empty suffix is a profile kept as a folder."""
MOST_BESIDE = 2_000
"""Files of a folder that are looked at for a suggestion."""


def folder(kind: Kind) -> Path | None:
    """Return the folder of that library: the package's own data, else the checkout's folder, else None."""
    for candidate in (_PACKAGE / "_data" / kind, _PACKAGE.parent / kind):
        if candidate.is_dir():
            return candidate
    return None


def find(kind: Kind, name: str) -> Path | None:
    """Return the library's file (or profile folder) called `name`, with or without its suffix, else None.

    A name with a folder part that leaves the library (`../x`, `/etc/x`) is not in it.
    """
    base = folder(kind)
    if base is None or not name or Path(name).is_absolute() or ".." in Path(name).parts:
        return None
    exact = base / name
    if exact.is_file():
        return exact
    for suffix in SUFFIXES[kind]:
        candidate = base / f"{name}{suffix}"
        if candidate.is_file() if suffix else _is_profile_folder(candidate):
            return candidate
    return None


def profile(name: str, near: Path) -> Path | None:
    """Return the profile that `name` means in the folder `near`: one in a folder `profiles` there or above, else one
    that ships."""
    for above in (near, *near.resolve().parents):
        for suffix in SUFFIXES["profiles"]:
            path = above / "profiles" / f"{name}{suffix}"
            if path.is_file() if suffix else path.is_dir():
                return path
    return find("profiles", name)


def names(kind: Kind) -> list[str]:
    """Return the names in that library, without suffix, sorted; for listings and suggestions."""
    base = folder(kind)
    if base is None:
        return []
    suffixes = SUFFIXES[kind]
    found = {entry.stem for entry in base.iterdir() if entry.is_file() and entry.suffix in suffixes}
    if "" in suffixes:
        found |= {entry.name for entry in base.iterdir() if _is_profile_folder(entry)}
    return sorted(found)


def meant(kind: Kind, name: str) -> str:
    """Return the remedy for a name that means nothing: a file of that folder or one that ships and is spelt alike, else
    all that ship."""
    whole = next((each for each in (f"{name}{suffix}" for suffix in SUFFIXES[kind]) if Path(each).is_file()), None)
    if whole is not None:
        return f"did you mean '{whole}'?"
    try:
        beside = [str(path) for path in islice(Path(name).parent.iterdir(), MOST_BESIDE)]
    except OSError:
        # No folder of that name, or none that we may look into: then there is nothing to suggest from it.
        beside = []
    shipped = names(kind)
    alike = [path for path in beside if path.endswith(tuple(filter(None, SUFFIXES[kind])))]
    return did_you_mean(name, [*alike, *shipped], f"give a path, or one of {', '.join(shipped)}")


def _is_profile_folder(path: Path) -> bool:
    return path.is_dir() and any(path.glob("*.y*ml"))
