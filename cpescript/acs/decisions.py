"""The points at which the ACS decides something that an ACS can get wrong, each with the clean answer.

A deliberate defect (`defects.py`) overrides one or two of these methods and nothing else, so that the rest of the ACS
never asks whether it is defective. Several defects combine by inheritance.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cpescript.acs.connections import ConnectionRequest
from cpescript.acs.informs import Inform
from cpescript.acs.orders import DeviceKey
from cpescript.acs.records import DeviceRecord
from cpescript.acs.rules import COMPARISONS, Action, Campaign, Comparison, Condition, Policy, Rule
from cpescript.acs.tasks import Task
from cpescript.cwmp.message import Message
from cpescript.kernel import draws
from cpescript.kernel.time import MINUTE

if TYPE_CHECKING:
    from cpescript.acs.campaigns import Entry
    from cpescript.acs.sessions import Session

PASSING_FAULTS = frozenset({9002, 9004})
"""Faults that may be gone a little later: internal error, resources exceeded (A.5.1)."""
_NUMBER = re.compile(r"-?[0-9]{1,20}")
"""A whole number as a data model has them, of 64 bits at most: a peer may say anything."""
PASSING_TRIES = 3
PASSING_DELAY = 5 * MINUTE


class Decisions:
    """How a clean ACS decides."""

    def __init__(self, policy: Policy, seed: int) -> None:
        self.policy = policy
        self.seed = seed

    # --- what a device is given ---------------------------------------------------------------------------------------

    def rules(self, record: DeviceRecord, inform: Inform) -> list[tuple[int, Rule]]:
        """The rules that apply to an Inform, with their places in the policy."""
        return [
            (place, rule)
            for place, rule in enumerate(self.policy.rules)
            if not (rule.repeat == "first" and record.fired >> place & 1) and applies(rule.when, record, inform)
        ]

    def aside(self, record: DeviceRecord, inform: Inform) -> Sequence[Action]:
        """What is asked of a device besides the rules."""
        return ()

    def secret(self, key: DeviceKey) -> str:
        """The device's own secret (F9): derived, so that nothing is to be kept."""
        return f"{draws.draw(draws.stream(self.seed, f'{key}:acs'), 0):016x}"

    def prepare(self, verb: str, arguments: Mapping[str, Any], key: DeviceKey) -> list[tuple[str, Mapping[str, Any]]]:
        """The RPCs that an action or order becomes: one."""
        return [(verb, arguments)]

    def instance(self, path: str, number: int) -> int:
        """The instance that a new object's settings go to: the one that the device reported (A.3.2.6)."""
        return number

    # --- sessions -------------------------------------------------------------------------------------------------

    def answers_inform(self, inform: Inform) -> bool:
        """Whether an Inform gets its InformResponse (A.3.3.1)."""
        return True

    def inform_response_id(self, inform: Inform) -> str | None:
        """The cwmp:ID of the InformResponse: that of the Inform (3.5)."""
        return inform.id

    def answers(self, message: Message) -> bool:
        """Whether a request of the device, TransferComplete say, gets its response (A.3.3.2)."""
        return True

    def goes_on(self, session: Session) -> bool:
        """Whether a session goes on while there is something to ask (3.7.2.4)."""
        return True

    def repeats(self, task: Task, fault: int) -> int | None:
        """After how long (ns) a task that was refused is tried again, None for never: only what may pass, a few times;
        a campaign sees to its own."""
        if task.owner is None and fault in PASSING_FAULTS and task.tries < PASSING_TRIES:
            return PASSING_DELAY
        return None

    def hears_faults(self) -> bool:
        """Whether a session goes on after a Fault of the device (D11)."""
        return True

    def gives_up(self, record: DeviceRecord) -> bool:
        """Whether a device whose RPC was refused is left alone from then on."""
        return False

    def holds(self, record: DeviceRecord) -> bool:
        """Whether a transfer waits until the one before it is reported on (E9)."""
        return bool(record.work is not None and record.work.transfers)

    # --- campaigns ------------------------------------------------------------------------------------------------

    def concurrency(self, campaign: Campaign) -> int:
        """How many devices at once."""
        return campaign.concurrency

    def wants(self, record: DeviceRecord, version: str) -> bool:
        """Whether a device is to be upgraded: not if it has the version already (E8)."""
        return record.software_version != version

    def retry(self, campaign: Campaign, entry: Entry) -> int | None:
        """After how long (ns) a failed try is followed by another, None for never (E6)."""
        return campaign.retry_after if entry.tries <= campaign.retries else None

    def impatience(self, campaign: Campaign, entry: Entry) -> int | None:
        """At what interval (ns) a try is ordered again without waiting for its end, None for never."""
        return None

    def verifies(self, campaign: Campaign) -> bool:
        """Whether the version is read after the upgrade (E8)."""
        return True

    def upgrades_again(self, entry: Entry) -> bool:
        """Whether a device that has just been upgraded is upgraded again."""
        return False

    # --- connection requests --------------------------------------------------------------------------------------

    def calls(self, request: ConnectionRequest) -> Sequence[ConnectionRequest]:
        """The connection requests that are made where one is due (3.2.2)."""
        return (request,)

    def keeps_orders(self, record: DeviceRecord) -> bool:
        """Whether the orders of a device that cannot be reached wait for its next session (F5)."""
        return True


def applies(when: Condition, record: DeviceRecord, inform: Inform) -> bool:
    """Whether a rule's condition holds for an Inform."""
    if when.event and not any(event in inform.events for event in when.event):
        return False
    if when.parameter_key is not None and not key_changed(record, inform):
        return False
    key = inform.key
    return (
        (not when.oui or key.oui in when.oui)
        and (not when.product_class or key.product_class in when.product_class)
        and (when.serial is None or COMPARISONS["matches"](key.serial, when.serial))
        and (not when.tag or any(tag in record.tags for tag in when.tag))
        and all(compares(each, inform) for each in when.parameters)
    )


def key_changed(record: DeviceRecord, inform: Inform) -> bool:
    """Whether the device reports another ParameterKey than it was given (A.3.2.1, D7)."""
    if record.parameter_key is None:
        return False
    return (
        inform.values.get(f"{inform.root}ManagementServer.ParameterKey", record.parameter_key) != record.parameter_key
    )


def compares(comparison: Comparison, inform: Inform) -> bool:
    """Whether a parameter that the Inform reports compares as the rule wants; False where it is not reported."""
    path = comparison.path
    found = inform.values.get(inform.root + path[1:] if path.startswith(".") else path)
    if found is None:
        return False
    test, wanted = COMPARISONS[comparison.test], comparison.value
    if comparison.test in ("below", "above"):
        return _NUMBER.fullmatch(found) is not None and test(int(found), wanted)
    if comparison.test in ("is", "is_not") and _NUMBER.fullmatch(found) and _NUMBER.fullmatch(wanted):
        return test(int(found), int(wanted))
    return test(found, wanted)
