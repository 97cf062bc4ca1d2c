"""A draft checks and runs, and expects of an ACS what it did then."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript import libraries
from cpescript.recording.draft import called
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run


@pytest.fixture
def drafted(tmp_path, cpescript):
    def make(scenario, *words, **options):
        trace = tmp_path / "lab.jsonl"
        run(RunOptions(scenarios=(scenario,), trace=trace, **{"seed": 7, **options}))
        status, out, err = cpescript("draft", trace, *words)
        assert status == 0, err
        return tmp_path / "lab.cpes", out

    return make


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(libraries.names("scenarios")))
def test_every_draft_checks(name, drafted, cpescript):
    path, _ = drafted(name)
    status, _, err = cpescript("check", path)
    assert status == 0, err


def test_the_acs_that_it_was_drafted_from_passes(drafted):
    policy = libraries.find("scenarios", "value_change").with_suffix(".yaml")
    path, out = drafted("value_change")
    assert "parameters" in out
    text = path.read_text()
    assert 'set Device.DeviceInfo.ProvisioningCode = "GOLD" on cpe' in text
    assert "expect SPV Device.ManagementServer.PeriodicInformInterval = 60 on cpe within 1m" in text
    assert "ConnectionRequestPassword on cpe" in text, "without its value"
    assert run(RunOptions(scenarios=(str(path),), seed=1, policy=policy)).exit_status == 0
    failed = run(RunOptions(scenarios=(str(path),), seed=1, policy=policy, defects=("ignores-value-change",)))
    assert failed.exit_status == 1


def test_what_a_scenario_cannot_cause_is_a_comment(drafted):
    path, _ = drafted("object_lifecycle")
    text = path.read_text()
    assert "#     AddObject Device.NAT.PortMapping." in text
    assert run(RunOptions(scenarios=(str(path),), seed=1)).exit_status == 0


ORDERED = """
spawn 1 of hg100 as cpe
expect InformResponse on cpe within 1m
acs set Device.ManagementServer.PeriodicInformInterval = 900 on cpe
inform cpe
expect SPV Device.ManagementServer.PeriodicInformInterval = 900 on cpe within 5m
wait 1m
set Device.DeviceInfo.ProvisioningCode = "x" on cpe
expect InformResponse on cpe within 5m
"""


def test_what_was_ordered_is_not_expected_of_the_acs(drafted, tmp_path):
    ordered = tmp_path / "ordered.cpes"
    ordered.write_text(ORDERED)
    drafted_, _ = drafted(str(ordered))
    text = drafted_.read_text()
    path = "Device.ManagementServer.PeriodicInformInterval"
    told = f"# the ACS had been ordered 'acs set {path} = 900 on cpe', then it asked"
    assert f"    {told}\n    #     SPV {path} = 900" in text, text
    assert text.count("had been ordered") == 1
    assert run(RunOptions(scenarios=(str(drafted_),), seed=1)).exit_status == 0


def test_what_was_asked_in_one_of_several_like_sessions_is_taken_for_an_order(drafted, tmp_path, cpescript):
    """A recording of real devices does not know of orders: here the trace is made to forget them."""
    ordered = tmp_path / "ordered.cpes"
    ordered.write_text(ORDERED.replace("inform cpe\n", "").replace("within 5m\nwait 1m", "within 20m\nwait 40m"))
    drafted(str(ordered), defects=("drops-connection-request",))
    trace = tmp_path / "lab.jsonl"
    kept = [line for line in trace.read_text().splitlines(keepends=True) if '"kind":"stimulus"' not in line]
    trace.write_text("".join(kept))
    assert cpescript("draft", trace, "--force")[0] == 0
    text = (tmp_path / "lab.cpes").read_text()
    path = "Device.ManagementServer.PeriodicInformInterval"
    told = "# an order? in other sessions that began like this one the ACS asked nothing; then it asked"
    assert f"Inform 2 PERIODIC\n    {told}\n    #     SPV {path} = 900" in text, text
    assert f"    expect SPV {path} = 300" in text, "the policy's own is expected"
    assert run(RunOptions(scenarios=(str(tmp_path / "lab.cpes"),), seed=1)).exit_status == 0


def test_files_that_are_there_are_left_alone(drafted, tmp_path, cpescript):
    drafted("bootstrap_provisioning")
    status, _, err = cpescript("draft", tmp_path / "lab.jsonl")
    assert status == 2
    assert "--force" in err
    assert cpescript("draft", tmp_path / "lab.jsonl", "--force", "--device", "fleet[3]")[0] == 0
    assert "fleet[3]" in (tmp_path / "lab.cpes").read_text()


def test_a_device_that_is_not_in_it(drafted, tmp_path, cpescript):
    drafted("bootstrap_provisioning")
    status, _, err = cpescript("draft", tmp_path / "lab.jsonl", "--name", "x", "--device", "nobody[1]")
    assert (status, err) == (2, "error: the trace has no Inform of nobody[1]\n")


@given(st.text())
def test_any_name_becomes_one_of_the_language(text):
    name = called(text)
    assert name[0].isalpha() or name[0] == "_"
    assert all(letter.islower() or letter.isdigit() or letter in "-_" for letter in name)


MODELS = """
limit 1d
spawn 3 of hg100 as gateways
wait until each gateways registered within 10m
spawn 2 of ont4 as terminals
wait until each terminals registered within 10m
reboot gateways[1]
expect Inform where events contains "1 BOOT" on gateways[1] within 10m
wait 10m
"""


@pytest.mark.slow
def test_one_device_of_each_model(drafted, tmp_path, cpescript):
    case = tmp_path / "case.cpes"
    case.write_text(MODELS)
    path, out = drafted(str(case), "--all-models")
    assert out.count("parameters") == 2
    text = path.read_text()
    assert 'profile lab-hg100 = "lab-hg100.yaml"' in text
    assert "# gateways[1], one of 3 alike\n    spawn 1 of lab-hg100 as hg100\n" in text
    assert "on ont4 within" in text
    assert "reboot hg100\n" in text
    assert text.index("as hg100") < text.index("as ont4") < text.index("reboot hg100")
    assert cpescript("check", path)[0] == 0
    assert run(RunOptions(scenarios=(str(path),), seed=1)).exit_status == 0


def test_one_device_or_one_of_each_model(tmp_path, cpescript):
    (tmp_path / "x.jsonl").write_text("{}\n")
    assert cpescript("draft", tmp_path / "x.jsonl", "--all-models", "--device", "a[1]")[0] == 2
    assert cpescript("draft", tmp_path / "x.jsonl", "--all-models")[0] == 2
