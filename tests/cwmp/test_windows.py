"""ScheduleDownload: what a device does within its time windows."""

from __future__ import annotations

from typing import Any

import pytest

from cpescript.cwmp.hooks import Ending, Hook
from cpescript.cwmp.message import Message, TimeWindow
from cpescript.device.blocks import Firmware, Transfer
from cpescript.kernel.time import SECOND
from tests.cwmp.world import INFO, World

AT_ANY_TIME, NOW, IDLE, CONFIRM = "1 At Any Time", "2 Immediately", "3 When Idle", "4 Confirmation Needed"
TC, M = "7 TRANSFER COMPLETE", "M ScheduleDownload"


def window(start: int, end: int, mode: str = NOW, retries: int = 0) -> TimeWindow:
    return TimeWindow(start, end, mode, "", retries)


def schedule_download(*windows: TimeWindow, **fields: Any) -> Message:
    plain = {
        "command_key": "night",
        "file_type": "1 Firmware Upgrade Image",
        "url": "http://files.example/hg100-2.0.0.bin",
        "username": "",
        "password": "",
        "file_size": 0,
        "target_file_name": "",
        "time_window_list": windows,
    }
    return Message("ScheduleDownload", {**plain, **fields})


class Failing(Hook):
    """Fails as many transfers as it is told."""

    points = frozenset({"transfer"})

    def __init__(self, times: int) -> None:
        self.times = times

    def transfer(self, device: Any, request: Any, ending: Ending) -> Ending:
        self.times -= 1
        return Ending(9016, "gone", apply=False) if self.times >= 0 else ending


def completed(world: World) -> list[tuple[float, int]]:
    return [
        (record.t / SECOND, record.message.fields["fault_code"])
        for record in world.records
        if record.kind == "TransferComplete"
    ]


def test_immediately_means_with_the_window(world: World) -> None:
    agent = world.device()
    [answer] = world.ask(schedule_download(window(100, 900)))
    assert (answer.kind, answer.fields) == ("ScheduleDownloadResponse", {})
    world.run(300)
    assert world.informs()[2:] == [(135, ("1 BOOT", TC, M))]
    assert completed(world) == [(135, 0)]
    assert agent.device.get(f"{INFO}SoftwareVersion") == "hg100-2.0.0"


@pytest.mark.parametrize("mode", [AT_ANY_TIME, IDLE, CONFIRM])
def test_other_modes_begin_at_a_drawn_instant_that_leaves_time_enough(mode: str) -> None:
    ends = set()
    for seed in range(20):
        world = World()
        world.seed = seed
        world.device()
        world.ask(schedule_download(window(100, 150, mode)))
        world.run(1000)
        [(end, code)] = completed(world)
        assert code == 0
        assert 135 <= end <= 150
        ends.add(end)
    assert len(ends) > 15


def test_who_does_not_confirm_gets_nothing_and_says_so() -> None:
    world = World(extension={"transfer": {"confirms": False}})
    agent = world.device()
    world.ask(schedule_download(window(10, 20, CONFIRM), window(30, 40, CONFIRM)))
    world.run(100)
    assert completed(world) == [(40, 9020)]
    assert agent.device.get(f"{INFO}SoftwareVersion") == "1.0.0"
    assert not agent.device.is_in("updating")


def test_a_failure_is_tried_again_within_the_window_and_then_in_the_next() -> None:
    world = World(transfer=Transfer(5 * SECOND, {}, Firmware(f"{INFO}SoftwareVersion", 30 * SECOND)))
    agent = world.device()
    agent.add_hook(Failing(3))
    world.ask(schedule_download(window(0, 500, NOW, 1), window(1000, 2000)))
    world.run(900)
    assert completed(world) == []
    world.run(1100)
    assert completed(world) == [(1005, 9016)]


def test_retries_within_a_window_lead_to_success() -> None:
    world = World(transfer=Transfer(5 * SECOND))
    world.device().add_hook(Failing(2))
    world.ask(schedule_download(window(0, 500, NOW, -1)))
    world.run(900)
    # 5 s each, waits of 5 and 10 s, and 30 s to write it.
    assert completed(world) == [(60, 0)]


def test_a_reboot_within_the_window_does_not_end_it(world: World) -> None:
    agent = world.device()
    world.ask(schedule_download(window(10, 500)))
    world.run(12)
    agent.reboot()
    world.run(300)
    assert completed(world) == [(12 + 30 + 35, 0)]


def test_a_device_that_is_off_misses_its_window(world: World) -> None:
    agent = world.device()
    world.ask(schedule_download(window(10, 100)))
    agent.power_off()
    world.run(200)
    agent.power_on()
    world.run(1)
    assert completed(world) == [(200, 9020)]


@pytest.mark.parametrize(
    "windows",
    [
        (),
        (window(0, 10), window(20, 30), window(40, 50)),
        (window(10, 10),),
        (window(10, 5),),
        (window(0, 10, "5 Whenever"),),
        (window(0, 10), window(5, 20)),
        (window(20, 30), window(0, 10)),
        (window(0, 10, NOW, -2),),
    ],
)
def test_windows_that_are_none(world: World, windows: tuple[TimeWindow, ...]) -> None:
    world.device()
    [answer] = world.ask(schedule_download(*windows))
    assert answer.fields["fault_code"] == 9003
