"""The fleet's HTTP client: sessions on real connections, many at a time, on one event loop.

Rules:

1. A session keeps one connection as long as the ACS lets it (TR-069 3.4: a session should), and closes it at its end,
   unless it is one that is kept for a later session (`keeping`). One that the ACS closes in between, without having
   said so, costs the session nothing (RFC 9112, 9.5): a request that nobody can have read goes out again on a new one.
2. At most `in_flight` sessions are on the wire, the others queue in order. A session that waits for an instant of
   virtual time gives its place back.
3. Everything that comes in enters by `enter`: one place that stops what comes after the end, lets the rule of time
   (`pacing`) catch up, and ends the run with any exception. Nothing is swallowed.
4. Time-outs are looked at every tenth of a second for all connections together: no timer is kept per request.
5. The loop runs inside `drive` only. What comes between two drives waits for the next one.

Sessions are not tasks: a connection is a protocol object, a task lives only while it is being made.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from cpescript.cwmp.fetch import Fetch, Fetched
from cpescript.cwmp.http import Failure, HttpRequest, HttpResponse
from cpescript.kernel.queue import Kernel, Owner
from cpescript.transport.base import (
    DEFAULT_LIMITS,
    IN_FLIGHT,
    Limits,
    Stepped,
    Watch,
)
from cpescript.transport.connection import Answer, Connection, Target, request_bytes, target_of
from cpescript.transport.heads import Heads
from cpescript.transport.holding import Holding
from cpescript.transport.keeping import Keeping, Place, Whose
from cpescript.transport.latency import Latencies
from cpescript.transport.options import DEFAULT, WireOptions
from cpescript.transport.pacing import Pace, VirtualPace
from cpescript.transport.reach import Reach, Unreached
from cpescript.transport.rests import Rests
from cpescript.transport.tls import NOBODY, Who

if TYPE_CHECKING:
    from cpescript.cwmp.session import Step
    from cpescript.transport.fetching import Fetcher

PARTING = 1.0
"""Real seconds at the end until sockets that were aborted are closed: some turns of the loop, and more under load."""
TICK = 0.1
"""Real seconds between two looks at time-outs, the real limit and the interrupt flag."""


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a uvloop where there is one, else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


class _Carried:
    """A session on its way: its connection, and the request that is outstanding."""

    __slots__ = (
        "again",
        "begin",
        "connecting",
        "connection",
        "deadline",
        "keeps",
        "kind",
        "opening",
        "session",
        "target",
        "whose",
    )

    def __init__(self, session: Stepped) -> None:
        self.session = session
        self.begin: Callable[[], Step] = session.start
        self.connection: Connection | None = None
        self.connecting: asyncio.Task[None] | None = None
        self.target: Target | None = None
        self.kind = ""
        self.deadline = inf
        """Until when the connection must stand."""
        self.keeps = False
        """Whether the device keeps the connection after the session."""
        self.whose: Whose = 0
        """As whose it is kept."""
        self.again: HttpRequest | None = None
        """The request that is out on a connection that has carried others, which the peer may have closed by then."""
        self.opening = False
        """Whether that is the first of its session."""

    @property
    def unanswered(self) -> bool:
        """Whether the connection has gone, and a request may go out again: no octet of an answer has come, and nobody
        has read it, or it opens a session, which does no harm twice."""
        connection = self.connection
        return connection is not None and (connection.unread or (self.opening and connection.silent))

    def overdue(self, now: float, response: float) -> bool:
        connection = self.connection
        if connection is not None and connection.sent != inf:
            return connection.sent + response < now
        return self.deadline < now


class HttpWire:
    """Carries sessions over HTTP/1.1. `pace` is the rule by which time moves, `options` say how the ACS is reached,
    `watch` when `drive` is cut short. Raises TlsProblem, ValueError for options that cannot be used."""

    def __init__(
        self,
        kernel: Kernel,
        *,
        pace: Pace | None = None,
        in_flight: int = IN_FLIGHT,
        limits: Limits = DEFAULT_LIMITS,
        options: WireOptions = DEFAULT,
        watch: Watch | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.kernel = kernel
        self.pace: Pace = pace or VirtualPace()
        self.in_flight = in_flight
        self.latencies = Latencies()
        self.stood = False
        """Whether a connection to the ACS ever stood, and"""
        self.unreached = ""
        """why the last one that did not stand did not; empty where there was none."""
        self.loop = loop or new_event_loop()
        self.loop.set_exception_handler(self._astray)
        self.ticks: list[Callable[[float], object]] = []
        """Called with the wall clock at each tick: other sockets of the loop put their time-outs here."""
        try:
            self.reach = Reach(self.loop, limits, options)
        except BaseException:
            if loop is None:
                self.loop.close()
            raise
        self.awaited: list[object] = []
        """What time waits for besides sessions and jobs: each is true while it does."""
        self.keeping = Keeping(options.connections, self._part)
        self.holding = Holding(options.answers_held << 20)
        self._limits = limits
        self._options = options
        self._heads = Heads()
        self._rests = Rests()
        self._fetcher: Fetcher | None = None
        self._watch = watch or Watch()
        self._ready: deque[_Carried] = deque()
        self._carried: dict[_Carried, None] = {}
        self._parked: dict[_Carried, None] = {}
        self._jobs: dict[asyncio.Task[None], None] = {}
        self._leaving: WeakSet[Connection] = WeakSet()
        """TLS connections that may still be saying goodbye: uvloop does not close while one is at it."""
        self._outstanding_jobs = 0
        self._late: deque[Callable[[], object]] = deque()
        self._over: asyncio.Future[None] | None = None
        self._again: asyncio.TimerHandle | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._stopped_at = 0.0

    # What the simulation calls.

    def open(self, session: Stepped) -> None:
        """Start the session as soon as fewer than `in_flight` are on the wire."""
        self._ready.append(_Carried(session))
        if self._running:
            self._fill()

    def drive(self, kernel: Kernel) -> None:
        """Run events and carry sessions until `kernel.stop()`, or until nothing waits and patience was served.

        Raises Interrupted, RealLimitReached, LocalShortage, and whatever an event, a session or a job raised.
        """
        assert kernel is self.kernel, "a wire belongs to one kernel"
        kernel.run(until=-1)  # Runs nothing: a stop of an earlier drive is forgotten, as by any run.
        loop = self.loop
        over = self._over = loop.create_future()
        pause = monotonic() - self._stopped_at
        for carried in self._carried:
            carried.deadline += pause
            if carried.connection is not None:
                carried.connection.sent += pause
        self._watch.begin()
        self.pace.begin(self)
        self._ticked()
        loop.call_soon(self.enter, self._catch_up)
        try:
            loop.run_until_complete(over)
        finally:
            self._over = None
            self._stopped_at = monotonic()
            self._watch.pause()
            for timer in (self._again, self._tick):
                if timer is not None:
                    timer.cancel()
            self._again = self._tick = None

    def run_job(self, job: Coroutine[Any, Any, Any], done: Callable[[Any], object], *, stirs: bool = True) -> None:
        """Run a coroutine on the loop while time stands still, then call `done` with its result.

        A job that only asks (`stirs=False`) does not count as traffic: patience goes on. What it raises ends the drive.
        """
        self._outstanding_jobs += 1
        task = self.loop.create_task(self._run_job(job, done, stirs))
        self._jobs[task] = None
        task.add_done_callback(self._jobs.pop)

    def drop_jobs(self) -> None:
        """The last drive is over: nobody waits for its jobs any more, and what they hold is to be free."""
        for task in self._jobs:
            task.cancel()

    def close(self) -> None:
        """Drop every connection and close the loop."""
        self.loop.run_until_complete(self._farewell())
        self.loop.close()

    def fetch(self, device: Owner, fetch: Fetch, done: Callable[[Fetched], object]) -> None:
        """Carry a file while time stands still, then call `done`."""
        if self._fetcher is None:
            from cpescript.transport.fetching import Fetcher

            self._fetcher = Fetcher(self.reach.tls, self._options, self._limits)
        self.run_job(self._fetcher.carry(who_is(device), fetch), done)

    # What the rule of time sees.

    @property
    def quiet(self) -> bool:
        return not (self._carried or self._ready or self._outstanding_jobs or any(self.awaited))

    @property
    def room(self) -> bool:
        return len(self._carried) < self.in_flight

    def real(self) -> float:
        # Not loop.time(): uvloop's counts milliseconds, and stands still while callbacks run.
        return monotonic()

    # What comes in from the loop.

    @property
    def _running(self) -> bool:
        return self._over is not None and not self._over.done()

    def enter(self, action: Callable[..., object], *arguments: Any) -> None:
        """Handle something that came in: run `action` at the instant that it belongs to, then what may run after it."""
        over = self._over
        if over is None or over.done():
            self._late.append(partial(action, *arguments))
            return
        try:
            self.pace.arrive(self)
            action(*arguments)
            if self._ready:
                self._fill()
            self._pump()
        except BaseException as problem:
            self._end(problem)

    def stir(self) -> None:
        """There is traffic that no session carries, a connection request for one."""
        self.pace.stir()

    def look(self) -> None:
        """Nothing came in, but something that time waited for may be over."""
        self.enter(_nothing)

    def _catch_up(self) -> None:
        late, self._late = self._late, deque()
        for action in late:
            action()

    def _pump(self) -> None:
        again = self.pace.pump(self)
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if again is None:
            self._end(None)
        elif again != inf:
            self._again = self.loop.call_later(again, self.enter, _nothing)

    def _end(self, problem: BaseException | None) -> None:
        if self._over is None or self._over.done():
            return
        if problem is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(problem)

    def _astray(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The loop has caught what nobody else did: it ends the drive too."""
        self.enter(partial(_throw, context.get("exception") or RuntimeError(context["message"])))

    def _ticked(self) -> None:
        over = self._over
        if over is None or over.done():
            return
        now = monotonic()
        self._tick = self.loop.call_later(TICK, self._ticked)
        try:
            self._watch.check()
        except BaseException as problem:
            self.pace.arrive(self)  # What is still to be done and told is at the instant at which the run was cut.
            self._end(problem)
            return
        for carried in [each for each in self._carried if each.overdue(now, self._limits.response)]:
            self._disconnect(carried, abort=True)
            self.enter(self._answered, carried, "timeout")
        for tick in self.ticks:
            tick(now)

    # Sessions.

    def _fill(self) -> None:
        ready, carried = self._ready, self._carried
        while ready and len(carried) < self.in_flight:
            self.pace.stir()
            one = ready.popleft()
            self._parked.pop(one, None)
            carried[one] = None
            self._follow(one, one.begin())

    def _follow(self, carried: _Carried, step: Step) -> None:
        """Do what the session says next."""
        while step is not None:
            if not isinstance(step, HttpRequest):
                del self._carried[carried]
                self._parked[carried] = None
                self.kernel.at(step.when, carried.session.device, self._resume, carried)
                return
            target = target_of(carried.session.url)
            if target is not None:
                send = self._send_rested if carried.target is None else self._send
                send(carried, target, step)
                return
            step = carried.session.failed("refused")
        del self._carried[carried]
        self._rests.begin(carried.session.device.number, self.real(), self.pace.gap)
        if not self._keep(carried):
            self._disconnect(carried)

    def _resume(self, carried: _Carried) -> None:
        carried.begin = carried.session.resume
        self._ready.append(carried)
        self._fill()

    def _send_rested(self, carried: _Carried, target: Target, request: HttpRequest) -> None:
        """Send the first request of a session, when its device has rested."""
        left = self._rests.left(carried.session.device.number, self.real())
        if left:
            self.loop.call_later(left, self.enter, self._send, carried, target, request)
        else:
            self._send(carried, target, request)

    def _send(self, carried: _Carried, target: Target, request: HttpRequest) -> None:
        proxy = self.reach.proxy
        octets, held = request_bytes(
            request, target, proxy.authorization if proxy is not None and not target.tls else None
        )
        carried.kind = request.kind
        connection, before = carried.connection, carried.target
        if connection is not None and (
            not connection.usable or before is None or (before is not target and before[:3] != target[:3])
        ):
            self._disconnect(carried)
            connection = None
        carried.target = target
        carried.opening = before is None
        if before is None:
            carried.keeps = self.keeping.keeps(request.manner)
            if carried.keeps:
                connection = self._take(carried, target, request)
        elif connection is not None:
            carried.again = request
        if connection is None:
            connection = self._make(carried, target)
        if request.manner is not None:
            connection.last = request.manner.connection == "post"
        connection.request(octets, held)

    def _told(self, carried: _Carried) -> Callable[[Answer], None]:
        """Return what a session's connection tells its answers to."""
        return partial(self.enter, self._answered, carried)

    def _answered(self, carried: _Carried, answer: Answer) -> None:
        if isinstance(answer, HttpResponse):
            assert carried.connection is not None
            carried.again = None
            self.latencies.add(carried.kind, monotonic() - carried.connection.sent)
            if answer.status >= 400 and answer.status != 401:
                self.latencies.error(carried.kind, str(answer.status))
            self._follow(carried, carried.session.receive(answer))
        elif carried.again is not None and carried.unanswered:
            self._send_anew(carried, carried.again)
        else:
            self.latencies.error(carried.kind, answer)
            reason = carried.connection.reason if carried.connection is not None else ""
            self._follow(carried, carried.session.failed(answer, reason))

    # Connections.

    def _make(self, carried: _Carried, target: Target) -> Connection:
        """Return a connection that is being made."""
        self.keeping.make_room(len(self._carried) + len(self._parked))
        connection = carried.connection = Connection(
            self._limits, self._told(carried), monotonic, self._heads, self.holding
        )
        carried.deadline = monotonic() + self._limits.connect
        carried.connecting = self.loop.create_task(self._connect(carried, connection, target))
        return connection

    def _take(self, carried: _Carried, target: Target, request: HttpRequest) -> Connection | None:
        """Return the connection that was kept for a session that begins, None for none."""
        session, place = carried.session, target[:3]
        whose: Whose = session.device.number
        if self.keeping.shared and not (target.tls and self.reach.tls.shows(session.device.number)):
            whose = place
        carried.whose = whose
        gone = whose is not place and session.afresh
        connection = self.keeping.take(whose, None if gone else place)
        if connection is not None:
            connection.answered = self._told(carried)
            carried.connection, carried.again = connection, request
        return connection

    def _keep(self, carried: _Carried) -> bool:
        """Keep the connection of a session that is over, if that can be; returns whether it was."""
        connection, target = carried.connection, carried.target
        if not carried.keeps or connection is None or target is None:
            return False
        if not connection.idle or not carried.session.orderly:
            return False
        carried.connection = None
        connection.answered = _unasked
        self.keeping.give(carried.whose, target[:3], connection)
        return True

    def _send_anew(self, carried: _Carried, request: HttpRequest) -> None:
        """Send a request again, on a new connection: the one that it went out on was closed, and nobody answered."""
        assert carried.target is not None
        self.keeping.anew += 1
        carried.again = None
        self._disconnect(carried)
        self._send(carried, carried.target, request)

    def _part(self, connection: Connection, place: Place) -> None:
        connection.close()
        if place[2]:
            self._leaving.add(connection)

    def _disconnect(self, carried: _Carried, *, abort: bool = False) -> None:
        connection, carried.connection = carried.connection, None
        if carried.connecting is not None:
            carried.connecting.cancel()
            carried.connecting = None
        if connection is not None:
            connection.abort() if abort else connection.close()
            if carried.target is not None and carried.target.tls:
                self._leaving.add(connection)

    async def _connect(self, carried: _Carried, connection: Connection, target: Target) -> None:
        """Make a connection stand; its request goes out with it. A failure is the session's."""
        failure: Failure | None = None
        try:
            # Only TLS asks who it is, and a serial number may have to be worked out.
            who = who_is(carried.session.device) if target.tls else NOBODY
            await self.reach.stand(connection, target, who, partial(setattr, carried, "deadline"))
        except asyncio.CancelledError:
            # It may have stood for long enough to be answered, before this was told.
            self.stood = self.stood or connection.sent != inf
            return
        except Unreached as problem:
            failure, connection.reason = problem.failure, problem.reason
        except BaseException as problem:
            self.enter(_throw, problem)
            return
        carried.connecting = None
        if failure is None:
            self.stood = True
        else:
            self.unreached = connection.reason or failure
            connection.abort()
            self.enter(self._answered, carried, failure)

    # Jobs.

    async def _run_job(self, job: Coroutine[Any, Any, Any], done: Callable[[Any], object], stirs: bool) -> None:
        try:
            result = await job
        except Exception as problem:
            self._outstanding_jobs -= 1
            self.enter(_throw, problem)
            return
        self._outstanding_jobs -= 1
        if stirs:
            self.pace.stir()
        self.enter(done, result)

    async def _farewell(self) -> None:
        if self._fetcher is not None:
            await self._fetcher.close()
        tasks = [*self._jobs, *(each.connecting for each in self._carried if each.connecting is not None)]
        for task in tasks:
            task.cancel()
        self.keeping.clear()
        parting = [*self._leaving]
        for carried in [*self._carried, *self._parked]:
            if carried.connection is not None:
                parting.append(carried.connection)
            self._disconnect(carried, abort=True)
        for connection in parting:
            connection.abort()
        self._carried.clear()
        self._parked.clear()
        self._ready.clear()
        await asyncio.gather(*tasks, return_exceptions=True)
        # A loop that is closed under a socket that is about to close is busy, says uvloop.
        until = monotonic() + PARTING
        while any(connection.stands for connection in parting) and monotonic() < until:
            await asyncio.sleep(0.001)
        for _ in range(3):
            await asyncio.sleep(0)  # So that other transports that were closed tell their protocols.
        await self.loop.shutdown_asyncgens()
        await self.loop.shutdown_default_executor()


def who_is(device: Owner) -> Who:
    """Return what TLS asks of a device; the serial number is empty for whoever has none."""
    identity = getattr(device, "device_id", None)
    return Who(str(identity[3]) if identity is not None else "", device.number)


def _unasked(answer: Answer) -> None:
    raise AssertionError("a connection that is kept has nothing outstanding")


def _throw(problem: BaseException) -> None:
    raise problem


def _nothing() -> None:
    """Only time has gone by."""
