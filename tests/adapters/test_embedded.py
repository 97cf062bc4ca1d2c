"""The embedded ACS on the scenario's clock: its timers are the kernel's events, its calls are made between sessions."""

from __future__ import annotations

import pytest

from cpescript.acs.connections import ConnectionRequest
from cpescript.acs.orders import VERBS, DeviceKey, Order, OrderResult
from cpescript.adapters.base import AdapterError, Setup
from cpescript.adapters.embedded import Embedded
from cpescript.kernel.queue import DEVICE, Kernel, Owner
from cpescript.kernel.time import HOUR, SECOND
from tests.acs.cpe import Cpe, kinds


class World:
    """A kernel, the adapter, and devices that come when they are called."""

    def __init__(self, answer: str = "ok") -> None:
        self.kernel = Kernel()
        self.adapter = Embedded(self.kernel, self.connect)
        self.adapter.prepare(Setup(seed=42))
        self.answer = answer
        self.called: list[tuple[int, str]] = []
        self.devices: dict[DeviceKey, Cpe] = {}
        self.owner = Owner(1)

    def device(self, serial: str = "HG000001") -> Cpe:
        cpe = Cpe(self.adapter.acs, serial)
        cpe.acs = self.adapter  # type: ignore[assignment]
        self.devices[cpe.key] = cpe
        cpe.session("1 BOOT")
        return cpe

    def connect(self, request: ConnectionRequest) -> str:
        self.called.append((self.kernel.now // SECOND, request.device_key.serial))
        if self.answer == "ok":
            cpe = self.devices[request.device_key]
            self.kernel.at(self.kernel.now, self.owner, lambda _: cpe.session("6 CONNECTION REQUEST"), None, DEVICE)
        return self.answer

    def order(self, verb: str, *devices: Cpe, **arguments: object) -> list[OrderResult]:
        results: list[OrderResult] = []
        self.adapter.submit([Order(verb, cpe.key, arguments) for cpe in devices], results.extend)
        return results


@pytest.fixture
def world() -> World:
    return World()


def test_orders_are_answered_at_once_and_carried_out_by_events_of_the_same_instant(world: World) -> None:
    fleet = [world.device(f"HG{number}") for number in range(3)]
    world.kernel.advance(5 * SECOND)
    results = world.order("get", *fleet, paths=["Device.A"])
    assert [result.accepted for result in results] == [True] * 3
    assert world.called == []
    world.kernel.run(until=5 * SECOND)
    assert world.called == [(5, "HG0"), (5, "HG1"), (5, "HG2")]
    assert [kinds(cpe.asked) for cpe in fleet] == [["GetParameterValues"]] * 3


def test_a_timer_of_the_acs_is_an_event(world: World) -> None:
    cpe = world.device()
    world.answer = "refused"
    world.order("reboot", cpe)
    world.kernel.run(until=30 * SECOND)
    world.answer = "ok"
    world.kernel.run(until=HOUR)
    assert world.called == [(0, "HG000001"), (30, "HG000001"), (60, "HG000001")]
    assert kinds(cpe.asked) == ["Reboot"]


def test_the_acs_has_the_time_of_the_kernel(world: World) -> None:
    cpe = world.device()
    cpe.inform("2 PERIODIC")
    world.kernel.advance(31 * SECOND)
    assert cpe.post(b"").status == 400


def test_one_timer_is_pending_and_close_takes_it_out(world: World) -> None:
    cpe = world.device()
    world.answer = "refused"
    world.order("reboot", cpe)
    world.order("reboot", cpe)
    world.kernel.run(until=0)
    assert world.kernel.pending == 1
    world.adapter.close()
    assert world.kernel.pending == 0
    world.adapter.close()


def test_it_can_do_every_verb(world: World) -> None:
    assert world.adapter.verbs == VERBS


@pytest.mark.parametrize(
    ("setup", "text"),
    [
        (Setup(policy_text="rulez: []", policy_name="p.yaml"), "did you mean 'rules'"),
        (Setup(defects=("no-retri",)), "did you mean 'no-retry'"),
    ],
)
def test_a_set_up_that_is_wrong(setup: Setup, text: str, world: World) -> None:
    with pytest.raises(AdapterError, match=text):
        world.adapter.prepare(setup)


def test_preparing_again_forgets_everything(world: World) -> None:
    world.device()
    world.adapter.prepare(Setup())
    assert not world.adapter.acs.records


def test_the_set_up_reaches_the_acs(world: World) -> None:
    policy = "campaigns: {up: {firmware: 2.1.0}}"
    world.adapter.prepare(
        Setup(policy, "dir/night.yaml", ("no-retry",), {"2.1.0": 9}, seed=3, file_base_url="http://f.example/")
    )
    acs = world.adapter.acs
    assert (acs.policy.name, list(acs.policy.campaigns)) == ("night", ["up"])
    assert acs.image("2.1.0") == {
        "file_type": "1 Firmware Upgrade Image", "url": "http://f.example/2.1.0.bin", "file_size": 9,
    }  # fmt: skip
