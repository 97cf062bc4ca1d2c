"""The reference ACS, sans-IO: HTTP requests in, HTTP responses out, orders and time handed in.

Rules (TR-069 Amendment 6; letters are the points of the list of what an ACS owes):

1. A session is a cookie. An Inform always begins one, and restarts the one that its device has open (C11); a device
   without cookies is known by its connection (A5–A9). A session that is silent for `session_idle` is forgotten (A20).
2. The ACS asks only in reply to an empty POST or to an answer, one RPC at a time, with IDs from 1 in each session, so
   that the same order gives the same octets on every device (A3, B4). It ends the session by 204 (A4).
3. What a device asks is answered at once with its own ID; what is not known gets fault 8000 and the session goes on.
4. A task stays first in its device's queue until it is answered, so a session that breaks off loses nothing. Whether a
   transfer has ended is decided by the CommandKey of a TransferComplete, never by events (E2, E5).
5. Nothing here blocks, waits or looks at a clock: the host sets `now` before each call, calls `advance` when `next_due`
   comes, makes the connection requests in `outbox` and says how they went.
6. Everything that an ACS can get wrong on purpose is decided in `Decisions`.
"""

from __future__ import annotations

import sys
import zlib
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from heapq import heappop, heappush
from typing import Any

from cpescript.acs.authentication import Authenticator
from cpescript.acs.beliefs import Beliefs
from cpescript.acs.campaigns import Campaigns
from cpescript.acs.connections import ConnectionRequest, Connections
from cpescript.acs.defects import decisions_with
from cpescript.acs.informs import CwmpSyntaxError, Inform, looks_like_inform, read_inform
from cpescript.acs.orders import DeviceKey, Order, OrderResult, malformed
from cpescript.acs.policy import value_type
from cpescript.acs.records import DeviceRecord
from cpescript.acs.rules import DEFAULT_POLICY, Policy
from cpescript.acs.sessions import Session, Sessions
from cpescript.acs.tasks import Report
from cpescript.acs.worklist import Worklist
from cpescript.cwmp.codec import decode, encode
from cpescript.cwmp.http import Headers, HttpRequest, HttpResponse
from cpescript.cwmp.message import Message, fault
from cpescript.cwmp.rpcs import FAULTS, MESSAGES, NAMESPACES
from cpescript.diagnostics import did_you_mean
from cpescript.kernel.time import DEFAULT_START

COOKIE = "session"
MAX_BODY = 8 * 1024 * 1024
"""Octets of a request, unpacked: a GetParameterValuesResponse of a whole large gateway is some 3 MiB."""
MAX_HEADERS = 100
MAX_HEADER_OCTETS = 64 * 1024
REPORTS = 1_000
"""How many failures are remembered."""

XML: Headers = (("Content-Type", 'text/xml; charset="utf-8"'),)
ANSWERED = (
    "TransferComplete",
    "AutonomousTransferComplete",
    "DUStateChangeComplete",
    "AutonomousDUStateChangeComplete",
    "RequestDownload",
    "Kicked",
)
"""Requests of a device that are answered by their own response, which says nothing."""
METHODS = ("Inform", "GetRPCMethods", *ANSWERED)
"""What GetRPCMethods tells (A.3.1.1)."""
IMAGE = "1 Firmware Upgrade Image"


class Acs:
    """An ACS. `start` is the calendar instant (ns since 1970) of virtual time 0, `firmware` maps version to octets."""

    def __init__(
        self,
        policy: Policy = DEFAULT_POLICY,
        *,
        seed: int = 0,
        start: int = DEFAULT_START,
        firmware: Mapping[str, int] | None = None,
        file_base_url: str = "http://files.example/",
        defects: Iterable[str] = (),
    ) -> None:
        self.policy = policy
        self.start = start
        self.firmware = dict(firmware or {})
        self.file_base_url = file_base_url
        self.now = 0
        """Virtual time in ns; the host sets it before each call."""
        self.decisions = decisions_with(policy, seed, defects)
        self.records: dict[DeviceKey, DeviceRecord] = {}
        self.sessions = Sessions(seed, policy.session_idle)
        self.work = Worklist(self)
        self.connections = Connections(self)
        self.campaigns = Campaigns(self)
        self.outbox: list[ConnectionRequest] = []
        """Connection requests to be made; the host empties it after every call."""
        self.reports: deque[Report] = deque(maxlen=REPORTS)
        """The last failures."""
        self.speaks_xmpp = False
        """Whether the host can call a device by XMPP; set before devices come."""
        self.beliefs: Beliefs | None = None
        """What devices have told; kept only where somebody is going to ask."""
        self._authenticator = Authenticator(policy.authentication, seed)
        self._timers: list[tuple[int, int, Callable[[Any], None], Any]] = []
        self._timed = 0
        self._keys = 0
        self._responses: dict[tuple[str, str | None], tuple[bytes, bytes]] = {}

    # --- the wire -----------------------------------------------------------------------------------------------------

    def handle(self, request: HttpRequest, peer: Hashable = None) -> HttpResponse:
        """Answer one HTTP request; `peer` tells connections apart. Never raises for what a peer sends."""
        if request.method != "POST":
            return HttpResponse(405, (("Allow", "POST"),))
        token = encoding = authorization = None
        octets = 0
        for name, value in request.headers:
            octets += len(name) + len(value)
            lowered = name.lower()
            if lowered == "cookie":
                token = _cookie(value) or token
            elif lowered == "content-encoding":
                encoding = value
            elif lowered == "authorization":
                authorization = value
        if len(request.headers) > MAX_HEADERS or octets > MAX_HEADER_OCTETS:
            return HttpResponse(400, close=True)
        body = request.body
        if encoding is not None:
            unpacked = unpack(body, encoding)
            if isinstance(unpacked, HttpResponse):
                return unpacked
            body = unpacked
        if len(body) > MAX_BODY:
            return HttpResponse(413, close=True)
        try:
            if body and looks_like_inform(body):
                if self._authenticator.required and authorization is None:
                    return self._authenticator.challenge(self.now)
                inform = read_inform(body)
                if inform is not None:
                    return self._begin(inform, request, authorization, peer)
            session = self.sessions.find(token, peer, self.now)
            if session is None:
                return HttpResponse(400)
            return self._turn(session) if not body else self._receive(session, decode(body))
        except CwmpSyntaxError:
            return HttpResponse(400)

    def _begin(self, inform: Inform, request: HttpRequest, authorization: str | None, peer: Hashable) -> HttpResponse:
        """Answer an Inform: a new session."""
        key = inform.key
        if self._authenticator.required and not self._authenticator.admits(
            authorization or "", request, self.names(key), self.now
        ):
            return self._authenticator.challenge(self.now)
        version = inform.version if inform.version in NAMESPACES else "1.2"
        if not key.oui or not key.serial:
            return _fault(8003, inform.id, version)
        if inform.version < "1.0":
            return _fault(8006, inform.id, version)
        if not self.decisions.answers_inform(inform):
            return HttpResponse(204)
        record = self.records.get(key)
        if record is None:
            record = self.records[key] = DeviceRecord(key)
        session = self.sessions.open(record, peer, self.now)
        session.version = version
        session.root = inform.root
        self.connections.session_began(record)
        self._learn(record, inform)
        body = self._inform_response(inform, version)
        return HttpResponse(200, (*XML, ("Set-Cookie", f"{COOKIE}={session.token}; Path=/; HttpOnly")), body)

    def _learn(self, record: DeviceRecord, inform: Inform) -> None:
        """Take what an Inform says into the record, and see which rules apply."""
        reported = inform.values
        if self.beliefs is not None:
            self.beliefs.informed(record.key, reported, inform.events)
        management = f"{inform.root}ManagementServer."
        record.url = reported.get(f"{management}ConnectionRequestURL", record.url)
        record.reached = self._reached(reported, management, record.reached)
        if self.outbox:
            self.connections.moved(record)
        version = reported.get(f"{inform.root}DeviceInfo.SoftwareVersion")
        if version is not None and version != record.software_version:
            record.software_version = sys.intern(version)
        if "0 BOOTSTRAP" in inform.events:
            # The device has forgotten what it was told: so does the ACS (A.4.1.6).
            record.parameter_key = record.credentials = None
            record.fired = 0
        if record.work is not None:
            self.work.close_commands(record, inform)
        for place, rule in self.decisions.rules(record, inform):
            record.fired |= 1 << place
            if record.work is not None:
                self.work.withdraw(record, rule=place)
            for action in rule.then:
                record.add_tasks(self.work.make(action, record, {}, rule=place))
        for action in self.decisions.aside(record, inform):
            record.add_tasks(self.work.make(action, record, {}))
        record.tidy()

    def _reached(self, reported: Mapping[str, str], management: str, known: str) -> str:
        """Return where a device is called other than by its URL, by what it reports now and what was known."""
        jid = reported.get(f"{management}ConnReqJabberID")
        if jid and self.speaks_xmpp:
            return f"xmpp:{jid}"
        address = reported.get(f"{management}UDPConnectionRequestAddress")
        if address is None or known.startswith("xmpp:"):
            return known
        return f"udp://{address}" if address else ""

    def _inform_response(self, inform: Inform, version: str) -> bytes:
        """The InformResponse in the Inform's own namespace; worked out once, with the ID put in."""
        response_id = self.decisions.inform_response_id(inform)
        use = inform.use_version
        if response_id is None or not response_id.isalnum():
            return encode(inform_response(response_id, version, use))
        parts = self._responses.get((version, use))
        if parts is None:
            mark = "0MARK0"
            before, _, after = encode(inform_response(mark, version, use)).partition(mark.encode())
            parts = self._responses[version, use] = (before, after)
        return parts[0] + response_id.encode() + parts[1]

    def _receive(self, session: Session, message: Message) -> HttpResponse:
        """Answer what a device sends within a session: a request of its own, or an answer."""
        known = MESSAGES.get(message.kind)
        if known is None or not known.response:
            return self._answer(session, message)
        task = session.asked
        if task is None:
            # A Fault to nothing is passed over (D11), any other answer to no question is not of this session.
            return self._turn(session) if message.kind == "Fault" else self._break(session)
        if message.kind == "Fault" and self.decisions.hears_faults():
            session.asked = None
            self.work.refused(session, task, message)
        elif message.kind == task.kind + "Response" and message.id == str(session.number):
            session.asked = None
            self.work.done(session, task, message)
        else:
            return self._break(session)
        return self._turn(session)

    def _break(self, session: Session) -> HttpResponse:
        self.sessions.close(session)
        return HttpResponse(400)

    def _answer(self, session: Session, message: Message) -> HttpResponse:
        """Answer a request of a device (A.3.1.1, A.3.3, A.4.2)."""
        version = session.version
        if message.kind == "TransferComplete":
            self.work.transferred(session.record, message)
        if not self.decisions.answers(message):
            self.sessions.close(session)
            return HttpResponse(204)
        if message.kind == "GetRPCMethods":
            answer = Message("GetRPCMethodsResponse", {"method_list": METHODS}, message.id, version)
        elif message.kind in ANSWERED:
            # Kicked is told where to go on (A.4.2.1): where the user came from, for this ACS sells nothing.
            fields = {"next_url": message.fields.get("next", "")} if message.kind == "Kicked" else {}
            answer = Message(f"{message.kind}Response", fields, message.id, version)
        else:
            return _fault(8000, message.id, version)
        return HttpResponse(200, XML, encode(answer))

    def _turn(self, session: Session) -> HttpResponse:
        """It is the ACS's turn: ask the next thing, or end the session."""
        record = session.record
        if record.work is not None:
            task = self.work.next(record)
            if task is not None and self.decisions.goes_on(session):
                session.asked = task
                session.number += 1
                task.sent += 1
                message = task.message(session.root, session.number, session.version, self.policy.parameter_key)
                return HttpResponse(200, XML, encode(message))
            record.tidy()
        self.sessions.close(session)
        return HttpResponse(204)

    # --- what others ask ----------------------------------------------------------------------------------------------

    def names(self, key: DeviceKey) -> dict[str, str]:
        """The names that a rule's texts may hold, for one device."""
        return {
            "oui": key.oui,
            "product_class": key.product_class,
            "serial": key.serial,
            "secret": self.decisions.secret(key),
        }

    def credentials(self, record: DeviceRecord) -> tuple[str, str]:
        """Username and password of connection requests to a device."""
        return record.credentials or self.derived(record.key)

    def derived(self, key: DeviceKey) -> tuple[str, str]:
        """The credentials that a device has by the default policy."""
        return f"{key.oui}-{key.serial}", self.decisions.secret(key)

    def command_key(self, verb: str) -> str:
        """Return a CommandKey: of its own for each transfer, one for all reboots of an instant (their octets agree)."""
        if verb == "reboot":
            return f"reboot-{self.now // 1_000_000:x}"
        self._keys += 1
        return f"{verb[:8]}-{self._keys}"

    def unknown_firmware(self, version: str | None) -> str:
        """Return why a version cannot be downloaded, empty where it can."""
        if version is None or version in self.firmware:
            return ""
        hint = did_you_mean(version, self.firmware, "declared are: " + (", ".join(self.firmware) or "none"))
        return f"no firmware '{version}' is declared: {hint}"

    def image(self, version: str) -> dict[str, Any]:
        """Return the arguments of a Download of a declared version."""
        return {
            "file_type": IMAGE,
            "url": f"{self.file_base_url}{version}.bin",
            "file_size": self.firmware.get(version, 0),
        }

    # --- orders -------------------------------------------------------------------------------------------------------

    def order(self, order: Order) -> OrderResult:
        """Take an order, or say why not. What it leads to is seen on the wire."""
        problem = malformed(order)
        if problem:
            return _refusal(400, problem)
        record = self.records.get(order.device) if order.device is not None else None
        if record is None and order.device is not None:
            return _refusal(404, f"the ACS knows no device {order.device}: it has not informed yet")
        if order.verb == "call":
            return self._called(order)
        assert record is not None
        if order.verb == "forget":
            return self._forget(record)
        if order.verb == "connect":
            if not record.url:
                return _refusal(409, f"{record.key} has reported no ConnectionRequestURL")
            self.connections.demand(record)
            return _accepted(record, 0)
        arguments = {name: value for name, value in order.arguments.items() if value is not None}
        problem = self.unknown_firmware(arguments.get("firmware"))
        if problem:
            return _refusal(400, problem)
        if "settings" in arguments:
            arguments["settings"] = [
                (path, text, type or value_type(text)) for path, text, type in arguments["settings"]
            ]
        tasks = self.work.tasks(order.verb, arguments, record)
        record.add_tasks(tasks)
        self.connections.wake(record)
        return _accepted(record, len(tasks))

    def _called(self, order: Order) -> OrderResult:
        name, inputs = order.arguments["name"], order.arguments.get("inputs") or {}
        problem, entries, run = self.campaigns.call(name, inputs, order.device)
        if problem or run is None:
            return _refusal(404 if name not in self.policy.campaigns else 400, problem)
        body = {
            "campaign": name,
            "inputs": dict(run.inputs),
            "devices": [{"device": str(entry.key), "state": entry.state} for entry in entries],
        }
        return OrderResult(True, "", {"status": 202, "body": body})

    def _forget(self, record: DeviceRecord) -> OrderResult:
        session = self.sessions.of(record.key, self.now)
        if session is not None:
            self.sessions.close(session)
        del self.records[record.key]
        if self.beliefs is not None:
            self.beliefs.forget(record.key)
        return _accepted(record, 0)

    def connection_request_done(self, device_key: DeviceKey, outcome: str) -> None:
        """Say how a connection request went: `ok`, `unauthorized`, or any other word for a failure (`connections`)."""
        self.connections.answered(device_key, outcome)

    # --- time ---------------------------------------------------------------------------------------------------------

    def at(self, when: int, action: Callable[[Any], None], argument: Any = None) -> None:
        """Call `action(argument)` when the clock reaches `when`."""
        self._timed += 1
        heappush(self._timers, (when, self._timed, action, argument))

    def next_due(self) -> int | None:
        """Return the instant at which `advance` is to be called, None where nothing waits."""
        return self._timers[0][0] if self._timers else None

    def advance(self, now: int) -> None:
        """Set the clock to `now` and do what was due until then, in order."""
        while self._timers and self._timers[0][0] <= now:
            when, _, action, argument = heappop(self._timers)
            self.now = max(self.now, when)
            action(argument)
        self.now = max(self.now, now)

    # --- the view from the north --------------------------------------------------------------------------------------

    def describe(self) -> list[dict[str, Any]]:
        """Return what is known of each device, as JSON values."""
        failures: dict[DeviceKey, list[dict[str, Any]]] = {}
        for at, record, kind, code, text in self.reports:
            failures.setdefault(record.key, []).append({"at": at, "kind": kind, "fault": code, "text": text})
        return [
            {
                "device": list(record.key),
                "connection_request_url": record.url,
                "software_version": record.software_version,
                "parameter_key": record.parameter_key,
                "tags": sorted(record.tags),
                "pending": [task.kind for task in record.work.tasks] if record.work is not None else [],
                "failures": failures.get(record.key, []),
            }
            for record in self.records.values()
        ]


def inform_response(id: str | None, version: str, use: str | None) -> Message:
    """Return an InformResponse; MaxEnvelopes is 1 (A.3.3.1), UseCWMPVersion only if versions were offered (3.7.4)."""
    return Message("InformResponse", {"max_envelopes": 1}, id, version, {"UseCWMPVersion": use} if use else {})


def unpack(body: bytes, encoding: str) -> bytes | HttpResponse:
    """Return a request body without its content coding, or the response that refuses it (3.4.7: gzip and deflate)."""
    coding = encoding.strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        return HttpResponse(415, (("Accept-Encoding", "gzip, deflate"),))
    unpacker = zlib.decompressobj(wbits=47)  # Either header, zlib's or gzip's.
    try:
        unpacked = unpacker.decompress(body, MAX_BODY + 1)
    except zlib.error:
        return HttpResponse(400)
    return unpacked if unpacker.eof or len(unpacked) > MAX_BODY else HttpResponse(400)


def _fault(code: int, id: str | None, version: str) -> HttpResponse:
    """Return a SOAP Fault of the ACS; it goes with status 200 (3.4.1)."""
    return HttpResponse(200, XML, encode(fault(code, FAULTS[code], id, version)))


def _cookie(header: str) -> str | None:
    """Return the value of the session cookie in a Cookie header (RFC 6265, 4.2)."""
    for pair in header.split(";"):
        name, _, value = pair.partition("=")
        if name.strip() == COOKIE:
            return value.strip().strip('"')
    return None


def _accepted(record: DeviceRecord, queued: int) -> OrderResult:
    return OrderResult(True, "", {"status": 202, "body": {"device": str(record.key), "queued": queued}})


def _refusal(status: int, reason: str) -> OrderResult:
    return OrderResult(False, reason, {"status": status, "body": {"error": reason}})
