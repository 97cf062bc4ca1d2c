"""Connection requests by XMPP, through a real server (TR-069 Annex K)."""

from __future__ import annotations

import asyncio
import ssl
import textwrap
import threading
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from cpescript.acs.server import Acs
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from cpescript.transport import authority
from cpescript.transport.acs_service import AcsService
from cpescript.transport.options import WireOptions
from cpescript.transport.tls import client_context
from cpescript.transport.xmpp import MISSING
from cpescript.transport.xmpp_caller import XmppAccount
from tests.adapters.serving import on_a_loop
from tests.integration.servers import Start, free_port, listens, missed, program

pytestmark = pytest.mark.slow

CONFIG = """
run_as_root = true
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
log = "{folder}/prosody.log"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
modules_enabled = {{ "saslauth", "tls", "roster" }}
modules_disabled = {{ "s2s" }}
authentication = "internal_plain"
storage = "internal"
c2s_require_encryption = {encrypted}
{tls}
VirtualHost "xmpp.example"
"""
NAMESPACE = "urn:broadband-forum-org:cwmp:xmppConnReq-1-0"
GATEWAY = Path(__file__).with_name("xmpp_gateway.yaml")
SCENARIO = """
profile gateway = "{gateway}"
scenario "called by XMPP":
    clock scaled 20x
    spawn 1 of gateway as fleet with:
        transport xmpp
        set Device.XMPP.Connection.1.Server.1.ServerAddress = "127.0.0.1"
        set Device.XMPP.Connection.1.Server.1.Port = {port}
        set Device.XMPP.Connection.1.UseTLS = {tls}
        set Device.XMPP.Connection.1.Password = "{password}"
        set Device.ManagementServer.ConnReqAllowedJabberIDs = "{allowed}"
    expect SessionEnd on fleet[1] within 30m
    acs set {root}ConnectionRequestUsername = "acs", {root}ConnectionRequestPassword = "knock" on fleet
"""
CALLED = """
    expect ConnectionRequest where via == "xmpp" and status == 200 on fleet[1] within 30m
    expect Inform where events contains "6 CONNECTION REQUEST" on fleet[1] within 30m
"""
REFUSED = """
    never Inform where events contains "6 CONNECTION REQUEST" on fleet
    expect ConnectionRequest where via == "xmpp" and status == 401 on fleet[1] within 30m
"""
ROOT = "Device.ManagementServer."


class Caller(threading.Thread):
    """An ACS's XMPP client, which calls until somebody is there to answer."""

    def __init__(self, port: int, ca: Path | None, password: str) -> None:
        super().__init__(daemon=True)
        self.port, self.ca, self.password = port, ca, password
        self.answers: list[str] = []
        self.answered, self.enough = threading.Event(), threading.Event()

    def run(self) -> None:
        asyncio.run(self._call())

    async def _call(self) -> None:
        import slixmpp
        from slixmpp.xmlstream import ET

        context = ssl.create_default_context(cafile=self.ca)
        settings = {"feature_mechanisms": {"unencrypted_scram": True}}
        client = slixmpp.ClientXMPP("acs@xmpp.example/1", "acs-secret", settings, ssl_context=context)
        client.enable_direct_tls = False
        client.enable_starttls, client.enable_plaintext = self.ca is not None, self.ca is None
        begun = asyncio.Event()
        client.add_event_handler("session_start", lambda _: begun.set())
        client.connect("127.0.0.1", self.port)
        await asyncio.wait_for(begun.wait(), 60)
        while not self.enough.is_set() and "result" not in self.answers:
            iq = client.make_iq_get(ito="cpe@xmpp.example/gateway")
            request = ET.SubElement(iq.xml, f"{{{NAMESPACE}}}connectionRequest")
            for name, text in (("username", "acs"), ("password", self.password)):
                ET.SubElement(request, f"{{{NAMESPACE}}}{name}").text = text
            call = asyncio.ensure_future(iq.send(timeout=60))
            while not (call.done() or self.enough.is_set()):
                await asyncio.wait((call,), timeout=0.05)
            # At the end of the run an answer may be on its way; or the device has gone, and there will be none.
            await asyncio.wait((call,), timeout=2.0)
            if not call.done():
                call.cancel()
                break
            self.answers.append(self._answer(call))
            self.answered.set()
            await asyncio.sleep(0.1)
        await client.disconnect()

    def _answer(self, call: asyncio.Future[Any]) -> str:
        import slixmpp

        match call.exception():
            case None:
                return "result"
            case slixmpp.exceptions.IqError() as error:
                return str(error.condition)
            case slixmpp.exceptions.IqTimeout():
                return "timeout"
            case other:
                raise other

    def __enter__(self) -> Caller:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Call no more, once there was an answer; the server must still run."""
        self.answered.wait(60)
        self.enough.set()
        self.join(60)


@pytest.fixture
def prosody(tmp_path: Path, start: Start) -> Any:
    """Start a server with accounts for the device and its ACS; return its port and the CA of its certificate."""
    if MISSING:
        missed(MISSING)

    def make(*, tls: bool) -> tuple[int, Path | None]:
        server, port, ca = program("prosody"), free_port(), tmp_path / "ca"
        accounts = tmp_path / "data" / "xmpp%2eexample" / "accounts"
        accounts.mkdir(parents=True)
        for name, password in (("cpe", "a-secret"), ("acs", "acs-secret")):
            (accounts / f"{name}.dat").write_text(f'return {{ ["password"] = "{password}"; }};\n')
        lines = ""
        if tls:
            authority.new(ca)
            file = authority.server(ca, ["xmpp.example"])
            lines = f'ssl = {{ certificate = "{file}"; key = "{file}" }}'
        config = tmp_path / "prosody.cfg.lua"
        config.write_text(CONFIG.format(folder=tmp_path, port=port, encrypted=str(tls).lower(), tls=lines))
        start([server, "--config", str(config), "-F"], lambda: listens(port))
        return port, ca / authority.CERTIFICATE if tls else None

    return make


def play(folder: Path, acs: dict[str, str], port: int, ca: Path | None, claims: str = "", **given: Any) -> Any:
    filled = {
        "gateway": GATEWAY,
        "root": ROOT,
        "port": port,
        "tls": str(ca is not None).lower(),
        "password": "a-secret",
    }
    text = SCENARIO.format(**{**filled, "allowed": "", **given}) + claims
    scenario = folder / "case.cpes"
    scenario.write_text(textwrap.dedent(text))
    return run(RunOptions(scenarios=(str(scenario),), seed=1, wire=WireOptions(tls_ca=ca), **acs))


SERVED = """
profile gateway = "{gateway}"
scenario "called by the reference ACS":
    spawn 1 of gateway as fleet with:
        transport xmpp
        set Device.XMPP.Connection.1.Server.1.ServerAddress = "127.0.0.1"
        set Device.XMPP.Connection.1.Server.1.Port = {port}
        set Device.XMPP.Connection.1.UseTLS = {tls}
        set Device.ManagementServer.ConnReqAllowedJabberIDs = "{allowed}"
    expect Inform where events contains "4 VALUE CHANGE" on fleet[1] within 2m
    wait 10s
    acs reboot fleet
    {claim}
"""


@pytest.mark.parametrize(
    ("tls", "allowed", "claim"),
    [
        (True, "acs@xmpp.example", 'expect ConnectionRequest where via == "xmpp" and status == 200 on fleet within 5s'),
        (False, "", "expect Reboot on fleet[1] within 5s"),
        (True, "other@xmpp.example", "expect no ConnectionRequest on fleet for 10m"),
    ],
    ids=["tls", "plain", "nobody is there for it"],
)
def test_the_reference_acs_calls(prosody: Any, tmp_path: Path, tls: bool, allowed: str, claim: str) -> None:
    port, ca = prosody(tls=tls)
    account = XmppAccount("acs@xmpp.example/1", "acs-secret", "127.0.0.1", port, tls)
    scenario = tmp_path / "case.cpes"
    filled = {"gateway": GATEWAY, "port": port, "tls": str(tls).lower(), "allowed": allowed, "claim": claim}
    scenario.write_text(SERVED.format(**filled))

    async def start(stack: AsyncExitStack) -> tuple[int, int]:
        service = AcsService(Acs(), trusts=client_context(ca), xmpp=account)
        return await service.start("127.0.0.1", 0, 0, stack)

    with on_a_loop(start) as (cwmp, north):
        options = RunOptions(
            scenarios=(str(scenario),),
            seed=1,
            wire=WireOptions(tls_ca=ca),
            acs=f"http://127.0.0.1:{cwmp}/",
            adapter="cpescript",
            north=f"http://127.0.0.1:{north}/",
        )
        (case,) = run(options).scenarios
    assert (case.verdict, case.reason) == ("passed", ""), case.claims


@pytest.mark.parametrize("tls", [True, False], ids=["tls", "plain"])
def test_a_device_is_called(prosody: Any, acs: dict[str, str], tmp_path: Path, tls: bool) -> None:
    port, ca = prosody(tls=tls)
    with Caller(port, ca, "knock") as caller:
        result = play(tmp_path, acs, port, ca, CALLED)
    told = [(case.verdict, case.reason, case.claims) for case in result.scenarios]
    assert [verdict for verdict, _, _ in told] == ["passed"], told
    # Until the device was there the server said so, and until it had its new password nobody was let in.
    assert caller.answers[-1] == "result"
    assert {*caller.answers[:-1]} <= {"service-unavailable", "not-authorized"}


def test_who_has_the_wrong_password_is_not_heard(prosody: Any, acs: dict[str, str], tmp_path: Path) -> None:
    port, ca = prosody(tls=True)
    with Caller(port, ca, "guess") as caller:
        result = play(tmp_path, acs, port, ca, REFUSED)
    told = [(case.verdict, case.reason, case.claims) for case in result.scenarios]
    assert [verdict for verdict, _, _ in told] == ["passed"], told
    assert {"not-authorized"} <= {*caller.answers} <= {"service-unavailable", "not-authorized"}


@pytest.mark.parametrize(
    "given", [{"allowed": "other@xmpp.example"}, {"password": "wrong"}], ids=lambda each: next(iter(each))
)
def test_nobody_is_there(prosody: Any, acs: dict[str, str], tmp_path: Path, given: dict[str, str]) -> None:
    port, ca = prosody(tls=True)
    with Caller(port, ca, "knock") as caller:
        result = play(tmp_path, acs, port, ca, "    never ConnectionRequest on fleet\n    wait 40s\n", **given)
    told = [(case.verdict, case.reason, case.claims) for case in result.scenarios]
    assert [verdict for verdict, _, _ in told] == ["passed"], told
    assert {*caller.answers} == {"service-unavailable"}
