"""Whatever an ACS asks, in whatever words, a device answers by a response or a Fault, and goes on."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cpescript.cwmp.message import CLASSES, Message
from cpescript.cwmp.rpcs import CHOICES, RPCS, STRUCTURES, Field, flat_fields
from tests.cwmp.test_modules import DU, EU, HUB, modular
from tests.cwmp.world import LEAVES, MAPPINGS, SSID, gpv

ODD = (
    "", "0", "1", "-1", "²", "9" * 5_000, "1e999", "nan", "true", "None", "Requested", "Active", "é\u2028", "{x}", "%s",
    "x" * 70_000, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "2026-13-01T00:00:00Z", "Device.", "Device..",
    "Device.Nope", MAPPINGS, f"{MAPPINGS}1.", f"{MAPPINGS}²", DU, f"{DU}1.", f"{EU}1.RequestedState", HUB, "hub-²",
    "http://[::1", f"http://files.example/{'9' * 5_000}.bin", "ftp://files.example/a", "1 Firmware Upgrade Image",
    "2 Vendor Log File", "3 Vendor Configuration File", "1 At Any Time", "2 Immediately", "9" * 40,
)  # fmt: skip
TEXTS = st.sampled_from(ODD) | st.sampled_from([path for path, *_ in LEAVES])
NUMBERS = st.sampled_from([0, 1, 2, 5, -1, 2**32, 10**30])
SIMPLE: dict[str, st.SearchStrategy[Any]] = {"int": NUMBERS, "unsignedInt": NUMBERS, "boolean": st.booleans()}


def one(kind: str) -> st.SearchStrategy[Any]:
    if kind in CHOICES:
        return st.one_of([one(name) for name in CHOICES[kind]])
    if kind == "ParameterValueStruct":
        types = st.sampled_from(["string", "int", "boolean", "dateTime", "vendor", ""])
        return st.builds(CLASSES[kind], TEXTS, TEXTS, types)
    if kind in STRUCTURES:
        return st.tuples(*map(value, flat_fields(STRUCTURES[kind].fields))).map(lambda parts: CLASSES[kind](*parts))
    return SIMPLE.get(kind, TEXTS)


def value(field: Field) -> st.SearchStrategy[Any]:
    return st.lists(one(field.type), max_size=2).map(tuple) if field.many else one(field.type)


def request(name: str) -> st.SearchStrategy[Message]:
    fields = {field.name: value(field) for field in RPCS[name].call}
    return st.fixed_dictionaries(fields).map(lambda given: Message(name, given))


ASKED = st.one_of([request(name) for name, rpc in RPCS.items() if rpc.caller != "cpe"])


@settings(max_examples=250)
@given(st.lists(ASKED, min_size=1, max_size=4))
def test_whatever_is_asked(rpcs: list[Message]) -> None:
    world = modular(extension={})
    world.device()
    for rpc in rpcs:
        for answer in world.ask(rpc):
            assert answer.kind in (f"{rpc.kind}Response", "Fault")
            assert answer.kind != "Fault" or 9000 <= answer.fields["fault_code"] < 9900
        world.run(400)
    assert world.facts("SessionEnd")
    world.run(3600)
    [answer] = world.ask(gpv(SSID))
    assert answer.kind == "GetParameterValuesResponse"
