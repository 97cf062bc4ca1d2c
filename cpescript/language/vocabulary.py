"""Checks literals that a message's element is compared with, where the standards say what may stand in it.

A claim such as `never Inform where events contains "BOOTSTRAP"` asks for what no device ever says, and so holds
whatever happens. What is free by the standards (vendor events, vendor file types, vendor fault codes) is free here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from cpescript.diagnostics import Bag, Diagnostic, Span, did_you_mean
from cpescript.language import timeline as tl
from cpescript.pattern import expression as px
from cpescript.pattern.walking import walk

CODE = "unknown-value"

EVENTS = (
    "0 BOOTSTRAP",
    "1 BOOT",
    "2 PERIODIC",
    "3 SCHEDULED",
    "4 VALUE CHANGE",
    "5 KICKED",
    "6 CONNECTION REQUEST",
    "7 TRANSFER COMPLETE",
    "8 DIAGNOSTICS COMPLETE",
    "9 REQUEST DOWNLOAD",
    "10 AUTONOMOUS TRANSFER COMPLETE",
    "11 DU STATE CHANGE COMPLETE",
    "12 AUTONOMOUS DU STATE CHANGE COMPLETE",
    "13 WAKEUP",
    "14 HEARTBEAT",
    "M Reboot",
    "M ScheduleInform",
    "M Download",
    "M ScheduleDownload",
    "M Upload",
    "M ChangeDUState",
)
"""Event codes (TR-069 3.7.1.5)."""

FILE_TYPES = (
    "1 Firmware Upgrade Image",
    "2 Web Content",
    "3 Vendor Configuration File",
    "4 Tone File",
    "5 Ringer File",
    "6 Stored Firmware Image",
    "1 Vendor Configuration File",
    "2 Vendor Log File",
)
"""File types of a Download (A.3.2.8) and of an Upload (A.4.1.5)."""


class Vocabulary(NamedTuple):
    """What may stand in an element: `what` it is called, the `known` values as texts, and which others are `free`.

    `device` says that the device writes it, so that a hand-written message may hold anything.
    """

    what: str
    known: tuple[str, ...]
    free: str = ""
    many: bool = False
    device: bool = True


@cache
def vocabularies() -> Mapping[str, Vocabulary]:
    """Return the vocabularies by the name of the element."""
    from cpescript.cwmp.rpcs import FAULTS

    faults = ("0", *map(str, FAULTS))
    vendor = r"8[89]\d\d|9[89]\d\d"
    return {
        "events": Vocabulary("an event code", EVENTS, "[XM] .+", many=True),
        "file_type": Vocabulary(
            "a file type", FILE_TYPES, r"X .+|[34] Vendor (Configuration|Log) File \d+", device=False
        ),
        "fault_code": Vocabulary("a fault code", faults, vendor),
        "fault_codes": Vocabulary("a fault code", faults, vendor, many=True),
        "states": Vocabulary("a state of a deployment unit", ("Installed", "Uninstalled", "Failed"), many=True),
        "outcome": Vocabulary(
            "an outcome of a session", ("done", "timeout", "cut", "http", "tls", "refused"), device=False
        ),
        "via": Vocabulary("a way of a connection request", ("http", "udp", "xmpp"), device=False),
    }


def check_literals(steps: Any, bag: Bag) -> None:
    """Report literals that the element they are compared with never holds. `steps`: all of a scenario's."""
    said: set[str] = set()
    by_hand = False
    comparisons: list[px.Binary] = []
    for node in walk(steps):
        if isinstance(node, px.Binary):
            comparisons.append(node)
        elif isinstance(node, (tl.Act, tl.Stimulus, tl.Answer)):
            said.update(str(part.value) for part in walk(dict(node.arguments)) if isinstance(part, px.Literal_))
            kind = node.kind if isinstance(node, tl.Answer) else node.verb
            by_hand = by_hand or kind in ("send", "with")
            if kind == "inform":
                _event(node.arguments.get("event"), bag)
    for node in comparisons:
        for name, span, value in _compared(node):
            _check(name, span, value, said, by_hand, bag)


def _check(name: str, span: Span, value: Any, said: Collection[str], by_hand: bool, bag: Bag) -> None:
    """Report a literal that an element never holds. `said`: texts of the scenario's own, which a device may say."""
    if name == "event":
        if isinstance(value, str):
            remedy = f"""write 'events contains "{_meant(value, vocabularies()["events"]) or value}"'"""
            _once(bag, Diagnostic(span, CODE, "'event' is a list of structures, never a text", remedy))
        return
    words = vocabularies()[name]
    text = str(value)
    if text in words.known or text in said or re.fullmatch(words.free, text) or (by_hand and words.device):
        return
    shown = f'"{text}"' if isinstance(value, str) else text
    _once(bag, Diagnostic(span, CODE, f"{shown} is never {words.what}", _remedy(text, words)))


def _event(node: Any, bag: Bag) -> None:
    """Warn of the event of an `inform` that is nearly one of the standard's: another may well be meant as it is."""
    words = vocabularies()["events"]
    if not isinstance(node, px.Literal_) or not isinstance(node.value, str) or node.value in words.known:
        return
    remedy = "" if re.fullmatch(words.free, node.value) else _remedy(node.value, words)
    if remedy:
        message = f'"{node.value}" is no event code of the standard'
        _once(bag, Diagnostic(node.span, CODE, message, remedy, "warning"))


def _compared(node: px.Binary) -> Iterator[tuple[str, Span, Any]]:
    """Yield the elements of a vocabulary that a comparison is about, each with the place and value of a literal."""
    known = vocabularies()
    for side, other in ((node.left, node.right), (node.right, node.left)):
        name = _element(side)
        if name != "event" and name not in known:
            continue
        many = name == "event" or known[name].many
        holds = node.operator == "contains" and side is node.left
        holds = holds or (node.operator in ("in", "not in") and side is node.right)
        holds = holds or (node.operator in ("==", "!=") and isinstance(other, px.ListNode))
        among = node.operator in ("in", "not in") and side is node.left
        if holds if many else (among or node.operator in ("==", "!=")):
            items = other.items if isinstance(other, px.ListNode) else (other,)
            for item in items:
                if isinstance(item, px.Literal_) and type(item.value) in (str, int):
                    yield name, item.span, item.value


def _element(node: Any) -> str:
    """Return the name of the message's element that a node is, empty for anything else."""
    if isinstance(node, px.Field) and (len(node.path) == 1 or (len(node.path) == 2 and node.path[0] == "request")):
        return node.path[-1]
    if isinstance(node, px.Attribute) and isinstance(node.base, px.Message):
        return node.name
    return ""


def _bare(text: str) -> str:
    return re.sub(r"[\d\W_]", "", text).lower()


def _meant(text: str, words: Vocabulary) -> str:
    """Return the known value that a text is but for its number, its blanks and its capitals, or else a part of."""
    meant = _bare(text)
    same = (known for known in words.known if meant and _bare(known) == meant)
    holding = (known for known in words.known if meant and meant in _bare(known))
    return next(same, next(holding, ""))


def _remedy(text: str, words: Vocabulary) -> str:
    meant = _meant(text, words)
    few = f"it is one of {', '.join(words.known)}" if len(words.known) <= 6 else ""
    return f"did you mean '{meant}'?" if meant else did_you_mean(text, words.known, few)


def _once(bag: Bag, found: Diagnostic) -> None:
    """Report what every case of a matrix would repeat."""
    if found not in bag.items:
        bag.items.append(found)
