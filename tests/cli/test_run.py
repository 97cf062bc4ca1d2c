"""`cpescript run`: options to a run, a run to reports, streams and an exit status. The run itself is another's."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from cpescript.diagnostics import Bag, Span
from cpescript.kernel.time import SECOND
from cpescript.report import terminal
from cpescript.results import MessageLine, RunResult
from cpescript.runner.options import RunOptions
from cpescript.runner.run import UsageError
from tests.report import samples

ONE = replace(samples.RUN, scenarios=(replace(samples.FAILED, case={}),), exit_status=1)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[RunOptions]:
    """Replace the runner by one that finds the sample's failure; return what it was asked."""
    found: list[RunOptions] = []
    monkeypatch.setattr("cpescript.runner.run.run", lambda options, warned: answer(found, options, ONE))
    return found


def answer(found: list[RunOptions], options: RunOptions, result: RunResult) -> RunResult:
    found.append(options)
    for scenario in result.scenarios:
        options.observer.started(scenario.title, scenario.file)
        options.observer.finished(scenario)
    return result


def test_the_report_goes_to_standard_output_and_decides_the_status(cpescript, asked):
    assert cpescript("run", "x.cpes") == (1, terminal.render(ONE), "")


def test_what_is_given_reaches_the_run(cpescript, asked, tmp_path):
    params = tmp_path / "params.yaml"
    params.write_text("size: 6\n")
    cpescript(
        *("run", "a.cpes", "b", "--seed", 7, "--param", "size=5", "--param", "name=a=b", "--params", params),
        *("--acs", "http://192.0.2.7/", "--adapter", "cpescript", "--north", "http://192.0.2.7:7557"),
        *("--defect", "no-retry", "--defect", "wrong-interval", "--serial-prefix", "T-", "--yes", "--strict"),
        *("--window", "0", "--in-flight", 5, "--patience", "90s", "--real-limit", "2m", "-vv", "--follow", "fleet[1]"),
        *("--session-gap", "50ms"),
    )
    [options] = asked
    assert options.scenarios == ("a.cpes", "b")
    assert options.seed == 7
    assert options.params == {"size": "5", "name": "a=b"}
    assert options.params_file == {"size": "6"}
    assert (options.acs, options.adapter, options.north) == ("http://192.0.2.7/", "cpescript", "http://192.0.2.7:7557")
    assert options.defects == ("no-retry", "wrong-interval")
    assert (options.serial_prefix, options.yes, options.strict) == ("T-", True, True)
    assert (options.window_ns, options.in_flight, options.patience_ns) == (0, 5, 90 * SECOND)
    assert options.session_gap_ns == 50_000_000
    assert (options.real_limit_s, options.verbose, options.follow) == (120.0, 2, "fleet[1]")
    assert options.environment == dict(os.environ)


def test_what_is_not_given_is_as_the_options_have_it(cpescript, asked):
    cpescript("run", "x.cpes")
    [options] = asked
    plain = RunOptions(scenarios=("x.cpes",), environment=dict(os.environ))
    for name in RunOptions.__slots__:
        if name not in ("observer", "interrupted", "last_run"):
            assert getattr(options, name) == getattr(plain, name), name


def test_the_command_that_repeats_it_has_what_matters_and_no_more(cpescript, asked, tmp_path):
    cpescript(
        *("run", "x.cpes", "--seed", 7, "--param", "name=two words", "--defect", "no-retry", "--strict"),
        *("--report-html", tmp_path / "x.html", "-v", "--window", "2s", "--colour", "never"),
    )
    [options] = asked
    words = ["--param", "name=two words", "--strict", "--defect", "no-retry", "--window", "2s"]
    assert shlex.split(options.rerun) == words


def test_every_report_is_written(cpescript, asked, tmp_path):
    junit, document, page = tmp_path / "a" / "r.xml", tmp_path / "r.json", tmp_path / "r.html"
    cpescript("run", "x", "--report-junit", junit, "--report-json", document, "--report-html", page)
    assert etree.parse(junit).getroot().get("failures") == "1"
    assert json.loads(document.read_text())["exit_status"] == 1
    assert page.read_text().startswith("<!doctype html>")


def test_the_digest_is_all_that_standard_output_holds(cpescript, monkeypatch):
    result = replace(ONE, scenarios=(samples.PASSED,), exit_status=0)
    monkeypatch.setattr("cpescript.runner.run.run", lambda options, warned: answer([], options, result))
    status, out, err = cpescript("run", "x", "--trace-digest")
    assert (status, out) == (0, f"{samples.PASSED.trace_digest}\n")
    assert err == terminal.render(result)


def test_what_does_not_check_is_shown_and_nothing_runs(cpescript, monkeypatch):
    bag = Bag(sources={"x.cpes": "reboot flet\n"})
    bag.error(Span("x.cpes", 1, 8, 1, 12), "unknown-name", "nothing is called 'flet'", "did you mean 'fleet'?")

    def refuse(options: RunOptions, warned: object) -> RunResult:
        raise UsageError("nothing was run", bag=bag)

    monkeypatch.setattr("cpescript.runner.run.run", refuse)
    status, out, err = cpescript("run", "x.cpes")
    assert (status, out) == (2, "")
    assert err == f"{bag.render()}\nerror: nothing was run\n"


def test_each_case_is_shown_as_it_ends_but_a_matrix_waits_for_its_last(cpescript, monkeypatch, capsys):
    shown = []

    def run(options: RunOptions, warned: object) -> RunResult:
        for scenario in (samples.ERROR, samples.PASSED, samples.XPASSED):
            options.observer.finished(scenario)
            shown.append(capsys.readouterr().out)
        return replace(samples.RUN, scenarios=(samples.ERROR, samples.PASSED, samples.XPASSED))

    monkeypatch.setattr("cpescript.runner.run.run", run)
    rest = cpescript("run", "x").out
    assert shown == [terminal.render_scenario(samples.ERROR), "", ""]
    assert rest.startswith(terminal.render_scenario(samples.PASSED) + terminal.render_scenario(samples.XPASSED))


def test_statements_and_messages_are_shown_as_they_go_by(cpescript, monkeypatch):
    def run(options: RunOptions, warned: object) -> RunResult:
        options.observer.step(90 * SECOND, 12, "    reboot fleet")
        options.observer.message("fleet[3]", MessageLine(91 * SECOND, 4, "to-acs", "Inform", "Inform 1 BOOT"))
        return replace(ONE, scenarios=())

    monkeypatch.setattr("cpescript.runner.run.run", run)
    lines = cpescript("run", "x", "-v", "--follow", "fleet[3]").out.splitlines()
    assert lines[0].split() == ["00:01:30", "line", "12", "reboot", "fleet"]
    assert lines[1].split() == ["fleet[3]", "00:01:31", "#4", "→", "Inform", "1", "BOOT"]


@pytest.mark.parametrize(
    ("choice", "environment", "coloured"),
    [("auto", {}, False), ("always", {"NO_COLOR": "1"}, True), ("never", {}, False)],
)
def test_colour_is_for_terminals_or_on_request(cpescript, asked, monkeypatch, choice, environment, coloured):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in cpescript("run", "x", "--colour", choice).out) is coloured


@pytest.mark.slow
def test_a_reader_that_has_gone_changes_neither_reports_nor_status(tmp_path):
    script = tmp_path / "fake.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "from tests.cli.test_run import ONE, answer\n"
        "from dataclasses import replace\n"
        "import cpescript.runner.run as runner\n"
        "many = replace(ONE, scenarios=ONE.scenarios * 500, exit_status=3)\n"
        "runner.run = lambda options, warned: answer([], options, many)\n"
        "from cpescript import cli\n"
        "cli.main(['run', 'x', '--report-junit', sys.argv[1]])\n"
    )
    report = tmp_path / "r.xml"
    line = f"{sys.executable} {script} {report} | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (3, "")
    assert etree.parse(report).getroot().get("tests") == "500"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_still_writes_its_reports(tmp_path, number):
    scenario, trace, report = tmp_path / "x.cpes", tmp_path / "x.jsonl", tmp_path / "r.json"
    scenario.write_text("spawn 100 of hg100 as cpe\nwait 6d\nexpect InformResponse on each cpe within 1h\n")
    command = [sys.executable, "-m", "cpescript", "run", scenario, "--trace", trace, "--report-json", report]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment) as process:
        while not (trace.exists() and trace.stat().st_size):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        try:
            out, _ = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "interrupted" in out.splitlines()[-1]
    result = json.loads(report.read_text())
    assert (result["interrupted"], result["scenarios"][0]["verdict"]) == (True, "inconclusive")
