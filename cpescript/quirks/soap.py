"""Quirks of the SOAP layer: legal and illegal ways to write an envelope."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, ClassVar

from cpescript.cwmp.codec import escape
from cpescript.cwmp.hooks import Hook, Point
from cpescript.quirks.catalogue import Range, quirk
from cpescript.quirks.envelope import entries

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


def _element(name: bytes, text: str) -> tuple[re.Pattern[bytes], bytes]:
    """Return what finds an element, and what to put there for another text."""
    return re.compile(rb"<%s>[^<]*</%s>" % (name, name)), b"<%s>%s</%s>" % (name, escape(text).encode(), name)


class _ElementQuirk(_SoapQuirk):
    """Gives an element of an Inform another text."""

    element: ClassVar[bytes]

    def _text(self, device: Device) -> str:
        raise NotImplementedError

    def soap_bytes(self, device: Device, kind: str, body: bytes) -> bytes:
        if kind != "Inform":
            return body
        found, put = _element(self.element, self._text(device))
        return self._changed(device, body, found.sub(lambda _: put, body, count=1))


@quirk(
    "cwmp-ns-unknown",
    "the CWMP namespace is one that does not exist",
    "answers a Fault 8006 or 400; never an empty response that looks like the end",
)
class CwmpNamespaceUnknown(_SoapQuirk):
    namespace: str = "urn:dslforum-org:cwmp-9-9"

    def soap_bytes(self, device: Device, kind: str, body: bytes) -> bytes:
        namespace = escape(self.namespace).encode()
        return self._changed(device, body, re.sub(rb"urn:dslforum-org:cwmp-\d-\d", lambda _: namespace, body))


@quirk(
    "trailing-garbage",
    "something stands behind the end of the envelope",
    "passes over white space; answers 400 to anything else, and no other session notices",
    "derived",
)
class TrailingGarbage(_SoapQuirk):
    text: str = "garbage"

    def soap_bytes(self, device: Device, kind: str, body: bytes) -> bytes:
        return self._changed(device, body, body + self.text.encode() if body else body)


@quirk(
    "event-code-illegal",
    "the first event has a code that there is not, or not so spelt",
    "passes over it or keeps it as it is",
)
class EventCodeIllegal(_ElementQuirk):
    element = b"EventCode"
    code: str = "2  periodic!"

    def _text(self, device: Device) -> str:
        return self.code


@quirk(
    "serial-placeholder",
    "the serial number is one that many devices share",
    "notices it, and does not make one device of them all",
)
class SerialPlaceholder(_ElementQuirk):
    element = b"SerialNumber"
    serial: str = "999999999999"

    def _text(self, device: Device) -> str:
        return self.serial


@quirk(
    "oui-flip",
    "the OUI is 000000 in one Inform and FFFFFF in the next",
    "notices that it is one device, or keeps two without mixing them",
)
class OuiFlip(_ElementQuirk):
    element = b"OUI"

    def __post_init__(self) -> None:
        self.told = 0

    def _text(self, device: Device) -> str:
        self.told += 1
        return "000000" if self.told % 2 else "FFFFFF"


@quirk(
    "clock-1970-2011",
    "CurrentTime is years off",
    "does not go by the clocks of devices",
)
class ClockOff(_ElementQuirk):
    element = b"CurrentTime"
    time: str = "2011-01-01T00:00:00Z"

    def _text(self, device: Device) -> str:
        return self.time


@quirk(
    "datetime-invalid",
    "CurrentTime is no dateTime",
    "takes the Inform all the same",
)
class DateTimeInvalid(_ElementQuirk):
    element = b"CurrentTime"
    text: str = "1293840000"

    def _text(self, device: Device) -> str:
        return self.text


@quirk(
    "cr-url-stale",
    "the Inform tells a ConnectionRequestURL at which nobody listens",
    "gives up after a while, waits for the next Inform, and does not let itself be sent anywhere",
)
class ConnectionRequestUrlStale(_SoapQuirk):
    url: str = "http://0.0.0.0:7547/"

    def soap_bytes(self, device: Device, kind: str, body: bytes) -> bytes:
        if kind != "Inform":
            return body
        url = escape(self.url).encode()
        pattern = rb"(ConnectionRequestURL</Name><Value[^>]*>)[^<]*"
        return self._changed(device, body, re.sub(pattern, lambda found: found[1] + url, body))


MOST_PARAMETERS = 50_000
"""Of `huge-inform`: some 5 MB, beyond what an ACS must take."""


@lru_cache(maxsize=4)
def _surplus(count: int) -> list[bytes]:
    """Return that many parameters as they stand in an Inform; one list for all devices of a fleet."""
    return [
        b"<ParameterValueStruct><Name>Device.X_Huge.%d.Value</Name>"
        b'<Value xsi:type="xsd:string">%d</Value></ParameterValueStruct>' % (number, number)
        for number in range(count)
    ]


@quirk(
    "huge-inform",
    "the Inform carries that many parameters more",
    "takes it up to a stated size, and answers 413 or a Fault beyond",
    "derived",
)
class HugeInform(_SoapQuirk):
    parameters: Annotated[int, Range(1, MOST_PARAMETERS)] = 1000

    def soap_bytes(self, device: Device, kind: str, body: bytes) -> bytes:
        if kind != "Inform":
            return body
        return self._changed(device, body, entries(lambda members: members + _surplus(self.parameters))(body))


@quirk(
    "double-inform",
    "after InformResponse the same Inform comes again, in the open session",
    "begins anew or refuses it, and does nothing twice",
)
class DoubleInform(_SoapQuirk):
    def __post_init__(self) -> None:
        self.again = False

    def soap_bytes(self, device: Device, kind: str, body: bytes) -> bytes:
        if kind != "Inform":
            return body
        self.again = not self.again
        if self.again:
            device.agent.session.raw = body
        else:
            self.fired(device)
        return body


@quirk(
    "identity-changes-on-upgrade",
    "once another firmware runs, the serial number has a suffix",
    "takes it for another device, or for the same; does not order for ever what the old one was to do",
    "derived",
)
class IdentityChangesOnUpgrade(_ElementQuirk):
    element = b"SerialNumber"
    suffix: str = "-2"

    def __post_init__(self) -> None:
        self.version: str | None = None

    def _text(self, device: Device) -> str:
        path = f"{device.schema.root}DeviceInfo.SoftwareVersion"
        version = device.get(path) if device.leaf(path) is not None else ""
        self.version = version if self.version is None else self.version
        serial = device.device_id[3]
        return serial if version == self.version else serial + self.suffix
