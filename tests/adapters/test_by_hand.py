"""The adapters of people and programs: `manual` and `command`."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest

from cpescript.acs.orders import DeviceKey, Order
from cpescript.adapters.base import AdapterError, Setup
from cpescript.adapters.command import Command
from cpescript.adapters.manual import Manual
from cpescript.cli.run import Watcher
from cpescript.masking import Masker
from cpescript.report.progress import Progress
from cpescript.results import Snapshot
from cpescript.runner.north import make_adapter
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from cpescript.runner.watching import Masked
from tests.adapters.serving import Here

KEYS = [DeviceKey("001122", "HG100", str(number)) for number in range(30)]


@pytest.fixture
def keyboard() -> Iterator[Callable[[str], TextIO]]:
    """`keyboard(typed)`: a terminal at which somebody has typed that; Ctrl-D is "\\x04"."""
    opened: list[int | TextIO] = []

    def type_(typed: str) -> TextIO:
        master, slave = pty.openpty()
        os.write(master, typed.encode())
        terminal = open(slave, encoding="utf-8")  # noqa: SIM115 - closed with the test
        opened.extend((master, terminal))
        return terminal

    yield type_
    for each in opened:
        os.close(each) if isinstance(each, int) else each.close()


@pytest.fixture
def by_hand(here: Here, keyboard: Callable[[str], TextIO]) -> Callable[[str], tuple[Manual, io.StringIO]]:
    def manual(typed: str) -> tuple[Manual, io.StringIO]:
        screen = io.StringIO()
        return Manual(screen, keyboard(typed), here.spawn), screen

    return manual


ByHand = Callable[[str], tuple[Manual, io.StringIO]]


def test_what_is_to_be_done_is_said_once_for_all_devices(by_hand: ByHand) -> None:
    manual, screen = by_hand("\n")
    manual.prepare(Setup())
    results: list[Any] = []
    orders = [Order("set", key, {"settings": [["Device.A", "1", None]]}) for key in KEYS]
    manual.submit(orders, results.extend)
    assert [result.accepted for result in results] == [True] * 30
    shown = screen.getvalue()
    assert shown.count("set Device.A = 1") == 1
    assert "001122-HG100-19\n" in shown
    assert "001122-HG100-20\n" not in shown
    assert "and 10 more" in shown


def test_the_screen_is_free_while_somebody_is_asked(here: Here, keyboard: Callable[[str], TextIO]) -> None:
    screen = io.StringIO()
    manual = Manual(screen, keyboard("\n"), here.spawn, lambda asking: screen.write(f"asking: {asking}\n"))
    manual.submit([Order("reboot", KEYS[0]), Order("forget", KEYS[0])], lambda results: None)
    lines = screen.getvalue().splitlines()
    assert lines[:2] == ["asking: True", "On the ACS, please: reboot it"]
    assert lines[-1] == "Enter when it is done, or say why it cannot be: asking: False"


def test_the_progress_of_a_run_makes_room(
    here: Here, keyboard: Callable[[str], TextIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(sys, "stdin", keyboard("\n"))

    class Display(Progress):
        def clear(self) -> None:
            screen.write("cleared\n")

        def update(self, snapshot: Snapshot) -> None:
            screen.write("drawn\n")

    watcher = Masked(Watcher(Display(screen, lambda: 0.0), to_stderr=True, colour=False), Masker([]))
    options = RunOptions(scenarios=(), observer=watcher)
    snapshot = Snapshot("s", 0, 0, 0, {}, 0, 0, 0)

    def spawn(job: Any, done: Callable[[Any], None]) -> None:
        async def beside() -> Any:
            asked = asyncio.ensure_future(job)
            await asyncio.sleep(0)
            watcher.progress(snapshot)
            return await asked

        here.spawn(beside(), done)

    manual = make_adapter("manual", None, options, print, spawn, [])
    manual.submit([Order("reboot", KEYS[0])], lambda results: None)
    watcher.progress(snapshot)
    assert screen.getvalue().startswith("cleared\nOn the ACS")
    assert screen.getvalue().endswith("or say why it cannot be: cleared\ndrawn\n")
    assert screen.getvalue().count("drawn") == 1


def test_devices_are_served_while_somebody_is_asked(here: Here) -> None:
    """Enter comes when the ACS says that it is done, and that it says when it has called the device."""
    master, slave = pty.openpty()
    with open(slave, encoding="utf-8") as terminal:
        manual = Manual(io.StringIO(), terminal, here.spawn)

        async def acs(job: Any) -> Any:
            asked = asyncio.ensure_future(job)
            await asyncio.sleep(0)
            assert not asked.done()
            os.write(master, b"\n")
            return await asked

        results: list[Any] = []
        manual._spawn = lambda job, done: here.spawn(acs(job), done)
        manual.submit([Order("reboot", KEYS[0])], results.extend)
    os.close(master)
    assert [result.accepted for result in results] == [True]


def test_one_question_after_the_other(here: Here, keyboard: Callable[[str], TextIO]) -> None:
    screen = io.StringIO()
    manual = Manual(screen, keyboard("no\n\n"), here.spawn)
    orders = [Order("reboot", KEYS[0]), Order("get", KEYS[0], {"paths": ["A"]})]

    async def both() -> list[Any]:
        return await asyncio.gather(*(manual._asked([order]) for order in orders))

    found = here.run(both())
    assert [[each.reason for each in results] for results in found] == [["no"], [""]]
    reboot, get = screen.getvalue().index("reboot it"), screen.getvalue().index("read A")
    assert reboot < screen.getvalue().index("Enter when") < get


def test_why_it_cannot_be_done_is_a_refusal(by_hand: ByHand) -> None:
    manual, _ = by_hand("there is no such button\n")
    results: list[Any] = []
    manual.submit([Order("call", None, {"name": "rollout", "inputs": {"version": "2"}})], results.extend)
    assert (results[0].accepted, results[0].reason) == (False, "there is no such button")


def test_every_verb_can_be_said(by_hand: ByHand) -> None:
    given = {
        "settings": [["A", "1", None]], "paths": ["A"], "path": "A.", "firmware": "2", "file_type": "3", "url": "u",
        "name": "n",
    }  # fmt: skip
    for verb in Manual.verbs:
        manual, screen = by_hand("\n")
        manual.submit([Order(verb, KEYS[0], given)], lambda results: None)
        assert "On the ACS, please: " in screen.getvalue()


def test_nobody_at_the_terminal(here: Here, by_hand: ByHand) -> None:
    nobody = Manual(io.StringIO(), io.StringIO(), here.spawn)
    with pytest.raises(AdapterError, match="somebody at a terminal"):
        nobody.prepare(Setup())
    # Where nothing will be asked of anybody, nobody need be there.
    nobody.prepare(Setup(orders=False))
    manual, _ = by_hand("\x04")
    found: list[Any] = []
    manual.submit([Order("reboot", KEYS[0])], found.append)
    assert "nobody answers" in str(found[0])


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("spawn 1 of hg100 as cpe\ncheck each cpe online\n", False),
        ("define go(them):\n    acs reboot them\nspawn 1 of hg100 as cpe\ndo go(cpe)\ncheck each cpe online\n", True),
    ],
)
def test_somebody_is_needed_for_a_scenario_that_gives_orders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, needed: bool
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    (tmp_path / "case.cpes").write_text(text)
    options = RunOptions(scenarios=(str(tmp_path),), acs="http://127.0.0.1:9/", adapter="manual", patience_ns=0)
    (result,) = run(options).scenarios
    assert any("somebody at a terminal" in problem.message for problem in result.problems) is needed


PROGRAM = """
import json, sys
asked = json.load(sys.stdin)
answers = {
    "describe": {"verbs": ["reboot", "call"], "calls": {"wifi": ["ssid"]}, "beliefs": True},
    "prepare": {},
    "orders": {"results": [{"accepted": each["verb"] == "reboot", "reason": "no"} for each in asked.get("orders", [])]},
    "beliefs": {"views": [{"Device.A": ["1", "int"]} for _ in asked.get("devices", [])]},
}
%s
print(json.dumps(answers[asked["ask"]]))
"""


def command(here: Here, folder: Path, change: str = "", timeout: float = 60.0) -> Command:
    path = folder / "adapter.py"
    path.write_text(PROGRAM % change)
    return Command([sys.executable, str(path)], here.run, here.spawn, timeout)


def test_a_program_takes_orders_and_tells_beliefs(here: Here, tmp_path: Path) -> None:
    adapter = command(here, tmp_path)
    assert (adapter.verbs, adapter.beliefs, adapter.calls) == ({"reboot", "call"}, True, {"wifi": ("ssid",)})
    adapter.prepare(Setup())
    found: list[Any] = []
    adapter.submit([Order("reboot", KEYS[0]), Order("call", None, {"name": "wifi"})], found.append)
    adapter.ask(KEYS[:2], ["Device.A", "Device.B"], found.append)
    assert [(result.accepted, result.reason) for result in found[0]] == [(True, "no"), (False, "no")]
    assert found[1] == [{"Device.A": ("1", "int"), "Device.B": None}] * 2


def test_who_names_calls_takes_calls(here: Here, tmp_path: Path) -> None:
    adapter = command(here, tmp_path, "answers['describe'] = {'verbs': ['reboot'], 'calls': {'wifi': ['ssid']}}")
    assert adapter.verbs == {"reboot", "call"}
    adapter = command(here, tmp_path, "answers['describe'] = {'verbs': ['reboot']}")
    assert adapter.verbs == {"reboot"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("sys.exit('out of order')", "exit status 1: out of order"),
        ("print('hello')", "no JSON object"),
        ("answers['describe'] = {'verbs': ['fly']}", "verbs: add, call"),
        ("answers['describe'] = 3", "no JSON object"),
        ("import time; time.sleep(60)", "no answer within"),
    ],
)
def test_a_program_that_does_not_answer(change: str, why: str, here: Here, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=why):
        command(here, tmp_path, change, 0.5 if "sleep" in change else 60.0)


def test_a_program_that_does_not_stop_talking(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says is bounded as it comes, not when it has said it."""
    monkeypatch.setattr("cpescript.adapters.command.MAX_ANSWER", 1 << 20)
    with pytest.raises(AdapterError, match="longer than 1048576 octets"):
        command(here, tmp_path, "while True: sys.stdout.write('x' * 65536)")
    with pytest.raises(AdapterError, match="exit status 1: enough"):
        command(here, tmp_path, "sys.stderr.write('x' * (1 << 22) + '\\n'); sys.exit('enough')")


def test_a_program_that_does_not_listen(here: Here, tmp_path: Path) -> None:
    path = tmp_path / "deaf.py"
    path.write_text("import json, os\nos.close(0)\nprint(json.dumps({'verbs': ['reboot'], 'results': []}))\n")
    adapter = Command([sys.executable, str(path)], here.run, here.spawn, 60.0)
    found: list[Any] = []
    adapter.submit([Order("call", None, {"name": "x" * (1 << 22)})], found.append)
    assert "1 orders, but not as many results" in str(found[0])


def test_a_program_that_there_is_not(here: Here) -> None:
    with pytest.raises(AdapterError, match="cannot be run"):
        Command(["/nowhere/adapter"], here.run, here.spawn)


def test_results_that_are_none(here: Here, tmp_path: Path) -> None:
    adapter = command(here, tmp_path, "answers['orders'] = {'results': []}; answers['beliefs'] = {'views': [3]}")
    found: list[Any] = []
    adapter.submit([Order("reboot", KEYS[0])], found.append)
    adapter.ask(KEYS[:1], ["Device.A"], found.append)
    assert "not as many results" in str(found[0])
    assert "a view that is not" in str(found[1])
