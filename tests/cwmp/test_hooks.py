"""The seven hook points: what a hook can change, and that several get along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from cpescript.cwmp.codec import encode
from cpescript.cwmp.hooks import POINTS, Detour, Ending, Hook, Point, Reply
from cpescript.cwmp.http import HttpRequest
from cpescript.cwmp.message import Message, ParameterFault
from cpescript.kernel.time import SECOND
from tests.cwmp.world import CHANNEL, SSID, World, download, gpv, spv

if TYPE_CHECKING:
    from cpescript.device.device import Device


class Answering(Hook):
    """Answers every RPC of a kind with one reply, as a scenario's `answer …` does."""

    points: frozenset[Point] = frozenset({"rpc-answer"})
    name = "answering"

    def __init__(self, kind: str, reply: Reply) -> None:
        self.kind_of_rpc = kind
        self.reply = reply

    def rpc_answer(self, device: Device, request: Message) -> Reply | None:
        return self.reply if request.kind == self.kind_of_rpc else None


@pytest.fixture
def world() -> World:
    world = World()
    world.device()
    return world


def hook(world: World, *hooks: Hook) -> None:
    for each in hooks:
        world.devices[-1].agent.add_hook(each)


def test_a_hook_that_overrides_nothing_changes_nothing(world: World) -> None:
    class Nothing(Hook):
        points = frozenset(POINTS)

    plain, hooked = World(), World()
    for story in (plain, hooked):
        agent = story.device(power=False)
        if story is hooked:
            agent.add_hook(Nothing())
        agent.power_on()
        story.run(1)
        story.ask(spv((SSID, "x")), gpv(SSID), download())
        story.run(100)
    assert [request.body for request in plain.acs.requests] == [request.body for request in hooked.acs.requests]


def test_answer_with_a_fault_for_one_parameter(world: World) -> None:
    hook(world, Answering("SetParameterValues", Reply.fault(9007, "channel not allowed here", CHANNEL)))
    [answer] = world.ask(spv((CHANNEL, "13"), (SSID, "x")))
    assert answer.fields["fault_code"] == 9003
    assert answer.fields["parameter_faults"] == (ParameterFault(CHANNEL, 9007, "channel not allowed here"),)
    assert answer.id == "acs-1"
    assert world.devices[0].get(SSID) == "home"
    assert world.devices[0].is_in("faulted")


def test_answer_after_a_while_is_still_the_devices_own(world: World) -> None:
    hook(world, Answering("SetParameterValues", Reply().delayed(20 * SECOND)))
    assert world.ask(spv((SSID, "x"))) == []
    assert world.devices[0].get(SSID) == "home"
    world.run(20)
    assert world.acs.answers[0].kind == "SetParameterValuesResponse"
    assert world.devices[0].get(SSID) == "x"


def test_answer_nothing(world: World) -> None:
    hook(world, Answering("GetParameterValues", Reply.nothing()))
    assert world.ask(gpv(SSID)) == []
    world.run(59)
    assert world.devices[0].is_in("in session")
    world.run(1)
    assert world.facts("SessionEnd")[-1]["outcome"] == "timeout"


def test_drop_the_connection(world: World) -> None:
    hook(world, Answering("GetParameterValues", Reply.drop()))
    assert world.ask(gpv(SSID)) == []
    assert world.facts("SessionEnd")[-1]["outcome"] == "cut"
    assert world.devices[0].agent.retry_count == 1


def test_answer_with_any_octets(world: World) -> None:
    body = encode(Message("GetParameterValuesResponse", {"parameter_list": ()}, "odd", "1.0"))
    hook(world, Answering("GetParameterValues", Reply.document(body)))
    [answer] = world.ask(gpv(SSID))
    assert (answer.id, answer.version) == ("odd", "1.0")
    hook(world, Answering("GetParameterValues", Reply.document(b"not xml")))
    world.ask(gpv(SSID))
    assert "Garbage" in world.kinds()


def test_of_two_that_match_the_newer_answers_until_it_is_removed(world: World) -> None:
    older, newer = (Answering("GetParameterValues", Reply.fault(code, "")) for code in (9001, 9002))
    hook(world, older, newer)
    assert world.ask(gpv(SSID))[0].fields["fault_code"] == 9002
    agent = world.devices[0].agent
    agent.remove_hook(newer)
    assert world.ask(gpv(SSID))[0].fields["fault_code"] == 9001
    agent.remove_hook(older)
    assert world.ask(gpv(SSID))[0].kind == "GetParameterValuesResponse"
    assert agent.hooks is None


def test_requests_and_bodies_pass_through_all_hooks_in_order(world: World) -> None:
    class Mark(Hook):
        points: frozenset[Point] = frozenset({"http-request", "soap-bytes"})

        def __init__(self, mark: str) -> None:
            self.mark = mark

        def soap_bytes(self, device: Device, kind: str, body: bytes) -> bytes:
            return body + f"<!--{self.mark}-->".encode() if body else body

        def http_request(self, device: Device, request: HttpRequest) -> HttpRequest:
            return HttpRequest((*request.headers, ("X-Mark", self.mark)), request.body)

    hook(world, Mark("a"), Mark("b"))
    world.ask()
    inform, empty = world.acs.requests[-2:]
    assert inform.body.endswith(b"<!--a--><!--b-->")
    assert [value for name, value in empty.headers if name == "X-Mark"] == ["a", "b"]
    assert world.facts("SessionEnd")[-1] == {"outcome": "done"}


def test_a_detour_before_a_message(world: World) -> None:
    class Slow(Hook):
        points: frozenset[Point] = frozenset({"session-flow"})

        def session_step(self, device: Device, kind: str) -> Detour | None:
            return Detour(after=7 * SECOND) if kind == "GetParameterValuesResponse" else None

    hook(world, Slow())
    assert world.ask(gpv(SSID)) == []
    world.run(7)
    assert len(world.acs.answers) == 1


@pytest.mark.parametrize("report", [True, False])
def test_a_transfer_can_end_otherwise(world: World, report: bool) -> None:
    class Failing(Hook):
        points: frozenset[Point] = frozenset({"transfer"})
        name = "failing"

        def transfer(self, device: Device, request: Mapping[str, Any], ending: Ending) -> Ending:
            assert request["command_key"] == "fw"
            self.fired(device)
            return Ending(9018, "file corrupted", apply=False, report=report)

    hook(world, Failing())
    world.ask(download())
    world.run(40)
    completes = [record.message for record in world.records if record.kind == "TransferComplete"]
    assert [complete.fields["fault_code"] for complete in completes] == ([9018] if report else [])
    assert world.facts("quirk") == [{"name": "failing"}]
    assert not world.devices[0].is_in("updating")
