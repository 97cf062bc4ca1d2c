"""The one table of device states, from which the language's adjectives, the checker and the docs work.

A device holds its states as bits of one integer. `offline` has no bit of its own: it is where `online` is not.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class State:
    """One adjective: its bit, what it means, what makes a device enter it and leave it."""

    name: str
    bit: int
    meaning: str
    entered: str
    left: str
    complement: bool = False
    """Whether the state holds where its bit is clear."""
    fact: str = "state"
    """The kind of the trace's record of a change. One that every session makes has a kind of its own, so that who
    watches the others is not woken by it."""


_TABLE = (
    State(
        "registered",
        1 << 0,
        "has completed a session that the ACS accepted since it was made, last booted, was reset or was given another "
        "ACS URL",
        "a session ends as done",
        "boot, factory reset, a change of the ACS URL, removal",
    ),
    State(
        "online",
        1 << 1,
        "powered and linked",
        "`spawn` (with `over`: its turn), power on, link up",
        "power off, link down, removal",
    ),
    State(
        "offline",
        1 << 1,
        "not online",
        "`spawn … over` until its turn, power off, link down, removal",
        "its turn, power on, link up",
        complement=True,
    ),
    State(
        "in session",
        1 << 2,
        "has a session with its ACS",
        "a session starts",
        "a session ends in any way",
        fact="session",
    ),
    State("rebooting", 1 << 3, "on its way through a reboot", "reboot begins", "the device is up again"),
    State("downloading", 1 << 4, "fetches a file", "a transfer to the device begins", "the file is there or given up"),
    State(
        "updating",
        1 << 5,
        "between a firmware Download and what concludes it",
        "a firmware Download is accepted",
        "the boot Inform that follows it, a TransferComplete with a fault, a refusal",
    ),
    State("faulted", 1 << 6, "its last RPC ended in a Fault of its own", "it answers a Fault", "it answers otherwise"),
    State("subscribed", 1 << 7, "has an enabled USP subscription", "the first is made", "the last is gone"),
)

STATES: dict[str, State] = {state.name: state for state in _TABLE}
"""All states by name, in the order of the language page."""
