"""What `--rerun-failed` goes by: `.cpescript/last-run.json`, the cases that did not pass when they last ran.

A case comes in when it does not pass and goes out when it passes; where none is left the file goes too, so a folder in
which everything passes never sees one. It holds no params: they may be secret, and are given again.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

from cpescript.results import ScenarioResult
from cpescript.runner.loading import UsageError

PLACE = Path(".cpescript", "last-run.json")
"""Relative to the folder that the command runs in."""
SCHEMA = "cpescript-last-run/1"
MOST = 16 * 1024 * 1024
"""Octets that are read."""

REPEATED = re.compile(r" \(run \d+ of \d+\)$")
"""What stands behind a case's title where everything is run several times."""
NOT_PASSED = frozenset({"failed", "xpassed", "error", "inconclusive"})


class LastRun:
    """(file, title) of each case that did not pass, to its seed."""

    def __init__(self, cases: dict[tuple[str, str], int]) -> None:
        self._cases = {key: seed for key, seed in cases.items() if Path(key[0]).is_file()}
        self.gone = sorted({file for file, _ in cases} - {file for file, _ in self._cases})
        """The files that are not there any more; their cases are let go."""

    @classmethod
    def read(cls, path: Path) -> LastRun:
        """Raises UsageError for a file that is none of ours; there need not be one."""
        try:
            if path.stat().st_size > MOST:
                raise ValueError("it is too large")
            document = json.loads(path.read_text(encoding="utf-8"))
            if document.get("schema") != SCHEMA:
                raise ValueError(f"its schema is not {SCHEMA}")
            return cls({(case["file"], case["title"]): int(case["seed"]) for case in document["cases"]})
        except FileNotFoundError:
            return cls({})
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UsageError(f"'{path}' cannot be used: {error}", "take it away: the next run writes one") from None

    @property
    def files(self) -> list[str]:
        """The files of these cases, each once."""
        return list(dict.fromkeys(file for file, _ in self._cases))

    def missing(self, known: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return (file, title) of the cases that are not among those that their file, if any of it is known, has."""
        there = {(_absolute(file), title) for file, title in known}
        read = {file for file, _ in there}
        return [case for case in self._cases if case[0] in read and case not in there]

    def seed(self, file: str, title: str) -> int | None:
        """Return the seed with which a case did not pass, None for one that is not among them."""
        return self._cases.get((_absolute(file), title))

    def note(self, results: Iterable[ScenarioResult]) -> None:
        """Take in how cases ended, of a case that was repeated the last that did not pass; others stay as they are."""
        ended = [((_absolute(result.file), REPEATED.sub("", result.title)), result) for result in results]
        for key, _ in ended:
            self._cases.pop(key, None)
        self._cases.update({key: result.seed for key, result in ended if result.verdict in NOT_PASSED})

    def write(self, path: Path) -> None:
        """Write the file, or take it away where there is nothing to tell. Raises OSError."""
        if not self._cases:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        cases = [{"file": file, "title": title, "seed": seed} for (file, title), seed in self._cases.items()]
        # Of this process alone: two runs in one folder may end together.
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        part.write_text(json.dumps({"schema": SCHEMA, "cases": cases}, indent=2) + "\n", encoding="utf-8")
        part.replace(path)


def keep(results: Iterable[ScenarioResult], path: Path) -> str:
    """Note how cases ended in the file at `path`; return why that cannot be, empty if it can."""
    try:
        last = LastRun.read(path)
        last.note(results)
        last.write(path)
    except UsageError as error:
        return f"--rerun-failed will not know of this run: {error.message}: {error.remedy}"
    except OSError as error:
        return f"--rerun-failed will not know of this run: '{path}' cannot be written: {error.strerror}"
    return ""


def _absolute(file: str) -> str:
    return str(Path(file).resolve())
