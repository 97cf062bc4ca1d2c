"""What stands between devices and an ACS in the field: nginx that ends TLS and wants client certificates, and squid."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cpescript.results import ScenarioResult
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from cpescript.transport import authority
from cpescript.transport.options import TlsVersion, WireOptions
from tests.integration.servers import Start, free_port, listens, program

SCENARIO = """\
firmware "2.1.0" size 300KiB
spawn 3 of hg100 as fleet
expect InformResponse on each fleet within 2m
wait until each fleet registered within 15m
acs download firmware "2.1.0" on fleet
expect Device.DeviceInfo.SoftwareVersion == "2.1.0" on each fleet within 1h
"""
NGINX = """\
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder};
    proxy_temp_path {folder};
    fastcgi_temp_path {folder};
    uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    log_format who "$ssl_protocol $ssl_client_s_dn";
    access_log {folder}/who.log who;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/localhost.pem;
        ssl_certificate_key {folder}/localhost.pem;
        ssl_client_certificate {folder}/ca.pem;
        ssl_verify_client on;
        ssl_protocols {protocols};
        location / {{ proxy_pass {acs}; }}
    }}
}}
"""
SQUID = """\
http_port 127.0.0.1:{port}
{allow}
cache deny all
pid_filename none
access_log stdio:{folder}/access.log
cache_log {folder}/cache.log
coredump_dir {folder}
pinger_enable off
shutdown_lifetime 0 seconds
"""


def play(folder: Path, options: dict[str, str], **wire: object) -> ScenarioResult:
    path = folder / "front.cpes"
    path.write_text(SCENARIO, encoding="utf-8")
    return run(
        RunOptions(
            scenarios=(str(path),),
            seed=7,
            real_limit_s=60,
            wire=WireOptions(**wire),  # type: ignore[arg-type]
            **options,  # type: ignore[arg-type]
        )
    ).scenarios[0]


def missed_by(result: ScenarioResult) -> list[str]:
    """Return what was seen instead, of each miss."""
    return [miss.actual for claim in result.claims for miss in claim.misses]


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    authority.new(tmp_path)
    authority.server(tmp_path, ["localhost"])
    return tmp_path


def front(lab: Path, start: Start, acs: dict[str, str], protocols: str) -> dict[str, str]:
    """Put an nginx before an ACS; give the options of a run against it."""
    port = free_port()
    text = NGINX.format(folder=lab, port=port, acs=acs["acs"].rstrip("/"), protocols=protocols)
    (lab / "nginx.conf").write_text(f"user root;\n{text}" if os.getuid() == 0 else text)
    start([program("nginx"), "-p", str(lab), "-c", str(lab / "nginx.conf")], lambda: listens(port))
    return {**acs, "acs": f"https://localhost:{port}/cwmp"}


@pytest.mark.parametrize(("protocols", "shown"), [("TLSv1.2", "TLSv1.2"), ("TLSv1.2 TLSv1.3", "TLSv1.3")])
def test_a_scenario_through_nginx_with_client_certificates(
    lab: Path, start: Start, acs: dict[str, str], protocols: str, shown: str
) -> None:
    there = front(lab, start, acs, protocols)
    result = play(lab, there, tls_ca=lab / "ca.pem", tls_client_certs=lab)
    assert result.verdict == "passed", (result.problems, result.claims)
    lines = set((lab / "who.log").read_text().split("\n"))
    assert {f"{shown} CN=HG0000000{number}" for number in (1, 2, 3)} <= lines


def test_nginx_turns_away_whom_it_does_not_know(lab: Path, start: Start, acs: dict[str, str]) -> None:
    there = front(lab, start, acs, "TLSv1.2 TLSv1.3")
    nobody = play(lab, there, tls_ca=lab / "ca.pem")
    # nginx takes the handshake, and then says in HTTP what it misses.
    assert nobody.verdict == "failed"
    assert any("HTTP status 400" in each for each in missed_by(nobody))
    stranger = play(lab, there, tls_client_certs=lab)
    assert any("ended 'tls': certificate of an unknown CA" in each for each in missed_by(stranger))


def test_nginx_of_an_old_version(lab: Path, start: Start, acs: dict[str, str]) -> None:
    there = front(lab, start, acs, "TLSv1.2")
    least: TlsVersion = "1.3"
    result = play(lab, there, tls_ca=lab / "ca.pem", tls_client_certs=lab, tls_least=least)
    assert any("no protocol version in common" in each for each in missed_by(result))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that a server may write to which has given root away."""
    with tempfile.TemporaryDirectory(prefix="squid", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o777)
        yield Path(name)
        for left in Path("/dev/shm").glob(f"{service(Path(name))}-*"):
            left.unlink(missing_ok=True)


def service(folder: Path) -> str:
    """Return a name for a squid of its own: what one that was killed leaves in shared memory stops none of its name."""
    return folder.name.replace("_", "x")


def squid(folder: Path, start: Start, allow: str) -> tuple[str, Path]:
    """Run a squid; give its URL and its log."""
    port = free_port()
    (folder / "squid.conf").write_text(SQUID.format(folder=folder, port=port, allow=allow))
    start([program("squid"), "-N", "-n", service(folder), "-f", str(folder / "squid.conf")], lambda: listens(port))
    return f"http://127.0.0.1:{port}", folder / "access.log"


def test_a_scenario_through_squid(tmp_path: Path, start: Start, acs: dict[str, str], open_folder: Path) -> None:
    proxy, log = squid(open_folder, start, "http_access allow localhost")
    result = play(tmp_path, acs, proxy=proxy)
    assert result.verdict == "passed", (result.problems, result.claims)
    assert f"POST {acs['acs']}" in log.read_text()


def test_a_scenario_through_a_tunnel_of_squid(lab: Path, start: Start, acs: dict[str, str], open_folder: Path) -> None:
    there = front(lab, start, acs, "TLSv1.3")
    port = urlsplit(there["acs"]).port
    proxy, log = squid(open_folder, start, f"acl tls port {port}\nhttp_access allow CONNECT tls")
    wire = {"tls_ca": lab / "ca.pem", "tls_client_certs": lab, "proxy": proxy}
    result = play(lab, there, **wire)
    assert result.verdict == "passed", (result.problems, result.claims)
    assert f"CONNECT localhost:{port}" in log.read_text()
    nowhere = play(lab, {**there, "acs": "https://localhost:1/"}, **wire)
    assert any("the proxy answers CONNECT with status 403" in each for each in missed_by(nowhere))


def test_nothing_older_than_tls_1_2_is_ever_offered() -> None:
    from cpescript.transport.tls import Contexts, Who

    assert Contexts(WireOptions(tls_insecure=True)).of(Who("x")).minimum_version is ssl.TLSVersion.TLSv1_2
