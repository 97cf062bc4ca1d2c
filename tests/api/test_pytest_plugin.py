"""The plugin in pytest runs of its own: what is collected, how it ends, what it shows, and what it leaves alone."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from cpescript.acs.server import Acs
from cpescript.transport.acs_service import AcsService
from tests.adapters.serving import on_a_loop

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = any(point.value == "cpescript.pytest_plugin" for point in entry_points(group="pytest11"))

SCENARIOS = """
param claim = "InformResponse"

scenario "passes":
    tags quick-one
    spawn 1 of hg100 as fleet
    expect InformResponse on fleet within 1m

scenario "fails" for n in [1, 2]:
    spawn n of hg100 as fleet
    expect Download on fleet within 1m

scenario "later":
    skip "no lab"
    spawn 1 of hg100 as fleet
    expect InformResponse on fleet within 1m

scenario "known":
    expected to fail "since ever"
    spawn 1 of hg100 as fleet
    expect Download on fleet within 1m

scenario "better":
    expected to fail "since ever"
    spawn 1 of hg100 as fleet
    expect InformResponse on fleet within 1m

scenario "breaks":
    spawn 1 of hg100 as fleet
    wait until Download on fleet within 1m

scenario "of all cases" for n in [1, 3]:
    spawn n of hg100 as fleet
    sometimes count(Inform) >= 3 across fleet
    expect InformResponse on each fleet within 1m
"""


class Outcome:
    """How a run of pytest ended, what it printed, and the outcome of each test by its name."""

    def __init__(self, done):
        self.status, self.text = done.returncode, done.stdout + done.stderr
        self.tests = {}
        for line in self.text.splitlines():
            rest = line.partition("::")[2]
            for word in ("PASSED", "FAILED", "SKIPPED", "XFAIL", "ERROR"):
                if rest and f" {word}" in rest and not line.startswith(("FAILED", "ERROR", "SKIPPED", "XFAIL")):
                    self.tests[rest.partition(f" {word}")[0]] = word


@pytest.fixture
def pytest_run(tmp_path):
    def start(*arguments, plugin=True, **more):
        load = [] if INSTALLED or not plugin else ["-p", "cpescript.pytest_plugin"]
        load += ["-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", "-v", *load, *map(str, arguments)]
        environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **more}
        return Outcome(
            subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        )

    return start


@pytest.fixture
def library(tmp_path):
    (tmp_path / "lib.cpes").write_text(SCENARIOS)
    return tmp_path


OUTCOMES = {
    "passes": "PASSED",
    "fails [n=1]": "FAILED",
    "fails [n=2]": "FAILED",
    "later": "SKIPPED",
    "known": "XFAIL",
    "better": "FAILED",
    "breaks": "ERROR",
    "of all cases [n=1]": "PASSED",
    "of all cases [n=3]": "PASSED",
}


def test_each_case_is_a_test_and_ends_as_its_verdict_says(library, pytest_run):
    found = pytest_run(library, "--strict-markers", "--seed", 5)
    assert found.tests == OUTCOMES
    assert found.status == 1
    assert "0 of 1 device met it within 1m" in found.text
    assert "run it again: cpescript run lib.cpes --seed 5 --only 'fails [n=1]'" in found.text
    assert "passed, though expected to fail: since ever" in found.text
    assert "the precondition did not come true" in found.text
    assert "pytest_plugin.py" not in found.text, "the report is the scenario's, not ours"


def test_with_xdist_it_is_the_same(library, pytest_run):
    found = pytest_run(library, "-n", 2, "--seed", 5)
    ended = {}
    for line in found.text.splitlines():
        if line.startswith("[gw"):
            word, _, name = line.partition("] ")[2].partition("] ")[2].partition(" ")
            ended[name.partition("::")[2].strip()] = word
    assert {name: ended[name] for name in OUTCOMES} == OUTCOMES, found.text


def test_what_failed_is_run_again_and_named_by_its_id(tmp_path, pytest_run):
    """Brackets and colons of a title are part of a name here, and part of an id to pytest."""
    titles = ["wifi [5 GHz]", "a::b", "all is well"]
    text = 'scenario "three" for n in [1, 2]:\n    spawn n of hg100 as cpe\n    expect each cpe registered within 1m\n'
    text += "    if n == 2:\n        expect Download on cpe within 1m\n"
    for title in titles:
        kind = "InformResponse" if title == titles[-1] else "Download"
        text += f'scenario "{title}":\n    spawn 1 of hg100 as cpe\n    expect {kind} on cpe within 1m\n'
    (tmp_path / "lib.cpes").write_text(text)
    failed = {"three [n=2]": "FAILED", "wifi [5 GHz]": "FAILED", "a:b": "FAILED"}
    found = pytest_run("-p", "cacheprovider")
    assert found.tests == {**failed, "three [n=1]": "PASSED", "all is well": "PASSED"}
    assert pytest_run("-p", "cacheprovider", "--lf").tests == failed
    assert pytest_run(*(f"lib.cpes::{name}" for name in failed)).tests == failed


def test_words_and_tags_select(library, pytest_run):
    assert set(pytest_run(library, "-k", "fails").tests) == {"fails [n=1]", "fails [n=2]"}
    assert set(pytest_run(library, "-m", "quick-one").tests) == {"passes"}


def test_params_reach_the_files_that_declare_them(library, pytest_run):
    (library / "other.cpes").write_text(
        'param size: int = 1\nspawn size of hg100 as fleet\nif size == 3:\n    fail "three"\nexpect elapsed < 1h\n'
    )
    found = pytest_run(library, "--param", "size=3", "-k", "other or passes")
    assert found.tests == {"passes": "PASSED", "other": "FAILED"}
    wrong = pytest_run(library, "--param", "sise=3")
    assert wrong.status == 4
    assert "none of these files has a param 'sise'" in wrong.text


def test_a_param_of_the_environment_that_nobody_has_is_told_once(library, pytest_run):
    arguments = ("-k", "passes", "-W", "default")
    told = "no scenario of this run has a param 'clain'"
    alone = pytest_run(library, *arguments, CPES_PARAM_clain="Inform", CPES_PARAM_claim="Inform")
    assert alone.status == 0
    assert alone.text.count(told) == 1
    assert "did you mean 'claim'?" in alone.text
    assert pytest_run(library, *arguments, "-n", 2, CPES_PARAM_clain="Inform").text.count(told) == 1
    assert "has a param" not in pytest_run(library, *arguments, CPES_PARAM_claim="Inform").text


def test_a_file_that_does_not_check_is_an_error_of_collection(tmp_path, pytest_run):
    (tmp_path / "bad.cpes").write_text("spwan 1 of hg100 as fleet\n")
    found = pytest_run(tmp_path)
    assert found.status == 2
    assert "did you mean 'spawn'?" in found.text
    assert "Traceback" not in found.text


PYTHON = """
import pytest

def test_passes(simulation):
    fleet = simulation.spawn(2, "hg100", as_="fleet")
    simulation.expect("InformResponse", on=fleet, within="1m")

@pytest.mark.cpescript(defects=["wrong-interval"], seed=9)
def test_finds_a_defect(simulation):
    assert simulation.seed == 9
    fleet = simulation.spawn(1, "hg100", as_="fleet")
    simulation.expect("Device.ManagementServer.PeriodicInformInterval == 300", on=fleet, within="5m")

def test_misses_softly(simulation):
    fleet = simulation.spawn(1, "hg100", as_="fleet")
    simulation.check("Download", on=fleet, within="1m")

def test_fails_by_itself(simulation):
    simulation.spawn(1, "hg100", as_="fleet")
    assert simulation.now == 5
"""


def test_the_fixture_fails_the_test_that_missed_something(tmp_path, pytest_run):
    (tmp_path / "test_acs.py").write_text(PYTHON)
    found = pytest_run(tmp_path, "--strict-markers")
    assert found.tests == {
        "test_passes": "PASSED",
        "test_finds_a_defect": "FAILED",
        "test_misses_softly": "FAILED",
        "test_fails_by_itself": "FAILED",
    }
    assert "seed 9: repeat it with --cpes-seed 9" in found.text
    assert "check Download on fleet within 1m" in found.text
    assert "cpescript/api.py" not in found.text, "the line that is shown is the test's"


SLIPS = """
import pytest

@pytest.mark.cpescript(sed=7)
def test_a_setting_that_there_is_not(simulation):
    pass

@pytest.mark.cpescript(7)
def test_a_setting_without_a_name(simulation):
    pass

def test_a_time_without_a_unit(simulation):
    simulation.expect("Inform", within=60)
"""


STRICT = """
def test_claims_of_nobody(simulation):
    fleet = simulation.spawn(1, "hg100", as_="fleet")
    simulation.never("Download", on="fleet where offline")
    simulation.advance("1m")
"""


def test_the_fixture_is_strict_where_asked(tmp_path, pytest_run):
    (tmp_path / "test_strict.py").write_text(STRICT)
    assert pytest_run(tmp_path).tests == {"test_claims_of_nobody": "PASSED"}
    strict = pytest_run(tmp_path, "--cpes-strict")
    assert strict.tests == {"test_claims_of_nobody": "FAILED"}
    assert "no device was ever one that this 'never' speaks of" in strict.text


def test_slips_of_the_pen_are_told_in_the_summary_too(tmp_path, pytest_run):
    (tmp_path / "test_slips.py").write_text(SLIPS)
    found = pytest_run(tmp_path)
    assert "the marker 'cpescript' takes no 'sed': did you mean 'seed'?" in found.text
    assert "the marker 'cpescript' takes its settings by name, as in seed=7, not (7,)" in found.text
    assert 'a length of time has a unit: "60s" or a timedelta, not 60' in found.text


def test_a_scenario_says_why_it_failed_and_how_to_run_it_again(library, pytest_run):
    words = ["--acs", "embedded", "--cpes-serial-prefix", "A B", "--param", "claim=Inform", "--cpes-strict"]
    text = pytest_run(library, "-k", "breaks or fails", "--seed", 5, *words).text
    told = "--acs embedded --param claim=Inform --serial-prefix 'A B' --strict"
    assert f"run it again: cpescript run lib.cpes --seed 5 --only 'fails [n=2]' {told}\n" in text
    summary = text.partition("short test summary info")[2]
    assert "FAILED lib.cpes::fails [n=1] - line 11: 0 of 1" in summary
    assert "ERROR lib.cpes::breaks - the precondition did not" in summary


WORKER = """
def pytest_configure(config):
    config.workerinput = {"workerid": "gw7"}  # As xdist has it.
"""


def test_workers_at_one_acs_have_devices_of_their_own(library, pytest_run):
    service = AcsService(Acs())

    async def start(stack):
        return await service.start("127.0.0.1", 0, 0, stack)

    (library / "conftest.py").write_text(WORKER)
    (library / "test_sim.py").write_text("def test_sim(simulation):\n    simulation.spawn(1, 'hg100', as_='cpe')\n")
    with on_a_loop(start) as (port, north):
        words = ["-p", "no:xdist", "--acs", f"http://127.0.0.1:{port}/", "-k", "passes or sim"]
        found = pytest_run(library, *words)
        north = f"http://127.0.0.1:{north}"
        driven = pytest_run(library, *words, "--cpes-north", north, "--continue-on-collection-errors")
    assert found.tests == {"passes": "PASSED", "test_sim": "PASSED"}
    assert [key.serial for key in service.acs.records] == ["gw7-HG00000001"]
    assert driven.tests == {"test_sim": "ERROR"}
    assert driven.text.count("cases side by side cannot share one ACS by the adapter 'cpescript'") >= 2
    assert "leave out -n" in driven.text


def test_who_has_such_options_of_his_own_keeps_them(library, pytest_run):
    (library / "conftest.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--seed', default='theirs')\n"
        "def pytest_configure(config):\n    print('SEED', config.getoption('--seed'))\n"
    )
    found = pytest_run(library, "-k", "passes", "-s", "--seed", "mine", "--cpes-seed", 5)
    assert found.tests == {"passes": "PASSED"}
    assert "SEED mine" in found.text


def test_a_run_without_scenarios_pays_for_nothing(tmp_path, pytest_run):
    (tmp_path / "test_other.py").write_text(
        "import sys\n\ndef test_it():\n"
        "    loaded = {name for name in sys.modules if name.startswith('cpescript.')}\n"
        "    assert loaded <= {'cpescript.pytest_plugin'}\n"
    )
    assert pytest_run(tmp_path).tests == {"test_it": "PASSED"}


def test_the_entry_point_names_the_plugin():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"cpescript": "cpescript.pytest_plugin"}
