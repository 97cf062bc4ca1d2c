"""SOAP envelopes to messages and back, driven by the table in `rpcs`.

Reading is hardened: no document type, no entities, no network, bounded size, depth and text (libxml2's limits stay on).
It looks at local names only below the method element, ignores what it does not know, and counts array members itself,
as a receiver should. Writing gives compact XML with the customary prefixes. A character that XML 1.0 cannot carry is
written as U+FFFD, so that the damage shows instead of making the envelope unreadable.

`encode` is the plain way to write any message. `InformTemplate` is the fast way to write an Inform, whose bytes are
those of `encode`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from sys import intern
from typing import Any

from lxml import etree

from cpescript.cwmp.message import CLASSES, Event, Message, ParameterValue
from cpescript.cwmp.rpcs import CHOICES, CLIENT_FAULTS, FAULT_FIELDS, MESSAGES, NAMESPACES, STRUCTURES, Field

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
SCHEMA = "http://www.w3.org/2001/XMLSchema"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"

MAX_OCTETS = 8 * 1024 * 1024
"""The largest envelope that is read: a SetParameterValues of 10,000 long parameters is about 4 MiB."""
MOST_NAME = 64
"""Characters of a method's name, as a GetRPCMethodsResponse has them (TR-069 A.3.1.1): kinds of messages are kept."""
MEMO_OCTETS = 4096
"""Envelopes up to this size are remembered once read: the same few come again and again from an ACS."""

HEADERS: Mapping[str, str] = {
    "HoldRequests": "1",
    "SessionTimeout": "0",
    "SupportedCWMPVersions": "0",
    "UseCWMPVersion": "1",
}
"""The CWMP headers besides ID, with their mustUnderstand (TR-069 3.5, cwmp-1-2.xsd to cwmp-1-4.xsd)."""


class CwmpSyntaxError(ValueError):
    """The body is no CWMP envelope; the text says why. It is the peer's mistake."""


# --- Writing ------------------------------------------------------------------------------------------------------

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape(text: str) -> str:
    """Return `text` as XML character data; a carriage return survives as a character reference."""
    # Printable text without the three is the rule, and told at the speed of memchr.
    if text.isprintable() and "&" not in text and "<" not in text and ">" not in text:
        return text
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return _NOT_XML.sub("\ufffd", text)


def _attribute(text: str) -> str:
    return escape(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


def encode(message: Message, namespace_version: str | None = None) -> bytes:
    """Return the envelope of a message, in the namespace of `namespace_version` (`1.0`, `1.1`, `1.2`; its own if None).

    Raises KeyError for a kind that the catalogue does not know, or a mandatory element that is missing.
    """
    version = namespace_version or message.version
    out = [_head(version), _header(message.id, message.headers), "<soapenv:Body>"]
    if message.kind == "Fault":
        _write_fault(out, message.fields)
    else:
        fields = MESSAGES[message.kind].fields
        out.append(f"<cwmp:{message.kind}>")
        _write(out, fields, message.fields)
        out.append(f"</cwmp:{message.kind}>")
    out.append("</soapenv:Body></soapenv:Envelope>")
    return "".join(out).encode()


@lru_cache(maxsize=8)
def _head(version: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soapenv:Envelope xmlns:soapenv="{ENVELOPE}" xmlns:soapenc="{ENCODING}" xmlns:xsd="{SCHEMA}"'
        f' xmlns:xsi="{INSTANCE}" xmlns:cwmp="{NAMESPACES[version]}">'
    )


def _header(id: str | None, headers: Mapping[str, str]) -> str:
    if id is None and not headers:
        return ""
    parts = ["<soapenv:Header>"]
    if id is not None:
        parts.append(f'<cwmp:ID soapenv:mustUnderstand="1">{escape(id)}</cwmp:ID>')
    for name, value in headers.items():
        parts.append(f'<cwmp:{name} soapenv:mustUnderstand="{HEADERS[name]}">{escape(value)}</cwmp:{name}>')
    parts.append("</soapenv:Header>")
    return "".join(parts)


def _write_fault(out: list[str], values: Mapping[str, Any]) -> None:
    side = "Client" if values["fault_code"] in CLIENT_FAULTS else "Server"
    out.append(
        f"<soapenv:Fault><faultcode>soapenv:{side}</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault>"
    )
    _write(out, FAULT_FIELDS, values)
    out.append("</cwmp:Fault></detail></soapenv:Fault>")


def _write(out: list[str], fields: Iterable[Field], values: Mapping[str, Any]) -> None:
    for field in fields:
        element, structure = field.element, STRUCTURES.get(field.type)
        if field.many == "[]":
            _write_array(out, field, values[field.name])
        elif field.many == "*":
            for item in values[field.name] if not field.optional else values.get(field.name, ()):
                _write_item(out, element, field.type, item)
        elif structure is not None:
            out.append(f"<{element}>")
            _write(out, structure.fields, values)
            out.append(f"</{element}>")
        else:
            value = values.get(field.name) if field.optional else values[field.name]
            if value is not None:
                out.append(f"<{element}>{_text(value)}</{element}>")


def _write_array(out: list[str], field: Field, items: Sequence[Any]) -> None:
    element, kind = field.element, field.type
    if kind not in STRUCTURES:
        prefix = "soapenc" if kind == "base64" else "xsd"
        out.append(f'<{element} soapenc:arrayType="{prefix}:{kind}[{len(items)}]">')
        out.extend(f"<{kind}>{_text(item)}</{kind}>" for item in items)
    else:
        out.append(f'<{element} soapenc:arrayType="cwmp:{kind}[{len(items)}]">')
        if kind == "ParameterValueStruct":
            out.extend(map(_parameter_value, items))
        else:
            for item in items:
                _write_item(out, kind, kind, item)
    out.append(f"</{element}>")


def _parameter_value(item: ParameterValue) -> str:
    name, value, kind = item
    typed = f' xsi:type="xsd:{_attribute(kind)}"' if kind else ""
    return (
        f"<ParameterValueStruct><Name>{escape(name)}</Name><Value{typed}>{escape(value)}</Value></ParameterValueStruct>"
    )


def _write_item(out: list[str], element: str, kind: str, item: Any) -> None:
    choice = CHOICES.get(kind)
    if choice is None:
        out.append(f"<{element}>")
    else:
        kind = next(name for name in choice if isinstance(item, CLASSES[name]))
        out.append(f'<{element} xsi:type="cwmp:{kind}">')
    _write(out, STRUCTURES[kind].fields, dict(zip(_members(kind), item, strict=True)))
    out.append(f"</{element}>")


@lru_cache(maxsize=64)
def _members(kind: str) -> tuple[str, ...]:
    """Return the field names of a structure in the order of its class, which is that of its elements."""
    names: list[str] = []
    for field in STRUCTURES[kind].fields:
        inner = STRUCTURES.get(field.type)
        names.extend(each.name for each in inner.fields) if inner is not None else names.append(field.name)
    return tuple(names)


def _text(value: object) -> str:
    # 1 and 0, not true and false: the form that every reader of xsd:boolean is known to take.
    if value is True:
        return "1"
    if value is False:
        return "0"
    return escape(str(value))


class InformTemplate:
    """An Inform with everything worked out that does not change from one to the next.

    Made for one list of (parameter name, type), one namespace version and one set of headers; shared by all devices
    whose Informs look so.
    """

    __slots__ = ("_parts",)

    def __init__(
        self, parameters: Sequence[tuple[str, str]], version: str, headers: Mapping[str, str] | None = None
    ) -> None:
        # The plain encoder writes it once, with marks where values go, so that both ways give the same bytes.
        mark = "\ue000"
        fields = {
            "manufacturer": mark,
            "oui": mark,
            "product_class": mark,
            "serial_number": mark,
            "event": (),
            "max_envelopes": 1,
            "current_time": mark,
            "retry_count": mark,
            "parameter_list": tuple(ParameterValue(name, mark, kind) for name, kind in parameters),
        }
        plain = encode(Message("Inform", fields, mark, version, headers or {})).decode()
        fixed = plain.replace(_NO_EVENTS, mark).split(mark)
        # What is fixed and, between each two of them, room for what is not.
        self._parts = [part for each in fixed for part in (each, "")][:-1]

    def render(
        self,
        id: str,
        device_id: tuple[str, str, str, str],
        events: tuple[Event, ...],
        current_time: str,
        retry_count: int,
        values: list[str],
    ) -> bytes:
        """Return the Inform; `values` are those of the template's parameters, in its order."""
        dynamic = [id, *device_id, *values]
        together = "".join(dynamic)
        if not together.isprintable() or "&" in together or "<" in together or ">" in together:
            dynamic = [escape(value) for value in dynamic]
        dynamic[5:5] = (_event_block(events), current_time, str(retry_count))
        parts = self._parts.copy()
        parts[1::2] = dynamic
        return "".join(parts).encode()


_NO_EVENTS = '<Event soapenc:arrayType="cwmp:EventStruct[0]"></Event>'


@lru_cache(maxsize=1024)
def _event_block(events: tuple[Event, ...]) -> str:
    out: list[str] = []
    _write_array(out, _EVENT, events)
    return "".join(out)


_EVENT = next(field for field in MESSAGES["Inform"].fields if field.name == "event")


# --- Reading ------------------------------------------------------------------------------------------------------

_NAMESPACE = re.compile(r"urn:dslforum-org:cwmp-(\d+)-(\d+)")
_VERSIONS = {namespace: version for version, namespace in NAMESPACES.items()}
_TYPE = f"{{{INSTANCE}}}type"


PARSER = etree.XMLParser(
    resolve_entities=False,
    load_dtd=False,
    no_network=True,
    dtd_validation=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
    recover=False,
)
"""Reads what came off the wire: no entities, no document type, no network, bounded depth and text."""


def decode(body: bytes) -> Message:
    """Return the message that an envelope holds. Raises CwmpSyntaxError for anything else.

    A method that the catalogue does not know gives a message of that kind without fields. A SOAP Fault without CWMP
    detail gives a Fault without `fault_code`.
    """
    return _remembered(body) if len(body) <= MEMO_OCTETS else decode_plain(body)


def decode_plain(body: bytes) -> Message:
    """Do what `decode` does, without remembering."""
    if len(body) > MAX_OCTETS:
        raise CwmpSyntaxError(f"an envelope of {len(body)} octets; {MAX_OCTETS} are read at most")
    if b"<!DOCTYPE" in body:
        raise CwmpSyntaxError("a document type declaration")
    try:
        root = etree.fromstring(body.lstrip(), PARSER)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise CwmpSyntaxError(f"not well-formed XML: {error}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise CwmpSyntaxError("a document type declaration")
    if root.tag != f"{{{ENVELOPE}}}Envelope":
        raise CwmpSyntaxError(f"the root is {root.tag}, not a SOAP 1.1 Envelope")
    header = root.find(f"{{{ENVELOPE}}}Header")
    soap_body = root.find(f"{{{ENVELOPE}}}Body")
    if soap_body is None or len(soap_body) == 0:
        raise CwmpSyntaxError("no method in the SOAP body")
    if len(soap_body) > 1 and any(_version(each.tag[1:].rpartition("}")[0]) for each in list(soap_body)[1:]):
        raise CwmpSyntaxError("more than one method in the SOAP body")
    id, version, headers = _read_header(header)
    method = soap_body[0]
    namespace, _, local = method.tag[1:].rpartition("}")
    if namespace == ENVELOPE and local == "Fault":
        return _read_fault(method, id, version, headers)
    if len(local) > MOST_NAME:
        raise CwmpSyntaxError(f"a method whose name has {len(local)} characters; {MOST_NAME} are read at most")
    version = _version(namespace)
    if version is None:
        raise CwmpSyntaxError(f"<{local}> is in no CWMP namespace ({namespace or 'none'})")
    known = MESSAGES.get(local)
    values: dict[str, Any] = {}
    if known is not None and local != "Fault":
        _read(method, known.fields, values)
    return Message(intern(local), values, id, version, headers)


_remembered = lru_cache(maxsize=256)(decode_plain)


def _version(namespace: str) -> str | None:
    known = _VERSIONS.get(namespace)
    if known is not None:
        return known
    match = _NAMESPACE.fullmatch(namespace)
    return f"{match[1]}.{match[2]}" if match else None


def _local(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2]


def _read_header(header: etree._Element | None) -> tuple[str | None, str | None, dict[str, str]]:
    id, version, found = None, None, {}
    for element in header if header is not None else ():
        namespace, _, local = element.tag[1:].rpartition("}")
        version = _version(namespace) or version
        if local == "ID":
            id = element.text or ""
        elif local in HEADERS:
            found[local] = element.text or ""
    return id, version, found


def _read_fault(method: etree._Element, id: str | None, version: str | None, headers: dict[str, str]) -> Message:
    values: dict[str, Any] = {}
    for child in method:
        if _local(child) == "detail":
            for inner in child:
                if _local(inner) == "Fault":
                    _read(inner, FAULT_FIELDS, values)
                    version = _version(inner.tag[1:].rpartition("}")[0]) or version
                    break
    return Message("Fault", values, id, version or "1.0", headers)


def _read(element: etree._Element, fields: Sequence[Field], values: dict[str, Any]) -> None:
    children: dict[str, list[etree._Element]] = {}
    for child in element:
        children.setdefault(_local(child), []).append(child)
    for field in fields:
        found = children.get(field.element)
        if field.many == "*":
            if found or not field.optional:
                values[field.name] = tuple(_read_item(child, field.type) for child in found or ())
        elif found is None:
            continue
        elif field.many == "[]":
            values[field.name] = _read_array(found[0], field.type)
        elif field.type in STRUCTURES:
            _read(found[0], STRUCTURES[field.type].fields, values)
        else:
            values[field.name] = _READERS[field.type](found[0].text or "")


def _read_array(element: etree._Element, kind: str) -> tuple[Any, ...]:
    if kind == "ParameterValueStruct":
        return tuple([_read_parameter_value(child) for child in element])
    if kind in STRUCTURES:
        return tuple([_read_item(child, kind) for child in element])
    read = _READERS[kind]
    return tuple([read(child.text or "") for child in element])


def _read_parameter_value(element: etree._Element) -> ParameterValue:
    name = value = kind = ""
    for child in element:
        local = _local(child)
        if local == "Name":
            name = child.text or ""
        elif local == "Value":
            value = child.text or ""
            kind = (child.get(_TYPE) or "").rpartition(":")[2]
    return ParameterValue(name, value, kind)


_BLANK: Mapping[str, Any] = {"boolean": False, "int": 0, "unsignedInt": 0}


def _read_item(element: etree._Element, kind: str) -> Any:
    if kind in CHOICES:
        named = (element.get(_TYPE) or "").rpartition(":")[2]
        kind = named if named in CHOICES[kind] else CHOICES[kind][0]
    values: dict[str, Any] = {}
    fields = STRUCTURES[kind].fields
    _read(element, fields, values)
    return CLASSES[kind](*[values.get(name, _default(kind, name)) for name in _members(kind)])


@lru_cache(maxsize=256)
def _default(kind: str, name: str) -> Any:
    """Return what an absent element of a structure reads as: None if it may be absent, else its type's empty value."""
    for field in STRUCTURES[kind].fields:
        if field.name == name:
            return None if field.optional else () if field.many else _BLANK.get(field.type, "")
    return 0 if name == "fault_code" else ""


def _integer(text: str) -> int | str:
    try:
        return int(text) if len(text) < 32 else text
    except ValueError:
        return text


_BOOLEANS = {"1": True, "true": True, "0": False, "false": False}


def _boolean(text: str) -> bool | str:
    return _BOOLEANS.get(text.strip(), text)


_READERS: Mapping[str, Callable[[str], Any]] = {
    "string": str,
    "dateTime": str.strip,
    "base64": str,
    "boolean": _boolean,
    "int": _integer,
    "unsignedInt": _integer,
}
