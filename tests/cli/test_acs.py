"""`cpescript acs serve|defects`."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from cpescript.acs.defects import catalogue

ROOT = Path(__file__).parents[2]


def test_every_defect_is_listed_with_what_it_breaks(cpescript):
    status, out, _ = cpescript("acs", "defects")
    assert status == 0
    for defect in catalogue().values():
        assert f"{defect.name}\n    {defect.summary}\n    breaks: {defect.breaks}\n" in out


def test_the_list_is_there_for_programs_too(cpescript):
    rows = json.loads(cpescript("acs", "defects", "--json").out)
    assert [row["name"] for row in rows] == list(catalogue())
    assert set(rows[0]) == {"name", "summary", "breaks", "caught_by"}


def test_a_policy_with_mistakes_is_shown_and_nothing_is_served(cpescript, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("rulez: []\n")
    status, out, err = cpescript("acs", "serve", "--policy", policy, "--port", 0, "--north-port", 0)
    assert (status, out) == (2, "")
    assert f"{policy}:1:" in err


def test_a_port_that_is_taken_is_named_with_the_options_for_another(cpescript):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, out, err = cpescript("acs", "serve", "--port", 0, "--north-port", port)
    assert (status, out) == (2, "")
    assert str(port) in err
    assert "--host, --port and --north-port say where" in err
    assert "Errno" not in err


@pytest.mark.parametrize(
    ("words", "password", "why"),
    [
        (["--xmpp", "acs"], "x", "name@domain"),
        (["--xmpp", "acs@xmpp.example"], "", "CPESCRIPT_XMPP_PASSWORD"),
        (["--xmpp", "acs@xmpp.example", "--xmpp-server", "127.0.0.1"], "x", "HOST:PORT"),
        (["--xmpp", "acs@xmpp.example", "--xmpp-server", "127.0.0.1:9"], "hunter2", "XMPP server cannot be reached"),
    ],
)
def test_an_xmpp_account_that_is_of_no_use(cpescript, monkeypatch, words, password, why):
    pytest.importorskip("slixmpp")
    monkeypatch.setenv("CPESCRIPT_XMPP_PASSWORD", password)
    monkeypatch.setattr("cpescript.transport.xmpp_login.CONNECT", 2.0)
    status, out, err = cpescript("acs", "serve", "--port", 0, "--north-port", 0, *words)
    assert (status, out, why in err, "hunter2" in err) == (2, "", True, False), err


@pytest.mark.slow
def test_it_serves_until_it_is_told_to_stop():
    command = [sys.executable, "-m", "cpescript", "acs", "serve", "--port", "0", "--north-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        line = process.stdout.readline()
        north = line.rsplit(" ", 1)[1].strip()
        health = json.load(urllib.request.urlopen(f"{north}/health", timeout=60))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=120)
    assert line.startswith("CWMP at http://127.0.0.1:")
    assert health["devices"] == 0
    assert (process.returncode, out, err) == (0, "", "")
