"""What the language has and this version cannot run yet: one row each, said at check time, before anything runs."""

from __future__ import annotations

from cpescript.diagnostics import Bag, Span

NOT_YET: dict[str, str] = {
    "operate": "'acs operate' needs USP",
    "protocol": "this version speaks CWMP only",
    "transport": "'transport' is not simulated",
    "subscribed": "the state 'subscribed' needs USP",
    "usp-message": "USP messages are not simulated",
    "telemetry": "telemetry is not simulated",
    "inject-fault": "link faults are not simulated",
    "send": "hand-written messages cannot be sent",
    "answer-with": "hand-written answers cannot be given",
    "named-system": "only the ACS under test can be spoken to",
    "belief": "the ACS cannot be asked what it believes",
    "response-time": "real response times are not measured",
    "request-of": "a response cannot be asked for its request",
}
"""Construct to one line of what is missing. Taking a row out is the last step of building what it names."""


def refuse(bag: Bag, span: Span, construct: str) -> bool:
    """Report a construct that is not there yet; return whether it was one."""
    if construct not in NOT_YET:
        return False
    bag.error(span, "not-yet", f"{NOT_YET[construct]} yet", "take it out for now")
    return True
