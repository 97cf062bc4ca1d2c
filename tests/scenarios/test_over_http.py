"""The scenarios that ship, over real HTTP against `cpescript acs serve`: the same verdicts as on loopback."""

import re
import subprocess
import sys

import pytest

from cpescript import libraries
from cpescript.acs.defects import catalogue
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run

ANNOUNCED = re.compile(r"CWMP at (http://\S+), north side at (http://\S+)")


@pytest.fixture(scope="module")
def served():
    """Start an ACS on ports of its own; return its two URLs."""
    command = [sys.executable, "-m", "cpescript", "acs", "serve", "--port", "0", "--north-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            announced = ANNOUNCED.search(process.stdout.readline())
            assert announced is not None
            yield announced[1], announced[2]
        finally:
            process.terminate()
            process.stdout.read()


def play(name, served, **options):
    acs, north = served
    result = run(RunOptions(scenarios=(name,), acs=acs, adapter="cpescript", north=north, **options))
    return result.scenarios[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(libraries.names("scenarios")))
def test_the_verdict_is_the_same_as_on_loopback(name, served):
    scenario = play(name, served, strict=True)
    assert (scenario.verdict, scenario.reason, scenario.problems) == ("passed", "", ())
    assert {"Inform", "Empty"} <= {latency.kind for latency in scenario.latencies}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["ignores-concurrency", "forgets-bootstrap", "wrong-id", "drops-connection-request", "repeats-faulted-set"]
)
def test_a_defect_is_caught_all_the_same(name, served):
    scenario = play(catalogue()[name].caught_by, served, defects=(name,))
    assert scenario.verdict == "failed"
    assert scenario.claims


@pytest.mark.slow
def test_a_strict_window_gives_the_same_verdict(served):
    assert play("bootstrap_provisioning", served, window_ns=0).verdict == "passed"
