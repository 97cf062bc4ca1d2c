"""What a system believes, judged from `belief` facts alone."""

import pytest

from cpescript.diagnostics import Span
from cpescript.judge.facts import UNKNOWN
from cpescript.kernel.time import SECOND
from cpescript.pattern import expression as x
from cpescript.pattern.claim import BeliefClaim, Quantifier
from tests.judge.test_oracle import DEVICES, World, statement

SPAN = Span("case.cpes", 1, 1, 1, 2)
PATH = "Device.WiFi.Radio.1.Channel"
CHANNEL = x.Parameter(SPAN, x.PathPattern(SPAN, tuple(PATH.split(".")), False))


def equal(left, right):
    return x.Binary(SPAN, "==", left, x.Literal_(SPAN, right))


def sees(value, system="acs"):
    return BeliefClaim(SPAN, system, "sees", {}, equal(CHANNEL, value))


def call(condition, **arguments):
    inputs = {name: x.Literal_(SPAN, value) for name, value in arguments.items()}
    return BeliefClaim(SPAN, "portal", "status", inputs, condition, called=True)


@pytest.fixture
def world():
    return World([])


def judged(world, claim, *facts, quantifier="each", devices=DEVICES):
    """Tell facts, one a second, of a device each, and return how the claim ended and what it said of the first miss."""
    decided = []
    world.at(0, lambda: world.judge.open(
        statement(claim), Quantifier(quantifier), devices, world.scope, "within",
        window=0, deadline=15 * SECOND, done=decided.append,
    ))  # fmt: skip
    for second, (device, data) in enumerate(facts, 1):
        told = {"system": "acs", **data}
        world.at(second, lambda device=device, told=told: world.trace.fact(world.boxes.get(device), "belief", **told))
    world.run()
    result = decided[0].result
    return result.verdict, result.misses[0].actual if result.misses else ""


def value(text, kind="unsignedInt", **more):
    return {"path": PATH, "value": text, "type": kind, **more}


def test_it_is_met_when_the_system_says_so(world):
    facts = [(device, value("6")) for device in DEVICES]
    assert judged(world, sees(6), (1, value("1")), *facts) == ("met", "")
    assert world.judge.claims[0].closed == 4 * SECOND


def test_what_it_does_not_know_or_has_not_said_does_not_hold(world):
    verdict, actual = judged(world, sees(6), (2, value("6")), (1, value(None)), (3, value("6")))
    assert (verdict, actual) == ("missed", f"'acs' sees no {PATH}")
    assert world.judge.facts.beliefs["acs", PATH][1] is UNKNOWN


RADIO = "Device.WiFi.Radio.{}.{}"
ANY_CHANNEL = x.Parameter(SPAN, x.PathPattern(SPAN, ("Device", "WiFi", "Radio", None, "Channel"), False))


@pytest.mark.parametrize(
    ("fact", "verdict"),
    [
        ((1, {"path": RADIO.format(2, "Channel"), "value": "6"}), "met"),
        ((1, {"path": RADIO.format(2, "Channel"), "value": "1"}), "missed"),
        ((1, {"path": RADIO.format(2, "Channel"), "value": None}), "missed"),
        ((2, {"path": RADIO.format(2, "Channel"), "value": "6"}), "missed"),
        ((1, {"path": RADIO.format(2, "TransmitPower"), "value": "6"}), "missed"),
        ((1, {"path": RADIO.format(2, "Channel"), "value": "6", "system": "portal"}), "missed"),
    ],
)
def test_any_instance_is_any_that_the_system_knows_of_the_device(world, fact, verdict):
    claim = BeliefClaim(SPAN, "acs", "sees", {}, equal(ANY_CHANNEL, 6))
    device, told = fact
    facts = [(1, value("1")), (device, {"type": "unsignedInt", **told})]
    assert judged(world, claim, *facts, devices=(1,))[0] == verdict


def test_systems_are_told_apart(world):
    assert judged(world, sees(6, "portal"), *[(device, value("6")) for device in DEVICES])[0] == "missed"


def test_a_system_that_could_not_be_asked_says_why(world):
    verdict, actual = judged(world, sees(6), (1, {"error": "connection refused"}), devices=(1,))
    assert (verdict, actual) == ("missed", "'acs' could not be asked: connection refused")


def answer(body, system="portal", **arguments):
    return {"system": system, "call": "status", "arguments": arguments, "status": 200, "body": body}


DONE = equal(x.Field(SPAN, ("body", "state")), "done")


def test_the_answers_of_calls_are_told_apart_by_their_arguments(world):
    facts = [(1, answer({"state": "done"}, id="b")), (1, answer({"state": "busy"}, id="a"))]
    verdict, actual = judged(world, call(DONE, id="a"), *facts, devices=(1,))
    assert (verdict, actual) == ("missed", 'status 200, body {state: "busy"}')


def test_an_answer_of_another_shape_is_not_the_scenarios_mistake(world):
    facts = [(1, answer("<html>")), (1, answer({"state": "done"}))]
    assert judged(world, call(DONE), *facts, devices=(1,)) == ("met", "")
    assert world.judge.problems == []


def test_an_answer_of_the_right_shape_that_cannot_be_worked_out_is_the_scenarios_mistake(world):
    share = x.Binary(SPAN, "/", x.Literal_(SPAN, 1), x.Field(SPAN, ("body", "left")))
    assert judged(world, call(equal(share, 1)), (1, answer({"left": 0})), devices=(1,))[0] == "error"
    assert [problem.message for problem in world.judge.problems] == ["division by zero"]


def test_a_call_about_no_device_is_asked_once(world):
    assert judged(world, call(DONE), (0, answer({"state": "done"})), quantifier="across", devices=[0]) == ("met", "")
