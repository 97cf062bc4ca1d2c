"""SetVouchers: what a device looks at before it takes a voucher, and what it does not."""

from __future__ import annotations

from base64 import b64encode

import pytest

from cpescript.cwmp.message import Message
from cpescript.cwmp.vouchers import MOST_OCTETS, MOST_VOUCHERS
from tests.cwmp.world import World

OPTION = """<Option xmlns="urn:dslforum-org:cwmp-option-1-0"><VSerialNum>7</VSerialNum>
<DeviceId><Manufacturer>{manufacturer}</Manufacturer><OUI>00D0AA</OUI><ProductClass/>
<SerialNumber>{serial}</SerialNumber></DeviceId><OptionIdent>{option}</OptionIdent><Mode>Disable</Mode></Option>"""
SIGNED = """<?xml version="1.0"?><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/>
<SignatureValue>AAAA</SignatureValue><Object Id="o1">{}</Object></Signature>"""


def option(manufacturer: str = "Acme &amp; Sons", serial: str = "HG00001-1", option: str = "Voice") -> str:
    return OPTION.format(manufacturer=manufacturer, serial=serial, option=option)


def voucher(text: str | None = None) -> str:
    return b64encode((SIGNED.format(option()) if text is None else text).encode()).decode()


def outcome(*vouchers: str) -> tuple[int, str]:
    """Return (fault code, what it says), (0, "") where the vouchers are taken."""
    world = World(extension={"options": {"Voice": {"state": 1}}})
    world.device()
    [answer] = world.ask(Message("SetVouchers", {"voucher_list": vouchers}))
    if answer.kind == "SetVouchersResponse":
        return 0, ""
    return answer.fields["fault_code"], answer.fields["fault_string"]


def test_a_voucher_is_taken() -> None:
    assert outcome(voucher()) == (0, "")
    wrapped = "\n".join(voucher()[at : at + 76] for at in range(0, len(voucher()), 76))
    assert outcome(wrapped, voucher()) == (0, "")


def test_its_signature_is_not_looked_at() -> None:
    assert outcome(voucher(option())) == (0, "")


BOMB = '<!DOCTYPE x [<!ENTITY a "' + "a" * 1000 + '"><!ENTITY b "' + "&a;" * 1000 + '">]>'

WRONG = {
    "none": ((), 9003, "no vouchers"),
    "no base64": (("?!",), 9003, "voucher 1 is no base64"),
    "letters of another script": (("\u0661\u0661\u0661\u0661",), 9003, "no base64"),
    "octets": (("AAAA",), 9003, "voucher 1 is no XML"),
    "empty": (("",), 9003, "no XML"),
    "the second": ((voucher(), voucher("<open>")), 9003, "voucher 2 is no XML"),
    "a bomb": ((voucher(BOMB + "<x>&b;</x>"),), 9003, "document type"),
    "a document type in UTF-16": (
        (b64encode('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x><x/>'.encode("utf-16")).decode(),),
        9003,
        "document type",
    ),
    "no option": ((voucher(SIGNED.format("")),), 9003, "names no option"),
    "an option without a name": ((voucher(option(option=" ")),), 9003, "names no option"),
    "another device": ((voucher(option(serial="HG00002")),), 9001, "is for the SerialNumber 'HG00002'"),
    "another maker": ((voucher(option(manufacturer="Acme")),), 9001, "is for the Manufacturer"),
    "many": ((voucher(),) * (MOST_VOUCHERS + 1), 9004, "at most 64"),
    "large": ((voucher(option(option="a" * MOST_OCTETS)),), 9004, "larger than 64 KiB"),
    "blanks": ((" " * (2 * MOST_OCTETS + 1),), 9004, "larger than 64 KiB"),
}


@pytest.mark.parametrize(("vouchers", "code", "why"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_voucher_for_this_device_is_refused(vouchers: tuple[str, ...], code: int, why: str) -> None:
    found, said = outcome(*vouchers)
    assert found == code
    assert why in said
