"""Reading and writing files for the commands: every way that can go wrong is a message, not a traceback."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from cpescript import libraries
from cpescript.cli.exits import OK
from cpescript.diagnostics import Bag
from cpescript.results import BAD_USAGE

READABLE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


def writable(text: str) -> Path:
    """Return the path of a file to be written: its folder is made, and that it can be written is known before a run."""
    if text == "-":
        raise click.BadParameter("'-' is no file, and standard output has what people read: name a file, or a pipe")
    path = Path(text)
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
        new = not path.exists()
        with path.open("ab"):
            pass
        if new:
            # An empty report would look like one: where nothing runs, nothing is left behind.
            path.unlink()
    except OSError as error:
        raise click.BadParameter(f"'{path}' cannot be written: {error.strerror}") from None
    return path


def write(path: Path, text: str) -> None:
    """Write a text, whole or not at all; what UTF-8 cannot carry is written as an escape. Raises ClickException."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # A pipe or a device (`/dev/stdout`) is written to, not replaced.
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
            return
        target = path.resolve()
        part = target.with_name(part.name)
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
        if target.exists():
            part.chmod(target.stat().st_mode & 0o7777)
        part.replace(target)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise click.ClickException(f"'{path}' cannot be written: {error.strerror}") from None


def read(path: Path) -> str:
    """Return a file's text. Raises ClickException."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"'{path}' cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise click.ClickException(f"'{path}' is not UTF-8: octet {error.start} cannot be decoded") from None


def locate(kind: libraries.Kind, name: str) -> Path:
    """Return the scenario or profile that `name` means: a path, else one that ships, or a profile that a scenario here
    could name. Raises BadParameter."""
    path = Path(name)
    if path.is_file() or (kind == "profiles" and path.is_dir()):
        return path
    found = libraries.profile(name, Path()) if kind == "profiles" else libraries.find(kind, name)
    if found is None:
        what = kind.removesuffix("s")
        raise click.BadParameter(f"there is no {what} '{name}': {libraries.meant(kind, name)}")
    return found


def scenarios(names: Iterable[str]) -> list[Path]:
    """Return the scenarios that these names mean; of a folder, every one below it. Raises BadParameter."""
    from cpescript.runner.loading import files_of

    found: list[Path] = []
    for name in names:
        if not Path(name).is_dir():
            found.append(locate("scenarios", name))
            continue
        below = list(files_of([name]))
        if not below:
            raise click.BadParameter(f"there is no scenario in '{name}'")
        found += below
    return found


def problems(bag: Bag) -> list[dict[str, Any]]:
    """Return a bag's items for `--json`: `{file, line, column, code, message}`, and `severity` and `remedy`."""
    return [
        {
            "file": item.span.source,
            "line": item.span.line,
            "column": item.span.column,
            "code": item.code,
            "message": item.message,
            "remedy": item.remedy,
            "severity": item.severity,
        }
        for item in bag
    ]


def show(bags: Iterable[Bag]) -> None:
    """Print every diagnostic of the bags on standard error."""
    text = "\n".join(rendered for bag in bags if (rendered := bag.render()))
    if text:
        click.echo(text, err=True)


def tell_checked(found: Sequence[tuple[Path, Bag]], *, as_json: bool) -> int:
    """Print what a `check` command has found in each file, and return its exit status."""
    if as_json:
        listed = [{"path": str(path), "ok": not bag.failed, "problems": problems(bag)} for path, bag in found]
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
    else:
        show(bag for _, bag in found)
        for path, bag in found:
            if not bag.failed:
                click.echo(f"{path}: ok")
    return BAD_USAGE if any(bag.failed for _, bag in found) else OK
