"""Who was the limit of a load: the simulator, its fleet, the ACS, or nobody."""

from __future__ import annotations

import resource

BUSY = 0.9
"""Share of a CPU from which the simulator itself may be the limit."""
LATE = 0.010
"""Seconds of own delay (p99) from which the simulator itself may be the limit."""
PART = 0.1
"""Share of a session's median time from which that delay may be the limit: less does not explain a missed rate."""
REACHED = 0.98
"""Share of the rate asked for that counts as reached."""


def cpu_seconds() -> float:
    """Return the processor time that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def limit_of(
    *,
    cpu_share: float,
    late_ms: float,
    session_ms: float,
    unserved: int,
    reached: float,
    wanted: float,
    no_device: int = 0,
    dark: int = 0,
    silent: str = "",
) -> str:
    """Return in words which side kept the rate from being higher, or that neither did.

    `late_ms` is the p99 of the simulator's own delay, `session_ms` the median time of a session (0 where none ended);
    `unserved` counts sessions that failed or did not end, `no_device` those for which no device was free, `dark` those
    not due yet when the run ended, for their devices were still booting; rates are sessions a second; `silent` says why
    an ACS has answered nothing at all.
    """
    if silent:
        return silent
    if dark and not (unserved or no_device):
        many = f"{dark} device{'s were' if dark > 1 else ' was'} still booting"
        return f"nobody can say: the run ended while {many}, so nothing was due from them yet; let it go on for longer"
    if not (unserved or no_device) and reached >= REACHED * wanted:
        # A simulator that was late or busy and reached the rate all the same has limited nothing.
        return "neither: the ACS kept up with the rate asked for"
    if cpu_share >= BUSY or late_ms >= max(LATE * 1e3, PART * session_ms):
        return (
            f"the simulator: it used {cpu_share:.0%} of a CPU and began sessions up to {late_ms:.0f} ms late "
            f"(p99){_disturbed(cpu_share)}; the figures say little about the ACS"
        )
    if no_device:
        return f"the fleet: {no_device} times no device was free; take more devices, or the ACS is too slow for these"
    return "the ACS: sessions failed, or it did not keep up with the rate asked for"


def late_remark(limit: str, *, cpu_share: float, late_ms: float) -> str:
    """Return what is to be said of a simulator that was late although it was not the limit; empty where it was not."""
    if late_ms < LATE * 1e3 or limit.startswith("the simulator"):
        return ""
    return (
        f"the simulator began sessions up to {late_ms:.0f} ms late (p99){_disturbed(cpu_share)}; "
        "the times of sessions are longer by that"
    )


def _disturbed(cpu_share: float) -> str:
    return "" if cpu_share >= BUSY else ", for this machine had other things to do"
