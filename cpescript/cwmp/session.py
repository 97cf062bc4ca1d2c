"""One session of a device with its ACS, stepped, without input or output (TR-069 3.7.2).

The shape of a session:

    Inform → InformResponse → (own requests, each answered) → empty POST → RPC ↔ answer … → empty response

Rules:

1. A state says what of the device is on the wire and awaits the ACS's answer; an event says what came. The table
   `TRANSITIONS` is the whole protocol: what it does not list ends the session as failed.
2. The ACS may send an RPC only in the answer to an empty POST or to an RPC's answer. The device sends its own requests
   before the empty POST; afterwards only where HoldRequests kept them back and has been released, for a session does
   not end before the device had its turn.
3. HoldRequests holds until an envelope without it; an empty response carries none, so it releases.
4. A session is whole or it is nothing: after any abnormal end all events stay undelivered.
5. The device counts its message IDs from 1 in each session and echoes those of the ACS. A response with another ID than
   that of the request is no response; one without ID is taken as it is, since nothing can be mixed up.
6. What the Inform says is read when the session starts. 401, redirects and 8005 send the same octets again; 8006 the
   same in the namespace before.
7. Whatever the ACS does is bounded: redirects, repetitions, exchanges.

A mistake of the ACS ends the session with an outcome and a reason; an exception that comes out of here is our bug.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, NamedTuple
from urllib.parse import urljoin, urlsplit

from cpescript.cwmp import answers, digest, inform
from cpescript.cwmp.codec import CwmpSyntaxError, decode, encode
from cpescript.cwmp.cookies import Cookies
from cpescript.cwmp.events import BOOT
from cpescript.cwmp.hooks import Detour, Reply
from cpescript.cwmp.http import Failure, Headers, HttpRequest, HttpResponse
from cpescript.cwmp.manner import coded, dressed, manner_of, undressed
from cpescript.cwmp.message import Event, Message
from cpescript.cwmp.rpcs import EMPTY, GARBAGE, HTTP_ERROR, MESSAGES, NAMESPACES, UNEXPECTED
from cpescript.kernel import draws
from cpescript.kernel.time import SECOND
from cpescript.kernel.trace import FROM_ACS, TO_ACS

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent

Outcome = Literal["done", "timeout", "cut", "http", "tls", "refused"]


class WaitUntil(NamedTuple):
    """Call `resume` at the virtual instant `when`, in nanoseconds."""

    when: int


Step = HttpRequest | WaitUntil | None
"""What a session wants next: send this request, wait, or nothing: it is over and its connection can be closed."""

MOST_REDIRECTS = 5
"""TR-069 3.4.6."""
REDIRECTS = frozenset({301, 302, 307, 308})
"""302 and 307 by TR-069, 301 and 308 because servers in front of an ACS use them; each sends the same message again."""
MOST_REPETITIONS = 5
"""How often in a row 8005 is obeyed before the session counts as failed and the retry policy takes over."""
MOST_EXCHANGES = 10_000
"""An ACS that never ends a session would hold the virtual clock for ever; reading a tree of 50,000 parameters one at a
time is more than any ACS does in one session."""
MOST_URL = 8192
"""Characters of where a redirect leads: what servers take of a request line."""
MOST_REASON = 400
"""Characters of why a session ended: an ACS may put megabytes into a Fault, and a reason is kept and shown."""
PATIENCE = 60 * SECOND
"""How long a device that answers nothing keeps the connection: twice the 30 s after which an ACS may give up."""


class State:
    """What of the device awaits the ACS's answer. Plain constants: they are looked up a dozen times a session."""

    READY: Final = "nothing was sent yet"
    INFORM: Final = "the Inform"
    REQUEST: Final = "a request of the device's own"
    FOREIGN: Final = "a hand-written message"
    YIELD: Final = "an empty POST: the ACS's turn"
    ANSWER: Final = "the answer to an RPC"
    OVER: Final = "nothing: the session has ended"


class Came:
    """What an HTTP response means in its place."""

    RESPONSE: Final = "the response to the device's request"
    RETRY: Final = "a Fault 8005 on the device's request"
    FAULT: Final = "any other Fault on the device's request"
    TOO_NEW: Final = "a Fault 8006 on the Inform"
    RPC: Final = "a request of the ACS"
    NOTHING: Final = "an empty response"
    CHALLENGE: Final = "401"
    REDIRECT: Final = "301, 302, 307 or 308"


class Act:
    """What the device does about it: methods of `Session`."""

    ACCEPTED: Final = "accepted"
    DELIVERED: Final = "delivered"
    ANSWER: Final = "answer"
    FINISH: Final = "finish"
    REPEAT: Final = "repeat"
    AUTHENTICATE: Final = "authenticate"
    FOLLOW: Final = "follow"
    GIVE_UP: Final = "give up"
    REFUSED: Final = "refused"
    GO_DOWN: Final = "go down"


_ANYWHERE = {Came.CHALLENGE: Act.AUTHENTICATE, Came.REDIRECT: Act.FOLLOW}
_OWN = {Came.RETRY: Act.REPEAT, **_ANYWHERE}
_THEIRS = {Came.RPC: Act.ANSWER, Came.NOTHING: Act.FINISH, **_ANYWHERE}

TRANSITIONS: dict[str, dict[str, str]] = {
    State.INFORM: {
        Came.RESPONSE: Act.ACCEPTED,
        Came.FAULT: Act.GIVE_UP,
        Came.TOO_NEW: Act.GO_DOWN,
        **_OWN,
    },
    State.REQUEST: {Came.RESPONSE: Act.DELIVERED, Came.FAULT: Act.REFUSED, **_OWN},
    # Whatever the ACS says to it, short of an error of HTTP, is its way to go on.
    State.FOREIGN: {Came.RESPONSE: Act.ACCEPTED, Came.FAULT: Act.ACCEPTED, Came.RETRY: Act.REPEAT, **_THEIRS},
    State.YIELD: _THEIRS,
    State.ANSWER: _THEIRS,
}
"""The protocol: what the device does about what came, by what of its own it awaits an answer to."""

_AWAITS_RESPONSE = (State.INFORM, State.REQUEST, State.FOREIGN)

_LENGTHS = frozenset(map(len, ("set-cookie", "authentication-info")))
"""Of the headers that a session keeps: most others need no closer look."""
_SOAP: Headers = (("Content-Type", 'text/xml; charset="utf-8"'), ("SOAPAction", ""))
_OUTCOMES: dict[Failure, Outcome] = {
    "timeout": "timeout",
    "cut": "cut",
    "http": "http",
    "tls": "tls",
    "refused": "refused",
    "too-large": "http",
    "no-room": "http",
}


class Session:
    """A session of `agent`'s device; `number` counts the device's sessions from 1. A transport drives it.

    `url` is where the next request goes; `events` is what the Inform told and no response has delivered yet, `changed`
    the parameters that it reported as changed; `raw` is a hand-written message that goes out after the InformResponse.
    """

    # Most sessions need none of these, so they start as the class's own; there are as many sessions as round trips to
    # an ACS, not as devices, so an instance may have a dictionary.
    state: str = State.READY
    events: tuple[Event, ...] = ()
    changed: tuple[str, ...] = ()
    raw: bytes | None = None
    _id = 0
    _expected: str | None = None
    _kind = ""
    _body = b""
    _foreign = False
    _lowered = False
    _hold = False
    _held = False
    _cookies: Cookies | None = None
    _proof: digest.Proof | None = None
    """With the user name and password that the tree held when the ACS asked: new ones go with the next session."""
    _attempts = 0
    _redirects = 0
    _repetitions = 0
    exchanges = 0
    challenges = 0
    """How many of the exchanges came to no more than a 401 that was answered."""
    _resume: Callable[[], Step] | None = None
    orderly = False
    """Whether it has ended as it should: then its connection may be kept."""

    def __init__(self, agent: CwmpAgent, number: int) -> None:
        self.agent = agent
        self.device = agent.device
        self.number = number
        self.url = agent.acs_url
        self.version = agent.version
        self._manner = manner_of(self.device.schema.extension)

    @property
    def afresh(self) -> bool:
        """Whether the device has booted since its last session: of what it had in memory nothing is left."""
        return BOOT in [event.code for event in self.events]

    # --- What a transport calls -----------------------------------------------------------------------------------

    def start(self) -> Step:
        """Return the first step. What the Inform tells is settled here."""
        if self.state != State.READY:
            return None
        raw = self.agent.session_started(self)
        if self._manner is not None and self._manner.nonce == "keep":
            self._recall()
        if raw is not None:
            self._foreign = True
            return self._send(State.INFORM, kind_of(raw), raw)
        self._id = 1
        body = inform.build(self)
        return self._send(State.INFORM, "Inform", body, inform.Told(self.events, body))

    def receive(self, response: HttpResponse) -> Step:
        """Return the step after a whole HTTP response."""
        if self.state == State.OVER:
            return None
        self.exchanges += 1
        if self.exchanges >= MOST_EXCHANGES:
            return self._end("http", f"no end after {MOST_EXCHANGES} exchanges")
        if self._manner is not None and self._manner.gzip and response.body:
            plain = undressed(response)
            if plain is None:
                self._announce(GARBAGE, response)
                return self._end("http", "an answer in a content coding that cannot be undone")
            response = plain
        came, message, reason = self._read(response)
        act = TRANSITIONS[self.state].get(came) if came is not None else None
        if act is None:
            return self._end("http", reason or f"{came} in answer to {self.state}")
        if message is not None:
            spoken = (message.headers and message.headers.get("UseCWMPVersion")) or message.version
            if act != Act.GO_DOWN and spoken in NAMESPACES and spoken < self.version:
                self.version, self._lowered = spoken, True
            self._hold = bool(message.headers) and message.hold_requests
            self._held = self._held or self._hold
        if self._attempts and act != Act.AUTHENTICATE:
            self._attempts = 0
        return _ACTS[act](self, response, message)

    def failed(self, failure: Failure, reason: str = "") -> Step:
        """Note that no response came, and why, where the transport knows."""
        return None if self.state == State.OVER else self._end(_OUTCOMES[failure], reason or failure)

    def resume(self) -> Step:
        """Return the step after a wait."""
        resume, self._resume = self._resume, None
        return resume() if resume is not None and self.state != State.OVER else None

    def abort(self, outcome: Outcome = "cut", reason: str = "") -> None:
        """End the session from the device's side, whatever is on the wire."""
        if self.state != State.OVER:
            self._end(outcome, reason)

    # --- What came ------------------------------------------------------------------------------------------------

    def _read(self, response: HttpResponse) -> tuple[str | None, Message | None, str]:
        """Announce what came and say what it means here, or why it means nothing."""
        status, body = response.status, response.body
        if response.headers:
            self._keep(response)
        if status == 204 or (status == 200 and not body.strip()):
            self._announce(EMPTY, response)
            return Came.NOTHING, None, ""
        if status != 200:
            self._announce(HTTP_ERROR, response)
            if status == 400 and self.state == State.INFORM and not self._foreign:
                self.agent.version_refused(self.version)
            if status == 401:
                return Came.CHALLENGE, None, ""
            return (Came.REDIRECT if status in REDIRECTS else None), None, f"HTTP status {status}"
        try:
            message = decode(body)
        except CwmpSyntaxError as error:
            self._announce(GARBAGE, response)
            return None, None, str(error)
        meaning = self._meaning(message)
        # A response that answers nothing must not pass for the one that is owed.
        misplaced = meaning[0] is None and message.kind.endswith("Response")
        self._announce(UNEXPECTED if misplaced else message.kind, response, message)
        return meaning

    def _meaning(self, message: Message) -> tuple[str | None, Message | None, str]:
        kind = message.kind
        if self.state in _AWAITS_RESPONSE:
            is_response = kind == f"{self._kind}Response"
            if is_response or kind == "Fault":
                if message.id != self._expected and message.id is not None and self._expected is not None:
                    return None, message, f"{kind} has the ID {message.id!r}, the request had {self._expected!r}"
                if is_response:
                    return Came.RESPONSE, message, ""
                code = message.fields.get("fault_code")
                if code == 8006 and self.state == State.INFORM and not self._foreign:
                    return Came.TOO_NEW, message, ""
                return (Came.RETRY if code == 8005 else Came.FAULT), message, ""
        known = MESSAGES.get(kind)
        if not kind.endswith("Response") if known is None else not known.response and known.sender != "cpe":
            return Came.RPC, message, ""
        return None, message, f"{kind} in answer to {self.state}"

    def _announce(self, kind: str, response: HttpResponse, message: Message | None = None) -> None:
        trace = self.device.host.trace
        trace.message(self.device, self.number, FROM_ACS, "cwmp", kind, response, response.body, message)

    def _keep(self, response: HttpResponse) -> None:
        """Keep what the headers say for the rest of the session: cookies, and the nonce to use next."""
        for name, text in response.headers:
            if len(name) not in _LENGTHS:
                continue
            lowered = name.lower()
            if lowered == "set-cookie":
                if self._cookies is None:
                    self._cookies = Cookies()
                self._cookies.take(text, self.url, self.device.host.kernel.now, response.header("Date"))
            elif lowered == "authentication-info" and self._proof is not None:
                nonce = digest.next_nonce(text)
                if nonce is not None:
                    self._proof = self._proof.renewed(nonce)

    # --- What the device does about it ----------------------------------------------------------------------------

    def _accepted(self, response: HttpResponse, message: Message | None) -> Step:
        if self.state == State.INFORM and not self._foreign:
            self.agent.version_accepted(self.version, lowered=self._lowered)
        return self._proceed()

    def _delivered(self, response: HttpResponse, message: Message | None) -> Step:
        self.agent.request_answered()
        return self._proceed()

    def _proceed(self) -> Step:
        """Send the next request of the device's own, or yield to the ACS."""
        self._repetitions = 0
        self._foreign = False
        if self.raw is not None:
            body, self.raw = self.raw, None
            self._foreign = True
            return self._send(State.FOREIGN, kind_of(body), body)
        request = None if self._hold else self.agent.next_request()
        if request is None:
            return self._send(State.YIELD, EMPTY, b"")
        self._id += 1
        kind, fields = request
        return self._send(State.REQUEST, kind, encode(Message(kind, fields, str(self._id), self.version)))

    def _finish(self, response: HttpResponse, message: Message | None) -> Step:
        self._hold = False
        if self._held and self.agent.has_requests:
            self._held = False
            return self._proceed()
        return self._end("done")

    def _repeat(self, response: HttpResponse, message: Message | None) -> Step:
        self._repetitions += 1
        if self._repetitions > MOST_REPETITIONS:
            return self._end("http", f"Fault 8005, {self._repetitions} times in a row")
        return self._send(self.state, self._kind, self._body)

    def _give_up(self, response: HttpResponse, message: Message | None) -> Step:
        fields = message.fields if message is not None else {}
        code, text = fields.get("fault_code", "without code"), fields.get("fault_string", "")
        return self._end("http", f"Fault {code} on {self._kind}: {text}")

    def _refused(self, response: HttpResponse, message: Message | None) -> Step:
        """A Fault on a request of the device's own: what it owes it keeps for another session, the rest it drops."""
        return self._give_up(response, message) if self.agent.request_refused() else self._proceed()

    def _go_down(self, response: HttpResponse, message: Message | None) -> Step:
        """The ACS does not know this version of CWMP: try the one before (TR-069 3.7.4)."""
        older = inform.version_below(self.version)
        if older is None:
            return self._give_up(response, message)
        self.version, self._lowered = older, True
        body = inform.build(self)
        return self._send(State.INFORM, "Inform", body, inform.Told(self.events, body))

    def _authenticate(self, response: HttpResponse, message: Message | None) -> Step:
        challenges = response.all("WWW-Authenticate")
        challenge = digest.parse_challenge(challenges)
        if challenge is None:
            return self._end("http", f"401 without a challenge that can be answered: {digest.unanswerable(challenges)}")
        # One answer to a request, and one more where only the nonce was too old.
        self._attempts += 1
        if self._attempts > 2 or (self._attempts == 2 and not challenge.stale):
            return self._end("http", "401: the ACS does not take these credentials")
        self.challenges += 1
        login = self._proof.login if self._proof is not None else self.agent.credentials()
        self._proof = digest.Proof(challenge, *login)
        return self._send(self.state, self._kind, self._body)

    def _recall(self) -> None:
        """Go on with the proof of the last session, if the ACS is the same and the device has not booted since."""
        work = self.agent.idle_work()
        if work is None or work.proof is None:
            return
        origin, proof = work.proof
        if self.afresh or origin != urlsplit(self.url).netloc:
            work.proof = None
            return
        login = self.agent.credentials()
        self._proof = proof if proof.login == login else digest.Proof(proof.challenge, *login, proof.used)

    def _remember(self) -> None:
        """Keep the proof that holds at the end for the next session."""
        if self._proof is not None:
            self.agent.work().proof = (urlsplit(self.url).netloc, self._proof) if self.orderly else None

    def _follow(self, response: HttpResponse, message: Message | None) -> Step:
        self._redirects += 1
        if self._redirects > MOST_REDIRECTS:
            return self._end("http", f"more than {MOST_REDIRECTS} redirects")
        named = (response.header("Location") or "").strip()
        before = urlsplit(self.url)
        try:
            target = urljoin(self.url, named)
            parts = urlsplit(target)
            leads = bool(named) and parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            leads = False
        if not leads:
            return self._end("http", f"a redirect to {named[:200]!r}, which is no HTTP URL")
        if len(target) > MOST_URL:
            return self._end("http", f"a redirect to a URL of {len(target)} characters; {MOST_URL} are taken at most")
        if before.scheme == "https" and parts.scheme == "http":
            return self._end("tls", f"a redirect from https to {named[:200]!r}")
        if parts.netloc != before.netloc:
            self._proof = None
        self.url = target
        return self._send(self.state, self._kind, self._body)

    def _answer(self, response: HttpResponse, message: Message | None) -> Step:
        assert message is not None
        hooks = self.agent.hooks
        if hooks is not None:
            for hook in reversed(hooks.get("rpc-answer", ())):
                reply = hook.rpc_answer(self.device, message)
                if reply is not None:
                    return self._reply_later(message, reply)
        return self._reply(message, None)

    def _reply_later(self, message: Message, reply: Reply) -> Step:
        if reply.after <= 0:
            return self._reply(message, reply)
        return self._wait(reply.after, lambda: self._reply(message, reply))

    def _reply(self, message: Message, reply: Reply | None) -> Step:
        """Carry out an RPC and send what the device, or `reply` in its stead, says to it."""
        answer: Message | bytes | None = None
        if reply is None or reply.carry_out:
            answer = answers.answer(self, message)
        if reply is not None:
            if reply.then == "drop":
                return self._end("cut", f"the device closed the connection on {message.kind}")
            if reply.then == "nothing":
                return self._wait(PATIENCE, lambda: self._end("timeout", f"the device did not answer {message.kind}"))
            answer = reply.answer if reply.answer is not None else answer
        if isinstance(answer, bytes):
            return self._send(State.ANSWER, kind_of(answer), answer)
        assert answer is not None
        # A reply that was made elsewhere knows neither the ID nor the namespace that this session speaks.
        answer = Message(answer.kind, answer.fields, message.id, self.version)
        if answer.kind == "Fault":
            self.device.enter("faulted")
        else:
            self.device.leave("faulted")
        return self._send(State.ANSWER, answer.kind, encode(answer), answer)

    # --- What goes out --------------------------------------------------------------------------------------------

    def _wait(self, duration: int, then: Callable[[], Step]) -> WaitUntil:
        self._resume = then
        return WaitUntil(self.device.host.kernel.now + duration)

    def _send(self, state: str, kind: str, body: bytes, message: Message | None = None) -> Step:
        """Send a message, unless a hook has another idea of when or whether."""
        self.state, self._kind, self._body = state, kind, body
        hooks = self.agent.hooks
        if hooks is not None:
            for hook in reversed(hooks.get("session-flow", ())):
                detour = hook.session_step(self.device, kind)
                if detour is not None:
                    return self._take(detour, message)
        return self._transmit(message)

    def _take(self, detour: Detour, message: Message | None) -> Step:
        if detour.cut:
            return self._end("cut", f"the device closed the connection before {self._kind}")
        return self._wait(detour.after, lambda: self._transmit(message))

    def _transmit(self, message: Message | None) -> Step:
        device, hooks, body = self.device, self.agent.hooks, self._body
        self._expected = str(self._id) if not self._foreign else _id_of(body)
        if hooks is not None:
            for hook in hooks.get("soap-bytes", ()):
                body = hook.soap_bytes(device, self._kind, body)
            if body != self._body:
                # The ACS answers to what it was sent, which is no longer what `message` says.
                message, self._expected = None, _id_of(body)
        headers: Headers = _SOAP if body else ()
        if self._cookies or self._proof is not None:
            headers = self._with_session_headers(headers, body)
        request = HttpRequest(headers, body)
        if hooks is not None:
            for hook in hooks.get("http-request", ()):
                request = hook.http_request(device, request)
        body = request.body
        if self._manner is not None:
            request = dressed(request, self._manner)
        request.kind = self._kind
        device.host.trace.message(device, self.number, TO_ACS, "cwmp", self._kind, request, body, message)
        return request

    def _with_session_headers(self, headers: Headers, body: bytes) -> Headers:
        if self._cookies:
            cookie = self._cookies.header(self.url, self.device.host.kernel.now)
            if cookie:
                headers = (*headers, ("Cookie", cookie))
        if self._proof is not None:
            headers = (*headers, ("Authorization", self._authorization(self._proof, body)))
        return headers

    def _authorization(self, proof: digest.Proof, body: bytes) -> str:
        """Answer the challenge of the ACS; a client nonce is the device's, its session's and its request's own."""
        whose = self.device.global_index << 42 ^ self.number << 14 ^ self.exchanges
        chance = draws.draw(_cnonces(self.device.host.seed), whose)
        if proof.challenge.qop == "auth-int":
            body = coded(body, self._manner)
        return proof.answer("POST", _request_uri(self.url), f"{chance:016x}", body)

    def _end(self, outcome: Outcome, reason: str = "") -> Step:
        self.state = State.OVER
        self.orderly = outcome == "done"
        if len(reason) > MOST_REASON:
            reason = f"{reason[:MOST_REASON]}… (of {len(reason)} characters)"
        if self._manner is not None and self._manner.nonce == "keep":
            self._remember()
        self._resume = None
        self.agent.session_ended(self, outcome, reason)
        return None


@lru_cache(maxsize=16)
def _cnonces(seed: int) -> int:
    return draws.stream(seed, "cnonce")


@lru_cache(maxsize=1024)
def _request_uri(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def kind_of(body: bytes) -> str:
    """Return the kind of the message in a body, `Garbage` where it is none."""
    try:
        return decode(body).kind
    except CwmpSyntaxError:
        return GARBAGE


def _id_of(body: bytes) -> str | None:
    try:
        return decode(body).id
    except CwmpSyntaxError:
        return None


_ACTS: dict[str, Callable[[Session, HttpResponse, Message | None], Step]] = {
    Act.ACCEPTED: Session._accepted,
    Act.DELIVERED: Session._delivered,
    Act.ANSWER: Session._answer,
    Act.FINISH: Session._finish,
    Act.REPEAT: Session._repeat,
    Act.AUTHENTICATE: Session._authenticate,
    Act.FOLLOW: Session._follow,
    Act.GIVE_UP: Session._give_up,
    Act.REFUSED: Session._refused,
    Act.GO_DOWN: Session._go_down,
}
