"""Reads what a device has answered: GetParameterNames and GetParameterValues responses, from XML files or a trace."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from lxml import etree

from cpescript.device.importing.findings import Findings, ImportRefused
from cpescript.device.importing.xml_events import elements, line_of, local

_STRUCTURES = {"ParameterInfoStruct": "", "ParameterValueStruct": ""}
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_ANSWERS = frozenset({"GetParameterNamesResponse", "GetParameterValuesResponse"})
_LONGEST_RECORD = 16 << 20
"""Octets of one line of a trace: a GetParameterValuesResponse of a whole device has one or two MiB."""


def read(paths: Iterable[Path]) -> Findings:
    """Return what captured responses, one SOAP envelope a file, say of a device. Raises ImportRefused."""
    findings = Findings()
    for path in paths:
        try:
            for element in elements(path, _STRUCTURES):
                _take(findings, element)
        except ImportRefused as refused:
            refused.source = path
            raise
    return _whole(findings)


def read_trace(path: Path, device: str | None = None) -> Findings:
    """Return what a device of a trace has answered: the one called `device` (`fleet[3]`), else the first that answered.

    Raises ImportRefused.
    """
    findings = Findings()
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    for number, line in _records(path):
        try:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise ValueError("no object")
        except (ValueError, RecursionError) as error:
            raise ImportRefused(f"this is no trace: {error}", number) from None
        if record.get("kind") not in _ANSWERS or (device is not None and record.get("device") != device):
            continue
        device = record.get("device")
        try:
            envelope = etree.fromstring(str(record.get("body") or "").encode(), parser)
        except etree.XMLSyntaxError as error:
            raise ImportRefused(f"the body of this record is no XML: {error.msg}", number) from None
        for element in envelope.iter():
            if local(element) in _STRUCTURES:
                _take(findings, element)
    return _whole(findings)


def _records(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(iter(lambda: stream.readline(_LONGEST_RECORD), b""), 1):
                if len(line) == _LONGEST_RECORD:
                    raise ImportRefused(f"a line is longer than {_LONGEST_RECORD >> 20} MiB", number)
                if line.strip():
                    yield number, line
    except OSError as error:
        raise ImportRefused(f"cannot be read: {error.strerror or error}") from None


def _take(findings: Findings, element: etree._Element) -> None:
    fields = {local(child): child for child in element}
    name = (fields["Name"].text or "").strip() if "Name" in fields else ""
    if not name:
        raise ImportRefused("a parameter without a name", line_of(element))
    line = line_of(element)
    if "Writable" in fields:
        writable = (fields["Writable"].text or "").strip() in ("1", "true")
        if name.endswith("."):
            findings.object(name, writable, line)
        else:
            findings.parameter(name, line).writable = writable
    elif "Value" in fields and not name.endswith("."):
        found = findings.parameter(name, line)
        found.value = fields["Value"].text or ""
        found.type = (fields["Value"].get(_TYPE) or "").rpartition(":")[2] or None


def _whole(findings: Findings) -> Findings:
    if not findings.parameters:
        raise ImportRefused("there is no GetParameterNamesResponse or GetParameterValuesResponse in it")
    without_access = sum(found.writable is None for found in findings.parameters.values())
    without_value = sum(found.value is None for found in findings.parameters.values())
    if without_access:
        findings.notes.append(f"{without_access} parameters are read-only here: no GetParameterNames answer lists them")
    if without_value:
        findings.notes.append(f"{without_value} parameters have no value: no GetParameterValues answer lists them")
    return findings
