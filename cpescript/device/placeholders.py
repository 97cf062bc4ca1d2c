"""Fleet placeholders: texts of a profile that differ from device to device, worked out whenever they are asked for.

Rules (profile format, 7.1):

1. `{cpe_id}`, then `{cpe}`, then the names of pools are replaced wherever they stand; then one pass from left to right
   replaces every `{cpe:...}`. What is not recognised stays as it is.
2. A serial pattern first replaces `{base}`, `{i}` and `{i:N}`, then goes through rule 1.
3. Draws of `alnum` come from the stream `<cpe_id>:serial`, begun anew for every text and drawn on within it; a draw of
   `rpick` comes from the stream `<cpe_id>:rpick:a,b,c`.

A device's index counts from 1 over the whole fleet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from cpescript.device.pools import Pool, PoolError, ipv4_pool, ipv6_pool, ipv6_prefix_pool
from cpescript.kernel import draws

RESERVED = frozenset({"cpe", "cpe_id", "i", "base"})
"""Names that no pool may have."""

_CODED = re.compile(r"\{cpe:([^{}]*)\}")
_COUNTED = re.compile(r"\{i:(\d+)\}")
_LOWER = "0123456789abcdefghijklmnopqrstuvwxyz"
_MOST_WIDE = 64
"""No placeholder is wider than a serial number may be."""


class PlaceholderError(ValueError):
    """A placeholder has a bad argument, or the index of a device is out of its reach."""


class _Pass:
    """One pass over one text for one device; remembers how many characters `alnum` has drawn in it."""

    __slots__ = ("drawn", "index", "seed")

    def __init__(self, index: int, seed: int) -> None:
        self.index = index
        self.seed = seed
        self.drawn = 0

    def __call__(self, match: re.Match[str]) -> str:
        spec = match[1]
        name, colon, argument = spec.partition(":")
        form = FORMS.get(name) if colon else None
        if form is not None:
            return form(self, argument)
        if spec.isdecimal() and spec.isascii():
            return str(self.index).zfill(_width(spec, 0))
        return match[0]


def _width(text: str, least: int) -> int:
    if not (text.isdecimal() and text.isascii()) or len(text) > 9 or not least <= int(text) <= _MOST_WIDE:
        raise PlaceholderError(f"{text!r} is no width within {least}..{_MOST_WIDE}")
    return int(text)


def _hexadecimal(form: str) -> Callable[[_Pass, str], str]:
    return lambda here, argument: format(here.index, form).zfill(_width(argument, 0))


def _mac(form: str) -> Callable[[_Pass, str], str]:
    def mac(here: _Pass, argument: str) -> str:
        if argument not in ("1", "2", "3"):
            raise PlaceholderError(f"{argument!r} is no number of octets within 1..3")
        if here.index >> 8 * int(argument):
            raise PlaceholderError(f"{argument} octets do not hold device {here.index}")
        return ":".join(format(octet, form) for octet in here.index.to_bytes(int(argument), "big"))

    return mac


def _prefix(here: _Pass, argument: str) -> str:
    block, _, sublen = argument.rpartition(",")
    if not (sublen.strip().isdecimal() and sublen.isascii()) or len(sublen) > 9:
        raise PlaceholderError(f"{argument!r} is not SUPER,LENGTH")
    return ipv6_prefix_pool(block.strip(), int(sublen)).value(here.index)


@lru_cache(maxsize=256)
def options(argument: str) -> tuple[str, ...]:
    """Return the trimmed options of a `pick` or `rpick`; equal texts share them."""
    return tuple(option.strip() for option in argument.split(","))


def _pick(here: _Pass, argument: str) -> str:
    choices = options(argument)
    return choices[(here.index - 1) % len(choices)]


def _random_pick(here: _Pass, argument: str) -> str:
    choices = options(argument)
    stream = draws.stream(here.seed, f"cpe-{here.index}:rpick:{argument}")
    return choices[draws.below(stream, 0, len(choices))]


def _alphanumeric(alphabet: str) -> Callable[[_Pass, str], str]:
    def alphanumeric(here: _Pass, argument: str) -> str:
        stream, first = draws.stream(here.seed, f"cpe-{here.index}:serial"), here.drawn
        here.drawn += _width(argument, 1)
        return "".join(alphabet[draws.below(stream, n, 36)] for n in range(first, here.drawn))

    return alphanumeric


FORMS: dict[str, Callable[[_Pass, str], str]] = {
    "hex": _hexadecimal("x"),
    "HEX": _hexadecimal("X"),
    "mac": _mac("02x"),
    "MAC": _mac("02X"),
    "ipv4": lambda here, argument: ipv4_pool(argument).value(here.index),
    "ipv6": lambda here, argument: ipv6_pool(argument).value(here.index),
    "ipv6prefix": _prefix,
    "pick": _pick,
    "rpick": _random_pick,
    "alnum": _alphanumeric(_LOWER),
    "ALNUM": _alphanumeric(_LOWER.upper()),
}
"""The forms `{cpe:NAME:ARGUMENT}`; a number in place of a name is the width of `{cpe:3}`."""


REMEMBERED = 1 << 13
"""Texts that are kept: every Inform tells the same few, and working one out costs as much as the rest of reading it."""


class Expansion:
    """A text with placeholders, made ready: which pools it names, and whether `{cpe:...}` occurs in it."""

    __slots__ = ("_coded", "_pools", "text")

    def __init__(self, text: str, pools: Mapping[str, Pool]) -> None:
        self.text = text
        self._coded = "{cpe:" in text
        self._pools = tuple((f"{{{name}}}", pool) for name, pool in pools.items() if f"{{{name}}}" in text)

    @property
    def pools(self) -> Iterator[str]:
        """The names of the pools that the text draws on."""
        return (marker[1:-1] for marker, _ in self._pools)

    def text_for(self, index: int, seed: int) -> str:
        """Return the text of the device with this index. Raises PlaceholderError."""
        return _remembered(self, index, seed)

    def work_out(self, index: int, seed: int) -> str:
        """Return what `text_for` does, anew."""
        return self._expand(self.text, index, seed)

    def _expand(self, text: str, index: int, seed: int) -> str:
        try:
            text = text.replace("{cpe_id}", f"cpe-{index}").replace("{cpe}", str(index))
            for marker, pool in self._pools:
                text = text.replace(marker, pool.value(index))
            return _CODED.sub(_Pass(index, seed), text) if self._coded else text
        except PoolError as error:
            raise PlaceholderError(str(error)) from None


@lru_cache(maxsize=REMEMBERED)
def _remembered(expansion: Expansion, index: int, seed: int) -> str:
    return expansion.work_out(index, seed)


class SerialPattern(Expansion):
    """The pattern of a fleet's serial numbers; `base` is the serial number that the profile declares."""

    __slots__ = ()

    def __init__(self, pattern: str, base: str, pools: Mapping[str, Pool]) -> None:
        super().__init__(pattern.replace("{base}", base), pools)

    def work_out(self, index: int, seed: int) -> str:
        def counted(match: re.Match[str]) -> str:
            return str(index).zfill(_width(match[1], 0))

        return self._expand(_COUNTED.sub(counted, self.text.replace("{i}", str(index))), index, seed)


def expansion(text: str, pools: Mapping[str, Pool]) -> Expansion | None:
    """Return the text made ready, None where nothing in it would be replaced."""
    if "{" not in text:
        return None
    if "{cpe_id}" in text or "{cpe}" in text or any(f"{{{name}}}" in text for name in pools):
        return Expansion(text, pools)
    for match in _CODED.finditer(text):
        name, colon, _ = match[1].partition(":")
        if (colon and name in FORMS) or (match[1].isdecimal() and match[1].isascii()):
            return Expansion(text, pools)
    return None


def first_options(text: str) -> str:
    """Return a text with every `pick` and `rpick` replaced by its first option: what is checked at load (3.2)."""

    def first(match: re.Match[str]) -> str:
        name, colon, argument = match[1].partition(":")
        return options(argument)[0] if colon and name in ("pick", "rpick") else match[0]

    return _CODED.sub(first, text)


def every_option(text: str) -> Iterator[str]:
    """Yield the text of a lone `pick` or `rpick` with each of its options; nothing for any other text."""
    match = _CODED.fullmatch(text)
    if match is not None:
        name, colon, argument = match[1].partition(":")
        if colon and name in ("pick", "rpick"):
            yield from options(argument)
