"""Makes an ACS from what a run says of it: policy text, defects, firmware, start and seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cpescript.acs.beliefs import Beliefs
from cpescript.acs.policy import read_policy
from cpescript.acs.rules import DEFAULT_POLICY
from cpescript.acs.server import Acs
from cpescript.kernel.time import DEFAULT_START


def build_acs(
    policy_text: str | None = None,
    policy_name: str = "default",
    defects: Iterable[str] = (),
    firmware: Mapping[str, int] | None = None,
    start: int = DEFAULT_START,
    seed: int = 0,
    file_base_url: str = "http://files.example/",
    beliefs: bool = False,
) -> Acs:
    """Return a new ACS; with `beliefs` one that remembers what devices tell it.

    Raises ValueError, with all diagnostics as its text, for a policy or defect that is wrong.
    """
    policy = DEFAULT_POLICY
    if policy_text is not None:
        read, bag = read_policy(policy_text, policy_name, policy_name.rpartition("/")[2].partition(".")[0] or "policy")
        if read is None:
            raise ValueError(bag.render())
        policy = read
    acs = Acs(policy, seed=seed, start=start, firmware=firmware, file_base_url=file_base_url, defects=defects)
    if beliefs:
        acs.beliefs = Beliefs()
    return acs


def build_from_json(value: Any) -> Acs:
    """Return the ACS of a set-up as JSON spells it (`adapters.base.Setup.as_json`). Raises ValueError otherwise."""
    match value:
        case {
            "policy": (str() | None) as policy,
            "policy_name": str() as name,
            "defects": list() as defects,
            "firmware": dict() as firmware,
            "start": int() as start,
            "seed": int() as seed,
            "file_base_url": str() as url,
        } if all(isinstance(each, str) for each in defects) and all(
            isinstance(size, int) for size in firmware.values()
        ):
            return build_acs(policy, name, defects, firmware, start, seed, url, value.get("beliefs") is True)
    raise ValueError("a set-up is {policy, policy_name, defects, firmware, start, seed, file_base_url, beliefs}")
