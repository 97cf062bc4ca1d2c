"""The catalogue of deliberate defects: small wrong decisions with which a scenario is proved able to fail.

A defect is a class that overrides one or two methods of `Decisions` and says what it breaks. Several may be on at once:
they are combined by inheritance, the first named being asked first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cpescript.acs.connections import ConnectionRequest
from cpescript.acs.decisions import Decisions
from cpescript.acs.informs import Inform
from cpescript.acs.orders import DeviceKey
from cpescript.acs.records import DeviceRecord
from cpescript.acs.rules import Action, Campaign, Condition, Policy, Rule
from cpescript.acs.tasks import Task
from cpescript.cwmp.message import Message
from cpescript.diagnostics import did_you_mean
from cpescript.kernel.time import SECOND

if TYPE_CHECKING:
    from cpescript.acs.campaigns import Entry
    from cpescript.acs.sessions import Session


@dataclass(frozen=True, slots=True)
class Defect:
    """A deliberate defect. `breaks` is what an ACS owes and this one does not; `caught_by` the shipped scenario that
    must fail under it."""

    name: str
    summary: str
    breaks: str
    caught_by: str
    decisions: type[Decisions]


_catalogue: dict[str, Defect] = {}


def _defect(name: str, summary: str, breaks: str, caught_by: str) -> Any:
    def enter(decisions: type[Decisions]) -> type[Decisions]:
        _catalogue[name] = Defect(name, summary, breaks, caught_by, decisions)
        return decisions

    return enter


def catalogue() -> Mapping[str, Defect]:
    """Return every defect by name, in the order of the scenarios that catch them."""
    return dict(_catalogue)


def decisions_with(policy: Policy, seed: int, defects: Iterable[str]) -> Decisions:
    """Return the decisions of an ACS with those defects. Raises ValueError for an unknown name."""
    classes: list[type[Decisions]] = []
    for name in dict.fromkeys(defects):
        defect = _catalogue.get(name)
        if defect is None:
            raise ValueError(f"no defect is called '{name}': {did_you_mean(name, _catalogue, 'see acs defects')}")
        classes.append(defect.decisions)
    if not classes:
        return Decisions(policy, seed)
    combined: type[Decisions] = type("DefectiveDecisions", tuple(classes), {})
    return combined(policy, seed)


# --- firmware_rollout ---------------------------------------------------------------------------------------------


@_defect(
    "forgets-transfer-complete",
    "ends the session instead of answering a TransferComplete",
    "every TransferComplete is answered by TransferCompleteResponse (TR-069 A.3.3.2)",
    "firmware_rollout",
)
class ForgetsTransferComplete(Decisions):
    def answers(self, message: Message) -> bool:
        return message.kind != "TransferComplete" and super().answers(message)


@_defect(
    "ignores-concurrency",
    "begins with every device of a campaign at once",
    "a campaign keeps to its concurrency",
    "firmware_rollout",
)
class IgnoresConcurrency(Decisions):
    def concurrency(self, campaign: Campaign) -> int:
        return 1 << 30


@_defect(
    "no-retry",
    "gives a device up whose first download failed",
    "a failed transfer is tried again, as the policy says",
    "firmware_rollout",
)
class NoRetry(Decisions):
    def retry(self, campaign: Campaign, entry: Entry) -> int | None:
        return None


@_defect(
    "retries-forever",
    "orders a failed download again every two seconds, whatever comes of it, without end",
    "retries are bounded, and wait for the outcome of the try before (TR-069 A.3.2.8, A.3.3.2)",
    "firmware_rollout",
)
class RetriesForever(Decisions):
    def retry(self, campaign: Campaign, entry: Entry) -> int | None:
        return 2 * SECOND

    def impatience(self, campaign: Campaign, entry: Entry) -> int | None:
        return 2 * SECOND if entry.tries == 2 else None

    def holds(self, record: DeviceRecord) -> bool:
        return False


@_defect(
    "redownloads-updated",
    "upgrades a device that already has the version once more",
    "a device that has the target version is left alone",
    "firmware_rollout",
)
class RedownloadsUpdated(Decisions):
    def wants(self, record: DeviceRecord, version: str) -> bool:
        return True

    def upgrades_again(self, entry: Entry) -> bool:
        return entry.tries < 2


@_defect(
    "skips-verification",
    "takes an upgrade for done without reading the version",
    "success is what the device runs, not what it reported of the transfer",
    "firmware_rollout",
)
class SkipsVerification(Decisions):
    def verifies(self, campaign: Campaign) -> bool:
        return False


# --- bootstrap_provisioning ---------------------------------------------------------------------------------------


def _without_event(rules: list[tuple[int, Rule]], event: str) -> list[tuple[int, Rule]]:
    return [(place, rule) for place, rule in rules if event not in rule.when.event]


@_defect(
    "forgets-bootstrap",
    "does nothing at 0 BOOTSTRAP",
    "a device that bootstraps is provisioned (TR-069 3.7.1.5)",
    "bootstrap_provisioning",
)
class ForgetsBootstrap(Decisions):
    def rules(self, record: DeviceRecord, inform: Inform) -> list[tuple[int, Rule]]:
        return _without_event(super().rules(record, inform), "0 BOOTSTRAP")


@_defect(
    "provisions-every-boot",
    "provisions at every 1 BOOT as if it were the first",
    "a device that boots with its configuration is left alone",
    "bootstrap_provisioning",
)
class ProvisionsEveryBoot(Decisions):
    def rules(self, record: DeviceRecord, inform: Inform) -> list[tuple[int, Rule]]:
        found = super().rules(record, inform)
        if "1 BOOT" in inform.events and "0 BOOTSTRAP" not in inform.events:
            found += [
                (place, rule)
                for place, rule in enumerate(self.policy.rules)
                if rule.when == Condition(event=("0 BOOTSTRAP",))
            ]
        return found


def _changed(arguments: Mapping[str, Any], ending: str, text: str, only: str | None = None) -> Mapping[str, Any]:
    """Return a set's arguments with the value of the parameter of that ending replaced (if it is `only`)."""
    if "settings" not in arguments:
        return arguments
    settings = [
        (path, text if path.endswith(ending) and only in (None, value) else value, type)
        for path, value, type in arguments["settings"]
    ]
    return {**arguments, "settings": settings}


@_defect(
    "wrong-interval",
    "sets PeriodicInformInterval to 3000 where 300 was meant",
    "the values that reach a device are those that the policy says",
    "bootstrap_provisioning",
)
class WrongInterval(Decisions):
    def prepare(self, verb: str, arguments: Mapping[str, Any], key: DeviceKey) -> list[tuple[str, Mapping[str, Any]]]:
        return [
            (each, _changed(given, ".PeriodicInformInterval", "3000", only="300"))
            for each, given in super().prepare(verb, arguments, key)
        ]


@_defect(
    "shared-credentials",
    "gives every device the same connection-request credentials",
    "connection-request credentials differ from device to device (TR-069 3.2.2)",
    "bootstrap_provisioning",
)
class SharedCredentials(Decisions):
    def prepare(self, verb: str, arguments: Mapping[str, Any], key: DeviceKey) -> list[tuple[str, Mapping[str, Any]]]:
        return [
            (
                each,
                _changed(
                    _changed(given, ".ConnectionRequestUsername", "acs"), ".ConnectionRequestPassword", "connect-me"
                ),
            )
            for each, given in super().prepare(verb, arguments, key)
        ]


# --- periodic_inform ----------------------------------------------------------------------------------------------


@_defect(
    "wrong-id",
    "answers a periodic Inform under another message ID",
    "a response carries the ID of its request (TR-069 3.5)",
    "periodic_inform",
)
class WrongId(Decisions):
    def inform_response_id(self, inform: Inform) -> str | None:
        clean = super().inform_response_id(inform)
        return f"{clean}0" if "2 PERIODIC" in inform.events else clean


@_defect(
    "polls-periodically",
    "reads all of DeviceInfo at every periodic Inform",
    "a periodic Inform alone gives the ACS nothing to ask",
    "periodic_inform",
)
class PollsPeriodically(Decisions):
    def aside(self, record: DeviceRecord, inform: Inform) -> Sequence[Action]:
        poll = (Action("get", {"paths": [".DeviceInfo."]}),) if "2 PERIODIC" in inform.events else ()
        return (*super().aside(record, inform), *poll)


# --- value_change -------------------------------------------------------------------------------------------------


@_defect(
    "ignores-value-change",
    "ends the session instead of answering an Inform that reports a value change",
    "every Inform is answered by InformResponse, so that its events count as delivered (TR-069 3.7.1.5)",
    "value_change",
)
class IgnoresValueChange(Decisions):
    def answers_inform(self, inform: Inform) -> bool:
        return "4 VALUE CHANGE" not in inform.events and super().answers_inform(inform)


@_defect(
    "acts-on-old-value",
    "decides by the values that the device reported before the change",
    "the value that a device reports is the value that counts (TR-069 3.7.1.5)",
    "value_change",
)
class ActsOnOldValue(Decisions):
    def __init__(self, policy: Policy, seed: int) -> None:
        super().__init__(policy, seed)
        self._before: dict[DeviceKey, Mapping[str, str]] = {}

    def rules(self, record: DeviceRecord, inform: Inform) -> list[tuple[int, Rule]]:
        values = inform.values
        if "4 VALUE CHANGE" in inform.events:
            values = self._before.get(record.key, {})
        self._before[record.key] = inform.values
        return super().rules(record, Inform(inform.id, inform.version, inform.key, inform.events, values))


# --- connection_request -------------------------------------------------------------------------------------------


@_defect(
    "drops-connection-request",
    "never makes a connection request",
    "an order for a reachable device is carried out at once, by connection request (TR-069 3.2.2)",
    "connection_request",
)
class DropsConnectionRequest(Decisions):
    def calls(self, request: ConnectionRequest) -> Sequence[ConnectionRequest]:
        return ()


@_defect(
    "forgets-unreachable",
    "drops the orders of a device that it cannot reach",
    "an order for a device that cannot be reached waits for its next session",
    "connection_request",
)
class ForgetsUnreachable(Decisions):
    def keeps_orders(self, record: DeviceRecord) -> bool:
        return False


@_defect(
    "forgets-credentials",
    "makes connection requests with a password of its own invention",
    "connection requests use the credentials that the device was given (TR-069 3.2.2)",
    "connection_request",
)
class ForgetsCredentials(Decisions):
    def calls(self, request: ConnectionRequest) -> Sequence[ConnectionRequest]:
        return [each._replace(password="forgotten") for each in super().calls(request)]


# --- factory_reset ------------------------------------------------------------------------------------------------


@_defect(
    "no-factory-reprovision",
    "provisions a device only the first time that it bootstraps",
    "a device is provisioned again after a factory reset (TR-069 A.4.1.6)",
    "factory_reset",
)
class NoFactoryReprovision(Decisions):
    def __init__(self, policy: Policy, seed: int) -> None:
        super().__init__(policy, seed)
        self._seen: set[DeviceKey] = set()

    def rules(self, record: DeviceRecord, inform: Inform) -> list[tuple[int, Rule]]:
        found = super().rules(record, inform)
        if "0 BOOTSTRAP" not in inform.events:
            return found
        if record.key in self._seen:
            return _without_event(found, "0 BOOTSTRAP")
        self._seen.add(record.key)
        return found


# --- object_lifecycle ---------------------------------------------------------------------------------------------


@_defect(
    "guesses-instance-number",
    "configures the instance after the one that the device reported",
    "the settings of a new object go to the InstanceNumber of AddObjectResponse (TR-069 A.3.2.6)",
    "object_lifecycle",
)
class GuessesInstanceNumber(Decisions):
    def instance(self, path: str, number: int) -> int:
        return number + 1


@_defect(
    "deletes-wrong-instance",
    "deletes the instance after the one that it was told to",
    "a DeleteObject names the instance that was ordered",
    "object_lifecycle",
)
class DeletesWrongInstance(Decisions):
    def prepare(self, verb: str, arguments: Mapping[str, Any], key: DeviceKey) -> list[tuple[str, Mapping[str, Any]]]:
        tasks = super().prepare(verb, arguments, key)
        return [(each, {**given, "path": _next(given["path"])} if each == "delete" else given) for each, given in tasks]


def _next(path: str) -> str:
    head, _, number = path.rstrip(".").rpartition(".")
    return f"{head}.{int(number) + 1}." if number.isdigit() else path


@_defect(
    "ends-session-early",
    "ends a session after one RPC, although there is more to ask",
    "the ACS ends a session only when it has nothing left to ask (TR-069 3.7.2.4)",
    "object_lifecycle",
)
class EndsSessionEarly(Decisions):
    def goes_on(self, session: Session) -> bool:
        return session.number == 0 and super().goes_on(session)


# --- spv_faults ---------------------------------------------------------------------------------------------------


@_defect(
    "repeats-faulted-set",
    "sends a SetParameterValues that was refused again, unchanged, up to five times",
    "what a device has refused for good is not sent again",
    "spv_faults",
)
class RepeatsFaultedSet(Decisions):
    def repeats(self, task: Task, fault: int) -> int | None:
        return 0 if task.verb == "set" and task.tries <= 5 else super().repeats(task, fault)


@_defect(
    "gives-up-on-fault",
    "takes orders for a device that once refused something, but never carries them out",
    "a fault ends the RPC that it answers, and nothing else (TR-069 3.5)",
    "spv_faults",
)
class GivesUpOnFault(Decisions):
    def __init__(self, policy: Policy, seed: int) -> None:
        super().__init__(policy, seed)
        self._given_up: set[DeviceKey] = set()

    def gives_up(self, record: DeviceRecord) -> bool:
        self._given_up.add(record.key)
        return True

    def prepare(self, verb: str, arguments: Mapping[str, Any], key: DeviceKey) -> list[tuple[str, Mapping[str, Any]]]:
        return [] if key in self._given_up else super().prepare(verb, arguments, key)


@_defect(
    "breaks-off-on-fault",
    "answers a Fault by HTTP status 400",
    "a Fault is an answer like any other: the session goes on (TR-069 3.5)",
    "spv_faults",
)
class BreaksOffOnFault(Decisions):
    def hears_faults(self) -> bool:
        return False
