"""Jobs side by side, in processes of their own: the same results in the same order as one after the other.

Rules:

1. A worker is a new interpreter, not a fork: it shares nothing with this process but a socket. It reads the scenario
   again, by file and number of the case, and refuses when the file has changed since.
2. Jobs are handed out in order and told of in order. What a later job shows is held back until its turn.
3. Ctrl-C reaches this process alone (each worker is a process group of its own); it asks each worker to end its case
   in order. A worker whose socket closes ends by itself, so none is left behind by whatever becomes of this process.
4. Against an ACS that is not ours each job has a serial prefix of its own (`1-`, or behind that of the options), so
   that its devices are nobody else's; it goes by the job's number, so that it is the same whoever does it.
5. A worker that dies says nothing about the ACS: its case is an error of the environment, and another takes its place.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from cpescript.results import Problem, Snapshot
from cpescript.runner.case import unrun
from cpescript.runner.options import EMBEDDED, RunOptions, Silent, never
from cpescript.runner.work import Done, Job, Wanted

LOOK_EVERY = 0.1
"""Real seconds between two looks at whether the run is to end."""
GRACE = 5.0
"""Real seconds that an idle worker is given to go."""
START = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from cpescript.runner.worker import main; main(int(sys.argv[1]))"
)


def serial_prefix(options: RunOptions, job: Job) -> str:
    """Return what goes before the serial numbers of a job: at an ACS that is not ours each has its own."""
    return options.serial_prefix if options.acs == EMBEDDED else f"{options.serial_prefix}{job.number + 1}-"


class Hand:
    """A worker process, and what it is at."""

    def __init__(self, options: RunOptions) -> None:
        ours, theirs = Pipe()
        self._options = options
        self.connection: Connection[Any, Any] = ours
        self.job: Job | None = None
        self.snapshot: Snapshot | None = None
        with closing(theirs):
            command = [sys.executable, "-c", START, str(theirs.fileno()), json.dumps(sys.path)]
            # A group of its own: Ctrl-C of a terminal must not meet an interpreter that is still starting.
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], process_group=0
            )
        # The observer stays here; a worker writes no trace but the part that it is told to.
        ours.send(replace(options, observer=Silent(), interrupted=never, trace=None))

    def give(self, job: Job, trace: Path | None) -> None:
        self.job, self.snapshot = job, None
        file = str(trace) if trace is not None else None
        what = (job.timeline.file, job.ordinal, job.timeline.digest, file, serial_prefix(self._options, job))
        self.connection.send((*what, job.seed, job.title, job.spelt, job.only))

    def ask_to_stop(self) -> None:
        self.connection.send("stop")

    def dismiss(self) -> None:
        """Let the process go: at once if it is idle, for a busy one's result is not wanted any more."""
        self.connection.close()
        if self.job is not None:
            self.process.kill()
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Crew:
    """Hands, and the jobs between being handed out and being told of."""

    def __init__(self, options: RunOptions, size: int, folder: Path | None) -> None:
        self._options = options
        self._size = size
        self._folder = folder
        self._hands: list[Hand] = []
        self._order: deque[Job] = deque()
        self._done: dict[int, Done] = {}
        self._held: dict[int, list[tuple[str, tuple[Any, ...]]]] = {}
        self._stopping = False
        self._told = 0

    def close(self) -> None:
        for hand in self._hands:
            hand.dismiss()

    def work(self, jobs: Sequence[Job], wanted: Wanted, trace: IO[bytes] | None) -> Generator[Done, None, None]:
        pending = deque(jobs)
        while True:
            if not self._stopping:
                self._hand_out(pending, wanted)
            while self._order and self._order[0].number in self._done:
                done = self._done.pop(self._order.popleft().number)
                self._told += 1
                if wanted(done.job):
                    self._part(done.job, trace)
                    yield done
                self._turn()
            if not self._order and (self._stopping or not pending):
                return
            self._listen(len(jobs))

    def _hand_out(self, pending: deque[Job], wanted: Wanted) -> None:
        while pending:
            if not wanted(pending[0]):
                pending.popleft()
                continue
            hand = next((hand for hand in self._hands if hand.job is None), None)
            if hand is None:
                if len(self._hands) >= self._size:
                    return
                hand = Hand(self._options)
                self._hands.append(hand)
            job = pending.popleft()
            self._order.append(job)
            self._held[job.number] = [("started", (job.title, job.timeline.file))]
            if self._order[0] is job:
                self._turn()
            hand.give(job, self._trace_of(job))

    def _turn(self) -> None:
        """Show what the first job in order has shown so far."""
        if self._order:
            held, self._held[self._order[0].number] = self._held[self._order[0].number], []
            for name, arguments in held:
                getattr(self._options.observer, name)(*arguments)

    def _listen(self, of: int) -> None:
        busy = {hand.connection: hand for hand in self._hands if hand.job is not None}
        for connection in wait(list(busy), LOOK_EVERY):
            hand = busy[connection]  # type: ignore[index]
            try:
                self._hear(hand, *hand.connection.recv())
            except (EOFError, OSError):
                self._lost(hand)
        if self._options.interrupted() and not self._stopping:
            self._stopping = True
            for hand in self._hands:
                if hand.job is not None:
                    hand.ask_to_stop()
        self._options.observer.progress(self._snapshot(of))

    def _hear(self, hand: Hand, name: str, *arguments: Any) -> None:
        job = hand.job
        assert job is not None
        if name == "done":
            result, interrupted = arguments
            self._done[job.number] = Done(job, result, interrupted)
            hand.job = hand.snapshot = None
        elif name == "changed":
            self._fail(hand, "the scenario has changed while it was run", "run it again")
        elif name == "progress":
            hand.snapshot = arguments[0]
        else:
            self._held[job.number].append((name, arguments))
            if self._order[0] is job:
                self._turn()

    def _lost(self, hand: Hand) -> None:
        status = hand.process.wait()
        how = f"signal {-status}" if status < 0 else f"status {status}"
        self._fail(hand, f"the process that ran it is gone ({how})", "memory? fewer at once: a smaller -j")
        hand.connection.close()
        self._hands.remove(hand)

    def _fail(self, hand: Hand, message: str, remedy: str) -> None:
        job = hand.job
        assert job is not None
        problem = Problem("environment", message, remedy)
        result = unrun(job.timeline, self._options, job.title, job.seed, "error", message, problems=(problem,))
        self._done[job.number] = Done(job, result, self._stopping)
        hand.job = hand.snapshot = None

    def _snapshot(self, of: int) -> Snapshot:
        """Return how far all of them are, as one."""
        now = [hand.snapshot for hand in self._hands if hand.snapshot is not None]
        states: dict[str, int] = {}
        for snapshot in now:
            for state, count in snapshot.states.items():
                states[state] = states.get(state, 0) + count
        running = sum(hand.job is not None for hand in self._hands)
        return Snapshot(
            title=f"{self._told + len(self._done)} of {of} cases done, {running} running",
            t=max((snapshot.t for snapshot in now), default=0),
            sessions=sum(snapshot.sessions for snapshot in now),
            devices=sum(snapshot.devices for snapshot in now),
            states=states,
            claims_open=sum(snapshot.claims_open for snapshot in now),
            claims_met=sum(snapshot.claims_met for snapshot in now),
            claims_missed=sum(snapshot.claims_missed for snapshot in now),
        )

    # --- traces ---------------------------------------------------------------------------------------------------

    def _trace_of(self, job: Job) -> Path | None:
        return self._folder / f"{job.number}.jsonl" if self._folder is not None else None

    def _part(self, job: Job, trace: IO[bytes] | None) -> None:
        """Put the part that a job wrote behind those of the jobs before it."""
        path = self._trace_of(job)
        if path is not None and trace is not None and path.exists():
            with path.open("rb") as part:
                shutil.copyfileobj(part, trace)
            path.unlink()


def side_by_side(
    jobs: Sequence[Job], options: RunOptions, trace: IO[bytes] | None, wanted: Wanted = lambda job: True
) -> Generator[Done, None, None]:
    """Yield the results of the jobs in their order, `options.jobs` of them at work at once.

    Whoever stops asking ends the work: what is still running is dropped.
    """
    with TemporaryDirectory(prefix="cpescript-") as folder:
        crew = Crew(options, min(options.jobs, len(jobs)), Path(folder) if trace is not None else None)
        with closing(crew):
            yield from crew.work(jobs, wanted, trace)
