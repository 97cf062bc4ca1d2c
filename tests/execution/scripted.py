"""A world whose traffic a test writes down: who says what at which second. No device, no ACS, the real judge."""

from __future__ import annotations

from cpescript.acs.orders import OrderResult
from cpescript.execution.executor import Executor
from cpescript.execution.world import RefusedError
from cpescript.judge.judge import Judge
from cpescript.kernel import draws
from cpescript.kernel.queue import DEVICE, TIMELINE, Kernel, Owner
from cpescript.kernel.time import SECOND
from cpescript.kernel.trace import FROM_ACS, LOCAL, TO_ACS, Trace
from cpescript.pattern.message import fits
from cpescript.pattern.values import typed
from cpescript.runner.case import JudgeTimers
from cpescript.runner.verdict import judge_case

TO_THE_ACS = {"Inform", "TransferComplete", "Fault", "GetRPCMethods"}


class Said:
    """A message of the script."""

    def __init__(self, kind, settings=None, paths=None, **fields):
        self.kind = kind
        self.settings = settings or {}
        self.paths = tuple(paths or self.settings)
        self.fields = fields

    def field(self, name):
        return self.fields[name]

    def type_of(self, path):
        return None


class Box(Owner):
    def __init__(self, number, index, cohort):
        super().__init__(number)
        self.index, self.cohort, self.recent = index, cohort, None
        self.states, self.parameters, self.labels = set(), {}, {}

    @property
    def name(self):
        return f"{self.cohort}[{self.index}]"


class ScriptedWorld:
    """`at(second, device, kind, ...)` plans a message; `state` and `value` plan local facts."""

    def __init__(self, timeline, *, external=False, strict=False):
        self.timeline, self.strict = timeline, strict
        self.kernel = Kernel()
        self.trace = Trace(self.kernel)
        self.start, self.seed = timeline.start, 42
        self.facts = self
        self.boxes, self.cohorts, self.log, self.orders = [], {}, [], []
        self.patience = []
        self.refuse = None
        self.unable = None
        self._draws = 0
        self._reactions = {}
        self.followed = []
        self._author = Owner(9)
        self.judge = Judge(
            self.trace,
            JudgeTimers(self.kernel),
            self,
            lambda: self.kernel.now,
            sources=timeline.sources,
            start=self.start,
            external=external,
            states=timeline.interest.states,
            parameters=True,
        )
        self.executor = Executor(timeline, self, self.judge, self.kernel.stop)

    # --- the script

    def at(self, second, device, kind, settings=None, paths=None, **fields):
        self._plan(second, self._say, (device, Said(kind, settings, paths, **fields)))
        return self

    def state(self, second, device, state, on=True):
        self._plan(second, self._state, (device, state, on))
        return self

    def value(self, second, device, path, value, kind="string"):
        self._plan(second, self._value, (device, path, value, kind))
        return self

    def on(self, verb, device, kind, settings=None, after=0, **fields):
        """Whenever that act or order happens: the device's message comes `after` seconds later."""
        self._reactions.setdefault(verb, []).append((after, device, Said(kind, settings, **fields)))
        return self

    def _plan(self, second, action, what):
        # What is so at the very start is so after the devices were made.
        self.kernel.at(int(second * SECOND), self._author, action, what, DEVICE if second else TIMELINE)

    def _say(self, what):
        number, said = what
        box = self.boxes[number - 1]
        if said.kind == "SessionEnd":
            self.trace.fact(box, "SessionEnd", **said.fields)
            return
        direction = TO_ACS if said.kind in TO_THE_ACS or (said.kind.endswith("Response") and said.kind not in (
            "InformResponse", "TransferCompleteResponse")) else FROM_ACS  # fmt: skip
        self.trace.message(box, 1, direction, "cwmp", said.kind, None, b"", said)

    def _state(self, what):
        number, state, on = what
        (self.boxes[number - 1].states.add if on else self.boxes[number - 1].states.discard)(state)
        self.trace.fact(self.boxes[number - 1], "state", state=state, on=on)

    def _value(self, what):
        number, path, value, kind = what
        self.boxes[number - 1].parameters[path] = (value, kind)
        if any(fits(parts, partial, path) for parts, partial in self.followed):
            # As with devices: nobody hears of what nobody asked for.
            self.trace.fact(self.boxes[number - 1], "parameter", path=path, value=value, type=kind)

    # --- the world

    def spawn(self, profile, count, cohort, over=0, prepare=None):
        first = len(self.boxes) + 1
        self.cohorts[cohort] = range(first, first + count)
        for number in self.cohorts[cohort]:
            box = Box(number, number - first + 1, cohort)
            self.boxes.append(box)
            if prepare is not None:
                prepare(number)
            self.trace.fact(box, "spawn", cohort=cohort, index=box.index, identity=box.name, labels=box.labels)
        return self.cohorts[cohort]

    def act(self, verb, device, arguments):
        if device == self.unable:
            raise RefusedError(f"{self.boxes[device - 1].name} cannot")
        self.log.append((self.kernel.now // SECOND, verb, device))
        if verb == "remove-quirk":
            return False
        if verb == "label":
            self.boxes[device - 1].labels[arguments["name"]] = arguments["value"]
        self._react(verb, device)
        return True

    def _react(self, verb, device):
        for after, number, said in self._reactions.get(verb, ()):
            if number == device:
                self.kernel.at(self.kernel.now + after * SECOND, self._author, self._say, (number, said))

    def order(self, system, verb, devices, arguments, done):
        for device in devices or [None]:
            self.orders.append((self.kernel.now // SECOND, verb, device, dict(arguments(device))))
            self._react(f"acs {verb}", device)
        result = OrderResult(self.refuse is None, self.refuse or "", {"status": 200, "body": {"of": "all"}})
        done([result for _ in devices or [None]])

    def lacks(self, system, verb):
        return ""

    def be_patient(self, patience):
        self.patience.append(patience // SECOND)
        return lambda: self.patience.append(0)

    def answer_hook(self, device, ask):
        self.asked = getattr(self, "asked", {})
        self.asked.setdefault(device, []).append(ask)
        return lambda: self.asked[device].remove(ask)

    def follow(self, device, parts, partial):
        self.followed.append((parts, partial))
        if device == 0:
            for box in self.boxes:
                self.follow(box.number, parts, partial)
            return
        for path, (value, kind) in self.boxes[device - 1].parameters.items():
            if fits(parts, partial, path):
                self.trace.fact(self.boxes[device - 1], "parameter", path=path, value=value, type=kind)

    # --- facts, witness

    @property
    def now(self):
        return self.kernel.now

    def parameter(self, device, path):
        value, kind = self.boxes[device - 1].parameters[path]
        return typed(value, kind)

    def expand(self, device, parts, partial):
        return [path for path in self.boxes[device - 1].parameters if fits(parts, partial, path)]

    def in_state(self, device, state):
        return state in self.boxes[device - 1].states

    def attribute(self, device, name):
        box = self.boxes[device - 1]
        return {"index": box.index, "serial": box.name, "label": box.labels, "cohort": box.cohort}[name]

    def devices(self, cohort):
        return range(1, len(self.boxes) + 1) if cohort is None else self.cohorts[cohort]

    def count(self, pattern, scope):
        return self.judge.facts.count(pattern, scope)

    def rate(self, pattern, window, scope):
        return self.judge.facts.rate(pattern, window, scope)

    def chance(self):
        self._draws += 1
        return draws.stream(42, "test"), self._draws

    def identity(self, device):
        return self.boxes[device - 1].name

    def recent(self, device):
        return ()

    # --- the end

    def run(self):
        """Run to the end and return the verdict with its reason."""
        self.executor.start()
        self.kernel.run()
        assert LOCAL == "local"
        claims = [*self.judge.claims, *self.executor.failures]
        self.claims = {claim.span.line: claim for claim in claims}
        vacuous = [*self.executor.vacuous, *(c.message for c in claims if c.verdict == "vacuous")]
        if not self.executor.asked:
            vacuous.append("the scenario claims nothing")
        self.vacuous = vacuous
        problems = [*self.executor.problems, *self.judge.problems]
        self.problems = problems
        return judge_case(claims, problems, vacuous, self.executor.cut, strict=self.strict)
