"""An ACS that misbehaves on the wire: devices do what the standard says, the verdict says what happened, the run ends
by itself and memory stays bounded."""

import contextlib
import resource
import socket
import threading

import pytest

from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from cpescript.transport.options import WireOptions

SCENARIO = """\
limit 10m
patience 100ms
spawn 2 of hg100 as fleet
expect InformResponse on each fleet within 2m
"""

ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "&a%s;&a%s;&a%s;">' % (n, *[str(n - 1 or "").encode()] * 3) for n in range(1, 30))
    + b"]><b>&a29;</b>"
)
WRONG_ID = (
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:c="urn:dslforum-org:cwmp-1-2"><e:Header>'
    b'<c:ID e:mustUnderstand="1">nonsense</c:ID></e:Header><e:Body><c:InformResponse><MaxEnvelopes>1</MaxEnvelopes>'
    b"</c:InformResponse></e:Body></e:Envelope>"
)


def answer(body, status=b"200 OK"):
    return b"HTTP/1.1 %s\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def endless(client):
    client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(10_000):
        client.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


BEHAVIOURS = {
    "closes at once": (lambda client: None, "cut"),
    "cuts in the head": (lambda client: client.sendall(b"HTTP/1.1 200 O"), "cut"),
    "cuts in the body": (lambda client: client.sendall(answer(WRONG_ID)[:-20]), "cut"),
    "speaks no HTTP": (lambda client: client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), "http"),
    "answers no XML": (lambda client: client.sendall(answer(b"<html><body>Welcome")), "http"),
    "answers 500": (lambda client: client.sendall(answer(b"oops", b"500 Internal Server Error")), "http"),
    "answers 401 without a challenge": (lambda client: client.sendall(answer(b"", b"401 Unauthorized")), "http"),
    "sends an entity bomb": (lambda client: client.sendall(answer(ENTITIES)), "http"),
    "sends a wrong ID": (lambda client: client.sendall(answer(WRONG_ID)), "http"),
    "sends without end": (endless, "http"),
    "redirects in circles": (
        lambda client: client.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: /again\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        ),
        "http",
    ),
    "redirects to a file": (
        lambda client: client.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"
        ),
        "http",
    ),
}


@contextlib.contextmanager
def serving(behave):
    """Serve `behave(client)` after each request, on a thread of its own; yield the URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    over = threading.Event()

    def serve():
        while not over.is_set():
            try:
                client, _ = listener.accept()
            except TimeoutError:
                continue
            with client, contextlib.suppress(OSError):
                client.settimeout(30)
                client.recv(65536)
                behave(client)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        over.set()
        thread.join()
        listener.close()


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_the_failure_is_named_and_the_run_ends(name, tmp_path):
    behave, outcome = BEHAVIOURS[name]
    path = tmp_path / "hostile.cpes"
    path.write_text(SCENARIO)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with serving(behave) as url:
        result = run(RunOptions(scenarios=(str(path),), acs=url, seed=1, real_limit_s=60))
    scenario = result.scenarios[0]
    assert scenario.verdict == "failed", scenario.problems
    assert result.exit_status == 1
    (claim,) = scenario.claims
    assert claim.missed == 2
    assert f"ended '{outcome}'" in claim.misses[0].actual
    # Table 3: the first retry comes after 5 to 10 s, so there were several tries in two minutes, and not many.
    assert 6 <= scenario.sessions <= 14
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes"


def test_unfinished_answers_have_a_budget_and_the_report_says_when_it_was_spent(tmp_path):
    path = tmp_path / "hostile.cpes"
    path.write_text(SCENARIO)
    large = answer(b"x" * (2 << 20))[:-1]
    with serving(lambda client: client.sendall(large)) as url:
        wire = WireOptions(answers_held=1)
        scenario = run(RunOptions(scenarios=(str(path),), acs=url, seed=1, real_limit_s=60, wire=wire)).scenarios[0]
    assert scenario.verdict == "failed", scenario.problems
    failed = sum(each.errors.get("no-room", 0) for each in scenario.latencies)
    assert failed == scenario.sessions
    told = f"{failed} sessions failed ('no-room') because unfinished answers of the ACS took all of the 1 MiB"
    assert [remark for remark in scenario.remarks if remark.startswith(told)]
    assert "--answers-held allows more" in scenario.claims[0].misses[0].actual


def test_an_acs_that_nobody_listens_for(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    path = tmp_path / "nobody.cpes"
    path.write_text(SCENARIO)
    scenario = run(RunOptions(scenarios=(str(path),), acs=f"http://127.0.0.1:{port}/", seed=1)).scenarios[0]
    assert scenario.verdict == "error"
    assert scenario.reason == f"no connection to http://127.0.0.1:{port}/ ever stood: refused"
    assert "ended 'refused'" in scenario.claims[0].misses[0].actual


def test_more_than_ten_devices_towards_a_stranger_need_a_yes(tmp_path):
    path = tmp_path / "many.cpes"
    path.write_text("spawn 11 of hg100 as fleet\nexpect InformResponse on each fleet within 1m\n")
    scenario = run(RunOptions(scenarios=(str(path),), acs="http://192.0.2.1:7547/")).scenarios[0]
    assert scenario.verdict == "error"
    assert "say --yes" in scenario.reason
    assert scenario.sessions == 0
