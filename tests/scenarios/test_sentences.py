"""What the scenarios that ship say in their prose they claim: an ACS that breaks one sentence of it, for one device
alone, fails on the line that says so.

Between devices and embedded ACS stands a liar, who alters what the ACS says, says it twice, or says it again later.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from cpescript.cwmp.http import HttpResponse
from cpescript.runner import target
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run

KIND = re.compile(rb"<cwmp:(?!ID\b)(\w+)")
SERIAL = re.compile(rb"<SerialNumber>([^<]*)<")
IDENTITY = re.compile(rb"(<cwmp:ID[^>]*>)[^<]*<")
COUNT = re.compile(rb"(ParameterValueStruct\[)(\d+)\]")
RADIATES = b"Device.Services.FAPService.1.FAPControl.LTE.AdminState"
SPA = (
    b"<cwmp:SetParameterAttributes><ParameterList soapenc:arrayType='cwmp:SetParameterAttributesStruct[1]'>"
    b"<SetParameterAttributesStruct><Name>Device.DeviceInfo.ProvisioningCode</Name><NotificationChange>true"
    b"</NotificationChange><Notification>0</Notification><AccessListChange>false</AccessListChange>"
    b"<AccessList soapenc:arrayType='xsd:string[0]'></AccessList></SetParameterAttributesStruct></ParameterList>"
    b"</cwmp:SetParameterAttributes>"
)


def kind_of(body: bytes) -> str:
    found = KIND.search(body)
    return found[1].decode() if found is not None else ""


@dataclass(frozen=True)
class Lie:
    """Of messages of `kind` that hold `part`: what becomes of the first one to a device whose serial number ends so."""

    kind: str
    part: str = ""
    device: str = ""
    alter: Callable[[bytes], bytes] | None = None
    """Said instead; empty: HTTP status 500."""
    twice: bool = False
    later: Callable[[bytes], bytes] | None = None
    """Said at the end of the device's next session."""


class Liar:
    """The ACS's side of the wire, with one lie in it. `told` says to whom it was told."""

    def __init__(self, handle, lie):
        self.handle, self.lie = handle, lie
        self.told = {}
        self._serials, self._next, self._later = {}, {}, {}

    def __call__(self, request, peer):
        if kind_of(request.body) == "Inform":
            self._serials[peer] = SERIAL.search(request.body)[1].decode()
        if peer in self._next:
            # What the device answers to a lie the ACS never hears.
            return self._next.pop(peer)
        return self._bent(self.handle(request, peer), peer)

    def _bent(self, answer, peer):
        lie, serial = self.lie, self._serials.get(peer, "")
        if not isinstance(answer, HttpResponse):
            return answer
        waiting = self._later.get(serial)
        if answer.status == 204 and waiting is not None and waiting[0] != peer:
            self._next[peer] = answer
            return self._later.pop(serial)[1]
        if kind_of(answer.body) != lie.kind or lie.part.encode() not in answer.body or serial in self.told:
            return answer
        if not serial.endswith(lie.device):
            return answer
        self.told[serial] = peer
        said = IDENTITY.sub(rb"\g<1>once more<", answer.body)
        if lie.later is not None:
            self._later[serial] = (peer, HttpResponse(200, answer.headers, lie.later(said)))
        if lie.twice:
            self._next[peer] = answer
            return HttpResponse(200, answer.headers, said)
        if lie.alter is None:
            return answer
        body = lie.alter(answer.body)
        return HttpResponse(200, answer.headers, body) if body else HttpResponse(500, (), b"", close=True)


def without(path):
    """A SetParameterValues that lacks a parameter."""

    def alter(body):
        body, found = re.subn(
            rb"<ParameterValueStruct><Name>[^<]*%s</Name>.*?</ParameterValueStruct>" % re.escape(path.encode()),
            b"",
            body,
        )
        assert found == 1
        return COUNT.sub(lambda match: b"%s%d]" % (match[1], int(match[2]) - 1), body)

    return alter


def instead(old, new):
    def alter(body):
        assert old.encode() in body
        return body.replace(old.encode(), new.encode())

    return alter


def unanswered(body):
    return b""


def same(body):
    return body


def of(content):
    """A message with another content."""
    return lambda body: re.sub(rb"<soapenv:Body>.*</soapenv:Body>", b"<soapenv:Body>%s</soapenv:Body>" % content, body)


BROKEN = {
    "a bootstrap is not answered the first time": (
        "bootstrap_provisioning",
        Lie("InformResponse", device="20", alter=unanswered),
        ["never SessionEnd"],
    ),
    "one device is given no credentials": (
        "bootstrap_provisioning",
        Lie("SetParameterValues", device="20", alter=without("ConnectionRequestPassword")),
        ["expect in order on each fleet"],
    ),
    "two devices share their credentials": (
        "bootstrap_provisioning",
        Lie("SetParameterValues", device="0", alter=lambda body: re.sub(rb">[0-9a-f]{16}<", b">connect-me<", body)),
        ["check Device.ManagementServer.ConnectionRequestPassword not in"],
    ),
    "a gateway is moved to its access point twice": (
        "cellular_apn",
        Lie("SetParameterValues", "AccessPoint.1.APN", "30", later=same),
        ["check exactly 1 SPV"],
    ),
    "a gateway gets an access point without its credentials": (
        "cellular_apn",
        Lie("SetParameterValues", "AccessPoint.1.APN", "30", alter=without("AccessPoint.1.Username")),
        ["check Device.Cellular.AccessPoint.1.Username"],
    ),
    "a box is sent another file": (
        "channel_lineup",
        Lie("Download", device="6", alter=instead("lineup-7", "lineup-6")),
        ["expect in order on each boxes[2..6]"],
    ),
    "a transfer's end is not answered the first time": (
        "channel_lineup",
        Lie("TransferCompleteResponse", device="6", alter=unanswered),
        ["check exactly 1 TransferComplete"],
    ),
    "an order goes out twice": (
        "connection_request",
        Lie("GetParameterValues", "SoftwareVersion", "1", later=same),
        ["check no GPV"],
    ),
    "results are looked for where there are none": (
        "diagnostics",
        Lie("GetParameterValues", "IPPing.", "10", alter=instead("IPPing.<", "IPPing.Result<")),
        ["expect in order on each fleet"],
    ),
    "a gateway is reset twice": (
        "factory_reset",
        Lie("FactoryReset", device="10", later=same),
        ["check exactly 1 FactoryReset"],
    ),
    "a cell is not told of its core network": (
        "femto_site",
        Lie("SetParameterValues", "S1SigLink", "4", alter=without("S1SigLinkServerList")),
        ["expect in order on each cells"],
    ),
    "a cell radiates before it has its plan": (
        "femto_site",
        Lie(
            "SetParameterValues",
            "PeriodicInformInterval",
            "4",
            alter=lambda body: re.sub(
                rb"<Name>[^<]*Interval</Name><Value [^>]*>300<",
                b"<Name>%s</Name><Value xsi:type='xsd:boolean'>true<" % RADIATES,
                body,
            ),
        ),
        ["never SPV"],
    ),
    "a flash that failed is tried again before it has failed": (
        "firmware_rollout",
        Lie("Download", device="41", twice=True),
        ["check in order on each unlucky"],
    ),
    "an extender gets another key": (
        "mesh_ssid",
        Lie("SetParameterValues", "KeyPassphrase", "MX00000009", alter=instead("battery", "staple")),
        ["expect SPV"],
    ),
    "a second instance is made": (
        "object_lifecycle",
        Lie("AddObject", device="5", later=same),
        ["check exactly 1 AddObject"],
    ),
    "a line is given no password": (
        "pppoe_credentials",
        Lie("SetParameterValues", "WANPPP", "6", alter=without("WANPPPConnection.1.Password")),
        ["expect SPV"],
    ),
    "a line is set again at the boot": (
        "pppoe_credentials",
        Lie("SetParameterValues", "WANPPP", "6", later=same),
        ["check exactly 1 SPV"],
    ),
    "a line's gateway is rebooted twice": (
        "pppoe_credentials",
        Lie("Reboot", device="6", later=same),
        ["check exactly 1 Reboot"],
    ),
    "an update is ordered twice": (
        "software_modules",
        Lie("ChangeDUState", "hub-1.3.0", "10", later=same),
        ["check exactly 3 ChangeDUState", "check exactly 3 DUStateChangeComplete"],
    ),
    "an app's report is not answered the first time": (
        "software_modules",
        Lie("DUStateChangeCompleteResponse", device="10", alter=unanswered),
        ["check exactly 3 DUStateChangeComplete"],
    ),
    "the ACS acts on a value twice": (
        "value_change",
        Lie("SetParameterValues", ">60<", "1", later=same),
        ["check exactly 1 SPV"],
    ),
    "the ACS turns a notification off": (
        "value_change",
        Lie("SetParameterValues", device="10", later=of(SPA)),
        ["never SPA"],
    ),
    "half an account": (
        "voice_line",
        Lie("SetParameterValues", "RegistrarServer", "8", alter=without("SIP.RegistrarServer")),
        ["expect SPV"],
    ),
    "a line is set up twice": (
        "voice_line",
        Lie("SetParameterValues", "RegistrarServer", "8", twice=True),
        ["check exactly 1 SPV"],
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_sentence_fails_where_it_stands(what, monkeypatch):
    name, lie, lines = BROKEN[what]
    liars = []

    def wire(handle, *rest):
        liars.append(Liar(handle, lie))
        return loopback(liars[0], *rest)

    loopback = target.Loopback
    monkeypatch.setattr(target, "Loopback", wire)
    params = {"size": "40"} if name == "firmware_rollout" else {}
    (scenario,) = run(RunOptions(scenarios=(name,), params=params)).scenarios
    missed = [claim for claim in scenario.claims if claim.verdict == "missed"]
    assert liars[0].told
    assert len(missed) == len(lines)
    for claim, line in zip(missed, lines, strict=True):
        assert claim.source.strip().startswith(line)
        assert claim.missed == len(liars[0].told)
