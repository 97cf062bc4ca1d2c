"""The plan of a timeline: what would happen when, to which devices, beside what. Nothing runs.

Times are virtual. A statement that waits for the ACS takes between nothing and its deadline, so what follows it has an
earliest and a latest time; where even the latest is not known (a loop over what is drawn while running) it is open.
Device numbers count from 1 through the whole scenario, in the order of spawning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cpescript.kernel.time import DAY, Duration, Instant, Percent, TimeOfDay, format_clock
from cpescript.language import timeline as tl
from cpescript.pattern import expression as px
from cpescript.pattern.functions import quota, share_of

SCHEMA = "cpescript-plan/1"

MAX_ROWS = 100_000
"""Most statements that a plan shows. Procedures that run procedures twice multiply; nobody reads on so far."""


MAX_LINES = 50
"""Most monitors, and most of what runs beside, that a row names: the newest."""


@dataclass(frozen=True, slots=True)
class When:
    """An instant as far as known: nanoseconds from the start; `latest` None where it is open."""

    earliest: int
    latest: int | None

    def later(self, other: When) -> When:
        """Return this instant moved by a length of time."""
        known = self.latest is not None and other.latest is not None
        return When(self.earliest + other.earliest, (self.latest or 0) + (other.latest or 0) if known else None)

    def both(self, other: When) -> When:
        """Return the instant at which both are over."""
        known = self.latest is not None and other.latest is not None
        latest = max(self.latest or 0, other.latest or 0) if known else None
        return When(max(self.earliest, other.earliest), latest)

    def either(self, other: When) -> When:
        """Return the instant that is one of both."""
        return replace(self.both(other), earliest=min(self.earliest, other.earliest))

    def times(self, count: int | None) -> When:
        """Return a length of time, `count` times over; any number of times for None."""
        if count is None:
            return When(0, 0) if self.latest == 0 else When(0, None)
        return When(self.earliest * count, self.latest * count if self.latest is not None else None)

    def __str__(self) -> str:
        if self.latest == self.earliest:
            return format_clock(self.earliest)
        return f"{format_clock(self.earliest)}..{format_clock(self.latest) if self.latest is not None else ''}"


NOTHING = When(0, 0)
OPEN = When(0, None)


@dataclass(frozen=True, slots=True)
class Who:
    """Devices as far as known before running: numbers that it can be, and how many of them it is (None: unknown)."""

    numbers: Sequence[int] = ()
    count: int | None = 0
    known: bool = True
    """Whether `numbers` is complete; else the devices are chosen while running."""

    def __str__(self) -> str:
        if not self.numbers:
            return "nobody" if self.known else "devices chosen while running"
        ranges = _ranges(self.numbers)
        if self.count == len(self.numbers):
            return f"device {ranges}" if len(self.numbers) == 1 else f"devices {ranges}"
        return f"{self.count} of devices {ranges}" if self.count is not None else f"some of devices {ranges}"


@dataclass(slots=True)
class Row:
    """One statement of the plan."""

    file: str
    line: int
    depth: int
    source: str
    begins: When
    ends: When
    who: Who | None = None
    lasts_until: str = ""
    """For a monitor or a handler: what ends it."""
    beside: tuple[int, ...] = ()
    """Lines of what else runs meanwhile: branches, backgrounds."""
    monitors: tuple[int, ...] = ()
    """Lines of the monitors that are open when it begins."""
    amounts: tuple[str, ...] = ()
    """Further notes: percentages as numbers, where a procedure stands."""


class Planner:
    """Works out the rows of one timeline."""

    def __init__(self, timeline: tl.Timeline) -> None:
        self.timeline = timeline
        self.rows: list[Row] = []
        self.devices: dict[str, Sequence[int]] = {}
        self.made = 0
        self.names: dict[str, Who] = {}
        self.values: dict[str, Any] = {}
        """What names stand for, where that is known beforehand: a `let`, an argument."""
        self.monitors: list[int] = []
        self.beside: list[int] = []
        self.profiles: dict[str, str] = {}
        self.over = NOTHING
        self.cut = False
        """Whether there is more than `MAX_ROWS` to show."""
        self.current = Who((), None, False)
        """Who `device` is."""

    def run(self) -> Planner:
        self.over = self.block(self.timeline.body, NOTHING, 0, "the end of the scenario")
        if self.timeline.final:
            # It runs whatever happened, so from the first instant on.
            self.over = self.block(self.timeline.final, When(0, self.over.latest), 0, "the end")
        return self

    def block(self, steps: Sequence[tl.Step], now: When, depth: int, end: str) -> When:
        """Plan the steps of a block that begins at `now`; return when it is over."""
        monitors, beside, values = self.monitors[:], self.beside[:], dict(self.values)
        for step in steps:
            if len(self.rows) >= MAX_ROWS:
                self.cut = True
                break
            now = self.step(step, now, depth, end)
        self.monitors, self.beside, self.values = monitors, beside, values
        return now

    def step(self, step: tl.Step, now: When, depth: int, end: str) -> When:
        span = step.span
        row = Row(
            span.source,
            span.line,
            depth,
            step.source,
            now,
            now,
            beside=tuple(self.beside[-MAX_LINES:]),
            monitors=tuple(self.monitors[-MAX_LINES:]),
        )
        self.rows.append(row)
        plan = _STEPS.get(type(step))
        if plan is not None:
            row.ends = plan(self, step, row, end)
        return row.ends

    # --- who ---------------------------------------------------------------------------------------------------------

    def who(self, target: Any) -> Who:
        if isinstance(target, px.Cohort):
            if target.name in self.names:
                return self.names[target.name]
            numbers = self.devices.get(target.name)
            return Who(numbers, len(numbers)) if numbers is not None else Who((), None, False)
        if isinstance(target, px.All):
            numbers = range(1, self.made + 1)
            return Who(numbers, len(numbers))
        if isinstance(target, px.Device):
            return self.current
        if isinstance(target, px.Slice):
            return self._slice(target)
        if isinstance(target, px.Where):
            base = self.who(target.base)
            return Who(base.numbers, None, False)
        if isinstance(target, px.Except):
            base, removed = self.who(target.base), self.who(target.removed)
            if removed.count != len(removed.numbers) or base.count != len(base.numbers):
                return Who(base.numbers, None, False)
            gone = set(removed.numbers)
            numbers = tuple(number for number in base.numbers if number not in gone)
            return Who(numbers, len(numbers), base.known and removed.known)
        if isinstance(target, px.Union_):
            parts = [self.who(part) for part in target.parts]
            numbers = tuple(sorted({number for part in parts for number in part.numbers}))
            whole = all(part.count == len(part.numbers) for part in parts)
            return Who(numbers, len(numbers) if whole else None, whole)
        if isinstance(target, px.Draw):
            base = self.who(target.base)
            if base.count is None or not isinstance(target.amount, px.Literal_):
                return Who(base.numbers, None, False)
            return Who(base.numbers, min(share_of(target.amount.value, base.count), base.count), False)
        return Who((), None, False)

    def _slice(self, target: px.Slice) -> Who:
        base = self.who(target.base)
        first, last = _literal(target.first), _literal(target.last) if target.last is not None else None
        if not isinstance(first, int) or base.count != len(base.numbers) or (target.last is not None and last is None):
            return Who(base.numbers, None, False)
        numbers = base.numbers[first - 1 : last if isinstance(last, int) else first]
        return Who(numbers, len(numbers), base.known)

    # --- steps: each returns when the statement is over ---------------------------------------------------------------

    def spawn(self, step: tl.Spawn, row: Row, end: str) -> When:
        count = self.value(step.count)
        count = count if isinstance(count, int) else 0
        numbers = range(self.made + 1, self.made + count + 1)
        self.made += count
        self.devices[step.cohort] = numbers
        self.profiles[step.cohort] = step.profile
        row.who = Who(numbers, len(numbers))
        return row.begins

    def act(self, step: tl.Act | tl.Stimulus, row: Row, end: str) -> When:
        row.who = self.who(step.target) if step.target is not None else None
        return row.begins

    def expect(self, step: tl.Expect, row: Row, end: str) -> When:
        row.who = self.who(step.on) if step.on is not None else None
        row.amounts = _amounts(step, row.who)
        lasting = self.length(step.lasting)
        if step.within is None:
            return row.begins.later(lasting)
        within = self.length(step.within)
        if isinstance(step.claim, tl.MessageClaim) and step.claim.comparison in ("at most", "exactly"):
            return row.begins.later(within)  # judged when the window closes
        return row.begins.later(When(lasting.earliest, within.latest))

    def monitor(self, step: tl.Monitor, row: Row, end: str) -> When:
        row.who = self.who(step.on) if step.on is not None else None
        row.amounts = _amounts(step, row.who)
        row.lasts_until = end if step.until is None else f"its 'until', or {end}"
        self.monitors.append(step.span.line)
        return row.begins

    def handler(self, step: tl.Handler, row: Row, end: str) -> When:
        row.who = self.who(step.on)
        row.lasts_until = end
        outer, self.current = self.current, _one_of(row.who)
        self.block(step.body, OPEN, row.depth + 1, f"the end of line {step.span.line}'s block")
        self.current = outer
        self.beside.append(step.span.line)
        return row.begins

    def wait(self, step: tl.Wait, row: Row, end: str) -> When:
        if step.duration is not None:
            return row.begins.later(self.length(step.duration))
        return self.next(step.moment, row.begins)

    def next(self, moment: TimeOfDay | None, now: When) -> When:
        """Return the next such time of day behind an instant that may itself be known only roughly."""
        if moment is None or now.latest != now.earliest:
            return now.later(When(0, DAY))
        from datetime import datetime, timedelta
        from zoneinfo import ZoneInfo

        zone = ZoneInfo(self.timeline.zone)
        instant = Instant(self.timeline.start + now.earliest)
        here = datetime.fromtimestamp(instant // 10**9, zone)
        seconds = moment // 10**9
        for ahead in range(3):
            day = (here + timedelta(days=ahead)).replace(
                hour=seconds // 3600, minute=seconds // 60 % 60, second=seconds % 60, microsecond=0
            )
            found = int(day.timestamp()) * 10**9
            if found > instant:
                return When(found - self.timeline.start, found - self.timeline.start)
        return now.later(When(0, DAY))

    def repeat(self, step: tl.Repeat, row: Row, end: str) -> When:
        inner = f"the end of line {step.span.line}'s block"
        over = self.block(step.body, row.begins, row.depth + 1, inner)
        if step.count is None:
            return row.begins.later(self.length(step.lasting) if step.lasting is not None else OPEN)
        count = self.value(step.count)
        return row.begins.later(_length(row.begins, over).times(count if isinstance(count, int) else None))

    def for_each(self, step: tl.ForEach, row: Row, end: str) -> When:
        inner = f"the end of line {step.span.line}'s block"
        if isinstance(step.over, (px.Cohort, px.All, px.Slice, px.Where, px.Except, px.Union_, px.Draw)):
            row.who = self.who(step.over)
            count = row.who.count
            outer, self.current = self.current, _one_of(row.who)
            self.names[step.name] = self.current
        else:
            count, outer = len(step.over.items) if isinstance(step.over, px.ListNode) else None, self.current
        over = self.block(step.body, row.begins, row.depth + 1, inner)
        self.names.pop(step.name, None)
        self.current = outer
        if step.together:
            return over
        return row.begins.later(_length(row.begins, over).times(count))

    def parallel(self, step: tl.Parallel, row: Row, end: str) -> When:
        over = row.begins
        lines = [branch.span.line for branch in step.body]
        outer = self.beside[:]
        for branch in step.body:
            self.beside = [*outer, *(line for line in lines if line != branch.span.line)]
            over = over.both(self.step(branch, row.begins, row.depth + 1, "its branch's end"))
        self.beside = outer
        return over

    def background(self, step: tl.Background | tl.At, row: Row, end: str) -> When:
        begins = row.begins
        if isinstance(step, tl.At):
            begins = begins.later(self.length(step.delay)) if step.delay is not None else self.next(step.moment, begins)
        row.lasts_until = "the end of the scenario"
        self.block(step.body, begins, row.depth + 1, f"the end of line {step.span.line}'s block")
        self.beside.append(step.span.line)
        return row.begins

    def if_(self, step: tl.If, row: Row, end: str) -> When:
        ends: When | None = None
        inner = f"the end of line {step.span.line}'s block"
        for (span, source), (condition, body) in zip(step.heads, step.branches, strict=True):
            if span != step.span:
                self.rows.append(replace(row, line=span.line, source=source))
            known = True if condition is None else self.value(condition)
            if known is not False:
                over = self.block(body, row.begins, row.depth + 1, inner)
                ends = over if ends is None else ends.either(over)
            if known is True:
                # What stands behind it never runs in this case.
                return ends or row.begins
        return row.begins if ends is None else ends.either(row.begins)

    def let(self, step: tl.Let, row: Row, end: str) -> When:
        if isinstance(step.value, (px.Cohort, px.All, px.Slice, px.Where, px.Except, px.Union_, px.Draw)):
            row.who = self.names[step.name] = self.who(step.value)
        self.values[step.name] = self.value(step.value)
        return row.begins

    def do(self, step: tl.Do, row: Row, end: str) -> When:
        procedure = self.timeline.procedures[step.procedure]
        outer, values = dict(self.names), self.values
        given = {**procedure.defaults, **step.arguments}
        self.values = {name: self.value(value) for name, value in given.items()}
        for name, value in given.items():
            if isinstance(value, (px.Cohort, px.All, px.Slice, px.Where, px.Except, px.Union_, px.Draw)):
                self.names[name] = self.who(value)
        if procedure.body and procedure.body[0].span.source != step.span.source:
            row.amounts = (f"from {procedure.body[0].span.source}",)
        over = self.block(procedure.body, row.begins, row.depth + 1, f"the end of '{step.procedure}'")
        over = self.block(procedure.final, over, row.depth + 1, f"the end of '{step.procedure}'")
        self.names, self.values = outer, values
        return over

    def value(self, node: Any) -> Any:
        """Return the value of a node where that is known before anything runs, else None."""
        node = node.value if isinstance(node, px.Needed) else node
        return self.values.get(node.name) if isinstance(node, px.Name) else _literal(node)

    def length(self, node: Any) -> When:
        if node is None:
            return NOTHING
        value = self.value(node)
        return When(int(value), int(value)) if isinstance(value, Duration) else OPEN


def _one_of(who: Who) -> Who:
    """Return one device of these, chosen while running."""
    return Who(who.numbers, 1 if who.numbers else None, len(who.numbers) == 1 and who.known)


def _amounts(step: tl.Expect | tl.Monitor, who: Who | None) -> tuple[str, ...]:
    """Return how many devices the percentage of a quantifier is, where that is known."""
    amount, known = step.quantifier.amount, who.count if who is not None else None
    if not isinstance(amount, px.Literal_) or not isinstance(amount.value, Percent) or known is None:
        return ()
    return (f"{amount.value} is {quota(step.quantifier.kind, amount.value, known)}",)


def _literal(node: Any) -> Any:
    return node.value if isinstance(node, px.Literal_) else None


def _length(begins: When, ends: When) -> When:
    latest = ends.latest - begins.latest if ends.latest is not None and begins.latest is not None else None
    return When(max(0, ends.earliest - begins.earliest), latest)


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """Return rising numbers as runs without a gap: the first and the last number of each."""
    if isinstance(numbers, range):
        return [[numbers[0], numbers[-1]]] if numbers else []
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return runs


def _ranges(numbers: Sequence[int]) -> str:
    """Return `1-100, 105`."""
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in _runs(numbers))


_STEPS: Mapping[type[tl.Step], Callable[[Planner, Any, Row, str], When]] = {
    tl.Spawn: Planner.spawn,
    tl.Act: Planner.act,
    tl.Stimulus: Planner.act,
    tl.Expect: Planner.expect,
    tl.Monitor: Planner.monitor,
    tl.Handler: Planner.handler,
    tl.Wait: Planner.wait,
    tl.Repeat: Planner.repeat,
    tl.ForEach: Planner.for_each,
    tl.Parallel: Planner.parallel,
    tl.Background: Planner.background,
    tl.At: Planner.background,
    tl.If: Planner.if_,
    tl.Let: Planner.let,
    tl.Do: Planner.do,
}


# --- how it is shown -------------------------------------------------------------------------------------------------


def _head(timeline: tl.Timeline) -> dict[str, Any]:
    return {
        "seed": timeline.seed,
        "limit": str(timeline.limit),
        "clock": timeline.clock if timeline.clock != "scaled" else f"scaled {timeline.scale:g}x",
        "starts_at": str(timeline.start),
        "zone": timeline.zone,
        "patience": str(timeline.patience),
        "skip": timeline.skip,
        "expected_to_fail": timeline.expected_to_fail,
        "params": {param.name: "***" if param.secret else _shown(param.value) for param in timeline.params},
        "firmware": {version: str(size) for version, size in timeline.firmware.items()},
    }


def _shown(value: Any) -> Any:
    return value if type(value) in (int, float, bool, str, type(None), list, dict) else str(value)


def plan_data(timeline: tl.Timeline) -> dict[str, Any]:
    """Return the plan as plain data: lists, mappings, texts and numbers.

    Times are virtual nanoseconds, None where they are open. Devices are runs of numbers, `[[1, 100], [105, 105]]`.
    """
    planner = Planner(timeline).run()
    return {
        "schema": SCHEMA,
        "scenario": timeline.title,
        "file": timeline.file,
        **_head(timeline),
        "cohorts": {
            name: {"profile": planner.profiles[name], "devices": _runs(numbers)}
            for name, numbers in planner.devices.items()
        },
        "steps": [
            {
                "file": row.file,
                "line": row.line,
                "depth": row.depth,
                "source": row.source,
                "earliest": row.begins.earliest,
                "latest": row.begins.latest,
                "ends_earliest": row.ends.earliest,
                "ends_latest": row.ends.latest,
                "devices": _runs(row.who.numbers) if row.who is not None else None,
                "count": row.who.count if row.who is not None else None,
                "lasts_until": row.lasts_until or None,
                "beside": list(row.beside),
                "monitors": list(row.monitors),
                "notes": list(row.amounts),
            }
            for row in planner.rows
        ],
        "ends_earliest": planner.over.earliest,
        "ends_latest": planner.over.latest,
        "cut": planner.cut,
    }


def plan_text(timeline: tl.Timeline) -> str:
    """Return the plan as text, the same for the same timeline, with a line break at its end."""
    planner = Planner(timeline).run()
    head = _head(timeline)
    rows = [f'scenario "{timeline.title}"']
    seed = "drawn" if head["seed"] is None else head["seed"]
    rows.append(
        f"  seed {seed}, limit {head['limit']}, clock {head['clock']}, from {head['starts_at']}, zone {head['zone']}"
    )
    for word, values in (("param", head["params"]), ("firmware", head["firmware"])):
        rows.extend(f"  {word} {name} = {value}" for name, value in values.items())
    for name, numbers in planner.devices.items():
        rows.append(f"  {name}: {Who(numbers, len(numbers))} of {planner.profiles[name]}")
    for word in ("skip", "expected_to_fail"):
        if head[word] is not None:
            rows.append(f"  {word.replace('_', ' ')}: {head[word]}")
    rows.append("")
    width = max([len(str(row.begins)) for row in planner.rows], default=0)
    for row in planner.rows:
        rows.append(f"{row.line:>5}  {row.begins!s:<{width}}  {'  ' * row.depth}{row.source}".rstrip())
        notes = _notes(row)
        if notes:
            rows.append(f"{'':>5}  {'':<{width}}  {'  ' * row.depth}  ({'; '.join(notes)})")
    if planner.cut:
        rows.append(f"{'':>5}  {'':<{width}}  … and more than {MAX_ROWS} statements are left out")
    elif planner.rows:
        rows.append(f"{'':>5}  {planner.over!s:<{width}}  the end")
    return "\n".join(rows) + "\n"


def _notes(row: Row) -> list[str]:
    notes = [str(row.who)] if row.who is not None else []
    notes.extend(row.amounts)
    if row.ends != row.begins:
        notes.append(f"over at {row.ends}")
    if row.lasts_until:
        notes.append(f"lasts until {row.lasts_until}")
    if row.monitors:
        notes.append(f"watched by {_lines(sorted(row.monitors))}")
    if row.beside:
        notes.append(f"beside {_lines(row.beside)}")
    return notes


def _lines(lines: Sequence[int]) -> str:
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"
