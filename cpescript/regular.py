"""Regular expressions that people write in scenarios, profiles, policies and adapters: RE2's.

RE2's time grows with the length of the text only, so a pattern can never hang a run, whatever a device or an ACS sends,
and no time limit has to decide a verdict. For the same reason it has no backreferences and no look-around.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


class RegularError(ValueError):
    """A text is no regular expression: a line of cause, a line of remedy (which may be empty)."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause} ({remedy})" if remedy else cause)
        self.cause = cause
        self.remedy = remedy


@lru_cache(maxsize=256)
def regular(pattern: str) -> Any:
    """Return the compiled pattern, used like one of `re`. Raises RegularError."""
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        cause = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        remedy = "there are no backreferences and no look-around" if "\\" in cause or "(?" in cause else ""
        raise RegularError(cause, remedy) from None
