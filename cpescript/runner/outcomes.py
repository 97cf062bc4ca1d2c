"""How sessions ended that did not end well, and why: what a report says of them in a line, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from cpescript.kernel.trace import Record, Trace

CERTIFICATE = "client certificate"
"""What stands in the reason of a session that an ACS cut because it wants to know who calls."""

REMEDIES = {
    "tls": "is the ACS's certificate signed by one of --tls-ca, and is this the port of its TLS?",
    "refused": "is the ACS up, are its host and port right?",
    "timeout": "is the ACS up, does a firewall keep this machine from it?",
    "cut": "does the ACS speak HTTP at this port, or is it HTTPS?",
}
"""What to look at, by outcome, where no session was served."""
_WANTS_CERTIFICATE = "--tls-client-certs DIR gives each device its own"
_BARE = {"refused": "connections are refused", "timeout": "no answer came in time"}
"""Outcomes at which nobody answered, in words where there is no reason."""


class Outcomes:
    """Counts the sessions of a run that failed, by outcome and reason."""

    def __init__(self, trace: Trace) -> None:
        self.failed: Counter[tuple[str, str]] = Counter()
        trace.watch(["SessionEnd"], self._ended)

    def _ended(self, record: Record) -> None:
        outcome = record.data["outcome"]
        if outcome != "done":
            self.failed[outcome, record.data.get("reason", "")] += 1

    @property
    def remedy(self) -> str:
        """What to look at because of the most frequent failure; empty where no session failed."""
        outcome, reason = self._most
        return _WANTS_CERTIFICATE if CERTIFICATE in reason else REMEDIES.get(outcome, "")

    def silence(self, acs: str) -> str:
        """Return what a load says instead of figures where no session was served."""
        outcome, reason = self._most
        if not outcome:
            return f"nobody answered at {acs}, so nothing was measured: {REMEDIES['timeout']}"
        who = "nobody answered" if outcome in _BARE else "no session was served"
        why = reason if reason not in ("", outcome) else _BARE.get(outcome, f"sessions ended '{outcome}'")
        told = [f"{who} at {acs}, so nothing was measured: {why}", self.remedy]
        return "; ".join(filter(None, told))

    @property
    def _most(self) -> tuple[str, str]:
        return self.failed.most_common(1)[0][0] if self.failed else ("", "")

    def remarks(self) -> Iterator[str]:
        """Yield a line for each outcome for which reasons are known: how many, and the most frequent reason."""
        total: Counter[str] = Counter()
        for (outcome, _), count in self.failed.items():
            total[outcome] += count
        for outcome, count in total.items():
            reasons = {each[1]: many for each, many in self.failed.items() if each[0] == outcome and each[1]}
            if reasons:
                reason = max(reasons, key=reasons.__getitem__)
                most = f", {reasons[reason]} of them" if reasons[reason] < count else ""
                yield f"{count} session{'s' * (count > 1)} ended '{outcome}'{most}: {reason}"
