"""Makes an ACS from what a run says of it: policy text, defects, firmware, start and seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cpescript.acs.beliefs import Beliefs
from cpescript.acs.policy import read_policy
from cpescript.acs.rules import DEFAULT_POLICY, Policy
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
    policy: Policy = DEFAULT_POLICY,
) -> Acs:
    """Return a new ACS; with `beliefs` one that remembers what devices tell it. `policy` counts without a text of one.

    Raises ValueError, with all diagnostics as its text, for a policy or defect that is wrong.
    """
    if policy_text is not None:
        read, bag = read_policy(policy_text, policy_name, policy_name.rpartition("/")[2].partition(".")[0] or "policy")
        if read is None:
            raise ValueError(bag.render())
        policy = read
    acs = Acs(policy, seed=seed, start=start, firmware=firmware, file_base_url=file_base_url, defects=defects)
    if beliefs:
        acs.beliefs = Beliefs()
    return acs


def build_from_json(value: Any, served: Policy = DEFAULT_POLICY, wrong: Iterable[str] = ()) -> Acs:
    """Return the ACS of a set-up as JSON spells it (`adapters.base.Setup.as_json`).

    `served` is the policy of an ACS for which the set-up names none; the defects `wrong` it has besides. Raises
    ValueError for any other value.
    """
    match value:
        case {
            "policy": (str() | None) as text,
            "policy_name": str() as name,
            "defects": list() as defects,
            "firmware": dict() as firmware,
            "start": int() as start,
            "seed": int() as seed,
            "file_base_url": str() as url,
        } if all(isinstance(each, str) for each in defects) and all(
            isinstance(size, int) for size in firmware.values()
        ):
            both, beliefs = dict.fromkeys([*wrong, *defects]), value.get("beliefs") is True
            return build_acs(text, name, both, firmware, start, seed, url, beliefs, served)
    raise ValueError("a set-up is {policy, policy_name, defects, firmware, start, seed, file_base_url, beliefs}")
