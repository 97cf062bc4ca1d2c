"""What a device holds beyond its schema and its written values, made only for those that need it."""

from __future__ import annotations

_SHARED: dict[str, str] = {}
_MOST_SHARED = 4096
_LONGEST_SHARED = 64


def shared(text: str) -> str:
    """Return one object for equal texts: 100,000 devices that are set to "300" hold it once.

    Bounded: what comes after the first few thousand texts is kept as it is.
    """
    known = _SHARED.get(text)
    if known is None:
        if len(text) <= _LONGEST_SHARED and len(_SHARED) < _MOST_SHARED:
            _SHARED[text] = text
        return text
    return known


class Instances:
    """The instances of one table that a device has, ascending, and the highest number it ever gave.

    `born` has the instants at which those were made that hold moving values: their generators begin there.
    """

    __slots__ = ("born", "high", "numbers")

    def __init__(self, declared: tuple[int, ...]) -> None:
        self.numbers = list(declared)
        self.high = declared[-1] if declared else 0
        self.born: dict[int, int] | None = None


class Rare:
    """What few devices have: changed tables, attributes, a serial number of its own."""

    __slots__ = ("attributes", "instances", "serial")

    def __init__(self) -> None:
        self.attributes: dict[str, tuple[int | None, tuple[str, ...] | None]] = {}
        self.instances: dict[str, Instances] = {}
        self.serial: str | None = None
