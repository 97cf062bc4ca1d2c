"""Who was the limit of a load: the simulator, its fleet, the ACS, or nobody."""

from __future__ import annotations

import resource

BUSY = 0.9
"""Share of a CPU from which the simulator itself is held to be the limit."""
LATE = 0.010
"""Seconds of own delay (p99) from which the simulator itself is held to be the limit."""
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
    unserved: int,
    reached: float,
    wanted: float,
    no_device: int = 0,
    silent: str = "",
) -> str:
    """Return in words which side kept the rate from being higher, or that neither did.

    `late_ms` is the p99 of the simulator's own delay, `unserved` counts sessions that failed or did not end,
    `no_device` those for which no device was free; rates are sessions a second; `silent` is the URL of an ACS that has
    answered nothing at all.
    """
    if silent:
        return f"nobody answered at {silent}, so nothing was measured: is the ACS up, are its host and port right?"
    if cpu_share >= BUSY or late_ms >= LATE * 1e3:
        busy = "" if cpu_share >= BUSY else ", for this machine had other things to do"
        return (
            f"the simulator: it used {cpu_share:.0%} of a CPU and began sessions up to {late_ms:.0f} ms late "
            f"(p99){busy}; the figures say little about the ACS"
        )
    if no_device:
        return f"the fleet: {no_device} times no device was free; take more devices, or the ACS is too slow for these"
    if unserved or reached < REACHED * wanted:
        return "the ACS: sessions failed, or it did not keep up with the rate asked for"
    return "neither: the ACS kept up with the rate asked for"
