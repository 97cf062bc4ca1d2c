"""Reads the Broadband Forum's data-model descriptions: what the standard says of each path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lxml import etree

FOLDER = Path(__file__).parents[2].parent / "shared" / "standards" / "datamodel"

_PRIMITIVES = ("string", "int", "long", "unsignedInt", "unsignedLong", "boolean", "dateTime", "base64", "hexBinary")
_FAMILIES = {"long": "int", "unsignedLong": "unsignedInt", "hexBinary": "string", "decimal": "string"}


@dataclass(frozen=True)
class Standard:
    """Generic path (`{i}` for instances) to (type family, writable), and of each object to whether it is writable."""

    parameters: dict[str, tuple[str, bool]]
    objects: dict[str, bool]
    forced: frozenset[str]
    """Parameters that every Inform carries."""


@cache
def read(name: str) -> Standard:
    """Return the descriptions in one of the XML files."""
    root = etree.parse(FOLDER / name, etree.XMLParser(resolve_entities=False, no_network=True)).getroot()
    bases: dict[str, str] = {}
    for data_type in root.iter("dataType"):
        primitive = next((child.tag for child in data_type if child.tag in _PRIMITIVES), None)
        bases[data_type.get("name", "")] = primitive or data_type.get("base", "string")

    def family(kind: str) -> str:
        while kind in bases:
            kind = bases[kind]
        return _FAMILIES.get(kind, kind)

    parameters: dict[str, tuple[str, bool]] = {}
    objects: dict[str, bool] = {}
    forced = set()
    for model in root.iter("model"):
        for node in model.iter("object"):
            path = node.get("name", "")
            objects[path] = node.get("access") == "readWrite"
        for parameter in model.iter("parameter"):
            parent = parameter.getparent()
            prefix = parent.get("name", "") if parent is not None and parent.tag == "object" else ""
            syntax = parameter.find("syntax")
            kind = "string"
            if syntax is not None:
                for child in syntax:
                    if child.tag == "dataType":
                        kind = child.get("ref") or child.get("base") or "string"
                    elif child.tag in _PRIMITIVES or child.tag == "decimal":
                        kind = child.tag
                if syntax.find("list") is not None:
                    kind = "string"
            path = prefix + parameter.get("name", "")
            parameters[path] = family(kind), parameter.get("access") == "readWrite"
            if parameter.get("forcedInform") == "true":
                forced.add(path)
    return Standard(parameters, objects, frozenset(forced))


def generic(path: str) -> str:
    """Return a path as the data models write it."""
    return re.sub(r"\.\d+(?=\.)", ".{i}", path)


@cache
def hidden(name: str) -> frozenset[str]:
    """Return the texts that one of the XML files hides."""
    root = etree.parse(FOLDER / name, etree.XMLParser(resolve_entities=False, no_network=True)).getroot()
    found = set()
    for parameter in root.iter("parameter"):
        syntax, parent = parameter.find("syntax"), parameter.getparent()
        if syntax is not None and syntax.get("hidden") == "true" and syntax.get("command") != "true":
            prefix = parent.get("name", "") if parent is not None and parent.tag == "object" else ""
            if syntax.find("boolean") is None:
                found.add(prefix + parameter.get("name", ""))
    return frozenset(found)
