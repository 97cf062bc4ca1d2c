"""Deliberate defects: each does what it says, and nothing to what it does not speak of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cpescript.acs.defects import catalogue
from cpescript.acs.orders import Order
from cpescript.acs.policy import load_policy
from cpescript.acs.server import Acs
from cpescript.cwmp.codec import decode
from cpescript.kernel.time import SECOND
from tests.acs.cpe import Cpe, kinds, transfer_complete

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SHIPPED = {
    "firmware_rollout", "bootstrap_provisioning", "periodic_inform", "value_change", "connection_request",
    "factory_reset", "object_lifecycle", "spv_faults",
}  # fmt: skip


def give(cpe: Cpe, verb: str, **arguments: Any) -> None:
    result = cpe.acs.order(Order(verb, cpe.key, arguments))
    assert result.accepted, result.reason


def acs_with(*defects: str, policy: str = "rollout.yaml") -> Acs:
    read, bag = load_policy(SCENARIOS / policy)
    assert read is not None, bag.render()
    return Acs(read, seed=42, firmware={"2.1.0": 8 << 20}, defects=defects)


# --- stories: each returns what can be told apart --------------------------------------------------------------------


def rollout(acs: Acs, size: int = 1) -> list[Cpe]:
    fleet = [Cpe(acs, f"HG{number:06}") for number in range(size)]
    for cpe in fleet:
        cpe.session("1 BOOT")
        give(cpe, "call", name="start_rollout", inputs={"version": "2.1.0"})
    return fleet


def upgrade(cpe: Cpe, code: int = 0) -> list[str]:
    """Take the Download, come back with the outcome; returns all that was asked."""
    asked = cpe.session("6 CONNECTION REQUEST")
    key = asked[-1].fields["command_key"]
    if not code:
        cpe.version = "2.1.0"
    cpe.inform("1 BOOT", "7 TRANSFER COMPLETE", ("M Download", key))
    response = cpe.send(transfer_complete(key, code))
    if response.status != 200:
        return [*kinds(asked), f"TransferComplete got {response.status}"]
    return kinds([*asked, *cpe.go_on()])


def one_upgrade(acs: Acs) -> list[str]:
    (cpe,) = rollout(acs)
    return upgrade(cpe)


def begun_at_once(acs: Acs) -> int:
    rollout(acs, 30)
    return len(acs.outbox)


def after_a_failed_download(acs: Acs) -> list[tuple[int, int]]:
    """When the device is asked to download again: (second, how often by then) in the first quarter of an hour."""
    (cpe,) = rollout(acs)
    upgrade(cpe, 9018)
    while (due := acs.next_due()) is not None and due < 900 * SECOND:
        acs.advance(due)
        if acs.outbox:
            acs.outbox.clear()
            cpe.session("6 CONNECTION REQUEST")
            if cpe.log.count("Download") > 3:
                break
    return [(acs.now // SECOND, cpe.log.count("Download"))]


def bootstrap(acs: Acs) -> list[str]:
    return kinds(Cpe(acs).session("0 BOOTSTRAP", "1 BOOT"))


def later_boot(acs: Acs) -> list[str]:
    cpe = Cpe(acs)
    cpe.session("0 BOOTSTRAP", "1 BOOT")
    return kinds(cpe.session("1 BOOT"))


def interval(acs: Acs) -> str:
    (request,) = Cpe(acs).session("0 BOOTSTRAP")
    return request.settings["Device.ManagementServer.PeriodicInformInterval"]


def credentials(acs: Acs) -> int:
    requests = [Cpe(acs, serial).session("0 BOOTSTRAP")[0] for serial in ("A1", "A2", "A3")]
    return len({tuple(request.settings.items()) for request in requests})


def periodic_id(acs: Acs) -> tuple[str | None, str | None]:
    cpe = Cpe(acs)
    return decode(cpe.inform("1 BOOT").body).id, decode(cpe.inform("2 PERIODIC").body).id


def periodic(acs: Acs) -> list[str]:
    return kinds(Cpe(acs).session("2 PERIODIC"))


def value_change_status(acs: Acs) -> tuple[int, int]:
    cpe = Cpe(acs)
    return cpe.inform("1 BOOT").status, cpe.inform("4 VALUE CHANGE").status


def value_change(acs: Acs) -> list[str]:
    cpe = Cpe(acs)
    cpe.session("1 BOOT", DeviceInfo_ProvisioningCode="")
    return kinds(cpe.session("4 VALUE CHANGE", DeviceInfo_ProvisioningCode="GOLD"))


def calls(acs: Acs) -> list[bool]:
    """For each connection request that an order leads to: whether its password is that of the device."""
    cpe = Cpe(acs)
    cpe.session("0 BOOTSTRAP")
    give(cpe, "reboot")
    return [request.password == acs.decisions.secret(cpe.key) for request in acs.outbox]


def unreachable(acs: Acs) -> list[str]:
    cpe = Cpe(acs)
    cpe.session("1 BOOT")
    give(cpe, "reboot")
    while acs.outbox:
        acs.outbox.clear()
        acs.connection_request_done(cpe.key, "refused")
        acs.advance(acs.now + 30 * SECOND)
    return kinds(cpe.session("3 SCHEDULED"))


def factory_reset(acs: Acs) -> list[str]:
    cpe = Cpe(acs)
    cpe.session("0 BOOTSTRAP", "1 BOOT")
    return kinds(cpe.session("0 BOOTSTRAP", "1 BOOT"))


def port(acs: Acs) -> list[tuple[str, ...]]:
    cpe = Cpe(acs)
    cpe.session("1 BOOT")
    give(cpe, "call", name="open_port", inputs={"port": 8080})
    return [request.paths for request in cpe.session("6 CONNECTION REQUEST")]


def deletion(acs: Acs) -> list[tuple[str, ...]]:
    cpe = Cpe(acs)
    cpe.session("1 BOOT")
    give(cpe, "delete", path="Device.NAT.PortMapping.2.")
    return [request.paths for request in cpe.session("6 CONNECTION REQUEST")]


def refused_set(acs: Acs) -> list[str]:
    cpe = Cpe(acs)
    cpe.session("1 BOOT")
    cpe.answers["SetParameterValues"] = lambda request: 9003
    give(cpe, "set", settings=[["Device.A", "1", None], ["Device.B", "2", None]])
    asked = cpe.session("6 CONNECTION REQUEST")
    give(cpe, "get", paths=["Device.A"])
    return kinds([*asked, *cpe.session("6 CONNECTION REQUEST")])


def fault_status(acs: Acs) -> int:
    cpe = Cpe(acs)
    cpe.session("1 BOOT")
    cpe.answers["GetParameterValues"] = lambda request: 9005
    give(cpe, "get", paths=["Device.Nonsense"])
    cpe.inform("6 CONNECTION REQUEST")
    return cpe.answer(decode(cpe.post(b"").body)).status


SPV, GPV = "SetParameterValues", "GetParameterValues"
ADDED, SET = ("Device.NAT.PortMapping.",), "Device.NAT.PortMapping.{}."

STORIES: dict[str, tuple[Callable[[Acs], object], object, object]] = {
    # defect: (story, what a clean ACS does, what the defective one does)
    "forgets-transfer-complete": (one_upgrade, ["Download", GPV], ["Download", "TransferComplete got 204"]),
    "ignores-concurrency": (begun_at_once, 20, 30),
    "no-retry": (after_a_failed_download, [(600, 2)], [(0, 1)]),
    "retries-forever": (after_a_failed_download, [(600, 2)], [(6, 4)]),
    "redownloads-updated": (one_upgrade, ["Download", GPV], ["Download", GPV, "Download"]),
    "skips-verification": (one_upgrade, ["Download", GPV], ["Download"]),
    "forgets-bootstrap": (bootstrap, [SPV], []),
    "provisions-every-boot": (later_boot, [], [SPV]),
    "wrong-interval": (interval, "300", "3000"),
    "shared-credentials": (credentials, 3, 1),
    "wrong-id": (periodic_id, ("17", "17"), ("17", "170")),
    "polls-periodically": (periodic, [], [GPV]),
    "ignores-value-change": (value_change_status, (200, 200), (200, 204)),
    "acts-on-old-value": (value_change, [SPV], []),
    "drops-connection-request": (calls, [True], []),
    "forgets-unreachable": (unreachable, ["Reboot"], []),
    "forgets-credentials": (calls, [True], [False]),
    "no-factory-reprovision": (factory_reset, [SPV], []),
    "guesses-instance-number": (
        port,
        [ADDED, (SET.format(7) + "ExternalPort", SET.format(7) + "Enable")],
        [ADDED, (SET.format(8) + "ExternalPort", SET.format(8) + "Enable")],
    ),
    "deletes-wrong-instance": (deletion, [(SET.format(2),)], [(SET.format(3),)]),
    "ends-session-early": (
        port, [ADDED, (SET.format(7) + "ExternalPort", SET.format(7) + "Enable")], [ADDED],
    ),
    "repeats-faulted-set": (refused_set, [SPV, GPV], [*[SPV] * 6, GPV]),
    "gives-up-on-fault": (refused_set, [SPV, GPV], [SPV]),
    "breaks-off-on-fault": (fault_status, 204, 400),
}  # fmt: skip


POLICIES: dict[Callable[[Acs], object], str] = {port: "port_mapping.yaml", value_change: "value_change.yaml"}


@pytest.mark.parametrize("name", catalogue())
def test_what_it_changes(name: str) -> None:
    story, clean, defective = STORIES[name]
    policy = POLICIES.get(story, "rollout.yaml")
    assert story(acs_with(policy=policy)) == clean
    assert story(acs_with(name, policy=policy)) == defective


@pytest.mark.parametrize("name", catalogue())
def test_it_breaks_no_more_than_its_kin(name: str) -> None:
    """Stories of scenarios that are not meant to catch it go as with a clean ACS."""
    caught_by = catalogue()[name].caught_by
    allowed = {caught_by} | ALSO.get(name, set())
    for other, (story, clean, _) in STORIES.items():
        if catalogue()[other].caught_by not in allowed:
            policy = POLICIES.get(story, "rollout.yaml")
            assert story(acs_with(name, policy=policy)) == clean, other


ALSO: dict[str, set[str]] = {
    # The upgrade's own boot is one more at which it provisions.
    "provisions-every-boot": {"firmware_rollout"},
    # Who does not provision at a bootstrap does not after a factory reset either, nor hands out credentials.
    "forgets-bootstrap": {"factory_reset", "connection_request"},
    # The password of the call is then the shared one.
    "shared-credentials": {"connection_request"},
    # Without a call nothing is carried out at once, wherever that is asked for.
    "drops-connection-request": {"firmware_rollout"},
    "ends-session-early": {"firmware_rollout"},
}


def test_the_catalogue_is_complete_and_says_what_there_is_to_say() -> None:
    defects = catalogue()
    assert len(defects) >= 14
    assert set(defects) == set(STORIES)
    assert {defect.caught_by for defect in defects.values()} == SHIPPED
    for name, defect in defects.items():
        assert defect.name == name
        assert defect.summary
        assert defect.breaks


def test_several_at_once() -> None:
    names = ("wrong-interval", "shared-credentials", "polls-periodically")
    found = [story(acs_with(*names)) for story in (interval, credentials, periodic)]
    assert found == ["3000", 1, [GPV]]


def test_an_unknown_defect() -> None:
    with pytest.raises(ValueError, match="no defect is called 'no-retries': did you mean 'no-retry'"):
        acs_with("no-retries")


@pytest.mark.parametrize("name", catalogue())
def test_none_of_them_spins_on_one_instant(name: str) -> None:
    """A device that refuses everything must not keep a defective ACS busy without time going by."""
    acs = acs_with(name)
    cpe = Cpe(acs)
    for kind in cpe.answers:
        cpe.answers[kind] = lambda request: 9001
    cpe.session("1 BOOT")
    give(cpe, "call", name="start_rollout", inputs={"version": "2.1.0"})
    give(cpe, "set", settings=[["Device.A", "1", None]])
    for _ in range(50):
        due = acs.next_due()
        if acs.outbox:
            acs.outbox.clear()
            cpe.inform("6 CONNECTION REQUEST")
            response = cpe.post(b"")
            while response.status == 200:
                response = cpe.answer(decode(response.body))
        elif due is None:
            break
        else:
            acs.advance(due)
    assert due is None or acs.now > 20 * SECOND
