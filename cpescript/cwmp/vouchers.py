"""Vouchers that an ACS hands over by SetVouchers (TR-069 A.4.1.3, Annex C): signed XML, in base64, enabling options.

What is looked at: that it is XML within bounds, that it names an option, and that it is for this device. Its signature,
dates and mode are not: what options a device has, and their state, is the profile's to say.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lxml import etree

from cpescript.cwmp.codec import PARSER
from cpescript.cwmp.faults import CwmpFault

if TYPE_CHECKING:
    from cpescript.device.device import Device

MOST_VOUCHERS = 64
"""Vouchers of a call; more are 9004. One is enough for an option, and a device has a handful of those."""
MOST_OCTETS = 64 << 10
"""Octets of a voucher, before base64; with a chain of certificates it has some 10 KiB."""

_PLACES = ("Manufacturer", "OUI", "ProductClass", "SerialNumber")
"""The fields of a voucher's DeviceId, in the order of a device's own."""


def take(device: Device, vouchers: Sequence[str]) -> None:
    """Look at the vouchers of a SetVouchers, all before any counts.

    Raises CwmpFault: 9003 for none, or one that is no voucher; 9004 for too many or one that is too large; 9001 for one
    that is for another device.
    """
    if not vouchers:
        raise CwmpFault(9003, "no vouchers")
    if len(vouchers) > MOST_VOUCHERS:
        raise CwmpFault(9004, f"{len(vouchers)} vouchers, at most {MOST_VOUCHERS} are possible")
    for number, text in enumerate(vouchers, 1):
        _look_at(device, text, f"voucher {number}")


def _look_at(device: Device, text: str, which: str) -> None:
    if len(text) > 2 * MOST_OCTETS:
        raise CwmpFault(9004, f"{which} is larger than {MOST_OCTETS >> 10} KiB")
    try:
        octets = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise CwmpFault(9003, f"{which} is no base64") from None
    if len(octets) > MOST_OCTETS:
        raise CwmpFault(9004, f"{which} is larger than {MOST_OCTETS >> 10} KiB")
    # Before it is read: libxml2 looks into entities, used or not. In another encoding it is found afterwards.
    if b"<!DOCTYPE" in octets:
        raise CwmpFault(9003, f"{which} has a document type")
    try:
        root = etree.fromstring(octets, PARSER)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise CwmpFault(9003, f"{which} is no XML: {error}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise CwmpFault(9003, f"{which} has a document type")
    options = list(root.iter("{*}Option"))
    if not options or not all((option.findtext("{*}OptionIdent") or "").strip() for option in options):
        raise CwmpFault(9003, f"{which} names no option")
    for meant in root.iter("{*}DeviceId"):
        for place, own in zip(_PLACES, device.device_id, strict=True):
            named = (meant.findtext(f"{{*}}{place}") or "").strip()
            if named and named != own:
                raise CwmpFault(9001, f"{which} is for the {place} {named[:64]!r}")
