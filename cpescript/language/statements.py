"""Checks statements and makes them steps of a timeline: checking and compiling are one walk, so that they never differ.

One entry of `_RULES` a kind of statement. An entry gets the statement and its place, and returns its step, or None
where there is none to run. Blocks are done by `Blocks.steps`, which also knows what may stand where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cpescript.diagnostics import Span
from cpescript.kernel.time import TimeOfDay
from cpescript.language import timeline as tl
from cpescript.language import tree
from cpescript.language.actions import Actions
from cpescript.language.claimed import ClaimStatements
from cpescript.language.context import Context
from cpescript.language.documents import template
from cpescript.language.expressions import FUNCTIONS, Expressions
from cpescript.language.hoisting import hoisted
from cpescript.language.layout import Line, logical_text
from cpescript.language.models import decided
from cpescript.language.not_yet import refuse
from cpescript.language.paths import Paths
from cpescript.language.patterns import Patterns
from cpescript.language.procedures import Procedures
from cpescript.language.scope import Binding, Place, Scope
from cpescript.language.targets import Targets
from cpescript.language.types import ANY, items_of
from cpescript.pattern import expression as px

LIVE = "live"
"""The kind of a block whose next statements are not written yet."""
ITEMS = (tree.Use, tree.Profile, tree.System, tree.Param, tree.Define, tree.Scenario)
WITH_ONLY = frozenset({"label", "serial", "protocol", "transport"})
MAX_DEPTH = 50
"""Deepest nest of blocks when procedures are put in where they are run: somewhat more than one text may have."""
IN_WITH = WITH_ONLY | {"set", "inject-quirk", "inject-fault"}


def _watcher(step: tl.Step) -> str:
    """Return the word of a step that only watches what goes on behind it, empty for others.

    A `sometimes` of a figure or a parameter is none: it looks on the spot as well.
    """
    if isinstance(step, tl.Handler):
        return f"on {step.which}"
    if not isinstance(step, tl.Monitor):
        return ""
    comes = isinstance(step.claim, (tl.MessageClaim, tl.StateClaim))
    return step.mode if comes or step.mode != "sometimes" else ""


def _still(step: tl.Step) -> bool:
    """Whether nothing happens while a step runs: it binds a name, writes a line, or looks at what is so on the spot."""
    if isinstance(step, tl.Expect):
        waits = step.mode == "wait" or step.within is not None or step.lasting is not None
        return not waits and not isinstance(step.claim, tl.BeliefClaim)
    return isinstance(step, (tl.Monitor, tl.Handler, tl.Let, tl.Note))


_ITEM_WORDS = {
    tree.Use: "use",
    tree.Profile: "profile",
    tree.System: "acs NAME",
    tree.Param: "param",
    tree.Define: "define",
    tree.Scenario: "scenario",
}


class Blocks:
    """Turns blocks of statements into steps, in a context."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.bag = context.bag
        self.expressions = context.expressions = Expressions(context)
        context.paths = Paths(context)
        context.targets = Targets(context)
        context.patterns = Patterns(context)
        self.claims = ClaimStatements(self)
        self.actions = Actions(self)
        self.procedures = Procedures(self)
        self.lines: dict[str, dict[int, Line]] = {}
        """File to its logical lines by the line that they begin in."""
        self.heads: dict[tuple[str, int], tuple[Span, str]] = {}
        self.depth = self.deepest = 0
        """How deep the block in hand is, and the deepest that was seen."""
        self.sunk = False
        """Whether something too deep was reported: once is enough."""
        self.cohort_scope = Scope()
        """Where the cohorts of the scenario in hand are bound: they outlive the block that spawns them."""

    def head(self, node: px.Node) -> tuple[Span, str]:
        """Return the span and the text of a statement's first logical line."""
        key = (node.span.source, node.span.line)
        known = self.heads.get(key)
        if known is not None:
            return known
        line = self.lines.get(node.span.source, {}).get(node.span.line)
        if line is None:
            return node.span, ""
        first, last = line.tokens[0], line.tokens[-1]
        span = Span(node.span.source, first.line, first.column, last.end_line, last.end_column)
        head = self.heads[key] = span, logical_text(line)
        return head

    # --- blocks ------------------------------------------------------------------------------------------------------

    def steps(self, lines: Sequence[tree.Statement], place: Place) -> tuple[tl.Step, ...]:
        """Return the steps of a block, whose names live in `place.scope`."""
        if not lines or not self.reach(1, lines[0]):
            return ()
        self.depth += 1
        try:
            return self._steps(lines, place)
        finally:
            self.depth -= 1

    def reach(self, height: int, node: px.Node) -> bool:
        """Note a block so much deeper than the one in hand; whether that is not too deep, which is reported."""
        depth = self.depth + height
        if depth > MAX_DEPTH:
            if not self.sunk:
                self.sunk = True
                message = f"blocks nest deeper than {MAX_DEPTH} levels, with those of the procedures that they run"
                self.bag.error(self.head(node)[0], "too-deep", message, "let procedures follow each other instead")
            return False
        self.deepest = max(self.deepest, depth)
        return True

    def _steps(self, lines: Sequence[tree.Statement], place: Place) -> tuple[tl.Step, ...]:
        steps: list[tl.Step] = []
        branches: list[tuple[Any, tuple[tl.Step, ...]]] | None = None
        ended: tree.Statement | None = None
        last: tree.Statement | None = None
        settings_over = place.block not in ("scenario", "file")
        for node in lines:
            if ended is not None and not isinstance(node, (tree.Broken, tree.Finally)):
                self.bag.error(
                    self.head(node)[0],
                    "unreachable",
                    f"nothing behind the 'fail' of line {ended.span.line} runs",
                    "take it out, or put the 'fail' behind it",
                )
                ended = None
            if isinstance(node, tree.Else):
                branches = self._else(node, branches, steps, last, place)
                last = node
                continue
            branches = None
            last = node
            if isinstance(node, tree.SettingLine):
                self._misplaced_setting(node, place, settings_over)
                continue
            if not isinstance(node, (tree.Broken, *ITEMS)):
                settings_over = True
            if isinstance(node, tree.If):
                branches = [self._branch(node.condition, node.body, place)]
                steps.append(tl.If(*self.head(node), branches=tuple(branches), heads=(self.head(node),)))
                continue
            if not self._belongs(node, place):
                continue
            step = self.step(node, place.inner() if place.block == "parallel" else place)
            if step is not None:
                steps.append(step)
            if isinstance(node, tree.Fail) and place.block != "parallel":
                ended = node
        if place.block not in (LIVE, "parallel"):
            spawns = {name: known.cohorts for name, known in self.procedures.known.items()}
            steps = hoisted(steps, spawns)
        self._last(lines, steps, place)
        self._unused(lines, place)
        return tuple(steps)

    def step(self, node: tree.Statement, place: Place) -> tl.Step | None:
        step: tl.Step | None = _RULES[type(node)](self, node, place)
        return step

    def body(self, body: tree.Body, place: Place) -> tuple[tl.Step, ...]:
        if not body.lines:
            return ()
        place.scope.extent = body.span
        return self.steps(body.lines, place)

    def _branch(
        self, condition: Any, body: tree.Body, place: Place, untaken: bool = False
    ) -> tuple[Any, tuple[tl.Step, ...]]:
        asked = None
        if condition is not None:
            asked = self.expressions.value(condition, place, "bool", "what follows 'if'")
            untaken = untaken or decided(self.context, asked, place.scope) is False
        return asked, self.body(body, place.inner(block="flow", untaken=place.untaken or untaken))

    def _else(
        self,
        node: tree.Else,
        branches: list[tuple[Any, tuple[tl.Step, ...]]] | None,
        steps: list[tl.Step],
        last: tree.Statement | None,
        place: Place,
    ) -> list[tuple[Any, tuple[tl.Step, ...]]] | None:
        """Add an `else` to the `if` above it."""
        before = [condition for condition, _ in branches or () if condition is not None]
        taken = any(decided(self.context, condition, place.scope) for condition in before)
        branch = self._branch(node.condition, node.body, place, untaken=taken)
        if branches is None or branches[-1][0] is None:
            if not isinstance(last, tree.Broken):
                after = (
                    "the 'else' above was the last"
                    if branches is not None
                    else "an 'else' follows an 'if' of its depth"
                )
                self.bag.error(self.head(node)[0], "lone-else", "this 'else' has no 'if'", after)
            return branches
        branches.append(branch)
        known = steps[-1]
        assert isinstance(known, tl.If)
        steps[-1] = tl.If(known.span, known.source, tuple(branches), (*known.heads, self.head(node)))
        return branches

    def _belongs(self, node: tree.Statement, place: Place) -> bool:
        """Whether a statement may stand in this kind of block; reports it if not."""
        head = self.head(node)[0]
        if isinstance(node, ITEMS):
            if place.block == "file":
                return False
            self.bag.error(
                head,
                "misplaced",
                f"'{_ITEM_WORDS[type(node)]}' stands at the top of the file, not in a block",
                "move it above the first scenario",
            )
            return False
        verb = node.verb if isinstance(node, tree.Action) else ""
        if place.block == "with":
            if isinstance(node, tree.Broken) or verb in IN_WITH:
                return True
            self.bag.error(
                head,
                "misplaced",
                "this cannot be done to a device that is just being made",
                "'with:' takes set, label, serial, inject",
            )
            return False
        if verb in WITH_ONLY and not place.lenient:
            self.bag.error(
                head, "misplaced", f"'{verb}' belongs to the making of a device", "put it in 'spawn … with:'"
            )
            return False
        if isinstance(node, tree.Answer) and place.handler is None and not place.lenient:
            self.bag.error(head, "misplaced", "there is nothing to answer here", "put it in 'on every MESSAGE of T:'")
            return False
        if isinstance(node, tree.Finally):
            if place.block in ("scenario", "file", "define"):
                return False
            self.bag.error(
                head, "misplaced", "'finally' ends a scenario or a 'define', not a block in it", "move it to their end"
            )
            return False
        return True

    def _misplaced_setting(self, node: tree.SettingLine, place: Place, over: bool) -> None:
        if place.block in ("scenario", "file"):
            if over:
                self.bag.error(
                    self.head(node)[0],
                    "misplaced",
                    f"'{node.word}' is a setting: settings stand first",
                    "move it above the first statement",
                )
            return
        self.bag.error(
            self.head(node)[0],
            "misplaced",
            f"'{node.word}' is a setting of a scenario",
            "move it to the scenario's first lines",
        )

    def _last(self, lines: Sequence[tree.Statement], steps: Sequence[tl.Step], place: Place) -> None:
        """Report what lasts to the end of its block and stands at that end."""
        body = [node for node in lines if not isinstance(node, tree.Finally)]
        if place.block == LIVE or not body or not steps or isinstance(body[-1], tree.Broken):
            return
        parallel = place.block == "parallel"
        for step in steps if parallel else reversed(steps):
            if not parallel and not _still(step):
                break
            word = _watcher(step)
            if not word:
                continue
            reason = "it lasts to the end of its block, and nothing happens behind it"
            if parallel:
                reason = "each statement of 'parallel' is a block of its own"
            elif step.span == self.head(body[-1])[0]:
                reason = "it lasts to the end of its block, and this is the end"
            remedy = "move it above what it shall watch"
            self.bag.error(step.span, "idle", f"this '{word}' would never look: {reason}", remedy)

    def _unused(self, lines: Sequence[tree.Statement], place: Place) -> None:
        for node in lines:
            if isinstance(node, tree.Let) and not place.lenient:
                binding = place.scope.table.get(node.name.text)
                if binding is not None and not binding.used and binding.span == node.name.span:
                    self.bag.warning(node.name.span, "unused", f"nothing uses '{node.name.text}'", "take the line out")

    # --- names -------------------------------------------------------------------------------------------------------

    def bind(self, word: tree.Word, binding: Binding, scope: Scope) -> None:
        """Bind a name, or report that it is bound already."""
        known = scope.bind(binding)
        if known is not None:
            self.doubled(word, known)

    def doubled(self, word: tree.Word, known: Binding) -> None:
        what = {"param": "a param", "case": "a matrix's name", "cohort": "a cohort", "argument": "an argument"}.get(
            known.kind, "a name"
        )
        self.bag.error(
            word.span, "doubled-name", f"'{word.text}' is {what} already (line {known.span.line})", "take another name"
        )

    # --- reactions ---------------------------------------------------------------------------------------------------

    def handler(self, node: tree.Handler, place: Place) -> tl.Step:
        on, cohorts = self.context.targets.target(node.target, place)
        inner = place.of(cohorts)
        message = self.context.catalogue.messages.get(node.pattern.kind.text)
        pattern = self.context.patterns.pattern(node.pattern, inner)
        body = place.inner(
            device=True,
            cohorts=cohorts,
            handler=message,
            where=None,
            block="flow",
            repeated=True,
            lenient=place.lenient or message is None,
        )
        steps = self.body(node.body, body)
        self._late_answers(steps)
        return tl.Handler(*self.head(node), which=node.which, pattern=pattern, on=on, body=steps)  # type: ignore[arg-type]

    def _late_answers(self, steps: tuple[tl.Step, ...]) -> None:
        waited: tl.Step | None = None
        for step in steps:
            if isinstance(step, tl.Answer) and waited is not None:
                self.bag.error(
                    step.span,
                    "late-answer",
                    f"line {waited.span.line} waits; by then the device has answered",
                    "answer first, or `answer after …`",
                )
            if isinstance(step, tl.Wait) or (isinstance(step, tl.Expect) and (step.within or step.lasting)):
                waited = waited or step

    def answer(self, node: tree.Answer, place: Place) -> tl.Step | None:
        if place.handler is not None and not place.handler.asked and not place.lenient:
            self.bag.error(
                self.head(node)[0],
                "no-question",
                f"{place.handler.name} is nothing that a device answers",
                "only a request of the ACS can be answered",
            )
        arguments: dict[str, Any] = {}
        if node.kind == "fault":
            code = self.expressions.value(node.operands["code"], place, "int", "a fault's code")
            if isinstance(code, px.Literal_) and isinstance(code.value, int):
                self._fault_code(code)
            arguments["code"] = code
            if node.operands["text"] is not None:
                arguments["text"] = self.expressions.value(node.operands["text"], place, "text", "a fault's text")
            if node.operands["path"] is not None:
                arguments["parameter"], _ = self.context.paths.path(node.operands["path"], place, place.cohorts)
        elif node.kind == "after":
            arguments["delay"] = self.expressions.value(
                node.operands["value"], place, "duration", "what follows 'after'"
            )
        elif node.kind == "with":
            refuse(self.bag, node.span, "answer-with")
            arguments["file"] = self.expressions.value(node.operands["value"], place, "text", "a file name")
            template(arguments["file"], self.context, self.bag)
        return tl.Answer(*self.head(node), kind=node.kind, arguments=arguments)  # type: ignore[arg-type]

    def _fault_code(self, code: px.Literal_) -> None:
        if code.value not in self.context.catalogue.faults and not 9800 <= code.value <= 9899:
            self.bag.error(
                code.span,
                "bad-fault",
                f"{code.value} is not a fault of a device",
                "9000 to 9032, or 9800 to 9899 of a vendor",
            )

    # --- flow --------------------------------------------------------------------------------------------------------

    def wait(self, node: tree.Wait, place: Place) -> tl.Step:
        if isinstance(node.duration, px.Literal_) and isinstance(node.duration.value, TimeOfDay):
            self.bag.error(
                node.duration.span,
                "wrong-type",
                "a time of day is not a duration",
                f"write 'wait until {node.duration.value}'",
            )
            return tl.Wait(*self.head(node), moment=node.duration.value)
        duration = self.expressions.value(node.duration, place, "duration", "what follows 'wait'")
        return tl.Wait(*self.head(node), duration=duration)

    def let(self, node: tree.Let, place: Place) -> tl.Step:
        value, found = self.expressions.either(node.value, place)
        found.name, found.span = node.name.text, node.name.span
        self.bind(node.name, found, place.scope)
        return tl.Let(*self.head(node), name=node.name.text, value=value)

    def note(self, node: tree.Note, place: Place) -> tl.Step:
        name = node.text.name if isinstance(node.text, px.Name) else ""
        if name and name not in FUNCTIONS and place.scope.find(name) is None and not place.lenient:
            self.bag.error(
                node.text.span, "unknown-name", f"nothing is called '{name}' here", f'a text stands in quotes: "{name}"'
            )
            return tl.Note(*self.head(node), text=node.text)
        return tl.Note(*self.head(node), text=self.expressions.value(node.text, place, "written", "what is noted"))

    def fail(self, node: tree.Fail, place: Place) -> tl.Step:
        return tl.Fail(*self.head(node), why=self.expressions.value(node.why, place, "text", "what follows 'fail'"))

    def repeat(self, node: tree.Repeat, place: Place) -> tl.Step:
        if node.count is not None:
            count = self.expressions.value(node.count, place, "int", "how often to repeat")
            return tl.Repeat(*self.head(node), body=self._loop(node.body, place), count=count)
        every = self.expressions.value(node.every, place, "duration", "what follows 'every'")
        lasting = self.expressions.value(node.lasting, place, "duration", "what follows 'for'")
        return tl.Repeat(*self.head(node), body=self._loop(node.body, place), every=every, lasting=lasting)

    def _loop(self, body: tree.Body, place: Place) -> tuple[tl.Step, ...]:
        return self.body(body, place.inner(block="flow", repeated=True))

    def for_(self, node: tree.For, place: Place) -> tl.Step:
        self._one_loop(node)
        over, found = self.expressions.either(_first_of(node.over), place)
        inner = place.inner(block="flow", repeated=True)
        if found.is_devices:
            inner = inner.of(found.cohorts)
            binding = Binding(node.name.text, "devices", node.name.span, "devices", found.cohorts, several=False)
        else:
            if found.type not in (ANY, "list"):
                self.bag.error(
                    node.over.span, "wrong-type", "'for' goes through devices or a list", "as in 'for d in fleet:'"
                )
            binding = Binding(node.name.text, "argument", node.name.span, items_of(over))
        self.bind(node.name, binding, inner.scope)
        return tl.ForEach(
            *self.head(node), name=node.name.text, over=over, together=node.together, body=self.body(node.body, inner)
        )

    def _one_loop(self, node: tree.For) -> None:
        """Report `for n in [1], v in [2]:`, which only the head of a scenario can say, by several `for`."""
        if _first_of(node.over) is not node.over:
            self.bag.error(node.over.span, "two-loops", "a 'for' goes through one list", "put a 'for' into the 'for'")

    def parallel(self, node: tree.Parallel, place: Place) -> tl.Step:
        body = self.body(node.body, place.inner(block="parallel"))
        if len(body) == 1:
            self.bag.warning(
                self.head(node)[0],
                "lone-branch",
                "one branch runs beside nothing",
                "each statement below 'parallel:' is a branch",
            )
        return tl.Parallel(*self.head(node), body=body)

    def background(self, node: tree.Background, place: Place) -> tl.Step:
        name = plain_text(node.name, self.context)
        return tl.Background(*self.head(node), name=name, body=self.body(node.body, place.inner(block="flow")))

    def at(self, node: tree.At, place: Place) -> tl.Step:
        delay = None
        if node.delay is not None:
            delay = self.expressions.value(node.delay, place, "duration", "what follows 'at +'")
        moment = node.moment.value if node.moment is not None else None
        body = self.body(node.body, place.inner(block="flow"))
        return tl.At(*self.head(node), body=body, moment=moment, delay=delay)

    def do(self, node: tree.Do, place: Place) -> tl.Step | None:
        return self.procedures.do(node, place)

    def spawn(self, node: tree.Spawn, place: Place) -> tl.Step:
        return self.actions.spawn(node, place)

    def claimed(self, node: tree.Claimed, place: Place) -> tl.Step | None:
        return self.claims.claimed(node, place)

    def claimed_block(self, node: tree.ClaimedBlock, place: Place) -> tl.Step | None:
        return self.claims.claimed_block(node, place)

    def action(self, node: tree.Action, place: Place) -> tl.Step | None:
        return self.actions.action(node, place)

    def stimulus(self, node: tree.Stimulus, place: Place) -> tl.Step | None:
        return self.actions.stimulus(node, place)

    def broken(self, node: tree.Broken, place: Place) -> tl.Step | None:
        for word in node.names:
            for scope in (place.scope, self.cohort_scope):
                if scope.find(word.text) is None:
                    scope.bind(Binding(word.text, "unknown", word.span))
        if node.body is not None:
            inner = place.inner(lenient=True, device=True, cohorts=None, block="flow")
            self.steps(node.body.lines, inner)
        return None


def _first_of(node: Any) -> Any:
    """Return what a `for` goes through, without a second `name in …` behind a comma."""
    if isinstance(node, px.Union_) and any(
        isinstance(part, px.Binary) and part.operator == "in" for part in node.parts
    ):
        return node.parts[0]
    return node


def plain_text(node: Any, context: Context, remedy: str = "a brace itself is '{{'") -> str:
    """Return a text that must be known as it stands; report one with braces."""
    if isinstance(node, px.Literal_) and isinstance(node.value, str):
        return node.value
    context.bag.error(node.span, "not-plain", "this text is fixed: nothing can stand in braces", remedy)
    return ""


def spawned(lines: Iterable[tree.Statement]) -> dict[str, Span]:
    """Return the cohorts that statements spawn, at any depth, and where."""
    return {node.cohort.text: node.cohort.span for node in tree.nested(lines) if isinstance(node, tree.Spawn)}


Rule = Callable[[Blocks, Any, Place], "tl.Step | None"]

_RULES: dict[type, Rule] = {
    tree.Broken: Blocks.broken,
    tree.Spawn: Blocks.spawn,
    tree.Action: Blocks.action,
    tree.Stimulus: Blocks.stimulus,
    tree.Claimed: Blocks.claimed,
    tree.ClaimedBlock: Blocks.claimed_block,
    tree.Wait: Blocks.wait,
    tree.Handler: Blocks.handler,
    tree.Answer: Blocks.answer,
    tree.Let: Blocks.let,
    tree.Note: Blocks.note,
    tree.Fail: Blocks.fail,
    tree.Do: Blocks.do,
    tree.Repeat: Blocks.repeat,
    tree.For: Blocks.for_,
    tree.Parallel: Blocks.parallel,
    tree.Background: Blocks.background,
    tree.At: Blocks.at,
}
