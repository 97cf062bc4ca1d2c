"""The adapter `manual` in a run at a terminal: devices can be called meanwhile, and whoever interrupts is asked once
more."""

from __future__ import annotations

import io
import os
import pty
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from cpescript.acs.server import Acs
from cpescript.adapters.genieacs_names import device_id
from cpescript.results import ScenarioResult
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from tests.adapters.serving import Genie, on_a_loop

LONG = 60.0
"""Real seconds that nothing here comes near to."""

SCENARIO = """
spawn 1 of hg100 as cpe
wait until each cpe registered within 5m
acs connect cpe
expect Inform where events contains "6 CONNECTION REQUEST" on cpe within 5m
"""


class Screen(io.StringIO):
    """What is asked at a terminal; `ask(question)` waits for it."""

    def asked(self, question: str) -> None:
        until = time.monotonic() + LONG
        while len(re.findall(f"please: {question}.*?cannot be: ", self.getvalue(), re.S)) < 1:
            assert time.monotonic() < until, self.getvalue()
            time.sleep(0.01)


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Screen, Callable[[str], object]]]:
    master, slave = pty.openpty()
    screen = Screen()
    with open(slave, encoding="utf-8") as keyboard:
        monkeypatch.setattr("sys.stdin", keyboard)
        monkeypatch.setattr("sys.stderr", screen)
        yield screen, lambda typed: os.write(master, typed.encode())
    os.close(master)


def playing(options: RunOptions) -> tuple[threading.Thread, list[ScenarioResult]]:
    found: list[ScenarioResult] = []
    thread = threading.Thread(target=lambda: found.extend(run(options).scenarios), daemon=True)
    thread.start()
    return thread, found


def test_a_device_is_called_while_somebody_does_it(tmp_path, monkeypatch):
    path = tmp_path / "case.cpes"
    path.write_text(SCENARIO)
    genie = Genie(Acs())
    with on_a_loop(genie.start) as (url, north), terminal(monkeypatch) as (screen, type_):
        thread, found = playing(RunOptions(scenarios=(str(path),), acs=url, adapter="manual", seed=1))
        screen.asked("make a connection request")
        [key] = genie.acs.records
        task = urllib.request.Request(f"{north}/devices/{device_id(key)}/tasks?connection_request=", method="POST")
        assert urllib.request.urlopen(task, timeout=LONG).status == 200, "the ACS has reached the device"
        type_("\n")
        screen.asked("delete it from the ACS")
        type_("\n")
        thread.join(LONG)
    assert [(each.verdict, each.reason) for each in found] == [("passed", "")]


def test_whoever_interrupts_is_asked_to_clean_up_at_once(tmp_path, monkeypatch):
    path = tmp_path / "case.cpes"
    path.write_text(SCENARIO)
    over = threading.Event()
    with on_a_loop(Genie(Acs()).start) as (url, _), terminal(monkeypatch) as (screen, type_):
        options = RunOptions(scenarios=(str(path),), acs=url, adapter="manual", seed=1, interrupted=over.is_set)
        thread, found = playing(options)
        screen.asked("make a connection request")
        over.set()
        screen.asked("delete it from the ACS")
        type_("\n")
        thread.join(LONG)
    assert [each.verdict for each in found] == ["inconclusive"]
    assert any("told to forget the 1 device" in remark for remark in found[0].remarks)
