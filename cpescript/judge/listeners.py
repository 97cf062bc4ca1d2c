"""Who is told of records, in the order in which they asked: of those of any device, or of one device alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

from cpescript.kernel.trace import Record

Listener = Callable[[Record], object]

_WHEN = itemgetter(1)


class Listeners:
    """Listeners by device, so that a record costs nothing to claims on others: `for each` may open one for each of
    100,000."""

    __slots__ = ("_count", "_of")

    def __init__(self) -> None:
        self._count = 0
        self._of: dict[int, dict[Listener, int]] = {}
        """Device (0: any) to who listens to it, and as which in the order."""

    def add(self, listener: Listener, device: int = 0) -> None:
        """Tell `listener` of records of a device, 0 of any. Once is enough."""
        self._count += 1
        self._of.setdefault(device, {}).setdefault(listener, self._count)

    def remove(self, listener: Listener, device: int = 0) -> None:
        """Tell it no more; `device` is that with which it was added."""
        known = self._of.get(device, {})
        known.pop(listener, None)
        if not known:
            self._of.pop(device, None)

    def of(self, device: int) -> Sequence[Listener]:
        """Return who is to be told of a record of a device, as of now."""
        everybody, own = self._of.get(0), self._of.get(device) if device else None
        if everybody and own:
            return [listener for listener, _ in sorted([*everybody.items(), *own.items()], key=_WHEN)]
        return tuple(everybody or own or ())

    def __bool__(self) -> bool:
        return bool(self._of)
