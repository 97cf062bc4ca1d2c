"""What a trace tells of a device: everything that it said of itself, and what the ACS could set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cpescript.cwmp.message import Message
from cpescript.device.importing.findings import Finding, Findings, ImportRefused
from cpescript.device.importing.writer import IDENTITY
from cpescript.recording.reading import Header, Line
from cpescript.simulation import decode_or_none

MASKED = "***"
_FIELDS = {
    "manufacturer": "manufacturer",
    "oui": "oui",
    "productClass": "product_class",
    "serialNumber": "serial_number",
}


class Told:
    """Gathers the findings of one device. What it had first is what a new one has."""

    def __init__(self) -> None:
        self.findings = Findings()
        self._asked: Message | None = None
        self._added: set[str] = set()
        """Instances that the ACS has made, with their dots."""

    def take(self, message: Message) -> None:
        """Take in a message of the device, or to it. Raises ImportRefused for what is no path."""
        take = _TAKEN.get(message.kind)
        if take is not None:
            take(self, message)

    def _values(self, message: Message) -> None:
        for each in message.fields.get("parameter_list", ()):
            self._value(each)

    def _value(self, each: Any, *, set_: bool = False) -> None:
        finding = self._finding(each.name)
        kind = (each.type or "").rpartition(":")[2]
        if kind and finding.type is None:
            finding.type = kind
        if set_:
            finding.writable = True
        elif finding.value is None and each.value != MASKED:
            finding.value = each.value

    def _finding(self, path: str) -> Finding:
        instance = next((added for added in self._added if path.startswith(added)), None)
        if instance is None:
            return self.findings.parameter(path)
        table, _, _ = instance[:-1].rpartition(".")
        return self.findings.columns.setdefault(f"{table}.", {}).setdefault(path[len(instance) :], Finding())

    def _inform(self, message: Message) -> None:
        self._values(message)
        names = [each.name for each in message.fields.get("parameter_list", ())]
        root = (names[0] if names else "Device.").partition(".")[0] + "."
        for key, (path, _) in IDENTITY.items():
            finding = self.findings.parameter(root + path)
            if finding.value is None:
                finding.type, finding.value = "string", str(message.fields.get(_FIELDS[key], ""))

    def _names(self, message: Message) -> None:
        for each in message.fields.get("parameter_list", ()):
            if each.name.endswith("."):
                self.findings.object(each.name, bool(each.writable))
            else:
                self._finding(each.name).writable = bool(each.writable)

    def _set(self, message: Message) -> None:
        for each in message.fields.get("parameter_list", ()):
            self._value(each, set_=True)

    def _ask(self, message: Message) -> None:
        self._asked = message

    def _made(self, message: Message) -> None:
        if self._asked is not None:
            table = str(self._asked.fields.get("object_name", ""))
            self.findings.object(table, True)
            self._added.add(f"{table}{message.fields.get('instance_number', 0)}.")


_TAKEN: Mapping[str, Callable[[Told, Message], None]] = {
    "Inform": Told._inform,
    "GetParameterValuesResponse": Told._values,
    "GetParameterNamesResponse": Told._names,
    "SetParameterValues": Told._set,
    "AddObject": Told._ask,
    "AddObjectResponse": Told._made,
}


def findings(lines: Iterable[Line], device: str) -> Findings:
    """Return what a trace tells of the device of that name. Raises ImportRefused, TraceError."""
    told = Told()
    for line in lines:
        if isinstance(line, Header) or line.device != device or not line.body:
            continue
        message = decode_or_none(line.body)
        if message is not None:
            told.take(message)
    for path in told.findings.parameters:
        # Nobody said whether instances can be added: better one too many than an AddObject that is refused.
        parts = path.split(".")
        for place in range(1, len(parts) - 1):
            if parts[place].isdecimal():
                told.findings.objects.setdefault(".".join(parts[:place]) + ".", True)
    if not told.findings.parameters:
        raise ImportRefused(f"{device} tells nothing of itself in this trace")
    return told.findings
