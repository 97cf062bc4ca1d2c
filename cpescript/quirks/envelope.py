"""Quirks of the SOAP layer that always write an envelope in the same other way: a row each in `REWRITES`.

A row is (what shows, what a good ACS does, origin, the kinds of messages it is about, how their octets change). A
change that leaves the octets as they are is not counted as having shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from cpescript.cwmp.hooks import Hook, Point
from cpescript.quirks.catalogue import quirk

if TYPE_CHECKING:
    from cpescript.device.device import Device

Change = Callable[[bytes], bytes]

INFORM = frozenset({"Inform"})
FAULT = frozenset({"Fault"})
COMPLETE = frozenset({"TransferComplete"})
GPV = frozenset({"GetParameterValuesResponse"})
GPN = frozenset({"GetParameterNamesResponse"})
ANY: frozenset[str] = frozenset()

OWN = re.compile(rb'(<cwmp:ID soapenv:mustUnderstand="1">)([^<]*)(</cwmp:ID>)')
_VALUE = re.compile(rb"(<Value[^>]*>)([^<]*)(</Value>)")
_LIST = re.compile(rb'(<ParameterList soapenc:arrayType="[^\[]*\[)\d+(\]">)(.*)(</ParameterList>)', re.DOTALL)
_ENTRY = re.compile(rb"<Parameter(?:Value|Info)Struct>.*?</Parameter(?:Value|Info)Struct>", re.DOTALL)


class Rewrite(NamedTuple):
    """A row of `REWRITES`."""

    summary: str
    good_acs: str
    origin: Literal["field", "derived"]
    kinds: frozenset[str]
    change: Change


def sub(pattern: bytes, by: bytes, count: int = 0) -> Change:
    """Return a change that replaces what matches."""
    compiled = re.compile(pattern, re.DOTALL)
    return lambda body: compiled.sub(by, body, count=count)


def replace(old: bytes, new: bytes) -> Change:
    return lambda body: body.replace(old, new)


def entries(change: Callable[[list[bytes]], list[bytes]]) -> Change:
    """Return a change of the members of a ParameterList; its length stays right."""

    def changed(body: bytes) -> bytes:
        found = _LIST.search(body)
        if found is None:
            return body
        members = change(_ENTRY.findall(found[3]))
        whole = found[1] + b"%d" % len(members) + found[2] + b"".join(members) + found[4]
        return body[: found.start()] + whole + body[found.end() :]

    return changed


def _cdata(found: re.Match[bytes]) -> bytes:
    text = unescape(found[2].decode()).replace("]]>", "]]]]><![CDATA[>")
    return found[1] + b"<![CDATA[" + text.encode() + b"]]>" + found[3]


def _is_object(member: bytes) -> bool:
    return b".</Name>" in member


_GOES_BY_BODY = "reads the envelope"
_READS_VALUES = "takes the value, by the type that it knows of the parameter if need be"

REWRITES: dict[str, Rewrite] = {
    "cwmp-id-missing": Rewrite(
        "no message has a cwmp:ID",
        "goes on; its response may do without an ID too",
        "field",
        ANY,
        lambda body: OWN.sub(b"", body),
    ),
    "header-missing": Rewrite(
        "no envelope has a SOAP Header",
        "goes on without",
        "field",
        ANY,
        sub(rb"<soapenv:Header>.*</soapenv:Header>", b""),
    ),
    "cwmp-id-newline": Rewrite(
        "line feeds stand around each cwmp:ID",
        "echoes the ID as it came",
        "field",
        ANY,
        lambda body: OWN.sub(rb"\1\n\2\n\3", body),
    ),
    "cwmp-id-percent": Rewrite(
        "IDs hold what a format string would take for its own: `100%s%n`",
        "echoes the ID as it came",
        "derived",
        INFORM | COMPLETE,
        lambda body: OWN.sub(rb"\g<1>100%s%n\3", body),
    ),
    "soap-enc-ns-no-slash": Rewrite(
        "the SOAP encoding namespace lacks its slash at the end",
        _GOES_BY_BODY,
        "field",
        ANY,
        replace(b"/soap/encoding/", b"/soap/encoding"),
    ),
    "ns-prefix-odd": Rewrite(
        "the prefixes are `soap_env:` and `x-0:` in place of the usual ones",
        "goes by namespaces, not by prefixes",
        "field",
        ANY,
        lambda body: (
            body.replace(b"soapenv:", b"soap_env:")
            .replace(b":soapenv=", b":soap_env=")
            .replace(b"cwmp:", b"x-0:")
            .replace(b"xmlns:cwmp=", b"xmlns:x-0=")
            .replace(b"dslforum-org:x-0:", b"dslforum-org:cwmp:")
        ),
    ),
    "xml-decl-odd": Rewrite(
        "the XML declaration spans lines, has single quotes and says standalone",
        _GOES_BY_BODY,
        "field",
        ANY,
        sub(rb"^<\?xml[^>]*\?>", b"<?xml version='1.0'\n  encoding='UTF-8' standalone='no' ?>\n"),
    ),
    "xml-attr-odd": Rewrite(
        "attributes have single quotes, and colons, equals signs and `>` in their values",
        _GOES_BY_BODY,
        "field",
        ANY,
        replace(b"<soapenv:Body>", b"<soapenv:Body xmlns:odd='urn:x:a=b' odd:note='a=\"b\":c>d'>"),
    ),
    "control-chars": Rewrite(
        "the first value holds the octet 02, which XML does not allow",
        "refuses or filters it; the session is lost at most, and nobody else's",
        "field",
        INFORM | GPV,
        lambda body: _VALUE.sub(rb"\1" + b"\x02" + rb"\2\3", body, count=1),
    ),
    "non-utf8-bytes": Rewrite(
        "the first value holds a Latin-1 letter where UTF-8 is declared",
        "replaces the octet, or refuses the message; nobody else notices",
        "field",
        INFORM | GPV,
        lambda body: _VALUE.sub(rb"\1" + b"\xe9" + rb"\2\3", body, count=1),
    ),
    "cdata-values": Rewrite(
        "values are CDATA sections",
        _GOES_BY_BODY,
        "derived",
        INFORM | GPV,
        lambda body: _VALUE.sub(_cdata, body),
    ),
    "xsi-type-empty": Rewrite(
        "values have the type `xsd:`",
        _READS_VALUES,
        "field",
        ANY,
        sub(rb'<Value xsi:type="xsd:[^"]*"', b'<Value xsi:type="xsd:"'),
    ),
    "xsi-type-missing": Rewrite(
        "values have no type",
        _READS_VALUES,
        "field",
        ANY,
        sub(rb'<Value xsi:type="[^"]*"', b"<Value"),
    ),
    "xsi-type-nonstandard": Rewrite(
        "values have a type of the vendor's own",
        _READS_VALUES,
        "field",
        ANY,
        sub(rb'<Value xsi:type="xsd:[^"]*"', b'<Value xsi:type="xsd:vendorText"'),
    ),
    "xsi-type-on-wrong-node": Rewrite(
        "names have an xsi:type as well",
        "does not look at it",
        "field",
        ANY,
        replace(b"<Name>", b'<Name xsi:type="xsd:string">'),
    ),
    "name-trailing-space": Rewrite(
        "a blank stands behind each parameter name",
        "trims names, and does not set the same thing for ever",
        "field",
        INFORM | GPV | GPN,
        replace(b"</Name>", b" </Name>"),
    ),
    "value-element-missing": Rewrite(
        "a parameter with an empty value has no Value element",
        "takes it for empty",
        "field",
        INFORM | GPV,
        sub(rb"<Value[^>]*></Value>", b""),
    ),
    "null-literal": Rewrite(
        "empty values are the text `(null)`",
        "keeps the text, or takes it for empty",
        "field",
        INFORM | GPV,
        sub(rb"(<Value[^>]*>)(</Value>)", rb"\1(null)\2"),
    ),
    "empty-post-only": Rewrite(
        "no Inform is ever sent, only an empty POST in its place",
        "refuses it or ends the exchange; keeps no session for it",
        "field",
        INFORM,
        lambda body: b"",
    ),
    "truncated-body": Rewrite(
        "the second half of each message is missing",
        "answers 400; the session is lost and nobody else's",
        "field",
        ANY,
        lambda body: body[: len(body) // 2],
    ),
    # Informs.
    "event-code-empty": Rewrite(
        "the first event has no code",
        "passes over it, or refuses the Inform; nobody else notices",
        "field",
        INFORM,
        sub(rb"<EventCode>[^<]*</EventCode>", b"<EventCode></EventCode>", count=1),
    ),
    "deviceid-extra-child": Rewrite(
        "DeviceId holds an element more, WanIPAddress",
        "does not look at it",
        "field",
        INFORM,
        replace(b"</DeviceId>", b"<WanIPAddress>192.0.2.1</WanIPAddress></DeviceId>"),
    ),
    "manufacturer-empty": Rewrite(
        "Manufacturer is empty",
        "does without",
        "field",
        INFORM,
        sub(rb"<Manufacturer>[^<]*</Manufacturer>", b"<Manufacturer></Manufacturer>"),
    ),
    "unescaped-quote-identity": Rewrite(
        "Manufacturer holds quotes, and an ampersand that was escaped twice",
        "escapes what it makes of the identity: pages, queries, URLs",
        "field",
        INFORM,
        sub(rb"<Manufacturer>[^<]*</Manufacturer>", b"<Manufacturer>\"A\" &amp;amp; 'Sons'</Manufacturer>"),
    ),
    "forced-params-missing": Rewrite(
        "the Inform has no parameters at all",
        "reads what it misses",
        "field",
        INFORM,
        entries(lambda members: []),
    ),
    "parameterkey-not-returned": Rewrite(
        "the Inform lacks ParameterKey",
        "does not provision the device again for that",
        "field",
        INFORM,
        entries(lambda members: [each for each in members if b".ParameterKey<" not in each]),
    ),
    # RPC answers.
    "gpn-parents-omitted": Rewrite(
        "GetParameterNames lists parameters, and no objects",
        "makes the objects out of the names",
        "field",
        GPN,
        entries(lambda members: [each for each in members if not _is_object(each)]),
    ),
    "gpn-object-no-dot": Rewrite(
        "GetParameterNames lists objects without the dot at their end",
        "tells objects by what is below them",
        "field",
        GPN,
        replace(b".</Name>", b"</Name>"),
    ),
    "gpn-empty": Rewrite(
        "GetParameterNames of anything is answered by an empty list",
        "does not take everything for gone, and does not ask for ever",
        "field",
        GPN,
        entries(lambda members: []),
    ),
    "gpv-duplicate-params": Rewrite(
        "each parameter stands twice in a GetParameterValuesResponse",
        "lets the last one count",
        "field",
        GPV,
        entries(lambda members: [each for member in members for each in (member, member)]),
    ),
    "gpv-extra-params": Rewrite(
        "a GetParameterValuesResponse holds a parameter that nobody asked for",
        "does not look at it",
        "field",
        GPV,
        entries(
            lambda members: [
                *members,
                b"<ParameterValueStruct><Name>Device.X_Unasked</Name>"
                b'<Value xsi:type="xsd:string">1</Value></ParameterValueStruct>',
            ]
        ),
    ),
    "gpv-missing-params": Rewrite(
        "the last of the parameters is missing in each GetParameterValuesResponse",
        "notes what is missing, and does not ask for ever",
        "field",
        GPV,
        entries(lambda members: members[:-1]),
    ),
    "writable-wrong": Rewrite(
        "GetParameterNames calls everything read-only",
        "sets what it knows that it can set",
        "field",
        GPN,
        replace(b"<Writable>1<", b"<Writable>0<"),
    ),
    # Faults.
    "fault-no-header": Rewrite(
        "a Fault has no SOAP Header",
        "takes it for the answer to what it asked",
        "field",
        FAULT,
        sub(rb"<soapenv:Header>.*</soapenv:Header>", b""),
    ),
    "fault-bare": Rewrite(
        "a Fault has no detail, so no CWMP fault code",
        "takes the RPC for failed and goes on",
        "derived",
        FAULT,
        sub(rb"<detail>.*</detail>", b""),
    ),
    "spv-fault-name-mangled": Rewrite(
        "a Fault on SetParameterValues lists the bad parameters with a hyphen before their names",
        "reports what it is told, and looks the names up in what it asked",
        "field",
        FAULT,
        replace(b"<ParameterName>", b"<ParameterName>-"),
    ),
    "spv-detail-in-wrong-rpc": Rewrite(
        "any Fault lists a bad parameter, as only one on SetParameterValues should",
        "does not look at it",
        "field",
        FAULT,
        lambda body: (
            body
            if b"SetParameterValuesFault" in body
            else body.replace(
                b"</cwmp:Fault>",
                b"<SetParameterValuesFault><ParameterName>Device.</ParameterName><FaultCode>9002</FaultCode>"
                b"<FaultString></FaultString></SetParameterValuesFault></cwmp:Fault>",
            )
        ),
    ),
    # Transfers.
    "tc-commandkey-empty": Rewrite(
        "TransferComplete has no CommandKey",
        "answers it and keeps its fault; ends what it can be about",
        "field",
        COMPLETE,
        sub(rb"<CommandKey>[^<]+</CommandKey>", b"<CommandKey></CommandKey>"),
    ),
    "tc-zero-times": Rewrite(
        "the times of a TransferComplete are unknown, though all went well",
        "goes by its own clock",
        "field",
        COMPLETE,
        sub(rb"(<(?:Start|Complete)Time>)[^<]*", rb"\g<1>0001-01-01T00:00:00Z"),
    ),
}


class _Rewriting(Hook):
    points: frozenset[Point] = frozenset({"soap-bytes"})
    row: ClassVar[Rewrite]

    def soap_bytes(self, device: Device, kind: str, body: bytes) -> bytes:
        row = self.row
        if not body or (row.kinds and kind not in row.kinds):
            return body
        changed = row.change(body)
        if changed != body:
            self.fired(device)
        return changed


for _name, _row in REWRITES.items():
    quirk(_name, _row.summary, _row.good_acs, _row.origin)(type(_name, (_Rewriting,), {"row": _row}))
