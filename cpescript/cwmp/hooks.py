"""The seven named points at which a device's behaviour can be changed from outside: by quirks, faults and scenarios.

A hook overrides the methods of the points that it names in `points`; all others are never called. Hooks are asked in
the order in which they were added, each seeing what the one before made of it; where only one can answer (`rpc_answer`,
`session_step`) the newest that has an answer gives it.

| point | method | sees, and may change |
| --- | --- | --- |
| http-request | `http_request` | the request as it would go out |
| soap-bytes | `soap_bytes` | the body as it would go out |
| rpc-answer | `rpc_answer` | what the device does with an RPC and answers to it |
| session-flow | `session_events`, `session_step` | the events of an Inform; whether and when a message goes out |
| data-model | `data_model` | a value that the ACS sets |
| transfer | `transfer` | how a transfer ends |
| connection-request | `connection_request` | the answer to a connection request, and whether a session follows |

A hook says that it really did something by `fired(device)`: a quirk that never showed on the wire proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.cwmp.message import Message, ParameterFault, fault

if TYPE_CHECKING:
    from cpescript.cwmp.events import Events
    from cpescript.device.device import Device

Point = Literal[
    "http-request", "soap-bytes", "rpc-answer", "session-flow", "data-model", "transfer", "connection-request"
]
POINTS: tuple[Point, ...] = (
    "http-request",
    "soap-bytes",
    "rpc-answer",
    "session-flow",
    "data-model",
    "transfer",
    "connection-request",
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a device does with an RPC instead of simply answering it.

    `carry_out`: whether it does what it was asked. `answer`: what it sends, None for its own answer. `after`: how long
    it waits first, in nanoseconds. `then`: whether it sends the answer, sends nothing and leaves the ACS waiting, or
    closes the connection.
    """

    carry_out: bool = True
    answer: Message | bytes | None = None
    after: int = 0
    then: Literal["answer", "nothing", "drop"] = "answer"

    @staticmethod
    def fault(code: int, string: str, parameter: str | None = None) -> Reply:
        """Answer a Fault, for one parameter of a SetParameterValues where `parameter` names it (then 9003 over all)."""
        if parameter is None:
            return Reply(carry_out=False, answer=fault(code, string))
        entry = (ParameterFault(parameter, code, string),)
        return Reply(carry_out=False, answer=fault(9003, "Invalid arguments", parameter_faults=entry))

    @staticmethod
    def document(body: bytes) -> Reply:
        """Send these octets, whatever they are, as the answer; what was asked is not carried out."""
        return Reply(carry_out=False, answer=body)

    @staticmethod
    def nothing() -> Reply:
        """Send nothing; the session ends when the device's own patience does."""
        return Reply(carry_out=False, then="nothing")

    @staticmethod
    def drop() -> Reply:
        """Close the connection instead of answering."""
        return Reply(carry_out=False, then="drop")

    def delayed(self, after: int) -> Reply:
        """Return the same reply, `after` nanoseconds later."""
        return replace(self, after=after)


@dataclass(frozen=True, slots=True)
class Detour:
    """What a session does before its next message: wait `after` nanoseconds, or end here (`cut`)."""

    after: int = 0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How a transfer ends: with fault 0 or not, applied or not, reported by a TransferComplete or not.

    `before` are (code, text) of TransferCompletes that are sent before that one.
    """

    fault_code: int = 0
    fault_string: str = ""
    apply: bool = True
    report: bool = True
    before: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Called:
    """The answer to a connection request, and whether it leads to a session."""

    response: HttpResponse
    session: bool


class Hook:
    """Base of all hooks: changes nothing. `name` is what the trace calls it, `kind` under which fact."""

    points: frozenset[Point] = frozenset()
    name: str = ""
    kind: str = "quirk"

    def fired(self, device: Device) -> None:
        """Tell the trace that the hook changed something on this device just now."""
        device.host.trace.fact(device, self.kind, name=self.name)

    def http_request(self, device: Device, request: HttpRequest) -> HttpRequest:
        """Return the request to send; `request.body` is final."""
        return request

    def soap_bytes(self, device: Device, kind: str, body: bytes) -> bytes:
        """Return the body to send; `kind` is the message's kind."""
        return body

    def rpc_answer(self, device: Device, request: Message) -> Reply | None:
        """Return what to do with an RPC, None to have nothing to do with it. Asked before it is carried out."""
        return None

    def session_events(self, device: Device, events: Events) -> Events:
        """Return the events that the Inform tells."""
        return events

    def session_step(self, device: Device, kind: str) -> Detour | None:
        """Return a detour before the message of that kind goes out (`Empty` for the empty POST), None for none."""
        return None

    def data_model(self, device: Device, path: str, value: str) -> str | None:
        """Return the value that a SetParameterValues really stores, None to store nothing."""
        return value

    def transfer(self, device: Device, request: Mapping[str, Any], ending: Ending) -> Ending:
        """Return how the transfer ends that was asked for with these fields of Download or Upload."""
        return ending

    def connection_request(self, device: Device, request: HttpRequest, called: Called) -> Called:
        """Return what the device answers and whether it opens a session."""
        return called


Hooks = dict[Point, tuple[Hook, ...]]


def added(hooks: Hooks | None, hook: Hook) -> Hooks:
    """Return the hooks of a device with one more."""
    table = dict(hooks or {})
    for point in POINTS:
        if point in hook.points:
            table[point] = (*table.get(point, ()), hook)
    return table


def removed(hooks: Hooks | None, hook: Hook) -> Hooks | None:
    """Return the hooks of a device without that one, None where none is left."""
    table: Hooks = {}
    for point, each in (hooks or {}).items():
        kept = tuple(other for other in each if other is not hook)
        if kept:
            table[point] = kept
    return table or None
