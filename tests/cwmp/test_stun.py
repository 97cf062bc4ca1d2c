"""STUN messages: the test vectors of RFC 5769, both rules of MESSAGE-INTEGRITY, and octets that are no message."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpescript.cwmp import stun

RFC_5769_IPV4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
RFC_5769_KEY = b"VOkJxbRl1RmTxUk/WvJxBt"
TRANSACTION = bytes(range(1, 17))
KEY = b"between us"


def test_the_response_of_rfc_5769() -> None:
    message = stun.parse(RFC_5769_IPV4)
    assert message.kind == stun.BINDING_RESPONSE
    assert message.mapped == ("192.0.2.1", 32853)
    assert stun.proves(message, RFC_5769_KEY)
    assert not stun.proves(message, RFC_5769_KEY + b"x")


def test_a_binding_request_as_annex_g_has_it() -> None:
    octets = stun.encode(
        stun.BINDING_REQUEST,
        TRANSACTION,
        [(stun.CONNECTION_REQUEST_BINDING, stun.IS_BINDING), (stun.USERNAME, b"cpe-1")],
    )
    assert octets[:4] == b"\x00\x01\x00\x24"
    assert octets[20:44] == b"\xc0\x01\x00\x14dslforum.org/TR-111 "
    assert octets[44:] == b"\x00\x06\x00\x08cpe-1   "


def test_the_older_rule_covers_the_message_padded_to_64_octets() -> None:
    octets = stun.encode(stun.BINDING_REQUEST, TRANSACTION, [(stun.USERNAME, b"cpe1")], KEY)
    covered = octets[:28]
    assert octets[32:] == hmac.digest(KEY, covered + bytes(36), "sha1")
    assert stun.proves(stun.parse(octets), KEY)


@given(st.binary(min_size=16, max_size=16), st.binary(max_size=40), st.booleans(), st.integers(0, 400))
def test_a_proof_is_of_every_octet_before_it(transaction: bytes, name: bytes, modern: bool, at: int) -> None:
    if modern:
        transaction = stun.MAGIC_COOKIE.to_bytes(4, "big") + transaction[4:]
    octets = bytearray(stun.encode(stun.BINDING_REQUEST, transaction, [(stun.USERNAME, name)], KEY))
    assert stun.proves(stun.parse(bytes(octets)), KEY)
    octets[at % len(octets)] ^= 0x20
    try:
        spoiled = stun.parse(bytes(octets))
    except stun.StunError:
        return
    assert not stun.proves(spoiled, KEY)


@pytest.mark.parametrize("address", [("192.0.2.7", 1024), ("2001:db8::7", 65535)])
def test_an_address_goes_there_and_back(address: stun.Address) -> None:
    value = stun.mapped_address(address)
    message = stun.parse(stun.encode(stun.BINDING_RESPONSE, TRANSACTION, [(stun.MAPPED_ADDRESS, value)]))
    assert message.mapped == address


def test_an_error_has_a_number() -> None:
    error = stun.parse(stun.encode(stun.BINDING_ERROR, TRANSACTION, [(stun.ERROR_CODE, b"\0\0\x04\x01no")]))
    assert (error.error, error.mapped) == (401, None)
    assert stun.parse(stun.encode(stun.BINDING_ERROR, TRANSACTION)).error == 0


@given(st.binary(max_size=120))
def test_no_octets_are_too_strange(octets: bytes) -> None:
    for each in (octets, b"\x01\x01" + len(octets).to_bytes(2, "big") + bytes(16) + octets):
        try:
            message = stun.parse(each)
        except stun.StunError:
            continue
        assert message.mapped is None or len(message.mapped) == 2
        assert not stun.proves(message, KEY)
        assert message.error >= 0


@pytest.mark.parametrize(
    "octets",
    [b"", bytes(19), b"\0\1\0\4" + bytes(16), b"\0\1\0\4" + bytes(16) + b"\0\6\0\4", bytes(stun.MOST_OCTETS + 1)],
)
def test_what_is_no_message(octets: bytes) -> None:
    with pytest.raises(stun.StunError):
        stun.parse(octets)
