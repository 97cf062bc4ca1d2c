"""The way to an ACS on the network, end to end: files that are carried, TLS, manners, and what the report says."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cpescript.cli.wire import wire_of, wire_options
from cpescript.results import ScenarioResult
from cpescript.runner.config import ConfigError, with_target
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from cpescript.transport import authority
from cpescript.transport.options import WireOptions

FIRST_CONTACT = "spawn 2 of hg100 as fleet\nexpect InformResponse on each fleet within 2m\n"
ROLLOUT = """\
firmware "2.1.0" size 300KiB
spawn 2 of carrier as fleet
wait until each fleet registered within 15m
acs download firmware "2.1.0" on fleet
expect TransferComplete where fault_code == 0 on each fleet within 1h
expect Device.DeviceInfo.SoftwareVersion == "2.1.0" on each fleet within 1h
"""


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[tuple[str, str]]:
    """Serve the reference ACS in a process of its own; yield its URL and that of its north side."""
    command = [sys.executable, "-m", "cpescript", "acs", "serve", "--port", "0", "--north-port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        acs, north = (word.rstrip(",") for word in words if word.startswith("http"))
        try:
            yield acs.replace("127.0.0.1", "localhost"), north
        finally:
            process.send_signal(signal.SIGTERM)


def play(folder: Path, text: str, acs: str, north: str, **wire: object) -> ScenarioResult:
    path = folder / "it.cpes"
    path.write_text(text, encoding="utf-8")
    options = RunOptions(
        scenarios=(str(path),),
        acs=acs,
        adapter="cpescript",
        north=north,
        seed=7,
        real_limit_s=60,
        patience_ns=100_000_000,
        wire=WireOptions(**wire),  # type: ignore[arg-type]
    )
    return run(options).scenarios[0]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab")
    authority.new(folder)
    authority.server(folder, ["localhost"])
    return folder


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "carrier.yaml").write_text(
        "x-cpescript:\n  extends: hg100\n  transfer: {fetch: true}\n"
        "  http: {connection: post, gzip: true, chunked: true, expect_continue: true}\n",
        encoding="utf-8",
    )
    return tmp_path


@pytest.mark.slow
def test_images_are_fetched_from_the_acs_by_devices_of_any_manner(profiles: Path) -> None:
    with serving() as (acs, north):
        result = play(profiles, ROLLOUT, acs, north)
    assert result.verdict == "passed", (result.problems, result.claims)


@pytest.mark.slow
def test_a_run_over_tls_with_certificates_on_both_sides(lab: Path, profiles: Path) -> None:
    server, ca = str(lab / "localhost.pem"), lab / "ca.pem"
    with serving("--tls-cert", server, "--tls-client-ca", str(ca)) as (acs, north):
        assert acs.startswith("https://")
        passed = play(profiles, ROLLOUT, acs, north, tls_ca=ca, tls_client_certs=lab)
        nobody = play(profiles, FIRST_CONTACT, acs, north, tls_ca=ca)
        strangers = play(profiles, FIRST_CONTACT, acs, north)
        trusting = play(profiles, FIRST_CONTACT, acs, north, tls_insecure=True, tls_client_certs=lab)
    assert passed.verdict == "passed", (passed.problems, passed.claims)
    assert nobody.verdict == "failed"
    assert "client certificate" in nobody.claims[0].misses[0].actual
    assert "ended 'tls': certificate of an unknown CA" in strangers.claims[0].misses[0].actual
    assert trusting.verdict == "passed"
    assert any("--tls-insecure" in remark for remark in trusting.remarks)
    assert not any("--tls-insecure" in remark for remark in passed.remarks)


MIXED = """
spawn 1 of carrier as known with:
    transport tls(client_cert: cert)
spawn 1 of carrier as plain with:
    transport tls
expect InformResponse on known within 2m
expect no InformResponse on plain for 2m
"""


@pytest.mark.slow
def test_a_scenario_names_the_certificate_of_some_of_its_devices(lab: Path, profiles: Path) -> None:
    authority.client(lab, "mine")
    (profiles / "mine.pem").write_bytes((lab / "mine.pem").read_bytes())
    with serving("--tls-cert", str(lab / "localhost.pem"), "--tls-client-ca", str(lab / "ca.pem")) as (acs, north):
        text = MIXED.replace("cert)", '"mine.pem")')
        passed = play(profiles, text, acs, north, tls_ca=lab / "ca.pem")
        gone = play(profiles, text.replace('"mine.pem"', '"{device.index}.pem"'), acs, north, tls_ca=lab / "ca.pem")
    assert passed.verdict == "passed", (passed.problems, passed.claims)
    assert gone.verdict == "error"
    assert "1.pem: [Errno 2] No such file" in gone.reason


@pytest.mark.parametrize(
    ("acs", "why"), [("http://127.0.0.1:1/", "that is https"), ("embedded", "the embedded ACS speaks no TLS")]
)
def test_tls_where_there_is_none_is_refused(acs: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "it.cpes"
    path.write_text("spawn 1 of hg100 as plain with:\n    transport tls\nwait 1s\n", encoding="utf-8")
    result = run(RunOptions(scenarios=(str(path),), acs=acs, seed=7)).scenarios[0]
    assert (result.verdict, result.sessions) == ("error", 0)
    assert why in str(result.problems)


@pytest.mark.parametrize(
    ("wire", "why"),
    [
        ({"tls_ca": Path(__file__)}, "has no certificates to trust"),
        ({"proxy": "socks5://192.0.2.1"}, "a proxy is http://"),
    ],
)
def test_what_cannot_be_used_is_told_before_anything_is_sent(wire: dict[str, object], why: str, tmp_path: Path) -> None:
    result = play(tmp_path, FIRST_CONTACT, "http://127.0.0.1:1/", "http://127.0.0.1:1/", **wire)
    assert (result.verdict, result.sessions) == ("error", 0)
    assert why in str(result.problems)


def test_the_password_of_a_proxy_is_no_text_for_a_report(tmp_path: Path) -> None:
    path = tmp_path / "it.cpes"
    path.write_text(FIRST_CONTACT, encoding="utf-8")
    proxy = "http://lab:opensesame@127.0.0.1:1"
    options = RunOptions(
        scenarios=(str(path),),
        acs="http://192.0.2.1/",
        seed=7,
        patience_ns=1_000_000,
        wire=WireOptions(proxy=proxy),
        rerun=f"--proxy {proxy}",
    )
    result = run(options).scenarios[0]
    assert "--proxy" in result.rerun
    assert "opensesame" not in repr(result)


def test_a_target_says_how_it_is_reached_and_the_command_line_is_stronger(lab: Path, tmp_path: Path) -> None:
    (tmp_path / "cpescript.toml").write_text(
        '[acs.lab]\nurl = "https://acs.example/"\n'
        f'cwmp_tls_ca = "{lab}/ca.pem"\ncwmp_client_certs = "{lab}"\ncwmp_proxy = "http://192.0.2.1:3128"\n'
        'source_address = ["192.0.2.7", "192.0.2.8"]\nanswers_held = 512\n'
    )
    given = WireOptions(proxy="http://192.0.2.2:3128")
    found = with_target(RunOptions(scenarios=(), acs="lab", wire=given), tmp_path).wire
    assert found == WireOptions(
        tls_ca=lab / "ca.pem",
        tls_client_certs=lab,
        proxy="http://192.0.2.2:3128",
        source_addresses=("192.0.2.7", "192.0.2.8"),
        answers_held=512,
    )


def test_the_command_line_says_how_much_may_be_held() -> None:
    said: list[WireOptions] = []
    command = click.command()(wire_options(lambda **given: said.append(wire_of(given))))
    command.main(["--answers-held", "3"], standalone_mode=False)
    command.main([], standalone_mode=False)
    assert said == [WireOptions(answers_held=3), WireOptions()]
    with pytest.raises(click.BadParameter):
        command.main(["--answers-held", "0"], standalone_mode=False)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "cpescript.toml").write_text('[acs.lab]\nurl = "https://x.example/"\ncwmp_client_certs = "gone"\n')
    with pytest.raises(ConfigError, match="names a folder that there is not"):
        with_target(RunOptions(scenarios=(), acs="lab"), tmp_path)
