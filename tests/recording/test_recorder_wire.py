"""The recorder between devices and ACSs that are not easy: neither side notices it, and the trace is true."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import logging
import socket
import ssl
import struct
import threading
import time
import urllib.request
from collections import defaultdict

import pytest
from aiohttp import web

from cpescript.acs.server import Acs
from cpescript.kernel.trace import LOCAL
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from cpescript.transport import authority
from cpescript.transport.acs_service import AcsService
from cpescript.transport.options import WireOptions
from cpescript.transport.recorder_devices import MOST_COOKIES, Known, KnownDevices
from cpescript.transport.tls import server_context
from tests.adapters.serving import on_a_loop, served
from tests.recording.test_record import INFORM, entries, recording

NEVER = 60.0
"""Real seconds that nothing here comes near to."""


def post(connection, serial="A", body=None, headers=()):
    """Send an Inform, or another body; return status, headers and body of the answer."""
    said = INFORM.format(serial=serial, url="http://192.0.2.1/x").encode() if body is None else body
    connection.request("POST", "/", said, {"Content-Type": "text/xml", **dict(headers)})
    response = connection.getresponse()
    return response.status, response.headers, response.read()


def connected(url):
    return http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=NEVER)


def until(true):
    deadline = time.monotonic() + NEVER
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ends(found):
    return [(each.device, each.session, each.data["outcome"]) for each in found if each.kind == "SessionEnd"]


# --- connections ------------------------------------------------------------------------------------------------------


def test_each_connection_of_a_device_has_one_of_its_own_to_the_acs():
    """This ACS gives no cookies: it knows a device by its connection."""
    whose = {}

    async def acs(request):
        body = await request.read()
        known = whose.setdefault(id(request.transport), (request.transport, body))
        return web.Response(body=known[1])

    with served(acs) as there, recording(there) as (url, _, _):
        one, other = connected(url), connected(url)
        assert b"<SerialNumber>A<" in post(one, "A")[2]
        assert b"<SerialNumber>B<" in post(other, "B")[2]
        assert b"<SerialNumber>A<" in post(one, body=b"")[2]
        assert b"<SerialNumber>B<" in post(other, body=b"")[2]
        one.close()
        other.close()


def test_connections_to_the_acs_are_closed_when_the_device_has_gone():
    open_now = set()

    async def acs(request):
        open_now.add(request.transport)
        return web.Response(body=b"x")

    with served(acs) as there, recording(there, settle=0.05) as (url, recorder, _):
        connection = connected(url)
        post(connection)
        connection.close()
        until(lambda: not recorder._lines)
        until(lambda: all(transport.is_closing() for transport in open_now))


def test_an_acs_that_closes_the_connection_closes_the_devices():
    async def acs(request):
        answer = web.Response(body=b"x")
        answer.force_close()
        return answer

    with served(acs) as there, recording(there) as (url, _, _):
        connection = connected(url)
        assert post(connection)[1]["Connection"] == "close"
        connection.close()


@pytest.mark.parametrize("answered", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"])
def test_an_acs_that_breaks_off_breaks_off_for_the_device(answered, tmp_path):
    listener = socket.create_server(("127.0.0.1", 0))

    def acs():
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(answered)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    thread = threading.Thread(target=acs)
    thread.start()
    with recording(f"http://127.0.0.1:{listener.getsockname()[1]}/") as (url, _, file):
        connection = connected(url)
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            post(connection)
        connection.close()
    thread.join(NEVER)
    listener.close()
    _, found = entries(file, tmp_path)
    assert [(each.kind, each.direction) for each in found if each.direction != LOCAL] == [("Inform", "to-acs")]
    assert ends(found) == [("recorded[1]", 1, "cut")]


def test_why_the_acs_cannot_be_reached_is_said_once():
    said = []
    with recording("http://127.0.0.1:9/", say=said.append) as (url, _, _):
        for _ in range(3):
            connection = connected(url)
            assert post(connection)[0] == 502
            connection.close()
    [told] = [each for each in said if "cannot be reached" in each]
    assert "127.0.0.1:9" in told


# --- messages ---------------------------------------------------------------------------------------------------------


def test_a_device_that_waits_to_be_told_to_go_on_is_told_here():
    """An ACS that knows nothing of 100-continue has a device wait for a second, and would have the recorder wait on."""
    asked = []

    async def acs(request):
        asked.append(request.headers.get("Expect"))
        return web.Response(body=await request.read())

    with served(acs) as there, recording(there) as (url, _, _):
        connection = connected(url)
        assert post(connection, headers={"Expect": "100-continue"})[0] == 200
        connection.close()
    assert asked == [None]


@pytest.mark.parametrize(
    ("leads", "here"), [("{acs}other?x=1", True), ("https://acs.example/cwmp", False), ("/o", False)]
)
def test_a_redirect_to_the_acs_itself_comes_by_again(leads, here, tmp_path):
    moved = []

    async def acs(request):
        if request.path != "/":
            return web.Response(body=b"x")
        moved.append(leads.format(acs=f"http://{request.host}/"))
        return web.Response(status=302, headers={"Location": moved[0]})

    with served(acs) as there, recording(there) as (url, _, file):
        connection = connected(url)
        status, headers, _ = post(connection)
        assert (status, headers["Location"]) == (302, f"{url}other?x=1" if here else moved[0])
        assert post(connection)[0] == 302
        connection.close()
    _, found = entries(file, tmp_path)
    assert {each.session for each in found if each.direction != LOCAL} == {1}, "it is the same session"


def test_devices_log_in_by_themselves():
    """Whatever the ACS's URL says of a login."""
    asked = []

    async def acs(request):
        asked.append(request.headers.get("Authorization"))
        return web.Response(body=b"<x/>")

    with served(acs) as there, recording(there.replace("://", "://lab:hunter22@")) as (url, _, _):
        connection = connected(url)
        post(connection)
        post(connection, headers={"Authorization": "Basic QTpC"})
        connection.close()
    assert asked == [None, "Basic QTpC"]


def test_a_challenge_is_no_end_of_a_session_and_an_inform_without_one_begins_another(tmp_path):
    async def acs(request):
        return web.Response(status=401 if not request.headers.get("Authorization") else 200, body=b"<x/>")

    with served(acs) as there, recording(there, settle=NEVER) as (url, _, file):
        for _ in range(2):
            connection = connected(url)
            assert post(connection)[0] == 401
            connection.close()
            connection = connected(url)
            assert post(connection, headers={"Authorization": "Basic QTpC"})[0] == 200
            connection.close()
    _, found = entries(file, tmp_path)
    assert [each.session for each in found if each.kind == "Inform"] == [1, 1, 2, 2]
    assert ends(found) == [("recorded[1]", 1, "cut")]
    assert b"QTpC" not in file.getvalue()


def test_an_answer_that_comes_when_its_device_has_called_again(tmp_path):
    """The device has given up on the first session; its late answer is that session's."""
    late, waiting = asyncio.Event(), threading.Event()

    async def acs(request):
        if not waiting.is_set():
            waiting.set()
            await late.wait()
            return web.Response(status=503, body=b"late")
        # The first answer goes out behind the second one.
        asyncio.get_running_loop().call_later(0, late.set)
        return web.Response(body=b"<x/>")

    with served(acs) as there, recording(there, settle=NEVER) as (url, recorder, file):
        first = connected(url)
        first.putrequest("POST", "/")
        body = INFORM.format(serial="A", url="http://192.0.2.1/x").encode()
        first.putheader("Content-Length", str(len(body)))
        first.endheaders(body)
        assert waiting.wait(NEVER)
        first.close()
        second = connected(url)
        assert post(second)[0] == 200
        until(lambda: recorder.messages == 4)
        second.close()
    _, found = entries(file, tmp_path)
    told = [(each.session, each.kind, getattr(each.http, "status", None)) for each in found if each.direction != LOCAL]
    assert sorted(told) == [(1, "HttpError", 503), (1, "Inform", None), (2, "Garbage", 200), (2, "Inform", None)]
    assert ends(found) == [("recorded[1]", 1, "cut")], "the late answer ends no session but its own"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_device_that_breaks_off_in_the_middle_of_what_it_says(chunked, acs, tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    with recording(acs.url, settle=0.05) as (url, _, file):
        connection = connected(url)
        assert post(connection)[0] == 200
        head = b"Transfer-Encoding: chunked\r\n\r\n100\r\nhalf" if chunked else b"Content-Length: 1000\r\n\r\nhalf"
        connection.sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + head)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sock.close()
        until(lambda: b"SessionEnd" in file.getvalue())
        another = connected(url)
        assert post(another, "B")[0] == 200, "the recorder goes on"
        another.close()
    _, found = entries(file, tmp_path)
    assert ends(found)[0] == ("recorded[1]", 1, "cut")
    assert [each.kind for each in found if each.device == "recorded[1]" and each.direction != LOCAL] == [
        "Inform",
        "InformResponse",
    ]
    assert not caplog.records


# --- whose they are ---------------------------------------------------------------------------------------------------


def test_a_cookie_that_everybody_has_tells_nobody_apart(tmp_path):
    """A connection for each message, a balancer's cookie for all, and one of each device's own."""
    given = iter(("A", "B"))

    async def acs(request):
        answer = web.Response(body=b"<x/>")
        if await request.read():
            answer.headers.add("Set-Cookie", "node=7; Path=/")
            answer.headers.add("Set-Cookie", f"session={next(given)}; Path=/; HttpOnly")
        return answer

    with served(acs) as there, recording(there) as (url, _, file):
        for serial, said in (("A", None), ("B", None), ("A", b""), ("B", b"")):
            connection = connected(url)
            cookies = {"Cookie": f"node=7; session={serial}"} if said is not None else {}
            _, headers, _ = post(connection, serial, said, cookies)
            assert len(headers.get_all("Set-Cookie", [])) == (2 if said is None else 0)
            connection.close()
    _, found = entries(file, tmp_path)
    assert [each.device for each in found if each.direction == "to-acs"] == [f"recorded[{n}]" for n in (1, 2, 1, 2)]


def test_cookies_of_a_long_recording_fill_no_memory():
    devices = KnownDevices(lambda device: None, lambda device, outcome: None)
    device = Known(1, "A")
    for number in range(10 * MOST_COOKIES):
        devices.given(device, [f"session={number}; Path=/"])
    assert len(devices._cookies) == len(device.cookies) == MOST_COOKIES
    assert devices.whose(None, f"session={10 * MOST_COOKIES - 1}", None) is device
    assert devices.whose(None, "session=0", None) is None


# --- a fleet ----------------------------------------------------------------------------------------------------------

DEVICES = 120
ODD = """x-cpescript:
  extends: hg100
  http: {{{http}}}
"""
WAYS = {
    "plain": "connection: session",
    "packing": "connection: keep, gzip: true",
    "chunking": "connection: post, chunked: true, expect_continue: true",
}
FLEET = """
profile packing = "packing.yaml"
profile chunking = "chunking.yaml"
profile plain = "plain.yaml"
scenario "all sorts":
    limit 1h
    spawn 50 of plain as plain over 1m
    spawn 50 of packing as packing over 1m
    spawn 20 of chunking as chunking over 1m
    wait until each all registered within 10m
    expect SPV Device.ManagementServer.PeriodicInformInterval = 300 on each all within 5m
    reboot all over 1m
    expect InformResponse where request.events contains "1 BOOT" on each all within 10m
    wait until each all registered within 10m
"""


def said(path, names=None):
    """What went over the wire for each device, by identity: (direction, kind, status, body) in order."""
    found, who = defaultdict(list), {}
    for line in path.read_text().splitlines()[1:]:
        record = json.loads(line)
        if record["kind"] == "spawn":
            who[record["device"]] = record["data"]["identity"]
        elif record["direction"] != "local":
            status = (record["http"] or {}).get("status")
            found[record["device"]].append((record["direction"], record["kind"], status))
    return {who[name]: messages for name, messages in found.items()}


@pytest.mark.slow
def test_a_fleet_of_all_sorts_over_https_on_both_sides(tmp_path, cpescript):
    """What the devices have said and heard, and what the recording has, are the same."""
    authority.new(tmp_path)
    authority.server(tmp_path, ["127.0.0.1"])
    certificate, ca = tmp_path / "127.0.0.1.pem", tmp_path / "ca.pem"
    for name, way in WAYS.items():
        (tmp_path / f"{name}.yaml").write_text(ODD.format(http=way))
    case, trace = tmp_path / "fleet.cpes", tmp_path / "devices.jsonl"
    case.write_text(FLEET)
    service = AcsService(Acs())

    async def start(stack):
        return await service.start("127.0.0.1", 0, 0, stack, server_context(certificate, None, None))

    trusting = ssl.create_default_context(cafile=str(ca))
    inwards = server_context(certificate, None, None)
    with (
        on_a_loop(start) as (port, _),
        recording(f"https://127.0.0.1:{port}/", False, inwards, trusting) as (url, recorder, file),
    ):
        [result] = run(
            RunOptions(scenarios=(str(case),), acs=url, seed=1, trace=trace, yes=True, wire=WireOptions(tls_ca=ca))
        ).scenarios
        assert (result.verdict, result.reason, recorder.devices) == ("passed", "", DEVICES)
    recorded, found = entries(file, tmp_path)
    assert said(recorded) == said(trace)
    assert {outcome for _, _, outcome in ends(found)} == {"done"}
    assert cpescript("draft", recorded, "--name", "lab")[0] == 0
    assert cpescript("judge", tmp_path / "lab.cpes", "--trace", recorded)[0] == 0


def test_what_is_packed_is_packed_on_both_sides_and_plain_in_the_trace(tmp_path):
    packed = []

    async def acs(request):
        packed.append(request.headers.get("Content-Encoding"))
        body = gzip.compress(INFORM.format(serial="Z", url="x").replace("Inform", "InformResponse").encode())
        return web.Response(body=body, headers={"Content-Encoding": "gzip", "Content-Type": "text/xml"})

    with served(acs) as there, recording(there) as (url, _, file):
        body = gzip.compress(INFORM.format(serial="A", url="x").encode())
        asked = urllib.request.Request(url, body, {"Content-Encoding": "gzip"}, method="POST")
        with urllib.request.urlopen(asked, timeout=NEVER) as answer:
            assert b"InformResponse" in gzip.decompress(answer.read())
    assert packed == ["gzip"]
    _, found = entries(file, tmp_path)
    assert next(each.kind for each in found if each.direction != LOCAL) == "Inform"
    assert b"<SerialNumber>A<" in next(each.body for each in found if each.kind == "Inform")
