"""The judge against an oracle that knows the language page's rules and nothing of latches, indexes or timers: it has
the whole trace before it and asks of every moment anew.

A *moment* is when a claim opens and, from there on, every record. Small traces of three devices, claims of every kind.
"""

from itertools import permutations
from types import SimpleNamespace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpescript.diagnostics import Span
from cpescript.judge.judge import Judge
from cpescript.judge.waiting import Statement
from cpescript.kernel.queue import DEVICE, TIMELINE, Kernel, Owner
from cpescript.kernel.time import SECOND
from cpescript.kernel.trace import FROM_ACS, Trace
from cpescript.pattern import expression as x
from cpescript.pattern.claim import BlockClaim, MessageClaim, Quantifier, StateClaim
from cpescript.pattern.evaluate import Scope
from cpescript.runner.case import JudgeTimers

SPAN = Span("case.cpes", 1, 1, 1, 2)
DEVICES = (1, 2, 3)
END = 20
KINDS = ("Download", "Reboot")
STATES = ("online", "updating")


class Said:
    paths, settings = (), {}

    def __init__(self, kind, mark):
        self.kind, self.mark = kind, mark

    def field(self, name):
        return {"command_key": self.mark}[name]

    def type_of(self, path):
        return None


class Box(Owner):
    """A device as the trace sees it."""

    recent = None

    @property
    def name(self):
        return f"fleet[{self.number}]"


class World:
    """A trace that is written down, and a judge that hears it."""

    def __init__(self, events):
        self.kernel = Kernel()
        self.trace = Trace(self.kernel)
        witness = SimpleNamespace(identity=lambda device: f"00-HG-{device}", recent=lambda device: ())
        self.judge = Judge(
            self.trace, JudgeTimers(self.kernel), witness, lambda: self.kernel.now, sources={}, states=STATES
        )
        self.scope = Scope(self.judge.facts)
        self.records = []
        self.boxes = {}
        for number in DEVICES:
            box = self.boxes[number] = Box(number)
            self.trace.fact(box, "spawn", cohort="fleet", index=number, identity="", labels={})
        author = Owner(9)
        for event in events:
            self.kernel.at(event[0] * SECOND, author, self._happen, event, DEVICE)

    def _happen(self, event):
        t, device, what, value = event
        if what in STATES:
            self.trace.fact(self.boxes[device], "state", state=what, on=value)
        else:
            self.trace.message(self.boxes[device], 1, FROM_ACS, "cwmp", what, None, b"", Said(what, value))
        self.records.append((self.trace.count, t, device, what, value))

    def at(self, second, action):
        self.kernel.at(int(second * SECOND), Owner(0), lambda _: action(), None, TIMELINE)

    def run(self):
        self.kernel.run(until=END * SECOND)


# --- the oracle ------------------------------------------------------------------------------------------------------


class Oracle:
    """Judges a finished trace. `records` are (n, second, device, kind or state, mark or on)."""

    def __init__(self, records):
        self.records = records

    def matches(self, claim, group, opens, closes, above=0, taken=()):
        """The record numbers of what matches, of a group of devices, in a window."""
        marked = claim.pattern.where is not None
        return [
            n
            for n, t, device, what, mark in self.records
            if device in group and what == claim.pattern.kind and (mark or not marked)
            and opens <= t <= closes and n > above and n not in taken
        ]  # fmt: skip

    def block(self, claim, group, opens, closes, above=0):
        """The smallest record number by which a block's claims are met by distinct messages, None for never."""
        lines = [self.matches(part, group, opens, closes, above) for part in claim.claims]
        if claim.kind == "one of":
            return min((n for each in lines for n in each), default=None)
        everything = sorted({n for each in lines for n in each})
        found = []
        for chosen in permutations(everything, len(lines)):
            if claim.kind == "in order" and list(chosen) != sorted(chosen):
                continue
            if all(n in each for n, each in zip(chosen, lines, strict=True)):
                found.append(max(chosen))
        return min(found, default=None)

    def came_true(self, claim, group, opens, closes, taken=()):
        """The record number at which a claim of messages came true, None where it did not."""
        if isinstance(claim, BlockClaim):
            return self.block(claim, group, opens, closes)
        found = self.matches(claim, group, opens, closes, taken=taken)
        if claim.comparison == "at least":
            needed = claim.count.value
            return (found[needed - 1] if needed else 0) if len(found) >= needed else None
        return found[0] if found else None

    def held(self, state, device, n):
        """Whether a device was in a state after record `n`."""
        on = False
        for number, _, whose, what, value in self.records:
            if number <= n and whose == device and what == state:
                on = value
        return on

    def moments(self, opened, until):
        """(record number, second) of the opening and of each record from there on."""
        first = max((n for n, t, *_ in self.records if t <= opened), default=0)
        return [(first, opened)] + [(n, t) for n, t, *_ in self.records if opened < t <= until]


def enough(quantifier, met, total):
    number = {"each": total, "any": 1, "across": total}.get(quantifier.kind)
    if number is None:
        number = quantifier.amount.value
    return {"at most": met <= number, "exactly": met == number}.get(quantifier.kind, met >= number)


def groups(quantifier):
    return [DEVICES] if quantifier.kind == "across" else [(device,) for device in DEVICES]


# --- what is generated -----------------------------------------------------------------------------------------------


def pattern(kind, marked=False):
    where = x.Binary(SPAN, "==", x.Field(SPAN, ("command_key",)), x.Literal_(SPAN, True)) if marked else None
    return x.MessagePattern(SPAN, kind, frozenset({kind}), (), where)


events = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from(DEVICES), st.sampled_from(KINDS + STATES), st.booleans()),
    min_size=2,
    max_size=12,
).map(lambda all_: sorted(all_, key=lambda event: event[0]))
counted = st.builds(
    lambda kind, number: Quantifier(kind, x.Literal_(SPAN, number)),
    st.sampled_from(["at least", "at most", "exactly"]),
    st.integers(0, 3),
)
per_device = st.one_of(st.sampled_from([Quantifier("each"), Quantifier("any")]), counted)
quantifiers = st.one_of(per_device, st.just(Quantifier("across")))
messages = st.builds(
    lambda kind, marked: MessageClaim(SPAN, pattern(kind, marked)), st.sampled_from(KINDS), st.booleans()
)
counts = st.builds(
    lambda kind, comparison, number: MessageClaim(
        SPAN, pattern(kind), comparison=comparison, count=x.Literal_(SPAN, number)
    ),
    st.sampled_from(KINDS),
    st.sampled_from(["exactly", "at most", "at least"]),
    st.integers(0, 3),
)
downloads = st.builds(lambda marked: MessageClaim(SPAN, pattern("Download", marked)), st.booleans())
blocks = st.builds(
    lambda kind, parts: BlockClaim(SPAN, kind, tuple(parts)),
    st.sampled_from(["in order", "in any order", "one of"]),
    # Lines that compete for the same messages are what is hard.
    st.lists(st.one_of(messages, downloads), min_size=1, max_size=3),
)
states = st.builds(lambda state, negated: StateClaim(SPAN, state, negated), st.sampled_from(STATES), st.booleans())
times = st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 4))
"""(seconds from the last action to the opening, second of the last action, length)."""

lean = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FLEET = x.Cohort(SPAN, "fleet")


def statement(claim, word="expect"):
    return Statement(word, claim, SPAN, "")


def opened(world, claim, quantifier, mode, when, *, window, length, lasting=0, taken=None, unless=None, done=None):
    """Open a claim at a second, and return a list that its outcome will be in."""
    decided = []

    def open_():
        world.judge.open(
            statement(claim), quantifier, DEVICES, world.scope, mode,
            window=window * SECOND, after=world.trace.count if mode == "for" else 0,
            deadline=world.kernel.now + length * SECOND, lasting=lasting * SECOND,
            taken=taken, unless=(unless, DEVICES) if unless is not None else None,
            done=lambda waiting: (decided.append(waiting), done and done()),
        )  # fmt: skip

    if when is None:
        open_()
    else:
        world.at(when, open_)
    return decided


# --- claims with an end ----------------------------------------------------------------------------------------------


@lean
@given(events, st.one_of(messages, counts, blocks, blocks), quantifiers, times, st.one_of(st.none(), messages))
def test_messages_within(events, claim, quantifier, times, unless):
    ahead, window, length = times
    open_at, close_at = window + ahead, window + ahead + length
    world = World(events)
    world.judge.prepare(claim, world.scope, keep_all=False)
    if unless is not None:
        world.judge.prepare(unless, world.scope, keep_all=False)
    decided = opened(world, claim, quantifier, "within", open_at, window=window, length=length, unless=unless)
    world.run()

    oracle, met = Oracle(world.records), 0
    for group in groups(quantifier):
        second = oracle.came_true(unless, group, window, close_at) if unless is not None else None
        if isinstance(claim, MessageClaim) and claim.comparison in ("exactly", "at most"):
            number, count = claim.count.value, len(oracle.matches(claim, group, window, close_at))
            met += second is None and (count <= number if claim.comparison == "at most" else count == number)
            continue
        first = oracle.came_true(claim, group, window, close_at)
        met += first is not None and (second is None or first < second)
    assert decided[0].verdict == ("met" if enough(quantifier, met, len(groups(quantifier))) else "missed")


@lean
@given(events, messages, messages, per_device, times)
def test_a_message_satisfies_one_claim_of_a_block(events, first, second, quantifier, times):
    ahead, window, length = times
    open_at, world, taken, later = window + ahead, World(events), {}, []
    for claim in (first, second):
        world.judge.prepare(claim, world.scope, keep_all=False)

    def then():
        later.append(world.trace.count)
        later.append(
            opened(world, second, Quantifier("each"), "within", None, window=window, length=length, taken=taken)
        )

    decided = opened(world, first, quantifier, "within", open_at, window=window, length=length, taken=taken, done=then)
    world.run()

    oracle, close_at = Oracle(world.records), open_at + length
    total, used, closed, result = len(DEVICES), set(), close_at, None
    for n, t in [*oracle.moments(open_at, close_at), (1 << 60, close_at)]:
        found = {d: [m for m in oracle.matches(first, (d,), window, close_at) if m <= n] for d in DEVICES}
        met = [each for each in found.values() if each]
        used, closed = {each[0] for each in met}, t
        final = n == 1 << 60
        if quantifier.kind in ("each", "any", "at least"):
            result = True if enough(quantifier, len(met), total) else False if final else None
        else:
            too_many = len(met) > quantifier.amount.value
            result = False if too_many else enough(quantifier, len(met), total) if final else None
        if result is None and quantifier.kind == "exactly" and quantifier.amount.value > total:
            result = False
        if result is None and quantifier.kind == "at least" and quantifier.amount.value > total:
            result = False
        if result is not None:
            break
    assert decided[0].verdict == ("met" if result else "missed")
    assert set(taken) >= used
    again = [oracle.matches(second, (d,), window, closed + length, taken=used) for d in DEVICES]
    assert later[1][0].verdict == ("met" if all(again) else "missed")


@lean
@given(events, messages, per_device, st.integers(0, 4), st.integers(1, 4))
def test_no_message_for(events, claim, quantifier, open_at, length):
    world = World(events)
    claim = MessageClaim(SPAN, claim.pattern, negated=True)
    world.judge.prepare(claim, world.scope, keep_all=False)
    decided = opened(world, claim, quantifier, "for", open_at, window=open_at, length=length)
    world.run()

    oracle = Oracle(world.records)
    above = oracle.moments(open_at, 0)[0][0]
    kept = sum(not oracle.matches(claim, (device,), open_at, open_at + length, above) for device in DEVICES)
    assert decided[0].verdict == ("met" if enough(quantifier, kept, len(DEVICES)) else "missed")


@lean
@given(events, messages, messages, per_device, st.integers(0, 4), st.integers(1, 4))
def test_no_message_right_behind_another(events, first, claim, quantifier, open_at, length):
    world, later = World(events), []
    claim = MessageClaim(SPAN, claim.pattern, negated=True)
    for each in (first, claim):
        world.judge.prepare(each, world.scope, keep_all=False)

    def then():
        met = decided[0].met_by(world.kernel.now)
        world.judge.open(
            statement(claim), quantifier, DEVICES, world.scope, "for", window=world.kernel.now,
            after=world.trace.count, behind=dict(zip(met[::2], met[1::2], strict=True)),
            deadline=world.kernel.now + length * SECOND, done=later.append,
        )  # fmt: skip

    # What comes next in a scenario comes when all of the instant has been said.
    done = lambda: world.at(world.kernel.now / SECOND, then)  # noqa: E731
    decided = opened(world, first, Quantifier("each"), "within", open_at, window=open_at, length=length, done=done)
    world.run()

    oracle, second = Oracle(world.records), {n: t for n, t, *_ in world.records}
    came = {d: next(iter(oracle.matches(first, (d,), open_at, open_at + length)), None) for d in DEVICES}
    closed = open_at + length if None in came.values() else max([open_at, *(second[n] for n in came.values())])
    so_far = max((n for n, t in second.items() if t <= closed), default=0)
    kept = 0
    for d, n in came.items():
        above = n if n is not None and second[n] == closed else so_far
        kept += not oracle.matches(claim, (d,), closed, closed + length, above)
    assert later[0].verdict == ("met" if enough(quantifier, kept, len(DEVICES)) else "missed")


@lean
@given(events, states, per_device, st.sampled_from(["now", "within", "for"]), st.integers(0, 4), st.integers(1, 4))
def test_states(events, claim, quantifier, mode, open_at, length):
    world = World(events)
    decided = opened(world, claim, quantifier, mode, open_at, window=open_at, length=length)
    world.run()

    oracle = Oracle(world.records)
    moments = oracle.moments(open_at, open_at + length if mode != "now" else 0)
    so = {d: [oracle.held(claim.state, d, n) is not claim.negated for n, _ in moments] for d in DEVICES}
    if mode == "for" and quantifier.kind in ("at most", "exactly"):
        holds = all(enough(quantifier, sum(each), len(DEVICES)) for each in zip(*so.values(), strict=True))
    else:
        met = sum((all if mode == "for" else any)(each) for each in so.values())
        holds = enough(quantifier, met, len(DEVICES))
    assert decided[0].verdict == ("met" if holds else "missed")


@lean
@given(events, states, per_device, st.integers(0, 3), st.integers(1, 3), st.integers(1, 5))
def test_a_state_that_lasts_within_a_time(events, claim, quantifier, open_at, lasting, length):
    world = World(events)
    decided = opened(world, claim, quantifier, "within, for", open_at, window=open_at, length=length, lasting=lasting)
    world.run()

    oracle = Oracle(world.records)
    moments = oracle.moments(open_at, open_at + length)
    so = [
        (t, enough(quantifier, sum(oracle.held(claim.state, d, n) is not claim.negated for d in DEVICES), len(DEVICES)))
        for n, t in moments
    ]
    steady = any(
        holds
        and begins + lasting <= open_at + length
        and all(later for t, later in so[index:] if t <= begins + lasting)
        for index, (begins, holds) in enumerate(so)
    )
    assert decided[0].verdict == ("met" if steady else "missed")


# --- invariants ------------------------------------------------------------------------------------------------------


@lean
@given(events, states, per_device, st.sampled_from(["always", "never", "sometimes"]), st.integers(0, 4), st.booleans())
def test_invariants_of_states(events, claim, quantifier, mode, open_at, where):
    world, monitors = World(events), []
    target = x.Where(SPAN, FLEET, x.State(SPAN, "updating")) if where else FLEET
    world.at(open_at, lambda: monitors.append(
        world.judge.monitor(statement(claim, mode), mode, quantifier, target, world.scope)
    ))  # fmt: skip
    world.at(7, lambda: monitors[0].close())
    world.run()

    oracle, seen, spoke = Oracle(world.records), [], False
    for n, _ in oracle.moments(open_at, 7):
        members = [d for d in DEVICES if not where or oracle.held("updating", d, n)]
        spoke = spoke or bool(members)
        holding = [d for d in members if oracle.held(claim.state, d, n) is not claim.negated]
        seen.append(enough(quantifier, len(holding), len(members)) if members else mode == "always")
    kept = {"always": all(seen), "never": not any(seen), "sometimes": any(seen)}[mode]
    held = "met" if spoke else "vacuous"
    assert monitors[0].result.verdict == (held if kept else "missed")


@lean
@given(events, messages, st.sampled_from(["never", "sometimes"]), st.integers(0, 4), st.one_of(st.none(), messages))
def test_invariants_of_messages(events, claim, mode, open_at, until):
    world, monitors = World(events), []
    world.at(open_at, lambda: monitors.append(
        world.judge.monitor(
            statement(claim, mode), mode, Quantifier("any"), FLEET, world.scope,
            (until, None) if until is not None and mode == "never" else None,
        )
    ))  # fmt: skip
    world.at(7, lambda: monitors[0].close())
    world.run()

    oracle, came = Oracle(world.records), False
    above = oracle.moments(open_at, 0)[0][0]
    for device in DEVICES:
        ends = oracle.matches(until, (device,), 0, END, above) if until is not None and mode == "never" else []
        came = came or any(not ends or n < ends[0] for n in oracle.matches(claim, (device,), 0, END, above))
    assert monitors[0].result.verdict == ("met" if came is (mode == "sometimes") else "missed")


@lean
@given(events, counts, per_device, st.sampled_from(["always", "never"]), st.integers(0, 4))
def test_invariants_of_counts(events, claim, quantifier, mode, open_at):
    world, monitors = World(events), []
    world.at(open_at, lambda: monitors.append(
        world.judge.monitor(statement(claim, mode), mode, quantifier, FLEET, world.scope)
    ))  # fmt: skip
    # Nothing that runs beside it may make it forget.
    world.at(4.5, lambda: world.judge.forget_before(4 * SECOND))
    world.at(7, lambda: monitors[0].close())
    world.run()

    oracle, seen = Oracle(world.records), []
    above, number = oracle.moments(open_at, 0)[0][0], claim.count.value
    test = {"at most": lambda n: n <= number, "at least": lambda n: n >= number, "exactly": lambda n: n == number}
    for until, _ in oracle.moments(open_at, 7):
        came = {d: [n for n in oracle.matches(claim, (d,), 0, END, above) if n <= until] for d in DEVICES}
        met = sum(test[claim.comparison](len(each)) for each in came.values())
        seen.append(enough(quantifier, met, len(DEVICES)))
    kept = all(seen) if mode == "always" else not any(seen)
    assert monitors[0].result.verdict == ("met" if kept else "missed")
