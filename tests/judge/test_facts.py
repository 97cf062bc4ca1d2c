"""What the judge has learnt from the trace, and from nothing else."""

from types import SimpleNamespace

import pytest

from cpescript.judge.facts import FactView, TraceFacts
from cpescript.kernel.time import DEFAULT_START, SECOND, Instant

VERSION = "Device.DeviceInfo.SoftwareVersion"
LEASE = "Device.NAT.PortMapping.{}.LeaseDuration"


def said(device, **data):
    return SimpleNamespace(device=device, kind="fact", data=data)


def parts(path):
    return tuple(None if word == "*" else word for word in path.rstrip(".").split("."))


@pytest.fixture
def facts():
    facts = TraceFacts(SimpleNamespace(identity=lambda device: f"00D0AA-HG-100-HG{device}"), lambda: 5 * SECOND)
    for number, cohort in ((1, "fleet"), (2, "fleet"), (3, "side")):
        facts.spawned(said(number, cohort=cohort, labels={"region": "north"} if number == 2 else {}))
    return facts


def test_who_there_is(facts):
    assert facts.devices(None) == [1, 2, 3]
    assert facts.devices("fleet") == [1, 2]
    with pytest.raises(KeyError):
        facts.devices("other")
    found = {name: [facts.attribute(number, name) for number in (1, 2, 3)] for name in ("index", "cohort", "label")}
    assert found == {
        "index": [1, 2, 1],
        "cohort": ["fleet", "fleet", "side"],
        "label": [{}, {"region": "north"}, {}],
    }
    assert facts.attribute(2, "number") == 2
    assert facts.attribute(0, "now") == Instant(DEFAULT_START + 5 * SECOND)
    with pytest.raises(KeyError):
        facts.attribute(1, "colour")


def test_states_are_entered_and_left_per_device(facts):
    facts.state_changed(said(1, state="online", on=True))
    facts.state_changed(said(3, state="online", on=True))
    facts.state_changed(said(3, state="online", on=False))
    assert [facts.in_state(number, "online") for number in (1, 2, 3)] == [True, False, False]
    assert [facts.in_state(number, "offline") for number in (1, 2, 3)] == [False, True, True]
    assert not facts.in_state(1, "updating")


def test_parameters_are_typed_and_vanish_with_their_object(facts):
    facts.parameter_changed(said(1, path=LEASE.format(1), value="0300", type="unsignedInt"))
    facts.parameter_changed(said(1, path=LEASE.format(2), value="7", type="unsignedInt"))
    facts.parameter_changed(said(2, path=LEASE.format(1), value="8", type="unsignedInt"))
    assert facts.parameter(1, LEASE.format(1)) == 300
    assert facts.expand(1, parts(LEASE.format("*")), False) == [LEASE.format(1), LEASE.format(2)]
    assert facts.expand(1, parts("Device.NAT.PortMapping.2."), True) == [LEASE.format(2)]
    assert facts.expand(2, parts(LEASE.format(2)), False) == []
    facts.parameter_changed(said(1, path=LEASE.format(1), value=None, type="unsignedInt"))
    assert facts.expand(1, parts(LEASE.format("*")), False) == [LEASE.format(2)]
    with pytest.raises(KeyError):
        facts.parameter(1, LEASE.format(1))
    assert facts.parameter(2, LEASE.format(1)) == 8


def test_a_claim_draws_nothing(facts):
    with pytest.raises(LookupError):
        facts.chance()


def test_a_fact_has_the_face_of_a_message():
    fact = FactView(said(1, outcome="done"))
    assert fact.field("outcome") == "done"
    assert (tuple(fact.paths), dict(fact.settings), fact.type_of("Device.X")) == ((), {}, None)
    with pytest.raises(KeyError):
        fact.field("reason")
