"""What the ACS puts on the wire is valid by the Broadband Forum's schemas, in every namespace."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from cpescript.acs.orders import Order
from cpescript.acs.server import Acs
from cpescript.cwmp.codec import encode
from cpescript.cwmp.http import HttpResponse
from cpescript.cwmp.message import Message
from tests.acs.cpe import Cpe, transfer_complete

CHECKER = Path(__file__).parents[2].parent / "shared" / "standards" / "cwmp" / "check_envelope.py"


class Listening(Cpe):
    """A CPE that keeps every envelope that it gets."""

    def post(self, body: bytes, *headers: tuple[str, str], method: str = "POST") -> HttpResponse:
        response = super().post(body, *headers, method=method)
        if response.body:
            self.envelopes.append(response.body)
        return response

    envelopes: list[bytes]


@pytest.mark.skipif(not CHECKER.exists(), reason="the CWMP schemas are not beside this checkout")
@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_every_message_of_the_acs_is_valid(version: str) -> None:
    spec = importlib.util.spec_from_file_location("check_envelope", CHECKER)
    assert spec is not None
    assert spec.loader is not None
    checker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checker)
    cpe = Listening(Acs(firmware={"2.1.0": 100}))
    cpe.namespace, cpe.envelopes = version, []
    cpe.session("0 BOOTSTRAP", requests=[Message("GetRPCMethods", {}, "1", version), transfer_complete("x")])
    for verb, arguments in (
        ("set", {"settings": [["Device.A", "<&>\"'ä\x01", None], ["Device.B", "true", None]]}),
        ("get", {"paths": ["Device.A.", "Device.B"]}),
        ("add", {"path": "Device.A."}),
        ("delete", {"path": "Device.A.1."}),
        ("reboot", {}),
        ("download", {"firmware": "2.1.0"}),
        ("factory-reset", {}),
    ):
        assert cpe.acs.order(Order(verb, cpe.key, arguments)).accepted
    cpe.acs.order(Order("upload", cpe.key, {"file_type": "2 Vendor Log File", "url": "http://files.example/?a=1&b"}))
    (*_, download, _) = cpe.session("6 CONNECTION REQUEST")
    cpe.inform("7 TRANSFER COMPLETE")
    cpe.send(transfer_complete(download.fields["command_key"]))
    cpe.go_on()
    cpe.inform("1 BOOT")
    cpe.post(encode(Message("GetRPCMethods", {}, "2", version)).replace(b"GetRPCMethods", b"X_00D0AA_Sing"))
    cpe.send(Message("Inform", {**cpe.inform_message("1 BOOT").fields, "serial_number": ""}, "3", version))
    kinds = [body.partition(b"<soapenv:Body><")[2].partition(b">")[0].decode() for body in cpe.envelopes]
    assert len(set(kinds)) == 12, sorted(set(kinds))
    for body in cpe.envelopes:
        assert checker.problems(body) == [], body
