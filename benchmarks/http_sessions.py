"""Sessions over real HTTP: the whole path of `cpescript run` against an nginx that gives fixed answers.

Two round trips in each: an Inform is answered by an InformResponse with ID 1, an empty POST by 204. With `setting`, the
empty POST is answered by a SetParameterValues, a third round trip; with `challenging`, a request without Authorization
by a Digest challenge. A session has a connection of its own, unless `connections` says otherwise.

nginx runs on a port of 127.0.0.1 that happens to be free, on a core of its own where there is one; counted is the CPU
time of this process, so what one core of the simulator can do. Beside it stands what came of it by the wall clock, with
nginx, and all else that the machine was doing. Of several tries the one that took least counts: what else a machine is
doing is never in a program's favour.
"""

from __future__ import annotations

import gc
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.table import Figure, Row
from cpescript.runner.case import Case
from cpescript.runner.options import RunOptions
from cpescript.runner.run import timelines
from cpescript.transport.options import ConnectionsKept, WireOptions

SCENARIO = """
profile lab = "lab.yaml"
scenario "heartbeat":
    seed 1
    limit 2d
    patience 10ms
    spawn 500 of lab as fleet over 5m with:
        set Device.ManagementServer.PeriodicInformInterval = 300
    wait 6m
    always at most 0 of all updating
    parallel:
        expect each fleet online for 2h
        check at most 100000 InformResponse on each fleet within 2h
"""

PROFILE = """
x-cpescript:
  extends: hg100
  http: {{{http}}}
"""

INFORM_RESPONSE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:cwmp="urn:dslforum-org:cwmp-1-2"><soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">1</cwmp:ID>'
    "</soap-env:Header><soap-env:Body><cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>"
    "</soap-env:Body></soap-env:Envelope>"
)

SET_PARAMETER_VALUES = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-2"><soap-env:Header>'
    '<cwmp:ID soap-env:mustUnderstand="1">7</cwmp:ID></soap-env:Header><soap-env:Body><cwmp:SetParameterValues>'
    '<ParameterList soap-enc:arrayType="cwmp:ParameterValueStruct[1]"><ParameterValueStruct>'
    '<Name>Device.DeviceInfo.ProvisioningCode</Name><Value xsi:type="xsd:string">A</Value></ParameterValueStruct>'
    "</ParameterList><ParameterKey>k</ParameterKey></cwmp:SetParameterValues></soap-env:Body></soap-env:Envelope>"
)
CHALLENGE = "add_header WWW-Authenticate $challenge always; if ($challenge) { return 401; }"

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type "text/xml; charset=utf-8";
    map $http_authorization $challenge {{
        '' 'Digest realm="acs", nonce="$request_id", qop="auth", algorithm=MD5';
        default '';
    }}
    server {{
        listen 127.0.0.1:{port} backlog=2048;
        {challenge}
        if ($http_content_length = 0) {{ {empty} }}
        if ($http_content_length ~ '^[0-9]{{3}}$') {{ return 204; }}
        location / {{ return 200 '{answer}'; }}
    }}
}}
"""


@contextmanager
def fixed_answers(*, setting: bool = False, challenging: bool = False) -> Iterator[str]:
    """Run an nginx that gives the answers and yield its URL. Raises FileNotFoundError where there is no nginx.

    It tells an answer to a SetParameterValues from an Inform by its length, hundreds of octets against thousands.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise FileNotFoundError("no nginx is installed")
    with tempfile.TemporaryDirectory() as folder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        file = Path(folder, "nginx.conf")
        empty = f"return 200 '{SET_PARAMETER_VALUES}';" if setting else "return 204;"
        challenge = CHALLENGE if challenging else ""
        file.write_text(
            CONFIGURATION.format(folder=folder, port=port, answer=INFORM_RESPONSE, empty=empty, challenge=challenge)
        )
        command = [program, "-p", folder, "-c", str(file)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                _wait_for(server, port, Path(folder, "error.log"))
                yield f"http://127.0.0.1:{port}/acs"
            finally:
                server.terminate()


def _wait_for(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            if server.poll() is not None:
                break
            time.sleep(0.05)
    raise RuntimeError(f"nginx does not run: {log.read_text() if log.exists() else 'no word why'}")


class Spent(NamedTuple):
    """Microseconds that a session took: of this process's CPU time, and by the wall clock."""

    cpu: float
    wall: float

    @property
    def rate(self) -> Figure:
        """Sessions per second of one core's time."""
        return Figure(1e6 / self.cpu, f"{1e6 / self.wall:,.0f} by the wall clock")


TRIES = 3


def least(**how: Any) -> Spent:
    """Return the try of `measure` that took the least CPU time."""
    return min((measure(**how) for _ in range(TRIES)), key=attrgetter("cpu"))


def measure(
    *, setting: bool = False, challenging: bool = False, connections: ConnectionsKept = "profile", http: str = ""
) -> Spent:
    """Run the scenario; `http` is the YAML of how its devices speak HTTP."""
    answers = fixed_answers(setting=setting, challenging=challenging)
    with tempfile.TemporaryDirectory() as folder, answers as url:
        Path(folder, "lab.yaml").write_text(PROFILE.format(http=http))
        file = Path(folder, "heartbeat.cpes")
        file.write_text(SCENARIO)
        options = RunOptions(scenarios=(str(file),), acs=url, wire=WireOptions(connections=connections))
        (timeline,), _ = timelines(options)
        case = Case(timeline, options, 1, None)
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        result = case.run()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    kinds = {latency.kind for latency in result.latencies if not latency.errors}
    as_asked = len(kinds) == len(result.latencies) and ("SetParameterValuesResponse" in kinds) is setting
    if result.verdict != "passed" or not as_asked:
        raise SystemExit(f"the benchmark's own scenario {result.verdict}: {result.reason} {result.latencies}")
    return Spent(cpu / result.sessions * 1e6, wall / result.sessions * 1e6)


def digest_microseconds(http: str = "") -> float:
    """Return what Digest costs a session, round trips for challenges included."""
    return least(challenging=True, http=http).cpu - least().cpu


ROWS: tuple[Row, ...] = (
    Row("http_sessions_per_s", "sessions/s", "at least 7,000", lambda: least().rate),
    Row("http_kept_sessions_per_s", "sessions/s", "at least 15,000", lambda: least(connections="kept").rate),
    Row("http_shared_sessions_per_s", "sessions/s", "at least 15,000", lambda: least(connections="shared").rate),
    Row("http_setting_sessions_per_s", "sessions/s", "at least 5,000", lambda: least(setting=True).rate),
    Row("http_digest_us", "us/session", "at most 60", digest_microseconds),
    Row("http_digest_kept_us", "us/session", "at most 60", lambda: digest_microseconds("nonce: keep")),
)


if __name__ == "__main__":
    print(f"{measure().rate.value:,.0f} sessions/s")
