"""Scenarios in Python: `Sim` is a scenario that is written while it runs.

Every statement of the language is there as `sim.do("…")`; the named methods write such a statement and do it, so that
both mean the same, are checked the same, and leave the same trace. Nothing runs but inside a call; virtual time passes
in `expect`, `wait_until` and `advance`, and nowhere else.

    with Sim(seed=7) as sim:
        fleet = sim.spawn(3, "hg100", as_="fleet")
        sim.expect("InformResponse", on=fleet, within="1m")
        sim.acs.set(fleet, {"Device.ManagementServer.PeriodicInformInterval": 600})
        sim.expect("SPV Device.ManagementServer.PeriodicInformInterval = 600", on=fleet, within="15m")
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any

from cpescript.diagnostics import Bag
from cpescript.execution.frame import Broken, Missed
from cpescript.execution.live import LiveExecutor
from cpescript.kernel.time import Duration, format_duration
from cpescript.language.catalogue import standard_catalogue
from cpescript.language.live import Live
from cpescript.report.explain import claim_lines, plain, scenario_lines
from cpescript.results import ClaimResult, ScenarioResult, Verdict
from cpescript.runner.case import Case
from cpescript.runner.checks import check_defects, check_policies
from cpescript.runner.loading import UsageError
from cpescript.runner.options import EMBEDDED, RunOptions
from cpescript.runner.run import resolved
from cpescript.runner.systems import read_system

__tracebackhide__ = True
"""pytest shows the line of the test, not ours."""

MISSED: frozenset[Verdict] = frozenset({"failed", "xpassed"})
"""Verdicts on the ACS."""
BROKEN: frozenset[Verdict] = frozenset({"error", "inconclusive"})
"""Verdicts that say nothing about it."""


class ScenarioError(Exception):
    """A statement that does not check, or one that broke the run: says nothing about the ACS."""


class ClaimMissed(AssertionError):
    """The ACS did not do what it owes. The text is a report's evidence; `claim` is None at the end of a run."""

    def __init__(self, text: str, claim: ClaimResult | None = None) -> None:
        super().__init__(text)
        self.claim = claim


class Devices:
    """Devices of a simulation, by the words that a statement names them with: `fleet`, `fleet[1]`, `fleet where …`."""

    def __init__(self, sim: Sim, words: str) -> None:
        self._sim = sim
        self._words = words

    def __str__(self) -> str:
        return self._words

    def __repr__(self) -> str:
        return f"<Devices {self._words}>"

    def __getitem__(self, index: int | slice) -> Devices:
        """`fleet[1]` is the first, `fleet[1:10]` the first ten: from 1, both ends included, as in a scenario."""
        if isinstance(index, slice):
            if index.step is not None or index.start is None or index.stop is None:
                raise ValueError("a slice of devices has two ends and no step: fleet[1:10]")
            return Devices(self._sim, f"{self._operand}[{index.start}..{index.stop}]")
        return Devices(self._sim, f"{self._operand}[{index}]")

    def __len__(self) -> int:
        """How many they are now."""
        return int(self._sim.value(f"len({self._words})"))

    def __iter__(self) -> Iterator[Devices]:
        """One after the other, as they are now."""
        return (self[number] for number in range(1, len(self) + 1))

    def where(self, condition: str) -> Devices:
        """Those of which a condition of the language holds: `fleet.where("offline")`."""
        return Devices(self._sim, f"{self._operand} where {condition}")

    def value(self, path: str) -> Any:
        """The value of a parameter: of one device a value, of several a list."""
        return self._sim.value(f"{path} of {self._operand}")

    @property
    def _operand(self) -> str:
        return f"({self._words})" if " " in self._words else self._words


Target = Devices | str
"""Devices, or the words for them."""
Time = str | timedelta | Duration
"""A length of virtual time: `"15m"`, as in a scenario, or a `timedelta`."""


def literal(value: Any) -> str:
    """Return a Python value as the language writes it. Raises TypeError for one that it has no word for."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Duration):
        return format_duration(value)
    if isinstance(value, timedelta):
        return length(value)
    if isinstance(value, float) and isfinite(value):
        # The language has no exponents.
        return format(Decimal(repr(value)), "f")
    if isinstance(value, int):
        return repr(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        return '"' + escaped.replace("{", "{{").replace("}", "}}") + '"'
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(str(key))}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(literal, value)) + "]"
    raise TypeError(f"a scenario has no word for {value!r}")


def length(time: Time) -> str:
    """Return a length of time as the language writes it."""
    if isinstance(time, timedelta):
        return format_duration((time.days * 86_400 + time.seconds) * 1_000_000_000 + time.microseconds * 1_000)
    if not isinstance(time, (str, Duration)):
        raise ScenarioError(f'a length of time has a unit: "{time}s" or a timedelta, not {time!r}')
    return time if isinstance(time, str) else format_duration(time)


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{path} = {literal(value)}" for path, value in values.items())


def _arguments(values: Mapping[str, Any]) -> str:
    return "(" + ", ".join(f"{name}: {literal(value)}" for name, value in values.items()) + ")"


def _clauses(**clauses: str | None) -> str:
    """Return clauses in their order; a trailing `_` of a name is Python's."""
    return "".join(f" {name.strip('_')} {value}" for name, value in clauses.items() if value is not None)


def _words(time: Time | None) -> str | None:
    return length(time) if time is not None else None


def _named(target: Target | None) -> str | None:
    return str(target) if target is not None else None


class Acs:
    """What is asked of the ACS, or of another system by its name."""

    def __init__(self, sim: Sim, system: str = "acs") -> None:
        self._sim = sim
        self._system = system

    def _do(self, words: str, on: Target | None = None, as_: str | None = None) -> None:
        self._sim.do(f"{self._system} {words}{_clauses(on=_named(on), as_=as_)}")

    def set(self, target: Target, values: Mapping[str, Any]) -> None:
        """Set parameters, in one message."""
        self._do(f"set {_settings(values)}", target)

    def get(self, target: Target, *paths: str) -> None:
        """Read parameters."""
        self._do(f"get {', '.join(paths)}", target)

    def add(self, target: Target, path: str, as_: str | None = None) -> None:
        """Add an instance of an object; `as_` keeps the answer (`sim.value("added.instance_number")`)."""
        self._do(f"add {path}", target, as_)

    def delete(self, target: Target, path: str) -> None:
        """Delete an instance of an object."""
        self._do(f"delete {path}", target)

    def download(
        self, target: Target, firmware: str | None = None, *, file_type: str | None = None, url: str | None = None
    ) -> None:
        """Order a firmware by its version, or a file by its type and URL. Raises ScenarioError for both or neither."""
        if (firmware is None) == (file_type is None):
            raise ScenarioError("a download names a firmware, or a file type and a URL")
        what = f"firmware {literal(firmware)}" if firmware is not None else literal(file_type)
        self._do(f"download {what}{_clauses(url=literal(url) if url is not None else None)}", target)

    def upload(self, target: Target, file_type: str, url: str | None = None) -> None:
        """Order a file of the device's."""
        self._do(f"upload {literal(file_type)}{_clauses(url=literal(url) if url is not None else None)}", target)

    def reboot(self, target: Target) -> None:
        self._do(f"reboot {target}")

    def factory_reset(self, target: Target) -> None:
        self._do(f"factory-reset {target}")

    def connect(self, target: Target) -> None:
        """Ask for a connection request, and nothing else."""
        self._do(f"connect {target}")

    def forget(self, target: Target) -> None:
        """Let the ACS drop what it knows of them."""
        self._do(f"forget {target}")

    def call(self, name: str, on: Target | None = None, as_: str | None = None, **arguments: Any) -> None:
        """Call what the policy or the adapter defines."""
        self._do(f"call {name}{_arguments(arguments)}", on, as_)


class Sim:
    """A scenario that is written while it runs. Use it with `with`, or `close` it.

    `policy`, `firmware` (version to size), `limit` and `starts_at` are the settings of a scenario; `acs`, `defects` and
    what has no name here (`trace`, `adapter`, `strict`) those of `RunOptions`. Paths are relative to `folder`. Without
    a seed one is drawn, and told by `seed`.

    Raises ScenarioError where the set-up does not check.
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        acs: str = EMBEDDED,
        policy: str | os.PathLike[str] | None = None,
        defects: str | Iterable[str] = (),
        firmware: Mapping[str, str] | None = None,
        limit: Time | None = None,
        starts_at: str | None = None,
        name: str = "simulation",
        folder: str | os.PathLike[str] = ".",
        **options: Any,
    ) -> None:
        if seed is not None and (not isinstance(seed, int) or not 0 <= seed < 2**64):
            raise ScenarioError(f"a seed is a whole number from 0, of 64 bits at most, not {seed!r}")
        defects = (defects,) if isinstance(defects, str) else tuple(defects)
        self._live = Live(Path(folder), standard_catalogue(read_system))
        lines = [
            *([f"limit {length(limit)}"] if limit is not None else []),
            *([f"starts at {starts_at}"] if starts_at is not None else []),
            *([f"policy {literal(os.fspath(policy))}"] if policy is not None else []),
            *(f"firmware {literal(version)} size {size}" for version, size in (firmware or {}).items()),
        ]
        timeline, bag = self._live.timeline(name, "".join(f"{line}\n" for line in lines))
        try:
            asked = RunOptions(scenarios=(), acs=acs, defects=defects, seed=seed, **options)
            self._options = resolved(asked)
        except UsageError as error:
            raise ScenarioError(f"{error.message}: {error.remedy}") from error
        if self._options.acs == EMBEDDED:
            check_defects(self._options.defects, bag)
            check_policies([timeline] if timeline is not None else [], bag)
        _refuse(bag)
        assert timeline is not None
        self.seed = seed if seed is not None else secrets.randbits(32)
        self._timeline = timeline
        self._trace = self._options.trace.open("wb") if self._options.trace is not None else None
        self._case = Case(timeline, self._options, self.seed, self._trace, executor=LiveExecutor)
        self._executor: LiveExecutor = self._case.executor  # type: ignore[assignment]
        self._result: ScenarioResult | None = None
        self._asked = 0
        self.acs = Acs(self)
        self._case.__enter__()
        if self._case.problems:
            raise ScenarioError(_story(self.close()))

    def __enter__(self) -> Sim:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close; where nothing else was raised, raise what `finish` raises."""
        if error is None:
            self.finish()
        else:
            self.close()

    # --- every statement ------------------------------------------------------------------------------------------

    def do(self, text: str) -> None:
        """Do one statement of the language, or several, one a line.

        Raises ScenarioError for a text that does not check, and for a set-up or precondition that broke; ClaimMissed
        where an `expect` does not hold.
        """
        if self._result is not None:
            raise ScenarioError("the simulation is closed")
        timeline, bag = self._live.extended(self._timeline, text)
        _refuse(bag)
        known = len(self._case.judge.claims)
        before = len(self._case.problems)
        stopped: Missed | Broken | None = None
        with self._case.told():
            stopped = self._executor.do(timeline, self._case.drive)
        if stopped is not None and self._unreached():
            raise ScenarioError(_story(self.close()))
        if isinstance(stopped, Missed):
            claims = self._case.judge.claims[known:] + self._executor.failures[-1:]
            missed = [claim for claim in claims if claim.verdict != "met"]
            claim = self._case.masker.value(missed[0])
            raise ClaimMissed(plain(claim_lines(claim)) + self._behind(), claim)
        if isinstance(stopped, Broken):
            problem = self._case.masker.value(stopped.problem)
            remedy = f"\n  = {problem.remedy}" if problem.remedy else ""
            raise ScenarioError(f"{problem.message}{remedy}\n  in: {text.strip()}")
        if len(self._case.problems) > before or self._executor.main.over:
            raise ScenarioError(_story(self.close()))

    def system(self, name: str) -> Acs:
        """Return another system that statements can name."""
        return Acs(self, name)

    def value(self, expression: str) -> Any:
        """Work out an expression of the language, here and now: `sim.value("count(Inform on fleet)")`."""
        self._asked += 1
        name = f"_value_{self._asked}"
        self.do(f"let {name} = {expression}")
        return self._executor.frame.scope.look_up(name)

    # --- what happens to devices ----------------------------------------------------------------------------------

    def spawn(self, count: int, profile: str, as_: str, over: Time | None = None, with_: str | None = None) -> Devices:
        """Make devices and boot them; `with_` are the lines of a `with:` block."""
        block = ""
        if with_ is not None:
            block = " with:\n" + "".join(f"    {line}\n" for line in with_.strip().splitlines())
        self.do(f"spawn {count} of {profile} as {as_}{_clauses(over=_words(over))}{block}")
        return Devices(self, as_)

    def stop(self, target: Target, *, abruptly: bool = False) -> None:
        self.do(f"stop {target}{' abruptly' if abruptly else ''}")

    def reboot(self, target: Target, over: Time | None = None) -> None:
        self.do(f"reboot {target}{_clauses(over=_words(over))}")

    def factory_reset(self, target: Target, over: Time | None = None) -> None:
        self.do(f"factory-reset {target}{_clauses(over=_words(over))}")

    def power_off(self, target: Target) -> None:
        self.do(f"power off {target}")

    def power_on(self, target: Target) -> None:
        self.do(f"power on {target}")

    def power_cycle(self, target: Target, for_: Time) -> None:
        self.do(f"power-cycle {target}{_clauses(for_=length(for_))}")

    def inform(self, target: Target, event: str | None = None) -> None:
        """Let devices open a session now."""
        self.do(f"inform {target}{_clauses(event=literal(event) if event is not None else None)}")

    def set(self, target: Target, values: Mapping[str, Any]) -> None:
        """Let devices change parameters of their own."""
        self.do(f"set {_settings(values)} on {target}")

    def add(self, target: Target, path: str) -> None:
        self.do(f"add {path} on {target}")

    def delete(self, target: Target, path: str) -> None:
        self.do(f"delete {path} on {target}")

    def inject(self, quirk: str, on: Target, for_: Time | None = None, **arguments: Any) -> None:
        """Let devices misbehave as a quirk of the catalogue says; its arguments by name."""
        self.do(f"inject quirk {quirk}{_arguments(arguments)} on {on}{_clauses(for_=_words(for_))}")

    def remove(self, quirk: str, target: Target) -> None:
        self.do(f"remove quirk {quirk} from {target}")

    def clear(self, target: Target) -> None:
        """End all quirks of devices."""
        self.do(f"clear {target}")

    # --- what the ACS owes ----------------------------------------------------------------------------------------

    def expect(
        self,
        claim: str,
        on: Target | None = None,
        within: Time | None = None,
        *,
        for_: Time | None = None,
        since: str | None = None,
        unless: str | None = None,
        as_: str | None = None,
    ) -> None:
        """Let time go by until a claim holds. Raises ClaimMissed where it does not in time."""
        self._claim("expect", claim, on, within, for_, since, unless, as_)

    def check(
        self,
        claim: str,
        on: Target | None = None,
        within: Time | None = None,
        *,
        for_: Time | None = None,
        since: str | None = None,
        unless: str | None = None,
        as_: str | None = None,
    ) -> None:
        """As `expect`, but a miss is kept for the end: `finish` raises it."""
        self._claim("check", claim, on, within, for_, since, unless, as_)

    def wait_until(self, claim: str, on: Target | None = None, *, within: Time, for_: Time | None = None) -> None:
        """Wait for a precondition. Raises ScenarioError where it does not come true."""
        self._claim("wait until", claim, on, within, for_, None, None, None)

    def always(self, claim: str, on: Target | None = None, until: str | None = None) -> None:
        """From here to the end, or until a claim holds."""
        self.do(f"always {claim}{_clauses(on=_named(on), until=until)}")

    def never(self, claim: str, on: Target | None = None, until: str | None = None) -> None:
        """From here to the end, or until a claim holds; what breaks it is told at the end."""
        self.do(f"never {claim}{_clauses(on=_named(on), until=until)}")

    def sometimes(self, claim: str, on: Target | None = None) -> None:
        """At least once from here to the end."""
        self.do(f"sometimes {claim}{_clauses(on=_named(on))}")

    def advance(self, time: Time) -> None:
        """Let virtual time go by."""
        self.do(f"wait {length(time)}")

    def note(self, text: str) -> None:
        """Write a line into the report."""
        self.do(f"note {literal(text)}")

    def _claim(
        self,
        word: str,
        claim: str,
        on: Target | None,
        within: Time | None,
        for_: Time | None,
        since: str | None,
        unless: str | None,
        as_: str | None,
    ) -> None:
        clauses = _clauses(on=_named(on), within=_words(within), for_=_words(for_), since=since, as_=as_, unless=unless)
        self.do(f"{word} {claim}{clauses}")

    # --- the end --------------------------------------------------------------------------------------------------

    @property
    def now(self) -> Duration:
        """Virtual time since the start."""
        return Duration(self._case.kernel.now)

    @property
    def verdict(self) -> Verdict:
        """The verdict so far; that of the whole once it is closed."""
        return self._result.verdict if self._result is not None else self._case.result().verdict

    def close(self) -> ScenarioResult:
        """End the simulation and return what was found: what a report of `cpescript run` has of a scenario."""
        if self._result is None:
            with self._case.told():
                self._executor.end()
            self._case.__exit__(None, None, None)
            if self._trace is not None:
                self._trace.close()
            # No command runs a test in Python again but its own runner.
            self._result = replace(self._case.result(), rerun="")
        return self._result

    def finish(self) -> ScenarioResult:
        """Close, and raise ClaimMissed where something was missed on the way, ScenarioError where something broke or
        could not be judged (`strict`: what is vacuous too)."""
        result = self.close()
        if result.verdict in MISSED | BROKEN:
            raised = ScenarioError if result.verdict in BROKEN else ClaimMissed
            raise raised(_story(result))
        return result

    def _unreached(self) -> bool:
        """Whether no connection to the ACS has stood so far: a miss says nothing about it then."""
        return bool(self._case.target and self._case.target.unreached())

    def _behind(self) -> str:
        return f"\nseed {self.seed}\n"


def _story(result: ScenarioResult) -> str:
    """Return what an error says of a whole result: first why, for a summary shows that line alone."""
    missed = next((claim for claim in result.claims if claim.verdict == "missed"), None)
    why = f"{missed.source.strip()}: {missed.message}" if missed and result.verdict == "failed" else result.reason
    return f"{why}\n\n{plain(scenario_lines(result))}"


def _refuse(bag: Bag) -> None:
    if bag.failed:
        # A warning may be about words that are ours: the name that `value` gives to what it works out.
        errors = Bag([item for item in bag if item.severity == "error"], bag.sources)
        raise ScenarioError(f"{errors.items[0].message}\n\n{errors.render()}")
