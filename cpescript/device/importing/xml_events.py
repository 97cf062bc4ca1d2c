"""Reads XML of strangers piece by piece: bounded in size, no entities, no network, no document type.

Elements are handed over when they are complete, and forgotten afterwards, so that memory does not grow with the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from lxml import etree

from cpescript.device.importing.findings import MOST_OCTETS, ImportRefused

_PIECE = 1 << 16
_DROPPED_BELOW = frozenset({"document", "model"})
"""Elements whose other children (profiles, bibliographies) can be large and say nothing of a device."""


def local(element: etree._Element) -> str:
    """Return an element's name without its namespace, empty for a comment or the like."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def line_of(element: etree._Element) -> int:
    """Return the line that an element begins on, 0 where that is not known."""
    line: Any = element.sourceline
    return line or 0


def _pieces(path: Path) -> Iterator[bytes]:
    size = 0
    try:
        with path.open("rb") as stream:
            # At once where that is known: reading so much takes its time.
            if os.fstat(stream.fileno()).st_size > MOST_OCTETS:
                raise ImportRefused(f"larger than {MOST_OCTETS >> 20} MiB")
            while piece := stream.read(_PIECE):
                size += len(piece)
                if size > MOST_OCTETS:
                    raise ImportRefused(f"larger than {MOST_OCTETS >> 20} MiB")
                yield piece
    except OSError as error:
        raise ImportRefused(f"cannot be read: {error.strerror or error}") from None


def root_name(path: Path) -> str:
    """Return the local name of a file's top element. Raises ImportRefused where it is no XML."""
    parser = _parser("start")
    for piece in _pieces(path):
        for element in _fed(parser, piece):
            return local(element)
    raise ImportRefused("this is no XML: it has no element")


def elements(path: Path, wanted: Mapping[str, str]) -> Iterator[etree._Element]:
    """Yield each element, complete, whose local name is in `wanted` and whose parent has the name given there.

    The name "" stands for any parent. An element is emptied when the next one is asked for. Raises ImportRefused for
    what is no XML, or has a document type.
    """
    parser = _parser("end")
    for piece in _pieces(path):
        for element in _fed(parser, piece):
            parent = element.getparent()
            above = local(parent) if parent is not None else ""
            if wanted.get(local(element)) in ("", above):
                yield element
                _forget(element)
            elif above in _DROPPED_BELOW:
                _forget(element)
    try:
        parser.close()
    except etree.XMLSyntaxError as error:
        raise _no_xml(error) from None


def _parser(event: Literal["start", "end"]) -> etree.XMLPullParser:
    return etree.XMLPullParser(
        events=(event,),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _fed(parser: etree.XMLPullParser, piece: bytes) -> Iterator[etree._Element]:
    try:
        parser.feed(piece)
    except etree.XMLSyntaxError as error:
        # What libxml2 minds about entities says less than where they come from.
        raise _document_type() if b"<!DOCTYPE" in piece else _no_xml(error) from None
    for _, found in parser.read_events():
        element: Any = found
        if element.getroottree().docinfo.doctype:
            raise _document_type()
        yield element


def _document_type() -> ImportRefused:
    return ImportRefused("it declares a document type, which is not read", 1, "remove the <!DOCTYPE …>")


def _no_xml(error: etree.XMLSyntaxError) -> ImportRefused:
    return ImportRefused(f"this is no XML: {error.msg}", error.lineno or 0)


def _forget(element: etree._Element) -> None:
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]
