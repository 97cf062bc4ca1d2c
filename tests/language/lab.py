"""What the language tests share: a small catalogue of their own, so that no golden hangs on a shipped profile."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from cpescript.diagnostics import Bag
from cpescript.language.catalogue import QuirkType, Standard
from cpescript.language.loader import load, load_text
from cpescript.language.timeline import Timeline

CORPUS = Path(__file__).parents[1] / "corpus"

PARAMETERS = {
    "Device.DeviceInfo.SoftwareVersion": "string",
    "Device.DeviceInfo.ProvisioningCode": "string",
    "Device.DeviceInfo.UpTime": "unsignedInt",
    "Device.DeviceInfo.FirstUseDate": "dateTime",
    "Device.ManagementServer.PeriodicInformInterval": "unsignedInt",
    "Device.ManagementServer.PeriodicInformEnable": "boolean",
    "Device.WiFi.Radio.1.Channel": "unsignedInt",
    "Device.WiFi.SSID.1.SSID": "string",
    "Device.WiFi.SSID.1.Enable": "boolean",
    "Device.NAT.PortMapping.1.Enable": "boolean",
}


class Box:
    """A profile's schema as far as the checker asks; numbers in a path stand for any instance."""

    def __init__(self, name: str, parameters: Mapping[str, str] = PARAMETERS) -> None:
        self.name = name
        self.types = {_any(path): type_ for path, type_ in parameters.items()}
        self.written = list(parameters)

    def path_exists(self, path: str) -> bool:
        wanted = _any(path)
        return wanted in self.types or (wanted.endswith(".") and any(known.startswith(wanted) for known in self.types))

    def type_of(self, path: str) -> str | None:
        return self.types.get(_any(path))

    def all_names(self) -> Iterable[str]:
        for path in self.written:
            yield path
            words = path.split(".")
            yield from (".".join(words[:count]) + "." for count in range(1, len(words)))


def _any(path: str) -> str:
    return re.sub(r"\.(\d+|\*)(?=\.|$)", ".#", path)


def _fault_range(arguments: Mapping[str, Any]) -> str:
    return "" if 9000 <= arguments["code"] <= 9899 else f"{arguments['code']} is no fault of a device"


class Lab(Standard):
    """The messages of the standard, and quirks, states and profiles that never change."""

    quirks: ClassVar[Mapping[str, QuirkType]] = {  # type: ignore[misc]
        "transfer-fault": QuirkType(
            "transfer-fault", {"code": "int", "times": "int"}, frozenset({"code"}), _fault_range
        ),
        "interval-clamped": QuirkType("interval-clamped", {"minimum": "int"}),
    }
    states = (
        "registered",
        "online",
        "offline",
        "in session",
        "rebooting",
        "downloading",
        "updating",
        "faulted",
        "subscribed",
    )

    def __init__(self) -> None:
        self.boxes = {"hg100": Box("hg100"), "small": Box("small", {"Device.DeviceInfo.SoftwareVersion": "string"})}

    def profile(self, name: str, near: Path, declared: str | None) -> tuple[Any, Bag]:
        return (None, Bag()) if declared is not None else (self.boxes.get(name), Bag())

    def profile_names(self, near: Path) -> Collection[str]:
        return tuple(self.boxes)


LAB = Lab()


def problems(text: str) -> list[tuple[str, str, int, int]]:
    """Return what is wrong with a scenario's text: (code, underlined text, line, column), in order."""
    _, bag = load_text(text, "test.cpes", LAB)
    return [(item.code, underlined(text, item.span), item.span.line, item.span.column) for item in bag]


def codes(text: str) -> list[str]:
    """Return only the codes of what is wrong."""
    return [code for code, *_ in problems(text)]


def underlined(text: str, span: Any) -> str:
    line = text.split("\n")[span.line - 1]
    return line[span.column - 1 : span.end_column - 1 if span.end_line == span.line else None]


def timelines(text: str, **given: Any) -> list[Timeline]:
    """Return the cases of a scenario's text, which must be in order."""
    program, bag = load_text(text, "test.cpes", LAB)
    assert program is not None
    assert not bag.failed, bag.render()
    cases, bag = program.cases(**given)
    assert not bag.failed, bag.render()
    return cases


def timeline(text: str, **given: Any) -> Timeline:
    (only,) = timelines(text, **given)
    return only


__all__ = [
    "CORPUS",
    "LAB",
    "Box",
    "Lab",
    "codes",
    "load",
    "load_text",
    "problems",
    "timeline",
    "timelines",
    "underlined",
]
