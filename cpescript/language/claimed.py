"""Checks the statements that claim: `expect`, `check`, `wait until`; `always`, `never`, `sometimes`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cpescript.diagnostics import did_you_mean
from cpescript.kernel.time import Instant, TimeOfDay
from cpescript.language import timeline as tl
from cpescript.language import tree
from cpescript.language.claims import Claims
from cpescript.language.clauses import sorted_out
from cpescript.language.scope import Binding, Place
from cpescript.language.waiting import check_sometimes, check_times
from cpescript.pattern import expression as px
from cpescript.pattern.walking import walk

if TYPE_CHECKING:
    from cpescript.language.statements import Blocks


def _misread_deadline(on: tree.Clause | None) -> bool:
    """Whether a clause is `on fleet in 5m`: its deadline was read as a part of the devices, and that was reported."""
    target = on.value.target if on is not None and on.kind == "on" else None
    return isinstance(target, px.Binary) and target.operator == "in"


class ClaimStatements:
    """Makes the steps of statements that claim something."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.context = blocks.context
        self.bag = blocks.bag
        self.expressions = blocks.expressions
        self.claims = Claims(blocks.context)

    def claimed(self, node: tree.Claimed, place: Place) -> tl.Step | None:
        if node.mode in ("always", "never", "sometimes"):
            return self._monitor(node, place)
        statement = "wait until" if node.mode == "wait" else node.mode
        clauses = sorted_out(statement, node.clauses, self.bag)
        moment = node.claim.value if isinstance(node.claim, tree.ValueForm) else None
        if isinstance(moment, px.Literal_) and isinstance(moment.value, TimeOfDay):
            return self._wait_moment(node, moment, clauses)
        if node.mode == "wait" and isinstance(moment, px.Literal_) and isinstance(moment.value, Instant):
            message, remedy = "'wait until' takes a time of day, or a claim", "as in 'wait until 02:00'"
            self.bag.error(moment.span, "wrong-type", message, remedy)
            return None
        claim, quantifier, on = self.claims.claim(node.claim, clauses.get("on"), place)
        if "as" in clauses:
            claim = self._capture(clauses["as"].value, claim, place)
        if not _misread_deadline(clauses.get("on")):
            check_times(self.bag, statement, node.claim, claim, clauses)
        return self._expect(node, statement, claim, quantifier, on, clauses, place)

    def claimed_block(self, node: tree.ClaimedBlock, place: Place) -> tl.Step | None:
        statement = "wait until" if node.mode == "wait" else node.mode
        clauses = sorted_out(statement, node.clauses, self.bag)
        quantifier, on, cohorts = self.claims.devices(clauses.get("on"), place, "each")
        if on is None:
            on = px.Device(node.span) if place.device else px.All(node.span)
            cohorts = place.cohorts if place.device else self.context.all_cohorts()
        span, _ = self.blocks.head(node)
        claim = self.claims.block(
            node.ordering,
            node.lines,
            span,
            place.of(cohorts, claim=True),
            lambda word, each: self._keep(word, each, place),
        )
        if quantifier.kind == "across":
            self.claims.check_across(claim)
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
            *self.blocks.head(node),
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
            binding.use(word.span)
            if binding.kind not in ("capture", "unknown"):
                self.bag.error(
                    word.span, "no-message", f"'{word.text}' is not a kept message", "'start', or a name given by 'as'"
                )
        return word.text

    def _capture(self, word: tree.Word, claim: tl.Claim, place: Place) -> tl.Claim:
        if not isinstance(claim, tl.MessageClaim) or claim.negated or claim.comparison is not None:
            self.bag.error(word.span, "no-message", "only a message can be kept by 'as'", "take the 'as' out")
            place.scope.bind(Binding(word.text, "unknown", word.span))
            return claim
        self._keep(word, claim, place)
        return tl.MessageClaim(claim.span, claim.pattern, capture=word.text)

    def _keep(self, word: tree.Word, claim: tl.MessageClaim, place: Place) -> None:
        message = self.context.catalogue.messages.get(claim.pattern.kind)
        self.blocks.bind(word, Binding(word.text, "capture", word.span, message=message), place.scope)

    def _wait_moment(self, node: tree.Claimed, moment: px.Literal_, clauses: dict[str, tree.Clause]) -> tl.Step:
        for clause in clauses.values():
            self.bag.error(
                clause.span, "wrong-clause", f"a wait for a time of day takes no '{clause.kind}'", "take it out"
            )
        if node.mode != "wait":
            self.bag.error(
                moment.span, "no-claim", "a time of day is no claim", f"did you mean 'wait until {moment.value}'?"
            )
        return tl.Wait(*self.blocks.head(node), moment=moment.value)

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
            elif node.mode == "never" and quantifier.kind == "each":
                self.bag.error(
                    node.claim.span,
                    "quantifier",
                    "'never' is broken by any of the devices, not only by all of them",
                    "take the 'each' out",
                )
            elif node.mode == "always":
                self.bag.error(
                    node.claim.span,
                    "no-event",
                    "a message comes; it does not hold always",
                    "`expect … within`, or `always` with a parameter, a state or a count",
                )
        if node.mode == "sometimes":
            check_sometimes(self.bag, claim, node.claim.span)
        until = self._tail("until", node.tail, on, place) if node.tail is not None else None
        return tl.Monitor(
            *self.blocks.head(node),
            mode=node.mode,  # type: ignore[arg-type]
            claim=claim,
            quantifier=quantifier,
            on=on,
            until=until,
            identity=self.context.identity(),
        )
