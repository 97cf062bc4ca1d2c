"""What the language has and this version cannot run yet: one row each, said at check time, before anything runs."""

from __future__ import annotations

from cpescript.diagnostics import Bag, Span

NOT_YET: dict[str, str] = {
    "operate": "'acs operate' is USP, which is not simulated yet",
    "protocol": "devices speak CWMP only; other protocols are not simulated yet",
    "subscribed": "'subscribed' is USP, which is not simulated yet",
    "usp-message": "this is a message of USP, which is not simulated yet",
    "telemetry": "telemetry is not simulated yet",
    "inject-fault": "link faults are not simulated yet",
}
"""Construct to one line of what is missing. Taking a row out is the last step of building what it names."""


def refuse(bag: Bag, span: Span, construct: str) -> bool:
    """Report a construct that is not there yet; return whether it was one."""
    if construct not in NOT_YET:
        return False
    bag.error(span, "not-yet", NOT_YET[construct], "take it out for now")
    return True
