"""The scenarios that ship: they pass on the clean reference ACS, fail under each deliberate defect where they should,
and give the same trace whatever the process, the hash seed and the wall clock are."""

import os
import subprocess
import sys

import pytest
from freezegun import freeze_time

from cpescript import libraries
from cpescript.acs.defects import catalogue
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run

SCENARIOS = sorted(libraries.names("scenarios"))

LINES = {
    "forgets-transfer-complete": [31],
    "ignores-concurrency": [26],
    "no-retry": [36],
    "retries-forever": [37],
    "redownloads-updated": [44, 27],
    "skips-verification": [31],
    "forgets-bootstrap": [16],
    "provisions-every-boot": [25],
    "wrong-interval": [16],
    "shared-credentials": [22],
    "wrong-id": [22, 17],
    "polls-periodically": [19],
    "ignores-value-change": [21, 22, 23, 25, 29, 30, 32],
    "acts-on-old-value": [22, 23, 25, 30, 32],
    "drops-connection-request": [18, 19, 20, 23, 24],
    "forgets-unreachable": [32],
    "forgets-credentials": [19, 20, 23, 24],
    "no-factory-reprovision": [19],
    "guesses-instance-number": [21, 22, 23, 32],
    "deletes-wrong-instance": [28],
    "ends-session-early": [21, 22],
    "repeats-faulted-set": [29],
    "gives-up-on-fault": [27],
    "breaks-off-on-fault": [20],
}
"""Which lines of its scenario are missed under each defect, and no others."""

KIN = {
    # Who was never given credentials cannot be called, and provisioning is what many scenarios see.
    "forgets-bootstrap": {
        "cellular_apn",
        "channel_lineup",
        "connection_request",
        "diagnostics",
        "factory_reset",
        "femto_site",
        "firmware_rollout",
        "mesh_ssid",
        "object_lifecycle",
        "optical_flap",
        "pppoe_credentials",
        "scheduled_download",
        "software_modules",
        "spv_faults",
        "voice_line",
    },
    "forgets-transfer-complete": {"channel_lineup", "scheduled_download"},
    "wrong-interval": {"factory_reset", "firmware_rollout"},
    # A periodic session that fails is retried, and what was to be said in it is late.
    "wrong-id": {
        "bootstrap_provisioning",
        "cellular_apn",
        "firmware_rollout",
        "object_lifecycle",
        "optical_flap",
        "scheduled_download",
        "software_modules",
        "spv_faults",
        "value_change",
    },
    # Orders that go by connection request come late or never.
    "drops-connection-request": {
        "cellular_apn",
        "factory_reset",
        "mesh_ssid",
        "object_lifecycle",
        "optical_flap",
        "pppoe_credentials",
        "spv_faults",
        "voice_line",
    },
    "forgets-credentials": {
        "cellular_apn",
        "factory_reset",
        "mesh_ssid",
        "object_lifecycle",
        "optical_flap",
        "pppoe_credentials",
        "spv_faults",
        "voice_line",
    },
    "ends-session-early": {"femto_site"},
    "forgets-unreachable": {"channel_lineup"},
    "ignores-value-change": {"femto_site", "optical_flap"},
    "no-factory-reprovision": {"femto_site"},
    "provisions-every-boot": {"pppoe_credentials"},
}
"""Other scenarios that fail under a defect, because they owe the same thing; all the rest pass."""


SMALLER = {
    "firmware_rollout": {"params": {"size": "40"}},
    "periodic_inform": {"at_most": 10},
    "scheduled_download": {"at_most": 5},
    "spv_faults": {"at_most": 5},
}
"""How scenarios are cut down where only their verdict counts."""


def play(name, **options):
    result = run(RunOptions(scenarios=(name,), **options))
    return result, result.scenarios[0]


def test_all_of_them_are_here():
    assert SCENARIOS == [
        "bootstrap_provisioning",
        "cellular_apn",
        "channel_lineup",
        "connection_request",
        "diagnostics",
        "factory_reset",
        "femto_site",
        "firmware_rollout",
        "mesh_ssid",
        "object_lifecycle",
        "optical_flap",
        "periodic_inform",
        "pppoe_credentials",
        "scheduled_download",
        "software_modules",
        "spv_faults",
        "value_change",
        "voice_line",
    ]


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_passes_on_the_clean_acs_and_nothing_in_it_is_vacuous(name):
    result, scenario = play(name, strict=True)
    assert (scenario.verdict, scenario.reason, scenario.vacuous) == ("passed", "", ())
    assert result.exit_status == 0
    assert scenario.docstring, "a scenario that ships says what an ACS owes"


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_the_defect_is_caught_by_its_scenario_on_its_line(name):
    defect = catalogue()[name]
    result, scenario = play(defect.caught_by, defects=(name,))
    assert scenario.verdict == "failed", scenario.reason
    assert result.exit_status == 1
    missed = [claim for claim in scenario.claims if claim.verdict == "missed"]
    assert [claim.span.line for claim in missed] == LINES[name]
    for claim in missed:
        assert claim.missed > 0
        assert claim.misses[0].identity
        assert claim.misses[0].actual
        assert claim.misses[0].messages


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(catalogue()))
def test_no_defect_breaks_more_than_its_kin(name):
    verdicts = {other: play(other, defects=(name,), **SMALLER.get(other, {}))[1].verdict for other in SCENARIOS}
    broken = {other for other, verdict in verdicts.items() if verdict != "passed"}
    assert broken == {catalogue()[name].caught_by, *KIN.get(name, ())}
    assert {verdicts[other] for other in broken} == {"failed"}


def digest(name, hash_seed):
    command = [sys.executable, "-m", "cpescript", "run", name, "--trace-digest", "--seed", "42"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": hash_seed}
    )
    return [line for line in done.stdout.splitlines() if len(line.split()[0]) == 64]


@pytest.mark.slow
def test_the_trace_is_the_same_in_another_process_with_another_hash_seed():
    one, two = digest("firmware_rollout", "1"), digest("firmware_rollout", "2")
    assert one == two
    assert len(one) == 1


@pytest.mark.parametrize("moment", ["1970-01-01", "2026-02-28 23:59:59", "2038-01-19 03:14:08"])
def test_the_wall_clock_makes_no_difference(moment):
    _, plain = play("firmware_rollout", trace_digest=True)
    with freeze_time(moment):
        _, frozen = play("firmware_rollout", trace_digest=True)
    assert plain.trace_digest == frozen.trace_digest
    assert plain.trace_digest is not None


def test_another_seed_is_another_trace():
    digests = {play("bootstrap_provisioning", trace_digest=True, seed=seed)[1].trace_digest for seed in (1, 2, 3)}
    assert len(digests) == 3
