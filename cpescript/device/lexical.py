"""The six value types of the data model: what a text may look like, and its one form on the wire.

The lexical forms are those of the profile format (XML Schema's, a little narrower); the canonical form is what
a device reports: booleans as `true`/`false`, integers without leading zeros, a dateTime in UTC with `Z` (TR-106,
3.2).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal, NoReturn, get_args

from cpescript.kernel.time import Instant, parse_instant

Type = Literal["string", "int", "unsignedInt", "boolean", "dateTime", "base64"]
TYPES: tuple[Type, ...] = get_args(Type)

DEFAULTS: dict[Type, str] = {
    "string": "",
    "int": "0",
    "unsignedInt": "0",
    "boolean": "false",
    "dateTime": "1970-01-01T00:00:00Z",
    "base64": "",
}
"""The value of a parameter that declares none."""

INVALID_TYPE = 9006
INVALID_VALUE = 9007

_INT = re.compile(r"[+-]?[0-9]+", re.ASCII)
_UNSIGNED = re.compile(r"[0-9]+", re.ASCII)
_BOOLEANS = {"0": "false", "1": "true", "false": "false", "true": "true"}
_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d+))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_MOST_DIGITS = 20
"""Longer than any 32-bit integer with its sign and a few leading zeros: a bound for hostile texts."""


class LexicalError(ValueError):
    """A text is no value of a type. `code` is the CWMP fault for it: 9006 (wrong type) or 9007 (out of range)."""

    def __init__(self, message: str, code: int = INVALID_TYPE) -> None:
        super().__init__(message)
        self.code = code


def _refuse(kind: Type, text: str, why: str, code: int = INVALID_TYPE) -> NoReturn:
    shown = text if len(text) <= 60 else text[:57] + "..."
    raise LexicalError(f"{shown!r} is no xsd:{kind}: {why}", code)


def _integer(kind: Type, form: re.Pattern[str], low: int, high: int, what: str) -> Callable[[str], str]:
    def canonical_integer(text: str) -> str:
        if form.fullmatch(text) is None:
            _refuse(kind, text, what)
        if len(text) > _MOST_DIGITS or not low <= (number := int(text)) <= high:
            _refuse(kind, text, f"not within {low}..{high}", INVALID_VALUE)
        return str(number)

    return canonical_integer


def _boolean(text: str) -> str:
    return _BOOLEANS.get(text) or _refuse("boolean", text, "must be true, false, 1 or 0")


def _date_time(text: str) -> str:
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        _refuse("dateTime", text, "must be YYYY-MM-DDThh:mm:ss with Z or an offset")
    year, month, day, hour, minute, second, fraction, sign, off_hours, off_minutes = found.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second))
        if sign:
            offset = timedelta(hours=int(off_hours), minutes=int(off_minutes))
            moment = moment - offset if sign == "+" else moment + offset
    except (ValueError, OverflowError):
        _refuse("dateTime", text, "there is no such day", INVALID_VALUE)
    rest = (fraction or "").rstrip("0")
    return moment.isoformat() + (f".{rest}" if rest else "") + "Z"


def _base64(text: str) -> str:
    packed = text.replace("\r", "").replace("\n", "")
    try:
        binascii.a2b_base64(packed.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        _refuse("base64", text, "not in the standard alphabet with padding")
    return packed


_CANONICAL: dict[str, Callable[[str], str]] = {
    "string": str,
    "int": _integer("int", _INT, -(1 << 31), (1 << 31) - 1, "not a whole number"),
    "unsignedInt": _integer("unsignedInt", _UNSIGNED, 0, (1 << 32) - 1, "not a whole number without sign"),
    "boolean": _boolean,
    "dateTime": _date_time,
    "base64": _base64,
}

_TYPED: dict[str, Callable[[str], str | int | bool | Instant]] = {
    "string": str,
    "int": int,
    "unsignedInt": int,
    "boolean": "true".__eq__,
    "dateTime": parse_instant,
    "base64": str,
}


def canonical(kind: str, text: str) -> str:
    """Return the wire form of `text` as a value of type `kind`. Raises LexicalError where it is none."""
    return _CANONICAL[kind](text)


def typed(kind: str, text: str) -> str | int | bool | Instant:
    """Return a canonical text as the Python value that comparisons use."""
    return _TYPED[kind](text)
