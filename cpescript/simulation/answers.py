"""A scenario's `answer …` and `drop connection`: what handlers decide, as a device's hook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cpescript.cwmp.hooks import Hook, Point, Reply
from cpescript.cwmp.message import Message
from cpescript.device.device import Device

Answers = Sequence[tuple[str, Mapping[str, Any]]]
"""What a handler decided: (kind, arguments) pairs as in `language.timeline.Answer`, in the order given."""


class AnswerHook(Hook):
    """A scenario's `answer …` and `drop connection`, at the same hook point as quirks."""

    points: frozenset[Point] = frozenset({"rpc-answer"})
    name = "answer"
    kind = "answer"

    def __init__(self, ask: Callable[[int, Message], Answers]) -> None:
        self._ask = ask

    def rpc_answer(self, device: Device, request: Message) -> Reply | None:
        answers = self._ask(device.number, request)
        if not answers:
            return None
        self.fired(device)
        reply, after = Reply(), 0
        for kind, arguments in answers:
            if kind == "after":
                after = int(arguments["delay"])
            elif kind == "fault":
                reply = Reply.fault(int(arguments["code"]), arguments.get("text") or "", arguments.get("parameter"))
            elif kind == "with":
                reply = Reply.document(arguments["body"])
            else:
                reply = Reply.nothing() if kind == "nothing" else Reply.drop()
        return reply.delayed(after) if after else reply
