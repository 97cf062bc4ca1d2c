"""Generators of measured quantities: their formulas, their streams, and that reading changes nothing."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpescript.device.blocks import Blocks
from cpescript.device.device import Device
from cpescript.device.generators import Generator, path_key
from cpescript.device.profile import load_profile
from cpescript.device.schema import Leaf, Schema
from cpescript.device.signals import (
    Brownian,
    Composite,
    Constant,
    Diurnal,
    Form,
    Gaussian,
    Markov,
    Static,
    normal,
)
from cpescript.kernel.time import DAY, HOUR, SECOND
from tests.device.pretend import GATEWAY, Pretend

PATH = "Device.Moving"
TEXT = Form("string", 6)
INF = float("inf")


def moving(generator: Generator, declared: str = "0", kind: str = "string", path: str = PATH) -> tuple[Pretend, Device]:
    world = Pretend()
    leaf = Leaf(path, kind, True, declared, None, generator)
    return world, world.device(Schema("moving", "m.yaml", {path: leaf}, {}, Blocks()))


def read_each(world: Pretend, device: Device, count: int, seconds: float = 1) -> list[str]:
    found = []
    for _ in range(count):
        world.pass_time(seconds)
        found.append(device.get(PATH))
    return found


# --- formulas ---------------------------------------------------------------------------------------------------------


def test_gaussian_has_its_mean_and_its_spread() -> None:
    world, device = moving(Gaussian(SECOND, TEXT, 50.0, 4.0))
    values = [float(text) for text in read_each(world, device, 5000)]
    assert fmean(values) == pytest.approx(50, abs=3 * 4 / math.sqrt(5000))
    assert stdev(values) == pytest.approx(4, abs=3 * 4 / math.sqrt(2 * 5000))
    assert float(device.get(PATH)) == pytest.approx(50 + 4 * normal(stream_of(), 5000), abs=1e-6)


def stream_of(path: str = PATH) -> int:
    from cpescript.device.generators import device_stream

    return device_stream(42, "cpe-1") ^ path_key(path)


def test_the_normal_draw_is_normal() -> None:
    draws = sorted(normal(7, n) for n in range(20_000))
    for share, quantile in ((0.025, -1.96), (0.5, 0.0), (0.975, 1.96)):
        assert draws[int(share * len(draws))] == pytest.approx(quantile, abs=0.06)


@pytest.mark.parametrize(("hour", "value"), [(14, 27.0), (2, 17.0), (8, 22.0), (0, 17.669873), (14.5, 26.957224)])
def test_diurnal_follows_the_hour(hour: float, value: float) -> None:
    diurnal = Diurnal(HOUR, TEXT, 22.0, 5.0, 14.0, 0.0)
    assert diurnal.number(1, int(20_000 * DAY + hour * HOUR), 0) == pytest.approx(value, abs=1e-6)


def test_diurnal_reads_the_virtual_clock() -> None:
    world, device = moving(Diurnal(HOUR, TEXT, 22.0, 5.0, 14.0, 0.0))
    world.pass_time(14 * 3600)
    assert device.get(PATH) == "27.000000"
    world.pass_time(12 * 3600)
    assert device.get(PATH) == "17.000000"


def test_brownian_is_drawn_back_to_its_mean() -> None:
    world, device = moving(Brownian(SECOND, TEXT, 0.0, 0.0, 0.0, 0.1, 50.0, -INF, INF))
    assert read_each(world, device, 3) == ["5.000000", "9.500000", "13.550000"]


def test_brownian_counts_the_seconds_of_its_interval() -> None:
    world, device = moving(Brownian(10 * SECOND, TEXT, 100.0, -0.001, 0.0, 0.0, 0.0, -INF, INF))
    world.pass_time(1000)
    assert float(device.get(PATH)) == pytest.approx(99.0)
    noisy = Brownian(4 * SECOND, TEXT, 0.0, 0.0, 0.5, 0.0, 0.0, -INF, INF)
    assert noisy.advance(0.0, 0, 1, 99) == pytest.approx(0.5 * 2 * normal(99, 1))


def test_brownian_stops_at_its_bounds() -> None:
    world, device = moving(Brownian(SECOND, TEXT, 0.0, 3.0, 0.0, 0.0, 0.0, -1.0, 7.0))
    assert read_each(world, device, 4) == ["3.000000", "6.000000", "7.000000", "7.000000"]


def test_brownian_goes_on_from_what_is_declared_or_written() -> None:
    world, device = moving(Brownian(SECOND, Form("int", 0), None, 2.0, 0.0, 0.0, 0.0, 0.0, 100.0), "40", "int")
    assert read_each(world, device, 2) == ["42", "44"]
    device.write(PATH, "500")
    assert device.get(PATH) == "500"
    world.pass_time(1)
    assert device.get(PATH) == "100"
    device.write(PATH, "10")
    world.pass_time(3)
    assert device.get(PATH) == "16"


def test_markov_keeps_to_its_chances() -> None:
    rows = ((0.9, 1.0), (0.5, 1.0))
    world, device = moving(Markov(SECOND, ("Up", "Down"), rows, 0))
    seen = read_each(world, device, 6000)
    assert seen.count("Up") / 6000 == pytest.approx(5 / 6, abs=0.02)
    again = sum(one == other == "Up" for one, other in pairwise(seen)) / seen.count("Up")
    assert again == pytest.approx(0.9, abs=0.02)


def test_markov_goes_on_from_a_state_that_is_written() -> None:
    stay = ((1.0, 1.0), (0.0, 1.0))
    world, device = moving(Markov(SECOND, ("Up", "Down"), stay, 0), "Dormant")
    assert device.get(PATH) == "Dormant"
    assert read_each(world, device, 2) == ["Up", "Up"]
    device.write(PATH, "Down")
    assert read_each(world, device, 2) == ["Down", "Down"]
    device.write(PATH, "Nonsense")
    assert read_each(world, device, 1) == ["Up"]


def test_static_undoes_what_is_written() -> None:
    world, device = moving(Static(SECOND, "fixed"), "declared")
    assert device.get(PATH) == "declared"
    assert read_each(world, device, 1) == ["fixed"]
    device.write(PATH, "mine")
    assert device.get(PATH) == "mine"
    assert read_each(world, device, 1) == ["fixed"]


def test_a_composite_is_the_sum_of_its_parts_with_their_own_seeds() -> None:
    parts = (
        Diurnal(SECOND, TEXT, 22.0, 5.0, 14.0, 0.3),
        Gaussian(SECOND, TEXT, 0.0, 2.0),
        Brownian(SECOND, TEXT, 1.0, 0.1, 0.4, 0.0, 0.0, -INF, INF),
        Constant(SECOND, TEXT, 100.0),
    )
    keys = tuple(path_key(f"#{k}") for k in range(len(parts)))
    composite = Composite(SECOND, TEXT, parts, keys)
    world, device = moving(composite)
    world.pass_time(7)
    stream, instant = stream_of(), world.start + 7 * SECOND
    expected = (
        parts[0].number(7, instant, stream ^ keys[0])
        + parts[1].number(7, instant, stream ^ keys[1])
        + parts[2].advance(1.0, 0, 7, stream ^ keys[2])
        + 100
    )
    assert float(device.get(PATH)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("target", "number", "text"),
    [("int", -3.6, "-4"), ("int", 1e12, "2147483647"), ("unsignedInt", -5.0, "0"), ("string", 2.0, "2.000000")],
)
def test_a_number_is_written_as_its_parameter_wants_it(target: str, number: float, text: str) -> None:
    assert Form(target, 6).text(number) == text


# --- reading changes nothing ------------------------------------------------------------------------------------------


@st.composite
def signals(draw: st.DrawFn) -> Generator:
    interval = draw(st.sampled_from([SECOND, 7 * SECOND]))
    small = st.floats(-5, 5, allow_nan=False)
    brownian = Brownian(interval, TEXT, draw(st.none() | small), draw(small), 0.7, 0.05, 3.0, -9.0, 9.0)
    gaussian = Gaussian(interval, TEXT, draw(small), 1.5)
    diurnal = Diurnal(interval, TEXT, 22.0, 5.0, 14.0, 0.2)
    markov = Markov(interval, ("0", "1", "2"), ((0.2, 0.5, 1.0), (0.9, 0.95, 1.0), (0.1, 0.2, 1.0)), draw(st.none()))
    composite = Composite(interval, TEXT, (brownian, gaussian, diurnal), (1, 2, 3))
    return draw(st.sampled_from([brownian, gaussian, diurnal, markov, composite, Static(interval, "8")]))


@settings(max_examples=150, deadline=None)
@given(signals(), st.data())
def test_read_once_is_read_often(generator: Generator, data: st.DataObject) -> None:
    (often_world, often), (once_world, once) = moving(generator), moving(generator)
    for _ in range(data.draw(st.integers(1, 6))):
        seconds = data.draw(st.sampled_from([0.4, 1, 3, 21, 100]))
        for part in range(4):
            often_world.pass_time(seconds / 4)
            if part < 3:
                often.get(PATH)
        once_world.pass_time(seconds)
        if data.draw(st.booleans()):
            text = data.draw(st.sampled_from(["0", "1", "2", "-4.5", "99", "word"]))
            often.write(PATH, text)
            once.write(PATH, text)
    often_world.pass_time(50)
    once_world.pass_time(50)
    assert often.get(PATH) == once.get(PATH)


# --- declarations -----------------------------------------------------------------------------------------------------


def declared(tmp_path: Path, item: str) -> tuple[Schema | None, list[str]]:
    text = f"{GATEWAY}  \n".replace(
        "x-cpescript: {read_only_tables: [Device.Hosts.Host.]}\n", f"x-cpescript:\n  generators:\n    - {item}\n"
    )
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    schema, bag = load_profile(path)
    return schema, [item.message for item in bag if item.severity == "error"]


GOOD = {
    "gaussian": "{path: Device.WiFi.Channel, type: gaussian, interval: 5s, mean: 6, stddev: 1.5}",
    "brownian": "{path: Device.WiFi.Channel, type: brownian, interval: 5s, start: 3, volatility: 0.1, min: 1, max: 13}",
    "diurnal": "{path: Device.WiFi.Channel, type: diurnal, interval: 5m, baseline: 6, amplitude: 2, peak_hour: 20}",
    "markov": "{path: Device.Time.Enable, type: markov, interval: 5m, states: [true, false], "
    "transition_matrix: [[0.9, 0.1], [0.5, 0.5]], initial_state: 'true'}",
    "static": "{path: Device.DeviceInfo.SoftwareVersion, type: static, interval: 1h, value: 3.0}",
    "composite": "{path: Device.WiFi.Channel, type: composite, interval: 5s, parts: [{type: static, value: 6}, "
    "{type: gaussian, mean: 0, stddev: 1}]}",
    "column": '{path: "Device.NAT.PortMapping.{i}.Alias", type: gaussian, interval: 5s, mean: 6, stddev: 1, '
    "decimals: 1}",
    "counter": "{path: Device.WiFi.Channel, type: counter, interval: 5s, min: 1, max: 13, step: 2}",
}


@pytest.mark.parametrize("item", GOOD.values(), ids=GOOD)
def test_every_kind_can_be_declared(item: str, tmp_path: Path) -> None:
    schema, errors = declared(tmp_path, item)
    assert schema is not None, errors
    world = Pretend()
    device = world.device(schema)
    world.pass_time(3600)
    for path in device.leaves(""):
        device.typed(path)


def test_a_column_moves_in_every_instance(tmp_path: Path) -> None:
    schema, _ = declared(tmp_path, GOOD["column"])
    assert schema is not None
    world = Pretend()
    device = world.device(schema)
    number = device.add_object("Device.NAT.PortMapping.")
    world.pass_time(10)
    aliases = {device.get(f"Device.NAT.PortMapping.{each}.Alias") for each in (1, 2, number)}
    assert len(aliases) == 3, "each has a stream of its own"
    assert all("." in alias for alias in aliases)


BAD = {
    "kind": ("{path: Device.WiFi.Channel, type: gausian, interval: 5s}", "must be one of counter"),
    "target": ("{path: Device.Time.Enable, type: gaussian, interval: 5s, mean: 1, stddev: 1}", "moves a leaf of type"),
    "required": ("{path: Device.WiFi.Channel, type: gaussian, interval: 5s, mean: 1}", "stddev is required"),
    "negative": ("{path: Device.WiFi.Channel, type: gaussian, interval: 5s, mean: 1, stddev: -1}", "not be negative"),
    "hour": (
        "{path: Device.WiFi.Channel, type: diurnal, interval: 5s, baseline: 1, amplitude: 1, peak_hour: 24}",
        "within 0..23",
    ),
    "bounds": ("{path: Device.WiFi.Channel, type: brownian, interval: 5s, min: 3, max: 3}", "must be above min"),
    "mean": ("{path: Device.WiFi.Channel, type: brownian, interval: 5s, mean_reversion: 0.1}", "mean is required"),
    "row": (
        "{path: Device.Time.Enable, type: markov, interval: 5s, states: [true, false], transition_matrix: [[1, 0]]}",
        "must have 2 rows",
    ),
    "chances": (
        "{path: Device.Time.Enable, type: markov, interval: 5s, states: [true, false], "
        "transition_matrix: [[0.9, 0.2], [0, 1]]}",
        "must add up to 1",
    ),
    "state": (
        "{path: Device.Time.Enable, type: markov, interval: 5s, states: [true, maybe], "
        "transition_matrix: [[1, 0], [0, 1]]}",
        "no xsd:boolean",
    ),
    "parts": ("{path: Device.WiFi.Channel, type: composite, interval: 5s, parts: []}", "must list 1 to"),
    "part": (
        "{path: Device.WiFi.Channel, type: composite, interval: 5s, parts: [{type: markov}]}",
        "type must be one of gaussian",
    ),
    "path": ("{path: Device.WiFi.Chanel, type: static, interval: 5s, value: 1}", "no parameter"),
    "doubled": ("{path: Device.DeviceInfo.UpTime, type: static, interval: 5s, value: 1}", "already has a generator"),
}


@pytest.mark.parametrize(("item", "why"), BAD.values(), ids=BAD)
def test_a_wrong_declaration_is_refused(item: str, why: str, tmp_path: Path) -> None:
    schema, errors = declared(tmp_path, item)
    assert schema is None
    assert any(why in error for error in errors), errors


def test_the_formats_own_list_takes_its_own_kinds_only(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(f"{GATEWAY}generators:\n  - {GOOD['gaussian']}\n", encoding="utf-8")
    schema, bag = load_profile(path)
    assert schema is None
    assert "bad-generator" in {item.code for item in bag if item.severity == "error"}
