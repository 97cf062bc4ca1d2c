"""Generators: what is read, whenever and however often, is what ticking all along would have left."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpescript.device.batch_draws import below_each, sum_below
from cpescript.device.blocks import Blocks
from cpescript.device.device import Device
from cpescript.device.generators import (
    Counter,
    Cycle,
    Drift,
    Generator,
    RandomChoice,
    Uptime,
    Wallclock,
    device_stream,
    path_key,
)
from cpescript.device.schema import Leaf, Schema
from cpescript.kernel import draws
from cpescript.kernel.time import DEFAULT_START, SECOND, format_instant
from tests.device.pretend import Pretend, schema_of

PATH = "Device.Moving"


class Ticking:
    """The oracle: a generator that really ticks, one tick after the other, by the words of the profile format."""

    def __init__(self, generator: Generator, declared: str, seed: int = 42) -> None:
        self.generator = generator
        self.value = declared
        self.ticks = 0
        self.stream = device_stream(seed, "cpe-1") ^ path_key(PATH)

    def tick(self) -> None:
        self.ticks += 1
        n, stream = self.ticks, self.stream
        match self.generator:
            case Counter(low=low, high=high, step=step, spread=spread):
                value = int(self.value)
                if not low <= value <= high:
                    value = low
                value += step + draws.between(stream, n, -spread, spread)
                if value > high:
                    value = low + (value - high - 1) % (high - low + 1)
                self.value = str(value)
            case Drift(low=low, high=high, step=step):
                value = max(low, min(high, int(self.value)))
                value += draws.between(stream, n, -step, step)
                self.value = str(max(low, min(high, value)))
            case Cycle(values=values):
                self.value = values[(n - 1) % len(values)]
            case RandomChoice(values=values):
                self.value = values[draws.below(stream, n, len(values))]
            case Uptime(interval=interval):
                self.value = str(n * interval // SECOND)
            case Wallclock(interval=interval):
                self.value = format_instant(DEFAULT_START + n * interval)


def moving_device(world: Pretend, generator: Generator, kind: str, declared: str) -> Device:
    leaf = Leaf(PATH, kind, True, declared, None, generator)
    return world.device(Schema("moving", "moving.yaml", {PATH: leaf}, {}, Blocks()))


@st.composite
def moving(draw: st.DrawFn) -> tuple[Generator, str, str, st.SearchStrategy[str]]:
    """Draw (generator, type, declared value, texts that an ACS may write)."""
    interval = draw(st.sampled_from([SECOND, 7 * SECOND, 1_500_000_000]))
    which = draw(st.sampled_from(["counter", "drift", "cycle", "random", "uptime", "wallclock"]))
    low = draw(st.integers(0, 50))
    high = draw(st.integers(low + 1, low + 60))
    numbers = st.integers(0, 200).map(str)
    if which == "counter":
        step = draw(st.integers(1, 100))
        spread = draw(st.sampled_from([0, step // 2, step]))
        return Counter(interval, low, high, step, spread), "unsignedInt", draw(numbers), numbers
    if which == "drift":
        step = draw(st.integers(1, 20))
        return Drift(interval, low - 40, high - 40, step), "int", draw(numbers), numbers
    words = st.sampled_from(["Up", "Down", "Dormant"])
    values = tuple(draw(st.lists(words, min_size=1, max_size=5)))
    if which == "cycle":
        return Cycle(interval, values), "string", "Declared", words
    if which == "random":
        return RandomChoice(interval, values), "string", "Declared", words
    if which == "uptime":
        return Uptime(interval), "unsignedInt", "0", numbers
    instants = st.just("2030-01-01T00:00:00Z")
    return Wallclock(interval), "dateTime", "1970-01-01T00:00:00Z", instants


@settings(max_examples=300, deadline=None)
@given(moving(), st.data())
def test_read_lazily_is_ticked_all_along(
    made: tuple[Generator, str, str, st.SearchStrategy[str]], data: st.DataObject
) -> None:
    generator, kind, declared, texts = made
    world = Pretend()
    device = moving_device(world, generator, kind, declared)
    oracle = Ticking(generator, declared)
    for _ in range(data.draw(st.integers(1, 8))):
        world.pass_time(data.draw(st.sampled_from([0, 0.4, 1, 3, 10.5, 60, 400])))
        while (oracle.ticks + 1) * generator.interval <= world.kernel.now:
            oracle.tick()
        action = data.draw(st.sampled_from(["read", "skip", "write"]))
        if action == "read":
            assert device.get(PATH) == oracle.value
        elif action == "write":
            text = data.draw(texts)
            device.write(PATH, text)
            oracle.value = text
            assert device.get(PATH) == text
    assert device.get(PATH) == oracle.value


@given(st.integers(0, 2**64 - 1), st.integers(0, 10**6), st.integers(0, 100), st.integers(1, 2**64 - 1))
def test_many_draws_are_the_single_ones(stream: int, first: int, count: int, bound: int) -> None:
    plain = [draws.below(stream, n, bound) for n in range(first, first + count)]
    assert list(below_each(stream, first, count, bound)) == plain
    assert sum_below(stream, first, count, bound) == sum(plain)


def test_counter_wraps_within_its_band(world: Pretend) -> None:
    device = moving_device(world, Counter(SECOND, 0, 4294967295, 10, 0), "unsignedInt", "4294967290")
    world.pass_time(1)
    assert device.get(PATH) == "4"


def test_counter_goes_on_from_the_lower_end_after_a_write_outside_the_band(world: Pretend) -> None:
    device = moving_device(world, Counter(SECOND, 0, 100, 5, 0), "unsignedInt", "0")
    world.pass_time(3)
    device.write(PATH, "999")
    assert device.get(PATH) == "999"
    world.pass_time(1)
    assert device.get(PATH) == "5"


def test_drift_goes_on_from_the_nearest_end(world: Pretend) -> None:
    device = moving_device(world, Drift(SECOND, -110, -70, 3), "int", "-90")
    device.write(PATH, "-200")
    world.pass_time(1)
    assert -110 <= int(device.get(PATH)) <= -107


def test_cycle_goes_through_doubles(world: Pretend) -> None:
    device = moving_device(world, Cycle(SECOND, ("U", "U", "D")), "string", "declared")
    seen = [device.get(PATH)]
    for _ in range(6):
        world.pass_time(1)
        seen.append(device.get(PATH))
    assert seen == ["declared", "U", "U", "D", "U", "U", "D"]


def test_random_choice_weighs_doubles(world: Pretend) -> None:
    device = moving_device(world, RandomChoice(SECOND, ("Up", "Up", "Up", "Up", "Down")), "string", "Up")
    ups = 0
    for _ in range(5000):
        world.pass_time(1)
        ups += device.get(PATH) == "Up"
    assert 0.78 < ups / 5000 < 0.82


def test_jitter_stays_within_its_share_and_reaches_both_ends(world: Pretend) -> None:
    device = moving_device(world, Counter(SECOND, 0, 4294967295, 10, 2), "unsignedInt", "0")
    steps, last = set(), 0
    for _ in range(500):
        world.pass_time(1)
        now = int(device.get(PATH))
        steps.add(now - last)
        last = now
    assert steps == {8, 9, 10, 11, 12}


def test_uptime_begins_anew_at_each_boot(world: Pretend, tmp_path: Path) -> None:
    device = world.device(schema_of(tmp_path))
    path = "Device.DeviceInfo.UpTime"
    world.pass_time(95)
    assert device.get(path) == "90"
    device.booted_at = world.kernel.now
    assert device.get(path) == "0"
    world.pass_time(10)
    assert device.get(path) == "10"
    assert device.next_tick(path) == world.kernel.now + 10 * SECOND


def test_what_was_written_to_an_uptime_does_not_survive_a_boot(world: Pretend, tmp_path: Path) -> None:
    device = world.device(schema_of(tmp_path))
    device.write("Device.DeviceInfo.UpTime", "77", by="device")
    assert device.get("Device.DeviceInfo.UpTime") == "77"
    world.pass_time(1)
    device.booted_at = world.kernel.now
    assert device.get("Device.DeviceInfo.UpTime") == "0"


def test_wallclock_shows_the_tick(world: Pretend) -> None:
    device = moving_device(world, Wallclock(5 * SECOND), "dateTime", "1970-01-01T00:00:00Z")
    world.pass_time(7)
    assert device.get(PATH) == "2026-01-01T00:00:05Z"


def test_next_tick(world: Pretend, tmp_path: Path) -> None:
    device = world.device(schema_of(tmp_path))
    world.pass_time(12)
    assert device.next_tick("Device.NAT.PortMapping.1.Stats.Hits") == 20 * SECOND
    assert device.next_tick("Device.DeviceInfo.SoftwareVersion") is None
    with pytest.raises(KeyError):
        device.next_tick("Device.Nothing")


def test_devices_and_paths_have_streams_of_their_own(world: Pretend) -> None:
    walks = set()
    for number in (1, 2, 3):
        for path in (PATH, "Device.Other"):
            leaf = Leaf(path, "int", False, "0", None, Drift(SECOND, -1000, 1000, 100))
            device = world.device(Schema("moving", "m.yaml", {path: leaf}, {}, Blocks()), number)
            device.made_at = world.kernel.now - 100 * SECOND
            walks.add(device.get(path))
    assert len(walks) == 6


def test_instances_have_generators_of_their_own(world: Pretend, tmp_path: Path) -> None:
    device = world.device(schema_of(tmp_path))
    number = device.add_object("Device.NAT.PortMapping.")
    world.pass_time(30)
    assert device.get(f"Device.NAT.PortMapping.{number}.Stats.Hits") == "3"
    device.write("Device.NAT.PortMapping.1.Stats.Hits", "50", by="device")
    world.pass_time(10)
    assert device.get("Device.NAT.PortMapping.1.Stats.Hits") == "51"
    assert device.get("Device.NAT.PortMapping.2.Stats.Hits") == "4"


def test_factory_reset_starts_generators_again(world: Pretend, tmp_path: Path) -> None:
    device = world.device(schema_of(tmp_path))
    world.pass_time(30)
    device.factory_reset()
    assert device.get("Device.NAT.PortMapping.1.Stats.Hits") == "0"
    world.pass_time(10)
    assert device.get("Device.NAT.PortMapping.1.Stats.Hits") == "1"
