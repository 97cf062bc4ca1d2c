"""The trace: every message and every local fact of a run, announced once, in order, to whoever asked for it.

Rules:

1. What nobody asked for costs next to nothing: `message` keeps a line of evidence on the device and returns. A
   `Record` is made only for a kind that a watcher named, or when a writer wants everything.
2. The trace holds nothing itself. A writer streams records out; the last few messages of each device are kept on the
   device, bounded for the run as a whole (`Trace.budget`).
3. Records carry virtual time only. Against an external ACS, and only then, `wall_ns` is added by the transport.

The kernel knows no protocol: bodies are octets, kinds are words, and the protocol's own room says how a body is
decoded (`decoders`) and how an HTTP head is shown (`http.as_record()`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from json.encoder import encode_basestring
from typing import IO, Any, Literal, Protocol

from cpescript.kernel.queue import Kernel
from cpescript.masking import NOTHING, Masker

Direction = Literal["to-acs", "from-acs", "local"]
TO_ACS: Direction = "to-acs"
FROM_ACS: Direction = "from-acs"
LOCAL: Direction = "local"

SCHEMA = "cpescript-trace/1"
TOLD = frozenset({"http", "body", "data"})
"""Fields of a record that hold what was said; the others say who, when and of which kind."""

EVIDENCE_DEPTH = 10
"""How many messages of a device a failure shows (language page, Verdicts)."""
EVIDENCE_MESSAGES = 200_000
"""How many messages of evidence a run holds in all: at 100,000 devices two each are left."""
HEARTBEATS = "Heartbeats"
"""The kind of the line of evidence that stands for sessions in a row in which only the device spoke; its message is
how many they were."""
SLACK = 6
"""Messages of a heartbeat, a challenge among them: they are kept beside the depth until it is known that they were no
more than that."""
MOST_WHATS = 10_000
"""Kinds of evidence that a run tells apart in a large fleet, local facts with their words among them."""
BODIES_UP_TO = 1_000
"""Fleets up to this size keep the bodies of their evidence (10 messages of 4 KiB each are 40 MB then)."""

LARGE = 32 * 1024
"""Octets of a body beyond which evidence keeps its beginning only: an ACS may answer with 8 MiB, and 1,000 devices with
ten of those each are more than a machine has."""
BEGINNING = 4_096
"""Octets of a message's body that a failure shows."""


class Head(Protocol):
    """The HTTP side of a message: a request's method and headers, or a response's status and headers."""

    def as_record(self) -> dict[str, Any]: ...


class Subject(Protocol):
    """A device as the trace sees it: its number, its name in the scenario (`fleet[3]`), its recent messages."""

    number: int
    recent: Remembered

    @property
    def name(self) -> str: ...


What = tuple[Direction, str, str]
"""(direction, protocol, kind) of a message: one object for all that are alike, because every device remembers some."""
Evidence = tuple[int, int, What, Head | None, bytes | None, Any] | tuple[int, int, What]
"""(t, session, what, http, body, message): one message as a device remembers it; in a large fleet without the last
three."""
Remembered = list[Evidence] | tuple[Any, ...] | None
"""What a device remembers, to be read by `evidence`: in a large fleet a flat tuple (t, session, what, t, session, …),
for one of tuples is a hundred octets larger."""
_FLAT = 3
"""Fields of one message in that tuple."""


def evidence(remembered: Remembered) -> list[Evidence]:
    """Return the messages that a device remembers, the latest last."""
    if isinstance(remembered, tuple):
        return [remembered[at : at + _FLAT] for at in range(0, len(remembered), _FLAT)]
    return remembered or []


def _flat(remembered: Remembered) -> tuple[Any, ...]:
    """Return what a device remembers as a large fleet keeps it."""
    if isinstance(remembered, tuple):
        return remembered
    return tuple(field for entry in remembered or () for field in entry[:_FLAT])


class _Bare:
    """What evidence keeps of the head of a large message, which holds the body too."""

    __slots__ = ("status",)

    def __init__(self, status: int | None) -> None:
        self.status = status

    def as_record(self) -> dict[str, Any]:
        return {"status": self.status}


_NO_DATA: Mapping[str, Any] = {}
_HUSHED: What = (LOCAL, "", HEARTBEATS)


class Record:
    """One line of the trace. Messages have `http` and `body`; local facts have `data`."""

    __slots__ = (
        "_decode",
        "_message",
        "_subject",
        "body",
        "data",
        "device",
        "direction",
        "http",
        "kind",
        "n",
        "protocol",
        "request",
        "session",
        "t",
        "wall_ns",
    )

    def __init__(
        self,
        t: int,
        n: int,
        subject: Subject | None,
        session: int,
        direction: Direction,
        protocol: str,
        kind: str,
        http: Head | None = None,
        body: bytes | None = None,
        data: Mapping[str, Any] = _NO_DATA,
        message: Any = None,
        decode: Callable[[bytes], Any] | None = None,
        wall_ns: int | None = None,
    ) -> None:
        self.t = t
        self.wall_ns = wall_ns
        self.n = n
        self._subject = subject
        self.device = subject.number if subject is not None else 0
        self.session = session
        self.direction = direction
        self.protocol = protocol
        self.kind = kind
        self.http = http
        self.body = body
        self.data = data
        self.request: Any = None
        """The decoded message that this one answers, where somebody asks for it (`judge.exchanges`)."""
        self._message = message
        self._decode = decode

    @property
    def name(self) -> str | None:
        """The device's name in the scenario, None for what concerns the run."""
        return self._subject.name if self._subject is not None else None

    @property
    def message(self) -> Any:
        """The decoded message, decoded when first asked for; None for a body that does not decode."""
        if self._message is None and self._decode is not None and self.body:
            self._message = self._decode(self.body)
        return self._message

    def as_dict(self, scenario: str) -> dict[str, Any]:
        """Return the record as the trace file spells it, keys in their fixed order."""
        out: dict[str, Any] = {
            "t": self.t,
            "n": self.n,
            "scenario": scenario,
            "device": self.name,
            "session": self.session or None,
            "direction": self.direction,
            "protocol": self.protocol,
            "kind": self.kind,
        }
        if self.direction == LOCAL:
            out["data"] = dict(self.data)
        else:
            out["http"] = self.http.as_record() if self.http is not None else None
            out["body"] = self.body.decode("utf-8", "backslashreplace") if self.body is not None else None
            if self.wall_ns is not None:
                out["wall_ns"] = self.wall_ns
        return out


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_text = encode_basestring


def spelled(record: Record, scenario: str) -> str:
    """Return the JSON of `Record.as_dict`, put together by hand, since a traced run is mostly this; `scenario` is JSON
    already."""
    name = record.name
    line = (
        f'{{"t":{record.t:d},"n":{record.n},"scenario":{scenario},"device":{"null" if name is None else _text(name)},'
        f'"session":{record.session or "null"},"direction":"{record.direction}","protocol":{_text(record.protocol)},'
        f'"kind":{_text(record.kind)},'
    )
    if record.direction == LOCAL:
        return f'{line}"data":{_json(dict(record.data))}}}'
    http = _json(record.http.as_record()) if record.http is not None else "null"
    body = _text(record.body.decode("utf-8", "backslashreplace")) if record.body is not None else "null"
    wall = f',"wall_ns":{record.wall_ns}' if record.wall_ns is not None else ""
    return f'{line}"http":{http},"body":{body}{wall}}}'


Watcher = Callable[[Record], object]


class Writer:
    """Streams records as JSON Lines to a file and into a SHA-256 digest; secret values are masked in both."""

    def __init__(self, scenario: str, file: IO[bytes] | None, masker: Masker = NOTHING) -> None:
        self.scenario = scenario
        self.file = file
        self._digest = hashlib.sha256()
        self._masker = masker
        self._spelled_scenario = _text(scenario)

    def header(self, fields: Mapping[str, Any]) -> None:
        """Write the header record, the first line of a scenario's trace."""
        self._line({"schema": SCHEMA, "scenario": self.scenario, **fields})

    def write(self, record: Record) -> None:
        if self._masker:
            self._line(record.as_dict(self.scenario))
        else:
            self._put(spelled(record, self._spelled_scenario))

    def _line(self, fields: Mapping[str, Any]) -> None:
        if self._masker:
            # Values, not the line: a short secret must not eat keys, numbers or the names of things.
            mask = self._masker.value
            fields = {name: mask(value, authors=name not in TOLD) for name, value in fields.items()}
        self._put(_json(fields))

    def _put(self, text: str) -> None:
        line = text.encode() + b"\n"
        self._digest.update(line)
        if self.file is not None:
            self.file.write(line)

    def hexdigest(self) -> str:
        """Return the SHA-256 of all lines so far."""
        return self._digest.hexdigest()


class Trace:
    """Announces messages and facts. `decoders` maps a protocol (`cwmp`) to its body decoder; `wall` is the wall clock
    in nanoseconds, given only against an external ACS."""

    def __init__(
        self,
        kernel: Kernel,
        *,
        writer: Writer | None = None,
        decoders: Mapping[str, Callable[[bytes], Any]] | None = None,
        wall: Callable[[], int] | None = None,
    ) -> None:
        self._kernel = kernel
        self._wall = wall
        self._writer = writer
        self._decoders = dict(decoders or {})
        self._watchers: dict[str, tuple[Watcher, ...]] = {}
        self._everything: tuple[Watcher, ...] = ()
        self.count = 0
        self._facts = 0
        self._most = EVIDENCE_DEPTH + SLACK
        """Messages that a device keeps with their bodies."""
        self._before = -_FLAT * (EVIDENCE_DEPTH - 1)
        """From where on the fields of those before are kept, where there are no bodies."""
        self._bodies = True
        self._whats: dict[What, What] = {}

    def timed_by(self, wall: Callable[[], int]) -> None:
        """Take the wall clock of messages from here: a trace that is read again has it of its own."""
        self._wall = wall

    @property
    def wall(self) -> int | None:
        """The wall clock in nanoseconds, None where no ACS outside is waited for."""
        return self._wall() if self._wall is not None else None

    def watch(self, kinds: Iterable[str] | None, watcher: Watcher) -> None:
        """Call `watcher` with each record of these kinds, None for all, in the order of registration."""
        if kinds is None:
            self._everything = (*self._everything, watcher)
            return
        for kind in kinds:
            self._watchers[kind] = (*self._watchers.get(kind, ()), watcher)

    def unwatch(self, watcher: Watcher) -> None:
        """Forget a watcher wherever it was registered."""
        self._everything = tuple(each for each in self._everything if each != watcher)
        for kind, watchers in list(self._watchers.items()):
            kept = tuple(each for each in watchers if each != watcher)
            if kept:
                self._watchers[kind] = kept
            else:
                del self._watchers[kind]

    @property
    def messages(self) -> int:
        """How many messages were announced."""
        return self.count - self._facts

    def wants(self, kind: str) -> bool:
        """Whether anybody would see a record of this kind: a caller may skip the work of making one."""
        return self._writer is not None or bool(self._everything) or kind in self._watchers

    def budget(self, devices: int) -> None:
        """Fit the evidence to a fleet of this size."""
        self._bodies = devices <= BODIES_UP_TO
        depth = max(2, min(EVIDENCE_DEPTH, EVIDENCE_MESSAGES // max(1, devices)))
        self._most = depth + SLACK if self._bodies else depth
        self._before = -_FLAT * (depth - 1)

    def message(
        self,
        device: Subject,
        session: int,
        direction: Direction,
        protocol: str,
        kind: str,
        http: Head | None,
        body: bytes | None,
        message: Any = None,
    ) -> None:
        """Announce a message of a device; `message` is its decoded form where the caller has it anyway."""
        self.count += 1
        # A large fleet remembers little of each device: what kinds of messages came when, and not that somebody had
        # nothing to say.
        if self._bodies or body:
            what = (direction, protocol, kind)
            what = self._whats.get(what) or self._share(what)
            recent = device.recent
            if not self._bodies:
                before = recent if type(recent) is tuple else _flat(recent)
                device.recent = (*before[self._before :], self._kernel.now, session, what)
            else:
                if type(recent) is not list:
                    recent = device.recent = [] if recent is None else list(recent)
                if body is None or len(body) <= LARGE:
                    recent.append((self._kernel.now, session, what, http, body, message))
                else:
                    bare = _Bare(getattr(http, "status", None))
                    recent.append((self._kernel.now, session, what, bare, body[:BEGINNING], None))
                if len(recent) > self._most:
                    del recent[0]
        watchers = self._watchers.get(kind)
        if watchers is not None or self._writer is not None or self._everything:
            self._announce(
                Record(
                    self._kernel.now,
                    self.count,
                    device,
                    session,
                    direction,
                    protocol,
                    kind,
                    http,
                    body,
                    _NO_DATA,
                    message,
                    self._decoders.get(protocol),
                    self._wall() if self._wall is not None else None,
                ),
                watchers,
            )

    def _share(self, what: What) -> What:
        """Return one object for all that are alike; a peer that names its messages anew each time gets none."""
        return self._whats.setdefault(what, what) if len(self._whats) < MOST_WHATS else what

    def remember(self, device: Subject, session: int, kind: str, *words: str) -> None:
        """Keep a local fact among the evidence of a device; the words, each once, are shown behind its kind."""
        text = ": ".join(dict.fromkeys(filter(None, words)))
        if not self._bodies and len(self._whats) < MOST_WHATS:
            # Shared by all that end alike; the words of a peer may differ each time.
            kind = f"{kind} {text}".rstrip()
        what = (LOCAL, "", kind)
        what = self._whats.setdefault(what, what)
        entry = (self._kernel.now, session, what)
        if self._bodies:
            device.recent = [*evidence(device.recent)[-self._most + 1 :], (*entry, None, None, text)]
        else:
            device.recent = (*_flat(device.recent)[self._before :], *entry)

    def hush(self, device: Subject, session: int) -> None:
        """Fold the session that has just ended, a mere heartbeat, into one line of evidence, so that it pushes nothing
        telling out."""
        recent = device.recent
        if type(recent) is not list or not recent or recent[-1][1] != session:
            return
        kept = len(recent) - 1
        while kept and recent[kept - 1][1] == session:
            kept -= 1
        count = 1
        before = recent[kept - 1] if kept else None
        if before is not None and before[2] is _HUSHED and len(before) > 3:
            kept -= 1
            count += before[5]
        recent[kept:] = [(self._kernel.now, session, _HUSHED, None, None, count)]

    def fact(self, device: Subject | None, kind: str, session: int = 0, **data: Any) -> None:
        """Announce a local fact, of a device or (None) of the run; `data` holds JSON values only."""
        self.count += 1
        self._facts += 1
        watchers = self._watchers.get(kind)
        if watchers is None and self._writer is None and not self._everything:
            return
        record = Record(self._kernel.now, self.count, device, session, LOCAL, "", kind, data=data)
        self._announce(record, watchers)

    def _announce(self, record: Record, watchers: tuple[Watcher, ...] | None) -> None:
        if self._writer is not None:
            self._writer.write(record)
        for watcher in watchers or ():
            watcher(record)
        for watcher in self._everything:
            watcher(record)
