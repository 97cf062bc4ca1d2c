"""Says what an ACS does differently since: two traces, compared by what it asked and answered of each device.

Rules:

1. What counts is what came from the ACS: its requests with their contents, its answers to what devices asked of it,
   HTTP errors, and connection requests. When it came does not count, nor do identifiers, cookies, headers and keys
   (`IGNORED_FIELDS`); nor that it answered an Inform, or had nothing (more) to ask: how often devices call is theirs.
2. Devices are matched by who they are (OUI, class and serial number), those that are in one trace only by their names
   (`fleet[3]`): a recording names devices in the order in which they came. Scenarios are matched by their titles, or by
   their places where no title agrees.
3. A difference that many devices have is told once, with the devices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import zip_longest
from typing import Any

from cpescript.cwmp.message import Message
from cpescript.cwmp.rpcs import RPCS
from cpescript.kernel.trace import FROM_ACS, LOCAL, TO_ACS
from cpescript.recording.reading import Entry, Header, Line
from cpescript.simulation import decode_or_none

IGNORED_FIELDS = frozenset({"command_key", "parameter_key", "max_envelopes", "username", "password"})
"""Fields of messages that are an ACS's own book-keeping, or secrets that it makes up."""
IGNORED_PATHS = ("*Password", "*Username", "*.ManagementServer.URL")
"""Parameters whose values are another each time."""
_REQUESTS = frozenset(rpc.name for rpc in RPCS.values() if rpc.caller != "acs")
"""What a device asks of an ACS, and is owed an answer to."""
NAMED = 5
"""Devices of a difference that are named in text."""
SHOWN = 200
"""Characters of a value in text."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that the ACS did: its kind, and the contents that count, as (name, value) pairs."""

    kind: str
    content: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.content)


@dataclass(slots=True)
class Behaviour:
    """What an ACS did in one scenario, by device, in order."""

    title: str
    acts: dict[str, list[Act]] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    """Who a device is, by its name."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference and the devices that have it. `what`: missing, more, fewer, content, order, device, scenario."""

    scenario: str
    what: str
    kind: str
    before: str
    after: str
    devices: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario,
            "what": self.what,
            "kind": self.kind,
            "before": self.before,
            "after": self.after,
            "devices": list(self.devices),
        }


def behaviours(lines: Iterable[Line], ignored: Sequence[str] = ()) -> list[Behaviour]:
    """Return what the ACS did, one for each scenario of a trace.

    `ignored` are patterns of parameter paths, and names of fields of messages.
    """
    found: list[Behaviour] = []
    known: dict[Act, Act] = {}
    patterns = (*IGNORED_PATHS, *ignored)
    said: dict[str, str] = {}
    for line in lines:
        if isinstance(line, Header):
            found.append(Behaviour(line.scenario))
        elif line.device is not None:
            acts = found[-1].acts.setdefault(line.device, [])
            if line.kind == "spawn":
                found[-1].identities[line.device] = str(line.data.get("identity", ""))
            if line.direction == TO_ACS:
                said[line.device] = line.kind
            act = _act(line, patterns, said.get(line.device, ""))
            if act is not None:
                # A fleet is told the same again and again.
                acts.append(known.setdefault(act, act))
    return found


def _act(entry: Entry, patterns: Sequence[str], said: str) -> Act | None:
    """Return what a record shows of the ACS; `said` is the kind of what the device has said last."""
    if entry.direction == LOCAL:
        return Act("ConnectionRequest") if entry.kind == "ConnectionRequest" else None
    if entry.direction != FROM_ACS:
        return None
    status = getattr(entry.http, "status", None)
    if entry.kind == "HttpError":
        return Act("HttpError", (("status", str(status)),))
    if entry.kind == "InformResponse":
        return None
    if entry.kind == "Empty":
        return Act("Empty", (("to", said),)) if said in _REQUESTS else None
    message = decode_or_none(entry.body) if entry.body else None
    if message is None:
        return Act(entry.kind)
    return Act(entry.kind, tuple(_content(message, patterns)))


def _content(message: Message, patterns: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name, value in sorted(message.fields.items()):
        if name in IGNORED_FIELDS or name in patterns:
            continue
        if not isinstance(value, (list, tuple)):
            yield name, str(value)
            continue
        parts = sorted(_part(name, item, patterns) for item in value)
        yield from parts


def _part(name: str, item: Any, patterns: Sequence[str]) -> tuple[str, str]:
    path = getattr(item, "name", None)
    if path is None:
        return name, str(item)
    ignored = any(fnmatchcase(path, pattern) for pattern in patterns)
    rest = [str(getattr(item, each)) for each in getattr(item, "_fields", ()) if each not in ("name", "type")]
    return str(path), "(ignored)" if ignored else " ".join(rest)


def compare(before: Sequence[Behaviour], after: Sequence[Behaviour]) -> list[Difference]:
    """Return every difference, in the order of the scenarios and of the first device that has it."""
    found: list[Difference] = []
    for old, new in _pairs(before, after):
        if old is None or new is None:
            there = old if old is not None else new
            assert there is not None
            words = ("there", "not there") if old is not None else ("not there", "there")
            found.append(Difference(there.title, "scenario", "", *words, ()))
            continue
        grouped: dict[tuple[str, str, str, str], list[str]] = {}
        names = _renamed(old, new)
        acts = {names[name]: each for name, each in new.acts.items()}
        for device in [*old.acts, *(name for name in acts if name not in old.acts)]:
            for difference in _of_device(old.acts.get(device), acts.get(device)):
                grouped.setdefault(difference, []).append(device)
        found += [Difference(old.title, *what, tuple(devices)) for what, devices in grouped.items()]
    return found


def _renamed(old: Behaviour, new: Behaviour) -> dict[str, str]:
    """Return the names that the devices of `new` have in `old`; who is not there keeps its name, if that is free."""
    known = {identity: name for name, identity in old.identities.items() if name in old.acts}
    names = {name: known[identity] for name in new.acts if (identity := new.identities.get(name, "")) in known}
    taken = set(names.values())
    for name in new.acts:
        if name not in names:
            names[name] = name if name not in taken else f"{name} ({new.identities.get(name) or 'another'})"
    return names


def _pairs(
    before: Sequence[Behaviour], after: Sequence[Behaviour]
) -> Iterator[tuple[Behaviour | None, Behaviour | None]]:
    titles = {each.title: each for each in after}
    if not titles.keys() & {each.title for each in before}:
        yield from zip_longest(before, after)
        return
    for each in before:
        yield each, titles.pop(each.title, None)
    for rest in titles.values():
        yield None, rest


def _of_device(old: list[Act] | None, new: list[Act] | None) -> Iterator[tuple[str, str, str, str]]:
    """Yield (what, kind, before, after) for one device."""
    if old is None or new is None:
        yield ("device", "", "there", "not there") if new is None else ("device", "", "not there", "there")
        return
    if old == new:
        return
    counts, now = Counter(act.kind for act in old), Counter(act.kind for act in new)
    same_kinds = True
    for kind in sorted({*counts, *now}):
        if counts[kind] != now[kind]:
            same_kinds = False
            what = "missing" if not now[kind] else "more" if now[kind] > counts[kind] else "fewer"
            yield what, kind, _times(counts[kind]), _times(now[kind])
    contents = False
    for kind in sorted(counts.keys() & now.keys()):
        gone = Counter(act for act in old if act.kind == kind)
        come = Counter(act for act in new if act.kind == kind)
        left, right = list((gone - come).elements()), list((come - gone).elements())
        for one, other in zip(left, right, strict=False):
            contents = True
            yield "content", kind, *_apart(one, other)
    if same_kinds and not contents:
        place = next(place for place, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1])
        yield "order", old[place].kind, f"{old[place].kind} came {_nth(place)}", f"{new[place].kind} came {_nth(place)}"


def _times(count: int) -> str:
    return "never" if not count else "once" if count == 1 else f"{count} times"


def _nth(place: int) -> str:
    return f"as number {place + 1}"


def _apart(one: Act, other: Act) -> tuple[str, str]:
    """Return what two acts of a kind do not have in common."""
    left, right = Counter(one.content), Counter(other.content)
    return (
        ", ".join(f"{name}={value}" for name, value in (left - right).elements()) or "(no more)",
        ", ".join(f"{name}={value}" for name, value in (right - left).elements()) or "(no more)",
    )


def render(differences: Sequence[Difference], before: str, after: str) -> str:
    """Return the differences as text."""
    if not differences:
        return "no difference: the ACS did the same\n"
    lines = [f"--- {before}", f"+++ {after}"]
    title = None
    for each in differences:
        if each.scenario != title:
            title = each.scenario
            lines += ["", f"{title}"]
        lines += [
            f"  {each.kind or each.what}: {_WORDS[each.what]}{_who(each.devices)}",
            f"    - {_cut(each.before)}",
            f"    + {_cut(each.after)}",
        ]
    many = len(differences)
    return "\n".join([*lines, "", f"{many} difference{'s' * (many > 1)}", ""])


_WORDS: Mapping[str, str] = {
    "missing": "does not come any more",
    "more": "comes more often",
    "fewer": "comes less often",
    "content": "says something else",
    "order": "comes in another order",
    "device": "is in one trace only",
    "scenario": "is in one trace only",
}


def _who(devices: Sequence[str]) -> str:
    if not devices:
        return ""
    more = f" and {len(devices) - NAMED} more" if len(devices) > NAMED else ""
    return f" ({', '.join(devices[:NAMED])}{more})"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
