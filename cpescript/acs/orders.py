"""Orders: what a scenario asks of an ACS, as plain data that travels in memory or as JSON.

| verb | arguments |
| --- | --- |
| set | `settings`: [[path, value text, XSD type as the device has it, or null], …], one message |
| get | `paths`: [path, …] |
| add, delete | `path` |
| download | `firmware`: version, or `file_type` and `url` |
| upload | `file_type`, `url` |
| reboot, factory-reset | – |
| connect | –: a connection request, nothing else |
| forget | –: the ACS drops what it knows of the device |
| call | `name`, `inputs`: {name: value} |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class DeviceKey(NamedTuple):
    """Who a device is to an ACS: all three together (TR-069 3.4.4); the class may be empty."""

    oui: str
    product_class: str
    serial: str

    def __str__(self) -> str:
        return "-".join(part for part in self if part)


@dataclass(frozen=True, slots=True)
class Order:
    """One order for one device; only `call` may come without a device (then it is for every device known)."""

    verb: str
    device: DeviceKey | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "verb": self.verb,
            "device": list(self.device) if self.device is not None else None,
            "arguments": dict(self.arguments),
        }


@dataclass(frozen=True, slots=True)
class OrderResult:
    """Whether the ACS took the order. `reason` says why not; `data` is what `as r` keeps (`status`, `body`)."""

    accepted: bool
    reason: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"accepted": self.accepted, "reason": self.reason, "data": dict(self.data)}


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _texts(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and bool(value) and all(map(_text, value))


def _setting(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) == 3
        and _text(value[0])
        and isinstance(value[1], str)
        and (value[2] is None or _text(value[2]))
    )


def _settings(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and bool(value) and all(map(_setting, value))


def _mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


Shape = Mapping[str, Callable[[Any], bool]]

SHAPES: Mapping[str, tuple[Shape, ...]] = {
    "set": ({"settings": _settings},),
    "get": ({"paths": _texts},),
    "add": ({"path": _text}, {"path": _text, "settings": _settings}),
    "delete": ({"path": _text},),
    "download": ({"firmware": _text}, {"file_type": _text, "url": _text}),
    "upload": ({"file_type": _text, "url": _text},),
    "reboot": ({},),
    "factory-reset": ({},),
    "connect": ({},),
    "forget": ({},),
    "call": ({"name": _text, "inputs": _mapping}, {"name": _text}),
}
"""The arguments that each verb takes, in each of its forms."""

VERBS = frozenset(SHAPES)


def malformed(order: Order) -> str:
    """Return what is wrong with an order's verb or arguments, empty where nothing is."""
    shapes = SHAPES.get(order.verb)
    if shapes is None:
        return f"no such verb: {order.verb}"
    given = {name: value for name, value in order.arguments.items() if value is not None}
    for shape in shapes:
        if shape.keys() == given.keys() and all(fits(given[name]) for name, fits in shape.items()):
            break
    else:
        forms = " or ".join(", ".join(shape) or "no arguments" for shape in shapes)
        return f"{order.verb} takes {forms}"
    if order.device is None and order.verb != "call":
        return f"{order.verb} needs a device"
    return ""


def order_from_json(value: Any) -> Order:
    """Return the order that `Order.as_json` spelled. Raises ValueError for anything else."""
    match value:
        case {"verb": str() as verb, "device": None, "arguments": dict() as arguments}:
            return Order(verb, None, arguments)
        case {
            "verb": str() as verb,
            "device": [str() as oui, str() as name, str() as serial],
            "arguments": dict() as arguments,
        }:
            return Order(verb, DeviceKey(oui, name, serial), arguments)
    raise ValueError("an order is {verb, device: [oui, product class, serial] or null, arguments: {…}}")
