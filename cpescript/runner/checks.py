"""What can be known of an ACS before anything runs: its policy, its calls, whether orders reach it at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cpescript.acs.policy import load_policy
from cpescript.acs.rules import DEFAULT_POLICY, Policy
from cpescript.diagnostics import Bag, Span, did_you_mean
from cpescript.language.timeline import BeliefClaim, Stimulus, Timeline
from cpescript.pattern.expression import Call
from cpescript.pattern.walking import walk

if TYPE_CHECKING:
    from cpescript.runner.north import Abilities  # it brings a whole HTTP client along, which `check` does not need


def check_defects(names: Iterable[str], bag: Bag) -> None:
    """Report deliberate defects that there are not."""
    from cpescript.acs.defects import catalogue

    given = list(names)
    bag.sources["--defect"] = "\n".join(given)
    for line, name in enumerate(given, 1):
        span = Span("--defect", line, 1, line, len(name) + 1)
        if name not in catalogue():
            remedy = did_you_mean(name, catalogue(), "see 'cpescript acs defects'")
            bag.error(span, "unknown-defect", f"no defect is called '{name}'", remedy)
        elif name in given[: line - 1]:
            bag.error(span, "doubled", f"defect '{name}' is given twice", "once is enough")


def check_policies(cases: list[Timeline], bag: Bag, override: str | None = None, *, named_only: bool = False) -> None:
    """Report what is wrong with the policies of these cases, and calls that they do not define.

    `override` takes the place of every case's own; `named_only` leaves cases without a policy alone: they may be meant
    for an ACS that has one.
    """
    policies: dict[str, Policy | None] = {}
    for timeline in cases:
        path = override if override is not None else timeline.policy
        if path is None:
            policy: Policy | None = None if named_only else DEFAULT_POLICY
        else:
            if path not in policies:
                policies[path], problems = load_policy(Path(path))
                bag.extend(problems)
            policy = policies[path]
        if policy is not None:
            _check_calls(timeline, policy, bag)


def check_abilities(cases: list[Timeline], abilities: Abilities, bag: Bag) -> None:
    """Report what is asked of the ACS under test and its adapter cannot do: verbs, calls, beliefs."""
    for timeline in cases:
        for step in walk(timeline):
            message = remedy = ""
            if isinstance(step, Stimulus) and step.system == "acs":
                name = step.arguments.get("name", "")
                if step.verb not in abilities.verbs:
                    message = f"the adapter '{abilities.name}' has no verb '{step.verb}'"
                    known = ", ".join(sorted(abilities.verbs)) or "none"
                    remedy = abilities.instead.get(step.verb, f"it has {known}")
                elif step.verb == "call" and abilities.calls is not None and name not in abilities.calls:
                    message = f"the adapter '{abilities.name}' has no call '{name}'"
                    known = ", ".join(abilities.calls) or "none"
                    remedy = did_you_mean(name, abilities.calls, f"it has {known}")
            elif isinstance(step, BeliefClaim) and step.system == "acs" and not abilities.beliefs:
                message = f"the adapter '{abilities.name}' cannot be asked what the ACS sees"
                remedy = "take an adapter that can be, or leave the claim out; an adapter file needs 'sees'"
            if message:
                bag.sources.update(timeline.sources)
                bag.error(step.span, "adapter-lacks", message, remedy)


def check_real_times(cases: list[Timeline], bag: Bag) -> None:
    """Report claims on real time towards the embedded ACS, which takes none."""
    for timeline in cases:
        for node in walk(timeline):
            if isinstance(node, Call) and node.function == "response_time":
                bag.sources.update(timeline.sources)
                message = "response times are real time, and the embedded ACS has none"
                bag.error(node.span, "no-real-time", message, "run it against a real ACS: --acs URL")


def check_stimuli(cases: list[Timeline], bag: Bag) -> None:
    """Report what is asked of an ACS that no adapter speaks to."""
    for timeline in cases:
        for step in walk(timeline):
            if isinstance(step, Stimulus):
                bag.sources.update(timeline.sources)
                message = f"nothing carries 'acs {step.verb}' to this ACS"
                bag.error(step.span, "no-adapter", message, "name an adapter: --adapter cpescript --north URL")


def _check_calls(timeline: Timeline, policy: Policy, bag: Bag) -> None:
    """Report calls that the policy does not define: what an ACS cannot do is known before anything runs."""
    for step in walk(timeline):
        if isinstance(step, Stimulus) and step.verb == "call" and step.system == "acs":
            name = step.arguments["name"]
            if name not in policy.campaigns:
                known = ", ".join(policy.campaigns) or "none"
                remedy = did_you_mean(name, policy.campaigns, f'it has {known}; say policy "FILE"')
                bag.sources.update(timeline.sources)
                bag.error(step.span, "unknown-call", f"the policy has no call '{name}'", remedy)
