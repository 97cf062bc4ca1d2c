"""Requests and their answers: what `request.…` of a response means.

A session is one conversation, each message the answer to the last one of the other side; so the request of a response
is the last message that went the other way.
"""

from __future__ import annotations

from typing import Any

from cpescript.kernel.time import Duration
from cpescript.kernel.trace import FROM_ACS, LOCAL, TO_ACS, Direction, Record, Trace
from cpescript.pattern import expression as x
from cpescript.pattern.claim import Claim, MessageClaim
from cpescript.pattern.evaluate import CompiledPattern
from cpescript.pattern.walking import walk


def asks_for_requests(node: Any) -> bool:
    """Whether a claim, a pattern or an expression asks a response for its request, or keeps one that may be asked."""
    return any(
        (isinstance(each, x.Field) and each.path[0] == "request")
        or (isinstance(each, x.Attribute) and each.name == "request")
        or _keeps_answer(each)
        for each in walk(node)
    )


def _keeps_answer(claim: Claim | Any) -> bool:
    return isinstance(claim, MessageClaim) and claim.capture is not None and claim.pattern.kind.endswith("Response")


class ResponseTimes:
    """How long, in real time, the ACS took to answer the messages of one pattern: nanoseconds, per device."""

    def __init__(self, pattern: CompiledPattern) -> None:
        self.pattern = pattern
        self.taken: dict[int, list[Duration]] = {}
        self._asked: dict[int, int] = {}

    def observe(self, record: Record) -> None:
        """Note a question of a device, or the first thing that the ACS said after it."""
        if record.wall_ns is None:
            return
        if record.direction == FROM_ACS:
            asked = self._asked.pop(record.device, None)
            if asked is not None:
                self.taken.setdefault(record.device, []).append(Duration(record.wall_ns - asked))
        elif record.direction == TO_ACS and record.kind in self.pattern.node.kinds:
            if self.pattern.mask(record.device, record.message, record.http) == self.pattern.full:
                self._asked[record.device] = record.wall_ns
            else:
                self._asked.pop(record.device, None)


class Exchanges:
    """Remembers the last message of each device and direction, from when it is first asked to (`follow`)."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._last: dict[tuple[int, Direction], Record] = {}
        self.followed = False

    def follow(self) -> None:
        """Remember from now on."""
        if not self.followed:
            self.followed = True
            self._trace.watch(None, self._note)

    def _note(self, record: Record) -> None:
        if record.direction != LOCAL and record.device:
            self._last[record.device, record.direction] = record

    def attach(self, record: Record) -> None:
        """Give a record that has just come the message that it answers."""
        if self.followed and record.direction != LOCAL:
            asked = self._last.get((record.device, FROM_ACS if record.direction == TO_ACS else TO_ACS))
            if asked is not None and asked.session == record.session:
                record.request = asked.message
