"""What a run is asked to do: every choice of `cpescript run` as plain data, and the hooks by which it is watched.

The command line fills it in; tests, the pytest plugin and Python authors may do so too. Nothing here runs anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cpescript.results import MessageLine, ScenarioResult, Snapshot
from cpescript.transport.options import DEFAULT, WireOptions

EMBEDDED = "embedded"
"""The value of `acs` that means the reference ACS inside this process."""

DEFAULT_WINDOW = 1_000_000_000
"""Virtual nanoseconds whose events share a real wire: 44 sessions/s without it, 1,578 with (architecture, Time)."""
DEFAULT_IN_FLIGHT = 200
"""Sessions on a real wire at once."""
DEFAULT_REAL_LIMIT = 3600.0
"""Real seconds after which a run ends (language page, Time)."""
ASK_ABOVE = 10
"""More devices than this towards an ACS that is not on loopback need `yes`."""


class Observer(Protocol):
    """Who watches a run go by. Every method returns at once and never raises."""

    def started(self, title: str, file: str) -> None:
        """A case begins; `title` carries its matrix values."""

    def step(self, t: int, line: int, source: str) -> None:
        """A statement starts at virtual time `t`; called only when `RunOptions.verbose` is at least 1."""

    def message(self, device: str, line: MessageLine) -> None:
        """A message of the followed device (every device's at `verbose` 2) went over the wire."""

    def progress(self, snapshot: Snapshot) -> None:
        """How far the run is; called as often as the engine likes, the observer thins it out."""

    def make_room(self, asking: bool) -> None:
        """Somebody is asked something on the terminal, which must be free, or has answered."""

    def finished(self, result: ScenarioResult) -> None:
        """A case is over."""


class Silent:
    """An observer that looks away."""

    def started(self, title: str, file: str) -> None:
        pass

    def step(self, t: int, line: int, source: str) -> None:
        pass

    def message(self, device: str, line: MessageLine) -> None:
        pass

    def progress(self, snapshot: Snapshot) -> None:
        pass

    def make_room(self, asking: bool) -> None:
        pass

    def finished(self, result: ScenarioResult) -> None:
        pass


def never() -> bool:
    """The answer of nobody who wants a run to end."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class NorthSide:
    """How an ACS's north side is spoken to, besides its URL."""

    options: Mapping[str, str] = field(default_factory=dict)
    """Options of an adapter file."""
    username: str | None = None
    password: str | None = None
    proxy: str | None = None
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_insecure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """One run. Durations ending in `_ns` are virtual nanoseconds, those in `_s` real seconds."""

    scenarios: tuple[str, ...]
    """Paths of scenario files or of folders of them, or names of ones that ship."""
    keyword: str | None = None
    """`-k`: an expression over parts of the cases' titles and of their files' names."""
    tags: str | None = None
    """`--tags`: an expression over tags."""
    only: tuple[str, ...] = ()
    """Names of scenarios, or titles of cases, to the letter; empty: all."""
    fail_fast: bool = False
    """End with the first case that did not pass."""
    rerun_failed: bool = False
    """Only what `last_run` says did not pass, with the seeds of then; without `scenarios`, wherever that stands."""
    last_run: Path | None = None
    """The record of what did not pass (`runner.last`); None: none is kept."""
    jobs: int = 1
    """Cases at once, each in a process of its own where it is more than one."""
    at_most: int | None = None
    """Devices that each `spawn` makes at most."""
    repeat: int = 1
    """How often everything is run."""
    acs: str = EMBEDDED
    """`embedded`, or the CWMP URL of an ACS."""
    adapter: str | None = None
    """How stimuli reach the ACS: `cpescript`, or another adapter's name; None: what fits `acs`."""
    north: str | None = None
    """URL of the ACS's north side, for the adapter; for `command`, the program with its arguments."""
    north_side: NorthSide = field(default_factory=NorthSide)
    wire: WireOptions = DEFAULT
    """How the fleet reaches an external ACS: TLS, proxy, source addresses."""
    allow_exec: bool = False
    """Whether the adapter `command` may run a program."""
    keep: bool = False
    """Leave the devices of a run in an external ACS; else it is told to forget them."""
    policy: Path | None = None
    """Policy file of the embedded ACS, stronger than the scenario's own."""
    defects: tuple[str, ...] = ()
    """Deliberate defects of the embedded ACS, by name."""
    seed: int | None = None
    """Stronger than the scenario's; None: the scenario's, else drawn and reported."""
    params: Mapping[str, str] = field(default_factory=dict)
    """`--param NAME=VALUE`: values as they were typed."""
    params_file: Mapping[str, Any] = field(default_factory=dict)
    """What the file of `--params` holds."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Where `CPES_PARAM_<name>` is looked up; the command hands its own environment in."""
    strict: bool = False
    """Vacuous claims make the verdict inconclusive."""
    yes: bool = False
    """Go ahead with more than ASK_ABOVE devices towards an ACS that is not on loopback."""
    serial_prefix: str = ""
    window_ns: int = DEFAULT_WINDOW
    in_flight: int = DEFAULT_IN_FLIGHT
    real_limit_s: float = DEFAULT_REAL_LIMIT
    patience_ns: int | None = None
    """Stronger than the scenario's `patience`."""
    session_gap_ns: int | None = None
    """Real time that a device rests between two sessions, under `clock virtual`; None: `SESSION_GAP`, and none for an
    ACS that is driven, which is on the same clock."""
    trace: Path | None = None
    """Where the trace is written as JSON Lines."""
    state: Path | None = None
    """The file that keeps the fleet between runs; it is made where it is not there."""
    trace_digest: bool = False
    """Work out the trace's SHA-256 without keeping it."""
    follow: str | None = None
    """A device's name (`fleet[3]`), identity or serial number, whose messages go to the observer."""
    verbose: int = 0
    observer: Observer = field(default_factory=Silent)
    interrupted: Callable[[], bool] = never
    """Polled between events: True ends the run early, with a result of what ran."""
    secrets: tuple[str, ...] = ()
    """Texts that nothing may show besides the values of `secret param`s: passwords of the ACS under test."""
    learnt: list[str] = field(default_factory=list)
    """The same, as they come up in the run: what adapters were handed, and the tokens of their logins."""
    rerun: str = ""
    """The options of this command line without seed and scenario, for the exact command that runs a case again."""
