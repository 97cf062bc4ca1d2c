"""Firmware images: the header by which a device tells the version of what it got, and the version that a URL names.

An image of ours starts with a header of text lines, ended by an empty line; whatever follows is filler:

    CPESCRIPT-IMAGE 1
    version: 2.1.0
    product-class: HG100
    size: 8388608

`version` must be there; `product-class` and `size` (octets of the whole file) may: an image for another product, or
one that was cut, is refused. A device looks for `version:` of such a header, then for the marker
`cpe-labs-firmware-version:` anywhere in what it sees of the file, then goes by the URL.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote, urlsplit

MAGIC = b"CPESCRIPT-IMAGE 1\n"
LONGEST_VERSION = 64
"""Characters of a SoftwareVersion (TR-181, DeviceInfo)."""
_VERSION = re.compile(rb"^version: *([\x21-\x7e]{1,%d})\r?$" % LONGEST_VERSION, re.MULTILINE)
_FIELD = re.compile(rb"^(product-class|size): *([^\r\n]{1,64})\r?$", re.MULTILINE)
_MARKER = re.compile(rb"cpe-labs-firmware-version: *([\x21-\x7e]{1,%d})" % LONGEST_VERSION)


def header(version: str) -> bytes:
    """Return the header of an image of that version."""
    return MAGIC + f"version: {version}\n\n".encode()


def filler(version: str, size: int) -> bytes:
    """Return a whole image: the header, and zeros up to `size` octets (never less than the header)."""
    return header(version).ljust(size, b"\0")


@lru_cache(maxsize=64)
def sha256(version: str, size: int) -> str:
    """Return the hex SHA-256 of `filler(version, size)`."""
    digest = hashlib.sha256(header(version))
    left, block = max(0, size - len(header(version))), bytes(1 << 16)
    while left > 0:
        digest.update(block[: min(left, len(block))])
        left -= len(block)
    return digest.hexdigest()


def version_in(head: bytes) -> str | None:
    """Return the version that the first octets of an image tell, None where they tell none."""
    if head.startswith(MAGIC):
        found = _VERSION.search(head.partition(b"\n\n")[0])
        if found is not None:
            return found[1].decode()
    found = _MARKER.search(head)
    return found[1].decode() if found is not None else None


def wrong_with(head: bytes, size: int, product_class: str) -> str:
    """Return why an image of `size` octets is none for that product, empty where nothing speaks against it."""
    if not head.startswith(MAGIC):
        return ""
    said = {key.decode(): value.decode("utf-8", "replace") for key, value in _FIELD.findall(head.partition(b"\n\n")[0])}
    if said.get("product-class", product_class) != product_class:
        return f"the image is for {said['product-class']}"
    if said.get("size", str(size)) != str(size):
        return f"{size} octets came, the image says {said['size']}"
    return ""


def named_version(url: str, declared: Iterable[str] = ()) -> str:
    """Return the version that a firmware URL brings.

    A declared version that is a segment of the path, or stands in the last one, the longest first; else the last
    segment without its extension (a number behind a dot is none: `2.1.0`). Empty for a URL without path.
    """
    segments = [unquote(segment) for segment in urlsplit(url).path.split("/") if segment]
    if not segments:
        return ""
    for version in sorted(declared, key=len, reverse=True):
        if version in segments or version in segments[-1]:
            return version
    stem, dot, extension = segments[-1].rpartition(".")
    return stem if dot and stem and not extension.isdecimal() else segments[-1]
