"""When a failed session is tried again: the session retry policy of TR-069 3.2.1.1, Table 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpescript.kernel import draws
from cpescript.kernel.time import SECOND

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent

MINIMUM_WAIT = 5
"""Seconds; what Table 3 has where CWMPRetryMinimumWaitInterval does not exist."""
MULTIPLIER = 2000
"""Thousandths; what Table 3 has where CWMPRetryIntervalMultiplier does not exist."""
LAST_ROW = 10
"""From the tenth retry on the wait no longer grows."""


def bounds(attempt: int, minimum: int = MINIMUM_WAIT, multiplier: int = MULTIPLIER) -> tuple[int, int]:
    """Return the shortest and longest wait in nanoseconds before retry `attempt` (from 1)."""
    row = min(attempt, LAST_ROW)
    low = minimum * SECOND * multiplier ** (row - 1) // 1000 ** (row - 1)
    return low, low * multiplier // 1000


def wait(agent: CwmpAgent) -> int:
    """Return how long, in nanoseconds, the device waits before its next retry: uniform between the bounds.

    The device's own CWMPRetryMinimumWaitInterval (1 to 65535 s) and CWMPRetryIntervalMultiplier (1000 to 65535) are
    read at that moment. The draw is that of the session that failed.
    """
    device = agent.device
    low, high = bounds(
        agent.retry_count,
        max(1, agent.number(f"{device.schema.management_server}CWMPRetryMinimumWaitInterval", MINIMUM_WAIT)),
        max(1000, agent.number(f"{device.schema.management_server}CWMPRetryIntervalMultiplier", MULTIPLIER)),
    )
    return draws.between(agent.stream("retry"), agent.sessions, low, high)
