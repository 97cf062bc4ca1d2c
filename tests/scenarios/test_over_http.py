"""The scenarios that ship, against the reference ACS on real HTTP and TLS: claim for claim the verdicts that loopback
gives."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import pytest

from cpescript import libraries
from cpescript.runner.config import with_target
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from cpescript.transport import authority

AT_MOST = {"optical_flap": 1, "periodic_inform": 10, "scheduled_download": 5, "spv_faults": 2}
"""Devices a cohort of those whose whole fleets would take seconds: what is compared is the way, not the crowd."""


@contextmanager
def serving(*words):
    """Serve the reference ACS in a process of its own; yield its URL and that of its north side."""
    command = [sys.executable, "-m", "cpescript", "acs", "serve", "--port", "0", "--north-port", "0", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        announced = process.stdout.readline().split()
        acs, north = (word.rstrip(",") for word in announced if word.startswith("http"))
        try:
            yield acs, north
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.fixture(scope="module")
def http():
    with serving() as (acs, north):
        yield RunOptions(scenarios=(), acs=acs, adapter="cpescript", north=north)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """The same with TLS and client certificates, as a target of a cpescript.toml."""
    lab = tmp_path_factory.mktemp("lab")
    authority.new(lab)
    authority.server(lab, ["127.0.0.1"])
    with serving("--tls-cert", str(lab / "127.0.0.1.pem"), "--tls-client-ca", str(lab / "ca.pem")) as (acs, north):
        (lab / "cpescript.toml").write_text(
            f'[acs.lab]\nurl = "{acs}"\nadapter = "cpescript"\nnorth = "{north}"\n'
            'cwmp_tls_ca = "ca.pem"\ncwmp_client_certs = "."\n'
        )
        options = with_target(RunOptions(scenarios=(), acs="lab"), lab)
        assert options.acs.startswith("https://")
        yield options


def told(name, options=None, **more):
    """What a run says of each case and claim."""
    options = replace(
        options or RunOptions(scenarios=()), scenarios=(name,), seed=42, at_most=AT_MOST.get(name), **more
    )
    result = run(options)
    return [
        (case.title, case.verdict, case.vacuous, [(claim.span.line, claim.verdict, claim.met) for claim in case.claims])
        for case in result.scenarios
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(libraries.names("scenarios")))
def test_a_scenario_is_judged_the_same_over_http(name, http):
    here = told(name)
    assert {verdict for _, verdict, _, _ in here} == {"passed"}
    assert told(name, http) == here


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
def test_an_acs_that_is_wrong_is_found_the_same_over_http(name, defect, http):
    here = told(name, defects=(defect,))
    assert {verdict for _, verdict, _, _ in here} == {"failed"}
    assert told(name, http, defects=(defect,)) == here


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bootstrap_provisioning", "connection_request", "diagnostics", "software_modules"])
def test_and_over_tls_with_certificates_on_both_sides(name, tls):
    assert told(name, tls) == told(name)
