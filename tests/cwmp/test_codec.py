"""Envelopes: what is written is read back, the fast way writes what the plain one does, hostile bytes are refused."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpescript.cwmp.codec import (
    MAX_OCTETS,
    MEMO_OCTETS,
    CwmpSyntaxError,
    InformTemplate,
    decode,
    decode_plain,
    encode,
    escape,
)
from cpescript.cwmp.message import CLASSES, Event, Message, ParameterFault, ParameterValue, fault
from cpescript.cwmp.rpcs import CHOICES, MESSAGES, NAMESPACES, STRUCTURES, Field, flat_fields

XML_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r&<>\"'%"),
    max_size=24,
).filter(lambda text: "\ufffe" not in text)
"""Any text that XML 1.0 can carry."""

_SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "string": XML_TEXT,
    "base64": st.sampled_from(["", "aGk=", "AAAA"]),
    "dateTime": st.sampled_from(["0001-01-01T00:00:00Z", "2026-01-01T00:00:00Z"]),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "unsignedInt": st.integers(0, 2**32 - 1),
}


def _one(kind: str) -> st.SearchStrategy[Any]:
    if kind in CHOICES:
        return st.one_of([_one(name) for name in CHOICES[kind]])
    if kind == "ParameterValueStruct":
        return st.builds(ParameterValue, XML_TEXT, XML_TEXT, st.sampled_from(["string", "unsignedInt", "", "boolean"]))
    if kind in STRUCTURES:
        parts = [_value(field) for field in flat_fields(STRUCTURES[kind].fields)]
        return st.tuples(*parts).map(lambda values: CLASSES[kind](*values))
    return _SIMPLE[kind]


def _value(field: Field) -> st.SearchStrategy[Any]:
    value = st.lists(_one(field.type), max_size=3).map(tuple) if field.many else _one(field.type)
    if field.type == "SetParameterValuesFault":
        return st.lists(st.builds(ParameterFault, XML_TEXT, st.just(9005), XML_TEXT), min_size=1, max_size=3).map(tuple)
    return st.none() | value if field.optional and not field.many else value


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Any message of the catalogue with any fields."""
    kind = draw(st.sampled_from(sorted(MESSAGES)))
    fields = {field.name: draw(_value(field)) for field in flat_fields(MESSAGES[kind].fields)}
    present = {name: value for name, value in fields.items() if value is not None}
    headers = draw(st.sampled_from([{}, {"HoldRequests": "1"}, {"SessionTimeout": "60"}]))
    return Message(kind, present, draw(st.none() | XML_TEXT), draw(st.sampled_from(sorted(NAMESPACES))), headers)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(messages())
def test_what_is_written_is_read_back(message: Message) -> None:
    assert decode(encode(message)) == message


INFORM_PARAMETERS = (("Device.A", "string"), ("Device.B.1.C", "unsignedInt"), ("Device.100%", "string"))


@given(
    st.tuples(XML_TEXT, XML_TEXT, XML_TEXT, XML_TEXT),
    st.lists(st.builds(Event, XML_TEXT, XML_TEXT), max_size=4).map(tuple),
    st.lists(XML_TEXT | st.text(max_size=8), min_size=3, max_size=3),
    st.sampled_from(sorted(NAMESPACES)),
    st.integers(0, 2000),
)
def test_the_compiled_inform_has_the_bytes_of_the_plain_one(
    device_id: tuple[str, str, str, str], events: tuple[Event, ...], values: list[str], version: str, retries: int
) -> None:
    fields = {
        **dict(zip(("manufacturer", "oui", "product_class", "serial_number"), device_id, strict=True)),
        "event": events,
        "max_envelopes": 1,
        "current_time": "2026-01-01T00:00:00Z",
        "retry_count": retries,
        "parameter_list": tuple(
            ParameterValue(name, value, kind) for (name, kind), value in zip(INFORM_PARAMETERS, values, strict=True)
        ),
    }
    headers = {"SupportedCWMPVersions": "1.0,1.1"}
    template = InformTemplate(INFORM_PARAMETERS, version, headers)
    fast = template.render("1", device_id, events, "2026-01-01T00:00:00Z", retries, values)
    assert fast == encode(Message("Inform", fields, "1", version, headers))


@given(st.text())
def test_any_text_makes_a_readable_envelope(text: str) -> None:
    body = encode(Message("Reboot", {"command_key": text}))
    key = decode(body).fields["command_key"]
    assert len(key) == len(text)
    assert all(one == other or one == "\ufffd" for one, other in zip(key, text, strict=True))


def test_control_characters_show_as_replacement() -> None:
    assert escape("a\x02b\rc") == "a\ufffdb&#13;c"


def test_remembering_changes_nothing() -> None:
    body = encode(Message("InformResponse", {"max_envelopes": 1}, "1"))
    assert decode(body) is decode(bytes(bytearray(body)))
    assert decode(body) == decode_plain(body)
    other = body.replace(b">1<", b">2<")
    assert decode(other).id == "2"


def test_large_envelopes_are_not_remembered() -> None:
    body = encode(Message("Reboot", {"command_key": "x" * MEMO_OCTETS}))
    assert decode(body) is not decode(body)
    assert decode(body) == decode(body)


def test_boolean_elements_are_written_as_digits_and_read_either_way() -> None:
    body = encode(Message("GetParameterNames", {"parameter_path": "", "next_level": True}))
    assert b"<NextLevel>1</NextLevel>" in body
    assert decode(body.replace(b">1<", b">true<")).fields["next_level"] is True
    assert decode(body.replace(b">1<", b">maybe<")).fields["next_level"] == "maybe"


def test_reading_goes_by_namespace_and_not_by_prefix() -> None:
    body = encode(Message("Reboot", {"command_key": "k"}, "7"))
    odd = body.replace(b"soapenv", b"SOAP-ENV").replace(b"cwmp:", b"x:").replace(b"xmlns:cwmp", b"xmlns:x")
    assert decode(b"\n " + odd) == decode(body)


def test_members_are_counted_and_not_believed() -> None:
    body = encode(Message("GetParameterValues", {"parameter_names": ("A", "B")}))
    assert decode(body.replace(b"[2]", b"[0009]")).paths == ("A", "B")


def test_an_unknown_method_keeps_its_name_and_its_version() -> None:
    body = encode(Message("Reboot", {"command_key": ""}, "3"))
    message = decode(body.replace(b"cwmp:Reboot", b"cwmp:X_ACME_Blink").replace(b"cwmp-1-2", b"cwmp-9-9"))
    assert (message.kind, message.id, message.version, message.fields) == ("X_ACME_Blink", "3", "9.9", {})


def test_a_fault_without_cwmp_detail_is_a_fault_without_code() -> None:
    body = encode(fault(9002, "Internal error", "4"))
    bare = body[: body.index(b"<detail>")] + body[body.index(b"</detail>") + len(b"</detail>") :]
    assert decode(bare) == Message("Fault", {}, "4", "1.2")


@pytest.mark.parametrize(("code", "side"), [(9003, b"Client"), (9002, b"Server"), (8003, b"Client"), (8005, b"Server")])
def test_the_soap_side_of_a_fault_follows_its_code(code: int, side: bytes) -> None:
    assert b"<faultcode>soapenv:" + side + b"</faultcode><faultstring>CWMP fault</faultstring>" in encode(
        fault(code, "")
    )


BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>"""
GOOD = encode(Message("Reboot", {"command_key": "k"}, "1"))

HOSTILE = {
    "empty": b"",
    "text": b"hello",
    "html": b"<html><body>It works!</body></html>",
    "entities": BOMB + GOOD[GOOD.index(b"?>") + 2 :].replace(b">k<", b">&b;<"),
    "external entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><x>&e;</x>',
    "utf-16 doctype": '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "a">]><x>&a;</x>'.encode(
        "utf-16"
    ),
    "undefined entity": GOOD.replace(b">k<", b">&nope;<"),
    "deep nest": b"<a>" * 100_000,
    "closed deep nest": b"<a>" * 5_000 + b"</a>" * 5_000,
    "junk": b"\x00\xff" * 500_000,
    "cut": GOOD[:-40],
    "no body": GOOD.replace(b"soapenv:Body", b"soapenv:Bodi"),
    "empty body": GOOD[: GOOD.index(b"<cwmp:Reboot>")] + GOOD[GOOD.index(b"</soapenv:Body>") :],
    "two methods": GOOD.replace(b"</cwmp:Reboot>", b"</cwmp:Reboot><cwmp:FactoryReset/>"),
    "foreign method": GOOD.replace(b"dslforum-org:cwmp-1-2", b"example:other"),
    "wrong soap": GOOD.replace(b"schemas.xmlsoap.org/soap/envelope", b"www.w3.org/2003/05/soap-envelope"),
    "too large": GOOD + b" " * MAX_OCTETS,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bytes_are_a_syntax_error_and_nothing_else(body: bytes) -> None:
    with pytest.raises(CwmpSyntaxError):
        decode(body)


def test_what_a_method_refers_to_may_stand_beside_it() -> None:
    beside = GOOD.replace(b"</cwmp:Reboot>", b'</cwmp:Reboot><multiRef id="id0">x</multiRef>')
    assert decode(beside) == decode(GOOD)


def test_a_document_type_is_refused_in_any_encoding() -> None:
    text = GOOD.decode().replace("UTF-8", "utf-16")
    assert decode(text.encode("utf-16")) == decode(GOOD)
    typed = text.replace("<soapenv:Envelope", '<!DOCTYPE x [<!ENTITY k "v">]><soapenv:Envelope', 1)
    with pytest.raises(CwmpSyntaxError, match="document type"):
        decode(typed.encode("utf-16"))


@given(st.binary(max_size=200) | st.integers(0, len(GOOD)).map(lambda cut: GOOD[:cut] + b"\x00" + GOOD[cut:]))
def test_any_octets_are_a_message_or_a_syntax_error(body: bytes) -> None:
    with suppress(CwmpSyntaxError):
        assert decode(body).kind
