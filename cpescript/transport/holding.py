"""What a wire holds of answers that are not whole yet: one budget for all its connections.

Each answer is bounded by itself (`Limits`); some hundreds at once, each as large as it may be, would still be more than
a machine has. Counted is what has been read and waits for the rest. An answer that is whole is handed on in the same
moment, one at a time: it is not counted, nor is what it is once it is unpacked, or decoded.
"""

from __future__ import annotations


class Holding:
    """The octets that are held, at most `most`."""

    __slots__ = ("highest", "most", "now", "refused")

    def __init__(self, most: int) -> None:
        self.most = most
        self.now = 0
        self.highest = 0
        """The most that was ever held at once."""
        self.refused = 0
        """Answers that were given up because there was no room for them."""

    def take(self, octets: int) -> bool:
        """Hold that many more; False, and they are not held, where there is no room."""
        if self.now + octets > self.most:
            self.refused += 1
            return False
        self.now += octets
        self.highest = max(self.highest, self.now)
        return True

    def give(self, octets: int) -> None:
        """Hold that many less."""
        self.now -= octets

    def full(self) -> str:
        """Say that there is no room."""
        return (
            f"unfinished answers take {_mebibytes(self.now)} of the {_mebibytes(self.most)} that all sessions together "
            "may hold: --answers-held allows more, --in-flight fewer at once"
        )


def _mebibytes(octets: int) -> str:
    return f"{octets / (1 << 20):,.1f} MiB".replace(".0 ", " ")
