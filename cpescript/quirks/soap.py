"""Quirks of the SOAP layer: legal and illegal ways to write an envelope."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cpescript.cwmp.codec import escape
from cpescript.cwmp.hooks import Hook, Point
from cpescript.quirks.catalogue import quirk

if TYPE_CHECKING:
    from cpescript.device.device import Device

_ID = re.compile(rb"(<cwmp:ID [^>]*>)[^<]*(</cwmp:ID>)")
_COUNT = re.compile(rb'(soapenc:arrayType="[^"\[]*\[)(\d+)(\]")')
_STATUS = re.compile(rb"<Status>[^<]*</Status>")


class _SoapQuirk(Hook):
    points: frozenset[Point] = frozenset({"soap-bytes"})

    def _changed(self, device: Device, before: bytes, after: bytes) -> bytes:
        if after != before:
            self.fired(device)
        return after


@quirk(
    "cwmp-id-constant",
    "each of the device's own requests has the same cwmp:ID",
    "echoes the ID and takes it for nothing else, least of all for the key of a session",
)
class CwmpIdConstant(_SoapQuirk):
    id: str = "bogus"

    def soap_bytes(self, device: Device, kind: str, body: bytes) -> bytes:
        if kind.endswith("Response") or kind == "Fault":
            return body
        text = escape(self.id).encode()
        return self._changed(device, body, _ID.sub(lambda found: found[1] + text + found[2], body))


@quirk(
    "bom",
    "a byte order mark stands before the XML declaration",
    "reads the envelope",
    "derived",
)
class ByteOrderMark(_SoapQuirk):
    def soap_bytes(self, device: Device, kind: str, body: bytes) -> bytes:
        return self._changed(device, body, b"\xef\xbb\xbf" + body if body else body)


@quirk(
    "array-count-zero-padded",
    "the lengths in soapenc:arrayType have leading zeros: [0009]",
    "counts the members itself",
)
class ArrayCountZeroPadded(_SoapQuirk):
    def soap_bytes(self, device: Device, kind: str, body: bytes) -> bytes:
        return self._changed(device, body, _COUNT.sub(lambda found: found[1] + found[2].zfill(4) + found[3], body))


@quirk(
    "array-count-wrong",
    "the lengths in soapenc:arrayType are off by one",
    "counts the members itself",
    "derived",
)
class ArrayCountWrong(_SoapQuirk):
    def soap_bytes(self, device: Device, kind: str, body: bytes) -> bytes:
        return self._changed(
            device, body, _COUNT.sub(lambda found: found[1] + b"%d" % (int(found[2]) + 1) + found[3], body)
        )


@quirk(
    "spv-response-empty",
    "a SetParameterValuesResponse has no Status",
    "takes it for Status 0, or reads back what it set",
    "derived",
)
class SpvResponseEmpty(_SoapQuirk):
    def soap_bytes(self, device: Device, kind: str, body: bytes) -> bytes:
        if kind != "SetParameterValuesResponse":
            return body
        return self._changed(device, body, _STATUS.sub(b"", body))
