"""Checks statements and makes them steps of a timeline: checking and compiling are one walk, so that they never differ.

One entry of `_RULES` a kind of statement. An entry gets the statement and its place, and returns its step, or None
where there is none to run. Blocks are done by `Blocks.steps`, which also knows what may stand where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cpescript.diagnostics import Span, did_you_mean
from cpescript.kernel.time import TimeOfDay
from cpescript.language import timeline as tl
from cpescript.language import tree
from cpescript.language.actions import Actions
from cpescript.language.claims import Claims
from cpescript.language.clauses import sorted_out
from cpescript.language.context import Context
from cpescript.language.expressions import Expressions
from cpescript.language.layout import Line, logical_text
from cpescript.language.not_yet import refuse
from cpescript.language.patterns import Patterns
from cpescript.language.procedures import Procedures
from cpescript.language.scope import Binding, Place, Scope
from cpescript.language.types import ANY
from cpescript.language.waiting import check_times
from cpescript.language.walking import walk
from cpescript.pattern import expression as px

ITEMS = (tree.Use, tree.Profile, tree.System, tree.Param, tree.Define, tree.Scenario)
WITH_ONLY = frozenset({"label", "serial", "protocol", "transport"})
IN_WITH = WITH_ONLY | {"set", "inject-quirk", "inject-fault"}

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
        context.patterns = Patterns(context)
        self.claims = Claims(context)
        self.actions = Actions(self)
        self.procedures = Procedures(self)
        self.lines: dict[str, dict[int, Line]] = {}
        """File to its logical lines by the line that they begin in."""
        self.cohort_scope = Scope()
        """Where the cohorts of the scenario in hand are bound: they outlive the block that spawns them."""

    def head(self, node: px.Node) -> tuple[Span, str]:
        """Return the span and the text of a statement's first logical line."""
        line = self.lines.get(node.span.source, {}).get(node.span.line)
        if line is None:
            return node.span, ""
        first, last = line.tokens[0], line.tokens[-1]
        span = Span(node.span.source, first.line, first.column, last.end_line, last.end_column)
        return span, logical_text(line)

    # --- blocks ------------------------------------------------------------------------------------------------------

    def steps(self, lines: Sequence[tree.Statement], place: Place) -> tuple[tl.Step, ...]:
        """Return the steps of a block, whose names live in `place.scope`."""
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
                steps.append(tl.If(*self.head(node), branches=tuple(branches)))
                continue
            if not self._belongs(node, place):
                continue
            step = self.step(node, place.inner() if place.block == "parallel" else place)
            if step is not None:
                steps.append(step)
            if isinstance(node, tree.Fail):
                ended = node
        self._last(lines, place)
        self._unused(lines, place)
        return tuple(steps)

    def step(self, node: tree.Statement, place: Place) -> tl.Step | None:
        step: tl.Step | None = _RULES[type(node)](self, node, place)
        return step

    def body(self, body: tree.Body, place: Place) -> tuple[tl.Step, ...]:
        if not body.lines:
            return ()
        return self.steps(body.lines, place)

    def _branch(self, condition: Any, body: tree.Body, place: Place) -> tuple[Any, tuple[tl.Step, ...]]:
        asked = None
        if condition is not None:
            asked = self.expressions.value(condition, place, "bool", "what follows 'if'")
        return asked, self.body(body, place.inner(block="flow"))

    def _else(
        self,
        node: tree.Else,
        branches: list[tuple[Any, tuple[tl.Step, ...]]] | None,
        steps: list[tl.Step],
        last: tree.Statement | None,
        place: Place,
    ) -> list[tuple[Any, tuple[tl.Step, ...]]] | None:
        """Add an `else` to the `if` above it."""
        branch = self._branch(node.condition, node.body, place)
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
        steps[-1] = tl.If(known.span, known.source, tuple(branches))
        return branches

    def _belongs(self, node: tree.Statement, place: Place) -> bool:
        """Whether a statement may stand in this kind of block; reports it if not."""
        head = self.head(node)[0]
        if isinstance(node, ITEMS):
            if place.block == "file":
                return False
            self.bag.error(
                head, "misplaced", f"'{_ITEM_WORDS[type(node)]}' stands at the top of the file, not in a block"
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
            self.bag.error(head, "misplaced", "'finally' ends a scenario or a 'define', not a block in it")
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

    def _last(self, lines: Sequence[tree.Statement], place: Place) -> None:
        """Report what lasts to the end of its block and stands at that end."""
        body = [node for node in lines if not isinstance(node, tree.Finally)]
        ends = body if place.block == "parallel" else body[-1:]
        for node in ends:
            word = (
                node.mode
                if isinstance(node, tree.Claimed)
                else f"on {node.which}"
                if isinstance(node, tree.Handler)
                else ""
            )
            if word in ("always", "never", "on every", "on first"):
                reason = (
                    "each statement of 'parallel' is a block of its own"
                    if place.block == "parallel"
                    else ("it lasts to the end of its block, and this is the end")
                )
                self.bag.error(
                    self.head(node)[0],
                    "idle",
                    f"this '{word}' would never look: {reason}",
                    "move it above what it shall watch",
                )

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

    # --- claims ------------------------------------------------------------------------------------------------------

    def claimed(self, node: tree.Claimed, place: Place) -> tl.Step | None:
        if node.mode in ("always", "never", "sometimes"):
            return self._monitor(node, place)
        statement = "wait until" if node.mode == "wait" else node.mode
        clauses = sorted_out(statement, node.clauses, self.bag)
        moment = node.claim.value if isinstance(node.claim, tree.ValueForm) else None
        if isinstance(moment, px.Literal_) and isinstance(moment.value, TimeOfDay):
            return self._wait_moment(node, moment, clauses)
        claim, quantifier, on = self.claims.claim(node.claim, clauses.get("on"), place)
        if "as" in clauses:
            claim = self._capture(clauses["as"].value, claim, place)
        check_times(self.bag, statement, node.claim, claim, clauses)
        return self._expect(node, statement, claim, quantifier, on, clauses, place)

    def claimed_block(self, node: tree.ClaimedBlock, place: Place) -> tl.Step | None:
        statement = "wait until" if node.mode == "wait" else node.mode
        clauses = sorted_out(statement, node.clauses, self.bag)
        quantifier, on, cohorts = self.claims.devices(clauses.get("on"), place, "each")
        if on is None:
            on = px.Device(node.span) if place.device else px.All(node.span)
            cohorts = place.cohorts if place.device else self.context.all_cohorts()
        span, _ = self.head(node)
        claim = self.claims.block(
            node.ordering,
            node.lines,
            span,
            place.of(cohorts, claim=True),
            lambda word, each: self._keep(word, each, place),
        )
        if "as" in clauses:
            self.bag.error(
                clauses["as"].span,
                "wrong-clause",
                "a block of claims keeps no message itself",
                "put 'as' on one of its lines",
            )
        if "for" in clauses:
            self.bag.error(clauses["for"].span, "wrong-clause", "messages come; they do not last", "write 'within'")
        elif "within" not in clauses and node.lines:
            self.bag.error(node.ordering.span, "no-deadline", "by when?", "add 'within 5m'")
        return self._expect(node, statement, claim, quantifier, on, clauses, place)

    def _expect(
        self,
        node: tree.Claimed | tree.ClaimedBlock,
        statement: str,
        claim: tl.Claim,
        quantifier: tl.Quantifier,
        on: px.Target | None,
        clauses: dict[str, tree.Clause],
        place: Place,
    ) -> tl.Expect:
        def duration(kind: str) -> Any:
            if kind not in clauses:
                return None
            return self.expressions.value(clauses[kind].value, place, "duration", f"what follows '{kind}'")

        unless = None
        if isinstance(node, tree.Claimed) and node.tail is not None:
            unless = self._tail("unless", node.tail, on, place)
            if "within" not in clauses and "for" not in clauses:
                self.bag.error(
                    node.tail.span,
                    "no-deadline",
                    "'unless' ends a wait, and nothing is waited for here",
                    "add 'within 5m' before it",
                )
        return tl.Expect(
            *self.head(node),
            mode=node.mode,  # type: ignore[arg-type]
            claim=claim,
            quantifier=quantifier,
            on=on,
            within=duration("within"),
            lasting=duration("for"),
            since=self._since(clauses, place),
            unless=unless,
            patience=duration("patience"),
            identity=self.context.identity(),
        )

    def _tail(
        self, word: str, tail: tree.Tail, on: px.Target | None, place: Place
    ) -> tuple[tl.Claim, px.Target | None]:
        clauses = sorted_out(word, tail.clauses, self.bag)
        cohorts = self._cohorts_of(on, place)
        claim, quantifier, target = self.claims.claim(tail.claim, clauses.get("on"), place.of(cohorts), inherit=True)
        if quantifier.kind != "each":
            self.bag.error(
                tail.span,
                "quantifier",
                f"the claim of '{word}' is about one device at a time",
                "take the quantifier out",
            )
        if isinstance(claim, tl.MessageClaim) and claim.negated:
            self.bag.error(
                tail.claim.span,
                "no-event",
                f"what ends it by '{word}' is something that comes true",
                "take the 'no' out",
            )
        return claim, target

    def _cohorts_of(self, target: px.Target | None, place: Place) -> frozenset[str] | None:
        if target is None:
            return self.context.all_cohorts()
        found: set[str] = set()
        for node in walk(target):
            if isinstance(node, px.All):
                return self.context.all_cohorts()
            if isinstance(node, px.Device):
                return place.cohorts
            if isinstance(node, px.Cohort):
                binding = place.scope.find(node.name)
                if binding is None or binding.cohorts is None:
                    return None
                found |= binding.cohorts
        return frozenset(found)

    def _since(self, clauses: dict[str, tree.Clause], place: Place) -> str | None:
        if "since" not in clauses:
            return None
        word: tree.Word = clauses["since"].value
        if word.text == "start":
            return "start"
        binding = place.scope.find(word.text)
        if binding is None:
            kept = [name for name in place.scope.names() if (place.scope.find(name) or binding).kind == "capture"]  # type: ignore[union-attr]
            if not place.lenient:
                self.bag.error(
                    word.span,
                    "unknown-name",
                    f"nothing was kept as '{word.text}'",
                    did_you_mean(word.text, [*kept, "start"], "'start', or a name given by 'as'"),
                )
        else:
            binding.used = True
            if binding.kind not in ("capture", "unknown"):
                self.bag.error(
                    word.span, "no-message", f"'{word.text}' is not a kept message", "'start', or a name given by 'as'"
                )
        return word.text

    def _capture(self, word: tree.Word, claim: tl.Claim, place: Place) -> tl.Claim:
        if not isinstance(claim, tl.MessageClaim) or claim.negated or claim.comparison is not None:
            self.bag.error(word.span, "no-message", "only a message can be kept by 'as'")
            place.scope.bind(Binding(word.text, "unknown", word.span))
            return claim
        self._keep(word, claim, place)
        return tl.MessageClaim(claim.span, claim.pattern, capture=word.text)

    def _keep(self, word: tree.Word, claim: tl.MessageClaim, place: Place) -> None:
        message = self.context.catalogue.messages.get(claim.pattern.kind)
        self.bind(word, Binding(word.text, "capture", word.span, message=message), place.scope)

    def _wait_moment(self, node: tree.Claimed, moment: px.Literal_, clauses: dict[str, tree.Clause]) -> tl.Step:
        for clause in clauses.values():
            self.bag.error(
                clause.span, "wrong-clause", f"a wait for a time of day takes no '{clause.kind}'", "take it out"
            )
        if node.mode != "wait":
            self.bag.error(
                moment.span, "no-claim", "a time of day is no claim", f"did you mean 'wait until {moment.value}'?"
            )
        return tl.Wait(*self.head(node), moment=moment.value)

    def _monitor(self, node: tree.Claimed, place: Place) -> tl.Step:
        clauses = sorted_out(node.mode, node.clauses, self.bag)
        default = "each" if node.mode == "always" else "any"
        claim, quantifier, on = self.claims.claim(node.claim, clauses.get("on"), place, default)
        if isinstance(claim, tl.MessageClaim) and claim.comparison is None:
            if claim.negated:
                opposite = {"always": "never", "never": "always"}.get(node.mode)
                self.bag.error(
                    node.claim.span,
                    "no-event",
                    f"'{node.mode} no' denies twice" if opposite != "never" else "'always no' is 'never'",
                    "write 'never' and the message",
                )
            elif node.mode == "always":
                self.bag.error(
                    node.claim.span,
                    "no-event",
                    "a message comes; it does not hold always",
                    "`expect … within`, or `always` with a parameter, a state or a count",
                )
        until = self._tail("until", node.tail, on, place) if node.tail is not None else None
        return tl.Monitor(
            *self.head(node),
            mode=node.mode,  # type: ignore[arg-type]
            claim=claim,
            quantifier=quantifier,
            on=on,
            until=until,
            identity=self.context.identity(),
        )

    # --- reactions ---------------------------------------------------------------------------------------------------

    def handler(self, node: tree.Handler, place: Place) -> tl.Step:
        on, cohorts = self.expressions.target(node.target, place)
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
                arguments["parameter"], _ = self.expressions.path(node.operands["path"], place, place.cohorts)
        elif node.kind == "after":
            arguments["delay"] = self.expressions.value(
                node.operands["value"], place, "duration", "what follows 'after'"
            )
        elif node.kind == "with":
            refuse(self.bag, node.span, "answer-with")
            return None
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
        return tl.Note(*self.head(node), text=self.expressions.value(node.text, place))

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
        over, found = self.expressions.either(node.over, place)
        inner = place.inner(block="flow", repeated=True)
        if found.is_devices:
            inner = inner.of(found.cohorts)
            binding = Binding(node.name.text, "devices", node.name.span, "devices", found.cohorts)
        else:
            if found.type not in (ANY, "list"):
                self.bag.error(
                    node.over.span, "wrong-type", "'for' goes through devices or a list", "as in 'for d in fleet:'"
                )
            binding = Binding(node.name.text, "argument", node.name.span)
        self.bind(node.name, binding, inner.scope)
        return tl.ForEach(
            *self.head(node), name=node.name.text, over=over, together=node.together, body=self.body(node.body, inner)
        )

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


def plain_text(node: Any, context: Context) -> str:
    """Return a text that must be known as it stands; report one with braces."""
    if isinstance(node, px.Literal_) and isinstance(node.value, str):
        return node.value
    context.bag.error(
        node.span, "not-plain", "this text is fixed: nothing can stand in braces", "a brace itself is '{{'"
    )
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
