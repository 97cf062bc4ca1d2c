"""The scenarios that ship, against the reference ACS on real HTTP: claim for claim the verdicts that loopback gives."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from cpescript import libraries
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run

AT_MOST = {"optical_flap": 1, "periodic_inform": 10, "scheduled_download": 5, "spv_faults": 2}
"""Devices of those whose whole fleets would take seconds: what is compared is the way, not the crowd."""


@pytest.fixture(scope="module")
def served():
    """Serve the reference ACS in a process of its own; give the options of a run against it."""
    command = [sys.executable, "-m", "cpescript", "acs", "serve", "--port", "0", "--north-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        acs, north = (word.rstrip(",") for word in words if word.startswith("http://"))
        try:
            yield {"acs": acs, "adapter": "cpescript", "north": north}
        finally:
            process.send_signal(signal.SIGTERM)


def told(name, **options):
    """What a run says of each case and claim."""
    result = run(RunOptions(scenarios=(name,), seed=42, at_most=AT_MOST.get(name), **options))
    return [
        (case.title, case.verdict, case.vacuous, [(claim.span.line, claim.verdict, claim.met) for claim in case.claims])
        for case in result.scenarios
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(libraries.names("scenarios")))
def test_a_scenario_is_judged_the_same_over_http(name, served):
    here = told(name)
    assert {verdict for _, verdict, _, _ in here} == {"passed"}
    assert told(name, **served) == here


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("connection_request", "drops-connection-request"),
        ("factory_reset", "no-factory-reprovision"),
        ("object_lifecycle", "deletes-wrong-instance"),
        ("value_change", "acts-on-old-value"),
    ],
)
def test_an_acs_that_is_wrong_is_found_the_same_over_http(name, defect, served):
    here = told(name, defects=(defect,))
    assert {verdict for _, verdict, _, _ in here} == {"failed"}
    assert told(name, defects=(defect,), **served) == here
