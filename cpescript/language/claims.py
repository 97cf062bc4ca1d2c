"""Checks claims: the form that was written becomes a claim, its quantifier and the devices that it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from cpescript.diagnostics import Span, did_you_mean
from cpescript.language import timeline as tl
from cpescript.language import tree
from cpescript.language.context import Context
from cpescript.language.expressions import TARGET_NODES
from cpescript.language.headcount import more_than_one
from cpescript.language.not_yet import refuse
from cpescript.language.scope import Place
from cpescript.language.systems import ANSWER, known_call, known_system, named_inputs
from cpescript.language.types import fits, noun
from cpescript.pattern import expression as px
from cpescript.pattern.walking import walk

Checked = tuple[tl.Claim, tl.Quantifier, px.Target | None]
"""A claim, how many must meet it, and who (None: it is about no device)."""


_FIXED = (px.Literal_, px.ListNode, px.MapNode, px.Unary, px.Binary, px.Between, px.Test, px.Conditional, px.Needed)
"""What says nothing of a device, and holds no name, where there is nothing else."""


class Claims:
    """Resolves claims in a context."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.bag = context.bag

    def claim(
        self, form: tree.Form, on: tree.Clause | None, place: Place, default: str = "each", inherit: bool = False
    ) -> Checked:
        """Return a claim with its devices.

        `on` is the `on` or `across` clause, if there is one. `default` is the quantifier where none is written.
        With `inherit` (behind `unless` and `until`), no devices written means those of the first claim.
        """
        if isinstance(form, (tree.StateForm, tree.StatelessForm)):
            return self._devices_first(form, on, place, default)
        if isinstance(form, tree.ValueForm) and self._lone_devices(form.value, place):
            self.bag.error(
                form.span, "no-state", "these are devices; what is claimed of them?", "as in 'each fleet registered'"
            )
            return tl.ValueClaim(form.span, px.Literal_(form.span, True)), tl.Quantifier("each"), None
        quantifier, target, cohorts = self.devices(on, place, default)
        if target is None and place.device and not inherit:
            target, cohorts = px.Device(form.span), place.cohorts
        elif target is None:
            cohorts = place.cohorts if inherit else self.context.all_cohorts()
        inner = place.of(cohorts, claim=True)
        claim = self._claim(form, inner)
        if on is not None and on.kind == "across":
            self.check_across(claim)
        if target is None and not inherit:
            if isinstance(claim, tl.BeliefClaim) and claim.called and not _asks_device(claim):
                return claim, tl.Quantifier("across"), None
            lone = self._lone_owner(claim, inner) if isinstance(claim, tl.ValueClaim) else None
            if lone is not None:
                target = lone
            elif isinstance(claim, tl.ValueClaim) and (claim.figure or self._of_the_run(claim, inner)):
                quantifier = tl.Quantifier("across")
                target = px.All(form.span) if claim.patterns or claim.parameters or _asks_device(claim) else None
            else:
                target = px.All(form.span)
        return claim, quantifier, target

    def _of_the_run(self, claim: tl.ValueClaim, place: Place) -> bool:
        """Whether a claim that names devices asks nothing of the one in question, as `count(all) <= 3`: it is one
        figure, not one of each device."""
        named = False
        for node in walk(claim.expression, without=(px.MessagePattern, px.Where)):
            if isinstance(node, px.Name):
                binding = place.scope.find(node.name)
                if binding is not None and binding.kind in ("capture", "result"):
                    # What `as` keeps is each device's own.
                    return False
            named = named or isinstance(node, (px.Cohort, *TARGET_NODES))
        return named and not _asks_one_device(claim)

    def _lone_owner(self, claim: tl.ValueClaim, place: Place) -> px.Target | None:
        """Return the one device that a claim like `PATH of fleet[2] == 5` is about, None where there is none."""
        if claim.figure or not self._of_the_run(claim, place):
            return None
        owners = [node.target for node in claim.parameters if node.target is not None]
        return owners[0] if len(owners) == 1 and more_than_one(owners[0], place.scope) is False else None

    def _lone_devices(self, value: Any, place: Place) -> bool:
        if isinstance(value, px.Name):
            binding = place.scope.find(value.name)
            return binding is not None and binding.is_devices
        return isinstance(value, TARGET_NODES)

    def devices(
        self, on: tree.Clause | None, place: Place, default: str
    ) -> tuple[tl.Quantifier, px.Target | None, frozenset[str] | None]:
        """Return the quantifier, devices and cohorts of an `on` or `across` clause."""
        if on is None:
            return tl.Quantifier(default), None, None  # type: ignore[arg-type]
        asked = place.inner(claim=True)
        if on.kind == "across":
            target, cohorts = self.context.targets.target(on.value, asked)
            return tl.Quantifier("across"), target, cohorts
        target, cohorts = self.context.targets.target(on.value.target, asked)
        return self.quantifier(on.value.quantifier, asked, default), target, cohorts

    def check_across(self, claim: tl.Claim) -> None:
        """Report what cannot be judged of devices together: a state, a parameter, what a system sees of one device."""
        if isinstance(claim, tl.BlockClaim):
            for part in claim.claims:
                self.check_across(part)
        elif isinstance(claim, tl.StateClaim) or (
            isinstance(claim, (tl.ValueClaim, tl.BeliefClaim)) and _asks_one_device(claim)
        ):
            self.bag.error(
                claim.span, "across", "this is of one device at a time", "write 'on each' or 'on at least 3 of'"
            )

    def quantifier(self, node: tree.Quantifier | None, place: Place, default: str) -> tl.Quantifier:
        if node is None:
            return tl.Quantifier(default)  # type: ignore[arg-type]
        amount = None
        if node.amount is not None:
            amount = self.context.targets.amount(node.amount, place, "how many")
        return tl.Quantifier(node.kind, amount)  # type: ignore[arg-type]

    def _devices_first(
        self, form: tree.StateForm | tree.StatelessForm, on: tree.Clause | None, place: Place, default: str
    ) -> Checked:
        if on is not None:
            self.bag.error(
                on.span,
                "doubled-devices",
                "the devices were named before the state already",
                f"take the '{on.kind}' out",
            )
        asked = place.inner(claim=True)
        if isinstance(form, tree.StateForm) and self._state_first(form, place):
            return tl.StateClaim(form.span, "online"), tl.Quantifier("each"), px.All(form.span)
        target, _ = self.context.targets.target(form.target, asked)
        quantifier = self.quantifier(form.quantifier, asked, default)
        if isinstance(form, tree.StatelessForm):
            self.bag.error(
                form.span, "no-state", "these are devices; what is claimed of them?", "as in 'each fleet registered'"
            )
            return tl.StateClaim(form.span, "online"), quantifier, target
        return self._state(form.span, form.state, form.negated, place), quantifier, target

    def _state_first(self, form: tree.StateForm, place: Place) -> bool:
        """Report `registered fleet`; whether it was that."""
        name = form.target.name if isinstance(form.target, px.Name) else ""
        if name not in self.context.catalogue.states or place.scope.find(name) or not place.scope.find(form.state.text):
            return False
        remedy = f"write 'each {form.state.text} {name}'"
        self.bag.error(form.span, "state-first", "the devices come before their state", remedy)
        return True

    def _state(self, span: Span, word: tree.Word, negated: bool, place: Place) -> tl.StateClaim:
        states = self.context.catalogue.states
        if word.text not in states and not place.lenient:
            self.bag.error(
                word.span,
                "unknown-state",
                f"no device is ever '{word.text}'",
                did_you_mean(word.text, states, f"states: {', '.join(sorted(states))}"),
            )
        refuse(self.bag, word.span, word.text)
        return tl.StateClaim(span, word.text, negated)

    def _claim(self, form: tree.Form, place: Place) -> Any:
        if isinstance(form, tree.MessageForm):
            return self._message(form, place)
        if isinstance(form, tree.EqualsForm):
            left = form.left
            name = f"'{left.path}'" if isinstance(left, px.Parameter) else "this"
            self.bag.error(form.span, "single-equals", f"{name} is compared, not assigned", "a claim says '=='")
            node = px.Binary(form.span, "==", left, form.right)
            return self._value(tree.ValueForm(form.span, node), place)
        if isinstance(form, tree.BeliefForm):
            return self._belief(form, place)
        assert isinstance(form, tree.ValueForm)
        return self._value(form, place)

    def _message(self, form: tree.MessageForm, place: Place) -> tl.MessageClaim:
        pattern = self.context.patterns.pattern(form.pattern, place)
        count = None
        if form.amount is not None:
            count = self.context.expressions.value(form.amount, place, "int", "how many messages")
        comparison: Any = form.comparison
        return tl.MessageClaim(form.span, pattern, form.negated, comparison, count)

    def _belief(self, form: tree.BeliefForm, place: Place) -> tl.BeliefClaim:
        """Return a claim about what a system believes.

        In `sees` the condition's parameters are the system's view of the device's; behind a call, fields `status` and
        `body` are those of its answer.
        """
        refuse(self.bag, form.span, "belief")
        verb = "sees" if form.name is None else "call"
        known_system(self.context, form.system, verb)
        if form.name is None:
            condition = self.context.expressions.value(form.condition, place, "bool", "what a system sees")
            if not any(isinstance(node, px.Parameter) for node in walk(condition)):
                self.bag.error(form.span, "no-claim", "a system sees parameters", "as in 'acs sees Device.X.Y == 1'")
            return tl.BeliefClaim(form.span, form.system.text, verb, {}, condition)
        known_call(self.context, form.system, form.name, form.arguments)
        inputs = named_inputs(self.context, form.arguments, place)
        condition = px.Literal_(form.span, True)
        if form.condition is not None:
            asked = place.of(place.cohorts, where=ANSWER)
            condition = self.context.expressions.value(form.condition, asked, "bool", "what follows 'where'")
        return tl.BeliefClaim(form.span, form.system.text, form.name.text, inputs, condition, called=True)

    def _value(self, form: tree.ValueForm, place: Place) -> tl.ValueClaim | tl.StateClaim:
        expression, type_ = self.context.expressions.typed(form.value, place)
        if isinstance(expression, px.State):
            return tl.StateClaim(form.span, expression.state)
        if (
            isinstance(expression, px.Unary)
            and expression.operator == "not"
            and isinstance(expression.operand, px.State)
        ):
            return tl.StateClaim(form.span, expression.operand.state, True)
        if not fits(type_, "bool"):
            remedy = ""
            if isinstance(form.value, px.Parameter):
                remedy = f"write '{form.value.path} == …' or '{form.value.path} exists'"
            elif type_ in ("int", "float"):
                remedy = "compare it: … <= 3"
            elif type_ in ("time", "instant"):
                remedy = "as in 'until elapsed() > 2h'"
            self.bag.error(form.span, "no-claim", f"a claim is true or false, and this is {noun(type_)}", remedy)
        expression = self.context.expressions.needed(expression, type_, "bool", "a claim", place)
        parameters, patterns, figure = [], [], False
        nodes = list(walk(expression))
        # A null may stand for what was reported already.
        plain = all(isinstance(node, _FIXED) and getattr(node, "value", 0) is not None for node in nodes)
        if type_ == "bool" and plain and not place.lenient:
            self.bag.error(form.span, "no-claim", "this is so, or not, whatever the ACS does", "name what it is about")
        for node in nodes:
            if isinstance(node, px.Parameter):
                parameters.append(node)
            elif isinstance(node, px.MessagePattern):
                patterns.append(node)
                figure = True
            elif isinstance(node, px.Call) and node.function in ("elapsed", "now"):
                figure = True
        return tl.ValueClaim(form.span, expression, tuple(parameters), tuple(patterns), figure)

    # --- several claims in a block -----------------------------------------------------------------------------------

    def block(
        self,
        ordering: tree.Word,
        lines: tuple[tree.ClaimLine, ...],
        span: Span,
        place: Place,
        keep: Callable[[tree.Word, tl.MessageClaim], None],
    ) -> tl.BlockClaim:
        """Return a block's claims. What one keeps by `as` is handed to `keep` before the next is looked at."""
        claims: list[Any] = []
        for line in lines:
            if line.claim is None:
                continue
            if isinstance(line.claim, (tree.StateForm, tree.StatelessForm)):
                self.bag.error(
                    line.claim.target.span,
                    "doubled-devices",
                    "the block's devices stand in its first line",
                    "write the state alone",
                )
                continue
            if isinstance(line.claim, tree.BeliefForm):
                self.bag.error(
                    line.claim.span,
                    "no-event",
                    "what a system believes has no place in an order",
                    "claim it by an 'expect' of its own",
                )
                continue
            claim = self._claim(line.claim, place)
            if isinstance(claim, tl.MessageClaim) and (claim.negated or claim.comparison in ("exactly", "at most")):
                self.bag.error(
                    claim.span,
                    "no-event",
                    "a line of a block is something that comes; this is known only at its end",
                    "claim it by a statement of its own",
                )
            if line.capture is not None:
                if isinstance(claim, tl.MessageClaim) and not claim.negated and claim.comparison is None:
                    claim = tl.MessageClaim(claim.span, claim.pattern, capture=line.capture.text)
                    keep(line.capture, claim)
                else:
                    self.bag.error(
                        line.capture.span, "no-message", "only a message can be kept by 'as'", "take the 'as' out"
                    )
            claims.append(claim)
        kind: Literal["in order", "in any order", "one of"] = ordering.text  # type: ignore[assignment]
        return tl.BlockClaim(span, kind, tuple(claims))


def _asks_device(claim: tl.ValueClaim | tl.BeliefClaim) -> bool:
    return any(isinstance(node, (px.State, px.Device, px.Parameter)) for node in walk(claim))


def _asks_one_device(claim: tl.ValueClaim | tl.BeliefClaim) -> bool:
    """Whether something outside a message's own `where` is asked of the one device in question."""
    asked = claim.expression if isinstance(claim, tl.ValueClaim) else claim.condition
    return any(
        isinstance(node, (px.State, px.Device)) or (isinstance(node, px.Parameter) and node.target is None)
        for node in walk(asked, without=(px.MessagePattern, px.Where))
    )
