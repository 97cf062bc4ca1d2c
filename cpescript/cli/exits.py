"""Exit statuses: the one table that commands, help pages and tests read."""

from __future__ import annotations

from cpescript.results import BAD_USAGE, INTERNAL, INTERRUPTED, NOTHING_SELECTED

OK = 0
FAILED = 1
UNJUDGED = 3

MEANINGS: dict[int, str] = {
    OK: "all passed",
    FAILED: "some failed: the ACS did not do what it owes",
    BAD_USAGE: "bad usage, or a file that does not check; nothing was run",
    UNJUDGED: "no failure, but something could not be judged",
    INTERNAL: "a bug in cpescript",
    NOTHING_SELECTED: "nothing was selected",
    INTERRUPTED: "interrupted; reports of what ran are written",
}
"""Status to meaning, as the language page has them (Verdicts). When several apply: 4, 2, 1, 3, 5, 0."""
