"""From what was found to one word: verdicts only ever get worse (language page, Verdicts)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace

from cpescript.diagnostics import placing
from cpescript.results import ClaimResult, Problem, ScenarioResult, Verdict


def judge_case(
    claims: Sequence[ClaimResult], problems: Sequence[Problem], vacuous: Sequence[str], cut: str, *, strict: bool
) -> tuple[Verdict, str]:
    """Return the verdict of a case before `expected to fail` is looked at, and the line that says why."""
    if problems:
        return "error", problems[0].message
    place = placing(claim.span for claim in claims)
    missed = [claim for claim in claims if claim.verdict == "missed"]
    if missed:
        first = missed[0]
        more = f" (and {len(missed) - 1} more)" if len(missed) > 1 else ""
        return "failed", f"{place(first.span)}: {first.message}{more}"
    if cut:
        return "inconclusive", cut
    undecided = [claim for claim in claims if claim.verdict == "inconclusive"]
    if undecided:
        return "inconclusive", f"{place(undecided[0].span)}: {undecided[0].message}"
    if strict and vacuous:
        return "inconclusive", f"vacuous: {vacuous[0]}"
    return "passed", ""


def expected_to_fail(verdict: Verdict, reason: str, why: str) -> tuple[Verdict, str]:
    """Return the verdict of a case that its author expects to fail because of `why`."""
    if verdict == "failed":
        return "xfailed", f"expected to fail: {why}"
    if verdict == "passed":
        return "xpassed", f"passed, though expected to fail: {why}"
    return verdict, reason


def merge_matrix(results: Sequence[ScenarioResult], *, strict: bool) -> list[ScenarioResult]:
    """Settle `sometimes` over the cases of each scenario: coming true in one of them is enough.

    One that is opened more than once in a case, by a loop or by calls of a procedure, is so many claims: the first of
    them is settled by the first in the other cases, the second by the second.
    """
    came_true = {
        key
        for result in results
        for key, claim in zip(_keys(result), result.claims, strict=True)
        if claim.statement == "sometimes" and claim.verdict == "met"
    }
    merged = []
    for result in results:
        claims = tuple(
            replace(claim, verdict="met", message="it came true in another case", missed=0)
            if claim.statement == "sometimes" and claim.verdict == "missed" and key in came_true
            else claim
            for key, claim in zip(_keys(result), result.claims, strict=True)
        )
        if claims == result.claims:
            merged.append(result)
            continue
        verdict, reason = settle(claims, result.problems, result.vacuous, result.cut, result.expected_to_fail, strict)
        merged.append(replace(result, claims=claims, verdict=verdict, reason=reason))
    return merged


def _keys(result: ScenarioResult) -> Iterator[Hashable]:
    """Yield for each claim of a case what it has in common with its like in the other cases of the scenario."""
    turns: Counter[Hashable] = Counter()
    for claim in result.claims:
        place = (claim.span, claim.callers)
        turns[place] += 1
        yield result.file, result.name, place, turns[place]


def settle(
    claims: Sequence[ClaimResult],
    problems: Sequence[Problem],
    vacuous: Sequence[str],
    cut: str,
    known: str,
    strict: bool,
) -> tuple[Verdict, str]:
    """Return the verdict of a case and its reason; `known` is why its author expects it to fail, empty if he does not.

    Each case of a matrix is expected to fail by itself: one that passes is as unexpected as a whole scenario would be.
    """
    verdict, reason = judge_case(claims, problems, vacuous, cut, strict=strict)
    return expected_to_fail(verdict, reason, known) if known else (verdict, reason)


def may_yet_pass(result: ScenarioResult) -> bool:
    """Whether all that a case has missed may still come true in another case of its matrix."""
    missed = [claim for claim in result.claims if claim.verdict == "missed"]
    return bool(result.case and missed) and all(claim.statement == "sometimes" for claim in missed)
