"""Fleet placeholders and pools, by the examples of the profile format."""

from __future__ import annotations

import pytest

from cpescript.device.placeholders import PlaceholderError, SerialPattern, expansion, first_options
from cpescript.device.pools import Pool, PoolError, ipv4_pool, ipv6_pool, ipv6_prefix_pool
from cpescript.kernel import draws

POOLS: dict[str, Pool] = {"wan": ipv4_pool("203.0.113.0/24")}


def expand(text: str, index: int = 7, seed: int = 42) -> str:
    ready = expansion(text, POOLS)
    assert ready is not None
    return ready.text_for(index, seed)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{cpe_id}", "cpe-7"),
        ("{cpe}", "7"),
        ("{cpe:3}", "007"),
        ("{cpe:0}", "7"),
        ("{cpe:hex:4}", "0007"),
        ("{cpe:HEX:4}", "0007"),
        ("{cpe:mac:3}", "00:00:07"),
        ("{cpe:ipv4:203.0.113.0/24}", "203.0.113.7"),
        ("{cpe:ipv6:2001:db8::/64}", "2001:db8::7"),
        ("{cpe:ipv6prefix:2001:db8:cafe::/48,56}", "2001:db8:cafe:700::/56"),
        ("{cpe:pick:1,6,11}", "1"),
        ("{cpe:pick: a , b }", "a"),
        ("{wan}", "203.0.113.7"),
        ("a{cpe}b{cpe:2}c{cpe_id}", "a7b07ccpe-7"),
        ("{cpe}{unknown}{cpe:what:3}", "7{unknown}{cpe:what:3}"),
        ("{cpe:pick:{cpe},x}", "7"),
    ],
)
def test_index_seven(text: str, value: str) -> None:
    assert expand(text) == value


def test_numbers_and_pools_go_before_what_may_hold_them() -> None:
    # {cpe_id}, {cpe} and pools are text by the time that {cpe:...} is read, and its result is not read again.
    assert expand("{cpe:pick:{wan},x}") == "203.0.113.7"
    assert expand("{cpe:pick:{cpe_id},x}") == "cpe-7"
    assert expand("{cpe:pick:{cpe:2},x}", 1) == "{cpe:pick:01,x}"


def test_hexadecimal_case() -> None:
    assert expand("{cpe:hex:2}{cpe:HEX:2}", 171) == "abAB"
    assert expand("{cpe:mac:2} {cpe:MAC:2}", 0xABCD) == "ab:cd AB:CD"


@pytest.mark.parametrize("text", ["plain", "{", "{i}", "{unknown}", "{cpe:what:3}", "{cpe:-1}", "{cpe:}"])
def test_nothing_to_replace(text: str) -> None:
    assert expansion(text, POOLS) is None


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("{cpe:mac:1}", 256),
        ("{cpe:mac:4}", 1),
        ("{cpe:mac:x}", 1),
        ("{cpe:hex:x}", 1),
        ("{cpe:alnum:0}", 1),
        ("{cpe:alnum:99999999999}", 1),
        ("{cpe:ipv4:203.0.113.0}", 1),
        ("{cpe:ipv4:203.0.113.0/24}", 256),
        ("{cpe:ipv6prefix:2001:db8::/48}", 1),
        ("{cpe:99999}", 1),
    ],
)
def test_out_of_reach(text: str, index: int) -> None:
    with pytest.raises(PlaceholderError):
        expand(text, index)


def test_random_pick_is_drawn_from_its_own_stream() -> None:
    options = ("a", "b", "c")
    for index in range(1, 30):
        stream = draws.stream(42, f"cpe-{index}:rpick:a,b,c")
        assert expand("{cpe:rpick:a,b,c}", index) == options[draws.below(stream, 0, 3)]
    assert len({expand("{cpe:rpick:a,b,c}", index) for index in range(1, 30)}) == 3


def test_alphanumeric_token_repeats_for_each_text_and_goes_on_within_one() -> None:
    token = expand("{cpe:alnum:6}")
    assert expand("x{cpe:alnum:6}") == "x" + token
    assert expand("{cpe:alnum:3}{cpe:alnum:3}") == token
    assert expand("{cpe:ALNUM:6}") == token.upper()
    assert expand("{cpe:alnum:6}", 8) != token
    assert expand("{cpe:alnum:6}", seed=43) != token


@pytest.mark.parametrize(
    ("pattern", "serial"),
    [
        ("{base}-{i}", "S-7"),
        ("HG{i:08}", "HG00000007"),
        ("{base}{i:3}{cpe:hex:2}", "S00707"),
        ("{wan}/{base}", "203.0.113.7/S"),
        ("fixed", "fixed"),
    ],
)
def test_serial_pattern(pattern: str, serial: str) -> None:
    assert SerialPattern(pattern, "S", POOLS).text_for(7, 42) == serial


def test_placeholders_in_the_declared_serial_are_replaced_too() -> None:
    assert SerialPattern("{base}-{i}", "{cpe:2}", {}).text_for(7, 42) == "07-7"


def test_first_options() -> None:
    assert first_options("{cpe:pick: 1 ,6}{cpe:rpick:a,b}{cpe:2}") == "1a{cpe:2}"


def test_equal_picks_share_their_text() -> None:
    ready = expansion("{cpe:pick:north,south}", {})
    assert ready is not None
    assert ready.text_for(1, 0) == ready.text_for(3, 0) == "north"


@pytest.mark.parametrize(
    ("pool", "capacity"),
    [
        (ipv4_pool("203.0.113.0/24"), 255),
        (ipv4_pool("203.0.113.9/32"), 1),
        (ipv6_pool("2001:db8::/64"), None),
        (ipv6_pool("2001:db8::/112"), 65535),
        (ipv6_pool("2001:db8::/128"), 0),
        (ipv6_prefix_pool("2001:db8:cafe::/48", 56), 255),
    ],
)
def test_capacity(pool: Pool, capacity: int | None) -> None:
    assert pool.capacity == capacity
    if capacity:
        pool.value(capacity)
        with pytest.raises(PoolError):
            pool.value(capacity + 1)


def test_host_bits_may_be_set_and_a_single_address_is_itself() -> None:
    assert ipv4_pool("203.0.113.77/24").value(1) == "203.0.113.1"
    assert ipv4_pool("203.0.113.9/32").value(1) == "203.0.113.9"


@pytest.mark.parametrize("cidr", ["203.0.113.0", "203.0.113.0/33", "2001:db8::/64", "x/8", "203.0.113.0/255.255.255.0"])
def test_no_ipv4_block(cidr: str) -> None:
    with pytest.raises(PoolError):
        ipv4_pool(cidr)
