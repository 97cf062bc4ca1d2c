"""Makes a profile and a scenario of a trace: what the device is, and what the ACS did with it then.

Rules:

1. One device of the trace is taken, or one of each model. Its profile is what it told of itself; the scenario spawns
   one of it when it first came.
2. Each session begins with what made the device call: a boot, a change of its own, an event. What the ACS asked in it
   becomes an `expect in order`, with twice the time that it took then, and at least a minute.
3. What a scenario cannot cause is written as a comment: a connection request's reason is the ACS's own affair. So is
   what the ACS asked in one of several sessions that began alike, and not in the others: most likely somebody ordered
   it.
4. Parameters that the profile does not have, values of secrets, and values that hold the device's own serial number
   are left out: another device has others.
5. Sessions that were a mere 2 PERIODIC, and in which the ACS asked nothing, are not mentioned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cpescript.cwmp.message import Message
from cpescript.device.schema import Schema
from cpescript.kernel.time import MINUTE, SECOND, Duration, format_clock, format_duration
from cpescript.kernel.trace import FROM_ACS, LOCAL, TO_ACS
from cpescript.recording.calls import Cause, cause_of
from cpescript.recording.reading import Entry, Header, Line, TraceError
from cpescript.simulation import decode_or_none

Secret = Callable[[str, str], bool]
"""Whether the value of a path is to be left out."""

_PERIODIC = "2 PERIODIC"
LEAST = MINUTE
"""The least time that an ACS is given: a lab's is not slower."""
MOST_SESSIONS = 200
"""Sessions that become statements; a scenario of more is none that somebody reads."""


@dataclass(slots=True)
class Talk:
    """One session: when it began, why, and what the ACS asked."""

    t: int
    events: tuple[str, ...]
    values: dict[str, str]
    session: int
    asked: list[Message] = field(default_factory=list)
    last: int = 0
    changed: tuple[str, ...] = ()
    ordered: tuple[str, ...] = ()
    """What an operator had ordered by then and was not asked yet, in the words of the scenario that ran."""
    odd: bool = False
    """Whether the ACS asked nothing in other sessions of the same events."""


def sessions(lines: Iterable[Line], device: str | None) -> tuple[str, list[Talk]]:
    """Return the device that is taken (the first that informs, where none is named) and its sessions.

    Raises TraceError where the trace has no such device.
    """
    talks: list[Talk] = []
    known: dict[str, str] = {}
    ordered: list[str] = []
    for line in lines:
        if isinstance(line, Entry) and line.kind == "stimulus" and line.direction == LOCAL:
            ordered.append(" ".join(str(line.data.get("statement", line.data.get("verb", "something"))).split()))
        if isinstance(line, Header) or line.device is None:
            continue
        message = decode_or_none(line.body) if line.body else None
        if message is None:
            continue
        if device is None and message.kind == "Inform" and line.direction == TO_ACS:
            device = line.device
        if line.device == device:
            before = len(talks)
            _take(talks, known, line, message)
            if len(talks) > before:
                if before and talks[-2].asked:
                    ordered = ordered[len(talks[-2].ordered) :]
                talks[-1].ordered = tuple(ordered)
    if device is None or not talks:
        raise TraceError(f"the trace has no Inform of {device or 'any device'}")
    quiet = {talk.events for talk in talks if not talk.asked}
    for talk in talks:
        talk.odd = bool(talk.asked) and talk.events in quiet
    return device, talks


def models(lines: Iterable[Line]) -> dict[tuple[str, str], list[str]]:
    """Return the models of a trace, OUI and product class, with the names of their devices, as they come first."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for line in lines:
        if isinstance(line, Header) or line.device is None or line.kind != "Inform" or line.direction != TO_ACS:
            continue
        message = decode_or_none(line.body) if line.body else None
        if message is not None:
            model = (str(message.fields.get("oui", "")), str(message.fields.get("product_class", "")))
            found.setdefault(model, {})[line.device] = None
    return {model: list(devices) for model, devices in found.items()}


@dataclass(frozen=True, slots=True)
class Part:
    """One device of a draft: the profile and the cohort that stand for it, and what was said."""

    profile: str
    cohort: str
    device: str
    talks: list[Talk]
    schema: Schema
    secret: Secret
    alike: int = 1
    """Devices of its model that the trace has."""


def _take(talks: list[Talk], known: dict[str, str], line: Entry, message: Message) -> None:
    if line.direction == TO_ACS and message.kind == "Inform":
        values = {each.name: each.value for each in message.fields.get("parameter_list", ())}
        events = tuple(code for code, _ in message.fields.get("event", ()))
        changed = tuple(
            path
            for path, value in values.items()
            if path in known and known[path] != value and not path.endswith(".ParameterKey")
        )
        # Asked for its password, or cut off, a device says the same again.
        last = talks[-1] if talks else Talk(0, (), {}, session=-1)
        again = last.events == events and not last.asked and message.fields.get("retry_count", 0)
        if line.session != last.session and not again:
            talks.append(Talk(line.t, events, values, line.session, last=line.t, changed=changed))
        known.update(values)
    elif line.direction == FROM_ACS and talks and message.kind in _ASKED:
        if message.kind == "SetParameterValues":
            # What the ACS sets is no change of the device's own.
            known.update((each.name, each.value) for each in message.fields.get("parameter_list", ()))
        talks[-1].asked.append(message)
        talks[-1].last = line.t
    elif message.kind == "GetParameterValuesResponse":
        known.update((each.name, each.value) for each in message.fields.get("parameter_list", ()))


def scenario(name: str, origin: str, parts: Sequence[Part]) -> str:
    """Return the text of a scenario for the sessions of some devices, each beginning when it did then."""
    told = sorted(
        ((talk.t, place, number) for place, part in enumerate(parts) for number, talk in enumerate(part.talks)),
    )
    body: list[str] = []
    for _, place, number in told[:MOST_SESSIONS]:
        part = parts[place]
        if number == 0:
            body += _spawned(part, several=len(parts) > 1)
        body += _statements(part, part.talks[number], number == 0)
    if len(told) > MOST_SESSIONS:
        body.append(f"    # {len(told) - MOST_SESSIONS} more sessions are left out")
    if not any(line.lstrip().startswith(("expect", "check")) for line in body):
        body.append(f"    expect InformResponse on {parts[0].cohort} within 1m")
    talks = [parts[place].talks[number] for _, place, number in told[:MOST_SESSIONS]]
    whole = sum(max(LEAST, 2 * (talk.last - talk.t)) for talk in talks) + 60 * MINUTE
    devices = ", ".join(part.device for part in parts)
    return "\n".join(
        [
            f"# What the ACS did with {devices} in {origin}. Drafted: read it, and say what of it you mean.",
            "",
            *(f'profile {part.profile} = "{part.profile}.yaml"' for part in parts),
            "",
            f'scenario "{_quoted(name)}":',
            f"    limit {_time(whole)}",
            *body,
            "",
        ]
    )


def _spawned(part: Part, *, several: bool) -> Iterator[str]:
    yield ""
    if several:
        others = f", one of {part.alike} alike" if part.alike > 1 else ""
        yield f"    # {part.device}{others}"
    yield f"    spawn 1 of {part.profile} as {part.cohort}"


def _statements(part: Part, talk: Talk, first: bool) -> Iterator[str]:
    schema, cohort = part.schema, part.cohort
    if not first and not talk.asked and talk.events == (_PERIODIC,):
        return
    asked = [text for message in talk.asked if (text := _claim(message, schema, part.secret)) is not None]
    cause = None if first else _cause(talk, schema, cohort)
    yield ""
    yield f"    # {format_clock(talk.t)}: Inform {', '.join(talk.events) or 'without an event'}"
    if not asked:
        if cause and not cause.startswith("#"):
            yield f"    {cause}"
            yield f"    expect InformResponse on {cohort} within 1m"
        elif first:
            yield f"    expect InformResponse on {cohort} within 1m"
        return
    if cause is not None and cause.startswith("#"):
        yield f"    {cause}"
        for text in asked:
            yield f"    #     {text}"
        return
    if cause:
        yield f"    {cause}"
    within = _time(max(LEAST, 2 * (talk.last - talk.t)))
    if len(asked) == 1:
        yield f"    expect {asked[0]} on {cohort} within {within}"
    else:
        yield f"    expect in order on {cohort} within {within}:"
        for text in asked:
            yield f"        {text}"


def _cause(talk: Talk, schema: Schema, cohort: str) -> str:
    """Return the statement that makes the device call, or a comment."""
    cause = cause_of(talk.events)
    if cause in _NOT_ITS_OWN:
        return _NOT_ITS_OWN[cause]
    if talk.ordered and talk.asked:
        return f"# the ACS had been ordered '{talk.ordered[-1]}', then it asked"
    if cause == "bootstrap":
        return f"factory-reset {cohort}"
    if cause == "boot":
        return f"reboot {cohort}"
    if cause == "change":
        changed = [path for path in talk.changed if path in schema.leaves]
        if changed:
            settings = ", ".join(f"{path} = {_value(schema, path, talk.values[path])}" for path in changed)
            return f"set {settings} on {cohort}"
    if talk.odd:
        return "# an order? in other sessions that began like this one the ACS asked nothing; then it asked"
    # That it is time says least of what made a device call.
    event = next((each for each in talk.events if each != _PERIODIC), next(iter(talk.events), ""))
    return f'inform {cohort} event "{_quoted(event)}"' if event else f"inform {cohort}"


_NOT_ITS_OWN: Mapping[Cause, str] = {
    "called": "# the ACS called the device: what made it do so is not in the trace, then it asked",
    "told": "# the device came back from what it was told before, then the ACS asked",
}
"""What makes a device call that is the ACS's own affair."""


# --- claims -----------------------------------------------------------------------------------------------------------


def _settings(message: Message, schema: Schema, secret: Secret) -> str | None:
    parts = []
    for each in message.fields.get("parameter_list", ()):
        if each.name not in schema.leaves:
            continue
        hidden = secret(each.name, each.value)
        parts.append(each.name if hidden else f"{each.name} = {_value(schema, each.name, each.value)}")
    return f"SPV {', '.join(parts)}" if parts else None


def _paths(field_name: str) -> Callable[[Message, Schema, Secret], str | None]:
    def claim(message: Message, schema: Schema, secret: Secret) -> str | None:
        given = message.fields.get(field_name, ())
        names = [str(getattr(each, "name", each)) for each in ([given] if isinstance(given, str) else given)]
        known = [name for name in names if name in schema.leaves or name in schema.objects]
        return f"{message.kind} {', '.join(known)}" if known else message.kind

    return claim


def _file(message: Message, schema: Schema, secret: Secret) -> str:
    kind = message.fields.get("file_type", "")
    return f'{message.kind} where file_type == "{_quoted(str(kind))}"' if kind else message.kind


def _plain(message: Message, schema: Schema, secret: Secret) -> str:
    return message.kind


_ASKED: Mapping[str, Callable[[Message, Schema, Secret], str | None]] = {
    "SetParameterValues": _settings,
    "GetParameterValues": _paths("parameter_names"),
    "GetParameterNames": _paths("parameter_path"),
    "GetParameterAttributes": _paths("parameter_names"),
    "SetParameterAttributes": _plain,
    "AddObject": _paths("object_name"),
    "DeleteObject": _plain,
    "Download": _file,
    "Upload": _file,
    "Reboot": _plain,
    "FactoryReset": _plain,
    "ScheduleInform": _plain,
    "GetRPCMethods": _plain,
}
"""What an ACS asks, and how a claim says it. An instance that is deleted has another number next time."""


def _claim(message: Message, schema: Schema, secret: Secret) -> str | None:
    text = _ASKED[message.kind](message, schema, secret)
    short = _SHORT.get(message.kind)
    return text.replace(message.kind, short, 1) if text is not None and short is not None else text


_SHORT: Mapping[str, str] = {
    "GetParameterValues": "GPV",
    "GetParameterNames": "GPN",
    "GetParameterAttributes": "GPA",
    "SetParameterAttributes": "SPA",
}


def _value(schema: Schema, path: str, text: str) -> str:
    """Return a value as the language writes it, by the type of the parameter."""
    kind = schema.leaves[path].type
    if kind == "boolean" and text in ("0", "1", "true", "false"):
        return "true" if text in ("1", "true") else "false"
    if kind in ("int", "unsignedInt", "long", "unsignedLong") and text.lstrip("-").isdecimal():
        return text
    return f'"{_quoted(text)}"'


_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": " ", "{": "{{", "}": "}}"})


def _quoted(text: str) -> str:
    return text.translate(_ESCAPES)


def _time(nanoseconds: int) -> str:
    return format_duration(Duration(-(-nanoseconds // SECOND) * SECOND))


def called(text: str) -> str:
    """Return a name of the language made of any text: lower case, hyphens for what it cannot hold."""
    name = re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")
    return name if name[:1].isalpha() or name[:1] == "_" else f"drafted-{name}".rstrip("-")
