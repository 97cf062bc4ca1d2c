"""A saved trace is judged as it was live: same verdict, same claims, same misses."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from cpescript import libraries
from cpescript.acs.defects import catalogue
from cpescript.cli import main
from cpescript.diagnostics import Bag
from cpescript.kernel.time import SECOND
from cpescript.recording.reading import TraceError, read
from cpescript.recording.rejudge import judge_trace
from cpescript.results import ScenarioResult
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run


def found(result: ScenarioResult) -> Any:
    """What a verdict rests on."""
    claims = [
        (each.span, each.statement, each.verdict, each.message, each.opened, each.closed, each.met, each.missed,
         each.hint,
         [(miss.device, miss.identity, miss.t, miss.expected, miss.actual, miss.messages) for miss in each.misses])
        for each in result.claims
    ]  # fmt: skip
    problems = [(each.whose, each.message, each.span) for each in result.problems]
    return (
        result.title,
        result.verdict,
        result.reason,
        claims,
        problems,
        result.vacuous,
        result.notes,
        result.virtual_ns,
    )


def again(name: str, folder: Path, **options: Any) -> tuple[list[ScenarioResult], list[ScenarioResult]]:
    """Run a scenario, and judge its trace; return both results."""
    trace = folder / "run.jsonl"
    live = run(RunOptions(scenarios=(name,), trace=trace, **{"seed": 7, **options})).scenarios
    bag = Bag()
    path = Path(name) if Path(name).is_file() else libraries.find("scenarios", name)
    assert path is not None
    judged = judge_trace([path], read(trace), {}, False, bag)
    assert not bag.failed, bag.render()
    assert not judged.problem
    return list(live), list(judged.results)


SMALLER = {"firmware_rollout": {"size": "25"}}
"""Parameters that make a scenario quicker and leave its verdict as it is."""


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(libraries.names("scenarios")))
def test_every_scenario_that_ships(name: str, tmp_path: Path) -> None:
    live, judged = again(name, tmp_path, params=SMALLER.get(name, {}))
    assert [found(one) for one in judged] == [found(one) for one in live]


@pytest.mark.slow
@pytest.mark.parametrize("defect", sorted(catalogue()))
def test_every_defect(defect: str, tmp_path: Path) -> None:
    name = catalogue()[defect].caught_by
    live, judged = again(name, tmp_path, defects=(defect,), params=SMALLER.get(name, {}))
    assert live[0].verdict == "failed"
    assert [found(one) for one in judged] == [found(one) for one in live]


SCENARIOS = {
    "values and targets": """
        limit 1d
        spawn 10 of hg100 as fleet over 1m with:
            set Device.DeviceInfo.ProvisioningCode = "P{device.index}"
            label half = "a" if device.index <= 5 else "b"
        wait until each fleet registered within 10m
        let some = 30% of fleet
        reboot fleet where Device.DeviceInfo.ProvisioningCode == "P3"
        set Device.DeviceInfo.ProvisioningCode = "X" on some
        expect InformResponse on each some within 10m
        check Device.DeviceInfo.ProvisioningCode == "X" on each some
        check Device.DeviceInfo.ProvisioningCode == "X" on each fleet where label.half == "a"
        reboot fleet where offline over 10m
        never SPV on fleet where Device.DeviceInfo.ProvisioningCode == "X"
        wait 2h
    """,
    "handlers": """
        spawn 2 of hg100 as fleet
        wait until each fleet registered within 10m
        on every SPV Device.ManagementServer. of fleet[1]:
            answer fault 9003 "no"
        on first Inform of fleet[2]:
            wait 3s
            power-cycle device for 1m
        acs set Device.ManagementServer.PeriodicInformInterval = 600 on fleet
        expect SPV Device.ManagementServer.PeriodicInformInterval = 600 on each fleet within 5m
        expect Device.ManagementServer.PeriodicInformInterval == 600 on each fleet within 5m
    """,
    "orders": """
        spawn 2 of hg100 as fleet
        wait until each fleet registered within 10m
        acs add Device.NAT.PortMapping. on fleet as added
        expect AddObject on each fleet within 5m
        acs set Device.NAT.PortMapping.{added.instance_number}.Enable = true on fleet
        expect Device.NAT.PortMapping.{added.instance_number}.Enable == true on each fleet within 5m
        inject quirk transfer-fault(code: 9018, times: 1) on fleet[1]
        acs reboot fleet
        expect Inform where events contains "M Reboot" on each fleet within 10m
        acs forget fleet
        wait 10m
        acs reboot fleet
    """,
    "a matrix": """
        scenario "some" for many in [1, 3]:
            spawn many of hg100 as fleet
            sometimes count(Inform) >= 3
            expect InformResponse on each fleet within 1m
            note "{many} of them"
    """,
    "cut by the limit": """
        limit 10m
        spawn 1 of hg100 as cpe
        expect Download on cpe within 9m unless SPV Device.NAT.
        finally:
            note "over"
    """,
    "cut while waiting": """
        limit 15m
        spawn 1 of hg100 as cpe
        expect InformResponse on cpe within 1m
        never Download on cpe
        repeat 40:
            inform cpe
            wait 1m
    """,
    "parallel and procedures": """
        param many: int = 3
        secret param key = "sesame99"
        define twice(devices, times: int = 2):
            repeat times:
                inform devices
                expect InformResponse on each devices within 1m
            finally:
                note "done"
        scenario "s":
            spawn many of hg100 as fleet over 1m
            wait until each fleet registered within 10m
            parallel:
                do twice(fleet[1])
                do twice(fleet[2..3], times: 1)
            for d in fleet:
                if d.index == 2:
                    set Device.DeviceInfo.ProvisioningCode = key on d
            check Device.DeviceInfo.ProvisioningCode == "other" on fleet[2]
            expect each fleet online for 1h
            fail "at last"
    """,
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_a_scenario_can_do(name: str, tmp_path: Path) -> None:
    path = tmp_path / "case.cpes"
    path.write_text(textwrap.dedent(SCENARIOS[name]).lstrip("\n"))
    live, judged = again(str(path), tmp_path)
    assert [found(one) for one in judged] == [found(one) for one in live]
    assert {each.verdict for each in live} - {"error"} or name == "orders"


def test_heartbeats_that_are_challenged(tmp_path: Path) -> None:
    path, policy = tmp_path / "case.cpes", tmp_path / "policy.yaml"
    path.write_text(
        "spawn 1 of hg100 as cpe with:\n    set Device.ManagementServer.PeriodicInformInterval = 60\n"
        '    set Device.ManagementServer.Username = "cpe"\n    set Device.ManagementServer.Password = "secret"\n'
        "wait 10m\nexpect FactoryReset on cpe within 10m\n"
    )
    policy.write_text("authentication: {scheme: digest, users: {cpe: secret}}\n")
    live, judged = again(str(path), tmp_path, policy=policy)
    assert [found(one) for one in judged] == [found(one) for one in live]
    *before, last = live[0].claims[0].misses[0].messages
    assert (last.kind, last.t >= 19 * 60 * SECOND) == ("Heartbeats", True)
    assert 401 in [each.status for each in before]


SMALL = "spawn 1 of hg100 as cpe\nexpect InformResponse on cpe within 1m\nexpect SPV on cpe within 5m\n"


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Path]:
    path, trace = tmp_path / "small.cpes", tmp_path / "small.jsonl"
    path.write_text(SMALL)
    run(RunOptions(scenarios=(str(path),), trace=trace, seed=1))
    return path, trace


def command(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(words)
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err


def test_other_claims_on_the_same_traffic(small: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    path, trace = small
    assert command("judge", str(path), "--trace", str(trace), capsys=capsys)[0] == 0
    for claim, status in (("never SPV\n", 1), ("never Download\n", 0)):
        path.write_text(claim + SMALL)
        ended, out, _ = command("judge", str(path), "--trace", str(trace), capsys=capsys)
        assert ended == status, out
        assert "the scenario's text is not the one that the trace was made with" in out


@pytest.mark.parametrize(
    "tail",
    [
        "check no Fault on cpe for 10h",
        "expect Download on cpe within 20h",
        "never Fault\nwait 30h",
        "sometimes Download on cpe\nwait 30h",
        "wait until cpe offline within 1h",
        "expect cpe online for 10h",
        "wait 1h\ncheck count(Download) == 1 on cpe",
        "wait 1h\ncheck cpe online\nfinally:\n    check cpe offline\n    reboot cpe",
    ],
)
def test_what_is_decided_behind_the_end_of_the_trace_is_not_judged(
    tail: str, small: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path, trace = small
    path.write_text(SMALL + tail + "\n")
    status, out, _ = command("judge", str(path), "--trace", str(trace), "--strict", capsys=capsys)
    assert status == 3, out
    assert "inconclusive" in out
    assert "the trace ends at 00:00:00, before the scenario does" in " ".join(out.split())


def test_what_was_missed_before_the_end_of_the_trace_is_missed(
    small: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path, trace = small
    path.write_text("never SPV\n" + SMALL + "wait 30h\n")
    assert command("judge", str(path), "--trace", str(trace), capsys=capsys)[0] == 1


LARGER = """
spawn 3 of hg100 as fleet
expect InformResponse on each fleet within 1m
wait 5m
reboot fleet  # all
expect Inform where events contains "M Reboot" or events contains "1 BOOT" on each fleet within 10m
wait 10m
inform fleet
expect InformResponse on each fleet within 1m
"""


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("reboot fleet ", "reboot fleet[1] ", "line 5, 'reboot fleet[1]' (1 device), is done at 00:05:00; when the "
         "trace was made, it was line 5, 'reboot fleet' (3 devices)"),
        ("reboot fleet  # all\n", "", "line 5, 'reboot fleet' (3 devices), was done at 00:05:00 when the trace was "
         "made, and is not done there now"),
        ("reboot fleet ", "reboot all ", "line 5, 'reboot all' (3 devices), is done at 00:05:00; when the trace was "
         "made, it was line 5, 'reboot fleet' (3 devices)"),
        ("wait 5m", "wait 6m", "line 5, 'reboot fleet' (3 devices), was done at 00:05:00 when"),
        ("wait 5m", "wait 4m", "line 5, 'reboot fleet' (3 devices), is done at 00:04:00; when the trace was made, "
         "nothing was done there"),
        ("wait 5m", "inform fleet[2]\nwait 5m", "line 4, 'inform fleet[2]' (1 device), is done at 00:00:00; when"),
        ("inform fleet\nexpect InformResponse on each fleet within 1m\n", "", "line 8, 'inform fleet' (3 devices), was "
         "done at 00:1"),
        ("spawn 3 of hg100", "wait 1m\nspawn 3 of hg100", "it makes 3 devices of 'fleet' at 00:01:00"),
    ],
)  # fmt: skip
def test_a_step_that_differs_is_named(
    old: str, new: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, trace = tmp_path / "larger.cpes", tmp_path / "larger.jsonl"
    path.write_text(LARGER)
    assert run(RunOptions(scenarios=(str(path),), trace=trace, seed=1)).exit_status == 0
    path.write_text("# claims and comments may be others\nnever Fault\n" + LARGER.replace("# all", "# of them"))
    status, out, _ = command("judge", str(path), "--trace", str(trace), "--strict", capsys=capsys)
    assert status == 0, out
    assert old in LARGER
    path.write_text(LARGER.replace(old, new))
    status, out, _ = command("judge", str(path), "--trace", str(trace), capsys=capsys)
    assert status == 3, out
    assert "the scenario goes another way than the trace" in " ".join(out.split())
    assert why in " ".join(out.split())


def test_a_trace_that_does_not_say_the_statements_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, trace = tmp_path / "larger.cpes", tmp_path / "larger.jsonl"
    path.write_text(LARGER)
    run(RunOptions(scenarios=(str(path),), trace=trace, seed=1))
    trace.write_text(re.sub(r',"statement":"[^"]*"', "", trace.read_text()))
    assert command("judge", str(path), "--trace", str(trace), capsys=capsys)[0] == 0
    path.write_text(LARGER.replace("reboot fleet ", "reboot fleet[1] "))
    status, out, _ = command("judge", str(path), "--trace", str(trace), capsys=capsys)
    assert status == 3, out
    assert "it was line 5, 'reboot' (3 devices)" in " ".join(out.split())


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("spawn 3", "spawn 4", "the trace has 3 devices of 'fleet', line 2 makes 4 of 'fleet'"),
        ("spawn 3", "spawn 2", "the trace has 3 devices of 'fleet', line 2 makes 2 of 'fleet'"),
        ("fleet", "boxes", "the trace has 3 devices of 'fleet' there, line 2 makes 3 of 'boxes'"),
    ],
)
def test_a_trace_of_other_devices_is_refused(
    old: str, new: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, trace = tmp_path / "larger.cpes", tmp_path / "larger.jsonl"
    path.write_text(LARGER)
    run(RunOptions(scenarios=(str(path),), trace=trace, seed=1))
    path.write_text(LARGER.replace(old, new))
    status, _, err = command("judge", str(path), "--trace", str(trace), capsys=capsys)
    assert status == 2
    assert why in err


FOLDER = {
    "lab/one.cpes": """
param size: int = 2
scenario "first" for n in [1, 2]:
    spawn size of hg100 as fleet
    expect InformResponse on each fleet within 1m
    sometimes count(Inform) >= n + 1 across fleet
    check exactly size Inform across fleet
""",
    "lab/two.cpes": """
param need: int
scenario "first at last":
    spawn need of hg100 as fleet
    expect Download on fleet within 1m
""",
}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two files, run twice over; returns the trace."""
    monkeypatch.chdir(tmp_path)
    Path("lab").mkdir()
    for name, text in FOLDER.items():
        Path(name).write_text(text)
    params = {"need": "1", "size": "3"}
    run(RunOptions(scenarios=("lab",), trace=Path("run.jsonl"), seed=1, repeat=2, params=params))
    return Path("run.jsonl")


def test_the_trace_of_a_folder_is_judged_by_the_folder(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = command("judge", "lab", "--trace", str(lab), capsys=capsys)
    verdicts = [line.split(" · ")[0].split(maxsplit=2)[1:] for line in out.splitlines() if " · " in line]
    cases = [["passed", "first [n=1]"], ["passed", "first [n=2]"], ["failed", "first at last"]]
    assert verdicts == [[verdict, f"{title} (run {turn} of 2)"] for turn in (1, 2) for verdict, title in cases]
    assert (status, err) == (1, "")


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["lab", "--only", "first"], 0, "4 passed"),
        (["lab/one.cpes", "--only", "first [n=2]"], 0, "2 passed"),
        (["lab/two.cpes", "lab/one.cpes", "--only", "first at last"], 1, "2 failed"),
        (["lab/one.cpes"], 2, "of 'first at last', and one.cpes has 'first [n=1]', 'first [n=2]': they are matched"),
        (["lab/one.cpes"], 2, "name its file too, or say by --only which to judge"),
        (["lab", "--only", "frist"], 2, "the trace has no scenario of that name: did you mean 'first'?"),
        (["lab", "--param", "need=4"], 2, "the trace has 1 device of 'fleet', line 4 makes 4 of 'fleet'"),
        (["lab", "--param", "sise=4"], 2, "none of these files has a param 'sise'"),
        (["lab/one.cpes", "--only", "first", "--param", "sise=4"], 2, "no param is called 'sise'"),
        (["labb"], 2, "there is no scenario 'labb'"),
    ],
)
def test_what_of_a_trace_is_judged(
    lab: Path, words: list[str], status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended, out, err = command("judge", *words, "--trace", str(lab), capsys=capsys)
    assert (ended, told in out + err) == (status, True), out + err


def test_a_sometimes_of_one_repetition_says_nothing_of_another(tmp_path: Path) -> None:
    path = tmp_path / "s.cpes"
    path.write_text(
        'param lucky: bool\nscenario "luck" for n in [1, 2]:\n    spawn 1 of hg100 as fleet\n'
        "    sometimes count(Inform) >= 2 across fleet\n    wait 1m\n"
        "    if n == 2 and lucky:\n        inform fleet\n    wait 1m\n"
    )
    parts = []
    for turn, lucky in ((1, "true"), (2, "false")):
        trace = tmp_path / f"{lucky}.jsonl"
        options = RunOptions(scenarios=(str(path),), trace=trace, seed=1, repeat=2, params={"lucky": lucky})
        assert len({each.verdict for each in run(options).scenarios}) == 1
        parts += [line for line in trace.read_text().splitlines(keepends=True) if f"(run {turn} of 2)" in line]
    (tmp_path / "both.jsonl").write_text("".join(parts))
    judged = judge_trace([path], read(tmp_path / "both.jsonl"), {}, False, Bag())
    assert [each.verdict for each in judged.results] == ["passed", "passed", "failed", "failed"]


def test_a_trace_that_breaks_off_is_inconclusive(small: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    path, trace = small
    lines = trace.read_text().splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if '"SetParameterValues"' in line)
    trace.write_text("".join(lines[:place]) + lines[place][:20])
    status, out, _ = command("judge", str(path), "--trace", str(trace), capsys=capsys)
    assert status == 3
    told = " ".join(out.split())
    assert (
        "the trace ends before the scenario does: its run was killed, or wrote no 'end', as older versions do" in told
    )


def test_a_run_that_never_began_is_the_same_error_again(tmp_path: Path) -> None:
    path = tmp_path / "s.cpes"
    path.write_text("spawn 1 of hg100 as cpe\nacs reboot cpe\nexpect Reboot on cpe within 1m\n")
    nobody = {"acs": "http://127.0.0.1:9/", "adapter": "cpescript", "north": "http://127.0.0.1:9"}
    live, judged = again(str(path), tmp_path, **nobody)
    assert live[0].verdict == "error"
    assert [found(one) for one in judged] == [found(one) for one in live]


def test_an_adapter_that_got_no_answer_is_the_same_error_again(tmp_path: Path) -> None:
    (tmp_path / "portal.yaml").write_text("url: http://127.0.0.1:9\ncalls: {status: {path: /status}}\n")
    path = tmp_path / "s.cpes"
    path.write_text(
        'acs portal = "portal.yaml"\nspawn 1 of hg100 as cpe\nexpect InformResponse on cpe within 1m\n'
        "portal call status()\nexpect Reboot on cpe within 1m\n"
    )
    live, judged = again(str(path), tmp_path)
    assert live[0].verdict == "error"
    assert "127.0.0.1:9" in live[0].problems[0].message
    assert [found(one) for one in judged] == [found(one) for one in live]
    assert not any("another way" in remark for remark in judged[0].remarks)


def test_a_trace_of_another_scenario(small: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    _, trace = small
    status, _, err = command("judge", "periodic_inform", "--trace", str(trace), capsys=capsys)
    assert status == 2
    assert "the trace is of 'small'" in err
    assert "matched by their titles" in err


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the trace is empty"),
        ("hello\n", ":1: no JSON"),
        ('{"t": 1}\n', ":1: a trace begins with a header"),
        ('{"schema": "cpescript-trace/9", "start": "2026-01-01T00:00:00Z", "scenario": "x"}\n', "is read"),
        ('{"schema": "cpescript-trace/1"}\n', ":1: no record"),
        ("[" * 100_000 + "\n", ":1: no JSON"),
    ],
)
def test_what_is_no_trace(text: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "x.jsonl"
    trace.write_text(text)
    status, _, err = command("judge", "periodic_inform", "--trace", str(trace), capsys=capsys)
    assert status == 2
    assert why in err


def test_a_broken_record_names_its_line(small: tuple[Path, Path]) -> None:
    _, trace = small
    lines = trace.read_text().splitlines(keepends=True)
    for wrong in ({"direction": "up"}, {"t": -1}, {"kind": None, "n": "x"}, {"http": 3}):
        record = {**json.loads(lines[3]), **wrong}
        trace.write_text("".join([*lines[:3], json.dumps(record) + "\n", *lines[4:]]))
        with pytest.raises(TraceError, match=r"small\.jsonl:4: no record"):
            list(read(trace))
