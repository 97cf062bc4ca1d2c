"""The trace: announced once, in order, to whoever asked; evidence bounded; secrets masked."""

import hashlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.kernel.queue import Kernel
from cpescript.kernel.time import Duration
from cpescript.kernel.trace import (
    BEGINNING,
    EVIDENCE_DEPTH,
    EVIDENCE_MESSAGES,
    FROM_ACS,
    HEARTBEATS,
    LARGE,
    LOCAL,
    MOST_WHATS,
    SLACK,
    TO_ACS,
    Record,
    Trace,
    Writer,
    evidence,
)
from cpescript.masking import Masker


class Box:
    """A device, as the trace sees it."""

    def __init__(self, number):
        self.number = number
        self.recent = None

    @property
    def name(self):
        return f"fleet[{self.number}]"


def say(trace, device, kind="Inform", body=b"<x/>", direction=TO_ACS):
    http = HttpRequest((("SOAPAction", ""),), body) if direction == TO_ACS else HttpResponse(200, (), body)
    trace.message(device, 1, direction, "cwmp", kind, http, body)


def test_only_what_was_asked_for_becomes_a_record():
    seen = []
    trace = Trace(Kernel())
    trace.watch(["Download"], seen.append)
    say(trace, Box(1), "Inform")
    say(trace, Box(1), "Download")
    assert [record.kind for record in seen] == ["Download"]
    assert seen[0].n == 2
    assert not trace.wants("Inform")
    trace.unwatch(seen.append)
    assert not trace.wants("Download")


def test_whoever_asks_for_everything_sees_messages_and_facts():
    seen = []
    trace = Trace(Kernel())
    trace.watch(None, seen.append)
    say(trace, Box(1), "Inform")
    trace.fact(Box(1), "quirk", name="bom")
    assert [(record.n, record.kind) for record in seen] == [(1, "Inform"), (2, "quirk")]
    assert (trace.count, trace.messages) == (2, 1)


def test_the_last_ten_messages_of_a_device_are_kept():
    trace, device = Trace(Kernel()), Box(1)
    for index in range(30):
        say(trace, device, f"Kind{index}")
    assert [entry[2][2] for entry in device.recent[-10:]] == [f"Kind{index}" for index in range(20, 30)]
    assert len(device.recent) == EVIDENCE_DEPTH + SLACK


@pytest.mark.parametrize("challenged", [(), ("Inform", "HttpError")], ids=["unasked", "challenged"])
def test_heartbeats_fold_into_one_line_and_push_nothing_out(challenged):
    kernel = Kernel()
    trace, device = Trace(kernel), Box(1)
    for index in range(10):
        say(trace, device, f"Telling{index}")
    for session in range(2, 50):
        kernel.advance(session)
        for kind in (*challenged, "Inform", "InformResponse", "Empty", "Empty"):
            trace.message(device, session, TO_ACS, "cwmp", kind, None, b"")
        trace.hush(device, session)
    shown = device.recent[-10:]
    assert [entry[2][2] for entry in shown] == [*(f"Telling{index}" for index in range(1, 10)), HEARTBEATS]
    assert shown[-1][0] == 49
    assert shown[-1][5] == 48


def test_evidence_is_bounded_for_the_run_as_a_whole():
    trace, device = Trace(Kernel()), Box(1)
    trace.budget(EVIDENCE_MESSAGES // 2)
    for index in range(12):
        say(trace, device, f"Kind{index}")
    kept = evidence(device.recent)
    assert [entry[2][2] for entry in kept] == ["Kind10", "Kind11"]
    assert kept[-1] == (0, 1, (TO_ACS, "cwmp", "Kind11")), "a large fleet keeps no bodies"
    say(trace, device, "Empty", b"")
    assert evidence(device.recent) == kept, "nor that somebody had nothing to say"
    trace.remember(device, 1, "SessionEnd", "cut")
    assert [entry[2][2] for entry in evidence(device.recent)] == ["Kind11", "SessionEnd cut"]


def test_words_that_are_never_the_same_do_not_fill_a_large_fleets_memory():
    trace, device = Trace(Kernel()), Box(1)
    trace.budget(EVIDENCE_MESSAGES // 2)
    for index in range(MOST_WHATS + 10):
        trace.remember(device, 1, "SessionEnd", f"cut for the {index}th time")
    assert [entry[2][2] for entry in evidence(device.recent)] == ["SessionEnd", "SessionEnd"]
    assert len(trace._whats) <= MOST_WHATS + 1


def test_evidence_shrinks_when_the_fleet_grows():
    trace, device = Trace(Kernel()), Box(1)
    say(trace, device, "Kind1")
    say(trace, device, "Kind2")
    trace.budget(EVIDENCE_MESSAGES // 3)
    say(trace, device, "Kind3")
    assert evidence(device.recent) == [(0, 1, (TO_ACS, "cwmp", f"Kind{index}")) for index in (1, 2, 3)]


def test_bodies_are_decoded_when_first_asked_for():
    decoded = []

    def decode(body):
        decoded.append(body)
        return body.decode()

    seen = []
    trace = Trace(Kernel(), decoders={"cwmp": decode})
    trace.watch(["Inform"], seen.append)
    say(trace, Box(1), body=b"hello")
    assert decoded == []
    assert seen[0].message == "hello"
    assert seen[0].message == "hello"
    assert decoded == [b"hello"]


def test_the_file_and_its_digest():
    file = io.BytesIO()
    writer = Writer("rollout", file, Masker(["s3<cret", ""]))
    trace = Trace(Kernel(), writer=writer)
    writer.header({"seed": 42})
    say(trace, Box(3), body="<v>s3&lt;cret é</v>".encode())
    say(trace, Box(3), "InformResponse", b"\xff", FROM_ACS)
    trace.fact(Box(3), "state", state="online", on=True)
    trace.fact(None, "note", text="s3<cret")
    lines = [json.loads(line) for line in file.getvalue().decode().splitlines()]
    assert lines[0] == {"schema": "cpescript-trace/1", "scenario": "rollout", "seed": 42}
    assert list(lines[1]) == [
        "t", "n", "scenario", "device", "session", "direction", "protocol", "kind", "http", "body",
    ]  # fmt: skip
    assert lines[1]["body"] == "<v>*** é</v>"
    assert lines[1]["http"] == {"method": "POST", "headers": [["SOAPAction", ""]]}
    assert lines[2]["body"] == "\\xff"
    assert lines[2]["http"] == {"status": 200, "headers": []}
    assert lines[3]["data"] == {"state": "online", "on": True}
    assert lines[4]["device"] is None
    assert lines[4]["data"] == {"text": "***"}
    assert writer.hexdigest() == hashlib.sha256(file.getvalue()).hexdigest()


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
heads = st.none() | st.builds(
    lambda status, pairs: HttpResponse(status, tuple(pairs)), st.integers(200, 599), st.lists(st.tuples(texts, texts))
)
instants = st.integers(0, 1 << 62) | st.integers(0, 1 << 62).map(Duration)
plain = st.none() | st.booleans() | st.integers() | texts


@given(
    instants, st.booleans(), st.integers(0, 9), st.sampled_from([TO_ACS, FROM_ACS, LOCAL]), texts, texts,
    heads, st.none() | st.binary(max_size=12), st.dictionaries(texts, plain | st.lists(plain, max_size=2), max_size=3),
    st.none() | st.integers(0, 1 << 62),
)  # fmt: skip
def test_a_line_put_together_by_hand_is_that_of_the_plain_way(
    t, of_a_device, session, direction, scenario, kind, http, body, data, wall
):
    record = Record(
        t, 7, Box(2) if of_a_device else None, session, direction, "cwmp", kind, http, body, data, wall_ns=wall
    )
    file = io.BytesIO()
    Writer(scenario, file).write(record)
    line = json.dumps(record.as_dict(scenario), ensure_ascii=False, separators=(",", ":"))
    assert file.getvalue() == line.encode() + b"\n"


def test_of_a_large_message_evidence_keeps_the_beginning_and_the_status():
    trace, device = Trace(Kernel()), Box(1)
    response = HttpResponse(500, (("X", "y"),), b"x" * (LARGE + 1))
    trace.message(device, 1, FROM_ACS, "cwmp", "HttpError", response, response.body, {"decoded": response.body})
    trace.message(device, 1, FROM_ACS, "cwmp", "HttpError", response, response.body[1:], "decoded")
    large, small = device.recent
    assert (large[3].status, large[4], large[5]) == (500, b"x" * BEGINNING, None)
    assert small[3:] == (response, b"x" * LARGE, "decoded")


def test_kinds_that_differ_each_time_are_not_all_kept(monkeypatch):
    monkeypatch.setattr("cpescript.kernel.trace.MOST_WHATS", 5)
    trace, device = Trace(Kernel()), Box(1)
    for index in range(9):
        say(trace, device, f"Kind{index}")
    assert len(trace._whats) == 5
    assert [entry[2][2] for entry in device.recent] == [f"Kind{index}" for index in range(9)]
